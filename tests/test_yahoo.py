"""Yahoo through yfinance, against a server on the loopback that speaks its language."""

import json
import logging
import threading
import time

import numpy as np
import pandas as pd
import pytest
from yahoo_server import server

from aftershock.data.errors import InputError
from aftershock.data.prices import Tape, yahoo
from aftershock.data.universes import resolve
from aftershock.data.venues import venue

__all__ = ["server"]

DAYS = ["2025-09-10", "2025-09-11", "2025-09-12", "2025-09-16"]


def chart(symbol, days=DAYS, splits=(), dividends=(), adjusted=None):
    """Answer as Yahoo does; ``splits`` and ``dividends`` are pairs of a day and a ratio or amount."""
    zone = venue(resolve(symbol).venue).zone
    stamps = [int(pd.Timestamp(f"{day} 09:00", tz=zone).timestamp()) for day in days]
    close = [100.0 + i for i in range(len(days))]
    at = dict(zip(days, stamps, strict=True))
    events = {
        "splits": {
            str(at[day]): {"date": at[day], "numerator": n, "denominator": 1, "splitRatio": f"{n}:1"}
            for day, n in splits
        },
        "dividends": {str(at[day]): {"date": at[day], "amount": amount} for day, amount in dividends},
    }
    quote = {
        "open": [price - 0.5 for price in close],
        "high": [price + 1 for price in close],
        "low": [price - 1 for price in close],
        "close": close,
        "volume": [1000] * len(days),
    }
    meta = {
        "currency": "JPY",
        "symbol": symbol,
        "instrumentType": "EQUITY",
        "exchangeTimezoneName": zone,
        "timezone": "JST",
        "gmtoffset": 32400,
        "firstTradeDate": stamps[0],
        "regularMarketTime": stamps[-1],
        "dataGranularity": "1d",
        "range": "",
        "validRanges": ["1d", "max"],
        "currentTradingPeriod": {
            part: {"timezone": "JST", "start": stamps[-1], "end": stamps[-1] + 1, "gmtoffset": 32400}
            for part in ("pre", "regular", "post")
        },
    }
    indicators = {"quote": [quote], "adjclose": [{"adjclose": adjusted or close}]}
    result = {"meta": meta, "timestamp": stamps, "events": events, "indicators": indicators}
    return 200, json.dumps({"chart": {"result": [result], "error": None}})


def ask(*symbols, timeout=5.0, start="2025-09-10", end="2025-09-12"):
    return yahoo.fetch(symbols, start, end, timeout=timeout)


def test_a_table_for_the_tape(server, capfd):
    server.answers = {"8035.T": chart("8035.T"), "^N225": chart("N225")}
    table = ask("TYO:8035", "N225", "8035.T")
    assert list(table.columns) == [
        *("symbol", "date", "open", "high", "low", "close", "volume", "dividend", "split", "source")
    ]
    tape = Tape.from_frame(table)
    assert tape.symbols == ("8035.T", "N225")
    assert tape.sources == ("yahoo", "yahoo")
    assert tape.bars("8035.T")["session"].astype(str).tolist() == DAYS[:3]
    assert tape.close[:3].tolist() == [100, 101, 102]
    assert (tape.factor == 1).all()
    assert tape.warnings.empty
    assert capfd.readouterr() == ("", "")


def test_splits_are_undone_by_the_factor_even_those_after_the_end(server):
    split = chart("8035.T", splits=[("2025-09-11", 2), ("2025-09-16", 5)])
    server.answers = {"8035.T": split}
    table = ask("8035.T")
    assert table["close"].tolist() == [1000, 505, 510]
    assert table["volume"].tolist() == [100, 200, 200]
    assert table["split"].tolist() == [1, 2, 1]
    tape = Tape.from_frame(table)
    assert tape.factor.tolist() == [2, 1, 1]
    assert tape.close.tolist() == [500, 505, 510]
    assert Tape.from_frame(ask("8035.T", end="2025-09-16")).factor.tolist() == [10, 5, 5, 1]


def test_dividends_adjust_prices_and_the_factor_leads_back(server):
    paid = chart("8035.T", dividends=[("2025-09-12", 2.0)], adjusted=[98.0, 98.98, 102.0, 103.0])
    server.answers = {"8035.T": paid}
    table = ask("8035.T")
    assert table["close"].tolist() == [100, 101, 102]
    assert table["dividend"].tolist() == [0, 0, 2]
    tape = Tape.from_frame(table)
    np.testing.assert_allclose(tape.close, [100 * 99 / 101, 99.0, 102.0])
    np.testing.assert_allclose(tape.open, [99.5 * 99 / 101, 100.5 * 99 / 101, 101.5])
    np.testing.assert_allclose(tape.close * tape.factor, [100, 101, 102])


