"""The store: what is written is there, what is replaced is kept, and whatever stops a writer does no harm."""

import errno
import multiprocessing
import os
import random
import shutil
import signal
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yahoo_server import Market, fetch_in_child, server

from aftershock.data.errors import InputError
from aftershock.data.prices import Tape, from_store, load_tape, mapped
from aftershock.data.prices.from_store import store_tape
from aftershock.data.prices.series import VALUES, Series, updated
from aftershock.data.prices.store import Key, Store, is_store

__all__ = ["server"]

KEY = Key("desk", "1d", "8035.T")
FRIDAY = 20343
SYMBOLS = ["8035.T", "6857.T", "2330.TW", "2454.TW", "000660.KS", "005930.KS", "9988.HK", "0700.HK"]


def days(*closes, first=FRIDAY, **columns):
    """Bars of calendar days in a row."""
    n = len(closes)
    return Series.of(pd.DataFrame({"at": np.arange(first, first + n), "close": closes, **columns}))


def content(folder, *parts):
    """The bytes of every file, but for the journal and locks."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.joinpath(*parts).rglob("*"))
        if path.is_file() and path.name != "journal.jsonl" and ".locks" not in path.parts
    }


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "prices", create=True)


class TestUpdated:
    def test_bars_that_agree_keep_their_bits(self):
        old, new = days(100.0, 101.0), days(100.0 * (1 + 5e-7), 101.0, 102.0)
        update = updated(old, new, "8035.T")
        assert update.series.values["close"].tolist() == [100.0, 101.0, 102.0]
        assert (update.added, update.rewritten, len(update.changes)) == (1, False, 0)

    def test_without_a_window_only_what_is_told_counts(self):
        update = updated(days(100.0, 101.0, 102.0), days(111.0, first=FRIDAY + 1), "8035.T")
        assert update.series.values["close"].tolist() == [100.0, 111.0, 102.0]
        assert update.rewritten

    def test_inside_a_window_what_is_not_told_is_gone(self):
        update = updated(days(1.0, 2.0, 3.0), days(1.0), "8035.T", (FRIDAY, FRIDAY + 1))
        assert update.series.values["close"].tolist() == [1.0, 3.0]
        assert update.changes[["column", "before"]].values.tolist() == [["bar", 2.0]]

    def test_a_bar_that_fills_a_gap_rewrites_the_past(self):
        old = days(1.0, 2.0, 3.0).rows(np.array([True, False, True]))
        update = updated(old, days(1.0, 2.0, 3.0), "8035.T")
        assert (update.added, update.rewritten) == (0, True)
        assert update.changes["after"].tolist() == [2.0]

    @given(
        st.lists(
            st.tuples(st.integers(0, 12), st.sampled_from([1.0, 2.0, np.nan])), unique_by=lambda bar: bar[0]
        ),
        st.lists(
            st.tuples(st.integers(0, 12), st.sampled_from([1.0, 2.0, np.nan])), unique_by=lambda bar: bar[0]
        ),
        st.one_of(st.none(), st.tuples(st.integers(0, 6), st.integers(6, 12))),
    )
    def test_as_the_obvious_dictionaries_do(self, before, now, window):
        old, new = (Series.of(pd.DataFrame(bars, columns=["at", "close"])) for bars in (before, now))
        update = updated(old, new, "8035.T", window)
        merged = dict(before)
        if before and window:
            merged = {
                at: close for at, close in before if at in dict(now) or not window[0] <= at <= window[1]
            }
        merged |= dict(now)
        assert update.series.at.tolist() == sorted(merged)
        np.testing.assert_array_equal(update.series.values["close"], [merged[at] for at in sorted(merged)])
        past = {
            at: close
            for at, close in merged.items()
            if before and min(dict(before)) <= at <= max(dict(before))
        }
        same = str(sorted(past.items())) == str(sorted(before))
        assert update.rewritten == (bool(before) and not same)

    def test_bars_out_of_order_are_refused(self):
        with pytest.raises(
            InputError, match="bars in the order of time, one for each, got 2025-09-12 after 2025-09-12"
        ):
            Series.of(pd.DataFrame({"at": [FRIDAY, FRIDAY], "close": [1.0, 2.0]}))


class TestStore:
    @pytest.mark.parametrize("silent", [("factor",), ("dividend", "split")])
    def test_what_is_written_is_read(self, store, silent):
        every = {name: [1.5, np.nan] for name in VALUES} | {"halted": [1.0, 0.0]}
        every |= {name: [np.nan, np.nan] for name in silent}
        series = Series.of(pd.DataFrame({"at": [FRIDAY, FRIDAY + 3], **every}), about={"currency": "JPY"})
        store.write(KEY, series)
        found = store.read(KEY)
        assert found.digest() == series.digest()
        assert found.about["currency"] == "JPY"
        assert store.series() == [KEY]

    def test_instants_are_read(self, store):
        opens = pd.to_datetime(["2025-09-12T00:00Z", "2025-09-12T01:00Z"]).as_unit("ns").view("int64")
        series = Series.of(pd.DataFrame({"at": opens, "close": [1.0, 2.0]}), "60m")
        key = Key("desk", "60m", "8035.T")
        store.write(key, series)
        assert store.read(key).digest() == series.digest()
        assert store.read(key).span == ("2025-09-12 00:00:00+00:00", "2025-09-12 01:00:00+00:00")

    @pytest.mark.parametrize("name", ["M&M.NS", "a/b", "..", "ein Haus", "x%y"])
    def test_any_name_names_a_file(self, store, name):
        key = Key(name, "1d", name)
        store.write(key, days(1.0))
        assert store.series() == [key]
        assert store.path in store.file(key).resolve().parents

    def test_a_snapshot_has_the_same_name_everywhere(self, store, tmp_path):
        other = Store(tmp_path / "other", create=True)
        for place in (store, other):
            place.write(KEY, days(1.0, 2.0))
        assert store.pin([KEY]) == other.pin([KEY])

    def test_every_snapshot_stays_readable(self, store):
        states = [
            days(1.0, 2.0),
            days(1.0, 2.0, 3.0),
            days(1.0, 9.0, 3.0),
            days(1.0, 9.0, 4.0, 5.0),
            days(1.0, 2.0),
        ]
        seen = []
        for series in states:
            store.write(KEY, series)
            seen.append((store.pin([KEY]), store.read(KEY).values["close"].tolist()))
        for name, closes in seen:
            state = store.snapshot(name)[KEY]
            assert store.read_state(KEY, state).values["close"].tolist() == closes
        assert store.verify() == []

    @given(st.data())
    def test_every_state_that_was_pinned_stays_readable(self, data):
        bar = st.tuples(st.integers(0, 9), st.sampled_from([1.0, 2.0, np.nan]), st.sampled_from([0.0, 0.5]))
        told = st.lists(bar, unique_by=lambda one: one[0], min_size=1, max_size=8)
        window = st.one_of(st.none(), st.tuples(st.integers(0, 4), st.integers(4, 9)))
        with tempfile.TemporaryDirectory() as folder:
            store, seen = Store(Path(folder) / "prices", create=True), {}
            for bars, dates in data.draw(st.lists(st.tuples(told, window), min_size=2, max_size=7)):
                frame = pd.DataFrame(bars, columns=["at", "close", "dividend"])
                store.write(KEY, Series.of(frame), dates)
                if data.draw(st.booleans()):
                    seen[store.pin([KEY])] = store.read(KEY)
            for name, series in seen.items():
                assert store.read_state(KEY, store.snapshot(name)[KEY]).digest() == series.digest()
            assert store.verify() == []

    def test_a_kept_file_that_is_damaged_hides_no_other_state(self, store):
        for closes in ((1.0, 2.0), (9.0, 2.0), (9.0, 2.0, 3.0), (9.0, 8.0, 3.0)):
            store.write(KEY, days(*closes))
            if closes == (9.0, 2.0):
                state = store.states([KEY])[KEY]
        oldest = store.path / "kept" / "desk" / "1d" / f"8035.T.{days(1.0, 2.0).digest()[:16]}.parquet"
        oldest.write_bytes(b"PAR1")
        oldest.rename(oldest.with_name("8035.T.0.parquet"))
        assert store.read_state(KEY, state).values["close"].tolist() == [9.0, 2.0]

    def test_a_new_snapshot_clears_what_a_killed_writer_left(self, store):
        store.write(KEY, days(1.0))
        first = store.pin([KEY])
        left = store.path / "snapshots" / f".{first}.json.0a1b2c3d"
        left.write_text("")
        store.write(KEY, days(1.0, 2.0))
        second = store.pin([KEY])
        assert not left.exists()
        assert store.snapshots() == sorted([first, second])

    def test_a_snapshot_that_is_none(self, store):
        store.write(KEY, days(1.0))
        name = store.pin([KEY])
        assert store.snapshot(name[:4]) == store.snapshot(name)
        with pytest.raises(InputError, match=f"the name of a snapshot, got 'zz'; known: {name}"):
            store.snapshot("zz")
        with pytest.raises(InputError, match=r"the name of a snapshot, got ''"):
            store.snapshot("")

    def test_no_flipped_bit_goes_unnoticed(self, store):
        store.write(KEY, days(*np.random.default_rng(1).random(50)))
        path, digest = store.file(KEY), store.read(KEY).digest()
        data, noticed = path.read_bytes(), 0
        for place in range(0, len(data), 11):
            for bit in (4, 128):
                path.write_bytes(data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :])
                problems = store.verify()
                noticed += bool(problems)
                assert problems or store.read(KEY).digest() == digest
        assert noticed > 200

    def test_verify_looks_at_kept_files_snapshots_and_places(self, store):
        for closes in ((1.0, 2.0), (3.0, 4.0), (5.0, 6.0)):
            store.write(KEY, days(*closes))
        name = store.pin([KEY])
        kept = next(store.path.glob("kept/*/*/*.parquet"))
        other, snapshot = Key("desk", "1d", "6857.T"), store.path / "snapshots" / f"{name}.json"
        assert store.verify() == []
        kept.write_bytes(kept.read_bytes()[:-30])
        snapshot.write_text(snapshot.read_text("utf-8").replace("8035", "6857"), "utf-8")
        store.file(other).write_bytes(store.file(KEY).read_bytes())
        assert {problem.file for problem in store.verify()} == {
            str(kept),
            str(snapshot),
            str(store.file(other)),
        }
        with pytest.raises(InputError, match=r"expected the series desk 1d 6857.T, got desk 1d 8035.T"):
            store.read(other)
        with pytest.raises(InputError, match="the content that the snapshot's name tells, got another"):
            store.snapshot(name)

    @pytest.mark.parametrize("how", ["cut", "other", "gone"])
    def test_damage_is_found(self, store, how):
        store.write(KEY, days(*range(1, 200)))
        store.pin([KEY])
        assert store.verify() == []
        path = store.file(KEY)
        data = path.read_bytes()
        if how == "cut":
            path.write_bytes(data[: len(data) // 2])
        elif how == "other":
            pd.DataFrame({"date": []}).to_parquet(path)
        else:
            path.unlink()
        problems = store.verify()
        assert problems
        assert str(store.path) in problems[0].file

    def test_locks_exclude_threads_and_end(self, store):
        with store.writing(KEY) as held:
            assert held
            with store.writing(KEY, wait=False) as again:
                assert not again
        with store.writing(KEY, wait=False) as held:
            assert held

    def test_what_a_killed_writer_left_is_cleared(self, store):
        store.write(KEY, days(1.0))
        left = store.file(KEY).with_name(".8035.T.parquet.abcd")
        left.write_bytes(b"half")
        aside = store.path / "kept" / "desk" / "1d" / f".8035.T.{'0a' * 8}.parquet.abcd"
        other = aside.with_name(f".8035.T.X.{'0a' * 8}.parquet.abcd")
        for path in (aside, other):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"half")
        assert store.series() == [KEY]
        with store.writing(KEY):
            assert not left.exists()
            assert not aside.exists()
            assert other.exists()


class TestPlaces:
    def test_a_store_that_another_process_makes_at_the_same_moment(self, tmp_path, monkeypatch):
        """It was not there at the first look, and is there at the second."""
        made, looks = Store(tmp_path / "prices", create=True), []

        def late(path):
            looks.append(path)
            return len(looks) > 1 and is_store(path)

        monkeypatch.setattr("aftershock.data.prices.store.is_store", late)
        assert Store(made.path, create=True).series() == []
        assert len(looks) > 1

    def test_a_line_of_the_journal_that_was_cut_off_swallows_no_other(self, store):
        store.note("first")
        with (store.path / "journal.jsonl").open("ab") as file:
            file.write('{"at": "2025-09-12", "what": "é'.encode()[:-1])
        store.note("second")
        assert [entry["what"] for entry in store.journal()] == ["first", "second"]

    def test_a_disk_without_room_is_one_sentence_and_the_old_state_stays(self, store, monkeypatch):
        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        store.write(KEY, days(1.0, 2.0))
        before = content(store.path)
        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(InputError, match="a place that can be written, got No space left on device"):
            store.write(KEY, days(1.0, 3.0))
        assert content(store.path) == before

    def test_a_store_that_cannot_be_written_is_one_sentence(self, store):
        (store.path / ".locks").write_text("")
        with pytest.raises(InputError, match="a place that can be written"), store.writing(KEY):
            pass

    def test_a_load_beside_a_writer_is_of_the_state_it_names(self, store, monkeypatch):
        store.write(KEY, days(100.0, 101.0, first=FRIDAY - 1))
        record = store.record

        def rewritten(states):
            store.write(KEY, days(100.0, 111.0, 112.0, first=FRIDAY - 1))
            return record(states)

        monkeypatch.setattr(store, "record", rewritten)
        tape = load_tape(store)
        assert tape.close.tolist() == [100.0, 101.0]
        assert load_tape(store, snapshot=tape.provenance["snapshot"]).digest() == tape.digest()


class TestTape:
    def test_traded_prices_are_adjusted_and_sources_follow_their_order(self, store):
        bars = {"close": [100.0, 51.0], "dividend": [0.0, 1.0], "split": [1.0, 2.0]}
        for source, scale in (("a", 1.0), ("b", 2.0)):
            frame = pd.DataFrame({"at": [FRIDAY - 1, FRIDAY], **bars})
            store.write(Key(source, "1d", "8035.T"), Series.of(frame.assign(close=frame["close"] * scale)))
        tape = load_tape(store.path, sources=["b"])
        assert tape.sources == ("b",)
        np.testing.assert_allclose(tape.close, [2 * (100 / 2 - 0.5) * 1.0, 102.0])
        assert tape.provenance["snapshot"] in store.snapshots()

    def test_only_what_is_wanted(self, store):
        for symbol in ("8035.T", "6857.T"):
            store.write(Key("desk", "1d", symbol), days(1.0))
        tape = load_tape(store, symbols=["TYO:6857", "9988.HK"])
        assert tape.symbols == ("6857.T",)
        assert tape.warnings[tape.warnings["code"] == "no_prices"]["symbol"].tolist() == ["9988.HK"]
        with pytest.raises(InputError, match=r"a wanted symbol in the store, got none of 9988.HK"):
            load_tape(store, symbols=["9988.HK"])
        with pytest.raises(InputError, match="an interval that the store has, got '5m'; known: 1d"):
            load_tape(store, interval="5m")

    def test_a_snapshot_needs_a_store(self):
        with pytest.raises(InputError, match="a store, for a snapshot, got other prices"):
            load_tape(pd.DataFrame(), snapshot="x")

    def test_pieces_and_the_whole_are_one_tape(self, store, monkeypatch, tmp_path):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        market = Market()
        for symbol in SYMBOLS:
            bars = market.traded(symbol).assign(
                at=lambda table: pd.to_datetime(table["date"]).to_numpy("M8[D]").astype(int)
            )
            store.write(Key("desk", "1d", symbol), Series.of(bars.assign(dividend=0.0, split=1.0)))
        whole = store_tape(store)
        monkeypatch.setattr("aftershock.data.prices.from_store.PIECE", 700)
        for _ in ("compiled", "mapped"):
            mapped = store_tape(store)
            assert mapped.digest() == whole.digest()
            assert mapped.provenance == whole.provenance
            pd.testing.assert_frame_equal(mapped.warnings, whole.warnings)
        (place,) = (tmp_path / "cache" / "aftershock" / "tapes").iterdir()
        (place / "close.bin").write_bytes(b"half")
        assert store_tape(store).digest() == whole.digest()
        assert Tape.load(place).digest() == whole.digest()
        store.write(Key("desk", "1d", "8035.T"), days(7.0, first=FRIDAY))
        assert store_tape(store).bars("8035.T")["close"].iloc[-1] == 7.0

    def test_without_a_cache_folder_it_works_all_the_same(self, store, monkeypatch, tmp_path):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
        monkeypatch.setattr("aftershock.data.prices.from_store.PIECE", 1)
        for symbol in ("8035.T", "6857.T"):
            store.write(Key("desk", "1d", symbol), days(1.0))
        assert store_tape(store).close.tolist() == [1.0, 1.0]

    def test_what_is_wrong_with_prices_is_no_fault_of_the_cache(self, store, monkeypatch, tmp_path):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setattr("aftershock.data.prices.from_store.PIECE", 1)
        store.write(KEY, days(1.0, -1.0, first=FRIDAY - 1))
        store.write(Key("desk", "1d", "6857.T"), days(1.0))
        with pytest.raises(InputError, match=r"a positive close of 8035.T on 2025-09-12"):
            store_tape(store)
        assert list((tmp_path / "cache" / "aftershock" / "tapes").iterdir()) == []

    def test_a_cache_that_fails_on_the_way_costs_no_instrument(self, store, monkeypatch, tmp_path):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setattr("aftershock.data.prices.from_store.PIECE", 1)
        append, calls = mapped._append, []

        def full(*args):
            calls.append(args)
            if len(calls) == 2:
                raise OSError(errno.ENOSPC, "No space left on device")
            append(*args)

        for symbol in ("6857.T", "8035.T"):
            store.write(Key("desk", "1d", symbol), days(1.0))
        monkeypatch.setattr(mapped, "_append", full)
        assert store_tape(store).symbols == ("6857.T", "8035.T")
        assert len(calls) == 4

    def test_a_tape_that_others_push_out_of_the_cache_is_there_all_the_same(
        self, store, monkeypatch, tmp_path
    ):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setattr("aftershock.data.prices.from_store.PIECE", 1)
        drop = from_store._drop_oldest

        def all_of_them(folder):
            for path in folder.iterdir():
                shutil.rmtree(path)
            drop(folder)

        monkeypatch.setattr(from_store, "_drop_oldest", all_of_them)
        for symbol in ("6857.T", "8035.T"):
            store.write(Key("desk", "1d", symbol), days(1.0))
        assert store_tape(store).close.tolist() == [1.0, 1.0]

    def test_what_a_killed_process_left_of_a_tape_is_cleared_in_time(self, store, monkeypatch, tmp_path):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setattr("aftershock.data.prices.from_store.PIECE", 1)
        fresh, old = (tmp_path / "cache" / "aftershock" / "tapes" / name for name in (".fresh", ".old"))
        for left in (fresh, old):
            left.mkdir(parents=True)
        os.utime(old, (0, 0))
        for symbol in ("6857.T", "8035.T"):
            store.write(Key("desk", "1d", symbol), days(1.0))
        store_tape(store)
        assert fresh.exists()
        assert not old.exists()

    def test_a_preferred_source_that_occurs_nowhere_is_told_once(self, store, monkeypatch, tmp_path):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        for source, symbol in (("a", "6857.T"), ("b", "8035.T")):
            store.write(Key(source, "1d", symbol), days(1.0))
        for _ in ("whole", "in pieces"):
            told = store_tape(store, sources=["b", "desk"]).warnings
            assert told["code"].tolist().count("unknown_source") == 1
            monkeypatch.setattr("aftershock.data.prices.from_store.PIECE", 1)

    def test_a_saved_tape_is_the_same_tape(self, tmp_path):
        frame = Market().traded("2330.TW").assign(symbol="2330.TW").drop(columns="at")
        tape = Tape.from_frame(pd.concat([frame, frame.assign(symbol="N225", open=np.nan)]))
        tape.save(tmp_path / "tape")
        opened = Tape.load(tmp_path / "tape")
        assert opened.digest() == tape.digest()
        pd.testing.assert_frame_equal(opened.warnings, tape.warnings)
        pd.testing.assert_frame_equal(opened.bars("N225"), tape.bars("N225"))
        assert opened.select(["N225"]).digest() == tape.select(["N225"]).digest()
        with pytest.raises(ValueError, match="read-only"):
            opened.close[0] = 1.0
        (tmp_path / "tape" / "close.bin").write_bytes(b"")
        with pytest.raises(InputError, match=r"a tape that was saved, got close.bin of 0 bytes"):
            Tape.load(tmp_path / "tape")
        with pytest.raises(InputError, match="a tape that was saved"):
            Tape.load(tmp_path / "nowhere")


@pytest.fixture(scope="module")
def processes():
    """Makes processes in a moment: their libraries are loaded once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["yahoo_server", "yfinance", "filelock", "aftershock.data.prices.fetch", "pyarrow.parquet"]
    )
    return context


