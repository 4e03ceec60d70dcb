"""The demo: real events from the shipped catalogue against the best prices at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from aftershock.data.errors import InputError
from aftershock.data.prices import load_tape, yahoo
from aftershock.data.universes import Universe, universe
from aftershock.execution import execute
from aftershock.experiment import (
    EventsSection,
    Experiment,
    Portfolio,
    PricesSection,
    RunSection,
    UniverseSection,
)
from aftershock.inputs import beside_tape, experiment_events, experiment_tape, links_of, prices_section
from aftershock.result import Result
from aftershock.strategies.reaction import Reaction

CATALOGUE = ("fomc", "tariffs")
START, END = "2018-01-01", "2025-12-31"
UNIVERSE = "asia-tech"
YAHOO_SECONDS = 3.0
"""How long the demo waits for Yahoo's first answer before it takes the simulated market."""
FETCH_SECONDS = 60.0
"""How long it waits for all of Yahoo's prices."""
LEAST = 0.8
"""The share of instruments that Yahoo must have prices of; firms are renamed, merged and delisted."""


def demo(
    prices: str | Path | None = None, *, seed: int = 20250912, say: Callable[[str], Any] | None = None
) -> Result:
    """Backtest reactions to Fed decisions and tariff headlines.

    Parameters
    ----------
    prices : path, optional
        Prices to use; else Yahoo's where it answers within seconds, else the simulated market.
    seed : int
        Seed of the simulated market.
    say : callable, optional
        Told what is being done, a sentence at a time.

    Returns
    -------
    Result
        Not yet written: see `Result.save`.

    Raises
    ------
    InputError
        Prices that cannot be used.
    """
    tell = say or (lambda _: None)
    wanted = universe(UNIVERSE)
    section, fetched = _prices(prices, wanted, tell)
    experiment = Experiment(
        strategy=Reaction(tag=("fed", "tariff"), hold=5, stop=0.08),
        events=EventsSection(catalogue=CATALOGUE, start=START, end=END),
        prices=section,
        universe=UniverseSection(name=(UNIVERSE,)),
        portfolio=Portfolio(size=0.05),
        run=RunSection(name="demo", seed=seed),
    )
    tell("reading the catalogue of Fed decisions and tariff headlines, and prices")
    events = experiment_events(experiment)
    if fetched is None:
        tape, truth = experiment_tape(experiment, wanted, events)
        beside = None if prices is None else beside_tape(prices, tape)
    else:
        tape, truth, beside = load_tape(fetched, symbols=wanted.symbols), None, None
    tell("joining events with sessions and trading them (kernels compile on their first run)")
    linked = links_of(None, events, catalogue=CATALOGUE)
    return execute(events, tape, wanted, linked, experiment, truth=truth, beside=beside)


def _prices(
    path: str | Path | None, wanted: Universe, tell: Callable[[str], Any]
) -> tuple[PricesSection, pd.DataFrame | None]:
    """Say which prices to take, and give them where they are Yahoo's."""
    if path is not None:
        return prices_section(path), None
    tell("asking Yahoo for prices")
    why = "it does not answer"
    if yahoo.answers(YAHOO_SECONDS):
        try:
            return PricesSection(), yahoo.fetch(
                list(wanted.symbols), START, END, timeout=FETCH_SECONDS, least=LEAST
            )
        except InputError as error:
            why = str(error.problems[0])
    tell(f"making the SIMULATED market in the place of Yahoo's prices: {why}")
    return PricesSection(simulated=True), None
