"""The compiled fit of expected returns, an event on an instrument at a time.

One file, because numba's cache does not notice that a callee in another file has changed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from aftershock.engine.studies.types import Floats, Ints
from aftershock.engine.studies.windows import Series

# What allocates nothing is compiled without counting references (the option has no public name yet).
kernel = njit(cache=True, nogil=True, no_cfunc_wrapper=True, _nrt=False)  # type: ignore[call-overload]

COLLINEAR = 1e-12
"""A pivot below this share of its regressor's sum of squares: the regressors do not tell their parts apart."""


class Fitted(NamedTuple):
    """What `fit` gives; shapes as in `Abnormal`, ``coefficients`` of shape (n, k).

    ``returns`` and ``expected``, (n, w), are those of the event window; ``solved`` says where the fit could be made,
    and ``history``, (n,), counts rows in the estimation window, with a return or without.
    """

    returns: Floats
    expected: Floats
    window: Floats
    estimation: Floats
    design: Floats
    event_design: Floats
    coefficients: Floats
    scale: Floats
    observations: Ints
    covariance: Floats
    solved: NDArray[np.bool_]
    history: Ints


@register_jitable(_nrt=False)
def solve(a: Floats, b: Floats) -> bool:
    """Turn a symmetric positive definite ``a`` into its inverse and ``b`` into a^-1 b, in place (Gauss-Jordan).

    Returns False where a pivot says that the regressors are collinear; both are then spoilt.
    """
    k = len(b)
    for p in range(k):
        pivot = a[p, p]
        a[p, p] = 1.0
        if not pivot > 0.0:
            return False
        for j in range(k):
            a[p, j] /= pivot
        b[p] /= pivot
        for i in range(k):
            if i == p:
                continue
            times = a[i, p]
            a[i, p] = 0.0
            for j in range(k):
                a[i, j] -= times * a[p, j]
            b[i] -= times * b[p]
    return True


@register_jitable(_nrt=False)
def apart(a: Floats, lower: Floats) -> bool:
    """Tell whether no column of a correlation-like matrix is a combination of those before it; ``lower`` is room."""
    k = len(a)
    for j in range(k):
        for o in range(j + 1):
            left = a[j, o]
            for p in range(o):
                left -= lower[j, p] * lower[o, p]
            if o == j:
                if left <= COLLINEAR:
                    return False
                lower[j, j] = np.sqrt(left)
            else:
                lower[j, o] = left / lower[o, o]
    return True


class Normal(NamedTuple):
    """Room for the normal equations of k regressors: ``size`` and ``right``, (k,), ``cross`` and ``lower``, (k, k)."""

    size: Floats
    right: Floats
    cross: Floats
    lower: Floats


def fit(
    series: Series,
    instrument: Ints,
    due: Ints,
    window: tuple[int, int],
    estimation: tuple[int, int],
    constant: bool,
    offset: bool,
) -> Fitted:
    """Fit expected returns by least squares and give abnormal ones.

    Parameters
    ----------
    series : Series
        Returns and factors.
    instrument, due : ndarray of int64, shape (n,)
        Position of each row's instrument, and the row of the series that is event time 0.
    window, estimation : tuple of int
        In event time, ends included.
    constant : bool
        Whether a constant is fitted.
    offset : bool
        Whether the first factor is subtracted as it is, without a coefficient; the others are not used then.

    Returns
    -------
    Fitted
    """
    n, w, length = len(due), window[1] - window[0] + 1, estimation[1] - estimation[0] + 1
    k = (0 if offset else series.factors.shape[1]) + (1 if constant else 0)
    fitted = Fitted(
        returns=np.full((n, w), np.nan),
        expected=np.full((n, w), np.nan),
        window=np.full((n, w), np.nan),
        estimation=np.full((n, length), np.nan),
        design=np.full((n, length, k), np.nan),
        event_design=np.full((n, w, k), np.nan),
        coefficients=np.full((n, k), np.nan),
        scale=np.full(n, np.nan),
        observations=np.zeros(n, np.int64),
        covariance=np.full((n, w, w), np.nan),
        solved=np.zeros(n, np.bool_),
        history=np.zeros(n, np.int64),
    )
    room = Normal(np.zeros(k), np.zeros(k), np.zeros((k, k)), np.zeros((k, k)))
    fit_each(series, (instrument, due), window, estimation, (constant, offset), fitted, room)
    return fitted


