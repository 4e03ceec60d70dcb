"""The join: which session an instant can still have, which bar that is, and how a date's budget is shared."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from aftershock.data.calendars import sessions
from aftershock.data.errors import InputError
from aftershock.data.instants import DAY, NAT, to_index, to_ns
from aftershock.data.prices import Tape
from aftershock.data.venues import venue
from aftershock.engine.align import (
    AMBIGUOUS,
    AT_THE_OPEN,
    IN_TIME,
    LISTED_WITHIN,
    TOO_LATE,
    WHY,
    align_signals,
    clock,
    entry_bars,
    is_listed,
    shares_of_budget,
)

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
ZONES = {
    "XTKS": "+09:00",
    "XHKG": "+08:00",
    "XNYS": "-04:00",
    "XBOM": "+05:30",
    "XTAI": "+08:00",
    "XSHG": "+08:00",
}
BEYOND = ("1999-06-01T12:00", "2200-01-01T12:00")


def local(mic, text, more=0):
    """Read a venue's local time as UTC ns; ``more`` adds nanoseconds. June is summer in New York."""
    return int(to_ns(text + ZONES[mic])[0]) + more


def day_of(mic, position):
    """Give the local date of a session by its position in the calendar."""
    return str(sessions(mic).session[position].astype("M8[D]"))


def signals(*rows):
    """Make signals of (venue, known_from, known_by); instants in UTC ns."""
    table = pd.DataFrame(rows, columns=["venue", "known_from", "known_by"])
    return table.assign(
        **{name: to_index(table[name].to_numpy(np.int64)) for name in ("known_from", "known_by")}
    )


def signal(mic, text, until=None, more=0):
    return signals((mic, local(mic, text), local(mic, until or text, more)))


