"""The slow ledger against cases worked out by hand from docs/fills.md.

Shares are powers of two where they can be (1/8, 1/4, 1/2), so that every expected number is exact.
Days are 100 long: a bar of day d opens at 100 d and closes at 100 d + 60, unless a test shifts it.
"""

import math
from dataclasses import replace

import pytest
from ledger import BarRow, Settings, Signal, Trade, run

NAN = math.nan


def bar(day: int, open_: float, high: float, low: float, close: float, shift: int = 0, **rules) -> BarRow:
    """One free bar of a day; any field can be replaced."""
    free = BarRow(
        session=day,
        ordinal=day,
        opens_at=100 * day + shift,
        closes_at=100 * day + 60 + shift,
        open=open_,
        high=high,
        low=low,
        close=close,
        halted=False,
        buy_rate=0.0,
        sell_rate=0.0,
        terms=[],
        unit=1.0,
        slip_open=0.0,
        slip_close=0.0,
        impact=0.0,
        borrow=0.0,
        withheld=0.0,
        lot=0.0,
        limit_up=NAN,
        limit_down=NAN,
        short_open="",
        short_close="",
        sell_from=0,
    )
    return replace(free, **rules)


def flat(day: int, price: float = 100.0, **rules) -> BarRow:
    """A bar of one price."""
    return bar(day, price, price, price, price, **rules)


def flats(days: int, price: float = 100.0, **rules) -> list[BarRow]:
    """Bars of one price from day 0 on."""
    return [flat(day, price, **rules) for day in range(days)]


def limit_up(day: int, price: float) -> BarRow:
    """A bar locked at its upper limit: nobody sells."""
    return flat(day, price, limit_up=price)


def limit_down(day: int, price: float) -> BarRow:
    """A bar locked at its lower limit: nobody buys."""
    return flat(day, price, limit_down=price)


def buy(due: int, instrument: int = 0, weight: float = 1.0, waited: int = 0, draw: float = 0.5) -> Signal:
    return Signal(instrument, 1, weight, due, waited, draw)


def sell(due: int, instrument: int = 0, weight: float = 1.0, waited: int = 0, draw: float = 0.5) -> Signal:
    return Signal(instrument, -1, weight, due, waited, draw)


def alone(bars: list[BarRow], signal: Signal, **settings) -> Trade:
    """The one trade of one signal on one instrument, of 125,000."""
    trades, outcomes = run([bars], [0], [signal], Settings(size=0.125, **settings))
    assert outcomes == ["filled"]
    return trades[0]


def book(
    bars: list[list[BarRow]], signals: list[Signal], markets: list[int] | None = None, **settings
) -> tuple[list[Trade], list[str]]:
    """Trades and outcomes of one shared purse."""
    return run(bars, markets or [0] * len(bars), signals, Settings(mode="portfolio", **settings))


def way_out(trade: Trade) -> tuple[str, int, float]:
    """How, where and at which raw price a trade ended."""
    return trade.kind, trade.exit_bar, trade.exit_price


def quantities(trades: list[Trade]) -> dict[int, float]:
    """Quantity by row of the signal."""
    return {trade.signal: trade.quantity for trade in trades}


# --- Sections 2 and 5: one trade ------------------------------------------------------------------------


def test_hold_ends_at_the_close_of_the_hold_th_bar():
    bars = [bar(0, 100, 101, 99, 100), flat(1, 102), bar(2, 103, 105, 102, 104), flat(3, 110)]
    assert alone(bars, buy(0), hold=2) == Trade(
        signal=0,
        instrument=0,
        side=1,
        quantity=1250.0,
        entry_bar=0,
        entry_price=100,
        entry_fill=100.0,
        entry_fee=0.0,
        exit_bar=2,
        exit_price=104,
        exit_fill=104.0,
        exit_fee=0.0,
        kind="hold",
        carried=False,
    )


def test_hold_zero_ends_at_the_close_of_the_entry_bar_even_where_its_inside_is_not_tested():
    bars = [bar(0, 100, 130, 70, 98), flat(1)]
    trade = alone(bars, buy(0), hold=0, stop=0.125, entry_bar_exits=False)
    assert way_out(trade) == ("hold", 0, 98)


def test_hold_can_end_at_an_open():
    bars = [flat(0), bar(1, 103, 106, 102, 105)]
    assert way_out(alone(bars, buy(0), hold=1, exit_at="open")) == ("hold", 1, 103)


def test_an_open_trade_has_no_exit():
    trade = alone(flats(3), buy(0), hold=3)
    assert (trade.kind, trade.exit_bar, trade.exit_fee, trade.carried) == ("open", -1, 0.0, False)
    assert math.isnan(trade.exit_price)
    assert math.isnan(trade.exit_fill)


@pytest.mark.parametrize(
    ("levels", "opening", "kind"),
    [
        ({"stop": 0.125}, 80, "stop"),
        ({"stop": 0.125}, 87.5, "stop"),
        ({"trail": 0.125}, 80, "trail"),
        ({"stop": 0.125, "trail": 0.125}, 80, "stop"),
        ({"take": 0.25}, 130, "take"),
        ({"take": 0.25}, 125, "take"),
    ],
)
def test_a_gap_through_a_level_fills_at_the_open(levels, opening, kind):
    bars = [flat(0), bar(1, opening, 131, 79, 90)]
    assert way_out(alone(bars, buy(0), **levels)) == (kind, 1, opening)


def test_a_gap_at_the_open_comes_before_a_hold_at_that_open():
    bars = [flat(0), flat(1, 80)]
    assert way_out(alone(bars, buy(0), hold=1, exit_at="open", stop=0.125)) == ("stop", 1, 80)


