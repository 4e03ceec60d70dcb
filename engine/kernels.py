"""The compiled walk and ledger: docs/fills.md, kept to the bit.

All kernels live in this one file because numba's cache does not notice that a callee in another file has changed.
They touch the bars between entry and exit and nothing else: work grows with events, not with bars.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from aftershock.engine.metrics import ROUNDING
from aftershock.engine.types import (
    KINDS,
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
    Integers,
    Orders,
    Rules,
)

# Market, rules and settings are forty arrays. Handed to a function that is not inlined they cost more than most of what
# is done with them: each is copied, and counted up and down as long as the function may keep it. So all but a few are
# inlined, and as Python makes all the room, none allocates and all are compiled without the counting (the option has no
# public name yet), which makes sweeps thirty times as fast.
#
# A `kernel` is called from Python. To unpack those arrays there takes longer to compile than most of these functions,
# so what kernels alone call, `inner` and `inlined`, is plain Python there.
#
# An account may be worth exactly nothing, so what is divided by 0 is infinite or unknown, as numpy has it.
options: Any = {"no_cfunc_wrapper": True, "error_model": "numpy"}
kernel = njit(cache=True, nogil=True, _nrt=False, **options)  # type: ignore[call-overload]
inner = register_jitable(_nrt=False, **options)
inlined = register_jitable(_nrt=False, forceinline=True, **options)

OPEN, INSIDE, CLOSE = 0, 1, 2
NO_BAR = -1

STILL_OPEN, HOLD, STOP, TRAIL, TAKE, BY_OPPOSITE, BY_RULE = range(len(KINDS))
EVENT, ACCOUNT, PORTFOLIO = range(len(MODES))
IGNORE, EXTEND, STACK = range(len(SAME))
CLOSE_IT, REVERSE, IGNORE_OPPOSITE = range(len(OPPOSITE))

FILLED = OUTCOMES.index("filled")
HALTED = OUTCOMES.index("halted")
NO_PRICE = OUTCOMES.index("no_price")
LOCKED = OUTCOMES.index("locked")
T_PLUS = OUTCOMES.index("t_plus")
NO_BAR_REASON = OUTCOMES.index("no_bar")
SUPERSEDED = OUTCOMES.index("superseded")
NETTED = OUTCOMES.index("netted")
IGNORED = OUTCOMES.index("ignored")
EXTENDED = OUTCOMES.index("extended")
CLOSED = OUTCOMES.index("closed")
NO_CASH = OUTCOMES.index("no_cash")
CAP_POSITIONS = OUTCOMES.index("cap_positions")
CAP_NAME = OUTCOMES.index("cap_name")
CAP_MARKET = OUTCOMES.index("cap_market")
CAP_GROSS = OUTCOMES.index("cap_gross")
CAP_NET = OUTCOMES.index("cap_net")
BELOW_LOT = OUTCOMES.index("below_lot")

RATE, MINIMUM, MAXIMUM, BUYS, SELLS = range(5)
"""The columns of ``Rules.terms``."""
MOST_SLIPPAGE = 0.5
"""No fill loses more than this share of its price to slippage."""


class Exit(NamedTuple):
    """Where a walk ended: ``bar`` is -1 while no bar has filled; ``kind`` is the trigger, if there was one."""

    bar: int
    price: float
    point: int
    kind: int
    carried: bool
    triggered_at: int


class Case(NamedTuple):
    """What a simulation is about: the market, its rules, the signals after netting, and the settings."""

    bars: Bars
    rules: Rules
    entries: Entries
    exits: Exits
    orders: Orders
    book: Book


class Heap(NamedTuple):
    """Numbers by instant, then by number: ``place`` is where each stands in ``items``, -1 where it does not."""

    items: Integers
    place: Integers
    at: Integers
    size: Integers


class Ledger(NamedTuple):
    """The state of a simulation. Open trades of an account form a list in the order opened.

    ``exits`` are trades by when they leave, ``retries`` signals by when they are tried again, at ``bar``; ``waiting``
    is the signal that waits on each instrument.
    """

    trades: np.ndarray
    opened: Integers
    cash: Floats
    head: Integers
    tail: Integers
    following: Integers
    preceding: Integers
    exits: Heap
    retries: Heap
    bar: Integers
    waiting: Integers
    outcome: Integers


class Group(NamedTuple):
    """Entries that one account tries at one instant, what they ask for, and what of it they get, for what reason.

    ``rows`` and ``tried`` are signals and bars, ``member`` and ``seen`` room for choosing among them, ``draws`` for
    their order; the first ``size`` places count.
    """

    rows: Integers
    tried: Integers
    target: Floats
    scale: Floats
    reason: Integers
    member: Flags
    seen: Flags
    draws: Integers
    quantity: Floats
    fill: Floats


# ---------------------------------------------------------------------------------------------- one bar


@inlined
def price_at(bars: Bars, bar: int, point: int) -> float:
    """Give the price of a bar at its open or close."""
    return bars.open[bar] if point == OPEN else bars.close[bar]


@inlined
def refusal(bars: Bars, rules: Rules, bar: int, point: int, buy: bool) -> int:
    """Say why a bar does not fill an order at a point, or ``FILLED``."""
    if bars.halted[bar]:
        return HALTED
    if point != INSIDE and not price_at(bars, bar, point) > 0.0:
        return NO_PRICE
    if buy:
        limit = rules.bar[bar].limit_up
        if bars.low[bar] >= limit or (point == CLOSE and bars.close[bar] >= limit):
            return LOCKED
    else:
        limit = rules.bar[bar].limit_down
        if bars.high[bar] <= limit or (point == CLOSE and bars.close[bar] <= limit):
            return LOCKED
    return FILLED


@inlined
def exit_refusal(bars: Bars, rules: Rules, entry_bar: int, side: int, bar: int, point: int) -> int:
    """Say why a bar does not fill the exit of a trade at a point, or ``FILLED``."""
    if side > 0 and bar < entry_bar + rules.bar[entry_bar].sell_from:
        return T_PLUS
    return refusal(bars, rules, bar, point, side < 0)


@inlined
def short_refusal(rules: Rules, bar: int, point: int) -> int:
    """Say why a short cannot be opened at a point of a bar, or ``FILLED``."""
    return rules.bar[bar].short_open if point == OPEN else rules.bar[bar].short_close


@inlined
def slipped(rules: Rules, bar: int, point: int, order: tuple[float, float, bool]) -> float:
    """Move the price of an order (price, value, whether it buys) against it by the slippage of its bar and size."""
    price, value, buy = order
    terms = rules.bar[bar]
    share = terms.at_open if point == OPEN else terms.at_close
    if terms.impact > 0.0:
        share += terms.impact * np.sqrt(value)
    share = min(share, MOST_SLIPPAGE)
    return price * (1.0 + share) if buy else price * (1.0 - share)


@inlined
def fee_of(rules: Rules, bar: int, value: float, buy: bool) -> float:
    """Give what a fill of a value is charged."""
    charges = rules.bar[bar]
    fee = value * (charges.buy_rate if buy else charges.sell_rate)
    row, unit = charges.schedule, charges.unit
    for k in range(rules.starts[row], rules.starts[row + 1]):
        term = rules.terms[k]
        if term[BUYS if buy else SELLS] > 0.0:
            money = max(value * term[RATE], term[MINIMUM] * unit)
            if term[MAXIMUM] * unit > 0.0:
                money = min(money, term[MAXIMUM] * unit)
            fee += money
    return fee


@inlined
def fee_bound(rules: Rules, bar: int, buy: bool) -> tuple[float, float]:
    """Give a rate and a fixed sum that together no fee of a fill at a bar exceeds."""
    charges = rules.bar[bar]
    rate, fixed = (charges.buy_rate if buy else charges.sell_rate), 0.0
    row = charges.schedule
    for k in range(rules.starts[row], rules.starts[row + 1]):
        term = rules.terms[k]
        if term[BUYS if buy else SELLS] > 0.0:
            rate += term[RATE]
            fixed += term[MINIMUM] * charges.unit
    return rate, fixed


@inlined
def instant_of(bars: Bars, bar: int, point: int) -> int:
    """Give the instant of a point; what happens inside a bar is known at its close."""
    return bars.opens_at[bar] if point == OPEN else bars.closes_at[bar]


# ------------------------------------------------------------------------------------------- one trade


@inlined
def gap_kind(side: float, price: float, stop: float, trail: float, take: float) -> int:
    """Name the level that an opening price is at or beyond; NaN levels are never reached."""
    if side * price <= side * stop:
        return STOP
    if side * price <= side * trail:
        return TRAIL
    if side * price >= side * take:
        return TAKE
    return STILL_OPEN


@inlined
def touched(
    side: float, worst: float, best: float, stop: float, trail: float, take: float
) -> tuple[int, float]:
    """Name the level that a bar touches after its open, and the price there: stop or trail first, then take.

    ``worst`` and ``best`` are the bar's extremes seen from the trade. Where the whole bar lies beyond a stop,
    which only an unknown open can hide, the best price of the bar is all that could be had.
    """
    level, kind = stop, STOP
    if np.isnan(stop) or side * trail > side * stop:
        level, kind = trail, TRAIL
    if side * worst <= side * level:
        return kind, best if side * best < side * level else level
    if side * best >= side * take:
        return TAKE, take
    return STILL_OPEN, np.nan


@inner
def walk(
    bars: Bars, rules: Rules, exits: Exits, place: tuple[int, int, bool], side: int, ends: tuple[int, int]
) -> Exit:
    """Walk a trade from its entry to its exit (docs/fills.md, section 5).

    Parameters
    ----------
    bars, rules, exits
        The market, its rules, and when to leave.
    place : (int, int, bool)
        The entry bar, the first row after the instrument's bars, and whether entry was at the close.
    side : int
        +1 for a long, -1 for a short.
    ends : (int, int)
        The bar at which the hold is over, and that at whose open a rule takes the trade out (-1: none does).

    Returns
    -------
    Exit
        With bar -1 where the data end first.
    """
    (entry_bar, end, at_close), (hold_bar, rule_bar) = place, ends
    s = float(side)
    entry_price = price_at(bars, entry_bar, CLOSE if at_close else OPEN)
    stop = entry_price * (1.0 - s * exits.stop)
    take = entry_price * (1.0 + s * exits.take)
    best_yet = entry_price
    kind, triggered_at = STILL_OPEN, 0
    for bar in range(entry_bar + 1 if at_close else entry_bar, end):
        halted = bars.halted[bar]
        trail = best_yet * (1.0 - s * exits.trail)
        if bar > entry_bar:
            carried = kind != STILL_OPEN
            if not carried:
                if bar == rule_bar:
                    kind = BY_RULE
                elif not halted:
                    kind = gap_kind(s, bars.open[bar], stop, trail, take)
                if kind == STILL_OPEN and exits.at_open and bar == hold_bar:
                    kind = HOLD
                triggered_at = bars.opens_at[bar]
            if kind != STILL_OPEN:
                if exit_refusal(bars, rules, entry_bar, side, bar, OPEN) == FILLED:
                    return Exit(bar, bars.open[bar], OPEN, kind, carried, triggered_at)
                continue
        if not halted and (bar > entry_bar or exits.entry_bar):
            worst = bars.low[bar] if side > 0 else bars.high[bar]
            best = bars.high[bar] if side > 0 else bars.low[bar]
            kind, price = touched(s, worst, best, stop, trail, take)
            if kind != STILL_OPEN:
                triggered_at = bars.closes_at[bar]
                if exit_refusal(bars, rules, entry_bar, side, bar, INSIDE) == FILLED:
                    return Exit(bar, price, INSIDE, kind, False, triggered_at)
                continue
        if bar == hold_bar and not exits.at_open:
            kind, triggered_at = HOLD, bars.closes_at[bar]
            if exit_refusal(bars, rules, entry_bar, side, bar, CLOSE) == FILLED:
                return Exit(bar, bars.close[bar], CLOSE, kind, False, triggered_at)
            continue
        if not halted:
            extreme = bars.high[bar] if side > 0 else bars.low[bar]
            if s * extreme > s * best_yet:
                best_yet = extreme
    return Exit(NO_BAR, np.nan, OPEN, kind, kind != STILL_OPEN, triggered_at)


@inner
def carry(bars: Bars, rules: Rules, trade: tuple[int, int], first: int, end: int) -> int:
    """Find the first bar from ``first`` on whose open fills the exit of a trade (entry bar, side), or -1."""
    entry_bar, side = trade
    for bar in range(first, end):
        if exit_refusal(bars, rules, entry_bar, side, bar, OPEN) == FILLED:
            return bar
    return NO_BAR


# ------------------------------------------------------------------------------------------- many signals


@kernel
def net(
    entries: Entries, order: Integers, max_defer: int, weight: Floats, outcome: Integers, taken: Flags
) -> None:
    """Let signals that are due at one bar of an instrument stand as one (section 3).

    Parameters
    ----------
    entries : Entries
        The signals, n rows.
    order : ndarray of int64, shape (m,)
        The rows that take part, sorted by instrument, due bar and row.
    max_defer : int
        Signals that have waited longer have no bar: they neither stand nor net.
    weight : ndarray of float64, shape (n,)
        Those of the signals; changed to what stands for each bar.
    outcome : ndarray of int64, shape (n,)
        ``NETTED``; ``FILLED`` is written for signals that go on to be tried, and the reason for those without a bar.
    taken : ndarray of bool, shape (n,)
        All True.
    """
    n, start = len(order), 0
    while start < n:
        stop = start
        while stop < n and same_bar(entries, order[start], order[stop]):
            if not has_bar(entries, order[stop], max_defer):
                outcome[order[stop]] = NO_BAR_REASON
            stop += 1
        winner, stands = stand_of(entries, order, (start, stop), max_defer, taken)
        if winner >= 0:
            outcome[winner] = FILLED
            weight[winner] = stands
        start = stop


@inlined
def has_bar(entries: Entries, row: int, max_defer: int) -> bool:
    """Tell whether a signal has a bar that it is patient enough for."""
    return entries.due[row] >= 0 and entries.waited[row] <= max_defer


@inlined
def stand_of(
    entries: Entries, order: Integers, span: tuple[int, int], max_defer: int, taken: Flags
) -> tuple[int, float]:
    """Say which of the signals of one bar, those that are taken, stands for all (-1: none), and with what weight."""
    total, largest, winner = 0.0, 0.0, NO_BAR
    for k in range(span[0], span[1]):
        row = order[k]
        if taken[row] and has_bar(entries, row, max_defer):
            total += entries.side[row] * entries.weight[row]
    for k in range(span[0], span[1]):
        row = order[k]
        if taken[row] and has_bar(entries, row, max_defer) and entries.side[row] * total > 0.0:
            winner = row if winner < 0 else winner
            largest = max(largest, entries.weight[row])
    return winner, min(abs(total), largest)


@inner
def same_bar(entries: Entries, one: int, other: int) -> bool:
    """Tell whether two signals are due at one bar of one instrument."""
    return entries.instrument[one] == entries.instrument[other] and entries.due[one] == entries.due[other]


@inlined
def entry_point(orders: Orders) -> int:
    """Give the point of the bar at which entries are tried."""
    return CLOSE if orders.at_close else OPEN


@inlined
def next_try(case: Case, row: int, bar: int) -> int:
    """Give the bar at which an unfilled entry is tried next, or -1 where its patience or the data end."""
    bars, entries, later = case.bars, case.entries, bar + 1
    if later >= bars.offsets[entries.instrument[row] + 1]:
        return NO_BAR
    waited = entries.waited[row] + bars.ordinal[later] - bars.ordinal[entries.due[row]]
    return later if waited <= case.orders.max_defer else NO_BAR


@inlined
def entry_refusal(case: Case, row: int, bar: int) -> int:
    """Say why a bar does not open the position of a signal, or ``FILLED``."""
    side = case.entries.side[row]
    point = entry_point(case.orders)
    code = refusal(case.bars, case.rules, bar, point, side > 0)
    if code == FILLED and side < 0:
        return short_refusal(case.rules, bar, point)
    return code


@kernel
def each_alone(case: Case, outcome: Integers, trades: np.ndarray) -> int:
    """Trade each signal by itself with a fixed notional: no cash, nothing held.

    ``outcome`` is ``FILLED`` for those that are to be tried, and told for them; ``trades`` has room for all. Gives how
    many there are.
    """
    n, book, count = len(case.entries.due), case.book, 0
    for row in range(n):
        if outcome[row] != FILLED:
            continue
        bar, code = case.entries.due[row], FILLED
        while bar >= 0:
            code = entry_refusal(case, row, bar)
            if code == FILLED:
                break
            bar = next_try(case, row, bar)
        if bar >= 0:
            target = book.size * case.entries.weight[row] * book.capital
            fill = entry_fill_of(case, row, bar, target)
            quantity = lots_of(case.rules, bar, target / fill)
            if quantity > 0.0:
                record_entry(trades, count, case, (row, bar, quantity, fill))
                schedule(trades, count, case)
                leave(trades, count, case.bars, case.rules, True)
                count += 1
            else:
                code = BELOW_LOT
        outcome[row] = code
    return count


@inlined
def lots_of(rules: Rules, bar: int, quantity: float) -> float:
    """Round a quantity down to whole lots."""
    lot = rules.bar[bar].lot
    if lot > 0.0:
        return np.floor(quantity / lot + 1e-9) * lot
    return quantity


@inlined
def entry_fill_of(case: Case, row: int, bar: int, value: float) -> float:
    """Give what an entry of a value pays (a long) or gets (a short) at a bar, slippage included."""
    point = entry_point(case.orders)
    price = price_at(case.bars, bar, point)
    return slipped(case.rules, bar, point, (price, value, case.entries.side[row] > 0))


@inlined
def record_entry(trades: np.ndarray, k: int, case: Case, opening: tuple[int, int, float, float]) -> None:
    """Write the entry of trade ``k``; ``opening`` is (row, bar, quantity, fill)."""
    row, bar, quantity, fill = opening
    trade, side = trades[k], case.entries.side[row]
    trade["signal"] = row
    trade["instrument"] = case.entries.instrument[row]
    trade["side"] = side
    trade["quantity"] = quantity
    trade["entry_bar"] = bar
    trade["entry_price"] = price_at(case.bars, bar, entry_point(case.orders))
    trade["entry_fill"] = fill
    trade["entry_fee"] = fee_of(case.rules, bar, quantity * fill, side > 0)
    trade["hold_bar"] = bar + case.exits.hold
    trade["exit_fee"], trade["done"] = 0.0, False


@inlined
def schedule(trades: np.ndarray, k: int, case: Case) -> None:
    """Find the exit of trade ``k`` as things stand now and write it down; it is not booked yet."""
    trade, bars = trades[k], case.bars
    place = (trade["entry_bar"], bars.offsets[trade["instrument"] + 1], case.orders.at_close)
    ends = (trade["hold_bar"], case.entries.rule_bar[trade["signal"]])
    plan(trade, walk(bars, case.rules, case.exits, place, trade["side"], ends), bars)


class Holding(NamedTuple):
    """What a trade holds from its entry bar on: its side, its quantity and what was paid for one."""

    side: int
    first: int
    quantity: float
    fill: float


class Parting(NamedTuple):
    """What leaving a trade brings: the fill, its fee, and what holding has cost until then."""

    fill: float
    fee: float
    borrow: float
    withheld: float


@inlined
def holding_of(trade: np.void) -> Holding:
    """Give what a trade holds."""
    return Holding(trade["side"], trade["entry_bar"], trade["quantity"], trade["entry_fill"])


@inlined
def parting_of(bars: Bars, rules: Rules, held: Holding, found: Exit, end: int, withholds: bool) -> Parting:
    """Price the exit that was found for a trade, or what it has cost by the data's ``end`` where none was.

    Without ``withholds`` no dividend loses anything.
    """
    bar, last, fill, fee = found.bar, end - 1, np.nan, 0.0
    if bar >= 0:
        last, buy = bar, held.side < 0
        fill = slipped(rules, bar, found.point, (found.price, held.quantity * found.price, buy))
        fee = fee_of(rules, bar, held.quantity * fill, buy)
    withheld = withheld_of(bars, rules, held, last) if withholds else 0.0
    return Parting(fill, fee, borrow_of(bars, rules, held, last), withheld)


@inlined
def leave(trades: np.ndarray, k: int, bars: Bars, rules: Rules, withholds: bool) -> None:
    """Book the scheduled exit of trade ``k``, or leave it open where none has filled (see `parting_of`)."""
    trade = trades[k]
    exit_ = Exit(trade["exit_bar"], trade["exit_price"], trade["exit_point"], HOLD, False, 0)
    end = bars.offsets[trade["instrument"] + 1]
    parting = parting_of(bars, rules, holding_of(trade), exit_, end, withholds)
    trade["exit_fill"], trade["borrow"], trade["withheld"] = parting.fill, parting.borrow, parting.withheld
    if exit_.bar < 0:
        trade["kind"] = STILL_OPEN
        trade["exit_price"] = np.nan
        return
    trade["exit_fee"] = parting.fee
    trade["done"] = True


@inlined
def borrow_of(bars: Bars, rules: Rules, held: Holding, bar: int) -> float:
    """Give what a short has paid for its shares from its entry to the session of a bar; nothing for a long."""
    if held.side > 0:
        return 0.0
    days = bars.session[bar] - bars.session[held.first]
    return held.quantity * held.fill * rules.bar[held.first].borrow * days


@inlined
def withheld_of(bars: Bars, rules: Rules, held: Holding, last: int) -> float:
    """Give what a long has lost of its dividends from its entry to a bar; a short owes them whole."""
    total = 0.0
    if held.side > 0:
        price = held.fill
        for bar in range(held.first, last + 1):
            if bar > held.first and rules.bar[bar].withheld > 0.0:
                total += held.quantity * price * rules.bar[bar].withheld
            if not np.isnan(bars.close[bar]):
                price = bars.close[bar]
    return total


# ------------------------------------------------------------------------------------------- shared money


@inlined
def account_of(book: Book, instrument: int) -> int:
    """Give the account that an instrument trades in."""
    return instrument if book.mode == ACCOUNT else 0


@inlined
def comes_first(heap: Heap, one: int, other: int) -> bool:
    """Tell which of two numbers is to leave a heap first."""
    return heap.at[one] < heap.at[other] or (heap.at[one] == heap.at[other] and one < other)


@inlined
def rise(heap: Heap, spot: int) -> None:
    """Let what stands at a spot pass what it comes before."""
    item = heap.items[spot]
    while spot > 0 and comes_first(heap, item, heap.items[(spot - 1) >> 1]):
        heap.items[spot] = heap.items[(spot - 1) >> 1]
        heap.place[heap.items[spot]] = spot
        spot = (spot - 1) >> 1
    heap.items[spot] = item
    heap.place[item] = spot


@inlined
def sink(heap: Heap, spot: int) -> None:
    """Let what stands at a spot be passed by what comes before it."""
    item, size = heap.items[spot], heap.size[0]
    while 2 * spot + 1 < size:
        below = 2 * spot + 1
        if below + 1 < size and comes_first(heap, heap.items[below + 1], heap.items[below]):
            below += 1
        if not comes_first(heap, heap.items[below], item):
            break
        heap.items[spot] = heap.items[below]
        heap.place[heap.items[spot]] = spot
        spot = below
    heap.items[spot] = item
    heap.place[item] = spot


@inner
def take_out(heap: Heap, item: int) -> None:
    """Take a number out of a heap, if it is there."""
    spot = heap.place[item]
    if spot < 0:
        return
    heap.place[item] = -1
    heap.size[0] -= 1
    last = heap.items[heap.size[0]]
    if last != item:
        heap.items[spot] = last
        heap.place[last] = spot
        rise(heap, spot)
        sink(heap, heap.place[last])


@inner
def put_in(heap: Heap, item: int, at: int) -> None:
    """Put a number into a heap, or move it there."""
    take_out(heap, item)
    heap.at[item] = at
    heap.items[heap.size[0]] = item
    heap.size[0] += 1
    rise(heap, heap.size[0] - 1)


@inlined
def open_accounts(ledger: Ledger, book: Book) -> None:
    """Begin with nothing but the capital of each account."""
    ledger.opened[0] = ledger.exits.size[0] = ledger.retries.size[0] = 0
    ledger.cash[:] = book.capital
    ledger.head[:] = -1
    ledger.tail[:] = -1
    ledger.exits.place[:] = -1
    ledger.retries.place[:] = -1
    ledger.waiting[:] = -1


@kernel
def shared_money(ledger: Ledger, case: Case, due: Integers, group: Group) -> None:
    """Trade signals out of accounts: cash moves in the order of instants, exits before entries.

    Parameters
    ----------
    ledger, case : Ledger, Case
        Room, and what it is about; ``outcome`` is ``FILLED`` for the signals that are to be tried.
    due : ndarray of int64
        Those that have a due bar, by its instant and by row.
    group : Group
        Room for those of one instant.
    """
    open_accounts(ledger, case.book)
    at = 0
    while True:
        while at < len(due) and ledger.outcome[due[at]] != FILLED:
            at += 1
        now = next_entry(ledger, case, due, at)
        if ledger.exits.size[0] > 0 and ledger.exits.at[ledger.exits.items[0]] <= now:
            k = ledger.exits.items[0]
            take_out(ledger.exits, k)
            book_exit(ledger, k, case)
            continue
        if now == NEVER_AGAIN:
            break
        at, size = gather(ledger, case, due, at, now, group)
        supersede(ledger, case.entries, group, size)
        size = keep_openers(ledger, case, now, group, size)
        if case.book.mode == PORTFOLIO:
            open_group(ledger, case, now, group, 0, size)
        else:
            # An account holds one instrument, and of one instrument one entry is tried at a time.
            for k in range(size):
                open_group(ledger, case, now, group, k, k + 1)
    for k in range(ledger.opened[0]):
        if not ledger.trades[k]["done"]:
            ledger.trades[k]["exit_bar"] = NO_BAR
            leave(ledger.trades, k, case.bars, case.rules, True)


NEVER_AGAIN = 2**63 - 1


@inlined
def due_at(case: Case, row: int) -> int:
    """Give the instant at which a signal is first tried."""
    return instant_of(case.bars, case.entries.due[row], entry_point(case.orders))


@inlined
def next_entry(ledger: Ledger, case: Case, due: Integers, at: int) -> int:
    """Give the instant of the next entry that is tried, for the first time or again."""
    now = due_at(case, due[at]) if at < len(due) else NEVER_AGAIN
    if ledger.retries.size[0] > 0:
        now = min(now, ledger.retries.at[ledger.retries.items[0]])
    return now


@inlined
def gather(ledger: Ledger, case: Case, due: Integers, at: int, now: int, group: Group) -> tuple[int, int]:
    """Gather the signals that are tried now, by row; give where those due go on, and how many there are."""
    size, retries = 0, ledger.retries
    while True:
        fresh = at < len(due) and due_at(case, due[at]) == now
        again = retries.size[0] > 0 and retries.at[retries.items[0]] == now
        if again and (not fresh or retries.items[0] < due[at]):
            row = retries.items[0]
            group.rows[size], group.tried[size] = row, ledger.bar[row]
            take_out(retries, row)
            size += 1
        elif fresh:
            if ledger.outcome[due[at]] == FILLED:
                group.rows[size], group.tried[size] = due[at], case.entries.due[due[at]]
                size += 1
            at += 1
        else:
            return at, size


@inlined
def supersede(ledger: Ledger, entries: Entries, group: Group, size: int) -> None:
    """Let each entry that arrives now take the place of one that waits on its instrument."""
    for k in range(size):
        row = group.rows[k]
        if group.tried[k] == entries.due[row]:
            older = ledger.waiting[entries.instrument[row]]
            if older >= 0:
                ledger.outcome[older] = SUPERSEDED
            ledger.waiting[entries.instrument[row]] = row


@inlined
def keep_openers(ledger: Ledger, case: Case, now: int, group: Group, size: int) -> int:
    """Try every entry of this instant and keep, in place, those that would open a trade.

    Parameters
    ----------
    ledger, case : Ledger, Case
        The state and what it is about.
    now : int
        The instant.
    group : Group
        Rows and the bars at which they are tried.
    size : int
        How many there are.

    Returns
    -------
    int
        How many were kept.
    """
    kept = 0
    for k in range(size):
        row, bar = group.rows[k], group.tried[k]
        instrument = case.entries.instrument[row]
        if ledger.waiting[instrument] != row:
            continue
        verdict, settled = try_entry(ledger, case, now, row, bar)
        later = NO_BAR
        if not settled and verdict == FILLED:
            group.rows[kept], group.tried[kept] = row, bar
            kept += 1
        elif not settled:
            later = next_try(case, row, bar)
        if later >= 0:
            ledger.bar[row] = later
            put_in(ledger.retries, row, instant_of(case.bars, later, entry_point(case.orders)))
            continue
        ledger.waiting[instrument] = -1
        if verdict != FILLED:
            ledger.outcome[row] = verdict
    return kept


@inlined
def try_entry(ledger: Ledger, case: Case, now: int, row: int, bar: int) -> tuple[int, bool]:
    """Try the entry of a signal at a bar against its bar and what is held (sections 4 and 6).

    Returns
    -------
    verdict : int
        ``FILLED`` where it would open a trade, else what became of it or why the bar does not fill it.
    settled : bool
        Whether it is over: it has acted on what was held and will not be tried again.
    """
    side = case.entries.side[row]
    code = refusal(case.bars, case.rules, bar, entry_point(case.orders), side > 0)
    if code != FILLED:
        return code, False
    opens, verdict = meet_held(ledger, case, now, row, bar)
    if not opens:
        return verdict, True
    code = short_refusal(case.rules, bar, entry_point(case.orders)) if side < 0 else FILLED
    if code != FILLED:
        return (CLOSED, True) if verdict == CLOSED else (code, False)
    return FILLED, False


@inlined
def meet_held(ledger: Ledger, case: Case, now: int, row: int, bar: int) -> tuple[bool, int]:
    """Let a signal (row, bar) act on the trades held on its instrument (section 6).

    Returns
    -------
    opens : bool
        Whether the signal goes on to open a trade.
    verdict : int
        What became of it otherwise; ``CLOSED`` where it has closed something first.
    """
    instrument, side = case.entries.instrument[row], case.entries.side[row]
    opens, verdict = True, FILLED
    k = ledger.head[account_of(case.book, instrument)]
    while k >= 0:
        following = ledger.following[k]
        trade = ledger.trades[k]
        if trade["instrument"] == instrument:
            if trade["side"] == side:
                if case.orders.same == IGNORE:
                    opens, verdict = False, IGNORED
                elif case.orders.same == EXTEND:
                    opens, verdict = False, extend(ledger, k, case, now, bar)
            elif case.orders.opposite == IGNORE_OPPOSITE:
                opens, verdict = False, IGNORED
            else:
                gone = close_opposite(ledger, k, case, now, bar)
                opens = opens and gone and case.orders.opposite == REVERSE
                verdict = CLOSED
        k = following
    return opens, verdict


@inlined
def is_carried(trade: np.void, now: int) -> bool:
    """Tell whether the exit of an open trade has been triggered by now and not filled."""
    return trade["kind"] != STILL_OPEN and trade["carried"] and trade["triggered_at"] <= now


@inlined
def extend(ledger: Ledger, k: int, case: Case, now: int, bar: int) -> int:
    """Start the hold of a trade anew from this bar, unless its exit is on its way already."""
    trade = ledger.trades[k]
    if is_carried(trade, now):
        return IGNORED
    trade["hold_bar"] = bar + case.exits.hold
    schedule(ledger.trades, k, case)
    push_exit(ledger, k)
    return EXTENDED


@inlined
def push_exit(ledger: Ledger, k: int) -> None:
    """Queue the scheduled exit of a trade in the place of the one before."""
    if ledger.trades[k]["exit_bar"] >= 0:
        put_in(ledger.exits, k, ledger.trades[k]["exit_at"])
    else:
        take_out(ledger.exits, k)


@inlined
def close_opposite(ledger: Ledger, k: int, case: Case, now: int, bar: int) -> bool:
    """End a trade at the point of an opposite signal; say whether it is gone, else its exit is carried."""
    carried = is_carried(ledger.trades[k], now)
    gone = turn(ledger.trades[k], case.bars, case.rules, (bar, entry_point(case.orders)), now)
    if gone:
        book_exit(ledger, k, case)
    elif not carried:
        push_exit(ledger, k)
    return gone


@inlined
def turn(trade: np.void, bars: Bars, rules: Rules, place: tuple[int, int], now: int) -> bool:
    """Let a trade leave at the place (bar, point) of an opposite signal; say whether it is gone, else it is carried."""
    bar, point = place
    carried = is_carried(trade, now)
    if not carried:
        trade["kind"], trade["triggered_at"] = BY_OPPOSITE, now
    if exit_refusal(bars, rules, trade["entry_bar"], trade["side"], bar, point) == FILLED:
        trade["carried"] = carried
        trade["exit_bar"], trade["exit_price"], trade["exit_at"] = bar, price_at(bars, bar, point), now
        trade["exit_point"] = point
        return True
    if not carried:
        end = bars.offsets[trade["instrument"] + 1]
        later = carry(bars, rules, (trade["entry_bar"], trade["side"]), bar + 1, end)
        trade["carried"] = True
        trade["exit_bar"] = later
        if later >= 0:
            trade["exit_price"], trade["exit_at"] = bars.open[later], bars.opens_at[later]
            trade["exit_point"] = OPEN
    return False


@inlined
def paid_out(trade: np.void, cash: float) -> float:
    """Give the cash of an account once a trade that has left has paid what it returns."""
    if trade["side"] > 0:
        cash += trade["quantity"] * trade["exit_fill"]
    else:
        cash += trade["quantity"] * (2.0 * trade["entry_fill"] - trade["exit_fill"])
    cash -= trade["exit_fee"]
    cash -= trade["borrow"] + trade["withheld"]
    return cash


@inlined
def book_exit(ledger: Ledger, k: int, case: Case) -> None:
    """Take a trade out of its account and pay what it returns."""
    take_out(ledger.exits, k)
    leave(ledger.trades, k, case.bars, case.rules, True)
    account = account_of(case.book, ledger.trades[k]["instrument"])
    ledger.cash[account] = paid_out(ledger.trades[k], ledger.cash[account])
    before, after = ledger.preceding[k], ledger.following[k]
    if before >= 0:
        ledger.following[before] = after
    else:
        ledger.head[account] = after
    if after >= 0:
        ledger.preceding[after] = before
    else:
        ledger.tail[account] = before


@inlined
def book_entry(ledger: Ledger, case: Case, opening: tuple[int, int, float, float]) -> None:
    """Open a trade and pay for it; ``opening`` is (row, bar, quantity, fill)."""
    row, _, quantity, _ = opening
    k = ledger.opened[0]
    ledger.opened[0] += 1
    record_entry(ledger.trades, k, case, opening)
    trade = ledger.trades[k]
    account = account_of(case.book, trade["instrument"])
    ledger.cash[account] -= quantity * trade["entry_fill"]
    ledger.cash[account] -= trade["entry_fee"]
    ledger.preceding[k], ledger.following[k] = ledger.tail[account], -1
    if ledger.tail[account] >= 0:
        ledger.following[ledger.tail[account]] = k
    else:
        ledger.head[account] = k
    ledger.tail[account] = k
    ledger.outcome[row] = FILLED
    schedule(ledger.trades, k, case)
    push_exit(ledger, k)


# --------------------------------------------------------------------------------- who gets how much


@inlined
def marked_bar(bars: Bars, trade: np.void, now: int) -> int:
    """Give the bar of the last known close of a trade since its entry, or -1."""
    first, end = trade["entry_bar"], bars.offsets[trade["instrument"] + 1]
    # Where numpy searches a sorted array numba compiles four functions, one of them for complex numbers.
    low, high = first, end
    while low < high:
        middle = (low + high) // 2
        if bars.closes_at[middle] <= now:
            low = middle + 1
        else:
            high = middle
    bar = low - 1
    while bar >= first:
        if not np.isnan(bars.close[bar]):
            return bar
        bar -= 1
    return NO_BAR


@inlined
def base_of(ledger: Ledger, case: Case, account: int, now: int) -> float:
    """Give the capital that sizes are shares of: where it began, or the equity as last known."""
    bars, book = case.bars, case.book
    if not (book.compound or book.mode == ACCOUNT):
        return book.capital
    equity = ledger.cash[account]
    k = ledger.head[account]
    while k >= 0:
        trade = ledger.trades[k]
        gain, owed = 0.0, 0.0
        bar = marked_bar(bars, trade, now)
        if bar >= 0:
            gain = trade["side"] * trade["quantity"] * (bars.close[bar] - trade["entry_fill"])
            held = holding_of(trade)
            owed = borrow_of(bars, case.rules, held, bar) + withheld_of(bars, case.rules, held, bar)
        equity += trade["quantity"] * trade["entry_fill"] + gain - owed
        k = ledger.following[k]
    return equity


class Exposure(NamedTuple):
    """What open trades of an account lock: in total, by side, in one name and one market, and how many."""

    gross: float
    net: float
    name: float
    market: float
    positions: int


@inlined
def exposure_of(ledger: Ledger, entries: Entries, account: int, instrument: int, market: int) -> Exposure:
    """Add up what the open trades of an account lock."""
    gross, netted, name, in_market, positions = 0.0, 0.0, 0.0, 0.0, 0
    k = ledger.head[account]
    while k >= 0:
        trade = ledger.trades[k]
        locked = trade["quantity"] * trade["entry_fill"]
        gross += locked
        netted += trade["side"] * locked
        if trade["instrument"] == instrument:
            name += locked
        if entries.market[trade["signal"]] == market:
            in_market += locked
        positions += 1
        k = ledger.following[k]
    return Exposure(gross, netted, name, in_market, positions)


@inner
def squeeze(group: Group, first: int, end: int, factor: float, code: int) -> None:
    """Scale the members among the places of a group down and remember why."""
    for k in range(first, end):
        if group.member[k]:
            group.scale[k] *= factor
            group.reason[k] = code


@inner
def wanted(group: Group, first: int, end: int) -> float:
    """Add up what the members among the places of a group want, in row order."""
    total = 0.0
    for k in range(first, end):
        if group.member[k]:
            total += group.target[k] * group.scale[k]
    return total


@inner
def squeeze_shared(
    ledger: Ledger, case: Case, group: Group, places: tuple[int, int], cap: float, by_market: bool
) -> None:
    """Apply a cap per name, or per market, to the places (first, end) of a group."""
    entries, (first, end) = case.entries, places
    key = entries.market if by_market else entries.instrument
    for k in range(first, end):
        group.seen[k] = False
    for one in range(first, end):
        if group.seen[one]:
            continue
        row = group.rows[one]
        for k in range(first, end):
            group.member[k] = key[group.rows[k]] == key[row]
            group.seen[k] = group.seen[k] or group.member[k]
        account = account_of(case.book, entries.instrument[row])
        held = exposure_of(ledger, entries, account, entries.instrument[row], entries.market[row])
        room = max(cap - (held.market if by_market else held.name), 0.0)
        want = wanted(group, first, end)
        if want > room:
            squeeze(group, first, end, room / want, CAP_MARKET if by_market else CAP_NAME)


@inner
def squeeze_net(held_net: float, entries: Entries, group: Group, places: tuple[int, int], cap: float) -> None:
    """Apply the cap on net exposure to the side of a group that would break it."""
    first, end = places
    after = held_net
    for k in range(first, end):
        after += entries.side[group.rows[k]] * (group.target[k] * group.scale[k])
    if abs(after) <= cap:
        return
    over = after - cap if after > cap else -cap - after
    for k in range(first, end):
        group.member[k] = (entries.side[group.rows[k]] > 0) == (after > cap)
    want = wanted(group, first, end)
    if want > 0.0:
        squeeze(group, first, end, max(want - over, 0.0) / want, CAP_NET)


@inlined
def share_out(ledger: Ledger, case: Case, group: Group, places: tuple[int, int], base: float) -> None:
    """Say what share of its target each member of a group gets, and the last reason why not all (step 3)."""
    book, (first, end) = case.book, places
    account = account_of(book, case.entries.instrument[group.rows[first]])
    for k in range(first, end):
        group.scale[k], group.reason[k] = 1.0, FILLED
    if book.max_name < np.inf:
        squeeze_shared(ledger, case, group, places, book.max_name * base, False)
    if book.max_market < np.inf:
        squeeze_shared(ledger, case, group, places, book.max_market * base, True)
    if book.max_gross < np.inf:
        held = exposure_of(ledger, case.entries, account, -1, -1)
        room = max(book.max_gross * base - held.gross, 0.0)
        everyone(group, places)
        want = wanted(group, first, end)
        if want > room:
            squeeze(group, first, end, room / want, CAP_GROSS)
    if book.max_net < np.inf:
        held = exposure_of(ledger, case.entries, account, -1, -1)
        squeeze_net(held.net, case.entries, group, places, book.max_net * base)
    need, ask, fixed, cash = 0.0, 0.0, 0.0, ledger.cash[account]
    for k in range(first, end):
        want, bar, buy = (
            group.target[k] * group.scale[k],
            group.tried[k],
            case.entries.side[group.rows[k]] > 0,
        )
        if want > 0.0:
            need += want + fee_of(case.rules, bar, want, buy)
            rate, least = fee_bound(case.rules, bar, buy)
            ask += want * (1.0 + rate)
            fixed += least
    if need > cash and need > 0.0:
        # Least fees do not shrink with what is bought.
        everyone(group, places)
        squeeze(group, first, end, max(cash - fixed, 0.0) / ask, NO_CASH)


@inlined
def everyone(group: Group, places: tuple[int, int]) -> None:
    """Make all places of a group members."""
    for k in range(places[0], places[1]):
        group.member[k] = True


@inner
def by_draw(entries: Entries, group: Group, places: tuple[int, int]) -> None:
    """Put the places of a group in the order of their draws into ``draws``; equal ones stay as they are."""
    first, end = places
    for k in range(first, end):
        spot = k
        while spot > first and entries.draw[group.rows[group.draws[spot - 1]]] > entries.draw[group.rows[k]]:
            group.draws[spot] = group.draws[spot - 1]
            spot -= 1
        group.draws[spot] = k


@inlined
def within_slots(ledger: Ledger, case: Case, group: Group, places: tuple[int, int]) -> None:
    """Choose as ``member`` by draw who may open where slots are short."""
    first, end = places
    everyone(group, places)
    if case.book.max_positions == np.inf:
        return
    account = account_of(case.book, case.entries.instrument[group.rows[first]])
    slots = case.book.max_positions - exposure_of(ledger, case.entries, account, -1, -1).positions
    if end - first > slots:
        by_draw(case.entries, group, places)
        for k in range(first, end):
            if k - first >= slots:
                group.member[group.draws[k]] = False


@inlined
def with_slots(ledger: Ledger, case: Case, group: Group, places: tuple[int, int], base: float) -> int:
    """Keep, in place, what has a target and finds a slot (steps 1 and 2); give the new end."""
    first, end = places
    book, entries, kept = case.book, case.entries, first
    for k in range(first, end):
        row = group.rows[k]
        target = book.size * entries.weight[row] * base
        if base > 0.0 and target > 0.0:
            group.rows[kept], group.tried[kept], group.target[kept] = row, group.tried[k], target
            kept += 1
        else:
            ledger.outcome[row] = NO_CASH
    if kept == first:
        return first
    within_slots(ledger, case, group, (first, kept))
    end, kept = kept, first
    for k in range(first, end):
        if group.member[k]:
            group.rows[kept], group.tried[kept] = group.rows[k], group.tried[k]
            group.target[kept] = group.target[k]
            kept += 1
        else:
            ledger.outcome[group.rows[k]] = CAP_POSITIONS
    return kept


@inlined
def bought(case: Case, group: Group, k: int, want: float) -> tuple[float, float]:
    """Give the quantity that a notional buys a member of a group, in whole lots, and the fill it pays."""
    fill = entry_fill_of(case, group.rows[k], group.tried[k], want)
    return lots_of(case.rules, group.tried[k], want / fill), fill


@inner
def open_group(ledger: Ledger, case: Case, now: int, group: Group, first: int, end: int) -> None:
    """Size and open the entries at some places of a group, which one account tries at one instant (section 7)."""
    if first == end:
        return
    account = account_of(case.book, case.entries.instrument[group.rows[first]])
    base = base_of(ledger, case, account, now)
    end = with_slots(ledger, case, group, (first, end), base)
    if first == end:
        return
    share_out(ledger, case, group, (first, end), base)
    if end - first == 1 and group.reason[first] != FILLED and not case.book.partial:
        ledger.outcome[group.rows[first]] = group.reason[first]
        return
    if end - first > 1 and lots_forbid(case, group, (first, end)):
        deal(ledger, case, group, (first, end), base)
    else:
        for k in range(first, end):
            group.quantity[k], group.fill[k] = bought(case, group, k, group.target[k] * group.scale[k])
            row = group.rows[k]
            if group.scale[k] < case.book.min_share:
                ledger.outcome[row] = group.reason[k]
                group.quantity[k] = 0.0
            elif not group.quantity[k] > 0.0:
                ledger.outcome[row] = group.reason[k] if group.scale[k] == 0.0 else BELOW_LOT
    for k in range(first, end):
        if group.quantity[k] > 0.0:
            book_entry(ledger, case, (group.rows[k], group.tried[k], group.quantity[k], group.fill[k]))


@inlined
def lots_forbid(case: Case, group: Group, places: tuple[int, int]) -> bool:
    """Tell whether sharing pro rata leaves somebody less than a lot who could have had one."""
    for k in range(places[0], places[1]):
        if 0.0 < group.scale[k] < 1.0:
            whole, _ = bought(case, group, k, group.target[k])
            scaled, _ = bought(case, group, k, group.target[k] * group.scale[k])
            if scaled == 0.0 and whole > 0.0:
                return True
    return False


@inner
def misfit(
    held: Exposure, cash: float, side: int, want: float, fee: float, limits: tuple[float, Book]
) -> int:
    """Name the first room that a whole order does not fit into, or ``FILLED``."""
    base, book = limits
    if want > max(book.max_name * base - held.name, 0.0):
        return CAP_NAME
    if want > max(book.max_market * base - held.market, 0.0):
        return CAP_MARKET
    if want > max(book.max_gross * base - held.gross, 0.0):
        return CAP_GROSS
    if side * (held.net + side * want) > book.max_net * base:
        return CAP_NET
    if want + fee > cash:
        return NO_CASH
    return FILLED


@inner
def with_dealt(held: Exposure, entries: Entries, group: Group, first: int, place: int) -> Exposure:
    """Add what has been dealt before a place, in the order of the draw, to what is held."""
    gross, netted, name, in_market = held.gross, held.net, held.name, held.market
    last = group.rows[group.draws[place]]
    for spot in range(first, place):
        k = group.draws[spot]
        row, dealt = group.rows[k], group.quantity[k] * group.fill[k]
        gross += dealt
        netted += entries.side[row] * dealt
        if entries.instrument[row] == entries.instrument[last]:
            name += dealt
        if entries.market[row] == entries.market[last]:
            in_market += dealt
    return Exposure(gross, netted, name, in_market, held.positions)


@inner
def deal(ledger: Ledger, case: Case, group: Group, places: tuple[int, int], base: float) -> None:
    """Give whole targets by draw while there is room (step 6)."""
    entries, (first, end) = case.entries, places
    account = account_of(case.book, entries.instrument[group.rows[first]])
    cash = ledger.cash[account]
    by_draw(entries, group, places)
    for place in range(first, end):
        k = group.draws[place]
        row = group.rows[k]
        group.quantity[k], group.fill[k] = bought(case, group, k, group.target[k])
        if group.quantity[k] == 0.0:
            ledger.outcome[row] = BELOW_LOT
            continue
        held = exposure_of(ledger, entries, account, entries.instrument[row], entries.market[row])
        held = with_dealt(held, entries, group, first, place)
        want = group.quantity[k] * group.fill[k]
        fee = fee_of(case.rules, group.tried[k], want, entries.side[row] > 0)
        code = misfit(held, cash, entries.side[row], want, fee, (base, case.book))
        if code == FILLED:
            cash -= want
            cash -= fee
        else:
            ledger.outcome[row] = code
            group.quantity[k] = 0.0


# ------------------------------------------------------------------------------------------- hedges


@kernel
def settle_legs(bars: Bars, rules: Rules, legs: np.ndarray, notional: Floats, at_close: bool) -> None:
    """Fill hedge legs at the bars they were given, under the rules and costs of their own instrument.

    Parameters
    ----------
    bars, rules : Bars, Rules
        The market and its rules.
    legs : ndarray of trade_dtype, shape (n,)
        With ``instrument``, ``side``, ``entry_bar`` (-1: no leg), ``exit_bar`` and ``exit_point`` (where it is to be
        left; -1: not while there are data). Changed in place; a leg that its bar does not fill has a quantity of 0.
    notional : ndarray of float64, shape (n,)
        What each is to be worth.
    at_close : bool
        Whether they are entered at the close.
    """
    point = CLOSE if at_close else OPEN
    for k in range(len(legs)):
        leg = legs[k]
        bar, buy = leg["entry_bar"], leg["side"] > 0
        if bar < 0:
            continue
        code = refusal(bars, rules, bar, point, buy)
        if code == FILLED and not buy:
            code = short_refusal(rules, bar, point)
        if code != FILLED:
            continue
        price = price_at(bars, bar, point)
        fill = slipped(rules, bar, point, (price, notional[k], buy))
        leg["quantity"] = lots_of(rules, bar, notional[k] / fill)
        leg["entry_price"], leg["entry_fill"] = price, fill
        leg["entry_fee"] = fee_of(rules, bar, leg["quantity"] * fill, buy)
        left, way = leg["exit_bar"], leg["exit_point"]
        if left >= 0 and exit_refusal(bars, rules, bar, leg["side"], left, way) != FILLED:
            end = bars.offsets[leg["instrument"] + 1]
            left, way = carry(bars, rules, (bar, leg["side"]), left + 1, end), OPEN
            leg["carried"] = True
        leg["exit_bar"], leg["exit_point"], leg["kind"] = left, way, HOLD
        if left >= 0:
            leg["exit_price"], leg["exit_at"] = price_at(bars, left, way), instant_of(bars, left, way)
        leave(legs, k, bars, rules, True)


# ------------------------------------------------------------------------------------------- sweeps
#
# Trials that differ in when a trade ends share one walk. Each signal's path is walked once for all levels: what it
# finds (``Passages``) is when each level is reached first. A trial's exit is the earliest of its stop, take, trail and
# hold; whatever is not that plain (a bar that does not fill it, T+1) is walked after all, by the same `walk`.

NEVER = 2**31 - 1
SORTS = 8
AT_RULE, AT_STOP, AT_TRAIL, AT_TAKE, AT_HOLD, IN_LEVEL, IN_TAKE, CLOSE_HOLD = range(SORTS)
"""Within a bar, what comes first (docs/fills.md, section 5). A key is the bars since entry times ``SORTS`` plus it."""

(DATES, TRADES, STILL, WINS, GAINS, LOSSES, COSTS, TRADED, END, BAD, NAKED, TOTAL, SPREAD, SHORTFALL, LARGEST, FALL,
 EXPOSED) = range(17)  # fmt: skip
"""What a trial is summed up to, for `aftershock.engine.trials` to make figures of; ``DATES`` is given."""
SUMS = 17


class Levels(NamedTuple):
    """The stops, takes and trails of a sweep, each rising."""

    stop: Floats
    take: Floats
    trail: Floats


class Passages(NamedTuple):
    """For each signal the bar of its entry (-1: none), and for each level and signal its first passage.

    Keys sort by time (``NEVER``: not within the longest hold); prices are where a trade would leave.
    """

    entry: Integers
    stop_key: NDArray[np.int32]
    stop_price: Floats
    take_key: NDArray[np.int32]
    take_price: Floats
    trail_key: NDArray[np.int32]
    trail_price: Floats
    free: NDArray[np.uint8]


class Trials(NamedTuple):
    """One row per trial: its hold, its cut, and the places of its levels in ``Levels`` (-1: off)."""

    hold: Integers
    cut: Integers
    stop: Integers
    take: Integers
    trail: Integers


class Cuts(NamedTuple):
    """The least strengths of a sweep, rising, and the strength of each signal (NaN: below any cut above 0).

    ``order`` has the rows of all signals by instrument, due bar and row; those of the bar of signal ``row`` are at
    ``start[row]:stop[row]``. ``strongest`` has them by falling strength, unknown ones last.
    """

    least: Floats
    strength: Floats
    order: Integers
    start: Integers
    stop: Integers
    strongest: Integers


class Marks(NamedTuple):
    """Where the bars of a sweep stand on its axis of dates, and how closes move.

    ``date`` is the place of each bar among the dates on which something may be held (-1: nothing can); ``known`` the
    last known close of its instrument, ``step`` its change from the bar before; ``idle`` the dates before each of those
    dates, and after the last, on which nothing is held; ``withholds`` whether dividends lose anything; ``capital`` that
    of all accounts.
    """

    date: Integers
    known: Floats
    step: Floats
    idle: Integers
    withholds: bool
    capital: float


class Day(NamedTuple):
    """What trials move on each date: closes of longs and of shorts, jumps of profit and of exposure.

    Arrays have a row for each of the trials that run side by side, so that what they look up is still at hand;
    ``returns`` are what comes of it.
    """

    longs: Floats
    shorts: Floats
    profit: Floats
    exposure: Floats
    returns: Floats


Tables = tuple[Levels, Passages, Trials, Marks]
"""What trials look up."""


class Room(NamedTuple):
    """What trials write to: ``kept`` has a row for the returns of each, and no columns where nobody wants them."""

    day: Day
    kept: NDArray[np.float32]


@inlined
def first_fill(case: Case, row: int) -> int:
    """Give the bar at which a signal is entered, if it is: the first within its patience that fills it, or -1."""
    bar = case.entries.due[row]
    if bar < 0 or case.entries.waited[row] > case.orders.max_defer:
        return NO_BAR
    while bar >= 0 and entry_refusal(case, row, bar) != FILLED:
        bar = next_try(case, row, bar)
    return bar


def first_fills(case: Case) -> Integers:
    """Give for each signal the bar at which it is entered, if it is, or -1."""
    found = np.empty(len(case.entries.due), np.int64)
    fill_first(case, found)
    return found


@kernel
def fill_first(case: Case, found: Integers) -> None:
    """Write down at which bar each signal is entered."""
    for row in range(len(found)):
        found[row] = first_fill(case, row)


@inlined
def free_of(bars: Bars, rules: Rules, bar: int) -> int:
    """Say of a bar which points fill which side, in bits: ``2 * point`` for sells, ``2 * point + 1`` for buys."""
    bits = 0
    for point in range(3):
        for buy in range(2):
            if refusal(bars, rules, bar, point, buy == 1) == FILLED:
                bits |= 1 << (2 * point + buy)
    return bits


@inlined
def leaves_by(case: Case, row: int, entry: int, bar: int) -> bool:
    """Tell whether a trade that has to leave by the close of a bar is gone then, its exit carried or not."""
    bars, rules, side = case.bars, case.rules, case.entries.side[row]
    at_open = exit_refusal(bars, rules, entry, side, bar, OPEN) == FILLED
    return at_open and exit_refusal(bars, rules, entry, side, bar, CLOSE) == FILLED


def reach(case: Case, hold: int) -> tuple[Integers, Integers]:
    """Give for each signal the first and the last bar that a trade of it may touch, held for so long at most.

    Returns
    -------
    first, last : ndarrays of int64, shape (n,)
        -1 where it has no entry; ``last`` is the row after the instrument's bars where the data may end first.
    """
    n = len(case.entries.due)
    first, last = np.full(n, NO_BAR, np.int64), np.full(n, NO_BAR, np.int64)
    reach_each(case, hold, first, last)
    return first, last


@kernel
def reach_each(case: Case, hold: int, first: Integers, last: Integers) -> None:
    """Write down the first and the last bar of each signal, as `reach` gives them."""
    bars = case.bars
    for row in range(len(first)):
        entry = first_fill(case, row)
        if entry < 0:
            continue
        end = bars.offsets[case.entries.instrument[row] + 1]
        bar = entry + hold
        if bar >= end:
            bar = end
        elif not leaves_by(case, row, entry, bar):
            bar = carry(bars, case.rules, (entry, case.entries.side[row]), bar + 1, end)
            bar = end if bar < 0 else bar
        first[row], last[row] = entry, bar


@kernel
def passages(case: Case, levels: Levels, found: Passages, hold: int, part: tuple[int, int]) -> None:
    """Walk the signals of a part (first, end) once each, and write down when they reach each level first."""
    bars, entries = case.bars, case.entries
    for row in range(part[0], part[1]):
        entry = first_fill(case, row)
        found.entry[row] = entry
        if entry < 0:
            continue
        end = min(bars.offsets[entries.instrument[row] + 1], entry + hold + 1)
        for bar in range(entry, end):
            found.free[bar] = free_of(bars, case.rules, bar)
        walk_levels(case, levels, found, row, end)


@inlined
def walk_levels(case: Case, levels: Levels, found: Passages, row: int, end: int) -> None:
    """Walk one path past all levels: nearer ones are always reached no later than those beyond them."""
    bars, at_close = case.bars, case.orders.at_close
    s, entry = float(case.entries.side[row]), found.entry[row]
    price = price_at(bars, entry, CLOSE if at_close else OPEN)
    best, i, j, k = price, 0, 0, 0
    for bar in range(entry + 1 if at_close else entry, end):
        if i == len(levels.stop) and j == len(levels.take) and k == len(levels.trail):
            return
        if bars.halted[bar]:
            continue
        since = (bar - entry) * SORTS
        if bar > entry:
            opened = bars.open[bar]
            while i < len(levels.stop) and s * opened <= s * (price * (1.0 - s * levels.stop[i])):
                found.stop_key[i, row], found.stop_price[i, row] = since + AT_STOP, opened
                i += 1
            while k < len(levels.trail) and s * opened <= s * (best * (1.0 - s * levels.trail[k])):
                found.trail_key[k, row], found.trail_price[k, row] = since + AT_TRAIL, opened
                k += 1
            while j < len(levels.take) and s * opened >= s * (price * (1.0 + s * levels.take[j])):
                found.take_key[j, row], found.take_price[j, row] = since + AT_TAKE, opened
                j += 1
        high, low = bars.high[bar], bars.low[bar]
        if bar > entry or case.exits.entry_bar:
            worst, good = (low, high) if s > 0.0 else (high, low)
            while i < len(levels.stop) and s * worst <= s * (price * (1.0 - s * levels.stop[i])):
                level = price * (1.0 - s * levels.stop[i])
                found.stop_key[i, row] = since + IN_LEVEL
                found.stop_price[i, row] = good if s * good < s * level else level
                i += 1
            while k < len(levels.trail) and s * worst <= s * (best * (1.0 - s * levels.trail[k])):
                level = best * (1.0 - s * levels.trail[k])
                found.trail_key[k, row] = since + IN_LEVEL
                found.trail_price[k, row] = good if s * good < s * level else level
                k += 1
            while j < len(levels.take) and s * good >= s * (price * (1.0 + s * levels.take[j])):
                found.take_key[j, row] = since + IN_TAKE
                found.take_price[j, row] = price * (1.0 + s * levels.take[j])
                j += 1
        extreme = high if s > 0.0 else low
        if s * extreme > s * best:
            best = extreme


@inlined
def exit_of(case: Case, levels: Levels, found: Passages, trials: Trials, trial: int, row: int) -> Exit:
    """Find the exit of one signal in one trial: the earliest of its levels and its hold, or a walk."""
    bars, side, entry = case.bars, case.entries.side[row], found.entry[row]
    hold = trials.hold[trial]
    end = bars.offsets[case.entries.instrument[row] + 1]
    key = hold * SORTS + (AT_HOLD if case.exits.at_open else CLOSE_HOLD)
    kind, price = HOLD, np.nan
    ruled = case.entries.rule_bar[row]
    if ruled >= 0 and (ruled - entry) * SORTS + AT_RULE < key:
        key, kind = (ruled - entry) * SORTS + AT_RULE, BY_RULE
    at, tie = trials.stop[trial], False
    if at >= 0 and found.stop_key[at, row] < key:
        key, price, kind = found.stop_key[at, row], found.stop_price[at, row], STOP
    at = trials.trail[trial]
    if at >= 0 and found.trail_key[at, row] <= key:
        tie = kind == STOP and found.trail_key[at, row] == key
        key, price, kind = found.trail_key[at, row], found.trail_price[at, row], TRAIL
    at = trials.take[trial]
    if at >= 0 and found.take_key[at, row] < key:
        key, price, kind, tie = found.take_key[at, row], found.take_price[at, row], TAKE, False
    bar, sort = entry + key // SORTS, key % SORTS
    if bar < end and not tie:
        point = OPEN if sort < IN_LEVEL else (CLOSE if sort == CLOSE_HOLD else INSIDE)
        filled = (found.free[bar] >> (2 * point + (1 if side < 0 else 0))) & 1
        if filled and (side < 0 or bar >= entry + case.rules.bar[entry].sell_from):
            if kind in (HOLD, BY_RULE):
                price = price_at(bars, bar, point)
            at_bar = bars.opens_at[bar] if point == OPEN else bars.closes_at[bar]
            return Exit(bar, price, point, kind, False, at_bar)
    return walk(
        bars,
        case.rules,
        exits_of(case.exits, levels, trials, trial),
        (entry, end, case.orders.at_close),
        side,
        (entry + hold, ruled),
    )


@inlined
def exits_of(shared: Exits, levels: Levels, trials: Trials, trial: int) -> Exits:
    """Give the exits of one trial."""
    stop = levels.stop[trials.stop[trial]] if trials.stop[trial] >= 0 else np.nan
    take = levels.take[trials.take[trial]] if trials.take[trial] >= 0 else np.nan
    trail = levels.trail[trials.trail[trial]] if trials.trail[trial] >= 0 else np.nan
    return Exits(trials.hold[trial], stop, take, trail, shared.at_open, shared.entry_bar)


@inlined
def plan(trade: np.void, found: Exit, bars: Bars) -> None:
    """Write the exit that was found for a trade down; it is not booked yet."""
    trade["exit_bar"] = found.bar
    trade["exit_price"] = found.price
    trade["kind"] = found.kind
    trade["carried"] = found.carried
    trade["triggered_at"] = found.triggered_at
    trade["exit_point"] = found.point
    trade["exit_at"] = instant_of(bars, found.bar, found.point) if found.bar >= 0 else 0


@inlined
def keep_returns(day: Day, place: int, kept: NDArray[np.float32], trial: int) -> None:
    """Write down the returns of a trial where they are wanted."""
    for k in range(kept.shape[1]):
        kept[trial, k] = day.returns[place, k]


@inlined
def clear(day: Day, places: int) -> None:
    """Forget what moved at the first so many places."""
    day.longs[:places] = 0.0
    day.shorts[:places] = 0.0
    day.profit[:places] = 0.0
    day.exposure[:places] = 0.0


@kernel
def sweep_alone(
    case: Case,
    tables: Tables,
    cuts: Cuts,
    family: Integers,
    room: Room,
    state: tuple[Flags, Floats, Integers],
    trades: np.ndarray | None,
    sums: Floats,
) -> None:
    """Run trials in mode ``event``.

    Parameters
    ----------
    case : Case
        The market, its rules, all signals before netting, and the settings that trials share.
    tables, cuts : Tables, Cuts
        What trials look up. Those that differ in their cut alone stand together, the highest cut first.
    family : ndarray of int64
        Where trials begin that differ in their cut alone, and their number at the end.
    room : Room
        ``day`` says how many families run side by side.
    state : (ndarray of bool, ndarray of float64, ndarray of int64)
        Room for which signals take part, for the sums of each family, and for its next trial.
    trades : ndarray of trade_dtype, shape (n,), optional
        Room for those of the one trial there is then, ``signal`` -1 where a signal has none. Kernels that are given no
        room for them are compiled without it: that they might write is a third of their time.
    sums : ndarray of float64, shape (trials, SUMS)
        Filled.
    """
    many = len(room.day.returns)
    for first in range(0, len(family) - 1, many):
        add_up(case, tables, cuts, family[first : first + many + 1], room, state, trades, sums)


@inner
def add_up(
    case: Case,
    tables: Tables,
    cuts: Cuts,
    family: Integers,
    room: Room,
    state: tuple[Flags, Floats, Integers],
    trades: np.ndarray | None,
    sums: Floats,
) -> None:
    """Trade each signal by itself (see `each_alone`), the strongest first: a lower cut goes on where one ends."""
    marks, many, day = tables[3], len(family) - 1, room.day
    taken, running, following = state
    clear(day, many)
    taken[:] = False
    running[:many] = 0.0
    for place in range(many):
        following[place] = family[place]
    for at in range(len(cuts.strongest) + 1):
        ended = 0
        for place in range(many):
            while following[place] < family[place + 1] and is_over(cuts, tables[2], following[place], at):
                trial = following[place]
                for k in range(TRADES, SUMS):
                    sums[trial, k] = running[place, k]
                sum_up(day, place, marks, sums[trial])
                keep_returns(day, place, room.kept, trial)
                following[place] += 1
            ended += following[place] == family[place + 1]
        if ended == many:
            return
        take_in(case, tables, cuts, family, cuts.strongest[at], (day, taken, running), trades)


@inlined
def is_over(cuts: Cuts, trials: Trials, trial: int, at: int) -> bool:
    """Tell whether a trial takes none of the signals from place ``at`` of the strongest on."""
    least = cuts.least[trials.cut[trial]]
    return at == len(cuts.strongest) or not (least == 0.0 or cuts.strength[cuts.strongest[at]] >= least)


@inlined
def take_in(
    case: Case,
    tables: Tables,
    cuts: Cuts,
    family: Integers,
    row: int,
    room: tuple[Day, Flags, Floats],
    trades: np.ndarray | None,
) -> None:
    """Let a signal take part: it trades, or what stands for its bar changes."""
    day, taken, running = room
    entries, defer = case.entries, case.orders.max_defer
    if not has_bar(entries, row, defer):
        return
    before = after = (NO_BAR, 0.0)
    if cuts.stop[row] - cuts.start[row] == 1:
        after = (row, entries.weight[row])
    else:
        span = (cuts.start[row], cuts.stop[row])
        before = stand_of(entries, cuts.order, span, defer, taken)
        taken[row] = True
        after = stand_of(entries, cuts.order, span, defer, taken)
        if before[0] == after[0] and before[1] == after[1]:
            return
    for once, stands in ((-1.0, before), (1.0, after)):
        if stands[0] >= 0:
            count_alone(case, tables, family, stands, once, (day, running), trades)


@inlined
def count_alone(
    case: Case,
    tables: Tables,
    family: Integers,
    stands: tuple[int, float],
    once: float,
    room: tuple[Day, Floats],
    trades: np.ndarray | None,
) -> None:
    """Count the trade of a signal (row, weight) by itself in, or out again (``once`` -1), for trials side by side."""
    (levels, found, trials, marks), (row, weight), (day, running) = tables, stands, room
    bars, rules, book, entry = case.bars, case.rules, case.book, found.entry[row]
    if entry < 0:
        return
    target = book.size * weight * book.capital
    fill = entry_fill_of(case, row, entry, target)
    quantity = lots_of(rules, entry, target / fill)
    if not quantity > 0.0:
        return
    held = Holding(case.entries.side[row], entry, quantity, fill)
    fee = fee_of(rules, entry, quantity * fill, held.side > 0)
    price, end = (
        price_at(bars, entry, entry_point(case.orders)),
        bars.offsets[case.entries.instrument[row] + 1],
    )
    for place in range(len(family) - 1):
        exit_ = exit_of(case, levels, found, trials, family[place], row)
        parting = parting_of(bars, rules, held, exit_, end, marks.withholds)
        over = Settled(held, end, price, fee, exit_.bar, exit_.price, parting)
        tally(over, once, case, marks, day, place, running[place])
    if trades is not None:
        write_down(case, tables, (row, entry, quantity, fill), family[0], once, trades)


@inner
def write_down(
    case: Case,
    tables: Tables,
    opening: tuple[int, int, float, float],
    trial: int,
    once: float,
    trades: np.ndarray,
) -> None:
    """Write the trade of a signal by itself down at the signal's place, as one trial has it, or strike it out."""
    (levels, found, trials, _), (row, entry, _, _) = tables, opening
    record_entry(trades, row, case, opening)
    trades[row]["hold_bar"] = entry + trials.hold[trial]
    plan(trades[row], exit_of(case, levels, found, trials, trial, row), case.bars)
    leave(trades, row, case.bars, case.rules, True)
    if once < 0.0:
        trades[row]["signal"] = NO_BAR


