"""The verb of fills: which of a blotter could not have happened, or paid the wrong tax."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aftershock.showing import Json, err, out, print_json, records, say, show_table, working

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".parquet")
SHOWN = (
    "line",
    "symbol",
    "session",
    "side",
    "quantity",
    "price",
    "severity",
    "code",
    "expected",
    "found",
    "why",
)


def check_fills(
    file: Annotated[Path, typer.Argument(help="Blotter (CSV, JSONL, Parquet), or the folder of a run.")],
    prices: Annotated[
        list[str] | None, typer.Option(help="Price file or folder; several are taken together.")
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(help="Zone of stamps without one, e.g. Asia/Tokyo; venue: each exchange's own clock."),
    ] = None,
    target: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the findings to this CSV or Parquet file.")
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Go on without bad rows, and say how many.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Hold any blotter to the rules: fills that could not have happened or paid the wrong tax, and why.

    Exit code 1 says that some fill is impossible or wrong.

    Example:  aftershock check-fills trades.csv --prices prices --zone venue -o findings.csv
    """
    from aftershock.fills import check_fills as check

    _check_target(target)
    with working("checking fills"):
        found = check(file, prices, zone=zone, skip_bad=skip_bad)
        if target is not None:
            _write(found, target)
    if as_json:
        print_json({**found.attrs, "findings": records(found)})
    else:
        _show(found, target)
    if found.attrs["impossible"] or found.attrs["wrong"]:
        raise typer.Exit(1)


def _check_target(target: Path | None) -> None:
    from aftershock.data.errors import InputError, Problem

    if target is not None and target.suffix.lower() not in SUFFIXES:
        got = target.suffix or "no suffix"
        raise InputError(Problem("a file that ends in .csv or .parquet", got, "rename it", str(target)))


def _write(found: pd.DataFrame, target: Path) -> None:
    from aftershock.data.tables import write_parquet, write_text

    if target.suffix.lower() == ".parquet":
        write_parquet(found.rename_axis(None), target, {"aftershock": "check-fills"})
    else:
        write_text(found.to_csv(index=False, date_format="%Y-%m-%d"), target)


def _show(found: pd.DataFrame, target: Path | None) -> None:
    from aftershock.engine.fill_findings import in_words

    about: dict[str, Any] = {str(name): value for name, value in found.attrs.items()}
    say(out, in_words(about))
    for sentence in about["unchecked"]:
        say(out, f"- {sentence}")
    if about["ignored"]:
        say(out, f"- columns that mean nothing here: {', '.join(about['ignored'])}")
    if about["skipped"]:
        rows = "row" if about["skipped"] == 1 else "rows"
        say(err, f"aftershock: {about['skipped']} bad {rows} left out")
    if len(found):
        show_table(found[list(SHOWN)], "Findings (sessions are local dates)")
        say(out, "where each rule was read: --json, or -o findings.csv")
    if target is not None:
        say(out, f"findings: {target}")
