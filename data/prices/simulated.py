"""The simulated market: prices made by a seeded model, with event effects of known size planted in them.

Nothing here is a price anybody could have traded at; the tape says so (``simulated``, ``provenance``). It
exists so that everything else can be tried without real prices, and so that a result can be held against the
truth: what was planted is known exactly.

The model, in log returns of one instrument with daily volatility ``v`` and exposure ``b``:

    return = v * (b * sqrt(world) * W + b * sqrt(market) * M + sqrt(1 - world - market) * I) + effects

- ``W``, the world, runs on the UTC clock in steps of a quarter of an hour. A session's gap takes what the
  world did between the venue's last close and its open, and the session what it did until the close, so that
  a night in New York reaches Sydney and Tokyo first and Mumbai last.
- ``M``, one factor for each market (venues of one market keep the same sessions), and ``I``, the instrument's
  own, are drawn by session and split between gap and session.
- Each of the three clusters: variance follows GARCH(1, 1) (Bollerslev 1986, section 3) and shocks are Student-t,
  scaled to unit variance (Bollerslev 1987), drawn as a normal times an inverse chi (one for a day, which makes
  gap and session fat-tailed together).
- The high and the low are extremes of a Brownian bridge from open to close (Glasserman 2004, section 6.4),
  each drawn from its exact distribution, independently of the other.
- Volume is log-normal and rises with the size of the day's move; a few sessions are halted or missing.
- Expected log returns are zero: whatever a strategy earns beyond luck was planted.

An effect is a gap at the first open that could be had after the news, and a drift spread evenly over the
sessions (open to close) from that one on. Effects add to log returns after the noise has been drawn, so that
the difference of two runs with one seed is the planted effect and nothing else.

Every stream of random numbers is keyed by seed, purpose and symbol (or market), and read in the order of time:
another instrument, another order of symbols, a later ``end`` or a later event changes no earlier price.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.calendars import Sessions, sessions
from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.events.identity import first_prints
from aftershock.data.instants import DAY, NAT, to_index, to_ns
from aftershock.data.prices.tape import Tape
from aftershock.data.universes import Instrument, Universe
from aftershock.data.universes import universe as named_universe

Floats = NDArray[np.float64]

VERSION = 1
"""Rises whenever the same seed would give other prices."""

SOURCE = "simulated"
"""What stands in the tape's ``sources`` for every instrument."""

STEP = 900_000_000_000
"""The world's clock ticks every quarter of an hour (nanoseconds)."""


@dataclass(frozen=True, slots=True)
class Model:
    """The parameters of the simulated market.

    Attributes
    ----------
    world, market : float
        Shares of an instrument's daily variance, so also about the correlation across markets (``world``)
        and inside one (``world + market``).
    index_own : float
        What is left of its own noise (as a factor) in an index or a fund.
    gap : float
        Share of a session's own and market variance that falls before the open.
    degrees : float
        Degrees of freedom of the Student-t shocks.
    alpha, beta : float
        GARCH(1, 1): the weight of the last squared return and of the last variance.
    volatility : tuple of float
        Bounds of the yearly volatility of a stock (250 sessions).
    exposure : tuple of float
        Bounds of ``b``.
    limit : float
        No session's prices lie further than this from the close before.
    digits : int
        Significant digits of a price.
    halts, missing : float
        Chance per session that a halt of one to three sessions begins, that a row is missing.

    Examples
    --------
    >>> MODEL.world + MODEL.market
    0.43
    """

    world: float = 0.25
    market: float = 0.18
    index_own: float = 0.15
    gap: float = 0.55
    degrees: float = 5.0
    alpha: float = 0.07
    beta: float = 0.90
    volatility: tuple[float, float] = (0.25, 0.45)
    exposure: tuple[float, float] = (0.8, 1.2)
    limit: float = 0.29
    digits: int = 4
    halts: float = 0.0005
    missing: float = 0.0005


