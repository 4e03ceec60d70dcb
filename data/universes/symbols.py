"""Symbols: the many ways to write one instrument, and the one way used here (Yahoo's)."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from aftershock.data.errors import InputError, Problem
from aftershock.data.venues import venue


@dataclass(frozen=True, slots=True)
class Instrument:
    """One listed security or index.

    Attributes
    ----------
    symbol : str
        Yahoo's symbol (``000660.KS``); for an index its short name (``N225``).
    venue : str
        The MIC of the exchange (``XKRX``).
    kind : str
        ``stock``, ``fund`` or ``index``.
    name : str
        "" where it is not in the shipped table.
    currency, market : str
        Of the venue: ``KRW``, ``KR``.
    themes : tuple of str
        Such as ``semis``, ``memory``; empty where it is not in the shipped table.
    """

    symbol: str
    venue: str
    kind: str
    name: str
    currency: str
    market: str
    themes: tuple[str, ...]


class Board(NamedTuple):
    """Where a Yahoo suffix trades, what its codes look like and to how many digits they are filled."""

    venue: str
    code: str
    digits: int = 0


BOARDS = {
    "T": Board("XTKS", r"[1-9][0-9A-Z]\d[0-9A-Z]\d?"),
    "KS": Board("XKRX", r"\d[0-9A-Z]{5}", 6),
    "KQ": Board("XKOS", r"\d[0-9A-Z]{5}", 6),
    "TW": Board("XTAI", r"\d{4}[0-9A-Z]{0,2}", 4),
    "TWO": Board("ROCO", r"\d{4}[0-9A-Z]{0,2}", 4),
    "HK": Board("XHKG", r"\d{4,5}", 4),
    "SS": Board("XSHG", r"[569]\d{5}"),
    "SZ": Board("XSHE", r"[0123]\d{5}", 6),
    "NS": Board("XNSE", r"[A-Z0-9&-]*[A-Z][A-Z0-9&-]*"),
    "BO": Board("XBOM", r"\d{6}|[A-Z][A-Z0-9&-]*"),
    "AX": Board("XASX", r"[A-Z0-9]{3,6}"),
    "SI": Board("XSES", r"[A-Z0-9]{3,4}"),
    "JK": Board("XIDX", r"[A-Z]{4}"),
    "BK": Board("XBKK", r"[A-Z0-9&-]+"),
    "KL": Board("XKLS", r"\d{4}[A-Z0-9]{0,2}", 4),
    "PS": Board("XPHS", r"[A-Z0-9]+"),
}
"""Yahoo's suffixes, their venues and the codes they take."""

MARKS = {
    **dict.fromkeys(("T", "JP", "JT", "TYO"), ("T",)),
    **dict.fromkeys(("KS", "KP"), ("KS",)),
    **dict.fromkeys(("KQ", "KOSDAQ"), ("KQ",)),
    **dict.fromkeys(("SK", "KR", "KRX"), ("KS", "KQ")),
    **dict.fromkeys(("TWSE", "TPE"), ("TW",)),
    **dict.fromkeys(("TWO", "TPEX"), ("TWO",)),
    **dict.fromkeys(("TT", "TW"), ("TW", "TWO")),
    **dict.fromkeys(("HK", "HKG", "HKEX", "SEHK"), ("HK",)),
    **dict.fromkeys(("SS", "SH", "CG", "SHA", "SSE"), ("SS",)),
    **dict.fromkeys(("SZ", "CS", "SHE", "SZSE"), ("SZ",)),
    **dict.fromkeys(("CH", "CN"), ("SS", "SZ")),
    **dict.fromkeys(("NS", "IS", "NSE"), ("NS",)),
    **dict.fromkeys(("BO", "IB", "BOM", "BSE"), ("BO",)),
    "IN": ("NS", "BO"),
    **dict.fromkeys(("AX", "AU", "AT", "ASX"), ("AX",)),
    **dict.fromkeys(("SI", "SP", "SGX"), ("SI",)),
    **dict.fromkeys(("JK", "IJ", "IDX"), ("JK",)),
    **dict.fromkeys(("BK", "TB", "BKK", "SET"), ("BK",)),
    **dict.fromkeys(("KL", "MK", "KLSE"), ("KL",)),
    **dict.fromkeys(("PS", "PM", "PSE"), ("PS",)),
}
"""What wires, terminals and web pages write for an exchange, and the Yahoo suffixes it may stand for."""

_BEFORE = re.compile(r"([A-Z]+):([0-9A-Z&-]+)")
_AFTER = re.compile(r"([0-9A-Z&-]+)([. :])([A-Z]+)")


