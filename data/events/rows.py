"""Raw rows of a table, where each stands, and everything found wrong with them."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.errors import InputError, Problem
from aftershock.data.tables import LINE, lines_of, read_table

Mask = NDArray[np.bool_]
Where = NDArray[Any]
"""A mask of rows, or their positions."""

Reason = tuple[str, str]
"""What was expected, and what to do."""

Source = str | os.PathLike[str] | pd.DataFrame
"""A file, a table of the catalogue (``catalogue:fomc``) or a DataFrame."""

Check = Callable[[list[str], str | None], list[Problem]]
"""Takes the columns of a table and its file, gives what is wrong with them."""

SKIPPED = ("file", "line", "column", "value", "expected", "cure")
"""Columns of the table of what was dropped."""

WARNINGS = ("code", "severity", "rows", "first_line", "message")
"""Columns of the table of warnings."""

SHOWN = 80
"""How many characters of a bad value an error quotes."""

NESTED = (list, tuple, dict, set, np.ndarray)


@dataclass(slots=True)
class Rows:
    """Rows being read, and the faults found so far.

    Attributes
    ----------
    frame : DataFrame
        Its index is 0, 1, 2, ...
    files : ndarray of str or None, shape (n,)
        The file of each row, None for a DataFrame.
    lines : ndarray of int64, shape (n,)
        Its 1-based line; 0 where there is none.
    faults : list of DataFrame
        ``row, column, value, expected, cure``.
    repeats : list of DataFrame
        The same of rows that another row makes superfluous.
    notes : list of DataFrame
        ``row, code, severity, message``.
    """

    frame: pd.DataFrame
    files: NDArray[Any]
    lines: NDArray[np.int64]
    faults: list[pd.DataFrame] = field(default_factory=list)
    repeats: list[pd.DataFrame] = field(default_factory=list)
    notes: list[pd.DataFrame] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.frame)

    def fault(self, where: Where, column: str, shown: Iterable[str], reason: Reason | list[Reason]) -> None:
        """Note what is wrong in a column.

        Parameters
        ----------
        where : ndarray of bool, shape (n,), or of int, shape (k,)
            The bad rows.
        column : str
            Where it is wrong.
        shown : k texts
            The bad values.
        reason : (str, str) or list of k such pairs
            What was expected and what to do, for all of them or for each.
        """
        self._list(self.faults, where, column, shown, reason)

    def repeat(self, where: Where, column: str, shown: Iterable[str], reason: Reason | list[Reason]) -> None:
        """Note rows that only say again what another row says; parameters as in `fault`."""
        self._list(self.repeats, where, column, shown, reason)

    def note(self, where: Where, code: str, severity: str, message: str) -> None:
        """Note something that is worth a warning in some rows."""
        row = np.flatnonzero(where) if where.dtype == np.bool_ else where
        if len(row):
            chunk = {"row": row, "code": code, "severity": severity, "message": message}
            self.notes.append(pd.DataFrame(chunk))

    def text(self, name: str) -> pd.Series[str]:
        """Give a column as text, "" where there is none; what is no text becomes a fault."""
        if name not in self.frame.columns:
            return pd.Series(np.full(len(self), "", dtype=object), dtype="str")
        column = self.frame[name]
        if isinstance(column.dtype, pd.StringDtype):
            return column.astype("str").fillna("")
        nested = np.fromiter((isinstance(cell, NESTED) for cell in column), np.bool_, len(self))
        cells = texts(column)
        self.fault(nested, name, self.shown(name, nested), ("one value", "write a text or a number, no list"))
        return self.unicode(name, cells)

    def shown(self, name: str, where: Where) -> list[str]:
        """Give the cells of some rows as they stand, to be quoted."""
        if name not in self.frame.columns:
            return [""] * len(self.lines[where])
        return [cell.strip() for cell in texts(self.frame.loc[where, name])]

    def unicode(self, name: str, cells: list[str]) -> pd.Series[str]:
        """Give texts as a Series; what cannot be written as UTF-8 becomes a fault and ""."""
        broken = np.fromiter((not _is_unicode(cell) for cell in cells), np.bool_, len(cells))
        self.fault(broken, name, self.shown(name, broken), ("Unicode text", "remove the lone surrogate"))
        return pd.Series(
            ["" if flag else cell for cell, flag in zip(cells, broken, strict=True)], dtype="str"
        )

    def _list(
        self,
        chunks: list[pd.DataFrame],
        where: Where,
        column: str,
        shown: Iterable[str],
        reason: Reason | list[Reason],
    ) -> None:
        row = np.flatnonzero(where) if where.dtype == np.bool_ else where
        if len(row):
            reasons = [reason] * len(row) if isinstance(reason, tuple) else reason
            expected, cure = zip(*reasons, strict=True)
            chunk = {"row": row, "column": column, "value": [shorten(value) for value in shown]}
            chunks.append(pd.DataFrame({**chunk, "expected": expected, "cure": cure}))

    def bad(self) -> Mask:
        """Say which rows have a fault."""
        mask = np.zeros(len(self), np.bool_)
        for chunk in self.faults:
            mask[chunk["row"].to_numpy()] = True
        return mask

    def skipped(self) -> pd.DataFrame:
        """List faults and repeats by row: ``file, line, column, value, expected, cure``."""
        return self._listed(self.faults + self.repeats)

    def error(self) -> InputError:
        """Make one error of all faults."""
        found = self._listed(self.faults).itertuples(index=False, name=None)
        return InputError(
            [
                Problem(expected, value, cure, file, line or None, column)
                for file, line, column, value, expected, cure in found
            ]
        )

    def warnings(self) -> pd.DataFrame:
        """Count the notes: ``code, severity, rows, first_line, message``, in order of appearance."""
        if not self.notes:
            return pd.DataFrame({name: pd.Series([], dtype=object) for name in WARNINGS})
        notes = pd.concat(self.notes, ignore_index=True)
        counted = notes.groupby(["code", "severity", "message"], sort=False)["row"].agg(["size", "min"])
        lines = self.lines[counted["min"].to_numpy()]
        frame = counted.reset_index().rename(columns={"size": "rows"}).assign(first_line=lines)
        return frame[list(WARNINGS)]

    def _listed(self, chunks: list[pd.DataFrame]) -> pd.DataFrame:
        if not chunks:
            return pd.DataFrame({name: pd.Series([], dtype=object) for name in SKIPPED})
        every = pd.concat(chunks, ignore_index=True).sort_values("row", kind="stable", ignore_index=True)
        row = every.pop("row").to_numpy()
        return every.assign(file=self.files[row], line=self.lines[row])[list(SKIPPED)]


def gather(source: Source | Sequence[Source], check: Check) -> list[Rows]:
    """Read every source into raw rows, one `Rows` for each.

    Raises
    ------
    InputError
        Whatever `read_table` refuses, an unknown table of the catalogue, something that is no source; or
        all problems that ``check`` finds with the columns.
    """
    sources = [source] if isinstance(source, (str, os.PathLike, pd.DataFrame)) else source
    if not isinstance(sources, Sequence) or not sources:
        got = "an empty list" if isinstance(sources, Sequence) else f"a {type(sources).__name__}"
        expected = "a path, a DataFrame, 'catalogue:<name>' or a list of these"
        raise InputError(Problem(expected, got, "name where the events are"))
    tables = [_table(single) for single in sources]
    problems = [problem for table, file in tables for problem in check(list(table.columns), file)]
    if problems:
        raise InputError(problems)
    return [_rows(table, file) for table, file in tables]


def joined(parts: Sequence[Rows]) -> Rows:
    """Put the rows of several sources into one, with their faults and notes."""
    frames = [rows.frame for rows in parts]
    whole = Rows(
        frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True),
        np.concatenate([rows.files for rows in parts]),
        np.concatenate([rows.lines for rows in parts]),
    )
    start = 0
    for rows in parts:
        whole.faults += [chunk.assign(row=chunk["row"] + start) for chunk in rows.faults]
        whole.notes += [chunk.assign(row=chunk["row"] + start) for chunk in rows.notes]
        start += len(rows)
    return whole


def texts(column: pd.Series[Any]) -> list[str]:
    """Give the cells of any column as text, "" where there is none.

    A midnight without a zone is written as a date: that is how data frames keep dates.

    Examples
    --------
    >>> texts(pd.Series([1, None, "a", [1, 2]], dtype=object))
    ['1', '', 'a', '[1, 2]']
    """
    cells = column.to_numpy(object)
    missing = pd.isna(cells)
    return ["" if gone else _text(cell) for cell, gone in zip(cells.tolist(), missing.tolist(), strict=True)]


def shorten(value: str) -> str:
    """Quote a value for an error: control characters escaped, long ones cut.

    Examples
    --------
    >>> shorten("abc"), shorten("")
    ("'abc'", 'an empty cell')
    """
    if value == "":
        return "an empty cell"
    return repr(value if len(value) <= SHOWN else value[:SHOWN] + "...")


def _table(source: Source) -> tuple[pd.DataFrame, str | None]:
    if isinstance(source, pd.DataFrame):
        named = source.index.name is not None and source.index.name not in source.columns
        return _plain(source.reset_index() if named else source, None), None
    if not isinstance(source, (str, os.PathLike)):
        expected = "a path, a DataFrame or 'catalogue:<name>'"
        raise InputError(Problem(expected, f"a {type(source).__name__}", "name where the events are"))
    path = _catalogue(source) if isinstance(source, str) and source.startswith("catalogue:") else Path(source)
    return _plain(read_table(path), str(path)), str(path)


def _plain(table: pd.DataFrame, file: str | None) -> pd.DataFrame:
    """Give a table with plain, distinct column names."""
    if table.columns.nlevels > 1:
        got = f"{table.columns.nlevels} rows of them"
        raise InputError(Problem("one row of column names", got, "flatten the columns", file))
    names = pd.Index([str(name) for name in table.columns])
    twice = names[names.duplicated()]
    if len(twice):
        got = f"'{twice[0]}' twice"
        raise InputError(Problem("columns with different names", got, "rename one", file))
    return table.set_axis(names, axis=1)


def _catalogue(source: str) -> Path:
    from aftershock.data.catalogue import catalogue_path

    return Path(catalogue_path(source.removeprefix("catalogue:")))


def _rows(table: pd.DataFrame, file: str | None) -> Rows:
    frame = table.drop(columns=LINE, errors="ignore").reset_index(drop=True)
    return Rows(frame, np.full(len(frame), file, dtype=object), lines_of(table))


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, np.ndarray):
        return str(cell.tolist())
    if isinstance(cell, dt.datetime) and cell.tzinfo is None and cell.time() == dt.time():
        return cell.date().isoformat()
    return str(list(cell) if isinstance(cell, tuple) else cell)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
