"""The slow, obvious ledger: docs/fills.md walked instant by instant, shared with no kernel.

Time is walked as a bookkeeper would live it. At every open and close of any bar, in order: exits, then
entries. What is held, what waits and what cash there is stand in plain objects. Section numbers
in the docstrings are those of docs/fills.md.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass
class BarRow:
    """One bar with the rules that hold on it (section 1); NaN is an unknown price or no limit.

    ``short_open`` and ``short_close`` are the reason that keeps a short from being opened there, or empty.
    """

    session: int
    ordinal: int
    opens_at: int
    closes_at: int
    open: float
    high: float
    low: float
    close: float
    halted: bool
    buy_rate: float
    sell_rate: float
    terms: list[Term]
    unit: float
    slip_open: float
    slip_close: float
    impact: float
    borrow: float
    withheld: float
    lot: float
    limit_up: float
    limit_down: float
    short_open: str
    short_close: str
    sell_from: int


@dataclass
class Term:
    """A charge with bounds in local currency (0: none), and who pays it (section 1)."""

    rate: float
    minimum: float
    maximum: float
    buys: bool
    sells: bool


@dataclass
class Signal:
    """One signal (section 1); its row is its position in the list."""

    instrument: int
    side: int
    weight: float
    due: int
    waited: int
    draw: float


@dataclass
class Settings:
    """The settings of section 1; NaN turns a level off, infinity a cap."""

    entry_at: str = "open"
    exit_at: str = "close"
    hold: int = 5
    stop: float = math.nan
    take: float = math.nan
    trail: float = math.nan
    rule: Callable[..., bool] | None = None
    max_defer: int = 0
    same: str = "ignore"
    opposite: str = "close"
    entry_bar_exits: bool = True
    mode: str = "event"
    capital: float = 1e6
    size: float = 0.1
    compound: bool = False
    partial: bool = False
    min_share: float = 0.0
    max_positions: float = math.inf
    max_name: float = math.inf
    max_market: float = math.inf
    max_gross: float = math.inf
    max_net: float = math.inf


@dataclass
class Trade:
    """One trade (section 8); while it is open its exit bar is -1 and its exit prices are NaN."""

    signal: int
    instrument: int
    side: int
    quantity: float
    entry_bar: int
    entry_price: float
    entry_fill: float
    entry_fee: float
    exit_bar: int = -1
    exit_price: float = math.nan
    exit_fill: float = math.nan
    exit_fee: float = 0.0
    borrow: float = 0.0
    withheld: float = 0.0
    kind: str = "open"
    carried: bool = False

    @property
    def locked(self) -> float:
        """The notional the entry took out of the cash."""
        return self.quantity * self.entry_fill


@dataclass
class Watch:
    """A trade and what must be remembered to take it out again (section 5)."""

    trade: Trade
    opened_at: int
    first_bar: int
    hold_bar: int
    best: float
    carries: str = ""
    rule_bar: int = -1


@dataclass
class Entry:
    """A signal after netting; ``reason`` says why the last bar tried did not fill it."""

    row: int
    instrument: int
    side: int
    weight: float
    due: int
    waited: int
    draw: float
    reason: str = ""


@dataclass
class Member:
    """An entry in a group that asks for money (section 7)."""

    entry: Entry
    bar: int
    market: int
    price: float
    row: BarRow
    point: str
    target: float
    scale: float = 1.0
    reason: str = ""
    quantity: float = 0.0

    @property
    def lot(self) -> float:
        """The lot at its bar."""
        return self.row.lot

    @property
    def want(self) -> float:
        """The notional it may still have, taken afresh at each step."""
        return self.target * self.scale

    def fill_of(self, notional: float) -> float:
        """What an order of a notional pays or gets."""
        return fill_price(self.row, self.entry.side, self.point, self.price, notional)

    def fee_of(self, notional: float) -> float:
        """What a fill of a notional is charged."""
        return fee_of(self.row, self.entry.side, notional)

    @property
    def fill(self) -> float:
        """The fill of what it may still have."""
        return self.fill_of(self.want)

    @property
    def notional(self) -> float:
        """What its quantity locks."""
        return self.quantity * self.fill


@dataclass
class Account:
    """One purse: the entries that draw on it, its trades in the order opened, its cash."""

    bars: list[list[BarRow]]
    markets: list[int]
    settings: Settings
    entries: list[Entry]
    outcomes: list[str]
    cash: float
    now: int = 0
    trades: list[Watch] = field(default_factory=list)
    waiting: dict[int, Entry] = field(default_factory=dict)

    @property
    def instruments(self) -> list[int]:
        """The instruments its entries are about."""
        return sorted({entry.instrument for entry in self.entries})

    @property
    def held(self) -> list[Watch]:
        """The open trades, in the order opened."""
        return [watch for watch in self.trades if watch.trade.kind == "open"]

    def held_on(self, instrument: int) -> list[Watch]:
        """The open trades of one instrument, in the order opened."""
        return [watch for watch in self.held if watch.trade.instrument == instrument]


def run(
    bars: list[list[BarRow]], markets: list[int], signals: list[Signal], settings: Settings
) -> tuple[list[Trade], list[str]]:
    """Keep the ledger of all signals from the first instant to the last.

    Parameters
    ----------
    bars : list of list of BarRow
        For each instrument its bars in time order.
    markets : list of int
        The market of each instrument.
    signals : list of Signal
        Sorted; the position in the list is the row.
    settings : Settings
        Taken as checked.

    Returns
    -------
    trades : list of Trade
        In the order opened: by instant, then row; in mode ``event`` by row.
    outcomes : list of str
        One word for each signal.

    Examples
    --------
    >>> rules = dict(halted=False, buy_rate=0.0, sell_rate=0.0, terms=[], unit=1.0, slip_open=0.0, slip_close=0.0)
    >>> rules |= dict(impact=0.0, borrow=0.0, withheld=0.0, lot=0.0, limit_up=math.nan, limit_down=math.nan)
    >>> rules |= dict(short_open="", short_close="", sell_from=0)
    >>> bar = BarRow(0, 0, 100, 160, open=50.0, high=55.0, low=49.0, close=54.0, **rules)
    >>> trades, outcomes = run([[bar]], [0], [Signal(0, 1, 1.0, 0, 0, 0.5)], Settings(hold=0))
    >>> outcomes, trades[0].quantity, trades[0].exit_price, trades[0].kind
    (['filled'], 2000.0, 54.0, 'hold')
    """
    outcomes = [""] * len(signals)
    entries = net(signals, settings, outcomes)
    watches: list[Watch] = []
    for share in shares(entries, settings.mode):
        account = Account(bars, markets, settings, share, outcomes, cash=settings.capital)
        walk(account)
        watches.extend(account.trades)
    if settings.mode == "event":
        watches.sort(key=lambda watch: watch.trade.signal)
    else:
        watches.sort(key=lambda watch: (watch.opened_at, watch.trade.signal))
    return [watch.trade for watch in watches], outcomes


def shares(entries: list[Entry], mode: str) -> list[list[Entry]]:
    """Give each account its entries: all, those of one instrument, or one alone (section 7)."""
    if mode == "portfolio":
        return [entries]
    if mode == "event":
        return [[entry] for entry in entries]
    instruments = sorted({entry.instrument for entry in entries})
    return [[entry for entry in entries if entry.instrument == k] for k in instruments]


def total(values: Iterable[float]) -> float:
    """Add from 0.0, left to right; the builtin compensates for rounding since Python 3.12."""
    result = 0.0
    for value in values:
        result = result + value
    return result


# --- Section 3: netting ---------------------------------------------------------------------------------


def net(signals: list[Signal], settings: Settings, outcomes: list[str]) -> list[Entry]:
    """Make one entry of all signals with the same instrument and due bar; write `netted`, `no_bar`."""
    groups: dict[tuple[int, int], list[int]] = {}
    for row, signal in enumerate(signals):
        if signal.due == -1 or signal.waited > settings.max_defer:
            outcomes[row] = "no_bar"
        else:
            outcomes[row] = "netted"
            groups.setdefault((signal.instrument, signal.due), []).append(row)
    entries = []
    for rows in groups.values():
        entry = net_of(rows, signals)
        if entry is not None:
            outcomes[entry.row] = ""
            entries.append(entry)
    return sorted(entries, key=lambda entry: entry.row)


def net_of(rows: list[int], signals: list[Signal]) -> Entry | None:
    """The one entry that stands for all these rows, or None where they cancel."""
    balance = total(signals[row].side * signals[row].weight for row in rows)
    if balance == 0:
        return None
    side = 1 if balance > 0 else -1
    winners = [row for row in rows if signals[row].side == side]
    first = signals[winners[0]]
    weight = min(abs(balance), max(signals[row].weight for row in winners))
    return Entry(winners[0], first.instrument, side, weight, first.due, first.waited, first.draw)


# --- The walk -------------------------------------------------------------------------------------------


def walk(account: Account) -> None:
    """Live through every instant of the account's instruments: exits, then entries."""
    opening = clock(account, "open")
    closing = clock(account, "close")
    entering = opening if account.settings.entry_at == "open" else closing
    for now in sorted(opening.keys() | closing.keys()):
        account.now = now
        for watch in account.held:
            end_bar(account, watch, closing.get(now, {}))
            begin_bar(account, watch, opening.get(now, {}))
        enter(account, entering.get(now, {}))
        if entering is closing:
            # Where a bar opens the instant the one before it closes, an entry at that close meets this open.
            for watch in account.held:
                begin_bar(account, watch, opening.get(now, {}))
    for entry in account.waiting.values():
        account.outcomes[entry.row] = entry.reason
    for watch in account.held:
        last = len(account.bars[watch.trade.instrument]) - 1
        watch.trade.borrow = borrow_of(account, watch.trade, last)
        watch.trade.withheld = withheld_of(account, watch.trade, last)


