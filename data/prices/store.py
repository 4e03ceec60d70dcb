"""The store: a folder of prices that is right at every instant, whoever writes to it and however it is stopped.

::

    store.json                            what this folder is, and the format
    SOURCE/INTERVAL/SYMBOL.parquet        a series as it is now, its provenance in the file's metadata
    kept/SOURCE/INTERVAL/SYMBOL.DIGEST.parquet   one whose past was rewritten since, as it was
    snapshots/ID.json                     which series, in which state, a fetch, an import or a run saw
    journal.jsonl                         what was done when
    .fetching, .locks                     fetches under way, and who writes what

Every file but the journal is written beside its place and renamed into it, and holds no clock: the same data are
the same bytes, whoever fetched them. Only the holder of a series' lock replaces it; locks end with the process.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import numpy as np

from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.prices.hours import DAILY, MINUTE, interval_ns
from aftershock.data.prices.series import VALUES, Series, Update, updated
from aftershock.data.tables import read_metadata, write_bytes, write_parquet, write_text, writing_to

FORMAT = 1
MARK = "store.json"
ABOUT = "aftershock"
"""The key of a file's metadata that holds the provenance."""
AGAIN = "remove the file and fetch or import it again"
SHORT = 16
"""How many digits of a hash name a snapshot."""
INTERVAL = re.compile(r"1d|[1-9]\d*m")
"""How an interval names a folder."""


class Key(NamedTuple):
    """Which series: where it comes from, the interval of its bars, the instrument."""

    source: str
    interval: str
    symbol: str


class State(NamedTuple):
    """Which rows of a series a snapshot saw: how many, from which on, and the digest of their content."""

    digest: str
    first: int
    rows: int


