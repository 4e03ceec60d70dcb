"""What can be wrong with a bar: tests of long tables, each an answer per row, used by tape and audit alike.

Rows stand by symbol, source and day. No answer depends on a later row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from aftershock.data.calendars import sessions
from aftershock.data.prices.columns import PRICES
from aftershock.data.prices.tape import Flags, Floats, Ints

RANGE_TOLERANCE = 1e-6
"""How far (relative) an open or close may lie outside low..high before it is told."""

SAME = 1e-9
"""Prices closer than this (relative) are the same price."""

OPENS_WINDOW = 60
"""Opens are judged over so many bars with a moved close, the latest and those before it."""

OPENS_LEAST = 20
"""With fewer of them opens are not judged."""

OPENS_SHARE = 0.5
"""Opens are made up when more than this share of them repeats the previous close ..."""

OPENS_STILL = 3
"""... and so many times the share of closes that do."""

SPLIT_MOVE = np.log(1.8)
SPLIT_RATIOS = np.array([*range(2, 21), 25, 30, 40, 50, 100], np.float64)
SPLIT_TOLERANCE = 0.02

STALE = 5
"""Of so many identical bars in a row the last and those after it are stale."""


class Rows(NamedTuple):
    """Rows on their way: ``symbol`` and ``source`` are positions, ``row`` leads back to the table."""

    symbol: Ints
    source: Ints
    day: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    factor: Floats
    payout: Floats
    halted: Flags
    row: Ints

    def where(self, kept: Flags) -> Rows:
        """Keep some rows."""
        return self if kept.all() else Rows._make(values[kept] for values in self)


class Stamps(NamedTuple):
    """When the bars of a table open and close as given: UTC ns, one value per row of the table.

    ``told`` says whether the table itself has the ends, which are else the openings and an interval.
    """

    opens_at: Ints
    closes_at: Ints
    told: bool


def firsts(bars: Rows) -> Flags:
    """Say at which rows another symbol or source begins."""
    first = np.ones(len(bars.day), np.bool_)
    first[1:] = (np.diff(bars.symbol) != 0) | (np.diff(bars.source) != 0)
    return first


def begins_session(bars: Rows) -> Flags:
    """Say which rows are the first of their session; all are where bars are daily."""
    begins: Flags = firsts(bars) | (np.diff(bars.day, prepend=-1) != 0)
    return begins


def last_of_session(bars: Rows) -> Flags:
    """Say which rows are the last of their session; all are where bars are daily."""
    return np.append(begins_session(bars)[1:], True)[: len(bars.day)]


def series(bars: Rows) -> list[slice]:
    """Give the rows of each symbol and source."""
    starts = np.flatnonzero(firsts(bars))
    ends = np.append(starts, len(bars.day))[1:]
    return [slice(*bounds) for bounds in zip(starts.tolist(), ends.tolist(), strict=True)]


def previous(bars: Rows, values: Floats) -> Floats:
    """Give the value one bar earlier of the same symbol and source; NaN on the first bar."""
    return np.where(firsts(bars), np.nan, np.roll(values, 1))


def without_price(bars: Rows) -> Flags:
    """Find rows that hold no price at all and do not say that trading was halted."""
    empty: Flags = np.isnan([bars.open, bars.high, bars.low, bars.close]).all(axis=0) & ~bars.halted
    return empty


def repeated(bars: Rows, stamps: Stamps | None = None) -> tuple[Flags, Flags]:
    """Find rows of the same day (or opening) as the row before them, and among these the ones that say the same."""
    again = ~firsts(bars)
    again[1:] &= np.diff(bars.day if stamps is None else stamps.opens_at[bars.row]) == 0
    same = again.copy()
    rows = np.flatnonzero(again)
    # What a dividend pays out stands on the first of them alone.
    told = [name for name in bars._fields[3:-1] if name != "payout"]
    same[again] = _as_before(bars, rows, told)
    if stamps is not None:
        ends = stamps.closes_at[bars.row]
        same[again] &= ends[rows] == ends[rows - 1]
    return again, same


def _as_before(bars: Rows, rows: Ints, names: Sequence[str]) -> Flags:
    """Say which rows hold the same values as the row before, unknown ones included."""
    same = np.ones(len(rows), np.bool_)
    for name in names:
        values = getattr(bars, name)
        now, before = values[rows], values[rows - 1]
        same &= (now == before) | (np.isnan(now) & np.isnan(before))
    return same


def off_calendar(bars: Rows, venues: Sequence[str]) -> tuple[Ints, dict[str, Flags]]:
    """Look each row's day up among the sessions of its venue.

    Parameters
    ----------
    bars : Rows
        Where they stand does not matter.
    venues : sequence of str
        The MIC of each symbol.

    Returns
    -------
    ordinal : ndarray of int64, shape (n_rows,)
        Position of the day in the venue's sessions; where it is none, of the session after it or the last one.
    faults : dict of str to ndarray of bool
        Rows that are no session: ``before_calendar``, ``after_calendar``, ``not_a_session``.
    """
    ordinal = np.zeros(len(bars.day), np.int64)
    faults = {
        code: np.zeros(len(bars.day), np.bool_)
        for code in ("before_calendar", "after_calendar", "not_a_session")
    }
    for mic in dict.fromkeys(venues):
        here = np.array([own == mic for own in venues])[bars.symbol]
        known, day = sessions(mic).session, bars.day[here]
        found = np.minimum(np.searchsorted(known, day), len(known) - 1)
        early, late = day < known[0], day > known[-1]
        faults["before_calendar"][here], faults["after_calendar"][here] = early, late
        faults["not_a_session"][here] = (known[found] != day) & ~early & ~late
        ordinal[here] = found
    return ordinal, faults


def impossible(bars: Rows) -> dict[str, Flags]:
    """Find, column by column, numbers that cannot be: prices of zero or less, a high below its low."""
    faults = {name: getattr(bars, name) <= 0 for name in PRICES}
    for name in PRICES[:3]:
        faults[name] &= ~halt_pattern(bars)
    faults["volume"], faults["factor"] = bars.volume < 0, bars.factor <= 0
    faults["high"] |= bars.high < bars.low
    return faults


def halt_pattern(bars: Rows) -> Flags:
    """Find open, high and low of 0 beside a close, as Korean sources mark a halt."""
    halt: Flags = (bars.open == 0) & (bars.high == 0) & (bars.low == 0) & (bars.close > 0)
    return halt


def without_trade(bars: Rows, kinds: Sequence[str]) -> tuple[Rows, Flags, Flags]:
    """Mark sessions in which nothing could be traded; zeros that stand for no price become unknown.

    Parameters
    ----------
    bars : Rows
    kinds : sequence of str
        Of each symbol; the level of an ``index`` needs no volume.

    Returns
    -------
    bars : Rows
        ``halted`` where either of the others is.
    halt, idle : ndarray of bool, shape (n_rows,)
        Marked as a halt by zeros; without volume.
    """
    tradable = np.array([kind != "index" for kind in kinds], np.bool_)[bars.symbol]
    halt = halt_pattern(bars)
    idle = tradable & (bars.volume == 0) & ~halt & ~bars.halted
    unknown = {name: np.where(halt, np.nan, getattr(bars, name)) for name in PRICES[:3]}
    return bars._replace(**unknown, halted=bars.halted | halt | idle), halt, idle


def made_up_opens(bars: Rows) -> Flags:
    """Find the opens that a source makes up of the previous close, judged by them and the bars before.

    Of the last `OPENS_WINDOW` bars of the segment whose close moved, at least `OPENS_LEAST`, more than
    `OPENS_SHARE` open exactly at the close before. Where ticks are coarse that happens to real opens too, but
    then closes repeat as well: a share not above `OPENS_STILL` times that of unmoved closes is let pass. A bar
    without an open repeats nothing, so what was once made unknown is judged alike when it comes back. Inside a
    session a bar opens near the close before by nature: only the bar that begins a session is judged.
    """
    before, judged = previous(bars, bars.close), begins_session(bars)
    live = judged & ~(np.isnan(before) | np.isnan(bars.close) | bars.halted)
    still = live & (np.abs(bars.close - before) <= SAME * before)
    moved = live & ~still
    repeats = moved & (np.abs(bars.open - before) <= SAME * before)
    since = _window_starts(moved, firsts(bars))
    n_moved, n_still, n_repeated = (_count_since(found, since) for found in (moved, still, repeats))
    coarse = n_repeated * (n_moved + n_still) <= OPENS_STILL * n_still * n_moved
    guilty = (n_moved >= OPENS_LEAST) & (n_repeated > OPENS_SHARE * n_moved) & ~coarse
    found: Flags = guilty & judged & ~np.isnan(bars.open)
    return found


def _window_starts(moved: Flags, first: Flags) -> Ints:
    """Give the row at which the window of each row begins: the oldest of its bars with a moved close."""
    count = np.cumsum(moved, dtype=np.int64)
    in_earlier_segments = count[first][np.cumsum(first) - 1]
    oldest = np.maximum(in_earlier_segments, count - OPENS_WINDOW)
    rows = np.append(np.flatnonzero(moved), len(moved))
    starts: Ints = np.minimum(rows[oldest], np.arange(len(moved)))
    return starts


def _count_since(found: Flags, since: Ints) -> Ints:
    """Count the rows found from each row's window start to itself."""
    count = np.append(0, np.cumsum(found, dtype=np.int64))
    in_window: Ints = count[1:] - count[since]
    return in_window


