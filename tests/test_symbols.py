"""Symbols in every dialect, the shipped tables, and universes."""

import pandas as pd
import pytest

from aftershock.data.errors import InputError
from aftershock.data.universes import (
    Instrument,
    known_instruments,
    resolve,
    universe,
    universe_names,
    yahoo_symbol,
)
from aftershock.data.universes.symbols import BOARDS, MARKS, read_shipped
from aftershock.data.venues import VENUES, venue

DIALECTS = {
    "000660.KS": "000660.KS",
    "KS:000660": "000660.KS",
    "000660.SK": "000660.KS",
    "KRX:005930": "005930.KS",
    "005930 KS Equity": "005930.KS",
    "5930 KS": "005930.KS",
    "660.KS": "000660.KS",
    "240810.SK": "240810.KQ",
    "KOSDAQ:240810": "240810.KQ",
    "2330.TW": "2330.TW",
    "2330.TT": "2330.TW",
    "2330 TT Equity": "2330.TW",
    "TPE:2330": "2330.TW",
    "6138.TWO": "6138.TWO",
    "6138.TT": "6138.TWO",
    "TW:6138": "6138.TWO",
    "50.TW": "0050.TW",
    "9988.HK": "9988.HK",
    "HK:9988": "9988.HK",
    "9988 HK Equity": "9988.HK",
    "9988:HK": "9988.HK",
    "700.HK": "0700.HK",
    "700 HK": "0700.HK",
    "HKG:0700": "0700.HK",
    "00005.HK": "0005.HK",
    "8035.T": "8035.T",
    "TYO:8035": "8035.T",
    "6479.JP": "6479.T",
    "6857 JP": "6857.T",
    "285A.T": "285A.T",
    "285a jp equity": "285A.T",
    "INFY.NS": "INFY.NS",
    "NSE:INFY": "INFY.NS",
    "INFY IN": "INFY.NS",
    "M&M.NS": "M&M.NS",
    "500209.BO": "500209.BO",
    "500209 IN": "500209.BO",
    "600519.SS": "600519.SS",
    "600519.SH": "600519.SS",
    "600519.CH": "600519.SS",
    "600519.CG": "600519.SS",
    "SHA:600519": "600519.SS",
    "2371.SZ": "002371.SZ",
    "300750 CH": "300750.SZ",
    "BHP.AU": "BHP.AX",
    "ASX:BHP": "BHP.AX",
    "D05.SP": "D05.SI",
    "SGX:D05": "D05.SI",
    "BBCA IJ Equity": "BBCA.JK",
    "PTT.BK": "PTT.BK",
    "1155 MK": "1155.KL",
    "  9988.hk ": "9988.HK",
    "N225": "N225",
    "^N225": "N225",
    "Nikkei 225": "N225",
    "nikkei": "N225",
    "NKY Index": "N225",
    "TOPIX": "TOPIX",
    "998405.T": "TOPIX",
    "KOSPI": "KOSPI",
    "^KS11": "KOSPI",
    "KOSPI 200": "KOSPI200",
    "HSI": "HSI",
    "Hang Seng": "HSI",
    "000001.SS": "SSEC",
    "000300.SS": "CSI300",
    "CSI 300": "CSI300",
    "^TWII": "TAIEX",
    "S&P/ASX 200": "ASX200",
    "Straits Times Index": "STI",
    "Nifty 50": "NIFTY50",
    "Sensex": "SENSEX",
    "SPX": "SPX",
    "S&P 500": "SPX",
    "^GSPC": "SPX",
    "Nasdaq Composite": "NASDAQ",
    "^SOX": "SOX",
    "SOXX": "SOXX",
    "^VIX": "VIX",
}


class TestResolve:
    @pytest.mark.parametrize(("written", "meant"), DIALECTS.items())
    def test_dialects(self, written, meant):
        assert resolve(written).symbol == meant

    @pytest.mark.parametrize("written", DIALECTS)
    def test_a_resolved_symbol_resolves_to_itself(self, written):
        once = resolve(written)
        assert resolve(once.symbol) == once
        assert resolve(yahoo_symbol(once.symbol)) == once

    def test_what_an_instrument_tells(self):
        assert resolve("000660.SK") == Instrument(
            "000660.KS", "XKRX", "stock", "SK hynix", "KRW", "KR", ("semis", "memory", "tech")
        )
        assert resolve("^N225") == Instrument("N225", "XTKS", "index", "Nikkei 225", "JPY", "JP", ())
        assert [resolve(symbol).kind for symbol in ("1306.T", "1321.T", "SOXX")] == ["fund"] * 3

    def test_a_well_formed_symbol_that_is_not_in_the_table(self):
        assert resolve("1234.T") == Instrument("1234.T", "XTKS", "stock", "", "JPY", "JP", ())
        assert resolve("000001.SZ").venue == "XSHE"
        assert resolve("3333.TWO").venue == "ROCO"

    def test_an_exchange_of_two_boards_is_decided_by_what_is_at_hand(self):
        assert resolve("9999.TT", among=["9999.TWO", "2330.TW"]).symbol == "9999.TWO"
        assert resolve("9999.TT", among={"9999.TW"}).symbol == "9999.TW"
        assert resolve("2330.TT", among=["2330.TWO"]).symbol == "2330.TW"
        for among in (None, ["9999.TW", "9999.TWO"]):
            with pytest.raises(InputError, match=r"'9999.TT', which may be '9999.TW' or '9999.TWO'"):
                resolve("9999.TT", among=among)
        with pytest.raises(InputError, match=r"'123450.KS' or '123450.KQ'"):
            resolve("123450.SK")

    @pytest.mark.parametrize(
        ("written", "cure"),
        [
            ("000660", r"did you mean '000660.KS'\?"),
            ("SK Hynix", r"did you mean '000660.KS'\?"),
            ("Advantst", r"did you mean '6857.T'\?"),
            ("2330.TWX", r"did you mean '2330.TW'"),
            ("NIKEI", r"did you mean 'N225'\?"),
            ("QQQQQQ", "write a Yahoo symbol"),
            ("", "write a Yahoo symbol"),
            ("12345678.HK", "expected a symbol of a known venue"),
            ("600519.SZ", "did you mean '600519.SS'"),
            ("ABC.T", "expected a symbol of a known venue"),
            ("9988.XX", "did you mean '9988.HK'"),
        ],
    )
    def test_unknown_symbols_say_what_could_be_meant(self, written, cure):
        with pytest.raises(InputError, match=cure):
            resolve(written)


