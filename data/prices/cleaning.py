"""Cleaning: a long table of bars becomes the arrays of a tape, and a warning for everything found.

Prices are never altered to fit. A value that is no price becomes unknown, a row that is no bar is left out,
and both are counted in the table of warnings; what cannot be true is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.calendars import Sessions, sessions
from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.instants import iso
from aftershock.data.prices import faults
from aftershock.data.prices.adjust import factors, impossible_dividends, payouts
from aftershock.data.prices.columns import (
    ACTIONS,
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
from aftershock.data.prices.faults import Rows, Stamps
from aftershock.data.prices.hours import DAILY, cutoffs, interval_ns, never_falling, placed
from aftershock.data.prices.tape import Flags, Floats, Ints, Warned, warnings_table
from aftershock.data.universes import Instrument, resolve
from aftershock.data.venues import venue

SENTENCES = {
    "adjusted": (
        "info",
        "prices were multiplied by adj_close/close; factor leads back to the close as given",
    ),
    "actions": (
        "info",
        "splits and dividends: earlier prices were adjusted for them; factor leads back to traded ones",
    ),
    "bad_dividend": ("warning", "dividends not below the close before them were left out of the adjustment"),
    "unknown_symbol": ("error", "rows of a symbol nobody knows were dropped"),
    "unknown_source": ("warning", "a preferred source does not occur"),
    "no_prices": ("warning", "there are no prices of this instrument"),
    "empty": ("info", "rows without any price were dropped"),
    "other_source": ("warning", "one source at a time: these rows were dropped"),
    "source_change": ("warning", "prices continue from another source: no trade spans the change"),
    "duplicate": ("warning", "identical bars were counted once"),
    "before_calendar": ("error", "bars before the venue's calendar begins were dropped"),
    "after_calendar": ("error", "bars after the venue's calendar ends were dropped"),
    "not_a_session": ("error", "bars on days that are no session of the venue were dropped"),
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
    "excluded": ("warning", "bars were marked as halted for what was found on them, as asked"),
    "different_duplicate": ("error", "different bars of one day: a tape refuses the table"),
    "gap": ("warning", "sessions of the venue between its first and last bar have no bar"),
    "stale": (
        "warning",
        "all four prices repeat the bar before, for the fifth time or more in a row, though nothing says that "
        "trading stopped",
    ),
    "currency_mix": ("warning", "the column currency names others than the instrument's"),
    "shifted_dates": ("warning", "its dates look moved by a day: known too early or too late"),
    "sources_disagree": ("warning", "daily returns of two sources differ by more than a point"),
    "calendar_disagrees": ("warning", "calendar and prices disagree on days nobody has explained"),
    "adjustment": ("info", "sources adjust differently: returns are taken within one source only"),
    "survivorship": (
        "info",
        "every stock still has prices at the end: today's constituents, so those that failed are missing",
    ),
    "late_fix": (
        "info",
        "known only after Asia's close of its date: to be used one session later",
    ),
}
"""Severity and sentence of every code that a tape can warn of or an audit can find.

The severity says what becomes of a bar. ``error``: what cannot be true; the rows are left out, so that nothing
fills on them. ``warning``: the bar fills at every price it has, and the doubt is told. ``info``: nothing is wrong
with the prices; a halted bar does not fill, as on the day itself.
"""

PATIENCE = 5
"""So many sessions in a row a source must miss before another that was there already takes over."""


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
    payout: Floats
    halted: Flags
    warnings: pd.DataFrame


class Actions(NamedTuple):
    """What stands beside the rows: dividends per share and new shares for one old; NaN where nothing is said."""

    dividend: Floats
    split: Floats


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
    exclude: Sequence[str] = (),
    interval: str = DAILY,
) -> Parts:
    """Make a tape's arrays of a long table; see `Tape.from_frame`, which this does the work of."""
    log = Log()
    excluded, length = _excluded_codes(exclude), interval_ns(interval)
    table = tidy_columns(frame, intraday=length is not None)
    table, instruments, symbol = known_rows(table, log)
    symbols = [instrument.symbol for instrument in instruments]
    names, source = source_names(table)
    stamps = stamps_of(table, length)
    bars = read_bars(table, instruments, symbol, source, stamps, log)
    bars = _drop_empty(bars, symbols, log)
    preferred = [sources] if isinstance(sources, str) else list(sources)
    bars = one_source_at_a_time(bars, instruments, names, preferred, log)
    bars = once(bars, symbols, table, stamps, log)
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
    opened, bars = bars, _honest_opens(bars, symbols, log)
    _look_over(bars, symbols, log)
    tell_changes(bars, symbols, names, log)
    bars = _exclude(bars, opened, excluded, symbols, log)
    return _parts(bars, clocks, instruments, names, log)


