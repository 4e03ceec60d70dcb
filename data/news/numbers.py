"""What a text says in numbers: moves of indices, stocks that moved and why, and macro prints.

A percent that belongs to a name ("Nifty 50"), a stake, a growth rate or an efficiency is no move. A number in
parentheses without a sign is negative, as tables of prices write it. What a text does not tell is NaN.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from aftershock.data.news.macro import NUMBER, PERCENT, alternation, macro_prints
from aftershock.data.news.mentions import plainly
from aftershock.data.news.types import IndexMove, Mention, Mover, Sentence, Span

__all__ = ["index_moves", "macro_prints", "movers"]

NAN = float("nan")

_POINTS = r"(?:points?\b|pts?\b)"
_QUALIFIER = (
    r"(?:nearly|almost|about|around|roughly|approximately|some|more than|less than|at least|as much as|up to"
    r"|just over|just under|close to|over|under)"
)
_RISES = (
    r"(?:r(?:i|o)ses?|rising|gain(?:s|ed|ing)?|climb(?:s|ed|ing)?|jump(?:s|ed|ing)?|surg(?:es?|ed|ing)"
    r"|advanc(?:es?|ed|ing)|add(?:s|ed|ing)?|rall(?:y|ies|ied|ying)|soar(?:s|ed|ing)?|leap(?:s|t|ed|ing)?"
    r"|spik(?:es?|ed|ing)|rebound(?:s|ed|ing)?|recover(?:s|ed|ing)?|firm(?:s|ed|ing)|strengthen(?:s|ed|ing)?"
    r"|increas(?:es?|ed|ing)|put on|shot up|pop(?:s|ped|ping)|rocket(?:s|ed|ing)?|skyrocket(?:s|ed|ing)?)"
)
_FALLS = (
    r"(?:f(?:a|e)ll(?:s|ing|en)?|drop(?:s|ped|ping)?|los(?:es?|t|ing)|shed(?:s|ding)?|slid(?:es?|ing)?"
    r"|slip(?:s|ped|ping)?|declin(?:es?|ed|ing)|s(?:i|a|u)nk(?:s|ing)?|tumbl(?:es?|ed|ing)|plung(?:es?|ed|ing)"
    r"|plummet(?:s|ed|ing)?|retreat(?:s|ed|ing)?|eas(?:es?|ed|ing)|dip(?:s|ped|ping)?|weaken(?:s|ed|ing)?"
    r"|slump(?:s|ed|ing)?|crash(?:es|ed|ing)?|div(?:es?|ed|ing)|dove|skid(?:s|ded)?|crater(?:s|ed)?)"
)
_STANDS = (
    r"(?:edg(?:es?|ed|ing)|inch(?:es|ed|ing)?|tick(?:s|ed|ing)?|nudg(?:es?|ed|ing)|trad(?:es?|ed|ing)"
    r"|clos(?:es?|ed|ing)|end(?:s|ed|ing)?|finish(?:es|ed|ing)?|open(?:s|ed|ing)?|start(?:s|ed)?"
    r"|settl(?:es?|ed|ing)|mov(?:es?|ed|ing)|w(?:as|ere|ent)|is|are|stood|push(?:es|ed)|cr(?:eeps?|ept)"
    r"|drift(?:s|ed|ing)?|turn(?:s|ed)?|held|hold(?:s|ing)?|remain(?:s|ed)?)"
)
_HIGHER = r"(?:up|higher|firmer|stronger)\b"
_LOWER = r"(?:down|lower|weaker|softer)\b"
_FLAT = (
    r"(?:(?:largely|mostly|broadly|virtually|almost|nearly|roughly|barely|relatively|pretty much) )?"
    r"(?:unchanged|flat|little changed|steady|flattish)\b"
)
_RECORD = (
    r"(?:(?:fresh|new|all-time|record|intraday|closing|close|lifetime|\w{1,12}-(?:year|month|week)|highest|lowest)"
    r"[ -]){1,4}"
)
_PEAK = (
    rf"(?:{_RECORD}(?:highs?|lows?|peaks?|closes?|records?|levels?)\b"
    r"|(?:highest|lowest)(?: levels?| close)? (?:in|since) [\w-]+(?: (?:years|months|weeks|decades|sessions|\d{4}))?)"
)
_MOODS = (
    r"(?:(?:reach|hit|touch|set|notch|scal|mark|post|print|clos|end|finish)\w*(?: at| on| with)?"
    rf" (?:an? |its |their )?{_PEAK}"
    rf"|(?:at|to) (?:an? |its |their )?{_PEAK}"
    r"|extend\w* (?:their |its |the )?(?:\w+ ){0,2}(?:rally|gains|advances?|losses|declines?|slide|streak|rise)"
    r"|(?:post|saw|see|log|record|book|notch)\w* (?:\w+ ){0,3}(?:gains?|losses|advances?|declines?|rall(?:y|ies))"
    r"|(?:was|were) (?:the )?(?:top|best|worst|biggest|main) (?:performers?|gainers?|losers?|decliners?|laggards?)"
    r"|led (?:the )?(?:\w+ )?(?:gains|advances?|advancers|rally|losses|declines?|by)\b"
    r"|(?:bounc|rebound)\w* (?:back )?from (?:\w+ )?losses|(?:par|revers|eras|trimm)\w* (?:\w+ )?(?:gains|losses)"
    r"|with (?:an? |its )?(?:\w+ )?(?:consecutive|straight) (?:day|session|week)s? of (?:gains|losses)"
    r"|(?:was|were) (?:more |also )?(?:subdued|mixed|muted|broad based|broad-based)"
    r"|(?:out|under)perform(?:s|ed|ing)?)"
)

_HEAD = re.compile(
    r"(?:'s?)?"
    r"(?: (?:sub-?index|sub-?gauge|index|benchmark|gauge|average|composite|futures|contracts?|shares?|stocks?|rally"
    r"|ADRs?|main index|stock index|share index))*"
    r"(?:, (?!up|down|which)[^,;.%()\d]{2,60},)?"
    r"(?:,? (?:which|that|also|briefly|initially|last|then|now|has|have|had|been|again|later|both|all|each|just))*"
    r"[,:]? "
)
_TREND = re.compile(
    rf"(?P<flat>(?:{_STANDS} )?{_FLAT})"
    rf"|(?P<mood>{_MOODS})"
    rf"|(?:{_STANDS} )?(?:(?P<up>{_RISES}\b|{_HIGHER})|(?P<down>{_FALLS}\b|{_LOWER}))"
    rf"|(?P<stands>{_STANDS})\b(?= (?:by )?(?:{_QUALIFIER} )?(?:an? )?\d)"
)
_NOUN_MOVE = re.compile(
    r"(?:post|saw|see|log|record|book|notch|with|tak|suffer)\w* (?:an? )?"
    rf"(?P<about>{_QUALIFIER} )?(?P<number>{NUMBER}) ?{PERCENT} "
    r"(?:(?P<up>gain|rise|advance|jump|rally|increase|climb|surge)"
    r"|(?P<down>drop|fall|decline|loss|slide|slump|plunge|retreat|tumble))"
)
_SIGNED = re.compile(rf" ?[:(]? ?(?P<sign>[+-]) ?(?P<number>{NUMBER}) ?%\)?")
_AMOUNT = re.compile(
    r"(?: (?:back|further|sharply|slightly|modestly|strongly|marginally|up|down|higher|lower|by|another|an?|as|much))*?"
    rf" (?:by )?(?:an? )?(?P<about>{_QUALIFIER} )?(?:an? )?(?P<number>{NUMBER})"
    rf"(?: ?(?P<percent>{PERCENT})| ?-?(?P<points>{_POINTS}))?(?![\d.,]*\d)"
    r"(?! ?(?:stake|of (?:its|the)|interest|share of|y/y|m/m|q/q|tariff|year[- ]on|on year|on-year|[KMB]\b|million"
    r"|billion|trillion|(?:[a-z]+ )?shares?\b))"
)
_ALSO = re.compile(
    rf",? ?(?:or |\(|, )(?:{_QUALIFIER} )?(?P<sign>[+-])?(?P<number>{NUMBER}) ?"
    rf"(?:(?P<percent>{PERCENT})|(?P<points>{_POINTS}))\)?,?"
)
_WAY = re.compile(rf" (?:(?P<up>{_HIGHER})|(?P<down>{_LOWER}))")
_LEVEL = re.compile(
    rf",? (?:to (?:close|end|finish|settle|trade|stand)(?: \w+)? at|to|at)(?: (?:an? |its )?{_PEAK}(?: of| at)?)? "
    rf"(?P<number>{NUMBER})(?! ?{PERCENT}|[-/]\w)(?: {_POINTS})?"
)
_LEVEL_LATER = re.compile(rf"{_PEAK} (?:of|at) (?P<number>{NUMBER})(?! ?{PERCENT})(?: {_POINTS})?")
_LEVEL_OF = re.compile(rf" (?:of|at) (?P<number>{NUMBER})(?! ?{PERCENT}|[-/]\w)(?: {_POINTS})?")
_ONWARD = re.compile(r",? (?:to|and|but) (?:be )?")
_TO_PEAK = re.compile(rf",? (?:to )?an? {_PEAK}")
_AND = re.compile(r"(?:'s)?(?: index)?(?: ?,? (?:and|&)(?: the)? | ?, (?:the )?|/)(?:\w+'s (?:\w+ )?)?")
_RESPECTIVE = re.compile(rf"(?:,|,? and| and) (?:{_QUALIFIER} )?(?P<number>{NUMBER}) ?{PERCENT}")

_ROW_HEAD = re.compile(r"[^\w\n]*(?:[A-Z][\w.]*'s )?$")
_ROW_TAIL = re.compile(
    rf"(?:[ \t]*(?:[:|,;/()]|(?:or|to|at|by|closed|points|pts)\b|[+-]?(?>{NUMBER}) ?%?))*+[ \t.]*(?=\n|$)"
)
_CELL = re.compile(
    rf"(?P<open>\()?[ ]?(?P<sign>[+-])?[ ]?(?P<number>{NUMBER}) ?(?P<percent>%)?[ ]?(?P<close>\))?"
)
_MOVER_HEAD = re.compile(rf"(?P<open>\()?(?P<sign>[+-])? ?(?P<number>{NUMBER}) ?%(?P<close>\))?[ \t:|-]*$")
_MOVER_CELL = re.compile(
    rf"[ \t:,|]*(?:- )?(?P<open>\()?(?P<sign>[+-])? ?(?P<number>{NUMBER}) ?%(?P<close>\))?"
)
_FIRST_CELL = 26
_LONGEST_REASON = 600
_GAINERS = re.compile(r"\b(?:gainers|advancers|winners|risers|outperformers)\b", re.IGNORECASE)
_LOSERS = re.compile(r"\b(?:decliners|losers|laggards|fallers|underperformers)\b", re.IGNORECASE)
_REASON = re.compile(
    r"\b(?:after|following|as|amid|thanks to|because of|due to|on(?! (?:Mon|Tues|Wednes|Thurs|Fri)day)|buoyed by"
    r"|boosted by|helped by|hurt by|weighed by)\s+(?P<why>.+)",
    re.DOTALL,
)


class _Subject(NamedTuple):
    """What a statement is about, and the symbols that stand for it ("" for a market without one index)."""

    span: Span
    symbols: tuple[str, ...]


class _Move(NamedTuple):
    end: int
    percent: float
    level: float
    change: float
    qualifier: str


_COUNTRIES = {
    **dict.fromkeys(("Hong Kong",), ("HSI",)),
    **dict.fromkeys(("South Korea", "South Korean", "Korea", "Korean", "Seoul"), ("KOSPI",)),
    **dict.fromkeys(("Japan", "Japanese", "Tokyo"), ("N225",)),
    **dict.fromkeys(("Taiwan", "Taiwanese", "Taipei"), ("TAIEX",)),
    **dict.fromkeys(("Australia", "Australian", "Sydney"), ("ASX200",)),
    **dict.fromkeys(("India", "Indian", "Mumbai"), ("NIFTY50",)),
    **dict.fromkeys(("Indonesia", "Indonesian", "Jakarta"), ("JKSE",)),
    **dict.fromkeys(("Singapore",), ("STI",)),
    **dict.fromkeys(("Thailand", "Thai"), ("SET",)),
    **dict.fromkeys(("Malaysia", "Malaysian"), ("KLCI",)),
    **dict.fromkeys(("Philippines", "Philippine"), ("PSEI",)),
    **dict.fromkeys(
        ("Mainland China", "mainland China", "China", "Chinese", "Mainland", "mainland"), ("SSEC", "SZSC")
    ),
    **dict.fromkeys(("Asia", "Asian", "Asia-Pacific", "Southeast Asia", "Southeast Asian"), ("",)),
    **dict.fromkeys(("Europe", "European"), ("",)),
}
_AMERICAN = ("SPX", "DJIA", "NASDAQ")
_AMERICAN_FUTURES = ("ES=F", "YM=F", "NQ=F")
_COUNTRY = alternation(_COUNTRIES)
_US = r"(?:U\.S\.|US|Wall Street)"
_INDICES = r"(?:indexes|indices|benchmarks|gauges|averages)"
_BOARDS = r"(?:boards?|benchmarks?|stocks|shares|equities|markets?|bourses?|indexes|indices)"
_OF_BOARDS = r"(?:tech|technology|tech-leaning|stock|equity|share|main|major|broader|benchmark|chip|mainland)"
_MARKET = re.compile(
    r"(?<!\w)(?:(?P<msci>MSCI(?: [A-Z][\w'/-]*| ex\b| excluding\b| of\b| index\b){1,8})"
    rf"|(?P<futures>{_US} (?:(?:stock|equity|index) ){{0,2}}futures)"
    rf"|(?P<three>(?:[Aa]ll )?[Tt]hree (?:\w+ ){{0,2}}(?:{_US} )?(?:\w+ ){{0,2}}{_INDICES})"
    rf"|(?P<both>Both {_INDICES})"
    rf"|(?P<who>{_COUNTRY}(?:(?:, | and ){_COUNTRY})*)(?:'s?)?(?P<boards>(?: {_OF_BOARDS}){{0,3}} {_BOARDS})?)(?!\w)"
)
_BARE_MOOD = re.compile(
    r" ?,?(?:(?:was|were) (?:the )?(?:top|best|worst|biggest) (?:performers?|gainers?|losers?|decliners?)"
    r"|with (?:an? |its )?(?:\w+ )?(?:consecutive|straight) (?:day|session|week)s? of (?:gains|losses)"
    r"|(?:bounc|rebound)\w* (?:back )?from (?:\w+ )?losses|par(?:ed|ing) (?:\w+ )?(?:gains|losses)"
    r"|led (?:the )?(?:gains|advances|losses|declines|by (?=[A-Z]|tech|chip)))"
)
_BEFORE_MARKET = re.compile(
    r"(?:record-setting (?:moves|highs|gains) (?:on|in|for|across)|(?:some|,|^) ?(?:weakness|strength) in)(?: the)? $"
)


def index_moves(text: str, sentences: Sequence[Sentence], mentions: Sequence[Mention]) -> list[IndexMove]:
    """Find what a text says of indices, in prose and in tables.

    Parameters
    ----------
    text : str
        The document's text.
    sentences : sequence of Sentence
        Where its news stands.
    mentions : sequence of Mention
        What it names, from `find_mentions`.

    Returns
    -------
    list of IndexMove
        In the order of the text. ``symbol`` is "" for a market without one index ("Asian stocks"). ``qualifier`` holds
        what narrows a number ("nearly"), the words themselves where there is none ("at a record high"), and
        "record level" where the level is a record of another instant than the percent; no change follows from the two.

    Examples
    --------
    >>> from aftershock.data.news.mentions import find_mentions
    >>> text = "The KOSPI rose 1.3%, with the Kosdaq up nearly 2%."
    >>> whole = [Sentence(Span(0, len(text)), "body")]
    >>> [(one.symbol, one.percent, one.qualifier) for one in index_moves(text, whole, find_mentions(text, whole))]
    [('KOSPI', 1.3, ''), ('KOSDAQ', 2.0, 'nearly')]
    """
    plain = plainly(text)
    found: list[IndexMove] = []
    named: list[str] = []
    for sentence, inside in _grouped(sentences, mentions):
        subjects = [_Subject(one.span, (one.symbol,)) for one in inside if one.kind == "index"]
        markets = _markets(plain, sentence.span, inside, named)
        for subject, move in _told(plain, sentence.span, subjects, inside, tables=True):
            start = _from(plain, sentence.span, subject.span.start)
            found.append(IndexMove(Span(start, move.end), subject.symbols[0], *move[1:]))
        for subject, move in markets:
            span = Span(subject.span.start, max(move.end, subject.span.end))
            found.extend(IndexMove(span, symbol, *move[1:]) for symbol in subject.symbols)
        named.extend(symbol for subject in subjects for symbol in subject.symbols)
    return sorted(found, key=lambda move: move.span)


def movers(text: str, sentences: Sequence[Sentence], mentions: Sequence[Mention]) -> list[Mover]:
    """Find stocks that a text lists or tells with their moves.

    Parameters
    ----------
    text, sentences, mentions
        As for `index_moves`.

    Returns
    -------
    list of Mover
        In the order of the text; ``reason`` in the text's words, "" where none is given.

    Examples
    --------
    >>> from aftershock.data.news.mentions import find_mentions
    >>> text = "-0.8% 2229.JP (CALBEE): acquires 58% stake in Hodo In; terms undisclosed"
    >>> whole = [Sentence(Span(0, len(text)), "item")]
    >>> [(one.symbol, one.percent, one.reason[:18]) for one in movers(text, whole, find_mentions(text, whole))]
    [('2229.T', -0.8, 'acquires 58% stake')]
    """
    plain = plainly(text)
    found: list[Mover] = []
    for sentence, inside in _grouped(sentences, mentions):
        stocks = [one for one in inside if one.kind != "index"]
        listed = [mover for one in stocks if (mover := _listed_mover(plain, text, one))]
        free = [_Subject(one.span, (one.symbol,)) for one in stocks if not _is_inside(listed, one.span.start)]
        told = _told(plain, sentence.span, free, inside, tables=False)
        found.extend(listed)
        found.extend(
            _mover(text, sentence.span, subject, move)
            for subject, move in told
            if move.percent and not math.isnan(move.percent)
        )
    return sorted(found, key=lambda mover: mover.span)


def _is_inside(rows: Sequence[Mover], place: int) -> bool:
    at = bisect_right(rows, place, key=lambda row: row.span.start)
    return at > 0 and rows[at - 1].span.end > place


def _grouped(
    sentences: Sequence[Sentence], mentions: Sequence[Mention]
) -> Iterator[tuple[Sentence, list[Mention]]]:
    """Give each sentence with the mentions inside it; both are in the order of the text."""
    at = 0
    for sentence in sentences:
        inside = []
        while at < len(mentions) and mentions[at].span.start < sentence.span.end:
            if mentions[at].span.start >= sentence.span.start:
                inside.append(mentions[at])
            at += 1
        yield sentence, inside


def _number(digits: str) -> float:
    return float(digits.replace(",", "").replace(" ", ""))


def _from(plain: str, sentence: Span, start: int) -> int:
    """Take the market before an index into its statement: "Futures for India's Nifty 50"."""
    before = _OWNER.search(plain, max(sentence.start, start - 60), start)
    return before.start() if before else start


_OWNER = re.compile(
    r"(?:[Ff]utures (?:for|on) )?(?:the )?(?:[A-Z][a-z]+ ){0,2}[A-Z]\w+'s (?:\w+ )?$|[Ff]utures (?:for|on) (?:the )?$"
)


def _told(
    plain: str, sentence: Span, subjects: Sequence[_Subject], mentions: Sequence[Mention], tables: bool
) -> Iterator[tuple[_Subject, _Move]]:
    """Give each subject of a sentence with its move; subjects in a row share one, or take one each."""
    row: list[_Subject] = []
    for place, subject in enumerate(subjects):
        row.append(subject)
        after = subjects[place + 1].span.start if place + 1 < len(subjects) else None
        if after is not None and _AND.fullmatch(plain, subject.span.end, after):
            continue
        stop = _next_start(mentions, subject.span.end, sentence.end)
        move = _table_move(plain, subject.span) if tables else None
        move = move or _prose_move(plain, subject.span.end, sentence.end, stop)
        if move:
            yield from zip(row, _dealt(plain, move, len(row), sentence.end), strict=True)
        row = []


def _dealt(plain: str, move: _Move, count: int, end: int) -> list[_Move]:
    """Deal the percents of "rose 0.5% and 0.7%" to the indices in a row."""
    moves = [move]
    while len(moves) < count:
        again = _RESPECTIVE.match(plain, moves[-1].end, end)
        if not again or math.isnan(move.percent):
            return [move] * count
        percent = math.copysign(_number(again["number"]), move.percent)
        moves.append(_Move(again.end(), percent, NAN, NAN, move.qualifier))
    return moves


def _prose_move(plain: str, start: int, end: int, stop: int) -> _Move | None:
    """Read the move told right behind a subject that ends at ``start``; numbers stand before ``stop``."""
    signed = _SIGNED.match(plain, start, end)
    if signed:
        return _Move(signed.end(), float(signed["sign"] + signed["number"].replace(",", "")), NAN, NAN, "")
    head = _HEAD.match(plain, start, end)
    at = head.end() if head else start
    noun = _NOUN_MOVE.match(plain, at, end)
    if noun:
        size = _number(noun["number"])
        return _Move(noun.end(), size if noun["up"] else -size, NAN, NAN, (noun["about"] or "").strip())
    trend = _TREND.match(plain, at, end)
    return _read_trend(plain, trend, end, max(stop, trend.end())) if trend else None


def _read_trend(plain: str, trend: re.Match[str], end: int, stop: int) -> _Move | None:
    if trend["flat"]:
        return _with_level(plain, _Move(trend.end(), 0.0, NAN, NAN, trend["flat"]), stop)
    if trend["mood"]:
        return _read_mood(plain, trend, end, stop)
    sign = 1.0 if trend["up"] else -1.0 if trend["down"] else NAN
    amount = _AMOUNT.match(plain, trend.end(), stop)
    if not amount:
        level = _with_level(plain, _Move(trend.end(), NAN, NAN, NAN, trend[0]), stop)
        return None if math.isnan(sign) and math.isnan(level.level) else level
    if math.isnan(sign):
        way = _WAY.match(plain, amount.end(), stop)
        if not way:
            return None
        return _with_level(plain, _measured(plain, amount, 1.0 if way["up"] else -1.0, way.end(), stop), stop)
    return _with_level(plain, _measured(plain, amount, sign, amount.end(), stop), stop)


def _read_mood(plain: str, trend: re.Match[str], end: int, stop: int) -> _Move:
    """Read words of a move without a number; "pared losses to close 0.1% lower" goes on to one."""
    onward = _ONWARD.match(plain, trend.end(), stop)
    again = _TREND.match(plain, onward.end(), end) if onward else None
    further = _read_trend(plain, again, end, stop) if again and not again["mood"] else None
    if further and not math.isnan(further.percent):
        return further
    level = _LEVEL_OF.match(plain, trend.end(), stop)
    if not level:
        return _Move(trend.end(), NAN, NAN, NAN, trend["mood"])
    return _Move(level.end(), NAN, _number(level["number"]), NAN, trend["mood"])


def _measured(plain: str, amount: re.Match[str], sign: float, end: int, stop: int) -> _Move:
    """Put percent and points where they belong, whichever comes first."""
    size = sign * _number(amount["number"])
    percent, change = (size, NAN) if amount["percent"] else (NAN, size)
    also = _ALSO.match(plain, end, stop)
    if also and bool(also["percent"]) != bool(amount["percent"]):
        other = sign * _number(also["number"])
        percent, change = (other, change) if also["percent"] else (percent, other)
        end = also.end()
    return _Move(end, percent, NAN, change, (amount["about"] or "").strip())


def _with_level(plain: str, move: _Move, stop: int) -> _Move:
    """Add the level told behind a move, and say so where it is a record of another instant."""
    level = _LEVEL.match(plain, move.end, stop)
    later = None if level else _LEVEL_LATER.search(plain, move.end, min(stop, move.end + 90))
    found = level or later
    peak = _TO_PEAK.match(plain, found.end() if found else move.end, stop)
    end = peak.end() if peak else found.end() if found else move.end
    if not found:
        return move._replace(end=end)
    record = bool(peak or later or re.search(_PEAK, found[0]))
    words = [*([move.qualifier] if move.qualifier else []), *(["record level"] if record else [])]
    return move._replace(end=end, level=_number(found["number"]), qualifier=", ".join(words))


def _table_move(plain: str, span: Span) -> _Move | None:
    """Read a row of a table: a name at the start of a line and nothing but numbers behind it."""
    line = _line_start(plain, span.start)
    if line is None or not _ROW_HEAD.match(plain, line, span.start):
        return None
    stop = plain.find("\n", span.end, span.end + 160)
    tail = _ROW_TAIL.match(plain, span.end, stop if stop >= 0 else min(len(plain), span.end + 160))
    cells = list(_CELL.finditer(plain, span.end, tail.end())) if tail else []
    if not cells or not tail:
        return None
    percent = next((_signed(cell) for cell in cells if cell["percent"]), NAN)
    plainer = [cell for cell in cells if not cell["percent"]]
    level = max((_number(cell["number"]) for cell in plainer if not _is_change(cell)), default=NAN)
    change = next((_signed(cell) for cell in plainer if _number(cell["number"]) != level), NAN)
    if not math.isnan(percent) and percent * change < 0:
        change = -change
    return _Move(cells[-1].end(), percent, level, change, "")


def _is_change(cell: re.Match[str]) -> bool:
    return bool(cell["sign"] or (cell["open"] and cell["close"]))


def _signed(cell: re.Match[str]) -> float:
    """Read a cell; parentheses without a sign make it negative."""
    negative = cell["sign"] == "-" or (not cell["sign"] and bool(cell["open"] and cell["close"]))
    return -_number(cell["number"]) if negative else _number(cell["number"])


def _markets(
    plain: str, sentence: Span, mentions: Sequence[Mention], named: Sequence[str]
) -> list[tuple[_Subject, _Move]]:
    """Find what is told of whole markets: "Asian shares", "Hong Kong and South Korea", "both indices"."""
    found = []
    for match in _MARKET.finditer(plain, sentence.start, sentence.end):
        place = bisect_left(mentions, match.end(), key=_start)
        if place and mentions[place - 1].span.end > match.start():
            continue
        span = Span(match.start(), match.start() + len(match[0].rstrip()))
        subject = _Subject(span, _symbols(match, named, mentions, place))
        move = _market_move(plain, match, sentence, _next_start(mentions, match.end(), sentence.end))
        if move and subject.symbols:
            found.append((subject, move))
    return found


def _start(mention: Mention) -> int:
    return mention.span.start


def _next_start(mentions: Sequence[Mention], place: int, end: int) -> int:
    """Give the start of the first mention from a place on, or the end."""
    at = bisect_left(mentions, place, key=_start)
    return mentions[at].span.start if at < len(mentions) else end


def _line_start(plain: str, place: int) -> int | None:
    """Give where the line of a place begins, None where that is too far to be a table's first cell."""
    nearest = max(0, place - _FIRST_CELL)
    line = plain.rfind("\n", nearest, place)
    return line + 1 if line >= 0 else 0 if nearest == 0 else None


