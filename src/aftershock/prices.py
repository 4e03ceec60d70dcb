"""What can be done with prices: fetch, import, check, list, show; each verb of the command line is a function here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem
from aftershock.data.instants import local_date
from aftershock.data.prices import Audit, audit, load_tape
from aftershock.data.prices.fetch import Fetched, Manners, fetch_prices
from aftershock.data.prices.from_store import store_tape
from aftershock.data.prices.imports import import_prices
from aftershock.data.prices.store import Store, is_store
from aftershock.data.universes import Universe, known_instruments, resolve, universe

__all__ = [
    "Audit",
    "Fetched",
    "Manners",
    "check_prices",
    "fetch_prices",
    "import_prices",
    "list_prices",
    "list_snapshots",
    "show_prices",
]

LISTED = ("symbol", "name", "source", "interval", "currency", "bars", "first", "last", "digest")


def check_prices(
    prices: Any = "prices",
    *,
    symbols: str | Iterable[str] | Universe | None = None,
    sources: Sequence[str] = (),
    interval: str | None = None,
    snapshot: str | None = None,
) -> Audit:
    """Look prices over: gaps, dates, halts, prices that cannot be, missed splits, the calendar, sources that differ.

    Parameters
    ----------
    prices : path, paths, Store, DataFrame or Tape
        A store (every file of it is verified first), or whatever `load_tape` takes.
    symbols : str, iterable of str or Universe, optional
        A universe by name, or symbols; else everything there is.
    sources : sequence of str
        Sources in order of preference.
    interval, snapshot : str, optional
        Which bars and which state of a store.

    Returns
    -------
    Audit
        ``.findings``, ``.coverage``, ``.disagreements``; docs/prices_audit.md lists the codes.

    Raises
    ------
    InputError
        Files of a store that are damaged (each is named), or input that cannot be read.

    Examples
    --------
    >>> frame = pd.DataFrame({"symbol": "8035.T", "date": ["2025-09-12", "2025-09-13"], "close": [99.0, 101.0]})
    >>> check_prices(frame).findings["code"].iloc[0]
    'not_a_session'
    """
    place = _place(prices)
    if isinstance(place, Store):
        damaged = place.verify()
        if damaged:
            raise InputError(list(dict.fromkeys(damaged)))
    wanted = None if symbols is None else universe(symbols).symbols
    return audit(place, symbols=wanted, sources=sources, interval=interval, snapshot=snapshot)


def list_prices(store: str | Path | Store = "prices") -> pd.DataFrame:
    """List what a store holds, without reading a single price.

    Parameters
    ----------
    store : path or Store
        The folder.

    Returns
    -------
    DataFrame
        A row for each series: ``symbol, name, source, interval, currency, bars, first, last, digest``.

    Raises
    ------
    InputError
        No store there, or a damaged file.
    """
    place = store if isinstance(store, Store) else Store(store)
    known = known_instruments()
    rows = []
    for key in place.series():
        about = place.about(key)
        name = known[key.symbol].name if key.symbol in known else ""
        span = [text.replace(" ", "T").replace("+00:00", "Z") for text in about.get("span", ["", ""])]
        head = (key.symbol, name, key.source, key.interval, about.get("currency", ""))
        rows.append((*head, about["rows"], *span, about["digest"][:12]))
    return pd.DataFrame(rows, columns=list(LISTED)).sort_values(
        ["symbol", "source", "interval"], ignore_index=True
    )


def list_snapshots(store: str | Path | Store = "prices") -> pd.DataFrame:
    """List the states of a store that a fetch, an import or a run has named.

    Parameters
    ----------
    store : path or Store
        The folder.

    Returns
    -------
    DataFrame
        A row for each snapshot, the latest last: ``snapshot``, ``series`` and ``bars`` (how many it saw), ``sources``,
        ``what`` (``fetch``, ``import``; "" where a run named it) and ``at`` (UTC, when it was last reached).

    Raises
    ------
    InputError
        No store there.
    """
    place = store if isinstance(store, Store) else Store(store)
    noted = {entry["snapshot"]: entry for entry in place.journal() if "snapshot" in entry}
    rows = []
    for name in place.snapshots():
        states, entry = place.snapshot(name), noted.get(name, {})
        sources = ", ".join(sorted({key.source for key in states}))
        bars = sum(state.rows for state in states.values())
        rows.append((name, len(states), bars, sources, entry.get("what", ""), entry.get("at")))
    table = pd.DataFrame(rows, columns=["snapshot", "series", "bars", "sources", "what", "at"])
    table["at"] = pd.to_datetime(table["at"], utc=True).astype("datetime64[ns, UTC]")
    return table.sort_values(["at", "snapshot"], na_position="first", ignore_index=True)


def show_prices(
    symbol: str,
    start: Any = None,
    end: Any = None,
    *,
    prices: Any = "prices",
    interval: str | None = None,
    snapshot: str | None = None,
) -> pd.DataFrame:
    """Show the bars of one instrument as the engine would see them.

    Parameters
    ----------
    symbol : str
        In any dialect.
    start, end : date or str, optional
        First and last session.
    prices : path, Store, DataFrame or Tape
        A store, or whatever `load_tape` takes.
    interval, snapshot : str, optional
        Which bars and which state of a store.

    Returns
    -------
    DataFrame
        ``session, opens_at`` (UTC), adjusted ``open, high, low, close``, ``volume, factor``, ``traded`` (the close
        once traded, NaN where the factor is unknown), ``halted, source``.

    Raises
    ------
    InputError
        No such prices, dates that are none, or a start after the end.

    Examples
    --------
    >>> frame = pd.DataFrame({"symbol": "8035.T", "date": ["2025-09-11", "2025-09-12"], "close": [99.0, 101.0]})
    >>> show_prices("TYO:8035", "2025-09-12", prices=frame)["close"].tolist()
    [101.0]
    """
    wanted = resolve(symbol).symbol
    first = local_date("1900-01-01" if start is None else start, "a date as start")
    last = local_date("2200-01-01" if end is None else end, "a date as end")
    if first > last:
        got = f"{first.date()} to {last.date()}"
        raise InputError(Problem("a start that is not after the end", got, "exchange the two"))
    place = _place(prices)
    if isinstance(place, Store):
        # To look is not to use: only what uses a state writes it down.
        tape = store_tape(place, [wanted], interval=interval, snapshot=snapshot, recorded=False)
    else:
        tape = load_tape(place, symbols=[wanted], interval=interval, snapshot=snapshot)
    bars = tape.bars(wanted)
    kept = bars[(bars["session"] >= first) & (bars["session"] <= last)]
    columns = ["session", "opens_at", "open", "high", "low", "close", "volume", "factor"]
    table = kept[columns].assign(
        traded=kept["close"] * kept["factor"], halted=kept["halted"].astype(np.bool_), source=kept["source"]
    )
    return table.reset_index(drop=True)


def _place(prices: Any) -> Any:
    """Open a store; refuse a folder that is not there and a store without prices."""
    if isinstance(prices, (str, Path)):
        path = Path(prices)
        if is_store(path):
            prices = Store(path)
        elif not path.exists() and not path.suffix:
            cure = "fetch or import into it first, or check the path"
            raise InputError(Problem("a price store, file or folder", "nothing there", cure, str(prices)))
    if isinstance(prices, Store) and not prices.series():
        cure = "fetch or import into it first"
        raise InputError(Problem("prices in the store", "none", cure, str(prices.path)))
    return prices
