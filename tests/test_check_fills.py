"""Fills held to the rules: each check fires where it must, and not at the near miss."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import aftershock as af
from aftershock.cli import app
from aftershock.data.blotters import read_blotter
from aftershock.data.blotters.columns import NAMES, SIDES, plain, side_of
from aftershock.data.venues import DeskRules
from aftershock.engine.fill_findings import CODES

COLUMNS = ["symbol", "side", "quantity", "price", "date"]


def blotter(*rows, **more):
    return pd.DataFrame(list(rows), columns=COLUMNS).assign(**more)


def codes(fills, prices=None, **settings):
    return af.check_fills(fills, prices, **settings)["code"].tolist()


def anpec(**columns):
    """Anpec closed at 191.5, and sat at 210.5 the next day."""
    day = {"symbol": "6138.TWO", "date": ["2025-09-11", "2025-09-12"], "open": [190.0, 210.5], "factor": 1.0}
    frame = pd.DataFrame({**day, "high": [192.0, 210.5], "low": [189.0, 210.5], "close": [191.5, 210.5]})
    return frame.assign(**columns)


def test_board_lots_of_single_stocks_where_they_are_known():
    """BYD's board lot fell from 500 to 100 on 2025-09-19; that of Evergrande is in no table."""
    found = af.check_fills(
        blotter(
            ("1211.HK", "buy", 300, 110.0, "2025-09-18"),
            ("1211.HK", "buy", 300, 110.0, "2025-09-19"),
            ("3333.HK", "buy", 300, 1.0, "2023-09-18"),
        )
    )
    assert found[["line", "code", "severity", "expected"]].values.tolist() == [
        [found["line"].iloc[0], "odd_lot", "note", "a multiple of 500"]
    ]
    assert any("lots of 3333.HK differ by stock" in line for line in found.attrs["unchecked"])


class TestSessions:
    @pytest.mark.parametrize(
        ("symbol", "price", "date", "expected"),
        [
            ("7203.T", 3000, "2025-09-15", ["no_session"]),  # Respect for the Aged Day
            ("7203.T", 3000, "2025-09-16", []),
            ("7203.T", 3000, "2025-09-14", ["no_session"]),  # a Sunday
            ("2330.TW", 1000, "2024-10-31", ["no_session"]),  # typhoon Kong-rey
            ("7203.T", 3000, "1970-01-05", ["no_calendar"]),
        ],
    )
    def test_days(self, symbol, price, date, expected):
        found = af.check_fills(blotter((symbol, "buy", 1000, price, date)))
        assert found["code"].tolist() == expected

    @pytest.mark.parametrize(
        ("symbol", "clock", "expected"),
        [
            ("8035.T", "2024-07-02T08:59:59", ["outside_hours"]),
            ("8035.T", "2024-07-02T09:00:00", []),
            ("8035.T", "2024-07-02T11:30:00", []),  # the last trade of the morning
            ("8035.T", "2024-07-02T11:45:00", ["outside_hours"]),
            ("8035.T", "2024-07-02T12:30:00", []),
            ("8035.T", "2024-07-02T15:00:00", []),
            ("8035.T", "2024-07-02T15:15:00", ["outside_hours"]),
            ("8035.T", "2024-11-06T15:30:00", []),  # the close moved to 15:30 on 2024-11-05
            ("700.HK", "2024-07-02T09:20:30", []),  # the opening auction
            ("700.HK", "2024-07-02T09:05:00", ["outside_hours"]),
            ("700.HK", "2024-07-02T16:08:30", []),  # the closing auction
            ("700.HK", "2024-07-02T17:00:00", ["outside_hours"]),
        ],
    )
    def test_hours(self, symbol, clock, expected):
        row = {"symbol": symbol, "side": "buy", "quantity": 100, "price": 350, "at": clock}
        found = af.check_fills(pd.DataFrame([row]), zone="venue")
        assert [code for code in found["code"] if code == "outside_hours"] == expected

    def test_an_instant_is_put_on_its_local_date(self):
        row = {"symbol": "BHP.AX", "side": "buy", "quantity": 1, "price": 40, "at": "2025-01-01T23:30:00Z"}
        assert codes(pd.DataFrame([row])) == []  # 10:30 on 2 January in Sydney

    def test_an_index_is_not_traded(self):
        assert codes(blotter(("^N225", "buy", 1, 40_000, "2024-07-02"))) == ["not_traded"]


