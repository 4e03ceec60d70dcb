"""Prices: the tape, and the ways to make one."""

from aftershock.data.prices.read import load_tape
from aftershock.data.prices.simulated import Simulated, simulated_market
from aftershock.data.prices.tape import Tape

__all__ = ["Simulated", "Tape", "load_tape", "simulated_market"]