def test_a_touch_counts_and_less_than_a_touch_does_not():
    touched = [flat(0), bar(1, 100, 101, 87.5, 99), flat(2)]
    missed = [flat(0), bar(1, 100, 101, 87.5625, 99), flat(2)]
    assert way_out(alone(touched, buy(0), hold=1, stop=0.125)) == ("stop", 1, 87.5)
    assert way_out(alone(missed, buy(0), hold=1, stop=0.125)) == ("hold", 1, 99)


def test_a_touch_of_the_take_counts():
    assert way_out(alone([flat(0), bar(1, 100, 125, 99, 100)], buy(0), take=0.25)) == ("take", 1, 125.0)
    assert way_out(alone([flat(0), bar(1, 100, 101, 75, 100)], sell(0), take=0.25)) == ("take", 1, 75.0)


def test_stop_comes_before_take_and_take_before_hold_within_a_bar():
    both = [flat(0), bar(1, 100, 130, 80, 110)]
    take = [flat(0), bar(1, 100, 130, 90, 110)]
    assert way_out(alone(both, buy(0), hold=1, stop=0.125, take=0.25)) == ("stop", 1, 87.5)
    assert way_out(alone(take, buy(0), hold=1, stop=0.125, take=0.25)) == ("take", 1, 125.0)


def test_trail_follows_completed_bars_only():
    # Bar 1 makes the high of 160 and falls to 110 after it or before it: only bar 2 knows of 160.
    bars = [flat(0), bar(1, 104, 160, 110, 150), bar(2, 150, 152, 138, 145)]
    assert way_out(alone(bars, buy(0), trail=0.125)) == ("trail", 2, 140.0)


def test_the_nearer_of_stop_and_trail_is_met_first():
    bars = [bar(0, 100, 120, 96, 118), bar(1, 118, 119, 80, 90)]
    assert way_out(alone(bars, buy(0), stop=0.125, trail=0.125)) == ("trail", 1, 105.0)
    assert way_out(alone(bars, buy(0), stop=0.125, trail=0.5)) == ("stop", 1, 87.5)
    level = [flat(0), bar(1, 100, 100, 80, 90)]
    assert way_out(alone(level, buy(0), stop=0.125, trail=0.125)) == ("stop", 1, 87.5)


def test_the_nearer_level_of_a_short_is_the_lower():
    bars = [bar(0, 100, 104, 80, 82), bar(1, 82, 120, 81, 90)]
    assert way_out(alone(bars, sell(0), stop=0.125, trail=0.125)) == ("trail", 1, 90.0)
    assert way_out(alone(bars, sell(0), stop=0.125, trail=0.5)) == ("stop", 1, 112.5)
    level = [flat(0), bar(1, 100, 120, 100, 90)]
    assert way_out(alone(level, sell(0), stop=0.125, trail=0.125)) == ("stop", 1, 112.5)


def test_the_best_price_never_gets_worse():
    bars = [flat(0), bar(1, 100, 120, 110, 112), bar(2, 112, 113, 106, 110), bar(3, 110, 111, 100, 104)]
    assert way_out(alone(bars, buy(0), trail=0.125)) == ("trail", 3, 105.0)


def test_trail_of_a_close_entry_knows_nothing_of_the_entry_bar():
    bars = [bar(0, 150, 200, 90, 100), bar(1, 100, 112, 99, 110), bar(2, 110, 111, 97, 100)]
    assert way_out(alone(bars, buy(0), entry_at="close", trail=0.125)) == ("trail", 2, 98.0)


def test_the_entry_bar_of_an_open_entry_is_tested_unless_turned_off():
    bars = [bar(0, 100, 120, 80, 110), bar(1, 110, 111, 104, 106)]
    assert way_out(alone(bars, buy(0), stop=0.125)) == ("stop", 0, 87.5)
    # Turned off, its high of 120 still counts as the best price: 120 x 7/8.
    assert way_out(alone(bars, buy(0), trail=0.125, entry_bar_exits=False)) == ("trail", 1, 105.0)


def test_levels_are_not_tested_on_a_halted_bar_and_its_high_is_not_the_best():
    bars = [flat(0), bar(1, 80, 200, 70, 90, halted=True), bar(2, 100, 101, 87.5, 95)]
    assert way_out(alone(bars, buy(0), stop=0.25, trail=0.125)) == ("trail", 2, 87.5)


def test_a_bar_wholly_beyond_the_stop_whose_open_is_unknown_fills_at_its_best_price():
    bars = [flat(0), bar(1, NAN, 80, 70, 75)]
    assert way_out(alone(bars, buy(0), stop=0.125)) == ("stop", 1, 80)
    assert way_out(alone([flat(0), bar(1, NAN, 90, 70, 75)], buy(0), stop=0.125)) == ("stop", 1, 87.5)
    short = [flat(0), bar(1, NAN, 140, 120, 130)]
    assert way_out(alone(short, sell(0), stop=0.125)) == ("stop", 1, 120)


def test_a_bar_wholly_beyond_the_take_fills_at_the_take():
    bars = [flat(0), bar(1, NAN, 140, 130, 135)]
    assert way_out(alone(bars, buy(0), take=0.25)) == ("take", 1, 125.0)


def test_an_unknown_low_touches_nothing():
    bars = [flat(0), bar(1, NAN, 80, NAN, 75)]
    assert way_out(alone(bars, buy(0), stop=0.125, hold=1)) == ("hold", 1, 75)


@pytest.mark.parametrize(
    ("first", "second", "settings", "expected"),
    [
        (flat(0), bar(1, 115, 116, 90, 100), {"stop": 0.125}, ("stop", 1, 115)),
        (flat(0), bar(1, 100, 112.5, 90, 100), {"stop": 0.125, "take": 0.0625}, ("stop", 1, 112.5)),
        (flat(0), bar(1, 100, 101, 70, 80), {"take": 0.25}, ("take", 1, 75.0)),
        (flat(0), bar(1, 70, 71, 60, 65), {"take": 0.25}, ("take", 1, 70)),
        (bar(0, 100, 101, 80, 85), bar(1, 85, 90, 70, 80), {"trail": 0.125}, ("trail", 1, 90.0)),
        (bar(0, 100, 101, 80, 85), bar(1, 92, 93, 91, 92), {"trail": 0.125}, ("trail", 1, 92)),
    ],
)
def test_a_short_mirrors_a_long(first, second, settings, expected):
    assert way_out(alone([first, second], sell(0), hold=1, **settings)) == expected


