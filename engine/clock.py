"""What trades earned beyond the clock they ran on: less the drift of quiet days and less last night's US move."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.instants import DAY
from aftershock.data.prices.tape import Tape
from aftershock.engine.questions import mean_figures
from aftershock.engine.returns import Returns
from aftershock.engine.types import Flags, Floats, Integers

FITTED = 250
"""Windows before an entry that its beta is fitted to."""
LEAST_FITTED = 60
"""With fewer of them known no beta is fitted."""
LEAST_QUIET = 20
"""Of fewer windows without news no drift is estimated."""
SILENT = 7 * DAY
"""So long after its last session the US series is taken to have ended."""
NO_US = "no US series among the prices"


class Held(NamedTuple):
    """Trades as rows of the tape: instrument, entry and exit bar, side; arrays of shape (n,)."""

    instrument: Integers
    entry: Integers
    exit: Integers
    side: Integers


class Beyond(NamedTuple):
    """What of each trade's return is the clock's, side-adjusted; NaN where it cannot be told."""

    us: Floats
    drift: Floats


def us_moves(tape: Tape, us: Returns) -> Floats:
    """Give for each bar the US move between the close before it and its own open: last night's.

    Parameters
    ----------
    tape : Tape
        n bars.
    us : Returns
        Sessions of a US series, by when they were known.

    Returns
    -------
    ndarray of shape (n,)
        0 where no US session closed in between, NaN at the first bar of an instrument and beyond the US series.
    """
    grown = np.concatenate(([1.0], np.cumprod(1.0 + us.value)))
    upto = grown[np.searchsorted(us.known_at, tape.opens_at, side="right")]
    since = grown[np.searchsorted(us.known_at, np.r_[tape.closes_at[:1], tape.closes_at[:-1]], side="right")]
    moves = upto / since - 1.0
    moves[tape.offsets[:-1][np.diff(tape.offsets) > 0]] = np.nan
    if len(us.known_at):
        beyond = (tape.opens_at < us.known_at[0]) | (tape.opens_at > us.known_at[-1] + SILENT)
        moves[beyond] = np.nan
    return np.asarray(moves)


def beyond_clock(tape: Tape, held: Held, due: Integers, moves: Floats | None, at_close: bool) -> Beyond:
    """Take apart what of the trades' returns belongs to the clock.

    Parameters
    ----------
    tape : Tape
        The prices.
    held : Held
        Closed trades.
    due : ndarray of int64
        The due bars of all signals: windows in which one falls are not quiet.
    moves : ndarray of shape (n_bars,) or None
        Last night's US move at each bar, see `us_moves`; None where there is no US series.
    at_close : bool
        Whether entries are at closes.

    Returns
    -------
    Beyond
        ``drift`` is the mean move of the same instrument from the same auction over as many bars, in windows of the
        whole run in which no signal was due. ``us`` is last night's US move, beyond its mean, times a beta fitted to
        the ``FITTED`` windows that had ended before the entry bar.
    """
    us, drift = (np.full(len(held.entry), np.nan) for _ in range(2))
    news = np.zeros(len(tape.close), np.int64)
    news[due[due >= 0]] = 1
    start = tape.close if at_close else tape.open
    length = held.exit - held.entry
    for place in np.unique(held.instrument):
        rows = slice(int(tape.offsets[place]), int(tape.offsets[place + 1]))
        for bars in np.unique(length[held.instrument == place]):
            own = np.flatnonzero((held.instrument == place) & (length == bars))
            at = held.entry[own] - rows.start
            window = _windows(start[rows], tape.close[rows], int(bars))
            quiet = _quiet(news[rows], int(bars), at_close)
            drift[own] = held.side[own] * _mean(window, quiet)
            if moves is not None:
                us[own] = held.side[own] * _explained(window, moves[rows], int(bars), at)
    return Beyond(us, drift)


def _windows(start: Floats, close: Floats, bars: int) -> Floats:
    """Give the move from each bar's auction to the close so many bars later; NaN where the data end before."""
    moves = np.full(len(close), np.nan)
    n = len(close) - bars
    if n > 0:
        with np.errstate(invalid="ignore", divide="ignore"):
            moves[:n] = close[bars:] / start[:n] - 1.0
    return moves


def _quiet(news: Integers, bars: int, at_close: bool) -> Flags:
    """Tell windows in which no signal was due; an entry at the close does not see the bar it enters at."""
    total = np.concatenate(([0], np.cumsum(news)))
    first = np.arange(len(news)) + int(at_close and bars > 0)
    last = np.minimum(np.arange(len(news)) + bars + 1, len(news))
    return np.asarray(total[last] == total[np.minimum(first, last)])


def _mean(values: Floats, which: Flags) -> float:
    kept = values[which & np.isfinite(values)]
    return float(kept.mean()) if len(kept) >= LEAST_QUIET else math.nan


def _explained(window: Floats, moves: Floats, bars: int, at: Integers) -> Floats:
    """Give the part of each entry's window that last night's US move explains."""
    both = np.isfinite(window) & np.isfinite(moves)
    x, y = np.where(both, moves, 0.0), np.where(both, window, 0.0)
    # A window counts once it has ended: the last one ends on the bar before the entry.
    last = np.maximum(at - bars, 0)
    first = np.maximum(last - FITTED, 0)

    def summed(values: Floats) -> Floats:
        total = np.concatenate(([0.0], np.cumsum(values)))
        return np.asarray(total[last] - total[first])

    n = summed(both.astype(np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = summed(x) / n
        spread = summed(x * x) - n * mean**2
        beta = (summed(x * y) - mean * summed(y)) / spread
        part = beta * (moves[at] - mean)
    return np.where((n >= LEAST_FITTED) & (spread > 1e-12), part, np.nan)


def remaining(returns: Any, known_by: Any, beyond: Beyond, us: str) -> dict[str, Any]:
    """Say what remains of the trades' returns beyond the clock, as means over event dates.

    Parameters
    ----------
    returns : array of shape (n,)
        Returns of trades before costs.
    known_by : array of shape (n,)
        When the event of each was known.
    beyond : Beyond
        What of them is the clock's.
    us : str
        The name of the US series, "" where there is none.

    Returns
    -------
    dict
        ``trades, event_dates``; ``raw, us, drift`` and ``mean`` (what remains) with ``standard_error`` and
        ``t_statistic``, all of the trades of which every part is known; ``us_series``, ``us_reason``, ``reason``.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-04", "2024-01-05"], utc=True)
    >>> told = remaining([0.03, 0.01], days, Beyond(np.array([0.01, 0.0]), np.array([0.001, 0.001])), "SPX")
    >>> round(told["raw"], 6), round(told["us"], 6), round(told["mean"], 6)
    (0.02, 0.005, 0.014)
    """
    raw = np.asarray(returns, np.float64)
    night = beyond.us if us else np.zeros(len(raw))
    left = raw - night - beyond.drift
    known = np.isfinite(left)
    days = pd.Series(known_by).reset_index(drop=True)[known]
    parts = {key: mean_figures(values[known], days) for key, values in
             (("raw", raw), ("us", night), ("drift", beyond.drift), ("left", left))}  # fmt: skip
    return {
        **parts["left"],
        "of": len(raw),
        "raw": parts["raw"]["mean"],
        "us": parts["us"]["mean"] if us else math.nan,
        "drift": parts["drift"]["mean"],
        "us_series": us,
        "us_reason": "" if us else NO_US,
        "reason": "" if known.any() else "too few quiet windows to tell the clock's part of any trade",
    }
