"""The command line: each verb is one public function, shown as a table or, with ``--json``, for programs."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from aftershock import cli_fills, cli_fx, cli_places, cli_prices, cli_study, cli_sweep, cli_venues
from aftershock.showing import (
    Json,
    Members,
    err,
    out,
    print_json,
    records,
    say,
    say_written,
    show_table,
    working,
)

app = typer.Typer(
    help="Event-driven backtests: tagged news, joined point in time with prices of Asian equities.",
    epilog="Exit codes: 0 done, 1 done with errors or failures that are told, 2 bad input, 130 stopped by Ctrl-C.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Zone = Annotated[str | None, typer.Option(help="Zone of stamps without one, e.g. Asia/Tokyo.")]
Prices = Annotated[list[str] | None, typer.Option(help="Price file or folder; several are taken together.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Go on without bad rows, and say how many.")]


def main() -> None:
    """Run the command line; bad input ends with exit code 2 and a line for each problem."""
    from aftershock.data.errors import InputError

    # The allocator that pyarrow would choose keeps what it once had: up to 70 MB of a sweep (docs/performance.md).
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    try:
        app()
    except InputError as error:
        for line in f"aftershock: {error}".splitlines():
            say(err, line, style="red")
        sys.exit(2)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        cure = "check the path, the rights to it and the room on the disk"
        got = error.strerror or error
        say(
            err,
            f"aftershock: {where}expected files that can be read and written, got {got}; {cure}",
            style="red",
        )
        sys.exit(2)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        import aftershock

        out.print(f"aftershock {aftershock.__version__}", highlight=False)
        raise typer.Exit


@app.command()
def demo(
    prices: Annotated[
        str | None, typer.Option(help="Prices to use in the place of the best at hand.")
    ] = None,
    folder: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")] = Path("runs/demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated market.")] = 20250912,
) -> None:
    """Backtest real Fed and tariff events and leave an HTML report.

    Prices are those given, else Yahoo's where it answers within seconds, else a SIMULATED market.

    Example:  aftershock demo --prices prices.parquet
    """
    from aftershock.demonstration import demo as run_demo

    with working("demo") as say:
        result = run_demo(prices, seed=seed, say=say)
        say("writing the report")
        path = result.save(folder)
    _show_result(result, path)


@app.command()
def run(
    experiment: Annotated[Path, typer.Argument(help="The experiment (TOML).")],
    prices: Prices = None,
    events: Annotated[list[str] | None, typer.Option(help="Event files in the place of those named.")] = None,
    folder: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the run; runs/NAME by default.")
    ] = None,
    skip_bad: SkipBad = False,
    as_json: Json = False,
) -> None:
    """Run an experiment: events, prices, universe, strategy, portfolio; leave a run folder with a report.

    Example:  aftershock run examples/asia_events.toml --prices prices/stocks.parquet
    """
    from aftershock.run import run_experiment

    with working(f"running {experiment.name}") as say:
        result = run_experiment(experiment, prices=prices or (), events=events or (), skip_bad=skip_bad)
        say("writing the report")
        path = result.save(folder or Path("runs") / _folder_name(result.manifest["name"]))
    _say_left_out(result.manifest["warnings"])
    if as_json:
        print_json({"report": str(path), "simulated": result.simulated, **result.stats})
    else:
        _show_result(result, path)


@app.command()
def align(
    events: Annotated[list[str], typer.Argument(help="Event files, or catalogue:fomc.")],
    prices: Prices = None,
    universe: Members = None,
    zone: Zone = None,
    latency: Annotated[float, typer.Option(min=0, help="Seconds from knowing to acting.")] = 0.0,
    entry: Annotated[
        str, typer.Option(help="open or close: which cut-off makes a stamp ambiguous.")
    ] = "open",
    interval: Annotated[
        str, typer.Option(help="1d, or how long bars within sessions are: 60m, 5m, ...")
    ] = "1d",
    skip_bad: SkipBad = False,
    as_json: Json = False,
) -> None:
    """Say for each event and instrument when it could first be traded, and why.

    Example:  aftershock align events.csv --universe asia-semis --zone Asia/Seoul
    """
    from aftershock.inputs import events_of, tape_of, universe_of
    from aftershock.manifest import warnings_of
    from aftershock.run import align as align_events

    with working("joining events with sessions"):
        loaded, wanted = events_of(events, zone, skip_bad), universe_of(universe)
        tape = None if prices is None else tape_of(prices, wanted, loaded, skip_bad, interval)
        table = align_events(loaded, tape, universe=wanted, latency=latency, entry=entry)
    _say_left_out(warnings_of(loaded, tape))
    if as_json:
        keys = ["event_id", "symbol", "venue", "known_by", "phase", "first_tradable", "first_open"]
        print_json(records(table[[*keys, "first_close", "ambiguous", "reason"]]))
    else:
        show_table(table.drop(columns=["known_from"]), "First tradable instants (UTC)")


@app.command()
def signals(
    events: Annotated[list[str], typer.Argument(help="Event files, or catalogue:fomc.")],
    strategy: Annotated[
        str, typer.Option(help="reaction, fed_cut, chip_momentum or tariff_shock.")
    ] = "reaction",
    universe: Members = None,
    as_of: Annotated[
        str | None, typer.Option(help="Instant to look from, with a zone; now by default.")
    ] = None,
    zone: Zone = None,
    as_json: Json = False,
) -> None:
    """List the orders that a strategy would place now.

    Example:  aftershock signals events.csv --strategy chip_momentum --as-of 2025-09-11T23:30Z
    """
    from aftershock.run import signals as order_list

    table = order_list(events, universe, strategy, as_of=as_of, zone=zone)
    if as_json:
        print_json(records(table))
    elif table.empty:
        known = f"known by {as_of}" if as_of else "known by now"
        say(out, f"no orders: nothing {known} gives a signal whose cut-off is still to come")
    else:
        columns = ["place_by", "symbol", "venue", "action", "weight", "entry", "hold", "event_id", "headline"]
        show_table(table[columns], "Orders (UTC)")


@app.command()
def news(
    files: Annotated[
        list[str], typer.Argument(help="Wraps (text, HTML), folders, tables of headlines, or -.")
    ],
    published: Annotated[str, typer.Option(help="Stamp of texts without one.")] = "",
    zone: Annotated[str, typer.Option(help="Zone of stamps without one, e.g. Europe/London.")] = "",
    taxonomy: Annotated[
        Path | None, typer.Option(help="A desk's own taxonomy (TOML), merged over the shipped one.")
    ] = None,
    target: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the events to this Parquet file.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show which rule, which words, which span.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Turn news into tagged events: what, when knowable, about whom, which way, how sure.

    Example:  aftershock news wrap.txt --published "2025-09-12 04:10" --zone Europe/London -o events.parquet
    """
    from aftershock.data.news import load_taxonomy, read_documents, tag

    with working("reading news"):
        documents = read_documents(files, published=published, zone=zone)
        tagged = tag(documents, load_taxonomy(taxonomy))
        if target is not None:
            tagged.to_parquet(target)
    if as_json:
        print_json([told.as_json() for told in tagged.told])
        return
    show_table(tagged.table(explain=explain), "Events (UTC)")
    if target is not None:
        out.print(f"events: {target}", highlight=False, soft_wrap=True)


