"""Macro prints: what was measured, for when, and the numbers told: actual, expected, previous.

A print is an indicator's name and, behind it, nothing but the words that such sentences are made of, up to a number of
the right kind. What a text does not tell is NaN: "above expectations" names no expectation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aftershock.data.news.mentions import plainly
from aftershock.data.news.types import Macro, Sentence, Span

NAN = float("nan")
NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+| \. \d+)?"
PERCENT = r"(?:%|percent\b|per cent\b|pct\b|pc\b)"


def alternation(words: Iterable[str]) -> str:
    """Write a pattern for any of some words that reads each letter once, the longest word first.

    Examples
    --------
    >>> alternation(["GDP", "GDPs", "CPI"])
    '(?:CPI|G(?:D(?:P(?:s)?)))'
    """
    heads: dict[str, list[str]] = {}
    for word in sorted(set(words)):
        heads.setdefault(word[:1], []).append(word[1:])
    optional = heads.pop("", None) is not None
    parts = []
    for head, tails in heads.items():
        parts.append(re.escape(head) + (re.escape(tails[0]) if len(tails) == 1 else alternation(tails)))
    return f"(?:{'|'.join(parts)})" + ("?" if optional else "") if parts else ""


class Indicator(NamedTuple):
    """A name for a series, the kind of its numbers (``rate``, ``count``, ``index``), and its country if it has one."""

    name: str
    kind: str
    country: str = ""


_SERIES = {
    Indicator(
        "CPI", "rate"
    ): "consumer price index|consumer prices?|consumer inflation|headline inflation|CPI|inflation",
    Indicator("core CPI", "rate"): "core consumer price index|core consumer prices|core CPI|core inflation",
    Indicator(
        "PPI", "rate"
    ): "producer price index|producer prices?|factory-gate prices|factory gate prices|PPI",
    Indicator("WPI", "rate"): "wholesale price index|wholesale prices|wholesale inflation|WPI",
    Indicator("PCE", "rate", "US"): "PCE price index|PCE deflator|PCE inflation|PCE",
    Indicator("core PCE", "rate", "US"): "core PCE price index|core PCE inflation|core PCE",
    Indicator("initial jobless claims", "count", "US"): (
        "initial jobless claims|weekly jobless claims|initial claims|unemployment claims|jobless claims"
    ),
    Indicator("continuing jobless claims", "count", "US"): "continuing jobless claims|continuing claims",
    Indicator(
        "nonfarm payrolls", "count", "US"
    ): "nonfarm payrolls|non-farm payrolls|nonfarm payroll|payrolls",
    Indicator("job openings", "count", "US"): "job openings|JOLTS",
    Indicator("ADP employment", "count", "US"): "ADP private payrolls|ADP employment|ADP payrolls",
    Indicator("unemployment rate", "rate"): (
        "urban unemployment rate|surveyed unemployment rate|surveyed jobless rate|unemployment rate|jobless rate"
    ),
    Indicator("GDP", "rate"): "gross domestic product|real GDP|GDP|economic growth|economy",
    Indicator("retail sales", "rate"): "core retail sales|retail sales",
    Indicator("industrial production", "rate"): (
        "industrial production|industrial output|factory output|factory production"
        "|manufacturing output|manufacturing production"
    ),
    Indicator("industrial profits", "rate"): "industrial profits",
    Indicator("fixed asset investment", "rate"): "fixed asset investment|fixed-asset investment",
    Indicator("property investment", "rate"): "property investment|real estate investment",
    Indicator("home prices", "rate"): "new home prices|home prices|house prices",
    Indicator("exports", "rate"): "outbound shipments|merchandise exports|exports",
    Indicator("imports", "rate"): "merchandise imports|imports",
    Indicator("export orders", "rate"): "export orders",
    Indicator("machinery orders", "rate"): "core machinery orders|core machine orders|machinery orders",
    Indicator("machine tool orders", "rate"): "machine tool orders",
    Indicator("durable goods orders", "rate", "US"): "durable goods orders",
    Indicator("factory orders", "rate"): "factory orders",
    Indicator("household spending", "rate"): "household spending|consumer spending|personal spending",
    Indicator("personal income", "rate"): "personal income",
    Indicator(
        "wages", "rate"
    ): "average hourly earnings|real wages|nominal wages|labor cash earnings|labour cash earnings|wage growth",
    Indicator("money supply", "rate"): "M2 money supply|money supply|M2",
    Indicator(
        "manufacturing PMI", "index"
    ): "manufacturing PMI|manufacturing purchasing managers' index|factory PMI",
    Indicator("services PMI", "index"): "services PMI|service PMI|services purchasing managers' index",
    Indicator("non-manufacturing PMI", "index"): "non-manufacturing PMI",
    Indicator("composite PMI", "index"): "composite PMI",
    Indicator("PMI", "index"): "purchasing managers' index|PMI",
    Indicator("ISM manufacturing", "index", "US"): "ISM manufacturing index|ISM manufacturing",
    Indicator("ISM services", "index", "US"): "ISM services index|ISM services|ISM non-manufacturing",
    Indicator(
        "consumer confidence", "index"
    ): "consumer confidence index|consumer confidence|consumer sentiment index|consumer sentiment",
    Indicator("business confidence", "index"): "business confidence index|business confidence",
}
_BY_PHRASE = {
    phrase.casefold(): series for series, phrases in _SERIES.items() for phrase in phrases.split("|")
}
_PHRASES = alternation(_BY_PHRASE)

_COUNTRIES = {
    "US": ("US", "U.S.", "U.S", "United States", "America", "American"),
    "China": ("China", "Chinese"),
    "Japan": ("Japan", "Japanese"),
    "South Korea": ("South Korea", "South Korean", "Korea", "Korean"),
    "Taiwan": ("Taiwan", "Taiwanese"),
    "Hong Kong": ("Hong Kong",),
    "India": ("India", "Indian"),
    "Australia": ("Australia", "Australian"),
    "New Zealand": ("New Zealand",),
    "Singapore": ("Singapore",),
    "Indonesia": ("Indonesia", "Indonesian"),
    "Malaysia": ("Malaysia", "Malaysian"),
    "Thailand": ("Thailand", "Thai"),
    "Philippines": ("Philippines", "Philippine"),
    "Vietnam": ("Vietnam", "Vietnamese"),
    "Euro area": ("eurozone", "euro zone", "euro area", "Eurozone", "Euro zone", "Euro area"),
    "Germany": ("Germany", "German"),
    "UK": ("UK", "U.K.", "Britain", "British"),
    "Canada": ("Canada", "Canadian"),
}
_COUNTRY_NAMES = {name: country for country, names in _COUNTRIES.items() for name in names}
_COUNTRY = re.compile(rf"(?<![\w.])(?:{alternation(_COUNTRY_NAMES)})(?!\w)")

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)"
)
_PART = (
    rf"(?:{_MONTH}|Q[1-4]|H[12]|[1-4]Q|[12]H|(?:first|second|third|fourth|final|January-March|April-June|July-September"
    r"|October-December)[- ](?:quarter|half)|first half|second half)"
)
_PERIOD = re.compile(rf"(?<![\w-])(?P<part>{_PART})(?![\w-])(?!'s? [a-z]+ (?:quarter|half))")
_BASES = (
    ("annualized", re.compile(r"annuali[sz]ed", re.IGNORECASE)),
    (
        "m/m",
        re.compile(
            r"m/m|\bmom\b|month[- ](?:on|over)[- ]month|on the month|on month|monthly"
            r"|from (?:the|a) (?:previous |prior )?month",
            re.IGNORECASE,
        ),
    ),
    (
        "q/q",
        re.compile(
            r"q/q|\bqoq\b|quarter[- ]on[- ]quarter|quarter[- ]over[- ]quarter|on the quarter|quarterly",
            re.IGNORECASE,
        ),
    ),
    (
        "y/y",
        re.compile(
            r"y/y|\byoy\b|year[- ](?:on|over)[- ]year|on[- ]year|from a year (?:earlier|ago)|annual\b",
            re.IGNORECASE,
        ),
    ),
)

_PRINT = re.compile(rf"(?<![\w-])(?P<name>{_PHRASES})(?![\w-])", re.IGNORECASE)
_VALUE = re.compile(
    rf"(?P<open>\()?(?P<sign>(?<!\w)[+-])?(?P<number>{NUMBER})"
    rf"(?P<unit> ?{PERCENT}|[Kk]\b| ?(?:million|thousand)\b|[Mm]\b)?(?P<close>\))?(?![\w/-]|\.\d|,\d)"
)
_STOP = re.compile(
    r";|\.(?=\s|$)|,? (?:while|whereas|but|although|though|(?<!compared )with|as well as)\b|\n"
)
_SPARE_LIST = """
growth the a an of by to at in for on its it was were is are be been had has have came come coming stood
stand read reading rose rise rises rising fell fall falls falling grew grow grows growing gained gain
climbed climb increased increase jumped jump surged surge dropped drop declined decline slipped slip slid
shrank shrink contracted contract expanded expand slowed slow slowing accelerated accelerate moderated
moderate eased ease easing cooled cool picked pick up down edged edge ticked tick weakened weaken improved
improve rebounded rebound hit hits reached reach held hold steady unchanged flat remained remain stayed stay
higher lower slightly sharply modestly just only more less than nearly about around roughly almost over
expected forecast forecasts estimated projected seen likely predicted anticipated poised set may could
should will month quarter half year annual annually annualized annualised monthly quarterly rate pace
revised preliminary prelim flash final seasonally adjusted sa nsa m y q first second third fourth yoy mom
qoq and also last week index excluding ex autos food energy headline reported showed show shows from
previous prior versus vs against compared with after earlier plunged plunge tumbled soared widened narrowed
advanced sank month-on-month year-on-year quarter-on-quarter month-over-month year-over-year january
february march april june july august september october november december jan feb mar apr jun jul aug sep
sept oct nov dec q1 q2 q3 q4 h1 h2 consensus economists analysts
"""
_SPARE = frozenset(_SPARE_LIST.split())
_WORDS = re.compile(r"[A-Za-z][A-Za-z0-9'-]*")
_FALLS = re.compile(
    r"\b(?:fell|falls?|falling|dropp?(?:ed|s|ing)?|declin\w*|slip\w*|slid|shrank|shrink\w*|contract\w*|decreas\w*|plung\w*|tumbl\w*|sank|down|lost)\b"
)
_TO = re.compile(r"\b(?:to|at|was|were|is|of|stood|from)\b\W*$")
_TOLD = re.compile(
    r"\b(?:rose|rises?|rising|fell|falls?|falling|grew|grow\w*|gain\w*|climb\w*|increas\w*|jump\w*|surg\w*|drop\w*|declin\w*|slip\w*"
    r"|slid|shr[aiu]nk\w*|contract\w*|expand\w*|slow\w*|accelerat\w*|moderat\w*|eas(?:ed|ing|es?)|cool\w*|picked|pick|up|down|edged|edge"
    r"|ticked|was|were|is|came|stood|at|hit|reached|held|remained|stayed|unchanged|improved|weakened|rebounded|plunged|tumbled"
    r"|soared|advanced|sank|expected|forecast|seen|estimated|projected)\b"
)
_EXPECTED = re.compile(
    r"\b(?:expect\w*|forecasts?|consensus|estimat\w*|project\w*|seen|predict\w*|likely|FactSet|StreetAccount"
    r"|poll|survey|economists|analysts|anticipated|est)\b",
    re.IGNORECASE,
)
_EXPECTED_BEHIND = re.compile(
    r"\)?\W{0,2}(?:was |were |had been |is )?(?:the )?"
    r"(?:expected|forecast|consensus|estimated?|projected|seen|predicted|anticipated|expectations?|est)\b",
    re.IGNORECASE,
)
_PREVIOUS = re.compile(
    r"\b(?:from|prior|previous|previously|after|following|earlier|compared (?:with|to)|last)\b", re.IGNORECASE
)
_PREVIOUS_BEHIND = re.compile(
    r"\)?\W{0,2}(?:(?:\w+ )?(?:in|for|the) (?:the )?(?:prior|previous|preceding)"
    r"|previously|previous|prior|earlier|(?:\w+ )?(?:the )?(?:month|quarter|year) (?:before|earlier))",
    re.IGNORECASE,
)
_VERSUS = re.compile(r"\b(?:versus|vs|against|compared (?:with|to))\b", re.IGNORECASE)
_AS_EXPECTED = re.compile(
    r"[^.;,\d]{0,40},? (?:as expected|in line with (?:expectations|forecasts|consensus|estimates))"
)
_SAME = re.compile(r"\b(?:flat|unchanged|steady|stable)\b(?: \w+)? at\W*$")
_NOUN = re.compile(
    rf"(?<![\d.,])(?P<number>{NUMBER}) ?{PERCENT} (?:(?:y/y|m/m|on-year|annual|year-on-year|monthly) )?"
    r"(?:(?P<up>rise|increase|jump|gain|surge|growth|expansion|rebound)"
    r"|(?P<down>drop|fall|decline|plunge|slump|contraction|decrease|slide|tumble)) "
    rf"in (?:the )?(?P<before>(?:[\w.']+ ){{0,2}}?)(?P<name>{_PHRASES})(?![\w-])(?P<where> to (?:the )?[A-Z][\w.]*)?",
    re.IGNORECASE,
)
_OWNED = re.compile(r"([A-Za-z.]+)'s (?:[\w-]+ ){0,2}$")
_TIMES = re.compile(
    rf"{_PART}$|(?:month|year|quarter|week|government|country|nation|world|economy|yesterday|today|\w+day)$"
)
_BANKS = re.compile(
    r"\b(?:Fed|FOMC|Federal Reserve)\b|\b(?P<bank>BOJ|BoJ|Bank of Japan|ECB|BoE|BOE|Bank of England|RBA|RBNZ|RBI"
    r"|BOK|Bank of Korea|PBOC|PBoC|SNB|Bank of Canada|Bank Indonesia|MAS)\b"
)
_STEP = re.compile(
    r"(?:pric(?:e|ed|es|ing)\b|near-certainty|certainty|fully expect\w*|expect\w*|forecast\w*)[^.;\n\d]{0,60}"
    r"(?P<size>\d{1,3})[- ]?(?:basis[- ]points?|bps?)"
    r"(?: of)?(?: (?:interest|rate|in|benchmark))*[ -](?P<way>reduction|cuts?|easing|hikes?|increase|rise|tightening)"
)
_ROW_WORDS_LIST = """
m q y mom qoq yoy revised preliminary prelim flash final sa nsa seasonally adjusted month-on-month
year-on-year quarter-on-quarter annual monthly rate growth index ex excluding autos food energy january
february march april may june july august september october november december jan feb mar apr jun jul aug
sep sept oct nov dec
"""
_ROW_WORDS = frozenset(_ROW_WORDS_LIST.split())
_GROWTH = re.compile(r"\b(?:grew|grow\w*|expand\w*|contract\w*|shr[aiu]nk\w*|slow\w*|accelerat\w*)\b")
_FALL_BEHIND = re.compile(r"\)? (?:drop|fall|decline|decrease|contraction|plunge|slump|slide)\b")
_MONTH_BEHIND = re.compile(rf"\)? (?:\w+ )?(?:in|for) {_PART}\b")
_EXPECT_BEFORE = re.compile(r"\b(?:expects?|expected|forecasts?|sees?|predict\w*|project\w*)\b[^.;,]{0,30}$")
_WORTH_READING = re.compile(rf"{PERCENT}|\d,\d{{3}}|\d[Kk]\b|PMI|ISM|confidence|sentiment|basis|\dbp")


@dataclass
class _Around:
    """The country and the period that a paragraph, or the heading above it, first names."""

    country: str = ""
    period: str = ""

    def read(self, words: str) -> None:
        """Take what is not yet known from some words."""
        if not self.country and (country := _COUNTRY.search(words)):
            self.country = _country(country)
        if not self.period and (period := _PERIOD.search(words)):
            self.period = period["part"]


class _Value(NamedTuple):
    match: re.Match[str]
    amount: float
    gap: str
    behind: str


def macro_prints(text: str, sentences: Sequence[Sentence]) -> list[Macro]:
    """Find macro prints and what was expected of coming ones.

    Parameters
    ----------
    text : str
        The document's text.
    sentences : sequence of Sentence
        Where its news stands.

    Returns
    -------
    list of Macro
        In the order of the text. Rates are in percent, counts in persons, surveys in points, steps of a central bank in
        basis points (a cut is negative).

    Examples
    --------
    >>> text = "China's retail sales rose 3.4% y/y in August, against a 3.8% forecast and 3.7% in July."
    >>> [one] = macro_prints(text, [Sentence(Span(0, len(text)), "body")])
    >>> one.name, one.period, one.actual, one.expected, one.previous, one.unit
    ('China retail sales', 'August', 3.4, 3.8, 3.7, '% y/y')
    """
    plain = plainly(text)
    found: list[Macro] = []
    around, end = _Around(), 0
    for sentence in sentences:
        span = sentence.span
        if "\n" in plain[end : span.start] or not end:
            around = _entered(plain, end, span, around)
        words = plain[span.start : span.end]
        if _WORTH_READING.search(words):
            found.extend(_in_sentence(plain, span, around))
        around.read(words)
        end = span.end
    return sorted(found, key=lambda print_: print_.span)


def _entered(plain: str, end: int, span: Span, around: _Around) -> _Around:
    """Begin a paragraph: what a heading said holds on, what a closed paragraph said does not."""
    words = plain[span.start : span.end]
    title = len(words) <= 40 and not re.search(r"\d|[.:]$", words) and _COUNTRY.search(words)
    closed = "." in plain[max(0, end - 1) : end + 1]
    return _Around() if closed or title else around


def _country(match: re.Match[str]) -> str:
    return _COUNTRY_NAMES[match[0]]


def _in_sentence(plain: str, span: Span, around: _Around) -> Iterator[Macro]:
    for match in _NOUN.finditer(plain, span.start, span.end):
        yield _of_noun(plain, span, match, around)
    names = list(_PRINT.finditer(plain, span.start, span.end))
    for place, match in enumerate(names):
        following = names[place + 1].start() if place + 1 < len(names) else span.end
        print_ = _of_name(plain, span, match, following, around)
        if print_:
            yield print_
    for match in _STEP.finditer(plain, span.start, span.end):
        yield _of_step(plain, span, match)


def _of_noun(plain: str, span: Span, match: re.Match[str], around: _Around) -> Macro:
    """Read "33% plunge in exports to US in August"."""
    series = _BY_PHRASE[match["name"].casefold()]
    stop = min(span.end, match.end() + 40)
    amount = _amount(match["number"]) * (1.0 if match["up"] else -1.0)
    country = _named_country(plain, span, match.start(), match["before"]) or series.country or around.country
    behind = _PERIOD.search(plain, match.end(), stop)
    period = behind["part"] if behind else around.period
    name = " ".join(filter(None, (country, series.name + (match["where"] or ""))))
    end = behind.end() if behind else match.end()
    return Macro(Span(match.start(), end), name, period, amount, NAN, NAN, _unit(series, match[0]))


def _of_name(plain: str, span: Span, match: re.Match[str], following: int, around: _Around) -> Macro | None:
    series = _BY_PHRASE[match["name"].casefold()]
    before = plain[max(span.start, match.start() - 60) : match.start()]
    if _is_owned(before):
        return None
    values = _values(plain, match.end(), min(following, span.end, match.end() + 240), series)
    if not values or not _is_told(values[0].gap, match["name"]):
        return None
    told = _sorted_out(plain, values, before)
    if not {"actual", "expected"} & told.keys():
        return None
    main = told.get("actual") or told["expected"]
    country = _named_country(plain, span, match.start(), before) or series.country or around.country
    behind = _PERIOD.search(main.behind)
    ends = [main.match.end() + behind.end() if behind else 0, *(value.match.end() for value in told.values())]
    end = max(ends)
    start, period = _period(plain, match.start(), before, main, around)
    name = f"{country} {series.name}".strip()
    numbers = {slot: value.amount for slot, value in told.items()}
    return Macro(
        Span(start, end),
        name,
        period,
        numbers.get("actual", NAN),
        numbers.get("expected", NAN),
        numbers.get("previous", NAN),
        _unit(series, before[-20:] + plain[match.start() : end + 40]),
    )


def _named_country(plain: str, span: Span, start: int, before: str) -> str:
    countries = list(_COUNTRY.finditer(plain, max(span.start, start - 200), start)) or list(
        _COUNTRY.finditer(before)
    )
    return _country(countries[-1]) if countries else ""


def _is_owned(before: str) -> bool:
    """Say whether somebody other than a country or a time owns the series: "Apple's retail sales"."""
    owner = _OWNED.search(before)
    return bool(owner and not _COUNTRY.fullmatch(owner[1]) and not _TIMES.match(owner[1]))


def _values(plain: str, start: int, stop: int, series: Indicator) -> list[_Value]:
    """List the numbers of the series' kind behind its name, with the words before and behind each."""
    halt = _STOP.search(plain, start, stop)
    stop = halt.start() if halt else stop
    matches = [match for match in _VALUE.finditer(plain, start, stop) if _fits(match, series)]
    values = []
    for place, match in enumerate(matches):
        gap = plain[start : match.start()]
        ahead = matches[place + 1].start() if place + 1 < len(matches) else min(stop, match.end() + 40)
        behind = plain[match.end() : ahead]
        values.append(_Value(match, _value(match, gap, behind, series), gap, behind))
        label = _EXPECTED_BEHIND.match(behind) or _PREVIOUS_BEHIND.match(behind)
        start = match.end() + (label.end() if label else 0)
    return values


