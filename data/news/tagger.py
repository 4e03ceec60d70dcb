"""The tagger: documents in, tagged events out, each with the words that say so."""

from __future__ import annotations

import datetime as dt
import os
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError
from aftershock.data.events import Events, load_events
from aftershock.data.instants import iso, to_index
from aftershock.data.news.documents import read_documents
from aftershock.data.news.layout import layout
from aftershock.data.news.macro import macro_prints
from aftershock.data.news.mentions import find_mentions, yahoo_style
from aftershock.data.news.numbers import index_moves, movers
from aftershock.data.news.places import markets_in, subject_of
from aftershock.data.news.rules import find
from aftershock.data.news.stamps import known
from aftershock.data.news.stories import Stories, Telling, words_of
from aftershock.data.news.taxonomy import Taxonomy, load_taxonomy
from aftershock.data.news.types import (
    Document,
    Finding,
    IndexMove,
    Known,
    Macro,
    Mention,
    Mover,
    Sentence,
    Span,
)
from aftershock.data.news.when import refers_to

TAGGER = "rules-1"
"""Name and version, written on every event."""

NEWS = ("announced", "reported")
"""The statuses that tell something new; a move or an expectation does not."""

MOVE = "market_move"

_BACK = re.compile(r"(?:The|This|These|That|It|Its|They|Their|Both)\b")
_TARGET = re.compile(
    r"\b(?:acquir\w*|buy\w*|bid|tender offer for|takeover of|stake in|shares in|offer for)\b", re.IGNORECASE
)
_SHARES = re.compile(r"\b(?:stocks?|shares|equities)\b", re.IGNORECASE)
_IN_HOUSE = re.compile(
    r"\b(?:in-house|own|internally designed|self-developed|domestically developed|home-?grown)\b[^.;]{0,20}\bchips?\b",
    re.IGNORECASE,
)
_SUPPLIERS = ("NVDA", "AMD")


@dataclass(frozen=True)
class Event:
    """One tagged event of a document.

    Attributes
    ----------
    finding : Finding
        What a rule found, its spans in the document's text.
    symbols : tuple of str
        The instruments it is about.
    scope : str
        What else it is about, where it names none.
    impacts : dict of str to float
        Polarity by instrument, where it differs from the event's own.
    story_id : str
        The story it tells.
    tradable : bool
        Whether it is the first print of a story that tells something new of something that trades.
    refers_to : (date, date)
        The first and the last day that its words speak of ("Thursday", "next week"); known is when it was published.
    """

    finding: Finding
    symbols: tuple[str, ...]
    scope: str
    impacts: dict[str, float]
    story_id: str
    tradable: bool
    refers_to: tuple[dt.date, dt.date]


