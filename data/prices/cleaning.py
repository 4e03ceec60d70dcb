"""Cleaning: a long table of bars becomes the arrays of a tape, and a warning for everything found.

Prices are never altered to fit. A value that is no price becomes unknown, a row that is no bar is left out,
and both are counted in the table of warnings; what cannot be true is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.calendars import Sessions, sessions
from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.instants import iso
from aftershock.data.prices.columns import (
    LISTED,
    PRICES,
    Texts,
    days_of,
    flags,
    instants,
    is_intraday,
    local_days,
    numbers,
    place,
    texts,
    tidy_columns,
)
from aftershock.data.prices.hours import DAILY, cutoffs, interval_ns, never_falling, placed
from aftershock.data.prices.tape import Flags, Floats, Ints, Warned, warnings_table
from aftershock.data.universes import Instrument, resolve
from aftershock.data.venues import venue

SENTENCES = {
    "adjusted": (
        "info",
        "prices were multiplied by adj_close/close; factor leads back to the close as given",
    ),
    "unknown_symbol": ("warning", "rows of a symbol nobody knows were dropped"),
    "unknown_source": ("warning", "a preferred source does not occur"),
    "no_prices": ("warning", "there are no prices of this instrument"),
    "empty": ("info", "rows without any price were dropped"),
    "other_source": ("warning", "one source at a time: these rows were dropped"),
    "source_change": ("warning", "prices continue from another source: no trade spans the change"),
    "duplicate": ("warning", "identical bars were counted once"),
    "before_calendar": ("warning", "bars before the venue's calendar begins were dropped"),
    "after_calendar": ("warning", "bars after the venue's calendar ends were dropped"),
    "not_a_session": ("warning", "bars on days that are no session of the venue were dropped"),
    "outside_hours": (
        "warning",
        "bars outside the venue's continuous trading were dropped (before the open, in the lunch break, "
        "a closing auction stamped at the close)",
    ),
    "cut_to_hours": ("info", "bars reach outside the venue's continuous trading: cut to it"),
    "bad_price": ("error", "bars with impossible prices were dropped"),
    "halt": ("info", "open, high and low of 0 beside a close mark a halt; the three are unknown"),
    "zero_volume": ("info", "no volume: taken as halted"),
    "unknown_volume": ("info", "no volume though prices moved within the bar: its volume is unknown"),
    "synthetic_open": (
        "warning",
        "opens repeat the previous close, so the source made them up: unknown; "
        "a source's first bars cannot be judged and stay",
    ),
    "missing_open": ("warning", "bars have no open: nothing can be entered there at the open"),
    "missing_close": ("warning", "bars have no close; kept"),
    "outside_range": ("warning", "open or close lies outside low..high; kept as it is"),
    "split_like": ("warning", "an overnight jump by a round ratio, as after a split; kept as it is"),
}
"""Severity and sentence of every code a tape can warn of."""

RANGE_TOLERANCE = 1e-6
"""How far (relative) an open or close may lie outside low..high before it is told."""

SAME = 1e-9
"""Prices closer than this (relative) are the same price."""

PATIENCE = 5
"""So many sessions in a row a source must miss before another that was there already takes over."""

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


class Parts(NamedTuple):
    """The arguments of a tape."""

    symbols: tuple[str, ...]
    venues: tuple[str, ...]
    kinds: tuple[str, ...]
    sources: tuple[str, ...]
    offsets: Ints
    session: Ints
    ordinal: Ints
    opens_at: Ints
    closes_at: Ints
    open_cutoff: Ints
    close_cutoff: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    factor: Floats
    halted: Flags
    warnings: pd.DataFrame


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


class Log:
    """The warnings so far."""

    def __init__(self) -> None:
        self.warned: list[Warned] = []

    def say(self, code: str, symbol: str = "", rows: int = 0, more: str = "", days: Any = ()) -> None:
        """Warn once, of an instrument or (no symbol) of the whole input."""
        severity, sentence = SENTENCES[code]
        first, last = (int(np.min(days)), int(np.max(days))) if len(days) else (None, None)
        message = f"{sentence} ({more})" if more else sentence
        self.warned.append(Warned(code, severity, symbol, first, last, rows, message))

    def count(
        self,
        code: str,
        bars: Rows,
        found: Flags,
        symbols: Sequence[str],
        more: Callable[[Ints], str] | None = None,
    ) -> None:
        """Warn once for each instrument that has such rows; ``more`` makes words of their days.

        ``bars`` stand by symbol.
        """
        rows = np.flatnonzero(found)
        if not len(rows):
            return
        positions, starts = np.unique(bars.symbol[rows], return_index=True)
        for position, own in zip(positions, np.split(bars.day[rows], starts[1:]), strict=True):
            self.say(code, symbols[position], len(own), more(own) if more else "", own)


def clean(
    frame: pd.DataFrame,
    *,
    sources: Sequence[str] = (),
    skip_bad: bool = False,
    interval: str = DAILY,
) -> Parts:
    """Make a tape's arrays of a long table; see `Tape.from_frame`, which this does the work of."""
    log = Log()
    length = interval_ns(interval)
    table = tidy_columns(frame, intraday=length is not None)
    table, instruments, symbol = _known_rows(table, log)
    symbols = [instrument.symbol for instrument in instruments]
    names, source = _source_names(table)
    stamps = _stamps(table, length) if is_intraday(table) else None
    bars = _read(table, instruments, symbol, source, stamps, log)
    bars = _drop_empty(bars, symbols, log)
    preferred = [sources] if isinstance(sources, str) else list(sources)
    bars = _one_source_at_a_time(bars, instruments, names, preferred, log)
    bars = _once(bars, symbols, table, stamps, log)
    if stamps is None:
        bars, clocks = _on_sessions(bars, instruments, log)
    else:
        bars, clocks = _within_hours(bars, instruments, table, stamps, log)
    bars, clocks = _possible(bars, clocks, symbols, table, skip_bad, log)
    if not len(bars.day):
        got = "no row that is one" + "".join(f"; {warned.message}" for warned in log.warned[:1])
        raise InputError(Problem("bars", got, "check dates, symbols and prices", place(table, 0)[0]))
    if stamps is not None:
        bars = _moved_without_volume(bars, symbols, log)
    bars = _without_trade(bars, instruments, log)
    bars = _honest_opens(bars, symbols, log)
    _look_over(bars, symbols, log)
    _tell_changes(bars, symbols, names, log)
    return _parts(bars, clocks, instruments, names, log)


