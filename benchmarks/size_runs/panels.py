"""Studies in which nothing happened: random dates and names of a panel of returns, or draws of a factor model."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

import aftershock as af
from aftershock.engine.studies.simulated import VOLATILITY, fit_whole, simulated_abnormal
from aftershock.engine.studies.types import Abnormal

ESTIMATION, GAP = 250, 20
"""Sessions of the estimation window, and between it and the event."""
LONGEST = 11
"""No window is longer."""
LIVELY = 0.7
"""A name counts on a date if its price moved in at least so many of the sessions around it."""
SEEDS = (11, 12, 13)
"""Simulated markets that are drawn from."""
NAMES = 40
"""Names of the market in which dates lie close together."""
INDICES = {".KS": "KOSPI", ".KQ": "KOSDAQ", ".T": "N225", ".HK": "HSI"}
"""Whose market model a name of the tape of several markets has."""


class Panel(NamedTuple):
    """Returns of names on common sessions.

    ``returns`` and ``market`` are (names, sessions), ``session`` days since 1970; ``at`` are the positions
    at which a study can begin and ``names`` the names that have all returns around each.
    """

    returns: np.ndarray
    market: np.ndarray
    session: np.ndarray
    at: np.ndarray
    names: list[np.ndarray]


def panel_of(returns: np.ndarray, market: np.ndarray, session: np.ndarray) -> Panel:
    """Find where studies can begin."""
    known = np.isfinite(returns) & np.isfinite(market)
    moved = np.nan_to_num(returns) != 0.0
    zero = np.zeros((len(returns), 1), np.int64)
    known_before, moved_before = (np.concatenate([zero, x.cumsum(axis=1)], axis=1) for x in (known, moved))
    at = np.arange(ESTIMATION + GAP + 1, returns.shape[1] - LONGEST)
    names = []
    for place in at:
        a, b = place - ESTIMATION - GAP, place + LONGEST
        whole = known_before[:, b] - known_before[:, a] == b - a
        lively = moved_before[:, b] - moved_before[:, a] >= LIVELY * (b - a)
        names.append(np.flatnonzero(whole & lively))
    return Panel(returns, market, session, at, names)


def closes_of(tape: af.Tape, wanted: set[int]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Give log closes (names, sessions) of some segments on all their sessions; NaN where there is no trade."""
    places = sorted(wanted)
    rows = np.concatenate([np.arange(tape.offsets[k], tape.offsets[k + 1]) for k in places])
    name = np.repeat(np.arange(len(places)), [tape.offsets[k + 1] - tape.offsets[k] for k in places])
    session, column = np.unique(tape.session[rows], return_inverse=True)
    closes = np.full((len(places), len(session)), np.nan)
    traded = ~tape.halted[rows]
    closes[name[traded], column[traded]] = np.log(tape.close[rows][traded])
    return [tape.symbols[k] for k in places], session, closes


def longest_segments(tape: af.Tape, symbols: set[str]) -> set[int]:
    """Of each symbol the segment with most bars: no return is taken across two sources."""
    best: dict[str, int] = {}
    sizes = np.diff(tape.offsets)
    for k, symbol in enumerate(tape.symbols):
        if symbol in symbols and (symbol not in best or sizes[k] > sizes[best[symbol]]):
            best[symbol] = k
    return set(best.values())


def returns_on(session: np.ndarray, of: np.ndarray, closes: np.ndarray) -> np.ndarray:
    """Returns between sessions that are given, of closes on sessions ``of``."""
    place = np.searchsorted(of, session)
    place[place == len(of)] = 0
    there = np.where(of[place] == session, closes[:, place], np.nan)
    return np.diff(there, axis=1)


@cache
def hong_kong(folder: Path) -> Panel:
    """502 names of Hong Kong and the Hang Seng."""
    tape, beside = af.load_tape(folder / "hk_panel.parquet"), af.load_tape(folder / "indices.parquet")
    _, session, closes = closes_of(tape, set(range(len(tape.symbols))))
    _, of, index = closes_of(beside, longest_segments(beside, {"HSI"}))
    returns, market = np.diff(closes, axis=1), returns_on(session, of, index)
    return panel_of(returns, np.broadcast_to(market, returns.shape), session[1:])


@cache
def several_markets(folder: Path) -> Panel:
    """Names of Tokyo, Seoul and Hong Kong on the sessions all three have, each with the index of its market."""
    tape, beside = af.load_tape(folder / "stocks.parquet"), af.load_tape(folder / "indices.parquet")
    suffix = {symbol: "." + symbol.rsplit(".", 1)[-1] for symbol in tape.symbols}
    wanted = longest_segments(tape, {symbol for symbol in tape.symbols if suffix[symbol] in INDICES})
    symbols, of_names, closes = closes_of(tape, wanted)
    names, of_indices, levels = closes_of(beside, longest_segments(beside, set(INDICES.values())))
    line = {name: k for k, name in enumerate(names)}
    market_of = np.array([line[INDICES[suffix[symbol]]] for symbol in symbols])
    needed = np.unique(market_of)
    shared = of_indices[np.isfinite(levels[needed]).all(axis=0)]
    session = np.intersect1d(shared, of_names)
    returns, market = (
        returns_on(session, of_names, closes),
        returns_on(session, of_indices, levels)[market_of],
    )
    return panel_of(returns, market, session[1:])


