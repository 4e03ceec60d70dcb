"""From abnormal returns to what tests take: cumulated returns of a window, and how the rows hang together."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from aftershock.data.errors import InputError, Problem
from aftershock.engine.studies.compiled import (
    column_moments,
    column_sums,
    date_sums,
    lagged,
    pair_correlation,
    ranks,
    standardised,
)
from aftershock.engine.studies.types import Abnormal, Floats, Ints
from aftershock.engine.types import Flags

MOST_ROWS = 0.9
"""A session of the estimation window is like the event if at least this share of the rows has a return in it."""

LEAST_VARIANCE = 1e-6
"""The sum of rows of one date has at least this share of the variance that independent rows would give it."""

MOST_PAIRED = 100
"""Of a date with gaps and at most so many rows correlations are averaged pair by pair, else over pairs and sessions."""

LEAST_KNOWN = 0.5
"""A row counts in a window if it has at least this share of its returns: holidays do not put it out, delistings do."""


class Sample(NamedTuple):
    """The m rows that have most returns of one window.

    Attributes
    ----------
    rows : (m,) int64
        Their places in the abnormal returns.
    first, last : int
        The window in event time, both ends included.
    car, scar : (m,) float64
        Cumulated abnormal return, and the same by its own standard deviation with forecast error.
    error : (m,) float64
        That standard deviation.
    freedom : (m,) float64
        Observations less parameters.
    cluster : (m,) int64
        Event dates as codes 0 to G - 1; dates whose bar 0 is one session are one.
    """

    rows: Ints
    first: int
    last: int
    car: Floats
    scar: Floats
    error: Floats
    freedom: Floats
    cluster: Ints

    @property
    def days(self) -> int:
        """Sessions of the window."""
        return self.last - self.first + 1

    @property
    def dates(self) -> int:
        """How many event dates there are."""
        return int(self.cluster.max()) + 1 if len(self.cluster) else 0


class Clusters(NamedTuple):
    """How rows of one date move together, from residuals of the estimation window.

    Attributes
    ----------
    sizes : (G,) float64
        Rows of each date.
    correlation : (G,) float64
        Average correlation of two rows of one date; 0 for a date of one row.
    pairs : (k, 2) int64
        Dates whose windows overlap.
    between : (k,) float64
        Covariance of the sums of the rows of those two dates, each row of unit variance.
    """

    sizes: Floats
    correlation: Floats
    pairs: Ints
    between: Floats

    @property
    def shared(self) -> float:
        """Variance of the sum of all rows that overlapping windows add."""
        return 2.0 * float(self.between.sum())

    def times(self, vector: Floats) -> Floats:
        """Multiply the covariance matrix of the sums of dates with a vector, shape (G,)."""
        found = self.own * vector
        one, other = self.pairs[:, 0], self.pairs[:, 1]
        found += np.bincount(one, self.between * vector[other], len(vector))
        found += np.bincount(other, self.between * vector[one], len(vector))
        return found

    @property
    def own(self) -> Floats:
        """Variance of each date's sum of rows of unit variance, shape (G,).

        Missing returns can carry an estimate a little below 0, which no variance is.
        """
        found: Floats = self.sizes * np.maximum(1.0 + (self.sizes - 1.0) * self.correlation, LEAST_VARIANCE)
        return found

    @property
    def inflation(self) -> float:
        """Variance of the sum of all n rows, each of unit variance, by n: 1 where nothing is correlated."""
        return float((self.own.sum() + self.shared) / self.sizes.sum())

    @property
    def average(self) -> float:
        """Average correlation over all pairs of rows, those of different dates included."""
        n = self.sizes.sum()
        return float((self.inflation - 1.0) / (n - 1.0)) if n > 1 else 0.0


class Prepared:
    """Abnormal returns with what several tests and windows need of them, each computed once.

    Parameters
    ----------
    abnormal : Abnormal
        n rows.
    """

    def __init__(self, abnormal: Abnormal) -> None:
        self.abnormal = abnormal
        self._kept: dict[tuple[str, bytes], Any] = {}

    def _once(self, name: str, sample: Sample, make: Callable[[], Any]) -> Any:
        """Compute what depends on the rows of a sample alone once for all samples of the same rows."""
        key = (name, sample.rows.tobytes())
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    @cached_property
    def usable(self) -> Flags:
        """Rows whose scale is known and not 0, shape (n,) bool."""
        scale = self.abnormal.scale
        known: Flags = np.isfinite(scale) & (scale > 0)
        return known

    @cached_property
    def standardised(self) -> Floats:
        """Residuals of the estimation window with mean 0 and unit variance, shape (n, l)."""
        return standardised(np.ascontiguousarray(self.abnormal.estimation))

    @cached_property
    def ranks(self) -> tuple[Floats, Floats, Floats]:
        """Ranks of the estimation window alone, and of both windows together (n, l), (n, w)."""
        estimation = np.ascontiguousarray(self.abnormal.estimation)
        return ranks(estimation, np.ascontiguousarray(self.abnormal.window), np.argsort(estimation, axis=1))

    @cached_property
    def rank_sums(self) -> tuple[Floats, Floats, Floats]:
        """Ranks of all usable rows added up by day of both windows: deviations, shares and counts, each (l + w,)."""
        _, joint, event = self.ranks
        both = np.concatenate([joint, event], axis=1)
        lengths = (~np.isnan(both)).sum(axis=1).astype(np.float64)
        return column_sums(both, lengths, np.flatnonzero(self.usable))

    @cached_property
    def positive(self) -> Floats:
        """Share of positive residuals in the estimation window of each row, shape (n,); NaN where it has none."""
        residuals = self.abnormal.estimation
        with np.errstate(invalid="ignore", divide="ignore"):
            share: Floats = (residuals > 0.0).sum(axis=1) / (~np.isnan(residuals)).sum(axis=1)
        return share

    @cached_property
    def position(self) -> Ints:
        """Bar 0 of each row in weekdays since 1970; dates without a known session stand far from all others."""
        return positions(self.abnormal)

    @cached_property
    def date_position(self) -> Ints:
        """Where the earliest bar 0 of each row's event date stands, shape (n,): one value is one cluster of rows."""
        _, date = np.unique(self.abnormal.date, return_inverse=True)
        first = np.full(date.max() + 1 if len(date) else 0, np.iinfo(np.int64).max)
        np.minimum.at(first, date, self.position)
        return first[date]

    def sample(self, first: int, last: int) -> Sample:
        """Cumulate a window, ends included, over the rows that have at least `LEAST_KNOWN` of its returns.

        What is missing adds nothing, to the sum or to its variance: where a return follows that spans the days without
        one (trade to trade), nothing of the reaction is lost.

        Raises
        ------
        InputError
            The window is empty or reaches beyond the event window.
        """
        abnormal = self.abnormal
        low, high = first - abnormal.first, last - abnormal.first + 1
        width = abnormal.window.shape[1]
        if not 0 <= low < high <= width:
            raise InputError(
                Problem(
                    f"sessions within ({abnormal.first}, {abnormal.first + width - 1}), the first not after the last",
                    f"({first}, {last})",
                    "choose a window inside that of the study, or study a longer one",
                    column="window",
                )
            )
        inside, covariance = abnormal.window[:, low:high], abnormal.covariance[:, low:high, low:high]
        known = ~np.isnan(inside)
        car, spread = inside.sum(axis=1), covariance.sum(axis=(1, 2))
        gaps = np.flatnonzero(~known.all(axis=1))
        car[gaps] = np.where(known[gaps], inside[gaps], 0.0).sum(axis=1)
        spread[gaps] = np.where(known[gaps, :, None] & known[gaps, None, :], covariance[gaps], 0.0).sum(
            axis=(1, 2)
        )
        enough = known.sum(axis=1) >= max(LEAST_KNOWN * (high - low), 1)
        rows = np.flatnonzero(enough & np.isfinite(car) & self.usable & (spread > 0))
        error = abnormal.scale[rows] * np.sqrt(spread[rows])
        car = car[rows]
        cluster = np.unique(self.date_position[rows], return_inverse=True)[1].astype(np.int64)
        freedom = (abnormal.observations - abnormal.parameters)[rows].astype(np.float64)
        return Sample(rows, first, last, car, car / error, error, freedom, cluster)

    def clusters(self, sample: Sample) -> Clusters:
        """Measure how the rows of a sample move together, in the estimation window."""
        position, sizes, sums, counts, squares = self._once("dates", sample, lambda: self._date_sums(sample))
        inside = self._once("inside", sample, lambda: self._correlation(sample, sizes, sums, counts, squares))
        return Clusters(
            sizes.astype(np.float64), inside, *_overlaps(position, sizes, sums, counts, sample.days)
        )

    def _correlation(
        self, sample: Sample, sizes: Ints, sums: Floats, counts: Floats, squares: Floats
    ) -> Floats:
        """Average the correlation of pairs of rows of each date, on the sessions that both have."""
        pairs = (counts * (counts - 1.0)).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            found: Floats = np.where(pairs > 0, ((sums**2).sum(axis=1) - squares) / pairs, 0.0)
        # Sums of dates give the average over pairs where no return is missing; elsewhere pairs are gone through.
        gaps = (counts < sizes[:, None]).any(axis=1) & (sizes > 1) & (sizes <= MOST_PAIRED)
        if gaps.any():
            order = np.argsort(sample.cluster, kind="stable")
            ends = np.cumsum(sizes)
            for date in np.flatnonzero(gaps):
                rows = sample.rows[order[ends[date] - sizes[date] : ends[date]]]
                found[date] = pair_correlation(self.standardised, rows)
        return found

    def _date_sums(self, sample: Sample) -> tuple[Ints, Ints, Floats, Floats, Floats]:
        position = np.unique(self.date_position[sample.rows])
        sizes = np.bincount(sample.cluster, minlength=sample.dates)
        return position, sizes, *date_sums(self.standardised, sample.rows, sample.cluster, sample.dates)

    def past_quotients(self, sample: Sample, days: int = 1) -> Floats:
        """Give for each window of some days of the estimation window the mean over rows by its cross-sectional error.

        It is what the test of Boehmer, Musumeci and Poulsen would have said of that window in event time; windows
        overlap. Those for which fewer than `MOST_ROWS` of the rows have all returns are left out.
        """
        found: Floats = self._once(f"quotients {days}", sample, lambda: self._past_quotients(sample, days))
        return found

    def _past_quotients(self, sample: Sample, days: int) -> Floats:
        values = self.standardised[sample.rows]
        if days > values.shape[1]:
            return np.zeros(0)
        if days > 1:
            values = np.lib.stride_tricks.sliding_window_view(values, days, axis=1).sum(axis=2) / np.sqrt(
                days
            )
        sums, squares, counts = column_moments(values)
        full = (counts >= MOST_ROWS * len(sample.rows)) & (counts > 1)
        sums, squares, counts = sums[full], squares[full], counts[full]
        variance = (squares - sums**2 / counts) / (counts - 1.0)
        moves = variance > 1e-12 * squares
        quotients: Floats = (sums[moves] / counts[moves]) / np.sqrt(variance[moves] / counts[moves])
        return quotients

    def portfolio(self, sample: Sample) -> Floats:
        """Give the mean residual over the rows of a sample in each session of the estimation window that has any."""
        found: Floats = self._once("portfolio", sample, lambda: self._portfolio(sample))
        return found

    def _portfolio(self, sample: Sample) -> Floats:
        counts = self._once("dates", sample, lambda: self._date_sums(sample))[3]
        residuals = np.nan_to_num(self.abnormal.estimation)
        weights = np.zeros(len(residuals))
        weights[sample.rows] = 1.0
        known = counts.sum(axis=0)
        means: Floats = (weights @ residuals)[known > 0] / known[known > 0]
        return means

    def rank_shares(self, sample: Sample) -> tuple[Floats, Floats, Floats]:
        """Add up by session ranks / (residuals + 2) - 1/2 of the estimation window; counts; residuals of each row."""
        found: tuple[Floats, Floats, Floats] = self._once("shares", sample, lambda: self._rank_shares(sample))
        return found

    def _rank_shares(self, sample: Sample) -> tuple[Floats, Floats, Floats]:
        alone = self.ranks[0]
        known = (~np.isnan(alone)).sum(axis=1).astype(np.float64)
        _, shares, counts = column_sums(alone, known + 1.0, sample.rows)
        return shares, counts, known[sample.rows]


