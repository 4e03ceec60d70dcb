"""Impacts: how far an event is good or bad for an instrument."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.events.cells import read_numbers, read_symbols
from aftershock.data.events.rows import Mask, Rows, Source, gather, joined
from aftershock.data.events.schema import IMPACT_COLUMNS
from aftershock.data.events.table import Events
from aftershock.data.tables import check_columns

NEAR = 3
"""Of how many unknown events a near one is looked for, which takes a second in a hundred thousand."""

DROP = "correct it, or drop the row"

_OWN = [column.name for column in IMPACT_COLUMNS]


def load_impacts(source: Source | Sequence[Source], events: Events | pd.DataFrame) -> pd.DataFrame:
    """Read the impacts of events on instruments.

    Parameters
    ----------
    source : path, DataFrame or a sequence of these
        ``event_id``, ``symbol`` in any dialect, ``polarity`` from -1 to 1.
    events : Events or DataFrame
        The events they belong to; those cut off from `Events` count.

    Returns
    -------
    DataFrame
        ``event_id, symbol, polarity``, sorted by the first two.

    Raises
    ------
    InputError
        All problems at once: an unknown event or symbol, a polarity outside -1..1, a pair given twice.

    Examples
    --------
    >>> events = pd.DataFrame({"event_id": ["e1"]})
    >>> load_impacts(pd.DataFrame([{"event_id": "e1", "symbol": "KS:000660", "polarity": 1}]), events)
      event_id     symbol  polarity
    0       e1  000660.KS       1.0
    """
    known = _ids(events)
    rows = joined([_read(part) for part in gather(source, _column_problems)])
    ids, impacts = rows.frame["event_id"], rows.frame
    stranger = ~ids.isin(["", *known]).to_numpy(np.bool_)
    rows.fault(stranger, "event_id", ids[stranger], _unknown(ids[stranger].tolist(), known))
    named = impacts["event_id"].ne("") & impacts["symbol"].ne("")
    twice = (impacts.duplicated(["event_id", "symbol"]) & named).to_numpy(np.bool_)
    shown = impacts["symbol"][twice]
    rows.fault(twice, "symbol", shown, ("each event and symbol once", "drop one of the rows"))
    if rows.faults:
        raise rows.error()
    return impacts.sort_values(["event_id", "symbol"], ignore_index=True)


def _ids(events: Events | pd.DataFrame) -> list[str]:
    if isinstance(events, Events):
        return [*events.frame["event_id"], *events.cut["event_id"]]
    return list(events["event_id"].unique())


def _unknown(strangers: list[str], known: list[str]) -> list[tuple[str, str]]:
    """Say of event ids that no event has what to do: of the first few, which id is near."""
    near = [did_you_mean(name, known) for name in strangers[:NEAR]]
    cures = [cure if cure.startswith("did you mean") else DROP for cure in near]
    cures += [DROP] * (len(strangers) - len(near))
    return [("the event_id of a loaded event", cure) for cure in cures]


def _column_problems(columns: list[str], file: str | None) -> list[Problem]:
    try:
        check_columns(columns, _OWN, _OWN, file)
    except InputError as error:
        return list(error.problems)
    return []


def _read(rows: Rows) -> Rows:
    polarity = read_numbers(rows, "polarity")
    _require(rows, "polarity", np.isnan(polarity) & ~rows.bad())
    event_id, written = rows.text("event_id").str.strip(), rows.text("symbol").str.strip()
    symbol = read_symbols(rows, "symbol", single=True)
    _require(rows, "event_id", event_id.eq("").to_numpy(np.bool_))
    _require(rows, "symbol", written.eq("").to_numpy(np.bool_))
    bad = np.abs(polarity) > 1
    rows.fault(bad, "polarity", rows.shown("polarity", bad), ("a polarity from -1 to 1", "scale it"))
    frame = pd.DataFrame({"event_id": event_id, "symbol": symbol, "polarity": polarity})
    return Rows(frame, rows.files, rows.lines, rows.faults)


def _require(rows: Rows, name: str, empty: Mask) -> None:
    rows.fault(empty, name, [""] * int(empty.sum()), (f"a value of {name}", "fill the cell, or drop the row"))
