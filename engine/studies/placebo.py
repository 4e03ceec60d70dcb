"""The same events on dates on which they did not happen: p-values of a test that holds its size are uniform there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from aftershock.engine.studies.findings import DEFAULT
from aftershock.engine.studies.inference import findings_of
from aftershock.engine.studies.models import measure
from aftershock.engine.studies.samples import Prepared
from aftershock.engine.studies.types import Abnormal, Floats, Ints
from aftershock.engine.studies.windows import Series, Span

LATE = 5
"""A row whose instrument opens later than so many days after its new date is left out, as it would have lapsed."""


class Rows(NamedTuple):
    """n events on instruments.

    Attributes
    ----------
    instrument : (n,) int64
        Segment of the series.
    date, session : (n,) int64
        Event date, and local date of bar 0, in days since 1970.
    side : (n,) float64
        1 or -1.
    """

    instrument: Ints
    date: Ints
    session: Ints
    side: Floats


def moved(
    rows: Rows, series: Series, session: Ints, pool: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """Move each event date with all its rows to a date of its own.

    Parameters
    ----------
    rows : Rows
        The events.
    series : Series
        Returns of instruments.
    session : (rows of the series,) int64
        Local date of each.
    pool : (days,) int64
        Days to draw from, without replacement: at least as many as event dates.
    rng : Generator
        What draws.

    Returns
    -------
    due, date, at : (n,) int64
        Row of the series that is bar 0 (-1: none within `LATE` days), the new event date, and the session of bar 0.
        Which rows share a date, and how many days later each opens, stay as they are.
    """
    dates, code = np.unique(rows.date, return_inverse=True)
    date = rng.permutation(pool)[: len(dates)][code]
    wanted = date + rows.session - rows.date
    due, at = np.full(len(wanted), -1, np.int64), np.full(len(wanted), -1, np.int64)
    for place in np.unique(rows.instrument):
        first, end = series.offsets[place], series.offsets[place + 1]
        mine = np.flatnonzero(rows.instrument == place)
        found = first + np.searchsorted(session[first:end], wanted[mine])
        there = found < end
        mine, found = mine[there], found[there]
        soon = session[found] - wanted[mine] <= LATE
        due[mine[soon]], at[mine[soon]] = found[soon], session[found[soon]]
    return due, date, at


def placebo_study(
    rows: Rows,
    series: Series,
    session: Ints,
    pool: Ints,
    rng: np.random.Generator,
    span: Span,
    model: str = "market",
) -> tuple[Abnormal, Ints]:
    """Measure events that were moved; gives the abnormal returns and which of the n rows they are."""
    due, date, at = moved(rows, series, session, pool, rng)
    there = np.flatnonzero(due >= 0)
    found = measure(
        series,
        rows.instrument[there],
        due[there],
        date[there],
        span,
        model,
        side=rows.side[there],
        session=at[there],
    )
    return found.abnormal, there[found.kept]


def placebo_p_values(
    rows: Rows,
    series: Series,
    session: Ints,
    pool: Ints,
    rng: np.random.Generator,
    span: Span,
    *,
    windows: Sequence[tuple[int, int]] = ((0, 0),),
    draws: int = 1_000,
    test: str = DEFAULT,
    model: str = "market",
) -> Floats:
    """Draw p-values of a test at events moved to random dates.

    Parameters
    ----------
    rows, series, session, pool, rng
        As in `moved`.
    span : Span
        Event and estimation window.
    windows : sequence of (int, int)
        What is tested.
    draws : int
        How often the events are moved.
    test : str
        A test that draws nothing itself.
    model : str
        Of expected returns.

    Returns
    -------
    (draws, windows) float64
        NaN where the test said nothing.
    """
    found = np.full((draws, len(windows)), np.nan)
    for draw in range(draws):
        study = Prepared(placebo_study(rows, series, session, pool, rng, span, model)[0])
        for column, (first, last) in enumerate(windows):
            found[draw, column] = findings_of(study, study.sample(first, last), {test})[test].p
    return found
