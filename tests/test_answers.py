"""What a run tells a report beyond its trades: it adds up, and it needs nothing that is not there."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import aftershock as af
from aftershock.engine.clock import NO_US
from aftershock.reports.run import LATER

MEMBERS = ["8035.T", "6857.T", "000660.KS", "005930.KS", "9988.HK"]


def made(prices: pd.DataFrame) -> af.Result:
    known = pd.date_range("2025-01-15T20:00Z", periods=8, freq="21D")
    events = pd.DataFrame({"known_by": known, "tag": "chip", "direction": "positive", "scope": "global"})
    strategy = af.Reaction(tag="chip", hold=3, stop=0.03)
    return af.backtest(events, prices, strategy, universe=MEMBERS, portfolio=af.Portfolio(mode="portfolio"))


def prices(symbols: list[str]) -> pd.DataFrame:
    draw = np.random.default_rng(5)
    days = pd.bdate_range("2024-06-03", "2025-09-30")
    parts = []
    for symbol in symbols:
        close = 1000 * np.exp(np.cumsum(draw.normal(0, 0.01, len(days))))
        open_ = close * np.exp(draw.normal(0, 0.004, len(days)))
        high, low = np.maximum(open_, close) * 1.003, np.minimum(open_, close) * 0.997
        bars = {"open": open_, "high": high, "low": low, "close": close, "volume": 1e6}
        parts.append(pd.DataFrame({"symbol": symbol, "date": days, **bars}))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def alone() -> af.Result:
    return made(prices(MEMBERS))


@pytest.fixture(scope="module")
def beside() -> af.Result:
    return made(prices([*MEMBERS, "SPX", "N225", "TOPIX", "KOSPI"]))


def test_costs_by_kind_add_up(alone: af.Result) -> None:
    costs = alone.stats["costs"]
    assert alone.stats["headline"]["trades"] > 20
    assert sum(costs.values()) == pytest.approx(alone.stats["headline"]["costs"], rel=1e-12)
    fills = alone.fills.merge(alone.trades[["trade_id", "status"]], on="trade_id")
    assert costs["slippage"] == pytest.approx(fills.loc[fills["status"] == "closed", "slippage"].sum())
    assert costs["tax"] > 0


def test_weekdays_and_arrivals_hold_every_trade(alone: af.Result) -> None:
    for key in ("weekday", "arrival"):
        records = alone.stats["by"][key]
        assert sum(each["trades"] for each in records) == alone.stats["headline"]["trades"]


def test_prices_without_an_index_say_so(alone: af.Result) -> None:
    told = alone.stats["questions"]["remaining"]
    assert told["us_reason"] == NO_US and math.isnan(told["us"])
    assert not math.isnan(told["mean"])
    assert alone.curves["index"].isna().all()
    assert math.isnan(alone.stats["benchmark"]["index"]["total_return"])
    assert alone.manifest["beside"]["indices"] == []


def test_indices_stand_beside_and_change_no_trade(alone: af.Result, beside: af.Result) -> None:
    pd.testing.assert_frame_equal(alone.trades, beside.trades)
    assert alone.manifest["hashes"]["prices"] == beside.manifest["hashes"]["prices"]
    told = beside.stats["questions"]["remaining"]
    assert told["us_series"] == "SPX"
    assert told["raw"] - told["us"] - told["drift"] == pytest.approx(told["mean"])
    # One index of each venue that is traded.
    assert beside.stats["benchmark"]["index"]["symbols"] == ["KOSPI", "N225"]
    assert beside.curves["index"].notna().all()


def test_buy_and_hold_starts_from_the_capital(alone: af.Result) -> None:
    curve, capital = alone.curves["universe"], alone.stats["headline"]["start"]
    assert curve.iloc[0] == pytest.approx(capital)
    assert alone.stats["benchmark"]["universe"]["total_return"] == pytest.approx(curve.iloc[-1] / capital - 1)
    assert alone.stats["benchmark"]["universe"]["instruments"] == len(MEMBERS)


def test_runs_of_earlier_versions_can_be_read(alone: af.Result, tmp_path: Path) -> None:
    alone.save(tmp_path)
    for name in LATER:
        (tmp_path / f"{name}.parquet").unlink()
    old = af.load_run(tmp_path)
    assert old.curves.empty and old.ladder.empty
    pd.testing.assert_frame_equal(old.trades, alone.trades)


def test_a_run_without_trades_answers_with_reasons(alone: af.Result) -> None:
    events = pd.DataFrame({"known_by": ["2019-01-01T00:00Z"], "tag": ["chip"], "direction": ["positive"]})
    nothing = af.backtest(events.assign(symbols="8035.T"), prices(["8035.T"]), af.Reaction(tag="other"))
    questions = nothing.stats["questions"]
    assert questions["before_entry"]["reason"] == "no signal had a bar to enter at"
    assert questions["zero"]["reason"] == "no trade was closed"
    assert questions["without_best"]["reason"] == "there are no more than 3 event dates"
    assert (questions["surprise"], nothing.stats["path"], nothing.stats["dates"]) == ([], [], [])
    assert dataclasses.replace(nothing).ladder.empty
