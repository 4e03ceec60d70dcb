"""Names of companies: those of the shipped tables and those that news uses, found however they are written."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from aftershock.data.universes.symbols import known_instruments, read_symbol

LEGAL = frozenset(
    (
        *(
            "co",
            "company",
            "corp",
            "corporation",
            "inc",
            "incorporated",
            "limited",
            "ltd",
            "plc",
            "pcl",
            "kk",
        ),
        *("pt", "pte", "pvt", "tbk", "bhd", "berhad", "ag", "nv"),
    )
)
"""Words that say what kind of firm it is, not which."""

PLACES = ("Hong Kong", "Shanghai")
"""What stands in brackets behind a name and is no name."""

LEAST = 3
"""How many letters a beginning must have to be taken for a name's."""


class Name(NamedTuple):
    """One name of a company: as written, its folded words, the symbol ("" for none) and the table it is from."""

    written: str
    words: tuple[str, ...]
    symbol: str
    table: str


class Match(NamedTuple):
    """A name that a text may mean, and how alike they are: ``exact``, ``legal``, ``place`` or ``begins``."""

    name: Name
    how: str


def fold(text: str) -> tuple[str, ...]:
    """Write a name as words without case, accents, hyphens and dots.

    Examples
    --------
    >>> fold("Nestlé (M) Berhad"), fold("ＳＫ-hynix")
    (('nestle', 'm', 'berhad'), ('sk', 'hynix'))
    """
    plain = unicodedata.normalize("NFKD", text.replace("&", " and "))
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return tuple(re.findall(r"[^\W_]+", letters.casefold()))


def without_legal(words: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out the words at a name's ends that say what kind of firm it is.

    Examples
    --------
    >>> without_legal(fold("PT Bank Mandiri Tbk")), without_legal(fold("SK hynix Co., Ltd."))
    (('bank', 'mandiri'), ('sk', 'hynix'))
    """
    while len(words) > 1 and words[-1] in LEGAL:
        words = words[:-1]
    return words[1:] if len(words) > 1 and words[0] in ("pt", "the") else words


def matches(text: str) -> list[Match]:
    """Find the names that a text may mean, the likest first.

    Examples
    --------
    >>> likest = matches("Hua-Hong")[0]
    >>> likest.how, likest.name.symbol
    ('exact', '1347.HK')
    """
    words = fold(text)
    short = without_legal(words)
    key, short_key = "".join(words), "".join(short)
    if not key:
        return []
    found = [
        *(Match(name, "exact") for name in _by_key()[0].get(key, ())),
        *(Match(name, "legal") for name in _by_key()[1].get(short_key, ())),
        *(Match(name, "place") for name in _by_key()[2].get(short_key, ())),
    ]
    if len(short_key) >= LEAST:
        found += [Match(name, "begins") for name in names() if _begins(name, short)]
    once: dict[Name, Match] = {}
    for match in found:
        once.setdefault(match.name, match)
    return list(once.values())


@cache
def names() -> tuple[Name, ...]:
    """Give all names: the shipped instruments', then those by which news calls them."""
    shipped = [
        Name(one.name, fold(one.name), one.symbol, "the shipped table")
        for one in known_instruments().values()
    ]
    told = [Name(name, fold(name), symbol, "the names that news uses") for symbol, name in _told()]
    return tuple(shipped + told)


@cache
def name_of(symbol: str) -> str:
    """Give an instrument's name, from whichever table has one; "" where none has.

    Examples
    --------
    >>> name_of("000660.KS"), name_of("4502.T"), name_of("1234.T")
    ('SK hynix', 'Takeda Pharmaceutical', '')
    """
    return next((name.written for name in names() if name.symbol == symbol), "")


@cache
def is_listed(symbol: str) -> bool:
    """Say whether a symbol is one of a venue here; news names others (``NVDA``) besides."""
    return bool(read_symbol(symbol).symbols)


def _told() -> Iterator[tuple[str, str]]:
    # Not by way of the package of news, which would bring the tagger along.
    text = files("aftershock.data").joinpath("news", "gazetteer.csv").read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        foreign = row["symbol"] and not is_listed(row["symbol"])
        yield from (
            (row["symbol"], name) for name in (row["alias"], row["symbol"] if foreign else "") if name
        )


@cache
def _by_key() -> tuple[dict[str, list[Name]], ...]:
    """Names by all their letters; by those without legal words; and by those without what stands in brackets."""
    exact: dict[str, list[Name]] = {}
    legal: dict[str, list[Name]] = {}
    place: dict[str, list[Name]] = {}
    for name in names():
        exact.setdefault("".join(name.words), []).append(name)
        legal.setdefault("".join(without_legal(name.words)), []).append(name)
        bracketed = re.fullmatch(r"(.+) \((.+)\)", name.written)
        for part in bracketed.groups() if bracketed else ():
            if part not in PLACES:
                place.setdefault("".join(without_legal(fold(part))), []).append(name)
    return exact, legal, place


def _begins(name: Name, words: tuple[str, ...]) -> bool:
    return bool(name.symbol) and name.words[: len(words)] == words
