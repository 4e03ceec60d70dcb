"""What the rules read out of a sentence: topics, directions, status, numbers, and what they leave alone."""

import csv
import math
import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.data.news.rules import amount, basis_points, compared, find, stance
from aftershock.data.news.taxonomy import load_taxonomy
from aftershock.data.news.types import Finding

TAXONOMY = load_taxonomy()
MAIN = ("fed", "chip", "tariff")


def headline(text: str) -> dict[str, Finding]:
    return {finding.tag: finding for finding in find(text, TAXONOMY, is_headline=True)}


def body(text: str) -> list[Finding]:
    return find(text, TAXONOMY, is_headline=False)


def told(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.tag, finding.direction) for finding in findings]


def only(text: str, tag: str) -> Finding:
    (finding,) = (finding for finding in body(text) if finding.tag == tag)
    return finding


@pytest.mark.parametrize(
    ("text", "tag", "direction"),
    [
        ("Fed cuts rates to near zero", "fed", "dovish"),
        ("Fed raises rates , signals more to come", "fed", "hawkish"),
        ("Fed's Waller says no need to rush to cut rates", "fed", "hawkish"),
        ("No need to raise rates now , Fed's Daly says", "fed", "dovish"),
        ("Fed will not cut rates this year , Goolsbee says", "fed", "hawkish"),
        ("Hot jobs report dashes hopes for Fed rate cut", "fed", "hawkish"),
        ("Weak data fades Fed rate hike bets", "fed", "dovish"),
        ("Fed holds rates steady", "fed", "neutral"),
        ("Nvidia sales beat estimates", "chip", "positive"),
        ("Micron misses profit estimates on memory glut", "chip", "negative"),
        ("AMD unveils new data center chip", "chip", "positive"),
        ("SK Hynix hires former Intel executive", "chip", "neutral"),
        ("U . S . bans export of Nvidia AI chips to China", "chip", "negative"),
        ("Trump slaps 25 % tariffs on Canada", "tariff", "escalation"),
        ("Trump delays tariffs on Canada", "tariff", "deescalation"),
        ("China vows to retaliate against U . S . tariffs", "tariff", "escalation"),
        ("U . S . , China agree on trade truce", "tariff", "deescalation"),
        ("Trade talks make no progress", "tariff", "escalation"),
        ("Explainer : what are reciprocal tariffs ?", "tariff", "neutral"),
        ("Wall Street falls as trade war fears mount", "tariff", "escalation"),
        ("Stocks rally on trade deal hopes", "tariff", "deescalation"),
    ],
)
def test_topic_and_direction(text: str, tag: str, direction: str) -> None:
    finding = headline(text)[tag]
    assert finding.direction == direction
    assert finding.polarity == TAXONOMY.topic(tag).polarity[direction]


@pytest.mark.parametrize(
    "text",
    [
        "Cattle fed on grain fetch more",
        "ECB cuts rates to record low",
        "Bank of England raises interest rates",
        "India's central bank seen cutting rates again",
        "Banks pass Fed stress tests",
        "Fed fines bank over lapses",
        "Huawei chips away at Samsung's lead",
        "Blue chips end the week mixed",
        "Potato chips recalled over salt",
        "Britain bars Huawei from 5G network",
        "Trump's capital gains tax cut plan stalls",
        "China trade surplus narrows in March",
        "Oil traders brace for thin holiday trade",
        "U . S . sanctions on Iran hit tanker owners",
        "Mobile operator raises phone tariffs",
        "Court fines executives over insider trades",
    ],
)
def test_what_only_looks_like_a_topic(text: str) -> None:
    assert not set(headline(text)) & set(MAIN)


