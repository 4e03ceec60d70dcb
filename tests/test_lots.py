"""Board lots by stock and lists of short sales: by hand, from the pages named in the tables."""

from datetime import date
from itertools import pairwise

import pytest

from aftershock.data.calendars import shipped
from aftershock.data.universes import known_instruments
from aftershock.data.venues.book import rule_book
from aftershock.data.venues.lots import BOARD_LOTS, board_lot
from aftershock.data.venues.short_lists import SHORT_LISTS, on_short_list


class TestBoardLots:
    @pytest.mark.parametrize(
        ("symbol", "before", "day", "after"),
        [
            # 500 -> 100 from 09:00 of 2025-09-19: https://www.hstong.com/news/detail/25082921422419170
            ("1211.HK", 500, "2025-09-19", 100),
            # A contract of 1,000 shares is two lots: https://docslib.org/doc/8034644/mks-eqd-38-21
            ("0285.HK", 0, "2021-07-19", 500),
            # 150 shares are three: https://docslib.org/doc/8034644/mks-eqd-38-21
            ("9961.HK", 0, "2021-07-26", 50),
            # Listed that day, 100 a lot: http://m.jiangsulong.com/a/2019/1126/0160849.html
            ("9988.HK", 0, "2019-11-26", 100),
            # "20 shares a lot, 160 dollars lost on each": 808 - 800 = 8, times 20 (Ming Pao, 2021-03-30)
            ("9626.HK", 0, "2021-03-29", 20),
            # "1,971 dollars won on each lot of 50": 110 - 70.58 = 39.42, times 50 (etnet, 2020-12-08)
            ("6618.HK", 0, "2020-12-08", 50),
            # 670 lost on a lot, 48 - 41.30 = 6.70 on a share (Sing Tao, 2022-09-28)
            ("9863.HK", 0, "2022-09-29", 100),
            # "100 a lot, 7,272.55 to get in": https://m.xinnet.com/mweb/64/279844.html
            ("3690.HK", 0, "2018-09-20", 100),
            # "One lot, that is 100 shares": http://paper.wenweipo.com/2020/06/06/YO2006060008.htm
            ("9999.HK", 0, "2020-06-11", 100),
            # 1,000 shares are five lots: https://docslib.org/doc/1318971/
            ("1810.HK", 0, "2018-07-09", 200),
            # 10,000 shares are a hundred lots (HKEx, 2015-11-18)
            ("0700.HK", 0, "2015-11-30", 100),
        ],
    )
    def test_the_day_before_and_the_day_of(self, symbol, before, day, after):
        first = date.fromisoformat(day)
        assert board_lot(symbol, date.fromordinal(first.toordinal() - 1)) == before
        assert board_lot(symbol, first) == after

    def test_what_is_not_known_is_nothing(self):
        assert board_lot("3333.HK", date(2025, 9, 12)) == 0
        assert board_lot("2330.TW", date(2025, 9, 12)) == 0

    def test_the_book_of_the_venue_leaves_it_to_the_stock(self):
        assert rule_book("XHKG").one("lot", date(2025, 9, 12)).shares == 0

    def test_the_table_is_of_known_stocks_with_sources(self):
        rows = shipped.rows(BOARD_LOTS)
        for row in rows:
            assert known_instruments()[row["symbol"]].venue == "XHKG"
            assert int(row["shares"]) > 0
            assert row["source"].startswith("http")
            assert row["confidence"] in ("sourced", "unverified")
        order = [(row["symbol"], row["valid_from"]) for row in rows]
        assert order == sorted(set(order)), "by symbol and date, none twice"


class TestShortLists:
    @pytest.mark.parametrize(
        ("mic", "symbol", "before", "day", "after"),
        [
            # Not allowed at all before that Monday, so no list: the members then had been so for long.
            ("XKRX", "005930.KS", None, "2021-05-03", True),
            ("XKOS", "247540.KQ", None, "2021-05-03", True),
            # Joined the KOSDAQ 150 on 2020-12-11: http://seoulfn.com/news/articleViewAmp.html?idxno=402356
            ("XKOS", "357780.KQ", None, "2021-05-03", True),
            # Joins on the session after its first, the 30th: https://www.fnnews.com/news/202111241626087777
            ("XKRX", "402340.KS", False, "2021-11-30", True),
            # Takes the place of Dongwon F&B: https://www.asiae.co.kr/article/2022022220061258039
            ("XKRX", "373220.KS", False, "2022-03-11", True),
            # https://www.sedaily.com/NewsView/26DNETKXL2
            ("XKOS", "403870.KQ", False, "2022-12-09", True),
            # Joined in June 2024 only: https://seoulfn.com/news/articleView.html?idxno=520797
            ("XKRX", "042700.KS", None, "2021-05-03", False),
            # Banned for all again.
            ("XKRX", "005930.KS", True, "2023-11-06", None),
            ("XKRX", "042700.KS", False, "2023-11-06", None),
        ],
    )
    def test_the_day_before_and_the_day_of(self, mic, symbol, before, day, after):
        first = date.fromisoformat(day)
        assert on_short_list(mic, symbol, date.fromordinal(first.toordinal() - 1)) is before
        assert on_short_list(mic, symbol, first) is after

    def test_what_no_list_says_is_not_known(self):
        assert on_short_list("XKOS", "036930.KQ", date(2022, 6, 1)) is None
        assert on_short_list("XHKG", "0700.HK", date(2022, 6, 1)) is None
        assert on_short_list("XKOS", "005930.KS", date(2022, 6, 1)) is None, "listed in Seoul's other market"

    def test_the_lists_hold_while_the_book_asks_for_one(self):
        for row in shipped.rows(SHORT_LISTS):
            for day in (row["valid_from"], row["valid_to"]):
                rule = rule_book(row["venue"]).one("short_sale", date.fromisoformat(day))
                assert rule.list == "constituents", row

    def test_the_table_is_of_known_stocks_with_sources(self):
        rows = shipped.rows(SHORT_LISTS)
        for row in rows:
            assert known_instruments()[row["symbol"]].venue == row["venue"]
            assert row["listed"] in ("yes", "no")
            assert row["source"].startswith("http")
            assert row["confidence"] in ("sourced", "unverified")
        for one, other in pairwise(rows):
            if one["symbol"] == other["symbol"]:
                assert one["valid_to"] < other["valid_from"]

    def test_all_of_the_shipped_names_of_kospi_are_told(self):
        names = [
            one.symbol for one in known_instruments().values() if one.venue == "XKRX" and one.kind == "stock"
        ]
        missing = [name for name in names if on_short_list("XKRX", name, date(2022, 6, 1)) is None]
        assert missing == []
