"""Ready-made strategies: what they are, and that the shipped tables give them something to trade."""

import csv

import pandas as pd
import pytest

from aftershock.data.errors import InputError
from aftershock.data.events import DIRECTIONS, TAGS, load_events
from aftershock.data.universes import exposures, factors, known_instruments, universe
from aftershock.inputs import links_of
from aftershock.strategies.library import STRATEGIES, chip_momentum, fed_cut, strategy, tariff_shock
from aftershock.strategies.reaction import Reaction
from aftershock.strategies.select import select


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (fed_cut(), Reaction(tag="fed", side_by="impact", hold=3)),
        (chip_momentum(), Reaction(tag="chip", hold=5, stop=0.08)),
        (tariff_shock(), Reaction(tag="tariff", side_by="impact", hold=5)),
        (strategy("reaction"), Reaction()),
    ],
)
def test_what_the_ready_made_ones_are(made, expected):
    assert made == expected


@pytest.mark.parametrize("kind", STRATEGIES)
def test_each_kind_takes_changes_and_says_why_it_should_work(kind):
    assert strategy(kind) == STRATEGIES[kind]()
    changed = strategy(kind, hold=7, tag=["mna"], stop=None)
    assert (changed.hold, changed.tag, changed.stop) == (7, ("mna",), None)
    assert len((STRATEGIES[kind].__doc__ or "").split()) > 30


def test_changes_do_not_stay():
    fed_cut(hold=9)
    assert fed_cut().hold == 3


@pytest.mark.parametrize("kind", STRATEGIES)
def test_an_unknown_parameter_is_told(kind):
    with pytest.raises(InputError, match="expected a key of Reaction, got 'hodl'; did you mean 'hold'"):
        strategy(kind, hodl=1)


@pytest.mark.parametrize(
    ("kind", "cure"),
    [
        ("fed_cuts", "did you mean 'fed_cut'"),
        ("momentum", "did you mean 'chip_momentum'"),
        ("", "known: chip_momentum, fed_cut, reaction, tariff_shock"),
    ],
)
def test_an_unknown_kind_is_told(kind, cure):
    with pytest.raises(InputError, match=f"expected a kind of strategy, got '{kind}'; {cure}"):
        strategy(kind)


@pytest.mark.parametrize("kind", ["fed_cut", "chip_momentum", "tariff_shock"])
def test_tags_are_of_the_schema(kind):
    assert set(strategy(kind).tag) <= set(TAGS)


class TestShippedLinks:
    """Exposures and factors, read a second time with nothing but a CSV reader."""

    def test_a_caller_may_change_what_it_got(self):
        for table, column in ((exposures(), "weight"), (factors(), "sign")):
            table.loc[:, column] = 0
        assert (exposures()["weight"] > 0).all()
        assert set(factors()["sign"]) == {1, -1}

    def test_every_row_can_be_used(self):
        table = exposures()
        assert list(table.columns) == ["symbol", "factor", "sign", "weight", "valid_from", "source"]
        assert str(table["valid_from"].dtype) == "datetime64[ns, UTC]"
        assert set(table["sign"]) <= {1, -1}
        assert table["weight"].between(0, 1, inclusive="right").all()
        assert set(table["symbol"]) <= set(known_instruments())
        assert set(table["factor"]) <= set(factors()["factor"])
        assert not table.duplicated(["symbol", "factor"]).any(), "a second row would count twice"
        assert table.notna().all(axis=None)

    def test_factors_are_moved_by_words_of_the_schema(self):
        table = factors()
        assert not table.duplicated(["tag", "direction", "factor"]).any()
        for tag, direction in table[["tag", "direction"]].itertuples(index=False):
            assert direction in DIRECTIONS.get(tag, (direction,))

    @pytest.mark.parametrize(
        ("kind", "tag", "direction", "opposite"),
        [
            ("fed_cut", "fed", "dovish", "hawkish"),
            ("tariff_shock", "tariff", "escalation", "deescalation"),
        ],
    )
    def test_each_direction_trades_what_is_exposed_and_its_opposite_the_other_way(
        self, kind, tag, direction, opposite, root
    ):
        signals = {}
        for word in (direction, opposite):
            signals[word] = _signals(strategy(kind), tag, word).set_index("symbol")
        assert signals[direction].index.tolist() == signals[opposite].index.tolist()
        assert (signals[direction]["side"] == -signals[opposite]["side"]).all()
        by_hand = _by_hand(root / "data/universes", tag, direction)
        assert len(by_hand) > 3
        got = signals[direction]["side"] * signals[direction]["weight"]
        assert got.to_dict() == pytest.approx(by_hand)


def _signals(chosen, tag, direction):
    frame = pd.DataFrame(
        {"known_by": ["2026-01-05T12:00Z"], "tag": tag, "direction": direction, "scope": "global"}
    )
    events = load_events(frame)
    return select(events.frame, chosen, universe("asia-tech"), links_of(None, events)).signals


def _by_hand(folder, tag, direction):
    """Sum factor sign x exposure sign x weight over each member of asia-tech, cut to -1..1, without zeros."""
    texts = {name: (folder / f"{name}.csv").read_text("utf-8") for name in ("factors", "exposures")}
    rows = {name: list(csv.DictReader(text.splitlines())) for name, text in texts.items()}
    moved = {
        row["factor"]: int(row["sign"])
        for row in rows["factors"]
        if (row["tag"], row["direction"]) == (tag, direction)
    }
    total = dict.fromkeys(universe("asia-tech").symbols, 0.0)
    for row in rows["exposures"]:
        if row["symbol"] in total and row["factor"] in moved and row["valid_from"] <= "2026-01-05":
            total[row["symbol"]] += moved[row["factor"]] * int(row["sign"]) * float(row["weight"])
    return {symbol: max(-1.0, min(1.0, size)) for symbol, size in total.items() if size}
