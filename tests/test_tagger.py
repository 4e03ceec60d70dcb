"""The tagger: spans, recaps, first prints, whom an event helps, order, hostile texts, and the way to a backtest."""

import itertools
import runpy
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import aftershock as af
from aftershock.data.errors import InputError
from aftershock.data.news import TAGGER, Document, read_news, tag, tell
from aftershock.inputs import links_of
from aftershock.strategies.select import select

_made = runpy.run_path(str(Path(__file__).parent / "factories" / "inputs.py"))
make_prices, HOSTILE = _made["make_prices"], _made["HOSTILE"]

STAMP = "2025-09-12T09:00Z"
TAGGED_AT = "2026-01-01T00:00Z"
HYNIX, SAMSUNG, TSMC, ALIBABA = "000660.KS", "005930.KS", "2330.TW", "9988.HK"
STATUSES = {"announced", "reported", "scheduled", "move"}

WRAP = """\
Asian stocks rise as chips lead

Published 12/09/2025, 04:08

Asian stock markets rose on Friday. South Korea’s KOSPI index jumped 1.3% by 02:41 GMT.

SK Hynix Inc (KS:000660) unveiled its HBM4 memory chip. The chip doubles the bandwidth.

Risk Disclosure: Trading in cryptocurrencies involves high risks, and the Fed cut interest rates.
"""
PAGE = """\
<html><head><title>News</title><meta property='article:published_time' content='2025-09-12T04:10:00Z'></head>
<body><p>SK&nbsp;Hynix <b>unveiled</b> a new AI &amp; memory&nbsp;chip &lt;HBM4&gt; today.</p>
<script>var news = "Fed raises rates";</script>
<p>The Fed cut interest <i>rates</i> by 25&nbsp;basis points.</p></body></html>
"""


def text(words, **others):
    return Document("wrap.txt", None, words, published=STAMP, **others)


def row(words, line=2, published=STAMP):
    return Document("news.csv", line, words, published=published)


def told(words):
    """Give what one wrap tells."""
    (only,) = tell([text(words)])
    return only


def only(words, topic):
    """Give the one event of a topic in a wrap."""
    (event,) = (event for event in told(words).events if event.finding.tag == topic)
    return event


def written(folder, name, content, **stamps):
    """Write a file and tell its one document; give both."""
    path = folder / name
    path.write_text(content, encoding="utf-8", newline="")
    (one,) = tag(read_news(path, **stamps)).told
    return content, one


class TestSpans:
    @pytest.mark.parametrize(
        "content",
        [
            WRAP,
            WRAP.replace(" ", "\xa0"),
            WRAP.replace("\n", "\r\n"),
            WRAP.replace("SK Hynix Inc", "\U0001f4c8 SK Hynix Inc"),
        ],
        ids=["plain", "nbsp", "crlf", "astral"],
    )
    def test_of_a_text_are_those_of_its_file(self, tmp_path, content):
        source, one = written(tmp_path, "wrap.txt", content, zone="UTC", published=STAMP)
        shown = one.as_json()
        assert {event["tag"] for event in shown["events"]} == {"market_move", "chip"}
        for event in shown["events"]:
            evidence = event["evidence"]
            assert source[evidence["start"] : evidence["end"]] == evidence["text"] != ""
        for mention in shown["mentions"]:
            assert source[mention["start"] : mention["end"]] == mention["text"]
        assert [mention["symbol"] for mention in shown["mentions"]] == ["^KS11", HYNIX]

    def test_of_a_page_lead_through_tags_and_entities(self, tmp_path):
        source, one = written(tmp_path, "page.html", PAGE)
        chip, fed = one.as_json()["events"]
        assert chip["evidence"]["text"].startswith("unveiled a new AI & memory\xa0chip <HBM4")
        start, end = chip["evidence"]["start"], chip["evidence"]["end"]
        assert source[start:end].startswith("unveiled</b> a new AI &amp; memory&nbsp;chip &lt;HBM4")
        assert (
            source[fed["evidence"]["start"] : fed["evidence"]["end"]] == fed["evidence"]["text"] == "Fed cut"
        )
        (mention,) = one.as_json()["mentions"]
        assert source[mention["start"] : mention["end"]] == "SK&nbsp;Hynix"
        assert one.as_json()["known_by"] == "2025-09-12T04:10:00Z"

    def test_of_a_row_count_in_its_cell(self, tmp_path):
        path = tmp_path / "news.csv"
        cell = 'TSMC, "the foundry", unveils chip'
        path.write_text(f'published,headline\n{STAMP},"{cell.replace(chr(34), chr(34) * 2)}"\n')
        (one,) = tag(read_news(path)).told
        (event,) = one.as_json()["events"]
        assert one.as_json()["row"] == 2
        assert cell[event["evidence"]["start"] : event["evidence"]["end"]] == event["evidence"]["text"]


