"""A run beside buying and holding the universe: how it moves with it, and which of them earned more for its risk."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aftershock.engine import metrics
from aftershock.engine.periods import matched, rolling_beta, rolling_volatility
from aftershock.engine.types import Floats
from aftershock.reports.drawing import Drawing, Line, Panel, timeline
from aftershock.reports.figures import days_of
from aftershock.reports.run import Run
from aftershock.reports.words import (
    column,
    dates,
    defined,
    money_digits,
    number,
    percent,
    start_of,
    titled,
    unit,
)

WINDOW = 126
"""Marks of a rolling figure: about half a year."""


def _held(run: Run) -> pd.Series[float] | None:
    """Give the marks of buying and holding the universe on the dates of equity; None where they are not known."""
    marks, held = column(run.equity, "equity"), column(run.curves, "universe")
    return held if len(held) == len(marks) and held.notna().any() and marks.notna().any() else None


def _returns(run: Run, marks: pd.Series[float]) -> tuple[Floats, float]:
    """Give returns of marks on the dates of equity, and how many there are in a year."""
    when = pd.DatetimeIndex(pd.to_datetime(dates(run.equity["date"]), utc=True))
    return metrics.returns_of(marks, start_of(run)), metrics.periods_per_year(when)


def risk_figure(run: Run) -> Drawing | None:
    """Draw rolling volatility and the beta to buying and holding; None where no window of marks is full."""
    marks, held = column(run.equity, "equity"), _held(run)
    if not marks.notna().any():
        return None
    own, per_year = _returns(run, marks)
    lines = [Line("this run", rolling_volatility(own, per_year, WINDOW).tolist(), "s1")]
    panels = []
    words = ""
    if held is not None:
        other, _ = _returns(run, held)
        lines.append(Line("buy and hold", rolling_volatility(other, per_year, WINDOW).tolist(), "s2"))
        beta = rolling_beta(own, other, WINDOW)
        if np.isfinite(beta).any():
            panels.append(
                Panel(
                    f"beta to buying and holding, last {WINDOW} marks",
                    "number",
                    9,
                    [Line("beta", beta.tolist(), "s3")],
                    True,
                )
            )
            words = (
                f" The beta to buying and holding the universe went from {number(np.nanmin(beta))} to "
                f"{number(np.nanmax(beta))}; it is "
                f"{number(metrics.alpha_beta(own, other, per_year).beta)} over all dates."
            )
    if not any(defined(value) for value in lines[0].values):
        return None
    panels.insert(0, Panel(f"volatility of the last {WINDOW} marks, a year", "percent", 9, lines, True))
    known = [value for value in lines[0].values if defined(value)]
    markup, live = timeline(days_of(run.equity), panels)
    data = {
        "dates": dates(run.equity["date"]),
        **{f"{panel.kind} {line.name}": line.values for panel in panels for line in panel.lines},
    }
    told = f"Volatility went from {percent(min(known))} to {percent(max(known))}.{words}"
    return Drawing("risk", titled(run, "Rolling volatility and beta"), told, markup, data, live)


def matched_figure(run: Run) -> Drawing | None:
    """Draw the run beside so much of the universe as had the same volatility; None where either has none."""
    marks, held = column(run.equity, "equity"), _held(run)
    if held is None:
        return None
    own, per_year = _returns(run, marks)
    wanted = metrics.volatility(own, per_year)
    beside, share = matched(held, start_of(run), wanted, per_year)
    if not defined(share) or not share > 0:
        return None
    lines = [
        Line("this run", marks.tolist(), "s1"),
        Line("buy and hold at its volatility", beside.tolist(), "s2"),
    ]
    markup, live = timeline(
        days_of(run.equity), [Panel(f"equity, {unit(run)}", "money", 12, lines)], money_digits(run)
    )
    other = metrics.returns_of(beside, start_of(run))
    words = (
        f"{percent(share, 0)} of equity in the universe, the same share each day, has the volatility of this run "
        f"({percent(wanted)} a year): it returned {percent(metrics.total_return(other))}, the run "
        f"{percent(metrics.total_return(own))}. The share is known only afterwards."
    )
    data = {"dates": dates(run.equity["date"]), "share": share, **{line.name: line.values for line in lines}}
    return Drawing(
        "matched", titled(run, "Beside buying and holding at the same volatility"), words, markup, data, live
    )
