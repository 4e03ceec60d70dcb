"""How a text is built: what is a sentence, what is a title, what is no news."""

import json
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.data.news.documents import read_documents
from aftershock.data.news.layout import layout
from aftershock.data.news.sentences import MAX_SENTENCE, split_sentences
from aftershock.data.news.types import Document, Span


def roles(text):
    found = layout(Document("a.txt", None, text))
    return [(text[span.start : span.end], role) for span, role in found.sentences]


def sentences(text):
    return [sentence for sentence, _ in roles(text)]


def split(text):
    return [text[span.start : span.end] for span in split_sentences(text)]


def boilerplate(text):
    return [text[span.start : span.end] for span in layout(Document("a.txt", None, text)).boilerplate]


# Sentences


@pytest.mark.parametrize(
    "text",
    [
        "U.S. stocks rose 1.2%.| The Fed cut.",
        "Shares of Apple Inc. and Foxconn Ltd. rose.| Others fell.",
        "It meets on Sept. 16-17 in Washington.| Markets wait.",
        "It fell in Sept.| The Fed waits.",
        "TSMC (2330.TT) rose.| SoftBank (9984.JP) fell to 5.5.| 9988.HK led.",
        "J. Powell spoke.| Gov. C. Waller did not.",
        "He lives in the U.S.| But he works elsewhere.",
        "Trade with the U.S. Federal Reserve is no thing.",
        "It closed at 4 p.m. New York time.| The rest fell.",
        "No. 1 is Samsung, vs. No. 2 Hynix.",
        "“Rates will fall.”| He said so.",
        "It said (in a note.)| Then it fell.",
        "Is it over?| Not yet!| Wait... and see.",
        "Investing.com and Yahoo! Inc. rose.",
        "1. Fed cuts rates.| 2. Chips rise.",
        "Dr. Lee Jr. of Hyundai Motor Co. left.| Mr. Kim stays.",
        "上涨。| 下跌。",
        "Prices rose.\n| Costs fell.",
        "Rates vs. expectations e.g. Core CPI rose.",
    ],
)
def test_sentences_end_where_a_reader_ends_them(text):
    assert split(text.replace("|", "")) == [part.strip() for part in text.split("|")]


def test_a_stretch_is_split_by_itself():
    text = "A one. B two. C three."
    assert [text[a:b] for a, b in split_sentences(text, 7, 14)] == ["B two."]


def test_sentences_that_no_one_wrote_are_cut_at_a_blank():
    spans = list(split_sentences("word " * 10_000))
    assert max(end - start for start, end in spans) <= MAX_SENTENCE
    assert sum(end - start for start, end in spans) > 49_900


# Roles

WRAP = """Home
Markets
Stocks
News
Asia stocks rise as Fed cut nears

By Ann Lee and Bo Kim
Published 12/09/2025, 04:08
3 min read
Share
© Reuters.

SEOUL, Sept 12 (Reuters) - Asian stocks rose on Friday, led by chip makers in Seoul and Taipei, as the Fed neared a cut.

Chips lead again

The KOSPI rose 1.3%. It was a record.
• Samsung gained 2%
- SK Hynix gained 6%

Read more: What to expect
-1.2% 9984.T (SoftBank): sells stake
Nikkei: 395.62 or +0.89% to 44768.12

Related articles
Gold hits record
Oil falls

Traders now price in a cut of 25 basis points next week, and the dollar slipped to the lowest of the month on Friday.

(Reporting by Ann Lee; Editing by Bo Kim)
Our Standards: The Trust Principles.
The Fed cut rates, said no one.
"""


def test_a_wrap_is_taken_apart():
    assert roles(WRAP) == [
        ("Asia stocks rise as Fed cut nears", "title"),
        (
            "Asian stocks rose on Friday, led by chip makers in Seoul and Taipei, as the Fed neared a cut.",
            "body",
        ),
        ("Chips lead again", "heading"),
        ("The KOSPI rose 1.3%.", "body"),
        ("It was a record.", "body"),
        ("Samsung gained 2%", "item"),
        ("SK Hynix gained 6%", "item"),
        ("-1.2% 9984.T (SoftBank): sells stake", "item"),
        ("Nikkei: 395.62 or +0.89% to 44768.12", "item"),
        (
            "Traders now price in a cut of 25 basis points next week, and the dollar slipped to the lowest of the"
            " month on Friday.",
            "body",
        ),
    ]


