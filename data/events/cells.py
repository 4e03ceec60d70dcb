"""Readers of the kinds of columns: each notes its faults and gives an array or a Series."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.errors import InputError
from aftershock.data.events import stamps
from aftershock.data.events.rows import Mask, Reason, Rows, texts
from aftershock.data.events.schema import SCOPES, near
from aftershock.data.instants import NAT, Instants

NUMBER = "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?"
_ELEMENT = "\x1f"
"""Stands before each element of a cell that was a list, whose elements may hold blanks."""

_LISTS = (list, tuple, np.ndarray)


class Word(NamedTuple):
    """One word of a cell: as ``given``, what it stands for, and the reason where it stands for nothing."""

    given: str
    text: str
    reason: Reason | None


class Times(NamedTuple):
    """A column of instants: ``start``, ``end`` (n,) in UTC nanoseconds; ``kind`` (n,), see `stamps`."""

    start: Instants
    end: Instants
    kind: NDArray[np.int8]


def read_zones(rows: Rows, zone: str | None) -> pd.Series[str]:
    """Give the zone of each row: its own, else the one stated for all, else ""."""
    own = rows.text("zone").str.strip()
    reasons = {name: stamps.zone_reason(name) for name in own.unique() if name}
    wrong = {name: reason for name, reason in reasons.items() if reason}
    bad = own.isin(list(wrong)).to_numpy(np.bool_)
    rows.fault(bad, "zone", own[bad], [wrong[name] for name in own[bad]])
    # A row whose zone is wrong has its fault already: no need for another at each of its stamps.
    return own.mask(bad, "UTC").where(own.ne(""), zone or "")


def read_instants(rows: Rows, name: str, zones: pd.Series[str]) -> Times:
    """Read a column of instants or dates; what is neither becomes a fault and ``NAT``."""
    if name not in rows.frame.columns:
        nothing = np.full(len(rows), NAT)
        return Times(nothing, nothing, np.zeros(len(rows), np.int8))
    column = rows.frame[name]
    taken = stamps.typed_stamps(column)
    if taken is None:
        taken = stamps.written_stamps(rows.text(name).str.strip())
    else:
        message = f"{name}: a midnight without a zone is read as the whole day"
        rows.note(taken.kind == stamps.DATE, "midnight", "info", message)
    spans = stamps.to_spans(taken, zones)
    lost = (taken.kind == stamps.BROKEN) | (spans.trouble != stamps.FINE)
    shown = rows.shown(name, lost)
    rows.fault(lost, name, shown, _stamp_reasons(taken, spans, zones, shown, lost))
    return Times(np.where(lost, NAT, spans.start), np.where(lost, NAT, spans.end), taken.kind)


def read_numbers(rows: Rows, name: str) -> NDArray[np.float64]:
    """Read a column of numbers, NaN where there is none; what is no finite number becomes a fault."""
    if name not in rows.frame.columns:
        return np.full(len(rows), np.nan)
    column = rows.frame[name]
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        values = column.to_numpy(np.float64, na_value=np.nan)
    else:
        values = _written_numbers(rows, name)
    infinite = np.isinf(values)
    reason = ("a finite number", "leave an unknown value empty")
    rows.fault(infinite, name, rows.shown(name, infinite), reason)
    # Adding zero makes -0.0 a plain 0.0, which has the same bytes in every digest.
    return np.where(infinite, np.nan, values) + 0.0


def read_words(rows: Rows, name: str, *, required: bool) -> pd.Series[str]:
    """Read a column of lower-case words."""
    words = rows.text(name).str.strip()
    empty = words.eq("").to_numpy(np.bool_)
    if required:
        rows.fault(empty, name, words[empty], (f"a {name}", "write one, such as fed, chip or tariff"))
    bad = ~words.str.fullmatch("[a-z0-9_]+").to_numpy(np.bool_) & ~empty
    rows.fault(bad, name, words[bad], [_word_reason(word) for word in words[bad]])
    return words


def read_symbols(rows: Rows, name: str = "symbols", *, single: bool = False) -> pd.Series[str]:
    """Read instruments in any dialect; give canonical symbols with a space between, each once."""
    return _read_lists(rows, name, _symbol, _whole if single else re.compile(r"[\s;,]+").split)


def read_scopes(rows: Rows) -> pd.Series[str]:
    """Read scopes; give them with a space between, each once."""
    return _read_lists(rows, "scope", _scope, str.split)


def sort_words(lists: pd.Series[str]) -> pd.Series[str]:
    """Sort the words of each cell.

    Examples
    --------
    >>> sort_words(pd.Series(["b a", ""])).tolist()
    ['a b', '']
    """
    return lists.map({cell: " ".join(sorted(cell.split())) for cell in lists.unique()}).astype("str")


def _stamp_reasons(
    taken: stamps.Stamps, spans: stamps.Spans, zones: pd.Series[str], shown: list[str], lost: Mask
) -> list[Reason]:
    trouble, is_date = spans.trouble[lost].tolist(), (taken.kind[lost] == stamps.DATE).tolist()
    return [
        stamps.broken_reason(text) if code == stamps.FINE else stamps.trouble_reason(code, text, zone, date)
        for text, code, zone, date in zip(shown, trouble, zones[lost], is_date, strict=True)
    ]


def _written_numbers(rows: Rows, name: str) -> NDArray[np.float64]:
    text = rows.text(name).str.strip()
    good = text.str.fullmatch(NUMBER).to_numpy(np.bool_)
    bad = ~good & ~text.str.lower().isin(["", "nan"]).to_numpy(np.bool_)
    cure = "write a plain number such as -0.25, or leave an unknown value empty"
    rows.fault(bad, name, text[bad], ("a number", cure))
    values = np.full(len(rows), np.nan)
    # float() rounds correctly, pandas' own parser is off by one bit now and then.
    values[good] = text[good].to_numpy(object).astype(np.float64)
    return values


@cache
def _word_reason(word: str) -> Reason:
    plain = re.sub(r"[^a-z0-9_]+", "_", word.lower()).strip("_") if word.isascii() else ""
    return "a word of a-z, 0-9 and _", f"write '{plain}'" if plain else "write a word such as fed"


def _read_lists(
    rows: Rows, name: str, parse: Callable[[str], Word], split: Callable[[str], list[str]]
) -> pd.Series[str]:
    """Read cells of several words; each distinct cell and each distinct word is looked at once."""
    cells, known = _list_cells(rows, name), cache(parse)
    parsed = {cell: [known(word) for word in _split(cell, split)] for cell in cells.unique()}
    wrong = {cell: [word for word in words if word.reason] for cell, words in parsed.items()}
    bad = np.flatnonzero(cells.isin([cell for cell, words in wrong.items() if words]))
    found = [(row, word) for row, cell in zip(bad, cells.iloc[bad], strict=True) for word in wrong[cell]]
    where = np.array([row for row, _ in found], dtype=np.intp)
    rows.fault(where, name, [word.given for _, word in found], [word.reason or ("", "") for _, word in found])
    texts_of = {cell: " ".join(dict.fromkeys(word.text for word in words)) for cell, words in parsed.items()}
    return cells.map(texts_of).astype("str")


def _list_cells(rows: Rows, name: str) -> pd.Series[str]:
    if name not in rows.frame.columns or isinstance(rows.frame[name].dtype, pd.StringDtype):
        return rows.text(name).str.strip()
    column = rows.frame[name]
    cells = [
        "".join(f"{_ELEMENT}{part}" for part in cell) if isinstance(cell, _LISTS) else text.strip()
        for cell, text in zip(column, texts(column), strict=True)
    ]
    return rows.unicode(name, cells)


def _split(cell: str, split: Callable[[str], list[str]]) -> list[str]:
    words = cell.split(_ELEMENT)[1:] if cell.startswith(_ELEMENT) else split(cell)
    return [word.strip() for word in words if word.strip()]


def _symbol(given: str) -> Word:
    from aftershock.data.universes import resolve

    try:
        return Word(given, resolve(given).symbol, None)
    except InputError as error:
        problem = error.problems[0]
        told = problem.got.removeprefix(f"'{given}'").strip(" ,")
        return Word(given, "", (problem.expected, f"{told}: {problem.cure}" if told else problem.cure))


def _scope(given: str) -> Word:
    kind = given.partition(":")[0]
    if re.fullmatch(SCOPES.get(kind, "(?!)"), given):
        return Word(given, given, None)
    meant = near(kind, SCOPES)
    cure = "write one of these" if meant in (None, kind) else f"did you mean '{meant}'?"
    return Word(given, "", ("a scope: global, market:KR or theme:semis", cure))


def _whole(cell: str) -> list[str]:
    return [cell]
