"""What a symbol or a company's name stands for, and why."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aftershock.data.errors import Problem
from aftershock.data.universes.names import Match, fold, is_listed, matches, name_of, names
from aftershock.data.universes.symbols import (
    BOARDS,
    Instrument,
    Reading,
    choose,
    either,
    known_instruments,
    near_symbols,
    read_symbol,
    resolve,
    same_code,
    unknown,
    yahoo_symbol,
)
from aftershock.data.venues import venue

NEAR = 8
"""How many names that are merely near are listed."""

TOLD = 6
"""How many symbols an error tells."""

ALIKE = 0.75
"""How alike (difflib ratio) two names are to be near."""

LIKENESS = {
    "exact": "",
    "legal": ", the firm's kind aside",
    "place": ", what stands in brackets aside",
    "begins": ", which begins so",
}
"""What a match leaves aside."""


class Candidate(NamedTuple):
    """A symbol that a text may mean, its name ("" where no table has one) and why."""

    symbol: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a text stands for, and why.

    Attributes
    ----------
    text : str
        As given, single spaces.
    symbol : str
        The symbol used here; "" where the text stands for none or may stand for several.
    instrument : Instrument or None
        The same as an instrument.
    status : str
        ``ok`` (the symbol as it is written here), ``other dialect`` (`resolve` understands it), ``name`` (a
        company's, which only `explain` understands), ``ambiguous`` or ``unknown``.
    how : str
        One sentence: which prefix, suffix, mark, alias or name led there, or why nothing did.
    candidates : tuple of Candidate
        All that the text may mean, the chosen one first; names that are merely near last.
    problem : Problem or None
        Where no symbol was found: what to write.
    """

    text: str
    symbol: str
    instrument: Instrument | None
    status: str
    how: str
    candidates: tuple[Candidate, ...]
    problem: Problem | None = None


def explain(text: str, among: Collection[str] | None = None) -> Explanation:
    """Say what a symbol or a company's name stands for, and why.

    Parameters
    ----------
    text : str
        A symbol in any dialect, an index or a company. Case, spaces, hyphens, accents and ``Co., Ltd.`` do not
        matter in a name.
    among : collection of str, optional
        Symbols that are at hand, as `resolve` takes them.

    Returns
    -------
    Explanation
        Its symbol is that of `resolve` wherever `resolve` finds one; a company's name is found besides.

    Examples
    --------
    >>> explain("KS:000660").how
    'the prefix KS means the Korea Exchange (XKRX, .KS); the code 000660 is SK hynix in the shipped table'
    >>> explain("SK Hynix Inc.").symbol, explain("6138.TT").symbol, explain("000660").symbol
    ('000660.KS', '6138.TWO', '')
    """
    reading = read_symbol(text)
    if reading.rule == "index":
        return _index(reading)
    if reading.symbols:
        symbol = choose(reading.symbols, among)
        return _chosen(reading, symbol) if symbol else _undecided(reading)
    found = matches(reading.text)
    return _named(reading, found) if found else _unknown(reading)


def _index(reading: Reading) -> Explanation:
    (symbol,) = reading.symbols
    one = known_instruments()[symbol]
    word = "Yahoo's symbol" if reading.text.upper() == yahoo_symbol(symbol) else "an alias"
    if reading.text == symbol:
        word = "the symbol"
    how = f"'{reading.text}' is {word} of the {one.kind} {one.name} in the shipped table"
    return _found(reading.text, symbol, how, [Candidate(symbol, one.name, "in the shipped table")])


def _chosen(reading: Reading, symbol: str) -> Explanation:
    why = {one: _why(one) for one in reading.symbols}
    name, code = name_of(symbol), symbol.rsplit(".", 1)[0]
    if len(reading.symbols) > 1:
        which = f"the shipped table has {symbol}, {name}"
        if symbol not in known_instruments():
            which = f"of its boards, only {symbol} is at hand"
            why[symbol] = "at hand"
    elif name:
        which = f"the code {code} is {name} in {_table(symbol)}"
    else:
        which = f"the code {code} is in no shipped table, but has the form of the exchange's codes"
    candidates = [Candidate(one, name_of(one), why[one]) for one in reading.symbols]
    return _found(reading.text, symbol, f"{_exchange(reading)}; {which}", candidates)


def _undecided(reading: Reading) -> Explanation:
    shipped = [symbol for symbol in reading.symbols if symbol in known_instruments()]
    which = "the shipped table has more than one of them" if shipped else "the shipped table has none of them"
    candidates = [Candidate(symbol, name_of(symbol), _why(symbol)) for symbol in reading.symbols]
    return _lost(reading.text, "ambiguous", f"{_exchange(reading)}; {which}", candidates, either(reading))


def _named(reading: Reading, found: Sequence[Match]) -> Explanation:
    """Explain a text that is a company's name: the likest names decide, the others are listed."""
    text, best = reading.text, [match for match in found if match.how == found[0].how]
    meant = {match.name.symbol for match in best} - {""}
    listed = sorted(symbol for symbol in meant if is_listed(symbol))
    if len(listed) == 1:
        how = f"'{text}' is {_said(best, listed[0])}"
        return _found(text, listed[0], how, _candidates(found), status="name")
    if not listed:
        return _nameless(text, found, foreign=sorted(meant))
    share = "begins the names" if best[0].how == "begins" else "is the name"
    problem = Problem("one instrument", f"'{text}', which may be {_or(listed)}", "write the symbol")
    how = f"'{text}' {share} of {len(listed)} instruments"
    return _lost(text, "ambiguous", how, _candidates(found), problem)