def test_slippage_and_fees_are_paid_on_stops_too():
    # Levels stand on the raw 80: 80 x 7/8 = 70; the fills are 80 x 5/4 = 100 and 70 x 3/4 = 52.5.
    rules = {"slip_open": 0.25, "slip_close": 0.25, "buy_rate": 0.0078125, "sell_rate": 0.015625}
    trade = alone([flat(0, 80, **rules), bar(1, 80, 81, 60, 65, **rules)], buy(0), stop=0.125)
    assert (trade.entry_price, trade.entry_fill, trade.quantity) == (80, 100.0, 1250.0)
    assert (trade.exit_price, trade.exit_fill) == (70.0, 52.5)
    assert (trade.entry_fee, trade.exit_fee) == (976.5625, 1025.390625)


def test_a_short_pays_the_selling_rate_to_enter_and_the_buying_rate_to_leave():
    rules = {"slip_open": 0.25, "slip_close": 0.25, "buy_rate": 0.0078125, "sell_rate": 0.015625}
    trade = alone([flat(0, 80, **rules), flat(1, 100, **rules)], sell(0), hold=1)
    # 125000 / 60 shares sold at 60, bought back at 125.
    assert (trade.entry_fill, trade.exit_fill) == (60.0, 125.0)
    assert trade.entry_fee == pytest.approx(1953.125, rel=1e-15)
    assert trade.exit_fee == pytest.approx(2034.5052083333333, rel=1e-15)


# --- Sections 2 and 5: exits that do not fill -----------------------------------------------------------


def test_t_plus_one_carries_a_stop_of_the_entry_bar_to_the_next_open():
    bars = [bar(0, 100, 101, 80, 82, sell_from=1), flat(1, 78), flat(2)]
    trade = alone(bars, buy(0), stop=0.125)
    assert way_out(trade) == ("stop", 1, 78)
    assert trade.carried


def test_t_plus_does_not_hold_a_short():
    trade = alone([bar(0, 100, 120, 99, 118, sell_from=1), flat(1)], sell(0), stop=0.125)
    assert way_out(trade) == ("stop", 0, 112.5)
    assert not trade.carried


def test_a_locked_exit_is_carried_keeps_its_kind_and_tests_nothing_else():
    # Down its limit on days 1 and 2; on day 3 the open is above the take, yet the exit is still the stop.
    bars = [flat(0), limit_down(1, 80), limit_down(2, 64), bar(3, 130, 131, 129, 130)]
    trade = alone(bars, buy(0), stop=0.125, take=0.25, hold=2)
    assert way_out(trade) == ("stop", 3, 130)
    assert trade.carried


def test_a_locked_limit_holds_only_the_side_that_finds_nobody():
    bars = [flat(0), limit_up(1, 120), flat(2, 119)]
    assert way_out(alone(bars, buy(0), take=0.125)) == ("take", 1, 120)
    assert way_out(alone(bars, sell(0), stop=0.125)) == ("stop", 2, 119)


def test_a_close_at_the_limit_locks_the_close_but_not_the_rest_of_the_bar():
    falling = bar(1, 95, 96, 90, 90, limit_down=90)
    held = alone([flat(0), falling, flat(2, 88)], buy(0), hold=1)
    assert way_out(held) == ("hold", 2, 88)
    assert held.carried
    assert way_out(alone([flat(0), falling], buy(0), stop=0.0625)) == ("stop", 1, 93.75)


def test_a_close_at_the_limit_does_not_lock_the_open():
    bars = [flat(0), bar(1, 80, 81, 70, 70, limit_down=70)]
    assert way_out(alone(bars, buy(0), stop=0.125)) == ("stop", 1, 80)


def test_a_hold_due_on_a_halted_bar_or_at_an_unknown_price_is_carried():
    halted = alone([flat(0), flat(1, 90, halted=True), flat(2, 95)], buy(0), hold=1)
    assert way_out(halted) == ("hold", 2, 95)
    unknown = [flat(0), bar(1, NAN, 101, 99, 100), bar(2, 0, 0, 0, 0), flat(3, 96)]
    trade = alone(unknown, buy(0), hold=1, exit_at="open")
    assert way_out(trade) == ("hold", 3, 96)
    assert halted.carried
    assert trade.carried


def test_a_carried_exit_that_never_fills_leaves_the_trade_open():
    trade = alone([flat(0), limit_down(1, 80), limit_down(2, 64)], buy(0), stop=0.125)
    assert (trade.kind, trade.exit_bar, trade.carried) == ("open", -1, True)


# --- Section 4: entries that wait -----------------------------------------------------------------------


def outcome_of(bars: list[BarRow], signal: Signal, **settings) -> tuple[str, int]:
    """The word for one signal and the bar it entered, -1 where it did not."""
    trades, outcomes = run([bars], [0], [signal], Settings(hold=1, **settings))
    return outcomes[0], trades[0].entry_bar if trades else -1


def test_an_entry_waits_as_many_sessions_as_it_may():
    bars = [limit_up(0, 110), flat(1, halted=True), flat(2), flat(3)]
    assert outcome_of(bars, buy(0), max_defer=2) == ("filled", 2)
    assert outcome_of(bars, buy(0), max_defer=1) == ("halted", -1)
    assert outcome_of(bars, buy(0), max_defer=0) == ("locked", -1)


