"""When the public can have known a news text: its stamps, and what the text itself says of its time."""

from __future__ import annotations

import datetime as dt
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from aftershock.data.calendars import sessions
from aftershock.data.errors import InputError, Problem
from aftershock.data.events.stamps import (
    FIRST_YEAR,
    LAST_YEAR,
    NEEDS_ZONE,
    NEVER,
    YEARS,
    broken_reason,
    trouble_reason,
    zone_reason,
)
from aftershock.data.instants import DAY, iso
from aftershock.data.news.dates import (
    MAX_STAMP,
    MONTHS,
    WEEKDAYS,
    Stamp,
    clocks_in,
    clocks_of,
    dates_in,
    short_dates_in,
    stamps_in,
)
from aftershock.data.news.layout import is_stamp_line
from aftershock.data.news.types import Document, Known, Layout, Sentence, Span

EAST, WEST = 14, 12
"""Clocks of the world stand between UTC+14 and UTC-12, hours."""

LEAD = 4
"""How many sentences, from the first, are the lead: their weekday is the day the text speaks of as today."""

NEAR_DAYS, FAR_DAYS = 16, 45
"""A date named in a text is near its publication if within so many days, and speaks against one further off."""

OVERWRITTEN = 6
"""A clock the text quotes up to so many hours after its stamp was written in later; further on, the day before's."""

SURE = 2
"""By how many points one order of day and month must lead for it to be taken."""

AMERICA, REGION = "XNYS", "ASIA"
"""The venue whose close is the day before's unless it is dated, and the markets of Asia as a whole."""

_HOUR = 3_600_000_000_000
_EPOCH = dt.date(1970, 1, 1)
_UTC_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_ISO_DATE = r"\d{4}-\d{2}-\d{2}"
_ISO = re.compile(
    rf"(?P<date>{_ISO_DATE})(?:[T ](?P<clock>\d{{2}}:\d{{2}}(?::\d{{2}})?)(?:\.(?P<part>\d{{1,9}}))?"
    r"\s?(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)?)?"
)
_PERIOD = re.compile(rf"({_ISO_DATE}[^/]{{0,40}})/({_ISO_DATE}[^/]{{0,40}})")
_AS_OF = re.compile(r"\bas\s(?:of|at)\s.{0,12}$", re.IGNORECASE)
_QUOTED_AT = re.compile(
    r"(?:\d%|\d\spercent|\bunchanged|\bflat|\btraded|\bstood|\bsteady)[^.;]{0,40}\b(?:at|by)\s$",
    re.IGNORECASE,
)
_AHEAD = re.compile(r"\b(?:due|schedul|expect|will|set\sto|ahead|speak|release|until|before)", re.IGNORECASE)
_UPDATES = re.compile(r"\bupdate[sd]?\b[^()]{0,40}\b(?:at|to)\s.{0,3}$", re.IGNORECASE)

_WEEKDAY = re.compile(
    r"\b(" + "|".join(name for name in WEEKDAYS if name.endswith("day")) + r")\b", re.IGNORECASE
)
_MONTH = re.compile(
    r"\b(?:in|for|of|since|through)\s(" + "|".join(name.title() for name in MONTHS if len(name) > 3) + r")\b"
)
_ELSEWHEN = re.compile(
    r"\b(?:overnight|yesterday|previous|prior|earlier\sthis|last\s(?:week|night|month|year|session|\w+day)|day\sbefore)\b",
    re.IGNORECASE,
)

