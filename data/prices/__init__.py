"""Prices: the tape, and the ways to make one."""

from aftershock.data.prices.audit import Audit, audit
from aftershock.data.prices.read import load_tape
from aftershock.data.prices.simulated import Simulated, simulated_market
from aftershock.data.prices.tape import Tape

__all__ = ["Audit", "Simulated", "Tape", "audit", "load_tape", "simulated_market"]
