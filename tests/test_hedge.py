"""The hedge leg: its ratio as it was known, and the bars at which it is entered and left."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.data.calendars import sessions
from aftershock.data.errors import InputError
from aftershock.data.instants import to_index
from aftershock.data.prices import Tape
from aftershock.data.universes import resolve
from aftershock.engine.hedge import FEWEST, WINDOW, hedge_bars, hedge_places, hedge_ratios

FUND, STOCK, HONG_KONG, KOREAN = "1306.T", "8035.T", "0981.HK", "000660.KS"
FIRST, LAST = np.datetime64("2024-02-01"), np.datetime64("2024-11-29")


def days(symbol):
    found = sessions(resolve(symbol).venue).session.astype("M8[D]")
    return found[(found >= FIRST) & (found <= LAST)]


def daily(symbol, closes=None, seed=0, count=None):
    dates = days(symbol)[:count]
    if closes is None:
        closes = 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 0.02, len(dates))))
    closes = np.asarray(closes, float)[: len(dates)]
    prices = dict.fromkeys(("open", "high", "low", "close"), closes)
    return pd.DataFrame(
        {"symbol": symbol, "date": dates[: len(closes)].astype("M8[ns]"), **prices, "volume": 1e3}
    )


def tape_of(*frames):
    return Tape.from_frame(pd.concat(frames, ignore_index=True))


def row_of(tape, symbol, date):
    places = tape.segments(symbol)
    first, end = tape.offsets[places[0]], tape.offsets[places[-1] + 1]
    found = first + np.flatnonzero(tape.session[first:end] == np.datetime64(date).astype("M8[D]").astype(int))
    return int(found[0])


def legs(tape, symbol, hedge, entry, exit_, **changes):
    """The leg of one trade, by dates."""
    entry_bar, exit_bar = row_of(tape, symbol, entry), row_of(tape, symbol, exit_) if exit_ else -1
    at_close = changes.pop("at_close", False)
    cutoff = tape.close_cutoff if at_close else tape.open_cutoff
    values = {"left_at_open": False, "planned": True, "known": cutoff[entry_bar]} | changes
    place = -1 if hedge is None else tape.position(hedge)
    found = hedge_bars(
        tape,
        np.array([place]),
        np.array([entry_bar]),
        np.array([exit_bar]),
        at_close=at_close,
        left_at_open=np.array([values["left_at_open"]]),
        known=np.array([values["known"]]),
        planned=np.array([values["planned"]]),
    )
    return tuple(None if part[0] < 0 else str(tape.session[part[0]].astype("M8[D]")) for part in found)


def ratio(tape, known, symbol=STOCK, hedge=FUND, method="beta"):
    places = [np.array([tape.position(one)]) for one in (symbol, hedge)]
    return float(hedge_ratios(tape, *places, np.array([known]), method)[0])


def slow_beta(tape, symbol, hedge, known):
    """The same by a loop over sessions, as the docstring says it."""

    def closes(name):
        found = {}
        for place in tape.segments(name):
            over = sessions(tape.venues[place]).closes_at
            for i in range(tape.offsets[place], tape.offsets[place + 1]):
                seen = max(over[tape.ordinal[i]], tape.closes_at[i]) <= known
                if seen and not tape.halted[i] and not np.isnan(tape.close[i]):
                    found[int(tape.session[i])] = (tape.close[i], place)
        return found

    own, other = closes(symbol), closes(hedge)
    window = sorted(own)[-WINDOW:]
    common = sorted(set(own) & set(other))
    x, y = [], []
    for before, now in pairwise(common):
        whole = own[before][1] == own[now][1] and other[before][1] == other[now][1]
        if whole and now in window:
            x.append(other[now][0] / other[before][0] - 1.0)
            y.append(own[now][0] / own[before][0] - 1.0)
    return np.polyfit(x, y, 1)[0] if len(x) >= FEWEST else np.nan


class TestPlaces:
    def test_each_market_has_its_own_and_the_rest_the_other(self):
        frames = [daily(name, count=3) for name in (FUND, STOCK, HONG_KONG, KOREAN, "2800.HK")]
        tape = tape_of(*frames)
        trades = np.array([tape.position(name) for name in (STOCK, HONG_KONG, KOREAN, FUND, STOCK)])
        named = hedge_places(tape, trades, {"JP": FUND, "HK": "2800.HK"})
        fund, hong_kong = tape.position(FUND), tape.position("2800.HK")
        assert named.tolist() == [fund, hong_kong, -1, -1, fund]
        assert hedge_places(tape, trades, {"JP": FUND}, "2800.HK")[1:3].tolist() == [hong_kong] * 2

    def test_a_hedge_without_prices_is_an_error_where_it_is_needed(self):
        tape = tape_of(daily(STOCK, count=3))
        assert hedge_places(tape, np.array([0]), {"KR": "069500.KS"}).tolist() == [-1]
        with pytest.raises(InputError, match=r"prices of the hedge instrument 1306\.T, got none; give them"):
            hedge_places(tape, np.array([0]), {}, FUND)


class TestRatios:
    def test_by_hand(self):
        """The stock moves by one and a half times the fund, and 0.1 % besides."""
        move = np.tile([0.01, -0.02, 0.015], 20)
        fund = daily(FUND, 100.0 * np.cumprod(np.r_[1.0, 1.0 + move]))
        stock = daily(STOCK, 100.0 * np.cumprod(np.r_[1.0, 1.001 + 1.5 * move]))
        tape = tape_of(fund, stock)
        assert ratio(tape, tape.closes_at[-1]) == pytest.approx(1.5, rel=1e-9)
        assert ratio(tape, 0, method="index") == 1.0

    def test_without_a_hedge_there_is_no_ratio(self):
        tape = tape_of(daily(FUND), daily(STOCK))
        for method in ("beta", "index"):
            assert np.isnan(
                hedge_ratios(tape, np.array([0]), np.array([-1]), np.array([2**62]), method)
            ).all()

    @pytest.mark.parametrize(("count", "known"), [(FEWEST, False), (FEWEST + 1, True)])
    def test_forty_pairs_are_needed(self, count, known):
        tape = tape_of(daily(FUND, count=count), daily(STOCK, seed=1, count=count))
        assert np.isnan(ratio(tape, 2**62)) != known

    def test_a_fund_that_never_moved_explains_nothing(self):
        tape = tape_of(daily(FUND, np.full(100, 7.1)), daily(STOCK, seed=1))
        assert np.isnan(ratio(tape, 2**62))

    def test_only_the_last_hundred_and_twenty_sessions_count(self):
        move = np.random.default_rng(3).normal(0.0, 0.01, 190)
        times = np.where(np.arange(190) < 190 - WINDOW, -5.0, 2.0)
        fund = daily(FUND, 100.0 * np.cumprod(np.r_[1.0, 1.0 + move]))
        stock = daily(STOCK, 100.0 * np.cumprod(np.r_[1.0, 1.0 + times * move]))
        assert ratio(tape_of(fund, stock), 2**62) == pytest.approx(2.0, rel=1e-9)

    def test_returns_are_paired_over_the_same_stretch(self):
        """Where one market rested, the other's return of two days would not fit the return of one."""
        fund, stock = daily(FUND, seed=1), daily(STOCK, seed=1)
        tape = tape_of(fund, stock.drop(index=stock.index[5::7]))
        assert ratio(tape, 2**62) == pytest.approx(1.0, rel=1e-9)

    def test_a_close_counts_from_the_later_of_both_on(self):
        """Hong Kong closes after Tokyo: until then the day is no pair."""
        tape = tape_of(daily(FUND), daily(HONG_KONG, seed=1))
        date = "2024-07-10"
        tokyo, hong_kong = (int(tape.closes_at[row_of(tape, name, date)]) for name in (FUND, HONG_KONG))
        assert tokyo < hong_kong
        before, at_tokyo, at_hong_kong = (
            ratio(tape, known, HONG_KONG) for known in (tokyo - 1, hong_kong - 1, hong_kong)
        )
        assert before == at_tokyo != at_hong_kong

    @settings(deadline=None, max_examples=30)
    @given(data=st.data())
    def test_like_the_slow_loop_and_blind_to_what_comes_after(self, data):
        seed = data.draw(st.integers(0, 2**32 - 1))
        draw = np.random.default_rng(seed)
        symbol = data.draw(st.sampled_from([STOCK, HONG_KONG]))
        frames = []
        for number, name in enumerate((FUND, symbol)):
            frame = daily(name, seed=seed + number)
            frame = frame[draw.random(len(frame)) > data.draw(st.sampled_from([0.0, 0.1]))]
            frame = frame.assign(halted=draw.random(len(frame)) < data.draw(st.sampled_from([0.0, 0.1])))
            frame["source"] = np.where(np.arange(len(frame)) < data.draw(st.sampled_from([0, 90])), "a", "b")
            frames.append(frame)
        tape = tape_of(*frames)
        known = np.sort(draw.choice(np.r_[tape.closes_at, tape.closes_at - 1], 12))
        own, hedge = (np.full(12, tape.segments(name)[0]) for name in (symbol, FUND))
        have = hedge_ratios(tape, own, hedge, known)
        want = [slow_beta(tape, symbol, FUND, instant) for instant in known]
        np.testing.assert_allclose(have, want, rtol=1e-7, atol=1e-9)
        now = known[8]
        frame, later = tape.to_frame(), tape.closes_at > now
        changed = frame.copy()
        changed.loc[later, ["open", "high", "low", "close"]] *= 1.7
        for other in (frame[~later], changed):
            blind = Tape.from_frame(other)
            if {FUND, symbol} - set(blind.symbols):
                continue
            own, hedge = (np.full(9, blind.segments(name)[0]) for name in (symbol, FUND))
            np.testing.assert_array_equal(hedge_ratios(blind, own, hedge, known[:9]), have[:9])

    def test_more_windows_than_are_looked_at_together(self, monkeypatch):
        tape = tape_of(daily(FUND), daily(STOCK, seed=1))
        known = np.random.default_rng(0).choice(tape.closes_at, 50)
        places = np.full(50, 1), np.full(50, 0)
        whole = hedge_ratios(tape, *places, known)
        monkeypatch.setattr("aftershock.engine.hedge.BLOCK", 7)
        np.testing.assert_array_equal(hedge_ratios(tape, *places, known), whole)
        assert len(hedge_ratios(tape, *(place[:0] for place in places), known[:0])) == 0