def known_rows(table: pd.DataFrame, log: Log) -> tuple[pd.DataFrame, list[Instrument], Ints]:
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


def source_names(table: pd.DataFrame) -> tuple[list[str], Ints]:
    """Give the names of sources, sorted ("" where a cell is empty), and each row's position in them."""
    found = texts(table, "source")
    names = sorted({*found.distinct, ""})
    return names, np.array([names.index(name) for name in (*found.distinct, "")], np.int64)[found.codes]


def stamps_of(table: pd.DataFrame, length: int | None) -> Stamps | None:
    """Read when bars open and close; where only the openings stand, their interval says the rest.

    None where bars are daily.
    """
    if not is_intraday(table):
        return None
    opens_at = instants(table, "opens_at")
    if "closes_at" in table.columns:
        return Stamps(opens_at, instants(table, "closes_at"), told=True)
    if length is None:
        cure = 'add the column, or say how long bars are: interval="60m"'
        got = "openings alone"
        raise InputError(Problem("a column 'closes_at' beside opens_at", got, cure, place(table, 0)[0]))
    return Stamps(opens_at, opens_at + length, told=False)


def told_bars(
    table: pd.DataFrame,
    instruments: Sequence[Instrument],
    symbol: Ints,
    source: Ints,
    stamps: Stamps | None,
    log: Log,
) -> tuple[Rows, Actions]:
    """Read dates and numbers, adjust where ``adj_close`` stands, and sort by symbol, source and time.

    Dividends and splits come in the order of the table, where `Rows.row` leads.
    """
    zones = tuple(dict.fromkeys(venue(one.venue).zone for one in instruments))
    zone = np.array([zones.index(venue(one.venue).zone) for one in instruments], np.int64)
    in_zones = Texts(zone[symbol], zones)
    day = local_days(table, in_zones) if stamps is None else days_of(stamps.opens_at, in_zones)
    values = {name: numbers(table, name) for name in (*PRICES, "volume", "factor", "payout")}
    if "adj_close" in table.columns:
        adjusted = numbers(table, "adj_close")
        with np.errstate(divide="ignore", invalid="ignore"):
            values["factor"], ratio = values["close"] / adjusted, adjusted / values["close"]
        values.update({name: values[name] * ratio for name in PRICES})
        log.say("adjusted", rows=len(table))
    bars = Rows(symbol, source, day, **values, halted=flags(table, "halted"), row=np.arange(len(table)))
    order = np.lexsort((day if stamps is None else stamps.opens_at, source, symbol))
    actions = Actions(*(numbers(table, name) for name in ACTIONS))
    return Rows._make(column[order] for column in bars), actions


def read_bars(
    table: pd.DataFrame,
    instruments: Sequence[Instrument],
    symbol: Ints,
    source: Ints,
    stamps: Stamps | None,
    log: Log,
) -> Rows:
    """Read bars as they are told, and adjust traded prices where dividends and splits stand beside them."""
    bars, actions = told_bars(table, instruments, symbol, source, stamps, log)
    if not {*ACTIONS} & {*table.columns}:
        return bars
    beside = Actions(*(values[bars.row] for values in actions))
    check_actions(bars, beside, table, stamps)
    again, _ = faults.repeated(bars, stamps)
    # A row that is there twice pays and divides once.
    beside = Actions(*(np.where(again, np.nan, values) for values in beside))
    return _adjusted(bars, beside, [one.symbol for one in instruments], log)


