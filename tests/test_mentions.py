"""Who a text names: tickers, companies, indices, each literal case and trap."""

import csv
import json
import re
import time
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.data.news.mentions import find_mentions, gazetteer, listing, plainly, yahoo_style
from aftershock.data.news.types import Sentence, Span
from aftershock.data.universes import known_instruments, resolve, universe, universe_names


def sentences(text: str) -> list[Sentence]:
    """Split a text by lines and full stops."""
    return [
        Sentence(Span(match.start(), match.end()), "body")
        for match in re.finditer(r"[^\n]+?(?:(?<=[a-z%)\d])\.(?=\s+[A-Z])|(?=\n)|$)", text)
    ]


def found(text: str) -> list[tuple[str, str]]:
    return [(one.text, one.symbol) for one in find_mentions(text, [Sentence(Span(0, len(text)), "body")])]


def symbols(text: str) -> list[str]:
    return [symbol for _, symbol in found(text)]


TICKERS = {
    "(KS:000660)": "000660.KS",
    "(000660.SK)": "000660.KS",
    "000660.KS": "000660.KS",
    "(005930 KS)": "005930.KS",
    "(KRX: 005930)": "005930.KS",
    "240810.SK": "240810.KQ",
    "2330.TT": "2330.TW",
    "6138.TT": "6138.TWO",
    "(TWSE: 2330)": "2330.TW",
    "2345.TT": "2345.TW",
    "7777.TT": "7777.TW",
    "6479.JP": "6479.T",
    "285A.T": "285A.T",
    "TYO:7203": "7203.T",
    "(TSE: 7203)": "7203.T",
    "6857 JP Equity": "6857.T",
    "9988.HK": "9988.HK",
    "700.HK": "0700.HK",
    "(700 HK)": "0700.HK",
    "HK:9988": "9988.HK",
    "(HKEX: 1)": "0001.HK",
    "600519.CH": "600519.SS",
    "SHA:600519": "600519.SS",
    "INFY.NS": "INFY.NS",
    "NSE:INFY": "INFY.NS",
    "500209.BO": "500209.BO",
    "BHP.AU": "BHP.AX",
    "ASX:BHP": "BHP.AX",
    "D05.SP": "D05.SI",
    "(NVDA)": "NVDA",
    "NASDAQ:NVDA": "NVDA",
    "(NYSE: TSM)": "TSM",
    "NVDA.O": "NVDA",
    "(TSM US)": "TSM",
    "$AAPL": "AAPL",
    "(ORCL, -3.1%)": "ORCL",
    "^N225": "N225",
    "^GSPC": "SPX",
    "^FTSE": "^FTSE",
    "<.KS11>": "KOSPI",
    ".SSEC": "SSEC",
    "000001.SS": "SSEC",
    "399106.SZ": "SZSC",
}

NAMES = {
    "SK hynix": "000660.KS",
    "SK HYNIX": "000660.KS",
    "Samsung Electronics": "005930.KS",
    "TSMC": "2330.TW",
    "Taiwan Semiconductor": "2330.TW",
    "Hon Hai": "2317.TW",
    "Foxconn": "2317.TW",
    "Foxconn Industrial Internet": "601138.SS",
    "Tencent": "0700.HK",
    "Ain Holdings": "9627.T",
    "CALBEE": "2229.T",
    "Hang Seng Bank": "0011.HK",
    "Hang Seng": "HSI",
    "Hang Seng TECH": "HSTECH",
    "S&P/ASX 200": "ASX200",
    "S&P 500": "SPX",
    "S & P 500": "SPX",
    "Nikkei": "N225",
    "Nikkei-225": "N225",
    "Shanghai Shenzhen CSI 300": "CSI300",
    "CSI300": "CSI300",
    "Straits Times Index": "STI",
    "Kospi": "KOSPI",
    "JD.com": "9618.HK",
    "JD . com": "9618.HK",
    "Nvidia": "NVDA",
    "Alphabet": "GOOGL",
    "Arm": "ARM",
    "SMIC": "0981.HK",
    "Shanghai-listed SMIC": "688981.SS",
    "AT&T": "T",
}

