"""What ties tagged news to instruments: factors moved by news, and instruments exposed to factors."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

_FOLDER = Path(__file__).parent


def exposures() -> pd.DataFrame:
    """Give the shipped exposures, a copy of one's own.

    Returns
    -------
    DataFrame
        ``symbol, factor, sign`` (+1 gains when the factor rises), ``weight`` (0 to 1), ``valid_from`` (UTC instant from
        which it was public), ``source``.

    Examples
    --------
    >>> set(exposures()["sign"]) <= {1, -1}
    True
    """
    return _exposures().copy()


def factors() -> pd.DataFrame:
    """Give the shipped factors, a copy: ``tag, direction, factor, sign`` (how the news moves the factor).

    Examples
    --------
    >>> list(factors().columns)
    ['tag', 'direction', 'factor', 'sign']
    """
    return _factors().copy()


@cache
def _exposures() -> pd.DataFrame:
    table = pd.read_csv(_FOLDER / "exposures.csv", dtype={"symbol": str})
    return table.assign(valid_from=pd.to_datetime(table["valid_from"], utc=True).dt.as_unit("ns"))


@cache
def _factors() -> pd.DataFrame:
    return pd.read_csv(_FOLDER / "factors.csv")
