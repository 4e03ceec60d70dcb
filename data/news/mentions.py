"""Who a text is about: tickers in every dialect, company names and index names, each as one listed symbol.

A company listed twice is taken where foreign money trades it: Hong Kong before Shanghai and Shenzhen, Asia before New
York. A text that writes a ticker beside a name (``CITIC Securities (600030.SS)``) decides for itself, everywhere in it.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

from aftershock.data.news.types import Mention, Sentence, Span
from aftershock.data.universes.symbols import BOARDS, MARKS, known_instruments, read_shipped, resolve

PLAIN = {
    **dict.fromkeys("\t\r\x0b\x0c\xa0\u2007\u2009\u200a\u202f\u3000", " "),
    **dict.fromkeys("\u2018\u2019\u02bc\u2032`", "'"),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
    **dict.fromkeys("\u201c\u201d", '"'),
}
"""Characters that are read as their plain likes, one for one, so that positions stay."""

AMERICAN = ("US", "UN", "UW", "UQ", "O", "OQ", "N", "K", "P")
"""What stands behind the dot or space of an American ticker (``NVDA.O``, ``TSM US``)."""

_NAMED_ALIKE = (
    *("KS", "KQ", "HK", "TW", "SS", "SZ", "NS", "BO", "AX", "SI", "JK", "BK", "KL", "PS"),
    *("KRX", "KOSDAQ", "TYO", "TWSE", "TPE", "TWO", "TPEX", "HKG", "HKEX", "SEHK"),
    *("SHA", "SSE", "SHE", "SZSE", "NSE", "BSE", "BOM", "ASX", "SGX", "IDX", "KLSE", "PSE"),
)
_IN_NEW_YORK = ("NASDAQ", "Nasdaq", "NasdaqGS", "NYSE", "NYSEARCA", "NYSEAMERICAN", "AMEX")
HOUSES = {
    **{house: house for house in _NAMED_ALIKE},
    **{"TSE": "TYO", "JPX": "TYO", "HKSE": "HKG"},
    **dict.fromkeys(_IN_NEW_YORK, "US"),
}
"""What stands before the colon of a ticker (``KS:000660``, ``NASDAQ: NVDA``), and the mark it is read as."""


class Alias(NamedTuple):
    """A name: its words as written and folded, what joins them, and whether its letters' case must agree."""

    written: tuple[str, ...]
    words: tuple[str, ...]
    gaps: tuple[str, ...]
    exact: bool
    symbol: str
    kind: str


class Names(NamedTuple):
    """Names by their first two folded words (or their only one), longest first; their first words; all their words."""

    names: dict[str, tuple[Alias, ...]]
    first: frozenset[str]
    words: frozenset[str]


class Gazetteer(NamedTuple):
    """The shipped names, the kind of each symbol, and the American tickers."""

    names: Names
    kinds: dict[str, str]
    american: frozenset[str]


