"""Stories: what joins two tellings, what keeps them apart, and that the past is never rewritten."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.data.instants import DAY
from aftershock.data.news.stories import REMEMBERED, WINDOW, Stories, Telling, words_of

HYNIX, SAMSUNG = "000660.KS", "005930.KS"


def telling(text, *symbols, at=0, tag="chip", direction="positive", status="announced", subject=""):
    return Telling(tag, direction, status, subject, frozenset(symbols), words_of(text), at)


def names(*tellings):
    """Give each telling's story, as its place among the stories in the order in which they began."""
    stories = Stories()
    placed = [stories.place(one)[0] for one in tellings]
    order = list(dict.fromkeys(placed))
    return [order.index(name) for name in placed]


class TestWords:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("The Fed’s rate cut", {"fed", "rate", "cut"}),
            ("SK hynix's HBM4 memory", {"sk", "hynix", "hbm4", "memory"}),
            ("rose 3.5 percent to 3.5.", {"rose", "3.5", "percent"}),
            ("next-generation 'chips'", {"next-generation", "chips"}),
            ("What the report said on Monday", set()),
            ("", set()),
        ],
    )
    def test_of_a_text(self, text, words):
        assert words_of(text) == words


class TestJoining:
    def test_a_misspelt_product_joins(self):
        one = telling("SK Hynix completes development of HBM4", HYNIX)
        other = telling("Korean maker finished sixth gen HMB4 device", HYNIX, at=DAY)
        assert names(one, other) == [0, 0]

    def test_a_product_joins_a_telling_that_names_nobody(self):
        assert names(telling("HBM4 is finished", HYNIX), telling("Korean HBM4 ready")) == [0, 0]

    def test_a_product_of_somebody_else_does_not_join(self):
        assert names(telling("HBM4 is finished", HYNIX), telling("HBM4 samples out", SAMSUNG)) == [0, 1]

    @pytest.mark.parametrize("word", ["2nd", "25bps", "1st", "5bn", "fy25", "100mn"])
    def test_a_quantity_is_no_product(self, word):
        one, other = telling(f"Sales rise in {word}"), telling(f"Foundry spending recovers, {word} half")
        assert names(one, other) == [0, 1]

    def test_words_join_tellings_about_one_name(self):
        one = telling("SK Hynix opens plant in Indiana", HYNIX)
        assert names(one, telling("Hynix plant in Indiana begins output", HYNIX)) == [0, 0]
        assert names(one, telling("Chief executive buys shares", HYNIX)) == [0, 1]

    @pytest.mark.parametrize("way", ["negative", "neutral"])
    def test_another_direction_on_one_name_is_another_story(self, way):
        text = "SK Hynix changes output of memory"
        assert names(telling(text, HYNIX), telling(text, HYNIX, direction=way)) == [0, 1]

    def test_an_unknown_direction_keeps_nothing_apart(self):
        text = "SK Hynix changes output of memory"
        assert names(telling(text, HYNIX), telling(text, HYNIX, direction="")) == [0, 0]

    def test_opposite_directions_keep_news_of_nobody_apart(self):
        up = telling("Fed raises rates by 25 basis points", tag="fed", direction="hawkish")
        down = telling("Fed cuts rates by 25 basis points", tag="fed", direction="dovish")
        assert names(up, down) == [0, 1]

    def test_two_stories_of_the_same_words_have_two_names(self):
        stories = Stories()
        text = "SK Hynix changes output of memory"
        one, _ = stories.place(telling(text, HYNIX))
        other, first = stories.place(telling(text, HYNIX, direction="negative"))
        assert first
        assert one != other

    def test_tags_have_stories_of_their_own(self):
        text = "SK Hynix bans memory exports"
        assert names(telling(text, HYNIX), telling(text, HYNIX, tag="tariff")) == [0, 1]

    def test_few_words_do_not_join_news_of_nobody(self):
        assert names(telling("chip demand rises"), telling("chip demand soars")) == [0, 1]
        assert names(telling("global chip demand rises"), telling("global chip demand soars")) == [0, 0]

    def test_the_same_few_words_are_the_same_news(self):
        assert names(telling("chip ban"), telling("chip ban", at=DAY)) == [0, 0]
        assert names(telling("chip ban", HYNIX), telling("chip ban", SAMSUNG)) == [0, 1]
        assert names(telling(""), telling("", at=DAY)) == [0, 0]

    def test_a_long_story_does_not_swallow_what_follows(self):
        words = [frozenset(f"{a}{'abcdefghij'[k % 10]}{'abc'[k // 10]}" for a in "pqr") for k in range(30)]
        linked = [
            Telling("chip", "positive", "announced", "", frozenset(), words[k] | words[k + 1], 0)
            for k in range(29)
        ]
        assert names(*linked)[-1] > 0


