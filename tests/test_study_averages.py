"""Averages by event date against loops, other events by what they share, and the kernel without its compiler."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from aftershock.data.prices import simulated_market
from aftershock.data.prices.simulated import Effect
from aftershock.engine.recovery import planted_by_bar
from aftershock.engine.studies import kernels
from aftershock.engine.studies.averages import average, regressed
from aftershock.engine.studies.confounds import confounders, reaches, treated
from aftershock.engine.studies.windows import Series


def slow_average(values, dates, weights, coverage):
    """Mean, band and counts of one column, row by row."""
    known = [at for at, value in enumerate(values) if not math.isnan(value)]
    total = sum(weights[at] for at in known)
    mean = sum(weights[at] * values[at] for at in known) / total
    sums = {}
    for at in known:
        sums[dates[at]] = sums.get(dates[at], 0.0) + weights[at] * (values[at] - mean)
    count = len(sums)
    if count < 2:
        return mean, math.nan, math.nan, len(known), count
    error = math.sqrt(sum(each**2 for each in sums.values()) * count / (count - 1)) / total
    half = t.ppf(0.5 + coverage / 2, count - 1) * error
    return mean, mean - half, mean + half, len(known), count


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 9_999),
    n=st.integers(1, 30),
    dates=st.integers(1, 8),
    coverage=st.sampled_from([0.9, 0.95]),
)
def test_averages_as_a_loop_makes_them(seed, n, dates, coverage):
    draw = np.random.default_rng(seed)
    values, date, weight = draw.normal(0, 1, (n, 3)), draw.integers(0, dates, n), draw.uniform(0.1, 1, n)
    values[draw.random((n, 3)) < 0.2] = np.nan
    values[0] = 1.0
    found = average(values, date, weight=weight, coverage=coverage)
    for column in range(3):
        want = slow_average(values[:, column].tolist(), date.tolist(), weight.tolist(), coverage)
        got = [getattr(found, key)[column] for key in ("mean", "low", "high", "rows", "dates")]
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


def test_nothing_to_average():
    found = average(np.zeros((0, 2)), np.zeros(0, np.int64))
    assert np.isnan(found.mean).all()
    assert found.rows.tolist() == [0, 0]


@pytest.mark.parametrize("seed", range(5))
def test_regressing_out_is_least_squares_with_errors_by_date(seed):
    draw = np.random.default_rng(seed)
    n, date = 60, np.repeat(np.arange(12), 5)
    others = draw.integers(0, 3, (n, 2)).astype(float)
    values = 0.01 + others @ [0.02, -0.01] + draw.normal(0, 0.01, n)
    x = np.column_stack([np.ones(n), others])
    beta = np.linalg.lstsq(x, values, rcond=None)[0]
    left = values - x @ beta
    meat = sum(
        np.outer(score, score)
        for d in range(12)
        for score in [(x[date == d] * left[date == d, None]).sum(axis=0)]
    )
    bread = np.linalg.inv(x.T @ x)
    variance = (bread @ meat @ bread)[0, 0] * 12 / 11 * (n - 1) / (n - 3)
    found = regressed(values, others, date)
    assert found.mean[0] == pytest.approx(beta[0], rel=1e-9)
    assert found.standard_error[0] == pytest.approx(math.sqrt(variance), rel=1e-9)
    # A column that says what another has said, or nothing, changes nothing.
    more = np.column_stack([others, others[:, 0], np.zeros(n)])
    assert regressed(values, more, date).mean[0] == pytest.approx(beta[0], rel=1e-9)


def test_what_events_share_with_an_instrument():
    pairs = pd.DataFrame({"event": [0, 1, 2, 3], "symbol": ["A", "B", "C", "D"]})
    groups = {"A": ("JP", ("chips",)), "B": ("KR", ("chips",)), "C": ("JP", ()), "D": ("KR", ())}
    found = reaches(pairs, groups)
    told = {symbol: [part.tolist() for part in each] for symbol, each in found.items()}
    assert told == {
        "A": [[0], [1], [2]],
        "B": [[1], [0], [3]],
        "C": [[2], [], [0]],
        "D": [[3], [], [1]],
    }


def test_other_events_in_a_window():
    tape = simulated_market(["8035.T"], start="2024-01-04", end="2024-03-29", seed=1).tape
    known = tape.closes_at[[19, 20, 22, 24, 30]]
    reach = {"8035.T": reaches(
        pd.DataFrame({"event": range(5), "symbol": "8035.T"}), {"8035.T": ("JP", ())}
    )["8035.T"]}  # fmt: skip
    story = np.array(["", "", "s", "s", ""], object)
    zero = np.zeros(2, np.int64)

    def found(event, due):
        rows = np.array(due)
        return confounders(
            tape,
            np.arange(len(tape.close)),
            zero[: len(rows)],
            rows,
            np.array(event),
            story,
            known,
            reach,
            (-2, 4),
        )

    one = found([1], [21])
    assert one[["other", "offset"]].to_numpy().tolist() == [[0, -1], [2, 2], [3, 4]]
    # Another print of its own story is no other event.
    assert found([2], [23])["other"].tolist() == [1]
    assert found([4], [31]).empty
    assert found([1, 4], [21, 31])["row"].unique().tolist() == [0]


def test_treatments_of_nothing_confounded_agree():
    draw = np.random.default_rng(1)
    car, date = draw.normal(0, 1, 20), np.repeat(np.arange(5), 4)
    found = treated(car, date, np.zeros(20, np.int64), np.zeros((20, 1)))
    assert {round(float(each.mean[0]), 12) for each in found.values()} == {round(float(car.mean()), 12)}


def test_what_was_planted_lies_where_prices_have_it():
    """The difference of two markets of one seed is what was planted."""
    news = pd.DataFrame(
        {"event_id": ["a", "b"], "known_by": pd.to_datetime(["2024-02-05T22:00Z", "2024-02-07T22:00Z"]),
         "tag": "chip", "direction": ["positive", "negative"], "symbols": "8035.T", "scope": "", "story_id": ""}
    )  # fmt: skip
    span = {"start": "2024-01-04", "end": "2024-03-29", "seed": 3}
    effects = {("chip", "positive"): Effect(0.03, 0.02, 4), ("chip", "negative"): Effect(-0.02, -0.01, 2)}
    market = simulated_market(["8035.T"], events=news, effects=effects, **span)
    without = simulated_market(["8035.T"], **span).tape
    gap, session = planted_by_bar(market.tape, market.truth)
    level = np.log(market.tape.close / without.close)
    # Prices are rounded to four digits.
    np.testing.assert_allclose(level, np.cumsum(gap + session), atol=3e-4)
    np.testing.assert_allclose(
        np.log(market.tape.open / without.open), np.cumsum(gap + session) - session, atol=3e-4
    )


def test_the_kernel_does_without_its_compiler(monkeypatch):
    draw = np.random.default_rng(5)
    n = 120
    factors = draw.normal(0, 0.01, (n, 2))
    value = factors @ [1.0, 0.5] + draw.normal(0, 0.01, n)
    value[draw.random(n) < 0.1] = np.nan
    series = Series(np.array([0, n]), value, np.ones(n), factors, draw.random(n) < 0.9)
    given = (series, np.zeros(2, np.int64), np.array([90, 118]), (-2, 4), (-60, -10), True, False)
    compiled = kernels.fit(*given)
    monkeypatch.setattr(kernels, "fit_each", kernels.fit_each.py_func)
    for plain, fitted in zip(kernels.fit(*given), compiled, strict=True):
        np.testing.assert_allclose(plain, fitted, rtol=1e-12, atol=1e-15)