class TestTicksAndLots:
    @pytest.mark.parametrize(
        ("row", "expected"),
        [
            (("2330.TW", "buy", 1000, 951.5, "2024-07-02"), ["off_tick"]),
            (("2330.TW", "buy", 1000, 951, "2024-07-02"), []),
            (("2330.TW", "buy", 1000, 499.5, "2024-07-02"), []),
            (("005930.KS", "buy", 1, 65_500, "2023-01-24"), ["no_session"]),  # Lunar New Year
            (("005930.KS", "buy", 1, 15_010, "2023-01-20"), ["off_tick"]),  # steps of 50 from 10,000 then
            (("005930.KS", "buy", 1, 15_010, "2023-01-25"), []),  # of 10 below 20,000 since
            (("2330.TW", "buy", 1500, 951, "2024-07-02"), ["odd_lot"]),
            (("2330.TW", "buy", 1500, 300, "2019-07-02"), ["lot"]),  # odd lots only after hours then
            (("7203.T", "buy", 150, 3000, "2024-07-02"), ["lot"]),
            (("7203.T", "buy", 200, 3000, "2024-07-02"), []),
            (("3333.HK", "buy", 37, 1.5, "2023-07-03"), []),  # by stock: not known
            (("700.HK", "buy", 37, 350, "2024-07-02"), ["odd_lot"]),  # by stock: 100
            (("600519.SS", "sell", 50, 1500, "2025-03-03"), ["odd_lot"]),  # a remainder
            (("688981.SS", "buy", 201, 90, "2025-03-03"), []),  # STAR: 200, then one by one
        ],
    )
    def test_by_hand(self, row, expected):
        assert codes(blotter(row)) == expected

    def test_parts_of_an_order_make_the_lot_together(self):
        rows = [("7203.T", "buy", n, 3000, "2024-07-02") for n in (130, 70)]
        assert codes(blotter(*rows)) == ["lot", "lot"]
        assert codes(blotter(*rows, order_id="A1")) == []

    def test_on_the_mainland_a_part_of_an_order_may_be_odd(self):
        """It met the remainder that somebody sold: only the order tells."""
        for row in (
            ("600519.SS", "buy", 150, 1500, "2025-03-03"),
            ("688981.SS", "buy", 199, 90, "2025-03-03"),
        ):
            assert codes(blotter(row)) == ["odd_lot"]
            assert codes(blotter(row, order_id="A1")) == ["lot"]

    def test_a_desks_own_rule_takes_the_place_of_the_books(self):
        row = blotter(("7203.T", "buy", 150, 3000, "2024-07-02"))
        desk = {"XTKS": DeskRules(lot=[{"shares": 50}])}
        assert codes(row, desk=desk) == []
        with pytest.raises(af.InputError, match="did you mean 'XTKS'"):
            af.check_fills(row, desk={"XTK": DeskRules()})