def clock(account: Account, point: str) -> dict[int, dict[int, int]]:
    """For each instant, which bar of which instrument opens (or closes) then."""
    instants: dict[int, dict[int, int]] = {}
    for instrument in account.instruments:
        for i, bar in enumerate(account.bars[instrument]):
            instant = bar.opens_at if point == "open" else bar.closes_at
            instants.setdefault(instant, {})[instrument] = i
    return instants


# --- Section 2: when a bar fills ------------------------------------------------------------------------


def price_at(bar: BarRow, point: str) -> float:
    """The price of the open or the close."""
    return bar.open if point == "open" else bar.close


def unfilled(bar: BarRow, side: int, point: str, price: float) -> str:
    """Why the bar does not fill a buy (+1) or a sell (-1) at this point; empty where it does."""
    if bar.halted:
        return "halted"
    if not price > 0.0:
        return "no_price"
    if side > 0:
        locked = bar.low >= bar.limit_up or (point == "close" and bar.close >= bar.limit_up)
    else:
        locked = bar.high <= bar.limit_down or (point == "close" and bar.close <= bar.limit_down)
    return "locked" if locked else ""


def exit_unfilled(account: Account, trade: Trade, i: int, point: str, price: float) -> str:
    """Why bar i does not fill the exit of a trade; empty where it does."""
    bars = account.bars[trade.instrument]
    if trade.side > 0 and i < trade.entry_bar + bars[trade.entry_bar].sell_from:
        return "t_plus"
    return unfilled(bars[i], -trade.side, point, price)


