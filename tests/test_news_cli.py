"""`aftershock news`, and news files in an experiment: what is printed, what is written, how bad input is refused."""

import json
import runpy
from pathlib import Path

import pandas as pd
import pytest

import aftershock as af
from aftershock.experiment import read_experiment
from aftershock.inputs import experiment_events, experiment_news, is_news, links_of

_made = runpy.run_path(str(Path(__file__).parent / "factories" / "inputs.py"))
write_inputs, call, HOSTILE = _made["write_inputs"], _made["call"], _made["HOSTILE"]

KEYS = [
    "file",
    "row",
    "known_from",
    "known_by",
    "why",
    "events",
    "mentions",
    "index_moves",
    "movers",
    "macro",
]
EVENT_KEYS = {
    "tag", "direction", "polarity", "strength", "status", "symbols", "scope", "story_id", "tradable", "evidence",
    "confidence", "expected", "actual", "attribution", "impacts", "refers_to", "rule",
}  # fmt: skip
HEADLINES = f"""\
headline,published
SK Hynix unveils new memory chip,2025-06-10T22:00Z
"TSMC unveils {HOSTILE.replace('"', '""')} chip",2025-06-25T22:00Z
"""
WRAP = "Chips\n\nSK Hynix (KS:000660) unveiled a new memory chip. The KOSPI index jumped 1.3%.\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder with headlines, a wrap, prices and an experiment in it."""
    write_inputs(tmp_path)
    (tmp_path / "news.csv").write_text(HEADLINES, encoding="utf-8")
    (tmp_path / "wrap.txt").write_text(WRAP, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "240")
    return tmp_path


class TestTable:
    def test_of_headlines(self, place, capsys):
        done = call(capsys, "news", "news.csv")
        assert (done.code, done.err) == (0, "")
        head, first, second = (line for line in done.out.splitlines() if "┃ " in line or "│ " in line)
        shown = [cell.strip() for cell in head.strip("┃ ").split("┃")]
        assert shown == ["time", "tag", "direction", "polarity", "strength", "symbols", "evidence"]
        assert "2025-06-10 22:00:00" in first
        assert "000660.KS" in first
        assert "2330.TW" in second

    def test_explained(self, place, capsys):
        done = call(capsys, "news", "news.csv", "--explain")
        head = next(line for line in done.out.splitlines() if "┃ " in line)
        shown = [cell.strip() for cell in head.strip("┃ ").split("┃")]
        assert shown[7:] == ["status", "story", "tradable", "rule", "span", "attribution"]
        assert "announced" in done.out
        assert "chip." in done.out

    def test_a_hostile_headline_is_shown_as_it_is(self, place, capsys):
        done = call(capsys, "news", "news.csv", "--explain")
        assert done.code == 0
        assert "\x1b" not in done.out
        assert "<script>" in done.out
        assert "[bold]x[/bold] [/nothing]" in done.out


class TestPrograms:
    def test_one_object_for_each_row(self, place, capsys):
        done = call(capsys, "news", "news.csv", "--json")
        shown = json.loads(done.out)
        assert [list(one) for one in shown] == [KEYS, KEYS]
        assert [(one["file"], one["row"]) for one in shown] == [("news.csv", 2), ("news.csv", 3)]
        assert all(set(event) == EVENT_KEYS for one in shown for event in one["events"])
        assert "NaN" not in done.out
        event = shown[0]["events"][0]
        assert event["strength"] is None
        cell = "SK Hynix unveils new memory chip"
        assert cell[event["evidence"]["start"] : event["evidence"]["end"]] == event["evidence"]["text"]

    def test_one_object_for_a_wrap(self, place, capsys):
        done = call(
            capsys, "news", "wrap.txt", "--published", "2025-09-12 10:00", "--zone", "Asia/Seoul", "--json"
        )
        (one,) = json.loads(done.out)
        assert list(one) == KEYS
        assert one["row"] is None
        assert one["known_by"] == "2025-09-12T01:00:00Z"
        assert [move["symbol"] for move in one["index_moves"]] == ["^KS11"]
        assert [move["percent"] for move in one["index_moves"]] == [1.3]
        for told in (*one["mentions"], *(event["evidence"] for event in one["events"])):
            assert WRAP[told["start"] : told["end"]] == told["text"]

    def test_the_written_events_can_be_read(self, place, capsys):
        done = call(
            capsys, "news", "news.csv", "wrap.txt", "--published", "2025-09-12T01:00Z", "-o", "told.parquet"
        )
        assert done.code == 0
        assert done.out.splitlines()[-1] == "events: told.parquet"
        events = af.load_events(place / "told.parquet")
        assert list(events.frame["tag"].unique()) == ["chip", "market_move"]
        assert set(events.frame["source_kind"]) == {"headline", "recap"}
        assert {"status", "polarity", "tradable"} <= set(events.frame)
        again = af.tag(af.read_news(["news.csv", "wrap.txt"], published="2025-09-12T01:00Z"))
        assert list(again.frame["event_id"]) == list(events.frame["event_id"])


