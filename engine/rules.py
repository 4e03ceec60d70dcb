"""Costs and venue rules, resolved once to one value per bar: the seam that flat costs and rule books share."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aftershock.data import venues
from aftershock.data.prices.tape import Tape
from aftershock.engine.types import Floats, Integers, Rules

_TABLES = Path(venues.__file__).parent

UNSIZED = 1e300
"""The lot of a bar at which no exchange rate is known: beyond the reach of any order."""

WIDER_LIMITS = {"XSHG": ("688", "689"), "XSHE": ("300", "301")}
"""First digits of the symbols of boards with wider limits than their venue's: STAR and ChiNext."""


def flat_rules(
    tape: Tape,
    *,
    fee: float = 0.0,
    slippage: float = 0.0,
    lot: float = 0.0,
    price_limits: bool = True,
    fx: Floats | None = None,
) -> Rules:
    """Resolve one fee and one slippage for every bar, with each venue's price limit and T+1.

    Parameters
    ----------
    tape : Tape
        The bars.
    fee, slippage : float
        Shares of the value and of the price, paid on every fill.
    lot : float
        Smallest number of traded shares; 0 allows any.
    price_limits : bool
        Whether limits lock bars.
    fx : ndarray of float64, shape (n_bars,), optional
        What a unit of the bar's currency is worth in the base currency, by the last fixing known at its point of
        entry; NaN unknown: then no order can be sized. By default every price is in the base currency.

    Returns
    -------
    Rules
        Arrays over all bars of the tape. A limit stands one tick inside the venue's percentage of the previous
        close (the last one of the session before), because exchanges round it: the tick of the upper limit and that
        of the close for the lower one, the coarser of the two either way.

    Notes
    -----
    Limits belong to traded prices, and exchanges restate the previous close on ex-dates: it is the adjusted one x the
    bar's own factor. Where the factor is unknown the adjusted price serves: then only the tick is approximate.
    """
    n = len(tape.close)
    up, down = _limits(tape) if price_limits else (np.full(n, np.nan), np.full(n, np.nan))
    return Rules(
        buy_rate=np.full(n, fee, np.float64),
        sell_rate=np.full(n, fee, np.float64),
        slippage=np.full(n, slippage, np.float64),
        lot=lots_in_base(lot, tape.factor, np.ones(n) if fx is None else fx),
        limit_up=up,
        limit_down=down,
        can_short=np.ones(n, np.bool_),
        sell_from=_sell_from(tape),
    )


def lots_in_base(lot: float, factor: Floats, fx: Floats) -> Floats:
    """Turn a lot of traded shares into the kernels' quantities, units of base notional at the tape's prices.

    ``shares x (price x factor) x fx`` is what an order takes in the base currency, and ``quantity x price`` too: a
    quantity is ``shares x factor x fx``, a lot likewise. An unknown factor counts as 1.

    Examples
    --------
    >>> lots_in_base(1000.0, np.array([1.0, 2.0, np.nan]), np.array([0.03125, 0.03125, np.nan])).tolist()
    [31.25, 62.5, 1e+300]
    """
    known = np.where(np.isnan(factor), 1.0, factor)
    return np.where(np.isnan(fx), UNSIZED, lot * known * fx)


def _limits(tape: Tape) -> tuple[Floats, Floats]:
    n = len(tape.close)
    up, down = np.full(n, np.nan), np.full(n, np.nan)
    for k, (mic, kind) in enumerate(zip(tape.venues, tape.kinds, strict=True)):
        rule = _rule(mic)
        if rule is None or kind == "index" or tape.symbols[k].startswith(WIDER_LIMITS.get(mic, ())):
            continue  # The venue's percentage would lock bars of a wider board that did trade.
        rows = slice(tape.offsets[k], tape.offsets[k + 1])
        factor = np.where(np.isnan(tape.factor[rows]), 1.0, tape.factor[rows])
        close = _closes_before(tape.close[rows], _session_ends(tape, k)) * factor
        in_force = tape.session[rows] >= rule["valid_from"]
        base = np.where(in_force, close, np.nan)
        highest, lowest = base * (1.0 + rule["price_limit"]), base * (1.0 - rule["price_limit"])
        up[rows] = (highest - _tick(str(rule["ticks"]), highest)) / factor
        down[rows] = (lowest + _tick(str(rule["ticks"]), base)) / factor
    return up, down


def _session_ends(tape: Tape, k: int) -> Integers:
    """Give of each session of a segment the row of its last bar, counted from the segment's first."""
    ordinal = tape.ordinal[tape.offsets[k] : tape.offsets[k + 1]]
    return np.flatnonzero(np.diff(ordinal, append=-1))


def _closes_before(close: Floats, ends: Integers) -> Floats:
    """Give each bar the last known close of the sessions before its own; NaN in the first."""
    last = pd.Series(close).ffill().to_numpy(np.float64)[ends]
    return np.repeat(np.append(np.nan, last[:-1]), np.diff(ends, prepend=-1))


def _sell_from(tape: Tape) -> Integers:
    """Count for each bar the bars to the first of the session at which its purchase may be sold."""
    counts = [np.empty(0, np.int64)]
    for k, mic in enumerate(tape.venues):
        ends, rule = _session_ends(tape, k), _rule(mic)
        wait = 0 if rule is None else int(rule["sell_from"])
        bars = tape.offsets[k + 1] - tape.offsets[k]
        # Sessions beyond the data count as one bar each.
        starts = np.concatenate([[0], ends + 1, bars + 1 + np.arange(wait)])
        session = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=-1))
        counts.append(np.maximum(starts[session + wait] - np.arange(bars), 0))
    return np.concatenate(counts)


@cache
def _table(name: str) -> pd.DataFrame:
    return pd.read_csv(_TABLES / f"{name}.csv")


@cache
def _rule(mic: str) -> dict[str, Any] | None:
    table = _table("rules")
    rows = table[table["venue"] == mic]
    if rows.empty:
        return None
    row = rows.iloc[-1]
    return {
        "price_limit": float(row["price_limit"]),
        "sell_from": int(row["sell_from"]),
        "valid_from": pd.Timestamp(row["valid_from"]).toordinal() - pd.Timestamp("1970-01-01").toordinal(),
        "ticks": venues.venue(mic).calendar_of,
    }


def _tick(mic: str, price: Floats) -> Floats:
    table = _table("ticks")
    bands = table[table["venue"] == mic].sort_values("price_from")
    position = np.searchsorted(bands["price_from"].to_numpy(), price, side="right") - 1
    return bands["tick"].to_numpy(np.float64)[np.clip(position, 0, len(bands) - 1)]