class TestRecaps:
    @pytest.mark.parametrize(
        ("words", "kind"),
        [
            ("The Fed cut interest rates by 25 basis points.", "wrap"),
            ("The Fed cut interest rates by 25 basis points. The KOSPI index jumped 1.3%.", "recap"),
            ("The Fed cut interest rates by 25 basis points. Asian stock markets rallied.", "recap"),
        ],
    )
    def test_a_text_that_tells_moves(self, words, kind):
        tagged = tag([text(words)])
        assert tagged.told[0].is_recap is (kind == "recap")
        assert set(tagged.frame["source_kind"]) == {kind}

    def test_a_headline(self):
        tagged = tag([row("Fed cuts rates by 25 basis points"), row("Kospi index jumps 1.3%", 3)])
        assert list(tagged.frame.sort_values("status")["source_kind"]) == ["headline", "recap"]

    def test_boilerplate_tells_nothing(self):
        tagged = tag([text(WRAP)])
        assert set(tagged.frame["tag"]) == {"market_move", "chip"}


class TestTradable:
    def test_only_the_first_print(self):
        news = [
            row("SK Hynix completes development of HBM4", 2),
            row("SK Hynix finishes HMB4 memory chip", 3),
        ]
        frame = tag(news).frame
        assert sorted(frame["tradable"]) == [False, True]
        assert frame["story_id"].nunique() == 1

    @pytest.mark.parametrize(
        ("words", "topic", "status", "tradable"),
        [
            ("SK Hynix unveiled a new memory chip.", "chip", "announced", True),
            (
                "Samsung Electronics halted its chip plant, according to the Information.",
                "chip",
                "reported",
                True,
            ),
            ("The Fed is expected to cut interest rates next week.", "fed", "scheduled", False),
            ("The Fed cut interest rates.", "fed", "announced", True),
            ("SK Hynix shares jumped 6% to a record high.", "market_move", "move", False),
        ],
    )
    def test_only_news(self, words, topic, status, tradable):
        event = only(words, topic)
        assert (event.finding.status, event.tradable) == (status, tradable)

    def test_not_what_concerns_nobody(self):
        event = only("A company reported that its quarterly profit fell 20%.", "earnings")
        assert (event.symbols, event.scope, event.tradable) == ((), "", False)


