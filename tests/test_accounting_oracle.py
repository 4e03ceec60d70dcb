"""Portfolios worked out by vectorbt: what both programs define alike must come out alike, the rest is named.

vectorbt is told bars, flags of entry and exit, and options; `ours` says the same in our words and runs the kernels.
A case that they reproduce is held to it. A case that a rule of vectorbt's sets apart stands in `DIFFERS` with the
rule; where the rule can be made to matter no more (`WITHOUT`), the changed case must come out alike too.
"""

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from aftershock.engine import kernels
from aftershock.engine.simulation import simulate
from aftershock.engine.types import (
    MODES,
    OPPOSITE,
    OUTCOMES,
    SAME,
    Bars,
    Book,
    Entries,
    Exits,
    Flags,
    Floats,
    Orders,
    Rules,
)

pytestmark = pytest.mark.shared

NAN, INF = math.nan, math.inf
TOLERANCE = 1e-10
LONG_DAY, SESSION = 100, 60
ONCE, TWICE = 1.0, 2.0

TIMED, SIGNALLED = "timed", "signalled"
"""A flag of exit is the end of a hold, or a signal of the opposite side that may close but not open."""

HELD = (
    "c01_buy_hold_all_cash_close",
    "c03_hold5_fill_at_open",
    "c05_overlapping_events_no_accumulate",
    "c13_sell_side_tax_array",
    "c15_size_percent",
    "c17_reject_cash_short",
    "c19_lot_100_value_sizing",
    "c21_lot_cash_binding",
    "c25_jpy_lot100_bp_fees",
    "c31_tp_long",
    "c41_gap_through_tp",
    "c43_stop_on_entry_bar_not_checked",
    "c45_entry_on_last_bar",
    "c47_reentry_on_stop_bar_ignored",
    "c51_short_sl_tp",
    "c53_long_short_reverse",
    "c55_opposite_ignore",
    "c57_entry_exit_conflict_exit",
    "c60_three_cols_separate_cash",
    "c66_shared_stops",
    "c71_halt_nan_open_fill",
    "c73_zero_events",
    "c75_tiny_price",
)

HELD_AS_SIGNALS_ONLY = {
    "c57_entry_exit_conflict_exit": "a flag of exit beats a flag of entry on its bar; a hold gives way to the entry",
    "c71_halt_nan_open_fill": "an exit flagged on a bar without a price is lost; a hold that is over is carried",
}

RANDOM = "levels stand on the slipped fill, a trail leaves out the entry bar, a level goes before an exit at the open"
DIFFERS = {
    "c07_accumulate_addonly": "what is added is one trade at the average price; ours is a trade for each signal",
    "c09_fixed_fees": "an order costs a fixed sum; our fees are shares of the value",
    "c11_fees_fixed_slippage": "an order costs a fixed sum; our fees are shares of the value",
    "c23_min_size": "an order has a least size; ours has lots only",
    "c33_trailing": "a trail leaves out the high of the entry bar; ours counts it after an entry at the open",
    "c35_sl_base_close_default": "levels stand on the close of the entry bar; ours on the price of entry",
    "c37_stoplimit_no_slippage": "levels stand on the slipped fill and pay no slippage; ours on the price, and do",
    "c39_stop_exit_close": "a touched level fills at the close; ours at the level",
    "c49_per_event_sl": "each event brings its own stop; ours share one",
    "c62_cash_sharing_percent": "sizes are shares of the cash left, column after column; ours of the base, at once",
    "c64_rotation_bad_order_default": "an entry may come before an exit of its bar; ours never does",
    "r01_random_hold11": RANDOM + ", and pays no slippage",
    "r03_random_hold4": RANDOM,
    "r05_random_hold3": RANDOM + ", and pays no slippage",
    "r07_random_hold6": RANDOM + ", and pays no slippage",
    "r09_random_hold2": RANDOM,
}

TRANSLATED = {
    "init_cash",
    "cash_sharing",
    "array_options",
    "price",
    "size",
    "size_type",
    "size_granularity",
    "fees",
    "slippage",
    "allow_partial",
    "accumulate",
    "upon_opposite_entry",
    "upon_long_conflict",
    "sl_stop",
    "tp_stop",
    "sl_trail",
    "stop_entry_price",
}
"""The options of vectorbt's that `ours` puts into our words (the last is our rule anyway where nothing slips)."""

