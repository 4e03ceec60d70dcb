"""HTML to plain text with the place of every character: linear in its length, whatever the markup looks like."""

from __future__ import annotations

import html
import re
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aftershock.data.news.dates import word_set

# The standard library's HTMLParser needs quadratic time on unclosed tags and raises on "<![": tags are found here.
_OPEN = re.compile(r"<(?:(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9-]{0,31})|(?P<comment>!--)|[!?/])")
_TAG_END = re.compile(r"""(?:[^"'>]++|"[^"]*+"|'[^']*+')*+>""")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?")
_ATTRIBUTE = re.compile(r"""([A-Za-z:-]{1,40})\s{0,9}=\s{0,9}(?:"([^"]{0,300})"|'([^']{0,300})')""")
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?\s?(?:Z|[+-]\d{2}(?::?\d{2})?)"
)
_HEADING = re.compile(r"<h1[\s>]", re.IGNORECASE)
_SNIFF = re.compile(r"\s{0,999}<(?:!doctype\s+html|html|head|body|article)\b", re.IGNORECASE)

_RAW: Final = {
    name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style", "textarea", "iframe")
}
_ALWAYS = frozenset({"noscript", "template", "svg", "select", "button", "object"})
_ASIDE = frozenset({"nav", "footer", "aside", "form"})
_ARTICLE = frozenset({"h1", "article", "main"})
_BLOCKS = word_set(
    """
    address article blockquote body br dd div dl dt figcaption figure h1 h2 h3 h4 h5 h6 head header hr
    html li main ol p pre section table tbody thead title tr ul
    """
)
_CELLS = frozenset({"td", "th"})
_PUBLISHED = ("article:published_time", "datepublished", "og:published_time", "parsely-pub-date", "pubdate")
_MODIFIED = ("article:modified_time", "datemodified", "og:updated_time", "lastmod")

_BREAK = "\x1e"
"""Stands for the edge of a block until white space is collapsed."""


class Marked(NamedTuple):
    """A text free of markup.

    Attributes
    ----------
    text : str
        One line a block; runs of white space are one space.
    places : ndarray of int64, shape (len(text) + 1,)
        Where each character stands in the source, never falling.
    published : str
        The stamps of the page's own metadata, "" for none; ``published/modified`` where it has both.
    """

    text: str
    places: NDArray[np.int64]
    published: str


def looks_like_html(text: str) -> bool:
    """Whether a text begins as an HTML page does.

    Examples
    --------
    >>> looks_like_html("<!DOCTYPE html><p>Fed cuts"), looks_like_html("Fed cuts <b>")
    (True, False)
    """
    return _SNIFF.match(text) is not None


def read_markup(source: str) -> Marked:
    """Take the text out of an HTML page.

    Scripts, styles, comments, navigation, footers, asides and forms are dropped (but a form that holds the
    article); where nothing is left so, only scripts, styles and comments are.

    Parameters
    ----------
    source : str
        The page.

    Returns
    -------
    Marked

    Examples
    --------
    >>> page = "<nav>Home</nav><p>Fed  cuts &amp; <b>stocks</b> rise</p>"
    >>> found = read_markup(page)
    >>> found.text.strip(), page[found.places[6]]
    ('Fed cuts & stocks rise', 'u')
    """
    found = _Walk(source, _ASIDE).run()
    if not found.text.strip():
        found = _Walk(source, frozenset()).run()
    return found


