"""Bootstraps that have 10,000 event dates to draw from, one row each: the most that 10,000 rows can have."""

import numpy as np
import pytest

from aftershock.engine.studies import inference
from aftershock.engine.studies.simulated import simulated_abnormal


@pytest.mark.parametrize("test", ["block", "wild"])
def test_ten_thousand_draws_of_ten_thousand_dates(benchmark, test: str) -> None:  # type: ignore[no-untyped-def]
    alone = simulated_abnormal([1] * 10_000, np.random.default_rng(0), estimation=60)
    table = benchmark.pedantic(inference.tests_of, (alone,), {"tests": [test]}, rounds=3, warmup_rounds=1)
    assert table["p"].notna().all()
