"""What a run came to over trailing periods, how it moved with a benchmark, and a benchmark at its own volatility."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from aftershock.data.errors import InputError, Problem
from aftershock.engine import metrics
from aftershock.engine.types import Floats

TRAILING = {
    "1m": pd.DateOffset(months=1),
    "3m": pd.DateOffset(months=3),
    "6m": pd.DateOffset(months=6),
    "ytd": None,
    "1y": pd.DateOffset(years=1),
    "3y": pd.DateOffset(years=3),
    "all": None,
}
"""Periods that end with the last mark; ``ytd`` begins with its year, ``all`` with the capital."""


def trailing(equity: ArrayLike, dates: Any, start: float) -> pd.DataFrame:
    """Give what equity came to over periods that end with its last mark.

    Parameters
    ----------
    equity : array of shape (n,)
        Marks; unknown ones are left out.
    dates : array of shape (n,)
        When each was taken, UTC, ascending.
    start : float
        Capital before the first mark.

    Returns
    -------
    DataFrame
        Rows by ``TRAILING``, columns ``first`` (the date of the mark it begins with; NaT where that is the capital),
        ``marks``, ``total_return``, ``cagr`` (of a year or more), ``volatility``, ``sharpe``, ``max_drawdown``. All
        but ``first`` are NaN where marks do not reach back so far: the period begins with the last mark at or before
        its first moment, counted back from the date of the last one.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-29", "2024-02-15", "2024-02-29"], utc=True)
    >>> told = trailing([100.0, 105.0, 110.0], days, 90.0)
    >>> told.loc[["1m", "3m", "all"], "total_return"].round(4).tolist()
    [0.1, nan, 0.2222]
    """
    values, when = np.asarray(equity, np.float64), pd.DatetimeIndex(pd.to_datetime(dates, utc=True))
    known = np.isfinite(values)
    values, when = values[known], when[known]
    rows = {key: _since(values, when, start, key) for key in TRAILING}
    return pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS)


COLUMNS = ["first", "marks", "total_return", "cagr", "volatility", "sharpe", "max_drawdown"]


def _since(values: Floats, when: pd.DatetimeIndex, start: float, key: str) -> list[Any]:
    nothing = [pd.NaT, 0, *[math.nan] * 5]
    if not len(values):
        return nothing
    base = _base(when, key)
    if base is None:
        return nothing
    capital = start if base < 0 else float(values[base])
    part, days = values[base + 1 :], when[base + 1 :]
    if not len(part):
        return nothing
    returns = metrics.returns_of(part, capital)
    # The mark it begins with is a moment too: a year has the marks really observed since then.
    moments = when[max(base, 0) :]
    per_year = metrics.periods_per_year(moments)
    span = (when[-1] - moments[0]).days
    grown = metrics.cagr(capital, float(part[-1]), span) if span >= 365 else math.nan
    return [
        pd.NaT if base < 0 else when[base],
        len(days),
        metrics.total_return(returns),
        grown,
        metrics.volatility(returns, per_year),
        metrics.sharpe(returns, per_year),
        metrics.max_drawdown(part, capital),
    ]


def _base(when: pd.DatetimeIndex, key: str) -> int | None:
    """Give the mark a period begins with, -1 for the capital; None where marks do not reach back so far."""
    if key == "all":
        return -1
    last = when[-1].normalize()
    since = TRAILING[key]
    if since is None:
        return int(when.searchsorted(pd.Timestamp(last.year, 1, 1, tz="UTC"), side="left")) - 1
    # A mark of that date was taken at its end.
    end = last - since + pd.Timedelta(days=1)
    base = int(when.searchsorted(end, side="left")) - 1
    return base if base >= 0 else None


def rolling_beta(returns: ArrayLike, benchmark: ArrayLike, window: int = 126) -> Floats:
    """Give the beta to a benchmark of each window of returns, at its last one.

    Parameters
    ----------
    returns, benchmark : arrays of shape (n,)
        Simple returns of the same periods; a pair with an unknown half is left out of its windows.
    window : int
        Returns in a window.

    Returns
    -------
    ndarray of shape (n,)
        NaN before the first full window, and where the benchmark has no variance in it.

    Raises
    ------
    InputError
        Series of unequal length.

    Examples
    --------
    >>> rolling_beta([0.0, 0.02, 0.04, 0.02], [0.0, 0.01, 0.02, 0.02], window=3).round(4).tolist()
    [nan, nan, 2.0, 1.0]
    """
    own, other = np.asarray(returns, np.float64), np.asarray(benchmark, np.float64)
    if own.shape != other.shape:
        raise InputError(
            Problem(
                "as many returns as the benchmark has", f"{own.size} and {other.size}", "align them by date"
            )
        )
    found = np.full(own.size, np.nan)
    for last in range(window, own.size + 1):
        part = slice(last - window, last)
        found[last - 1] = metrics.alpha_beta(own[part], other[part], 1.0).beta
    return found


def rolling_volatility(returns: ArrayLike, per_year: float, window: int = 126) -> Floats:
    """Give the volatility a year of each window of returns, at its last one; NaN before the first full window.

    Parameters as in `aftershock.engine.metrics.rolling_sharpe`.

    Examples
    --------
    >>> rolling_volatility([0.01, -0.01, 0.01], 2.0, window=2).round(4).tolist()
    [nan, 0.02, 0.02]
    """
    values = np.asarray(returns, np.float64)
    found = np.full(values.size, np.nan)
    for last in range(window, values.size + 1):
        found[last - 1] = metrics.volatility(values[last - window : last], per_year)
    return found


def matched(benchmark: ArrayLike, start: float, volatility: float, per_year: float) -> tuple[Floats, float]:
    """Hold so much of a benchmark, the same share each period, that it has a given volatility.

    Parameters
    ----------
    benchmark : array of shape (n,)
        Its marks.
    start : float
        Capital before the first.
    volatility : float
        Wanted, a year.
    per_year : float
        Periods in a year.

    Returns
    -------
    marks : ndarray of shape (n,)
        NaN throughout where the benchmark has no variance.
    share : float
        Of equity that is held in it, known only afterwards; the rest earns nothing.

    Examples
    --------
    >>> marks, share = matched([110.0, 99.0], 100.0, 0.1, 1.0)
    >>> round(share, 6), marks.round(4).tolist()
    (0.707107, [107.0711, 99.5])
    """
    returns = metrics.returns_of(benchmark, start)
    own = metrics.volatility(returns, per_year)
    if not own > 0 or not math.isfinite(volatility):
        return np.full(returns.size, np.nan), math.nan
    share = volatility / own
    return metrics.equity_of(share * returns, start), share
