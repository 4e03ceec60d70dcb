import csv
import datetime as dt
import inspect
import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from aftershock.data import events as public
from aftershock.data.catalogue import CATALOGUES
from aftershock.data.errors import InputError
from aftershock.data.events import (
    EVENT_COLUMNS,
    INPUT_COLUMNS,
    Events,
    describe_schema,
    first_prints,
    load_events,
    load_impacts,
)
from aftershock.data.instants import NAT, to_ns

FED = {"known_by": "2025-09-17T18:00Z", "tag": "fed", "direction": "dovish", "scope": "global"}
HOSTILE = '<script>alert("x")</script> & \'quotes\' "double"\nnew, line\r\n\ttab 😀 \x00 \x1f \x1b[31m ,;'
quick = settings(deadline=None, max_examples=40)


def load(*rows, **options):
    return load_events(pd.DataFrame([{**FED, **row} for row in rows]), **options)


def only(*rows, **options):
    return load(*rows, **options).frame.iloc[0]


def problems(*rows, **options):
    with pytest.raises(InputError) as caught:
        load(*rows, **options)
    return caught.value.problems


def problem(*rows, **options):
    (single,) = problems(*rows, **options)
    return single


def utc(text):
    return pd.Timestamp(text).tz_convert("UTC")


def without(row, *names):
    return {name: value for name, value in row.items() if name not in names}


def published(stamp, **rest):
    return load_events(
        pd.DataFrame([{**without(FED, "known_by"), "published_at": stamp, **rest}])
    ).frame.iloc[0]


def write(frame, path):
    """Write a canonical frame as somebody else's program would."""
    records = [{name: cell(value) for name, value in row.items()} for row in frame.to_dict(orient="records")]
    if path.suffix == ".parquet":
        Events(frame, pd.DataFrame(), pd.DataFrame()).to_parquet(path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(frame.columns))
            writer.writeheader()
            writer.writerows(records)
    return path


def cell(value):
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return None if value is pd.NaT or (isinstance(value, float) and math.isnan(value)) else value


# The schema


def test_the_result_has_the_schema_whatever_the_source_has():
    frame = load({}).frame
    assert list(frame.columns) == [column.name for column in EVENT_COLUMNS]
    for column in EVENT_COLUMNS:
        dtype = str(frame[column.name].dtype)
        assert dtype == {"instant": "datetime64[ns, UTC]", "number": "float64"}.get(column.kind, "str"), (
            column
        )


