"""Stamps as they are written, and the instants or local days they stand for."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.events.rows import Mask, Reason
from aftershock.data.events.schema import near
from aftershock.data.instants import DAY, NAT, Instants, iso, to_ns

EMPTY, ZONED, LOCAL, DATE, BROKEN = range(5)
"""Kinds of stamps: none, with an offset, without one, a date alone, unreadable."""

FINE, NO_ZONE, TWICE, NEVER, OUTSIDE = range(5)
"""What can be wrong with a stamp that can be read."""

FIRST_YEAR, LAST_YEAR = 1678, 2261
"""Whole years that nanoseconds since 1970 can hold in an int64."""

YEARS = (f"a year from {FIRST_YEAR} to {LAST_YEAR}", "correct the year")

ABBREVIATIONS = frozenset({"EST", "HST", "MST"})
"""Fixed offsets in the IANA table, which hardly anybody who writes them means all year."""

NEEDS_ZONE = "add an offset (2025-09-12T09:00+09:00), a zone column, or [events] zone"

_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = "[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?"
_OFFSET = "(Z|[+-](0[0-9]|1[0-3])(:?[0-5][0-9])?|[+-]14(:?00)?)"
_PATTERNS: Final = {ZONED: f"{_DAY}[T ]{_CLOCK}{_OFFSET}", LOCAL: f"{_DAY}[T ]{_CLOCK}", DATE: _DAY}
_FIRST = np.datetime64(f"{FIRST_YEAR}-01-01", "ns").view(np.int64)
_LAST = np.datetime64(f"{LAST_YEAR + 1}-01-01", "ns").view(np.int64) - 1


class Stamps(NamedTuple):
    """Stamps taken apart: ``kind`` (n,) and ``wall`` (n,).

    ``wall`` is in nanoseconds: UTC for ``ZONED``, the local clock read as if it were UTC for ``LOCAL`` and
    ``DATE``, ``NAT`` for ``EMPTY`` and ``BROKEN``.
    """

    kind: NDArray[np.int8]
    wall: Instants


class Spans(NamedTuple):
    """Instants found: ``start`` and ``end`` (n,) in UTC nanoseconds, equal but for a date; ``trouble`` (n,)."""

    start: Instants
    end: Instants
    trouble: NDArray[np.int8]


def typed_stamps(column: pd.Series[Any]) -> Stamps | None:
    """Take a column apart that has a type for stamps; None where it has none.

    A typed stamp without a zone that falls on midnight counts as a date alone: data frames and Parquet
    files keep dates so, and the whole day is the reading that cannot look ahead.

    Parameters
    ----------
    column : Series of length n
        Any type.

    Returns
    -------
    Stamps or None
    """
    dtype = column.dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        return _typed(column.dt.tz_convert("UTC").dt.tz_localize(None), zoned=True)
    if isinstance(dtype, np.dtype) and dtype.kind == "M":
        return _typed(column, zoned=False)
    return None


def written_stamps(text: pd.Series[str]) -> Stamps:
    """Take stamps written as text apart.

    Parameters
    ----------
    text : Series of str, length n
        Without surrounding blanks, "" where there is none.

    Returns
    -------
    Stamps
        ``BROKEN`` for what is neither ISO 8601 nor a day and time that exist.
    """
    kind = np.where(text.eq(""), EMPTY, BROKEN).astype(np.int8)
    wall = np.full(len(text), NAT)
    year = text.str.slice(0, 4)
    inside = (year.ge(str(FIRST_YEAR)) & year.le(str(LAST_YEAR))).to_numpy(bool)
    for code, pattern in _PATTERNS.items():
        rows = np.flatnonzero((kind == BROKEN) & inside & text.str.fullmatch(pattern).to_numpy(bool))
        parsed = pd.to_datetime(text.iloc[rows], format="ISO8601", utc=True, errors="coerce")
        wall[rows] = _ns(parsed.dt.tz_localize(None))
        kind[rows] = np.where(wall[rows] == NAT, BROKEN, code)
    return Stamps(kind, wall)


def to_spans(stamps: Stamps, zones: pd.Series[str]) -> Spans:
    """Turn stamps into instants, each local one in its row's zone.

    Parameters
    ----------
    stamps : Stamps of n
        Typed or written ones.
    zones : Series of str, length n
        A known zone, or "".

    Returns
    -------
    Spans
        A date alone spans its local day, from its first nanosecond to its last, however long clocks make it.
    """
    zoned = stamps.kind == ZONED
    start = np.where(zoned, stamps.wall, NAT)
    spans = Spans(start, start.copy(), np.zeros(len(start), np.int8))
    local = np.flatnonzero((stamps.kind == LOCAL) | (stamps.kind == DATE))
    codes, names = pd.factorize(zones.iloc[local])
    for code, name in enumerate(names):
        _fill(spans, stamps, local[codes == code], str(name))
    found = spans.start != NAT
    spans.trouble[found & ((spans.start < _FIRST) | (spans.end > _LAST))] = OUTSIDE
    return spans


def zone_reason(name: str) -> Reason | None:
    """Say what is wrong with the name of a zone, or None where it is known.

    Examples
    --------
    >>> zone_reason("Asia/Seol")
    ('an IANA zone name', "did you mean 'Asia/Seoul'?")
    >>> zone_reason("Asia/Seoul") is None
    True
    """
    if name in ABBREVIATIONS:
        return "an IANA zone name", "write a place: the abbreviation is a fixed offset, summer or winter"
    if name in _zones():
        return None
    meant = near(name, _zones())
    return "an IANA zone name", f"did you mean '{meant}'?" if meant else "write a place such as Asia/Seoul"


@cache
def broken_reason(value: str) -> Reason:
    """Say what is wrong with a stamp that cannot be read.

    Examples
    --------
    >>> broken_reason("12/09/2025")
    ('a date in ISO order', 'write 2025-09-12: which of the numbers is the month cannot be known')
    """
    if re.fullmatch(r"[+-]?[0-9.]+([eE][+-]?[0-9]+)?", value):
        return "an ISO 8601 stamp", _epoch_cure(value)
    if re.match(r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2,4}(?![0-9])", value):
        return "a date in ISO order", _order_cure(value)
    if re.match(r"[0-9]{4}[/.][0-9]{1,2}[/.][0-9]{1,2}", value):
        return "a date in ISO order", "write it with hyphens and two digits each: 2025-09-12"
    if any(re.fullmatch(pattern, value) for pattern in _PATTERNS.values()):
        if not FIRST_YEAR <= int(value[:4]) <= LAST_YEAR:
            return YEARS
        return "a day and time that exist", "correct the day or the time"
    if re.match(_DAY, value):
        return "an ISO 8601 stamp", "write the time as 09:00 or 09:00:00.5, the offset as +09:00 or Z"
    return "an ISO 8601 stamp", "write 2025-09-12T09:00+09:00, or 2025-09-12 for a day"


@cache
def trouble_reason(trouble: int, value: str, zone: str, is_date: bool) -> Reason:
    """Say what is wrong with a stamp that can be read but is no instant yet."""
    if trouble == OUTSIDE:
        return YEARS
    if trouble == NO_ZONE and is_date:
        return (
            "a date with its zone",
            "add a zone column or [events] zone, or write an instant with its offset",
        )
    if trouble == NO_ZONE:
        return "an instant with a zone", NEEDS_ZONE
    if is_date:
        return f"a day that {zone} had", "correct the day or the zone"
    if trouble == NEVER:
        return f"a time that clocks in {zone} showed", "they were put forward past it: write the offset"
    return f"a time that clocks in {zone} showed once", f"write {' or '.join(_both(value, zone))}"


def _typed(column: pd.Series[Any], *, zoned: bool) -> Stamps:
    years = column.dt.year
    inside = years.between(FIRST_YEAR, LAST_YEAR).to_numpy(bool)
    wall = _ns(column.where(inside))
    local = np.where(wall % DAY == 0, DATE, LOCAL)
    kind = np.where(inside, ZONED if zoned else local, BROKEN)
    return Stamps(np.where(column.isna(), EMPTY, kind).astype(np.int8), wall)


def _fill(spans: Spans, stamps: Stamps, rows: NDArray[np.intp], zone: str) -> None:
    if not zone:
        spans.trouble[rows] = NO_ZONE
        return
    wall, is_date = stamps.wall[rows], stamps.kind[rows] == DATE
    first, twice, never = _localize(wall, zone)
    after = _localize(wall + DAY, zone)[0]
    spans.start[rows] = first
    spans.end[rows] = np.where(is_date, after - 1, first)
    never = np.where(is_date, after <= first, never)
    spans.trouble[rows] = np.select([never, twice & ~is_date], [NEVER, TWICE], FINE)


def _localize(wall: Instants, zone: str) -> tuple[Instants, Mask, Mask]:
    """Read local clocks: the first instant not before each, and whether it came twice or never."""
    clock, place = pd.DatetimeIndex(wall.view("M8[ns]")), ZoneInfo(zone)
    earlier = np.ones(len(wall), np.bool_)
    found = clock.tz_localize(place, ambiguous=earlier, nonexistent="shift_forward")
    once = clock.tz_localize(place, ambiguous="NaT", nonexistent="shift_forward")
    shown = clock.tz_localize(place, ambiguous=earlier, nonexistent="NaT")
    return to_ns(found), to_ns(once) == NAT, to_ns(shown) == NAT


def _ns(clock: pd.Series[Any]) -> Instants:
    return to_ns(clock.dt.as_unit("ns").to_numpy("M8[ns]"))


def _both(value: str, zone: str) -> list[str]:
    clock = pd.Timestamp(value)
    return [clock.tz_localize(ZoneInfo(zone), ambiguous=dst).isoformat() for dst in (True, False)]


def _order_cure(value: str) -> str:
    first, second, year = re.findall("[0-9]+", value)[:3]
    unknown = "which of the numbers is the month cannot be known"
    if len(year) != 4 or int(second) > 12:
        return f"write 2025-09-12: {unknown}"
    return f"write {year}-{int(second):02}-{int(first):02}: {unknown}"


def _epoch_cure(value: str) -> str:
    if re.fullmatch("(19|20)[0-9]{6}", value):
        return f"write {value[:4]}-{value[4:6]}-{value[6:]}"
    digits = len(value.split(".")[0].lstrip("+-"))
    scale = {10: (9, "seconds"), 13: (6, "milliseconds"), 16: (3, "microseconds"), 19: (0, "nanoseconds")}
    if digits not in scale or not re.fullmatch("[0-9.]+", value):
        return "write 2025-09-12T09:00+09:00; a number does not say its unit"
    power, unit = scale[digits]
    instant = int(value.split(".")[0]) * 10**power
    if instant >= 2**63:
        return "write 2025-09-12T09:00+09:00; a number does not say its unit"
    return f"write the instant out; as {unit} since 1970 it is {iso(instant)}"


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
