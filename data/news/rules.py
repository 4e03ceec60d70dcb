"""What a sentence tells: the taxonomy's rules and cues applied to its words."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from aftershock.data.news.taxonomy import (
    LONG_GAP,
    Cue,
    Node,
    Pattern,
    Patterns,
    Rule,
    Step,
    Taxonomy,
    Token,
    Topic,
    load_taxonomy,
    tokens,
)
from aftershock.data.news.types import Finding, Span

NEGATION_REACH = 3
"""How many words before a cue may negate it."""

STANCE_REACH = 6
"""How many words may stand between a thing and its movement."""

POLICY_WEIGHT = 1.0
"""What a phrase of policy counts beside a thing that moves."""

STANCE_AT = 1.0
"""From which sum on a sentence leans."""

SENTENCE_CHARACTERS = 10_000
"""How much of a sentence is read: nobody writes a longer one, and time stays bounded."""

HEADLINE_WORDS = 200
"""How many words a headline may have; a longer one is read as a text."""

FED_TOPIC = "fed"
"""The topic whose sentences without cues are read as a central banker's."""

MOVE_TOPIC = "market_move"
"""The topic that tells what prices did."""

Hits = Mapping[int, Sequence[tuple[int, int]]]
Spans = tuple[tuple[int, int], ...]

_BREAKS = frozenset({";", "while", "whereas", "but", "although", "though", "despite"})
_MARKS = frozenset(";:,()?!.—–-")


class Heard(NamedTuple):
    """One cue found: what it points to, how strongly, and where."""

    direction: str
    weight: float
    polarity: float
    start: int
    end: int


def find(sentence_text: str, taxonomy: Taxonomy, *, is_headline: bool) -> list[Finding]:
    """Find what a sentence tells.

    Parameters
    ----------
    sentence_text : str
        One sentence, heading or headline; what follows its first 10,000 characters is not read.
    taxonomy : Taxonomy
        From `load_taxonomy`.
    is_headline : bool
        Whether it is a headline, which is read as one; a sentence of a text is cut at "while", "but",
        "despite" and semicolons, each piece speaking for itself.

    Returns
    -------
    list of Finding
        One for each topic and piece, in the order of the text; spans are positions in ``sentence_text``.

    Examples
    --------
    >>> taxonomy = load_taxonomy()
    >>> [(f.tag, f.direction) for f in find("Fed cuts rates by 25 bps", taxonomy, is_headline=True)]
    [('fed', 'dovish')]
    >>> find("We fed the ducks", taxonomy, is_headline=True)
    []
    """
    words = tokens(sentence_text[:SENTENCE_CHARACTERS])
    if not words:
        return []
    is_headline = is_headline and len(words) <= HEADLINE_WORDS
    everything = hits_of(words, taxonomy.root)
    status, attribution = _source(sentence_text, words, everything, taxonomy)
    found: list[Finding] = []
    for piece in [_walled(words)] if is_headline else _pieces(words):
        hits = everything if len(piece) == len(words) else hits_of(piece, taxonomy.root)
        told = (_told(sentence_text, topic, taxonomy, piece, hits, is_headline) for topic in taxonomy.topics)
        found = _joined(found, [one for one in told if one is not None])
    found.sort(key=lambda finding: finding.evidence)
    return [_sourced(finding, status, attribution) for finding in found]


def _joined(found: list[Finding], more: list[Finding]) -> list[Finding]:
    """Add a piece's findings; one that says no way belongs to its neighbour of the same topic that says one."""
    for new in more:
        old = next((f for f in reversed(found) if f.tag == new.tag and new.tag != MOVE_TOPIC), None)
        if old is not None and 0.0 in (old.polarity, new.polarity):
            found = [f for f in found if f is not old]
            new = _both(old, new)
        found = [*found, new]
    return found


def _both(old: Finding, new: Finding) -> Finding:
    told = new if old.polarity == 0.0 else old
    other = old if told is new else new
    evidence = Span(min(old.evidence.start, new.evidence.start), max(old.evidence.end, new.evidence.end))
    numbers = {
        name: getattr(told if math.isfinite(getattr(told, name)) else other, name)
        for name in ("strength", "expected", "actual")
    }
    return replace(told, evidence=evidence, **numbers)


