"""Confounded events: what else fell into the window of each, and what is left of the effect without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.instants import Instants
from aftershock.data.prices.tape import Tape
from aftershock.engine.studies.averages import Average, average, regressed
from aftershock.engine.studies.types import Floats, Ints
from aftershock.engine.studies.windows import Flags

LEVELS = ("name", "theme", "market")
"""What another event shares with the instrument, the closest first."""
TREATMENTS: dict[str, str] = {
    "kept": "all, whatever else happened",
    "excluded": "only those into whose window nothing else fell",
    "down-weighted": "each by 1 over 1 plus the number of other events in its window",
    "regressed out": "all, less what other events explain, by tag",
}
"""What can be done with confounded events."""


class Reach(NamedTuple):
    """Which events reach an instrument by itself, through a theme and through its market: positions, rising."""

    name: Ints
    theme: Ints
    market: Ints


def reaches(pairs: pd.DataFrame, groups: Mapping[str, tuple[str, tuple[str, ...]]]) -> dict[str, Reach]:
    """Say for each symbol which events reach it, and how closely.

    Parameters
    ----------
    pairs : DataFrame
        ``event`` (a position), ``symbol``: whom each event reaches.
    groups : mapping of str to (market, themes)
        By symbol, of all instruments.

    Returns
    -------
    dict of str to Reach
        What reaches an instrument by itself is not among what reaches its theme; what reaches its theme is not
        among what reaches its market alone.
    """
    by_name: dict[str, set[int]] = {}
    by_theme: dict[str, set[int]] = {}
    by_market: dict[str, set[int]] = {}
    for event, symbol in zip(pairs["event"].tolist(), pairs["symbol"].tolist(), strict=True):
        market, shared = groups.get(symbol, ("", ()))
        by_name.setdefault(symbol, set()).add(event)
        by_market.setdefault(market, set()).add(event)
        for each in shared:
            by_theme.setdefault(each, set()).add(event)
    found = {}
    for symbol, (market, shared) in groups.items():
        name = by_name.get(symbol, set())
        theme = set().union(*(by_theme.get(each, set()) for each in shared)) - name
        wide = by_market.get(market, set()) - name - theme
        found[symbol] = Reach(*(np.array(sorted(each), np.int64) for each in (name, theme, wide)))
    return found


def confounders(
    tape: Tape,
    row_of: Ints,
    instrument: Ints,
    due: Ints,
    event: Ints,
    story: np.ndarray,
    known: Instants,
    reach: Mapping[str, Reach],
    window: tuple[int, int],
    *,
    at_close: bool = False,
) -> pd.DataFrame:
    """Find the other events whose first bar lies in the window of each row.

    Parameters
    ----------
    tape : Tape
        The prices.
    row_of : ndarray of int64
        The session row in which each bar of the tape lies.
    instrument, due, event : ndarray of int64, shape (n,)
        Of each row its segment, its session row of event time 0 and the position of its event.
    story : ndarray of str, shape (events,)
        The story of each event; events of the row's own story are not other events.
    known : ndarray of int64, shape (events,)
        UTC ns at which each can be acted on.
    reach : mapping of str to Reach
        From `reaches`.
    window : tuple of int
        The event window.
    at_close : bool
        Which cut-off an event must meet.

    Returns
    -------
    DataFrame
        ``row, other`` (position of the event), ``level`` (the closest), ``offset`` (its bar, in event time).
    """
    cutoffs = tape.close_cutoff if at_close else tape.open_cutoff
    found: list[tuple[Ints, Ints, Ints, Ints]] = []
    for place in np.unique(instrument):
        first, end = int(tape.offsets[place]), int(tape.offsets[place + 1])
        near = reach.get(tape.symbols[place], Reach(*(np.zeros(0, np.int64),) * 3))
        others = np.concatenate(near)
        level = np.repeat(np.arange(len(LEVELS)), [len(each) for each in near])
        at = first + np.searchsorted(cutoffs[first:end], known[others], side="left")
        inside = at < end
        others, level, at = others[inside], level[inside], row_of[at[inside]]
        order = np.argsort(at, kind="stable")
        others, level, at = others[order], level[order], at[order]
        rows = np.flatnonzero(instrument == place)
        low = np.searchsorted(at, due[rows] + window[0], side="left")
        high = np.searchsorted(at, due[rows] + window[1], side="right")
        count = high - low
        which = np.repeat(rows, count)
        taken = np.repeat(low - np.r_[0, np.cumsum(count)[:-1]], count) + np.arange(int(count.sum()))
        found.append((which, others[taken], level[taken], at[taken] - due[which]))
    columns = [
        np.concatenate(each) if found else np.zeros(0, np.int64) for each in zip(*found, strict=True)
    ] or [np.zeros(0, np.int64)] * 4
    row, other, level, offset = columns
    mine = event[row] if len(row) else row
    apart = (other != mine) & ((story[other] != story[mine]) | (story[other] == ""))
    return pd.DataFrame(
        {
            "row": row[apart],
            "other": other[apart],
            "level": np.array(LEVELS, object)[level[apart]],
            "offset": offset[apart],
        }
    )


def treated(
    car: Floats,
    date: Ints,
    count: Ints,
    others: Floats,
    coverage: float = 0.95,
) -> dict[str, Average]:
    """Give the mean effect under each treatment of confounded events.

    Parameters
    ----------
    car : ndarray of float64, shape (n,)
        Cumulative abnormal returns; NaN unknown.
    date : ndarray of int64, shape (n,)
        Codes of event dates.
    count : ndarray of int64, shape (n,)
        Other events in the window of each.
    others : ndarray of float64, shape (n, m)
        The same by tag, signed towards the row.
    coverage : float
        Of the bands.

    Returns
    -------
    dict of str to Average
        By the keys of ``TREATMENTS``.
    """
    clean: Flags = count == 0
    column = car[:, None]
    return {
        "kept": average(column, date, coverage=coverage),
        "excluded": average(column[clean], date[clean], coverage=coverage),
        "down-weighted": average(
            column, date, weight=np.asarray(1.0 / (1.0 + count), np.float64), coverage=coverage
        ),
        "regressed out": regressed(car, others, date, coverage),
    }
