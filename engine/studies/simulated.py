"""Abnormal returns of a made-up market with known correlation and effect: what tests and power are tried on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aftershock.engine.studies.types import Abnormal, Floats, Ints

VOLATILITY = 0.02
"""Deviation of a made-up residual return."""
MARKET = 0.01
"""Deviation of the made-up market's return."""


def simulated_abnormal(
    sizes: Sequence[int],
    rng: np.random.Generator,
    *,
    correlation: float = 0.0,
    volatility: float = 1.0,
    common: float = 1.0,
    degrees: float = np.inf,
    effect: float = 0.0,
    estimation: int = 250,
    width: int = 1,
) -> Abnormal:
    """Draw returns of one market and fit the market model to them; nothing here is a price.

    Parameters
    ----------
    sizes : sequence of int
        Names hit on each event date.
    rng : Generator
        What draws.
    correlation : float
        Of the residuals of two names of one date.
    volatility, common : float
        Factors by which residuals, and on top their common part, are larger in the event window.
    degrees : float
        Of the Student-t residuals, common and own; infinite for normal ones.
    effect : float
        Return added to every name on day 0.
    estimation, width : int
        Sessions of the estimation window, and of the event window, which begins at 0.

    Returns
    -------
    Abnormal
        One row for each name of each date.

    Examples
    --------
    >>> simulated_abnormal([3, 2], np.random.default_rng(0), width=2).window.shape
    (5, 2)
    """
    date = np.repeat(np.arange(len(sizes)), sizes).astype(np.int64)
    length = estimation + width
    shock = _drawn(rng, (len(sizes), length), degrees)
    own = _drawn(rng, (len(date), length), degrees)
    shock[:, estimation:] *= common
    noise = np.sqrt(correlation) * shock[date] + np.sqrt(1.0 - correlation) * own
    noise[:, estimation:] *= volatility
    market = MARKET * rng.standard_normal((len(sizes), length))[date]
    returns = market + VOLATILITY * noise
    returns[:, estimation] += effect
    return fit_whole(returns, market, width, date, np.arange(len(date), dtype=np.int64))


def _drawn(rng: np.random.Generator, shape: tuple[int, int], degrees: float) -> Floats:
    if np.isinf(degrees):
        return rng.standard_normal(shape)
    found: Floats = rng.standard_t(degrees, shape) / np.sqrt(degrees / (degrees - 2.0))
    return found


def fit_whole(
    returns: Floats,
    market: Floats | None,
    width: int,
    date: Ints,
    instrument: Ints,
    session: Ints | None = None,
) -> Abnormal:
    """Fit the market model (without a market: the mean) to returns of which none is missing.

    Parameters
    ----------
    returns, market : (n, l + w) float64
        Estimation window, then event window, on one clock.
    width : int
        w.
    date, instrument, session : (n,) int64
        As in `Abnormal`.
    """
    n, length = returns.shape
    cut = length - width
    mean = returns[:, :cut].mean(axis=1, keepdims=True)
    residual = returns - mean
    spread = np.full((n, width, width), 1.0 / cut)
    design = np.ones((n, length, 1 if market is None else 2))
    if market is not None:
        moved = market - market[:, :cut].mean(axis=1, keepdims=True)
        square = (moved[:, :cut] ** 2).sum(axis=1, keepdims=True)
        residual = residual - (residual[:, :cut] * moved[:, :cut]).sum(axis=1, keepdims=True) / square * moved
        spread = spread + moved[:, cut:, None] * moved[:, None, cut:] / square[:, :, None]
        design[:, :, 1] = market
    parameters = design.shape[2]
    return Abnormal(
        window=np.ascontiguousarray(residual[:, cut:]),
        estimation=np.ascontiguousarray(residual[:, :cut]),
        design=design[:, :cut],
        event_design=design[:, cut:],
        scale=np.sqrt((residual[:, :cut] ** 2).sum(axis=1) / (cut - parameters)),
        observations=np.full(n, cut, np.int64),
        parameters=np.full(n, parameters, np.int64),
        covariance=np.eye(width) + spread,
        date=date,
        instrument=instrument,
        first=0,
        session=session,
    )