def _known_rows(table: pd.DataFrame, log: Log) -> tuple[pd.DataFrame, list[Instrument], Ints]:
    """Resolve symbols; give the rows of known ones, their instruments and each row's position in them."""
    if not len(table):
        raise InputError(Problem("bars", "a table without rows", "check the file"))
    raw = texts(table, "symbol")
    if (raw.codes < 0).any():
        row = int(np.argmax(raw.codes < 0))
        raise InputError(Problem("a symbol", "nothing", "fill the cell", *place(table, row), "symbol"))
    meant: list[Instrument | None] = []
    problems: list[Problem] = []
    for text in raw.distinct:
        try:
            meant.append(resolve(text, among=set(raw.distinct)))
        except InputError as error:
            meant.append(None)
            problems.extend(error.problems)
    if len(problems) == len(meant):
        raise InputError(problems)
    unknown = [code for code, instrument in enumerate(meant) if instrument is None]
    for code, problem in zip(unknown, problems, strict=True):
        rows = int((raw.codes == code).sum())
        log.say("unknown_symbol", raw.distinct[code], rows, problem.cure)
    instruments = sorted({one for one in meant if one is not None}, key=lambda one: one.symbol)
    positions = {instrument: i for i, instrument in enumerate(instruments)}
    position = np.array([-1 if one is None else positions[one] for one in meant], np.int64)[raw.codes]
    return table[position >= 0].reset_index(drop=True), instruments, position[position >= 0]