def without_open(bars: Rows) -> Flags:
    """Find bars that have a close and no open."""
    return np.isnan(bars.open) & ~np.isnan(bars.close) & ~bars.halted


def outside_range(bars: Rows) -> Flags:
    """Find opens and closes outside low..high."""
    top, bottom = bars.high * (1 + RANGE_TOLERANCE), bars.low * (1 - RANGE_TOLERANCE)
    outside: Flags = (bars.open > top) | (bars.open < bottom) | (bars.close > top) | (bars.close < bottom)
    return outside


def split_like(bars: Rows) -> Flags:
    """Find overnight jumps by a round ratio that the close keeps."""
    before = previous(bars, bars.close)
    with np.errstate(invalid="ignore"):
        move, gap = np.log(bars.close / before), np.abs(np.log(bars.open / before))
    jumps: Flags = (np.abs(move) > SPLIT_MOVE) & begins_session(bars)
    near = np.abs(np.exp(gap[jumps])[:, None] / SPLIT_RATIOS - 1) <= SPLIT_TOLERANCE
    jumps[jumps] = near.any(axis=1)
    return jumps


def filled(bars: Rows) -> Flags:
    """Find bars that say of no trade: without volume and flat, or like the bar before in close and volume."""
    same = ~firsts(bars)
    rows = np.flatnonzero(same)
    own, before = bars.volume[rows], bars.volume[rows - 1]
    idle = np.isnan(own) | (own == 0) | (own == before)
    same[rows] = _as_before(bars, rows, ("close",)) & idle
    flat = (bars.open == bars.close) & (bars.high == bars.close) & (bars.low == bars.close)
    found: Flags = same | (flat & (bars.volume == 0))
    return found


def stale(bars: Rows) -> Flags:
    """Find bars that repeat all four prices of the bar before for the fifth time (`STALE`) or more.

    Halted bars repeat nothing. Coarse ticks let calm and cheap stocks do so in truth.
    """
    same = ~(firsts(bars) | bars.halted | np.isnan(bars.close))
    rows = np.flatnonzero(same)
    same[rows] = _as_before(bars, rows, PRICES) & ~bars.halted[rows - 1]
    place = np.arange(len(same))
    begun = np.maximum.accumulate(np.where(same, -1, place))
    found: Flags = place - begun + 1 >= STALE
    return found
