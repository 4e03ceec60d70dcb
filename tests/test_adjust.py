"""Adjustment: our factors against prices recorded from Yahoo, and against the obvious loop."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aftershock.data.errors import InputError
from aftershock.data.prices import Tape
from aftershock.data.prices.adjust import factors, impossible_dividends, traded
from aftershock.data.prices.series import Series

# Recorded from Yahoo, as kept among the tests of yfinance (github.com/ranaroussi/yfinance, tests/data):
# date, close, adjusted close, dividend, split. Closes are restated for the split of 2023-03-30.
SHIN_ETSU_2023 = [
    ("2023-03-24", 4177, 4122.379296875, 0, 0),
    ("2023-03-27", 4192, 4137.183203125, 0, 0),
    ("2023-03-28", 4142, 4087.837109375, 0, 0),
    ("2023-03-29", 4206, 4151, 0, 0),
    ("2023-03-30", 4161, 4161, 55, 5),
    ("2023-03-31", 4275, 4275, 0, 0),
]
"""4063.T: a dividend and a split of one share into five on the same date."""
SHIN_ETSU_2022 = [
    ("2022-03-28", 3750, 3530.038818359375, 0, 0),
    ("2022-03-29", 3799, 3576.164794921875, 0, 0),
    ("2022-03-30", 3761, 3587.611328125, 50, 0),
    ("2022-03-31", 3758, 3584.749755859375, 0, 0),
]
"""4063.T: a dividend, in prices restated for a later split."""
NPK_2022 = [
    ("2022-02-24", 80.3499984741211, 67.92926788330078, 0, 0),
    ("2022-02-25", 83.5, 70.59233093261719, 0, 0),
    ("2022-02-28", 79.5, 71.03911590576172, 4.5, 0),
    ("2022-03-01", 79.41999816894531, 70.9676284790039, 0, 0),
]
"""NPK: a dividend of more than five per cent."""


def table(recorded):
    frame = pd.DataFrame(recorded, columns=["date", "close", "adjusted", "dividend", "split"])
    return frame.astype(dict.fromkeys(("close", "adjusted", "dividend", "split"), float))


@pytest.mark.parametrize("recorded", [SHIN_ETSU_2023, SHIN_ETSU_2022, NPK_2022])
def test_returns_equal_those_of_yahoos_adjusted_close(recorded):
    frame = table(recorded)
    split = frame["split"].to_numpy()
    close = traded(frame["close"].to_numpy(), split)
    dividend = traded(frame["dividend"].to_numpy(), split)
    ours = close / factors(close, dividend, split)
    np.testing.assert_allclose(
        ours[1:] / ours[:-1], frame["adjusted"][1:].to_numpy() / frame["adjusted"][:-1], rtol=1e-6
    )


def test_the_split_of_shin_etsu_is_undone():
    frame = table(SHIN_ETSU_2023)
    close = traded(frame["close"].to_numpy(), frame["split"].to_numpy())
    assert close.tolist() == [20885, 20960, 20710, 21030, 4161, 4275]


def test_the_tape_does_it_series_by_series():
    frame = table(SHIN_ETSU_2023)
    split = frame["split"].to_numpy()
    bars = frame.assign(
        symbol="4063.T", close=traded(frame["close"].to_numpy(), split), split=split, source="yahoo"
    ).drop(columns="adjusted")
    silent = bars.assign(symbol="8035.T", dividend=np.nan, split=np.nan)
    tape = Tape.from_frame(pd.concat([silent, bars[::-1]]))
    first, second = tape.position("4063.T"), tape.position("8035.T")
    own = slice(tape.offsets[first], tape.offsets[first + 1])
    other = slice(tape.offsets[second], tape.offsets[second + 1])
    np.testing.assert_allclose(tape.close[own] / tape.close[own][-1], frame["adjusted"] / 4275, rtol=1e-6)
    np.testing.assert_allclose(tape.close[own] * tape.factor[own], bars["close"], rtol=1e-12)
    assert np.isnan(tape.factor[other]).all()
    assert tape.close[other].tolist() == silent["close"].tolist()
    assert tape.warnings[tape.warnings["code"] == "actions"]["symbol"].tolist() == ["4063.T"]


def slow(close, dividend, split):
    """The obvious loop: walk back from the last bar, one date at a time."""
    factor = [1.0] * len(close)
    for t in range(len(close) - 1, 0, -1):
        known = [u for u in range(t) if not math.isnan(close[u])]
        step = split[t] if split[t] > 0 else 1.0
        if dividend[t] > 0 and known:
            held = close[known[-1]]
            for u in range(known[-1] + 1, t + 1):
                held /= split[u] if split[u] > 0 else 1.0
            if held * (1 - 1e-9) > dividend[t]:
                step *= held / (held - dividend[t])
        factor[t - 1] = factor[t] * step
    return factor


days = st.tuples(
    st.one_of(st.floats(1, 1000), st.just(math.nan)),
    st.sampled_from([0.0, 0.0, 0.0, 0.5, 3.0, 2000.0, math.nan]),
    st.sampled_from([1.0, 1.0, 0.0, 2.0, 0.1, 1.05, math.nan]),
)


@given(st.lists(days, min_size=1, max_size=12))
def test_factors_are_those_of_the_obvious_loop(bars):
    close, dividend, split = map(np.array, zip(*bars, strict=True))
    np.testing.assert_allclose(factors(close, dividend, split), slow(close, dividend, split), rtol=1e-12)


def test_a_dividend_that_cannot_be_is_told_and_moves_nothing():
    frame = pd.DataFrame(
        {
            "symbol": "8035.T",
            "date": ["2025-09-10", "2025-09-11", "2025-09-12"],
            "close": [100.0, 101.0, 102.0],
            "dividend": [5.0, 0.0, 200.0],
            "split": 1.0,
        }
    )
    wrong = impossible_dividends(*(frame[name].to_numpy() for name in ("close", "dividend", "split")))
    assert wrong.tolist() == [False, False, True]
    tape = Tape.from_frame(frame)
    assert tape.factor.tolist() == [1, 1, 1]
    told = tape.warnings[tape.warnings["code"] == "bad_dividend"]
    assert told["rows"].tolist() == [1]


@given(st.lists(days, min_size=2, max_size=8).filter(lambda bars: bars[0][0] == bars[0][0]))
def test_the_factors_of_a_series_are_those_of_its_tape(bars):
    """Rows without a price and dates that are no session move factors too, and leave the tape afterwards."""
    close, dividend, split = map(np.array, zip(*bars, strict=True))
    at = np.arange(20341, 20341 + len(bars))
    series = Series.made(at, {"close": close, "dividend": dividend, "split": split}, "1d", {})
    assume(not np.isnan([dividend, split]).all())
    tape = Tape.from_frame(series.to_frame().assign(symbol="8035.T"))
    np.testing.assert_array_equal(tape.factor, series.factor()[np.isin(at, tape.session)])


@pytest.mark.parametrize("times", [2, 3])
def test_a_row_that_is_there_again_pays_and_divides_once(times):
    frame = pd.DataFrame(
        {
            "symbol": "8035.T",
            "date": ["2025-09-10", "2025-09-11", "2025-09-12"],
            "close": [100.0, 48.0, 51.0],
            "dividend": [0.0, 2.0, np.nan],
            "split": [1.0, 2.0, 1.0],
        }
    )
    tape = Tape.from_frame(pd.concat([frame] * times, ignore_index=True))
    assert tape.digest() == Tape.from_frame(frame).digest()
    other = frame.iloc[[1]].assign(dividend=3.0)
    with pytest.raises(
        InputError,
        match=r"line 4, column dividend: expected one dividend for one bar, got another than on line 2",
    ):
        Tape.from_frame(pd.concat([frame, other], ignore_index=True))


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"split": -2.0}, r"line 2, column split: expected a split that is not negative, got -2"),
        ({"dividend": -1.0}, r"line 2, column dividend: expected a dividend that is not negative, got -1"),
        (
            {"factor": 2.0, "split": 1.0},
            r"line 2, column factor: expected a factor, or a dividend and a split, got both",
        ),
        ({"adj_close": 9.0, "split": 1.0}, r"expected adj_close or split, got both"),
    ],
)
def test_what_cannot_be_beside_prices_is_refused(cells, message, tmp_path):
    frame = pd.DataFrame({"symbol": "8035.T", "date": ["2025-09-12"], "close": [10.0], **cells})
    frame.to_csv(tmp_path / "bars.csv", index=False)
    from aftershock.data.prices import load_tape

    with pytest.raises(InputError, match=message):
        load_tape(tmp_path / "bars.csv")