def test_an_empty_table_gives_no_events_with_the_same_types(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text("known_by,tag\n")
    events = load_events(path)
    assert len(events) == 0
    assert events.frame.dtypes.equals(load({}).frame.dtypes)
    assert "0 events" in repr(events)
    assert "0 events" in events._repr_html_()
    assert len(first_prints(events.frame)) == 0


def test_what_is_unknown_is_nan_nat_or_empty_and_never_zero():
    row = only({"direction": None, "scope": "global"})
    assert all(math.isnan(row[name]) for name in ("strength", "confidence", "expected", "actual", "surprise"))
    assert row["scheduled_for"] is pd.NaT
    assert row["tagged_at"] is pd.NaT
    assert row[["direction", "symbols", "headline", "source", "tagger"]].tolist() == [""] * 5


def test_the_schema_describes_itself():
    table = describe_schema()
    assert table["column"].tolist() == [column.name for column in EVENT_COLUMNS + INPUT_COLUMNS]
    assert table.loc[table["required"], "column"].tolist() == ["known_by", "tag"]
    assert table["sentence"].str.endswith(".").all()


def test_public_names_are_listed():
    real = {
        name
        for name, value in vars(public).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert set(public.__all__) == real
    assert sorted(public.__all__) == sorted(set(public.__all__))


def test_columns_outside_the_schema_stand_last_as_they_were():
    events = load({"desk": {"a": 1}, "note": 7}, {"desk": None, "note": 8, "headline": "b"})
    assert list(events.frame.columns[-2:]) == ["desk", "note"]
    assert sorted(events.frame["note"]) == [7, 8]
    assert {"a": 1} in events.frame["desk"].tolist()


@pytest.mark.parametrize(
    ("wrong", "meant"), [("headlne", "headline"), ("Symbol", "symbols"), ("strengh", "strength")]
)
def test_a_misspelt_column_is_refused(wrong, meant):
    with pytest.raises(InputError, match=f"column {wrong}: expected a known column.*'{meant}'"):
        load({wrong: "x"})


def test_a_misspelt_column_is_refused_even_where_bad_rows_are_skipped():
    with pytest.raises(InputError, match="rename it to 'headline'"):
        load({"headlne": "x"}, skip_bad=True)


def test_missing_columns_are_all_told_for_all_files(tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("known_by\n2025-09-17T18:00Z\n")
    second.write_text("tag\nfed\n")
    with pytest.raises(InputError) as caught:
        load_events([first, second])
    assert [(problem.file, problem.expected) for problem in caught.value.problems] == [
        (str(first), "a column 'tag'"),
        (str(second), "a column that tells when the event was known"),
    ]


def test_a_misspelt_time_column_is_told_once():
    with pytest.raises(InputError) as caught:
        load_events(pd.DataFrame([{"published": "2025-09-12", "tag": "fed"}]))
    assert [problem.cure for problem in caught.value.problems] == ["rename it to 'published_at', or drop it"]


def test_columns_of_one_name_are_refused():
    frame = pd.DataFrame([["2025-09-17T18:00Z", "fed", "a", "b"]], columns=["known_by", "tag", "x", "x"])
    with pytest.raises(InputError, match="columns with different names, got 'x' twice"):
        load_events(frame)


def test_two_rows_of_column_names_are_refused():
    frame = pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")]))
    with pytest.raises(InputError, match="one row of column names"):
        load_events(frame)


# Sources


@pytest.mark.parametrize("source", [[], 5, {"a": 1}, None])
def test_what_is_no_source_is_refused(source):
    with pytest.raises(InputError, match="expected a path, a DataFrame, 'catalogue:<name>' or a list"):
        load_events(source)


def test_a_list_may_hold_only_sources():
    with pytest.raises(InputError, match="expected a path, a DataFrame or 'catalogue:<name>', got a int"):
        load_events([5])


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.csv: expected a file, got nothing"):
        load_events(tmp_path / "nothing.csv")


@pytest.mark.parametrize("name", CATALOGUES)
def test_every_shipped_catalogue_loads_without_a_warning(name):
    events = load_events(f"catalogue:{name}")
    assert len(events) > 0
    assert events.warnings.empty
    assert events.skipped.empty


def test_an_unknown_catalogue_is_refused():
    with pytest.raises(InputError, match="did you mean 'fomc'"):
        load_events("catalogue:fmoc")


def test_several_sources_become_one_table_in_any_order(tmp_path):
    first, second = load({"headline": "a"}), load({"headline": "b", "known_by": "2025-09-16T18:00Z"})
    paths = [write(first.frame, tmp_path / "a.csv"), write(second.frame, tmp_path / "b.parquet")]
    there, back = load_events(paths), load_events([paths[1], first.frame])
    assert there.frame["headline"].tolist() == ["b", "a"]
    assert there.digest() == back.digest() == first.concat(second).digest()


def test_a_problem_names_its_own_file_and_line(tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("known_by,tag,headline\n2025-09-17T18:00Z,fed,\n")
    second.write_text('known_by,tag,headline\n2025-09-17T18:00Z,fed,"two\nlines"\n\n2025-09-17 18:00,fed,\n')
    with pytest.raises(InputError) as caught:
        load_events([first, second])
    (found,) = caught.value.problems
    assert (found.file, found.line, found.column) == (str(second), 5, "known_by")


def test_the_source_frame_is_left_alone():
    frame = pd.DataFrame([FED])
    before = frame.copy(deep=True)
    load_events(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_a_named_index_is_a_column_and_another_is_not():
    frame = pd.DataFrame([FED, FED], index=pd.Index(["a", "b"], name="event_id"))
    assert load_events(frame).frame["event_id"].tolist() == ["a", "b"]
    twice = pd.DataFrame([{**FED, "event_id": "a"}], index=pd.Index(["b"], name="event_id"))
    assert load_events(twice).frame["event_id"].tolist() == ["a"]
    assert "index" not in load_events(pd.DataFrame([FED], index=[7])).frame.columns


# Instants


@pytest.mark.parametrize(
    "stamp",
    [
        "2025-09-12T09:00+09:00",
        "2025-09-12 09:00:00.000+0900",
        "2025-09-11T19:00-05",
        " 2025-09-12T00:00Z ",
        pd.Timestamp("2025-09-12T09:00", tz="Asia/Tokyo"),
        dt.datetime(2025, 9, 12, tzinfo=dt.UTC),
    ],
)
def test_a_stamp_with_an_offset_is_one_instant(stamp):
    row = published(stamp)
    assert row["known_from"] == row["known_by"] == pd.Timestamp("2025-09-12T00:00Z")
    assert row["precision"] == "instant"


def test_nanoseconds_survive():
    assert published("2025-09-12T00:00:00.123456789Z")["known_by"].nanosecond == 789


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_typed_stamps_of_any_unit_become_nanoseconds(unit):
    stamps = pd.Series(pd.to_datetime(["2025-09-12T09:00+09:00"])).dt.as_unit(unit)
    row = load_events(pd.DataFrame({"known_by": stamps, "tag": "fed"})).frame.iloc[0]
    assert row["known_by"] == pd.Timestamp("2025-09-12T00:00Z")


def test_an_interval_has_both_ends():
    row = only({"known_from": "2025-09-17T14:00-04:00", "known_by": "2025-09-17T15:00-04:00"})
    assert (row["known_from"], row["known_by"]) == (utc("2025-09-17T18:00Z"), utc("2025-09-17T19:00Z"))
    assert row["precision"] == "interval"


@pytest.mark.parametrize(
    ("zone", "day", "start", "hours"),
    [
        ("Asia/Tokyo", "2025-09-12", "2025-09-11T15:00Z", 24),
        ("America/New_York", "2025-03-09", "2025-03-09T05:00Z", 23),
        ("America/New_York", "2025-11-02", "2025-11-02T04:00Z", 25),
        ("Australia/Lord_Howe", "2025-04-06", "2025-04-05T13:00Z", 24.5),
        ("Africa/Cairo", "2025-04-25", "2025-04-24T22:00Z", 23),
        ("America/Havana", "2024-11-03", "2024-11-03T04:00Z", 25),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00Z", 24),
    ],
)
def test_a_date_alone_is_the_whole_local_day(zone, day, start, hours):
    for stamp in (day, dt.date.fromisoformat(day)):
        row = published(stamp, zone=zone)
        assert row["known_from"] == utc(start)
        assert row["known_by"] == utc(start) + pd.Timedelta(hours=hours) - pd.Timedelta(1)
        assert row["precision"] == "day"


def test_a_date_in_known_by_is_the_day_too_and_known_from_may_narrow_it():
    row = only({"known_by": "2025-09-12"}, zone="Asia/Tokyo")
    assert row["known_from"] == utc("2025-09-12T00:00+09:00")
    assert row["known_by"] == utc("2025-09-12T23:59:59.999999999+09:00")
    narrow = only({"known_by": "2025-09-12", "known_from": "2025-09-12T08:00+09:00"}, zone="Asia/Tokyo")
    assert narrow["known_from"] == utc("2025-09-12T08:00+09:00")
    assert (row["precision"], narrow["precision"]) == ("day", "interval")


def test_the_zone_column_goes_before_the_argument_and_an_offset_before_both():
    stamps = ["2025-09-12T09:00", "2025-09-12T09:00", "2025-09-12T09:00+02:00"]
    rows = [
        {"known_by": stamp, "zone": zone}
        for stamp, zone in zip(stamps, ["Asia/Tokyo", "", "Asia/Tokyo"], strict=True)
    ]
    known_by = load(*rows, zone="Asia/Seoul").frame["known_by"]
    assert known_by.tolist() == [utc("2025-09-12T00:00Z"), utc("2025-09-12T07:00Z")]
    rows[1]["zone"] = "America/New_York"
    assert utc("2025-09-12T13:00Z") in load(*rows, zone="Asia/Seoul").frame["known_by"].tolist()


def test_a_typed_midnight_without_a_zone_is_the_whole_day_and_warned_about():
    stamps = pd.to_datetime(["2025-09-12 00:00", "2025-09-12 10:00"])
    events = load_events(
        pd.DataFrame({"published_at": stamps, "tag": "fed", "scope": "global"}), zone="Asia/Tokyo"
    )
    assert events.frame["precision"].tolist() == ["instant", "day"]
    assert events.warnings[["code", "rows", "first_line"]].values.tolist() == [["midnight", 1, 1]]
    mixed = pd.DataFrame({"published_at": [stamps[0], "2025-09-12T10:00Z"], "tag": "fed"}, dtype=object)
    assert load_events(mixed, zone="Asia/Tokyo").frame["precision"].tolist() == ["instant", "day"]


def test_a_written_midnight_is_an_instant():
    assert published("2025-09-12T00:00", zone="Asia/Tokyo")["precision"] == "instant"


def test_a_naive_stamp_says_where_and_how_to_cure_it(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text("known_by,tag\n2025-09-12T09:00Z,fed\n2025-09-12T10:00,fed\n")
    match = r"events\.csv, line 3, column known_by: expected an instant with a zone, got '2025-09-12T10:00'; "
    with pytest.raises(InputError, match=match + r"add an offset .*, a zone column, or \[events\] zone"):
        load_events(path)


def test_a_naive_typed_stamp_is_refused_too():
    naive = pd.Timestamp("2025-09-12T09:00")
    assert problem({"known_by": naive}).got == "'2025-09-12 09:00:00'"


def test_a_date_without_a_zone_is_refused():
    found = problem({"known_by": "2025-09-12"})
    assert found.expected == "a date with its zone"
    assert "zone column" in found.cure


@pytest.mark.parametrize(
    ("value", "expected", "cure"),
    [
        ("12/09/2025", "a date in ISO order", "write 2025-09-12: which of the numbers is the month"),
        ("13/09/2025", "a date in ISO order", "write 2025-09-13"),
        ("9/13/2025", "a date in ISO order", "write 2025-09-12"),
        ("12.9.25 10:00", "a date in ISO order", "write 2025-09-12"),
        ("12-09-2025", "a date in ISO order", "which of the numbers is the month"),
        ("2025/09/12", "a date in ISO order", "with hyphens"),
        ("20250912", "an ISO 8601 stamp", "write 2025-09-12"),
        ("1757635200", "an ISO 8601 stamp", "as seconds since 1970 it is 2025-09-12T00:00:00Z"),
        ("1757635200000", "an ISO 8601 stamp", "as milliseconds since 1970 it is 2025-09-12T00:00:00Z"),
        (1757635200000, "an ISO 8601 stamp", "as milliseconds since 1970 it is 2025-09-12T00:00:00Z"),
        (1757635200000.0, "an ISO 8601 stamp", "as milliseconds since 1970"),
        ("1757635200000000", "an ISO 8601 stamp", "as microseconds since 1970"),
        ("1757635200000000000", "an ISO 8601 stamp", "as nanoseconds since 1970"),
        ("9999999999999999999", "an ISO 8601 stamp", "a number does not say its unit"),
        ("-5", "an ISO 8601 stamp", "a number does not say its unit"),
        ("1.7e12", "an ISO 8601 stamp", "a number does not say its unit"),
        ("0019-09-12T09:00Z", "a year from 1678 to 2261", "correct the year"),
        ("1677-12-31T09:00Z", "a year from 1678 to 2261", "correct the year"),
        ("2262-01-01T09:00Z", "a year from 1678 to 2261", "correct the year"),
        ("9999-12-31", "a year from 1678 to 2261", "correct the year"),
        ("1678-01-01T00:00+09:00", "a year from 1678 to 2261", "correct the year"),
        ("2025-02-30T09:00Z", "a day and time that exist", "correct"),
        ("2025-02-30", "a day and time that exist", "correct"),
        ("2025-09-12T24:00Z", "a day and time that exist", "correct"),
        ("2025-09-12T09:60Z", "a day and time that exist", "correct"),
        ("2025-09-12T09:00 KST", "an ISO 8601 stamp", "the offset as +09:00 or Z"),
        ("2025-09-12T09:00+19:00", "an ISO 8601 stamp", "the offset as +09:00 or Z"),
        ("2025-09-12T09:00:00.1234567891Z", "an ISO 8601 stamp", "write the time as"),
        ("12 September 2025", "an ISO 8601 stamp", "2025-09-12 for a day"),
        ("yesterday", "an ISO 8601 stamp", "write 2025-09-12T09:00"),
        (True, "an ISO 8601 stamp", "write 2025-09-12T09:00"),
    ],
)
def test_a_stamp_that_is_no_instant_is_refused_with_a_cure(value, expected, cure):
    found = problem({"known_by": value}, zone="Asia/Tokyo")
    assert found.expected == expected
    assert cure in found.cure
    assert found.got == f"'{value}'"
    assert (found.line, found.column) == (1, "known_by")


def test_typed_stamps_out_of_bounds_are_refused():
    stamps = pd.Series(np.array(["0019-09-12", "2025-09-12"], "M8[s]")).dt.tz_localize("UTC")
    with pytest.raises(
        InputError, match=r"line 1, column known_by: expected a year from 1678 to 2261, got '0019"
    ):
        load_events(pd.DataFrame({"known_by": stamps, "tag": "fed"}))


def test_the_first_and_the_last_instant_survive_a_round_trip(tmp_path):
    events = load({"known_by": "1678-01-01T00:00Z"}, {"known_by": "2261-12-31T23:59:59.999999999Z"})
    for kind in ("csv", "jsonl", "parquet"):
        assert load_events(write(events.frame, tmp_path / f"e.{kind}")).digest() == events.digest()


def test_a_local_time_that_comes_twice_or_never_is_refused():
    twice = problem({"known_by": "2025-11-02 01:30"}, zone="America/New_York")
    assert twice.expected == "a time that clocks in America/New_York showed once"
    assert twice.cure == "write 2025-11-02T01:30:00-04:00 or 2025-11-02T01:30:00-05:00"
    never = problem({"known_by": "2025-03-09 02:30"}, zone="America/New_York")
    assert never.expected == "a time that clocks in America/New_York showed"
    assert "write the offset" in never.cure


def test_a_day_that_a_zone_skipped_is_refused():
    assert problem({"known_by": "2011-12-30"}, zone="Pacific/Apia").expected == "a day that Pacific/Apia had"


@pytest.mark.parametrize(
    ("zone", "cure"),
    [
        ("Asia/Seol", "did you mean 'Asia/Seoul'?"),
        ("EST", "fixed offset"),
        ("+09:00", "a place"),
        ("KST9", "place"),
    ],
)
def test_an_unknown_zone_is_refused_in_the_column_and_in_the_argument(zone, cure):
    found = problem({"known_by": "2025-09-12T09:00", "zone": zone})
    assert (found.expected, found.column) == ("an IANA zone name", "zone")
    assert cure in found.cure
    with pytest.raises(InputError, match="column zone: expected an IANA zone name"):
        load({}, zone=zone)


def test_the_end_may_not_come_before_the_start():
    found = problem({"known_from": "2025-09-17T18:00:01Z", "known_by": "2025-09-17T18:00Z"})
    assert (found.expected, found.column) == ("known_from not after known_by", "known_from")


def test_known_from_alone_and_no_time_at_all_are_refused():
    alone = problem(
        {"known_from": "2025-09-17T18:00Z", "known_by": None, "published_at": "2025-09-17T18:00Z"}
    )
    assert alone.expected == "known_by beside known_from"
    nothing = problem({"known_by": "", "published_at": None})
    assert (nothing.expected, nothing.got) == ("when the event was known", "an empty cell")


def test_published_at_beside_known_by_must_agree():
    assert only({"published_at": "2025-09-17T14:00-04:00"})["known_by"] == utc("2025-09-17T18:00Z")
    found = problem({"published_at": "2025-09-17T18:00:01Z"})
    assert (found.column, found.expected) == ("published_at", "the time that known_from and known_by tell")


def test_a_date_in_other_instants_is_the_end_that_cannot_look_ahead():
    row = only(
        {"scheduled_for": "2025-09-17", "schedule_known_from": "2025-08-01", "tagged_at": "2025-09-18"},
        zone="UTC",
    )
    assert row["scheduled_for"] == utc("2025-09-17T00:00Z")
    assert row["schedule_known_from"] == utc("2025-08-01T23:59:59.999999999Z")
    assert row["tagged_at"] == utc("2025-09-18T23:59:59.999999999Z")


def test_precision_is_a_known_word_that_fits():
    assert only({"precision": "minute"})["precision"] == "minute"
    assert "did you mean 'minute'?" in problem({"precision": "minutes"}).cure
    found = problem({"precision": "instant", "known_from": "2025-09-17T17:00Z"})
    assert found.expected == "a precision of an interval"


@quick
@given(
    st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from(["T", " "]),
)
def test_stamps_are_read_as_python_reads_them(local, minutes, between):
    stamp = local.replace(tzinfo=dt.timezone(dt.timedelta(minutes=minutes)))
    assert published(stamp.isoformat(between))["known_by"] == pd.Timestamp(stamp)


@quick
@given(
    st.dates(dt.date(1975, 1, 1), dt.date(2035, 1, 1)), st.sampled_from(["Asia/Kolkata", "America/Sao_Paulo"])
)
def test_local_days_tile_time(day, zone):
    first, second = published(day, zone=zone), published(day + dt.timedelta(days=1), zone=zone)
    assert second["known_from"] - first["known_by"] == pd.Timedelta(1)


# Words


@pytest.mark.parametrize(
    ("tag", "expected", "cure"),
    [
        ("", "a tag", "write one"),
        (None, "a tag", "write one"),
        ("Fed", "a word of a-z, 0-9 and _", "write 'fed'"),
        ("rate cut", "a word of a-z, 0-9 and _", "write 'rate_cut'"),
        ("利率", "a word of a-z, 0-9 and _", "write a word such as fed"),
    ],
)
def test_a_tag_is_one_lower_case_word(tag, expected, cure):
    found = problem({"tag": tag, "direction": ""})
    assert (found.expected, found.column) == (expected, "tag")
    assert cure in found.cure


def test_a_desks_own_tag_passes_and_a_near_miss_is_warned_about():
    events = load(
        {"tag": "esg"},
        {"tag": "tariffs"},
        {"tag": "tariffs", "headline": "b"},
        {"tag": "chip", "direction": ""},
    )
    assert events.warnings.values.tolist() == [
        ["near_tag", "warning", 2, 2, "tag 'tariffs' is not shipped: did you mean 'tariff'?"]
    ]


@pytest.mark.parametrize(
    ("tag", "direction", "cure"),
    [
        ("fed", "Dovish", "did you mean 'dovish'?"),
        ("fed", "HAWKISH", "did you mean 'hawkish'?"),
        ("fed", "positive", "known: dovish, hawkish, neutral"),
        ("chip", "positiv", "did you mean 'positive'?"),
        ("tariff", "de-escalation", "did you mean 'deescalation' or 'escalation'?"),
    ],
)
def test_a_shipped_topic_has_its_own_words_of_direction(tag, direction, cure):
    found = problem({"tag": tag, "direction": direction})
    assert found.column == "direction"
    assert found.expected.startswith(f"a direction of {tag} (")
    assert found.cure == cure


@pytest.mark.parametrize(
    ("tag", "direction"),
    [
        ("fed", ""),
        ("fed", "neutral"),
        ("chip", "negative"),
        ("tariff", "deescalation"),
        ("mna", "Hostile bid"),
    ],
)
def test_directions_that_pass(tag, direction):
    assert only({"tag": tag, "direction": direction})["direction"] == direction


# Numbers


@pytest.mark.parametrize("name", ["strength", "confidence", "expected", "actual", "surprise"])
def test_numbers_are_read_exactly_and_nan_is_unknown(name):
    for value in (0.1, "0.1", " .1 ", "1e-1", "+0.1"):
        assert only({name: value})[name] == 0.1
    assert math.copysign(1, only({name: "-0.0"})[name]) == 1
    for value in ("", None, math.nan, "nan", "NaN"):
        assert math.isnan(only({name: value})[name])
    for value in ("12%", "1,5", "1_0", "twelve", True, "0x1"):
        found = problem({name: value})
        assert (found.expected, found.column, found.got) == ("a number", name, f"'{value}'")
    for value in (math.inf, -math.inf, "1e999"):
        assert problem({name: value}).expected == "a finite number"


@pytest.mark.parametrize("confidence", [-0.001, 1.001, 85, "85"])
def test_confidence_lies_between_0_and_1(confidence):
    found = problem({"confidence": confidence})
    assert (found.expected, found.got) == ("a confidence from 0 to 1", f"'{confidence}'")


def test_surprise_follows_from_actual_and_expected():
    row = only({"actual": "4.25", "expected": "4.5"})
    assert (row["surprise"], row["surprise_source"]) == (-0.25, "actual - expected")
    assert only({"actual": 1, "expected": 2, "surprise_source": "poll"})["surprise_source"] == "poll"
    assert math.isnan(only({"actual": 1})["surprise"])
    assert only({"actual": 1, "surprise": 7})["surprise"] == 7


def test_a_surprise_that_contradicts_is_refused():
    found = problem({"actual": 4.25, "expected": 4.5, "surprise": 0.25})
    assert (found.column, found.expected) == ("surprise", "actual - expected = -0.25")
    assert only({"actual": 4.1, "expected": 4.0, "surprise": 0.1})["surprise"] == 0.1
    assert only({"actual": 1.0, "expected": 0.0, "surprise": 1 + 1e-10})["surprise"] == 1 + 1e-10
    assert problem({"actual": 1.0, "expected": 0.0, "surprise": 1 + 1e-8}).column == "surprise"
    assert problem({"actual": 1e308, "expected": -1e308}).expected == "actual - expected = inf"
    assert problem({"actual": 1.0, "expected": 1.0, "surprise": 1e-12}).column == "surprise"


# Symbols and scope


@pytest.mark.parametrize(
    "symbols",
    [
        "KS:000660 2330.TT",
        "000660.KS;2330.TW",
        "000660.KS, 2330.TW ,KS:000660",
        ["000660 KS", "2330.TT"],
        ("000660.KS", "2330.TW"),
        np.array(["000660.KS", "2330.TW"]),
    ],
)
def test_symbols_of_any_dialect_and_form_become_canonical(symbols):
    assert only({"symbols": symbols})["symbols"] == "000660.KS 2330.TW"


def test_empty_symbols_are_empty():
    assert only({"symbols": []})["symbols"] == only({"symbols": " "})["symbols"] == ""


def test_every_unknown_symbol_is_told_with_a_hint():
    found = problems({"symbols": "000660.KR2 8035.T 2330.XX"})
    assert [(each.got, each.column) for each in found] == [
        ("'000660.KR2'", "symbols"),
        ("'2330.XX'", "symbols"),
    ]
    assert "did you mean '2330.TW'?" in found[1].cure


def test_a_symbol_that_may_be_two_says_which():
    assert "which may be '1234.TW' or '1234.TWO'" in problem({"symbols": "1234.TT"}).cure


def test_scopes_that_pass():
    assert only({"scope": "market:KR  theme:semis market:KR"})["scope"] == "market:KR theme:semis"
    assert only({"scope": ["global", "theme:ai_2"]})["scope"] == "global theme:ai_2"


@pytest.mark.parametrize(
    ("scope", "cure"),
    [
        ("markt:KR", "did you mean 'market'?"),
        ("sector:semis", "write one of these"),
        ("market:kr", "write one of these"),
        ("market:", "write one of these"),
        ("theme:Semi", "write one of these"),
        ("Global", "did you mean 'global'?"),
        ("global:x", "write one of these"),
    ],
)
def test_an_unknown_scope_is_refused(scope, cure):
    found = problem({"scope": scope})
    assert (found.expected, found.cure) == ("a scope: global, market:KR or theme:semis", cure)


def test_an_event_about_nothing_stays_so_and_is_warned_about():
    events = load({"scope": ""}, {"symbols": "8035.T", "scope": ""})
    assert events.frame["scope"].tolist() == ["", ""]
    assert events.warnings[["code", "rows", "first_line"]].values.tolist() == [["no_instrument", 1, 1]]


# Text


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_hostile_headline_survives_unchanged(tmp_path, kind):
    events = load({"headline": HOSTILE, "source": HOSTILE, "story_id": "<b>"})
    back = load_events(write(events.frame, tmp_path / f"e.{kind}"))
    assert back.frame["headline"][0] == back.frame["source"][0] == HOSTILE
    assert back.digest() == events.digest()


def test_a_hostile_headline_is_escaped_where_it_is_shown():
    events = load({"headline": HOSTILE, "scope": "", "tag": "desk", "direction": "<i>"})
    html = events._repr_html_()
    assert "<script>" not in html
    assert "<i>" not in html
    assert "&lt;script&gt;" in html
    assert not set("\x00\x1f\x1b") & set(html + repr(events))


def test_text_that_is_no_text_is_refused():
    assert problem({"headline": ["a"]}).expected == "one value"
    for name, value in (("headline", "\ud800"), ("symbols", ["\ud800"])):
        frame = pd.DataFrame([FED]).assign(**{name: pd.Series([value], dtype=object)})
        with pytest.raises(InputError, match=rf"column {name}: expected Unicode text, got .*ud800"):
            load_events(frame)


def test_other_columns_may_hold_anything_until_they_are_written(tmp_path):
    frame = pd.DataFrame([FED, FED, FED], dtype=object).assign(note=pd.Series(["\ud800"] * 3, dtype=object))
    events = load_events(frame)
    assert events.frame["note"].tolist() == ["\ud800"]
    assert len(events.digest()) == 64
    with pytest.raises(InputError, match="columns that Parquet can hold"):
        events.to_parquet(tmp_path / "events.parquet")


@pytest.mark.parametrize(("name", "got"), [("e.csv", ".csv"), ("e", "no suffix"), ("parquet", "no suffix")])
def test_events_are_written_under_a_name_that_tells_what_they_are(tmp_path, name, got):
    with pytest.raises(
        InputError, match=rf"{name}: expected a file that ends in \.parquet, got {got}; rename it"
    ):
        load({}).to_parquet(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    load({}).to_parquet(str(tmp_path / "E.PARQUET"))
    assert len(load_events(tmp_path / "E.PARQUET")) == 1


def test_ids_are_made_from_content_in_any_order_of_rows():
    rows = [{"headline": "a", "symbols": "8035.T 6857.T"}, {"headline": "b"}, {"headline": "a", "tag": "mna"}]
    there, back = load(*rows), load(*rows[::-1])
    assert there.digest() == back.digest()
    assert there.frame["event_id"].is_unique
    assert there.frame["event_id"].str.fullmatch("ev[0-9a-f]{16}").all()
    same = load({"headline": "a", "symbols": "6857.JP;8035.T", "strength": 3}).frame["event_id"][0]
    assert same == load(rows[0]).frame["event_id"][0]


def test_an_id_is_stable_between_versions():
    assert load({"headline": "Fed cuts"}).frame["event_id"].tolist() == ["ev3d4838a7a8ff3a47"]


@pytest.mark.parametrize(
    "change",
    [
        {"known_by": "2025-09-17T18:00:00.000000001Z"},
        {"known_from": "2025-09-17T17:00Z"},
        {"tag": "chip", "direction": ""},
        {"direction": "hawkish"},
        {"headline": "x"},
        {"symbols": "8035.T"},
        {"scope": "market:US"},
    ],
)
def test_other_content_is_another_event(change):
    assert load({}, change).frame["event_id"].nunique() == 2


def test_the_same_row_twice_is_one_event_and_listed():
    events = load({"headline": "a"}, {"headline": "b"}, {"headline": "a"}, {"headline": "a"})
    assert events.frame["headline"].tolist().count("a") == 1
    assert len(events) == 2
    assert events.warnings[["code", "rows", "first_line"]].values.tolist() == [["duplicate", 2, 3]]
    assert events.skipped[["line", "column", "expected"]].values.tolist() == [
        [3, "event_id", "each event once"],
        [4, "event_id", "each event once"],
    ]


def test_the_order_of_symbols_makes_no_other_event():
    events = load({"symbols": "8035.T 6857.T"}, {"symbols": "6857.T 8035.T"})
    assert events.frame["symbols"].tolist() == ["8035.T 6857.T"]
    assert events.warnings["code"].tolist() == ["duplicate"]


def test_rows_that_contradict_each_other_name_each_other():
    found = problems(
        {"event_id": "e", "headline": "a"},
        {"event_id": "f"},
        {"event_id": "e", "headline": "b", "strength": 2},
    )
    assert [(each.line, each.column, each.got) for each in found] == [
        (1, "event_id", "'e'"),
        (3, "event_id", "'e'"),
    ]
    assert found[0].cure.startswith("line 3 has another strength, headline: ")
    assert found[1].cure.startswith("line 1 has another strength, headline: ")


def test_made_ids_may_not_contradict_either_and_other_columns_count():
    assert len(problems({"source": "a"}, {"source": "b"})) == 2
    found = problems({"note": ["a"]}, {"note": ["b"]}, {"note": ["a"]})
    assert [each.line for each in found] == [1, 2]
    assert "has another note" in found[0].cure


def test_contradictions_are_all_dropped_where_bad_rows_are_skipped():
    rows = [{"event_id": "e", "headline": "a"}, {"event_id": "e", "headline": "b"}, {"event_id": "f"}]
    for order in (rows, rows[::-1]):
        events = load(*order, skip_bad=True)
        assert events.frame["event_id"].tolist() == ["f"]
        assert sorted(events.skipped["column"]) == ["event_id", "event_id"]


def test_contradictions_across_files_name_the_file(tmp_path):
    paths = [
        write(load({"event_id": "e", "headline": name}).frame, tmp_path / f"{name}.csv")
        for name in ("a", "b")
    ]
    with pytest.raises(InputError, match=r"b\.csv line 2 has another headline"):
        load_events(paths)


RETAGGED = (
    {"event_id": "e", "direction": "dovish", "tagged_at": "2025-09-18T00:00Z"},
    {"event_id": "e", "direction": "hawkish", "tagged_at": "2025-09-20T00:00Z"},
    {"event_id": "f", "tagged_at": "2025-09-21T00:00Z"},
)


def test_the_latest_tagging_stands():
    for rows in (RETAGGED, RETAGGED[::-1]):
        events = load(*rows)
        assert events.frame.set_index("event_id")["direction"].to_dict() == {"e": "hawkish", "f": "dovish"}
        assert events.warnings[["code", "severity", "rows"]].values.tolist() == [["retagged", "info", 1]]
        assert events.skipped.empty


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2025-09-17T23:59Z", {}),
        ("2025-09-18T00:00Z", {"e": "dovish"}),
        ("2025-09-19T23:59:59.999999999Z", {"e": "dovish"}),
        ("2025-09-20T00:00Z", {"e": "hawkish"}),
        ("2025-09-21T00:00Z", {"e": "hawkish", "f": "dovish"}),
    ],
)
def test_as_of_sees_the_taggings_of_its_time(as_of, expected):
    events = load(*RETAGGED, as_of=as_of)
    assert events.frame.set_index("event_id")["direction"].to_dict() == expected
    counted = events.warnings.set_index("code")["rows"].to_dict()
    assert counted.get("not_yet_tagged", 0) + counted.get("retagged", 0) == 3 - len(expected)


def test_retagging_never_changes_an_old_run():
    old = load(*RETAGGED[:1], as_of="2025-09-19T00:00Z")
    assert load(*RETAGGED, as_of="2025-09-19T00:00Z").digest() == old.digest()


def test_a_tagging_without_an_instant_is_the_oldest():
    rows = [{**RETAGGED[0], "tagged_at": None}, RETAGGED[1]]
    assert only(*rows)["direction"] == "hawkish"
    assert only(*rows, as_of="2025-09-19T00:00Z")["direction"] == "dovish"


def test_as_of_needs_an_instant():
    with pytest.raises(InputError, match="naive timestamp"):
        load({}, as_of="2025-09-19")
    with pytest.raises(InputError, match="expected one instant"):
        load({}, as_of=pd.NaT)


# Stories


def test_an_event_without_a_story_is_its_own():
    events = load({"event_id": "a"}, {"event_id": "b", "story_id": "cut"})
    assert events.frame["story_id"].tolist() == ["a", "cut"]


@quick
@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["", "s", "t"])), max_size=8),
    st.randoms(use_true_random=False),
)
def test_the_first_print_of_a_story_is_the_smallest(rows, random):
    events = [(f"e{number}", second, story or f"e{number}") for number, (second, story) in enumerate(rows)]
    random.shuffle(events)
    expected = [
        (second, name) == min((other, twin) for twin, other, its in events if its == story)
        for name, second, story in events
    ]
    frame = pd.DataFrame(
        {
            "event_id": [name for name, _, _ in events],
            "known_by": pd.to_datetime([second for _, second, _ in events], unit="s", utc=True),
            "story_id": ["" if story == name else story for name, _, story in events],
        }
    )
    frame.index = pd.RangeIndex(5, 5 + len(frame))
    assert first_prints(frame.astype({"event_id": "str", "story_id": "str"})).tolist() == expected


# Bad rows


MANY = [
    {},
    {"known_by": "2025-09-12T09:00", "tag": "Fed", "strength": "x"},
    {"symbols": "???", "scope": "nowhere"},
    {"headline": "good"},
]


def test_all_problems_come_at_once_in_order_of_rows():
    found = problems(*MANY)
    assert [(each.line, each.column) for each in found] == [
        (2, "known_by"),
        (2, "tag"),
        (2, "strength"),
        (3, "symbols"),
        (3, "scope"),
    ]


def test_bad_rows_are_skipped_where_asked_and_each_reason_is_listed():
    events = load(*MANY, skip_bad=True)
    assert sorted(events.frame["headline"]) == ["", "good"]
    assert list(events.skipped.columns) == ["file", "line", "column", "value", "expected", "cure"]
    assert events.skipped["line"].tolist() == [2, 2, 2, 3, 3]
    assert events.warnings[["code", "rows", "first_line"]].values.tolist() == [["skipped", 2, 2]]
    assert "see .skipped" in repr(events)


def test_every_row_may_be_bad():
    events = load({"tag": ""}, skip_bad=True)
    assert len(events) == 0
    assert events.frame.dtypes.equals(load({}).frame.dtypes)


# Events


def test_events_are_sorted_by_known_by_then_id():
    events = load(
        {"event_id": "b"},
        {"event_id": "a"},
        {"event_id": "B"},
        {"event_id": "z", "known_by": "2025-09-17T17:59Z"},
    )
    assert events.frame["event_id"].tolist() == ["z", "B", "a", "b"]
    assert events.frame.index.tolist() == [0, 1, 2, 3]


def three():
    return load(*({"event_id": str(hour), "known_by": f"2025-09-17T{hour}:00Z"} for hour in (10, 11, 12)))


def test_between_has_the_start_and_not_the_end():
    assert three().between("2025-09-17T10:00Z", "2025-09-17T12:00Z").frame["event_id"].tolist() == [
        "10",
        "11",
    ]
    assert len(three().between("2025-09-17T13:00Z", "2025-09-17T14:00Z")) == 0
    with pytest.raises(InputError, match="naive timestamp"):
        three().between("2025-09-17", "2025-09-18")


def test_as_of_keeps_what_was_known_and_tagged():
    assert three().as_of("2025-09-17T11:00Z").frame["event_id"].tolist() == ["10", "11"]
    events = load(*RETAGGED, {"event_id": "g"})
    limit = pd.Timestamp("2025-09-20T12:00Z")
    assert events.as_of(limit).frame["event_id"].tolist() == ["e", "f", "g"]
    assert events.as_of(limit, tagged=True).frame["event_id"].tolist() == ["e", "g"]


STORY = (
    {"event_id": "first", "known_by": "2025-09-17T10:00Z", "story_id": "s"},
    {"event_id": "echo", "known_by": "2025-09-17T12:00Z", "story_id": "s"},
    {"event_id": "other", "known_by": "2025-09-17T12:30Z"},
)


def test_an_echo_stays_one_where_its_first_print_is_cut_off():
    whole = load(*STORY)
    part = whole.between("2025-09-17T11:00Z", "2025-09-18T00:00Z")
    assert part.first_prints().tolist() == [False, True]
    assert part.between("2025-09-17T11:30Z", "2025-09-18T00:00Z").first_prints().tolist() == [False, True]
    assert part.as_of("2025-09-17T12:00Z").first_prints().tolist() == [False]
    assert load({"event_id": "late", "known_by": "2025-09-19T00:00Z"}).concat(
        part
    ).first_prints().tolist() == [
        False,
        True,
        True,
    ]
    assert part.concat(whole).first_prints().tolist() == [True, False, True]
    assert part.digest() != load(*STORY[1:]).digest()
    assert part.between("2025-09-17T12:15Z", "2025-09-18T00:00Z").digest() == load(STORY[2]).digest()


def test_what_is_told_or_tagged_later_makes_no_echo():
    whole = load(*STORY)
    early = whole.between("2025-09-17T00:00Z", "2025-09-17T11:00Z")
    assert early.first_prints().tolist() == [True]
    assert whole.as_of("2025-09-17T11:00Z").first_prints().tolist() == [True]
    late = load(STORY[0] | {"event_id": "s", "tagged_at": "2025-09-18T00:00Z"}, *STORY[1:])
    assert late.as_of("2025-09-17T13:00Z", tagged=True).first_prints().tolist() == [True, True]
    after = late.between("2025-09-17T11:00Z", "2025-09-18T00:00Z")
    assert after.first_prints().tolist() == [False, True]
    assert after.as_of("2025-09-17T13:00Z", tagged=True).first_prints().tolist() == [True, True]


def test_concat_is_what_loading_both_gives():
    first, second = load(*RETAGGED[:1], {"note": "x"}), load(*RETAGGED)
    both = Events.concat(first, second)
    assert both.frame["direction"].tolist() == ["hawkish", "dovish", "dovish"]
    assert both.digest() == second.concat(first).digest()
    assert "retagged" in both.warnings["code"].tolist()
    assert first.concat().digest() == first.digest()


def test_concat_refuses_contradictions():
    with pytest.raises(InputError, match="one content for each event_id and tagged_at, got 'e'"):
        load({"event_id": "e"}).concat(load({"event_id": "e", "strength": 1}))


def test_the_digest_sees_every_cell():
    base = load({"headline": "a", "note": "x"})
    digests = {
        base.digest(),
        load({"headline": "ab", "note": "x"}).digest(),
        load({"headline": "a", "note": "y"}).digest(),
        load({"headline": "a", "note": "x", "strength": 0}).digest(),
        load({"headline": "a", "note": "x", "tagged_at": "2025-09-17T18:00Z"}).digest(),
        load({"headline": "a"}).digest(),
        load({"headline": "a", "other": "x"}).digest(),
    }
    assert len(digests) == 7
    unknown, empty = (load({"note": note}, {"headline": "b", "note": "x"}) for note in (None, ""))
    assert unknown.digest() == empty.digest()


def test_mixed_columns_cannot_be_written_and_say_so(tmp_path):
    events = load({"note": {"a": 1}}, {"note": "text", "headline": "b"})
    with pytest.raises(InputError, match=r"columns that Parquet can hold.*make the column text"):
        events.to_parquet(tmp_path / "events.parquet")


def test_events_print_themselves():
    text = repr(load(*({"headline": str(number)} for number in range(12))))
    assert text.startswith("12 events known by 2025-09-17T18:00:00Z to 2025-09-17T18:00:00Z (fed 12)")
    assert "... and 2 more events" in text


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
number = st.none() | st.floats(allow_nan=False, allow_infinity=False, width=64)
stamp = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)).map(
    lambda when: when.isoformat() + "Z"
)
row = st.fixed_dictionaries(
    {
        "known_by": stamp,
        "tag": st.sampled_from(["fed", "mna", "desk_1"]),
        "direction": st.sampled_from(["", "neutral"]),
        "headline": text,
        "source": text,
        "strength": number,
        "confidence": st.none() | st.floats(0, 1),
        "surprise": number,
        "scheduled_for": st.none() | stamp,
        "tagged_at": st.none() | stamp,
        "symbols": st.sampled_from(["", "KS:000660", "8035.T 6857.T"]),
        "scope": st.sampled_from(["global", "market:KR theme:semis"]),
        "note": text,
    }
)