@pytest.mark.parametrize(
    ("first", "signal", "reason"),
    [
        (flat(0, halted=True), buy(0), "halted"),
        (bar(0, NAN, 101, 99, 100), buy(0), "no_price"),
        (bar(0, 0, 101, 0, 100), buy(0), "no_price"),
        (limit_up(0, 110), buy(0), "locked"),
        (limit_down(0, 90), sell(0), "locked"),
        (flat(0, short_open="short_banned", short_close="short_banned"), sell(0), "short_banned"),
        (limit_down(0, 90), buy(0), "filled"),
        (limit_up(0, 110), sell(0), "filled"),
        (flat(0, short_open="short_banned", short_close="short_banned"), buy(0), "filled"),
        (bar(0, 110, 110, 109, 109, limit_up=110), buy(0), "filled"),
    ],
)
def test_why_a_bar_does_not_fill_an_entry(first, signal, reason):
    assert outcome_of([first, flat(1)], signal)[0] == reason


def test_the_first_reason_in_order_is_given():
    worst = replace(limit_down(0, 90), halted=True, short_open="short_banned", short_close="short_banned")
    assert outcome_of([worst], sell(0))[0] == "halted"
    assert outcome_of([replace(worst, halted=False)], sell(0))[0] == "locked"


def test_a_close_at_the_limit_locks_an_entry_at_the_close():
    bars = [bar(0, 100, 110, 99, 110, limit_up=110), flat(1, 111), flat(2)]
    assert outcome_of(bars, buy(0), entry_at="close") == ("locked", -1)
    assert outcome_of(bars, buy(0), entry_at="open") == ("filled", 0)


def test_waiting_counts_sessions_of_the_venue_not_bars():
    bars = [flat(0, halted=True), flat(4), flat(5)]
    assert outcome_of(bars, buy(0), max_defer=3) == ("halted", -1)
    assert outcome_of(bars, buy(0), max_defer=4) == ("filled", 1)
    assert outcome_of(bars, buy(0, waited=1), max_defer=4) == ("halted", -1)


def test_a_signal_without_a_bar_in_time_has_no_bar():
    assert outcome_of(flats(2), buy(-1)) == ("no_bar", -1)
    assert outcome_of(flats(2), buy(0, waited=2), max_defer=1) == ("no_bar", -1)
    assert outcome_of(flats(2), buy(0, waited=1), max_defer=1) == ("filled", 0)


def test_an_entry_lapses_with_its_last_reason_when_the_data_end():
    assert outcome_of([flat(0, halted=True), limit_up(1, 110)], buy(0), max_defer=9) == ("locked", -1)


def test_a_waiting_entry_is_superseded_by_the_next_one_of_its_instrument():
    bars = [flat(0, halted=True), flat(1, halted=True), flat(2), flat(3)]
    settings = Settings(mode="account", max_defer=5)
    trades, outcomes = run([bars], [0], [buy(0), sell(1)], settings)
    assert outcomes == ["superseded", "filled"]
    assert [(trade.side, trade.entry_bar) for trade in trades] == [(-1, 2)]
    _, outcomes = run([bars], [0], [buy(0), sell(1)], replace(settings, mode="event"))
    assert outcomes == ["filled", "filled"]


# --- Section 3: netting ---------------------------------------------------------------------------------


def test_signals_of_one_due_bar_net_to_the_first_of_the_winning_side():
    signals = [sell(0, weight=1.0), buy(0, weight=2.0), buy(0, weight=1.0), buy(1, weight=4.0)]
    trades, outcomes = run([flats(9)], [0], signals, Settings(size=0.125))
    assert outcomes == ["netted", "filled", "netted", "filled"]
    assert quantities(trades) == {1: 2500.0, 3: 5000.0}


def test_agreeing_signals_weigh_no_more_than_the_largest():
    trades, outcomes = run([flats(9)], [0], [buy(0, weight=1.0), buy(0, weight=2.0)], Settings(size=0.125))
    assert outcomes == ["filled", "netted"]
    assert trades[0].quantity == 2500.0


def test_signals_that_cancel_are_all_netted_whether_or_not_the_bar_fills():
    bars = [flat(0, halted=True), flat(1)]
    trades, outcomes = run([bars], [0], [buy(0, weight=0.5), sell(0, weight=0.5)], Settings(max_defer=3))
    assert (trades, outcomes) == ([], ["netted", "netted"])


# --- Section 6: a later signal on a held instrument -----------------------------------------------------


def purse(bars: list[BarRow], signals: list[Signal], **settings) -> tuple[list[Trade], list[str]]:
    """Trades and outcomes of one instrument's account."""
    return run([bars], [0], signals, Settings(mode="account", size=0.125, **settings))


@pytest.mark.parametrize(
    ("same", "outcome", "exits"),
    [("ignore", "ignored", [2]), ("extend", "extended", [3]), ("stack", "filled", [2, 3])],
)
def test_a_later_signal_on_the_same_side(same, outcome, exits):
    trades, outcomes = purse(flats(6), [buy(0), buy(1)], hold=2, same=same)
    assert outcomes == ["filled", outcome]
    assert [trade.exit_bar for trade in trades] == exits


def test_an_extended_trade_keeps_its_levels():
    bars = [flat(0), bar(1, 120, 121, 119, 120), bar(2, 100, 101, 87.5, 90)]
    trades, outcomes = purse(bars, [buy(0), buy(1)], hold=1, stop=0.125, same="extend")
    assert outcomes == ["filled", "extended"]
    assert way_out(trades[0]) == ("stop", 2, 87.5)


def test_a_trade_whose_exit_is_carried_cannot_be_extended():
    bars = [flat(0), limit_down(1, 90), limit_down(2, 81), flat(3, 80), flat(4)]
    trades, outcomes = purse(bars, [buy(0), buy(2)], hold=1, same="extend")
    assert outcomes == ["filled", "ignored"]
    assert way_out(trades[0]) == ("hold", 3, 80)


