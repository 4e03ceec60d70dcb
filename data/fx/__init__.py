"""Exchange rates: fixings that size orders, and marks that price fills."""

from aftershock.data.fx.currencies import CURRENCIES, currency, pair_of
from aftershock.data.fx.ecb import ecb
from aftershock.data.fx.files import from_bars, load_fixings, load_marks
from aftershock.data.fx.rates import STALE, Fixings, Pair
from aftershock.data.fx.yahoo import fetch_fixings

__all__ = [
    "CURRENCIES",
    "STALE",
    "Fixings",
    "Pair",
    "currency",
    "ecb",
    "fetch_fixings",
    "from_bars",
    "load_fixings",
    "load_marks",
    "pair_of",
]
