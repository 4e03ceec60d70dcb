"""Costs and venue rules, resolved once to one value per bar: the seam that flat costs and rule books share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.prices.tape import Tape
from aftershock.data.venues import DeskRules, RuleBook, rule_book
from aftershock.data.venues.book import Charge
from aftershock.data.venues.charges import GROUPS
from aftershock.data.venues.limits import change_allowed, tick_at
from aftershock.data.venues.lots import board_lots
from aftershock.data.venues.short_lists import listings
from aftershock.engine.returns import last_known
from aftershock.engine.types import OUTCOMES, Costs, Flags, Floats, Integers, Rules

UNSIZED = 1e300
"""The lot of a bar at which no exchange rate is known: beyond the reach of any order."""
TURNOVER_SESSIONS, LEAST_SESSIONS = 20, 5
"""Over how many sessions before a bar its turnover is averaged, and of how many it must be known."""
FREE = OUTCOMES.index("filled")
BANNED, PRICE_RULE, UNLISTED = (OUTCOMES.index(f"short_{why}") for why in ("banned", "rule", "unlisted"))

Books = Mapping[str, RuleBook]


def rule_books(mics: Iterable[str], desk: Mapping[str, DeskRules] | None = None) -> dict[str, RuleBook]:
    """Give the rule books of venues, with a desk's own rules in the place of the books'.

    Examples
    --------
    >>> own = {"XTKS": DeskRules(lot=[{"shares": 1}])}
    >>> rule_books(["XTKS", "XTAI"], own)["XTKS"].one("lot", date(2025, 9, 12)).shares
    1
    """
    own = desk or {}
    found = {mic: rule_book(mic) for mic in dict.fromkeys(mics)}
    return {mic: book.overridden(own[mic]) if mic in own else book for mic, book in found.items()}


def rules_of(
    tape: Tape, costs: Costs, books: Books | None = None, *, fx: Floats | None = None, sized: bool = False
) -> Rules:
    """Resolve costs, lots, price limits, T+1 and rules of short sales for every bar.

    Parameters
    ----------
    tape : Tape
        The bars.
    costs : Costs
        What fills cost and what lots there are.
    books : mapping of str to RuleBook, optional
        The rule books by MIC; the shipped ones by default.
    fx : ndarray of float64, shape (n_bars,), optional
        What a unit of the bar's currency is worth in the base currency, by the last fixing known at its point of
        entry; NaN unknown. By default every price is in the base currency.
    sized : bool
        Whether an order that no rate sizes is to be refused, whatever its lot.

    Returns
    -------
    Rules
        Arrays over all bars of the tape, by the rule books in force on each bar's date. A limit stands one tick
        inside what the venue allows from the previous close (the last one of the session before), because exchanges
        round it: the tick of the upper limit and that of the close for the lower one, the coarser of the two either
        way.

    Notes
    -----
    Limits belong to traded prices, and exchanges restate the previous close on ex-dates: it is the adjusted one x the
    bar's own factor. Where the factor is unknown the adjusted price serves: then only the tick is approximate.

    Where no rate is known, a lot that was asked for is ``UNSIZED``; the lots of rule books, and the least and most of
    their charges, are off there.

    Examples
    --------
    >>> bars = pd.DataFrame({"symbol": "6138.TWO", "date": ["2025-09-11", "2025-09-12"], "close": [191.5, 210.5]})
    >>> rules = rules_of(Tape.from_frame(bars), Costs(model="venue"))
    >>> [rules.bar[name].round(6).tolist() for name in ("lot", "sell_rate", "limit_up")]
    [[1000.0, 1000.0], [0.003, 0.003], [nan, 210.15]]
    """
    used = rule_books(tape.venues) if books is None else books
    rates = np.ones(len(tape.close)) if fx is None else fx
    found = charge_sets(tape, costs, used)
    return Rules.of(
        len(tape.close), *_bounded(found), _columns(tape, costs, used, found, rates=rates, sized=sized)
    )


def _columns(
    tape: Tape, costs: Costs, books: Books, found: ChargeSets, *, rates: Floats, sized: bool
) -> Iterator[tuple[str, Any]]:
    """Work out the columns of the rules one after another: all at once would take as much memory again."""
    yield from _rates(found).items()
    yield from _slippage(tape, costs, rates).items()
    yield from _limits_and_short_sales(tape, costs, books).items()
    yield "unit", np.nan_to_num(rates, nan=0.0)
    yield "borrow", costs.borrow / 365.0
    yield "withheld", _withheld(tape, books) if costs.net_dividends else 0.0
    yield "lot", np.where(np.isnan(rates) & sized, UNSIZED, _lots(tape, books, costs, rates))
    yield "sell_from", _sell_from(tape, books)


# ---------------------------------------------------------------------------------------- where rules hold


class Listed(NamedTuple):
    """A segment of a tape under the rules of its venue: its place, its rows, its venue's book and its board there."""

    place: int
    rows: slice
    book: RuleBook
    board: str
    kind: str

    def stretches(self, tape: Tape, rule: str, rows: slice | None = None) -> Iterator[tuple[slice, Any]]:
        """Part rows, all by default, at the dates on which a rule changes; give each part with its entry, if any."""
        timeline = self.book.timeline(rule, self.board)
        return self._parted(tape, timeline, self.rows if rows is None else rows)

    def charged(self, tape: Tape) -> Iterator[tuple[slice, tuple[Charge, ...]]]:
        """Part the rows at the dates on which any charge changes; give each part with its charges."""
        return self._parted(tape, self.book.charge_timeline(self.board, self.kind), self.rows)

    def _parted(
        self, tape: Tape, timeline: list[tuple[date, Any]], rows: slice
    ) -> Iterator[tuple[slice, Any]]:
        days = [since.toordinal() - EPOCH for since, _ in timeline]
        bounds = rows.start + np.searchsorted(tape.session[rows], days)
        for (_, entry), start, end in zip(timeline, bounds, [*bounds[1:], rows.stop], strict=True):
            if entry is not None and start < end:
                yield slice(int(start), int(end)), entry


