"""From signals and a tape to fills, trades and equity: arrays inside, tables outside."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.instants import DAY, Instants, to_index, to_ns
from aftershock.data.prices.tape import Tape
from aftershock.data.venues import venue
from aftershock.engine import kernels
from aftershock.engine.align import entry_bars, is_listed, shares_of_budget
from aftershock.engine.exit_rules import Rule, ruled
from aftershock.engine.kernels import Case
from aftershock.engine.simulation import simulate as simulate_case
from aftershock.engine.types import (
    KINDS,
    OUTCOMES,
    REASONS,
    Bars,
    Book,
    Entries,
    Exits,
    Floats,
    Integers,
    Orders,
    Rules,
    trade_dtype,
)


@dataclass(frozen=True, eq=False)
class Simulation:
    """What came of the signals.

    Attributes
    ----------
    signals : DataFrame
        The signals with ``due``, ``entry_session``, ``entry_at``, ``outcome`` and ``why``.
    trades, equity : DataFrame
        As docs/architecture.md, "A run", describes them.
    capital : float
        The capital that equity starts from: that of all accounts together.
    records : ndarray of trade_dtype
        The trades as kernels give them.
    legs : ndarray of trade_dtype
        Their hedge legs, if any (`aftershock.engine.hedge.hedge_legs`).
    """

    signals: pd.DataFrame
    trades: pd.DataFrame
    equity: pd.DataFrame
    capital: float
    records: np.ndarray
    legs: np.ndarray = field(default_factory=lambda: np.zeros(0, trade_dtype))


def bars_of(tape: Tape) -> Bars:
    """Give kernels the arrays of a tape they need, without copying."""
    return Bars(
        tape.offsets,
        tape.session,
        tape.ordinal,
        tape.opens_at,
        tape.closes_at,
        tape.open,
        tape.high,
        tape.low,
        tape.close,
        tape.halted,
    )


def simulate(
    tape: Tape,
    rules: Rules,
    signals: pd.DataFrame,
    exits: Exits,
    orders: Orders,
    book: Book,
    *,
    delay: int = 0,
    latency: int = 0,
    budget: float = np.inf,
    seed: int = 0,
    tradable: NDArray[np.bool_] | None = None,
    rule: Rule | None = None,
) -> Simulation:
    """Trade signals that have been aligned.

    Parameters
    ----------
    tape, rules : Tape, Rules
        The market and its rules.
    signals : DataFrame
        As `align_signals` returns them: ``event_id, symbol, side, weight, known_by, entry_position`` at least.
        Rows with an ``outcome`` already set are left out.
    exits, orders, book : Exits, Orders, Book
        Settings, checked by the caller.
    delay : int
        Bars of the instrument to wait before entry.
    latency : int
        Nanoseconds from knowing to acting.
    budget : float
        The share of capital that signals of one event date (UTC) may take together.
    seed : int
        Seed of the draw that settles ties.
    tradable : ndarray of bool, shape (bars,), optional
        Which bars of the tape belong to instruments that may be traded, those of all signals at least: equity has a
        row for each UTC date on which one of them closes. All by default.
    rule : callable, optional
        An exit of the desk's own (`aftershock.engine.exit_rules.check_rule`).

    Returns
    -------
    Simulation
        Signals come back in their order.
    """
    rows = live_rows(signals)
    chosen = signals.loc[rows]
    entries = entries_of(
        tape, chosen, delay, latency, at_close=orders.at_close, budget=budget, size=book.size, seed=seed
    )
    bars = bars_of(tape)
    case = Case(bars, rules, entries, exits, orders, book)
    entries = ruled(case, rule)
    records, outcome = simulate_case(case._replace(entries=entries))
    # Kernels see a signal of no weight, which nets to nothing.
    spent = (entries.weight == 0.0) & (outcome == OUTCOMES.index("netted"))
    outcome = np.where(spent, OUTCOMES.index("no_budget"), outcome)
    trades = _trades(tape, chosen, records, orders.at_close)
    capital = capital_of(tape, book, tradable)
    return Simulation(
        signals=_outcomes(signals, rows, tape, entries.due, outcome, orders.at_close),
        trades=trades,
        equity=_equity(tape, bars, rules, records, chosen, capital, tradable),
        capital=capital,
        records=records,
    )


def capital_of(tape: Tape, book: Book, tradable: NDArray[np.bool_] | None) -> float:
    """Give the capital that equity starts from: that of all accounts together."""
    accounts = _accounts(tape, tradable) if book.mode == kernels.ACCOUNT else 1
    return book.capital * max(accounts, 1)


def _accounts(tape: Tape, tradable: NDArray[np.bool_] | None) -> int:
    """Count the accounts: one for each series that may be traded, whether it ever is, which nobody knows before."""
    if tradable is None:
        return len(tape.symbols)
    filled = np.diff(tape.offsets) > 0
    return int(tradable[tape.offsets[:-1][filled]].sum())


def live_rows(signals: pd.DataFrame) -> pd.Index[Any]:
    """Give the signals without an outcome yet, in the order in which kernels take them."""
    live = signals[signals["outcome"] == ""] if "outcome" in signals else signals
    return live.sort_values(["known_by", "event_id", "symbol"], kind="stable").index


def entries_of(
    tape: Tape,
    signals: pd.DataFrame,
    delay: int,
    latency: int,
    *,
    at_close: bool,
    budget: float,
    size: float,
    seed: int,
) -> Entries:
    """Join sorted signals with their bars and weigh them within the budget of their date (see `simulate`)."""
    known = to_ns(signals["known_by"]) + latency
    position = signals["entry_position"].to_numpy(np.int64)
    places = _segments(tape, signals)
    instrument, due, waited = _due_bars(tape, places, known, position, at_close=at_close, delay=delay)
    markets = [venue(mic).market for mic in tape.venues]
    codes = pd.factorize(np.array(markets, dtype=object))[0].astype(np.int64)
    # Columns may be read-only: kernels are compiled anew for arrays that are, so all are copied.
    weight, side = np.array(signals["weight"], np.float64), np.array(signals["side"], np.int64)
    if budget < np.inf:
        # Only what was listed shares the budget: that a name will be listed one day is not known yet.
        listed = np.logical_or.reduce([is_listed(tape, place, known, position) for place in places])
        need = np.where(listed, weight * size, 0.0)
        share, left = shares_of_budget(known // DAY, known, need, budget)
        # What trades all the same, having its first bars, may have what the others leave.
        weight = weight * np.where(listed, share, np.minimum(left / (weight * size), 1.0))
    return Entries(
        instrument=instrument,
        market=codes[instrument],
        side=side,
        weight=weight,
        due=due,
        waited=waited,
        draw=np.random.default_rng(seed).random(len(signals)),
        rule_bar=np.full(len(signals), kernels.NO_BAR, np.int64),
    )


def _segments(tape: Tape, signals: pd.DataFrame) -> list[Integers]:
    """Give for each rank the segment of that rank of each signal's symbol, its last one where it has fewer."""
    segments = {symbol: tape.segments(symbol) for symbol in signals["symbol"].unique()}
    most = max(map(len, segments.values()), default=1)
    places = [segments[symbol] for symbol in signals["symbol"]]
    return [
        np.array([place[min(rank, len(place) - 1)] for place in places], np.int64) for rank in range(most)
    ]


