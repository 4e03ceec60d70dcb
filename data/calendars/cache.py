"""Compiled sessions on disk: found in milliseconds, and never in the way.

A file holds the SHA-256 of its numbers and the numbers. Whatever is wrong with it, or with its folder,
counts as absent; it is written beside and renamed, so that a reader never meets half a file.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DIGEST = 32


def folder() -> Path:
    """Where compiled sessions are kept: ``aftershock/sessions`` in the user's cache folder."""
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    base = chosen if chosen.is_absolute() else Path.home() / ".cache"
    return base / "aftershock" / "sessions"


def load(mic: str, key: str, height: int) -> NDArray[np.int64] | None:
    """Read the compiled sessions of a venue, or None where there are none that can be trusted.

    Parameters
    ----------
    mic : str
        The venue.
    key : str
        What the file must have been made from.
    height : int
        Number of arrays stored.
    """
    try:
        data = _path(mic, key).read_bytes()
    except (OSError, RuntimeError):
        return None
    stored, body = data[:DIGEST], data[DIGEST:]
    if hashlib.sha256(body).digest() != stored or not body or len(body) % (8 * height):
        return None
    return np.frombuffer(body, dtype="<i8").astype(np.int64, copy=False).reshape(height, -1)


def store(mic: str, key: str, arrays: NDArray[np.int64]) -> None:
    """Write the compiled sessions of a venue and remove its older files; a failure is no error."""
    with contextlib.suppress(OSError, RuntimeError):
        target = _path(mic, key)
        target.parent.mkdir(parents=True, exist_ok=True)
        body = arrays.astype("<i8", copy=False).tobytes()
        _write_beside(target, hashlib.sha256(body).digest() + body)
        for stale in target.parent.glob(f"{mic}-*.bin"):
            if stale != target:
                stale.unlink(missing_ok=True)


def _path(mic: str, key: str) -> Path:
    return folder() / f"{mic}-{key}.bin"


def _write_beside(target: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        beside.replace(target)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
