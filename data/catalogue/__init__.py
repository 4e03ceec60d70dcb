"""The shipped tables of real events; README.md beside them says how each row was checked."""

from __future__ import annotations

from pathlib import Path

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
