"""`aftershock prices`: what its verbs print for people and for programs, and how each of them can end."""

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import aftershock as af
from aftershock import cli, cli_prices, showing

FACTORIES = Path(__file__).parent / "factories"
inputs = runpy.run_path(str(FACTORIES / "inputs.py"))
call, make_prices, HOSTILE = (inputs[name] for name in ("call", "make_prices", "HOSTILE"))
yahoo_server = runpy.run_path(str(FACTORIES / "yahoo_server.py"))
server, serving, UNKNOWN, NOW, at = (
    yahoo_server[name] for name in ("server", "serving", "UNKNOWN", "NOW", "at")
)

VERBS = ("fetch", "import", "check", "list", "show")
SYMBOLS = ("--universe", "8035.T", "--universe", "000660.KS")

STOPPED = """\
import os, runpy, signal, sys, threading, time
from aftershock.cli import main

server = runpy.run_path({factory!r})
with server["serving"]() as served:
    server["lead_to"](served.address)
    time.time_ns = server["at"](server["NOW"])
    served.faults["8035.T"] = ["hang"]
    folder = os.path.join("prices", "yahoo", "1d")

    def stop():
        while not (os.path.isdir(folder) and "000660.KS.parquet" in os.listdir(folder)):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=stop, daemon=True).start()
    sys.argv = ["aftershock", *"prices fetch --universe 8035.T --universe 000660.KS".split()]
    main()
"""
"""A fetch in a process of its own: one instrument answers, the other never does, then somebody presses Ctrl-C."""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder with a table of prices in it, and a terminal that is wide."""
    make_prices().to_csv(tmp_path / "long.csv", index=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def store(place, capsys):
    """A store with the prices of the table in it."""
    assert call(capsys, "prices", "import", "long.csv", "--source", "desk").code == 0
    return place / "prices"


@pytest.fixture
def yahoo(place, server, monkeypatch):
    """A server that answers as Yahoo does, and a clock that stands still."""
    monkeypatch.setattr("time.time_ns", at(NOW))
    return server


def cells(text):
    """The cells of the tables of an output, row by row."""
    lines = [line for line in text.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines]


class TestHelp:
    @pytest.mark.parametrize("verb", VERBS)
    def test_every_verb_has_an_example(self, verb):
        done = CliRunner().invoke(cli.app, ["prices", verb, "--help"])
        assert done.exit_code == 0
        assert f"Example:  aftershock prices {verb} " in done.stdout

    def test_the_verbs_are_listed_once_with_their_exit_codes(self, capsys):
        done = call(capsys, "prices", "--help")
        assert re.findall(r"^│ (\w+) ", done.out, re.MULTILINE) == list(VERBS)
        assert "Exit codes: 0 done, 1 errors found" in done.out
        assert len(re.findall(r"^│ prices ", call(capsys, "--help").out, re.MULTILINE)) == 1


class TestFetch:
    def test_says_what_came_and_goes_on(self, yahoo, capsys):
        first = call(capsys, "prices", "fetch", *SYMBOLS, "--start", "2025-01-01")
        assert (first.code, first.err) == (0, "")
        snapshot = af.fetch_prices(["8035.T", "000660.KS"], "2025-01-01").snapshot
        assert first.out == f"2 new\nstore: prices  snapshot: {snapshot}\n"
        asked = len(yahoo.asked)
        again = call(capsys, "prices", "fetch", *SYMBOLS, "--start", "2025-01-01")
        assert again.out.splitlines()[0] == "2 unchanged"
        assert len(yahoo.asked) == asked + 2

    def test_for_programs(self, yahoo, capsys):
        done = call(capsys, "prices", "fetch", *SYMBOLS, "--start", "2025-09-08", "--json")
        told = json.loads(done.out)
        assert done.code == 0
        assert list(told) == ["store", "snapshot", "outcomes", "changes"]
        assert [one["symbol"] for one in told["outcomes"]] == ["000660.KS", "8035.T"]
        assert told["outcomes"][1] == {
            "symbol": "8035.T", "outcome": "new", "rows": 5, "added": 5, "first": "2025-09-08", "last": "2025-09-12",
            "reason": "",
        }  # fmt: skip

    def test_a_rewritten_past_is_told(self, yahoo, capsys):
        words = ["prices", "fetch", "--universe", "8035.T", "--start"]
        assert call(capsys, *words, "2025-01-01").code == 0
        yahoo.market.edits["8035.T"] = [("2025-03-03", 1234.5)]
        done = call(capsys, *words, "2025-01-02")
        assert done.code == 0
        assert done.out.splitlines()[0] == "1 rewritten"
        assert "What changed in the past" in done.out
        assert {row[0] for row in cells(done.out)} == {"8035.T"}

    def test_what_yahoo_lacks_is_listed(self, yahoo, capsys):
        yahoo.answers["8035.T"] = UNKNOWN
        done = call(capsys, "prices", "fetch", *SYMBOLS)
        assert (done.code, done.out.splitlines()[0]) == (0, "1 new, 1 no_prices")
        assert cells(done.out)[0][:2] == ["8035.T", "no_prices"]

    def test_a_failure_ends_with_1(self, yahoo, capsys, monkeypatch):
        monkeypatch.setattr("aftershock.data.prices.fetch.TRIES", 1)
        yahoo.answers["8035.T"] = (200, HOSTILE)
        done = call(capsys, "prices", "fetch", *SYMBOLS)
        assert (done.code, done.out.splitlines()[0]) == (1, "1 new, 1 failed")
        assert "\x1b" not in done.out + done.err
        assert (
            json.loads(call(capsys, "prices", "fetch", *SYMBOLS, "--json").out)["outcomes"][1]["outcome"]
            == "failed"
        )

    def test_ctrl_c_ends_with_130_and_loses_nothing(self, place):
        script = STOPPED.format(factory=str(FACTORIES / "yahoo_server.py"))
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
        assert done.returncode == 130
        assert done.stderr == (
            "aftershock: stopped; what was fetched is in prices, and the same command goes on\n"
        )
        assert done.stdout == ""
        assert af.list_prices(place / "prices")["symbol"].tolist() == ["000660.KS"]

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            ([], "expected at least one symbol, got none"),
            (["--universe", "asia-semi"], "did you mean 'asia-semis'"),
            ([*SYMBOLS, "--start", "soon"], "got 'soon'; write it as 2018-01-31"),
            ([*SYMBOLS, "--interval", "7x"], "expected the interval of bars, got '7x'"),
            ([*SYMBOLS, "--interval", "7m"], "expected an interval that Yahoo has"),
            ([*SYMBOLS, "--start", "2025-05-01", "--end", "2025-01-01"], "a start that is not after the end"),
            ([*SYMBOLS, "--store", "long.csv"], "long.csv: expected a folder for the store, got a file"),
            ([*SYMBOLS, "--store", "."], "expected a price store, or an empty folder, got other files"),
        ],
    )
    def test_what_is_refused(self, yahoo, capsys, words, told):
        done = call(capsys, "prices", "fetch", *words)
        assert (done.code, done.out, yahoo.asked) == (2, "", [])
        assert told in done.err
        assert done.err.count("\n") == 1


class TestImport:
    def test_says_what_came_and_goes_on(self, place, capsys):
        words = ["prices", "import", "long.csv", "--source", "desk"]
        assert call(capsys, *words).out.splitlines()[0] == "3 new"
        done = call(capsys, *words, "--json")
        told = json.loads(done.out)
        assert (done.code, told["store"], told["changes"]) == (0, "prices", [])
        assert {one["outcome"] for one in told["outcomes"]} == {"unchanged"}

    def test_hostile_names_are_shown_as_text(self, place, capsys):
        table = make_prices()
        table.replace({"symbol": {"8035.T": HOSTILE}}).to_csv("hostile.csv", index=False)
        table.assign(source=HOSTILE).to_csv("sources.csv", index=False)
        first = call(capsys, "prices", "import", "hostile.csv", "--source", "desk")
        assert call(capsys, "prices", "import", "sources.csv").code == 0
        listed = call(capsys, "prices", "list")
        shown = call(capsys, "prices", "show", "8035.T")
        for text in (first.out, listed.out, shown.out):
            assert "\x1b" not in text
            assert "[bold]x[/bold] [/nothing]" in text

    def test_ctrl_c_ends_with_130(self, place, capsys, monkeypatch):
        def stop(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr("aftershock.prices.import_prices", stop)
        done = call(capsys, "prices", "import", "long.csv", "--source", "desk")
        assert (done.code, done.out) == (130, "")
        assert (
            done.err == "aftershock: stopped; what was imported is in prices, and the same command goes on\n"
        )

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["long.csv"], "name it, for example --source desk"),
            (["lon.csv", "--source", "desk"], "did you mean 'long.csv'?"),
            (["long.csv", "--source", "desk", "--universe", "9988.HK"], "got none of 9988.HK"),
            (["long.csv", "--source", "kept"], "expected the name of a source, got 'kept'"),
            (["bad.csv", "--source", "desk"], "bad.csv, line 7, column close: expected a number, got 'abc'"),
        ],
    )
    def test_what_is_refused(self, place, capsys, words, told):
        table = make_prices().astype({"close": object})
        table.loc[5, "close"] = "abc"
        table.to_csv("bad.csv", index=False)
        done = call(capsys, "prices", "import", *words)
        assert (done.code, done.out) == (2, "")
        assert told in done.err
        assert done.err.count("\n") == 1


class TestCheck:
    def test_prices_without_errors_end_with_0(self, store, capsys):
        done = call(capsys, "prices", "check")
        assert (done.code, done.err) == (0, "")
        assert done.out.splitlines()[:2] == ["3 series, 313 bars", "error: none"]

    def test_errors_end_with_1_and_severity_chooses_what_is_listed(self, place, capsys):
        table = make_prices()
        table.loc[20, "close"] = -1.0
        table.loc[30:40, "volume"] = 0.0
        table.to_csv("odd.csv", index=False)
        listed = {}
        for least in ("error", "warning", "info"):
            done = call(capsys, "prices", "check", "odd.csv", "--severity", least)
            assert done.code == 1
            assert "error: bad_price 1\n" in done.out
            listed[least] = [row[:2] for row in cells(done.out) if row[0] in cli_prices.SEVERITIES]
        assert listed["error"] == [["error", "bad_price"]]
        assert ["info", "zero_volume"] in listed["info"]
        assert (
            set(map(tuple, listed["error"]))
            < set(map(tuple, listed["warning"]))
            < set(map(tuple, listed["info"]))
        )

    def test_a_code_with_many_findings_hides_no_other(self, place, capsys, monkeypatch):
        table = make_prices()
        holed = table.drop(index=[10, 120, 220])
        holed.loc[50, "close"] *= 1.5
        holed.to_csv("odd.csv", index=False)
        monkeypatch.setattr(showing, "SHOWN_ROWS", 3)
        monkeypatch.setattr(cli_prices, "SHOWN_ROWS", 3)
        done = call(capsys, "prices", "check", "odd.csv")
        counted = re.search(r"^warning: (.+)$", done.out, re.MULTILINE).group(1).split(", ")
        assert counted == ["calendar_disagrees 3", "gap 3", "outside_range 1"]
        codes = [row[1] for row in cells(done.out)[:3]]
        assert codes == ["calendar_disagrees", "gap", "outside_range"]
        assert "... and 4 more rows" in done.out

    def test_days_nobody_has_explained_come_first(self, place, capsys):
        far = pd.DataFrame(
            {"symbol": "8035.T", "date": ["2020-09-29", "2020-09-30", "2020-10-02"], "close": 100.0}
        )
        near = make_prices()
        near = near[(near["symbol"] == "2330.TW") & (near["date"] != "2025-06-10")]
        pd.concat([far, near]).to_csv("holes.csv", index=False)
        done = call(capsys, "prices", "check", "holes.csv")
        statuses = [row[6] for row in cells(done.out) if len(row) == 8 and row[3] == "no_prices"]
        assert statuses[0] == "unexplained"
        assert statuses == sorted(statuses, key=lambda status: status != "unexplained")

    def test_for_programs(self, store, capsys):
        done = call(capsys, "prices", "check", "--json")
        told = json.loads(done.out)
        assert (done.code, list(told)) == (0, ["findings", "disagreements", "coverage"])
        assert told["coverage"][0]["first"] == "2025-06-02"

    def test_a_damaged_file_is_named_once(self, store, capsys):
        path = store / "desk" / "1d" / "8035.T.parquet"
        path.write_text("junk")
        for words in (["check"], ["list"], ["show", "8035.T"]):
            done = call(capsys, "prices", *words)
            assert (done.code, done.out) == (2, "")
            assert done.err.startswith("aftershock: prices/desk/1d/8035.T.parquet: expected a ")
            assert done.err.count("\n") == 1

    def test_a_folder_without_rights_is_named(self, store, capsys, monkeypatch):
        def refuse(*_, **__):
            raise PermissionError(13, "Permission denied", "prices/desk")

        monkeypatch.setattr("aftershock.prices.Store.verify", refuse)
        done = call(capsys, "prices", "check")
        assert (done.code, done.out) == (2, "")
        assert done.err == (
            "aftershock: prices/desk: expected files that can be read and written, got Permission denied; check the "
            "path, the rights to it and the room on the disk\n"
        )

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["--store", "nowhere"], "nowhere: expected a price store, file or folder, got nothing there"),
            (["--severity", "warn"], "expected a severity, got 'warn'; did you mean 'warning'?"),
            (["--snapshot", "zzz"], "expected the name of a snapshot, got 'zzz'"),
            (["--interval", "7x"], "expected the interval of bars, got '7x'"),
            (["--interval", "5m"], "expected an interval that the store has, got '5m'"),
            (["--universe", "asia-semi"], "did you mean 'asia-semis'"),
            (["lon.csv"], "did you mean 'long.csv'?"),
        ],
    )
    def test_what_is_refused(self, store, capsys, words, told):
        done = call(capsys, "prices", "check", *words)
        assert (done.code, done.out) == (2, "")
        assert told in done.err
        assert done.err.count("\n") == 1


class TestList:
    def test_names_each_series(self, store, capsys):
        done = call(capsys, "prices", "list")
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("3 series in prices")
        rows = cells(done.out)
        assert rows[2][:8] == [
            "8035.T",
            "Tokyo Electron",
            "desk",
            "1d",
            "",
            "105",
            "2025-06-02",
            "2025-10-31",
        ]

    def test_instants_of_bars_within_sessions_end_with_z(self, place, capsys):
        rows = [("8035.T", f"2025-06-02T{hour}:30+09:00", 100.0) for hour in ("09", "10", "13")]
        pd.DataFrame(rows, columns=["symbol", "opens_at", "close"]).to_csv("hours.csv", index=False)
        assert (
            call(capsys, "prices", "import", "hours.csv", "--source", "desk", "--interval", "60m").code == 0
        )
        told = json.loads(call(capsys, "prices", "list", "--json").out)[0]
        assert (told["first"], told["last"]) == ("2025-06-02T00:30:00Z", "2025-06-02T04:30:00Z")
        shown = call(capsys, "prices", "show", "8035.T")
        assert shown.out.startswith("8035.T from desk (sessions in local dates, ")
        assert [row[:2] for row in cells(shown.out)] == [
            ["2025-06-02", f"2025-06-02 {time}:00"] for time in ("00:30", "01:30", "04:30")
        ]

    def test_events_are_aligned_with_them(self, place, capsys):
        rows = [("8035.T", f"2025-06-02T{hour}:30+09:00", 100.0) for hour in ("09", "10", "13")]
        pd.DataFrame(rows, columns=["symbol", "opens_at", "close"]).to_csv("hours.csv", index=False)
        event = {
            "event_id": "a",
            "published_at": "2025-06-02T11:00+09:00",
            "tag": "chip",
            "symbols": "8035.T",
        }
        pd.DataFrame([event]).to_csv("events.csv", index=False)
        words = ["align", "events.csv", "--prices", "hours.csv"]
        assert call(capsys, *words).code == 2
        (told,) = json.loads(call(capsys, *words, "--interval", "60m", "--json").out)
        assert (told["symbol"], told["first_tradable"]) == ("8035.T", "2025-06-02T02:00:00Z")

    def test_snapshots_say_what_named_them_and_when(self, store, capsys):
        first = af.load_tape(store).provenance["snapshot"]
        part = af.load_tape(store, symbols=["8035.T"]).provenance["snapshot"]
        run, imported = json.loads(call(capsys, "prices", "list", "--snapshots", "--json").out)
        assert imported["snapshot"] == first
        assert (imported["series"], imported["bars"], imported["sources"]) == (3, 313, "desk")
        assert (imported["what"], imported["at"][-1]) == ("import", "Z")
        assert (run["snapshot"], run["series"], run["what"], run["at"]) == (part, 1, "", None)
        done = call(capsys, "prices", "list", "--snapshots")
        assert done.out.startswith("2 snapshots in prices (UTC)\n")
        assert [row[0] for row in cells(done.out)] == [part, first]
        shown = call(capsys, "prices", "show", "8035.T", "--snapshot", part, "--json")
        assert len(json.loads(shown.out)) == 105

    def test_an_empty_store(self, store, capsys):
        shutil.rmtree(store / "desk")
        assert call(capsys, "prices", "list").out == "no series in prices: fetch or import first\n"
        assert json.loads(call(capsys, "prices", "list", "--json").out) == []
        for verb in (["check"], ["show", "8035.T"]):
            done = call(capsys, "prices", *verb)
            assert (done.code, done.err) == (
                2,
                "aftershock: prices: expected prices in the store, got none; fetch or import into it first\n",
            )

    def test_no_store(self, place, capsys):
        done = call(capsys, "prices", "list")
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("aftershock: prices: expected a price store, got nothing there")


class TestShow:
    def test_to_look_writes_no_snapshot(self, store, capsys):
        before = sorted(path.name for path in (store / "snapshots").iterdir())
        assert call(capsys, "prices", "show", "8035.T").code == 0
        assert call(capsys, "prices", "check", "--universe", "8035.T").code in (0, 1)
        assert sorted(path.name for path in (store / "snapshots").iterdir()) == before

    def test_dates_and_numbers_can_be_read(self, store, capsys):
        done = call(capsys, "prices", "show", "TYO:8035", "--from", "2025-09-11", "--to", "2025-09-12")
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith(
            "TYO:8035 from desk (sessions in local dates, factor to traded prices unknown)"
        )
        (first, second) = cells(done.out)
        assert [first[0], second[0]] == ["2025-09-11", "2025-09-12"]
        assert first[-1] == "1000"
        close = af.show_prices("8035.T", "2025-09-11", "2025-09-12")["close"]
        assert [float(row[4]) for row in (first, second)] == pytest.approx(close.tolist(), rel=1e-6)

    def test_for_programs(self, store, capsys):
        done = call(
            capsys, "prices", "show", "8035.T", "--from", "2025-09-12", "--to", "2025-09-12", "--json"
        )
        (told,) = json.loads(done.out)
        assert (done.code, told["session"], told["opens_at"]) == (0, "2025-09-12", "2025-09-12T00:00:00Z")
        assert (told["factor"], told["traded"], told["halted"]) == (None, None, False)

    def test_what_was_traded_is_shown_where_it_differs(self, yahoo, capsys):
        yahoo.market.splits["8035.T"] = [("2025-09-11", 3.0)]
        assert call(capsys, "prices", "fetch", "--universe", "8035.T", "--start", "2025-09-01").code == 0
        done = call(capsys, "prices", "show", "8035.T", "--from", "2025-09-10")
        assert done.out.startswith("8035.T from yahoo (sessions in local dates)")
        assert [row[6] for row in cells(done.out)] == ["3", "1", "1"]
        yahoo.market.splits.clear()
        other = call(capsys, "prices", "fetch", "--universe", "000660.KS", "--start", "2025-09-01")
        assert other.code == 0
        assert (
            "(sessions in local dates, prices as traded)" in call(capsys, "prices", "show", "000660.KS").out
        )

    def test_no_bars_are_said_in_words(self, store, capsys):
        words = ["prices", "show", "8035.T", "--from", "2026-01-05"]
        assert call(capsys, *words) == (0, "no bars of 8035.T from 2026-01-05\n", "")
        assert json.loads(call(capsys, *words, "--json").out) == []

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["8035.T", "--from", "soon"], "expected a date as start, got 'soon'"),
            (["8035.T", "--from", ""], "expected a date as start, got ''"),
            (["8035.T", "--to", "2025-13-45"], "expected a date as end, got '2025-13-45'"),
            (["8035.T", "--from", "2025-09-30", "--to", "2025-07-01"], "a start that is not after the end"),
            (["9988.HK"], "expected prices of a wanted symbol in the store, got none of 9988.HK"),
            (["NOBODY"], "expected a symbol of a known venue, got 'NOBODY'"),
            (
                ["8035.T", "--store", "nowhere"],
                "nowhere: expected a price store, file or folder, got nothing",
            ),
        ],
    )
    def test_what_is_refused(self, store, capsys, words, told):
        done = call(capsys, "prices", "show", *words)
        assert (done.code, done.out) == (2, "")
        assert told in done.err
        assert done.err.count("\n") == 1


class TestTables:
    def test_numbers_stand_under_each_other(self, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "200")
        table = pd.DataFrame(
            {"name": ["a", "b"], "price": [9.5, 44768.125], "rows": [7, 1234567], "note": "x"}
        )
        title = "[bold]Odd[/nothing] " + "and longer than the table " * 3
        showing.show_table(table, title + "\x1b[31m")
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == title + " [31m"
        assert [line for line in lines if line.startswith("│")] == [
            "│ a    │      9.500 │         7 │ x    │",
            "│ b    │ 44,768.125 │ 1,234,567 │ x    │",
        ]

    def test_unknown_numbers_are_blank(self, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "200")
        showing.show_table(pd.DataFrame({"share": [float("nan"), 0.25, 0.0]}), "Shares")
        assert [row[0] for row in cells(capsys.readouterr().out)] == ["", "0.25", "0.00"]

    def test_a_narrow_terminal_gets_fewer_rows_as_blocks(self, capsys, monkeypatch):
        narrow = showing.Console(width=60, force_terminal=True, color_system=None)
        monkeypatch.setattr(showing, "out", narrow)
        table = pd.DataFrame({f"a_long_heading_{place}": range(30) for place in range(6)})
        showing.show_table(table, "Blocks")
        text = capsys.readouterr().out
        assert text.count("a_long_heading_0") == showing.SHOWN_BLOCKS
        assert "... and 20 more rows (--json prints all)" in text

    def test_dates_and_instants_for_programs(self):
        days = pd.to_datetime(["2025-09-12", None]).astype("datetime64[ns]")
        table = pd.DataFrame({"day": days, "at": days.tz_localize("Asia/Tokyo").tz_convert("UTC")})
        assert json.loads(json.dumps(showing.records(table)[:1])) == [
            {"day": "2025-09-12", "at": "2025-09-11T15:00:00Z"}
        ]
