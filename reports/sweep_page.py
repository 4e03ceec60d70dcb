"""The page of a sweep: is the best more than luck finds, is it a plateau, what does the whole grid look like."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from aftershock.reports import figures, sweep_figures, sweep_heat
from aftershock.reports.cards import Card, best_dates_card
from aftershock.reports.drawing import Drawing, rows
from aftershock.reports.html import page
from aftershock.reports.located import without_roots
from aftershock.reports.pages import Block, Chapter, Listing, numbers_in
from aftershock.reports.sweep_figures import histogram
from aftershock.reports.sweep_words import CENTRES, form_of, measure_of, name_of, said, titled
from aftershock.reports.swept import PLATEAU, SPIKE, Swept, share_above
from aftershock.reports.tables import Cell, Column, Grid, Table, cell
from aftershock.reports.words import UNDEFINED, counted, defined, number, percent, visible

CHANCE = 0.05
"""How often luck may find as much for the best to be called more than that."""
TABLED = 10_000
"""Trials that the page lists."""
COLUMNS = (
    "sharpe", "total_return", "cagr", "volatility", "max_drawdown", "sortino", "calmar", "hit_rate", "profit_factor",
    "trades", "exposure", "costs", "pnl",
)  # fmt: skip
"""Figures of the list of trials."""


def render_sweep(swept: Swept, *, brief: bool = False) -> str:
    """Write a sweep as one self-contained HTML page.

    Parameters
    ----------
    swept : Swept
        The same sweep gives the same text.
    brief : bool
        Leave out what needs a script: what a notebook shows.

    Returns
    -------
    str
        HTML that loads nothing and runs no script but its own.
    """
    return page(
        "sweep.html",
        simulated=[swept.name] if swept.simulated else [],
        brief=brief,
        version=swept.version,
        extra=() if brief else ("sweep.js",),
        name=swept.name,
        told=swept.told,
        findings=findings(swept),
        chips=chips(swept),
        cards=cards(swept),
        caveats=caveats(swept),
        chapters=chapters(swept, brief=brief),
    )


def numbers_of(swept: Swept) -> dict[str, Any]:
    """Give the numbers behind every figure of a sweep's page, by its name."""
    return numbers_in(chapters(swept, brief=True))


# ------------------------------------------------------------------------------------------- in words


def findings(swept: Swept) -> list[str]:
    """Say in sentences what a sweep found: the first is the verdict."""
    if swept.row < 0:
        least = counted(swept.least, "trades")
        return [
            f"Nothing to judge: none of {counted(len(swept), 'trials')} has {least} and a {name_of(swept.by)}."
        ]
    return [verdict(swept), _on_best(swept), *_on_plateau(swept), _on_all(swept)]


def verdict(swept: Swept) -> str:
    """Say whether the best is more than luck finds."""
    best, p, luck = (float(swept.top[key].iloc[0]) for key in (swept.by, "p_value", "luck"))
    figure = f"a {name_of(swept.by)} of {said(best, swept.by)}"
    whole = f"the best of {counted(len(swept), 'trials')} has {figure}"
    if not defined(p):
        return f"Nobody can tell whether it is luck: {whole}, and no placebo says what luck alone would have found."
    found = f"on dates of no news one sweep in twenty finds {said(luck, swept.by)} or more"
    if p > CHANCE and (1 / (1 + len(swept.placebo))) > CHANCE:
        return (
            f"Too few placebos to tell: {whole}, and {counted(len(swept.placebo), 'sweeps')} on dates of no news "
            f"reach {said(luck, swept.by)}."
        )
    if p > CHANCE:
        return f"No more than luck finds: {whole}; {found}, and {percent(p, 0)} find as much as this one."
    return f"More than luck finds: {whole}; {found}, and as much as this comes by luck in {percent(p, 1)} of sweeps."


def _on_best(swept: Swept) -> str:
    row = swept.trials.iloc[swept.row]
    return (
        f"The best is trial {int(row['trial'])} ({swept.settings(swept.row)}): "
        f"{counted(int(row['trades']), 'trades')} returned {percent(row['total_return'])} in all with a deepest "
        f"drawdown of {percent(row['max_drawdown'])}. It was chosen with hindsight: expect less of it from here."
    )