# Wednesday 2025-06-11, and what of it and of later days can be had.
CLOCKS = [
    # Tokyo: 09:00-11:30, 12:30-15:30, orders to the auctions themselves.
    ("XTKS", "2025-06-11T00:00", 0, "pre-open", "2025-06-11T09:00", "2025-06-11", "2025-06-11"),
    ("XTKS", "2025-06-11T08:59", 0, "pre-open", "2025-06-11T09:00", "2025-06-11", "2025-06-11"),
    ("XTKS", "2025-06-11T09:00", 0, "session", "2025-06-11T09:00", "2025-06-11", "2025-06-11"),
    ("XTKS", "2025-06-11T09:00", 1, "session", None, "2025-06-12", "2025-06-11"),
    ("XTKS", "2025-06-11T11:30", -1, "session", None, "2025-06-12", "2025-06-11"),
    ("XTKS", "2025-06-11T11:30", 0, "lunch", "2025-06-11T12:30", "2025-06-12", "2025-06-11"),
    ("XTKS", "2025-06-11T12:30", 0, "session", "2025-06-11T12:30", "2025-06-12", "2025-06-11"),
    ("XTKS", "2025-06-11T15:30", -1, "session", None, "2025-06-12", "2025-06-11"),
    ("XTKS", "2025-06-11T15:30", 0, "after close", "2025-06-12T09:00", "2025-06-12", "2025-06-11"),
    ("XTKS", "2025-06-11T15:30", 1, "after close", "2025-06-12T09:00", "2025-06-12", "2025-06-12"),
    ("XTKS", "2025-06-13T18:00", 0, "after close", "2025-06-16T09:00", "2025-06-16", "2025-06-16"),
    ("XTKS", "2025-06-14T10:00", 0, "weekend", "2025-06-16T09:00", "2025-06-16", "2025-06-16"),
    ("XTKS", "2025-07-21T10:00", 0, "holiday", "2025-07-22T09:00", "2025-07-22", "2025-07-22"),
    # Hong Kong: 09:30-12:00, 13:00-16:00; the opening auction takes orders to 09:20.
    ("XHKG", "2025-06-11T09:20", 0, "pre-open", "2025-06-11T09:30", "2025-06-11", "2025-06-11"),
    ("XHKG", "2025-06-11T09:20", 1, "pre-open", "2025-06-11T09:30", "2025-06-12", "2025-06-11"),
    ("XHKG", "2025-06-11T09:30", 0, "session", None, "2025-06-12", "2025-06-11"),
    ("XHKG", "2025-06-11T12:30", 0, "lunch", "2025-06-11T13:00", "2025-06-12", "2025-06-11"),
    # New York: 09:30-16:00; orders to 09:28 and 15:50.
    ("XNYS", "2025-06-11T09:28", 0, "pre-open", "2025-06-11T09:30", "2025-06-11", "2025-06-11"),
    ("XNYS", "2025-06-11T09:28", 1, "pre-open", "2025-06-11T09:30", "2025-06-12", "2025-06-11"),
    ("XNYS", "2025-06-11T15:50", 0, "session", None, "2025-06-12", "2025-06-11"),
    ("XNYS", "2025-06-11T15:50", 1, "session", None, "2025-06-12", "2025-06-12"),
    # Mumbai: 09:15-15:30; orders to 09:07; the close is an average from 15:00.
    ("XBOM", "2025-06-11T09:07", 1, "pre-open", "2025-06-11T09:15", "2025-06-12", "2025-06-11"),
    ("XBOM", "2025-06-11T15:00", 0, "session", None, "2025-06-12", "2025-06-11"),
    ("XBOM", "2025-06-11T15:00", 1, "session", None, "2025-06-12", "2025-06-12"),
    # Taipei 09:00-13:30 has no lunch; Shanghai's opening auction is at 09:25.
    ("XTAI", "2025-06-11T12:15", 0, "session", None, "2025-06-12", "2025-06-11"),
    ("XSHG", "2025-06-11T09:25", 0, "pre-open", "2025-06-11T09:30", "2025-06-11", "2025-06-11"),
    ("XSHG", "2025-06-11T09:25", 1, "pre-open", "2025-06-11T09:30", "2025-06-12", "2025-06-11"),
]
"""Venue, local instant, nanoseconds more, phase, first tradable (None: at once), days of first open and close."""


class TestClock:
    @pytest.mark.parametrize(("mic", "at", "more", "phase", "tradable", "opens", "closes"), CLOCKS)
    def test_what_can_be_had(self, mic, at, more, phase, tradable, opens, closes):
        known = local(mic, at, more)
        found = clock(venue(mic), np.array([known]))
        assert found.phase[0] == phase
        assert found.first_tradable[0] == (known if tradable is None else local(mic, tradable))
        days = sessions(mic)
        assert day_of(mic, found.open_at[0]) == opens
        assert day_of(mic, found.close_at[0]) == closes
        assert found.first_open[0] == days.opens_at[found.open_at[0]]
        assert found.first_close[0] == days.closes_at[found.close_at[0]]

    @pytest.mark.parametrize("known", [*(local("XTKS", at) for at in BEYOND), NAT])
    def test_beyond_the_calendar_there_is_nothing(self, known):
        found = clock(venue("XTKS"), np.array([known]))
        assert found.phase[0] == ""
        assert [instants[0] for instants in found[1:4]] == [NAT, NAT, NAT]
        assert found.open_at[0] == found.close_at[0] == len(sessions("XTKS").session)

    def test_many_instants_are_answered_one_by_one(self):
        instants = np.array([local("XTKS", at, more) for mic, at, more, *_ in CLOCKS if mic == "XTKS"])
        together = clock(venue("XTKS"), instants)
        for k, instant in enumerate(instants):
            alone = clock(venue("XTKS"), np.array([instant]))
            assert [part[0] for part in alone] == [part[k] for part in together]

    def test_no_instants(self):
        assert all(part.shape == (0,) for part in clock(venue("XTKS"), np.array([], np.int64)))


