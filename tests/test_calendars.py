"""Calendars: known facts, labelled cases, the shape of the arrays, the cache on disk."""

import csv
import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aftershock.data.calendars import (
    PHASES,
    Sessions,
    cache,
    first_tradable,
    local_midnights,
    overlay,
    phase_codes,
    segments,
    sessions,
    shipped,
)
from aftershock.data.errors import InputError
from aftershock.data.instants import DAY, NAT, to_ns

MODULE = sys.modules["aftershock.data.calendars.sessions"]
MICS = tuple(shipped.places())
HOMES = tuple(mic for mic, place in shipped.places().items() if place["calendar_of"] == mic)
TWINS = {mic: place["calendar_of"] for mic, place in shipped.places().items() if mic not in HOMES}
CONFIDENCE = {"sourced", "rule", "unverified"}


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """An empty cache folder and an empty process cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    MODULE._sessions.cache_clear()
    yield tmp_path / "aftershock" / "sessions"
    MODULE._sessions.cache_clear()


def hours_of(mic: str, day: str) -> str:
    """The local hours of a date as text, ``closed`` where there is no session."""
    days = sessions(mic)
    at = np.searchsorted(days.session, np.datetime64(day, "D").astype(int))
    if at == len(days.session) or days.session[at] != np.datetime64(day, "D").astype(int):
        return "closed"
    zone = shipped.places()[mic]["zone"]
    ends = [days.opens_at[at], days.break_start[at], days.break_end[at], days.closes_at[at]]
    if days.break_start[at] == NAT:
        ends = [ends[0], ends[3]]
    local = pd.DatetimeIndex(np.array(ends).view("M8[ns]")).tz_localize("UTC").tz_convert(zone)
    assert all(str(moment.date()) == day for moment in local)
    clock = local.strftime("%H:%M")
    return ",".join(f"{a}-{b}" for a, b in zip(clock[::2], clock[1::2], strict=True))


def iso_ns(text: str) -> int:
    return int(to_ns(text)[0])


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


# Labelled facts and cases -----------------------------------------------------------------------------


@pytest.mark.shared
def test_all_real_world_facts(shared):
    facts = read(shared / "oracles" / "sessions" / "real_world_facts.csv")
    assert len(facts) == 56
    wrong = [
        (row["exchange"], row["date"], row["truth_local"], hours_of(row["exchange"], row["date"]))
        for row in facts
        if hours_of(row["exchange"], row["date"]) != row["truth_local"]
    ]
    assert wrong == []


@pytest.mark.shared
def test_all_real_world_cases(shared):
    cases = read(shared / "oracles" / "sessions" / "real_world_cases.csv")
    assert len(cases) == 19
    for row in cases:
        found = first_tradable(sessions(row["exchange"]), to_ns(row["event_utc"]))
        assert found[0] == iso_ns(row["true_first_tradable_utc"]), row


MANILA = "Manila closes at 15:00 since 2022-03-01, not at 15:30"
OVERRULED = {
    "s025": MANILA,
    "s051": MANILA,
    "s127": MANILA,
    "s199": "Mumbai held its Muhurat session on 2025-10-21, 13:45-14:45",
    "s215": MANILA,
    "s217": MANILA,
}
"""Cases of the library's own answers that dated facts overrule."""


@pytest.mark.shared
def test_all_calendar_cases(shared):
    cases = [
        row
        for row in read(shared / "oracles" / "sessions" / "calendar_cases.csv")
        if row["exchange"] != "XNZE"
    ]
    differing = {row["case"] for row in cases if found_in_case(row) != expected_in_case(row)}
    assert differing == set(OVERRULED)


def found_in_case(row: dict[str, str]) -> dict[str, object]:
    days, event = sessions(row["exchange"]), to_ns(row["event_utc"])
    zone = shipped.places()[row["exchange"]]["zone"]
    tradable = first_tradable(days, event)
    at = np.searchsorted(days.closes_at, tradable[0], side="right")
    return {
        "phase": PHASES[phase_codes(days, local_midnights(days, zone), event)[0]],
        "tradable": tradable[0],
        "session": str(days.session[at].astype("M8[D]")),
        "open_ge": days.opens_at[np.searchsorted(days.opens_at, event[0], side="left")],
        "open_gt": days.opens_at[np.searchsorted(days.opens_at, event[0], side="right")],
        "close": days.closes_at[np.searchsorted(days.closes_at, event[0], side="right")],
    }