@kernel
def sweep_accounts(
    case: Case, tables: Tables, rows: Integers, room: Room, trades: np.ndarray, sums: Floats
) -> None:
    """Run trials in mode ``account``, each instrument out of an account of its own (see `shared_money`).

    Parameters
    ----------
    case : Case
        The market, its rules, signals after netting and the settings that trials share: an account holds one trade,
        nothing caps it, and bars are sessions.
    tables : Tables
        What trials look up.
    rows : ndarray of int64
        The signals that are tried, by instrument and due bar.
    room : Room
        ``day`` says how many trials run side by side.
    trades : ndarray of trade_dtype
        Room for one trade, or for those of one trial and one more.
    sums : ndarray of float64, shape (trials, SUMS)
        Filled.
    """
    day, marks, trials = room.day, tables[3], len(tables[2].hold)
    for first in range(0, trials, len(day.returns)):
        end = min(first + len(day.returns), trials)
        clear(day, end - first)
        start = 0
        while start < len(rows):
            stop, instrument = start, case.entries.instrument[rows[start]]
            while stop < len(rows) and case.entries.instrument[rows[stop]] == instrument:
                stop += 1
            for trial in range(first, end):
                who = (trial, trial - first)
                sweep_account(case, tables, who, (rows, start, stop), (trades, day, sums[trial]))
            start = stop
        for trial in range(first, end):
            sum_up(day, trial - first, marks, sums[trial])
            keep_returns(day, trial - first, room.kept, trial)


