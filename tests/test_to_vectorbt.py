"""A run as a portfolio of vectorbt: the same trades, the same end, and what vectorbt makes of the same orders."""

import runpy
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import aftershock as af
from aftershock.data.errors import InputError

vbt = pytest.importorskip("vectorbt")

_made = runpy.run_path(str(Path(__file__).parent / "factories" / "inputs.py"))
make_prices, make_events = _made["make_prices"], _made["make_events"]

EXACT = {"rel": 1e-9, "abs": 1e-9}
NEWS = ["catalogue:fomc", "catalogue:tariffs"]
MODES = ("portfolio", "account", "event")
NAMES = ("8035.T", "6857.T", "000660.KS", "005930.KS", "2330.TW", "2454.TW", "0700.HK", "9988.HK")
FREE = af.Costs(model="flat", fee=0.001, slippage=0.0005, borrow=0.0)
WHOLE = pd.Timestamp("2025-09-12")


def traded(result):
    """The headline trades of a run."""
    return in_order(result.trades[result.trades["headline"]])


def in_order(trades):
    """Sort trades by what tells them apart, rounding aside."""
    rounded = {name: trades[name].round(6) for name in ("exit_fill", "quantity")}
    keys = pd.DataFrame({"symbol": trades["symbol"], "entered": trades["entry_session"], **rounded})
    return trades.loc[keys.sort_values(list(keys), kind="stable").index].reset_index(drop=True)


def symbols_of(result, portfolio):
    """The instrument of each column."""
    trades = result.trades.set_index("trade_id")["symbol"]
    labels = portfolio.wrapper.columns
    return np.array(
        [trades.get(one, one) if labels.name == "trade_id" else one.split(" #")[0] for one in labels], object
    )


def dealt(result, portfolio):
    """The trades that vectorbt makes of the orders, in our words."""
    records = pd.DataFrame(portfolio.trades.records)
    index = portfolio.wrapper.index
    table = pd.DataFrame(
        {
            "symbol": symbols_of(result, portfolio)[records["col"]],
            "side": np.where(records["direction"] == 0, 1, -1),
            "quantity": records["size"],
            "entry_session": index[records["entry_idx"]],
            "entry_fill": records["entry_price"],
            "exit_session": index[records["exit_idx"]],
            "exit_fill": records["exit_price"],
            "pnl": records["pnl"],
            "return": records["return"],
            "status": np.where(records["status"] == 1, "closed", "open"),
        }
    )
    return in_order(table)


def check(result):
    """Trades and the end agree; the portfolio is given for more."""
    portfolio = result.to_vectorbt()
    ours, theirs = traded(result), dealt(result, portfolio)
    for name in ("symbol", "side", "entry_session", "status"):
        assert theirs[name].tolist() == ours[name].tolist(), name
    closed = (ours["status"] == "closed").to_numpy()
    assert theirs["exit_session"][closed].tolist() == ours["exit_session"][closed].tolist()
    for name in ("quantity", "entry_fill", "exit_fill", "pnl", "return"):
        assert theirs[name].to_numpy() == pytest.approx(ours[name].to_numpy(), **EXACT), name
    capital = result.stats["headline"]["capital"]
    earned = result.equity["equity"].iloc[-1] - capital
    assert np.sum(portfolio.total_profit()) == pytest.approx(earned, rel=1e-9, abs=1e-9 * capital)
    if portfolio.wrapper.columns.name != "trade_id":
        assert np.sum(portfolio.final_value()) == pytest.approx(capital + earned, **EXACT)
        assert np.sum(portfolio.init_cash) == pytest.approx(capital, **EXACT)
    return portfolio


def curve(result, portfolio):
    """Equity as vectorbt marks it, from the run's capital."""
    value = portfolio.value().to_numpy().reshape(len(portfolio.wrapper.index), -1).sum(axis=1)
    return value - np.sum(portfolio.init_cash) + result.stats["headline"]["capital"]


# --- the simulated market of the demo ---


@pytest.fixture(scope="module")
def market():
    events = af.load_events(NEWS)
    return af.simulated_market(NAMES, start="2018-03-01", end="2020-03-09", events=events.frame).tape


def run(market, mode="portfolio", costs=FREE, hedge=None, **strategy):
    return af.backtest(
        NEWS,
        market,
        af.Reaction(**({"tag": ("fed", "tariff"), "hold": 5, "stop": 0.03} | strategy)),
        portfolio=af.Portfolio(mode=mode, size=0.05),
        costs=costs,
        hedge=hedge,
    )