def _adjusted(bars: Rows, actions: Actions, symbols: Sequence[str], log: Log) -> Rows:
    """Adjust traded prices, series by series, where dividends and splits stand beside them.

    A series whose cells are empty in both columns says nothing of its actions and stays as it was given.
    """
    starts = np.flatnonzero(faults.firsts(bars))
    told = np.logical_or.reduceat(~(np.isnan(actions.dividend) & np.isnan(actions.split)), starts)
    factor, payout = bars.factor.copy(), bars.payout.copy()
    wrong = np.zeros(len(factor), np.bool_)
    for start, end in zip(starts[told], np.append(starts, len(factor))[1:][told], strict=True):
        series = slice(start, end)
        beside = (bars.close[series], actions.dividend[series], actions.split[series])
        factor[series], payout[series] = factors(*beside), payouts(*beside)
        wrong[series] = impossible_dividends(*beside)
    done = np.repeat(told, np.diff(np.append(starts, len(factor))))
    moved = done & ((actions.dividend > 0) | ((actions.split > 0) & (actions.split != 1)))
    log.count("actions", bars, moved, symbols)
    log.count("bad_dividend", bars, wrong, symbols, which_days)
    ratio = np.where(done, factor, 1.0)
    return bars._replace(
        factor=factor, payout=payout, **{name: getattr(bars, name) / ratio for name in PRICES}
    )


def check_actions(bars: Rows, actions: Actions, table: pd.DataFrame, stamps: Stamps | None) -> None:
    """Refuse what cannot be: negative actions, two for one bar, and a factor that says the same in other words."""
    for name, values in actions._asdict().items():
        row = _first_in_table(bars, values < 0)
        if row is not None:
            got, cure = f"{values[bars.row == row][0]:g}", "correct or empty the cell"
            expected = f"a {name} that is not negative"
            raise InputError(Problem(expected, got, cure, *place(table, row), name))
    again, _ = faults.repeated(bars, stamps)
    paid = np.where(actions.dividend > 0, actions.dividend, 0.0)
    ratio = np.where(actions.split > 0, actions.split, 1.0)
    for name, values in (("dividend", paid), ("split", ratio)):
        differs = np.flatnonzero(again & (np.diff(values, prepend=0.0) != 0))
        if len(differs):
            problem = _beside(
                bars, int(differs[0]), f"one {name} for one bar", "remove one of the rows", table
            )
            raise InputError(replace(problem, column=name))
    told = ~(np.isnan(actions.dividend) & np.isnan(actions.split))
    row = _first_in_table(bars, ~np.isnan(bars.factor) & told)
    if row is not None:
        expected, cure = "a factor, or a dividend and a split", "empty the cell of one of them"
        raise InputError(Problem(expected, "both", cure, *place(table, row), "factor"))


def _first_in_table(bars: Rows, found: Flags) -> int | None:
    return int(bars.row[found].min()) if found.any() else None


def _drop_empty(bars: Rows, symbols: Sequence[str], log: Log) -> Rows:
    empty = faults.without_price(bars)
    log.count("empty", bars, empty, symbols)
    return bars.where(~empty)


