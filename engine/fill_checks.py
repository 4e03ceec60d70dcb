"""Fills held to the rules: which of them could not have happened, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.instants import DAY, NAT, to_index
from aftershock.data.prices.tape import Tape
from aftershock.data.venues import DeskRules, RuleBook, rule_book, venue
from aftershock.data.venues.limits import limit_prices, on_tick, tick_at
from aftershock.data.venues.lots import board_lot
from aftershock.engine.fill_charges import check_charges
from aftershock.engine.fill_findings import CODES, Findings, Listed, number, rule_words
from aftershock.engine.fill_holdings import check_holdings
from aftershock.engine.fill_market import MarketRows, few, market_rows

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

EPOCH = date(1970, 1, 1).toordinal()
MINUTE = 60_000_000_000
GRACE = MINUTE
"""How late a stamp may be: closing calls end at random within half a minute, the last trade stands on the bell."""

AFTER_CLOSE: Mapping[str, int] = dict.fromkeys(("XHKG", "XSES", "XASX", "XIDX", "XBKK"), 30 * MINUTE)
"""Venues whose closing auction follows continuous trading (data/venues/cutoffs.csv), and how long after its end a fill
may still be of that auction; generous, since no table holds the minutes of each."""

FROM_UNIT = ("star",)
"""Boards whose unit is the least order and no step: at least 200 shares, then one by one (the note of the entry)."""


def fill_findings(
    fills: pd.DataFrame, tape: Tape | None = None, desk: Mapping[str, DeskRules] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Hold fills to the rules of their venues.

    Parameters
    ----------
    fills : DataFrame
        As `aftershock.data.blotters.read_blotter` gives them.
    tape : Tape, optional
        Prices, for what needs them.
    desk : mapping of MIC to DeskRules, optional
        Rules in the place of the books'.

    Returns
    -------
    findings : DataFrame
        ``line, symbol, session, side, quantity, price, code, severity, expected, found, why, source``.
    unchecked : list of str
        What could not be checked and why, in sentences.
    """
    listed = Listed(fills, _books(fills, desk or {}))
    found = Findings(fills)
    unchecked: list[str] = []
    open_ = _check_sessions(found, fills)
    strange = _check_currency(found, fills)
    priced = ~strange & fills["price"].notna().to_numpy()
    ticks = _check_ticks(found, listed, priced & listed.tradable, fills["as_traded"].to_numpy(np.bool_))
    _check_lots(found, listed, unchecked)
    if tape is None:
        unchecked.append("no prices given: limits, locks, ranges and halts were not checked")
    else:
        rows = market_rows(fills, tape)
        unchecked += rows.unchecked
        _check_market(found, listed, rows, open_, priced, ticks)
    check_holdings(found, listed)
    check_charges(found, listed, priced & listed.tradable, unchecked)
    return found.table(), unchecked


def _books(fills: pd.DataFrame, desk: Mapping[str, DeskRules]) -> dict[str, RuleBook]:
    books = {}
    for mic in fills["venue"].unique():
        book = rule_book(mic)
        books[mic] = book.overridden(desk[mic]) if mic in desk else book
    return books


def _check_sessions(found: Findings, fills: pd.DataFrame) -> Flags:
    """Check days and hours; say at which fills the venue had a session."""
    held = np.zeros(len(fills), np.bool_)
    session, at = fills["session"].to_numpy(np.int64), fills["at"].to_numpy(np.int64)
    found.add(
        np.flatnonzero(fills["kind"].eq("index")), "not_traded", "a share or fund", "an index level", CODES
    )
    for mic, part in fills.groupby("venue", sort=False).indices.items():
        place = venue(str(mic))
        days = place.sessions
        position = np.minimum(np.searchsorted(days.session, session[part]), len(days.session) - 1)
        hit = days.session[position] == session[part]
        reached = (session[part] >= days.session[0]) & (session[part] <= days.session[-1])
        span = f"{_day(days.session[0])} to {_day(days.session[-1])}"
        unknown = part[~reached]
        found.add(unknown, "no_calendar", f"a date of {span}", [_day(session[row]) for row in unknown], CODES)
        closed = part[reached & ~hit]
        next_ = days.session[position[reached & ~hit]]
        why = [f"{place.name} ({mic}) had no session on {_weekday(session[row])}" for row in closed]
        found.add(
            closed,
            "no_session",
            [f"next {_day(one)}" for one in next_],
            [_day(session[row]) for row in closed],
            why,
        )
        _check_hours(found, place, days, part[hit], position[hit], at)
        held[part[hit]] = True
    return held


