"""Bars that are kept from filling for what was found on them."""

import numpy as np
import pandas as pd
import pytest

from aftershock.data.errors import InputError
from aftershock.data.prices import Tape, load_tape
from aftershock.data.prices.cleaning import EXCLUDABLE

ONE = "8035.T"
PRICES = ["open", "high", "low", "close"]
DAYS = (
    load_tape(pd.DataFrame({"symbol": ONE, "date": pd.bdate_range("2025-01-06", periods=130), "close": 1.0}))
    .session[:120]
    .astype("M8[D]")
)


def bars(count=80):
    rng = np.random.default_rng(3)
    close = 1000 * np.exp(np.cumsum(rng.normal(0, 0.02, count)))
    opens = close * np.exp(rng.normal(0, 0.01, count))
    return pd.DataFrame(
        {
            "symbol": ONE,
            "date": DAYS[:count],
            "open": opens,
            "high": np.maximum(opens, close) * 1.01,
            "low": np.minimum(opens, close) * 0.99,
            "close": close,
            "volume": 1000.0,
        }
    )


@pytest.fixture(scope="module")
def clean():
    return bars()


def spoil_open(frame, at):
    frame.loc[at, "open"] = np.nan


def spoil_range(frame, at):
    frame.loc[at, "open"] = frame.loc[at, "high"] * 1.001


def spoil_split(frame, at):
    frame.loc[at:, PRICES] /= 4.0
    frame.loc[at, "open"] = frame.loc[at - 1, "close"] / 4.0
    frame.loc[at, ["high", "low"]] = frame.loc[at, "open"] * np.array([1.2, 0.8])


def spoil_stale(frame, at):
    frame.loc[at - 3 : at, PRICES] = frame.loc[at - 4, PRICES].to_numpy(float)


def spoiled(spoil, count=80):
    frame = bars(count)
    spoil(frame, 60)
    return frame


@pytest.mark.parametrize(
    ("code", "spoil"),
    [
        ("missing_open", spoil_open),
        ("outside_range", spoil_range),
        ("split_like", spoil_split),
        ("stale", spoil_stale),
    ],
)
def test_bars_with_a_finding_do_not_fill(code, spoil):
    frame = spoiled(spoil)
    assert not load_tape(frame).halted.any()
    tape = load_tape(frame, exclude=[code])
    assert np.flatnonzero(tape.halted).tolist() == [60]
    told = tape.warnings[tape.warnings["code"] == "excluded"].iloc[0]
    assert (told["symbol"], told["rows"], told["severity"]) == (ONE, 1, "warning")
    assert told["message"].endswith(f"({code})")
    assert load_tape(frame, exclude=code).digest() == tape.digest()


def test_synthetic_opens():
    frame = bars()
    frame["open"] = frame["close"].shift().fillna(frame["open"])
    frame["high"], frame["low"] = frame["close"] * 2, frame["close"] / 2
    assert load_tape(frame, exclude=["synthetic_open"]).halted.sum() == 60


def test_nothing_else_changes(clean):
    assert load_tape(clean, exclude=list(EXCLUDABLE)).digest() == load_tape(clean).digest()
    assert load_tape(clean, exclude=list(EXCLUDABLE)).warnings.empty


def test_a_bar_is_judged_by_those_before_it_only():
    frame = spoiled(spoil_stale)
    spoil_range(frame, 30)
    spoil_open(frame, 20)
    whole = load_tape(frame, exclude=list(EXCLUDABLE))
    for cut in range(2, 80, 3):
        part = load_tape(frame.head(cut), exclude=list(EXCLUDABLE))
        assert part.halted.tolist() == whole.halted[:cut].tolist()


def test_codes_of_single_bars_only(clean):
    with pytest.raises(InputError, match=r"got 'split_lik'; did you mean 'split_like'\?"):
        load_tape(clean, exclude=["split_lik"])
    with pytest.raises(InputError, match="expected codes of single bars in exclude, got 'gap'"):
        Tape.from_frame(clean, exclude=["gap"])


def test_not_of_a_tape_that_is_made(clean):
    with pytest.raises(InputError, match="got a tape; give exclude where the tape is made"):
        load_tape(load_tape(clean), exclude=["stale"])