def test_a_later_signal_that_does_not_fill_waits_before_it_meets_what_is_held():
    bars = [flat(0), limit_down(1, 90), flat(2, 95), flat(3)]
    trades, outcomes = purse(bars, [buy(0), sell(1)], max_defer=1)
    assert outcomes == ["filled", "closed"]
    assert way_out(trades[0]) == ("opposite", 2, 95)


@pytest.mark.parametrize(
    ("opposite", "outcome", "trades"),
    [
        ("ignore", "ignored", [(1, 0, "hold", 3)]),
        ("close", "closed", [(1, 0, "opposite", 1)]),
        ("reverse", "filled", [(1, 0, "opposite", 1), (-1, 1, "hold", 4)]),
    ],
)
def test_a_later_signal_on_the_opposite_side(opposite, outcome, trades):
    made, outcomes = purse(flats(6), [buy(0), sell(1)], hold=3, opposite=opposite)
    assert outcomes == ["filled", outcome]
    assert [(trade.side, trade.entry_bar, trade.kind, trade.exit_bar) for trade in made] == trades


def test_an_opposite_signal_closes_every_stacked_trade_at_its_own_point():
    bars = [flat(0), flat(1), bar(2, 104, 109, 103, 108), flat(3)]
    trades, outcomes = purse(bars, [buy(0), buy(1), sell(2)], same="stack", entry_at="close")
    assert outcomes == ["filled", "filled", "closed"]
    assert [way_out(trade) for trade in trades] == [("opposite", 2, 108), ("opposite", 2, 108)]


def test_a_reversal_that_cannot_sell_yet_carries_the_exit_and_does_not_enter():
    bars = [flat(0, sell_from=2), flat(1), flat(2, 97), flat(3)]
    trades, outcomes = purse(bars, [buy(0), sell(1)], opposite="reverse")
    assert outcomes == ["filled", "closed"]
    assert [way_out(trade) for trade in trades] == [("opposite", 2, 97)]
    assert trades[0].carried


def test_a_reversal_of_two_trades_does_not_enter_while_one_of_them_stays():
    bars = [flat(0), flat(1, sell_from=2), flat(2, 97), flat(3, 98)]
    trades, outcomes = purse(bars, [buy(0), buy(1), sell(2)], same="stack", opposite="reverse")
    assert outcomes == ["filled", "filled", "closed"]
    assert [way_out(trade) for trade in trades] == [("opposite", 2, 97), ("opposite", 3, 98)]


def test_a_level_touched_inside_a_bar_comes_before_a_signal_at_its_close_and_after_one_at_its_open():
    bars = [flat(0), bar(1, 99, 100, 80, 85), flat(2, 85), flat(3, 85)]
    settings = {"stop": 0.125, "hold": 2}
    trades, outcomes = purse(bars, [buy(0), sell(1)], entry_at="close", **settings)
    assert outcomes == ["filled", "filled"]
    assert way_out(trades[0]) == ("stop", 1, 87.5)
    assert (trades[1].side, trades[1].entry_price) == (-1, 85)
    trades, outcomes = purse(bars, [buy(0), sell(1)], entry_at="open", **settings)
    assert outcomes == ["filled", "closed"]
    assert way_out(trades[0]) == ("opposite", 1, 99)


def test_an_exit_at_the_open_comes_before_a_signal_at_that_open():
    bars = [flat(0), flat(1, 80), flat(2)]
    trades, outcomes = purse(bars, [buy(0), buy(1)], stop=0.125, hold=1)
    assert outcomes == ["filled", "filled"]
    assert [trade.exit_bar for trade in trades] == [1, 2]


def test_an_entry_at_a_close_meets_the_open_of_that_very_instant():
    bars = [flat(0, closes_at=100), bar(1, 80, 90, 79, 85), flat(2)]
    trades, _ = purse(bars, [buy(0)], entry_at="close", stop=0.125)
    assert way_out(trades[0]) == ("stop", 1, 80)


def test_nothing_is_held_in_event_mode():
    trades, outcomes = run([flats(6)], [0], [buy(0), buy(1), sell(2)], Settings(size=0.125, hold=2))
    assert outcomes == ["filled", "filled", "filled"]
    assert [trade.exit_bar for trade in trades] == [2, 3, 4]


def test_trades_come_in_the_order_opened_and_in_event_mode_by_row():
    bars = [flat(0, halted=True), flat(1, halted=True), flat(2), flat(3)]
    signals = [buy(0), buy(1, instrument=1)]
    settings = Settings(max_defer=9)
    order = [trade.signal for trade in run([bars, flats(4)], [0, 0], signals, settings)[0]]
    assert order == [0, 1]
    for mode in ("account", "portfolio"):
        trades, _ = run([bars, flats(4)], [0, 0], signals, replace(settings, mode=mode))
        assert [trade.signal for trade in trades] == [1, 0]


# --- Section 7: money -----------------------------------------------------------------------------------


def test_accounts_are_apart_and_a_portfolio_shares():
    bars, signals = [flats(4), flats(4)], [buy(0), buy(0, instrument=1)]
    trades, _ = run(bars, [0, 0], signals, Settings(mode="account", size=1.0))
    assert quantities(trades) == {0: 10000.0, 1: 10000.0}
    trades, outcomes = book(bars, signals, size=1.0)
    assert outcomes == ["filled", "filled"]
    assert quantities(trades) == {0: 5000.0, 1: 5000.0}


def test_scarce_cash_is_shared_by_target_whatever_the_draw():
    signals = [buy(0, weight=1.0, draw=0.9), buy(0, instrument=1, weight=3.0, draw=0.1)]
    trades, _ = book([flats(3), flats(3, 50)], signals, size=0.5)
    assert quantities(trades) == {0: 2500.0, 1: 15000.0}