@pytest.mark.parametrize(
    ("text", "tag", "direction"),
    [
        ("Toyota raises full-year profit forecast", "earnings", "positive"),
        ("Airline posts wider quarterly loss", "earnings", "negative"),
        ("Yageo to acquire stake in Shibaura via tender offer", "mna", "positive"),
        ("Minebea calls off tender offer for Shibaura", "mna", "negative"),
        ("Alibaba raises $3.2B in convertible bond sale", "capital_raise", ""),
        ("Regulator launches antitrust probe into app stores", "policy_regulation", "negative"),
        ("China retail sales slowed in August", "macro_data", "weaker"),
        ("Oil slides 3% on demand worries", "commodity", "down"),
        ("Dollar climbs against yen", "fx_rates", "up"),
        ("Bitcoin soars to record", "crypto", "positive"),
        ("Nikkei slumps 2%", "market_move", "down"),
    ],
)
def test_the_other_topics(text: str, tag: str, direction: str) -> None:
    found = headline(text)
    assert tag in found
    assert direction in ("", found[tag].direction)


def test_a_market_move_is_not_an_announcement() -> None:
    assert told(body("Asian stocks rose on Friday, with chipmaker shares leading gains.")) == [
        ("market_move", "up")
    ]


def test_a_move_and_the_announcement_behind_it_are_two_findings() -> None:
    text = "The KOSPI jumped 1.3%, buoyed by SK Hynix, which surged 6% after completing development of HBM4."
    move, chip = body(text)
    assert (move.tag, move.status, chip.tag, chip.direction, chip.status) == (
        "market_move",
        "move",
        "chip",
        "positive",
        "announced",
    )
    assert "HBM4" in text[chip.evidence.start : chip.evidence.end]
    assert "HBM4" not in text[move.evidence.start : move.evidence.end]


def test_pieces_speak_for_themselves() -> None:
    text = "The S&P/ASX 200 rose 0.7%, while Singapore's Straits Times Index edged down 0.2%."
    assert told(body(text)) == [("market_move", "up"), ("market_move", "down")]
    assert told(body("The Nikkei 225 climbed 0.8% despite political unrest.")) == [
        ("market_move", "up"),
        ("policy_regulation", "negative"),
    ]


def test_flat_is_said_and_has_no_sign() -> None:
    (finding,) = body("Futures for India's Nifty 50 were largely unchanged.")
    assert (finding.direction, finding.polarity, finding.status) == ("flat", 0.0, "move")


def test_hot_inflation_is_bad_and_weak_labour_good() -> None:
    hot, soft = body(
        "The U.S. consumer price index rose 0.4%, while weekly jobless claims jumped to 263,000."
    )
    assert (hot.direction, hot.polarity, soft.direction, soft.polarity) == ("stronger", -1.0, "weaker", 1.0)


def test_little_to_alter_is_no_negation() -> None:
    text = "The signals did little to alter expectations that the Fed will cut interest rates next week."
    assert only(text, "fed").direction == "dovish"


@pytest.mark.parametrize(
    ("text", "status", "attribution"),
    [
        ("Baidu has begun using its own chips, according to The Information.", "reported", "The Information"),
        ("Trump to raise tariffs on India, sources said", "reported", "sources"),
        ("Nvidia plans new China chip: WSJ", "reported", "WSJ"),
        ("Nvidia plans new China chip - source", "reported", "source"),
        ("Nvidia reportedly plans a new China chip", "reported", "reportedly"),
        ("SK Hynix completed development of an HBM4 memory chip (Bloomberg).", "announced", "Bloomberg"),
        ("SK Hynix completed development of an HBM4 memory chip.", "announced", ""),
        ("U.S.-China trade talks are set to resume in Madrid next week.", "scheduled", ""),
        ("Fed seen cutting rates three times this year: Reuters poll", "announced", ""),
    ],
)
def test_status_and_attribution(text: str, status: str, attribution: str) -> None:
    finding = body(text)[0]
    assert (finding.status, finding.attribution) == (status, attribution)