class TestProcesses:
    def test_killed_at_any_instant_it_opens_verifies_and_completes(self, server, processes, tmp_path):
        folder, draw = tmp_path / "prices", random.Random(20260922)
        server.market = Market(first="2025-06-02")
        server.delay = 0.005

        def begin(place):
            ready = processes.Barrier(2)
            args = (server.address, place, SYMBOLS, "2025-06-02", ready)
            child = processes.Process(target=fetch_in_child, args=args)
            child.start()
            ready.wait()
            return child

        killed = 0
        for number in range(50):
            server.market.edits = {symbol: [("2025-06-10", 500.0 + number)] for symbol in SYMBOLS}
            asked, child = len(server.asked), begin(folder)
            requests = draw.randint(0, len(SYMBOLS))
            while len(server.asked) < asked + requests and child.is_alive():
                time.sleep(0.001)
            time.sleep(draw.uniform(0.0, 0.02))
            child.kill()
            child.join()
            killed += child.exitcode == -signal.SIGKILL
            if is_store(folder):
                assert Store(folder).verify() == []
        assert killed > 20
        # One goes on where the last one of the day was killed; the next asks for everything again.
        for place in (folder, folder, tmp_path / "fresh"):
            child = begin(place)
            child.join()
            assert child.exitcode == 0
        assert Store(folder).verify() == []
        assert content(folder / "yahoo") == content(tmp_path / "fresh" / "yahoo")
        assert len(Store(folder).snapshots()) > 1
        assert list(folder.glob("yahoo/*/.*")) == []

    def test_eight_processes_leave_what_one_leaves(self, server, processes, tmp_path):
        server.delay = 0.02
        ready, eight = processes.Barrier(8), tmp_path / "eight"
        together = [
            processes.Process(
                target=fetch_in_child, args=(server.address, eight, SYMBOLS, "2025-01-01", ready)
            )
            for _ in range(8)
        ]
        for child in together:
            child.start()
        for child in together:
            child.join()
        assert [child.exitcode for child in together] == [0] * 8
        alone = processes.Process(
            target=fetch_in_child, args=(server.address, tmp_path / "one", SYMBOLS, "2025-01-01")
        )
        alone.start()
        alone.join()
        assert content(tmp_path / "eight") == content(tmp_path / "one")
        assert len(content(tmp_path / "one")) == len(SYMBOLS) + 2
        assert Store(tmp_path / "eight").verify() == []
