"""From what an event study of the signals saw to what the portfolio earned, a step at a time, adding up exactly.

The same signals are traded again and again, each time with one more piece of reality: the difference between two
stages is what that piece took. Nothing is estimated, and the steps of each signal add up to its profit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.instants import to_ns
from aftershock.data.prices.tape import Tape
from aftershock.data.venues.charges import GROUPS
from aftershock.engine import kernels
from aftershock.engine.exit_rules import Rule, ruled
from aftershock.engine.portfolio import bars_of, entries_of, live_rows, pnl_of
from aftershock.engine.rules import ChargeSets, fees_by_class
from aftershock.engine.simulation import each_alone, simulate
from aftershock.engine.types import (
    MODES,
    Bars,
    Book,
    Entries,
    Exits,
    Flags,
    Floats,
    Integers,
    Orders,
    Rules,
)

STEPS: dict[str, str] = {
    "excess": "reaction from close to close, in excess of the drift",
    "drift": "drift of the same clock on days without news",
    "run_up": "run-up before the bar of entry",
    "gap": "gap from the last close to the price of entry",
    "exits": "stops, takes, trails and the auction of exit",
    "overlap": "events that overlapped: netted, held already, closed by the opposite",
    "locks": "locked limits, halts and deferrals",
    "bans": "T+1 and rules of short sales",
    **{group: f"charges: {group}" for group in GROUPS},
    "slippage": "slippage",
    "borrow": "borrowing of shares sold short",
    "dividends": "tax withheld on dividends",
    "lots": "whole lots",
    "cash": "cash, caps and budgets",
    "hedge": "the hedge, its costs included",
}
"""The steps from the reaction to what was earned, with their words."""

UNLIMITED = 2.0**40
"""By how much the purse of a stage without want of cash is larger: a power of two leaves every target as it is."""
NEAR = 5
"""A bar more than so many sessions after the first that could be had is no reaction to the news."""
LEAST_WINDOWS = 20
"""Of fewer windows without news the drift is not estimated; it is taken as none."""


class Plan(NamedTuple):
    """How signals become trades: what `aftershock.engine.portfolio.simulate` takes besides market and signals."""

    exits: Exits
    orders: Orders
    book: Book
    delay: int
    latency: int
    seed: int
    rule: Rule | None = None


def waterfall(
    tape: Tape,
    rules: Rules,
    charged: ChargeSets,
    signals: pd.DataFrame,
    plan: Plan,
    traded: np.ndarray,
    legs: np.ndarray,
) -> pd.DataFrame:
    """Take the reaction to each signal apart into what each step towards a real portfolio took.

    Parameters
    ----------
    tape, rules : Tape, Rules
        The market and its rules.
    charged : ChargeSets
        The charges of every bar, as ``rules`` hold them.
    signals : DataFrame
        The aligned signals that were traded, as `simulate` took them.
    plan : Plan
        The settings they were traded with.
    traded, legs : ndarray of trade_dtype
        The trades that came of them, and their hedge legs.

    Returns
    -------
    DataFrame
        A row for each signal with a due bar no more than ``NEAR`` sessions after the first that could be had (or as
        many as an entry waits): ``event_id, symbol, known_by``, ``target`` (the notional it asked for), ``reaction``
        (close to close, raw: excess and drift together), the ``STEPS`` and ``net``, all in the base currency.
        ``net`` is the sum of the steps and the profit of its trade. The reaction is taken from the last close known at
        ``known_by`` to the close ``hold`` bars after the due bar (the last known one where data end before).

    Notes
    -----
    Each stage trades the target of each signal on: alone, entered at its due bar whatever stood in the way and left at
    the close of its hold; then with its exits; then beside the other signals, with money for all; then where bars
    lock and halt; then under T+1 and the rules of short sales; then with all that fills cost; then in whole lots;
    and at last as it was. What is open is marked to the last close.
    """
    rows = live_rows(signals)
    chosen = signals.loc[rows]
    entries = entries_of(
        tape, chosen, plan.delay, plan.latency,
        at_close=plan.orders.at_close, budget=np.inf, size=plan.book.size, seed=plan.seed,
    )  # fmt: skip
    near = entries.waited <= max(NEAR, plan.orders.max_defer)
    entries = entries._replace(due=np.where(near, entries.due, kernels.NO_BAR))
    bars, stages = bars_of(tape), _stages(tape, rules, entries, plan)
    target = plan.book.size * entries.weight * plan.book.capital
    window = _window(bars, entries, to_ns(chosen["known_by"]), plan)
    money = target * entries.side
    reaction, from_before = money * window.whole, money * window.from_before_entry
    drift = money * _drift(bars, entries, window)
    fees, costly = _costs(tape, rules, charged, stages.costs, len(rows))
    borrow = _summed(stages.costs, stages.costs["borrow"], len(rows))
    withheld = _summed(stages.costs, stages.costs["withheld"], len(rows))
    earned = _per_signal(tape, traded, len(rows))
    hedged = _per_signal(tape, legs[legs["quantity"] > 0.0], len(rows))
    alone, exits, overlap, locks, bans, lots = (
        _per_signal(tape, records, len(rows))
        for records in (stages.alone, stages.exits, stages.overlap, stages.locks, stages.bans, stages.lots)
    )
    steps = {
        "excess": reaction - drift,
        "drift": drift,
        "run_up": from_before - reaction,
        "gap": alone - from_before,
        "exits": exits - alone,
        "overlap": overlap - exits,
        "locks": locks - overlap,
        "bans": bans - locks,
        **{group: -fees[group] for group in GROUPS},
        "slippage": costly + sum(fees.values()) + borrow + withheld - bans,
        "borrow": -borrow,
        "dividends": -withheld,
        "lots": lots - costly,
        "cash": earned - lots,
        "hedge": hedged,
    }
    table = chosen[["event_id", "symbol", "known_by"]].reset_index(drop=True)
    table = table.assign(
        target=target, reaction=reaction, **{key: steps[key] for key in STEPS}, net=earned + hedged
    )
    return table[entries.due >= 0].reset_index(drop=True)


class Stages(NamedTuple):
    """The trades of each stage."""

    alone: np.ndarray
    exits: np.ndarray
    overlap: np.ndarray
    locks: np.ndarray
    bans: np.ndarray
    costs: np.ndarray
    lots: np.ndarray


def _stages(tape: Tape, rules: Rules, entries: Entries, plan: Plan) -> Stages:
    bars = bars_of(tape)
    halted = np.zeros(len(bars.close), np.bool_)
    # As those of a tape: kernels are compiled anew for an array that can be written to.
    halted.flags.writeable = False
    open_market = bars._replace(halted=halted)
    free = _free(rules)
    locking = free.with_columns(**{name: rules.bar[name] for name in ("limit_up", "limit_down")})
    banning = locking.with_columns(
        **{name: rules.bar[name] for name in ("short_open", "short_close", "sell_from")}
    )
    costly = rules.with_columns(lot=0.0)
    alone = plan.book._replace(mode=MODES.index("event"))
    in_time = entries._replace(waited=np.zeros(len(entries.due), np.int64))
    clock = Exits(plan.exits.hold, np.nan, np.nan, np.nan, False, False)
    return Stages(
        _alone(kernels.Case(open_market, free, in_time, clock, plan.orders, alone), None),
        _alone(kernels.Case(open_market, free, in_time, plan.exits, plan.orders, alone), plan.rule),
        _together(open_market, free, in_time, plan),
        _together(bars, locking, entries, plan),
        _together(bars, banning, entries, plan),
        _together(bars, costly, entries, plan),
        _together(bars, rules, entries, plan),
    )


def _free(rules: Rules) -> Rules:
    """Take all costs, lots, limits and bans away."""
    bar = np.zeros_like(rules.bar)
    bar["limit_up"] = bar["limit_down"] = np.nan
    bar["unit"] = rules.bar["unit"]
    return Rules(bar, np.zeros(2, np.int64), np.zeros((0, 5)))


def _alone(case: kernels.Case, rule: Rule | None) -> np.ndarray:
    """Trade every signal with a due bar by itself, not even netted with those at the same bar."""
    case = case._replace(entries=ruled(case, rule))
    tried = np.where(case.entries.due >= 0, kernels.FILLED, kernels.NO_BAR_REASON).astype(np.int64)
    return each_alone(case, tried)[0]


def _together(bars: Bars, rules: Rules, entries: Entries, plan: Plan) -> np.ndarray:
    """Trade signals beside each other with money for all; in mode ``event`` they only net."""
    book = plan.book
    if book.mode != MODES.index("event"):
        book = Book(
            MODES.index("portfolio"), book.capital * UNLIMITED, book.size / UNLIMITED,
            False, False, 0.0, np.inf, np.inf, np.inf, np.inf, np.inf,
        )  # fmt: skip
    case = kernels.Case(bars, rules, entries, plan.exits, plan.orders, book)
    return simulate(case._replace(entries=ruled(case, plan.rule)))[0]


def _per_signal(tape: Tape, records: np.ndarray, count: int) -> Floats:
    return _summed(records, pnl_of(tape, records), count)


def _summed(records: np.ndarray, money: Floats, count: int) -> Floats:
    """Add money of trades up by their signals."""
    return np.bincount(records["signal"], money, count).astype(np.float64)


def _costs(
    tape: Tape, rules: Rules, charged: ChargeSets, records: np.ndarray, count: int
) -> tuple[dict[str, Floats], Floats]:
    """Add up by signal what trades were charged, by class, and what they earned."""
    fees = trade_fees(rules, charged, records)
    by_signal = {group: _summed(records, money, count) for group, money in fees.items()}
    return by_signal, _per_signal(tape, records, count)


def trade_fees(rules: Rules, charged: ChargeSets, records: np.ndarray) -> dict[str, Floats]:
    """Part the fees of trades, both fills together, by the class of charge.

    Parameters
    ----------
    rules, charged : Rules, ChargeSets
        What fills cost.
    records : ndarray of trade_dtype, shape (n,)
        Trades.

    Returns
    -------
    dict of str to ndarray of float64, shape (n,)
        By class, in the order of ``GROUPS``; together ``entry_fee + exit_fee``.
    """
    closed = records["exit_bar"] >= 0
    out = np.where(closed, records["exit_bar"], records["entry_bar"])
    sold = np.where(closed, records["quantity"] * records["exit_fill"], 0.0)
    longs: Flags = records["side"] > 0
    unit = rules.bar["unit"]
    into = fees_by_class(
        charged,
        records["entry_bar"],
        records["quantity"] * records["entry_fill"],
        unit[records["entry_bar"]],
        longs,
    )
    left = fees_by_class(charged, out, sold, unit[out], ~longs)
    return {group: into[group] + np.where(closed, left[group], 0.0) for group in GROUPS}


class Window(NamedTuple):
    """What each signal's event study looks at: rows of the first and last close, -1 where there is none, and returns.

    ``whole`` is the return from the last close known before the event to that of the hold, ``from_before_entry`` that
    from the last close before the entry bar.
    """

    first: Integers
    last: Integers
    whole: Floats
    from_before_entry: Floats


def _window(bars: Bars, entries: Entries, known: Integers, plan: Plan) -> Window:
    n = len(entries.due)
    start, end = bars.offsets[entries.instrument], bars.offsets[entries.instrument + 1]
    filled = _last_known(bars)
    first, before, last = np.full(n, -1), np.full(n, -1), np.full(n, -1)
    for instrument in np.unique(entries.instrument[entries.due >= 0]):
        own = np.flatnonzero((entries.instrument == instrument) & (entries.due >= 0))
        rows = slice(bars.offsets[instrument], bars.offsets[instrument + 1])
        first[own] = start[own] + np.searchsorted(bars.closes_at[rows], known[own], side="right") - 1
    due = entries.due
    live = due >= 0
    before[live] = due[live] - 1
    last[live] = np.minimum(due[live] + plan.exits.hold, end[live] - 1)
    first, before, last = (_known_row(filled, rows, start) for rows in (first, before, last))
    # Without a close before it, a signal has no reaction to tell apart from that of its entry bar.
    first, before = np.where(first < 0, before, first), np.where(before < 0, first, before)
    return Window(first, last, _move(bars.close, first, last), _move(bars.close, before, last))


def _last_known(bars: Bars) -> Integers:
    """Give for each bar the row of the last known close up to it, of whatever instrument; -1 where there is none."""
    rows = np.where(np.isnan(bars.close), -1, np.arange(len(bars.close)))
    return np.maximum.accumulate(rows) if len(rows) else rows


def _known_row(filled: Integers, rows: Integers, start: Integers) -> Integers:
    """Go back from rows to the last known close of the same instrument; -1 where there is none."""
    found = np.where(rows >= start, filled[np.maximum(rows, 0)] if len(filled) else -1, -1)
    return np.where(found >= start, found, -1)


def _move(close: Floats, first: Integers, last: Integers) -> Floats:
    """Give the return from one row's close to another's; 0 where one of them is missing."""
    known = (first >= 0) & (last >= 0)
    moves = np.zeros(len(first))
    moves[known] = close[last[known]] / close[first[known]] - 1.0
    return moves


def _drift(bars: Bars, entries: Entries, window: Window) -> Floats:
    """Give the mean return of each signal's instrument over windows of the same length in which no signal was due.

    Only windows between the first bar and the last that any signal of the instrument looks at count. Of fewer than
    ``LEAST_WINDOWS`` the drift is taken as none.
    """
    drift = np.zeros(len(entries.due))
    live = (window.first >= 0) & (window.last > window.first)
    for instrument in np.unique(entries.instrument[live]):
        own = np.flatnonzero(live & (entries.instrument == instrument))
        start, stop = window.first[own].min(), window.last[own].max() + 1
        close = bars.close[start:stop]
        due = np.zeros(len(close) + 1, np.int64)
        due[entries.due[own] - start] = 1
        news = np.cumsum(due[:-1])
        for bars_long in np.unique(window.last[own] - window.first[own]):
            quiet = news[bars_long:] == news[: len(news) - bars_long]
            with np.errstate(invalid="ignore"):
                moves = close[bars_long:] / close[: len(close) - bars_long] - 1.0
            kept = moves[quiet & ~np.isnan(moves)]
            if len(kept) >= LEAST_WINDOWS:
                drift[own[window.last[own] - window.first[own] == bars_long]] = kept.mean()
    return drift