def _fits(match: re.Match[str], series: Indicator) -> bool:
    unit = (match["unit"] or "").strip()
    percent = bool(unit) and re.fullmatch(PERCENT, unit) is not None
    if series.kind == "rate":
        return percent
    if series.kind == "count":
        return not percent and ("," in match["number"] or bool(unit))
    return not unit and 0 < _amount(match["number"]) < 200


def _amount(digits: str) -> float:
    return float(digits.replace(",", "").replace(" ", ""))


def _value(match: re.Match[str], gap: str, behind: str, series: Indicator) -> float:
    """Give a number its size and its sign: that written, that of parentheses, or that of the verb before it."""
    unit = (match["unit"] or "").strip().casefold()
    size = _amount(match["number"]) * {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6}.get(unit, 1.0)
    if match["sign"]:
        return -size if match["sign"] == "-" else size
    fell = series.kind == "rate" and not _TO.search(gap) and _FALLS.search(gap)
    negative = (match["open"] and match["close"]) or fell or _FALL_BEHIND.match(behind)
    return -size if negative else size


def _is_told(gap: str, name: str) -> bool:
    """Say whether the words between a name and its first number are those of a print, or of a row of a table."""
    words = [word.casefold() for word in _WORDS.findall(gap)]
    if name.casefold() in ("economy", "economic growth") and not _GROWTH.search(gap):
        return False
    if all(word in _ROW_WORDS for word in words):
        return True
    return bool(_TOLD.search(gap)) and all(word in _SPARE for word in words)


