"""Exchange rates as they were known: at each instant the last fixing that had been published."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aftershock.data.errors import InputError, Problem
from aftershock.data.instants import DAY, Instants, iso

Floats = NDArray[np.float64]

STALE = 10 * DAY
"""A fixing older than this sizes no order: the file has ended, or the currency is no longer fixed."""

HOPS = 3
"""How many pairs a cross rate may go through: TWD to USD by a file, USD to EUR and EUR to JPY by the ECB."""


@dataclass(frozen=True, eq=False)
class Pair:
    """The fixings of one pair from one source.

    Attributes
    ----------
    per, currency : str
        ``rate`` counts units of ``currency`` for one unit of ``per``: USDTWD has ``per`` USD.
    known_at : ndarray of int64, shape (n,)
        UTC nanoseconds at which each fixing was public, strictly rising.
    rate : ndarray of float64, shape (n,)
        Above zero, never NaN.
    source : str
        Where it comes from.

    Raises
    ------
    InputError
        Instants that do not rise, or a rate that is not above zero.
    """

    per: str
    currency: str
    known_at: Instants
    rate: Floats
    source: str

    def __post_init__(self) -> None:
        known_at = np.array(self.known_at, np.int64)
        rate = np.array(self.rate, np.float64)
        if len(known_at) != len(rate) or (np.diff(known_at) <= 0).any():
            raise InputError(Problem(f"rising instants of {self.name}", "others", "sort them", self.source))
        if not ((rate > 0.0) & np.isfinite(rate)).all():
            raise InputError(Problem(f"rates of {self.name} above 0", "others", "drop them", self.source))
        for name, values in (("known_at", known_at), ("rate", rate)):
            values.flags.writeable = False
            object.__setattr__(self, name, values)

    @property
    def name(self) -> str:
        """The pair as quoted: ``USDTWD``."""
        return self.per + self.currency

    def at(self, instants: Instants, max_age: Any = None) -> Floats:
        """Give the last rate known at each instant; NaN where there is none, or it is older than ``max_age``."""
        place = np.searchsorted(self.known_at, instants, side="right") - 1
        found = np.full(len(instants), np.nan)
        inside = place >= 0
        if max_age is not None:
            age = instants[inside] - self.known_at[place[inside]]
            inside[inside] = age <= np.broadcast_to(max_age, instants.shape)[inside]
        found[inside] = self.rate[place[inside]]
        return found


class Leg(NamedTuple):
    """One step of a cross rate: through ``pair`` from ``per`` to ``currency``, or back."""

    pair: Pair
    onward: bool


@dataclass(frozen=True, eq=False)
class Fixings:
    """Pairs in order of preference, and the rates that follow from them.

    Attributes
    ----------
    pairs : tuple of Pair
        What comes first is taken first.

    Examples
    --------
    >>> monday, tuesday = 1757952000000000000, 1758038400000000000
    >>> euro = [Pair("EUR", "USD", [monday], [1.2], "x"), Pair("EUR", "JPY", [monday, tuesday], [180.0, 150.0], "x")]
    >>> Fixings(tuple(euro)).rate("USD", "JPY", np.array([monday - 1, monday, tuesday])).round(6)
    array([     nan, 0.006667, 0.008   ])
    """

    pairs: tuple[Pair, ...] = ()

    def then(self, others: Fixings) -> Fixings:
        """Put others after these: they serve where these know nothing."""
        return Fixings((*self.pairs, *others.pairs))

    def routes(self, base: str, local: str) -> tuple[tuple[Leg, ...], ...]:
        """List the ways from one currency to another: fewest pairs first, then by preference."""
        found: list[tuple[Leg, ...]] = []
        begun: list[tuple[str, tuple[Leg, ...]]] = [(local, ())]
        for _ in range(HOPS if base != local else 0):
            longer = []
            for here, legs in begun:
                for there, leg in self._onward(here):
                    if there == base:
                        found.append((*legs, leg))
                    elif not any(there in (one.pair.per, one.pair.currency) for one in legs):
                        longer.append((there, (*legs, leg)))
            begun = longer
        return tuple(found)

    def rate(self, base: str, local: str, instants: Instants, max_age: Any = None) -> Floats:
        """Give the price of one unit of ``local`` in ``base`` by the last fixings known at each instant.

        Parameters
        ----------
        base, local : str
            Currencies; the same give 1.
        instants : ndarray of int64, shape (n,)
            UTC nanoseconds.
        max_age : int or ndarray of int64, shape (n,), optional
            The age in nanoseconds beyond which a fixing counts for nothing.

        Returns
        -------
        ndarray of float64, shape (n,)
            A cross rate takes the last known fixing of each of its pairs. Where the preferred way knows nothing at
            an instant the next one serves; NaN where none does.
        """
        if base == local:
            return np.ones(len(instants))
        found = np.full(len(instants), np.nan)
        for legs in self.routes(base, local):
            empty = np.isnan(found)
            if not empty.any():
                break
            age = None if max_age is None else np.broadcast_to(max_age, instants.shape)[empty]
            found[empty] = _along(legs, instants[empty], age)
        return found

    def last(self, base: str, local: str) -> int | None:
        """Give the last instant at which a rate between two currencies became known, None where none ever did."""
        ends = [
            min(int(leg.pair.known_at[-1]) for leg in legs)
            for legs in self.routes(base, local)
            if all(len(leg.pair.known_at) for leg in legs)
        ]
        return max(ends) if ends else None

    def used(self, base: str, currencies: Iterable[str]) -> Fixings:
        """Keep the pairs through which currencies are told in ``base``."""
        needed = {id(leg.pair) for local in currencies for legs in self.routes(base, local) for leg in legs}
        return Fixings(tuple(pair for pair in self.pairs if id(pair) in needed))

    def digest(self) -> str:
        """Hash every pair, instant and rate (SHA-256, hexadecimal), whatever the order of preference."""
        parts = [
            f"{pair.name} {len(pair.rate)} ".encode() + pair.known_at.tobytes() + pair.rate.tobytes()
            for pair in self.pairs
        ]
        return hashlib.sha256(b"".join(sorted(parts))).hexdigest()

    def _onward(self, here: str) -> list[tuple[str, Leg]]:
        ways = []
        for pair in self.pairs:
            if here == pair.per:
                ways.append((pair.currency, Leg(pair, True)))
            elif here == pair.currency:
                ways.append((pair.per, Leg(pair, False)))
        return ways

    def __repr__(self) -> str:
        told = [f"{pair.name} to {_day(pair)} ({pair.source})" for pair in self.pairs[:5]]
        more = f" and {len(self.pairs) - 5} more" if len(self.pairs) > 5 else ""
        return f"Fixings({', '.join(told)}{more})"


def _along(legs: tuple[Leg, ...], instants: Instants, max_age: Any) -> Floats:
    above, below = np.ones(len(instants)), np.ones(len(instants))
    for pair, onward in legs:
        found = pair.at(instants, max_age)
        if onward:
            above = above * found
        else:
            below = below * found
    return above / below


def _day(pair: Pair) -> str:
    return str(iso(int(pair.known_at[-1])))[:10] if len(pair.known_at) else "never"
