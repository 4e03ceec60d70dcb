"""Tests of signs and signed ranks of cumulated abnormal returns."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from aftershock.engine.studies.findings import Finding, finding, quantile, silent, two_sided
from aftershock.engine.studies.samples import Prepared, Sample
from aftershock.engine.studies.types import Floats

EXACT = 50
"""Up to so many rows without ties the signed-rank test is exact."""


def sign_findings(study: Prepared, sample: Sample, tests: set[str], level: float) -> list[Finding]:
    """Run those of the tests of signs that are asked for."""
    made = []
    if "sign" in tests:
        made.append(_signs("sign", sample, 0.5, level))
    if "generalised_sign" in tests:
        made.append(_signs("generalised_sign", sample, _positive_before(study, sample), level))
    if "wilcoxon" in tests:
        made.append(wilcoxon(sample.car, level))
    return made


def _signs(test: str, sample: Sample, expected: float, level: float) -> Finding:
    """Hold the share of positive CARs against an expected one (Cowan 1992)."""
    n = len(sample.rows)
    if n == 0 or not 0.0 < expected < 1.0:
        return silent(test)
    effect = float((sample.car > 0.0).mean()) - expected
    return finding(test, effect, float(np.sqrt(expected * (1.0 - expected) / n)), level=level)


def _positive_before(study: Prepared, sample: Sample) -> float:
    """Give the mean over rows of the share of positive residuals in the estimation window."""
    share = study.positive[sample.rows]
    share = share[np.isfinite(share)]
    return float(share.mean()) if len(share) else np.nan


def wilcoxon(values: Floats, level: float = 0.95) -> Finding:
    """Test the signed ranks of values (Wilcoxon 1945); zeros are left out, ties share their average rank.

    Notes
    -----
    The statistic is W+, the sum of ranks of positive values; p is exact up to `EXACT` values without ties, else normal
    with the correction for ties and none for continuity. The effect is (W+ - W-) / (W+ + W-), its band a normal one.

    Examples
    --------
    >>> found = wilcoxon(np.array([0.03, -0.01, 0.02, 0.05]))
    >>> found.statistic, round(found.p, 3)
    (9.0, 0.25)
    """
    from scipy.stats import rankdata

    values = values[values != 0.0]
    n = len(values)
    if n == 0:
        return silent("wilcoxon")
    ranks = rankdata(np.abs(values))
    positive, total = float(ranks[values > 0.0].sum()), n * (n + 1) / 2.0
    variance = float((ranks**2).sum()) / 4.0
    tied = len(np.unique(ranks)) < n
    effect, error = 2.0 * positive / total - 1.0, 2.0 * float(np.sqrt(variance)) / total
    if tied or n > EXACT:
        p = two_sided((positive - total / 2.0) / float(np.sqrt(variance)), np.inf)
    else:
        lower = int(min(positive, total - positive))
        p = min(1.0, 2.0 * float(signed_rank_chances(n)[: lower + 1].sum()))
    reach = quantile(level, np.inf) * error
    return Finding("wilcoxon", effect, error, effect - reach, effect + reach, positive, p, np.inf)


@lru_cache(maxsize=EXACT)
def signed_rank_chances(n: int) -> Floats:
    """Give the chance of each sum of positive ranks, 0 to n (n + 1) / 2, where a coin decides for each rank.

    Examples
    --------
    >>> signed_rank_chances(2).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    chances = np.ones(1)
    for rank in range(1, n + 1):
        chances = (np.r_[chances, np.zeros(rank)] + np.r_[np.zeros(rank), chances]) / 2.0
    return chances