def expected_in_case(row: dict[str, str]) -> dict[str, object]:
    phases = {
        "pre_open": "pre-open",
        "in_session": "session",
        "lunch_break": "lunch",
        "post_close": "after close",
        "closed_weekday": "holiday",
        "weekend": "weekend",
    }
    return {
        "phase": phases[row["phase"]],
        "tradable": iso_ns(row["first_tradable_utc"]),
        "session": row["first_tradable_session"],
        "open_ge": iso_ns(row["next_session_open_ge_utc"]),
        "open_gt": iso_ns(row["next_session_open_gt_utc"]),
        "close": iso_ns(row["next_session_close_utc"]),
    }


# Hours by date ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mic", "day", "hours"),
    [
        ("XTKS", "2011-11-18", "09:00-11:00,12:30-15:00"),
        ("XTKS", "2011-11-21", "09:00-11:30,12:30-15:00"),
        ("XHKG", "2011-03-04", "10:00-12:30,14:30-16:00"),
        ("XHKG", "2011-03-07", "09:30-12:00,13:30-16:00"),
        ("XHKG", "2012-03-05", "09:30-12:00,13:00-16:00"),
        ("XHKG", "2010-12-24", "10:00-12:30"),
        ("XHKG", "2008-02-06", "10:00-12:30"),
        ("XHKG", "2023-10-09", "14:00-16:00"),
        ("XHKG", "2022-08-25", "13:00-16:00"),
        ("XKRX", "2020-12-03", "10:00-16:30"),
        ("XKRX", "2016-07-29", "09:00-15:00"),
        ("XKRX", "2016-08-01", "09:00-15:30"),
        ("XKRX", "2026-07-17", "closed"),
        ("XKRX", "2026-11-19", "10:00-16:30"),
        ("XTAI", "2018-12-22", "09:00-13:30"),
        ("XTAI", "2019-01-19", "closed"),
        ("XTAI", "2023-01-18", "closed"),
        ("XBOM", "2009-12-31", "09:55-15:30"),
        ("XBOM", "2010-10-15", "09:00-15:30"),
        ("XBOM", "2010-10-18", "09:15-15:30"),
        ("XBOM", "2013-11-14", "09:15-15:30"),
        ("XBOM", "2013-11-15", "closed"),
        ("XBOM", "2023-11-12", "18:15-19:15"),
        ("XBOM", "2024-03-02", "09:15-10:00,11:30-12:30"),
        ("XBOM", "2021-02-24", "09:15-15:30"),
        ("XNSE", "2021-02-24", "09:15-11:40,15:45-17:00"),
        ("XSES", "2011-07-29", "09:00-12:30,14:00-17:00"),
        ("XSES", "2011-08-01", "09:00-17:00"),
        ("XSES", "2017-11-10", "09:00-17:00"),
        ("XSES", "2017-11-13", "09:00-12:00,13:00-17:00"),
        ("XSES", "2016-12-30", "09:00-17:00"),
        ("XSES", "2017-12-29", "09:00-12:00,13:00-17:00"),
        ("XSES", "2015-12-24", "09:00-12:30"),
        ("XIDX", "2012-12-28", "09:30-11:30,14:00-16:00"),
        ("XIDX", "2020-03-27", "09:00-11:30,14:00-15:50"),
        ("XIDX", "2020-03-30", "09:00-11:30,13:30-14:50"),
        ("XIDX", "2023-03-31", "09:00-11:30,13:30-14:50"),
        ("XIDX", "2023-04-03", "09:00-12:00,13:30-15:50"),
        ("XIDX", "2025-08-18", "closed"),
        ("XKLS", "2024-02-09", "09:00-12:30"),
        ("XKLS", "2026-03-20", "09:00-12:30,14:30-17:00"),
        ("XPHS", "2011-09-30", "09:30-12:10"),
        ("XPHS", "2011-10-03", "09:30-13:00"),
        ("XPHS", "2012-01-02", "09:30-12:00,13:30-15:30"),
        ("XPHS", "2020-03-16", "09:30-13:00"),
        ("XPHS", "2020-03-18", "closed"),
        ("XPHS", "2021-12-06", "09:30-12:00,13:00-15:00"),
        ("XPHS", "2022-02-28", "09:30-13:00"),
        ("XPHS", "2022-03-01", "09:30-12:00,13:00-15:00"),
        ("XASX", "2025-12-24", "10:00-14:10"),
        ("XNYS", "2024-11-29", "09:30-13:00"),
    ],
)
def test_hours_of_a_date(mic, day, hours):
    assert hours_of(mic, day) == hours


@pytest.mark.parametrize(("mic", "year", "count"), [("XIDX", 2025, 236), ("XIDX", 2026, 239)])
def test_a_year_has_as_many_sessions_as_the_exchange_announced(mic, year, count):
    years = sessions(mic).session.astype("M8[D]").astype("M8[Y]").astype(int) + 1970
    assert (years == year).sum() == count