_VENUES: Final = {
    "XTKS": r"Nikkei(?!\sAsia)(?:\s?225)?|Topix|Tokyo|Japan(?:'s|’s|ese)?",
    "XKRX": r"Kospi|Kosdaq|Seoul|(?:South\s)?Korea(?:'s|’s|n)?",
    "XHKG": r"Hang\sSeng|Hong\sKong|HSI",
    "XSHG": r"Shanghai|Shenzhen|CSI\s?300|mainland|China(?:'s|’s)|Chinese",
    "XTAI": r"Taiex|Taiwan|Taipei",
    "XASX": r"S&P/ASX|ASX(?:\s?200)?|Sydney|Australia(?:'s|’s|n)?",
    "XSES": r"Straits\sTimes|STI|Singapore",
    "XBOM": r"Sensex|Nifty(?:\s?50)?|Mumbai|India(?:'s|’s|n)?",
    "XIDX": r"Jakarta|IDX|Indonesia(?:'s|’s|n)?",
    "XBKK": r"SET\sindex|Bangkok|Thai(?:land)?",
    "XKLS": r"KLCI|Bursa\sMalaysia|Kuala\sLumpur|Malaysia(?:'s|’s|n)?",
    "XPHS": r"PSEi|Manila|Philippine",
    AMERICA: r"Wall\s(?:Street|St)|S&P\s500|Dow(?:\sJones)?|Nasdaq"
    r"|U\.?S\.?\s(?:stock|equit|share|indexes|indices|benchmark)\w*",
}
"""Words that name the stock market of a venue."""

_ASIA = r"Asia(?:-Pacific|[\s-]Pac)?n?|regional|MSCI\sAsia"
_MARKETS = re.compile(
    "|".join(f"(?P<{mic}>\\b(?:{words})(?!\\w))" for mic, words in _VENUES.items())
    + rf"|(?P<{REGION}>\b(?:{_ASIA})\b)",
    re.IGNORECASE,
)
_CLOSED = re.compile(
    r"""\b(?:end(?:ed|s)?|clos(?:ed|es?|ing)|finish(?:ed|es)?|settl(?:ed|es?))
    (?:\s(?!at\b|on\b)[\w.%,’']{1,15}){0,4}?
    \s(?:higher|lower|up|down|flat|mixed|unchanged|steady|firmer|weaker|stronger|at|with\s(?:gains?|losses|a\s(?:gain|loss))
    |(?:mostly|little|slightly|broadly|sharply|modestly)\s\w+|in\sthe\s(?:red|black|green)|on\s(?:a\s)?(?:record|high|low|firm|weak)
    |[+-]?\d[\d.,]{0,9}(?:\s?%|\spercent|\spoints?))\b""",
    re.IGNORECASE | re.VERBOSE,
)
_LEVEL = re.compile(r"[^:]{2,40}:\s.{0,60}\d")
_REACH = 120


class _Close(NamedTuple):
    at: int
    mic: str
    day: dt.date
    is_sure: bool


class _Period(NamedTuple):
    start: int
    end: int
    why: tuple[str, ...]
    day: dt.date


class _Evidence(NamedTuple):
    order: str
    points: int
    why: str


def known(document: Document, layout: Layout) -> Known:
    r"""Bound when the public can have known a document.

    The stamp that came with it (``published``: ISO 8601, any stamp `stamps_in` reads, or ``from/to``) goes before
    those in the text. A clock with a zone is one instant, a date its whole local day. Without a zone the clocks of
    the world (UTC-12 to UTC+14) bound it; a date of numbers with the day first leaves out the Americas, whose
    English-language houses write the month first. A text that was updated is known by its update, since bodies are
    overwritten after publication. The text itself raises the lower bound: "as of 02:41 GMT", and the closes it
    tells; where these lie after the stamp, the upper bound too.

    Parameters
    ----------
    document : Document
        The text and its stamp.
    layout : Layout
        Of `layout`.

    Returns
    -------
    Known
        UTC nanoseconds, both included, and the reasons.

    Raises
    ------
    InputError
        No stamp; one that is no time; a date whose day and month the text does not settle; a given clock without
        a zone.

    Examples
    --------
    >>> from aftershock.data.news.layout import layout
    >>> news = Document("a.txt", None, "Sep 12, 2025 4:10 AM ET\nFed cuts rates.")
    >>> iso(known(news, layout(news)).known_by)
    '2025-09-12T08:10:00Z'
    """
    try:
        period = _first_period(document, layout)
    except InputError as error:
        raise _placed(error, document) from None
    if period.start == period.end and document.is_headline:
        return Known(period.start, period.end, period.why)
    period = _after_as_of(period, document, layout)
    period = _after_closes(period, document, layout)
    return Known(period.start, period.end, period.why)


