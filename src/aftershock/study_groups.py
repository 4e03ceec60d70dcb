"""The tests of a study, group by group, with effect and band first, and what they could have found."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from aftershock.engine.studies.findings import BOOTSTRAPS, CLOSED, COLUMNS, DEFAULT
from aftershock.engine.studies.groups import with_adjusted
from aftershock.engine.studies.inference import rows_of, tests_of
from aftershock.engine.studies.models import Measured
from aftershock.engine.studies.power import detectable_distance, power_of
from aftershock.engine.studies.samples import LEAST_KNOWN
from aftershock.engine.studies.types import Abnormal
from aftershock.engine.types import Floats
from aftershock.experiment import StudySection
from aftershock.reports.study_run import ALL, groups_of

WANTED = 0.8
"""The power of the effect that could have been found."""
POWER_COLUMNS = (
    "firms", "dates", "standard_error", "df", "basis", "detectable", "correlation", "independent",
)  # fmt: skip
"""What is kept of `aftershock.engine.studies.power.Power`."""


class Grouped(NamedTuple):
    """Tests of the groups of one kind, and what the default test could have found in them."""

    tests: pd.DataFrame
    power: pd.DataFrame


def group_tests(
    measured: Measured,
    rows: pd.DataFrame,
    by: str | None,
    section: StudySection,
    seed: int,
    planted: Floats | None = None,
) -> Grouped:
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
    planted : ndarray of float64, shape (n, w), optional
        What the simulated market planted in each session of each row, in the direction of the signal.

    Returns
    -------
    tests : DataFrame
        ``by, group``, the columns of `tests_of`, ``p_holm`` and ``p_by`` (adjusted over the groups of one window and
        test), and ``detectable`` (of the test that decides: the effect that it finds with a power of ``WANTED``).
    power : DataFrame
        ``by, group, first, last``, ``POWER_COLUMNS`` and ``planted``: what was planted, as a mean over the rows that
        are tested; NaN where nobody knows.
    """
    hidden = np.full(measured.abnormal.window.shape, np.nan) if planted is None else planted
    tests = CLOSED + BOOTSTRAPS if section.draws else CLOSED
    testable = measured.abnormal.scale > 0.0
    found, able = [], []
    for group, places in groups_of(rows, by):
        places = places[testable[places]]
        own = rows_of(measured.abnormal, places)
        told = tests_of(
            own, section.sums, tests=tests, level=section.coverage, draws=section.draws, seed=seed
        )
        found.append(told.assign(by=by or ALL, group=group))
        for first, last in section.sums:
            one = power_of(own, first, last, level=1.0 - section.coverage, wanted=WANTED)._asdict()
            named = {"by": by or ALL, "group": group, "first": first, "last": last}
            known = _planted(own, hidden[places], first, last)
            able.append(named | {key: one[key] for key in POWER_COLUMNS} | {"planted": known})
    power = pd.DataFrame(able, columns=["by", "group", "first", "last", *POWER_COLUMNS, "planted"])
    columns = ["by", "group", *COLUMNS]
    table = pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)
    return Grouped(with_adjusted(table).assign(detectable=_detectable(table, power, section)), power)


def _planted(own: Abnormal, planted: Floats, first: int, last: int) -> float:
    """Average what was planted in the windows that are tested."""
    inside = slice(first - own.first, last - own.first + 1)
    tested = np.isfinite(own.window[:, inside]).mean(axis=1) >= LEAST_KNOWN
    return float(planted[tested, inside].sum(axis=1).mean()) if tested.any() else np.nan


def _detectable(table: pd.DataFrame, power: pd.DataFrame, section: StudySection) -> Floats:
    """Give what the test that decides finds with a power of ``WANTED``; NaN of the others."""
    found = np.full(len(table), np.nan)
    rows = np.flatnonzero((table["test"] == section.test) & (table["unit"] == "return"))
    if section.test == DEFAULT:
        keys = ["group", "first", "last"]
        own = pd.MultiIndex.from_frame(table[keys].iloc[rows])
        found[rows] = power.set_index(keys)["detectable"].reindex(own).to_numpy(np.float64)
        return found
    for row in rows:
        error, df = (float(table[key].iloc[row]) for key in ("standard_error", "df"))
        found[row] = detectable_distance(df, 1.0 - section.coverage, WANTED) * error
    return found
