"""Averages over events with bands by event date: names of one date share one shock and count as one observation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aftershock.engine.studies.types import Floats, Ints


class Average(NamedTuple):
    """Means of n rows at w times, each of shape (w,); undefined figures are NaN.

    ``low`` and ``high`` bound the band, ``rows`` and ``dates`` count what is known.
    """

    mean: Floats
    standard_error: Floats
    low: Floats
    high: Floats
    rows: Ints
    dates: Ints


def average(values: Floats, date: Ints, *, weight: Floats | None = None, coverage: float = 0.95) -> Average:
    """Average rows, with a band that is robust to whatever rows of one date share.

    Parameters
    ----------
    values : ndarray of float64, shape (n, w)
        NaN where unknown: out of the divisor.
    date : ndarray of int64, shape (n,)
        A code of the event date of each row.
    weight : ndarray of float64, shape (n,), optional
        Equal by default.
    coverage : float
        Of the band.

    Returns
    -------
    Average
        The standard error is that of a mean clustered by date with the correction G / (G - 1) (Cameron and Miller,
        2015, section II.A), the band that of a t distribution with G - 1 degrees of freedom; both are NaN where
        there are fewer than two dates.

    Examples
    --------
    >>> found = average(np.array([[0.01], [0.03], [0.02]]), np.array([0, 0, 1]))
    >>> round(float(found.mean[0]), 4), int(found.dates[0])
    (0.02, 2)
    """
    from scipy.stats import t

    known = np.isfinite(values)
    weights = (np.ones(len(values)) if weight is None else weight)[:, None] * known
    total = weights.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (weights * np.nan_to_num(values)).sum(axis=0) / total
        left = weights * np.where(known, values - mean, 0.0)
        by_date, dated = _by_date(left, date), _by_date(known.astype(np.float64), date) > 0
        dates = dated.sum(axis=0)
        error = np.sqrt((by_date**2).sum(axis=0) * dates / (dates - 1)) / total
    error = np.where(dates > 1, error, np.nan)
    half = t.ppf(0.5 + coverage / 2, np.maximum(dates - 1, 1)) * error
    return Average(mean, error, mean - half, mean + half, known.sum(axis=0), dates)


def _by_date(values: Floats, date: Ints) -> Floats:
    """Add rows of one date up, shape (dates, w)."""
    order = np.argsort(date, kind="stable")
    if not len(order):
        return values
    starts = np.flatnonzero(np.r_[True, np.diff(date[order]) != 0])
    return np.asarray(np.add.reduceat(values[order], starts, axis=0))


def regressed(values: Floats, others: Floats, date: Ints, coverage: float = 0.95) -> Average:
    """Give the mean that is left once what other events explain is taken out.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        NaN where unknown.
    others : ndarray of float64, shape (n, m)
        Counts of other events, signed; columns that do not vary, or say what others have said, are left out.
    date : ndarray of int64, shape (n,)
        A code of the event date of each row.
    coverage : float
        Of the band.

    Returns
    -------
    Average
        Of shape (1,): the constant of a regression on them, its standard error clustered by date (CR1).
    """
    from scipy.linalg import qr
    from scipy.stats import t

    known = np.isfinite(values)
    y, x, codes = values[known], np.column_stack([np.ones(int(known.sum())), others[known]]), date[known]
    dates = len(np.unique(codes))
    nan = np.full(1, np.nan)
    if dates < 3:
        return Average(nan, nan, nan, nan, np.array([len(y)]), np.array([dates]))
    _, r, pivots = qr(x, mode="economic", pivoting=True)
    told = np.abs(np.diag(r)) > 1e-9 * abs(r[0, 0])
    # The constant is what is asked for: it stays, whatever else must go.
    chosen = [0, *(int(place) for place in sorted(pivots[: len(told)][told]) if place)][
        : min(dates - 1, len(y) - 1)
    ]
    x = x[:, chosen]
    inverse = np.linalg.pinv(x.T @ x)
    beta = inverse @ x.T @ y
    score = _by_date(x * (y - x @ beta)[:, None], codes)
    n, k = x.shape
    meat = score.T @ score * (dates / (dates - 1)) * ((n - 1) / max(n - k, 1))
    error = float(np.sqrt(max((inverse @ meat @ inverse)[0, 0], 0.0)))
    half = float(t.ppf(0.5 + coverage / 2, dates - 1)) * error
    mean = float(beta[0])
    low, high = mean - half, mean + half
    return Average(
        np.array([mean]),
        np.array([error]),
        np.array([low]),
        np.array([high]),
        np.array([n]),
        np.array([dates]),
    )
