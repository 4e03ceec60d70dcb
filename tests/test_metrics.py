"""Figures against published vectors, slow formulas, edge cases and laws they must obey."""

import csv
import doctest
import json
import math
import statistics
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aftershock.data.errors import InputError
from aftershock.engine import metrics
from aftershock.engine.types import Floats

NAN = math.nan
DAY = 86_400_000_000_000
PER_YEAR = {"daily": 252, "weekly": 52, "monthly": 12, "yearly": 1}

# --- slow formulas: loops, fractions and the statistics module, nothing of ours ---


def slow_quantile(values, level):
    ordered = sorted(values)
    position = Fraction(str(level)) * (len(ordered) - 1)
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return float(
        Fraction(ordered[low]) + (position - low) * (Fraction(ordered[high]) - Fraction(ordered[low]))
    )


def slow_shortfall(values, level):
    ordered = sorted(values)
    count = math.floor(Fraction(str(level)) * (len(ordered) - 1)) + 1
    return float(sum(map(Fraction, ordered[:count])) / count)


def slow_total(values):
    if not values:
        raise ValueError("nothing to compound")
    product = Fraction(1)
    for value in values:
        product *= 1 + Fraction(value)
    return float(product - 1)


def slow_downside(values):
    squares = [min(Fraction(value), Fraction(0)) ** 2 for value in values]
    return math.sqrt(sum(squares) / len(squares))


def slow_moment(values, order):
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    variance = sum((value - mean) ** 2 for value in exact) / len(exact)
    return float(sum((value - mean) ** order for value in exact) / len(exact)) / float(variance) ** (
        order / 2
    )


def slow_equity(returns, start=1.0):
    equity, marks = start, []
    for value in returns:
        if math.isnan(value):
            marks.append(NAN)
        else:
            equity *= 1 + value
            marks.append(equity)
    return marks


def slow_drawdowns(equity, start):
    peak, falls = start, []
    for mark in equity:
        if math.isnan(mark):
            falls.append(NAN)
        else:
            peak = max(peak, mark)
            falls.append(mark / peak - 1)
    return falls


def slow_gains_over_losses(values):
    gains = sum(Fraction(value) for value in values if value > 0)
    losses = -sum(Fraction(value) for value in values if value < 0)
    return float(gains / losses)


def slow_payoff(values):
    gains = [value for value in values if value > 0]
    losses = [-value for value in values if value < 0]
    return statistics.fmean(gains) / statistics.fmean(losses)


def slow_stability(values):
    growth, level = [], 0.0
    for value in values:
        level += math.log(1 + value)
        growth.append(level)
    return statistics.correlation(list(range(len(growth))), growth) ** 2


def slow_pairs(returns, benchmark):
    pairs = [(x, y) for x, y in zip(benchmark, returns, strict=True) if not (math.isnan(x) or math.isnan(y))]
    return [x for x, _ in pairs], [y for _, y in pairs]


def slow_slope(returns, benchmark):
    x, y = slow_pairs(returns, benchmark)
    return statistics.linear_regression(x, y).slope


def slow_intercept(returns, benchmark):
    x, y = slow_pairs(returns, benchmark)
    return statistics.linear_regression(x, y).intercept


def slow_active(returns, benchmark):
    x, y = slow_pairs(returns, benchmark)
    return [b - a for a, b in zip(x, y, strict=True)]


def slow_ratio(values):
    return statistics.fmean(values) / statistics.stdev(values)


def or_nan(formula, *arguments):
    """A slow formula that divides by nothing, or has too few values, is undefined."""
    try:
        return float(formula(*arguments))
    except (ZeroDivisionError, statistics.StatisticsError, IndexError, ValueError):
        return NAN


ROOT = math.sqrt(252)
OF_RETURNS = {
    "total_return": (metrics.total_return, slow_total),
    "volatility": (lambda r: metrics.volatility(r, 252), lambda r: statistics.stdev(r) * ROOT),
    "downside_deviation": (lambda r: metrics.downside_deviation(r, 252), lambda r: slow_downside(r) * ROOT),
    "sharpe": (lambda r: metrics.sharpe(r, 252), lambda r: slow_ratio(r) * ROOT),
    "sharpe_excess": (
        lambda r: metrics.sharpe(r, 252, risk_free=0.0002),
        lambda r: slow_ratio([value - 0.0002 for value in r]) * ROOT,
    ),
    "sortino": (
        lambda r: metrics.sortino(r, 252),
        lambda r: statistics.fmean(r) / slow_downside(r) * ROOT,
    ),
    "max_drawdown": (
        lambda r: metrics.max_drawdown(metrics.equity_of(r, 7.0), 7.0),
        lambda r: min(slow_drawdowns(slow_equity(r, 7.0), 7.0)),
    ),
    "value_at_risk": (metrics.value_at_risk, lambda r: slow_quantile(r, 0.05)),
    "value_at_risk_1": (lambda r: metrics.value_at_risk(r, 0.01), lambda r: slow_quantile(r, 0.01)),
    "expected_shortfall": (metrics.expected_shortfall, lambda r: slow_shortfall(r, 0.05)),
    "hit_rate": (metrics.hit_rate, lambda r: sum(value > 0 for value in r) / len(r)),
    "profit_factor": (metrics.profit_factor, slow_gains_over_losses),
    "payoff_ratio": (metrics.payoff_ratio, slow_payoff),
    "skew": (metrics.skew, lambda r: slow_moment(r, 3)),
    "kurtosis": (metrics.kurtosis, lambda r: slow_moment(r, 4) - 3),
    "tail_ratio": (metrics.tail_ratio, lambda r: abs(slow_quantile(r, 0.95)) / abs(slow_quantile(r, 0.05))),
    "omega": (metrics.omega, slow_gains_over_losses),
    "stability": (metrics.stability, slow_stability),
}
OF_PAIRS = {
    "beta": (lambda r, b: metrics.alpha_beta(r, b, 252).beta, slow_slope),
    "alpha": (lambda r, b: metrics.alpha_beta(r, b, 252).alpha, lambda r, b: slow_intercept(r, b) * 252),
    "tracking_error": (
        lambda r, b: metrics.tracking_error(r, b, 252),
        lambda r, b: statistics.stdev(slow_active(r, b)) * ROOT,
    ),
    "information_ratio": (
        lambda r, b: metrics.information_ratio(r, b, 252),
        lambda r, b: slow_ratio(slow_active(r, b)) * ROOT,
    ),
}


def close(got, expected, relative=1e-10, absolute=1e-13):
    return got == pytest.approx(expected, rel=relative, abs=absolute, nan_ok=True)


# --- the published vectors (empyrical-reloaded 0.7.1) ---

DIFFERS = {
    "test_cum_returns_df(df_input, 0)": "the expected frame is named, its numbers are not among the fixtures",
    "test_cum_returns_final_df(df_input, 100)": "the expected frame is named, its numbers are not given",
    "test_omega(mixed_returns, 0.0, -10.0)": "a required return per year of -1000 %; ours is per period",
    "test_sortino(positive_returns, 0.0, daily)": "infinity there; undefined is NaN here",
    "test_sortino(simple_benchmark, 0.0, daily)": "infinity there; undefined is NaN here",
    "est_beta_fragility_heuristic(positive_returns, simple_benchmark)": "no figure of ours",
    "est_beta_fragility_heuristic(negative_returns, simple_benchmark)": "no figure of ours",
    "test_gpd_risk_estimates(empty_returns)": "no figure of ours: value at risk is historical",
    "test_gpd_risk_estimates(positive_returns)": "no figure of ours: value at risk is historical",
    "test_gpd_risk_estimates(mixed_returns)": "no figure of ours: value at risk is historical",
    "test_gpd_risk_estimates(weekly_returns)": "no figure of ours: value at risk is historical",
}
"""Vectors that are not held, with the reason; the last test of this part counts that all others are."""

