"""Daily prices from Yahoo, through yfinance: a long table or a plain refusal, never a wait without end."""

from __future__ import annotations

import contextlib
import http.client
import logging
import queue
import threading
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.calendars import sessions
from aftershock.data.errors import InputError, Problem
from aftershock.data.universes import Instrument, resolve, yahoo_symbol

HOST = "https://query2.finance.yahoo.com"
WORKERS = 4
"""How many instruments are asked for at once."""

CURE = "check the network, give it a longer timeout, or load prices from files"


def fetch(symbols: Iterable[str], start: Any, end: Any, *, timeout: float = 5.0) -> pd.DataFrame:
    """Ask Yahoo for daily bars.

    Yahoo's prices come adjusted for every split until today but not for dividends, with the dividend-adjusted
    close beside. Here

    - adjusted price = Yahoo's price x adj_close / close (splits and dividends);
    - factor = close x later splits / adj_close, so that adjusted price x factor is the price once traded.

    Both change whenever a dividend is paid or a share is split: history fetched on another day differs.

    Parameters
    ----------
    symbols : iterable of str
        In any dialect.
    start, end : date or str
        First and last local date, both included. Sessions that are not over yet are left out.
    timeout : float
        Seconds for everything together.

    Returns
    -------
    DataFrame
        ``symbol, date, open, high, low, close, volume, source, factor``, for `Tape.from_frame`; ``date`` is
        the venue's local date.

    Raises
    ------
    InputError
        Yahoo did not answer in time, refused, or has no prices of one of the instruments.
    """
    instruments = list({(one := resolve(symbol)).symbol: one for symbol in symbols}.values())
    first, last = _day(start), _day(end)
    if first > last:
        got = f"{first.date()} to {last.date()}"
        raise InputError(Problem("a start that is not after the end", got, "exchange the two"))
    found = _ask([yahoo_symbol(one.symbol) for one in instruments], first, timeout)
    tables = [
        _adjusted(answer, one, first, last) if isinstance(answer, pd.DataFrame) else answer
        for one, answer in zip(instruments, found, strict=True)
    ]
    problems = [
        _problem(one, table, timeout)
        for one, table in zip(instruments, tables, strict=True)
        if not isinstance(table, pd.DataFrame) or table.empty
    ]
    if problems:
        raise InputError(problems)
    whole: pd.DataFrame = pd.concat(tables, ignore_index=True)
    return whole


def answers(timeout: float = 3.0) -> bool:
    """Say within ``timeout`` seconds whether Yahoo can be reached at all."""
    reached = threading.Event()
    thread = threading.Thread(target=_knock, args=(timeout, reached), daemon=True)
    thread.start()
    thread.join(timeout)
    return reached.is_set()


def _knock(timeout: float, reached: threading.Event) -> None:
    try:
        urllib.request.urlopen(HOST, timeout=timeout).close()
    except urllib.error.HTTPError as refusal:
        refusal.close()
    except (OSError, ValueError, http.client.HTTPException):
        return
    reached.set()


def _ask(symbols: list[str], first: pd.Timestamp, timeout: float) -> list[Any]:
    """Ask for each symbol; give a table, the error, or None where no answer came in time."""
    import yfinance

    found: dict[str, Any] = {}
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for symbol in symbols:
        waiting.put(symbol)
    deadline = time.monotonic() + timeout

    def work() -> None:
        # Daemon threads: a pool would keep the process alive until the last answer.
        with contextlib.suppress(queue.Empty):
            while time.monotonic() < deadline:
                symbol = waiting.get_nowait()
                found[symbol] = _history(yfinance, symbol, first, timeout)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(WORKERS, len(symbols)))]
    with _frank(yfinance):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
    return [found.get(symbol) for symbol in symbols]


def _history(yfinance: Any, symbol: str, first: pd.Timestamp, timeout: float) -> Any:
    """Fetch to the present: a split after the last wanted day is needed to undo it."""
    try:
        return yfinance.Ticker(symbol).history(
            start=first.strftime("%Y-%m-%d"), auto_adjust=False, actions=True, timeout=timeout
        )
    except Exception as error:
        # Whatever yfinance or its backend raises becomes a sentence for the user.
        return error


@contextlib.contextmanager
def _frank(yfinance: Any) -> Iterator[None]:
    """Have yfinance raise its errors and print nothing (older ones give an empty table instead).

    The silence outlasts the call, because a thread that was given up may still come to speak.
    """
    warnings.filterwarnings("ignore", module="yfinance")
    logger = logging.getLogger("yfinance")
    if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        logger.addHandler(logging.NullHandler())
    debug = getattr(getattr(yfinance, "config", None), "debug", None)
    if debug is None:
        yield
        return
    before, debug.hide_exceptions = debug.hide_exceptions, False
    try:
        yield
    finally:
        debug.hide_exceptions = before


def _problem(instrument: Instrument, answer: Any, timeout: float) -> Problem:
    expected = f"prices of {instrument.symbol}"
    if answer is None:
        return Problem(expected, f"silence: Yahoo did not answer within {timeout:g} s", CURE)
    if isinstance(answer, pd.DataFrame):
        return Problem(expected, "an empty table from Yahoo", "check symbol and dates")
    if "RateLimit" in type(answer).__name__:
        cure = "wait some minutes, ask for fewer instruments, or load prices from files"
        return Problem(expected, "Yahoo's refusal of too many requests (429)", cure)
    return Problem(expected, f"an error: {type(answer).__name__}: {answer}", CURE)


def _adjusted(
    history: pd.DataFrame, instrument: Instrument, first: pd.Timestamp, last: pd.Timestamp
) -> pd.DataFrame:
    """Turn one answer into a long table of adjusted prices of the sessions wanted."""
    if history.empty:
        return history
    history = history.sort_index()
    ratio = history["Adj Close"] / history["Close"]
    splits = history["Stock Splits"].where(history["Stock Splits"] > 0, 1.0)
    later = splits[::-1].cumprod()[::-1] / splits
    days = pd.DatetimeIndex(history.index).tz_localize(None).normalize().astype("datetime64[ns]")
    prices = {name: history[name.title()] * ratio for name in ("open", "high", "low", "close")}
    volume = history["Volume"].astype(np.float64)
    table = pd.DataFrame({**prices, "volume": volume, "source": "yahoo", "factor": later / ratio})
    table.insert(0, "symbol", instrument.symbol)
    table.insert(1, "date", days)
    return table[(days >= first) & (days <= min(last, _last_session(instrument)))]


def _last_session(instrument: Instrument) -> pd.Timestamp:
    """Find the last session that is over."""
    known = sessions(instrument.venue)
    over = int(np.searchsorted(known.closes_at, time.time_ns(), side="right"))
    return pd.Timestamp(int(known.session[over - 1]), unit="D")


def _day(date: Any) -> pd.Timestamp:
    return pd.Timestamp(pd.Timestamp(date).date())
