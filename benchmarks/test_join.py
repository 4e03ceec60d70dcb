"""One million instants against every venue: the join, and the same with pandas' merge_asof."""

import numpy as np
import pandas as pd
import pytest

from aftershock.data.instants import to_index
from aftershock.data.venues import VENUES, venue
from aftershock.engine.align import clock

N = 1_000_000
FIRST, LAST = pd.Timestamp("2010-01-04T00:00Z").value, pd.Timestamp("2025-12-30T00:00Z").value


@pytest.fixture(scope="module")
def instants() -> np.ndarray:
    return np.random.default_rng(0).integers(FIRST, LAST, N)


@pytest.fixture(scope="module", autouse=True)
def compiled_calendars() -> None:
    for mic in VENUES:
        clock(venue(mic), np.array([FIRST]))


def everything(instants: np.ndarray) -> list[np.ndarray]:
    found = [clock(venue(mic), instants) for mic in VENUES]
    return [one.first_open for one in found]


def with_pandas(instants: np.ndarray) -> list[np.ndarray]:
    """Only the first open, of what `clock` also says about closes, phases and tradable instants."""
    left = pd.DataFrame({"known": np.sort(instants)})
    found = []
    for mic in VENUES:
        days = venue(mic).sessions
        right = pd.DataFrame({"cutoff": days.open_cutoff, "open": days.opens_at})
        merged = pd.merge_asof(left, right, left_on="known", right_on="cutoff", direction="forward")
        found.append(merged["open"].to_numpy())
    return found


def test_the_two_agree(instants: np.ndarray) -> None:
    ordered = np.sort(instants)[:1000]
    for ours, theirs in zip(everything(ordered), with_pandas(ordered), strict=True):
        assert (to_index(ours) == to_index(theirs.astype(np.int64))).all()


@pytest.mark.benchmark(group="join: 1,000,000 instants x 17 venues")
def test_join(benchmark, instants: np.ndarray) -> None:  # type: ignore[no-untyped-def]
    benchmark(everything, instants)


@pytest.mark.benchmark(group="join: 1,000,000 instants x 17 venues")
def test_join_by_merge_asof(benchmark, instants: np.ndarray) -> None:  # type: ignore[no-untyped-def]
    benchmark(with_pandas, instants)
