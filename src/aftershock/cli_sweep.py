"""The command line: sweeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aftershock.showing import Json, err, out, print_json, say, say_written, show_table, working

if TYPE_CHECKING:
    from aftershock.sweeps import Progress, Sweep


def sweep(
    experiment: Annotated[Path, typer.Argument(help="The experiment (TOML) with its [sweep].")],
    prices: Annotated[
        list[str] | None, typer.Option(help="Price file or folder; several are taken together.")
    ] = None,
    events: Annotated[list[str] | None, typer.Option(help="Event files in the place of those named.")] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Draw so many trials of the grid.")] = None,
    placebo: Annotated[
        int | None, typer.Option(min=0, help="Sweeps on shuffled event dates; 0 turns them off.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Threads; all cores by default.")] = None,
    folder: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the sweep; runs/NAME-sweep by default.")
    ] = None,
    by: Annotated[str, typer.Option(help="The figure that makes a trial the best.")] = "sharpe",
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Go on without bad rows, and say how many.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run an experiment with many parameters, and say what luck alone would have found.

    Ctrl-C keeps what is done; the same command goes on.

    Example:  aftershock sweep examples/sweep.toml --trials 10000 --jobs 2 -o runs/sweep
    """
    from aftershock.sweeps import check_figure, sweep_experiment

    check_figure(by)
    place = folder or Path("runs") / f"{experiment.stem}-sweep"
    try:
        with _watching() as told:
            found = sweep_experiment(
                experiment,
                prices=prices or (),
                events=events or (),
                skip_bad=skip_bad,
                trials=trials,
                placebo=placebo,
                jobs=jobs,
                folder=place,
                progress=told,
            )
    except KeyboardInterrupt:
        say(err, f"stopped: what is done is kept in {place}, and the same command goes on", style="yellow")
        raise typer.Exit(130) from None
    with working("writing the report"):
        written = found.report(place / "report.html", by)
    if as_json:
        print_json({"folder": str(place), "report": str(written), **found.to_dict(by)})
    else:
        _show(found, by, place)
        say_written([written])


def is_sweep(folder: Path) -> bool:
    """Tell whether a folder is that of a sweep."""
    return (folder / "sweep.json").is_file()


def report(folders: list[Path], path: Path | None, by: str, *, pdf: bool, as_json: bool) -> None:
    """Write the page of a sweep's folder again, or print the numbers behind its figures."""
    from aftershock.data.errors import InputError, Problem
    from aftershock.reports.sweep_page import numbers_of
    from aftershock.sweep_report import swept_in, write_sweep

    if len(folders) > 1:
        cure = "give the folder of the sweep alone"
        raise InputError(
            Problem("one sweep, or runs", f"{len(folders)} folders with a sweep among them", cure)
        )
    with working("writing the report") as told:
        swept = swept_in(folders[0], by)
        if as_json:
            print_json(numbers_of(swept))
            return
        target = path or folders[0] / "report.html"
        written = [write_sweep(swept, target)]
        if pdf:
            told("printing it")
            written.append(write_sweep(swept, target.with_suffix(".pdf")))
    say_written(written)


@contextmanager
def _watching() -> Iterator[Callable[[Progress], None] | None]:
    """Show trials, trades a second, the time left, and the best so far with what it is the best of."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[told]}"),
    )
    with Bar(*columns, console=err, transient=True) as bar:
        trials = bar.add_task("trials", total=None, told="")
        luck = bar.add_task("dates of no news", total=None, told="", visible=False)

        def told(now: Progress) -> None:
            speed = now.trades / now.seconds if now.seconds > 0 else 0.0
            words = f"{speed:,.0f} trades a second" if now.done < now.trials else ""
            if now.best == now.best:
                words += f"  best {now.by} {now.best:.2f}, of {now.done:,}"
            bar.update(trials, completed=now.done, total=now.trials, told=words)
            if now.placebos:
                beside = f"luck alone {now.luck:.2f} (95 %)" if now.luck == now.luck else ""
                bar.update(
                    luck,
                    completed=now.placebos_done,
                    total=now.placebos,
                    told=beside,
                    visible=now.done == now.trials,
                )

        yield told


def _show(found: Sweep, by: str, place: Path) -> None:
    best = found.best(by, n=10)
    labels = list(found.plan.grid.labels)
    figures = dict.fromkeys([by, "total_return", "sharpe", "max_drawdown", "hit_rate", "trades"])
    mark = "SIMULATED: " if found.plan.inputs.tape.simulated else ""
    title = f"{mark}{len(found):,} trials; the best by {by.replace('_', ' ')}"
    show_table(
        _rounded(best[["trial", *labels, *figures]]), title, "no trial has enough trades to be the best"
    )
    if len(best):
        _tell_luck(found, by, best)
    paths = found.trials["path"].value_counts()
    say(out, "exits: " + ", ".join(f"{count:,} trials by {name}" for name, count in paths.items()))
    say(out, f"trials: {place / 'trials.parquet'}")


def _tell_luck(found: Sweep, by: str, best: Any) -> None:
    value, count = best[by].iloc[0], len(found.placebo)
    words = f"the best of {len(found):,} trials: {by.replace('_', ' ')} {value:.3g}"
    if not count:
        say(out, f"{words}; without placebos nobody knows what luck alone would have found (--placebo 200)")
        return
    p, luck = best["p_value"].iloc[0], found.luck(by)
    say(out, f"{words}; on dates of no news the best reaches {luck:.3g} in one sweep of twenty")
    say(out, f"chance of as much by luck: {p:.3f} ({count} sweeps on dates of no news)")


def _rounded(table: Any) -> Any:
    floats = table.select_dtypes("float").columns
    return table.assign(**{name: table[name].round(4) for name in floats})