@pytest.mark.parametrize("mode", MODES)
class TestModes:
    def test_trades_and_the_end_agree(self, market, mode):
        result = run(market, mode)
        trades = traded(result)
        assert set(trades["side"]) == {1, -1}
        assert {"hold", "stop"} <= set(trades["exit_kind"])
        check(result)

    def test_equity_agrees_on_each_date(self, market, mode):
        result = run(market, mode)
        assert len(result.equity) > 250
        portfolio = check(result)
        assert portfolio.wrapper.index.tolist() == result.equity["date"].tolist()
        assert curve(result, portfolio) == pytest.approx(result.equity["equity"].to_numpy(), rel=1e-9)

    def test_trades_that_are_open_stand_at_the_last_close(self, market, mode):
        result = run(market, mode, hold=12, stop=None)
        trades = traded(result)
        assert 0 < (trades["status"] == "open").sum() < len(trades)
        portfolio = check(result)
        assert curve(result, portfolio)[-1] == pytest.approx(result.equity["equity"].iloc[-1], rel=1e-9)

    def test_trades_on_top_of_each_other_stay_apart(self, market, mode):
        result = run(market, mode, hold=60, overlap="stack", opposite="ignore", stop=None)
        trades = result.trades[result.trades["headline"]]
        later = trades.groupby("symbol")["entry_at"].shift(-1)
        assert (trades["exit_at"].fillna(WHOLE.tz_localize("UTC")) > later).sum() > 5
        portfolio = check(result)
        if mode != "event":
            assert {"8035.T", "8035.T #2"} <= set(portfolio.wrapper.columns)

    def test_what_holding_costs_is_charged_with_the_last_fill(self, market, mode):
        costs = af.Costs(borrow=0.2, dividends="net")
        result = run(market, mode, costs=costs, hold=12, stop=None, stance="fade")
        trades = traded(result)
        assert (trades["borrow"][trades["status"] == "open"] > 0).any()
        assert (trades["borrow"][trades["status"] == "closed"] > 0).any()
        portfolio = check(result)
        paid = trades["entry_fee"] + trades["exit_fee"] + trades["borrow"] + trades["withheld"]
        assert portfolio.orders.values["fees"].sum() == pytest.approx(paid.sum(), **EXACT)

    def test_a_hedge_is_part_of_its_trade(self, market, mode):
        result = run(market, mode, hedge=af.Hedge(method="index", instrument=NAMES[0]))
        trades = traded(result)
        assert (trades["hedge_pnl"] != 0).any()
        check(result)

    def test_an_exit_and_an_entry_on_one_date(self, market, mode):
        check(run(market, mode, hold=0, stop=None))
        result = run(market, mode, hold=200, opposite="reverse", stop=None)
        trades = result.trades[result.trades["headline"]]
        if mode != "event":
            assert "opposite" in set(trades["exit_kind"])
            reversed_at = trades.groupby("symbol")["exit_at"].shift()
            assert (reversed_at == trades["entry_at"]).any()
            assert not any("#" in label for label in check(result).wrapper.columns)
        check(result)

    def test_a_run_folder_gives_the_same(self, market, mode, tmp_path):
        result = run(market, mode)
        result.save(tmp_path)
        one, other = result.to_vectorbt(), af.load_run(tmp_path).to_vectorbt()
        assert one.orders.values.tolist() == other.orders.values.tolist()
        pd.testing.assert_frame_equal(one.close, other.close)
        assert np.array_equal(one.init_cash, other.init_cash)


def test_closes_that_a_run_does_not_keep_change_no_trade_and_no_end(market):
    result = run(market, hold=12, stop=None)
    blind = replace(result, bars=result.bars[:0])
    portfolio = check(blind)
    trades = traded(result)
    first = trades.iloc[trades["entry_session"].argmin()]
    assert portfolio.close[first["symbol"]][first["entry_session"]] == first["entry_fill"]
    still_open = (trades["status"] == "open").sum()
    assert portfolio.close.notna().sum().sum() == len(trades) + still_open


def test_a_portfolio_is_one_group(market):
    portfolio = check(run(market))
    assert portfolio.wrapper.grouper.get_columns().tolist() == ["portfolio"]
    assert portfolio.cash_sharing
    assert portfolio.init_cash == 1e6


def test_each_instrument_is_an_account(market):
    some = make_events().assign(symbols="8035.T 2330.TW")
    strategy, accounts = af.Reaction(tag="chip", hold=3), af.Portfolio(mode="account")
    result = af.backtest(some, make_prices(), strategy, portfolio=accounts, zone="Asia/Tokyo")
    portfolio = check(result)
    owners = result.trades.loc[result.trades["headline"], "symbol"].unique()
    assert set(owners) == {"8035.T", "2330.TW"}
    init = portfolio.init_cash
    assert init.index.tolist() == [*sorted(owners), "idle"]
    assert init.tolist() == [1e6, 1e6, 1e6]
    for symbol in owners:
        own = result.trades[(result.trades["symbol"] == symbol) & result.trades["headline"]]
        assert portfolio[symbol].final_value() == pytest.approx(1e6 + own["pnl"].sum(), **EXACT)


def test_each_event_stands_apart(market):
    result = run(market, "event")
    portfolio = check(result)
    trades = result.trades[result.trades["headline"]].set_index("trade_id")
    assert portfolio.init_cash.to_dict() == trades["notional"].to_dict()
    assert portfolio.total_return().to_dict() == pytest.approx(trades["return"].to_dict(), **EXACT)


