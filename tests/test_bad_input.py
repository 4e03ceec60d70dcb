"""Bad input: one line for each problem, with its place and its cure; exit code 2; nothing left behind."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import aftershock as af
from aftershock.data.errors import InputError

_made = runpy.run_path(str(Path(__file__).parent / "factories" / "inputs.py"))
write_inputs, make_prices, make_events = _made["write_inputs"], _made["make_prices"], _made["make_events"]
call = _made["call"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder with good inputs in it, which a test spoils."""
    write_inputs(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name, text):
    """Write one bad file, and what makes it so."""
    return lambda folder: (folder / name).write_text(text, encoding="utf-8")


def write_bytes(name, data):
    return lambda folder: (folder / name).write_bytes(data)


def experiment(old, new):
    """Change the experiment."""

    def change(folder):
        text = (folder / "chips.toml").read_text(encoding="utf-8")
        assert old in text
        (folder / "chips.toml").write_text(text.replace(old, new), encoding="utf-8")

    return change


def add(name, line):
    """Add a line to a good table."""

    def change(folder):
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    return change


def bar(**changes):
    """Change one bar of the prices, on line 12 of the file."""

    def change(folder):
        prices = make_prices()
        for name, value in changes.items():
            prices[name] = prices[name].astype(object)
            prices.loc[10, name] = value
        prices.to_csv(folder / "prices.csv", index=False)

    return change


def nothing(folder):
    return None


RUN = ("run", "chips.toml")
ALIGN = ("align", "events.csv", "--zone", "Asia/Tokyo")
HEADER = "event_id,published_at,tag,direction,symbols"