class TestPrices:
    def test_bought_at_the_limit_all_day(self):
        found = af.check_fills(blotter(("6138.TWO", "buy", 1000, 210.5, "2025-09-12")), anpec())
        assert found["code"].tolist() == ["locked"]
        assert "210.5 after a close of 191.5" in found["why"][0]
        assert "10 % of the close before" in found["why"][0]
        assert found["source"][0].startswith("https://")

    def test_sold_at_it(self):
        assert codes(blotter(("6138.TWO", "sell", 1000, 210.5, "2025-09-12")), anpec()) == []

    def test_the_limit_was_left_once(self):
        prices = anpec(low=[189.0, 210.0])
        assert codes(blotter(("6138.TWO", "buy", 1000, 210.5, "2025-09-12")), prices) == []

    def test_sold_at_the_limit_down(self):
        """191.5 less ten per cent is 172.35; the first step inside is 172.5."""
        flat = {name: [191.5, 172.5] for name in ("open", "high", "low", "close")}
        for side, expected in (("sell", ["locked"]), ("short", ["locked"]), ("cover", []), ("buy", [])):
            fills = blotter(("6138.TWO", side, 1000, 172.5, "2025-09-12"))
            assert codes(fills, anpec(**flat)) == expected

    @pytest.mark.parametrize(
        ("price", "expected"),
        [(210.5, []), (211.0, ["beyond_limit"]), (172.5, []), (172.0, ["beyond_limit"])],
    )
    def test_beyond_the_limit(self, price, expected):
        prices = anpec(low=[189.0, 170.0], high=[192.0, 220.0])
        assert codes(blotter(("6138.TWO", "buy", 1000, price, "2025-09-12")), prices) == expected

    def test_on_an_ex_date_the_close_is_restated(self):
        """A split by two: traded at 383 before, 191.5 adjusted; 383 +-10 % would forbid 191.5."""
        prices = anpec(factor=[2.0, 1.0], low=[189.0, 190.0], high=[192.0, 200.0])
        assert codes(blotter(("6138.TWO", "buy", 1000, 191.5, "2025-09-12")), prices) == []

    @pytest.mark.parametrize(
        ("price", "expected"), [(189.0, []), (188.5, ["outside_bar"]), (192.0, []), (192.5, ["outside_bar"])]
    )
    def test_outside_the_bar(self, price, expected):
        assert codes(blotter(("6138.TWO", "buy", 1000, price, "2025-09-11")), anpec()) == expected

    def test_odd_lots_have_a_book_of_their_own(self):
        found = af.check_fills(blotter(("6138.TWO", "buy", 10, 188.5, "2025-09-11")), anpec())
        assert set(zip(found["code"], found["severity"], strict=True)) == {
            ("outside_bar", "note"),
            ("odd_lot", "note"),
        }

    def test_adjusted_prices_are_brought_back(self):
        """Bars at half the traded price: a fill at 378 is inside 2 x (189..192)."""
        assert codes(blotter(("6138.TWO", "buy", 1000, 380, "2025-09-11")), anpec(factor=2.0)) == []
        assert codes(blotter(("6138.TWO", "buy", 1000, 190, "2025-09-11")), anpec(factor=2.0)) == [
            "outside_bar"
        ]

    def test_halts_and_gaps(self):
        days = pd.DataFrame({"symbol": "2330.TW", "date": ["2024-07-01", "2024-07-02", "2024-07-04"]})
        prices = days.assign(close=[950.0, 950.0, 950.0], halted=[False, True, False])
        rows = [("2330.TW", "buy", 1000, 950, f"2024-07-0{day}") for day in (1, 2, 3, 4)]
        assert codes(blotter(*rows), prices) == ["halted", "no_bar"]

    def test_what_is_not_checked_is_told(self):
        fills = blotter(("2330.TW", "buy", 1000, 950, "2024-07-02"), ("3333.HK", "buy", 1, 1.5, "2023-07-03"))
        told = " ".join(af.check_fills(fills).attrs["unchecked"])
        assert "no prices given" in told
        assert "lots of 3333.HK" in told
        assert "no fees" in told
        prices = anpec(symbol="2330.TW").drop(columns="factor")
        told = " ".join(af.check_fills(fills, prices).attrs["unchecked"])
        assert "no prices of 3333.HK" in told
        assert "2330.TW tell no factor" in told

    def test_another_currency_is_not_held_to_the_steps(self):
        fills = blotter(("2330.TW", "buy", 1000, 29.123, "2024-07-02"), currency="USD")
        assert codes(fills) == ["currency"]