def test_fees_are_part_of_what_cash_must_pay():
    rules = {"buy_rate": 0.25}
    signals = [buy(0), buy(0, instrument=1)]
    # 2 x 800,000 x 5/4 = 2,000,000: half of it is there.
    trades, _ = book([flats(3, **rules), flats(3, **rules)], signals, size=0.8)
    assert [(trade.quantity, trade.entry_fee) for trade in trades] == [(4000.0, 100000.0)] * 2


def test_fees_leave_the_purse_on_both_ways():
    # A quarter of 1,000,000 costs 62,500 in fees to enter: 937,500 are left, of which a quarter costs 58,593.75.
    # Both pay as much again to leave: 757,812.50 are left when the third comes.
    rules = {"buy_rate": 0.25, "sell_rate": 0.25}
    bars = [flats(4, **rules), [flat(day, shift=10, **rules) for day in range(4)]]
    trades, _ = book(bars, [buy(0), buy(0, 1), buy(2)], size=0.25, compound=True, hold=1)
    assert [trade.entry_fee + trade.exit_fee for trade in trades[:1]] == [125000.0]
    assert quantities(trades) == {0: 2500.0, 1: 2343.75, 2: 1894.53125}


@pytest.mark.parametrize(
    ("partial", "outcome", "bought"), [(False, "no_cash", {}), (True, "filled", {0: 1e4})]
)
def test_an_entry_alone_is_refused_unless_partial_fills_are_asked_for(partial, outcome, bought):
    trades, outcomes = book([flats(3)], [buy(0)], size=2.0, partial=partial)
    assert outcomes == [outcome]
    assert quantities(trades) == bought


def test_the_reason_is_the_last_step_that_scaled():
    limits = {"max_name": 0.75, "max_market": 0.75, "size": 1.0}
    assert book([flats(3)], [buy(0)], max_gross=0.5, **limits)[1] == ["cap_gross"]
    assert book([flats(3)], [buy(0)], max_gross=0.75, **limits)[1] == ["cap_name"]
    assert book([flats(3)], [sell(0)], max_net=0.5, **limits)[1] == ["cap_net"]


def test_what_just_fits_is_not_scaled():
    limits = {"max_name": 0.5, "max_market": 0.5, "max_gross": 0.5, "max_net": 0.5}
    assert book([flats(3)], [buy(0)], size=0.5, **limits)[1] == ["filled"]
    assert book([flats(3)], [sell(0)], size=0.5, **limits)[1] == ["filled"]
    assert book([flats(3)], [sell(0)], size=0.25, **limits)[1] == ["filled"]
    assert book([flats(3)], [buy(0)], size=1.0)[1] == ["filled"]


def test_no_target_finds_no_cash():
    assert book([flats(3)], [buy(0)], size=0.0)[1] == ["no_cash"]


def test_a_cap_counts_what_is_held_and_a_room_of_nothing_is_its_reason():
    settings = {"size": 0.25, "same": "stack", "partial": True}
    trades, outcomes = book([flats(4)], [buy(0), buy(1), buy(2)], max_name=0.375, **settings)
    assert outcomes == ["filled", "filled", "cap_name"]
    assert quantities(trades) == {0: 2500.0, 1: 1250.0}


def test_the_name_cap_scales_each_name_by_itself():
    signals = [buy(0, weight=2.0), buy(0, instrument=1, weight=0.5)]
    trades, _ = book([flats(3), flats(3)], signals, size=0.25, max_name=0.25)
    assert quantities(trades) == {0: 2500.0, 1: 1250.0}


def test_the_market_cap_scales_the_market_that_asks_too_much():
    signals = [buy(0), buy(0, instrument=1), buy(0, instrument=2)]
    trades, _ = book([flats(3)] * 3, signals, markets=[7, 7, 8], size=0.5, max_market=0.5)
    assert quantities(trades) == {0: 2500.0, 1: 2500.0, 2: 5000.0}


def test_the_market_cap_counts_what_is_held_in_that_market():
    signals = [buy(0), buy(1, instrument=1), buy(1, instrument=2)]
    trades, _ = book([flats(9)] * 3, signals, markets=[7, 7, 8], size=0.25, max_market=0.375)
    assert quantities(trades) == {0: 2500.0, 1: 1250.0, 2: 2500.0}


def test_the_gross_cap_counts_both_sides():
    trades, _ = book([flats(3)] * 2, [buy(0), sell(0, instrument=1)], size=0.5, max_gross=0.5)
    assert quantities(trades) == {0: 2500.0, 1: 2500.0}


def test_the_net_cap_takes_from_the_side_that_leads():
    # 250,000 net, 125,000 too much, of 500,000 long: the longs keep three quarters.
    signals = [buy(0), buy(0, instrument=1), sell(0, instrument=2)]
    trades, _ = book([flats(3)] * 3, signals, size=0.25, max_net=0.125)
    assert quantities(trades) == {0: 1875.0, 1: 1875.0, 2: 2500.0}
    mirrored = [replace(signal, side=-signal.side) for signal in signals]
    trades, _ = book([flats(3)] * 3, mirrored, size=0.25, max_net=0.125)
    assert quantities(trades) == {0: 1875.0, 1: 1875.0, 2: 2500.0}


def test_the_net_cap_counts_what_is_held_with_its_side():
    signals = [sell(0), buy(1, instrument=1), sell(1, instrument=2), sell(1, instrument=3)]
    # 250,000 short already, then 250,000 more of shorts than of longs: 125,000 beyond the cap of 375,000.
    trades, _ = book([flats(9)] * 4, signals, size=0.25, max_net=0.375)
    assert quantities(trades) == {0: 2500.0, 1: 2500.0, 2: 1875.0, 3: 1875.0}


