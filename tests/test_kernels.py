"""The compiled ledger against the slow one, bit for bit, on made-up markets."""

import math
import os
from typing import Any

import ledger
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from markets import cases, market_of

from aftershock.engine import kernels
from aftershock.engine.simulation import simulate
from aftershock.engine.types import KINDS, MODES, OUTCOMES, Bars, Rules

NAN = math.nan


def raw(*case: Any) -> tuple[Bars, Rules, np.ndarray, np.ndarray]:
    """Run the kernels on the slow ledger's input."""
    tape, rules, entries, *chosen = market_of(*case)
    records, outcome = simulate(kernels.Case(tape, rules, entries, *chosen))
    return tape, rules, records, outcome


def compiled(*case: Any) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Give the kernels' answer in the slow ledger's words."""
    tape, _, records, outcome = raw(*case)
    offsets = tape.offsets
    trades = [
        (
            int(r["signal"]),
            int(r["instrument"]),
            int(r["side"]),
            float(r["quantity"]),
            int(r["entry_bar"] - offsets[r["instrument"]]),
            float(r["entry_price"]),
            float(r["entry_fill"]),
            float(r["entry_fee"]),
            int(r["exit_bar"] - offsets[r["instrument"]]) if r["exit_bar"] >= 0 else -1,
            float(r["exit_price"]),
            float(r["exit_fill"]),
            float(r["exit_fee"]),
            float(r["borrow"]),
            float(r["withheld"]),
            KINDS[r["kind"]],
            bool(r["carried"]),
        )
        for r in records
    ]
    return trades, [OUTCOMES[code] for code in outcome]


def slow(*case: Any) -> tuple[list[tuple[Any, ...]], list[str]]:
    trades, outcomes = ledger.run(*case)
    rows = [
        (
            t.signal,
            t.instrument,
            t.side,
            t.quantity,
            t.entry_bar,
            t.entry_price,
            t.entry_fill,
            t.entry_fee,
            t.exit_bar,
            t.exit_price,
            t.exit_fill,
            t.exit_fee,
            t.borrow,
            t.withheld,
            t.kind,
            t.carried,
        )
        for t in trades
    ]
    return rows, outcomes


def same_bits(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


@settings(
    max_examples=int(os.environ.get("LEDGER_EXAMPLES", "300")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(cases())
def test_the_kernels_keep_the_ledger_to_the_bit(case: tuple[Any, ...]) -> None:
    trades, outcomes = compiled(*case)
    want_trades, want_outcomes = slow(*case)
    assert outcomes == want_outcomes
    assert len(trades) == len(want_trades)
    for have, want in zip(trades, want_trades, strict=True):
        assert all(same_bits(a, b) for a, b in zip(have, want, strict=True)), (have, want)


@settings(
    max_examples=int(os.environ.get("LEDGER_EXAMPLES", "300")) // 2,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(cases())
def test_money_is_conserved_and_lots_are_whole(case: tuple[Any, ...]) -> None:
    """At every bar: cash + positions + costs + borrowing = capital + what prices made, rebuilt from the fills alone."""
    *_, chosen = case
    bars, rules, trades, _ = raw(*case)
    days = np.unique(bars.session)
    date_of = np.searchsorted(days, bars.session)
    by_date, _, _ = kernels.mark(bars, trades, rules, date_of, len(days), True)
    equity = np.cumsum(by_date)
    for place, day in enumerate(days):
        assert equity[place] == pytest.approx(
            sum(worth(bars, rules, trade, day) for trade in trades), abs=1e-9 * chosen.capital
        )
    lots = rules.bar["lot"][trades["entry_bar"]]
    whole = trades["quantity"][lots > 0.0] / lots[lots > 0.0]
    assert (whole == np.rint(whole)).all()
    assert (whole >= 1.0).all()


def worth(bars: Bars, rules: Rules, trade: Any, day: int) -> float:
    """What a trade has added to the purse by the end of a date: cash out and in, and what is held at its last close."""
    entry, left, side = trade["entry_bar"], trade["exit_bar"], trade["side"]
    if bars.session[entry] > day:
        return 0.0
    locked = trade["quantity"] * trade["entry_fill"]
    out = locked + trade["entry_fee"]
    if left >= 0 and bars.session[left] <= day:
        back = trade["quantity"] * (
            trade["exit_fill"] if side > 0 else 2.0 * trade["entry_fill"] - trade["exit_fill"]
        )
        return float(back - trade["exit_fee"] - trade["borrow"] - trade["withheld"] - out)
    held = [
        bar
        for bar in range(entry, bars.offsets[trade["instrument"] + 1])
        if bars.session[bar] <= day and (left < 0 or bar < left)
    ]
    closes = [bars.close[bar] for bar in held if not math.isnan(bars.close[bar])]
    price = closes[-1] if closes else trade["entry_fill"]
    days = bars.session[held[-1]] - bars.session[entry]
    owed = locked * rules.bar["borrow"][entry] * days if side < 0 else 0.0
    price_before = trade["entry_fill"]
    for bar in held if side > 0 else ():
        owed += trade["quantity"] * price_before * rules.bar["withheld"][bar] if bar > entry else 0.0
        price_before = price_before if math.isnan(bars.close[bar]) else bars.close[bar]
    return float(locked + side * trade["quantity"] * (price - trade["entry_fill"]) - owed - out)


@pytest.mark.parametrize("mode", MODES)
def test_no_signals(mode: str) -> None:
    bars = [
        [
            ledger.BarRow(
                0, 0, 0, 5, 1.0, 1.0, 1.0, 1.0, False, 0, 0, [], 1.0, 0, 0, 0, 0, 0, 0, NAN, NAN, "", "", 0
            )
        ]
    ]
    assert compiled(bars, [0], [], ledger.Settings(mode=mode)) == ([], [])