@kernel
def fit_each(
    series: Series,
    rows: tuple[Ints, Ints],
    window: tuple[int, int],
    estimation: tuple[int, int],
    which: tuple[bool, bool],
    fitted: Fitted,
    room: Normal,
) -> None:
    """Fit row after row, as `fit` describes it: ``rows`` are its instrument and due, ``which`` constant and offset."""
    (instrument, due), (constant, offset) = rows, which
    n, w, length = len(due), window[1] - window[0] + 1, estimation[1] - estimation[0] + 1
    size, right, cross, lower = room
    k, c = len(size), 1 if constant else 0
    m = k - c
    returns, expected, abnormal, residual, design, event_design = fitted[:6]
    coefficients, scale, observations, covariance, solved, history = fitted[6:]
    for i in range(n):
        first, end = series.offsets[instrument[i]], series.offsets[instrument[i] + 1]
        cross[:, :] = 0.0
        right[:] = 0.0
        for t in range(length):
            row = due[i] + estimation[0] + t
            if row < first or row >= end:
                continue
            history[i] += 1
            y = series.value[row]
            if not (series.quiet[row] and np.isfinite(y)):
                continue
            observations[i] += 1
            root = np.sqrt(series.span[row])
            residual[i, t] = (y - series.factors[row, 0] if offset else y) / root
            if constant:
                design[i, t, 0] = root
            for j in range(m):
                design[i, t, c + j] = series.factors[row, j] / root
            for j in range(k):
                x = design[i, t, j]
                right[j] += x * residual[i, t]
                for o in range(j + 1):
                    cross[j, o] += x * design[i, t, o]
        good = True
        for j in range(k):
            # Scaled to unit length, pivots say how much of a regressor the others leave.
            size[j] = np.sqrt(cross[j, j])
            good = good and size[j] > 0.0
        if good:
            for j in range(k):
                right[j] /= size[j]
                for o in range(j + 1):
                    cross[j, o] /= size[j] * size[o]
                    cross[o, j] = cross[j, o]
            good = k == 0 or (apart(cross, lower) and solve(cross, right))
        solved[i] = good
        if not good:
            continue
        for j in range(k):
            coefficients[i, j] = right[j] / size[j]
            for o in range(k):
                cross[j, o] /= size[j] * size[o]
        total = 0.0
        for t in range(length):
            if np.isnan(residual[i, t]):
                continue
            for j in range(k):
                residual[i, t] -= coefficients[i, j] * design[i, t, j]
            total += residual[i, t] ** 2
        if observations[i] > k:
            scale[i] = np.sqrt(total / (observations[i] - k))
        for t in range(w):
            row = due[i] + window[0] + t
            if row < first or row >= end or np.isnan(series.value[row]):
                continue
            returns[i, t] = series.value[row]
            expected[i, t] = series.factors[row, 0] if offset else 0.0
            if constant:
                event_design[i, t, 0] = series.span[row]
            for j in range(m):
                event_design[i, t, c + j] = series.factors[row, j]
            for j in range(k):
                expected[i, t] += coefficients[i, j] * event_design[i, t, j]
            abnormal[i, t] = returns[i, t] - expected[i, t]
        for t in range(w):
            for s in range(t + 1):
                if np.isnan(abnormal[i, t]) or np.isnan(abnormal[i, s]):
                    continue
                shared = series.span[due[i] + window[0] + t] if s == t else 0.0
                for j in range(k):
                    for o in range(k):
                        shared += event_design[i, t, j] * cross[j, o] * event_design[i, s, o]
                covariance[i, t, s] = shared
                covariance[i, s, t] = shared