CASES = {
    # Files
    "missing experiment": (
        nothing,
        ("run", "none.toml"),
        r"none\.toml: expected an experiment file .*; check",
    ),
    "missing events": (
        experiment("events.csv", "event.csv"),
        RUN,
        r"event\.csv: expected a file, got nothing; did you mean 'events\.csv'\?",
    ),
    "missing events given": (nothing, ("align", "event.csv"), r"event\.csv: .*did you mean 'events\.csv'\?"),
    "missing prices": (
        experiment("prices.csv", "bars.parquet"),
        RUN,
        r"bars\.parquet: expected a file, got nothing; check the path",
    ),
    "missing prices given": (
        nothing,
        (*RUN, "--prices", "no/such.csv"),
        r"no/such\.csv: expected a file, got nothing; check the path: there is no folder no",
    ),
    "empty events": (write("events.csv", ""), RUN, r"events\.csv: expected a table, got an empty file; "),
    "blank events": (write("events.csv", "\n\n"), RUN, r"events\.csv: expected a table, got an empty file; "),
    "empty prices": (write("prices.csv", ""), RUN, r"prices\.csv: expected a table, got an empty file; "),
    "prices without a row": (
        write("prices.csv", "symbol,date,close\n"),
        RUN,
        r"expected bars, got a table without rows; check the file",
    ),
    "corrupt Parquet": (
        write("prices.parquet", "PAR1 and then nothing of the kind"),
        (*RUN, "--prices", "prices.parquet"),
        r"prices\.parquet: expected a Parquet file, got .*; write or download the file again",
    ),
    "corrupt Parquet of events": (
        write("events.parquet", "junk"),
        ("align", "events.parquet"),
        r"events\.parquet: expected a Parquet file, got .*; write or download the file again",
    ),
    "unknown kind of file": (
        write("events.xlsx", "junk"),
        ("align", "events.xlsx"),
        r"events\.xlsx: expected a file that ends in \.csv.*, got \.xlsx; convert or rename it",
    ),
    "another encoding": (
        write_bytes("events.csv", HEADER.encode() + b"\na,2025-06-10T22:00Z,chip,\xff,8035.T\n"),
        ALIGN,
        r"events\.csv, line 2: expected UTF-8 text, got the byte 0xff; save the file as UTF-8",
    ),
    "a folder without prices": (
        lambda folder: (folder / "bars").mkdir(),
        (*RUN, "--prices", "bars"),
        r"bars: expected files that end in .*, got none in the folder; check the path",
    ),
    "missing impacts": (
        experiment("[events]", '[events]\nimpacts = "impacts.csv"'),
        RUN,
        r"impacts\.csv: expected a file, got nothing",
    ),
    # Events
    "wrong columns": (
        write("events.csv", "event_id,publshed_at,tags,symbols\na,2025-06-10T22:00Z,chip,8035.T\n"),
        ALIGN,
        r"events\.csv, column publshed_at: expected a known column, got .*; rename it to 'published_at'",
        r"events\.csv, column tags: expected a known column, got 'tags'; rename it to 'tag', or drop it",
    ),
    "no column that tells when": (
        write("events.csv", "tag,symbols\nchip,8035.T\n"),
        ALIGN,
        r"events\.csv: expected a column that tells when the event was known, got none; add known_by",
    ),
    "naive timestamp": (
        add("events.csv", "x,2025-06-10T22:00,chip,positive,8035.T,wire,"),
        ("align", "events.csv"),
        r"events\.csv, line 7, column published_at: expected a date with its zone, got '2025-08-05'; add a zone",
        r"events\.csv, line 11, column published_at: expected an instant with a zone, got '2025-06-10T22:00'; "
        r"add an offset",
    ),
    "no such day": (
        add("events.csv", "x,2025-06-31T10:00Z,chip,positive,8035.T,wire,"),
        RUN,
        r"events\.csv, line 11, column published_at: expected .*, got '2025-06-31T10:00Z'; ",
    ),
    "bad zone": (
        nothing,
        ("align", "events.csv", "--zone", "Asia/Tokio"),
        r"column zone: expected an IANA zone name, got 'Asia/Tokio'; did you mean 'Asia/Tokyo'\?",
    ),
    "bad zone in the experiment": (
        experiment("Asia/Tokyo", "Tokyo time"),
        RUN,
        r"chips\.toml, column zone: expected an IANA zone name, got 'Tokyo time'; ",
    ),
    "bad direction": (
        add("events.csv", "x,2025-06-10T22:00Z,chip,positiv,8035.T,wire,"),
        ALIGN,
        r"events\.csv, line 11, column direction: expected a direction of chip .*did you mean 'positive'\?",
    ),
    "unknown symbol of an event": (
        add("events.csv", "x,2025-06-10T22:00Z,chip,positive,TOYOTA,wire,"),
        ALIGN,
        r"events\.csv, line 11, column symbols: expected a symbol of a known venue, got 'TOYOTA'; ",
    ),
    "unknown venue of an event": (
        add("events.csv", "x,2025-06-10T22:00Z,chip,positive,8035.TKY,wire,"),
        ALIGN,
        r"events\.csv, line 11, column symbols: expected a symbol of a known venue, got '8035\.TKY'; "
        r"did you mean '8035\.T'\?",
    ),
    "a row too short": (
        add("events.csv", "x,2025-06-10T22:00Z,chip"),
        ALIGN,
        r"events\.csv, line 11: expected 7 cells, got 3; add the missing cells",
    ),
    "unknown catalogue": (
        nothing,
        ("align", "catalogue:fmoc"),
        r"expected the name of a shipped catalogue, got 'fmoc'; did you mean 'fomc'\?",
    ),
    # Prices
    "wrong columns of prices": (
        write("prices.csv", "symbol,dates,close\n8035.T,2025-06-10,1\n"),
        RUN,
        r"prices\.csv, column dates: expected a known column, got 'dates'; rename it to 'date', or drop it",
    ),
    "two bars of one day": (
        add("prices.csv", "8035.T,2025-06-10,5,6,4,5,100"),
        RUN,
        r"prices\.csv, line \d+: expected one bar of 8035\.T on 2025-06-10, got another than on line \d+; remove",
    ),
    "high below low": (
        bar(high=1.0),
        RUN,
        r"prices\.csv, line 12, column high: expected a high of 8035\.T on 2025-06-16 not below its low \S+, got 1;"
        r" correct the row, or leave such rows out with skip_bad",
    ),
    "negative price": (
        bar(low=-5.0),
        RUN,
        r"prices\.csv, line 12, column low: expected a positive low of 8035\.T on 2025-06-16, got -5; correct",
    ),
    "no number": (
        bar(close="n/a"),
        RUN,
        r"prices\.csv, line 12, column close: expected a number, got 'n/a'; correct or empty the cell",
    ),
    "no date": (
        bar(date="16/06/2025"),
        RUN,
        r"prices\.csv, line 12, column date: expected a date, got '16/06/2025'; write 2025-09-12",
    ),
    "naive time of a bar": (
        bar(date="2025-06-16 09:00"),
        RUN,
        r"prices\.csv, line 12, column date: expected a date, got the naive timestamp '2025-06-16 09:00'; write",
    ),
    "only unknown symbols": (
        write("prices.csv", "symbol,date,close\nNOPE,2025-06-10,1\n"),
        RUN,
        r"expected a symbol of a known venue, got 'NOPE'; write a Yahoo symbol",
    ),
    "none of the universe": (
        experiment("[strategy]", '[universe]\nsymbols = "9984.T"\n[strategy]'),
        (*RUN, "--events", "catalogue:fomc"),
        r"chips\.toml: expected prices of a wanted symbol, got none of 9984\.T; check symbols and prices",
    ),
    # The experiment
    "no TOML": (
        experiment("hold = 3", "hold = = 3"),
        RUN,
        r"chips\.toml.*: expected valid TOML, got .*line 11",
    ),
    "unknown section": (
        experiment("[prices]", "[price]"),
        RUN,
        r"chips\.toml, line 5: expected a section of an experiment, got \[price\]; did you mean 'prices'\?",
    ),
    "unknown key": (
        experiment("hold = 3", "hodl = 3"),
        RUN,
        r"chips\.toml, line 11.*: expected .*, got 'hodl'; did you mean 'hold'\?",
    ),
    "unknown key of another section": (
        experiment("zone =", "zones ="),
        RUN,
        r"chips\.toml, line 3.*: expected .*, got 'zones'; did you mean 'zone'\?",
    ),
    "a value out of its range": (
        experiment("stop = 0.05", "stop = 5"),
        RUN,
        r"chips\.toml, line 12.*: expected .*stop.*, got 5; ",
    ),
    "a value that is no choice": (
        experiment("hold = 3", 'entry = "opne"'),
        RUN,
        r"chips\.toml, line 11.*: expected .*entry to be one of open, close, got 'opne'; did you mean 'open'",
    ),
    "unknown kind of strategy": (
        experiment('"reaction"', '"chip_momentun"'),
        RUN,
        r"chips\.toml, line 9.*: expected .*a kind of strategy, got 'chip_momentun'; did you mean 'chip_momentum'",
    ),
    "unknown strategy": (
        nothing,
        ("signals", "events.csv", "--strategy", "fedcut"),
        r"expected a kind of strategy, got 'fedcut'; did you mean 'fed_cut'\?",
    ),
    "unknown universe": (
        nothing,
        (*ALIGN, "--universe", "asia-semi"),
        r"expected .*, got 'asia-semi'; ",
    ),
    "unknown universe in the experiment": (
        experiment("[strategy]", '[universe]\nname = "asia-smis"\n[strategy]'),
        RUN,
        r"chips\.toml.*: expected .*, got 'asia-smis'; ",
    ),
    "no events at all": (
        experiment('files = ["events.csv"]', ""),
        RUN,
        r"chips\.toml: expected files or catalogue under \[events\], got neither; write for example",
    ),
    "no prices at all": (
        experiment('files = ["prices.csv"]', ""),
        RUN,
        r"chips\.toml: expected files or simulated = true under \[prices\], got neither; name the price files",
    ),
    "a period that is none": (
        experiment("[events]", '[events]\nstart = "June"'),
        RUN,
        r"chips\.toml.*: expected .*date.*\[events\].*, got 'June'.*; write 2018-01-01",
    ),
    # Options
    "bad entry": (
        nothing,
        (*ALIGN, "--entry", "opne"),
        r"expected entry: open or close, got 'opne'; did you mean",
    ),
    "naive as-of": (
        nothing,
        ("signals", "events.csv", "--zone", "Asia/Tokyo", "--as-of", "2025-06-10T22:00"),
        r"expected an instant with a zone, got the naive timestamp '2025-06-10 22:00:00'; add an offset",
    ),
    "as-of that is no instant": (
        nothing,
        ("signals", "events.csv", "--zone", "Asia/Tokyo", "--as-of", "tomorow"),
        r"expected an instant, got 'tomorow'; write 2025-09-12T09:00\+09:00",
    ),
    # Run folders
    "no run folder": (
        nothing,
        ("report", "runs/none"),
        r"runs/none: expected a run folder written by `aftershock run`, got .*; give the folder that holds manifest",
    ),
    "a folder that is no run": (
        lambda folder: (folder / "other").mkdir(),
        ("report", "other"),
        r"other: expected a run folder written by `aftershock run`, got one without manifest\.json, ",
    ),
    "a file that is no run": (
        nothing,
        ("report", "chips.toml"),
        r"chips\.toml: expected a run folder written by `aftershock run`, got ",
    ),
    # Places that cannot be written: permissions would not stop the root user, a file in the way stops everybody.
    "a file where the folder should be": (
        nothing,
        (*RUN, "--out", "prices.csv"),
        r"prices\.csv: expected a place that can be written, got File exists; choose another folder",
    ),
    "a file on the way to the folder": (
        nothing,
        (*RUN, "--out", "prices.csv/run"),
        r"prices\.csv/run: expected a place that can be written, got Not a directory; choose another folder",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_ends_with_a_line_for_each_problem(case, place, capsys):
    spoil, words, *expected = CASES[case]
    spoil(place)
    before = sorted(place.rglob("*"))
    done = call(capsys, *words)
    lines = done.err.splitlines()
    assert (done.code, done.out, len(lines)) == (2, "", len(expected))
    assert lines[0].startswith("aftershock: ")
    for line, pattern in zip(lines, expected, strict=True):
        assert re.search(pattern, line)
        assert "; " in line
        assert "Traceback" not in line
    assert sorted(place.rglob("*")) == before


def test_in_a_process_of_its_own(place):
    experiment("hold = 3", "hodl = 3")(place)
    words = [sys.executable, "-m", "aftershock", *RUN]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"aftershock: chips\.toml, line 11.*; did you mean 'hold'\?\n", done.stderr)


def test_a_wrong_option_is_a_usage_error(place, capsys):
    for words in (
        ("run",),
        ("align", "events.csv", "--latency", "soon"),
        ("run", "chips.toml", "--pricse", "x"),
    ):
        done = call(capsys, *words)
        assert (done.code, done.out) == (2, "")
        assert "Usage: " in done.err
        assert "Traceback" not in done.err
    assert not (place / "runs").exists()


def test_many_problems_are_counted(place, capsys):
    rows = "".join(f"x{n},2025-06-10T22:00,chip,positive,8035.T\n" for n in range(50))
    (place / "events.csv").write_text(f"{HEADER}\n{rows}", encoding="utf-8")
    lines = call(capsys, "align", "events.csv").err.splitlines()
    assert len(lines) == 21
    assert lines[0].startswith("aftershock: events.csv, line 2, column published_at: expected ")
    assert lines[19].startswith("events.csv, line 21, ")
    assert lines[-1] == "... and 30 more problems"


def test_an_interruption_is_no_traceback(place, capsys, monkeypatch):
    def interrupt(*_args, **_names):
        raise KeyboardInterrupt

    monkeypatch.setattr("aftershock.run.execute", interrupt)
    done = call(capsys, *RUN)
    assert done.code == 130
    assert "Traceback" not in done.err
    assert not (place / "runs").exists()


def test_an_unwritable_place_costs_no_older_run(place, capsys):
    assert call(capsys, *RUN, "--out", "run").code == 0
    (place / "run/stats.json").unlink()
    (place / "run/stats.json").mkdir()
    before = {path: path.read_bytes() for path in (place / "run").iterdir() if path.is_file()}
    experiment("hold = 3", "hold = 1")(place)
    done = call(capsys, *RUN, "--out", "run")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "aftershock: run/stats.json: expected a place that can be written, got a folder; choose another folder\n"
    )
    assert {path: path.read_bytes() for path in (place / "run").iterdir() if path.is_file()} == before
    assert len(list((place / "run").iterdir())) == len(before) + 1


