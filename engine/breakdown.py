"""Trades taken apart: when they came, how their returns spread, how far they ran, what each kind of cost took."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.instants import DAY, to_ns

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ARRIVALS = {"pre-open": "pre-open", "session": "in session", "lunch": "in session"}
"""Phases of arrival as a desk speaks of them; all others are after the close."""
BINS = 40
MAP = 24
"""Bins of the distribution of returns, and of each axis of the map of excursions."""


def with_groups(trades: pd.DataFrame) -> pd.DataFrame:
    """Add to trades what they are grouped by: ``weekday`` of the entry's session and ``arrival`` of the event.

    Examples
    --------
    >>> trades = pd.DataFrame({"entry_session": pd.to_datetime(["2025-09-12"]), "phase": ["lunch"]})
    >>> with_groups(trades)[["weekday", "arrival"]].values.tolist()
    [['Friday', 'in session']]
    """
    # 1970-01-01 was a Thursday.
    days = (trades["entry_session"].to_numpy().astype("M8[D]").astype(np.int64) + 3) % 7
    return trades.assign(
        weekday=np.array(WEEKDAYS, object)[days],
        arrival=[ARRIVALS.get(str(phase), "after close") for phase in trades["phase"]],
    )


def distribution(returns: Any) -> dict[str, Any]:
    """Count returns in equal bins between their 0.5 and 99.5 % quantiles; the outer bins hold what lies beyond.

    Returns
    -------
    dict
        ``edges`` (one more than ``counts``), ``counts``; both empty where no return is known.

    Examples
    --------
    >>> told = distribution([-0.01, 0.0, 0.01, 0.01])
    >>> sum(told["counts"]), len(told["edges"]) - len(told["counts"])
    (4, 1)
    """
    values = np.asarray(returns, np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return {"edges": [], "counts": []}
    edges = _edges(values, BINS)
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def _edges(values: Any, bins: int) -> Any:
    low, high = np.quantile(values, [0.005, 0.995])
    if not high > low:
        low, high = low - 0.005, high + 0.005
    return np.linspace(low, high, bins + 1)


def excursions(mae: Any, mfe: Any, returns: Any) -> dict[str, Any]:
    """Map trades by how far they ran against them and in their favour.

    Returns
    -------
    dict
        ``cells`` (``mae, mfe`` at the middle, ``trades``, ``mean`` net return), ``width, height`` of a cell and
        ``given_back``: mean over trades of best excursion less return.

    Examples
    --------
    >>> told = excursions([-0.02], [0.03], [0.01])
    >>> [(each["trades"], each["mean"]) for each in told["cells"]], round(told["given_back"], 6)
    ([(1, 0.01)], 0.02)
    """
    table = pd.DataFrame({"mae": mae, "mfe": mfe, "return": returns}).astype("float64").dropna()
    if table.empty:
        return {"cells": [], "width": math.nan, "height": math.nan, "given_back": math.nan}
    against, favour = (float(np.quantile(table[key].abs(), 0.99)) or 0.01 for key in ("mae", "mfe"))
    width, height = against / MAP, favour / MAP
    placed = table.assign(
        x=(table["mae"].abs() // width).clip(upper=MAP - 1),
        y=(table["mfe"].abs() // height).clip(upper=MAP - 1),
    )
    cells = placed.groupby(["x", "y"])["return"].agg(["size", "mean"]).reset_index()
    return {
        "cells": [
            {"mae": -(x + 0.5) * width, "mfe": (y + 0.5) * height, "trades": int(n), "mean": float(mean)}
            for x, y, n, mean in cells.itertuples(index=False)
        ],
        "width": width,
        "height": height,
        "given_back": float((table["mfe"] - table["return"]).mean()),
    }


def date_returns(trades: pd.DataFrame) -> list[dict[str, Any]]:
    """Give the mean net return and the profit of each event date, in time order."""
    dates, place = np.unique(to_ns(trades["known_by"]) // DAY, return_inverse=True)
    by_date = trades[["return", "pnl"]].astype("float64").groupby(place)
    columns = by_date.size(), by_date["return"].mean(), by_date["pnl"].sum()
    return [
        {
            "date": str(np.datetime64(int(date), "D")),
            "trades": int(count),
            "mean_return": float(mean),
            "pnl": float(pnl),
        }
        for date, count, mean, pnl in zip(dates, *columns, strict=True)
    ]