def _first_period(document: Document, layout: Layout) -> _Period:
    if not document.published:
        return _stamped(document, layout)
    return _given_iso(document.published, document.zone) or _given(document, layout)


# Stamps given


@lru_cache(maxsize=4096)
def _given_iso(published: str, zone: str) -> _Period | None:
    """Read an ISO stamp, or two of them; None for what must be settled by the text."""
    pair = _PERIOD.fullmatch(published)
    texts = pair.groups() if pair else (published,)
    periods = []
    for text in texts:
        stamp = _iso_stamp(text.strip())
        if stamp is None:
            return None
        periods.append(_period(stamp[0], zone, "it came with", part=stamp[1]))
    first, last = periods[0], periods[-1]
    if first.start > last.end:
        raise InputError(
            Problem("a period that does not end before it begins", f"'{published}'", "swap the two")
        )
    return _Period(first.start, last.end, tuple(dict.fromkeys(first.why + last.why)), last.day)


def _iso_stamp(text: str) -> tuple[Stamp, int] | None:
    found = _ISO.fullmatch(text)
    if not found:
        return None
    try:
        day = dt.date.fromisoformat(found["date"])
        clock = dt.time.fromisoformat(found["clock"]) if found["clock"] else None
    except ValueError:
        return None
    zone = found["zone"] or ""
    if len(zone) > 1:
        zone = f"{zone[:3]}:{zone[3:].lstrip(':') or '00'}"
    part = int((found["part"] or "0").ljust(9, "0"))
    return Stamp(0, len(text), "", (day,), "", None, clock, zone), part


def _given(document: Document, layout: Layout) -> _Period:
    stamps, left = stamps_in(document.published)
    if left or len(stamps) != 1 or not stamps[0].readings:
        expected, cure = broken_reason(document.published[:MAX_STAMP])
        raise _fault(document, expected, f"'{document.published[:80]}'", cure)
    (stamp,), why = _settled(stamps, document, layout)
    period = _period(stamp, document.zone, "it came with")
    return period._replace(why=why + period.why)


# Stamps in the text


def _stamped(document: Document, layout: Layout) -> _Period:
    stamps = _own_stamps(document.text, layout)
    if not stamps:
        raise _fault(document, "a text that says when it was published", "no stamp with a date", _question())
    stamps, why = _settled(stamps, document, layout)
    periods = [
        _period(stamp, document.zone, f"the text is stamped '{_quote(document, stamp)}':", False)
        for stamp in stamps
    ]
    first = min(periods, key=lambda period: period.start)
    last = max(periods, key=lambda period: period.end)
    why += tuple(dict.fromkeys(reason for period in periods for reason in period.why))
    if len(periods) > 1:
        why += ("its body may have been overwritten after publication: known by the last of its stamps",)
    return _Period(first.start, last.end, why, last.day)


def _own_stamps(text: str, layout: Layout) -> list[Stamp]:
    """Take the stamps above the news, else those below it, else the date in its title or dateline."""
    body = next((sentence.span.start for sentence in layout.sentences if sentence.role == "body"), len(text))
    lines = [span for span in layout.boilerplate if _may_tell(text, span)]
    above = _joined(text, [span for span in lines if span.start < body])
    below = _joined(text, [span for span in lines if span.start >= body])
    labelled = [stamp for stamp in below if stamp.label]
    return above or labelled or below[:1] or _title_stamps(text, layout)


def _may_tell(text: str, span: Span) -> bool:
    """Whether boilerplate is a line of stamps or a dateline."""
    if span.end - span.start > MAX_STAMP or "\n" in text[span.start : span.end]:
        return False
    return text[span.end - 1] in "-–—" or is_stamp_line(text, *span)


