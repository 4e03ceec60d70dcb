"""Fetching into a store: yfinance's real client against a server that speaks Yahoo's chart protocol."""

import _thread
import json
import time

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from yahoo_server import NOW, UNKNOWN, at, server

from aftershock.data.errors import InputError
from aftershock.data.prices import load_tape, yahoo
from aftershock.data.prices.fetch import Manners, fetch_prices
from aftershock.data.prices.imports import import_prices
from aftershock.data.prices.store import Key, Store

__all__ = ["server"]

QUICK = Manners(pause=0.0, rest=0.0, backoff=0.02, timeout=5.0)
SYMBOLS = ["2330.TW", "8035.T", "000660.KS", "N225"]
VALUES = ["open", "high", "low", "close", "volume"]


@pytest.fixture(autouse=True)
def still(monkeypatch):
    monkeypatch.setattr(time, "time_ns", at(NOW))


@pytest.fixture
def fetch(server, tmp_path):
    """Fetch into one store of the test."""

    def call(symbols=SYMBOLS, start="2024-01-01", end=None, **options):
        return fetch_prices(symbols, start, end, store=tmp_path / "prices", **{"manners": QUICK, **options})

    return call


def outcomes(fetched):
    return dict(zip(fetched.outcomes["symbol"], fetched.outcomes["outcome"], strict=True))


def bars(fetched, symbol, interval="1d"):
    return fetched.store.read(Key("yahoo", interval, symbol)).to_frame()


def files(store):
    """The bytes of everything that is no journal and no lock."""
    return {
        str(path.relative_to(store.path)): path.read_bytes()
        for path in store.path.rglob("*")
        if path.is_file() and path.name != "journal.jsonl" and ".locks" not in path.parts
    }


def same_as_traded(found, market, symbol):
    expected = market.traded(symbol)
    assert found["date"].astype(str).tolist() == expected["date"].tolist()
    np.testing.assert_allclose(found[VALUES], expected[VALUES], rtol=1e-9)