@inner
def sweep_account(
    case: Case,
    tables: Tables,
    who: tuple[int, int],
    signals: tuple[Integers, int, int],
    room: tuple[np.ndarray, Day, Floats],
) -> None:
    """Trade the signals (rows, start, stop) of one instrument in one trial (its number, its place)."""
    levels, found, trials, marks = tables
    (trial, place), (rows, start, stop), (trades, day, sums) = who, signals, room
    entries, point = case.entries, entry_point(case.orders)
    cash, held = case.book.capital, -1
    for at in range(start, stop):
        row = rows[at]
        due = entries.due[row]
        now, opens, gone = instant_of(case.bars, due, point), found.entry[row] >= 0, False
        if held >= 0:
            gone = trades[held]["exit_bar"] >= 0 and trades[held]["exit_at"] <= now
            if not gone:
                reverses, gone = meet_one(trades[held], case, row, now)
                opens = opens and reverses
            if gone:
                settle(trades, held, case, marks, day, place, sums)
                cash = paid_out(trades[held], cash)
                held = -1
        if opens:
            quantity, fill = bought_alone(case, row, due, cash)
            if quantity > 0.0:
                held = row if len(trades) > 1 else 0
                open_by_table(trades, held, case, (row, due, quantity, fill), (levels, found, trials, trial))
                cash -= quantity * fill
                cash -= trades[held]["entry_fee"]
    if held >= 0:
        settle(trades, held, case, marks, day, place, sums)