def _due_bars(
    tape: Tape, places: list[Integers], known: Instants, position: Integers, *, at_close: bool, delay: int
) -> tuple[Integers, Integers, Integers]:
    """Join signals with bars; where a symbol has several segments, the first that still has one to give."""
    instrument, due = places[-1].copy(), np.full(len(known), -1, np.int64)
    waited = np.zeros(len(known), np.int64)
    for place in places:
        rows = np.flatnonzero(due < 0)
        bar, passed = entry_bars(
            tape, place[rows], known[rows], position[rows], at_close=at_close, delay=delay
        )
        found = bar >= 0
        rows = rows[found]
        instrument[rows], due[rows], waited[rows] = place[rows], bar[found], passed[found]
    return instrument, due, waited


def _outcomes(
    signals: pd.DataFrame, rows: pd.Index[Any], tape: Tape, due: Integers, outcome: Integers, at_close: bool
) -> pd.DataFrame:
    table = signals.copy()
    if "outcome" not in table:
        table["outcome"] = ""
    table.loc[rows, "outcome"] = np.array(OUTCOMES, dtype=object)[outcome]
    table["why"] = table["outcome"].map(REASONS)
    bar = pd.Series(-1, index=table.index, dtype=np.int64)
    bar.loc[rows] = due
    inside = bar.to_numpy() >= 0
    at = bar.to_numpy()[inside]
    instants = tape.closes_at if at_close else tape.opens_at
    table["due"] = bar
    table["entry_session"] = pd.Series(_dates(tape.session[at]), index=table.index[inside])
    table["entry_at"] = pd.Series(to_index(instants[at]), index=table.index[inside])
    return table