class Store:
    """A folder of prices.

    Parameters
    ----------
    path : path
        The folder.
    create : bool
        Make it where there is none.

    Raises
    ------
    InputError
        There is no store, or one of another format.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> store = Store(tempfile.mkdtemp() + "/prices", create=True)
    >>> bars = Series.of(pd.DataFrame({"at": [20343, 20346], "close": [100.0, 101.0]}))
    >>> store.write(Key("desk", "1d", "8035.T"), bars).added
    2
    >>> store.series()
    [Key(source='desk', interval='1d', symbol='8035.T')]
    """

    def __init__(self, path: str | os.PathLike[str], *, create: bool = False) -> None:
        self.path = Path(path)
        if create and not is_store(self.path):
            _make(self.path)
        if not is_store(self.path):
            got = "another folder" if self.path.is_dir() else "nothing there"
            cure = "fetch or import into it first, or check the path"
            raise InputError(Problem("a price store", got, cure, str(self.path)))
        _check_format(self.path / MARK)

    def __repr__(self) -> str:
        """Name the folder."""
        return f"Store({str(self.path)!r})"

    def series(self) -> list[Key]:
        """List the series, by source, interval and symbol."""
        return sorted(
            _key_of(path) for path in self.path.glob("[!.]*/*/*.parquet") if _is_series(self.path, path)
        )

    def file(self, key: Key) -> Path:
        """Give the place of a series."""
        return self.path / _safe(key.source) / key.interval / f"{_safe(key.symbol)}.parquet"

    def about(self, key: Key) -> dict[str, Any]:
        """Read the provenance of a series: what `write` was given, and ``digest, first, rows, span``.

        Raises
        ------
        InputError
            There is no such series, or its file is no such file.
        """
        return _about(self.file(key))

    def read(self, key: Key) -> Series:
        """Read a series as it is now.

        Raises
        ------
        InputError
            There is no such series, or its file is damaged or that of another.
        """
        return _of(key, _read(self.file(key)), self.file(key))

    def write(self, key: Key, series: Series, window: tuple[int, int] | None = None) -> Update:
        """Bring a series up to date; call it while holding `lock`.

        Parameters
        ----------
        key : Key
            Which series.
        series : Series
            What its source says now.
        window : (int, int), optional
            First and last time that the source was asked for, see `updated`.

        Returns
        -------
        Update
            What changed. Where the past was rewritten the old state is kept, and snapshots of it stay readable.

        Raises
        ------
        InputError
            Bars with a factor and bars with dividends or splits in one series, or a place that cannot be written.
        """
        path = self.file(key)
        old = _read(path) if path.exists() else series.rows(slice(0, 0))
        update = updated(old, series, key.symbol, window)
        _check_alike(key, update.series, path)
        joined = {**_asked(old.about, series.about), **_files(old.about, series.about)}
        about = {**series.about, **joined, **_stamp(update.series), **key._asdict()}
        if update.rewritten:
            self._keep(key, path, old.digest())
        if not path.exists() or about != _about(path):
            write_parquet(
                update.series.to_frame(), path, {ABOUT: json.dumps(about, sort_keys=True)}, bare=True
            )
        return update

    @contextlib.contextmanager
    def lock(self, name: str, *, wait: bool = True) -> Iterator[bool]:
        """Hold a lock of the store, among threads and processes; it ends with the process that holds it.

        Yields
        ------
        bool
            Whether it is held: false only where somebody else holds it and ``wait`` is false.
        """
        from filelock import FileLock, Timeout

        folder = self.path / ".locks"
        held = FileLock(folder / f"{_safe(name)}.lock", timeout=-1 if wait else 0)
        with writing_to(self.path):
            folder.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(Timeout):
                held.acquire()
        if not held.is_locked:
            yield False
            return
        try:
            yield True
        finally:
            held.release()

    @contextlib.contextmanager
    def writing(self, key: Key, *, wait: bool = True) -> Iterator[bool]:
        """Hold the lock of a series, and clear away what a writer that was killed left beside it."""
        with self.lock("-".join(key), wait=wait) as held:
            if held:
                path, place = self.file(key), self._kept(key)
                digest = "[0-9a-f]" * SHORT
                kept = place.parent.glob(f".{_safe(key.symbol)}.{digest}.parquet.*")
                for left in [*path.parent.glob(f".{path.name}.*"), *kept]:
                    left.unlink(missing_ok=True)
            yield held

    def pin(self, keys: Iterable[Key]) -> str:
        """Record the state that some series are in now, as a snapshot.

        Returns
        -------
        str
            Its name, a hash of the content: the same states have the same name everywhere.
        """
        return self.record(self.states(keys))

    def record(self, states: Mapping[Key, State]) -> str:
        """Write down a snapshot, unless it is known or nothing can be written here; give its name."""
        text, name = _snapshot_text(states), snapshot_name(states)
        path = self.path / "snapshots" / f"{name}.json"
        if not path.exists():
            with contextlib.suppress(InputError), self.lock("snapshots"):
                # What a writer that was killed left beside a snapshot goes when the next one is written.
                for left in path.parent.glob(".*.json.*"):
                    left.unlink(missing_ok=True)
                write_text(text + "\n", path)
        return name

    def states(self, keys: Iterable[Key]) -> dict[Key, State]:
        """Read the present state of some series."""
        return {key: _state(self.about(key)) for key in keys}

    def snapshots(self) -> list[str]:
        """List the snapshots by name."""
        return sorted(path.stem for path in (self.path / "snapshots").glob("[!.]*.json"))

    def snapshot(self, name: str) -> dict[Key, State]:
        """Read which series a snapshot saw, in which state.

        Raises
        ------
        InputError
            No such snapshot, several that begin so, or one whose file was changed.
        """
        found = [known for known in self.snapshots() if name and known.startswith(name)]
        if len(found) != 1:
            got = f"'{name}'" + (", which several begin with" if found else "")
            cure = did_you_mean(name, self.snapshots())
            raise InputError(Problem("the name of a snapshot", got, cure, str(self.path)))
        path = self.path / "snapshots" / f"{found[0]}.json"
        data = path.read_bytes().rstrip()
        if hashlib.sha256(data).hexdigest()[:SHORT] != found[0]:
            cure = "restore the file, or use another snapshot"
            raise InputError(
                Problem("the content that the snapshot's name tells", "another", cure, str(path))
            )
        return {Key(*row[:3]): State(*row[3:]) for row in json.loads(data)["series"]}

    def read_state(self, key: Key, state: State) -> Series:
        """Read a series as a snapshot saw it.

        Raises
        ------
        InputError
            Neither the present file nor those that were kept hold that state.
        """
        # Twice, because a writer may have put the file aside between the listing and the look at it.
        for path in chain(self._holders(key, state), self._holders(key, state)):
            with contextlib.suppress(InputError):
                series = _read(path)
                start = int(np.searchsorted(series.at, state.first))
                seen = series.rows(slice(start, start + state.rows))
                if seen.digest() == state.digest:
                    return seen
        got = "none that matches its digest"
        cure = "restore the files under kept/, or use another snapshot"
        raise InputError(Problem(f"{key.symbol} in the state of the snapshot", got, cure, str(self.path)))

    def read_seen(self, key: Key, state: State) -> Series:
        """Read a series in the state that `states` gave a moment ago, even if it was written to since.

        Raises
        ------
        InputError
            Its file is gone or damaged.
        """
        series = self.read(key)
        return series if series.about["digest"] == state.digest else self.read_state(key, state)

    def note(self, what: str, **details: Any) -> None:
        """Add a line to the journal: what was done, and when."""
        line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), "what": what, **details})
        path = self.path / "journal.jsonl"
        with self.lock("journal"), writing_to(path), path.open("ab+") as file:
            # A line that was cut off by a kill must not swallow this one.
            file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
            begun = file.read(1) not in (b"", b"\n")
            file.write((("\n" if begun else "") + line + "\n").encode())

    def journal(self) -> list[dict[str, Any]]:
        """Read what was done when; a line cut off by a kill is passed over."""
        path = self.path / "journal.jsonl"
        lines = path.read_text("utf-8", "replace").splitlines() if path.exists() else []
        entries = []
        for line in lines:
            with contextlib.suppress(json.JSONDecodeError):
                entries.append(json.loads(line))
        return entries

    def verify(self) -> list[Problem]:
        """Compare every series, kept ones too, with its digest, and snapshots with what they saw; list faults."""
        problems: list[Problem] = []
        present: set[tuple[Key, str]] = set()
        damaged: set[Key] = set()
        for key in self.series():
            before = len(problems)
            with _collected(problems):
                series = _of(key, _read(self.file(key), verified=True), self.file(key))
                present.add((key, str(series.about["digest"])))
            if len(problems) > before:
                damaged.add(key)
        for path in sorted(self.path.glob("kept/[!.]*/*/[!.]*.parquet")):
            with _collected(problems):
                _read(path, verified=True)
        seen: dict[tuple[Key, State], None] = {}
        for name in self.snapshots():
            with _collected(problems):
                seen |= dict.fromkeys(self.snapshot(name).items())
        for key, state in seen:
            # What a damaged file no longer holds follows from the damage: it is told once.
            if (key, state.digest) not in present and key not in damaged:
                with _collected(problems):
                    self.read_state(key, state)
        return problems

    def _kept(self, key: Key) -> Path:
        return self.path / "kept" / _safe(key.source) / key.interval / f"{_safe(key.symbol)}.parquet"

    def _keep(self, key: Key, path: Path, digest: str) -> None:
        """Put the present file aside, under the digest of its content, before its past is replaced."""
        place = self._kept(key)
        target = place.with_name(f"{_safe(key.symbol)}.{digest[:SHORT]}.parquet")
        if not target.exists():
            write_bytes(path.read_bytes(), target)

    def _holders(self, key: Key, state: State) -> Iterator[Path]:
        """List the files that may hold a state: first the one that has its digest in the name."""
        place = self._kept(key)
        named = place.with_name(f"{_safe(key.symbol)}.{state.digest[:SHORT]}.parquet")
        kept = sorted(place.parent.glob(f"{_safe(key.symbol)}.*.parquet"))
        yield from (path for path in dict.fromkeys([named, self.file(key), *kept]) if path.exists())


