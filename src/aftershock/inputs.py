"""From what a user gives to what the engine takes: events, universe, tape and links."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from aftershock.data.catalogue import catalogue_path
from aftershock.data.errors import InputError, Problem
from aftershock.data.events import Events, load_events, load_impacts
from aftershock.data.prices import Tape, load_tape, simulated_market
from aftershock.data.universes import Universe, exposures, factors, known_instruments, universe
from aftershock.experiment import EventsSection, Experiment, PricesSection, UniverseSection
from aftershock.strategies.reaction import Reaction
from aftershock.strategies.select import Links

Source = Any
"""A DataFrame, a path, several paths, or what the loader of that table gives."""
CATALOGUE = "catalogue:"
"""What the name of a shipped table of events begins with where a file may stand."""


def events_of(source: Source, zone: str | None = None, skip_bad: bool = False) -> Events:
    """Load events unless they are loaded."""
    return source if isinstance(source, Events) else load_events(source, zone=zone, skip_bad=skip_bad)


def experiment_events(experiment: Experiment) -> Events:
    """Load the events an experiment names, within its period.

    Raises
    ------
    InputError
        It names none, or they cannot be used.
    """
    section = experiment.events
    sources = [*section.files, *(str(catalogue_path(name)) for name in section.catalogue)]
    if not sources:
        raise InputError(
            Problem("files or catalogue under [events]", "neither", 'write for example catalogue = ["fomc"]')
        )
    loaded = load_events(sources, zone=section.zone, skip_bad=section.skip_bad, as_of=section.as_of)
    if section.start is None and section.end is None:
        return loaded
    return loaded.between(*_period(section.start or "1970-01-01", section.end or "2200-01-01"))


def _period(start: str, end: str) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Read a first and a last UTC date, the last one included."""
    try:
        first, last = (pd.Timestamp(date.fromisoformat(day), tz="UTC").as_unit("ns") for day in (start, end))
    except ValueError:
        raise InputError(
            Problem("dates in start and end of [events]", f"'{start}', '{end}'", "write 2018-01-01")
        ) from None
    return first, last + pd.Timedelta(days=1)


def experiment_tape(
    experiment: Experiment, wanted: Universe | None, events: Events
) -> tuple[Tape, pd.DataFrame | None]:
    """Load the prices an experiment names, or make its simulated market.

    Returns
    -------
    tape : Tape
        The prices.
    truth : DataFrame or None
        What was planted, where they are simulated.

    Raises
    ------
    InputError
        It names none, or they cannot be used.
    """
    section = experiment.prices
    if section.simulated:
        market = simulated_market(wanted, seed=experiment.run.seed, events=events.frame)
        return market.tape, market.truth
    if not section.files:
        raise InputError(
            Problem(
                "files or simulated = true under [prices]", "neither", "name the price files (or --prices)"
            )
        )
    symbols = None if wanted is None else needed(wanted, events)
    tape = load_tape(list(section.files), symbols=symbols, sources=section.sources, skip_bad=section.skip_bad)
    return tape, None


def tape_of(prices: Source, wanted: Universe | None, events: Events, skip_bad: bool = False) -> Tape:
    """Load what is needed of the prices."""
    return load_tape(prices, symbols=None if wanted is None else needed(wanted, events), skip_bad=skip_bad)


def needed(wanted: Universe, events: Events) -> list[str]:
    """List the symbols that may matter: the universe's and those that events name."""
    own = {symbol for symbols in events.frame["symbols"].unique() for symbol in symbols.split()}
    return [*wanted.symbols, *sorted(own - set(wanted.symbols))]


def anchored(experiment: Experiment) -> Experiment:
    """Name the files of an experiment from the root, so that it can be run again from any folder."""
    events, prices = experiment.events, experiment.prices
    named = events_section(events.files)
    changes = {
        "files": named.files,
        "catalogue": (*events.catalogue, *named.catalogue),
        "impacts": _paths(events.impacts),
    }
    return replace(
        experiment,
        events=events.model_copy(update=changes),
        prices=prices.model_copy(update={"files": _paths(prices.files)}),
    )


def events_section(source: Source, impacts: Source = None, **others: Any) -> EventsSection:
    """Write down which files events come from; what is in memory has none."""
    named = _paths(source)
    return EventsSection(
        files=tuple(path for path in named if not path.startswith(CATALOGUE)),
        catalogue=tuple(path.removeprefix(CATALOGUE) for path in named if path.startswith(CATALOGUE)),
        impacts=_paths(impacts),
        **others,
    )


def prices_section(source: Source, **others: Any) -> PricesSection:
    """Write down which files prices come from; what is in memory has none."""
    return PricesSection(files=_paths(source), **others)


def universe_section(source: Any) -> UniverseSection:
    """Write down which universe was asked for."""
    if source is None:
        return UniverseSection()
    if isinstance(source, str):
        return UniverseSection(name=(source,))
    return UniverseSection(symbols=source.symbols if isinstance(source, Universe) else tuple(source))


def _paths(source: Source) -> tuple[str, ...]:
    several = source if isinstance(source, (list, tuple)) else [source]
    if not all(isinstance(one, (str, os.PathLike)) for one in several):
        return ()
    named = [os.fspath(one) for one in several]
    return tuple(one if one.startswith(CATALOGUE) else str(Path(one).absolute()) for one in named)


def links_of(impacts: Source, events: Events) -> Links:
    """Put explicit impacts beside the shipped exposures and factors."""
    if impacts is None or (isinstance(impacts, (list, tuple)) and not impacts):
        none = {"event_id": pd.Series(dtype=str), "symbol": pd.Series(dtype=str), "polarity": 0.0}
        return Links(pd.DataFrame(none), exposures(), factors())
    return Links(load_impacts(impacts, events.frame), exposures(), factors())


def universe_of(source: Any, strategy: Reaction | None = None) -> Universe | None:
    """Make the universe that is given, else the strategy's; None where neither says."""
    chosen = source if source is not None else (strategy.universe if strategy is not None else None)
    return universe(chosen) if chosen else None


def priced(tape: Tape) -> Universe:
    """Take everything that has prices."""
    return universe(tape.symbols)


def everything() -> Universe:
    """Take all shipped instruments that can be traded."""
    known = known_instruments().values()
    return Universe("all shipped instruments", tuple(item for item in known if item.kind != "index"))
