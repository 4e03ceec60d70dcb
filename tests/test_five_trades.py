"""Seven years of the catalogue on real prices: five trades worked out by hand, and what each effect took away.

The bars stand in the tests as they stand in the price file, and the charges as the pages of the rule books have them;
nothing below is asked of the code that is checked. Fixings are the ECB's of the date named (units of a currency per
euro); all sizes are a fiftieth of a million dollars, 20,000.
"""

import numpy as np
import pandas as pd
import pytest

import aftershock as af
from aftershock.engine.waterfall import STEPS

pytestmark = pytest.mark.shared
CATALOGUE = ["catalogue:fomc", "catalogue:tariffs", "catalogue:chips"]
SLIPPED = 0.0005
YEAR = 0.005 / 365.0
"""Borrowing costs half a per cent a year."""
HKD_10_MAY_2022 = 1.0554 / 8.2847
HKD_4_NOVEMBER_2019 = 1.1158 / 8.7461


@pytest.fixture(scope="module")
def result(shared):
    events = af.load_events(CATALOGUE).between("2019-01-01T00:00Z", "2026-01-01T00:00Z")
    strategy = af.Reaction(tag=("fed", "tariff", "chip"), hold=3, stop=0.05, universe="asia-tech")
    portfolio = af.Portfolio(size=0.02)
    return af.backtest(events, shared / "prices/stocks.parquet", strategy, portfolio=portfolio, seed=1)


@pytest.fixture(scope="module")
def bars(shared):
    return pd.read_parquet(shared / "prices/stocks.parquet")


def stand(bars, symbol, first, last, rows):
    """Say that the file holds these bars (date, open, high, low, close), and no others between them."""
    found = bars[(bars["symbol"] == symbol) & (bars["date"] >= first) & (bars["date"] <= last)]
    have = [
        (str(day.date()), *prices)
        for day, *prices in found[["date", "open", "high", "low", "close"]].itertuples(index=False)
    ]
    assert [(day, *np.round(prices, 6)) for day, *prices in have] == rows


def of(result, event, symbol):
    trades = result.trades.set_index(["event_id", "symbol"])
    return trades.loc[(event, symbol)]


def same(trade, **want):
    for key, value in want.items():
        have = trade[key]
        assert have == value if isinstance(value, str) else have == pytest.approx(value, rel=1e-9), key


def test_a_short_in_tokyo_is_stopped_inside_its_last_bar(result, bars):
    """Nvidia warned at 14:30 UTC on 28 January 2019: Tokyo opened at 5,031.67 the next morning."""
    stand(
        bars, "8035.T", "2019-01-29", "2019-02-01",
        [
            ("2019-01-29", 5031.67, 5098.33, 4956.67, 5048.33),
            ("2019-01-30", 5120.0, 5151.67, 5055.0, 5100.0),
            ("2019-01-31", 5233.33, 5238.33, 5141.67, 5211.67),
            ("2019-02-01", 5265.0, 5346.67, 5105.0, 5135.0),
        ],
    )  # fmt: skip
    fx = 1.1418 / 124.94  # dollars for a yen on 28 January, known at 15:00 UTC
    sold = 5031.67 * (1 - SLIPPED)
    # A lot of 100 is 4,596.04 dollars: 20,000 buys four.
    assert int(20_000 / (100 * sold * fx)) == 4
    # The stop stands at 5,031.67 x 1.05 = 5,283.2535: above every high until 1 February, and that day's open.
    bought = 5031.67 * 1.05 * (1 + SLIPPED)
    into, out = 400 * sold * fx, 400 * bought * fx
    borrow = into * YEAR * 3
    same(
        of(result, "chip-2019-01-28-nvidia-warning", "8035.T"),
        side=-1, shares=400.0, fx_entry=fx, entry_fill=sold, exit_fill=bought, exit_kind="stop",
        entry_fee=into * 0.00042, exit_fee=out * 0.00042, borrow=borrow,
        pnl=into - out - (into + out) * 0.00042 - borrow,
    )  # fmt: skip


