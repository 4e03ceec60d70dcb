"""A series: what a store keeps of one instrument from one source, and how two states of it differ."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.errors import InputError, Problem
from aftershock.data.instants import DAY, to_index
from aftershock.data.prices.adjust import factors
from aftershock.data.prices.columns import PRICES
from aftershock.data.prices.hours import DAILY

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

VALUES = (*PRICES, "volume", "factor", "dividend", "split", "halted")
"""What is kept of every bar."""
SAME = 1e-6
"""Values closer than this (relative) are the same: sources round to single precision and undoing splits repeats it."""

CHANGES = ("symbol", "column", "first", "last", "rows", "before", "after")
"""Columns of a table of changes."""


@dataclass(frozen=True, eq=False)
class Series:
    """Bars of one instrument from one source at one interval, as the source tells them.

    Attributes
    ----------
    at : ndarray of int64, shape (n,)
        Rising: local dates in days since 1970 where the interval is ``1d``, else opening instants in UTC ns.
    values : mapping of str to ndarray of float64, shape (n,)
        The columns of `VALUES`: prices, volume, ``factor`` (traded price = price x factor), ``dividend`` and
        ``split`` (both NaN: the source says nothing of them), ``halted`` (1 or 0). NaN is unknown.
    interval : str
        ``1d``, ``60m``, ...
    about : mapping
        Where it came from: provenance, the same for the same data.

    Raises
    ------
    InputError
        Bars that do not rise.

    Examples
    --------
    >>> series = Series.of(pd.DataFrame({"at": [20343, 20344], "close": [100.0, 101.0]}))
    >>> len(series), series.span
    (2, ('2025-09-12', '2025-09-13'))
    """

    at: Ints
    values: Mapping[str, Floats]
    interval: str = DAILY
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (np.diff(self.at) <= 0).any():
            at = int(np.argmax(np.diff(self.at) <= 0)) + 1
            got = f"{self._name(at)} after {self._name(at - 1)}"
            raise InputError(Problem("bars in the order of time, one for each", got, "sort them, keep one"))

    @classmethod
    def of(cls, table: pd.DataFrame, interval: str = DAILY, about: Mapping[str, Any] | None = None) -> Series:
        """Make a series of a table with ``at`` and any of the columns of `VALUES`."""
        table = table.sort_values("at", kind="stable")
        values = {name: table[name].to_numpy(np.float64) for name in VALUES if name in table.columns}
        return cls.made(table["at"].to_numpy(np.int64), values, interval, about or {})

    @classmethod
    def made(cls, at: Ints, values: Mapping[str, Any], interval: str, about: Mapping[str, Any]) -> Series:
        """Make a series of arrays; columns that are not given say nothing."""
        columns = {
            name: np.asarray(values[name], np.float64) if name in values else _default(name, len(at))
            for name in VALUES
        }
        return cls(at, columns, interval, about)

    def __len__(self) -> int:
        """Count the bars."""
        return len(self.at)

    @property
    def span(self) -> tuple[str, str]:
        """First and last date (daily) or opening instant; two empty texts where there is no bar."""
        return (self._name(0), self._name(-1)) if len(self) else ("", "")

    @property
    def day(self) -> Ints:
        """The date of each bar in days since 1970: local where daily, of UTC else."""
        return self.at if self.interval == DAILY else self.at // DAY

    def rows(self, kept: Any) -> Series:
        """Keep some rows."""
        values = {name: column[kept] for name, column in self.values.items()}
        return Series(self.at[kept], values, self.interval, self.about)

    def digest(self) -> str:
        """Identify the content: SHA-256 over interval, times and values, the same on every machine."""
        whole = hashlib.sha256(self.interval.encode())
        whole.update(self.at.astype("<i8").tobytes())
        for name in VALUES:
            column = self.values[name]
            whole.update((np.where(np.isnan(column), np.nan, column) + 0.0).astype("<f8").tobytes())
        return whole.hexdigest()

    def factor(self) -> Floats:
        """Give the factors back to traded prices: computed of dividends and splits where they are told."""
        dividend, split = self.values["dividend"], self.values["split"]
        if np.isnan(dividend).all() and np.isnan(split).all():
            return self.values["factor"]
        return factors(self.values["close"], dividend, split)

    def to_frame(self) -> pd.DataFrame:
        """Give the columns that say something, ``date`` or ``opens_at`` first."""
        return bars_table(self.at, self.values, self.interval)

    def _name(self, row: int) -> str:
        value = int(self.at[row])
        return str(np.datetime64(value, "D")) if self.interval == DAILY else f"{to_index(self.at[[row]])[0]}"


def bars_table(at: Ints, values: Mapping[str, Floats], interval: str) -> pd.DataFrame:
    """Make a table of the bars of one series or several: columns that say something, the time first."""
    columns = {name: values[name] for name in VALUES if _says(name, values[name])}
    if "halted" in columns:
        columns["halted"] = columns["halted"] == 1
    if interval == DAILY:
        return pd.DataFrame({"date": at.astype("M8[D]").astype("M8[ns]"), **columns})
    return pd.DataFrame({"opens_at": to_index(at), **columns})


@dataclass(frozen=True, eq=False)
class Update:
    """What became of a series when its source was asked again.

    Attributes
    ----------
    series : Series
        The state now.
    added : int
        Bars that were not there before, and lie before or after those that were.
    rewritten : bool
        Whether the source tells another past than before.
    changes : DataFrame
        `CHANGES`: for each bar rewritten the column, date (``first`` = ``last``) and both values (NaN: no such
        bar); and, column ``factor``, the stretches of dates whose adjustment changed.
    """

    series: Series
    added: int
    rewritten: bool
    changes: pd.DataFrame


def updated(old: Series, new: Series, symbol: str, window: tuple[int, int] | None = None) -> Update:
    """Put what a source says now in the place of what it said before, and say how they differ.

    Parameters
    ----------
    old, new : Series
        Of one instrument, source and interval.
    symbol : str
        Whose they are, for the table.
    window : (int, int), optional
        First and last time, as in ``at``, that ``new`` was asked for: inside it bars of ``old`` that ``new`` lacks
        are gone. Without it only what is told counts.

    Returns
    -------
    Update
        Bars that agree keep their old values to the last bit, so that unchanged data stay the same bytes.

    Examples
    --------
    >>> before = Series.of(pd.DataFrame({"at": [1, 2], "close": [100.0, 101.0]}))
    >>> now = Series.of(pd.DataFrame({"at": [2, 3], "close": [111.0, 112.0]}))
    >>> update = updated(before, now, "8035.T")
    >>> update.added, update.rewritten, update.changes[["column", "before", "after"]].values.tolist()
    (1, True, [['close', 101.0, 111.0]])
    """
    if not len(old):
        return Update(new, len(new), False, changes_table([]))
    inside = (new.at >= old.at[0]) & (new.at <= old.at[-1])
    common, in_old, in_new = np.intersect1d(old.at, new.at, assume_unique=True, return_indices=True)
    unlike = {name: _unlike(old.values[name][in_old], new.values[name][in_new]) for name in VALUES}
    gone = _within(old, window) & ~np.isin(old.at, common)
    came = inside & ~np.isin(new.at, common)
    differs = np.logical_or.reduce(list(unlike.values()))
    rewritten = bool(differs.any() or gone.any() or came.any())
    taken = ~np.isin(new.at, common)
    taken[in_new[differs]] = True
    kept = ~gone
    kept[in_old[differs]] = False
    series = _joined(old.rows(kept), new.rows(taken))
    changes = [
        *_bar_changes(symbol, old, new, in_old, in_new, unlike),
        *_row_changes(symbol, old.rows(gone), "before"),
        *_row_changes(symbol, new.rows(came), "after"),
        *_factor_changes(symbol, old, series),
    ]
    return Update(series, int((~inside).sum()), rewritten, changes_table(changes))


def changes_table(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Make the table of changes, of rows in the order of `CHANGES`."""
    table = pd.DataFrame(rows, columns=list(CHANGES), dtype=object)
    texts = dict.fromkeys(("symbol", "column", "first", "last"), "str")
    return table.astype({**texts, "rows": np.int64, "before": np.float64, "after": np.float64})


