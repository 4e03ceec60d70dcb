"""Yahoo's prices, through yfinance: bars as they were traded, or a plain refusal; never a wait without end."""

from __future__ import annotations

import contextlib
import http.client
import logging
import queue
import re
import threading
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.calendars import sessions
from aftershock.data.errors import InputError, Problem
from aftershock.data.instants import DAY, local_date, to_ns
from aftershock.data.prices.adjust import traded
from aftershock.data.prices.columns import PRICES
from aftershock.data.prices.hours import DAILY
from aftershock.data.prices.series import Series
from aftershock.data.universes import Instrument, resolve, yahoo_symbol
from aftershock.data.venues import venue

HOST = "https://query2.finance.yahoo.com"
SOURCE = "yahoo"
WORKERS = 4
"""How many instruments are asked for at once."""

SETTLES = 45 * 60_000_000_000
"""How long after a close its bar is still made (closing auctions, delayed feeds), in nanoseconds."""

REACH = {"1m": 29, "2m": 59, "5m": 59, "15m": 59, "30m": 59, "60m": 729, "90m": 59}
"""How many days back Yahoo keeps bars inside the session; daily ones it keeps for good."""

TOLD = {
    "currency": "currency",
    "exchange": "exchangeName",
    "kind": "instrumentType",
    "zone": "exchangeTimezoneName",
}
"""What is kept of Yahoo's words on an instrument, under our names."""

CURE = "check the network, give it a longer timeout, or load prices from files"


class YahooError(Exception):
    """Yahoo's answer is no answer: ``kind`` is ``rate``, ``none`` (no such prices) or ``fault``."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


def ask(
    instrument: Instrument, first: pd.Timestamp, interval: str = DAILY, *, timeout: float = 30.0
) -> Series:
    """Ask once for everything from a date to the present, and undo the splits Yahoo has taken in.

    Yahoo's prices, volumes and dividends come restated for every split until today, "unadjusted" or not, and its
    adjusted close changes with every dividend. So the answer reaches to the present even where less is wanted: a
    split after the last wanted day is needed to undo it. What is given is what was traded, with dividends and
    splits beside.

    Parameters
    ----------
    instrument : Instrument
        What to ask for.
    first : Timestamp
        First local date.
    interval : str
        ``1d``, or one of `REACH`.
    timeout : float
        Seconds for the request.

    Returns
    -------
    Series
        Bars that are over, by local date or opening instant; empty where there is none.

    Raises
    ------
    YahooError
        Yahoo did not answer, refused, or has no such prices.
    """
    zone = venue(instrument.venue).zone
    found, meta = history(yahoo_symbol(instrument.symbol), zone, first, interval, timeout=timeout)
    series = _series(found, instrument, interval, meta)
    return series.rows(series.at >= bounds(instrument, interval, first, first)[0])


def history(
    symbol: str, zone: str, first: pd.Timestamp, interval: str = DAILY, *, timeout: float = 30.0
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Ask once for the bars of a symbol as Yahoo writes it, from a date to the present.

    Returns
    -------
    bars : DataFrame
        As yfinance gives them, unadjusted, but for dividends and splits of dates without a bar, which have rows of
        their own; the index is in the zone of the exchange.
    told : dict
        Yahoo's words on the symbol: `TOLD`.

    Raises
    ------
    YahooError
        Yahoo did not answer, refused, or has no such prices.
    """
    import yfinance

    ticker = yfinance.Ticker(symbol)
    # Known here: spares a request for each instrument, and a cache that several processes would lock.
    ticker._tz = zone
    start = first.strftime("%Y-%m-%d")
    with _frank(yfinance):
        try:
            bars = ticker.history(
                start=start, interval=interval, auto_adjust=False, actions=True, timeout=timeout
            )
            if interval == DAILY:
                bars = _on_their_dates(bars, ticker._lazy_load_price_history())
            told = ticker.get_history_metadata()
            return bars, {name: str(told.get(key) or "") for name, key in TOLD.items()}
        except Exception as error:
            # Whatever yfinance or its backend raises becomes a refusal with a sentence.
            raise _refusal(error) from error


def bounds(instrument: Instrument, interval: str, first: pd.Timestamp, last: pd.Timestamp) -> tuple[int, int]:
    """Give the first and last `Series.at` of some local dates: in Sydney a session begins on the day before in UTC.

    Examples
    --------
    >>> days = pd.Timestamp("2025-09-12"), pd.Timestamp("2025-09-12")
    >>> bounds(resolve("8035.T"), "1d", *days), bounds(resolve("8035.T"), "60m", *days)
    ((20343, 20343), (1757602800000000000, 1757689199999999999))
    """
    if interval == DAILY:
        return first.value // DAY, last.value // DAY
    zone = venue(instrument.venue).zone
    after = last + pd.Timedelta(days=1)
    return first.tz_localize(zone).value, after.tz_localize(zone).value - 1


