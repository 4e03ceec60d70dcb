"""Which events tell the same news: stories, formed in the order of `known_by` and never rewritten."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

from aftershock.data.instants import DAY

WINDOW = 7 * DAY
"""How long after its last mention a story may still be told."""

REMEMBERED = 400
"""How many stories of a topic are kept in mind: memory stays flat over a stream."""

ALIKE = 0.5
"""The share of the smaller set of words that two tellings without a common name must share."""

ALIKE_ABOUT_ONE = 0.25
"""The same where both name the same instrument."""

LEAST = 3
"""Words that two tellings must share where neither names the same instrument."""

_WORD = re.compile(r"[a-z]*\d[a-z0-9.]*|[a-z][a-z'’-]+")
_MODEL = re.compile(r"(?![fc]y\d)[a-z]{2,}\d")
_COMMON = frozenset(
    [
        "a",
        "about",
        "after",
        "again",
        "against",
        "all",
        "also",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "back",
        "be",
        "been",
        "before",
        "being",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "down",
        "during",
        "each",
        "for",
        "from",
        "further",
        "had",
        "has",
        "have",
        "he",
        "her",
        "his",
        "how",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "just",
        "last",
        "latest",
        "like",
        "may",
        "might",
        "more",
        "most",
        "new",
        "news",
        "next",
        "no",
        "not",
        "now",
        "of",
        "off",
        "on",
        "one",
        "only",
        "or",
        "other",
        "out",
        "over",
        "per",
        "said",
        "say",
        "says",
        "see",
        "set",
        "she",
        "should",
        "since",
        "so",
        "some",
        "still",
        "such",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "through",
        "to",
        "today",
        "told",
        "under",
        "up",
        "us",
        "was",
        "we",
        "week",
        "were",
        "what",
        "when",
        "which",
        "while",
        "who",
        "will",
        "with",
        "would",
        "year",
        "yesterday",
        "you",
        "friday",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "saturday",
        "sunday",
        "report",
        "reports",
        "reported",
        "according",
        "sources",
        "likely",
        "ahead",
    ]
)


@dataclass(frozen=True)
class Telling:
    """What decides whether two events tell one story.

    Attributes
    ----------
    tag, direction, status : str
        Of the event.
    subject : str
        What it is about where no instrument says it ("US", "Asia futures").
    symbols : frozenset of str
        The instruments it names.
    words : frozenset of str
        Its words without the common ones.
    known_by : int
        UTC ns.
    """

    tag: str
    direction: str
    status: str
    subject: str
    symbols: frozenset[str]
    words: frozenset[str]
    known_by: int

    @cached_property
    def models(self) -> frozenset[str]:
        """Products named by letters and digits; letters in another order are a misspelling."""
        return frozenset("".join(sorted(word)) for word in self.words if _MODEL.match(word))


@dataclass
class _Story:
    name: str
    told: Telling
    last: int
    symbols: frozenset[str]
    models: frozenset[str]


class Stories:
    """The stories so far.

    Examples
    --------
    >>> stories = Stories()
    >>> def told(text):
    ...     return Telling("chip", "positive", "announced", "", frozenset({"000660.KS"}), words_of(text), 0)
    >>> one = stories.place(told("SK Hynix completes its HBM4 memory"))
    >>> two = stories.place(told("SK Hynix finished sixth gen HMB4 chip"))
    >>> one[0] == two[0], one[1], two[1]
    (True, True, False)
    """

    def __init__(self) -> None:
        self._by_tag: dict[str, deque[_Story]] = defaultdict(lambda: deque(maxlen=REMEMBERED))

    def place(self, told: Telling) -> tuple[str, bool]:
        """Give the story of a telling, and whether this is its first."""
        known = self._by_tag[told.tag]
        recent = [story for story in reversed(known) if abs(told.known_by - story.last) <= WINDOW]
        story = max(recent, key=lambda one: _likeness(one, told), default=None)
        if story is not None and _likeness(story, told) > 0.0:
            story.last = max(story.last, told.known_by)
            story.symbols |= told.symbols
            story.models |= told.models
            return story.name, False
        name = _name(told)
        known.append(_Story(name, told, told.known_by, told.symbols, told.models))
        return name, True


def words_of(text: str) -> frozenset[str]:
    """Give the words of a text that tell stories apart.

    Examples
    --------
    >>> sorted(words_of("The Fed's rate cut of 25 bps"))
    ['25', 'bps', 'cut', 'fed', 'rate']
    """
    lowered = text.lower().replace("’s", "").replace("'s", "")
    return frozenset(word.strip(".'’-") for word in _WORD.findall(lowered)) - _COMMON - {""}


def _likeness(story: _Story, told: Telling) -> float:
    """Say how surely a telling is of a story; 0 where it is not."""
    if told.tag == "market_move":
        return float(_is_same_move(story.told, told))
    if told.tag == "fed" and told.status == story.told.status == "scheduled":
        return float(told.direction == story.told.direction)
    common = story.symbols & told.symbols
    ways = {told.direction, story.told.direction} - {""}
    if len(ways) > 1 and (common or "neutral" not in ways):
        return 0.0
    if not common and story.symbols and told.symbols:
        return 0.0
    overlap = _overlap(story.told.words, told.words)
    if story.models & told.models:
        return 2.0 + overlap
    if common:
        return overlap if overlap >= ALIKE_ABOUT_ONE else 0.0
    enough = len(story.told.words & told.words) >= LEAST or story.told.words == told.words
    return overlap if enough and overlap >= ALIKE else 0.0


def _is_same_move(one: Telling, other: Telling) -> bool:
    """Compare moves by their day and by what moved."""
    if one.known_by // DAY != other.known_by // DAY or one.subject != other.subject:
        return False
    return bool(one.symbols & other.symbols) or one.symbols == other.symbols


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    least = min(len(one), len(other))
    return len(one & other) / least if least else float(one == other)


def _name(told: Telling) -> str:
    about = [told.tag, told.direction, told.subject, str(told.known_by)]
    content = "\x1f".join([*about, *sorted(told.symbols), *sorted(told.words)])
    return "st" + blake2b(content.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