def test_a_session_that_is_not_over_is_left_out(server, monkeypatch):
    server.answers = {"8035.T": chart("8035.T")}
    for clock, last in (("2025-09-12 07:14", "2025-09-11"), ("2025-09-12 07:15", "2025-09-12")):
        now = pd.Timestamp(clock, tz="UTC").value
        monkeypatch.setattr(yahoo.time, "time_ns", lambda now=now: now)
        assert str(ask("8035.T")["date"].iloc[-1].date()) == last


def test_too_many_requests(server, capfd):
    server.answers = {"8035.T": (429, "Too Many Requests")}
    with pytest.raises(
        InputError, match=r"prices of 8035.T, got Yahoo's refusal of too many requests \(429\)"
    ):
        ask("8035.T")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "answer",
    [
        (200, "<html>Will be right back</html>"),
        (200, "not json"),
        (200, '{"chart": {"result": null, "error": null}}'),
        (200, '{"chart": {"result": [{"meta": {}}], "error": null}}'),
        (404, '{"chart": {"result": null, "error": {"code": "Not Found", "description": "No data found"}}}'),
        (500, "oops"),
    ],
)
def test_garbage(server, capfd, answer):
    server.answers = {"6857.T": answer}
    with pytest.raises(InputError, match=r"expected prices of 6857.T, got an (error|empty table)"):
        ask("6857.T")
    assert capfd.readouterr() == ("", "")


def test_days_without_prices(server):
    server.answers = {"8035.T": chart("8035.T")}
    with pytest.raises(
        InputError, match=r"prices of 8035.T, got an empty table from Yahoo; check symbol and"
    ):
        ask("8035.T", start="2025-09-13", end="2025-09-15")
    with pytest.raises(InputError, match="a start that is not after the end, got 2025-09-12 to 2025-09-10"):
        ask("8035.T", start="2025-09-12", end="2025-09-10")


def test_every_instrument_without_prices_is_named(server):
    server.answers = {"8035.T": chart("8035.T"), "6857.T": (200, "x"), "6146.T": (429, "x")}
    with pytest.raises(InputError, match=r"prices of 6857.T") as caught:
        ask("8035.T", "6857.T", "6146.T")
    assert [problem.expected for problem in caught.value.problems] == ["prices of 6857.T", "prices of 6146.T"]


def test_silence_ends_in_time(server, capfd):
    release = threading.Event()

    def never():
        release.wait(30)
        return 200, "late"

    server.answers = {"8035.T": never, "6857.T": chart("6857.T")}
    started = time.monotonic()
    with pytest.raises(InputError, match=r"prices of 8035.T, got silence: Yahoo did not answer within 0.5 s"):
        ask("6857.T", "8035.T", timeout=0.5)
    assert time.monotonic() - started < 3
    release.set()
    time.sleep(0.3)
    assert capfd.readouterr() == ("", "")


def test_yfinance_is_left_as_it_was(server):
    import yfinance

    before = yfinance.config.debug.hide_exceptions
    server.answers = {"8035.T": chart("8035.T")}
    ask("8035.T")
    assert yfinance.config.debug.hide_exceptions == before
    kinds = [type(handler) for handler in logging.getLogger("yfinance").handlers]
    assert kinds.count(logging.NullHandler) == 1


class TestAnswers:
    def test_any_answer_counts(self, server, monkeypatch):
        monkeypatch.setattr(yahoo, "HOST", server.address + "/x")
        for status in (200, 404, 429):
            server.answers = {"x": (status, "")}
            assert yahoo.answers()

    def test_no_network_is_told_in_time(self, monkeypatch):
        monkeypatch.setattr(yahoo, "HOST", "http://127.0.0.1:1")
        assert not yahoo.answers()
        release = threading.Event()

        def hang(*_, **__):
            release.wait(30)
            raise OSError

        monkeypatch.setattr(yahoo.urllib.request, "urlopen", hang)
        started = time.monotonic()
        assert not yahoo.answers(timeout=0.2)
        assert time.monotonic() - started < 2
        release.set()
