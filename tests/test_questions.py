"""The five questions, by hand: what they answer, and that what cannot be told is undefined with a reason."""

import math

import numpy as np
import pandas as pd
import pytest

from aftershock.data.calendars import sessions
from aftershock.data.instants import DAY
from aftershock.data.prices import Tape
from aftershock.engine.clock import NO_US, Beyond, Held, beyond_clock, remaining, us_moves
from aftershock.engine.questions import before_entry, by_precision, by_surprise, reaching_zero, without_best
from aftershock.engine.returns import Returns


def days(*texts: str) -> pd.DatetimeIndex:
    return pd.to_datetime(list(texts), utc=True)


def fall(**columns: list[float]) -> pd.DataFrame:
    known = days("2024-01-04", "2024-01-05")
    return pd.DataFrame({"target": 1000.0, "run_up": 0.0, "gap": 0.0, "known_by": known} | columns)


def trades(returns: list[float], pnl: list[float], *known: str) -> pd.DataFrame:
    ids = [f"e{n}" for n in range(len(returns))]
    return pd.DataFrame(
        {"event_id": ids, "tag": "fed", "return": returns, "pnl": pnl, "known_by": days(*known)}
    )


DATES = ("2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09")


# ------------------------------------------------------------------------------------ before the entry


def test_the_move_is_parted_at_the_entry() -> None:
    told = before_entry(fall(reaction=[30.0, 10.0], run_up=[-5.0, 1.0], gap=[-20.0, -4.0]))
    assert told["reaction"] == pytest.approx(40 / 2000)
    assert told["run_up"] == pytest.approx(4 / 2000)
    assert told["gap"] == pytest.approx(24 / 2000)
    assert told["after"] == pytest.approx(12 / 2000)
    assert told["share"] == pytest.approx(28 / 40)
    assert told["reason"] == ""


def test_a_share_of_no_move_is_undefined_with_a_reason() -> None:
    told = before_entry(fall(reaction=[10.0, -10.0]))
    assert math.isnan(told["share"])
    assert told["reason"] == "prices did not move after the news"
    none = before_entry(fall(reaction=[1.0, 1.0]).head(0))
    assert math.isnan(none["share"]) and none["reason"] == "no signal had a bar to enter at"


# ------------------------------------------------------------------------------------ surprise, precision


def test_surprises_are_halved_within_their_tag() -> None:
    own = trades([0.01, 0.02, 0.03, 0.04], [1.0] * 4, *DATES).assign(tag=["fed", "fed", "chip", "chip"])
    events = pd.DataFrame({"event_id": ["e0", "e1", "e2", "e3"], "surprise": [-0.5, 0.1, 40.0, 0.0]})
    found = {each["group"]: each["mean"] for each in by_surprise(own, events)}
    # The median of fed is 0.3, that of chip 40: units do not mix.
    assert found == {"large": pytest.approx(0.02), "small": 0.02, "none": 0.04}


def test_precision_goes_from_fine_to_coarse_and_a_date_counts_once() -> None:
    own = trades([0.01, 0.03, 0.05, 0.02], [1.0] * 4, "2024-01-04", "2024-01-04", "2024-01-05", "2024-01-08")
    events = pd.DataFrame({"event_id": ["e0", "e1", "e2"], "precision": ["day", "day", "instant"]})
    found = by_precision(own, events)
    assert [(each["group"], each["trades"], each["event_dates"]) for each in found] == [
        ("instant", 1, 1),
        ("day", 2, 1),
        ("unknown", 1, 1),
    ]
    assert math.isnan(found[1]["standard_error"])


# ------------------------------------------------------------------------------------ best dates


def test_the_best_dates_are_taken_away_whole() -> None:
    own = trades([0.05, 0.04, -0.01, -0.03], [30.0, 25.0, 40.0, -20.0], "2024-01-04", *DATES[:3])
    told = without_best(own, 1)
    assert [each["pnl"] for each in told["dates"]] == [55.0, 40.0, -20.0]
    assert told["dates"][0]["date"] == "2024-01-04"
    assert (told["pnl"], told["pnl_without"]) == (75.0, 20.0)
    assert told["mean_without"] == pytest.approx(-0.02)
    assert told["reason"] == ""


def test_of_three_dates_nothing_is_left_to_judge() -> None:
    told = without_best(trades([0.01] * 3, [1.0] * 3, *DATES[:3]))
    assert math.isnan(told["pnl_without"]) and math.isnan(told["mean_without"])
    assert told["reason"] == "there are no more than 3 event dates"


# ------------------------------------------------------------------------------------ cost, participation


def sold(pnl: float, costs: float) -> pd.DataFrame:
    fills = {"quantity": [2.0, 1.0], "entry_fill": [100.0, 200.0], "exit_fill": [100.0, 200.0]}
    return pd.DataFrame({**fills, "notional": 200.0, "pnl": [pnl, 0.0], "costs": [costs, 0.0]})


def test_break_even_is_the_gross_profit_over_what_was_traded() -> None:
    told = reaching_zero(sold(6.0, 2.0), 2.0, [20_000.0, 40_000.0], [0.01, 0.03])
    assert told["turnover"] == 800.0
    assert told["break_even"] == pytest.approx(8 / 800)
    assert told["cost"] == pytest.approx(2 / 800)
    # 8 = (400 x 0.01 + 400 x 0.03) x sqrt(p)
    assert told["participation"] == pytest.approx(0.25)
    assert told["participation_now"] == pytest.approx(0.0075)