def _check_hours(
    found: Findings, place: Any, days: Any, rows: Integers, position: Integers, at: Integers
) -> None:
    timed = at[rows] != NAT
    rows, position = rows[timed], position[timed]
    when = at[rows]
    first = np.minimum(days.open_cutoff, days.opens_at)[position]
    last = days.closes_at[position] + AFTER_CLOSE.get(place.mic, GRACE)
    has_break = days.break_start[position] != NAT
    lunch = has_break & (when > days.break_start[position] + GRACE) & (when < days.break_end[position])
    phase = np.select(
        [when < first, when > last, lunch], ["before the open", "after the close", "lunch break"], ""
    )
    bad = phase != ""
    hours = [_hours(days, one, place.zone) for one in position[bad]]
    clock = to_index(when[bad]).tz_convert(place.zone).strftime("%H:%M:%S").tolist()
    words = [
        f"{place.name} ({place.mic}) traded {open_} that day and auctions beside, local time; {one} is {part}"
        for open_, one, part in zip(hours, clock, phase[bad], strict=True)
    ]
    found.add(rows[bad], "outside_hours", hours, clock, words)


def _hours(days: Any, position: int, zone: str) -> str:
    def clock(instant: int) -> str:
        return str(to_index(np.array([instant])).tz_convert(zone)[0].strftime("%H:%M"))

    opens, closes = clock(days.opens_at[position]), clock(days.closes_at[position])
    if days.break_start[position] == NAT:
        return f"{opens}-{closes}"
    return f"{opens}-{clock(days.break_start[position])}, {clock(days.break_end[position])}-{closes}"


def _check_currency(found: Findings, fills: pd.DataFrame) -> Flags:
    """Find prices in another currency than the venue's, of which no price rule can speak."""
    own = fills["venue"].map({mic: venue(mic).currency for mic in fills["venue"].unique()})
    given = fills["currency"]
    strange = (given.ne("") & given.ne(own)).to_numpy(np.bool_)
    rows = np.flatnonzero(strange).tolist()
    why = [
        f"{fills['venue'].iat[row]} trades in {own.iat[row]}: ticks, limits and charges were not checked"
        for row in rows
    ]
    found.add(rows, "currency", own.iloc[rows].tolist(), given.iloc[rows].tolist(), why)
    return strange


def _check_ticks(found: Findings, listed: Listed, checked: Flags, as_traded: Flags) -> NDArray[np.float64]:
    """Check traded prices against their steps; give the step at each price, NaN where no rule is known."""
    price = listed.fills["price"].to_numpy(np.float64)
    steps = np.full(len(price), np.nan)
    for mic, rows, rule in listed.stretches("tick"):
        rows = rows[checked[rows]]
        steps[rows] = tick_at(rule, price[rows])
        bad = rows[as_traded[rows] & ~on_tick(rule, price[rows])]
        below = np.floor(price[bad] / steps[bad]) * steps[bad]
        expected = [
            f"{number(low)} or {number(low + step)}" for low, step in zip(below, steps[bad], strict=True)
        ]
        why = [
            f"the step at that price is {number(step)}: {rule_words(mic, 'tick', rule)}"
            for step in steps[bad]
        ]
        found.add(bad, "off_tick", expected, [number(one) for one in price[bad]], why, source=rule.source)
    return steps


