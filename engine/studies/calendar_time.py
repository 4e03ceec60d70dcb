"""The calendar-time portfolio: all rows inside their window on a calendar day are one portfolio of that day."""

from __future__ import annotations

import numpy as np

from aftershock.engine.studies.findings import Finding, finding
from aftershock.engine.studies.samples import Prepared, Sample


def calendar_time(study: Prepared, sample: Sample, level: float) -> Finding:
    """Test the mean abnormal return of the daily portfolio of all rows that are in the window.

    Notes
    -----
    Jaffe (1974) and Mandelker (1974), in the plain form that Fama (1998) argues for: each calendar day weighs the same,
    and days are independent, so that rows which share a day count as one observation. Days are weekdays from bar 0;
    where sessions are unknown, rows of one event date share days and others do not. One day alone says nothing.
    """
    low = sample.first - study.abnormal.first
    returns = study.abnormal.window[sample.rows, low : low + sample.days].ravel()
    day = (study.position[sample.rows][:, None] + np.arange(sample.days)).ravel()
    known = ~np.isnan(returns)
    returns, day = returns[known], day[known]
    _, code = np.unique(day, return_inverse=True)
    means = np.bincount(code, returns) / np.maximum(np.bincount(code), 1)
    days = len(means)
    error = float(means.std(ddof=1) / np.sqrt(days)) if days > 1 else np.nan
    effect = float(means.mean()) if days else np.nan
    return finding("calendar_time", effect, error, days - 1.0, level=level)