def snapshot_name(states: Mapping[Key, State]) -> str:
    """Name the states of some series, by a hash of what they hold."""
    return hashlib.sha256(_snapshot_text(states).encode()).hexdigest()[:SHORT]


def is_store(path: str | os.PathLike[str]) -> bool:
    """Say whether a folder is a price store."""
    return (Path(path) / MARK).is_file()


def check_interval(interval: str) -> str:
    """Give an interval in its one way of writing (``60m`` for ``1h``).

    Raises
    ------
    InputError
        It is none.

    Examples
    --------
    >>> check_interval("1h"), check_interval("1d")
    ('60m', '1d')
    """
    length = interval_ns(interval)
    return DAILY if length is None else f"{length // MINUTE}m"


def source_name(text: str) -> str:
    """Give the name of a source as it names a folder.

    Raises
    ------
    InputError
        Nothing, or a word that the store keeps for itself.

    Examples
    --------
    >>> source_name(" Desk ")
    'Desk'
    """
    name = " ".join(text.split())
    if not name or name.lower() in ("kept", "snapshots") or name.startswith("."):
        got = f"'{text}'" if name else "nothing"
        raise InputError(Problem("the name of a source", got, "name it, for example --source desk"))
    return name


def _make(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise InputError(Problem("a folder for the store", "a file", "choose another place", str(path)))
    filled = path.is_dir() and any(not child.name.startswith(".") for child in path.iterdir())
    # Looked at again: what fills the folder may be the store that another process has made just now.
    if filled and not is_store(path):
        cure = "choose a new or empty folder"
        raise InputError(Problem("a price store, or an empty folder", "other files", cure, str(path)))
    write_text(json.dumps({"aftershock": "prices", "format": FORMAT}) + "\n", path / MARK)


def _check_format(path: Path) -> None:
    try:
        found = json.loads(path.read_text("utf-8"))["format"]
    except (OSError, ValueError, KeyError, TypeError):
        found = "something else"
    if found != FORMAT:
        cure = "use the version of aftershock that wrote it, or a new folder"
        raise InputError(Problem(f"a price store of format {FORMAT}", f"{found}", cure, str(path)))


def _snapshot_text(states: Mapping[Key, State]) -> str:
    listed = [[*key, *state] for key, state in sorted(states.items())]
    return json.dumps({"format": FORMAT, "series": listed}, indent=0)


def _safe(name: str) -> str:
    """Write a name so that it can be that of a file; `unquote` leads back."""
    safe = quote(name, safe=" &^=+")
    return "%2E" + safe[1:] if safe.startswith(".") else safe


def _is_series(root: Path, path: Path) -> bool:
    source, interval, name = path.relative_to(root).parts
    return source != "kept" and not name.startswith(".") and bool(INTERVAL.fullmatch(interval))


def _key_of(path: Path) -> Key:
    return Key(
        unquote(path.parent.parent.name), path.parent.name, unquote(path.name.removesuffix(".parquet"))
    )


def _about(path: Path) -> dict[str, Any]:
    return _told(read_metadata(path).get(ABOUT), path)


def _told(stored: str | bytes | None, path: Path) -> dict[str, Any]:
    """Read the provenance that a file holds."""
    with contextlib.suppress(ValueError, TypeError):
        about = json.loads(stored or "")
        if about.get("format") == FORMAT and about.keys() >= {"digest", "first", "rows", "interval"}:
            return dict(about)
    got = "a Parquet file without its provenance"
    raise InputError(Problem("a series of this store", got, AGAIN, str(path)))


def _read(path: Path, verified: bool = False) -> Series:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.exists():
        raise InputError(Problem("a series of this store", "nothing", "fetch or import it", str(path)))
    try:
        # Opened once: provenance and bars are of one state, whatever is renamed into this place meanwhile.
        with pq.ParquetFile(path) as file:
            about = _told((file.schema_arrow.metadata or {}).get(ABOUT.encode()), path)
            table = file.read(use_threads=False)
        daily = about["interval"] == DAILY
        at = table.column("date" if daily else "opens_at").to_numpy()
        at = at.astype("M8[D]" if daily else "M8[ns]").astype(np.int64)
        values = {name: table.column(name).to_numpy() for name in table.column_names if name in VALUES}
    except (pa.ArrowException, OSError, KeyError, UnicodeDecodeError) as error:
        got = str(error).splitlines()[0]
        raise InputError(Problem("a series of this store", got, AGAIN, str(path))) from error
    series = Series.made(at, values, about["interval"], about)
    if verified and series.digest() != about["digest"]:
        raise InputError(Problem("the content that its digest tells", "another", AGAIN, str(path)))
    return series


def _of(key: Key, series: Series, path: Path) -> Series:
    """Refuse a file that lies in the place of another series."""
    named = [str(series.about.get(name)) for name in Key._fields]
    if named != [*key]:
        cure = "move the file back, or remove it"
        raise InputError(Problem("the series " + " ".join(key), " ".join(named), cure, str(path)))
    return series


def _stamp(series: Series) -> dict[str, Any]:
    first = int(series.at[0]) if len(series) else 0
    return {
        "format": FORMAT,
        "digest": series.digest(),
        "first": first,
        "rows": len(series),
        "span": list(series.span),
    }


def _state(about: Mapping[str, Any]) -> State:
    return State(str(about["digest"]), int(about["first"]), int(about["rows"]))


def _check_alike(key: Key, series: Series, path: Path) -> None:
    """Refuse a series whose prices are adjusted in part, with a factor, and traded in part, with actions beside."""
    values = series.values
    adjusted = ~np.isnan(values["factor"])
    beside = ~(np.isnan(values["dividend"]) & np.isnan(values["split"]))
    if adjusted.any() and beside.any():
        expected = f"{key.symbol} of {key.source} all adjusted or all traded"
        got, cure = "a factor on some bars, dividends or splits on others", "import under another source name"
        raise InputError(Problem(expected, got, cure, str(path)))


def _files(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Join the files that a series was read from."""
    told = [json.dumps(one, sort_keys=True) for about in (old, new) for one in about.get("files", ())]
    return {"files": [json.loads(one) for one in sorted(set(told))]} if told else {}


def _asked(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Join the windows that a source was asked for (ISO dates)."""
    asked: dict[str, Any] = {}
    for name, widest in (("asked_from", min), ("asked_through", max)):
        told = [about[name] for about in (old, new) if name in about]
        if told:
            asked[name] = widest(told)
    return asked


@contextlib.contextmanager
def _collected(problems: list[Problem]) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        problems.extend(error.problems)