def _default(name: str, n: int) -> Floats:
    return np.full(n, 0.0 if name == "halted" else np.nan)


def _says(name: str, column: Floats) -> bool:
    if name in (*PRICES, "volume"):
        return True
    return bool((column == 1).any() if name == "halted" else not np.isnan(column).all())


def _unlike(before: Floats, after: Floats) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        near = np.abs(before - after) <= SAME * np.maximum(np.abs(before), np.abs(after))
    return np.asarray(~(near | (np.isnan(before) & np.isnan(after))))


def _within(series: Series, window: tuple[int, int] | None) -> NDArray[np.bool_]:
    if window is None:
        return np.zeros(len(series), np.bool_)
    return np.asarray((series.at >= window[0]) & (series.at <= window[1]))


def _joined(old: Series, new: Series) -> Series:
    order = np.argsort(np.append(old.at, new.at), kind="stable")
    values = {name: np.append(old.values[name], new.values[name])[order] for name in VALUES}
    return Series(np.append(old.at, new.at)[order], values, new.interval, new.about)


def _bar_changes(
    symbol: str,
    old: Series,
    new: Series,
    in_old: Ints,
    in_new: Ints,
    unlike: Mapping[str, NDArray[np.bool_]],
) -> list[tuple[Any, ...]]:
    return [
        (symbol, name, old._name(i), old._name(i), 1, old.values[name][i], new.values[name][j])
        for name, differs in unlike.items()
        for i, j in zip(in_old[differs].tolist(), in_new[differs].tolist(), strict=True)
    ]


def _row_changes(symbol: str, rows: Series, side: str) -> list[tuple[Any, ...]]:
    closes = rows.values["close"].tolist()
    nothing = float("nan")
    return [
        (
            symbol,
            "bar",
            rows._name(i),
            rows._name(i),
            1,
            *((close, nothing) if side == "before" else (nothing, close)),
        )
        for i, close in enumerate(closes)
    ]


def _factor_changes(symbol: str, old: Series, now: Series) -> list[tuple[Any, ...]]:
    """List stretches of dates whose factor moved by one ratio: those before a split or dividend that is new."""
    _, in_old, in_now = np.intersect1d(old.at, now.at, assume_unique=True, return_indices=True)
    before, after = old.factor()[in_old], now.factor()[in_now]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = after / before
    moved = ~(np.abs(ratio - 1.0) <= SAME) & ~np.isnan(ratio)
    if not moved.any():
        return []
    starts = moved & ~(
        np.append(False, moved[:-1]) & (np.abs(np.diff(ratio, prepend=ratio[0])) <= SAME * ratio)
    )
    runs = np.split(np.flatnonzero(moved), np.cumsum(moved)[starts][1:] - 1)
    return [
        (
            symbol,
            "factor",
            old._name(in_old[run[0]]),
            old._name(in_old[run[-1]]),
            len(run),
            before[run[-1]],
            after[run[-1]],
        )
        for run in runs
    ]