class TestSentences:
    @pytest.mark.parametrize(
        ("mic", "at", "sentence"),
        [
            ("XTKS", "2025-06-11T08:00", IN_TIME),
            ("XHKG", "2025-06-11T09:20", IN_TIME),
            ("XHKG", "2025-06-11T09:21", TOO_LATE),
            ("XTKS", "2025-06-11T09:00", AT_THE_OPEN),
            ("XHKG", "2025-06-11T09:30", WHY["session"]),
            ("XTKS", "2025-06-11T10:00", WHY["session"]),
            ("XTKS", "2025-06-11T12:00", WHY["lunch"]),
            ("XTKS", "2025-06-11T16:00", WHY["after close"]),
            ("XTKS", "2025-07-21T10:00", WHY["holiday"]),
            ("XTKS", "2025-06-14T10:00", WHY["weekend"]),
            ("XTKS", "1999-06-01T12:00", WHY[""]),
        ],
    )
    def test_each_phase_has_one(self, mic, at, sentence):
        aligned = align_signals(signal(mic, at))
        assert aligned["reason"].tolist() == [sentence]

    def test_every_sentence_is_its_own(self):
        sentences = [*WHY.values(), TOO_LATE, AT_THE_OPEN]
        assert len(set(sentences)) == len(sentences)

    def test_what_a_sentence_says_of_the_open_is_so(self):
        """Every quarter of an hour of four weeks, at each venue: the first open is today's or a later day's."""
        for mic in ZONES:
            start = local(mic, "2025-06-30T00:00")
            known = np.arange(start, start + 28 * DAY, 15 * MINUTE)
            aligned = align_signals(signals(*((mic, instant, instant) for instant in known)))
            today = aligned["first_open"] == aligned["first_tradable"]
            says_later = aligned["reason"].isin([TOO_LATE, WHY["session"], WHY["lunch"]])
            assert (says_later == ~today).all()
            at_once = aligned["first_tradable"] == aligned["known_by"]
            assert (aligned["reason"].isin([WHY["session"], AT_THE_OPEN]) == at_once).all()

    def test_the_last_session_of_the_calendar_has_no_open_after_its_cut_off(self):
        days = sessions("XHKG")
        late = int(days.open_cutoff[-1]) + 1
        aligned = align_signals(signals(("XHKG", late, late)))
        assert aligned["first_open"].isna().all()
        assert aligned["reason"].tolist() == [TOO_LATE]
        assert aligned["entry_position"].tolist() == [len(days.session)]

    def test_ambiguity_is_told_behind_it(self):
        aligned = align_signals(signal("XHKG", "2025-06-11T09:00", "2025-06-11T09:21"))
        assert aligned["reason"].tolist() == [TOO_LATE + AMBIGUOUS]


