"""The taxonomy: what ships is sound; a desk's file merges over it or is refused with line and cure."""

from dataclasses import FrozenInstanceError
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.data.errors import InputError
from aftershock.data.news.rules import find, stance
from aftershock.data.news.taxonomy import Taxonomy, choices, inflections, load_taxonomy, tokens

TOPICS = "fed chip tariff earnings mna capital_raise policy_regulation macro_data commodity fx_rates crypto market_move"


@pytest.fixture
def desk(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "desk.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def tags(text: str, taxonomy: Taxonomy) -> list[str]:
    return [finding.tag for finding in find(text, taxonomy, is_headline=True)]


def test_ships_the_topics_in_order() -> None:
    assert [topic.name for topic in load_taxonomy().topics] == TOPICS.split()


def test_every_topic_has_rules_and_polarities_within_bounds() -> None:
    for topic in load_taxonomy().topics:
        assert topic.rules, topic.name
        assert all(-1 <= value <= 1 for value in topic.polarity.values()), topic.name
        assert {cue.direction for cue in topic.cues} <= set(topic.polarity), topic.name


def test_is_compiled_once_and_frozen() -> None:
    taxonomy = load_taxonomy()
    assert taxonomy is load_taxonomy()
    with pytest.raises(FrozenInstanceError):
        taxonomy.topics[0].name = "other"  # type: ignore[misc]


def test_unknown_topic_is_suggested() -> None:
    with pytest.raises(InputError, match="got 'tarif'; did you mean 'tariff'"):
        load_taxonomy().topic("tarif")


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("U . S . -China talks", ["u.s.", "china", "talks"]),
        ("U.S.-China talks", ["u.s.", "china", "talks"]),
        ("the US and us", ["the", "u.s.", "and", "us"]),
        ("Fed’s 25-basis-point cut", ["fed", "#", "basis", "point", "cut"]),
        ("up 2 . 4% or 2.4 percent", ["up", "%", "or", "%"]),
        ("263,000 claims, S&P 500", ["#", "claims", ",", "s&p", "#"]),
        ("it doesn't", ["it", "doesn't"]),
        ("5G and HBM4", ["5g", "and", "hbm4"]),
    ],
)
def test_tokens(text: str, keys: list[str]) -> None:
    assert [token.key for token in tokens(text)] == keys


