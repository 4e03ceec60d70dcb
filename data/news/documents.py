"""News files to documents: wraps as text or HTML, folders, standard input, tables of headlines."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import gzip
import io
import json
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.events.stamps import zone_reason
from aftershock.data.news.markup import looks_like_html, read_markup
from aftershock.data.news.types import Document

MAX_BYTES = 32 * 2**20
"""The largest file that is read as one wrap."""

MAX_TEXT = 8 * 2**20
"""The longest text of one wrap, in characters: a thousand times what a wrap has."""

MAX_LINE = 2**20
"""The longest line of a table, in characters."""

MAX_HEADLINE = 2**16
"""The longest headline of a table, in characters."""

TEXTS = (".txt", ".md", "")
PAGES = (".html", ".htm")
TABLES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet")

TEXT_COLUMNS = ("headline", "title", "text")
"""Columns that hold the headline; the first a table has is read."""

TIME_COLUMNS = ("known_by", "published_at", "published", "date", "time", "timestamp")
"""Columns that hold when it was published; the first a table has is read."""

Source = str | os.PathLike[str]

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SURROGATES = re.compile("[\ud800-\udfff]")


class _Columns(NamedTuple):
    text: str
    time: str | None
    since: str | None
    zone: str | None


class _Stamp(NamedTuple):
    published: str
    zone: str


Row = tuple[int, dict[str, Any]]


def read_documents(
    sources: Source | Iterable[Source],
    *,
    published: str = "",
    zone: str = "",
    notes: list[Problem] | None = None,
) -> Iterator[Document]:
    r"""Read news files one document after the other.

    A text (``.txt``, ``.md``, no suffix) or a page (``.html``, ``.htm``) is one document; a folder stands for its
    files in the order of their names; ``-`` is standard input. A table of headlines (``.csv``, ``.csv.gz``,
    ``.jsonl``, ``.jsonl.gz``, ``.parquet``) gives one document a row: its text stands in ``headline``, ``title`` or
    ``text``, its time in ``known_by``, ``published_at``, ``published``, ``date``, ``time`` or ``timestamp``;
    ``known_from`` and ``zone`` are optional. Tables are read as a stream: memory does not grow with their rows.

    Characters count in the decoded text: after a byte-order mark, line ends as they stand, a NUL or a byte that is
    no UTF-8 as U+FFFD. In a table they count in the cell.

    Parameters
    ----------
    sources : path, or iterable of paths
        What to read.
    published : str, optional
        The stamp of every document that brings none of its own.
    zone : str, optional
        The IANA zone that stamps without one are read in; a row's own ``zone`` comes first.
    notes : list of Problem, optional
        Takes what was passed over and why: files of other kinds, rows without text, bytes that are no UTF-8.

    Yields
    ------
    Document

    Raises
    ------
    InputError
        At the call: a file that is not there, an unknown kind or zone. On the way: an empty file, one of more than
        `MAX_BYTES` or `MAX_TEXT`, a table of tagged events, one without the columns above, a row that cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "headlines.csv"
    >>> _ = path.write_text("headline,published\nFed cuts rates,2025-09-17T18:00Z\n")
    >>> [(news.row, news.text, news.published) for news in read_documents(path)]
    [(2, 'Fed cuts rates', '2025-09-17T18:00Z')]
    """
    several = [sources] if isinstance(sources, str | os.PathLike) else list(sources)
    if zone:
        _check_zone(zone, None, None)
    found = notes if notes is not None else []
    files = [file for source in several for file in _files(source, found)]
    return _read_all(files, _Stamp(published, zone), found)


def _read_all(files: list[tuple[str, bool]], stamp: _Stamp, notes: list[Problem]) -> Iterator[Document]:
    for name, is_listed in files:
        suffix = _suffix(name)
        if name != "-" and suffix in TABLES:
            yield from _table(name, suffix, stamp, notes, is_listed)
        else:
            yield _wrap(name, suffix, stamp, notes)


def _files(source: Source, notes: list[Problem]) -> list[tuple[str, bool]]:
    """List the files a source stands for, and whether they were found in a folder."""
    name = os.fspath(source)
    path = Path(name)
    if name == "-":
        return [("-", False)]
    if path.is_dir():
        return [(file, True) for file in _folder(path, notes)]
    if not path.exists():
        siblings = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        cure = did_you_mean(path.name, siblings) if len(siblings) in range(1, 200) else "check the path"
        raise InputError(Problem("a news file", "no such file", cure, name))
    if not _is_known(name):
        raise InputError(_other_kind(name))
    return [(name, False)]


def _folder(folder: Path, notes: list[Problem]) -> list[str]:
    paths = [Path(root) / file for root, _, files in os.walk(folder) for file in files]
    names = [str(path) for path in sorted(paths, key=lambda path: path.relative_to(folder).parts)]
    visible = [name for name in names if not Path(name).name.startswith(".")]
    notes += [_other_kind(name) for name in visible if not _is_known(name)]
    known = [name for name in visible if _is_known(name)]
    if not known:
        kinds = "put .txt, .md, .html, .csv, .jsonl or .parquet files there"
        raise InputError(
            Problem("a folder of news files", f"none among {len(names)} files", kinds, str(folder))
        )
    return known


def _suffix(name: str) -> str:
    suffixes = Path(name).suffixes
    double = "".join(suffixes[-2:]).lower()
    return double if double in TABLES else (suffixes[-1].lower() if suffixes else "")


def _is_known(name: str) -> bool:
    return _suffix(name) in (*TEXTS, *PAGES, *TABLES)


def _other_kind(name: str) -> Problem:
    cure = "give .txt, .md, .html, .csv, .jsonl or .parquet"
    return Problem("a text, a page or a table", f"'{_suffix(name)}'", cure, name)


# Wraps


def _wrap(name: str, suffix: str, stamp: _Stamp, notes: list[Problem]) -> Document:
    source = _decoded(_read_whole(name), name, notes)
    places, published = None, stamp.published
    if suffix in PAGES or (suffix == "" and looks_like_html(source)):
        source, places, own = read_markup(source)
        published = published or own
    if not source.strip():
        raise InputError(Problem("a text", "an empty file", "check that it is the right one", name))
    if len(source) > MAX_TEXT:
        raise InputError(_too_large(f"a text of {len(source):,} characters", name))
    return Document(name, None, source, places, published, stamp.zone)


def _read_whole(name: str) -> bytes:
    try:
        if name == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(name, error) from error
    if len(data) > MAX_BYTES:
        raise InputError(_too_large("more", name))
    return data


def _too_large(got: str, name: str) -> Problem:
    expected = f"one news text of at most {MAX_BYTES:,} bytes and {MAX_TEXT:,} characters"
    return Problem(expected, got, "give each text a file of its own", name)


def _unreadable(name: str, error: Exception) -> InputError:
    got = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return InputError(Problem("a file that can be read", got, "check the path and its rights", name))


def _encoding(head: bytes) -> tuple[str, int]:
    return next(((name, len(bom)) for bom, name in _BOMS if head.startswith(bom)), ("utf-8", 0))


def _decoded(data: bytes, name: str, notes: list[Problem]) -> str:
    encoding, skip = _encoding(data)
    try:
        text = data[skip:].decode(encoding)
    except UnicodeDecodeError as error:
        text = data[skip:].decode(encoding, "replace")
        notes.append(_bad_bytes(encoding, f"other bytes from byte {skip + error.start} on", name))
    return text.replace("\0", "\ufffd")


def _bad_bytes(encoding: str, got: str, name: str, line: int | None = None) -> Problem:
    cure = "they are read as U+FFFD; save the file as UTF-8"
    return Problem(f"{encoding.upper()} text", got, cure, name, line)


# Tables


def _table(
    name: str, suffix: str, stamp: _Stamp, notes: list[Problem], is_listed: bool
) -> Iterator[Document]:
    reader = _parquet if suffix == ".parquet" else _csv if suffix.startswith(".csv") else _jsonl
    columns: _Columns | None = None
    for line, row in reader(name, notes):
        if columns is None or suffix.startswith(".jsonl"):
            if is_listed and "tag" in row:
                notes.append(_tagged(name))
                return
            columns = _columns(tuple(row), name, stamp.published)
        news = _headline(name, line, row, columns, stamp, notes)
        if news is not None:
            yield news
    if columns is None:
        raise InputError(Problem("rows of headlines", "none", "check that it is the right file", name))


def _headline(
    name: str, line: int, row: dict[str, Any], columns: _Columns, stamp: _Stamp, notes: list[Problem]
) -> Document | None:
    text = row[columns.text]
    if text is None or (isinstance(text, str) and not text.strip()):
        notes.append(Problem("a headline", "an empty cell", "the row is left out", name, line, columns.text))
        return None
    if not isinstance(text, str) or len(text) > MAX_HEADLINE:
        got = f"{len(text):,} characters" if isinstance(text, str) else f"a {type(text).__name__}"
        expected = f"a text of at most {MAX_HEADLINE:,} characters"
        cure = "give a wrap as a file of its own"
        raise InputError(Problem(expected, got, cure, name, line, columns.text))
    zone = _written(row.get(columns.zone)) if columns.zone else ""
    if zone:
        _check_zone(zone, name, line)
    published = _period(row, columns) or stamp.published
    if not published:
        cure = "fill it, drop the row, or say --published"
        raise InputError(
            Problem("when it was published", "an empty cell", cure, name, line, columns.time or "published")
        )
    return Document(name, line, _clean(text), None, published, zone or stamp.zone)


def _clean(text: str) -> str:
    return _SURROGATES.sub("\ufffd", text.replace("\0", "\ufffd"))


def _period(row: dict[str, Any], columns: _Columns) -> str:
    by = _written(row.get(columns.time)) if columns.time else ""
    since = _written(row.get(columns.since)) if columns.since else ""
    return f"{since}/{by}" if since and by and since != by else by


def _written(value: Any) -> str:
    """Write a cell's stamp; one of a typed column that falls on midnight without a zone is a date."""
    if value is None or value != value:
        return ""
    if isinstance(value, dt.datetime):
        if value.tzinfo is None and value.time() == dt.time():
            return value.date().isoformat()
        return value.isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value).strip()