class TestAlignSignals:
    @pytest.mark.parametrize(
        ("mic", "known_from", "known_by", "more", "at_open", "at_close"),
        [
            ("XHKG", "2025-06-11T09:20", "2025-06-11T09:20", 0, False, False),
            ("XHKG", "2025-06-11T09:00", "2025-06-11T09:20", 0, False, False),
            ("XHKG", "2025-06-11T09:00", "2025-06-11T09:20", 1, True, False),
            ("XHKG", "2025-06-11T09:21", "2025-06-11T15:59", 0, False, False),
            ("XHKG", "2025-06-11T09:21", "2025-06-11T16:00", 0, False, False),
            ("XHKG", "2025-06-11T09:21", "2025-06-11T16:00", 1, False, True),
            ("XHKG", "2025-06-11T00:00", "2025-06-11T23:59", 0, True, True),
            ("XHKG", "2025-06-11T16:01", "2025-06-12T09:20", 0, False, False),
            ("XHKG", "2025-06-13T17:00", "2025-06-16T09:00", 0, False, False),
            ("XHKG", "2025-06-14T00:00", "2025-06-14T23:59", 0, False, False),
            ("XHKG", "2025-06-10T12:00", "2025-06-13T12:00", 0, True, True),
            ("XNYS", "2025-06-11T15:49", "2025-06-11T15:51", 0, False, True),
            ("XTKS", "2025-06-11T08:59", "2025-06-11T09:00", 0, False, False),
            ("XTKS", "2025-06-11T08:59", "2025-06-11T09:00", 1, True, False),
        ],
    )
    def test_an_interval_that_holds_a_cut_off_is_ambiguous(
        self, mic, known_from, known_by, more, at_open, at_close
    ):
        given_ = signal(mic, known_from, known_by, more)
        assert align_signals(given_)["ambiguous"].tolist() == [at_open]
        assert align_signals(given_, at_close=True)["ambiguous"].tolist() == [at_close]

    @pytest.mark.parametrize(
        ("latency", "day"),
        [(0, "2025-06-11"), (5 * MINUTE, "2025-06-11"), (5 * MINUTE + 1, "2025-06-12"), (DAY, "2025-06-12")],
    )
    def test_latency_moves_a_signal_across_the_cut_off(self, latency, day):
        aligned = align_signals(signal("XHKG", "2025-06-11T09:15"), latency=latency)
        assert day_of("XHKG", aligned["entry_position"][0]) == day
        assert aligned["ambiguous"].tolist() == [False]
        assert aligned["known_by"].tolist() == [pd.Timestamp("2025-06-11T09:15+08:00")]

    @pytest.mark.parametrize(
        ("latency", "ambiguous"),
        [
            (0, False),
            (3 * MINUTE, False),
            (3 * MINUTE + 1, True),
            (20 * MINUTE, True),
            (20 * MINUTE + 1, False),
        ],
    )
    def test_latency_moves_both_ends_of_an_interval(self, latency, ambiguous):
        aligned = align_signals(signal("XHKG", "2025-06-11T09:00", "2025-06-11T09:17"), latency=latency)
        assert aligned["ambiguous"].tolist() == [ambiguous]

    def test_the_close_has_its_own_cut_off(self):
        given_ = signal("XNYS", "2025-06-11T12:00")
        assert day_of("XNYS", align_signals(given_)["entry_position"][0]) == "2025-06-12"
        assert day_of("XNYS", align_signals(given_, at_close=True)["entry_position"][0]) == "2025-06-11"
        late = signal("XNYS", "2025-06-11T15:55")
        assert day_of("XNYS", align_signals(late, at_close=True)["entry_position"][0]) == "2025-06-12"

    def test_each_signal_is_joined_at_its_own_venue(self):
        instant = local("XTKS", "2025-06-11T10:00")
        mics = ["XTKS", "XHKG", "XNYS", "XTKS", "XBOM"]
        aligned = align_signals(signals(*((mic, instant, instant) for mic in mics)))
        assert aligned["venue"].tolist() == mics
        assert aligned["phase"].tolist() == ["session", "pre-open", "after close", "session", "pre-open"]
        assert [day_of(mic, place) for mic, place in zip(mics, aligned["entry_position"], strict=True)] == [
            "2025-06-12",
            "2025-06-11",
            "2025-06-11",
            "2025-06-12",
            "2025-06-11",
        ]
        assert aligned["first_tradable"].dt.strftime("%dT%H:%M").tolist() == [
            "11T01:00",
            "11T01:30",
            "11T13:30",
            "11T01:00",
            "11T03:45",
        ]

    def test_the_table_keeps_its_rows_and_is_not_touched(self):
        rows = [(mic, local(mic, at, more)) for mic, at, more, *_ in CLOCKS]
        given_ = signals(*((mic, instant, instant) for mic, instant in rows))
        given_ = given_.assign(event_id=[f"e{k}" for k in range(len(given_))]).sample(frac=1, random_state=5)
        before = given_.copy()
        aligned = align_signals(given_)
        pd.testing.assert_frame_equal(given_, before)
        pd.testing.assert_frame_equal(aligned[before.columns], before)
        for k in range(len(given_)):
            pd.testing.assert_frame_equal(align_signals(given_.iloc[[k]]), aligned.iloc[[k]])

    def test_no_signals_give_the_same_columns(self):
        full = align_signals(signal("XTKS", "2025-06-11T10:00"))
        empty = align_signals(signal("XTKS", "2025-06-11T10:00").iloc[:0])
        pd.testing.assert_frame_equal(empty, full.iloc[:0])

    @pytest.mark.parametrize("latency", [0, 5 * MINUTE])
    def test_an_unknown_instant_has_no_session(self, latency):
        aligned = align_signals(signals(("XTKS", NAT, NAT)), latency=latency).iloc[0]
        assert (aligned["phase"], aligned["reason"]) == ("", WHY[""])
        assert aligned[["first_tradable", "first_open", "first_close"]].isna().all()
        assert aligned["entry_position"] == len(sessions("XTKS").session)

    def test_an_unknown_beginning_is_ambiguous(self):
        known = local("XTKS", "2025-06-11T10:00")
        aligned = align_signals(signals(("XTKS", NAT, known)))
        assert aligned["ambiguous"].tolist() == [True]
        assert day_of("XTKS", aligned["entry_position"][0]) == "2025-06-12"

    def test_an_unknown_venue_is_told(self):
        with pytest.raises(InputError, match="the MIC of a known venue, got 'XTSK'; did you mean 'XTKS'"):
            align_signals(signals(("XTSK", 0, 0)))


