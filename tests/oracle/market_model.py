"""The market model by hand, one firm at a time, in the shape the tests of event studies take."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aftershock.engine.studies.types import Abnormal


def market_model(
    returns: pd.DataFrame, market: pd.Series, estimation: slice, event: slice, first: int = 0
) -> tuple[Abnormal, pd.DataFrame]:
    """Fit each column of returns on the market; all share one event date. Gives the study and a, b of each firm."""
    past, now = returns.loc[estimation], returns.loc[event]
    n, length, width = returns.shape[1], len(past), len(now)
    window, residuals = np.full((n, width), np.nan), np.full((n, length), np.nan)
    covariance, scale, observations, fits = (
        np.zeros((n, width, width)),
        np.zeros(n),
        np.zeros(n, np.int64),
        [],
    )
    for i, name in enumerate(returns.columns):
        y = past[name]
        known = y.notna().to_numpy() & market.loc[estimation].notna().to_numpy()
        x = np.column_stack([np.ones(known.sum()), market.loc[estimation].to_numpy()[known]])
        inverse = np.linalg.inv(x.T @ x)
        coefficients = inverse @ x.T @ y.to_numpy()[known]
        residuals[i, known] = y.to_numpy()[known] - x @ coefficients
        ahead = np.column_stack([np.ones(width), market.loc[event].to_numpy()])
        window[i] = now[name].to_numpy() - ahead @ coefficients
        covariance[i] = np.eye(width) + ahead @ inverse @ ahead.T
        observations[i] = known.sum()
        scale[i] = np.sqrt((residuals[i, known] ** 2).sum() / (known.sum() - 2))
        fits.append((name, known.sum(), *coefficients))
    study = Abnormal(
        window=window,
        estimation=residuals,
        design=np.zeros((n, length, 0)),
        event_design=np.zeros((n, width, 0)),
        scale=scale,
        observations=observations,
        parameters=np.full(n, 2, np.int64),
        covariance=covariance,
        date=np.zeros(n, np.int64),
        instrument=np.arange(n),
        first=first,
    )
    return study, pd.DataFrame(fits, columns=["ticker", "estimation_length", "alpha", "beta"]).set_index(
        "ticker"
    )