class TestHoldings:
    def shanghai(self, *sides, dates=None, **more):
        dates = dates or ["2025-03-03"] * len(sides)
        rows = [("600519.SS", side, n, 1500, day) for (side, n), day in zip(sides, dates, strict=True)]
        return codes(blotter(*rows, **more))

    def test_sold_the_day_of_the_purchase(self):
        assert self.shanghai(("buy", 100), ("sell", 100)) == ["t_plus"]

    def test_sold_the_next_session(self):
        assert self.shanghai(("buy", 100), ("sell", 100), dates=["2025-03-03", "2025-03-04"]) == []
        assert self.shanghai(("buy", 100), ("sell", 100), dates=["2025-02-28", "2025-03-03"]) == []

    def test_older_shares_may_go(self):
        dates = ["2025-03-03", "2025-03-04", "2025-03-04", "2025-03-04"]
        sides = [("buy", 100), ("buy", 100), ("sell", 100), ("sell", 100)]
        found = self.shanghai(*sides, dates=dates)
        assert found == ["t_plus"]

    def test_what_the_blotter_never_bought_may_be_older(self):
        assert self.shanghai(("sell", 100), ("buy", 100)) == []

    def test_accounts_are_apart(self):
        assert self.shanghai(("buy", 100), ("sell", 100), account=["a", "b"]) == []

    def test_tokyo_has_no_wait(self):
        rows = [("7203.T", side, 100, 3000, "2024-07-02") for side in ("buy", "sell")]
        assert codes(blotter(*rows)) == []

    def test_the_clock_orders_a_session(self):
        row = {"symbol": "600519.SS", "quantity": 100, "price": 1500}
        clocks = ["2025-03-03T14:00+08:00", "2025-03-03T10:00+08:00"]
        rows = [{**row, "side": side, "at": at} for side, at in zip(("buy", "sell"), clocks, strict=True)]
        assert codes(pd.DataFrame(rows)) == []

    def test_a_short_sale_in_seoul_while_banned(self):
        found = af.check_fills(blotter(("000660.KS", "SS", 10, 135_000, "2024-01-10")))
        assert found["code"].tolist() == ["short_banned"]
        assert "2023-11-06 to 2025-03-30" in found["why"][0]
        assert codes(blotter(("000660.KS", "SS", 10, 135_000, "2023-11-03"))) == []
        assert codes(blotter(("000660.KS", "SS", 10, 180_000, "2025-03-31"))) == []

    def test_a_sale_beyond_the_blotter_is_only_noted(self):
        rows = [("000660.KS", side, 10, 135_000, "2024-01-10") for side in ("buy", "sell", "sell")]
        found = af.check_fills(blotter(*rows))
        assert found[["line", "code", "severity"]].values.tolist() == [[3, "sold_unheld", "note"]]


class TestCharges:
    @pytest.mark.parametrize(
        ("row", "charged", "expected"),
        [
            # Hong Kong took 0.13 % from 2021-08-01 to 2023-11-16: 45.5 of 35,000.
            (("700.HK", "buy", 100, 350, "2022-06-01"), {"stamp_duty": 35}, ["stamp_duty"]),
            (("700.HK", "buy", 100, 350, "2022-06-01"), {"stamp_duty": 46}, []),
            (("700.HK", "buy", 100, 350, "2024-06-03"), {"stamp_duty": 35}, []),
            (("700.HK", "buy", 100, 350, "2022-06-01"), {"tax": 46}, []),
            (("700.HK", "buy", 100, 350, "2022-06-01"), {"tax": 0}, ["tax"]),
            # Seoul took 0.05 + 0.15 % of sales in 2023: 1,310 of 655,000; 0.23 % the year before.
            (("005930.KS", "sell", 10, 65_500, "2023-05-02"), {"tax": 1310}, []),
            (("005930.KS", "sell", 10, 65_500, "2023-05-02"), {"tax": 1309}, []),
            (("005930.KS", "sell", 10, 65_500, "2023-05-02"), {"tax": 1507}, ["tax"]),
            (("005930.KS", "buy", 10, 65_500, "2023-05-02"), {"tax": 1310}, ["tax"]),
            (("005930.KS", "buy", 10, 65_500, "2023-05-02"), {"tax": 0}, []),
            # Taipei: 0.3 % of sales, 2,850 of 950,000; at least that much in all; 0.1425 % commission is usual.
            (("2330.TW", "sell", 1000, 950, "2024-07-02"), {"fee": 2000}, ["fee_below"]),
            (("2330.TW", "sell", 1000, 950, "2024-07-02"), {"fee": 2850}, []),
            (("2330.TW", "sell", 1000, 950, "2024-07-02"), {"fee": -4203}, []),
            (("2330.TW", "sell", 1000, 950, "2024-07-02"), {"fee": 4300}, ["fee_above"]),
        ],
    )
    def test_by_hand(self, row, charged, expected):
        assert codes(blotter(row, **charged)) == expected

    def test_a_day_trade_in_taipei_pays_half(self):
        rows = [("2330.TW", side, 1000, 950, "2024-07-02") for side in ("buy", "sell")]
        assert codes(blotter(*rows, tax=[0, 1425])) == []
        assert codes(blotter(*rows, tax=[0, 1400])) == ["tax"]
        assert codes(blotter(rows[1], tax=1425)) == ["tax"]

    def test_the_sentence_has_rule_and_dates(self):
        found = af.check_fills(blotter(("700.HK", "buy", 100, 350, "2022-06-01"), stamp_duty=35))
        assert found[["expected", "found", "severity"]].values.tolist() == [["45.5", "35", "wrong"]]
        assert "0.13 % of both sides (at least 1), from 2021-08-01 to 2023-11-16" in found["why"][0]

    def test_an_unverified_rule_says_so(self):
        found = af.check_fills(blotter(("005930.KS", "buy", 100, 65_500, "2023-05-02"), fee=0))
        assert found["code"].tolist() == ["fee_below"]
        assert "(unverified)" in found["why"][0]