def _overlaps(position: Ints, sizes: Ints, sums: Floats, counts: Floats, days: int) -> tuple[Ints, Floats]:
    """Find dates whose windows overlap, and the covariance of their sums of rows; positions rise."""
    pairs, between = [np.zeros((0, 2), np.int64)], [np.zeros(0)]
    for lag in range(1, days):
        later = np.searchsorted(position, position + lag)
        meets = later < len(position)
        meets[meets] = position[later[meets]] == position[meets] + lag
        if meets.any():
            pair = np.stack([np.flatnonzero(meets), later[meets]], axis=1).astype(np.int64)
            weight = sizes[pair[:, 0]] * sizes[pair[:, 1]] * (1.0 - lag / days)
            pairs.append(pair)
            between.append(weight * lagged(sums, counts, pair, lag))
    return np.concatenate(pairs), np.concatenate(between)


def positions(abnormal: Abnormal) -> Ints:
    """Give bar 0 of each row in weekdays since 1970; where the session is not known, places apart from all others.

    Examples
    --------
    >>> import numpy as np
    >>> friday, monday = np.array(["2025-09-12", "2025-09-15"], "M8[D]").astype(np.int64)
    >>> np.diff(np.busday_count("1970-01-01", np.array([friday, monday]).astype("M8[D]"))).tolist()
    [1]
    """
    width = abnormal.window.shape[1]
    apart: Ints = np.unique(abnormal.date, return_inverse=True)[1].astype(np.int64) * (width + 1) + 10_000_000
    if abnormal.session is None:
        return apart
    session = np.asarray(abnormal.session, np.int64)
    day = np.maximum(session, 0).astype("M8[D]")
    counted = np.busday_count(np.datetime64("1970-01-01"), day).astype(np.int64)
    found: Ints = np.where(session >= 0, counted, apart)
    return found
