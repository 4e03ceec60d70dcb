"""The dated tables that come with the package: venues, hours, the overlay of facts, cut-offs."""

from __future__ import annotations

import csv
import hashlib
from functools import lru_cache
from pathlib import Path

HERE = Path(__file__).parent
VENUES = HERE.parent / "venues" / "venues.csv"
"""One row per venue: name, market, zone, currency, whose days it keeps, where its calendar begins."""
HOURS = HERE / "hours.csv"
"""Regular hours that the library lacks or has wrong, by venue, dates and days of the week (1 is Monday)."""
OVERLAY = HERE / "overlay.csv"
"""Dated facts about single days; no times at all means closed."""
DISAGREEMENTS = HERE / "disagreements.csv"
"""Days on which prices are known to disagree with a calendar that is right, by venue (and symbol, where not all)."""
CUTOFFS = HERE.parent / "venues" / "cutoffs.csv"
"""Last moments of order entry for the opening and closing price, in minutes from the open and the close."""

Row = dict[str, str]


@lru_cache
def rows(path: Path) -> tuple[Row, ...]:
    """Read a shipped table as text, one dict per row.

    Examples
    --------
    >>> rows(VENUES)[0]["mic"]
    'XTKS'
    """
    with path.open(newline="", encoding="utf-8") as file:
        return tuple(csv.DictReader(file))


@lru_cache
def places() -> dict[str, Row]:
    """Give the row of each venue by its MIC, in the order of the table."""
    return {row["mic"]: row for row in rows(VENUES)}


@lru_cache
def digest() -> str:
    """Hash everything that shapes a calendar except the library itself."""
    sha = hashlib.sha256()
    for path in (VENUES, HOURS, OVERLAY, CUTOFFS):
        sha.update(path.read_bytes())
    return sha.hexdigest()
