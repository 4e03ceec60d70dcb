"""Bars shorter than a session: their intervals, and where they lie in the trading hours of a venue."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from aftershock.data.calendars import Sessions
from aftershock.data.calendars.positions import segments
from aftershock.data.errors import InputError, Problem
from aftershock.data.prices.tape import Flags, Ints

MINUTE = 60_000_000_000
DAILY = "1d"
"""The interval of bars that are one session long."""

_INTERVAL = re.compile(r"([1-9]\d{0,3})(m|h)")


def interval_ns(interval: str) -> int | None:
    """Read the interval of bars as nanoseconds; None for daily bars.

    Parameters
    ----------
    interval : str
        A number of minutes or hours (``5m``, ``60m``, ``1h``) or ``1d``.

    Raises
    ------
    InputError
        Anything else, or a day and more.

    Examples
    --------
    >>> interval_ns("90m") == interval_ns("1h") * 1.5
    True
    """
    if interval == DAILY:
        return None
    found = _INTERVAL.fullmatch(str(interval))
    minutes = int(found[1]) * (60 if found[2] == "h" else 1) if found else 0
    if not 0 < minutes < 24 * 60:
        cure = "write minutes (5m, 60m) or hours (1h), or 1d for daily bars"
        raise InputError(Problem("the interval of bars", f"'{interval}'", cure))
    return minutes * MINUTE


class Placed(NamedTuple):
    """Where n bars lie among the sessions of a venue.

    ``position`` is the session's, ``opens_at`` and ``closes_at`` (UTC ns) are within its hours; ``several`` says which
    bars reach into another session, ``outside`` which hold no continuous trading: of those the rest means nothing.
    """

    position: Ints
    opens_at: Ints
    closes_at: Ints
    several: Flags
    outside: Flags


def placed(known: Sessions, opens_at: Ints, closes_at: Ints) -> Placed:
    """Put bars into the hours of a venue: from the first instant of continuous trading they hold to the last.

    A bar on both sides of a lunch break keeps its end: its close is not known before.

    Parameters
    ----------
    known : Sessions
        Of the venue.
    opens_at, closes_at : ndarray of int64, shape (n,)
        UTC ns.

    Examples
    --------
    >>> from aftershock.data.calendars import sessions
    >>> from aftershock.data.instants import iso, to_ns
    >>> stamps = to_ns(["2025-06-11T11:00+09:00", "2025-06-11T12:00+09:00", "2025-06-11T15:30+09:00"])
    >>> found = placed(sessions("XTKS"), stamps, stamps + 60 * MINUTE)
    >>> iso(found.closes_at[0]), iso(found.opens_at[1]), found.outside.tolist()
    ('2025-06-11T02:30:00Z', '2025-06-11T03:30:00Z', [False, False, True])
    """
    starts, ends = segments(known)
    owner = np.searchsorted(known.closes_at, ends)
    first = np.searchsorted(ends, opens_at, side="right")
    beyond = first == len(ends)
    first = np.minimum(first, len(ends) - 1)
    outside = beyond | ((opens_at < starts[first]) & (closes_at <= starts[first]))
    position = owner[first].astype(np.int64)
    last = np.maximum(np.searchsorted(starts, closes_at) - 1, first)
    end = np.minimum(np.minimum(closes_at, ends[last]), known.closes_at[position])
    return Placed(position, np.maximum(opens_at, starts[first]), end, owner[last] > position, outside)


def cutoffs(known: Sessions, at: Placed) -> tuple[Ints, Ints]:
    """Give the last instants at which the open and the close of each bar can still be had.

    Parameters
    ----------
    known : Sessions
        Of the venue.
    at : Placed
        Bars of n rows.

    Returns
    -------
    open_cutoff, close_cutoff : ndarrays of int64, shape (n,)
        UTC ns: the venue's where the bar opens (closes) with its session, which is an auction; else the very opening,
        and one nanosecond before the close.
    """
    opening = at.opens_at == known.opens_at[at.position]
    closing = at.closes_at == known.closes_at[at.position]
    return (
        np.where(opening, known.open_cutoff[at.position], at.opens_at),
        np.where(closing, known.close_cutoff[at.position], at.closes_at - 1),
    )


def never_falling(close_cutoff: Ints, first: Flags) -> Ints:
    """Lift each close cut-off to that of the bar before where the venue's lies before it.

    Parameters
    ----------
    close_cutoff : ndarray of int64, shape (n,)
        UTC ns, along the bars.
    first : ndarray of bool, shape (n,)
        Where an instrument's bars begin.
    """
    before = np.roll(close_cutoff, 1)
    # One step is enough: only the bar that closes with its session can lie before the one it follows.
    return np.where(first, close_cutoff, np.maximum(close_cutoff, before))
