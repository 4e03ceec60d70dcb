"""The verbs of prices: fetch, import, check, list, show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aftershock.showing import (
    SHOWN_ROWS,
    Json,
    Members,
    err,
    out,
    print_json,
    records,
    say,
    show_table,
    working,
)

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    help="Prices in a store: fetch from Yahoo, import files, check, list, show.",
    epilog="Exit codes: 0 done, 1 errors found or failures to ask for again, 2 bad input, 130 stopped by Ctrl-C.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


SEVERITIES = ("error", "warning", "info")
"""How grave a finding is, the gravest first."""
Place = Annotated[Path, typer.Option("--store", help="Folder of the store.")]
Interval = Annotated[str | None, typer.Option(help="Bars of which interval: 1d, 60m, 5m, ...")]
SHOWN_CHANGES = 20
"""How many changes of the past a terminal shows before it counts the rest."""


@app.command()
def fetch(
    universe: Members = None,
    start: Annotated[str, typer.Option(help="First date.")] = "2018-01-01",
    end: Annotated[
        str | None, typer.Option(help="Last date; the last session that is over by default.")
    ] = None,
    store: Place = Path("prices"),
    interval: Annotated[str, typer.Option(help="1d, or 60m, 5m, ... where Yahoo has it.")] = "1d",
    recent: Annotated[
        bool, typer.Option("--recent", help="Ask only for new bars and the last 30 days.")
    ] = False,
    accept_losses: Annotated[
        bool, typer.Option("--accept-losses", help="Believe answers that lack much of what there was.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring a store up to date with Yahoo's prices; stopped, the same command goes on.

    Exit code 1 says that some could not be fetched (the same command asks for them again), 130 that it was stopped.

    Example:  aftershock prices fetch --universe asia-semis --start 2018-01-01
    """
    from aftershock.prices import fetch_prices

    with _stoppable(store, "fetched"), _progress() as progress:
        found = fetch_prices(
            universe or [],
            start,
            end,
            store=store,
            interval=interval,
            recent=recent,
            accept_losses=accept_losses,
            progress=progress,
        )
    _show_fetched(found, as_json)


@app.command(name="import")
def import_(
    files: Annotated[
        list[str], typer.Argument(help="Price files or folders: long, wide, or one for each symbol.")
    ],
    source: Annotated[
        str | None, typer.Option(help="Who says so; needed where rows do not name their own.")
    ] = None,
    store: Place = Path("prices"),
    interval: Annotated[
        str, typer.Option(help="1d, or how long bars within sessions are: 60m, 5m, ...")
    ] = "1d",
    universe: Members = None,
    as_json: Json = False,
) -> None:
    """Put the prices of files into a store, as they are told; stopped, the same command goes on.

    Example:  aftershock prices import vendor/*.csv --source desk --store prices
    """
    from aftershock.prices import import_prices

    with _stoppable(store, "imported"), _progress() as progress:
        found = import_prices(
            files, source, store=store, interval=interval, symbols=universe, progress=progress
        )
    _show_fetched(found, as_json)


@app.command()
def check(
    files: Annotated[
        list[str] | None, typer.Argument(help="Price files or folders, in the place of a store.")
    ] = None,
    store: Place = Path("prices"),
    universe: Members = None,
    source: Annotated[list[str] | None, typer.Option(help="Sources in order of preference.")] = None,
    interval: Interval = None,
    snapshot: Annotated[str | None, typer.Option(help="A state of the store by its name.")] = None,
    severity: Annotated[
        str,
        typer.Option(help="The least to show: error, warning or info (--json gives everything)."),
    ] = "warning",
    as_json: Json = False,
) -> None:
    """Look prices over: gaps, dates, halts, impossible prices, missed splits, the calendar, sources that differ.

    Exit code 1 says that there are errors. docs/prices_audit.md lists what is looked for.

    Example:  aftershock prices check --store prices --universe asia-semis
    """
    from aftershock.prices import check_prices

    _check_severity(severity)
    with working("looking prices over"):
        found = check_prices(
            files or store, symbols=universe, sources=source or (), interval=interval, snapshot=snapshot
        )
    if as_json:
        print_json(found.to_records())
    else:
        _show_audit(found, severity)
    if (found.findings["severity"] == "error").any():
        raise typer.Exit(1)