def _joined(text: str, lines: list[Span]) -> list[Stamp]:
    """Read the stamps of lines: a clock without a date belongs to the date before it, or else to the next."""
    found: list[Stamp] = []
    for span in lines:
        found += stamps_in(text, span.start, span.end)[0]
    dates = [stamp for stamp in found if stamp.readings]
    if not dates:
        return []
    full: list[Stamp] = []
    for stamp in found:
        if stamp.readings:
            full.append(stamp)
        elif full and not full[-1].clock and not stamp.label:
            full[-1] = full[-1]._replace(end=stamp.end, clock=stamp.clock, zone=stamp.zone)
        else:
            nearest = full[-1] if full else dates[0]
            full.append(stamp._replace(readings=nearest.readings, order=nearest.order))
    timed = {stamp.readings for stamp in full if stamp.clock}
    return [stamp for stamp in full if stamp.clock or stamp.readings not in timed]


def _title_stamps(text: str, layout: Layout) -> list[Stamp]:
    for sentence in layout.sentences[:LEAD]:
        if sentence.role in ("title", "heading") and sentence.span.end - sentence.span.start <= MAX_STAMP:
            found = [stamp for stamp in stamps_in(text, *sentence.span)[0] if stamp.readings]
            if found:
                return found[:1]
    return []


def _quote(document: Document, stamp: Stamp) -> str:
    return " ".join(document.text[stamp.start : stamp.end].split())


# The order of day and month


def _settled(
    stamps: Sequence[Stamp], document: Document, layout: Layout
) -> tuple[list[Stamp], tuple[str, ...]]:
    """Settle which number is the month, for all stamps of a house alike."""
    open_ones = [stamp for stamp in stamps if len(stamp.readings) > 1]
    if not open_ones:
        return list(stamps), ()
    evidence = list(_evidence(open_ones[0], stamps, document, layout))
    day_first = sum(piece.points for piece in evidence if piece.order == "day")
    month_first = sum(piece.points for piece in evidence if piece.order == "month")
    if abs(day_first - month_first) < SURE:
        raise _unsettled(open_ones[0], evidence, document)
    order = "day" if day_first > month_first else "month"
    why = f"its numbers are {order} first: " + "; ".join(p.why for p in evidence if p.order == order)
    return [_in_order(stamp, order) for stamp in stamps], (why,)


def _in_order(stamp: Stamp, order: str) -> Stamp:
    if len(stamp.readings) < 2:
        return stamp
    return stamp._replace(readings=stamp.readings[:1] if order == "day" else stamp.readings[1:], order=order)


def _evidence(
    stamp: Stamp, stamps: Sequence[Stamp], document: Document, layout: Layout
) -> Iterator[_Evidence]:
    """Collect what speaks for the day (or the month) standing first."""
    day_first, month_first = stamp.readings
    readings = {"day": day_first, "month": month_first}
    for other in stamps:
        if other.order in readings:
            yield _Evidence(other.order, 3, f"so it is in another stamp, of {other.readings[0]:%d %B %Y}")
        if other.weekday is not None:
            yield from _by_weekday(readings, other.weekday, 3, "the stamp says")
    lead = [sentence for sentence in layout.sentences if sentence.role in ("body", "title")][:LEAD]
    for sentence in lead:
        named = _WEEKDAY.search(document.text, *sentence.span)
        if named:
            yield from _by_weekday(readings, WEEKDAYS[named[1].lower()], 2, "its lead says")
            break
    yield from _by_dates(readings, document.text, layout.sentences)
    yield from _by_months(readings, document.text, layout.sentences)


def _by_weekday(readings: dict[str, dt.date], weekday: int, points: int, who: str) -> Iterator[_Evidence]:
    fits = [order for order, date in readings.items() if date.weekday() == weekday]
    if len(fits) == 1:
        date = readings[fits[0]]
        yield _Evidence(fits[0], points, f"{date:%d %B %Y} is the {date:%A} that {who}")