def test_a_short_may_enter_where_longs_have_outgrown_the_net_cap():
    # 5,000 bought at 100 and marked at 50: an equity of 750,000 allows 375,000 net, 500,000 are held.
    bars = [[bar(0, 100, 100, 50, 50), flat(1, 50)], flats(4)]
    signals = [buy(0), sell(1, instrument=1, weight=0.5)]
    trades, outcomes = book(bars, signals, size=0.5, max_net=0.5, compound=True)
    assert outcomes == ["filled", "filled"]
    assert quantities(trades) == {0: 5000.0, 1: 1875.0}


def test_debts_are_no_reason_where_a_cap_has_left_nothing_to_pay_for():
    # The short bought back at 250 leaves 0 + 5,000 x (200 - 250) = -250,000; instrument 1 has had its half.
    bars = [[flat(0), flat(1, 250)], flats(4)]
    signals = [sell(0), buy(0, instrument=1), buy(2, instrument=1)]
    _, outcomes = book(bars, signals, size=0.5, stop=0.5, max_name=0.5, same="stack", partial=True)
    assert outcomes == ["filled", "filled", "cap_name"]


def test_the_smallest_draws_get_the_slots_that_are_left():
    signals = [buy(0), buy(1, 1, draw=0.9), buy(1, 2, draw=0.1), buy(1, 3, draw=0.5), buy(1, 4, draw=0.1)]
    trades, outcomes = book([flats(9)] * 5, signals, max_positions=3)
    assert outcomes == ["filled", "cap_positions", "filled", "cap_positions", "filled"]
    assert [trade.signal for trade in trades] == [0, 2, 4]


def test_one_that_is_left_alone_by_the_slots_stands_alone():
    signals = [buy(0, draw=0.1), buy(0, 1, draw=0.9)]
    _, outcomes = book([flats(3)] * 2, signals, max_positions=1, size=2.0)
    assert outcomes == ["no_cash", "cap_positions"]


def test_lots_round_down_and_forgive_the_last_bit():
    assert alone([flat(0, 64, lot=100), flat(1)], buy(0)).quantity == 1900.0
    # 0.3 / 0.1 is a hair below 3.
    trades, _ = run([[flat(0, 0.1, lot=1)]], [0], [buy(0)], Settings(capital=0.3, size=1.0))
    assert trades[0].quantity == 3.0


def test_less_than_a_lot_is_refused():
    assert run([flats(3, lot=2000)], [0], [buy(0)], Settings(size=0.125))[1] == ["below_lot"]
    assert book([flats(3, lot=2000)], [buy(0)], size=0.125)[1] == ["below_lot"]


def test_scaled_lots_that_stay_above_zero_are_shared():
    trades, _ = book([flats(3, lot=3000)] * 2, [buy(0), buy(0, instrument=1)], size=1.0)
    assert quantities(trades) == {0: 3000.0, 1: 3000.0}


def test_a_group_that_a_lot_would_empty_is_dealt_by_draw():
    # Half of the cash each buys 5,000 of a lot of 6,000; whole targets of 600,000 fit but once, and the small
    # order with the last draw fits into what is left.
    signals = [buy(0, draw=0.5), buy(0, 1, draw=0.1), buy(0, 2, weight=0.25, draw=0.9)]
    bars = [flats(3, lot=6000), flats(3, lot=6000), flats(3)]
    trades, outcomes = book(bars, signals, size=1.0)
    assert outcomes == ["no_cash", "filled", "filled"]
    assert quantities(trades) == {1: 6000.0, 2: 2500.0}


def test_the_deal_by_draw_names_the_first_room_that_is_full():
    signals = [buy(0, draw=0.5), buy(0, 1, draw=0.1)]
    _, outcomes = book([flats(3, lot=6000)] * 2, signals, size=1.0, max_market=0.75, max_gross=0.75)
    assert outcomes == ["cap_market", "filled"]


@pytest.mark.parametrize(
    ("cap", "reason"),
    [
        ("max_name", "no_cash"),
        ("max_market", "cap_market"),
        ("max_gross", "cap_gross"),
        ("max_net", "cap_net"),
    ],
)
def test_the_deal_by_draw_fills_each_room_as_it_goes(cap, reason):
    # One lot of 600,000 fits each room of as much exactly, the second does not.
    signals = [buy(0, draw=0.5), buy(0, 1, draw=0.1)]
    _, outcomes = book([flats(3, lot=6000)] * 2, signals, size=0.75, **{cap: 0.6})
    assert outcomes == [reason, "filled"]


def test_the_deal_by_draw_refuses_what_a_name_has_no_room_for():
    # 300,000 of the lot are held on instrument 0 where 500,000 may be: 200,000 do not buy another lot.
    bars = [flats(9, lot=3000), flats(9, lot=3000)]
    signals = [buy(0), buy(1, draw=0.1), buy(1, instrument=1, draw=0.5)]
    _, outcomes = book(bars, signals, size=0.3, same="stack", max_name=0.5)
    assert outcomes == ["filled", "cap_name", "filled"]


def test_the_deal_by_draw_counts_shorts_against_longs():
    # Longs of 250,000 each, a lot: the first fits under 375,000 net, the second does not; after the short one does.
    signals = [buy(0, draw=0.1), buy(0, 1, draw=0.2), sell(0, 2, draw=0.3), buy(0, 3, draw=0.4)]
    _, outcomes = book([flats(3, lot=2500)] * 4, signals, size=0.25, max_net=0.375)
    assert outcomes == ["filled", "cap_net", "filled", "filled"]


def test_the_deal_by_draw_pays_fees():
    # A lot of 500,000 costs 625,000 with its fee. 375,000 are left: 300,000 cost as much, 320,000 too much.
    rules = {"buy_rate": 0.25}
    bars = [flats(3, lot=5000, **rules), flats(3, **rules), flats(3, **rules)]
    for weight, last in [(0.48, "filled"), (0.512, "no_cash")]:
        signals = [buy(0, draw=0.1), buy(0, 1, draw=0.9, weight=1.0), buy(0, 2, draw=0.5, weight=weight)]
        _, outcomes = book(bars, signals, size=0.625)
        assert outcomes == ["filled", "no_cash", last]