def fill_price(bar: BarRow, side: int, point: str, price: float, value: float) -> float:
    """What a buy pays, what a sell gets, for an order of this value."""
    share = bar.slip_open if point == "open" else bar.slip_close
    share = min(share + bar.impact * math.sqrt(value), 0.5)
    if side > 0:
        return price * (1.0 + share)
    return price * (1.0 - share)


def paid_by(bar: BarRow, side: int) -> list[Term]:
    """The bounded charges that this side pays."""
    return [term for term in bar.terms if (term.buys if side > 0 else term.sells)]


def rate_of(bar: BarRow, side: int) -> float:
    """The charges without bounds, as a share of the fill's value."""
    return bar.buy_rate if side > 0 else bar.sell_rate


def fee_of(bar: BarRow, side: int, value: float) -> float:
    """What a fill of a value is charged."""
    fee = value * rate_of(bar, side)
    for term in paid_by(bar, side):
        money = value * term.rate
        if term.minimum * bar.unit > money:
            money = term.minimum * bar.unit
        if term.maximum * bar.unit > 0.0 and term.maximum * bar.unit < money:
            money = term.maximum * bar.unit
        fee = fee + money
    return fee


def short_reason(bar: BarRow, point: str) -> str:
    """Why no short can be opened there; empty where it can."""
    return bar.short_open if point == "open" else bar.short_close