Pdf = Annotated[bool, typer.Option("--pdf", help="Print it as PDF too, by a Chromium on the path.")]


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or the folder of a study.")],
    path: Annotated[Path | None, typer.Option("--out", "-o", help="The HTML file.")] = None,
    pdf: Pdf = False,
    by: Annotated[
        str | None,
        typer.Option(help="Of a sweep: the figure that makes a trial the best; sharpe by default."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the HTML report of a run, a sweep or a study again, or of several runs side by side.

    With --json it prints the numbers behind every figure instead.

    Example:  aftershock report runs/demo -o report.html --pdf
    """
    from aftershock.data.errors import InputError, Problem
    from aftershock.result import load_run
    from aftershock.result import report as write

    swept = any(map(cli_sweep.is_sweep, runs))
    _refuse_beside_json(as_json, "--out" if path else "--pdf" if pdf else "")
    if by is not None and not swept:
        raise InputError(Problem("--by with the folder of a sweep", f"'{by}' without one", "leave --by out"))
    if len(runs) == 1 and cli_study.is_study(runs[0]):
        say_written(cli_study.report_again(runs[0], path, pdf=pdf, as_json=as_json))
        return
    if swept:
        cli_sweep.report(runs, path, by or "sharpe", pdf=pdf, as_json=as_json)
        return
    if as_json:
        told = [load_run(folder).numbers() for folder in runs]
        print_json(told[0] if len(told) == 1 else told)
        return
    with working("writing the report") as say:
        target = path or (runs[0] / "report.html" if len(runs) == 1 else Path("compared.html"))
        written = [write(runs, target)]
        if pdf:
            say("printing it")
            written.append(write(runs, target.with_suffix(".pdf")))
    say_written(written)


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, two or more.")],
    path: Annotated[Path, typer.Option("--out", "-o", help="The HTML file.")] = Path("compared.html"),
    pdf: Pdf = False,
    as_json: Json = False,
) -> None:
    """Set runs side by side: settings that differ, figures, equities, trades only some of them made.

    Example:  aftershock compare runs/demo runs/asia_events -o compared.html
    """
    from aftershock.comparison import compare as set_beside

    _refuse_beside_json(as_json, "--pdf" if pdf else "")
    with working("comparing"):
        compared = set_beside(runs)
        written = [] if as_json else [compared.report(path)]
        if pdf:
            written.append(compared.report(path.with_suffix(".pdf")))
    if as_json:
        print_json(compared.numbers())
    say_written(written)


app.add_typer(cli_prices.app, name="prices")
app.add_typer(cli_fx.app, name="fx")
app.add_typer(cli_venues.app, name="venues")
app.add_typer(cli_places.symbols, name="symbols")
app.command()(cli_places.sessions)
app.command(name="check-fills")(cli_fills.check_fills)
app.command(name="sweep")(cli_sweep.sweep)
app.command(name="study")(cli_study.study)


def _refuse_beside_json(as_json: bool, option: str) -> None:
    """Refuse an option that writes a page where numbers are printed in its place."""
    from aftershock.data.errors import InputError, Problem

    if as_json and option:
        raise InputError(
            Problem("--json, which writes no page, alone", f"{option} beside it", "leave one out")
        )


def _say_left_out(warnings: list[dict[str, Any]]) -> None:
    """Say how many bad rows ``skip_bad`` left out."""
    for area, code in (("events", "skipped"), ("prices", "bad_price")):
        rows = sum(warned["rows"] for warned in warnings if (warned["area"], warned["code"]) == (area, code))
        if rows:
            say(err, f"aftershock: {rows} bad {'row' if rows == 1 else 'rows'} of {area} left out")


def _folder_name(name: str) -> str:
    """Make a run's name the name of one folder, wherever it might lead as a path."""
    return re.sub(r"[^\w .-]+", "_", name).strip(" .") or "run"


def _show_result(result: Any, path: Path) -> None:
    out.print(result)
    passed_over = Counter(row["code"] for row in result.manifest["skipped_events"])
    say(out, _counted("signals", result.stats["outcomes"]))
    if passed_over:
        say(out, _counted("no signal", passed_over))
    for caveat in result.manifest["caveats"]:
        say(out, f"- {caveat}")
    say(out, f"report: {path}")


def _counted(what: str, counts: Mapping[str, int]) -> str:
    """Write a sum and its parts: ``signals: 3 (filled 2, no_bar 1)``."""
    parts = ", ".join(f"{code} {count}" for code, count in counts.items())
    return f"{what}: {sum(counts.values())}" + (f" ({parts})" if parts else "")
