"""`aftershock study` and its page: a folder all or nothing, hostile texts stay texts, SIMULATED where it must."""

import json
import re
import runpy
from pathlib import Path

import pandas as pd
import pytest
from inputs import HOSTILE, call, make_events, make_prices, write_inputs

import aftershock as af
from aftershock.reports.study_page import render_study
from aftershock.reports.study_run import MANIFEST, STUDY_TABLES
from aftershock.reports.study_words import band_words, p_words, window_words

STUDY = """
[study]
model = "mean"
window = [-2, 5]
estimation = [-60, -5]
min_observations = 3
cars = [[0, 0], [0, 5]]
by = ["direction"]
draws = 50
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_inputs(tmp_path, STUDY)
    return tmp_path


def test_it_leaves_every_file_and_says_where(place, capsys):
    done = call(capsys, "study", "chips.toml", "-o", "out")
    assert done.code == 0, done.err
    names = {path.name for path in (place / "out").iterdir()}
    assert names == {
        *(f"{name}.parquet" for name in STUDY_TABLES),
        MANIFEST,
        "experiment.toml",
        "report.html",
    }
    assert "report: out/report.html" in done.out
    assert "Session 0:" in done.out
    assert "95 % band" in done.out
    assert "not measured:" in done.out
    tests = pd.read_parquet(place / "out/tests.parquet")
    assert set(tests["group"]) == {"all", "positive", "negative"}
    assert "[study]" in (place / "out/experiment.toml").read_text()


def test_by_default_beside_the_runs(place, capsys):
    assert call(capsys, "study", "chips.toml").code == 0
    assert (place / "runs/chips-study" / MANIFEST).is_file()


def test_json(place, capsys):
    told = json.loads(call(capsys, "study", "chips.toml", "--json").out)
    assert told["counts"]["rows"] > 0
    assert told["settings"]["window"] == [-2, 5]
    assert {"effect", "low", "high", "p", "p_holm", "p_by", "detectable"} <= set(told["tests"][0])
    assert [row["treatment"] for row in told["treatments"][:2]] == ["kept", "excluded"]


def test_the_saved_experiment_gives_the_same_study(place, capsys):
    call(capsys, "study", "chips.toml", "-o", "one")
    assert call(capsys, "study", "one/experiment.toml", "-o", "two").code == 0
    for name in ("ar", "tests", "skipped"):
        one, two = (pd.read_parquet(place / folder / f"{name}.parquet") for folder in ("one", "two"))
        pd.testing.assert_frame_equal(one, two)


def test_the_report_is_written_again(place, capsys):
    call(capsys, "study", "chips.toml", "-o", "out")
    first = (place / "out/report.html").read_text()
    (place / "out/report.html").unlink()
    done = call(capsys, "report", "out")
    assert (done.code, "report: out/report.html" in done.out) == (0, True)
    assert (place / "out/report.html").read_text() == first
    numbers = json.loads(call(capsys, "report", "out", "--json").out)
    assert {"caar-day", "aar-day", "groups-day-0-0", "treated-day-0-5"} <= set(numbers)
    assert len(numbers["caar-day"]["path"]) == 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('model = "markt"', r"chips.toml, line \d+: .*did you mean 'market'"),
        ("windw = [0, 1]", r"chips.toml, line \d+: .*did you mean 'window'"),
        ("window = [-90, 5]", r"ends before the event window"),
        ('model = "market"', r"no market index for its venue.*'mean' or 'control'"),
        ("min_observations = 900", r"history is too short"),
        ('model = "factors"\nfactors = "none.csv"', r"none.csv"),
    ],
)
def test_one_line_says_what_is_wrong(place, capsys, change, message):
    key = change.split(" = ")[0]
    kept = "\n".join(line for line in STUDY.splitlines() if not line.startswith(f"{key} "))
    write_inputs(place, kept + "\n" + change + "\n")
    done = call(capsys, "study", "chips.toml", "-o", "out")
    assert done.code == 2
    assert re.search(message, done.err.replace("\n", " ")), done.err
    assert "Traceback" not in done.err
    assert not (place / "out").exists()


def test_a_folder_that_is_none(place, capsys):
    (place / "empty").mkdir()
    with pytest.raises(af.InputError, match="written by `aftershock study`"):
        af.load_study(place / "empty")
    call(capsys, "study", "chips.toml", "-o", "out")
    (place / "out/tests.parquet").write_bytes(b"no table")
    assert call(capsys, "report", "out").code == 2


@pytest.fixture(scope="module")
def found():
    table = make_events()
    table["event_id"] = table["event_id"] + HOSTILE
    return af.study(
        table, make_prices(), name=HOSTILE, universe=["8035.T", "000660.KS", "2330.TW"], zone="Asia/Tokyo",
        model="mean", window=(-2, 5), estimation=(-60, -5), min_observations=3, draws=0, skip_bad=True,
    )  # fmt: skip


class TestPage:
    def test_hostile_texts_stay_texts(self, found):
        page = render_study(found)
        assert "<script>alert" not in page
        assert "\x1b" not in page
        assert "alert(1)" not in re.sub(r"&lt;script&gt;alert\(1\)", "", page)

    def test_it_loads_nothing(self, found):
        page = render_study(found)
        assert "default-src 'none'" in page
        assert re.findall(r'(?:src|href)="(?!#)[^"]*"', page) == []
        assert "<script" not in render_study(found, brief=True)

    def test_the_same_study_gives_the_same_page(self, found):
        assert render_study(found) == render_study(found)

    def test_effects_come_before_p_values(self, found):
        page = render_study(found)
        assert page.index("Effect") < page.index(">p<")
        assert "*" not in re.sub(r"<(style|script).*?</\1>", "", page, flags=re.DOTALL).split("<pre")[
            0
        ].replace("/*", "")

    def test_simulated_is_said_everywhere(self):
        market = af.simulated_market(["8035.T", "000660.KS"], start="2023-01-01", end="2024-12-31", seed=1)
        table = pd.DataFrame(
            {"known_by": ["2024-05-08T22:00Z", "2024-06-12T22:00Z"], "tag": "chip", "direction": "positive",
             "symbols": "8035.T 000660.KS"}
        )  # fmt: skip
        found = af.study(table, market.tape, model="mean", draws=0)
        page = render_study(found)
        assert page.count("SIMULATED") > 10
        titles = re.findall(r'<p class="title">(.*?)</p>|<caption><span>(.*?)</span>', page)
        assert titles
        assert all("SIMULATED" in "".join(title) for title in titles)
        assert found._repr_html_().startswith("<iframe sandbox")

    def test_halves_are_told_apart(self):
        market = af.simulated_market(["8035.T", "000660.KS"], start="2023-01-01", end="2024-12-31", seed=1)
        table = pd.DataFrame(
            {"known_by": ["2024-05-08T22:00Z", "2024-06-12T22:00Z"], "tag": "chip", "direction": "positive",
             "symbols": "8035.T 000660.KS"}
        )  # fmt: skip
        page = render_study(af.study(table, market.tape, model="mean", part="halves", draws=0))
        assert "Cumulative average abnormal return, from the last close to the open" in page
        assert "Cumulative average abnormal return, from the open to the close" in page


def test_in_a_browser(found, tmp_path):
    """Tables are built, nothing is loaded, and hostile texts do nothing."""
    chromium = runpy.run_path(str(Path(__file__).parent / "factories" / "chromium.py"))
    if chromium["installed"]() is None:
        pytest.skip("there is no chromium on this machine")
    found.report(tmp_path / "study.html")
    with chromium["browser"]() as tab:
        tab.show(1200, 900)
        tab.open(tmp_path / "study.html")
        rows = tab.run(
            "[...document.querySelectorAll('.grid')].map((each) => each.querySelectorAll('tbody tr').length)"
        )
        assert rows[1] > 0
        assert rows[-1] == min(25, len(found.rows))
        assert tab.run("document.querySelectorAll('figure.drawing').length") > 4
        assert tab.run("document.body.textContent.includes('<script>alert(1)')") is True
        assert tab.run("document.documentElement.scrollWidth <= innerWidth")
        tab.show(390, 800)
        assert tab.run("document.documentElement.scrollWidth <= innerWidth")
        assert (tab.errors, tab.requests) == ([], [])


def test_words():
    assert window_words(-5, -1) == "sessions −5 to −1"
    assert p_words(0.0004) == "< 0.001"
    assert band_words(0.01, float("nan")) == "n/a"
