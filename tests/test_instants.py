"""Instants: every kind comes in as UTC nanoseconds, what has no zone does not, and nothing wraps around."""

import datetime
import time
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.data.errors import InputError
from aftershock.data.instants import DAY, NAT, iso, like, to_index, to_ns

MOMENT = 1_757_635_200_000_000_000
"""2025-09-12T00:00Z, by hand: 20343 days x 86,400 s."""

TOKYO = ZoneInfo("Asia/Tokyo")
TEXT = "2025-09-12T09:00+09:00"
COLUMN = pd.Series(["2025-09-12T09:00:00"]).astype("datetime64[us]").dt.tz_localize("Asia/Tokyo")

instants = st.integers(-(2**63) + 1, 2**63 - 1)


def test_the_moment_by_hand():
    assert (datetime.date(2025, 9, 12) - datetime.date(1970, 1, 1)).days == 20_343
    assert 20_343 * DAY == MOMENT


@pytest.mark.parametrize(
    "given_as",
    [
        TEXT,
        [TEXT],
        (TEXT,),
        "2025-09-12T00:00:00Z",
        "2025-09-11 20:00-04:00",
        pd.Timestamp(TEXT),
        [pd.Timestamp(TEXT)],
        datetime.datetime(2025, 9, 12, 9, tzinfo=TOKYO),
        COLUMN,
        COLUMN.dt.as_unit("s"),
        COLUMN.astype(object),
        COLUMN.set_axis([7]),
        pd.DatetimeIndex(COLUMN),
        pd.Series([TEXT]),
        np.array(["2025-09-12T00:00"], "M8[m]"),
        np.array(["2025-09-12"], "M8[D]"),
        np.array(["2025-09-12T00:00:00"], "M8[ns]"),
        np.datetime64("2025-09-12"),
        np.datetime64("2025-09-12T00:00:00", "ns"),
        MOMENT,
        np.int64(MOMENT),
        [MOMENT],
        np.array([MOMENT]),
        np.array(MOMENT),
        pd.Series([MOMENT]),
        pd.Series([MOMENT], dtype="Int64"),
    ],
    ids=lambda value: f"{type(value).__name__} {getattr(value, 'dtype', '')}",
)
def test_every_zoned_kind_gives_the_same_nanoseconds(given_as):
    found = to_ns(given_as)
    assert found.dtype == np.int64
    assert found.tolist() == [MOMENT]


@pytest.mark.parametrize(
    ("given_as", "found"),
    [
        (None, [NAT]),
        (pd.NaT, [NAT]),
        ("", [NAT]),
        (float("nan"), [NAT]),
        ([None, TEXT, pd.NaT, pd.NA, float("nan"), ""], [NAT, MOMENT, NAT, NAT, NAT, NAT]),
        ([pd.NaT, pd.NaT], [NAT, NAT]),
        (pd.Series([pd.NaT, pd.Timestamp(TEXT)]), [NAT, MOMENT]),
        (pd.Series([pd.NaT], dtype="datetime64[ns]"), [NAT]),
        (pd.Series([pd.NaT], dtype="datetime64[us, UTC]"), [NAT]),
        (pd.Series([5, None], dtype="Int64"), [5, NAT]),
        (np.array(["NaT", "2025-09-12"], "M8[D]"), [NAT, MOMENT]),
        (np.array(["NaT", "2025-09-12"], "M8[ns]"), [NAT, MOMENT]),
    ],
)
def test_what_is_missing_is_nat(given_as, found):
    assert to_ns(given_as).tolist() == found


@pytest.mark.parametrize(
    "nothing",
    [
        [],
        np.array([], np.int64),
        np.array([], "M8[s]"),
        pd.Series([], dtype=object),
        pd.Series([], dtype="datetime64[ns]"),
        pd.Series([], dtype="datetime64[ns, UTC]"),
    ],
)
def test_nothing_gives_an_empty_array(nothing):
    found = to_ns(nothing)
    assert found.shape == (0,)
    assert found.dtype == np.int64


