"""Runs made up for tests of what is done with a run: plausible tables, figures by the engine's formulas."""

import math
from typing import Any

import numpy as np
import pandas as pd

from aftershock.engine.breakdown import WEEKDAYS, date_returns, distribution, excursions, with_groups
from aftershock.engine.clock import Beyond, remaining
from aftershock.engine.metrics import (
    by,
    drawdown_series,
    drawdowns,
    returns_of,
    rolling_sharpe,
    summary,
    trade_summary,
)
from aftershock.engine.questions import before_entry, by_precision, by_surprise, reaching_zero, without_best
from aftershock.engine.reaction import ladder, ladder_means, reaction_path
from aftershock.engine.waterfall import STEPS
from aftershock.reports.run import Run

CAPITAL = 1_000_000.0
TAGS = (("fed", "dovish"), ("fed", "hawkish"), ("chip", "positive"), ("tariff", "escalation"))
LISTED = (
    ("7203.T", "XTKS", "Japan"),
    ("005930.KS", "XKRX", "Korea"),
    ("0700.HK", "XHKG", "Hong Kong"),
    ("2330.TW", "XTAI", "Taiwan"),
)
REASONS = {"filled": "entered", "locked": "the bar was locked at its price limit against the trade"}
EXPERIMENT = """\
[strategy]
kind = "fed_cut"
hold = 3
stop = 0.05

[universe]
name = ["asia-tech"]
"""
SIMULATED = "SIMULATED: every price was made by a seeded model; no figure says anything of real markets."
SURVIVORSHIP = "The universe holds what is listed today: what was delisted since is missing (survivorship)."


def make_run(
    *,
    name: str = "fed_cut",
    events: int = 12,
    days: int = 260,
    seed: int = 1,
    simulated: bool = False,
    headline: str | None = None,
    **manifest: Any,
) -> Run:
    """Make a run of one trade per event and instrument; ``headline`` replaces the first event's headline."""
    draw = np.random.default_rng(seed)
    news = _events(events, days, draw, headline)
    audit = _audit(news, draw)
    trades = _trades(audit, draw)
    equity = _equity(trades, days)
    counted = trades[trades["headline"]]
    bars = _bars(trades, draw)
    fall, rungs = _waterfall(counted), ladder(bars, audit)
    curves = _curves(equity)
    stats = {
        "headline": _figures(counted, equity),
        "beside": {"ambiguous": _figures(trades[~trades["headline"]], equity)},
        "by": {
            key: _by(counted, key)
            for key in ("tag", "direction", "market", "symbol", "year", "phase", "side", "weekday", "arrival")
        },
        "drawdowns": drawdowns(equity["equity"], equity["date"], CAPITAL).to_dict("records"),
        "outcomes": audit["outcome"].value_counts().to_dict(),
        "planted": _planted(counted) if simulated else [],
        "waterfall": _fallen(fall),
        "questions": _questions(counted, news, fall),
        "benchmark": {
            "universe": _benchmark(curves, "universe") | {"instruments": 4},
            "index": _benchmark(curves, "index") | {"instruments": 2, "symbols": ["HSI", "N225"]},
            "window": 60,
        },
        "path": reaction_path(bars, audit),
        "ladder": ladder_means(rungs, news.set_index("event_id")["known_by"]),
        "distribution": distribution(counted["return"]),
        "excursions": excursions(counted["mae"], counted["mfe"], counted["return"]),
        "dates": date_returns(counted),
        "costs": {"commission": 7.0 * len(counted), "slippage": 5.0 * len(counted)},
    }
    return Run(
        manifest=_manifest(name, simulated, equity) | manifest,
        experiment=EXPERIMENT,
        events=news,
        audit=audit,
        fills=pd.DataFrame(),
        trades=trades,
        equity=equity,
        bars=bars,
        waterfall=fall,
        stats=stats,
        curves=curves,
        ladder=rungs,
    )


def empty_run(**manifest: Any) -> Run:
    """Make a run of nothing: no event, no trade, no equity, no figure."""
    nothing = pd.DataFrame()
    return Run({"simulated": False} | manifest, "", *[nothing] * 7, {})


def _questions(trades: pd.DataFrame, news: pd.DataFrame, fall: pd.DataFrame) -> dict[str, Any]:
    clock = Beyond(np.full(len(trades), 0.001), np.full(len(trades), -0.0005))
    return {
        "before_entry": before_entry(fall),
        "remaining": remaining(trades["gross_return"], trades["known_by"], clock, "SPX"),
        "surprise": by_surprise(trades, news),
        "precision": by_precision(trades, news),
        "without_best": without_best(trades),
        "zero": reaching_zero(
            trades, 5.0 * len(trades), np.full(len(trades), 1e7), np.full(len(trades), 0.02)
        ),
    }


