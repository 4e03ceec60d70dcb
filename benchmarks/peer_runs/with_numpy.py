"""The plain baseline: a loop over events, numpy for the rest."""

import sys

import numpy as np
from serve import serve
from workload import CAPITAL, FEE, SIZE, YEAR, Trials, Workload


def run(workload: Workload, trials: Trials) -> np.ndarray:
    """Give total return, maximum drawdown and Sharpe ratio of shape (trials, accounts, 3)."""
    curve = shared_curve if workload.shared else own_curves
    each = zip(*trials, strict=True)
    return np.array([figures_of(curve(workload, *taken(workload, *trial))) for trial in each])


def taken(workload: Workload, hold: int, delay: int, threshold: float) -> tuple[np.ndarray, ...]:
    """Give stock, entry bar and exit bar of the trades; an exit bar past the end is never reached."""
    bars, stocks = workload.close.shape
    strong = np.flatnonzero(workload.strength >= threshold)
    free = [0] * stocks
    trades = []
    entered = workload.bar[strong] + 1 + delay
    for stock, entry in zip(workload.stock[strong].tolist(), entered.tolist(), strict=True):
        if free[stock] <= entry < bars:
            trades.append((stock, entry, entry + hold))
            free[stock] = entry + hold + 1
    return tuple(np.array(trades, np.int64).reshape(-1, 3).T)


def held(workload: Workload, stock: np.ndarray, entry: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Say at which closes a stock was held since before that bar, of shape (bars, stocks)."""
    bars, stocks = workload.close.shape
    steps = np.zeros((bars + 1, stocks), np.int64)
    np.add.at(steps, (np.minimum(entry + 1, bars), stock), 1)
    np.add.at(steps, (np.minimum(left + 1, bars), stock), -1)
    return np.cumsum(steps[:bars], axis=0) > 0


def own_curves(workload: Workload, stock: np.ndarray, entry: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Give the equity of each stock's account: growth at each close, multiplied up."""
    close = workload.close
    growth = np.ones_like(close)
    growth[1:] = np.where(held(workload, stock, entry, left)[1:], close[1:] / close[:-1], 1.0)
    growth[entry, stock] = close[entry, stock] / workload.open[entry, stock] / (1.0 + FEE)
    out = left < len(close)
    growth[left[out], stock[out]] *= 1.0 - FEE
    return CAPITAL * np.cumprod(growth, axis=0)


def shared_curve(workload: Workload, stock: np.ndarray, entry: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Give the equity of the one account: profits at each close, added up."""
    close, want = workload.close, SIZE * CAPITAL
    quantity = np.zeros_like(close)
    bought = want / workload.open[entry, stock]
    # What is held moves with the closes after the entry bar; each trade has its own quantity.
    steps = np.zeros((len(close) + 1, close.shape[1]))
    np.add.at(steps, (np.minimum(entry + 1, len(close)), stock), bought)
    np.add.at(steps, (np.minimum(left + 1, len(close)), stock), -bought)
    quantity = np.cumsum(steps[:-1], axis=0)
    profit = np.zeros(len(close))
    profit[1:] = (quantity[1:] * np.diff(close, axis=0)).sum(axis=1)
    np.add.at(profit, entry, bought * (close[entry, stock] - workload.open[entry, stock]) - FEE * want)
    out = left < len(close)
    np.add.at(profit, left[out], -FEE * bought[out] * close[left[out], stock[out]])
    return (CAPITAL + np.cumsum(profit))[:, None]


def figures_of(equity: np.ndarray) -> np.ndarray:
    """Give the figures of curves of shape (bars, accounts)."""
    whole = np.vstack([np.full((1, equity.shape[1]), CAPITAL), equity])
    returns = whole[1:] / whole[:-1] - 1.0
    drawdown = (whole / np.maximum.accumulate(whole, axis=0) - 1.0).min(axis=0)
    spread = returns.std(axis=0, ddof=1)
    moved = spread > 0.0
    sharpe = np.where(moved, returns.mean(axis=0) / np.where(moved, spread, 1.0), np.nan) * np.sqrt(YEAR)
    return np.stack([equity[-1] / CAPITAL - 1.0, drawdown, sharpe], axis=1)


if __name__ == "__main__":
    serve(run, ("numpy",), sys.argv[1:])