def test_an_order_below_a_lot_stays_so_in_the_deal_by_draw():
    signals = [buy(0, draw=0.1), buy(0, 1, draw=0.2), buy(0, 2, weight=0.5, draw=0.3)]
    _, outcomes = book([flats(3, lot=6000)] * 3, signals, size=1.0)
    assert outcomes == ["filled", "no_cash", "below_lot"]


def test_an_order_alone_is_never_dealt_by_draw():
    assert book([flats(3, lot=15000)], [buy(0)], size=2.0, partial=True)[1] == ["below_lot"]


def test_a_room_of_nothing_is_no_reason_to_deal_by_draw():
    # Instrument 0 has had its quarter: nothing for row 1, and row 2 takes what gross leaves, half of its target.
    bars = [flats(9, lot=50), flats(9, lot=50)]
    signals = [buy(0), buy(1), buy(1, instrument=1)]
    trades, outcomes = book(bars, signals, size=0.25, same="stack", max_name=0.25, max_gross=0.375)
    assert outcomes == ["filled", "cap_gross", "filled"]
    assert quantities(trades) == {0: 2500.0, 2: 1250.0}


def test_a_short_locks_its_notional_and_brings_back_what_it_won():
    # 5,000 sold at 100, bought back at 80: 500,000 + 5,000 x (200 - 80) = 1,100,000.
    bars = [[flat(0), flat(1, 80), flat(2), flat(3)]]
    trades, outcomes = book(bars, [sell(0), buy(2)], size=0.5, compound=True, hold=1)
    assert outcomes == ["filled", "filled"]
    assert quantities(trades) == {0: 5000.0, 1: 5500.0}


def test_a_short_takes_cash_as_collateral():
    signals = [sell(0), sell(0, instrument=1), buy(1, instrument=2)]
    assert book([flats(4)] * 3, signals, size=0.5)[1] == ["filled", "filled", "no_cash"]


def test_an_account_that_has_lost_everything_trades_no_more():
    # 10,000 sold at 100, bought back at 250: 0 + 10,000 x (200 - 250) = -500,000.
    bars = [bar(0, 100, 250, 100, 250), flat(1), flat(2)]
    _, outcomes = run([bars], [0], [sell(0), buy(1)], Settings(mode="account", size=1.0, hold=0))
    assert outcomes == ["filled", "no_cash"]


@pytest.mark.parametrize(("day", "bought"), [(0, 5000.0), (1, 5250.0), (2, 5250.0), (3, 5500.0)])
def test_equity_marks_open_trades_at_the_last_known_close(day, bought):
    # 2,500 are held from 100. While day 0 is under way they count 100, after its close 120; the unknown close
    # of day 1 leaves 120; the close of the halted day 2 counts. A quarter of the equity buys at 50.
    held = [bar(0, 100, 120, 100, 120), bar(1, 120, 120, 120, NAN), flat(2, 140, halted=True), flat(3, 140)]
    later = [flat(day, 50, shift=10) for day in range(4)]
    trades, _ = book([held, later], [buy(0), buy(day, 1)], size=0.25, compound=True, hold=9)
    assert quantities(trades) == {0: 2500.0, 1: bought}


def test_a_close_is_known_at_its_own_instant():
    held = [bar(0, 100, 120, 100, 120), flat(1, 120)]
    trades, _ = book([held, [flat(0, 50, shift=60)]], [buy(0), buy(0, 1)], size=0.25, compound=True)
    assert quantities(trades) == {0: 2500.0, 1: 5250.0}


def test_a_close_before_the_entry_is_no_mark():
    held = [flat(0, 300), bar(1, 100, 120, 100, 120)]
    trades, _ = book([held, [flat(1, 50, shift=10)]], [buy(1), buy(0, 1)], size=0.25, compound=True)
    assert quantities(trades) == {0: 2500.0, 1: 5000.0}


def test_a_portfolio_that_does_not_compound_bets_shares_of_its_start():
    bars = [[flat(0), flat(1, 80), flat(2), flat(3)]]
    trades, _ = book(bars, [sell(0), buy(2)], size=0.5, hold=1)
    assert quantities(trades) == {0: 5000.0, 1: 5000.0}


def test_an_account_always_compounds():
    bars = [flat(0), flat(1, 120), flat(2), flat(3)]
    trades, _ = purse(bars, [buy(0), buy(2)], hold=1)
    # 1,250 shares won 25,000: an eighth of 1,025,000.
    assert quantities(trades) == {0: 1250.0, 1: 1281.25}


def test_cash_comes_back_at_the_bar_s_close_even_from_a_level_touched_inside_it():
    here = [bar(0, 100, 130, 99, 128)]
    before, at = [flat(0, shift=50)], [flat(0, shift=60)]
    settings = {"size": 1.0, "take": 0.25}
    assert book([here, before], [buy(0), buy(0, instrument=1)], **settings)[1] == ["filled", "no_cash"]
    assert book([here, at], [buy(0), buy(0, instrument=1)], **settings)[1] == ["filled", "filled"]


def test_a_reversal_spends_what_it_has_just_released():
    trades, outcomes = book([flats(4)], [buy(0), sell(1)], size=1.0, opposite="reverse")
    assert outcomes == ["filled", "filled"]
    assert quantities(trades) == {0: 10000.0, 1: 10000.0}


def test_exits_of_the_whole_group_come_before_its_entries():
    # Row 1 enters with the cash that row 2 sets free at the same open.
    signals = [buy(0, instrument=1), buy(1, instrument=0), sell(1, instrument=1)]
    trades, outcomes = book([flats(4), flats(4)], signals, size=1.0)
    assert outcomes == ["filled", "filled", "closed"]
    assert quantities(trades) == {0: 10000.0, 1: 10000.0}