def hits_of(words: Sequence[Token], root: Node) -> dict[int, list[tuple[int, int]]]:
    """Give where the phrases of each list stand, as half-open ranges of words, sorted by start."""
    hits: dict[int, list[tuple[int, int]]] = {}
    for at in range(len(words)):
        for number, end in _ending(words, at, root):
            hits.setdefault(number, []).append((at, end))
    return hits


def _ending(words: Sequence[Token], at: int, root: Node) -> Iterator[tuple[int, int]]:
    nodes = _following(root, words[at])
    while nodes:
        at += 1
        for node in nodes:
            for number in node.lists:
                yield number, at
        if at == len(words):
            return
        nodes = [following for node in nodes for following in _following(node, words[at])]


def _following(node: Node, word: Token) -> list[Node]:
    plain = node.following.get(word.key)
    named = node.following.get("^" + word.key) if word.capital else None
    return [found for found in (plain, named) if found is not None]


def matches(pattern: Pattern, hits: Hits) -> list[Spans]:
    """Give every place of a pattern: the ranges of words of its steps, each step taken as early as it can be."""
    steps = pattern.steps
    if any(step.words not in hits for step in steps):
        return []
    found = []
    for start in hits[steps[0].words]:
        rest = _follow(steps, 1, start[1], hits)
        if rest is not None:
            found.append((start, *rest))
    return found


def _follow(steps: Sequence[Step], nth: int, end: int, hits: Hits) -> Spans | None:
    """Give the places of the steps from the n-th on, after a word; None where they do not follow."""
    if nth == len(steps):
        return ()
    places = hits[steps[nth].words]
    for at in range(bisect_left(places, (end, 0)), len(places)):
        if places[at][0] > end + steps[nth].gap:
            break
        rest = _follow(steps, nth + 1, places[at][1], hits)
        if rest is not None:
            return (places[at], *rest)
    return None


def _all(patterns: Patterns, hits: Hits) -> list[Spans]:
    begun = sorted(patterns.keys() & hits.keys())
    return [spans for first in begun for pattern in patterns[first] for spans in matches(pattern, hits)]


def _any(patterns: Patterns, hits: Hits) -> bool:
    begun = patterns.keys() & hits.keys()
    return any(matches(pattern, hits) for first in begun for pattern in patterns[first])


def _pieces(words: list[Token]) -> list[list[Token]]:
    pieces: list[list[Token]] = [[]]
    for word in words:
        if word.key in _BREAKS:
            pieces.append([])
        pieces[-1].append(word)
    return [piece for piece in pieces if piece]


def _walled(words: Sequence[Token]) -> list[Token]:
    """Put blanks after each semicolon, more than any gap may span."""
    walled: list[Token] = []
    for word in words:
        walled.append(word)
        if word.key == ";":
            walled.extend([Token("", word.end, word.end, False)] * (LONG_GAP + 1))
    return walled


# --- one topic ---------------------------------------------------------------------------------------------


def _told(
    text: str, topic: Topic, taxonomy: Taxonomy, words: Sequence[Token], hits: Hits, is_headline: bool
) -> Finding | None:
    place = "headline" if is_headline else "body"
    spoken = _spoken(topic, hits, place)
    if spoken is None:
        return None
    masked = _masked(topic, hits)
    if masked:
        hits = _without(masked, hits)
        spoken = _spoken(topic, hits, place)
        if spoken is None:
            return None
    rule, said = spoken
    heard = _heard(topic, taxonomy, words, hits, place)
    direction, polarity, winners = _verdict(topic, rule, heard)
    if topic.name == FED_TOPIC and not heard:
        direction = _leaning(words, hits, taxonomy)
        polarity = topic.polarity.get(direction, 0.0)
    strength, expected, actual = _numbers(text, topic.name, words, hits, taxonomy)
    if not heard and math.isfinite(actual - expected) and actual != expected:
        direction = _ways(topic)[actual < expected]
        polarity = topic.polarity.get(direction, 0.0)
    ends = [*said, *((cue.start, cue.end) for cue in winners)]
    evidence = Span(words[min(a for a, _ in ends)].start, words[max(b for _, b in ends) - 1].end)
    return Finding(
        topic.name,
        direction,
        _status(topic, taxonomy, hits),
        polarity,
        _confidence(rule, heard, direction, taxonomy, hits),
        evidence,
        Span(0, len(text)),
        rule.name,
        strength=strength,
        expected=expected,
        actual=actual,
    )