Case = dict[str, Any]


class Order(NamedTuple):
    """What an instrument buys (sells) at one bar."""

    column: int
    bar: int
    side: int
    size: float
    price: float
    fees: float


class Deal(NamedTuple):
    """A trade; an open one is taken to leave at the last close, at no fee."""

    column: int
    entry_bar: int
    exit_bar: int
    side: int
    size: float
    entry_price: float
    exit_price: float
    entry_fees: float
    exit_fees: float
    pnl: float
    share: float
    is_open: bool


class Answer(NamedTuple):
    """What a program makes of a case; equity has a row per account."""

    orders: list[Order]
    deals: list[Deal]
    equity: Floats


@pytest.fixture(scope="module")
def cases(shared: Path) -> dict[str, Case]:
    text = (shared / "oracles" / "accounting" / "portfolio_cases.json").read_text(encoding="utf-8")
    return {case["name"]: case for case in json.loads(text)["cases"]}


# --- a case in our words ---


def tape(case: Case) -> Bars:
    """One bar a day, column after column."""
    columns, count = case["n_cols"], case["n_bars"]
    day = np.tile(np.arange(count), columns)
    prices = [np.array(case[name], np.float64).ravel() for name in ("open", "high", "low", "close")]
    closes_at = day * LONG_DAY + SESSION
    nothing = np.zeros(len(day), np.bool_)
    return Bars(np.arange(columns + 1) * count, day, day, day * LONG_DAY, closes_at, *prices, nothing)


def rules(case: Case) -> Rules:
    """An array of fees is dear on bars that sell: to us a tax on sales. A flag of exit may not open a short."""
    options, arrays, count = case["options"], case["arrays"], case["n_cols"] * case["n_bars"]
    fees = arrays.get("fees", [[options.get("fees", 0.0)]])
    values = (
        arrays.get("buy_rate", np.min(fees)),
        arrays.get("sell_rate", np.max(fees)),
        arrays.get("slippage", options.get("slippage", 0.0)),
        options.get("size_granularity", 0.0),
        NAN,
        NAN,
    )
    columns = [np.full(count, np.ravel(value), np.float64) for value in values]
    buy, sell, slip, lot, up, down = columns
    barred = OUTCOMES.index("short_banned") if flags(case, "exits").any() else 0
    columns = {
        "buy_rate": buy,
        "sell_rate": sell,
        "unit": 1.0,
        "at_open": slip,
        "at_close": slip,
        "impact": 0.0,
        "borrow": 0.0,
        "withheld": 0.0,
        "lot": lot,
        "limit_up": up,
        "limit_down": down,
        "schedule": 0,
        "short_open": barred,
        "short_close": barred,
        "sell_from": 0,
    }
    return Rules.of(count, np.zeros(2, np.int64), np.zeros((0, 5)), columns.items())


def flags(case: Case, name: str) -> Flags:
    none = np.zeros((case["n_cols"], case["n_bars"]), np.bool_)
    return none if case[name] is None else np.array(case[name], np.bool_)


def hold(case: Case) -> int:
    """From the first flagged entry to the exit of its column; past the end where no exit is flagged."""
    out = np.argwhere(flags(case, "exits"))
    if len(out) == 0:
        return int(case["n_bars"])
    column, bar = out[0]
    return int(bar - np.flatnonzero(flags(case, "entries")[column])[0])


def mode(case: Case) -> str:
    return "account" if case["n_cols"] > 1 and not case["options"]["cash_sharing"] else "portfolio"


def weight(case: Case, column: int, bar: int, fill: float) -> float:
    """The share of the base that buys the size; a percentage of the cash there pays for its fee too."""
    options = case["options"]
    if "size" not in options:
        return 1.0
    if options.get("size_type") == "percent":
        return float(options["size"] / (1.0 + options.get("fees", 0.0)))
    value = options["size"] if options.get("size_type") == "value" else options["size"] * fill
    # An account always compounds: while nothing is held its base is its equity so far.
    equity = case["expected"]["equity"][column][bar - 1] if mode(case) == "account" else options["init_cash"]
    return float(value / equity)


