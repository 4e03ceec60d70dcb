"""Sizing: what strength, volatility and a fixed notional make of a weight, by hand and without looking ahead."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aftershock as af
from aftershock.data.calendars import sessions
from aftershock.data.instants import to_index, to_ns
from aftershock.data.prices import Tape
from aftershock.engine.returns import Returns, returns_of, session_closes
from aftershock.engine.sizing import FEWEST, WINDOW, Sizing, size_signals, volatility_at
from aftershock.engine.types import REASONS
from aftershock.experiment import Portfolio
from aftershock.strategies.reaction import Reaction

FIRST, LAST = np.datetime64("2024-03-01"), np.datetime64("2024-09-30")
INVERSE = Sizing("inverse_volatility", 0.02, 3.0)


def days(mic="XTKS"):
    found = sessions(mic).session.astype("M8[D]")
    return found[(found >= FIRST) & (found <= LAST)]


def daily(symbol="8035.T", closes=None, seed=0, **columns):
    """Bars of a random walk, or of the closes given, from the first session of March 2024 on."""
    dates = days()
    if closes is None:
        closes = 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 0.02, len(dates))))
    closes = np.asarray(closes, float)
    dates = dates[: len(closes)].astype("M8[ns]")
    prices = dict.fromkeys(("open", "high", "low", "close"), closes)
    return pd.DataFrame({"symbol": symbol, "date": dates, **prices, "volume": 1000.0, **columns})


def bars_within(seed=0, count=45):
    """Two bars of each session, one before and one after the lunch break."""
    known = sessions("XTKS")
    chosen = np.flatnonzero(np.isin(known.session.astype("M8[D]"), days()[:count]))
    opens = np.c_[known.opens_at[chosen], known.break_end[chosen]].ravel()
    closes = np.c_[known.break_start[chosen], known.closes_at[chosen]].ravel()
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 0.01, len(opens))))
    return pd.DataFrame(
        {
            "symbol": "8035.T",
            "opens_at": to_index(opens),
            "closes_at": to_index(closes),
            **dict.fromkeys(("open", "high", "low", "close"), close),
            "volume": 1000.0,
        }
    )


def signals(known, symbol="8035.T", weight=1.0, strength=1.0, outcome=""):
    frame = pd.DataFrame({"known_by": pd.DatetimeIndex(np.atleast_1d(known))})
    return frame.assign(symbol=symbol, weight=weight, strength=strength, outcome=outcome)


def slow_volatility(tape, symbol, known):
    """The same by a loop over bars, as docs/fills.md says it."""
    closes, before = [], None
    for place in tape.segments(symbol):
        of_venue, own, before = sessions(tape.venues[place]), {}, None
        for i in range(tape.offsets[place], tape.offsets[place + 1]):
            over = max(of_venue.closes_at[tape.ordinal[i]], tape.closes_at[i])
            if over <= known and not tape.halted[i] and not np.isnan(tape.close[i]):
                own[tape.ordinal[i]] = tape.close[i]
        for close in own.values():
            if before is not None:
                closes.append(close / before - 1.0)
            before = close
    kept = closes[-WINDOW:]
    return float(np.std(kept, ddof=1)) if len(kept) >= FEWEST else np.nan


class TestStrength:
    def test_weight_grows_with_strength_up_to_the_largest(self):
        table = signals(["2024-05-01T00:00Z"] * 4, weight=[1.0, 0.5, 1.0, 0.5], strength=[25, 50, 75, 900])
        done = size_signals(table, Tape.from_frame(daily()), Sizing("strength", 25.0, 2.5))
        assert done["weight"].tolist() == [1.0, 1.0, 2.5, 2.5]
        assert (done["outcome"] == "").all()

    @pytest.mark.parametrize("strength", [np.nan, 0.0, -5.0, np.inf])
    def test_what_has_no_strength_is_refused_and_keeps_its_weight(self, strength):
        table = signals("2024-05-01T00:00Z", weight=0.7, strength=strength)
        (row,) = size_signals(table, Tape.from_frame(daily()), Sizing("strength", 25.0, 3.0)).to_dict(
            "records"
        )
        assert (row["weight"], row["outcome"]) == (0.7, "no_strength")
        assert "strength is unknown or zero" in REASONS["no_strength"]

    def test_what_is_refused_already_stays_so(self):
        table = signals("2024-05-01T00:00Z", symbol="9999.T", strength=np.nan, outcome="no_prices")
        for sizing in (Sizing("strength", 25.0, 3.0), INVERSE):
            pd.testing.assert_frame_equal(size_signals(table, Tape.from_frame(daily()), sizing), table)


@pytest.mark.parametrize("method", ["equal", "notional"])
def test_equal_and_notional_leave_weights_alone(method):
    table = signals("2024-05-01T00:00Z", weight=0.7, strength=np.nan)
    tape = Tape.from_frame(daily())
    pd.testing.assert_frame_equal(size_signals(table, tape, Sizing(method, 1.0, 0.1)), table)


class TestVolatility:
    def test_by_hand(self):
        """Closes that go up and down by the same two ratios: 1 % and -1 % as returns, 12 of each."""
        closes = 100.0 * np.cumprod(np.r_[1.0, np.tile([1.01, 0.99], 12)])
        table = signals("2024-09-01T00:00Z", weight=0.5)
        done = size_signals(table, Tape.from_frame(daily(closes=closes)), INVERSE)
        volatility = 0.01 * np.sqrt(24 / 23)
        assert done["weight"].iloc[0] == pytest.approx(0.5 * 0.02 / volatility, rel=1e-12)

    def test_only_the_last_sixty_count(self):
        wild, calm = np.tile([1.2, 0.8], 10), np.tile([1.01, 0.99], 30)
        closes = 100.0 * np.cumprod(np.r_[1.0, wild, calm])
        tape = Tape.from_frame(daily(closes=closes))
        done = size_signals(signals("2024-09-29T00:00Z"), tape, INVERSE)
        assert done["weight"].iloc[0] == pytest.approx(2.0 * np.sqrt(59 / 60), rel=1e-12)

    @pytest.mark.parametrize(("bars", "outcome"), [(20, "no_volatility"), (21, "")])
    def test_twenty_returns_are_needed(self, bars, outcome):
        closes = 100.0 * np.cumprod(np.r_[1.0, np.tile([1.01, 0.99], 10)])[:bars]
        done = size_signals(signals("2024-09-01T00:00Z"), Tape.from_frame(daily(closes=closes)), INVERSE)
        assert done["outcome"].iloc[0] == outcome

    def test_a_calm_instrument_has_the_largest_weight_and_one_that_never_moves_none(self):
        calm = 100.0 * np.cumprod(np.tile([1.0001, 0.9999], 20))
        frame = pd.concat([daily(closes=calm), daily("6857.T", closes=np.full(40, 100.1))])
        table = signals(["2024-09-01T00:00Z"] * 2, symbol=["8035.T", "6857.T"])
        done = size_signals(table, Tape.from_frame(frame), INVERSE)
        assert done["weight"].tolist() == [3.0, 1.0]
        assert done["outcome"].tolist() == ["", "no_volatility"]

    def test_a_close_is_known_at_the_close_and_not_before(self):
        tape = Tape.from_frame(daily())
        close = int(tape.closes_at[40])
        known = to_index(np.array([close - 1, close, close - 60 * 10**9]))
        early, late, waits = size_signals(signals(known), tape, INVERSE)["weight"]
        (acted,) = size_signals(signals(known[2:]), tape, INVERSE, latency=60 * 10**9)["weight"]
        assert early == waits != late == acted

    def test_halted_bars_and_unknown_closes_are_passed_over(self):
        whole = daily()
        frame = whole.assign(halted=np.arange(len(whole)) == 30)
        frame.loc[frame.index[33], ["open", "high", "low", "close"]] = np.nan
        shorter = whole.drop(index=[30, 33])
        table = signals("2024-09-01T00:00Z")
        have, want = (size_signals(table, Tape.from_frame(part), INVERSE) for part in (frame, shorter))
        assert have["weight"].tolist() == want["weight"].tolist()

    def test_no_return_is_taken_across_two_segments(self):
        """The second source has other units: the jump between the two is nobody's return."""
        calm = 100.0 * np.cumprod(np.tile([1.01, 0.99], 20))
        frame = daily(closes=calm).assign(source=np.where(np.arange(40) < 15, "a", "b"))
        frame.loc[15:, ["open", "high", "low", "close"]] *= 50.0
        tape = Tape.from_frame(frame)
        assert len(tape.segments("8035.T")) == 2
        value = returns_of(session_closes(tape, "8035.T")).value
        assert len(value) == 38
        assert np.abs(value).max() < 0.011
        (weight,) = size_signals(signals("2024-09-01T00:00Z"), tape, INVERSE)["weight"]
        assert weight == pytest.approx(0.02 / slow_volatility(tape, "8035.T", 2**62), rel=1e-12)

    def test_of_bars_within_sessions_the_closes_of_sessions_count(self):
        frame = bars_within()
        tape = Tape.from_frame(frame)
        assert tape.intraday
        table = signals("2024-09-01T00:00Z")
        have = size_signals(table, tape, INVERSE)["weight"].iloc[0]
        closes = frame["close"].to_numpy()[1::2]
        assert have == pytest.approx(0.02 / np.std(closes[1:] / closes[:-1] - 1.0, ddof=1), rel=1e-12)

    def test_a_session_that_is_not_over_is_not_known_by_its_first_bars(self):
        """Cut in the lunch break, the tape must not take the last bar of the morning for the close."""
        frame = bars_within()
        tape = Tape.from_frame(frame)
        noon = tape.closes_at[60]
        table = signals(to_index(np.array([noon + 1])))
        cut = Tape.from_frame(frame.iloc[:61])
        whole, part = (size_signals(table, one, INVERSE)["weight"].iloc[0] for one in (tape, cut))
        assert whole == part == 0.02 / slow_volatility(tape, "8035.T", noon + 1)

    @settings(deadline=None, max_examples=40)
    @given(data=st.data())
    def test_like_the_slow_loop_and_blind_to_what_comes_after(self, data):
        seed = data.draw(st.integers(0, 2**32 - 1))
        draw = np.random.default_rng(seed)
        count = data.draw(st.integers(2, 100))
        frame = bars_within(seed, count) if data.draw(st.booleans()) else daily(seed=seed).head(count)
        frame = frame.assign(halted=draw.random(len(frame)) < data.draw(st.sampled_from([0.0, 0.2])))
        missing = draw.random(len(frame)) < data.draw(st.sampled_from([0.0, 0.2]))
        missing[0] = False
        frame.loc[missing, ["open", "high", "low", "close"]] = np.nan
        if "date" in frame and data.draw(st.booleans()):
            frame["source"] = np.where(np.arange(len(frame)) < count // 2, "a", "b")
        tape = Tape.from_frame(frame)
        known = np.sort(draw.choice(np.r_[tape.closes_at, tape.closes_at - 1, tape.opens_at], 8))
        table = signals(to_index(known))
        done = size_signals(table, tape, INVERSE)
        slow = np.array([slow_volatility(tape, "8035.T", instant) for instant in known])
        moved = ~(slow <= 1e-12) & ~np.isnan(slow)
        assert (done["outcome"] == np.where(moved, "", "no_volatility")).all()
        want = np.minimum(0.02 / slow[moved], 3.0)
        np.testing.assert_allclose(done["weight"][moved], want, rtol=1e-9)
        now = known[draw.integers(len(known))]
        later = tape.closes_at > now
        if later.all():
            return
        changed = tape.to_frame()
        changed.loc[later, "close"] *= draw.lognormal(0.0, 0.5, later.sum())
        for other in (tape.to_frame()[~later], changed):
            prices = dict.fromkeys(("open", "high", "low"), other["close"])
            blind = size_signals(table[known <= now], Tape.from_frame(other.assign(**prices)), INVERSE)
            pd.testing.assert_frame_equal(blind, done[known <= now], check_exact=True)

    def test_more_windows_than_are_looked_at_together(self, monkeypatch):
        moves = Returns(np.arange(200), np.random.default_rng(5).normal(0.0, 0.01, 200))
        known = np.random.default_rng(6).integers(-1, 205, 1000)
        whole = volatility_at(moves, known)
        monkeypatch.setattr("aftershock.engine.sizing.BLOCK", 7)
        np.testing.assert_array_equal(volatility_at(moves, known), whole)
        assert np.isnan(volatility_at(Returns(moves.known_at[:0], moves.value[:0]), known)).all()
        assert len(volatility_at(moves, known[:0])) == 0


class TestBacktest:
    EVENTS = pd.DataFrame(
        {
            "event_id": ["first", "early", "loud", "mute"],
            "known_by": [
                "2024-07-02T22:00Z",
                "2024-03-08T22:00Z",
                "2024-07-16T22:00Z",
                "2024-08-06T22:00Z",
            ],
            "tag": "chip",
            "direction": "positive",
            "symbols": "8035.T",
            "strength": [10.0, 20.0, 40.0, np.nan],
        }
    )

    def run(self, **portfolio):
        free = af.Costs(model="zero")
        return af.backtest(
            self.EVENTS, daily(), Reaction(hold=2), portfolio=Portfolio(**portfolio), costs=free
        )

    def test_the_audit_shows_the_weight_used_and_trades_are_sized_by_it(self):
        done = self.run(mode="event", sizing="strength", strength_of_one=20)
        audit = done.audit.set_index("event_id")
        assert audit["weight"].to_dict() == {"early": 1.0, "first": 0.5, "loud": 2.0, "mute": 1.0}
        assert audit.loc["mute", "outcome"] == "no_strength"
        assert audit.loc["mute", "reason"].startswith(REASONS["no_strength"])
        assert done.stats["outcomes"] == {"filled": 3, "no_strength": 1}
        notional = done.trades.set_index("event_id")["notional"]
        assert notional[["early", "first", "loud"]].tolist() == pytest.approx([1e5, 5e4, 2e5])

    def test_volatility_is_that_of_the_entry(self):
        done = self.run(mode="event", sizing="inverse_volatility", max_weight=50)
        audit = done.audit.set_index("event_id")
        assert audit.loc["early", "outcome"] == "no_volatility"
        tape = Tape.from_frame(daily())
        for name in ("first", "loud"):
            (known,) = to_ns([audit.loc[name, "known_by"]])
            want = 0.02 / slow_volatility(tape, "8035.T", known)
            assert audit.loc[name, "weight"] == pytest.approx(want, rel=1e-12)

    @pytest.mark.parametrize("mode", ["event", "portfolio"])
    def test_a_fixed_notional_is_the_same_at_any_capital(self, mode):
        for capital in (200_000, 3_000_000):
            done = self.run(mode=mode, capital=capital, sizing="notional", notional=50_000)
            assert done.trades["notional"].tolist() == pytest.approx([50_000.0] * 4)
