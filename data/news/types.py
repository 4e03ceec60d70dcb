"""What news is made of: documents, what they mention, what they tell. All spans are positions in a document's text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Span(NamedTuple):
    """A half-open range of characters of a document's text."""

    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Document:
    """One news text as received.

    Attributes
    ----------
    file : str
        The file it came from, as the user named it; ``-`` for standard input.
    row : int or None
        The 1-based line of a headline table; None for a wrap.
    text : str
        The text, free of markup.
    places : ndarray of int64, shape (len(text) + 1,), or None
        Where each character stands in the file; None where text and file are the same.
    published : str
        The stamp that came with it (a time column, ``--published``), "" for none.
    zone : str
        The zone that stamps without one are read in, "" for none.
    """

    file: str
    row: int | None
    text: str
    places: NDArray[np.int64] | None = None
    published: str = ""
    zone: str = ""

    @property
    def is_headline(self) -> bool:
        """Whether it is a row of a headline table."""
        return self.row is not None

    def in_file(self, span: Span) -> Span:
        """Give the range of characters of the file that a span of the text came from."""
        if self.places is None:
            return span
        return Span(int(self.places[span.start]), int(self.places[span.end]))


class Sentence(NamedTuple):
    """One sentence, heading or list item of the news itself (boilerplate has none).

    ``role`` is ``title``, ``heading``, ``body`` or ``item`` (a line of a list or table).
    """

    span: Span
    role: str


@dataclass(frozen=True)
class Layout:
    """How a document is built: its sentences in order, and what is no news (stamps, disclaimers, navigation)."""

    sentences: tuple[Sentence, ...]
    boilerplate: tuple[Span, ...]


@dataclass(frozen=True)
class Known:
    """When the public can have known a document: UTC ns, both bounds included, with the reasons in words."""

    known_from: int
    known_by: int
    why: tuple[str, ...]


class Mention(NamedTuple):
    """An instrument named in a text, by ticker or by name; ``kind`` is ``stock``, ``fund`` or ``index``."""

    span: Span
    text: str
    symbol: str
    kind: str


class IndexMove(NamedTuple):
    """What a text says of an index: percent (NaN unknown), level, change in points, and its qualifier ("nearly")."""

    span: Span
    symbol: str
    percent: float
    level: float
    change: float
    qualifier: str


class Mover(NamedTuple):
    """A stock that a text lists with its move and the reason given."""

    span: Span
    symbol: str
    percent: float
    reason: str


class Macro(NamedTuple):
    """A macro print; NaN where a number is not told. ``period`` is what it measures ("August"), in the text's words."""

    span: Span
    name: str
    period: str
    actual: float
    expected: float
    previous: float
    unit: str


@dataclass(frozen=True)
class Finding:
    """One thing a rule found in a sentence: the seed of an event.

    Attributes
    ----------
    tag, direction, status : str
        The topic; its own way ("" unknown); ``announced``, ``reported``, ``scheduled`` or ``move``.
    polarity : float
        -1 to 1: bad or good for what it is about; 0 neutral or unknown.
    confidence : float
        0 to 1.
    evidence : Span
        The words that say so, inside one sentence.
    sentence : Span
        The sentence.
    rule : str
        The name of the rule that spoke, for ``--explain``.
    attribution : str
        Who reported it, where it is reported ("The Information").
    strength : float
        Size by the rule's formula (basis points, tariff points); NaN unknown.
    expected, actual : float
        Where the text says so; NaN unknown.
    impacts : dict of str to float
        Polarity by instrument, where it differs from one to the next.
    """

    tag: str
    direction: str
    status: str
    polarity: float
    confidence: float
    evidence: Span
    sentence: Span
    rule: str
    attribution: str = ""
    strength: float = float("nan")
    expected: float = float("nan")
    actual: float = float("nan")
    impacts: dict[str, float] = field(default_factory=dict)