def rows_of(case: Case, exit_as: str) -> NDArray[np.float64]:
    """Signals as bar, column, side and the multiple of the weight, in that order.

    At one weight the flags of entry and exit on one bar cancel each other; the heavier wins.
    """
    heavier = TWICE if case["options"].get("upon_long_conflict") == "exit" else ONCE
    wanted = [("entries", 1.0, ONCE), ("short_entries", -1.0, ONCE)]
    if exit_as == SIGNALLED:
        wanted.append(("exits", -1.0, heavier))
    rows = [
        (bar, column, side, multiple)
        for name, side, multiple in wanted
        for column, bar in np.argwhere(flags(case, name))
    ]
    return np.array(sorted(rows), np.float64).reshape(-1, 4)


def signals(case: Case, bars: Bars, costs: Rules, exit_as: str) -> Entries:
    rows = rows_of(case, exit_as)
    bar, column, side = rows[:, :3].T.astype(np.int64)
    due = bars.offsets[column] + bar
    price = (bars.open if "price" in case["options"] else bars.close)[due]
    fill = price * (1.0 + side * costs.bar["at_open"][due])
    shares = np.array([weight(case, *place) for place in zip(column, bar, fill, strict=True)], np.float64)
    none = np.zeros(len(rows), np.int64)
    return Entries(
        column, none, side, shares * rows[:, 3], due, none, np.linspace(0.0, 0.9, len(rows)), none - 1
    )


def exits(case: Case, exit_as: str) -> Exits:
    """No level is tested on the bar of entry; a stop that trails is a trail."""
    options = case["options"]
    level, take = options.get("sl_stop", NAN), options.get("tp_stop", NAN)
    stop, trail = (NAN, level) if options.get("sl_trail") else (level, NAN)
    never = int(case["n_bars"])
    return Exits(hold(case) if exit_as == TIMED else never, stop, take, trail, "price" in options, False)


def orders(case: Case) -> Orders:
    options = case["options"]
    same = "stack" if options.get("accumulate") else "ignore"
    opposite = options.get("upon_opposite_entry", "close")
    return Orders("price" not in options, 0, SAME.index(same), OPPOSITE.index(opposite))


def book(case: Case) -> Book:
    """Sizes in shares or money are parts of the capital; all of it, or a percentage, of the equity."""
    options = case["options"]
    compound = "size" not in options or options.get("size_type") == "percent"
    partial = options.get("allow_partial", True)
    return Book(
        MODES.index(mode(case)), options["init_cash"], 1.0, compound, partial, 0.0, INF, INF, INF, INF, INF
    )


def ours(case: Case, exit_as: str) -> Answer:
    bars, costs = tape(case), rules(case)
    entries = signals(case, bars, costs, exit_as)
    trades, _ = simulate(kernels.Case(bars, costs, entries, exits(case, exit_as), orders(case), book(case)))
    deals = sorted(deal_of(trade, bars) for trade in trades)
    return Answer(orders_of(deals), deals, equity_of(case, trades, bars))


def deal_of(trade: Any, bars: Bars) -> Deal:
    column, side, quantity, paid = (trade[name] for name in ("instrument", "side", "quantity", "entry_fill"))
    first, last = bars.offsets[column], bars.offsets[column + 1] - 1
    bar, left, fee = trade["exit_bar"], trade["exit_fill"], trade["exit_fee"]
    if not trade["done"]:
        bar, left, fee = last, bars.close[last], 0.0
    pnl = side * quantity * (left - paid) - trade["entry_fee"] - fee
    return Deal(
        int(column),
        int(trade["entry_bar"] - first),
        int(bar - first),
        int(side),
        float(quantity),
        float(paid),
        float(left),
        float(trade["entry_fee"]),
        float(fee),
        float(pnl),
        float(pnl / (quantity * paid)),
        not trade["done"],
    )


