"""The acceptance day on real prices, and the example experiment."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import aftershock as af

pytestmark = pytest.mark.shared

SEEN = {"000660.KS": "+2.02 %", "9988.HK": "-0.40 %", "9888.HK": "+4.16 %", "2327.TW": "+6.32 %"}


@pytest.fixture(scope="module")
def hypothetical(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stocks' news of 2025-09-12 as if it had been known at 23:00 UTC the evening before."""
    rows = ["event_id,known_by,tag,direction,symbols,headline"]
    rows += [
        f"hypothetical-{symbol},2025-09-11T23:00:00Z,chip,positive,{symbol},HYPOTHETICAL: known the evening before"
        for symbol in (*SEEN, "6138.TWO")
    ]
    path = tmp_path_factory.mktemp("events") / "hypothetical.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def result(hypothetical: Path, shared: Path) -> af.Result:
    return af.backtest(hypothetical, shared / "prices/stocks.parquet", af.Reaction(tag="chip", hold=0))


def test_gross_returns_to_the_printed_digits(result: af.Result) -> None:
    gross = result.trades.set_index("symbol")["gross_return"]
    assert {symbol: f"{100 * value:+.2f} %" for symbol, value in gross.items()} == SEEN
    assert (result.trades["entry_session"] == pd.Timestamp("2025-09-12")).all()


def test_a_locked_open_does_not_fill_and_says_so(result: af.Result) -> None:
    row = result.audit.set_index("symbol").loc["6138.TWO"]
    assert row["outcome"] == "locked"
    assert "locked at its price limit" in row["reason"]
    assert "6138.TWO" not in set(result.trades["symbol"])


def test_without_limits_the_locked_open_would_have_filled(hypothetical: Path, shared: Path) -> None:
    naive = af.backtest(
        hypothetical,
        shared / "prices/stocks.parquet",
        af.Reaction(tag="chip", hold=0),
        costs=af.Costs(price_limits=False),
    )
    assert naive.trades.set_index("symbol").loc["6138.TWO", "gross_return"] == 0.0


def test_index_levels_are_refused_unless_asked_for(shared: Path) -> None:
    events = pd.DataFrame(
        {"known_by": ["2025-09-11T23:00Z"], "tag": ["fed"], "direction": ["dovish"], "symbols": ["KOSPI"]}
    )
    prices = shared / "prices/indices.parquet"
    refused = af.backtest(events, prices, af.Reaction(hold=1))
    assert list(refused.audit["outcome"]) == ["index_level"]
    allowed = af.backtest(events, prices, af.Reaction(hold=1), portfolio=af.Portfolio(allow_index=True))
    assert list(allowed.audit["outcome"]) == ["filled"]


def test_the_example_runs_on_real_prices(root: Path, shared: Path, tmp_path: Path) -> None:
    stocks = str(shared / "prices/stocks.parquet")
    result = af.run_experiment(root / "examples/asia_events.toml", prices=[stocks])
    assert len(result.trades) > 500
    assert not result.simulated
    assert any("survivorship" in caveat for caveat in result.manifest["caveats"])
    audit = result.audit
    assert audit["outcome"].isin(af_outcomes()).all()
    assert (audit["reason"].str.len() > 0).all()
    main = result.trades[result.trades["headline"]]
    last = result.equity["equity"].iloc[-1]
    assert np.isclose(last - result.stats["headline"]["capital"], main["pnl"].sum(), rtol=1e-9)
    page = result.save(tmp_path / "run").read_text(encoding="utf-8")
    assert "SIMULATED" not in page
    assert "survivorship" in page


def af_outcomes() -> set[str]:
    from aftershock.engine.types import OUTCOMES

    return set(OUTCOMES)


@pytest.mark.parametrize("when", ["2018-09-26", "2020-03-15", "2022-06-15", "2024-12-18"])
def test_cutting_real_prices_changes_nothing_before(root: Path, shared: Path, when: str) -> None:
    """The look-ahead proof on the real files: prices and events after an instant are taken away."""
    prices = pd.read_parquet(shared / "prices/stocks.parquet").astype({"src": str})
    now = pd.Timestamp(f"{when}T22:00Z")
    events = af.load_events(["catalogue:fomc", "catalogue:tariffs"]).between(
        "2018-01-01T00:00Z", "2026-01-01T00:00Z"
    )
    strategy = af.Reaction(tag=("fed", "tariff"), hold=4, stop=0.05, universe="asia-semis")
    whole = af.backtest(events, prices, strategy)
    cut = af.backtest(events.as_of(now), prices[prices["date"] <= pd.Timestamp(when)], strategy)
    for table, at in (("fills", "at"), ("audit", "entry_at")):
        want, have = (getattr(run, table) for run in (whole, cut))
        want, have = (part[part[at].notna() & (part[at] <= now)] for part in (want, have))
        assert len(want) > 5
        want, have = (
            part.drop(columns="trade_id", errors="ignore").reset_index(drop=True) for part in (want, have)
        )
        pd.testing.assert_frame_equal(have, want, check_exact=True)