MODEL = Model()
"""The parameters every simulated market is made with."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What an event does to an instrument, in log return.

    Attributes
    ----------
    gap : float
        At the first open that could be had.
    drift : float
        In all, over the sessions that follow that open, evenly.
    sessions : int
        How many sessions the drift takes, the first one included.

    Notes
    -----
    The sign of the gap (of the drift, where there is no gap) says whether the event is good or bad for an
    instrument; where a polarity is given it takes the place of that sign.

    Raises
    ------
    InputError
        A size that is not finite, or fewer sessions than one.

    Examples
    --------
    >>> Effect(gap=-0.012, drift=-0.008, sessions=5).drift
    -0.008
    """

    gap: float
    drift: float
    sessions: int

    def __post_init__(self) -> None:
        if self.sessions < 1 or not np.isfinite([self.gap, self.drift]).all():
            raise InputError(
                Problem("finite gap and drift over at least one session", repr(self), "correct the effect")
            )

    @property
    def sign(self) -> float:
        """1, -1, or 0 where there is no effect."""
        return float(np.sign(self.gap or self.drift))


Effects = Mapping[tuple[str, str], Effect]

EFFECTS: Effects = MappingProxyType(
    {
        ("fed", "dovish"): Effect(0.005, 0.004, 3),
        ("fed", "hawkish"): Effect(-0.006, -0.004, 3),
        ("chip", "positive"): Effect(0.010, 0.009, 5),
        ("chip", "negative"): Effect(-0.012, -0.008, 5),
        ("tariff", "escalation"): Effect(-0.012, -0.008, 5),
        ("tariff", "deescalation"): Effect(0.010, 0.006, 4),
    }
)
"""The effect of each tag and direction; any other (``neutral`` among them) plants nothing."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulated market and what was planted in it.

    Attributes
    ----------
    tape : Tape
        ``simulated`` is true, and ``provenance`` holds generator, version, seed and parameters.
    truth : DataFrame
        One row for each event on each instrument it moved, in the order of events, then of symbols:
        ``event_id, symbol, venue, tag, direction, known_by, session`` (days since 1970), ``opens_at`` (the
        open that gaps), ``polarity`` (given, else the sign of the effect), ``side`` (its sign), ``gap``,
        ``drift`` (log returns, polarity applied), ``sessions`` (that the drift took). A drift cut off by
        the end of the tape shows the part that was planted.
    """

    tape: Tape
    truth: pd.DataFrame


_DEMO = (
    "8035.T 6857.T 6146.T 6920.T 7735.T 6723.T 4063.T 6758.T",
    "000660.KS 005930.KS 042700.KS 000990.KS 009150.KS 005380.KS",
    "2330.TW 2454.TW 2303.TW 3711.TW 2379.TW 3034.TW 2317.TW",
    "0981.HK 1347.HK 0522.HK 0700.HK 9988.HK 0992.HK",
    "688981.SS 688012.SS 603501.SS 603986.SS 600584.SS",
    "TCS.NS INFY.NS KAYNES.NS CGPOWER.NS TATASTEEL.NS",
)
DEMO = tuple(symbol for market in _DEMO for symbol in market.split())
"""The symbols of the demo: chips, and exporters beside them, of six markets in opening order."""

TRUTH = (
    "event_id",
    "symbol",
    "venue",
    "tag",
    "direction",
    "known_by",
    "session",
    "opens_at",
    "polarity",
    "side",
    "gap",
    "drift",
    "sessions",
)
"""Columns of the table of planted effects."""


