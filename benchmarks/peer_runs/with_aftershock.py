"""aftershock on the published workloads."""

import sys

import numpy as np
from numba import njit
from serve import serve
from workload import CAPITAL, FEE, SIZE, YEAR, Trials, Workload

from aftershock.engine import kernels
from aftershock.engine.portfolio import netting_order
from aftershock.engine.types import Bars, Book, Charges, Entries, Exits, Orders, Rules, Slippage

NAN, INF = float("nan"), float("inf")
LONG_DAY, SESSION = 100, 60


def run(workload: Workload, trials: Trials) -> np.ndarray:
    """Give total return, maximum drawdown and Sharpe ratio of shape (trials, accounts, 3)."""
    return aftershock_trials(workload, trials, "portfolio" if workload.shared else "account")


def aftershock_trials(workload: Workload, trials: Trials, mode: str) -> np.ndarray:
    """Give total return, maximum drawdown and Sharpe ratio of each trial and account.

    Parameters
    ----------
    workload : Workload
        Prices and events.
    trials : Trials
        Their holds, delays and thresholds.
    mode : {"account", "portfolio"}
        An account for each stock that puts in all it has, or one for all.

    Returns
    -------
    ndarray of shape (trials, accounts, 3)
    """
    bars, rules, orders = bars_of(workload), rules_of(workload), Orders(False, 0, 0, 0)
    shared = mode == "portfolio"
    code = kernels.PORTFOLIO if shared else kernels.ACCOUNT
    book = Book(code, CAPITAL, SIZE if shared else 1.0, not shared, True, 0.0, INF, INF, INF, INF, INF)
    accounts = 1 if shared else len(bars.offsets) - 1
    figures = np.empty((len(trials.hold), accounts, 3))
    for k in range(len(trials.hold)):
        entries = entries_of(workload, bars, trials.delay[k], trials.threshold[k])
        exits = Exits(int(trials.hold[k]), NAN, NAN, NAN, False, True)
        trades, _ = kernels.simulate(bars, rules, entries, netting_order(entries), exits, orders, book)
        figures[k] = figures_of(profits(bars, trades, accounts), CAPITAL, YEAR)
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
    count = workload.close.size
    fee, none, unknown = np.full(count, FEE), np.zeros(count), np.full(count, NAN)
    free = np.zeros(count, np.int64)
    charges = Charges(fee, fee, free, np.ones(count), np.zeros(2, np.int64), np.zeros((0, 5)))
    return Rules(charges, Slippage(none, none, none), none, none, none, unknown, unknown, free, free, free)


def entries_of(workload: Workload, bars: Bars, delay: int, threshold: float) -> Entries:
    """Make an entry of each event that is strong enough and has a bar left."""
    entered = workload.bar + 1 + delay
    rows = np.flatnonzero((workload.strength >= threshold) & (entered < len(workload.close)))
    stock, none = workload.stock[rows], np.zeros(len(rows), np.int64)
    due = bars.offsets[stock] + entered[rows]
    return Entries(stock, none, none + 1, np.ones(len(rows)), due, none, np.zeros(len(rows)))


@njit(cache=False)
def profits(bars, trades, accounts):  # type: ignore[no-untyped-def]
    """Spread the profit of trades over the days, a row for each account."""
    days = bars.offsets[1] - bars.offsets[0]
    profit = np.zeros((accounts, days))
    for k in range(len(trades)):
        trade = trades[k]
        start = bars.offsets[trade["instrument"]]
        row, quantity, value = min(trade["instrument"], accounts - 1), trade["quantity"], trade["entry_fill"]
        first, last = trade["entry_bar"], trade["exit_bar"]
        profit[row, first - start] -= trade["entry_fee"]
        if last >= 0:
            profit[row, last - start] -= trade["exit_fee"]
        for bar in range(first, (last if last >= 0 else start + days - 1) + 1):
            profit[row, bar - start] += quantity * (bars.close[bar] - value)
            value = bars.close[bar]
    return profit


@njit(cache=False)
def figures_of(profit, capital, year):  # type: ignore[no-untyped-def]
    """Give total return, maximum drawdown and Sharpe ratio of each row of profits."""
    accounts, days = profit.shape
    figures, returns = np.empty((accounts, 3)), np.empty(days)
    for row in range(accounts):
        equity = peak = capital
        deepest, total = 0.0, 0.0
        for day in range(days):
            before = equity
            equity += profit[row, day]
            peak = max(peak, equity)
            deepest = min(deepest, equity / peak - 1.0)
            returns[day] = equity / before - 1.0
            total += returns[day]
        mean, square = total / days, 0.0
        for day in range(days):
            square += (returns[day] - mean) ** 2
        spread = np.sqrt(square / (days - 1))
        figures[row, 0], figures[row, 1] = equity / capital - 1.0, deepest
        figures[row, 2] = mean / spread * np.sqrt(year) if spread > 0.0 else np.nan
    return figures


if __name__ == "__main__":
    serve(run, ("aftershock", "numba", "numpy"), sys.argv[1:])