@cache
def simulated(seed: int) -> Panel:
    """A simulated market of 150 names of Hong Kong and its index; nothing in it is a price."""
    symbols = [f"{k:04d}.HK" for k in range(1, 151)]
    tape = af.simulated_market([*symbols, "^HSI"], start="2005-01-01", end="2024-12-31", seed=seed).tape
    index = tape.position("^HSI")
    _, session, closes = closes_of(tape, set(range(len(tape.symbols))) - {index})
    _, of, level = closes_of(tape, {index})
    returns, market = np.diff(closes, axis=1), returns_on(session, of, level)
    return panel_of(returns, np.broadcast_to(market, returns.shape), session[1:])


class Design(NamedTuple):
    """One line of the table.

    ``source`` says where returns are from (`drawn`); ``sizes`` the names on each date; ``volatility`` and ``common``
    factors of returns in the event window; ``effect`` a return added on day 0; ``market`` whether the market model is
    fitted (else the mean); ``apart`` how many sessions lie between dates of one market (0: dates share nothing).
    """

    source: str
    sizes: tuple[int, ...]
    correlation: float = float("nan")
    volatility: float = 1.0
    common: float = 1.0
    days: int = 1
    market: bool = True
    effect: float = 0.0
    apart: int = 0


def drawn(design: Design, rng: np.random.Generator, folder: Path) -> Abnormal:
    """Draw one study."""
    if design.apart:
        return overlapping(design, rng)
    if design.source in ("normal", "fat tails"):
        return simulated_abnormal(
            design.sizes,
            rng,
            correlation=design.correlation,
            volatility=design.volatility,
            common=design.common,
            degrees=4.0 if design.source == "fat tails" else np.inf,
            effect=design.effect,
            estimation=ESTIMATION,
            width=design.days,
        )
    panel = panel_for(design.source, rng, folder)
    return from_panel(panel, design, rng)


def overlapping(design: Design, rng: np.random.Generator) -> Abnormal:
    """Draw one market of 40 names with normal returns, and dates in it that lie close together."""
    length = ESTIMATION + len(design.sizes) * design.apart + design.days
    shock, own = rng.standard_normal(length), rng.standard_normal((NAMES, length))
    market = 0.01 * rng.standard_normal(length)
    noise = np.sqrt(design.correlation) * shock + np.sqrt(1.0 - design.correlation) * own
    returns = market + VOLATILITY * noise
    first = np.datetime64("2020-01-06", "D")
    parts, markets, instruments, sessions = [], [], [], []
    for k, size in enumerate(design.sizes):
        cells = slice(k * design.apart, k * design.apart + ESTIMATION + design.days)
        names = rng.choice(NAMES, size, replace=False)
        parts.append(returns[names, cells])
        markets.append(np.broadcast_to(market[cells], parts[-1].shape))
        instruments.append(names)
        sessions.append(np.full(size, np.busday_offset(first, k * design.apart).astype(np.int64)))
    date = np.repeat(np.arange(len(design.sizes)), design.sizes).astype(np.int64)
    instrument, session = (
        np.concatenate(instruments).astype(np.int64),
        np.concatenate(sessions).astype(np.int64),
    )
    return fit_whole(np.concatenate(parts), np.concatenate(markets), design.days, date, instrument, session)


def panel_for(source: str, rng: np.random.Generator, folder: Path) -> Panel:
    """Give the panel of a source."""
    if source == "simulated market":
        return simulated(SEEDS[rng.integers(len(SEEDS))])
    return hong_kong(folder) if source == "tape, Hong Kong" else several_markets(folder)


def from_panel(panel: Panel, design: Design, rng: np.random.Generator) -> Abnormal:
    """Put events on random dates of a panel, each on random names that traded around it."""
    parts, markets, instruments, sessions = [], [], [], []
    for size in design.sizes:
        while True:
            k = rng.integers(len(panel.at))
            if len(panel.names[k]) >= size:
                break
        place, names = panel.at[k], rng.choice(panel.names[k], size, replace=False)
        cells = np.r_[place - ESTIMATION - GAP : place - GAP, place : place + design.days]
        parts.append(panel.returns[names[:, None], cells])
        markets.append(panel.market[names[:, None], cells])
        instruments.append(names)
        sessions.append(np.full(size, panel.session[place]))
    date = np.repeat(np.arange(len(design.sizes)), design.sizes).astype(np.int64)
    market = np.concatenate(markets) if design.market else None
    instrument, session = (
        np.concatenate(instruments).astype(np.int64),
        np.concatenate(sessions).astype(np.int64),
    )
    study = fit_whole(np.concatenate(parts), market, design.days, date, instrument, session)
    return study._replace(window=study.window * design.volatility + design.effect)


__all__ = ["VOLATILITY", "Design", "drawn"]
