"""The audit of prices: what is wrong with them, found in the rows as they are and named, never raised."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.calendars import sessions
from aftershock.data.instants import DAY
from aftershock.data.prices import faults
from aftershock.data.prices.agreement import Priced, disagreements
from aftershock.data.prices.cleaning import (
    Log,
    known_rows,
    one_source_at_a_time,
    read_bars,
    source_names,
    stamps_of,
    tell_changes,
    which_days,
    which_years,
)
from aftershock.data.prices.columns import Texts, local_days, texts, tidy_columns
from aftershock.data.prices.faults import Rows, Stamps
from aftershock.data.prices.findings import Found, records, typed
from aftershock.data.prices.hours import DAILY, interval_ns, placed
from aftershock.data.prices.read import naming_files, read_prices, wanted_symbols
from aftershock.data.prices.shifts import shifted, shifted_against
from aftershock.data.prices.store import Store
from aftershock.data.prices.tape import Flags, Ints, Tape
from aftershock.data.universes import Instrument
from aftershock.data.venues import VENUES, venue

Paths = str | os.PathLike[str]

COVERAGE = ("symbol", "venue", "kind", "source", "first", "last", "bars", "sessions", "missing", "share")

DISAGREEING = 0.01
"""Two sources disagree on a day where their log returns differ by more."""

DRIFT = 0.005
"""Levels of two sources that part by more (log) were adjusted differently."""

ALIVE = 10
"""A stock lives that has a bar in the last so many sessions of its venue."""

LONG = 250
"""Over fewer sessions nobody expects a failure."""

EVENING = 12 * 3600 * 1_000_000_000
"""A venue that closes later than this in the UTC day closes after Asia."""

CURRENCIES = {venue(mic).currency for mic in VENUES} | {"EUR", "GBP", "CHF", "CAD", "NZD", "VND"}

_PAIR = re.compile(r"([A-Z]{3})/?([A-Z]{3})(=X)?")


@dataclass(frozen=True, eq=False)
class Audit:
    """What an audit of prices found.

    Attributes
    ----------
    findings : DataFrame
        ``code, severity, symbol, venue, source, first, last, rows, message``, the gravest first; ``first`` and
        ``last`` are local dates, ``symbol``, ``venue`` and ``source`` "" where more than one is meant.
        ``error``: what cannot be true, a tape leaves the rows out (or refuses the table); ``warning``: the bars
        fill, and the doubt is told; ``info``: nothing is wrong with the prices.
    coverage : DataFrame
        One row for each symbol and source: ``symbol, venue, kind, source, first, last, bars, sessions`` (of the
        venue from first to last), ``missing``, ``share`` (of the sessions that have a bar).
    disagreements : DataFrame
        Days on which calendar and prices disagree, see `agreement.disagreements`.
    """

    findings: pd.DataFrame
    coverage: pd.DataFrame
    disagreements: pd.DataFrame

    def to_records(self) -> dict[str, list[dict[str, Any]]]:
        """Give the three tables as lists of plain records: dates as ISO texts, None for what is unknown."""
        return {name: records(getattr(self, name)) for name in ("findings", "disagreements", "coverage")}


def audit(
    prices: Tape | Store | pd.DataFrame | Paths | Iterable[Paths],
    *,
    symbols: Iterable[str] | None = None,
    sources: Sequence[str] = (),
    interval: str | None = None,
    snapshot: str | None = None,
) -> Audit:
    """Look prices over before anything is left out of them.

    Parameters
    ----------
    prices : Tape, Store, DataFrame, path or paths
        In any shape that `load_tape` takes. Of a tape only the bars that it kept can be judged.
    symbols : iterable of str, optional
        Instruments wanted, in any dialect; else all.
    sources : sequence of str
        Sources in order of preference, as a tape takes them.
    interval, snapshot : str, optional
        As `load_tape` takes them. Of bars within sessions gaps, dates, sources and the calendar are judged by the
        last bar of each session.

    Returns
    -------
    Audit
        A bad price is a finding, whatever its row; it stops nothing.

    Raises
    ------
    InputError
        A file that cannot be read, columns that are missing, cells that are no number or date, or no known symbol.

    Examples
    --------
    >>> days = ["2025-09-11", "2025-09-12", "2025-09-14"]
    >>> frame = pd.DataFrame({"symbol": "8035.T", "date": days, "close": [99.0, -1.0, 101.0]})
    >>> audit(frame).findings[["code", "severity", "message"]].head(2).values.tolist()  # doctest: +ELLIPSIS
    [['bad_price', 'error', '... (2025-09-12)'], ['not_a_session', 'error', '... (2025-09-14)']]
    """
    wanted = wanted_symbols(symbols)
    if isinstance(prices, Tape):
        prices = prices.to_frame()
    frame, provenance = read_prices(prices, wanted, interval=interval, snapshot=snapshot)
    with naming_files(provenance):
        preferred = [sources] if isinstance(sources, str) else list(sources)
        length = interval_ns(interval or provenance.get("interval", DAILY))
        return _audit(tidy_columns(frame, intraday=length is not None), length, preferred, wanted or ())


def _audit(table: pd.DataFrame, length: int | None, sources: Sequence[str], wanted: Sequence[str]) -> Audit:
    table, rates = _without_rates(table)
    stamps = None
    log = Log()
    if len(table) or not rates:
        table, instruments, symbol = known_rows(table, log)
        names, source = source_names(table)
        stamps = stamps_of(table, length)
        bars = read_bars(table, instruments, symbol, source, stamps, log)
    else:
        instruments, names = [], []
        bars = Rows._make(np.empty(0, np.int64) for _ in Rows._fields)
    found = Found(instruments, names)
    for pair, dates in rates:
        found.say("late_fix", pair, days=dates, rows=len(dates), more="a rate; not looked over further")
    for absent in wanted:
        if absent not in found.symbols:
            log.say("no_prices", absent)
    sound = _rows_one_by_one(bars, stamps, found)
    ordinal, _ = faults.off_calendar(sound, found.venues)
    _look_over(sound, ordinal, found)
    if stamps is not None:
        _hours(bars, stamps, found)
        bars, sound = (rows.where(faults.last_of_session(rows)) for rows in (bars, sound))
        ordinal, _ = faults.off_calendar(sound, found.venues)
    moved = _shifts(bars, sound, ordinal, found)
    against = _against_calendar(bars, moved, found)
    _gaps(sound, ordinal, found)
    _between_sources(sound, found)
    _currencies(table, bars, found)
    _of_the_whole(sound, ordinal, found)
    _succession(bars, instruments, sources, found, log)
    found.take(log)
    return Audit(found.table(), _coverage(sound, ordinal, found), against)


def _hours(bars: Rows, stamps: Stamps, found: Found) -> None:
    """Find bars that hold no continuous trading of a session of their venue."""
    out = np.zeros(len(bars.day), np.bool_)
    for mic in dict.fromkeys(found.venues):
        here = np.array([venue == mic for venue in found.venues])[bars.symbol]
        rows, known = bars.row[here], sessions(mic)
        at = placed(known, stamps.opens_at[rows], stamps.closes_at[rows])
        out[here] = at.outside & np.isin(bars.day[here], known.session)
    found.count("outside_hours", bars, out)


def _rows_one_by_one(bars: Rows, stamps: Stamps | None, found: Found) -> Rows:
    """Find what rules a row out; give those left, halts marked."""
    empty = faults.without_price(bars)
    found.count("empty", bars, empty)
    bars = bars.where(~empty)
    again, same = faults.repeated(bars, stamps)

    def days(rows: Ints) -> str:
        return which_days(bars.day[rows])

    found.count("duplicate", bars, same, days)
    found.count("different_duplicate", bars, again & ~same, days)
    _, off = faults.off_calendar(bars, found.venues)
    for code, at in off.items():
        found.count(code, bars, at & ~again, days if code == "not_a_session" else None)
    out: Flags = again | np.logical_or.reduce(list(off.values()))
    bad = np.logical_or.reduce(list(faults.impossible(bars).values()))
    found.count("bad_price", bars, bad & ~out, days)
    sound = bars.where(~(out | bad))
    marked, halt, idle = faults.without_trade(sound, found.kinds)
    ordinal, _ = faults.off_calendar(sound, found.venues)

    def run(rows: Ints) -> str:
        return f"the longest run has {longest_run(ordinal[rows])}; {which_days(sound.day[rows])}"

    found.count("halt", sound, halt, run)
    found.count("zero_volume", sound, idle, run)
    return marked


def _look_over(bars: Rows, ordinal: Ints, found: Found) -> None:
    """Find odd prices that stay."""

    def days(rows: Ints) -> str:
        return which_days(bars.day[rows])

    def years(rows: Ints) -> str:
        return which_years(bars.day[rows])

    def run(rows: Ints) -> str:
        return f"the longest run has {longest_run(ordinal[rows])} more; {days(rows)}"

    found.count("synthetic_open", bars, faults.made_up_opens(bars), years)
    found.count("missing_open", bars, faults.without_open(bars), years)
    found.count("missing_close", bars, np.isnan(bars.close), days)
    found.count("outside_range", bars, faults.outside_range(bars), days)
    found.count("split_like", bars, faults.split_like(bars), days)
    found.count("stale", bars, faults.stale(bars), run)


def longest_run(ordinal: Ints) -> int:
    """Count the longest row of numbers that rise by one.

    Examples
    --------
    >>> longest_run(np.array([3, 4, 5, 9, 10]))
    3
    """
    if not len(ordinal):
        return 0
    ends = np.append(np.flatnonzero(np.diff(ordinal) != 1), len(ordinal) - 1)
    return int(np.diff(ends, prepend=-1).max())


def _shifts(bars: Rows, sound: Rows, ordinal: Ints, found: Found) -> Flags:
    """Find symbols and sources whose dates are moved; say which rows of ``bars`` are theirs."""
    moved = np.zeros(len(bars.day), np.bool_)
    told = set()
    for rows, days, why in shifted(bars, found.venues):
        moved[rows] = True
        told.add((bars.symbol[rows.start], bars.source[rows.start]))
        _say_shift(bars, rows, days, why, found)
    for rows, days, why in shifted_against(sound, ordinal, found.venues):
        if (sound.symbol[rows.start], sound.source[rows.start]) not in told:
            _say_shift(sound, rows, days, why, found)
    return moved


def _say_shift(bars: Rows, rows: slice, days: int, why: str, found: Found) -> None:
    symbol, source = found.symbols[bars.symbol[rows.start]], found.names[bars.source[rows.start]]
    own, way = bars.day[rows], "earlier" if days > 0 else "later"
    found.say("shifted_dates", symbol, source=source, rows=len(own), more=f"one {way}: {why}", days=own)


def _against_calendar(bars: Rows, moved: Flags, found: Found) -> pd.DataFrame:
    """Hold calendar and prices against each other, those of moved dates left out."""
    _, off = faults.off_calendar(bars, found.venues)
    bad = np.logical_or.reduce(list(faults.impossible(bars).values()))
    ordinal, _ = faults.off_calendar(bars, found.venues)
    place = np.where(np.logical_or.reduce(list(off.values())), -1, ordinal)
    priced = Priced(bars.symbol, bars.day, place, ~faults.filled(bars))
    days = disagreements(
        priced.where(~(moved | bad | faults.without_price(bars))), found.symbols, found.venues
    )
    for mic, own in days[days["status"] == "unexplained"].groupby("venue", sort=False):
        named = own["session"].to_numpy("M8[D]").astype(np.int64)
        count = int(own["sessions"].sum())
        found.say("calendar_disagrees", venue=str(mic), rows=count, more=which_days(named), days=named)
    return days


def _gaps(bars: Rows, ordinal: Ints, found: Found) -> None:
    """Find the sessions within each symbol's own bars that none of its sources has."""
    starts = np.flatnonzero(np.diff(bars.symbol, prepend=-1))
    for start, end in zip(starts, np.append(starts, len(bars.day))[1:], strict=True):
        own = np.unique(ordinal[start:end])
        if len(own) == own[-1] - own[0] + 1:
            continue
        absent = np.setdiff1d(np.arange(own[0], own[-1] + 1), own)
        position = bars.symbol[start]
        days = sessions(found.venues[position]).session[absent]
        several = len(np.unique(bars.source[start:end])) > 1
        source = "" if several else found.names[bars.source[start]]
        more = f"the longest run has {longest_run(absent)}; {which_days(days)}"
        found.say("gap", found.symbols[position], source=source, rows=len(absent), more=more, days=days)