def test_the_rest_of_the_wrap_is_boilerplate():
    found = boilerplate(WRAP)
    assert found[:4] == ["Home", "Markets", "Stocks", "News"]
    assert "SEOUL, Sept 12 (Reuters) -" in found
    assert found[-1] == "Our Standards: The Trust Principles.\nThe Fed cut rates, said no one."


@pytest.mark.parametrize(
    "line",
    [
        "Latest comments",
        "Comments (12)",
        "Risk Disclosure: Trading in financial instruments involves high risks.",
        "Disclaimer: Fed cuts rates.",
        "This information and data is provided for general informational purposes only.",
        "The views expressed in this article are solely those of the author.",
        "The opinions and views here are solely those of the author.",
        "© 2007-2025 - Fusion Media Limited. All Rights Reserved.",
        "Copyright 2025 Example. All rights reserved.",
        "NOT FDIC, STATE OR FEDERAL AGENCY INSURED",
        "MAY LOSE VALUE",
        'Please refer to "Terms Of Use".',
        "Past performance is no guarantee.",
        "Important information: read it.",
        "Terms of Use | Privacy Policy",
    ],
)
def test_the_news_ends_at_a_disclaimer(line):
    assert sentences(f"Fed cuts\n\nThe Fed cut rates.\n\n{line}\n\nTariffs rise on chips.") == [
        "Fed cuts",
        "The Fed cut rates.",
    ]


def test_a_disclaimer_in_the_middle_of_a_line_ends_the_news():
    text = "Fed cuts\nThe Fed cut. Risk Disclosure: Trading in crypto is risky. Tariffs rise."
    assert sentences(text) == ["Fed cuts", "The Fed cut."]
    assert boilerplate(text) == ["Risk Disclosure: Trading in crypto is risky. Tariffs rise."]


def test_a_notice_above_the_news_does_not_end_it():
    assert sentences("Disclaimer: not advice.\n\nFed cuts\n\nThe Fed cut rates.") == [
        "Fed cuts",
        "The Fed cut rates.",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Sign up for our newsletter",
        "Subscribe now",
        "We use cookies to improve your experience.",
        "This website uses cookies",
        "By continuing you agree to our terms",
        "Share Tweet Email",
        "Facebook",
        "Home > Markets > Stocks",
        "News | Markets | Opinion | Video",
        "Read more: Gold hits record",
        "Advertisement",
        "Posted 3 hours ago",
        "2 hours ago",
        "5 min read",
        "By Ann Lee",
        "Reuters",
        "Sep 12 ,2025",
        "September 12, 2025 4:10 AM ET",
        "Reuters | Updated Fri, 12 Sep 2025 04:10:00 GMT",
        "(Updates prices at 0410 GMT)",
        "(Reporting by Ann Lee)",
        "Photo: Reuters",
        "September 12, 2025 2:31 AM UTC · Updated 3 hours ago",
        "Read the full story here.",
        "— Ann Lee contributed to this report.",
    ],
)
def test_the_furniture_of_websites_is_no_news(line):
    text = f"Fed cuts\n{line}\nThe Fed cut rates.\n{line}\nChips rose."
    assert sentences(text) == ["Fed cuts", "The Fed cut rates.", "Chips rose."]


@pytest.mark.parametrize(
    "line",
    [
        "Risk appetite returned to markets.",
        "This report showed inflation at 2%.",
        "Disclosures by the SEC hit Alibaba.",
        "Comments from Powell lifted stocks.",
        "The information on tariffs was new.",
        "By the close, chips had risen.",
        "Share prices rose.",
        "Investments in chips rose.",
        "Sep 12 was a record day for the KOSPI.",
        "Related parties sold shares.",
        "Trending higher, the KOSPI rose.",
        "Samsung said 2025 would be strong.",
        "Privacy rules hit Meta.",
    ],
)
def test_news_that_begins_like_furniture_is_news(line):
    assert line in sentences(f"Fed cuts\n\n{line}\n\nThe Fed cut rates.")


def test_lines_broken_to_fit_a_column_are_one_paragraph():
    text = (
        "Fed cuts\n\nThe Federal Reserve cut its rate by a quarter of a point\n"
        "and said that more would come. It did.\n"
    )
    assert sentences(text)[1:] == [
        "The Federal Reserve cut its rate by a quarter of a point\nand said that more would come.",
        "It did.",
    ]


