"""All tests of all windows of a study in one table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.engine.studies.bootstrap import bootstrap_findings
from aftershock.engine.studies.calendar_time import calendar_time
from aftershock.engine.studies.findings import BOOTSTRAPS, CLOSED, TESTS, Finding, findings_table
from aftershock.engine.studies.parametric import parametric_findings
from aftershock.engine.studies.ranks import rank_findings
from aftershock.engine.studies.samples import Prepared, Sample
from aftershock.engine.studies.signs import sign_findings
from aftershock.engine.studies.types import Abnormal

Window = tuple[int, int]


def tests_of(
    abnormal: Abnormal,
    windows: Iterable[Window] | None = None,
    *,
    tests: Sequence[str] = CLOSED,
    level: float = 0.95,
    draws: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Test abnormal returns of days and cumulated ones of windows.

    Parameters
    ----------
    abnormal : Abnormal
        n rows; of a group, those of the group (`rows_of`).
    windows : iterable of (int, int), optional
        First and last session in event time, both included. By default each day, then the whole window.
    tests : sequence of str
        Names of `TESTS`; the bootstraps are in `BOOTSTRAPS`.
    level : float
        Of the bands.
    draws, seed : int
        Of the bootstraps.

    Returns
    -------
    DataFrame
        A row for each window and test: ``first, last, test, unit, effect, standard_error, low, high, statistic, p, df,
        basis, mean, firms, dates`` (`findings.COLUMNS`). A row of the study counts in a window if it has at least
        half of its returns. NaN where a test says nothing.

    Raises
    ------
    InputError
        An unknown test, a level outside 0 to 1, a window outside the study's.

    Examples
    --------
    >>> from aftershock.engine.studies.simulated import simulated_abnormal
    >>> drawn = simulated_abnormal([5] * 40, np.random.default_rng(1), correlation=0.3, effect=0.01)
    >>> print(tests_of(drawn, tests=["kolari_pynnonen", "sign"])[["test", "firms", "dates"]].to_string(index=False))
               test  firms  dates
    kolari_pynnonen    200     40
               sign    200     40
    """
    _check(tests, level)
    study = Prepared(abnormal)
    chosen = list(windows) if windows is not None else every_window(abnormal)
    samples = [study.sample(first, last) for first, last in chosen]
    found = [findings_of(study, sample, set(tests), level) for sample in samples]
    for test in BOOTSTRAPS:
        if test in tests:
            drawn = bootstrap_findings(samples, test, draws, np.random.default_rng(seed), level)
            for of_window, one in zip(found, drawn, strict=True):
                of_window[test] = one
    return findings_table(
        (sample.first, sample.last, _mean(sample), len(sample.rows), sample.dates, of_window[test])
        for sample, of_window in zip(samples, found, strict=True)
        for test in tests
    )


# pytest would take it for a test.
tests_of.__test__ = False  # type: ignore[attr-defined]


def every_window(abnormal: Abnormal) -> list[Window]:
    """Give each day of the event window and then, where it has several, the whole of it."""
    width = abnormal.window.shape[1]
    days = [(abnormal.first + day, abnormal.first + day) for day in range(width)]
    return [*days, (abnormal.first, abnormal.first + width - 1)] if width > 1 else days


def rows_of(abnormal: Abnormal, rows: np.ndarray) -> Abnormal:
    """Take some of the rows, by position or by a mask."""
    arrays = {
        name: value[rows] for name, value in abnormal._asdict().items() if isinstance(value, np.ndarray)
    }
    return abnormal._replace(**arrays)


def findings_of(study: Prepared, sample: Sample, tests: set[str], level: float = 0.95) -> dict[str, Finding]:
    """Run those tests of one window that draw nothing; by name."""
    found = [
        *parametric_findings(study, sample, tests, level),
        *rank_findings(study, sample, tests, level),
        *sign_findings(study, sample, tests, level),
    ]
    if "calendar_time" in tests:
        found.append(calendar_time(study, sample, level))
    return {one.test: one for one in found}


def _mean(sample: Sample) -> float:
    return float(sample.car.mean()) if len(sample.car) else np.nan


def _check(tests: Sequence[str], level: float) -> None:
    for test in tests:
        if test not in TESTS:
            raise InputError(Problem("a test", repr(test), did_you_mean(test, TESTS), column="tests"))
    if not 0.0 < level < 1.0:
        raise InputError(Problem("a level between 0 and 1", repr(level), "0.95 is usual", column="level"))
