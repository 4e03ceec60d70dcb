"""backtesting.py: one stock at a time; run from an environment of its own, because its licence is not ours."""

import sys
import warnings

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy
from serve import serve
from workload import FEE, YEAR, Trials, Workload

RICH = 1e12
"""Orders are whole shares: capital so large that what is left over is below the tolerance."""


class AtMarks(Strategy):
    """Buy with all there is and sell at the marks of the last column."""

    def init(self) -> None:
        """Nothing is to be worked out before."""

    def next(self) -> None:
        mark = self.data.Mark[-1]
        if mark > 0:
            self.buy()
        elif mark < 0:
            self.position.close()


def run(workload: Workload, trials: Trials) -> np.ndarray:
    """Give total return, maximum drawdown and Sharpe ratio of shape (trials, stocks, 3)."""
    if workload.shared:
        raise SystemExit("backtesting.py holds one stock at a time")
    return np.array([of_trial(workload, *trial) for trial in zip(*trials, strict=True)])


def of_trial(workload: Workload, hold: int, delay: int, threshold: float) -> list[list[float]]:
    strong = workload.strength >= threshold
    figures = []
    for stock in range(workload.close.shape[1]):
        entered = workload.bar[strong & (workload.stock == stock)] + 1 + delay
        figures.append(of_stock(workload.open[:, stock], workload.close[:, stock], entered, hold))
    return figures


def of_stock(open_: np.ndarray, close: np.ndarray, entered: np.ndarray, hold: int) -> list[float]:
    """Run one stock: an order fills at the close before, so each day is its open, its close, and that once more."""
    prices, marks = np.stack([open_, close, close], axis=1).ravel(), np.zeros(3 * len(close))
    free = 0
    for entry in entered.tolist():
        if free <= entry < len(close):
            marks[3 * entry] = 1.0
            free = entry + hold + 1
            if entry + hold < len(close):
                marks[3 * (entry + hold) + 1] = -1.0
    table = pd.DataFrame(dict.fromkeys(("Open", "High", "Low", "Close"), prices)).assign(Mark=marks)
    told = Backtest(table, AtMarks, cash=RICH, commission=FEE, trade_on_close=True).run()
    equity = np.r_[RICH, told["_equity_curve"]["Equity"].to_numpy()[2::3]]
    returns = equity[1:] / equity[:-1] - 1.0
    spread = returns.std(ddof=1)
    deepest = (equity / np.maximum.accumulate(equity) - 1.0).min()
    sharpe = returns.mean() / spread * np.sqrt(YEAR) if spread > 0.0 else np.nan
    return [equity[-1] / RICH - 1.0, deepest, sharpe]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    serve(run, ("backtesting",), sys.argv[1:])
