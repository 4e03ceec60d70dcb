"""How prices moved around the events: session by session, and venue by venue in the order in which they opened."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.instants import DAY, to_ns
from aftershock.engine.questions import mean_figures
from aftershock.engine.types import Floats

IN_SESSION = ("session", "lunch")
"""Phases in which an event met an open market: it has no gap."""
LATE = 5 * DAY
"""A bar that opens later than so long after the first open that could be had tells nothing of the event."""
LADDER_COLUMNS = [
    "event_id",
    "venue",
    "market",
    "opens_at",
    "instruments",
    "gaps",
    "gap",
    "session",
    "signed_gap",
    "signed_session",
]


def reaction_path(bars: pd.DataFrame, audit: pd.DataFrame) -> list[dict[str, Any]]:
    """Give the mean return of the signals, in their direction, session by session around the due bar.

    Parameters
    ----------
    bars : DataFrame
        The windows: ``event_id, symbol, offset, open, close``.
    audit : DataFrame
        The signals: ``event_id, symbol, side, known_by, headline``; only those in the headline figures count.

    Returns
    -------
    list of dict
        ``at`` (``open`` of the due bar, else ``close``), ``offset``, and of the return since the close before the due
        bar ``mean, standard_error, t_statistic, trades`` (signals), ``event_dates``.

    Examples
    --------
    >>> bars = pd.DataFrame({"event_id": "a", "symbol": "8035.T", "offset": [-1, 0], "open": [99.0, 102.0],
    ...                      "close": [100.0, 104.0]})
    >>> audit = pd.DataFrame({"event_id": ["a"], "symbol": "8035.T", "side": -1, "headline": True,
    ...                       "known_by": pd.to_datetime(["2024-01-04"], utc=True)})
    >>> [(each["at"], each["offset"], round(each["mean"], 6)) for each in reaction_path(bars, audit)]
    [('close', -1, 0.0), ('open', 0, -0.02), ('close', 0, -0.04)]
    """
    if bars.empty or audit.empty:
        return []
    signals = _counted(audit).set_index(["event_id", "symbol"])[["side", "known_by"]]
    windows = bars.drop_duplicates(["event_id", "symbol", "offset"]).set_index(["event_id", "symbol"])
    closes = windows.pivot(columns="offset", values="close").reindex(signals.index)
    opens = windows.loc[windows["offset"] == 0, "open"].reindex(signals.index)
    if -1 not in closes:
        return []
    base, side = closes[-1].to_numpy(np.float64), signals["side"].to_numpy(np.float64)
    found = []
    for offset in map(int, closes.columns):
        if offset == 0:
            found.append(_point("open", 0, opens.to_numpy(np.float64), base, side, signals["known_by"]))
        found.append(
            _point("close", offset, closes[offset].to_numpy(np.float64), base, side, signals["known_by"])
        )
    return [each for each in found if each["trades"]]


def _counted(audit: pd.DataFrame) -> pd.DataFrame:
    kept = audit[audit["headline"].astype("bool")]
    return kept.drop_duplicates(["event_id", "symbol"])


def _point(at: str, offset: int, price: Floats, base: Floats, side: Floats, known_by: Any) -> dict[str, Any]:
    with np.errstate(invalid="ignore", divide="ignore"):
        moves = side * (price / base - 1.0)
    return {"at": at, "offset": offset, **mean_figures(moves, known_by)}


def ladder(bars: pd.DataFrame, audit: pd.DataFrame) -> pd.DataFrame:
    """Follow each event that came while markets were shut through the venues in the order in which they opened.

    Parameters
    ----------
    bars : DataFrame
        The windows: ``event_id, symbol, offset, opens_at, open, close``. An open that is missing or made up is NaN.
    audit : DataFrame
        The signals: ``event_id, symbol, venue, market, side, phase, first_open, headline``.

    Returns
    -------
    DataFrame
        ``LADDER_COLUMNS``, a row per event and venue: ``opens_at`` of the first session that could be had, how many
        ``instruments`` have its bar and how many ``gaps`` are known; ``gap`` (close before to open) and ``session``
        (open to close), means over instruments whose open is known, raw and in the direction of the signals. NaN
        where no open is known: a venue without an open has no gap, which is not a gap of zero.

    Examples
    --------
    >>> bars = pd.DataFrame({"event_id": "a", "symbol": "8035.T", "offset": [-1, 0],
    ...                      "opens_at": pd.to_datetime(["2024-01-04", "2024-01-05"], utc=True),
    ...                      "open": [99.0, 102.0], "close": [100.0, 104.0]})
    >>> audit = pd.DataFrame({"event_id": ["a"], "symbol": "8035.T", "venue": "XTKS", "market": "JP", "side": 1,
    ...                       "phase": "after close", "headline": True,
    ...                       "first_open": pd.to_datetime(["2024-01-05"], utc=True)})
    >>> ladder(bars, audit)[["venue", "gap", "session"]].round(4).values.tolist()
    [['XTKS', 0.02, 0.0196]]
    """
    if bars.empty or audit.empty:
        return pd.DataFrame(columns=LADDER_COLUMNS)
    shut = _counted(audit)
    shut = shut[~shut["phase"].isin(IN_SESSION) & shut["first_open"].notna()]
    first = _first_bars(bars, shut)
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = first["open"] / first["before"] - 1.0
        session = (first["close"] / first["open"] - 1.0).where(gap.notna())
    moves = first.assign(
        gap=gap, session=session, signed_gap=gap * first["side"], signed_session=session * first["side"]
    )
    rows = moves.groupby(["event_id", "venue", "market"], sort=False, observed=True).agg(
        opens_at=("opens_at", "min"),
        instruments=("symbol", "size"),
        gaps=("gap", "count"),
        **{key: (key, "mean") for key in LADDER_COLUMNS[6:]},
    )
    return rows.reset_index().sort_values(["opens_at", "venue"], kind="stable", ignore_index=True)[
        LADDER_COLUMNS
    ]


def _first_bars(bars: pd.DataFrame, signals: pd.DataFrame) -> pd.DataFrame:
    """Find for each signal the first bar that opened when it could be had, and the close before it."""
    keys = ["event_id", "symbol"]
    windows = bars.drop_duplicates([*keys, "offset"]).sort_values([*keys, "offset"], kind="stable")
    windows = windows.assign(before=windows.groupby(keys, sort=False)["close"].shift())
    joined = windows.merge(signals[[*keys, "venue", "market", "side", "first_open"]], on=keys)
    wait = to_ns(joined["opens_at"]) - to_ns(joined["first_open"])
    return joined[(wait >= 0) & (wait < LATE)].drop_duplicates(keys)


def ladder_means(rows: pd.DataFrame, known_by: pd.Series[Any]) -> list[dict[str, Any]]:
    """Average the ladder over events, in the direction of the signals, venue by venue in their usual order.

    Parameters
    ----------
    rows : DataFrame
        From `ladder`.
    known_by : Series
        When each event was known, by ``event_id``.

    Returns
    -------
    list of dict
        ``venue, market, events, gap, session`` and their ``gap_error, session_error``, by event date.
    """
    if rows.empty:
        return []
    known = rows["event_id"].map(known_by)
    # The order within a day, counted from the evening in Asia, when the US session begins.
    hour = (to_ns(rows["opens_at"]) - 12 * DAY // 24) % DAY
    order = pd.Series(hour, index=rows.index).groupby(rows["venue"]).median().sort_values(kind="stable")
    found = []
    for venue in order.index:
        own = rows["venue"] == venue
        gap, session = (
            mean_figures(rows.loc[own, key], known[own]) for key in ("signed_gap", "signed_session")
        )
        found.append(
            {
                "venue": venue,
                "market": rows.loc[own, "market"].iloc[0],
                "events": int(own.sum()),
                "gaps": gap["trades"],
                "gap": gap["mean"],
                "gap_error": gap["standard_error"],
                "session": session["mean"],
                "session_error": session["standard_error"],
            }
        )
    return found
