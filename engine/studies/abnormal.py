"""Returns of a tape's instruments on their own clocks, with market, US move, factors or control group beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.instants import DAY, Instants
from aftershock.data.prices.tape import Tape
from aftershock.data.venues import venue
from aftershock.engine.studies.types import Floats, Ints
from aftershock.engine.studies.windows import Flags, Series, change, trades

PARTS: dict[str, str] = {
    "day": "from close to close",
    "gap": "from the last close to the open",
    "session": "from the open to the close",
    "bar": "from bar to bar",
}
"""What a return of a study covers."""
MARKET_INDICES: dict[str, tuple[str, ...]] = {
    "XTKS": ("TOPIX", "N225"),
    "XKRX": ("KOSPI", "KOSPI200"),
    "XKOS": ("KOSDAQ", "KOSPI"),
    "XTAI": ("TAIEX",),
    "ROCO": ("TAIEX",),
    "XHKG": ("HSI", "HSCE"),
    "XSHG": ("CSI300", "SSEC"),
    "XSHE": ("CSI300", "SZSC", "SSEC"),
    "XNSE": ("NIFTY50", "SENSEX"),
    "XBOM": ("SENSEX", "NIFTY50"),
    "XASX": ("ASX200", "ALLORDS"),
    "XSES": ("STI",),
    "XNYS": ("SPX", "NASDAQ"),
}
"""The index that stands for the market of a venue: the first that has prices."""
US = ("SPX", "NASDAQ")
"""The US series whose last session is a regressor of the model ``market_us``: the first that has prices."""
STALE = 7 * DAY
"""Of a foreign series older than this nothing is known any more."""
LEAST_CONTROL = 3
"""Of fewer names with a return a control group has none."""


class Days(NamedTuple):
    """Opens and closes of a tape, a row for each session of each instrument (or each bar).

    Attributes
    ----------
    offsets : (segments + 1,) int64
    session, ordinal : (rows,) int64
        Local date in days since 1970; position in the venue's calendar (of bars: in the instrument's own rows).
    opens_at, closes_at : (rows,) int64
        UTC ns.
    open, close : (rows,) float64
        NaN where nothing could be traded.
    row_of : (bars,) int64
        The row in which each bar of the tape lies.
    """

    offsets: Ints
    session: Ints
    ordinal: Ints
    opens_at: Instants
    closes_at: Instants
    open: Floats
    close: Floats
    row_of: Ints


def days_of(tape: Tape, *, bars: bool = False) -> Days:
    """Put the bars of each session together.

    Parameters
    ----------
    tape : Tape
        The prices.
    bars : bool
        Whether to leave them apart.

    Returns
    -------
    Days
        A session opens with its first bar that traded and closes with its last.

    Examples
    --------
    >>> frame = pd.DataFrame({"symbol": "8035.T", "date": ["2025-09-11", "2025-09-12"], "close": [99.0, 101.0]})
    >>> days_of(Tape.from_frame(frame)).close.tolist()
    [99.0, 101.0]
    """
    count = len(tape.close)
    opens, closes = (np.where(tape.halted, np.nan, values) for values in (tape.open, tape.close))
    edges = np.ones(count, bool)
    edges[1:] = np.diff(tape.session) != 0
    edges[tape.offsets[:-1][np.diff(tape.offsets) > 0]] = True
    if bars or edges.all():
        ordinal = tape.ordinal
        if bars:
            ordinal = np.arange(count) - np.repeat(tape.offsets[:-1], np.diff(tape.offsets))
        return Days(
            tape.offsets,
            tape.session,
            ordinal,
            tape.opens_at,
            tape.closes_at,
            opens,
            closes,
            np.arange(count),
        )
    starts = np.flatnonzero(edges)
    row_of = np.cumsum(edges) - 1
    frame = pd.DataFrame({"row": row_of, "open": opens, "close": closes}).groupby("row")
    last = np.append(starts[1:], count) - 1
    return Days(
        offsets=np.searchsorted(starts, tape.offsets).astype(np.int64),
        session=tape.session[starts],
        ordinal=tape.ordinal[starts],
        opens_at=tape.opens_at[starts],
        closes_at=tape.closes_at[last],
        # The first and the last that are known: pandas passes NaN over.
        open=frame["open"].first().to_numpy(np.float64),
        close=frame["close"].last().to_numpy(np.float64),
        row_of=row_of.astype(np.int64),
    )


class Line(NamedTuple):
    """Levels of a market, factor or control group in time order; ``market`` is "" where it has no sessions of its own.

    ``abroad`` says that another market looks at it as it was last known, and not at the same session.
    """

    market: str
    session: Ints
    opens_at: Instants
    closes_at: Instants
    open: Floats
    close: Floats
    abroad: bool = False


def line_of(tape: Tape, symbol: str, days: Days | None = None) -> Line:
    """Take the levels of one instrument of a tape as those of a market.

    Parameters
    ----------
    tape : Tape
        The prices.
    symbol : str
        An instrument of it.
    days : Days, optional
        Its sessions, where they are made already.

    Returns
    -------
    Line
        Of several sources in time all: index levels are the same whoever tells them. A fund, which sources adjust
        differently, goes on from where the source before left it.
    """
    days = days_of(tape) if days is None else days
    places = tape.segments(symbol)
    rows = slice(int(days.offsets[places[0]]), int(days.offsets[places[-1] + 1]))
    opens, closes = days.open[rows].copy(), days.close[rows].copy()
    if tape.kinds[places[0]] != "index":
        for place in places[1:]:
            start = int(days.offsets[place]) - rows.start
            before, after = (part[np.isfinite(part)] for part in (closes[:start], closes[start:]))
            times = before[-1] / after[0] if len(before) and len(after) else 1.0
            opens[start:], closes[start:] = opens[start:] * times, closes[start:] * times
    return Line(
        venue(tape.venues[places[0]]).market,
        days.session[rows],
        days.opens_at[rows],
        days.closes_at[rows],
        opens,
        closes,
    )


def control_line(days: Days, places: Sequence[int], market: str) -> Line:
    """Make the levels of a control group: the mean return of its names, session by session.

    Parameters
    ----------
    days : Days
        Opens and closes.
    places : sequence of int
        The segments of its names.
    market : str
        Their market.

    Returns
    -------
    Line
        NaN on sessions on which fewer than ``LEAST_CONTROL`` names have a return on the session before.
    """
    frames = []
    for place in places:
        rows = slice(int(days.offsets[place]), int(days.offsets[place + 1]))
        close, opens = days.close[rows], days.open[rows]
        before = np.r_[np.nan, close[:-1]][: len(close)]
        next_one = np.r_[False, np.diff(days.ordinal[rows]) == 1][: len(close)]
        before = np.where(next_one, before, np.nan)
        frames.append(
            pd.DataFrame(
                {
                    "session": days.session[rows],
                    "opens_at": days.opens_at[rows],
                    "closes_at": days.closes_at[rows],
                    "day": change(close, before, False),
                    "gap": change(opens, before, False),
                }
            )
        )
    empty = np.zeros(0, np.int64)
    if not frames:
        return Line(market, empty, empty, empty, np.zeros(0), np.zeros(0))
    grouped = pd.concat(frames).groupby("session")
    means = grouped[["day", "gap"]].mean()
    enough = (grouped["day"].count() >= LEAST_CONTROL).to_numpy()
    known = means["day"].where(enough, 0.0).fillna(0.0).to_numpy(np.float64)
    level = np.cumprod(1.0 + known)
    before = np.r_[1.0, level[:-1]][: len(level)]
    opens = before * (1.0 + means["gap"].to_numpy(np.float64))
    return Line(
        market,
        means.index.to_numpy(np.int64),
        grouped["opens_at"].min().to_numpy(np.int64),
        grouped["closes_at"].max().to_numpy(np.int64),
        np.where(enough, opens, np.nan),
        np.where(enough, level, np.nan),
    )


def factor_lines(returns: pd.DataFrame, *, log: bool = False) -> list[Line]:
    """Make levels of factors from a table of their returns.

    Parameters
    ----------
    returns : DataFrame
        By local date (the index), a column for each factor; NaN unknown.
    log : bool
        Whether they are logarithms.

    Returns
    -------
    list of Line
        Without opens: they explain returns from close to close alone.
    """
    session = returns.index.to_numpy().astype("M8[D]").astype(np.int64)
    lines = []
    for name in returns.columns:
        values = returns[name].to_numpy(np.float64)
        known = np.nan_to_num(values)
        level = np.exp(np.cumsum(known)) if log else np.cumprod(1.0 + known)
        close = np.where(np.isnan(values), np.nan, level)
        # The level before the first return, on the day before it: else that return could not be told.
        days = np.r_[session[:1] - 1, session]
        lines.append(Line("", days, days * DAY, days * DAY, np.full(len(days), np.nan), np.r_[1.0, close]))
    return lines


def series_of(
    tape: Tape,
    days: Days,
    lines: Mapping[int, Sequence[Line]],
    part: str = "day",
    *,
    log: bool = False,
    quiet: Flags | None = None,
) -> Series:
    """Give the returns of instruments with what explains them.

    Parameters
    ----------
    tape, days : Tape, Days
        The prices, and their sessions (or bars).
    lines : mapping of int to sequence of Line
        By segment what stands beside it: as many for each. Segments that are not named have no returns.
    part : {"day", "gap", "session", "bar"}
        What a return covers.
    log : bool
        Whether returns are logarithms.
    quiet : ndarray of bool, shape (rows,), optional
        Whether a row may stand in an estimation window.

    Returns
    -------
    Series
        A row for each row of ``days``.

    Notes
    -----
    A line of the same market is looked up at the same session and is unknown where it has none. One from abroad is
    taken as it was last known at the instrument's own close (open), and so holds last night's move: no line is ever
    looked at later than the price beside it. In the part ``session`` such a line holds the move up to the open.
    """
    count = len(days.close)
    width = max((len(each) for each in lines.values()), default=0)
    value, span, factors = np.full(count, np.nan), np.ones(count), np.full((count, width), np.nan)
    for place, beside in lines.items():
        rows = slice(int(days.offsets[place]), int(days.offsets[place + 1]))
        own = venue(tape.venues[place]).market
        found = [_beside(days, rows, line, own, part == "bar") for line in beside]
        size = days.offsets[place + 1] - days.offsets[place]
        opens, closes = (
            np.column_stack([pair[at] for pair in found]) if found else np.zeros((size, 0)) for at in (0, 1)
        )
        abroad = np.array([_is_abroad(line, own) for line in beside], bool)
        value[rows], span[rows], factors[rows] = _returns(days, rows, opens, closes, abroad, part, log=log)
    calm = np.ones(count, bool) if quiet is None else quiet
    return Series(days.offsets, value, span, factors, calm)


def _returns(
    days: Days, rows: slice, opens: Floats, closes: Floats, abroad: Flags, part: str, *, log: bool
) -> tuple[Floats, Floats, Floats]:
    close, ordinal = days.close[rows], days.ordinal[rows]
    if part in ("day", "bar"):
        return trades(close, closes, ordinal, log=log)
    own_open = days.open[rows]
    known = np.flatnonzero(np.isfinite(close) & np.isfinite(closes).all(axis=1))
    at = np.arange(len(close))
    place = np.searchsorted(known, at, side="left") - 1
    before = np.where(place >= 0, known[np.maximum(place, 0)] if len(known) else 0, -1)
    there = before >= 0
    last, last_lines = (
        np.where(there, close[before], np.nan),
        np.where(there[:, None], closes[before], np.nan),
    )
    night = change(opens, last_lines, log)
    if part == "gap":
        value, factors = change(own_open, last, log), night
        span = np.where(there, np.maximum(ordinal - ordinal[before], 1), 1).astype(np.float64)
    else:
        value, span = change(close, own_open, log), np.ones(len(close))
        factors = np.where(abroad, night, change(closes, opens, log))
    known_all = np.isfinite(value) & np.isfinite(factors).all(axis=1)
    return np.where(known_all, value, np.nan), span, np.where(known_all[:, None], factors, np.nan)


def _is_abroad(line: Line, own: str) -> bool:
    return line.market not in ("", own) or line.abroad


def _beside(days: Days, rows: slice, line: Line, own: str, bars: bool) -> tuple[Floats, Floats]:
    """Give a line's levels at the opens and at the closes of an instrument's rows."""
    if _is_abroad(line, own):
        return _last_known(line, days.opens_at[rows]), _last_known(line, days.closes_at[rows])
    if bars:
        same = np.searchsorted(line.closes_at, days.closes_at[rows], side="right") - 1
        there = (same >= 0) & (line.session[np.maximum(same, 0)] == days.session[rows])
    else:
        same = np.searchsorted(line.session, days.session[rows])
        there = same < len(line.session)
        there[there] = line.session[same[there]] == days.session[rows][there]
    if not len(line.session):
        return (np.full(len(there), np.nan),) * 2
    same = np.where(there, same, 0)
    return np.where(there, line.open[same], np.nan), np.where(there, line.close[same], np.nan)


def _last_known(line: Line, at: Instants) -> Floats:
    known = np.flatnonzero(np.isfinite(line.close))
    if not len(known):
        return np.full(len(at), np.nan)
    last = np.searchsorted(line.closes_at[known], at, side="right") - 1
    row = known[np.maximum(last, 0)]
    there = (last >= 0) & (at - line.closes_at[row] <= STALE)
    return np.where(there, line.close[row], np.nan)


def cumulated(values: Floats, log: bool = False) -> Floats:
    """Compound returns along the last axis, passing unknown ones over.

    Examples
    --------
    >>> cumulated(np.array([[0.1, np.nan, 0.1]])).round(4).tolist()
    [[0.1, 0.1, 0.21]]
    """
    known = np.nan_to_num(values)
    if log:
        return np.asarray(np.expm1(np.cumsum(known, axis=-1)))
    return np.asarray(np.cumprod(1.0 + known, axis=-1) - 1.0)