def _spoken(topic: Topic, hits: Hits, place: str) -> tuple[Rule, list[tuple[int, int]]] | None:
    """Give the first rule that speaks, with the range of words of each of its matches."""
    for rule in topic.rules:
        if rule.only not in ("", place):
            continue
        said = _all(rule.any, hits)
        if said and (not rule.also or _any(rule.also, hits)) and not _any(rule.unless, hits):
            return rule, [(spans[0][0], spans[-1][1]) for spans in said]
    return None


def _masked(topic: Topic, hits: Hits) -> set[int]:
    return {at for spans in _all(topic.mask, hits) for at in range(spans[0][0], spans[-1][1])}


def _without(masked: set[int], hits: Hits) -> Hits:
    kept = {n: [span for span in spans if masked.isdisjoint(range(*span))] for n, spans in hits.items()}
    return {number: spans for number, spans in kept.items() if spans}


def _heard(topic: Topic, taxonomy: Taxonomy, words: Sequence[Token], hits: Hits, place: str) -> list[Heard]:
    """Give the cues that count: a heavier one silences the lighter ones that it overlaps."""
    nots = [start for start, _ in _negators(taxonomy, hits)]
    all_heard = [
        _cue(topic, cue, spans, words, nots)
        for cue in topic.cues
        if cue.only in ("", place)
        for spans in _all(cue.any, hits)
        if not _any(cue.unless, hits)
    ]
    all_heard.sort(key=lambda cue: (-cue.weight, cue.start - cue.end, cue.start))
    counted: list[Heard] = []
    taken: set[int] = set()
    for cue in all_heard:
        here = range(cue.start, cue.end)
        if taken.isdisjoint(here):
            counted.append(cue)
            taken.update(here)
    return counted


def _cue(topic: Topic, cue: Cue, spans: Spans, words: Sequence[Token], nots: Sequence[int]) -> Heard:
    start, end = spans[0][0], spans[-1][1]
    negated = _is_negated(spans, words, nots)
    direction = topic.opposites.get(cue.direction, cue.direction) if negated else cue.direction
    own = cue.polarity is not None and not negated
    polarity = cue.polarity if own and cue.polarity is not None else topic.polarity.get(direction, 0.0)
    return Heard(direction, cue.weight, polarity, start, end)


def _negators(taxonomy: Taxonomy, hits: Hits) -> list[tuple[int, int]]:
    kept = hits.get(taxonomy.lists.get("no_negators", -1), ())
    return [
        (a, b)
        for a, b in hits.get(taxonomy.lists.get("negators", -1), ())
        if not any(c <= a < d for c, d in kept)
    ]


def _is_negated(spans: Spans, words: Sequence[Token], nots: Sequence[int]) -> bool:
    if not nots:
        return False
    start, end = spans[0][0], spans[-1][1]
    reach = start
    while reach > 0 and start - reach < NEGATION_REACH and words[reach - 1].key not in _MARKS:
        reach -= 1
    inside = (at for at in nots[bisect_left(nots, reach) :] if at < end)
    return sum(not any(a <= at < b for a, b in spans) for at in inside) % 2 == 1


def _verdict(topic: Topic, rule: Rule, heard: Sequence[Heard]) -> tuple[str, float, list[Heard]]:
    totals: dict[str, float] = {}
    for cue in heard:
        totals[cue.direction] = totals.get(cue.direction, 0.0) + cue.weight
    if not totals:
        direction = rule.direction or topic.otherwise
        return direction, topic.polarity.get(direction, 0.0), []
    best = max(totals.values())
    leading = [direction for direction, total in totals.items() if total == best]
    if len(leading) > 1:
        return topic.otherwise, topic.polarity.get(topic.otherwise, 0.0), list(heard)
    winners = [cue for cue in heard if cue.direction == leading[0]]
    return leading[0], winners[0].polarity, winners


def _ways(topic: Topic) -> list[str]:
    """Give the directions from the best to the worst."""
    return sorted(topic.opposites, key=lambda way: -topic.polarity[way])


def _confidence(rule: Rule, heard: Sequence[Heard], direction: str, taxonomy: Taxonomy, hits: Hits) -> float:
    confidence = rule.confidence
    if taxonomy.lists.get("hedges", -1) in hits:
        confidence *= 0.8
    against = sum(cue.weight for cue in heard if cue.direction != direction)
    agree = sum(cue.weight for cue in heard if cue.direction == direction)
    if against:
        confidence *= (1 + agree) / (1 + agree + against)
    return round(confidence, 3)


