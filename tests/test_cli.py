"""The command line: every verb on small inputs, what it writes, what it prints for people and for programs."""

import io
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

import aftershock as af
from aftershock import cli, showing
from aftershock.data.tables import read_metadata
from aftershock.reports.browser import chromium
from aftershock.reports.payload import unpack
from aftershock.reports.run import TABLES

_made = runpy.run_path(str(Path(__file__).parent / "factories" / "inputs.py"))
write_inputs, make_events, call = _made["write_inputs"], _made["make_events"], _made["call"]
HOSTILE = _made["HOSTILE"]

VERBS = ("demo", "run", "align", "signals", "report")
FILES = {f"{name}.parquet" for name in TABLES} | {
    "manifest.json",
    "stats.json",
    "experiment.toml",
    "report.html",
}
ALIGN_KEYS = [
    "event_id",
    "symbol",
    "venue",
    "known_by",
    "phase",
    "first_tradable",
    "first_open",
    "first_close",
    "ambiguous",
    "reason",
]
SIGNAL_KEYS = [
    "place_by",
    "entry_at",
    "symbol",
    "venue",
    "action",
    "weight",
    "entry",
    "hold",
    "event_id",
    "tag",
    "direction",
    "strength",
    "known_by",
    "ambiguous",
    "headline",
    "reason",
]
STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}([.]\d{9})?Z")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder with inputs in it."""
    write_inputs(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run of an experiment on simulated prices, and one on prices from a file."""
    folder = tmp_path_factory.mktemp("finished")
    experiment = write_inputs(folder)
    af.run_experiment(experiment).save(folder / "real")
    text = '[prices]\nsimulated = true\n[events]\nfiles = ["events.csv"]\nzone = "Asia/Tokyo"\n'
    (folder / "made_up.toml").write_text(text + '[universe]\nsymbols = ["8035.T", "000660.KS"]\n')
    af.run_experiment(folder / "made_up.toml").save(folder / "made_up")
    return folder


def read(folder):
    return json.loads((folder / "stats.json").read_text(encoding="utf-8"))


class TestHelp:
    @pytest.mark.parametrize("verb", VERBS)
    @pytest.mark.parametrize("flag", ["--help", "-h"])
    def test_every_verb_has_an_example(self, verb, flag):
        done = CliRunner().invoke(cli.app, [verb, flag])
        assert done.exit_code == 0
        assert f"Example:  aftershock {verb} " in done.stdout

    def test_the_verbs(self, capsys):
        done = call(capsys, "--help")
        assert done.code == 0
        assert set(VERBS) <= set(re.findall(r"^│ (\w+) ", done.out, re.MULTILINE))
        bare = call(capsys)
        assert bare.code == 2
        assert "Usage: " in bare.out + bare.err

    def test_the_version(self, capsys):
        done = call(capsys, "--version")
        assert (done.code, done.out.strip(), done.err) == (0, f"aftershock {af.__version__}", "")

    def test_the_examples_of_the_help_are_commands(self, place, capsys):
        make_events("some_day").to_csv(place / "events.csv", index=False)
        for verb in ("align", "signals"):
            example = re.search(r"Example:  aftershock ([^\n]+)", getattr(cli, verb).__doc__)[1]
            assert call(capsys, *example.split()).code == 0

    def test_as_a_module_from_another_folder(self, tmp_path):
        words = [sys.executable, "-m", "aftershock", "--version"]
        done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, check=True)
        assert done.stdout.strip() == f"aftershock {af.__version__}"


class TestRun:
    def test_it_leaves_every_file_and_says_where(self, place, capsys):
        done = call(capsys, "run", "chips.toml")
        assert (done.code, done.err) == (0, "")
        assert {path.name for path in (place / "runs/chips").iterdir()} == FILES
        assert done.out.splitlines()[0].strip() == "chips, 2025-06-10 to 2025-10-31"
        assert done.out.rstrip().endswith("report: runs/chips/report.html")
        manifest = json.loads((place / "runs/chips/manifest.json").read_text(encoding="utf-8"))
        for caveat in manifest["caveats"]:
            assert f"- {caveat}\n" in done.out
        outcomes = read(place / "runs/chips")["outcomes"]
        assert f"signals: {sum(outcomes.values())} (" in done.out
        assert f"no_bar {outcomes['no_bar']}" in done.out
        assert "SIMULATED" not in done.out

    def test_json(self, place, capsys):
        done = call(capsys, "run", "chips.toml", "--json", "--out", "here")
        found = json.loads(done.out)
        assert found.pop("report") == str(Path("here/report.html"))
        assert found.pop("simulated") is False
        assert found == read(place / "here")
        told = {"headline", "beside", "by", "drawdowns", "outcomes", "planted", "waterfall"}
        told |= {"questions", "benchmark", "path", "ladder", "distribution", "excursions", "dates", "costs"}
        assert set(found) == told

    def test_bad_rows_are_left_out_on_request(self, place, capsys):
        with (place / "odd.csv").open("w", encoding="utf-8") as file:
            file.write("known_by,tag,direction,symbols\n2025-09-10T10:00,chip,positive,8035.T\n")
            file.write("2025-09-10T10:00Z,chip,positive,NOPE\n2025-09-10T11:00Z,chip,positive,8035.T\n")
        words = ["run", "chips.toml", "--events", "odd.csv", "--out", "odd"]
        refused = call(capsys, *words)
        assert (refused.code, (place / "odd").exists()) == (2, False)
        done = call(capsys, *words, "--skip-bad")
        assert done.code == 0
        assert done.err.startswith("aftershock: ")
        assert "of events left out" in done.err

    def test_other_events_and_prices(self, place, capsys):
        make_events("up").to_parquet(place / "fewer.parquet")
        prices = pd.read_csv("prices.csv")
        for symbol in ("8035.T", "000660.KS"):
            prices[prices["symbol"] == symbol].to_parquet(place / f"{symbol}.parquet")
        (place / "wrong.csv").write_text("nothing", encoding="utf-8")
        experiment = (place / "chips.toml").read_text(encoding="utf-8")
        (place / "chips.toml").write_text(experiment.replace("prices.csv", "wrong.csv"), encoding="utf-8")
        words = ["--prices", "8035.T.parquet", "--prices", "000660.KS.parquet", "--events", "fewer.parquet"]
        assert call(capsys, "run", "chips.toml", "--out", "run", *words).code == 0
        audit = pd.read_parquet(place / "run/audit.parquet")
        assert set(audit["symbol"]) == {"8035.T", "000660.KS"}
        assert "up" not in set(audit["event_id"])

    def test_a_catalogue_in_the_place_of_files(self, place, capsys):
        assert call(capsys, "run", "chips.toml", "--events", "catalogue:chips", "-o", "run").code == 0
        assert len(pd.read_parquet(place / "run/events.parquet")) > 5
        assert call(capsys, "run", "run/experiment.toml", "-o", "again").code == 0
        first, second = (pd.read_parquet(place / name / "audit.parquet") for name in ("run", "again"))
        pd.testing.assert_frame_equal(first, second, check_exact=True)

    @pytest.mark.parametrize(
        ("name", "folder"), [("../../away", "_.._away"), ("/tmp/away", "_tmp_away"), ("..", "run")]
    )
    def test_the_name_of_a_run_leads_nowhere_else(self, name, folder, place, capsys):
        write_inputs(place, f'[run]\nname = "{name}"\n')
        done = call(capsys, "run", "chips.toml")
        assert done.code == 0
        assert [path.name for path in (place / "runs").iterdir()] == [folder]
        assert json.loads((place / "runs" / folder / "manifest.json").read_text())["name"] == name

    def test_a_saved_experiment_runs_again_from_anywhere(self, place, capsys, tmp_path_factory, monkeypatch):
        assert call(capsys, "run", "chips.toml").code == 0
        monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
        assert call(capsys, "run", place / "runs/chips/experiment.toml", "-o", "again").code == 0
        for name in TABLES:
            first, second = (
                pd.read_parquet(folder / f"{name}.parquet")
                for folder in (place / "runs/chips", Path("again"))
            )
            pd.testing.assert_frame_equal(first, second, check_exact=True)
        assert read(Path("again")) == read(place / "runs/chips")
        texts = [(folder / "experiment.toml").read_text() for folder in (place / "runs/chips", Path("again"))]
        assert texts[0] == texts[1]

    def test_simulated_prices_are_named(self, place, finished, capsys):
        shutil.copy(finished / "made_up.toml", place)
        done = call(capsys, "run", "made_up.toml")
        assert done.code == 0
        assert done.out.startswith("SIMULATED: made_up")
        assert "- SIMULATED: every price was made by a seeded model" in done.out
        folder = place / "runs/made_up"
        assert "SIMULATED" in (folder / "report.html").read_text(encoding="utf-8")
        assert json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["simulated"] is True
        assert {read_metadata(folder / f"{name}.parquet")["simulated"] for name in TABLES} == {"SIMULATED"}
        for name in TABLES:
            pd.testing.assert_frame_equal(
                pd.read_parquet(folder / f"{name}.parquet"),
                pd.read_parquet(finished / f"made_up/{name}.parquet"),
                check_exact=True,
            )
        machine = call(capsys, "run", "made_up.toml", "--json")
        assert json.loads(machine.out)["simulated"] is True

    def test_bad_rows_that_were_left_out_are_counted(self, place, capsys):
        with (place / "events.csv").open("a", encoding="utf-8") as file:
            file.write("odd,2025-06-31T10:00Z,chip,positive,8035.T,wire,No such day\n")
        with (place / "prices.csv").open("a", encoding="utf-8") as file:
            file.write("2330.TW,2025-11-03,5,6,-1,5,100\n2330.TW,2025-11-04,5,4,6,5,100\n")
        text = (place / "chips.toml").read_text(encoding="utf-8").replace('csv"]', 'csv"]\nskip_bad = true')
        (place / "chips.toml").write_text(text, encoding="utf-8")
        done = call(capsys, "run", "chips.toml")
        assert done.code == 0
        assert done.err.splitlines() == [
            "aftershock: 1 bad row of events left out",
            "aftershock: 2 bad rows of prices left out",
        ]
        skipped = json.loads((place / "runs/chips/manifest.json").read_text())["skipped_events"]
        reason = next(row["reason"] for row in skipped if row["code"] == "bad_row")
        assert "2025-06-31" in reason


class TestAlign:
    def test_json(self, place, capsys):
        done = call(capsys, "align", "events.csv", "--zone", "Asia/Tokyo", "--json")
        assert (done.code, done.err) == (0, "")
        rows = json.loads(done.out)
        assert len(rows) == 13
        assert all(list(row) == ALIGN_KEYS for row in rows)
        for row in rows:
            for key in ("known_by", "first_tradable", "first_open", "first_close"):
                assert STAMP.fullmatch(row[key])
            assert row["ambiguous"] is (row["event_id"] == "some_day")
        assert rows[0] == {
            "event_id": "up",
            "symbol": "000660.KS",
            "venue": "XKRX",
            "known_by": "2025-06-10T22:00:00Z",
            "phase": "pre-open",
            "first_tradable": "2025-06-11T00:00:00Z",
            "first_open": "2025-06-11T00:00:00Z",
            "first_close": "2025-06-11T06:30:00Z",
            "ambiguous": False,
            "reason": "known before the cut-off of the coming open",
        }

    def test_what_a_calendar_does_not_reach_is_null(self, place, capsys):
        (place / "far.csv").write_text("known_by,tag,symbols\n2200-01-01T00:00Z,chip,8035.T\n")
        row = json.loads(call(capsys, "align", "far.csv", "--json").out)[0]
        assert (row["phase"], row["first_open"], row["first_tradable"]) == ("", None, None)
        assert row["reason"] == "the calendar of the venue does not reach this instant"

    def test_table(self, place, capsys):
        done = call(capsys, "align", "events.csv", "--zone", "Asia/Tokyo")
        header, *rows = [line for line in done.out.splitlines() if line[:1] in "┃│"]
        assert re.findall(r"\w+", header) == ALIGN_KEYS
        assert len(rows) == 13
        assert [cell.strip() for cell in rows[0].split("│")[1:-1]] == [
            "up",
            "000660.KS",
            "XKRX",
            "2025-06-10 22:00:00",
            "pre-open",
            *["2025-06-11 00:00:00"] * 2,
            "2025-06-11 06:30:00",
            "False",
            "known before the cut-off of the coming open",
        ]

    def test_a_narrow_terminal_loses_nothing(self, place, capsys, monkeypatch):
        screen = io.StringIO()
        narrow = Console(file=screen, width=80, force_terminal=True, color_system=None, legacy_windows=False)
        monkeypatch.setattr(showing, "out", narrow)
        assert call(capsys, "align", "events.csv", "--zone", "Asia/Tokyo").code == 0
        lines = screen.getvalue().splitlines()
        assert max(map(len, lines)) <= 80
        assert "…" not in screen.getvalue()
        shown = [re.findall(r"[^│]+", line) for line in lines if line.startswith("│")]
        first = {name.strip(): cell.strip() for name, cell in shown[: len(ALIGN_KEYS)]}
        assert list(first) == ALIGN_KEYS
        assert first["symbol"] == "000660.KS"
        assert first["first_close"] == "2025-06-11 06:30:00"

    def test_a_wide_terminal_shows_a_table(self, place, capsys, monkeypatch):
        screen = io.StringIO()
        wide = Console(file=screen, width=180, force_terminal=True, color_system=None, legacy_windows=False)
        monkeypatch.setattr(showing, "out", wide)
        call(capsys, "align", "events.csv", "--zone", "Asia/Tokyo")
        assert re.search(r"│ 000660.KS │ XKRX  │ 2025-06-10 22:00:00 │ pre-open +│", screen.getvalue())
        assert max(map(len, screen.getvalue().splitlines())) <= 180

    def test_a_long_table_counts_the_rest(self, place, capsys):
        done = call(capsys, "align", "catalogue:chips", "--universe", "asia-semis")
        rows = len(
            json.loads(call(capsys, "align", "catalogue:chips", "--universe", "asia-semis", "--json").out)
        )
        assert rows > showing.SHOWN_ROWS
        assert done.out.rstrip().endswith(
            f"... and {rows - showing.SHOWN_ROWS} more rows (--json prints all)"
        )

    def test_only_what_has_prices(self, place, capsys):
        done = call(capsys, "align", "events.csv", "--zone", "Asia/Tokyo", "--prices", "prices.csv", "--json")
        rows = json.loads(done.out)
        assert {row["symbol"] for row in rows} == {"8035.T", "000660.KS", "2330.TW", ""}
        (unpriced,) = [row for row in rows if not row["symbol"]]
        assert unpriced == {
            "event_id": "unpriced",
            "symbol": "",
            "venue": "",
            "known_by": "2025-08-20T22:00:00Z",
            "phase": "",
            "first_tradable": None,
            "first_open": None,
            "first_close": None,
            "ambiguous": False,
            "reason": "there are no prices for the instrument",
        }

    def test_latency_and_entry(self, place, capsys):
        (place / "late.csv").write_text(
            "known_from,known_by,tag,symbols\n2025-09-10T05:00Z,2025-09-10T05:30Z,chip,8035.T\n"
        )
        at_open, at_close, later = (
            json.loads(call(capsys, "align", "late.csv", "--json", *words).out)[0]
            for words in ((), ("--entry", "close"), ("--entry", "close", "--latency", "4500"))
        )
        assert (at_open["ambiguous"], at_close["ambiguous"], later["ambiguous"]) == (False, False, True)
        assert at_open["first_close"] == at_close["first_close"] == "2025-09-10T06:30:00Z"
        assert later["first_close"] == "2025-09-11T06:30:00Z"

    def test_bad_rows_are_left_out_and_counted(self, place, capsys):
        (place / "odd.csv").write_text(
            "known_by,tag,symbols\n2025-09-10T10:00,chip,8035.T\n"
            "2025-09-10T10:00Z,chip,8035.T\nyesterday,chip,NOPE\n"
        )
        done = call(capsys, "align", "odd.csv", "--skip-bad", "--json")
        assert (done.code, done.err) == (0, "aftershock: 2 bad rows of events left out\n")
        assert [row["known_by"] for row in json.loads(done.out)] == ["2025-09-10T10:00:00Z"]
        prices = pd.read_csv("prices.csv")
        prices.loc[[3, 90], "low"] = -1.0
        prices.to_csv("prices.csv", index=False)
        words = ["--prices", "prices.csv", "--skip-bad", "--json"]
        done = call(capsys, "align", "odd.csv", *words)
        assert done.err.splitlines()[1] == "aftershock: 2 bad rows of prices left out"
        assert len(json.loads(done.out)) == 1


class TestSignals:
    WORDS = ("signals", "events.csv", "--zone", "Asia/Tokyo", "--as-of", "2025-06-10T23:00Z")

    def test_json(self, place, capsys):
        done = call(capsys, *self.WORDS, "--strategy", "chip_momentum", "--json")
        assert (done.code, done.err) == (0, "")
        rows = json.loads(done.out)
        assert [list(row) for row in rows] == [SIGNAL_KEYS] * 2
        assert [row["symbol"] for row in rows] == ["000660.KS", "8035.T"]
        for row in rows:
            assert all(STAMP.fullmatch(row[key]) for key in ("place_by", "entry_at", "known_by"))
            assert (row["action"], row["entry"], row["hold"]) == ("buy", "open", 5)
            assert row["strength"] is None
            assert row["place_by"] <= row["entry_at"] == "2025-06-11T00:00:00Z"

    def test_table(self, place, capsys):
        done = call(capsys, *self.WORDS)
        rows = [line for line in done.out.splitlines() if line.startswith("│")]
        assert [row.split("│")[2].strip() for row in rows] == ["000660.KS", "8035.T"]

    def test_nothing_is_listed_before_it_is_known_or_after_its_cutoff(self, place, capsys):
        for instant in ("2025-06-10T21:59Z", "2025-06-11T00:01Z"):
            done = call(capsys, *self.WORDS[:-1], instant, "--json")
            assert (done.code, json.loads(done.out)) == (0, [])
            said = call(capsys, *self.WORDS[:-1], instant).out
            expected = f"nothing known by {instant} gives a signal whose cut-off is still to come"
            assert said == f"no orders: {expected}\n"
        assert call(capsys, *self.WORDS[:-2]).out.startswith("no orders: nothing known by now gives a signal")

    def test_universe(self, place, capsys):
        done = call(capsys, *self.WORDS, "--universe", "8035.T", "--json")
        assert [row["symbol"] for row in json.loads(done.out)] == ["8035.T"]


class TestReport:
    def test_the_folder_alone_gives_the_same_bytes(self, finished, tmp_path, capsys, monkeypatch):
        for name in ("real", "made_up"):
            original = (finished / name / "report.html").read_bytes()
            shutil.copytree(finished / name, tmp_path / "moved" / name)
            (tmp_path / "moved" / name / "report.html").unlink()
            monkeypatch.chdir(tmp_path)
            done = call(capsys, "report", f"moved/{name}")
            assert (done.code, done.out) == (0, f"report: moved/{name}/report.html\n")
            assert (tmp_path / "moved" / name / "report.html").read_bytes() == original

    def test_several_runs_are_compared(self, finished, tmp_path, capsys, monkeypatch):
        monkeypatch.chdir(tmp_path)
        done = call(capsys, "report", finished / "real", finished / "made_up", "-o", "both.html")
        assert (done.code, done.out) == (0, "report: both.html\n")
        text = (tmp_path / "both.html").read_text(encoding="utf-8")
        assert "1. chips" in text
        assert "2. made_up" in text
        assert "SIMULATED" in text
        assert call(capsys, "report", finished / "real", finished / "made_up").code == 0
        assert (tmp_path / "compared.html").read_bytes() == (tmp_path / "both.html").read_bytes()
        assert "SIMULATED" not in (finished / "real/report.html").read_text(encoding="utf-8")

    def test_json_tells_the_numbers_behind_the_figures(self, finished, capsys):
        told = json.loads(call(capsys, "report", finished / "real", "--json").out)
        stats = json.loads((finished / "real/stats.json").read_text(encoding="utf-8"))
        assert told["headline"] == stats["headline"]
        assert told["questions"] == stats["questions"]
        assert told["by-tag"]["tag"] == stats["by"]["tag"]
        assert told["costs"]["costs"] == {key: value for key, value in stats["costs"].items() if value}
        assert len(told["equity"]["dates"]) == stats["headline"]["sessions"]

    def test_pdf_needs_a_chromium(self, finished, tmp_path, capsys, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))
        done = call(capsys, "report", finished / "real", "-o", tmp_path / "a.html", "--pdf")
        assert done.code == 2
        assert "expected a Chromium to print with, got none on the path" in done.err
        assert (tmp_path / "a.html").is_file() and not (tmp_path / "a.pdf").exists()

    @pytest.mark.skipif(chromium() is None, reason="there is no chromium on this machine")
    def test_pdf_is_printed(self, finished, tmp_path, capsys):
        done = call(capsys, "report", finished / "real", "-o", tmp_path / "a.html", "--pdf")
        assert (done.code, done.out.splitlines()[-1]) == (0, f"report: {tmp_path / 'a.pdf'}")
        printed = (tmp_path / "a.pdf").read_bytes()
        assert printed.startswith(b"%PDF-") and len(printed) > 50_000


class TestCompare:
    def test_it_writes_what_differs(self, finished, tmp_path, capsys):
        path = tmp_path / "c.html"
        done = call(capsys, "compare", finished / "real", finished / "made_up", "-o", path)
        assert (done.code, done.out) == (0, f"report: {path}\n")
        text = path.read_text(encoding="utf-8")
        assert "Settings that differ" in text and "2. made_up (SIMULATED)" in text
        assert "Show me the trades" not in text

    def test_json_tells_what_differs(self, finished, capsys):
        told = json.loads(call(capsys, "compare", finished / "real", finished / "made_up", "--json").out)
        assert told["names"] == ["1. chips", "2. made_up"]
        assert told["settings"]["run.name"] == ["chips", "made_up"]
        assert all(len(set(map(str, values))) == 2 for values in told["settings"].values())
        assert len(told["trades"]) > 0

    def test_one_run_is_no_comparison(self, finished, capsys):
        done = call(capsys, "compare", finished / "real")
        assert done.code == 2
        assert "expected at least two runs to compare, got 1 run" in done.err


class TestHostileText:
    """A headline is somebody else's text: it is shown, and nothing obeys it."""

    @pytest.fixture
    def hostile(self, place):
        table = make_events().assign(event_id=lambda events: events["event_id"] + HOSTILE)
        table.to_csv(place / "events.csv", index=False)
        return place

    def test_in_the_terminal(self, hostile, capsys):
        words = ["events.csv", "--zone", "Asia/Tokyo"]
        orders = call(capsys, "signals", *words, "--as-of", "2025-06-10T23:00Z")
        aligned = call(capsys, "align", *words)
        ran = call(capsys, "run", "chips.toml")
        for done in (orders, aligned, ran):
            assert done.code == 0
            assert "\x1b" not in done.out + done.err
        assert orders.out.count("[bold]x[/bold] [/nothing]") == 4
        assert aligned.out.count("[bold]x[/bold] [/nothing]") == 13

    def test_on_a_terminal_with_colours(self, hostile, capsys, monkeypatch):
        screen = io.StringIO()
        monkeypatch.setattr(showing, "out", Console(file=screen, width=300, force_terminal=True))
        call(capsys, "signals", "events.csv", "--zone", "Asia/Tokyo", "--as-of", "2025-06-10T23:00Z")
        assert "[31mred [0m [bold]x[/bold] [/nothing]" in screen.getvalue()
        assert "\x1b[31m" not in screen.getvalue()

    def test_in_the_report(self, hostile, capsys):
        call(capsys, "run", "chips.toml", "-o", "run")
        text = (hostile / "run/report.html").read_text(encoding="utf-8")
        assert "<script>alert" not in text
        packed = re.findall(r'<script type="application/gzip">([^<]*)</script>', text)
        assert any("<script>alert(1)" in json.dumps(unpack(part)) for part in packed)

    def test_in_an_error(self, place, capsys):
        (place / "odd.csv").write_text(f"known_by,tag,symbols\n2025-09-10T10:00Z,chip,{HOSTILE[:40]}\n")
        prices = pd.read_csv("prices.csv").assign(symbol=HOSTILE[:40])
        prices.to_csv("odd_prices.csv", index=False)
        for words in (["align", "odd.csv"], ["run", "chips.toml", "--prices", "odd_prices.csv"]):
            done = call(capsys, *words)
            assert done.code == 2
            assert "alert(1)" in done.err
            assert "\x1b" not in done.err

    def test_a_path_is_no_markup(self, place, capsys):
        odd = place / "[bold]x[" / "nothing].toml"
        odd.parent.mkdir()
        shutil.copy("chips.toml", odd)
        assert call(capsys, "run", odd, "--events", "events.csv", "--prices", "prices.csv").code == 0
        done = call(capsys, "run", place / "[" / "none].toml")
        assert done.code == 2
        assert "none].toml: expected an experiment file" in done.err


@pytest.mark.parametrize(("asked", "used"), [(None, "system"), ("jemalloc", "jemalloc")])
def test_the_command_takes_the_lean_allocator_unless_another_is_asked_for(monkeypatch, capsys, asked, used):
    monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", asked or "")
    if asked is None:
        monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL")
    monkeypatch.setattr(sys, "argv", ["aftershock", "--help"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "Usage" in capsys.readouterr().out
    assert os.environ["ARROW_DEFAULT_MEMORY_POOL"] == used