# The shape of the arrays ------------------------------------------------------------------------------


@pytest.mark.parametrize("mic", MICS)
def test_arrays_are_ordered_and_read_only(mic):
    days = sessions(mic)
    n = len(days.session)
    for values in days:
        assert values.dtype == np.int64 and values.shape == (n,) and values.flags.c_contiguous
        assert not values.flags.writeable
    for name in ("session", "opens_at", "closes_at", "open_cutoff", "close_cutoff"):
        assert (np.diff(getattr(days, name)) > 0).all(), name
    assert (days.open_cutoff <= days.opens_at).all()
    assert (days.opens_at < days.close_cutoff).all()
    assert (days.close_cutoff <= days.closes_at).all()
    assert (days.closes_at[:-1] < days.open_cutoff[1:]).all()


@pytest.mark.parametrize("mic", MICS)
def test_breaks_lie_inside_sessions(mic):
    days = sessions(mic)
    broken = days.break_start != NAT
    assert (broken == (days.break_end != NAT)).all()
    order = [days.opens_at, days.break_start, days.break_end, days.closes_at]
    for earlier, later in pairwise(order):
        assert (earlier[broken] < later[broken]).all()


@pytest.mark.parametrize("mic", MICS)
def test_session_is_the_local_date(mic):
    days = sessions(mic)
    zone = shipped.places()[mic]["zone"]
    for instants in (days.opens_at, days.closes_at):
        local = pd.DatetimeIndex(instants.view("M8[ns]")).tz_localize("UTC").tz_convert(zone)
        dates = local.tz_localize(None).to_numpy("M8[D]").astype(np.int64)
        assert (dates == days.session).all()


@pytest.mark.parametrize("mic", MICS)
def test_calendars_reach_from_their_beginning_to_about_a_year_ahead(mic):
    days = sessions(mic).session.astype("M8[D]").astype(date)
    first = date.fromisoformat(shipped.places()[mic]["calendar_from"])
    assert 0 <= (days[0] - first).days < 14
    assert days[-1] <= date.fromisoformat(MODULE._last_day())
    longest = 17 if mic in {"XSHG", "XSHE"} else 13  # China's Lunar New Year of 2000; holidays elsewhere
    assert np.diff(sessions(mic).session).max() <= longest


@pytest.mark.parametrize(("twin", "home"), TWINS.items())
def test_twins_keep_the_same_days(twin, home):
    ours, theirs = sessions(twin), sessions(home)
    assert (ours.session == theirs.session).all()
    differing = (ours.opens_at != theirs.opens_at) | (ours.closes_at != theirs.closes_at)
    named = {row["session"] for row in shipped.rows(shipped.OVERLAY) if row["venue"] == twin}
    assert set(ours.session[differing].astype("M8[D]").astype(str)) <= named


def test_twins_are_the_four():
    assert TWINS == {"XKOS": "XKRX", "ROCO": "XTAI", "XSHE": "XSHG", "XNSE": "XBOM"}


@pytest.mark.parametrize("mic", MICS)
def test_segments_tile_the_sessions(mic):
    days = sessions(mic)
    starts, ends = segments(days)
    assert (starts < ends).all() and (ends[:-1] < starts[1:]).all()
    assert set(days.opens_at) <= set(starts) and set(days.closes_at) <= set(ends)
    assert len(starts) == len(days.session) + (days.break_start != NAT).sum()


@pytest.mark.parametrize(
    ("mic", "event", "day"),
    [
        ("XHKG", "2025-06-11T09:20+08:00", "2025-06-11"),
        ("XHKG", "2025-06-11T09:20:00.000000001+08:00", "2025-06-12"),
        ("XHKG", "2020-08-19T13:20+08:00", "2020-08-19"),
        ("XSHG", "2025-06-11T09:25+08:00", "2025-06-11"),
        ("XSHE", "2025-06-11T09:26+08:00", "2025-06-12"),
        ("XBOM", "2025-06-11T09:07+05:30", "2025-06-11"),
        ("XBOM", "2025-06-11T09:08+05:30", "2025-06-12"),
        ("XBOM", "2025-10-21T13:37+05:30", "2025-10-21"),
        ("XTKS", "2025-06-11T09:00+09:00", "2025-06-11"),
        ("XKRX", "2025-11-13T10:00+09:00", "2025-11-13"),
        ("XNYS", "2025-06-11T09:29-04:00", "2025-06-12"),
    ],
)
def test_opening_cutoffs(mic, event, day):
    days = sessions(mic)
    at = np.searchsorted(days.open_cutoff, to_ns(event)[0])
    assert str(days.session[at].astype("M8[D]")) == day