def test_a_long_in_seoul_pays_the_tax_of_its_year(result, bars):
    """The Fed cut on 18 September 2019; three bars later hynix was sold at 83,400, for a tax of 0.10 % and 0.15 %."""
    stand(
        bars, "000660.KS", "2019-09-19", "2019-09-24",
        [
            ("2019-09-19", 80600.0, 82700.0, 80300.0, 82700.0),
            ("2019-09-20", 82800.0, 83400.0, 82100.0, 82200.0),
            ("2019-09-23", 81900.0, 83300.0, 81900.0, 82800.0),
            ("2019-09-24", 82500.0, 83500.0, 81400.0, 83400.0),
        ],
    )  # fmt: skip
    fx = 1.1053 / 1316.22
    bought, sold = 80600.0 * (1 + SLIPPED), 83400.0 * (1 - SLIPPED)
    assert int(20_000 / (bought * fx)) == 295
    into, out = 295 * bought * fx, 295 * sold * fx
    both = 0.000036396 + 0.00015  # exchange and depository, commission
    same(
        of(result, "fomc-2019-09-18", "000660.KS"),
        side=1, shares=295.0, entry_fill=bought, exit_fill=sold, exit_kind="hold", borrow=0.0,
        entry_fee=into * both, exit_fee=out * (both + 0.001 + 0.0015),
        pnl=out - into - into * both - out * (both + 0.0025),
    )  # fmt: skip


def test_a_short_in_hong_kong_pays_stamp_duty_twice_and_borrows_over_a_holiday(result, bars):
    """The Fed rose by half a point on 4 May 2022; the 9th was a holiday, so that three bars took until the 11th."""
    stand(
        bars, "9988.HK", "2022-05-05", "2022-05-11",
        [
            ("2022-05-05", 98.848362, 100.437882, 95.569971, 96.066696),
            ("2022-05-06", 91.447157, 92.241913, 88.715167, 89.758286),
            ("2022-05-10", 82.953148, 86.628913, 82.605442, 85.436775),
            ("2022-05-11", 83.151839, 87.374006, 83.052496, 85.089073),
        ],
    )  # fmt: skip
    trade = of(result, "fomc-2022-05-04", "9988.HK")
    raw = bars[(bars["symbol"] == "9988.HK") & (bars["date"] >= "2022-05-05")]
    opened, closed = float(raw["open"].iloc[0]), float(raw["close"].iloc[3])
    fx = 1.0531 / 8.2655
    sold, bought = opened * (1 - SLIPPED), closed * (1 + SLIPPED)
    # A board lot of 100 is 1,258.79 dollars: fifteen of them.
    assert int(20_000 / (100 * sold * fx)) == 15
    into, out = 1500 * sold * fx, 1500 * bought * fx
    # Stamp duty 0.13 %, levies 0.0027 and 0.00015 %, trading fee 0.005 %, settlement 0.002 % (2.96 and 2.55 Hong Kong
    # dollars, more than the 2 it is at least), commission 0.05 %; and a tariff of half a dollar at the day's fixing.
    rate = 0.0013 + 0.000027 + 0.0000015 + 0.00005 + 0.00002 + 0.0005
    paid, again = into * rate + 0.5 * fx, out * rate + 0.5 * HKD_10_MAY_2022
    borrow = into * YEAR * 6
    same(
        trade, side=-1, shares=1500.0, entry_fill=sold, exit_fill=bought, exit_kind="hold",
        entry_fee=paid, exit_fee=again, borrow=borrow, pnl=into - out - paid - again - borrow,
    )  # fmt: skip


def test_a_stop_that_is_gapped_through_is_filled_at_the_open(result, bars):
    """Bought at 44,900 on 1 August 2019, the stop stood at 42,655; on the 6th Samsung opened at 42,500."""
    stand(
        bars, "005930.KS", "2019-08-01", "2019-08-06",
        [
            ("2019-08-01", 44900.0, 45500.0, 44850.0, 45200.0),
            ("2019-08-02", 44550.0, 45500.0, 44300.0, 44950.0),
            ("2019-08-05", 44350.0, 44600.0, 43600.0, 43950.0),
            ("2019-08-06", 42500.0, 43800.0, 42500.0, 43500.0),
        ],
    )  # fmt: skip
    fx = 1.1151 / 1318.25
    bought, sold = 44900.0 * (1 + SLIPPED), 42500.0 * (1 - SLIPPED)
    assert int(20_000 / (bought * fx)) == 526
    into, out = 526 * bought * fx, 526 * sold * fx
    both = 0.000036396 + 0.00015
    trade = of(result, "fomc-2019-07-31", "005930.KS")
    assert trade["exit_at"] == pd.Timestamp("2019-08-06T00:00Z")
    same(
        trade, side=1, shares=526.0, exit_price=42500.0, exit_fill=sold, exit_kind="stop",
        entry_fee=into * both, exit_fee=out * (both + 0.0025),
        pnl=out - into - into * both - out * (both + 0.0025),
    )  # fmt: skip


