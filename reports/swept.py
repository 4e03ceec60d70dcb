"""A sweep as a report takes it: its axes, what its cells hold, how the neighbours of the best trial do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.engine.types import Floats, Integers
from aftershock.reports.run import Run
from aftershock.reports.words import defined, visible

OFF = "off"
MOST_BINS = (24, 16, 12, 8, 6, 4, 2)
"""Into how many groups of neighbouring levels an axis of more is laid, the fewer the more cells there are."""
NUMBERS = 200_000
"""Numbers that heat maps may hold."""
IN_A_CELL = 10
"""Trials that a cell has on average at least, where they are a sample."""
IN_A_GROUP = 50
"""Trials that a level has on average at least, where they are a sample, to be compared by itself."""
GROUPS = 8
"""Groups of levels whose medians tell whether a parameter matters, where trials are a sample."""
MANY = 50
"""Levels beyond which four digits are enough to read."""
PLATEAU, SPIKE = 0.75, 0.5
"""What the neighbours of the best keep of its lead over the median trial, on a plateau at least, on a spike less."""


class Axis(NamedTuple):
    """A parameter: its name, the texts of its levels in order, whether they are numbers (``off`` beside the last)."""

    label: str
    levels: tuple[str, ...]
    ordered: bool


class Cells(NamedTuple):
    """What the trials of each cell of two axes come to, by row of ``y`` and column of ``x``.

    Attributes
    ----------
    median, best : dict of ndarray, shape (rows, columns)
        By figure: the median of all trials, and the best of those with enough trades; NaN where there is none.
    trial : dict of ndarray of int64
        The trial that is the best, -1 where there is none.
    trials : ndarray of int64
        How many there are.
    """

    median: dict[str, Floats]
    best: dict[str, Floats]
    trial: dict[str, Integers]
    trials: Integers


class Curves(NamedTuple):
    """Growth of one unit of capital: ``trials`` (n,), ``days`` since 1970 (m,), ``growth`` (n, m)."""

    trials: Integers
    days: Integers
    growth: Floats


class Neighbour(NamedTuple):
    """A trial beside the best: what is changed in words, its number and its figure."""

    changed: str
    trial: int
    value: float


@dataclass(frozen=True, eq=False)
class Swept:
    """A sweep and what was made ready of it for a report.

    Attributes
    ----------
    name : str
    labels : sequence of str
        The parameters, columns of ``trials``.
    trials, placebo : DataFrame
        As `aftershock.sweeps.Sweep` has them.
    by : str
        The figure that makes a trial the best.
    figures : sequence of str
        Figures of which more is better.
    luck : mapping
        By figure the 95th percentile of the placebos' best, NaN where there is none.
    top : DataFrame
        The best trials with ``luck`` and ``p_value``.
    least : int
        Trades below which a trial is no candidate.
    simulated, sampled : bool
        Whether prices are simulated, and whether trials are a sample of their grid.
    told : mapping
        What was run, in words; ``experiment`` is its TOML, ``version`` that of the package.
    best : Run, optional
        The best trial run by itself.
    curves : Curves, optional
        Of trials that cells show.
    missing : str
        Why there are none.
    caveats : sequence of str
        Those of the best trial's run.
    """

    name: str
    labels: Sequence[str]
    trials: pd.DataFrame
    placebo: pd.DataFrame
    by: str
    figures: Sequence[str]
    luck: Mapping[str, float]
    top: pd.DataFrame
    least: int
    simulated: bool
    sampled: bool
    told: Mapping[str, str]
    experiment: str
    version: str
    best: Run | None = None
    curves: Curves | None = None
    missing: str = ""
    caveats: Sequence[str] = field(default=())

    def __len__(self) -> int:
        return len(self.trials)

    @cached_property
    def _coded(self) -> tuple[tuple[Axis, ...], Integers]:
        coded = [coded_axis(label, self.trials[label]) for label in self.labels]
        varied = [(axis, codes) for axis, codes in coded if len(axis.levels) > 1]
        empty = np.zeros((len(self), 0), np.int64)
        return tuple(axis for axis, _ in varied), (
            np.stack([codes for _, codes in varied], axis=1) if varied else empty
        )

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The parameters of more than one level."""
        return self._coded[0]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The column of ``trials`` of each of the axes."""
        return tuple(label for label in self.labels if self.trials[label].nunique(dropna=False) > 1)

    @property
    def codes(self) -> Integers:
        """The level of each trial on each of the axes, shape (trials, axes)."""
        return self._coded[1]

    @cached_property
    def enough(self) -> NDArray[np.bool_]:
        """Which trials have trades enough to be the best, shape (trials,)."""
        return (self.trials["trades"] >= self.least).to_numpy(bool)

    @cached_property
    def values(self) -> Floats:
        """The figure of each trial by which they are ranked."""
        return self.trials[self.by].to_numpy(np.float64)

    @property
    def row(self) -> int:
        """The row of the best trial, -1 where there is none."""
        return int(self.top.index[0]) if len(self.top) else -1

    @cached_property
    def bins(self) -> tuple[tuple[Axis, Integers], ...]:
        """Each axis as heat maps lay it out, and the place of each of its levels there."""
        sparse = max(4.0, (len(self) / IN_A_CELL) ** 0.5) if self.sampled else np.inf
        for most in (most for most in MOST_BINS if most <= sparse):
            binned = tuple(_binned(axis, most) for axis in self.axes)
            sizes = [len(axis.levels) for axis, _ in binned]
            cells = sum(a * b for a, b in combinations(sizes, 2))
            if cells * len(self.figures) * 3 <= NUMBERS:
                break
        return binned

    @cached_property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Pairs of axes (x, y): all of them, those that move the figure most first; (0, -1) where there is one axis."""
        if len(self.axes) == 1:
            return ((0, -1),)
        order = np.argsort([-spread for spread in self.effects], kind="stable")
        ranked = [(int(order[a]), int(order[b])) for a, b in combinations(range(len(order)), 2)]
        # The axis of more levels lies across.
        size = [len(axis.levels) for axis, _ in self.bins]
        return tuple((a, b) if size[a] >= size[b] else (b, a) for a, b in ranked)

    def cells(self, x: int, y: int) -> Cells:
        """Sum up the trials of each cell of two axes; ``y`` is -1 for a single row."""
        across, down = self.bins[x], self.bins[y] if y >= 0 else None
        columns, rows = len(across[0].levels), 1 if down is None else len(down[0].levels)
        at = across[1][self.codes[:, x]] + (0 if down is None else columns * down[1][self.codes[:, y]])
        shape = (rows, columns)
        numbers = self.trials["trial"].to_numpy(np.int64)
        median, best, trial = {}, {}, {}
        for figure in self.figures:
            value, order = self.trials[figure].to_numpy(np.float64), self._rising[figure]
            median[figure] = _medians(value, order, at, rows * columns).reshape(shape)
            place = np.full(rows * columns, -1, np.int64)
            candidates = order[self.enough[order]]
            # Of those assigned to one cell the last, the greatest, stays.
            place[at[candidates]] = candidates
            known = place >= 0
            best[figure] = np.where(known, value[place], np.nan).reshape(shape)
            trial[figure] = np.where(known, numbers[place], -1).reshape(shape)
        counts = np.bincount(at, minlength=rows * columns).astype(np.int64)
        return Cells(median, best, trial, counts.reshape(shape))

    @cached_property
    def _rising(self) -> dict[str, Integers]:
        """Rows by rising value of each figure, unknown ones left out; of equals the first comes last."""
        found = {}
        for figure in self.figures:
            value = self.trials[figure].to_numpy(np.float64)
            known = np.flatnonzero(np.isfinite(value))
            found[figure] = known[np.lexsort((-known, value[known]))]
        return found

    @cached_property
    def laid(self) -> dict[tuple[int, int], Cells]:
        """The cells of each pair of axes."""
        return {pair: self.cells(*pair) for pair in self.pairs} if self.axes else {}

    @cached_property
    def grouped(self) -> tuple[tuple[Axis, Integers], ...]:
        """Each axis as its levels are compared: of a sample, whose levels may have a trial each, in groups."""
        enough = max(GROUPS, len(self) // IN_A_GROUP) if self.sampled else len(self)
        return tuple(_binned(axis, GROUPS if len(axis.levels) > enough else enough) for axis in self.axes)

    @cached_property
    def levels(self) -> list[Floats]:
        """The median of the figure over the trials of each level or group of them, by axis."""
        found: list[Floats] = []
        for place, (axis, at) in enumerate(self.grouped):
            medians = pd.Series(self.values).groupby(at[self.codes[:, place]]).median()
            found.append(np.asarray(medians.reindex(range(len(axis.levels))), np.float64))
        return found

    @cached_property
    def effects(self) -> list[float]:
        """By how much the median of the figure differs between the levels of each axis; 0 where it is unknown."""
        known = [medians[np.isfinite(medians)] for medians in self.levels]
        return [float(np.ptp(each)) if len(each) else 0.0 for each in known]

    @cached_property
    def neighbours(self) -> list[Neighbour]:
        """The trials one level beside the best on one axis of numbers; of a sample, the trials nearest to it."""
        if self.row < 0 or not any(axis.ordered for axis in self.axes):
            return []
        return self._nearest() if self.sampled else self._beside()

    def _beside(self) -> list[Neighbour]:
        own = self.codes[self.row]
        apart = self.codes != own
        single = np.flatnonzero(apart.sum(axis=1) == 1)
        where = apart[single].argmax(axis=1)
        steps = self.codes[single, where] - own[where]
        found = []
        for row, place, step in zip(single.tolist(), where.tolist(), steps.tolist(), strict=True):
            axis = self.axes[place]
            if axis.ordered and abs(step) == 1 and self.enough[row] and np.isfinite(self.values[row]):
                here, there = axis.levels[own[place]], axis.levels[self.codes[row, place]]
                found.append((place, step, f"{axis.label} {here} → {there}", row))
        return [self._neighbour(words, row) for _, _, words, row in sorted(found)]

    def _nearest(self) -> list[Neighbour]:
        """Take as many trials as a full grid would have neighbours, nearest in ranks of levels, like in the rest."""
        own = self.codes[self.row]
        ordered = [place for place, axis in enumerate(self.axes) if axis.ordered]
        rest = [place for place, axis in enumerate(self.axes) if not axis.ordered]
        like = (self.codes[:, rest] == own[rest]).all(axis=1) & self.enough & np.isfinite(self.values)
        like[self.row] = False
        rows = np.flatnonzero(like)
        size = np.array([len(self.axes[place].levels) - 1 for place in ordered], np.float64)
        away = (((self.codes[rows][:, ordered] - own[ordered]) / size) ** 2).sum(axis=1)
        near = rows[np.argsort(away, kind="stable")[: 2 * len(ordered)]]
        return [self._neighbour(self.settings(int(row), ordered), int(row)) for row in near]

    def _neighbour(self, words: str, row: int) -> Neighbour:
        return Neighbour(words, int(self.trials["trial"].iloc[row]), float(self.values[row]))

    @cached_property
    def kept(self) -> float:
        """What the neighbours of the best keep, by their median, of its lead over the median trial; NaN unknown."""
        if not self.neighbours:
            return float("nan")
        middle, best = float(np.nanmedian(self.values)), float(self.values[self.row])
        beside = float(np.median([one.value for one in self.neighbours]))
        return (beside - middle) / (best - middle) if best > middle else float("nan")

    def settings(self, row: int, places: Sequence[int] | None = None) -> str:
        """Say the parameters of the trial in a row, on all axes or on some."""
        if not self.axes:
            return "no parameter varies"
        own = self.codes[row].tolist()
        chosen = range(len(self.axes)) if places is None else places
        return ", ".join(
            f"{self.axes[place].label} {self.axes[place].levels[own[place]]}" for place in chosen
        )

    def shown(self, most: int) -> Integers:
        """Choose the trials whose equity is kept: the best, then the best of cells, figure by figure, up to a number.

        Parameters
        ----------
        most : int
            How many trials at most.

        Returns
        -------
        ndarray of int64
            Rows of ``trials``, rising.
        """
        ranked = [self.by, *(figure for figure in self.figures if figure != self.by)]
        found: dict[int, None] = dict.fromkeys(self.top["trial"].tolist())
        for figure in ranked:
            for cells in self.laid.values():
                found |= dict.fromkeys(cells.trial[figure].ravel().tolist())
        found.pop(-1, None)
        numbers = np.sort(np.array(list(found)[:most], np.int64))
        order = self.trials["trial"].to_numpy(np.int64)
        return np.searchsorted(order, numbers)


def coded_axis(label: str, column: pd.Series[Any]) -> tuple[Axis, Integers]:
    """Give the levels of a column of trials in order, and the level of each row; what is off comes last.

    Examples
    --------
    >>> axis, codes = coded_axis("stop", pd.Series([0.05, np.nan, 0.02]))
    >>> axis, codes.tolist()
    (Axis(label='stop', levels=('0.02', '0.05', 'off'), ordered=True), [1, 2, 0])
    """
    named = visible(label)
    if pd.api.types.is_bool_dtype(column):
        codes, found = pd.factorize(column, sort=True)
        return Axis(named, tuple(str(value).lower() for value in found), False), codes.astype(np.int64)
    if pd.api.types.is_numeric_dtype(column):
        codes, found = pd.factorize(column, sort=True)
        texts = _short_texts(found.tolist())
        if (codes < 0).any():
            codes, texts = np.where(codes < 0, len(texts), codes), [*texts, OFF]
        return Axis(named, tuple(texts), True), np.asarray(codes, np.int64)
    words = column.fillna(OFF).astype(str)
    codes, names = pd.factorize(words, sort=True)
    return Axis(named, tuple(map(visible, names)), False), np.asarray(codes, np.int64)


def _short_texts(values: Sequence[float]) -> list[str]:
    """Write numbers in as few digits as tell them apart, but in no more than four where there are very many."""
    for digits in range(3, 10):
        texts = [f"{value:.{digits}g}" for value in values]
        if len(set(texts)) == len(texts) or (digits == 4 and len(texts) > MANY):
            return texts
    return [f"{value:.10g}" for value in values]


def _binned(axis: Axis, most: int) -> tuple[Axis, Integers]:
    """Group neighbouring levels where there are too many; what is off keeps a place of its own."""
    count = len(axis.levels)
    if count <= most:
        return axis, np.arange(count)
    off = axis.levels[-1] == OFF and axis.ordered
    whole, groups = count - off, most - off
    at = (np.arange(whole) * groups) // whole
    edges = [np.flatnonzero(at == group)[[0, -1]] for group in range(groups)]
    names = [_between(axis, first, last) for first, last in edges]
    if off:
        at, names = np.append(at, groups), [*names, OFF]
    return Axis(axis.label, tuple(names), axis.ordered), at


def _between(axis: Axis, first: int, last: int) -> str:
    return axis.levels[first] if first == last else f"{_brief(axis, first)} to {_brief(axis, last)}"


def _brief(axis: Axis, place: int) -> str:
    return f"{float(axis.levels[place]):.3g}" if axis.ordered else axis.levels[place]


def _medians(value: Floats, order: Integers, at: Integers, count: int) -> Floats:
    """Give the median of the values of each cell; rows come by rising value, so that no cell is sorted again."""
    cell = at[order].astype(np.uint16 if count < 65_536 else np.int64)
    arranged = value[order[np.argsort(cell, kind="stable")]]
    held = np.bincount(cell, minlength=count)
    first = np.cumsum(held) - held
    found = np.full(count, np.nan)
    some = held > 0
    low, high = first + (held - 1) // 2, first + held // 2
    found[some] = (arranged[low[some]] + arranged[high[some]]) / 2.0
    return found


def share_above(swept: Swept, level: float) -> float:
    """Give the share of trials with a known figure above a level; NaN where none is known or the level is not."""
    known = swept.values[np.isfinite(swept.values)]
    return float((known > level).mean()) if len(known) and defined(level) else float("nan")
