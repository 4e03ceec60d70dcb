"""Where sentences end: financial English with its abbreviations, initials, decimals, tickers and quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aftershock.data.news.dates import word_set
from aftershock.data.news.types import Span

MAX_SENTENCE = 4000
"""Longer sentences are cut at a blank: no one wrote them."""

_STOP = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’»)\]]*+(?=\s)|(?<![。！？])[。！？]++[」』”）]*+")
_BLANKS = re.compile(r"\s*+")
_ACRONYM = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]")
_WORD = re.compile(r"[A-Za-z]+")
_REACH = 24

_NEVER = word_set(
    """
    mr mrs ms messrs dr prof sen rep gov gen col lt capt sgt st vs v approx e.g i.e cf viz dept ft no
    nos fig hon rev pres sec min avg incl excl ca mt
    """
)
"""Abbreviations that a sentence does not end with; "no" and others end one where no number follows."""

_BEFORE_NUMBER = word_set(
    """
    no nos fig sec min jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs
    fri sat sun q p pp vol ch art
    """
)
"""Abbreviations that run on where a number follows."""

_MAYBE = word_set(
    """
    inc corp co cos ltd plc bros llc intl jr sr etc al est ave a.m p.m am pm yahoo
    """
)
"""Abbreviations after which only a word that begins sentences begins one."""

_STARTERS = word_set(
    """
    a about according across after all also although amid among an and analysts another as asian at back
    banks both but by china data despite during each earlier elsewhere even ahead first five for four
    from futures gains he her here his however i if in india investors it its japan last later many
    markets meanwhile more most nor on one other others our over overall overnight quoting recall
    separately shares she several since so some south stocks such that the their there these they this
    those three traders two under until we what when where which while who why with within yet you
    """
)


def split_sentences(text: str, start: int = 0, end: int | None = None) -> Iterator[Span]:
    """Split a stretch of text into sentences.

    Parameters
    ----------
    text : str
        The text.
    start, end : int
        The stretch; the whole text by default.

    Yields
    ------
    Span
        In order, disjoint, without blanks at either end, together all the stretch's words; at most `MAX_SENTENCE`
        characters each.

    Examples
    --------
    >>> text = "U.S. stocks rose 1.2% on Sept. 12. Apple Inc. led. J. Powell spoke."
    >>> [text[span.start : span.end] for span in split_sentences(text)]
    ['U.S. stocks rose 1.2% on Sept. 12.', 'Apple Inc. led.', 'J. Powell spoke.']
    """
    end = len(text) if end is None else end
    at = _skip(text, start, end)
    for stop in _STOP.finditer(text, at, end):
        if stop.end() <= at:
            continue
        following = _skip(text, stop.end(), end)
        if following < end and not _ends(text, at, stop, following):
            continue
        yield from _pieces(text, at, stop.end())
        at = following
    if at < end:
        yield from _pieces(text, at, end)


def _skip(text: str, at: int, end: int) -> int:
    found = _BLANKS.match(text, at, end)
    return found.end() if found else at


def _ends(text: str, start: int, stop: re.Match[str], following: int) -> bool:
    """Whether a sentence ends at a stop that more text follows."""
    after = text[following]
    if after.islower():
        return False
    if stop[0][0] != "." or stop[0].startswith(".."):
        return text[max(start, stop.start() - 5) : stop.end()].lower() != "yahoo!"
    before = text[max(start, stop.start() - _REACH) : stop.start()].split()
    word = before[-1].lstrip("(\"'“‘[").lower() if before else ""
    if len(stop[0]) > 1 and word not in _NEVER:
        return True
    return _ends_after(word, text, start, stop.start(), following)


def _ends_after(word: str, text: str, start: int, at: int, following: int) -> bool:
    after = text[following]
    if word in _BEFORE_NUMBER:
        return not after.isdigit()
    if word in _NEVER:
        return False
    if word.isdigit():
        # "1. First point": the number of a list, not the end of a sentence.
        return at - len(word) > start
    initial = len(word) == 1 and word.isalpha()
    if initial or word in _MAYBE or _ACRONYM.fullmatch(word):
        begins = _WORD.match(text, following, following + _REACH)
        return not after.isalnum() or (begins is not None and begins[0].lower() in _STARTERS)
    return True


def _pieces(text: str, start: int, end: int) -> Iterator[Span]:
    while end - start > MAX_SENTENCE:
        cut = _last_blank(text, start, start + MAX_SENTENCE)
        stop = cut
        while stop > start and text[stop - 1].isspace():
            stop -= 1
        if stop > start:
            yield Span(start, stop)
        start = _skip(text, cut, end)
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        yield Span(start, end)


def _last_blank(text: str, start: int, end: int) -> int:
    for at in range(end, start, -1):
        if text[at - 1].isspace():
            return at
    return end
