"""What kernels take and give: tuples of arrays, records, and the table of reasons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Bars(NamedTuple):
    """Bars of all instruments, concatenated: instrument ``k`` has rows ``offsets[k]:offsets[k + 1]``.

    Prices are the tape's (adjusted) prices, NaN where unknown; instants are UTC nanoseconds; ``session`` is the local
    date of a bar's session in days since 1970 and ``ordinal`` its position in its venue's calendar, which several bars
    may share.
    """

    offsets: Integers
    session: Integers
    ordinal: Integers
    opens_at: Integers
    closes_at: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    halted: Flags


class Costs(NamedTuple):
    """What fills cost, before it is resolved to bars.

    ``model`` is ``venue`` (the charges and lots of the rule books), ``flat`` (``fee`` of the value) or ``zero``.
    Slippage is a share of the price, ``slippage_range`` of the bar's range, ``slippage_volume`` of the price where an
    order is as large as the turnover of a session; ``borrow`` is what a short costs a year, ``lot`` a number of shares
    in the place of the rule books'; ``net_dividends`` says whether what is withheld of dividends is lost.
    """

    model: str = "flat"
    fee: float = 0.0
    slippage: float = 0.0
    slippage_range: float = 0.0
    slippage_volume: float = 0.0
    borrow: float = 0.0
    lot: float | None = None
    odd_lots: bool = False
    price_limits: bool = True
    net_dividends: bool = False


rule_dtype = np.dtype(
    [
        ("buy_rate", np.float64),
        ("sell_rate", np.float64),
        ("unit", np.float64),
        ("at_open", np.float64),
        ("at_close", np.float64),
        ("impact", np.float64),
        ("borrow", np.float64),
        ("withheld", np.float64),
        ("lot", np.float64),
        ("limit_up", np.float64),
        ("limit_down", np.float64),
        ("schedule", np.int64),
        ("short_open", np.int64),
        ("short_close", np.int64),
        ("sell_from", np.int64),
    ]
)
"""Costs and rules of one bar, side by side because a fill asks for most of them.

``buy_rate`` and ``sell_rate`` are what fills are charged, as shares of the value; ``schedule`` names the bounded
charges, ``unit`` is what a unit of local currency is worth in the base currency, 0 where that is not known: then
nothing bounds. An order of value v slips by ``at_open`` (``at_close`` inside the bar and at its close) and by
``impact * sqrt(v)``, as shares of the price. ``borrow`` is what a short costs a calendar day, as a share of its value
at entry; ``withheld`` what a long loses of its value at the close before on an ex-date; a lot is in units of base
notional, 0 allows any quantity; a limit of NaN is none; ``short_open`` and ``short_close`` are the outcome that keeps
a short from being opened there, ``FILLED`` (0) where nothing does; ``sell_from`` is the number of bars to wait before
what was bought at this bar may be sold.
"""


class Rules(NamedTuple):
    """Costs and rules of the venue.

    Attributes
    ----------
    bar : ndarray of rule_dtype
        Those of each bar.
    starts, terms : ndarrays of int64 and of float64, shapes (schedules + 1,) and (n, 5)
        Bounded charges: rate, minimum and maximum in local currency (0: none), and whether buys and sells pay it.
        Schedule ``s`` has those of ``starts[s]:starts[s + 1]``.
    """

    bar: np.ndarray
    starts: Integers
    terms: Floats

    @classmethod
    def of(cls, n_bars: int, starts: Integers, terms: Floats, columns: Iterable[tuple[str, Any]]) -> Rules:
        """Put the columns of ``rule_dtype`` side by side, each by its name, and each before the next is asked for.

        Raises
        ------
        KeyError
            A column is missing.
        """
        bar, missing = np.empty(n_bars, rule_dtype), set(rule_dtype.names or ())
        for name, values in columns:
            bar[name] = values
            missing.discard(name)
        if missing:
            raise KeyError(*sorted(missing))
        return cls(bar, starts, terms)

    def with_columns(self, **columns: Any) -> Rules:
        """Give the same rules with some columns in the place of theirs."""
        bar = self.bar.copy()
        for name, values in columns.items():
            bar[name] = values
        return self._replace(bar=bar)


class Entries(NamedTuple):
    """One row per signal, in the order ``known``, ``event_id``, symbol.

    ``due`` is the row of the entry bar in ``Bars`` (-1: there is none), ``waited`` the sessions already waited because
    the first session that could be had has no bar, ``draw`` a uniform random number that settles ties, ``rule_bar`` the
    bar at whose open a rule of the desk's own takes the trade out (-1: none does; see `aftershock.engine.exit_rules`).
    """

    instrument: Integers
    market: Integers
    side: Integers
    weight: Floats
    due: Integers
    waited: Integers
    draw: Floats
    rule_bar: Integers


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
KINDS = ("open", "hold", "stop", "trail", "take", "opposite", "rule")
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
    "short_rule": "the price rule of short sales did not allow one there",
    "short_unlisted": "the instrument was not on the list of those that may be sold short",
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
        ("borrow", np.float64),
        ("withheld", np.float64),
        ("exit_point", np.int64),
        ("exit_at", np.int64),
        ("triggered_at", np.int64),
        ("kind", np.int64),
        ("carried", np.bool_),
        ("done", np.bool_),
    ]
)
"""One trade. Bars are rows of ``Bars`` (-1: none), prices are before and fills after slippage."""