def _any(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_WORD = re.compile(r"[^\W_]+")
_CODE = r"[0-9A-Z][0-9A-Z&-]{0,11}"
_SIGN = re.compile(
    rf"\.(?P<mark>{_any((*MARKS, *AMERICAN))})(?![\w%]|\.\w)"
    rf"|: ?(?P<after>{_CODE})(?![.,]?\w)"
    rf"|[(/;](?P<inside>{_CODE}) (?P<inside_mark>{_any((*MARKS, 'US'))})(?: Equity)?(?=[)/,;])"
    r"|\((?P<american>[A-Z]{1,5})(?=\)|,? [+-]\d)"
    r"|\$(?P<cash>[A-Z]{2,5})(?![\w.]\w)"
    r"|[\^.](?P<index>[A-Z][A-Z0-9]{1,9})(?![\w.])"
)
_TERMINAL = re.compile(rf"(?<![\w.,&^:-])({_CODE}) ({_any((*MARKS, 'US'))}) Equity\b")
_CODE_BEFORE = re.compile(rf"(?<![\w.,&^:-]){_CODE}$")
_HOUSE_BEFORE = re.compile(rf"(?<![\w.,&^:-])(?:{_any(HOUSES)}) ?$")
_NAME_BEFORE = re.compile(
    r"(?<![\w'-])((?:[A-Z0-9][\w&.'-]{0,30} (?:(?:of|and|&) )?){0,5}[A-Z][\w&.-]{1,30})(?:'s?)? ?\($"
)
_NAME_BEHIND = re.compile(r" ?\(([A-Z][^()%:;,]{1,60})\)")
_JOIN = re.compile(r"(?:'s?)? ?\(")
_LONGEST_RUN = 4096
_PAPERS = frozenset((("nikkei",), ("straits", "times"), ("dow", "jones")))
_LETTERS_TRUSTED = frozenset(
    ("NS", "NSE", "BO", "BSE", "BOM", "AX", "ASX", "AU", "SI", "SGX", "JK", "IDX", "BK", "KL", "PS", "PSE")
)


@cache
def gazetteer() -> Gazetteer:
    """Read the shipped names; an empty symbol marks words that hold a name and mean no instrument.

    Examples
    --------
    >>> [alias.symbol for alias in gazetteer().names.names["hon hai"]]
    ['2317.TW', '2317.TW', '2317.TW']
    """
    text = files("aftershock.data.news").joinpath("gazetteer.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    aliases = [_alias(row["alias"], row["symbol"], row["kind"]) for row in rows if row["alias"]]
    kinds = {row["symbol"]: row["kind"] for row in rows if row["symbol"]}
    american = frozenset(symbol for symbol, kind in kinds.items() if kind != "index" and "." not in symbol)
    return Gazetteer(_indexed(aliases), kinds, american)


def yahoo_style(symbol: str) -> str:
    """Write a mention's symbol as Yahoo does; one that is no shipped index stays as it is.

    Examples
    --------
    >>> yahoo_style("KOSPI"), yahoo_style("NVDA"), yahoo_style("000660.KS")
    ('^KS11', 'NVDA', '000660.KS')
    """
    return _yahoo_indices().get(symbol, symbol)


def plainly(text: str) -> str:
    """Write a text in plain characters, each in its place.

    Examples
    --------
    >>> plainly("Alibaba’s\u00a0rise")
    "Alibaba's rise"
    """
    for odd, plain in PLAIN.items():
        if odd in text:
            text = text.replace(odd, plain)
    return text


def find_mentions(text: str, sentences: Sequence[Sentence]) -> list[Mention]:
    """Find the instruments that the sentences of a text name.

    Parameters
    ----------
    text : str
        The document's text.
    sentences : sequence of Sentence
        Where its news stands; nothing outside is read.

    Returns
    -------
    list of Mention
        In the order of the text, none overlapping another. A name and the ticker in parentheses beside it are one
        mention. Symbols are those of `resolve` (``000660.KS``, ``N225``), American ones bare (``NVDA``).

    Examples
    --------
    >>> text = "Alibaba’s cloud arm and TSMC (2330.TT) led the Hang Seng; Nvidia fell."
    >>> [(found.text, found.symbol) for found in find_mentions(text, [Sentence(Span(0, len(text)), "body")])]
    [('Alibaba', '9988.HK'), ('TSMC (2330.TT)', '2330.TW'), ('Hang Seng', 'HSI'), ('Nvidia', 'NVDA')]
    """
    plain = plainly(text)
    written = [list(_tickers(plain, sentence.span)) for sentence in sentences]
    names = _learned(plain, sentences, written)
    found: list[Mention] = []
    for sentence, tickers in zip(sentences, written, strict=True):
        named = _names(plain, sentence.span, tickers, names)
        found.extend(_joined(plain, sorted([*tickers, *named])))
    return [mention._replace(text=text[mention.span.start : mention.span.end]) for mention in found]


def _tickers(plain: str, span: Span) -> Iterator[Mention]:
    """Find tickers by the sign that every dialect has: a dot, a colon, a bracket, a dollar, a caret."""
    end = span.start
    for start, stop, code, mark in sorted({*_signed(plain, span), *_terminal(plain, span)}):
        listed = _index(code) if mark == "^" else listing(code, mark.lstrip(":"), exact=mark.startswith(":"))
        if listed and start >= end:
            end = stop
            yield Mention(Span(start, stop), plain[start:stop], *listed)


def _signed(plain: str, span: Span) -> Iterator[tuple[int, int, str, str]]:
    """Give the place, code and mark of what may be a ticker; a colon marks a house before the code."""
    for sign in _SIGN.finditer(plain, span.start, span.end):
        at, end = sign.span()
        if sign["mark"]:
            code = _CODE_BEFORE.search(plain, max(span.start, at - 13), at)
            if code:
                yield code.start(), end, code[0], sign["mark"]
        elif sign["after"]:
            house = _HOUSE_BEFORE.search(plain, max(span.start, at - 14), at)
            if house and (len(house[0]) > 2 or plain[at + 1] != " "):
                yield house.start(), end, sign["after"], ":" + HOUSES[house[0].strip()]
        elif sign["inside"]:
            yield at + 1, end, sign["inside"], sign["inside_mark"]
        elif sign["american"]:
            if len(sign["american"]) > 2 or _NAME_BEFORE.search(plain, max(span.start, at - 80), at + 1):
                yield at + 1, end, sign["american"], "US"
        elif sign["cash"]:
            yield at, end, sign["cash"], "US"
        elif at == 0 or not (plain[at - 1].isalnum() or plain[at - 1] == "."):
            yield at, end, sign["index"], "^"


def _terminal(plain: str, span: Span) -> Iterator[tuple[int, int, str, str]]:
    if plain.find(" Equity", span.start, span.end) >= 0:
        for match in _TERMINAL.finditer(plain, span.start, span.end):
            yield *match.span(), match[1], match[2]


def _index(code: str) -> tuple[str, str] | None:
    symbol = _index_codes().get(code)
    return (symbol, gazetteer().kinds.get(symbol, "index")) if symbol else None


@lru_cache(maxsize=8192)
def listing(code: str, mark: str, exact: bool = False) -> tuple[str, str] | None:
    """Find the symbol and kind of a code at an exchange.

    Parameters
    ----------
    code, mark : str
        ``6138`` and ``TT``; a mark of `MARKS` or of `AMERICAN`.
    exact : bool
        Whether the code must have all its digits.

    Returns
    -------
    tuple of str, or None
        None where no such code can be, or where letters are too common to be trusted. A code that may be of two
        boards and is in no shipped table is taken to be of the main one.

    Examples
    --------
    >>> listing("6138", "TT"), listing("700", "HK"), listing("FED", "US")
    (('6138.TWO', 'stock'), ('0700.HK', 'stock'), None)
    """
    kinds = gazetteer().kinds
    if mark in AMERICAN:
        known = code in gazetteer().american and (len(code) > 1 or mark == "US")
        return (code, kinds[code]) if known else None
    candidates = [f"{filled}.{suffix}" for suffix in MARKS[mark] for filled in _filled(code, suffix, exact)]
    shipped = [symbol for symbol in candidates if symbol in kinds or symbol in known_instruments()]
    if not shipped and code.isalpha() and (mark not in _LETTERS_TRUSTED or len(code) < 2):
        return None
    if not candidates:
        return None
    instrument = resolve((shipped or candidates)[0])
    return instrument.symbol, kinds.get(instrument.symbol, instrument.kind)


def _filled(code: str, suffix: str, exact: bool) -> list[str]:
    board = BOARDS[suffix]
    if exact and code.isdigit() and suffix != "HK" and len(code) < board.digits:
        return []
    filled = code.lstrip("0").zfill(board.digits) if board.digits and code.isdigit() else code
    fits = re.fullmatch(board.code, filled) or f"{filled}.{suffix}" in _index_symbols()
    return [filled] if fits and (len(code) > 2 or suffix == "HK") else []


@cache
def _yahoo_indices() -> dict[str, str]:
    return {row["symbol"]: row["yahoo"] for row in read_shipped("indices.csv")}


@cache
def _index_symbols() -> frozenset[str]:
    return frozenset(_yahoo_indices().values())


@cache
def _index_codes() -> dict[str, str]:
    """Give the codes of indices (``N225``, ``KS11``, ``SSEC``) without caret or dot."""
    codes: dict[str, str] = {}
    for row in read_shipped("indices.csv"):
        for alias in (row["symbol"], row["yahoo"], *row["aliases"].split(";")):
            if re.fullmatch(r"\^?[A-Z0-9]+", alias):
                codes[alias.removeprefix("^")] = row["symbol"]
    foreign = {symbol.removeprefix("^"): symbol for symbol in gazetteer().kinds if symbol.startswith("^")}
    return {**foreign, **codes}


def _alias(name: str, symbol: str, kind: str, exact: bool = False) -> Alias:
    words = list(_WORD.finditer(name))
    written = tuple(word[0] for word in words)
    folded = tuple(word.casefold() for word in written)
    return Alias(written, folded, _gaps(name, words), exact or name.upper() == name, symbol, kind)


def _indexed(aliases: Iterable[Alias]) -> Names:
    names: dict[str, list[Alias]] = {}
    words: set[str] = set()
    for alias in sorted(aliases, key=lambda one: -len(one.words)):
        names.setdefault(" ".join(alias.words[:2]), []).append(alias)
        words.update(alias.words)
    first = frozenset(key.split(" ")[0] for key in names)
    return Names({key: tuple(found) for key, found in names.items()}, first, frozenset(words))


def _gaps(plain: str, words: Sequence[re.Match[str]]) -> tuple[str, ...]:
    return tuple(_gap(plain, one.end(), two.start()) for one, two in itertools.pairwise(words))


def _gap(plain: str, start: int, end: int) -> str:
    """Say what joins two words; a hyphen is as good as a space."""
    if end - start > 4:
        return "far"
    between = plain[start:end].strip()
    return "" if between == "-" else between


def _names(plain: str, span: Span, tickers: Sequence[Mention], own: Names) -> Iterator[Mention]:
    """Find names in one sentence: from each word on the longest one, past the tickers."""
    for run in _runs(plain, span, tickers, own):
        folded = [word[0].casefold() for word in run]
        at = 0
        while at < len(run):
            alias = _longest(plain, run, folded, at, own.names)
            if alias is None:
                at += 1
                continue
            here = Span(run[at].start(), run[at + len(alias.words) - 1].end())
            at += len(alias.words)
            if alias.symbol and not (alias.words in _PAPERS and _is_source(plain, span, here)):
                yield Mention(here, plain[here.start : here.end], alias.symbol, alias.kind)


def _longest(
    plain: str,
    run: Sequence[re.Match[str]],
    folded: Sequence[str],
    at: int,
    names: dict[str, tuple[Alias, ...]],
) -> Alias | None:
    for key in (" ".join(folded[at : at + 2]), folded[at]):
        for alias in names.get(key, ()):
            if _stands(plain, run, folded, at, alias):
                return alias
    return None


def _runs(plain: str, span: Span, tickers: Sequence[Mention], own: Names) -> Iterator[list[re.Match[str]]]:
    """Give runs of words that begin and go on like names; whatever else a text holds is never kept."""
    run: list[re.Match[str]] = []
    first, going = own.first, own.words
    for word in _words(plain, span, tickers):
        folded = word[0].casefold()
        if folded in (going if run else first) and len(run) < _LONGEST_RUN:
            run.append(word)
        elif run:
            yield run
            run = [word] if folded in first else []
    if run:
        yield run


def _words(plain: str, span: Span, tickers: Sequence[Mention]) -> Iterator[re.Match[str]]:
    start = span.start
    for ticker in tickers:
        yield from _WORD.finditer(plain, start, ticker.span.start)
        start = ticker.span.end
    yield from _WORD.finditer(plain, start, span.end)


def _stands(plain: str, run: Sequence[re.Match[str]], folded: Sequence[str], at: int, alias: Alias) -> bool:
    """Say whether a name stands at a word: its words, what joins them, and its case."""
    size = len(alias.words)
    words = run[at : at + size]
    if size > 1 and (tuple(folded[at : at + size]) != alias.words or _gaps(plain, words) != alias.gaps):
        return False
    if alias.exact:
        return all(word[0] == meant for word, meant in zip(words, alias.written, strict=True))
    return words[0][0][0].isupper() or not alias.written[0][0].isupper()


def _is_source(plain: str, sentence: Span, here: Span) -> bool:
    """Say whether a name is the newspaper that is quoted: in parentheses of its own, or behind a headline's colon."""
    before = plain[max(sentence.start, here.start - 3) : here.start].rstrip()[-1:]
    after = plain[here.end : min(sentence.end, here.end + 3)].strip()
    if before in ("(", ",", "/") and after[:1] in (")", ",", "/"):
        return before == "(" or after[:1] == ")"
    return before in (":", "-") and not after


def _learned(plain: str, sentences: Sequence[Sentence], written: Sequence[Sequence[Mention]]) -> Names:
    """Add to the shipped names those that the text itself ties to tickers: ``Foo Corp (1234.HK)``."""
    shipped = gazetteer().names
    own: dict[tuple[str, ...], Alias] = {}
    for sentence, tickers in zip(sentences, written, strict=True):
        for ticker in tickers:
            for name in _beside(plain, sentence.span, ticker.span):
                alias = _alias(name, ticker.symbol, ticker.kind, exact=True)
                own.setdefault(alias.words, alias)
    if not own:
        return shipped
    ours = _indexed(own.values())
    both = {key: (*aliases, *shipped.names.get(key, ())) for key, aliases in ours.names.items()}
    names = {
        **shipped.names,
        **{key: tuple(sorted(found, key=lambda one: -len(one.words))) for key, found in both.items()},
    }
    return Names(names, shipped.first | ours.first, shipped.words | ours.words)


def _beside(plain: str, sentence: Span, ticker: Span) -> Iterator[str]:
    """Give the names that stand around a ticker: before it in parentheses, or in parentheses behind it."""
    before = _NAME_BEFORE.search(plain, max(sentence.start, ticker.start - 90), ticker.start)
    if before:
        yield _without_apposition(before[1])
    behind = _NAME_BEHIND.match(plain, ticker.end, sentence.end)
    if behind:
        yield _without_apposition(behind[1])


def _without_apposition(name: str) -> str:
    """Leave out what only introduces a name: ``China's``, and words before a name that is shipped."""
    words = name.split("'s ")[-1].split()
    shipped = gazetteer().names.names
    for start in range(len(words)):
        alias = _alias(" ".join(words[start:]), "", "")
        if any(alias.words == known.words for known in shipped.get(" ".join(alias.words[:2]), ())):
            return " ".join(words[start:])
    return " ".join(words)


def _joined(plain: str, mentions: Sequence[Mention]) -> Iterator[Mention]:
    """Make one mention of a name and the ticker beside it."""
    last: Mention | None = None
    for mention in mentions:
        if (
            last
            and last.symbol == mention.symbol
            and _JOIN.fullmatch(plain, last.span.end, mention.span.start)
        ):
            end = mention.span.end + plain.startswith(")", mention.span.end)
            last = last._replace(span=Span(last.span.start, end))
            continue
        if last:
            yield last
        last = mention
    if last:
        yield last
