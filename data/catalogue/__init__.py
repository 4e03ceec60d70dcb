"""The shipped tables of real events; README.md beside them says how each row was checked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from aftershock.data.errors import InputError, Problem, did_you_mean

CATALOGUES = ("fomc", "tariffs", "chips")
"""The tables of events that come with the project."""


def catalogue_path(name: str) -> Path:
    """Give the file of a shipped table of events.

    Parameters
    ----------
    name : str
        One of `CATALOGUES`.

    Returns
    -------
    Path
        A CSV file with the columns of the events schema.

    Raises
    ------
    InputError
        No table of that name is shipped.

    Examples
    --------
    >>> catalogue_path("fomc").name
    'fomc.csv'
    """
    if name not in CATALOGUES:
        raise InputError(
            Problem("the name of a shipped catalogue", f"'{name}'", did_you_mean(name, CATALOGUES))
        )
    return Path(__file__).parent / f"{name}.csv"


def catalogue_impacts(names: Iterable[str]) -> pd.DataFrame:
    """Give the impacts that come with shipped tables of events.

    Parameters
    ----------
    names : iterable of str
        Names of `CATALOGUES`; most have no impacts.

    Returns
    -------
    DataFrame
        ``event_id, symbol, polarity``.

    Examples
    --------
    >>> set(catalogue_impacts(["chips", "fomc"])["polarity"])
    {1.0, -1.0}
    """
    files = [catalogue_path(name).with_name(f"{name}_impacts.csv") for name in names]
    parts = [pd.read_csv(file, dtype={"polarity": float}) for file in files if file.is_file()]
    none = {
        "event_id": pd.Series(dtype=str),
        "symbol": pd.Series(dtype=str),
        "polarity": pd.Series(dtype=float),
    }
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(none)
