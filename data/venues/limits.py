"""Steps and limits of traded prices, as exchanges round them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aftershock.data.venues.book import PriceLimit, Tick

Floats = NDArray[np.float64]
NEAR = 1e-7
"""A price within this share of a step is on it: prices come as binary fractions, and some as float32."""


def banded(bands: Any, price: Floats, *, upper_inclusive: bool = False) -> Floats:
    """Look prices up in bands of (price from which, value); NaN where there is no price.

    Examples
    --------
    >>> banded([[0.0, 0.1], [100.0, 0.5]], np.array([99.9, 100.0, np.nan]))
    array([0.1, 0.5, nan])
    """
    starts, values = np.array(bands, np.float64).T
    position = np.searchsorted(starts, price, side="left" if upper_inclusive else "right") - 1
    found: Floats = np.where(np.isnan(price), np.nan, values[np.clip(position, 0, len(values) - 1)])
    return found


def tick_at(tick: Tick, price: Floats) -> Floats:
    """Give the step of prices at a price; NaN where there is none."""
    return banded(tick.bands, price, upper_inclusive=tick.upper_inclusive)


def on_tick(tick: Tick, price: Floats) -> NDArray[np.bool_]:
    """Say whether prices are multiples of their step.

    Examples
    --------
    >>> from datetime import date
    >>> from aftershock.data.venues import rule_book
    >>> on_tick(rule_book("ROCO").one("tick", date(2025, 9, 12)), np.array([210.5, 210.3])).tolist()
    [True, False]
    """
    step = tick_at(tick, price)
    close: NDArray[np.bool_] = np.abs(price - np.rint(price / step) * step) <= NEAR * price
    return close


def change_allowed(limit: PriceLimit, base: Floats) -> Floats:
    """Give how far a price may move from the base price, before any rounding."""
    if limit.kind == "percent":
        share: Floats = base * limit.percent
        return share
    return banded(limit.bands, base)


def limit_prices(limit: PriceLimit, tick: Tick, base: Floats) -> tuple[Floats, Floats]:
    """Give the lowest and the highest price a session allows, rounded as the exchange does.

    Parameters
    ----------
    limit, tick : PriceLimit, Tick
        The rules in force.
    base : ndarray of float64, shape (n,)
        Base prices as traded: the close before, restated on ex-dates; NaN unknown.

    Returns
    -------
    lowest, highest : ndarrays of float64, shape (n,)
        NaN where there is no limit or no base. A limit is at least one tick away from the base.

    Examples
    --------
    >>> from datetime import date
    >>> from aftershock.data.venues import rule_book
    >>> book, day = rule_book("ROCO"), date(2025, 9, 12)
    >>> down, up = limit_prices(book.one("price_limit", day), book.one("tick", day), np.array([191.5]))
    >>> down.tolist(), up.tolist()
    ([172.5], [210.5])
    """
    if limit.kind == "none":
        return np.full(len(base), np.nan), np.full(len(base), np.nan)
    change, step = change_allowed(limit, base), tick_at(tick, base)
    if limit.rounding == "twice":
        change = np.floor(change / step * (1.0 + NEAR)) * step
    highest, lowest = base + change, base - change
    if limit.rounding != "none":
        highest = _rounded(tick, highest, {"up": "up", "nearest": "nearest"}.get(limit.rounding, "down"))
        lowest = _rounded(tick, lowest, "nearest" if limit.rounding == "nearest" else "up")
    return np.minimum(lowest, base - step), np.maximum(highest, base + step)


def _rounded(tick: Tick, price: Floats, way: str) -> Floats:
    """Put prices on their step: ``up``, ``down`` or to the ``nearest`` (halves up)."""
    step = tick_at(tick, price)
    steps = price / step
    count = {
        "up": np.ceil(steps * (1.0 - NEAR)),
        "down": np.floor(steps * (1.0 + NEAR)),
        "nearest": np.floor(steps * (1.0 + 1e-12) + 0.5),
    }[way]
    # Steps such as 0.1 are no binary fractions: their multiples are rounded back to decimals.
    found: Floats = np.round(count * step, 9)
    return found