@pytest.mark.parametrize(
    ("mic", "day", "cutoff"),
    [
        ("XHKG", "2016-07-22", "2016-07-22T15:59+08:00"),
        ("XHKG", "2025-06-11", "2025-06-11T16:00+08:00"),
        ("XHKG", "2024-12-24", "2024-12-24T12:00+08:00"),
        ("XSHG", "2018-08-17", "2018-08-17T14:59+08:00"),
        ("XSHG", "2018-08-20", "2018-08-20T15:00+08:00"),
        ("XSHE", "2018-08-17", "2018-08-17T15:00+08:00"),
        ("XSHE", "2006-06-30", "2006-06-30T14:59+08:00"),
        ("XBOM", "2025-06-11", "2025-06-11T15:00+05:30"),
        ("XNSE", "2025-10-21", "2025-10-21T14:15+05:30"),
        ("XTKS", "2024-11-01", "2024-11-01T15:00+09:00"),
        ("XTKS", "2024-11-05", "2024-11-05T15:30+09:00"),
        ("XKLS", "2025-06-11", "2025-06-11T16:50+08:00"),
        ("XNYS", "2025-06-11", "2025-06-11T15:50-04:00"),
    ],
)
def test_closing_cutoffs(mic, day, cutoff):
    days = sessions(mic)
    at = np.searchsorted(days.session, np.datetime64(day, "D").astype(int))
    assert days.close_cutoff[at] == iso_ns(cutoff)


def test_an_unknown_venue_is_an_error_that_helps():
    with pytest.raises(InputError, match="MIC of a known venue, got 'XTSK'; did you mean 'XTKS'"):
        sessions("XTSK")
    with pytest.raises(InputError, match="did you mean 'XHKG'"):
        sessions("xhkg")


# The shipped tables -----------------------------------------------------------------------------------


def test_overlay_is_well_formed():
    facts = overlay()
    assert list(facts.columns) == [
        "venue", "session", "open", "break_start", "break_end", "close", "what", "source", "confidence",
    ]  # fmt: skip
    assert facts["session"].dtype == "datetime64[ns]"
    assert facts["venue"].isin(MICS).all()
    assert not facts.duplicated(["venue", "session"]).any()
    assert set(facts["confidence"]) <= CONFIDENCE
    assert (facts["source"].str.len() > 10).all() and (facts["what"] != "").all()
    times = facts[["open", "break_start", "break_end", "close"]]
    assert times.map(lambda text: text == "" or pd.Timestamp(f"2000-01-01 {text}") is not None).all(axis=None)
    assert times.map(len).isin([0, 5]).all(axis=None)
    assert ((times["open"] == "") == (times["close"] == "")).all()
    assert ((times["break_start"] == "") == (times["break_end"] == "")).all()


@pytest.mark.parametrize(
    "row", shipped.rows(shipped.OVERLAY), ids=lambda row: f"{row['venue']}-{row['session']}"
)
def test_every_fact_is_in_force(row):
    parts = [row["open"], row["break_start"], row["break_end"], row["close"]]
    if row["break_start"]:
        hours = f"{parts[0]}-{parts[1]},{parts[2]}-{parts[3]}"
    else:
        hours = f"{parts[0]}-{parts[3]}" if row["open"] else "closed"
    assert hours_of(row["venue"], row["session"]) == hours


@pytest.mark.parametrize("path", [shipped.HOURS, shipped.CUTOFFS], ids=lambda path: path.stem)
def test_dated_rules_do_not_overlap(path):
    spans = {}
    for row in shipped.rows(path):
        assert row["confidence"] in CONFIDENCE and len(row["source"]) > 10
        for day in row.get("weekdays") or "1234567":
            spans.setdefault((row["venue"], day), []).append((row["valid_from"], row["valid_to"] or "9"))
    for dates in spans.values():
        dates.sort()
        for (_, last), (first, _) in pairwise(dates):
            assert last < first


def test_every_venue_has_cutoffs_on_every_day():
    table = shipped.rows(shipped.CUTOFFS)
    for mic in MICS:
        own = [row for row in table if row["venue"] == mic]
        rules = own or [row for row in table if row["venue"] == shipped.places()[mic]["calendar_of"]]
        days = sessions(mic).session.astype("M8[D]").astype(str)
        covered = np.zeros(len(days), int)
        for row in rules:
            covered += (days >= row["valid_from"]) & (days <= (row["valid_to"] or "9"))
            assert int(row["open_minutes"]) <= 0 and int(row["close_minutes"]) <= 0
        assert (covered == 1).all(), mic


