"""Tables in and out: CSV, JSONL and Parquet read with line numbers, written whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import difflib
import gzip
import io
import json
import os
import secrets
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.errors import InputError, Problem, did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

LINE = "_line"
"""The column in which `read_table` keeps the 1-based line (row, for Parquet) of each row."""

SUFFIXES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet")
"""The kinds of file `read_table` knows."""

NEAR = 0.75
"""How alike (difflib ratio) an unknown column must be to a known one to count as a misspelling."""


class Where(NamedTuple):
    """Which rows of a table to read.

    Attributes
    ----------
    columns : tuple of str
        The first of these the table has is looked at; a table with none of them is read whole.
    keep : callable
        Takes the column's distinct texts, gives back those whose rows are wanted.
    """

    columns: tuple[str, ...]
    keep: Callable[[list[str]], Collection[str]]


def read_table(path: str | os.PathLike[str], *, where: Where | None = None) -> pd.DataFrame:
    r"""Read a CSV, JSONL or Parquet file with the line each row stands on.

    Parameters
    ----------
    path : path
        A file whose name ends in one of `SUFFIXES`.
    where : Where, optional
        Rows to keep; from Parquet only these are loaded.

    Returns
    -------
    DataFrame
        The file's columns and ``_line`` (int64; a CSV header is line 1). CSV cells are text, an empty
        cell is missing, nothing else is. JSON and Parquet values keep their own types. Lines without
        any value are left out. A Parquet table of two levels of columns comes as it was stored.

    Raises
    ------
    InputError
        No such file, a folder, an unknown suffix, an empty or corrupt file, a row with more or fewer
        cells than the header.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "events.csv"
    >>> write_text('event_id,headline\n007,"Fed cuts\nby 25"\n008,Chips\n', path)
    >>> read_table(path)[["event_id", "_line"]].values.tolist()
    [['007', 2], ['008', 4]]
    """
    path = Path(path)
    suffix = _suffix(path)
    if suffix == ".parquet":
        return _read_parquet(path, where)
    data = _read_bytes(path, suffix)
    frame = _parse_csv(data, path) if suffix.startswith(".csv") else _parse_jsonl(data, path)
    return frame if where is None else _chosen(frame, where)


def lines_of(frame: pd.DataFrame) -> NDArray[np.int64]:
    """Give the line of each row: ``_line`` where the frame has it, else 1-based rows.

    Examples
    --------
    >>> lines_of(pd.DataFrame({"close": [1.0, 2.0]}))
    array([1, 2])
    """
    if LINE in frame.columns:
        return frame[LINE].to_numpy(np.int64)
    return np.arange(1, len(frame) + 1, dtype=np.int64)


def check_columns(
    columns: Iterable[str], known: Iterable[str], required: Iterable[str], file: str | None = None
) -> list[str]:
    """Refuse a table that lacks columns or misspells one.

    Parameters
    ----------
    columns : iterable of str
        The table's columns; ``_line`` is passed over.
    known, required : iterable of str
        Columns that mean something, and those that must be there.
    file : str, optional
        Named in the error.

    Returns
    -------
    list of str
        Columns that mean nothing here and look like none that does.

    Raises
    ------
    InputError
        A required column is missing, or an unknown column looks like a known one that is absent.

    Examples
    --------
    >>> check_columns(["symbol", "colour"], ["symbol", "date"], ["symbol"])
    ['colour']
    >>> check_columns(["dates"], ["date"], [], "a.csv")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    aftershock.data.errors.InputError: a.csv, column dates: expected a known column, got ...
    """
    present = [str(column) for column in columns if str(column) != LINE]
    absent = [column for column in dict.fromkeys([*required, *known]) if column not in present]
    strange = [column for column in present if column not in set(known) | set(required)]
    meant = {column: _nearest(column, absent) for column in strange}
    problems = [
        Problem("a known column", f"'{column}'", f"rename it to '{near}', or drop it", file, column=column)
        for column, near in meant.items()
        if near
    ]
    missing = [column for column in required if column in absent and column not in meant.values()]
    problems += [_missing(column, present, file) for column in missing]
    if problems:
        raise InputError(problems)
    return strange


def write_parquet(
    frame: pd.DataFrame,
    path: str | os.PathLike[str],
    metadata: Mapping[str, str] | None = None,
    *,
    bare: bool = False,
) -> None:
    """Write a table as Parquet, beside its place and then renamed into it.

    Parameters
    ----------
    frame : DataFrame
        Written without its index and without ``_line``.
    path : path
        Folders that are missing are made.
    metadata : mapping of str to str, optional
        Kept in the file; `read_metadata` gives it back.
    bare : bool
        Leave out what pandas adds about itself, so that the bytes do not depend on its version.

    Raises
    ------
    InputError
        The place cannot be written; what stood there before still stands.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame.drop(columns=LINE, errors="ignore"), preserve_index=False)
    if metadata or bare:
        own = {} if bare else (table.schema.metadata or {})
        table = table.replace_schema_metadata({**own, **(metadata or {})})
    with _beside(Path(path)) as temporary:
        pq.write_table(table, temporary)


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read what `write_parquet` kept in a file beside its table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(path)
    _suffix(path)
    try:
        stored = pq.read_schema(path).metadata or {}
        return {key.decode(): value.decode() for key, value in stored.items()}
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _corrupt(path, "a Parquet file", error) from error