def test_a_digest_without_a_title_has_none():
    assert roles(
        "Sep 12, 2025\nSynopsis:\nStocks rose. Chips led.\nDigest:\nFed to cut, says everyone:\nIt may."
    ) == [
        ("Synopsis:", "heading"),
        ("Stocks rose.", "body"),
        ("Chips led.", "body"),
        ("Digest:", "heading"),
        ("Fed to cut, says everyone:", "heading"),
        ("It may.", "body"),
    ]


def test_a_headline_is_one_title():
    found = layout(Document("a.csv", 2, " Fed cuts. Stocks rise. \n"))
    assert found.sentences == ((Span(1, 23), "title"),)
    assert layout(Document("a.csv", 2, " ")).sentences == ()


# Whatever the text


def check(text):
    found = layout(Document("a.txt", None, text))
    spans = sorted([*(span for span, _ in found.sentences), *found.boilerplate])
    assert list(found.boilerplate) == sorted(found.boilerplate)
    assert [span for span, _ in found.sentences] == sorted(span for span, _ in found.sentences)
    at = 0
    for start, end in spans:
        assert at <= start < end <= len(text)
        assert not text[start].isspace()
        assert not text[end - 1].isspace()
        # What lies between is blanks, bullets and the numbers of lists.
        assert len(text[at:start].strip()) <= 8
        at = end
    assert len(text[at:].strip()) <= 8


LINES = [
    *WRAP.splitlines(),
    "Risk Disclosure: x",
    "Sep 12 ,2025",
    "•",
    "- ",
    "\u202eFed\u202c cuts.",
    "a.\u2028b.",
    "\x0c",
    "1. x",
    "# y",
]


@given(
    st.text()
    | st.lists(st.sampled_from(LINES)).map("\n".join)
    | st.text(alphabet=' .!?\n\r\tAa1"”)•-–©%:|\x85\u3000')
)
def test_spans_are_in_order_apart_and_cover_the_text(text):
    check(text)


def test_a_fuzzed_corpus_of_wraps_is_covered():
    dice = random.Random(7)
    for _ in range(200):
        pieces = [dice.choice(LINES)[dice.randrange(5) :] for _ in range(dice.randrange(40))]
        check(dice.choice(["\n", "\r\n", "\n\n", " "]).join(pieces))


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "a",
            "A ",
            ".",
            ". ",
            "\n",
            " ",
            "A. ",
            "a.\n",
            '."',
            "•\n",
            "| ",
            "> ",
            "1:2 ",
            "12/09/2025 ",
            "By A ",
            "\0",
        ),
        *("©", "(", "Sep 12, ", "\u202e", "A/", "Home\n", "x:1\t", "this data "),
    ],
)
def test_hostile_text_takes_linear_time(unit):
    text = unit * (1_000_000 // len(unit))
    started = time.perf_counter()
    layout(Document("a.txt", None, text))
    assert time.perf_counter() - started < 15


def test_a_wrap_takes_milliseconds():
    document = Document("a.txt", None, WRAP * 4)
    best = min(_timed(document) for _ in range(10))
    assert best < 0.02


def _timed(document):
    started = time.perf_counter()
    layout(document)
    return time.perf_counter() - started


# The seeds


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("000", "Asian stock markets", "\n\nLatest comments"),
        ("002", "Synopsis:", "\nThis information and data"),
    ],
)
def test_the_seeds_stories_are_covered_and_nothing_after_them(shared, name, start, end):
    (path,) = (shared / "seeds").glob(f"{name}_*.txt")
    (document,) = read_documents(path)
    text = document.text
    found = layout(document)
    check(text)
    first, last = text.index(start), text.index(end)
    covered = "".join(text[a:b] for (a, b), _ in found.sentences if a >= first)
    assert "".join(covered.split()) == "".join(text[first:last].split())
    assert found.sentences[-1].span.end <= last
    assert all(b <= first or a >= last for a, b in found.boilerplate)


@pytest.mark.shared
def test_every_event_of_the_gold_wrap_is_in_sentences(shared):
    (path,) = (shared / "seeds").glob("000_*.txt")
    (document,) = read_documents(path)
    spans = [span for span, _ in layout(document).sentences]
    gold = json.loads((shared / "labels" / "gold_wrap_000.json").read_text())["documents"][0]
    assert len(gold["events"]) > 20
    for event in gold["events"]:
        start, end = event["span"] if "span" in event else event["evidence"]["span"]
        assert any(a <= start < b for a, b in spans), event
        assert any(a < end <= b for a, b in spans), event
