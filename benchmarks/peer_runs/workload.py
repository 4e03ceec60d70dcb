"""The published workloads and their trials, in numpy alone: every peer runs exactly these."""

from typing import NamedTuple

import numpy as np

FEE = 0.001
"""Of the value of each fill; nothing slips."""
SIZE = 0.05
"""What a signal takes of the start capital where cash is shared."""
CAPITAL = 1e6
YEAR = 252
HOLDS, DELAYS = range(1, 21), range(5)
PAIRS = len(HOLDS) * len(DELAYS)

SHAPES = {"A": (50, 2_500, 2_500), "B": (20, 2_520, 5_000), "C": (50, 2_500, 500), "tiny": (6, 300, 60)}
"""Stocks, bars and events. C has so few that cash is never short, and no order of serving matters."""


class Workload(NamedTuple):
    """Prices of shape (bars, stocks), and events in time order: their stock, their bar and their strength.

    With ``shared`` all stocks share one account and a signal takes ``SIZE`` of its start capital; else each stock is an
    account of its own that puts in all it has.
    """

    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    stock: np.ndarray
    bar: np.ndarray
    strength: np.ndarray
    shared: bool


class Trials(NamedTuple):
    """Long entry at the open of bar event + 1 + delay, exit at the close hold bars later; weaker events are left out.

    An event is ignored whose entry would come while the stock is held, the bar of the exit included.
    """

    hold: np.ndarray
    delay: np.ndarray
    threshold: np.ndarray

    def at(self, places: np.ndarray) -> "Trials":
        return Trials(*(axis[places] for axis in self))


def make(name: str) -> Workload:
    """Make a workload: seeded random walks, events spread evenly over stocks, no two of a stock on one bar."""
    stocks, bars, events = SHAPES[name]
    draw = np.random.default_rng(20250912)
    inside = draw.normal(0.0002, 0.015, (bars, stocks))
    close = 100.0 * np.exp(np.cumsum(inside + draw.normal(0.0, 0.006, (bars, stocks)), axis=0))
    open_ = close / np.exp(inside)
    reach = np.exp(np.abs(draw.normal(0.0, 0.004, (2, bars, stocks))))
    high, low = np.maximum(open_, close) * reach[0], np.minimum(open_, close) / reach[1]
    each = [np.sort(draw.choice(bars, events // stocks, replace=False)) for _ in range(stocks)]
    stock, bar = np.repeat(np.arange(stocks), events // stocks), np.concatenate(each)
    order = np.lexsort((stock, bar))
    strength = draw.random(events)
    return Workload(open_, high, low, close, stock[order], bar[order], strength, name == "C")


def trials_of(count: int, strength: np.ndarray) -> Trials:
    """Cross holds and delays with as many thresholds as make the count: strengths of events, so that no two agree."""
    if count % PAIRS:
        raise ValueError(f"expected a multiple of {PAIRS} as count of trials, got {count}")
    ranks = np.linspace(0, 0.9 * len(strength), count // PAIRS, endpoint=False).astype(np.int64)
    thresholds = np.sort(strength)[ranks]
    axes = np.meshgrid(np.array(HOLDS), np.array(DELAYS), thresholds, indexing="ij")
    return Trials(*(axis.ravel() for axis in axes))


def sample(count: int, most: int) -> np.ndarray:
    """Say which trials are run where not all are: evenly spread over the grid."""
    many = min(count, most)
    return ((np.arange(many) + 0.5) * count / many).astype(np.int64)
