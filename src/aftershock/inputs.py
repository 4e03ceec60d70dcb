"""From what a user gives to what the engine takes: events, universe, tape and links."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.catalogue import catalogue_impacts, catalogue_path
from aftershock.data.errors import InputError, Problem
from aftershock.data.events import Events, load_events, load_impacts
from aftershock.data.fx import Fixings, ecb, load_fixings, load_marks
from aftershock.data.prices import Tape, load_tape, simulated_market
from aftershock.data.prices.hours import DAILY
from aftershock.data.prices.store import Store
from aftershock.data.universes import Universe, exposures, factors, known_instruments, universe
from aftershock.experiment import (
    CATALOGUE,
    ECB,
    EventsSection,
    Experiment,
    Portfolio,
    PricesSection,
    UniverseSection,
    sweep_beside,
)
from aftershock.strategies.reaction import Reaction
from aftershock.strategies.select import Links

if TYPE_CHECKING:
    from aftershock.data.news import Tagged

Source = Any
"""A DataFrame, a path, several paths, or what the loader of that table gives."""

TEXT_COLUMNS = {"headline", "title", "text"}
"""Columns of which a table of news has one."""


US_VENUE = "XNYS"


def events_of(source: Source, zone: str | None = None, skip_bad: bool = False) -> Events:
    """Load events unless they are loaded."""
    return source if isinstance(source, Events) else load_events(source, zone=zone, skip_bad=skip_bad)


def experiment_news(experiment: Experiment) -> Tagged | None:
    """Tag the news among an experiment's files; None where there is none.

    Raises
    ------
    InputError
        News that cannot be read, or a stamp that needs an answer.
    """
    section = experiment.events
    paths = [path for path in section.files if is_news(path)]
    if not paths:
        return None
    from aftershock.data.news import load_taxonomy, read_documents, tag

    documents = read_documents(paths, published=section.published or "", zone=section.zone or "")
    return tag(documents, load_taxonomy(section.taxonomy))


def experiment_events(experiment: Experiment, news: Tagged | None = None) -> Events:
    """Load the events an experiment names, within its period.

    Parameters
    ----------
    experiment : Experiment
        What to load.
    news : Tagged, optional
        What its news tells, from `experiment_news`.

    Raises
    ------
    InputError
        It names none, or they cannot be used.
    """
    section = experiment.events
    sources = [path for path in section.files if not is_news(path)]
    sources += [str(catalogue_path(name)) for name in section.catalogue]
    if not sources and news is None:
        raise InputError(
            Problem("files or catalogue under [events]", "neither", 'write for example catalogue = ["fomc"]')
        )
    parts: list[Events] = [] if news is None else [news]
    if sources:
        lenient = section.skip_bad
        parts.append(load_events(sources, zone=section.zone, skip_bad=lenient, as_of=section.as_of))
    loaded = parts[0].concat(*parts[1:])
    if section.start is None and section.end is None:
        return loaded
    first, last = section.start or "1970-01-01", section.end or "2200-01-01"
    return loaded.between(_day("start", first), _day("end", last, 1))


def is_news(path: str) -> bool:
    """Tell news (texts, pages, folders, tables without a ``tag`` column) from tables of events.

    Examples
    --------
    >>> is_news("wrap.txt"), is_news("catalogue:fomc")
    (True, False)
    """
    place = Path(path)
    if place.is_dir() or place.suffix.lower() in (".txt", ".md", ".html", ".htm"):
        return True
    if not place.is_file():
        return False
    return bool(TEXT_COLUMNS & (names := _column_names(place))) and "tag" not in names


def _column_names(path: Path) -> set[str]:
    """Read the names of a table's columns without its rows; none where they cannot be read."""
    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            return set(pq.read_schema(path).names)
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig", errors="replace") as file:
            line = file.readline(100_000)
        return set(json.loads(line)) if ".jsonl" in path.suffixes else set(next(csv.reader([line]), []))
    except (OSError, ValueError, csv.Error):
        return set()


