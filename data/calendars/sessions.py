"""Trading days of each venue as arrays of instants."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.calendars import cache, shipped
from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.instants import Instants

FORMAT = 1
"""Counts up whenever the same tables would compile to different numbers."""


class Sessions(NamedTuple):
    """One row per session of a venue, in time order; read-only int64 arrays of equal length.

    Attributes
    ----------
    session : ndarray of shape (n,)
        Days since 1970 of the local date.
    opens_at, closes_at : ndarray of shape (n,)
        UTC nanoseconds of the first and the last instant of continuous trading. A closing auction held
        after it (Hong Kong, Singapore, Sydney) lies outside.
    break_start, break_end : ndarray of shape (n,)
        UTC nanoseconds of the lunch break, ``NAT`` where there is none.
    open_cutoff, close_cutoff : ndarray of shape (n,)
        UTC nanoseconds of the last moment at which an order for the opening (closing) price can be
        entered; never after ``opens_at`` (``closes_at``).
    """

    session: Instants
    opens_at: Instants
    closes_at: Instants
    break_start: Instants
    break_end: Instants
    open_cutoff: Instants
    close_cutoff: Instants


def sessions(mic: str) -> Sessions:
    """Give the sessions of a venue, from where its calendar can be trusted to about a year ahead.

    Days and hours are exchange_calendars' with the package's dated corrections (``overlay``). Compiled once,
    kept in the process and in the user's cache folder.

    Parameters
    ----------
    mic : str
        Market identifier, such as ``XTKS``. KOSDAQ, TPEx, Shenzhen and NSE keep the days of Korea Exchange,
        TWSE, Shanghai and BSE.

    Returns
    -------
    Sessions
        Read-only arrays.

    Raises
    ------
    InputError
        A venue that is not known.

    Examples
    --------
    >>> tokyo = sessions("XTKS")
    >>> day = tokyo.session.searchsorted(20409)  # 2025-11-17
    >>> (tokyo.closes_at[day] - tokyo.opens_at[day]) / 3.6e12
    np.float64(6.5)
    """
    if mic not in shipped.places():
        cure = did_you_mean(mic.upper(), shipped.places())
        raise InputError(Problem("the MIC of a known venue", f"'{mic}'", cure))
    return _sessions(mic, _last_day())


def overlay() -> pd.DataFrame:
    """List the dated facts that overrule the library, each with its source.

    Returns
    -------
    DataFrame
        ``venue``, ``session`` (datetime64[ns], the local date), ``open``, ``break_start``, ``break_end``,
        ``close`` (local HH:MM, "" for none; all empty is a closed day), ``what``, ``source``, ``confidence``
        (``sourced``, ``rule``: follows from a sourced rule, ``unverified``).

    Examples
    --------
    >>> facts = overlay()
    >>> facts.loc[(facts.venue == "XTAI") & (facts.session == "2024-10-31"), "what"].item()
    'closed: typhoon Kong-rey'
    """
    facts = pd.DataFrame(shipped.rows(shipped.OVERLAY))
    return facts.assign(session=pd.to_datetime(facts["session"]).astype("datetime64[ns]"))


@lru_cache(maxsize=64)
def _sessions(mic: str, last: str) -> Sessions:
    height = len(Sessions._fields)
    key = _key(last)
    arrays = cache.load(mic, key, height)
    if arrays is None:
        arrays = _built(mic, last)
        cache.store(mic, key, arrays)
    arrays.setflags(write=False)
    return Sessions(*arrays)


def compiled_from() -> str:
    """Identify what sessions are compiled from: the library, the tables and the last day."""
    return _key(_last_day())


def _built(mic: str, last: str) -> NDArray[np.int64]:
    from aftershock.data.calendars.build import build

    return build(mic, last)


def _key(last: str) -> str:
    parts = f"{FORMAT} {version('exchange_calendars')} {shipped.digest()} {last}"
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def _last_day() -> str:
    """Give the first of this month a year ahead: the same all month, so that the cache lasts."""
    today = datetime.now(UTC).date()
    return today.replace(year=today.year + 1, day=1).isoformat()
