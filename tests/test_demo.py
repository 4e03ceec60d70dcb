"""The demo: real events against given prices, Yahoo's, or a market that says it is SIMULATED."""

import json
import runpy
from pathlib import Path

import pandas as pd
import pytest

import aftershock as af
from aftershock.data.errors import InputError, Problem
from aftershock.data.prices import yahoo
from aftershock.data.tables import read_metadata
from aftershock.demonstration import demo
from aftershock.reports.run import TABLES

_made = runpy.run_path(str(Path(__file__).parent / "factories" / "inputs.py"))
make_prices, call = _made["make_prices"], _made["call"]


def refuse(*_args, **_names):
    raise AssertionError("Yahoo was asked")


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """No test asks Yahoo."""
    monkeypatch.setattr(yahoo, "answers", lambda timeout: False)
    monkeypatch.setattr(yahoo, "fetch", refuse)


@pytest.fixture(scope="module")
def told():
    """What the demo says while it runs."""
    return []


@pytest.fixture(scope="module")
def result(told):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yahoo, "answers", lambda timeout: False)
        return demo(seed=7, say=told.append)


@pytest.fixture
def prices(tmp_path):
    make_prices().to_parquet(tmp_path / "prices.parquet")
    return tmp_path / "prices.parquet"


def inputs_of(found):
    """The hashes of a run but for that of the code, which somebody may be editing."""
    return {name: digest for name, digest in found.manifest["hashes"].items() if name != "code"}


class TestSimulated:
    def test_it_says_so(self, result, tmp_path):
        folder = tmp_path / "run"
        report = result.save(folder)
        assert result.simulated
        assert repr(result).startswith("SIMULATED: demo, 2018-")
        assert result.manifest["caveats"][0].startswith("SIMULATED: ")
        assert set(result.manifest["prices"]["sources"]) == {"simulated"}
        assert "SIMULATED" in report.read_text(encoding="utf-8")
        assert {read_metadata(folder / f"{name}.parquet")["simulated"] for name in TABLES} == {"SIMULATED"}

    def test_it_trades_both_catalogues(self, result):
        assert {row["tag"] for row in result.stats["by"]["tag"]} == {"fed", "tariff"}
        assert result.stats["headline"]["event_dates"] > 50
        assert len(result.stats["by"]["market"]) >= 5
        assert result.events["known_by"].min() >= pd.Timestamp("2018-01-01", tz="UTC")

    def test_planted_effects_are_recovered(self, result):
        rows = result.stats["planted"]
        assert {(row["tag"], row["direction"], row["part"]) for row in rows} == {
            (tag, direction, part)
            for tag, direction in (
                ("fed", "dovish"),
                ("fed", "hawkish"),
                ("tariff", "escalation"),
                ("tariff", "deescalation"),
            )
            for part in ("gap", "drift")
        }
        for row in rows:
            assert row["event_dates"] > 5
            assert row["planted"] != 0
            assert 0 < row["standard_error"] < 0.01
            assert abs(row["recovered"] - row["planted"]) <= 4 * row["standard_error"]
        gaps = [row for row in rows if row["part"] == "gap"]
        assert all(row["recovered"] * row["planted"] > 0 for row in gaps)

    def test_one_seed_gives_one_run(self, result):
        again, other = demo(seed=7), demo(seed=8)
        for name in TABLES:
            pd.testing.assert_frame_equal(getattr(again, name), getattr(result, name), check_exact=True)
        assert inputs_of(again) == inputs_of(result)
        assert other.manifest["hashes"]["prices"] != result.manifest["hashes"]["prices"]
        assert not other.trades["pnl"].equals(result.trades["pnl"])

    def test_its_experiment_runs_again(self, result, tmp_path):
        result.save(tmp_path)
        again = af.run_experiment(tmp_path / "experiment.toml")
        assert again.simulated
        assert inputs_of(again) == inputs_of(result)
        pd.testing.assert_frame_equal(again.trades, result.trades, check_exact=True)

    def test_it_tells_what_it_does(self, result, told):
        assert told[0] == "asking Yahoo for prices"
        assert "SIMULATED" in told[1]
        assert "does not answer" in told[1]
        assert len(told) == 4

    def test_on_the_command_line(self, tmp_path, capsys, monkeypatch):
        monkeypatch.chdir(tmp_path)
        done = call(capsys, "demo", "--seed", 7)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("SIMULATED: demo")
        assert "- SIMULATED: every price was made by a seeded model" in done.out
        assert done.out.rstrip().endswith("report: runs/demo/report.html")
        manifest = json.loads((tmp_path / "runs/demo/manifest.json").read_text(encoding="utf-8"))
        assert (manifest["simulated"], manifest["seed"]) == (True, 7)
        assert call(capsys, "demo", "--seed", -1).code == 2


