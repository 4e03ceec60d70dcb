"""When a venue trades, asked by any name that people give it."""

from __future__ import annotations

import pandas as pd

from aftershock.data.calendars import sessions_table
from aftershock.data.calendars.listing import Day
from aftershock.data.venues import find_venue


def sessions(venue: str, start: Day = None, end: Day = None) -> pd.DataFrame:
    """List the sessions and the closed days of a venue, with what is known of each day and its source.

    Parameters
    ----------
    venue : str
        A MIC, a name, an abbreviation or a place: ``XHKG``, ``HKEX``, ``Tokyo``.
    start, end : str or date, optional
        First and last local date, both included; today and a month on by default.

    Returns
    -------
    DataFrame
        As of `sessions_table`: one row for each session and each closed weekday.

    Raises
    ------
    InputError
        An unknown venue, what is no date, a start after the end, or dates that the calendar does not reach.

    Examples
    --------
    >>> sessions("Taiwan Stock Exchange", "2024-10-31", "2024-10-31")["fact"].item()
    'closed: typhoon Kong-rey'
    """
    return sessions_table(find_venue(venue).mic, start, end)
