"""Ready-made strategies, each with the economics behind it in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.strategies.reaction import Reaction


def fed_cut(**changes: Any) -> Reaction:
    """Trade Fed decisions through exposures to US rates.

    Looser US policy lowers the discount rate and the dollar funding cost of Asian growth companies and lifts
    risk appetite for them; tighter policy does the opposite.

    Parameters
    ----------
    **changes
        Parameters of `Reaction` that differ from the ready-made ones.

    Examples
    --------
    >>> fed_cut(hold=1).hold
    1
    """
    return _ready_made(changes, tag="fed", side_by="impact", hold=3)


def chip_momentum(**changes: Any) -> Reaction:
    """Follow chip news for a week in the names that it is about.

    Orders and capacity spread along the supply chain more slowly than headlines, so a chip announcement is followed by
    drift in the names that it touches.

    Parameters
    ----------
    **changes
        Parameters of `Reaction` that differ from the ready-made ones.

    Examples
    --------
    >>> chip_momentum().tag
    ('chip',)
    """
    return _ready_made(changes, tag="chip", hold=5, stop=0.08)


def tariff_shock(**changes: Any) -> Reaction:
    """Trade tariff headlines through exposures to US tariffs.

    A tariff falls on the margins of those who sell to the United States; they lose on escalation and recover on
    relief, and analysts cut estimates for days after the first print.

    Parameters
    ----------
    **changes
        Parameters of `Reaction` that differ from the ready-made ones.

    Examples
    --------
    >>> tariff_shock(stop=0.1).stop
    0.1
    """
    return _ready_made(changes, tag="tariff", side_by="impact", hold=5)


def _ready_made(changes: dict[str, Any], **parameters: Any) -> Reaction:
    return Reaction(**(parameters | changes))


STRATEGIES: dict[str, Callable[..., Reaction]] = {
    "reaction": Reaction,
    "fed_cut": fed_cut,
    "chip_momentum": chip_momentum,
    "tariff_shock": tariff_shock,
}
"""The kinds of strategy an experiment may name."""


def strategy(kind: str, **parameters: Any) -> Reaction:
    """Make a strategy by the name of its kind.

    Raises
    ------
    InputError
        An unknown kind or parameter.

    Examples
    --------
    >>> strategy("fed_cut", hold=2).hold
    2
    """
    if kind not in STRATEGIES:
        raise InputError(Problem("a kind of strategy", f"'{kind}'", did_you_mean(kind, STRATEGIES)))
    return STRATEGIES[kind](**parameters)
