"""What the simulated market hides comes back within the bands of a study as often as they say."""

import numpy as np
import pandas as pd

import aftershock as af
from aftershock.data.events import load_events
from aftershock.data.prices import simulated_market
from aftershock.data.prices.simulated import EFFECTS

SYMBOLS = (
    ["8035.T", "6857.T", "6758.T", "000660.KS", "005930.KS", "2330.TW", "2454.TW", "0700.HK", "9988.HK", "INFY.NS"]
)  # fmt: skip
SEEDS = 16


def spaced_events() -> af.Events:
    """One headline every 25 weekdays, so that no effect falls into the window of another."""
    days = pd.bdate_range("2019-03-04", "2025-06-30")[::25]
    ways = [list(EFFECTS)[place % len(EFFECTS)] for place in range(len(days))]
    return load_events(
        pd.DataFrame(
            {
                "event_id": [f"e{place}" for place in range(len(days))],
                "known_by": [f"{day:%Y-%m-%d}T22:00Z" for day in days],
                "tag": [tag for tag, _ in ways],
                "direction": [direction for _, direction in ways],
                "scope": "global",
                "symbols": "",
            }
        )
    )


def test_planted_effects_come_back_within_their_bands():
    events, found = spaced_events(), []
    for seed in range(SEEDS):
        market = simulated_market(
            SYMBOLS, start="2017-06-01", end="2025-12-31", seed=seed, events=events.frame
        )
        for (tag, direction), effect in EFFECTS.items():
            last = effect.sessions - 1
            study = af.study(
                events, market.tape, af.Reaction(tag=tag, direction=direction),
                model="mean", returns="log", window=(0, last), cars=((0, last),), by=(), draws=0,
            )  # fmt: skip
            told = study.tests.set_index("test").loc["kolari_pynnonen"]
            planted = abs(effect.gap + effect.drift)
            found.append((planted, told["effect"], told["low"] <= planted <= told["high"]))
    planted, effect, covered = (np.array(each, float) for each in zip(*found, strict=True))
    # 96 bands of 95 %: 3 standard deviations of a share are 6.7 points.
    assert 0.88 <= covered.mean() <= 1.0
    off = effect - planted
    assert abs(off.mean()) < 3 * off.std(ddof=1) / np.sqrt(len(off))


EXPERIMENT = """
[events]
catalogue = ["fomc", "tariffs"]
start = "2018-06-01"
end = "2025-12-31"

[prices]
simulated = true

[universe]
symbols = ["8035.T", "6857.T", "000660.KS", "005930.KS", "2330.TW", "0700.HK", "9988.HK", "INFY.NS"]

[strategy]
tag = ["fed", "tariff"]

[study]
window = [-5, 10]
cars = [[0, 0], [0, 3]]
by = ["direction"]
draws = 0

[run]
seed = {seed}
"""


def test_an_experiment_says_what_was_planted_beside_what_it_found(tmp_path):
    """Real dates, effects that overlap, the market model: what was planted in the very windows comes back."""
    covered = []
    for seed in range(6):
        path = tmp_path / f"{seed}.toml"
        path.write_text(EXPERIMENT.replace("{seed}", str(seed)))
        found = af.study_experiment(path)
        place = ["by", "group", "first", "last"]
        told = found.tests[found.tests["test"] == "kolari_pynnonen"].set_index(place)
        planted = found.power.set_index(place)["planted"]
        assert planted.notna().all()
        assert (planted.xs("direction") > 0.003).all()
        covered += ((told["low"] <= planted) & (planted <= told["high"])).loc["direction"].tolist()
    # 48 bands of 95 %: 3 standard deviations of a share are 9.4 points.
    assert np.mean(covered) >= 0.85
    assert "SIMULATED" in found.manifest["caveats"][0]
