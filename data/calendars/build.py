"""Sessions made from exchange_calendars, regular hours it lacks, dated facts, and cut-offs.

The library is right about most days and wrong about known ones, and under pandas 3 it loses special weekend
sessions. So its days come first, then the dated regular hours (on days it does not mark as special), then the
overlay, which is always right. Everything is done in the venue's local minutes of the day and turned into
instants once, at the end.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.calendars import shipped

TIMES = ["open", "break_start", "break_end", "close"]
MINUTE = 60_000_000_000


def build(mic: str, last: str) -> NDArray[np.int64]:
    """Compile the sessions of a venue.

    Parameters
    ----------
    mic : str
        The venue.
    last : str
        The last local date wanted (ISO); the library may know less.

    Returns
    -------
    ndarray of int64, shape (7, n)
        The arrays of ``Sessions`` in its order.
    """
    place = shipped.places()[mic]
    days = _library_days(place["calendar_of"], place["zone"], place["calendar_from"])
    horizon = min(days.index[-1], pd.Timestamp(last))
    days = _with_hours(days, _rules(shipped.HOURS, place))
    days = _with_facts(days, _rules(shipped.OVERLAY, place))
    days = days.loc[place["calendar_from"] : horizon]
    return _instants(days[TIMES], _cutoffs(_dates(days), mic, place["calendar_of"]), place["zone"])


def _library_days(home: str, zone: str, first: str) -> pd.DataFrame:
    """Local minutes of the day by date, and whether the library marks open or close as special."""
    import exchange_calendars

    with warnings.catch_warnings():
        # The library is behind pandas' deprecations, some of which name pandas itself as their place.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        calendar = exchange_calendars.get_calendar(home, start=first)
        schedule = calendar.schedule
    days = pd.DataFrame(
        {name: _local_minutes(schedule[name], zone) for name in TIMES},
        index=schedule.index.to_numpy("M8[ns]"),
    )
    for name, steps in (("open", calendar.open_times), ("close", calendar.close_times)):
        days[f"special_{name}"] = days[name] != _regular(_dates(days), steps)
    return days


def _dates(days: pd.DataFrame) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(days.index)


def _local_minutes(instants: pd.Series[Any], zone: str) -> NDArray[np.float64]:
    local = instants.dt.tz_convert(zone)
    hours, minutes = local.dt.hour.to_numpy(), local.dt.minute.to_numpy()
    return np.asarray(hours * 60.0 + minutes, np.float64)


def _regular(index: pd.DatetimeIndex, steps: Any) -> NDArray[np.float64]:
    """Regular minutes of the day in force on each date, from the library's ``(since, time)`` pairs."""
    since = np.array([since if since is not None else pd.Timestamp.min for since, _ in steps], "M8[ns]")
    minutes = np.array([time.hour * 60.0 + time.minute for _, time in steps])
    return minutes[np.searchsorted(since, index.to_numpy("M8[ns]"), side="right") - 1]


def _rules(path: Any, place: shipped.Row) -> pd.DataFrame:
    """Rows of a table for a venue: those of the venue whose days it keeps, then its own."""
    mine = [row for row in shipped.rows(path) if row["venue"] in {place["calendar_of"], place["mic"]}]
    mine.sort(key=lambda row: row["venue"] != place["calendar_of"])
    rules = pd.DataFrame(mine, columns=list(shipped.rows(path)[0]))
    for name in TIMES:
        hours, minutes = rules[name].str[:2], rules[name].str[3:]
        rules[name] = pd.to_numeric(hours, "coerce") * 60.0 + pd.to_numeric(minutes, "coerce")
    return rules


def _with_hours(days: pd.DataFrame, rules: pd.DataFrame) -> pd.DataFrame:
    """Put regular hours on each date, keeping opens and closes that the library marks as special."""
    dates = _dates(days)
    for rule in rules.to_dict("records"):
        at = _between(dates, rule["valid_from"], rule["valid_to"])
        if rule["weekdays"]:
            at &= np.isin(dates.day_of_week, [int(day) - 1 for day in rule["weekdays"]])
        days.loc[at & ~days["special_open"], "open"] = rule["open"]
        days.loc[at & ~days["special_close"], "close"] = rule["close"]
        days.loc[at, ["break_start", "break_end"]] = [rule["break_start"], rule["break_end"]]
    whole = (days["open"] < days["break_start"]) & (days["break_end"] < days["close"])
    days.loc[~whole, ["break_start", "break_end"]] = np.nan
    return days


def _with_facts(days: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    """Replace, add and remove days as the overlay says."""
    facts = facts.assign(session=pd.to_datetime(facts["session"])).set_index("session")
    facts = facts[~facts.index.duplicated(keep="last")]
    kept = days.loc[~days.index.isin(facts.index), TIMES]
    added = facts.loc[facts["open"].notna(), TIMES]
    return pd.concat([kept, added] if len(added) else [kept]).sort_index()


def _between(index: pd.DatetimeIndex, first: str, last: str) -> NDArray[np.bool_]:
    after = index >= (pd.Timestamp(first) if first else pd.Timestamp.min)
    before = index <= (pd.Timestamp(last) if last else pd.Timestamp.max)
    return np.asarray(after & before)


def _cutoffs(index: pd.DatetimeIndex, mic: str, home: str) -> NDArray[np.int64]:
    """Nanoseconds from open and close to the cut-offs, shape (2, n): a venue's own, else its home's."""
    table = shipped.rows(shipped.CUTOFFS)
    own = [row for row in table if row["venue"] == mic]
    offsets = np.zeros((2, len(index)), np.int64)
    for row in own or [row for row in table if row["venue"] == home]:
        at = _between(index, row["valid_from"], row["valid_to"])
        offsets[:, at] = [[int(row["open_minutes"])], [int(row["close_minutes"])]]
    return offsets * MINUTE


def _instants(days: pd.DataFrame, cutoffs: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    dates = _dates(days)
    opens, starts, ends, closes = (_utc(dates, days[name], zone) for name in TIMES)
    local = dates.to_numpy("M8[D]").astype(np.int64)
    return np.vstack([local, opens, closes, starts, ends, opens + cutoffs[0], closes + cutoffs[1]])


def _utc(index: pd.DatetimeIndex, minutes: pd.Series[Any], zone: str) -> NDArray[np.int64]:
    wall = index + pd.to_timedelta(minutes.to_numpy(), unit="min")
    return wall.tz_localize(zone).tz_convert("UTC").tz_localize(None).to_numpy("M8[ns]").view(np.int64)
