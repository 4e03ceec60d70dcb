"""Sessions made from exchange_calendars, regular hours it lacks, dated facts, and cut-offs.

The library is right about most days and wrong about known ones, and under pandas 3 it loses special weekend
sessions. So its days come first, then the dated regular hours (on days it does not mark as special), then the
overlay, which is always right. Everything is done in the venue's local minutes of the day and turned into
instants once, at the end.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
    days = _library_days(_library(place), place["zone"])
    horizon = min(days.index[-1], pd.Timestamp(last))
    days = _with_hours(days, _rules(shipped.HOURS, place))
    days = _with_facts(days, _rules(shipped.OVERLAY, place))
    days = days.loc[place["calendar_from"] : horizon]
    return _instants(days[TIMES], _cutoffs(_dates(days), mic, place["calendar_of"]), place["zone"])


def regular_hours(mic: str, dates: pd.DatetimeIndex) -> pd.DataFrame:
    """Give the hours that a regular session of a venue would have on each date.

    Parameters
    ----------
    mic : str
        The venue.
    dates : DatetimeIndex
        Local dates.

    Returns
    -------
    DataFrame
        By date: ``open``, ``break_start``, ``break_end``, ``close`` in local minutes of the day (NaN for none);
        ``source`` and ``confidence`` of the dated row they come from, "" where they are the library's own.
    """
    place = shipped.places()[mic]
    calendar, rules = _library(place), _rules(shipped.HOURS, place)
    days = pd.DataFrame(index=dates)
    for name in TIMES:
        steps = getattr(calendar, f"{name}_times")
        days[name] = np.nan if steps is None else _regular(dates, steps)
    days = _with_hours(days.assign(special_open=False, special_close=False), rules)
    days[["source", "confidence"]] = ""
    for rule in rules.to_dict("records"):
        days.loc[_in_force(dates, rule), ["source", "confidence"]] = [rule["source"], rule["confidence"]]
    return days[[*TIMES, "source", "confidence"]]


def holiday_names(mic: str, dates: pd.DatetimeIndex) -> dict[pd.Timestamp, str]:
    """Give the names that the library has for closed days of a venue around some dates; it has none for many."""
    calendar = _library(shipped.places()[mic])
    if calendar.regular_holidays is None or not len(dates):
        return {}
    # Holidays that hang on others are only found where those lie inside.
    first, last = pd.Timestamp(dates[0].year - 1, 1, 1), pd.Timestamp(dates[-1].year + 1, 12, 31)
    with _quiet():
        named = calendar.regular_holidays.holidays(first, last, return_name=True)
    return {pd.Timestamp(day): str(name) for day, name in named.items()}


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        # The library is behind pandas' deprecations, some of which name pandas itself as their place.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        yield


def _library(place: shipped.Row) -> Any:
    """Give the library's calendar of the venue whose days a venue keeps."""
    import exchange_calendars

    with _quiet():
        return exchange_calendars.get_calendar(place["calendar_of"], start=place["calendar_from"])


def _library_days(calendar: Any, zone: str) -> pd.DataFrame:
    """Local minutes of the day by date, and whether the library marks open or close as special."""
    with _quiet():
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
    since = np.array(["1700-01-01" if since is None else since.date() for since, _ in steps], "M8[ns]")
    minutes = np.array([np.nan if time is None else time.hour * 60.0 + time.minute for _, time in steps])
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
        at = _in_force(dates, rule)
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


def _in_force(dates: pd.DatetimeIndex, rule: Mapping[Any, Any]) -> NDArray[np.bool_]:
    at = _between(dates, rule["valid_from"], rule["valid_to"])
    if rule["weekdays"]:
        at &= np.isin(dates.day_of_week, [int(day) - 1 for day in rule["weekdays"]])
    return at


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
