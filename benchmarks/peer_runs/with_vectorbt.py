"""vectorbt, plainly as its guide has it, and as fast as we know how: many trials as columns, a call for each chunk."""

import sys

import numpy as np
import pandas as pd
import vectorbt as vbt
from numba import njit
from serve import serve
from workload import CAPITAL, FEE, SIZE, YEAR, Trials, Workload

COLUMNS = 1_000
"""Columns of a chunk: fewer or more take longer, and more take memory."""


def run(workload: Workload, trials: Trials) -> np.ndarray:
    """Give total return, maximum drawdown and Sharpe ratio of shape (trials, accounts, 3), as fast as it goes."""
    stocks = workload.close.shape[1]
    many = max(COLUMNS // stocks, 1)
    chunks = [range(first, min(first + many, len(trials.hold))) for first in range(0, len(trials.hold), many)]
    parts = [chunk_figures(workload, trials.at(np.array(chunk))) for chunk in chunks]
    return np.concatenate(parts)


def run_plainly(workload: Workload, trials: Trials) -> np.ndarray:
    """Do it as its guide does: all trials as columns of one portfolio, which is asked for its figures.

    Its maximum drawdown leaves the starting capital out: that column is not that of the others.
    """
    portfolio = portfolio_of(workload, trials, plainly=True)
    figures = (
        portfolio.total_return(),
        portfolio.max_drawdown(),
        portfolio.sharpe_ratio(year_freq=f"{YEAR} days"),
    )
    return np.stack([np.asarray(one).reshape(len(trials.hold), -1) for one in figures], axis=2)


def chunk_figures(workload: Workload, trials: Trials) -> np.ndarray:
    portfolio = portfolio_of(workload, trials)
    # The accessor of the portfolio itself would work out a benchmark as well.
    returns = portfolio.returns().vbt.returns(freq="1D", year_freq=f"{YEAR} days")
    figures = (portfolio.total_return(), returns.max_drawdown(), returns.sharpe_ratio())
    return np.stack([np.asarray(one).reshape(len(trials.hold), -1) for one in figures], axis=2)


def portfolio_of(workload: Workload, trials: Trials, plainly: bool = False) -> vbt.Portfolio:
    count, stocks = len(trials.hold), workload.close.shape[1]
    close = np.tile(workload.close, (1, count))
    price = np.tile(workload.open, (1, count))
    entries, exits = np.zeros(close.shape, np.bool_), np.zeros(close.shape, np.bool_)
    orders = flag(workload.stock, workload.bar, workload.strength, *trials, (close, price, entries, exits))
    sizes = {"size": SIZE * CAPITAL, "size_type": "value"} if workload.shared else {}
    groups = np.repeat(np.arange(count), stocks) if workload.shared else None
    # Without these two a portfolio sets room for an order on each bar of each column aside, and fills closes.
    bounds = {} if plainly else {"max_orders": max(orders, 1), "fillna_close": False}
    return vbt.Portfolio.from_signals(
        pd.DataFrame(close, copy=False),
        entries,
        exits,
        price=price,
        fees=FEE,
        init_cash=CAPITAL,
        cash_sharing=workload.shared,
        group_by=groups,
        freq="1D",
        **bounds,
        **sizes,
    )


@njit(cache=False)
def flag(stock, bar, strength, hold, delay, threshold, tables):  # type: ignore[no-untyped-def]
    """Flag the entries and exits of the trades; the price of an exit is its close. Give the number of orders."""
    close, price, entries, exits = tables
    bars, stocks = len(close), close.shape[1] // len(hold)
    orders = 0
    free = np.empty(stocks, np.int64)
    for k in range(len(hold)):
        free[:] = 0
        for event in range(len(bar)):
            entry, column = bar[event] + 1 + delay[k], k * stocks + stock[event]
            if strength[event] >= threshold[k] and free[stock[event]] <= entry < bars:
                entries[entry, column] = True
                orders += 1
                left = entry + hold[k]
                free[stock[event]] = left + 1
                if left < bars:
                    exits[left, column] = True
                    price[left, column] = close[left, column]
                    orders += 1
    return orders


if __name__ == "__main__":
    engine, manner, *arguments = sys.argv[1:]
    vbt.settings["engine"] = engine
    if manner == "fast":
        # What a chunk has worked out is of no use to the next, and keeping it takes time and memory.
        vbt.settings["caching"]["enabled"] = False
    packages = ("vectorbt", "numba") if engine == "numba" else ("vectorbt", "vectorbt-rust")
    serve(run if manner == "fast" else run_plainly, packages, arguments)