@inlined
def open_by_table(
    trades: np.ndarray,
    k: int,
    case: Case,
    opening: tuple[int, int, float, float],
    tables: tuple[Levels, Passages, Trials, int],
) -> None:
    """Write down the entry (row, bar, quantity, fill) of trade ``k`` and the exit that the tables give it."""
    levels, found, trials, trial = tables
    record_entry(trades, k, case, opening)
    trade = trades[k]
    trade["hold_bar"] = opening[1] + trials.hold[trial]
    plan(trade, exit_of(case, levels, found, trials, trial, opening[0]), case.bars)


@inlined
def meet_one(trade: np.void, case: Case, row: int, now: int) -> tuple[bool, bool]:
    """Let a signal act on the one trade of its account; say whether it goes on to open, and whether that is gone."""
    bars, rules, side = case.bars, case.rules, case.entries.side[row]
    bar, point = case.entries.due[row], entry_point(case.orders)
    if trade["side"] == side or case.orders.opposite == IGNORE_OPPOSITE:
        return False, False
    if refusal(bars, rules, bar, point, side > 0) != FILLED:
        return False, False
    gone = turn(trade, bars, rules, (bar, point), now)
    return gone and case.orders.opposite == REVERSE, gone


@inlined
def bought_alone(case: Case, row: int, bar: int, cash: float) -> tuple[float, float]:
    """Give what an account that holds nothing buys for a signal, and the fill it pays (section 7, without caps)."""
    book, buy = case.book, case.entries.side[row] > 0
    target = book.size * case.entries.weight[row] * cash
    if not (cash > 0.0 and target > 0.0):
        return 0.0, 0.0
    scale = 1.0
    if target + fee_of(case.rules, bar, target, buy) > cash:
        if not book.partial:
            return 0.0, 0.0
        rate, least = fee_bound(case.rules, bar, buy)
        scale = max(cash - least, 0.0) / (target * (1.0 + rate))
    want = target * scale
    fill = entry_fill_of(case, row, bar, want)
    quantity = lots_of(case.rules, bar, want / fill)
    return (0.0 if scale < book.min_share else quantity), fill


