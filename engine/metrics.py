"""Formulas of figures: returns, marks of equity and trades in, numbers out.

One set of rules holds for all of them.

* A value that is not finite is unknown and left out, with its partner where two series are paired.
* A figure that is undefined (too few values, no variance, nothing to divide by) is NaN, never infinity.
* No variance means a deviation of at most ``ROUNDING`` times the largest gross return ``1 + |r|``: returns
  carry the rounding of the prices they were divided from, so smaller deviations are noise.
* Sums are exact before their one rounding (``math.fsum``), so the order of the values does not move a mean,
  a deviation or a ratio of them by a bit; products run in order of time. Nothing runs in threads.
* Losses are negative numbers everywhere: returns, drawdowns, value at risk.

``returns`` are simple returns of one period each; ``per_year`` is the number of periods in a year, as
``periods_per_year`` counts it; ``equity`` are marks after each session, ``start`` the capital before them.
``dates`` are session dates or instants: int64 UTC nanoseconds, naive ``datetime64`` (a date has no zone and
is read as UTC) or zoned timestamps.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.instants import DAY, NAT, Instants, to_index, to_ns
from aftershock.engine.types import Floats, Integers

ROUNDING = 1e-12
"""What counts as rounding: a deviation, a fall or a divisor smaller than this share of its scale is 0."""

YEAR = 365.25
"""Days in a calendar year."""


def returns_of(equity: ArrayLike, start: float) -> Floats:
    """Give the simple return of every mark on the last known mark before it.

    Parameters
    ----------
    equity : array of shape (n,)
        Marks; an unknown mark has no return, and the next known mark carries the return of both.
    start : float
        Capital before the first mark.

    Returns
    -------
    ndarray of shape (n,)
        NaN where the mark is unknown or the base is not positive.

    Examples
    --------
    >>> returns_of([110.0, float("nan"), 99.0], start=100.0).round(4).tolist()
    [0.1, nan, -0.1]
    """
    marks = _values(equity)
    known = ~np.isnan(marks)
    base = np.concatenate(([_finite(start)], marks[known]))[:-1]
    returns = np.full(marks.shape, np.nan)
    with np.errstate(all="ignore"):
        returns[known] = np.where(base > 0, marks[known] / base - 1.0, np.nan)
    return _values(returns)


def equity_of(returns: ArrayLike, start: float = 1.0) -> Floats:
    """Compound returns to marks of equity.

    Parameters
    ----------
    returns : array of shape (n,)
        Simple returns; an unknown one makes its mark unknown, and the next builds on the last known mark.
    start : float
        Capital before the first return.

    Returns
    -------
    ndarray of shape (n,)
        Marks, NaN where the return is.

    Examples
    --------
    >>> equity_of([0.1, float("nan"), -0.1], start=100.0).round(4).tolist()
    [110.0, nan, 99.0]
    """
    values = _values(returns)
    known = ~np.isnan(values)
    equity = np.full(values.shape, np.nan)
    with np.errstate(all="ignore"):
        equity[known] = start * np.cumprod(1.0 + values[known])
    return _values(equity)


def total_return(returns: ArrayLike) -> float:
    """Compound returns to one return; NaN if none is known.

    Examples
    --------
    >>> round(total_return([0.1, -0.1]), 10)
    -0.01
    """
    known = _known(returns)
    if not known.size:
        return math.nan
    with np.errstate(all="ignore"):
        return _finite(np.prod(1.0 + known) - 1.0)


def cagr(equity_start: float, equity_end: float, days: float) -> float:
    """Compound annual growth rate by calendar time, in years of 365.25 days.

    Parameters
    ----------
    equity_start, equity_end : float
        Capital at both ends.
    days : float
        Calendar days between them.

    Returns
    -------
    float
        -1 after a wipe-out; NaN where the start or the days are not positive or the end is a debt.

    Examples
    --------
    >>> round(cagr(100.0, 121.0, 730.5), 10)
    0.1
    """
    known = all(map(math.isfinite, (equity_start, equity_end, days)))
    if not (known and equity_start > 0 and equity_end >= 0 and days > 0):
        return math.nan
    with np.errstate(all="ignore"):
        growth = np.float64(equity_end) / np.float64(equity_start)
        return _finite(growth ** (YEAR / days) - 1.0)


def periods_per_year(dates: Any) -> float:
    """Count the sessions per year really observed: intervals between distinct UTC dates over calendar time.

    Parameters
    ----------
    dates : array of shape (n,)
        Session dates or instants, in any order; missing ones are left out.

    Returns
    -------
    float
        NaN for fewer than two distinct dates.

    Examples
    --------
    >>> periods_per_year(np.array(["2024-01-05", "2024-01-12", "2024-01-19"], "M8[ns]")).__round__(4)
    52.1786
    """
    instants = _instants(dates)
    days = np.unique(instants[instants != NAT] // DAY)
    if days.size < 2:
        return math.nan
    return float((days.size - 1) * YEAR / (days[-1] - days[0]))


def volatility(returns: ArrayLike, per_year: float) -> float:
    """Annualised standard deviation of returns, with ddof 1.

    0 for returns without variance, NaN for fewer than two known returns.

    Examples
    --------
    >>> round(volatility([0.01, -0.01], per_year=252), 6)
    0.224499
    """
    return _finite(_deviation(_known(returns)) * _root(per_year))


def downside_deviation(returns: ArrayLike, per_year: float, target: float | ArrayLike = 0.0) -> float:
    """Annualised root mean square of the shortfalls below a target, over all returns (not the losing ones).

    Parameters
    ----------
    returns : array of shape (n,)
        Simple returns; unknown ones are left out.
    per_year : float
        Periods in a year.
    target : float or array of shape (n,)
        Return wanted per period.

    Returns
    -------
    float
        0 where nothing falls short; NaN if no return is known.

    Raises
    ------
    InputError
        A target of another length.

    Notes
    -----
    The divisor is the number of all returns: Sortino and Price (1994), "Performance measurement in a downside
    risk framework".

    Examples
    --------
    >>> round(downside_deviation([0.03, -0.04], per_year=1), 10)
    0.0282842712
    """
    return _finite(_shortfall(_less(returns, target)) * _root(per_year))


def sharpe(returns: ArrayLike, per_year: float, risk_free: float | ArrayLike = 0.0) -> float:
    """Annualised arithmetic Sharpe ratio: mean over standard deviation (ddof 1) of excess returns.

    Parameters
    ----------
    returns : array of shape (n,)
        Simple returns; unknown ones are left out.
    per_year : float
        Periods in a year.
    risk_free : float or array of shape (n,)
        Risk-free return per period (not per year).

    Returns
    -------
    float
        NaN for fewer than two returns or no variance.

    Raises
    ------
    InputError
        Risk-free returns of another length.

    Notes
    -----
    Sharpe (1994), "The Sharpe ratio", equations 3 to 5 and 8.

    Examples
    --------
    >>> round(sharpe([0.02, -0.01, 0.02], per_year=4), 10)
    1.1547005384
    >>> sharpe([0.0, 0.0, 0.0], per_year=252)
    nan
    """
    excess = _less(returns, risk_free)
    return _quotient(_mean(excess), _deviation(excess)) * _root(per_year)


def sortino(returns: ArrayLike, per_year: float, target: float | ArrayLike = 0.0) -> float:
    """Annualised Sortino ratio: mean excess over a target by the full-sample downside deviation.

    Parameters
    ----------
    returns : array of shape (n,)
        Simple returns; unknown ones are left out.
    per_year : float
        Periods in a year.
    target : float or array of shape (n,)
        Return wanted per period.

    Returns
    -------
    float
        NaN where nothing falls short of the target.

    Raises
    ------
    InputError
        A target of another length.

    Notes
    -----
    Sortino and Price (1994).

    Examples
    --------
    >>> round(sortino([0.03, -0.01], per_year=1), 10)
    1.4142135624
    """
    excess = _less(returns, target)
    return _quotient(_mean(excess), _shortfall(excess), _scale(excess)) * _root(per_year)


def calmar(growth: float, drawdown: float) -> float:
    """Annual growth over the depth of the maximum drawdown; NaN without a drawdown.

    Parameters
    ----------
    growth : float
        As ``cagr`` gives it.
    drawdown : float
        As ``max_drawdown`` gives it: 0 or negative.

    Notes
    -----
    Young (1991), "Calmar ratio: a smoother tool", over the whole period instead of 36 months.

    Examples
    --------
    >>> calmar(0.1, -0.2)
    0.5
    """
    return _quotient(growth, -drawdown)


def drawdown_series(equity: ArrayLike, start: float) -> Floats:
    """Give at each mark the fall from the highest capital so far, the starting capital included.

    Parameters
    ----------
    equity : array of shape (n,)
        Marks; an unknown mark has an unknown drawdown and does not move the peak.
    start : float
        Capital before the first mark.

    Returns
    -------
    ndarray of shape (n,)
        0 at a peak, -1 at a wipe-out, below -1 only for debts; all NaN if ``start`` is not positive.

    Examples
    --------
    >>> drawdown_series([92.0, 97.0, 104.0], start=100.0).round(4).tolist()
    [-0.08, -0.03, 0.0]
    """
    marks = _values(equity)
    if not 0 < start < math.inf:
        return np.full(marks.shape, np.nan)
    peak = np.fmax.accumulate(np.concatenate(([start], marks)))[1:]
    with np.errstate(all="ignore"):
        fall = _values(marks / peak - 1.0)
    fall[fall > -ROUNDING] = 0.0
    return fall


def max_drawdown(equity: ArrayLike, start: float) -> float:
    """Deepest fall from the highest capital so far, the starting capital included.

    0 for equity that never falls; NaN if no mark is known. Parameters as in ``drawdown_series``.

    Examples
    --------
    >>> round(max_drawdown([92.0, 97.0], start=100.0), 10)
    -0.08
    """
    fall = _known(drawdown_series(equity, start))
    return float(fall.min()) if fall.size else math.nan


def drawdowns(equity: ArrayLike, dates: Any, start: float) -> pd.DataFrame:
    """List every drawdown, deepest first.

    Parameters
    ----------
    equity : array of shape (n,)
        Marks; unknown ones are left out.
    dates : array of shape (n,)
        When each mark was taken, ascending.
    start : float
        Capital before the first mark.

    Returns
    -------
    DataFrame
        ``depth`` (negative); ``start`` (the last mark at the peak; the first mark of all where the peak is
        the starting capital, which has no date), ``trough`` and ``recovery`` (the first mark at the peak
        again, NaT if none) as ``datetime64[ns, UTC]``; ``bars`` (marks under the peak); ``days`` (calendar
        days from ``start`` to ``recovery``, or to the last mark).

    Raises
    ------
    InputError
        Dates that do not ascend, are missing, or of another number than the marks.

    Examples
    --------
    >>> table = drawdowns([92.0, 97.0, 104.0, 103.0], np.arange(4) * 86_400_000_000_000, start=100.0)
    >>> table[["depth", "bars", "days"]].round(4).values.tolist()
    [[-0.08, 2.0, 2.0], [-0.0096, 1.0, 1.0]]
    """
    marks, instants = _marks(equity, dates)
    fall = drawdown_series(marks, start)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], fall < 0, [False]))))
    first, after = edges[::2], edges[1::2]
    trough = np.array([a + np.argmin(fall[a:b]) for a, b in zip(first, after, strict=True)], np.int64)
    peak, end = np.maximum(first - 1, 0), np.minimum(after, marks.size - 1)
    table = pd.DataFrame(
        {
            "depth": fall[trough],
            "start": to_index(instants[peak]),
            "trough": to_index(instants[trough]),
            "recovery": to_index(np.where(after < marks.size, instants[end], NAT)),
            "bars": after - first,
            "days": instants[end] // DAY - instants[peak] // DAY,
        }
    )
    return table.sort_values("depth", kind="stable", ignore_index=True)


def value_at_risk(returns: ArrayLike, level: float = 0.05) -> float:
    """Historical value at risk: the quantile of the returns, as a return (a loss is negative).

    Parameters
    ----------
    returns : array of shape (n,)
        Simple returns; unknown ones are left out.
    level : float
        Share of returns below it, 0 to 1.

    Returns
    -------
    float
        NaN if no return is known.

    Raises
    ------
    InputError
        A level outside 0 to 1.

    Notes
    -----
    Linear between order statistics: Hyndman and Fan (1996), "Sample quantiles in statistical packages",
    definition 7.

    Examples
    --------
    >>> round(value_at_risk([-0.03, -0.01, 0.0, 0.01, 0.02], level=0.25), 10)
    -0.01
    """
    _check_level(level)
    known = _known(returns)
    with np.errstate(all="ignore"):
        return _finite(np.quantile(known, level)) if known.size else math.nan


def expected_shortfall(returns: ArrayLike, level: float = 0.05) -> float:
    """Mean of the worst returns, up to the value at risk, as a return (a loss is negative).

    These are the worst ``floor(level * (n - 1)) + 1`` of n known returns: those ranked no higher than the
    value at risk. Parameters, NaN rule and Raises as in ``value_at_risk``.

    Examples
    --------
    >>> round(expected_shortfall([-0.03, -0.01, 0.0, 0.01, 0.02], level=0.25), 10)
    -0.02
    """
    _check_level(level)
    known = np.sort(_known(returns))
    # 0.29 * 100 is 28.999999999999996: without the allowance a tail would lose its last return.
    worst = math.floor(level * (known.size - 1) + 1e-9) + 1
    return _mean(known[:worst])


def hit_rate(pnl: ArrayLike) -> float:
    """Share of results above 0; a result of 0 is no hit, unknown ones are left out, NaN without any.

    Examples
    --------
    >>> hit_rate([3.0, 0.0, -1.0, 2.0])
    0.5
    """
    known = _known(pnl)
    return float(np.count_nonzero(known > 0) / known.size) if known.size else math.nan


def profit_factor(pnl: ArrayLike) -> float:
    """Sum of the gains over the sum of the losses; unknown results are left out, NaN without a loss.

    Examples
    --------
    >>> profit_factor([3.0, -1.0, -1.0])
    1.5
    """
    known = _known(pnl)
    gains, losses = _total(known[known > 0]), -_total(known[known < 0])
    return _quotient(gains, losses, gains)


def payoff_ratio(pnl: ArrayLike) -> float:
    """Mean gain over mean loss; unknown results are left out, NaN unless there are both.

    Examples
    --------
    >>> payoff_ratio([3.0, -1.0, -1.0])
    3.0
    """
    known = _known(pnl)
    gain, loss = _mean(known[known > 0]), -_mean(known[known < 0])
    return _quotient(gain, loss, gain)


def skew(returns: ArrayLike) -> float:
    """Skewness by moments: g1 = m3 / m2**1.5, without a correction for the size of the sample.

    Unknown returns are left out; NaN for fewer than two or no variance.

    Notes
    -----
    g1 of Joanes and Gill (1998), "Comparing measures of sample skewness and kurtosis".

    Examples
    --------
    >>> round(skew([0.0, 0.0, 0.03]), 10)
    0.7071067812
    """
    return _moment(_known(returns), 3)


def kurtosis(returns: ArrayLike) -> float:
    """Excess kurtosis by moments: g2 = m4 / m2**2 - 3, 0 for a normal distribution.

    Unknown returns are left out; NaN for fewer than two or no variance.

    Notes
    -----
    g2 of Joanes and Gill (1998).

    Examples
    --------
    >>> kurtosis([-1.0, 1.0])
    -2.0
    """
    return _moment(_known(returns), 4) - 3.0


def tail_ratio(returns: ArrayLike) -> float:
    """Size of the 95 % quantile over the size of the 5 % quantile; NaN where the lower one is 0.

    Examples
    --------
    >>> round(tail_ratio([-0.01, 0.0, 0.02]), 10)
    2.0
    """
    upper, lower = abs(value_at_risk(returns, 0.95)), abs(value_at_risk(returns, 0.05))
    return _quotient(upper, lower, upper)


def omega(returns: ArrayLike, target: float | ArrayLike = 0.0) -> float:
    """Sum of the excesses over a target by the sum of the shortfalls below it.

    Parameters
    ----------
    returns : array of shape (n,)
        Simple returns; unknown ones are left out.
    target : float or array of shape (n,)
        Return wanted per period.

    Returns
    -------
    float
        NaN where nothing falls short.

    Raises
    ------
    InputError
        A target of another length.

    Notes
    -----
    Keating and Shadwick (2002), "A universal performance measure".

    Examples
    --------
    >>> round(omega([0.03, -0.01, -0.01]), 10)
    1.5
    """
    return profit_factor(_less(returns, target))


def stability(returns: ArrayLike) -> float:
    """R squared of the logarithm of equity on a straight line through time.

    Unknown returns are left out; NaN for fewer than two, equity that never moves, or a wipe-out.

    Examples
    --------
    >>> round(stability([0.01, 0.01, 0.01]), 10)
    1.0
    """
    known = _known(returns)
    if known.size < 2 or known.min() <= -1:
        return math.nan
    line = np.arange(known.size, dtype=np.float64)
    growth = np.cumsum(np.log1p(known))
    if _deviation(growth) == 0:
        return math.nan
    return _finite(_covariance(line, growth) ** 2 / (_covariance(line, line) * _covariance(growth, growth)))


class AlphaBeta(NamedTuple):
    """Regression of returns on a benchmark: ``alpha`` per year, ``beta``."""

    alpha: float
    beta: float


def alpha_beta(returns: ArrayLike, benchmark: ArrayLike, per_year: float) -> AlphaBeta:
    """Regress returns on a benchmark by least squares; alpha is the intercept times the periods in a year.

    Parameters
    ----------
    returns, benchmark : arrays of shape (n,)
        Simple returns of the same periods; a pair with an unknown half is left out.
    per_year : float
        Periods in a year.

    Returns
    -------
    AlphaBeta
        NaN for fewer than two pairs or a benchmark without variance.

    Raises
    ------
    InputError
        Series of unequal length.

    Notes
    -----
    Jensen (1968), "The performance of mutual funds in the period 1945-1964", equation 8. Annualised
    arithmetically, like the Sharpe ratio; subtract the risk-free return from both for Jensen's alpha.

    Examples
    --------
    >>> fit = alpha_beta([0.03, -0.01, 0.05], [0.01, -0.01, 0.02], per_year=250)
    >>> round(fit.alpha, 10), round(fit.beta, 10)
    (2.5, 2.0)
    """
    known = ~np.isnan(_difference(returns, benchmark))
    y, x = _values(returns)[known], _values(benchmark)[known]
    if not _deviation(x) > 0:
        return AlphaBeta(math.nan, math.nan)
    beta = _covariance(x, y) / _covariance(x, x)
    return AlphaBeta(_finite((_mean(y) - beta * _mean(x)) * per_year), _finite(beta))


def tracking_error(returns: ArrayLike, benchmark: ArrayLike, per_year: float) -> float:
    """Annualised standard deviation (ddof 1) of returns less those of a benchmark.

    Parameters, NaN rule and Raises as in ``alpha_beta``; 0 where the difference has no variance.

    Examples
    --------
    >>> round(tracking_error([0.03, 0.01], [0.01, 0.01], per_year=1), 10)
    0.0141421356
    """
    return volatility(_difference(returns, benchmark), per_year)


def information_ratio(returns: ArrayLike, benchmark: ArrayLike, per_year: float) -> float:
    """Annualised information ratio: mean over standard deviation (ddof 1) of the difference to a benchmark.

    Parameters and Raises as in ``alpha_beta``; NaN for fewer than two pairs or a difference without variance.

    Notes
    -----
    Goodwin (1998), "The information ratio", arithmetic version.

    Examples
    --------
    >>> round(information_ratio([0.03, 0.01], [0.01, 0.01], per_year=2), 10)
    1.0
    """
    return sharpe(_difference(returns, benchmark), per_year)


def rolling_sharpe(returns: ArrayLike, per_year: float, window: int = 126) -> Floats:
    """Give the Sharpe ratio of each window of returns, at its last one.

    Parameters
    ----------
    returns : array of shape (n,)
        Simple returns; unknown ones are left out of their windows.
    per_year : float
        Periods in a year.
    window : int
        Returns in a window.

    Returns
    -------
    ndarray of shape (n,)
        NaN before the first full window, and where a window has no variance.

    Examples
    --------
    >>> rolling_sharpe([0.0, 0.02, 0.01], 1.0, window=2).round(4).tolist()
    [nan, 0.7071, 2.1213]
    """
    values = _values(returns)
    found = np.full(values.size, np.nan)
    for last in range(window, values.size + 1):
        found[last - 1] = sharpe(values[last - window : last], per_year)
    return found


def monthly_returns(equity: ArrayLike, dates: Any, start: float) -> pd.DataFrame:
    """Give the return of each calendar month (UTC): from the last mark before it to its own last mark.

    Parameters and Raises as in ``drawdowns``.

    Returns
    -------
    DataFrame
        Rows ``year``, columns ``month`` 1 to 12; NaN for months without a mark, whose return falls into the
        next month that has one.

    Examples
    --------
    >>> days = np.array(["2024-01-31", "2024-02-29"], "M8[ns]")
    >>> monthly_returns([101.0, 99.99], days, start=100.0).loc[2024, [1, 2]].round(4).tolist()
    [0.01, -0.01]
    """
    months, returns = _calendar_returns(equity, dates, start, "M")
    table = pd.DataFrame({"year": 1970 + months // 12, "month": months % 12 + 1, "return": returns})
    wide = table.pivot(index="year", columns="month", values="return")
    return wide.reindex(columns=pd.RangeIndex(1, 13, name="month"))


def yearly_returns(equity: ArrayLike, dates: Any, start: float) -> pd.Series[float]:
    """Give the return of each calendar year (UTC): from the last mark before it to its own last mark.

    Parameters and Raises as in ``drawdowns``.

    Returns
    -------
    Series
        ``return`` by ``year``; years without a mark are absent.

    Examples
    --------
    >>> days = np.array(["2023-12-29", "2024-12-31"], "M8[ns]")
    >>> yearly_returns([110.0, 99.0], days, start=100.0).round(4).to_dict()
    {2023: 0.1, 2024: -0.1}
    """
    years, returns = _calendar_returns(equity, dates, start, "Y")
    return pd.Series(returns, index=pd.Index(1970 + years, name="year"), name="return")


def summary(equity: ArrayLike, dates: Any, start: float) -> dict[str, float]:
    """Compute the headline figures of one equity curve.

    Parameters
    ----------
    equity : array of shape (n,)
        Marks; unknown ones are left out.
    dates : array of shape (n,)
        When each mark was taken, ascending.
    start : float
        Capital before the first mark.

    Returns
    -------
    dict
        By name of the function, at its default settings, and: ``sessions`` (known marks), ``days`` (from the
        first to the last), ``start``, ``end``, ``longest_drawdown`` (days), ``positive_sessions`` (share),
        ``best_session`` and ``worst_session`` (returns). Undefined figures are NaN. No key is one of
        ``trade_summary``.

    Raises
    ------
    InputError
        Dates that do not ascend, are missing, or of another number than the marks.

    Notes
    -----
    The starting capital has no date, so growth is counted over the days from the first mark to the last.

    Examples
    --------
    >>> figures = summary([92.0, 97.0], np.array(["2024-01-04", "2024-01-05"], "M8[ns]"), start=100.0)
    >>> round(figures["total_return"], 4), round(figures["max_drawdown"], 4)
    (-0.03, -0.08)
    """
    marks, instants = _marks(equity, dates)
    returns = returns_of(marks, start)
    per_year = periods_per_year(instants)
    span = _span(marks, instants, start)
    return {
        **span,
        "volatility": volatility(returns, per_year),
        "downside_deviation": downside_deviation(returns, per_year),
        "sharpe": sharpe(returns, per_year),
        "sortino": sortino(returns, per_year),
        "calmar": calmar(span["cagr"], span["max_drawdown"]),
        "omega": omega(returns),
        "value_at_risk": value_at_risk(returns),
        "expected_shortfall": expected_shortfall(returns),
        "tail_ratio": tail_ratio(returns),
        "skew": skew(returns),
        "kurtosis": kurtosis(returns),
        "stability": stability(returns),
        "positive_sessions": hit_rate(returns),
        "best_session": value_at_risk(returns, 1.0),
        "worst_session": value_at_risk(returns, 0.0),
        "periods_per_year": per_year,
    }


def t_statistic(returns: ArrayLike, dates: Any) -> float:
    """Test the mean return against 0, clustered by date: the t of the mean over the dates' means.

    Trades of one date share its news, so a date counts once, whatever the number of its trades.

    Parameters
    ----------
    returns : array of shape (n,)
        Returns of trades; unknown ones are left out.
    dates : array of shape (n,)
        The date of each trade's event, in any order; the UTC date is what clusters.

    Returns
    -------
    float
        NaN for fewer than two dates or means without variance.

    Raises
    ------
    InputError
        Another number of dates than of returns.

    Notes
    -----
    Fama and MacBeth (1973), "Risk, return, and equilibrium: empirical tests", on dates with equal weight.

    Examples
    --------
    >>> day = 86_400_000_000_000
    >>> round(t_statistic([0.01, 0.03, 0.01, 0.03], np.array([0, 0, day, 2 * day])), 10)
    3.4641016151
    """
    means = _date_means(returns, dates)
    return _quotient(_mean(means), _deviation(means)) * _root(means.size)


def mean_by_date(returns: ArrayLike, dates: Any) -> float:
    """Give the mean over event dates of the mean return of each; NaN if none is known.

    Parameters and Raises as in ``t_statistic``.

    Examples
    --------
    >>> day = 86_400_000_000_000
    >>> round(mean_by_date([0.01, 0.03, 0.04], np.array([0, 0, day])), 10)
    0.03
    """
    return _mean(_date_means(returns, dates))


def standard_error(returns: ArrayLike, dates: Any) -> float:
    """Give the standard error of the mean over event-date means, by which ``t_statistic`` divides.

    Parameters and Raises as in ``t_statistic``; 0 for means without variance, NaN for fewer than two dates.

    Examples
    --------
    >>> day = 86_400_000_000_000
    >>> round(standard_error([0.01, 0.03, 0.04], np.array([0, 0, day])), 10)
    0.01
    """
    means = _date_means(returns, dates)
    return _quotient(_deviation(means), _root(means.size))


def trade_summary(trades: pd.DataFrame) -> dict[str, float]:
    """Compute the headline figures of a table of trades.

    Parameters
    ----------
    trades : DataFrame
        One row per trade: ``pnl`` (net) and ``costs`` (positive) in money, ``return`` (net) and
        ``gross_return``, ``bars``, ``known_by``, ``event_id``, ``symbol``; ``status`` if there is one. Trades
        whose status is ``open`` are counted and left out of all else; unknown numbers are left out.

    Returns
    -------
    dict
        ``trades`` (closed), ``open``, ``events``, ``event_dates`` (distinct UTC dates of ``known_by``),
        ``symbols``, ``hit_rate``, ``mean_return`` and ``median_return`` (over trades), ``mean_by_date`` (over
        event-date means) with its ``standard_error`` and ``t_statistic``, ``mean_gross_return``,
        ``gross_pnl``, ``costs``, ``pnl``, ``profit_factor``, ``payoff_ratio``, ``average_bars``, ``best`` and
        ``worst`` (returns).

    Raises
    ------
    InputError
        Missing columns.

    Examples
    --------
    >>> trades = pd.DataFrame(
    ...     {"pnl": [9.0, -6.0], "return": [0.009, -0.006], "gross_return": [0.01, -0.005],
    ...      "costs": [1.0, 1.0], "bars": [1, 3], "event_id": ["a", "b"], "symbol": ["7203.T", "0700.HK"],
    ...      "known_by": pd.to_datetime(["2024-01-04", "2024-01-05"], utc=True)}
    ... )
    >>> figures = trade_summary(trades)
    >>> figures["hit_rate"], figures["gross_pnl"], figures["profit_factor"], figures["average_bars"]
    (0.5, 5.0, 1.5, 2.0)
    """
    _require(trades, ["pnl", "return", "gross_return", "costs", "bars", "known_by", "event_id", "symbol"])
    closed = _closed(trades)
    net, pnl, costs = closed["return"], closed["pnl"], closed["costs"]
    return {
        "trades": len(closed),
        "open": len(trades) - len(closed),
        "events": int(closed["event_id"].nunique()),
        "event_dates": _count_dates(to_ns(closed["known_by"])),
        "symbols": int(closed["symbol"].nunique()),
        "hit_rate": hit_rate(pnl),
        "mean_return": _mean(_known(net)),
        "median_return": value_at_risk(net, 0.5),
        "mean_by_date": _mean(_date_means(net, closed["known_by"])),
        "standard_error": standard_error(net, closed["known_by"]),
        "t_statistic": t_statistic(net, closed["known_by"]),
        "mean_gross_return": _mean(_known(closed["gross_return"])),
        "gross_pnl": _total(_known(pnl + costs)),
        "costs": _total(_known(costs)),
        "pnl": _total(_known(pnl)),
        "profit_factor": profit_factor(pnl),
        "payoff_ratio": payoff_ratio(pnl),
        "average_bars": _mean(_known(closed["bars"])),
        "best": value_at_risk(net, 1.0),
        "worst": value_at_risk(net, 0.0),
    }


def turnover(trades: pd.DataFrame, capital: float, days: float) -> float:
    """Give what was bought and sold a year, as a multiple of capital.

    Parameters
    ----------
    trades : DataFrame
        ``quantity, entry_fill, exit_fill`` and ``status``; what is open has not been sold yet.
    capital : float
        At the start.
    days : float
        Calendar days of the equity.

    Returns
    -------
    float
        NaN where the days are not positive.

    Examples
    --------
    >>> one = pd.DataFrame({"quantity": [5.0], "entry_fill": [10.0], "exit_fill": [12.0], "status": ["closed"]})
    >>> turnover(one, 1000.0, 365.25)
    0.11
    """
    closed = _closed(trades)
    bought = float((trades["quantity"] * trades["entry_fill"]).sum())
    sold = float((closed["quantity"] * closed["exit_fill"]).sum())
    return (bought + sold) / capital * (YEAR / days) if days > 0 else math.nan


def by(trades: pd.DataFrame, key: str) -> pd.DataFrame:
    """Compute the figures of trades group by group.

    Parameters
    ----------
    trades : DataFrame
        As in ``trade_summary``; at least ``pnl``, ``return``, ``known_by`` and the key. Open trades are left
        out.
    key : str
        A column (``tag``, ``market``, ``symbol``, ``direction``, ``side``, ...), or ``year``: the UTC year of
        ``entry_at``.

    Returns
    -------
    DataFrame
        Indexed by the key, sorted: ``trades``, ``event_dates``, ``hit_rate``, ``mean_return`` (over trades),
        ``standard_error`` and ``t_statistic`` (clustered: of the mean over event-date means, so not of
        ``mean_return``), ``profit_factor``, ``pnl`` (sum).

    Raises
    ------
    InputError
        Missing columns.

    Examples
    --------
    >>> trades = pd.DataFrame(
    ...     {"tag": ["fed", "fed", "chip"], "pnl": [9.0, -6.0, 2.0], "return": [0.009, -0.006, 0.002],
    ...      "known_by": pd.to_datetime(["2024-01-04", "2024-01-05", "2024-01-05"], utc=True)}
    ... )
    >>> by(trades, "tag")[["trades", "hit_rate", "pnl"]].values.tolist()
    [[1.0, 1.0, 2.0], [2.0, 0.5, 3.0]]
    """
    yearly = key == "year" and "year" not in trades
    _require(trades, ["pnl", "return", "known_by", "entry_at" if yearly else key])
    closed = _closed(trades)
    labels = _year(closed["entry_at"]) if yearly else closed[key].to_numpy()
    grouped = closed.groupby(labels, dropna=False)
    group, names = grouped.ngroup().to_numpy(), list(grouped.groups)
    pnl, returns, known_by = _values(closed["pnl"]), _values(closed["return"]), to_ns(closed["known_by"])
    rows = [np.flatnonzero(group == k) for k in range(len(names))]
    figures = [_group_figures(pnl[some], returns[some], known_by[some]) for some in rows]
    table = pd.DataFrame(figures, columns=list(_GROUP_KINDS), index=pd.Index(names, name=key))
    return table.astype(_GROUP_KINDS)


_GROUP_KINDS = {
    "trades": "int64",
    "event_dates": "int64",
    "hit_rate": "float64",
    "mean_return": "float64",
    "standard_error": "float64",
    "t_statistic": "float64",
    "profit_factor": "float64",
    "pnl": "float64",
}


def _group_figures(pnl: Floats, returns: Floats, known_by: Instants) -> tuple[float, ...]:
    return (
        len(pnl),
        _count_dates(known_by),
        hit_rate(pnl),
        _mean(_known(returns)),
        standard_error(returns, known_by),
        t_statistic(returns, known_by),
        profit_factor(pnl),
        _total(_known(pnl)),
    )


def _date_means(returns: ArrayLike, dates: Any) -> Floats:
    """Mean return of each UTC date that has a known one."""
    values, instants = _values(returns), _instants(dates)
    _same_length(values.size, instants.size, "dates", "returns")
    known = ~np.isnan(values)
    _, date, count = np.unique(instants[known] // DAY, return_inverse=True, return_counts=True)
    return np.bincount(date, values[known], count.size) / count


def _closed(trades: pd.DataFrame) -> pd.DataFrame:
    return trades[trades["status"] != "open"] if "status" in trades else trades


def _count_dates(instants: Instants) -> int:
    return int(np.unique(instants // DAY).size)


def _year(instants: pd.Series[Any]) -> Integers:
    return 1970 + to_ns(instants).view("M8[ns]").astype("M8[Y]").astype(np.int64)


def _require(trades: pd.DataFrame, columns: list[str]) -> None:
    missing = [column for column in columns if column not in trades]
    if missing:
        known = [str(column) for column in trades.columns]
        raise InputError(
            [Problem(f"a column '{column}'", "none", did_you_mean(column, known)) for column in missing]
        )


def _span(marks: Floats, instants: Instants, start: float) -> dict[str, float]:
    days = float((instants[-1] - instants[0]) / DAY) if marks.size else math.nan
    end = float(marks[-1]) if marks.size else math.nan
    under = drawdowns(marks, instants, start)["days"]
    longest = float(under.max()) if len(under) else 0.0
    return {
        "sessions": marks.size,
        "days": days,
        "start": float(start),
        "end": end,
        "total_return": _quotient(end, _finite(start), scale=0.0) - 1.0,
        "cagr": cagr(start, end, days),
        "max_drawdown": max_drawdown(marks, start),
        "longest_drawdown": longest if marks.size else math.nan,
    }


def _calendar_returns(equity: ArrayLike, dates: Any, start: float, unit: str) -> tuple[Integers, Floats]:
    marks, instants = _marks(equity, dates)
    period = instants.view("M8[ns]").astype(f"M8[{unit}]").astype(np.int64)
    periods = np.unique(period)
    last = np.searchsorted(period, periods, side="right") - 1
    return periods, returns_of(marks[last], start)


def _marks(equity: ArrayLike, dates: Any) -> tuple[Floats, Instants]:
    """Known marks and their instants, checked to ascend."""
    marks, instants = _values(equity), _instants(dates)
    _same_length(marks.size, instants.size, "dates", "marks of equity")
    if (instants == NAT).any() or (np.diff(instants) <= 0).any():
        raise InputError(
            Problem("ascending dates", "dates that are missing, repeat or go back", "sort the marks by date")
        )
    known = ~np.isnan(marks)
    return marks[known], instants[known]


def _instants(dates: Any) -> Instants:
    naive = isinstance(dates, (pd.Series, pd.Index)) and isinstance(dates.dtype, np.dtype)
    return to_ns(dates.to_numpy() if naive and dates.dtype.kind == "M" else dates)


def _same_length(expected: int, got: int, what: str, of: str) -> None:
    if got != expected:
        raise InputError(
            Problem(f"{expected} {what} for {expected} {of}", str(got), "align the two by date first")
        )


def _check_level(level: float) -> None:
    if not 0 <= level <= 1:
        raise InputError(
            Problem("a level from 0 to 1", repr(level), "give the share of the tail: 0.05 for 5 %")
        )


def _values(numbers: ArrayLike) -> Floats:
    values = np.asarray(numbers, dtype=np.float64)
    if values.ndim != 1:
        raise InputError(
            Problem("one series of numbers", f"{values.ndim} dimensions", "pass one column at a time")
        )
    return np.where(np.isfinite(values), values, np.nan)


def _known(numbers: ArrayLike) -> Floats:
    values = _values(numbers)
    return values[~np.isnan(values)]


def _difference(returns: ArrayLike, other: float | ArrayLike) -> Floats:
    values = _values(returns)
    less = _values(other) if np.ndim(other) else np.full(values.shape, other, dtype=np.float64)
    _same_length(values.size, less.size, "values of the other series", "returns")
    with np.errstate(all="ignore"):
        return values - less


def _less(returns: ArrayLike, other: float | ArrayLike) -> Floats:
    return _known(_difference(returns, other))


def _finite(number: Any) -> float:
    return float(number) if math.isfinite(number) else math.nan


def _quotient(top: float, bottom: float, scale: float = 1.0) -> float:
    """Divide, unless the divisor is 0 or rounding on the scale of what was measured."""
    return _finite(top / bottom) if bottom > ROUNDING * scale else math.nan


def _root(per_year: float) -> float:
    return _finite(math.sqrt(per_year)) if per_year > 0 else math.nan


def _total(values: Floats) -> float:
    try:
        return _finite(math.fsum(values.tolist()))
    except (OverflowError, ValueError):  # sums beyond float64 are undefined
        return math.nan


def _mean(values: Floats) -> float:
    return _total(values) / values.size if values.size else math.nan


def _covariance(x: Floats, y: Floats) -> float:
    with np.errstate(all="ignore"):
        return _total((x - _mean(x)) * (y - _mean(y))) / (x.size - 1)


def _deviation(values: Floats) -> float:
    """Return the standard deviation with ddof 1: 0 where it is rounding, NaN for fewer than two values."""
    if values.size < 2:
        return math.nan
    deviation = math.sqrt(_covariance(values, values))
    return 0.0 if deviation <= ROUNDING * _scale(values) else deviation


def _shortfall(excess: Floats) -> float:
    with np.errstate(all="ignore"):
        return math.sqrt(_mean(np.minimum(excess, 0.0) ** 2))


def _scale(values: Floats) -> float:
    return 1.0 + float(np.abs(values).max(initial=0.0))


def _moment(values: Floats, order: int) -> float:
    if not _deviation(values) > 0:
        return math.nan
    with np.errstate(all="ignore"):
        centred = values - _mean(values)
        return _mean((centred / math.sqrt(_mean(centred**2))) ** order)