class TestTables:
    def test_every_row_is_sound(self):
        rows = read_shipped("instruments.csv")
        symbols = [row["symbol"] for row in rows]
        assert len(symbols) == len(set(symbols))
        assert len({row["name"] for row in rows}) == len(rows)
        for row in rows:
            assert resolve(row["symbol"]).symbol == row["symbol"]
            assert row["kind"] in ("stock", "fund")
            assert row["themes"].split() == list(dict.fromkeys(row["themes"].split())) != []

    def test_indices_name_venues_that_exist_and_their_currency(self):
        for row in read_shipped("indices.csv"):
            assert venue(row["venue"]).currency == row["currency"]
            assert row["kind"] in ("index", "fund")

    def test_no_alias_means_two_indices(self):
        taken: dict[str, str] = {}
        for row in read_shipped("indices.csv"):
            for alias in {row["symbol"], row["yahoo"], *filter(None, row["aliases"].split(";"))}:
                assert taken.setdefault(alias.upper(), row["symbol"]) == row["symbol"]

    def test_boards_stand_for_known_venues_and_marks_for_boards(self):
        assert {board.venue for board in BOARDS.values()} == set(VENUES) - {"XNYS"}
        assert {suffix for suffixes in MARKS.values() for suffix in suffixes} == set(BOARDS)

    @pytest.mark.shared
    def test_all_symbols_of_the_real_prices_are_listed(self, shared):
        for name in ("stocks", "indices"):
            symbols = pd.read_parquet(shared / "prices" / f"{name}.parquet", columns=["symbol"])["symbol"]
            assert set(symbols) <= set(known_instruments())

    @pytest.mark.shared
    def test_taiwan_boards_agree_with_a_gazetteer(self, shared):
        listed = pd.read_csv(shared / "events/gazetteers/twstock_taiwan_equities.csv", dtype=str)
        board = dict(zip(listed["code"], listed["market"], strict=True))
        mine = [one.symbol.split(".") for one in known_instruments().values() if one.market == "TW"]
        checked = {code: {"上市": "TW", "上櫃": "TWO"}[board[code]] for code, *_ in mine if code in board}
        assert len(checked) > 30
        assert {code: suffix for code, *rest in mine for suffix in rest if code in checked} == checked


class TestUniverse:
    def test_shipped_universes(self):
        assert universe_names() == (
            "asia-semis",
            "asia-tech",
            "asia-indices",
            "japan",
            "korea",
            "taiwan",
            "hong-kong",
            "china",
            "india",
            "australia",
            "singapore",
        )
        for name in universe_names():
            members = universe(name)
            assert len(members) == len(set(members.symbols)) > 5
            assert set(members.symbols) <= set(known_instruments())

    def test_members_fit_their_universe(self):
        assert all("semis" in one.themes for one in universe("asia-semis"))
        assert all("tech" in one.themes for one in universe("asia-tech"))
        assert all(one.kind == "index" and one.market != "US" for one in universe("asia-indices"))
        markets = {name: {one.market for one in universe(name)} for name in universe_names()[3:]}
        assert markets == {
            "japan": {"JP"},
            "korea": {"KR"},
            "taiwan": {"TW"},
            "hong-kong": {"HK"},
            "china": {"CN"},
            "india": {"IN"},
            "australia": {"AU"},
            "singapore": {"SG"},
        }

    def test_parts(self):
        semis = universe("asia-semis")
        korea = semis.in_market("KR")
        assert {one.market for one in korea} == {"KR"}
        assert korea.name == "asia-semis/KR"
        assert set(korea.in_theme("memory").symbols) == {"000660.KS", "005930.KS"}
        with pytest.raises(InputError, match=r"expected a market of the universe 'asia-semis', got 'KO'"):
            semis.in_market("KO")
        with pytest.raises(InputError, match=r"got 'memry'; did you mean 'memory'\?"):
            semis.in_theme("memry")

    def test_a_list_of_symbols(self):
        chosen = universe(["KS:000660", "N225", "000660.SK"])
        assert chosen.symbols == ("000660.KS", "N225")
        assert universe(chosen) is chosen
        assert universe(iter(["8035.T"])).symbols == ("8035.T",)

    def test_every_unknown_symbol_of_a_list_is_told(self):
        with pytest.raises(InputError, match="'000660'") as caught:
            universe(["000660", "8035.T", "???"])
        assert len(caught.value.problems) == 2
        with pytest.raises(InputError, match="expected at least one symbol, got none"):
            universe([])

    def test_unknown_names(self):
        with pytest.raises(InputError, match=r"got 'asia-semi'; did you mean 'asia-semis'"):
            universe("asia-semi")

    def test_survivorship_is_said_in_one_sentence(self):
        assert universe("asia-semis").survivorship.startswith("'asia-semis' holds today's constituents: ")
        assert universe(["8035.T"]).survivorship.startswith("The symbols were chosen by hand: ")
        assert "survivorship bias" not in universe("asia-indices").survivorship
