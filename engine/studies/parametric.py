"""Tests of mean abnormal returns: by cross-section, by forecast error, by event date, and the default made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from aftershock.engine.studies.findings import Finding, finding, silent
from aftershock.engine.studies.samples import Clusters, Prepared, Sample
from aftershock.engine.studies.types import Floats

ENOUGH_DATES = 10.0
"""Effective degrees of freedom of event dates from which on the dates themselves say how far they spread."""

PAST, DATES = "estimation window", "event dates"
"""Where a variance is from."""

LEAST_ROWS = 5
"""With fewer rows a quotient of mean and cross-sectional error has no fourth moment, and its past says too little."""
LEAST_SESSIONS = 60
"""So many sessions of the estimation window are needed to see how quotients spread."""

PRIOR_WINDOWS = 50.0
"""Single days count as so many windows of several days."""


class Spread(NamedTuple):
    """Variance of a mean of rows and its effective degrees of freedom; ``basis`` says where it is from."""

    variance: float
    df: float
    basis: str = ""


def cross_sectional(values: Floats) -> Spread:
    """Give the variance of a mean of independent rows, n - 1 degrees of freedom."""
    n = len(values)
    return Spread(float(values.var(ddof=1)) / n, n - 1.0) if n > 1 else Spread(np.nan, np.nan)


def by_past(values: Floats, clusters: Clusters) -> Spread:
    """Give the variance of a mean of rows that are correlated as they were in the estimation window.

    Parameters
    ----------
    values : (n,) float64
        One number for each row, of equal variance, which may differ from that of the estimation window.
    clusters : Clusters
        How rows hang together.

    Returns
    -------
    Spread
        NaN where it cannot be told.

    Notes
    -----
    With r the average correlation over all pairs of rows (0 for pairs that share nothing), the variance s^2 of the
    cross-section has the expectation sigma^2 (1 - r) and the mean the variance sigma^2 (1 + (n - 1) r) / n, whatever
    the pattern of correlations (Kolari and Pynnonen 2010, where all rows share one date). s^2 is
    a quadratic form with df = tr(MR)^2 / tr(MRMR) (Satterthwaite 1946), M the centring matrix and R the correlations of
    dates: n - 1 for one date, fewer for few dates that hang together.
    """
    n = float(len(values))
    r = clusters.average
    if n < 2 or not (r < 1.0 and clusters.inflation > 0.0):
        return Spread(np.nan, np.nan)
    variance = float(values.var(ddof=1)) / (1.0 - r) * clusters.inflation / n
    return Spread(variance, freedom_of_rows(clusters), PAST)


def by_dates(values: Floats, sample: Sample, clusters: Clusters) -> Spread:
    """Give the variance of a mean of rows from how far the sums of event dates lie apart.

    Notes
    -----
    With T_d the sum of the n_d rows of a date, Q = sum of (T_d - n_d mean)^2. Q is scaled to be unbiased and given the
    degrees of freedom of its first two moments (Bell and McCaffrey 2002) under a working model: variances of T_d as in
    the estimation window. Whatever the model, Q follows how far dates really spread. What overlapping windows of
    different dates share is taken from the estimation window too.
    """
    if not freedom_of_dates(clusters) > 0.0:
        return Spread(np.nan, np.nan)
    sums = np.bincount(sample.cluster, values - values.mean(), len(clusters.sizes))
    unbiased = (sums**2).sum() * (clusters.own.sum() + clusters.shared) / _expected_squares(clusters)
    return Spread(float(unbiased / len(values) ** 2), freedom_of_dates(clusters), DATES)


def freedom_of_rows(clusters: Clusters) -> float:
    """Give the degrees of freedom of the variance of a cross-section whose rows hang together."""
    n = clusters.sizes.sum()
    sizes, inside = clusters.sizes, clusters.correlation
    row = clusters.own / sizes
    squares = (
        (sizes * (1.0 + (sizes - 1.0) * inside**2)).sum()
        - 2.0 / n * (sizes * row**2).sum()
        + ((sizes * row).sum() / n) ** 2
    )
    return float((n - (sizes * row).sum() / n) ** 2 / squares) if n > 1 else np.nan


def freedom_of_dates(clusters: Clusters) -> float:
    """Give the degrees of freedom of how far the sums of event dates lie apart; NaN where that tells nothing.

    Notes
    -----
    Sums T of dates with the covariance C, p the dates' shares of rows and P = p'p: squared deviations are T'AT with
    A = I - 1p' - p1' + P 11', and df = tr(AC)^2 / tr(ACAC), which needs no more than C1 and Cp.
    """
    own = clusters.own
    if len(own) < 2 or not (own > 0.0).all() or not clusters.inflation > 0.0:
        return np.nan
    share = clusters.sizes / clusters.sizes.sum()
    squared = float((share**2).sum())
    by_one, by_share = clusters.times(np.ones(len(own))), clusters.times(share)
    a, b, c = float(by_one.sum()), float(by_share.sum()), float(by_share @ share)
    moment = (
        float((own**2).sum() + 2.0 * (clusters.between**2).sum())
        + 2.0 * (squared * float(by_one @ by_one) - 2.0 * float(by_share @ by_one))
        + 2.0 * b**2 + 2.0 * a * c - 4.0 * squared * a * b + (squared * a) ** 2
    )  # fmt: skip
    expected = _expected_squares(clusters)
    return expected**2 / moment if expected > 0.0 and moment > 0.0 else np.nan


def _expected_squares(clusters: Clusters) -> float:
    """Give what the squared deviations of the sums of dates add up to where each row has unit variance: tr(AC)."""
    share = clusters.sizes / clusters.sizes.sum()
    by_one = clusters.times(np.ones(len(share)))
    return float(clusters.own.sum() - 2.0 * (share @ by_one) + (share**2).sum() * by_one.sum())


def by_quotients(study: Prepared, values: Floats, sample: Sample, clusters: Clusters) -> Spread:
    """Give the variance of a mean of rows from how far its quotient spread in the estimation window.

    Parameters
    ----------
    study, sample : Prepared, Sample
        Whose past it is.
    values : (n,) float64
        One number for each row of the sample.
    clusters : Clusters
        How rows hang together.

    Notes
    -----
    In normal returns of constant variance the mean square of past quotients of mean and cross-sectional error is
    (1 + (n - 1) r) / (1 - r), the factor of Kolari and Pynnonen (2010), times df / (df - 2). Taken from the
    quotients themselves it holds too where common and own shocks have fat tails or their variances move together,
    because each session is divided by its own cross-section, as the event is. For a window of several days the mean
    square of as long windows of the past counts too, which follows shocks that take days to reach all names: m
    windows that do not overlap weigh m / (m + `PRIOR_WINDOWS`), single days the rest. Such windows overlap between
    dates as those of the event do; to single days that is added. The past is finite: the fewer its sessions and
    the fatter the tails of its quotients, the fewer the degrees of freedom. Few rows or sessions: `by_past`.
    """
    n = len(values)
    df = freedom_of_rows(clusters)
    quotients = study.past_quotients(sample)
    if n < LEAST_ROWS or len(quotients) < LEAST_SESSIONS or not df > 2.0:
        return by_past(values, clusters)
    alone = clusters._replace(between=np.zeros(len(clusters.between)))
    square = float((quotients**2).mean()) * _inflated(clusters) / _inflated(alone)
    if sample.days > 1:
        longer = study.past_quotients(sample, sample.days)
        if len(longer) >= LEAST_SESSIONS:
            apart = len(longer) / sample.days
            weight = apart / (apart + PRIOR_WINDOWS)
            square += weight * (float((longer**2).mean()) - square)
    factor = square * (df - 2.0) / df
    if not factor > 0.0:
        return Spread(np.nan, np.nan)
    return Spread(
        float(values.var(ddof=1)) / n * factor, 1.0 / (1.0 / df + 1.0 / _freedom_of_past(quotients)), PAST
    )


def _freedom_of_past(quotients: Floats) -> float:
    """Give the degrees of freedom of a mean square: twice its square by its variance (Satterthwaite 1946)."""
    squares = quotients**2
    return float(2.0 * squares.mean() ** 2 / (squares.var(ddof=1) / len(squares)))


def _inflated(clusters: Clusters) -> float:
    """Give (1 + (n - 1) r) / (1 - r)."""
    return clusters.inflation / (1.0 - clusters.average)


def spread_of(study: Prepared, values: Floats, sample: Sample, clusters: Clusters) -> Spread:
    """Give the variance that the default test takes: of the dates where there are enough, else of the past."""
    if basis_of(clusters) == DATES:
        return by_dates(values, sample, clusters)
    return by_quotients(study, values, sample, clusters)


def basis_of(clusters: Clusters) -> str:
    """Say where the default test takes the variance from: event dates where there are enough, else the past."""
    return DATES if freedom_of_dates(clusters) >= ENOUGH_DATES else PAST


def parametric_findings(study: Prepared, sample: Sample, tests: set[str], level: float) -> list[Finding]:
    """Run those of the tests of mean returns that are asked for."""
    made: list[Finding] = []
    n = len(sample.rows)
    if n == 0:
        return [silent(test) for test in STANDARDISED + PLAIN if test in tests]
    clusters = study.clusters(sample)
    unit = 1.0 / float((1.0 / sample.error).mean())
    spreads: dict[str, Callable[[], Spread]] = {
        "kolari_pynnonen": lambda: spread_of(study, sample.scar, sample, clusters),
        "kp_textbook": lambda: by_past(sample.scar, clusters)._replace(df=n - 1.0, basis=""),
        "bmp": lambda: cross_sectional(sample.scar),
        "patell": lambda: _patell(sample),
        "t": lambda: cross_sectional(sample.car),
        "date": lambda: by_dates(sample.car, sample, clusters)._replace(basis=""),
        "crude": lambda: _crude(study, sample),
    }
    for test, spread in spreads.items():
        if test in tests:
            scaled = test in STANDARDISED
            effect = float(sample.scar.mean()) * unit if scaled else float(sample.car.mean())
            variance, df, basis = spread()
            error = np.sqrt(variance) * (unit if scaled else 1.0)
            made.append(finding(test, effect, float(error), df, level=level, basis=basis))
    return made


STANDARDISED = ("kolari_pynnonen", "kp_textbook", "bmp", "patell")
"""Tests of the mean standardised CAR. Their effect is the return that, common to all rows, would give it."""
PLAIN = ("t", "date", "crude")
"""Tests of the mean CAR."""


def _patell(sample: Sample) -> Spread:
    """Give the variance of independent t variables (Patell 1976)."""
    freedom = sample.freedom
    if not (freedom > 2.0).all():
        return Spread(np.nan, np.nan)
    return Spread(float((freedom / (freedom - 2.0)).sum()) / len(freedom) ** 2, np.inf)


def _crude(study: Prepared, sample: Sample) -> Spread:
    """Give the variance of the mean over rows in the estimation window, session by session in event time."""
    means = study.portfolio(sample)
    if len(means) < 2:
        return Spread(np.nan, np.nan)
    return Spread(float(means.var(ddof=1)) * sample.days, len(means) - 1.0)