def test_a_report_that_cannot_be_written(place, capsys):
    assert call(capsys, *RUN, "--out", "run").code == 0
    done = call(capsys, "report", "run", "--out", "prices.csv/report.html")
    assert done.code == 2
    assert "prices.csv/report.html: expected a place that can be written, got " in done.err
    (place / "run/trades.parquet").write_bytes(b"junk")
    done = call(capsys, "report", "run")
    assert done.code == 2
    assert "run/trades.parquet: expected a file written by `aftershock run`, got " in done.err


class TestListed:
    """What is no error is listed."""

    def test_events_outside_the_prices(self, place, capsys):
        rows = "early,2019-01-02T22:00Z,chip,positive,8035.T\nlate,2025-12-02T22:00Z,chip,positive,8035.T\n"
        (place / "events.csv").write_text(f"{HEADER}\n{rows}", encoding="utf-8")
        done = call(capsys, *RUN)
        assert (done.code, done.err) == (0, "")
        assert "signals: 2 (no_bar 2)" in done.out
        audit = pd.read_parquet(place / "runs/chips/audit.parquet").set_index("event_id")
        assert audit["outcome"].to_dict() == {"early": "no_bar", "late": "no_bar"}
        assert (
            audit["reason"]
            .str.startswith("the instrument has no bar at the sessions that could be had")
            .all()
        )
        assert audit["first_open"].notna().all()
        assert len(pd.read_parquet(place / "runs/chips/trades.parquet")) == 0

    def test_a_symbol_of_the_prices_that_nobody_knows(self, place, capsys):
        add("prices.csv", "NOPE,2025-06-10,5,6,4,5,100")(place)
        assert call(capsys, *RUN).code == 0
        assert warned(place)["unknown_symbol"] == ("NOPE", 1)

    def test_a_bar_that_stands_twice(self, place, capsys):
        line = (place / "prices.csv").read_text(encoding="utf-8").splitlines()[5]
        add("prices.csv", line)(place)
        assert call(capsys, *RUN).code == 0
        assert warned(place)["duplicate"] == ("8035.T", 1)

    def test_a_bar_on_a_holiday(self, place, capsys):
        add("prices.csv", "8035.T,2025-07-21,5,6,4,5,100")(place)
        assert call(capsys, *RUN).code == 0
        assert warned(place)["not_a_session"] == ("8035.T", 1)

    def test_an_instrument_without_prices(self, place, capsys):
        experiment("[strategy]", '[universe]\nsymbols = ["8035.T", "9988.HK"]\n[strategy]')(place)
        assert call(capsys, *RUN).code == 0
        assert warned(place)["no_prices"] == ("9988.HK", 0)
        audit = pd.read_parquet(place / "runs/chips/audit.parquet").set_index("event_id")
        assert audit.loc["unpriced", "outcome"] == "no_prices"
        assert audit.loc["unpriced", "reason"].startswith("there are no prices for the instrument")

    def test_an_event_without_an_instrument(self, place, capsys):
        add("events.csv", "x,2025-06-10T22:00Z,chip,positive,,wire,")(place)
        done = call(capsys, *RUN)
        assert done.code == 0
        assert "no signal: 2 (no_instrument 1, outside_universe 1)" in done.out
        manifest = json.loads((place / "runs/chips/manifest.json").read_text(encoding="utf-8"))
        skipped = {row["event_id"]: row for row in manifest["skipped_events"]}
        assert skipped["x"]["code"] == "no_instrument"
        assert skipped["x"]["reason"] == "it names no instrument of the universe"

    def test_events_without_a_row(self, place, capsys):
        (place / "events.csv").write_text(HEADER + "\n", encoding="utf-8")
        done = call(capsys, *RUN)
        assert (done.code, done.err) == (0, "")
        assert "signals: 0\n" in done.out
        assert json.loads(call(capsys, "align", "events.csv", "--json").out) == []


