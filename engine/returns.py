"""Close-to-close returns of one instrument as they were known: session by session, and windows of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.calendars import sessions
from aftershock.data.instants import Instants
from aftershock.data.prices.tape import Tape
from aftershock.engine.types import Flags, Floats, Integers


def last_known(close: Floats, offsets: Integers) -> Floats:
    """Give at each bar the last known close of its segment, its own included; NaN before any.

    Parameters
    ----------
    close : ndarray of float64, shape (n,)
        Closes, NaN where unknown, segment after segment.
    offsets : ndarray of int64
        Segment ``k`` has rows ``offsets[k]:offsets[k + 1]``.

    Examples
    --------
    >>> last_known(np.array([1.0, np.nan, np.nan, 2.0]), np.array([0, 2, 4])).tolist()
    [1.0, 1.0, nan, 2.0]
    """
    if not len(close):
        return close.copy()
    at = np.maximum.accumulate(np.where(np.isnan(close), -1, np.arange(len(close))))
    return np.where(at >= np.repeat(offsets[:-1], np.diff(offsets)), close[at], np.nan)


class Closes(NamedTuple):
    """The last close of each session of one instrument, of all its segments, in time order.

    ``session`` is the local date in days since 1970, ``known_at`` the UTC ns at which the session was over,
    ``segment`` the place on the tape; sessions without a close (halted throughout, or NaN) have no row.
    """

    session: Integers
    known_at: Instants
    close: Floats
    segment: Integers


class Returns(NamedTuple):
    """Simple returns, each with the UTC ns at which it was known; in time order."""

    known_at: Instants
    value: Floats


def session_closes(tape: Tape, symbol: str) -> Closes:
    """Give the closes of an instrument's sessions.

    Parameters
    ----------
    tape : Tape
        The bars; of several bars in a session the last that has a close and was not halted stands for it.
    symbol : str
        An instrument of the tape.

    Returns
    -------
    Closes
        A close counts as known once its session is over, by the calendar and by its bar. Whether a bar is the last of
        its session is not known before, and a tape that was cut inside a session must not make another one the last.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"symbol": "8035.T", "date": ["2025-09-11", "2025-09-12"], "close": [99.0, 101.0]})
    >>> session_closes(Tape.from_frame(frame), "8035.T").close
    array([ 99., 101.])
    """
    places = tape.segments(symbol)
    edges = tape.offsets[np.array([*places, places[-1] + 1])]
    rows = np.arange(edges[0], edges[-1])
    rows = rows[~tape.halted[rows] & ~np.isnan(tape.close[rows])]
    segment = np.searchsorted(edges, rows, side="right") - 1
    session = tape.session[rows]
    last = np.append((np.diff(session) != 0) | (np.diff(segment) != 0), True)[: len(rows)]
    rows, segment, session = rows[last], segment[last], session[last]
    over = sessions(tape.venues[places[0]]).closes_at[tape.ordinal[rows]]
    return Closes(
        session=session,
        known_at=np.maximum(over, tape.closes_at[rows]),
        close=tape.close[rows],
        segment=np.array(places, np.int64)[segment],
    )


def returns_of(closes: Closes) -> Returns:
    """Give the return of each session on the one before it that has a close; none is taken across two segments.

    Examples
    --------
    >>> import numpy as np
    >>> two = np.array([1, 2, 3, 4])
    >>> returns_of(Closes(two, two, np.array([100.0, 110.0, 50.0, 45.0]), np.array([0, 0, 1, 1]))).value
    array([ 0.1, -0.1])
    """
    same = np.diff(closes.segment) == 0
    value = closes.close[1:] / closes.close[:-1] - 1.0
    return Returns(closes.known_at[1:][same], value[same])


def session_deviation(tape: Tape, sessions: int = 20) -> Floats:
    """Give for each bar the standard deviation of the returns of the sessions before its own.

    Parameters
    ----------
    tape : Tape
        n bars.
    sessions : int
        How many sessions count; at least half of them must be known.

    Returns
    -------
    ndarray of shape (n,)
        As a share a session; NaN where too few are known.

    Examples
    --------
    >>> days = ["2025-09-09", "2025-09-10", "2025-09-11", "2025-09-12"]
    >>> frame = pd.DataFrame({"symbol": "8035.T", "date": days, "close": [100.0, 110.0, 110.0, 90.0]})
    >>> session_deviation(Tape.from_frame(frame), 2).round(4).tolist()
    [nan, nan, nan, 0.0707]
    """
    found = np.full(len(tape.close), np.nan)
    for start, stop in zip(tape.offsets[:-1], tape.offsets[1:], strict=True):
        ordinal = tape.ordinal[start:stop]
        ends = np.flatnonzero(np.diff(ordinal, append=-1))
        moves = pd.Series(tape.close[start:stop][ends]).pct_change(fill_method=None)
        known = moves.rolling(sessions, min_periods=max(sessions // 2, 2)).std().shift()
        found[start:stop] = np.repeat(known.to_numpy(np.float64), np.diff(ends, prepend=-1))
    return found


def windows(start: Integers, stop: Integers, width: int) -> tuple[Integers, Flags]:
    """Give the positions of n windows as rows of a table, and which of its cells are inside.

    Parameters
    ----------
    start, stop : ndarray of int64, shape (n,)
        First position of each window and the one after its last; no window is longer than ``width``.
    width : int
        Columns of the table.

    Returns
    -------
    position : ndarray of int64, shape (n, width)
        Cells outside are position 0.
    inside : ndarray of bool, shape (n, width)

    Examples
    --------
    >>> windows(np.array([0, 2]), np.array([2, 5]), 3)[0].tolist()
    [[0, 1, 0], [2, 3, 4]]
    """
    position = start[:, None] + np.arange(width)
    inside = position < stop[:, None]
    return np.where(inside, position, 0), inside


def centred(values: Floats, inside: Flags) -> Floats:
    """Take the mean of its window from each value; 0 outside, so that sums of products are those of the windows."""
    kept = np.where(inside, values, 0.0)
    mean = kept.sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
    return np.where(inside, kept - mean[:, None], 0.0)
