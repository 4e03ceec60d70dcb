"""How news houses write when: dates, clocks and zones in the words of their stamps."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

MAX_STAMP = 200
"""No stamp is longer, in characters."""

FIRST_YEAR, LAST_YEAR = 1900, 2199


def word_set(text: str) -> frozenset[str]:
    """Give the words of a text, for tables of words.

    Examples
    --------
    >>> sorted(word_set("fri sat"))
    ['fri', 'sat']
    """
    return frozenset(text.split())


def _numbered(text: str, start: int) -> dict[str, int]:
    """Give each word of a text the number of its line."""
    lines = enumerate(text.strip().splitlines(), start)
    return {word: number for number, line in lines for word in line.split()}


MONTHS: Final = _numbered(
    """
    january jan
    february feb
    march mar
    april apr
    may
    june jun
    july jul
    august aug
    september sept sep
    october oct
    november nov
    december dec
    """,
    start=1,
)
"""Months from 1 by their names."""

WEEKDAYS: Final = _numbered(
    """
    monday mon
    tuesday tues tue
    wednesday wed
    thursday thurs thur thu
    friday fri
    saturday sat
    sunday sun
    """,
    start=0,
)
"""Weekdays from 0, Monday, by their names."""

ZONES: Final = {
    "Z": (0,),
    "GMT": (0,),
    "UTC": (0,),
    # The clock of a place, and the offset that the letters say: houses write EST in summer and mean New York.
    "ET": ("America/New_York",),
    "EST": ("America/New_York", -300),
    "EDT": ("America/New_York", -240),
    "CT": ("America/Chicago",),
    "CDT": ("America/Chicago", -300),
    # China Standard Time or Central Standard Time: both readings stand.
    "CST": ("Asia/Shanghai", "America/Chicago", -360),
    "MT": ("America/Denver",),
    "MST": ("America/Denver", -420),
    "MDT": ("America/Denver", -360),
    "PT": ("America/Los_Angeles",),
    "PST": ("America/Los_Angeles", -480),
    "PDT": ("America/Los_Angeles", -420),
    # British Summer Time; Bangladesh writes BDT or BST for UTC+6, but no house of this field.
    "BST": ("Europe/London", 60),
    "WET": ("Europe/Lisbon",),
    "WEST": ("Europe/Lisbon",),
    "CET": ("Europe/Paris", 60),
    "CEST": ("Europe/Paris", 120),
    "EET": ("Europe/Athens", 120),
    "EEST": ("Europe/Athens", 180),
    "MSK": (180,),
    "SAST": (120,),
    "WAT": (60,),
    "EAT": (180,),
    "GST": (240,),
    # India; Irish and Israel Standard Time share the letters.
    "IST": (330,),
    "PKT": (300,),
    "NPT": (345,),
    "ICT": (420,),
    "WIB": (420,),
    "HKT": (480,),
    "SGT": (480,),
    "MYT": (480,),
    "PHT": (480,),
    "AWST": (480,),
    "JST": (540,),
    "KST": (540,),
    "ACST": (570,),
    # In summer Brisbane keeps AEST while Sydney does not.
    "AEST": ("Australia/Sydney", 600),
    "AEDT": ("Australia/Sydney", 660),
    "AET": ("Australia/Sydney",),
    "NZST": ("Pacific/Auckland", 720),
    "NZDT": ("Pacific/Auckland", 780),
}
"""Abbreviations with every clock they may stand for: a place, or minutes from UTC. The interval holds all of them."""

PLACES: Final = {
    "hong kong": "Asia/Hong_Kong",
    "tokyo": "Asia/Tokyo",
    "japan": "Asia/Tokyo",
    "seoul": "Asia/Seoul",
    "korea": "Asia/Seoul",
    "taipei": "Asia/Taipei",
    "taiwan": "Asia/Taipei",
    "beijing": "Asia/Shanghai",
    "shanghai": "Asia/Shanghai",
    "china": "Asia/Shanghai",
    "singapore": "Asia/Singapore",
    "sydney": "Australia/Sydney",
    "mumbai": "Asia/Kolkata",
    "india": "Asia/Kolkata",
    "jakarta": "Asia/Jakarta",
    "bangkok": "Asia/Bangkok",
    "manila": "Asia/Manila",
    "kuala lumpur": "Asia/Kuala_Lumpur",
    "london": "Europe/London",
    "new york": "America/New_York",
    "eastern": "America/New_York",
    "pacific": "America/Los_Angeles",
}
"""Places whose time a stamp may name: "11:10 Hong Kong time"."""


def _any_of(words: Iterable[str]) -> str:
    longest_first = sorted(words, key=len, reverse=True)
    return "(?:" + "|".join(word.replace(" ", r"\s") for word in longest_first) + ")"


_MONTH = _any_of(MONTHS) + r"\b\.?"
_WEEKDAY = _any_of(WEEKDAYS) + r"\b\.?"
_LETTERS = f"(?-i:{_any_of(zone for zone in ZONES if zone != 'Z')})" + r"\b"
_PLACE = _any_of(PLACES) + r"\s(?:standard\s|local\s)?time\b"
_OFFSET = r"(?:(?:GMT|UTC)\s?)?[+-][01]?\d(?::?[0-5]\d)?(?!\d)"
_ORDINAL = "(?:st|nd|rd|th)?"
_DAY = rf"(?:0?[1-9]|[12]\d|3[01]){_ORDINAL}(?!\d)"
_HALF = r"\s?[ap]\.?m\b\.?"
_CLOCK = rf"(?:[01]?\d|2[0-4])[:.][0-5]\d(?:[:.][0-5]\d(?:\.\d{{1,9}})?)?(?!\d)(?:{_HALF})?|(?:0?[1-9]|1[0-2]){_HALF}"
_ZONE = rf"\(?(?:{_OFFSET}|{_LETTERS}|(?-i:Z)\b|{_PLACE})\)?"
_FULL_DATE = rf"""
      (?P<iso>(?<!\d)\d{{4}}[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\d|3[01])(?!\d))
    | (?P<cjk>\d{{4}}年\d{{1,2}}月\d{{1,2}}日)
    | (?P<numeric>(?<![\d/.-])\d{{1,2}}(?P<mark>[/.-])\d{{1,2}}(?P=mark)(?:\d{{4}}|\d{{2}})(?![\d/-]))
    | (?P<named>\b{_MONTH}\s{{0,3}}{_DAY}\s{{0,3}},?\s{{0,3}}\d{{4}}(?!\d))
    | (?P<daynamed>(?<!\d){_DAY}[\s-]{{0,3}}(?:of\s)?{_MONTH}[\s,-]{{0,3}}\d{{4}}(?!\d))