def test_expected_basis_points() -> None:
    text = "Traders in futures markets are pricing in a near-certainty of a 25-basis-point reduction."
    finding = only(text, "fed")
    assert (finding.strength, finding.expected, finding.status) == (25.0, -25.0, "scheduled")
    assert math.isnan(finding.actual)


def test_announced_basis_points() -> None:
    finding = only("The Federal Reserve raised its policy rate by 75 basis points.", "fed")
    assert (finding.strength, finding.actual, finding.direction) == (75.0, 75.0, "hawkish")
    assert math.isnan(finding.expected)


def test_tariff_points() -> None:
    assert only("Trump imposes tariffs of up to 100% on India.", "tariff").strength == 100.0
    assert only("Trump raises tariffs to 25% from 10% on goods.", "tariff").strength == 15.0
    assert math.isnan(only("Trump imposes tariffs; shares fell 3%.", "tariff").strength)


def test_actual_against_consensus_gives_the_direction() -> None:
    finding = only("Reports Q1 earnings; revenue ¥132.97B vs FactSet ¥122.93B", "earnings")
    assert (finding.actual, finding.expected, finding.direction) == (132.97e9, 122.93e9, "positive")
    worse = only("Q1 revenue ¥102.97B vs FactSet ¥122.93B", "earnings")
    assert worse.direction == "negative"


def test_accounting_negatives() -> None:
    finding = only("Industrial Production m/m (revised) (1.2%) versus (1.6%) in prior month", "macro_data")
    assert finding.actual == -1.2
    assert math.isnan(finding.expected)


@pytest.mark.parametrize(
    ("text", "actual", "expected"),
    [
        ("CPI rose 0.4 % vs 0.3 % expected", 0.4, 0.3),
        ("CPI up 0.4%, above forecasts of 0.3%", 0.4, 0.3),
        ("claims 263,000 versus consensus 235,000", 263000.0, 235000.0),
        ("output (1.2%) vs FactSet (0.8%)", -1.2, -0.8),
    ],
)
def test_compared(text: str, actual: float, expected: float) -> None:
    assert compared(text) == (actual, expected)


def test_nothing_compared() -> None:
    assert all(math.isnan(value) for value in compared("CPI rose"))
    assert math.isnan(amount("none"))
    assert math.isnan(basis_points("a cut"))


def test_size_of_a_move_in_words() -> None:
    assert basis_points("a half-point cut") == -50.0
    assert basis_points("rates rise by a quarter percentage point") == 25.0
    assert basis_points("increased the chances of a 50 bps cut") == -50.0


def test_hedges_lower_confidence() -> None:
    sure = headline("Trump imposes tariffs on Mexico")["tariff"]
    unsure = headline("Trump may impose tariffs on Mexico")["tariff"]
    assert unsure.confidence < sure.confidence


def test_several_topics_of_one_headline() -> None:
    found = headline("World stocks fall on trade war fears and Fed rate hike worries")
    assert (found["tariff"].direction, found["fed"].direction) == ("escalation", "hawkish")
    assert found["market_move"].direction == "down"


def test_plain_and_spaced_text_say_the_same() -> None:
    spaced = headline("U . S . -China trade talks : Fed's cut of 0 . 25 percentage point")
    plain = headline("U.S.-China trade talks: Fed's cut of 0.25 percentage point")
    assert {t: f.direction for t, f in spaced.items()} == {t: f.direction for t, f in plain.items()}


def test_no_words_no_findings() -> None:
    assert headline("") == {}
    assert headline(" \n\t ; ") == {}


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("Inflation has picked up and remains elevated.", "hawkish"),
        (
            "The Committee anticipates that ongoing increases in the target range will be appropriate.",
            "hawkish",
        ),
        ("The unemployment rate rose and household spending weakened.", "dovish"),
        ("The Committee will maintain an accommodative stance of monetary policy.", "dovish"),
        ("The meeting adjourned at noon.", "neutral"),
    ],
)
def test_stance(text: str, way: str) -> None:
    assert stance(text) == way


