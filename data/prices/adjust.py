"""Adjustment: from prices as they were traded, with the dividends and splits beside them, to returns.

One rule, used wherever prices are adjusted. With traded closes C, dividends D per share as it stood on the
ex-date, and splits S (new shares for one old), the return of an ex-date is C[t] / (C[t-1] / S[t] - D[t]): what was
held before is restated in new shares, less what was paid out (Center for Research in Security Prices, "Cumulative
factor to adjust prices"; Yahoo's adjusted close is made in the same way). The adjusted price is the traded one
over a factor that is 1 on the last bar. Each later split or dividend moves every earlier factor, so levels and
factors of the past change; returns do not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WHOLE = 1.0 - 1e-9
"""A dividend of more than this share of the close before it is taken to be all of it, which cannot be."""


def factors(close: Floats, dividend: Floats, split: Floats) -> Floats:
    """Compute the factors that lead from adjusted prices back to traded ones.

    Parameters
    ----------
    close : ndarray of float64, shape (n,)
        Traded closes of one instrument in time order; NaN unknown.
    dividend : ndarray of float64, shape (n,)
        Per share of that date, in the currency of the closes, on the ex-date; 0 or NaN is none.
    split : ndarray of float64, shape (n,)
        New shares for one old share, from that date on; 1, 0 or NaN is none.

    Returns
    -------
    ndarray of float64, shape (n,)
        traded price = adjusted price x factor; 1 on the last bar. A dividend without an earlier close, or not
        below it (`impossible_dividends`), moves nothing.

    Examples
    --------
    >>> factors(np.array([100.0, 49.0, 48.0]), np.array([0.0, 1.0, 0.0]), np.array([1.0, 2.0, 1.0]))
    array([2.04081633, 1.        , 1.        ])
    """
    rows = np.flatnonzero(_paid(dividend) | _divided(split))
    if not len(rows):
        return np.ones(len(close))
    old = _held_before(close, split, rows)
    paid = np.where(_paid(dividend)[rows] & (old * WHOLE > dividend[rows]), dividend[rows], 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        steps = _ratio(split)[rows] * np.where(paid > 0, old / (old - paid), 1.0)
    later = np.append(np.cumprod(steps[::-1])[::-1], 1.0)
    return later[np.searchsorted(rows, np.arange(len(close)), side="right")]


def payouts(close: Floats, dividend: Floats, split: Floats) -> Floats:
    """Give the share of what was held at the close before that each bar's dividend pays out.

    Parameters
    ----------
    close, dividend, split : ndarray of float64, shape (n,)
        As `factors` takes them.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 where nothing is paid, or there is no earlier close that is larger.

    Examples
    --------
    >>> payouts(np.array([100.0, 49.0, 48.0]), np.array([0.0, 1.0, 0.0]), np.array([1.0, 2.0, 1.0])).tolist()
    [0.0, 0.02, 0.0]
    """
    shares = np.zeros(len(close))
    rows = np.flatnonzero(_paid(dividend))
    old = _held_before(close, split, rows)
    shares[rows] = np.where(old * WHOLE > dividend[rows], dividend[rows] / old, 0.0)
    return shares


def impossible_dividends(close: Floats, dividend: Floats, split: Floats) -> NDArray[np.bool_]:
    """Say which dividends are not below the close before them.

    Examples
    --------
    >>> impossible_dividends(np.array([10.0, 9.0]), np.array([0.0, 12.0]), np.ones(2)).tolist()
    [False, True]
    """
    rows = np.flatnonzero(_paid(dividend))
    wrong = np.zeros(len(close), np.bool_)
    wrong[rows] = _held_before(close, split, rows) * WHOLE <= dividend[rows]
    return wrong


def traded(prices: Floats, split: Floats) -> Floats:
    """Undo splits that a source has already taken into its prices (Yahoo's chart has, "unadjusted" or not).

    Parameters
    ----------
    prices : ndarray of float64, shape (n,)
        Prices, or dividends, of one instrument in time order.
    split : ndarray of float64, shape (n,)
        New shares for one old share; 1, 0 or NaN is none. Every split up to today must be among them.

    Returns
    -------
    ndarray of float64, shape (n,)
        As it was on each date: multiplied by the splits that came later.

    Examples
    --------
    >>> traded(np.array([50.0, 49.0]), np.array([1.0, 2.0]))
    array([100.,  49.])
    """
    ratio = _ratio(split)
    later = np.cumprod(ratio[::-1])[::-1] / ratio
    return prices * later


def _paid(dividend: Floats) -> NDArray[np.bool_]:
    return np.asarray(dividend > 0)


def _divided(split: Floats) -> NDArray[np.bool_]:
    return np.asarray(_ratio(split) != 1)


def _ratio(split: Floats) -> Floats:
    return np.where(split > 0, split, 1.0)


def _held_before(close: Floats, split: Floats, rows: NDArray[np.int64]) -> Floats:
    """Give for each row the last known close before it, in its own shares; NaN where there is none."""
    known = np.flatnonzero(~np.isnan(close))
    at = np.searchsorted(known, rows) - 1
    found = at >= 0
    last = known[at[found]]
    held = np.full(len(rows), np.nan)
    # Splits on dates without a close, between that bar and this row, restate it too.
    growth = np.cumprod(_ratio(split))
    held[found] = close[last] * growth[last] / growth[rows[found]]
    return held