def _source_names(table: pd.DataFrame) -> tuple[list[str], Ints]:
    """Give the names of sources, sorted ("" where a cell is empty), and each row's position in them."""
    found = texts(table, "source")
    names = sorted({*found.distinct, ""})
    return names, np.array([names.index(name) for name in (*found.distinct, "")], np.int64)[found.codes]


def _stamps(table: pd.DataFrame, length: int | None) -> Stamps:
    """Read when bars open and close; where only the openings stand, their interval says the rest."""
    opens_at = instants(table, "opens_at")
    if "closes_at" in table.columns:
        return Stamps(opens_at, instants(table, "closes_at"), told=True)
    if length is None:
        cure = 'add the column, or say how long bars are: interval="60m"'
        got = "openings alone"
        raise InputError(Problem("a column 'closes_at' beside opens_at", got, cure, place(table, 0)[0]))
    return Stamps(opens_at, opens_at + length, told=False)


def _read(
    table: pd.DataFrame,
    instruments: Sequence[Instrument],
    symbol: Ints,
    source: Ints,
    stamps: Stamps | None,
    log: Log,
) -> Rows:
    """Read dates and numbers, adjust where ``adj_close`` stands, and sort by symbol, source and time."""
    zones = tuple(dict.fromkeys(venue(one.venue).zone for one in instruments))
    zone = np.array([zones.index(venue(one.venue).zone) for one in instruments], np.int64)
    in_zones = Texts(zone[symbol], zones)
    day = local_days(table, in_zones) if stamps is None else days_of(stamps.opens_at, in_zones)
    values = {name: numbers(table, name) for name in (*PRICES, "volume", "factor")}
    if "adj_close" in table.columns:
        adjusted = numbers(table, "adj_close")
        with np.errstate(divide="ignore", invalid="ignore"):
            values["factor"], ratio = values["close"] / adjusted, adjusted / values["close"]
        values.update({name: values[name] * ratio for name in PRICES})
        log.say("adjusted", rows=len(table))
    bars = Rows(symbol, source, day, **values, halted=flags(table, "halted"), row=np.arange(len(table)))
    order = np.lexsort((day if stamps is None else stamps.opens_at, source, symbol))
    return Rows._make(column[order] for column in bars)


def _drop_empty(bars: Rows, symbols: Sequence[str], log: Log) -> Rows:
    empty = np.isnan([bars.open, bars.high, bars.low, bars.close]).all(axis=0) & ~bars.halted
    log.count("empty", bars, empty, symbols)
    return bars.where(~empty)


def _one_source_at_a_time(
    bars: Rows, instruments: Sequence[Instrument], names: Sequence[str], preferred: Sequence[str], log: Log
) -> Rows:
    """Keep the rows of the source in force, and put them by symbol and day."""
    for name in preferred:
        if name not in names:
            log.say("unknown_source", more=f"'{name}': {did_you_mean(name, filter(None, names))}")
    order = [names.index(name) for name in preferred if name in names]
    starts = np.flatnonzero(np.diff(bars.symbol, prepend=-1))
    ends = np.append(starts, len(bars.day))[1:]
    several = bars.source[starts] != bars.source[ends - 1]
    if not several.any():
        return bars
    kept = np.ones(len(bars.day), np.bool_)
    for start, end in zip(starts[several], ends[several], strict=True):
        instrument, rows = instruments[bars.symbol[start]], slice(start, end)
        day, source = bars.day[rows], bars.source[rows]
        force = _in_force(source, day, instrument.venue, order)
        kept[rows] = source == force
        _tell_others(instrument.symbol, day, source, force, names, log)
    bars = bars.where(kept)
    # Stable: of one day only one source is left, and its rows stand by time already.
    by_day = np.lexsort((bars.day, bars.symbol))
    return Rows._make(column[by_day] for column in bars)


