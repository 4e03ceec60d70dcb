"""What a blotter shows was held: sales before T+1 allows them, and short sales while they are banned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.instants import NAT
from aftershock.data.venues import venue
from aftershock.engine.fill_findings import Findings, Listed, number, rule_words

CLOSE_ENOUGH = 1e-9
"""A share of a quantity that is rounding."""
KEPT = 10
"""For how many sessions purchases are kept apart: longer than any rule makes them wait."""


class Walked(NamedTuple):
    """Of each fill what the blotter shows was held before it: in all, and of it what may be sold by T+1."""

    held: NDArray[np.float64]
    free: NDArray[np.float64]


def check_holdings(found: Findings, listed: Listed) -> None:
    """Walk each account and symbol through time, and find sales of what was not there to be sold."""
    fills = listed.fills
    wait = np.zeros(len(fills), np.int64)
    rules: dict[int, tuple[str, Any]] = {}
    for mic, rows, rule in listed.stretches("settlement"):
        wait[rows] = rule.sell_from
        if rule.sell_from:
            rules.update(dict.fromkeys(rows.tolist(), (mic, rule)))
    walked = walk(fills, wait)
    units = fills["units"].to_numpy(np.float64)
    _check_waits(found, fills, wait, walked, rules)
    for mic, rows, rule in listed.stretches("short_sale"):
        if not rule.allowed:
            _check_ban(found, fills, rows, walked, units, (mic, rule))


def _check_waits(
    found: Findings,
    fills: pd.DataFrame,
    wait: NDArray[np.int64],
    walked: Walked,
    rules: Mapping[int, tuple[str, Any]],
) -> None:
    units, (held, free) = fills["units"].to_numpy(np.float64), walked
    most = free + CLOSE_ENOUGH * units
    # A sale beyond all that was held is another matter: the rest may have been there before the blotter begins.
    early = fills["side"].eq("sell").to_numpy() & (wait > 0) & (units > most) & (held > most)
    rows = np.flatnonzero(early).tolist()
    why = [
        f"{number(held[row] - free[row])} of the {number(held[row])} held were bought less than {wait[row]} session(s) "
        f"before; {rule_words(rules[row][0], 'settlement', rules[row][1])}"
        for row in rows
    ]
    expected = [f"at most {number(free[row])}" for row in rows]
    given = [number(units[row]) for row in rows]
    found.add(rows, "t_plus", expected, given, why, source=[rules[row][1].source for row in rows])


def _check_ban(
    found: Findings,
    fills: pd.DataFrame,
    rows: NDArray[np.int64],
    walked: Walked,
    units: NDArray[np.float64],
    of: tuple[str, Any],
) -> None:
    mic, rule = of
    words = rule_words(mic, "short sale", rule)
    side = fills["side"].iloc[rows]
    shorts = rows[side.eq("short").to_numpy()]
    found.add(shorts, "short_banned", "no short sale", "sold short", words, source=rule.source)
    beyond = units[rows] > walked.held[rows] + CLOSE_ENOUGH * units[rows]
    sales = rows[side.eq("sell").to_numpy() & beyond]
    why = f"a short sale, unless the rest was held before the blotter begins; {words}"
    expected = [f"at most {number(one)}" for one in walked.held[sales]]
    given = [number(one) for one in units[sales]]
    found.add(sales, "sold_unheld", expected, given, why, source=rule.source)


def walk(fills: pd.DataFrame, wait: NDArray[np.int64]) -> Walked:
    """Count what each account holds before each of its fills, in time order; shorts and covers stand apart.

    Parameters
    ----------
    fills : DataFrame
        ``account, symbol, venue, side, units, at, session``.
    wait : ndarray of int64, shape (n,)
        Sessions that what is bought must be kept.
    """
    n = len(fills)
    held, free = np.zeros(n), np.zeros(n)
    at, session = fills["at"].to_numpy(np.int64), _positions(fills)
    keys = pd.factorize(pd.MultiIndex.from_arrays([fills["account"], fills["symbol"]]))[0]
    # Where a session's instants are not all known, the order of the file is the only one there is.
    timed = pd.Series(at != NAT).groupby([keys, session]).transform("all").to_numpy(np.bool_)
    order = np.lexsort((np.arange(n), np.where(timed, at, 0), session, keys))
    sides, units = fills["side"].tolist(), fills["units"].tolist()
    last, total = -1, 0.0
    lots: list[tuple[int, float]] = []
    for row in order.tolist():
        if keys[row] != last:
            last, lots, total = keys[row], [], 0.0
        held[row] = total
        waiting = sum(bought for day, bought in lots if day > session[row] - wait[row])
        free[row] = max(total - waiting, 0.0) if wait[row] else total
        if sides[row] == "buy":
            total += units[row]
            lots = [lot for lot in lots if lot[0] > session[row] - KEPT]
            lots.append((int(session[row]), units[row]))
        elif sides[row] == "sell":
            total = max(total - units[row], 0.0)
    return Walked(held, free)


def _positions(fills: pd.DataFrame) -> NDArray[np.int64]:
    """Count the sessions of each fill's venue up to its own."""
    session = fills["session"].to_numpy(np.int64)
    position = np.zeros(len(fills), np.int64)
    for mic, rows in fills.groupby("venue", sort=False).indices.items():
        position[rows] = np.searchsorted(venue(str(mic)).sessions.session, session[rows])
    return position


def day_trades(fills: pd.DataFrame) -> NDArray[np.bool_]:
    """Say which fills have a fill of the other side in the same account, symbol and session."""
    buys = fills["side"].isin(["buy", "cover"])
    keys = [fills["account"], fills["symbol"], fills["session"]]
    both = buys.groupby(keys).transform("any") & (~buys).groupby(keys).transform("any")
    return both.to_numpy(np.bool_)
