"""Universes: named sets of instruments."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.universes.symbols import Instrument, read_shipped, resolve

CHOSEN = "chosen"
"""The name of a universe that was given as a list of symbols."""


@dataclass(frozen=True, slots=True)
class Universe:
    """A named set of instruments, in order.

    Attributes
    ----------
    name : str
    instruments : tuple of Instrument

    Examples
    --------
    >>> semis = universe("asia-semis")
    >>> "000660.KS" in semis.in_market("KR").in_theme("memory").symbols
    True
    """

    name: str
    instruments: tuple[Instrument, ...]

    def __len__(self) -> int:
        """Count the instruments."""
        return len(self.instruments)

    def __iter__(self) -> Iterator[Instrument]:
        """Go through the instruments in order."""
        return iter(self.instruments)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The instruments' symbols, in order."""
        return tuple(instrument.symbol for instrument in self.instruments)

    @property
    def survivorship(self) -> str:
        """One sentence on who is missing, for every report made from this universe.

        Examples
        --------
        >>> universe("asia-indices").survivorship
        'Indices do not fail: a published index has already replaced the firms that did.'
        """
        if all(instrument.kind == "index" for instrument in self.instruments):
            return "Indices do not fail: a published index has already replaced the firms that did."
        whose = (
            "The symbols were chosen by hand"
            if self.name == CHOSEN
            else f"'{self.name}' holds today's constituents"
        )
        return (
            f"{whose}: firms that were delisted, taken over or dropped are missing, "
            "so past results look better than they could have been (survivorship bias)."
        )

    def in_market(self, market: str) -> Universe:
        """Keep one market's instruments (``KR``).

        Raises
        ------
        InputError
            No instrument of the universe is listed there.
        """
        kept = tuple(instrument for instrument in self.instruments if instrument.market == market)
        return self._part(market, kept, "market", {instrument.market for instrument in self.instruments})

    def in_theme(self, theme: str) -> Universe:
        """Keep one theme's instruments (``semis``).

        Raises
        ------
        InputError
            No instrument of the universe has that theme.
        """
        kept = tuple(instrument for instrument in self.instruments if theme in instrument.themes)
        themes = {theme for instrument in self.instruments for theme in instrument.themes}
        return self._part(theme, kept, "theme", themes)

    def _part(self, word: str, kept: tuple[Instrument, ...], what: str, known: set[str]) -> Universe:
        if not kept:
            cure = did_you_mean(word, known)
            raise InputError(Problem(f"a {what} of the universe '{self.name}'", f"'{word}'", cure))
        return Universe(f"{self.name}/{word}", kept)


def universe(spec: str | Iterable[str] | Universe) -> Universe:
    """Make a universe of a shipped name or of symbols.

    Parameters
    ----------
    spec : str, iterable of str, or Universe
        ``asia-semis`` and the like, see `universe_names`; or several of them, and symbols in any dialect.

    Returns
    -------
    Universe
        A universe comes back as it is; symbols that mean the same instrument count once.

    Raises
    ------
    InputError
        An unknown name or symbol (every one of them is listed), or no symbol at all.

    Examples
    --------
    >>> universe(["KS:000660", "8035.T", "000660.KS"]).symbols
    ('000660.KS', '8035.T')
    """
    if isinstance(spec, Universe):
        return spec
    if isinstance(spec, str):
        return _shipped(spec)
    chosen: dict[str, Instrument] = {}
    problems: list[Problem] = []
    words = list(spec)
    for word in words:
        try:
            found = _shipped(word).instruments if word in _members() else (resolve(word),)
            chosen.update({instrument.symbol: instrument for instrument in found})
        except InputError as error:
            near = difflib.get_close_matches(word, _members(), n=1)
            problems.extend(_unknown(word).problems if near else error.problems)
    if not chosen and not problems:
        problems.append(Problem("at least one symbol", "none", "name a universe or list symbols"))
    if problems:
        raise InputError(problems)
    shipped = all(word in _members() for word in words)
    return Universe(" + ".join(words) if shipped else CHOSEN, tuple(chosen.values()))


def universe_names() -> tuple[str, ...]:
    """List the shipped universes.

    Examples
    --------
    >>> universe_names()[:3]
    ('asia-semis', 'asia-tech', 'asia-indices')
    """
    return tuple(_members())


@cache
def _members() -> dict[str, list[str]]:
    members: dict[str, list[str]] = {}
    for row in read_shipped("members.csv"):
        members.setdefault(row["universe"], []).append(row["symbol"])
    return members


def _shipped(name: str) -> Universe:
    members = _members()
    if name not in members:
        raise _unknown(name)
    return Universe(name, tuple(resolve(symbol) for symbol in members[name]))


def _unknown(name: str) -> InputError:
    cure = did_you_mean(name, _members()) + " (or give a list of symbols)"
    return InputError(Problem("a universe", f"'{name}'", cure))
