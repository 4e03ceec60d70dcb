"""The five questions of a report, each answered by figures with their reasons where they are undefined.

What share of the move came before the entry; what remains after last night's US move and the drift of the same
clock; whether it holds by surprise and by precision of the stamp; whether it survives without its best event dates;
and at what cost and at what participation in volume it reaches zero. An undefined figure is NaN and ``reason`` says
why. Means are means over event dates: the trades of one date share their news.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.instants import DAY, to_index, to_ns
from aftershock.engine.metrics import mean_by_date, standard_error, t_statistic

BEST = 3
"""How many of the best event dates are taken away."""
IMPACT = 1.0
"""Of the square-root law: a fill moves its price by so many daily deviations at the whole of a day's volume."""


def before_entry(waterfall: pd.DataFrame) -> dict[str, Any]:
    """Part the reaction to the signals into run-up and gap, which came before the entry, and what came after.

    Parameters
    ----------
    waterfall : DataFrame
        A row per signal: ``target, reaction, run_up, gap, known_by``, as `waterfall` gives it.

    Returns
    -------
    dict
        ``signals``; ``reaction, run_up, gap, after``, means as shares of the notional asked for; ``share`` of the
        reaction that came before the entry; ``t_statistic`` of the reaction by event date; ``reason``.

    Examples
    --------
    >>> day = pd.to_datetime(["2024-01-04"], utc=True)
    >>> one = pd.DataFrame({"target": 100.0, "reaction": 4.0, "run_up": -1.0, "gap": -2.0, "known_by": day})
    >>> told = before_entry(one)
    >>> told["share"], round(told["after"], 6)
    (0.75, 0.01)
    """
    asked = float(waterfall["target"].sum()) if len(waterfall) else 0.0
    if not asked > 0:
        return _undefined("no signal had a bar to enter at", "reaction", "run_up", "gap", "after", "share")
    whole, run_up, gap = (float(waterfall[key].sum()) / asked for key in ("reaction", "run_up", "gap"))
    share = -(run_up + gap) / whole if whole else math.nan
    each = waterfall["reaction"] / waterfall["target"].where(waterfall["target"] > 0)
    return {
        "signals": len(waterfall),
        "reaction": whole,
        "run_up": -run_up,
        "gap": -gap,
        "after": whole + run_up + gap,
        "share": share,
        "t_statistic": t_statistic(each, waterfall["known_by"]),
        "reason": "" if whole else "prices did not move after the news",
    }


def by_surprise(trades: pd.DataFrame, events: pd.DataFrame) -> list[dict[str, Any]]:
    """Set trades apart by the size of their event's surprise: larger or smaller than the median of its tag.

    Parameters
    ----------
    trades : DataFrame
        Closed trades: ``event_id, tag, return, known_by``.
    events : DataFrame
        ``event_id, surprise``.

    Returns
    -------
    list of dict
        ``group`` (``large``, ``small``, ``none`` for an outcome as expected, ``unknown``), ``trades, event_dates,
        mean, standard_error, t_statistic``.

    Examples
    --------
    >>> trades = pd.DataFrame({"event_id": ["a", "b"], "tag": "fed", "return": [0.02, 0.0],
    ...                        "known_by": pd.to_datetime(["2024-01-04", "2024-02-05"], utc=True)})
    >>> events = pd.DataFrame({"event_id": ["a", "b"], "surprise": [-0.25, float("nan")]})
    >>> [(each["group"], each["mean"]) for each in by_surprise(trades, events)]
    [('large', 0.02), ('unknown', 0.0)]
    """
    known = events.set_index("event_id")["surprise"].astype("float64").abs()
    known = known[~known.index.duplicated()]
    size = trades["event_id"].map(known).astype("float64")
    # Surprises of different tags have different units: the median is that of the events of the tag.
    moved = pd.DataFrame({"tag": trades["tag"], "event": trades["event_id"], "size": size})
    of_events = moved[moved["size"] > 0].drop_duplicates("event")
    median = trades["tag"].map(of_events.groupby("tag")["size"].median()).astype("float64")
    group = np.select([size.isna(), size == 0, size >= median], ["unknown", "none", "large"], default="small")
    return _groups(trades, group, ("large", "small", "none", "unknown"))


