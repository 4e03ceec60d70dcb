"""Importing: price files into a store, each series as its file tells it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem
from aftershock.data.prices import faults
from aftershock.data.prices.cleaning import (
    Actions,
    Log,
    check_actions,
    known_rows,
    once,
    source_names,
    stamps_of,
    told_bars,
)
from aftershock.data.prices.columns import FILE, PRICES, tidy_columns
from aftershock.data.prices.faults import Rows, Stamps
from aftershock.data.prices.fetch import Fetched, Outcome, Progress, kind_of, outcomes_table
from aftershock.data.prices.hours import DAILY, interval_ns
from aftershock.data.prices.read import Paths, read_prices
from aftershock.data.prices.series import Series, changes_table
from aftershock.data.prices.store import Key, Store, check_interval, source_name
from aftershock.data.universes import Universe, universe


def import_prices(
    files: pd.DataFrame | Paths | Iterable[Paths],
    source: str | None = None,
    *,
    store: str | Path | Store = "prices",
    interval: str = DAILY,
    symbols: str | Iterable[str] | Universe | None = None,
    progress: Progress | None = None,
) -> Fetched:
    """Put the prices of files into a store, as they are told.

    Nothing is judged here but what cannot be read: see `aftershock.data.prices.audit` for that. A series that is
    there already is brought up to date: bars that agree stay, others are replaced and told, and the state before
    stays readable as a snapshot. Stopped or killed, the same call goes on.

    Parameters
    ----------
    files : DataFrame, path or paths
        In any shape that `load_tape` takes. With columns ``dividend`` and ``split`` prices are kept as traded; with
        ``adj_close`` they are adjusted by it, with the factor back beside; else as they are. Every dividend and split
        moves all adjusted prices before it, so files with ``adj_close`` (or a ``factor``) tell the whole history each
        time: bars that a later file does not tell stay as they were adjusted before.
    source : str, optional
        Who says so; needed where rows do not name their own. Rows that do are kept under both names, ``desk-yahoo``.
    store : path or Store
        Made where there is none.
    interval : str
        ``1d``, or how long bars are from ``opens_at``; they end earlier where continuous trading does.
    symbols : str, iterable of str or Universe, optional
        Only these: a universe by name, or symbols.
    progress : callable, optional
        Told of each series as it is done.

    Returns
    -------
    Fetched
        Symbols that nobody knows are outcomes (``unknown``).

    Raises
    ------
    InputError
        A file that cannot be read, two different bars of one day, no source, no known symbol.
    """
    place = store if isinstance(store, Store) else Store(store, create=True)
    told = _told(
        files, source, check_interval(interval), None if symbols is None else universe(symbols).symbols
    )
    outcomes, changes = list(told.unknown), []
    for number, (key, series) in enumerate(told.series, start=1):
        with place.writing(key):
            old = place.file(key).exists()
            update = place.write(key, series)
        outcome = Outcome(
            key.symbol, kind_of(update, old), len(update.series), update.added, *update.series.span
        )
        outcomes.append(outcome)
        changes += update.changes.values.tolist()
        if progress is not None:
            progress(outcome, number, len(told.series))
    snapshot = place.pin(key for key, _ in told.series)
    table = outcomes_table(outcomes)
    place.note(
        "import",
        files=[one["name"] for one in told.files],
        interval=check_interval(interval),
        snapshot=snapshot,
        outcomes=table["outcome"].value_counts().to_dict(),
    )
    return Fetched(place, snapshot, table, changes_table([tuple(row) for row in changes]))


class _Told(NamedTuple):
    """What files tell: series by key, symbols nobody knows, and which files they are."""

    series: list[tuple[Key, Series]]
    unknown: list[Outcome]
    files: list[dict[str, str]]


def _told(files: Any, source: str | None, interval: str, wanted: Sequence[str] | None) -> _Told:
    frame, provenance = read_prices(files, wanted, interval=interval)
    length, log = interval_ns(interval), Log()
    table = tidy_columns(frame, intraday=length is not None)
    table, instruments, symbol = known_rows(table, log)
    symbols = [one.symbol for one in instruments]
    names, position = source_names(table)
    stamps = stamps_of(table, length)
    _check_length(stamps, length, table)
    bars, actions = told_bars(table, instruments, symbol, position, stamps, log)
    check_actions(bars, Actions(*(values[bars.row] for values in actions)), table, stamps)
    bars = once(_with_something(bars, actions), symbols, table, stamps, log)
    sources = {code: _named(names[code], source) for code in np.unique(bars.source).tolist()}
    hashes = [_file(path) for path in provenance.get("files", ())]
    series = []
    for rows in faults.series(bars):
        key = Key(sources[int(bars.source[rows.start])], interval, symbols[bars.symbol[rows.start]])
        about = {"files": _files_of(table, bars.row[rows], hashes), **_words(table, bars.row[rows])}
        series.append((key, _series(bars, actions, rows, stamps, interval, about)))
    return _Told(series, _unknown(log), hashes)


def _unknown(log: Log) -> list[Outcome]:
    found = [warned for warned in log.warned if warned.code == "unknown_symbol"]
    return [Outcome(warned.symbol, "unknown", warned.rows, reason=warned.message) for warned in found]


def _check_length(stamps: Stamps | None, length: int | None, table: pd.DataFrame) -> None:
    if (stamps is None) != (length is None):
        got = "daily bars" if stamps is None else "bars within sessions"
        cure = "leave interval out" if stamps is None else 'say how long they are: interval="60m"'
        file = str(table[FILE].iloc[0]) if FILE in table.columns else None
        raise InputError(Problem("bars of the interval", got, cure, file))


def _with_something(bars: Rows, actions: Actions) -> Rows:
    """Leave out rows that say nothing: neither a price nor a dividend nor a split."""
    beside = (actions.dividend[bars.row] > 0) | (actions.split[bars.row] > 0)
    return bars.where(~faults.without_price(bars) | beside)


def _named(own: str, source: str | None) -> str:
    if source is None:
        return source_name(own)
    return source_name(f"{source}-{own}" if own else source)


def _series(
    bars: Rows, actions: Actions, rows: slice, stamps: Stamps | None, interval: str, about: dict[str, Any]
) -> Series:
    at = bars.day[rows] if stamps is None else stamps.opens_at[bars.row[rows]]
    values = {name: getattr(bars, name)[rows] for name in (*PRICES, "volume", "factor", "halted")}
    beside = {name: values[bars.row[rows]] for name, values in actions._asdict().items()}
    return Series.made(at, values | beside, interval, about)


def _file(path: str) -> dict[str, str]:
    with Path(path).open("rb") as file:
        return {
            "path": path,
            "name": Path(path).name,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }


def _files_of(table: pd.DataFrame, rows: Any, hashes: list[dict[str, str]]) -> list[dict[str, str]]:
    """Name the files of some rows, without the folders they lie in."""
    if FILE not in table.columns:
        return []
    named = set(table[FILE].iloc[rows].astype(str).unique())
    return [{"name": one["name"], "sha256": one["sha256"]} for one in hashes if one["path"] in named]


def _words(table: pd.DataFrame, rows: Any) -> dict[str, str]:
    """Give what a table says of a whole series: its currency, and how its prices are told."""
    currencies = table["currency"].iloc[rows].dropna().unique() if "currency" in table.columns else []
    how = "adjusted by the close beside" if "adj_close" in table.columns else "as given"
    if {"dividend", "split"} & set(table.columns):
        how = "as traded, dividends and splits beside"
    return {"currency": str(currencies[0]) if len(currencies) == 1 else "", "prices": how}
