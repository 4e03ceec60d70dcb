"""The five questions of the first page: each a number, a sentence and a small figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from aftershock.reports.drawing import Bar, Frame, parts, rows, shares, spread
from aftershock.reports.run import Run
from aftershock.reports.words import (
    UNDEFINED,
    counted,
    defined,
    money_digits,
    number,
    percent,
    unit,
)

SURE = 2.0
"""A mean so many standard errors from zero is told from chance."""
OLDER = "the run was made by an earlier version that did not ask: run the experiment again"


class Card(NamedTuple):
    """One question with its answer.

    Attributes
    ----------
    key, question : str
    figure, caption : str
        The number, and what it is.
    verdict : str
        ``yes``, ``no`` or ``open``: what the answer says of the strategy.
    said : str
        The verdict in a word or two.
    answer : str
        One or two sentences.
    markup : str
        A small figure as HTML, "" where there is nothing to draw.
    """

    key: str
    question: str
    figure: str
    caption: str
    verdict: str
    said: str
    answer: str
    markup: str = ""


def cards(run: Run) -> list[Card]:
    """Answer the five questions."""
    told = run.stats.get("questions") or {}
    return [
        _before_entry(told.get("before_entry")),
        _remaining(told.get("remaining")),
        _holds(told),
        _without_best(run, told.get("without_best")),
        _zero(run, told.get("zero")),
    ]


def best_dates_card(run: Run) -> Card:
    """Answer whether a run survives without its best three event dates."""
    return _without_best(run, (run.stats.get("questions") or {}).get("without_best"))


def _undefined(key: str, question: str, caption: str, reason: str) -> Card:
    return Card(
        key, question, UNDEFINED, caption, "open", "cannot be told", f"{reason[:1].upper()}{reason[1:]}."
    )


# ------------------------------------------------------------------------------------ before the entry


def _before_entry(told: Mapping[str, Any] | None) -> Card:
    key, question, caption = (
        "before-entry",
        "How much of the move came before I could enter?",
        "of the move was gone at the entry",
    )
    if told is None or not defined(told.get("share")):
        return _undefined(key, question, caption, OLDER if told is None else told["reason"])
    share = told["share"]
    pieces = [
        ("run-up", told["run_up"], "s4"),
        ("gap", told["gap"], "s3"),
        ("after the entry", told["after"], "s1"),
    ]
    verdict = "no" if share >= 1 else "yes" if share < 0.5 else "open"
    said = {"no": "nothing left", "yes": "most is left", "open": "most is gone"}[verdict]
    return Card(
        key, question, percent(share, 0), caption, verdict, said, _on_entry(told, share), parts(pieces, shares)
    )  # fmt: skip


def _on_entry(told: Mapping[str, Any], share: float) -> str:
    t = told["t_statistic"]
    chance = (
        ""
        if not defined(t) or abs(t) >= SURE
        else f" The move itself is not told from chance (t {number(t)})."
    )
    whole = f"With the news prices moved {percent(told['reaction'])} our way, close to close"
    if share > 1:
        return f"{whole}; by the first price that could be had they had moved further, and came back after.{chance}"
    if share < 0:
        before = percent(told["run_up"] + told["gap"])
        return f"{whole}; before the entry they had moved the other way ({before}).{chance}"
    return (
        f"{whole}. The gap to the first price that could be had took {percent(told['gap'])} of it, run-up before "
        f"{percent(told['run_up'])}; {percent(told['after'])} came after.{chance}"
    )


# ------------------------------------------------------------------------------------ beyond the clock


def _remaining(told: Mapping[str, Any] | None) -> Card:
    key, question, caption = (
        "remaining",
        "What remains after last night’s US move and the drift of quiet days?",
        "remains on the average event date, before costs",
    )
    if told is None or not defined(told.get("mean")):
        return _undefined(key, question, caption, OLDER if told is None else told["reason"])
    verdict, said = _sure(told["mean"], told["t_statistic"])
    bars = [Bar("as traded", told["raw"], percent(told["raw"]), style="soft")]
    night = percent(-told["us"]) if defined(told["us"]) else UNDEFINED
    bars.append(Bar("US move", -told["us"], night, title=told["us_reason"]))
    bars.append(Bar("drift", -told["drift"], percent(-told["drift"])))
    error = told["standard_error"]
    bars.append(Bar("remains", told["mean"], percent(told["mean"]), error=error, style="total"))
    return Card(
        key, question, percent(told["mean"]), caption, verdict, said, _on_clock(told), rows(bars, shares, axis=False)
    )  # fmt: skip


def _on_clock(told: Mapping[str, Any]) -> str:
    night = (
        f"Last night’s US move ({told['us_series']}, by betas fitted before) explains {percent(told['us'])}"
        if defined(told["us"])
        else f"Last night’s US move is {UNDEFINED}: {told['us_reason']}"
    )
    counts = f"{counted(told['trades'], 'trades')} of {number(told['of'], 0)}"
    left = "" if told["trades"] == told["of"] else f" Told of {counts}."
    return (
        f"{night}; the drift of the same clock on days without news explains {percent(told['drift'])}. What remains "
        f"has a standard error of {percent(told['standard_error'])} (t {number(told['t_statistic'])}).{left}"
    )


def _sure(mean: float, t: float) -> tuple[str, str]:
    if not defined(t) or abs(t) < SURE:
        return "open", "not told from chance"
    return ("yes", "beyond chance") if mean > 0 else ("no", "a loss, beyond chance")


# ------------------------------------------------------------------------------- surprise and precision

NAMES = {
    "large": "large surprise",
    "small": "small surprise",
    "none": "as expected",
    "unknown": "surprise unknown",
}
STAMPS = {"unknown": "stamp of unknown precision", "interval": "known to an interval"}


def _holds(told: Mapping[str, Any]) -> Card:
    key, question, caption = (
        "holds",
        "Does it hold by surprise and by precision of the stamp?",
        "groups earned, net",
    )
    if "surprise" not in told:
        return _undefined(key, question, caption, OLDER)
    groups = [(NAMES[each["group"]], each) for each in told["surprise"]]
    groups += [
        (STAMPS.get(each["group"], f"known to the {each['group']}"), each) for each in told["precision"]
    ]
    if not groups:
        return _undefined(key, question, caption, "no trade was closed")
    won = sum(each["mean"] > 0 for _, each in groups)
    verdict = "yes" if won == len(groups) else "no" if won * 2 < len(groups) else "open"
    said = {"yes": "in every group", "no": "in few groups", "open": "in some groups"}[verdict]
    bars = [_group_bar(name, each) for name, each in groups]
    drawn = rows(bars, shares, axis=False, compact=True)
    figure = f"{won} of {len(groups)}"
    return Card(key, question, figure, caption, verdict, said, _on_groups(groups), drawn)


def _group_bar(name: str, each: Mapping[str, Any]) -> Bar:
    dates = counted(each["event_dates"], "event dates")
    title = f"{counted(each['trades'], 'trades')} on {dates}, t {number(each['t_statistic'])}"
    text = f"{percent(each['mean'])} · {number(each['event_dates'], 0)}"
    return Bar(name, each["mean"], text, error=each["standard_error"], title=title)


def _on_groups(groups: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    sure = []
    for name, each in groups:
        if defined(each["t_statistic"]) and abs(each["t_statistic"]) >= SURE:
            dates = counted(each["event_dates"], "dates")
            sure.append(f"{name} ({percent(each['mean'])}, t {number(each['t_statistic'])} on {dates})")
    told = f"Told from chance: {', '.join(sure)}." if sure else "No group is told from chance by itself."
    return f"{told} Beside each mean stands its number of event dates; surprises are halved within their tag."


# ------------------------------------------------------------------------------------ the best dates


def _without_best(run: Run, told: Mapping[str, Any] | None) -> Card:
    key, question, caption = (
        "without-best",
        "Does it survive without its best three event dates?",
        f"{unit(run)} without them",
    )
    if told is None or not defined(told.get("pnl_without")):
        return _undefined(key, question, caption, OLDER if told is None else told["reason"])
    left, digits = told["pnl_without"], money_digits(run)
    verdict = "yes" if left > 0 and told["mean_without"] > 0 else "no"
    said = "it survives" if verdict == "yes" else "it does not" if told["pnl"] > 0 else "it lost with them"
    best = [each["date"] for each in told["dates"][: told["taken"]]]
    answer = (
        f"Without {', '.join(best[:-1])} and {best[-1]} the net profit goes from {number(told['pnl'], digits)} to "
        f"{number(left, digits)} {unit(run)}, and the mean by event date from {percent(told['mean'])} to "
        f"{percent(told['mean_without'])} (t {number(told['t_statistic_without'])})."
    )
    return Card(
        key, question, number(left, digits), caption, verdict, said, answer, _sorted_dates(told, unit(run))
    )


def _sorted_dates(told: Mapping[str, Any], money: str) -> str:
    dates = told["dates"]
    values = [each["pnl"] for each in dates]
    frame = Frame((-0.5, len(dates) - 0.5), spread(values, zero=True), 5.5)
    frame.rule(y=0.0, style="rule zero")
    for place, each in enumerate(dates):
        style = "s3" if place < told["taken"] else "soft"
        frame.rect(
            (place - 0.42, place + 0.42),
            (0.0, each["pnl"]),
            style,
            f"{each['date']}: {number(each['pnl'], 0)} {money}",
        )
    frame.say(told["taken"] - 0.4, frame.y[1], "the best dates", "left")
    return f'<div class="bare">{frame.markup()}</div>'


# ------------------------------------------------------------------------------- cost and participation


def _zero(run: Run, told: Mapping[str, Any] | None) -> Card:
    key, question, caption = (
        "zero",
        "At what cost and what share of volume does it reach zero?",
        "basis points a fill take it all",
    )
    if told is None:
        return _undefined(key, question, caption, OLDER)
    paid, edge = told["cost"], told["break_even"]
    if not defined(edge):
        verdict, said, figure = "no", "at none", UNDEFINED
    else:
        verdict = "yes" if edge > paid else "no"
        said, figure = ("more than it pays" if edge > paid else "less than it pays"), number(10_000 * edge, 1)
    bars = [
        Bar("reaches zero at", 10_000 * edge, f"{figure} bp" if defined(edge) else UNDEFINED, style="total"),
        Bar(
            "pays now",
            10_000 * paid,
            f"{number(10_000 * paid, 1)} bp" if defined(paid) else UNDEFINED,
            style="loss",
        ),
    ]
    markup = rows(bars, lambda value: f"{number(value, 0)} bp", axis=False) if defined(paid) else ""
    return Card(key, question, figure, caption, verdict, said, _on_zero(run, told), markup)


def _on_zero(run: Run, told: Mapping[str, Any]) -> str:
    traded = number(told["turnover"], 0)
    gross = f"Before costs the trades made {number(told['gross_pnl'], 0)} {unit(run)} on {traded} traded"
    first = f"{gross}." if not told["reason"] else f"{told['reason'][:1].upper()}{told['reason'][1:]}."
    now, at = told["participation_now"], told["participation"]
    size = (
        f" The median trade is {share_of_volume(now)} of a session’s volume"
        if defined(now)
        else " Its share of volume is n/a"
    )
    if defined(at):
        return f"{first}{size}; by the square-root law it reaches zero at {share_of_volume(at)}."
    return (
        f"{first}{size}; the share at which it reaches zero is {UNDEFINED}: {told['participation_reason']}."
    )


def share_of_volume(share: float) -> str:
    r"""Write a share of volume with three significant digits.

    Examples
    --------
    >>> share_of_volume(0.000075884)
    '0.00759\xa0%'
    """
    if not share > 0:
        return percent(share)
    digits = max(0, 2 - math.floor(math.log10(100 * share)))
    return percent(share, digits)
