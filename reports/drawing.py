"""Drawings of HTML and SVG: they need no script, take the colours of the page and stretch to any width.

A figure of a library weighs more than the whole report: plotly's script is 4.8 MB, 2.0 MB of it left when compressed
and embedded. These are a few kilobytes each, are there at the first paint, print as they are, and stand in a notebook.
Shapes are drawn in a square of 1,000 units that the browser stretches (strokes keep their width); all text is HTML on
top of it, placed by percentages, so that it never shrinks on a phone. What a shape means it says in its title.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd

from aftershock.reports.words import UNDEFINED, defined, number, percent

SIDE = 1000
"""Units of a frame's width and height."""
COLUMNS = 600
"""A line has the first, last, lowest and highest of its values in each of so many columns."""


@dataclass(frozen=True)
class Drawing:
    """A figure: its markup, what it shows in words, and the numbers behind it.

    Attributes
    ----------
    key, title, words : str
        Name among the figures of a page, heading, and what it tells one who cannot see it.
    markup : str
        HTML; all text in it is escaped.
    data : dict
        What is drawn, as plain values.
    live : dict
        What a pointer reads out of it, for the script of the page; empty where titles say all.
    """

    form: ClassVar[str] = "figure"
    key: str
    title: str
    words: str
    markup: str
    data: Mapping[str, Any]
    live: Mapping[str, Any] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        """Show the figure in a notebook."""
        from aftershock.reports.html import alone

        return alone(self)


class Bar(NamedTuple):
    """A row of a chart of rows.

    Attributes
    ----------
    label : str
    value : float
        Where the bar ends; NaN draws none.
    text : str
        What stands at the end of the row.
    start : float
        Where the bar begins.
    error : float
        Half the length of a whisker, NaN for none.
    mark : float
        Where something else is marked, NaN for none.
    style : str
        A class of the style sheet: ``gain``, ``loss``, ``total``, ``soft``; "" chooses by the sign.
    title : str
        What a pointer is told.
    """

    label: str
    value: float
    text: str
    start: float = 0.0
    error: float = math.nan
    mark: float = math.nan
    style: str = ""
    title: str = ""