def one_source_at_a_time(
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


def once(bars: Rows, symbols: Sequence[str], table: pd.DataFrame, stamps: Stamps | None, log: Log) -> Rows:
    """Drop repeated bars; refuse two different bars of one day (that open at one instant)."""
    again, same = faults.repeated(bars, stamps)
    if not same[again].all():
        cure = "remove one of them" + (
            "" if stamps else "; bars within a day have opens_at in the place of date"
        )
        rows = np.flatnonzero(again & ~same)[:LISTED]
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
    ordinal, missing = faults.off_calendar(bars, [instrument.venue for instrument in instruments])
    clocks = Clocks(ordinal, *(np.zeros(len(bars.day), np.int64) for _ in Clocks._fields[1:]))
    for mic in dict.fromkeys(instrument.venue for instrument in instruments):
        here = np.array([instrument.venue == mic for instrument in instruments])[bars.symbol]
        for name in Clocks._fields[1:]:
            getattr(clocks, name)[here] = getattr(sessions(mic), name)[ordinal[here]]
    for code, found in missing.items():
        log.count(code, bars, found, symbols, which_days if code == "not_a_session" else None)
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
        log.count(code, bars, found, symbols, which_days if code == "not_a_session" else None)
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


def which_days(days: Ints) -> str:
    """Name the first five of some days."""
    days = np.unique(days)
    shown = ", ".join(str(np.datetime64(int(day), "D")) for day in days[:5])
    return shown + (", ..." if len(days) > 5 else "")


def _possible(
    bars: Rows, clocks: Clocks, symbols: Sequence[str], table: pd.DataFrame, skip_bad: bool, log: Log
) -> tuple[Rows, Clocks]:
    """Refuse (or with ``skip_bad`` drop) bars whose prices cannot be."""
    wrong = faults.impossible(bars)
    bad = np.logical_or.reduce(list(wrong.values()))
    if bad.any() and not skip_bad:
        raise InputError(
            [
                _impossible(bars, int(i), name, symbols, table)
                for i in np.flatnonzero(bad)[:LISTED]
                for name, found in wrong.items()
                if found[i]
            ]
        )
    log.count("bad_price", bars, bad, symbols, which_days)
    return bars.where(~bad), clocks.where(~bad)


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
    symbols = [instrument.symbol for instrument in instruments]
    bars, halt, idle = faults.without_trade(bars, [instrument.kind for instrument in instruments])
    log.count("halt", bars, halt, symbols)
    log.count("zero_volume", bars, idle, symbols)
    return bars


def _honest_opens(bars: Rows, symbols: Sequence[str], log: Log) -> Rows:
    made_up = faults.made_up_opens(bars)
    log.count("synthetic_open", bars, made_up, symbols, which_years)
    log.count("missing_open", bars, faults.without_open(bars), symbols)
    return bars._replace(open=np.where(made_up, np.nan, bars.open))


def which_years(days: Ints) -> str:
    """Name the years of some days."""
    return ", ".join(str(year) for year in np.unique(days.astype("M8[D]").astype("M8[Y]")))


def _look_over(bars: Rows, symbols: Sequence[str], log: Log) -> None:
    """Tell of odd prices that are kept."""
    log.count("missing_close", bars, np.isnan(bars.close), symbols)
    log.count("outside_range", bars, faults.outside_range(bars), symbols, which_days)
    log.count("split_like", bars, faults.split_like(bars), symbols, which_days)


EXCLUDABLE: dict[str, Callable[[Rows], Flags]] = {
    "synthetic_open": faults.made_up_opens,
    "missing_open": faults.without_open,
    "outside_range": faults.outside_range,
    "split_like": faults.split_like,
    "stale": faults.stale,
}
"""What bars can be kept from filling for: each depends on the bar and those before it only."""


def _excluded_codes(exclude: Sequence[str]) -> list[str]:
    codes = [exclude] if isinstance(exclude, str) else list(dict.fromkeys(exclude))
    for code in codes:
        if code not in EXCLUDABLE:
            cure = did_you_mean(str(code), EXCLUDABLE)
            raise InputError(Problem("codes of single bars in exclude", f"'{code}'", cure))
    return codes


def _exclude(bars: Rows, opened: Rows, codes: Sequence[str], symbols: Sequence[str], log: Log) -> Rows:
    """Mark as halted the bars that have one of the findings; ``opened`` still has the opens made up."""
    out = np.zeros(len(bars.day), np.bool_)
    for code in codes:
        out |= EXCLUDABLE[code](opened if code == "synthetic_open" else bars)
    log.count("excluded", bars, out & ~bars.halted, symbols, lambda _: ", ".join(codes))
    return bars._replace(halted=bars.halted | out)


def tell_changes(bars: Rows, symbols: Sequence[str], names: Sequence[str], log: Log) -> None:
    """Tell from which bar on prices come from another source."""
    changes = np.flatnonzero(faults.firsts(bars) & (np.diff(bars.symbol, prepend=-1) == 0))
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
    first = faults.firsts(bars)
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
        **{name: getattr(bars, name) for name in (*PRICES, "volume", "factor", "payout", "halted")},
        warnings=warnings_table(log.warned),
    )
