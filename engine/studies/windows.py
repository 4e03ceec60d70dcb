"""Returns in event time: those of all instruments one after the other, and the windows around each event's bar."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aftershock.data.errors import InputError, Problem
from aftershock.engine.studies.types import Floats, Ints

Flags = NDArray[np.bool_]


class Series(NamedTuple):
    """Returns of all instruments, one after the other, each since the row before that has one.

    Attributes
    ----------
    offsets : (instruments + 1,) int64
        Rows of instrument i are those from ``offsets[i]`` to ``offsets[i + 1]``, in time order.
    value : (rows,) float64
        The return; NaN where there is none.
    span : (rows,) float64
        Sessions that it took: 1, or more where sessions without a price lie between (trade-to-trade returns).
    factors : (rows, m) float64
        What the models explain it with, over the same span.
    quiet : (rows,) bool
        Whether a row may stand in an estimation window.
    """

    offsets: Ints
    value: Floats
    span: Floats
    factors: Floats
    quiet: Flags


class Span(NamedTuple):
    """Event window and estimation window in event time, both ends included."""

    window: tuple[int, int]
    estimation: tuple[int, int]

    @property
    def sessions(self) -> int:
        """How long the event window is."""
        return self.window[1] - self.window[0] + 1

    @property
    def estimated(self) -> int:
        """How long the estimation window is."""
        return self.estimation[1] - self.estimation[0] + 1


def span_of(window: tuple[int, int], estimation: tuple[int, int]) -> Span:
    """Check the two windows.

    Parameters
    ----------
    window, estimation : tuple of int
        First and last session, in event time: 0 is the bar that the join found.

    Raises
    ------
    InputError
        A window that ends before it begins, or an estimation window that does not end before the event window.

    Examples
    --------
    >>> span_of((-5, 10), (-250, -30)).sessions
    16
    """
    for name, (first, last) in (("window", window), ("estimation", estimation)):
        if last < first:
            raise InputError(
                Problem(f"{name}: first session, last session", f"({first}, {last})", "turn the two round")
            )
    if estimation[1] >= window[0]:
        got = f"estimation to {estimation[1]}, window from {window[0]}"
        cure = f"let estimation end at {window[0] - 1} or before"
        raise InputError(Problem("an estimation window that ends before the event window", got, cure))
    return Span((int(window[0]), int(window[1])), (int(estimation[0]), int(estimation[1])))


def trades(
    level: Floats, others: Floats, ordinal: Ints, *, log: bool = False
) -> tuple[Floats, Floats, Floats]:
    """Give the returns of one instrument from price to price, and what others did over the same time.

    Parameters
    ----------
    level : ndarray of float64, shape (n,)
        Prices of the instrument, in time order; NaN where there is none.
    others : ndarray of float64, shape (n, m)
        Levels of markets and factors at the same times.
    ordinal : ndarray of int64, shape (n,)
        The session of each row, as a position in its calendar.
    log : bool
        Whether returns are differences of logarithms.

    Returns
    -------
    value, span : ndarrays of float64, shape (n,)
        Return and number of sessions since the row before on which the instrument and all others are known; NaN (and
        1) at rows where one of them is not, and at the first.
    factors : ndarray of float64, shape (n, m)

    Notes
    -----
    Trade-to-trade returns (Maynes and Rumsey, 1993): a session without a price makes the next return longer, not zero,
    and the market's is taken over the same sessions.

    Examples
    --------
    >>> level, market = np.array([100.0, np.nan, 121.0]), np.array([[10.0], [11.0], [12.0]])
    >>> value, span, factors = trades(level, market, np.array([0, 1, 2]))
    >>> value.round(2).tolist(), span.tolist(), factors[:, 0].round(2).tolist()
    ([nan, nan, 0.21], [1.0, 1.0, 2.0], [nan, nan, 0.2])
    """
    value, span = np.full(len(level), np.nan), np.ones(len(level))
    factors = np.full(others.shape, np.nan)
    known = np.flatnonzero(np.isfinite(level) & (level > 0.0) & np.isfinite(others).all(axis=1))
    if len(known) > 1:
        value[known[1:]] = change(level[known[1:]], level[known[:-1]], log)
        factors[known[1:]] = change(others[known[1:]], others[known[:-1]], log)
        span[known[1:]] = np.maximum(np.diff(ordinal[known]), 1)
    return value, span, factors


def change(after: Floats, before: Floats, log: bool) -> Floats:
    """Give the simple return from one level to another, or the log return."""
    ratio = after / before
    return np.asarray(np.log(ratio) if log else ratio - 1.0)