# The cache on disk ------------------------------------------------------------------------------------


def test_the_cache_gives_back_what_was_compiled(fresh):
    compiled = sessions("XSHG")
    files = list(fresh.glob("XSHG-*.bin"))
    assert len(files) == 1
    MODULE._sessions.cache_clear()
    loaded = sessions("XSHG")
    assert loaded is not compiled
    for ours, theirs in zip(loaded, compiled, strict=True):
        assert (ours == theirs).all() and not ours.flags.writeable
    assert files[0].stat().st_mtime_ns == next(fresh.glob("XSHG-*.bin")).stat().st_mtime_ns


def test_a_cached_calendar_needs_no_library(fresh):
    sessions("XSHG")
    code = (
        "import sys; from aftershock.data.calendars import sessions; n = len(sessions('XSHG').session);"
        "assert 'exchange_calendars' not in sys.modules; print(n)"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(fresh.parent.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == len(sessions("XSHG").session)


def test_loading_from_the_cache_is_quick(fresh):
    sessions("XTKS")
    MODULE._sessions.cache_clear()
    start = time.perf_counter()
    sessions("XTKS")
    assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: b"not a calendar", id="foreign"),
        pytest.param(lambda data: data[:-8], id="cut short"),
        pytest.param(lambda data: data[:-1] + bytes([data[-1] ^ 1]), id="one bit turned"),
    ],
)
def test_a_corrupt_cache_is_compiled_again(fresh, damage):
    good = sessions("XSHG")
    file = next(fresh.glob("XSHG-*.bin"))
    data = file.read_bytes()
    file.write_bytes(damage(data))
    MODULE._sessions.cache_clear()
    again = sessions("XSHG")
    assert (again.opens_at == good.opens_at).all()
    assert file.read_bytes() == data


def test_a_cache_folder_that_is_a_file_is_no_obstacle(tmp_path, monkeypatch):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    MODULE._sessions.cache_clear()
    assert len(sessions("XSHG").session) > 6000
    assert blocked.read_text() == "a file where a folder should be"
    MODULE._sessions.cache_clear()


def test_a_cache_that_cannot_be_written_is_no_obstacle(fresh, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError("read-only file system")

    monkeypatch.setattr(cache.tempfile, "mkstemp", refuse)
    assert len(sessions("XSHG").session) > 6000
    assert list(fresh.glob("*")) == []


def test_nothing_is_left_behind_by_a_write_that_fails(fresh, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", refuse)
    assert len(sessions("XSHG").session) > 6000
    assert list(fresh.iterdir()) == []


def test_a_home_that_is_unknown_is_no_obstacle(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    monkeypatch.setattr(Path, "home", homeless)
    MODULE._sessions.cache_clear()
    assert len(sessions("XSHG").session) > 6000
    MODULE._sessions.cache_clear()


def test_other_tables_make_another_key(fresh, monkeypatch):
    sessions("XSHG")
    old = next(fresh.glob("XSHG-*.bin"))
    monkeypatch.setattr(shipped, "digest", lambda: "other facts")
    MODULE._sessions.cache_clear()
    sessions("XSHG")
    files = list(fresh.glob("XSHG-*.bin"))
    assert len(files) == 1 and files[0] != old


@pytest.mark.parametrize(
    ("name", "value"), [("FORMAT", 999), ("version", lambda _: "0.0"), ("_last_day", lambda: "2020-01-01")]
)
def test_everything_that_shapes_a_calendar_is_in_its_key(monkeypatch, name, value):
    before = MODULE._key(MODULE._last_day())
    monkeypatch.setattr(MODULE, name, value)
    assert MODULE._key(MODULE._last_day()) != before


def test_the_last_day_is_the_first_of_a_month_a_year_ahead():
    last = date.fromisoformat(MODULE._last_day())
    today = datetime.now(UTC).date()
    assert last.day == 1 and 330 < (last - today).days <= 366


def test_the_cache_folder_follows_the_user(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache.folder() == Path("/somewhere/aftershock/sessions")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.folder() == Path.home() / ".cache" / "aftershock" / "sessions"


def test_sessions_fields_are_those_that_kernels_know():
    assert Sessions._fields == (
        "session", "opens_at", "closes_at", "break_start", "break_end", "open_cutoff", "close_cutoff",
    )  # fmt: skip
    days = sessions("XTKS")
    assert abs(days.opens_at[0] - days.session[0] * DAY) < DAY
