"""Sizing: how much of a signal's weight its strength, or the volatility of its instrument, leaves it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.instants import Instants, to_ns
from aftershock.data.prices.tape import Tape
from aftershock.engine.returns import Returns, centred, returns_of, session_closes, windows
from aftershock.engine.types import Flags, Floats

SIZINGS = ("equal", "strength", "inverse_volatility", "notional")
"""How signals are sized; docs/fills.md, section 7."""

WINDOW = 60
"""Returns that a volatility is taken of."""
FEWEST = 20
"""Returns without which there is no volatility."""
FLAT = 1e-12
"""A standard deviation that is rounding and nothing else: prices that did not move have no volatility."""
BLOCK = 16_384
"""Windows looked at together, so that memory does not grow with signals."""


class Sizing(NamedTuple):
    """How weights are made of strengths and volatilities.

    ``method`` is one of ``SIZINGS``; ``of_one`` is the strength, or the daily volatility, of a signal of weight 1, and
    no weight becomes larger than ``most``.
    """

    method: str
    of_one: float
    most: float


def size_signals(signals: pd.DataFrame, tape: Tape, sizing: Sizing, *, latency: int = 0) -> pd.DataFrame:
    """Put the size of each signal into its weight.

    Parameters
    ----------
    signals : DataFrame
        ``symbol, weight, strength, known_by, outcome``; rows whose outcome is set are left as they are.
    tape : Tape
        The prices that volatilities are taken of, each as it was known by ``known_by + latency``.
    sizing : Sizing
        What makes the weights; ``equal`` and ``notional`` leave them as they are (the latter sets the book's size).
    latency : int
        Nanoseconds from knowing to acting.

    Returns
    -------
    DataFrame
        The signals with their ``weight``; those that cannot be sized keep theirs and have the outcome ``no_strength``
        or ``no_volatility``.

    Examples
    --------
    >>> table = pd.DataFrame({"symbol": "8035.T", "weight": 1.0, "strength": [50.0, 500.0, np.nan], "outcome": ""})
    >>> tape = Tape.from_frame(pd.DataFrame({"symbol": "8035.T", "date": ["2025-09-11"], "close": [99.0]}))
    >>> size_signals(table, tape, Sizing("strength", 25.0, 3.0))[["weight", "outcome"]].values.tolist()
    [[2.0, ''], [3.0, ''], [1.0, 'no_strength']]
    """
    if sizing.method not in ("strength", "inverse_volatility"):
        return signals
    live = signals["outcome"].to_numpy(object) == ""
    by_strength = sizing.method == "strength"
    if by_strength:
        factor = strength_factors(signals["strength"].to_numpy(np.float64), sizing.of_one)
    else:
        known = to_ns(signals["known_by"]) + latency
        factor = volatility_factors(_volatilities(tape, signals["symbol"], known, live), sizing.of_one)
    sized = live & ~np.isnan(factor)
    weight = signals["weight"].to_numpy(np.float64)
    outcome = signals["outcome"].to_numpy(object).copy()
    outcome[live & ~sized] = "no_strength" if by_strength else "no_volatility"
    return signals.assign(
        weight=np.where(sized, np.minimum(weight * factor, sizing.most), weight), outcome=outcome
    )


def strength_factors(strength: Floats, of_one: float) -> Floats:
    """Give what weights are multiplied by: strength over that of weight 1; NaN where it is unknown or none.

    Examples
    --------
    >>> strength_factors(np.array([50.0, 0.0, np.nan]), 25.0)
    array([ 2., nan, nan])
    """
    return np.where(np.isfinite(strength) & (strength > 0.0), strength, np.nan) / of_one


def volatility_factors(volatility: Floats, of_one: float) -> Floats:
    """Give what weights are multiplied by: the volatility of weight 1 over one's own; NaN where it is unknown.

    Examples
    --------
    >>> volatility_factors(np.array([0.01, 0.04, np.nan]), 0.02)
    array([2. , 0.5, nan])
    """
    return of_one / volatility


def volatility_at(returns: Returns, known: Instants) -> Floats:
    """Give the volatility of one instrument as it was known at n instants.

    Parameters
    ----------
    returns : Returns
        Its returns.
    known : ndarray of int64, shape (n,)
        UTC ns.

    Returns
    -------
    ndarray of float64, shape (n,)
        Standard deviation (ddof 1) of the last ``WINDOW`` returns known by then; NaN where they are fewer than
        ``FEWEST``, or did not differ.

    Examples
    --------
    >>> moves = Returns(np.arange(30), np.tile([0.01, -0.01], 15))
    >>> volatility_at(moves, np.array([10, 29])).round(4)
    array([   nan, 0.0102])
    """
    stop = np.searchsorted(returns.known_at, known, side="right")
    # Many signals know the same returns: each window is looked at once.
    ends, back = np.unique(stop, return_inverse=True)
    blocks = [ends[first : first + BLOCK] for first in range(0, len(ends), BLOCK)]
    found = [_deviations(returns.value, end) for end in blocks]
    deviation: Floats = np.concatenate([np.empty(0), *found])[back]
    return deviation


def _deviations(values: Floats, stop: np.ndarray) -> Floats:
    count = np.minimum(stop, WINDOW)
    result = np.full(len(stop), np.nan)
    enough = np.flatnonzero(count >= FEWEST)
    position, inside = windows((stop - count)[enough], stop[enough], WINDOW)
    if len(enough):
        apart = centred(values[position], inside)
        result[enough] = np.sqrt((apart * apart).sum(axis=1) / (count[enough] - 1))
    return np.where(result > FLAT, result, np.nan)


def _volatilities(tape: Tape, symbols: pd.Series[str], known: Instants, wanted: Flags) -> Floats:
    """Give each wanted signal the volatility of its instrument: one pass over the bars of each."""
    result = np.full(len(known), np.nan)
    rows = np.flatnonzero(wanted)
    codes, names = pd.factorize(symbols.to_numpy(object)[rows])
    for code, symbol in enumerate(names):
        own = rows[codes == code]
        result[own] = volatility_at(returns_of(session_closes(tape, str(symbol))), known[own])
    return result
