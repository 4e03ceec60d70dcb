"""The command line: event studies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aftershock.showing import Json, out, print_json, records, say, show_table, working

if TYPE_CHECKING:
    from aftershock.studies import Study


def study(
    experiment: Annotated[Path, typer.Argument(help="The experiment (TOML) with its [study].")],
    prices: Annotated[
        list[str] | None, typer.Option(help="Price file or folder; several are taken together.")
    ] = None,
    events: Annotated[list[str] | None, typer.Option(help="Event files in the place of those named.")] = None,
    folder: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the study; runs/NAME-study by default.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="What is expected, in the place of the model it names: raw, mean, market, ..."),
    ] = None,
    part: Annotated[
        str | None, typer.Option(help="What a return covers: day, halves, gap, session or bar.")
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Go on without bad rows, and say how many.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Measure abnormal returns around the events of an experiment, and test whether there are any.

    Example:  aftershock study examples/study.toml -o runs/study
    """
    from aftershock.studies import study_experiment

    changes = {key: value for key, value in (("model", model), ("part", part)) if value is not None}
    place = folder or Path("runs") / f"{experiment.stem}-study"
    with working(f"studying {experiment.name}") as tell:
        found = study_experiment(
            experiment, prices=prices or (), events=events or (), skip_bad=skip_bad, **changes
        )
        tell("writing the report")
        path = found.save(place)
    if as_json:
        print_json(told(found) | {"report": str(path)})
    else:
        show(found)
        say(out, f"report: {path}")


def is_study(folder: Path) -> bool:
    """Tell the folder of a study from that of a run."""
    from aftershock.reports.study_run import is_study

    return is_study(folder)


def report_again(folder: Path, path: Path | None, *, pdf: bool, as_json: bool) -> list[Path]:
    """Write the page of a study again, or print the numbers behind its figures; give what was written."""
    from aftershock.studies import load_study

    found = load_study(folder)
    if as_json:
        print_json(found.numbers())
        return []
    with working("writing the report") as tell:
        written = [found.report(path or folder / "report.html")]
        if pdf:
            tell("printing it")
            written.append(found.report(written[0].with_suffix(".pdf")))
    return written


def told(found: Study) -> dict[str, Any]:
    """Give the numbers of a study that a program wants."""
    keys = ("name", "simulated", "settings", "expected", "beside", "period", "counts", "caveats")
    return {
        **{key: found.manifest[key] for key in keys},
        "tests": records(found.tests),
        "treatments": records(found.treatments),
    }


def show(found: Study) -> None:
    """Print what a study found: effects with their bands first."""
    from aftershock.reports.study_words import findings, summary

    for line in summary(found):
        say(out, line)
    show_table(findings(found), found.title)
    for caveat in found.manifest["caveats"]:
        say(out, f"- {caveat}")
    skipped = found.manifest["counts"]["skipped"]
    if skipped:
        parts = ", ".join(f"{code} {count:,}" for code, count in skipped.items())
        say(out, f"not measured: {sum(skipped.values()):,} ({parts})")
