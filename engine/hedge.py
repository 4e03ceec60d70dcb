"""The hedge leg: how much of a hedge instrument stands against each trade, and at which of its bars.

The leg is an overlay on trades that are settled already. It takes no cash and moves no cap: it is margined, like a
future or a borrowed fund, and its margin is not modelled, so a hedge never keeps a trade from being entered. It
does pay its own costs, the fee and the slippage of each of its two fills at the hedge instrument's own bars.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from aftershock.data.errors import InputError, Problem
from aftershock.data.instants import Instants
from aftershock.data.prices.tape import Tape
from aftershock.data.venues import venue
from aftershock.engine import kernels
from aftershock.engine.portfolio import bars_of
from aftershock.engine.returns import Closes, centred, session_closes, windows
from aftershock.engine.types import Flags, Floats, Integers, Rules, trade_dtype

HEDGES = ("none", "beta", "index")
"""How trades are hedged."""

WINDOW = 120
"""Sessions that a beta is taken of."""
FEWEST = 40
"""Pairs of returns without which there is no beta."""
FLAT = 1e-12
"""A standard deviation that is rounding and nothing else: a hedge that did not move explains nothing."""
BLOCK = 8_192
"""Windows looked at together, so that memory does not grow with trades."""


class HedgeBars(NamedTuple):
    """Where the legs of n trades are entered and left: rows of the tape, -1 where there is none.

    ``entry`` and ``exit`` are bars of the sessions in which the trade itself is entered and left. A trade whose
    ``entry`` is -1 has no leg. Where only ``exit`` is -1 the leg was entered and could not be left with its trade (a
    holiday of its venue, a missing bar): nobody knew that at the entry, so the leg is not to be undone with hindsight;
    ``later`` is the first bar after that session at whose open it can be left, -1 where the data end before. A leg
    without either is open, as a trade whose ``exit_bar`` is -1 is.
    """

    entry: Integers
    exit: Integers
    later: Integers


class Hedging(NamedTuple):
    """What stands against n trades, or against signals where they are traded.

    ``place`` is that of the hedge on the tape (-1: none), ``ratio`` how much of it (NaN: unknown), and ``known`` when
    the signal could be acted on.
    """

    place: Integers
    ratio: Floats
    known: Instants

    def rows(self, chosen: Integers) -> Hedging:
        """Take some."""
        return Hedging(self.place[chosen], self.ratio[chosen], self.known[chosen])


def hedging_of(
    tape: Tape,
    instrument: Integers,
    known: Instants,
    method: str,
    instruments: Mapping[str, str],
    other: str | None = None,
) -> Hedging:
    """Say what stands against each trade; arguments as in `hedge_places` and `hedge_ratios`."""
    places = hedge_places(tape, instrument, instruments, other)
    return Hedging(places, hedge_ratios(tape, instrument, places, known, method), known)


def legs_of(
    tape: Tape, rules: Rules, records: np.ndarray, hedging: Hedging, hold: int, at_close: bool
) -> np.ndarray:
    """Find and fill the legs of trades that were to be held for so many bars; 1 stands in for an unknown ratio."""
    on_time = (records["hold_bar"] == records["entry_bar"] + hold) & ~records["carried"]
    bars = hedge_bars(
        tape,
        hedging.place,
        records["entry_bar"],
        records["exit_bar"],
        at_close=at_close,
        left_at_open=(records["exit_bar"] >= 0) & (records["exit_point"] == kernels.OPEN),
        known=hedging.known,
        planned=on_time & (records["kind"] == kernels.HOLD),
    )
    return hedge_legs(
        tape, rules, records, np.where(np.isnan(hedging.ratio), 1.0, hedging.ratio), bars, at_close
    )


def hedge_legs(
    tape: Tape, rules: Rules, records: np.ndarray, ratio: Floats, places: HedgeBars, at_close: bool
) -> np.ndarray:
    """Fill the leg of each trade under the rules and costs of the hedge instrument.

    Parameters
    ----------
    tape, rules : Tape, Rules
        The market and its rules.
    records : ndarray of trade_dtype, shape (n,)
        The trades.
    ratio : ndarray of float64, shape (n,)
        How much of a trade's notional stands against it; a negative one stands on the trade's own side.
    places : HedgeBars
        The bars of the legs.
    at_close : bool
        Whether trades are entered at the close.

    Returns
    -------
    ndarray of trade_dtype, shape (n,)
        Trades in the hedge instruments, of quantity 0 where there is none: no bar, one that did not fill, less than a
        lot.
    """
    legs = np.zeros(len(records), trade_dtype)
    entered = places.entry >= 0
    owner = np.searchsorted(tape.offsets, np.maximum(places.entry, 0), side="right") - 1
    legs["signal"], legs["instrument"], legs["entry_bar"] = records["signal"], owner, places.entry
    legs["side"] = np.where(ratio < 0.0, records["side"], -records["side"])
    with_trade = places.exit >= 0
    legs["exit_bar"] = np.where(with_trade, places.exit, places.later)
    at_open = ~with_trade | (records["exit_point"] == kernels.OPEN)
    legs["exit_point"] = np.where(at_open, kernels.OPEN, kernels.CLOSE)
    notional = np.where(entered, np.abs(ratio), 0.0) * records["quantity"] * records["entry_fill"]
    kernels.settle_legs(bars_of(tape), rules, legs, notional, at_close)
    return legs


class Pairs(NamedTuple):
    """Returns of an instrument (``own``) and of its hedge over the same stretches of time.

    ``known_at`` is when the later of the two was known, ``rank`` the place of the session among the instrument's own.
    """

    known_at: Instants
    own: Floats
    hedge: Floats
    rank: Integers


def hedge_places(
    tape: Tape, instrument: Integers, instruments: Mapping[str, str], other: str | None = None
) -> Integers:
    """Name the hedge instrument of each trade.

    Parameters
    ----------
    tape : Tape
        The market.
    instrument : ndarray of int64, shape (n,)
        Each trade's place on the tape.
    instruments : mapping of str to str
        Markets (``JP``) to the symbols that hedge them.
    other : str, optional
        The symbol that hedges all other markets.

    Returns
    -------
    ndarray of int64, shape (n,)
        A place on the tape of the hedge instrument (whichever of its segments); -1 where its market has none, or the
        trade is in the hedge instrument itself.

    Raises
    ------
    InputError
        A hedge instrument of these trades has no prices.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"symbol": ["1306.T", "8035.T"], "date": "2025-09-12", "close": 100.0})
    >>> hedge_places(Tape.from_frame(frame), np.array([1, 0]), {"JP": "1306.T"}).tolist()
    [0, -1]
    """
    places = np.full(len(tape.symbols), -1, np.int64)
    for place in np.unique(instrument):
        symbol = instruments.get(venue(tape.venues[place]).market, other)
        if symbol is not None and symbol != tape.symbols[place]:
            places[place] = _priced(tape, symbol)
    return places[instrument]


def _priced(tape: Tape, symbol: str) -> int:
    if symbol not in tape.symbols:
        raise InputError(
            Problem(f"prices of the hedge instrument {symbol}", "none", "give them with the other prices")
        )
    return tape.position(symbol)


def hedge_ratios(
    tape: Tape, instrument: Integers, hedge: Integers, known: Instants, method: str = "beta"
) -> Floats:
    """Say how much of the hedge instrument stands against each trade, as a share of the trade's notional.

    Parameters
    ----------
    tape : Tape
        The market.
    instrument, hedge : ndarray of int64, shape (n,)
        Places on the tape of the trade's instrument and its hedge (`hedge_places`); all segments of the two count.
    known : ndarray of int64, shape (n,)
        UTC ns at which the signal could be acted on (``known_by + latency``): nothing later is looked at.
    method : {"beta", "index"}
        ``index`` hedges one to one.

    Returns
    -------
    ndarray of float64, shape (n,)
        For ``beta`` the slope (OLS, with an intercept) of the instrument's simple close-to-close returns on those of
        the hedge over the instrument's last ``WINDOW`` sessions; NaN with fewer than ``FEWEST`` pairs, or a hedge that
        did not move: fall back to 1.0 and say so. NaN too where there is no hedge.

    Notes
    -----
    A pair spans the same two sessions for both: from one local date on which both have a close to the next such date.
    No pair crosses two segments of either.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.bdate_range("2025-02-03", "2025-06-30")
    >>> move = np.cumprod(np.where(np.arange(len(days)) % 2, 1.01, 0.99))
    >>> frame = pd.DataFrame({"date": days, "close": 100.0 * move})
    >>> tape = Tape.from_frame(pd.concat([frame.assign(symbol=name) for name in ("1306.T", "8035.T")]), skip_bad=True)
    >>> hedge_ratios(tape, np.array([1]), np.array([0]), tape.closes_at[-1:]).round(6).tolist()
    [1.0]
    """
    ratio = np.where(hedge >= 0, 1.0, np.nan)
    if method == "index":
        return ratio
    ratio[:] = np.nan
    closes: dict[str, Closes] = {}
    for (own, other), rows in _by_pair(tape, instrument, hedge):
        for symbol in (own, other):
            closes.setdefault(symbol, session_closes(tape, symbol))
        ratio[rows] = beta_at(closes[own], closes[other], known[rows])
    return ratio


def _by_pair(tape: Tape, instrument: Integers, hedge: Integers) -> Iterator[tuple[tuple[str, str], Integers]]:
    """Give each pair of an instrument and its hedge with the rows on which it stands."""
    hedged = np.flatnonzero(hedge >= 0)
    code = instrument[hedged] * len(tape.symbols) + hedge[hedged]
    order = np.argsort(code, kind="stable")
    codes, first = np.unique(code[order], return_index=True)
    edges = np.append(first, len(order))
    for one, begin, end in zip(codes, edges[:-1], edges[1:], strict=True):
        own, other = divmod(int(one), len(tape.symbols))
        yield (tape.symbols[own], tape.symbols[other]), hedged[order[begin:end]]


def paired_returns(own: Closes, hedge: Closes) -> Pairs:
    """Pair the returns of two instruments over the same sessions.

    Examples
    --------
    >>> days, seg = np.array([1, 2, 3]), np.zeros(3, np.int64)
    >>> one = Closes(days, days, np.array([100.0, 110.0, 121.0]), seg)
    >>> two = Closes(days[[0, 2]], days[[0, 2]], np.array([50.0, 51.0]), seg[:2])
    >>> paired_returns(one, two).own.round(6), paired_returns(one, two).hedge.round(6)
    (array([0.21]), array([0.02]))
    """
    _, i, j = np.intersect1d(own.session, hedge.session, return_indices=True)
    whole = (np.diff(own.segment[i]) == 0) & (np.diff(hedge.segment[j]) == 0)
    a, b = own.close[i], hedge.close[j]
    return Pairs(
        known_at=np.maximum(own.known_at[i], hedge.known_at[j])[1:][whole],
        own=(a[1:] / a[:-1] - 1.0)[whole],
        hedge=(b[1:] / b[:-1] - 1.0)[whole],
        rank=i[1:][whole],
    )


def beta_at(own: Closes, hedge: Closes, known: Instants) -> Floats:
    """Give the beta of one instrument to its hedge as it was known at n instants; NaN where there was none."""
    pairs = paired_returns(own, hedge)
    seen = np.searchsorted(own.known_at, known, side="right")
    stop = np.searchsorted(pairs.known_at, known, side="right")
    start = np.minimum(np.searchsorted(pairs.rank, seen - WINDOW, side="left"), stop)
    # Many trades know the same pairs: each window is looked at once.
    keys, back = np.unique(start * (len(pairs.rank) + 1) + stop, return_inverse=True)
    blocks = [keys[first : first + BLOCK] for first in range(0, len(keys), BLOCK)]
    found = [_slopes(pairs, *np.divmod(block, len(pairs.rank) + 1)) for block in blocks]
    beta: Floats = np.concatenate([np.empty(0), *found])[back]
    return beta


def _slopes(pairs: Pairs, start: Integers, stop: Integers) -> Floats:
    count = stop - start
    beta = np.full(len(start), np.nan)
    enough = np.flatnonzero(count >= FEWEST)
    if not len(enough):
        return beta
    position, inside = windows(start[enough], stop[enough], WINDOW)
    x, y = centred(pairs.hedge[position], inside), centred(pairs.own[position], inside)
    spread = (x * x).sum(axis=1)
    moved = np.sqrt(spread / (count[enough] - 1)) > FLAT
    beta[enough] = np.where(moved, (x * y).sum(axis=1) / np.where(moved, spread, 1.0), np.nan)
    return beta


def hedge_bars(
    tape: Tape,
    hedge: Integers,
    entry_bar: Integers,
    exit_bar: Integers,
    *,
    at_close: bool,
    left_at_open: Flags,
    known: Instants,
    planned: Flags,
) -> HedgeBars:
    """Find the bars at which the leg of each trade is entered and left.

    Parameters
    ----------
    tape : Tape
        The market.
    hedge : ndarray of int64, shape (n,)
        Place on the tape of each trade's hedge (`hedge_places`), -1 for none; all its segments count.
    entry_bar, exit_bar : ndarray of int64, shape (n,)
        Rows of the trades' own bars; an ``exit_bar`` of -1 is an open trade.
    at_close : bool
        Whether trades are entered at the close; the leg is entered at the same point.
    left_at_open : ndarray of bool, shape (n,)
        Whether the trade was left at an open (``exit_at == tape.opens_at[exit_bar]``): then the leg is too. A trade
        left at the close, or at a level inside its bar, has its leg left at the close.
    known : ndarray of int64, shape (n,)
        UTC ns at which the signal could be acted on.
    planned : ndarray of bool, shape (n,)
        Whether the exit was fixed at the entry (kind ``hold``, neither carried nor extended): then the leg may be
        left earlier that day.

    Returns
    -------
    HedgeBars
        Bars of the same local date. A halted bar, and one without a price at the point, is none.

    Notes
    -----
    On the venue of the trade the points of both are the same instants. On another venue they are not, and a leg is not
    to know more than its trade: it is entered only where the cut-off of its own bar is at or after ``known``, and left
    unplanned only at a point no earlier than its trade's. Of several bars in a session it takes the first whose point
    is no earlier than the trade's, else the last. No leg crosses two segments.

    Examples
    --------
    >>> import pandas as pd
    >>> days = ["2025-09-10", "2025-09-11", "2025-09-12"]
    >>> frame = pd.concat([pd.DataFrame({"symbol": name, "date": days, "open": 99.0, "high": 101.0, "low": 98.0,
    ...     "close": 100.0}) for name in ("1306.T", "8035.T")])
    >>> tape = Tape.from_frame(frame)
    >>> legs = hedge_bars(tape, np.array([0]), np.array([3]), np.array([5]), at_close=False,
    ...     left_at_open=np.array([False]), known=tape.open_cutoff[3:4], planned=np.array([True]))
    >>> [part.tolist() for part in legs]
    [[0], [2], [-1]]
    """
    legs = HedgeBars(*(np.full(len(hedge), -1, np.int64) for _ in range(3)))
    for place in np.unique(hedge[hedge >= 0]):
        rows = np.flatnonzero(hedge == place)
        entry = _entries(tape, place, entry_bar[rows], known[rows], at_close)
        rows, entry = rows[entry >= 0], entry[entry >= 0]
        legs.entry[rows] = entry
        closed = exit_bar[rows] >= 0
        rows, entry = rows[closed], entry[closed]
        last, at_open = exit_bar[rows], left_at_open[rows]
        left = _exits(tape, place, last, at_open, planned[rows])
        same = (left >= 0) & (_segment(tape, left) == _segment(tape, entry))
        since = (tape.closes_at if at_close else tape.opens_at)[entry]
        legs.exit[rows] = np.where(same & (_instants(tape, left, at_open) >= since), left, -1)
        legs.later[rows] = np.where(legs.exit[rows] < 0, _later(tape, entry, last), -1)
    return legs


def _entries(tape: Tape, place: int, bar: Integers, known: Instants, at_close: bool) -> Integers:
    row = _at_point(tape, place, bar, np.full(len(bar), not at_close))
    cutoff = tape.close_cutoff if at_close else tape.open_cutoff
    return np.where((row >= 0) & (cutoff[row] >= known), row, -1)


def _exits(tape: Tape, place: int, bar: Integers, at_open: Flags, planned: Flags) -> Integers:
    row = _at_point(tape, place, bar, at_open)
    in_time = planned | (_instants(tape, row, at_open) >= _instants(tape, bar, at_open))
    return np.where((row >= 0) & in_time, row, -1)


def _at_point(tape: Tape, place: int, bar: Integers, at_open: Flags) -> Integers:
    """Find the hedge's bar of the session of each bar that has a price at the point; -1 where there is none."""
    first, end = _span(tape, place)
    session = tape.session[first:end]
    low = np.searchsorted(session, tape.session[bar], side="left")
    high = np.searchsorted(session, tape.session[bar], side="right")
    instant = _instants(tape, bar, at_open)
    opens, closes = (
        np.searchsorted(points[first:end], instant, side="left") for points in (tape.opens_at, tape.closes_at)
    )
    # Where the session has no bar, low == high: any row will do until it is struck out.
    row = first + np.clip(np.where(at_open, opens, closes), low, np.maximum(high - 1, low))
    row = np.minimum(row, end - 1)
    price = np.where(at_open, tape.open[row], tape.close[row])
    return np.where((high > low) & ~tape.halted[row] & ~np.isnan(price), row, -1)


def _later(tape: Tape, entry: Integers, bar: Integers) -> Integers:
    """Find the first open after the session of each bar at which a leg can be left, within its segment."""
    result = np.full(len(entry), -1, np.int64)
    own = _segment(tape, entry)
    for segment in np.unique(own):
        first, end = tape.offsets[segment], tape.offsets[segment + 1]
        good = first + np.flatnonzero(~tape.halted[first:end] & ~np.isnan(tape.open[first:end]))
        rows = np.flatnonzero(own == segment)
        after = np.searchsorted(tape.session[good], tape.session[bar[rows]], side="right")
        result[rows] = np.append(good, -1)[after]
    return result


def _span(tape: Tape, place: int) -> tuple[int, int]:
    """Give the rows of an instrument, of all its segments: they stand side by side."""
    places = tape.segments(tape.symbols[place])
    return int(tape.offsets[places[0]]), int(tape.offsets[places[-1] + 1])


def _instants(tape: Tape, row: Integers, at_open: Flags) -> Instants:
    return np.where(at_open, tape.opens_at[row], tape.closes_at[row])


def _segment(tape: Tape, row: Integers) -> Integers:
    return np.searchsorted(tape.offsets, row, side="right") - 1