class TestGivenPrices:
    def test_they_come_before_all_others(self, prices, monkeypatch):
        monkeypatch.setattr(yahoo, "answers", refuse)
        found = demo(prices)
        assert not found.simulated
        assert "SIMULATED" not in repr(found)
        assert set(found.trades["symbol"]) == {"8035.T", "000660.KS", "2330.TW"}
        assert found.manifest["prices"]["files"] == [str(prices)]
        assert found.stats["planted"] == []

    def test_their_experiment_runs_again(self, prices, tmp_path):
        found = demo(str(prices))
        found.save(tmp_path / "run")
        again = af.run_experiment(tmp_path / "run/experiment.toml")
        assert inputs_of(again) == inputs_of(found)
        pd.testing.assert_frame_equal(again.trades, found.trades, check_exact=True)

    def test_on_the_command_line(self, prices, tmp_path, capsys):
        done = call(capsys, "demo", "--prices", prices, "--out", tmp_path / "run")
        assert done.code == 0
        assert "SIMULATED" not in done.out
        assert json.loads((tmp_path / "run/manifest.json").read_text(encoding="utf-8"))["simulated"] is False

    def test_bad_ones_are_refused(self, tmp_path, capsys):
        done = call(capsys, "demo", "--prices", tmp_path / "none.csv", "--out", tmp_path / "run")
        assert (done.code, done.out) == (2, "")
        assert "none.csv: expected a file, got nothing" in done.err
        assert not (tmp_path / "run").exists()


class TestYahoo:
    def test_its_prices_are_taken_where_it_answers(self, monkeypatch):
        asked = {}

        def fetch(symbols, start, end, *, timeout, least):
            asked.update(symbols=symbols, start=start, end=end, timeout=timeout, least=least)
            return make_prices().assign(source="yahoo")

        monkeypatch.setattr(yahoo, "answers", lambda timeout: True)
        monkeypatch.setattr(yahoo, "fetch", fetch)
        found = demo()
        assert not found.simulated
        assert found.manifest["prices"]["sources"] == ["yahoo"]
        assert asked["symbols"] == list(af.universe("asia-tech").symbols)
        assert (asked["start"], asked["end"]) == ("2018-01-01", "2025-12-31")
        assert asked["timeout"] <= 60
        assert 0.5 < asked["least"] < 1

    @pytest.fixture
    def refusal(self, monkeypatch):
        def fetch(*_args, **_names):
            raise InputError(Problem("prices of 8035.T", "a refusal [/429]", "wait"))

        monkeypatch.setattr(yahoo, "answers", lambda timeout: True)
        monkeypatch.setattr(yahoo, "fetch", fetch)

    def test_where_it_refuses_the_simulated_market_is_taken_and_says_why(self, refusal):
        told = []
        assert demo(say=told.append).simulated
        assert "SIMULATED" in told[1]
        assert "a refusal [/429]" in told[1]

    def test_its_words_are_no_markup(self, refusal, tmp_path, capsys):
        done = call(capsys, "demo", "--out", tmp_path / "run")
        assert (done.code, done.out[:15]) == (0, "SIMULATED: demo")