def _between_sources(bars: Rows, found: Found) -> None:
    """Compare daily returns, and the drift of levels, of every two sources of a symbol."""
    priced = bars.where(~np.isnan(bars.close))
    series = faults.series(priced)
    for i, one in enumerate(series):
        for other in series[i + 1 :]:
            if priced.symbol[other.start] != priced.symbol[one.start]:
                break
            _between(priced, one, other, found)


def _between(bars: Rows, one: slice, other: slice, found: Found) -> None:
    symbol = found.symbols[bars.symbol[one.start]]
    both = " and ".join(_named(found.names[bars.source[rows.start]]) for rows in (one, other))
    days, mine, yours = np.intersect1d(bars.day[one], bars.day[other], return_indices=True)
    if len(days) < 2:
        return
    levels = np.log(bars.close[one][mine]) - np.log(bars.close[other][yours])
    apart = np.abs(np.diff(levels)) > DISAGREEING
    if apart.any():
        named = days[1:][apart]
        more = f"{both}, on {apart.mean():.2%} of {len(apart):,} common days; {which_days(named)}"
        found.say("sources_disagree", symbol, rows=int(apart.sum()), more=more, days=named)
    if np.ptp(levels) > DRIFT:
        ratios = np.exp([levels[0], levels[-1]])
        more = f"{both}: the ratio of their closes goes from {ratios[0]:.4f} to {ratios[1]:.4f}"
        found.say("adjustment", symbol, rows=len(days), more=more, days=days)


