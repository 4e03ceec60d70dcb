"""What a test says: effect and band first, then statistic and p; and the table of the tests there are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd


class Measure(NamedTuple):
    """What a test is: the unit of its effect, what it measures, and where it is from."""

    unit: str
    measures: str
    source: str


DEFAULT = "kolari_pynnonen"
"""The test that speaks for a study."""

TESTS: dict[str, Measure] = {
    "kolari_pynnonen": Measure(
        "return",
        "mean standardised CAR; its variance from how far event dates lie apart, where there are too few from how far "
        "its quotient spread in the estimation window, with effective degrees of freedom",
        "Kolari and Pynnonen 2010, Bell and McCaffrey 2002",
    ),
    "kp_textbook": Measure(
        "return",
        "BMP times sqrt((1 - r) / (1 + (n - 1) r)), t of n - 1",
        "Kolari and Pynnonen 2010",
    ),
    "bmp": Measure("return", "mean standardised CAR by its cross-section", "Boehmer, Musumeci, Poulsen 1991"),
    "patell": Measure("return", "mean standardised CAR by its forecast error", "Patell 1976"),
    "t": Measure(
        "return", "mean CAR by its cross-section", "Boehmer, Musumeci, Poulsen 1991, cross-sectional test"
    ),
    "date": Measure("return", "mean CAR by the spread of event dates", "Bell and McCaffrey 2002"),
    "crude": Measure(
        "return",
        "mean abnormal return by the deviation of its own past",
        "Brown and Warner 1980, crude dependence",
    ),
    "corrado": Measure("rank", "mean rank of the days; several days added up", "Corrado 1989, Cowan 1992"),
    "corrado_zivney": Measure("rank", "the same of ranks / (returns + 1)", "Corrado and Zivney 1992"),
    "grank_t": Measure("rank", "rank of the standardised CAR among past returns", "Kolari and Pynnonen 2011"),
    "grank_z": Measure("rank", "the same, rows taken as independent", "Kolari and Pynnonen 2011"),
    "sign": Measure("share", "share of CARs above 0 less one half", "binomial"),
    "generalised_sign": Measure("share", "the same less the share of the estimation window", "Cowan 1992"),
    "wilcoxon": Measure("rank", "signed ranks of CARs, (W+ - W-) / (W+ + W-)", "Wilcoxon 1945"),
    "calendar_time": Measure(
        "return",
        "mean over calendar days of the portfolio in its window",
        "Jaffe 1974, Mandelker 1974, Fama 1998",
    ),
    "block": Measure(
        "return", "mean CAR, event dates drawn with replacement", "Cameron, Gelbach, Miller 2008"
    ),
    "wild": Measure(
        "return", "mean CAR, event dates with random signs", "Cameron, Gelbach, Miller 2008; Webb 2023"
    ),
}
"""Every test, the default first."""

BOOTSTRAPS = ("block", "wild")
CLOSED = tuple(name for name in TESTS if name not in BOOTSTRAPS)
"""The tests that draw nothing."""


class Finding(NamedTuple):
    """What one test says of one window.

    Attributes
    ----------
    test : str
        A name of `TESTS`.
    effect, standard_error, low, high : float
        The effect in the unit of the test, and its band at the level asked for.
    statistic, p : float
        Two-sided; NaN where the test says nothing (too few rows or dates, or nothing that moves).
    df : float
        Degrees of freedom; infinite where the normal distribution was taken.
    basis : str
        Where the variance came from, if the test has a choice: ``event dates`` or ``estimation window``.
    """

    test: str
    effect: float
    standard_error: float
    low: float
    high: float
    statistic: float
    p: float
    df: float
    basis: str = ""


def silent(test: str, effect: float = np.nan) -> Finding:
    """Give a finding that says nothing beyond its effect."""
    return Finding(test, effect, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan)


def finding(
    test: str, effect: float, error: float, df: float = np.inf, *, level: float = 0.95, basis: str = ""
) -> Finding:
    """Give the two-sided finding of an effect whose quotient by its error has a t (normal: infinite df) distribution.

    Examples
    --------
    >>> round(finding("patell", 0.02, 0.01).p, 4)
    0.0455
    """
    if not (error > 0.0 and np.isfinite(error) and df > 0.0):
        return silent(test, effect)
    statistic = effect / error
    reach = quantile(level, df) * error
    return Finding(
        test, effect, error, effect - reach, effect + reach, statistic, two_sided(statistic, df), df, basis
    )


def two_sided(statistic: float, df: float) -> float:
    """Give the chance of a t (normal: infinite df) at least as far from 0."""
    from scipy.special import ndtr, stdtr

    return float(2.0 * (ndtr(-abs(statistic)) if np.isinf(df) else stdtr(df, -abs(statistic))))


def quantile(level: float, df: float) -> float:
    """Give the half width of the central ``level`` of a t (normal: infinite df)."""
    from scipy.special import ndtri, stdtrit

    return float(ndtri(0.5 + level / 2) if np.isinf(df) else stdtrit(df, 0.5 + level / 2))


COLUMNS = (
    "first", "last", "test", "unit", "effect", "standard_error", "low", "high", "statistic", "p", "df", "basis",
    "mean", "firms", "dates",
)  # fmt: skip
"""Columns of the table of tests: ``mean`` is the plain mean CAR of the ``firms`` rows on ``dates`` event dates."""


def findings_table(rows: Iterable[tuple[int, int, float, int, int, Finding]]) -> pd.DataFrame:
    """Give findings as a table; each comes with first, last, mean CAR, firms and dates of its window."""
    made = [
        {"first": first, "last": last, "mean": mean, "firms": firms, "dates": dates}
        | found._asdict()
        | {"unit": TESTS[found.test].unit}
        for first, last, mean, firms, dates, found in rows
    ]
    return pd.DataFrame(made, columns=list(COLUMNS))
