"""The verbs of venues: what holds there, since when, and who says so."""

from __future__ import annotations

from typing import Annotated

import typer

from aftershock.showing import Json, out, print_json, records, say, show_table

app = typer.Typer(
    help="Venues and their dated rules: lots, ticks, limits, charges, settlement, short sales.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Place = Annotated[str, typer.Argument(help="A MIC, a name or a city: XTKS, HKEX, Tokyo.")]


@app.command(name="list")
def list_(as_json: Json = False) -> None:
    """List the venues and how well their rules are sourced.

    Example:  aftershock venues list
    """
    from aftershock.data.venues import venues_table

    table = venues_table()
    if as_json:
        print_json(records(table))
    else:
        show_table(table, "Venues")


@app.command()
def show(
    place: Place,
    on: Annotated[str | None, typer.Option("--on", help="The local date; today by default.")] = None,
    as_json: Json = False,
) -> None:
    """Show the rules of a venue in force on a date, each with its source; what has none is unverified.

    Example:  aftershock venues show XTKS --on 2024-11-05
    """
    from aftershock.data.venues import find_venue, rules_on

    table = rules_on(place, on)
    if as_json:
        print_json(records(table))
        return
    venue = find_venue(place)
    columns = ["rule", "board", "value", "valid_from", "valid_to", "confidence", "source"]
    show_table(table[columns], f"{venue.name} ({venue.mic}), {venue.currency}")
    for _, row in table[table["note"] != ""].iterrows():
        say(out, f"- {row['rule']}{' ' + row['board'] if row['board'] else ''}: {row['note']}")


@app.command()
def diff(
    place: Place,
    before: Annotated[str, typer.Argument(help="A local date.")],
    after: Annotated[str, typer.Argument(help="A later one.")],
    as_json: Json = False,
) -> None:
    """List the rules of a venue that differ between two dates.

    Example:  aftershock venues diff XKRX 2022-12-31 2025-01-02
    """
    from aftershock.data.venues import rules_diff

    table = rules_diff(place, before, after)
    if as_json:
        print_json(records(table))
    elif table.empty:
        say(out, f"no rule of {place} differs between {before} and {after}")
    else:
        show_table(table, f"What changed at {place} from {before} to {after}")