def simulated_market(
    universe: str | Iterable[str] | Universe | None = "asia-semis",
    *,
    start: str = "2018-01-01",
    end: str = "2025-12-31",
    seed: int = 20250912,
    events: pd.DataFrame | None = None,
    effects: Effects | None = None,
    polarity: pd.DataFrame | None = None,
) -> Simulated:
    """Make a market: a tape of simulated prices, and the truth about what was planted in it.

    Parameters
    ----------
    universe : str, iterable of str, Universe or None
        A universe's name, symbols or the universe itself; None is ``DEMO``. The symbols are real, the prices
        are not.
    start, end : str
        First and last date (both included, local to each venue).
    seed : int
        Not negative. The same seed gives the same prices.
    events : DataFrame or None
        Canonical events; ``event_id, known_by, tag, direction`` are needed, ``symbols`` and ``scope`` say
        whom an event moves: its symbols, else all of its scope (``global``, ``market:KR``, ``theme:semis``),
        ``story_id`` which events are echoes, that move nothing.
    effects : mapping of (tag, direction) to Effect, or None
        None is ``EFFECTS``. Pairs that are not in the mapping plant nothing.
    polarity : DataFrame or None
        Impacts: ``event_id, symbol, polarity``, -1 (bad) to 1 (good for the instrument). Scales the effect
        of one event on one instrument and takes the place of its sign: an escalation with polarity -0.5
        plants half its loss, with 1 its whole size as a gain, with 0 nothing. No row: the effect as it is.

    Returns
    -------
    Simulated

    Raises
    ------
    InputError
        An unknown universe or symbol, an end before the start, a negative seed, missing columns, an event
        without ``known_by``, effects that add up beyond what a price can bear.

    Examples
    --------
    >>> market = simulated_market(["2330.TW", "005930.KS"], start="2024-01-01", end="2024-12-31")
    >>> market.tape.simulated, len(market.truth)
    (True, 0)
    """
    if seed < 0:
        raise InputError(Problem("a seed that is not negative", str(seed), "use 0 or more"))
    instruments = named_universe(DEMO if universe is None else universe).instruments
    first, last = _day("start", start), _day("end", end)
    hours = {mic: _between(mic, first, last) for mic in {each.venue for each in instruments}}
    truth = planted(events, instruments, hours, effects=effects, polarity=polarity)
    frame = simulate(instruments, hours, first=first, seed=seed, truth=truth)
    sizes = {
        " ".join(way): asdict(effect) for way, effect in (EFFECTS if effects is None else effects).items()
    }
    provenance = {
        "kind": SOURCE,
        "generator": f"{__name__}.simulated_market",
        "version": VERSION,
        "seed": seed,
        "parameters": asdict(MODEL) | {"start": str(start), "end": str(end)},
        "effects": sizes,
        "events": int(truth["event_id"].nunique()),
    }
    tape = Tape.from_frame(frame, sources=(SOURCE,), simulated=True, provenance=provenance)
    return Simulated(tape, truth)