class TestReading:
    def test_a_brokers_export(self):
        rows = {
            "Trade Date": ["20250912", "2025/09/12"],
            "Time": ["10:00:00", "09:31"],
            "Code": ["6138", "000660"],
            "Exchange": ["TPEX", "XKRX"],
            "Buy/Sell": ["Bought", "Sell Short"],
            "Qty": ["1,000", "-20"],
            "T. Price": ["210.5", "328,500"],
            "Comm/Fee": ["-300", ""],
            "Trader": ["a", "b"],
        }
        read = read_blotter(pd.DataFrame(rows), zone="venue")
        columns = ["symbol", "side", "quantity", "price", "fee"]
        assert read.fills[columns].values.tolist()[0] == ["6138.TWO", "buy", 1000.0, 210.5, 300.0]
        assert read.fills[columns].values.tolist()[1][:4] == ["000660.KS", "short", 20.0, 328_500.0]
        clocks = pd.to_datetime(read.fills["at"]).dt.strftime("%H:%M").tolist()
        assert clocks == ["02:00", "00:31"]
        assert read.ignored == ("Trader",)

    def test_the_sign_is_the_side_where_no_column_tells_it(self):
        rows = blotter(("2330.TW", "", 1000, 950, "2024-07-02")).drop(columns="side")
        assert read_blotter(rows).fills["side"].tolist() == ["buy"]
        assert read_blotter(rows.assign(quantity=-1000)).fills["side"].tolist() == ["sell"]

    def test_words_have_one_meaning(self):
        aliases = [alias for names in NAMES.values() for alias in names.split()]
        words = [word for names in SIDES.values() for word in names.split()]
        assert len(aliases) == len(set(aliases))
        assert len(words) == len(set(words))
        assert all(plain(alias) == alias for alias in aliases)
        assert all(side_of(word) == side for side, names in SIDES.items() for word in names.split())

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (
                {"side": "byu"},
                "line 1, column side: expected buy, sell, short or cover, got 'byu'; did you mean 'buy'",
            ),
            ({"side": ""}, "column side: expected buy, sell, short or cover, got an empty cell"),
            ({"quantity": 0}, "column quantity: expected a number of shares, got '0'"),
            ({"quantity": -5}, "expected a quantity above zero of a purchase, got '-5'"),
            ({"price": 0}, "column price: expected a price above zero"),
            ({"price": "n/a"}, "column price: expected a number, got 'n/a'"),
            ({"date": "12/09/2025"}, "column date: expected a date in ISO order, got '12/09/2025'"),
            ({"date": "2025-02-30"}, "column date: expected a day and time that exist"),
            ({"date": ""}, "column date: expected when it was done, got an empty cell"),
            ({"symbol": "nonsense"}, "column symbol: expected"),
            ({"symbol": ""}, "column symbol: expected a symbol, got an empty cell"),
            ({"tax": "abc"}, "column tax: expected a number, got 'abc'"),
        ],
    )
    def test_bad_cells(self, change, message):
        good = blotter(("2330.TW", "buy", 1000, 950, "2024-07-02")).astype(object)
        with pytest.raises(af.InputError) as error:
            af.check_fills(good.assign(**change))
        assert message in str(error.value)
        assert len(error.value.problems) == 1

    @pytest.mark.parametrize(
        ("names", "message"),
        [
            ({"quantity": "quantitty"}, "rename it to 'quantity'"),
            ({"quantity": "amount of it"}, "expected a column 'quantity' (or qty, shares, filledqty)"),
            ({"date": "when"}, "expected a column 'at' (instants) or 'date'"),
        ],
    )
    def test_bad_columns(self, names, message):
        with pytest.raises(af.InputError) as error:
            af.check_fills(blotter(("2330.TW", "buy", 1000, 950, "2024-07-02")).rename(columns=names))
        assert message in str(error.value)

    def test_two_names_of_one_column(self):
        rows = blotter(("2330.TW", "buy", 1000, 950, "2024-07-02")).rename(columns={"price": "Px"})
        with pytest.raises(af.InputError, match="expected one column for price, got 'Px' and 'Fill Price'"):
            af.check_fills(rows.assign(**{"Fill Price": 950}))

    def test_a_clock_without_a_zone(self):
        row = {"symbol": "2330.TW", "side": "buy", "quantity": 1, "price": 9, "at": "2024-07-02 10:00"}
        with pytest.raises(af.InputError, match="--zone venue"):
            af.check_fills(pd.DataFrame([row]))
        with pytest.raises(af.InputError, match="did you mean 'Asia/Taipei'"):
            af.check_fills(pd.DataFrame([row]), zone="Asia/Taipe")

    def test_bad_rows_are_left_out_when_asked(self):
        rows = [("2330.TW", "buy", 1000, 951.5, "2024-07-02"), ("2330.TW", "buy", 0, 0, "2024-07-02")]
        found = af.check_fills(blotter(*rows), skip_bad=True)
        assert (found.attrs["fills"], found.attrs["skipped"]) == (1, 1)
        with pytest.raises(af.InputError, match="at least one fill"):
            af.check_fills(blotter())

    def test_counts(self):
        rows = [
            ("2330.TW", "buy", n, price, "2024-07-02")
            for n, price in ((1500, 951.5), (1500, 951), (1000, 951))
        ]
        found = af.check_fills(blotter(*rows))
        assert [found.attrs[name] for name in ("fills", "impossible", "wrong", "note", "ok")] == [
            3,
            1,
            0,
            1,
            1,
        ]
        assert found["line"].tolist() == [1, 1, 2]
        assert set(found["code"]) <= set(CODES)


