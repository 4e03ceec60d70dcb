"""The signals of a study with their bars, and what else happened around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.instants import to_ns
from aftershock.data.prices import Tape
from aftershock.data.universes import Universe
from aftershock.engine.align import align_signals
from aftershock.engine.portfolio import entries_of
from aftershock.engine.studies.abnormal import Days
from aftershock.engine.studies.confounds import LEVELS, Reach, reaches
from aftershock.engine.studies.windows import Flags
from aftershock.engine.types import Floats, Integers
from aftershock.engine.waterfall import NEAR
from aftershock.run import Inputs
from aftershock.strategies.pairs import event_side, pairs_of
from aftershock.strategies.select import select
from aftershock.study_parts import as_text


class Signals(NamedTuple):
    """Signals with their bars.

    Attributes
    ----------
    table : DataFrame
        The aligned signals, with ``why``: "" where a signal has a bar, else a key of ``SKIPPED``.
    instrument, due : ndarray of int64, shape (n,)
        Segment and bar of event time 0; -1 where there is none.
    passed : DataFrame
        What became no signal: ``event_id, symbol, code, reason``.
    """

    table: pd.DataFrame
    instrument: Integers
    due: Integers
    passed: pd.DataFrame


def signals_of(inputs: Inputs, scope: Universe) -> Signals:
    """Select and align as a backtest does; index levels may be studied, though not traded."""
    chosen, tape = inputs.experiment.strategy, inputs.tape
    at_close = chosen.entry == "close"
    selection = select(
        inputs.loaded, chosen, scope, inputs.linked, inputs.tape, sided=inputs.experiment.study.signed
    )
    table = align_signals(selection.signals, tape, latency=chosen.latency_ns, at_close=at_close)
    priced_ones = table["symbol"].isin(tape.symbols).to_numpy(bool)
    why = np.select(
        [~priced_ones, table["ambiguous"].to_numpy(bool), (table["source_kind"] == "recap").to_numpy(bool)],
        [np.array(code, object) for code in ("no_prices", "ambiguous", "recap")],
        default=np.array("", object),
    )
    instrument, due = np.full(len(table), -1, np.int64), np.full(len(table), -1, np.int64)
    live = np.flatnonzero(priced_ones)
    if len(live):
        entries = entries_of(
            tape, table.iloc[live], 0, chosen.latency_ns, at_close=at_close, budget=np.inf, size=1.0, seed=0
        )  # fmt: skip
        instrument[live], due[live] = entries.instrument, entries.due
        late = live[(entries.waited > max(NEAR, chosen.max_defer)) & (entries.due >= 0)]
        missing = live[entries.due < 0]
        for rows, code in ((missing, "no_bar"), (late, "lapsed")):
            why[rows[why[rows] == ""]] = code
    members = {one.symbol: one for one in scope.instruments}
    surprise = table["event_id"].map(inputs.loaded.frame.set_index("event_id")["surprise"])
    table = table.assign(
        why=why,
        themes=[" ".join(members[symbol].themes) for symbol in table["symbol"]],
        surprise=_in_words(surprise.to_numpy(np.float64)),
        year=pd.DatetimeIndex(table["known_by"]).year.astype("str"),
    )
    return Signals(table, instrument, due, selection.skipped)


def has_close_before(days: Days, instrument: Integers, row0: Integers) -> Flags:
    """Tell whether an instrument has a close before event time 0."""
    known = np.r_[0, np.cumsum(np.isfinite(days.close))]
    place = np.maximum(instrument, 0)
    return np.asarray((row0 >= 0) & (known[np.maximum(row0, 0)] > known[days.offsets[place]]))


def _in_words(surprise: Floats) -> Any:
    return np.select(
        [np.isnan(surprise), surprise > 0, surprise < 0],
        ["unknown", "above expectations", "below expectations"],
        default="as expected",
    ).astype(object)


def reach_of(inputs: Inputs, scope: Universe) -> tuple[dict[str, Reach], Integers]:
    """Say which first prints reach which instrument, and when each can be acted on."""
    frame = inputs.loaded.frame
    first = np.asarray(inputs.loaded.first_prints(), bool) & (frame["source_kind"] != "recap").to_numpy(bool)
    pairs = pairs_of(frame[first], scope)
    pairs = pairs.assign(event=pd.Index(frame["event_id"]).get_indexer(pairs["event_id"]))
    groups = {one.symbol: (one.market, one.themes) for one in scope.instruments}
    return reaches(pairs, groups), to_ns(frame["known_by"]) + inputs.experiment.strategy.latency_ns


def events_of_signals(inputs: Inputs, table: pd.DataFrame) -> tuple[Integers, Any]:
    """Give the position of each signal's event, and the story of every event."""
    frame = inputs.loaded.frame
    return (
        pd.Index(frame["event_id"]).get_indexer(table["event_id"]).astype(np.int64),
        frame["story_id"].to_numpy(object),
    )