EPOCH = date(1970, 1, 1).toordinal()


def listed(tape: Tape, books: Books) -> Iterator[Listed]:
    """Go through the segments that are no index levels, which no rule of trading concerns."""
    for k, (mic, kind) in enumerate(zip(tape.venues, tape.kinds, strict=True)):
        if kind != "index":
            book = books[mic]
            rows = slice(int(tape.offsets[k]), int(tape.offsets[k + 1]))
            yield Listed(k, rows, book, book.board_of(tape.symbols[k], kind), kind)


def unverified(tape: Tape, costs: Costs, books: Books | None = None) -> list[str]:
    """Name the rules that reach the kernels on some bar of a tape and have no source for all they say.

    Examples
    --------
    >>> bars = pd.DataFrame({"symbol": "6138.TWO", "date": ["2025-09-11", "2025-09-12"], "close": [191.5, 210.5]})
    >>> unverified(Tape.from_frame(bars), Costs())
    []
    """
    return [told for told, confidence in _in_force(tape, costs, books) if confidence == "unverified"]


def unmodelled(tape: Tape, books: Books | None = None) -> list[str]:
    """Name the rules of short sales in force on some bar of a tape that daily bars and known lists cannot tell.

    Examples
    --------
    >>> bars = pd.DataFrame({"symbol": "9988.HK", "date": ["2025-09-11", "2025-09-12"], "close": [148.0, 155.0]})
    >>> unmodelled(Tape.from_frame(bars))
    ['XHKG designated', 'XHKG not below best ask']
    """
    used = rule_books(tape.venues) if books is None else books
    return sorted(
        {
            f"{one.book.mic} {what}"
            for one in listed(tape, used)
            for _, rule in one.stretches(tape, "short_sale")
            for what in (
                rule.price_rule,
                "" if listings(one.book.mic, tape.symbols[one.place]) else rule.list,
            )
            if rule.allowed and what and what not in PRICE_RULES
        }
    )


def desk_rules(tape: Tape, costs: Costs, books: Books | None = None) -> list[str]:
    """Name a desk's own rules that reach the kernels on some bar of a tape."""
    return [told for told, confidence in _in_force(tape, costs, books) if confidence == "desk"]


