"""Bars within a session: from the table to the tape, the join, the fills and the money."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aftershock as af
from aftershock.data.calendars import sessions
from aftershock.data.calendars.positions import segments
from aftershock.data.errors import InputError
from aftershock.data.events import Events, load_events
from aftershock.data.instants import DAY, to_index, to_ns
from aftershock.data.prices import Tape, load_tape
from aftershock.data.prices.hours import MINUTE, interval_ns
from aftershock.data.universes import resolve, universe
from aftershock.data.venues import VENUES, venue
from aftershock.engine.align import AMBIGUOUS, AT_THE_OPEN, NEXT_BAR, TOO_LATE, WHY, entry_bars
from aftershock.engine.rules import rules_of
from aftershock.engine.types import Costs as CostTerms
from aftershock.execution import execute
from aftershock.experiment import Experiment
from aftershock.inputs import links_of
from aftershock.reports import drill
from aftershock.result import Result

SYMBOLS = (
    "8035.T",
    "005930.KS",
    "2330.TW",
    "0700.HK",
    "600519.SS",
    "000001.SZ",
    "INFY.NS",
    "BHP.AX",
    "D05.SI",
    "1155.KL",
    "SPX",
)
"""With and without lunch, cut-offs long before the close, a UTC date that changes within the session."""
FREE = af.Costs(model="zero")
ALONE = af.Portfolio(mode="event")


def local(mic, text):
    """Read a local time of a venue as UTC ns."""
    return int(pd.Timestamp(text).tz_localize(venue(mic).zone).as_unit("ns").value)


def opens_of(mic, first, last, minutes):
    """List the openings of bars that begin with each stretch of continuous trading."""
    known = sessions(mic)
    days = np.array([first, last], "M8[D]").astype(np.int64)
    return np.concatenate(
        [
            np.arange(start, end, minutes * MINUTE)
            for start, end in zip(*segments(known), strict=True)
            if days[0] <= end // DAY <= days[1]
        ]
    )


def made(symbol, first, last, minutes, seed=0):
    """Make a random walk of bars; prices stand on a grid of a tenth so that levels are touched."""
    opens_at = opens_of(resolve(symbol).venue, first, last, minutes)
    draw = np.random.default_rng([seed, *map(ord, symbol)])
    n = len(opens_at)
    close = np.round(100 * np.exp(np.cumsum(draw.normal(0, 0.004, n))), 1)
    opens = np.round(np.r_[100.0, close[:-1]] * np.exp(draw.normal(0, 0.002, n)), 1)
    return pd.DataFrame(
        {
            "symbol": symbol,
            "opens_at": to_index(opens_at),
            "open": opens,
            "high": np.maximum(opens, close) + draw.integers(0, 4, n) / 10,
            "low": np.minimum(opens, close) - draw.integers(0, 4, n) / 10,
            "close": close,
            "volume": 1000.0,
        }
    )


def flat(symbol, first, last, minutes, price=100.0):
    """Make bars at one price."""
    frame = made(symbol, first, last, minutes)
    return frame.assign(open=price, high=price, low=price, close=price)


def news(symbol, *known, direction="positive"):
    """Make an event for each instant (or pair of instants) in a venue's local time."""
    mic = resolve(symbol).venue
    ends = [pair if isinstance(pair, tuple) else (pair, pair) for pair in known]
    return pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(len(ends))],
            "known_from": to_index(np.array([local(mic, start) for start, _ in ends])),
            "known_by": to_index(np.array([local(mic, end) for _, end in ends])),
            "tag": "chip",
            "direction": direction,
            "symbols": symbol,
        }
    )


def traded(frame, events, minutes, portfolio=ALONE, costs=FREE, **strategy):
    chosen = af.Reaction(**({"tag": "chip", "hold": 1} | strategy))
    return af.backtest(
        events, frame, chosen, portfolio=portfolio, costs=costs, interval=f"{minutes}m", name="bars"
    )


def edit(frame, at, **values):
    """Change the bar that opens at an instant."""
    rows = frame["opens_at"] == to_index(np.array([at]))[0]
    assert rows.sum() == 1
    return frame.assign(**{name: frame[name].mask(rows, value) for name, value in values.items()})