class TestRuns:
    def fills(self, **columns):
        base = {
            "trade_id": [0, 0],
            "event_id": "e",
            "symbol": "600519.SS",
            "venue": "XSHG",
            "kind": ["entry", "hold"],
        }
        at = pd.to_datetime(["2025-03-03T01:30Z", "2025-03-03T07:00Z"])
        days = {"at": at, "session": pd.to_datetime(["2025-03-03"] * 2), "action": ["buy", "sell"]}
        money = {"quantity": 7.0, "price": 1.5, "fill_price": 1.5, "fee": 0.01, "slippage": 0.0}
        return pd.DataFrame({**base, **days, **money, **columns})

    def test_without_traded_prices_the_rest_is_checked(self):
        found = af.check_fills(self.fills())
        assert found["code"].tolist() == ["t_plus"]
        assert "no shares and traded_price" in found.attrs["unchecked"][0]
        assert not any(
            "lots" in sentence
            for sentence in af.check_fills(self.fills(symbol="700.HK")).attrs["unchecked"][1:]
        )

    def test_with_them_all_of_it(self):
        traded = {"shares": 150.0, "traded_price": 1500.005, "traded_fill": 1500.005, "fx": 0.14, "side": 1}
        found = af.check_fills(self.fills(**traded, currency="CNY", fee=0.01))
        assert set(found["code"]) == {"t_plus", "lot", "odd_lot", "off_tick", "fee_below"}

    def test_entries_that_sell_are_short_sales(self):
        sides = read_blotter(self.fills(action=["sell", "buy"])).fills["side"]
        assert sides.tolist() == ["short", "cover"]

    def test_where_no_factor_is_known_the_prices_of_the_run_are_checked_and_it_is_said(self):
        bars = pd.DataFrame(
            {
                "symbol": "600519.SS",
                "date": pd.to_datetime(["2025-02-28", "2025-03-03", "2025-03-04"]),
                "open": [1499.123, 1500.005, 1501.2],
                "high": [1510.0, 1520.0, 1515.0],
                "low": [1490.0, 1495.0, 1496.0],
                "close": [1500.0, 1501.1, 1502.0],
            }
        )
        told = {
            "shares": 200.0,
            "traded_price": np.nan,
            "traded_fill": np.nan,
            "fx": 0.14,
            "side": 1,
            "fee": 99.0,
        }
        own = self.fills(**told, currency="CNY", price=[1500.005, 1501.2], fill_price=[1500.005, 1501.2])
        found = af.check_fills(own, bars)
        assert not set(found["code"]) & {"off_tick", "outside_bar", "beyond_limit"}
        assert any(
            "2 of 2 fills of the run tell no traded price" in line for line in found.attrs["unchecked"]
        )
        moved = af.check_fills(own.assign(price=own["price"] * [1.3, 1.0]), bars)
        assert set(moved["code"]) - set(found["code"]) == {"outside_bar", "beyond_limit"}
        inside = af.check_fills(own.assign(price=[1520.5, 1501.2]), bars)
        assert set(inside["code"]) - set(found["code"]) == {"outside_bar"}

    def test_a_run_of_this_package(self, tmp_path):
        self.fills().to_parquet(tmp_path / "fills.parquet")
        assert codes(tmp_path) == ["t_plus"]


