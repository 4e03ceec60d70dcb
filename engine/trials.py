"""Many trials of one market: what they share is looked up once, what each comes to is summed up in kernels.

Trials that share signals, rules and settings form a *set-up* and differ in their hold, stop, take, trail and least
strength. Where a set-up allows it their exits come from tables (`aftershock.engine.kernels.passages`), else each trial
is simulated by itself; both give the trades that `aftershock.engine.portfolio.simulate` gives.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aftershock.engine import kernels
from aftershock.engine.kernels import (
    AccountRoom,
    Case,
    Cuts,
    Day,
    Lanes,
    Levels,
    Marks,
    Passages,
    Room,
    SignalLists,
    Tables,
    Trials,
)
from aftershock.engine.metrics import ROUNDING, YEAR
from aftershock.engine.portfolio import charged, pnl_of, slipped
from aftershock.engine.returns import last_known
from aftershock.engine.simulation import (
    by_due,
    net,
    netting_order,
    new_group,
    new_ledger,
    simulate_some,
)
from aftershock.engine.types import (
    Bars,
    Book,
    Entries,
    Exits,
    Flags,
    Floats,
    Integers,
    Orders,
    Rules,
    trade_dtype,
)

ROOM = 64_000_000
"""Bytes that tables of first passages may take at a time."""
ABREAST = 8
"""How many trials run side by side: what they move on each date stays in the cache."""
PARTS = 4
"""Into how many parts for each thread trials are dealt, so that no thread waits long for another."""
HEDGED = 50
"""How many hedged trials are done before anybody is told."""


class Axis(NamedTuple):
    """The dates of equity: ``days`` since 1970, rising, and the place of each bar's date among them."""

    days: Integers
    of_bar: Integers


LegsOf = Callable[[np.ndarray, int], np.ndarray]
"""Gives the hedge legs of trades that were to be held for so many bars (`aftershock.engine.hedge.legs_of`)."""


class Setup(NamedTuple):
    """What trials share.

    Attributes
    ----------
    rules : Rules
        Costs and rules.
    entries : Entries
        All signals before netting, n rows, in the order in which they are listed.
    strength : ndarray of float64, shape (n,)
        Of each signal; NaN unknown.
    first : ndarray of int64, shape (n,)
        The UTC date of each in days since 1970: equity begins with the first that takes part.
    exits, orders, book : Exits, Orders, Book
        Settings; hold and levels of ``exits`` are the trials' own.
    legs : callable, optional
        What hedges trades.
    """

    rules: Rules
    entries: Entries
    strength: Floats
    first: Integers
    exits: Exits
    orders: Orders
    book: Book
    legs: LegsOf | None = None


class Params(NamedTuple):
    """One row per trial: its set-up, hold, stop, take, trail (NaN: off) and least strength (0: any)."""

    setup: Integers
    hold: Integers
    stop: Floats
    take: Floats
    trail: Floats
    least: Floats

    def rows(self, chosen: Any) -> Params:
        """Take some trials."""
        return Params(*(np.ascontiguousarray(column[chosen]) for column in self))


def axis_of(bars: Bars, tradable: Any = None) -> Axis:
    """Give the dates on which a bar of what may be traded closes.

    Examples
    --------
    >>> import pandas as pd
    >>> from aftershock.data.prices import Tape
    >>> from aftershock.engine.portfolio import bars_of
    >>> prices = pd.DataFrame({"symbol": "8035.T", "date": ["2025-09-11", "2025-09-12"], "close": [1.0, 2.0]})
    >>> axis_of(bars_of(Tape.from_frame(prices))).of_bar.tolist()
    [0, 1]
    """
    held = slice(None) if tradable is None else tradable
    if not len(bars.session) or not len(bars.session[held]):
        return Axis(np.zeros(0, np.int64), np.full(len(bars.session), -1))
    first = bars.session.min()
    since = bars.session - first
    closes = np.zeros(since.max() + 1, np.bool_)
    closes[since[held]] = True
    return Axis(np.flatnonzero(closes) + first, (np.cumsum(closes) - 1)[since])


def by_tables(setup: Setup, bars: Bars) -> bool:
    """Tell whether the exits of a set-up's trials can be looked up: see docs/sweeps.md, "Three ways"."""
    if setup.legs is not None:
        return False
    return setup.book.mode == kernels.EVENT or (_holds_one(setup) and _bars_are_sessions(bars))


def _holds_one(setup: Setup) -> bool:
    """Tell whether an account holds one trade at a time, entered at once or never, and nothing caps it."""
    book, orders = setup.book, setup.orders
    caps = min(book.max_name, book.max_market, book.max_gross, book.max_net)
    return (
        book.mode == kernels.ACCOUNT
        and orders.max_defer == 0
        and orders.same == kernels.IGNORE
        and caps == np.inf
    )


