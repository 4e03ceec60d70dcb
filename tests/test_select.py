"""Events times universe: which signals there are, on which side, and a reason for whatever is not among them."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.data.events import load_events
from aftershock.data.universes import universe
from aftershock.strategies.reaction import Reaction
from aftershock.strategies.select import (
    SIGNAL_COLUMNS,
    SKIPS,
    Links,
    event_side,
    impact_of,
    pairs_of,
    select,
)

UNIVERSE = universe(["000660.KS", "8035.T", "2330.TW", "9988.HK"])
ALL = list(UNIVERSE.symbols)
SEMIS = ["000660.KS", "8035.T", "2330.TW"]
NOON = "2025-06-11T12:00Z"


def events(*rows):
    """Events in the schema; each row says what differs from a plain piece of good chip news on SK hynix."""
    plain = {"known_by": NOON, "tag": "chip", "direction": "positive", "symbols": "", "scope": ""}
    named = [{"event_id": f"e{k}"} | row for k, row in enumerate(rows)]
    table = pd.DataFrame([plain | row for row in named])
    return load_events(table).frame


def one(**row):
    """Give one event, on SK hynix unless it says otherwise."""
    return events({"symbols": "000660.KS"} | row)


def links(impacts=(), exposures=(), factors=()):
    """Links of literal rows; an exposure was public since 2020 unless its fifth cell says otherwise."""
    dated = [(*row, "2020-01-01T00:00Z")[:5] for row in exposures]
    exposed = pd.DataFrame(dated, columns=["symbol", "factor", "sign", "weight", "valid_from"])
    return Links(
        pd.DataFrame(impacts, columns=["event_id", "symbol", "polarity"]).astype({"polarity": float}),
        exposed.astype({"sign": int, "weight": float}).assign(
            valid_from=pd.to_datetime(exposed["valid_from"], utc=True).astype("datetime64[ns, UTC]")
        ),
        pd.DataFrame(factors, columns=["tag", "direction", "factor", "sign"]).astype({"sign": int}),
    )


NONE = links()


def sizes(found):
    """Symbol -> side x weight, for the signals of one event."""
    return dict(zip(found.signals["symbol"], found.signals["side"] * found.signals["weight"], strict=True))


def skips(found):
    return list(found.skipped[["event_id", "symbol", "code"]].itertuples(index=False, name=None))


REFUSED = [
    ({"tag": "mna"}, {"tag": "chip"}, "other_tag", ""),
    ({"direction": "negative"}, {"direction": "positive"}, "other_direction", ""),
    ({"strength": 1.9}, {"min_strength": 2}, "weak", ""),
    ({"strength": math.nan}, {"min_strength": 2}, "weak", ""),
    ({"confidence": 0.5}, {"min_confidence": 0.6}, "unsure", ""),
    ({"confidence": math.nan}, {"min_confidence": 0.6}, "unsure", ""),
    ({"symbols": ""}, {}, "no_instrument", ""),
    ({"symbols": "", "scope": "market:IN"}, {}, "no_instrument", ""),
    ({"symbols": "005930.KS"}, {}, "outside_universe", "005930.KS"),
    ({"direction": "neutral"}, {}, "no_side", ""),
    ({"direction": ""}, {}, "no_side", ""),
    ({"surprise": math.nan}, {"side_by": "surprise"}, "no_surprise", ""),
    ({"surprise": 0.0}, {"side_by": "surprise"}, "no_surprise", ""),
    ({"surprise": -0.0}, {"side_by": "surprise"}, "no_surprise", ""),
    ({}, {"side_by": "impact"}, "no_impact", "000660.KS"),
    ({"direction": "negative"}, {"sides": "long"}, "other_side", "000660.KS"),
    ({}, {"sides": "short"}, "other_side", "000660.KS"),
    ({}, {"stance": "fade", "sides": "long"}, "other_side", "000660.KS"),
]
"""An event (else good chip news on SK hynix), a strategy, the reason, and the symbol of which it is told."""


class TestReasons:
    @pytest.mark.parametrize(("event", "strategy", "code", "symbol"), REFUSED)
    def test_what_gives_no_signal_says_why(self, event, strategy, code, symbol):
        found = select(one(**event), Reaction(**strategy), UNIVERSE, NONE)
        assert len(found.signals) == 0
        assert skips(found) == [("e0", symbol, code)]
        assert found.skipped["reason"].tolist() == [SKIPS[code]]

    def test_an_echo_says_so(self):
        story = [{"symbols": "8035.T", "story_id": "s"}, {"symbols": "000660.KS", "story_id": "s"}]
        found = select(events(*story), Reaction(), UNIVERSE, NONE)
        assert found.signals["symbol"].tolist() == ["8035.T"]
        assert skips(found) == [("e1", "", "echo")]

    def test_every_code_has_been_seen(self):
        elsewhere = {"echo", "no_news", "aside"}
        assert {code for _, _, code, _ in REFUSED} | elsewhere == set(SKIPS)

    @pytest.mark.parametrize(
        ("status", "taken"), [("announced", 1), ("reported", 1), ("scheduled", 0), ("move", 0)]
    )
    def test_moves_and_expectations_are_no_news(self, status, taken):
        found = select(one().assign(status=status), Reaction(), UNIVERSE, NONE)
        assert len(found.signals) == taken
        assert skips(found) == ([] if taken else [("e0", "", "no_news")])

    @pytest.mark.parametrize(
        ("strength", "minimum", "taken"),
        [(2.0, 2, True), (1.999, 2, False), (math.nan, 0, True), (0.0, 0, True)],
    )
    def test_a_minimum_is_reached_by_what_equals_it_and_a_minimum_of_nothing_by_all(
        self, strength, minimum, taken
    ):
        for name in ("strength", "confidence"):
            scale = 4 if name == "confidence" else 1
            given_ = one(**{name: strength / scale})
            found = select(given_, Reaction(**{f"min_{name}": minimum / scale}), UNIVERSE, NONE)
            assert len(found.signals) == taken

    def test_the_first_reason_stands(self):
        wrong = {"tag": "mna", "direction": "neutral", "strength": 0.1, "confidence": 0.1, "symbols": ""}
        strict = {"tag": "chip", "direction": "positive", "min_strength": 1, "min_confidence": 1}
        order = ["other_tag", "other_direction", "weak", "unsure", "no_side"]
        for k, code in enumerate(order):
            loosened = {name: value for name, value in strict.items() if name in list(strict)[k:]}
            found = select(events(wrong), Reaction(**loosened), UNIVERSE, NONE)
            assert skips(found) == [("e0", "", code)]

    def test_one_instrument_may_trade_while_another_does_not(self):
        found = select(
            one(symbols="000660.KS 005930.KS 8035.T"),
            Reaction(side_by="impact", sides="long"),
            UNIVERSE,
            links(impacts=[("e0", "000660.KS", 0.5), ("e0", "8035.T", -0.5)]),
        )
        assert sizes(found) == {"000660.KS": 0.5}
        assert sorted(skips(found)) == [
            ("e0", "005930.KS", "outside_universe"),
            ("e0", "8035.T", "other_side"),
        ]


class TestInstruments:
    @pytest.mark.parametrize(
        ("symbols", "scope", "instruments", "expected"),
        [
            ("8035.T", "global", "auto", ["8035.T"]),
            ("8035.T", "global", "symbols", ["8035.T"]),
            ("8035.T", "global", "scope", ALL),
            ("8035.T 000660.KS", "", "auto", ["000660.KS", "8035.T"]),
            ("", "global", "auto", ALL),
            ("", "global", "symbols", []),
            ("8035.T", "", "scope", []),
            ("", "market:KR", "auto", ["000660.KS"]),
            ("", "market:IN", "auto", []),
            ("", "theme:semis", "auto", SEMIS),
            ("", "theme:memory", "auto", ["000660.KS"]),
            ("", "theme:mem", "auto", []),
            ("", "market:KR market:JP", "auto", ["000660.KS", "8035.T"]),
            ("", "theme:memory market:HK", "auto", ["000660.KS", "9988.HK"]),
            ("", "theme:semis market:KR", "auto", SEMIS),
            ("", "market:KR global", "auto", ALL),
            ("", "", "auto", []),
        ],
    )
    def test_own_symbols_stand_before_the_scope(self, symbols, scope, instruments, expected):
        found = select(one(symbols=symbols, scope=scope), Reaction(instruments=instruments), UNIVERSE, NONE)
        assert sorted(found.signals["symbol"]) == sorted(expected)

    def test_own_symbols_outside_the_universe_do_not_fall_back_on_the_scope(self):
        found = select(one(symbols="005930.KS", scope="global"), Reaction(), UNIVERSE, NONE)
        assert len(found.signals) == 0
        assert skips(found) == [("e0", "005930.KS", "outside_universe")]

    def test_each_event_has_its_own_instruments(self):
        given_ = events(
            {"symbols": "8035.T", "scope": "global"}, {"scope": "market:KR"}, {"scope": "market:IN"}
        )
        found = select(given_, Reaction(), UNIVERSE, NONE)
        assert found.signals[["event_id", "symbol"]].to_numpy().tolist() == [
            ["e0", "8035.T"],
            ["e1", "000660.KS"],
        ]
        assert skips(found) == [("e2", "", "no_instrument")]

    def test_pairs_come_once_each(self):
        pairs = pairs_of(
            events({"symbols": "8035.T 8035.T", "scope": "market:JP theme:semis"}), UNIVERSE, "scope"
        )
        assert sorted(pairs["symbol"]) == sorted(SEMIS)
        assert list(pairs.columns) == ["event_id", "symbol"]
        twice = pd.DataFrame({"event_id": ["a"], "symbols": ["8035.T 8035.T"], "scope": ["global global"]})
        assert pairs_of(twice, UNIVERSE)["symbol"].tolist() == ["8035.T"]
        assert sorted(pairs_of(twice, UNIVERSE, "scope")["symbol"]) == sorted(ALL)

    def test_signals_say_what_the_instrument_is(self):
        found = select(one(symbols="N225 8035.T"), Reaction(), universe(["N225", "8035.T"]), NONE)
        rows = found.signals.set_index("symbol")[["venue", "market", "kind"]]
        assert rows.loc["N225"].tolist() == ["XTKS", "JP", "index"]
        assert rows.loc["8035.T"].tolist() == ["XTKS", "JP", "stock"]


class TestStories:
    def test_the_first_print_trades_and_its_echoes_do_not(self):
        given_ = events(
            {"event_id": "late", "known_by": "2025-06-11T13:00Z", "story_id": "s", "symbols": "8035.T"},
            {"event_id": "early", "known_by": "2025-06-11T12:00Z", "story_id": "s", "symbols": "8035.T"},
            {"event_id": "other", "known_by": "2025-06-11T14:00Z", "symbols": "8035.T"},
        )
        found = select(given_, Reaction(), UNIVERSE, NONE)
        assert found.signals["event_id"].tolist() == ["early", "other"]
        assert skips(found) == [("late", "", "echo")]

    def test_at_one_instant_the_smaller_name_is_first(self):
        row = {"story_id": "s", "symbols": "8035.T"}
        found = select(events({"event_id": "b"} | row, {"event_id": "a"} | row), Reaction(), UNIVERSE, NONE)
        assert found.signals["event_id"].tolist() == ["a"]

    def test_an_echo_does_not_trade_although_its_first_print_did_not(self):
        given_ = events(
            {"event_id": "a", "tag": "mna", "story_id": "s", "symbols": "8035.T"},
            {"event_id": "b", "story_id": "s", "symbols": "8035.T"},
        )
        found = select(given_, Reaction(tag="chip"), UNIVERSE, NONE)
        assert len(found.signals) == 0
        assert skips(found) == [("a", "", "other_tag"), ("b", "", "echo")]


class TestSides:
    @pytest.mark.parametrize(
        ("tag", "direction", "side"),
        [
            ("fed", "dovish", 1),
            ("fed", "hawkish", -1),
            ("chip", "positive", 1),
            ("chip", "negative", -1),
            ("tariff", "escalation", -1),
            ("tariff", "deescalation", 1),
        ],
    )
    @pytest.mark.parametrize("stance", ["follow", "fade"])
    def test_a_direction_gives_a_side(self, tag, direction, side, stance):
        found = select(one(tag=tag, direction=direction), Reaction(stance=stance), UNIVERSE, NONE)
        assert found.signals["side"].tolist() == [side if stance == "follow" else -side]
        assert found.signals["weight"].tolist() == [1.0]

    @pytest.mark.parametrize(
        ("tag", "surprise", "side"),
        [("fed", 0.25, -1), ("fed", -1e-9, 1), ("tariff", 10, -1), ("earnings", 0.1, 1), ("chip", -3.0, -1)],
    )
    def test_a_surprise_gives_a_side_whatever_the_direction(self, tag, surprise, side):
        given_ = one(tag=tag, direction="neutral", surprise=surprise)
        found = select(given_, Reaction(side_by="surprise"), UNIVERSE, NONE)
        assert found.signals["side"].tolist() == [side]
        assert found.signals["weight"].tolist() == [1.0]

    @pytest.mark.parametrize(("sides", "kept"), [("both", [1, -1]), ("long", [1]), ("short", [-1])])
    def test_sides_are_taken_after_the_stance(self, sides, kept):
        given_ = events({"symbols": "8035.T"}, {"symbols": "8035.T", "direction": "negative"})
        followed = select(given_, Reaction(sides=sides), UNIVERSE, NONE).signals["side"].tolist()
        faded = select(given_, Reaction(sides=sides, stance="fade"), UNIVERSE, NONE).signals["side"].tolist()
        assert sorted(followed) == sorted(faded) == sorted(kept)

    def test_no_surprise_is_no_side(self):
        table = pd.DataFrame(
            {
                "tag": ["fed", "fed", "chip", "chip"],
                "surprise": [np.nan, 0.0, -0.0, np.nan],
                "direction": "positive",
            }
        )
        assert event_side(table, "surprise").tolist() == [0.0, 0.0, 0.0, 0.0]
        assert event_side(table, "direction").tolist() == [1.0, 1.0, 1.0, 1.0]


class TestImpacts:
    FACTORS = (
        ("chip", "positive", "demand", 1),
        ("chip", "negative", "demand", -1),
        ("chip", "positive", "cost", -1),
    )

    THREE = tuple(("chip", "positive", factor, 1) for factor in "abc")

    def found(self, strategy=None, event=None, **tables):
        chosen = Reaction(side_by="impact", **(strategy or {}))
        given_ = one(**({"symbols": "000660.KS 8035.T"} | (event or {})))
        return select(given_, chosen, UNIVERSE, links(factors=self.FACTORS, **tables))

    def test_an_explicit_impact_gives_side_and_weight(self):
        impacts = [("e0", "000660.KS", 0.25), ("e0", "8035.T", -1.0)]
        assert sizes(self.found(impacts=impacts)) == {"000660.KS": 0.25, "8035.T": -1.0}

    def test_an_impact_is_of_one_event(self):
        found = self.found(impacts=[("e9", "000660.KS", 0.25)])
        assert len(found.signals) == 0

    def test_an_impact_names_an_instrument_that_the_event_does_not(self):
        found = self.found(impacts=[("e0", "2330.TW", 1.0)])
        assert sizes(found) == {"2330.TW": 1.0}

    @pytest.mark.parametrize(("instruments", "taken"), [("symbols", "8035.T"), ("scope", "000660.KS")])
    def test_an_impact_adds_no_instrument_to_those_that_were_asked_for(self, instruments, taken):
        found = self.found(
            {"instruments": instruments},
            {"symbols": "8035.T", "scope": "market:KR"},
            impacts=[("e0", symbol, 0.5) for symbol in ("2330.TW", "8035.T", "000660.KS")],
        )
        assert sizes(found) == {taken: 0.5}
        assert skips(found) == []

    def test_a_neutral_event_may_have_an_impact(self):
        found = self.found(event={"direction": "neutral"}, impacts=[("e0", "8035.T", -0.5)])
        assert sizes(found) == {"8035.T": -0.5}

    def test_else_exposures_count_by_what_moves_their_factor(self):
        exposures = [
            ("000660.KS", "demand", 1, 0.75),
            ("8035.T", "demand", -1, 0.5),
            ("8035.T", "rates", 1, 1.0),
        ]
        assert sizes(self.found(exposures=exposures)) == {"000660.KS": 0.75, "8035.T": -0.5}
        down = self.found(event={"direction": "negative"}, exposures=exposures)
        assert sizes(down) == {"000660.KS": -0.75, "8035.T": 0.5}

    def test_several_factors_add_up_to_one_at_most(self):
        exposures = [
            ("000660.KS", "demand", 1, 0.75),
            ("000660.KS", "cost", -1, 0.75),
            ("8035.T", "demand", 1, 0.75),
            ("8035.T", "cost", 1, 0.5),
        ]
        assert sizes(self.found(exposures=exposures)) == {"000660.KS": 1.0, "8035.T": 0.25}

    def test_what_cancels_out_is_no_impact(self):
        exposures = [("8035.T", "demand", 1, 0.5), ("8035.T", "cost", 1, 0.5)]
        found = self.found(event={"symbols": "8035.T"}, exposures=exposures)
        assert skips(found) == [("e0", "8035.T", "no_impact")]

    @pytest.mark.parametrize("polarity", [-0.1, 0.0])
    def test_an_explicit_impact_beats_exposures_even_where_it_is_none(self, polarity):
        found = self.found(
            impacts=[("e0", "000660.KS", polarity)],
            exposures=[("000660.KS", "demand", 1, 1.0), ("8035.T", "demand", 1, 1.0)],
        )
        expected = {"8035.T": 1.0} | ({"000660.KS": polarity} if polarity else {})
        assert sizes(found) == expected

    @pytest.mark.parametrize(
        ("valid_from", "counts"),
        [
            ("2025-06-11T12:00:00Z", True),
            ("2025-06-11T12:00:00.000000001Z", False),
            ("2025-06-11T21:00+09:00", True),
            ("2026-01-01T00:00Z", False),
        ],
    )
    def test_an_exposure_counts_from_when_it_was_public(self, valid_from, counts):
        found = self.found(exposures=[("8035.T", "demand", 1, 0.5, valid_from)])
        assert sizes(found) == ({"8035.T": 0.5} if counts else {})

    def test_stance_and_sides_work_on_impacts(self):
        exposures = [("000660.KS", "demand", 1, 0.75), ("8035.T", "demand", -1, 0.5)]
        assert sizes(self.found({"stance": "fade"}, exposures=exposures)) == {
            "000660.KS": -0.75,
            "8035.T": 0.5,
        }
        assert sizes(self.found({"stance": "fade", "sides": "long"}, exposures=exposures)) == {"8035.T": 0.5}

    def test_impacts_answer_row_by_row_whatever_the_index(self):
        table = pd.DataFrame(
            {
                "event_id": ["b", "a", "b"],
                "symbol": ["8035.T", "8035.T", "000660.KS"],
                "tag": "chip",
                "direction": "positive",
                "known_by": pd.Timestamp(NOON),
            },
            index=[7, 7, 3],
        )
        tied = links([("b", "000660.KS", -0.5)], [("8035.T", "demand", 1, 0.25)], self.FACTORS)
        assert impact_of(table, tied).tolist() == [0.25, 0.25, -0.5]

    def test_exposures_that_cancel_leave_no_side(self):
        """0.1 + 0.3 - 0.4 is no impact, though doubles leave 5.6e-17 of it."""
        exposures = [("8035.T", "a", 1, 0.1), ("8035.T", "b", 1, 0.3), ("8035.T", "c", -1, 0.4)]
        found = select(
            one(symbols="8035.T"), Reaction(side_by="impact"), UNIVERSE, links((), exposures, self.THREE)
        )
        assert len(found.signals) == 0


class TestTable:
    def test_signals_stand_by_instant_then_event_then_symbol(self):
        given_ = events(
            {"event_id": "b", "scope": "market:KR market:JP"},
            {"event_id": "c", "known_by": "2025-06-10T12:00Z", "symbols": "9988.HK"},
            {"event_id": "a", "symbols": "8035.T 2330.TW"},
        ).sample(frac=1, random_state=3)
        found = select(given_, Reaction(), UNIVERSE, NONE)
        rows = found.signals[["event_id", "symbol"]].to_numpy().tolist()
        assert rows == [
            ["c", "9988.HK"],
            ["a", "2330.TW"],
            ["a", "8035.T"],
            ["b", "000660.KS"],
            ["b", "8035.T"],
        ]
        assert found.signals.index.tolist() == [0, 1, 2, 3, 4]

    def test_what_the_event_said_stays_with_its_signal(self):
        given_ = events(
            {
                "known_from": "2025-06-11T10:00Z",
                "strength": 25.0,
                "source_kind": "recap",
                "story_id": "s",
                "symbols": "8035.T",
            }
        )
        signal = select(given_, Reaction(), UNIVERSE, NONE).signals.iloc[0]
        assert signal["known_from"] == pd.Timestamp("2025-06-11T10:00Z")
        assert signal["known_by"] == pd.Timestamp(NOON)
        assert (signal["strength"], signal["source_kind"], signal["story_id"]) == (25.0, "recap", "s")
        assert (signal["tag"], signal["direction"]) == ("chip", "positive")

    def test_columns_of_the_source_do_not_get_in_the_way(self):
        extra = {"symbol": "?", "venue": "?", "side": 9, "weight": 9.0, "kind": "?", "market": "?", "row": 4}
        plain = select(one(), Reaction(), UNIVERSE, NONE)
        found = select(one(**extra), Reaction(), UNIVERSE, NONE)
        pd.testing.assert_frame_equal(found.signals, plain.signals)

    @pytest.mark.parametrize("side_by", ["direction", "surprise", "impact"])
    @pytest.mark.parametrize("instruments", ["auto", "symbols", "scope"])
    def test_no_events_give_no_signals_of_the_same_columns(self, side_by, instruments):
        given_ = one(scope="global", surprise=1.0)
        strategy = Reaction(side_by=side_by, instruments=instruments)
        tied = links([("e0", "000660.KS", 1.0)])
        full, empty = (select(part, strategy, UNIVERSE, tied) for part in (given_, given_.iloc[:0]))
        assert len(full.signals) > 0
        assert len(empty.signals) == len(empty.skipped) == 0
        assert list(full.signals.columns) == SIGNAL_COLUMNS
        pd.testing.assert_frame_equal(empty.signals, full.signals.iloc[:0])
        assert list(empty.skipped.columns) == ["event_id", "symbol", "code", "reason"]

    def test_events_stay_as_they_were(self):
        given_ = events({"scope": "global"}, {"symbols": "8035.T"})
        before = given_.copy()
        select(given_, Reaction(side_by="impact"), UNIVERSE, NONE)
        pd.testing.assert_frame_equal(given_, before)


# A slow reading of the same rules, row by row, with nothing of pandas ---------------------------------


def slow_select(rows, strategy, tied):
    """Give signals as (event, symbol, size) in order, and the set of skips as (event, symbol, code)."""
    signals, skipped = [], set()
    ordered = sorted(rows, key=lambda row: (row["known_by"], row["event_id"]))
    told = set()
    for row in ordered:
        story = row["story_id"] or row["event_id"]
        code = slow_code(row, strategy, echo=story in told)
        told.add(story)
        if code:
            skipped.add((row["event_id"], "", code))
            continue
        chosen = slow_symbols(row, strategy.instruments)
        if strategy.side_by == "impact" and strategy.instruments == "auto":
            chosen = chosen | {symbol for event_id, symbol, _ in tied[0] if event_id == row["event_id"]}
        if not chosen:
            skipped.add((row["event_id"], "", "no_instrument"))
        for symbol in sorted(chosen):
            size = slow_size(row, symbol, strategy, tied) * (-1 if strategy.stance == "fade" else 1)
            if symbol not in ALL:
                skipped.add((row["event_id"], symbol, "outside_universe"))
            elif size == 0:
                skipped.add((row["event_id"], symbol, "no_impact"))
            elif (size < 0 and strategy.sides == "long") or (size > 0 and strategy.sides == "short"):
                skipped.add((row["event_id"], symbol, "other_side"))
            else:
                signals.append((row["event_id"], symbol, size))
    return signals, skipped


def slow_code(row, strategy, echo):
    if strategy.tag and row["tag"] not in strategy.tag:
        return "other_tag"
    if strategy.direction and row["direction"] not in strategy.direction:
        return "other_direction"
    for name, code in (("strength", "weak"), ("confidence", "unsure")):
        minimum = getattr(strategy, f"min_{name}")
        if minimum > 0 and (math.isnan(row[name]) or row[name] < minimum):
            return code
    if echo:
        return "echo"
    if strategy.side_by == "direction" and row["direction"] in ("neutral", ""):
        return "no_side"
    if strategy.side_by == "surprise" and (math.isnan(row["surprise"]) or row["surprise"] == 0):
        return "no_surprise"
    return ""


def slow_symbols(row, instruments):
    own = set(row["symbols"].split())
    wide = set()
    for part in row["scope"].split():
        for instrument in UNIVERSE:
            fits = {"global", f"market:{instrument.market}", *(f"theme:{name}" for name in instrument.themes)}
            if part in fits:
                wide.add(instrument.symbol)
    return {"symbols": own, "scope": wide, "auto": own or wide}[instruments]


def slow_size(row, symbol, strategy, tied):
    if strategy.side_by == "direction":
        return 1.0 if row["direction"] in ("dovish", "positive", "deescalation") else -1.0
    if strategy.side_by == "surprise":
        sign = 1.0 if row["surprise"] > 0 else -1.0
        return -sign if row["tag"] in ("fed", "tariff") else sign
    impacts, exposures, factors = tied
    for event_id, name, polarity in impacts:
        if (event_id, name) == (row["event_id"], symbol):
            return polarity
    total = 0.0
    for name, factor, sign, weight, valid_from in exposures:
        for tag, direction, moved, push in factors:
            if (name, factor, tag, direction) == (symbol, moved, row["tag"], row["direction"]):
                total += sign * push * weight if valid_from <= row["known_by"] else 0.0
    return max(-1.0, min(1.0, total))


INSTANTS = st.sampled_from(["2025-06-10T00:00Z", "2025-06-11T00:00Z", "2025-06-12T00:00Z"])
DIRECTIONS = st.sampled_from(
    [
        ("fed", "dovish"),
        ("fed", "hawkish"),
        ("fed", "neutral"),
        ("chip", "positive"),
        ("chip", ""),
        ("tariff", "escalation"),
    ]
)
SYMBOLS = st.sampled_from([*ALL, "005930.KS"])
SIGNS = st.sampled_from([1, -1])
UNKNOWN = st.sampled_from([math.nan, 0.0, 0.25, 0.5, 1.0])
SCOPES = st.sampled_from(["global", "market:KR", "market:IN", "theme:semis", "theme:tech"])


@st.composite
def event_rows(draw):
    count = draw(st.integers(0, 6))
    names = draw(st.permutations([f"e{k}" for k in range(count)]))
    rows = []
    for name in names:
        tag, direction = draw(DIRECTIONS)
        rows.append(
            {
                "event_id": name,
                "known_by": draw(INSTANTS),
                "tag": tag,
                "direction": direction,
                "strength": draw(UNKNOWN),
                "confidence": draw(UNKNOWN),
                "surprise": draw(st.one_of(UNKNOWN, st.just(-0.5))),
                "symbols": " ".join(draw(st.lists(SYMBOLS, max_size=2, unique=True))),
                "scope": " ".join(draw(st.lists(SCOPES, max_size=2, unique=True))),
                "story_id": draw(st.sampled_from(["", "s", "t"])),
            }
        )
    return rows


@st.composite
def tables_of_links(draw):
    pairs = draw(st.lists(st.tuples(st.sampled_from(["e0", "e1"]), SYMBOLS), max_size=4, unique=True))
    factor = st.sampled_from(["demand", "rates"])
    exposed = draw(st.lists(st.tuples(SYMBOLS, factor), max_size=6, unique=True))
    moved = draw(st.lists(st.tuples(DIRECTIONS, factor), max_size=6, unique=True))
    weights = st.sampled_from([0.25, 0.5, 1.0])
    return (
        [(*pair, draw(st.sampled_from([-1.0, -0.5, 0.0, 0.25]))) for pair in pairs],
        [(*pair, draw(SIGNS), draw(weights), draw(INSTANTS)) for pair in exposed],
        [(*words, name, draw(SIGNS)) for words, name in moved],
    )


reactions = st.builds(
    Reaction,
    tag=st.sampled_from([(), ("fed",), ("fed", "chip")]),
    direction=st.sampled_from([(), ("dovish", "positive", "neutral")]),
    min_strength=st.sampled_from([0.0, 0.5]),
    min_confidence=st.sampled_from([0.0, 0.5]),
    side_by=st.sampled_from(["direction", "impact", "surprise"]),
    stance=st.sampled_from(["follow", "fade"]),
    sides=st.sampled_from(["both", "long", "short"]),
    instruments=st.sampled_from(["auto", "symbols", "scope"]),
)


def schema_frame(rows):
    columns = ["event_id", "known_by", "tag", "direction", "symbols", "scope", "story_id"]
    texts = pd.DataFrame(rows, columns=columns).astype("str")
    known_by = pd.to_datetime(texts["known_by"], utc=True).astype("datetime64[ns, UTC]")
    numbers = {
        name: np.array([row[name] for row in rows], float) for name in ("strength", "confidence", "surprise")
    }
    return texts.assign(known_by=known_by, known_from=known_by, source_kind="", **numbers)


@settings(deadline=None, max_examples=70)
@given(event_rows(), reactions, tables_of_links())
def test_select_agrees_with_a_slow_reading(rows, strategy, tied):
    found = select(schema_frame(rows), strategy, UNIVERSE, links(*tied))
    signals, skipped = slow_select(rows, strategy, tied)
    size = found.signals["side"] * found.signals["weight"]
    assert list(zip(found.signals["event_id"], found.signals["symbol"], size, strict=True)) == signals
    assert set(skips(found)) == skipped
    assert len(found.skipped) == len(skipped), "no reason is told twice"


@settings(deadline=None, max_examples=20)
@given(event_rows(), reactions, tables_of_links(), INSTANTS)
def test_later_events_change_nothing_before_them(rows, strategy, tied, now):
    """Cutting the events after an instant leaves the signals up to it as they were."""
    whole = select(schema_frame(rows), strategy, UNIVERSE, links(*tied)).signals
    seen = select(
        schema_frame([row for row in rows if row["known_by"] <= now]), strategy, UNIVERSE, links(*tied)
    )
    before = whole[whole["known_by"] <= pd.Timestamp(now)]
    pd.testing.assert_frame_equal(before.reset_index(drop=True), seen.signals)