def _day(key: str, day: str, more: int = 0) -> pd.Timestamp:
    """Read a UTC date of the period, or so many days after it."""
    try:
        return pd.Timestamp(date.fromisoformat(day) + timedelta(days=more), tz="UTC").as_unit("ns")
    except (ValueError, OverflowError):
        raise InputError(Problem(f"a date in {key} of [events]", f"'{day}'", "write 2018-01-01")) from None


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
        if section.interval != DAILY:
            got = f"interval = '{section.interval}'"
            raise InputError(Problem("daily bars of the simulated market", got, "leave interval out"))
        news = events.frame[events.first_prints()]
        market = simulated_market(wanted, seed=experiment.run.seed, events=news)
        return market.tape, market.truth
    if not section.files:
        raise InputError(
            Problem(
                "files or simulated = true under [prices]", "neither", "name the price files (or --prices)"
            )
        )
    symbols = None if wanted is None else needed(wanted, events, _hedged_with(experiment))
    tape = load_tape(
        list(section.files),
        symbols=symbols,
        sources=section.sources,
        skip_bad=section.skip_bad,
        exclude=section.exclude,
        interval=_asked(section.interval),
        snapshot=section.snapshot,
    )
    return tape, None


def tape_of(
    prices: Source,
    wanted: Universe | None,
    events: Events,
    skip_bad: bool = False,
    interval: str = "1d",
    hedges: Iterable[str] = (),
) -> Tape:
    """Load what is needed of the prices."""
    symbols = None if wanted is None else needed(wanted, events, hedges)
    return load_tape(prices, symbols=symbols, skip_bad=skip_bad, interval=_asked(interval))


def beside_tape(prices: Source, tape: Tape, interval: str = "1d", also: Iterable[str] = ()) -> Tape | None:
    """Load the indices that stand beside what is traded: those of its venues, and the US ones that move overnight.

    Parameters
    ----------
    prices : DataFrame, path, sequence of paths or Tape
        The prices the run was given.
    tape : Tape
        What was loaded of them.
    interval : str
        How long bars are.
    also : iterable of str
        What else a study looks at: its markets and its control group.

    Returns
    -------
    Tape or None
        None where the prices hold none of them, or none that can be used: a report then goes without.
    """
    mics = {*tape.venues, US_VENUE}
    symbols = [
        one.symbol for one in known_instruments().values() if one.kind == "index" and one.venue in mics
    ]
    symbols += [symbol for symbol in dict.fromkeys(also) if symbol not in symbols]
    try:
        found = load_tape(
            prices, symbols=symbols, skip_bad=not isinstance(prices, Tape), interval=_asked(interval)
        )
    except InputError:
        return None
    return found if len(found) else None


def simulated_beside(experiment: Experiment, tape: Tape) -> Tape:
    """Simulate the indices beside a simulated market, from the same seed, so that they share its world and markets.

    No effect is planted in them: what was planted in the names is then what they do beyond their market.
    """
    symbols = [
        one.symbol for one in known_instruments().values() if one.kind == "index" and one.venue in tape.venues
    ]
    return simulated_market(symbols, seed=experiment.run.seed).tape


def _asked(interval: str) -> str | None:
    """Leave daily bars unsaid, so that a store that has others only gives those."""
    return None if interval == DAILY else interval


def needed(wanted: Universe, events: Events, hedges: Iterable[str] = ()) -> list[str]:
    """List the symbols that may matter: the universe's, those that events name and those that hedge."""
    own = {symbol for symbols in events.frame["symbols"].unique() for symbol in symbols.split()}
    return [*wanted.symbols, *sorted((own | set(hedges)) - set(wanted.symbols))]


def _hedged_with(experiment: Experiment) -> tuple[str, ...]:
    return () if experiment.hedge.method == "none" else experiment.hedge.symbols


