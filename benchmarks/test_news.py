"""Headlines and wraps a second through the whole tagger, on texts made here."""

import pytest

from aftershock.data.news import Document, load_taxonomy, tell

HEADLINES = (
    "Fed cuts rates by 25 basis points as inflation cools",
    "SK Hynix says it will start mass production of HBM4 next month",
    "Trump threatens 25% tariffs on Japanese cars",
    "Asian stocks slip as traders await payrolls",
    "Toyota to recall 100,000 vehicles in Europe",
)
WRAP = "Asia stocks rise\n\nPublished 2025-09-12T04:10:00Z\n\n" + "\n\n".join(
    f"{line}, people familiar with the matter said on Friday. The Hang Seng index rose 1.{k}% to 26,{k}00.12."
    for k, line in enumerate(HEADLINES * 6)
)


@pytest.fixture(scope="module")
def taxonomy():  # type: ignore[no-untyped-def]
    return load_taxonomy()


def test_thousand_headlines(benchmark, taxonomy) -> None:  # type: ignore[no-untyped-def]
    rows = [
        Document("headlines.csv", k + 2, HEADLINES[k % 5], published="2025-09-12T04:10:00Z")
        for k in range(1000)
    ]
    told = benchmark(lambda: sum(1 for _ in tell(rows, taxonomy)))
    assert told == 1000


def test_ten_wraps(benchmark, taxonomy) -> None:  # type: ignore[no-untyped-def]
    texts = [Document(f"{k}.txt", None, WRAP) for k in range(10)]
    told = benchmark(lambda: sum(len(one.events) for one in tell(texts, taxonomy)))
    assert told > 10