@inlined
def settle(trades: np.ndarray, k: int, case: Case, marks: Marks, day: Day, place: int, sums: Floats) -> None:
    """Book the exit of trade ``k`` and sum it up; ``place`` is where its trial stands."""
    leave(trades, k, case.bars, case.rules, marks.withholds)
    tally(settled(trades[k], case.bars), 1.0, case, marks, day, place, sums)


# ------------------------------------------------------------------------------------------- figures


class Settled(NamedTuple):
    """A trade that is over, or was still open at the ``end`` of its instrument's data (``last`` is -1 then)."""

    held: Holding
    end: int
    entry_price: float
    entry_fee: float
    last: int
    exit_price: float
    parting: Parting


@inlined
def settled(trade: np.void, bars: Bars) -> Settled:
    """Give what counts of a trade that has been left."""
    parting = Parting(trade["exit_fill"], trade["exit_fee"], trade["borrow"], trade["withheld"])
    return Settled(
        holding_of(trade),
        bars.offsets[trade["instrument"] + 1],
        trade["entry_price"],
        trade["entry_fee"],
        trade["exit_bar"],
        trade["exit_price"],
        parting,
    )


@inlined
def tally(over: Settled, once: float, case: Case, marks: Marks, day: Day, place: int, sums: Floats) -> None:
    """Add a settled trade, ``once`` 1, to the sums of its trial and to what moves on each date; -1 takes it out."""
    held, parting = over.held, over.parting
    sums[TRADED] += once * held.quantity * held.fill
    if over.last >= 0:
        charged = over.entry_fee + parting.fee + (parting.borrow + parting.withheld)
        gain = held.side * held.quantity * (parting.fill - held.fill) - charged
        slipped_away = abs(held.fill - over.entry_price) + abs(parting.fill - over.exit_price)
        sums[TRADES] += once
        sums[TRADED] += once * held.quantity * parting.fill
        sums[COSTS] += once * (charged + held.quantity * slipped_away)
        won = gain > 0.0
        sums[WINS] += once if won else 0.0
        sums[GAINS] += once * gain if won else 0.0
        sums[LOSSES] -= 0.0 if won else once * gain
    else:
        sums[STILL] += once
    spread(over, once, case, marks, day, place)