def _named(source: str) -> str:
    return f"'{source}'" if source else "one without a name"


def _succession(
    bars: Rows, instruments: Sequence[Instrument], sources: Sequence[str], found: Found, log: Log
) -> None:
    """Tell which source a tape would take when."""
    bars = bars.where(~faults.without_price(bars))
    bars = one_source_at_a_time(bars, instruments, found.names, sources, log)
    _, off = faults.off_calendar(bars, found.venues)
    out = np.logical_or.reduce([*off.values(), *faults.impossible(bars).values()])
    tell_changes(bars.where(~out), found.symbols, found.names, log)


def _currencies(table: pd.DataFrame, bars: Rows, found: Found) -> None:
    """Find currencies that are not the instrument's; minor units (GBp) are others."""
    named = texts(table, "currency")
    if not named.distinct:
        return
    codes = named.codes[bars.row]
    expected = np.array([*found.currencies, ""], object)[bars.symbol]
    other = (codes >= 0) & (np.array([*named.distinct, ""], object)[codes] != expected)

    def more(rows: Ints) -> str:
        own = found.currencies[bars.symbol[rows[0]]]
        others = sorted({named.distinct[code] for code in codes[rows]})
        minor = [text for text in others if text.upper() == own]
        units = f"; {', '.join(minor)} are minor units" if minor else ""
        return f"{', '.join(others)} beside {own}{units}"

    found.count("currency_mix", bars, other, more)


