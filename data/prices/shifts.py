"""Dates moved by a day, as when a local midnight was read in UTC: found by weekdays, or by moving with others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from aftershock.data.calendars import sessions
from aftershock.data.prices import faults
from aftershock.data.prices.faults import Rows
from aftershock.data.prices.tape import Floats, Ints

LEAST = 20
"""With fewer bars dates are not judged."""

FIT = 0.97
"""Moved by a day, at least this share of the dates must be sessions ..."""

GAIN = 0.1
"""... and so much more than as they are."""

RETURNS_LEAST = 60
"""With fewer returns they are not compared with others."""

AGREE = 0.5
"""A day apart, returns must correlate with others by this ..."""

AHEAD = 0.3
"""... and by so much more than on the same day."""

PEERS = 3
"""So many other instruments of the venue make a market to compare with."""

CLIP = 0.2
"""Returns beyond this (log) count as this, so that no single day decides."""

Shift = tuple[slice, int, str]
"""The rows of a symbol and source; 1 where its dates are a day early, -1 where late; the evidence."""


def shifted(bars: Rows, venues: Sequence[str]) -> Iterator[Shift]:
    """Find symbols and sources whose dates fit the venue's sessions much better when moved by a day.

    Parameters
    ----------
    bars : Rows
        By symbol, source and day.
    venues : sequence of str
        The MIC of each symbol.

    Yields
    ------
    (rows, days, why)
        ``days`` is 1 where the dates are a day early (Sundays for Mondays) and -1 where they are late.
    """
    fits = {days: _sessions_of(bars, venues, days) for days in (-1, 0, 1)}
    for rows in faults.series(bars):
        if rows.stop - rows.start < LEAST:
            continue
        share = {days: float(fit[rows].mean()) for days, fit in fits.items()}
        best = 1 if share[1] >= share[-1] else -1
        if share[best] >= FIT and share[best] >= share[0] + GAIN:
            yield (
                rows,
                best,
                f"{share[0]:.0%} of its dates are sessions, {share[best]:.0%} when moved by a day",
            )


def shifted_against(bars: Rows, ordinal: Ints, venues: Sequence[str]) -> Iterator[Shift]:
    """Find symbols and sources that move with others of the venue, or with another source, a session apart.

    Parameters
    ----------
    bars : Rows
        By symbol, source and day; sessions only.
    ordinal : ndarray of int64, shape (n_rows,)
        Position of each row in the venue's sessions.
    venues : sequence of str
        The MIC of each symbol.

    Yields
    ------
    (rows, days, why)
        As `shifted`.
    """
    returns = _returns(bars, ordinal)
    series = faults.series(bars)
    own = np.array([venues.index(mic) for mic in venues], np.int64)[bars.symbol]
    length = int(ordinal.max(initial=0)) + 3
    total, count = (np.zeros((len(venues), length)) for _ in range(2))
    known = ~np.isnan(returns)
    np.add.at(total, (own[known], ordinal[known] + 1), returns[known])
    np.add.at(count, (own[known], ordinal[known] + 1), 1)
    for i, rows in enumerate(series):
        mine, at = returns[rows], ordinal[rows]
        rivals = [one for one in series[max(0, i - 9) : i + 10] if one != rows]
        twins = [one for one in rivals if bars.symbol[one.start] == bars.symbol[rows.start]]
        for other in twins:
            theirs = np.full(length, np.nan)
            theirs[ordinal[other] + 1] = returns[other]
            if days := _apart(mine, [theirs[at + 1 + lag] for lag in (-1, 0, 1)]):
                yield rows, days, "its returns are another source's of a session apart"
                break
        else:
            place = own[rows.start]
            market = [_others(total[place], count[place], at, mine, lag) for lag in (-1, 0, 1)]
            if not twins and (days := _apart(mine, market)):
                yield rows, days, "its returns go with the venue's of a session apart"


def _sessions_of(bars: Rows, venues: Sequence[str], days: int) -> Floats:
    """Say which dates, moved by some days, are sessions; 1 beyond the calendar, which says nothing."""
    fit = np.ones(len(bars.day))
    for mic in dict.fromkeys(venues):
        here = np.array([own == mic for own in venues])[bars.symbol]
        known, day = sessions(mic).session, bars.day[here] + days
        inside = (day >= known[0]) & (day <= known[-1])
        fit[here] = np.isin(day, known) | ~inside
    return fit


def _returns(bars: Rows, ordinal: Ints) -> Floats:
    """Take log returns from one session to the next; NaN where a session lies between, or a price is missing."""
    before = faults.previous(bars, bars.close)
    step = faults.previous(bars, ordinal.astype(np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        moves = np.clip(np.log(bars.close / before), -CLIP, CLIP)
    return np.where((ordinal - step == 1) & ~bars.halted, moves, np.nan)


def _others(total: Floats, count: Floats, at: Ints, mine: Floats, lag: int) -> Floats:
    """Give the mean return of a venue's other instruments a lag away."""
    place = at + 1 + lag
    summed, counted = total[place], count[place]
    if lag == 0:
        known = ~np.isnan(mine)
        summed, counted = summed - np.where(known, mine, 0.0), counted - known
    return np.where(counted >= PEERS, summed / np.maximum(counted, 1), np.nan)


def _apart(mine: Floats, others: Sequence[Floats]) -> int:
    """Say by how many sessions returns must be moved to go with others: -1, 0 or 1.

    A series whose dates are early shows today what the others show tomorrow.
    """
    before, same, after = (_correlation(mine, other) for other in others)
    best, days = (after, 1) if after >= before else (before, -1)
    return days if best >= AGREE and best >= abs(same) + AHEAD else 0


def _correlation(one: Floats, other: Floats) -> float:
    known = ~(np.isnan(one) | np.isnan(other))
    if known.sum() < RETURNS_LEAST:
        return 0.0
    x, y = one[known] - one[known].mean(), other[known] - other[known].mean()
    scale = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / scale if scale > 0 else 0.0