def _in_force(source: Ints, day: Ints, mic: str, order: Sequence[int]) -> Ints:
    """Say which source is in force at each row of one symbol, looking at no later row."""
    known = sessions(mic).session
    ordinal = np.searchsorted(known, day).astype(np.int64)
    held = np.isin(day, known)
    held = held if held.any() else np.ones(len(day), np.bool_)
    bars = {int(code): np.sort(ordinal[held & (source == code)]) for code in np.unique(source[held])}
    chosen = next((code for code in order if code in bars), None)
    changes = _succession(bars) if chosen is None else [(0, chosen)]
    since, codes = np.array(changes, np.int64).T
    in_force: Ints = codes[np.maximum(np.searchsorted(since, ordinal, side="right") - 1, 0)]
    return in_force


def _succession(bars: dict[int, Ints]) -> list[tuple[int, int]]:
    """Let sources follow each other in time.

    The one whose first bar is earliest comes first. It gives way at a session that it misses: at once to a
    source that begins there, to one that was there already when it has missed `PATIENCE` of them in a row.
    Whether a source has a bar after a session nobody knows at that session, so nothing here asks for it.

    Parameters
    ----------
    bars : dict of int to ndarray of int64
        Of each source, by name, the sessions that have a bar, rising.

    Returns
    -------
    list of (session, source)
        From which session on which source is in force.

    Examples
    --------
    >>> _succession({0: np.array([1, 2, 3, 4, 6]), 1: np.array([3, 4, 5, 6]), 2: np.array([7, 8])})
    [(1, 0), (7, 2)]
    >>> _succession({0: np.array([1, 2]), 1: np.arange(2, 9)})
    [(1, 0), (7, 1)]
    """
    changes = [min((int(own[0]), code) for code, own in bars.items())]
    while True:
        since, code = changes[-1]
        ways = [(_way_given(bars[code], other, since), other_code) for other_code, other in bars.items()]
        later = [(session, other_code) for session, other_code in ways if session >= 0]
        if not later:
            return changes
        changes.append(min(later))


def _way_given(own: Ints, other: Ints, since: int) -> int:
    """Give the first session after ``since`` at which a source gives way to another; -1 if it never does."""
    ahead = other[other > since]
    missed = ahead - own[np.searchsorted(own, ahead, side="right") - 1]
    gives = (missed >= PATIENCE) | ((missed > 0) & (ahead == other[0]))
    return int(ahead[np.argmax(gives)]) if gives.any() else -1


def _tell_others(symbol: str, day: Ints, source: Ints, force: Ints, names: Sequence[str], log: Log) -> None:
    """Warn of each source that has rows while another is in force."""
    used = [int(code) for code in np.unique(source[source == force])]
    for code in np.unique(source[source != force]).tolist():
        dropped = day[(source == code) & (source != force)]
        beside = " and ".join(f"'{names[other]}'" for other in used if other != code)
        log.say("other_source", symbol, len(dropped), f"'{names[code]}' beside {beside}", dropped)


def _once(bars: Rows, symbols: Sequence[str], table: pd.DataFrame, stamps: Stamps | None, log: Log) -> Rows:
    """Drop repeated bars; refuse two different bars of one day (that open at one instant)."""
    again = np.zeros(len(bars.day), np.bool_)
    key = bars.day if stamps is None else stamps.opens_at[bars.row]
    again[1:] = (np.diff(bars.symbol) == 0) & (np.diff(key) == 0)
    if not again.any():
        return bars
    later = np.flatnonzero(again)
    values = np.array([*bars[3:-1]])
    before, after = values[:, later - 1], values[:, later]
    same = ((before == after) | (np.isnan(before) & np.isnan(after))).all(axis=0)
    if stamps is not None:
        ends = stamps.closes_at[bars.row]
        same &= ends[later] == ends[later - 1]
    if not same.all():
        cure = "remove one of them" + (
            "" if stamps else "; bars within a day have opens_at in the place of date"
        )
        rows = later[~same][:LISTED]
        raise InputError(
            [_beside(bars, int(i), f"one bar of {_bar(bars, i, symbols, stamps)}", cure, table) for i in rows]
        )
    log.count("duplicate", bars, again, symbols)
    return bars.where(~again)


