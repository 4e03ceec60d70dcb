"""Calendar against prices: the days on which one of them must be wrong, and what is known about each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.calendars import sessions, shipped
from aftershock.data.prices.tape import Flags, Ints

KINDS = ("no_prices", "prices_on_non_session", "beyond_calendar")
STATUSES = ("sourced", "explained", "open", "unexplained")

FEW = 3
"""With fewer instruments than this a session lacks prices only where all of them do."""

HOLE = 10
"""No closure lasts more sessions in a row: a longer absence is the source's."""

COLUMNS = (
    "venue",
    "session",
    "last",
    "sessions",
    "kind",
    "instruments",
    "of",
    "explanation",
    "source",
    "status",
)


class Priced(NamedTuple):
    """Days on which instruments have a price.

    Attributes
    ----------
    symbol, day, ordinal : ndarray of int64, shape (n_rows,)
        Position of the instrument; days since 1970; position in the venue's sessions, -1 where it is none.
    moved : ndarray of bool, shape (n_rows,)
        The bar does more than repeat the one before.
    """

    symbol: Ints
    day: Ints
    ordinal: Ints
    moved: Flags

    def where(self, kept: Flags) -> Priced:
        """Keep some rows."""
        return Priced._make(values[kept] for values in self)


class Case(NamedTuple):
    """One day on which calendar and prices disagree."""

    venue: str
    kind: str
    day: int
    ordinal: int
    instruments: int
    moved: int
    of: int
    only: str
    """The one symbol that has moved prices, "" where there are several or none."""


class Told(NamedTuple):
    """What is known about a day."""

    explanation: str
    source: str
    status: str


def disagreements(priced: Priced, symbols: Sequence[str], venues: Sequence[str]) -> pd.DataFrame:
    """Name every day on which calendar and prices disagree.

    A session lacks prices (``no_prices``) where fewer than half of the instruments that are listed then, between
    their own first and last price, have one; with fewer than `FEW` of them, where none has. A day that is no
    session has prices (``prices_on_non_session``) where any instrument has. Days before or after the calendar
    (``beyond_calendar``) are told once for each venue.

    Parameters
    ----------
    priced : Priced
        In any order.
    symbols, venues : sequence of str
        Of each instrument.

    Returns
    -------
    DataFrame
        A row for each run of sessions with one explanation: ``venue, session, last`` (first and last local
        date), ``sessions``, ``kind``, ``instruments`` (with a price) ``of`` (listed; of the first day),
        ``explanation``, ``source``, ``status``: ``sourced`` (a public source says so), ``explained`` (other
        prices show it), ``open`` (listed, not settled), ``unexplained``.
    """
    own = np.array(venues, object)[priced.symbol]
    places = {mic: priced.where(own == mic) for mic in dict.fromkeys(venues)}
    traded = {mic: np.unique(rows.day[rows.moved]) for mic, rows in places.items()}
    told: list[dict[str, Any]] = []
    for mic, rows in places.items():
        cases = [*_without(mic, rows), *_beside(mic, rows, symbols)]
        holes = zip(cases, _holes(cases), strict=True)
        told += _runs(cases, [_explain(case, hole, traded) for case, hole in holes])
        told += _beyond(mic, rows)
    table = pd.DataFrame(told, columns=list(COLUMNS))
    days = {name: pd.Series(table[name].to_numpy("M8[D]").astype("M8[ns]")) for name in ("session", "last")}
    texts = dict.fromkeys(("venue", "kind", "explanation", "source", "status"), "str")
    counts = dict.fromkeys(("sessions", "instruments", "of"), np.int64)
    return table.assign(**days).astype({**texts, **counts})


def _listed(rows: Priced, days: Ints) -> Ints:
    """Count the instruments that have their first price by each day and their last not before it."""
    _, codes = np.unique(rows.symbol, return_inverse=True)
    first = np.full(codes.max(initial=-1) + 1, np.iinfo(np.int64).max)
    last = np.full(len(first), np.iinfo(np.int64).min)
    np.minimum.at(first, codes, rows.day)
    np.maximum.at(last, codes, rows.day)
    begun = np.searchsorted(np.sort(first), days, side="right")
    ended = np.searchsorted(np.sort(last), days, side="left")
    return np.asarray(begun - ended, np.int64)


def _without(mic: str, rows: Priced) -> list[Case]:
    """Find the sessions that lack prices."""
    held = rows.where(rows.ordinal >= 0)
    if not len(held.day):
        return []
    known = sessions(mic).session
    counts, moved = _counts(held, len(known)), _counts(held.where(held.moved), len(known))
    of = _listed(held, known)
    lacking = np.flatnonzero((of > 0) & (2 * counts < of) & ((of >= FEW) | (counts == 0)))
    return [
        Case(mic, "no_prices", int(known[at]), at, int(counts[at]), int(moved[at]), int(of[at]), "")
        for at in lacking.tolist()
    ]