def _on_plateau(swept: Swept) -> list[str]:
    if not swept.neighbours or not defined(swept.kept):
        return []
    return [f"It stands on {_shape(swept.kept)[1]}: {sweep_figures.on_neighbours(swept)}"]


def _shape(kept: float) -> tuple[str, str]:
    """Give a verdict and its words for what neighbours keep of the lead of the best."""
    if kept >= PLATEAU:
        return "yes", "a plateau"
    return ("no", "a spike") if kept < SPIKE else ("open", "a slope")


def _on_all(swept: Swept) -> str:
    known = swept.values[np.isfinite(swept.values)]
    centre = CENTRES.get(swept.by, 0.0)
    above = share_above(swept, centre)
    return (
        f"Of all trials {percent(above, 0)} have a {name_of(swept.by)} above {said(centre, swept.by)}; the median "
        f"trial has {said(float(np.median(known)), swept.by)}."
    )


def chips(swept: Swept) -> list[tuple[str, str]]:
    """Say in a few words each what weighs most."""
    placebos = len(swept.placebo)
    found = [
        (counted(len(swept), "trials"), "plain", True),
        (
            f"a {'sample' if swept.sampled else 'grid'} of {counted(len(swept.axes), 'parameters')}",
            "plain",
            True,
        ),
        (
            f"{counted(placebos, 'placebos')}" if placebos else "no placebo",
            "plain" if placebos >= 20 else "warn",
            True,
        ),
        ("simulated prices", "warn", swept.simulated),
        (
            "survivorship: only what is listed today",
            "warn",
            any("urvivorship" in line for line in swept.caveats),
        ),
    ]
    return [(text, kind) for text, kind, holds in found if holds]


def caveats(swept: Swept) -> list[str]:
    """Say what has to be known before a sweep is believed."""
    few = int((~swept.enough).sum())
    lines = list(swept.caveats)
    lines.append(
        "Placebos keep how signals cluster by date, year and venue, and move each event date to another of its year: "
        "what is left is luck in the choice among these very trials. What was tried before and left out of the grid is "
        "not counted."
    )
    if few:
        lines.append(
            f"{counted(few, 'trials')} of fewer than {counted(swept.least, 'trades')} are no candidates for the best."
        )
    if swept.missing:
        lines.append(swept.missing)
    return lines


# ---------------------------------------------------------------------------------------------- cards


def cards(swept: Swept) -> list[Card]:
    """Answer what a reader asks of a sweep."""
    told = [_luck_card(swept), _plateau_card(swept), _grid_card(swept), _effect_card(swept)]
    if swept.best is not None:
        told.append(best_dates_card(swept.best))
    return told


def _luck_card(swept: Swept) -> Card:
    question, caption = "Is the best more than luck finds?", "of placebo sweeps find as much"
    if swept.row < 0 or not len(swept.placebo):
        why = (
            "No trial has trades enough."
            if swept.row < 0
            else "No placebo was run: repeat the sweep with placebo = 200."
        )
        return Card("luck", question, UNDEFINED, caption, "open", "cannot be told", why)
    best, p, luck = (float(swept.top[key].iloc[0]) for key in (swept.by, "p_value", "luck"))
    sure = p <= CHANCE
    marks = [(best, "best", "ink"), (luck, "luck, 95 %", "dashed ink")]
    drawn, _ = histogram(
        swept.placebo[swept.by].to_numpy(np.float64), swept.by, marks, nouns="sweeps", height=5.5, columns=18
    )
    middle = float(np.nanmedian(swept.placebo[swept.by]))
    answer = (
        f"The best {name_of(swept.by)} is {said(best, swept.by)}. The same sweep on shuffled event dates was run "
        f"{number(len(swept.placebo), 0)} times: in the middle its best is {said(middle, swept.by)}, in one of twenty "
        f"{said(luck, swept.by)} or more."
    )
    few = 1 / (1 + len(swept.placebo)) > CHANCE
    told = "more than luck" if sure else "too few placebos" if few else "no more than luck"
    kind = "yes" if sure else "open" if few else "no"
    return Card("luck", question, percent(p, 1), caption, kind, told, answer, drawn)