class _Walk:
    """One pass over a page: pieces of text with the places they come from."""

    def __init__(self, source: str, aside: frozenset[str]) -> None:
        self.source = source
        self.drops = _ALWAYS | aside
        self.pieces: list[str] = []
        self.starts: list[int] = []
        self.still: list[bool] = []
        self.dropping = ""
        self.depth = 0
        self.preformatted = False
        self.quoted = True
        self.stamps: dict[str, str] = {}
        if _HEADING.search(source):
            self.drops |= {"title"}

    def run(self) -> Marked:
        at = 0
        while at < len(self.source) and (tag := _OPEN.search(self.source, at)):
            self._take(at, tag.start())
            at = self._pass(tag)
        self._take(at, len(self.source))
        return self._marked()

    def _pass(self, tag: re.Match[str]) -> int:
        """Act on a tag or comment; give the place after it."""
        name = (tag["name"] or "").lower()
        end = self._end(tag)
        if not name:
            return end
        if tag["close"]:
            self._closed(name, tag.start())
            return end
        self._opened(name, tag.start(), end)
        if name in _RAW:
            close = _RAW[name].search(self.source, end)
            return close.start() if close else len(self.source)
        return end

    def _end(self, tag: re.Match[str]) -> int:
        if tag["comment"]:
            found = self.source.find("-->", tag.end())
            return found + 3 if found >= 0 else len(self.source)
        if self.quoted:
            if whole := _TAG_END.match(self.source, tag.end()):
                return whole.end()
            # A quote that never ends: looking for it again at every tag would take quadratic time.
            self.quoted = False
        found = self.source.find(">", tag.end())
        return found + 1 if found >= 0 else len(self.source)

    def _opened(self, name: str, start: int, end: int) -> None:
        if name in ("meta", "time"):
            self._note_stamp(name, self.source[start : min(end, start + 4096)])
        if self.dropping:
            self.depth += name == self.dropping
            if self.dropping == "form" and name in _ARTICLE:
                self.dropping = ""
        elif name in self.drops:
            self.dropping, self.depth = name, 1
        if name == "pre":
            self.preformatted = True
        self._edge(name, start)

    def _closed(self, name: str, start: int) -> None:
        if name == self.dropping:
            self.depth -= 1
            if not self.depth:
                self.dropping = ""
        if name == "pre":
            self.preformatted = False
        self._edge(name, start)

    def _edge(self, name: str, start: int) -> None:
        if self.dropping:
            return
        if name in _BLOCKS:
            self._add(_BREAK, start, still=True)
        elif name in _CELLS:
            self._add(" ", start, still=True)

    def _take(self, start: int, end: int) -> None:
        if self.dropping or start >= end:
            return
        piece = self.source[start:end]
        if self.preformatted:
            piece = piece.replace("\n", _BREAK)
        if "&" not in piece:
            self._add(piece, start)
            return
        at = 0
        for entity in _ENTITY.finditer(piece):
            self._add(piece[at : entity.start()], start + at)
            self._add(html.unescape(entity[0]), start + entity.start(), still=True)
            at = entity.end()
        self._add(piece[at:], start + at)

    def _add(self, piece: str, start: int, *, still: bool = False) -> None:
        if piece:
            self.pieces.append(piece)
            self.starts.append(start)
            self.still.append(still)

    def _note_stamp(self, name: str, tag: str) -> None:
        found = {key.lower(): double or single for key, double, single in _ATTRIBUTE.findall(tag)}
        value = found.get("content" if name == "meta" else "datetime", "").strip()
        about = found.get("property") or found.get("name") or found.get("itemprop") or ""
        if _INSTANT.fullmatch(value):
            self.stamps.setdefault(about.lower(), value)

    def _published(self) -> str:
        first = next((self.stamps[key] for key in _PUBLISHED if key in self.stamps), "")
        last = next((self.stamps[key] for key in _MODIFIED if key in self.stamps), "")
        return f"{first}/{last}" if first and last and first != last else first

    def _marked(self) -> Marked:
        lengths = np.array([len(piece) for piece in self.pieces], np.int64)
        before = np.cumsum(lengths) - lengths
        steps = np.arange(int(lengths.sum()), dtype=np.int64) - np.repeat(before, lengths)
        steps *= ~np.repeat(np.array(self.still, np.bool_), lengths)
        places = np.repeat(np.array(self.starts, np.int64), lengths) + steps
        text, kept = _collapsed("".join(self.pieces))
        return Marked(text, np.append(places[kept], len(self.source)), self._published())


def _collapsed(raw: str) -> tuple[str, NDArray[Any]]:
    """Make each run of white space one character, a newline where a block ends in it; say which stay."""
    codes = np.frombuffer(raw.encode("utf-32-le", "surrogatepass"), np.uint32).copy()
    edge = codes == ord(_BREAK)
    blank = edge | np.isin(codes, [9, 10, 12, 13, 32])
    first = blank & ~np.concatenate([[False], blank[:-1]])
    if first.any():
        runs = np.cumsum(first)[blank] - 1
        breaks = np.bincount(runs, edge[blank]) > 0
        codes[first] = np.where(breaks, 10, 32)
    kept = ~blank | first
    return codes[kept].tobytes().decode("utf-32-le", "surrogatepass"), kept
