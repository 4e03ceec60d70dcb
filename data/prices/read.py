"""Prices read: a tape of whatever holds prices."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from aftershock.data.errors import InputError, Problem
from aftershock.data.prices.cleaning import Log
from aftershock.data.prices.columns import FILE, KNOWN, tidy_columns, tidy_name
from aftershock.data.prices.from_store import store_table, store_tape
from aftershock.data.prices.hours import DAILY
from aftershock.data.prices.store import Store, is_store
from aftershock.data.prices.tape import Tape, warnings_table
from aftershock.data.tables import LINE, SUFFIXES, Where, lines_of, read_table
from aftershock.data.universes import resolve

Paths = str | os.PathLike[str]

_STEM = re.compile(r"(.+?)\.(csv|jsonl|parquet)(\.gz)?$", re.IGNORECASE)

TIMES = ("date", "opens_at")
FIELDS = frozenset(KNOWN) - {"symbol", *TIMES}
SYMBOL_COLUMNS = ("symbol", "Symbol", "SYMBOL", "ticker", "Ticker", "TICKER")


def load_tape(
    prices: Tape | Store | pd.DataFrame | Paths | Iterable[Paths],
    *,
    symbols: Iterable[str] | None = None,
    sources: Sequence[str] = (),
    skip_bad: bool = False,
    interval: str | None = None,
    snapshot: str | None = None,
    exclude: Sequence[str] = (),
) -> Tape:
    """Make a tape of prices, wherever they are.

    Parameters
    ----------
    prices : Tape, Store, DataFrame, path or paths
        - a store, or the path of one, see `aftershock.data.prices.store`;
        - a long table (``symbol, date, close, ...``), see `Tape.from_frame`;
        - a wide one: a column of closes for each symbol, or two levels of columns, field and symbol in
          either order, over a column or index of dates;
        - one instrument's ``date, open, high, ...``, if ``symbols`` names just one;
        - a CSV or Parquet file of the first two kinds, or several;
        - a folder with a file for each symbol, named by it (``000660.KS.csv``, ``000660_KS.parquet``).
    symbols : iterable of str, optional
        Instruments wanted, in any dialect and in this order; else all.
    sources : sequence of str
        Sources in order of preference, see `Tape.from_frame`.
    skip_bad : bool
        Leave impossible prices out instead of refusing the table.
    interval : str, optional
        How long the bars are (``5m``, ``60m``, ``1h``; ``1d`` is a session): where a table says when they open
        and not when they close, and which bars of a store (daily ones where it has them). A tape has its own ends.
    snapshot : str, optional
        Which state of a store, by the name that a fetch gave it and a run keeps; else the present one.
    exclude : sequence of str
        Codes of findings whose bars are not to fill, see `Tape.from_frame`; not for a tape that is made already.

    Returns
    -------
    Tape
        Instruments that were wanted but are absent are warned of (``no_prices``).

    Raises
    ------
    InputError
        A file or table that cannot be used, an unknown wanted symbol, or nothing left.

    Examples
    --------
    >>> days = pd.to_datetime(["2025-09-11", "2025-09-12"])
    >>> closes = pd.DataFrame({"8035.T": [99.0, 101.0], "KS:000660": [300.0, 328.5]}, index=days)
    >>> load_tape(closes).symbols
    ('000660.KS', '8035.T')
    """
    wanted = wanted_symbols(symbols)
    if isinstance(prices, Tape):
        if exclude:
            cure = "give exclude where the tape is made"
            raise InputError(Problem("a table or files to exclude bars of", "a tape", cure))
        return prices if wanted is None else _wanted(prices, wanted)
    prices = _store_at(prices) or prices
    if isinstance(prices, Store):
        tape = store_tape(
            prices,
            wanted,
            interval=interval,
            sources=sources,
            snapshot=snapshot,
            skip_bad=skip_bad,
            exclude=exclude,
        )
        return tape if wanted is None else _wanted(tape, wanted)
    if snapshot is not None:
        raise InputError(Problem("a store, for a snapshot", "other prices", "name a store, or no snapshot"))
    frame, provenance = read_prices(prices, wanted)
    with naming_files(provenance):
        tape = Tape.from_frame(
            frame,
            sources=sources,
            skip_bad=skip_bad,
            exclude=exclude,
            provenance=provenance,
            interval=interval or DAILY,
        )
    return tape if wanted is None else _wanted(tape, wanted)


def wanted_symbols(symbols: Iterable[str] | None) -> list[str] | None:
    """Read the instruments asked for, in any dialect, once each; None for all.

    Raises
    ------
    InputError
        A symbol nobody knows.
    """
    if symbols is None:
        return None
    several = [symbols] if isinstance(symbols, str) else symbols
    return list(dict.fromkeys(resolve(symbol).symbol for symbol in several))


def read_prices(
    prices: Store | pd.DataFrame | Paths | Iterable[Paths],
    wanted: Sequence[str] | None = None,
    *,
    interval: str | None = None,
    snapshot: str | None = None,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read prices as one long table of the rows as they are, before any cleaning.

    Parameters
    ----------
    prices : Store, DataFrame, path or paths
        In any shape that `load_tape` takes.
    wanted : sequence of str, optional
        Yahoo symbols of the instruments wanted; else all.
    interval, snapshot : str, optional
        Which bars and which state of a store.

    Returns
    -------
    frame : DataFrame
        ``symbol, date, close`` and what else there is; ``_line`` and, of files, ``_file`` say where a row stood.
    provenance : dict
        Where it came from.

    Raises
    ------
    InputError
        A file or table that cannot be read, or nothing of what was wanted.
    """
    prices = _store_at(prices) or prices
    if isinstance(prices, Store):
        return store_table(prices, wanted, interval=interval, snapshot=snapshot)
    if isinstance(prices, pd.DataFrame):
        frame = long_table(prices, wanted)
        provenance: dict[str, Any] = {"from": "a table"}
    else:
        paths = [prices] if isinstance(prices, (str, os.PathLike)) else list(prices)
        files = _files([Path(path) for path in paths], wanted)
        provenance = {"from": "files", "files": [str(path) for path, _ in files]}
        frame = pd.concat([_read(path, symbol, wanted) for path, symbol in files], ignore_index=True)
    return (frame if wanted is None else _rows_of(frame, wanted)), provenance


