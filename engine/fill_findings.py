"""What can be found wrong with a fill: the codes, the rows that have them, and the rules in force on each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.instants import DAY
from aftershock.data.venues import RuleBook

Integers = NDArray[np.int64]
SHOWN_BANDS = 3
"""How many bands of prices a sentence tells one by one."""
EPOCH = date(1970, 1, 1).toordinal()

SEVERITIES = ("impossible", "wrong", "note")
"""How grave a finding is, the gravest first."""

CODES: dict[str, tuple[str, str]] = {
    "not_traded": ("impossible", "an index level cannot be traded"),
    "no_session": ("impossible", "the venue had no session that day"),
    "outside_hours": ("impossible", "the instant lies outside the session and its auctions"),
    "off_tick": ("impossible", "the price is no multiple of its step"),
    "beyond_limit": ("impossible", "the price lies beyond the day's limit"),
    "outside_bar": ("impossible", "the price lies outside the bar's low and high"),
    "locked": ("impossible", "the whole bar stood at the limit against the fill"),
    "halted": ("impossible", "the instrument was halted for the whole bar"),
    "lot": ("impossible", "the quantity is no multiple of the lot"),
    "t_plus": ("impossible", "more was sold than was held from earlier sessions"),
    "short_banned": ("impossible", "short sales were banned"),
    "tax": ("wrong", "the tax is not what the law took"),
    "stamp_duty": ("wrong", "the stamp duty is not what the law took"),
    "fee_below": ("wrong", "the fee is less than the compulsory charges"),
    "currency": ("wrong", "the venue trades in another currency"),
    "fee_above": ("note", "the fee is more than the compulsory charges and a usual commission"),
    "odd_lot": ("note", "an odd lot"),
    "no_bar": ("note", "the prices have no bar that day: a halt, or a gap in the prices"),
    "sold_unheld": ("note", "sold beyond what the blotter shows was held, while short sales were banned"),
    "no_calendar": ("note", "the calendar does not reach that date"),
}
"""Of each code how grave it is, and the sentence that says what it means."""

COLUMNS = (
    "line",
    "symbol",
    "session",
    "side",
    "quantity",
    "price",
    "code",
    "severity",
    "expected",
    "found",
    "why",
    "source",
)


class Findings:
    """The findings so far.

    Parameters
    ----------
    fills : DataFrame
        The fills they are about.
    """

    def __init__(self, fills: pd.DataFrame) -> None:
        self.fills = fills
        self._chunks: list[pd.DataFrame] = []

    def add(
        self,
        rows: Any,
        code: str,
        expected: str | Sequence[str],
        found: str | Sequence[str],
        why: str | Sequence[str] | Mapping[str, tuple[str, str]],
        *,
        source: str | Sequence[str] = "",
        severity: str = "",
    ) -> None:
        """Note a finding of some rows; texts are one for all or one for each, and ``why`` may be the table of codes."""
        if not len(rows):
            return
        said = why[code][1] if isinstance(why, Mapping) else why
        columns = {"row": rows, "code": code, "severity": severity or CODES[code][0]}
        texts = {"expected": expected, "found": found, "why": said, "source": source}
        self._chunks.append(pd.DataFrame({**columns, **texts}))

    def table(self) -> pd.DataFrame:
        """Give one row per finding in the order of the file; the gravest of a fill first."""
        if not self._chunks:
            empty = pd.DataFrame({name: pd.Series([], dtype=object) for name in ("code", "severity")})
            chunk = empty.assign(row=np.array([], np.int64), expected="", found="", why="", source="")
        else:
            chunk = pd.concat(self._chunks, ignore_index=True)
        rank = chunk["severity"].map({name: k for k, name in enumerate(SEVERITIES)})
        order = np.lexsort((rank.to_numpy(np.float64), chunk["row"].to_numpy(np.int64)))
        chunk = chunk.iloc[order].reset_index(drop=True)
        fill = self.fills.iloc[chunk["row"].to_numpy(np.int64)].reset_index(drop=True)
        days = pd.Series((fill["session"].to_numpy(np.int64) * DAY).view("M8[ns]"))
        told = fill[["line", "symbol", "side", "quantity", "price"]].assign(session=days)
        table = pd.concat([told, chunk.drop(columns="row")], axis=1)
        texts = dict.fromkeys(
            ("symbol", "side", "code", "severity", "expected", "found", "why", "source"), "str"
        )
        return table.astype(texts)[list(COLUMNS)]


class Listed:
    """Fills with the rule book and the board of each.

    Parameters
    ----------
    fills : DataFrame
        The fills.
    books : mapping of MIC to RuleBook
        The books of their venues.
    """

    def __init__(self, fills: pd.DataFrame, books: Mapping[str, RuleBook]) -> None:
        self.fills, self.books = fills, books
        self.session = fills["session"].to_numpy(np.int64)
        self.tradable = fills["kind"].ne("index").to_numpy(np.bool_)
        keys = fills[["venue", "symbol", "kind"]].drop_duplicates()
        boards = {
            (mic, symbol, kind): books[mic].board_of(symbol, kind)
            for mic, symbol, kind in keys.itertuples(index=False)
        }
        named = zip(fills["venue"], fills["symbol"], fills["kind"], strict=True)
        self.board = pd.Series([boards[key] for key in named], dtype=object)

    def groups(self) -> Iterator[tuple[str, str, str, Integers]]:
        """Go through venue, board, kind and the rows of the fills there; indices are in none."""
        keys = [self.fills["venue"], self.board, self.fills["kind"]]
        grouped: dict[Any, Any] = self.fills.groupby(keys, sort=False).indices
        for (mic, board, kind), rows in grouped.items():
            if kind != "index":
                yield mic, board, kind, rows

    def stretches(self, rule: str) -> Iterator[tuple[str, Integers, Any]]:
        """Go through the entries of a rule with the rows of the fills they held for."""
        for mic, board, _, rows in self.groups():
            timeline = self.books[mic].timeline(rule, board)
            for k, part in self.parted(rows, [since for since, _ in timeline]):
                if timeline[k][1] is not None:
                    yield mic, part, timeline[k][1]

    def parted(self, rows: Integers, dates: Sequence[date]) -> Iterator[tuple[int, Integers]]:
        """Part rows at dates; give the number of the last date reached with the rows, none before the first."""
        bounds = np.array([day.toordinal() - EPOCH for day in dates], np.int64)
        place = np.searchsorted(bounds, self.session[rows], "right") - 1
        for k in np.unique(place):
            if k >= 0:
                yield int(k), rows[place == k]


def rule_words(mic: str, name: str, rule: Any) -> str:
    """Say a rule, how long it holds and whether anyone says so.

    Examples
    --------
    >>> from aftershock.data.venues import rule_book
    >>> book = rule_book("XKRX")
    >>> rule_words("XKRX", "short sale", book.one("short_sale", date(2024, 1, 10)))
    'XKRX short sale: not allowed, from 2023-11-06 to 2025-03-30'
    """
    until = f" to {rule.valid_to}" if rule.valid_to else " on"
    board = f" of {rule.board}" if rule.board else ""
    trust = {"unverified": " (unverified)", "desk": " (the desk's own)"}.get(rule.confidence, "")
    return f"{mic} {name}{board}: {_short(rule)}, from {rule.valid_from}{until}{trust}"


def _short(rule: Any) -> str:
    """Say a rule in words, without bands that fill a page: the finding itself tells the one that counts."""
    bands = getattr(rule, "bands", ())
    if len(bands) <= SHOWN_BANDS:
        return str(rule.words())
    first = getattr(rule, "first_days", 0)
    by = f"by {len(bands)} bands of the price"
    return f"{by}, none in the first {first} sessions" if first else by


def number(value: float) -> str:
    """Write a number as people do: no more decimals than it needs.

    Examples
    --------
    >>> number(1234.5), number(0.1 + 0.2)
    ('1,234.5', '0.3')
    """
    text = f"{value:,.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def in_words(counts: Mapping[str, int]) -> str:
    """Sum up the fills by their gravest finding.

    Examples
    --------
    >>> in_words({"fills": 3, "impossible": 1, "wrong": 0, "note": 0, "ok": 2})
    '3 fills: 1 impossible, 0 wrong, 0 with notes, 2 ok'
    """
    fills = f"{counts['fills']:,} fill{'' if counts['fills'] == 1 else 's'}"
    parts = f"{counts['impossible']:,} impossible, {counts['wrong']:,} wrong, {counts['note']:,} with notes"
    return f"{fills}: {parts}, {counts['ok']:,} ok"