def orders_of(deals: list[Deal]) -> list[Order]:
    """Fills of one side at one bar are one order: a reversal sells what is held and what is shorted at once."""
    found: dict[tuple[int, int, int], Order] = {}
    for deal in deals:
        fills = [(deal.entry_bar, deal.side, deal.entry_price, deal.entry_fees)]
        if not deal.is_open:
            fills.append((deal.exit_bar, -deal.side, deal.exit_price, deal.exit_fees))
        for bar, side, price, fees in fills:
            key = (deal.column, bar, side)
            so_far = found.get(key, Order(*key, 0.0, price, 0.0))
            found[key] = Order(*key, so_far.size + deal.size, price, so_far.fees + fees)
    return sorted(found.values())


def equity_of(case: Case, trades: Any, bars: Bars) -> Floats:
    """The capital and the profit so far at each close: of all columns where they share cash, else of each."""
    accounts = [trades]
    if not case["options"]["cash_sharing"]:
        accounts = [trades[trades["instrument"] == column] for column in range(case["n_cols"])]
    free = rules(case)
    profits = [
        kernels.mark(bars, account, free, bars.ordinal, case["n_bars"], True)[0] for account in accounts
    ]
    return np.asarray(case["options"]["init_cash"] + np.cumsum(profits, axis=1))


# --- vectorbt's answer ---


def theirs(case: Case) -> Answer:
    expected = case["expected"]
    listed = [
        Order(o["col"], o["bar"], 1 if o["side"] == "Buy" else -1, o["size"], o["price"], o["fees"])
        for o in expected["orders"]
    ]
    deals = [
        Deal(
            t["col"],
            t["entry_bar"],
            t["exit_bar"],
            1 if t["direction"] == "Long" else -1,
            *(t[name] for name in ("size", "entry_price", "exit_price", "entry_fees", "exit_fees")),
            t["pnl"],
            t["return"],
            t["status"] == "Open",
        )
        for t in expected["trades"]
    ]
    return Answer(sorted(listed), sorted(deals), np.array(expected["equity"], np.float64))


def alike(have: Any, want: Any) -> bool:
    one, other = np.array(have, np.float64), np.array(want, np.float64)
    return one.shape == other.shape and np.allclose(one, other, rtol=TOLERANCE, atol=0.0)


def differences(have: Answer, want: Answer) -> list[str]:
    """Name the parts of an answer that are not alike."""
    return [name for name in Answer._fields if not alike(getattr(have, name), getattr(want, name))]


# --- cases from which a rule of theirs is taken out ---


def without_fixed_fees(case: Case) -> Case:
    """A fixed sum is a share of the value of its order."""
    options = case["options"]
    rate = np.zeros((case["n_cols"], case["n_bars"]))
    for order in theirs(case).orders:
        fixed = options["fixed_fees"] / (order.size * order.price)
        rate[order.column, order.bar] = options.get("fees", 0.0) + fixed
    case["arrays"] |= {"buy_rate": rate, "sell_rate": rate}
    return case


def without_entry_highs(case: Case) -> Case:
    """A bar that is entered at its high has nothing to give to a trail."""
    for deal in theirs(case).deals:
        case["high"][deal.column][deal.entry_bar] = case["open"][deal.column][deal.entry_bar]
    return case


def without_slippage(case: Case) -> Case:
    """Prices at the open are given as filled; what is left to slip are levels, where they do."""
    options = case["options"]
    share = options["slippage"]
    at_level = share if options.get("stop_exit_price") == "stopmarket" else 0.0
    slippage = np.full((case["n_cols"], case["n_bars"]), at_level)
    for order in theirs(case).orders:
        if filled_at_open(case, order):
            case["open"][order.column][order.bar] = order.price
            slippage[order.column, order.bar] = 0.0
    case["arrays"]["slippage"] = slippage
    return case


def filled_at_open(case: Case, order: Order) -> bool:
    slipped = case["open"][order.column][order.bar] * (1.0 + order.side * case["options"]["slippage"])
    return alike(order.price, slipped)


def without_flags_at_levels(case: Case) -> Case:
    """An exit flagged at the open of a bar that fills at a level is out of the level's way."""
    for order in theirs(case).orders:
        if not filled_at_open(case, order):
            case["exits"][order.column][order.bar] = 0
    return case


