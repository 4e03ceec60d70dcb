"""Events times universe: which instruments an event trades, on which side, and why not the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.events import Events, first_prints
from aftershock.data.events.rows import Mask
from aftershock.data.instants import to_ns
from aftershock.data.prices import Tape
from aftershock.data.universes import Universe
from aftershock.engine.metrics import ROUNDING
from aftershock.engine.types import Floats
from aftershock.strategies.history import History
from aftershock.strategies.own import Strategy, ask
from aftershock.strategies.pairs import event_side, pairs_of
from aftershock.strategies.reaction import Reaction

SKIPS = {
    "other_tag": "the strategy does not trade this tag",
    "other_direction": "the strategy does not trade this direction",
    "weak": "its strength is below the minimum, or unknown",
    "unsure": "its confidence is below the minimum, or unknown",
    "no_news": "it tells a move or an expectation, not something new",
    "echo": "an earlier event told the same story",
    "no_instrument": "it names no instrument of the universe",
    "outside_universe": "the instrument is not in the universe",
    "no_side": "its direction gives no side",
    "no_surprise": "its surprise is unknown or zero",
    "no_impact": "neither an impact nor an exposure links it to the instrument",
    "other_side": "the strategy does not take this side",
    "aside": "the strategy's own class gives it no side",
}
"""Why an event, or one instrument of it, gives no signal."""

SIGNAL_COLUMNS = [
    "event_id",
    "symbol",
    "venue",
    "market",
    "kind",
    "side",
    "weight",
    "strength",
    "known_from",
    "known_by",
    "tag",
    "direction",
    "story_id",
    "source_kind",
]
"""The columns of signals, in order."""


@dataclass(frozen=True, eq=False)
class Links:
    """What ties events to instruments besides their symbols.

    Attributes
    ----------
    impacts : DataFrame
        ``event_id, symbol, polarity``: explicit, -1 to 1.
    exposures : DataFrame
        ``symbol, factor, sign, weight, valid_from``: instruments to factors.
    factors : DataFrame
        ``tag, direction, factor, sign``: tagged news to factors.
    """

    impacts: pd.DataFrame
    exposures: pd.DataFrame
    factors: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Selection:
    """Signals, and what gave none.

    Attributes
    ----------
    signals : DataFrame
        ``SIGNAL_COLUMNS``, in the order ``known_by``, ``event_id``, ``symbol``.
    skipped : DataFrame
        ``event_id, symbol`` ("" where the whole event is meant), ``code, reason``.
    """

    signals: pd.DataFrame
    skipped: pd.DataFrame


def select(
    events: Events | pd.DataFrame,
    strategy: Reaction,
    universe: Universe,
    links: Links,
    tape: Tape | None = None,
    *,
    sided: bool = True,
) -> Selection:
    """Turn events into signals.

    Parameters
    ----------
    events : Events or DataFrame
        The events schema. Of `Events`, those that were cut off count among the tellers of a story.
    strategy : Reaction
        What to trade.
    universe : Universe
        What may be traded; an event's scope is resolved in it.
    links : Links
        Impacts, exposures and factors, for ``side_by="impact"``.
    tape : Tape, optional
        Prices for a strategy of a desk's own to look back at.
    sided : bool
        Whether a signal needs a side; without, all have side and weight 1.

    Returns
    -------
    Selection
        Signals and the reasons for what is not among them.

    Raises
    ------
    InputError
        What a strategy of a desk's own gives cannot be used.
    """
    table, first = _settled(events)
    code = _event_codes(table, first, strategy, sided)
    chosen = table[code == ""]
    if isinstance(strategy, Strategy):
        found = _own(chosen, strategy, universe, tape)
    else:
        found = _reacting(chosen, strategy, universe, links)
    pairs, silent, signals, size = found.pairs, found.silent, found.signals, found.size
    inside = pairs["symbol"].isin(list(universe.symbols)).to_numpy(bool)
    members = {instrument.symbol: instrument for instrument in universe.instruments}
    size = -size if strategy.stance == "fade" else size
    size = size if sided else np.ones(len(signals))
    why_not = _side_codes(size, strategy, found.no_side) if sided else np.full(len(signals), "", object)
    signals = signals.assign(
        venue=[members[symbol].venue for symbol in signals["symbol"]],
        market=[members[symbol].market for symbol in signals["symbol"]],
        kind=[members[symbol].kind for symbol in signals["symbol"]],
        side=np.sign(size).astype(np.int64),
        weight=np.abs(size),
    )
    kept = signals[why_not == ""].sort_values(["known_by", "event_id", "symbol"], kind="stable")
    outside = np.where(inside, "", "outside_universe").astype(object)
    skipped = [
        _skips(table["event_id"], "", code),
        _skips(silent, "", np.full(len(silent), found.no_pair, object)),
        _skips(pairs["event_id"], pairs["symbol"], outside),
        _skips(signals["event_id"], signals["symbol"], why_not),
    ]
    texts = dict.fromkeys(["symbol", "venue", "market", "kind"], "str")
    return Selection(
        signals=kept[SIGNAL_COLUMNS].astype(texts).reset_index(drop=True),
        skipped=pd.concat(skipped, ignore_index=True).astype("str"),
    )


class Found(NamedTuple):
    """Pairs of events and instruments, events that have none, and of those inside the universe their sizes.

    ``no_pair`` is why an event has none, ``no_side`` why a pair of size 0 gives no signal.
    """

    pairs: pd.DataFrame
    silent: pd.Series[str]
    signals: pd.DataFrame
    size: Floats
    no_pair: str
    no_side: str


def _own(chosen: pd.DataFrame, strategy: Strategy, universe: Universe, tape: Tape | None) -> Found:
    """Let a strategy of a desk's own say which pairs it trades."""
    history = History(tape, to_ns(chosen["known_by"]), strategy.latency_ns, universe.symbols)
    given = ask(strategy, chosen, history, universe)
    size = given["side"].to_numpy(np.float64) * given["weight"].to_numpy(np.float64)
    silent = chosen.loc[~chosen["event_id"].isin(given["event_id"]), "event_id"]
    signals = given[["event_id", "symbol", "strength"]].merge(
        chosen.drop(columns="strength"), on="event_id", how="left", suffixes=("", "_of_event")
    )
    return Found(given[["event_id", "symbol"]], silent, signals, size, "aside", "aside")