@contextlib.contextmanager
def naming_files(provenance: Mapping[str, Any]) -> Iterator[None]:
    """Let problems that name no file name those the prices came from."""
    try:
        yield
    except InputError as error:
        named = ", ".join(provenance.get("files", ())) or None
        raise InputError([replace(one, file=one.file or named) for one in error.problems]) from None


def _store_at(prices: object) -> Store | None:
    """Open the store that a path, alone or in a list, leads to."""
    if isinstance(prices, (list, tuple)) and len(prices) == 1:
        return _store_at(prices[0])
    return Store(prices) if isinstance(prices, (str, os.PathLike)) and is_store(prices) else None


def long_table(frame: pd.DataFrame, symbols: Sequence[str] | None = None) -> pd.DataFrame:
    """Make a long table of a long or wide one.

    Raises
    ------
    InputError
        Prices of one instrument that does not say which.

    Examples
    --------
    >>> closes = pd.DataFrame({"date": ["2025-09-12"], "8035.T": [101.0], "N225": [44768.12]})
    >>> long_table(closes)[["symbol", "close"]].values.tolist()
    [['8035.T', 101.0], ['N225', 44768.12]]
    """
    if frame.columns.nlevels == 2:
        return _from_two_levels(frame)
    frame = frame.assign(**{LINE: lines_of(frame)})
    named = {tidy_name(name) for name in (*frame.columns, *frame.index.names) if name is not None}
    if "symbol" in named:
        return frame
    if not FIELDS & named:
        return _from_closes(frame)
    if symbols is None or len(symbols) != 1:
        got = "prices that do not say whose"
        raise InputError(Problem("a column 'symbol'", got, "add it, or ask for one symbol"))
    return _dated(frame).assign(symbol=symbols[0])


def _dated(frame: pd.DataFrame) -> pd.DataFrame:
    """Take the dates (instants) out of the index, unless a column holds them."""
    if any(tidy_name(name) in TIMES for name in frame.columns) or isinstance(frame.index, pd.RangeIndex):
        return frame
    return frame.rename_axis(index=_time_name(frame.index.name)).reset_index()


def _time_name(name: object) -> str:
    """Tell by its name whether an index or a column holds the instants at which bars open, or dates."""
    return "opens_at" if tidy_name(name) == "opens_at" else "date"


def _from_closes(frame: pd.DataFrame) -> pd.DataFrame:
    frame = _dated(frame)
    dates = [name for name in frame.columns if tidy_name(name) in TIMES]
    first = (dates or list(frame.columns))[0]
    time = _time_name(first)
    frame = frame.rename(columns={first: time})
    kept = [time, *(name for name in (LINE, FILE) if name in frame.columns)]
    return frame.melt(id_vars=kept, var_name="symbol", value_name="close")