# --- status and source -------------------------------------------------------------------------------------


def _status(topic: Topic, taxonomy: Taxonomy, hits: Hits) -> str:
    if topic.name == MOVE_TOPIC:
        return "move"
    return "scheduled" if taxonomy.lists.get("scheduled", -1) in hits else "announced"


def _source(text: str, words: Sequence[Token], hits: Hits, taxonomy: Taxonomy) -> tuple[str, str]:
    """Give ``reported`` or "" and who reported it."""
    hearsay = _places("hearsay", hits, taxonomy)
    outlets = [span for span in _places("outlets", hits, taxonomy) if _is_credit(words, *span)]
    closing = [*outlets, *_places("closing_sources", hits, taxonomy)]
    ends = [(a, b) for a, b in closing if b >= len(words) - 1 and a and words[a - 1].key in _CREDIT_MARKS]
    status = "reported" if hearsay or ends else ""
    named = ends[-1:] or outlets[:1]
    if named:
        return status, _written(text, words, *named[0])
    told = _written(text, words, *hearsay[0]) if hearsay else ""
    kind = _KINDS_OF_SOURCE.search(told)
    return status, kind.group() if kind else told


def _written(text: str, words: Sequence[Token], start: int, end: int) -> str:
    return text[words[start].start : words[end - 1].end]


def _is_credit(words: Sequence[Token], start: int, end: int) -> bool:
    """Tell whether an outlet stands where its report is credited, and not as a company, a poll or an index."""
    before = words[start - 1].key if start else ""
    after = words[end].key if end < len(words) else ""
    if after in ("poll", "polls", "survey", "consensus", "index", "data"):
        return False
    return before in _CREDIT_BEFORE or after in _CREDIT_AFTER


_KINDS_OF_SOURCE = re.compile(r"\b(?:sources?|reports?|reportedly|people|person|media|rumou?rs?)\b", re.I)
_CREDIT_MARKS = frozenset({":", "-", "–", "—"})
_CREDIT_BEFORE = frozenset({":", "-", "–", "—", "(", "to", "told", "by", "in", "with"})
_CREDIT_AFTER = frozenset(
    {"reported", "reports", "reporting", "report", "cited", "citing", "cites", "said", "says"}
    | {"sources", "highlighted", "noted", "quoted"}
)


def _sourced(finding: Finding, status: str, attribution: str) -> Finding:
    told = status if status and finding.status != "move" else finding.status
    return replace(finding, status=told, attribution=attribution)


# --- numbers -----------------------------------------------------------------------------------------------

_NUMBER = r"\(?[-+−]?[$¥€£]?\d[\d,]{0,15}(?:(?:\.|\s\.\s)\d{1,9})?\)?"
_UNIT = r"\s?(?:%\)?|percent|per\s?cent|pct|[kKmMbBtT]\b|bn\b|mln\b|bln\b|million|billion|trillion)?\)?"
_SAID = r"(?:the\s)?(?:FactSet|consensus|expected|forecasts?|estimates?|est\.?|expectations?|StreetAccount|polls?)"
_LINK = r"\s?,?\s(?:vs\.?|v\.?|versus|against|compared\s(?:with|to))\s"
_AGAINST = re.compile(
    rf"({_NUMBER}{_UNIT}){_LINK}(?:{_SAID}(?:\s(?:of|for))?\s({_NUMBER}{_UNIT})|({_NUMBER}{_UNIT})\s{_SAID})",
    re.I,
)
_BESIDE = re.compile(
    rf"({_NUMBER}{_UNIT})\s?,?\s(?:above|below|beating|missing|topping|exceeding|short\sof|over|under)\s"
    rf"(?:{_SAID}|analysts['’]?|economists['’]?|a|an|of|for|\s){{1,12}}({_NUMBER}{_UNIT})",
    re.I,
)
_PRIOR = re.compile(rf"({_NUMBER}{_UNIT}){_LINK}({_NUMBER}{_UNIT})", re.I)
_POINTS = re.compile(
    r"\b(\d{1,4}(?:(?:\.|\s\.\s)\d{1,4})?)[\s-]{0,3}(?:basis[\s-]{1,3}points?|bps?)\b"
    r"|\b(half|quarter|three-quarters?|full)[\s-]{1,3}(?:of\sa\s)?(?:percentage[\s-]{1,3})?point\b",
    re.I,
)
_SPOKEN = {"half": 50.0, "quarter": 25.0, "three-quarter": 75.0, "three-quarters": 75.0, "full": 100.0}
_CUT_NEAR = re.compile(r"\b(?:cut|cuts|cutting|reduc\w*|lower\w*|eas\w*|slash\w*|trim\w*)\b", re.I)
_RAISE_NEAR = re.compile(r"\b(?:hik\w*|rais\w*|increas\w*|lift\w*|tighten\w*|rise\w*)\b", re.I)
_SCALES = {"k": 1e3, "m": 1e6, "million": 1e6, "mln": 1e6, "b": 1e9, "bn": 1e9, "bln": 1e9, "billion": 1e9}
_SCALES |= {"t": 1e12, "trillion": 1e12}