@dataclass(frozen=True, eq=False)
class Told:
    """What one document tells.

    Attributes
    ----------
    document : Document
        The text.
    known : Known
        When the public can have known it, and why.
    events : tuple of Event
    mentions : tuple of Mention
    index_moves : tuple of IndexMove
    movers : tuple of Mover
    macro : tuple of Macro
    """

    document: Document
    known: Known
    events: tuple[Event, ...]
    mentions: tuple[Mention, ...]
    index_moves: tuple[IndexMove, ...]
    movers: tuple[Mover, ...]
    macro: tuple[Macro, ...]

    @property
    def is_recap(self) -> bool:
        """Whether it tells what prices did: then it was written because they moved."""
        moved = any(event.finding.tag == MOVE for event in self.events)
        return bool(self.index_moves or self.movers or moved)

    def as_json(self) -> dict[str, Any]:
        """Give the document as one object for programs; offsets are positions in its file."""
        where = self.document.in_file
        return {
            "file": self.document.file,
            "row": self.document.row,
            "known_from": iso(self.known.known_from),
            "known_by": iso(self.known.known_by),
            "why": list(self.known.why),
            "events": [self._event(event) for event in self.events],
            "mentions": [
                {"text": one.text, **_ends(where(one.span)), "symbol": yahoo_style(one.symbol)}
                for one in self.mentions
            ],
            "index_moves": [_plain(one, where(one.span)) for one in self.index_moves],
            "movers": [_plain(one, where(one.span)) for one in self.movers],
            "macro": [_plain(one, where(one.span)) for one in self.macro],
        }

    def _event(self, event: Event) -> dict[str, Any]:
        found = event.finding
        span = found.evidence
        return {
            "tag": found.tag,
            "direction": found.direction,
            "polarity": found.polarity,
            "strength": found.strength,
            "status": found.status,
            "symbols": [yahoo_style(symbol) for symbol in event.symbols],
            "scope": event.scope,
            "story_id": event.story_id,
            "tradable": event.tradable,
            "evidence": {"text": self.text_of(span), **_ends(self.document.in_file(span))},
            "confidence": found.confidence,
            "expected": found.expected,
            "actual": found.actual,
            "attribution": found.attribution,
            "refers_to": dict(zip(("start", "end"), map(str, event.refers_to), strict=True)),
            "impacts": {yahoo_style(symbol): size for symbol, size in event.impacts.items()},
            "rule": found.rule,
        }

    def text_of(self, span: Span) -> str:
        """Give the words of a span."""
        return self.document.text[span.start : span.end]


@dataclass(frozen=True, eq=False, repr=False)
class Tagged(Events):
    """Events that the tagger found, with what they were found in.

    Attributes
    ----------
    frame : DataFrame
        The events schema, with ``status``, ``polarity``, ``tradable``, ``refers_from`` and ``refers_to`` beside it.
    told : tuple of Told
        The documents, in the order in which they became known.
    impacts : DataFrame
        ``event_id, symbol, polarity``, where an event helps one and hurts another.
    """

    told: tuple[Told, ...]
    impacts: pd.DataFrame

    def table(self, *, explain: bool = False) -> pd.DataFrame:
        """Give the events as a table for people.

        Parameters
        ----------
        explain : bool
            Which rule spoke, on which characters of the file, and who is quoted.

        Returns
        -------
        DataFrame
            ``time, tag, direction, polarity, strength, symbols, evidence``, and ``status, story, tradable, rule, span,
            attribution`` where explained.
        """
        rows = [_shown(one, event) for one in self.told for event in one.events]
        told = ["time", "tag", "direction", "polarity", "strength", "symbols", "evidence"]
        more = ["status", "story", "tradable", "rule", "span", "attribution"] if explain else []
        return pd.DataFrame(rows, columns=[*told, *more])


def tell(documents: Iterable[Document], taxonomy: Taxonomy | None = None) -> Iterator[Told]:
    """Tell documents one after the other; memory does not grow with their number.

    Parameters
    ----------
    documents : iterable of Document
        In the order in which they became known: stories are formed as they come.
    taxonomy : Taxonomy, optional
        The shipped one by default.

    Yields
    ------
    Told

    Raises
    ------
    InputError
        A stamp that cannot be read without an answer to a question.

    Examples
    --------
    >>> news = Document("a.csv", 2, "Fed cuts rates by 25 basis points", published="2025-09-17T18:00Z")
    >>> [told] = tell([news])
    >>> [(event.finding.tag, event.finding.direction, event.tradable) for event in told.events]
    [('fed', 'dovish', True)]
    """
    chosen = taxonomy or load_taxonomy()
    stories = Stories()
    for document in documents:
        yield _told(document, chosen, stories)


