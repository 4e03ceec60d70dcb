"""Exchange rates of a user: fixings by date, marks by instant, from files or bars of a pair."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem
from aftershock.data.fx.currencies import currency, pair_of
from aftershock.data.fx.rates import Fixings, Floats, Pair
from aftershock.data.instants import DAY, NAT, Instants, to_ns
from aftershock.data.prices.columns import FILE, LISTED, Texts, local_days, numbers, place
from aftershock.data.tables import LINE, check_columns, lines_of, read_table

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]

FIXING_COLUMNS = ("date", "known_at", "pair", "currency", "per", "rate")
MARK_COLUMNS = ("at", "pair", "currency", "per", "rate")
ALIASES = {"close": "rate", "symbol": "pair", "ticker": "pair"}
"""What bars of a pair call these columns."""


def load_fixings(paths: Paths, pair: str = "") -> Fixings:
    r"""Read fixings from CSV, JSONL or Parquet files.

    Parameters
    ----------
    paths : path or paths
        Tables of ``rate`` (or ``close``) with ``date`` and, where it is known, ``known_at``: the zoned instant at which
        the rate was public. A date alone is known when that UTC date is over, not before. Which pair it is says a
        column ``pair`` (``USDTWD`` is TWD per USD), or ``currency`` and ``per``, or the name of the file
        (``usdtwd.csv``, ``TWD=X.parquet``).
    pair : str, optional
        The pair of files that do not say.

    Returns
    -------
    Fixings
        Pairs in the order of the files. Rows without a rate are left out; a fixing that came out after one of a later
        date never counts.

    Raises
    ------
    InputError
        A file that cannot be read, a column misspelt or missing, a cell that is no date, rate or pair, two rates of one
        pair and date; each with its line.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "usdtwd.csv"
    >>> _ = path.write_text("date,close\n2025-09-11,30.25\n")
    >>> load_fixings(path)
    Fixings(USDTWD to 2025-09-12 (usdtwd.csv))
    """
    return Fixings(tuple(one for path in _each(paths) for one in _fixings(*_read(path, pair))))


def from_bars(table: pd.DataFrame, pair: str = "") -> Fixings:
    """Take the daily bars of a pair for fixings, such as Yahoo's ``TWD=X``.

    Parameters
    ----------
    table : DataFrame
        ``date`` (column or index) and ``close``; ``symbol`` names the pair where ``pair`` does not. A zoned date must
        be a midnight of its own zone.
    pair : str, optional
        ``TWD=X``, ``USDTWD``.

    Returns
    -------
    Fixings
        A close is known when its UTC date (and its date in its own zone) is over.

    Raises
    ------
    InputError
        As `load_fixings`.

    Examples
    --------
    >>> bars = pd.DataFrame({"date": ["2025-09-11", "2025-09-12"], "close": [30.25, 30.3]})
    >>> from_bars(bars, "TWD=X").rate("USD", "TWD", to_ns(["2025-09-12T23:59Z"])).round(6)
    array([0.033058])
    """
    named = table.reset_index() if "date" in [str(name).lower() for name in table.index.names] else table
    return Fixings(_fixings(named.assign(**{LINE: lines_of(named)}), pair, "bars"))


def load_marks(paths: Paths, pair: str = "") -> Fixings:
    """Read marks, the rates of single instants, from CSV, JSONL or Parquet files.

    Parameters
    ----------
    paths : path or paths
        Tables of ``at`` (zoned instants) and ``rate``, with pairs as in `load_fixings`.
    pair : str, optional
        The pair of files that do not say.

    Raises
    ------
    InputError
        As `load_fixings`, and where an instant has no zone.
    """
    return Fixings(tuple(one for path in _each(paths) for one in _marks(*_read(path, pair))))


def _each(paths: Paths) -> list[Path]:
    several = [paths] if isinstance(paths, (str, os.PathLike)) else paths
    return [Path(path) for path in several]


def _read(path: Path, pair: str) -> tuple[pd.DataFrame, str, str]:
    """Give a file's table, the pair its name tells, and its name."""
    frame = read_table(path)
    return frame.assign(**{FILE: str(path)}), pair or path.name.split(".")[0], path.name


