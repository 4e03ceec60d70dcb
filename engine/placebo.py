"""Signals on dates on which nothing happened: what a sweep finds by luck."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aftershock.data.calendars import close_position, open_position
from aftershock.data.instants import DAY, to_index, to_ns
from aftershock.data.prices.tape import Tape
from aftershock.data.venues import venue
from aftershock.engine.types import Integers


def placebo_signals(
    signals: pd.DataFrame, tape: Tape, rng: np.random.Generator, *, latency: int = 0, at_close: bool = False
) -> pd.DataFrame:
    """Move signals to random dates of their year, all of one event date together.

    Parameters
    ----------
    signals : DataFrame
        As `align_signals` gives them.
    tape : Tape
        The bars: dates are drawn among those on which one of the signals' venues has a bar.
    rng : Generator
        What draws.
    latency : int
        Nanoseconds from knowing to acting.
    at_close : bool
        Whether entry is at the close.

    Returns
    -------
    DataFrame
        The signals with ``known_by`` on another date at the same time of day, and ``entry_position`` to match. Sides,
        weights, strengths, instruments, and which signals share a date stay as they are.

    Notes
    -----
    Each event date moves to a date of its own of the same calendar year: a permutation of the year's dates. So the
    clustering of signals by date, by year and by venue is that of the events, and only the link to news is gone.
    """
    known = to_ns(signals["known_by"])
    day = known // DAY
    moved = known + (_elsewhere(day, _open_days(signals, tape), rng) - day) * DAY
    position = np.full(len(signals), -1, np.int64)
    find = close_position if at_close else open_position
    for mic, rows in signals.groupby("venue").indices.items():
        position[rows] = find(venue(str(mic)).sessions, moved[rows] + latency)
    return signals.assign(known_by=to_index(moved), entry_position=position)


def _open_days(signals: pd.DataFrame, tape: Tape) -> Integers:
    """Give the dates on which a venue of the signals has bars, rising."""
    venues = set(signals["venue"])
    parts = [
        tape.session[tape.offsets[k] : tape.offsets[k + 1]]
        for k, mic in enumerate(tape.venues)
        if mic in venues
    ]
    return np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.int64)


def _elsewhere(day: Integers, open_days: Integers, rng: np.random.Generator) -> Integers:
    """Draw for each distinct date another of the same year, no two the same; those of years without bars stay."""
    found = day.copy()
    years = {
        name: values.astype("M8[D]").astype("M8[Y]") for name, values in (("day", day), ("open", open_days))
    }
    for year in np.unique(years["day"]):
        ours = np.flatnonzero(years["day"] == year)
        dates, code = np.unique(day[ours], return_inverse=True)
        pool = open_days[years["open"] == year]
        if len(pool):
            # More event dates than sessions (news at weekends) can share one only where there is no other way.
            drawn = rng.permutation(np.resize(pool, max(len(pool), len(dates))))[: len(dates)]
            found[ours] = drawn[code]
    return found