def by_precision(trades: pd.DataFrame, events: pd.DataFrame) -> list[dict[str, Any]]:
    """Set trades apart by how precisely it is known when their event was: as `by_surprise`, finest first."""
    known = events.drop_duplicates("event_id").set_index("event_id")["precision"]
    group = trades["event_id"].map(known).fillna("unknown").astype(str).to_numpy()
    return _groups(
        trades,
        group,
        ("instant", "second", "minute", "hour", "interval", "day", "week", "month", "unknown"),
    )


def _groups(trades: pd.DataFrame, group: Any, order: tuple[str, ...]) -> list[dict[str, Any]]:
    found = []
    for name in order:
        own = trades[np.asarray(group) == name]
        if len(own):
            found.append({"group": name, **mean_figures(own["return"], own["known_by"])})
    return found


def mean_figures(returns: Any, known_by: Any) -> dict[str, Any]:
    """Give ``trades, event_dates, mean, standard_error, t_statistic`` of returns, clustered by event date.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-04", "2024-01-04", "2024-01-05"], utc=True)
    >>> told = mean_figures([0.01, 0.03, 0.04], days)
    >>> told["trades"], told["event_dates"], round(told["mean"], 6), round(told["standard_error"], 6)
    (3, 2, 0.03, 0.01)
    """
    values, instants = np.asarray(returns, np.float64), to_ns(pd.Series(known_by))
    known = np.isfinite(values)
    return {
        "trades": int(known.sum()),
        "event_dates": len(np.unique(instants[known] // DAY)),
        "mean": mean_by_date(values, instants),
        "standard_error": standard_error(values, instants),
        "t_statistic": t_statistic(values, instants),
    }


def without_best(trades: pd.DataFrame, count: int = BEST) -> dict[str, Any]:
    """Take the event dates with the highest profit away and look at the rest.

    Parameters
    ----------
    trades : DataFrame
        Closed trades: ``return, pnl, known_by``.
    count : int
        How many dates go.

    Returns
    -------
    dict
        ``dates`` (all: ``date, pnl``, highest first), ``taken`` (how many went), ``pnl, pnl_without``, ``mean,
        t_statistic`` of all, ``mean_without, t_statistic_without, standard_error_without``, ``reason``.

    Examples
    --------
    >>> trades = pd.DataFrame({"return": [0.05, -0.01, -0.02], "pnl": [50.0, -10.0, -20.0],
    ...                        "known_by": pd.to_datetime(["2024-01-04", "2024-01-05", "2024-01-08"], utc=True)})
    >>> told = without_best(trades, 1)
    >>> told["pnl"], told["pnl_without"], round(told["mean_without"], 4)
    (20.0, -30.0, -0.015)
    """
    day = to_ns(trades["known_by"]) // DAY if len(trades) else np.zeros(0, np.int64)
    money = pd.Series(trades["pnl"].to_numpy(np.float64)).groupby(day).sum().sort_values(ascending=False)
    best = money.index[:count]
    rest = trades[~np.isin(day, best)]
    all_of, left = (mean_figures(part["return"], part["known_by"]) for part in (trades, rest))
    labels = to_index(np.asarray(money.index, np.int64) * DAY).strftime("%Y-%m-%d")
    return {
        "dates": [
            {"date": date, "pnl": float(pnl)} for date, pnl in zip(labels, money.to_numpy(), strict=True)
        ],
        "taken": len(best),
        "pnl": float(money.sum()),
        "pnl_without": float(money.iloc[count:].sum()) if len(money) > count else math.nan,
        "mean": all_of["mean"],
        "t_statistic": all_of["t_statistic"],
        "mean_without": left["mean"],
        "standard_error_without": left["standard_error"],
        "t_statistic_without": left["t_statistic"],
        "reason": "" if len(money) > count else f"there are no more than {count} event dates",
    }


def reaching_zero(trades: pd.DataFrame, slippage: float, volume: Any, deviation: Any) -> dict[str, Any]:
    """Say at what cost per fill, and at what participation in volume, nothing is left.

    Parameters
    ----------
    trades : DataFrame
        Closed trades: ``quantity, entry_fill, exit_fill, notional, pnl, costs`` in money of the base currency.
    slippage : float
        What of ``costs`` is slippage, which the square-root law replaces.
    volume : array of shape (n,)
        Mean value traded in a session before each trade's entry, in the base currency; NaN unknown.
    deviation : array of shape (n,)
        Standard deviation of each instrument's returns of a session before the entry; NaN unknown.

    Returns
    -------
    dict
        ``turnover`` (both sides), ``gross_pnl``; ``cost`` (paid, a share of turnover), ``break_even`` (the cost at
        which the net profit is zero; NaN where there is none to spend), ``participation_now`` (median share of
        volume), ``participation`` (at which it reaches zero by the square-root law), ``reason``,
        ``participation_reason``.

    Examples
    --------
    >>> trades = pd.DataFrame({"quantity": [1.0], "entry_fill": [100.0], "exit_fill": [100.0], "notional": [100.0],
    ...                        "pnl": [1.0], "costs": [1.0]})
    >>> told = reaching_zero(trades, 1.0, [10_000.0], [0.02])
    >>> told["break_even"], told["cost"], round(told["participation"], 6), told["participation_now"]
    (0.01, 0.005, 0.25, 0.01)
    """
    sides = trades["quantity"] * (trades["entry_fill"] + trades["exit_fill"])
    turnover, costs = float(sides.sum()), float(trades["costs"].sum())
    gross = float(trades["pnl"].sum()) + costs
    if not turnover > 0:
        lost = _undefined("no trade was closed", "turnover", "gross_pnl", "cost", "break_even")
        return lost | _undefined_participation("no trade was closed", math.nan)
    lost_anyway = "before costs the trades lost already: no cost is low enough" if gross <= 0 else ""
    return {
        "turnover": turnover,
        "gross_pnl": gross,
        "cost": costs / turnover,
        "break_even": gross / turnover if gross > 0 else math.nan,
        "reason": lost_anyway,
        **_participation(trades, sides, gross - costs + slippage, volume, deviation),
    }


def _participation(
    trades: pd.DataFrame, sides: pd.Series[float], left: float, volume: Any, deviation: Any
) -> dict[str, Any]:
    """Solve for the participation at which the square-root law takes what the other costs leave."""
    values, moves = np.asarray(volume, np.float64), np.asarray(deviation, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = trades["notional"].to_numpy(np.float64) / values
    known = np.isfinite(shares) & np.isfinite(moves)
    if not known.any():
        return _undefined_participation("no volume is known of what was traded, or no rate to base", math.nan)
    now = float(np.median(shares[known]))
    if left <= 0:
        return _undefined_participation("charges alone take it all, whatever the size", now)
    # Trades whose volume is unknown are taken to be like the others.
    weight = float((sides.to_numpy() * moves)[known].sum()) / float(sides[known].sum()) * float(sides.sum())
    if not weight > 0:
        return _undefined_participation("prices did not move, so size has no price", now)
    return {
        "participation": (left / (IMPACT * weight)) ** 2,
        "participation_now": now,
        "participation_trades": int(known.sum()),
        "participation_reason": "",
    }


def _undefined_participation(reason: str, now: float) -> dict[str, Any]:
    return {
        "participation": math.nan,
        "participation_now": now,
        "participation_trades": 0,
        "participation_reason": reason,
    }


def _undefined(reason: str, *keys: str) -> dict[str, Any]:
    return {"signals": 0, **dict.fromkeys(keys, math.nan), "t_statistic": math.nan, "reason": reason}