def write_text(text: str, path: str | os.PathLike[str]) -> None:
    """Write a text as UTF-8, beside its place and then renamed into it.

    Raises
    ------
    InputError
        The place cannot be written; what stood there before still stands.
    """
    write_bytes(text.encode("utf-8"), path)


def write_bytes(data: bytes, path: str | os.PathLike[str]) -> None:
    """Write bytes beside their place and then renamed into it, as `write_text` does."""
    with _beside(Path(path)) as temporary:
        temporary.write_bytes(data)


@contextlib.contextmanager
def writing_to(path: str | os.PathLike[str]) -> Iterator[None]:
    """Make a refusal of the system to write (no right, no room) one sentence.

    Raises
    ------
    InputError
        The place cannot be written.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        cure = "choose another place, or give yourself the right to write there and room on the disk"
        raise InputError(Problem("a place that can be written", reason, cure, str(path))) from error


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    path = path.resolve() if path.is_symlink() else path
    if path.exists() and not path.is_file():
        got, cure = ("a folder", "name a file inside it") if path.is_dir() else ("no file", "name a file")
        raise InputError(Problem("a place for a file", got, cure, str(path)))
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with writing_to(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _suffix(path: Path) -> str:
    if path.is_dir():
        raise InputError(Problem("a file", "a folder", "name a file inside it", str(path)))
    if not path.exists():
        raise InputError(Problem("a file", "nothing", _neighbour(path), str(path)))
    name = path.name.lower()
    suffix = next((suffix for suffix in reversed(SUFFIXES) if name.endswith(suffix)), None)
    if suffix is None:
        kinds, got = "a file that ends in " + ", ".join(SUFFIXES), path.suffix or "no suffix"
        raise InputError(Problem(kinds, got, "convert or rename it", str(path)))
    if path.stat().st_size == 0:
        raise InputError(Problem("a table", "an empty file", "write it again", str(path)))
    return suffix


def _neighbour(path: Path) -> str:
    if not path.parent.is_dir():
        return f"check the path: there is no folder {path.parent}"
    near = did_you_mean(path.name, [neighbour.name for neighbour in path.parent.iterdir()])
    return near if near.startswith("did you mean") else "check the path"


def _read_bytes(path: Path, suffix: str) -> bytes:
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if suffix.endswith(".gz") else data
    except (OSError, EOFError, zlib.error) as error:
        raise _corrupt(path, "a readable file", error) from error
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        got = f"the byte 0x{data[error.start]:02x}"
        raise InputError(Problem("UTF-8 text", got, "save the file as UTF-8", str(path), line)) from error
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip(b" \t\r\n,;"):
        raise InputError(Problem("a table", "an empty file", "write it again", str(path)))
    return data if b"\n" in data else data.replace(b"\r", b"\n")


def _corrupt(path: Path, expected: str, error: Exception) -> InputError:
    got = str(error).splitlines()[0] if str(error) else type(error).__name__
    return InputError(Problem(expected, got, "write or download the file again", str(path)))


def _parse_csv(data: bytes, path: Path) -> pd.DataFrame:
    header, start, line = _csv_header(data, path)
    body = data[start:]
    if not body.strip():
        empty = pd.DataFrame({name: pd.Series([], dtype="str") for name in header})
        return empty.assign(**{LINE: np.array([], np.int64)})
    table, ragged = _csv_rows(body + b"\n", len(header), path)
    lines = line + _csv_lines(table, ragged)
    if ragged:
        raise _ragged(ragged, lines, len(header), path)
    _check_last_quote(table, body, int(lines[-1]), path)
    frame: pd.DataFrame = table.rename_columns(header).to_pandas()
    frame[LINE] = lines
    return frame[~_blank(table)].reset_index(drop=True)


def _csv_header(data: bytes, path: Path) -> tuple[list[str], int, int]:
    """Give the column names, where the body begins and how many lines stand before it."""
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(data), "utf-8", newline=""))
    try:
        names = [name.strip() for name in next(row for row in reader if any(row))]
    except (csv.Error, StopIteration) as error:
        raise _corrupt(path, "a header of column names", error) from error
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        got = "twice " + ", ".join(f"'{name}'" for name in twice)
        raise InputError(Problem("columns with different names", got, "rename one", str(path), 1))
    start = 0
    for _ in range(reader.line_num):
        start = data.find(b"\n", start) + 1 or len(data)
    return names, start, reader.line_num


def _csv_rows(body: bytes, width: int, path: Path) -> tuple[pa.Table, list[tuple[int, int, str]]]:
    """Parse the rows as text; rows of another width come apart as (record, cells, text)."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    ragged: list[tuple[int, int, str]] = []

    def note(row: Any) -> str:
        ragged.append((row.number, row.actual_columns, row.text))
        return "skip"

    names = [str(column) for column in range(width)]
    try:
        table = arrow.read_csv(
            pa.BufferReader(body),
            # One block: else a row's number is unknown, and a long quoted text may not fit its block.
            arrow.ReadOptions(use_threads=False, column_names=names, block_size=len(body) + 1),
            arrow.ParseOptions(newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=note),
            arrow.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except pa.ArrowException as error:
        raise _corrupt(path, "a CSV table", error) from error
    return table, ragged


def _csv_lines(table: pa.Table, ragged: list[tuple[int, int, str]]) -> NDArray[np.int64]:
    """Count the line of every record (ragged ones too) from 1, newlines inside quotes included."""
    import pyarrow.compute as pc

    inside = np.zeros(len(table), np.int64)
    for column in table.columns:
        inside += pc.fill_null(pc.count_substring(column, "\n"), 0).to_numpy()
    extra = np.insert(
        inside,
        [number - 1 - before for before, (number, _, _) in enumerate(ragged)],
        [text.rstrip("\r\n").count("\n") for _, _, text in ragged],
    )
    ends: NDArray[np.int64] = np.cumsum(1 + extra)
    return ends - extra


def _ragged(
    ragged: list[tuple[int, int, str]], lines: NDArray[np.int64], width: int, path: Path
) -> InputError:
    problems = []
    for number, cells, text in ragged:
        line = int(lines[number - 1])
        if text.count('"') % 2:
            problems.append(_open_quote(path, line))
        else:
            cure = "add the missing cells, or quote a cell that holds a comma"
            problems.append(Problem(f"{width} cells", str(cells), cure, str(path), line))
    return InputError(problems)


def _check_last_quote(table: pa.Table, body: bytes, line: int, path: Path) -> None:
    """Refuse a quote that is never closed: it swallows the rest of the file into one cell."""
    if body.count(b'"') % 2 and any("\n" in (column[-1].as_py() or "") for column in table.columns):
        raise InputError(_open_quote(path, line))


def _open_quote(path: Path, line: int) -> Problem:
    cure = "close the quote, or double a quote that belongs to the text"
    return Problem("a closing quote", "the end of the file", cure, str(path), line)


def _blank(table: pa.Table) -> NDArray[np.bool_]:
    blank = np.ones(len(table), np.bool_)
    for column in table.columns:
        blank &= column.is_null().to_numpy()
    return blank


def _parse_jsonl(data: bytes, path: Path) -> pd.DataFrame:
    records: list[dict[str, Any]] = []
    lines: list[int] = []
    for line, text in enumerate(data.split(b"\n"), start=1):
        if text.strip():
            records.append(_record(text, line, path))
            lines.append(line)
    names = list(dict.fromkeys(name for record in records for name in record))
    frame = pd.DataFrame({name: [record.get(name) for record in records] for name in names})
    return frame.assign(**{LINE: np.array(lines, np.int64)})


def _record(text: bytes, line: int, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        got = f"{error.msg} at character {error.colno}"
        raise InputError(Problem("a JSON object", got, "correct the line", str(path), line)) from error
    if not isinstance(value, dict):
        got = f"a JSON {type(value).__name__}"
        raise InputError(Problem("a JSON object", got, "write one object a line", str(path), line))
    if b"\\u" in text:
        _check_surrogates(value, line, path)
    return value


def _check_surrogates(value: dict[str, Any], line: int, path: Path) -> None:
    """Refuse half of a surrogate pair: an escape can write it, no table can hold it."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        got = f"\\u{ord(error.object[error.start]):04x} alone"
        cure = "write both halves of the pair, or the character itself"
        raise InputError(Problem("whole characters", got, cure, str(path), line)) from error


def _read_parquet(path: Path, where: Where | None) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = pq.read_schema(path).names
        column = next((name for name in where.columns if name in names), None) if where else None
        if where is None or column is None:
            table, lines = pq.read_table(path), None
        else:
            table, lines = _parquet_rows(path, column, where)
        frame: pd.DataFrame = table.to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise _corrupt(path, "a Parquet file", error) from error
    if frame.columns.nlevels > 1:
        return frame
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    rows = np.arange(1, len(frame) + 1, dtype=np.int64) if lines is None else lines
    return frame.assign(**{LINE: rows})


def _parquet_rows(path: Path, column: str, where: Where) -> tuple[pa.Table, NDArray[np.int64]]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    texts = pq.read_table(path, columns=[column]).column(0)
    wanted = sorted(where.keep([str(text) for text in pc.unique(texts).to_pylist() if text is not None]))
    lines = np.flatnonzero(pd.Series(texts.to_pandas()).isin(wanted).to_numpy()) + 1
    # Typed, for a file of other symbols only leaves nothing to guess the type from.
    kind = texts.type.value_type if pa.types.is_dictionary(texts.type) else texts.type
    among = pc.field(column).isin(pa.array(wanted, kind))
    return pq.read_table(path, filters=among), lines.astype(np.int64)


def _chosen(frame: pd.DataFrame, where: Where) -> pd.DataFrame:
    column = next((name for name in where.columns if name in frame.columns), None)
    if column is None:
        return frame
    texts = frame[column].dropna().unique().tolist()
    wanted = where.keep([str(text) for text in texts])
    return frame[frame[column].isin(list(wanted))].reset_index(drop=True)


def _nearest(column: str, absent: Collection[str]) -> str:
    near = difflib.get_close_matches(column.strip().lower(), list(absent), n=1, cutoff=NEAR)
    return near[0] if near else ""


def _missing(column: str, present: list[str], file: str | None) -> Problem:
    got = "only " + ", ".join(present[:20]) if present else "no columns"
    return Problem(f"a column '{column}'", got, "add it", file)
