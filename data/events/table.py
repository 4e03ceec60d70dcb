"""Events as loaded: a frame, the warnings, what was skipped."""

from __future__ import annotations

import hashlib
import html
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem
from aftershock.data.events.identity import first_prints, latest, settle, sort_order
from aftershock.data.events.rows import Mask, Rows, texts
from aftershock.data.events.schema import EVENT_COLUMNS
from aftershock.data.instants import NAT, iso, to_index, to_ns
from aftershock.data.tables import write_parquet

SHOWN = 10
"""How many events a printed table shows."""

_PRINTED = ["known_by", "tag", "direction", "strength", "surprise", "symbols", "scope", "headline"]


def _nothing() -> pd.DataFrame:
    text, instant = pd.Series([], dtype="str"), to_index(np.array([], np.int64))
    return pd.DataFrame({"event_id": text, "known_by": instant, "tagged_at": instant, "story_id": text})


@dataclass(frozen=True, eq=False, repr=False)
class Events:
    """Events in the canonical schema, sorted by ``known_by``, then ``event_id``.

    Attributes
    ----------
    frame : DataFrame
        The columns of `EVENT_COLUMNS`, then whatever else the source had.
    warnings : DataFrame
        ``code, severity, rows, first_line, message``.
    skipped : DataFrame
        Rows that were dropped: ``file, line, column, value, expected, cure``.
    cut : DataFrame
        ``event_id, known_by, tagged_at, story_id`` of the events that `between` and `as_of` left out: an echo of
        what lies before a period stays an echo, and impacts may name any of them.
    """

    frame: pd.DataFrame
    warnings: pd.DataFrame
    skipped: pd.DataFrame
    cut: pd.DataFrame = field(default_factory=_nothing, kw_only=True)

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        """Print a summary, the first events and the warnings as text."""
        lines = [self._summary()]
        if len(self):
            lines.append(_printable(self.frame, 40).to_string(index=False))
        return "\n".join([*lines, *self._notes()])

    def _repr_html_(self) -> str:
        """Print the same as HTML, with every text of the source escaped."""
        table = _printable(self.frame, 120).to_html(index=False, escape=True, border=0)
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self._notes())
        return f"<p>{html.escape(self._summary())}</p>{table}<ul>{notes}</ul>"

    def digest(self) -> str:
        """Hash the events: equal tables give equal digests, whatever file they came from.

        Returns
        -------
        str
            SHA-256 in hexadecimal, over the schema's columns and the other columns' cells as text, and over which
            events are echoes of some that were cut.
        """
        sha = hashlib.sha256()
        own = {column.name: column.kind for column in EVENT_COLUMNS}
        for name in [*own, *sorted(set(self.frame.columns) - set(own))]:
            sha.update(_bytes([name]))
            sha.update(_column_bytes(self.frame[name], own.get(name, "text")))
        hidden = first_prints(self.frame) & ~self.first_prints()
        if hidden.any():
            sha.update(_bytes(self.frame["event_id"][hidden].tolist()))
        return sha.hexdigest()

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write the frame as Parquet; `load_events` reads it back to the same digest, unless stories were cut apart.

        Raises
        ------
        InputError
            The place cannot be written or its name is not one of Parquet, or a column outside the schema holds
            several types.
        """
        import pyarrow as pa

        if not os.fspath(path).lower().endswith(".parquet"):
            got = Path(path).suffix or "no suffix"
            raise InputError(Problem("a file that ends in .parquet", got, "rename it", str(path)))
        try:
            write_parquet(self.frame, path)
        except (pa.ArrowException, UnicodeEncodeError) as error:
            got = str(error).splitlines()[0]
            cure = "make the column text, and its text Unicode"
            raise InputError(Problem("columns that Parquet can hold", got, cure, str(path))) from error

    def first_prints(self) -> Mask:
        """Mark the first print of each story, those told by events that were cut included.

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        before = self.cut[self.cut["story_id"].ne("")]
        told = pd.concat([self.frame[list(before.columns)], before], ignore_index=True)
        return first_prints(told)[: len(self.frame)]

    def between(self, start: Any, end: Any) -> Events:
        """Keep the events with ``start <= known_by < end``.

        Parameters
        ----------
        start, end : instant
            Zoned timestamps or strings, or UTC nanoseconds.
        """
        known_by, (first, last) = to_ns(self.frame["known_by"]), (one_instant(start), one_instant(end))
        return self._only((known_by >= first) & (known_by < last))

    def as_of(self, instant: Any, *, tagged: bool = False) -> Events:
        """Keep the events that were known by an instant.

        Parameters
        ----------
        instant : instant
            A zoned timestamp or string, or UTC nanoseconds.
        tagged : bool
            Keep only those also tagged by then; an event without ``tagged_at`` counts as tagged. Where an
            event was tagged several times this sees the tagging that was loaded: ``load_events(...,
            as_of=instant)`` picks the one of that time.
        """
        limit = one_instant(instant)

        def seen(frame: pd.DataFrame) -> Mask:
            known: Mask = to_ns(frame["known_by"]) <= limit
            return known & (to_ns(frame["tagged_at"]) <= limit) if tagged else known

        kept = self._only(seen(self.frame))
        # What could not be seen by then told no story.
        stories = kept.cut["story_id"].where(seen(kept.cut), "")
        return replace(kept, cut=kept.cut.assign(story_id=stories))

    def concat(self, *others: Events) -> Events:
        """Put events together; repeats count once, the latest tagging of an event stands.

        Raises
        ------
        InputError
            Two events of one ``event_id`` and one ``tagged_at`` differ.
        """
        parts = (self, *others)
        frame = pd.concat([part.frame for part in parts], ignore_index=True)
        rows = Rows(frame, np.full(len(frame), None, dtype=object), np.arange(1, len(frame) + 1))
        stands = settle(rows)
        if rows.faults:
            raise rows.error()
        warnings = pd.concat([part.warnings for part in parts], ignore_index=True)
        skipped = pd.concat([part.skipped for part in parts], ignore_index=True)
        whole = in_order(latest(frame[stands]))
        cut = pd.concat([part.cut for part in parts], ignore_index=True)
        return Events(whole, warnings, skipped, cut=cut[~cut["event_id"].isin(whole["event_id"])])

    def _only(self, keep: Mask) -> Events:
        kept, left = self.frame[keep].reset_index(drop=True), self.frame.loc[~keep, list(self.cut.columns)]
        cut = pd.concat([self.cut, left], ignore_index=True)
        return Events(kept, self.warnings, self.skipped, cut=cut)

    def _summary(self) -> str:
        known_by = to_ns(self.frame["known_by"])
        span = f" known by {iso(int(known_by[0]))} to {iso(int(known_by[-1]))}" if len(self) else ""
        tags = self.frame["tag"].value_counts(sort=False).sort_index()
        counts = ", ".join(f"{tag} {count}" for tag, count in tags.items())
        return f"{len(self)} events{span}" + (f" ({counts})" if counts else "")

    def _notes(self) -> list[str]:
        more = [f"... and {len(self) - SHOWN} more events"] if len(self) > SHOWN else []
        notes = self.warnings[["severity", "code", "rows", "message"]].itertuples(index=False, name=None)
        skipped = [f"{len(self.skipped)} reasons for dropped rows: see .skipped"] if len(self.skipped) else []
        return [*more, *(f"{level}: {code} ({n} rows): {text}" for level, code, n, text in notes), *skipped]


