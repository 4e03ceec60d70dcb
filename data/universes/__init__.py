"""Instruments and the sets they form."""

from aftershock.data.universes.links import exposures, factors
from aftershock.data.universes.symbols import Instrument, known_instruments, resolve, yahoo_symbol
from aftershock.data.universes.universe import Universe, universe, universe_names

__all__ = [
    "Instrument",
    "Universe",
    "exposures",
    "factors",
    "known_instruments",
    "resolve",
    "universe",
    "universe_names",
    "yahoo_symbol",
]
