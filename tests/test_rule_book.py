"""The rule books: the schema holds, entries take turns, each says where it was read."""

import re
from datetime import date

import pandas as pd
import pytest

from aftershock.data.errors import InputError
from aftershock.data.venues import VENUES
from aftershock.data.venues.book import BY_STOCK, RULES, RuleBook, read_book, rule_book, rules_digest
from aftershock.data.venues.rules_table import rules_diff, rules_on, venues_table

MADE = """\
mic = "XTKS"

[[boards]]
name = "growth"
prefixes = ["30", "688"]

[[lot]]
valid_from = 2018-10-01
shares = 100
source = "https://example.org/lots"
confidence = "sourced"

[[price_limit]]
valid_from = 2015-01-01
valid_to = 2020-12-31
kind = "percent"
percent = 0.1
confidence = "unverified"

[[price_limit]]
valid_from = 2021-01-01
kind = "amount"
bands = [[0.0, 30.0], [100.0, 50.0]]
confidence = "unverified"

[[price_limit]]
board = "growth"
valid_from = 2020-08-24
kind = "percent"
percent = 0.2
first_days = 5
confidence = "unverified"

[[charge]]
name = "tax"
side = "sell"
rate = 0.003
minimum = 20.0
class = "tax"
kind = "stock"
valid_from = 2015-01-01
confidence = "unverified"

[[charge]]
name = "fee"
side = "both"
rate = 0.0001
class = "exchange"
valid_from = 2015-01-01
confidence = "unverified"
"""


@pytest.fixture
def made(tmp_path):
    """Read a book of the made text with one piece replaced."""

    def read(old="", new=""):
        assert old in MADE
        path = tmp_path / "XTKS.toml"
        path.write_text(MADE.replace(old, new, 1) if old else MADE, encoding="utf-8")
        return read_book(path)

    return read


class TestReading:
    def test_entries_hold_while_they_hold(self, made):
        book = made()
        assert book.one("price_limit", date(2014, 12, 31)) is None
        assert book.one("price_limit", date(2020, 12, 31)).percent == 0.1
        assert book.one("price_limit", date(2021, 1, 1)).kind == "amount"
        assert book.one("lot", date(2018, 9, 30)) is None
        assert book.one("lot", date(2030, 1, 1)).shares == 100

    def test_a_board_has_the_rule_of_all_until_it_has_its_own(self, made):
        book = made()
        assert book.board_of("688001.SS") == "growth"
        assert book.board_of("600519.SS") == ""
        assert book.one("price_limit", date(2020, 8, 23), "growth").percent == 0.1
        assert book.one("price_limit", date(2020, 8, 24), "growth").percent == 0.2
        assert book.one("price_limit", date(2021, 6, 1), "growth").percent == 0.2
        assert book.one("lot", date(2021, 6, 1), "growth").shares == 100

    def test_charges_by_kind(self, made):
        book = made()
        day = date(2020, 1, 2)
        assert [charge.name for charge in book.charges(day)] == ["tax", "fee"]
        assert [charge.name for charge in book.charges(day, kind="fund")] == ["fee"]

    def test_words(self, made):
        words = {
            (name, entry.board, entry.valid_from.year): entry.words() for name, entry in made().entries()
        }
        assert words["lot", "", 2018] == "100 shares"
        assert words["price_limit", "", 2015] == "10 % of the close before"
        assert words["price_limit", "", 2021] == "30 from 0, 50 from 100"
        assert (
            words["price_limit", "growth", 2020] == "20 % of the close before, none in the first 5 sessions"
        )
        assert made().charge[0].words() == "0.3 % of sales (at least 20)"

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            (
                "shares = 100",
                "share = 100",
                r"in entry 1 of \[\[lot\]\] a key of Lot, got 'share'; did you mean 'shares'",
            ),
            ("shares = 100", "shares = -1", r"in entry 1 of \[\[lot\]\] a value of shares that fits, got -1"),
            ("rate = 0.003", "rate = 3", r"in entry 1 of \[\[charge\]\] a value of rate that fits, got 3"),
            (
                'side = "sell"',
                'side = "sells"',
                r"side to be one of buy, sell, both, got 'sells'; did you mean 'sell'",
            ),
            ('mic = "XTKS"', 'mic = "XTKS"\nlots = 1', r"a key of RuleBook, got 'lots'; did you mean 'lot'"),
            ('source = "https://example.org/lots"\n', "", r"a source where confidence is 'sourced'"),
            ("valid_to = 2020-12-31", "valid_to = 2014-12-31", r"a valid_to that is not before valid_from"),
            (
                "valid_to = 2020-12-31",
                "valid_to = 2021-01-01",
                r"entries of \[\[price_limit\]\] that take turns",
            ),
            (
                'board = "growth"',
                'board = "grow"',
                r"a board of \[\[boards\]\] in \[\[price_limit\]\], not 'grow'",
            ),
            ("[[lot]]", "[lot", r"XTKS.toml: expected valid TOML"),
        ],
    )
    def test_what_breaks_the_schema_is_named(self, made, old, new, message):
        with pytest.raises(InputError, match=message):
            made(old, new)

    def test_a_missing_file_and_an_unknown_venue(self, tmp_path):
        with pytest.raises(InputError, match=r"X.toml: expected a rule book, got No such file"):
            read_book(tmp_path / "X.toml")
        with pytest.raises(InputError, match=r"the MIC of a known venue, got 'XTKX'; did you mean 'XTKS'"):
            rule_book("XTKX")