def warned(place):
    manifest = json.loads((place / "runs/chips/manifest.json").read_text(encoding="utf-8"))
    return {row["code"]: (row["symbol"], row["rows"]) for row in manifest["warnings"]}


class TestPythonDoor:
    """The same errors are exceptions in a script."""

    def test_an_unknown_venue(self):
        with pytest.raises(InputError, match=r"expected .*, got 'XTKX'; did you mean 'XTKS' or 'XKRX'\?"):
            af.venue("XTKX")

    def test_frames(self):
        with pytest.raises(InputError, match=r"line 6, column published_at: expected a date with its zone"):
            af.backtest(make_events(), make_prices(), "reaction")
        prices = make_prices().rename(columns={"date": "day"})
        with pytest.raises(InputError, match=r"expected a column 'date', got only "):
            af.backtest(make_events(), prices, "reaction", zone="Asia/Tokyo")

    def test_an_unknown_universe(self):
        with pytest.raises(
            InputError, match=r"expected a universe, got 'asia-semi'; did you mean 'asia-semis'"
        ):
            af.backtest(make_events(), make_prices(), universe="asia-semi", zone="Asia/Tokyo")

    def test_an_unknown_strategy_and_key(self):
        with pytest.raises(InputError, match=r"got 'tarif_shock'; did you mean 'tariff_shock'\?"):
            af.backtest(make_events(), make_prices(), "tarif_shock")
        with pytest.raises(
            InputError, match=r"expected a key of Reaction, got 'hodl'; did you mean 'hold'\?"
        ):
            af.Reaction(hodl=3)

    def test_skip_bad(self):
        events = make_events()
        events.loc[0, "published_at"] = "2025-06-10T22:00"
        prices = make_prices()
        prices.loc[5, "low"] = -1.0
        with pytest.raises(InputError, match="expected an instant with a zone"):
            af.backtest(events, prices, "reaction")
        with pytest.raises(InputError, match=r"line 6, column low: expected a positive low"):
            af.backtest(events, prices, "reaction", zone="Asia/Tokyo")
        found = af.backtest(events, prices, "reaction", skip_bad=True)
        counts = {row["code"]: row["rows"] for row in found.manifest["warnings"]}
        assert counts["skipped"] == 2
        assert counts["bad_price"] == 1
        assert [row["event_id"] for row in found.manifest["skipped_events"][:2]] == ["line 1", "line 6"]

    def test_a_folder_that_is_no_run(self, tmp_path):
        with pytest.raises(InputError, match=r"expected a run folder written by `aftershock run`"):
            af.load_run(tmp_path)
        with pytest.raises(InputError, match="expected at least one run, got none"):
            af.report([], tmp_path / "r.html")

    @pytest.mark.parametrize("latency", [-1, float("nan"), float("inf"), 1e300, "soon", None])
    def test_a_bad_latency(self, latency):
        with pytest.raises(InputError, match=r"expected a value of latency that fits, got '?-?[\w.+]+'?;"):
            af.align(make_events(), zone="Asia/Tokyo", latency=latency)

    def test_a_bad_entry(self):
        with pytest.raises(InputError, match="expected entry: open or close, got 'closed'"):
            af.align(make_events(), zone="Asia/Tokyo", entry="closed")