MICS = ("XTKS", "XHKG", "XNYS")
FIRST, LAST = local("XTKS", "2025-06-09T00:00"), local("XTKS", "2025-06-30T00:00")


@st.composite
def moments(draw, mic):
    """Give an instant of three weeks, often at a cut-off of the venue or a nanosecond beside it."""
    days = sessions(mic)
    inside = (days.opens_at > FIRST) & (days.opens_at < LAST)
    edges = np.concatenate([days.open_cutoff[inside], days.close_cutoff[inside]]).tolist()
    near = st.tuples(st.sampled_from(edges), st.sampled_from([-1, 0, 1])).map(sum)
    return draw(st.one_of(near, st.integers(FIRST, LAST), st.sampled_from([NAT, 0])))


def slow_position(cutoffs, known):
    """First session whose cut-off has not passed; none where the calendar begins only later."""
    if known < cutoffs[0] - DAY:
        return len(cutoffs)
    return next((k for k, cutoff in enumerate(cutoffs.tolist()) if cutoff >= known), len(cutoffs))


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(MICS), st.data(), st.sampled_from([0, 1, MINUTE, DAY]), st.booleans())
def test_positions_and_ambiguity_agree_with_a_slow_loop(mic, data, latency, at_close):
    ends = sorted(data.draw(st.tuples(moments(mic), moments(mic))))
    cutoffs = sessions(mic).close_cutoff if at_close else sessions(mic).open_cutoff
    aligned = align_signals(signals((mic, *ends)), latency=latency, at_close=at_close).iloc[0]
    earliest, latest = (slow_position(cutoffs, known + latency) for known in ends)
    assert aligned["entry_position"] == latest
    assert aligned["ambiguous"] == (earliest != latest)
    assert aligned["reason"].endswith(AMBIGUOUS) == (earliest != latest)


# Bars ----------------------------------------------------------------------------------------------

LISTED = {"8035.T": "XTKS", "9988.HK": "XHKG", "SPX": "XNYS"}


def tape_of(days):
    """Make a tape of symbol -> days with a bar; prices do not matter here."""
    rows = [(symbol, day, 100.0) for symbol, own in days.items() for day in own]
    return Tape.from_frame(pd.DataFrame(rows, columns=["symbol", "date", "close"]))