def _fixings(frame: pd.DataFrame, pair: str, source: str) -> tuple[Pair, ...]:
    table = _tidy(frame, FIXING_COLUMNS)
    if "date" not in table and "known_at" not in table:
        raise InputError(Problem("a column 'date'", "none", "add it, or known_at", _file(table)))
    table = _rated(table)
    if "date" not in table:
        known_at = _instants(table, "known_at")
        return _by_pair(table, pair, source, known_at, known_at)
    day, over = _days(table)
    if "known_at" not in table:
        return _by_pair(table, pair, source, day, over)
    known_at = _instants(table, "known_at")
    _refuse_early(table, day, known_at)
    return _by_pair(table, pair, source, day, known_at)


def _marks(frame: pd.DataFrame, pair: str, source: str) -> tuple[Pair, ...]:
    table = _rated(_tidy(frame, MARK_COLUMNS, ("at",)))
    at = _instants(table, "at")
    return _by_pair(table, pair, source, at, at)


def _tidy(frame: pd.DataFrame, known: tuple[str, ...], required: tuple[str, ...] = ()) -> pd.DataFrame:
    table = frame.rename(columns=lambda name: name if name in (LINE, FILE) else str(name).strip().lower())
    names = {old: new for old, new in ALIASES.items() if old in table and new not in table}
    table = table.rename(columns=names)
    file = _file(table)
    check_columns([name for name in table.columns if name != FILE], known, ("rate", *required), file)
    if "currency" in table and "pair" not in table and "per" not in table:
        cure = "say per which other currency the rate is, or give a column pair (USDTWD is TWD per USD)"
        raise InputError(Problem("a column 'per' beside 'currency'", "none", cure, file))
    return table


