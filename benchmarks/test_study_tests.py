"""Tests of 10,000 events on instruments over a window of 11 days, fitted on 250: closed forms and bootstraps."""

import numpy as np
import pytest

from aftershock.engine.studies import inference
from aftershock.engine.studies.simulated import simulated_abnormal
from aftershock.engine.studies.types import Abnormal


@pytest.fixture(scope="module")
def study() -> Abnormal:
    made = simulated_abnormal([4] * 2_500, np.random.default_rng(0), correlation=0.3, width=11)
    return made._replace(session=16_000 + made.date)


def test_all_closed_tests_of_each_day_and_the_window(benchmark, study: Abnormal) -> None:  # type: ignore[no-untyped-def]
    table = benchmark(inference.tests_of, study)
    assert table["p"].notna().all()


@pytest.mark.parametrize("test", ["block", "wild"])
def test_ten_thousand_draws_of_ten_thousand_dates(benchmark, test: str) -> None:  # type: ignore[no-untyped-def]
    alone = simulated_abnormal([1] * 10_000, np.random.default_rng(0), estimation=60)
    table = benchmark.pedantic(inference.tests_of, (alone,), {"tests": [test]}, rounds=3, warmup_rounds=1)
    assert table["p"].notna().all()