class TestBars:
    def test_the_sessions_of_the_trade(self):
        tape = tape_of(daily(FUND), daily(STOCK))
        assert legs(tape, STOCK, FUND, "2024-07-09", "2024-07-12") == ("2024-07-09", "2024-07-12", None)
        assert legs(tape, STOCK, FUND, "2024-07-09", "2024-07-09") == ("2024-07-09", "2024-07-09", None)

    def test_an_open_trade_has_an_open_leg_and_no_hedge_no_leg(self):
        tape = tape_of(daily(FUND), daily(STOCK))
        assert legs(tape, STOCK, FUND, "2024-07-09", None) == ("2024-07-09", None, None)
        assert legs(tape, STOCK, None, "2024-07-09", "2024-07-12") == (None, None, None)

    def test_a_holiday_of_the_other_venue_at_the_entry_is_no_leg(self):
        """15 July 2024 was Marine Day in Japan; Korea traded."""
        tape = tape_of(daily(FUND), daily(KOREAN))
        assert legs(tape, KOREAN, FUND, "2024-07-15", "2024-07-17") == (None, None, None)

    def test_a_holiday_at_the_exit_leaves_it_at_the_next_open(self):
        tape = tape_of(daily(FUND), daily(KOREAN))
        assert legs(tape, KOREAN, FUND, "2024-07-10", "2024-07-15") == ("2024-07-10", None, "2024-07-16")
        ends = tape_of(daily(FUND)[lambda frame: frame["date"] < "2024-07-15"], daily(KOREAN))
        assert legs(ends, KOREAN, FUND, "2024-07-10", "2024-07-15") == ("2024-07-10", None, None)

    @pytest.mark.parametrize(("at_open", "exit_"), [(False, "2024-07-12"), (True, None)])
    def test_a_bar_without_a_price_at_the_point_is_none(self, at_open, exit_):
        fund = daily(FUND)
        fund.loc[fund["date"] == "2024-07-12", "open"] = np.nan
        tape = tape_of(fund, daily(STOCK))
        found = legs(tape, STOCK, FUND, "2024-07-09", "2024-07-12", left_at_open=at_open)
        assert found == ("2024-07-09", exit_, None if exit_ else "2024-07-16")
        assert (legs(tape, STOCK, FUND, "2024-07-12", "2024-07-16")[0] is None) is True
        assert legs(tape, STOCK, FUND, "2024-07-12", "2024-07-16", at_close=True)[0] == "2024-07-12"

    def test_a_halted_bar_is_none(self):
        fund = daily(FUND)
        fund = fund.assign(halted=fund["date"].isin(pd.to_datetime(["2024-07-12", "2024-07-16"])))
        tape = tape_of(fund, daily(STOCK))
        assert legs(tape, STOCK, FUND, "2024-07-12", "2024-07-17") == (None, None, None)
        assert legs(tape, STOCK, FUND, "2024-07-09", "2024-07-12") == ("2024-07-09", None, "2024-07-17")

    def test_a_leg_is_not_entered_before_its_news_was_known(self):
        """Tokyo opens an hour and a half before Hong Kong: what was known between the two trades only there."""
        tape = tape_of(daily(FUND), daily(HONG_KONG))
        cutoff = tape.open_cutoff[row_of(tape, FUND, "2024-07-10")]
        dates = ("2024-07-10", "2024-07-12")
        assert legs(tape, HONG_KONG, FUND, *dates, known=cutoff) == (*dates, None)
        assert legs(tape, HONG_KONG, FUND, *dates, known=cutoff + 1) == (None, None, None)

    def test_a_leg_is_not_left_before_the_exit_unless_it_was_planned(self):
        """Tokyo closes before Hong Kong, whose stop may have been touched after that."""
        tape = tape_of(daily(FUND), daily(HONG_KONG))
        cutoff = tape.open_cutoff[row_of(tape, FUND, "2024-07-10")]
        dates = ("2024-07-10", "2024-07-11")
        assert legs(tape, HONG_KONG, FUND, *dates, known=cutoff) == (*dates, None)
        stopped = legs(tape, HONG_KONG, FUND, *dates, known=cutoff, planned=False)
        assert stopped == ("2024-07-10", None, "2024-07-12")
        local = tape_of(daily(FUND), daily(STOCK))
        assert legs(local, STOCK, FUND, *dates, planned=False) == (*dates, None)

    def test_no_leg_crosses_two_segments(self):
        fund = daily(FUND)
        fund = fund.assign(source=np.where(fund["date"] < "2024-07-12", "a", "b"))
        tape = tape_of(fund, daily(STOCK))
        assert len(tape.segments(FUND)) == 2
        assert legs(tape, STOCK, FUND, "2024-07-09", "2024-07-12") == ("2024-07-09", None, None)
        assert legs(tape, STOCK, FUND, "2024-07-12", "2024-07-16") == ("2024-07-12", "2024-07-16", None)
        assert legs(tape, STOCK, FUND, "2024-07-09", "2024-07-11") == ("2024-07-09", "2024-07-11", None)

    def test_within_a_session_the_leg_has_the_bar_of_the_trade(self):
        known = sessions("XTKS")
        chosen = np.flatnonzero(np.isin(known.session.astype("M8[D]"), days(FUND)[:3]))
        opens = np.c_[known.opens_at[chosen], known.break_end[chosen]].ravel()
        closes = np.c_[known.break_start[chosen], known.closes_at[chosen]].ravel()
        frame = pd.DataFrame({"opens_at": to_index(opens), "closes_at": to_index(closes), "volume": 1e3})
        frame = frame.assign(**dict.fromkeys(("open", "high", "low", "close"), 100.0))
        tape = tape_of(frame.assign(symbol=FUND).drop(index=[3]), frame.assign(symbol=STOCK))
        first = int(tape.offsets[tape.position(STOCK)])

        def bars(entry, exit_, at_open=False):
            found = hedge_bars(
                tape,
                np.array([tape.position(FUND)]),
                np.array([first + entry]),
                np.array([first + exit_]),
                at_close=False,
                left_at_open=np.array([at_open]),
                known=np.array([tape.open_cutoff[first + entry]]),
                planned=np.array([False]),
            )
            return found.entry[0], found.exit[0], found.later[0]

        assert bars(1, 2) == (1, 2, -1)
        assert bars(1, 2, at_open=True) == (1, 2, -1)
        # The fund has no bar in the second afternoon: that of the morning is over when the trade is done.
        assert bars(1, 3) == (1, -1, 3)
        assert bars(3, 4) == (-1, -1, -1)

    @settings(deadline=None, max_examples=30)
    @given(seed=st.integers(0, 2**32 - 1), at_close=st.booleans())
    def test_what_is_found_is_of_the_session_tradable_and_in_time(self, seed, at_close):
        draw = np.random.default_rng(seed)
        frames = []
        for name in (FUND, STOCK, HONG_KONG):
            frame = daily(name, seed=seed)
            frame = frame[draw.random(len(frame)) > 0.1]
            frame = frame.assign(
                halted=draw.random(len(frame)) < 0.1,
                open=frame["open"].where(draw.random(len(frame)) > 0.1),
            )
            frames.append(frame)
        tape = tape_of(*frames)
        fund = tape.position(FUND)
        places = draw.choice([i for i in range(3) if i != fund], 40)
        first, end = tape.offsets[places], tape.offsets[places + 1]
        entry = draw.integers(first, end)
        exit_ = np.where(draw.random(40) < 0.1, -1, draw.integers(entry, end))
        at_open = draw.random(40) < 0.5
        cutoffs, entered = (
            (tape.close_cutoff, tape.closes_at) if at_close else (tape.open_cutoff, tape.opens_at)
        )
        known = cutoffs[entry] - draw.integers(0, 4 * 3600 * 10**9, 40)
        planned = draw.random(40) < 0.5
        hedge = np.full(40, fund)
        found = hedge_bars(
            tape, hedge, entry, exit_, at_close=at_close, left_at_open=at_open, known=known, planned=planned
        )
        rows = range(int(tape.offsets[fund]), int(tape.offsets[fund + 1]))
        day = {int(tape.session[i]): i for i in rows if not tape.halted[i]}
        for k in range(40):
            i = day.get(int(tape.session[entry[k]]), -1)
            price = tape.close if at_close else tape.open
            fits = i >= 0 and not np.isnan(price[i]) and cutoffs[i] >= known[k]
            assert found.entry[k] == (i if fits else -1)
            if not fits or exit_[k] < 0:
                assert found.exit[k] == found.later[k] == -1
                continue
            j = day.get(int(tape.session[exit_[k]]), -1)
            price, point = (tape.open, tape.opens_at) if at_open[k] else (tape.close, tape.closes_at)
            left = j >= 0 and not np.isnan(price[j]) and (planned[k] or point[j] >= point[exit_[k]])
            left = left and point[j] >= entered[i]
            assert found.exit[k] == (j if left else -1)
            opens = [r for r in rows if tape.session[r] > tape.session[exit_[k]]]
            opens = [r for r in opens if not tape.halted[r] and not np.isnan(tape.open[r])]
            assert found.later[k] == (-1 if left or not opens else opens[0])