def _plateau_card(swept: Swept) -> Card:
    question, caption = "Is it a plateau or a spike?", "of its lead over the median trial its neighbours keep"
    if not defined(swept.kept):
        why = "The best has no neighbour with trades enough on an axis of numbers, or no lead."
        return Card("plateau", question, UNDEFINED, caption, "open", "cannot be told", why)
    verdict, words = _shape(swept.kept)
    answer = (
        f"{sweep_figures.on_neighbours(swept)} From {percent(PLATEAU, 0)} it is called a plateau, below "
        f"{percent(SPIKE, 0)} a spike."
    )
    drawn = sweep_figures.neighbour_rows(swept, most=6)
    return Card("plateau", question, percent(swept.kept, 0), caption, verdict, words, answer, drawn)


def _grid_card(swept: Swept) -> Card:
    question = "What does the whole grid look like?"
    centre = CENTRES.get(swept.by, 0.0)
    caption = f"of trials have a {name_of(swept.by)} above {said(centre, swept.by)}"
    above = share_above(swept, centre)
    if not defined(above):
        return Card(
            "whole", question, UNDEFINED, caption, "open", "cannot be told", "No trial has the figure."
        )
    middle = float(np.nanmedian(swept.values))
    marks = [(middle, "median", "ink")]
    drawn, _ = histogram(swept.values, swept.by, marks, nouns="trials", height=5.5, columns=24)
    verdict = "yes" if above >= 0.75 else "no" if above < 0.5 else "open"
    words = {"yes": "most trials gain", "no": "most trials lose", "open": "mixed"}[verdict]
    low, high = np.nanquantile(swept.values, [0.05, 0.95])
    answer = (
        f"The median trial has {said(middle, swept.by)}; nine in ten lie between {said(low, swept.by)} and "
        f"{said(high, swept.by)}. An idea that works does so for most of its parameters."
    )
    return Card("whole", question, percent(above, 0), caption, verdict, words, answer, drawn)


def _effect_card(swept: Swept) -> Card:
    question, caption = "Which parameter matters?", "moves the median most"
    if not swept.axes:
        return Card(
            "effect", question, UNDEFINED, caption, "open", "none varies", "Each parameter has one level."
        )
    order = np.argsort([-one for one in swept.effects], kind="stable").tolist()
    bars = [sweep_figures.effect_bar(swept, place) for place in order]
    most = bars[0]
    answer = (
        f"{most.label}: {most.title}. Bars go from the lowest to the highest median {name_of(swept.by)} of the "
        "levels of each parameter."
    )
    drawn = rows(bars[:6], form_of(swept.by), axis=False, compact=True)
    return Card("effect", question, most.label, caption, "open", "read with the heat map", answer, drawn)


# ------------------------------------------------------------------------------------------- chapters


def chapters(swept: Swept, *, brief: bool = False) -> list[Chapter]:
    """Put together what a page says of a sweep."""
    told = [
        Chapter("luck", "Is the best more than luck finds?", "Luck", [
            _block(sweep_figures.placebo_figure(swept)), Block([top_table(swept)]),
        ]),
        Chapter("grid", "What does the whole grid look like?", "The grid", [
            _block(sweep_figures.grid_figure(swept)),
            _block(sweep_heat.heat_figure(swept)),
            _block(sweep_figures.parallel_figure(swept)),
            _block(sweep_figures.effects_figure(swept)),
        ]),
        Chapter("plateau", "Plateau or spike?", "Plateau", [
            _block(sweep_figures.slices_figure(swept)), _block(sweep_figures.neighbours_figure(swept)),
        ]),
        Chapter("best", "The best trials", "The best", [
            _block(sweep_figures.growth_figure(swept)),
            _block(None if swept.best is None else figures.dates_figure(swept.best)),
        ]),
    ]  # fmt: skip
    told = [chapter for chapter in told if any(block.items for block in chapter.blocks)]
    if brief:
        return told
    listing = Listing(
        titled(swept, "The experiment, every default written out"), visible(without_roots(swept.experiment))
    )
    return [
        *told,
        Chapter("trials", "Show me the trials", "Trials", [Block([trials_grid(swept)])]),
        Chapter("made", "How it was made", "Making", [Block([listing])]),
    ]


