"""What doing nothing would have earned: instruments bought at the start in equal parts and held."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.instants import DAY
from aftershock.data.prices.tape import Tape
from aftershock.engine.returns import returns_of, session_closes
from aftershock.engine.types import Floats, Integers

STALE = 10
"""An instrument without a close in so many days before the start is not among what is bought."""


def buy_and_hold(tape: Tape, symbols: Iterable[str], dates: Any, capital: float) -> tuple[Floats, int]:
    """Mark a basket bought in equal parts at the last closes before the first date and never touched again.

    Parameters
    ----------
    tape : Tape
        The prices, dividends as they adjust for them.
    symbols : iterable of str
        What is bought; what has no price then is left out, and what ends is held at its last close.
    dates : array of n dates
        UTC dates at whose end it is marked.
    capital : float
        What is spent.

    Returns
    -------
    marks : ndarray of shape (n,)
        Local returns on the money spent: currencies are hedged, as in the run. NaN where nothing could be bought.
    count : int
        How many instruments were bought.

    Examples
    --------
    >>> days = ["2025-09-11", "2025-09-12", "2025-09-16"]
    >>> frame = pd.DataFrame({"symbol": "8035.T", "date": days, "close": [100.0, 110.0, 99.0]})
    >>> marks, count = buy_and_hold(Tape.from_frame(frame), ["8035.T"], pd.to_datetime(days), 1000.0)
    >>> marks.round(6).tolist(), count
    ([1000.0, 1100.0, 990.0], 1)
    """
    ends = (pd.DatetimeIndex(dates).to_numpy().astype("M8[D]").astype(np.int64) + 1) * DAY
    held = [growth for symbol in symbols if (growth := _growth(tape, symbol, ends)) is not None]
    if not held or not len(ends):
        return np.full(len(ends), np.nan), 0
    return np.asarray(capital * np.mean(held, axis=0)), len(held)


def _growth(tape: Tape, symbol: str, ends: Integers) -> Floats | None:
    """Give the growth of one instrument since the end of the first date; None where it had no price then."""
    if symbol not in tape.symbols or not len(ends):
        return None
    closes = session_closes(tape, symbol)
    start = np.searchsorted(closes.known_at, ends[0], side="right") - 1
    if start < 0 or closes.known_at[start] < ends[0] - STALE * DAY:
        return None
    returns = returns_of(closes)
    grown = np.concatenate(([1.0], np.cumprod(1.0 + returns.value)))
    at = grown[np.searchsorted(returns.known_at, ends, side="right")]
    return np.asarray(at / at[0])
