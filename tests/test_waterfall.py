"""The waterfall adds up: for each signal, in all, in every mode, and on a day worked by hand."""

import numpy as np
import pandas as pd
import pytest

import aftershock as af
from aftershock.data.catalogue import catalogue_path
from aftershock.data.events import load_events
from aftershock.data.prices import simulated_market
from aftershock.engine.waterfall import STEPS
from aftershock.execution import execute
from aftershock.experiment import Costs, Experiment, Hedge, Portfolio, RunSection
from aftershock.inputs import links_of
from aftershock.result import Result
from aftershock.strategies.reaction import Reaction

SYMBOLS = ("1306.T", "8035.T", "000660.KS", "2330.TW", "6138.TWO", "9988.HK", "688981.SS", "INFY.NS")
CASES = {
    "plain": (Reaction(hold=5), Portfolio(), Costs()),
    "exits": (Reaction(hold=5, stop=0.03, take=0.04, trail=0.05, max_defer=2), Portfolio(size=0.3), Costs()),
    "short of money": (
        Reaction(hold=8, overlap="stack"),
        Portfolio(size=0.5, compound=True, partial=True, max_market=0.6),
        Costs(slippage_range=0.05, slippage_volume=0.02, borrow=0.03),
    ),
    "account": (Reaction(hold=3, overlap="extend", opposite="reverse"), Portfolio(mode="account"), Costs()),
    "event": (
        Reaction(entry="close", hold=4, delay=1),
        Portfolio(mode="event"),
        Costs(model="flat", fee=0.002),
    ),
    "hedged": (
        Reaction(hold=4, stop=0.03),
        Portfolio(size=0.2),
        Costs(),
        Hedge(method="beta", instrument="1306.T"),
    ),
    "free": (Reaction(hold=0), Portfolio(), Costs(model="zero")),
}


@pytest.fixture(scope="module")
def world():
    events = load_events([str(catalogue_path(name)) for name in ("fomc", "tariffs")])
    events = events.between("2018-01-01T00:00Z", "2019-12-31T00:00Z")
    market = simulated_market(SYMBOLS, start="2018-01-01", end="2019-12-31", seed=3, events=events.frame)
    return events, market.tape


def run(world, case: str) -> Result:
    events, tape = world
    strategy, portfolio, costs, *hedge = CASES[case]
    laid = hedge[0] if hedge else Hedge()
    experiment = Experiment(strategy, portfolio=portfolio, costs=costs, hedge=laid, run=RunSection(seed=4))
    return execute(events, tape, None, links_of(None, events), experiment)


@pytest.mark.parametrize("case", list(CASES))
def test_the_steps_add_up_for_each_signal_and_in_all(world, case: str) -> None:
    result = run(world, case)
    fall, capital = result.waterfall, result.stats["headline"]["capital"]
    assert len(fall) > 20
    small = 1e-9 * capital
    np.testing.assert_allclose(fall[list(STEPS)].sum(axis=1), fall["net"], rtol=0, atol=small)
    np.testing.assert_allclose(fall["excess"] + fall["drift"], fall["reaction"], rtol=0, atol=small)
    earned = result.trades[result.trades["headline"]].groupby(["event_id", "symbol"])["pnl"].sum()
    told = fall.set_index(["event_id", "symbol"])["net"]
    np.testing.assert_allclose(told[earned.index], earned, rtol=0, atol=small)
    assert told.drop(earned.index).abs().max() == 0.0
    assert result.trades["pnl"].notna().all()
    assert fall["net"].sum() == pytest.approx(result.equity["equity"].iloc[-1] - capital, abs=small)
    totals = result.stats["waterfall"]
    assert totals["signals"] == len(fall)
    assert sum(totals[key] for key in STEPS) == pytest.approx(totals["net"], abs=small)


def test_what_is_off_takes_nothing(world) -> None:
    free = run(world, "free").waterfall
    off = [
        "exits",
        "tax",
        "duty",
        "levy",
        "exchange",
        "settlement",
        "commission",
        "slippage",
        "borrow",
        "lots",
    ]
    assert free[off].abs().to_numpy().max() < 1e-6
    assert run(world, "event").waterfall[["cash", "lots"]].abs().to_numpy().max() < 1e-6


def test_costs_take_and_never_give(world) -> None:
    fall = run(world, "short of money").waterfall
    kinds = ["tax", "duty", "levy", "exchange", "settlement", "commission", "borrow"]
    assert (fall[kinds] <= 0.0).all(axis=None)
    assert (fall[["tax", "duty", "commission", "borrow"]].sum() < 0.0).all()


def test_a_hedge_is_a_step_of_its_own(world) -> None:
    hedged = run(world, "hedged")
    trades = hedged.trades[hedged.trades["headline"]]
    assert (trades["hedge_pnl"] != 0.0).sum() > 20
    assert (trades["hedge_costs"] >= 0.0).all()
    legs = trades[trades["hedge_symbol"] != ""]
    assert (np.sign(legs["hedge_notional"]) == -legs["side"] * np.sign(legs["hedge_ratio"].fillna(1.0))).all()
    assert hedged.waterfall["hedge"].sum() == pytest.approx(trades["hedge_pnl"].sum())
    assert any("take no cash" in caveat for caveat in hedged.manifest["caveats"])