def borrow_of(account: Account, trade: Trade, i: int) -> float:
    """What a short has paid for its shares by the session of bar i."""
    if trade.side > 0:
        return 0.0
    bars = account.bars[trade.instrument]
    days = bars[i].session - bars[trade.entry_bar].session
    return trade.quantity * trade.entry_fill * bars[trade.entry_bar].borrow * days


def withheld_of(account: Account, trade: Trade, i: int) -> float:
    """What a long has lost of the dividends whose ex-dates came after its entry, up to bar i."""
    if trade.side < 0:
        return 0.0
    bars = account.bars[trade.instrument]
    lost = 0.0
    for day in range(trade.entry_bar + 1, i + 1):
        if bars[day].withheld > 0.0:
            closes = [bar.close for bar in bars[trade.entry_bar : day] if not math.isnan(bar.close)]
            held = closes[-1] if closes else trade.entry_fill
            lost = lost + trade.quantity * held * bars[day].withheld
    return lost


# --- Section 5: exits -----------------------------------------------------------------------------------


@dataclass
class Levels:
    """Stop, trail and take of one trade on one bar; NaN is off."""

    stop: float
    trail: float
    take: float


def levels_of(account: Account, watch: Watch) -> Levels:
    """The levels as they stand before the bar at hand is in ``best``."""
    settings, side, price = account.settings, watch.trade.side, watch.trade.entry_price
    return Levels(
        stop=price * (1.0 - side * settings.stop),
        trail=watch.best * (1.0 - side * settings.trail),
        take=price * (1.0 + side * settings.take),
    )


def against(side: int, price: float, level: float) -> bool:
    """Whether the price has come down to the level (up to it for a short)."""
    return price <= level if side > 0 else price >= level


def along(side: int, price: float, level: float) -> bool:
    """Whether the price has risen to the level (fallen to it for a short)."""
    return price >= level if side > 0 else price <= level


def begin_bar(account: Account, watch: Watch, opening: dict[int, int]) -> None:
    """Step 1 at the open of a later bar: a carried exit, the rule, the levels gapped through, the hold."""
    trade = watch.trade
    i = opening.get(trade.instrument, -1)
    if trade.kind != "open" or i <= trade.entry_bar:
        return
    bar = account.bars[trade.instrument][i]
    kind = watch.carries or ("rule" if i == watch.rule_bar else level_at_open(account, watch, bar))
    if not kind and i == watch.hold_bar and account.settings.exit_at == "open":
        kind = "hold"
    if kind:
        leave(account, watch, i, "open", bar.open, kind)


def level_at_open(account: Account, watch: Watch, bar: BarRow) -> str:
    """Which level the open has gapped through, if any."""
    if bar.halted:
        return ""
    levels, side = levels_of(account, watch), watch.trade.side
    if against(side, bar.open, levels.stop):
        return "stop"
    if against(side, bar.open, levels.trail):
        return "trail"
    if along(side, bar.open, levels.take):
        return "take"
    return ""


def end_bar(account: Account, watch: Watch, closing: dict[int, int]) -> None:
    """Steps 2 and 3 when the bar is over: the levels touched inside it, the hold at its close."""
    trade = watch.trade
    i = closing.get(trade.instrument, -1)
    if trade.kind != "open" or watch.carries or i < watch.first_bar:
        return
    bar = account.bars[trade.instrument][i]
    kind, level = level_inside(account, watch, i)
    if kind:
        leave(account, watch, i, "inside", level, kind)
    elif i == watch.hold_bar and account.settings.exit_at == "close":
        leave(account, watch, i, "close", bar.close, "hold")
    else:
        remember_best(watch, bar)
        ask_rule(account, watch, i)


def ask_rule(account: Account, watch: Watch, i: int) -> None:
    """Ask the rule of the desk's own at the close of bar i; it leaves at the open of the next."""
    rule, trade = account.settings.rule, watch.trade
    bar = account.bars[trade.instrument][i]
    if rule is None or bar.halted or watch.rule_bar >= 0:
        return
    told = {
        "held": i - trade.entry_bar,
        "side": trade.side,
        "entry_price": trade.entry_price,
        "open": bar.open,
        "high": bar.high,
        "low": bar.low,
        "close": bar.close,
        "best": watch.best,
    }
    if rule(**{name: told[name] for name in inspect.signature(rule).parameters}):
        watch.rule_bar = i + 1