"""
_TOKEN = re.compile(
    rf"""{_FULL_DATE}
    | T?(?P<clock>(?<![\d.]){_CLOCK}|(?<=T)[012]\d:[0-5]\d(?::[0-5]\d(?:\.\d{{1,9}})?)?)
        (?:\s?(?:hrs\b|h\b))?(?:\s{{0,2}}(?P<zone>{_ZONE}))?
    | (?P<short>(?<!\d)[012]\d[0-5]\d)\s?(?P<shortzone>{_LETTERS})
    | (?P<alone>\(?(?:\b{_LETTERS}|\b{_PLACE})\)?)
    | \b(?P<weekday>{_WEEKDAY})
    | \b(?P<updated>(?:last\s|was\s)?(?:updated?|modified|refreshed|revised)\b(?:\s(?:on|at)\b)?)
    | \b(?P<published>(?:first\s|originally\s)?(?:published|posted|issued|released|created)\b(?:\s(?:on|at)\b)?
        |publication\sdate|release\sdate|date(?=\s?:))
    | (?P<filler>\b(?:at|on|by(?=\s\d)|local\stime|time(?=\s?:)|\d{{1,3}}\s?-?min(?:ute)?s?\sread
        |\d{{1,3}}\s?(?:second|sec|minute|min|hour|hr|day|week)s?\sago)\b)
    | (?P<marks>[\s|·•,;:()\[\]/–—-]+)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_DATE = re.compile(_FULL_DATE, re.IGNORECASE | re.VERBOSE)
