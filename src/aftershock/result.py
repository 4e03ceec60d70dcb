"""A result: a run that shows itself, reports itself and saves itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Any

from aftershock.data.tables import write_text
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
        """Write the report.

        Parameters
        ----------
        path : str or Path
            The file to write: HTML, or PDF (by a Chromium on the path) where it ends in ``.pdf``.

        Returns
        -------
        Path
            Where it lies.
        """
        return report([self], path)

    def numbers(self) -> dict[str, Any]:
        """Give the numbers behind every figure of the report, by the figure's name."""
        from aftershock.reports.html import numbers

        return numbers(self)

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
        """Show the questions and figures of the report in a notebook, in a frame of their own."""
        return framed(self.title, [self])

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
    """Write one report of one run or several.

    Parameters
    ----------
    runs : iterable of Run or path
        Results, or run folders.
    path : str or Path
        The file to write: HTML, or PDF (by a Chromium on the path) where it ends in ``.pdf``.

    Returns
    -------
    Path
        Where it lies.

    Raises
    ------
    InputError
        A folder that is not a run, a place that cannot be written, or no Chromium to print with.
    """
    return write_runs(loaded_runs(runs), Path(path), whole=True)


def loaded_runs(runs: Iterable[Run | str | Path]) -> list[Run]:
    """Read the runs among several that are given as folders."""
    return [run if isinstance(run, Run) else load_run(run) for run in runs]


def write_runs(runs: list[Run], path: Path, *, whole: bool) -> Path:
    """Write a page of runs as HTML or PDF; ``whole`` as `aftershock.reports.html.render` takes it."""
    from aftershock.reports.html import render

    return write_page(render(runs, whole=whole), path)


def write_page(page: str, path: Path) -> Path:
    """Write a page as HTML, or print it where the path ends in ``.pdf``; give where it lies.

    Raises
    ------
    InputError
        A place that cannot be written, or no Chromium to print with.
    """
    if path.suffix.lower() != ".pdf":
        write_text(page, path)
        return path
    from aftershock.reports.browser import print_pdf

    with tempfile.TemporaryDirectory(prefix="aftershock-") as place:
        shown = Path(place) / "report.html"
        write_text(page, shown)
        print_pdf(shown, path)
    return path


def framed(title: str, runs: list[Run]) -> str:
    """Write figures of runs as a frame that keeps to itself: nothing in it runs, and no style leaks out of it."""
    from aftershock.reports.html import in_frame, render

    return in_frame(title, render(runs, brief=True, whole=len(runs) == 1))


def printable(text: str) -> str:
    r"""Put a blank for whatever a terminal would obey instead of showing.

    Examples
    --------
    >>> printable("a \x1b[31mred headline\n")
    'a  [31mred headline '
    """
    return "".join(mark if mark.isprintable() else " " for mark in text)
