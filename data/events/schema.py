"""The columns of an events table, declared once for reading, checking and the documentation."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

Kind = Literal["instant", "stamp", "zone", "number", "word", "text", "symbols", "scope"]

TAGS = (
    "capital_raise",
    "chip",
    "commodity",
    "crypto",
    "earnings",
    "fed",
    "fx_rates",
    "macro_data",
    "market_move",
    "mna",
    "policy_regulation",
    "tariff",
)
"""The tags the project ships; desks add their own."""

DIRECTIONS = {
    "fed": ("dovish", "hawkish", "neutral"),
    "chip": ("positive", "negative", "neutral"),
    "tariff": ("escalation", "deescalation", "neutral"),
}
"""The words of direction of each tag that has its own; every other tag takes any word."""

PRECISIONS = ("instant", "second", "minute", "hour", "day", "week", "month", "interval")
"""How exactly it is known when the public could know."""

SCOPES = {"global": "global", "market": "market:[A-Z]{2}", "theme": "theme:[a-z0-9_]+"}
"""The pattern of each kind of scope: ``global``, ``market:KR``, ``theme:semis``."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table of events.

    Attributes
    ----------
    name : str
        As it is written in files and frames.
    kind : str
        How its cells are read: ``instant``, ``stamp``, ``zone``, ``number``, ``word``, ``text``,
        ``symbols`` or ``scope``.
    required : bool
        Whether an empty cell is a problem.
    sentence : str
        What it holds, for the documentation.
    date_as : str
        For instants: which end of the local day a date alone stands for, ``start`` or ``end``; the end
        that cannot look ahead.
    """

    name: str
    kind: Kind
    required: bool
    sentence: str
    date_as: Literal["", "start", "end"] = ""


EVENT_COLUMNS = (
    Column("event_id", "text", False, "Name of the event; made from its content where it is empty."),
    Column(
        "known_from",
        "instant",
        False,
        "Earliest instant the public can have known; known_by if empty.",
        "start",
    ),
    Column(
        "known_by",
        "instant",
        True,
        "Latest instant by which the public knew; may come as published_at.",
        "end",
    ),
    Column(
        "precision",
        "word",
        False,
        "instant, second, minute, hour, day, week, month or interval; instant, day or interval if empty.",
    ),
    Column("tag", "word", True, "The topic: fed, chip, tariff, ... or a desk's own lower-case word."),
    Column(
        "direction", "text", False, "The topic's own way: dovish, positive, escalation, ...; may be empty."
    ),
    Column("strength", "number", False, "Size of the event by a stated formula; NaN when unknown."),
    Column("confidence", "number", False, "How sure the tagging is, 0 to 1; NaN when unknown."),
    Column("expected", "number", False, "What was expected, in the unit of actual; NaN when unknown."),
    Column("actual", "number", False, "What came; NaN when unknown."),
    Column(
        "surprise", "number", False, "actual - expected, computed where both are given; NaN when unknown."
    ),
    Column("surprise_source", "text", False, "Where the surprise comes from, and its unit."),
    Column("scheduled_for", "instant", False, "The instant the event was scheduled for.", "start"),
    Column("schedule_known_from", "instant", False, "From when the public knew the schedule.", "end"),
    Column(
        "symbols", "symbols", False, "Instruments the event is about: Yahoo symbols with a space between."
    ),
    Column("scope", "scope", False, "global, market:KR, theme:semis; several with a space between."),
    Column("headline", "text", False, "The news in its source's words, unchanged."),
    Column("source", "text", False, "Who published it."),
    Column("source_kind", "text", False, "What the source is: wire, primary, recap, ..."),
    Column("story_id", "text", False, "Events that tell the same news share it; the event_id if empty."),
    Column(
        "tagged_at", "instant", False, "When this tagging was made; a later one re-tags the event.", "end"
    ),
    Column("tagger", "text", False, "Who or what tagged it, with its version."),
)
"""The canonical schema of events, in the order of the columns."""

INPUT_COLUMNS = (
    Column(
        "published_at", "stamp", False, "In place of known_from and known_by: an instant, or a local date."
    ),
    Column("zone", "zone", False, "IANA zone of the row's stamps without an offset, such as Asia/Seoul."),
)
"""Columns understood in files, which become ``known_from`` and ``known_by``."""

IMPACT_COLUMNS = (
    Column("event_id", "text", True, "The event."),
    Column("symbol", "symbols", True, "The instrument, in any dialect; one per row."),
    Column("polarity", "number", True, "-1 to 1: how far the event is bad or good for the instrument."),
)
"""The schema of impacts."""


def describe_schema() -> pd.DataFrame:
    """Give the schema of events as a table for the documentation.

    Returns
    -------
    DataFrame
        ``column, kind, required, sentence``; the input-only columns stand last.

    Examples
    --------
    >>> describe_schema()["column"].tolist()[:4]
    ['event_id', 'known_from', 'known_by', 'precision']
    """
    columns = EVENT_COLUMNS + INPUT_COLUMNS
    rows = [(column.name, column.kind, column.required, column.sentence) for column in columns]
    return pd.DataFrame(rows, columns=["column", "kind", "required", "sentence"])


def names_of(kind: Kind, columns: Iterable[Column] = EVENT_COLUMNS) -> list[str]:
    """List the columns of one kind, in schema order.

    Examples
    --------
    >>> names_of("number")
    ['strength', 'confidence', 'expected', 'actual', 'surprise']
    """
    return [column.name for column in columns if column.kind == kind]


def near(word: str, known: Iterable[str]) -> str | None:
    """Find the known word that a misspelling most likely stands for.

    Examples
    --------
    >>> near("tariffs", TAGS)
    'tariff'
    >>> near("esg", TAGS) is None
    True
    """
    spelt = {option.lower(): option for option in sorted(known)}
    found = difflib.get_close_matches(word.lower(), spelt, n=1, cutoff=0.6)
    return spelt[found[0]] if found else None