def tag(
    documents: Iterable[Document],
    taxonomy: Taxonomy | None = None,
    *,
    tagged_at: Any = None,
) -> Tagged:
    """Turn documents into tagged events.

    Parameters
    ----------
    documents : iterable of Document
        From `read_documents`, in any order.
    taxonomy : Taxonomy, optional
        The shipped one by default; `load_taxonomy` merges a desk's own.
    tagged_at : instant, optional
        When this tagging is made; now by default.

    Returns
    -------
    Tagged

    Raises
    ------
    InputError
        A stamp that cannot be read without an answer to a question.
    """
    chosen = taxonomy or load_taxonomy()
    stamped = [(document, known(document, layout(document))) for document in documents]
    stamped.sort(key=lambda pair: (pair[1].known_by, pair[0].file, pair[0].row or 0))
    told = tuple(tell((document for document, _ in stamped), chosen))
    when = pd.Timestamp(tagged_at) if tagged_at is not None else pd.Timestamp.now(tz="UTC").floor("s")
    rows = [row for one in told for row in _rows(one, when)]
    impacts = [
        {"event_id": row["event_id"], "symbol": symbol, "polarity": polarity}
        for row in rows
        for symbol, polarity in row.pop("impacts").items()
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    table = pd.DataFrame(impacts, columns=["event_id", "symbol", "polarity"])
    loaded = load_events(frame)
    return Tagged(loaded.frame, loaded.warnings, loaded.skipped, told, table.astype({"polarity": np.float64}))


def read_news(
    sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], *, published: str = "", zone: str = ""
) -> list[Document]:
    """Read news files into documents; `read_documents` does it one by one.

    Parameters
    ----------
    sources : path or sequence of paths
        Wraps (text, HTML), folders, tables of headlines, ``-``.
    published, zone : str
        The stamp of texts without one, and the zone of stamps without one.

    Returns
    -------
    list of Document
        For `tag`.

    Raises
    ------
    InputError
        Files that cannot be read.
    """
    return list(read_documents(sources, published=published, zone=zone))


# ---------------------------------------------------------------------------------------- one document


COLUMNS = [
    "event_id",
    "known_from",
    "known_by",
    "tag",
    "direction",
    "strength",
    "confidence",
    "expected",
    "actual",
    "symbols",
    "scope",
    "headline",
    "source",
    "source_kind",
    "story_id",
    "tagged_at",
    "tagger",
    "status",
    "polarity",
    "tradable",
    "refers_from",
    "refers_to",
]


def _told(document: Document, taxonomy: Taxonomy, stories: Stories) -> Told:
    built = layout(document)
    when = known(document, built)
    mentions = find_mentions(document.text, built.sentences)
    found = [finding for sentence in built.sentences for finding in _findings(document, sentence, taxonomy)]
    return Told(
        document=document,
        known=when,
        events=tuple(_events(document, found, mentions, when, stories)),
        mentions=tuple(mentions),
        index_moves=tuple(index_moves(document.text, built.sentences, mentions)),
        movers=tuple(movers(document.text, built.sentences, mentions)),
        macro=tuple(macro_prints(document.text, built.sentences)),
    )


def _findings(document: Document, sentence: Sentence, taxonomy: Taxonomy) -> Iterator[Finding]:
    """Find what a sentence tells; what the words of a move tell too ("chip stocks rally") is no announcement."""
    span = sentence.span
    text = document.text[span.start : span.end]
    found = find(text, taxonomy, is_headline=document.is_headline)
    moves = [one.evidence for one in found if one.tag == MOVE]
    for finding in found:
        evidence = Span(span.start + finding.evidence.start, span.start + finding.evidence.end)
        of_shares = document.is_headline and _SHARES.search(text, *finding.evidence)
        is_move = of_shares and any(_meet(finding.evidence, move) for move in moves)
        status = "move" if is_move else finding.status
        yield replace(finding, evidence=evidence, sentence=span, status=status)