def amount(written: str) -> float:
    """Read a number as wraps write it: brackets mean minus, a letter scales, NaN is no number.

    Examples
    --------
    >>> amount("(1.2%)"), amount("¥132.97B"), amount("263,000"), amount("2 . 4 %")
    (-1.2, 132970000000.0, 263000.0, 2.4)
    """
    match = re.search(r"\d[\d,]*(?:(?:\.|\s\.\s)\d+)?", written)
    if match is None:
        return math.nan
    value = float(re.sub(r"[,\s]", "", match.group()))
    scale = _SCALES.get(written[match.end() :].strip(" )").lower(), 1.0)
    minus = written.lstrip().startswith(("(", "-", "−")) and not written.lstrip().startswith("(+")
    return round(-value * scale if minus else value * scale, 6)


def compared(text: str) -> tuple[float, float]:
    """Give what a text tells as actual and as expected; NaN where it does not.

    Examples
    --------
    >>> compared("CPI rose 0.4 % vs 0.3 % expected")
    (0.4, 0.3)
    >>> compared("output (1.2%) versus (1.6%) in prior month")
    (-1.2, nan)
    """
    match = _AGAINST.search(text)
    if match:
        return amount(match[1]), amount(match[2] or match[3])
    match = _BESIDE.search(text)
    if match:
        return amount(match[1]), amount(match[2])
    match = _PRIOR.search(text)
    return (amount(match[1]), math.nan) if match else (math.nan, math.nan)


def basis_points(text: str) -> float:
    """Give the size of a rate move in basis points, negative for a cut, NaN where none is told.

    Examples
    --------
    >>> basis_points("a near-certainty of a 25-basis-point reduction, with slim odds of a half-point move")
    -25.0
    """
    match = _POINTS.search(text)
    if match is None:
        return math.nan
    size = amount(match[1]) if match[1] else _SPOKEN[match[2].lower()]
    near = text[match.end() : match.end() + 30]
    if not (_CUT_NEAR.search(near) or _RAISE_NEAR.search(near)):
        near = text[max(0, match.start() - 60) : match.start()]
    return -size if _last(_CUT_NEAR, near) > _last(_RAISE_NEAR, near) else size


def _last(pattern: re.Pattern[str], text: str) -> int:
    return max((match.start() for match in pattern.finditer(text)), default=-1)


def _numbers(
    text: str, tag: str, words: Sequence[Token], hits: Hits, taxonomy: Taxonomy
) -> tuple[float, float, float]:
    """Give strength, expected and actual."""
    piece = text[words[0].start : words[-1].end + 2]
    if tag == FED_TOPIC:
        points = basis_points(piece)
        ahead = taxonomy.lists.get("scheduled", -1) in hits
        return abs(points), points if ahead else math.nan, math.nan if ahead else points
    if tag == "tariff":
        return (
            _tariff_points(text, words, hits.get(taxonomy.lists.get("tariff_words", -1), ())),
            math.nan,
            math.nan,
        )
    if tag in ("macro_data", "earnings"):
        actual, expected = compared(piece)
        return math.nan, expected, actual
    return math.nan, math.nan, math.nan