def _nameless(text: str, found: Sequence[Match], foreign: Sequence[str]) -> Explanation:
    """Explain a name that is known and yet means no instrument of a venue here."""
    same = [Candidate(symbol, name_of(symbol), "the same code") for symbol in same_code(text)]
    candidates = [*_candidates(found), *same]
    how = f"'{text}' is a name that news keeps apart from names like it, and no shipped table has its symbol"
    cure = "write a Yahoo symbol (000660.KS, 8035.T, 9988.HK)"
    if foreign:
        who = "a symbol" if foreign[0] == text else f"{name_of(foreign[0])} ({foreign[0]})"
        how = f"'{text}' is {who} that news names and no venue here lists"
        cure = "write an instrument of one of the venues here"
    if same:
        cure = f"did you mean {_or(symbol for symbol, *_ in same)}?"
    return _lost(text, "unknown", how, candidates, Problem("a symbol of a known venue", f"'{text}'", cure))


def _unknown(reading: Reading) -> Explanation:
    near = _near(reading.text)
    problem = unknown(reading.text)
    if near:
        meant = [candidate.symbol for candidate in near[:2]]
        problem = Problem(problem.expected, problem.got, f"did you mean {_or(meant)}?")
    return _lost(reading.text, "unknown", _why_not(reading), near, problem)


def _found(
    text: str, symbol: str, how: str, candidates: Iterable[Candidate], status: str = "other dialect"
) -> Explanation:
    status = "ok" if text == symbol else status
    ranked = sorted(candidates, key=lambda candidate: candidate.symbol != symbol)
    return Explanation(text, symbol, resolve(symbol), status, how, tuple(ranked))


def _lost(text: str, status: str, how: str, candidates: Iterable[Candidate], problem: Problem) -> Explanation:
    return Explanation(text, "", None, status, how, tuple(candidates), problem)


def _exchange(reading: Reading) -> str:
    """Say what the mark of an exchange means."""
    places = [(venue(BOARDS[suffix].venue), suffix) for suffix in reading.suffixes]
    if reading.rule == "suffix":
        return f".{reading.mark} is Yahoo's suffix of the {places[0][0].name} ({places[0][0].mic})"
    boards = " or ".join(f"the {place.name} ({place.mic}, .{suffix})" for place, suffix in places)
    return f"the {reading.rule} {reading.mark} means {boards}"


def _why_not(reading: Reading) -> str:
    if reading.suffixes:
        return f"{_exchange(reading)}, whose codes do not look like {reading.code}"
    if reading.rule:
        return f"{reading.mark} is no exchange's mark known here, and no shipped table has such a name"
    return "it names no exchange (000660.KS, KS:000660), and no shipped table has such a name"


def _table(symbol: str) -> str:
    return "the shipped table" if symbol in known_instruments() else "the names that news uses"


def _why(symbol: str) -> str:
    if name_of(symbol):
        return f"in {_table(symbol)}"
    return "in no shipped table; its code has the form of the exchange's"


def _said(best: Sequence[Match], symbol: str) -> str:
    """Say whose name it is, and where that name stands."""
    name, how = next(match for match in best if match.name.symbol == symbol)
    if how == "exact":
        return f"{symbol} in {name.table}"
    return f"{symbol}, {name.written} in {name.table}{LIKENESS[how]}"


def _candidates(found: Sequence[Match]) -> list[Candidate]:
    """List what names may mean, each symbol once: all that decide, and some that only begin so."""
    several = len({match.name.symbol for match in found if match.how == found[0].how}) > 1
    once: dict[str, Candidate] = {}
    for name, how in found:
        if name.symbol and name.symbol not in once:
            why = f"'{name.written}' in {name.table}{LIKENESS[how]}"
            once[name.symbol] = Candidate(name.symbol, name_of(name.symbol), why)
    return list(once.values())[: None if several else NEAR]


def _near(text: str) -> list[Candidate]:
    """List what an unknown text may be a slip of: the same code elsewhere, then names nearly so written."""
    by_key = {"".join(name.words): name for name in reversed(names()) if is_listed(name.symbol)}
    near = difflib.get_close_matches("".join(fold(text)), by_key, n=NEAR, cutoff=ALIKE)
    once = {
        symbol: Candidate(symbol, name_of(symbol), "its code or name is near")
        for symbol in near_symbols(text)
    }
    for key in near:
        name = by_key[key]
        once.setdefault(
            name.symbol, Candidate(name.symbol, name_of(name.symbol), f"'{name.written}' is near")
        )
    return list(once.values())


def _or(symbols: Iterable[str]) -> str:
    quoted = [f"'{symbol}'" for symbol in symbols]
    more = [f"{len(quoted) - TOLD} more"] if len(quoted) > TOLD else []
    return " or ".join([*quoted[:TOLD], *more])
