"""Board lots of single stocks, where each company sets its own (Hong Kong)."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

from aftershock.data.calendars import shipped

BOARD_LOTS = Path(__file__).parent / "board_lots.csv"
"""Shares of a board lot by symbol and first date. That date is one for which a page shows it, not always its first."""


def board_lot(symbol: str, day: date) -> int:
    """Give the board lot of a stock on a date.

    Parameters
    ----------
    symbol : str
        Yahoo's symbol.
    day : date
        The local date.

    Returns
    -------
    int
        Shares; 0 where no page is known that shows it for that date.

    Examples
    --------
    BYD cut its lot on 2025-09-19.

    >>> [board_lot("1211.HK", date(2025, 9, day)) for day in (18, 19)]
    [500, 100]
    >>> board_lot("1211.HK", date(2015, 1, 5))
    0
    """
    held = [shares for since, shares in board_lots(symbol) if since <= day]
    return held[-1] if held else 0


def board_lots(symbol: str) -> list[tuple[date, int]]:
    """Give the board lots of a stock with the first date of each, in time order; none where none is known."""
    return _lots().get(symbol, [])


@cache
def _lots() -> dict[str, list[tuple[date, int]]]:
    """Read the table, the lots of a symbol in time order."""
    lots: dict[str, list[tuple[date, int]]] = {}
    for row in sorted(shipped.rows(BOARD_LOTS), key=lambda row: row["valid_from"]):
        since = date.fromisoformat(row["valid_from"])
        lots.setdefault(row["symbol"], []).append((since, int(row["shares"])))
    return lots
