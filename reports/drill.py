"""What an event opens to: its evidence, its signals and trades, the bars around it, compactly."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.instants import to_ns
from aftershock.reports.run import Run, section
from aftershock.reports.tables import Column, column_values, zones_of
from aftershock.reports.words import SIMULATED, city, word

EVENT = (
    Column("known_from", "Known from", "instant"),
    Column("known_by", "Known by", "instant"),
    Column("precision", "Precision"),
    Column("tag", "Tag"),
    Column("direction", "Direction"),
    Column("expected", "Expected", "number"),
    Column("actual", "Actual", "number"),
    Column("surprise", "Surprise", "number"),
    Column("surprise_source", "Surprise from"),
    Column("scheduled_for", "Scheduled for", "instant"),
    Column("strength", "Strength", "number"),
    Column("confidence", "Confidence", "number"),
    Column("scope", "Scope"),
    Column("symbols", "About"),
    Column("story_id", "Story"),
    Column("source_kind", "Kind of source"),
    Column("source", "Source", "link"),
    Column("tagger", "Tagged by"),
)
"""What is told of an event beside its headline."""

SIGNAL = (
    Column("event_id", "Event"),
    Column("symbol", "Symbol"),
    Column("venue", "Venue"),
    Column("side", "Side", "side"),
    Column("phase", "Phase"),
    Column("first_open", "First open", "instant"),
    Column("entry_session", "Session", "date"),
    Column("entry_at", "Entry at", "instant"),
    Column("outcome", "Outcome"),
    Column("reason", "Why"),
    Column("headline", "In headline", "flag"),
)
TRADE = (
    Column("entry_at", "Entry", "instant"),
    Column("exit_at", "Exit", "instant"),
    Column("entry_price", "Entry price", "price"),
    Column("entry_fill", "Entry fill", "price"),
    Column("exit_price", "Exit price", "price"),
    Column("exit_fill", "Exit fill", "price"),
    Column("exit_kind", "Exit by"),
    Column("return", "Net return", "percent"),
    Column("pnl", "Net P&L", "money"),
    Column("costs", "Costs", "money"),
    Column("status", "Status"),
)
RUNG = (
    Column("event_id", "Event"),
    Column("venue", "Venue"),
    Column("opens_at", "Opens", "instant"),
    Column("gap", "Gap", "percent"),
    Column("session", "Session", "percent"),
    Column("instruments", "Instruments", "count"),
    Column("gaps", "Gaps", "count"),
)
MOST_BARS = 600_000
"""Of more bars around events those of the latest events are embedded, so that a page stays one that opens."""


def store(run: Run) -> dict[str, Any]:
    """Collect what events open to.

    Parameters
    ----------
    run : Run

    Returns
    -------
    dict
        ``events``, ``signals`` (with the place of their ``trade``, -1 for none), ``trades``, ``ladder``: columns of
        values, texts once each; ``bars`` by symbol; ``exits``, ``zones``, and the ``mark`` of simulated prices.
    """
    venues = sorted({str(mic) for mic in run.audit.get("venue", pd.Series(dtype=object)).unique()})
    signals = columns_of(run.audit, SIGNAL)
    signals["trade"] = {"values": _trade_of(run)}
    bars, left_out = _bars(run)
    return {
        "events": {"id": list(map(word, run.events.get("event_id", ())))} | columns_of(run.events, EVENT),
        "headlines": column_values(run.events, Column("headline", "Headline")),
        "labels": {each.key: [each.label, each.kind] for each in EVENT},
        "signals": signals,
        "trades": columns_of(run.trades, TRADE),
        "ladder": columns_of(run.ladder, RUNG),
        "bars": bars,
        "left_out": left_out,
        "exits": exits_of(run),
        "zones": zones_of(run.audit),
        "cities": {mic: city(mic) for mic in venues},
        "mark": SIMULATED if run.simulated else "",
    }


def columns_of(table: pd.DataFrame, columns: tuple[Column, ...]) -> dict[str, Any]:
    """Give columns as values, those of texts as their different ``texts`` and the place of each."""
    found: dict[str, Any] = {}
    for each in columns:
        values = column_values(table, each)
        if each.kind in ("text", "link", "date"):
            texts = {text: place for place, text in enumerate(dict.fromkeys(values))}
            found[each.key] = {"texts": list(texts), "values": [texts[value] for value in values]}
        else:
            found[each.key] = {"values": values}
    return found


def exits_of(run: Run) -> dict[str, float | None]:
    """Read stop, take, trail and hold from the experiment; None where there is none."""
    told = section(run.experiment, "strategy")
    known = {key: told.get(key) for key in ("hold", "stop", "take", "trail")}
    return {
        key: value if isinstance(value, (int, float)) and value > 0 else None for key, value in known.items()
    }


def _trade_of(run: Run) -> list[int]:
    """Find for each signal the place of its trade among the trades; -1 where it made none."""
    keys = ["event_id", "symbol"]
    if not set(keys) <= set(run.trades.columns) or not set(keys) <= set(run.audit.columns):
        return [-1] * len(run.audit)
    pairs = zip(run.trades["event_id"], run.trades["symbol"], strict=True)
    made = {(str(event), str(symbol)): place for place, (event, symbol) in enumerate(pairs)}
    signals = zip(run.audit["event_id"], run.audit["symbol"], strict=True)
    return [made.get((str(event), str(symbol)), -1) for event, symbol in signals]


def _bars(run: Run) -> tuple[dict[str, Any], int]:
    """Give the bars around events by symbol, each once, and how many were left out."""
    keys = {"symbol", "opens_at", "open", "high", "low", "close"}
    if not keys <= set(run.bars.columns):
        return {}, 0
    once = run.bars.drop_duplicates(["symbol", "opens_at"]).sort_values("opens_at", kind="stable")
    left_out = max(0, len(once) - MOST_BARS)
    kept = once.iloc[left_out:]
    return {
        word(symbol): _coded(own) for symbol, own in kept.groupby("symbol", sort=True, observed=True)
    }, left_out


def _coded(bars: pd.DataFrame) -> dict[str, Any]:
    """Code one instrument's bars as small whole numbers, which compress well.

    ``at`` are minutes, ``close`` prices x ``scale``: differences to the one before. ``open`` is less the close, ``up``
    what the high is above both, ``down`` what the low is beneath both. None is unknown.
    """
    close = bars["close"].to_numpy(np.float64)
    scale = _scale(bars)
    open_, high, low, shut = (
        np.round(bars[key].to_numpy(np.float64) * scale) for key in ("open", "high", "low", "close")
    )
    filled = pd.Series(shut).ffill().fillna(0.0).to_numpy()
    begun = np.where(np.isnan(open_), filled, open_)
    minutes = to_ns(bars["opens_at"]) // 60_000_000_000
    return {
        "scale": scale,
        "at": np.diff(minutes, prepend=0).tolist(),
        "close": np.diff(filled, prepend=0.0).astype(np.int64).tolist(),
        "known": [int(value) for value in np.flatnonzero(np.isnan(close))],
        "open": _whole(open_ - filled),
        "up": _whole(high - np.maximum(begun, filled)),
        "down": _whole(np.minimum(begun, filled) - low),
    }


def _scale(bars: pd.DataFrame) -> float:
    """Choose the power of ten that keeps prices as they are, or the first five digits of the least."""
    values = bars[["open", "high", "low", "close"]].to_numpy(np.float64)
    least = values[values > 0].min(initial=1e9)
    most = 10.0 ** max(0, 4 - math.floor(math.log10(least)))
    scale = 1.0
    while scale < most and np.nanmax(np.abs(values * scale - np.round(values * scale))) > 1e-6:
        scale *= 10.0
    return scale


def _whole(values: Any) -> list[int | None]:
    return [None if math.isnan(value) else int(value) for value in values.tolist()]