def _beside(bars: Rows, i: int, expected: str, cure: str, table: pd.DataFrame) -> Problem:
    """Say that a bar does not go together with the one before it."""
    other, other_line = place(table, int(bars.row[i - 1]))
    file, line = place(table, int(bars.row[i]))
    got = f"another than on line {other_line}" + (f" of {other}" if other != file else "")
    return Problem(expected, got, cure, file, line)


def _bar(bars: Rows, i: int, symbols: Sequence[str], stamps: Stamps | None = None) -> str:
    when = np.datetime64(int(bars.day[i]), "D") if stamps is None else iso(stamps.opens_at[bars.row[i]])
    return f"{symbols[bars.symbol[i]]} {'on' if stamps is None else 'at'} {when}"


class Clocks(NamedTuple):
    """The session of each bar."""

    ordinal: Ints
    opens_at: Ints
    closes_at: Ints
    open_cutoff: Ints
    close_cutoff: Ints

    def where(self, kept: Flags) -> Clocks:
        """Keep some rows."""
        return self if kept.all() else Clocks._make(values[kept] for values in self)


def _on_sessions(bars: Rows, instruments: Sequence[Instrument], log: Log) -> tuple[Rows, Clocks]:
    """Join bars with their venue's sessions by local date; drop those on other days."""
    symbols = [instrument.symbol for instrument in instruments]
    clocks = Clocks(*(np.zeros(len(bars.day), np.int64) for _ in Clocks._fields))
    missing: dict[str, Flags] = {}
    for code in ("before_calendar", "after_calendar", "not_a_session"):
        missing[code] = np.zeros(len(bars.day), np.bool_)
    for mic in dict.fromkeys(instrument.venue for instrument in instruments):
        here = np.array([instrument.venue == mic for instrument in instruments])[bars.symbol]
        known = sessions(mic)
        day = bars.day[here]
        ordinal = np.minimum(np.searchsorted(known.session, day), len(known.session) - 1)
        early, late = day < known.session[0], day > known.session[-1]
        missing["before_calendar"][here], missing["after_calendar"][here] = early, late
        missing["not_a_session"][here] = (known.session[ordinal] != day) & ~early & ~late
        clocks.ordinal[here] = ordinal
        for name in Clocks._fields[1:]:
            getattr(clocks, name)[here] = getattr(known, name)[ordinal]
    for code, found in missing.items():
        log.count(code, bars, found, symbols, _which_days if code == "not_a_session" else None)
    kept = ~np.logical_or.reduce(list(missing.values()))
    return bars.where(kept), clocks.where(kept)