@inlined
def spread(over: Settled, once: float, case: Case, marks: Marks, day: Day, place: int) -> None:
    """Lay the profit and the exposure of a trade over the dates of its bars (`mark` does it bar by bar)."""
    bars, held, first, closed = case.bars, over.held, over.held.first, over.last >= 0
    quantity, side = once * held.quantity, held.side
    last = over.last if closed else over.end
    day.profit[place, marks.date[first]] -= once * over.entry_fee
    value = held.fill
    if last > first:
        if not np.isnan(bars.close[first]):
            value = bars.close[first]
            day.profit[place, marks.date[first]] += side * quantity * (value - held.fill)
        day.exposure[place, marks.date[first]] += quantity * value
        moves = day.longs if side > 0 else day.shorts
        if value == marks.known[first]:
            for bar in range(first + 1, last):
                moves[place, marks.date[bar]] += quantity * marks.step[bar]
            value = marks.known[last - 1]
        else:
            # Without a close on its entry bar it is worth what was paid until there is one.
            for bar in range(first + 1, last):
                if not np.isnan(bars.close[bar]):
                    moves[place, marks.date[bar]] += quantity * (bars.close[bar] - value)
                    value = bars.close[bar]
        if marks.withholds if side > 0 else case.rules.bar[first].borrow > 0.0:
            hold_costs(held, quantity, last if closed else last - 1, case, marks, day, place)
    if closed:
        date = marks.date[last]
        day.profit[place, date] += side * quantity * (over.parting.fill - value) - once * over.parting.fee
        if last > first:
            day.exposure[place, date] -= quantity * value


@inner
def hold_costs(
    held: Holding, quantity: float, last: int, case: Case, marks: Marks, day: Day, place: int
) -> None:
    """Lay what holding costs over the dates: borrowing of a short, what a long loses of its dividends."""
    bars, rules, first = case.bars, case.rules, held.first
    if held.side < 0:
        daily = quantity * held.fill * rules.bar[first].borrow
        for bar in range(first + 1, last + 1):
            day.profit[place, marks.date[bar]] -= daily * (bars.session[bar] - bars.session[bar - 1])
    else:
        value = held.fill
        for bar in range(first, last + 1):
            if bar > first:
                day.profit[place, marks.date[bar]] -= quantity * value * rules.bar[bar].withheld
            if not np.isnan(bars.close[bar]):
                value = bars.close[bar]


@inlined
def sum_up(day: Day, place: int, marks: Marks, sums: Floats) -> None:
    """Turn what moved at a place into the sums that figures are made of, and into returns."""
    if not sum_up_solvent(day, place, marks, sums):
        sum_up_all(day, place, marks, sums)


@kernel
def sum_up_one(day: Day, marks: Marks, sums: Floats) -> None:
    """Do it for what was laid out at the first place."""
    sum_up(day, 0, marks, sums)


@inlined
def sum_up_solvent(day: Day, place: int, marks: Marks, sums: Floats) -> bool:
    """Do it where equity stays above 0, and say whether it did: no branch here depends on the sign of a return."""
    equity = peak = lowest = marks.capital
    held = exposed = total = square = short = largest = 0.0
    ratio, floor = 1.0, marks.capital
    for k in range(day.returns.shape[1]):
        before = equity
        moved = day.longs[place, k] + day.shorts[place, k]
        equity += day.profit[place, k] + (day.longs[place, k] - day.shorts[place, k])
        held += day.exposure[place, k] + moved
        change = equity / before - 1.0
        day.returns[place, k] = change
        lowest = min(lowest, equity)
        total += change
        square += change * change
        largest = max(largest, abs(change))
        fallen = min(change, 0.0)
        short += fallen * fallen
        peak = max(peak, equity)
        floor = ratio * peak
        if equity < floor:
            ratio = equity / peak
        exposed += held / equity
    if not lowest > 0.0:
        return False
    dates = sums[DATES]
    mean = total / dates if dates > 0.0 else 0.0
    around = square - dates * mean * mean
    if around < 1e-6 * square:
        # Squares have cancelled but for rounding: sum them up around the mean.
        around = (dates - day.returns.shape[1]) * mean * mean
        for k in range(day.returns.shape[1]):
            around += (day.returns[place, k] - mean) * (day.returns[place, k] - mean)
    sums[END], sums[BAD], sums[NAKED], sums[EXPOSED] = equity, 0.0, 0.0, exposed
    sums[TOTAL], sums[SHORTFALL], sums[LARGEST], sums[FALL] = total, short, largest, ratio - 1.0
    sums[SPREAD] = around
    return True


