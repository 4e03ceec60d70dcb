"""Venues: their clocks against a slow reading of the sessions, and what must hold for any instant."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.data.calendars import (
    PHASES,
    Sessions,
    close_position,
    first_tradable,
    instants_of,
    local_midnights,
    open_position,
    phase_codes,
    segments,
    sessions,
    shipped,
)
from aftershock.data.errors import InputError
from aftershock.data.instants import DAY, NAT, to_index, to_ns
from aftershock.data.venues import VENUES, Venue, venue

MARKETS = {"JP", "KR", "TW", "HK", "CN", "IN", "SG", "AU", "ID", "TH", "MY", "PH", "US"}
MINUTE = 60_000_000_000

mics = st.sampled_from(VENUES)


@st.composite
def moments(draw):
    """A venue and instants, many of them at or beside the edges of its sessions."""
    mic = draw(mics)
    days = sessions(mic)
    ends = np.concatenate(days[1:])
    edges = st.sampled_from(ends[ends != NAT].tolist())
    near = st.tuples(edges, st.sampled_from([-MINUTE, -1, 0, 1, MINUTE])).map(sum)
    anywhere = st.integers(int(days.opens_at[0]) - 30 * DAY, int(days.closes_at[-1]) + 30 * DAY)
    values = draw(st.lists(st.one_of(near, anywhere, st.just(NAT)), min_size=1, max_size=30))
    return mic, np.array(values, np.int64)


# A slow reading of the sessions -----------------------------------------------------------------------


def slow_first(cutoffs: np.ndarray, days: Sessions, instant: int) -> int:
    if instant < days.opens_at[0]:
        return len(cutoffs)
    for position in range(len(cutoffs)):
        if cutoffs[position] >= instant:
            return position
    return len(cutoffs)


def slow_tradable(days: Sessions, instant: int) -> int:
    if instant < days.opens_at[0]:
        return NAT
    for row in zip(*days, strict=True):
        day = Sessions(*(int(value) for value in row))
        pieces = [(day.opens_at, day.closes_at)]
        if day.break_start != NAT:
            pieces = [(day.opens_at, day.break_start), (day.break_end, day.closes_at)]
        for start, end in pieces:
            if instant < end:
                return max(start, instant)
    return NAT


def slow_phase(mic: str, days: Sessions, instant: int) -> str:
    if instant == NAT:
        return ""
    local = pd.Timestamp(instant, unit="ns", tz="UTC").tz_convert(shipped.places()[mic]["zone"])
    date = np.datetime64(str(local.date()), "D").astype(int)
    if not days.session[0] <= date <= days.session[-1]:
        return ""
    at = np.flatnonzero(days.session == date)
    if not len(at):
        return "weekend" if local.day_of_week >= 5 else "holiday"
    row = Sessions(*(int(values[at[0]]) for values in days))
    if instant < row.opens_at:
        return "pre-open"
    if instant >= row.closes_at:
        return "after close"
    return "lunch" if row.break_start != NAT and row.break_start <= instant < row.break_end else "session"


def part_of(days: Sessions, first: int, size: int) -> Sessions:
    return Sessions(*(values[first : first + size] for values in days))


@settings(deadline=None)
@given(moments(), st.integers(0, 10_000), st.integers(1, 60))
def test_positions_agree_with_a_plain_loop(moment, first, size):
    mic, _ = moment
    whole = sessions(mic)
    days = part_of(whole, first % (len(whole.session) - size), size)
    rng = np.random.default_rng(first)
    edges = np.concatenate(days[1:])
    instants = np.concatenate(
        [
            edges,
            edges[edges != NAT] + 1,
            edges[edges != NAT] - 1,
            rng.integers(days.opens_at[0] - 3 * DAY, days.closes_at[-1] + 3 * DAY, 50),
        ]
    )
    tradable = [slow_tradable(days, instant) for instant in instants.tolist()]
    assert first_tradable(days, instants).tolist() == tradable
    opens = [slow_first(days.open_cutoff, days, instant) for instant in instants.tolist()]
    assert open_position(days, instants).tolist() == opens
    closes = [slow_first(days.close_cutoff, days, instant) for instant in instants.tolist()]
    assert close_position(days, instants).tolist() == closes


@given(moments())
def test_phases_agree_with_a_plain_reading(moment):
    mic, instants = moment
    found = venue(mic).phase(instants).tolist()
    assert found == [slow_phase(mic, sessions(mic), instant) for instant in instants.tolist()]


# What must hold for any instant -----------------------------------------------------------------------


@given(moments())
def test_first_tradable_is_at_or_after_and_inside_trading(moment):
    mic, instants = moment
    found = venue(mic).first_tradable(instants)
    known = found != NAT
    assert (found[known] >= instants[known]).all()
    starts, ends = segments(sessions(mic))
    inside = np.searchsorted(ends, found[known], side="right")
    assert (starts[inside] <= found[known]).all()
    assert (venue(mic).first_tradable(found) == found).all()
    assert (venue(mic).phase(found[known]) == "session").all()


@given(moments())
def test_first_tradable_is_now_exactly_while_in_session(moment):
    mic, instants = moment
    now = venue(mic).first_tradable(instants) == instants
    known = instants != NAT
    assert (now[known] == (venue(mic).phase(instants[known]) == "session")).all()


@given(moments())
def test_clocks_never_go_back(moment):
    mic, instants = moment
    place, days = venue(mic), sessions(mic)
    ordered = np.sort(instants[(instants >= days.opens_at[0])])
    for ask in (place.first_tradable, place.next_open, place.next_close):
        found = ask(ordered)
        found = np.where(found == NAT, np.iinfo(np.int64).max, found)
        assert (np.diff(found) >= 0).all()
        assert (found >= ordered).all()


@given(moments())
def test_an_instant_gets_the_same_answer_in_any_company(moment):
    mic, instants = moment
    place = venue(mic)
    for ask in (place.first_tradable, place.next_open, place.next_close, place.phase):
        alone = [ask(instants[i : i + 1])[0] for i in range(len(instants))]
        assert ask(instants).tolist() == alone


@given(moments())
def test_the_next_open_is_the_first_whose_cutoff_is_not_past(moment):
    mic, instants = moment
    days = sessions(mic)
    for values, cutoffs, found in (
        (days.opens_at, days.open_cutoff, venue(mic).next_open(instants)),
        (days.closes_at, days.close_cutoff, venue(mic).next_close(instants)),
    ):
        at = np.searchsorted(values, found[found != NAT])
        assert (cutoffs[at] >= instants[found != NAT]).all()
        before = np.maximum(at - 1, 0)
        assert ((cutoffs[before] < instants[found != NAT]) | (at == 0)).all()


@given(st.sampled_from([mic for mic in VENUES if venue(mic).calendar_of != mic]), st.integers(0, 6000))
def test_twins_have_the_same_phases(twin, position):
    days = sessions(twin)
    exempt = {row["session"] for row in shipped.rows(shipped.OVERLAY) if row["venue"] == twin}
    start = days.session[position % len(days.session)]
    if str(start.astype("M8[D]")) not in exempt:
        instants = start * DAY + np.arange(0, DAY, 20 * MINUTE)
        home = venue(venue(twin).calendar_of)
        assert (venue(twin).phase(instants) == home.phase(instants)).all()


# Edges ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mic", VENUES)
def test_beyond_the_calendar_there_is_no_answer(mic):
    place, days = venue(mic), sessions(mic)
    outside = np.array(
        [NAT, days.opens_at[0] - 1, days.closes_at[-1], days.closes_at[-1] + 400 * DAY, 2**63 - 1]
    )
    for ask in (place.first_tradable, place.next_open):
        assert (ask(outside) == NAT).all()
    beyond = outside[outside != days.closes_at[-1]]
    assert (place.next_close(beyond) == NAT).all()
    assert (
        place.phase(np.array([NAT, days.opens_at[0] - 2 * DAY, days.closes_at[-1] + 2 * DAY])).tolist()
        == [""] * 3
    )
    assert place.phase(days.closes_at[-1:]).tolist() == ["after close"]
    assert (open_position(days, outside) == len(days.session)).all()
    assert (close_position(days, beyond) == len(days.session)).all()


def test_the_very_open_trades_and_the_very_close_does_not():
    tokyo = venue("XTKS")
    at = tokyo.first_tradable(["2025-06-11T09:00+09:00", "2025-06-11T15:30+09:00", "2025-06-11T11:30+09:00"])
    assert [moment.isoformat() for moment in at.tz_convert("Asia/Tokyo")] == [
        "2025-06-11T09:00:00+09:00",
        "2025-06-12T09:00:00+09:00",
        "2025-06-11T12:30:00+09:00",
    ]


@pytest.mark.parametrize(
    ("mic", "event", "phase"),
    [
        ("XTKS", "2025-06-11T08:59+09:00", "pre-open"),
        ("XTKS", "2025-06-11T12:00+09:00", "lunch"),
        ("XTKS", "2025-06-11T23:59+09:00", "after close"),
        ("XTKS", "2025-06-12T00:00+09:00", "pre-open"),
        ("XTKS", "2025-06-14T12:00+09:00", "weekend"),
        ("XTKS", "2025-05-05T12:00+09:00", "holiday"),
        ("XBOM", "2025-02-01T12:00+05:30", "session"),
        ("XBOM", "2024-05-18T10:30+05:30", "lunch"),
        ("XHKG", "2023-09-08T11:00+08:00", "holiday"),
        ("XASX", "2025-10-05T23:00+00:00", "session"),
        ("XASX", "2025-10-05T12:59+00:00", "weekend"),
        ("XASX", "2025-10-05T13:00+00:00", "pre-open"),
    ],
)
def test_phases(mic, event, phase):
    assert venue(mic).phase(event).tolist() == [phase]


def test_opens_and_closes_are_auctions():
    hong_kong = venue("XHKG")
    assert hong_kong.next_open("2025-06-11T09:25+08:00")[0].isoformat() == "2025-06-12T01:30:00+00:00"
    mumbai = venue("XNSE")
    assert mumbai.next_close("2025-06-11T15:00+05:30")[0].isoformat() == "2025-06-11T10:00:00+00:00"
    assert mumbai.next_close("2025-06-11T15:01+05:30")[0].isoformat() == "2025-06-12T10:00:00+00:00"


def test_instants_go_out_as_they_came_in():
    place = venue("XTKS")
    index = to_index(to_ns(["2025-06-11T12:00+09:00"]))
    as_int = place.first_tradable(to_ns(index))
    assert as_int.dtype == np.int64
    as_numpy = place.first_tradable(index.tz_localize(None).to_numpy("M8[s]"))
    assert as_numpy.dtype == "M8[ns]"
    as_index = place.first_tradable(index)
    assert str(as_index.dtype) == "datetime64[ns, UTC]"
    assert as_int[0] == as_numpy.view(np.int64)[0] == to_ns(as_index)[0]
    for ask in (place.next_open, place.next_close):
        assert ask(to_ns(index)).dtype == np.int64 and str(ask(index).dtype) == "datetime64[ns, UTC]"
    assert len(place.phase(index[0])) == 1 and len(place.first_tradable(index[0])) == 1
    assert pd.isna(place.next_open(pd.DatetimeIndex(["NaT"], tz="UTC"))[0])


def test_nothing_in_nothing_out():
    none = np.array([], np.int64)
    place = venue("XTKS")
    assert place.first_tradable(none).shape == place.next_open(none).shape == place.phase(none).shape == (0,)


@pytest.mark.parametrize("name", ["first_tradable", "next_open", "next_close", "phase"])
def test_naive_instants_are_an_error(name):
    with pytest.raises(InputError, match="an instant with a zone, got the naive timestamp"):
        getattr(venue("XTKS"), name)("2025-06-11 09:00")


def test_positions_that_are_none_are_nat():
    assert instants_of(np.array([5, 6]), np.array([1, 2, 0])).tolist() == [6, NAT, 5]


def test_phase_codes_name_phases():
    days = sessions("XTKS")
    codes = phase_codes(days, local_midnights(days, "Asia/Tokyo"), days.opens_at)
    assert codes.dtype == np.int8 and set(np.array(PHASES)[codes]) == {"session"}


# The table --------------------------------------------------------------------------------------------


def test_the_table_of_venues():
    assert VENUES == (
        "XTKS", "XKRX", "XKOS", "XTAI", "ROCO", "XHKG", "XSHG", "XSHE", "XBOM", "XNSE", "XSES", "XASX", "XIDX",
        "XBKK", "XKLS", "XPHS", "XNYS",
    )  # fmt: skip
    places = [venue(mic) for mic in VENUES]
    assert {place.market for place in places} == MARKETS
    assert all(place.calendar_of in VENUES and len(place.currency) == 3 for place in places)
    assert len({place.name for place in places}) == len(VENUES)
    assert venue("XNSE") == Venue(
        "XNSE", "National Stock Exchange of India", "IN", "Asia/Kolkata", "INR", "XBOM"
    )
    assert venue("XNSE").sessions.opens_at is sessions("XNSE").opens_at


def test_a_venue_is_frozen():
    with pytest.raises(AttributeError):
        venue("XTKS").zone = "UTC"


def test_an_unknown_venue_is_an_error_that_helps():
    with pytest.raises(InputError, match="the MIC of a known venue, got 'XTK'; did you mean 'XTKS'"):
        venue("XTK")
    with pytest.raises(InputError, match="did you mean 'XHKG'"):
        venue("xhkg")