WORDS = (
    "Fed",
    "cuts",
    "tariff",
    "chip",
    "not",
    ";",
    "while",
    "%",
    "25",
    "vs",
    "(1.2%)",
    "US",
    "U . S .",
    "stocks",
    "fall",
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=8)), max_size=60), st.booleans())
def test_spans_stay_inside_whatever_the_text(parts: list[str], is_headline: bool) -> None:
    text = " ".join(parts)
    for finding in find(text, TAXONOMY, is_headline=is_headline):
        assert 0 <= finding.evidence.start < finding.evidence.end <= len(text)
        assert finding.sentence == (0, len(text))
        assert 0 <= finding.confidence <= 1
        assert -1 <= finding.polarity <= 1
        assert finding.direction in TAXONOMY.topic(finding.tag).polarity


@pytest.mark.parametrize(
    "unit", ["a", "1,", "1 vs 1 ", "Fed;", "Fed cut while ", "trade tariff ", "n't'", "half-", "U . S . "]
)
@pytest.mark.parametrize("is_headline", [True, False])
def test_a_line_of_a_million_characters_takes_bounded_time(unit: str, is_headline: bool) -> None:
    text = unit * (1_000_000 // len(unit))
    start = time.perf_counter()
    find(text, TAXONOMY, is_headline=is_headline)
    stance(text)
    assert time.perf_counter() - start < 5


def test_findings_do_not_depend_on_order_or_repetition() -> None:
    lines = [
        "Fed cuts rates",
        "Nvidia beats estimates",
        "Trump raises tariffs",
        "Stocks fall on trade fears",
    ] * 5
    first = [repr(find(line, TAXONOMY, is_headline=True)) for line in lines]
    order = list(range(len(lines)))
    random.Random(1).shuffle(order)
    again = {i: repr(find(lines[i], TAXONOMY, is_headline=True)) for i in order}
    assert first == [again[i] for i in range(len(lines))]


def f1(pairs: list[tuple[bool, bool]]) -> float:
    hit = sum(gold and said for gold, said in pairs)
    return 2 * hit / (sum(gold for gold, _ in pairs) + sum(said for _, said in pairs))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.shared
@pytest.mark.parametrize(("tag", "bar"), [("fed", 0.93), ("chip", 0.90), ("tariff", 0.93)])
def test_topics_of_labelled_headlines(shared: Path, tag: str, bar: float) -> None:
    labelled = rows(shared / "labels" / "headlines_dev.csv")
    pairs = [(tag in row["topics"].split("+"), tag in headline(row["headline"])) for row in labelled]
    assert f1(pairs) >= bar


@pytest.mark.shared
@pytest.mark.parametrize("tag", ["fed", "chip", "tariff"])
def test_directions_of_labelled_headlines(shared: Path, tag: str) -> None:
    labelled = [row for row in rows(shared / "labels" / "headlines_dev.csv") if row[f"{tag}_dir"]]
    said = [headline(row["headline"]).get(tag) for row in labelled]
    scores = [
        f1(
            [
                (row[f"{tag}_dir"] == way, one is not None and one.direction == way)
                for row, one in zip(labelled, said, strict=True)
            ]
        )
        for way in TAXONOMY.topic(tag).polarity
    ]
    assert sum(scores) / len(scores) >= 0.75


@pytest.mark.shared
def test_stance_of_labelled_sentences(shared: Path) -> None:
    labelled = rows(shared / "labels" / "fomc_stance_train.csv")
    said = [stance(row["sentence"]) for row in labelled]
    total = 0.0
    for label, way in (("0", "dovish"), ("1", "hawkish"), ("2", "neutral")):
        pairs = [(row["label"] == label, one == way) for row, one in zip(labelled, said, strict=True)]
        total += f1(pairs) * sum(gold for gold, _ in pairs) / len(pairs)
    assert total >= 0.55