@inner
def sum_up_all(day: Day, place: int, marks: Marks, sums: Floats) -> None:
    """Do it whatever happens: a return from nothing or less is unknown."""
    equity = peak = marks.capital
    held = exposed = total = fall = short = largest = 0.0
    bad = naked = known = 0
    for k in range(day.returns.shape[1]):
        if not equity > 0.0:
            bad += marks.idle[k]
            naked += marks.idle[k]
        before = equity
        equity += day.profit[place, k] + (day.longs[place, k] - day.shorts[place, k])
        held += day.exposure[place, k] + (day.longs[place, k] + day.shorts[place, k])
        day.returns[place, k] = np.nan
        if before > 0.0:
            change = equity / before - 1.0
            day.returns[place, k] = change
            total += change
            known += 1
            largest = max(largest, abs(change))
            if change < 0.0:
                short += change * change
        else:
            bad += 1
        if equity > peak:
            peak = equity
        else:
            fall = min(fall, equity / peak - 1.0)
        if equity > 0.0:
            exposed += held / equity
        else:
            naked += 1
    if not equity > 0.0:
        bad += marks.idle[-1]
        naked += marks.idle[-1]
    sums[END], sums[BAD], sums[NAKED], sums[EXPOSED] = equity, bad, naked, exposed
    sums[TOTAL], sums[SHORTFALL], sums[LARGEST], sums[FALL] = total, short, largest, fall
    dates = sums[DATES] - bad
    mean = total / dates if dates > 0.0 else 0.0
    around = (dates - known) * mean * mean
    for k in range(day.returns.shape[1]):
        if not np.isnan(day.returns[place, k]):
            around += (day.returns[place, k] - mean) * (day.returns[place, k] - mean)
    sums[SPREAD] = around


@kernel
def sweep_walked(
    case: Case,
    levels: Levels,
    trials: Trials,
    marks: Marks,
    rows: Integers,
    state: tuple[Ledger, Integers, Group],
    room: Room,
    sums: Floats,
) -> None:
    """Run trials that differ in hold and levels, each as `shared_money` does it.

    Parameters
    ----------
    case : Case
        The market, its rules, signals after netting and the settings that trials share; any mode but ``event``.
    levels, trials, marks : Levels, Trials, Marks
        What trials look up.
    rows : ndarray of int64
        The signals that are tried.
    state : (Ledger, ndarray of int64, Group)
        What `shared_money` takes.
    room, sums : Room, ndarray of float64, shape (trials, SUMS)
        Filled.
    """
    ledger, due, group = state
    for trial in range(len(trials.hold)):
        for row in rows:
            ledger.outcome[row] = FILLED
        exits = exits_of(case.exits, levels, trials, trial)
        alone = Case(case.bars, case.rules, case.entries, exits, case.orders, case.book)
        shared_money(ledger, alone, due, group)
        clear(room.day, 1)
        for k in range(ledger.opened[0]):
            tally(settled(ledger.trades[k], case.bars), 1.0, case, marks, room.day, 0, sums[trial])
        sum_up(room.day, 0, marks, sums[trial])
        keep_returns(room.day, 0, room.kept, trial)


# ------------------------------------------------------------------------------- accounts, one by one
#
# Where an account puts all it has into each trade, its returns from entry to exit are those of the trade alone. So the
# path of a signal is walked once, and what a trade held for h bars does to growth, sum and sum of squares of daily
# returns, highest, lowest and drawdown is handed to the accounts of all trials that hold for h bars. Figures of
# accounts and of paths lie in flat arrays that have a constant distance between two figures of one account or bar:
# compilers turn no other layout into vector instructions.

VECTOR = 8
"""How many numbers a vector instruction takes at most."""
STRETCH = 32
"""How many bars of a path are walked at a time, and how many holds in a row lie side by side."""
GROWTH, FIRST, SECOND, HIGHEST, LOWEST, DEEPEST, RENEWED = (np.uint64(k * STRETCH) for k in range(7))
"""Where a path says what a trade does; ``RENEWED`` is its growth from its own peak."""
PATH = 7 * STRETCH
APART = 576
"""How far apart figures of a stretch begin: compilers need not fear there to load what they have just stored."""
CLOSES, PROCEEDS, WORTHS, CHANGES, FIRSTS, SECONDS, HIGHS, LOWS, SHARES, DEEPS = (
    np.uint64(k * APART) for k in range(10)
)
"""Where the figures of a stretch begin: known closes, what a share brings at each, what the trade is worth, its
changes, their sums and those of their squares, its highest, its lowest, its shares of its peak, the deepest of them."""
AFTER = np.uint64(1)
"""Of worth, sums and levels what is true before a bar stands at its place, and what is true after it at the next."""
COURSE = 10 * APART

BESIDE = 128
"""How many accounts stand side by side."""
BUSY, UNDER, EQUITY, FALLEN, SUM, SQUARES, COUNT, RANK = (np.uint64(k * BESIDE) for k in range(8))
"""Where the figures of accounts begin: last bar held, equity over its peak, equity, deepest fall, sums of returns,
trades, and which signals they take: `take_up` has their place there, to be below how many a signal passes for,
`take_up_each` how many least strengths have to let it pass."""
STATE = 8 * BESIDE


class Lanes(NamedTuple):
    """Trials by set-up, hold and least strength.

    Attributes
    ----------
    row, least : ndarrays of int64, shape (lanes,)
        The row of each trial, and how many of all least strengths, by size, have to let a signal pass for it.
    holds : ndarray of int64, shape (h,)
        Distinct, rising.
    starts : ndarray of int64, shape (setups * h + 1,)
        Where those of each set-up and hold begin.
    taking : ndarray of int64, shape (setups * h, cuts + 1)
        How many of them take a signal that so many of all least strengths let pass.
    by_hold : ndarray of bool, shape (setups,)
        Whether a set-up has one of each hold at most.
    alone : ndarray of int64, shape (setups, last hold + 1)
        That one, and -1 where there is none.
    stretch : ndarray of int64, shape (stretches,)
        The place of each stretch of holds among those that have some, and -1 where it has none.
    """

    row: Integers
    least: Integers
    holds: Integers
    starts: Integers
    taking: Integers
    by_hold: Flags
    alone: Integers
    stretch: Integers


class SignalLists(NamedTuple):
    """Signals of set-ups one after another, in netting order.

    Attributes
    ----------
    order : ndarray of int64, shape (n,)
        Rows of entries.
    starts : ndarray of int64, shape (setups, instruments + 1)
        Where those of each set-up and instrument begin.
    cut : ndarray of int64
        For each row how many of all least strengths let it pass.
    """

    order: Integers
    starts: Integers
    cut: Integers


class AccountRoom(NamedTuple):
    """Room for the signals of one set-up and instrument, and for accounts side by side.

    ``path`` has PATH places for each signal and stretch of holds, ``entry`` and ``cut`` are the bar and the cut of each
    signal. ``course`` and ``state`` have COURSE and STATE places, ``trades`` one for each lane. ``proceeds`` says what
    a share brings at each bar of an instrument, and ``ready`` for whom: 0 at first, and below 0 where a close is
    unknown or a dividend is withheld.
    """

    path: Floats
    entry: Floats
    cut: Integers
    course: Floats
    proceeds: Floats
    ready: Integers
    state: Floats
    trades: Integers