class TestWho:
    def test_a_sentence_that_points_back_is_about_the_same(self):
        words = "SK Hynix completed its HBM4 memory chip.\n\nThe memory chip doubles the speed of older memory chips."
        events = told(words).events
        first, *more = [event for event in events if event.finding.tag == "chip"]
        assert more
        assert {event.symbols for event in more} == {(HYNIX,)}
        assert {event.story_id for event in more} == {first.story_id}
        assert [event.tradable for event in (first, *more)] == [True] + [False] * len(more)

    def test_a_sentence_that_does_not_point_back_is_not(self):
        words = "SK Hynix completed its HBM4 memory chip.\n\nGlobal demand for memory chips fell sharply."
        last = [event for event in told(words).events if event.finding.tag == "chip"][-1]
        assert (last.symbols, last.scope) == ((), "theme:semis")

    def test_semicolons_keep_companies_apart(self):
        words = "SK Hynix unveiled a new memory chip; Tokyo Electron won an order for chip equipment; TSMC cut output."
        chips = [event for event in told(words).events if event.finding.tag == "chip"]
        assert [event.symbols for event in chips][:2] == [(HYNIX,), ("8035.T",)]
        assert all(len(event.symbols) == 1 for event in chips)

    def test_an_index_is_no_company(self):
        event = only("SK Hynix unveiled a new memory chip for the KOSPI index fund.", "chip")
        assert event.symbols == (HYNIX,)

    @pytest.mark.parametrize(
        ("words", "topic", "scope"),
        [
            ("The Fed cut interest rates.", "fed", "global"),
            ("The U.S. imposed a 25% tariff on steel from India and China.", "tariff", "market:IN market:CN"),
            ("The White House imposed new tariffs.", "tariff", "global"),
            ("Demand for memory chips fell sharply in China.", "chip", "theme:semis"),
            ("Retail sales in China rose 3.4% in August.", "macro_data", "market:CN"),
            ("SK Hynix unveiled a new memory chip.", "chip", ""),
            ("Asian stock markets rallied.", "market_move", ""),
        ],
    )
    def test_scope(self, words, topic, scope):
        assert only(words, topic).scope == scope

    def test_american_names_are_read_and_not_traded(self):
        tagged = tag([text("Alibaba developed its own AI chips, cutting its need for Nvidia.")])
        assert tagged.told[0].events[0].symbols == (ALIBABA, "NVDA")
        assert list(tagged.frame["symbols"]) == [ALIBABA]


class TestWhichWay:
    def test_an_own_chip_hurts_who_supplied_it(self):
        event = only("Alibaba developed its own AI chips, cutting its need for Nvidia.", "chip")
        assert event.impacts == {ALIBABA: 1.0, "NVDA": -1.0}

    def test_a_chip_that_is_bought_hurts_nobody(self):
        assert only("Alibaba bought new AI chips from Nvidia.", "chip").impacts == {}

    def test_a_bid_is_worth_something_to_its_target(self):
        event = only("Toyota Motor agreed to acquire Toyota Industries for $33 billion.", "mna")
        assert event.finding.polarity == 1.0
        assert event.impacts == {"6201.T": 1.0, "7203.T": 0.0}

    def test_the_table_of_impacts(self):
        tagged = tag([row("Toyota Motor to acquire Toyota Industries in $33 billion tender offer")])
        (event,) = tagged.frame["event_id"]
        found = {one.symbol: one.polarity for one in tagged.impacts.itertuples()}
        assert set(tagged.impacts["event_id"]) == {event}
        assert found == {"6201.T": 1.0, "7203.T": 0.0}
        assert tag([]).impacts.dtypes["polarity"] == np.float64


NEWS = [
    row("SK Hynix unveils HBM4 memory chip", 2, "2025-09-12T01:00Z"),
    row("Fed cuts rates by 25 basis points", 3, "2025-09-11T01:00Z"),
    row("Trump slaps 25% tariffs on India", 4, "2025-09-13T01:00Z"),
    row("SK Hynix unveils HMB4 memory chip", 5, "2025-09-12T00:00Z"),
]