def _events(
    document: Document, found: Sequence[Finding], mentions: Sequence[Mention], when: Known, stories: Stories
) -> Iterator[Event]:
    previous: Event | None = None
    day = to_index(np.array([when.known_from]))[0].date()
    for finding in found:
        piece = _piece(document.text, finding)
        text = document.text[piece.start : piece.end]
        symbols = _symbols(finding, piece, mentions)
        inherited = _speaks_of(previous, finding, text) if not symbols else None
        if inherited is not None:
            symbols = inherited.symbols
        evidence = document.text[finding.evidence.start : finding.evidence.end]
        telling = Telling(
            tag=finding.tag,
            direction=finding.direction,
            status=finding.status,
            subject=subject_of(text) if finding.tag == MOVE and not symbols else "",
            symbols=frozenset(symbols),
            words=words_of(text if finding.tag != MOVE else evidence),
            known_by=when.known_by,
        )
        story, first = (inherited.story_id, False) if inherited else stories.place(telling)
        scope = "" if symbols else _scope(finding.tag, evidence, text)
        event = Event(
            finding=finding,
            symbols=symbols,
            scope=scope,
            impacts=_impacts(finding, piece, symbols, text, mentions),
            story_id=story,
            tradable=first and finding.status in NEWS and finding.tag != MOVE and bool(symbols or scope),
            refers_to=refers_to(text, day, max(finding.evidence.start - piece.start, 0)),
        )
        previous = event
        yield event


def _piece(text: str, finding: Finding) -> Span:
    """Cut a sentence at its semicolons: what stands between them speaks of other companies."""
    whole, said = finding.sentence, finding.evidence
    start = text.rfind(";", whole.start, said.start) + 1 or whole.start
    end = text.find(";", said.end, whole.end)
    return Span(start, end if end >= 0 else whole.end)


def _symbols(finding: Finding, piece: Span, mentions: Sequence[Mention]) -> tuple[str, ...]:
    """Give what a move's words name, or the companies that the piece of news around its words names."""
    is_move = finding.tag == MOVE
    inside = _meeting(finding.evidence, mentions) if is_move else _companies(piece, mentions)
    return tuple(dict.fromkeys(one.symbol for one in inside))


def _companies(piece: Span, mentions: Sequence[Mention]) -> list[Mention]:
    """Give the mentions of what is no index that stand wholly within a piece."""
    met = _meeting(piece, mentions)
    return [
        one
        for one in met
        if one.kind != "index" and piece.start <= one.span.start and one.span.end <= piece.end
    ]


