"""A server on the loopback that speaks Yahoo's chart protocol, faults included, and what leads yfinance to it."""

import http.server
import json
import threading
import urllib.parse
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest

from aftershock.data.calendars import sessions
from aftershock.data.universes import resolve
from aftershock.data.venues import venue

MINUTE = 60
INTERVALS = {"1m": 1, "2m": 2, "5m": 5, "15m": 15, "30m": 30, "60m": 60, "90m": 90}


class Market:
    """Made-up bars of any symbol, with splits and dividends that are restated as Yahoo restates them.

    ``splits`` and ``dividends`` map a symbol to pairs of a date and a ratio or amount (as traded). ``edits`` maps a
    symbol to pairs of a date and the close that Yahoo tells since it rewrote its past.
    """

    def __init__(self, first="2024-01-02", last="2025-09-12"):
        self.first, self.last = first, last
        self.splits, self.dividends, self.edits, self.extra = {}, {}, {}, {}
        self.currency = {}

    def days(self, symbol):
        known = sessions(resolve(symbol).venue)
        day = known.session.astype("M8[D]")
        kept = (day >= np.datetime64(self.first)) & (day <= np.datetime64(self.last))
        return day[kept], known.opens_at[kept] // 10**9, known.closes_at[kept] // 10**9

    def traded(self, symbol):
        """Bars as they were traded: date, opening second, open, high, low, close, volume."""
        day, opens, _ = self.days(symbol)
        draw = np.random.default_rng(sum(symbol.encode()))
        growth = np.exp(np.cumsum(draw.normal(0, 0.01, len(day))))
        ratio = np.ones(len(day))
        for date, split in self.splits.get(symbol, ()):
            ratio[day >= np.datetime64(date)] /= split
        close = np.round(1000.0 * growth, 1) * ratio
        for date, value in self.edits.get(symbol, ()):
            close[day == np.datetime64(date)] = value
        start = close * 0.998
        return pd.DataFrame(
            {
                "date": day.astype(str),
                "at": opens,
                "open": start,
                "high": np.maximum(start, close) * 1.002,
                "low": np.minimum(start, close) * 0.998,
                "close": close,
                "volume": np.round(1e6 / ratio),
            }
        )

    def chart(self, symbol, start, end, interval="1d"):
        """Answer as Yahoo does: prices, volumes and dividends restated for all later splits, adjclose for both."""
        bars = self.traded(symbol) if interval == "1d" else self.intraday(symbol, INTERVALS[interval])
        later, paid = self._later(symbol, bars["date"]), np.zeros(len(bars))
        stamps = dict(zip(bars["date"][::-1], bars["at"][::-1], strict=True))
        events = {"splits": {}, "dividends": {}}
        for date, split in self.splits.get(symbol, ()):
            at = int(stamps[date])
            fraction = {"numerator": float(split), "denominator": 1.0}
            events["splits"][str(at)] = {"date": at, **fraction, "splitRatio": f"{split:g}:1"}
        for date, amount in self.dividends.get(symbol, ()):
            at = int(stamps[date])
            first = int(np.flatnonzero(bars["date"] == date)[0])
            paid[first] = amount / later[first]
            events["dividends"][str(at)] = {"date": at, "amount": float(paid[first])}
        prices = {name: bars[name].to_numpy() / later for name in ("open", "high", "low", "close")}
        adjusted = prices["close"] * _adjustment(prices["close"], paid)
        kept = ((bars["at"] >= start) & (bars["at"] <= end)).to_numpy()
        quote = {name: _cells(values[kept]) for name, values in prices.items()}
        quote["volume"] = _cells((bars["volume"].to_numpy() * later)[kept], int)
        events = {
            kind: {key: one for key, one in found.items() if start <= one["date"] <= end}
            for kind, found in events.items()
        }
        result = {
            "meta": self.meta(symbol, interval),
            "timestamp": [int(at) for at in bars["at"][kept]],
            "indicators": {"quote": [quote], "adjclose": [{"adjclose": _cells(adjusted[kept])}]},
        }
        if any(events.values()):
            result["events"] = {kind: found for kind, found in events.items() if found}
        self.extra.get(symbol, lambda _: None)(result)
        return result

    def intraday(self, symbol, minutes):
        day, opens, closes = self.days(symbol)
        known = sessions(resolve(symbol).venue)
        at, date = [], []
        starts = dict(
            zip(known.opens_at // 10**9, zip(known.break_start, known.break_end, strict=True), strict=True)
        )
        for one, first, last in zip(day.astype(str), opens, closes, strict=True):
            pause = [int(instant) // 10**9 for instant in starts[first]]
            stretches = [(first, last)] if pause[0] < 0 else [(first, pause[0]), (pause[1], last)]
            for begin, end in stretches:
                found = list(range(int(begin), int(end), minutes * MINUTE))
                at += found
                date += [one] * len(found)
        draw = np.random.default_rng(sum(symbol.encode()))
        close = np.round(1000.0 * np.exp(np.cumsum(draw.normal(0, 0.003, len(at)))), 1)
        columns = {"open": close * 0.999, "high": close * 1.002, "low": close * 0.997, "close": close}
        return pd.DataFrame({"date": date, "at": at, **columns, "volume": 1000.0})

    def _later(self, symbol, date):
        later = np.ones(len(date))
        for split_date, split in self.splits.get(symbol, ()):
            later[(date < split_date).to_numpy()] *= split
        return later

    def meta(self, symbol, interval):
        place = venue(resolve(symbol).venue)
        _, opens, closes = self.days(symbol)
        period = {"timezone": "LOC", "start": int(opens[-1]), "end": int(closes[-1]), "gmtoffset": 0}
        return {
            "currency": self.currency.get(symbol, place.currency),
            "symbol": symbol,
            "exchangeName": place.mic,
            "instrumentType": "EQUITY",
            "exchangeTimezoneName": place.zone,
            "timezone": "LOC",
            "gmtoffset": 0,
            "firstTradeDate": int(opens[0]),
            "regularMarketTime": int(closes[-1]),
            "dataGranularity": interval,
            "range": "",
            "validRanges": ["1d", "max"],
            "priceHint": 2,
            "currentTradingPeriod": dict.fromkeys(("pre", "regular", "post"), period),
            "tradingPeriods": [
                [{**period, "start": int(start), "end": int(end)}]
                for start, end in zip(opens, closes, strict=True)
            ],
        }


def _adjustment(close, paid):
    """Yahoo's own: each dividend scales everything before it by 1 - dividend / close before."""
    scale = np.ones(len(close))
    for row in np.flatnonzero(paid):
        if row:
            scale[:row] *= 1.0 - paid[row] / close[row - 1]
    return scale


def _cells(values, kind=float):
    return [None if np.isnan(value) else kind(value) for value in values]


class Server(http.server.ThreadingHTTPServer):
    """Serves ``market``; ``answers`` maps a symbol to what it is answered instead, ``faults`` to what comes first.

    An answer is a pair of a status and a body, or a function that gives one. Faults are lists of answers, one for each
    request; ``"cut"`` is one that breaks off in the middle, ``"hang"`` waits until the server ends. ``asked`` lists the
    requests: symbol, first and last second, interval.
    """

    daemon_threads = True

    def __init__(self, market=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.market = market or Market()
        self.answers, self.faults, self.asked = {}, {}, []
        self.ended = threading.Event()
        self.delay = 0.0
        self.address = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_):
        """Say nothing of a client that hung up."""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        where = urllib.parse.urlsplit(self.path)
        symbol = urllib.parse.unquote(where.path.rsplit("/", 1)[1])
        query = {name: values[0] for name, values in urllib.parse.parse_qs(where.query).items()}
        start, end = int(query.get("period1", 0)), int(query.get("period2", 4e9))
        interval = query.get("interval", "1d")
        server = self.server
        server.asked.append((symbol, start, end, interval))
        server.ended.wait(server.delay)
        faults = server.faults.get(symbol, [])
        fault = faults.pop(0) if faults else None
        if fault == "hang":
            server.ended.wait(60)
            return
        answer = fault if isinstance(fault, tuple) else server.answers.get(symbol)
        answer = answer() if callable(answer) else answer
        status, body = answer or (200, self._body(symbol, start, end, interval))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode()[: len(body) // 2] if fault == "cut" else body.encode())
        if fault == "cut":
            self.wfile.flush()
            self.connection.close()

    def _body(self, symbol, start, end, interval):
        result = self.server.market.chart(symbol.replace("^", ""), start, end, interval)
        return json.dumps({"chart": {"result": [result], "error": None}})

    def log_message(self, *_):
        pass


UNKNOWN = (
    404,
    json.dumps(
        {
            "chart": {
                "result": None,
                "error": {"code": "Not Found", "description": "No data found, symbol may be delisted"},
            }
        }
    ),
)
"""What Yahoo says of a symbol that it does not have."""


@pytest.fixture
def server(monkeypatch):
    """A server for one test, with yfinance led to it and off the network."""
    with serving() as served:
        lead_to(served.address, monkeypatch.setattr)
        yield served


@contextmanager
def serving(market=None):
    """Run a server for as long as the block lasts."""
    served = Server(market)
    thread = threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.ended.set()
        served.shutdown()
        served.server_close()


def lead_to(address, setattr_=setattr):
    """Lead yfinance to a server instead of Yahoo, and keep it off the network."""
    import yfinance
    import yfinance.scrapers.history

    from aftershock.data.prices import yahoo

    for module in (yfinance.base, yfinance.scrapers.history):
        setattr_(module, "_BASE_URL_", address)
    setattr_(yfinance.data.YfData, "_get_cookie_and_crumb", lambda *_, **__: (None, "basic"))
    setattr_(yahoo, "HOST", address + "/v8/finance/chart/8035.T")
    yfinance.data.YfData.cache_get.cache_clear()


NOW = "2025-09-13T00:00Z"
"""A Saturday: the sessions of the twelfth are over."""


def at(instant):
    """A clock that stands still, for `time.time_ns`."""
    nanoseconds = pd.Timestamp(instant).value
    return lambda: nanoseconds


def fetch_in_child(address, folder, symbols, start, ready=None):
    """Fetch in a process of its own, led to the server of its parent."""
    import time

    from aftershock.data.prices.fetch import Manners, fetch_prices

    lead_to(address)
    time.time_ns = at(NOW)
    if ready is not None:
        ready.wait()
    fetch_prices(symbols, start, store=folder, manners=Manners(pause=0.0, backoff=0.05, timeout=10.0))


def import_in_child(files, folder, ready=None):
    """Import in a process of its own."""
    from aftershock.data.prices.imports import import_prices

    if ready is not None:
        ready.wait()
    import_prices(files, "desk", store=folder)