def _dates(days: Integers) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.asarray(days).astype("M8[D]").astype("M8[ns]"))


def _trades(tape: Tape, signals: pd.DataFrame, records: np.ndarray, at_close: bool) -> pd.DataFrame:
    origin = signals.iloc[records["signal"]].reset_index(drop=True)
    entry, closed = records["entry_bar"], records["exit_bar"] >= 0
    exit_ = np.where(closed, records["exit_bar"], entry)
    side, quantity = records["side"], records["quantity"]
    last = _last_close(tape, records)
    exit_price = np.where(closed, records["exit_price"], last)
    exit_fill = np.where(closed, records["exit_fill"], last)
    costs = charged(records)
    notional = quantity * records["entry_fill"]
    pnl = pnl_of(tape, records)
    adverse, favourable = kernels.excursions(bars_of(tape), records, at_close)
    mics = np.array(tape.venues, dtype=object)[records["instrument"]]
    instants = tape.closes_at if at_close else tape.opens_at
    lost = slipped(records)
    with np.errstate(invalid="ignore", divide="ignore"):
        gross, net = side * (exit_price / records["entry_price"] - 1.0), pnl / notional
    return pd.DataFrame(
        {
            "trade_id": np.arange(len(records)),
            "event_id": origin["event_id"],
            "symbol": origin["symbol"],
            "venue": mics,
            "market": [venue(mic).market for mic in mics],
            "tag": origin["tag"],
            "direction": origin["direction"],
            "side": side,
            "quantity": quantity,
            "notional": notional,
            "known_by": origin["known_by"],
            "entry_at": to_index(instants[entry]),
            "entry_session": _dates(tape.session[entry]),
            "entry_price": records["entry_price"],
            "entry_fill": records["entry_fill"],
            "entry_fee": records["entry_fee"],
            "exit_at": to_index(records["exit_at"]).where(closed),
            "exit_session": _dates(tape.session[exit_]).where(closed),
            "exit_price": exit_price,
            "exit_fill": exit_fill,
            "exit_fee": records["exit_fee"],
            "borrow": records["borrow"],
            "withheld": records["withheld"],
            "exit_kind": np.array(KINDS, dtype=object)[records["kind"]],
            "carried": records["carried"],
            "status": np.where(closed, "closed", "open").astype(object),
            "bars": np.where(closed, exit_ - entry, _last_row(tape, records) - entry),
            "gross_return": gross,
            "return": net,
            "costs": costs + lost,
            "pnl": pnl,
            "mae": adverse,
            "mfe": favourable,
            "phase": origin["phase"],
            "strength": origin["strength"],
        }
    )


