"""What kernels take and give: tuples of arrays, records, and the table of reasons."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Bars(NamedTuple):
    """Bars of all instruments, concatenated: instrument ``k`` has rows ``offsets[k]:offsets[k + 1]``.

    Prices are the tape's (adjusted) prices, NaN where unknown; instants are UTC nanoseconds; ``ordinal`` is the
    position of a bar's session in its venue's calendar, which several bars may share.
    """

    offsets: Integers
    ordinal: Integers
    opens_at: Integers
    closes_at: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    halted: Flags


class Rules(NamedTuple):
    """Costs and rules of the venue, one value per bar.

    Rates and slippage are shares of value and price; a lot is in units of base notional, 0 allows any quantity; a
    limit of NaN is none;
    ``sell_from`` is the number of bars to wait before what was bought at this bar may be sold.
    """

    buy_rate: Floats
    sell_rate: Floats
    slippage: Floats
    lot: Floats
    limit_up: Floats
    limit_down: Floats
    can_short: Flags
    sell_from: Integers


class Entries(NamedTuple):
    """One row per signal, in the order ``known``, ``event_id``, symbol.

    ``due`` is the row of the entry bar in ``Bars`` (-1: there is none), ``waited`` the sessions already waited because
    the first session that could be had has no bar, ``draw`` a uniform random number that settles ties.
    """

    instrument: Integers
    market: Integers
    side: Integers
    weight: Floats
    due: Integers
    waited: Integers
    draw: Floats


class Exits(NamedTuple):
    """When a trade ends: NaN switches a level off."""

    hold: int
    stop: float
    take: float
    trail: float
    at_open: bool
    entry_bar: bool


class Orders(NamedTuple):
    """How signals become orders: entry point, patience, and what a later signal does to a held trade."""

    at_close: bool
    max_defer: int
    same: int
    opposite: int


class Book(NamedTuple):
    """Whose money and how much of it: the mode, the size and the caps (infinite = off).

    An entry that is scaled below ``min_share`` of its target is refused.
    """

    mode: int
    capital: float
    size: float
    compound: bool
    partial: bool
    min_share: float
    max_positions: float
    max_name: float
    max_market: float
    max_gross: float
    max_net: float


MODES = ("event", "account", "portfolio")
SAME = ("ignore", "extend", "stack")
OPPOSITE = ("close", "reverse", "ignore")
KINDS = ("open", "hold", "stop", "trail", "take", "opposite")
"""How a trade ended, by code; ``open`` has not."""

REASONS: dict[str, str] = {
    "filled": "entered",
    "halted": "the bar was halted: no trade was possible",
    "no_price": "the bar has no price at the point of entry",
    "locked": "the bar was locked at its price limit against the trade",
    "short_banned": "short sales were not allowed",
    "t_plus": "what was bought may not be sold yet",
    "no_bar": "the instrument has no bar at the sessions that could be had",
    "superseded": "a later event on the instrument came while the entry was waiting",
    "netted": "another event at the same bar on the same instrument stands for it or cancels it",
    "ignored": "the instrument was held already",
    "extended": "it prolonged the trade that was held",
    "closed": "it closed the opposite trade that was held",
    "no_cash": "there was not enough cash",
    "cap_positions": "the number of positions was at its cap",
    "cap_name": "the exposure to the instrument was at its cap",
    "cap_market": "the exposure to the market was at its cap",
    "cap_gross": "the gross exposure was at its cap",
    "cap_net": "the net exposure was at its cap",
    "below_lot": "the target buys less than one lot",
    "no_fixing": "no exchange rate of the last ten days was known to size the order",
    "index_level": "an index is a level, not an instrument (set allow_index to trade it all the same)",
    "no_prices": "there are no prices for the instrument",
    "no_budget": "the signals of its date that came before had taken the budget",
    "no_strength": "its strength is unknown or zero, and sizes go by strength",
    "no_volatility": "fewer than 20 returns were known by then, or prices had not moved: no volatility to size it by",
}
"""Every outcome of a signal, with its sentence; kernels speak in positions of this table."""

OUTCOMES = tuple(REASONS)

trade_dtype = np.dtype(
    [
        ("signal", np.int64),
        ("instrument", np.int64),
        ("side", np.int64),
        ("quantity", np.float64),
        ("entry_bar", np.int64),
        ("entry_price", np.float64),
        ("entry_fill", np.float64),
        ("entry_fee", np.float64),
        ("hold_bar", np.int64),
        ("exit_bar", np.int64),
        ("exit_price", np.float64),
        ("exit_fill", np.float64),
        ("exit_fee", np.float64),
        ("exit_at", np.int64),
        ("triggered_at", np.int64),
        ("kind", np.int64),
        ("carried", np.bool_),
        ("done", np.bool_),
    ]
)
"""One trade. Bars are rows of ``Bars`` (-1: none), prices are before and fills after slippage."""
