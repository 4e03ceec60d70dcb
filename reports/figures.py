"""Figures of a report: plotly figures in colours that the colour-blind can tell apart, each with its words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar

from aftershock.reports.run import Run
from aftershock.reports.tables import GROUPS, waterfall_steps
from aftershock.reports.words import (
    SIMULATED,
    column,
    counted,
    dates,
    defined,
    figure_of,
    money_digits,
    number,
    percent,
    start_of,
    titled,
    unit,
    word,
)

INK, RULE, PAPER = "#1f2328", "#d9d6ce", "#fffefb"
GAIN, LOSS = "#0072b2", "#d55e00"
TOTAL = "#009e73"
LINES = (GAIN, LOSS, TOTAL, "#cc79a7", "#e69f00", "#56b4e9")
"""Colours of Okabe and Ito (2002), "Color universal design"."""

LEGEND = {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"}
WHISKERS = ", whiskers one standard error by event date"
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
DARK = {
    INK: "#e7e5df",
    RULE: "#3d4249",
    PAPER: "#1d2025",
    GAIN: "#56b4e9",
    LOSS: "#e69f00",
    TOTAL: "#1fc795",
    "#cc79a7": "#e0a3c5",
    "#e69f00": "#f0e442",
    "#56b4e9": "#b3def6",
}
"""What each colour becomes on a dark page."""


@dataclass(frozen=True)
class Drawing:
    """A plotly figure and what it shows in words."""

    form: ClassVar[str] = "figure"
    title: str
    figure: Any
    words: str

    def payload(self) -> dict[str, Any]:
        """Everything the browser needs to draw it."""
        drawn: dict[str, Any] = self.figure.to_plotly_json()
        return drawn


def equity_figure(run: Run) -> Drawing | None:
    """Draw equity and drawdown on one time axis; None where there is no equity.

    The words tell start, end and the deepest drawdown.
    """
    equity, fall = column(run.equity, "equity"), column(run.equity, "drawdown")
    if not equity.notna().any():
        return None
    days, title = dates(run.equity["date"]), titled(run, "Equity and drawdown")
    layout = _layout(title, 460) | {
        "hovermode": "x unified",
        "xaxis": _axis(anchor="y2", type="date"),
        "yaxis": _axis(domain=[0.36, 1], title=_small(f"equity, {unit(run)}"), tickformat=",~r"),
        "yaxis2": _axis(domain=[0, 0.28], title=_small("drawdown"), tickformat=".2~%", rangemode="tozero"),
    }
    lines = [
        _line(days, equity, "equity", GAIN, hovertemplate=f"%{{y:,.{money_digits(run)}f}}"),
        _line(days, -fall.abs(), "drawdown", LOSS, yaxis="y2", fill="tozeroy", hovertemplate="%{y:.2%}"),
    ]
    return Drawing(title, _figure(lines, layout), _on_equity(run, days))


def _on_equity(run: Run, days: Sequence[str]) -> str:
    marks, digits = column(run.equity, "equity").dropna(), money_digits(run)
    first, last = start_of(run), float(marks.iloc[-1])
    depth = column(run.equity, "drawdown").abs().max()
    fell = f" The deepest drawdown was {percent(-depth)}." if defined(depth) and depth > 0 else ""
    return (
        f"Equity went from {number(first, digits)} to {number(last, digits)} {unit(run)} between {days[0]} and "
        f"{days[-1]}, marked on {counted(len(marks), 'dates')}.{fell}"
    )


def comparison_figure(runs: Sequence[Run], names: Sequence[str]) -> Drawing | None:
    """Draw the growth of one unit of capital in each run; None where no run has equity.

    Parameters
    ----------
    runs : sequence of Run
    names : sequence of str
        What each line is called.
    """
    mark = f"{SIMULATED} · " if any(run.simulated for run in runs) else ""
    title = f"{mark}Growth of the runs"
    lines = [_growth(run, name, place) for place, (run, name) in enumerate(zip(runs, names, strict=True))]
    drawn = [line for line in lines if line]
    if not drawn:
        return None
    layout = _layout(title, 420) | {
        "hovermode": "x unified",
        "xaxis": _axis(type="date"),
        "yaxis": _axis(title=_small("equity over starting capital"), tickformat=".3~f"),
        "showlegend": True,
        "legend": LEGEND,
        "margin": {"l": 64, "r": 16, "t": 44, "b": 80},
    }
    returns = [
        f"{name} {percent(figure_of(run, 'total_return'))}" for run, name in zip(runs, names, strict=True)
    ]
    return Drawing(title, _figure(drawn, layout), f"Total returns: {'; '.join(returns)}.")


def _growth(run: Run, name: str, place: int) -> dict[str, Any] | None:
    marks, start = column(run.equity, "equity"), start_of(run)
    if not marks.notna().any() or not start > 0:
        return None
    called = escape(f"{name} ({SIMULATED})" if run.simulated else name)
    line = _line(dates(run.equity["date"]), marks / start, called, LINES[place % len(LINES)])
    line["line"]["dash"] = DASHES[place % len(DASHES)]
    return line | {"hovertemplate": "%{y:.3f}"}


def group_figure(run: Run, by: str) -> Drawing | None:
    """Draw the mean net return per trade of each group, with its standard error by event date.

    Parameters
    ----------
    run : Run
    by : str
        A key of `tables.GROUPS`; None is given where no group has a mean.
    """
    records = [each for each in (run.stats.get("by") or {}).get(by) or [] if defined(each.get("mean_return"))]
    if not records:
        return None
    title = titled(run, f"Mean net return per trade, by {GROUPS[by]}")
    means = [each["mean_return"] for each in records]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": means,
        "y": [_label(each.get(by)) for each in records],
        "marker": {"color": [GAIN if mean >= 0 else LOSS for mean in means], "opacity": 0.8},
        "error_x": _whiskers(records, 1.0),
        "customdata": [_counts(each) for each in records],
        "hovertemplate": "%{y}: %{x:.2%}<br>%{customdata}<extra></extra>",
    }
    figure = _figure([bars], _rows_layout(title, len(records)))
    return Drawing(title, figure, _on_groups(records, by))


def _on_groups(records: Sequence[Mapping[str, Any]], by: str) -> str:
    def said(each: Mapping[str, Any]) -> str:
        return f"{word(each.get(by))} ({percent(each['mean_return'])})"

    whiskers = any(defined(each.get("standard_error")) for each in records)
    key = f"Bars are mean net returns per trade{WHISKERS if whiskers else ''}."
    if len(records) == 1:
        return f"{key} {said(records[0])}."
    ordered = sorted(records, key=lambda each: each["mean_return"])
    return f"{key} Highest: {said(ordered[-1])}; lowest: {said(ordered[0])}. The table has every value."


def waterfall_figure(run: Run) -> Drawing | None:
    """Draw the way from the reaction to the signals to what was earned; None where no signal had a bar."""
    steps = waterfall_steps(run)
    if not steps:
        return None
    title = titled(run, "From the reaction to what was earned")
    bars = {
        "type": "waterfall",
        "orientation": "h",
        "measure": ["total" if each["kind"] == "total" else "relative" for each in steps],
        "y": [_label(each["words"]) for each in steps],
        "x": [each["money"] for each in steps],
        "increasing": {"marker": {"color": GAIN}},
        "decreasing": {"marker": {"color": LOSS}},
        "totals": {"marker": {"color": TOTAL}},
        "connector": {"line": {"color": RULE}},
        "hovertemplate": "%{y}: %{delta:,.0f}<extra></extra>",
    }
    layout = _rows_layout(title, len(steps))
    layout["xaxis"] = _axis(tickformat="~s", zeroline=True, zerolinecolor=INK, zerolinewidth=1)
    figure = _figure([bars], layout)
    return Drawing(title, figure, _on_waterfall(steps))


def _on_waterfall(steps: Sequence[Mapping[str, Any]]) -> str:
    money = {each["step"]: each["money"] for each in steps}
    said = f"Of a reaction of {number(money['reaction'], 0)}, {number(money['net'], 0)} was earned."
    lost = [each for each in steps if each["kind"] == "step" and each["money"] < 0]
    if lost:
        worst = min(lost, key=lambda each: each["money"])
        said += f" Most was lost to: {worst['words']} ({number(worst['money'], 0)})."
    return f"{said} The table has every step."


def planted_figure(run: Run) -> Drawing | None:
    """Draw each planted reaction beside the recovered one; None where nothing was planted and recovered."""
    records = [each for each in run.stats.get("planted") or [] if defined(each.get("recovered"))]
    if not records:
        return None
    title = titled(run, "Planted and recovered reactions")
    labels = [
        _label(" ".join(word(each.get(key)) for key in ("tag", "direction", "part"))) for each in records
    ]
    recovered = _dots(records, "recovered", labels) | {"error_x": _whiskers(records, 2.0)}
    recovered["marker"] = {"color": GAIN, "size": 9, "symbol": "circle"}
    planted = _dots(records, "planted", labels)
    planted["marker"] = {"color": LOSS, "size": 12, "symbol": "diamond-open", "line": {"width": 2}}
    layout = _rows_layout(title, len(records) + 1) | {
        "showlegend": True,
        "legend": LEGEND,
        "margin": {"l": 64, "r": 16, "t": 44, "b": 64},
    }
    within = sum(_is_within(each) for each in records)
    words = (
        f"Diamonds are planted, dots recovered, whiskers two standard errors: {number(within, 0)} of "
        f"{counted(len(records), 'reactions')} came back within them."
    )
    return Drawing(title, _figure([recovered, planted], layout), words)


def _is_within(record: Mapping[str, Any]) -> bool:
    values = [record.get(key) for key in ("planted", "recovered", "standard_error")]
    if not all(map(defined, values)):
        return False
    return bool(abs(record["recovered"] - record["planted"]) <= 2 * record["standard_error"])


def _dots(records: Sequence[Mapping[str, Any]], key: str, labels: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": key,
        "x": [each[key] if defined(each.get(key)) else None for each in records],
        "y": list(labels),
        "hovertemplate": f"%{{y}}: {key} %{{x:.2%}}<extra></extra>",
    }


def _line(days: Sequence[str], values: Any, name: str, colour: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": list(days),
        "y": [round(value, 8) if defined(value) else None for value in values.tolist()],
        "line": {"color": colour, "width": 1.6},
        **more,
    }


def _whiskers(records: Sequence[Mapping[str, Any]], times: float) -> dict[str, Any]:
    errors = [each.get("standard_error") for each in records]
    return {
        "type": "data",
        "array": [times * error if error is not None and defined(error) else 0.0 for error in errors],
        "color": INK,
        "thickness": 1.4,
        "width": 5,
    }


def _counts(record: Mapping[str, Any]) -> str:
    counts = [
        f"{number(record[key], 0)} {key.replace('_', ' ')}"
        for key in ("trades", "event_dates")
        if key in record
    ]
    return " on ".join(counts)


def _label(value: Any) -> str:
    """Escape a label: plotly reads text as markup."""
    return escape(word(value)) or "(none)"


def _layout(title: str, height: int) -> dict[str, Any]:
    return {
        "template": {},
        "title": {"text": title, "x": 0, "xref": "container", "xanchor": "left", "font": {"size": 15}},
        "height": height,
        "margin": {"l": 64, "r": 16, "t": 44, "b": 32},
        "font": {"color": INK, "size": 12, "family": "system-ui, sans-serif"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hoverlabel": {"bgcolor": PAPER, "bordercolor": RULE, "font": {"color": INK}},
        "showlegend": False,
    }


def _rows_layout(title: str, rows: int) -> dict[str, Any]:
    return _layout(title, 88 + 30 * rows) | {
        "xaxis": _axis(tickformat=".2~%", zeroline=True, zerolinecolor=INK, zerolinewidth=1),
        "yaxis": _axis(type="category", autorange="reversed", automargin=True, showgrid=False),
        "bargap": 0.45,
    }


def _axis(**more: Any) -> dict[str, Any]:
    return {"gridcolor": RULE, "linecolor": RULE, "zeroline": False, "automargin": True, **more}


def _small(text: str) -> dict[str, Any]:
    return {"text": escape(text), "font": {"size": 12}}


def _figure(traces: Sequence[dict[str, Any]], layout: dict[str, Any]) -> Any:
    from plotly import graph_objects

    return graph_objects.Figure(data=list(traces), layout=layout)
