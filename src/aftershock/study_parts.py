"""The tables of a study, made of what was measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from aftershock.engine.studies.abnormal import Days, cumulated
from aftershock.engine.studies.averages import Average
from aftershock.engine.studies.confounds import treated
from aftershock.engine.studies.models import Measured
from aftershock.engine.studies.samples import LEAST_KNOWN
from aftershock.engine.types import Floats, Integers
from aftershock.experiment import StudySection


def clusters_of(date: Integers, session: Integers) -> Integers:
    """Give for each row the earliest session of bar 0 among the rows of its date.

    News of a weekend meets one opening: dates whose first bar is the same session share one shock, and are one cluster.

    Examples
    --------
    >>> clusters_of(np.array([1, 1, 2, 5]), np.array([3, 4, 3, 6])).tolist()
    [3, 3, 3, 6]
    """
    return pd.Series(session).groupby(date).transform("min").to_numpy(np.int64)


def coefficient_names(model: str, count: int) -> list[str]:
    """Name the coefficients of a model, the constant first."""
    names = ["alpha", "beta", "beta_us"] if model == "market_us" else ["alpha", "beta"]
    if model == "factors":
        names = ["alpha", *(f"beta_{place}" for place in range(1, count))]
    return names[:count]


def ar_table(
    section: StudySection, days: Days, part: str, rows: pd.DataFrame, row0: Integers, found: Measured
) -> pd.DataFrame:
    """Give abnormal returns by row and session, with what they add up to and what holding would have earned."""
    first, last = section.window
    offset = np.arange(first, last + 1)
    width, log = len(offset), section.returns == "log"
    values = found.abnormal.window
    car = np.where(np.isnan(values), np.nan, np.nancumsum(values, axis=1))
    bhar = _held(found, rows, log)
    at = row0[:, None] + offset
    there = np.isfinite(values)
    session = np.where(there, days.session[np.where(there, at, 0)], 0).astype("M8[D]").astype("M8[ns]")
    session[~there] = np.datetime64("NaT")
    return pd.DataFrame(
        {
            "event_id": np.repeat(rows["event_id"].to_numpy(object), width),
            "symbol": np.repeat(rows["symbol"].to_numpy(object), width),
            "part": part,
            "offset": np.tile(offset, len(rows)),
            "session": session.ravel(),
            "return": found.returns.ravel(),
            "expected": found.expected.ravel(),
            "ar": values.ravel(),
            "car": car.ravel(),
            "bhar": np.where(there, bhar, np.nan).ravel(),
        }
    ).astype({"event_id": "str", "symbol": "str"})


def _held(found: Measured, rows: pd.DataFrame, log: bool, inside: slice = slice(None)) -> Floats:
    """Give what holding the instrument, or being short of it, earned beyond what was expected, session by session."""
    side = rows["side"].to_numpy(np.float64)[:, None]
    own, expected = (cumulated(values[:, inside] * side, log) for values in (found.returns, found.expected))
    return np.asarray((own - expected) * side)


def car_table(section: StudySection, part: str, rows: pd.DataFrame, found: Measured) -> pd.DataFrame:
    """Give cumulative abnormal returns over the windows that are tested, with their standard errors."""
    one, log = found.abnormal, section.returns == "log"
    tables = []
    for first, last in section.sums:
        inside = slice(first - one.first, last - one.first + 1)
        values = one.window[:, inside]
        known = np.isfinite(values)
        some = known.any(axis=1)
        spread = np.nansum(one.covariance[:, inside, inside], axis=(1, 2))
        held = _held(found, rows, log, inside)[:, -1]
        tables.append(
            pd.DataFrame(
                {
                    "event_id": rows["event_id"],
                    "symbol": rows["symbol"],
                    "part": part,
                    "first": first,
                    "last": last,
                    "sessions": known.sum(axis=1),
                    "car": np.where(some, np.nansum(values, axis=1), np.nan),
                    "standard_error": np.where(some, one.scale * np.sqrt(spread), np.nan),
                    "bhar": np.where(some, held, np.nan),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def treatments_of(
    section: StudySection, part: str, car: pd.DataFrame, date: Integers, count: Integers, others: Floats
) -> pd.DataFrame:
    """Set the effect with confounded events kept, excluded, down-weighted and regressed out side by side.

    Windows that lack more than half of their returns are left out, as the tests leave them out.
    """
    found = []
    for first, last in section.sums:
        own = car[(car["first"] == first) & (car["last"] == last)]
        whole = own["car"].where(own["sessions"] >= LEAST_KNOWN * (last - first + 1)).to_numpy(np.float64)
        for name, one in treated(whole, date, count, others, section.coverage).items():
            found.append({"part": part, "first": first, "last": last, "treatment": name} | _as_record(one))
    return as_text(pd.DataFrame(found))


def _as_record(one: Average) -> dict[str, Any]:
    return {
        "rows": int(one.rows[0]),
        "event_dates": int(one.dates[0]),
        "effect": float(one.mean[0]),
        "standard_error": float(one.standard_error[0]),
        "low": float(one.low[0]),
        "high": float(one.high[0]),
    }


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Give texts the type in which they come back from a folder."""
    return table.astype({name: "str" for name in table.columns if table[name].dtype == object})
