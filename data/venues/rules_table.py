"""Rule books as tables for people: what holds at a venue on a date, and what changed between two."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from aftershock.data.instants import local_date
from aftershock.data.venues.book import Charge, Entry, rule_book
from aftershock.data.venues.names import find_venue
from aftershock.data.venues.venue import VENUES, venue

COLUMNS = ("rule", "board", "value", "valid_from", "valid_to", "confidence", "source", "note")


def venues_table() -> pd.DataFrame:
    """List the venues, with the number of their dated rules and how many of these have a source.

    Returns
    -------
    DataFrame
        ``mic, name, market, currency, zone, rules, sourced, since`` (the first date a rule is dated from).

    Examples
    --------
    >>> venues_table()["mic"].head(2).tolist()
    ['XTKS', 'XKRX']
    """
    rows = []
    for mic in VENUES:
        place, entries = venue(mic), [entry for _, entry in rule_book(mic).entries()]
        sourced = sum(entry.confidence == "sourced" for entry in entries)
        since = min((entry.valid_from for entry in entries), default=None)
        rows.append((mic, place.name, place.market, place.currency, place.zone, len(entries), sourced, since))
    table = pd.DataFrame(
        rows, columns=["mic", "name", "market", "currency", "zone", "rules", "sourced", "since"]
    )
    return table.assign(since=pd.to_datetime(table["since"]).astype("M8[ns]"))


def rules_on(place: str, on: Any = None) -> pd.DataFrame:
    """Show the rules of a venue that are in force on a date.

    Parameters
    ----------
    place : str
        A MIC, a name or a city.
    on : date or str, optional
        The local date; today by default.

    Returns
    -------
    DataFrame
        ``rule, board, value`` (in words), ``valid_from, valid_to`` (NaT: still in force), ``confidence, source, note``.

    Raises
    ------
    InputError
        No such venue, or no date.

    Examples
    --------
    >>> rules = rules_on("XHKG", "2022-06-01")
    >>> rules.loc[rules["rule"] == "stamp duty", "value"].tolist()
    ['0.13 % of both sides (at least 1)']
    """
    day = (local_date(on) if on is not None else pd.Timestamp.now()).date()
    mic = find_venue(place).mic
    return _table([(name, entry) for name, entry in rule_book(mic).entries() if entry.holds_on(day)])


def rules_diff(place: str, before: Any, after: Any) -> pd.DataFrame:
    """List the rules of a venue that differ between two dates.

    Parameters
    ----------
    place : str
        A MIC, a name or a city.
    before, after : date or str
        Local dates.

    Returns
    -------
    DataFrame
        ``rule, board, before, after`` (in words; "" where there was or is none), ``valid_from`` (of the later one, or
        the day after the earlier one ended), ``source``.

    Raises
    ------
    InputError
        No such venue, or no date.
    """
    first, last = local_date(before).date(), local_date(after).date()
    book = rule_book(find_venue(place).mic)
    topics: dict[tuple[str, ...], dict[str, Entry]] = {}
    for name, entry in book.entries():
        for when, day in (("before", first), ("after", last)):
            if entry.holds_on(day):
                topics.setdefault((_rule(name, entry), *entry.topic), {})[when] = entry
    rows = [_change(topic, found) for topic, found in topics.items() if len({*map(_said, _both(found))}) > 1]
    columns = ["rule", "board", "before", "after", "valid_from", "source"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(valid_from=pd.to_datetime(table["valid_from"]).astype("M8[ns]"))


def _both(found: dict[str, Entry]) -> tuple[Entry | None, Entry | None]:
    return found.get("before"), found.get("after")


def _said(entry: Entry | None) -> str:
    return "" if entry is None else entry.words()


def _change(topic: tuple[str, ...], found: dict[str, Entry]) -> tuple[Any, ...]:
    before, after = _both(found)
    since = after.valid_from if after is not None else _next_day(before)
    told = after if after is not None else before
    words = map(_said, (before, after))
    return (topic[0], told.board if told else "", *words, since, told.source if told else "")


def _next_day(entry: Entry | None) -> date | None:
    if entry is None or entry.valid_to is None:
        return None
    return date.fromordinal(entry.valid_to.toordinal() + 1)


def _rule(name: str, entry: Entry) -> str:
    return entry.name if isinstance(entry, Charge) else name.replace("_", " ")


def _table(entries: list[tuple[str, Entry]]) -> pd.DataFrame:
    rows = [
        (
            _rule(name, entry),
            entry.board,
            entry.words(),
            entry.valid_from,
            entry.valid_to,
            entry.confidence,
            entry.source,
            entry.note,
        )
        for name, entry in entries
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.assign(
        **{name: pd.to_datetime(table[name]).astype("M8[ns]") for name in ("valid_from", "valid_to")}
    )
