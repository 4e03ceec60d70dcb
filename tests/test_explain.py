"""What a text stands for and why: every dialect, companies by name, whole tables; never at odds with `resolve`."""

import csv
import itertools
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from aftershock.data.errors import InputError
from aftershock.data.universes import (
    Candidate,
    check_symbols,
    explain,
    known_instruments,
    resolve,
    yahoo_symbol,
)
from aftershock.data.universes.names import fold, is_listed, name_of, without_legal
from aftershock.data.universes.symbols import BOARDS, MARKS, read_symbol


def resolved(text, among=None):
    """What `resolve` finds; "" where it refuses."""
    try:
        return resolve(text, among).symbol
    except InputError:
        return ""


def spellings():
    """Every shipped instrument in every dialect of its exchange, and codes that no table holds."""
    for symbol in [*known_instruments(), "1234.T", "9999.TW", "123450.KQ", "ZZZZ.NS", "999999.BO"]:
        code, _, suffix = symbol.rpartition(".")
        yield from (symbol, symbol.lower(), f" {symbol} ", yahoo_symbol(symbol), f"{symbol} Equity")
        for mark, suffixes in MARKS.items():
            if suffix in suffixes:
                yield from (f"{mark}:{code}", f"{code}.{mark}", f"{code} {mark}", f"{code}:{mark}")
                yield from (f"{code} {mark} Equity", f"{code.lstrip('0')}.{mark}".lower())


class TestAgreesWithResolve:
    def test_on_every_dialect_of_every_shipped_instrument(self):
        texts = list(dict.fromkeys(spellings()))
        assert len(texts) > 5000
        found = {text: (explain(text).symbol, resolved(text)) for text in texts}
        assert {text: pair for text, pair in found.items() if pair[1] and pair[0] != pair[1]} == {}
        assert sum(bool(symbol) for _, symbol in found.values()) > 0.9 * len(texts)

    def test_on_every_mark_with_every_form_of_code(self):
        codes = ("2330", "000660", "600519", "INFY", "D05", "BBCA", "285A")
        for mark, code in itertools.product((*MARKS, *BOARDS, "XX"), codes):
            for text in (f"{mark}:{code}", f"{code}.{mark}"):
                two = {f"{code}.TW", f"{code}.TWO"}
                at_hand = ({f"{code}.TWO"}, two, [f"{code}.BO"]) if read_symbol(text).symbols else ()
                for among in (None, *at_hand):
                    told = explain(text, among)
                    assert told.symbol == resolved(text, among), text
                    assert (told.instrument is None) == (told.problem is not None) == (told.symbol == "")

    def test_on_the_problem_where_an_exchange_leaves_it_open(self):
        for text in ("9999.TT", "123450.SK", "SK IN"):
            with pytest.raises(InputError) as caught:
                resolve(text)
            assert (explain(text).problem,) == caught.value.problems

    def test_and_gives_the_same_instrument(self):
        assert explain("KS:000660").instrument == resolve("000660.KS")
        assert explain("nikkei").instrument == resolve("N225")


