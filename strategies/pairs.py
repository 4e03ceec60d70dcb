"""Which instruments an event is about, and on which side it puts a buyer by itself."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aftershock.data.universes import Universe
from aftershock.engine.types import Floats

DIRECTION_SIDE = {
    "dovish": 1.0,
    "hawkish": -1.0,
    "positive": 1.0,
    "negative": -1.0,
    "escalation": -1.0,
    "deescalation": 1.0,
}
"""The side on which a direction, taken by itself, puts a buyer of equities."""

SURPRISE_SIDE = {"fed": -1.0, "tariff": -1.0}
"""The side of a surprise above zero: higher rates and tariffs are bad for equities, all else is good."""


def event_side(events: pd.DataFrame, side_by: str) -> Floats:
    """Give the side that an event takes by itself.

    Parameters
    ----------
    events : DataFrame
        ``tag, direction, surprise``, n rows.
    side_by : {"direction", "surprise"}
        What gives the side.

    Returns
    -------
    ndarray of float64, shape (n,)
        1, -1, or 0 where there is none: an unknown surprise, a neutral or unknown direction.
    """
    if side_by == "direction":
        return np.asarray(events["direction"].map(DIRECTION_SIDE).fillna(0.0), np.float64)
    sign = np.asarray(events["tag"].map(SURPRISE_SIDE).fillna(1.0), np.float64)
    side: Floats = np.sign(np.asarray(events["surprise"].fillna(0.0), np.float64)) * sign
    return side


def pairs_of(events: pd.DataFrame, universe: Universe, instruments: str = "auto") -> pd.DataFrame:
    """Give one row per event and instrument.

    Parameters
    ----------
    events : DataFrame
        The events schema.
    universe : Universe
        What scopes are resolved in; an event's own symbols are taken as they are.
    instruments : {"auto", "symbols", "scope"}
        As in `Reaction`.

    Returns
    -------
    DataFrame
        ``event_id, symbol``, without duplicates.
    """
    named = events[["event_id", "symbols"]].rename(columns={"symbols": "symbol"})
    own = named.assign(symbol=named["symbol"].str.split()).explode("symbol", ignore_index=True)
    own = own[own["symbol"].notna() & (own["symbol"] != "")]
    scoped = events[["event_id", "scope"]]
    if instruments == "auto":
        scoped = scoped[~scoped["event_id"].isin(own["event_id"])]
    members = {scope: _in_scope(scope, universe) for scope in scoped["scope"].unique()}
    wide = scoped.assign(symbol=scoped["scope"].map(members)).explode("symbol", ignore_index=True)
    wide = wide.loc[wide["symbol"].notna(), ["event_id", "symbol"]]
    parts = {"auto": [own, wide], "symbols": [own], "scope": [wide]}[instruments]
    return pd.concat(parts, ignore_index=True).drop_duplicates(ignore_index=True)


def _in_scope(scope: str, universe: Universe) -> list[str]:
    """Instruments of the universe in any part of a scope."""
    found: list[str] = []
    for part in scope.split():
        kind, _, name = part.partition(":")
        found += [
            instrument.symbol
            for instrument in universe.instruments
            if kind == "global"
            or (kind == "market" and instrument.market == name)
            or (kind == "theme" and name in instrument.themes)
        ]
    return list(dict.fromkeys(found))
