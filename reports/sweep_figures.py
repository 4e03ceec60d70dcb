"""Figures of sweeps: what luck finds, the whole grid, slices through the best, parallel coordinates, equities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from aftershock.engine.types import Floats
from aftershock.reports.drawing import (
    Bar,
    Drawing,
    Frame,
    Line,
    Panel,
    rows,
    short,
    spread,
    ticks,
    timeline,
)
from aftershock.reports.sweep_words import CENTRES, form_of, measure_of, name_of, said, titled
from aftershock.reports.swept import Axis, Swept
from aftershock.reports.words import (
    UNDEFINED,
    counted,
    defined,
    number,
    percent,
)

COLUMNS = 40
"""Bars of a histogram."""
LINES = 240
"""Trials that parallel coordinates draw."""


# ------------------------------------------------------------------------------------------- histograms


def histogram(
    values: Floats,
    figure: str,
    marks: Sequence[tuple[float, str, str]],
    *,
    nouns: str,
    height: float = 11.0,
    columns: int = COLUMNS,
) -> tuple[str, dict[str, Any]]:
    """Draw how values spread, with others marked.

    Parameters
    ----------
    values : ndarray of float64
        Unknown ones are left out.
    figure : str
        What they are.
    marks : sequence of (value, words, class)
        What is marked by a line with its words.
    nouns : str
        What the values belong to, in the plural.
    height : float
        In rem.
    columns : int
        How many bars.

    Returns
    -------
    markup : str
    data : dict
        ``edges`` and ``counts``.
    """
    known = values[np.isfinite(values)]
    low, high = spread(
        [*(known[[known.argmin(), known.argmax()]] if len(known) else []), *(m[0] for m in marks)], pad=0.02
    )
    counts, edges = np.histogram(known, columns, (low, high))
    frame = Frame((low, high), (0.0, max(1.0, float(counts.max())) * 1.22), height)
    form = form_of(figure)
    frame.y_axis(short, 3)
    gap = (high - low) / columns * 0.06
    centre = CENTRES.get(figure, 0.0)
    for left, right, count in zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True):
        if count:
            style = "gain" if (left + right) / 2 >= centre else "loss"
            title = f"{said(left, figure)} to {said(right, figure)}: {counted(count, nouns)}"
            frame.rect((left + gap, right - gap), (0.0, count), style, title)
    for place, (value, words, style) in enumerate(sorted(mark for mark in marks if defined(mark[0]))):
        frame.rule(x=value, style=f"rule {style}", above=True)
        far = value > low + 0.6 * (high - low)
        frame.say(value, frame.y[1] * (1 - 0.075 * place), words, "left-of" if far else "right")
    frame.x_axis([(value, form(value)) for value in ticks(low, high, 6)])
    return frame.markup(), {"edges": edges.tolist(), "counts": counts.tolist()}


def placebo_figure(swept: Swept) -> Drawing | None:
    """Draw the best of each sweep on dates of no news beside the best of this one; None without placebos."""
    if not len(swept.placebo) or swept.row < 0:
        return None
    found = swept.placebo[swept.by].to_numpy(np.float64)
    best, luck = float(swept.values[swept.row]), swept.luck[swept.by]
    marks = [
        (best, f"this sweep {said(best, swept.by)}", "ink"),
        (luck, f"95 % of luck {said(luck, swept.by)}", "dashed ink"),
    ]
    markup, data = histogram(found, swept.by, marks, nouns="sweeps", columns=min(COLUMNS, 24))
    reached = int((found >= best).sum())
    words = (
        f"The best {name_of(swept.by)} of each of {counted(len(found), 'sweeps')} of the same "
        f"{counted(len(swept), 'trials')} on shuffled event dates. "
        f"{number(reached, 0)} of them found as much as this sweep; one in twenty finds "
        f"{said(luck, swept.by)} or more."
    )
    return Drawing(
        "placebo", titled(swept, "What luck finds: the best of sweeps on dates of no news"), words, markup,
        {"best": best, "luck": luck, "reached": reached, "placebos": found.tolist(), **data},
    )  # fmt: skip


def grid_figure(swept: Swept) -> Drawing | None:
    """Draw how the figure spreads over all trials, with best, median and luck; None where it is known of none."""
    known = swept.values[np.isfinite(swept.values)]
    if not len(known):
        return None
    middle = float(np.median(known))
    marks = [(middle, f"median {said(middle, swept.by)}", "ink")]
    if swept.row >= 0:
        marks.append(
            (float(swept.values[swept.row]), f"best {said(swept.values[swept.row], swept.by)}", "ink")
        )
    luck = swept.luck[swept.by]
    if defined(luck):
        marks.append((luck, f"best by luck, 95 % {said(luck, swept.by)}", "dashed ink"))
    markup, data = histogram(swept.values, swept.by, marks, nouns="trials", height=14)
    above = float((known > CENTRES.get(swept.by, 0.0)).mean())
    beyond = (
        f" {counted(int((known > luck).sum()), 'trials')} lie above what luck finds." if defined(luck) else ""
    )
    unknown = len(swept) - len(known)
    left = f" Of {counted(unknown, 'trials')} the figure is undefined." if unknown else ""
    words = (
        f"The {name_of(swept.by)} of {counted(len(known), 'trials')}: {percent(above, 0)} are above "
        f"{said(CENTRES.get(swept.by, 0.0), swept.by)}.{beyond}{left}"
    )
    told = {
        "median": middle,
        "luck": luck,
        "best": float(swept.values[swept.row]) if swept.row >= 0 else math.nan,
    }
    return Drawing(
        "grid",
        titled(swept, f"The whole grid: {name_of(swept.by)} of every trial"),
        words,
        markup,
        {**told, **data},
    )


# ------------------------------------------------------------------------------------ plateau or spike


def neighbours_figure(swept: Swept) -> Drawing | None:
    """Draw the neighbours of the best trial beside it; None where it has none."""
    if not swept.neighbours:
        return None
    best = float(swept.values[swept.row])
    title = titled(swept, "The neighbours of the best trial")
    return Drawing("neighbours", title, on_neighbours(swept), neighbour_rows(swept), {
        "best": best, "kept": swept.kept,
        "neighbours": [one._asdict() for one in swept.neighbours],
    })  # fmt: skip


def neighbour_rows(swept: Swept, *, most: int = 20) -> str:
    """Write the best trial and its neighbours as a chart of rows, with the median of all trials."""
    best, middle = float(swept.values[swept.row]), float(np.nanmedian(swept.values))
    bars = [
        Bar("the best", best, said(best, swept.by), style="total", title=swept.settings(swept.row)),
        *(
            Bar(one.changed, one.value, said(one.value, swept.by), title=f"trial {one.trial}")
            for one in swept.neighbours[:most]
        ),
        Bar("median of all", middle, said(middle, swept.by), style="soft"),
    ]  # fmt: skip
    return rows(bars, form_of(swept.by), axis=False, compact=True)


def on_neighbours(swept: Swept) -> str:
    """Say how the neighbours of the best do."""
    beside = float(np.median([one.value for one in swept.neighbours]))
    what = "nearest trials" if swept.sampled else "neighbours, one level away on one axis,"
    told = (
        f"The {number(len(swept.neighbours), 0)} {what} have a median {name_of(swept.by)} of "
        f"{said(beside, swept.by)}; the best has {said(swept.values[swept.row], swept.by)}, the median of all trials "
        f"{said(np.nanmedian(swept.values), swept.by)}."
    )
    return f"{told} They keep {percent(swept.kept, 0)} of its lead." if defined(swept.kept) else told


def slices_figure(swept: Swept) -> Drawing | None:
    """Draw the figure along each axis of numbers, the others held at the best; None where no two trials are."""
    if swept.row < 0:
        return None
    own, found = swept.codes[swept.row], []
    for place, axis in enumerate(swept.axes):
        rest = np.delete(swept.codes, place, axis=1) == np.delete(own, place)
        on = np.flatnonzero(rest.all(axis=1) & np.isfinite(swept.values))
        if axis.ordered and len(on) > 1:
            on = on[np.argsort(swept.codes[on, place], kind="stable")]
            found.append((axis, swept.codes[on, place].tolist(), swept.values[on].tolist(), int(own[place])))
    if not found:
        return None
    luck = swept.luck[swept.by]
    scale = spread([value for _, _, values, _ in found for value in values] + [luck], zero=True)
    drawn, data = [], {}
    for axis, codes, values, best in found:
        frame = Frame((-0.4, len(axis.levels) - 0.6), scale, 9)
        frame.y_axis(form_of(swept.by), 3)
        if defined(luck):
            frame.rule(y=luck, style="rule dashed")
        frame.line(codes, values, "line s1")
        for code, value in zip(codes, values, strict=True):
            style = "dot exit" if code == best else "dot s1"
            frame.dot(code, value, style, f"{axis.label} {axis.levels[code]}: {said(value, swept.by)}")
        step = max(1, math.ceil(len(axis.levels) / 8))
        frame.x_axis([(code, axis.levels[code]) for code in range(0, len(axis.levels), step)])
        drawn.append(f'<div><p class="axis">{escape(axis.label)}</p>{frame.markup()}</div>')
        data[axis.label] = {"levels": [axis.levels[code] for code in codes], swept.by: values}
    line = " The dashed line is what luck finds at best in one sweep of twenty." if defined(luck) else ""
    words = (
        f"Along each axis all other parameters are those of the best trial, which the large dot marks. A plateau stays "
        f"high beside it, a spike falls off.{line}"
    )
    title = titled(swept, f"Slices through the best trial: {name_of(swept.by)}")
    return Drawing("slices", title, words, f'<div class="multiples">{"".join(drawn)}</div>', data)


def effects_figure(swept: Swept) -> Drawing | None:
    """Draw the median of the figure over the trials of each level of each axis; None where no axis varies."""
    if not swept.axes:
        return None
    order = np.argsort([-one for one in swept.effects], kind="stable").tolist()
    bars, data = [], {}
    for place in order:
        axis, medians = swept.grouped[place][0], swept.levels[place]
        bars.append(effect_bar(swept, place))
        data[axis.label] = {"levels": list(axis.levels), "median": medians.tolist()}
    words = (
        f"From the lowest to the highest median {name_of(swept.by)} of the trials of one level, all other "
        "parameters as they come. The longer a bar, the more the parameter matters."
    )
    return Drawing(
        "effects", titled(swept, "Which parameter matters"), words, rows(bars, form_of(swept.by)), data
    )


def effect_bar(swept: Swept, place: int) -> Bar:
    """Give the row of an axis: from its worst level to its best, by their medians."""
    axis, medians = swept.grouped[place][0], swept.levels[place]
    known = np.flatnonzero(np.isfinite(medians))
    if not len(known):
        return Bar(axis.label, math.nan, UNDEFINED)
    low, high = known[medians[known].argmin()], known[medians[known].argmax()]
    ends = [f"at {axis.levels[place]} ({said(medians[place], swept.by)})" for place in (low, high)]
    title = f"lowest {ends[0]}, highest {ends[1]}"
    text = f"best at {axis.levels[high]}"
    return Bar(axis.label, float(medians[high]), text, start=float(medians[low]), style="soft", title=title)


# --------------------------------------------------------------------------------- parallel coordinates


def parallel_figure(swept: Swept) -> Drawing | None:
    """Draw trials as lines across all axes to their figure: the best in colour, others drawn evenly by rank."""
    known = np.flatnonzero(np.isfinite(swept.values) & swept.enough)
    if len(swept.axes) < 2 or len(known) < 2:
        return None
    ranked = known[np.argsort(-swept.values[known], kind="stable")]
    top = ranked[: max(5, min(len(ranked) // 20, LINES // 4))]
    rest = ranked[len(top) :]
    if len(rest) > LINES - len(top):
        rest = rest[np.linspace(0, len(rest) - 1, LINES - len(top)).astype(np.int64)]
    low, high = float(swept.values[known].min()), float(swept.values[known].max())
    sides = len(swept.axes)
    frame = Frame((0.0, sides), (-0.04, 1.04), 19)
    for place, axis in enumerate(swept.axes):
        frame.rule(x=place, style="rule ink")
        count = len(axis.levels)
        for code in range(0, count, _step(axis)):
            frame.say(place, _up(code, count), axis.levels[code], "fill level")
    frame.rule(x=sides, style="rule ink")
    for value in ticks(low, high, 5):
        frame.say(sides, (value - low) / ((high - low) or 1.0), form_of(swept.by)(value), "fill level")
    frame.x_axis(
        [*((place, axis.label) for place, axis in enumerate(swept.axes)), (sides, measure_of(swept.by).label)]
    )
    drawn = [(int(row), "line soft") for row in rest[::-1]] + [(int(row), "line s1") for row in top[::-1]]
    for row, style in drawn:
        ys = [
            _up(code, len(axis.levels))
            for axis, code in zip(swept.axes, swept.codes[row].tolist(), strict=True)
        ]
        came = f"{name_of(swept.by)} {said(swept.values[row], swept.by)}"
        told = f"trial {int(swept.trials['trial'].iloc[row])}: {swept.settings(row)}; {came}"
        frame.line([*range(sides + 1)], [*ys, (swept.values[row] - low) / ((high - low) or 1.0)], style, told)
    words = (
        f"Each line is a trial, from its parameters to its {name_of(swept.by)} at the right. In colour the best "
        f"{number(len(top), 0)}; grey are {number(len(rest), 0)} of the other {number(len(ranked) - len(top), 0)}, "
        "taken evenly by rank. "
        "Where coloured lines meet, the best trials agree."
    )
    region = '<div class="scroll parallel" tabindex="0" role="region" aria-label="Parallel coordinates">'
    markup = f"{region}{frame.markup()}</div>"
    data = {
        "best": swept.trials["trial"].iloc[top].tolist(),
        "others": swept.trials["trial"].iloc[rest].tolist(),
    }
    live = {
        "form": "parallel",
        "axes": [
            {"label": axis.label, "levels": list(axis.levels[:: _step(axis)]), "step": _step(axis)}
            for axis in swept.axes
        ],
        "codes": swept.codes[[row for row, _ in drawn]].tolist(),
        "values": [float(f"{swept.values[row]:.6g}") for row, _ in drawn],
        "figure": [measure_of(swept.by).label, measure_of(swept.by).kind],
    }
    return Drawing("parallel", titled(swept, "All parameters at once"), words, markup, data, live)


def _step(axis: Axis) -> int:
    """Give how many levels share one label of an axis."""
    return max(1, math.ceil(len(axis.levels) / 12))


def _up(code: int, count: int) -> float:
    return code / (count - 1) if count > 1 else 0.5


# ------------------------------------------------------------------------------------------ the equity


def growth_figure(swept: Swept) -> Drawing | None:
    """Draw the growth of the best trials on one time axis; None where no equity is kept."""
    if swept.curves is None or swept.row < 0:
        return None
    place = {trial: at for at, trial in enumerate(swept.curves.trials.tolist())}
    shown = [trial for trial in swept.top["trial"].tolist() if trial in place][:5]
    lines = [
        Line(f"trial {trial}", swept.curves.growth[place[trial]].tolist(), f"s{1 + at}")
        for at, trial in enumerate(shown)
    ]
    if not lines:
        return None
    days = swept.curves.days.tolist()
    markup, live = timeline(days, [Panel("equity over starting capital", "number", 14, lines)])
    words = (
        f"Growth of one unit of capital in the best {counted(len(lines), 'trials')} by {name_of(swept.by)}, on "
        f"{counted(len(days), 'dates')}."
    )
    data = {"days": days, **{line.name: line.values for line in lines}}
    return Drawing("growth", titled(swept, "Equity of the best trials"), words, markup, data, live)