_SHORT_DATE = re.compile(
    rf"(?<!\d)(?P<first>{_DAY})\s?(?P<month>{_MONTH})|\b(?P<month2>{_MONTH})\s?(?P<second>{_DAY})",
    re.IGNORECASE,
)
_WHEN = re.compile(rf"\d[\d:.]{{0,7}}(?:{_HALF})?\s{{0,2}}(?P<zone>{_LETTERS}|{_PLACE})", re.IGNORECASE)
_WHEN_CLOCK = re.compile(rf"(?<![\d.:])(?:{_CLOCK}|[012]\d[0-5]\d)", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_WORDS = re.compile(r"[A-Za-z]+")


class Stamp(NamedTuple):
    """One stamp as it is written.

    Attributes
    ----------
    start, end : int
        Its place in the text.
    label : str
        ``published``, ``updated`` or "".
    readings : tuple of date
        The dates it may mean: none, one, or day first and month first in this order.
    order : str
        Where day and month are both numbers: which stands first, ``day``, ``month`` or ``either``; else "".
    weekday : int or None
        The weekday it names, Monday is 0.
    clock : time or None
        The clock time.
    zone : str
        The zone it names, "" for none.
    """

    start: int
    end: int
    label: str = ""
    readings: tuple[dt.date, ...] = ()
    order: str = ""
    weekday: int | None = None
    clock: dt.time | None = None
    zone: str = ""


def stamps_in(text: str, start: int = 0, end: int | None = None) -> tuple[list[Stamp], str]:
    """Take a line of stamps apart.

    Parameters
    ----------
    text : str
        The text.
    start, end : int
        The line, of at most `MAX_STAMP` characters; the whole text by default.

    Returns
    -------
    list of Stamp
        Those with a date or a clock.
    str
        What is left of the line's words.

    Examples
    --------
    >>> (stamp,), left = stamps_in("By Ann Lee | Updated Sep 12 ,2025 4:10 AM ET")
    >>> stamp.label, stamp.readings[0].isoformat(), stamp.clock.isoformat(), stamp.zone, left
    ('updated', '2025-09-12', '04:10:00', 'ET', 'By Ann Lee')
    """
    end = len(text) if end is None else end
    if end - start > MAX_STAMP:
        return [], text[start:end]
    found: list[Stamp] = []
    left: list[str] = []
    current, at = Stamp(start, start), start
    for token in _TOKEN.finditer(text, start, end):
        left.append(text[at : token.start()])
        at = token.end()
        if token["marks"] or token["filler"]:
            left.append(" ")
            continue
        current, done = _add(current, token)
        if done:
            found.append(done)
    left.append(text[at:end])
    found.append(current)
    return [stamp for stamp in found if stamp.readings or stamp.clock], " ".join("".join(left).split())


def _add(current: Stamp, token: re.Match[str]) -> tuple[Stamp, Stamp | None]:
    """Add a token to the stamp it belongs to; a second label, date or clock begins another."""
    part = _read(token)
    clash = any(
        getattr(part, name) and getattr(current, name) for name in ("label", "readings", "clock", "zone")
    ) or bool(part.label and (current.readings or current.clock))
    if clash:
        return part, current
    start = current.start if current.readings or current.clock or current.label else token.start()
    merged = Stamp(
        start,
        token.end(),
        part.label or current.label,
        part.readings or current.readings,
        part.order or current.order,
        current.weekday if part.weekday is None else part.weekday,
        part.clock or current.clock,
        part.zone or current.zone,
    )
    return merged, None


def _read(token: re.Match[str]) -> Stamp:
    empty = Stamp(token.start(), token.end())
    if token["updated"] or token["published"]:
        return empty._replace(label="updated" if token["updated"] else "published")
    if token["clock"] or token["short"]:
        zone = zone_name(token["zone"] or token["shortzone"] or "")
        return empty._replace(clock=read_clock(token["clock"] or token["short"]), zone=zone)
    if token["alone"]:
        return empty._replace(zone=zone_name(token["alone"]))
    if token["weekday"]:
        return empty._replace(weekday=WEEKDAYS[token["weekday"].rstrip(".").lower()])
    return empty._replace(readings=_readings(token), order=_order(token) if token["numeric"] else "")


def dates_in(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, tuple[dt.date, ...]]]:
    """Find dates with a year; give each one's place and readings.

    Examples
    --------
    >>> list(dates_in("due on Sept 16, 2025"))
    [(7, (datetime.date(2025, 9, 16),))]
    """
    for found in _DATE.finditer(text, start, len(text) if end is None else end):
        if readings := _readings(found):
            yield found.start(), readings


