"""What the command line shows: tables for people, JSON for programs, progress while something takes its time."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console

if TYPE_CHECKING:
    import pandas as pd

err = Console(stderr=True)
out = Console()

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]
Members = Annotated[list[str] | None, typer.Option(help="Universe by name, or symbols.")]
SHOWN_ROWS = 40
"""How many rows a table in the terminal shows before it counts the rest."""
SHOWN_BLOCKS = 10
"""How many where each row needs a block of lines, in a terminal too narrow for the table."""
GROUPED = 10_000
"""Numbers from here on are written with separators of thousands."""
LAST_WIDTH = 24
"""The least width of the last column, whose text may run over several lines."""


@contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done while it takes its time; silent where nobody watches."""
    from rich.markup import escape

    with err.status(escape(what)) as status:
        yield lambda text: status.update(escape(text))


def say(console: Console, line: str, style: str | None = None) -> None:
    """Print one line as it is: nothing in it is markup, a highlight or an escape code."""
    from aftershock.result import printable

    console.print(printable(line), style=style, markup=False, highlight=False, soft_wrap=True)


def show_table(table: pd.DataFrame, title: str, empty: str = "") -> None:
    """Print a table as wide as the terminal allows, and count the rows that it does not show.

    Where it has no row and ``empty`` says what that means, that is said instead.
    """
    if table.empty and empty:
        say(out, empty)
        return
    names = [str(name) for name in table.columns]
    columns = [_cells(table.iloc[:SHOWN_ROWS, place].tolist()) for place in range(len(names))]
    numeric = {name for name, kind in zip(names, table.dtypes, strict=True) if kind.kind in "iuf"}
    widths = [max(map(_width, [name, *cells])) + 3 for name, cells in zip(names, columns, strict=True)]
    rows = [list(row) for row in zip(*columns, strict=True)]
    say(out, title, style="italic")
    if sum(widths[:-1]) + min(widths[-1], LAST_WIDTH + 3) < out.width:
        out.print(_grid(names, rows, numeric))
    elif out.is_terminal:
        rows = rows[:SHOWN_BLOCKS]
        out.print(_records_of(names, rows))
    else:
        Console(width=sum(widths) + 1).print(_grid(names, rows, numeric))
    if len(table) > len(rows):
        say(out, f"... and {len(table) - len(rows)} more rows (--json prints all)")


def _grid(names: list[str], rows: list[list[str]], numeric: set[str]) -> Any:
    from rich.table import Table
    from rich.text import Text

    shown = Table()
    for name in names:
        side: Literal["left", "right"] = "right" if name in numeric else "left"
        shown.add_column(name, no_wrap=name != names[-1], overflow="fold", justify=side)
    for row in rows:
        shown.add_row(*map(Text, row))
    return shown


def _records_of(names: list[str], rows: list[list[str]]) -> Any:
    """Show a table that is too wide for the terminal as a block of lines for each row."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(show_header=False)
    shown.add_column("column", no_wrap=True)
    shown.add_column("value", overflow="fold")
    for row in rows:
        for name, cell in zip(names, row, strict=True):
            shown.add_row(name, Text(cell), end_section=name == names[-1])
    return shown


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _cells(values: list[Any]) -> list[str]:
    """Write the values of a column: numbers with as many decimals as the longest needs."""
    floats = [value for value in values if isinstance(value, float) and math.isfinite(value)]
    decimals = _decimals(floats)
    return [_cell(value, decimals) for value in values]


def _decimals(values: list[float]) -> int:
    """Count the decimals that numbers need for eight digits of the greatest."""
    greatest = max(map(abs, values), default=0.0)
    most = min(max(7 - math.floor(math.log10(greatest)), 0), 8) if greatest else 0
    return max((len(f"{value:.{most}f}".partition(".")[2].rstrip("0")) for value in values), default=0)


def _cell(value: Any, decimals: int) -> str:
    from aftershock.result import printable

    if value is None or value != value:
        return ""
    if hasattr(value, "strftime"):
        whole_day = value.tzinfo is None and value == value.normalize()
        return str(value.strftime("%Y-%m-%d" if whole_day else "%Y-%m-%d %H:%M:%S"))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:{',' if abs(value) >= GROUPED else ''}.{0 if isinstance(value, int) else decimals}f}"
    return printable(str(value))


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Give the rows of a table for JSON: instants in ISO with Z, dates (which have no zone) as 2025-09-12."""
    shown = {str(name): _plain(column) for name, column in table.items()}
    return [dict(zip(shown, row, strict=True)) for row in zip(*shown.values(), strict=True)]


def _plain(column: pd.Series[Any]) -> list[Any]:
    from aftershock.data.instants import iso, to_ns

    if column.dtype.kind != "M":
        return list(column.tolist())
    known = column.dropna()
    if column.dt.tz is None and (known == known.dt.normalize()).all():
        return [None if day != day else day.strftime("%Y-%m-%d") for day in column]
    return [iso(int(ns)) for ns in to_ns(column)]


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    from aftershock.reports.run import plain

    sys.stdout.write(json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n")


def say_written(paths: list[Path]) -> None:
    """Say where reports lie."""
    for path in paths:
        say(out, f"report: {path}")