def level_inside(account: Account, watch: Watch, i: int) -> tuple[str, float]:
    """Which level was touched inside bar i, and the price it gives."""
    trade = watch.trade
    bar = account.bars[trade.instrument][i]
    if bar.halted or (i == trade.entry_bar and not account.settings.entry_bar_exits):
        return "", math.nan
    levels, side = levels_of(account, watch), trade.side
    worst, finest = (bar.low, bar.high) if side > 0 else (bar.high, bar.low)
    kind, level = nearer(levels, side)
    if against(side, worst, level):
        beyond = finest < level if side > 0 else finest > level
        return kind, finest if beyond else level
    if along(side, finest, levels.take):
        return "take", levels.take
    return "", math.nan


def nearer(levels: Levels, side: int) -> tuple[str, float]:
    """The one of stop and trail that a price moving against the trade meets first."""
    if math.isnan(levels.stop):
        return "trail", levels.trail
    if math.isnan(levels.trail):
        return "stop", levels.stop
    trail_first = levels.trail > levels.stop if side > 0 else levels.trail < levels.stop
    return ("trail", levels.trail) if trail_first else ("stop", levels.stop)


def remember_best(watch: Watch, bar: BarRow) -> None:
    """Let a completed bar move the best price; halted bars and unknown prices do not."""
    if bar.halted:
        return
    if watch.trade.side > 0 and bar.high > watch.best:
        watch.best = bar.high
    if watch.trade.side < 0 and bar.low < watch.best:
        watch.best = bar.low


def leave(account: Account, watch: Watch, i: int, point: str, price: float, kind: str) -> bool:
    """Take a trade out at a point of bar i, or carry its exit; whether it is out."""
    trade = watch.trade
    if exit_unfilled(account, trade, i, point, price):
        watch.carries = watch.carries or kind
        trade.carried = True
        return False
    bar = account.bars[trade.instrument][i]
    trade.exit_bar, trade.exit_price, trade.kind = i, price, watch.carries or kind
    trade.exit_fill = fill_price(bar, -trade.side, point, price, trade.quantity * price)
    trade.exit_fee = fee_of(bar, -trade.side, trade.quantity * trade.exit_fill)
    trade.borrow = borrow_of(account, trade, i)
    trade.withheld = withheld_of(account, trade, i)
    book_exit(account, trade)
    return True


def book_exit(account: Account, trade: Trade) -> None:
    """Give the cash back (section 7): a short gets its collateral and what it gained on it."""
    if trade.side > 0:
        account.cash += trade.quantity * trade.exit_fill
    else:
        account.cash += trade.quantity * (2.0 * trade.entry_fill - trade.exit_fill)
    account.cash -= trade.exit_fee
    account.cash -= trade.borrow + trade.withheld


# --- Sections 4 and 6: entries --------------------------------------------------------------------------


def enter(account: Account, points: dict[int, int]) -> None:
    """Try every entry of this instant in row order, then give money to those that would open a trade."""
    group = []
    for entry, i in tried_now(account, points):
        bar, point = account.bars[entry.instrument][i], account.settings.entry_at
        entry.reason = unfilled(bar, entry.side, point, price_at(bar, point))
        outcome = "" if entry.reason else meet_held(account, entry, i)
        if outcome:
            account.outcomes[entry.row] = outcome
        elif entry.reason:
            account.waiting[entry.instrument] = entry
        else:
            group.append((entry, i))
    if group:
        deal(account, group)


def tried_now(account: Account, points: dict[int, int]) -> list[tuple[Entry, int]]:
    """The entries whose point this is: those that arrive, and those that wait and are not superseded."""
    tried = []
    for instrument, i in points.items():
        older = still_waiting(account, instrument, i)
        newer = arriving(account, instrument, i)
        if older and newer:
            account.outcomes[older.row] = "superseded"
        entry = newer or older
        if entry:
            tried.append((entry, i))
    return sorted(tried, key=lambda pair: pair[0].row)


def arriving(account: Account, instrument: int, i: int) -> Entry | None:
    """The entry that is due at bar i; netting left at most one."""
    for entry in account.entries:
        if entry.instrument == instrument and entry.due == i:
            return entry
    return None


