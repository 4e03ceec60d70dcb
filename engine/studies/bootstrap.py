"""Bootstraps that draw whole event dates, with replacement (block) or with random signs (wild)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aftershock.engine.studies.compiled import resampled_counts
from aftershock.engine.studies.findings import Finding, silent
from aftershock.engine.studies.samples import Sample
from aftershock.engine.studies.types import Floats

LEAST_DATES = 5
"""With fewer dates there are too few distinct draws to say anything."""
SIGNS_FROM = 12
"""From so many dates on the wild bootstrap draws signs; with fewer, 2^G of them repeat: Webb's six weights."""
WEBB = np.sqrt(np.array([0.5, 1.0, 1.5]))
"""Absolute values of the six-point distribution (Webb 2023)."""
CHUNK = 4_000_000
"""So many random numbers are held at a time."""


class Dates(NamedTuple):
    """Rows of w windows added up by date: sums (G, w), sizes (G,)."""

    sums: Floats
    sizes: Floats

    @property
    def mean(self) -> Floats:
        """Mean over rows, shape (w,)."""
        found: Floats = self.sums.sum(axis=0) / self.sizes.sum()
        return found

    @property
    def error(self) -> Floats:
        """Standard error of the mean from the spread of dates, shape (w,)."""
        dates = len(self.sizes)
        apart = self.sums - self.sizes[:, None] * self.mean
        found: Floats = np.sqrt(dates / (dates - 1.0) * (apart**2).sum(axis=0)) / self.sizes.sum()
        return found


def bootstrap_findings(
    samples: list[Sample], test: str, draws: int, rng: np.random.Generator, level: float
) -> list[Finding]:
    """Run one bootstrap for several windows, those with the same rows on one set of draws.

    Parameters
    ----------
    samples : list of Sample
        Windows of one study.
    test : str
        ``block`` or ``wild``.
    draws : int
        How often the dates are drawn.
    rng : Generator
        What draws.
    level : float
        Of the band: the effect and the quantile of absolute drawn quotients times the standard error.

    Returns
    -------
    list of Finding
        One for each sample.

    Notes
    -----
    Both are studentised (Cameron, Gelbach and Miller 2008, pairs and wild cluster bootstrap-t): block draws dates
    with replacement and centres on the mean found; wild imposes the null and draws signs, or Webb's weights. p is
    (1 + draws at least as far out) / (1 + draws), which is never 0.
    """
    made: list[Finding] = [silent(test)] * len(samples)
    groups: dict[bytes, list[int]] = {}
    for place, sample in enumerate(samples):
        groups.setdefault(sample.rows.tobytes(), []).append(place)
    draw = drawn_block if test == "block" else drawn_wild
    for places in groups.values():
        first = samples[places[0]]
        if first.dates < LEAST_DATES:
            for place in places:
                car = samples[place].car
                made[place] = silent(test, float(car.mean()) if len(car) else np.nan)
            continue
        dates = Dates(
            np.stack([np.bincount(first.cluster, samples[place].car) for place in places], axis=1),
            np.bincount(first.cluster).astype(np.float64),
        )
        quotients = draw(dates, draws, rng)
        for column, place in enumerate(places):
            made[place] = _finding(test, dates, column, np.abs(quotients[:, column]), level)
    return made


def _finding(test: str, dates: Dates, column: int, drawn: Floats, level: float) -> Finding:
    effect, error = float(dates.mean[column]), float(dates.error[column])
    if not error > 0.0:
        return silent(test, effect)
    statistic = effect / error
    p = (1.0 + float((drawn >= abs(statistic) * (1.0 - 1e-12)).sum())) / (1.0 + len(drawn))
    reach = float(np.quantile(drawn, level, method="higher")) * error
    return Finding(test, effect, error, effect - reach, effect + reach, statistic, p, np.nan)


def drawn_block(dates: Dates, draws: int, rng: np.random.Generator) -> Floats:
    """Draw dates with replacement; quotients (draws, w). A draw that does not spread at all is infinitely far out."""
    count, windows = dates.sums.shape
    sums, sizes = dates.sums, dates.sizes
    columns = np.concatenate(
        [sums, sums**2, sums * sizes[:, None], sizes[:, None], sizes[:, None] ** 2], axis=1
    )
    parts = []
    for size in _chunks(draws, count):
        counts = np.zeros((size, count))
        resampled_counts(rng.integers(0, count, (size, count), dtype=np.int64), counts)
        totals = counts @ columns
        s, ss, sn = (
            totals[:, :windows],
            totals[:, windows : 2 * windows],
            totals[:, 2 * windows : 3 * windows],
        )
        n, nn = totals[:, [-2]], totals[:, [-1]]
        mean = s / n
        parts.append(_quotient(mean - dates.mean, ss - 2.0 * mean * sn + mean**2 * nn, n, count))
    return np.concatenate(parts)


def drawn_wild(dates: Dates, draws: int, rng: np.random.Generator) -> Floats:
    """Give each date a random weight of mean 0 and variance 1, the null imposed; quotients (draws, w)."""
    count, windows = dates.sums.shape
    sums, sizes = dates.sums, dates.sizes
    columns = np.concatenate([sums, sums * sizes[:, None]], axis=1)
    n, nn = sizes.sum(), (sizes**2).sum()
    parts = []
    for size in _chunks(draws, count):
        weights = rng.integers(0, 2, (size, count), dtype=np.int8) * 2.0 - 1.0
        if count < SIGNS_FROM:
            weights *= WEBB[rng.integers(0, 3, (size, count))]
        totals = weights @ columns
        squares = weights**2 @ sums**2 if count < SIGNS_FROM else (sums**2).sum(axis=0)
        mean = totals[:, :windows] / n
        apart = squares - 2.0 * mean * totals[:, windows:] + mean**2 * nn
        parts.append(_quotient(mean, apart, n, count))
    return np.concatenate(parts)


def _quotient(mean: Floats, squares: Floats, n: Floats | float, dates: int) -> Floats:
    """Divide drawn means by their errors; infinite where dates do not spread."""
    error = np.sqrt(np.maximum(squares, 0.0) * dates / (dates - 1.0)) / n
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(error > 1e-9 * np.abs(mean), mean / error, np.inf)
    return found


def _chunks(draws: int, dates: int) -> list[int]:
    """Cut draws into parts whose random numbers fit into memory."""
    size = max(1, CHUNK // max(dates, 1))
    return [min(size, draws - start) for start in range(0, draws, size)]
