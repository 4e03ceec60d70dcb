"""Tapes on disk: arrays in files that are mapped into memory, so that a tape of any size opens at once."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem
from aftershock.data.prices.tape import PER_BAR, TEXTS, Tape, Warned, warnings_table

FORMAT = 2
ABOUT = "tape.json"
DTYPES: Mapping[str, str] = {
    name: "|b1"
    if name == "halted"
    else "<f8"
    if name in ("open", "high", "low", "close", "volume", "factor", "payout")
    else "<i8"
    for name in PER_BAR
}
"""How each array stands in its file."""


def save_tape(
    pieces: Iterable[Tape], folder: str | os.PathLike[str], provenance: Mapping[str, Any] | None = None
) -> None:
    """Write a tape, or several one after the other, as one folder of arrays; beside its place, then renamed.

    Parameters
    ----------
    pieces : iterable of Tape
        Different instruments in each; taken one at a time, so that memory holds no more than one.
    folder : path
        Must not exist, or hold a tape, which is replaced.
    provenance : mapping, optional
        Of the whole; by default that of the first piece.

    Raises
    ------
    InputError
        The place cannot be written.
    """
    target = Path(folder)
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        beside.mkdir(parents=True)
        _write(pieces, beside, provenance)
        if target.exists():
            old = target.with_name(f".{target.name}.{secrets.token_hex(4)}.old")
            target.replace(old)
            shutil.rmtree(old, ignore_errors=True)
        beside.replace(target)
    except OSError as error:
        reason, cure = error.strerror or str(error), "choose another place, or make room on the disk"
        raise InputError(Problem("a place that can be written", reason, cure, str(target))) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def open_tape(folder: str | os.PathLike[str]) -> Tape:
    """Map a tape that `save_tape` wrote; nothing is read until it is looked at.

    Raises
    ------
    InputError
        The folder holds no tape, or one of another format or size.
    """
    path = Path(folder)
    try:
        about = json.loads((path / ABOUT).read_text("utf-8"))
        if about["format"] != FORMAT:
            raise ValueError(f"a tape of format {about['format']}")
        arrays = {name: _mapped(path / f"{name}.bin", DTYPES[name], about["bars"]) for name in PER_BAR}
    except (OSError, ValueError, KeyError, TypeError) as error:
        cure = "save it again with this version"
        raise InputError(Problem("a tape that was saved", str(error), cure, str(path))) from None
    return Tape.trusted(
        **{name: tuple(about[name]) for name in TEXTS},
        offsets=np.array(about["offsets"], np.int64),
        **arrays,
        simulated=about["simulated"],
        warnings=warnings_table(Warned(*row) for row in about["warnings"]),
        provenance=about["provenance"],
    )


def _write(pieces: Iterable[Tape], folder: Path, provenance: Mapping[str, Any] | None) -> None:
    texts: dict[str, list[str]] = {name: [] for name in TEXTS}
    offsets, warned = [0], []
    about: dict[str, Any] = {"format": FORMAT, "simulated": False, "provenance": dict(provenance or {})}
    with contextlib.ExitStack() as stack:
        files = {name: stack.enter_context((folder / f"{name}.bin").open("wb")) for name in PER_BAR}
        for number, piece in enumerate(pieces):
            for name in TEXTS:
                texts[name] += getattr(piece, name)
            offsets += (piece.offsets[1:] + offsets[-1]).tolist()
            warned += _rows(piece.warnings)
            about["simulated"] |= piece.simulated
            if not number and provenance is None:
                about["provenance"] = dict(piece.provenance)
            _append(piece, files)
    about |= {**texts, "offsets": offsets, "bars": offsets[-1], "warnings": warned}
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")


def _append(piece: Tape, files: Mapping[str, BinaryIO]) -> None:
    for name, file in files.items():
        np.ascontiguousarray(getattr(piece, name), DTYPES[name]).tofile(file)


def _rows(warnings: pd.DataFrame) -> list[list[Any]]:
    columns: dict[str, list[Any]] = {name: warnings[name].tolist() for name in Warned._fields}
    for name in ("first", "last"):
        days = warnings[name].to_numpy("M8[D]")
        columns[name] = [None if np.isnat(day) else int(day.astype(np.int64)) for day in days]
    return [list(row) for row in zip(*columns.values(), strict=True)]


def _mapped(path: Path, dtype: str, bars: int) -> np.ndarray[Any, Any]:
    if path.stat().st_size != bars * np.dtype(dtype).itemsize:
        raise ValueError(f"{path.name} of {path.stat().st_size} bytes for {bars} bars")
    if not bars:
        return np.empty(0, dtype)
    return np.memmap(path, dtype=dtype, mode="r", shape=(bars,)).view(np.ndarray)
