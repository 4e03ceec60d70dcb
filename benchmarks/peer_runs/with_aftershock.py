"""aftershock on the published workloads."""

import os
import sys
from typing import NamedTuple

import numpy as np
from serve import serve
from workload import CAPITAL, FEE, SIZE, YEAR, Trials, Workload

from aftershock.engine import kernels
from aftershock.engine.trials import (
    Axis,
    Params,
    Setup,
    account_figures,
    axis_of,
    figures_of,
    ground_of,
    sums_of,
)
from aftershock.engine.types import Bars, Book, Entries, Exits, Orders, Rules, rule_dtype

NAN, INF = float("nan"), float("inf")
LONG_DAY, SESSION = 100, 60
DAYS_OF_YEAR = 365.25


class Market(NamedTuple):
    """A workload laid out as aftershock holds a market: bars, what trading them costs, and the dates of equity."""

    workload: Workload
    bars: Bars
    rules: Rules
    axis: Axis


def market_of(workload: Workload) -> Market:
    """Lay a workload out."""
    bars = bars_of(workload)
    return Market(workload, bars, rules_of(workload), axis_of(bars))


def run(market: Market, trials: Trials) -> np.ndarray:
    """Give total return, maximum drawdown and Sharpe ratio of shape (trials, accounts, 3).

    There is an account for each stock that puts in all it has, or one for all where they share their cash.
    """
    workload, bars, rules, axis = market
    orders = Orders(False, 0, 0, 0)
    code = kernels.PORTFOLIO if workload.shared else kernels.ACCOUNT
    size = SIZE if workload.shared else 1.0
    book = Book(code, CAPITAL, size, not workload.shared, True, 0.0, INF, INF, INF, INF, INF)
    delays = np.flatnonzero(np.bincount(trials.delay))
    which = np.searchsorted(delays, trials.delay)
    setups = [setup_of(workload, bars, rules, int(delay), orders, book) for delay in delays]
    off = np.full(len(which), NAN)
    params = Params(which, trials.hold.astype(np.int64), off, off, off, trials.threshold.astype(np.float64))
    cores = os.cpu_count() or 1
    if workload.shared:
        ground = ground_of(bars, axis, setups, np.full(len(delays), trials.hold.max()), CAPITAL)
        told = figures_of(sums_of(ground, params, jobs=cores), axis, CAPITAL)
        names = ("total_return", "max_drawdown", "sharpe")
        figures = np.stack([told[name] for name in names], axis=1)[:, None]
    else:
        figures, _ = account_figures(bars, axis, setups, params, jobs=cores)
    # A day of the workload is a day of the calendar, and a year of it has 252.
    figures[:, :, 2] *= np.sqrt(YEAR / DAYS_OF_YEAR)
    return figures


def bars_of(workload: Workload) -> Bars:
    """Lay stock after stock, a bar a day."""
    count, stocks = workload.close.shape
    day = np.tile(np.arange(count), stocks)
    prices = [np.ravel(getattr(workload, name), "F") for name in ("open", "high", "low", "close")]
    opens_at, closes_at = day * LONG_DAY, day * LONG_DAY + SESSION
    halted = np.zeros(len(day), np.bool_)
    return Bars(np.arange(stocks + 1) * count, day, day, opens_at, closes_at, *prices, halted)


def rules_of(workload: Workload) -> Rules:
    """Charge the fee, and allow everything."""
    nothing = dict.fromkeys(rule_dtype.names or (), 0.0)
    told = {"buy_rate": FEE, "sell_rate": FEE, "unit": 1.0, "limit_up": NAN, "limit_down": NAN}
    return Rules.of(workload.close.size, np.zeros(2, np.int64), np.zeros((0, 5)), (nothing | told).items())


def setup_of(workload: Workload, bars: Bars, rules: Rules, delay: int, orders: Orders, book: Book) -> Setup:
    """Make an entry of each event that has a bar left."""
    entered = workload.bar + 1 + delay
    rows = np.flatnonzero(entered < len(workload.close))
    stock, none = workload.stock[rows].astype(np.int64), np.zeros(len(rows), np.int64)
    due = bars.offsets[stock] + entered[rows]
    entries = Entries(stock, none, none + 1, np.ones(len(rows)), due, none, np.zeros(len(rows)), none - 1)
    return Setup(
        rules, entries, workload.strength[rows], none, Exits(1, NAN, NAN, NAN, False, True), orders, book
    )


if __name__ == "__main__":
    serve(run, ("aftershock", "numba", "numpy"), sys.argv[1:], market_of)