class TestCommandLine:
    @pytest.fixture
    def file(self, tmp_path):
        path = tmp_path / "trades.csv"
        path.write_text(
            "Date,Ticker,Action,Qty,Px,Note\x1b[31m\n2024-07-02,2330.TW,B,1000,951.5,\x1b[31m=cmd\n", "utf-8"
        )
        return path

    def test_findings(self, file, tmp_path):
        target = tmp_path / "findings.csv"
        done = CliRunner().invoke(app, ["check-fills", str(file), "-o", str(target)])
        assert done.exit_code == 1
        assert "1 fill: 1 impossible, 0 wrong" in done.output
        assert "no prices given" in done.output
        assert "\x1b[31m" not in done.output
        assert pd.read_csv(target)["code"].tolist() == ["off_tick"]

    def test_json(self, file):
        done = CliRunner().invoke(app, ["check-fills", str(file), "--json"])
        told = json.loads(done.output)
        assert (done.exit_code, told["impossible"], told["findings"][0]["line"]) == (1, 1, 2)
        assert told["findings"][0]["session"] == "2024-07-02"

    def test_nothing_found(self, tmp_path):
        path = tmp_path / "trades.csv"
        path.write_text("date,symbol,side,quantity,price\n2024-07-02,2330.TW,buy,1000,951\n", "utf-8")
        done = CliRunner().invoke(app, ["check-fills", str(path), "-o", str(tmp_path / "found.parquet")])
        assert done.exit_code == 0
        assert "1 ok" in done.output
        assert len(pd.read_parquet(tmp_path / "found.parquet")) == 0

    def test_bad_input_leaves_nothing_behind(self, file, tmp_path):
        target = tmp_path / "findings.csv"
        file.write_text("date,symbol,side,quantity,price\n2024-07-02,2330.TW,buy,x,951\n", "utf-8")
        done = CliRunner().invoke(app, ["check-fills", str(file), "-o", str(target)])
        assert isinstance(done.exception, af.InputError)
        assert "trades.csv, line 2, column quantity" in str(done.exception)
        assert not target.exists()
        done = CliRunner().invoke(app, ["check-fills", str(file), "-o", str(tmp_path / "findings.xlsx")])
        assert "ends in .csv or .parquet" in str(done.exception)


def test_many_fills_at_once():
    n = 5000
    day = np.datetime64("2024-07-02")
    fills = pd.DataFrame(
        {"symbol": "2330.TW", "side": "buy", "quantity": 1000, "price": 951.5, "date": day}, range(n)
    )
    assert len(af.check_fills(fills)) == n


def test_every_code_is_documented(root):
    text = (root / "docs/check_fills.md").read_text("utf-8")
    for code, (severity, sentence) in CODES.items():
        assert f"| `{code}` | {severity} | {sentence} |" in text


def test_sentences_do_not_list_bands_by_the_dozen():
    found = af.check_fills(blotter(("8035.T", "buy", 100, 30_001.5, "2024-07-02")))
    assert found["why"].tolist() == ["the step at that price is 10: " + found["why"][0].partition(": ")[2]]
    assert len(found["why"][0]) < 120
