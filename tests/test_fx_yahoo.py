"""Exchange rates from Yahoo: a day's rate is known when the day is over in London."""

import json
import time

import numpy as np
import pandas as pd
import pytest
from inputs import call
from yahoo_server import UNKNOWN, at, server

from aftershock.data.errors import InputError
from aftershock.data.fx import fetch_fixings, load_fixings
from aftershock.data.instants import to_ns

__all__ = ["server"]

DAYS = ["2025-09-10", "2025-09-11", "2025-09-12", "2025-09-15"]


def chart(closes, days=DAYS):
    stamps = [int(pd.Timestamp(day, tz="Europe/London").timestamp()) for day in days]
    period = {"timezone": "BST", "start": stamps[-1], "end": stamps[-1] + 86340, "gmtoffset": 3600}
    meta = {
        "currency": "TWD",
        "symbol": "USDTWD=X",
        "exchangeName": "CCY",
        "instrumentType": "CURRENCY",
        "exchangeTimezoneName": "Europe/London",
        "timezone": "BST",
        "gmtoffset": 3600,
        "firstTradeDate": stamps[0],
        "regularMarketTime": stamps[-1],
        "dataGranularity": "1d",
        "range": "",
        "validRanges": ["1d", "max"],
        "priceHint": 4,
        "currentTradingPeriod": dict.fromkeys(("pre", "regular", "post"), period),
    }
    quote = dict.fromkeys(("open", "high", "low", "close"), closes) | {"volume": [0] * len(closes)}
    indicators = {"quote": [quote], "adjclose": [{"adjclose": closes}]}
    result = {"meta": meta, "timestamp": stamps, "indicators": indicators}
    return 200, json.dumps({"chart": {"result": [result], "error": None}})


@pytest.fixture(autouse=True)
def still(monkeypatch):
    monkeypatch.setattr(time, "time_ns", at("2025-09-15T12:00Z"))


def fetch(*pairs, **options):
    return fetch_fixings(pairs, "2025-09-01", backoff=0.01, timeout=5.0, **options)


@pytest.mark.parametrize("text", ["TWD", "twd", "USDTWD", "TWD=X", "USD/TWD"])
def test_days_that_are_over_and_when_they_were_known(server, text):
    server.answers["USDTWD=X"] = chart([30.2, 30.25, 30.3, 30.4])
    table = fetch(text)
    assert table["date"].astype(str).tolist() == DAYS[:3]
    assert table["rate"].tolist() == [30.2, 30.25, 30.3]
    assert set(table["pair"]) == {"USDTWD"}
    assert str(table["known_at"].iloc[0]) == "2025-09-10 23:00:00+00:00"


@pytest.mark.parametrize("name", ["usdtwd.csv", "rates.parquet"])
def test_the_file_serves_a_run(server, tmp_path, name):
    server.answers["USDTWD=X"] = chart([30.2, 30.25, 30.3, 30.4])
    fetch("TWD", path=tmp_path / name)
    fixings = load_fixings(tmp_path / name)
    known = to_ns(["2025-09-11T22:59Z", "2025-09-11T23:00Z"])
    np.testing.assert_allclose(fixings.rate("USD", "TWD", known), [1 / 30.2, 1 / 30.25])


def test_faults_are_asked_again_and_refusals_told(server):
    server.faults["USDTWD=X"] = [(429, "x")] * 2
    server.answers["USDTWD=X"] = chart([30.2, 30.25, 30.3, 30.4])
    assert len(fetch("TWD")) == 3
    server.answers["USDTWD=X"] = UNKNOWN
    with pytest.raises(InputError, match=r"rates of USDTWD from Yahoo, got .*No data found"):
        fetch("TWD")
    server.answers["USDTWD=X"] = (500, "oops")
    with pytest.raises(
        InputError, match=r"rates of USDTWD from Yahoo, got .*; try again later, or give a file"
    ):
        fetch("TWD")


def test_bad_input_is_refused_before_anything_is_asked(server, tmp_path):
    with pytest.raises(InputError, match="TWF"):
        fetch("TWF")
    with pytest.raises(InputError, match=r"a file that ends in .csv or .parquet, got .txt"):
        fetch("TWD", path=tmp_path / "x.txt")
    with pytest.raises(InputError, match="start as a date, got 'soon'"):
        fetch_fixings("TWD", "soon")
    with pytest.raises(InputError, match="a currency or a pair, got none"):
        fetch()
    assert server.asked == []


def test_the_verb(server, tmp_path, capsys):
    server.answers["USDTWD=X"] = chart([30.2, 30.25, 30.3, 30.4])
    done = call(capsys, "fx", "fetch", "TWD", "--start", "2025-09-01", "-o", tmp_path / "usdtwd.csv")
    assert done.code == 0
    assert "USDTWD: 3 rates to 2025-09-12" in done.out
    shown = call(capsys, "fx", "fetch", "TWD", "--start", "2025-09-01", "--json")
    assert json.loads(shown.out)[0] == {
        "date": "2025-09-10",
        "pair": "USDTWD",
        "rate": 30.2,
        "known_at": "2025-09-10T23:00:00Z",
    }
    assert call(capsys, "fx", "fetch", "TWF").code == 2
