"""From a store to a tape: a piece at a time, kept compiled where it is large."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.calendars import cache, compiled_from
from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.prices.hours import DAILY
from aftershock.data.prices.mapped import open_tape, save_tape
from aftershock.data.prices.series import VALUES, Series, bars_table
from aftershock.data.prices.store import Key, State, Store, check_interval, snapshot_name
from aftershock.data.prices.tape import Tape

PIECE = 400_000
"""About so many bars are cleaned at a time."""
KEPT = 4
"""How many compiled tapes are kept in the user's cache folder."""
ABANDONED = 86_400.0
"""After so many seconds a folder that is still being compiled belongs to nobody any more."""
READERS = 2

States = dict[Key, State]


def store_tape(
    store: Store,
    symbols: Sequence[str] | None = None,
    *,
    interval: str | None = None,
    sources: Sequence[str] = (),
    snapshot: str | None = None,
    skip_bad: bool = False,
    exclude: Sequence[str] = (),
    recorded: bool = True,
) -> Tape:
    """Make a tape of a store, or of a snapshot of it.

    Parameters
    ----------
    store : Store
        The folder.
    symbols : sequence of str, optional
        Wanted instruments as the store writes them; those it lacks are left out.
    interval : str, optional
        Which bars; ``1d`` where there are any, else the only interval there is.
    sources, skip_bad, exclude
        As `load_tape` takes them.
    snapshot : str, optional
        The name of a state, or its beginning; by default the present one.
    recorded : bool
        Whether the state is written down as a snapshot, so that it can be asked for again.

    Returns
    -------
    Tape
        Its provenance names store, interval and snapshot. A large one is compiled once and then mapped.

    Raises
    ------
    InputError
        Nothing of what is wanted, an unknown snapshot or interval, a damaged file.
    """
    chosen = _chosen(store, symbols, interval, snapshot)
    provenance = _provenance(store, chosen)
    if recorded:
        store.record(chosen)
    how = {
        "sources": tuple(sources),
        "skip_bad": skip_bad,
        "exclude": tuple(exclude),
        "interval": provenance["interval"],
    }
    pieces = partial(_pieces, store, chosen, how, provenance, past=snapshot is not None)
    if sum(state.rows for state in chosen.values()) <= PIECE:
        return next(pieces())
    return _compiled(pieces, chosen, how, provenance)