def fetch(
    symbols: Iterable[str], start: Any, end: Any, *, timeout: float = 5.0, least: float = 1.0
) -> pd.DataFrame:
    """Ask Yahoo for daily bars of several instruments at once, once each, and keep them nowhere.

    Parameters
    ----------
    symbols : iterable of str
        In any dialect.
    start, end : date or str
        First and last local date, both included. Sessions that are not over yet are left out.
    timeout : float
        Seconds for everything together.
    least : float
        The share of instruments that must have prices; with all of them less is refused.

    Returns
    -------
    DataFrame
        ``symbol, date, open, high, low, close, volume, dividend, split, source``: traded prices and actions, for
        `Tape.from_frame`; ``date`` is the venue's local date.

    Raises
    ------
    InputError
        Yahoo did not answer in time, refused, or has no prices of one (or too many) of the instruments.
    """
    instruments = list({(one := resolve(symbol)).symbol: one for symbol in symbols}.values())
    first, last = local_date(start, "start as a date"), local_date(end, "end as a date")
    if first > last:
        got = f"{first.date()} to {last.date()}"
        raise InputError(Problem("a start that is not after the end", got, "exchange the two"))
    found = _ask_all(instruments, first, timeout)
    tables = [_cut(answer, last) if isinstance(answer, Series) else answer for answer in found]
    problems = [
        _problem(one, answer, timeout)
        for one, answer in zip(instruments, tables, strict=True)
        if not isinstance(answer, Series) or not len(answer)
    ]
    if len(instruments) - len(problems) < least * len(instruments) or len(problems) == len(instruments):
        raise InputError(problems)
    frames = [
        answer.to_frame().assign(symbol=one.symbol, source=SOURCE)
        for one, answer in zip(instruments, tables, strict=True)
        if isinstance(answer, Series) and len(answer)
    ]
    whole = pd.concat(frames, ignore_index=True)
    columns = ["symbol", "date", *PRICES, "volume", "dividend", "split", "source"]
    return whole[columns]


def answers(timeout: float = 3.0) -> bool:
    """Say within ``timeout`` seconds whether Yahoo can be reached at all."""
    reached = threading.Event()
    thread = threading.Thread(target=_knock, args=(timeout, reached), daemon=True)
    thread.start()
    thread.join(timeout)
    return reached.is_set()


def last_over(mic: str) -> pd.Timestamp:
    """Give the date of the last session whose bars are final."""
    known = sessions(mic)
    over = int(np.searchsorted(known.closes_at, time.time_ns() - SETTLES, side="right"))
    return pd.Timestamp(int(known.session[over - 1]), unit="D")


def earliest(interval: str) -> pd.Timestamp | None:
    """Give the first date of which Yahoo still has bars of an interval; None where it forgets none."""
    if interval == DAILY:
        return None
    today = pd.Timestamp(time.time_ns()).normalize()
    return today - pd.Timedelta(days=REACH[interval])


def _knock(timeout: float, reached: threading.Event) -> None:
    try:
        urllib.request.urlopen(HOST, timeout=timeout).close()
    except urllib.error.HTTPError as refusal:
        refusal.close()
    except (OSError, ValueError, http.client.HTTPException):
        return
    reached.set()