# ----------------------------------------------------------------------------------------------- scales


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Choose round values from low to high.

    Examples
    --------
    >>> ticks(0.0, 1.0), ticks(-0.23, 0.0, 3)
    ([0.0, 0.25, 0.5, 0.75, 1.0], [-0.2, -0.1, 0.0])
    """
    if not high > low:
        return [low]
    raw = (high - low) / count
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * times for times in (1, 2, 2.5, 5, 10) if size * times >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(n * step, 12) + 0.0 for n in range(first, last + 1)]


def spread(values: Sequence[float], *, zero: bool = False, pad: float = 0.06) -> tuple[float, float]:
    """Give the range of the finite values, a little wider than they are; 0 to 1 where there is none."""
    known = [value for value in values if defined(value)] + ([0.0] if zero else [])
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    room = (high - low) * pad or abs(high) * 0.1 or 1.0
    low, high = low - (room if low < 0 or not zero else 0.0), high + (room if high > 0 or not zero else 0.0)
    return (low, high) if high > low else (low, low + 1.0)


def short(value: float) -> str:
    """Write a large number in few characters.

    Examples
    --------
    >>> short(1_250_000), short(-40_000), short(0.5)
    ('1.25M', '−40k', '0.5')
    """
    for size, mark in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return _trimmed(value / size) + mark
    return _trimmed(value)


def shares(value: float) -> str:
    r"""Write a share as a percentage with as few decimals as it needs.

    Examples
    --------
    >>> shares(0.05), shares(-0.0025)
    ('5\xa0%', '−0.25\xa0%')
    """
    return _trimmed(100 * value) + "\N{NO-BREAK SPACE}%"


def _trimmed(value: float) -> str:
    text = f"{value:,.2f}".rstrip("0").rstrip(".")
    return text.replace("-", "−") if text != "-0" else "0"


FORMS: dict[str, Callable[[float], str]] = {
    "percent": shares,
    "money": short,
    "number": _trimmed,
    "count": short,
}


# ------------------------------------------------------------------------------------------------ frames


class Frame:
    """A plane with axes on which shapes are put.

    Parameters
    ----------
    x, y : tuple of float
        What the sides stand for.
    height : float
        In rem.
    """

    def __init__(self, x: tuple[float, float], y: tuple[float, float], height: float) -> None:
        self.x, self.y, self.height = x, y, height
        self.below: list[str] = []
        self.shapes: list[str] = []
        self.labels: list[str] = []

    def px(self, value: float) -> float:
        """Place a value of the x axis."""
        return round(SIDE * (value - self.x[0]) / ((self.x[1] - self.x[0]) or 1.0), 1)

    def py(self, value: float) -> float:
        """Place a value of the y axis."""
        return round(SIDE * (self.y[1] - value) / ((self.y[1] - self.y[0]) or 1.0), 1)

    def line(self, xs: Sequence[float], ys: Sequence[float], style: str, title: str = "") -> None:
        """Draw a line that is broken where a value is unknown."""
        parts = [self._path(*part) for part in _pieces(xs, ys)]
        told = f"<title>{escape(title)}</title>" if title else ""
        self.shapes.append(f'<path class="{style}" d="{"".join(parts)}">{told}</path>')

    def area(self, xs: Sequence[float], ys: Sequence[float], style: str) -> None:
        """Fill what lies between a line and zero."""
        base = self.py(0.0)
        for part, values in _pieces(xs, ys):
            path = self._path(part, values)
            self.shapes.append(
                f'<path class="{style}" d="{path}L{self.px(part[-1])} {base}L{self.px(part[0])} {base}Z"/>'
            )

    def band(self, xs: Sequence[float], lows: Sequence[float], highs: Sequence[float], style: str) -> None:
        """Fill what lies between two lines; both are known where one is."""
        known = [at for at in range(len(xs)) if defined(lows[at]) and defined(highs[at])]
        there = [f"{self.px(xs[at])} {self.py(highs[at])}" for at in known]
        back = [f"{self.px(xs[at])} {self.py(lows[at])}" for at in reversed(known)]
        if known:
            self.shapes.append(f'<path class="{style}" d="M{"L".join(there + back)}Z"/>')

    def rect(
        self, x: tuple[float, float], y: tuple[float, float], style: str, title: str, strength: float = 1.0
    ) -> None:
        """Draw a rectangle with its title."""
        left, right = sorted(map(self.px, x))
        top, bottom = sorted(map(self.py, y))
        seen = f' opacity="{strength:.2f}"' if strength < 1.0 else ""
        self.shapes.append(
            f'<rect class="{style}" x="{left:g}" y="{top:g}" width="{max(right - left, 0.5):g}" '
            f'height="{max(bottom - top, 1.5):g}"{seen}><title>{escape(title)}</title></rect>'
        )

    def dot(self, x: float, y: float, style: str, title: str) -> None:
        """Draw a dot: a line without length keeps its round caps however the frame is stretched."""
        self.shapes.append(
            f'<path class="{style}" d="M{self.px(x)} {self.py(y)}h0.01"><title>{escape(title)}</title></path>'
        )

    def rule(
        self, *, x: float | None = None, y: float | None = None, style: str = "rule", above: bool = False
    ) -> None:
        """Draw a line from side to side, below the shapes or above those that are there."""
        layer = self.shapes if above else self.below
        if x is not None:
            layer.append(f'<path class="{style}" d="M{self.px(x)} 0V{SIDE}"/>')
        if y is not None:
            layer.append(f'<path class="{style}" d="M0 {self.py(y)}H{SIDE}"/>')

    def y_axis(self, form: Callable[[float], str], count: int = 4) -> None:
        """Write round values at the left, each with its line."""
        for value in ticks(*self.y, count):
            self.rule(y=value, style="rule zero" if value == 0 else "rule")
            self.labels.append(
                f'<span class="yt" style="top:{self.py(value) / 10:.1f}%">{form(value)}</span>'
            )

    def x_axis(self, marks: Sequence[tuple[float, str]]) -> None:
        """Write labels below; every second goes where there is little room."""
        for place, (value, text) in enumerate(marks):
            minor = " minor" if place % 2 and len(marks) > 5 else ""
            self.labels.append(
                f'<span class="xt{minor}" style="left:{self.px(value) / 10:.1f}%">{escape(text)}</span>'
            )

    def say(self, x: float, y: float, text: str, style: str = "") -> None:
        """Write a remark at a place."""
        self.labels.append(
            f'<span class="say {style}" style="left:{self.px(x) / 10:.1f}%;top:{self.py(y) / 10:.1f}%">'
            f"{escape(text)}</span>"
        )

    def markup(self) -> str:
        """Give the frame as HTML."""
        return (
            f'<div class="frame" style="height:{self.height:g}rem">'
            f'<svg viewBox="0 0 {SIDE} {SIDE}" preserveAspectRatio="none" aria-hidden="true">'
            f"{''.join(self.below)}{''.join(self.shapes)}</svg>{''.join(self.labels)}</div>"
        )

    def _path(self, xs: Sequence[float], ys: Sequence[float]) -> str:
        return "M" + "L".join(f"{self.px(x):g} {self.py(y):g}" for x, y in zip(xs, ys, strict=True))


def _pieces(xs: Sequence[float], ys: Sequence[float]) -> list[tuple[list[float], list[float]]]:
    """Break a line where values are unknown, and thin each piece out."""
    x, y = np.asarray(xs, np.float64), np.asarray(ys, np.float64)
    known = np.isfinite(y)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], known.astype(np.int8), [0]))))
    return [_thin(x[start:stop], y[start:stop]) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def _thin(x: Any, y: Any) -> tuple[list[float], list[float]]:
    if len(x) <= 2 * COLUMNS:
        return x.tolist(), y.tolist()
    column = ((x - x[0]) / (x[-1] - x[0]) * (COLUMNS - 1)).astype(np.int64)
    groups = pd.Series(y).groupby(column)
    keep = {0, len(x) - 1, *groups.idxmin(), *groups.idxmax()}
    rows = sorted(int(row) for row in keep)
    return x[rows].tolist(), y[rows].tolist()


def days_axis(first: float, last: float) -> list[tuple[float, str]]:
    """Choose dates to write along an axis of days since 1970: years, or months where there are few.

    Examples
    --------
    >>> days_axis(19358, 20453)
    [(19358, '2023'), (19723, '2024'), (20089, '2025')]
    """
    start, end = (pd.Timestamp(int(day), unit="D") for day in (first, last))
    months = (end.year - start.year) * 12 + end.month - start.month
    if months >= 24:
        step = max(1, round((end.year - start.year + 1) / 10))
        marks = [pd.Timestamp(year, 1, 1) for year in range(start.year, end.year + 1, step)]
        found = [(day, str(day.year)) for day in marks]
    else:
        step = max(1, round(months / 6))
        marks = list(pd.date_range(start.replace(day=1), end, freq=f"{step}MS"))
        found = [(day, day.strftime("%b %Y" if day.month == 1 or day == marks[0] else "%b")) for day in marks]
    return [
        (int(day.value // 86_400_000_000_000), text)
        for day, text in found
        if first <= day.value / 8.64e13 <= last
    ]


# -------------------------------------------------------------------------------------------------- rows


def rows(
    bars: Sequence[Bar], form: Callable[[float], str], *, axis: bool = True, compact: bool = False
) -> str:
    """Write a chart of rows: a label, a bar on a common scale, a text.

    Parameters
    ----------
    bars : sequence of Bar
    form : callable
        Writes the values of the axis.
    axis : bool
        Whether to write one.
    compact : bool
        Whether rows stand close.
    """
    ends = [end for bar in bars for end in (bar.value, bar.start, bar.mark, *_whisker(bar))]
    low, high = spread(ends, zero=True)

    def place(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    zero = place(0.0)
    body = "".join(_row(bar, place, zero) for bar in bars)
    scale = ""
    if axis:
        marks = "".join(
            f'<span style="left:{place(value)}%">{form(value)}</span>' for value in ticks(low, high, 5)
        )
        track = f'<span></span><span class="track">{marks}</span><span></span>'
        scale = f'<div class="row scale" aria-hidden="true">{track}</div>'
    return f'<div class="rows{" compact" if compact else ""}">{body}{scale}</div>'


def _whisker(bar: Bar) -> tuple[float, float]:
    return bar.value - bar.error, bar.value + bar.error


def _row(bar: Bar, place: Callable[[float], float], zero: float) -> str:
    inside = f'<i class="zero" style="left:{zero}%"></i>'
    if defined(bar.value):
        left, right = sorted((place(bar.start), place(bar.value)))
        style = bar.style or ("gain" if bar.value >= bar.start else "loss")
        inside += f'<i class="bar {style}" style="left:{left}%;width:{max(right - left, 0.3):.2f}%"></i>'
    if defined(bar.value) and defined(bar.error):
        from_, to = map(place, _whisker(bar))
        inside += f'<i class="whisker" style="left:{from_}%;width:{to - from_:.2f}%"></i>'
    if defined(bar.mark):
        inside += f'<i class="mark" style="left:{place(bar.mark)}%"></i>'
    title = f' title="{escape(bar.title)}"' if bar.title else ""
    return (
        f'<div class="row"{title}><span class="name">{escape(bar.label).strip() if bar.label else "(none)"}</span>'
        f'<span class="track">{inside}</span><span class="end">{escape(bar.text)}</span></div>'
    )


def parts(pieces: Sequence[tuple[str, float, str]], form: Callable[[float], str]) -> str:
    """Write one bar of several pieces, with a key; pieces below zero are drawn on its left.

    Examples
    --------
    >>> "width:75.00%" in parts([("gap", 0.03, "s2"), ("after", 0.01, "s1")], shares)
    True
    """
    whole = sum(abs(value) for _, value, _ in pieces if defined(value)) or 1.0
    drawn = "".join(
        f'<i class="{style}" style="width:{100 * abs(value) / whole:.2f}%"></i>'
        for _, value, style in sorted(pieces, key=lambda piece: piece[1] >= 0)
        if defined(value)
    )
    key = "".join(
        f'<span><i class="{style}"></i>{escape(label)} <b>{form(value) if defined(value) else UNDEFINED}</b></span>'
        for label, value, style in pieces
    )
    return f'<div class="parts"><div class="whole">{drawn}</div><div class="key">{key}</div></div>'


# ------------------------------------------------------------------------------------------------- lines


class Line(NamedTuple):
    """A line of a time chart: name, values, class of the style sheet, and whether it is filled to zero."""

    name: str
    values: Sequence[float]
    style: str
    filled: bool = False


class Panel(NamedTuple):
    """One plane of a time chart: what it measures (a kind of value), how high it is, its lines."""

    label: str
    kind: str
    height: float
    lines: Sequence[Line]
    zero: bool = False


def timeline(
    days: Sequence[int], panels: Sequence[Panel], digits: int = 2, *, zoom: bool = False
) -> tuple[str, dict[str, Any]]:
    """Draw panels one below the other on one time axis.

    Parameters
    ----------
    days : sequence of int
        Days since 1970, rising.
    panels : sequence of Panel
    digits : int
        Decimals of money.
    zoom : bool
        Whether a reader may choose a period, which the time charts beside it follow, and a logarithmic scale.

    Returns
    -------
    markup : str
    live : dict
        ``days`` and the ``lines`` that a pointer reads out.
    """
    first, last = days[0], max(days[-1], days[0] + 1)
    marks = days_axis(first, last)
    drawn = []
    for place, panel in enumerate(panels):
        values = [value for line in panel.lines for value in line.values]
        frame = Frame((first, last), spread(values, zero=panel.zero), panel.height)
        for value, _ in marks:
            frame.rule(x=value, style="rule faint")
        frame.y_axis(FORMS[panel.kind], 4 if panel.height > 8 else 2)
        for line in panel.lines:
            if line.filled:
                frame.area(days, line.values, f"fill {line.style}")
            frame.line(days, line.values, f"line {line.style}")
        if place == len(panels) - 1:
            frame.x_axis(marks)
        drawn.append(f'<p class="axis">{escape(panel.label)}</p>{frame.markup()}')
    lines = [(place, panel, line) for place, panel in enumerate(panels) for line in panel.lines]
    keys = "".join(_key(panel.kind, line, digits) for _, panel, line in lines)
    live = {
        "days": [int(day) for day in days],
        "lines": [
            {
                "name": line.name,
                "kind": panel.kind,
                "panel": place,
                "style": line.style,
                "filled": line.filled,
                "values": [_rounded(value) for value in line.values],
            }
            for place, panel, line in lines
        ],
        "panels": [{"kind": panel.kind, "zero": panel.zero, "tall": panel.height > 8} for panel in panels],
        "digits": digits,
        "zoom": zoom,
    }
    return (
        f'<div class="legend"><span class="when"></span>{keys}</div><div class="panels">{"".join(drawn)}</div>',
        live,
    )


def _key(kind: str, line: Line, digits: int) -> str:
    known = [value for value in line.values if defined(value)]
    text = written(known[-1], kind, digits) if known else UNDEFINED
    return f'<span class="key"><i class="{line.style}"></i>{escape(line.name)} <b>{text}</b></span>'


def written(value: float, kind: str, digits: int = 2) -> str:
    """Write a value by its kind in full."""
    return percent(value) if kind == "percent" else number(value, digits if kind == "money" else 2)


def _rounded(value: float) -> float | None:
    return float(f"{value:.6g}") if defined(value) else None