# What is known when (local time), with which bars, and the opening of the bar it trades at.
OPENS = [
    # Tokyo, 09:00-11:30 and 12:30-15:30.
    ("8035.T", 5, "2025-06-10 21:00", "2025-06-11 09:00", WHY["after close"]),
    ("8035.T", 5, "2025-06-11 08:59", "2025-06-11 09:00", WHY["pre-open"]),
    ("8035.T", 5, "2025-06-11 09:00", "2025-06-11 09:00", AT_THE_OPEN),
    ("8035.T", 5, "2025-06-11 09:00:00.000000001", "2025-06-11 09:05", NEXT_BAR),
    ("8035.T", 5, "2025-06-11 10:17", "2025-06-11 10:20", NEXT_BAR),
    ("8035.T", 5, "2025-06-11 10:20", "2025-06-11 10:20", NEXT_BAR),
    ("8035.T", 5, "2025-06-11 10:20:00.000000001", "2025-06-11 10:25", NEXT_BAR),
    ("8035.T", 5, "2025-06-11 11:26", "2025-06-11 12:30", NEXT_BAR),
    ("8035.T", 5, "2025-06-11 11:30", "2025-06-11 12:30", WHY["lunch"]),
    ("8035.T", 5, "2025-06-11 11:45", "2025-06-11 12:30", WHY["lunch"]),
    ("8035.T", 5, "2025-06-11 12:30", "2025-06-11 12:30", NEXT_BAR),
    ("8035.T", 5, "2025-06-11 15:25:01", "2025-06-12 09:00", WHY["session"]),
    ("8035.T", 5, "2025-06-11 15:30", "2025-06-12 09:00", WHY["after close"]),
    ("8035.T", 5, "2025-06-14 12:00", "2025-06-16 09:00", WHY["weekend"]),
    ("8035.T", 60, "2025-06-11 10:17", "2025-06-11 11:00", NEXT_BAR),
    ("8035.T", 60, "2025-06-11 11:10", "2025-06-11 12:30", NEXT_BAR),
    ("8035.T", 60, "2025-06-11 11:45", "2025-06-11 12:30", WHY["lunch"]),
    ("8035.T", 60, "2025-06-11 14:31", "2025-06-12 09:00", WHY["session"]),
    # Hong Kong: orders for the open to 09:20; a half day before Christmas, then two holidays.
    ("0700.HK", 5, "2024-12-24 09:20", "2024-12-24 09:30", WHY["pre-open"]),
    ("0700.HK", 5, "2024-12-24 09:25", "2024-12-24 09:35", NEXT_BAR),
    ("0700.HK", 5, "2024-12-24 11:52", "2024-12-24 11:55", NEXT_BAR),
    ("0700.HK", 5, "2024-12-24 11:57", "2024-12-27 09:30", WHY["session"]),
    ("0700.HK", 5, "2024-12-24 12:30", "2024-12-27 09:30", WHY["after close"]),
    ("0700.HK", 60, "2024-12-23 12:30", "2024-12-23 13:00", WHY["lunch"]),
    # Seoul has no lunch break.
    ("005930.KS", 15, "2025-06-11 12:05", "2025-06-11 12:15", NEXT_BAR),
    ("005930.KS", 15, "2025-06-11 15:30", "2025-06-12 09:00", WHY["after close"]),
]
CLOSES = [
    ("8035.T", 5, "2025-06-11 08:00", "2025-06-11 09:05"),
    ("8035.T", 5, "2025-06-11 10:17", "2025-06-11 10:20"),
    ("8035.T", 5, "2025-06-11 10:20", "2025-06-11 10:25"),
    ("8035.T", 5, "2025-06-11 11:30", "2025-06-11 12:35"),
    ("8035.T", 5, "2025-06-11 15:30", "2025-06-11 15:30"),
    ("8035.T", 5, "2025-06-11 15:30:00.000000001", "2025-06-12 09:05"),
    # Mumbai's close is an average from 15:00 on: no order after that is in it.
    ("INFY.NS", 5, "2025-06-11 15:00", "2025-06-11 15:05"),
    ("INFY.NS", 5, "2025-06-11 15:24:59", "2025-06-11 15:25"),
    ("INFY.NS", 5, "2025-06-11 15:25", "2025-06-12 09:20"),
    ("INFY.NS", 60, "2025-06-11 15:00", "2025-06-11 15:15"),
    ("INFY.NS", 60, "2025-06-11 15:15", "2025-06-12 10:15"),
]


class TestJoin:
    @pytest.mark.parametrize(("symbol", "minutes", "known", "entry", "why"), OPENS)
    def test_an_event_trades_at_the_next_open(self, symbol, minutes, known, entry, why):
        day = pd.Timestamp(known)
        frame = made(symbol, day - pd.Timedelta(days=2), day + pd.Timedelta(days=6), minutes)
        result = traded(frame, news(symbol, known), minutes)
        (trade,) = result.trades.to_dict("records")
        at = to_index(np.array([local(resolve(symbol).venue, entry)]))[0]
        assert trade["entry_at"] == at
        assert trade["entry_price"] == frame.loc[frame["opens_at"] == at, "open"].item()
        assert trade["entry_session"] == pd.Timestamp(entry).normalize()
        assert result.audit["reason"].item() == f"entered ({why})"
        shown = af.align(news(symbol, known), frame, interval=f"{minutes}m")
        assert shown["first_bar"].item() == at
        assert shown["reason"].item() == why

    @pytest.mark.parametrize(("symbol", "minutes", "known", "entry"), CLOSES)
    def test_an_event_trades_at_the_next_close(self, symbol, minutes, known, entry):
        day = pd.Timestamp(known)
        frame = made(symbol, day - pd.Timedelta(days=2), day + pd.Timedelta(days=6), minutes)
        result = traded(frame, news(symbol, known), minutes, entry="close")
        at = to_index(np.array([local(resolve(symbol).venue, entry)]))[0]
        assert result.trades["entry_at"].tolist() == [at]
        shown = af.align(news(symbol, known), frame, interval=f"{minutes}m", entry="close")
        assert shown["first_bar"].item() == at

    @pytest.mark.parametrize(
        ("known", "ambiguous"),
        [
            (("2025-06-11 10:16", "2025-06-11 10:20"), False),
            (("2025-06-11 10:20", "2025-06-11 10:20:01"), True),
            (("2025-06-11 11:26", "2025-06-11 12:30"), False),
            (("2025-06-11 10:30", "2025-06-11 14:00"), True),
            (("2025-06-11 00:00", "2025-06-12 00:00"), True),
            (("2025-06-13 16:00", "2025-06-15 12:00"), False),
        ],
    )
    def test_a_stamp_is_ambiguous_about_a_bar_of_its_own(self, known, ambiguous):
        frame = made("8035.T", "2025-06-10", "2025-06-17", 5)
        result = traded(frame, news("8035.T", known), 5)
        assert result.audit["ambiguous"].tolist() == [ambiguous]
        assert result.audit["reason"].item().endswith(f"{AMBIGUOUS})") == ambiguous
        assert result.trades["headline"].tolist() == [not ambiguous]

    def test_on_daily_bars_the_same_stamp_is_not(self):
        daily = daily_of(made("8035.T", "2025-06-10", "2025-06-17", 5))
        known = news("8035.T", ("2025-06-11 10:20", "2025-06-11 10:20:01"))
        shown = af.align(known, daily)
        assert not shown["ambiguous"].item()
        assert "first_bar" not in shown
        assert shown["first_open"].item() == pd.Timestamp("2025-06-12T00:00Z")

    def test_a_date_alone_waits_for_the_next_session(self):
        frame = made("8035.T", "2025-06-10", "2025-06-17", 5)
        events = pd.DataFrame(
            {"known_by": ["2025-06-11"], "tag": ["chip"], "direction": ["positive"], "symbols": ["8035.T"]}
        )
        result = af.backtest(
            events, frame, af.Reaction(tag="chip"), interval="5m", zone="Asia/Tokyo", portfolio=ALONE
        )
        assert result.trades["entry_at"].tolist() == [pd.Timestamp("2025-06-12T00:00Z")]
        assert result.audit["ambiguous"].tolist() == [True]

    def test_too_late_for_the_auction_with_daily_bars_is_the_next_session(self):
        daily = daily_of(made("0700.HK", "2024-12-20", "2024-12-30", 5))
        result = af.backtest(news("0700.HK", "2024-12-24 09:25"), daily, af.Reaction(tag="chip"))
        assert result.audit["reason"].item() == f"entered ({TOO_LATE})"
        assert result.trades["entry_session"].tolist() == [pd.Timestamp("2024-12-27")]

    def test_delay_counts_bars(self):
        frame = made("8035.T", "2025-06-11", "2025-06-12", 60)
        result = traded(frame, news("8035.T", "2025-06-11 10:17"), 60, delay=2)
        assert result.trades["entry_at"].tolist() == [pd.Timestamp("2025-06-11T13:30+09:00")]

    def test_latency_comes_on_top(self):
        frame = made("8035.T", "2025-06-11", "2025-06-12", 5)
        result = traded(frame, news("8035.T", "2025-06-11 10:17"), 5, latency="4min")
        assert result.trades["entry_at"].tolist() == [pd.Timestamp("2025-06-11T10:25+09:00")]

    def test_the_calendar_does_not_reach_every_instant(self):
        frame = made("8035.T", "2025-06-11", "2025-06-12", 60)
        tape = Tape.from_frame(frame, interval="60m")
        none = len(sessions("XTKS").session)
        due, _ = entry_bars(tape, np.array([0]), np.array([0]), np.array([none]), at_close=False, delay=0)
        assert due.tolist() == [-1]


