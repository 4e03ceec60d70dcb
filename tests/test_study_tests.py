"""Tests of abnormal returns against slow ones, with missing returns, clusters, and windows that overlap."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import slow_inference as slow
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.data.errors import InputError
from aftershock.engine.studies import bootstrap, inference
from aftershock.engine.studies.findings import CLOSED, TESTS
from aftershock.engine.studies.samples import Prepared
from aftershock.engine.studies.signs import signed_rank_chances, wilcoxon
from aftershock.engine.studies.simulated import simulated_abnormal
from aftershock.engine.studies.types import Abnormal

SLOW: dict[str, Callable[..., Any]] = {
    "kolari_pynnonen": slow.kolari_pynnonen,
    "kp_textbook": slow.kp_textbook,
    "bmp": slow.bmp,
    "patell": slow.patell,
    "t": slow.cross_sectional_t,
    "date": slow.date_clustered,
    "crude": slow.crude,
    "corrado": lambda *a: slow.corrado(*a, zivney=False),
    "corrado_zivney": lambda *a: slow.corrado(*a, zivney=True),
    "grank_t": lambda *a: slow.grank(*a)[0],
    "grank_z": lambda *a: slow.grank(*a)[1],
    "sign": slow.sign,
    "generalised_sign": slow.generalised_sign,
    "calendar_time": slow.calendar_time,
}
DAY_ZERO = 20_000


def with_gaps(
    sizes: list[int],
    seed: int,
    *,
    missing: float = 0.0,
    spacing: int | None = None,
    ties: bool = False,
    estimation: int = 30,
) -> Abnormal:
    """A made-up study of three days from -1 on, with missing returns, and dates some weekdays apart."""
    rng = np.random.default_rng(seed)
    drawn = simulated_abnormal(sizes, rng, correlation=0.4, effect=0.01, estimation=estimation, width=3)
    window, residuals = drawn.window.copy(), drawn.estimation.copy()
    if ties:
        window, residuals = window.round(2), residuals.round(2)
    window[rng.random(window.shape) < missing] = np.nan
    residuals[rng.random(residuals.shape) < missing] = np.nan
    known = (~np.isnan(residuals)).sum(axis=1)
    session = None
    if spacing is not None:
        day = np.busday_offset(np.datetime64(DAY_ZERO, "D"), drawn.date * spacing, roll="forward")
        # Some names open a day later on their own calendar.
        session = day.astype(np.int64) + (rng.random(len(day)) < 0.2)
    return drawn._replace(
        window=window, estimation=residuals, observations=known.astype(np.int64), first=-1, session=session
    )


CASES = {
    "one date": with_gaps([8], 1),
    "one date, gaps": with_gaps([8], 2, missing=0.1),
    "few dates": with_gaps([3, 4, 1], 3, missing=0.1),
    "many dates": with_gaps([2] * 12, 4),
    "many dates, gaps": with_gaps([1, 3, 2] * 6, 5, missing=0.05),
    "overlap": with_gaps([2] * 14, 6, spacing=1),
    "partial overlap": with_gaps([1, 2, 3], 7, missing=0.05, spacing=2),
    "one date, long past": with_gaps([8], 13, missing=0.04, estimation=90),
    "few dates, long past": with_gaps([4, 3, 2], 14, spacing=1, estimation=80),
    "ties": with_gaps([4, 3], 8, ties=True),
}


@pytest.mark.parametrize("window", [(0, 0), (-1, 1), (0, 1)])
@pytest.mark.parametrize("case", CASES)
def test_every_closed_test_is_the_slow_one(case: str, window: tuple[int, int]) -> None:
    study = CASES[case]
    table = inference.tests_of(study, [window]).set_index("test")
    for test, by_hand in SLOW.items():
        if test == "date" and case.startswith("one date"):
            assert math.isnan(table.loc[test, "p"])
            continue
        if test == "calendar_time" and case.startswith("one date") and window[0] == window[1]:
            assert math.isnan(table.loc[test, "p"])
            continue
        expected = by_hand(study, *window)
        found = table.loc[test, ["effect", "standard_error", "statistic"]].to_numpy(float)
        np.testing.assert_allclose(found, expected[:3], rtol=1e-9, err_msg=f"{case} {test}")
        if len(expected) > 3:
            assert table.loc[test, "df"] == pytest.approx(expected[3], rel=1e-9), test
    assert set(table.index) == {*SLOW, "wilcoxon"} == set(CLOSED)


def test_overlapping_windows_count_what_they_share() -> None:
    """The same rows, dates a session apart or far apart: only the first share returns in windows of three days."""
    near, far = CASES["overlap"], CASES["overlap"]._replace(session=None)

    def errors(study: Abnormal, window: tuple[int, int]) -> Any:
        return inference.tests_of(study, [window], tests=["kolari_pynnonen"])["standard_error"][0]

    assert errors(near, (0, 0)) == errors(far, (0, 0))
    assert errors(near, (-1, 1)) != errors(far, (-1, 1))


def test_dates_of_one_session_are_one_cluster() -> None:
    study = with_gaps([2, 2, 2, 2], 9, spacing=0)
    assert Prepared(study).sample(0, 0).dates == 1
    assert Prepared(study._replace(session=None)).sample(0, 0).dates == 4


@pytest.mark.parametrize("seed", range(4))
def test_wilcoxon_is_that_of_scipy(seed: int) -> None:
    from scipy.stats import wilcoxon as of_scipy

    rng = np.random.default_rng(seed)
    for values, method in (
        (rng.normal(0.3, 1, 20), "exact"),
        (rng.normal(0.3, 1, 80), "approx"),
        (rng.normal(0.3, 1, 30).round(1), "approx"),
    ):
        found = wilcoxon(values)
        expected = of_scipy(values, method=method, correction=False)
        assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
        low = min(
            found.statistic, len(values[values != 0]) * (len(values[values != 0]) + 1) / 2 - found.statistic
        )
        assert low == expected.statistic


def test_chances_of_signed_ranks_add_up() -> None:
    for n in (1, 5, 30):
        chances = signed_rank_chances(n)
        assert len(chances) == n * (n + 1) // 2 + 1
        assert chances.sum() == pytest.approx(1.0, abs=1e-12)
        assert chances == pytest.approx(chances[::-1], abs=1e-15)


@pytest.mark.parametrize("test", ["block", "wild"])
@pytest.mark.parametrize("sizes", [[2, 1, 3, 1, 2, 4], [1, 2] * 7])
def test_bootstraps_are_the_slow_ones(test: str, sizes: list[int]) -> None:
    study = Prepared(with_gaps(sizes, 11))
    sample = study.sample(0, 1)
    groups = [list(sample.car[sample.cluster == d]) for d in range(sample.dates)]
    dates = bootstrap.Dates(
        np.array([[math.fsum(group)] for group in groups]), np.array([float(len(group)) for group in groups])
    )
    count = len(groups)
    if test == "block":
        found = bootstrap.drawn_block(dates, 200, np.random.default_rng(3))
        picks = np.random.default_rng(3).integers(0, count, (200, count), dtype=np.int64)
        expected = slow.block_quotients(groups, picks)
    else:
        found = bootstrap.drawn_wild(dates, 200, np.random.default_rng(3))
        rng = np.random.default_rng(3)
        weights = rng.integers(0, 2, (200, count), dtype=np.int8) * 2.0 - 1.0
        if count < 12:
            weights = weights * np.sqrt([0.5, 1.0, 1.5])[rng.integers(0, 3, (200, count))]
        expected = slow.wild_quotients(groups, weights)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-9)


def test_bootstrap_bands_and_p_follow_from_the_draws() -> None:
    study = with_gaps([2] * 15, 12)
    table = inference.tests_of(study, [(0, 0), (-1, 1)], tests=["wild", "block", "date"], draws=999, seed=5)
    assert table.equals(
        inference.tests_of(study, [(0, 0), (-1, 1)], tests=["wild", "block", "date"], draws=999, seed=5)
    )
    for _, row in table.iterrows():
        outside = row["low"] > 0 or row["high"] < 0
        assert outside == (row["p"] < 0.05)
        assert (row["low"] + row["high"]) / 2 == pytest.approx(row["effect"])
    few = inference.tests_of(with_gaps([9] * 4, 1), [(0, 0)], tests=["wild", "block"])
    assert few["p"].isna().all()
    assert few["effect"].notna().all()


@pytest.mark.parametrize("test", [name for name in TESTS if name not in ("wilcoxon", "wild", "block")])
def test_a_band_covers_zero_when_p_is_above_its_level(test: str) -> None:
    rows = [
        inference.tests_of(with_gaps([3, 3, 3, 3], seed), [(0, 0)], tests=[test], level=0.9).iloc[0]
        for seed in range(12)
    ]
    for row in rows:
        assert (row["low"] <= 0 <= row["high"]) == (row["p"] >= 0.1)
        assert row["statistic"] == pytest.approx(row["effect"] / row["standard_error"])


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=5),
    st.integers(0, 10_000),
    st.floats(0.001, 1000.0),
)
@settings(max_examples=25, deadline=None)
def test_units_and_order_do_not_matter(sizes: list[int], seed: int, unit: float) -> None:
    study = with_gaps(sizes, seed, missing=0.05)
    table = inference.tests_of(study)
    scaled = study._replace(
        window=study.window * unit, estimation=study.estimation * unit, scale=study.scale * unit
    )
    order = np.random.default_rng(seed).permutation(len(study.date))
    for other, factor in ((scaled, unit), (inference.rows_of(study, order), 1.0)):
        again = inference.tests_of(other)
        pd.testing.assert_series_equal(again["p"], table["p"], rtol=1e-6, atol=1e-9)
        returns = table["unit"] == "return"
        np.testing.assert_allclose(
            again.loc[returns, "effect"],
            table.loc[returns, "effect"] * factor,
            rtol=1e-6,
            atol=1e-12 * factor,
        )


def test_nothing_to_test_says_nothing() -> None:
    study = with_gaps([3], 1)
    empty = study._replace(window=np.full_like(study.window, np.nan))
    table = inference.tests_of(empty)
    assert table["p"].isna().all()
    assert (table["firms"] == 0).all()
    one = inference.rows_of(study, np.array([0]))
    lone = inference.tests_of(one, [(0, 0)]).set_index("test")
    assert lone.loc[["kolari_pynnonen", "bmp", "t", "grank_t"], "p"].isna().all()
    assert lone.loc[["patell", "corrado", "sign"], "p"].notna().all()
    none = inference.tests_of(inference.rows_of(study, np.zeros(0, np.int64)))
    assert none["p"].isna().all()


def test_rows_without_a_scale_are_left_out() -> None:
    study = with_gaps([5], 3)
    scale = study.scale.copy()
    scale[1], scale[2] = 0.0, np.nan
    table = inference.tests_of(study._replace(scale=scale), [(0, 0)])
    kept = inference.tests_of(inference.rows_of(study, np.array([0, 3, 4])), [(0, 0)])
    pd.testing.assert_frame_equal(table, kept)


def test_a_wrong_request_says_what_to_do() -> None:
    study = with_gaps([3], 1)
    with pytest.raises(InputError, match=r"sessions within \(-1, 1\)"):
        inference.tests_of(study, [(0, 5)])
    with pytest.raises(InputError, match="patell"):
        inference.tests_of(study, tests=["patel"])
    with pytest.raises(InputError, match="level"):
        inference.tests_of(study, level=95)


def test_compiled_sums_and_ranks_are_those_of_their_plain_twins() -> None:
    from aftershock.engine.studies import compiled

    study = CASES["many dates, gaps"]
    order = np.argsort(study.estimation, axis=1)
    rows, code = np.arange(len(study.date)), np.unique(study.date, return_inverse=True)[1].astype(np.int64)
    sums, counts, _ = compiled.date_sums(study.estimation, rows, code, 18)
    picks = np.random.default_rng(0).integers(0, 18, (5, 18))
    calls: dict[str, tuple[Any, ...]] = {
        "standardised": (study.estimation,),
        "date_sums": (study.estimation, rows, code, 18),
        "ranks": (study.estimation, study.window, order),
        "column_moments": (study.estimation,),
        "ranks_above": (study.estimation, rows, study.window[:, 0], study.scale),
        "column_sums": (study.estimation, np.full(len(rows), 30.0), rows),
        "pair_correlation": (study.estimation, rows[:5]),
        "lagged": (sums, counts, np.array([[0, 1], [3, 5]]), 2),
        "resampled_counts": (picks, np.zeros((5, 18))),
    }
    for name, arguments in calls.items():
        told = []
        for which in (name, f"{name}_python"):
            given = tuple(one.copy() if isinstance(one, np.ndarray) else one for one in arguments)
            back = getattr(compiled, which)(*given)
            told.append(back if isinstance(back, tuple) else (given[-1] if back is None else back,))
        for found, expected in zip(*told, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=name)
