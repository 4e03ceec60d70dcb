"""The default test holds its size where others do not; the rest of the table is benchmarks/study_size.py."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

import aftershock as af
from aftershock.engine.studies import inference
from aftershock.engine.studies.abnormal import days_of, line_of, series_of
from aftershock.engine.studies.placebo import Rows, moved, placebo_p_values, placebo_study
from aftershock.engine.studies.samples import Prepared
from aftershock.engine.studies.simulated import fit_whole, simulated_abnormal
from aftershock.engine.studies.types import Abnormal
from aftershock.engine.studies.windows import Series, span_of

RUNS = 500
DESIGNS = {
    "one date, correlated": ([20], {"correlation": 0.3}),
    "one date, correlated, twice as volatile": ([20], {"correlation": 0.3, "volatility": 2.0}),
    "one date, fat tails": ([40], {"correlation": 0.2, "degrees": 4.0}),
    "few dates": ([10] * 4, {"correlation": 0.3}),
    "many dates, the common shock twice as large": ([5] * 20, {"correlation": 0.3, "common": 2.0}),
    "many dates of unequal size": ([1] * 15 + [10] * 5, {"correlation": 0.3}),
}


def rejected(sizes: list[int], settings: dict, tests: tuple[str, ...]) -> dict[str, float]:
    rng = np.random.default_rng(42)
    counts = dict.fromkeys(tests, 0)
    for _ in range(RUNS):
        study = Prepared(simulated_abnormal(sizes, rng, **settings))
        found = inference.findings_of(study, study.sample(0, 0), set(tests))
        for test in tests:
            counts[test] += found[test].p < 0.05
    return {test: count / RUNS for test, count in counts.items()}


@pytest.mark.parametrize("design", DESIGNS)
def test_the_default_rejects_five_percent_of_true_nulls(design: str) -> None:
    """Within four standard errors of 5 %; tests that take rows as independent are far outside."""
    shares = rejected(*DESIGNS[design], ("kolari_pynnonen", "bmp"))
    assert abs(shares["kolari_pynnonen"] - 0.05) < 4 * math.sqrt(0.05 * 0.95 / RUNS)
    assert shares["bmp"] > 0.15


def test_a_common_shock_of_one_date_is_no_ones_to_tell_from_an_effect() -> None:
    """With one date nothing says how far dates lie apart: the default then trusts the past, and the docs say so."""
    one = rejected([20], {"correlation": 0.3, "common": 2.0}, ("kolari_pynnonen",))
    assert one["kolari_pynnonen"] > 0.15


def close_dates(rng: np.random.Generator, dates: int = 30, apart: int = 2, days: int = 5) -> Abnormal:
    """Three of forty names of one market on dates two sessions apart, in windows of five."""
    length = 120 + dates * apart + days
    returns = math.sqrt(0.2) * rng.standard_normal(length) + math.sqrt(0.8) * rng.standard_normal(
        (40, length)
    )
    names = np.concatenate([rng.choice(40, 3, replace=False) for _ in range(dates)])
    date = np.repeat(np.arange(dates), 3)
    cells = date[:, None] * apart + np.arange(120 + days)
    session = np.busday_offset(np.datetime64("2020-01-06", "D"), date * apart).astype(np.int64)
    return fit_whole(returns[names[:, None], cells], None, days, date, names.astype(np.int64), session)


def test_windows_that_overlap_are_no_more_rows_than_they_are() -> None:
    """Only with the sessions known does the default see that rows of different dates share days."""
    rng, known, unknown = np.random.default_rng(8), 0, 0
    test = {"kolari_pynnonen"}
    for _ in range(RUNS):
        study = close_dates(rng)
        for name, given in (("known", study), ("unknown", study._replace(session=None))):
            prepared = Prepared(given)
            p = inference.findings_of(prepared, prepared.sample(0, 4), test)["kolari_pynnonen"].p
            known += name == "known" and p < 0.05
            unknown += name == "unknown" and p < 0.05
    assert abs(known / RUNS - 0.05) < 4 * math.sqrt(0.05 * 0.95 / RUNS)
    assert unknown / RUNS > 0.1


@pytest.fixture(scope="module")
def market() -> tuple[Series, np.ndarray]:
    symbols = [f"{k:04d}.HK" for k in range(1, 31)]
    tape = af.simulated_market([*symbols, "^HSI"], start="2014-01-01", end="2022-12-31", seed=3).tape
    days = days_of(tape)
    index = tape.position("^HSI")
    line = line_of(tape, "^HSI", days)
    lines = {k: [line] for k in range(len(tape.symbols)) if k != index}
    return series_of(tape, days, lines), days.session


def made_rows(dates: int, names: int, seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    date = np.repeat(np.datetime64("2018-01-01", "D").astype(np.int64) + 7 * np.arange(dates), names)
    instrument = np.concatenate([rng.choice(30, names, replace=False) for _ in range(dates)]).astype(np.int64)
    return Rows(instrument, date, date + 1, rng.choice([-1.0, 1.0], len(date)))


def test_p_values_at_random_dates_are_uniform(market: tuple[Series, np.ndarray]) -> None:
    series, session = market
    pool = np.arange(session[0] + 450, session[-1] - 20)
    pool = pool[np.is_busday(pool.astype("M8[D]"))]
    p = placebo_p_values(
        made_rows(12, 6, 1), series, session, pool, np.random.default_rng(2), span_of((0, 2), (-250, -30)),
        windows=[(0, 0), (0, 2)], draws=150,
    )  # fmt: skip
    for column in p.T:
        assert kstest(column, "uniform").pvalue > 0.001
    assert kstest(p[:, 0] ** 1.5, "uniform").pvalue < 0.001, "and the check would see it if they were not"


def test_moved_events_keep_what_they_share(market: tuple[Series, np.ndarray]) -> None:
    series, session = market
    rows = made_rows(20, 4, 3)
    pool = np.arange(session[0] + 450, session[-1] - 20)
    due, date, at = moved(rows, series, session, pool, np.random.default_rng(4))
    assert pd.DataFrame({"old": rows.date, "new": date}).drop_duplicates().shape[0] == 20
    assert len(np.unique(date)) == 20
    there = due >= 0
    assert there.mean() > 0.9
    assert (session[due[there]] == at[there]).all()
    assert ((at - date)[there] >= 1).all()
    assert (series.offsets[rows.instrument[there]] <= due[there]).all()
    abnormal, kept = placebo_study(
        rows, series, session, pool, np.random.default_rng(4), span_of((0, 0), (-250, -30))
    )
    assert set(kept) <= set(np.flatnonzero(there))
    assert (abnormal.date == date[kept]).all()
