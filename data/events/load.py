"""Events from files, frames and the catalogue, checked row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.events import stamps
from aftershock.data.events.cells import (
    read_instants,
    read_numbers,
    read_scopes,
    read_symbols,
    read_words,
    read_zones,
)
from aftershock.data.events.identity import latest, make_ids, settle
from aftershock.data.events.rows import Mask, Rows, Source, gather, joined
from aftershock.data.events.schema import (
    DIRECTIONS,
    EVENT_COLUMNS,
    INPUT_COLUMNS,
    PRECISIONS,
    TAGS,
    names_of,
    near,
)
from aftershock.data.events.table import Events, in_order, one_instant
from aftershock.data.instants import NAT, to_index
from aftershock.data.tables import check_columns

AGREE = 1e-9
"""How far, relatively, a given surprise may lie from actual - expected."""

COMPUTED = "actual - expected"
"""The ``surprise_source`` of a surprise computed here."""

_OWN = [column.name for column in EVENT_COLUMNS]
_INPUT = [column.name for column in INPUT_COLUMNS]
_UNCHANGED = ("headline", "source", "source_kind", "surprise_source", "tagger")


def load_events(
    source: Source | Sequence[Source],
    *,
    zone: str | None = None,
    skip_bad: bool = False,
    as_of: Any = None,
) -> Events:
    """Read tagged events, check every cell and give them in the canonical schema.

    Parameters
    ----------
    source : path, DataFrame, ``"catalogue:<name>"`` or a sequence of these
        CSV, JSONL or Parquet with the columns of `describe_schema`. In place of ``known_from`` and
        ``known_by`` there may be ``published_at``: an instant, or a date alone, which stands for the whole
        local day.
    zone : str, optional
        IANA zone of stamps without an offset in rows whose ``zone`` is empty.
    skip_bad : bool
        Drop rows that have a problem and list them in ``skipped``, instead of raising.
    as_of : instant, optional
        Take for each event the latest tagging made by then; an event first tagged later is left out. Else
        the latest tagging of all stands.

    Returns
    -------
    Events
        Sorted by ``known_by``, then ``event_id``. Unknown numbers are NaN, unknown instants NaT, unknown
        texts "". Columns outside the schema stand last, as they were.

    Raises
    ------
    InputError
        All problems of all rows at once, each with its file, line and column.

    Examples
    --------
    >>> row = {"published_at": "2025-09-17T14:00-04:00", "tag": "fed", "direction": "dovish"}
    >>> events = load_events(pd.DataFrame([row]))
    >>> events.frame["known_by"][0].isoformat(), events.frame["event_id"][0]
    ('2025-09-17T18:00:00+00:00', 'ev22f196845600593e')
    """
    _check_zone(zone)
    limit = None if as_of is None else one_instant(as_of)
    rows = joined([_read(part, zone) for part in gather(source, _column_problems)])
    stands = settle(rows)
    if rows.faults and not skip_bad:
        raise rows.error()
    _note_skipped(rows)
    frame = _tagging_of(rows, rows.frame[stands], limit)
    _note_tags(rows, frame)
    _note_nowhere(rows, frame)
    story_id = frame["story_id"].where(frame["story_id"].ne(""), frame["event_id"])
    return Events(in_order(frame.assign(story_id=story_id)), rows.warnings(), rows.skipped())


def _check_zone(zone: str | None) -> None:
    reason = stamps.zone_reason(zone) if zone is not None else None
    if reason:
        raise InputError(Problem(reason[0], f"'{zone}'", reason[1], column="zone"))


def _column_problems(columns: list[str], file: str | None) -> list[Problem]:
    """Say which columns are missing or misspelt."""
    problems: list[Problem] = []
    try:
        check_columns(columns, [*_OWN, *_INPUT], ["tag"], file)
    except InputError as error:
        problems += error.problems
    meant = " ".join(problem.cure for problem in problems)
    if not any(name in columns or f"'{name}'" in meant for name in ("known_by", "published_at")):
        cure = "add known_by (with known_from for an interval) or published_at"
        problems.append(Problem("a column that tells when the event was known", "none", cure, file))
    return problems


def _read(rows: Rows, zone: str | None) -> Rows:
    """Turn raw rows into the canonical columns and note every fault."""
    zones = read_zones(rows, zone)
    start, end, is_day = _read_interval(rows, zones)
    tag = read_words(rows, "tag", required=True)
    numbers = {name: read_numbers(rows, name) for name in names_of("number")}
    texts = {name: rows.text(name) for name in _UNCHANGED}
    columns: dict[str, Any] = {
        **{name: rows.text(name).str.strip() for name in ("event_id", "story_id")},
        "known_from": to_index(start),
        "known_by": to_index(end),
        "precision": _read_precision(rows, start, end, is_day),
        "tag": tag,
        "direction": _read_direction(rows, tag),
        **numbers,
        **texts,
        **_read_others(rows, zones),
        "symbols": read_symbols(rows),
        "scope": read_scopes(rows),
    }
    _check_confidence(rows, numbers["confidence"])
    _settle_surprise(rows, columns)
    frame = pd.DataFrame({name: columns[name] for name in _OWN})
    unnamed = frame["event_id"].eq("").to_numpy(np.bool_) & ~rows.bad()
    frame.loc[unnamed, "event_id"] = make_ids(frame[unnamed])
    extra = rows.frame.drop(columns=[*_OWN, *_INPUT], errors="ignore")
    return Rows(pd.concat([frame, extra], axis=1), rows.files, rows.lines, rows.faults, notes=rows.notes)


def _read_interval(rows: Rows, zones: pd.Series[str]) -> tuple[NDArray[np.int64], NDArray[np.int64], Mask]:
    """Read when the events were known: from, by, and whether that is a local day."""
    since = read_instants(rows, "known_from", zones)
    by = read_instants(rows, "known_by", zones)
    published = read_instants(rows, "published_at", zones)
    has_since, has_by = since.kind != stamps.EMPTY, by.kind != stamps.EMPTY
    has_published = published.kind != stamps.EMPTY
    start = np.where(has_since, since.start, by.start)
    _fault_times(rows, ~has_by & (has_since | ~has_published), has_since)
    _fault_backward(rows, has_by & (start > by.end) & (by.end != NAT))
    both = has_by & has_published & (start != NAT) & (by.end != NAT) & (published.end != NAT)
    _fault_twice(rows, both & ((published.start != start) | (published.end != by.end)))
    is_day = np.where(has_by, (by.kind == stamps.DATE) & (start == by.start), published.kind == stamps.DATE)
    return np.where(has_by, start, published.start), np.where(has_by, by.end, published.end), is_day


def _fault_times(rows: Rows, bad: Mask, has_since: Mask) -> None:
    reasons = {
        True: ("known_by beside known_from", "write both, or known_by alone"),
        False: ("when the event was known", "fill known_by or published_at"),
    }
    count = int(bad.sum())
    rows.fault(bad, "known_by", [""] * count, [reasons[bool(flag)] for flag in has_since[bad]])


def _fault_backward(rows: Rows, bad: Mask) -> None:
    reason = ("known_from not after known_by", "swap or correct them")
    rows.fault(bad, "known_from", rows.shown("known_from", bad), reason)


def _fault_twice(rows: Rows, bad: Mask) -> None:
    reason = ("the time that known_from and known_by tell", "leave published_at or the other two empty")
    rows.fault(bad, "published_at", rows.shown("published_at", bad), reason)


def _read_precision(rows: Rows, start: Any, end: Any, is_day: Mask) -> pd.Series[str]:
    given = rows.text("precision").str.strip()
    strange = ~given.isin(["", *PRECISIONS]).to_numpy(np.bool_)
    reasons = [("a precision", did_you_mean(word, PRECISIONS)) for word in given[strange]]
    rows.fault(strange, "precision", given[strange], reasons)
    wrong = given.eq("instant").to_numpy(np.bool_) & (start < end)
    reason = ("a precision of an interval", "leave it empty, or write known_by alone")
    rows.fault(wrong, "precision", given[wrong], reason)
    computed = np.select([start == end, is_day], ["instant", "day"], "interval")
    return given.where(given.ne(""), pd.Series(computed, dtype="str"))


def _read_direction(rows: Rows, tag: pd.Series[str]) -> pd.Series[str]:
    direction = rows.text("direction").str.strip()
    for name, words in DIRECTIONS.items():
        bad = (tag.eq(name) & ~direction.isin(["", *words])).to_numpy(np.bool_)
        expected = f"a direction of {name} ({', '.join(words)}, or none)"
        reasons = [(expected, did_you_mean(word.lower(), words)) for word in direction[bad]]
        rows.fault(bad, "direction", direction[bad], reasons)
    return direction


def _read_others(rows: Rows, zones: pd.Series[str]) -> dict[str, pd.DatetimeIndex]:
    """Read the instants that are points: a date alone becomes the end of its day that cannot look ahead."""
    others = {}
    for column in EVENT_COLUMNS:
        if column.kind == "instant" and not column.name.startswith("known_"):
            spans = read_instants(rows, column.name, zones)
            others[column.name] = to_index(spans.start if column.date_as == "start" else spans.end)
    return others


def _check_confidence(rows: Rows, confidence: NDArray[np.float64]) -> None:
    bad = (confidence < 0) | (confidence > 1)
    reason = ("a confidence from 0 to 1", "divide percentages by 100")
    rows.fault(bad, "confidence", rows.shown("confidence", bad), reason)


def _settle_surprise(rows: Rows, columns: dict[str, Any]) -> None:
    """Compute surprises where they follow, refuse those that contradict."""
    expected, actual, given = columns["expected"], columns["actual"], columns["surprise"]
    with np.errstate(over="ignore"):
        follows = actual - expected
    size = np.fmax(np.abs(actual), np.abs(expected))
    # The second term is what the subtraction itself can lose.
    room = AGREE * np.fmax(np.abs(given), np.abs(follows)) + 4 * np.finfo(np.float64).eps * size
    wrong = (np.abs(given - follows) > room) | np.isinf(follows)
    reasons = [
        (f"actual - expected = {value:g}", "correct one of the three") for value in follows[wrong].tolist()
    ]
    rows.fault(wrong, "surprise", rows.shown("surprise", wrong), reasons)
    computed = np.isnan(given) & ~np.isnan(follows)
    columns["surprise"] = np.where(computed, follows, given)
    source = columns["surprise_source"]
    columns["surprise_source"] = source.mask(computed & source.eq("").to_numpy(np.bool_), COMPUTED)


def _tagging_of(rows: Rows, frame: pd.DataFrame, limit: int | None) -> pd.DataFrame:
    """Take one tagging of each event and note what that leaves out."""
    chosen = latest(frame, limit)
    if len(chosen) < len(frame):
        left_out = frame.index.difference(chosen.index).to_numpy()
        is_other = frame.loc[left_out, "event_id"].isin(chosen["event_id"]).to_numpy(np.bool_)
        rows.note(left_out[is_other], "retagged", "info", "other taggings of the same events are left out")
        message = "events first tagged after as_of are left out"
        rows.note(left_out[~is_other], "not_yet_tagged", "info", message)
    return chosen


def _note_skipped(rows: Rows) -> None:
    rows.note(rows.bad(), "skipped", "warning", "rows with problems were dropped; .skipped tells why")


def _note_tags(rows: Rows, frame: pd.DataFrame) -> None:
    for tag in frame["tag"].unique():
        meant = near(tag, TAGS)
        if tag not in TAGS and meant:
            where = frame.index[frame["tag"].eq(tag)].to_numpy()
            rows.note(where, "near_tag", "warning", f"tag '{tag}' is not shipped: did you mean '{meant}'?")


def _note_nowhere(rows: Rows, frame: pd.DataFrame) -> None:
    nowhere = frame.index[frame["symbols"].eq("") & frame["scope"].eq("")].to_numpy()
    message = "events with neither symbols nor scope give no signal unless impacts name instruments"
    rows.note(nowhere, "no_instrument", "warning", message)