class TestBadInput:
    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["nowhere.txt"], "aftershock: nowhere.txt: expected a news file, got no such file"),
            (["ambiguous.txt"], "which is it? say --published"),
            (["wrap.txt"], "--published"),
            (["events.csv"], "table"),
            (["news.csv", "--zone", "Mars/Base"], "Mars/Base"),
            (["news.csv", "--taxonomy", "nowhere.toml"], "nowhere.toml"),
        ],
    )
    def test_is_refused_on_one_line(self, place, capsys, words, told):
        (place / "ambiguous.txt").write_text(
            "Wrap\n\nPublished 12/09/2025, 04:08\n\nThe Fed cut interest rates.\n"
        )
        done = call(capsys, "news", *words)
        assert (done.code, done.out) == (2, "")
        assert told in done.err
        assert done.err.count("\n") == 1

    def test_nothing_is_written(self, place, capsys):
        done = call(capsys, "news", "news.csv", "-o", "told.csv")
        assert done.code == 2
        assert done.err.startswith("aftershock: told.csv: expected a file that ends in .parquet, got .csv")
        assert not (place / "told.csv").exists()
        done = call(capsys, "news", "news.csv", "nowhere.txt", "-o", "told.parquet")
        assert done.code == 2
        assert not (place / "told.parquet").exists()


EXPERIMENT = """\
[events]
files = ["wrap.txt", "news.csv"{more}]
published = "2025-09-12T01:00Z"

[prices]
files = ["prices.csv"]

[strategy]
kind = "reaction"
tag = "chip"
hold = 3
"""


class TestExperiment:
    def test_runs_on_news(self, place, capsys):
        (place / "wrap.toml").write_text(EXPERIMENT.format(more=""), encoding="utf-8")
        done = call(capsys, "run", "wrap.toml", "-o", "out", "--json")
        assert (done.code, done.err) == (0, "")
        shown = json.loads(done.out)
        assert (place / "out" / "report.html").is_file()
        assert shown["report"].endswith("report.html")
        audit = pd.read_parquet(place / "out" / "audit.parquet")
        assert set(audit["source_kind"]) == {"headline", "recap"}
        assert (audit["headline"] == (audit["source_kind"] == "headline")).all()

    def test_takes_news_and_events_together(self, place):
        (place / "both.toml").write_text(
            EXPERIMENT.format(more=', "events.csv"').replace("[prices]", 'zone = "Asia/Tokyo"\n\n[prices]'),
            encoding="utf-8",
        )
        experiment = read_experiment(place / "both.toml")
        news = experiment_news(experiment)
        both = experiment_events(experiment, news).frame
        assert set(news.frame["event_id"]) < set(both["event_id"])
        assert {"up", "down", "last"} <= set(both["event_id"])
        assert both["known_by"].is_monotonic_increasing

    def test_without_news_there_is_none(self, place):
        experiment = read_experiment(place / "chips.toml")
        assert experiment_news(experiment) is None
        assert len(links_of(None, experiment_events(experiment)).impacts) == 0

    def test_impacts_of_news_join_the_given(self, place):
        deal = "Toyota Motor to acquire Toyota Industries in $33 billion tender offer"
        (place / "news.csv").write_text(f"headline,published\n{deal},2025-06-10T22:00Z\n")
        news = af.tag(af.read_news("news.csv"))
        impacts = links_of(None, news, news).impacts
        assert dict(zip(impacts["symbol"], impacts["polarity"], strict=True)) == {
            "6201.T": 1.0,
            "7203.T": 0.0,
        }

    @pytest.mark.parametrize(
        ("name", "content", "expected"),
        [
            ("a.txt", "x", True),
            ("a.MD", "x", True),
            ("a.html", "x", True),
            ("a.csv", "headline,published\nx,2025-01-01\n", True),
            ("a.csv", "\ufefftitle,published\nx,2025-01-01\n", True),
            ("a.csv", "headline,tag\nx,fed\n", False),
            ("a.csv", "event_id,known_by\n", False),
            ("a.csv", "", False),
            ("a.jsonl", '{"text": "x", "date": "2025-01-01"}\n', True),
            ("a.jsonl", '{"text": "x", "tag": "fed"}\n', False),
            ("a.jsonl", "no json\n", False),
            ("a.parquet", "no parquet", False),
        ],
    )
    def test_what_is_news(self, tmp_path, name, content, expected):
        (tmp_path / name).write_text(content, encoding="utf-8")
        assert is_news(str(tmp_path / name)) is expected

    def test_a_folder_is_news_and_a_missing_table_is_not(self, tmp_path):
        assert is_news(str(tmp_path))
        assert not is_news(str(tmp_path / "nowhere.csv"))
        assert not is_news("catalogue:fomc")
