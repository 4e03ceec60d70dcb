"""The days of a venue as a table: hours, breaks, cut-offs, closures, and who says so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from importlib.metadata import version
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from aftershock.data.calendars import shipped
from aftershock.data.calendars.sessions import Sessions, overlay, sessions
from aftershock.data.errors import InputError, Problem
from aftershock.data.instants import to_index

Day = str | date | None
"""A local date, or that it is left open."""

AHEAD = 30
"""How many days from the start a listing goes where no end is given."""

LOCAL = {"opens": "opens_at", "break_start": "break_start", "break_end": "break_end", "closes": "closes_at"}
"""Columns of local times that make the hours of a session, and where they come from."""

HOURS = dict(zip(LOCAL, ("open", "break_start", "break_end", "close"), strict=True))
"""The same columns, as the tables of hours call them."""

COLUMNS = (
    *("session", "weekday", *LOCAL, "opens_at", "closes_at", "open_cutoff", "close_cutoff"),
    *("status", "fact", "source", "confidence"),
)


def sessions_table(mic: str, start: Day = None, end: Day = None) -> pd.DataFrame:
    """List the sessions and the closed weekdays of a venue, with what is known of each day and its source.

    Parameters
    ----------
    mic : str
        The venue.
    start, end : str or date, optional
        First and last local date, both included. Today at the venue where there is no start; ``AHEAD`` days on, or
        the calendar's last session, where there is no end.

    Returns
    -------
    DataFrame
        One row for each session, each weekday (Monday to Friday) without one, and each other day that a dated fact
        is about, in order: ``session`` (datetime64[ns], the local date), ``weekday``, ``opens``, ``break_start``,
        ``break_end``, ``closes`` (local HH:MM, "" for none), ``opens_at``, ``closes_at`` (UTC; NaT on a closed day),
        ``open_cutoff``, ``close_cutoff`` (local HH:MM), ``status`` (``regular``, ``special``: its hours are not
        those that were regular on that date, ``closed``), ``fact`` (what is known of the day, "" where it is like
        any other), ``source``, ``confidence`` (that of the overlay or of the table of regular hours; ``library``
        where exchange_calendars says so).

    Raises
    ------
    InputError
        An unknown venue, what is no date, a start after the end, or dates that the calendar does not reach.

    Examples
    --------
    >>> days = sessions_table("XHKG", "2023-08-31", "2023-09-04")
    >>> days[["session", "opens", "break_start", "status", "fact"]]  # doctest: +NORMALIZE_WHITESPACE
         session  opens break_start   status                   fact
    0 2023-08-31  09:30       12:00  regular
    1 2023-09-01                      closed  closed: typhoon Saola
    2 2023-09-04  09:30       12:00  regular
    """
    days, place = sessions(mic), shipped.places()[mic]
    first, last = _period(place, days, start, end)
    facts = _facts(place)
    dates = pd.date_range(first, last, unit="ns")
    trades = np.isin(dates.to_numpy("M8[D]").astype(np.int64), days.session)
    listed = dates[trades | (dates.day_of_week < 5) | dates.isin(facts.index)]
    table = _hours(days, listed, place["zone"])
    told = _told(mic, table)
    told.update(facts.rename(columns={"what": "fact"}))
    table = table.join(told).rename_axis("session").reset_index()
    return table.assign(weekday=table["session"].dt.day_name())[list(COLUMNS)]


def _period(place: shipped.Row, days: Sessions, start: Day, end: Day) -> tuple[date, date]:
    from_day = date.fromisoformat(place["calendar_from"])
    to_day = date(1970, 1, 1) + timedelta(days=int(days.session[-1]))
    first = _date("start", start) if start else datetime.now(ZoneInfo(place["zone"])).date()
    last = _date("end", end) if end else max(first, min(first + timedelta(days=AHEAD), to_day))
    if first > last:
        raise InputError(
            Problem("a start that is not after the end", f"{first} to {last}", "exchange the two")
        )
    if first < from_day or last > to_day:
        reach = f"dates that the calendar of {place['mic']} reaches"
        raise InputError(Problem(reach, f"{first} to {last}", f"it runs {from_day} to {to_day}"))
    return first, last


def _date(name: str, day: str | date) -> date:
    try:
        return date.fromisoformat(str(day)) if isinstance(day, str) else date(day.year, day.month, day.day)
    except ValueError:
        raise InputError(Problem(f"a date as {name}", f"'{day}'", "write it as 2023-07-01")) from None


def _facts(place: shipped.Row) -> pd.DataFrame:
    """Give the dated facts of a venue by date: those of the venue whose days it keeps, then its own."""
    facts = overlay()
    both = [facts[facts["venue"] == mic] for mic in dict.fromkeys((place["calendar_of"], place["mic"]))]
    mine = pd.concat(both).drop_duplicates("session", keep="last")
    return mine.set_index("session")[["what", "source", "confidence"]]


def _hours(days: Sessions, listed: pd.DatetimeIndex, zone: str) -> pd.DataFrame:
    """Give the instants of each listed day, and its hours on the venue's clock."""
    dates = pd.DatetimeIndex(days.session.astype("M8[D]").astype("M8[ns]"))
    instants = {name: to_index(values) for name, values in days._asdict().items() if name != "session"}
    utc = pd.DataFrame(instants, index=dates).reindex(listed)
    local = {name: utc[column].dt.tz_convert(zone).dt.strftime("%H:%M") for name, column in LOCAL.items()}
    for name in ("open_cutoff", "close_cutoff"):
        local[name] = utc[name].dt.tz_convert(zone).dt.strftime("%H:%M")
    clock = pd.DataFrame(local, index=listed).astype("str").where(pd.DataFrame(local).notna(), "")
    return clock.join(utc[["opens_at", "closes_at"]])


def _told(mic: str, table: pd.DataFrame) -> pd.DataFrame:
    """Say of each day what the library and the regular hours say."""
    from aftershock.data.calendars.build import holiday_names, regular_hours

    dates = pd.DatetimeIndex(table.index)
    regular = regular_hours(mic, dates)
    usual = pd.DataFrame({name: regular[column].map(_clock) for name, column in HOURS.items()})
    closed = table["opens_at"].isna()
    special = ~closed & (table[list(LOCAL)] != usual).any(axis=1)
    dated = ~closed & ~special & (regular["source"] != "")
    names = holiday_names(mic, dates)
    status = np.select([closed, special], ["closed", "special"], "regular")
    hours = zip(table[list(LOCAL)].to_dict("records"), usual.to_dict("records"), strict=True)
    words = [_difference(day, usually) for day, usually in hours]
    facts = np.select([closed, special], [[_closed(names.get(day)) for day in dates], words], "")
    library = f"exchange_calendars {version('exchange_calendars')}"
    return pd.DataFrame(
        {
            "status": status,
            "fact": facts,
            "source": regular["source"].where(dated, library),
            "confidence": regular["confidence"].where(dated, "library"),
        }
    )


def _closed(name: str | None) -> str:
    return f"closed: {name}" if name else "closed"


def _difference(hours: Mapping[Any, str], usual: Mapping[Any, str]) -> str:
    """Say how the hours of a day differ from the usual ones."""
    told = []
    for name, word in (("opens", "open"), ("closes", "close")):
        if hours[name] != usual[name]:
            told.append(f"{'late' if hours[name] > usual[name] else 'early'} {word} (regular {usual[name]})")
    return ", ".join(told) or "another break"


def _clock(minutes: float) -> str:
    return "" if np.isnan(minutes) else f"{int(minutes) // 60:02d}:{int(minutes) % 60:02d}"