def _block(*items: Drawing | None) -> Block:
    return Block([item for item in items if item is not None])


def top_table(swept: Swept) -> Table:
    """List the best trials with what luck finds."""
    shown = dict.fromkeys([swept.by, "total_return", "max_drawdown", "hit_rate", "trades"])
    columns = [
        Column("trial", "Trial", "count"),
        *(
            Column(f"axis-{place}", axis.label, "number" if axis.ordered else "text")
            for place, axis in enumerate(swept.axes)
        ),
        *(Column(figure, measure_of(figure).label, measure_of(figure).kind) for figure in shown),
        Column(
            "p_value",
            "Chance by luck",
            "percent",
            "share of placebo sweeps, this one included, whose best is as good",
        ),
    ]
    rows = []
    for row in swept.top.index.tolist():
        told = swept.top.loc[row]
        levels = [axis.levels[code] for axis, code in zip(swept.axes, swept.codes[row].tolist(), strict=True)]
        kinds = ["number" if axis.ordered else "text" for axis in swept.axes]
        rows.append([
            Cell(str(int(told["trial"])), "count"),
            *(Cell(level, kind) for level, kind in zip(levels, kinds, strict=True)),
            *(cell(told[figure], measure_of(figure).kind) for figure in shown),
            cell(told["p_value"], "percent"),
        ])  # fmt: skip
    caption = titled(swept, f"The best trials by {name_of(swept.by)}")
    note = "All but the first are chosen among what the first left: read their chances as those of a best."
    return Table(caption, columns, rows, "No trial has trades enough.", note if len(rows) > 1 else "")


def trials_grid(swept: Swept) -> Grid:
    """List trials, the best first, as many as the page holds."""
    shown = [figure for figure in COLUMNS if figure in swept.trials]
    order = np.argsort(-np.where(np.isnan(swept.values), -math.inf, swept.values), kind="stable")[:TABLED]
    told = swept.trials.iloc[order]
    columns = [
        Column("trial", "Trial", "level"),
        *(
            Column(f"axis-{place}", axis.label, "level" if axis.ordered else "text")
            for place, axis in enumerate(swept.axes)
        ),
        *(
            Column(figure, measure_of(figure).label, _kind(figure), measure_of(figure).note)
            for figure in shown
        ),
        Column("path", "Exits by"),
    ]
    values: list[Sequence[Any]] = [told["trial"].tolist()]
    values += [_levels(swept, place, order) for place in range(len(swept.axes))]
    values += [_plain(told[figure]) for figure in shown]
    values.append(told["path"].astype(str).tolist())
    left = len(swept) - len(order)
    note = (
        f"The page lists the best {counted(len(order), 'trials')} by {name_of(swept.by)}; trials.parquet has all."
        if left
        else ""
    )
    caption = titled(swept, f"{'Trials' if left else 'All trials'}, the best by {name_of(swept.by)} first")
    rows = [list(row) for row in zip(*values, strict=True)]
    return Grid("trials", caption, "trials", columns, rows, "There is no trial.", digits=0, note=note)


def _levels(swept: Swept, place: int, rows: Any) -> list[Any]:
    """Give the levels of trials on an axis: numbers in full, None where one is off, else their words."""
    axis, codes = swept.axes[place], swept.codes[rows, place].tolist()
    if not axis.ordered:
        return [axis.levels[code] for code in codes]
    column = swept.trials[swept.columns[place]].iloc[rows]
    return [float(f"{value:.10g}") if defined(value) else None for value in column.tolist()]


def _kind(figure: str) -> str:
    """Give the kind of a figure's column: a drawdown is below zero already."""
    kind = measure_of(figure).kind
    return "percent" if kind == "depth" else kind


def _plain(column: Any) -> list[float | None]:
    return [float(f"{value:.6g}") if defined(value) else None for value in column.tolist()]
