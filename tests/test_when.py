"""Which day a sentence speaks of, and a seeded corpus of broken news."""

import datetime as dt
import random

import pytest

from aftershock.data.errors import InputError
from aftershock.data.news import Document, tell
from aftershock.data.news.when import refers_to

FRIDAY = dt.date(2025, 9, 12)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("Speaking to CNBC on Thursday", "2025-09-11", "2025-09-11"),
        ("extended their rally on Friday", "2025-09-12", "2025-09-12"),
        ("Both indices saw sharp gains in the previous session", "2025-09-11", "2025-09-11"),
        ("soft data overnight firmed bets", "2025-09-11", "2025-09-11"),
        ("immigration officials last week", "2025-09-01", "2025-09-07"),
        ("to meet in Madrid next week", "2025-09-15", "2025-09-21"),
        ("was due in Washington this week", "2025-09-08", "2025-09-14"),
        ("China activity data Monday likely to show weakness in August", "2025-09-15", "2025-09-15"),
        ("Ahead of Monday's release", "2025-09-15", "2025-09-15"),
        ("will cut interest rates at its Sept. 16-17 meeting", "2025-09-16", "2025-09-17"),
        ("the deal of Dec 31", "2025-12-31", "2025-12-31"),
        ("prices rose 0.4% month-on-month in August", "2025-09-12", "2025-09-12"),
        ("the Feb 30 nonsense", "2025-09-12", "2025-09-12"),
        ("nothing of the kind", "2025-09-12", "2025-09-12"),
    ],
)
def test_days_are_resolved_against_the_day_of_the_text(text: str, start: str, end: str) -> None:
    assert [str(day) for day in refers_to(text, FRIDAY)] == [start, end]


def test_the_day_after_the_words_counts_first() -> None:
    text = "stocks rose on Friday on hopes of a rate cut next week"
    assert refers_to(text, FRIDAY)[0] == FRIDAY
    assert refers_to(text, FRIDAY, text.index("hopes")) == (dt.date(2025, 9, 15), dt.date(2025, 9, 21))


def test_before_a_monday_comes_friday() -> None:
    assert refers_to("in the prior session", dt.date(2025, 9, 15)) == (FRIDAY, FRIDAY)


PIECES = [
    "Fed cuts rates by 25 basis points",
    "SK Hynix (KS:000660) surged nearly 6%",
    "\x00",
    "\ufffd\ufffd",
    "\u202e(1.2%)\u202c",
    "<script>alert(1)</script>",
    "Published 12/09/2025, 04:08",
    " " * 5000,
    ";" * 500,
    "\n",
    "Nikkei: 395.62 or +0.89% to 44768.12",
    "a" * 20_000,
    "((((((((((",
    "tariffs " * 200,
    "\ud800",
    "-1.2% 9988.HK (Alibaba):",
]


@pytest.mark.parametrize("seed", range(40))
def test_a_seeded_corpus_of_broken_news(seed: int) -> None:
    """Whatever is thrown together gives events whose spans lie inside the text, or a question."""
    rng = random.Random(seed)
    text = rng.choice(["", " ", "\n"]).join(rng.choices(PIECES, k=rng.randint(1, 40)))
    row = rng.choice([None, 7])
    try:
        [told] = tell([Document("fuzz.txt", row, text, published="2025-09-12T04:10:00Z")])
    except InputError as refused:
        assert "\n" not in str(refused)
        return
    for event in told.events:
        span = event.finding.evidence
        assert 0 <= span.start < span.end <= len(text)
    for mention in told.mentions:
        assert text[mention.span.start : mention.span.end] == mention.text