class TestHow:
    @pytest.mark.parametrize(
        ("text", "symbol", "status", "how"),
        [
            ("000660.KS", "000660.KS", "ok", ".KS is Yahoo's suffix of the Korea Exchange (XKRX); the code 000660 "
             "is SK hynix in the shipped table"),
            ("700 hk", "0700.HK", "other dialect", "the mark HK means the Hong Kong Exchanges (XHKG, .HK); the code "
             "0700 is Tencent Holdings in the shipped table"),
            ("6138.TT", "6138.TWO", "other dialect", "the mark TT means the Taiwan Stock Exchange (XTAI, .TW) or the "
             "Taipei Exchange (ROCO, .TWO); the shipped table has 6138.TWO, Anpec Electronics"),
            ("1234.T", "1234.T", "ok", ".T is Yahoo's suffix of the Tokyo Stock Exchange (XTKS); the code 1234 is in "
             "no shipped table, but has the form of the exchange's codes"),
            ("4502.T", "4502.T", "ok", ".T is Yahoo's suffix of the Tokyo Stock Exchange (XTKS); the code 4502 is "
             "Takeda Pharmaceutical in the names that news uses"),
            ("N225", "N225", "ok", "'N225' is the symbol of the index Nikkei 225 in the shipped table"),
            ("^N225", "N225", "other dialect", "'^N225' is Yahoo's symbol of the index Nikkei 225 in the shipped "
             "table"),
            ("NKY Index", "N225", "other dialect", "'NKY Index' is an alias of the index Nikkei 225 in the shipped "
             "table"),
            ("SK Hynix", "000660.KS", "name", "'SK Hynix' is 000660.KS in the shipped table"),
            ("Foxconn", "2317.TW", "name", "'Foxconn' is 2317.TW in the names that news uses"),
            ("SK hynix Co., Ltd.", "000660.KS", "name", "'SK hynix Co., Ltd.' is 000660.KS, SK hynix in the shipped "
             "table, the firm's kind aside"),
            ("Unimicron", "3037.TW", "name", "'Unimicron' is 3037.TW in the names that news uses"),
            ("9999.TT", "", "ambiguous", "the mark TT means the Taiwan Stock Exchange (XTAI, .TW) or the Taipei "
             "Exchange (ROCO, .TWO); the shipped table has none of them"),
            ("ABC.T", "", "unknown", ".T is Yahoo's suffix of the Tokyo Stock Exchange (XTKS), whose codes do not "
             "look like ABC"),
            ("9988.XX", "", "unknown", "XX is no exchange's mark known here, and no shipped table has such a name"),
            ("000660", "", "unknown", "it names no exchange (000660.KS, KS:000660), and no shipped table has such a "
             "name"),
            ("NVIDIA", "", "unknown", "'NVIDIA' is Nvidia (NVDA) that news names and no venue here lists"),
            ("INFY", "", "unknown", "'INFY' is a symbol that news names and no venue here lists"),
            ("Samsung Securities", "", "unknown", "'Samsung Securities' is a name that news keeps apart from names "
             "like it, and no shipped table has its symbol"),
            ("SMIC", "", "ambiguous", "'SMIC' is the name of 2 instruments"),
            ("Tata", "", "ambiguous", "'Tata' begins the names of 7 instruments"),
        ],
    )  # fmt: skip
    def test_is_one_sentence(self, text, symbol, status, how):
        told = explain(text)
        assert (told.symbol, told.status, told.how) == (symbol, status, how)

    def test_what_is_at_hand_decides(self):
        told = explain("9999.TT", among=["9999.TWO"])
        assert told.how.endswith("; of its boards, only 9999.TWO is at hand")
        assert told.candidates[0] == Candidate("9999.TWO", "", "at hand")


class TestCandidates:
    def test_the_chosen_one_is_first(self):
        told = explain("2330.TT")
        assert [symbol for symbol, *_ in told.candidates] == ["2330.TW", "2330.TWO"]
        assert told.candidates[0].why == "in the shipped table"
        assert told.candidates[1].why == "in no shipped table; its code has the form of the exchange's"

    @pytest.mark.parametrize("text", ["Tata", "SMIC", "9999.TT", "China"])
    def test_of_an_ambiguous_text_are_all_listed_with_why(self, text):
        told = explain(text)
        assert len(told.candidates) == len({symbol for symbol, *_ in told.candidates}) > 1
        assert all(why for *_, why in told.candidates)
        assert told.problem.expected == "one instrument"
        assert f"'{told.candidates[-1].symbol}'" in told.problem.got or " more" in told.problem.got

    def test_a_company_brings_those_that_begin_like_it(self):
        told = explain("Hua Hong")
        assert told.symbol == "1347.HK"
        assert told.candidates[1] == Candidate(
            "688347.SS",
            "Hua Hong Semiconductor (Shanghai)",
            "'Hua Hong Semiconductor (Shanghai)' in the shipped table, which begins so",
        )

    @pytest.mark.parametrize(
        ("text", "meant"),
        [
            ("Advantst", "6857.T"),
            ("Takeda Pharmaceuticl", "4502.T"),
            ("000660", "000660.KS"),
            ("NIKEI", "N225"),
            ("9988.XX", "9988.HK"),
            ("INFY", "INFY.NS"),
        ],
    )
    def test_an_unknown_text_has_those_that_are_near(self, text, meant):
        told = explain(text)
        assert meant in [symbol for symbol, *_ in told.candidates]
        assert f"did you mean '{meant}'" in told.problem.cure

    def test_nothing_is_made_up(self):
        for text in ("", "???", "삼성전자", "QQQQQQQQ", "-", "S", "Samsung Securities"):
            assert (explain(text).symbol, explain(text).candidates) == ("", ())
            assert "did you mean" not in explain(text).problem.cure