def _within_hours(
    bars: Rows, instruments: Sequence[Instrument], table: pd.DataFrame, stamps: Stamps, log: Log
) -> tuple[Rows, Clocks]:
    """Put bars into the trading hours of their venues; drop those that hold none of them."""
    symbols = [instrument.symbol for instrument in instruments]
    opens_at, closes_at = stamps.opens_at[bars.row], stamps.closes_at[bars.row]
    clocks = Clocks(*(np.zeros(len(bars.day), np.int64) for _ in Clocks._fields))
    codes = ("before_calendar", "after_calendar", "not_a_session", "outside_hours")
    missing = {code: np.zeros(len(bars.day), np.bool_) for code in codes}
    day, several = bars.day.copy(), np.zeros(len(bars.day), np.bool_)
    for mic in dict.fromkeys(instrument.venue for instrument in instruments):
        here = np.array([instrument.venue == mic for instrument in instruments])[bars.symbol]
        known = sessions(mic)
        at = placed(known, opens_at[here], closes_at[here])
        for code, found in zip(codes, _no_hours(known, day[here], at.outside), strict=True):
            missing[code][here] = found
        day[here] = np.where(at.outside, day[here], known.session[at.position])
        several[here] = at.several
        values = (at.position, at.opens_at, at.closes_at, *cutoffs(known, at))
        for column, value in zip(clocks, values, strict=True):
            column[here] = value
    for code, found in missing.items():
        log.count(code, bars, found, symbols, _which_days if code == "not_a_session" else None)
    kept = ~np.logical_or.reduce(list(missing.values()))
    bars = bars._replace(day=day)
    _refuse_lengths(bars, kept & ((closes_at <= opens_at) | several), stamps, table)
    moved = (clocks.opens_at != opens_at) | (stamps.told & (clocks.closes_at != closes_at))
    log.count("cut_to_hours", bars, moved & kept, symbols)
    bars, clocks = bars.where(kept), clocks.where(kept)
    _refuse_overlaps(bars, clocks, symbols, table, stamps)
    return bars, clocks


def _no_hours(known: Sessions, day: Ints, outside: Flags) -> tuple[Flags, Flags, Flags, Flags]:
    """Say of bars outside the hours whether the calendar begins later, ends earlier, has no such day, or has."""
    early, late = outside & (day < known.session[0]), outside & (day > known.session[-1])
    within = outside & ~early & ~late
    in_session = np.isin(day, known.session)
    return early, late, within & ~in_session, within & in_session


def _refuse_lengths(bars: Rows, wrong: Flags, stamps: Stamps, table: pd.DataFrame) -> None:
    """Refuse bars that end before they begin or hold several sessions."""
    rows = bars.row[wrong][:LISTED].tolist()
    expected, cure = "an end after the opening, in the same session", "correct closes_at or the interval"
    got = [f"{iso(stamps.opens_at[row])} to {iso(stamps.closes_at[row])}" for row in rows]
    problems = [
        Problem(expected, what, cure, *place(table, row), "closes_at" if stamps.told else "opens_at")
        for row, what in zip(rows, got, strict=True)
    ]
    if problems:
        raise InputError(problems)


def _refuse_overlaps(
    bars: Rows, clocks: Clocks, symbols: Sequence[str], table: pd.DataFrame, stamps: Stamps
) -> None:
    """Refuse a bar that opens before the one before it of the same instrument has closed."""
    overlaps = np.zeros(len(bars.day), np.bool_)
    overlaps[1:] = (np.diff(bars.symbol) == 0) & (clocks.closes_at[:-1] > clocks.opens_at[1:])
    cure = "check the interval, or give closes_at"
    problems = [
        _beside(bars, int(i), f"bars that do not overlap {_bar(bars, i, symbols, stamps)}", cure, table)
        for i in np.flatnonzero(overlaps)[:LISTED]
    ]
    if problems:
        raise InputError(problems)


def _which_days(days: Ints) -> str:
    days = np.unique(days)
    shown = ", ".join(str(np.datetime64(int(day), "D")) for day in days[:5])
    return shown + (", ..." if len(days) > 5 else "")


def _possible(
    bars: Rows, clocks: Clocks, symbols: Sequence[str], table: pd.DataFrame, skip_bad: bool, log: Log
) -> tuple[Rows, Clocks]:
    """Refuse (or with ``skip_bad`` drop) bars whose prices cannot be."""
    prices = {name: getattr(bars, name) for name in PRICES}
    faults = {name: values <= 0 for name, values in prices.items()}
    for name in PRICES[:3]:
        faults[name] &= ~_halt_pattern(bars)
    faults["volume"], faults["factor"] = bars.volume < 0, bars.factor <= 0
    faults["high"] |= bars.high < bars.low
    bad = np.logical_or.reduce(list(faults.values()))
    if bad.any() and not skip_bad:
        raise InputError(
            [
                _impossible(bars, int(i), name, symbols, table)
                for i in np.flatnonzero(bad)[:LISTED]
                for name, found in faults.items()
                if found[i]
            ]
        )
    log.count("bad_price", bars, bad, symbols, _which_days)
    return bars.where(~bad), clocks.where(~bad)