@lru_cache(maxsize=256)
def _columns(names: tuple[str, ...], file: str, published: str) -> _Columns:
    spelt = {name.strip().lower(): name for name in reversed(names)}
    if "tag" in spelt:
        raise InputError(_tagged(file))
    found = [next((spelt[name] for name in known if name in spelt), None) for known in _KNOWN]
    text, time, since, zone = found
    if text is None:
        raise InputError(_missing("a column 'headline', 'title' or 'text'", names, file))
    if time is None and not published:
        raise InputError(_missing("a column 'published' (or --published)", names, file))
    return _Columns(text, time, since, zone)


_KNOWN = (TEXT_COLUMNS, TIME_COLUMNS, ("known_from",), ("zone",))


def _tagged(file: str) -> Problem:
    cure = "load it as events, or drop the column 'tag'"
    return Problem("news", "a table of tagged events (it has a column 'tag')", cure, file)


def _missing(expected: str, names: tuple[str, ...], file: str) -> Problem:
    got = "only " + ", ".join(names[:20]) if names else "no columns"
    return Problem(expected, got, "add or rename it", file)


@lru_cache(maxsize=256)
def _check_zone(zone: str, file: str | None, line: int | None) -> None:
    reason = zone_reason(zone)
    if reason is not None:
        raise InputError(Problem(reason[0], f"'{zone}'", reason[1], file, line, "zone"))