def _counts(rows: Priced, length: int) -> Ints:
    """Count the instruments with a price on each session."""
    present, codes = np.unique(rows.symbol, return_inverse=True)
    held = np.zeros((len(present), length), np.bool_)
    held[codes, rows.ordinal] = True
    return np.asarray(held.sum(axis=0), np.int64)


def _beside(mic: str, rows: Priced, symbols: Sequence[str]) -> list[Case]:
    """Find the days with prices that are no session."""
    known = sessions(mic).session
    inside = (rows.ordinal < 0) & (rows.day >= known[0]) & (rows.day <= known[-1])
    beside = rows.where(inside)
    cases = []
    for day in np.unique(beside.day).tolist():
        here = beside.where(beside.day == day)
        instruments, moved = np.unique(here.symbol), np.unique(here.symbol[here.moved])
        of = int(_listed(rows, np.array([day]))[0])
        only = symbols[moved[0]] if len(moved) == 1 else ""
        cases.append(Case(mic, "prices_on_non_session", day, -1, len(instruments), len(moved), of, only))
    return cases


def _beyond(mic: str, rows: Priced) -> list[dict[str, Any]]:
    known = sessions(mic).session
    told = []
    for outside, word, edge in ((rows.day < known[0], "begins", 0), (rows.day > known[-1], "ends", -1)):
        days = np.unique(rows.day[outside])
        if len(days):
            counted = len(np.unique(rows.symbol[outside]))
            explanation = f"the calendar {word} on {np.datetime64(int(known[edge]), 'D')}"
            case = Case(mic, "beyond_calendar", int(days[0]), -1, counted, counted, counted, "")
            told.append(_record(case, int(days[-1]), len(days), Told(explanation, "", "explained")))
    return told


def _holes(cases: Sequence[Case]) -> list[int]:
    """Give for each case how many sessions in a row lack prices around it."""
    ordinal = np.array([case.ordinal for case in cases], np.int64)
    run = np.cumsum((np.diff(ordinal, prepend=-9) != 1) | (ordinal < 0))
    lengths: list[int] = np.bincount(run, minlength=1)[run].tolist()
    return lengths


def _explain(case: Case, hole: int, traded: dict[str, Ints]) -> Told:
    """Say what is known: by the list, the overlay, other prices, in this order."""
    day = str(np.datetime64(case.day, "D"))
    place = shipped.places()[case.venue]
    for row in shipped.rows(shipped.DISAGREEMENTS):
        same = row["venue"] in (case.venue, place["calendar_of"]) and row["kind"] == case.kind
        if same and row["first"] <= day <= row["last"] and row["symbol"] in ("", case.only):
            return Told(row["explanation"], row["source"], row["status"])
    fact = next(
        (
            row
            for row in shipped.rows(shipped.OVERLAY)
            if row["session"] == day and row["venue"] in (case.venue, place["calendar_of"])
        ),
        None,
    )
    if case.kind == "prices_on_non_session" and not case.moved:
        why = f" ({fact['what']})" if fact else ""
        return Told(
            f"the bars repeat the one before: the source filled a day without trade{why}", "", "explained"
        )
    if fact is not None and bool(fact["open"]) == (case.kind == "no_prices"):
        return Told(fact["what"], fact["source"], "sourced" if fact["confidence"] == "sourced" else "open")
    if case.kind == "no_prices":
        return _by_prices(case, hole, traded, place["calendar_of"])
    return Told("", "", "unexplained")


def _by_prices(case: Case, hole: int, traded: dict[str, Ints], home: str) -> Told:
    """Ask other prices whether the venue was open on a session that lacks prices."""
    if case.moved:
        text = (
            f"open: {case.moved} of {case.of} instruments have prices, the source of the others lacks the day"
        )
        return Told(text, "", "explained")
    for mic, days in traded.items():
        if shipped.places()[mic]["calendar_of"] == home and case.day in days:
            return Told(f"open: {mic}, which keeps the same days, has prices", "", "explained")
    if hole > HOLE:
        return Told("no closure lasts so long: the source has a hole", "", "explained")
    return Told("", "", "unexplained")


def _runs(cases: Sequence[Case], told: Sequence[Told]) -> list[dict[str, Any]]:
    """Write one record for sessions in a row of which the same is told."""
    records: list[dict[str, Any]] = []
    before: tuple[int, Told] | None = None
    for case, what in zip(cases, told, strict=True):
        if case.ordinal >= 0 and before == (case.ordinal - 1, what):
            records[-1]["last"] = np.datetime64(case.day, "D")
            records[-1]["sessions"] += 1
        else:
            records.append(_record(case, case.day, 1, what))
        before = (case.ordinal, what)
    return records


def _record(case: Case, last: int, count: int, told: Told) -> dict[str, Any]:
    days = (np.datetime64(case.day, "D"), np.datetime64(last, "D"))
    values = (case.venue, *days, count, case.kind, case.instruments, case.of, *told)
    return dict(zip(COLUMNS, values, strict=True))
