"""Importing price files into a store: as they are told, more than once, killed on the way."""

import multiprocessing
import random
import signal
import time

import numpy as np
import pandas as pd
import pytest
from inputs import make_prices, write_inputs
from yahoo_server import Market, import_in_child

from aftershock.data.errors import InputError
from aftershock.data.prices import audit, load_tape
from aftershock.data.prices.imports import import_prices
from aftershock.data.prices.store import Key, Store, is_store
from aftershock.run import run_experiment

SYMBOLS = ["8035.T", "6857.T", "2330.TW", "000660.KS", "9988.HK", "0700.HK"]
BARS = pd.DataFrame(
    {
        "symbol": ["8035.T"] * 3 + ["KS:000660"] * 2,
        "date": ["2025-09-10", "2025-09-11", "2025-09-12", "2025-09-11", "2025-09-12"],
        "open": [99.0, 100.0, 101.0, 300.0, 310.0],
        "high": [103.0] * 3 + [330.0] * 2,
        "low": [98.0] * 3 + [290.0] * 2,
        "close": [100.0, 101.0, 102.0, 305.0, 320.0],
        "volume": [10.0, 20.0, 30.0, 40.0, 50.0],
    }
)


def market():
    made = Market()
    return pd.concat([made.traded(symbol).assign(symbol=symbol) for symbol in SYMBOLS]).drop(columns="at")


def outcomes(found):
    return dict(zip(found.outcomes["symbol"], found.outcomes["outcome"], strict=True))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "prices"