NO_MENTION = (
    "MSCI Asia Pac ex Japan rose",
    "S&P Global said",
    "according to Reuters and Bloomberg",
    "vs FactSet consensus",
    "NY Times sources noted",
    "The Bank of New York Mellon and our suppliers",
    "drew strong investor interest (Nikkei)",
    "plans a plant (Reuters, Nikkei)",
    "the Nikkei reported",
    "Nikkei Asia said",
    "Chipmaker halts orders : Nikkei",
    "People's Bank of China",
    "the Amazon rainforest burns",
    "Apple Daily closes",
    "an apple a day, a disco, an oracle",
    "U.S. Intel Chief resigns",
    "Reliance on imports",
    "Samsung Group heir",
    "its Investment Arm",
    "a Nasdaq-listed company",
    "21.3M shares at NT$229.8/share",
    "NT$229.8/share, US$3.2B and HK$5.T",
    "Gross domestic product (GDP), the FOMC (FOMC) and chips (AI)",
    "ships 2025 JP units in 100 HK stores",
    "U.S. and U.K. and U.N. and e.g. A.T.",
    "at 10:30 and PM:30 in H1:25",
    "$ABCD and $5 and (XYZQ)",
    "ASX: 8864.90",
    "SET: 1,290",
)


class TestTickers:
    @pytest.mark.parametrize(("written", "symbol"), TICKERS.items())
    def test_every_dialect(self, written, symbol):
        assert symbols(f"Shares in it {written} moved") == [symbol]

    def test_a_mention_holds_the_ticker_alone_where_no_name_stands_beside_it(self):
        assert found("Buy 2330.TT, sell (000660.SK).") == [("2330.TT", "2330.TW"), ("000660.SK", "000660.KS")]

    @pytest.mark.parametrize(
        ("text", "whole"),
        [
            ("led by SK Hynix Inc (KS:000660), which", "SK Hynix Inc (KS:000660)"),
            ("TSMC's (2330.TT) better", "TSMC's (2330.TT)"),
            ("+8.1% 9888.HK (Baidu): chips", "9888.HK (Baidu)"),
        ],
    )
    def test_a_name_and_its_ticker_are_one_mention(self, text, whole):
        assert [text_ for text_, _ in found(text)] == [whole]

    def test_the_text_decides_which_listing_a_name_means(self):
        assert symbols("CITIC Securities fell") == ["6030.HK"]
        assert symbols("CITIC Securities (600030.SS) fell; CITIC Securities said") == ["600030.SS"] * 2
        assert symbols("TSMC (NYSE: TSM) rose as TSMC said") == ["TSM"] * 2

    def test_a_name_that_is_tied_to_a_ticker_is_known_in_the_rest_of_the_text(self):
        text = "Zhejiang Quux Materials (1234.HK) rose. Analysts like Zhejiang Quux Materials."
        assert symbols(text) == ["1234.HK", "1234.HK"]
        assert symbols("-3% 4321.JP (Quux Foods): cuts. Quux Foods said so.") == ["4321.T", "4321.T"]
        assert symbols("Zhejiang Quux Materials rose.") == []

    def test_a_ticker_of_one_letter_needs_a_name_before_it(self):
        assert symbols("Ford (F) cut; option (F) is") == ["F"]

    def test_a_table_of_indices_holds_no_tickers(self):
        assert found("KOSDAQ: 850.12\nKOSPI: 3395.54") == [("KOSDAQ", "KOSDAQ"), ("KOSPI", "KOSPI")]

    def test_codes_of_two_boards(self):
        assert listing("5347", "TT") == ("5347.TWO", "stock")
        assert listing("8888", "TT") == ("8888.TW", "stock")
        assert listing("1306", "JP") == ("1306.T", "fund")
        assert listing("RISE", "IN") is None
        assert listing("INFY", "IN") == ("INFY.NS", "stock")
        assert listing("FED", "US") is None