def _by_dates(readings: dict[str, dt.date], text: str, sentences: Iterable[Sentence]) -> Iterator[_Evidence]:
    """Dates a text names lie near its publication; each date speaks once, dates with a year louder."""
    full: set[dt.date] = set()
    short: set[tuple[int, int]] = set()
    for sentence in sentences:
        full.update(dates[0] for _, dates in dates_in(text, *sentence.span) if len(dates) == 1)
        short.update(short_dates_in(text, *sentence.span))
    for date in sorted(full)[:8]:
        yield from _nearer(
            readings,
            {order: abs((date - own).days) for order, own in readings.items()},
            2,
            f"{date:%d %B %Y}",
        )
    for month, day in sorted(short)[:8]:
        gaps = {order: _gap(own, month, day) for order, own in readings.items()}
        yield from _nearer(readings, gaps, 2, f"{dt.date(2000, month, 1):%B} {day}")


def _nearer(
    readings: dict[str, dt.date], gaps: dict[str, int], points: int, named: str
) -> Iterator[_Evidence]:
    near = min(gaps, key=lambda order: gaps[order])
    far = "month" if near == "day" else "day"
    if gaps[near] <= NEAR_DAYS and gaps[far] >= FAR_DAYS:
        yield _Evidence(near, points, f"{named} that it names is near {readings[near]:%d %B %Y}")


def _gap(date: dt.date, month: int, day: int) -> int:
    """Count the days between a date and the nearest such day of any year."""
    gaps = []
    for year in (date.year - 1, date.year, date.year + 1):
        try:
            gaps.append(abs((dt.date(year, month, day) - date).days))
        except ValueError:
            continue
    return min(gaps, default=FAR_DAYS - 1)


def _by_months(readings: dict[str, dt.date], text: str, sentences: Iterable[Sentence]) -> Iterator[_Evidence]:
    """Compare the months that a text's data are for: they are its own or one of the two before."""
    named: dict[int, str] = {}
    for sentence in sentences:
        for found in _MONTH.finditer(text, *sentence.span):
            named[MONTHS[found[1].lower()]] = found[1]
    for month, name in sorted(named.items()):
        fits = [order for order, date in readings.items() if (date.month - month) % 12 <= 2]
        if len(fits) == 1:
            yield _Evidence(fits[0], 1, f"{name} that it speaks of is recent in {readings[fits[0]]:%B}")


def _unsettled(stamp: Stamp, evidence: list[_Evidence], document: Document) -> InputError:
    first, second = stamp.readings
    said = "; ".join(piece.why for piece in evidence) or "nothing in the text"
    got = f"{first:%d %B %Y} or {second:%d %B %Y}, which the text does not settle ({said})"
    return _fault(document, "a date whose day and month are known", got, f"which is it? {_question(first)}")


# Clocks and days


def _period(stamp: Stamp, zone: str, who: str, is_given: bool = True, part: int = 0) -> _Period:
    day = stamp.readings[0]
    if not FIRST_YEAR < day.year < LAST_YEAR:
        raise InputError(Problem(YEARS[0], f"'{day}'", YEARS[1]))
    if zone and (reason := zone_reason(zone)):
        raise InputError(Problem(reason[0], f"'{zone}'", reason[1], column="zone"))
    zone = stamp.zone or zone
    if stamp.clock is None:
        return _whole_day(day, zone, who)
    if zone:
        return _clocked(day, stamp.clock, zone, who, part)
    if is_given:
        got = f"'{day} {stamp.clock:%H:%M}'"
        raise InputError(Problem("an instant with a zone", got, f"say --zone, or {NEEDS_ZONE}"))
    return _anywhere(day, stamp.clock, stamp.order == "day", who)


def _whole_day(day: dt.date, zone: str, who: str) -> _Period:
    after = day + dt.timedelta(days=1)
    if not zone:
        why = (f"{who} {day}, a date alone without a zone: that day anywhere from UTC+{EAST} to UTC-{WEST}",)
        return _Period(_wall(day) - EAST * _HOUR, _wall(after) + WEST * _HOUR - 1, why, day)
    clocks = clocks_of(zone)
    midnight = dt.time()
    start = min(_instant(day, midnight, clock) for clock in clocks)
    end = max(_instant(after, midnight, clock) for clock in clocks) - 1
    return _Period(start, end, (f"{who} {day}, a date alone: the whole day in {zone}",), day)


