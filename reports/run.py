"""What one execution of an experiment leaves: tables in memory, or a folder that rebuilds its report."""

from __future__ import annotations

import json
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pandas as pd

from aftershock.data.errors import InputError, Problem

TABLES = ("events", "audit", "fills", "trades", "equity", "bars", "waterfall", "curves", "ladder")
"""The tables of a run, each a Parquet file of its folder."""

LATER = ("curves", "ladder")
"""Tables that runs of earlier versions lack: they are read as empty, and the report says so."""


def settings_in(experiment: str) -> dict[str, Any]:
    """Read an experiment's settings, none where it cannot be read.

    >>> settings_in("a page without its experiment")
    {}
    """
    try:
        return tomllib.loads(experiment)
    except tomllib.TOMLDecodeError:
        return {}


def section(experiment: str, name: str) -> dict[str, Any]:
    """Give a section of an experiment, empty where it has none or cannot be read.

    >>> section("strategy = {hold = 3}", "strategy")
    {'hold': 3}
    """
    told = settings_in(experiment).get(name)
    return told if isinstance(told, dict) else {}


@dataclass(frozen=True, eq=False)
class Run:
    """The manifest, tables and figures of one execution (docs/architecture.md, "A run").

    Attributes
    ----------
    manifest, stats : dict
        As in ``manifest.json`` and ``stats.json``; undefined figures are NaN (``null`` in the file).
    experiment : str
        The experiment as TOML, every default written out.
    events, audit, fills, trades, equity, bars, waterfall, curves, ladder : DataFrame
        The tables of the run.
    """

    manifest: dict[str, Any]
    experiment: str
    events: pd.DataFrame
    audit: pd.DataFrame
    fills: pd.DataFrame
    trades: pd.DataFrame
    equity: pd.DataFrame
    bars: pd.DataFrame
    waterfall: pd.DataFrame
    stats: dict[str, Any]
    curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    ladder: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def simulated(self) -> bool:
        """Whether the prices were made by the simulated market."""
        return bool(self.manifest["simulated"])

    @property
    def folder(self) -> str:
        """Where the experiment lay, "" where it was no file."""
        return str(self.manifest.get("folder") or "")

    def write(self, folder: Path) -> None:
        """Write every file of the run into a folder, all of them or none.

        Raises
        ------
        InputError
            The folder cannot be written.
        """
        told = {"stats.json": to_json(self.stats), "manifest.json": to_json(self.manifest)}
        texts = {"experiment.toml": self.experiment, **told}
        write_folder(folder, {name: getattr(self, name) for name in TABLES}, texts, self.simulated)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a run folder.

        Raises
        ------
        InputError
            The folder is not a run: a file is missing or cannot be read.
        """
        needed = [name for name in TABLES if name not in LATER or (folder / f"{name}.parquet").is_file()]
        names = ["manifest.json", "experiment.toml", "stats.json", *(f"{name}.parquet" for name in needed)]
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            raise InputError(
                Problem(
                    "a run folder written by `aftershock run`",
                    f"one without {', '.join(missing)}",
                    "give the folder that holds manifest.json, or run the experiment again",
                    str(folder),
                )
            )
        manifest = read_part(folder / "manifest.json")
        lacking = [name for name in ("name", "simulated", "period") if name not in manifest]
        if lacking:
            expected, cure = f"a manifest with {lacking[0]}", "run the experiment again"
            raise InputError(Problem(expected, "one without it", cure, str(folder / "manifest.json")))
        return cls(
            manifest=manifest,
            experiment=read_part(folder / "experiment.toml"),
            stats=undefined(read_part(folder / "stats.json")),
            **{name: read_part(folder / f"{name}.parquet") for name in needed},
        )


MARKS = ("manifest.json", "study.json", "sweep.json")
"""What tells the folder of a run from that of a study and that of a sweep."""


def write_folder(
    folder: Path, tables: Mapping[str, pd.DataFrame], texts: Mapping[str, str], simulated: bool
) -> None:
    """Write tables as Parquet, by name, and texts, by file name, into a folder: all of them or none.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    from aftershock.data.tables import write_parquet, write_text

    mark = {"simulated": "SIMULATED"} if simulated else None
    with together(folder) as place:
        for name, table in tables.items():
            write_parquet(table, place / f"{name}.parquet", metadata=mark)
        for name, text in texts.items():
            write_text(text, place / name)


@contextmanager
def together(folder: Path) -> Iterator[Path]:
    """Give a place for files that then move into a folder together; after an error nothing of them is left.

    Raises
    ------
    InputError
        The folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "run"
    >>> with together(folder) as place:
    ...     _ = (place / "stats.json").write_text("{}")
    >>> [path.name for path in folder.iterdir()]
    ['stats.json']
    """
    missing = not folder.exists()
    with _writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    try:
        yield place
        _move(place, folder)
    finally:
        shutil.rmtree(place, ignore_errors=True)
        if missing:
            with suppress(OSError):
                folder.rmdir()


def _move(place: Path, folder: Path) -> None:
    files = sorted(place.iterdir())
    other = [name for name in MARKS if (folder / name).is_file() and not (place / name).is_file()]
    if other and any((place / name).is_file() for name in MARKS):
        cure = "choose another folder, or delete this one"
        raise InputError(Problem("a folder of its own", f"one with {other[0]}", cure, str(folder)))
    for path in files:
        if (folder / path.name).is_dir():
            raise _unwritable(folder / path.name, "a folder")
    with _writable(folder):
        for path in files:
            path.replace(folder / path.name)


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(folder, error.strerror or str(error)) from None


def _unwritable(path: Path, got: str) -> InputError:
    return InputError(Problem("a place that can be written", got, "choose another folder", str(path)))


def read_part(path: Path) -> Any:
    """Read one file of a run: a table, JSON or text."""
    import pyarrow as pa

    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".json":
            return text
        told = json.loads(text)
        if not isinstance(told, dict):
            raise ValueError(f"a {type(told).__name__} where an object is kept")
        return told
    except (ValueError, OSError, pa.ArrowException) as error:
        expected, cure = "a file written by `aftershock run`", "run the experiment again"
        raise InputError(Problem(expected, f"'{error}'", cure, str(path))) from None


def undefined(value: Any) -> Any:
    """Turn what JSON holds of an undefined figure back into NaN."""
    if isinstance(value, dict):
        return {key: undefined(item) for key, item in value.items()}
    if isinstance(value, list):
        return [undefined(item) for item in value]
    return float("nan") if value is None else value


def to_json(value: Any) -> str:
    """Write figures as JSON."""
    return json.dumps(plain(value), indent=2, allow_nan=False, default=str) + "\n"


def plain(value: Any) -> Any:
    """Turn figures into what JSON can hold: an undefined one is null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and value != value:
        return None
    return value
