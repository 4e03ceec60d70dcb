"""The two wraps that began the project: when, what and which are the same, against what a reader marked."""

import json
from collections import Counter, defaultdict

import pytest

from aftershock.data.instants import iso
from aftershock.data.news import read_news, tag

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def gold(shared):
    return json.loads((shared / "labels" / "gold_wrap_000.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def both(shared):
    """What each seed tells, by its number."""
    paths = sorted((shared / "seeds").glob("00[02]_*.txt"))
    return {told.document.file.split("/")[-1][:3]: told for told in tag(read_news(paths)).told}


def asked(document):
    """Give what must be found, (story, topic) told outside headings, and what marks say of whom by topic."""
    wanted, marks = set(), defaultdict(list)
    for event in document["events"]:
        if event["role"] != "heading":
            wanted |= {(event["story"], topic) for topic in event["topics"]}
        for topic in (*event["topics"], *event["optional_topics"]):
            marks[topic].append((*event["span"], event["story"]))
    return wanted, marks


def told_stories(told):
    """Give the spans in the file of each (story, tag) that was told."""
    spans = defaultdict(list)
    for event in told.events:
        spans[event.story_id, event.finding.tag].append(told.document.in_file(event.finding.evidence))
    return spans


def nearest(spans, marks):
    """Give the marked story that most spans overlap; None where none does."""
    met = Counter(
        story for start, end, story in marks for one in spans if one.start < end and start < one.end
    )
    return met.most_common(1)[0][0] if met else None


def overlaps(told, span):
    """Give the tags told of a range of characters."""
    places = [(event, told.document.in_file(event.finding.evidence)) for event in told.events]
    return {event.finding.tag for event, one in places if one.start < span[1] and span[0] < one.end}


def test_when_the_first_was_known(both):
    assert (iso(both["000"].known.known_from), iso(both["000"].known.known_by)) == (
        "2025-09-12T02:41:00Z",
        "2025-09-12T04:10:00Z",
    )


def test_the_stories_of_the_first(gold, both):
    wanted, marks = asked(gold["documents"][0])
    told = told_stories(both["000"])
    found = {key: (nearest(spans, marks[key[1]]), key[1]) for key, spans in told.items()}
    hits = {pair for pair in found.values() if pair[0] is not None}
    right = len(hits & wanted)
    optional = len(hits - wanted)
    precision, recall = right / (len(told) - optional), right / len(wanted)
    score = 2 * precision * recall / (precision + recall)
    assert score >= 0.85, f"F1 {score:.3f}; missed {wanted - hits}"


def test_a_product_is_one_story_in_both(both):
    names = defaultdict(set)
    for number, told in both.items():
        for event in told.events:
            said = told.text_of(event.finding.sentence)
            if event.finding.tag == "chip" and ("HBM4" in said or "HMB4" in said):
                names[event.story_id].add(number)
    assert list(names.values()) == [{"000", "002"}]


def test_only_one_print_of_a_story_trades(both):
    first = Counter(event.story_id for told in both.values() for event in told.events if event.tradable)
    assert first
    assert set(first.values()) == {1}


def test_no_event_of_boilerplate(gold, both):
    ignored = [one["span"] for one in gold["documents"][0]["sections"] if one["use"] != "body"]
    assert len(ignored) == 3
    assert all(not overlaps(both["000"], span) for span in ignored)
    text = both["002"].document.text
    assert not overlaps(both["002"], (text.index("MAY LOSE VALUE") - 100, len(text)))


def trap(gold, name):
    (found,) = (one for one in gold["traps"] if one["id"].startswith(f"{name}-"))
    return [(one["doc"], one["span"]) for one in found["evidence"]]


def test_a_move_of_chip_shares_is_no_chip_news(gold, both):
    for number, span in trap(gold, "T15"):
        assert "chip" not in overlaps(both[number], span)


def test_a_percentage_in_a_reason_is_no_move(gold, both):
    for number, (start, end) in trap(gold, "T37"):
        told = both[number]
        shown = told.document.text[start:end]
        percent = float("".join(c for c in shown.split("%")[0] if c.isdigit()))
        moves = [*told.movers, *told.index_moves]
        assert percent not in [abs(one.percent) for one in moves]
        assert "market_move" not in overlaps(told, (start, end))


def test_what_follows_the_news_tells_nothing(gold, both):
    for number, span in trap(gold, "T54"):
        assert not overlaps(both[number], span)


def test_days_are_those_the_text_names(gold, both):
    """Trap T22: "Thursday", "next week" and "the previous session" are not the day of publication."""
    compared = 0
    for one in gold["documents"][0]["events"]:
        wanted = one["refers_to"]
        if wanted["basis"] != "text" and not wanted["basis"].startswith('inferred:"previous'):
            continue
        for event in both["000"].events:
            start, end = both["000"].document.in_file(event.finding.evidence)
            if start < one["span"][1] and one["span"][0] < end and event.finding.tag in one["topics"]:
                first, last = map(str, event.refers_to)
                assert first <= wanted["start"] <= wanted["end"] <= last, one["text"]
                compared += 1
    assert compared >= 6