def _clocked(day: dt.date, clock: dt.time, zone: str, who: str, part: int) -> _Period:
    found: set[int] = set()
    for place in clocks_of(zone):
        twice = {_instant(day, clock, place, fold) for fold in (0, 1)}
        shown = {instant for instant in twice if _shows(instant, day, clock, place)}
        found |= shown
    if not found:
        expected, cure = trouble_reason(NEVER, "", zone, False)
        raise InputError(Problem(expected, f"'{day} {clock:%H:%M}'", cure))
    why = f"{who} {day} {clock:%H:%M} {zone}"
    if len(found) > 1:
        why += (
            ", which clocks there showed twice or which stands for several clocks: from the first to the last"
        )
    return _Period(min(found) + part, max(found) + part, (why,), day)


def _anywhere(day: dt.date, clock: dt.time, is_day_first: bool, who: str) -> _Period:
    wall = _instant(day, clock, dt.UTC)
    said = f"{who} {day} {clock:%H:%M} without a zone"
    if is_day_first:
        why = f"{said}: a house that writes the day first is not American, its clock is UTC's or east of it"
        return _Period(wall - EAST * _HOUR, wall, (why,), day)
    why = f"{said}: on some clock of the world, from UTC+{EAST} to UTC-{WEST}"
    return _Period(wall - EAST * _HOUR, wall + WEST * _HOUR, (why,), day)


def _wall(day: dt.date) -> int:
    return (day - _EPOCH).days * DAY


def _instant(day: dt.date, clock: dt.time, place: dt.tzinfo, fold: int = 0) -> int:
    local = dt.datetime.combine(day, clock.replace(fold=fold), place)
    return (local - _UTC_EPOCH) // dt.timedelta(microseconds=1) * 1000


