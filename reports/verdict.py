"""The first sentence of a report: did it work, was it luck, with the numbers that say so."""

from __future__ import annotations

from typing import Any

from aftershock.reports.cards import SURE
from aftershock.reports.run import Run
from aftershock.reports.words import (
    FEW_DATES,
    counted,
    defined,
    figure_of,
    money_digits,
    number,
    percent,
    unit,
)

WITHIN = "It did not work, though the loss is within chance"


def verdict(run: Run) -> list[str]:
    """Say in one sentence whether a run earned, how deep it fell, and whether luck does as much; none without trades.

    The words follow these questions in this order, and the first that is answered with no decides: did it earn after
    costs; does it still without its best three event dates; is its mean by event date told from chance (a t of two);
    is what remains beyond the drift of the same clock and last night's US move; are there thirty event dates.
    """
    earned = _earned(run)
    if not figure_of(run, "trades") > 0 or not defined(earned):
        return []
    opening = "On simulated prices " if run.simulated else ""
    word = _worked(run, earned)
    word = f"{word[:1].lower()}{word[1:]}" if opening else word
    return [f"{opening}{word}: {_came_to(run)}; {_evidence(run)}."]


def _asked(run: Run, question: str) -> dict[str, Any]:
    return (run.stats.get("questions") or {}).get(question) or {}


def _earned(run: Run) -> float:
    total = figure_of(run, "total_return")
    return total if defined(total) else figure_of(run, "pnl")


def _worked(run: Run, earned: float) -> str:
    t = figure_of(run, "t_statistic")
    left, beyond = _asked(run, "without_best"), _asked(run, "remaining")
    if earned <= 0:
        sure = defined(t) and t <= -SURE
        return "It did not work, and lost more than chance explains" if sure else WITHIN
    if defined(left.get("pnl_without")) and left["pnl_without"] <= 0:
        return "It earned on three dates, and nothing on the others"
    if not defined(t) or t < SURE:
        return "It earned, but so may luck"
    if not defined(beyond.get("t_statistic")):
        return "It earned more than chance explains, but nobody can tell how much of it the clock did"
    if beyond["t_statistic"] < SURE:
        return "It earned, but the same clock on quiet days may explain it"
    if figure_of(run, "event_dates") < FEW_DATES:
        return "It worked, on too few event dates to be sure"
    return "It worked, and luck seldom does as much"


def _came_to(run: Run) -> str:
    total, depth = figure_of(run, "total_return"), figure_of(run, "max_drawdown")
    digits = money_digits(run)
    came = (
        f"{percent(total)} in all"
        if defined(total)
        else f"{number(figure_of(run, 'pnl'), digits)} {unit(run)} in all"
    )
    fell = f" with a deepest drawdown of {percent(-abs(depth))}" if defined(depth) else ""
    dates, t = (
        counted(figure_of(run, "event_dates"), "independent event dates"),
        figure_of(run, "t_statistic"),
    )
    return f"{came} after costs{fell}, on {dates} (t {number(t)})"


def _evidence(run: Run) -> str:
    left, beyond = _asked(run, "without_best"), _asked(run, "remaining")
    if not left and not beyond:
        return "an earlier version made the run and did not ask whether it was luck"
    without = left.get("pnl_without")
    told = "there are too few dates to take the best three away"
    if without is not None and defined(without):
        money = f"{number(abs(without), money_digits(run))} {unit(run)}"
        told = f"without its best three dates it {'makes' if without > 0 else 'loses'} {money}"
    mean = beyond.get("mean")
    if mean is None or not defined(mean):
        return f"{told}, and what the same clock does on quiet days is not known"
    night = " and last night’s US move" if beyond.get("us_series") else ""
    return (
        f"{told}, and beyond the drift of quiet days{night} {percent(mean)} a date remains before costs "
        f"(t {number(beyond.get('t_statistic'))})"
    )