@settings(max_examples=150, deadline=None)
@given(data=st.data(), symbol=st.sampled_from(SYMBOLS), at_close=st.booleans())
def test_cutoffs_never_fall_and_give_the_first_bar_that_can_be_had(data, symbol, at_close):
    mic = resolve(symbol).venue
    minutes = data.draw(st.sampled_from([1, 5, 10, 30, 60]))
    whole = made(symbol, "2025-06-10", "2025-06-12", minutes)
    kept = data.draw(st.lists(st.booleans(), min_size=len(whole), max_size=len(whole)))
    frame = whole[[*kept[:-1], True]]
    tape = Tape.from_frame(frame, interval=f"{minutes}m")
    assert (np.diff(tape.open_cutoff) > 0).all()
    assert (np.diff(tape.close_cutoff) >= 0).all()
    known = data.draw(st.integers(int(tape.opens_at[0]) - DAY, int(tape.closes_at[-1]) + DAY))
    if data.draw(st.booleans()):
        edges = np.r_[tape.opens_at, tape.closes_at, tape.open_cutoff, tape.close_cutoff]
        known = int(data.draw(st.sampled_from(edges.tolist()))) + data.draw(st.sampled_from([-1, 0, 1]))
    due, _ = entry_bars(tape, np.array([0]), np.array([known]), np.array([0]), at_close=at_close, delay=0)
    days = sessions(mic)
    want = -1
    for bar in range(len(tape) - 1, -1, -1):
        k = tape.ordinal[bar]
        if at_close:
            auction = tape.closes_at[bar] == days.closes_at[k]
            had = known <= days.close_cutoff[k] if auction else known < tape.closes_at[bar]
        else:
            auction = tape.opens_at[bar] == days.opens_at[k]
            had = known <= (days.open_cutoff[k] if auction else tape.opens_at[bar])
        want = bar if had else want
    assert due.tolist() == [want]


