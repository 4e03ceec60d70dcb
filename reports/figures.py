"""Figures of a run: what it earned, whether by luck, and what drove it; each with its words and its numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from aftershock.engine.metrics import yearly_returns
from aftershock.reports.drawing import (
    Bar,
    Drawing,
    Frame,
    Line,
    Panel,
    rows,
    shares,
    short,
    spread,
    ticks,
    timeline,
)
from aftershock.reports.run import Run
from aftershock.reports.tables import GROUPS, waterfall_steps
from aftershock.reports.words import (
    SIMULATED,
    city,
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

COSTS = {
    "commission": "commission",
    "slippage": "slippage",
    "tax": "transaction tax",
    "duty": "stamp duty",
    "levy": "levies",
    "exchange": "exchange fees",
    "settlement": "settlement fees",
    "borrow": "borrowing of shares",
    "withheld": "tax withheld on dividends",
    "hedge": "costs of the hedge",
}
"""Kinds of cost with their words."""
BAND = 1.96
"""Half a 95 % band, in standard errors."""


# ---------------------------------------------------------------------------------------- did it work


def equity_figure(run: Run) -> Drawing | None:
    """Draw equity against doing nothing, drawdown beneath, on one time axis; None where there is no equity."""
    equity, fall = column(run.equity, "equity"), column(run.equity, "drawdown")
    if not equity.notna().any():
        return None
    days = days_of(run.equity)
    lines = [Line("this run", equity.tolist(), "s1"), *_benchmarks(run, len(equity))]
    panels = [
        Panel(f"equity, {unit(run)}", "money", 17, lines),
        Panel("drawdown", "percent", 6, [Line("drawdown", (-fall.abs()).tolist(), "loss", True)], True),
    ]
    markup, live = timeline(days, panels, money_digits(run), zoom=True)
    words = _on_equity(run)
    data = {
        "dates": dates(run.equity["date"]),
        **{line.name: line.values for panel in panels for line in panel.lines},
    }
    return Drawing("equity", titled(run, "Equity and drawdown"), words, markup, data, live)


def _benchmarks(run: Run, marks: int) -> list[Line]:
    """Give the lines of doing nothing: universe, index and cash, as far as the run knows them."""
    told = run.stats.get("benchmark") or {}
    found = []
    if len(run.curves) == marks:
        for key, style in (("universe", "s2"), ("index", "s3")):
            values = column(run.curves, key)
            if values.notna().any():
                held = counted((told.get(key) or {}).get("instruments") or math.nan, "instruments")
                name = "buy and hold" if key == "universe" else "index, one a venue"
                found.append(Line(f"{name} ({held})" if key == "universe" else name, values.tolist(), style))
    return [*found, Line("cash, no interest", [start_of(run)] * marks, "s4")]


def days_of(table: pd.DataFrame) -> list[int]:
    """Give the dates of a table as days since 1970."""
    moments = pd.to_datetime(pd.Series(dates(table["date"])))
    return [int(day) for day in moments.to_numpy().astype("M8[D]").astype(np.int64)]


def _on_equity(run: Run) -> str:
    marks, digits = column(run.equity, "equity").dropna(), money_digits(run)
    days = dates(run.equity["date"])
    first, last = start_of(run), float(marks.iloc[-1])
    depth = column(run.equity, "drawdown").abs().max()
    fell = f" The deepest drawdown was {percent(-depth)}." if defined(depth) and depth > 0 else ""
    return (
        f"Equity went from {number(first, digits)} to {number(last, digits)} {unit(run)} between {days[0]} and "
        f"{days[-1]}, marked on {counted(len(marks), 'dates')}.{fell}{_on_benchmarks(run)}"
    )


def _on_benchmarks(run: Run) -> str:
    told = run.stats.get("benchmark")
    if told is None:
        return " The run was made by an earlier version, which kept no benchmark: run it again."
    universe, index = (told.get(key) or {} for key in ("universe", "index"))
    held = counted(universe.get("instruments") or 0, "instruments")
    said = f" Buying the {held} that had prices at the start and holding them: {percent(universe.get('total_return'))}."
    if defined(index.get("total_return")):
        return f"{said} One index of each venue ({word(index.get('symbols'))}): {percent(index['total_return'])}."
    return f"{said} There is no index among the prices."


def years_figure(run: Run) -> Drawing | None:
    """Draw the return of each year, with that of buying and holding as a mark; None where there is no equity."""
    marks = column(run.equity, "equity")
    if not marks.notna().any():
        return None
    when = pd.DatetimeIndex(pd.to_datetime(dates(run.equity["date"]), utc=True)).as_unit("ns")
    own = yearly_returns(marks, when, start_of(run))
    held = _yearly_held(run, when)
    bars = [
        Bar(
            str(year),
            value,
            percent(value),
            mark=held.get(year, math.nan),
            title=f"{year}: {percent(value)}; buy and hold {percent(held.get(year))}",
        )
        for year, value in zip(own.index.tolist(), own.tolist(), strict=True)
    ]
    data = {"years": own.index.tolist(), "returns": own.tolist(), "buy and hold": held}
    gained = sum(value > 0 for value in own)
    words = f"{number(gained, 0)} of {counted(len(own), 'years')} gained." + (
        " Ticks mark buying and holding the universe." if held else ""
    )
    return Drawing("years", titled(run, "Returns by year"), words, rows(bars, shares), data)


def _yearly_held(run: Run, when: pd.DatetimeIndex) -> dict[int, float]:
    values = column(run.curves, "universe")
    if len(values) != len(when) or not values.notna().any():
        return {}
    held = yearly_returns(values, when, start_of(run))
    return dict(zip(held.index.tolist(), held.tolist(), strict=True))


def rolling_figure(run: Run) -> Drawing | None:
    """Draw the rolling Sharpe ratio over the exposure; None where the run has neither."""
    exposure = column(run.equity, "exposure")
    if not exposure.notna().any():
        return None
    window = (run.stats.get("benchmark") or {}).get("window")
    sharpe = column(run.curves, "rolling_sharpe")
    panels = [
        Panel(
            "exposure, gross share of equity",
            "percent",
            6,
            [Line("exposure", exposure.tolist(), "s2", True)],
            True,
        )
    ]
    words = (
        f"On average {percent(exposure.mean())} of equity was invested, at most {percent(exposure.max())}."
    )
    if len(sharpe) == len(exposure) and sharpe.notna().any():
        panels.insert(
            0,
            Panel(
                f"Sharpe ratio of the last {window} marks, a year",
                "number",
                9,
                [Line("Sharpe", sharpe.tolist(), "s1")],
                True,
            ),
        )
        words = (
            f"The rolling Sharpe ratio went from {number(sharpe.min())} to {number(sharpe.max())}. {words}"
        )
    else:
        words = f"The rolling Sharpe ratio is undefined: there is no full window with variance. {words}"
    markup, live = timeline(days_of(run.equity), panels)
    data = {
        "dates": dates(run.equity["date"]),
        "exposure": exposure.tolist(),
        "rolling_sharpe": sharpe.tolist(),
    }
    return Drawing("rolling", titled(run, "Rolling Sharpe and exposure"), words, markup, data, live)


# ----------------------------------------------------------------------------------------- was it luck


def dates_figure(run: Run) -> Drawing | None:
    """Draw the profit of each event date in time order; None where there is none."""
    found = run.stats.get("dates") or []
    if not found:
        return None
    money = [each["pnl"] for each in found]
    frame = Frame((-0.5, len(found) - 0.5), spread(money, zero=True), 11)
    frame.y_axis(short)
    for place, each in enumerate(found):
        title = f"{each['date']}: {number(each['pnl'], 0)} {unit(run)}, {counted(each['trades'], 'trades')}"
        frame.rect(
            (place - 0.4, place + 0.4), (0.0, each["pnl"]), "gain" if each["pnl"] >= 0 else "loss", title
        )
    step = max(1, len(found) // 5)
    frame.x_axis([(place, found[place]["date"][:7]) for place in range(0, len(found), step)])
    won = sum(value > 0 for value in money)
    best, worst = max(found, key=lambda each: each["pnl"]), min(found, key=lambda each: each["pnl"])
    words = (
        f"{number(won, 0)} of {counted(len(found), 'event dates')} earned. Best: {best['date']} "
        f"({number(best['pnl'], 0)} {unit(run)}); worst: {worst['date']} ({number(worst['pnl'], 0)})."
    )
    return Drawing("dates", titled(run, "Net profit by event date"), words, frame.markup(), {"dates": found})


def distribution_figure(run: Run) -> Drawing | None:
    """Draw how the net returns of trades spread; None where there is none."""
    told = run.stats.get("distribution") or {}
    edges, counts = told.get("edges") or [], told.get("counts") or []
    if not counts:
        return None
    frame = Frame((edges[0], edges[-1]), (0.0, max(counts) * 1.06), 11)
    frame.y_axis(short, 3)
    for left, right, count in zip(edges, edges[1:], counts, strict=False):
        style = "loss" if (left + right) < 0 else "gain"
        gap = (right - left) * 0.06
        frame.rect(
            (left + gap, right - gap),
            (0, count),
            style,
            f"{shares(left)} to {shares(right)}: {counted(count, 'trades')}",
        )
    mean = figure_of(run, "mean_return")
    if edges[0] < mean < edges[-1]:
        frame.rule(x=mean, style="rule ink")
    low, high = edges[0], edges[-1]
    frame.x_axis([(value, shares(value)) for value in ticks(low, high, 5)])
    words = (
        f"{counted(sum(counts), 'trades')}: mean {percent(mean)} (the line), median "
        f"{percent(figure_of(run, 'median_return'))}, best {percent(figure_of(run, 'best'))}, worst "
        f"{percent(figure_of(run, 'worst'))}. The outer bars hold what lies beyond."
    )
    return Drawing(
        "distribution", titled(run, "Net returns of the trades"), words, frame.markup(), dict(told)
    )


def planted_figure(run: Run) -> Drawing | None:
    """Draw each planted reaction beside the recovered one; None where nothing was planted and recovered."""
    records = [each for each in run.stats.get("planted") or [] if defined(each.get("recovered"))]
    if not records:
        return None
    bars = [
        Bar(
            " ".join(word(each.get(key)) for key in ("tag", "direction", "part")),
            each["recovered"],
            percent(each["recovered"]),
            error=2 * each["standard_error"] if defined(each.get("standard_error")) else math.nan,
            mark=each["planted"] if defined(each.get("planted")) else math.nan,
            style="soft",
            title=f"planted {percent(each.get('planted'))}, recovered {percent(each['recovered'])}",
        )
        for each in records
    ]
    within = sum(_is_within(each) for each in records)
    words = (
        f"Ticks are planted, bars recovered, whiskers two standard errors: {number(within, 0)} of "
        f"{counted(len(records), 'reactions')} came back within them."
    )
    title = titled(run, "Planted and recovered reactions")
    return Drawing("planted", title, words, rows(bars, shares), {"planted": records})


def _is_within(record: Mapping[str, Any]) -> bool:
    values = [record.get(key) for key in ("planted", "recovered", "standard_error")]
    if not all(map(defined, values)):
        return False
    return bool(abs(record["recovered"] - record["planted"]) <= 2 * record["standard_error"])


# ---------------------------------------------------------------------------------------- what drove it


def path_figure(run: Run) -> Drawing | None:
    """Draw the mean return session by session around the events, with a band by event date; None without windows."""
    points = [each for each in run.stats.get("path") or [] if defined(each.get("mean"))]
    if not points:
        return None
    # The open of the due bar stands between the close before it and its own.
    x = [each["offset"] - 0.6 if each["at"] == "open" else float(each["offset"]) for each in points]
    mean = [each["mean"] for each in points]
    low, high = ([_edge(each, sign) for each in points] for sign in (-BAND, BAND))
    frame = Frame((x[0], x[-1]), spread([*low, *high, *mean], zero=True), 15)
    frame.y_axis(shares)
    frame.rule(x=-0.6, style="rule dashed")
    frame.band(x, low, high, "band")
    frame.line(x, mean, "line s1")
    for at, each in zip(x, points, strict=True):
        frame.dot(at, each["mean"], "dot s1", _on_point(each))
    frame.x_axis([(value, f"{value:+d}".replace("-", "−") if value else "0") for value in _sessions(x)])
    frame.say(-0.6, frame.y[1], "first open", "right")
    title = titled(run, "The reaction, session by session")
    return Drawing("path", title, _on_path(points), frame.markup(), {"path": points})


def _edge(point: Mapping[str, Any], times: float) -> float:
    error = point.get("standard_error")
    return float(point["mean"] + times * error) if error is not None and defined(error) else math.nan


def _sessions(x: Sequence[float]) -> list[int]:
    whole = [int(value) for value in x if float(value).is_integer()]
    step = max(1, len(whole) // 12)
    return [value for value in whole if value % step == 0]


def _on_point(point: Mapping[str, Any]) -> str:
    return (
        f"session {point['offset']}, {point['at']}: {percent(point['mean'])}, standard error "
        f"{percent(point.get('standard_error'))}, {counted(point['event_dates'], 'event dates')}"
    )


def _on_path(points: Sequence[Mapping[str, Any]]) -> str:
    opened = next((each for each in points if each["at"] == "open"), None)
    last = points[-1]
    gap = f" {percent(opened['mean'])} of it was there at the first open." if opened else ""
    return (
        f"Mean return in the direction of the signals since the close before the due bar (session 0), before costs: "
        f"{percent(last['mean'])} after session {last['offset']}.{gap} The band is 95 % by event date "
        f"({counted(last['event_dates'], 'event dates')})."
    )


def ladder_figure(run: Run) -> Drawing | None:
    """Draw gap and session of each venue in the order in which they open; None where the run has no ladder."""
    records = run.stats.get("ladder") or []
    if not records:
        return None
    bars = [bar for each in records for bar in _rungs(each)]
    told = max(records, key=lambda each: abs(each["gap"]) if defined(each["gap"]) else -1.0)
    largest = (
        f" The largest gap is that of {city(told['venue'])} ({percent(told['gap'])})."
        if defined(told["gap"])
        else ""
    )
    words = (
        "Events that came while markets were shut, venue by venue in opening order: the gap from the close before to "
        f"the first open, then that session from open to close; means in the direction of the signals{_BY_DATE}."
        f"{largest}"
    )
    title = titled(run, "The reaction ladder")
    return Drawing("ladder", title, words, rows(bars, shares), {"ladder": records})


_BY_DATE = ", whiskers one standard error by event date"


def _rungs(each: Mapping[str, Any]) -> list[Bar]:
    name = f"{city(each['venue'])} ({each['venue']})"
    if not each.get("gaps"):
        return [
            Bar(
                name,
                math.nan,
                "no gap",
                title=f"{name}: no open is known of {counted(each['events'], 'events')}",
            )
        ]
    seen = f"{name}: {counted(each['gaps'], 'events')} with an open"
    return [
        Bar(
            name, each["gap"], f"gap {percent(each['gap'])}", error=each["gap_error"], style="s1", title=seen
        ),
        Bar(
            " ",
            each["session"],
            f"session {percent(each['session'])}",
            error=each["session_error"],
            style="s2",
            title=seen,
        ),
    ]


def waterfall_figure(run: Run) -> Drawing | None:
    """Draw the way from the reaction to the signals to what was earned; None where no signal had a bar."""
    steps = waterfall_steps(run)
    if not steps:
        return None
    bars, so_far = [], 0.0
    for each in steps:
        total = each["kind"] == "total"
        start = 0.0 if total else so_far
        end = each["money"] if total else so_far + each["money"]
        bars.append(Bar(each["words"], end, number(each["money"], 0), start, style="total" if total else ""))
        so_far = end
    title = titled(run, f"From the reaction to what was earned, {unit(run)}")
    return Drawing(
        "waterfall", title, _on_waterfall(steps), rows(bars, short, compact=True), {"waterfall": steps}
    )


def _on_waterfall(steps: Sequence[Mapping[str, Any]]) -> str:
    money = {each["step"]: each["money"] for each in steps}
    said = f"Of a reaction of {number(money['reaction'], 0)}, {number(money['net'], 0)} was earned."
    lost = [each for each in steps if each["kind"] == "step" and each["money"] < 0]
    if lost:
        worst = min(lost, key=lambda each: each["money"])
        said += f" Most was lost to: {worst['words']} ({number(worst['money'], 0)})."
    return f"{said} The table has every step."


def costs_figure(run: Run) -> Drawing | None:
    """Draw what each kind of cost took; None where nothing was paid."""
    told = {key: value for key, value in (run.stats.get("costs") or {}).items() if defined(value) and value}
    whole = sum(told.values())
    if not whole:
        return None
    ordered = sorted(told, key=lambda key: -told[key])
    bars = [
        Bar(
            COSTS.get(key, key),
            told[key],
            f"{number(told[key], 0)} · {percent(told[key] / whole, 0)}",
            style="loss",
        )
        for key in ordered
    ]
    words = f"{number(whole, money_digits(run))} {unit(run)} in all; most for {COSTS.get(ordered[0], ordered[0])}."
    title = titled(run, f"Costs by kind, {unit(run)}")
    return Drawing("costs", title, words, rows(bars, short, compact=True), {"costs": told})


def excursion_figure(run: Run) -> Drawing | None:
    """Map trades by their most adverse and most favourable excursion; None where there is none."""
    told = run.stats.get("excursions") or {}
    cells = told.get("cells") or []
    if not cells:
        return None
    wide, high = told["width"], told["height"]
    frame = Frame(
        (min(each["mae"] for each in cells) - wide / 2, 0.0),
        (0.0, max(each["mfe"] for each in cells) + high / 2),
        15,
    )
    frame.y_axis(shares)
    frame.x_axis([(value, shares(value)) for value in ticks(*frame.x, 5)])
    most = max(each["trades"] for each in cells)
    for each in cells:
        title = (
            f"against {shares(round(each['mae'], 4))}, in favour {shares(round(each['mfe'], 4))}: "
            f"{counted(each['trades'], 'trades')}, mean net {percent(each['mean'])}"
        )
        frame.rect(
            (each["mae"] - wide / 2, each["mae"] + wide / 2),
            (each["mfe"] - high / 2, each["mfe"] + high / 2),
            "gain" if each["mean"] >= 0 else "loss",
            title,
            0.25 + 0.75 * math.sqrt(each["trades"] / most),
        )
    words = (
        "Across: the most a trade ran against its side; up: the most it ran in favour. The darker a cell, the more "
        f"trades; its colour is the sign of their mean net return. {percent(told['given_back'])} of the best excursion "
        "was given back on average."
    )
    return Drawing("excursions", titled(run, "Excursions of the trades"), words, frame.markup(), dict(told))


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
    bars = [
        Bar(
            _group_name(each, by),
            each["mean_return"],
            percent(each["mean_return"]),
            error=each["standard_error"] if defined(each.get("standard_error")) else math.nan,
            title=_counts(each),
        )
        for each in records
    ]
    title = titled(run, f"By {GROUPS[by]}")
    return Drawing(f"by-{by}", title, _on_groups(records, by), rows(bars, shares), {by: records})


def _group_name(record: Mapping[str, Any], by: str) -> str:
    if by == "side":
        return "long" if record.get(by, 0) > 0 else "short"
    return word(record.get(by))


def _counts(record: Mapping[str, Any]) -> str:
    counts = [
        f"{number(record[key], 0)} {key.replace('_', ' ')}"
        for key in ("trades", "event_dates")
        if key in record
    ]
    return " on ".join(counts)


def _on_groups(records: Sequence[Mapping[str, Any]], by: str) -> str:
    def said(each: Mapping[str, Any]) -> str:
        return f"{_group_name(each, by)} ({percent(each['mean_return'])})"

    whiskers = any(defined(each.get("standard_error")) for each in records)
    key = f"Mean net return per trade{_BY_DATE if whiskers else ''}."
    if len(records) == 1:
        return f"{key} {said(records[0])}."
    ordered = sorted(records, key=lambda each: each["mean_return"])
    return f"{key} Highest: {said(ordered[-1])}; lowest: {said(ordered[0])}."


# ------------------------------------------------------------------------------------------- comparison


def comparison_figure(runs: Sequence[Run], names: Sequence[str]) -> Drawing | None:
    """Draw the growth of one unit of capital in each run; None where no run has equity.

    Parameters
    ----------
    runs : sequence of Run
    names : sequence of str
        What each line is called.
    """
    mark = f"{SIMULATED} · " if any(run.simulated for run in runs) else ""
    grown = {
        (f"{name} ({SIMULATED})" if run.simulated else name): growth
        for run, name in zip(runs, names, strict=True)
        if (growth := _growth(run)) is not None
    }
    if not grown:
        return None
    table = pd.DataFrame(grown).sort_index().ffill()
    lines = [
        Line(name, table[name].tolist(), f"s{1 + place % 6}{' dashed' if place >= 6 else ''}")
        for place, name in enumerate(table.columns)
    ]
    panel = Panel("equity over starting capital", "number", 18, lines)
    markup, live = timeline([int(day) for day in table.index], [panel], zoom=True)
    returns = [
        f"{name} {percent(figure_of(run, 'total_return'))}" for run, name in zip(runs, names, strict=True)
    ]
    words = f"Total returns: {'; '.join(returns)}."
    data = {"days": table.index.tolist(), **{name: table[name].tolist() for name in table.columns}}
    return Drawing("growth", f"{mark}Growth of the runs", words, markup, data, live)


def _growth(run: Run) -> pd.Series[float] | None:
    marks, start = column(run.equity, "equity"), start_of(run)
    if not marks.notna().any() or not start > 0:
        return None
    growth = pd.Series((marks / start).to_numpy(), index=days_of(run.equity))
    return growth[~growth.index.duplicated(keep="last")]
