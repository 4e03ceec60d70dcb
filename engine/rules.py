"""Costs and venue rules, resolved once to one value per bar: the seam that flat costs and rule books share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.prices.tape import Tape
from aftershock.data.venues import RuleBook, rule_book
from aftershock.data.venues.limits import change_allowed, tick_at
from aftershock.engine.types import Flags, Floats, Integers, Rules

UNSIZED = 1e300
"""The lot of a bar at which no exchange rate is known: beyond the reach of any order."""

USED = ("price_limit", "tick", "settlement", "short_sale")
"""The rules of the books that reach the kernels."""


def flat_rules(
    tape: Tape,
    *,
    fee: float = 0.0,
    slippage: float = 0.0,
    lot: float = 0.0,
    price_limits: bool = True,
    fx: Floats | None = None,
) -> Rules:
    """Resolve one fee and one slippage for every bar, with each venue's price limits, T+1 and short bans.

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
        Arrays over all bars of the tape, by the rule books in force on each bar's date. A limit stands one tick
        inside what the venue allows from the previous close (the last one of the session before), because exchanges
        round it: the tick of the upper limit and that of the close for the lower one, the coarser of the two either
        way.

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
        can_short=_can_short(tape),
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


class Listed(NamedTuple):
    """A segment of a tape under the rules of its venue: its rows, its venue's book and its board there."""

    rows: slice
    book: RuleBook
    board: str

    def stretches(self, tape: Tape, rule: str, rows: slice | None = None) -> Iterator[tuple[slice, Any]]:
        """Part rows, all by default, at the dates on which a rule changes; give each part with its entry, if any."""
        rows = self.rows if rows is None else rows
        timeline = self.book.timeline(rule, self.board)
        days = [since.toordinal() - EPOCH for since, _ in timeline]
        bounds = rows.start + np.searchsorted(tape.session[rows], days)
        for (_, entry), start, end in zip(timeline, bounds, [*bounds[1:], rows.stop], strict=True):
            if entry is not None and start < end:
                yield slice(int(start), int(end)), entry


EPOCH = date(1970, 1, 1).toordinal()


def _listed(tape: Tape) -> Iterator[Listed]:
    """Go through the segments that are no index levels, which no rule of trading concerns."""
    for k, (mic, kind) in enumerate(zip(tape.venues, tape.kinds, strict=True)):
        if kind != "index":
            book = rule_book(mic)
            rows = slice(int(tape.offsets[k]), int(tape.offsets[k + 1]))
            yield Listed(rows, book, book.board_of(tape.symbols[k], kind))


def unverified(tape: Tape) -> list[str]:
    """Name the rules that reach the kernels on some bar of a tape and have no source for all they say.

    Examples
    --------
    >>> bars = pd.DataFrame({"symbol": "6138.TWO", "date": ["2025-09-11", "2025-09-12"], "close": [191.5, 210.5]})
    >>> unverified(Tape.from_frame(bars))
    []
    """
    found = {
        f"{one.book.mic} {rule.replace('_', ' ')}{' of ' + entry.board if entry.board else ''} from {entry.valid_from}"
        for one in _listed(tape)
        for rule in USED
        for _, entry in one.stretches(tape, rule)
        if entry.confidence == "unverified"
    }
    return sorted(found)


def _limits(tape: Tape) -> tuple[Floats, Floats]:
    n = len(tape.close)
    up, down = np.full(n, np.nan), np.full(n, np.nan)
    for k, one in _numbered(tape):
        before = _closes_before(tape.close[one.rows], _session_ends(tape, k))
        for rows, limit in one.stretches(tape, "price_limit"):
            if limit.kind == "none":
                continue
            for part, tick in one.stretches(tape, "tick", rows):
                factor = np.where(np.isnan(tape.factor[part]), 1.0, tape.factor[part])
                base = before[part.start - one.rows.start : part.stop - one.rows.start] * factor
                change = change_allowed(limit, base)
                highest, lowest = base + change, base - change
                up[part] = (highest - tick_at(tick, highest)) / factor
                down[part] = (lowest + tick_at(tick, base)) / factor
    return up, down


def _numbered(tape: Tape) -> Iterator[tuple[int, Listed]]:
    places = [k for k, kind in enumerate(tape.kinds) if kind != "index"]
    return zip(places, _listed(tape), strict=True)


def _can_short(tape: Tape) -> Flags:
    """Say on which bars a short sale may be opened."""
    allowed = np.ones(len(tape.close), np.bool_)
    for one in _listed(tape):
        for rows, rule in one.stretches(tape, "short_sale"):
            allowed[rows] = rule.allowed
    return allowed


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
    counts = np.zeros(len(tape.close), np.int64)
    for k, one in _numbered(tape):
        for rows, rule in one.stretches(tape, "settlement"):
            counts[rows] = rule.sell_from
        if counts[one.rows].any():
            counts[one.rows] = _bars_to_wait(_session_ends(tape, k), counts[one.rows])
    return counts


def _bars_to_wait(ends: Integers, wait: Integers) -> Integers:
    """Turn sessions to wait, one number per bar, into bars; ``ends`` are the last bars of the sessions."""
    bars, most = len(wait), int(wait.max())
    # Sessions beyond the data count as one bar each.
    starts = np.concatenate([[0], ends + 1, bars + 1 + np.arange(most)])
    session = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=-1))
    found: Integers = np.where(wait > 0, np.maximum(starts[session + wait] - np.arange(bars), 0), 0)
    return found