TRANSLATED = {
    "test_cum_returns": "an unknown return leaves an unknown mark here, the last mark there",
    "test_annual_ret": "years are counted as n / 252 there: the same days are given to the calendar CAGR",
    "test_cagr": "as test_annual_ret; the count n includes unknown returns",
    "test_cagr_translation": "as test_annual_ret",
    "test_cagr_noisy": "as test_annual_ret",
    "test_calmar": "as test_annual_ret",
    "test_capture_ratio": "a quotient of two growth rates, as test_annual_ret",
    "test_up_capture": "as test_capture_ratio, on the periods the benchmark rose",
    "test_down_capture": "as test_capture_ratio, on the periods the benchmark fell",
    "test_up_down_capture": "the quotient of the two above",
    "test_alpha_beta": "compounded to a year there, multiplied here: the check compounds alpha per period",
    "test_alpha": "as test_alpha_beta",
    "test_alpha_beta_translation": "as test_alpha_beta",
    "test_up_alpha_beta": "as test_alpha_beta, on the periods the benchmark rose",
    "test_down_alpha_beta": "as test_alpha_beta, on the periods the benchmark fell",
    "test_roll_alpha_beta": "as test_alpha_beta, window by window",
    "test_excess_sharpe": "not annualised there: one period a year here",
    "test_excess_sharpe_noisy": "as test_excess_sharpe",
    "test_excess_sharpe_trans": "as test_excess_sharpe",
    "test_omega": "the required return is per year there and de-annualised by 252, per period here",
    "test_tail_ratio": "to one decimal, as the call itself says",
    "test_aggregate_returns": "quarters are compounded from our months",
    "test_batting_average": "a hit rate of the difference to the benchmark",
}
"""Vectors held after a change of definition that the check carries out, with the change."""


class Vector:
    """One published vector: its arguments resolved against the fixtures."""

    def __init__(self, raw, fixtures):
        self.raw, self.fixtures, self.args = raw, fixtures, raw["args"]
        shown = [str(value) for key, value in self.args.items() if key not in ("expected", "decimal_places")]
        self.label = f"{raw['test']}({', '.join(shown)})"

    def __getitem__(self, name):
        """A number, or a series; ``2 * x``, ``-x`` and ``x[1:]`` are understood."""
        text = self.args[name]
        if not isinstance(text, str):
            return text
        try:
            return float(text)
        except ValueError:
            return self.series(text)

    def series(self, text):
        if text.startswith("-"):
            return -self.series(text[1:])
        if text.startswith("2 * "):
            return 2 * self.series(text[4:])
        if text.endswith("[1:]"):
            return self.series(text[:-4]).iloc[1:]
        fixture = self.fixtures[text]
        index = pd.to_datetime(fixture["index"], utc=True).as_unit("ns")
        values = np.array(fixture["values"], dtype=np.float64)
        if fixture["kind"] == "frame":
            return pd.DataFrame(values, index=index, columns=fixture["columns"] or None)
        return pd.Series(values, index=index)

    @property
    def per_year(self):
        return PER_YEAR[self.args["period"]]

    def expect(self, got, decimals=None):
        expected = self.args["expected"]
        if isinstance(expected, dict):
            expected = expected["values"]
        wanted = np.array(expected, dtype=np.float64)
        assert np.shape(got) == wanted.shape, self.label
        np.testing.assert_almost_equal(got, wanted, decimals or self.raw["decimals"], err_msg=self.label)


def held(value):
    """The values of a series; numbers pass."""
    return value.to_numpy() if isinstance(value, pd.Series) else value


def known(table):
    values = table.to_numpy().ravel()
    return values[~np.isnan(values)]


def growth(returns, per_year=252):
    values = np.asarray(returns)
    days = len(values) * metrics.YEAR / per_year
    return metrics.cagr(1.0, 1.0 + metrics.total_return(values), days)


def drawdown(returns):
    return metrics.max_drawdown(metrics.equity_of(returns), 1.0)


def regression(returns, benchmark):
    alpha, beta = metrics.alpha_beta(returns, benchmark, per_year=1)
    return [(1 + alpha) ** 252 - 1, beta]


def capture(returns, factor, side=0):
    kept = np.ones(len(factor), bool) if side == 0 else np.sign(factor) == side
    return float(np.float64(growth(returns[kept])) / growth(factor[kept]))


def up_down_capture(returns, factor):
    return capture(returns, factor, 1) / capture(returns, factor, -1)


def aligned(vector, other):
    frame = pd.concat([vector["returns"], vector[other]], axis=1, join="inner")
    return frame.iloc[:, 0].to_numpy(), frame.iloc[:, 1].to_numpy()


def windows(function, window, *series):
    size = len(series[-1])
    ends = range(window, size + 1)
    return [function(*(values[end - window : end] for values in series)) for end in ends]


def check_simple_returns(v):
    prices = v["prices"].to_numpy()
    v.expect(metrics.returns_of(prices[1:], prices[0]))


def check_cum_returns(v):
    start, returns = v["starting_value"], v["returns"]
    equity = pd.Series(metrics.equity_of(returns, start or 1.0))
    assert equity.isna().tolist() == returns.isna().tolist()
    v.expect((equity.ffill().fillna(start or 1.0) - (start == 0)).to_numpy())


def check_cum_returns_final(v):
    assert v["starting_value"] == 0
    v.expect(metrics.total_return(v["returns"]))


def check_cum_returns_df(v):
    assert metrics.equity_of(v["returns"].to_numpy().ravel()).shape == (0,)