def _shows(instant: int, day: dt.date, clock: dt.time, place: dt.tzinfo) -> bool:
    local = (_UTC_EPOCH + dt.timedelta(microseconds=instant // 1000)).astimezone(place)
    return local.replace(tzinfo=None, fold=0) == dt.datetime.combine(day, clock)


# What the text itself says of its time


def _after_as_of(period: _Period, document: Document, layout: Layout) -> _Period:
    """Raise the lower bound to the clocks the text quotes prices or updates at."""
    if document.is_headline or not layout.sentences:
        return period
    text = document.text
    end = layout.sentences[-1].span.end
    for at, clock, zone in clocks_in(text, 0, end):
        before = text[max(0, at - 60) : at]
        if _UPDATES.search(before):
            period = _raised(period, _on_day(period, clock, zone), f"it was updated at {clock:%H:%M} {zone}")
        elif _AS_OF.search(before) or (_QUOTED_AT.search(before) and not _AHEAD.search(before)):
            instant = _on_day(period, clock, zone)
            if instant > period.end + OVERWRITTEN * _HOUR:
                instant -= DAY
            period = _raised(period, instant, f"it tells prices as of {clock:%H:%M} {zone}")
    return period


def _on_day(period: _Period, clock: dt.time, zone: str) -> int:
    return min(_instant(period.day, clock, place) for place in clocks_of(zone))


def _raised(period: _Period, instant: int, why: str) -> _Period:
    """Raise both bounds to an instant that the text as it stands cannot be older than."""
    if instant <= period.start:
        return period
    if instant > period.end:
        why += ", after its stamp (its body was overwritten)"
    end = max(period.end, instant)
    return period._replace(start=instant, end=end, why=(*period.why, f"{why}: known no earlier"))


def _after_closes(period: _Period, document: Document, layout: Layout) -> _Period:
    """Raise the lower bound to the last close that the text tells."""
    told = set(_closes_told(period.day, document.text, layout))
    if not told:
        return period
    table = _table_venues(document.text, layout)
    named = table or _named_venues(document.text, layout)
    closes = [close for mic, day, is_named in told for close in _closes(mic, day, is_named, named)]
    if any(mic != AMERICA and day == period.day for mic, day, _ in told):
        closes += [_Close(_close(mic, period.day), mic, period.day, False) for mic in table]
    known = [close for close in closes if close.at and (close.at <= period.end or close.is_sure)]
    if not known:
        return period
    last = max(known)
    return _raised(period, last.at, f"it tells the close of {last.mic} of {last.day}, at {iso(last.at)}")


def _closes_told(day: dt.date, text: str, layout: Layout) -> Iterator[tuple[str, dt.date, bool]]:
    """Give market (a venue or `REGION`), date and whether the date is named, for each close in words."""
    for span, _ in layout.sentences:
        for closed in _CLOSED.finditer(text, *span):
            near = Span(max(span.start, closed.start() - _REACH), min(span.end, closed.end() + _REACH))
            mic = _market_before(text, near.start, closed.start())
            date = _close_date(day, text, near, closed.end())
            if mic and date and (mic != AMERICA or date[1]):
                yield mic, *date


def _closes(mic: str, day: dt.date, is_named: bool, region: list[str]) -> list[_Close]:
    """Give the closes of a market; of a region that closed, one venue at least had: the first to close."""
    if mic != REGION:
        return [_Close(_close(mic, day), mic, day, is_named)]
    closes = [_Close(_close(venue, day), venue, day, False) for venue in region]
    first = min((close.at for close in closes if close.at), default=0)
    return [close._replace(is_sure=is_named and close.at == first) for close in closes]


def _market_before(text: str, start: int, end: int) -> str:
    """Name the market a verb's subject is; "" for none, or for its futures."""
    last = next(iter(deque(_MARKETS.finditer(text, start, end), maxlen=1)), None)
    if last is None or "future" in text[last.end() : end].lower():
        return ""
    return last.lastgroup or ""


def _close_date(day: dt.date, text: str, span: Span, after: int) -> tuple[dt.date, bool] | None:
    """Date a close: by the weekday named after it or else before it, else today unless the sentence looks back."""
    named = _WEEKDAY.search(text, after, span.end) or _WEEKDAY.search(text, span.start, after)
    if named:
        back = (day.weekday() - WEEKDAYS[named[1].lower()]) % 7
        return day - dt.timedelta(days=back), True
    return None if _ELSEWHEN.search(text, *span) else (day, False)


def _named_venues(text: str, layout: Layout) -> list[str]:
    """Give every venue of Asia that the text names."""
    named = {
        found.lastgroup or "" for span, _ in layout.sentences for found in _MARKETS.finditer(text, *span)
    }
    return sorted(named - {REGION, AMERICA, ""})


def _table_venues(text: str, layout: Layout) -> list[str]:
    """Give the venues of Asia of a table of levels."""
    found: set[str] = set()
    for span, role in layout.sentences:
        if role == "item" and _LEVEL.match(text, *span):
            market = _MARKETS.match(text, *span)
            if market and market.lastgroup:
                found.add(market.lastgroup)
    return sorted(found - {REGION, AMERICA})


def _close(mic: str, day: dt.date) -> int:
    """Give the close of a venue on a date; 0 where it had none."""
    days = sessions(mic)
    number = (day - _EPOCH).days
    place = int(days.session.searchsorted(number))
    if place == len(days.session) or days.session[place] != number:
        return 0
    return int(days.closes_at[place])


def _question(day: dt.date | None = None) -> str:
    example = f"{day or dt.date(2025, 9, 12)}"
    return f'say --published "{example}T04:10Z", or --published "{example} 04:10" --zone Europe/London'


def _placed(error: InputError, document: Document) -> InputError:
    return InputError([replace(problem, file=document.file, line=document.row) for problem in error.problems])


def _fault(document: Document, expected: str, got: str, cure: str) -> InputError:
    return InputError(Problem(expected, got, cure, document.file, document.row))
