"""Verbs that look things up: what a symbol stands for, and when a venue trades."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from aftershock.showing import Json, print_json, records, show_table

if TYPE_CHECKING:
    import pandas as pd

    from aftershock.data.universes import Explanation


class _Words(TyperGroup):
    """Explains what follows, unless that is a verb of the group."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["explain", *args]
        return super().parse_args(ctx, args)


symbols = typer.Typer(cls=_Words, no_args_is_help=True, subcommand_metavar="WORDS... | check FILE")


@symbols.callback()
def _symbols() -> None:
    """Say what symbols and company names stand for and why, or check those of a file.

    Example:  aftershock symbols 2330.TT KS:000660 "SK Hynix"

    Example:  aftershock symbols check events.csv
    """


@symbols.command()
def explain(
    words: Annotated[list[str], typer.Argument(help="Symbols in any dialect, indices, companies.")],
    as_json: Json = False,
) -> None:
    """Say what each word stands for and why (the verb itself may be left out).

    Example:  aftershock symbols explain 2330.TT
    """
    from aftershock.data.errors import InputError
    from aftershock.data.universes import explain as explained

    told = [explained(word) for word in words]
    if as_json:
        print_json([_as_json(one) for one in told])
    else:
        _show(told)
    problems = [one.problem for one in told if one.problem]
    if problems:
        raise InputError(problems)


@symbols.command()
def check(
    file: Annotated[
        Path, typer.Argument(help="Table with a column symbol or symbols, or a text of symbols.")
    ],
    as_json: Json = False,
) -> None:
    """Say for each spelling of a file's symbols what it stands for; exit code 2 where one stands for nothing.

    Example:  aftershock symbols check events.csv
    """
    from aftershock.data.errors import InputError, Problem
    from aftershock.data.universes import check_symbols
    from aftershock.data.universes.check import RESOLVED

    found = check_symbols(file)
    bad = ~found["status"].isin(RESOLVED)
    if as_json:
        print_json(records(found))
    else:
        shown = found.loc[bad.sort_values(ascending=False, kind="stable").index]
        show_table(shown, f"{len(found)} spellings, {int(bad.sum())} of them without an instrument")
    if bad.any():
        first = found[bad].iloc[0]
        got = f"{int(bad.sum())} that do not, '{first['text']}' the first"
        cure = "write those under did_you_mean, or what `aftershock symbols` finds"
        raise InputError(Problem("symbols that resolve", got, cure, str(file), int(first["line"])))


def sessions(
    venue: Annotated[str, typer.Argument(help="MIC or name: XHKG, HKEX, Tokyo.")],
    start: Annotated[str | None, typer.Option("--from", help="First local date; today by default.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last local date; a month on by default.")] = None,
    as_json: Json = False,
) -> None:
    """List a venue's sessions: hours, breaks, cut-offs, closures and dated facts with their sources.

    Days that are alike share a line; --json has one entry for each day.

    Example:  aftershock sessions XHKG --from 2023-07-01 --to 2023-09-30
    """
    from aftershock.data.venues import find_venue
    from aftershock.places import sessions as listed

    place, table = find_venue(venue), listed(venue, start, end)
    if as_json:
        print_json(records(table.assign(session=table["session"].dt.strftime("%Y-%m-%d"))))
    else:
        show_table(_runs(table), f"{place.name} ({place.mic}), local time of {place.zone}")


def _as_json(told: Explanation) -> dict[str, Any]:
    one = told.instrument
    listed = {key: getattr(one, key, None) for key in ("venue", "kind", "currency", "market")}
    return {
        "text": told.text,
        "symbol": told.symbol,
        "name": told.candidates[0].name if one else "",
        **listed,
        "themes": list(one.themes) if one else [],
        "status": told.status,
        "how": told.how,
        "candidates": [candidate._asdict() for candidate in told.candidates],
    }


def _show(told: list[Explanation]) -> None:
    import pandas as pd

    rows = [
        (one.text, one.symbol, one.candidates[0].name if one.symbol else "", one.status, one.how)
        for one in told
    ]
    show_table(pd.DataFrame(rows, columns=["text", "symbol", "name", "status", "how"]), "Symbols")
    others = [
        (one.text, *candidate)
        for one in told
        for candidate in one.candidates
        if candidate.symbol != one.symbol
    ]
    if others:
        show_table(pd.DataFrame(others, columns=["text", "symbol", "name", "why"]), "What else may be meant")


def _runs(table: pd.DataFrame) -> pd.DataFrame:
    """Give days in a row that are alike one line."""
    import pandas as pd

    morning = table["opens"].where(table["break_start"] == "", table["opens"] + "-" + table["break_start"])
    afternoon = table["closes"].where(
        table["break_end"] == "", " " + table["break_end"] + "-" + table["closes"]
    )
    joined = morning.where(table["break_start"] != "", morning + "-") + afternoon
    shown = pd.DataFrame(
        {
            "session": table["session"].dt.strftime("%Y-%m-%d"),
            "hours": joined.where(table["status"] != "closed", ""),
            "cut-offs": (table["open_cutoff"] + " " + table["close_cutoff"]).str.strip(),
            "status": table["status"],
            "fact": table["fact"],
            "source": table["source"] + " (" + table["confidence"] + ")",
        }
    )
    alike = shown.drop(columns="session")
    run = (alike != alike.shift()).any(axis=1).cumsum()
    runs = shown.groupby(run, sort=False)
    days = runs["session"].agg(
        lambda own: own.iloc[0] if len(own) == 1 else f"{own.iloc[0]} to {own.iloc[-1]}"
    )
    lines = runs.first().assign(session=days, days=runs.size())
    return lines[["session", "days", "hours", "cut-offs", "status", "fact", "source"]]
