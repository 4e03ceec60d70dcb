"""From aligned signals to trades, fills and equity: what the tables promise."""

import numpy as np
import pandas as pd
import pytest

from aftershock.data.instants import DAY
from aftershock.data.prices import Tape
from aftershock.engine import metrics
from aftershock.engine.align import LISTED_WITHIN, align_signals, is_listed
from aftershock.engine.portfolio import Simulation, fills_of, simulate
from aftershock.engine.rules import rules_of
from aftershock.engine.types import Costs
from aftershock.experiment import Portfolio
from aftershock.strategies.reaction import Reaction

DATES = pd.bdate_range("2024-03-04", "2024-03-19")
PRICES = {"open": 100.0, "high": 104.0, "low": 97.0, "close": 102.0, "volume": 1000.0}


def tape(**from_day: int) -> Tape:
    """Flat bars of Tokyo names, each from a position of DATES on."""
    rows = [
        {"symbol": f"{name[1:]}.T", "date": day, **PRICES}
        for name, first in from_day.items()
        for day in DATES[first:]
    ]
    return Tape.from_frame(pd.DataFrame(rows))


def signals(known: str, symbols: list[str], side: int = 1) -> pd.DataFrame:
    frame = pd.DataFrame({"symbol": symbols})
    frame["event_id"] = "e"
    frame["venue"], frame["side"], frame["weight"], frame["strength"] = "XTKS", side, 1.0, 1.0
    frame["known_from"] = frame["known_by"] = pd.Timestamp(known)
    frame["tag"], frame["direction"] = "chip", "positive"
    return align_signals(frame).assign(outcome="")


def run(
    bars: Tape, table: pd.DataFrame, *, fee: float = 0.0, budget: float = np.inf, **portfolio: object
) -> Simulation:
    strategy = Reaction(hold=2)
    rules = rules_of(bars, Costs(fee=fee, slippage=0.001))
    book = Portfolio(**({"capital": 1000.0, "size": 0.6} | portfolio)).book
    return simulate(bars, rules, table, strategy.exits, strategy.orders, book, budget=budget)


def test_a_trade_is_entered_and_left_where_the_tables_say() -> None:
    done = run(tape(_8035=0), signals("2024-03-06T20:00Z", ["8035.T"]), fee=0.002)
    (trade,) = done.trades.to_dict("records")
    assert trade["entry_at"] == pd.Timestamp("2024-03-07T00:00Z")
    assert trade["exit_at"] == pd.Timestamp("2024-03-11T06:00Z")
    assert (trade["entry_price"], trade["exit_price"], trade["bars"]) == (100.0, 102.0, 2)
    assert trade["gross_return"] == pytest.approx(0.02)
    assert trade["entry_fill"] == 100.0 * 1.001
    assert trade["exit_fill"] == 102.0 * 0.999
    quantity = 600.0 / 100.1
    assert trade["quantity"] == pytest.approx(quantity)
    fees = quantity * (100.1 + 102.0 * 0.999) * 0.002
    assert trade["pnl"] == pytest.approx(quantity * (102.0 * 0.999 - 100.1) - fees)
    assert trade["costs"] == pytest.approx(fees + quantity * (0.1 + 0.102))
    assert (trade["mae"], trade["mfe"]) == (pytest.approx(-0.03), pytest.approx(0.04))


def test_equity_adds_up_and_knows_its_start() -> None:
    done = run(
        tape(_8035=0, _6857=0), signals("2024-03-06T20:00Z", ["8035.T", "6857.T"]), fee=0.002, size=0.3
    )
    curve = done.equity
    assert curve["equity"].iloc[-1] - done.capital == pytest.approx(done.trades["pnl"].sum(), rel=1e-12)
    assert list(curve["positions"]) == [0, 2, 2, 0, *[0] * (len(curve) - 4)]
    wealth = np.r_[done.capital, curve["equity"]]
    np.testing.assert_allclose(curve["returns"], wealth[1:] / wealth[:-1] - 1.0, rtol=1e-12, atol=1e-15)
    assert curve["drawdown"].min() == pytest.approx(metrics.max_drawdown(curve["equity"], done.capital))


def test_two_fills_for_each_closed_trade() -> None:
    bars = tape(_8035=0)
    done = run(bars, signals("2024-03-06T20:00Z", ["8035.T"], side=-1))
    trades = done.trades.assign(currency="JPY", fx_entry=0.01, shares=100.0)
    fills = fills_of(trades, bars, done.records)
    assert list(fills["action"]) == ["sell", "buy"]
    assert list(fills["kind"]) == ["entry", "hold"]
    assert list(fills["side"]) == [-1, -1]