def _reacting(chosen: pd.DataFrame, strategy: Reaction, universe: Universe, links: Links) -> Found:
    """Pair events with the instruments they are about, and size what each means to each."""
    pairs = pairs_of(chosen, universe, strategy.instruments)
    if strategy.side_by == "impact" and strategy.instruments == "auto":
        told = links.impacts.loc[links.impacts["event_id"].isin(chosen["event_id"]), ["event_id", "symbol"]]
        pairs = pd.concat([pairs, told], ignore_index=True).drop_duplicates(ignore_index=True)
    silent = chosen.loc[~chosen["event_id"].isin(pairs["event_id"]), "event_id"]
    inside = pairs["symbol"].isin(list(universe.symbols)).to_numpy(bool)
    signals = pairs[inside].merge(chosen, on="event_id", how="left", suffixes=("", "_of_event"))
    size = (
        impact_of(signals, links) if strategy.side_by == "impact" else event_side(signals, strategy.side_by)
    )
    return Found(pairs, silent, signals, size, "no_instrument", "no_impact")


def _settled(events: Events | pd.DataFrame) -> tuple[pd.DataFrame, Mask]:
    """Give events as a table and which of them told their story first."""
    if isinstance(events, Events):
        return events.frame, events.first_prints()
    return events, first_prints(events)


def _event_codes(events: pd.DataFrame, first: Mask, strategy: Reaction, sided: bool) -> NDArray[np.object_]:
    """Say why the strategy passes an event over, "" where it does not; the first reason stands."""
    strength, confidence = events["strength"], events["confidence"]
    tests = {
        "other_tag": bool(strategy.tag) & ~events["tag"].isin(strategy.tag),
        "other_direction": bool(strategy.direction) & ~events["direction"].isin(strategy.direction),
        "weak": ~(strength >= strategy.min_strength) & (strategy.min_strength > 0),
        "unsure": ~(confidence >= strategy.min_confidence) & (strategy.min_confidence > 0),
        "no_news": _status(events).isin(["move", "scheduled"]),
        "echo": ~first,
    }
    if sided and strategy.side_by != "impact" and not isinstance(strategy, Strategy):
        missing = "no_side" if strategy.side_by == "direction" else "no_surprise"
        tests[missing] = event_side(events, strategy.side_by) == 0.0
    code = np.full(len(events), "", object)
    for name, test in reversed(tests.items()):
        code[np.asarray(test, bool)] = name
    return code


def _status(events: pd.DataFrame) -> pd.Series[str]:
    """Give the status that the tagger wrote; events from elsewhere have none."""
    return events["status"] if "status" in events else pd.Series("", index=events.index)


def _side_codes(size: Floats, strategy: Reaction, no_side: str) -> NDArray[np.object_]:
    """Say why a pair is not traded on the side it would take, "" where it is."""
    unwanted = ((strategy.sides == "long") & (size < 0)) | ((strategy.sides == "short") & (size > 0))
    return np.where(size == 0.0, no_side, np.where(unwanted, "other_side", "")).astype(object)


def impact_of(signals: pd.DataFrame, links: Links) -> Floats:
    """Give the impact of each event on each instrument.

    Parameters
    ----------
    signals : DataFrame
        ``event_id, symbol, tag, direction, known_by``, n rows.
    links : Links
        An explicit impact wins; else the sum over the factors that the tag and direction move of factor sign x exposure
        sign x weight, of exposures that were public by ``known_by``, cut to -1..1; what rounding leaves is 0.

    Returns
    -------
    ndarray of float64, shape (n,)
        -1 to 1; 0 where nothing links the two.
    """
    pairs = signals[["event_id", "symbol", "tag", "direction", "known_by"]].reset_index(drop=True)
    pairs["row"] = np.arange(len(pairs))
    through = pairs.merge(links.factors, on=["tag", "direction"]).merge(
        links.exposures, on=["symbol", "factor"], suffixes=("_factor", "_exposure")
    )
    public = through["valid_from"] <= through["known_by"]
    push = (through["sign_factor"] * through["sign_exposure"] * through["weight"])[public]
    total = push.groupby(through.loc[public, "row"]).sum().reindex(pairs["row"], fill_value=0.0)
    total = total.where(total.abs() > ROUNDING, 0.0)
    explicit = pairs.merge(links.impacts, on=["event_id", "symbol"], how="left")["polarity"]
    return np.asarray(explicit.fillna(total.clip(-1.0, 1.0)), np.float64)


def _skips(event_id: pd.Series[str], symbol: Any, code: NDArray[np.object_]) -> pd.DataFrame:
    table = pd.DataFrame({"event_id": event_id.to_numpy(object), "symbol": symbol, "code": code})
    table = table[table["code"] != ""]
    return table.assign(reason=table["code"].map(SKIPS))
