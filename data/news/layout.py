"""How a news text is built: its title, headings, sentences and list items, and what is no news at all."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from aftershock.data.news.dates import MAX_STAMP, stamps_in, word_set
from aftershock.data.news.sentences import split_sentences
from aftershock.data.news.types import Document, Layout, Sentence, Span

TITLE_WORDS = 30
"""A title has at most so many words."""

HEADING_WORDS = 20
"""A heading has at most so many words; one that ends in a colon as many as a title."""

PARAGRAPH_WORDS = 20
"""A line of so many words that ends as a sentence does is a paragraph of an article."""

MENU_LINES = 4
"""So many lines of a word or three in a row are a menu."""

LOOKED_AT = 300
"""How many characters of a line are looked at to say what it is."""

_LINE = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_HOUSES = (
    r"(?:thomson\s)?reuters|bloomberg(?:\snews)?|investing\.com|cnbc|ap|afp|dow\sjones(?:\snewswires)?|marketwatch|"
    r"associated\spress|xinhua|kyodo(?:\snews)?|yonhap|nikkei\sasia|rttnews|financial\stimes|barron'?s|benzinga|"
    r"business\sstandard|pti|the\sstraits\stimes|south\schina\smorning\spost|scmp|fxstreet|zawya|mni|factset|"
    r"streetaccount|wsj|the\swall\sstreet\sjournal|yahoo\sfinance|seeking\salpha|moneycontrol|mint|livemint"
)
_HOUSE = re.compile(rf"(?:source\s?:\s?)?(?:{_HOUSES})?", re.IGNORECASE)

_DISCLAIMER = re.compile(
    r"""
      risk\s(?:disclosure|warning|disclaimer)s?\b
    | (?:legal\s|general\s|full\s)?disclaimers?\s{0,3}(?::|$|[-–—])
    | (?:important\s)?disclosures?\s{0,3}(?::|$)
    | important\s(?:information|notices?|legal\sinformation)\s{0,3}(?::|$)
    | (?:this|these|the|all|any)\s(?:\w+\s(?:and|or|&)\s)?
        (?:information|materials?|documents?|reports?|communications?|articles?|contents?|commentary|publications?
        |e-?mails?|website|web\ssite|site|data|opinions?|views?|prices?|newsletter)\b
        (?=.{0,120}\b(?:informational\spurposes|information\spurposes|general\sinformation|educational\spurposes
        |investment\sadvice|financial\sadvice|an\soffer|solicitation|not\snecessarily|not\sguarantee|no\sresponsibility
        |of\sthe\sauthors?|do\snot\sreflect|not\sreflect|solely\sthose|as\sis\b|without\swarrant))
    | nothing\s(?:herein|contained|in\sthis)\b | past\sperformance\s(?:is|does|may|should)\b
    | (?:all\s)?investments?\s(?:involves?|carr(?:y|ies))\s(?:\w+\s)?risks?\b
    | trading\sin\sfinancial\sinstruments | we\sprovide\sno\sadvice
    | (?:copyright\s)?(?:©|\(c\)|copyright)\s{0,3}(?:\w+\s){0,3}?(?:19|20)\d\d\b
    | (?:.{0,80}\s)?all\srights\sreserved\b
    | not\sfdic\b | may\slose\svalue\b | no\sbank,?\sstate | (?:not\s)?(?:fdic\s)insured
    | please\srefer\sto\s.{0,30}\bterms\b | terms\s(?:of|and|&)\s(?:use|service|conditions)\s{0,3}(?:$|[|.:])
    | privacy\s(?:policy|notice|statement)\s{0,3}(?:$|[|.:]) | our\sstandards\s?:
    | comments\s{0,3}(?:\(\d{1,6}\))?$
    | (?:latest|reader|top|show|view|hide|load|all|\d{1,6})\s(?:more\s)?comments?\b\s{0,3}(?:\(\d{1,6}\))?:?$
    | (?:leave|add|post|write)\sa\scomment\b | join\sthe\s(?:conversation|discussion)\b
    | comment\sguidelines\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""What ends the news: everything from there on is no news."""

_RELATED = re.compile(
    r"""(?:related\s(?:articles?|stor(?:y|ies)|news|contents?|topics?|coverage|reading|links?|posts?|tags?|quotes?)
    | (?:read|up|what\sto\sread|watch)\snext
    | (?:more|latest)\s(?:news|stories|headlines|articles)(?:\s\w+){0,3}
    | more\s(?:from|on|in)\s[\w\s]{1,30} | most\s(?:read|popular|viewed|shared|watched)
    | trending(?:\s\w+){0,2} | top\sstories
    | recommended(?:\s(?:for\syou|stories|articles|reading))?
    | you\s(?:may|might)\s(?:also\s)?(?:like|be\sinterested\sin)
    | (?:also|see|must)\s(?:also|read) | editor'?s'?\s(?:picks?|choice) | don'?t\smiss
    | popular\s(?:now|stories|articles)
    | in\sthis\sarticle)\s{0,3}:?$""",
    re.IGNORECASE | re.VERBOSE,
)
"""What heads a list of other texts: it ends where paragraphs begin again."""

_FURNITURE = re.compile(
    r"""
    (?:read|see)\s(?:more|also|next|full\sstory)\b\s{0,3}(?::|>|»|→|$) | continue\sreading\b
    | (?:click|tap)\s(?:here|to)\b
    | sign\s(?:up|in)(?:\s(?:for|to|now|here|with|today)\b|$|\s?/) | log\s?in(?:\s(?:to|with)\b|$)
    | register\s(?:now|here|free|for\sfree|to\b)
    | subscribe(?:\s(?:to|now|for|here|today)\b|$)
    | (?:get|download|try)\s(?:the|our)\s(?:\w+\s){0,3}(?:app|newsletter)\b
    | (?:our|daily|free|email)\s(?:\w+\s)?newsletters?\b.{0,20}$ | newsletters?$
    | create\s(?:a|an|your)\s(?:\w+\s)?account\b
    | (?:we|this\s(?:web)?site|our\s(?:web)?site|\w+\.com)\s(?:and\sour\spartners\s)?uses?\scookies\b
    | (?:by\s(?:continuing|clicking|using|signing)\b.{0,100}(?:agree|accept|consent|cookies|terms))
    | cookie\s(?:policy|settings|preferences|notice)
    | (?:accept|reject|manage|allow)\s(?:all|cookies|preferences)\b.{0,20}$ | your\sprivacy\b.{0,40}$
    | (?:advertisement|sponsored(?:\s(?:content|by\s.{1,40}))?|promoted|ad|advertorial)$
    | story\scontinues(?:\sbelow)?.{0,30}$ | read\sthe\s(?:full|original|whole)\s(?:story|article|report)\b | @\w{1,30}$
    | (?:[-–—]{1,2}\s?)?.{1,60}\scontributed\s(?:to\sthis\s(?:report|story|article)|reporting)\b
    | (?:listen|watch)\s(?:to\s)?(?:this|the)\s(?:article|story|video)\b
    | skip\sto\s(?:main\s)?(?:content|navigation)
    | (?:follow|join|find|like)\sus\b | share\s(?:this|on|via|with)\b.{0,60}$
    | (?:photo|image|picture)(?:\s(?:by|credit|source))?\s?: | file\sphoto\b
    | (?:copy|get)\slink$ | (?:back\s)?to\s(?:the\s)?top$
    | (?:view|show|see|load)\s(?:all|more|less|comments)\b.{0,20}$
    | \(?(?:additional\s)?(?:reporting|writing|editing|compiled|graphics?)\sby\s
    | (?:[-–—]{1,2}\s?)?with\sassistance\sfrom\b
    | \((?:updates?|adds?|recasts?|corrects?|repeats?|refiles?|removes?|new\sthroughout|changes)\b[^()]{0,200}\)$
    | (?:posted|published|updated)?\s{0,3}:?\s{0,3}(?:about\s|over\s)?(?:\d{1,3}|an?|one|two|three)
        \s(?:second|minute|min|hour|hr|day|week)s?\sago$
    | (?:\d{1,2}\s?-?min(?:ute)?s?\sread)$ | ©.{0,60}$ | photo$
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""A line that is a website's own."""

_SHARE_WORDS = word_set(
    """
    share tweet email e-mail print copy link save facebook twitter linkedin whatsapp reddit x telegram
    pinterest messenger wechat weibo line flipboard pocket bookmark comment comments like follow more on
    via to this article font size menu search close home login
    """
)
_MENU_WORDS = word_set(
    """
    home news markets stocks indices currencies commodities crypto cryptocurrencies bonds etfs funds
    forex economy politics world asia europe us business technology tech opinion analysis charts tools
    portfolio calendar watchlist video videos podcasts lifestyle sport sports more sections live data my
    account about contact help careers advertise sitemap pro premium menu search
    """
)
_BYLINE = re.compile(
    r"(?i:by|from|author\s?:|written\sby)\s{1,3}[A-Z][\w.'’-]{0,30},?"
    r"(?:\s(?:and|&|of|at|for|in|the|[A-Z][\w.'’-]{0,30}),?|\s?\|){0,14}+$"
)
_CITY = r"[A-Z][A-Za-z.'-]{1,20}"
_DAY = r"[A-Z][a-z]{2,8}\.?\s\d{1,2}(?:,\s\d{4})?"
_DATELINE = re.compile(
    rf"(?:{_CITY}(?:[ ,/]{{1,2}}{_CITY}){{0,3}}(?:,?\s{_DAY})?\s{{1,2}})?"
    rf"(?:\((?i:{_HOUSES})\)\s?(?:--|[-–—])|(?i:{_HOUSES})\s?(?:--|[-–—](?=\s)))\s{{0,3}}"
    rf"|[A-Z]{{3,20}}(?:[ /][A-Z]{{3,20}}){{0,2}},\s{_DAY}\s(?:--|[-–—])\s{{0,3}}"
)
_DATED = re.compile(
    r"(?:19|20)\d\d(?!\d)|\d:\d\d|\d[/.-]\d{1,2}[/.-]\d\d|\d\s?[apAP]\.?[mM]|\d{4}\s?[A-Z]{3}|月"
)
_BULLET = re.compile(
    r"(?:[•·▪►‣◦●■*]|[-–—](?=\s)(?!\s{0,3}[\d.(]))\s{0,3}|#{1,6}\s{1,3}|\d{1,2}[.)]\s{1,3}(?=\D)"
)
_FIGURES = re.compile(r"[+(−-]\s?[$¥€£₩]?\d|[+-]?\d+(?:\.\d+)?%")
_ROW = re.compile(
    r"[^:]{1,60}:\s{0,3}[+(−-]?\s?(?:[A-Z]{0,3}[$¥€£₩])?\d|.{0,150}\b(?:versus|vs\.?|against)\s[+(−-]?[$¥€£₩]?\d"
    r"|.{0,80}\d\S{0,12}(?:\t|\s{2,}|\s?\|\s?)[+(−-]?\d"
)
_FIRST_WORDS = re.compile(r"\S{1,60}(?:\s{1,5}\S{1,60}){0,30}")
_ENDS: Final = (".", "!", "?", "…", ".”", '."', ".’", ".)", "。", "！", "？", ";", ",")
_LABEL_WORDS = 4


class _Line(NamedTuple):
    start: int
    end: int
    is_apart: bool
    words: int
    is_ended: bool


def layout(document: Document) -> Layout:
    r"""Say how a document is built.

    Stamps, bylines, datelines, share buttons, menus, notices on cookies and newsletters, lists of related texts are
    boilerplate; a disclaimer or the readers' comments end the news: everything after is boilerplate too. A headline is
    one sentence, a title.

    Parameters
    ----------
    document : Document
        Any text; time and memory grow linearly with it.

    Returns
    -------
    Layout
        Sentences and boilerplate in order, disjoint, within the text; every word of the text is in one of them
        (bullets are in neither).

    Examples
    --------
    >>> text = "Stocks rise\n\nSep 12, 2025\n\nShares rose. Chips led.\n\nDisclaimer: may lose value."
    >>> found = layout(Document("a.txt", None, text))
    >>> [(text[s.span.start : s.span.end], s.role) for s in found.sentences]
    [('Stocks rise', 'title'), ('Shares rose.', 'body'), ('Chips led.', 'body')]
    """
    if document.is_headline:
        span = _stripped(document.text)
        return Layout((Sentence(span, "title"),) if span.end > span.start else (), ())
    return _Builder(document.text).build()


def is_stamp_line(text: str, start: int, end: int) -> bool:
    """Whether a line says when the text was published, and nothing else but by whom.

    Examples
    --------
    >>> line = "By Ann Lee, Reuters | Sep 12, 2025 4:10 AM ET"
    >>> is_stamp_line(line, 0, len(line))
    True
    """
    if end - start > MAX_STAMP or not _DATED.search(text, start, end):
        return False
    stamps, left = stamps_in(text, start, end)
    if not any(stamp.readings or stamp.label or stamp.zone for stamp in stamps):
        return False
    return bool(_HOUSE.fullmatch(left) or _BYLINE.match(left))


class _Builder:
    """One pass over the lines of a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sentences: list[Sentence] = []
        self.boilerplate: list[Span] = []
        self.is_titled = False
        self.has_body = False
        self.is_related = False
        self.is_over = False

    def build(self) -> Layout:
        lines = _lines(self.text)
        menus = self._menus(lines)
        at = 0
        while at < len(lines) and not self.is_over:
            line, after = lines[at], at + 1
            if at in menus or self._is_boilerplate(line):
                end = len(self.text.rstrip()) if self.is_over else line.end
                self.boilerplate.append(Span(line.start, end))
            else:
                while after < len(lines) and self._runs_on(lines[after - 1], lines[after]):
                    after += 1
                self._news(line, lines[after - 1].end, after < len(lines))
            at = after
        return Layout(tuple(self.sentences), tuple(self.boilerplate))

    # Boilerplate

    def _is_boilerplate(self, line: _Line) -> bool:
        head = self.text[line.start : min(line.end, line.start + LOOKED_AT)]
        if _DISCLAIMER.match(head):
            # Before any news it is a notice at the top.
            self.is_over = bool(self.sentences)
            return True
        if _RELATED.match(head):
            self.is_related = self.has_body
            return True
        if self.is_related:
            if line.words < PARAGRAPH_WORDS or not line.is_ended:
                return True
            self.is_related = False
        if _FURNITURE.match(head) or _BYLINE.match(head) or self._is_menu_line(head, line):
            return True
        return is_stamp_line(self.text, line.start, line.end) or self._is_house(line)

    def _is_house(self, line: _Line) -> bool:
        return line.words <= _LABEL_WORDS and bool(_HOUSE.fullmatch(self.text, line.start, line.end))

    def _is_menu_line(self, head: str, line: _Line) -> bool:
        if line.words > 12 or line.end - line.start > LOOKED_AT:
            return False
        parts = [part.strip() for part in re.split(r"[|>›»·•/]", head.lower())]
        words = [word for part in parts for word in part.split()]
        if not words or all(word in _SHARE_WORDS for word in words):
            return True
        is_short = all(len(part.split()) <= 3 for part in parts)
        known = sum(word in _MENU_WORDS for word in words)
        return len(parts) >= 3 and is_short and 2 * known >= len(words)

    def _menus(self, lines: list[_Line]) -> frozenset[int]:
        """Find the lines of menus: many in a row of a word or three, at least half of them words that menus have."""
        found: set[int] = set()
        run: list[int] = []
        known = 0
        for at, line in enumerate([*lines, None]):
            piece = self.text[line.start : line.end].lower().split() if line and line.words <= 3 else []
            if piece and not line.is_ended and all(word.isalpha() for word in piece):  # type: ignore[union-attr]
                run.append(at)
                known += any(word in _MENU_WORDS or word in _SHARE_WORDS for word in piece)
                continue
            if len(run) >= MENU_LINES and 2 * known >= len(run):
                found.update(run)
            run, known = [], 0
        return frozenset(found)

    # News

    def _runs_on(self, line: _Line, following: _Line) -> bool:
        """Whether a paragraph is broken here only to fit its column."""
        if following.is_apart or line.is_ended or not 40 <= line.end - line.start <= 130:
            return False
        return self.text[following.start].islower() and not self._is_item(following)

    def _is_item(self, line: _Line) -> bool:
        return bool(_BULLET.match(self.text, line.start, line.end)) or self._is_row(line)

    def _is_row(self, line: _Line) -> bool:
        if _FIGURES.match(self.text, line.start, line.end):
            return True
        return not line.is_ended and bool(_ROW.match(self.text, line.start, line.end))

    def _news(self, line: _Line, end: int, has_more: bool) -> None:
        line = line._replace(
            end=end, words=_words(self.text, line.start, end), is_ended=_is_ended(self.text, end)
        )
        if self._is_row(line):
            self._add_all([Span(line.start, line.end)], "item")
            return
        bullet = _BULLET.match(self.text, line.start, line.end)
        start = bullet.end() if bullet else line.start
        if not bullet and (dateline := _DATELINE.match(self.text, start, min(line.end, start + LOOKED_AT))):
            self.boilerplate.append(_stripped(self.text, start, dateline.end()))
            start = dateline.end()
        spans = list(split_sentences(self.text, start, line.end))
        role = self._role(line, spans, has_more)
        is_listed = bullet and role != "title" and self.text[line.start] != "#"
        self._add_all(spans, "item" if is_listed else role)

    def _role(self, line: _Line, spans: list[Span], has_more: bool) -> str:
        is_label = self.text[line.end - 1] in ":："
        if is_label and line.words <= TITLE_WORDS and len(spans) == 1:
            return "heading" if self.is_titled or line.words <= _LABEL_WORDS else self._title()
        if not self.is_titled and len(spans) == 1 and line.words <= TITLE_WORDS:
            return self._title()
        if not line.is_ended and line.words <= HEADING_WORDS and len(spans) == 1 and has_more:
            return "heading"
        return "body"

    def _title(self) -> str:
        self.is_titled = True
        return "title"

    def _add_all(self, spans: list[Span], role: str) -> None:
        for span in spans:
            if self.sentences and _DISCLAIMER.match(
                self.text[span.start : min(span.end, span.start + LOOKED_AT)]
            ):
                self.is_over = True
                self.boilerplate.append(Span(span.start, len(self.text.rstrip())))
                return
            self.sentences.append(Sentence(span, role))
            if role == "body":
                self.has_body = self.is_titled = True


def _lines(text: str) -> list[_Line]:
    """Give the lines that are not blank, and whether a blank one stands before each."""
    found: list[_Line] = []
    last = 0
    for line in _LINE.finditer(text):
        span = _stripped(text, line.start(), line.end())
        if span.end > span.start:
            gap = text[last : span.start] if span.start - last < 100 else "\n\n"
            is_apart = gap.count("\n") > 1 or gap.count("\r") > 1
            ended = _is_ended(text, span.end)
            found.append(_Line(span.start, span.end, is_apart, _words(text, span.start, span.end), ended))
            last = span.end
    return found


def _words(text: str, start: int, end: int) -> int:
    """Count the words of a line, no further than is ever asked."""
    return len(text[start : min(end, start + 1000)].split())


def _is_ended(text: str, end: int) -> bool:
    return text.endswith(_ENDS, 0, end)


def _stripped(text: str, start: int = 0, end: int | None = None) -> Span:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    return Span(start + left, start + max(left, len(piece.rstrip())))