def _from_two_levels(frame: pd.DataFrame) -> pd.DataFrame:
    first = {tidy_name(name) for name in frame.columns.get_level_values(0)}
    symbol_level = 1 if FIELDS & first else 0
    dates, time = pd.Series(frame.index, dtype=frame.index.dtype), _time_name(frame.index.name)
    if isinstance(frame.index, pd.RangeIndex):
        raise InputError(Problem("dates in the index", "row numbers", "set the dates as the index"))
    parts = []
    for symbol in dict.fromkeys(frame.columns.get_level_values(symbol_level)):
        part = pd.DataFrame(frame.xs(symbol, axis=1, level=symbol_level)).reset_index(drop=True)
        part = part.rename(columns=tidy_name)
        part = part[[name for name in part.columns if name in FIELDS]]
        part = part.assign(symbol=str(symbol), **{LINE: lines_of(part)})
        part[time] = dates
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _files(paths: Sequence[Path], wanted: Collection[str] | None) -> list[tuple[Path, str]]:
    """List the files to read, each with the symbol its name gives ("" for a table of many)."""
    files: list[tuple[Path, str]] = []
    for path in paths:
        if is_store(path):
            cure = "name the store alone, or import the files into it"
            raise InputError(Problem("files, or one store", "a store among other prices", cure, str(path)))
        files += _in_folder(path, wanted) if path.is_dir() else [(path, "")]
    if not files:
        raise InputError(Problem("price files", "none", "name a CSV or Parquet file, or a folder of them"))
    return files


def _in_folder(folder: Path, wanted: Collection[str] | None) -> list[tuple[Path, str]]:
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    stems = {name: _STEM.match(name) for name in names}
    named = [(folder / name, stem[1]) for name, stem in stems.items() if stem]
    if not named:
        kinds = "files that end in " + ", ".join(SUFFIXES)
        raise InputError(Problem(kinds, "none in the folder", "check the path", str(folder)))
    meant = [(path, *_meant(stem)) for path, stem in named]
    return [
        (path, symbol) for path, symbol, known in meant if wanted is None or symbol in wanted or not known
    ]


def _meant(stem: str) -> tuple[str, bool]:
    """Read a file's name as a symbol; say whether it is one."""
    for text in (stem, stem.replace("_", ".")):
        with contextlib.suppress(InputError):
            return resolve(text).symbol, True
    return stem, False


def _read(path: Path, symbol: str, wanted: Collection[str] | None) -> pd.DataFrame:
    where = None if wanted is None else Where(SYMBOL_COLUMNS, lambda found: _meaning(found, wanted))
    frame = read_table(path, where=where)
    try:
        frame = long_table(frame, [symbol] if symbol else None)
    except InputError as error:
        raise InputError([replace(problem, file=str(path)) for problem in error.problems]) from None
    frame = tidy_columns(frame.assign(**{FILE: str(path)}).astype({FILE: "category"}))
    return frame[[name for name in frame.columns if name in (*KNOWN, LINE, FILE)]]


def _meaning(found: Collection[str], wanted: Collection[str]) -> list[str]:
    """List the spellings among ``found`` that stand for a wanted instrument."""
    meant = []
    for text in found:
        with contextlib.suppress(InputError):
            if resolve(text, among=found).symbol in wanted:
                meant.append(text)
    return meant


def _rows_of(frame: pd.DataFrame, wanted: Collection[str]) -> pd.DataFrame:
    column = next((name for name in frame.columns if tidy_name(name) == "symbol"), None)
    if column is None:
        frame = frame.reset_index()
        column = next(name for name in frame.columns if tidy_name(name) == "symbol")
    spellings = _meaning([str(text) for text in frame[column].dropna().unique()], wanted)
    rows: Any = frame[column].isin(spellings)
    if not rows.any():
        got = "none of " + ", ".join(wanted)
        raise InputError(Problem("prices of a wanted symbol", got, "check symbols and prices"))
    return frame if rows.all() else frame[rows].reset_index(drop=True)


def _wanted(tape: Tape, wanted: Sequence[str]) -> Tape:
    """Put the wanted instruments in order and warn of the absent."""
    absent = [symbol for symbol in wanted if symbol not in tape.symbols]
    present = [symbol for symbol in wanted if symbol in tape.symbols]
    if not present:
        got = "none of " + ", ".join(wanted)
        raise InputError(Problem("prices of a wanted symbol", got, "check symbols and prices"))
    known = tape.warnings[tape.warnings["symbol"].isin(["", *wanted])]
    said = set(known.loc[known["code"] == "no_prices", "symbol"])
    log = Log()
    for symbol in absent:
        if symbol not in said:
            log.say("no_prices", symbol)
    tables = [known, warnings_table(log.warned)] if log.warned else [known]
    return replace(tape.select(present), warnings=pd.concat(tables, ignore_index=True))