class TestNames:
    @pytest.mark.parametrize(
        "text",
        [
            "SK HYNIX",
            "SK-hynix",
            "SKhynix",
            "ＳＫ　ｈｙｎｉｘ",
            "SK Hynix Inc",
            "SK hynix Co.,Ltd",
            " SK  Hynix ",
        ],
    )
    def test_spelling_does_not_matter(self, text):
        assert explain(text).symbol == "000660.KS"

    def test_accents_do_not_matter(self):
        assert explain("Hön Haï Précision Industry").symbol == "2317.TW"

    def test_words_of_the_kind_of_firm_do_not_matter_where_they_do_not_distinguish(self):
        assert explain("PT Bank Mandiri Tbk").symbol == "BMRI.JK"
        assert explain("Tencent Holdings Limited").symbol == "0700.HK"
        assert explain("Foxconn Technology Co").symbol == "2354.TW"
        assert explain("Foxconn Technology Group").symbol == "2317.TW"
        assert without_legal(("co",)) == ("co",)

    def test_what_stands_in_brackets_is_another_name(self):
        assert explain("Advanced Micro-Fabrication Equipment").symbol == "688012.SS"
        assert explain("Contemporary Amperex Technology").symbol == "300750.SZ"

    def test_every_name_of_the_shipped_table_finds_its_instrument(self):
        for instrument in known_instruments().values():
            told = explain(instrument.name)
            assert instrument.symbol in (told.symbol, *(symbol for symbol, *_ in told.candidates))
            if told.symbol:
                assert told.symbol == instrument.symbol

    def test_every_name_that_news_uses_finds_its_instrument(self, root: Path):
        rows = list(csv.DictReader((root / "data/news/gazetteer.csv").read_text("utf-8").splitlines()))
        wanted = [(row["alias"], row["symbol"]) for row in rows if row["alias"] and is_listed(row["symbol"])]
        assert len(wanted) > 1300
        for alias, symbol in wanted:
            told = explain(alias)
            listed = [told.symbol, *(candidate.symbol for candidate in told.candidates)]
            # `Thai SET` has the form of a code at the exchange SET.
            assert symbol in listed or alias.endswith(" SET"), alias

    def test_folding(self):
        assert fold("M&M Finance") == fold("m and m  FINANCE") == ("m", "and", "m", "finance")
        assert name_of("000660.KS") == "SK hynix"

    def test_the_tagger_stays_out(self):
        check = "import aftershock.data.universes as u, sys; u.explain('SK Hynix'); "
        check += "print('aftershock.data.news.tagger' in sys.modules, 'aftershock.data.news' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["False", "False"]


TABLE = """\
event_id,symbols
a,000660.KS 2330.TT
b,
c,"2330.TT; 9988.XX"
d,9999.TT
e,000660.KS
"""