def _halt_pattern(bars: Rows) -> Flags:
    halt: Flags = (bars.open == 0) & (bars.high == 0) & (bars.low == 0) & (bars.close > 0)
    return halt


def _impossible(bars: Rows, i: int, name: str, symbols: Sequence[str], table: pd.DataFrame) -> Problem:
    value = getattr(bars, name)[i]
    what = f"of {_bar(bars, i, symbols)}"
    below = name == "high" and value > 0
    expected = f"a high {what} not below its low {bars.low[i]:g}" if below else f"a positive {name} {what}"
    cure = "correct the row, or leave such rows out with skip_bad"
    return Problem(expected, f"{value:g}", cure, *place(table, int(bars.row[i])), name)


def _moved_without_volume(bars: Rows, symbols: Sequence[str], log: Log) -> Rows:
    """Make unknown the volume of 0 of a bar within a session in which prices moved: there was trade.

    Yahoo gives the first bar of a session no volume (github.com/ranaroussi/yfinance/issues/808).
    """
    moved = (bars.volume == 0) & (bars.high > bars.low) & ~bars.halted
    log.count("unknown_volume", bars, moved, symbols)
    return bars._replace(volume=np.where(moved, np.nan, bars.volume))


def _without_trade(bars: Rows, instruments: Sequence[Instrument], log: Log) -> Rows:
    """Mark sessions in which nothing could be traded; zeros that stand for no price become unknown."""
    symbols = [instrument.symbol for instrument in instruments]
    tradable = np.array([instrument.kind != "index" for instrument in instruments])[bars.symbol]
    halt = _halt_pattern(bars)
    idle = tradable & (bars.volume == 0) & ~halt & ~bars.halted
    log.count("halt", bars, halt, symbols)
    log.count("zero_volume", bars, idle, symbols)
    unknown = {name: np.where(halt, np.nan, getattr(bars, name)) for name in PRICES[:3]}
    return bars._replace(**unknown, halted=bars.halted | halt | idle)


def _honest_opens(bars: Rows, symbols: Sequence[str], log: Log) -> Rows:
    """Make unknown the opens that a source makes up of the previous close, judged by it and the bars before.

    Of the last `OPENS_WINDOW` bars of the segment whose close moved, at least `OPENS_LEAST`, more than
    `OPENS_SHARE` open exactly at the close before. Where ticks are coarse that happens to real opens too, but
    then closes repeat as well: a share not above `OPENS_STILL` times that of unmoved closes is let pass. A bar
    without an open repeats nothing, so what was once made unknown is judged alike when it comes back. Inside a
    session a bar opens near the close before by nature: only the bar that begins a session is judged.
    """
    before = _previous(bars, bars.close)
    live = _begins_session(bars) & ~(np.isnan(before) | np.isnan(bars.close) | bars.halted)
    still = live & (np.abs(bars.close - before) <= SAME * before)
    moved = live & ~still
    repeated = moved & (np.abs(bars.open - before) <= SAME * before)
    since = _window_starts(moved, _firsts(bars))
    n_moved, n_still, n_repeated = (_count_since(found, since) for found in (moved, still, repeated))
    coarse = n_repeated * (n_moved + n_still) <= OPENS_STILL * n_still * n_moved
    guilty = (n_moved >= OPENS_LEAST) & (n_repeated > OPENS_SHARE * n_moved) & ~coarse
    made_up = guilty & _begins_session(bars) & ~np.isnan(bars.open)
    log.count("synthetic_open", bars, made_up, symbols, _which_years)
    missing = np.isnan(bars.open) & ~np.isnan(bars.close) & ~bars.halted
    log.count("missing_open", bars, missing, symbols)
    return bars._replace(open=np.where(made_up, np.nan, bars.open))


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


