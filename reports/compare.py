"""Runs side by side: the settings that differ, the figures, the growth, the trades that only some of them made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from aftershock.reports import figures
from aftershock.reports.located import unrooted
from aftershock.reports.pages import Block
from aftershock.reports.run import Run, settings_in
from aftershock.reports.tables import Cell, Column, Grid, Table, column_values, comparison_table
from aftershock.reports.words import SIMULATED, UNDEFINED, counted, word

SAME = ("event_id", "symbol", "side")
"""What makes two trades of different runs the same one."""


def comparison(runs: Sequence[Run], names: Sequence[str]) -> list[Block]:
    """Put together what is said of several runs at once.

    Parameters
    ----------
    runs : sequence of Run
    names : sequence of str
        What each is called.
    """
    growth = figures.comparison_figure(runs, names)
    return [
        Block([settings_table(runs, names), comparison_table(runs, names)]),
        Block([growth] if growth else []),
        Block([trades_apart(runs, names)]),
    ]


def settings_table(runs: Sequence[Run], names: Sequence[str]) -> Table:
    """List the settings in which the runs differ."""
    told = [settings(run) for run in runs]
    keys = list(dict.fromkeys(key for each in told for key in each))
    rows = [
        [Cell(key), *(Cell(each.get(key, UNDEFINED), "word") for each in told)]
        for key in keys
        if len({each.get(key) for each in told}) > 1
    ]
    mark = f"{SIMULATED} · " if any(run.simulated for run in runs) else ""
    columns = [Column("setting", "Setting"), *(Column(name, name) for name in names)]
    same = sum(len({each.get(key) for each in told}) == 1 for key in keys)
    note = f"{counted(same, 'settings')} are the same in all." if rows else ""
    return Table(f"{mark}Settings that differ", columns, rows, "All settings are the same.", note)


def settings(run: Run) -> dict[str, str]:
    """Read the settings of a run's experiment as text by dotted key; of one that cannot be read, none."""
    return dict(_flat("", unrooted(settings_in(run.experiment), run.folder)))


def _flat(key: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [pair for inner in value for pair in _flat(f"{key}.{inner}" if key else inner, value[inner])]
    return [(key, word(value) if not isinstance(value, bool) else str(value).lower())]


def trades_apart(runs: Sequence[Run], names: Sequence[str]) -> Grid:
    """List the trades that not all of the runs made, each with the runs that made it."""
    made = [set(_keys(run)) for run in runs]
    everywhere = set.intersection(*made)
    mark = f"{SIMULATED} · " if any(run.simulated for run in runs) else ""
    columns = [
        Column("event_id", "Event", "code"),
        Column("symbol", "Symbol", "code"),
        Column("side", "Side", "side"),
        Column("entry_session", "Entry", "date"),
        Column("only", "Made by"),
        Column("return", "Net return", "percent", "in the first run that made it"),
        Column("outcome", "Where not made", "prose", "what became of the signal in the other runs"),
    ]
    rows = [
        row for place in range(len(runs)) for row in _apart(runs, names, made, everywhere, place, columns)
    ]
    counts = [counted(len(own - everywhere), "trades") for own in made]
    note = "; ".join(f"{name}: {count} not in all" for name, count in zip(names, counts, strict=True))
    caption = f"{mark}Trades that not all runs made"
    return Grid(
        "apart",
        caption,
        "trades",
        columns,
        rows,
        "All runs made the same trades.",
        "entry_session",
        note=note,
    )


def _keys(run: Run) -> list[tuple[str, str, int]]:
    if not set(SAME) <= set(run.trades.columns):
        return []
    rows = zip(*(run.trades[key] for key in SAME), strict=True)
    return [(str(event), str(symbol), int(side)) for event, symbol, side in rows]


def _apart(
    runs: Sequence[Run],
    names: Sequence[str],
    made: Sequence[set[tuple[str, str, int]]],
    everywhere: set[tuple[str, str, int]],
    place: int,
    columns: Sequence[Column],
) -> list[list[Any]]:
    """List the trades of one run that not all made and none before it did."""
    keys = pd.Series(_keys(runs[place]), dtype=object)
    earlier: set[tuple[str, str, int]] = set().union(*made[:place])
    rows = [at for at, key in enumerate(keys) if key not in everywhere and key not in earlier]
    told = runs[place].trades.iloc[rows].reset_index(drop=True)
    chosen = keys.iloc[rows].tolist()
    others = [_outcomes(run) for run in runs]
    told = told.assign(
        only=[_makers(key, names, made) for key in chosen],
        outcome=[_elsewhere(key, names, made, others) for key in chosen],
    )
    return [list(row) for row in zip(*(column_values(told, each) for each in columns), strict=True)]


def _makers(
    key: tuple[str, str, int], names: Sequence[str], made: Sequence[set[tuple[str, str, int]]]
) -> str:
    return ", ".join(name for name, own in zip(names, made, strict=True) if key in own)


def _elsewhere(
    key: tuple[str, str, int],
    names: Sequence[str],
    made: Sequence[set[tuple[str, str, int]]],
    outcomes: Sequence[Mapping[tuple[str, str], str]],
) -> str:
    told = [
        f"{name}: {known.get(key[:2], 'no signal')}"
        for name, own, known in zip(names, made, outcomes, strict=True)
        if key not in own
    ]
    return "; ".join(told)


def _outcomes(run: Run) -> dict[tuple[str, str], str]:
    if not {"event_id", "symbol", "outcome"} <= set(run.audit.columns):
        return {}
    rows = zip(run.audit["event_id"], run.audit["symbol"], run.audit["outcome"], strict=True)
    return {(str(event), str(symbol)): str(outcome) for event, symbol, outcome in rows}
