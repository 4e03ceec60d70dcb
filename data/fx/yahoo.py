"""Exchange rates from Yahoo, for the currencies of which the ECB tells none (TWD, VND)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from aftershock.data.errors import InputError, Problem
from aftershock.data.fx.currencies import currency, pair_of
from aftershock.data.instants import local_date, to_index, to_ns
from aftershock.data.prices import yahoo
from aftershock.data.tables import write_parquet, write_text

ZONE = "Europe/London"
"""Yahoo's days of exchange rates are London's."""
TRIES = 3


def fetch_fixings(
    pairs: str | Iterable[str],
    start: Any = "2015-01-01",
    *,
    path: str | os.PathLike[str] | None = None,
    backoff: float = 5.0,
    timeout: float = 30.0,
) -> pd.DataFrame:
    """Ask Yahoo for daily exchange rates, for ``[portfolio] fx``.

    Parameters
    ----------
    pairs : str or iterable of str
        ``USDTWD`` (TWD per USD), ``TWD=X``, or a currency alone, which is taken per USD.
    start : date or str
        First date.
    path : path, optional
        Where to write them too: a ``.csv`` or ``.parquet`` file.
    backoff : float
        Seconds to wait after a refusal or fault; twice as long after the next.
    timeout : float
        Seconds for one request.

    Returns
    -------
    DataFrame
        ``date, pair, rate, known_at``: a day's last rate is known when the day is over in London, not before; days that
        are not over are left out. `load_fixings` takes it.

    Raises
    ------
    InputError
        A pair that is none, a place that cannot be written, or Yahoo does not answer or has no such rates.
    """
    first = local_date(start, "start as a date")
    several = [pairs] if isinstance(pairs, str) else list(pairs)
    if not several:
        raise InputError(Problem("a currency or a pair", "none", "write for example TWD or USDTWD"))
    write = None if path is None else _writer(Path(path))
    table = pd.concat([_rates(_pair(text), first, backoff, timeout) for text in several], ignore_index=True)
    if write is not None:
        write(table)
    return table


def _pair(text: str) -> str:
    alone = text.strip().upper()
    per, of = ("USD", currency(alone)) if len(alone) == 3 else pair_of(alone)
    return f"{per}{of}"


def _rates(pair: str, first: pd.Timestamp, backoff: float, timeout: float) -> pd.DataFrame:
    bars = _ask(pair, first, backoff, timeout)
    days = pd.DatetimeIndex(bars.index).tz_localize(None).normalize()
    over = (days + pd.Timedelta(days=1)).tz_localize(ZONE).tz_convert("UTC").as_unit("ns")
    table = pd.DataFrame(
        {"date": days.as_unit("ns"), "pair": pair, "rate": bars["Close"].to_numpy(float), "known_at": over}
    )
    kept = table[(to_ns(table["known_at"]) <= time.time_ns()) & (table["rate"] > 0) & (days >= first)]
    if kept.empty:
        cure = "check the pair and the start, or give a file"
        raise InputError(Problem(f"rates of {pair} from Yahoo", "none", cure))
    return kept.assign(known_at=to_index(to_ns(kept["known_at"])))


def _ask(pair: str, first: pd.Timestamp, backoff: float, timeout: float) -> pd.DataFrame:
    for attempt in range(TRIES):
        try:
            return yahoo.history(f"{pair}=X", ZONE, first, timeout=timeout)[0]
        except yahoo.YahooError as error:
            told = error
            if error.kind == "none":
                break
            if attempt + 1 < TRIES:
                time.sleep(backoff * 2.0**attempt)
    raise InputError(Problem(f"rates of {pair} from Yahoo", str(told), "try again later, or give a file"))


def _writer(path: Path) -> Any:
    """Choose how to write before anything is asked."""
    if path.suffix == ".parquet":
        return lambda table: write_parquet(table, path)
    if path.suffix != ".csv":
        got = path.suffix or "no suffix"
        raise InputError(Problem("a file that ends in .csv or .parquet", got, "rename it", str(path)))
    return lambda table: write_text(_csv(table), path)


def _csv(table: pd.DataFrame) -> str:
    plain = table.assign(
        date=table["date"].dt.strftime("%Y-%m-%d"),
        known_at=table["known_at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    return str(plain.to_csv(index=False))
