"""Tables of an event study: effects with their bands, every test, treatments, what is not in it, how it was made."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pandas as pd

from aftershock.engine.studies.abnormal import PARTS
from aftershock.engine.studies.confounds import TREATMENTS
from aftershock.engine.studies.findings import TESTS
from aftershock.reports.study_figures import titled
from aftershock.reports.study_run import ALL, StudyRun
from aftershock.reports.study_words import (
    band_words,
    decisive,
    p_words,
    records_of,
    span_words,
    test_words,
    window_words,
)
from aftershock.reports.tables import Cell, Column, Grid, Table, cell, column_values
from aftershock.reports.words import UNDEFINED, defined, percent, word

PLACE = ("part", "by", "group", "first", "last")
"""What names an effect."""
MOST_REASONS = 40
"""How many reasons are counted one by one."""
GRID_ROWS = 50_000
"""Of more rows a page shows the first."""


def _number(text: str) -> Cell:
    return Cell(text, "number", "undefined" if text == UNDEFINED else "")


def effects_table(run: StudyRun) -> Table:
    """Give the effects of every group and window, each with band, p, p over groups and what could have been seen."""
    told = decisive(run)
    several = told["part"].nunique() > 1
    coverage = percent(run.manifest["settings"]["coverage"], 0)
    planted = _planted(run)
    columns = [
        *([Column("part", "Part")] if several else []),
        Column("group", "Group"),
        Column("sessions", "Sessions"),
        Column(
            "firms",
            "Rows",
            "count",
            "events on instruments that have at least half of the returns of the window",
        ),
        Column("dates", "Dates", "count", "event dates: the independent observations"),
        Column("effect", "Effect", "percent", "what, common to all rows, would give the statistic"),
        Column("band", f"{coverage} band", "number"),
        Column("mean", "Plain mean", "percent", "mean cumulative abnormal return, equally weighted"),
        Column("p", "p", "number", "two-sided"),
        Column("p_holm", "p, Holm", "number", "over the groups of one kind: the chance of any false one"),
        Column("p_by", "p, BHY", "number", "over the groups of one kind: the expected share of false ones"),
        Column("detectable", "Could be seen", "percent", "the effect found in four cases of five"),
        *(
            [Column("planted", "Planted", "percent", "in these windows, log returns")]
            if planted is not None
            else []
        ),
    ]
    rows = [
        [
            *([Cell(row["part"])] if several else []),
            Cell("all" if row["by"] == ALL else f"{row['by']}: {word(row['group'])}"),
            Cell(span_words(int(row["first"]), int(row["last"]))),
            cell(row["firms"], "count"),
            cell(row["dates"], "count"),
            cell(row["effect"], "percent"),
            _number(band_words(row["low"], row["high"])),
            cell(row["mean"], "percent"),
            _number(p_words(row["p"])),
            _number(p_words(row["p_holm"])),
            _number(p_words(row["p_by"])),
            cell(row["detectable"], "percent"),
            *(
                [cell(planted.get(tuple(row[key] for key in PLACE)), "percent")]
                if planted is not None
                else []
            ),
        ]
        for row in records_of(told)
    ]
    name = test_words(run.manifest["settings"]["test"])
    return Table(titled(run, f"Effects by the {name} test"), columns, rows, "Nothing was tested.")


def _planted(run: StudyRun) -> dict[tuple[Any, ...], float] | None:
    """Give what the simulated market planted by part, grouping, group and window; None where nobody knows."""
    known = run.power[run.power["planted"].notna()]
    rows = zip(*(known[key] for key in PLACE), known["planted"], strict=True)
    return {tuple(place): float(value) for *place, value in rows} if len(known) else None


def every_test_table(run: StudyRun, part: str, first: int, last: int) -> Table:
    """Give what every test says of all rows over one window."""
    told = run.tests
    told = told[
        (told["part"] == part) & (told["by"] == ALL) & (told["first"] == first) & (told["last"] == last)
    ]
    columns = [
        Column("test", "Test"),
        Column("effect", "Effect", "number"),
        Column("band", "Band", "number"),
        Column("statistic", "Statistic", "number"),
        Column("p", "p", "number"),
        Column("df", "Degrees of freedom", "number"),
        Column("measures", "Measures"),
    ]
    rows = [
        [
            Cell(test_words(row["test"])),
            _number(_effect(row["effect"], row["unit"])),
            _number(_band(row)),
            cell(row["statistic"], "number"),
            _number(p_words(row["p"])),
            _number("normal" if row["df"] == float("inf") else cell(row["df"], "number").text),
            Cell(TESTS[row["test"]].measures, "prose", TESTS[row["test"]].source),
        ]
        for row in records_of(told)
    ]
    several = run.tests["part"].nunique() > 1
    where = window_words(first, last) + (f", {PARTS[part]}" if several else "")
    return Table(titled(run, f"Every test, {where}"), columns, rows, "Nothing was tested.")


def _effect(value: Any, unit: str) -> str:
    if not defined(value):
        return UNDEFINED
    return percent(value) if unit in ("return", "share") else cell(value, "number").text


def _band(row: dict[str, Any]) -> str:
    ends = [_effect(row[key], row["unit"]) for key in ("low", "high")]
    return UNDEFINED if UNDEFINED in ends else " to ".join(ends)


def treatments_table(run: StudyRun) -> Table:
    """Set the effects with confounded events kept, excluded, down-weighted and regressed out side by side."""
    told = run.treatments
    several = told["part"].nunique() > 1
    columns = [
        *([Column("part", "Part")] if several else []),
        Column("sessions", "Sessions"),
        Column("treatment", "Confounded events"),
        Column("rows", "Rows", "count"),
        Column("event_dates", "Event dates", "count"),
        Column("effect", "Mean effect", "percent"),
        Column("band", "Band by event date", "number"),
    ]
    rows = [
        [
            *([Cell(row["part"])] if several else []),
            Cell(span_words(int(row["first"]), int(row["last"]))),
            Cell(row["treatment"], "text", TREATMENTS.get(row["treatment"], "")),
            cell(row["rows"], "count"),
            cell(row["event_dates"], "count"),
            cell(row["effect"], "percent"),
            _number(band_words(row["low"], row["high"])),
        ]
        for row in records_of(told)
    ]
    levels = " or ".join(run.manifest["settings"]["confounded_by"])
    note = f"Confounded: another event that reaches the same {levels} has its first bar in the window."
    return Table(titled(run, "What remains without other events"), columns, rows, note=note)


def skipped_table(run: StudyRun) -> Table:
    """Count what is not in the study, by reason."""
    told = run.skipped
    rows = [
        [Cell(code, "code"), cell(int(count), "count"), Cell(word(reason), "prose")]
        for code, reason, count in _counted(told)
    ]
    columns = [
        Column("code", "Code", "code"),
        Column("count", "Count", "count"),
        Column("reason", "Why", "prose"),
    ]
    return Table(titled(run, "Not measured, by reason"), columns, rows, "Everything was measured.")


def _counted(told: pd.DataFrame) -> list[tuple[str, str, int]]:
    counts = Counter(zip(told["code"], told["reason"], strict=True))
    return [(code, reason, count) for (code, reason), count in counts.most_common(MOST_REASONS)]


def skipped_grid(run: StudyRun) -> Grid:
    """List what is not in the study, one by one."""
    columns = [
        Column("event_id", "Event", "code"),
        Column("symbol", "Symbol", "code"),
        *([Column("part", "Part")] if (run.skipped["part"] != "").any() else []),
        Column("code", "Code", "code"),
        Column("reason", "Why", "prose"),
    ]
    return _grid(
        run, "skipped", "Not measured, one by one", "rows", columns, run.skipped, "Everything was measured."
    )


def confounded_grid(run: StudyRun) -> Grid:
    """List the other events in the windows."""
    columns = [
        Column("event_id", "Event", "code"),
        Column("symbol", "Symbol", "code"),
        Column("level", "Shares the"),
        Column("other_event_id", "Other event", "code"),
        Column("other_tag", "Tag"),
        Column("other_direction", "Direction"),
        Column("offset", "Session", "count", "of the other event's first bar, in event time"),
    ]
    return _grid(
        run,
        "confounded",
        "Other events in the windows",
        "pairs",
        columns,
        run.confounded,
        "No other event fell into any.",
    )


def rows_grid(run: StudyRun) -> Grid:
    """List every row of the study with its cumulative abnormal returns."""
    told = run.rows[
        ["event_id", "symbol", "part", "tag", "direction", "phase", "side", "session", "observations"]
    ]
    columns = [
        Column("event_id", "Event", "code"),
        Column("symbol", "Symbol", "code"),
        *([Column("part", "Part")] if told["part"].nunique() > 1 else []),
        Column("tag", "Tag"),
        Column("direction", "Direction"),
        Column("phase", "Arrived"),
        Column("side", "Side", "side"),
        Column("session", "Session 0", "date"),
        Column("observations", "Fitted on", "count"),
    ]
    keys = ["event_id", "symbol", "part"]
    for first, last in run.manifest["settings"]["cars"]:
        one = run.car[(run.car["first"] == first) & (run.car["last"] == last)].set_index(keys)["car"]
        key = f"car_{first}_{last}"
        told = told.assign(**{key: one.reindex(pd.MultiIndex.from_frame(told[keys])).to_numpy()})
        columns.append(Column(key, f"CAR {first} to {last}".replace("-", "−"), "percent"))
    return _grid(
        run, "rows", "Every event on every instrument", "rows", columns, told, "Nothing was measured."
    )


def _grid(
    run: StudyRun, key: str, caption: str, noun: str, columns: list[Column], table: pd.DataFrame, empty: str
) -> Grid:
    shown = table.head(GRID_ROWS).reset_index(drop=True)
    rows = [list(row) for row in zip(*(column_values(shown, each) for each in columns), strict=True)]
    rest = len(table) - len(shown)
    note = f"{rest:,} more are in the folder of the study." if rest else ""
    return Grid(key, titled(run, caption), noun, columns, rows, empty, note=note)


def made_table(run: StudyRun) -> Table:
    """Say how a study was made: version, seed, hashes, what stood beside."""
    told = run.manifest
    beside = ", ".join(f"{place}: {word(name)}" for place, name in told["beside"].items())
    records = {
        "Made": word(told["created_at"]),
        "aftershock": word(told["aftershock"]),
        "Seed": word(told["seed"]),
        "Strategy": word(told["strategy"]),
        "Market, control group": beside or "none",
        "Counts": word(json.dumps({key: value for key, value in told["counts"].items() if key != "skipped"})),
        **{f"Hash of {key}": word(value) or UNDEFINED for key, value in told["hashes"].items()},
    }
    rows = [
        [Cell(key), Cell(value, "code" if key.startswith("Hash") else "word")]
        for key, value in records.items()
    ]
    return Table(titled(run, "How it was made"), [Column("what", "What"), Column("value", "")], rows)
