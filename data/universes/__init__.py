"""Instruments and the sets they form."""

from aftershock.data.universes.check import check_symbols
from aftershock.data.universes.explain import Candidate, Explanation, explain
from aftershock.data.universes.links import exposures, factors
from aftershock.data.universes.symbols import Instrument, known_instruments, resolve, yahoo_symbol
from aftershock.data.universes.universe import Universe, universe, universe_names

__all__ = [
    "Candidate",
    "Explanation",
    "Instrument",
    "Universe",
    "check_symbols",
    "explain",
    "exposures",
    "factors",
    "known_instruments",
    "resolve",
    "universe",
    "universe_names",
    "yahoo_symbol",
]