def _meet(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _meeting(span: Span, mentions: Sequence[Mention]) -> Sequence[Mention]:
    """Give the mentions that share a character with a span; they stand in the order of the text."""
    first = bisect_right(mentions, span.start, key=lambda one: one.span.end)
    return mentions[first : bisect_left(mentions, span.end, key=lambda one: one.span.start)]


def _speaks_of(previous: Event | None, finding: Finding, text: str) -> Event | None:
    """Find what a sentence that begins with "The memory chip" goes on about: what the one before it told."""
    if previous is None or previous.finding.tag != finding.tag or finding.tag == MOVE:
        return None
    near = 0 <= finding.sentence.start - previous.finding.sentence.end <= 4
    return previous if near and _BACK.match(text) and previous.symbols else None


def _scope(tag: str, evidence: str, text: str) -> str:
    """Say whom news concerns that names no company: the markets its words name, else the nearest before them."""
    if tag in ("fed", MOVE):
        return "global" if tag == "fed" else ""
    before = text[: text.find(evidence)] if evidence in text else text
    named = markets_in(evidence) or markets_in(before)[-1:] or markets_in(text)
    markets = " ".join(f"market:{market}" for market in named)
    if tag == "chip":
        return "theme:semis"
    return markets or ("global" if tag == "tariff" else "")


def _impacts(
    finding: Finding, piece: Span, symbols: tuple[str, ...], text: str, mentions: Sequence[Mention]
) -> dict[str, float]:
    """Say whom an event helps and whom it hurts, where that differs."""
    if finding.impacts:
        return dict(finding.impacts)
    if finding.tag == "mna" and len(symbols) > 1:
        return _of_a_deal(finding, piece, text, mentions)
    if finding.tag == "chip" and _IN_HOUSE.search(text):
        makers = {symbol: 1.0 for symbol in symbols if symbol not in _SUPPLIERS}
        return makers | {symbol: -1.0 for symbol in symbols if symbol in _SUPPLIERS}
    return {}


def _of_a_deal(finding: Finding, piece: Span, text: str, mentions: Sequence[Mention]) -> dict[str, float]:
    """Give a bid's worth to its target, which follows the words of the bid; the bidder pays it."""
    words = _TARGET.search(text, max(finding.evidence.start - piece.start, 0))
    if words is None:
        return {}
    turn = piece.start + words.start()
    inside = _companies(piece, mentions)
    after = [one.symbol for one in inside if one.span.start >= turn]
    before = [one.symbol for one in inside if one.span.end <= turn]
    if not after or not before:
        return {}
    return {after[0]: finding.polarity, before[-1]: 0.0}


def _rows(told: Told, when: pd.Timestamp) -> Iterator[dict[str, Any]]:
    kind = "recap" if told.is_recap else "headline" if told.document.is_headline else "wrap"
    since, by = to_index(np.array([told.known.known_from, told.known.known_by]))
    for number, event in enumerate(told.events):
        found = event.finding
        yield {
            "event_id": _event_id(told, number),
            "known_from": since,
            "known_by": by,
            "tag": found.tag,
            "direction": found.direction,
            "strength": found.strength,
            "confidence": found.confidence,
            "expected": found.expected,
            "actual": found.actual,
            "symbols": " ".join(_priced(event.symbols)),
            "scope": event.scope,
            "headline": _storable(told.text_of(found.sentence)),
            "source": _storable(told.document.file),
            "source_kind": kind,
            "story_id": event.story_id,
            "tagged_at": when,
            "tagger": TAGGER,
            "status": found.status,
            "polarity": found.polarity,
            "tradable": event.tradable,
            "refers_from": str(event.refers_to[0]),
            "refers_to": str(event.refers_to[1]),
            "impacts": {symbol: event.impacts[symbol] for symbol in _priced(event.impacts)},
        }


def _storable(text: str) -> str:
    """Write a question mark for a lone surrogate (undecodable names of files hold them): no table stores one."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _priced(symbols: Iterable[str]) -> list[str]:
    """Keep symbols of the venues we know; American names are read, not traded."""
    from aftershock.data.universes import resolve

    kept = []
    for symbol in symbols:
        try:
            kept.append(resolve(symbol).symbol)
        except InputError:
            continue
    return kept


def _event_id(told: Told, number: int) -> str:
    """Name an event by its document and its place there: of two prints in one text the earlier sorts first."""
    content = "\x1f".join([told.document.file, str(told.document.row), told.document.text])
    name = blake2b(content.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"nw{name}-{number:04d}"


def _shown(told: Told, event: Event) -> dict[str, Any]:
    found, span = event.finding, told.document.in_file(event.finding.evidence)
    return {
        "time": to_index(np.array([told.known.known_by]))[0],
        "tag": found.tag,
        "direction": found.direction,
        "polarity": found.polarity,
        "strength": found.strength,
        "symbols": " ".join(event.symbols) or event.scope,
        "evidence": told.text_of(found.evidence),
        "status": found.status,
        "story": event.story_id,
        "tradable": event.tradable,
        "rule": found.rule,
        "span": f"{span.start}-{span.end}",
        "attribution": found.attribution,
    }


def _ends(span: Span) -> dict[str, int]:
    return {"start": span.start, "end": span.end}


def _plain(one: IndexMove | Mover | Macro, span: Span) -> dict[str, Any]:
    told = {key: value for key, value in one._asdict().items() if key != "span"}
    if "symbol" in told:
        told["symbol"] = yahoo_style(told["symbol"])
    return {**told, **_ends(span)}