@given(st.text(max_size=200))
def test_tokens_stand_where_they_say(text: str) -> None:
    found = tokens(text)
    assert all(0 <= token.start < token.end <= len(text) for token in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


def test_inflections_and_choices() -> None:
    assert {"slashes", "slashed", "slashing"} <= set(inflections("slash"))
    assert {"raises", "raised", "raising"} <= set(inflections("raise"))
    assert choices("(rate |)cut") == ["rate cut", "cut"]


def test_a_desk_adds_words_and_takes_them_away(desk) -> None:
    taxonomy = load_taxonomy(desk('[words]\nchip_makers = ["^Zilog", "-^Nvidia"]\n'))
    assert tags("Zilog names new chief", taxonomy) == ["chip"]
    assert tags("Nvidia names new chief", taxonomy) == []
    assert tags("Nvidia names new chief", load_taxonomy()) == ["chip"]


def test_a_desk_adds_a_topic(desk) -> None:
    taxonomy = load_taxonomy(
        desk(
            """
[words]
rain = ["monsoon~", "rainfall"]

[topics.weather]
polarity = { wet = 1, dry = -0.5 }
opposites = { wet = "dry", dry = "wet" }

[[topics.weather.rules]]
name = "rain"
any = ["<rain>"]

[[topics.weather.cues]]
direction = "dry"
any = ["(weak|late) <rain>"]
"""
        )
    )
    (finding,) = find("Weak monsoon seen this year", taxonomy, is_headline=True)
    assert (finding.tag, finding.direction, finding.polarity, finding.rule) == (
        "weather",
        "dry",
        -0.5,
        "weather.rain",
    )


def test_a_desk_replaces_a_rule_and_leaves_the_others(desk) -> None:
    own = '[[topics.crypto.rules]]\nname = "words"\nany = ["tulip bulb~"]\n'
    taxonomy = load_taxonomy(desk(own))
    assert tags("Tulip bulbs in demand", taxonomy) == ["crypto"]
    assert "crypto" not in tags("Bitcoin in demand", taxonomy)


def test_a_desk_turns_a_topic_off(desk) -> None:
    taxonomy = load_taxonomy(desk("[topics.crypto]\noff = true\n"))
    assert "crypto" not in [topic.name for topic in taxonomy.topics]


def test_a_desk_leans_on_its_own_words(desk) -> None:
    own = load_taxonomy(desk('[stance]\nhawkish = ["batten .. hatches"]\n'))
    assert stance("We batten down the hatches", own) == "hawkish"
    assert stance("We batten down the hatches") == "neutral"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[words]\nx = [\n", r"expected TOML"),
        (
            "[word]\nx = []\n",
            r"line 1: expected \[words\] or \[topics.NAME\], got 'word'; did you mean 'words'",
        ),
        ('[words]\nok = ["a"]\nx = "a"\n', r"line 3: expected x to be a list of phrases"),
        ('[words]\nok = ["a"]\nx = ["a", "<ok>"]\n', r"line 3: expected words alone in a list of \[words\]"),
        (
            "[topics.fed]\npolarty = {}\n",
            r"line 2: expected a key of a topic, got 'polarty'; did you mean 'polarity'",
        ),
        ("[topics.fed]\npolarity = { dovish = 3 }\n", r"line 2: expected a polarity from -1 to 1, got 3"),
        ('[topics.fed]\notherwise = "hawk"\n', r"line 2: expected a direction of the topic, got 'hawk'"),
        ("[topics.new]\nmask = []\n", r"line 1: expected polarity and rules of the new topic 'new'"),
        (
            '[[topics.fed.rules]]\nname = "a"\nany = ["<fed_boddy>"]\n',
            r"line 3: expected a list of \[words\], got '<fed_boddy>'; did you mean 'fed_body'",
        ),
        ('[[topics.fed.rules]]\nname = "a"\n', r"line 1: expected 'any' in rules"),
        (
            '[[topics.fed.rules]]\nname = "a"\nany = [".. cut"]\n',
            r"line 3: expected a phrase that begins and ends",
        ),
        ('[[topics.fed.rules]]\nname = "a"\nany = ["(cut"]\n', r"line 3: expected paired brackets"),
        (
            '[[topics.fed.rules]]\nname = "a"\nany = ["(a .. b|c)"]\n',
            r"line 3: expected gaps outside of choices",
        ),
        (
            '[[topics.fed.rules]]\nname = "a"\nany = ["(<fed_body> x|c)"]\n',
            r"line 3: expected a <list> alone",
        ),
        ('[[topics.fed.rules]]\nname = "a"\nany = ["~"]\n', r"line 3: expected words, got '~'"),
        (
            '[[topics.fed.rules]]\nname = "a"\nany = ["x"]\n\n[[topics.fed.rules]]\n'
            'name = "b"\nany = ["x"]\nonly = "tweet"\n',
            r"line 8: expected 'headline' or 'body', got 'tweet'",
        ),
        (
            '[[topics.fed.cues]]\ndirection = "dovsh"\nany = ["x"]\n',
            r"line 2: expected a direction of the topic, got 'dovsh'; did you mean 'dovish'",
        ),
        (
            '[[topics.fed.cues]]\ndirection = "dovish"\nweight = true\nany = ["x"]\n',
            r"line 3: expected weight from 0 to 100, got True",
        ),
        ('[stance]\nhawk = ["x"]\n', r"line 2: expected dovish or hawkish, got 'hawk'"),
        ("words = 3\n", r"line 1: expected a table \[words\], got 3"),
        ("[topics]\nfed = 3\n", r"expected a table \[topics.fed\], got 3"),
        ("[topics.fed]\nrules = 3\n", r"line 2: expected rules to be an array of tables"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(desk, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_taxonomy(desk(text))


def test_all_problems_are_told_at_once(desk) -> None:
    path = desk('[topics.fed]\nmaks = []\n\n[[topics.fed.cues]]\ndirection = "up"\nany = ["<x>"]\n')
    with pytest.raises(InputError) as error:
        load_taxonomy(path)
    assert len(error.value.problems) == 3


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a taxonomy file"):
        load_taxonomy(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="expected UTF-8 text"):
        load_taxonomy(tmp_path / "bytes.toml")
