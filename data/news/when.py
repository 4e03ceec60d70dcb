"""Which day a sentence speaks of: "Thursday", "next week", "the previous session", "Sept. 16-17"."""

from __future__ import annotations

import datetime as dt
import re

DAY = dt.timedelta(days=1)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_TOLD = re.compile(
    rf"""\b(?:
      (?P<week>next|last|this|coming|past)\ week
    | (?P<before>previous\ session|prior\ session|yesterday|overnight)
    | (?P<tomorrow>tomorrow)
    | (?P<next>next\ )?(?P<weekday>{"|".join(WEEKDAYS)})
    | (?P<month>jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?\ (?P<first>\d{{1,2}})
      (?:\s?[-–]\s?(?P<last>\d{{1,2}}))?(?!\d|,?\ \d{{2}}:)
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
_AHEAD = re.compile(
    r"\b(?:ahead of|due|likely to|expected|will|to (?:show|release|report|meet)|upcoming|later)\b",
    re.IGNORECASE,
)


def refers_to(text: str, day: dt.date, start: int = 0) -> tuple[dt.date, dt.date]:
    """Resolve the day that a sentence names against the day it was published.

    Parameters
    ----------
    text : str
        The sentence.
    day : date
        Its day.
    start : int
        Where the words begin whose day is wanted: the first day named from there on counts, else the first of all.

    Returns
    -------
    start, end : date
        The day or days it speaks of, both included; its own day where it names none. A month alone
        ("in August") is what a figure measures, not a day.

    Examples
    --------
    >>> friday = dt.date(2025, 9, 12)
    >>> [str(end) for end in refers_to("Data on Thursday showed that prices rose in August", friday)]
    ['2025-09-11', '2025-09-11']
    >>> [str(end) for end in refers_to("the Fed will cut at its Sept. 16-17 meeting", friday)]
    ['2025-09-16', '2025-09-17']
    """
    found = _TOLD.search(text, start) or _TOLD.search(text)
    if found is None:
        return day, day
    if found["week"]:
        return _week(day, found["week"].lower())
    if found["before"]:
        return (_weekday_before(day),) * 2
    if found["tomorrow"]:
        return day + DAY, day + DAY
    if found["weekday"]:
        ahead = bool(found["next"] or _AHEAD.search(text))
        return (_nearest(day, WEEKDAYS.index(found["weekday"].lower()), ahead),) * 2
    return _dated(day, found)


def _week(day: dt.date, which: str) -> tuple[dt.date, dt.date]:
    shift = {"next": 7, "coming": 7, "last": -7, "past": -7}.get(which, 0)
    monday = day - day.weekday() * DAY + shift * DAY
    return monday, monday + 6 * DAY


def _weekday_before(day: dt.date) -> dt.date:
    before = day - DAY
    while before.weekday() > 4:
        before -= DAY
    return before


def _nearest(day: dt.date, weekday: int, ahead: bool) -> dt.date:
    """Give the last such weekday, today's included, or the next one where the sentence looks ahead."""
    if ahead and weekday != day.weekday():
        return day + ((weekday - day.weekday()) % 7) * DAY
    return day - ((day.weekday() - weekday) % 7) * DAY


def _dated(day: dt.date, found: re.Match[str]) -> tuple[dt.date, dt.date]:
    month = MONTHS.index(found["month"].lower()[:3]) + 1
    numbers = int(found["first"]), int(found["last"] or found["first"])
    try:
        years = [
            tuple(dt.date(year, month, number) for number in numbers)
            for year in range(day.year - 1, day.year + 2)
        ]
    except ValueError:
        return day, day
    start, end = min(years, key=lambda ends: abs((ends[0] - day).days))
    return (start, end) if start <= end else (start, start)