def slipped(records: np.ndarray) -> Floats:
    """Give what trades lost to slippage; what is open has not left yet."""
    closed = records["exit_bar"] >= 0
    into = np.abs(records["entry_fill"] - records["entry_price"])
    out = np.where(closed, np.abs(records["exit_fill"] - records["exit_price"]), 0.0)
    lost: Floats = records["quantity"] * (into + out)
    return lost


def pnl_of(tape: Tape | Bars, records: np.ndarray) -> Floats:
    """Give the profit or loss of trades after costs; what is open is marked to the last close of its instrument."""
    out = np.where(records["exit_bar"] >= 0, records["exit_fill"], _last_close(tape, records))
    pnl: Floats = records["side"] * records["quantity"] * (out - records["entry_fill"]) - charged(records)
    return pnl


def charged(records: np.ndarray) -> Floats:
    """Give what trades were charged: fees, borrowing and what was withheld of dividends."""
    costs: Floats = records["entry_fee"] + records["exit_fee"] + (records["borrow"] + records["withheld"])
    return costs


def _last_row(tape: Tape | Bars, records: np.ndarray) -> Integers:
    last: Integers = tape.offsets[records["instrument"] + 1] - 1
    return last


def _last_close(tape: Tape | Bars, records: np.ndarray) -> Floats:
    """Open trades are marked to the last close of their instrument."""
    closes = np.full(len(records), np.nan)
    for k in np.flatnonzero(records["exit_bar"] < 0):
        rows = slice(records["entry_bar"][k], _last_row(tape, records)[k] + 1)
        known = tape.close[rows][~np.isnan(tape.close[rows])]
        closes[k] = known[-1] if len(known) else records["entry_fill"][k]
    return closes


def fills_of(trades: pd.DataFrame, tape: Tape, records: np.ndarray) -> pd.DataFrame:
    """List the fills of trades in time order: an entry each, and an exit of those that are closed.

    Parameters
    ----------
    trades : DataFrame
        As a run has them, with ``currency``, ``fx_entry`` and ``shares``.
    tape : Tape
        The bars.
    records : ndarray of trade_dtype, shape (n,)
        The same trades as kernels give them.

    Returns
    -------
    DataFrame
        As docs/architecture.md, "A run", describes it. ``traded_price`` and ``shares`` are NaN where the factor to
        traded prices is unknown, ``shares`` of an exit also where a split or dividend changed it since the entry.
    """
    factor = tape.factor
    entry_factor = factor[records["entry_bar"]]
    exit_factor = factor[np.maximum(records["exit_bar"], 0)]
    into = _one_side(trades, "entry", entry_factor).assign(kind="entry")
    out = _one_side(trades, "exit", exit_factor).assign(kind=trades["exit_kind"])
    out["shares"] = out["shares"].where(exit_factor == entry_factor)
    closed = (trades["status"] == "closed").to_numpy(bool)
    side = trades["side"].to_numpy()
    table = pd.concat([into, out[closed]], ignore_index=True)
    buys = np.r_[side > 0, side[closed] < 0]
    table.insert(6, "action", np.where(buys, "buy", "sell").astype(object))
    return table.sort_values(["at", "trade_id"], kind="stable", ignore_index=True)


_FILL_COLUMNS = ["trade_id", "event_id", "symbol", "venue", "quantity"]


def _one_side(trades: pd.DataFrame, end: str, factor: Floats) -> pd.DataFrame:
    price, fill = trades[f"{end}_price"], trades[f"{end}_fill"]
    return pd.DataFrame(
        {
            **{name: trades[name] for name in _FILL_COLUMNS},
            "at": trades[f"{end}_at"],
            "session": trades[f"{end}_session"],
            "price": price,
            "fill_price": fill,
            "fee": trades[f"{end}_fee"],
            "slippage": trades["quantity"] * (fill - price).abs(),
            "side": trades["side"],
            "currency": trades["currency"],
            "fx": trades["fx_entry"],
            "shares": trades["shares"],
            "traded_price": price * factor,
            "traded_fill": fill * factor,
        }
    )