@kernel
def sweep_each_account(
    case: Case,
    signals: SignalLists,
    lanes: Lanes,
    part: tuple[int, int],
    span: tuple[float, float],
    room: AccountRoom,
    out: Floats,
) -> None:
    """Run the accounts of trials that differ in their signals, hold and least strength alone.

    Parameters
    ----------
    case : Case
        The market and all signals before netting, those of a set-up of one side; mode ``account``, open entries, exits
        at the close.
    signals, lanes : SignalLists, Lanes
        Signals and trials.
    part : (int, int)
        Which instruments to run.
    span : (float, float)
        The dates of equity, and how many of them a year has.
    room : AccountRoom
        Room; trades are added to those of each lane, and brought below 0 where a trial has to be walked.
    out : ndarray of float64, shape (instruments, trials, 3)
        Filled: total return, deepest fall and annualised Sharpe ratio.
    """
    for instrument in range(part[0], part[1]):
        for setup in range(len(signals.starts)):
            many = lay_out(case, signals, lanes, (setup, instrument), room)
            if lanes.by_hold[setup]:
                for first in range(0, lanes.holds[-1] + 1, STRETCH):
                    if lanes.stretch[first // STRETCH] < 0:
                        continue
                    take_up_each(lanes, setup, first, many, room)
                    for k in range(np.uint64(min(STRETCH, lanes.holds[-1] + 1 - first))):
                        lane = lanes.alone[setup, first + int(k)]
                        if lane >= 0:
                            close_account(room, k, lanes, (lane, instrument), span, out)
            else:
                for k in range(len(lanes.holds)):
                    group = setup * len(lanes.holds) + k
                    for first in range(lanes.starts[group], lanes.starts[group + 1], BESIDE):
                        end = min(first + BESIDE, lanes.starts[group + 1])
                        take_up(lanes, group, k, (first, end), many, room)
                        for at in range(np.uint64(end - first)):
                            close_account(room, at, lanes, (first + int(at), instrument), span, out)


@inlined
def lay_out(case: Case, signals: SignalLists, lanes: Lanes, which: tuple[int, int], room: AccountRoom) -> int:
    """Lay out what the signals of a set-up and an instrument do that are entered; say how many there are."""
    setup, instrument = which
    many = 0
    for at in range(signals.starts[setup, instrument], signals.starts[setup, instrument + 1]):
        row = signals.order[at]
        entry = first_fill(case, row)
        if entry >= 0:
            walk_holds(case, lanes, row, entry, many, room)
            room.entry[many], room.cut[many] = entry, signals.cut[row]
            many += 1
    return many


@inlined
def walk_holds(case: Case, lanes: Lanes, row: int, entry: int, at: int, room: AccountRoom) -> None:
    """Write down what a signal's trade does to an account that it takes up whole, for each hold.

    ``GROWTH`` is NaN where the hold's own bar does not fill the exit, where what the trade costs is no share of its
    value, and where it leaves the account nothing, at its end or at a close before.
    """
    rules, side, course = case.rules, case.entries.side[row], room.course
    buy, terms = side > 0, rules.bar[entry]
    fill = slipped(rules, entry, OPEN, (case.bars.open[entry], 1.0, buy))
    quantity = 1.0 / (1.0 + fee_of(rules, entry, 1.0, buy)) / fill
    plain = terms.lot == 0.0 and terms.impact == 0.0 and (buy or terms.borrow == 0.0)
    # Until there is a close it is worth what was paid, less the fee.
    last = lanes.holds[-1]
    mark, until = fill, last if plain else NO_BAR
    course[FIRSTS] = course[SECONDS] = 0.0
    course[WORTHS] = course[HIGHS] = course[LOWS] = course[DEEPS] = 1.0
    for k in range(len(lanes.stretch)):
        many = min(STRETCH, last + 1 - k * STRETCH)
        mark, until = look_at_bars(case, row, entry, (k * STRETCH, many), (mark, until), room)
        walk_stretch(course, (float(side), fill, quantity), many)
        if lanes.stretch[k] >= 0:
            write_path(room.path, place_of(lanes, at, k), course, (float(side), fill, quantity), many)
        for figure in (WORTHS, FIRSTS, SECONDS, HIGHS, LOWS, DEEPS):
            course[figure] = course[figure + np.uint64(STRETCH)]


@inlined
def place_of(lanes: Lanes, at: int, stretch: int) -> np.uint64:
    """Say where the path of a signal begins for a stretch of holds."""
    return np.uint64((at * (lanes.stretch[-1] + 1) + lanes.stretch[stretch]) * PATH)


@inlined
def look_at_bars(
    case: Case,
    row: int,
    entry: int,
    span: tuple[int, int],
    so_far: tuple[float, int],
    room: AccountRoom,
) -> tuple[float, int]:
    """Look up closes and proceeds of so many bars from ``first`` after the entry on, NaN where a trade cannot end.

    What is still held when the data end stays at its last close. ``so_far`` are the last known close and the last bar
    at which the trade may end; both are given back.
    """
    (first, many), (mark, until), side, course = span, so_far, case.entries.side[row], room.course
    instrument = case.entries.instrument[row]
    begin, end = case.bars.offsets[instrument], case.bars.offsets[instrument + 1]
    whose, bar = 2 * instrument + (2 if side > 0 else 1), entry + first
    there, place, at = np.uint64(min(many, max(end - bar, 0))), np.uint64(bar - begin), np.uint64(bar)
    plain = True
    for k in range(there):
        if room.ready[place + k] != whose:
            plain = get_ready(case, at + k, side, (begin, whose), room) and plain
    for k in range(there):
        course[CLOSES + k], course[PROCEEDS + k] = case.bars.close[at + k], room.proceeds[place + k]
    for k in range(np.uint64(0) if plain else there):
        if np.isnan(course[CLOSES + k]):
            course[CLOSES + k] = mark
        mark = course[CLOSES + k]
        if side > 0 and at + k > entry and case.rules.bar[at + k].withheld != 0.0:
            until = min(until, first + int(k) - 1)
    if there > 0:
        mark = course[CLOSES + there - np.uint64(1)]
    for k in range(there, np.uint64(many)):
        course[CLOSES + k] = course[PROCEEDS + k] = mark
    soonest = case.rules.bar[entry].sell_from if side > 0 else 0
    for since in range(first, min(first + many, soonest, end - entry)):
        course[PROCEEDS + np.uint64(since - first)] = np.nan
    for since in range(max(first, until + 1), first + many):
        course[PROCEEDS + np.uint64(since - first)] = np.nan
    return mark, until


@inlined
def get_ready(case: Case, bar: np.uint64, side: int, owner: tuple[int, int], room: AccountRoom) -> bool:
    """Find what a share brings at a bar; tell whether its close is known and no dividend is withheld there.

    ``owner`` is the first bar of the instrument, and the number that ``ready`` has for it and the side.
    """
    place, whose = int(bar) - owner[0], owner[1]
    plain = not np.isnan(case.bars.close[bar]) and not (side > 0 and case.rules.bar[bar].withheld != 0.0)
    if room.ready[place] != -whose:
        room.proceeds[place] = proceeds_of(case, int(bar), side)
        room.ready[place] = whose if plain else -whose
    return plain


@inlined
def proceeds_of(case: Case, bar: int, side: int) -> float:
    """Give what a share brings that is parted with at the close of a bar, NaN where that is no share of the price."""
    rules, buy = case.rules, side < 0
    if rules.bar[bar].impact != 0.0 or refusal(case.bars, rules, bar, CLOSE, buy) != FILLED:
        return np.nan
    price = slipped(rules, bar, CLOSE, (case.bars.close[bar], 1.0, buy))
    return price - float(side) * fee_of(rules, bar, price, buy)


@inlined
def walk_stretch(course: Floats, trade: tuple[float, float, float], many: int) -> None:
    """Follow a trade (its side, fill and quantity) over so many bars, whole vectors of them where that can be."""
    s, fill, quantity = trade
    whole = np.uint64((many + VECTOR - 1) // VECTOR * VECTOR)
    for k in range(whole):
        course[k + AFTER + WORTHS] = quantity * (fill + s * (course[k + CLOSES] - fill))
    for k in range(whole):
        course[k + CHANGES] = course[k + AFTER + WORTHS] / course[k + WORTHS] - 1.0
    first, second, high, low = course[FIRSTS], course[SECONDS], course[HIGHS], course[LOWS]
    for k in range(np.uint64(many)):
        change, worth = course[k + CHANGES], course[k + AFTER + WORTHS]
        first += change
        second += change * change
        high, low = worth if worth > high else high, worth if worth < low else low
        course[k + AFTER + FIRSTS], course[k + AFTER + SECONDS] = first, second
        course[k + AFTER + HIGHS], course[k + AFTER + LOWS] = high, low
    for k in range(whole):
        course[k + SHARES] = course[k + AFTER + WORTHS] / course[k + AFTER + HIGHS]
    deep = course[DEEPS]
    for k in range(np.uint64(many)):
        deep = course[k + SHARES] if course[k + SHARES] < deep else deep
        course[k + AFTER + DEEPS] = deep


@inlined
def write_path(
    path: Floats, begin: np.uint64, course: Floats, trade: tuple[float, float, float], many: int
) -> None:
    """Write down what a trade comes to that ends at any of so many bars."""
    s, fill, quantity = trade
    for k in range(np.uint64((many + VECTOR - 1) // VECTOR * VECTOR)):
        value = quantity * (fill + s * (course[k + PROCEEDS] - fill))
        worth, high = course[k + WORTHS], course[k + HIGHS]
        change, renewed, at = value / worth - 1.0, 1.0 if value > high else value / high, begin + k
        # Of what is worth less than nothing no share of a peak can be told.
        solvent = (value > 0.0) & (course[k + LOWS] > 0.0)
        path[at + GROWTH], path[at + RENEWED] = value if solvent else np.nan, renewed
        path[at + FIRST] = course[k + FIRSTS] + change
        path[at + SECOND] = course[k + SECONDS] + change * change
        path[at + HIGHEST] = value if value > high else high
        path[at + LOWEST] = value if value < course[k + LOWS] else course[k + LOWS]
        path[at + DEEPEST] = renewed if renewed < course[k + DEEPS] else course[k + DEEPS]


@inlined
def begin_accounts(state: Floats, many: int) -> None:
    """Give so many accounts, and those that make the last vector whole, what they start with."""
    for k in range(np.uint64((many + VECTOR - 1) // VECTOR * VECTOR)):
        state[k + BUSY], state[k + UNDER], state[k + EQUITY], state[k + FALLEN] = NO_BAR, 1.0, 1.0, 1.0
        state[k + SUM], state[k + SQUARES], state[k + COUNT], state[k + RANK] = 0.0, 0.0, 0.0, np.inf


@inlined
def take_up(lanes: Lanes, group: int, k: int, span: tuple[int, int], many: int, room: AccountRoom) -> None:
    """Hand so many signals to the accounts of lanes (first, end), all of hold ``k``, by least strength."""
    (first, end), state, hold = span, room.state, lanes.holds[k]
    begin_accounts(state, end - first)
    for at in range(np.uint64(end - first)):
        state[at + RANK] = at
    taking, before = lanes.taking[group], first - lanes.starts[group]
    for at in range(many):
        some = min(taking[room.cut[at]] - before, end - first)
        if some > 0:
            begin = place_of(lanes, at, hold // STRETCH)
            trade = path_of(room.path, begin + np.uint64(hold % STRETCH))
            entry, until, ranks = room.entry[at], room.entry[at] + hold, float(some)
            for lane in range(np.uint64((some + VECTOR - 1) // VECTOR * VECTOR)):
                free = (entry > state[lane + BUSY]) & (state[lane + RANK] < ranks)
                give(state, lane, free, trade, until)


@inlined
def take_up_each(lanes: Lanes, setup: int, first: int, signals: int, room: AccountRoom) -> None:
    """Hand so many signals to the accounts of a stretch of holds from ``first`` on, one for each hold at most."""
    state, many = room.state, min(STRETCH, lanes.holds[-1] + 1 - first)
    begin_accounts(state, many)
    for k in range(np.uint64(many)):
        lane = lanes.alone[setup, first + int(k)]
        if lane >= 0:
            state[k + RANK] = lanes.least[lane]
    for at in range(signals):
        begin, entry, cut = place_of(lanes, at, first // STRETCH), room.entry[at], float(room.cut[at])
        for k in range(np.uint64((many + VECTOR - 1) // VECTOR * VECTOR)):
            free = (entry > state[k + BUSY]) & (state[k + RANK] <= cut)
            give(state, k, free, path_of(room.path, begin + k), entry + float(first) + float(k))


Trade = tuple[float, float, float, float, float, float, float]


@inlined
def path_of(path: Floats, k: np.uint64) -> Trade:
    """Read what a trade does that is held to a bar of its stretch."""
    return (
        path[k + GROWTH],
        path[k + FIRST],
        path[k + SECOND],
        path[k + HIGHEST],
        path[k + LOWEST],
        path[k + DEEPEST],
        path[k + RENEWED],
    )


@inlined
def give(state: Floats, k: int, free: bool, trade: Trade, until: float) -> None:
    """Let an account take a trade up that ends at a bar, if it is free to.

    No branch depends on an account, and loops go on to the next whole vector: see the head of this section.
    """
    growth, first, second, highest, lowest, deepest, renewed = trade
    under = state[k + UNDER]
    fallen = min(state[k + FALLEN], min(under * lowest, deepest))
    # The peak of a trade counts where it is higher than the one before it.
    after = renewed if under * highest > 1.0 else under * growth
    equity, total = state[k + EQUITY] * growth, state[k + SUM] + first
    squares, count = state[k + SQUARES] + second, state[k + COUNT] + 1.0
    state[k + BUSY] = until if free else state[k + BUSY]
    state[k + UNDER] = after if free else under
    state[k + EQUITY] = equity if free else state[k + EQUITY]
    state[k + FALLEN] = fallen if free else state[k + FALLEN]
    state[k + SUM] = total if free else state[k + SUM]
    state[k + SQUARES] = squares if free else state[k + SQUARES]
    state[k + COUNT] = count if free else state[k + COUNT]


@inlined
def close_account(
    room: AccountRoom, k: int, lanes: Lanes, which: tuple[int, int], span: tuple[float, float], out: Floats
) -> None:
    """Write down what the account at a place came to, that of a lane and an instrument."""
    (lane, instrument), (dates, per_year), state = which, span, room.state
    line, squares = out[instrument, lanes.row[lane]], state[k + SQUARES]
    fall = state[k + FALLEN] - 1.0
    line[0], line[1], line[2] = state[k + EQUITY] - 1.0, fall if fall < -ROUNDING else 0.0, np.nan
    room.trades[lane] += WALK if np.isnan(state[k + EQUITY]) else np.int64(state[k + COUNT])
    mean = state[k + SUM] / dates
    around = squares - dates * mean * mean
    # Squares that cancel but for rounding are no variance, and neither is what moved by rounding alone.
    if dates > 1.0 and around > 1e-14 * squares and around > ROUNDING * ROUNDING * (dates - 1.0):
        line[2] = mean / np.sqrt(around / (dates - 1.0)) * np.sqrt(per_year)


WALK = -(2**40)
"""The count of an account with a trade that has to be walked: below 0 whatever the other accounts of its trial add."""


# ------------------------------------------------------------------------------------------- marking


def mark(
    bars: Bars, trades: np.ndarray, rules: Rules, date_of: Integers, dates: int, open_end: bool
) -> tuple[Floats, Floats, Integers]:
    """Spread the profit of trades over the dates on which it arose.

    Parameters
    ----------
    bars : Bars
        The market.
    trades : ndarray of trade_dtype
        As `simulate` gives them.
    rules : Rules
        What holding costs.
    date_of : ndarray of int64
        For each bar the position of its closing date on the axis of equity.
    dates : int
        Length of that axis.
    open_end : bool
        Whether trades that are still open are marked to the last close.

    Returns
    -------
    pnl, exposure : ndarray of float64, shape (dates,)
        Profit by date, and the value of what is held at the end of the date.
    positions : ndarray of int64, shape (dates,)
        Trades held at the end of the date.
    """
    told = np.zeros(dates), np.zeros(dates), np.zeros(dates, np.int64)
    mark_each(bars, trades, rules, date_of, open_end, told)
    return told


@kernel
def mark_each(
    bars: Bars,
    trades: np.ndarray,
    rules: Rules,
    date_of: Integers,
    open_end: bool,
    told: tuple[Floats, Floats, Integers],
) -> None:
    """Spread trade after trade over the dates, as `mark` gives them."""
    (pnl, exposure, positions), dates = told, len(told[0])
    for k in range(len(trades)):
        trade = trades[k]
        first, quantity, side = trade["entry_bar"], trade["quantity"], trade["side"]
        is_open = trade["exit_bar"] < 0
        last = bars.offsets[trade["instrument"] + 1] - 1 if is_open else trade["exit_bar"]
        value = trade["entry_fill"]
        pnl[date_of[first]] -= trade["entry_fee"]
        held_from = date_of[first]
        daily = quantity * trade["entry_fill"] * rules.bar[first].borrow if side < 0 else 0.0
        for bar in range(first, last + 1):
            date = date_of[bar]
            if bar > first:
                pnl[date] -= daily * (bars.session[bar] - bars.session[bar - 1])
                if side > 0:
                    pnl[date] -= quantity * value * rules.bar[bar].withheld
            for between in range(held_from, date):
                exposure[between] += quantity * value
                positions[between] += 1
            held_from = date
            if bar == last and not is_open:
                pnl[date] += side * quantity * (trade["exit_fill"] - value) - trade["exit_fee"]
            elif not np.isnan(bars.close[bar]):
                pnl[date] += side * quantity * (bars.close[bar] - value)
                value = bars.close[bar]
        if is_open and open_end:
            for between in range(held_from, dates):
                exposure[between] += quantity * value
                positions[between] += 1


def excursions(bars: Bars, trades: np.ndarray, at_close: bool) -> tuple[Floats, Floats]:
    """Find how far each trade went against and for it, as shares of the raw entry price.

    Parameters
    ----------
    bars : Bars
        The market.
    trades : ndarray of trade_dtype, shape (n,)
        As `simulate` gives them.
    at_close : bool
        Whether entry was at the close: then the entry bar is over.

    Returns
    -------
    mae, mfe : ndarrays of float64, shape (n,)
        Maximum adverse (at most 0) and favourable (at least 0) excursion. Of the exit bar only the exit price counts
        unless exit was at its close.
    """
    mae, mfe = np.zeros(len(trades)), np.zeros(len(trades))
    measure_each(bars, trades, at_close, mae, mfe)
    return mae, mfe


@kernel
def measure_each(bars: Bars, trades: np.ndarray, at_close: bool, mae: Floats, mfe: Floats) -> None:
    """Measure trade after trade, as `excursions` gives them."""
    for k in range(len(trades)):
        trade = trades[k]
        s, price = float(trade["side"]), trade["entry_price"]
        first = trade["entry_bar"] + (1 if at_close else 0)
        is_open = trade["exit_bar"] < 0
        last = bars.offsets[trade["instrument"] + 1] - 1 if is_open else trade["exit_bar"]
        by_clock = trade["kind"] == HOLD or trade["kind"] == BY_OPPOSITE
        at_its_close = by_clock and trade["exit_at"] == bars.closes_at[last]
        for bar in range(first, last + 1):
            high, low = bars.high[bar], bars.low[bar]
            if bar == last and not is_open and not at_its_close:
                high = low = trade["exit_price"]
            for value in (high, low):
                move = s * (value / price - 1.0)
                if not np.isnan(move):
                    mae[k] = min(mae[k], move)
                    mfe[k] = max(mfe[k], move)