def due(tape, symbol, at, *, at_close=False, delay=0):
    """Give the local date of the due bar (None: there is none) and the sessions waited, of one instant."""
    mic = LISTED[symbol]
    known = np.array([local(mic, at)])
    found = clock(venue(mic), known)
    place = np.array([tape.position(symbol)])
    position = found.close_at if at_close else found.open_at
    bar, waited = entry_bars(tape, place, known, position, at_close=at_close, delay=delay)
    day = None if bar[0] < 0 else str(tape.session[bar[0]].astype("M8[D]"))
    return day, int(waited[0])


class TestEntryBars:
    WEEK = ("2025-06-09", "2025-06-10", "2025-06-11", "2025-06-12", "2025-06-13")

    @pytest.mark.parametrize(
        ("at", "at_close", "delay", "expected"),
        [
            ("2025-06-10T08:00", False, 0, ("2025-06-10", 0)),
            ("2025-06-10T09:00", False, 0, ("2025-06-10", 0)),
            ("2025-06-10T09:01", False, 0, ("2025-06-11", 0)),
            ("2025-06-10T09:01", True, 0, ("2025-06-10", 0)),
            ("2025-06-10T15:31", True, 0, ("2025-06-11", 0)),
            ("2025-06-10T08:00", False, 2, ("2025-06-12", 0)),
            ("2025-06-10T08:00", False, 3, ("2025-06-13", 0)),
            ("2025-06-10T08:00", False, 4, (None, 0)),
            ("2025-06-13T09:01", False, 0, (None, 0)),
            ("2025-06-13T09:01", True, 0, ("2025-06-13", 0)),
            ("2025-06-14T12:00", False, 0, (None, 0)),
        ],
    )
    def test_the_bar_of_the_first_session_that_can_be_had(self, at, at_close, delay, expected):
        tape = tape_of({"8035.T": self.WEEK})
        assert due(tape, "8035.T", at, at_close=at_close, delay=delay) == expected

    @pytest.mark.parametrize(
        ("at", "delay", "expected"),
        [
            ("2025-06-10T08:00", 0, ("2025-06-12", 2)),
            ("2025-06-11T08:00", 0, ("2025-06-12", 1)),
            ("2025-06-12T08:00", 0, ("2025-06-12", 0)),
            ("2025-06-09T08:00", 1, ("2025-06-12", 0)),
            ("2025-06-10T08:00", 1, ("2025-06-13", 2)),
        ],
    )
    def test_sessions_without_a_bar_are_waited_for_and_delay_counts_bars(self, at, delay, expected):
        tape = tape_of({"8035.T": ("2025-06-09", "2025-06-12", "2025-06-13")})
        assert due(tape, "8035.T", at, delay=delay) == expected

    def test_a_day_off_is_not_waited_for(self):
        """Tokyo rested on Monday 2025-07-21, after a weekend."""
        tape = tape_of({"8035.T": ("2025-07-18", "2025-07-22")})
        assert due(tape, "8035.T", "2025-07-18T16:00") == ("2025-07-22", 0)

    def test_instruments_do_not_take_each_others_bars(self):
        tape = tape_of({"8035.T": self.WEEK[:2], "9988.HK": self.WEEK[3:]})
        assert due(tape, "8035.T", "2025-06-11T08:00") == (None, 0)
        assert due(tape, "9988.HK", "2025-06-09T08:00") == ("2025-06-12", 3)

    @pytest.mark.parametrize("at", BEYOND[:1])
    def test_what_was_known_before_the_calendar_begins_has_no_bar(self, at):
        """A decision of 1999 is not traded at the first bar of 2000."""
        first = sessions("XTKS").session[:3].astype("M8[D]").astype(str)
        tape = tape_of({"8035.T": first})
        assert due(tape, "8035.T", at) == (None, 0)
        assert due(tape, "8035.T", f"{first[0]}T09:00") == (str(first[0]), 0)

    def test_no_signals(self):
        nothing = np.array([], np.int64)
        found = entry_bars(tape_of({"8035.T": self.WEEK}), nothing, nothing, nothing, at_close=False, delay=0)
        assert [part.shape for part in found] == [(0,), (0,)]


