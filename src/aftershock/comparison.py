"""A comparison: runs set side by side, by the settings, figures and trades in which they differ."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aftershock.data.errors import InputError, Problem
from aftershock.reports.run import Run
from aftershock.result import framed, loaded_runs, write_runs


class Comparison:
    """Two runs or more, side by side.

    Attributes
    ----------
    runs : list of Run
    names : list of str
        What each is called.
    """

    def __init__(self, runs: Iterable[Run | str | Path]) -> None:
        from aftershock.reports.html import names_of

        self.runs = loaded_runs(runs)
        if len(self.runs) < 2:
            got = f"{len(self.runs)} run" + ("" if len(self.runs) == 1 else "s")
            raise InputError(Problem("at least two runs to compare", got, "give their results or folders"))
        self.names = names_of(self.runs)

    def report(self, path: str | Path) -> Path:
        """Write the comparison as HTML, or as PDF where the path ends in ``.pdf``; give where it lies."""
        return write_runs(self.runs, Path(path), whole=False)

    def numbers(self) -> dict[str, Any]:
        """Give what the comparison shows: settings that differ, headline figures, trades that not all runs made."""
        from aftershock.reports.compare import settings, settings_table, trades_apart

        table, grid = settings_table(self.runs, self.names), trades_apart(self.runs, self.names)
        differ = [row[0].text for row in table.rows]
        told = [settings(run) for run in self.runs]
        keys = [each.key for each in grid.columns]
        return {
            "names": self.names,
            "settings": {key: [each.get(key) for each in told] for key in differ},
            "figures": [run.stats.get("headline") or {} for run in self.runs],
            "trades": [dict(zip(keys, row, strict=True)) for row in grid.rows],
        }

    def __repr__(self) -> str:
        return f"Comparison({', '.join(self.names)})"

    def _repr_html_(self) -> str:
        return framed(repr(self), self.runs)


def compare(runs: Iterable[Run | str | Path]) -> Comparison:
    """Set runs side by side.

    Parameters
    ----------
    runs : iterable of Result or path
        Two results or run folders, or more.

    Returns
    -------
    Comparison
        ``.report(path)`` writes it.

    Raises
    ------
    InputError
        Fewer than two, or a folder that is not a run.

    Examples
    --------
    >>> compare([])
    Traceback (most recent call last):
    aftershock.data.errors.InputError: expected at least two runs to compare, got 0 runs; give their results or folders
    """
    return Comparison(runs)