class TestTime:
    @pytest.mark.parametrize(("later", "places"), [(WINDOW, [0, 0]), (WINDOW + 1, [0, 1])])
    def test_a_story_is_told_for_a_week(self, later, places):
        text = "SK Hynix opens plant in Indiana"
        assert names(telling(text, HYNIX), telling(text, HYNIX, at=later)) == places

    def test_each_telling_begins_the_week_anew(self):
        text = "SK Hynix opens plant in Indiana"
        assert names(*[telling(text, HYNIX, at=day * DAY) for day in (0, 6, 12, 18)]) == [0, 0, 0, 0]

    def test_the_first_is_first(self):
        stories = Stories()
        text = "SK Hynix opens plant in Indiana"
        assert [stories.place(telling(text, HYNIX, at=at))[1] for at in (0, 1, 2, 9 * DAY)] == [
            True,
            False,
            False,
            True,
        ]

    def test_memory_stays_flat(self):
        stories = Stories()
        for k in range(REMEMBERED + 50):
            stories.place(telling("SK Hynix news", f"S{k}.KS"))
        assert len(stories._by_tag["chip"]) == REMEMBERED
        assert stories.place(telling("SK Hynix news", "S49.KS"))[1]
        assert not stories.place(telling("SK Hynix news", f"S{REMEMBERED + 49}.KS"))[1]


class TestMoves:
    def move(self, text="rally", *symbols, subject="Asia", at=0):
        return telling(
            text, *symbols, at=at, tag="market_move", direction="up", status="move", subject=subject
        )

    def test_moves_of_one_subject_on_one_day_are_one(self):
        assert names(self.move("rally"), self.move("advance", at=DAY - 1)) == [0, 0]
        assert names(self.move("rally"), self.move("rally", at=DAY)) == [0, 1]
        assert names(self.move("rally"), self.move("rally", subject="US")) == [0, 1]

    def test_moves_of_instruments(self):
        one = self.move("rise", "KOSPI", subject="")
        assert names(one, self.move("gain", "KOSPI", HYNIX, subject="")) == [0, 0]
        assert names(one, self.move("rise", "HSI", subject="")) == [0, 1]
        assert names(one, self.move("rise", subject="")) == [0, 1]

    def test_moves_of_two_subjects_have_two_names(self):
        stories = Stories()
        assert stories.place(self.move())[0] != stories.place(self.move(subject="Asia futures"))[0]


def test_expectations_of_the_fed_are_one_story():
    def expected(text, direction="dovish", status="scheduled"):
        return telling(text, tag="fed", direction=direction, status=status)

    cut = expected("traders price a reduction")
    assert names(cut, expected("speculation that borrowing costs fall")) == [0, 0]
    assert names(cut, expected("speculation that borrowing costs rise", "hawkish")) == [0, 1]
    assert names(cut, expected("Powell lowers borrowing costs", status="announced")) == [0, 1]


WORDS = ["hbm4", "hmb4", "memory", "plant", "export", "order", "foundry", "wafer", "demand", "2nd"]
TELLINGS = st.builds(
    Telling,
    tag=st.sampled_from(["chip", "fed", "market_move"]),
    direction=st.sampled_from(["positive", "negative", "neutral", ""]),
    status=st.sampled_from(["announced", "scheduled", "move"]),
    subject=st.sampled_from(["", "US", "Asia"]),
    symbols=st.frozensets(st.sampled_from([HYNIX, SAMSUNG]), max_size=2),
    words=st.frozensets(st.sampled_from(WORDS), max_size=6),
    known_by=st.integers(0, 20 * DAY),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(TELLINGS, max_size=8), st.lists(TELLINGS, max_size=5), st.data())
def test_what_comes_later_never_changes_what_was_told(earlier, later, data):
    def place(tellings):
        stories = Stories()
        return [stories.place(one) for one in sorted(tellings, key=lambda one: one.known_by)]

    cut = max((one.known_by for one in earlier), default=0)
    later = [replace(one, known_by=one.known_by + cut + 1) for one in later]
    shuffled = data.draw(st.permutations(later))
    alone = place(earlier)
    assert place([*earlier, *shuffled])[: len(earlier)] == alone
    firsts = [name for name, first in alone if first]
    assert len(firsts) == len(set(firsts))
    assert {name for name, _ in alone} == set(firsts)