class TestOrder:
    def test_the_same_twice(self):
        once, again = (tag(NEWS, tagged_at=TAGGED_AT) for _ in range(2))
        assert_frame_equal(once.frame, again.frame)
        assert_frame_equal(once.impacts, again.impacts)
        later = tag(NEWS, tagged_at="2026-02-01T00:00Z").frame
        assert_frame_equal(later.drop(columns="tagged_at"), once.frame.drop(columns="tagged_at"))
        assert set(once.frame["tagger"]) == {TAGGER}

    @pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
    def test_by_when_it_is_known_however_it_comes(self, order):
        tagged = tag([NEWS[k] for k in order], tagged_at=TAGGED_AT)
        known = [one.known.known_by for one in tagged.told]
        assert known == sorted(known)
        assert [one.document.row for one in tagged.told] == [3, 5, 2, 4]
        assert_frame_equal(tagged.frame, tag(NEWS, tagged_at=TAGGED_AT).frame)

    def test_what_is_added_later_changes_nothing(self):
        before = tag([one for one in NEWS if one.row != 4], tagged_at=TAGGED_AT).frame
        after = tag(NEWS, tagged_at=TAGGED_AT).frame
        kept = after[after["event_id"].isin(before["event_id"])].reset_index(drop=True)
        assert_frame_equal(kept, before.reset_index(drop=True))
        assert len(after) > len(before)

    def test_tell_is_lazy(self):
        drawn = []

        def stream():
            for line in itertools.count(2):
                drawn.append(line)
                yield row("Fed cuts rates by 25 basis points", line)

        telling = tell(stream())
        assert drawn == []
        assert [one.document.row for one in itertools.islice(telling, 3)] == [2, 3, 4]
        assert drawn == [2, 3, 4]


class TestTable:
    def test_columns(self):
        table = tag(NEWS).table()
        assert list(table) == ["time", "tag", "direction", "polarity", "strength", "symbols", "evidence"]
        more = tag(NEWS).table(explain=True)
        assert list(more)[7:] == ["status", "story", "tradable", "rule", "span", "attribution"]
        assert more["span"].str.fullmatch(r"\d+-\d+").all()
        assert list(tag([]).table()) == list(table)
        assert len(tag([]).frame) == 0


HOSTILE_TEXTS = {
    "escapes and markup": HOSTILE + " TSMC unveils chip.",
    "NULs": "Fed\0 cuts rates\0. TSMC unveils\0 a chip.",
    "right to left": "\u202eFed cuts rates\u202c. \u200fTSMC unveils a chip.\u2067",
    "lone surrogates": "\ud800TSMC unveils a chip\udfff. Fed \udc00cuts rates.",
    "script": "<script>alert('Fed cuts rates')</script>",
    "controls": "".join(map(chr, range(32))) + "Fed cuts rates",
    "one long line": "TSMC unveils a new chip, and the Fed cuts rates 2.5% (KS:000660) " * 3000,
    "no blanks": "Fedcutsrates" * 16_000,
    "sentences": "TSMC unveils a chip. " * 5000,
    "symbols": "(KS:000660)" * 10_000,
    "numbers": "1.3% " * 40_000,
    "blanks": " " * 200_000 + "Fed cuts rates",
}


def check(tagged):
    """Spans lie in their texts, numbers in their ranges, ids are unique; the table loads."""
    frame = tagged.frame
    assert frame["event_id"].is_unique
    for one in tagged.told:
        size = len(one.document.text)
        for event in one.events:
            found = event.finding
            assert 0 <= found.sentence.start <= found.evidence.start < found.evidence.end
            assert found.evidence.end <= found.sentence.end <= size
            assert -1.0 <= found.polarity <= 1.0
            assert 0.0 <= found.confidence <= 1.0
            assert found.status in STATUSES
        spans = [item.span for item in (*one.mentions, *one.index_moves, *one.movers, *one.macro)]
        assert all(0 <= span.start < span.end <= size for span in spans)
    assert len(frame) == sum(len(one.events) for one in tagged.told)