def _in_force(tape: Tape, costs: Costs, books: Books | None) -> list[tuple[str, str]]:
    used = rule_books(tape.venues) if books is None else books
    rules = ["tick", "price_limit", "settlement", "short_sale"]
    if costs.model == "venue" and costs.lot is None:
        rules.append("lot")
    if costs.net_dividends:
        rules.append("dividend")
    found = set()
    for one in listed(tape, used):
        entries = [(rule, entry) for rule in rules for _, entry in one.stretches(tape, rule)]
        if costs.model == "venue":
            entries += [(charge.name, charge) for _, charges in one.charged(tape) for charge in charges]
        for rule, entry in entries:
            board = f" of {entry.board}" if entry.board else ""
            since = "" if entry.confidence == "desk" else f" from {entry.valid_from}"
            found.add((f"{one.book.mic} {rule.replace('_', ' ')}{board}{since}", entry.confidence))
    return sorted(found)


# ------------------------------------------------------------------------------------------ what fills cost


FEE = Charge(
    name="fee",
    side="both",
    rate=0.0,
    valid_from=date(1900, 1, 1),
    confidence="desk",
    **{"class": "commission"},  # type: ignore[arg-type]
)
"""What a flat fee is among charges."""


class ChargeSets(NamedTuple):
    """All charges in force at each bar: bar ``i`` has those of ``sets[of_bar[i]]``; set 0 is that of index levels."""

    of_bar: Integers
    sets: list[tuple[Charge, ...]]


def charge_sets(tape: Tape, costs: Costs, books: Books) -> ChargeSets:
    """Find the charges of every bar: those of the rule books in model ``venue``, else the flat fee."""
    fee = FEE.model_copy(update={"rate": costs.fee})
    sets: dict[tuple[Charge, ...], int] = {(fee,) if costs.fee > 0.0 else (): 0}
    of_bar = np.zeros(len(tape.close), np.int64)
    if costs.model == "venue":
        for one in listed(tape, books):
            for rows, charges in one.charged(tape):
                of_bar[rows] = sets.setdefault(charges, len(sets))
    return ChargeSets(of_bar, list(sets))


def _rates(found: ChargeSets) -> dict[str, Any]:
    """Give each bar its rates and the number of its bounded charges."""
    rates = np.array([_free_rates(charges) for charges in found.sets], np.float64)
    own = rates[found.of_bar]
    return {"buy_rate": own[:, 0], "sell_rate": own[:, 1], "schedule": found.of_bar}


def _bounded(found: ChargeSets) -> tuple[Integers, Floats]:
    """Give the bounded charges of all sets, as ``Rules`` has them."""
    terms = [[_term(charge) for charge in charges if _is_bounded(charge)] for charges in found.sets]
    starts = np.cumsum([0, *map(len, terms)]).astype(np.int64)
    return starts, np.array([term for each in terms for term in each], np.float64).reshape(-1, 5)


def fees_by_class(
    found: ChargeSets, bars: Integers, value: Floats, unit: Floats, buys: Flags
) -> dict[str, Floats]:
    """Part the fees of fills by the class of charge.

    Parameters
    ----------
    found : ChargeSets
        The charges of every bar.
    bars : ndarray of int64, shape (n,)
        The bar of each fill.
    value, unit : ndarray of float64, shape (n,)
        Its value in the base currency, and what a unit of local currency is worth in it, 0 unknown.
    buys : ndarray of bool, shape (n,)
        Whether it buys.

    Returns
    -------
    dict of str to ndarray of float64, shape (n,)
        Money in the base currency by class, in the order of ``GROUPS``; together what kernels charge.
    """
    parts = {group: np.zeros(len(bars)) for group in GROUPS}
    own = found.of_bar[bars]
    for place, charges in enumerate(found.sets):
        for charge in charges:
            pays = (own == place) & (
                buys if charge.side == "buy" else ~buys if charge.side == "sell" else True
            )
            money = np.maximum(value * charge.rate, charge.minimum * unit)
            most = charge.maximum * unit
            money = np.where(most > 0.0, np.minimum(money, most), money)
            parts[charge.group] += np.where(pays, money, 0.0)
    return parts


def _is_bounded(charge: Charge) -> bool:
    return charge.minimum > 0.0 or charge.maximum > 0.0