def planted(
    events: pd.DataFrame | None,
    instruments: Sequence[Instrument],
    hours: Mapping[str, Sessions],
    *,
    effects: Effects | None = None,
    polarity: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Say which event moves which instrument, when and by how much.

    Of a story only the first print moves anything. The gap falls on the first session whose ``open_cutoff``
    is not before ``known_by``. An event known before the first session's cut-off or after the last one's
    plants nothing.

    Parameters
    ----------
    events, effects, polarity
        As in `simulated_market`.
    instruments : sequence of Instrument
    hours : mapping of MIC to Sessions
        The sessions simulated for each venue.

    Returns
    -------
    DataFrame
        With the columns of ``TRUTH``.

    Raises
    ------
    InputError
        Missing columns, or an event without ``known_by``.
    """
    if events is None:
        return _truth([])
    known = _known(events)
    sizes = EFFECTS if effects is None else effects
    given = _given(polarity)
    landings = {mic: np.searchsorted(of.open_cutoff, known) for mic, of in hours.items()}
    rows: list[tuple[Any, ...]] = []
    told = _told(events).assign(known_by=to_index(known))
    first = np.flatnonzero(first_prints(told))
    for at, event in zip(first, told.iloc[first].to_dict("records"), strict=True):
        effect = sizes.get((event["tag"], event["direction"]))
        if effect is None:
            continue
        for instrument in _touched(event["symbols"], event["scope"], instruments):
            mic, symbol = instrument.venue, instrument.symbol
            towards = given.get((event["event_id"], symbol), effect.sign)
            share = _share(effect, int(landings[mic][at]), hours[mic], towards)
            if share is not None:
                head = (event["event_id"], symbol, mic, event["tag"], event["direction"], known[at])
                rows.append((*head, *share))
    return _truth(rows)


def simulate(
    instruments: Sequence[Instrument],
    hours: Mapping[str, Sessions],
    *,
    first: int,
    seed: int,
    truth: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Draw the bars of every instrument, with planted effects added.

    Parameters
    ----------
    instruments : sequence of Instrument
    hours : mapping of MIC to Sessions
        The sessions of each instrument's venue, at least one for each.
    first : int
        Day (since 1970) on which the world begins; not after the first session.
    seed : int
    truth : DataFrame or None
        As given by `planted`.

    Returns
    -------
    DataFrame
        Long: ``symbol, date`` (the session's local date), ``open, high, low, close, volume`` (NaN for an
        index), ``source, factor`` (1: nothing was adjusted). A halted session repeats the last close with
        volume 0, a missing one has no row.
    """
    last = max(int(of.session[-1]) for of in hours.values())
    world = _world(seed, first - 1, last + 2)
    markets = {each.venue: each.market for each in instruments}
    shared = {mic: _common(seed, market, hours[mic], world) for mic, market in markets.items()}
    moves = {} if truth is None else dict(iter(truth.groupby("symbol")))
    frames = []
    for instrument in instruments:
        of = hours[instrument.venue]
        effect = _effect_moves(moves.get(instrument.symbol), of)
        frames.append(_bars(seed, instrument, of, shared[instrument.venue], effect))
    return pd.concat(frames, ignore_index=True)


def _day(name: str, date: str) -> int:
    try:
        return int(np.datetime64(str(date)[:10], "D").astype(np.int64))
    except ValueError:
        raise InputError(Problem(f"{name} as a date", f"'{date}'", "write it as 2018-01-31")) from None


def _between(mic: str, first: int, last: int) -> Sessions:
    of = sessions(mic)
    start, end = np.searchsorted(of.session, [first, last + 1])
    if start >= end:
        span = " to ".join(str(np.datetime64(day, "D")) for day in (first, last))
        known = " to ".join(str(np.datetime64(int(day), "D")) for day in of.session[[0, -1]])
        raise InputError(
            Problem(f"a session of {mic} between start and end", span, f"its calendar runs {known}")
        )
    return Sessions(*(values[start:end] for values in of))


class _World(NamedTuple):
    """The world's log level and its variance, both cumulated, at each tick from ``origin`` (ns) on."""

    origin: int
    level: Floats
    variance: Floats


class _Shocks(NamedTuple):
    """Log returns of unit daily variance: (n, 2) gap and session, and the variance of each session's part."""

    moves: Floats
    variance: Floats


def _stream(seed: int, purpose: str, key: str) -> np.random.Generator:
    digest = hashlib.sha256(f"{purpose} {key}".encode()).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))


def _clustered(shocks: Floats) -> Floats:
    """Give the GARCH(1, 1) variance before each shock, long-run variance 1, which is also the first."""
    growth = (MODEL.alpha * shocks**2 + MODEL.beta).tolist()
    floor = 1.0 - MODEL.alpha - MODEL.beta
    variance, path = 1.0, []
    for factor in growth:
        path.append(variance)
        variance = floor + variance * factor
    return np.array(path)


def _fat(seed: int, purpose: str, key: str, n: int) -> Floats:
    """Draw what turns n normals into Student-t shocks of unit variance."""
    chi = _stream(seed, f"{purpose} tail", key).chisquare(MODEL.degrees, n)
    fat: Floats = np.sqrt((MODEL.degrees - 2.0) / chi)
    return fat


