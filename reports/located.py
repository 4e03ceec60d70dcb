"""Where files lie, as a page may say it: from the experiment's folder, never from the root of somebody's machine."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

FAR = 3
"""Folders up from the experiment beyond which only a file's name is said."""
_ROOTED = re.compile(r'"((?:/|[A-Za-z]:[\\/])[^"\n]*)"')
"""A text of a TOML file that is a path from the root."""


def nearby(path: str, folder: str = "") -> str:
    """Say where a file lies from a folder, or only its name where that is far off or no folder is known.

    Examples
    --------
    >>> nearby("/home/desk/prices/stocks.parquet", "/home/desk/examples"), nearby("/mnt/vendor/stocks.parquet")
    ('../prices/stocks.parquet', 'stocks.parquet')
    """
    if not is_rooted(path):
        return path
    own = PureWindowsPath(path) if path[1:2] == ":" else PurePosixPath(path)
    if folder and isinstance(own, PurePosixPath):
        found = os.path.relpath(path, folder)
        if found.split("/").count("..") <= FAR:
            return found
    return own.name or "/"


def is_rooted(text: str) -> bool:
    """Tell whether a text is a path from the root of a machine."""
    return "\n" not in text and _ROOTED.fullmatch(f'"{text}"') is not None


def unrooted(value: Any, folder: str = "") -> Any:
    """Say each path among values as `nearby` does.

    Examples
    --------
    >>> unrooted({"files": ["/mnt/vendor/stocks.parquet"], "rows": 3})
    {'files': ['stocks.parquet'], 'rows': 3}
    """
    if isinstance(value, Mapping):
        return {key: unrooted(inner, folder) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [unrooted(inner, folder) for inner in value]
    return nearby(value, folder) if isinstance(value, str) else value


def without_roots(toml: str, folder: str = "") -> str:
    """Say each path of a TOML text as `nearby` does.

    Examples
    --------
    >>> without_roots('files = ["/mnt/vendor/stocks.parquet"]')
    'files = ["stocks.parquet"]'
    """
    return _ROOTED.sub(lambda found: f'"{nearby(found[1], folder)}"', toml)