def _term(charge: Charge) -> tuple[float, ...]:
    buys, sells = charge.side in ("buy", "both"), charge.side in ("sell", "both")
    return charge.rate, charge.minimum, charge.maximum, float(buys), float(sells)


def _free_rates(charges: Iterable[Charge]) -> tuple[float, float]:
    """Add up the rates of the charges without bounds that buys and sells pay."""
    free = [charge for charge in charges if not _is_bounded(charge)]
    buy = sum(charge.rate for charge in free if charge.side in ("buy", "both"))
    return buy, sum(charge.rate for charge in free if charge.side in ("sell", "both"))


def _slippage(tape: Tape, costs: Costs, fx: Floats) -> dict[str, Floats | float]:
    at_open: Floats | float = costs.slippage
    at_close: Floats | float = costs.slippage
    if costs.slippage_range > 0.0:
        with np.errstate(invalid="ignore", divide="ignore"):
            own = np.nan_to_num((tape.high - tape.low) / tape.close, nan=0.0, posinf=0.0)
        # At an open the bar is still to come: what is known of ranges is that of the bar before.
        before = np.r_[0.0, own[:-1]]
        before[tape.offsets[:-1][np.diff(tape.offsets) > 0]] = 0.0
        at_open = costs.slippage + costs.slippage_range * before
        at_close = costs.slippage + costs.slippage_range * own
    impact: Floats | float = 0.0
    if costs.slippage_volume > 0.0:
        with np.errstate(invalid="ignore", divide="ignore"):
            impact = np.nan_to_num(costs.slippage_volume / np.sqrt(turnover(tape) * fx), nan=0.0)
    return {"at_open": at_open, "at_close": at_close, "impact": impact}


def _withheld(tape: Tape, books: Books) -> Floats:
    """Give what is withheld of each dividend from a holder abroad; what is not told is not withheld."""
    lost = np.zeros(len(tape.close))
    paid = np.nan_to_num(tape.payout, nan=0.0)
    for one in listed(tape, books):
        for rows, rule in one.stretches(tape, "dividend"):
            lost[rows] = paid[rows] * (1.0 - rule.net_rate)
    return lost


def turnover(tape: Tape) -> Floats:
    """Give for each bar the mean value traded in a session, in local currency, over the 20 sessions before its own.

    Returns
    -------
    ndarray of float64, shape (n_bars,)
        NaN where the volume of fewer than five of them is known.
    """
    factor = np.where(np.isnan(tape.factor), 1.0, tape.factor)
    value = tape.close * factor * tape.volume
    found = np.full(len(value), np.nan)
    for k in range(len(tape.symbols)):
        rows = slice(int(tape.offsets[k]), int(tape.offsets[k + 1]))
        ends = session_ends(tape, k)
        if len(ends):
            lengths = np.diff(ends, prepend=-1)
            sums = np.add.reduceat(value[rows], ends - lengths + 1)
            known = pd.Series(sums).rolling(TURNOVER_SESSIONS, min_periods=LEAST_SESSIONS).mean()
            found[rows] = np.repeat(known.shift().to_numpy(np.float64), lengths)
    return found


# ---------------------------------------------------------------------------------------------------- lots


def _lots(tape: Tape, books: Books, costs: Costs, fx: Floats) -> Floats:
    if costs.lot is not None or costs.model != "venue":
        return lots_in_base(costs.lot or 0.0, tape.factor, fx)
    shares = np.zeros(len(tape.close))
    for one in listed(tape, books):
        for rows, lot in one.stretches(tape, "lot"):
            shares[rows] = 1.0 if costs.odd_lots and lot.odd_lots else float(lot.shares)
            if not lot.shares:
                for since, own in board_lots(tape.symbols[one.place]):
                    shares[_between(tape, rows, since, date.max)] = own
    # Of what no rate sizes any quantity may be had: that a book has lots is no reason to refuse it.
    return np.where(np.isnan(fx), 0.0, lots_in_base(1.0, tape.factor, fx) * shares)


def _between(tape: Tape, rows: slice, first: date, last: date) -> slice:
    """Narrow rows of a segment to those of the dates from the first to the last."""
    days = [first.toordinal() - EPOCH, last.toordinal() - EPOCH + 1]
    start, stop = rows.start + np.searchsorted(tape.session[rows], days)
    return slice(int(start), int(stop))