def one_instant(instant: Any) -> int:
    """Give one instant in UTC nanoseconds.

    Raises
    ------
    InputError
        It is naive, or there is none.

    Examples
    --------
    >>> one_instant("1970-01-01T00:00:01Z")
    1000000000
    """
    found = to_ns([]) if instant is None or instant is pd.NaT else to_ns(instant)
    if len(found) != 1 or found[0] == NAT:
        raise InputError(Problem("one instant", f"'{instant}'", "write 2025-09-12T09:00+09:00"))
    return int(found[0])


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Sort events by ``known_by``, then ``event_id``, and number them from 0."""
    order = sort_order(to_ns(frame["known_by"]), frame["event_id"])
    return frame.iloc[order].reset_index(drop=True)


def _printable(frame: pd.DataFrame, width: int) -> pd.DataFrame:
    """Give the first events as short texts without control characters."""
    head = frame[_PRINTED].head(SHOWN)
    shown = {name: texts(head[name]) for name in _PRINTED}
    shown |= {
        "known_by": [str(iso(instant)) for instant in to_ns(head["known_by"]).tolist()],
        **{name: [f"{value:g}" for value in head[name]] for name in ("strength", "surprise")},
    }
    return pd.DataFrame({name: [_one_line(cell, width) for cell in cells] for name, cells in shown.items()})


def _one_line(text: str, width: int) -> str:
    line = "".join(character if character.isprintable() else " " for character in text)
    return line if len(line) <= width else line[: width - 3] + "..."


def _column_bytes(column: pd.Series[Any], kind: str) -> bytes:
    if kind == "instant":
        return to_ns(column).astype("<i8").tobytes()
    if kind == "number":
        values = column.to_numpy(np.float64)
        return np.where(np.isnan(values), np.nan, values).astype("<f8").tobytes()
    return _bytes(column.fillna("").tolist() if isinstance(column.dtype, pd.StringDtype) else texts(column))


def _bytes(cells: list[str]) -> bytes:
    """Write texts so that no two lists give the same bytes: lengths first."""
    encoded = [cell.encode("utf-8", "surrogatepass") for cell in cells]
    lengths = np.fromiter(map(len, encoded), "<i8", len(encoded))
    return len(encoded).to_bytes(8, "little") + lengths.tobytes() + b"".join(encoded)