def quiet_of(
    tape: Tape,
    days: Days,
    reach: Mapping[str, Reach],
    known: Integers,
    window: tuple[int, int],
    *,
    at_close: bool,
) -> Flags:
    """Leave out the sessions in the windows of all events that reach an instrument by itself."""
    cutoffs = tape.close_cutoff if at_close else tape.open_cutoff
    marks = np.zeros(len(days.close) + 1, np.int64)
    for place, symbol in enumerate(tape.symbols):
        first, end = int(tape.offsets[place]), int(tape.offsets[place + 1])
        low, high = int(days.offsets[place]), int(days.offsets[place + 1])
        others = reach[symbol].name if symbol in reach else np.zeros(0, np.int64)
        at = first + np.searchsorted(cutoffs[first:end], known[others], side="left")
        rows = days.row_of[at[at < end]]
        np.add.at(marks, np.clip(rows + window[0], low, high), 1)
        np.add.at(marks, np.clip(rows + window[1] + 1, low, high), -1)
    return np.asarray(np.cumsum(marks[:-1]) == 0)


def others_of(inputs: Inputs, around: pd.DataFrame, count: int, levels: Sequence[str]) -> Floats:
    """Count other events by tag, each with the side that it has by itself (1 where it has none)."""
    frame = inputs.loaded.frame
    chosen = around[around["level"].isin(levels)]
    side = event_side(frame, "direction")
    side = np.where(side == 0.0, 1.0, side)
    codes, tags = pd.factorize(frame["tag"])
    found = np.zeros((count, max(len(tags), 1)))
    other = chosen["other"].to_numpy(np.int64)
    np.add.at(found, (chosen["row"].to_numpy(np.int64), codes[other]), side[other])
    return found


def confounded_of(
    inputs: Inputs, signals: Signals, around: pd.DataFrame, rows: Integers, measured: Integers
) -> pd.DataFrame:
    """List the other events in the windows of signals that were measured, the closest first."""
    frame, table = inputs.loaded.frame, signals.table
    at = rows[around["row"].to_numpy(np.int64)]
    other = around["other"].to_numpy(np.int64)
    found = pd.DataFrame(
        {
            "event_id": table["event_id"].to_numpy(object)[at],
            "symbol": table["symbol"].to_numpy(object)[at],
            "level": around["level"].to_numpy(object),
            "other_event_id": frame["event_id"].to_numpy(object)[other],
            "other_tag": frame["tag"].to_numpy(object)[other],
            "other_direction": frame["direction"].to_numpy(object)[other],
            "offset": around["offset"].to_numpy(np.int64),
        }
    )
    found = found[np.isin(at, measured)]
    order = found["level"].map({name: place for place, name in enumerate(LEVELS)})
    return as_text(found.assign(order=order).sort_values(
        ["event_id", "symbol", "order", "offset"], kind="stable", ignore_index=True
    ).drop(columns="order"))  # fmt: skip