def _which_years(days: Ints) -> str:
    return ", ".join(str(year) for year in np.unique(days.astype("M8[D]").astype("M8[Y]")))


def _firsts(bars: Rows) -> Flags:
    """Say at which rows a segment begins."""
    first = np.ones(len(bars.day), np.bool_)
    first[1:] = (np.diff(bars.symbol) != 0) | (np.diff(bars.source) != 0)
    return first


def _begins_session(bars: Rows) -> Flags:
    """Say which rows are the first of their session; all are where bars are daily."""
    begins: Flags = _firsts(bars) | (np.diff(bars.day, prepend=-1) != 0)
    return begins


def _previous(bars: Rows, values: Floats) -> Floats:
    """Give the value one bar earlier of the same segment; NaN on its first bar."""
    return np.where(_firsts(bars), np.nan, np.roll(values, 1))


def _look_over(bars: Rows, symbols: Sequence[str], log: Log) -> None:
    """Tell of odd prices that are kept."""
    top, bottom = bars.high * (1 + RANGE_TOLERANCE), bars.low * (1 - RANGE_TOLERANCE)
    outside = (bars.open > top) | (bars.open < bottom) | (bars.close > top) | (bars.close < bottom)
    log.count("missing_close", bars, np.isnan(bars.close), symbols)
    log.count("outside_range", bars, outside, symbols, _which_days)
    before = _previous(bars, bars.close)
    with np.errstate(invalid="ignore"):
        move, gap = np.log(bars.close / before), np.abs(np.log(bars.open / before))
    jumps = (np.abs(move) > SPLIT_MOVE) & _begins_session(bars)
    near = np.abs(np.exp(gap[jumps])[:, None] / SPLIT_RATIOS - 1) <= SPLIT_TOLERANCE
    jumps[jumps] = near.any(axis=1)
    log.count("split_like", bars, jumps, symbols, _which_days)


def _tell_changes(bars: Rows, symbols: Sequence[str], names: Sequence[str], log: Log) -> None:
    changes = np.flatnonzero(_firsts(bars) & (np.diff(bars.symbol, prepend=-1) == 0))
    for row in changes.tolist():
        old, new = names[bars.source[row - 1]], names[bars.source[row]]
        last, first = bars.day[row - 1 : row + 1].astype("M8[D]")
        more = f"'{old}' until {last}, '{new}' from {first}"
        log.say("source_change", symbols[bars.symbol[row]], 1, more, bars.day[row : row + 1])


def _parts(
    bars: Rows, clocks: Clocks, instruments: Sequence[Instrument], names: Sequence[str], log: Log
) -> Parts:
    """Gather the segments of the instruments that still have bars."""
    for position, count in enumerate(np.bincount(bars.symbol, minlength=len(instruments))):
        if not count:
            log.say("no_prices", instruments[position].symbol, more="nothing was left of them")
    first = _firsts(bars)
    starts = np.flatnonzero(first)
    clocks = clocks._replace(close_cutoff=never_falling(clocks.close_cutoff, first))
    kept = [instruments[position] for position in bars.symbol[starts]]
    return Parts(
        symbols=tuple(instrument.symbol for instrument in kept),
        venues=tuple(instrument.venue for instrument in kept),
        kinds=tuple(instrument.kind for instrument in kept),
        sources=tuple(names[code] for code in bars.source[starts]),
        offsets=np.append(starts, len(bars.day)),
        session=bars.day,
        **clocks._asdict(),
        **{name: getattr(bars, name) for name in (*PRICES, "volume", "factor", "halted")},
        warnings=warnings_table(log.warned),
    )