def store_table(
    store: Store,
    symbols: Sequence[str] | None = None,
    *,
    interval: str | None = None,
    snapshot: str | None = None,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a store as one long table, as its sources tell it, and say where it came from.

    Parameters
    ----------
    store, symbols, interval, snapshot
        As `store_tape` takes them.

    Returns
    -------
    table : DataFrame
        ``symbol, date`` (or ``opens_at``), prices, ``dividend, split, factor`` where told, ``currency, source``.
    provenance : dict
        Store, interval and snapshot.
    """
    chosen = _chosen(store, symbols, interval, snapshot)
    read = store.read_seen if snapshot is None else store.read_state
    series = [read(key, state) for key, state in chosen.items()]
    return _long_table(list(chosen), series), _provenance(store, chosen)


def _chosen(
    store: Store, symbols: Sequence[str] | None, interval: str | None, snapshot: str | None
) -> States:
    states = store.snapshot(snapshot) if snapshot else None
    keys = _keys(store, states, symbols, interval)
    now = store.states(keys) if states is None else states
    return {key: now[key] for key in keys}


def _provenance(store: Store, chosen: States) -> dict[str, Any]:
    interval = next(iter(chosen)).interval
    return {
        "from": "a store",
        "store": str(store.path),
        "interval": interval,
        "snapshot": snapshot_name(chosen),
    }


def _keys(
    store: Store, states: States | None, symbols: Sequence[str] | None, interval: str | None
) -> list[Key]:
    known = store.series() if states is None else sorted(states)
    intervals = sorted({key.interval for key in known})
    if not known:
        cure = "fetch or import some first"
        raise InputError(Problem("prices in the store", "none", cure, str(store.path)))
    if interval is not None:
        wanted = check_interval(interval)
    else:
        wanted = DAILY if DAILY in intervals or len(intervals) != 1 else intervals[0]
    if wanted not in intervals:
        cure = did_you_mean(wanted, intervals)
        raise InputError(Problem("an interval that the store has", f"'{wanted}'", cure, str(store.path)))
    chosen = None if symbols is None else set(symbols)
    keys = [key for key in known if key.interval == wanted and (chosen is None or key.symbol in chosen)]
    if not keys:
        got = "none of " + ", ".join(symbols or ())
        cure = "fetch or import them, or check the symbols"
        raise InputError(Problem("prices of a wanted symbol in the store", got, cure, str(store.path)))
    return sorted(keys, key=lambda key: (key.symbol, key.source))


def _pieces(
    store: Store, states: States, how: dict[str, Any], provenance: dict[str, Any], *, past: bool
) -> Iterator[Tape]:
    """Clean some instruments at a time; files are read ahead of it."""

    def read(key: Key) -> Series:
        return (store.read_state if past else store.read_seen)(key, states[key])

    # A source that occurs nowhere is told of once, one that occurs elsewhere is not.
    unknown = set(how["sources"]) - {key.source for key in states}
    groups = list(_groups(states))
    with ThreadPoolExecutor(READERS) as readers:
        ahead = readers.map(read, groups[0])
        for group, later in zip_longest(groups, groups[1:], fillvalue=()):
            series, ahead = list(ahead), readers.map(read, later)
            here = {key.source for key in group} | unknown
            sources = [source for source in how["sources"] if source in here]
            unknown = set()
            table = _long_table(group, series)
            yield Tape.from_frame(table, **{**how, "sources": sources}, provenance=provenance)


def _groups(states: States) -> Iterator[list[Key]]:
    """Part series into groups of about `PIECE` bars; all of a symbol stay together."""
    group: list[Key] = []
    bars = 0
    for key, state in states.items():
        if bars >= PIECE and group[-1].symbol != key.symbol:
            yield group
            group, bars = [], 0
        group.append(key)
        bars += state.rows
    yield group


def _long_table(keys: Sequence[Key], series: Sequence[Series]) -> pd.DataFrame:
    counts = [len(one) for one in series]
    values = {name: np.concatenate([one.values[name] for one in series]) for name in VALUES}
    table = bars_table(np.concatenate([one.at for one in series]), values, series[0].interval)
    columns = {name: [getattr(key, name) for key in keys] for name in ("symbol", "source")}
    columns["currency"] = [str(one.about.get("currency", "")) for one in series]
    for name, words in columns.items():
        distinct = sorted(set(words) - {""})
        codes = np.repeat(
            np.array([distinct.index(word) if word else -1 for word in words], np.int64), counts
        )
        table[name] = pd.Categorical.from_codes(codes, categories=pd.Index(distinct))
    return table


def _compiled(
    pieces: Callable[[], Iterator[Tape]], states: States, how: dict[str, Any], provenance: dict[str, Any]
) -> Tape:
    folder = cache.folder().parent / "tapes"
    named = [[*key, state.digest, state.rows] for key, state in states.items()]
    parts = json.dumps([named, how, compiled_from(), _code(), provenance["store"]])
    place = folder / hashlib.sha256(parts.encode()).hexdigest()[:24]
    with contextlib.suppress(InputError):
        tape = open_tape(place)
        with contextlib.suppress(OSError):
            os.utime(place)
        return tape
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tape = _saved(pieces(), place, folder, provenance)
    except (OSError, InputError) as error:
        if isinstance(error, InputError) and not isinstance(error.__cause__, OSError):
            raise
        # No cache can be written: the tape lives in a folder that goes with the mapping.
        return _saved(pieces(), place, None, provenance)
    _drop_oldest(folder)
    return tape


def _saved(pieces: Iterator[Tape], place: Path, folder: Path | None, provenance: dict[str, Any]) -> Tape:
    """Write a tape in a room of its own, map it, and move it to its place: a mapping goes with its files."""
    with tempfile.TemporaryDirectory(prefix=".", dir=folder) as room:
        made = Path(room) / place.name
        save_tape(pieces, made, provenance)
        tape = open_tape(made)
        if folder is not None:
            # What is there could not be opened, or is the same tape that another process has made meanwhile.
            shutil.rmtree(place, ignore_errors=True)
            with contextlib.suppress(OSError):
                made.rename(place)
    return tape


@lru_cache
def _code() -> str:
    """Identify the code that makes tapes, and the tables it knows instruments by."""
    parts = hashlib.sha256(version("aftershock").encode())
    here = Path(__file__).parent
    for folder in (here, here.parent / "universes", here.parent / "venues"):
        for path in sorted([*folder.glob("*.py"), *folder.glob("*.csv")]):
            parts.update(path.read_bytes())
    return parts.hexdigest()


def _drop_oldest(folder: Path) -> None:
    """Drop tapes that were not used for longest, and what processes that were killed left behind."""
    with contextlib.suppress(OSError):
        left = [path for path in folder.glob(".*") if time.time() - path.stat().st_mtime > ABANDONED]
        tapes = sorted(folder.glob("[!.]*"), key=lambda path: path.stat().st_mtime)
        for path in [*left, *tapes[:-KEPT]]:
            shutil.rmtree(path, ignore_errors=True)