class TestCheck:
    def test_each_spelling_has_a_row(self, tmp_path):
        (tmp_path / "events.csv").write_text(TABLE, encoding="utf-8")
        found = check_symbols(tmp_path / "events.csv")
        assert list(found) == [
            "text", "line", "rows", "symbol", "venue", "name", "status", "why", "did_you_mean",
        ]  # fmt: skip
        assert found[
            ["text", "line", "rows", "symbol", "venue", "status", "did_you_mean"]
        ].values.tolist() == [
            ["000660.KS", 2, 2, "000660.KS", "XKRX", "ok", ""],
            ["2330.TT", 2, 2, "2330.TW", "XTAI", "other dialect", ""],
            ["9988.XX", 4, 1, "", "", "unknown", "9988.HK"],
            ["9999.TT", 5, 1, "", "", "ambiguous", "9999.TW 9999.TWO"],
        ]
        assert found.loc[0, "name"] == "SK hynix"
        assert found["why"].tolist() == [explain(text).how for text in found["text"]]

    def test_a_status_that_passes_is_one_that_loads(self):
        texts = [
            "000660.KS",
            "KS:000660",
            "SK Hynix",
            "Nikkei 225",
            "9999.TT",
            "NVDA",
            "000660",
            "1234.T",
            "",
        ]
        found = check_symbols(pd.DataFrame({"symbol": texts}))
        passes = found["status"].isin(["ok", "other dialect"])
        assert [bool(resolved(text)) for text in texts] == passes.tolist()
        assert found["status"].tolist()[2:4] == ["name", "other dialect"]
        assert found["did_you_mean"].tolist()[2] == "000660.KS"
        assert found["did_you_mean"].tolist()[5] == ""

    def test_what_is_at_hand_decides(self):
        frame = pd.DataFrame({"symbol": ["9999.TT"]})
        assert check_symbols(frame, among={"9999.TWO"})["symbol"].tolist() == ["9999.TWO"]

    def test_a_text_has_one_on_each_line(self, tmp_path):
        (tmp_path / "list.txt").write_text("8035.T\n\n  SK Hynix \n8035.T\n", encoding="utf-8")
        found = check_symbols(str(tmp_path / "list.txt"))
        assert found[["text", "line", "rows", "symbol"]].values.tolist() == [
            ["8035.T", 1, 2, "8035.T"],
            ["SK Hynix", 3, 1, "000660.KS"],
        ]

    def test_a_single_column_is_taken_whole_and_a_plural_one_is_split(self):
        whole = check_symbols(pd.DataFrame({"Ticker": ["9988 HK", None]}))
        assert whole[["text", "status"]].values.tolist() == [["9988 HK", "other dialect"], ["", "unknown"]]
        split = check_symbols(pd.DataFrame({"tickers": ["8035.T,6857.T", None]}))
        assert split["text"].tolist() == ["8035.T", "6857.T"]

    def test_lists_in_cells(self, tmp_path):
        (tmp_path / "events.jsonl").write_text('{"symbols": ["8035.T", "9988.HK"]}\n{"symbols": []}\n')
        assert check_symbols(tmp_path / "events.jsonl")["text"].tolist() == ["8035.T", "9988.HK"]
        table = pd.DataFrame({"symbols": [["8035.T"], ["9988.HK", "8035.T"]]})
        table.to_parquet(tmp_path / "events.parquet")
        assert check_symbols(tmp_path / "events.parquet")["rows"].tolist() == [2, 1]

    @pytest.mark.parametrize(
        ("name", "content", "told"),
        [
            ("a.csv", b"name,date\nx,y\n", "a column 'symbol' or 'symbols', got the columns name, date"),
            ("a.csv", b"symbols\n\n", "at least one symbol, got none"),
            ("a.txt", b"\n \n", "at least one symbol, got none"),
            ("a.txt", b"\xff\xfe8035", "UTF-8 text, got other bytes"),
            ("a.xlsx", b"x", "a file that ends in .csv"),
        ],
    )  # fmt: skip
    def test_what_is_refused(self, tmp_path, name, content, told):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=told) as caught:
            check_symbols(tmp_path / name)
        assert str(caught.value).startswith(str(tmp_path / name))

    def test_a_file_that_is_not_there(self, tmp_path):
        (tmp_path / "list.txt").write_text("8035.T\n")
        with pytest.raises(InputError, match=r"did you mean 'list.txt'\?"):
            check_symbols(tmp_path / "lst.txt")