def test_a_trade_at_the_end_of_the_data_stays_open_and_is_marked() -> None:
    done = run(tape(_8035=0), signals("2024-03-17T20:00Z", ["8035.T"]))
    (trade,) = done.trades.to_dict("records")
    assert trade["status"] == "open"
    assert pd.isna(trade["exit_at"])
    assert trade["exit_price"] == 102.0
    assert done.equity["positions"].iloc[-1] == 1
    assert done.equity["equity"].iloc[-1] == pytest.approx(1000.0 + trade["pnl"])


def test_every_signal_has_an_outcome_and_its_sentence() -> None:
    table = signals("2024-03-06T20:00Z", ["8035.T", "6857.T"])
    table["outcome"] = ["", "no_prices"]
    done = run(tape(_8035=0), table)
    assert list(done.signals["outcome"]) == ["filled", "no_prices"]
    assert done.signals["why"].iloc[1] == "there are no prices for the instrument"
    assert list(done.signals["due"] >= 0) == [True, False]


def test_a_name_that_will_be_listed_one_day_takes_no_share_of_the_budget() -> None:
    known, both = "2024-03-06T20:00Z", ["8035.T", "6857.T"]
    alone = run(tape(_8035=0), signals(known, ["8035.T"]), budget=0.6)
    beside = run(tape(_8035=0, _6857=6), signals(known, both), budget=0.6)
    shared = run(tape(_8035=0, _6857=0), signals(known, both), budget=0.6)
    assert alone.trades["notional"].tolist() == pytest.approx([600.0])
    assert beside.trades.set_index("symbol").loc["8035.T", "notional"] == pytest.approx(600.0)
    assert shared.trades["notional"].tolist() == pytest.approx([300.0, 300.0])


@pytest.mark.parametrize(("budget", "first", "outcome"), [(0.4, None, "no_budget"), (0.5, 100.0, "filled")])
def test_a_name_on_its_first_day_has_what_the_others_leave(budget, first, outcome) -> None:
    """Its first bar is that of 7 March, at whose open the signal is due."""
    names = ["8035.T", "6857.T", "6920.T"]
    done = run(tape(_8035=0, _6857=0, _6920=3), signals("2024-03-06T20:00Z", names), budget=budget, size=0.2)
    assert done.signals["outcome"].tolist() == ["filled", "filled", outcome]
    notional = done.trades.set_index("symbol")["notional"]
    assert notional.get("6920.T") == (None if first is None else pytest.approx(first))
    assert notional[["8035.T", "6857.T"]].tolist() == pytest.approx([200.0, 200.0])


def test_a_signal_for_which_the_budget_leaves_nothing_says_so() -> None:
    first = signals("2024-03-06T03:00Z", ["8035.T", "6857.T"])
    table = pd.concat([first, signals("2024-03-06T20:00Z", ["6920.T"])], ignore_index=True)
    done = run(tape(_8035=0, _6857=0, _6920=0), table, budget=0.4, size=0.2)
    assert done.signals["outcome"].tolist() == ["filled", "filled", "no_budget"]
    assert done.signals["why"].iloc[2] == "the signals of its date that came before had taken the budget"


def test_listed_is_judged_by_bars_that_are_over() -> None:
    bars = tape(_8035=0, _6857=4)
    opens = bars.opens_at[bars.offsets[1] : bars.offsets[2]]
    first = int(bars.offsets[bars.position("6857.T")])
    close = bars.closes_at[first]
    instrument = np.full(4, bars.position("6857.T"))
    known = np.array([opens[0], close - 1, close, close + 40 * DAY])
    ordinal = bars.ordinal[first]
    position = np.array([ordinal, ordinal, ordinal + 1, ordinal + LISTED_WITHIN + 20])
    assert is_listed(bars, instrument, known, position).tolist() == [False, False, True, False]


def test_the_draw_of_earlier_signals_does_not_depend_on_later_ones() -> None:
    bars = tape(_8035=0, _6857=0, _6920=0)
    names = ["8035.T", "6857.T", "6920.T"]
    early = signals("2024-03-06T20:00Z", names)
    late = signals("2024-03-13T20:00Z", names).assign(event_id="later")
    some = run(bars, early, size=0.3, max_positions=2)
    more = run(bars, pd.concat([early, late], ignore_index=True), size=0.3, max_positions=2)
    assert some.signals["outcome"].tolist() == more.signals["outcome"].tolist()[:3]
    assert sorted(some.signals["outcome"]) == ["cap_positions", "filled", "filled"]


def test_accounts_start_with_a_capital_each() -> None:
    done = run(
        tape(_8035=0, _6857=0), signals("2024-03-06T20:00Z", ["8035.T", "6857.T"]), mode="account", size=None
    )
    assert done.capital == 2000.0
    assert done.trades["notional"].tolist() == pytest.approx([1000.0, 1000.0])
    assert done.equity["date"].iloc[0] == pd.Timestamp("2024-03-06")