def test_a_hedge_worked_by_hand() -> None:
    """A long of 100,000 in 8035.T against 1306.T, bought at 100 and sold at 110; the fund goes from 50 to 51.

    In dollars and whole numbers: 1,000 shares make 10,000. The leg sells 100,000 / 50 = 2,000 and loses 2,000. Fees of
    0.1 %: 100 and 110 for the trade, 100 and 102 for the leg.
    """
    days = ["2025-09-11", "2025-09-12"]
    own = {"symbol": "8035.T", "open": [100.0, 100.0], "high": 111.0, "low": 99.0, "close": [100.0, 110.0]}
    fund = {"symbol": "1306.T", "open": [50.0, 50.0], "high": 51.5, "low": 49.0, "close": [50.0, 51.0]}
    prices = pd.concat([pd.DataFrame({**one, "date": days}) for one in (own, fund)])
    events = pd.DataFrame(
        {"known_by": ["2025-09-11T23:00Z"], "tag": "chip", "direction": "positive", "symbols": "8035.T"}
    )
    result = af.backtest(
        events,
        prices,
        Reaction(hold=0),
        costs=af.Costs(model="flat", slippage=0, borrow=0),
        hedge=af.Hedge(method="index", instruments={"JP": "1306.T"}),
        universe=["8035.T"],
    )
    (trade,) = result.trades.to_dict("records")
    assert (trade["hedge_symbol"], trade["hedge_notional"], trade["hedge_ratio"]) == (
        "1306.T",
        -100_000.0,
        1.0,
    )
    assert trade["hedge_pnl"] == pytest.approx(-2000.0 - 202.0)
    assert trade["pnl"] == pytest.approx(10_000.0 - 210.0 - 2202.0)
    assert trade["costs"] == pytest.approx(412.0)
    assert result.equity["equity"].iloc[-1] == pytest.approx(1_000_000.0 + trade["pnl"])
    assert result.waterfall["hedge"].tolist() == pytest.approx([-2202.0])


def test_a_hedge_has_no_marks_of_exchange_rates() -> None:
    with pytest.raises(af.InputError, match="no \\[hedge\\] with unhedged"):
        Experiment(
            Reaction(), portfolio=Portfolio(unhedged=True), hedge=Hedge(method="index", instrument="1306.T")
        )


def test_a_day_worked_by_hand() -> None:
    """Tokyo: 1,000 the evening before, opens at 1,040, closes at 1,050; a tenth of a million goes in.

    Reaction 5 % = 5,000. At the open 1,050 / 1,040 - 1 = 0.9615 % = 961.54: the gap took 4,038.46. A fee of 0.1 % of
    100,000 and of 100,961.54 takes 200.96.
    """
    flat = {"open": 1000.0, "high": 1001.0, "low": 999.0, "close": 1000.0}
    jump = {"open": 1040.0, "high": 1055.0, "low": 1035.0, "close": 1050.0}
    rows = [{"symbol": "8035.T", "date": day, **flat} for day in ("2025-09-09", "2025-09-10", "2025-09-11")]
    prices = pd.DataFrame([*rows, {"symbol": "8035.T", "date": "2025-09-12", **jump}])
    events = pd.DataFrame(
        {"known_by": ["2025-09-11T23:00Z"], "tag": "chip", "direction": "positive", "symbols": "8035.T"}
    )
    costs = af.Costs(model="flat", fee=0.001, slippage=0)
    result = af.backtest(events, prices, af.Reaction(tag="chip", hold=0), costs=costs)
    (row,) = result.waterfall.to_dict("records")
    want = {"reaction": 5000.0, "gap": -4038.46, "commission": -200.96, "net": 760.58, "locks": 0.0}
    assert {key: round(row[key], 2) for key in want} == want


@pytest.mark.shared
def test_the_acceptance_day_adds_up_and_tells_what_the_lock_took(shared, tmp_path) -> None:
    """Anpec opened, and stayed, at its limit of 210.5 after 191.5: nothing could be had of its 9.92 %."""
    symbols = ["000660.KS", "9988.HK", "9888.HK", "2327.TW", "6138.TWO"]
    events = pd.DataFrame(
        {"known_by": "2025-09-11T23:00:00Z", "tag": "chip", "direction": "positive", "symbols": symbols}
    )
    result = af.backtest(events, shared / "prices/stocks.parquet", af.Reaction(tag="chip", hold=0))
    fall = result.waterfall.set_index("symbol")
    np.testing.assert_allclose(fall[list(STEPS)].sum(axis=1), fall["net"], rtol=0, atol=1e-6)
    anpec = fall.loc["6138.TWO"]
    assert anpec["reaction"] == pytest.approx(100_000 * (210.5 / 191.5 - 1.0), rel=1e-9)
    assert anpec["gap"] == pytest.approx(-anpec["reaction"], rel=1e-9)
    assert anpec["locks"] == anpec["net"] == 0.0
    audit = result.audit.set_index("symbol").loc["6138.TWO"]
    assert audit["outcome"] == "locked"
    assert (
        "ROCO: 10 % of the close before, none in the first 5 sessions; after 191.5 at most 210.5"
        in audit["reason"]
    )
    page = result.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "From the reaction to what was earned" in page