def lots_in_base(lot: float, factor: Floats, fx: Floats) -> Floats:
    """Turn a lot of traded shares into the kernels' quantities, units of base notional at the tape's prices.

    ``shares x (price x factor) x fx`` is what an order takes in the base currency, and ``quantity x price`` too: a
    quantity is ``shares x factor x fx``, a lot likewise. An unknown factor counts as 1.

    Examples
    --------
    >>> lots_in_base(1000.0, np.array([1.0, 2.0, np.nan]), np.array([0.03125, 0.03125, np.nan])).tolist()
    [31.25, 62.5, 1e+300]
    """
    known = np.where(np.isnan(factor), 1.0, factor)
    return np.where(np.isnan(fx), UNSIZED, lot * known * fx)


# ---------------------------------------------------------------------------------------------- price limits


def _limits_and_short_sales(tape: Tape, costs: Costs, books: Books) -> dict[str, Any]:
    """Give the price limits, if they are to hold, and the refusals of short sales, which look at them in any case."""
    known = last_known(tape.close, tape.offsets)
    base = _closes_before(tape, known)
    up, down = _limits(tape, books, base)
    short_open, short_close = _short_sales(tape, books, known, base, down)
    if not costs.price_limits:
        up = down = np.full(1, np.nan)
    return {"limit_up": up, "limit_down": down, "short_open": short_open, "short_close": short_close}


def _limits(tape: Tape, books: Books, before: Floats) -> tuple[Floats, Floats]:
    n = len(tape.close)
    up, down = np.full(n, np.nan), np.full(n, np.nan)
    for one in listed(tape, books):
        for rows, limit in one.stretches(tape, "price_limit"):
            if limit.kind == "none":
                continue
            for part, tick in one.stretches(tape, "tick", rows):
                factor = np.where(np.isnan(tape.factor[part]), 1.0, tape.factor[part])
                base = before[part] * factor
                change = change_allowed(limit, base)
                highest, lowest = base + change, base - change
                up[part] = (highest - tick_at(tick, highest)) / factor
                down[part] = (lowest + tick_at(tick, base)) / factor
    return up, down


# ----------------------------------------------------------------------------------------------- short sales


class Prices(NamedTuple):
    """What a price rule of short sales looks at, for each bar of a segment.

    ``open`` and ``close`` of the bar; ``last`` close before it, ``base`` the last close of the sessions before;
    ``lowest`` of its session so far, and of the session before with the base of that one; ``was_down`` the lower limit
    reached by that session's close.
    """

    open: Floats
    close: Floats
    last: Floats
    base: Floats
    lowest: Floats
    low_before: Floats
    base_before: Floats
    was_limit_down: Flags


def _after_a_fall(seen: Prices) -> tuple[Flags, Flags]:
    """Refuse, from a price 10 % below the base on to the end of the next session, what is not above the last price.

    The closing price is refused altogether: the last price before it is not known.
    """
    the_day_before = seen.low_before <= 0.9 * seen.base_before
    return the_day_before & ~(seen.open > seen.last), the_day_before | (seen.lowest <= 0.9 * seen.base)


def _below_the_base(seen: Prices) -> tuple[Flags, Flags]:
    """Refuse prices below the close before."""
    return seen.open < seen.base, seen.close < seen.base


def _below_after(fell: Callable[[Prices], Flags]) -> Callable[[Prices], tuple[Flags, Flags]]:
    """Refuse prices below the close before where that one fell in some way."""

    def refused(seen: Prices) -> tuple[Flags, Flags]:
        at_open, at_close = _below_the_base(seen)
        return at_open & fell(seen), at_close & fell(seen)

    return refused


PRICE_RULES: dict[str, Callable[[Prices], tuple[Flags, Flags]]] = {
    "uptick when down 10 %": _after_a_fall,
    "above the best bid when down 10 %": _after_a_fall,
    "not below previous close": _below_the_base,
    "not below previous close if that was down 3.5 % or more": _below_after(
        lambda seen: np.asarray(seen.base <= (1.0 - 0.035) * seen.base_before)
    ),
    "not below previous close if that was limit down or offered there without a trade": _below_after(
        lambda seen: seen.was_limit_down
    ),
}
"""The price rules of short sales that daily bars can tell: at which opens and closes a short may not be opened."""


