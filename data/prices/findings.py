"""Findings of an audit: noted as they come, given as a table in order of gravity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.prices import faults
from aftershock.data.prices.cleaning import SENTENCES, Log
from aftershock.data.prices.faults import Rows
from aftershock.data.prices.tape import Flags, Ints
from aftershock.data.universes import Instrument

FINDINGS = ("code", "severity", "symbol", "venue", "source", "first", "last", "rows", "message")
SEVERITIES = ("error", "warning", "info")


class Found:
    """The findings so far, and whose they are.

    Parameters
    ----------
    instruments : sequence of Instrument
        In the order of `Rows.symbol`.
    names : sequence of str
        Of sources, in the order of `Rows.source`.
    """

    def __init__(self, instruments: Sequence[Instrument], names: Sequence[str]) -> None:
        self.symbols = [instrument.symbol for instrument in instruments]
        self.venues = [instrument.venue for instrument in instruments]
        self.kinds = [instrument.kind for instrument in instruments]
        self.currencies = [instrument.currency for instrument in instruments]
        self.names = names
        self._own = dict(zip(self.symbols, self.venues, strict=True))
        self.rows: list[tuple[Any, ...]] = []

    def say(
        self,
        code: str,
        symbol: str = "",
        *,
        venue: str = "",
        source: str = "",
        rows: int = 0,
        more: str = "",
        days: Any = (),
    ) -> None:
        """Note one finding."""
        severity, sentence = SENTENCES[code]
        first, last = (int(np.min(days)), int(np.max(days))) if len(days) else (None, None)
        venue = venue or self._venue_of(symbol)
        message = f"{sentence} ({more})" if more else sentence
        self.rows.append((code, severity, symbol, venue, source, first, last, rows, message))

    def count(self, code: str, bars: Rows, found: Flags, more: Callable[[Ints], str] | None = None) -> None:
        """Note one finding for each symbol and source with such rows; ``more`` makes words of the rows."""
        rows = np.flatnonzero(found)
        if not len(rows):
            return
        starts = np.flatnonzero(faults.firsts(bars.where(found)))
        for own in np.split(rows, starts[1:]):
            symbol, source = self.symbols[bars.symbol[own[0]]], self.names[bars.source[own[0]]]
            said = more(own) if more else ""
            self.say(code, symbol, source=source, rows=len(own), more=said, days=bars.day[own])

    def take(self, log: Log) -> None:
        """Note what reading and choosing found."""
        for code, severity, symbol, first, last, rows, message in log.warned:
            row = (code, severity, symbol, self._venue_of(symbol), "", first, last, rows, message)
            self.rows.append(row)

    def table(self) -> pd.DataFrame:
        """Order the findings by severity, code, symbol and source."""
        order = sorted(self.rows, key=lambda row: (SEVERITIES.index(row[1]), row[0], row[2], row[3], row[4]))
        return typed(pd.DataFrame(order, columns=list(FINDINGS), dtype=object), ("rows",))

    def _venue_of(self, symbol: str) -> str:
        return self._own.get(symbol, "")


def typed(table: pd.DataFrame, counts: Sequence[str]) -> pd.DataFrame:
    """Give dates, texts and counts their kinds, in empty tables too."""
    days = {
        name: pd.Series(
            [np.datetime64("NaT" if day is None else int(day), "D") for day in table[name]], dtype="M8[ns]"
        )
        for name in ("first", "last")
    }
    words = dict.fromkeys(
        (name for name in table.columns if name not in ("first", "last", "share", *counts)), "str"
    )
    return table.assign(**days).astype({**words, **dict.fromkeys(counts, np.int64)})


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Give the rows as plain records: dates as ISO texts, None for what is unknown."""
    plain = table.copy()
    for name in plain.select_dtypes(include=["datetime"]).columns:
        plain[name] = plain[name].dt.strftime("%Y-%m-%d")
    return [
        {str(key): None if pd.isna(value) else value for key, value in row.items()}
        for row in plain.to_dict("records")
    ]