def without_rejected_entries(case: Case) -> Case:
    """Entries that never became orders are not asked for."""
    bought = {(order.column, order.bar) for order in theirs(case).orders if order.side > 0}
    for column, bar in np.argwhere(flags(case, "entries")):
        case["entries"][column][bar] = int((column, bar) in bought)
    return case


def without_random_rules(case: Case) -> Case:
    return without_entry_highs(without_slippage(without_flags_at_levels(case)))


WITHOUT: dict[str, Callable[[Case], Case]] = {
    "c09_fixed_fees": without_fixed_fees,
    "c11_fees_fixed_slippage": without_fixed_fees,
    "c33_trailing": without_entry_highs,
    "c37_stoplimit_no_slippage": without_slippage,
    "c64_rotation_bad_order_default": without_rejected_entries,
    "r01_random_hold11": without_random_rules,
    "r03_random_hold4": without_random_rules,
    "r05_random_hold3": without_random_rules,
    "r07_random_hold6": without_random_rules,
    "r09_random_hold2": without_random_rules,
}


# --- what must hold ---


def test_every_case_is_held_or_listed(cases: dict[str, Case]) -> None:
    assert sorted([*HELD, *DIFFERS]) == sorted(cases)
    assert len(cases) == 39


@pytest.mark.parametrize("name", HELD)
def test_no_option_of_a_held_case_is_passed_over(cases: dict[str, Case], name: str) -> None:
    assert set(cases[name]["options"]) <= TRANSLATED
    assert set(cases[name]["arrays"]) <= {"fees"}


@pytest.mark.parametrize("name", HELD)
def test_a_case_comes_out_alike_with_exits_as_signals(cases: dict[str, Case], name: str) -> None:
    case = cases[name]
    assert differences(ours(case, SIGNALLED), theirs(case)) == []


@pytest.mark.parametrize("name", [name for name in HELD if name not in HELD_AS_SIGNALS_ONLY])
def test_a_case_comes_out_alike_with_exits_as_holds(cases: dict[str, Case], name: str) -> None:
    case = cases[name]
    entries, over = flags(case, "entries"), hold(case)
    after = np.zeros_like(entries)
    after[:, over:] = entries[:, : case["n_bars"] - over]
    assert np.array_equal(after, flags(case, "exits")), "the flags are not those of one hold"
    assert differences(ours(case, TIMED), theirs(case)) == []


@pytest.mark.parametrize("name", HELD_AS_SIGNALS_ONLY)
def test_a_hold_is_not_a_signal(cases: dict[str, Case], name: str) -> None:
    case = cases[name]
    assert "orders" in differences(ours(case, TIMED), theirs(case)), HELD_AS_SIGNALS_ONLY[name]


@pytest.mark.parametrize("exit_as", [TIMED, SIGNALLED])
@pytest.mark.parametrize("name", DIFFERS)
def test_a_listed_case_differs(cases: dict[str, Case], name: str, exit_as: str) -> None:
    case = cases[name]
    assert differences(ours(case, exit_as), theirs(case)) != [], f"alike in spite of: {DIFFERS[name]}"


@pytest.mark.parametrize("name", WITHOUT)
def test_a_listed_case_is_alike_without_its_rule(cases: dict[str, Case], name: str) -> None:
    case = WITHOUT[name](copy.deepcopy(cases[name]))
    assert differences(ours(case, SIGNALLED), theirs(case)) == []


def test_added_entries_differ_in_their_trades_only(cases: dict[str, Case]) -> None:
    case = cases["c07_accumulate_addonly"]
    assert differences(ours(case, SIGNALLED), theirs(case)) == ["deals"]


def test_a_hold_that_meets_no_price_is_carried(cases: dict[str, Case]) -> None:
    case = cases["c71_halt_nan_open_fill"]
    assert np.isnan(case["open"][0][22:26]).all()
    assert [order.bar for order in ours(case, TIMED).orders] == [20, 26, 45, 48]
    assert [order.bar for order in theirs(case).orders] == [20, 48]
