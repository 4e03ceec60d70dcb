"""Symbols of a whole table: what each spelling stands for, and which stand for nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem
from aftershock.data.tables import LINE, lines_of, read_table
from aftershock.data.universes.explain import Explanation, explain
from aftershock.data.universes.names import is_listed, name_of

COLUMNS = ("symbols", "symbol", "tickers", "ticker")
"""Columns that hold symbols, the first of which is looked at; the plural ones may hold several in a cell."""

PLAIN = ("", ".txt", ".lst")
"""Suffixes of files with a symbol on each line."""

RESOLVED = ("ok", "other dialect")
"""What tables with such symbols are read with; any other status is refused by them."""


def check_symbols(source: Any, among: Collection[str] | None = None) -> pd.DataFrame:
    """Say for each spelling of a table's symbols what it stands for and why.

    Parameters
    ----------
    source : DataFrame or path
        A table (CSV, JSONL, Parquet) with a column ``symbols``, ``symbol``, ``tickers`` or ``ticker``; or a text
        with a symbol on each line. A cell of ``symbols`` or ``tickers`` may hold several, with spaces, commas or
        semicolons between.
    among : collection of str, optional
        Symbols that are at hand, as `resolve` takes them.

    Returns
    -------
    DataFrame
        One row for each spelling, in the order of the table: ``text``, ``line`` (of its first occurrence; 1-based
        row of a DataFrame), ``rows`` (that have it), ``symbol``, ``venue``, ``name`` ("" where there is none),
        ``status`` (``ok``, ``other dialect``: is understood; ``name``: a company's, which tables do not take;
        ``ambiguous``; ``unknown``), ``why``, ``did_you_mean`` (symbols with a space between).

    Raises
    ------
    InputError
        No such file, no such column, or no symbol at all.

    Examples
    --------
    >>> check_symbols(pd.DataFrame({"ticker": ["8035.T", "KS:000660", "8035.T"]}))[["line", "rows", "symbol"]]
       line  rows     symbol
    0     1     2     8035.T
    1     2     1  000660.KS
    """
    spellings = _spellings(source)
    rows = [(text, *place, *_told(explain(text, among))) for text, place in spellings.items()]
    names = ["text", "line", "rows", "symbol", "venue", "name", "status", "why", "did_you_mean"]
    whole = dict.fromkeys(("line", "rows"), "int64")
    return pd.DataFrame(rows, columns=names).astype({**dict.fromkeys(names, "str"), **whole})


def _told(told: Explanation) -> tuple[str, ...]:
    venue = told.instrument.venue if told.instrument else ""
    meant = [told.symbol] if told.status == "name" else []
    if told.problem:
        meant = [candidate.symbol for candidate in told.candidates if is_listed(candidate.symbol)]
    name = name_of(told.symbol) if told.symbol else ""
    return told.symbol, venue, name, told.status, told.how, " ".join(meant)


def _spellings(source: Any) -> dict[str, tuple[int, int]]:
    """Give the line of the first occurrence and the number of rows of each spelling."""
    file = None if isinstance(source, pd.DataFrame) else os.fspath(source)
    found: dict[str, tuple[int, int]] = {}
    for line, texts in _cells(source, file):
        for text in dict.fromkeys(texts):
            first, rows = found.get(text, (line, 0))
            found[text] = first, rows + 1
    if not found:
        raise InputError(Problem("at least one symbol", "none", "name a table with symbols", file))
    return found


def _cells(source: Any, file: str | None) -> Iterator[tuple[int, list[str]]]:
    """Give the line and the symbols of each row."""
    if file is not None and Path(file).suffix.lower() in PLAIN and Path(file).is_file():
        return ((line, [text]) for line, text in _plain_lines(file))
    frame = source if isinstance(source, pd.DataFrame) else read_table(source)
    column = _column(frame, file)
    parts = _several if str(column).strip().lower().endswith("s") else _single
    values = frame[column].to_numpy(object).tolist()
    return ((line, parts(cell)) for line, cell in zip(lines_of(frame).tolist(), values, strict=True))


def _plain_lines(file: str) -> Iterator[tuple[int, str]]:
    try:
        lines = Path(file).read_bytes().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(Problem("UTF-8 text", "other bytes", "save the file as UTF-8", file)) from None
    return ((at, " ".join(line.split())) for at, line in enumerate(lines, 1) if line.strip())


def _column(frame: pd.DataFrame, file: str | None) -> Any:
    named = {str(column).strip().lower(): column for column in frame.columns if column != LINE}
    column = next((named[name] for name in COLUMNS if name in named), None)
    if column is None:
        got = "the columns " + ", ".join(map(str, named.values()))
        raise InputError(Problem("a column 'symbol' or 'symbols'", got, "name one of them so", file))
    return column


def _single(cell: Any) -> list[str]:
    return [" ".join(text.split()) for text in _elements(cell)] or [""]


def _several(cell: Any) -> list[str]:
    return [word for text in _elements(cell) for word in re.split(r"[\s;,]+", text) if word]


def _elements(cell: Any) -> list[str]:
    if isinstance(cell, (list, tuple, np.ndarray)):
        return [str(part) for part in cell]
    return [] if pd.isna(cell) else [str(cell)]
