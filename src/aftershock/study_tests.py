"""The tests of a study, group by group, with effect and band first."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aftershock.engine.studies.averages import average
from aftershock.engine.studies.models import Measured
from aftershock.experiment import StudySection
from aftershock.reports.study_run import ALL, groups_of

TEST_COLUMNS = [
    "by", "group", "first", "last", "test", "rows", "event_dates", "effect", "low", "high", "statistic", "p_value",
]  # fmt: skip


def group_tests(
    measured: Measured, rows: pd.DataFrame, by: str | None, section: StudySection, seed: int
) -> pd.DataFrame:
    """Test every group of one grouping over every window."""
    found = []
    for group, places in groups_of(rows, by):
        for first, last in section.sums:
            inside = slice(first - measured.abnormal.first, last - measured.abnormal.first + 1)
            values = measured.abnormal.window[places][:, inside]
            car = np.where(np.isfinite(values).any(axis=1), np.nansum(values, axis=1), np.nan)
            one = average(car[:, None], measured.abnormal.date[places], coverage=section.coverage)
            found.append(
                {
                    "by": by or ALL, "group": group, "first": first, "last": last, "test": "by_date",
                    "rows": int(one.rows[0]), "event_dates": int(one.dates[0]), "effect": float(one.mean[0]),
                    "low": float(one.low[0]), "high": float(one.high[0]), "statistic": np.nan, "p_value": np.nan,
                }
            )  # fmt: skip
    return pd.DataFrame(found, columns=TEST_COLUMNS)
