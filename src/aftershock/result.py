"""A result: a run that shows itself, reports itself and saves itself."""

from __future__ import annotations

import html
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Any

from aftershock.reports.run import Run, together


class Result(Run):
    """What a backtest gives: tables, figures and a report.

    Attributes
    ----------
    trades, equity, audit, fills, events, bars : DataFrame
        As docs/architecture.md, "A run", describes them.
    stats, manifest : dict
        Figures; hashes, versions, warnings and caveats.
    """

    def report(self, path: str | Path) -> Path:
        """Write the HTML report.

        Parameters
        ----------
        path : str or Path
            The file to write.

        Returns
        -------
        Path
            Where it lies.
        """
        return report([self], path)

    def save(self, folder: str | Path) -> Path:
        """Write the run folder, its report included, all of it or nothing; give the report's path.

        Raises
        ------
        InputError
            The folder cannot be written.
        """
        with together(Path(folder)) as place:
            self.write(place)
            self.report(place / "report.html")
        return Path(folder) / "report.html"

    def to_vectorbt(self) -> Any:
        """Give the headline trades as a ``vectorbt.Portfolio``, for its plots and statistics (docs/vectorbt.md).

        Returns
        -------
        vectorbt.Portfolio
            Its trades and its final value are those of the run.

        Raises
        ------
        ImportError
            vectorbt is not installed.
        InputError
            The run has no date on which anything could be traded.
        """
        from aftershock.to_vectorbt import to_vectorbt

        return to_vectorbt(self)

    def rows(self) -> list[tuple[str, str]]:
        """Give the headline figures as label and text."""
        from aftershock.reports.tables import tiles

        return [(measure.label, cell.text) for measure, cell in tiles(self)]

    def __repr__(self) -> str:
        from rich.console import Console

        console = Console(file=StringIO(), width=100)
        console.print(self.__rich__())
        text: str = console.file.getvalue()  # type: ignore[attr-defined]
        return text.rstrip()

    def __rich__(self) -> Any:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(show_header=False)
        table.add_column("figure")
        table.add_column("value", justify="right")
        for label, text in self.rows():
            table.add_row(label, text)
        return Group(Text(self.title), table)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(label)}</th>"
            f"<td style='text-align:right'>{html.escape(text)}</td></tr>"
            for label, text in self.rows()
        )
        return f"<table><caption>{html.escape(self.title)}</caption>{rows}</table>"

    @property
    def title(self) -> str:
        """Name and period, and SIMULATED where the prices are."""
        period = self.manifest["period"]
        mark = "SIMULATED: " if self.simulated else ""
        when = (
            f"{period['first']} to {period['last']}" if period["first"] else "no event while there are prices"
        )
        return printable(f"{mark}{self.manifest['name']}, {when}")


def load_run(folder: str | Path) -> Result:
    """Read a run folder.

    Raises
    ------
    InputError
        The folder is not a run.
    """
    return Result.read(Path(folder))


def report(runs: Iterable[Run | str | Path], path: str | Path) -> Path:
    """Write one HTML report of one run or several.

    Parameters
    ----------
    runs : iterable of Run or path
        Results, or run folders.
    path : str or Path
        The file to write.

    Returns
    -------
    Path
        Where it lies.
    """
    from aftershock.reports.html import write_report

    loaded = [run if isinstance(run, Run) else load_run(run) for run in runs]
    write_report(loaded, Path(path))
    return Path(path)


def printable(text: str) -> str:
    r"""Put a blank for whatever a terminal would obey instead of showing.

    Examples
    --------
    >>> printable("a \x1b[31mred headline\n")
    'a  [31mred headline '
    """
    return "".join(mark if mark.isprintable() else " " for mark in text)
