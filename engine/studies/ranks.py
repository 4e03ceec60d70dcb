"""Rank tests: Corrado's over the days of a window, and the generalised rank of the whole of it."""

from __future__ import annotations

import numpy as np

from aftershock.engine.studies.compiled import ranks_above
from aftershock.engine.studies.findings import Finding, finding, silent
from aftershock.engine.studies.samples import Prepared, Sample


def rank_findings(study: Prepared, sample: Sample, tests: set[str], level: float) -> list[Finding]:
    """Run those of the rank tests that are asked for."""
    made = []
    if "corrado" in tests or "corrado_zivney" in tests:
        made += [f for f in corrado(study, sample, level) if f.test in tests]
    if "grank_t" in tests or "grank_z" in tests:
        made += [f for f in generalised(study, sample, level) if f.test in tests]
    return made


def corrado(study: Prepared, sample: Sample, level: float) -> list[Finding]:
    """Rank each row's returns over estimation and event window, and test the mean rank of the window's days.

    Notes
    -----
    Corrado (1989): D_t is the mean over rows of rank less mean rank, S^2 the mean of D_t^2 over all T
    days of both windows, and D_t / S is normal. Corrado and Zivney (1992) take ranks as shares of the
    row's returns + 1 and weigh days by the square root of their rows, which is the same where none is missing. Several
    days are added up and divided by the square root of their number (Cowan 1992). All rows with a
    return on a day count on that day. Effects are mean ranks as shares, 0 in the middle: D_t by the number of days + 1,
    or the mean of shares with the square roots of rows as weights.
    """
    plain, shares, counts = study.rank_sums
    low = study.abnormal.estimation.shape[1] + sample.first - study.abnormal.first
    days = slice(low, low + sample.days)
    full = counts > 0
    if full.sum() < 2 or not full[days].any():
        return [silent("corrado"), silent("corrado_zivney")]
    with np.errstate(invalid="ignore", divide="ignore"):
        plainly = plain / counts, np.full(len(counts), len(counts) + 1.0)
        weighed = shares / np.sqrt(counts), np.sqrt(counts)
    made = []
    for test, (daily, weight) in (("corrado", plainly), ("corrado_zivney", weighed)):
        there = np.flatnonzero(full[days]) + low
        statistic = float(daily[there].sum() / np.sqrt(len(there)) / np.sqrt((daily[full] ** 2).mean()))
        effect = float(daily[there].sum() / weight[there].sum())
        made.append(_by_statistic(test, effect, statistic, np.inf, level))
    return made


def generalised(study: Prepared, sample: Sample, level: float) -> list[Finding]:
    """Rank the standardised CAR of each row among the standardised residuals of its estimation window.

    Notes
    -----
    Kolari and Pynnonen (2011): the SCAR is divided by its cross-sectional deviation, so that event-induced
    variance does not count; U is its rank among the row's T - 1 residuals and itself, by T + 1, less one half. GRANK-T:
    Z is the mean U of the event by the root of the mean square of daily means, days weighed by their share
    of rows, and Z sqrt((T - 2) / (T - 1 - Z^2)) has T - 2 degrees of freedom. GRANK-Z takes rows
    as independent: the variance of U is (T - 1) / (12 (T + 1)).
    """
    n = len(sample.rows)
    deviation = float(sample.scar.std(ddof=1)) if n > 1 else np.nan
    if not deviation > 0.0:
        return [silent("grank_t"), silent("grank_z")]
    past, counts, known = study.rank_shares(sample)
    # The event pushes residuals above it up by one rank.
    sums, above = ranks_above(
        np.ascontiguousarray(study.abnormal.estimation),
        sample.rows,
        sample.scar / deviation * study.abnormal.scale[sample.rows],
        1.0 / (known + 2.0),
    )
    sums += past
    event = (known + 1.0 - above) / (known + 2.0) - 0.5
    ranked = known + 1.0
    effect = float(event.mean())
    full = counts > 0
    days = float(full.sum()) + 1.0
    squares = (sums[full] ** 2 / counts[full]).sum() / n + effect**2
    z = effect / float(np.sqrt(squares / days))
    inner = days - 1.0 - z**2
    statistic = z * float(np.sqrt((days - 2.0) / inner)) if inner > 0.0 else np.nan
    error = float(np.sqrt(((ranked - 1.0) / (12.0 * (ranked + 1.0))).sum())) / n
    return [
        _by_statistic("grank_t", effect, statistic, days - 2.0, level),
        finding("grank_z", effect, error, level=level),
    ]


def _by_statistic(test: str, effect: float, statistic: float, df: float, level: float) -> Finding:
    """Give the finding of a statistic that is no quotient: its error is the one that would make it so."""
    if not np.isfinite(statistic) or statistic == 0.0:
        return silent(test, effect)
    return finding(test, effect, effect / statistic, df, level=level)