def still_waiting(account: Account, instrument: int, i: int) -> Entry | None:
    """Take the waiting entry of an instrument off the list; it lapses where bar i comes too late."""
    entry = account.waiting.pop(instrument, None)
    if entry is None:
        return None
    bars = account.bars[instrument]
    if entry.waited + bars[i].ordinal - bars[entry.due].ordinal <= account.settings.max_defer:
        return entry
    account.outcomes[entry.row] = entry.reason
    return None


def meet_held(account: Account, entry: Entry, i: int) -> str:
    """Let an entry meet what is held on its instrument; its outcome, or empty where it opens a trade."""
    held = account.held_on(entry.instrument)
    outcome = ""
    if held and entry.side == held[0].trade.side:
        outcome = meet_same(account, held, i)
    elif held:
        outcome = meet_opposite(account, held, i)
    barred = short_reason(account.bars[entry.instrument][i], account.settings.entry_at)
    if not outcome and entry.side < 0 and barred:
        if held and held[0].trade.side > 0:
            return "closed"
        entry.reason = barred
    return outcome


def meet_same(account: Account, held: list[Watch], i: int) -> str:
    """A signal on the side already held."""
    if account.settings.same == "stack":
        return ""
    if account.settings.same == "ignore" or held[0].carries:
        return "ignored"
    held[0].hold_bar = i + account.settings.hold
    return "extended"


def meet_opposite(account: Account, held: list[Watch], i: int) -> str:
    """A signal against what is held."""
    settings = account.settings
    if settings.opposite == "ignore":
        return "ignored"
    bar = account.bars[held[0].trade.instrument][i]
    price = price_at(bar, settings.entry_at)
    out = [leave(account, watch, i, settings.entry_at, price, "opposite") for watch in held]
    if settings.opposite == "reverse" and all(out):
        return ""
    return "closed"


# --- Section 7: money -----------------------------------------------------------------------------------


def deal(account: Account, group: list[tuple[Entry, int]]) -> None:
    """Turn the entries of one instant into trades, as far as slots, caps and cash allow."""
    base = base_of(account)
    members = with_target(account, [member_of(account, entry, i, base) for entry, i in group], base)
    if account.settings.mode == "event":
        round_to_lots(members)
    else:
        members = share_out(account, within_slots(account, members), base)
    for member in members:
        book_entry(account, member)


def share_out(account: Account, members: list[Member], base: float) -> list[Member]:
    """Steps 3 to 6: scale into the rooms, round to lots, or deal by draw; who is left, in row order."""
    scale_by_name(account, members, base)
    scale_by_market(account, members, base)
    scale_by_gross(account, members, base)
    scale_by_net(account, members, base)
    scale_by_cash(account, members)
    if len(members) == 1 and members[0].reason and not account.settings.partial:
        refuse(account, members[0], members[0].reason)
        return []
    round_to_lots(members)
    if len(members) > 1 and any(lost_to_lot(member) for member in members):
        return deal_by_draw(account, members, base)
    return members


def base_of(account: Account) -> float:
    """What targets and caps are a share of: the start capital, or the equity."""
    mode = account.settings.mode
    if mode == "account" or (mode == "portfolio" and account.settings.compound):
        return equity(account)
    return account.settings.capital


def equity(account: Account) -> float:
    """Cash and, for each open trade in the order opened, its collateral with its gain so far."""
    result = account.cash
    for watch in account.held:
        trade = watch.trade
        last = mark(account, trade)
        gain, owed = 0.0, 0.0
        if last >= 0:
            close = account.bars[trade.instrument][last].close
            gain = trade.side * trade.quantity * (close - trade.entry_fill)
            owed = borrow_of(account, trade, last) + withheld_of(account, trade, last)
        result = result + (trade.locked + gain - owed)
    return result


def mark(account: Account, trade: Trade) -> int:
    """The bar of the last known close; -1 until a close since the entry is known."""
    last = -1
    for i, bar in enumerate(account.bars[trade.instrument]):
        if bar.closes_at <= account.now and not math.isnan(bar.close):
            last = i
    return last if last >= trade.entry_bar else -1


def member_of(account: Account, entry: Entry, i: int, base: float) -> Member:
    """An entry with its prices and its target."""
    bar = account.bars[entry.instrument][i]
    price = price_at(bar, account.settings.entry_at)
    return Member(
        entry,
        bar=i,
        market=account.markets[entry.instrument],
        price=price,
        row=bar,
        point=account.settings.entry_at,
        target=account.settings.size * entry.weight * base,
    )


