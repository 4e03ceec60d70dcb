"""Trailing periods, rolling beta and volatility, a benchmark at a volatility, held to slow ways and to the headline."""

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.data.errors import InputError
from aftershock.engine import metrics
from aftershock.engine.periods import TRAILING, matched, rolling_beta, rolling_volatility, trailing

DAYS = pd.bdate_range("2020-02-10", "2024-03-29", tz="UTC")
EQUITY = 100 * np.exp(np.cumsum(np.random.default_rng(4).normal(0.0004, 0.01, len(DAYS))))


def before(when: pd.Timestamp) -> float:
    """The last mark on a day or before it, found by looking at each."""
    return next(
        value for day, value in reversed(list(zip(DAYS, EQUITY, strict=True))) if day.date() <= when.date()
    )


def test_periods_begin_with_the_last_mark_before_them() -> None:
    told = trailing(EQUITY, DAYS, 100.0)
    starts = {
        "1m": date(2024, 2, 29), "3m": date(2023, 12, 29), "6m": date(2023, 9, 29), "ytd": date(2023, 12, 29),
        "1y": date(2023, 3, 29), "3y": date(2021, 3, 29),
    }  # fmt: skip
    for key, start in starts.items():
        assert told.loc[key, "first"].date() == start, key
        base = before(pd.Timestamp(start))
        assert told.loc[key, "total_return"] == pytest.approx(EQUITY[-1] / base - 1, rel=1e-12)
        inside = EQUITY[(DAYS.date > start)]
        depth = min(value / max([base, *inside[: at + 1]]) - 1 for at, value in enumerate(inside))
        assert told.loc[key, "max_drawdown"] == pytest.approx(depth, rel=1e-12)
        assert told.loc[key, "marks"] == len(inside)
    assert told["cagr"].notna().tolist() == [False, False, False, False, True, True, True]
    years = (date(2024, 3, 29) - date(2021, 3, 29)).days / 365.25
    grown = (1 + told.loc["3y", "total_return"]) ** (1 / years) - 1
    assert told.loc["3y", "cagr"] == pytest.approx(grown, rel=1e-3)


def test_all_is_the_headline() -> None:
    whole, told = metrics.summary(EQUITY, DAYS, 100.0), trailing(EQUITY, DAYS, 100.0).loc["all"]
    for key in ("total_return", "cagr", "volatility", "sharpe", "max_drawdown"):
        assert told[key] == pytest.approx(whole[key], rel=1e-12)
    assert told["first"] is pd.NaT


def test_what_marks_do_not_reach_is_undefined() -> None:
    told = trailing(EQUITY[-30:], DAYS[-30:], 100.0)
    known = told["total_return"].notna()
    assert known[known].index.tolist() == ["1m", "ytd", "all"]
    # Of a year in which the run began, the year to date begins with the capital.
    assert told.loc["ytd", "total_return"] == pytest.approx(EQUITY[-1] / 100.0 - 1)
    assert list(trailing([], [], 1.0).index) == list(TRAILING)
    assert trailing([], [], 1.0)["total_return"].isna().all()


def test_unknown_marks_are_left_out() -> None:
    holes = EQUITY.copy()
    holes[-25:-20] = np.nan
    known = np.isfinite(holes)
    pd.testing.assert_frame_equal(trailing(holes, DAYS, 100.0), trailing(holes[known], DAYS[known], 100.0))


def test_nothing_later_changes_a_trailing_period() -> None:
    cut = trailing(EQUITY[:600], DAYS[:600], 100.0)
    scrambled = EQUITY.copy()
    scrambled[600:] *= 3
    pd.testing.assert_frame_equal(trailing(scrambled[:600], DAYS[:600], 100.0), cut)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 40), st.integers(0, 2**32 - 1))
def test_rolling_figures_are_those_of_each_window(window: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    own, other = rng.normal(0, 0.01, 60), rng.normal(0, 0.02, 60)
    beta, deviation = rolling_beta(own, other, window), rolling_volatility(own, 252.0, window)
    for last in range(60):
        if last + 1 < window:
            assert math.isnan(beta[last]) and math.isnan(deviation[last])
            continue
        x, y = other[last + 1 - window : last + 1], own[last + 1 - window : last + 1]
        slope = np.polyfit(x, y, 1)[0]
        assert beta[last] == pytest.approx(slope, rel=1e-8, abs=1e-10)
        assert deviation[last] == pytest.approx(np.std(y, ddof=1) * math.sqrt(252.0), rel=1e-10)


def test_a_benchmark_is_held_at_the_volatility_that_is_wanted() -> None:
    marks, share = matched(EQUITY, 100.0, 0.05, 260.0)
    assert metrics.volatility(metrics.returns_of(marks, 100.0), 260.0) == pytest.approx(0.05, rel=1e-12)
    grown = 100.0
    for value, last in zip(EQUITY, [100.0, *EQUITY[:-1]], strict=True):
        grown *= 1 + share * (value / last - 1)
    assert marks[-1] == pytest.approx(grown, rel=1e-12)
    flat, none = matched(np.full(5, 100.0), 100.0, 0.05, 260.0)
    assert math.isnan(none) and np.isnan(flat).all()


def test_series_of_unequal_length_are_refused() -> None:
    with pytest.raises(InputError, match="expected as many returns as the benchmark has, got 3 and 2"):
        rolling_beta([0.0, 0.1, 0.2], [0.0, 0.1])