@pytest.mark.parametrize("mic", VENUES)
class TestShipped:
    def test_it_holds_the_schema_and_says_of_whom(self, mic):
        book = rule_book(mic)
        assert isinstance(book, RuleBook)
        assert book.mic == mic

    def test_what_is_sourced_names_a_page(self, mic):
        for name, entry in rule_book(mic).entries():
            if entry.confidence == "sourced":
                assert re.search(r"https?://|\w+\.\w{2,}", entry.source), (name, entry.valid_from)

    def test_it_has_the_rules_that_every_venue_has(self, mic):
        book, today = rule_book(mic), date(2025, 9, 12)
        for name in ("lot", "settlement", "price_limit"):
            assert book.one(name, today) is not None, name
        assert book.one("price_limit", today).kind in ("percent", "amount", "none")

    def test_bands_rise(self, mic):
        for _, entry in rule_book(mic).entries():
            prices = [price for price, _ in getattr(entry, "bands", ())]
            assert prices == sorted(set(prices))
            assert all(value > 0 for _, value in getattr(entry, "bands", ()))


class TestTables:
    def test_every_venue_is_listed_with_its_sources(self):
        table = venues_table()
        assert table["mic"].tolist() == list(VENUES)
        assert (table["sourced"] <= table["rules"]).all()

    def test_what_holds_on_a_date(self):
        table = rules_on("Hong Kong", "2022-06-01")
        duty = table[table["rule"].str.contains("stamp duty", case=False)]
        assert duty["value"].str.startswith("0.13 %").all()
        assert str(duty["valid_from"].iloc[0].date()) == "2021-08-01"

    def test_what_changed(self):
        table = rules_diff("XHKG", "2021-07-30", "2021-08-02")
        changed = table[table["rule"].str.contains("stamp duty", case=False)]
        assert changed[["before", "after"]].iloc[0].str.startswith(("0.1 %", "0.13 %")).all()
        assert rules_diff("XHKG", "2021-09-01", "2021-09-02").empty

    def test_bad_input(self):
        with pytest.raises(InputError, match="a date, got 'soon'"):
            rules_on("XTKS", "soon")
        with pytest.raises(InputError, match="XTKX"):
            rules_on("XTKX")

    def test_the_digest_is_of_every_book(self, monkeypatch, tmp_path):
        monkeypatch.setattr("aftershock.data.venues.book.FOLDER", tmp_path)
        for name in BY_STOCK:
            (tmp_path / name).write_text("symbol\n")
        digests = [rules_digest()]
        for name, text in (("XHKG", MADE), ("XTKS", MADE), ("XTKS", MADE + "\n"), ("XHKG", MADE + "\n")):
            (tmp_path / f"{name}.toml").write_text(text)
            digests.append(rules_digest())
        (tmp_path / BY_STOCK[0]).write_text("symbol\n9988.HK\n")
        digests.append(rules_digest())
        assert len(set(digests)) == 6

    def test_rules_have_names_without_doubles(self):
        assert set(RULES) <= set(RuleBook.model_fields)
        for mic in VENUES:
            table = rules_on(mic, "2025-09-12")
            assert not table.duplicated(["rule", "board", "value"]).any(), mic
            assert pd.notna(table["valid_from"]).all()