def test_trades_of_unknown_volume_are_taken_to_be_like_the_others() -> None:
    told = reaching_zero(sold(6.0, 2.0), 2.0, [20_000.0, math.nan], [0.02, 0.02])
    assert told["participation"] == pytest.approx((8 / (800 * 0.02)) ** 2)
    assert told["participation_trades"] == 1


@pytest.mark.parametrize(
    ("pnl", "costs", "slippage", "volume", "key", "reason"),
    [
        (-3.0, 2.0, 0.0, 1e4, "break_even", "before costs the trades lost already: no cost is low enough"),
        (-3.0, 4.0, 1.0, 1e4, "participation", "charges alone take it all, whatever the size"),
        (
            3.0,
            1.0,
            1.0,
            math.nan,
            "participation",
            "no volume is known of what was traded, or no rate to base",
        ),
    ],
)
def test_what_is_never_reached_is_undefined_with_a_reason(
    pnl: float, costs: float, slippage: float, volume: float, key: str, reason: str
) -> None:
    told = reaching_zero(sold(pnl, costs), slippage, [volume] * 2, [0.02] * 2)
    assert math.isnan(told[key])
    assert told["reason" if key == "break_even" else "participation_reason"] == reason


# ------------------------------------------------------------------------------------ the clock


def made(opens: np.ndarray, closes: np.ndarray) -> Tape:
    days = sessions("XASX").session
    first = np.searchsorted(days, np.datetime64("2020-02-03").astype(int))
    dates = days[first : first + len(opens)].astype("M8[D]").astype("M8[ns]")
    high, low = np.maximum(opens, closes), np.minimum(opens, closes)
    frame = pd.DataFrame(
        {"symbol": "BHP.AX", "date": dates, "open": opens, "high": high, "low": low, "close": closes}
    )
    return Tape.from_frame(frame)


def test_last_night_is_what_closed_between_two_of_our_sessions() -> None:
    tape = made(np.full(4, 100.0), np.full(4, 100.0))
    opens = tape.opens_at
    # Two US sessions before the third bar (as after a holiday here), none before the second.
    us = Returns(
        np.array([opens[0] - DAY, opens[2] - 5, opens[2] - 3, opens[3] - 2]), np.array([0.5, 0.1, 0.2, 0.03])
    )
    moves = us_moves(tape, us)
    assert math.isnan(moves[0])
    assert moves[1:] == pytest.approx([0.0, 1.1 * 1.2 - 1, 0.03])


def test_the_us_series_says_nothing_beyond_itself() -> None:
    tape = made(np.full(30, 100.0), np.full(30, 100.0))
    us = Returns(tape.opens_at[3:5] - 1, np.array([0.1, 0.1]))
    known = ~np.isnan(us_moves(tape, us))
    assert known.tolist() == [False] * 3 + [True] * 6 + [False] * 21


def held(entry: int, exit_: int, side: int = 1) -> Held:
    return Held(*(np.array([value]) for value in (0, entry, exit_, side)))


def test_drift_is_the_mean_of_windows_without_news() -> None:
    opens = np.full(60, 100.0)
    closes = opens * 1.01
    closes[40:43] = 200.0
    tape = made(opens, closes)
    due = np.array([40])
    told = beyond_clock(tape, held(40, 42, -1), due, None, at_close=False)
    assert math.isnan(told.us[0])
    # Windows of three bars: those that hold bar 40 are not quiet; of the quiet ones two end at 200.
    quiet = [n for n in range(58) if not n <= 40 <= n + 2]
    mean = np.mean([closes[n + 2] / 100.0 - 1 for n in quiet])
    assert told.drift[0] == pytest.approx(-mean)


def test_of_few_quiet_windows_the_drift_is_undefined() -> None:
    tape = made(np.full(20, 100.0), np.full(20, 101.0))
    told = beyond_clock(tape, held(10, 10), np.array([10]), None, at_close=False)
    assert math.isnan(told.drift[0])


def test_beta_is_fitted_before_the_entry_and_finds_what_is_there() -> None:
    draw = np.random.default_rng(1)
    moves = draw.normal(0.0, 0.01, 200)
    opens = np.full(200, 100.0)
    closes = opens * (1 + 2.0 * moves)
    entry = 150
    later = closes.copy()
    later[entry:] = draw.uniform(50, 150, 50)
    for prices in (closes, later):
        told = beyond_clock(made(opens, prices), held(entry, entry), np.array([entry]), moves, at_close=False)
        # Beyond the mean move of the fit: the drift holds that.
        assert told.us[0] == pytest.approx(2.0 * (moves[entry] - moves[:entry].mean()))


def test_without_sixty_windows_there_is_no_beta() -> None:
    tape = made(np.full(100, 100.0), np.linspace(100, 120, 100))
    moves = np.random.default_rng(2).normal(0, 0.01, 100)
    early, late = (
        beyond_clock(tape, held(at, at), np.array([at]), moves, at_close=False).us[0] for at in (59, 60)
    )
    assert math.isnan(early) and not math.isnan(late)


def test_what_remains_names_what_is_missing() -> None:
    beyond = Beyond(np.full(2, np.nan), np.array([0.01, np.nan]))
    told = remaining([0.03, 0.05], days(*DATES[:2]), beyond, "")
    assert (told["trades"], told["of"]) == (1, 2)
    assert told["mean"] == pytest.approx(0.02) and told["raw"] == pytest.approx(0.03)
    assert math.isnan(told["us"]) and told["us_reason"] == NO_US
    none = remaining([0.03], days(DATES[0]), Beyond(np.array([np.nan]), np.array([0.0])), "SPX")
    assert math.isnan(none["mean"]) and none["reason"].startswith("too few")