def test_a_long_in_hong_kong_in_whole_board_lots(result, bars):
    """The Fed cut on 30 October 2019: Tencent from 285.65 to 296.33, five board lots of 100."""
    stand(
        bars, "0700.HK", "2019-10-31", "2019-11-05",
        [
            ("2019-10-31", 285.651533, 286.541401, 283.337851, 285.473541),
            ("2019-11-01", 284.405779, 286.719461, 283.693872, 286.185516),
            ("2019-11-04", 286.541433, 291.702742, 286.541433, 291.52478),
            ("2019-11-05", 293.660444, 297.219977, 291.346762, 296.330109),
        ],
    )  # fmt: skip
    raw = bars[(bars["symbol"] == "0700.HK") & (bars["date"] >= "2019-10-31")]
    opened, closed = float(raw["open"].iloc[0]), float(raw["close"].iloc[3])
    fx = 1.1106 / 8.708
    bought, sold = opened * (1 + SLIPPED), closed * (1 - SLIPPED)
    assert int(20_000 / (100 * bought * fx)) == 5
    into, out = 500 * bought * fx, 500 * sold * fx
    # 0.10 % of stamp duty in 2019, and no levy for the accounting council yet.
    rate = 0.001 + 0.000027 + 0.00005 + 0.00002 + 0.0005
    paid, again = into * rate + 0.5 * fx, out * rate + 0.5 * HKD_4_NOVEMBER_2019
    same(
        of(result, "fomc-2019-10-30", "0700.HK"),
        side=1, shares=500.0, entry_fill=bought, exit_fill=sold, exit_kind="hold",
        entry_fee=paid, exit_fee=again, pnl=out - into - paid - again,
    )  # fmt: skip


def test_what_could_not_be_had_says_why(result, bars):
    """On 10 April 2025, after the pause of tariffs, TSMC sat at 863, ten per cent above 785, in ticks of 1."""
    stand(bars, "2330.TW", "2025-04-10", "2025-04-10", [("2025-04-10", 863.0, 863.0, 863.0, 863.0)])
    audit = result.audit.set_index(["event_id", "symbol"])
    row = audit.loc[("tariff-2025-04-09-pause", "2330.TW")]
    assert row["outcome"] == "locked"
    assert "after 785 at most 863" in row["reason"]
    banned = audit.loc[("chip-2020-05-15-huawei-rule", "000660.KS")]
    assert banned["outcome"] == "short_banned"
    assert "from 2020-03-16 to 2021-05-02" in banned["reason"]


def test_its_own_fills_could_have_happened_and_one_moved_out_of_its_bar_could_not(result, shared):
    prices = shared / "prices"
    found = af.check_fills(result.fills, prices)
    assert len(result.fills) > 1000
    assert (found.attrs["impossible"], found.attrs["wrong"]) == (0, 0), found
    moved = result.fills.copy()
    moved.loc[[7, 700], "price"] *= 1.3
    again = af.check_fills(moved, prices)
    assert sorted(set(again.loc[again["code"] == "outside_bar", "line"])) == [8, 701]


def test_the_report_says_how_much_each_effect_took(result, tmp_path):
    fall, totals = result.waterfall, result.stats["waterfall"]
    np.testing.assert_allclose(fall[list(STEPS)].sum(axis=1), fall["net"], rtol=0, atol=1e-6)
    assert sum(totals[key] for key in STEPS) == pytest.approx(totals["net"], abs=1e-3)
    assert totals["net"] == pytest.approx(result.equity["equity"].iloc[-1] - 1e6, abs=1e-3)
    for effect in ("gap", "bans", "tax", "duty", "commission", "slippage", "borrow"):
        assert totals[effect] < -100.0, effect
    page = result.report(tmp_path / "report.html").read_text(encoding="utf-8")
    words = {"reaction": "reaction from close to close", "net": "earned", **STEPS}
    for key, money in totals.items():
        if key != "signals" and round(money):
            shown = f"{abs(money):,.0f}"
            assert f">{'−' if money < 0 else ''}{shown}<" in page.replace("\n", ""), (key, shown)
            assert words[key] in page