def _short_sales(
    tape: Tape, books: Books, known: Floats, base: Floats, limit_down: Floats
) -> tuple[Integers, Integers]:
    """Say for the open and the close of each bar what keeps a short from being opened there."""
    n = len(tape.close)
    at_open, at_close = np.full(n, FREE, np.int64), np.full(n, FREE, np.int64)
    for one in listed(tape, books):
        seen: Prices | None = None
        for rows, rule in one.stretches(tape, "short_sale"):
            if not rule.allowed:
                at_open[rows] = at_close[rows] = BANNED
            elif rule.price_rule in PRICE_RULES:
                seen = _seen(tape, one, known[one.rows], base[one.rows], limit_down) if seen is None else seen
                inside = slice(rows.start - one.rows.start, rows.stop - one.rows.start)
                for codes, refused in zip(
                    (at_open, at_close), PRICE_RULES[rule.price_rule](seen), strict=True
                ):
                    codes[rows][refused[inside]] = PRICE_RULE
            for listing in listings(one.book.mic, tape.symbols[one.place]) if rule.list else ():
                if not listing.listed:
                    off = _between(tape, rows, listing.first, listing.last)
                    at_open[off] = at_close[off] = UNLISTED
    return at_open, at_close


def _seen(tape: Tape, one: Listed, known: Floats, base: Floats, limit_down: Floats) -> Prices:
    rows, ends = one.rows, session_ends(tape, one.place)
    lengths = np.diff(ends, prepend=-1)
    close = tape.close[rows]
    lowest = low_of = tape.low[rows]
    if len(ends) < len(close):
        lows = pd.Series(lowest).groupby(np.repeat(np.arange(len(ends)), lengths))
        lowest, low_of = np.asarray(lows.cummin(), np.float64), np.asarray(lows.min(), np.float64)

    def of_session_before(values: Floats) -> Floats:
        return np.repeat(np.append(np.nan, values[:-1]), lengths)

    was_down = of_session_before((close[ends] <= limit_down[rows][ends]).astype(np.float64)) == 1.0
    return Prices(
        open=tape.open[rows],
        close=close,
        last=np.append(np.nan, known[:-1]),
        base=base,
        lowest=lowest,
        low_before=of_session_before(low_of),
        base_before=of_session_before(base[ends]),
        was_limit_down=was_down,
    )


# -------------------------------------------------------------------------------------------------- sessions


def session_ends(tape: Tape, k: int) -> Integers:
    """Give of each session of a segment the row of its last bar, counted from the segment's first."""
    ordinal = tape.ordinal[tape.offsets[k] : tape.offsets[k + 1]]
    return np.flatnonzero(np.diff(ordinal, append=-1))


def _closes_before(tape: Tape, known: Floats) -> Floats:
    """Give each bar the last known close of its segment's sessions before its own; NaN in the first."""
    rows, first = np.arange(len(tape.close)), np.repeat(tape.offsets[:-1], np.diff(tape.offsets))
    starts = (np.diff(tape.ordinal, prepend=-1) != 0) | (rows == first)
    begins = np.maximum.accumulate(np.where(starts, rows, 0))
    return np.where(begins > first, known[begins - 1], np.nan)


def _sell_from(tape: Tape, books: Books) -> Integers:
    """Count for each bar the bars to the first of the session at which its purchase may be sold."""
    counts = np.zeros(len(tape.close), np.int64)
    for one in listed(tape, books):
        for rows, rule in one.stretches(tape, "settlement"):
            counts[rows] = rule.sell_from
        if counts[one.rows].any():
            counts[one.rows] = _bars_to_wait(session_ends(tape, one.place), counts[one.rows])
    return counts


def _bars_to_wait(ends: Integers, wait: Integers) -> Integers:
    """Turn sessions to wait, one number per bar, into bars; ``ends`` are the last bars of the sessions."""
    bars, most = len(wait), int(wait.max())
    # Sessions beyond the data count as one bar each.
    starts = np.concatenate([[0], ends + 1, bars + 1 + np.arange(most)])
    session = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=-1))
    found: Integers = np.where(wait > 0, np.maximum(starts[session + wait] - np.arange(bars), 0), 0)
    return found