class TestWhatIsKept:
    def test_every_bar_once_as_it_was_traded(self, server, fetch):
        server.market.splits = {
            "2330.TW": [("2025-03-03", 4), ("2025-06-02", 0.5)],
            "8035.T": [("2025-09-11", 2)],
        }
        server.market.dividends = {"2330.TW": [("2024-06-13", 4.0), ("2025-06-12", 5.0)]}
        fetched = fetch()
        assert outcomes(fetched) == dict.fromkeys(SYMBOLS, "new")
        for symbol in SYMBOLS:
            same_as_traded(bars(fetched, symbol), server.market, symbol)
        assert fetched.store.verify() == []

    @pytest.mark.parametrize("symbol", ["8035.T", "2330.TW", "000660.KS", "CBA.AX"])
    def test_actions_keep_their_dates_east_of_utc(self, server, fetch, symbol):
        """Local midnight is yesterday in UTC: there splits and dividends have been lost or moved by a day."""
        days = server.market.days(symbol)[0].astype(str)
        server.market.dividends = {symbol: [(days[0], 1.0), (days[100], 2.0), (days[-1], 3.0)]}
        server.market.splits = {symbol: [(days[50], 3), (days[-1], 2)]}
        found = bars(fetch([symbol]), symbol)
        paid = found[found["dividend"] > 0]
        split = found[found["split"] != 1]
        assert paid["date"].astype(str).tolist() == [days[0], days[100], days[-1]]
        np.testing.assert_allclose(paid["dividend"], [1.0, 2.0, 3.0])
        assert split["date"].astype(str).tolist() == [days[50], days[-1]]
        assert split["split"].tolist() == [3, 2]

    def test_our_adjusted_returns_are_yahoos(self, server, fetch):
        market = server.market
        market.splits = {"2330.TW": [("2025-03-03", 4)]}
        market.dividends = {"2330.TW": [("2024-06-13", 40.0), ("2025-03-03", 5.0), ("2025-06-12", 5.0)]}
        fetched = fetch(["2330.TW"])
        tape = load_tape(fetched.store)
        told = market.chart("2330.TW", 0, 4e9)["indicators"]["adjclose"][0]["adjclose"]
        np.testing.assert_allclose(
            tape.close[1:] / tape.close[:-1], np.divide(told[1:], told[:-1]), rtol=1e-6
        )
        np.testing.assert_allclose(tape.close * tape.factor, market.traded("2330.TW")["close"], rtol=1e-9)

    def test_the_file_says_where_it_came_from(self, fetch):
        about = fetch(["8035.T"]).store.about(Key("yahoo", "1d", "8035.T"))
        told = {
            "source": "yahoo",
            "symbol": "8035.T",
            "currency": "JPY",
            "zone": "Asia/Tokyo",
            "interval": "1d",
        }
        assert told.items() <= about.items()
        assert about["client"].startswith("yfinance ")
        assert (about["asked_from"], about["asked_through"]) == ("2024-01-01", "2025-09-12")

    def test_intraday_bars(self, server, fetch):
        fetched = fetch(["8035.T"], "2025-09-01", interval="1h")
        found = bars(fetched, "8035.T", "60m")
        expected = server.market.intraday("8035.T", 60)
        expected = expected[expected["date"] >= "2025-09-01"]
        assert (found["opens_at"].astype("int64") // 10**9).tolist() == expected["at"].tolist()
        assert found["close"].tolist() == expected["close"].tolist()

    def test_a_session_that_begins_on_the_day_before_in_utc_is_whole(self, server, monkeypatch, fetch):
        """Summer in Sydney: ten o'clock is 23:00 UTC."""
        monkeypatch.setattr(time, "time_ns", at("2025-02-04T00:30Z"))
        server.market.last = "2025-02-04"
        found = bars(fetch(["CBA.AX"], "2025-01-20", "2025-01-23", interval="60m"), "CBA.AX", "60m")
        expected = server.market.intraday("CBA.AX", 60)
        expected = expected[expected["date"].between("2025-01-20", "2025-01-23")]
        assert (found["opens_at"].astype("int64") // 10**9).tolist() == expected["at"].tolist()
        later = fetch(["CBA.AX"], "2025-01-20", interval="60m")
        assert outcomes(later) == {"CBA.AX": "extended"}
        opens = bars(later, "CBA.AX", "60m")["opens_at"]
        assert str(opens.iloc[-1]) == "2025-02-03 04:00:00+00:00"

    def test_an_action_on_a_date_without_a_bar_keeps_its_date(self, server, fetch):
        """yfinance puts it on the bar before: paid out, or divided, a day too early."""

        def on_saturday(result):
            second = int(pd.Timestamp("2025-09-06 09:00", tz="Asia/Tokyo").timestamp())
            split = {"date": second, "numerator": 2.0, "denominator": 1.0, "splitRatio": "2:1"}
            quote = result["indicators"]["quote"][0]
            for name in ("open", "high", "low", "close"):
                quote[name] = [
                    value / 2 if stamp < second else value
                    for stamp, value in zip(result["timestamp"], quote[name], strict=True)
                ]
            day = 86_400
            paid = {
                str(at): {"date": at, "amount": amount}
                for at, amount in ((second - day, 0.1), (second, 7.0), (second + day, 0.2))
            }
            result["events"] = {"dividends": paid, "splits": {str(second): split}}

        expected = server.market.traded("8035.T")
        server.market.extra["8035.T"] = on_saturday
        fetched = fetch(["8035.T"])
        found = bars(fetched, "8035.T")
        acted = found[(found["dividend"] != 0) | (found["split"] != 1)]
        assert acted["date"].astype(str).tolist() == ["2025-09-05", "2025-09-06", "2025-09-07"]
        assert acted[["dividend", "split"]].values.tolist() == [[0.2, 1.0], [7.0, 2.0], [0.2, 1.0]]
        found = found[found["close"].notna()]
        np.testing.assert_allclose(found["close"], expected["close"], rtol=1e-9)
        before, after = (
            expected.loc[expected["date"] == day, "close"].iloc[0] for day in ("2025-09-05", "2025-09-08")
        )
        tape = load_tape(fetched.store).bars("8035.T").set_index("session")["close"]
        held = before / 2
        paid = (held / (held - 7.0)) * (held / (held - 0.2))
        assert tape["2025-09-08"] / tape["2025-09-05"] == pytest.approx(after / held * paid, rel=1e-9)

    def test_a_volume_that_yahoo_does_not_tell_is_no_halt(self, server, fetch):
        def untold(result):
            quote = result["indicators"]["quote"][0]
            quote["volume"][10] = quote["volume"][11] = None
            for name in ("open", "high", "low"):
                quote[name][11] = quote["close"][11]

        server.market.extra["8035.T"] = untold
        found = load_tape(fetch(["8035.T"]).store).bars("8035.T")
        assert np.isnan(found["volume"].iloc[10])
        assert found["halted"].iloc[9:13].tolist() == [False, False, True, False]

    def test_an_end_is_kept_and_later_splits_are_undone(self, server, fetch):
        server.market.splits = {"8035.T": [("2025-09-11", 2)]}
        found = bars(fetch(["8035.T"], end="2025-06-30"), "8035.T")
        expected = server.market.traded("8035.T")
        assert found["date"].astype(str).iloc[-1] == "2025-06-30"
        assert found["close"].tolist() == expected["close"][: len(found)].tolist()


class TestWhatIsNotOver:
    def test_the_bar_of_a_session_under_way_waits(self, monkeypatch, fetch):
        monkeypatch.setattr(time, "time_ns", at("2025-09-12T05:00Z"))
        fetched = fetch(["8035.T", "9988.HK"])
        assert set(fetched.outcomes["last"]) == {"2025-09-11"}
        monkeypatch.setattr(time, "time_ns", at("2025-09-12T07:30Z"))
        fetched = fetch(["8035.T", "9988.HK"])
        assert dict(zip(fetched.outcomes["symbol"], fetched.outcomes["last"], strict=True)) == {
            "8035.T": "2025-09-12",
            "9988.HK": "2025-09-11",
        }
        assert outcomes(fetched) == {"8035.T": "extended", "9988.HK": "unchanged"}

    def test_a_live_row_on_a_holiday_is_no_bar(self, server, monkeypatch, fetch):
        """2025-09-15 was Respect for the Aged Day; Yahoo repeats the last price with a stamp of now."""

        def live(result):
            result["timestamp"].append(int(pd.Timestamp("2025-09-15T03:00Z").timestamp()))
            quote = result["indicators"]["quote"][0]
            for name in ("open", "high", "low", "close", "volume"):
                quote[name].append(quote[name][-1])
            result["indicators"]["adjclose"][0]["adjclose"].append(quote["close"][-1])

        server.market.extra["8035.T"] = live
        monkeypatch.setattr(time, "time_ns", at("2025-09-15T09:00Z"))
        found = bars(fetch(["8035.T"]), "8035.T")
        assert found["date"].astype(str).iloc[-1] == "2025-09-12"
        same_as_traded(found, server.market, "8035.T")

    def test_rows_that_come_twice_are_kept_once(self, server, fetch):
        def twice(result):
            result["timestamp"].append(result["timestamp"][-1] + 60)
            quote = result["indicators"]["quote"][0]
            for name in ("open", "high", "low", "close", "volume"):
                quote[name].append(quote[name][-1])
            result["indicators"]["adjclose"][0]["adjclose"].append(quote["close"][-1])

        server.market.extra["8035.T"] = twice
        found = bars(fetch(["8035.T"]), "8035.T")
        assert not found["date"].duplicated().any()
        assert len(found) == len(server.market.traded("8035.T"))


class TestFaults:
    @pytest.mark.parametrize(
        "faults",
        [
            [(429, "Too Many Requests")] * 2,
            [(500, "oops")] * 2,
            [
                (
                    503,
                    json.dumps(
                        {"chart": {"result": None, "error": {"code": "x", "description": "Internal"}}}
                    ),
                )
            ]
            * 2,
            ["cut"],
            [(200, "<html>not json</html>")],
            [(200, '{"chart": {"result": [{"meta": {}}], "error": null}}')],
            [(200, "Will be right back")],
        ],
    )
    def test_what_passes_is_asked_again(self, server, fetch, faults, capfd):
        server.faults["8035.T"] = list(faults)
        fetched = fetch(["8035.T", "2330.TW"])
        assert outcomes(fetched) == {"8035.T": "new", "2330.TW": "new"}
        same_as_traded(bars(fetched, "8035.T"), server.market, "8035.T")
        assert capfd.readouterr() == ("", "")

    def test_a_symbol_that_yahoo_lacks_stops_nobody(self, server, fetch):
        server.answers["9988.HK"] = UNKNOWN
        fetched = fetch(["9988.HK", "8035.T"])
        assert outcomes(fetched) == {"9988.HK": "no_prices", "8035.T": "new"}
        reason = fetched.outcomes.set_index("symbol")["reason"]
        assert "No data found" in reason["9988.HK"]
        assert len([one for one in server.asked if one[0] == "9988.HK"]) <= 2

    def test_an_empty_answer_loses_nothing(self, server, fetch):
        before = bars(fetch(["8035.T"]), "8035.T")
        chart = {"chart": {"result": [server.market.chart("8035.T", 4e9, 5e9)], "error": None}}
        server.answers["8035.T"] = (200, json.dumps(chart))
        fetched = fetch(["8035.T"])
        assert outcomes(fetched)["8035.T"] in ("no_prices", "failed")
        pd.testing.assert_frame_equal(bars(fetched, "8035.T"), before)

    def test_an_answer_that_lacks_much_is_not_believed(self, server, fetch):
        before = bars(fetch(["8035.T"]), "8035.T")
        server.market.first = "2025-06-02"
        fetched = fetch(["8035.T"])
        assert outcomes(fetched) == {"8035.T": "failed"}
        assert "the answer lacks" in fetched.failed["reason"].iloc[0]
        pd.testing.assert_frame_equal(bars(fetched, "8035.T"), before)

    def test_losses_are_believed_where_the_user_says_so(self, server, fetch):
        first = fetch(["8035.T"])
        before = bars(first, "8035.T")
        server.market.first = "2025-06-02"
        fetched = fetch(["8035.T"], accept_losses=True)
        assert outcomes(fetched) == {"8035.T": "rewritten"}
        same_as_traded(bars(fetched, "8035.T"), server.market, "8035.T")
        tape = load_tape(fetched.store, snapshot=first.snapshot)
        assert tape.close.tolist() == before["close"].tolist()

    def test_a_damaged_file_stops_nobody_else(self, server, fetch):
        fetched = fetch(["8035.T", "2330.TW"])
        fetched.store.file(Key("yahoo", "1d", "8035.T")).write_bytes(b"PAR1")
        again = fetch(["8035.T", "2330.TW"])
        assert outcomes(again) == {"8035.T": "failed", "2330.TW": "unchanged"}
        assert "remove the file and fetch" in again.failed["reason"].iloc[0]

    def test_imported_bars_that_are_adjusted_are_not_joined_with_traded_ones(self, server, fetch, tmp_path):
        frame = pd.DataFrame({"symbol": "8035.T", "date": ["2023-06-01"], "close": [9.0], "factor": [2.0]})
        import_prices(frame, "yahoo", store=tmp_path / "prices")
        fetched = fetch(["8035.T", "2330.TW"])
        assert outcomes(fetched) == {"8035.T": "failed", "2330.TW": "new"}
        assert "import under another source name" in fetched.failed["reason"].iloc[0]

    def test_a_series_does_not_become_half_of_another_currency(self, server, fetch):
        fetch(["9988.HK"])
        server.market.currency["9988.HK"] = "CNY"
        half = fetch(["9988.HK"], "2025-01-01")
        assert half.failed["reason"].tolist() == [
            "its currency was HKD and is CNY now (start at 2024-01-02 or before): the series was left as it is"
        ]
        assert outcomes(fetch(["9988.HK"])) == {"9988.HK": "unchanged"}

    def test_only_what_failed_is_asked_for_again(self, server, fetch):
        server.answers["8035.T"] = (500, "oops")
        fetched = fetch()
        assert outcomes(fetched) == {**dict.fromkeys(SYMBOLS, "new"), "8035.T": "failed"}
        assert fetched.failed["reason"].iloc[0].endswith("(asked 5 times)")
        del server.answers["8035.T"]
        server.asked.clear()
        assert outcomes(fetch()) == dict.fromkeys(SYMBOLS, "new")
        assert {one[0] for one in server.asked} == {"8035.T"}

    def test_without_a_network_it_ends_at_once(self, server, fetch, monkeypatch):
        monkeypatch.setattr(yahoo, "answers", lambda *_: False)
        server.answers.update(dict.fromkeys([*SYMBOLS, "^N225"], (500, "oops")))
        with pytest.raises(
            InputError, match=r"an answer from Yahoo, got an answer that is no JSON.*; check the network"
        ):
            fetch(manners=QUICK._replace(workers=1, backoff=60.0))
        assert len(server.asked) <= 2

    def test_faults_on_the_way_are_no_missing_network(self, server, fetch, monkeypatch):
        server.answers["8035.T"] = (500, "oops")
        fetch(["2330.TW"])
        monkeypatch.setattr(yahoo, "answers", lambda *_: True)
        assert outcomes(fetch(["8035.T"])) == {"8035.T": "failed"}


class TestAgain:
    def test_unchanged_data_are_the_same_bytes(self, fetch):
        first = fetch()
        before = files(first.store)
        again = fetch()
        assert outcomes(again) == dict.fromkeys(SYMBOLS, "unchanged")
        assert files(again.store) == before
        assert again.snapshot == first.snapshot

    def test_new_sessions_are_added_and_old_bars_stay(self, server, monkeypatch, fetch):
        server.market.last = "2025-08-29"
        monkeypatch.setattr(time, "time_ns", at("2025-08-30T00:00Z"))
        first = fetch(["8035.T"])
        old = first.store.read(Key("yahoo", "1d", "8035.T"))
        server.market.last = "2025-09-12"
        monkeypatch.setattr(time, "time_ns", at(NOW))
        fetched = fetch(["8035.T"])
        assert fetched.outcomes[["outcome", "added"]].values.tolist() == [["extended", 10]]
        now = fetched.store.read(Key("yahoo", "1d", "8035.T"))
        assert now.rows(slice(0, len(old))).digest() == old.digest()
        assert fetched.changes.empty

    def test_a_rewritten_past_is_told_and_the_old_one_stays_readable(self, server, fetch):
        first = fetch()
        old = load_tape(first.store)
        server.market.edits = {"8035.T": [("2024-05-07", 999.0)]}
        server.market.dividends = {"2330.TW": [("2025-09-12", 10.0)]}
        fetched = fetch()
        assert outcomes(fetched) == {
            **dict.fromkeys(SYMBOLS, "unchanged"),
            "8035.T": "rewritten",
            "2330.TW": "rewritten",
        }
        changes = fetched.changes.set_index(["symbol", "column"])
        close = changes.loc[("8035.T", "close")]
        assert (close["first"], close["after"]) == ("2024-05-07", 999.0)
        factor = changes.loc[("2330.TW", "factor")]
        held = old.bars("2330.TW")["close"].iloc[-2]
        assert (factor["first"], factor["last"], factor["before"]) == ("2024-01-02", "2025-09-11", 1.0)
        assert factor["after"] == pytest.approx(held / (held - 10.0))
        assert fetched.snapshot != first.snapshot
        assert load_tape(fetched.store, snapshot=first.snapshot).digest() == old.digest()
        assert load_tape(fetched.store).digest() != old.digest()
        assert fetched.store.verify() == []

    def test_a_split_after_the_last_bar_moves_factors_and_no_price(self, server, monkeypatch, fetch):
        server.market.last = "2025-08-29"
        monkeypatch.setattr(time, "time_ns", at("2025-08-30T00:00Z"))
        first = fetch(["8035.T"])
        server.market.last = "2025-09-12"
        server.market.splits = {"8035.T": [("2025-09-11", 5)]}
        monkeypatch.setattr(time, "time_ns", at(NOW))
        fetched = fetch(["8035.T"])
        assert outcomes(fetched) == {"8035.T": "extended"}
        assert fetched.changes[["column", "last", "before", "after"]].values.tolist() == [
            ["factor", "2025-08-29", 1.0, 5.0]
        ]
        assert load_tape(first.store, snapshot=first.snapshot).factor.tolist() == [1.0] * 406

    def test_recent_asks_for_the_last_days_only(self, server, fetch):
        fetch(["8035.T", "2330.TW"])
        server.asked.clear()
        server.market.edits = {"8035.T": [("2024-05-07", 999.0), ("2025-09-10", 999.0)]}
        fetched = fetch(["8035.T", "2330.TW"], recent=True)
        starts = sorted(
            (one[0], pd.Timestamp(one[1], unit="s").year, pd.Timestamp(one[1], unit="s").month)
            for one in server.asked
        )
        assert starts == [("2330.TW", 2025, 8), ("8035.T", 2023, 12), ("8035.T", 2025, 8)]
        assert set(fetched.changes["first"]) == {"2024-05-07", "2025-09-10"}
        same_as_traded(bars(fetched, "8035.T"), server.market, "8035.T")

    def test_recent_tells_what_changed_in_the_last_days_alone(self, server, fetch):
        first = fetch(["8035.T"])
        server.market.edits = {"8035.T": [("2025-09-10", 999.0)]}
        fetched = fetch(["8035.T"], recent=True)
        assert outcomes(fetched) == {"8035.T": "rewritten"}
        close = fetched.changes.set_index("column").loc["close"]
        assert (close["first"], close["after"]) == ("2025-09-10", 999.0)
        assert len(load_tape(first.store, snapshot=first.snapshot)) == len(load_tape(first.store))

    def test_recent_asks_for_what_was_never_asked_for(self, server, fetch):
        fetch(["8035.T"], "2025-01-01")
        fetched = fetch(["8035.T"], "2024-01-01", recent=True)
        assert outcomes(fetched) == {"8035.T": "extended"}
        same_as_traded(bars(fetched, "8035.T"), server.market, "8035.T")

    @pytest.mark.parametrize(
        "spans",
        [
            [("2025-01-01", None), ("2024-02-01", "2024-03-01")],
            [("2024-02-01", "2024-03-01"), ("2025-01-01", None)],
        ],
    )
    def test_no_hole_between_what_was_asked_for(self, server, fetch, spans):
        for span in spans:
            fetched = fetch(["8035.T"], *span)
        expected = server.market.traded("8035.T")
        expected = expected[expected["date"] >= "2024-02-01"]
        assert bars(fetched, "8035.T")["close"].tolist() == expected["close"].tolist()

    def test_what_was_done_this_morning_is_asked_again_when_another_session_is_over(
        self, server, monkeypatch, fetch
    ):
        server.answers["2330.TW"] = (500, "oops")
        monkeypatch.setattr(time, "time_ns", at("2025-09-12T01:00Z"))
        fetch(["8035.T", "2330.TW"])
        del server.answers["2330.TW"]
        monkeypatch.setattr(time, "time_ns", at("2025-09-12T07:30Z"))
        assert set(fetch(["8035.T", "2330.TW"]).outcomes["last"]) == {"2025-09-12"}

    def test_a_file_that_was_put_back_is_not_taken_for_the_one_fetched(self, server, fetch):
        fetched = fetch(["8035.T"])
        path = fetched.store.file(Key("yahoo", "1d", "8035.T"))
        old = path.read_bytes()
        server.answers["2330.TW"] = (500, "oops")
        server.market.edits = {"8035.T": [("2024-05-07", 999.0)]}
        fetch(["8035.T", "2330.TW"])
        path.write_bytes(old)
        assert outcomes(fetch(["8035.T", "2330.TW"]))["8035.T"] == "rewritten"
        same_as_traded(bars(fetched, "8035.T"), server.market, "8035.T")

    def test_who_finishes_first_leaves_the_marks_to_the_others(self, server, fetch, tmp_path):
        marks, others = tmp_path / "prices" / ".fetching", []

        def another_joins(outcome, done, of):
            if done == 1:
                (own,) = marks.glob("*/*.present")
                others.append(FileLock(own.with_name("other.present"), thread_local=False).acquire().lock)

        fetch(progress=another_joins)
        assert len(server.asked) == len(SYMBOLS)
        assert outcomes(fetch()) == dict.fromkeys(SYMBOLS, "new")
        others[0].release()
        assert outcomes(fetch()) == dict.fromkeys(SYMBOLS, "new")
        assert len(server.asked) == len(SYMBOLS)
        assert list(marks.iterdir()) == []
        assert outcomes(fetch()) == dict.fromkeys(SYMBOLS, "unchanged")

    def test_stopped_by_the_user_it_goes_on_where_it_was(self, server, fetch):
        def stop(outcome, done, of):
            if done == 2:
                _thread.interrupt_main()
                # The main thread looks up ten times a second: the worker must not be done before.
                time.sleep(0.5)

        server.delay = 0.05
        with pytest.raises(KeyboardInterrupt):
            fetch(manners=QUICK._replace(workers=1), progress=stop)
        server.asked.clear()
        told = []
        fetched = fetch(progress=lambda outcome, done, of: told.append((outcome.symbol, done, of)))
        assert outcomes(fetched) == dict.fromkeys(SYMBOLS, "new")
        assert 0 < len(server.asked) < len(SYMBOLS)
        assert list((fetched.store.path / ".fetching").rglob("*.*")) == []
        assert sorted(done for _, done, _ in told) == [1, 2, 3, 4]
        same_as_traded(bars(fetched, "8035.T"), server.market, "8035.T")

    def test_the_journal_knows_when(self, fetch):
        fetched = fetch(["8035.T"])
        entry = fetched.store.journal()[-1]
        assert (entry["what"], entry["snapshot"]) == ("fetch", fetched.snapshot)
        assert pd.Timestamp(entry["at"]).tzinfo is not None


class TestBadInput:
    @pytest.mark.parametrize(
        ("call", "message"),
        [
            ({"symbols": ["8035.X"]}, r"a symbol of a known venue, got '8035.X'"),
            ({"start": "soon"}, r"start as a date, got 'soon'; write it as 2018-01-31"),
            ({"start": ""}, r"start as a date, got ''; write it as 2018-01-31"),
            ({"start": "nan"}, r"start as a date, got 'nan'; write it as 2018-01-31"),
            (
                {"start": "2030-01-01"},
                r"a start with sessions that are over, got 2030-01-01; .* of 2025-09-12",
            ),
            (
                {"start": "2025-02-01", "end": "2025-01-01"},
                r"start that is not after the end, got 2025-02-01 to",
            ),
            ({"interval": "3m"}, r"an interval that Yahoo has \(1d, 1m, .*\), got '3m'; take one of them"),
            ({"interval": "weekly"}, r"the interval of bars, got 'weekly'; write minutes"),
        ],
    )
    def test_it_is_refused_before_anything_is_asked(self, server, fetch, call, message):
        with pytest.raises(InputError, match=message):
            fetch(**call)
        assert server.asked == []

    def test_a_folder_of_other_things_is_left_alone(self, tmp_path, server):
        (tmp_path / "thesis.txt").write_text("mine")
        with pytest.raises(InputError, match="a price store, or an empty folder, got other files"):
            fetch_prices(["8035.T"], store=tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]

    def test_a_store_of_another_format_is_refused(self, tmp_path):
        (tmp_path / "store.json").write_text('{"format": 99}')
        with pytest.raises(InputError, match="a price store of format 1, got 99"):
            Store(tmp_path)
