"""Columns of a price table: names put right, cells read as numbers and dates, each error with its place."""

from __future__ import annotations

import datetime
import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.errors import InputError, Problem
from aftershock.data.instants import NAT, to_index, to_ns
from aftershock.data.tables import LINE, check_columns, lines_of

FILE = "_file"
"""The column that says which file a row came from, where there are several."""

PRICES = ("open", "high", "low", "close")
ACTIONS = ("dividend", "split")
"""What is kept beside traded prices, on the ex-date."""
HOURS = ("opens_at", "closes_at")
KNOWN = (
    *("symbol", "date", *HOURS, *PRICES, "adj_close", *ACTIONS),
    *("volume", "source", "factor", "payout", "halted", "currency"),
)
REQUIRED = ("symbol", "date", "close")
ALIASES = {
    "ticker": "symbol",
    "src": "source",
    "adjclose": "adj_close",
    "adjusted_close": "adj_close",
    "dividends": "dividend",
    "stock_splits": "split",
    "splits": "split",
    "datetime": "opens_at",
    "timestamp": "opens_at",
}
"""What other houses call a column."""

LISTED = 1000
"""How many cells of one column an error lists."""

FAR = 106_000
"""Days from 1970 (290 years) beyond which a date is a mistake."""

_ZONED = r"[T ].*(?:Z|[+-]\d{2}(?::?\d{2})?)$"
_ISO_DATE = re.compile(r"\d{4}([-/]?)\d{2}\1\d{2}")
_ISO_TIME = re.compile(r"\d{4}-?\d{2}-?\d{2}[T ].+")


def tidy_name(name: object) -> str:
    """Write a column's name the way this package does.

    Examples
    --------
    >>> [tidy_name(name) for name in ("Adj Close", "Ticker", "src")]
    ['adj_close', 'symbol', 'source']
    """
    tidy = re.sub(r"[\s-]+", "_", str(name).strip().lower())
    return ALIASES.get(tidy, tidy)


def tidy_columns(frame: pd.DataFrame, *, intraday: bool = False) -> pd.DataFrame:
    """Rename a long table's columns, take what it needs out of its index and keep its lines.

    Parameters
    ----------
    frame : DataFrame
        The table.
    intraday : bool
        Whether a column ``date`` holds the instants at which bars open.

    Raises
    ------
    InputError
        A column is missing, misspelt or there twice.
    """
    frame = frame.assign(**{LINE: lines_of(frame)})
    inside = {tidy_name(name) for name in frame.index.names if name is not None}
    if inside & {"symbol", "date", "opens_at"} - {tidy_name(name) for name in frame.columns}:
        frame = frame.reset_index()
    named = {str(name).strip().lower() for name in frame.columns}
    frame = frame.rename(columns=tidy_name)
    file = _file(frame, 0)
    if {"date", "opens_at"} <= set(frame.columns):
        frame = _dated_or_timed(frame, named, intraday, file)
    if intraday:
        frame = frame.rename(columns={"date": "opens_at"})
    twice = sorted(set(frame.columns[frame.columns.duplicated()]) & set(KNOWN))
    if twice:
        expected = f"one column '{twice[0]}'"
        raise InputError(Problem(expected, "two", "drop or rename one (ticker, src are aliases)", file))
    for other in ("factor", *ACTIONS):
        if {"adj_close", other} <= set(frame.columns):
            raise InputError(Problem(f"adj_close or {other}", "both", "drop one of the two columns", file))
    required = ("symbol", "opens_at", "close") if is_intraday(frame) else REQUIRED
    known = [name for name in KNOWN if name != "date" or "opens_at" not in frame.columns]
    check_columns([name for name in frame.columns if name != FILE], known, required, file)
    return frame


def _dated_or_timed(frame: pd.DataFrame, named: set[str], intraday: bool, file: str | None) -> pd.DataFrame:
    """Pass over a column of daily bars that only happens to be called ``timestamp``; else refuse the two."""
    if intraday or named & set(HOURS):
        cure = "drop one of the two columns: date is for daily bars"
        raise InputError(Problem("date or opens_at", "both", cure, file))
    return frame.drop(columns="opens_at")


def is_intraday(frame: pd.DataFrame) -> bool:
    """Tell a tidy table of bars with instants from one of daily bars.

    Examples
    --------
    >>> is_intraday(pd.DataFrame({"symbol": ["N225"], "date": ["2025-09-12"], "close": [1.0]}))
    False
    """
    return bool(set(HOURS) & set(frame.columns))


def place(frame: pd.DataFrame, row: int) -> tuple[str | None, int]:
    """Say where a row of a tidy table stands: its file (None where unknown) and line."""
    return _file(frame, row), int(frame[LINE].iloc[row])


