"""From inputs to a result: backtest, align, signals, and the run of an experiment file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem, did_you_mean, in_file
from aftershock.data.events import Events
from aftershock.data.instants import NAT, to_index, to_ns
from aftershock.data.prices import Tape
from aftershock.data.settings import Settings
from aftershock.data.universes import Universe, resolve
from aftershock.data.venues import venue
from aftershock.engine.align import align_signals
from aftershock.engine.types import REASONS
from aftershock.execution import execute
from aftershock.experiment import (
    Costs,
    Experiment,
    Hedge,
    Portfolio,
    RunSection,
    StudySection,
    UniverseSection,
    read_experiment,
)
from aftershock.inputs import (
    Source,
    anchored,
    beside_tape,
    events_of,
    events_section,
    everything,
    experiment_events,
    experiment_news,
    experiment_tape,
    links_of,
    pinned,
    priced,
    prices_section,
    tape_of,
    universe_of,
    universe_section,
)
from aftershock.result import Result
from aftershock.strategies.library import strategy as strategy_of
from aftershock.strategies.own import Strategy
from aftershock.strategies.pairs import pairs_of
from aftershock.strategies.reaction import Reaction
from aftershock.strategies.select import SKIPS, Links, select

ALIGN_COLUMNS = [
    "event_id",
    "symbol",
    "venue",
    "known_from",
    "known_by",
    "phase",
    "first_tradable",
    "first_open",
    "first_close",
    "ambiguous",
    "reason",
]


def backtest(
    events: Source,
    prices: Source,
    strategy: Reaction | str = "reaction",
    *,
    universe: Iterable[str] | str | Universe | None = None,
    portfolio: Portfolio | None = None,
    costs: Costs | None = None,
    hedge: Hedge | None = None,
    impacts: Source = None,
    zone: str | None = None,
    seed: int = 0,
    name: str = "backtest",
    skip_bad: bool = False,
    interval: str = "1d",
) -> Result:
    """Backtest a strategy on tagged events and prices.

    Parameters
    ----------
    events : DataFrame, path, sequence of paths or Events
        Tagged events; ``catalogue:fomc`` names a shipped table.
    prices : DataFrame, path, sequence of paths or Tape
        Prices in any shape that `load_tape` reads.
    strategy : Reaction or str
        A strategy, or the name of a ready-made one.
    universe : str, sequence of str or Universe, optional
        What may be traded; by default the strategy's universe, else everything there are prices for.
    portfolio : Portfolio, optional
        Whose money and how much of it.
    costs : Costs, optional
        What fills cost; the charges and lots of each venue's rule book and slippage of 5 basis points by default.
    hedge : Hedge, optional
        What stands against each trade; nothing by default.
    impacts : DataFrame or path, optional
        Explicit impacts (``event_id, symbol, polarity``).
    zone : str, optional
        The zone of naive stamps, as an IANA name.
    seed : int
        Seed of the draws that settle ties.
    name : str
        What to call the run.
    skip_bad : bool
        Go on without bad rows of events and prices, and list them.
    interval : str
        How long bars are (``5m``, ``60m``, ``1h``), where prices say when they open and not when they close.

    Returns
    -------
    Result
        ``.trades``, ``.equity``, ``.stats``, ``.audit`` and ``.report(path)``.

    Raises
    ------
    InputError
        Inputs that cannot be used.

    Examples
    --------
    >>> import pandas as pd
    >>> prices = pd.DataFrame({
    ...     "symbol": "8035.T", "date": ["2025-09-11", "2025-09-12", "2025-09-16"],
    ...     "open": [100.0, 102.0, 103.0], "high": [101.0, 104.0, 105.0],
    ...     "low": [99.0, 101.0, 102.0], "close": [100.0, 103.0, 104.0],
    ... })
    >>> events = pd.DataFrame({
    ...     "known_by": ["2025-09-11T23:00:00Z"], "tag": ["chip"], "direction": ["positive"], "symbols": ["8035.T"],
    ... })
    >>> result = backtest(events, prices, Reaction(tag="chip", hold=0))
    >>> round(float(result.trades["gross_return"].iloc[0]), 6)
    0.009804
    """
    return execute(
        **vars(
            given(
                events,
                prices,
                strategy,
                universe=universe,
                portfolio=portfolio,
                costs=costs,
                hedge=hedge,
                impacts=impacts,
                zone=zone,
                seed=seed,
                name=name,
                skip_bad=skip_bad,
                interval=interval,
            )
        )
    )


@dataclass(frozen=True, eq=False)
class Inputs:
    """What `aftershock.execution.execute` takes: events, prices, universe and links, and what to do with them."""

    loaded: Events
    tape: Tape
    wanted: Universe | None
    linked: Links
    experiment: Experiment
    truth: pd.DataFrame | None = None
    beside: Tape | None = None


def given(
    events: Source,
    prices: Source,
    strategy: Reaction | str = "reaction",
    *,
    universe: Iterable[str] | str | Universe | None = None,
    portfolio: Portfolio | None = None,
    costs: Costs | None = None,
    hedge: Hedge | None = None,
    impacts: Source = None,
    zone: str | None = None,
    seed: int = 0,
    name: str = "backtest",
    skip_bad: bool = False,
    interval: str = "1d",
    study: StudySection | None = None,
) -> Inputs:
    """Load what was given in Python; parameters as `backtest` has them, and what a study of it measures."""
    for what, section, kind in (
        ("portfolio", portfolio, Portfolio),
        ("costs", costs, Costs),
        ("hedge", hedge, Hedge),
    ):
        _check_section(what, section, kind)
    chosen = _strategy(strategy)
    asked = universe_section(universe)
    loaded = events_of(events, zone, skip_bad)
    wanted = universe_of(universe if isinstance(universe, (str, Universe)) else _named(asked), chosen)
    hedges = () if hedge is None else hedge.symbols
    tape = tape_of(prices, wanted, loaded, skip_bad, interval, hedges)
    experiment = Experiment(
        strategy=chosen,
        kind=strategy if isinstance(strategy, str) else _kind(chosen),
        events=events_section(events, impacts, zone=zone, skip_bad=skip_bad),
        prices=prices_section(prices, skip_bad=skip_bad, interval=interval),
        universe=asked,
        portfolio=portfolio or Portfolio(),
        costs=costs or Costs(),
        hedge=hedge or Hedge(),
        study=study or StudySection(),
        run=RunSection(name=name, seed=seed),
    )
    linked = links_of(impacts, loaded, catalogue=experiment.events.catalogue)
    beside = beside_tape(prices, tape, interval, experiment.study.needs)
    return Inputs(loaded, tape, wanted, linked, anchored(experiment), beside=beside)


def _strategy(strategy: Any) -> Reaction:
    """Take a strategy, or the name of a ready-made one."""
    if isinstance(strategy, str):
        return strategy_of(strategy)
    if isinstance(strategy, Reaction):
        return strategy
    if isinstance(strategy, type) and issubclass(strategy, Reaction):
        got, cure = f"the class {strategy.__name__}", f"write {strategy.__name__}()"
    else:
        got, cure = (
            f"{strategy!r:.60}",
            "give af.Reaction(...), a class of af.Strategy, or a name such as 'fed_cut'",
        )
    raise InputError(Problem("a strategy", got, cure))


def _check_section(what: str, section: Any, kind: type[Settings]) -> None:
    if section is not None and not isinstance(section, kind):
        cure = f"write {what}=af.{kind.__name__}(...)"
        raise InputError(Problem(f"{what} as af.{kind.__name__}", f"{section!r:.60}", cure))


def _kind(strategy: Reaction) -> str:
    return type(strategy).__name__ if isinstance(strategy, Strategy) else "reaction"


def run_experiment(
    path: str | Path,
    *,
    prices: str | Iterable[str] = (),
    events: str | Iterable[str] = (),
    skip_bad: bool = False,
) -> Result:
    """Run an experiment file.

    Parameters
    ----------
    path : str or Path
        The TOML file.
    prices, events : str or sequence of str
        Files to use in the place of those it names.
    skip_bad : bool
        Go on without bad rows, whatever the experiment says.

    Returns
    -------
    Result
        Not yet written: see `Result.save`.

    Raises
    ------
    InputError
        An experiment or an input that cannot be used.
    """
    result = execute(**vars(written(path, prices=prices, events=events, skip_bad=skip_bad)))
    # Where its paths began: the report says where files lie from there.
    result.manifest["folder"] = str(Path(path).resolve().parent)
    return result


def written(
    path: str | Path,
    *,
    prices: str | Iterable[str] = (),
    events: str | Iterable[str] = (),
    skip_bad: bool = False,
) -> Inputs:
    """Load what an experiment file names; parameters as `run_experiment` has them."""
    experiment = read_experiment(Path(path)).with_paths(
        prices=_paths(prices), events=_paths(events), skip_bad=skip_bad
    )
    with in_file(path):
        news = experiment_news(experiment)
        loaded = experiment_events(experiment, news)
        wanted = universe_of(_named(experiment.universe), experiment.strategy)
        tape, truth = experiment_tape(experiment, wanted, loaded)
        linked = links_of(experiment.events.impacts, loaded, news, experiment.events.catalogue)
    section = experiment.prices
    needs = experiment.study.needs
    beside = beside_tape(list(section.files), tape, section.interval, needs) if section.files else None
    return Inputs(loaded, tape, wanted, linked, pinned(anchored(experiment), tape), truth, beside)


def _named(section: UniverseSection) -> list[str] | None:
    return [*section.name, *section.symbols] or None


def _paths(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(map(str, given))


def align(
    events: Source,
    prices: Source = None,
    *,
    universe: Iterable[str] | str | Universe | None = None,
    zone: str | None = None,
    latency: float = 0.0,
    entry: str = "open",
    skip_bad: bool = False,
    interval: str = "1d",
) -> pd.DataFrame:
    """Say for each event and instrument when it could first be traded, and why.

    Parameters
    ----------
    events : DataFrame, path, sequence of paths or Events
        Tagged events.
    prices : DataFrame, path, sequence of paths or Tape, optional
        Only instruments with prices are listed where it is given.
    universe : str, sequence of str or Universe, optional
        Only its instruments are listed where it is given, and scopes are resolved in it; by default in what has prices,
        else in all shipped instruments.
    zone : str, optional
        The zone of naive stamps.
    latency : float or str
        Seconds (or a duration such as ``"5min"``) from knowing to acting.
    entry : {"open", "close"}
        Which cut-off makes a signal ambiguous.
    skip_bad : bool
        Go on without bad rows.
    interval : str
        How long bars are (``5m``, ``60m``, ``1h``), where prices say when they open and not when they close.

    Returns
    -------
    DataFrame
        ``ALIGN_COLUMNS``, instants in UTC; with prices that have bars within sessions also ``first_bar``, the first
        open (close) that can be had. An event that reaches no instrument has one row that says why, without symbol,
        venue, phase and first instants.

    Raises
    ------
    InputError
        Inputs that cannot be used.

    Examples
    --------
    >>> import pandas as pd
    >>> events = pd.DataFrame({"known_by": ["2025-06-11T02:45:00Z"], "tag": ["chip"], "symbols": ["8035.T"]})
    >>> table = align(events)
    >>> table.loc[0, "phase"], str(table.loc[0, "first_tradable"])
    ('lunch', '2025-06-11 03:30:00+00:00')
    """
    if entry not in ("open", "close"):
        raise InputError(
            Problem("entry: open or close", f"'{entry}'", did_you_mean(entry, ("open", "close")))
        )
    wait = Reaction(latency=latency).latency_ns
    loaded = events_of(events, zone, skip_bad)
    wanted = universe_of(universe)
    tape = None if prices is None else tape_of(prices, wanted, loaded, skip_bad, interval)
    pairs = pairs_of(loaded.frame, wanted or (everything() if tape is None else priced(tape)))
    if wanted is not None:
        pairs = pairs[pairs["symbol"].isin(wanted.symbols)]
    named = pairs["event_id"]
    if tape is not None:
        pairs = pairs[pairs["symbol"].isin(tape.symbols)]
    table = pairs.merge(loaded.frame, on="event_id", how="left", suffixes=("", "_of_event"))
    table["venue"] = [resolve(symbol).venue for symbol in table["symbol"]]
    aligned = align_signals(table, tape, latency=wait, at_close=entry == "close")
    missing = _unreached(loaded.frame, named, pairs["event_id"])
    texts = dict.fromkeys(["event_id", "symbol", "venue", "phase", "reason"], "str")
    columns = [*ALIGN_COLUMNS, *(["first_bar"] if tape is not None and tape.intraday else [])]
    both = pd.concat([part[columns].astype(texts) for part in (aligned, missing)])
    return both.sort_values(["known_by", "event_id", "symbol"], ignore_index=True)


def _unreached(events: pd.DataFrame, named: pd.Series[str], reached: pd.Series[str]) -> pd.DataFrame:
    """List the events that reach no instrument: they have none, or there are no prices of those they have."""
    left = events[~events["event_id"].isin(reached)]
    why = np.where(left["event_id"].isin(named), REASONS["no_prices"], SKIPS["no_instrument"])
    never = to_index(np.full(len(left), NAT))
    return left.assign(
        symbol="",
        venue="",
        phase="",
        first_tradable=never,
        first_open=never,
        first_close=never,
        first_bar=never,
        ambiguous=False,
        reason=why,
    )


def signals(
    events: Source,
    universe: Iterable[str] | str | Universe | None,
    strategy: Reaction | str,
    *,
    as_of: Any = None,
    zone: str | None = None,
    impacts: Source = None,
    prices: Source = None,
) -> pd.DataFrame:
    """List the orders that the strategy would place now.

    Parameters
    ----------
    events : DataFrame, path, sequence of paths or Events
        Tagged events.
    universe : str, sequence of str, Universe or None
        What may be traded; None takes the strategy's universe, else all shipped instruments.
    strategy : Reaction or str
        The strategy.
    as_of : instant, optional
        The instant to look from, with a zone; now by default. Nothing known later counts, and an order is listed
        while the cut-off of its auction has not passed. Index levels take no orders.
    zone : str, optional
        The zone of naive stamps.
    impacts : DataFrame or path, optional
        Explicit impacts.
    prices : DataFrame, path, sequence of paths or Tape, optional
        What a strategy of your own looks back at.

    Returns
    -------
    DataFrame
        ``place_by, entry_at, symbol, venue, action, weight, entry, hold, event_id, tag, direction, strength, known_by,
        ambiguous, headline, reason`` by ``place_by``, then symbol. Without prices these are orders for auctions.
    """
    chosen = _strategy(strategy)
    now = int(to_ns(as_of)[0]) if as_of is not None else int(pd.Timestamp.now(tz="UTC").value)
    whole = events_of(events, zone)
    loaded = whole.as_of(now)
    wanted = universe_of(universe, chosen) or everything()
    linked = links_of(impacts, whole, catalogue=events_section(events).catalogue)
    tape = None if prices is None else tape_of(prices, wanted, loaded)
    found = select(loaded, chosen, wanted, linked, tape).signals
    found = found[found["kind"] != "index"]
    aligned = align_signals(found, latency=chosen.latency_ns, at_close=chosen.entry == "close")
    table = _orders(aligned, loaded.frame, chosen)
    live = table[to_ns(table["place_by"]) >= now]
    return live.sort_values(["place_by", "symbol", "event_id"], ignore_index=True)


def _orders(aligned: pd.DataFrame, events: pd.DataFrame, strategy: Reaction) -> pd.DataFrame:
    at_close = strategy.entry == "close"
    place_by, entry_at = np.full(len(aligned), -1), np.full(len(aligned), -1)
    for mic, found in aligned.groupby("venue").indices.items():
        days = venue(str(mic)).sessions
        rows = np.asarray(found)
        position = aligned["entry_position"].to_numpy(np.int64)[rows] + strategy.delay
        inside = position < len(days.session)
        rows, position = rows[inside], position[inside]
        place_by[rows] = (days.close_cutoff if at_close else days.open_cutoff)[position]
        entry_at[rows] = (days.closes_at if at_close else days.opens_at)[position]
    headlines = events.set_index("event_id")["headline"]
    table = aligned.assign(
        place_by=to_index(place_by),
        entry_at=to_index(entry_at),
        action=np.where(aligned["side"] > 0, "buy", "sell short"),
        entry=strategy.entry,
        hold=strategy.hold,
        headline=aligned["event_id"].map(headlines),
    )
    columns = [
        "place_by",
        "entry_at",
        "symbol",
        "venue",
        "action",
        "weight",
        "entry",
        "hold",
        "event_id",
        "tag",
    ]
    return table[[*columns, "direction", "strength", "known_by", "ambiguous", "headline", "reason"]]