def _of_the_whole(bars: Rows, ordinal: Ints, found: Found) -> None:
    """Tell what holds for all the prices, or for a venue's."""
    used = [_named(found.names[code]) for code in np.unique(bars.source)]
    if len(used) > 1:
        listed = ", ".join(used)
        found.say("adjustment", rows=len(bars.day), more=f"{len(used)} sources: {listed}", days=bars.day)
    for mic in dict.fromkeys(found.venues):
        own = np.array([place == mic for place in found.venues])
        here = own[bars.symbol]
        if here.any() and sessions(mic).closes_at[-1] % DAY > EVENING:
            _say_late(bars.where(here), mic, found)
        stocks = here & np.array([kind == "stock" for kind in found.kinds])[bars.symbol]
        if stocks.any() and np.ptp(ordinal[stocks]) >= LONG:
            _say_survivors(bars.where(stocks), ordinal[stocks], mic, found)


def _say_late(bars: Rows, mic: str, found: Found) -> None:
    more = f"{mic} closes after Asia: " + ", ".join(found.symbols[i] for i in np.unique(bars.symbol))
    found.say("late_fix", venue=mic, rows=len(bars.day), more=more, days=bars.day)


def _say_survivors(bars: Rows, ordinal: Ints, mic: str, found: Found) -> None:
    stocks, codes = np.unique(bars.symbol, return_inverse=True)
    last = np.zeros(len(stocks), np.int64)
    np.maximum.at(last, codes, ordinal)
    if len(stocks) > 1 and (last > last.max() - ALIVE).all():
        found.say("survivorship", venue=mic, rows=len(stocks), more=f"{len(stocks)} of {len(stocks)}")


def _coverage(bars: Rows, ordinal: Ints, found: Found) -> pd.DataFrame:
    """Count the bars of each symbol and source against the sessions of its venue."""
    series = faults.series(bars)
    starts = np.array([rows.start for rows in series], np.int64)
    ends = np.array([rows.stop for rows in series], np.int64) - 1
    position, count = bars.symbol[starts], ends - starts + 1
    expected = ordinal[ends] - ordinal[starts] + 1
    columns = (
        [found.symbols[i] for i in position],
        [found.venues[i] for i in position],
        [found.kinds[i] for i in position],
        [found.names[i] for i in bars.source[starts]],
        bars.day[starts],
        bars.day[ends],
        count,
        expected,
        expected - count,
        count / np.maximum(expected, 1),
    )
    table = pd.DataFrame(dict(zip(COVERAGE, columns, strict=True)))
    return typed(table, ("bars", "sessions", "missing")).astype({"share": np.float64})


def _without_rates(table: pd.DataFrame) -> tuple[pd.DataFrame, list[tuple[str, Ints]]]:
    """Take out exchange rates, which have no venue; give each pair with its days."""
    named = texts(table, "symbol")
    pairs = [_pair(text) for text in named.distinct]
    rates = []
    for code, pair in enumerate(pairs):
        if pair:
            part = table[named.codes == code]
            rates.append((pair, local_days(part, Texts(np.zeros(len(part), np.int64), ("UTC",)))))
    kept = ~np.array([*map(bool, pairs), False])[named.codes]
    return (table if kept.all() else table[kept].reset_index(drop=True)), rates


def _pair(symbol: str) -> str:
    """Read a symbol as a pair of currencies; "" where it is none."""
    meant = _PAIR.fullmatch(symbol.strip().upper())
    both = meant is not None and {meant[1], meant[2]} <= CURRENCIES
    return f"{meant[1]}{meant[2]}" if meant and both else ""