def resolve(symbol: str, among: Collection[str] | None = None) -> Instrument:
    """Find the instrument a symbol stands for, whichever dialect it is written in.

    Parameters
    ----------
    symbol : str
        Yahoo's (``000660.KS``, ``^N225``), a wire's (``KS:000660``, ``2330.TT``, ``700.HK``), a
        terminal's (``6857 JP``, ``9988 HK Equity``) or an index by name (``Nikkei 225``).
    among : collection of str, optional
        Symbols that are at hand; they decide what the shipped table cannot (``TT`` is .TW or .TWO).

    Returns
    -------
    Instrument
        From the shipped tables; a well-formed symbol they do not hold is a ``stock`` without a name.

    Raises
    ------
    InputError
        No such exchange, a code it does not take, or several instruments it may be.

    Examples
    --------
    >>> resolve("KS:000660").symbol, resolve("6138.TT").symbol, resolve("Nikkei 225").symbol
    ('000660.KS', '6138.TWO', 'N225')
    >>> resolve("1234.T")
    Instrument(symbol='1234.T', venue='XTKS', kind='stock', name='', currency='JPY', market='JP', themes=())
    """
    text = " ".join(str(symbol).split())
    plain = _plain(text)
    aliases = _aliases()
    name = aliases.get(plain) or aliases.get(plain.removesuffix("INDEX"))
    if name:
        return known_instruments()[name]
    candidates = _candidates(text.upper())
    if not candidates:
        raise _unknown(text)
    return _instrument(candidates[0] if len(candidates) == 1 else _decide(text, candidates, among))


@cache
def known_instruments() -> dict[str, Instrument]:
    """Give every instrument of the shipped tables by symbol, indices last.

    Examples
    --------
    >>> known_instruments()["6138.TWO"].name
    'Anpec Electronics'
    """
    known = {}
    for row in read_shipped("instruments.csv"):
        themes = tuple(row["themes"].split())
        known[row["symbol"]] = _listed(row["symbol"], row["kind"], row["name"], themes)
    for row in read_shipped("indices.csv"):
        market = venue(row["venue"]).market
        known[row["symbol"]] = Instrument(
            row["symbol"], row["venue"], row["kind"], row["name"], row["currency"], market, ()
        )
    return known


def yahoo_symbol(symbol: str) -> str:
    """Write a symbol as Yahoo does; only indices differ.

    Examples
    --------
    >>> yahoo_symbol("N225"), yahoo_symbol("8035.T")
    ('^N225', '8035.T')
    """
    resolved = resolve(symbol).symbol
    yahoo = {row["symbol"]: row["yahoo"] for row in read_shipped("indices.csv")}
    return yahoo.get(resolved, resolved)


def read_shipped(name: str) -> list[dict[str, str]]:
    """Read one of the tables that stand beside this module, row by row."""
    text = files("aftershock.data.universes").joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def _plain(text: str) -> str:
    return re.sub(r"[^0-9A-Z]", "", text.upper())


@cache
def _aliases() -> dict[str, str]:
    return {
        _plain(alias): row["symbol"]
        for row in read_shipped("indices.csv")
        for alias in (row["symbol"], row["name"], row["yahoo"], *row["aliases"].split(";"))
        if alias
    }


def _candidates(text: str) -> list[str]:
    """List the Yahoo symbols a text may stand for."""
    text = text.removesuffix(" EQUITY")
    before, after = _BEFORE.fullmatch(text), _AFTER.fullmatch(text)
    if before and before[1] in MARKS:
        code, suffixes = before[2], MARKS[before[1]]
    elif after and after[2] == "." and after[3] in BOARDS:
        code, suffixes = after[1], (after[3],)
    elif after:
        code, suffixes = after[1], MARKS.get(after[3], ())
    else:
        return []
    filled = [(_filled(code, BOARDS[suffix].digits), suffix) for suffix in suffixes]
    return [f"{code}.{suffix}" for code, suffix in filled if re.fullmatch(BOARDS[suffix].code, code)]


def _filled(code: str, digits: int) -> str:
    return code.lstrip("0").zfill(digits) if digits and code.isdigit() else code


def _decide(text: str, candidates: list[str], among: Collection[str] | None) -> str:
    for at_hand in (known_instruments(), among or ()):
        found = [candidate for candidate in candidates if candidate in at_hand]
        if len(found) == 1:
            return found[0]
    either = " or ".join(f"'{candidate}'" for candidate in candidates)
    raise InputError(Problem("one instrument", f"'{text}', which may be {either}", "write which of the two"))


def _instrument(symbol: str) -> Instrument:
    return known_instruments().get(symbol) or _listed(symbol, "stock", "", ())


def _listed(symbol: str, kind: str, name: str, themes: tuple[str, ...]) -> Instrument:
    mic = BOARDS[symbol.rsplit(".", 1)[1]].venue
    return Instrument(symbol, mic, kind, name, venue(mic).currency, venue(mic).market, themes)


def _unknown(text: str) -> InputError:
    known = known_instruments()
    same_code = [symbol for symbol in known if text and symbol.split(".")[0] == text.upper()]
    names = {instrument.name.upper(): symbol for symbol, instrument in known.items() if instrument.name}
    names.update(_aliases())
    near = difflib.get_close_matches(text.upper(), [*known, *names], n=2, cutoff=0.7)
    meant = list(dict.fromkeys(same_code or [names.get(word, word) for word in near]))
    cure = "write a Yahoo symbol (000660.KS, 8035.T, 9988.HK) or an index (N225, KOSPI, SPX)"
    if meant:
        cure = "did you mean " + " or ".join(f"'{symbol}'" for symbol in meant) + "?"
    return InputError(Problem("a symbol of a known venue", f"'{text}'", cure))