def refuse(account: Account, member: Member, reason: str) -> None:
    """Write down why an entry opened no trade."""
    account.outcomes[member.entry.row] = reason


def with_target(account: Account, members: list[Member], base: float) -> list[Member]:
    """Step 1: who has something to ask for."""
    kept = []
    for member in members:
        if member.target > 0.0 and base > 0.0:
            kept.append(member)
        else:
            refuse(account, member, "no_cash")
    return kept


def within_slots(account: Account, members: list[Member]) -> list[Member]:
    """Step 2: who gets one of the free places, the smallest draws first; in row order."""
    slots = account.settings.max_positions - len(account.held)
    stay = []
    for place, member in enumerate(sorted(members, key=draw_then_row), start=1):
        if place <= slots:
            stay.append(member)
        else:
            refuse(account, member, "cap_positions")
    return sorted(stay, key=lambda member: member.entry.row)


def scale_all(members: list[Member], factor: float, reason: str) -> None:
    """Shrink some members by one factor, for one reason."""
    for member in members:
        member.scale = member.scale * factor
        member.reason = reason


def scale_into(members: list[Member], cap: float, exposure: float, reason: str) -> None:
    """Shrink some members into the room that a cap leaves beside an exposure."""
    room = max(cap - exposure, 0.0)
    asked = total(member.want for member in members)
    if asked > room:
        scale_all(members, room / asked, reason)


def scale_by_name(account: Account, members: list[Member], base: float) -> None:
    """Step 3, name."""
    if math.isinf(account.settings.max_name):
        return
    for instrument in {member.entry.instrument for member in members}:
        group = [member for member in members if member.entry.instrument == instrument]
        scale_into(group, account.settings.max_name * base, on_name(account, instrument), "cap_name")


def scale_by_market(account: Account, members: list[Member], base: float) -> None:
    """Step 3, market."""
    if math.isinf(account.settings.max_market):
        return
    for market in {member.market for member in members}:
        group = [member for member in members if member.market == market]
        scale_into(group, account.settings.max_market * base, on_market(account, market), "cap_market")


def scale_by_gross(account: Account, members: list[Member], base: float) -> None:
    """Step 3, gross."""
    if math.isinf(account.settings.max_gross):
        return
    scale_into(members, account.settings.max_gross * base, gross(account), "cap_gross")


def scale_by_net(account: Account, members: list[Member], base: float) -> None:
    """Step 3, net: the side that leads beyond the cap gives way."""
    if math.isinf(account.settings.max_net):
        return
    cap = account.settings.max_net * base
    after = net_exposure(account) + total(member.entry.side * member.want for member in members)
    if after > cap:
        give_way([member for member in members if member.entry.side > 0], after - cap)
    elif after < -cap:
        give_way([member for member in members if member.entry.side < 0], -cap - after)


def give_way(leaders: list[Member], over: float) -> None:
    """Shrink one side by what leads beyond the net cap; nothing where it asks for nothing."""
    asked = total(member.want for member in leaders)
    if asked > 0.0:
        scale_all(leaders, max(asked - over, 0.0) / asked, "cap_net")


def scale_by_cash(account: Account, members: list[Member]) -> None:
    """Step 3, cash: nothing changes where the caps left nothing to pay for; least fees do not shrink."""
    buyers = [member for member in members if member.want > 0.0]
    need = total(member.want + member.fee_of(member.want) for member in buyers)
    if need > account.cash and need > 0.0:
        ask = total(member.want * (1.0 + top_rate(member)) for member in buyers)
        fixed = total(least_fees(member) for member in buyers)
        scale_all(members, max(account.cash - fixed, 0.0) / ask, "no_cash")


def top_rate(member: Member) -> float:
    """All rates of its side, bounded or not."""
    result = rate_of(member.row, member.entry.side)
    for term in paid_by(member.row, member.entry.side):
        result = result + term.rate
    return result


def least_fees(member: Member) -> float:
    """The minima of its side's charges, in base currency."""
    return total(term.minimum * member.row.unit for term in paid_by(member.row, member.entry.side))


def on_name(account: Account, instrument: int) -> float:
    """What open trades lock on one instrument."""
    return total(watch.trade.locked for watch in account.held_on(instrument))


def on_market(account: Account, market: int) -> float:
    """What open trades lock in one market."""
    trades = [watch.trade for watch in account.held]
    return total(trade.locked for trade in trades if account.markets[trade.instrument] == market)