def check_aggregate_returns(v):
    returns = v["returns"]
    equity = metrics.equity_of(returns)
    months = metrics.monthly_returns(equity, returns.index, 1.0)
    if v.args["convert_to"] == "yearly":
        v.expect(metrics.yearly_returns(equity, returns.index, 1.0).to_numpy())
    elif v.args["convert_to"] == "monthly":
        v.expect(known(months))
    else:
        quarters = (1 + months).T.groupby(lambda month: (month - 1) // 3).prod(min_count=1) - 1
        v.expect(known(quarters.T))


def check_max_drawdown(v):
    v.expect(drawdown(v["returns"]))


def check_max_drawdown_translation(v):
    returns, constant = v["returns"], v["constant"]
    assert drawdown(returns - constant) < drawdown(returns) < drawdown(returns + constant) <= 0


def check_growth(v):
    v.expect(growth(v["returns"], v.per_year))


def check_annual_volatility(v):
    v.expect(metrics.volatility(v["returns"], v.per_year))


def check_calmar(v):
    v.expect(metrics.calmar(growth(v["returns"], v.per_year), drawdown(v["returns"])))


def check_omega(v):
    per_period = (1 + v["required_return"]) ** (1 / 252) - 1
    v.expect(metrics.omega(v["returns"], v["risk_free"] + per_period))


def check_omega_returns(v):
    less, more = v["required_return_less"], v["required_return_more"]
    assert metrics.omega(v["returns"], less) > metrics.omega(v["returns"], more)


def check_sharpe_ratio(v):
    v.expect(metrics.sharpe(v["returns"], 252, held(v["risk_free"])))


def check_translation_same(figure):
    def check(v):
        returns, wanted, by = v["returns"], v["required_return"], v["translation"]
        reference = figure(returns, 252, wanted)
        assert close(figure(returns - by, 252, wanted - by), reference, absolute=1e-8)
        assert close(figure(returns + by, 252, wanted + by), reference, absolute=1e-8)

    return check


def check_translation_diff(figure):
    def check(v):
        returns, wanted = v["returns"], v["required_return"]
        by, wanted_by = v["translation_returns"], v["translation_required"]
        reference = figure(returns, 252, wanted)
        assert abs(figure(returns - by, 252, wanted - wanted_by) - reference) > 1e-4
        assert abs(figure(returns + by, 252, wanted + wanted_by) - reference) > 1e-4

    return check


def check_sharpe_translation_1(v):
    returns, wanted, by = v["returns"], v["required_return"], v["translation"]
    sharpes = [metrics.sharpe(returns, 252, wanted + step) for step in (-by, 0, by)]
    assert sharpes[0] > sharpes[1] > sharpes[2]


def check_sharpe_noise(v):
    draw = np.random.default_rng(1)
    small, large = (draw.normal(0.01, v[size], 1000) for size in ("small", "large"))
    assert metrics.sharpe(small, 252, 0.001) > metrics.sharpe(large, 252, 0.001)


def check_downside_risk(v):
    returns, target = v["returns"], held(v["required_return"])
    if isinstance(returns, pd.DataFrame):
        v.expect([metrics.downside_deviation(returns[column], v.per_year, target) for column in returns])
    else:
        v.expect(metrics.downside_deviation(returns, v.per_year, target))


def check_downside_risk_noisy(v):
    noise, flat = v["add_noise"].to_numpy(), v["returns"].to_numpy()
    risks = [
        metrics.downside_deviation(np.concatenate([noise[:cut], flat[cut:]]), 252, flat)
        for cut in (250, 500, 750)
    ]
    assert 0 < risks[0] <= risks[1] <= risks[2]


def check_downside_risk_trans(v):
    target = v["required_return"]
    risks = [metrics.downside_deviation(v["returns"], 252, step) for step in (-target, 0, target)]
    assert risks[0] <= risks[1] <= risks[2] and risks[0] < risks[2]


def check_downside_risk_std(v):
    draw = np.random.default_rng(2)
    small, large = (draw.normal(0, v[size], 1000) for size in ("smaller_std", "larger_std"))
    assert metrics.downside_deviation(small, 252) < metrics.downside_deviation(large, 252)


def check_sortino(v):
    returns = v["returns"]
    if isinstance(returns, pd.DataFrame):
        v.expect([metrics.sortino(returns[column], v.per_year) for column in returns])
    else:
        v.expect(metrics.sortino(returns, v.per_year, v["required_return"]))


def check_sortino_noise(value, side):
    """Two returns above (below) the target replaced by a loss (by the target) lower (raise) the ratio."""

    def check(v):
        returns = v["returns"].to_numpy().copy()
        ratios = [metrics.sortino(returns, 252)]
        for place in np.flatnonzero(np.sign(returns) == side)[[10, 20]]:
            returns[place] = value
            ratios.append(metrics.sortino(returns, 252))
        assert sorted(ratios, reverse=side > 0) == ratios and len(set(ratios)) == 3

    return check


def check_excess_sharpe(v):
    returns, factor = v["returns"], v["factor_returns"]
    benchmark = np.full(len(returns), factor) if isinstance(factor, float) else factor
    v.expect(metrics.information_ratio(returns, benchmark, per_year=1))


def check_excess_sharpe_noisy(v):
    returns, benchmark = v["returns"].to_numpy(), v["benchmark"].to_numpy()
    ratios = [
        abs(metrics.information_ratio(np.concatenate([returns[:cut], benchmark[cut:]]), benchmark, 1))
        for cut in (250, 500, 750)
    ]
    assert ratios[0] < ratios[1] < ratios[2]


def check_excess_sharpe_trans(v):
    base, noise, step = v["returns"], v["add_noise"], v["benchmark"]
    low, middle, high = (
        metrics.information_ratio(base + noise + shift, base, per_year=1) for shift in (-step, 0 * step, step)
    )
    assert low < middle < high


def check_alpha_beta(v):
    v.expect(regression(*aligned(v, "benchmark")))


def check_alpha(v):
    v.expect(regression(v["returns"], v["benchmark"])[0])


def check_beta(v):
    v.expect(regression(v["returns"], v["benchmark"])[1])


def check_alpha_beta_translation(v):
    draw, step = np.random.default_rng(3), v["translation"]
    benchmark = draw.normal(0.001, 0.001, 1000)
    returns = v["mean_returns"] + 8 * (benchmark - 0.001) + draw.normal(0, 0.006, 1000)
    low, middle, high = (metrics.alpha_beta(returns + by, benchmark, per_year=1) for by in (-step, 0, step))
    assert close(middle.alpha - low.alpha, step) and close(high.alpha - middle.alpha, step)
    assert close(low.beta, middle.beta) and close(high.beta, middle.beta)


def check_alpha_beta_with_nan_inputs(v):
    returns, benchmark = v["returns"].to_numpy().copy(), v["benchmark"].to_numpy().copy()
    returns[3::17], benchmark[5::19] = np.nan, np.nan
    alpha, beta = metrics.alpha_beta(returns, benchmark, 252)
    assert abs(alpha) < 1e-12 and close(beta, 1.0)


def check_alpha_beta_equality(v):
    returns, benchmark = aligned(v, "benchmark")
    alpha, beta = metrics.alpha_beta(returns, benchmark, 1)
    assert close(alpha, or_nan(slow_intercept, returns.tolist(), benchmark.tolist()), absolute=1e-8)
    assert close(beta, or_nan(slow_slope, returns.tolist(), benchmark.tolist()), absolute=1e-8)


def check_sided_alpha_beta(side):
    def check(v):
        returns, benchmark = aligned(v, "benchmark")
        kept = np.sign(benchmark) == side
        v.expect(regression(returns[kept], benchmark[kept]))

    return check


def check_stability(v):
    v.expect(metrics.stability(v["returns"]))


def check_tail_ratio(v):
    assert v.raw["calls"][0].endswith("expected, 1)")
    v.expect(metrics.tail_ratio(v["returns"]), decimals=1)


def check_cagr_translation(v):
    returns, constant = v["returns"], v["constant"]
    assert growth(returns - constant) < growth(returns) < growth(returns + constant)


def check_cagr_noisy(v):
    returns, noise = v["returns"], v["add_noise"]
    for noisy in (returns + noise, returns - noise):
        np.testing.assert_approx_equal(growth(noisy), growth(returns), significant=1)


def check_roll_max_drawdown(v):
    v.expect(windows(drawdown, v["window"], v["returns"].to_numpy()))


def check_roll_sharpe_ratio(v):
    v.expect(windows(lambda returns: metrics.sharpe(returns, 252), v["window"], v["returns"].to_numpy()))


def check_roll_alpha_beta(v):
    benchmark = v["benchmark"]
    returns = v["returns"].reindex(benchmark.index).to_numpy()
    v.expect(windows(regression, v["window"], returns, benchmark.to_numpy()))


def check_capture(function):
    def check(v):
        factor = v["factor_returns" if "factor_returns" in v.args else "benchmark"].to_numpy()
        v.expect(function(v["returns"].to_numpy(), factor))

    return check


def check_roll_capture(function):
    def check(v):
        got = windows(function, v["window"], v["returns"].to_numpy(), v["factor_returns"].to_numpy())
        v.expect(got if isinstance(v.args["expected"], list) else got[0])

    return check


def check_batting_average(v):
    active, benchmark = (v["returns"] - v["benchmark"]).to_numpy(), v["benchmark"].to_numpy()
    sides = [active, active[benchmark > 0], active[benchmark < 0]]
    v.expect([metrics.hit_rate(side) for side in sides])


def up_capture(returns, factor):
    return capture(returns, factor, 1)


def down_capture(returns, factor):
    return capture(returns, factor, -1)


CHECKS = {
    "test_simple_returns": check_simple_returns,
    "test_cum_returns": check_cum_returns,
    "test_cum_returns_final": check_cum_returns_final,
    "test_cum_returns_df": check_cum_returns_df,
    "test_aggregate_returns": check_aggregate_returns,
    "test_max_drawdown": check_max_drawdown,
    "test_max_drawdown_translation": check_max_drawdown_translation,
    "test_annual_ret": check_growth,
    "test_annual_volatility": check_annual_volatility,
    "test_calmar": check_calmar,
    "test_omega": check_omega,
    "test_omega_returns": check_omega_returns,
    "test_sharpe_ratio": check_sharpe_ratio,
    "test_sharpe_translation_same": check_translation_same(metrics.sharpe),
    "test_sharpe_translation_diff": check_translation_diff(metrics.sharpe),
    "test_sharpe_translation_1": check_sharpe_translation_1,
    "test_sharpe_noise": check_sharpe_noise,
    "test_downside_risk": check_downside_risk,
    "test_downside_risk_noisy": check_downside_risk_noisy,
    "test_downside_risk_trans": check_downside_risk_trans,
    "test_downside_risk_std": check_downside_risk_std,
    "test_sortino": check_sortino,
    "test_sortino_add_noise": check_sortino_noise(-0.01, side=1),
    "test_sortino_sub_noise": check_sortino_noise(0.0, side=-1),
    "test_sortino_translation_same": check_translation_same(metrics.sortino),
    "test_sortino_translation_diff": check_translation_diff(metrics.sortino),
    "test_excess_sharpe": check_excess_sharpe,
    "test_excess_sharpe_noisy": check_excess_sharpe_noisy,
    "test_excess_sharpe_trans": check_excess_sharpe_trans,
    "test_alpha_beta": check_alpha_beta,
    "test_alpha": check_alpha,
    "test_beta": check_beta,
    "test_alpha_beta_translation": check_alpha_beta_translation,
    "test_alpha_beta_with_nan_inputs": check_alpha_beta_with_nan_inputs,
    "test_alpha_beta_equality": check_alpha_beta_equality,
    "test_up_alpha_beta": check_sided_alpha_beta(1),
    "test_down_alpha_beta": check_sided_alpha_beta(-1),
    "test_stability_of_timeseries": check_stability,
    "test_tail_ratio": check_tail_ratio,
    "test_cagr": check_growth,
    "test_cagr_translation": check_cagr_translation,
    "test_cagr_noisy": check_cagr_noisy,
    "test_roll_max_drawdown": check_roll_max_drawdown,
    "test_roll_sharpe_ratio": check_roll_sharpe_ratio,
    "test_roll_alpha_beta": check_roll_alpha_beta,
    "test_capture_ratio": check_capture(capture),
    "test_up_capture": check_capture(up_capture),
    "test_down_capture": check_capture(down_capture),
    "test_up_down_capture": check_capture(up_down_capture),
    "test_roll_up_capture": check_roll_capture(up_capture),
    "test_roll_down_capture": check_roll_capture(down_capture),
    "test_roll_up_down_capture": check_roll_capture(up_down_capture),
    "test_batting_average": check_batting_average,
}


@pytest.fixture(scope="module")
def oracle(shared):
    return shared / "oracles" / "metrics"


@pytest.fixture(scope="module")
def vectors(oracle):
    fixtures = json.loads((oracle / "fixtures.json").read_text())
    return [Vector(raw, fixtures) for raw in json.loads((oracle / "vectors.json").read_text())["vectors"]]


@pytest.mark.shared
@pytest.mark.parametrize("name", CHECKS)
def test_published_vectors_hold(vectors, name):
    mine = [vector for vector in vectors if vector.raw["test"] == name and vector.label not in DIFFERS]
    assert mine, f"no vector named {name}"
    for vector in mine:
        CHECKS[name](vector)


@pytest.mark.shared
def test_every_published_vector_is_checked_or_listed(vectors):
    checked = {v.label for v in vectors if v.raw["test"] in CHECKS and v.label not in DIFFERS}
    listed = {v.label for v in vectors if v.label in DIFFERS}
    assert len({v.label for v in vectors}) == len(vectors) == 121
    assert len(checked) + len(listed) == 121
    assert listed == set(DIFFERS) and len(listed) == 11
    assert set(TRANSLATED) <= set(CHECKS)


@pytest.mark.shared
def test_infinite_sortino_of_others_is_nan_here(vectors):
    infinite = [v for v in vectors if v.args.get("expected") == "inf"]
    assert [v.raw["test"] for v in infinite] == ["test_sortino", "test_sortino"]
    assert all(math.isnan(metrics.sortino(v["returns"], 252)) for v in infinite)


@pytest.mark.shared
@pytest.mark.parametrize("name", OF_RETURNS)
def test_figures_of_the_published_fixtures_equal_slow_formulas(oracle, name):
    fixtures = json.loads((oracle / "fixtures.json").read_text())
    series = {key: value["values"] for key, value in fixtures.items() if key in SLOW_FIXTURES}
    assert len(series) == len(SLOW_FIXTURES)
    ours, slow = OF_RETURNS[name]
    for key, values in series.items():
        returns = np.array(values, dtype=np.float64)
        known = returns[~np.isnan(returns)].tolist()
        assert close(ours(returns), or_nan(slow, known)), (name, key)


SLOW_FIXTURES = (
    "simple_benchmark",
    "simple_benchmark_w_noise",
    "positive_returns",
    "negative_returns",
    "all_negative_returns",
    "mixed_returns",
    "monthly_returns",
    "one_return",
    "udu_returns",
    "empty_returns",
    "noise",
    "noise_uniform",
    "flat_line_0",
)

# --- short series against slow formulas ---

SERIES = (
    "all_negative",
    "constant",
    "daily_2y",
    "daily_5y_garch",
    "first_day_loss",
    "monthly_5y",
    "no_losses",
    "two_obs",
    "unrecovered_drawdown",
    "wipeout_minus_100",
    "with_gap_nan",
    "zeros",
)


def read_series(oracle, name):
    with (oracle / f"series_{name}.csv").open() as file:
        rows = list(csv.DictReader(file))
    dates = np.array([row["date"] for row in rows], "M8[ns]")
    returns, benchmark = ([float(row[column] or "nan") for row in rows] for column in ("ret", "bench"))
    return dates, np.array(returns), np.array(benchmark)


@pytest.mark.shared
def test_every_series_is_read(oracle):
    assert sorted(path.name for path in oracle.glob("*.csv")) == sorted(
        f"series_{name}.csv" for name in SERIES
    )


@pytest.mark.shared
@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("name", OF_RETURNS)
def test_figures_of_returns_equal_slow_formulas(oracle, series, name):
    _, returns, _ = read_series(oracle, series)
    ours, slow = OF_RETURNS[name]
    known = [value for value in returns.tolist() if not math.isnan(value)]
    assert close(ours(returns), or_nan(slow, known))


@pytest.mark.shared
@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("name", OF_PAIRS)
def test_figures_against_a_benchmark_equal_slow_formulas(oracle, series, name):
    _, returns, benchmark = read_series(oracle, series)
    ours, slow = OF_PAIRS[name]
    assert close(ours(returns, benchmark), or_nan(slow, returns.tolist(), benchmark.tolist()))


def slow_calendar(dates, returns, length):
    """Compound the returns of each year (length 4) or month (length 7) of an ISO date."""
    periods = {}
    for date, value in zip(np.datetime_as_string(dates, "D"), returns, strict=True):
        if not math.isnan(value):
            periods[date[:length]] = periods.get(date[:length], 1.0) * (1 + value)
    return {period: product - 1 for period, product in periods.items()}


@pytest.mark.shared
@pytest.mark.parametrize("series", [name for name in SERIES if name != "wipeout_minus_100"])
def test_summary_and_calendar_equal_slow_formulas(oracle, series):
    dates, returns, _ = read_series(oracle, series)
    equity = metrics.equity_of(returns, 5e5)
    known = [k for k, value in enumerate(returns) if not math.isnan(value)]
    days = (dates[known[-1]] - dates[known[0]]) / np.timedelta64(1, "D")
    per_year = (len(known) - 1) * 365.25 / days
    values = returns[known].tolist()
    figures = metrics.summary(equity, dates, 5e5)
    assert figures["sessions"] == len(known) and figures["days"] == days
    assert close(figures["periods_per_year"], per_year)
    assert close(figures["cagr"], (1 + slow_total(values)) ** (365.25 / days) - 1)
    assert close(figures["volatility"], statistics.stdev(values) * math.sqrt(per_year), absolute=1e-12)
    assert close(figures["sharpe"], or_nan(slow_ratio, values) * math.sqrt(per_year))
    worst = min(slow_drawdowns(slow_equity(values), 1.0))
    assert close(figures["max_drawdown"], worst)
    assert close(figures["calmar"], figures["cagr"] / -worst if worst else NAN)
    assert (figures["best_session"], figures["worst_session"]) == (
        pytest.approx(max(values)),
        pytest.approx(min(values)),
    )
    table = metrics.monthly_returns(equity, dates, 5e5).to_dict("index")
    months = {f"{year}-{month:02}": value for year, row in table.items() for month, value in row.items()}
    months = {month: value for month, value in months.items() if not math.isnan(value)}
    assert months == pytest.approx(slow_calendar(dates, returns, 7))
    years = metrics.yearly_returns(equity, dates, 5e5)
    assert {str(year): value for year, value in years.items()} == pytest.approx(
        slow_calendar(dates, returns, 4)
    )


# --- edges ---


def days(*numbers):
    return np.array(numbers, dtype=np.int64) * DAY


def test_drawdown_counts_from_the_starting_capital():
    assert metrics.max_drawdown([92.0, 97.0], start=100.0) == pytest.approx(-0.08, rel=1e-12)
    table = metrics.drawdowns([92.0, 97.0], days(3, 4), start=100.0)
    assert table["depth"].tolist() == pytest.approx([-0.08])
    assert table["start"][0] == table["trough"][0] == pd.Timestamp("1970-01-04", tz="UTC")
    assert table["recovery"].isna().all()
    assert (table["bars"][0], table["days"][0]) == (2, 1)


@pytest.mark.shared
def test_a_loss_on_the_first_day_is_a_drawdown(oracle):
    dates, returns, _ = read_series(oracle, "first_day_loss")
    equity = metrics.equity_of(returns, 100.0)
    assert metrics.max_drawdown(equity, 100.0) == pytest.approx(-0.05, rel=1e-12)
    assert metrics.max_drawdown(equity[1:], equity[0]) == pytest.approx(-0.02, rel=1e-12)
    first = metrics.drawdowns(equity, dates, 100.0).iloc[0]
    assert first["start"] == first["trough"] == pd.Timestamp("2021-01-04", tz="UTC")
    assert first["recovery"] == pd.Timestamp("2021-01-11", tz="UTC")
    assert (first["bars"], first["days"]) == (5, 7)


@pytest.mark.shared
@pytest.mark.parametrize("series", ["zeros", "constant"])
def test_ratios_without_variance_are_nan(oracle, series):
    _, returns, _ = read_series(oracle, series)
    assert metrics.volatility(returns, 252) == 0.0
    assert metrics.tracking_error(returns, returns, 252) == 0.0
    undefined = [
        metrics.sharpe(returns, 252),
        metrics.sortino(returns, 252),
        metrics.skew(returns),
        metrics.kurtosis(returns),
        metrics.omega(returns),
        metrics.profit_factor(returns),
        metrics.payoff_ratio(returns),
        metrics.information_ratio(returns, returns, 252),
        metrics.calmar(0.1, metrics.max_drawdown(metrics.equity_of(returns), 1.0)),
        *metrics.alpha_beta(np.arange(returns.size), returns, 252),
    ]
    assert all(math.isnan(value) for value in undefined)


@pytest.mark.parametrize("rate", [1e-8, 1e-6, 1e-4, 0.01, 0.5])
@pytest.mark.parametrize("start", [1e6 / 3, 7e8 / 9])
def test_the_rounding_of_prices_is_not_variance(rate, start):
    returns = metrics.returns_of(metrics.equity_of(np.full(60, rate), start), start)
    assert statistics.pstdev(returns) > 0
    assert metrics.volatility(returns, 252) == 0.0
    assert math.isnan(metrics.sharpe(returns, 252))


def test_small_variance_is_variance():
    returns = np.array([1e-8, 2e-8, 3e-8])
    assert metrics.sharpe(returns, 1) == pytest.approx(2.0, rel=1e-9)


def test_the_rounding_of_equity_is_not_a_drawdown():
    equity = [100.0, 100.0 - 3e-14, 100.0]
    assert metrics.max_drawdown(equity, 100.0) == 0.0
    assert metrics.drawdowns(equity, days(0, 1, 2), 100.0).empty
    assert math.isnan(metrics.calmar(0.1, metrics.max_drawdown(equity, 100.0)))


def test_rounding_is_no_divisor():
    assert math.isnan(metrics.sortino([0.01] * 9 + [-1e-16], 252))
    assert math.isnan(metrics.profit_factor([1e6, -1e-9]))
    assert math.isnan(metrics.payoff_ratio([1e6, -1e-9]))
    assert math.isnan(metrics.tail_ratio([0.0, 0.0, 1e-9]))
    assert metrics.profit_factor([1e-9, -1e-9]) == 1.0
    assert metrics.tail_ratio([-1e-13, 1e-13]) == pytest.approx(1.0)


def test_sums_beyond_float64_are_nan():
    huge = np.array([1.7e308, 1.7e308, -1.7e308, 1e308])
    assert math.isnan(metrics.sharpe(huge[[0, 1, 3]], 252))
    assert math.isnan(metrics.profit_factor(huge))
    assert math.isnan(metrics.alpha_beta(huge, [0.01, -0.02, 0.03, 1e200], 252).beta)
    signs = np.array([1.0, -1.0, 1.0, -1.0])
    assert math.isnan(metrics.alpha_beta(signs[[0, 0, 1, 1]] * 1e300, signs * 1e150, 252).beta)
    assert math.isnan(metrics.total_return(huge))


@pytest.mark.shared
def test_a_wipe_out_loses_everything(oracle):
    dates, returns, _ = read_series(oracle, "wipeout_minus_100")
    equity = metrics.equity_of(returns, 100.0)
    figures = metrics.summary(equity, dates, 100.0)
    assert (figures["total_return"], figures["cagr"], figures["max_drawdown"]) == (-1.0, -1.0, -1.0)
    assert metrics.total_return(returns) == -1.0
    assert math.isnan(figures["stability"])
    assert np.isnan(metrics.returns_of(equity, 100.0)).tolist() == [False] * 3 + [True] * 3
    table = metrics.drawdowns(equity, dates, 100.0)
    assert table["depth"][0] == -1.0 and pd.isna(table["recovery"][0])
    assert metrics.monthly_returns(equity, dates, 100.0).loc[2021, 1] == -1.0
    assert metrics.yearly_returns(equity, dates, 100.0).to_dict() == {2021: -1.0}


def test_a_debt_has_no_growth_rate_but_a_drawdown():
    assert math.isnan(metrics.cagr(100.0, -20.0, 365.25))
    assert metrics.max_drawdown([100.0, -20.0], 100.0) == pytest.approx(-1.2)


@pytest.mark.shared
def test_unknown_returns_are_left_out(oracle):
    dates, returns, benchmark = read_series(oracle, "with_gap_nan")
    known = ~np.isnan(returns)
    assert known.sum() == 6
    for ours, _ in OF_RETURNS.values():
        assert ours(returns) == ours(returns[known])
    assert metrics.alpha_beta(returns, benchmark, 252) == metrics.alpha_beta(
        returns[known], benchmark[known], 252
    )
    equity = metrics.equity_of(returns, 100.0)
    assert metrics.summary(equity, dates, 100.0) == metrics.summary(equity[known], dates[known], 100.0)


@pytest.mark.shared
def test_two_returns_are_enough(oracle):
    dates, returns, _ = read_series(oracle, "two_obs")
    assert metrics.sharpe(returns, 252) == pytest.approx(-0.005 / (0.03 / math.sqrt(2)) * ROOT, rel=1e-12)
    assert metrics.volatility(returns, 1) == pytest.approx(0.03 / math.sqrt(2), rel=1e-12)
    assert metrics.downside_deviation(returns, 1) == pytest.approx(0.02 / math.sqrt(2), rel=1e-12)
    figures = metrics.summary(metrics.equity_of(returns, 1.0), dates, 1.0)
    assert figures["cagr"] == pytest.approx(0.9898**365.25 - 1, rel=1e-12)


@pytest.mark.shared
def test_series_without_losses_have_no_downside(oracle):
    dates, returns, _ = read_series(oracle, "no_losses")
    assert metrics.downside_deviation(returns, 252) == 0.0
    undefined = [metrics.sortino(returns, 252), metrics.omega(returns), metrics.profit_factor(returns)]
    assert all(math.isnan(value) for value in undefined)
    equity = metrics.equity_of(returns)
    assert metrics.max_drawdown(equity, 1.0) == 0.0
    assert metrics.drawdowns(equity, dates, 1.0).empty
    assert metrics.summary(equity, dates, 1.0)["longest_drawdown"] == 0.0


@pytest.mark.shared
def test_an_unrecovered_drawdown_runs_to_the_last_mark(oracle):
    dates, returns, _ = read_series(oracle, "unrecovered_drawdown")
    only = metrics.drawdowns(metrics.equity_of(returns), dates, 1.0)
    assert len(only) == 1 and pd.isna(only["recovery"][0])
    assert only["start"][0] == pd.Timestamp("2021-01-05", tz="UTC")
    assert only["trough"][0] == pd.Timestamp("2021-01-11", tz="UTC")
    assert (only["bars"][0], only["days"][0]) == (8, 10)
    assert only["depth"][0] == pytest.approx(0.97 * 0.98 * 1.01 * 0.96 - 1, rel=1e-12)


def test_a_table_of_drawdowns_by_hand():
    equity = [110.0, 99.0, 110.0, 120.0, 60.0, NAN, 90.0, 121.0, 120.0]
    table = metrics.drawdowns(equity, days(0, 1, 4, 5, 6, 7, 8, 11, 12), 100.0)
    assert table["depth"].tolist() == pytest.approx([-0.5, -0.1, -1 / 121])
    assert table["bars"].tolist() == [2, 1, 1]
    assert table["days"].tolist() == [6, 4, 1]
    assert [stamp.day for stamp in table["start"]] == [6, 1, 12]
    assert [stamp.day for stamp in table["trough"]] == [7, 2, 13]
    assert [stamp.day for stamp in table["recovery"].dropna()] == [12, 5]
    assert {str(table[column].dtype) for column in ("start", "trough", "recovery")} == {"datetime64[ns, UTC]"}


def test_days_of_a_drawdown_are_calendar_days():
    morning, evening = 2 * DAY // 24, 20 * DAY // 24
    table = metrics.drawdowns([100.0, 90.0, 95.0], [evening, DAY + morning, 2 * DAY + morning], 100.0)
    assert table["days"].tolist() == [2]


def test_nothing_known_is_nan():
    for returns in ([], [NAN], [math.inf, -math.inf]):
        for ours, _ in OF_RETURNS.values():
            assert math.isnan(ours(returns))
        for ours, _ in OF_PAIRS.values():
            assert math.isnan(ours(returns, returns))
    figures = metrics.summary([], days(), 100.0)
    assert (figures.pop("sessions"), figures.pop("start")) == (0, 100.0)
    assert all(math.isnan(value) for value in figures.values())
    assert metrics.drawdowns([], days(), 100.0).empty
    assert metrics.monthly_returns([], days(), 100.0).shape == (0, 12)
    assert metrics.yearly_returns([], days(), 100.0).empty


def test_one_return_has_no_deviation():
    assert math.isnan(metrics.volatility([0.01], 252))
    assert math.isnan(metrics.sharpe([0.01], 252))
    assert math.isnan(metrics.sortino([0.01], 252))
    assert metrics.downside_deviation([0.01], 252) == 0.0
    assert metrics.total_return([0.01]) == pytest.approx(0.01)


@pytest.mark.parametrize("start", [0.0, -1.0, NAN, math.inf])
def test_a_start_that_is_no_capital_has_no_figures(start):
    assert math.isnan(metrics.max_drawdown([1.0, 2.0], start))
    assert np.isnan(metrics.returns_of([1.0, 2.0], start)).tolist() == [True, False]
    figures = metrics.summary([1.0, 2.0], days(0, 1), start)
    assert math.isnan(figures["cagr"]) and math.isnan(figures["total_return"])
    assert metrics.drawdowns([1.0, 0.5], days(0, 1), start).empty


def test_a_small_start_is_capital():
    figures = metrics.summary([1e-13, 2e-13], days(0, 1), 1e-13)
    assert figures["total_return"] == pytest.approx(1.0)


def test_cagr_goes_by_the_calendar():
    assert metrics.cagr(100.0, 200.0, 365.25) == pytest.approx(1.0)
    assert metrics.cagr(100.0, 400.0, 2 * 365.25) == pytest.approx(1.0)
    assert metrics.cagr(100.0, 0.0, 10.0) == -1.0
    undefined = [(0.0, 1.0, 1.0), (1.0, 1.0, 0.0), (1.0, 1.0, -3.0), (NAN, 1.0, 1.0), (1.0, 9.0**99, 1.0)]
    assert all(math.isnan(metrics.cagr(*arguments)) for arguments in undefined)


def test_sessions_per_year_are_counted():
    week = np.array(
        ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"], "M8[D]"
    )
    assert metrics.periods_per_year(week) == pytest.approx(5 / 7 * 365.25)
    zoned = pd.DatetimeIndex(week.astype("M8[ns]")).tz_localize("Asia/Tokyo") + pd.Timedelta("15h")
    assert metrics.periods_per_year(zoned) == metrics.periods_per_year(week)
    assert metrics.periods_per_year(week[::-1].astype("M8[ns]").view(np.int64)) == metrics.periods_per_year(
        week
    )
    assert metrics.periods_per_year(np.append(week, [week[0], np.datetime64("NaT")])) == pytest.approx(
        5 / 7 * 365.25
    )
    assert math.isnan(metrics.periods_per_year(week[:1]))
    for dates in (pd.DatetimeIndex(week.astype("M8[ns]")), pd.Series(week.astype("M8[s]"))):
        assert metrics.periods_per_year(dates) == metrics.periods_per_year(week)
    with pytest.raises(InputError, match="expected an instant with a zone, got the naive timestamp"):
        metrics.periods_per_year(["2024-01-01T09:00", "2024-01-02T09:00"])


def test_value_at_risk_is_a_quantile_and_its_tail_a_mean():
    returns = [1.0, 81.0, 82.0, 83.0, 84.0, 85.0]
    assert [metrics.value_at_risk(returns, level) for level in (0, 0.1, 0.2, 0.3, 1)] == pytest.approx(
        [1.0, 41.0, 81.0, 81.5, 85.0]
    )
    assert [metrics.expected_shortfall(returns, level) for level in (0, 0.1, 0.2, 1)] == pytest.approx(
        [1.0, 1.0, 41.0, statistics.fmean(returns)]
    )
    hundred_and_one = np.arange(101.0)
    assert metrics.expected_shortfall(hundred_and_one, 0.29) == pytest.approx(14.5)


def test_a_risk_free_rate_is_per_period():
    returns = np.array([0.02, -0.01, 0.03])
    assert metrics.sharpe(returns, 12, 0.001) == metrics.sharpe(returns - 0.001, 12)
    assert metrics.sharpe(returns, 12, [0.001, 0.002, 0.003]) == metrics.sharpe(
        returns - np.array([0.001, 0.002, 0.003]), 12
    )
    assert math.isnan(metrics.sharpe(returns, 12, NAN))
    assert math.isnan(metrics.sharpe(returns, NAN))
    assert math.isnan(metrics.sharpe(returns, 0.0))


def test_a_month_without_marks_is_unknown():
    dates = np.array(["2023-11-30", "2024-01-02", "2024-01-31"], "M8[ns]")
    table = metrics.monthly_returns([110.0, 120.0, 99.0], dates, 100.0)
    assert table.index.tolist() == [2023, 2024] and table.columns.tolist() == list(range(1, 13))
    assert table.loc[2023, 11] == pytest.approx(0.1) and table.loc[2024, 1] == pytest.approx(-0.1)
    assert table.notna().sum().sum() == 2
    assert metrics.yearly_returns([110.0, 120.0, 99.0], dates, 100.0).tolist() == pytest.approx([0.1, -0.1])


def test_bad_input_is_named():
    with pytest.raises(InputError, match="expected a level from 0 to 1, got 5; give the share"):
        metrics.value_at_risk([0.1], 5)
    with pytest.raises(InputError, match="expected a level from 0 to 1, got -0"):
        metrics.expected_shortfall([0.1], -0.05)
    with pytest.raises(InputError, match="expected 2 values of the other series for 2 returns, got 3"):
        metrics.alpha_beta([0.1, 0.2], [0.1, 0.2, 0.3], 252)
    with pytest.raises(InputError, match="expected one series of numbers, got 2 dimensions"):
        metrics.sharpe(np.zeros((2, 2)), 252)
    with pytest.raises(InputError, match="expected 2 dates for 2 marks of equity, got 1; align"):
        metrics.summary([1.0, 2.0], days(0), 1.0)
    for dates in (days(1, 0), days(1, 1), np.array(["NaT", "2024-01-01"], "M8[ns]")):
        with pytest.raises(InputError, match="expected ascending dates, got dates that are missing, repeat"):
            metrics.drawdowns([1.0, 2.0], dates, 1.0)


def test_examples_run():
    results = doctest.testmod(metrics)
    assert results.attempted > 25 and results.failed == 0


# --- laws ---

RETURNS = st.lists(st.floats(-0.5, 1.0), min_size=2, max_size=60).map(np.array)
MARKS = st.lists(st.floats(0.01, 1e4), min_size=1, max_size=60).map(np.array)
FREE_OF_ORDER = [name for name in OF_RETURNS if name not in ("total_return", "max_drawdown", "stability")]
FREE_OF_SCALE = [
    "sharpe",
    "sortino",
    "profit_factor",
    "payoff_ratio",
    "skew",
    "kurtosis",
    "tail_ratio",
    "omega",
]
OF_SCALE = ["volatility", "downside_deviation", "value_at_risk", "expected_shortfall"]


@settings(max_examples=50, deadline=None)
@given(RETURNS, st.floats(0.01, 100))
def test_scale_cancels_from_ratios_and_passes_through_deviations(returns, factor):
    returns = np.round(returns, 6)
    assume(np.std(returns) > 1e-6)
    for name in FREE_OF_SCALE:
        ours, _ = OF_RETURNS[name]
        assert close(ours(returns * factor), ours(returns), 1e-9, 1e-9), name
    for name in OF_SCALE:
        ours, _ = OF_RETURNS[name]
        assert close(ours(returns * factor), ours(returns) * factor, 1e-9, 1e-12), name


@settings(max_examples=50, deadline=None)
@given(MARKS, st.floats(0.5, 100), st.floats(0.01, 100))
def test_the_unit_of_money_does_not_matter(equity, start, factor):
    dates = days(*range(equity.size))
    reference = metrics.summary(equity, dates, start)
    scaled = metrics.summary(equity * factor, dates, start * factor)
    for name in ("total_return", "max_drawdown", "volatility", "positive_sessions", "longest_drawdown"):
        assert close(scaled[name], reference[name], 1e-9, 1e-11), name


@settings(max_examples=100, deadline=None)
@given(MARKS, st.floats(0.5, 100))
def test_drawdowns_agree_with_each_other(equity, start):
    fall = metrics.drawdown_series(equity, start)
    deepest = metrics.max_drawdown(equity, start)
    table = metrics.drawdowns(equity, days(*range(equity.size)), start)
    assert ((fall >= -1) & (fall <= 0)).all()
    np.testing.assert_allclose(fall, slow_drawdowns(equity.tolist(), start), rtol=0, atol=1.1e-12)
    assert deepest == fall.min() == (table["depth"][0] if len(table) else 0.0)
    assert table["depth"].is_monotonic_increasing
    assert table["bars"].sum() == np.count_nonzero(fall)
    assert table["recovery"].isna().sum() == (fall[-1] < 0)


@settings(max_examples=50, deadline=None)
@given(MARKS, st.floats(0.5, 100), st.data())
def test_blocks_join_without_a_trace(equity, start, data):
    cut = data.draw(st.integers(1, equity.size))
    head, tail = equity[:cut], equity[cut:]
    carried = max(start, head.max())
    joined = [metrics.drawdown_series(head, start), metrics.drawdown_series(tail, carried)]
    assert np.concatenate(joined).tobytes() == metrics.drawdown_series(equity, start).tobytes()
    joined = [metrics.returns_of(head, start), metrics.returns_of(tail, head[-1])]
    whole = metrics.returns_of(equity, start)
    assert np.concatenate(joined).tobytes() == whole.tobytes()
    parts = [metrics.total_return(joined[0]), metrics.total_return(joined[1]) if tail.size else 0.0]
    assert close((1 + parts[0]) * (1 + parts[1]), 1 + metrics.total_return(whole), 1e-9)
    assert close(metrics.total_return(whole), equity[-1] / start - 1, 1e-9, 1e-9)


@settings(max_examples=50, deadline=None)
@given(RETURNS, st.randoms(use_true_random=False))
def test_order_and_layout_leave_figures_to_the_bit(returns, random):
    order = random.sample(range(returns.size), returns.size)
    strided = np.repeat(returns, 3)[::3]
    strided.flags.writeable = False
    for name in FREE_OF_ORDER:
        ours, _ = OF_RETURNS[name]
        assert repr(ours(returns[order])) == repr(ours(returns)), name
    for ours, _ in OF_RETURNS.values():
        assert repr(ours(strided)) == repr(ours(returns))
    assert close(metrics.total_return(returns[order]), metrics.total_return(returns), 1e-9, 1e-12)


@settings(max_examples=50, deadline=None)
@given(RETURNS, st.lists(st.tuples(st.integers(0, 60), st.sampled_from([NAN, math.inf, -math.inf]))))
def test_unknown_values_do_not_count(returns, unknown):
    holed = returns.tolist()
    for place, value in unknown:
        holed.insert(place, value)
    for name, (ours, _) in OF_RETURNS.items():
        assert repr(ours(holed)) == repr(ours(returns)), name
    known = np.isfinite(holed)
    equity = metrics.equity_of(holed, 100.0)
    assert (np.isnan(equity) == ~known).all()
    assert equity[known].tobytes() == metrics.equity_of(returns, 100.0).tobytes()
    np.testing.assert_allclose(metrics.returns_of(equity, 100.0)[known], returns, rtol=0, atol=1e-12)
    for name, (ours, _) in OF_PAIRS.items():
        benchmark = np.arange(len(holed)) % 5 / 100
        assert repr(ours(holed, benchmark)) == repr(ours(returns, benchmark[known])), name


ANY = st.lists(st.floats(), max_size=12).map(np.array)


@settings(max_examples=200, deadline=None)
@given(ANY, st.floats(), st.floats(0, 1))
def test_figures_are_finite_or_nan_whatever_comes(values, number, level):
    benchmark = values[::-1]
    dates = days(*range(values.size))
    found = [ours(values) for ours, _ in OF_RETURNS.values()]
    found += [ours(values, benchmark) for ours, _ in OF_PAIRS.values()]
    found += [
        metrics.cagr(number, level, 3.0),
        metrics.cagr(level, number, 3.0),
        metrics.cagr(1.0, 2.0, number),
    ]
    found += [
        metrics.sharpe(values, number),
        metrics.sharpe(values, 252, number),
        metrics.omega(values, number),
    ]
    found += [metrics.value_at_risk(values, level), metrics.expected_shortfall(values, level)]
    found += [metrics.calmar(number, -level), metrics.t_statistic(values, dates // 3)]
    found += metrics.summary(values, dates, level).values()
    found += [*metrics.returns_of(values, number), *metrics.equity_of(values, level)]
    found += [*metrics.drawdown_series(values, number)]
    assert not any(math.isinf(value) for value in found)


# --- trades ---


def trades_table():
    at = pd.to_datetime(
        [
            "2023-12-29T01:00Z",
            "2024-01-04T01:00Z",
            "2024-01-04T23:00Z",
            "2024-01-05T01:00Z",
            "2024-01-09T01:00Z",
        ]
    ).as_unit("ns")
    return pd.DataFrame(
        {
            "pnl": [30.0, -10.0, 20.0, -20.0, 5.0],
            "return": [0.03, -0.01, 0.02, -0.02, 0.005],
            "gross_return": [0.031, -0.009, 0.021, -0.019, 0.006],
            "costs": [1.0, 1.0, 1.0, 1.0, 1.0],
            "bars": [1, 2, 3, 6, 1],
            "known_by": at,
            "entry_at": at + pd.Timedelta("3D"),
            "event_id": ["a", "b", "c", "d", "e"],
            "symbol": ["7203.T", "7203.T", "0700.HK", "0700.HK", "7203.T"],
            "tag": ["fed", "fed", "chip", "chip", "fed"],
            "market": ["Tokyo", "Tokyo", "Hong Kong", "Hong Kong", "Tokyo"],
            "direction": ["dovish", "hawkish", "positive", "negative", "dovish"],
            "side": [1, 1, -1, 1, 1],
            "status": ["closed", "closed", "closed", "closed", "open"],
        }
    )


def test_trade_summary_by_hand():
    figures = metrics.trade_summary(trades_table())
    means = [0.03, 0.005, -0.02]
    by_hand = {
        "trades": 4,
        "open": 1,
        "events": 4,
        "event_dates": 3,
        "symbols": 2,
        "hit_rate": 0.5,
        "mean_return": 0.005,
        "median_return": 0.005,
        "mean_gross_return": 0.006,
        "gross_pnl": 24.0,
        "costs": 4.0,
        "pnl": 20.0,
        "profit_factor": 50 / 30,
        "payoff_ratio": 25 / 15,
        "average_bars": 3.0,
        "best": 0.03,
        "worst": -0.02,
        "mean_by_date": 0.005,
        "standard_error": statistics.stdev(means) / math.sqrt(3),
        "t_statistic": 0.005 / (statistics.stdev(means) / math.sqrt(3)),
    }
    assert figures == pytest.approx(by_hand)
    assert not set(figures) & set(metrics.summary([1.0], days(0), 1.0))


def test_open_and_unknown_results_are_no_results():
    trades = trades_table()
    trades.loc[1, ["pnl", "return"]] = NAN
    figures = metrics.trade_summary(trades)
    assert (figures["trades"], figures["open"]) == (4, 1)
    assert figures["hit_rate"] == pytest.approx(2 / 3)
    assert figures["pnl"] == pytest.approx(30.0)
    assert metrics.trade_summary(trades.drop(columns="status"))["trades"] == 5


def test_no_trades_have_no_figures():
    figures = metrics.trade_summary(trades_table().iloc[:0])
    zeros = {"trades", "open", "events", "event_dates", "symbols", "gross_pnl", "costs", "pnl"}
    assert {name for name, value in figures.items() if value == 0} == zeros
    assert {name for name, value in figures.items() if math.isnan(value)} == set(figures) - zeros
    empty = metrics.by(trades_table().iloc[:0], "tag")
    assert empty.empty and empty.columns.tolist() == metrics.by(trades_table(), "tag").columns.tolist()


def test_groups_by_hand():
    table = metrics.by(trades_table(), "tag")
    assert table.index.tolist() == ["chip", "fed"] and table.index.name == "tag"
    fed = {"trades": 2, "event_dates": 2, "hit_rate": 0.5, "mean_return": 0.01, "standard_error": 0.02}
    fed |= {"t_statistic": 0.5, "profit_factor": 3.0, "pnl": 20.0}
    assert table.loc["fed"].to_dict() == pytest.approx(fed)
    chip = {"standard_error": 0.02, "mean_return": 0.0, "t_statistic": 0.0, "profit_factor": 1.0, "pnl": 0.0}
    assert table.loc["chip"].to_dict() == pytest.approx(fed | chip)
    assert table["trades"].dtype == table["event_dates"].dtype == np.int64


@pytest.mark.parametrize(
    ("key", "groups"),
    [
        ("tag", ["chip", "fed"]),
        ("market", ["Hong Kong", "Tokyo"]),
        ("symbol", ["0700.HK", "7203.T"]),
        ("year", [2024]),
        ("direction", ["dovish", "hawkish", "negative", "positive"]),
        ("side", [-1, 1]),
    ],
)
def test_groups_add_up_to_the_whole(key, groups):
    trades = trades_table()
    table, whole = metrics.by(trades, key), metrics.trade_summary(trades)
    assert table.index.tolist() == groups and table.index.name == key
    assert table["trades"].sum() == whole["trades"]
    assert table["pnl"].sum() == pytest.approx(whole["pnl"])
    hits = (table["hit_rate"] * table["trades"]).sum() / whole["trades"]
    assert hits == pytest.approx(whole["hit_rate"])


def test_the_year_is_that_of_the_entry():
    trades = trades_table()
    trades["entry_at"] = trades["known_by"]
    assert metrics.by(trades, "year")["trades"].to_dict() == {2023: 1, 2024: 3}
    trades["entry_at"] = pd.to_datetime("2023-12-31T16:00Z").tz_convert("Asia/Tokyo")
    assert metrics.by(trades, "year").index.tolist() == [2023]


def test_groups_without_a_name_are_kept():
    trades = trades_table()
    trades["tag"] = ["fed", None, None, "fed", "fed"]
    assert metrics.by(trades, "tag")["trades"].tolist() == [2, 2]
    trades["tag"] = pd.Categorical(["fed"] * 5, categories=["fed", "chip"])
    assert metrics.by(trades, "tag").index.tolist() == ["fed"]


def test_missing_columns_are_named():
    with pytest.raises(InputError, match="expected a column 'tags', got none; did you mean 'tag'"):
        metrics.by(trades_table(), "tags")
    with pytest.raises(InputError, match="expected a column 'costs', got none"):
        metrics.trade_summary(trades_table().drop(columns="costs"))


def test_one_headline_on_twenty_names_is_one_observation():
    news = np.array([0.01, -0.02, 0.03, 0.01, 0.005])
    alone = metrics.t_statistic(news, days(*range(5)))
    crowd = metrics.t_statistic(np.repeat(news, 20), np.repeat(days(*range(5)), 20) + np.arange(100))
    assert alone == pytest.approx(statistics.fmean(news) / statistics.stdev(news) * math.sqrt(5))
    assert crowd == pytest.approx(alone)
    assert math.isnan(metrics.t_statistic([0.01, 0.02], days(4, 4)))
    assert math.isnan(metrics.standard_error([0.01, 0.02], days(4, 4)))
    assert math.isnan(metrics.t_statistic([0.01, 0.01], days(4, 5)))
    assert metrics.standard_error([0.01, 0.01], days(4, 5)) == 0.0
    with pytest.raises(InputError, match="expected 2 dates for 2 returns, got 1"):
        metrics.t_statistic([0.01, 0.01], days(4))


@settings(max_examples=50, deadline=None)
@given(RETURNS, st.data())
def test_clustered_t_equals_a_slow_formula(returns, data):
    returns = np.round(returns, 6)
    size = returns.size
    dates: Floats = np.array(data.draw(st.lists(st.integers(0, 9), min_size=size, max_size=size)))
    order = data.draw(st.permutations(range(size)))
    groups: dict[int, list[float]] = {}
    for date, value in zip(dates.tolist(), returns.tolist(), strict=True):
        groups.setdefault(date, []).append(value)
    means = [statistics.fmean(values) for values in groups.values()]
    assume(len(means) < 2 or statistics.stdev(means) > 1e-9)
    expected = or_nan(slow_ratio, means) * math.sqrt(len(means))
    assert close(metrics.t_statistic(returns, dates * DAY), expected, 1e-9, 1e-9)
    assert close(metrics.t_statistic(returns[order], dates[order] * DAY), expected, 1e-9, 1e-9)
