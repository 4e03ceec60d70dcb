"""Venues by the names that people give them."""

from __future__ import annotations

import re
from functools import cache

from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.venues.venue import VENUES, Venue, venue

ALIASES = {
    "XTKS": ("Tokyo", "TSE", "TYO", "JPX"),
    "XKRX": ("KRX", "KSE", "KOSPI"),
    "XKOS": ("KOSDAQ",),
    "XTAI": ("TWSE",),
    "ROCO": ("TPEx",),
    "XHKG": ("HKEX", "HKG", "SEHK", "Hong Kong Stock Exchange"),
    "XSHG": ("Shanghai", "SSE", "SHA"),
    "XSHE": ("Shenzhen", "SZSE", "SHE"),
    "XBOM": ("BSE", "BOM", "Bombay", "Bombay Stock Exchange"),
    "XNSE": ("NSE", "National Stock Exchange"),
    "XSES": ("SGX",),
    "XASX": ("ASX", "Sydney"),
    "XIDX": ("IDX", "Jakarta"),
    "XBKK": ("SET", "BKK", "Bangkok"),
    "XKLS": ("KLSE", "Bursa", "Kuala Lumpur"),
    "XPHS": ("PSE", "Manila"),
    "XNYS": ("NYSE", "New York"),
}
"""What else a venue is called; its MIC, its name and its market count besides."""

MARKETS = {
    "JP": ("Japan",),
    "KR": ("Korea", "South Korea", "Seoul"),
    "TW": ("Taiwan", "Taipei"),
    "HK": ("Hong Kong",),
    "CN": ("China",),
    "IN": ("India", "Mumbai"),
    "SG": ("Singapore",),
    "AU": ("Australia",),
    "ID": ("Indonesia",),
    "TH": ("Thailand",),
    "MY": ("Malaysia",),
    "PH": ("Philippines",),
    "US": ("USA", "United States"),
}
"""What a market is called; where it has several venues, that does not say which."""


def find_venue(text: str) -> Venue:
    """Find the venue that a MIC, a name, an abbreviation or a place stands for.

    Parameters
    ----------
    text : str
        Such as ``xhkg``, ``HKEX``, ``Tokyo`` or ``Taiwan Stock Exchange``; case, spaces and hyphens do not matter.

    Raises
    ------
    InputError
        No such venue, or a market of several.

    Examples
    --------
    >>> find_venue("Tokyo").mic, find_venue("hkex").mic, find_venue("Taipei Exchange").mic
    ('XTKS', 'XHKG', 'ROCO')
    """
    found = _called().get(_plain(text), ())
    if len(found) == 1:
        return venue(found[0])
    if found:
        which = " or ".join(f"'{mic}' ({venue(mic).name})" for mic in found)
        raise InputError(Problem("one venue", f"'{text}', which may be {which}", "write which of the two"))
    raise InputError(Problem("a venue by MIC or name", f"'{text}'", _nearest(text)))


def _nearest(text: str) -> str:
    written = {name.casefold(): name for mic in VENUES for name in (mic, *_names(mic))}
    near = did_you_mean(" ".join(text.casefold().split()), written)
    if not near.startswith("did you mean"):
        return did_you_mean("", VENUES)
    return re.sub(r"'([^']+)'", lambda quoted: f"'{written[quoted[1]]}'", near)


@cache
def _called() -> dict[str, tuple[str, ...]]:
    """Give the venues that each name may stand for."""
    called: dict[str, tuple[str, ...]] = {}
    for mic in VENUES:
        for name in dict.fromkeys(map(_plain, (mic, *_names(mic)))):
            called[name] = (*called.get(name, ()), mic)
    return called


def _names(mic: str) -> tuple[str, ...]:
    market = venue(mic).market
    return (venue(mic).name, *ALIASES[mic], market, *MARKETS[market])


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())
