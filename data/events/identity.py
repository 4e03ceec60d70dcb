"""Which rows are which event: names from content, repeats, contradictions, taggings."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.events.cells import sort_words
from aftershock.data.events.rows import Mask, Rows, texts
from aftershock.data.instants import Instants, to_ns

TAGGING = ["event_id", "tagged_at"]
"""What names one tagging of one event."""


def make_ids(frame: pd.DataFrame) -> list[str]:
    """Name events by their content.

    Parameters
    ----------
    frame : DataFrame of n events
        With ``known_from, known_by, tag, direction, headline, symbols, scope``.

    Returns
    -------
    list of n str
        ``ev`` and 16 hexadecimal digits of BLAKE2b: the same for the same content, in any order of rows,
        symbols and scopes.
    """
    cells = zip(
        to_ns(frame["known_from"]).tolist(),
        to_ns(frame["known_by"]).tolist(),
        frame["tag"].tolist(),
        sort_words(frame["symbols"]).tolist(),
        sort_words(frame["scope"]).tolist(),
        frame["direction"].tolist(),
        frame["headline"].tolist(),
        strict=True,
    )
    return [
        "ev" + _hash(f"{a}|{b}|{t}|{s}|{c}|{len(d)}|{d}|{headline}") for a, b, t, s, c, d, headline in cells
    ]


def settle(rows: Rows) -> Mask:
    """Find the rows that stand: without a fault, and not said by another row already.

    Of rows that agree in every cell the first stands and the others are noted as repeats. Rows of one event
    and one ``tagged_at`` that differ contradict each other: each becomes a fault.
    """
    stands = ~rows.bad()
    good = rows.frame[stands]
    twins = good[good.duplicated(TAGGING, keep=False)]
    if twins.empty:
        return stands
    content = _content(twins)
    repeated = content.duplicated().to_numpy(np.bool_)
    _note_repeats(rows, twins.index.to_numpy(), content, repeated)
    different = content[~repeated]
    _fault_clashes(rows, different[different.duplicated(TAGGING, keep=False)])
    stands = ~rows.bad()
    stands[twins.index[repeated]] = False
    return stands


def latest(frame: pd.DataFrame, as_of: int | None = None) -> pd.DataFrame:
    """Keep the latest tagging of each event, or the latest made by an instant.

    Parameters
    ----------
    frame : DataFrame
        Taggings: ``event_id, tagged_at``; a tagging without an instant is older than any with one.
    as_of : int, optional
        UTC nanoseconds; later taggings are not seen.
    """
    made = to_ns(frame["tagged_at"])
    if as_of is not None:
        frame, made = frame[made <= as_of], made[made <= as_of]
    if not frame["event_id"].duplicated().any():
        return frame
    order = np.argsort(made, kind="stable")
    superseded = frame["event_id"].iloc[order].duplicated(keep="last").to_numpy(np.bool_)
    return frame.iloc[np.sort(order[~superseded])]


def first_prints(frame: pd.DataFrame) -> Mask:
    """Mark the first print of each story: the smallest ``known_by``, then ``event_id``.

    A story is events that tell the same news; its first print trades, its echoes do not.

    Parameters
    ----------
    frame : DataFrame of n events
        ``event_id, known_by, story_id``, in any order; an empty ``story_id`` is a story of its own.

    Returns
    -------
    ndarray of bool, shape (n,)

    Examples
    --------
    >>> known_by = pd.to_datetime(["2025-09-17T18:05Z", "2025-09-17T18:00Z"])
    >>> first_prints(pd.DataFrame({"event_id": ["a", "b"], "known_by": known_by, "story_id": "cut"}))
    array([False,  True])
    """
    story = frame["story_id"].where(frame["story_id"].ne(""), frame["event_id"])
    order = sort_order(to_ns(frame["known_by"]), frame["event_id"])
    first = np.zeros(len(frame), np.bool_)
    first[order[~story.iloc[order].duplicated().to_numpy(np.bool_)]] = True
    return first


def sort_order(known_by: Instants, event_id: pd.Series[str]) -> NDArray[np.intp]:
    """Give the positions of events by ``known_by``, then ``event_id``."""
    rank = event_id.rank(method="dense").to_numpy(np.float64)
    return np.lexsort((rank, known_by))


def _hash(content: str) -> str:
    return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()


def _content(frame: pd.DataFrame) -> pd.DataFrame:
    """Give rows whose cells can be compared: objects as text, lists of words in one order."""
    cells = {name: _comparable(column) for name, column in frame.items()}
    cells |= {name: sort_words(frame[name]) for name in ("symbols", "scope")}
    return pd.DataFrame(cells, index=frame.index)


def _comparable(column: pd.Series[Any]) -> pd.Series[Any]:
    if pd.api.types.is_object_dtype(column.dtype):
        return pd.Series(texts(column), dtype=object, index=column.index)
    return column


def _note_repeats(rows: Rows, index: NDArray[np.intp], content: pd.DataFrame, repeated: Mask) -> None:
    reason = ("each event once", "remove the row: another says the same in every cell")
    rows.repeat(index[repeated], "event_id", content["event_id"][repeated], reason)
    rows.note(index[repeated], "duplicate", "warning", "rows that repeat another in every cell are read once")


def _fault_clashes(rows: Rows, clash: pd.DataFrame) -> None:
    """Fault each row of a contradiction, naming another row of it and the columns that differ."""
    group = clash.groupby(TAGGING, dropna=False, sort=False).ngroup().to_numpy()
    order = np.argsort(group, kind="stable")
    is_first = np.diff(group[order], prepend=-1) != 0
    start = np.maximum.accumulate(np.where(is_first, np.arange(len(order)), 0))
    other = np.empty(len(order), np.intp)
    other[order] = order[np.where(is_first, np.arange(len(order)) + 1, start)]
    cells = {name: np.array(texts(column), dtype=object) for name, column in clash.items()}
    differs = {name: values != values[other] for name, values in cells.items()}
    index = clash.index.to_numpy()
    reasons = [
        _clash_reason(rows, index[other[row]], [str(name) for name in differs if differs[name][row]])
        for row in range(len(index))
    ]
    rows.fault(index, "event_id", cells["event_id"], reasons)


def _clash_reason(rows: Rows, other: int, columns: list[str]) -> tuple[str, str]:
    where = (
        f"line {rows.lines[other]}"
        if rows.files[other] is None
        else f"{rows.files[other]} line {rows.lines[other]}"
    )
    cure = f"{where} has another {', '.join(columns)}: name one of them otherwise, or give the later its tagged_at"
    return "one content for each event_id and tagged_at", cure
