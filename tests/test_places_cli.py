"""`aftershock symbols` and `aftershock sessions`: what is printed for people and for programs, how bad input ends."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aftershock import cli, cli_places
from aftershock.data.calendars import sessions_table
from aftershock.data.universes import check_symbols, explain

call = runpy.run_path(str(Path(__file__).parent / "factories" / "inputs.py"))["call"]

EVENTS = "event_id,symbols\na,000660.KS 2330.TT\nb,9988.XX\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder with a table in it."""
    (tmp_path / "events.csv").write_text(EVENTS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    return tmp_path


class TestHelp:
    @pytest.mark.parametrize(
        "words", [["symbols"], ["symbols", "explain"], ["symbols", "check"], ["sessions"]]
    )
    @pytest.mark.parametrize("flag", ["--help", "-h"])
    def test_every_verb_has_an_example(self, words, flag):
        done = CliRunner().invoke(cli.app, [*words, flag])
        assert done.exit_code == 0
        assert f"Example:  aftershock {' '.join(words)} " in done.stdout

    def test_they_are_listed(self, capsys):
        listed = re.findall(r"^│ (\w+) ", call(capsys, "--help").out, re.MULTILINE)
        assert {"symbols", "sessions"} <= set(listed)

    def test_no_words_is_help(self, capsys):
        done = call(capsys, "symbols")
        assert done.code == 2
        assert "Usage: " in done.out + done.err

    def test_examples_are_commands(self, place, capsys):
        for verb in (cli_places._symbols, cli_places.explain, cli_places.sessions):
            for words in re.findall(r"Example:  aftershock ([^\n]+)", verb.__doc__):
                if "check" not in words:
                    assert (
                        call(capsys, *[word.strip('"') for word in re.findall(r'"[^"]+"|\S+', words)]).code
                        == 0
                    )

    def test_in_another_process(self):
        words = [sys.executable, "-m", "aftershock", "symbols", "2330.TT", "--json"]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)[0]["symbol"] == "2330.TW"


class TestSymbols:
    def test_each_word_is_explained(self, place, capsys):
        done = call(capsys, "symbols", "2330.TT", "KS:000660", "SK Hynix")
        assert (done.code, done.err) == (0, "")
        for text in ("2330.TT", "KS:000660", "SK Hynix"):
            told = explain(text)
            line = next(line for line in done.out.splitlines() if line.startswith(f"│ {text} "))
            assert f" {told.symbol} " in line
            assert told.how in line
        assert "│ 2330.TT │ 2330.TWO │" in done.out

    def test_for_programs(self, place, capsys):
        done = call(capsys, "symbols", "--json", "SMIC", "700 HK")
        smic, tencent = json.loads(done.out)
        assert done.code == 2
        assert list(smic) == [
            "text", "symbol", "name", "venue", "kind", "currency", "market", "themes", "status", "how", "candidates",
        ]  # fmt: skip
        assert (smic["symbol"], smic["venue"], smic["status"]) == ("", None, "ambiguous")
        assert [one["symbol"] for one in smic["candidates"]] == ["688981.SS", "0981.HK"]
        assert all(one["why"] for one in smic["candidates"])
        assert (tencent["symbol"], tencent["name"], tencent["venue"]) == (
            "0700.HK",
            "Tencent Holdings",
            "XHKG",
        )
        assert tencent["candidates"][0]["symbol"] == "0700.HK"
        assert tencent["how"] == explain("700 HK").how

    @pytest.mark.parametrize(
        ("word", "told"),
        [
            ("Advantst", "aftershock: expected a symbol of a known venue, got 'Advantst'; did you mean '6857.T'?"),
            ("9999.TT", "aftershock: expected one instrument, got '9999.TT', which may be '9999.TW' or '9999.TWO'; "
             "write which of the two"),
            ("NVDA", "aftershock: expected a symbol of a known venue, got 'NVDA'; write an instrument of one of the "
             "venues here"),
        ],
    )  # fmt: skip
    def test_a_word_without_an_instrument_ends_with_2(self, place, capsys, word, told):
        done = call(capsys, "symbols", "8035.T", word)
        assert done.code == 2
        assert done.err.strip() == told
        assert "Tokyo Electron" in done.out

    def test_check_is_a_verb_and_can_be_explained_as_a_word(self, place, capsys):
        assert "'check'" not in call(capsys, "symbols", "check", "events.csv").err
        done = call(capsys, "symbols", "explain", "check")
        assert "got 'check'" in done.err
        done = call(capsys, "symbols", "8035.T", "check")
        assert (done.code, "got 'check'" in done.err) == (2, True)

    def test_hostile_words_are_shown_as_they_are(self, place, capsys):
        done = call(capsys, "symbols", "\x1b[31m[bold]x[/nothing]")
        assert done.code == 2
        assert "\x1b" not in done.out + done.err
        assert "[bold]x[/nothing]" in done.out