def test_what_stands_beside_the_headline_figures_is_left_out():
    events = make_events().assign(source_kind=["recap", *["wire"] * (len(make_events()) - 1)])
    result = af.backtest(events, make_prices(), af.Reaction(tag="chip"), costs=FREE, zone="Asia/Tokyo")
    assert 0 < result.trades["headline"].sum() < len(result.trades)
    check(result)


def test_plots_and_statistics(market):
    portfolio = run(market).to_vectorbt()
    stats = portfolio.stats()
    assert stats["End Value"] == portfolio.final_value()
    assert stats["Total Trades"] == len(portfolio.trades.records)
    assert len(portfolio.plot(subplots=["value", "underwater"]).data) > 2


# --- small cases of every kind ---


def asked_again(portfolio):
    """What vectorbt fills of the same orders, with money for all, a row each so that none shares its cell."""
    orders = portfolio.orders.values
    shape = (len(orders), len(portfolio.wrapper.columns))
    size, price, fees = (np.full(shape, np.nan) for _ in range(3))
    cell = (np.arange(len(orders)), orders["col"])
    size[cell] = np.where(orders["side"] == 0, 1.0, -1.0) * orders["size"]
    price[cell], fees[cell] = orders["price"], orders["fees"]
    close = np.tile(portfolio.get_filled_close().to_numpy()[-1], (shape[0], 1))
    return vbt.Portfolio.from_orders(
        pd.DataFrame(close), size, price=price, fixed_fees=np.nan_to_num(fees), init_cash=np.inf
    )


PRICES = make_prices()
DAYS = st.integers(0, 150)
EVENT = st.tuples(DAYS, st.integers(0, 23), st.sampled_from(["positive", "negative"]))
STRATEGY = st.fixed_dictionaries(
    {
        "hold": st.integers(1, 9),
        "stop": st.none() | st.floats(0.005, 0.05),
        "take": st.none() | st.floats(0.005, 0.05),
        "entry": st.sampled_from(["open", "close"]),
        "exit_at": st.sampled_from(["open", "close"]),
        "overlap": st.sampled_from(["ignore", "extend", "stack"]),
        "opposite": st.sampled_from(["close", "reverse", "ignore"]),
    }
)
COSTS = st.builds(
    af.Costs,
    model=st.just("flat"),
    fee=st.floats(0, 0.01),
    slippage=st.floats(0, 0.01),
    borrow=st.floats(0, 0.5),
)


@pytest.fixture(scope="module")
def tape():
    return af.load_tape(PRICES)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    news=st.lists(EVENT, min_size=1, max_size=8),
    strategy=STRATEGY,
    costs=COSTS,
    mode=st.sampled_from(MODES),
    size=st.floats(0.05, 1.5),
)
def test_small_cases_agree_and_vectorbt_fills_them_alike(tape, news, strategy, costs, mode, size):
    first = pd.Timestamp("2025-06-01T00:00Z")
    events = pd.DataFrame(
        {
            "known_by": [first + timedelta(days=day, hours=hour) for day, hour, _ in news],
            "tag": "chip",
            "direction": [direction for *_, direction in news],
            "symbols": "8035.T 000660.KS",
        }
    )
    book = af.Portfolio(mode=mode, size=size, budget=None)
    result = af.backtest(events, tape, af.Reaction(tag="chip", **strategy), portfolio=book, costs=costs)
    if len(result.equity) == 0:
        return
    portfolio = check(result)
    if len(portfolio.orders.values) == 0:
        return
    again = asked_again(portfolio)
    for name in ("col", "size", "price", "fees", "side"):
        assert again.orders.values[name] == pytest.approx(portfolio.orders.values[name], **EXACT), name
    profit = portfolio.total_profit(group_by=None if mode == "event" else False).to_numpy()
    assert again.total_profit().to_numpy() == pytest.approx(profit, **EXACT)


# --- nothing to show ---


def test_a_run_without_a_trade_is_idle(market):
    for mode in MODES:
        result = run(market, mode, min_strength=1e6)
        assert len(result.trades) == 0
        assert len(result.equity) == 0
        with pytest.raises(InputError, match="a date on which something could be traded, got one without"):
            result.to_vectorbt()
    events = make_events().assign(symbols="8035.T")
    result = af.backtest(
        events, make_prices(), "reaction", portfolio=af.Portfolio(size=1e-9), zone="Asia/Tokyo"
    )
    assert len(result.trades) == 0
    portfolio = result.to_vectorbt()
    assert portfolio.wrapper.columns.tolist() == ["idle"]
    assert set(portfolio.value()) == {1e6}


def test_vectorbt_is_asked_for_by_name(market, monkeypatch):
    result = run(market)
    monkeypatch.setitem(sys.modules, "vectorbt", None)
    with pytest.raises(ImportError, match=r"install it with: pip install 'aftershock\[vectorbt\]'"):
        result.to_vectorbt()