def _equity(
    tape: Tape,
    bars: Bars,
    rules: Rules,
    records: np.ndarray,
    signals: pd.DataFrame,
    capital: float,
    tradable: NDArray[np.bool_] | None,
) -> pd.DataFrame:
    # A session's local date is the UTC date of its close at every venue; its earlier bars may close on the one before.
    dates = tape.session
    first = int(to_ns(signals["known_by"]).min() // DAY) if len(signals) else np.iinfo(np.int64).max
    counted = dates if tradable is None else dates[tradable]
    axis = np.unique(counted[counted >= first])
    position = np.searchsorted(axis, dates)
    pnl, exposure, positions = kernels.mark(bars, records, rules, position, len(axis), True)
    return _curve(_dates(axis), capital + np.cumsum(pnl), exposure, positions, capital)


def _curve(
    dates: pd.DatetimeIndex, equity: Floats, exposure: Floats, positions: Integers, capital: float
) -> pd.DataFrame:
    previous = np.r_[capital, equity[:-1]]
    peak = np.maximum.accumulate(np.r_[capital, equity])[1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        return pd.DataFrame(
            {
                "date": dates,
                "equity": equity,
                "returns": np.where(previous > 0.0, equity / previous - 1.0, np.nan),
                "drawdown": equity / peak - 1.0,
                "exposure": np.where(equity > 0.0, exposure / equity, np.nan),
                "positions": positions,
            }
        )


def with_legs(done: Simulation, tape: Tape, rules: Rules, legs: np.ndarray) -> Simulation:
    """Lay hedge legs over trades: their profits and costs join those of the trades, and equity.

    Parameters
    ----------
    done : Simulation
        The trades.
    tape, rules : Tape, Rules
        The market and its rules.
    legs : ndarray of trade_dtype, shape (n,)
        A leg for each trade, of quantity 0 where there is none.

    Returns
    -------
    Simulation
        ``pnl``, ``return`` and ``costs`` of trades hold those of their legs, told apart in ``hedge_pnl`` and
        ``hedge_costs``; ``positions`` go on counting trades.
    """
    laid = legs[legs["quantity"] > 0.0]
    axis = done.equity["date"].to_numpy().astype("M8[D]").astype(np.int64)
    position = np.minimum(np.searchsorted(axis, tape.session), max(len(axis) - 1, 0))
    pnl, value, _ = kernels.mark(bars_of(tape), laid, rules, position, len(axis), True)
    equity = done.equity["equity"].to_numpy() + np.cumsum(pnl)
    exposure = np.nan_to_num(done.equity["exposure"].to_numpy() * done.equity["equity"].to_numpy()) + value
    curve = _curve(
        pd.DatetimeIndex(done.equity["date"]),
        equity,
        exposure,
        done.equity["positions"].to_numpy(),
        done.capital,
    )
    has = legs["quantity"] > 0.0
    earned, lost = np.zeros(len(legs)), np.zeros(len(legs))
    earned[has], lost[has] = pnl_of(tape, laid), slipped(laid)
    costs = charged(legs) + lost
    symbols = np.array(tape.symbols, dtype=object)[legs["instrument"]]
    table = done.trades
    trades = table.assign(
        pnl=table["pnl"] + earned,
        costs=table["costs"] + costs,
        **{"return": (table["pnl"] + earned) / table["notional"]},
        hedge_symbol=np.where(has, symbols, ""),
        hedge_notional=legs["side"] * legs["quantity"] * legs["entry_fill"],
        hedge_entry_fill=np.where(has, legs["entry_fill"], np.nan),
        hedge_exit_fill=np.where(has & (legs["exit_bar"] >= 0), legs["exit_fill"], np.nan),
        hedge_costs=costs,
        hedge_pnl=earned,
    )
    return replace(done, trades=trades, equity=curve, legs=legs)
