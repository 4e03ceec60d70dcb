"""Power: analytic against simulated, and p-values of several groups against other programs' numbers."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aftershock.data.errors import InputError
from aftershock.engine.studies import inference
from aftershock.engine.studies.groups import adjusted, with_adjusted
from aftershock.engine.studies.power import planned_power, power_of
from aftershock.engine.studies.simulated import VOLATILITY, simulated_abnormal

CASES = {
    "one date": ([10], 0.2),
    "few dates": ([6, 3, 1], 0.3),
    "many dates": ([3] * 20, 0.3),
    "one name each": ([1] * 15, 0.0),
}


@pytest.mark.parametrize("case", CASES)
def test_planned_power_is_the_share_of_simulated_studies_that_see_it(case: str) -> None:
    sizes, correlation = CASES[case]
    plan = planned_power(sizes, scale=VOLATILITY, correlation=correlation)
    for effect in (plan.detectable, plan.detectable / 2, 0.0):
        rng = np.random.default_rng(7)
        found = [
            inference.tests_of(
                simulated_abnormal(sizes, rng, correlation=correlation, effect=effect, estimation=200),
                tests=["kolari_pynnonen"],
            )["p"][0]
            for _ in range(700)
        ]
        share, power = float(np.mean(np.array(found) < 0.05)), plan.at(effect)
        # Four standard errors of the share, and 2 % for the forecast errors that the plan leaves out.
        assert abs(share - power) < 4 * math.sqrt(power * (1 - power) / 700) + 0.02, (effect, share, power)


def test_power_of_a_study_follows_from_its_own_error() -> None:
    study = simulated_abnormal([4] * 30, np.random.default_rng(1), correlation=0.3, width=3)
    power = power_of(study, 0, 2)
    row = inference.tests_of(study, [(0, 2)], tests=["kolari_pynnonen"]).iloc[0]
    assert power.standard_error == row["standard_error"]
    assert power.df == row["df"]
    assert power.at(power.detectable) == pytest.approx(0.8)
    assert power.at(-power.detectable) == pytest.approx(0.8)
    curve = power.curve()
    assert curve["power"].is_monotonic_increasing
    assert curve["power"].iloc[0] == pytest.approx(0.05)
    assert power.correlation == pytest.approx(0.3, abs=0.05)


def test_more_names_of_one_headline_say_little_more() -> None:
    ten, hundred, dates = (planned_power(x, scale=0.02, correlation=0.3) for x in ([10], [100], [1] * 100))
    assert hundred.detectable > 0.75 * ten.detectable
    assert dates.detectable < 0.3 * hundred.detectable
    assert hundred.independent < 1 / 0.3


def test_nothing_measured_has_no_power() -> None:
    study = simulated_abnormal([3], np.random.default_rng(1))
    power = power_of(study._replace(window=np.full_like(study.window, np.nan)), 0, 0)
    assert power.firms == 0
    assert math.isnan(power.detectable)
    lone = planned_power([1], scale=0.02)
    assert math.isnan(lone.detectable)
    assert math.isnan(lone.at(0.1))


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"sizes": [], "scale": 0.02}, "names on each date"),
        ({"sizes": [3, 0], "scale": 0.02}, "names on each date"),
        ({"sizes": [3], "scale": -1.0}, "scale"),
        ({"sizes": [3], "scale": 0.02, "wanted": 80.0}, "power"),
    ],
)
def test_plans_that_cannot_be(settings: dict, match: str) -> None:
    with pytest.raises(InputError, match=match):
        planned_power(**settings)


@pytest.mark.shared
@pytest.mark.parametrize(("ours", "theirs"), [("holm", "holm"), ("by", "fdr_by"), ("bh", "fdr_bh")])
def test_adjusted_p_values_are_those_of_statsmodels(shared: Path, ours: str, theirs: str) -> None:
    cases = json.loads((shared / "oracles/multiple_testing/multipletests_statsmodels.json").read_text())[
        "cases"
    ]
    for name, case in cases.items():
        p = np.array([np.nan if x is None else x for x in case["p"]], float)
        expected = np.array([np.nan if x is None else x for x in case[theirs]["p_adj"]], float)
        if name == "with_na" and len(expected) != len(p):
            expected_known, p = expected, p[~np.isnan(p)]
            expected = expected_known
        np.testing.assert_allclose(adjusted(p, ours), expected, rtol=1e-10, err_msg=name)


def test_adjusted_over_groups_of_the_same_window_and_test() -> None:
    table = pd.DataFrame(
        {
            "tag": ["a", "a", "b", "b", "c", "c"],
            "first": [0, 1] * 3,
            "last": [0, 1] * 3,
            "test": "t",
            "p": [0.01, 0.5, 0.02, math.nan, 0.03, 0.001],
        }
    )
    found = with_adjusted(table)
    assert found["p_holm"].tolist()[::2] == pytest.approx([0.03, 0.04, 0.04])
    assert found["p_holm"].tolist()[1::2] == pytest.approx([0.5, math.nan, 0.002], nan_ok=True)
    assert (found["p_by"].dropna() >= found["p"].dropna()).all()


def test_p_values_that_are_none() -> None:
    with pytest.raises(InputError, match="p-values"):
        adjusted(np.array([0.1, 1.5]))
    with pytest.raises(InputError, match="adjustment"):
        adjusted(np.array([0.1]), "bonferoni")
    assert adjusted(np.zeros(0)).tolist() == []