class TestWhatIsKept:
    @pytest.mark.parametrize(
        "columns", [{}, {"factor": 2.0}, {"dividend": 1.0, "split": 1.0}, {"halted": True}]
    )
    def test_the_tape_of_the_store_is_the_tape_of_the_file(self, folder, columns, tmp_path):
        frame = BARS.assign(**columns)
        frame.to_parquet(tmp_path / "bars.parquet")
        found = import_prices(tmp_path / "bars.parquet", "desk", store=folder)
        assert outcomes(found) == {"000660.KS": "new", "8035.T": "new"}
        assert load_tape(folder).digest() == load_tape(frame.assign(source="desk")).digest()

    def test_adjusted_closes_become_factors(self, folder):
        frame = BARS.assign(adj_close=BARS["close"] / 4)
        import_prices(frame, "desk", store=folder)
        assert load_tape(folder).digest() == load_tape(frame.assign(source="desk")).digest()
        assert load_tape(folder).factor.tolist() == [4.0] * 5

    def test_instants_need_their_interval(self, folder):
        opens = pd.to_datetime(["2025-09-12T00:00Z", "2025-09-12T01:00Z", "2025-09-12T02:00Z"])
        frame = pd.DataFrame({"symbol": "8035.T", "opens_at": opens, "close": [1.0, 2.0, 3.0]})
        with pytest.raises(
            InputError, match=r'bars of the interval, got bars within sessions; .* interval="60m"'
        ):
            import_prices(frame.assign(closes_at=opens + pd.Timedelta(hours=1)), "desk", store=folder)
        import_prices(frame, "desk", store=folder, interval="1h")
        tape = load_tape(folder, interval="60m")
        assert tape.digest() == load_tape(frame.assign(source="desk"), interval="60m").digest()
        assert pd.Timestamp(tape.closes_at[2], tz="UTC") == pd.Timestamp("2025-09-12T02:30Z")

    def test_each_source_is_a_series_under_both_names(self, folder):
        frame = BARS.assign(source=["a", "a", "b", "a", "a"])
        import_prices(frame, store=folder)
        import_prices(frame, "desk", store=folder)
        assert sorted({key.source for key in Store(folder).series()}) == ["a", "b", "desk-a", "desk-b"]
        with pytest.raises(
            InputError, match="the name of a source, got nothing; name it, for example --source desk"
        ):
            import_prices(BARS, store=folder)

    def test_the_file_is_named_by_its_content_not_its_place(self, folder, tmp_path):
        path = tmp_path / "bars.csv"
        BARS.to_csv(path, index=False)
        import_prices(path, "desk", store=folder)
        about = Store(folder).about(Key("desk", "1d", "8035.T"))
        assert [one["name"] for one in about["files"]] == ["bars.csv"]
        assert len(about["files"][0]["sha256"]) == 64
        assert str(tmp_path) not in str(about)

    def test_a_newer_file_extends_and_replaces_what_it_tells(self, folder):
        first = import_prices(BARS, "desk", store=folder)
        later = BARS.iloc[[2]].assign(date="2025-09-16", close=103.0)
        other = BARS.iloc[[1]].assign(close=100.5)
        found = import_prices(pd.concat([other, later]), "desk", store=folder)
        assert outcomes(found) == {"8035.T": "rewritten"}
        assert found.outcomes["added"].tolist() == [1]
        assert found.changes[["column", "first", "before", "after"]].values.tolist() == [
            ["close", "2025-09-11", 101.0, 100.5]
        ]
        closes = load_tape(folder).bars("8035.T")["close"]
        assert closes.tolist() == [100.0, 100.5, 102.0, 103.0]
        before = load_tape(folder, snapshot=first.snapshot)
        assert before.bars("8035.T")["close"].tolist() == [100.0, 101.0, 102.0]
        assert outcomes(import_prices(BARS.iloc[[0]], "desk", store=folder)) == {"8035.T": "unchanged"}

    def test_every_file_that_it_was_made_of_is_named(self, folder, tmp_path):
        for name, rows in (("b.csv", [0]), ("a.csv", [1, 2]), ("b.csv", [0])):
            BARS.iloc[rows].to_csv(tmp_path / name, index=False)
            import_prices(tmp_path / name, "desk", store=folder)
        about = Store(folder).about(Key("desk", "1d", "8035.T"))
        assert [one["name"] for one in about["files"]] == ["a.csv", "b.csv"]

    def test_adjusted_and_traded_bars_are_no_series(self, folder):
        import_prices(BARS.assign(adj_close=BARS["close"] / 2), "desk", store=folder)
        later = BARS.iloc[[2]].assign(date="2025-09-16", dividend=1.0, split=1.0)
        with pytest.raises(
            InputError, match=r"8035.T of desk all adjusted or all traded, got a factor on some"
        ):
            import_prices(later, "desk", store=folder)
        assert len(Store(folder).read(Key("desk", "1d", "8035.T"))) == 3
        import_prices(later, "desk-traded", store=folder)

    def test_two_dividends_for_one_bar(self, folder):
        rows = BARS.iloc[[2]].assign(dividend=1.0, split=1.0)
        with pytest.raises(InputError, match="column dividend: expected one dividend for one bar"):
            import_prices(
                pd.concat([rows, rows.assign(dividend=2.0)], ignore_index=True), "desk", store=folder
            )

    def test_bad_prices_are_kept_for_the_audit_to_find(self, folder):
        frame = BARS.assign(high=[1.0, *BARS["high"][1:]])
        import_prices(frame, "desk", store=folder)
        assert "bad_price" in audit(folder).findings["code"].tolist()
        with pytest.raises(InputError, match=r"a high of 8035.T on 2025-09-10 not below its low"):
            load_tape(folder)
        assert len(load_tape(folder, skip_bad=True)) == 4

    def test_a_universe_or_symbols_may_be_chosen(self, folder):
        assert outcomes(import_prices(BARS, "desk", store=folder, symbols=["TYO:8035"])) == {"8035.T": "new"}