def gross(account: Account) -> float:
    """What open trades lock."""
    return total(watch.trade.locked for watch in account.held)


def net_exposure(account: Account) -> float:
    """What longs lock less what shorts lock."""
    return total(watch.trade.side * watch.trade.locked for watch in account.held)


def in_lots(notional: float, member: Member) -> float:
    """Step 5: how much of the instrument a notional buys."""
    fill = member.fill_of(notional)
    if member.lot > 0.0:
        return math.floor(notional / fill / member.lot + 1e-9) * member.lot
    return notional / fill


def round_to_lots(members: list[Member]) -> None:
    """Step 5 for all."""
    for member in members:
        member.quantity = in_lots(member.want, member)


def lost_to_lot(member: Member) -> bool:
    """Whether the lot, and not a room of nothing, took all from a member that asked for a lot or more."""
    scaled = member.reason != "" and member.scale != 0.0
    emptied = member.quantity == 0.0 and in_lots(member.target, member) > 0.0
    return member.lot > 0.0 and scaled and emptied


@dataclass
class Rooms:
    """Exposures and cash as they stand while a group is dealt by draw."""

    names: dict[int, float]
    markets: dict[int, float]
    gross: float
    net: float
    cash: float

    def misfit(self, member: Member, settings: Settings, base: float) -> str:
        """The first room the member's quantity does not fit; empty where it fits all."""
        notional, side = member.notional, member.entry.side
        after = self.net + side * notional
        if notional > max(settings.max_name * base - self.names[member.entry.instrument], 0.0):
            return "cap_name"
        if notional > max(settings.max_market * base - self.markets[member.market], 0.0):
            return "cap_market"
        if notional > max(settings.max_gross * base - self.gross, 0.0):
            return "cap_gross"
        if side * after > settings.max_net * base:
            return "cap_net"
        return "no_cash" if notional + member.fee_of(notional) > self.cash else ""

    def take(self, member: Member) -> None:
        """Count a member in."""
        notional = member.notional
        self.names[member.entry.instrument] += notional
        self.markets[member.market] += notional
        self.gross += notional
        self.net += member.entry.side * notional
        self.cash -= notional
        self.cash -= member.fee_of(notional)


def deal_by_draw(account: Account, members: list[Member], base: float) -> list[Member]:
    """Step 6: each in turn takes its whole target in lots, or nothing; who took, in row order."""
    rooms = Rooms(
        names={m.entry.instrument: on_name(account, m.entry.instrument) for m in members},
        markets={m.market: on_market(account, m.market) for m in members},
        gross=gross(account),
        net=net_exposure(account),
        cash=account.cash,
    )
    taken = []
    for member in sorted(members, key=draw_then_row):
        member.scale, member.reason = 1.0, ""
        member.quantity = in_lots(member.target, member)
        reason = rooms.misfit(member, account.settings, base) if member.quantity > 0.0 else "below_lot"
        if reason:
            refuse(account, member, reason)
        else:
            rooms.take(member)
            taken.append(member)
    return sorted(taken, key=lambda member: member.entry.row)


def draw_then_row(member: Member) -> tuple[float, int]:
    """The order of the draw; the row breaks ties."""
    return member.entry.draw, member.entry.row


def book_entry(account: Account, member: Member) -> None:
    """Open the trade and pay for it; step 7 where the quantity is zero."""
    entry, settings = member.entry, account.settings
    if member.quantity == 0.0 or member.scale < settings.min_share:
        whole = member.scale >= settings.min_share and member.scale > 0.0
        refuse(account, member, "below_lot" if whole else member.reason)
        return
    fee = member.fee_of(member.notional)
    trade = Trade(
        signal=entry.row,
        instrument=entry.instrument,
        side=entry.side,
        quantity=member.quantity,
        entry_bar=member.bar,
        entry_price=member.price,
        entry_fill=member.fill,
        entry_fee=fee,
    )
    account.trades.append(
        Watch(
            trade,
            opened_at=account.now,
            first_bar=member.bar if settings.entry_at == "open" else member.bar + 1,
            hold_bar=member.bar + settings.hold,
            best=member.price,
        )
    )
    account.cash -= trade.locked
    account.cash -= fee
    account.outcomes[entry.row] = "filled"