class TestIsListed:
    """8035.T has bars on June 2 and 3, and then on June 24."""

    @pytest.mark.parametrize(
        ("at", "listed"),
        [
            ("2025-06-02T08:00", False),
            ("2025-06-02T15:29", False),
            ("2025-06-02T15:30", True),
            ("2025-06-10T08:00", True),
            # The tenth session after June 3 is June 17: what is known before its open is the last to count.
            ("2025-06-17T09:00", True),
            ("2025-06-17T09:01", False),
            ("2025-06-24T08:00", False),
            ("2025-06-24T15:30", True),
            ("1999-06-01T12:00", False),
        ],
    )
    def test_what_had_a_bar_within_ten_sessions_is_listed(self, at, listed):
        assert LISTED_WITHIN == 10
        tape = tape_of({"8035.T": ("2025-06-02", "2025-06-03", "2025-06-24"), "9988.HK": ("2025-06-10",)})
        known = np.array([local("XTKS", at)])
        position = clock(venue("XTKS"), known).open_at
        place = np.array([tape.position("8035.T")])
        assert is_listed(tape, place, known, position).tolist() == [listed]

    def test_each_signal_asks_of_its_own_instrument(self):
        tape = tape_of({"8035.T": ("2025-06-02",), "9988.HK": ("2025-06-10",)})
        known = np.full(3, local("XTKS", "2025-06-03T08:00"))
        position = np.array([clock(venue(mic), known).open_at[0] for mic in ("XHKG", "XTKS", "XHKG")])
        place = np.array([tape.position(symbol) for symbol in ("9988.HK", "8035.T", "9988.HK")])
        assert is_listed(tape, place, known, position).tolist() == [False, True, False]


def slow_entry(tape, instrument, known, cutoffs, days, delay):
    """Walk the bars of the instrument one by one."""
    position = slow_position(days, known)
    bars = range(int(tape.offsets[instrument]), int(tape.offsets[instrument + 1]))
    had = [bar for bar in bars if cutoffs[bar] >= known and tape.ordinal[bar] >= position]
    if len(had) <= delay:
        return -1, 0
    return had[delay], int(tape.ordinal[had[0]]) - position


@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(0, 3), st.booleans())
def test_entry_bars_agree_with_a_slow_loop(data, delay, at_close):
    days = {}
    for symbol, mic in LISTED.items():
        opens = sessions(mic).opens_at
        held = sessions(mic).session[(opens > FIRST) & (opens < LAST)].astype("M8[D]").astype(str).tolist()
        days[symbol] = data.draw(st.lists(st.sampled_from(held), unique=True, max_size=len(held)))
    assume(any(days.values()))
    tape = tape_of(days)
    chosen = data.draw(st.lists(st.sampled_from(range(len(tape.symbols))), max_size=8))
    known = [data.draw(moments(tape.venues[k])) for k in chosen]
    name = "close_cutoff" if at_close else "open_cutoff"
    calendars = [getattr(sessions(tape.venues[k]), name) for k in chosen]
    position = np.array(
        [slow_position(cutoffs, at) for cutoffs, at in zip(calendars, known, strict=True)], np.int64
    )
    bars, waited = entry_bars(
        tape, np.array(chosen, np.int64), np.array(known, np.int64), position, at_close=at_close, delay=delay
    )
    expected = [
        slow_entry(tape, k, at, getattr(tape, name), cutoffs, delay)
        for k, at, cutoffs in zip(chosen, known, calendars, strict=True)
    ]
    assert list(zip(bars.tolist(), waited.tolist(), strict=True)) == expected