@app.command(name="list")
def list_(
    store: Place = Path("prices"),
    snapshots: Annotated[
        bool, typer.Option("--snapshots", help="The states that fetches, imports and runs have named.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the series of a store, or its snapshots.

    Example:  aftershock prices list --store prices
    """
    from aftershock.prices import list_prices, list_snapshots

    table, what = (list_snapshots(store), "snapshots") if snapshots else (list_prices(store), "series")
    if as_json:
        print_json(records(table))
    else:
        title = f"{len(table)} {what} in {store}" + (" (UTC)" if snapshots else "")
        show_table(table, title, f"no {what} in {store}: fetch or import first")


@app.command()
def show(
    symbol: Annotated[str, typer.Argument(help="An instrument, in any dialect.")],
    start: Annotated[str | None, typer.Option("--from", help="First session.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last session.")] = None,
    store: Annotated[Path, typer.Option("--store", "--prices", help="Store, price file or folder.")] = Path(
        "prices"
    ),
    interval: Interval = None,
    snapshot: Annotated[str | None, typer.Option(help="A state of the store by its name.")] = None,
    as_json: Json = False,
) -> None:
    """Show the bars of one instrument: adjusted prices, and the factor back to traded ones.

    Example:  aftershock prices show 000660.KS --from 2025-09-01 --to 2025-09-12
    """
    from aftershock.prices import show_prices

    table = show_prices(symbol, start, end, prices=store, interval=interval, snapshot=snapshot)
    if as_json:
        print_json(records(table))
    else:
        _show_bars(table, symbol, start, end)


def _check_severity(text: str) -> None:
    from aftershock.data.errors import InputError, Problem, did_you_mean

    if text not in SEVERITIES:
        raise InputError(Problem("a severity", f"'{text}'", did_you_mean(text, SEVERITIES)))


def _show_bars(table: pd.DataFrame, symbol: str, start: str | None, end: str | None) -> None:
    """Show bars without the columns that say nothing: what is the same all over stands in the title."""
    sources, factor = table["source"].unique(), table["factor"]
    words = ["sessions in local dates"]
    silent = []
    if (factor == 1).all():
        words.append("prices as traded")
        silent = ["factor", "traded"]
    elif factor.isna().all():
        words.append("factor to traded prices unknown")
        silent = ["factor", "traded"]
    if table["session"].is_unique:
        silent.append("opens_at")
    else:
        words.append("instants in UTC")
    if not table["halted"].any():
        silent.append("halted")
    if len(sources) == 1:
        silent.append("source")
    named = symbol + (f" from {sources[0]}" if len(sources) == 1 and sources[0] else "")
    asked = " ".join(f"{word} {day}" for word, day in (("from", start), ("to", end)) if day is not None)
    empty = f"no bars of {symbol} {asked}".rstrip()
    show_table(table.drop(columns=silent), f"{named} ({', '.join(words)})", empty)


def _show_audit(found: Any, least: str) -> None:
    """Count everything, list what is as severe as asked, and name the days on which calendar and prices part."""
    order = list(SEVERITIES)
    findings, shown = found.findings, order[: order.index(least) + 1]
    counts = findings.groupby(["severity", "code"], sort=False)["symbol"].size()
    bars = int(found.coverage["bars"].sum())
    say(out, f"{len(found.coverage):,} series, {bars:,} bars")
    for name in order:
        codes = ", ".join(f"{code} {count}" for (other, code), count in counts.items() if other == name)
        say(out, f"{name}: {codes or 'none'}")
    listed = findings[findings["severity"].isin(shown)]
    if len(listed):
        columns = ["severity", "code", "symbol", "source", "first", "last", "rows", "message"]
        show_table(_some_of_each(listed)[columns], "Findings (local dates)")
    if len(found.disagreements):
        columns = ["venue", "session", "last", "kind", "instruments", "of", "status", "explanation"]
        settled = found.disagreements["status"] != "unexplained"
        days = found.disagreements.loc[settled.sort_values(kind="stable").index]
        show_table(days[columns], "Calendar against prices")


def _some_of_each(findings: pd.DataFrame) -> pd.DataFrame:
    """Put so many findings of each code first that a code with many does not hide the others."""
    import pandas as pd

    place = findings.groupby(["severity", "code"], sort=False).cumcount()
    first = place.sort_values(kind="stable").index[:SHOWN_ROWS].sort_values()
    return pd.concat([findings.loc[first], findings.drop(index=first)])


def _show_fetched(found: Any, as_json: bool) -> None:
    """Say what came of a fetch or an import; leave with 1 where something failed."""
    if as_json:
        parts = {name: records(getattr(found, name)) for name in ("outcomes", "changes")}
        print_json({"store": str(found.store.path), "snapshot": found.snapshot, **parts})
    else:
        counts = found.outcomes["outcome"].value_counts(sort=False)
        say(out, ", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
        wrong = found.outcomes[found.outcomes["outcome"].isin(["failed", "no_prices", "unknown"])]
        if len(wrong):
            show_table(wrong[["symbol", "outcome", "reason"]], "Without prices")
        if len(found.changes):
            show_table(found.changes.head(SHOWN_CHANGES), "What changed in the past")
        if len(found.changes) > SHOWN_CHANGES:
            say(out, f"... and {len(found.changes) - SHOWN_CHANGES} more changes (--json prints all)")
        say(out, f"store: {found.store.path}  snapshot: {found.snapshot}")
    got = ~found.outcomes["outcome"].isin(["failed", "no_prices", "unknown"])
    if len(found.failed) or not got.any():
        raise typer.Exit(1)


@contextmanager
def _stoppable(store: Path, done: str) -> Iterator[None]:
    """Say after Ctrl-C, when the bar is gone, that nothing is lost."""
    try:
        yield
    except KeyboardInterrupt:
        say(err, f"aftershock: stopped; what was {done} is in {store}, and the same command goes on")
        raise typer.Exit(130) from None


@contextmanager
def _progress() -> Iterator[Callable[..., None]]:
    """Show a bar while something is fetched; nothing where nobody watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("asking", total=None)

        def step(outcome: Any, done: int, of: int) -> None:
            bar.update(task, completed=done, total=of, description=f"{outcome.symbol} {outcome.outcome}")

        yield step
