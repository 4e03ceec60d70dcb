"""From signals to trades in the compiled ledger: netting, room for it, and one simulation."""

from __future__ import annotations

import numpy as np

from aftershock.engine import kernels
from aftershock.engine.kernels import Case, Group, Heap, Ledger
from aftershock.engine.types import Bars, Book, Entries, Integers, Orders, trade_dtype


def simulate(case: Case) -> tuple[np.ndarray, Integers]:
    """Turn signals into trades: docs/fills.md from netting to money.

    Parameters
    ----------
    case : Case
        The market, its rules, the signals before netting, n rows, and the settings.

    Returns
    -------
    trades : ndarray of trade_dtype
        In the order opened.
    outcome : ndarray of int64, shape (n,)
        What became of each signal: a position of ``OUTCOMES``.
    """
    return simulate_some(case, netting_order(case.entries))


def simulate_some(case: Case, order: Integers) -> tuple[np.ndarray, Integers]:
    """Turn some of the signals into trades: rows in netting order."""
    netted, outcome = net(case, order)
    if case.book.mode == kernels.EVENT:
        return each_alone(netted, outcome)
    ledger = new_ledger(outcome, len(case.bars.offsets) - 1, case.book)
    kernels.shared_money(
        ledger, netted, by_due(case.bars, case.entries, case.orders), new_group(len(outcome))
    )
    return ledger.trades[: ledger.opened[0]], outcome


def netting_order(entries: Entries) -> Integers:
    """Give the rows of entries by instrument, due bar and row: those that stand as one are side by side."""
    few = entries.instrument.min(initial=0) >= 0 and entries.instrument.max(initial=0) < 2**16
    # Numpy sorts narrow integers by counting, and signals are mostly due in the order in which they are listed.
    order = np.argsort(entries.instrument.astype(np.uint16) if few else entries.instrument, kind="stable")
    instrument, due = entries.instrument[order], entries.due[order]
    if bool(((due[1:] >= due[:-1]) | (instrument[1:] != instrument[:-1])).all()):
        return order
    return order[np.lexsort((due, instrument))]


def net(case: Case, order: Integers) -> tuple[Case, Integers]:
    """Let signals that are due at one bar of an instrument stand as one (docs/fills.md, section 3).

    Parameters
    ----------
    case : Case
        The signals and how long they wait.
    order : ndarray of int64
        The rows that take part, in netting order.

    Returns
    -------
    netted : Case
        With the weight of what stands for each bar.
    outcome : ndarray of int64, shape (n,)
        ``FILLED`` for signals that go on to be tried, else the reason.
    """
    entries = case.entries
    weight, taken = entries.weight.copy(), np.ones(len(entries.due), np.bool_)
    outcome = np.full(len(entries.due), kernels.NETTED, np.int64)
    kernels.net(entries, order, case.orders.max_defer, weight, outcome, taken)
    return case._replace(entries=entries._replace(weight=weight)), outcome


def each_alone(case: Case, outcome: Integers) -> tuple[np.ndarray, Integers]:
    """Trade each signal whose outcome is ``FILLED`` by itself; give trades, and what became of all in its place."""
    trades = np.zeros(len(outcome), trade_dtype)
    return trades[: kernels.each_alone(case, outcome, trades)], outcome


def by_due(bars: Bars, entries: Entries, orders: Orders) -> Integers:
    """Give the signals that have a due bar, by its instant and by row."""
    some = np.flatnonzero(entries.due >= 0)
    instants = (bars.closes_at if orders.at_close else bars.opens_at)[entries.due[some]]
    return some[np.argsort(instants, kind="stable")]


def new_ledger(outcome: Integers, instruments: int, book: Book) -> Ledger:
    """Make room for the accounts of a simulation; `kernels.shared_money` begins it."""
    n, accounts = len(outcome), instruments if book.mode == kernels.ACCOUNT else 1
    return Ledger(
        trades=np.zeros(n, trade_dtype),
        opened=np.zeros(1, np.int64),
        cash=np.empty(accounts),
        head=np.empty(accounts, np.int64),
        tail=np.empty(accounts, np.int64),
        following=np.empty(n, np.int64),
        preceding=np.empty(n, np.int64),
        exits=_new_heap(n),
        retries=_new_heap(n),
        bar=np.empty(n, np.int64),
        waiting=np.empty(instruments, np.int64),
        outcome=outcome,
    )


def _new_heap(n: int) -> Heap:
    """Make room for the numbers below n."""
    return Heap(np.empty(n, np.int64), np.full(n, -1, np.int64), np.zeros(n, np.int64), np.zeros(1, np.int64))


def new_group(n: int) -> Group:
    """Make room for n entries at one instant."""
    return Group(
        rows=np.empty(n, np.int64),
        tried=np.empty(n, np.int64),
        target=np.empty(n),
        scale=np.empty(n),
        reason=np.empty(n, np.int64),
        member=np.empty(n, np.bool_),
        seen=np.empty(n, np.bool_),
        draws=np.empty(n, np.int64),
        quantity=np.empty(n),
        fill=np.empty(n),
    )
