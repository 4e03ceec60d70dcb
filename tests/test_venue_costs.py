"""Costs of the rule books per bar, by hand; what a desk puts in their place; price rules of short sales; money."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from numba import njit

import aftershock as af
from aftershock.data.catalogue import catalogue_path
from aftershock.data.errors import InputError
from aftershock.data.events import load_events
from aftershock.data.prices import Tape, simulated_market
from aftershock.data.venues import DeskRules
from aftershock.engine import kernels
from aftershock.engine.portfolio import bars_of
from aftershock.engine.rules import charge_sets, desk_rules, fees_by_class, rule_books, rules_of, turnover
from aftershock.engine.types import OUTCOMES, Costs
from aftershock.execution import execute
from aftershock.experiment import Experiment, read_experiment
from aftershock.inputs import links_of
from aftershock.strategies.reaction import Reaction

VENUE = Costs(model="venue")
LISTED = ("8035.T", "000660.KS", "2330.TW", "6138.TWO", "9988.HK", "688981.SS", "INFY.NS")
NAN = float("nan")


def tape(symbol: str, days: list[str], **columns: list[float]) -> Tape:
    flat = dict.fromkeys(("open", "high", "low", "close"), [100.0] * len(days))
    return Tape.from_frame(pd.DataFrame({"symbol": symbol, "date": days, **(flat | columns)}))


@njit
def fee_of(rules, bar, value, buy):
    return kernels.fee_of(rules, bar, value, buy)


def fee(symbol: str, day: str, value: float, buy: bool, unit: float = 1.0) -> float:
    bars = tape(symbol, [day])
    return float(fee_of(rules_of(bars, VENUE, fx=np.full(1, unit)), 0, value * unit, buy)) / unit


class TestCharges:
    @pytest.mark.parametrize(
        ("symbol", "day", "value", "buy", "money"),
        [
            # Hong Kong, 100,000 dollars in 2022: stamp 0.13 % = 130; levies 0.0027 + 0.00015 % = 2.85; trading fee
            # 0.005 % = 5; tariff 0.50; settlement 0.002 % = 2, its least; commission 0.05 % = 50. Both sides.
            ("9988.HK", "2022-06-01", 100_000.0, True, 190.35),
            ("9988.HK", "2022-06-01", 100_000.0, False, 190.35),
            # The day before and the day of 2021-08-01 (a Sunday): 0.10 % to 0.13 %, here without the AFRC levy of 2022.
            ("9988.HK", "2021-07-30", 100_000.0, True, 160.20),
            ("9988.HK", "2021-08-02", 100_000.0, True, 190.20),
            # 2023-11-17: back to 0.10 %; trading fee 0.00565 % since 2023, no tariff.
            ("9988.HK", "2023-11-16", 100_000.0, True, 130 + 2.85 + 5.65 + 2 + 50),
            ("9988.HK", "2023-11-17", 100_000.0, True, 100 + 2.85 + 5.65 + 2 + 50),
            # A small order pays the least: commission 18, settlement 2, stamp 1 where 0.1 % of 500 is 0.50.
            ("9988.HK", "2024-06-03", 500.0, True, 1 + 0.01425 + 0.02825 + 2 + 18),
            # A large one the most of settlement: 100 where 0.002 % of 10,000,000 is 200.
            ("9988.HK", "2024-06-03", 1e7, True, 10_000 + 285 + 565 + 100 + 5000),
            # Seoul: tax by year, and 0.15 % for rural development, on sales; 0.0036396 % and 0.015 % on both.
            ("000660.KS", "2020-12-28", 1e6, False, 1000 + 1500 + 36.396 + 150),
            ("000660.KS", "2020-12-29", 1e6, False, 800 + 1500 + 36.396 + 150),
            ("000660.KS", "2024-12-26", 1e6, False, 300 + 1500 + 36.396 + 150),
            ("000660.KS", "2024-12-27", 1e6, False, 0 + 1500 + 36.396 + 150),
            ("000660.KS", "2024-12-27", 1e6, True, 36.396 + 150),
            # Taipei: 0.3 % of sales, commission 0.1425 % and no less than 20.
            ("2330.TW", "2025-09-12", 1e6, False, 3000 + 1425),
            ("2330.TW", "2025-09-12", 1e4, True, 20.0),
            # Shanghai: stamp duty halved on 2023-08-28, handling fee cut with it; management 0.002 %, transfer 0.001 %.
            ("600519.SS", "2023-08-25", 1e6, False, 1000 + 48.7 + 20 + 10 + 300),
            ("600519.SS", "2023-08-28", 1e6, False, 500 + 34.1 + 20 + 10 + 300),
            ("600519.SS", "2023-08-28", 1e6, True, 34.1 + 20 + 10 + 300),
            # NSE since 2024-10: STT 0.1 % both, stamp 0.015 % of purchases, 0.00297 %, SEBI 0.0001 %, IPFT 0.0001 %,
            # commission 0.1 %, at most 20.
            ("INFY.NS", "2024-10-01", 1e6, True, 1000 + 150 + 29.7 + 1 + 1 + 20),
            ("INFY.NS", "2024-10-01", 1e6, False, 1000 + 29.7 + 1 + 1 + 20),
            # Tokyo has no tax: the default commission of 0.042 %.
            ("8035.T", "2025-09-12", 1e6, False, 420.0),
        ],
    )
    def test_by_hand(self, symbol, day, value, buy, money):
        assert fee(symbol, day, value, buy) == pytest.approx(money, rel=1e-9)
        # In a base currency worth eight of the local one the bounds move with the rate.
        assert fee(symbol, day, value, buy, unit=0.125) == pytest.approx(money, rel=1e-9)

    def test_without_a_rate_nothing_bounds(self):
        rules = rules_of(tape("2330.TW", ["2025-09-12"]), VENUE, fx=np.array([NAN]))
        assert fee_of(rules, 0, 1e4, True) == pytest.approx(14.25)
        assert rules.bar["lot"][0] == 0.0

    def test_classes_add_up_to_the_fee(self):
        bars = tape("9988.HK", ["2022-06-01", "2024-06-03"])
        books = rule_books(bars.venues)
        rules, sets = rules_of(bars, VENUE), charge_sets(bars, VENUE, books)
        rows, values = np.array([0, 0, 1, 1]), np.array([500.0, 1e5, 1e6, 1e7])
        buys = np.array([True, False, True, False])
        parts = fees_by_class(sets, rows, values, np.ones(4), buys)
        whole = [fee_of(rules, *each) for each in zip(rows, values, buys, strict=True)]
        np.testing.assert_allclose(sum(parts.values()), whole, rtol=1e-12)
        assert parts["duty"].round(6).tolist() == [1.0, 130.0, 1000.0, 10_000.0]


class TestLots:
    @pytest.mark.parametrize(
        ("symbol", "day", "lot"),
        [
            ("8035.T", "2025-09-12", 100.0),
            ("1306.T", "2025-09-12", 10.0),
            ("2330.TW", "2025-09-12", 1000.0),
            ("000660.KS", "2025-09-12", 1.0),
            ("600519.SS", "2025-09-12", 100.0),
            ("688981.SS", "2025-09-12", 200.0),
            ("3333.HK", "2024-01-12", 0.0),  # by stock: not known, any quantity
            # BYD's board lot fell from 500 to 100 on 2025-09-19 (HKEX listing-day papers).
            ("1211.HK", "2025-09-18", 500.0),
            ("1211.HK", "2025-09-19", 100.0),
        ],
    )
    def test_of_the_book(self, symbol, day, lot):
        assert rules_of(tape(symbol, [day]), VENUE).bar["lot"].tolist() == [lot]

    def test_odd_lots_where_the_venue_has_them(self):
        odd = VENUE._replace(odd_lots=True)
        assert rules_of(tape("2330.TW", ["2020-10-23", "2020-10-26"]), odd).bar["lot"].tolist() == [
            1000.0,
            1.0,
        ]
        assert rules_of(tape("8035.T", ["2025-09-12"]), odd).bar["lot"].tolist() == [100.0]

    def test_whole_lots_in_a_run(self):
        """Ten per cent of a million dollars buys 100,000 x 150 / 21,000 = 714 shares of Tokyo: 700."""
        prices = pd.DataFrame(
            {"symbol": "8035.T", "date": ["2025-09-11", "2025-09-12", "2025-09-16"], "close": 21e3}
        )
        prices = prices.assign(open=21e3, high=21.1e3, low=20.9e3, factor=1.0)
        events = pd.DataFrame(
            {"known_by": ["2025-09-11T23:00Z"], "tag": "chip", "direction": "positive", "symbols": "8035.T"}
        )
        costs = af.Costs(slippage=0)
        result = af.backtest(
            events, prices, Reaction(hold=1), costs=costs, portfolio=af.Portfolio(currency="JPY")
        )
        assert result.audit["outcome"].tolist() == ["below_lot"]
        big = af.Portfolio(currency="JPY", capital=150e6)
        trade = af.backtest(events, prices, Reaction(hold=1), costs=costs, portfolio=big).trades.iloc[0]
        assert (trade["shares"], trade["quantity"]) == (700.0, 700.0)
        assert trade["entry_fee"] == pytest.approx(700 * 21e3 * 0.00042)


class TestSlippage:
    def test_an_open_knows_only_the_range_before(self):
        bars = tape("8035.T", ["2025-09-10", "2025-09-11"], high=[102.0, 110.0], low=[98.0, 90.0])
        slippage = rules_of(bars, Costs(slippage=0.001, slippage_range=0.1)).bar
        assert slippage["at_close"].tolist() == pytest.approx([0.005, 0.021])
        assert slippage["at_open"].tolist() == pytest.approx([0.001, 0.005])

    def test_turnover_is_that_of_the_sessions_before(self):
        days = [str(day.date()) for day in pd.bdate_range("2025-06-02", periods=8)]
        volume = [10.0, 20.0, 30.0, 40.0, 50.0, 6e9, 7e9, 8e9]
        found = turnover(tape("8035.T", days, volume=volume))
        assert np.isnan(found[:5]).all()
        assert found[5] == pytest.approx(3000.0)
        impact = rules_of(tape("8035.T", days, volume=volume), Costs(slippage_volume=0.1)).bar["impact"]
        # An order of 30, a hundredth of the turnover, pays a tenth of 0.1.
        assert impact[5] * np.sqrt(30.0) == pytest.approx(0.01)
        assert impact[:5].tolist() == [0.0] * 5


class TestDividends:
    DAYS = ("2025-06-10", "2025-06-11", "2025-06-12", "2025-06-13")

    def run(self, direction="positive", **costs):
        """Taipei pays 4 on a close of 100 on the 12th, when the price falls to 97."""
        prices = pd.DataFrame({"symbol": "2330.TW", "date": self.DAYS, "close": [100.0, 100.0, 97.0, 98.0]})
        prices = prices.assign(open=[100.0, 100.0, 96.0, 97.0], high=101.0, low=95.0, split=1.0)
        prices = prices.assign(dividend=[0.0, 0.0, 4.0, 0.0])
        events = pd.DataFrame(
            {"known_by": ["2025-06-10T23:00Z"], "tag": "chip", "direction": direction, "symbols": "2330.TW"}
        )
        costs = af.Costs(model="flat", fee=0.0, slippage=0.0, borrow=0.0, **costs)
        return af.backtest(events, prices, Reaction(hold=2), costs=costs)

    def test_a_fifth_and_a_hundredth_is_withheld_in_taipei(self):
        """A holder abroad keeps 79 %. Of 100,000 held at 100, 4 % is 4,000: 840 are lost."""
        gross, net = self.run().trades.iloc[0], self.run(dividends="net").trades.iloc[0]
        assert (gross["withheld"], net["withheld"]) == (0.0, pytest.approx(840.0))
        # Gross: 98 / (100 - 4) - 1 = 2.0833 %.
        assert gross["pnl"] == pytest.approx(100_000 * (98 / 96 - 1))
        assert net["pnl"] == pytest.approx(gross["pnl"] - 840.0)
        assert net["costs"] == pytest.approx(840.0)
        result = self.run(dividends="net")
        assert result.waterfall["dividends"].tolist() == pytest.approx([-840.0])
        assert result.equity["equity"].iloc[-1] == pytest.approx(1e6 + net["pnl"])
        assert any("withhold of dividends" in caveat for caveat in result.manifest["caveats"])

    def test_a_short_owes_them_whole(self):
        assert self.run("negative", dividends="net").trades["withheld"].tolist() == [0.0]

    def test_prices_that_tell_none_are_named(self):
        prices = pd.DataFrame({"symbol": "2330.TW", "date": self.DAYS, "close": 100.0, "open": 100.0})
        prices = prices.assign(high=101.0, low=99.0)
        events = pd.DataFrame(
            {"known_by": ["2025-06-10T23:00Z"], "tag": "chip", "direction": "positive", "symbols": "2330.TW"}
        )
        result = af.backtest(events, prices, Reaction(hold=2), costs=af.Costs(dividends="net"))
        assert any(
            "1 instruments traded do not tell dividends apart" in line for line in result.manifest["caveats"]
        )


class TestShortSales:
    DAYS = ("2025-09-08", "2025-09-09", "2025-09-10", "2025-09-11")

    def codes(self, symbol, days=DAYS, **columns):
        rules = rules_of(tape(symbol, list(days), **columns), Costs())
        return [
            [OUTCOMES[code] for code in codes]
            for codes in (rules.bar["short_open"], rules.bar["short_close"])
        ]

    def test_tokyo_after_a_fall_of_ten_per_cent(self):
        """Low of 89 on a close of 100: from then to the end of the next session only above the last price."""
        opens, closes = self.codes(
            "8035.T",
            open=[100, 95, 91, 93],
            high=[100, 95, 92, 94],
            low=[100, 89, 91, 93],
            close=[100, 92, 92, 94.0],
        )
        assert opens == ["filled", "filled", "short_rule", "filled"]
        assert closes == ["filled", "short_rule", "short_rule", "filled"]
        higher, _ = self.codes(
            "8035.T",
            open=[100, 95, 93, 93],
            high=[100, 95, 94, 94],
            low=[100, 89, 92, 93],
            close=[100, 92, 92, 94.0],
        )
        assert higher == ["filled"] * 4
        shallow = self.codes("8035.T", low=[100, 90.5, 100, 100.0])
        assert shallow == [["filled"] * 4] * 2

    def test_taipei_in_the_autumn_of_2022(self):
        """From 2022-10-24 on, below the close before only where that had not fallen by 3.5 %."""
        days = ("2022-10-24", "2022-10-25", "2022-10-26", "2022-10-27")
        opens, closes = self.codes(
            "2330.TW",
            days,
            open=[100, 98, 95, 97],
            high=[101, 98, 97, 98],
            low=[99, 96, 95, 95],
            close=[100, 96, 97, 96.0],
        )
        assert opens == ["filled", "filled", "short_rule", "filled"]
        assert closes == ["filled"] * 4
        assert (
            self.codes(
                "2330.TW", ("2023-03-06", "2023-03-07", "2023-03-08", "2023-03-09"), close=[100, 96, 96, 96.0]
            )[0]
            == ["filled"] * 4
        )

    def test_seoul_let_only_members_be_sold_from_2021_to_2023(self):
        """LG Energy Solution joined the KOSPI 200 on 2022-03-11."""
        days = ("2022-03-08", "2022-03-10", "2022-03-11", "2023-11-06")
        want = ["short_unlisted", "short_unlisted", "filled", "short_banned"]
        assert self.codes("373220.KS", days) == [want, want]

    def test_a_korean_short_in_the_ban_is_refused_with_its_sentence(self):
        days = ["2024-01-09", "2024-01-10", "2024-01-11"]
        prices = pd.DataFrame({"symbol": "000660.KS", "date": days, "close": 100.0})
        prices = prices.assign(open=100.0, high=101.0, low=99.0)
        events = pd.DataFrame(
            {
                "known_by": ["2024-01-09T23:00Z"],
                "tag": "chip",
                "direction": "negative",
                "symbols": "000660.KS",
            }
        )
        row = af.backtest(events, prices, Reaction(hold=0)).audit.iloc[0]
        assert row["outcome"] == "short_banned"
        assert row["reason"].startswith(
            "short sales were not allowed: XKRX: not allowed, from 2023-11-06 to 2025-03-30 ("
        )


class TestDesk:
    OWN = """