def _symbols(
    match: re.Match[str], named: Sequence[str], mentions: Sequence[Mention], place: int
) -> tuple[str, ...]:
    if match["who"]:
        who = re.split(r", | and ", match["who"])
        return tuple(dict.fromkeys(symbol for name in who for symbol in _COUNTRIES[name]))
    if match["both"]:
        return _latest_two(
            chain(
                (mentions[at].symbol for at in range(place - 1, -1, -1) if mentions[at].kind == "index"),
                reversed(named),
            )
        )
    return ("",) if match["msci"] else _AMERICAN_FUTURES if match["futures"] else _AMERICAN


def _latest_two(symbols: Iterable[str]) -> tuple[str, ...]:
    """Give the last two indices that were named, the earlier first."""
    latest: list[str] = []
    for symbol in symbols:
        if symbol not in latest:
            latest.append(symbol)
        if len(latest) == 2:
            break
    return tuple(reversed(latest))


def _market_move(plain: str, match: re.Match[str], sentence: Span, stop: int) -> _Move | None:
    if match["who"] and not match["boards"]:
        mood = _BARE_MOOD.match(plain, match.end(), sentence.end)
        if mood:
            return _Move(mood.start() + len(mood[0].rstrip()), NAN, NAN, NAN, mood[0].strip(" ,"))
    elif move := _prose_move(plain, match.end(), sentence.end, stop):
        return move
    before = _BEFORE_MARKET.search(plain, max(sentence.start, match.start() - 60), match.start())
    return _Move(match.start(), NAN, NAN, NAN, before[0].strip()) if before else None


