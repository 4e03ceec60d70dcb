"""What could be known of prices at an instant: the only door through which a strategy of a desk's own sees them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem
from aftershock.data.instants import NAT, Instants, to_index, to_ns
from aftershock.data.prices.tape import Tape
from aftershock.engine.types import Floats, Integers

FIELDS = ("open", "high", "low", "close", "volume")
SHORT = 1
LONG = 100_000
"""The shortest and the longest window."""


class History:
    """Prices as they were known when events were.

    Parameters
    ----------
    tape : Tape or None
        The prices.
    known : ndarray of int64
        ``known_by`` of the events that are asked about, in UTC ns: the only instants that may be asked for.
    latency : int
        Nanoseconds from knowing to acting.
    symbols : iterable of str
        What may be asked for besides what has prices: it is unknown.

    Examples
    --------
    >>> prices = pd.DataFrame({"symbol": "8035.T", "date": ["2025-09-11", "2025-09-12"], "close": [99.0, 101.0]})
    >>> news = pd.to_datetime(["2025-09-12T06:29Z", "2025-09-12T06:30Z"])
    >>> history = History(Tape.from_frame(prices), to_ns(news), 0)
    >>> history.asof("8035.T", news).close.tolist()
    [99.0, 101.0]
    """

    def __init__(
        self, tape: Tape | None, known: Instants, latency: int = 0, symbols: Iterable[str] = ()
    ) -> None:
        self._tape, self._known, self._latency = tape, np.unique(known), latency
        self._unpriced = set(symbols)
        self._prices = {} if tape is None else {name: getattr(tape, name) for name in FIELDS}

    def __repr__(self) -> str:
        """Show nothing of the prices."""
        return f"History as of {len(self._known)} instants"

    def cut(self, now: int) -> History:
        """Forget events known after an instant, and what bars held that closed more than the latency after it."""
        made = History(self._tape, self._known[self._known <= now], self._latency, self._unpriced)
        if self._tape is not None:
            later = self._tape.closes_at > now + self._latency
            made._prices = {name: np.where(later, np.nan, values) for name, values in self._prices.items()}
        return made

    def asof(self, symbols: Any, instants: Any) -> Past:
        """Look at symbols as they were known at instants.

        Parameters
        ----------
        symbols : str or sequence of str, shape (n,)
            One for all instants, or one for each.
        instants : sequence of instants, shape (n,)
            ``known_by`` of events. What had closed by then, or within the latency of the strategy after, is known.

        Returns
        -------
        Past
            Prices and windows, n of each.

        Raises
        ------
        InputError
            An instant that is not ``known_by`` of an event, a symbol that is neither in the universe nor in the prices,
            or no prices at all.
        """
        if self._tape is None:
            raise InputError(Problem("prices to look back at", "none", "give prices"))
        asked = to_ns(instants)
        names = np.array([symbols] * len(asked) if isinstance(symbols, str) else list(symbols), object)
        if len(names) != len(asked):
            got = f"{len(names)} symbols and {len(asked)} instants"
            raise InputError(Problem("history.asof of as many symbols as instants", got, "give one for each"))
        strange = np.flatnonzero(~np.isin(asked, self._known))
        if len(strange):
            got = f"{to_index(asked[strange[:1]])[0].isoformat()} in row {strange[0]}"
            cure = "give events['known_by']; what came before is in window and returns"
            raise InputError(Problem("history.asof of instants at which events were known", got, cure))
        last = np.full(len(asked), -1, np.int64)
        codes, each = pd.factorize(names)
        for code, symbol in enumerate(each):
            own = np.flatnonzero(codes == code)
            first, end = self._rows(str(symbol))
            closed = np.searchsorted(
                self._tape.closes_at[first:end], asked[own] + self._latency, side="right"
            )
            last[own] = np.where(closed > 0, first + closed - 1, -1)
        segment = np.searchsorted(self._tape.offsets, last, side="right") - 1
        return Past(self._prices, self._tape.closes_at, last, self._tape.offsets[np.maximum(segment, 0)])

    def _rows(self, symbol: str) -> tuple[int, int]:
        assert self._tape is not None
        if symbol in self._unpriced and symbol not in self._tape.symbols:
            return 0, 0
        places = self._tape.segments(symbol)
        return int(self._tape.offsets[places[0]]), int(self._tape.offsets[places[-1] + 1])


class Past:
    """What was known at n instants of a symbol each: its last bar that had closed, and those before it.

    Attributes
    ----------
    open, high, low, close, volume : ndarray of float64, shape (n,)
        Of the last bar; NaN where none had closed, or it does not say. Prices are adjusted: take ratios of them, for
        levels change with every later split and dividend.
    closes_at : DatetimeIndex, shape (n,)
        When that bar closed; NaT where none had.
    """

    def __init__(
        self, prices: dict[str, Floats], closes_at: Instants, last: Integers, first: Integers
    ) -> None:
        self._prices, self._closes_at, self._last, self._first = prices, closes_at, last, first

    def __len__(self) -> int:
        """Count the rows."""
        return len(self._last)

    @property
    def open(self) -> Floats:
        """The opens of the last bars."""
        return self._back(0, "open")

    @property
    def high(self) -> Floats:
        """The highs of the last bars."""
        return self._back(0, "high")

    @property
    def low(self) -> Floats:
        """The lows of the last bars."""
        return self._back(0, "low")

    @property
    def close(self) -> Floats:
        """The closes of the last bars."""
        return self._back(0, "close")

    @property
    def volume(self) -> Floats:
        """The volumes of the last bars."""
        return self._back(0, "volume")

    @property
    def closes_at(self) -> pd.DatetimeIndex:
        """When the last bars closed."""
        known = self._last >= 0
        return to_index(
            np.where(known, self._closes_at[np.maximum(self._last, 0)] if known.any() else NAT, NAT)
        )

    def window(self, bars: int, field: str = "close") -> Floats:
        """Give the last bars, the oldest first.

        Parameters
        ----------
        bars : int
            How many.
        field : {"close", "open", "high", "low", "volume"}
            Of what.

        Returns
        -------
        ndarray of float64, shape (n, bars)
            NaN before the first bar, and where a bar does not say.
        """
        if field not in FIELDS:
            raise InputError(
                Problem(f"a field of bars: {', '.join(FIELDS)}", f"'{field}'", "take one of these")
            )
        if not SHORT <= bars <= LONG:
            expected = f"a window of {SHORT} to {LONG:,} bars"
            raise InputError(Problem(expected, str(bars), "give a number of bars"))
        columns = [self._back(ago, field) for ago in range(bars - 1, -1, -1)]
        return np.stack(columns, axis=1)

    def returns(self, bars: int = 1) -> Floats:
        """Give the return of the last close on the close so many bars before it, shape (n,); NaN unknown."""
        if bars < SHORT:
            raise InputError(Problem("returns over at least 1 bar", str(bars), "give a number of bars"))
        moved: Floats = self._back(0, "close") / self._back(bars, "close") - 1.0
        return moved

    def _back(self, ago: int, field: str) -> Floats:
        row = self._last - ago
        inside = (self._last >= 0) & (row >= self._first)
        found = np.full(len(row), np.nan)
        found[inside] = self._prices[field][row[inside]]
        return found