def _curves(equity: pd.DataFrame) -> pd.DataFrame:
    rise = CAPITAL * np.linspace(1.0, 1.2, len(equity))
    sharpe = rolling_sharpe(equity["returns"], 252.0, 60)
    return pd.DataFrame(
        {"date": equity["date"], "universe": rise, "index": rise[::-1], "rolling_sharpe": sharpe}
    )


def _benchmark(curves: pd.DataFrame, key: str) -> dict[str, float]:
    return {"total_return": float(curves[key].iloc[-1] / CAPITAL - 1)}


def _bars(trades: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    """Make the bars around each trade: from five sessions before its entry to eight after."""
    offsets = np.arange(-5, 9)
    n, k = len(trades), len(offsets)
    at = pd.DatetimeIndex(trades["entry_at"].repeat(k)) + pd.to_timedelta(np.tile(offsets, n), unit="D")
    close = trades["entry_fill"].to_numpy().repeat(k) * (1 + draw.normal(0, 0.01, n * k))
    open_ = close * (1 + draw.normal(0, 0.004, n * k))
    table = trades[["event_id", "symbol"]].loc[trades.index.repeat(k)].reset_index(drop=True)
    return table.assign(
        offset=np.tile(offsets, n),
        session=at.tz_localize(None).normalize(),
        opens_at=at,
        open=open_,
        high=np.maximum(open_, close) * 1.002,
        low=np.minimum(open_, close) * 0.998,
        close=close,
        volume=1000.0,
    )


def _waterfall(trades: pd.DataFrame) -> pd.DataFrame:
    """Take each trade's profit apart: reaction less gap less costs."""
    table = trades[["event_id", "symbol", "known_by"]].reset_index(drop=True)
    pnl, costs = trades["pnl"].to_numpy(), trades["costs"].to_numpy()
    table = table.assign(target=10_000.0, reaction=pnl + costs + 5.0, **dict.fromkeys(STEPS, 0.0))
    return table.assign(excess=pnl + costs + 4.0, drift=1.0, gap=-5.0, commission=-costs, net=pnl)


def _fallen(table: pd.DataFrame) -> dict[str, Any]:
    return {"signals": len(table), **{key: float(table[key].sum()) for key in ("reaction", *STEPS, "net")}}


def _events(count: int, days: int, draw: np.random.Generator, headline: str | None) -> pd.DataFrame:
    known = pd.Timestamp("2023-01-03T14:00Z") + pd.to_timedelta(
        np.sort(draw.integers(0, days, count)), unit="D"
    )
    kinds = [TAGS[place] for place in draw.integers(0, len(TAGS), count)]
    table = pd.DataFrame(
        {
            "event_id": [f"e{place:04d}" for place in range(count)],
            "known_by": pd.DatetimeIndex(known).as_unit("ns"),
            "tag": [tag for tag, _ in kinds],
            "direction": [direction for _, direction in kinds],
            "headline": [
                f"{tag} news turns {direction}, number {n}" for n, (tag, direction) in enumerate(kinds)
            ],
            "source": ["https://www.example.org/news/" + str(place) for place in range(count)],
            "precision": ["instant" if place % 3 else "day" for place in range(count)],
            "surprise": [math.nan if place % 4 == 0 else 0.1 * (place % 4 - 1) for place in range(count)],
            "source_kind": ["recap" if place % 11 == 10 else "wire" for place in range(count)],
        }
    )
    if headline is not None:
        table.loc[0, "headline"] = headline
    return table


def _audit(news: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    listed = pd.DataFrame(LISTED, columns=["symbol", "venue", "market"])
    audit = news.drop(columns=["headline", "source"]).merge(listed, how="cross")
    count = len(audit)
    audit["side"] = np.where(audit["direction"].isin(["dovish", "positive"]), 1, -1)
    audit["phase"] = draw.choice(["closed", "pre-open", "continuous"], count)
    audit["ambiguous"] = draw.random(count) < 0.04
    audit["headline"] = ~audit["ambiguous"] & (audit["source_kind"] != "recap")
    audit["entry_session"] = _day(audit["known_by"], 1)
    audit["first_open"] = audit["known_by"] + pd.Timedelta("11h")
    audit["entry_at"] = audit["known_by"] + pd.Timedelta("11h")
    audit["outcome"] = np.where(draw.random(count) < 0.08, "locked", "filled")
    return audit.assign(reason=audit["outcome"].map(REASONS))


def _trades(audit: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    trades = (
        audit[audit["outcome"] == "filled"]
        .drop(columns=["outcome", "reason", "ambiguous"])
        .reset_index(drop=True)
    )
    count = len(trades)
    gross = draw.normal(0.004, 0.02, count)
    trades["trade_id"] = range(count)
    trades["notional"] = 10_000.0
    trades["entry_fill"] = draw.uniform(20, 90_000, count)
    trades["exit_fill"] = trades["entry_fill"] * (1 + trades["side"] * gross)
    trades["entry_price"], trades["exit_price"] = trades["entry_fill"], trades["exit_fill"]
    trades["quantity"] = trades["notional"] / trades["entry_fill"]
    trades["entry_at"] = trades["known_by"] + pd.Timedelta("11h")
    trades["exit_at"] = trades["entry_at"] + pd.Timedelta("3D 6h 30s")
    trades["exit_session"] = _day(trades["exit_at"], 0)
    trades["exit_kind"] = draw.choice(["hold", "stop", "take"], count)
    trades["bars"] = 3
    trades["gross_return"] = gross
    trades["return"] = gross - 0.0012
    trades["costs"] = 12.0
    trades["pnl"] = trades["return"] * 10_000.0
    trades["mae"], trades["mfe"] = -np.abs(gross) - 0.01, np.abs(gross) + 0.01
    return trades.assign(status="closed")


def _equity(trades: pd.DataFrame, days: int) -> pd.DataFrame:
    dates = pd.date_range("2023-01-03", periods=days * 5 // 7 + 10, freq="B", tz="UTC", unit="ns")
    exits = trades.loc[trades["headline"], ["exit_at", "pnl"]]
    gains = exits.groupby(exits["exit_at"].dt.normalize())["pnl"].sum()
    marks = CAPITAL + gains.reindex(dates.union(gains.index)).fillna(0).cumsum().reindex(dates).to_numpy()
    return pd.DataFrame(
        {
            "date": dates,
            "equity": marks,
            "returns": returns_of(marks, CAPITAL),
            "drawdown": drawdown_series(marks, CAPITAL),
            "exposure": 0.04,
            "positions": 4,
        }
    )


def _figures(trades: pd.DataFrame, equity: pd.DataFrame) -> dict[str, Any]:
    marked = summary(equity["equity"], equity["date"], CAPITAL)
    return (
        marked
        | trade_summary(trades)
        | {"standard_error": _error(trades), "exposure": 0.04, "capital": CAPITAL}
    )


def _by(trades: pd.DataFrame, key: str) -> list[dict[str, Any]]:
    trades = with_groups(trades)
    table = by(trades, key).reset_index()
    if key == "weekday":
        table = table.sort_values(key, key=lambda days: days.map(WEEKDAYS.index), ignore_index=True)
    years = trades["entry_at"].dt.year if key == "year" else trades[key]
    errors = [_error(trades[years == group]) for group in table[key]]
    return table.assign(standard_error=errors).to_dict("records")


def _planted(trades: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "tag": tag,
            "direction": direction,
            "part": "drift",
            "pairs": len(group),
            "event_dates": group["known_by"].nunique(),
            "planted": 0.004,
            "recovered": group["gross_return"].mean(),
            "standard_error": _error(group),
        }
        for (tag, direction), group in trades.groupby(["tag", "direction"])
    ]


def _error(trades: pd.DataFrame) -> float:
    """Standard error of the mean return, clustered by event date."""
    excess = trades["return"] - trades["return"].mean()
    sums = excess.groupby(trades["known_by"].dt.normalize()).sum()
    if len(sums) < 2:
        return math.nan
    return float(math.sqrt(len(sums) / (len(sums) - 1) * (sums**2).sum()) / len(trades))


def _day(instants: "pd.Series[pd.Timestamp]", later: int) -> "pd.Series[pd.Timestamp]":
    return (instants.dt.tz_localize(None).dt.normalize() + pd.Timedelta(days=later)).dt.as_unit("ns")


def _manifest(name: str, simulated: bool, equity: pd.DataFrame) -> dict[str, Any]:
    return {
        "aftershock": "0.1.0",
        "name": name,
        "created_at": "2025-10-01T08:00:00Z",
        "simulated": simulated,
        "seed": 7,
        "hashes": {"events": "a1" * 32, "prices": "b2" * 32, "code": "c3" * 32},
        "versions": {"numpy": "2.4.0", "pandas": "3.1.0"},
        "strategy": "fed_cut",
        "universe": {"name": "asia-tech", "instruments": 4},
        "currency": "USD",
        "period": {"first": "2023-01-03", "last": str(equity["date"].iloc[-1])[:10]},
        "prices": {"sources": ["csv"], "instruments": 4},
        "caveats": [SIMULATED if simulated else SURVIVORSHIP],
        "warnings": [
            {
                "area": "prices",
                "code": "missing_sessions",
                "severity": "warning",
                "symbol": "7203.T",
                "first": "2023-05-01",
                "last": "2023-05-02",
                "rows": 2,
                "message": "2 sessions of the venue have no bar",
            }
        ],
        "skipped_events": [
            {"event_id": "x9", "symbol": "", "code": "no_instrument", "reason": "nothing in the universe"}
        ],
    }