def _world(seed: int, first: int, last: int) -> _World:
    """Walk the world from the day ``first`` to the day ``last`` (since 1970, the latter left out)."""
    ticks = DAY // STEP
    weights = _intensity(np.arange(first, last))
    normals = _stream(seed, "world", "").standard_normal((last - first, ticks))
    normals *= _fat(seed, "world", "", last - first)[:, None]
    of_day = np.sqrt(weights.sum(axis=1))
    scale = _clustered((normals * np.sqrt(weights)).sum(axis=1) / of_day)[:, None]
    level = np.cumsum(np.sqrt(scale * weights) * normals)
    variance = np.cumsum(scale * weights)
    return _World(first * DAY, np.append(0.0, level), np.append(0.0, variance))


def _intensity(days: NDArray[np.int64]) -> Floats:
    """Share of a day's variance in each tick: New York's hours weigh thrice, a weekend a twentieth."""
    hour = np.arange(DAY // STEP) * STEP / 3.6e12
    profile = np.where((hour >= 13) & (hour < 21), 3.0, np.where(hour < 13, 1.0, 0.5))
    weekend = (days + 3) % 7 >= 5
    share: Floats = np.where(weekend, 0.05, 1.0)[:, None] * profile / profile.sum()
    return share


def _common(seed: int, of_market: str, of: Sessions, world: _World) -> _Shocks:
    """World and market in the sessions of one venue, weighted by their shares of the variance."""
    opens, closes = (of.opens_at - world.origin) // STEP, (of.closes_at - world.origin) // STEP
    before = np.append(0, closes[:-1])
    gap, day = world.level[opens] - world.level[before], world.level[closes] - world.level[opens]
    market = _shocks(seed, "market", of_market, len(opens))
    moves = np.sqrt(MODEL.world) * np.column_stack([gap, day]) + np.sqrt(MODEL.market) * market.moves
    variance = MODEL.world * (world.variance[closes] - world.variance[opens]) + MODEL.market * market.variance
    return _Shocks(moves, variance)


def _shocks(seed: int, purpose: str, key: str, n: int) -> _Shocks:
    """Draw n sessions of one clustered, fat-tailed series, split between gap and session."""
    split = np.sqrt([MODEL.gap, 1.0 - MODEL.gap])
    normals = _stream(seed, purpose, key).standard_normal((n, 2)) * split
    fat = _fat(seed, purpose, key, n)
    scale = np.sqrt(_clustered(normals.sum(axis=1) * fat)) * fat
    return _Shocks(scale[:, None] * normals, scale**2 * (1.0 - MODEL.gap))


def _bars(seed: int, instrument: Instrument, of: Sessions, common: _Shocks, effect: Floats) -> pd.DataFrame:
    symbol, n = instrument.symbol, len(of.session)
    traits = _traits(seed, instrument)
    own = _shocks(seed, "own", symbol, n)
    loads = traits.volatility * np.array([traits.exposure, traits.own])
    moves = _limited(loads[0] * common.moves + loads[1] * own.moves + effect)
    scale = loads[0] ** 2 * common.variance + loads[1] ** 2 * own.variance
    prices = _bearable(symbol, traits.price * np.exp(_shape(seed, symbol, moves, scale)))
    volume = _volume(seed, instrument, traits, moves.sum(axis=1))
    halted, missing = _faults(seed, instrument, n)
    _halt(prices, volume, halted)
    columns = dict(zip(("open", "high", "low", "close"), _to_tick(prices).T, strict=True))
    frame = pd.DataFrame({"symbol": symbol, "date": of.session.astype("M8[D]").astype("M8[ns]"), **columns})
    return frame.assign(volume=volume, source=SOURCE, factor=1.0)[~missing]


class _Traits(NamedTuple):
    """What an instrument is: daily volatility, exposure, weight of its own noise, first price, usual volume."""

    volatility: float
    exposure: float
    own: float
    price: float
    volume: float


USUAL_PRICE = MappingProxyType(
    {"XTKS": 3000.0, "XKRX": 60000.0, "XKOS": 30000.0, "XBOM": 900.0, "XNSE": 900.0}
)
"""A middling first price by venue (local currency); 60 elsewhere."""


def _traits(seed: int, instrument: Instrument) -> _Traits:
    draws = _stream(seed, "traits", instrument.symbol).random(4)
    low, high = MODEL.volatility
    volatility = (low + (high - low) * draws[0]) / np.sqrt(250.0)
    own = np.sqrt(1.0 - MODEL.world - MODEL.market)
    price = USUAL_PRICE.get(instrument.venue, 60.0) * 9.0 ** (draws[2] - 0.5)
    volume = 1e6 * 10.0 ** draws[3]
    if instrument.kind != "stock":
        return _Traits(volatility, 1.0, own * MODEL.index_own, price, volume)
    low, high = MODEL.exposure
    return _Traits(volatility, low + (high - low) * draws[1], own, price, volume)


def _limited(moves: Floats) -> Floats:
    """Gap and session moves, each cut where it would leave the band around the close before."""
    low, high = np.log1p([-MODEL.limit, MODEL.limit])
    gap = np.clip(moves[:, 0], low, high)
    whole = np.clip(gap + moves[:, 1], low, high)
    return np.column_stack([gap, whole - gap])


def _shape(seed: int, symbol: str, moves: Floats, variance: Floats) -> Floats:
    """Log open, high, low and close of each session, the first one's close before being 0."""
    close = np.cumsum(moves.sum(axis=1))
    before = np.append(0.0, close[:-1])
    gap, day = moves[:, 0], moves[:, 1]
    draws = -np.log1p(-_stream(seed, "range", symbol).random((len(day), 2)))
    reach = np.sqrt(day[:, None] ** 2 + 2.0 * variance[:, None] * draws)
    low, high = np.log1p([-MODEL.limit, MODEL.limit])
    top = np.minimum(gap + (day + reach[:, 0]) / 2.0, high)
    bottom = np.maximum(gap + (day - reach[:, 1]) / 2.0, low)
    logs: Floats = before[:, None] + np.column_stack([gap, top, bottom, gap + day])
    return logs


def _bearable(symbol: str, prices: Floats) -> Floats:
    """Refuse prices that only a pile of effects in one direction can have made."""
    low, high = float(prices.min()), float(prices.max())
    if low < 1e-4 or high > 1e12:
        got = f"prices from {low:.3g} to {high:.3g}"
        raise InputError(Problem(f"effects that {symbol} can bear", got, "plant fewer or smaller ones"))
    return prices


def _volume(seed: int, instrument: Instrument, traits: _Traits, moves: Floats) -> Floats:
    if instrument.kind == "index":
        return np.full(len(moves), np.nan)
    noise = _stream(seed, "volume", instrument.symbol).standard_normal(len(moves))
    busy = np.minimum(np.abs(moves) / traits.volatility, 6.0)
    volume: Floats = np.rint(traits.volume * np.exp(0.35 * noise + 0.3 * busy))
    return volume


def _faults(seed: int, instrument: Instrument, n: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Draw which sessions are halted, which rows are missing; never the first, and none of an index."""
    halted = np.zeros(n, dtype=bool)
    if instrument.kind == "index":
        return halted, halted
    draws = _stream(seed, "faults", instrument.symbol).random((n, 3))
    draws[0] = 1.0
    for at in np.flatnonzero(draws[:, 0] < MODEL.halts):
        halted[at : at + 1 + int(3.0 * draws[at, 1])] = True
    return halted, (draws[:, 2] < MODEL.missing) & ~halted


def _halt(prices: Floats, volume: Floats, halted: NDArray[np.bool_]) -> None:
    """Let halted rows repeat the last close; the move missed lands in the gap that ends the halt."""
    last = np.maximum.accumulate(np.where(halted, 0, np.arange(len(halted))))
    prices[halted] = prices[last[halted], 3][:, None]
    volume[halted] = 0.0


_POWERS = np.array([float(10**power) for power in range(16)])


def _to_tick(prices: Floats) -> Floats:
    """Round to significant digits; order is kept, so a high stays above its open."""
    places = MODEL.digits - 1 - np.floor(np.log10(prices)).astype(np.int64)
    power = _POWERS[np.abs(places)]
    fine, coarse = np.rint(prices * power) / power, np.rint(prices / power) * power
    rounded: Floats = np.where(places >= 0, fine, coarse)
    return rounded


def _effect_moves(truth: pd.DataFrame | None, of: Sessions) -> Floats:
    """Add up what is planted in each session of one instrument, (n, 2) gap and session."""
    moves = np.zeros((len(of.session), 2))
    if truth is None:
        return moves
    landings = np.searchsorted(of.session, truth["session"].to_numpy(np.int64))
    for at, gap, drift, count in zip(landings, truth["gap"], truth["drift"], truth["sessions"], strict=True):
        moves[at, 0] += gap
        moves[at : at + count, 1] += drift / count
    return moves


def _share(effect: Effect, landing: int, of: Sessions, polarity: float) -> tuple[Any, ...] | None:
    """Give the part of an effect that the sessions at hand can show: the tail of a row of the truth."""
    left = len(of.session) - landing
    scale = polarity * effect.sign
    if landing < 1 or left < 1 or scale == 0.0:
        return None
    count = min(effect.sessions, left)
    gap, drift = scale * effect.gap, scale * effect.drift * count / effect.sessions
    when = int(of.session[landing]), int(of.opens_at[landing])
    return *when, polarity, int(np.sign(polarity)), gap, drift, count


def _touched(symbols: str, scope: str, instruments: Sequence[Instrument]) -> Iterator[Instrument]:
    """Whom an event moves: its symbols, else its scope."""
    named = frozenset(symbols.split())
    for instrument in instruments:
        if instrument.symbol in named if named else _in_scope(instrument, scope):
            yield instrument


def _in_scope(instrument: Instrument, scope: str) -> bool:
    mine = {"global", f"market:{instrument.market}", *(f"theme:{theme}" for theme in instrument.themes)}
    return not mine.isdisjoint(scope.split())


def _known(events: pd.DataFrame) -> NDArray[np.int64]:
    absent = [name for name in ("event_id", "known_by", "tag", "direction") if name not in events]
    if absent:
        cure = did_you_mean(absent[0], map(str, events.columns))
        raise InputError(Problem(f"the column '{absent[0]}' in the events", "none", cure))
    known = to_ns(events["known_by"])
    if (known == NAT).any():
        event = events["event_id"].iloc[int(np.argmax(known == NAT))]
        raise InputError(
            Problem(f"known_by of event '{event}'", "none", "say when it was public, or drop it")
        )
    return known


def _told(events: pd.DataFrame) -> pd.DataFrame:
    """Give what events tell as texts, "" where there is none."""
    names = ["event_id", "tag", "direction", "symbols", "scope", "story_id"]
    return events.reindex(columns=names, fill_value="").fillna("").astype(str)


def _given(polarity: pd.DataFrame | None) -> dict[tuple[str, str], float]:
    if polarity is None:
        return {}
    values = polarity["polarity"].to_numpy(np.float64)
    if not np.isfinite(values).all():
        raise InputError(Problem("a polarity from -1 to 1", "a missing one", "drop the row or fill it"))
    pairs = zip(polarity["event_id"].astype(str), polarity["symbol"].astype(str), strict=True)
    return dict(zip(pairs, values.tolist(), strict=True))


def _truth(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    truth = pd.DataFrame(rows, columns=list(TRUTH))
    for name in ("known_by", "opens_at"):
        truth[name] = to_index(truth[name].to_numpy(np.int64))
    texts = dict.fromkeys(("event_id", "symbol", "venue", "tag", "direction"), "str")
    whole = dict.fromkeys(("session", "side", "sessions"), "int64")
    return truth.astype({**texts, **whole, **dict.fromkeys(("polarity", "gap", "drift"), "float64")})
