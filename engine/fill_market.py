"""What the prices say of the session of each fill, as traded."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.prices.tape import Tape

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class MarketRows(NamedTuple):
    """One value per fill; prices are as traded where the fill's is, else on the scale of the tape, NaN if unknown.

    Attributes
    ----------
    low, high : ndarray of float64
        Of the session.
    base : ndarray of float64
        The close before, restated on ex-dates.
    restated : ndarray of bool
        Whether it was.
    halted : ndarray of bool
        The whole session was.
    absent : ndarray of bool
        The prices have bars before and after the session and none of it.
    unchecked : list of str
        What could not be looked up, in sentences.
    """

    low: Floats
    high: Floats
    base: Floats
    restated: Flags
    halted: Flags
    absent: Flags
    unchecked: list[str]


def market_rows(fills: pd.DataFrame, tape: Tape) -> MarketRows:
    """Look up the session of each fill."""
    n = len(fills)
    numbers = {name: np.full(n, np.nan) for name in ("low", "high", "base")}
    flags = {name: np.zeros(n, np.bool_) for name in ("restated", "halted", "absent")}
    lacking, unscaled, bare, beyond = set(), set(), set(), 0
    known = set(tape.symbols)
    session, as_traded = fills["session"].to_numpy(np.int64), fills["as_traded"].to_numpy(np.bool_)
    for name, rows in fills.groupby("symbol", sort=False).indices.items():
        symbol = str(name)
        if symbol not in known:
            lacking.add(symbol)
            continue
        bars = session_bars(tape, symbol)
        days = bars["session"].to_numpy(np.int64)
        place = np.minimum(np.searchsorted(days, session[rows]), len(days) - 1)
        hit = days[place] == session[rows]
        inside = (session[rows] >= days[0]) & (session[rows] <= days[-1])
        flags["absent"][rows] = ~hit & inside
        beyond += int((~inside).sum())
        scale = np.where(as_traded[rows[hit]], bars["factor"].to_numpy(np.float64)[place[hit]], 1.0)
        for column in ("low", "high", "base"):
            numbers[column][rows[hit]] = bars[column].to_numpy(np.float64)[place[hit]] * scale
        for column in ("restated", "halted"):
            flags[column][rows[hit]] = bars[column].to_numpy(np.bool_)[place[hit]]
        if bars["bare"].any() and as_traded[rows].any():
            bare.add(symbol)
        if np.isnan(scale).any():
            unscaled.add(symbol)
    unchecked = _unchecked(lacking, unscaled, bare, beyond)
    return MarketRows(
        numbers["low"],
        numbers["high"],
        numbers["base"],
        flags["restated"],
        flags["halted"],
        flags["absent"],
        unchecked,
    )


def session_bars(tape: Tape, symbol: str) -> pd.DataFrame:
    """Give one row per session: low, high, base of limits on the tape's scale; and the factor to traded prices."""
    parts = [_of_segment(tape, place) for place in tape.segments(symbol)]
    return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]


def _of_segment(tape: Tape, place: int) -> pd.DataFrame:
    rows = slice(int(tape.offsets[place]), int(tape.offsets[place + 1]))
    columns: dict[str, Any] = {
        name: getattr(tape, name)[rows] for name in ("session", "low", "high", "close", "factor", "halted")
    }
    by = pd.DataFrame(columns).groupby("session", sort=False)
    table = by.agg({"low": "min", "high": "max", "close": "last", "factor": "last", "halted": "all"})
    table = table.reset_index()
    # Prices that never tell a factor are taken as traded, which is what a desk's own files mostly hold.
    bare = bool(table["factor"].isna().all())
    factor = table["factor"].fillna(1.0) if bare else table["factor"]
    # The close before on the tape's scale, at today's factor: that is how exchanges restate it on ex-dates.
    return table.assign(
        factor=factor,
        base=table["close"].ffill().shift(1),
        restated=~np.isclose(factor, factor.shift(1).fillna(factor), rtol=1e-6, equal_nan=True),
        bare=bare,
    )


def _unchecked(lacking: set[str], unscaled: set[str], bare: set[str], beyond: int) -> list[str]:
    told = []
    if lacking:
        told.append(f"no prices of {few(lacking)}: limits, locks, ranges and halts were not checked there")
    if unscaled:
        told.append(
            f"traded prices of {few(unscaled)} are not known (no factor): limits and ranges were not checked"
        )
    if bare:
        told.append(
            f"prices of {few(bare)} tell no factor: taken as traded (adjusted ones make false findings)"
        )
    if beyond:
        fills = f"{beyond:,} fill{'' if beyond == 1 else 's'}"
        told.append(f"{fills} before the first or after the last bar: not checked against prices")
    return told


def few(symbols: set[str]) -> str:
    """Name some symbols and count the others."""
    shown = sorted(symbols)
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")
