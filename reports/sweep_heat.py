"""Heat maps of sweeps: trials by two parameters, and what the browser needs to lay out any two of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from aftershock.engine.types import Floats
from aftershock.reports.drawing import Drawing
from aftershock.reports.sweep_words import CENTRES, measure_of, name_of, said, titled
from aftershock.reports.swept import Curves, Swept
from aftershock.reports.words import SIMULATED, defined, number, percent, visible, word

TOLD = ("total_return", "sharpe", "max_drawdown", "hit_rate", "trades")
"""Figures that a chosen trial is told with."""


def shade_of(value: float, figure: str, most: float) -> float:
    """Say how far a value lies from the middle of its scale, -1 to 1, by the root of its share."""
    away = value - CENTRES.get(figure, 0.0)
    return math.copysign(math.sqrt(min(1.0, abs(away) / most)), away) if most > 0 else 0.0


def heat_table(
    cells: pd.DataFrame, figure: str, x: str, y: str, *, outlined: tuple[int, int] | None = None
) -> str:
    """Write a figure by two parameters as a table whose cells are coloured; NaN is left blank.

    Parameters
    ----------
    cells : DataFrame
        Rows by ``y``, columns by ``x``.
    figure : str
        What it holds.
    x, y : str
        What the axes are called; ``y`` may be "".
    outlined : (row, column), optional
        The cell of the best trial.
    """
    numbers = cells.to_numpy(np.float64)
    away = np.abs(numbers - CENTRES.get(figure, 0.0))
    most = float(np.nanmax(away)) if np.isfinite(away).any() else 0.0
    head = "".join(f'<th scope="col" class="numeric">{escape(str(name))}</th>' for name in cells.columns)
    body = []
    for row, (name, values) in enumerate(zip(cells.index, numbers.tolist(), strict=True)):
        drawn = "".join(
            _heat_cell(value, figure, most, outlined == (row, column)) for column, value in enumerate(values)
        )
        body.append(f'<tr><th scope="row">{escape(str(name))}</th>{drawn}</tr>')
    corner = f"{y} ↓ {x} →" if y else f"{x} →"
    return (
        f'<table class="heat cells"><thead><tr><th scope="col" class="corner">{escape(corner)}</th>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def _heat_cell(value: float, figure: str, most: float, is_best: bool) -> str:
    if not defined(value):
        return '<td class="numeric blank" title="no trial has this figure"></td>'
    shade = shade_of(value, figure, most)
    style = "loss" if shade < 0 else "gain" if shade else "nil"
    best = " best" if is_best else ""
    return f'<td class="numeric {style}{best}" style="--shade:{abs(shade) * 62:.0f}%">{cell_text(value, figure)}</td>'


def cell_text(value: float, figure: str) -> str:
    r"""Write a value in as few characters as a cell of a heat map has room for.

    Examples
    --------
    >>> cell_text(0.0512, "total_return"), cell_text(1.456, "sharpe"), cell_text(-25_400.0, "pnl")
    ('5.1\xa0%', '1.46', '−25.4k')
    """
    kind = measure_of(figure).kind
    if kind in ("percent", "depth"):
        return percent(value, 1)
    if kind != "money":
        return number(value, 2)
    size, mark = next((pair for pair in ((1e6, "M"), (1e3, "k")) if abs(value) >= pair[0]), (1.0, ""))
    return number(value / size, 1 if mark else 0) + mark


def heatmap(
    cells: pd.DataFrame, figure: str, how: str, luck: float = math.nan, *, simulated: bool = False
) -> Drawing:
    """Draw trials by two parameters.

    Parameters
    ----------
    cells : DataFrame
        A figure by two parameters, its axes named; NaN is left blank.
    figure, how : str
        Which figure, and what stands for the trials of one cell.
    luck : float
        The 95th percentile of the best trial of sweeps on dates of no news.
    simulated : bool
        Whether prices are.

    Examples
    --------
    >>> drawn = heatmap(pd.DataFrame([[0.1, 0.4]], index=["off"], columns=[1, 5]), "sharpe", "median", 1.2)
    >>> drawn.words
    'The best that luck finds in one sweep of twenty: 1.20.'
    """
    x, y = (visible(str(name)) if name is not None else "" for name in (cells.columns.name, cells.index.name))
    found = f"The best that luck finds in one sweep of twenty: {said(luck, figure)}."
    words = found if defined(luck) else "No placebo says what luck finds."
    title = f"{SIMULATED} · " if simulated else ""
    title += f"{how.capitalize()} {name_of(figure)} of the trials of each cell"
    data = {"x": x, "y": y, figure: cells.to_numpy(np.float64).tolist()}
    return Drawing(
        "heatmap", title, words, f'<div class="scroll">{heat_table(cells, figure, x, y)}</div>', data
    )


def heat_figure(swept: Swept) -> Drawing | None:
    """Draw trials by two parameters, of which the reader picks axes, figure and what stands for a cell."""
    if not swept.laid:
        return None
    x, y = swept.pairs[0]
    cells = swept.laid[(x, y)]
    across, down = swept.bins[x][0], swept.bins[y][0] if y >= 0 else None
    table = pd.DataFrame(cells.median[swept.by], index=down.levels if down else ("",), columns=across.levels)
    outlined = None
    if swept.row >= 0:
        code = swept.codes[swept.row]
        outlined = (int(swept.bins[y][1][code[y]]) if y >= 0 else 0, int(swept.bins[x][1][code[x]]))
    drawn = heat_table(table, swept.by, across.label, down.label if down else "", outlined=outlined)
    markup = f'<div class="scroll" tabindex="0" role="region" aria-label="Heat map">{drawn}</div>'
    grouped = [
        axis.label
        for (axis, _), whole in zip(swept.bins, swept.axes, strict=True)
        if len(axis.levels) < len(whole.levels)
    ]
    lumped = f" Levels of {word(grouped)} are grouped." if grouped else ""
    words = (
        "Each cell stands for the trials of its two levels, whatever their other parameters: blue is a gain, orange a "
        f"loss. The outlined cell holds the best trial.{lumped} Press a cell for the equity of its best trial."
    )
    title = titled(swept, "Trials by two parameters")
    return Drawing("heat", title, words, markup, heat_data(swept), {"form": "heat", **_plain_heat(swept)})


def heat_data(swept: Swept) -> dict[str, Any]:
    """Give the numbers of the heat map that is drawn first."""
    x, y = swept.pairs[0]
    cells = swept.laid[(x, y)]
    return {
        "x": {"parameter": swept.axes[x].label, "levels": list(swept.bins[x][0].levels)},
        "y": {"parameter": swept.axes[y].label, "levels": list(swept.bins[y][0].levels)} if y >= 0 else None,
        "median": {figure: values.tolist() for figure, values in cells.median.items()},
        "best": {figure: values.tolist() for figure, values in cells.best.items()},
        "trial": {figure: values.tolist() for figure, values in cells.trial.items()},
        "trials": cells.trials.tolist(),
    }


def _plain_heat(swept: Swept) -> dict[str, Any]:
    """Write every pair of axes for the browser, and what it tells of the trials whose equity is kept."""
    chosen = _chosen(swept)
    return {
        "mark": SIMULATED if swept.simulated else "",
        "axes": [{"label": axis.label, "levels": list(axis.levels)} for axis, _ in swept.bins],
        "figures": [
            {"key": figure, "label": measure_of(figure).label, "kind": measure_of(figure).kind,
             "centre": CENTRES.get(figure, 0.0), "luck": _rounded(swept.luck[figure])}
            for figure in [swept.by, *(figure for figure in swept.figures if figure != swept.by)]
        ],
        "pairs": [
            {"x": x, "y": y, "median": _flat(cells.median), "best": _flat(cells.best),
             "trial": {figure: values.ravel().tolist() for figure, values in cells.trial.items()},
             "count": cells.trials.ravel().tolist()}
            for (x, y), cells in swept.laid.items()
        ],
        "best": _best_places(swept),
        "trials": chosen,
        "curves": _coded(swept.curves),
        "first": int(swept.trials["trial"].iloc[swept.row]) if swept.row >= 0 else None,
        "missing": swept.missing,
    }  # fmt: skip


def _best_places(swept: Swept) -> list[int]:
    """Give the place of the best trial on each axis of the heat maps."""
    if swept.row < 0:
        return []
    return [int(at[code]) for (_, at), code in zip(swept.bins, swept.codes[swept.row].tolist(), strict=True)]


def _chosen(swept: Swept) -> dict[str, Any]:
    """Tell of each trial that a cell may show: its number, its parameters, its figures."""
    shown = {
        number
        for cells in swept.laid.values()
        for at in cells.trial.values()
        for number in at.ravel().tolist()
    }
    numbers = np.array(sorted(shown - {-1}), np.int64)
    at = np.searchsorted(swept.trials["trial"].to_numpy(np.int64), numbers)
    told = swept.trials.iloc[at]
    return {
        "trial": numbers.tolist(),
        "levels": [list(axis.levels) if len(axis.levels) <= 2 * len(at) else None for axis in swept.axes],
        "codes": [
            swept.codes[at, place].tolist() if len(axis.levels) <= 2 * len(at)
            else [axis.levels[code] for code in swept.codes[at, place].tolist()]
            for place, axis in enumerate(swept.axes)
        ],
        "labels": [axis.label for axis in swept.axes],
        "figures": {figure: [_rounded(value) for value in told[figure].tolist()] for figure in TOLD},
        "names": {figure: [measure_of(figure).label, measure_of(figure).kind] for figure in TOLD},
    }  # fmt: skip


def _flat(parts: Mapping[str, Floats]) -> dict[str, list[float | None]]:
    return {
        figure: [_rounded(value) for value in values.ravel().tolist()] for figure, values in parts.items()
    }


def _rounded(value: Any) -> float | None:
    return float(f"{value:.6g}") if defined(value) else None


def _coded(curves: Curves | None) -> dict[str, Any] | None:
    """Write curves as steps in ten thousandths of the capital, from one date to the next."""
    if curves is None:
        return None
    steps = np.diff(np.round(curves.growth * 10_000).astype(np.int64), axis=1, prepend=10_000)
    return {"trials": curves.trials.tolist(), "days": curves.days.tolist(), "steps": steps.tolist()}