def _tariff_points(text: str, words: Sequence[Token], named: Sequence[tuple[int, int]]) -> float:
    """Give the points of a tariff told beside its rate; of "to 25 % from 10 %" the difference."""
    near = [
        at for at, word in enumerate(words) if word.key == "%" and any(a - 5 <= at <= b + 6 for a, b in named)
    ]
    if not near:
        return math.nan
    rates = [amount(text[words[at].start : words[at].end]) for at in near]
    froms = [rate for at, rate in zip(near, rates, strict=True) if at and words[at - 1].key == "from"]
    return max(rates) - froms[0] if froms and len(rates) > 1 else max(rates)


# --- the stance of a central banker's sentence -------------------------------------------------------------


def stance(sentence: str, taxonomy: Taxonomy | None = None) -> str:
    """Say which way a central banker's sentence leans: things that heat up are hawkish, slack is dovish.

    Parameters
    ----------
    sentence : str
        One sentence of a statement, minutes or a speech.
    taxonomy : Taxonomy, optional
        The shipped one by default.

    Returns
    -------
    str
        ``dovish``, ``hawkish`` or ``neutral``.

    Examples
    --------
    >>> stance("Inflation has risen and remains elevated.")
    'hawkish'
    >>> stance("The unemployment rate rose further and spending slowed.")
    'dovish'
    """
    taxonomy = taxonomy or load_taxonomy()
    words = tokens(sentence[:SENTENCE_CHARACTERS])
    return _leaning(words, hits_of(words, taxonomy.root), taxonomy)


def _leaning(words: Sequence[Token], hits: Hits, taxonomy: Taxonomy) -> str:
    lean = _heat(words, hits, taxonomy) + POLICY_WEIGHT * _policy(words, hits, taxonomy)
    if lean >= STANCE_AT:
        return "hawkish"
    return "dovish" if lean <= -STANCE_AT else "neutral"


def _places(name: str, hits: Hits, taxonomy: Taxonomy) -> Sequence[tuple[int, int]]:
    return hits.get(taxonomy.lists.get(name, -1), ())


def _heat(words: Sequence[Token], hits: Hits, taxonomy: Taxonomy) -> float:
    """Add up what moves which way: each thing takes the nearest movement of its clause."""
    moves = [(span, 1) for span in _places("stance_up", hits, taxonomy)]
    moves += [(span, -1) for span in _places("stance_down", hits, taxonomy)]
    nots = [start for start, _ in _negators(taxonomy, hits)]
    things = _longest([(s, 1) for s in _places("stance_hot", hits, taxonomy)], "stance_slack", hits, taxonomy)
    total = 0.0
    for span, heat in things:
        near = [
            (gap, _turned(move, sign, words, nots))
            for move, sign in moves
            if (gap := _gap(span, move)) <= STANCE_REACH and not _parted(span, move, words)
        ]
        if near:
            total += heat * min(near)[1]
    return total


def _longest(
    things: list[tuple[tuple[int, int], int]], slack: str, hits: Hits, taxonomy: Taxonomy
) -> list[tuple[tuple[int, int], int]]:
    """Keep the longest of overlapping things: "labor market slack" is slack, not a labor market."""
    things = things + [(span, -1) for span in _places(slack, hits, taxonomy)]
    things.sort(key=lambda thing: thing[0][0] - thing[0][1])
    taken: set[int] = set()
    kept = []
    for span, heat in things:
        if taken.isdisjoint(range(*span)):
            kept.append((span, heat))
            taken.update(range(*span))
    return kept


def _gap(one: tuple[int, int], other: tuple[int, int]) -> int:
    return max(one[0] - other[1], other[0] - one[1], 0)


def _parted(one: tuple[int, int], other: tuple[int, int], words: Sequence[Token]) -> bool:
    low, high = min(one[1], other[1]), max(one[0], other[0])
    return any(word.key in (";", ",", ":", "but", "while", "although") for word in words[low:high])


def _turned(move: tuple[int, int], sign: int, words: Sequence[Token], nots: Sequence[int]) -> int:
    return -sign if _is_negated((move,), words, nots) else sign


def _policy(words: Sequence[Token], hits: Hits, taxonomy: Taxonomy) -> float:
    nots = [start for start, _ in _negators(taxonomy, hits)]
    total = 0
    for way, sign in (("hawkish", 1), ("dovish", -1)):
        found = {spans[0]: spans for spans in _all(taxonomy.stance[way], hits)}
        total += sum(-sign if _is_negated(spans, words, nots) else sign for spans in found.values())
    return float(total)