def numbers(frame: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """Read a column as numbers.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        NaN where a cell is empty, or everywhere when there is no such column.

    Raises
    ------
    InputError
        A cell is no finite number; such cells are named, up to `LISTED`.
    """
    if column not in frame.columns:
        return np.full(len(frame), np.nan)
    cells = frame[column]
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
        values = cells.to_numpy(np.float64, na_value=np.nan)
        wrong = np.isinf(values)
    else:
        values, wrong = _parse_numbers(cells)
    if wrong.any():
        raise InputError([_not_number(frame, column, int(row)) for row in np.flatnonzero(wrong)[:LISTED]])
    return values


def flags(frame: pd.DataFrame, column: str) -> NDArray[np.bool_]:
    """Read a column of yes and no; no where a cell is empty or there is no such column.

    Raises
    ------
    InputError
        A cell is neither true, false, 1 nor 0.
    """
    if column not in frame.columns:
        return np.zeros(len(frame), np.bool_)
    codes, cells = pd.factorize(frame[column])
    words = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
    meant = [words.get(str(cell).strip().lower()) for cell in cells]
    for code, cell in enumerate(cells):
        if meant[code] is None:
            file, line = place(frame, int(np.argmax(codes == code)))
            raise InputError(Problem("true or false", f"'{cell}'", "correct the cell", file, line, column))
    return np.array([*meant, False], np.bool_)[codes]


class Texts(NamedTuple):
    """A column of texts: the distinct ones, and which of them stands in each row (-1: none)."""

    codes: NDArray[np.int64]
    distinct: tuple[str, ...]


def texts(frame: pd.DataFrame, column: str) -> Texts:
    """Read a column as texts; no text where a cell is empty or there is no such column."""
    if column not in frame.columns:
        return Texts(np.full(len(frame), -1, np.int64), ())
    codes, distinct = pd.factorize(frame[column])
    return Texts(codes.astype(np.int64), tuple(str(text).strip() for text in distinct))


def local_days(frame: pd.DataFrame, zones: Texts) -> NDArray[np.int64]:
    """Read the ``date`` column as the local dates of each row's venue.

    Parameters
    ----------
    frame : DataFrame
        ``date`` holds dates (texts, Python dates, naive timestamps at midnight) or zoned instants.
    zones : Texts
        The zone of each row's venue, in which an instant becomes a date.

    Returns
    -------
    ndarray of int64, shape (n_rows,)
        Days since 1970.

    Raises
    ------
    InputError
        A cell is empty, no date, or a naive time of day.
    """
    cells = frame["date"]
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        distinct, codes = np.unique(to_ns(cells), return_inverse=True)
        return _in_zones(frame, distinct, np.ones(len(distinct), np.bool_), codes, zones)
    if cells.dtype.kind == "M":
        return _naive_days(frame, cells)
    codes, found = pd.factorize(cells)
    read = [_read_date(cell) for cell in found]
    values = np.array([*(value for value, _, _ in read), NAT], np.int64)
    wrong = [code for code, (value, _, _) in enumerate(read) if value == NAT]
    if wrong or (codes < 0).any():
        raise _no_dates(frame, codes, {code: read[code][2] for code in wrong})
    zoned = np.array([zoned for _, zoned, _ in read], np.bool_)
    return _in_zones(frame, values[:-1], zoned, codes, zones)


def instants(frame: pd.DataFrame, column: str) -> NDArray[np.int64]:
    """Read a column of instants.

    Parameters
    ----------
    frame : DataFrame
        The column holds zoned timestamps, or texts with their offset.

    Returns
    -------
    ndarray of int64, shape (n_rows,)
        UTC nanoseconds.

    Raises
    ------
    InputError
        A cell is empty, no instant, or has no zone.
    """
    cells = frame[column]
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        values = to_ns(cells)
    else:
        stamps = cells.map(_stamp_text, na_action="ignore").astype("str")
        zoned = stamps.str.contains(_ZONED, regex=True, na=False)
        read = pd.to_datetime(stamps.where(zoned), utc=True, format="ISO8601", errors="coerce")
        values = to_ns(read.astype("datetime64[ns, UTC]"))
    wrong = np.flatnonzero(values == NAT)
    if len(wrong):
        raise InputError([_no_instant(frame, column, int(row)) for row in wrong[:LISTED]])
    return values


def _stamp_text(cell: Any) -> str:
    return cell.isoformat() if isinstance(cell, datetime.datetime) else str(cell).strip()


def _no_instant(frame: pd.DataFrame, column: str, row: int) -> Problem:
    cell = frame[column].iloc[row]
    got = "nothing" if pd.isna(cell) else f"'{cell}'"
    cure = "write 2025-09-12T10:00+09:00 (daily bars have a column date)"
    return Problem("an instant with its zone", got, cure, *place(frame, row), column)


def days_of(instants: NDArray[np.int64], zones: Texts) -> NDArray[np.int64]:
    """Give the local dates of instants, each in the zone of its row, in days since 1970."""
    days = np.empty(len(instants), np.int64)
    for code, zone in enumerate(zones.distinct):
        here = zones.codes == code
        local = to_index(instants[here]).tz_convert(zone).tz_localize(None)
        days[here] = local.to_numpy().astype("M8[D]").view(np.int64)
    return days


def _in_zones(
    frame: pd.DataFrame,
    distinct: NDArray[np.int64],
    zoned: NDArray[np.bool_],
    codes: NDArray[Any],
    zones: Texts,
) -> NDArray[np.int64]:
    """Turn instants into dates zone by zone; dates (not ``zoned``) stay what they are."""
    if (distinct == NAT).any():
        raise _no_dates(frame, np.where(distinct[codes] == NAT, -1, codes), {})
    if not zoned.any():
        return _believable(frame, distinct[codes])
    days = np.empty(len(codes), np.int64)
    for code, zone in enumerate(zones.distinct):
        here = zones.codes == code
        local = to_index(np.where(zoned, distinct, 0)).tz_convert(zone).tz_localize(None)
        by_code = np.where(zoned, local.to_numpy().astype("M8[D]").view(np.int64), distinct)
        days[here] = by_code[codes[here]]
    return days


def _naive_days(frame: pd.DataFrame, cells: pd.Series[Any]) -> NDArray[np.int64]:
    stamps = cells.to_numpy()
    if np.isnat(stamps).any():
        raise _no_dates(frame, np.where(np.isnat(stamps), -1, 0), {})
    days = stamps.astype("M8[D]")
    timed = stamps != days
    if timed.any():
        row = int(np.argmax(timed))
        raise InputError(_no_date(frame, row, f"the naive timestamp '{cells.iloc[row]}'"))
    return _believable(frame, days.view(np.int64))


def _believable(frame: pd.DataFrame, days: NDArray[np.int64]) -> NDArray[np.int64]:
    """Refuse dates that int64 nanoseconds cannot tell, such as 9999-12-31 for "never"."""
    far = np.abs(days) > FAR
    if far.any():
        row = int(np.argmax(far))
        raise InputError(_no_date(frame, row, f"'{frame['date'].iloc[row]}'"))
    return days


def _read_date(cell: Any) -> tuple[int, bool, str]:
    """Give days (False) or nanoseconds (True) of one cell, or ``NAT`` and what stood there."""
    if isinstance(cell, (int, np.integer)):
        cell = str(cell)
    if isinstance(cell, datetime.date) and not isinstance(cell, datetime.datetime):
        return int(np.datetime64(cell, "D").astype(np.int64)), False, ""
    text = cell.strip() if isinstance(cell, str) else ""
    if not (isinstance(cell, datetime.datetime) or _ISO_DATE.fullmatch(text) or _ISO_TIME.fullmatch(text)):
        return NAT, False, f"'{cell}'"
    try:
        stamp = pd.Timestamp(text or cell)
    except ValueError:
        return NAT, False, f"'{cell}'"
    if stamp.tzinfo is not None:
        return int(to_ns([stamp])[0]), True, ""
    if stamp != stamp.normalize():
        return NAT, False, f"the naive timestamp '{cell}'"
    return int(stamp.to_datetime64().astype("M8[D]").astype(np.int64)), False, ""


def _no_dates(frame: pd.DataFrame, codes: NDArray[Any], wrong: dict[int, str]) -> InputError:
    empty = [_no_date(frame, int(row), "nothing") for row in np.flatnonzero(codes < 0)[:LISTED]]
    firsts = {code: int(np.argmax(codes == code)) for code in list(wrong)[:LISTED]}
    return InputError([*(_no_date(frame, firsts[code], wrong[code]) for code in firsts), *empty])


def _no_date(frame: pd.DataFrame, row: int, got: str) -> Problem:
    cure = "write 2025-09-12, or an instant with its offset"
    return Problem("a date", got, cure, *place(frame, row), "date")


def _not_number(frame: pd.DataFrame, column: str, row: int) -> Problem:
    got = f"'{frame[column].iloc[row]}'"
    return Problem("a number", got, "correct or empty the cell", *place(frame, row), column)


def _parse_numbers(cells: pd.Series[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Give the numbers of texts (NaN where there is none), and which cells hold something else."""
    if isinstance(cells.dtype, pd.StringDtype):
        others = np.zeros(len(cells), np.bool_)
    else:
        others = np.array([isinstance(cell, (bool, np.bool_, list, dict)) for cell in cells], np.bool_)
        cells = cells.astype(object).where(~others)
    values = np.array(pd.to_numeric(cells, errors="coerce"), np.float64)
    unread = cells.isna().to_numpy() < np.isnan(values)
    unread[unread] = [str(cell).strip() != "" for cell in cells[unread]]
    return values, others | unread | np.isinf(values)


def _file(frame: pd.DataFrame, row: int) -> str | None:
    return str(frame[FILE].iloc[row]) if FILE in frame.columns and len(frame) else None