def _ask_all(instruments: list[Instrument], first: pd.Timestamp, timeout: float) -> list[Any]:
    """Ask for each instrument; give a series, the refusal, or None where no answer came in time."""
    found: dict[str, Any] = {}
    waiting: queue.SimpleQueue[Instrument] = queue.SimpleQueue()
    for instrument in instruments:
        waiting.put(instrument)
    deadline = time.monotonic() + timeout

    def work() -> None:
        # Daemon threads: a pool would keep the process alive until the last answer.
        with contextlib.suppress(queue.Empty):
            while time.monotonic() < deadline:
                instrument = waiting.get_nowait()
                try:
                    found[instrument.symbol] = ask(instrument, first, timeout=timeout)
                except YahooError as refusal:
                    found[instrument.symbol] = refusal

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(WORKERS, len(instruments)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [found.get(instrument.symbol) for instrument in instruments]


_frankness = threading.Lock()
_frank_calls = 0


@contextlib.contextmanager
def _frank(yfinance: Any) -> Iterator[None]:
    """Have yfinance raise its errors and print nothing, while any thread asks.

    The silence outlasts the call, because a thread that was given up may still come to speak.
    """
    global _frank_calls
    debug = yfinance.config.debug
    with _frankness:
        _silence()
        if _frank_calls == 0:
            _frank.before = debug.hide_exceptions  # type: ignore[attr-defined]
            debug.hide_exceptions = False
        _frank_calls += 1
    try:
        yield
    finally:
        with _frankness:
            _frank_calls -= 1
            if _frank_calls == 0:
                debug.hide_exceptions = _frank.before  # type: ignore[attr-defined]


def _silence() -> None:
    warnings.filterwarnings("ignore", module="yfinance")
    logger = logging.getLogger("yfinance")
    if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        logger.addHandler(logging.NullHandler())
    logger.propagate = False


ABSENT = ("no data found", "delisted", "doesn't exist", "not found", "no price data")
"""What Yahoo and yfinance say where there are no such prices."""


def _refusal(error: Exception) -> YahooError:
    text = re.sub(r"^\$\S+: ", "", " ".join(str(error).split())[:200])
    if "RateLimit" in type(error).__name__:
        return YahooError("rate", "too many requests (429)")
    if "Missing" in type(error).__name__ and any(words in text.lower() for words in ABSENT):
        return YahooError("none", text)
    if "JSONDecode" in type(error).__name__:
        return YahooError("fault", "an answer that is no JSON, such as a page that tells of an error")
    return YahooError("fault", f"{type(error).__name__}: {text}")


def _problem(instrument: Instrument, answer: Any, timeout: float) -> Problem:
    expected = f"prices of {instrument.symbol}"
    if answer is None:
        return Problem(expected, f"silence: Yahoo did not answer within {timeout:g} s", CURE)
    if isinstance(answer, Series):
        return Problem(expected, "an empty table from Yahoo", "check symbol and dates")
    if answer.kind == "rate":
        cure = "wait some minutes, ask for fewer instruments, or load prices from files"
        return Problem(expected, "Yahoo's refusal of too many requests (429)", cure)
    return Problem(expected, f"an error: {answer}", CURE)


def _series(history: pd.DataFrame, instrument: Instrument, interval: str, meta: dict[str, str]) -> Series:
    """Turn one answer into the bars that are over, as traded."""
    history = history.sort_index()
    splits = history.get("Stock Splits", pd.Series(dtype=float)).to_numpy(np.float64)
    restated = {
        name: history.get(name.title(), pd.Series(dtype=float)).to_numpy(np.float64) for name in PRICES
    }
    dividends = history.get("Dividends", pd.Series(dtype=float)).to_numpy(np.float64)
    table = pd.DataFrame({name: traded(values, splits) for name, values in restated.items()})
    shares = traded(np.ones(len(table)), splits)
    volume = history.get("Volume", pd.Series(dtype=float)).to_numpy(np.float64) / shares
    if interval == DAILY:
        # yfinance writes 0 where Yahoo says nothing of the volume; prices that moved tell that there was some.
        volume = np.where((volume == 0) & (restated["high"] > restated["low"]), np.nan, volume)
    table = table.assign(
        at=_times(pd.DatetimeIndex(history.index), interval),
        volume=volume,
        dividend=dividends * shares,
        split=np.where(splits > 0, splits, 1.0),
    )
    about = {
        **meta,
        "asked_for": yahoo_symbol(instrument.symbol),
        "client": f"yfinance {version('yfinance')}",
        "prices": "as traded: splits that Yahoo has taken in were undone; dividends and splits beside",
    }
    return Series.of(table[_over(table["at"].to_numpy(np.int64), instrument, interval)], interval, about)


def _on_their_dates(history: pd.DataFrame, source: Any) -> pd.DataFrame:
    """Give dividends and splits of dates without a bar a row of their own.

    yfinance puts them on the bar before (`yfinance.utils.safe_merge_dfs`), a day or more before the ex-date.
    """
    history = history.sort_index()
    bars = history.index
    for column, told in (("Dividends", source._dividends), ("Stock Splits", source._splits)):
        events = told["Dividends"] if isinstance(told, pd.DataFrame) else told
        for stamp, value in events.items():
            date = pd.Timestamp(stamp).normalize()  # type: ignore[arg-type]
            before = int(bars.searchsorted(date)) - 1
            if date in bars or before < 0:
                continue
            at, there = bars[before], history.loc[bars[before], column]
            # Rounded, so that nothing of a sum is left.
            history.loc[at, column] = round(there - value if column == "Dividends" else there / value, 9)
            if date not in history.index:
                history.loc[date, ["Dividends", "Stock Splits"]] = 0.0
            history.loc[date, column] = value
    return history


def _times(index: pd.DatetimeIndex, interval: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Give local dates (never by way of UTC, where Asia's midnight is the day before) or opening instants."""
    if not len(index):
        return np.empty(0, np.int64)
    if interval == DAILY:
        return index.tz_localize(None).to_numpy("M8[D]").astype(np.int64)
    return to_ns(index)


def _over(
    at: np.ndarray[Any, np.dtype[np.int64]], instrument: Instrument, interval: str
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Say which bars are over: those of finished sessions, and intraday ones that ended a while ago."""
    last = last_over(instrument.venue)
    if interval == DAILY:
        return np.asarray(at <= last.value // DAY)
    length = int(interval[:-1]) * 60_000_000_000
    return np.asarray(at + length + SETTLES <= time.time_ns())


def _cut(series: Series, last: pd.Timestamp) -> Series:
    return series.rows(series.at <= last.value // DAY)