def _lines(name: str, notes: list[Problem]) -> Iterator[str]:
    """Give the lines of a text file, each of bounded length; note the first that is no UTF-8."""
    opened: Callable[..., Any] = gzip.open if name.lower().endswith(".gz") else open
    is_noted = False
    try:
        with opened(name, "rb") as raw:
            file, encoding = _as_text(raw)
            for line in iter(lambda: file.readline(MAX_LINE + 1), ""):
                if len(line) > MAX_LINE:
                    expected = f"lines of at most {MAX_LINE:,} characters"
                    raise InputError(Problem(expected, "a longer one", "give a wrap as a text file", name))
                if "\ufffd" in line and not is_noted:
                    is_noted = True
                    notes.append(_bad_bytes(encoding, "a row with other bytes, or U+FFFD itself", name))
                yield line
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(name, error) from error


def _as_text(raw: BinaryIO) -> tuple[io.TextIOWrapper, str]:
    buffered = io.BufferedReader(raw)  # type: ignore[type-var]
    encoding, skip = _encoding(buffered.peek(4)[:4])
    buffered.read(skip)
    return io.TextIOWrapper(buffered, encoding, "replace", newline="\n"), encoding


def _csv(name: str, notes: list[Problem]) -> Iterator[Row]:
    reader = csv.reader(_lines(name, notes), strict=True)
    header: list[str] = []
    line = 1
    try:
        for cells in reader:
            start, line = line, reader.line_num + 1
            if not any(cells):
                continue
            if not header:
                header = cells
                _check_header(header, name, start)
            elif len(cells) != len(header):
                cure = "add the missing cells, or quote a cell that holds a comma"
                raise InputError(Problem(f"{len(header)} cells", str(len(cells)), cure, name, start))
            else:
                yield start, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        cure = "close its quotes, and double a quote that belongs to the text"
        raise InputError(Problem("a row of CSV cells", str(error), cure, name, line)) from error


def _check_header(header: list[str], name: str, line: int) -> None:
    twice = sorted({cell for cell in header if header.count(cell) > 1})[:5] if len(header) < 1000 else ["..."]
    if twice:
        got = "twice " + ", ".join(f"'{cell}'" for cell in twice)
        raise InputError(Problem("columns with different names", got, "rename one", name, line))


def _jsonl(name: str, notes: list[Problem]) -> Iterator[Row]:
    for line, text in enumerate(_lines(name, notes), start=1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            got = getattr(error, "msg", None) or str(error)
            raise InputError(Problem("a JSON object", got, "correct the line", name, line)) from error
        if not isinstance(row, dict):
            got = f"a JSON {type(row).__name__}"
            raise InputError(Problem("a JSON object", got, "write one object a line", name, line))
        yield line, row


def _parquet(name: str, notes: list[Problem]) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(name) as file:
            known = {"tag", *(column for columns in _KNOWN for column in columns)}
            names = [column for column in file.schema_arrow.names if column.strip().lower() in known]
            batches = file.iter_batches(4096, columns=names)
            yield from enumerate((row for batch in batches for row in batch.to_pylist()), start=1)
    except (pa.ArrowException, OSError) as error:
        got = str(error).split(". ")[0] or type(error).__name__
        raise InputError(Problem("a Parquet file", got, "write it anew", name)) from error
