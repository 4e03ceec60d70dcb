"""Abnormal returns: the kernel against the slow oracle, and against another program's printed study."""

import event_study as oracle
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.data.errors import InputError
from aftershock.engine.studies.models import measure
from aftershock.engine.studies.windows import Series, Span, span_of, trades


def series_of(prices, others, ordinal, log=False):
    value, span, factors = trades(prices, others, ordinal, log=log)
    return Series(
        np.array([0, len(prices)]), value, span, np.ascontiguousarray(factors), np.ones(len(prices), bool)
    )


def walk(seed, n=60, m=1, holes=0.15):
    draw = np.random.default_rng(seed)
    moves = draw.normal(0, 0.01, (n, m))
    own = moves @ draw.uniform(0.5, 1.5, m) + draw.normal(0, 0.02, n)
    prices, others = 100 * np.exp(np.cumsum(own)), 50 * np.exp(np.cumsum(moves, axis=0))
    prices[draw.random(n) < holes] = np.nan
    ordinal = np.cumsum(draw.choice([1, 1, 1, 2], n))
    return prices, others, ordinal


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    m=st.integers(1, 3),
    model=st.sampled_from(["raw", "mean", "market_adjusted", "market"]),
    due=st.integers(30, 59),
    first=st.integers(-4, 0),
    last=st.integers(0, 6),
    log=st.booleans(),
)
def test_measures_as_the_oracle(seed, m, model, due, first, last, log):
    prices, others, ordinal = walk(seed, m=m)
    span = span_of((first, last), (-25, first - 1))
    series, zero = series_of(prices, others, ordinal, log), np.zeros(1, np.int64)
    found = measure(series, zero, np.array([due]), zero, span, model, least=8)
    if found.why[0] == "no_returns":
        return
    want = oracle.study(oracle.gaps(prices, others, ordinal, log), due, span.window, span.estimation, model)
    one = found.abnormal
    np.testing.assert_allclose(one.window[0], want["abnormal"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.coefficients[0], want["coefficients"], atol=1e-10)
    np.testing.assert_allclose(one.scale[0], want["scale"], rtol=1e-10)
    left = one.estimation[0][np.isfinite(one.estimation[0])]
    np.testing.assert_allclose(left, want["residuals"], atol=1e-12)
    np.testing.assert_allclose(one.covariance[0], want["covariance"], atol=1e-9)
    assert one.observations[0] == want["observations"]
    assert one.parameters[0] == len(want["coefficients"])


@pytest.mark.parametrize("seed", range(5))
def test_scholes_williams_as_the_oracle(seed):
    prices, others, ordinal = walk(seed, holes=0.0)
    ordinal = np.arange(len(prices))
    series, zero = series_of(prices, others, ordinal), np.zeros(1, np.int64)
    found = measure(series, zero, np.array([50]), zero, Span((-1, 3), (-40, -5)), "scholes_williams", least=8)
    rows = slice(10, 46)
    alpha, beta, scale = oracle.scholes_williams(series.value[rows], series.factors[rows, 0])
    np.testing.assert_allclose(found.coefficients[0], [alpha, beta], rtol=1e-10)
    np.testing.assert_allclose(found.abnormal.scale[0], scale, rtol=1e-10)
    want = series.value[49:54] - alpha - beta * series.factors[49:54, 0]
    np.testing.assert_allclose(found.abnormal.window[0], want, atol=1e-14)


def test_a_side_turns_returns_round():
    prices, others, ordinal = walk(3)
    series, zero = series_of(prices, others, ordinal), np.zeros(1, np.int64)
    span, due = Span((0, 4), (-25, -1)), np.array([40])
    long = measure(series, zero, due, zero, span, least=8)
    short = measure(series, zero, due, zero, span, least=8, side=np.array([-1.0]))
    np.testing.assert_array_equal(short.abnormal.window, -long.abnormal.window)
    np.testing.assert_array_equal(short.abnormal.covariance, long.abnormal.covariance)
    assert short.abnormal.scale == long.abnormal.scale
    np.testing.assert_array_equal(short.coefficients, long.coefficients)


def test_rows_outside_quiet_are_not_fitted():
    prices, others, ordinal = walk(5, holes=0.0)
    series, zero = series_of(prices, others, ordinal), np.zeros(1, np.int64)
    quiet = np.ones(60, bool)
    quiet[20:30] = False
    span, due = Span((0, 4), (-30, -1)), np.array([40])
    found = measure(series._replace(quiet=quiet), zero, due, zero, span, least=8)
    assert found.abnormal.observations[0] == 20
    assert np.isnan(found.abnormal.estimation[0, 10:20]).all()


def test_reasons():
    prices, others, ordinal = walk(7, holes=0.0)
    flat, level = np.full(60, 10.0), np.full((60, 1), 10.0)
    zero = np.zeros(1, np.int64)

    def why(series, due, least=8):
        return measure(series, zero, np.array([due]), zero, Span((0, 2), (-30, -1)), least=least).why[0]

    whole = series_of(prices, others, ordinal)
    assert why(whole, 5) == "short_history"
    assert why(whole, 40) == ""
    assert why(whole, 40, least=31) == "few_observations"
    assert why(series_of(prices, level, ordinal), 40) == "collinear"
    assert why(series_of(flat, others, ordinal), 40) == "no_variance"
    assert why(series_of(np.where(np.arange(60) < 40, prices, np.nan), others, ordinal), 40) == "no_returns"
    same = np.column_stack([others[:, 0], others[:, 0]])
    assert why(series_of(prices, same, ordinal), 40) == "collinear"


def test_windows_that_cannot_be():
    with pytest.raises(InputError, match="ends before the event window"):
        span_of((-5, 10), (-250, -5))
    with pytest.raises(InputError, match="first session, last session"):
        span_of((5, -5), (-250, -30))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("study", "model", "columns"),
    [
        ("sim", "market", ["alpha", "beta"]),
        ("mean_adj", "mean", ["mean"]),
        ("mrkt_adj", "market_adjusted", []),
    ],
)
def test_agrees_with_estudy2(shared, study, model, columns):
    """AR, fits and CAR of the vignette to 1e-10; beside the market model the two that fit less."""
    folder = shared / "oracles/event_studies/estudy2"

    def read(name):
        return pd.read_csv(folder / name, index_col=0, skipinitialspace=True, na_values="NA")

    rates, market = read("inputs/rates.csv"), read("inputs/rates_indx.csv")
    n, names = len(rates), list(rates.columns)
    event = rates.index.get_loc("2020-03-16")
    series = Series(
        np.arange(len(names) + 1) * n,
        rates.to_numpy().T.ravel().copy(),
        np.ones(n * len(names)),
        np.tile(market.to_numpy(), (len(names), 1)),
        np.ones(n * len(names), bool),
    )
    instrument = np.arange(len(names))
    due = instrument * n + event
    span = Span((0, 4), (-event, -1))
    found = measure(series, instrument, due, np.zeros_like(due), span, model, log=True)
    fits = read(f"expected/vignette__{study}__fit.csv")
    assert list(fits.index) == names
    np.testing.assert_allclose(found.abnormal.observations, fits["estimation_length"])
    np.testing.assert_allclose(found.coefficients, fits[columns], rtol=1e-10, atol=1e-12)
    printed = read(f"expected/vignette__{study}__abnormal.csv")
    np.testing.assert_allclose(found.abnormal.window.T, printed.iloc[event : event + 5], atol=1e-10, rtol=0)
    inside = np.hstack([found.abnormal.estimation, found.abnormal.window]).T
    np.testing.assert_allclose(inside, printed.iloc[: event + 5], atol=1e-10, rtol=0)
    car = read(f"expected/vignette__{study}__car_parametric.csv")["car_mean"].iloc[0]
    # That program divides the cumulated mean by the number of days.
    np.testing.assert_allclose(found.abnormal.window.sum(axis=1).mean() / 5, car, atol=1e-12, rtol=0)
