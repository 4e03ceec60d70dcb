"""The reaction strategy's parameters: ranges, words, durations, and what kernels are told."""

import math

import numpy as np
import pytest

from aftershock.data.errors import InputError
from aftershock.engine.types import OPPOSITE, SAME, Exits, Orders
from aftershock.strategies.reaction import Reaction

BELOW_ONE = math.nextafter(1.0, 0.0)


def test_the_defaults_trade_every_event_at_the_next_open_for_five_bars():
    plain = Reaction()
    assert (plain.tag, plain.direction, plain.universe) == ((), (), ())
    assert (plain.side_by, plain.stance, plain.sides, plain.instruments) == (
        "direction",
        "follow",
        "both",
        "auto",
    )
    assert (plain.entry, plain.hold, plain.exit_at, plain.delay, plain.max_defer) == (
        "open",
        5,
        "close",
        0,
        0,
    )
    assert (plain.stop, plain.take, plain.trail) == (None, None, None)
    assert (plain.latency, plain.min_strength, plain.min_confidence) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("name", ["tag", "direction", "universe"])
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("fed", ("fed",)),
        (["fed", "chip"], ("fed", "chip")),
        (("fed",), ("fed",)),
        ([], ()),
    ],
)
def test_words_may_be_one_or_several(name, given, kept):
    assert getattr(Reaction(**{name: given}), name) == kept


@pytest.mark.parametrize(
    ("given", "nanoseconds"),
    [
        (0, 0),
        (90, 90_000_000_000),
        (0.5, 500_000_000),
        (1e-9, 1),
        ("90s", 90_000_000_000),
        ("5min", 300_000_000_000),
        ("1h 30min", 5_400_000_000_000),
        ("1ns", 1),
        ("5", 5_000_000_000),
        (" 2.5 ", 2_500_000_000),
    ],
)
def test_a_latency_is_seconds_or_a_duration(given, nanoseconds):
    assert Reaction(latency=given).latency_ns == nanoseconds


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("soon", "got 'soon'; a duration such as '90s' or '5min', or a number of seconds"),
        ("", "should be a finite number"),
        ("5 parsecs", "got '5 parsecs'; a duration such as"),
        (-1, "got -1; should be greater than or equal to 0"),
        ("-5min", "got '-5min'; should be greater than or equal to 0"),
        ("NaT", "should be a finite number"),
        ("nan", "should be a finite number"),
        (True, "got True; true and false are for switches only"),
        (None, "got None; should be a valid number"),
    ],
)
def test_another_latency_is_told(given, told):
    with pytest.raises(InputError, match="expected a value of latency that fits") as caught:
        Reaction(latency=given)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("name", "fits", "not_fits"),
    [
        ("min_strength", [0, 25.0], [-0.1]),
        ("min_confidence", [0, 1], [-0.1, 1.1]),
        ("delay", [0, 10], [-1, 0.5]),
        ("max_defer", [0, 10], [-1, 0.5]),
        ("hold", [0, 250, 5.0], [-1, 0.5]),
        ("stop", [1e-6, BELOW_ONE, None], [0, 1, -0.1]),
        ("trail", [1e-6, BELOW_ONE, None], [0, 1, -0.1]),
        ("take", [1e-6, 5.0, None], [0, -0.1]),
        ("side_by", ["direction", "impact", "surprise"], ["impacts"]),
        ("stance", ["follow", "fade"], ["fades"]),
        ("sides", ["both", "long", "short"], ["shorts"]),
        ("instruments", ["auto", "symbols", "scope"], ["scopes"]),
        ("entry", ["open", "close"], ["opens"]),
        ("exit_at", ["close", "open"], ["opens"]),
        ("overlap", ["ignore", "extend", "stack"], ["extends"]),
        ("opposite", ["close", "reverse", "ignore"], ["reverses"]),
        ("entry_bar_exits", [True, False], ["perhaps"]),
    ],
)
def test_every_range_has_its_edges(name, fits, not_fits):
    for value in fits:
        assert getattr(Reaction(**{name: value}), name) == value
    for value in not_fits:
        with pytest.raises(InputError, match=rf"expected (a value of )?{name} (that fits|to be one of)"):
            Reaction(**{name: value})


def test_numbers_of_numpy_are_numbers():
    reaction = Reaction(hold=np.int64(3), stop=np.float64(0.05), latency=np.float64(2.0))
    assert (reaction.hold, reaction.stop, reaction.latency_ns) == (3, 0.05, 2_000_000_000)


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({"hold": 0}, True),
        ({"hold": 1, "entry": "close"}, True),
        ({"hold": 1, "exit_at": "open"}, True),
        ({"hold": 1, "entry": "close", "exit_at": "open"}, True),
        ({"hold": 0, "entry": "close"}, False),
        ({"hold": 0, "exit_at": "open"}, False),
    ],
)
def test_an_exit_comes_after_its_entry(changes, fits):
    if fits:
        assert Reaction(**changes).hold == changes["hold"]
        return
    with pytest.raises(
        InputError, match="hold of at least 1 where entry is at the close or exit at the open"
    ):
        Reaction(**changes)


def test_a_misspelt_parameter_is_told():
    with pytest.raises(InputError, match="expected a key of Reaction, got 'hodl'; did you mean 'hold'"):
        Reaction(hodl=5)


def test_exits_switch_off_what_is_not_set():
    off = Reaction(hold=2).exits
    assert isinstance(off, Exits)
    assert (off.hold, off.at_open, off.entry_bar) == (2, False, True)
    assert all(math.isnan(level) for level in (off.stop, off.take, off.trail))
    set_ = Reaction(hold=4, stop=0.1, take=0.2, trail=0.3, exit_at="open", entry_bar_exits=False).exits
    assert set_ == Exits(hold=4, stop=0.1, take=0.2, trail=0.3, at_open=True, entry_bar=False)


@pytest.mark.parametrize("overlap", SAME)
@pytest.mark.parametrize("opposite", OPPOSITE)
@pytest.mark.parametrize("entry", ["open", "close"])
def test_orders_speak_in_codes(overlap, opposite, entry):
    orders = Reaction(overlap=overlap, opposite=opposite, entry=entry, max_defer=3).orders
    assert orders == Orders(
        at_close=entry == "close",
        max_defer=3,
        same=["ignore", "extend", "stack"].index(overlap),
        opposite=["close", "reverse", "ignore"].index(opposite),
    )