def _sorted_out(plain: str, values: Sequence[_Value], before: str) -> dict[str, _Value]:
    """Say which number is the actual, which was expected, which is the previous one."""
    first = values[0]
    coming = bool(
        _EXPECTED.search(first.gap) or _EXPECTED_BEHIND.match(first.behind) or _EXPECT_BEFORE.search(before)
    )
    told = {"expected" if coming else "actual": first}
    if _SAME.search(first.gap):
        told["previous"] = first
    if not coming and _AS_EXPECTED.match(plain, first.match.end()):
        told["expected"] = first
    for value in values[1:]:
        slot = _slot(value)
        if slot:
            told.setdefault(slot, value)
    return told


def _slot(value: _Value) -> str:
    if _PREVIOUS_BEHIND.match(value.behind):
        return "previous"
    if _EXPECTED.search(value.gap) or _EXPECTED_BEHIND.match(value.behind):
        return "expected"
    if _PREVIOUS.search(value.gap) or _MONTH_BEHIND.match(value.behind):
        return "previous"
    return "expected" if _VERSUS.search(value.gap) else ""


def _period(plain: str, start: int, before: str, main: _Value, around: _Around) -> tuple[int, str]:
    """Find what a print measures: behind its number, before its name, between the two, or around it."""
    near = [found for found in _PERIOD.finditer(before) if len(before) - found.end() <= 20]
    begins = start - len(before) + near[-1].start() if near else start
    for found in (_PERIOD.search(main.behind), near[-1] if near else None, _PERIOD.search(main.gap)):
        if found:
            return begins, found["part"]
    return begins, around.period


def _unit(series: Indicator, words: str) -> str:
    if series.kind != "rate":
        return "persons" if series.kind == "count" else "points"
    basis = next((name for name, pattern in _BASES if pattern.search(words)), "")
    return f"% {basis}".strip()


def _of_step(plain: str, span: Span, match: re.Match[str]) -> Macro:
    """Read the step that is expected of a central bank: "pricing in a 25-basis-point reduction"."""
    cut = match["way"].startswith(("reduction", "cut", "easing"))
    banks = list(
        _BANKS.finditer(plain, max(span.start, match.start() - 200), min(span.end, match.end() + 60))
    )
    nearest = min(
        banks, key=lambda bank: max(match.start() - bank.end(), bank.start() - match.end()), default=None
    )
    name = nearest["bank"] if nearest and nearest["bank"] else "FOMC"
    size = float(match["size"])
    return Macro(Span(*match.span()), f"{name} target change", "", NAN, -size if cut else size, NAN, "bp")