@quick
@given(st.lists(row, min_size=1, max_size=5))
@example(
    [
        {
            **dict.fromkeys(["strength", "surprise", "confidence"], None),
            **FED,
            "headline": HOSTILE,
            "note": "\r",
        }
    ]
)
def test_every_format_gives_the_same_events(tmp_path_factory, rows):
    events = load_events(pd.DataFrame(rows), skip_bad=True)
    assume(len(events))  # a JSONL file without a line is no table
    folder = tmp_path_factory.mktemp("events")
    for kind in ("csv", "jsonl", "parquet"):
        back = load_events(write(events.frame, folder / f"events.{kind}"))
        pd.testing.assert_frame_equal(
            back.frame[list(describe_schema()["column"][:22])], events.frame.iloc[:, :22]
        )
        assert back.digest() == events.digest()
    assert load_events(events.frame).digest() == events.digest()


@quick
@given(st.lists(row, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    there, back = (load_events(pd.DataFrame(each), skip_bad=True) for each in (rows, shuffled))
    assert there.digest() == back.digest()
    known_by = to_ns(there.frame["known_by"])
    assert (known_by != NAT).all()
    assert (known_by[1:] >= known_by[:-1]).all()


cells = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.dates(),
    st.datetimes(timezones=st.none() | st.just(dt.UTC)),
    st.lists(st.text(max_size=3), max_size=2),
    st.sampled_from(["2025-09-12", "2025-09-12T09:00Z", "fed", "8035.T", "global", "e1", "Asia/Tokyo"]),
)
names = [column.name for column in EVENT_COLUMNS + INPUT_COLUMNS]


@quick
@given(st.lists(st.dictionaries(st.sampled_from(names), cells), min_size=1, max_size=6))
def test_whatever_stands_in_a_cell_is_an_event_or_a_problem(rows):
    frame = pd.DataFrame([{name: row.get(name) for name in names} for row in rows], dtype=object)
    events = load_events(frame, skip_bad=True)
    retagged = events.warnings.loc[events.warnings["code"].eq("retagged"), "rows"].sum()
    assert len(events) + events.skipped["line"].nunique() + retagged == len(rows)
    assert set(events.frame["event_id"]).isdisjoint({""})
    assert load_events(events.frame).digest() == events.digest()


# Impacts


def impacts(*rows):
    return load_impacts(pd.DataFrame(list(rows)), load({"event_id": "e"}, {"event_id": "f"}))


def test_impacts_are_read_and_sorted():
    table = impacts(
        {"event_id": "f", "symbol": "8035.T", "polarity": "-1"},
        {"event_id": "e", "symbol": "KS:000660", "polarity": "0.5"},
    )
    assert table.values.tolist() == [["e", "000660.KS", 0.5], ["f", "8035.T", -1.0]]
    assert [str(dtype) for dtype in table.dtypes] == ["str", "str", "float64"]


@pytest.mark.parametrize(
    ("change", "column", "expected"),
    [
        ({"event_id": "g"}, "event_id", "the event_id of a loaded event"),
        ({"event_id": ""}, "event_id", "a value of event_id"),
        ({"symbol": None}, "symbol", "a value of symbol"),
        ({"symbol": "2330.XX"}, "symbol", "a symbol of a known venue"),
        ({"polarity": 1.01}, "polarity", "a polarity from -1 to 1"),
        ({"polarity": math.nan}, "polarity", "a value of polarity"),
        ({"polarity": "good"}, "polarity", "a number"),
    ],
)
def test_bad_impacts_are_refused(change, column, expected):
    with pytest.raises(InputError) as caught:
        impacts({"event_id": "e", "symbol": "8035.T", "polarity": 1, **change})
    (found,) = caught.value.problems
    assert (found.line, found.column, found.expected) == (1, column, expected)


def test_an_impact_given_twice_is_refused_in_any_dialect():
    row = {"event_id": "e", "symbol": "000660.KS", "polarity": 1}
    with pytest.raises(InputError, match="line 2, column symbol: expected each event and symbol once"):
        impacts(row, {**row, "symbol": "KS:000660"})


def test_impacts_need_their_columns():
    with pytest.raises(InputError, match="expected a column 'polarity'"):
        impacts({"event_id": "e", "symbol": "8035.T"})


def test_impacts_may_name_events_that_were_cut_off():
    events = load(*STORY)
    given = pd.DataFrame({"event_id": ["first", "other"], "symbol": "8035.T", "polarity": 1.0})
    for part in (events.as_of("2025-09-17T11:00Z"), events.between("2025-09-17T12:00Z", "2025-09-18T00:00Z")):
        assert load_impacts(given, part)["event_id"].tolist() == ["first", "other"]
        with pytest.raises(InputError, match="got 'frist'; did you mean 'first'"):
            load_impacts(given.replace("first", "frist"), part)


def test_an_empty_table_of_impacts_is_fine():
    empty = pd.DataFrame({name: pd.Series([], dtype=object) for name in ("event_id", "symbol", "polarity")})
    assert load_impacts(empty, load({}).frame).empty