class TestBadInput:
    def test_unknown_symbols_are_outcomes(self, folder):
        found = import_prices(BARS.replace({"symbol": {"8035.T": "8035.X"}}), "desk", store=folder)
        assert outcomes(found) == {"8035.X": "unknown", "000660.KS": "new"}

    @pytest.mark.parametrize(
        ("cells", "message"),
        [
            ({"close": "much"}, r"bars.csv, line 2, column close: expected a number, got 'much'"),
            ({"date": "12/09/2025"}, r"bars.csv, line 2, column date: expected a date, got '12/09/2025'"),
            (
                {"split": -1.0},
                r"bars.csv, line 2, column split: expected a split that is not negative, got -1",
            ),
        ],
    )
    def test_cells_are_named(self, folder, tmp_path, cells, message):
        BARS.assign(**cells).to_csv(tmp_path / "bars.csv", index=False)
        with pytest.raises(InputError, match=message):
            import_prices(tmp_path / "bars.csv", "desk", store=folder)
        assert Store(folder).series() == []

    def test_two_bars_of_one_day(self, folder):
        twice = pd.concat([BARS, BARS.iloc[[0]].assign(close=7.0)], ignore_index=True)
        with pytest.raises(InputError, match=r"one bar of 8035.T on 2025-09-10, got another than on line"):
            import_prices(twice, "desk", store=folder)
        assert outcomes(import_prices(pd.concat([BARS, BARS]), "desk", store=folder))["8035.T"] == "new"

    def test_a_store_among_files(self, folder, tmp_path):
        import_prices(BARS, "desk", store=folder)
        BARS.to_csv(tmp_path / "bars.csv", index=False)
        with pytest.raises(InputError, match="files, or one store, got a store among other prices"):
            load_tape([folder, tmp_path / "bars.csv"])


def content(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "journal.jsonl" and ".locks" not in path.parts
    }


class TestProcesses:
    @pytest.fixture
    def run(self, tmp_path):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(
            ["yahoo_server", "yfinance", "filelock", "aftershock.data.prices.imports", "pyarrow.parquet"]
        )
        market().to_parquet(tmp_path / "bars.parquet")

        def begin(place, count=1):
            ready = context.Barrier(count + 1)
            args = (tmp_path / "bars.parquet", place, ready)
            children = [context.Process(target=import_in_child, args=args) for _ in range(count)]
            for child in children:
                child.start()
            ready.wait()
            return children

        return begin

    def test_killed_at_any_instant_it_opens_verifies_and_completes(self, run, tmp_path):
        draw, killed, places = random.Random(4), 0, []
        run(tmp_path / "warm")[0].join()
        (child,) = run(tmp_path / "fresh")
        began = time.monotonic()
        child.join()
        whole = time.monotonic() - began
        for number in range(50):
            # Every fifth kill starts a new store, so that all of them fall on unfinished ones.
            place = tmp_path / f"store{number // 5}"
            (child,) = run(place)
            began = time.monotonic()
            child.join(draw.uniform(0.0, whole))
            if child.exitcode == 0:
                # Measured under load, a whole run is not as long as that any more.
                whole = min(whole, time.monotonic() - began)
            child.kill()
            child.join()
            killed += child.exitcode == -signal.SIGKILL
            places.append(place)
            if is_store(place):
                assert Store(place).verify() == []
        assert killed > 10
        for place in dict.fromkeys(places):
            run(place)[0].join()
            assert content(place) == content(tmp_path / "fresh")

    def test_eight_processes_leave_what_one_leaves(self, run, tmp_path):
        for place, count in (("one", 1), ("eight", 8)):
            children = run(tmp_path / place, count)
            for child in children:
                child.join()
            assert [child.exitcode for child in children] == [0] * count
        assert content(tmp_path / "one") == content(tmp_path / "eight")
        assert np.isfinite(load_tape(tmp_path / "eight").close).all()


def test_a_run_names_the_state_it_used_and_runs_again_on_it(tmp_path):
    write_inputs(tmp_path)
    import_prices(make_prices(), "desk", store=tmp_path / "store")
    first = run_experiment(tmp_path / "chips.toml", prices=str(tmp_path / "store"))
    first.save(tmp_path / "run")
    name = first.manifest["prices"]["snapshot"]
    assert name in Store(tmp_path / "store").snapshots()
    other = make_prices()
    import_prices(other.assign(close=other["close"] * 1.001), "desk", store=tmp_path / "store")
    again = run_experiment(tmp_path / "run" / "experiment.toml")
    assert again.manifest["prices"]["snapshot"] == name
    assert again.manifest["hashes"] == first.manifest["hashes"]
    now = run_experiment(tmp_path / "chips.toml", prices=str(tmp_path / "store"))
    assert now.manifest["hashes"]["prices"] != first.manifest["hashes"]["prices"]
    assert now.manifest["hashes"]["experiment"] == first.manifest["hashes"]["experiment"]
