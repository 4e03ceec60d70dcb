"""Which stocks could be sold short while a venue allowed it for those on a list only (Seoul, 2021 to 2023)."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

from aftershock.data.calendars import shipped

SHORT_LISTS = Path(__file__).parent / "short_lists.csv"
"""Stretches of time in which a stock is known to have been on its venue's list, or known not to have been."""


class Stretch(NamedTuple):
    """From the first local date to the last a stock was on its list, or known not to be."""

    first: date
    last: date
    listed: bool


def on_short_list(mic: str, symbol: str, day: date) -> bool | None:
    """Say whether a stock was on the list of those that could be sold short.

    It says nothing of bans and price rules: those are in the venue's rule book.

    Parameters
    ----------
    mic : str
        The venue.
    symbol : str
        Yahoo's symbol.
    day : date
        The local date.

    Returns
    -------
    bool or None
        True on it, False known not to be, None where no list is known that would say so.

    Examples
    --------
    HPSP joined the KOSDAQ 150 on 2022-12-09.

    >>> [on_short_list("XKOS", "403870.KQ", date(2022, 12, day)) for day in (8, 9)]
    [False, True]
    >>> on_short_list("XHKG", "0700.HK", date(2022, 12, 9)) is None
    True
    """
    stretches = listings(mic, symbol)
    return next((one.listed for one in stretches if one.first <= day <= one.last), None)


def listings(mic: str, symbol: str) -> list[Stretch]:
    """Give the stretches of time for which it is known whether a stock was on its venue's list."""
    return _stretches().get((mic, symbol), [])


@cache
def _stretches() -> dict[tuple[str, str], list[Stretch]]:
    """Read the table by venue and symbol."""
    found: dict[tuple[str, str], list[Stretch]] = {}
    for row in shipped.rows(SHORT_LISTS):
        first, last = date.fromisoformat(row["valid_from"]), date.fromisoformat(row["valid_to"])
        stretch = Stretch(first, last, row["listed"] == "yes")
        found.setdefault((row["venue"], row["symbol"]), []).append(stretch)
    return found