def test_a_session_closes_on_the_utc_date_that_is_its_own():
    for mic in VENUES:
        known = sessions(mic)
        assert (known.closes_at // DAY == known.session).all(), mic


class TestFills:
    TEN = "2025-06-11 10:17"

    @pytest.mark.parametrize(("high", "entry"), [(100.0, "10:25"), (100.5, "10:20")])
    def test_a_bar_without_volume_fills_only_where_its_prices_move(self, high, entry):
        """Yahoo leaves the first bar of a session without volume."""
        frame = flat("8035.T", "2025-06-11", "2025-06-12", 5)
        frame = edit(frame, local("XTKS", "2025-06-11 10:20"), volume=0.0, high=high)
        result = traded(frame, news("8035.T", self.TEN), 5)
        assert result.trades["entry_at"].tolist() == [pd.Timestamp(f"2025-06-11T{entry}+09:00")]
        tape = Tape.from_frame(frame, interval="5m")
        assert tape.warnings["code"].tolist() == ["unknown_volume" if high > 100 else "zero_volume"]
        assert Tape.from_frame(tape.to_frame()).digest() == tape.digest()

    def test_an_entry_waits_inside_its_session_and_lapses_with_it(self):
        frame = flat("8035.T", "2025-06-11", "2025-06-13", 60)
        idle = frame["opens_at"].between("2025-06-11T11:00+09:00", "2025-06-11T23:00+09:00")
        frame = frame.assign(volume=frame["volume"].mask(idle, 0.0))
        lapsed = traded(frame, news("8035.T", self.TEN), 60)
        assert lapsed.audit["outcome"].tolist() == ["halted"]
        waited = traded(frame, news("8035.T", self.TEN), 60, max_defer=1)
        assert waited.trades["entry_at"].tolist() == [pd.Timestamp("2025-06-12T09:00+09:00")]

    def test_where_no_bar_is_left_the_next_session_is_the_first(self):
        frame = made("8035.T", "2025-06-11", "2025-06-13", 60)
        gone = frame["opens_at"].between("2025-06-11T11:00+09:00", "2025-06-11T23:00+09:00")
        result = traded(frame[~gone], news("8035.T", self.TEN), 60)
        assert result.trades["entry_at"].tolist() == [pd.Timestamp("2025-06-12T09:00+09:00")]

    def test_a_session_without_bars_is_waited_for(self):
        frame = made("8035.T", "2025-06-10", "2025-06-13", 60)
        gone = frame["opens_at"].between("2025-06-11T00:00+09:00", "2025-06-12T00:00+09:00")
        late = news("8035.T", "2025-06-10 18:00")
        assert traded(frame[~gone], late, 60).audit["outcome"].tolist() == ["no_bar"]
        assert traded(frame[~gone], late, 60, max_defer=1).audit["outcome"].tolist() == ["filled"]

    @pytest.mark.parametrize(
        ("level", "low", "high", "kind", "price"),
        [
            ({"stop": 0.02}, 97.5, 100.0, "stop", 98.0),
            ({"take": 0.02}, 100.0, 102.5, "take", 102.0),
            ({"stop": 0.02, "take": 0.02}, 97.5, 102.5, "stop", 98.0),
        ],
    )
    def test_levels_are_touched_inside_a_bar(self, level, low, high, kind, price):
        frame = flat("8035.T", "2025-06-11", "2025-06-12", 5)
        frame = edit(frame, local("XTKS", "2025-06-11 12:40"), low=low, high=high)
        result = traded(frame, news("8035.T", self.TEN), 5, hold=40, **level)
        (trade,) = result.trades.to_dict("records")
        assert (trade["exit_kind"], trade["exit_price"]) == (kind, price)
        assert trade["exit_at"] == pd.Timestamp("2025-06-11T12:45+09:00")
        # 10:20 to 11:25 are fourteen bars, then 12:30, 12:35, 12:40.
        assert trade["bars"] == 16

    def test_a_level_is_gapped_through_at_the_reopening(self):
        frame = flat("8035.T", "2025-06-11", "2025-06-12", 60)
        after = frame["opens_at"] >= pd.Timestamp("2025-06-11T12:30+09:00")
        for name in ("open", "high", "low", "close"):
            frame[name] = frame[name].mask(after, 95.0)
        result = traded(frame, news("8035.T", "2025-06-11 08:00"), 60, hold=40, stop=0.02)
        (trade,) = result.trades.to_dict("records")
        assert (trade["exit_kind"], trade["exit_price"]) == ("stop", 95.0)
        assert trade["exit_at"] == pd.Timestamp("2025-06-11T12:30+09:00")

    def test_shanghai_sells_the_next_session(self):
        frame = flat("600519.SS", "2025-06-11", "2025-06-13", 60)
        frame = edit(frame, local("XSHG", "2025-06-11 13:00"), low=90.5)
        events = news("600519.SS", "2025-06-11 08:00")
        held = traded(frame, events, 60, hold=0).trades.to_dict("records")[0]
        stopped = traded(frame, events, 60, hold=3, stop=0.05).trades.to_dict("records")[0]
        for trade, kind in ((held, "hold"), (stopped, "stop")):
            assert trade["exit_at"] == pd.Timestamp("2025-06-12T09:30+08:00")
            assert (trade["exit_kind"], trade["carried"], trade["bars"]) == (kind, True, 4)
        tape = Tape.from_frame(frame, interval="60m")
        assert rules_of(tape, CostTerms()).sell_from.tolist() == [4, 3, 2, 1] * 3

    def test_taipei_stands_on_the_last_close_of_the_session_before(self):
        frame = flat("2330.TW", "2025-06-10", "2025-06-12", 60)
        at = [local("XTAI", f"2025-06-11 {hour}:00") for hour in ("10", "11", "12")]
        frame = edit(frame, at[0], open=104.0, high=105.0, low=104.0, close=105.0)
        # Ten per cent above yesterday's close, not above the bar before.
        frame = edit(frame, at[1], open=110.0, high=110.0, low=110.0, close=110.0)
        frame = edit(frame, at[2], open=109.0, high=109.0, low=108.0, close=108.0)
        tape = Tape.from_frame(frame, interval="60m")
        rules = rules_of(tape, CostTerms())
        today = tape.session == tape.session[np.searchsorted(tape.opens_at, at[0])]
        assert np.isnan(rules.bar["limit_up"][:5]).all()
        assert rules.bar["limit_up"][today] == pytest.approx(109.5)
        assert rules.bar["limit_down"][today] == pytest.approx(90.5)
        result = traded(frame, news("2330.TW", "2025-06-11 10:30"), 60)
        assert result.trades["entry_at"].tolist() == [pd.Timestamp("2025-06-11T12:00+08:00")]
        last = frame[frame["opens_at"] < "2025-06-11T11:30+08:00"]
        assert traded(last, news("2330.TW", "2025-06-11 10:30"), 60).audit["outcome"].tolist() == ["locked"]

    def test_a_trade_that_ends_at_a_close_frees_its_money_for_the_next_open(self):
        frame = pd.concat([flat(name, "2025-06-11", "2025-06-12", 60) for name in ("8035.T", "6857.T")])
        events = pd.concat(
            [news("8035.T", "2025-06-11 08:00"), news("6857.T", "2025-06-11 09:30").assign(event_id="later")]
        )
        whole = af.Portfolio(size=1.0, max_positions=1)
        result = traded(frame, events, 60, hold=0, portfolio=whole)
        assert result.audit["outcome"].tolist() == ["filled", "filled"]
        assert result.trades["exit_at"].iloc[0] == result.trades["entry_at"].iloc[1]


def daily_of(frame):
    """Add bars within sessions up to daily ones."""
    zone = venue(resolve(frame["symbol"].iloc[0]).venue).zone
    day = frame["opens_at"].dt.tz_convert(zone).dt.strftime("%Y-%m-%d").rename("date")
    together = frame.groupby(["symbol", day])
    words = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    return together.agg(words).reset_index()


class TestDaily:
    @pytest.mark.parametrize(("symbol", "minutes"), [("8035.T", 60), ("BHP.AX", 30), ("0700.HK", 15)])
    def test_whole_sessions_are_traded_alike(self, symbol, minutes):
        """Sydney opens on the UTC date before the one on which it closes."""
        frame = made(symbol, "2025-02-03", "2025-03-28", minutes)
        bars = Tape.from_frame(frame, interval=f"{minutes}m")
        per_session = int(np.bincount(bars.ordinal - bars.ordinal[0]).max())
        evenings = [f"2025-02-{day:02} 20:00" for day in (4, 11, 13, 18, 25, 26)]
        events, half = news(symbol, *evenings), af.Portfolio(size=0.5, compound=True)
        costs = af.Costs(model="flat", fee=0.001, slippage=0.0005)
        levels = {"portfolio": half, "costs": costs, "entry_bar_exits": False}
        inside = traded(frame, events, minutes, hold=per_session - 1, **levels)
        whole = af.backtest(
            events,
            daily_of(frame),
            af.Reaction(tag="chip", hold=0, entry_bar_exits=False),
            portfolio=half,
            costs=costs,
        )
        same = [name for name in whole.trades.columns if name not in ("bars", "mae", "mfe")]
        assert len(whole.trades) == 6
        pd.testing.assert_frame_equal(inside.trades[same], whole.trades[same], check_exact=True)
        pd.testing.assert_frame_equal(inside.equity, whole.equity, check_exact=True)
        assert inside.stats["headline"]["sharpe"] == whole.stats["headline"]["sharpe"]

    def test_daily_bars_may_be_written_with_their_instants(self):
        daily = daily_of(made("8035.T", "2025-06-10", "2025-06-17", 60))
        tape = Tape.from_frame(daily)
        hours = {name: to_index(getattr(tape, name)) for name in ("opens_at", "closes_at")}
        assert Tape.from_frame(daily.drop(columns="date").assign(**hours)).digest() == tape.digest()
        assert "date" in tape.to_frame()
        assert not tape.intraday

    def test_a_tape_may_hold_both(self):
        hourly = made("8035.T", "2025-06-10", "2025-06-17", 60)
        daily = Tape.from_frame(daily_of(made("6857.T", "2025-06-10", "2025-06-17", 60)))
        hours = {name: to_index(getattr(daily, name)) for name in ("opens_at", "closes_at")}
        whole = daily.to_frame().drop(columns="date").assign(**hours)
        tape = Tape.from_frame(pd.concat([Tape.from_frame(hourly, interval="60m").to_frame(), whole]))
        events = news("8035.T", "2025-06-11 10:17").assign(symbols="8035.T 6857.T")
        result = af.backtest(events, tape, af.Reaction(tag="chip"), portfolio=ALONE)
        entries = result.trades.set_index("symbol")["entry_at"]
        assert entries["8035.T"] == pd.Timestamp("2025-06-11T11:00+09:00")
        assert entries["6857.T"] == pd.Timestamp("2025-06-12T09:00+09:00")


class TestTable:
    FRAME = made("8035.T", "2025-06-11", "2025-06-12", 60)

    def codes(self, tape):
        return dict(zip(tape.warnings["code"], tape.warnings["rows"], strict=True))

    def test_an_interval_ends_with_its_stretch_of_trading(self):
        tape = Tape.from_frame(self.FRAME, interval="1h")
        want = ["10:00", "11:00", "11:30", "13:30", "14:30", "15:30"]
        local_ends = to_index(tape.closes_at).tz_convert("Asia/Tokyo").strftime("%H:%M")
        assert list(local_ends) == want * 2
        assert tape.ordinal.tolist() == [tape.ordinal[0]] * 6 + [tape.ordinal[0] + 1] * 6
        assert self.codes(tape) == {}
        assert "12 intraday bars" in repr(tape)
        assert tape.intraday

    @pytest.mark.parametrize("name", ["Datetime", "timestamp", "opens_at", "date"])
    def test_the_way_there_does_not_matter(self, name, tmp_path):
        tape = Tape.from_frame(self.FRAME, interval="60m")
        renamed = self.FRAME.rename(columns={"opens_at": name})
        path = tmp_path / "bars.csv"
        renamed.assign(**{name: renamed[name].dt.tz_convert("Asia/Tokyo")}).to_csv(path, index=False)
        for given_ in (renamed, path, renamed.set_index(["symbol", name]), renamed.iloc[::-1]):
            assert load_tape(given_, interval="60m").digest() == tape.digest()
        alone = renamed.drop(columns="symbol").set_index(name)
        assert load_tape(alone, symbols="8035.T", interval="60m").digest() == tape.digest()
        wide = pd.concat({"8035.T": alone.rename(columns=str.capitalize)}, axis=1)
        assert load_tape(wide, interval="60m").digest() == tape.digest()
        closes = alone[["close"]].rename(columns={"close": "8035.T"})
        assert np.array_equal(load_tape(closes, interval="60m").opens_at, tape.opens_at)

    def test_a_tape_comes_back_from_its_table(self):
        frame = pd.concat([self.FRAME, made("INFY.NS", "2025-06-11", "2025-06-12", 5)])
        sources = np.where(frame["opens_at"] < "2025-06-12", "one", "two")
        frame = frame.assign(source=sources, closes_at=frame["opens_at"] + pd.Timedelta(minutes=5))
        tape = Tape.from_frame(frame)
        assert tape.sources == ("one", "two", "one", "two")
        again = Tape.from_frame(tape.to_frame())
        assert again.digest() == tape.digest()
        assert tape.select(["INFY.NS"]).bars("INFY.NS").equals(tape.bars("INFY.NS"))

    def test_what_lies_outside_the_hours_is_dropped_and_counted(self):
        stamps = ["08:00", "11:30", "12:15", "15:30", "15:35"]
        extra = self.FRAME.iloc[:5].assign(
            opens_at=[pd.Timestamp(f"2025-06-11T{stamp}+09:00") for stamp in stamps]
        )
        sunday = self.FRAME.iloc[:1].assign(opens_at=pd.Timestamp("2025-06-15T10:00+09:00"))
        early = self.FRAME.iloc[:1].assign(opens_at=pd.Timestamp("1999-06-15T10:00+09:00"))
        whole = made("8035.T", "2025-06-11", "2025-06-12", 15)
        tape = Tape.from_frame(pd.concat([whole, extra, sunday, early]), interval="15m")
        assert tape.digest() == Tape.from_frame(whole, interval="15m").digest()
        assert self.codes(tape) == {"before_calendar": 1, "not_a_session": 1, "outside_hours": 5}

    def test_bars_that_reach_outside_are_cut(self):
        rows = [("08:30", "09:30"), ("11:00", "12:00"), ("12:15", "12:45"), ("15:00", "16:00")]
        frame = self.FRAME.iloc[:4].assign(
            opens_at=[pd.Timestamp(f"2025-06-11T{start}+09:00") for start, _ in rows],
            closes_at=[pd.Timestamp(f"2025-06-11T{end}+09:00") for _, end in rows],
        )
        tape = Tape.from_frame(frame)
        hours = [
            to_index(values).tz_convert("Asia/Tokyo").strftime("%H:%M").tolist()
            for values in (tape.opens_at, tape.closes_at)
        ]
        assert hours == [["09:00", "11:00", "12:30", "15:00"], ["09:30", "11:30", "12:45", "15:30"]]
        assert self.codes(tape) == {"cut_to_hours": 4}

    def test_a_bar_on_both_sides_of_lunch_keeps_its_end(self):
        """Its close is not known at 11:30."""
        frame = self.FRAME.iloc[:1].assign(opens_at=pd.Timestamp("2025-06-11T11:00+09:00"))
        tape = Tape.from_frame(frame, interval="2h")
        assert to_index(tape.closes_at)[0] == pd.Timestamp("2025-06-11T13:00+09:00")

    def test_identical_bars_count_once(self):
        tape = Tape.from_frame(pd.concat([self.FRAME, self.FRAME.iloc[:3]]), interval="60m")
        assert tape.digest() == Tape.from_frame(self.FRAME, interval="60m").digest()
        assert self.codes(tape) == {"duplicate": 3}

    def test_only_the_first_bar_of_a_session_can_have_a_made_up_open(self):
        frame = made("8035.T", "2025-01-06", "2025-06-30", 60)
        before = frame["close"].shift().fillna(99.0)
        first = frame["opens_at"].dt.tz_convert("Asia/Tokyo").dt.hour == 9
        continuous = frame.assign(open=frame["open"].where(first, before))
        assert "synthetic_open" not in self.codes(Tape.from_frame(continuous, interval="60m"))
        repeated = frame.assign(open=frame["open"].where(~first, before))
        tape = Tape.from_frame(repeated, interval="60m")
        unknown = to_index(tape.opens_at[np.isnan(tape.open)]).tz_convert("Asia/Tokyo")
        assert len(unknown) == self.codes(tape)["synthetic_open"] > 80
        assert set(unknown.hour) == {9}

    def test_a_jump_inside_a_session_is_no_split(self):
        frame = flat("8035.T", "2025-06-11", "2025-06-13", 60)
        prices = ["open", "high", "low", "close"]
        for hour, told in (("10:00", False), ("09:00", True)):
            later = frame["opens_at"] >= pd.Timestamp(f"2025-06-12T{hour}+09:00")
            halved = frame.assign(**{name: frame[name].mask(later, 50.0) for name in prices})
            tape = Tape.from_frame(halved, interval="60m")
            assert ("split_like" in self.codes(tape)) == told

    def test_one_source_at_a_time_holds_for_sessions(self):
        """The second was there before the first ended: it takes over at the fifth session missed, the 19th."""
        frame = made("8035.T", "2025-06-11", "2025-06-20", 60)
        day = frame["opens_at"].dt.tz_convert("Asia/Tokyo").dt.day
        one = frame[day < 13].assign(source="one")
        two = frame[day > 11].assign(source="two")
        tape = Tape.from_frame(pd.concat([one, two]), interval="60m")
        assert tape.sources == ("one", "two")
        assert np.diff(tape.offsets).tolist() == [12, 12]
        assert self.codes(tape) == {"other_source": 30, "source_change": 1}

    @pytest.mark.parametrize(
        ("change", "options", "match"),
        [
            (
                {},
                {},
                "column 'closes_at' beside opens_at, got openings alone; add the column, or say how long",
            ),
            ({"date": "2025-06-11"}, {"interval": "60m"}, "date or opens_at, got both"),
            (
                {"opens_at": "2025-06-11T09:00"},
                {"interval": "60m"},
                "line 1, column opens_at: expected an inst",
            ),
            ({"opens_at": "2025-06-11"}, {"interval": "60m"}, "an instant with its zone, got '2025-06-11'"),
            ({"opens_at": None}, {"interval": "60m"}, "an instant with its zone, got nothing"),
            (
                {},
                {"interval": "90m"},
                "line 2: expected bars that do not overlap 8035.T at 2025-06-11T01:00:00Z",
            ),
            ({}, {"interval": "60s"}, "the interval of bars, got '60s'; write minutes"),
            ({}, {"interval": "24h"}, "the interval of bars, got '24h'"),
            (
                {"closes_at": "2025-06-11T09:00+09:00"},
                {},
                "an end after the opening, in the same session, got 2025-06-11T00:00:00Z to 2025-06-11T00:00:00Z",
            ),
            ({"closes_at": "2025-06-12T10:00+09:00"}, {}, "an end after the opening, in the same session"),
            (
                {"opens_at": "2025-06-11T10:00+09:00"},
                {"interval": "60m"},
                "one bar of 8035.T at 2025-06-11T01",
            ),
        ],
    )
    def test_what_cannot_be_is_refused(self, change, options, match):
        with pytest.raises(InputError, match=match):
            Tape.from_frame(self.FRAME.iloc[:6].assign(**change), **options)

    def test_a_daily_table_may_have_a_timestamp_beside_its_date(self):
        daily = daily_of(self.FRAME)
        stamped = daily.assign(timestamp="2025-07-01T00:00:00Z")
        assert Tape.from_frame(stamped).digest() == Tape.from_frame(daily).digest()
        with pytest.raises(InputError, match="date or opens_at, got both; drop one"):
            Tape.from_frame(stamped, interval="60m")

    def test_several_instants_of_one_date_say_how_to_fix_it(self):
        with pytest.raises(InputError, match="bars within a day have opens_at in the place of date"):
            Tape.from_frame(self.FRAME.rename(columns={"opens_at": "date"}))

    def test_arrays_that_overlap_or_fall_are_refused(self):
        tape = Tape.from_frame(self.FRAME, interval="60m")
        with pytest.raises(InputError, match="bars that do not overlap, got a bar out of order at 1"):
            replace(tape, closes_at=tape.closes_at + 1)
        falling = tape.close_cutoff.copy()
        falling[3] = falling[2] - 1
        with pytest.raises(InputError, match="cut-offs that never fall along the bars"):
            replace(tape, close_cutoff=falling)

    @pytest.mark.parametrize(("text", "minutes"), [("1m", 1), ("90m", 90), ("1h", 60), ("23h", 1380)])
    def test_intervals(self, text, minutes):
        assert interval_ns(text) == minutes * MINUTE


HALF_HOURLY = SYMBOLS[:6]
"""Their bars of 30 minutes end on the same instants."""


def market(first, last):
    frame = pd.concat([made(name, first, last, 30, seed=5) for name in HALF_HOURLY], ignore_index=True)
    draw = np.random.default_rng(1)
    idle, gone = draw.random(len(frame)) < 0.03, draw.random(len(frame)) < 0.03
    still = {name: frame[name].where(~idle, frame["close"]) for name in ("open", "high", "low")}
    return frame.assign(**still, volume=frame["volume"].mask(idle, 0.0))[~gone]


def minute_events(first, last, count):
    draw = np.random.default_rng(2)
    ends = [pd.Timestamp(day).value for day in (first, last)]
    known = np.sort(draw.integers(ends[0] // MINUTE, ends[1] // MINUTE, count)) * MINUTE
    # Most in Asian hours: 00:00 to 08:00 UTC.
    known = np.sort(known // DAY * DAY + draw.integers(0, 8 * 60, count) * MINUTE)
    wide = draw.choice([0, 0, 0, 3, 30], count) * MINUTE
    return pd.DataFrame(
        {
            "event_id": [f"e{i:04}" for i in range(count)],
            "known_from": to_index(known - wide),
            "known_by": to_index(known),
            "tag": "chip",
            "direction": draw.choice(["positive", "negative"], count),
            "symbols": [" ".join(draw.choice(HALF_HOURLY, 2, replace=False)) for _ in range(count)],
        }
    )


FIRST, LAST = "2025-06-02", "2025-07-11"
CASES = {
    "portfolio": (
        af.Reaction(tag="chip", hold=9, stop=0.01, trail=0.02, take=0.015, overlap="extend"),
        af.Portfolio(size=0.3, compound=True, max_positions=5, max_market=0.5, partial=True),
    ),
    "account": (
        af.Reaction(tag="chip", hold=4, overlap="stack", opposite="reverse", max_defer=1),
        af.Portfolio(mode="account"),
    ),
    "event": (
        af.Reaction(tag="chip", entry="close", hold=5, delay=1, latency="5min", exit_at="open"),
        af.Portfolio(mode="event"),
    ),
}


@pytest.fixture(scope="module")
def world() -> tuple[Events, Tape]:
    return load_events(minute_events(FIRST, LAST, 260)), Tape.from_frame(market(FIRST, LAST), interval="30m")


def outcome(case: str, events: Events, tape: Tape) -> Result:
    strategy, portfolio = CASES[case]
    experiment = Experiment(strategy=strategy, portfolio=portfolio)
    return execute(events, tape, universe(HALF_HOURLY), links_of(None, events), experiment)


def before(result: Result, now: int) -> dict[str, pd.DataFrame]:
    """What was decided before an instant; a bar that opens at it is not over."""
    audit, trades, fills = result.audit, result.trades, result.fills
    closed = trades[(trades["status"] == "closed").to_numpy() & (to_ns(trades["exit_at"]) < now)]
    parts = {
        "audit": audit[audit["entry_at"].notna() & (to_ns(audit["entry_at"]) < now)],
        "closed": closed.drop(columns="trade_id"),
        "fills": fills[to_ns(fills["at"]) < now].drop(columns="trade_id"),
        "equity": result.equity[to_ns(result.equity["date"].to_numpy()) < now // DAY * DAY],
    }
    return {name: table.reset_index(drop=True) for name, table in parts.items()}


def other_future(frame: pd.DataFrame, later: np.ndarray, draw: np.random.Generator) -> pd.DataFrame:
    """Scramble prices, volumes and the presence of later bars."""
    factor = np.where(later, draw.lognormal(0.0, 0.1, len(frame)), 1.0)
    changed = frame.assign(**{name: frame[name] * factor for name in ("open", "high", "low", "close")})
    changed["volume"] = np.where(later, draw.integers(0, 3, len(frame)), changed["volume"]).astype(float)
    return changed[~(later & (draw.random(len(frame)) < 0.2))]


@pytest.mark.parametrize("case", list(CASES))
@pytest.mark.parametrize("change", ["cut", "scramble"])
def test_nothing_before_an_instant_inside_a_session_changes(case, change, world):
    events, tape = world
    whole = outcome(case, events, tape)
    draw = np.random.default_rng(sum(map(ord, case + change)))
    compared = 0
    for _ in range(8):
        day = pd.Timestamp(FIRST, tz="UTC") + pd.Timedelta(days=int(draw.integers(5, 35)))
        now = int((day + pd.Timedelta(minutes=30 * int(draw.integers(0, 17)))).value)
        frame, later = tape.to_frame(), tape.closes_at > now
        known = to_ns(events.frame["known_by"])
        if change == "cut":
            other = replace(events, frame=events.frame[known <= now].reset_index(drop=True))
            changed = outcome(case, other, Tape.from_frame(frame[~later]))
        else:
            changed = outcome(case, events, Tape.from_frame(other_future(frame, later, draw)))
        want, have = before(whole, now), before(changed, now)
        for name, table in want.items():
            pd.testing.assert_frame_equal(have[name], table, check_exact=True, obj=f"{name} before {now}")
            compared += len(table)
    assert compared > 500


def test_the_future_does_matter(world):
    events, tape = world
    now = int(pd.Timestamp("2025-06-20T03:00Z").value)
    frame = other_future(tape.to_frame(), tape.closes_at > now, np.random.default_rng(0))
    changed = outcome("portfolio", events, Tape.from_frame(frame))
    assert not changed.trades["pnl"].equals(outcome("portfolio", events, tape).trades["pnl"])


@pytest.mark.parametrize("case", list(CASES))
def test_entries_are_never_before_the_news(case, world):
    result = outcome(case, *world)
    trades = result.trades
    assert len(trades) > 100
    inside = trades["entry_at"].dt.strftime("%H:%M").nunique()
    assert inside > 10
    assert (trades["entry_at"] >= trades["known_by"]).all()


class TestDoor:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        frame = made("8035.T", "2025-06-02", "2025-06-30", 60)
        frame["opens_at"] = frame["opens_at"].dt.tz_convert("Asia/Tokyo")
        frame.rename(columns={"opens_at": "Datetime"}).to_csv(tmp_path / "bars.csv", index=False)
        news("8035.T", "2025-06-11 10:17", "2025-06-18 11:45").to_csv(tmp_path / "events.csv", index=False)
        return tmp_path

    def test_a_file_of_hours_is_backtested_and_reported(self, folder):
        result = af.backtest(
            folder / "events.csv", folder / "bars.csv", af.Reaction(tag="chip", hold=3), interval="60m"
        )
        want = [pd.Timestamp("2025-06-11T11:00+09:00"), pd.Timestamp("2025-06-18T12:30+09:00")]
        assert result.trades["entry_at"].tolist() == want
        assert result.manifest["period"] == {"first": "2025-06-11", "last": "2025-06-30"}
        window = result.bars[result.bars["event_id"] == "e0"]
        assert window["offset"].tolist() == list(range(-5, 9))
        assert window["opens_at"].is_monotonic_increasing
        assert window["session"].nunique() == 3
        result.report(folder / "report.html")
        assert (folder / "report.html").is_file()
        opened = drill.store(result)
        assert opened["trades"]["exit_at"]["values"] == [at.value // 10**9 for at in result.trades["exit_at"]]
        assert opened["signals"]["trade"]["values"] == [0, 1]
        result.save(folder / "run")
        again = af.run_experiment(folder / "run" / "experiment.toml")
        pd.testing.assert_frame_equal(again.trades, result.trades)

    def test_an_experiment_names_the_interval(self, folder):
        text = '[events]\nfiles = ["events.csv"]\n[prices]\nfiles = ["bars.csv"]\ninterval = "{}"\n'
        path = folder / "hours.toml"
        path.write_text(text.format("60m") + '[strategy]\ntag = "chip"\nhold = 3\n', encoding="utf-8")
        assert len(af.run_experiment(path).trades) == 2
        path.write_text(text.format("60 minutes"), encoding="utf-8")
        with pytest.raises(
            InputError, match=r"line 5: expected \[prices\] a value of interval.*write minutes"
        ):
            af.run_experiment(path)

    def test_the_simulated_market_is_daily(self, folder):
        path = folder / "simulated.toml"
        text = '[events]\nfiles = ["events.csv"]\n[prices]\nsimulated = true\ninterval = "5m"\n'
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="daily bars of the simulated market, got interval = '5m'"):
            af.run_experiment(path)

    def test_without_the_interval_it_says_what_is_missing(self, folder):
        with pytest.raises(InputError, match=r'bars.csv.*say how long bars are: interval="60m"'):
            af.backtest(folder / "events.csv", folder / "bars.csv", af.Reaction(tag="chip"))
