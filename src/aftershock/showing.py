"""What the command line shows: tables for people, JSON for programs, progress while something takes its time."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

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


def show_table(table: pd.DataFrame, title: str) -> None:
    """Print a table as wide as the terminal allows, and count the rows that it does not show."""
    rows = [[_cell(value) for value in row] for row in table.head(SHOWN_ROWS).itertuples(index=False)]
    names = [str(name) for name in table.columns]
    widths = [max(map(_width, column)) + 3 for column in zip(names, *rows, strict=True)]
    if sum(widths[:-1]) + min(widths[-1], LAST_WIDTH + 3) < out.width:
        out.print(_grid(names, rows, title))
    elif out.is_terminal:
        out.print(_records_of(names, rows, title))
    else:
        Console(width=sum(widths) + 1).print(_grid(names, rows, title))
    if len(table) > SHOWN_ROWS:
        say(out, f"... and {len(table) - SHOWN_ROWS} more rows (--json prints all)")


def _grid(names: list[str], rows: list[list[str]], title: str) -> Any:
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=title, title_justify="left")
    for name in names:
        shown.add_column(name, no_wrap=name != names[-1], overflow="fold")
    for row in rows:
        shown.add_row(*map(Text, row))
    return shown


def _records_of(names: list[str], rows: list[list[str]], title: str) -> Any:
    """Show a table that is too wide for the terminal as a block of lines for each row."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=title, title_justify="left", show_header=False)
    shown.add_column("column", no_wrap=True)
    shown.add_column("value", overflow="fold")
    for row in rows:
        for name, cell in zip(names, row, strict=True):
            shown.add_row(name, Text(cell), end_section=name == names[-1])
    return shown


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _cell(value: Any) -> str:
    from aftershock.result import printable

    if value is None or value != value:
        return ""
    if hasattr(value, "strftime"):
        whole_day = value.tzinfo is None and value == value.normalize()
        return str(value.strftime("%Y-%m-%d" if whole_day else "%Y-%m-%d %H:%M:%S"))
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.8g}"
    return printable(str(value))


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Give the rows of a table for JSON: instants in ISO with Z, local dates as dates, None for what is unknown."""
    shown = {str(name): _plain_column(column) for name, column in table.items()}
    return [dict(zip(shown, row, strict=True)) for row in zip(*shown.values(), strict=True)]


def _plain_column(column: pd.Series[Any]) -> list[Any]:
    from aftershock.data.instants import iso, to_ns

    if column.dtype.kind != "M":
        return column.tolist()
    if getattr(column.dtype, "tz", None) is None:
        return [None if day != day else day.strftime("%Y-%m-%d") for day in column]
    return [iso(int(ns)) for ns in to_ns(column)]


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    from aftershock.reports.run import plain

    sys.stdout.write(json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n")