[[venues.XTKS.charge]]
name = "our broker"
side = "both"
rate = 0.0002
class = "commission"

[[venues.XKRX.short_sale]]
allowed = true
valid_from = 2024-01-01
valid_to = 2024-06-30
"""

    def test_rules_of_an_experiment_take_the_place_of_the_books(self, tmp_path):
        path = tmp_path / "own.toml"
        path.write_text(self.OWN, encoding="utf-8")
        read = read_experiment(path)
        again = tmp_path / "again.toml"
        again.write_text(read.to_toml(), encoding="utf-8")
        assert read_experiment(again).desk == read.desk
        books = rule_books(["XTKS", "XKRX"], read.desk)
        rules = rules_of(tape("8035.T", ["2025-09-12"]), VENUE, books)
        assert rules.bar["buy_rate"].tolist() == [0.0002]
        tokyo = books["XTKS"]
        assert desk_rules(tape("8035.T", ["2025-09-12"]), VENUE, {"XTKS": tokyo}) == ["XTKS our broker"]
        days = ["2023-12-28", "2024-01-02", "2024-06-28", "2024-07-01"]
        shorts = rules_of(tape("000660.KS", days), Costs(), books).bar["short_open"]
        assert [OUTCOMES[code] for code in shorts] == ["short_banned", "filled", "filled", "short_banned"]

    def test_wrong_ones_say_so(self, tmp_path):
        path = tmp_path / "own.toml"
        path.write_text(self.OWN.replace("XTKS", "XTSK"), encoding="utf-8")
        with pytest.raises(InputError, match="did you mean 'XTKS'"):
            read_experiment(path)
        path.write_text(self.OWN.replace('side = "both"', 'side = "bth"'), encoding="utf-8")
        with pytest.raises(InputError, match="side to be one of buy, sell, both"):
            read_experiment(path)

    def test_an_experiment_without_any_has_none(self):
        assert Experiment(Reaction()).desk == {}
        assert "venues" not in Experiment(Reaction()).to_toml()

    def test_other_dates_are_left_as_they_are(self):
        own = DeskRules(
            short_sale=[{"allowed": False, "valid_from": date(2020, 1, 1), "valid_to": date(2020, 1, 31)}]
        )
        timeline = rule_books(["XTKS"], {"XTKS": own})["XTKS"].timeline("short_sale")
        assert [(str(since), entry.allowed) for since, entry in timeline] == [
            ("2013-11-05", True),
            ("2020-01-01", False),
            ("2020-02-01", True),
        ]


class TestSettings:
    @pytest.mark.parametrize(
        "values",
        [{"fee": 0.001}, {"model": "zero", "slippage": 0.1}, {"model": "flat", "odd_lots": True}],
    )
    def test_what_does_not_go_together(self, values):
        with pytest.raises(InputError):
            af.Costs(**values)

    def test_zero_costs_nothing(self):
        assert af.Costs(model="zero").terms == Costs(model="zero")


def test_money_is_conserved_at_every_bar() -> None:
    """Cash rebuilt from the fills, and what is held at its last close, are the equity of each date to 1e-9."""
    events = load_events([str(catalogue_path(name)) for name in ("fomc", "tariffs")])
    events = events.between("2018-01-01T00:00Z", "2019-12-31T00:00Z")
    market = simulated_market(LISTED, start="2018-01-01", end="2019-12-31", seed=3, events=events.frame).tape
    portfolio = af.Portfolio(size=0.3, compound=True, max_positions=6, max_market=0.5, partial=True)
    strategy = Reaction(hold=5, stop=0.03, trail=0.05, take=0.06)
    result = execute(events, market, None, links_of(None, events), Experiment(strategy, portfolio=portfolio))
    trades = result.trades[result.trades["headline"]]
    assert (trades["borrow"] > 0.0).any()
    bars = bars_of(market)
    capital = result.stats["headline"]["capital"]
    borrowed = 0.005 / 365.0
    for _, mark in result.equity.iloc[::25].iterrows():
        day = int(mark["date"].to_datetime64().astype("M8[D]").astype(int))
        worth = capital
        for trade in trades.itertuples():
            entered, left = (
                None if pd.isna(at) else at.to_numpy().astype("M8[D]").astype(int)
                for at in (trade.entry_session, trade.exit_session)
            )
            if entered > day:
                continue
            if left is not None and left <= day:
                worth += trade.pnl
                continue
            rows = slice(*bars.offsets[list(market.symbols).index(trade.symbol) :][:2])
            inside = np.flatnonzero((bars.session[rows] <= day) & (bars.session[rows] >= entered))
            last = inside[-1]
            days = bars.session[rows][last] - entered
            price = bars.close[rows][last]
            worth += trade.side * trade.quantity * (price - trade.entry_fill) - trade.entry_fee
            worth -= trade.quantity * trade.entry_fill * borrowed * days if trade.side < 0 else 0.0
        assert worth == pytest.approx(mark["equity"], rel=1e-9)
