"""Exchanges and their clocks: what can be traded, and when, by someone who knows at an instant."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aftershock.data.calendars import Sessions, positions, sessions, shipped
from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.instants import Instants, like, to_ns

VENUES: tuple[str, ...] = tuple(shipped.places())
"""The MICs of all venues."""


@dataclass(frozen=True, slots=True)
class Venue:
    """One exchange.

    Instants come in as ``to_ns`` takes them (a scalar is an array of one) and go out in kind: int64 for
    int64, ``datetime64[ns]`` for ``datetime64``, else a zoned DatetimeIndex. ``NAT`` comes out where ``NAT``
    went in and where the calendar does not reach.

    Attributes
    ----------
    mic, name : str
        Market identifier and name.
    market : str
        Country or market: JP, KR, TW, HK, CN, IN, SG, AU, ID, TH, MY, PH, US.
    zone, currency : str
        IANA time zone and ISO currency.
    calendar_of : str
        The venue whose days it keeps; itself for most.

    Examples
    --------
    >>> hong_kong = venue("XHKG")
    >>> hong_kong.first_tradable("2025-06-11T12:00+08:00")[0].isoformat()
    '2025-06-11T05:00:00+00:00'
    >>> hong_kong.next_open("2025-06-11T09:21+08:00")[0].isoformat()
    '2025-06-12T01:30:00+00:00'
    >>> hong_kong.phase("2025-06-11T12:00+08:00").item()
    'lunch'
    """

    mic: str
    name: str
    market: str
    zone: str
    currency: str
    calendar_of: str

    @property
    def sessions(self) -> Sessions:
        """The venue's sessions."""
        return sessions(self.mic)

    def first_tradable(self, instants: Any) -> Any:
        """Give the first instant of continuous trading at or after each instant.

        Trading is ``[open, lunch) U [reopen, close)``: an instant at the very open trades, one at the very
        close does not.
        """
        return like(positions.first_tradable(self.sessions, to_ns(instants)), instants)

    def next_open(self, instants: Any) -> Any:
        """Give the opening of the first session whose ``open_cutoff`` is at or after each instant."""
        days = self.sessions
        position = positions.open_position(days, to_ns(instants))
        return like(positions.instants_of(days.opens_at, position), instants)

    def next_close(self, instants: Any) -> Any:
        """Give the close of the first session whose ``close_cutoff`` is at or after each instant."""
        days = self.sessions
        position = positions.close_position(days, to_ns(instants))
        return like(positions.instants_of(days.closes_at, position), instants)

    def phase(self, instants: Any) -> NDArray[np.str_]:
        """Name the part of the local day in which each instant falls.

        Returns
        -------
        ndarray of str, shape (n,)
            On a local date with a session ``pre-open``, ``session``, ``lunch`` or ``after close``; else
            ``weekend`` or ``holiday``; "" for ``NAT`` and for dates that the calendar does not reach.
        """
        codes = positions.phase_codes(self.sessions, _midnights(self.mic, self.zone), to_ns(instants))
        return np.array(positions.PHASES)[codes]


@lru_cache
def venue(mic: str) -> Venue:
    """Give a venue by its MIC.

    Parameters
    ----------
    mic : str
        One of ``VENUES``.

    Raises
    ------
    InputError
        A venue that is not known.

    Examples
    --------
    >>> venue("XKOS").calendar_of
    'XKRX'
    """
    if mic not in VENUES:
        raise InputError(Problem("the MIC of a known venue", f"'{mic}'", did_you_mean(mic.upper(), VENUES)))
    row = shipped.places()[mic]
    return Venue(mic, row["name"], row["market"], row["zone"], row["currency"], row["calendar_of"])


@lru_cache(maxsize=64)
def _midnights(mic: str, zone: str) -> Instants:
    return positions.local_midnights(sessions(mic), zone)