def _listed_mover(plain: str, text: str, mention: Mention) -> Mover | None:
    """Read a row of a list of movers: the percent at the start of the line, or right behind the name."""
    start, end = mention.span
    line = _line_start(plain, start)
    if line is None:
        return None
    stop = plain.find("\n", end)
    stop = len(plain) if stop < 0 else stop
    head = _MOVER_HEAD.search(plain, line, start)
    cell = None if head else _MOVER_CELL.match(plain, end, stop)
    if head:
        percent, rest = _listed_percent(head, plain, line), end
    elif cell and not plain[line:start].strip("*-• ") and (cell["sign"] or cell["open"]):
        percent, rest = _listed_percent(cell, plain, line), cell.end()
    else:
        return None
    if math.isnan(percent):
        return None
    return Mover(Span(line, stop), mention.symbol, percent, text[rest:stop].strip(" :;,-\t\r"))


def _listed_percent(cell: re.Match[str], plain: str, line: int) -> float:
    """Read a listed percent; one without any sign takes that of the heading above it, or is unknown."""
    size = _number(cell["number"])
    if cell["sign"]:
        return -size if cell["sign"] == "-" else size
    if cell["open"] and cell["close"]:
        return -size
    above = plain[max(0, line - 3000) : line]
    up = max((found.start() for found in _GAINERS.finditer(above)), default=-1)
    down = max((found.start() for found in _LOSERS.finditer(above)), default=-1)
    return NAN if up == down else size if up > down else -size


def _mover(text: str, sentence: Span, subject: _Subject, move: _Move) -> Mover:
    why = _REASON.search(text, move.end, min(sentence.end, move.end + _LONGEST_REASON))
    reason = " ".join(why["why"].split()).strip(" .;,") if why else ""
    return Mover(Span(subject.span.start, move.end), subject.symbols[0], move.percent, reason)