def _bars_are_sessions(bars: Bars) -> bool:
    """Tell whether no two bars of an instrument share a session."""
    again = np.flatnonzero(bars.ordinal[1:] == bars.ordinal[:-1]) + 1
    return bool(np.isin(again, bars.offsets).all())


Out = tuple[Floats, NDArray[np.float32] | None]
"""Where trials leave their sums and, if anybody wants them, their returns."""


class Ground(NamedTuple):
    """What all trials of a sweep stand on: the market, its dates, the set-ups, and where something may be held."""

    bars: Bars
    axis: Axis
    setups: list[Setup]
    tabled: Flags
    marks: Marks


def ground_of(bars: Bars, axis: Axis, setups: list[Setup], holds: Integers, capital: float) -> Ground:
    """Prepare a sweep.

    Parameters
    ----------
    bars, axis : Bars, Axis
        The market and the dates of its equity.
    setups : list of Setup
        What trials share.
    holds : ndarray of int64, shape (setups,)
        The longest hold of any trial of each.
    capital : float
        That of all accounts together.
    """
    tabled = np.array([by_tables(setup, bars) for setup in setups], np.bool_)
    return Ground(bars, axis, setups, tabled, _marks_of(bars, axis, setups, holds, tabled, capital))


def sums_of(
    ground: Ground,
    params: Params,
    *,
    jobs: int = 1,
    told: Callable[[Integers, Floats], None] | None = None,
    returns: NDArray[np.float32] | None = None,
) -> Floats:
    """Run trials and sum each up.

    Parameters
    ----------
    ground : Ground
        What they stand on.
    params : Params
        The trials, n rows.
    jobs : int
        How many threads; what comes out depends neither on it nor on how trials are parted.
    told : callable, optional
        Called with the rows and the sums of trials as they are done, from this thread.
    returns : ndarray of float32, shape (n, dates), optional
        Filled with the return of each trial on each date of the axis.

    Returns
    -------
    ndarray of float64, shape (n, SUMS)
        For `figures_of`.
    """
    sums = np.zeros((len(params.hold), kernels.SUMS))
    sums[:, kernels.DATES] = _dates_of(ground.axis, ground.setups, params)
    looked_up = ground.tabled[params.setup] if len(params.setup) else np.zeros(0, np.bool_)
    with ThreadPoolExecutor(jobs) as threads:
        for batch in _batches(ground.setups, params, np.flatnonzero(looked_up)):
            for rows in _swept(ground, batch, (sums, returns), jobs, threads):
                if told is not None:
                    told(rows, sums[rows])
        hedged = np.array([one.legs is not None for one in ground.setups], np.bool_)[params.setup]
        walks = _walks(ground, params, np.flatnonzero(~looked_up & ~hedged), (sums, returns), jobs)
        some = np.flatnonzero(hedged)
        parts = max(jobs * PARTS, len(some) // HEDGED)
        overlaid = [
            (ground, params, some[first:end], (sums, returns)) for first, end in _parts(len(some), parts, 1)
        ]
        for rows in itertools.chain(threads.map(_walk, list(walks)), threads.map(_walk_hedged, overlaid)):
            if told is not None:
                told(rows, sums[rows])
    return sums


def _swept(
    ground: Ground, batches: list[Batch], out: Out, jobs: int, threads: ThreadPoolExecutor
) -> Iterator[Integers]:
    """Make the tables of some batches, then run their trials."""
    tables = [new_passages(ground.bars, ground.setups[one.setup], one.levels) for one in batches]
    both = list(zip(batches, tables, strict=True))
    walks = [
        (ground, one, table, part)
        for one, table in both
        for part in _parts(len(ground.setups[one.setup].entries.due), jobs, 256)
    ]
    list(threads.map(_pass, walks))
    trials = [
        (ground, one, table, out, part)
        for one, table in both
        for part in _parts(len(one.rows), jobs * PARTS, 4)
    ]
    return threads.map(_sweep, trials)


def figures_of(sums: Floats, axis: Axis, capital: float) -> dict[str, Floats]:
    """Make figures of sums, by the definitions of `aftershock.engine.metrics`.

    Parameters
    ----------
    sums : ndarray of float64, shape (n, SUMS)
        As `sums_of` gives them.
    axis : Axis
        The dates of equity.
    capital : float
        That of all accounts together.

    Returns
    -------
    dict of str to ndarray of float64, shape (n,)
        ``trades`` (closed), ``open``, ``total_return, cagr, volatility, sharpe, sortino, max_drawdown, calmar,
        hit_rate, profit_factor, exposure, turnover, costs, pnl``. NaN where `aftershock.engine.metrics` gives it.
    """
    column = sums.T
    dates = column[kernels.DATES]
    start = np.minimum(len(axis.days) - dates, max(len(axis.days) - 1, 0)).astype(np.int64)
    first = axis.days[start] if len(axis.days) else np.zeros(len(sums))
    days = np.where(dates > 0, (axis.days[-1] if len(axis.days) else 0) - first, np.nan).astype(np.float64)
    end = np.where(dates > 0, column[kernels.END], np.nan)
    with np.errstate(all="ignore"):
        per_year = np.sqrt((dates - 1.0) * YEAR / days)
        per_year = np.where(np.isfinite(per_year), per_year, np.nan)
        known = dates - column[kernels.BAD]
        mean = np.where(known > 0, column[kernels.TOTAL] / known, np.nan)
        spread = np.sqrt(column[kernels.SPREAD] / (known - 1.0))
        scale = 1.0 + column[kernels.LARGEST]
        spread = np.where(known < 2, np.nan, np.where(spread <= ROUNDING * scale, 0.0, spread))
        shortfall = np.sqrt(np.where(known > 0, column[kernels.SHORTFALL] / known, np.nan))
        growth = np.where((end >= 0) & (days > 0), (end / capital) ** (YEAR / days) - 1.0, np.nan)
        fall = np.where(column[kernels.FALL] > -ROUNDING, 0.0, column[kernels.FALL])
        fall = np.where(dates > 0, fall, np.nan)
        trades, gains, losses = (column[k] for k in (kernels.TRADES, kernels.GAINS, kernels.LOSSES))
        figures = {
            "trades": trades,
            "open": column[kernels.STILL],
            "total_return": end / capital - 1.0,
            "cagr": growth,
            "volatility": spread * per_year,
            "sharpe": np.where(spread > ROUNDING, mean / spread, np.nan) * per_year,
            "sortino": np.where(shortfall > ROUNDING * scale, mean / shortfall, np.nan) * per_year,
            "max_drawdown": fall,
            "calmar": np.where(-fall > ROUNDING, growth / -fall, np.nan),
            "hit_rate": np.where(trades > 0, column[kernels.WINS] / trades, np.nan),
            "profit_factor": np.where(losses > ROUNDING * gains, gains / losses, np.nan),
            "exposure": column[kernels.EXPOSED] / (dates - column[kernels.NAKED]),
            "turnover": np.where(days > 0, column[kernels.TRADED] / capital * (YEAR / days), np.nan),
            "costs": column[kernels.COSTS],
            "pnl": gains - losses,
        }
    return {name: np.where(np.isfinite(values), values, np.nan) for name, values in figures.items()}


COUNTS = ("trades", "open")
FIGURES = (
    *COUNTS,
    "total_return",
    "cagr",
    "volatility",
    "sharpe",
    "sortino",
    "max_drawdown",
    "calmar",
    "hit_rate",
    "profit_factor",
    "exposure",
    "turnover",
    "costs",
    "pnl",
)
"""What `figures_of` gives, in its order."""


# ------------------------------------------------------------------------------------------ looked up


class Batch(NamedTuple):
    """Trials of one set-up whose tables are made together: ``rows`` of `Params`, and what they look up."""

    setup: int
    rows: Integers
    levels: Levels
    trials: Trials
    cuts: Cuts
    hold: int


def _batches(setups: list[Setup], params: Params, rows: Integers) -> Iterator[list[Batch]]:
    """Deal trials into batches, and batches into groups whose tables have room together."""
    group: list[Batch] = []
    size = 0
    ordered = rows[np.argsort(params.setup[rows], kind="stable")]
    edges = np.searchsorted(params.setup[ordered], np.arange(len(setups) + 1))
    for k in np.flatnonzero(np.diff(edges)):
        for part in _with_room(params, ordered[edges[k] : edges[k + 1]], len(setups[k].entries.due)):
            batch = batch_of(int(k), setups[k], params, part)
            need = 12 * sum(map(len, batch.levels)) * len(setups[k].entries.due)
            if group and size + need > ROOM:
                yield group
                group, size = [], 0
            group.append(batch)
            size += need
    if group:
        yield group


def _with_room(params: Params, rows: Integers, signals: int) -> Iterator[Integers]:
    """Part trials so that the tables of each part have room."""
    most = max(ROOM // (12 * max(signals, 1)), 3)
    while len(rows):
        take = len(rows)
        while take > 1 and sum(_distinct(column[rows[:take]]) for column in params[2:5]) > most:
            take = (take + 1) // 2
        yield rows[:take]
        rows = rows[take:]


def _distinct(values: Floats) -> int:
    return len(np.unique(values[~np.isnan(values)]))


def batch_of(place: int, setup: Setup, params: Params, rows: Integers) -> Batch:
    """Gather what some trials of one set-up look up, in the order in which kernels like them."""
    stop, stops = _levels(params.stop[rows])
    take, takes = _levels(params.take[rows])
    trail, trails = _levels(params.trail[rows])
    least, cut = np.unique(params.least[rows], return_inverse=True)
    if setup.book.mode == kernels.EVENT:
        order = np.lexsort((-cut, trails, takes, stops, params.hold[rows]))
    else:
        order = np.argsort(cut, kind="stable")
    columns = (params.hold[rows], cut.astype(np.int64), stops, takes, trails)
    return Batch(
        place,
        rows[order],
        Levels(stop, take, trail),
        Trials(*(np.ascontiguousarray(column[order]) for column in columns)),
        _cuts_of(setup, least),
        int(params.hold[rows].max(initial=0)),
    )


def _cuts_of(setup: Setup, least: Floats) -> Cuts:
    entries, order = setup.entries, netting_order(setup.entries)
    n = len(order)
    begins = np.ones(n, np.bool_)
    begins[1:] = np.diff(entries.instrument[order]).astype(bool) | np.diff(entries.due[order]).astype(bool)
    edges = np.append(np.flatnonzero(begins), n)
    group = np.cumsum(begins) - 1
    start, stop = np.empty(n, np.int64), np.empty(n, np.int64)
    start[order], stop[order] = edges[group], edges[group + 1]
    strongest = np.argsort(-setup.strength, kind="stable")
    return Cuts(least, setup.strength, order, start, stop, strongest)


def _levels(values: Floats) -> tuple[Floats, Integers]:
    """Give the distinct levels, rising, and the place of each value among them, -1 where it is off."""
    levels = np.unique(values[~np.isnan(values)])
    place = np.where(np.isnan(values), -1, np.searchsorted(levels, values))
    return levels, place.astype(np.int64)


def new_passages(bars: Bars, setup: Setup, levels: Levels) -> Passages:
    """Make room for the first passages of all signals of a set-up."""
    n = len(setup.entries.due)
    stop, take, trail = (
        (np.full((len(one), n), kernels.NEVER, np.int32), np.empty((len(one), n))) for one in levels
    )
    return Passages(np.empty(n, np.int64), *stop, *take, *trail, np.zeros(len(bars.close), np.uint8))


def case_of(bars: Bars, setup: Setup) -> Case:
    """Put the market and a set-up together as kernels take them."""
    return Case(bars, setup.rules, setup.entries, setup.exits, setup.orders, setup.book)


def new_day(dates: int, trials: int = 1) -> Day:
    """Make room for what trials side by side move on each date."""
    return Day(*(np.zeros((trials, dates)) for _ in Day._fields))


def _pass(work: tuple[Ground, Batch, Passages, tuple[int, int]]) -> None:
    ground, batch, table, part = work
    case = case_of(ground.bars, ground.setups[batch.setup])
    kernels.passages(case, batch.levels, table, batch.hold, part)


def _sweep(work: tuple[Ground, Batch, Passages, Out, tuple[int, int]]) -> Integers:
    ground, batch, table, out, (first, end) = work
    trials = Trials(*(column[first:end] for column in batch.trials))
    case = case_of(ground.bars, ground.setups[batch.setup])

    def run(day: Day, kept: NDArray[np.float32], sums: Floats) -> None:
        tables = batch.levels, table, trials, ground.marks
        look_up(case, tables, batch.cuts, Room(day, kept), sums)

    return _written(ground, batch.rows[first:end], out, ABREAST, run)


def look_up(
    case: Case, tables: Tables, cuts: Cuts, room: Room, sums: Floats, trades: np.ndarray | None = None
) -> None:
    """Run trials of one set-up by tables and write their sums.

    Parameters
    ----------
    case : Case
        The market and all signals before netting.
    tables, cuts : Tables, Cuts
        What trials look up.
    room : Room
        What they write to.
    sums : ndarray of float64, shape (trials, SUMS)
        Filled.
    trades : ndarray of trade_dtype, shape (n + 1,), optional
        Of one trial: its trades, at the places of their signals, ``signal`` -1 where there is none as it is given.
    """
    if case.book.mode == kernels.EVENT:
        state = np.empty(len(cuts.order), np.bool_), np.empty((len(room.day.returns), kernels.SUMS))
        following = np.empty(len(room.day.returns), np.int64)
        kernels.sweep_alone(case, tables, cuts, _families(tables[2]), room, (*state, following), trades, sums)
        return
    levels, found, trials, marks = tables
    one = np.zeros(1, trade_dtype) if trades is None else trades
    for netted, rows, (first, end) in _by_cut(case, cuts, trials):
        alike = Trials(*(column[first:end] for column in trials))
        some = room._replace(kept=room.kept[first:end])
        kernels.sweep_accounts(netted, (levels, found, alike, marks), rows, some, one, sums[first:end])


def _families(trials: Trials) -> Integers:
    """Give where trials begin that differ from those before in more than a lower cut, and their number at the end."""
    same = np.ones(max(len(trials.hold) - 1, 0), np.bool_)
    for column in (trials.hold, trials.stop, trials.take, trials.trail):
        same &= np.diff(column) == 0
    same &= np.diff(trials.cut) <= 0
    return np.concatenate(([0], np.flatnonzero(~same) + 1, [len(trials.hold)]))


def _by_cut(case: Case, cuts: Cuts, trials: Trials) -> Iterator[tuple[Case, Integers, tuple[int, int]]]:
    """Net signals anew for each cut; give those that are tried, and which trials (first, end) take them."""
    edges = np.concatenate(([0], np.flatnonzero(np.diff(trials.cut)) + 1, [len(trials.cut)])).tolist()
    for first, end in itertools.pairwise(edges):
        least = cuts.least[trials.cut[first]]
        rows = cuts.order if least == 0.0 else cuts.order[cuts.strength[cuts.order] >= least]
        netted, outcome = net(case, rows)
        yield netted, rows[outcome[rows] == kernels.FILLED], (first, end)


def _on_all_dates(marks: Marks, kept: NDArray[np.float32]) -> NDArray[np.float32]:
    """Spread returns over all dates of the axis: 0 where nothing was held."""
    places = np.cumsum(marks.idle[:-1] + 1) - 1
    whole = np.zeros((len(kept), int((marks.idle + 1).sum()) - 1), np.float32)
    whole[:, places] = kept
    return whole


def _parts(count: int, parts: int, least: int) -> list[tuple[int, int]]:
    """Deal a range into parts of at least so many, as even as can be."""
    parts = max(min(parts, count // least), 1)
    edges = np.linspace(0, count, parts + 1).astype(int).tolist()
    return [(first, end) for first, end in itertools.pairwise(edges) if end > first]


# --------------------------------------------------------------------------------------------- walked


def _walks(
    ground: Ground, params: Params, rows: Integers, out: Out, jobs: int
) -> Iterator[tuple[Ground, Batch, Out, tuple[int, int]]]:
    """Deal trials out that are simulated one by one."""
    setups = np.unique(params.setup[rows])
    parts = -(-jobs * PARTS // max(len(setups), 1))
    for k in setups:
        batch = batch_of(int(k), ground.setups[k], params, rows[params.setup[rows] == k])
        for part in _parts(len(batch.rows), parts, 1):
            yield ground, batch, out, part


def _walk(work: tuple[Ground, Batch, Out, tuple[int, int]]) -> Integers:
    ground, batch, out, (first, end) = work
    trials = Trials(*(column[first:end] for column in batch.trials))
    case = case_of(ground.bars, ground.setups[batch.setup])

    def run(day: Day, kept: NDArray[np.float32], sums: Floats) -> None:
        n = len(case.entries.due)
        ledger = new_ledger(np.empty(n, np.int64), len(case.bars.offsets) - 1, case.book)
        state = ledger, by_due(case.bars, case.entries, case.orders), new_group(n)
        for netted, rows, (first, end) in _by_cut(case, batch.cuts, trials):
            ledger.outcome[:] = kernels.NETTED
            alike = Trials(*(column[first:end] for column in trials))
            room = Room(day, kept[first:end])
            kernels.sweep_walked(
                netted, batch.levels, alike, ground.marks, rows, state, room, sums[first:end]
            )

    return _written(ground, batch.rows[first:end], out, 1, run)


def _walk_hedged(work: tuple[Ground, Params, Integers, Out]) -> Integers:
    """Simulate trials one by one and sum each up with its hedge legs."""
    ground, params, rows, (sums, returns) = work
    marks, day = ground.marks, new_day(len(ground.axis.days))
    for row in rows:
        setup = ground.setups[params.setup[row]]
        trades = trades_of(ground.bars, setup, params, row)
        legs = setup.legs(trades, int(params.hold[row])) if setup.legs else trades[:0]
        _count_trades(ground.bars, trades, legs, sums[row])
        _lay_over_dates(ground, setup.rules, trades, legs[legs["quantity"] > 0.0], day)
        kernels.sum_up_one(day, marks, sums[row])
        if returns is not None:
            returns[row] = day.returns[0]
    return rows


def _count_trades(bars: Bars, trades: np.ndarray, legs: np.ndarray, sums: Floats) -> None:
    """Count trades, each with what its leg earned and cost."""
    has, closed = legs["quantity"] > 0.0, trades["exit_bar"] >= 0
    pnl, costs = pnl_of(bars, trades), charged(trades) + slipped(trades)
    pnl[has] += pnl_of(bars, legs[has])
    costs[has] += charged(legs[has]) + slipped(legs[has])
    won = pnl[closed] > 0.0
    sold = trades["quantity"][closed] * trades["exit_fill"][closed]
    sums[kernels.TRADES], sums[kernels.STILL] = closed.sum(), (~closed).sum()
    sums[kernels.WINS], sums[kernels.GAINS] = won.sum(), pnl[closed][won].sum()
    sums[kernels.LOSSES], sums[kernels.COSTS] = -pnl[closed][~won].sum(), costs[closed].sum()
    sums[kernels.TRADED] = (trades["quantity"] * trades["entry_fill"]).sum() + sold.sum()


def _lay_over_dates(ground: Ground, rules: Rules, trades: np.ndarray, legs: np.ndarray, day: Day) -> None:
    """Lay profit and exposure of trades and legs over the dates; a leg may move where nothing else trades."""
    days, bars = ground.axis.days, ground.bars
    later = np.minimum(np.searchsorted(days, bars.session), max(len(days) - 1, 0))
    own, value, _ = kernels.mark(bars, trades, rules, ground.axis.of_bar, len(days), True)
    laid, beside, _ = kernels.mark(bars, legs, rules, later, len(days), True)
    day.longs[0] = day.shorts[0] = 0.0
    day.profit[0], day.exposure[0] = own + laid, np.diff(value + beside, prepend=0.0)


def _written(
    ground: Ground,
    rows: Integers,
    out: Out,
    abreast: int,
    run: Callable[[Day, NDArray[np.float32], Floats], None],
) -> Integers:
    """Give a kernel room for some trials, so many side by side, and write what it leaves to their rows."""
    sums, returns = out
    dates = len(ground.marks.idle) - 1
    kept = np.empty((len(rows), 0 if returns is None else dates), np.float32)
    own = sums[rows]
    run(new_day(dates, abreast), kept, own)
    sums[rows] = own
    if returns is not None:
        returns[rows] = _on_all_dates(ground.marks, kept)
    return rows


def trades_of(bars: Bars, setup: Setup, params: Params, row: int) -> np.ndarray:
    """Simulate one trial."""
    order, least = netting_order(setup.entries), params.least[row]
    if least > 0.0:
        order = order[setup.strength[order] >= least]
    exits = setup.exits._replace(
        hold=int(params.hold[row]),
        stop=float(params.stop[row]),
        take=float(params.take[row]),
        trail=float(params.trail[row]),
    )
    case = case_of(bars, setup)._replace(exits=exits)
    return simulate_some(case, order)[0]


# ------------------------------------------------------------------------------------------ the axis


def _dates_of(axis: Axis, setups: list[Setup], params: Params) -> Floats:
    """Count the dates of each trial's equity: from the first of its signals on."""
    dates = np.zeros(len(params.hold))
    for k, setup in enumerate(setups):
        rows = np.flatnonzero(params.setup == k)
        by_strength = np.argsort(-np.nan_to_num(setup.strength, nan=-1.0), kind="stable")
        strength = -np.nan_to_num(setup.strength, nan=-1.0)[by_strength]
        earliest = np.minimum.accumulate(np.append(setup.first[by_strength], NEVER)[: len(by_strength)])
        taken = np.searchsorted(strength, -params.least[rows], side="right")
        taken = np.where(params.least[rows] > 0.0, taken, len(by_strength))
        first = np.where(taken > 0, np.append(earliest, NEVER)[np.maximum(taken, 1) - 1], NEVER)
        dates[rows] = len(axis.days) - np.searchsorted(axis.days, first)
    return dates


NEVER = np.iinfo(np.int64).max


def _marks_of(
    bars: Bars, axis: Axis, setups: list[Setup], holds: Integers, tabled: Flags, capital: float
) -> Marks:
    """Find the dates on which trials may hold something: all, where one is walked."""
    moved = np.zeros(len(axis.days) + 1, np.int64)
    for setup, hold, looked_up in zip(setups, holds, tabled, strict=True):
        first, until = _held(bars, axis, setup, int(hold)) if looked_up else _throughout(axis)
        np.add.at(moved, first, 1)
        np.add.at(moved, until + 1, -1)
    active = np.cumsum(moved[:-1]) > 0
    place = np.where(active, np.cumsum(active) - 1, -1)
    date = place[axis.of_bar] if len(axis.days) else axis.of_bar
    edges = np.concatenate(([-1], np.flatnonzero(active), [len(axis.days)]))
    withholds = any(bool(setup.rules.bar["withheld"].any()) for setup in setups)
    known = last_known(bars.close, bars.offsets)
    before = np.append(np.nan, known[:-1])
    before[bars.offsets[:-1][bars.offsets[:-1] < len(before)]] = np.nan
    step = np.where(np.isnan(bars.close), 0.0, bars.close - before)
    return Marks(date, known, step, np.diff(edges) - 1, withholds, capital)


def _held(bars: Bars, axis: Axis, setup: Setup, hold: int) -> tuple[Integers, Integers]:
    """Give the first and last date on which each signal may hold something."""
    first, last = kernels.reach(case_of(bars, setup), hold)
    some = first >= 0
    first, last, end = first[some], last[some], bars.offsets[setup.entries.instrument[some] + 1]
    until = np.where(last < end, axis.of_bar[np.minimum(last, len(bars.close) - 1)], len(axis.days) - 1)
    return axis.of_bar[first], until


def _throughout(axis: Axis) -> tuple[Integers, Integers]:
    return np.zeros(1, np.int64), np.full(1, len(axis.days) - 1)


# ------------------------------------------------------------------------------- accounts, one by one


def account_figures(
    bars: Bars, axis: Axis, setups: list[Setup], params: Params, *, jobs: int = 1
) -> tuple[Floats, Integers]:
    """Give the figures of every account of every trial, in mode ``account``.

    Parameters
    ----------
    bars, axis, setups, params
        As `ground_of` and `sums_of` take them; equity has all dates of the axis.
    jobs : int
        How many threads.

    Returns
    -------
    figures : ndarray of float64, shape (trials, instruments, 3)
        Total return, maximum drawdown and annualised Sharpe ratio of each account; an account that does not trade
        has 0, 0 and NaN.
    trades : ndarray of int64, shape (trials,)
        That were opened.

    Notes
    -----
    Where accounts put all they have into each trade, sides are one, and trials differ in hold and least strength alone,
    each signal is walked once for all trials; all else is simulated and marked date by date, to the same figures.
    In memory the figures of an instrument lie together.
    """
    # Instruments are run one after another: what is written at a time lies together.
    figures = np.empty((len(bars.offsets) - 1, len(params.hold), 3))
    trades = np.full(len(params.hold), -1, np.int64)
    days = float(axis.days[-1] - axis.days[0]) if len(axis.days) else 0.0
    span = (float(len(axis.days)), (len(axis.days) - 1.0) * YEAR / days if days > 0 else np.nan)
    for one in _wholes_of(bars, setups, params):
        work = [(one, part, span, figures) for part in _instruments(one, jobs)]
        trades[one.lanes.row] = np.sum(_shared_out(_run_accounts, work, jobs), axis=0)
    left = np.flatnonzero(trades < 0)
    walks = [
        (bars, axis, setups, params, left[first:end], span, figures, trades)
        for first, end in _parts(len(left), jobs * PARTS, 1)
    ]
    _shared_out(_walk_accounts, walks, jobs)
    return figures.transpose(1, 0, 2), trades


def _shared_out(run: Callable[[Any], Any], works: list[Any], jobs: int) -> list[Any]:
    """Do works on so many threads, this one among them: a sweep may take less time than threads to start."""
    done, queue = [None] * len(works), iter(enumerate(works))

    def take() -> None:
        try:
            for place, work in queue:
                done[place] = run(work)
        except BaseException:
            # The others stop after what they are at.
            for _ in queue:
                pass
            raise

    with ThreadPoolExecutor(max(jobs - 1, 1)) as threads:
        others = [threads.submit(take) for _ in range(min(jobs, len(works)) - 1)]
        take()
        for other in others:
            other.result()
    return done


class Whole(NamedTuple):
    """Trials whose accounts stand side by side, and what they have in common: all but signals, holds and strengths."""

    case: Case
    signals: SignalLists
    lanes: Lanes


def _wholes_of(bars: Bars, setups: list[Setup], params: Params) -> Iterator[Whole]:
    """Gather the trials that each signal can be walked once for."""
    plain = np.isnan(params.stop) & np.isnan(params.take) & np.isnan(params.trail)
    if not plain.any() or not _bars_are_sessions(bars):
        return
    left = [k for k in np.flatnonzero(np.bincount(params.setup[plain])).tolist() if _is_whole(setups[k])]
    while left:
        alike = [k for k in left if _are_alike(setups[left[0]], setups[k])]
        left = [k for k in left if k not in alike]
        place = np.full(len(setups), -1)
        place[alike] = np.arange(len(alike))
        rows = np.flatnonzero(plain & (place[params.setup] >= 0))
        yield _whole_of(bars, [setups[k] for k in alike], place[params.setup[rows]], params, rows)


def _are_alike(one: Setup, other: Setup) -> bool:
    """Tell whether two set-ups whose accounts are whole differ in nothing but their signals and holds."""
    return one.rules is other.rules and (one.orders, one.book) == (other.orders, other.book)


def _is_whole(setup: Setup) -> bool:
    """Tell whether each trade takes an account up whole, and nothing but its hold ends it."""
    book, sides = setup.book, setup.entries.side
    return (
        _holds_one(setup)
        and setup.legs is None
        and not len(setup.rules.terms)
        and bool((setup.entries.rule_bar < 0).all())
        and book.partial
        and not (setup.orders.at_close or setup.exits.at_open)
        and bool((book.size * setup.entries.weight >= 1.0).all())
        and bool((sides == sides[:1]).all())
    )


def _whole_of(bars: Bars, setups: list[Setup], setup: Integers, params: Params, rows: Integers) -> Whole:
    """Set trials side by side, each of one of some set-ups."""
    least = np.unique(params.least[rows])
    place = np.searchsorted(least, params.least[rows])
    # Whoever holds for longer than there are bars holds to the end.
    hold = np.minimum(params.hold[rows], np.diff(bars.offsets).max(initial=0))
    holds = np.flatnonzero(np.bincount(hold))
    groups, cuts = len(setups) * len(holds), len(least) + 1
    key = (setup * len(holds) + np.searchsorted(holds, hold)) * cuts + place + 1
    taking = np.cumsum(np.bincount(key, minlength=groups * cuts).reshape(groups, cuts), axis=1)
    starts = np.concatenate(([0], np.cumsum(taking[:, -1])))
    order, counts = np.argsort(key, kind="stable"), taking[:, -1].reshape(len(setups), -1)
    alone = np.full((len(setups), holds[-1] + 1), -1)
    alone[:, holds] = np.where(counts == 1, starts[:-1].reshape(counts.shape), -1)
    held = np.bincount(holds // kernels.STRETCH) > 0
    stretch = np.where(held, np.cumsum(held) - 1, -1)
    return Whole(
        case_of(bars, setups[0])._replace(entries=_concatenated([one.entries for one in setups])),
        _signals_of(bars, setups, least),
        Lanes(rows[order], place[order] + 1, holds, starts, taking, counts.max(axis=1) <= 1, alone, stretch),
    )


def _concatenated(entries: list[Entries]) -> Entries:
    """Put what accounts that are taken up whole ask of signals one after another; nothing else is there."""
    counts, numbers = np.zeros(0, np.int64), np.zeros(0)
    return Entries(
        instrument=np.concatenate([one.instrument for one in entries]),
        market=counts,
        side=np.concatenate([one.side for one in entries]),
        weight=numbers,
        due=np.concatenate([one.due for one in entries]),
        waited=np.concatenate([one.waited for one in entries]),
        draw=numbers,
        rule_bar=counts,
    )


def _signals_of(bars: Bars, setups: list[Setup], least: Floats) -> SignalLists:
    """Put the signals of set-ups one after another; a strength that is not known passes the least of 0 alone."""
    orders, starts, before = [], [], 0
    for one in setups:
        order = netting_order(one.entries)
        first = np.searchsorted(one.entries.instrument[order], np.arange(len(bars.offsets)))
        orders.append(order + before)
        starts.append(first + before)
        before += len(order)
    strength = np.concatenate([one.strength for one in setups])
    cut = np.searchsorted(least, strength, side="right")
    any_strength = np.searchsorted(least, 0.0, side="right")
    cut[np.isnan(strength)] = any_strength
    np.maximum(cut, any_strength, out=cut)
    return SignalLists(np.concatenate(orders), np.stack(starts), cut)


def _instruments(whole: Whole, parts: int) -> list[tuple[int, int]]:
    """Part instruments so that signals are even."""
    signals = whole.signals.starts.sum(axis=0)
    wanted = np.linspace(signals[0], signals[-1], parts + 1)
    edges = np.searchsorted(signals, wanted[1:-1])
    edges = np.unique(np.concatenate(([0], edges, [len(signals) - 1])))
    return list(itertools.pairwise(edges.tolist()))


def _run_accounts(work: tuple[Whole, tuple[int, int], tuple[float, float], Floats]) -> Integers:
    (case, signals, lanes), part, span, figures = work
    most = int(np.diff(signals.starts, axis=1).max(initial=0))
    bars = int(np.diff(case.bars.offsets).max(initial=0))
    room = AccountRoom(
        path=_aligned(most * (lanes.stretch[-1] + 1) * kernels.PATH),
        entry=np.empty(most),
        cut=np.empty(most, np.int64),
        course=_aligned(kernels.COURSE),
        proceeds=np.empty(bars),
        ready=np.zeros(bars, np.int64),
        state=_aligned(kernels.STATE),
        trades=np.zeros(len(lanes.row), np.int64),
    )
    kernels.sweep_each_account(case, signals, lanes, part, span, room, figures)
    return room.trades


def _aligned(count: int) -> Floats:
    """Make room for so many numbers that begins where a cache line does: else each vector lies across two of them."""
    room = np.empty(count + 8)
    first = -room.ctypes.data % 64 // 8
    return room[first : first + count]


def _walk_accounts(work: tuple[Any, ...]) -> None:
    """Simulate trials and mark each account by itself."""
    bars, axis, setups, params, rows, (_, per_year), figures, trades = work
    for row in rows:
        setup = setups[params.setup[row]]
        found = trades_of(bars, setup, params, int(row))
        trades[row] = len(found)
        figures[:, row] = 0.0, 0.0, np.nan
        for k in np.unique(found["instrument"]):
            own = found[found["instrument"] == k]
            pnl, _, _ = kernels.mark(bars, own, setup.rules, axis.of_bar, len(axis.days), True)
            equity = setup.book.capital + np.cumsum(pnl)
            with np.errstate(invalid="ignore", divide="ignore"):
                returns = equity / np.concatenate(([setup.book.capital], equity[:-1])) - 1.0
            peak = np.maximum(np.maximum.accumulate(equity), setup.book.capital)
            spread = returns.std(ddof=1) if len(returns) > 1 else 0.0
            fall = (equity / peak - 1.0).min()
            figures[k, row] = (
                equity[-1] / setup.book.capital - 1.0,
                fall if fall < -ROUNDING else 0.0,
                returns.mean() / spread * np.sqrt(per_year) if spread > ROUNDING else np.nan,
            )