def _rated(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows that have a rate, as numbers above zero."""
    rate = numbers(table, "rate")
    bad = np.flatnonzero(rate <= 0.0)[:LISTED]
    if len(bad):
        cure = "correct or empty the cell"
        raise InputError(
            [
                Problem("a rate above 0", f"{rate[row]:g}", cure, *place(table, int(row)), "rate")
                for row in bad
            ]
        )
    return table.assign(rate=rate)[~np.isnan(rate)].reset_index(drop=True)


def _days(table: pd.DataFrame) -> tuple[Instants, Instants]:
    """Give the date of each row in days since 1970, and the instant at which it is over in UTC and in its own zone."""
    cells = table["date"]
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        wall = cells.dt.tz_localize(None)
        timed = (wall != wall.dt.normalize()).to_numpy()
        table, over = table.assign(date=wall), to_ns(cells) + DAY
    else:
        timed = np.array([_is_zoned(cell) for cell in cells], np.bool_)
        over = np.full(len(table), NAT)
    if timed.any():
        row = int(np.argmax(timed))
        cure = "write a date, and the instant at which it was known in a column known_at"
        raise InputError(Problem("a date", f"'{cells.iloc[row]}'", cure, *place(table, row), "date"))
    day = local_days(table, Texts(np.zeros(len(table), np.int64), ("UTC",)))
    return day, np.maximum((day + 1) * DAY, over)


def _is_zoned(cell: object) -> bool:
    """Tell a date with a time and a zone: in which zone it is a date nobody says."""
    if isinstance(cell, str):
        if len(cell.strip()) <= 10:
            return False
        try:
            return pd.Timestamp(cell).tzinfo is not None
        except ValueError:
            return False
    return getattr(cell, "tzinfo", None) is not None


def _instants(table: pd.DataFrame, column: str) -> Instants:
    try:
        found = to_ns(table[column])
    except InputError:
        raise InputError(_wrong_instants(table, column)) from None
    if (found == NAT).any():
        row = int(np.argmax(found == NAT))
        raise InputError(
            Problem("an instant", "nothing", "write 2025-09-12T09:00+09:00", *place(table, row), column)
        )
    return found


def _wrong_instants(table: pd.DataFrame, column: str) -> list[Problem]:
    problems: list[Problem] = []
    for row, cell in enumerate(table[column]):
        try:
            to_ns([cell])
        except InputError as error:
            (one,) = error.problems
            cure = one.cure.replace(", a zone column, or [events] zone", "")
            problems.append(Problem(one.expected, one.got, cure, *place(table, row), column))
        if len(problems) == LISTED:
            break
    return problems


def _refuse_early(table: pd.DataFrame, day: Instants, known_at: Instants) -> None:
    """Refuse a rate that is known before its date has begun anywhere (UTC+14)."""
    early = np.flatnonzero(known_at < day * DAY - 14 * DAY // 24)[:LISTED]
    if len(early):
        cure = "correct the date or known_at"
        problems = [
            Problem(
                f"an instant on {np.datetime64(int(day[row]), 'D')} or later",
                f"'{table['known_at'].iloc[row]}'",
                cure,
                *place(table, int(row)),
                "known_at",
            )
            for row in early
        ]
        raise InputError(problems)


def _by_pair(
    table: pd.DataFrame, pair: str, source: str, day: Instants, known_at: Instants
) -> tuple[Pair, ...]:
    if table.empty:
        raise InputError(Problem("rows with a rate", "none", "fill the table, or leave it out", source))
    names = _names(table, pair)
    rate = table["rate"].to_numpy(np.float64)
    return tuple(
        _one_pair(table, name, source, day, known_at, rate, np.flatnonzero(names == name))
        for name in pd.unique(names)
    )


def _names(table: pd.DataFrame, pair: str) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Give the pair of each row as quoted."""
    if "pair" not in table and "currency" not in table:
        return np.full(len(table), _placed(pair, _file(table)), object)
    parts = ("pair",) if "pair" in table else ("per", "currency")
    cells = np.array(["".join(row) for row in table[[*parts]].fillna("").astype(str).to_numpy()], object)
    codes, found = pd.factorize(cells)
    column = parts[-1]
    firsts = [int(np.argmax(codes == code)) for code in range(len(found))]
    tidy = [_placed(text, *place(table, row), column) for text, row in zip(found, firsts, strict=True)]
    return np.array(tidy, object)[codes] if tidy else np.array([], object)


def _placed(text: str, file: str | None = None, line: int | None = None, column: str | None = None) -> str:
    try:
        return "".join(pair_of(text))
    except InputError as error:
        (one,) = error.problems
        cure = one.cure if column else f"{one.cure}, as the file's name or in a column pair"
        raise InputError(Problem(one.expected, one.got, cure, file, line, column)) from None


def _one_pair(
    table: pd.DataFrame,
    name: str,
    source: str,
    day: Instants,
    known_at: Instants,
    rate: Floats,
    rows: Instants,
) -> Pair:
    rows = rows[np.lexsort((day[rows], known_at[rows]))]
    by_day = rows[np.argsort(day[rows], kind="stable")]
    twice = (np.diff(day[by_day]) == 0) & (np.diff(rate[by_day]) != 0.0)
    if twice.any():
        row = int(max(by_day[:-1][twice][0], by_day[1:][twice][0]))
        raise InputError(
            Problem(f"one rate of {name} a date", "another", "drop one of the rows", *place(table, row))
        )
    # What came out after a later date's fixing is old news; of what came out together the latest date counts.
    rows = rows[day[rows] >= np.maximum.accumulate(day[rows])] if len(rows) else rows
    last = np.r_[np.diff(known_at[rows]) > 0, True] if len(rows) else np.zeros(0, np.bool_)
    rows = rows[last]
    per, quoted = currency(name[:3]), currency(name[3:])
    return Pair(per, quoted, known_at[rows], rate[rows], source)


def _file(table: pd.DataFrame) -> str | None:
    return str(table[FILE].iloc[0]) if FILE in table and len(table) else None