def _check_lots(found: Findings, listed: Listed, unchecked: list[str]) -> None:
    fills = listed.fills
    quantity = _of_orders(fills)
    unknown: set[str] = set()
    for mic, rows, rule in listed.stretches("lot"):
        rows = rows[np.isfinite(quantity[rows])]
        if rule.shares == 0:
            own = _by_stock(fills, rows)
            unknown |= set(fills["symbol"].iloc[rows[own == 0]])
            _check_board_lots(found, rows, own, quantity, rule_words(mic, "lot", rule), rule.source)
            continue
        odd = np.abs(quantity[rows] / rule.shares - np.rint(quantity[rows] / rule.shares)) > 1e-9
        if rule.board in FROM_UNIT and rule.board:
            odd = (quantity[rows] < rule.shares) | (np.abs(quantity[rows] - np.rint(quantity[rows])) > 1e-9)
        bad = rows[odd]
        sale = fills["side"].iloc[bad].isin(["sell", "short"]).to_numpy()
        whole = np.abs(quantity[bad] - np.rint(quantity[bad])) <= 1e-9
        # The mainland lets a remainder be sold in one order, which no blotter tells from another odd sale; and a
        # purchase may be filled by it in part, which only the number of the order tells.
        part = fills["order_id"].iloc[bad].eq("").to_numpy()
        remainder = (sale | part) & (venue(mic).market == "CN")
        light = (remainder | rule.odd_lots) & whole
        words = rule_words(mic, "lot", rule)
        for note, code in ((light, "odd_lot"), (~light, "lot")):
            these = bad[note]
            given = [number(one) for one in quantity[these]]
            found.add(these, code, f"a multiple of {rule.shares:,}", given, words, source=rule.source)
    if unknown:
        unchecked.append(f"lots of {few(unknown)} differ by stock and are not known: not checked")


