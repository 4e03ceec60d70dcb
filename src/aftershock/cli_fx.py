"""The verbs of exchange rates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aftershock.showing import Json, out, print_json, records, say, show_table, working

app = typer.Typer(
    help="Exchange rates for sizing orders, beside those of the ECB that come with the package.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root() -> None:
    """Keep the name of the only verb."""


@app.command()
def fetch(
    pairs: Annotated[list[str], typer.Argument(help="Currencies (per USD) or pairs: TWD, USDTWD, EURTWD.")],
    start: Annotated[str, typer.Option(help="First date.")] = "2015-01-01",
    target: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write them to this .csv or .parquet file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask Yahoo for daily rates, for [portfolio] fx: those the ECB lacks, such as TWD.

    Example:  aftershock fx fetch TWD --start 2018-01-01 -o usdtwd.csv
    """
    from aftershock.data.fx import fetch_fixings

    with working("asking Yahoo for exchange rates"):
        table = fetch_fixings(pairs, start, path=target)
    if as_json:
        print_json(records(table))
        return
    if target is None:
        show_table(table, "Rates (known at, UTC)")
    else:
        last = table.groupby("pair", sort=False)["date"].max()
        for pair, date in last.items():
            say(out, f"{pair}: {int((table['pair'] == pair).sum()):,} rates to {date:%Y-%m-%d}")
        say(out, f"rates: {target}")