class TestCheck:
    def test_shows_what_is_wrong_first(self, place, capsys):
        done = call(capsys, "symbols", "check", "events.csv")
        assert done.code == 2
        assert "3 spellings, 1 of them without an instrument" in done.out
        rows = [line.split()[1] for line in done.out.splitlines() if line.startswith("│")]
        assert rows == ["9988.XX", "000660.KS", "2330.TT"]
        assert done.err.startswith(
            "aftershock: events.csv, line 3: expected symbols that resolve, got 1 that do not"
        )
        assert done.err.count("\n") == 1

    def test_ends_with_0_where_all_resolve(self, place, capsys):
        (place / "good.txt").write_text("000660.KS\n2330.TT\n")
        done = call(capsys, "symbols", "check", "good.txt")
        assert (done.code, done.err) == (0, "")

    def test_for_programs(self, place, capsys):
        done = call(capsys, "symbols", "check", "events.csv", "--json")
        assert done.code == 2
        assert json.loads(done.out) == check_symbols("events.csv").to_dict("records")

    def test_a_file_that_is_not_there(self, place, capsys):
        done = call(capsys, "symbols", "check", "event.csv")
        assert (done.code, done.out) == (2, "")
        assert "did you mean 'events.csv'?" in done.err


class TestSessions:
    def test_days_alike_share_a_line(self, place, capsys):
        done = call(capsys, "sessions", "HKEX", "--from", "2023-07-01", "--to", "2023-09-30")
        assert (done.code, done.err) == (0, "")
        assert "Hong Kong Exchanges (XHKG), local time of Asia/Hong_Kong" in done.out
        rows = [
            [cell.strip() for cell in line.split("│")[1:-1]] for line in done.out.splitlines() if "│" in line
        ]
        assert [row[:6] for row in rows] == [
            ["2023-07-03 to 2023-07-14", "10", "09:30-12:00 13:00-16:00", "09:20 16:00", "regular", ""],
            ["2023-07-17", "1", "", "", "closed", "closed"],
            ["2023-07-18 to 2023-08-31", "33", "09:30-12:00 13:00-16:00", "09:20 16:00", "regular", ""],
            ["2023-09-01", "1", "", "", "closed", "closed: typhoon Saola"],
            ["2023-09-04 to 2023-09-07", "4", "09:30-12:00 13:00-16:00", "09:20 16:00", "regular", ""],
            ["2023-09-08", "1", "", "", "closed", "closed: black rainstorm and extreme conditions"],
            ["2023-09-11 to 2023-09-29", "15", "09:30-12:00 13:00-16:00", "09:20 16:00", "regular", ""],
        ]
        assert rows[3][6].endswith("2309012news?sc_lang=en (sourced)")

    def test_hours_without_a_break(self, place, capsys):
        done = call(capsys, "sessions", "KRX", "--from", "2025-06-02", "--to", "2025-06-02")
        assert "│ 09:00-15:30 │" in done.out

    def test_for_programs(self, place, capsys):
        done = call(capsys, "sessions", "XHKG", "--from", "2023-08-31", "--to", "2023-09-01", "--json")
        traded, closed = json.loads(done.out)
        assert list(traded) == list(sessions_table("XHKG", "2023-08-31", "2023-09-01"))
        assert (traded["session"], traded["opens_at"]) == ("2023-08-31", "2023-08-31T01:30:00Z")
        assert (closed["session"], closed["opens_at"], closed["opens"]) == ("2023-09-01", None, "")

    def test_no_days(self, place, capsys):
        words = ["sessions", "XTKS", "--from", "2025-06-07", "--to", "2025-06-08"]
        assert call(capsys, *words).code == 0
        assert json.loads(call(capsys, *words, "--json").out) == []

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["Tokio"], "did you mean 'Tokyo'?"),
            (["India"], "expected one venue, got 'India'"),
            (["XHKG", "--from", "2023-09-30", "--to", "2023-07-01"], "a start that is not after the end"),
            (["XHKG", "--from", "1990-01-01"], "it runs 2000-01-01 to "),
            (["XHKG", "--to", "tomorrow"], "expected a date as end, got 'tomorrow'"),
        ],
    )
    def test_what_is_refused(self, place, capsys, words, told):
        done = call(capsys, "sessions", *words)
        assert (done.code, done.out) == (2, "")
        assert told in done.err
        assert done.err.count("\n") == 1
