"""Symbols: the many ways to write one instrument, and the one way used here (Yahoo's)."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from aftershock.data.errors import InputError, Problem
from aftershock.data.venues import venue


@dataclass(frozen=True, slots=True)
class Instrument:
    """One listed security or index.

    Attributes
    ----------
    symbol : str
        Yahoo's symbol (``000660.KS``); for an index its short name (``N225``).
    venue : str
        The MIC of the exchange (``XKRX``).
    kind : str
        ``stock``, ``fund`` or ``index``.
    name : str
        "" where it is not in the shipped table.
    currency, market : str
        Of the venue: ``KRW``, ``KR``.
    themes : tuple of str
        Such as ``semis``, ``memory``; empty where it is not in the shipped table.
    """

    symbol: str
    venue: str
    kind: str
    name: str
    currency: str
    market: str
    themes: tuple[str, ...]


class Reading(NamedTuple):
    """What the form of a text says.

    Attributes
    ----------
    text : str
        As written, single spaces.
    rule : str
        ``index`` (a name or alias of an index), ``prefix`` (``KS:000660``), ``suffix`` (Yahoo's, ``000660.KS``),
        ``mark`` (``2330.TT``, ``6857 JP Equity``); "" for none of these.
    mark, code : str
        The exchange and the code as written, in capitals.
    suffixes, symbols : tuple of str
        Yahoo's suffixes that the mark may stand for; Yahoo's symbols that the text may.
    """

    text: str
    rule: str = ""
    mark: str = ""
    code: str = ""
    suffixes: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()


class Board(NamedTuple):
    """Where a Yahoo suffix trades, what its codes look like and to how many digits they are filled."""

    venue: str
    code: str
    digits: int = 0


BOARDS = {
    "T": Board("XTKS", r"[1-9][0-9A-Z]\d[0-9A-Z]\d?"),
    "KS": Board("XKRX", r"\d[0-9A-Z]{5}", 6),
    "KQ": Board("XKOS", r"\d[0-9A-Z]{5}", 6),
    "TW": Board("XTAI", r"\d{4}[0-9A-Z]{0,2}", 4),
    "TWO": Board("ROCO", r"\d{4}[0-9A-Z]{0,2}", 4),
    "HK": Board("XHKG", r"\d{4,5}", 4),
    "SS": Board("XSHG", r"[569]\d{5}"),
    "SZ": Board("XSHE", r"[0123]\d{5}", 6),
    "NS": Board("XNSE", r"[A-Z0-9&-]*[A-Z][A-Z0-9&-]*"),
    "BO": Board("XBOM", r"\d{6}|[A-Z][A-Z0-9&-]*"),
    "AX": Board("XASX", r"[A-Z0-9]{3,6}"),
    "SI": Board("XSES", r"[A-Z0-9]{3,4}"),
    "JK": Board("XIDX", r"[A-Z]{4}"),
    "BK": Board("XBKK", r"[A-Z0-9&-]+"),
    "KL": Board("XKLS", r"\d{4}[A-Z0-9]{0,2}", 4),
    "PS": Board("XPHS", r"[A-Z0-9]+"),
}
"""Yahoo's suffixes, their venues and the codes they take."""

MARKS = {
    **dict.fromkeys(("T", "JP", "JT", "TYO"), ("T",)),
    **dict.fromkeys(("KS", "KP"), ("KS",)),
    **dict.fromkeys(("KQ", "KOSDAQ"), ("KQ",)),
    **dict.fromkeys(("SK", "KR", "KRX"), ("KS", "KQ")),
    **dict.fromkeys(("TWSE", "TPE"), ("TW",)),
    **dict.fromkeys(("TWO", "TPEX"), ("TWO",)),
    **dict.fromkeys(("TT", "TW"), ("TW", "TWO")),
    **dict.fromkeys(("HK", "HKG", "HKEX", "SEHK"), ("HK",)),
    **dict.fromkeys(("SS", "SH", "CG", "SHA", "SSE"), ("SS",)),
    **dict.fromkeys(("SZ", "CS", "SHE", "SZSE"), ("SZ",)),
    **dict.fromkeys(("CH", "CN"), ("SS", "SZ")),
    **dict.fromkeys(("NS", "IS", "NSE"), ("NS",)),
    **dict.fromkeys(("BO", "IB", "BOM", "BSE"), ("BO",)),
    "IN": ("NS", "BO"),
    **dict.fromkeys(("AX", "AU", "AT", "ASX"), ("AX",)),
    **dict.fromkeys(("SI", "SP", "SGX"), ("SI",)),
    **dict.fromkeys(("JK", "IJ", "IDX"), ("JK",)),
    **dict.fromkeys(("BK", "TB", "BKK", "SET"), ("BK",)),
    **dict.fromkeys(("KL", "MK", "KLSE"), ("KL",)),
    **dict.fromkeys(("PS", "PM", "PSE"), ("PS",)),
}
"""What wires, terminals and web pages write for an exchange, and the Yahoo suffixes it may stand for."""

_BEFORE = re.compile(r"([A-Z]+):([0-9A-Z&-]+)")
_AFTER = re.compile(r"([0-9A-Z&-]+)([. :])([A-Z]+)")


def resolve(symbol: str, among: Collection[str] | None = None) -> Instrument:
    """Find the instrument a symbol stands for, whichever dialect it is written in.

    Parameters
    ----------
    symbol : str
        Yahoo's (``000660.KS``, ``^N225``), a wire's (``KS:000660``, ``2330.TT``, ``700.HK``), a
        terminal's (``6857 JP``, ``9988 HK Equity``) or an index by name (``Nikkei 225``).
    among : collection of str, optional
        Symbols that are at hand; they decide what the shipped table cannot (``TT`` is .TW or .TWO).

    Returns
    -------
    Instrument
        From the shipped tables; a well-formed symbol they do not hold is a ``stock`` without a name.

    Raises
    ------
    InputError
        No such exchange, a code it does not take, or several instruments it may be.

    Examples
    --------
    >>> resolve("KS:000660").symbol, resolve("6138.TT").symbol, resolve("Nikkei 225").symbol
    ('000660.KS', '6138.TWO', 'N225')
    >>> resolve("1234.T")
    Instrument(symbol='1234.T', venue='XTKS', kind='stock', name='', currency='JPY', market='JP', themes=())
    """
    reading = read_symbol(symbol)
    chosen = choose(reading.symbols, among)
    if not chosen:
        raise InputError(either(reading) if reading.symbols else unknown(reading.text))
    return _instrument(chosen)


def read_symbol(symbol: str) -> Reading:
    """Read the form of a symbol: the exchange it names, and which of Yahoo's symbols it may stand for.

    Examples
    --------
    >>> read_symbol("660.SK")  # doctest: +NORMALIZE_WHITESPACE
    Reading(text='660.SK', rule='mark', mark='SK', code='660', suffixes=('KS', 'KQ'),
            symbols=('000660.KS', '000660.KQ'))
    """
    text = " ".join(str(symbol).split())
    plain = _plain(text)
    index = _aliases().get(plain) or _aliases().get(plain.removesuffix("INDEX"))
    if index:
        return Reading(text, "index", symbols=(index,))
    upper = text.upper().removesuffix(" EQUITY")
    before, after = _BEFORE.fullmatch(upper), _AFTER.fullmatch(upper)
    if before and before[1] in MARKS:
        return _coded(text, "prefix", before[1], before[2], MARKS[before[1]])
    if after and after[2] == "." and after[3] in BOARDS:
        return _coded(text, "suffix", after[3], after[1], (after[3],))
    if after:
        return _coded(text, "mark", after[3], after[1], MARKS.get(after[3], ()))
    return Reading(text)


def choose(symbols: Sequence[str], among: Collection[str] | None = None) -> str:
    """Choose the symbol that is alone, or alone in the shipped table, or alone at hand; "" where none is.

    Examples
    --------
    >>> choose(["6138.TW", "6138.TWO"]), choose(["9999.TW", "9999.TWO"], among={"9999.TWO"})
    ('6138.TWO', '9999.TWO')
    """
    for at_hand in (symbols, known_instruments(), among or ()):
        found = [symbol for symbol in symbols if symbol in at_hand]
        if len(found) == 1:
            return found[0]
    return ""


@cache
def known_instruments() -> dict[str, Instrument]:
    """Give every instrument of the shipped tables by symbol, indices last.

    Examples
    --------
    >>> known_instruments()["6138.TWO"].name
    'Anpec Electronics'
    """
    known = {}
    for row in read_shipped("instruments.csv"):
        themes = tuple(row["themes"].split())
        known[row["symbol"]] = _listed(row["symbol"], row["kind"], row["name"], themes)
    for row in read_shipped("indices.csv"):
        market = venue(row["venue"]).market
        known[row["symbol"]] = Instrument(
            row["symbol"], row["venue"], row["kind"], row["name"], row["currency"], market, ()
        )
    return known


def yahoo_symbol(symbol: str) -> str:
    """Write a symbol as Yahoo does; only indices differ.

    Examples
    --------
    >>> yahoo_symbol("N225"), yahoo_symbol("8035.T")
    ('^N225', '8035.T')
    """
    resolved = resolve(symbol).symbol
    yahoo = {row["symbol"]: row["yahoo"] for row in read_shipped("indices.csv")}
    return yahoo.get(resolved, resolved)


def read_shipped(name: str) -> list[dict[str, str]]:
    """Read one of the tables that stand beside this module, row by row."""
    text = files("aftershock.data.universes").joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def either(reading: Reading) -> Problem:
    """Say that a text may stand for several instruments."""
    symbols = " or ".join(f"'{symbol}'" for symbol in reading.symbols)
    return Problem("one instrument", f"'{reading.text}', which may be {symbols}", "write which of the two")


def unknown(text: str) -> Problem:
    """Say that a text stands for no instrument, and which are near."""
    cure = "write a Yahoo symbol (000660.KS, 8035.T, 9988.HK) or an index (N225, KOSPI, SPX)"
    meant = near_symbols(text)
    if meant:
        cure = "did you mean " + " or ".join(f"'{symbol}'" for symbol in meant) + "?"
    return Problem("a symbol of a known venue", f"'{text}'", cure)


def same_code(text: str) -> list[str]:
    """List the shipped symbols that have a code, at whichever exchange.

    Examples
    --------
    >>> same_code("INFY")
    ['INFY.NS']
    """
    return [symbol for symbol in known_instruments() if text and symbol.split(".")[0] == text.upper()]


def near_symbols(text: str) -> list[str]:
    """List the shipped symbols of the same code, else those whose symbol or name is nearly the text.

    Examples
    --------
    >>> near_symbols("000660"), near_symbols("Advantst"), near_symbols("9988.XX")
    (['000660.KS'], ['6857.T'], ['9988.HK'])
    """
    known = known_instruments()
    names = {instrument.name.upper(): symbol for symbol, instrument in known.items() if instrument.name}
    names.update(_aliases())
    near = difflib.get_close_matches(text.upper(), [*known, *names], n=2, cutoff=0.7)
    return list(dict.fromkeys(same_code(text) or [names.get(word, word) for word in near]))


def _plain(text: str) -> str:
    return re.sub(r"[^0-9A-Z]", "", text.upper())


@cache
def _aliases() -> dict[str, str]:
    return {
        _plain(alias): row["symbol"]
        for row in read_shipped("indices.csv")
        for alias in (row["symbol"], row["name"], row["yahoo"], *row["aliases"].split(";"))
        if alias
    }


def _coded(text: str, rule: str, mark: str, code: str, suffixes: tuple[str, ...]) -> Reading:
    filled = [(_filled(code, BOARDS[suffix].digits), suffix) for suffix in suffixes]
    symbols = [f"{code}.{suffix}" for code, suffix in filled if re.fullmatch(BOARDS[suffix].code, code)]
    return Reading(text, rule, mark, code, suffixes, tuple(symbols))


def _filled(code: str, digits: int) -> str:
    return code.lstrip("0").zfill(digits) if digits and code.isdigit() else code


def _instrument(symbol: str) -> Instrument:
    return known_instruments().get(symbol) or _listed(symbol, "stock", "", ())


def _listed(symbol: str, kind: str, name: str, themes: tuple[str, ...]) -> Instrument:
    mic = BOARDS[symbol.rsplit(".", 1)[1]].venue
    return Instrument(symbol, mic, kind, name, venue(mic).currency, venue(mic).market, themes)
