"""The side-by-side benchmark: its baseline by hand, its answers held to it, and none told that are wrong."""

import json
import runpy
import subprocess
import sys

import numpy as np
import pytest


@pytest.fixture(scope="module")
def peers(root):
    return runpy.run_path(str(root / "benchmarks" / "peers.py"))


@pytest.fixture(scope="module")
def by_hand(peers):
    """One stock of six bars; the second event comes while it is held, the third on the bar after the exit."""
    bars = np.array([[10.0, 10.0], [10.0, 11.0], [11.0, 12.0], [12.0, 9.0], [8.0, 10.0], [10.0, 10.0]])
    open_, close = bars[:, :1], bars[:, 1:]
    stock, bar = np.zeros(3, np.int64), np.array([0, 1, 2])
    return sys.modules["workload"].Workload(open_, close, open_, close, stock, bar, np.ones(3), False)


def test_the_baseline_is_what_is_published(peers, by_hand):
    trades = np.array(peers["with_numpy"].taken(by_hand, 1, 0, 0.0)).T
    assert trades.tolist() == [[0, 1, 2], [0, 3, 4]]
    trials = sys.modules["workload"].Trials(*(np.array([one]) for one in (1, 0, 0.0)))
    growth = np.array([1.0, 1.1 / 1.001, 12.0 / 11.0 * 0.999, 9.0 / 12.0 / 1.001, 10.0 / 9.0 * 0.999, 1.0])
    total, drawdown, sharpe = peers["with_numpy"].run(by_hand, trials)[0, 0]
    assert total == pytest.approx(growth.prod() - 1.0)
    assert drawdown == pytest.approx(growth[3] - 1.0)
    returns = growth - 1.0
    assert sharpe == pytest.approx(returns.mean() / returns.std(ddof=1) * np.sqrt(252))
    shared = by_hand._replace(shared=True)
    total, drawdown, _ = peers["with_numpy"].run(shared, trials)[0, 0]
    first, second = 0.2 - 0.001 - 0.0012, -2.0 / 12.0 - 0.001 - 0.001 * 10.0 / 12.0
    assert total == pytest.approx(0.05 * (first + second))
    assert drawdown == pytest.approx(0.05 * (-0.25 - 0.001) / (1.0 + 0.05 * first))
    weak = trials._replace(threshold=np.array([2.0]))
    assert np.isnan(peers["with_numpy"].run(by_hand, weak)[0, 0, 2])


def test_a_drawdown_has_the_starting_capital(peers, by_hand):
    trials = sys.modules["workload"].Trials(*(np.array([one]) for one in (0, 2, 0.0)))
    total, drawdown, _ = peers["with_numpy"].run(by_hand, trials)[0, 0]
    first = 9.0 / 12.0 / 1.001 * 0.999
    assert drawdown == pytest.approx(first - 1.0)
    assert total == pytest.approx(first * (10.0 / 8.0) * (10.0 / 10.0) * (0.999 / 1.001) ** 2 - 1.0)


def test_trials_and_samples(peers):
    workload = peers["make"]("A")
    for count in (100, 1_000, 10_000):
        trials = peers["trials_of"](count, workload.strength)
        assert len(set(zip(*map(np.ndarray.tolist, trials), strict=True))) == count
        places = peers["sample"](count, 7)
        assert len(set(places)) == 7
        assert 0 <= places.min() <= places.max() < count
    with pytest.raises(ValueError, match="expected a multiple of 100 as count of trials, got 150"):
        peers["trials_of"](150, workload.strength)


def test_wrong_answers_stop_it(peers):
    workload, places = peers["make"]("tiny"), peers["sample"](100, 10)
    trials = peers["trials_of"](100, workload.strength).at(places)
    figures = peers["with_numpy"].run(workload, trials)
    numpy = next(peer for peer in peers["PEERS"] if peer.name == "numpy")
    peers["check"](numpy, "tiny", 100, {"figures": figures, "places": places})
    wrong = figures.copy()
    wrong[3, 2, 1] += 1e-6
    with pytest.raises(SystemExit, match="numpy answers otherwise on workload tiny: up to 1e-06 apart"):
        peers["check"](numpy, "tiny", 100, {"figures": wrong, "places": places})
    twice = np.repeat(places[:1], 2)
    with pytest.raises(SystemExit, match="only 1 of 2 trials of workload tiny are distinct"):
        peers["check"](numpy, "tiny", 100, {"figures": figures[[0, 0]], "places": twice})


def test_aftershock_answers_as_the_baseline_does(root):
    command = [sys.executable, str(root / "benchmarks" / "peers.py"), "--json", "--quick"]
    asked = ["--workload", "tiny", "--peer", "aftershock", "numpy"]
    done = subprocess.run([*command, *asked], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert [(row["peer"], row["run"], row["skipped"]) for row in told["rows"]] == [
        ("aftershock", 100, ""),
        ("numpy", 100, ""),
    ]
    assert all(row["ms_per_trial"] > 0 and row["peak_mb"] > 10 for row in told["rows"])