@pytest.mark.parametrize(
    "naive",
    [
        "2025-09-12T09:00",
        "2025-09-12",
        [TEXT, "2025-09-12 09:00"],
        pd.Timestamp("2025-09-12 09:00"),
        datetime.datetime(2025, 9, 12, 9),
        datetime.date(2025, 9, 12),
        pd.Series(pd.to_datetime(["2025-09-12 09:00"])),
        pd.DatetimeIndex(["NaT", "2025-09-12 09:00"]),
        [1.5],
    ],
)
def test_a_naive_timestamp_is_an_error_that_says_how_to_fix_it(naive):
    with pytest.raises(
        InputError, match=r"an instant with a zone, got the naive timestamp '\d{4}-.*add an offset"
    ):
        to_ns(naive)


@pytest.mark.parametrize("broken", ["yesterday", "2025-13-45T00:00Z", "5", [object()], [[TEXT]]])
def test_what_is_no_instant_is_told(broken):
    with pytest.raises(InputError, match=r"expected an instant, got .*; write 2025-09-12T09:00"):
        to_ns(broken)


@pytest.mark.parametrize(
    "far",
    [
        "9999-12-31T00:00Z",
        pd.Timestamp("9999-12-31", tz="UTC"),
        pd.Series(pd.to_datetime(["2025-01-01", "9999-12-31"], utc=True)),
        np.array(["9999-12-31"], "M8[D]"),
        np.datetime64("1066-10-14"),
    ],
)
def test_what_nanoseconds_cannot_tell_is_refused_and_does_not_wrap(far):
    with pytest.raises(InputError, match=r"an instant of the years 1678 to 2261, got '(9999|1066)-"):
        to_ns(far)


def test_clocks_that_change_are_read_on_their_day():
    """New York left summer time on 2025-11-02, Sydney entered it on 2025-10-05."""
    york = pd.Series(pd.to_datetime(["2025-11-01 12:00", "2025-11-03 12:00"])).dt.tz_localize(
        "America/New_York"
    )
    sydney = pd.Series(pd.to_datetime(["2025-10-04 12:00", "2025-10-06 12:00"])).dt.tz_localize(
        "Australia/Sydney"
    )
    assert np.diff(to_ns(york)).tolist() == [2 * DAY + DAY // 24]
    assert np.diff(to_ns(sydney)).tolist() == [2 * DAY - DAY // 24]


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_nothing_depends_on_the_zone_of_the_machine(zone, monkeypatch):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert to_ns([TEXT, np.nan]).tolist() == [MOMENT, NAT]
        assert iso(MOMENT) == "2025-09-12T00:00:00Z"
        assert to_index(np.array([MOMENT]))[0] == pd.Timestamp(TEXT)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_comes_out_is_not_what_went_in():
    for given_as in (np.array([MOMENT]), np.array([MOMENT]).view("M8[ns]")):
        to_ns(given_as)[0] = 0
        assert given_as.astype(np.int64).tolist() == [MOMENT]
    column = COLUMN.dt.as_unit("ns")
    to_ns(column)[0] = 0
    assert column.equals(COLUMN.dt.as_unit("ns"))


@given(st.lists(st.one_of(instants, st.just(NAT)), max_size=5))
def test_the_index_leads_back(values):
    nanoseconds = np.array(values, np.int64)
    index = to_index(nanoseconds)
    assert str(index.dtype) == "datetime64[ns, UTC]"
    assert to_ns(index).tolist() == values
    assert index.isna().tolist() == [value == NAT for value in values]


@given(instants.filter(lambda value: value > -(2**63) + DAY))
def test_the_text_leads_back(value):
    assert to_ns(iso(value)).tolist() == [value]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (np.int64(-1), "1969-12-31T23:59:59.999999999Z"),
        (MOMENT, "2025-09-12T00:00:00Z"),
        (NAT, None),
    ],
)
def test_an_instant_as_text(value, text):
    assert iso(value) == text


def test_instants_go_out_in_the_kind_they_came_in():
    found = np.array([MOMENT, NAT])
    assert like(found, np.array([1])).tolist() == [MOMENT, NAT]
    as_numpy = like(found, np.array(["2020"], "M8[s]"))
    assert as_numpy.dtype == "M8[ns]"
    assert as_numpy[0] == np.datetime64("2025-09-12")
    for model in (COLUMN, TEXT, [TEXT]):
        index = like(found, model)
        assert isinstance(index, pd.DatetimeIndex)
        assert index[0] == pd.Timestamp(TEXT)
        assert index[1] is pd.NaT