def anchored(experiment: Experiment) -> Experiment:
    """Name the files of an experiment from the root, so that it can be run again from any folder."""
    events, prices, portfolio = experiment.events, experiment.prices, experiment.portfolio
    named = events_section(events.files)
    rates = {"fx": _paths(portfolio.fx), "marks": _paths(portfolio.marks)}
    changes = {
        "files": named.files,
        "catalogue": (*events.catalogue, *named.catalogue),
        "impacts": _paths(events.impacts),
    }
    return replace(
        experiment,
        sweep=sweep_beside(experiment.sweep, Path.cwd()),
        events=events.model_copy(update=changes),
        prices=prices.model_copy(update={"files": _paths(prices.files)}),
        portfolio=portfolio.model_copy(update=rates),
    )


def fixings_of(portfolio: Portfolio) -> Fixings:
    """Load the fixings that size orders: the files that a portfolio names, then the ECB's.

    Raises
    ------
    InputError
        A file that cannot be used.
    """
    return load_fixings([path for path in portfolio.fx if path != ECB]).then(ecb())


def marks_of(portfolio: Portfolio) -> Fixings:
    """Load the FX marks that a portfolio names.

    Raises
    ------
    InputError
        A file that cannot be used.
    """
    return load_marks(portfolio.marks)


def rates_digests(portfolio: Portfolio) -> list[str]:
    """Hash the exchange rates of the files that a portfolio names; nothing where it names none.

    Raises
    ------
    InputError
        A file that cannot be used.
    """
    files = [path for path in portfolio.fx if path != ECB]
    return [
        *([load_fixings(files).digest()] if files else []),
        *([marks_of(portfolio).digest()] if portfolio.marks else []),
    ]


def pinned(experiment: Experiment, tape: Tape) -> Experiment:
    """Name the state of the store that a run used, so that it can be run again on the same prices."""
    name, store = tape.provenance.get("snapshot"), tape.provenance.get("store")
    # A store that nobody may write to has no record of the state.
    if name is None or name not in Store(str(store)).snapshots():
        return experiment
    return replace(experiment, prices=experiment.prices.model_copy(update={"snapshot": name}))


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
    shipped = [one == ECB or one.startswith(CATALOGUE) for one in named]
    return tuple(
        one if known else str(Path(one).absolute()) for one, known in zip(named, shipped, strict=True)
    )


def links_of(
    impacts: Source, events: Events, news: Tagged | None = None, catalogue: Iterable[str] = ()
) -> Links:
    """Put impacts (given, found by the tagger, shipped with a catalogue) beside exposures and factors."""
    given = impacts is not None and not (isinstance(impacts, (list, tuple)) and not impacts)
    parts = [load_impacts(impacts, events)] if given else []
    parts += [part.impacts for part in (events, news) if part is not None and hasattr(part, "impacts")]
    together = pd.concat([*parts, catalogue_impacts(catalogue)], ignore_index=True)
    # What is given comes first and stands.
    once = together.drop_duplicates(["event_id", "symbol"], ignore_index=True)
    return Links(once, exposures(), factors())


def universe_of(source: Any, strategy: Reaction | None = None) -> Universe | None:
    """Make the universe that is given, else the strategy's; None where neither says."""
    chosen = source if source is not None else (strategy.universe if strategy is not None else None)
    return universe(chosen) if chosen else None


def priced(tape: Tape) -> Universe:
    """Take everything that has prices."""
    return universe(tape.symbols)


def tradable(tape: Tape, scope: Universe, allow_index: bool) -> NDArray[np.bool_]:
    """Say of each bar of a tape whether its instrument may be traded; where none may, all count.

    Parameters
    ----------
    tape : Tape
        n bars.
    scope : Universe
        What may be traded.
    allow_index : bool
        Whether index levels may be.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    members = {one.symbol for one in scope.instruments if allow_index or one.kind != "index"}
    may = np.array([symbol in members for symbol in tape.symbols], np.bool_)
    bars = np.repeat(may, np.diff(tape.offsets))
    return bars if bars.any() else np.ones_like(bars)


def everything() -> Universe:
    """Take all shipped instruments that can be traded."""
    known = known_instruments().values()
    return Universe("all shipped instruments", tuple(item for item in known if item.kind != "index"))
