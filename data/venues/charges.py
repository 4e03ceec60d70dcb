"""What a fill is charged: each tax, duty, levy and fee of a rule book, to the money."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from aftershock.data.venues.book import Charge, RuleBook

GROUPS = ("tax", "duty", "levy", "exchange", "settlement", "commission")
"""The kinds of charges, in the order in which they are shown."""


class Amount(NamedTuple):
    """What one charge takes of a fill, in local currency."""

    charge: Charge
    money: float


def charge_of(charge: Charge, value: float) -> float:
    """Give what a charge takes of a traded value: its rate, no less than its minimum, no more than its maximum.

    Examples
    --------
    >>> from aftershock.data.venues import rule_book
    >>> commission = next(one for one in rule_book("XTAI").charge if one.name == "brokerage commission")
    >>> charge_of(commission, 1_000_000.0), charge_of(commission, 1_000.0)
    (1425.0, 20.0)
    """
    money = max(value * charge.rate, charge.minimum)
    return min(money, charge.maximum) if charge.maximum > 0.0 else money


def charges_on(
    book: RuleBook, day: date, side: str, value: float, *, board: str = "", kind: str = "stock"
) -> list[Amount]:
    """List what is charged on a fill.

    Parameters
    ----------
    book : RuleBook
        The venue's rules.
    day : date
        The local date.
    side : {"buy", "sell"}
        Which side of the trade.
    value : float
        Traded value in local currency.
    board, kind : str
        The board of the instrument and whether it is a ``stock`` or a ``fund``.

    Returns
    -------
    list of Amount
        In the order of the book. Exchanges round each to a unit of their own; this does not.

    Examples
    --------
    >>> from datetime import date
    >>> from aftershock.data.venues import rule_book
    >>> sold = charges_on(rule_book("XKRX"), date(2025, 1, 2), "sell", 1_000_000.0)
    >>> [(one.charge.name, round(one.money, 2)) for one in sold if one.charge.group == "tax"]
    [('securities transaction tax', 0.0), ('special tax for rural development', 1500.0)]
    """
    return [
        Amount(charge, charge_of(charge, value))
        for charge in book.charges(day, board, kind)
        if charge.side in (side, "both")
    ]
