"""The join: from the instant at which news is known to the bar at which it can be traded.

Always forward, never back: an open (close) can be had only by what is known at its venue's cut-off.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.calendars import close_position, first_tradable, instants_of, open_position, sessions
from aftershock.data.instants import NAT, Instants, to_index, to_ns
from aftershock.data.prices.tape import Tape
from aftershock.data.venues import Venue, venue
from aftershock.engine.types import Floats, Integers

IN_TIME = "known before the cut-off of the coming open"
AT_THE_OPEN = "known at the very open, which takes orders to the last: that open is the first"
TOO_LATE = "the cut-off of today's open has passed: the next session's open is the first"
NEXT_BAR = "the instrument has bars inside the session: the next one is the first"
WHY = {
    "pre-open": IN_TIME,
    "session": "known in the session: it trades at once, and the next session's open is the first",
    "lunch": "known in the lunch break: it trades when the session goes on",
    "after close": "known after the close: the next session is the first",
    "holiday": "the venue is closed that day: the next session is the first",
    "weekend": "known at the weekend: the next session is the first",
    "": "the calendar of the venue does not reach this instant",
}
"""Why an instant trades when it does, by the phase it fell into."""

AMBIGUOUS = (
    "; the stamp leaves open whether it came before or after a cut-off: kept apart from headline figures"
)


LISTED_WITHIN = 10
"""Sessions without a bar after which an instrument no longer counts as listed."""


class Clock(NamedTuple):
    """What can be had at one venue by n instants: instants in UTC ns, ``NAT`` beyond the calendar.

    ``open_at`` and ``close_at`` are positions of sessions in the venue's calendar.
    """

    phase: NDArray[np.str_]
    first_tradable: Instants
    first_open: Instants
    first_close: Instants
    open_at: Integers
    close_at: Integers


def clock(place: Venue, known: Instants) -> Clock:
    """Say for each instant what can be had at a venue.

    Parameters
    ----------
    place : Venue
        The venue.
    known : ndarray of int64, shape (n,)
        UTC ns at which the news can be acted on.

    Returns
    -------
    Clock
        Arrays of shape (n,).

    Examples
    --------
    >>> from aftershock.data.venues import venue
    >>> at = clock(venue("XTKS"), to_ns(["2025-06-11T12:00+09:00"]))
    >>> str(at.phase[0]), str(to_index(at.first_tradable)[0])
    ('lunch', '2025-06-11 03:30:00+00:00')
    """
    days = place.sessions
    open_at, close_at = open_position(days, known), close_position(days, known)
    return Clock(
        phase=np.asarray(place.phase(known)),
        first_tradable=first_tradable(days, known),
        first_open=instants_of(days.opens_at, open_at),
        first_close=instants_of(days.closes_at, close_at),
        open_at=open_at,
        close_at=close_at,
    )


def align_signals(
    signals: pd.DataFrame, tape: Tape | None = None, *, latency: int = 0, at_close: bool = False
) -> pd.DataFrame:
    """Join signals with the sessions of their venues, and with the bars inside them.

    Parameters
    ----------
    signals : DataFrame
        With ``venue`` (MIC), ``known_from`` and ``known_by`` (UTC instants), and ``symbol`` where there is a tape.
    tape : Tape, optional
        Its bars: those shorter than a session can be had inside it.
    latency : int
        Nanoseconds from knowing to acting.
    at_close : bool
        Whether entry is at the close: which cut-off makes a signal ambiguous.

    Returns
    -------
    DataFrame
        The signals with ``phase``, ``first_tradable``, ``first_open``, ``first_close`` (UTC), ``ambiguous``,
        ``reason``, ``first_bar`` (UTC: the first open, or close, that can be had: of a bar inside the session where
        the tape has one, else the auction's), and ``entry_position``: the session of the first auction that can be
        had, as a position in the venue's calendar.
    """
    earliest = to_ns(signals["known_from"]) + latency
    latest = to_ns(signals["known_by"]) + latency
    n = len(signals)
    tradable, opens, closes = (np.full(n, NAT) for _ in range(3))
    position, ambiguous = np.full(n, -1, np.int64), np.zeros(n, bool)
    phase, reason = np.full(n, "", "U11"), np.full(n, "", object)
    codes, mics = pd.factorize(signals["venue"])
    for code, mic in enumerate(mics):
        rows = np.flatnonzero(codes == code)
        place = venue(mic)
        found = clock(place, latest[rows])
        phase[rows], tradable[rows] = found.phase, found.first_tradable
        opens[rows], closes[rows] = found.first_open, found.first_close
        find = close_position if at_close else open_position
        position[rows] = found.close_at if at_close else found.open_at
        ambiguous[rows] = find(place.sessions, earliest[rows]) != position[rows]
        reason[rows] = _why(found)
    auction = closes if at_close else opens
    bar, between = _own_bars(tape, signals, (earliest, latest), at_close=at_close)
    inside = (bar != NAT) & (bar < auction)
    ambiguous |= between
    reason[inside & np.isin(phase, ("pre-open", "session"))] = NEXT_BAR
    reason[ambiguous] += AMBIGUOUS
    return signals.assign(
        phase=phase,
        first_tradable=to_index(tradable),
        first_open=to_index(opens),
        first_close=to_index(closes),
        first_bar=to_index(np.where(inside, bar, auction)),
        ambiguous=ambiguous,
        reason=pd.Series(reason, index=signals.index, dtype="str"),
        entry_position=position,
    )


def _own_bars(
    tape: Tape | None, signals: pd.DataFrame, known: tuple[Instants, Instants], *, at_close: bool
) -> tuple[Instants, NDArray[np.bool_]]:
    """Find when each signal's first own bar can be had, and whether a cut-off of its bars lies in its interval.

    Returns
    -------
    first : ndarray of int64, shape (n,)
        UTC ns of its open (close); ``NAT`` where there is none.
    between : ndarray of bool, shape (n,)
        Whether what was known at the first instant of the interval would have had an earlier bar.
    """
    first, between = np.full(len(signals), NAT), np.zeros(len(signals), np.bool_)
    if tape is None:
        return first, between
    cutoffs, instants = (tape.close_cutoff, tape.closes_at) if at_close else (tape.open_cutoff, tape.opens_at)
    for symbol, found in signals.groupby("symbol").indices.items():
        if symbol not in tape.symbols:
            continue
        places, rows = tape.segments(str(symbol)), np.asarray(found)
        start, end = tape.offsets[places[0]], tape.offsets[places[-1] + 1]
        early, late = (np.searchsorted(cutoffs[start:end], ends[rows], side="left") for ends in known)
        first[rows] = np.append(instants[start:end], NAT)[late]
        between[rows] = early != late
    return first, between


def entry_bars(
    tape: Tape, instrument: Integers, known: Instants, position: Integers, *, at_close: bool, delay: int
) -> tuple[Integers, Integers]:
    """Find the bar at which each signal is due.

    Parameters
    ----------
    tape : Tape
        The bars.
    instrument : ndarray of int64, shape (n,)
        Position of each signal's instrument on the tape.
    known : ndarray of int64, shape (n,)
        UTC ns at which the signal can be acted on.
    position : ndarray of int64, shape (n,)
        The first session whose auction can be had, as a position in the venue's calendar.
    at_close : bool
        Whether entry is at the close.
    delay : int
        Bars of the instrument to wait on purpose.

    Returns
    -------
    due, waited : ndarrays of int64, shape (n,)
        The row of the bar on the tape (-1 where the data end first, or the calendar does not reach the instant), and
        the sessions that passed without a bar before the first one: none where it lies before that first session.
    """
    cutoffs = tape.close_cutoff if at_close else tape.open_cutoff
    due, waited = np.full(len(known), -1, np.int64), np.zeros(len(known), np.int64)
    for k, rows in _by_instrument(tape, instrument):
        first, end = tape.offsets[k], tape.offsets[k + 1]
        base = first + np.searchsorted(cutoffs[first:end], known[rows], side="left")
        inside = base + delay < end
        rows, base = rows[inside], base[inside]
        # An instant that the calendar does not reach has no session, though bars may come after it.
        reached = position[rows] < len(sessions(tape.venues[k]).session)
        rows, base = rows[reached], base[reached]
        due[rows] = base + delay
        waited[rows] = np.maximum(tape.ordinal[base] - position[rows], 0)
    return due, waited


def is_listed(tape: Tape, instrument: Integers, known: Instants, position: Integers) -> NDArray[np.bool_]:
    """Tell whether an instrument traded lately, as far as could be known.

    Parameters
    ----------
    tape : Tape
        The bars.
    instrument, known, position : ndarrays of int64, shape (n,)
        As in `entry_bars`.

    Returns
    -------
    ndarray of bool, shape (n,)
        Whether its last bar that was over by ``known`` lies at most ``LISTED_WITHIN`` sessions before ``position``.
    """
    listed = np.zeros(len(known), bool)
    for k, rows in _by_instrument(tape, instrument):
        first, end = tape.offsets[k], tape.offsets[k + 1]
        last = first + np.searchsorted(tape.closes_at[first:end], known[rows], side="right") - 1
        seen = last >= first
        age = position[rows] - tape.ordinal[np.maximum(last, first)]
        listed[rows] = seen & (age <= LISTED_WITHIN)
    return listed


def _by_instrument(tape: Tape, instrument: Integers) -> Iterator[tuple[int, Integers]]:
    """Give each instrument that occurs with the rows on which it does."""
    order = np.argsort(instrument, kind="stable")
    edges = np.searchsorted(instrument[order], np.arange(len(tape.symbols) + 1))
    for k in np.flatnonzero(np.diff(edges)):
        yield int(k), order[edges[k] : edges[k + 1]]


def _why(found: Clock) -> NDArray[np.object_]:
    today = found.first_open == found.first_tradable
    sentences = pd.Series(found.phase).map(WHY).to_numpy(object)
    sentences[(found.phase == "pre-open") & ~today] = TOO_LATE
    sentences[(found.phase == "session") & today] = AT_THE_OPEN
    return sentences


def shares_of_budget(date: Integers, known: Instants, need: Floats, budget: float) -> tuple[Floats, Floats]:
    """Share a budget per event date among the signals of that date, without knowing the later ones.

    Parameters
    ----------
    date : ndarray of int64, shape (n,)
        A code of each signal's event date.
    known : ndarray of int64, shape (n,)
        When each can be acted on.
    need : ndarray of float64, shape (n,)
        The share of capital each would take.
    budget : float
        The share of capital all signals of one date may take.

    Returns
    -------
    factor : ndarray of float64, shape (n,)
        From 0 to 1. Signals known at one instant share what earlier ones of the date have left, pro rata.
    left : ndarray of float64, shape (n,)
        The share of capital that is left once all signals known by then have had theirs. Here as there what rounding
        leaves is nothing.

    Examples
    --------
    >>> factor, left = shares_of_budget(np.array([0, 0, 0]), np.array([1, 1, 2]), np.array([0.25, 0.25, 0.5]), 0.75)
    >>> factor
    array([1. , 1. , 0.5])
    >>> left
    array([0.25, 0.25, 0.  ])
    """
    before, together = _needs_by_instant(date, known, need)
    mine = _left(budget, before)
    factor = np.divide(mine, together, out=np.ones(len(mine)), where=together > 0.0)
    return np.minimum(factor, 1.0), _left(budget, before + together)


def _left(budget: float, taken: Floats) -> Floats:
    """Give what is left of a budget; what rounding leaves is nothing."""
    left = budget - taken
    return np.where(left > 1e-9 * budget, left, 0.0)


def _needs_by_instant(date: Integers, known: Instants, need: Floats) -> tuple[Floats, Floats]:
    """Give for each signal what those of its date needed before its instant, and what those of its instant need.

    What an instant needs is exact but for its last rounding: sums of groupby depend on how rows of other groups lie.
    """
    order = np.lexsort((known, date))
    new_date = _changes(date[order])
    new = new_date | _changes(known[order])
    instant, needs = np.empty(len(order), np.int64), need[order].tolist()
    instant[order] = np.cumsum(new) - 1
    edges = pairwise([*np.flatnonzero(new).tolist(), len(order)])
    together = [math.fsum(needs[first:end]) for first, end in edges]
    before, so_far = [], 0.0
    for starts, sum_ in zip(new_date[new].tolist(), together, strict=True):
        so_far = 0.0 if starts else so_far
        before.append(so_far)
        so_far += sum_
    return np.array(before, np.float64)[instant], np.array(together, np.float64)[instant]


def _changes(values: Integers) -> NDArray[np.bool_]:
    """Say which values differ from the one before; the first does."""
    return np.append(True, values[1:] != values[:-1])[: len(values)]