class TestHostile:
    @pytest.mark.parametrize("words", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
    @pytest.mark.parametrize("make", [text, row])
    def test_gives_events_or_an_error_in_bounded_time(self, words, make):
        began = time.perf_counter()
        check(tag([make(words)]))
        assert time.perf_counter() - began < 10.0

    def test_the_name_of_a_file_may_be_no_text(self, tmp_path):
        tagged = tag([Document("bad\udcff.txt", None, "TSMC unveiled a chip.", published=STAMP)])
        tagged.to_parquet(tmp_path / "events.parquet")
        assert list(af.load_events(tmp_path / "events.parquet").frame["source"]) == ["bad?.txt"]

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(
            st.one_of(
                st.text(max_size=30),
                st.sampled_from(
                    [
                        "Fed cuts rates",
                        "TSMC",
                        "unveils chip",
                        "\n\n",
                        ". ",
                        "; ",
                        "KOSPI rose 1.3%",
                        "(HK:9988)",
                    ]
                ),
                st.sampled_from(
                    ["tariffs on China", "Published 12/09/2025, 04:08", "\xa0", "bid for", "CPI rose"]
                ),
            ),
            max_size=12,
        ),
        st.booleans(),
    )
    def test_any_text_gives_events_or_an_error(self, pieces, is_row):
        document = row("".join(pieces)) if is_row else text("".join(pieces))
        try:
            tagged = tag([document])
        except InputError as refused:
            assert str(refused).strip()
            return
        check(tagged)

    def test_a_text_without_a_date_is_a_question(self):
        with pytest.raises(InputError, match="--published"):
            tag([Document("wrap.txt", None, "Fed cuts rates")])


HEADLINES = """\
published,headline
2025-06-10T22:00Z,SK Hynix unveils new memory chip
2025-07-08T22:00Z,TSMC unveils new chip
2025-07-21T10:00Z,Kospi index jumps 1.3%
2025-08-20T22:00Z,Fed expected to cut rates next week
2025-09-20T22:00Z,Nikkei index jumps 2% as SK Hynix unveils new AI chip
"""


@pytest.fixture(scope="module")
def tagged(tmp_path_factory):
    """The headlines above, read from a file and tagged."""
    path = tmp_path_factory.mktemp("news") / "headlines.csv"
    path.write_text(HEADLINES)
    return tag(read_news(path))


class TestBacktest:
    def test_from_headlines_to_trades(self, tagged):
        result = af.backtest(tagged, make_prices(), af.Reaction(tag="chip", hold=3))
        assert sorted(result.trades["symbol"]) == [HYNIX, HYNIX, TSMC]
        assert (result.trades["side"] == 1).all()

    def test_recaps_stand_beside(self, tagged):
        result = af.backtest(tagged, make_prices(), af.Reaction(tag="chip", hold=3))
        audit = result.audit
        recap = audit[audit["source_kind"] == "recap"]
        assert len(recap) == 1
        assert not recap["headline"].any()
        assert audit.loc[audit["source_kind"] == "headline", "headline"].all()

    def test_moves_and_expectations_give_no_signals(self, tagged):
        frame = tagged.frame
        found = select(frame, af.Reaction(hold=3), af.universe([HYNIX, TSMC]), links_of(None, tagged))
        silent = frame.loc[frame["status"].isin(["move", "scheduled"]), "event_id"]
        assert len(silent) == 3
        skipped = found.skipped.set_index("event_id")["code"]
        assert set(skipped[silent]) == {"no_news"}
        assert not found.signals["event_id"].isin(silent).any()


def test_impacts_of_the_tagger_give_sides():
    tagged = tag([row("Toyota Motor to acquire Toyota Industries in $33 billion tender offer")])
    links = links_of(None, tagged, tagged)
    reaction = af.Reaction(tag="mna", hold=1, side_by="impact")
    found = select(tagged.frame, reaction, af.universe(["6201.T", "7203.T"]), links)
    assert [(one.symbol, one.side) for one in found.signals.itertuples()] == [("6201.T", 1)]
    assert [(one.symbol, one.code) for one in found.skipped.itertuples()] == [("7203.T", "no_impact")]


@pytest.mark.parametrize(
    ("headline", "status"),
    [
        ("Kospi jumps 2% as chip stocks rally", "move"),
        ("SK Hynix completes development of HBM4 memory", "announced"),
        ("The Information reported that Alibaba trains models on its own AI chips", "reported"),
    ],
)
def test_what_a_move_tells_is_no_announcement(headline: str, status: str) -> None:
    [told] = tell([Document("h.csv", 2, headline, published="2025-09-12T00:00Z")])
    chips = [event for event in told.events if event.finding.tag == "chip"]
    assert [event.finding.status for event in chips] == [status]
    assert [event.tradable for event in chips] == [status != "move"]