def short_dates_in(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Find days with a named month but no year; give month and day.

    Examples
    --------
    >>> list(short_dates_in("at its Sept. 16-17 meeting"))
    [(9, 16)]
    """
    for found in _SHORT_DATE.finditer(text, start, len(text) if end is None else end):
        day = _DIGITS.match(found["first"] or found["second"])
        month = (found["month"] or found["month2"]).rstrip(".").lower()
        if day:
            yield MONTHS[month], int(day[0])


def clocks_in(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, dt.time, str]]:
    """Find clock times with a zone; give each one's place, time and zone.

    Examples
    --------
    >>> list(clocks_in("As of 02:41 GMT, futures were flat"))
    [(6, datetime.time(2, 41), 'GMT')]
    """
    for found in _WHEN.finditer(text, start, len(text) if end is None else end):
        written = _WHEN_CLOCK.match(text, found.start(), found.start("zone"))
        if written and (clock := read_clock(written[0])):
            yield found.start(), clock, zone_name(found["zone"])


def zone_name(text: str) -> str:
    """Give a zone's letters, place or offset in one spelling.

    Examples
    --------
    >>> zone_name("(GMT+8)"), zone_name("Hong Kong time"), zone_name("+0530"), zone_name("ET")
    ('+08:00', 'Asia/Hong_Kong', '+05:30', 'ET')
    """
    text = text.strip("() ")
    if text in ZONES or not text:
        return text
    if text[-1].isdigit():
        sign = "-" if "-" in text else "+"
        digits = "".join(_DIGITS.findall(text))
        hours, minutes = (digits, "00") if len(digits) <= 2 else (digits[:-2], digits[-2:])
        return f"{sign}{int(hours):02}:{minutes}"
    words = " ".join(text.lower().split())
    return next(zone for place, zone in PLACES.items() if words.startswith(place))


def clocks_of(zone: str) -> tuple[dt.tzinfo, ...]:
    """Give every clock that a zone of `zone_name`, or an IANA name, may stand for.

    Examples
    --------
    >>> clocks_of("EST")
    (zoneinfo.ZoneInfo(key='America/New_York'), datetime.timezone(datetime.timedelta(days=-1, seconds=68400)))
    """
    if zone in ZONES:
        clocks: tuple[str | int, ...] = ZONES[zone]  # type: ignore[assignment]
        return tuple(
            ZoneInfo(clock) if isinstance(clock, str) else dt.timezone(dt.timedelta(minutes=clock))
            for clock in clocks
        )
    if zone[0] in "+-":
        minutes = int(zone[1:3]) * 60 + int(zone[4:6])
        return (dt.timezone(dt.timedelta(minutes=-minutes if zone[0] == "-" else minutes)),)
    return (ZoneInfo(zone),)


def read_clock(text: str) -> dt.time | None:
    """Read a clock time; None for one that does not exist.

    Examples
    --------
    >>> read_clock("4:10 p.m."), read_clock("0241"), read_clock("25:00")
    (datetime.time(16, 10), datetime.time(2, 41), None)
    """
    numbers = _DIGITS.findall(text)
    if len(numbers) == 1 and len(numbers[0]) == 4:
        numbers = [numbers[0][:2], numbers[0][2:]]
    hour, minute, second = ([int(number) for number in numbers] + [0, 0])[:3]
    fraction = int(numbers[3][:6].ljust(6, "0")) if len(numbers) > 3 else 0
    half = _WORDS.search(text)
    if half:
        hour = hour % 12 + 12 * (half[0][0] in "pP") if 1 <= hour <= 12 else 24
    try:
        return dt.time(hour, minute, second, fraction)
    except ValueError:
        return None


def _readings(found: re.Match[str]) -> tuple[dt.date, ...]:
    numbers = [int(number) for number in _DIGITS.findall(found[0])]
    if found["iso"] or found["cjk"]:
        orders = [(numbers[0], numbers[1], numbers[2])]
    elif found["numeric"]:
        year = numbers[2] if numbers[2] > 99 else 2000 + numbers[2]
        orders = [(year, numbers[1], numbers[0]), (year, numbers[0], numbers[1])]
    else:
        month = next(MONTHS[word] for word in _WORDS.findall(found[0].lower()) if word in MONTHS)
        orders = [(numbers[1], month, numbers[0])]
    dates = (_date(*order) for order in orders)
    return tuple(dict.fromkeys(date for date in dates if date is not None))


def _order(found: re.Match[str]) -> str:
    first, second = (int(number) for number in _DIGITS.findall(found[0])[:2])
    return "day" if first > 12 else "month" if second > 12 else "either"


def _date(year: int, month: int, day: int) -> dt.date | None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None