def _by_stock(fills: pd.DataFrame, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the board lot of each row's stock on its date, 0 where it is not known."""
    days = fills["session"].iloc[rows].astype(np.int64)
    pairs = zip(fills["symbol"].iloc[rows], days, strict=True)
    return np.array([board_lot(symbol, date.fromordinal(day + EPOCH)) for symbol, day in pairs], np.int64)


def _check_board_lots(
    found: Findings,
    rows: NDArray[np.int64],
    lots: NDArray[np.int64],
    quantity: NDArray[np.float64],
    words: str,
    source: str,
) -> None:
    """Note what is no whole number of board lots: a market of its own takes odd lots."""
    count = quantity[rows] / np.maximum(lots, 1)
    odd = (lots > 0) & (np.abs(count - np.rint(count)) > 1e-9)
    expected = [f"a multiple of {lot:,}" for lot in lots[odd]]
    found.add(
        rows[odd], "odd_lot", expected, [number(one) for one in quantity[rows[odd]]], words, source=source
    )


def _of_orders(fills: pd.DataFrame) -> NDArray[np.float64]:
    """Give the quantity of each fill's order: a fill may be a part of it that no order could be."""
    quantity = fills["quantity"].to_numpy(np.float64).copy()
    named = fills["order_id"].ne("").to_numpy()
    keys = ["account", "symbol", "session", "side", "order_id"]
    quantity[named] = fills[named].groupby(keys, sort=False)["quantity"].transform("sum", min_count=1)
    return quantity


def _check_market(
    found: Findings,
    listed: Listed,
    rows: MarketRows,
    open_: Flags,
    priced: Flags,
    steps: NDArray[np.float64],
) -> None:
    fills = listed.fills
    where = np.flatnonzero(rows.halted)
    found.add(where, "halted", "a bar with trade", "a halted bar", CODES)
    absent = np.flatnonzero(rows.absent & open_)
    found.add(absent, "no_bar", "a bar of that session", "none", CODES)
    price = fills["price"].to_numpy(np.float64)
    half = np.where(np.isnan(steps), 1e-6 * price, steps / 2)
    _check_range(found, listed, rows, priced, half)
    for mic, part, limit, tick in _limits(listed):
        # On an ex-date the exchange rounds the restated close in its own way, a tick or two from here; and so it did
        # the close of which only an adjusted price is known.
        rescaled = rows.restated | ~fills["as_traded"].to_numpy(np.bool_)
        room = half[part] + np.where(rescaled[part], 2.0, 0.0) * steps[part]
        room = np.where(np.isnan(room), 0.0, room)
        low, high = limit_prices(limit, tick, rows.base[part])
        words = rule_words(mic, "price limit", limit)
        _check_limit(found, fills, part, price, (low, high), room, priced, words, limit.source)
        _check_locks(found, fills, part, rows, (low, high), tick, words, limit.source)


def _limits(listed: Listed) -> Iterator[tuple[str, Integers, Any, Any]]:
    ticks = {id(rule): rule for _, _, rule in listed.stretches("tick")}
    place = np.zeros(len(listed.fills), np.int64)
    for _, rows, rule in listed.stretches("tick"):
        place[rows] = id(rule)
    for mic, rows, limit in listed.stretches("price_limit"):
        if limit.kind == "none":
            continue
        for key in np.unique(place[rows]):
            if key:
                yield mic, rows[place[rows] == key], limit, ticks[key]


def _check_range(
    found: Findings, listed: Listed, rows: MarketRows, priced: Flags, half: NDArray[np.float64]
) -> None:
    """Check prices against the bar; a book of odd lots has prices of its own."""
    fills = listed.fills
    price, quantity = fills["price"].to_numpy(np.float64), fills["quantity"].to_numpy(np.float64)
    out = priced & ((price < rows.low - half) | (price > rows.high + half)) & ~rows.halted
    odd = np.zeros(len(fills), np.bool_)
    for _, part, rule in listed.stretches("lot"):
        odd[part] = rule.odd_lots and quantity[part] < rule.shares
    for light, more in ((False, ""), (True, "; odd lots trade in a book of their own")):
        where = np.flatnonzero(out & (odd == light)).tolist()
        expected = [f"{number(rows.low[row])} to {number(rows.high[row])}" for row in where]
        why = [f"the bar of {_day(fills['session'].iat[row])} never traded there{more}" for row in where]
        given = [number(price[row]) for row in where]
        found.add(where, "outside_bar", expected, given, why, severity="note" if light else "")


def _check_limit(
    found: Findings,
    fills: pd.DataFrame,
    part: Integers,
    price: NDArray[np.float64],
    limits: tuple[NDArray[np.float64], NDArray[np.float64]],
    room: NDArray[np.float64],
    priced: Flags,
    words: str,
    source: str,
) -> None:
    low, high = limits
    beyond = ((price[part] > high + room) | (price[part] < low - room)) & priced[part]
    # Funds on foreign or leveraged holdings have limits of their own, which no book tells by fund.
    fund = fills["kind"].iloc[part].eq("fund").to_numpy()
    for these, severity in ((beyond & ~fund, ""), (beyond & fund, "note")):
        bad = part[these]
        expected = [f"{number(a)} to {number(b)}" for a, b in zip(low[these], high[these], strict=True)]
        found.add(
            bad,
            "beyond_limit",
            expected,
            [number(price[row]) for row in bad],
            words,
            source=source,
            severity=severity,
        )


def _check_locks(
    found: Findings,
    fills: pd.DataFrame,
    part: Integers,
    rows: MarketRows,
    limits: tuple[NDArray[np.float64], NDArray[np.float64]],
    tick: Any,
    words: str,
    source: str,
) -> None:
    low, high = limits
    buys = fills["side"].iloc[part].isin(["buy", "cover"]).to_numpy()
    up = rows.low[part] >= high - tick_at(tick, high) / 2
    down = rows.high[part] <= low + tick_at(tick, low) / 2
    for locked, way, verb in ((up & buys, "up", "bought"), (down & ~buys, "down", "sold")):
        bad, level = part[locked], (high if way == "up" else low)[locked]
        base = rows.base[bad]
        why = [
            f"the whole bar stood at the limit {way}, {number(one)} after a close of {number(before)}: "
            f"nothing could be {verb} in the regular book; {words}"
            for one, before in zip(level, base, strict=True)
        ]
        found.add(
            bad, "locked", f"no fill that {verb}", f"{verb} at a bar locked limit {way}", why, source=source
        )


def _day(session: Any) -> str:
    return str(np.datetime64(int(session), "D"))


def _weekday(session: Any) -> str:
    return pd.Timestamp(int(session) * DAY).strftime("%Y-%m-%d, a %A")
