"""What a report asks of a run beyond its trades: the five questions, benchmarks, paths, and trades taken apart."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.prices import Tape
from aftershock.data.universes import Universe
from aftershock.engine import metrics
from aftershock.engine.benchmark import buy_and_hold
from aftershock.engine.breakdown import WEEKDAYS, date_returns, distribution, excursions, with_groups
from aftershock.engine.clock import Beyond, Held, beyond_clock, remaining, us_moves
from aftershock.engine.portfolio import Simulation
from aftershock.engine.questions import before_entry, by_precision, by_surprise, reaching_zero, without_best
from aftershock.engine.reaction import ladder, ladder_means, reaction_path
from aftershock.engine.returns import returns_of, session_closes, session_deviation
from aftershock.engine.rules import turnover
from aftershock.engine.types import Floats
from aftershock.engine.waterfall import trade_fees

US = ("SPX", "NDX", "NASDAQ", "DJIA")
"""Series that tell last night's US move, the first that has prices."""
WINDOW = 126
"""Sessions of the rolling Sharpe ratio: about half a year."""


class Asked(NamedTuple):
    """What the answers are made from: the headline simulation and what it was made of."""

    done: Simulation
    events: pd.DataFrame
    audit: pd.DataFrame
    bars: pd.DataFrame
    waterfall: pd.DataFrame
    tape: Tape
    beside: Tape | None
    scope: Universe
    at_close: bool
    fees: dict[str, float]


class Answers(NamedTuple):
    """Tables and figures for a report (docs/architecture.md, "A run")."""

    curves: pd.DataFrame
    ladder: pd.DataFrame
    stats: dict[str, Any]


def answers(asked: Asked) -> Answers:
    """Answer what a report asks."""
    closed = asked.done.trades[asked.done.trades["status"] == "closed"]
    curves, benchmark = _curves(asked)
    rungs = ladder(asked.bars, asked.audit)
    known = asked.audit.drop_duplicates("event_id").set_index("event_id")["known_by"]
    return Answers(
        curves,
        rungs,
        {
            "questions": _questions(asked, closed),
            "benchmark": benchmark,
            "path": reaction_path(asked.bars, asked.audit),
            "ladder": ladder_means(rungs, known),
            "distribution": distribution(closed["return"]),
            "excursions": excursions(closed["mae"], closed["mfe"], closed["return"]),
            "dates": date_returns(closed),
            "costs": _costs(asked, closed),
            "by": _groups(closed),
        },
    )


def costs_of(done: Simulation, rules: Any, charged: Any) -> dict[str, float]:
    """Add up what the closed trades were charged, by class of charge."""
    records = done.records[done.records["exit_bar"] >= 0]
    return {kind: float(money.sum()) for kind, money in trade_fees(rules, charged, records).items()}


def _costs(asked: Asked, closed: pd.DataFrame) -> dict[str, float]:
    """Part the costs of the headline figures by kind; slippage is what no charge explains."""
    rest = {key: float(closed[key].sum()) for key in ("borrow", "withheld")}
    rest["hedge"] = float(closed["hedge_costs"].sum()) if "hedge_costs" in closed else 0.0
    slippage = float(closed["costs"].sum()) - sum(asked.fees.values()) - sum(rest.values())
    return {**asked.fees, "slippage": slippage, **rest}


def _groups(closed: pd.DataFrame) -> dict[str, Any]:
    grouped = with_groups(closed)
    found = {key: metrics.by(grouped, key).reset_index().to_dict("records") for key in ("weekday", "arrival")}
    found["weekday"].sort(key=lambda each: WEEKDAYS.index(each["weekday"]))
    return found


def _questions(asked: Asked, closed: pd.DataFrame) -> dict[str, Any]:
    rates, moves = turnover(asked.tape), session_deviation(asked.tape)
    entry = asked.done.records["entry_bar"][(asked.done.trades["status"] == "closed").to_numpy()]
    slippage = _costs(asked, closed)["slippage"]
    return {
        "before_entry": before_entry(asked.waterfall),
        "remaining": _remaining(asked, closed),
        "surprise": by_surprise(closed, asked.events),
        "precision": by_precision(closed, asked.events),
        "without_best": without_best(closed),
        "zero": reaching_zero(
            closed, slippage, rates[entry] * closed["fx_entry"].to_numpy(np.float64), moves[entry]
        ),
    }


def _remaining(asked: Asked, closed: pd.DataFrame) -> dict[str, Any]:
    records = asked.done.records[asked.done.records["exit_bar"] >= 0]
    held = Held(records["instrument"], records["entry_bar"], records["exit_bar"], records["side"])
    due = _due(asked)
    name, moves = _us(asked)
    beyond: Beyond = beyond_clock(asked.tape, held, due, moves, asked.at_close)
    return remaining(closed["gross_return"], closed["known_by"], beyond, name)


def _due(asked: Asked) -> Any:
    signals = asked.done.signals
    return signals["due"].to_numpy(np.int64) if "due" in signals else np.zeros(0, np.int64)


def _us(asked: Asked) -> tuple[str, Floats | None]:
    """Give the name of the US series and its move before each bar's open; "" and None where there is none."""
    tape = asked.beside
    name = next((one for one in US if tape is not None and one in tape.symbols), "")
    if tape is None or not name:
        return "", None
    return name, us_moves(asked.tape, returns_of(session_closes(tape, name)))


def _curves(asked: Asked) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Mark what doing nothing would have earned on the dates of equity, with the rolling Sharpe ratio beside."""
    curve, capital = asked.done.equity, asked.done.capital
    stocks = [one.symbol for one in asked.scope.instruments if one.kind != "index"]
    indices = _indices(asked)
    universe, bought = buy_and_hold(asked.tape, stocks, curve["date"], capital)
    index, priced = (
        (np.full(len(curve), np.nan), 0)
        if asked.beside is None
        else buy_and_hold(asked.beside, indices, curve["date"], capital)
    )
    per_year = metrics.periods_per_year(curve["date"]) if len(curve) else float("nan")
    table = pd.DataFrame(
        {
            "date": curve["date"],
            "universe": universe,
            "index": index,
            "rolling_sharpe": metrics.rolling_sharpe(curve["returns"], per_year, WINDOW),
        }
    )
    told = {
        "universe": _benchmark(table, "universe", capital, curve["returns"]) | {"instruments": bought},
        "index": _benchmark(table, "index", capital, curve["returns"])
        | {"instruments": priced, "symbols": indices},
        "window": WINDOW,
    }
    return table, told


def _benchmark(table: pd.DataFrame, key: str, capital: float, returns: Any) -> dict[str, float]:
    """Give the figures of a benchmark, and how the run moved with it."""
    keys = ("total_return", "cagr", "volatility", "sharpe", "max_drawdown")
    if not table[key].notna().any():
        return dict.fromkeys((*keys, "alpha", "beta"), float("nan"))
    found = metrics.summary(table[key], table["date"], capital)
    own = metrics.returns_of(table[key], capital)
    beside = metrics.alpha_beta(returns, own, found["periods_per_year"])
    return {name: found[name] for name in keys} | {"alpha": beside.alpha, "beta": beside.beta}


def _indices(asked: Asked) -> list[str]:
    """Take one index for each venue that is traded: the first that has prices."""
    if asked.beside is None:
        return []
    at = dict(zip(asked.beside.symbols, asked.beside.venues, strict=True))
    found: dict[str, str] = {}
    for symbol in asked.beside.symbols:
        if at[symbol] in asked.tape.venues:
            found.setdefault(at[symbol], symbol)
    return sorted(found.values())