# Budgets -------------------------------------------------------------------------------------------


def shared(rows, budget):
    """Factors of (date, known, need) rows."""
    date, known, need = (np.array(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    whole = (np.asarray(date, np.int64), np.asarray(known, np.int64), np.asarray(need, np.float64))
    return shares_of_budget(*whole, budget)[0]


class TestBudget:
    @pytest.mark.parametrize(
        ("rows", "budget", "factors"),
        [
            ([(0, 1, 0.5), (0, 1, 0.5)], 1.0, [1, 1]),
            ([(0, 1, 0.5), (0, 1, 1.5)], 1.0, [0.5, 0.5]),
            ([(0, 1, 0.75), (0, 2, 0.5)], 1.0, [1, 0.5]),
            ([(0, 2, 0.5), (0, 1, 0.75)], 1.0, [0.5, 1]),
            ([(0, 1, 0.75), (0, 2, 0.125), (0, 2, 0.375), (0, 3, 0.1)], 1.0, [1, 0.5, 0.5, 0]),
            ([(0, 1, 2.0), (1, 2, 0.5)], 1.0, [0.5, 1]),
            ([(1, 5, 1.0), (0, 5, 1.0)], 0.5, [0.5, 0.5]),
            ([(0, 1, 0.0), (0, 1, 0.0)], 1.0, [1, 1]),
            ([(0, 1, 2.0), (0, 2, 0.0)], 1.0, [0.5, 1]),
            ([(0, known, 0.05) for known in range(11)], 0.5, [*[1] * 10, 0]),
            ([], 1.0, []),
        ],
    )
    def test_what_comes_first_is_served_first_and_what_comes_together_shares(self, rows, budget, factors):
        assert shared(rows, budget).tolist() == factors


needs = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 4), st.sampled_from([0.0, 0.1, 0.25, 0.3, 1.0, 7.0])),
    max_size=12,
)


@settings(deadline=None, max_examples=60)
@given(needs, st.sampled_from([0.3, 1.0, 2.5]))
def test_budgets_agree_with_a_slow_loop(rows, budget):
    expected = np.ones(len(rows))
    for date in {row[0] for row in rows}:
        left = budget
        for known in sorted({row[1] for row in rows if row[0] == date}):
            group = [k for k, row in enumerate(rows) if row[:2] == (date, known)]
            wanted = sum(rows[k][2] for k in group)
            if wanted > 0:
                expected[group] = min(1.0, max(0.0, left) / wanted)
            left -= wanted
    assert shared(rows, budget) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=60)
@example([(0, 1, 0.0), (0, 0, 0.0), (1, 0, 0.1), (1, 0, 0.1), (1, 0, 0.25)], 0.3, 0)
@given(needs, st.sampled_from([0.3, 1.0, 2.5]), st.integers(0, 4))
def test_no_factor_knows_what_comes_later(rows, budget, now):
    """Leaving out all signals after an instant changes no factor before it, to the last bit."""
    before = [k for k, row in enumerate(rows) if row[1] <= now]
    assert shared([rows[k] for k in before], budget).tolist() == shared(rows, budget)[before].tolist()


@settings(deadline=None, max_examples=30)
@given(needs.flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(range(len(rows))))))
def test_the_order_of_rows_does_not_matter(rows_and_order):
    rows, order = rows_and_order
    assert shared([rows[k] for k in order], 1.0) == pytest.approx(shared(rows, 1.0)[list(order)], abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(needs, st.sampled_from([0.3, 1.0, 2.5]))
def test_no_date_takes_more_than_its_budget(rows, budget):
    factors = shared(rows, budget)
    assert ((factors >= 0.0) & (factors <= 1.0)).all()
    for date in {row[0] for row in rows}:
        taken = sum(factor * row[2] for factor, row in zip(factors, rows, strict=True) if row[0] == date)
        assert taken <= budget * (1 + 1e-12)