class TestNames:
    @pytest.mark.parametrize(("name", "symbol"), NAMES.items())
    def test_names(self, name, symbol):
        assert found(f"On Friday {name} rose") == [(name, symbol)]

    @pytest.mark.parametrize("text", NO_MENTION)
    def test_what_names_nobody(self, text):
        assert found(text) == []

    def test_the_longest_name_wins(self):
        assert symbols("Evergrande Property Services and China Evergrande") == ["6666.HK", "3333.HK"]
        assert symbols("Alibaba Health and Alibaba") == ["0241.HK", "9988.HK"]
        assert symbols("Bank of China and Agricultural Bank of China") == ["3988.HK", "1288.HK"]

    def test_words_end_where_names_end(self):
        assert symbols("Baidus Kiawah Intelsat Applebee") == []
        assert symbols("Alibaba-backed, Samsung-led (Baidu).") == ["9988.HK", "005930.KS", "9888.HK"]

    def test_acronyms_keep_their_case(self):
        assert symbols("Ntt nec Sti Umc") == []
        assert symbols("NTT NEC STI UMC") == ["9432.T", "6701.T", "STI", "2303.TW"]

    def test_possessives_and_odd_spaces(self):
        text = "Japan’s Nikkei 225 and Alibaba’s cloud; SK Hynix’s HBM4"
        assert found(text) == [
            ("Nikkei 225", "N225"),
            ("Alibaba", "9988.HK"),
            ("SK Hynix", "000660.KS"),
        ]

    def test_spans_are_code_points_of_the_text(self):
        text = "¥132.97B 😀 vs “Ain Holdings” (9627.JP)\nTSMC’s (2330.TT)"
        mentions = find_mentions(text, sentences(text))
        assert [text[one.span.start : one.span.end] for one in mentions] == [one.text for one in mentions]
        assert [one.symbol for one in mentions] == ["9627.T", "9627.T", "2330.TW"]

    def test_only_sentences_are_read(self):
        text = "Nvidia rose. Apple Inc is a trademark."
        assert [one.symbol for one in find_mentions(text, [Sentence(Span(0, 12), "body")])] == ["NVDA"]
        assert find_mentions(text, []) == []


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    """The rows of the shipped names."""
    text = files("aftershock.data.news").joinpath("gazetteer.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


class TestGazetteer:
    def test_every_row_is_sound(self, rows):
        assert len(rows) == len({tuple(row.values()) for row in rows}) > 1500
        for row in rows:
            assert (row["kind"] == "none") == (row["symbol"] == "")
            assert row["symbol"] or row["alias"]
            if row["symbol"] in gazetteer().american or row["symbol"].startswith("^"):
                continue
            if row["symbol"].endswith((".DE", ".AS")) or not row["symbol"]:
                continue
            assert resolve(row["symbol"]).symbol == row["symbol"]
            known = known_instruments().get(row["symbol"])
            assert known is None or known.kind == row["kind"]

    def test_no_alias_means_two_instruments(self, rows):
        taken: dict[str, str] = {}
        for row in rows:
            if row["alias"]:
                assert taken.setdefault(row["alias"], row["symbol"]) == row["symbol"]

    def test_every_member_of_every_universe_has_a_name(self, rows):
        named = {row["symbol"] for row in rows if row["alias"]}
        members = {one.symbol for name in universe_names() for one in universe(name)}
        assert members - named == set()
        assert {symbol for symbol, one in known_instruments().items() if one.kind != "index"} - named == set()

    def test_every_name_finds_itself(self, rows):
        lost = []
        for row in rows:
            mentions = found(row["alias"]) if row["alias"] else []
            whole = (row["alias"], row["symbol"])
            if row["symbol"] and row["alias"] and mentions != [whole] and row["alias"][-1].isalnum():
                lost.append((whole, mentions))
        assert lost == []

    def test_yahoo_style(self):
        assert [
            yahoo_style(one) for one in ("N225", "HSTECH", "SZSC", "NVDA", "^FTSE", "ES=F", "0700.HK")
        ] == [
            "^N225",
            "HSTECH.HK",
            "399106.SZ",
            "NVDA",
            "^FTSE",
            "ES=F",
            "0700.HK",
        ]


class TestBounds:
    @settings(max_examples=200, deadline=None)
    @given(st.text(alphabet=st.sampled_from("AK0966.:()$^ ’'&-/,NvidaHgSe\u00a0\n\x00😀"), max_size=80))
    def test_any_text_gives_ordered_spans_of_its_own(self, text):
        mentions = find_mentions(text, [Sentence(Span(0, len(text)), "body")])
        assert [text[one.span.start : one.span.end] for one in mentions] == [one.text for one in mentions]
        ends = [0, *(one.span.end for one in mentions)]
        assert all(one.span.start >= end for one, end in zip(mentions, ends, strict=False))
        assert len(plainly(text)) == len(text)

    @pytest.mark.parametrize(
        "piece",
        ["a", "1", "1,", "A ", "the ", "$A", "(A", "KS:", "U.S.", "Foo Bar (", "Bank of China ", "\x00"],
    )
    def test_hostile_lines_take_bounded_time(self, piece):
        text = (piece * 300_000)[:300_000]
        started = time.process_time()
        find_mentions(text, [Sentence(Span(0, len(text)), "body")])
        assert time.process_time() - started < 5


SEED_002_TICKERS = {
    "9988.HK", "9888.HK", "3333.HK", "6666.HK", "000660.KS", "005380.KS", "373220.KS", "2327.TW", "6138.TWO",
    "6479.T", "6957.T", "2330.TW", "ORCL", "9984.T", "NVDA", "9627.T", "6030.HK", "2229.T",
}  # fmt: skip
SEED_002_IN_PARENTHESES = [
    "9988.HK", "9888.HK", "3333.HK", "6666.HK", "000660.SK", "005380.KS", "373220.KS", "2327.TT", "6138.TT",
    "6479.JP", "6957.JP", "9988.HK", "2330.TT", "000660.KS", "ORCL", "9984.JP", "9988.HK", "9888.HK", "NVDA",
    "9627.JP", "6138.TT", "9888.HK", "000660.KS", "9988.HK", "6030.HK", "2229.JP", "6957.JP",
]  # fmt: skip


@pytest.mark.shared
class TestSeeds:
    def test_seed_000_against_its_annotation(self, shared):
        gold = json.loads((shared / "labels/gold_wrap_000.json").read_text(encoding="utf-8"))["documents"][0]
        text = (shared / "seeds/000_211e76bec58d9872.txt").read_text(encoding="utf-8")
        body = text[: text.index("Latest comments")]
        mentions = find_mentions(text, sentences(body))
        exact = {(one.span, yahoo_style(one.symbol)) for one in mentions}
        for ticker in gold["ticker_mentions"]:
            assert (Span(*ticker["span"]), ticker["yahoo"]) in exact
        for statement in gold["index_statements"]:
            if statement["pct"] is None or isinstance(statement["yahoo"], list):
                continue
            start, end = statement["span"]
            inside = {one.symbol for one in mentions if start <= one.span.start < end}
            assert resolve(statement["yahoo"]).symbol in inside
        assert {one.symbol for one in mentions if one.kind == "stock"} == {"000660.KS"}

    def test_no_link_of_the_annotation_is_made(self, shared):
        gold = json.loads((shared / "labels/gold_wrap_000.json").read_text(encoding="utf-8"))["documents"][0]
        text = (shared / "seeds/000_211e76bec58d9872.txt").read_text(encoding="utf-8")
        mentions = find_mentions(text, sentences(text))
        for no in gold["do_not_link"]:
            inside = [one for one in mentions if no["span"][0] <= one.span.start < no["span"][1]]
            assert {one.kind for one in inside} <= {"index"}

    def test_seed_002_as_read_by_eye(self, shared):
        text = (shared / "seeds/002_182d62441b110ae4.txt").read_text(encoding="utf-8")
        mentions = find_mentions(text, sentences(text))
        assert {one.symbol for one in mentions if one.kind == "stock"} == SEED_002_TICKERS
        at = 0
        for ticker in SEED_002_IN_PARENTHESES:
            at = text.index(ticker, at)
            [one] = [one for one in mentions if one.span.start <= at < one.span.end]
            assert one.symbol == (listing(*ticker.split("."))[0] if "." in ticker else ticker)
            at += len(ticker)
        assert [one.symbol for one in mentions if one.kind == "index"] == [
            *("HSI", "TAIEX", "KOSPI", "HSI"),
            *("N225", "HSI", "SSEC", "SZSC", "ASX200", "KOSPI", "SENSEX"),
        ]
