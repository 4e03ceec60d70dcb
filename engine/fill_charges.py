"""What fills were charged against what their rule books take: taxes, duties, and fees as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.venues import venue
from aftershock.data.venues.book import Charge, RuleBook
from aftershock.engine.fill_findings import Findings, Listed, number
from aftershock.engine.fill_holdings import day_trades

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

WHOLE = ("TWD", "KRW", "JPY", "HKD")
"""Currencies in which exchanges and tax offices round to a whole unit."""

COMPULSORY = ("tax", "duty", "levy", "exchange", "settlement")
DAY_TRADE = {"XTAI": 0.5, "ROCO": 0.5, "XNSE": 0.0, "XBOM": 0.0}
"""The least share of the ordinary tax that a fill may have paid whose other side was done the same day: half in Taipei
since 2017-04-28 (the remark in data/venues/XTAI.toml); India has rates of its own, which its books do not hold."""
TAIPEI_FROM = (date(2017, 4, 28) - date(1970, 1, 1)).days


class Dues(NamedTuple):
    """Of some fills of one venue, side and stretch of rules: the least and the most of each group of charges."""

    rows: NDArray[np.int64]
    charges: Sequence[Charge]
    least: dict[str, Floats]
    most: dict[str, Floats]

    def summed(self, groups: Sequence[str], which: str) -> Floats:
        """Add up groups: their ``least`` or their ``most``."""
        told = getattr(self, which)
        total: Floats = np.sum([told[group] for group in groups], axis=0, dtype=np.float64)
        return total

    def count(self, groups: Sequence[str]) -> int:
        """Count the charges of groups that take something, each of which is rounded by itself."""
        return max(sum(one.group in groups and (one.rate > 0 or one.minimum > 0) for one in self.charges), 1)


def check_charges(found: Findings, listed: Listed, checked: Flags, unchecked: list[str]) -> None:
    """Compare taxes, duties and fees with the charges in force."""
    fills = listed.fills
    given = {name: fills[name].to_numpy(np.float64) for name in ("fee", "tax", "stamp_duty")}
    if all(np.isnan(values).all() for values in given.values()):
        unchecked.append("no fees, taxes or duties given: charges were not checked")
        return
    paid = np.where(fills["paid"].notna(), fills["paid"], fills["price"]).astype(np.float64)
    value = paid * fills["quantity"].to_numpy(np.float64)
    for mic, dues in _dues(listed, checked & np.isfinite(value), value):
        unit = 1.0 if venue(mic).currency in WHOLE else 0.01
        _check_tax(found, mic, dues, [given[name][dues.rows] for name in ("tax", "stamp_duty", "fee")], unit)
        _check_duty(found, mic, dues, given["stamp_duty"][dues.rows], unit)
        _check_fee(found, mic, dues, given["fee"][dues.rows], unit)


def _dues(listed: Listed, checked: Flags, value: Floats) -> Iterator[tuple[str, Dues]]:
    fills = listed.fills
    parts_of_orders = _parts_of_orders(fills)
    floor = _least_shares(fills)
    buys = fills["side"].isin(["buy", "cover"]).to_numpy()
    for mic, board, kind, rows in listed.groups():
        rows = rows[checked[rows]]
        dates = _turns(listed.books[mic])
        for k, part in listed.parted(rows, dates):
            charges = listed.books[mic].charges(dates[k], board, kind)
            for side, of_side in (("buy", buys[part]), ("sell", ~buys[part])):
                own = part[of_side]
                paying = [one for one in charges if one.side in (side, "both")]
                if len(own):
                    yield mic, _due(own, paying, value[own], parts_of_orders[own], floor[own])


def _turns(book: RuleBook) -> list[date]:
    """Give the dates on which a charge begins or has ended."""
    ends = [one.valid_to + timedelta(days=1) for one in book.charge if one.valid_to is not None]
    return sorted({*(one.valid_from for one in book.charge), *ends})


def _due(
    rows: NDArray[np.int64], charges: Sequence[Charge], value: Floats, parts: Flags, floor: Floats
) -> Dues:
    groups = (*COMPULSORY, "commission")
    least, most = ({group: np.zeros(len(rows)) for group in groups} for _ in range(2))
    for one in charges:
        full = np.maximum(value * one.rate, one.minimum)
        full = np.minimum(full, one.maximum) if one.maximum > 0.0 else full
        # A minimum is one of the order: its parts may have paid by the rate alone.
        low = np.where(parts, np.minimum(full, value * one.rate), full)
        least[one.group] += low * (floor if one.group in ("tax", "duty") else 1.0)
        most[one.group] += full
    return Dues(rows, charges, least, most)


def _parts_of_orders(fills: pd.DataFrame) -> Flags:
    named = fills["order_id"].ne("")
    keys = [fills["account"], fills["symbol"], fills["session"], fills["order_id"]]
    return (named & (named.groupby(keys).transform("size") > 1)).to_numpy(np.bool_)


def _least_shares(fills: pd.DataFrame) -> Floats:
    share = fills["venue"].map(DAY_TRADE).fillna(1.0).to_numpy(np.float64)
    taipei = fills["venue"].isin(["XTAI", "ROCO"]).to_numpy()
    late = fills["session"].to_numpy(np.int64) >= TAIPEI_FROM
    return np.where(day_trades(fills) & (late | ~taipei), share, 1.0)


def _room(amount: Floats, unit: float, count: int) -> Floats:
    room: Floats = unit * count + 1e-6 * amount
    return room


def _check_tax(found: Findings, mic: str, dues: Dues, given: Sequence[Floats], unit: float) -> None:
    """Check the column of taxes; where none of duties stands beside it, it may hold them too."""
    tax, duty, fee = given
    alone: Sequence[str] = ("tax",)
    both, wide = ("tax", "duty"), ("tax", "duty", "levy")
    fits = _within(dues, alone, tax, unit) & ~(np.isnan(duty) & (dues.summed(alone, "most") == 0.0))
    fits |= np.isnan(duty) & (_within(dues, both, tax, unit) | _within(dues, wide, tax, unit))
    # A duty that is not in the column of taxes may be in the total, which is checked by itself.
    elsewhere = (tax == 0.0) & np.isnan(duty) & ~np.isnan(fee) & _within(dues, alone, tax, unit)
    bad = ~np.isnan(tax) & ~fits & ~elsewhere
    for these, groups in ((bad & np.isnan(duty), both), (bad & ~np.isnan(duty), alone)):
        _note(found, mic, dues, these, groups, "tax", tax)


def _check_duty(found: Findings, mic: str, dues: Dues, duty: Floats, unit: float) -> None:
    bad = ~np.isnan(duty) & ~_within(dues, ("duty",), duty, unit)
    _note(found, mic, dues, bad, ("duty",), "stamp_duty", duty)


def _within(dues: Dues, groups: Sequence[str], amount: Floats, unit: float) -> Flags:
    least, most = dues.summed(groups, "least"), dues.summed(groups, "most")
    room = _room(most, unit, dues.count(groups))
    inside: Flags = (amount >= least - room) & (amount <= most + room)
    return inside


def _check_fee(found: Findings, mic: str, dues: Dues, fee: Floats, unit: float) -> None:
    least, most = dues.summed(COMPULSORY, "least"), dues.summed(COMPULSORY, "most")
    room = _room(most, unit, dues.count(COMPULSORY))
    _note(found, mic, dues, ~np.isnan(fee) & (fee < least - room), COMPULSORY, "fee_below", fee)
    usual = [one for one in dues.charges if one.group == "commission"]
    if usual:
        groups = (*COMPULSORY, "commission")
        above = ~np.isnan(fee) & (fee > most + dues.most["commission"] + room + unit)
        _note(found, mic, dues, above, groups, "fee_above", fee)


def _note(
    found: Findings, mic: str, dues: Dues, bad: Flags, groups: Sequence[str], code: str, given: Floats
) -> None:
    charges = [one for one in dues.charges if one.group in groups and (one.rate or one.minimum)]
    words = "; ".join(_said(one) for one in charges) or "no such charge"
    source = "; ".join(dict.fromkeys(one.source for one in charges if one.source))
    least, most = dues.summed(groups, "least")[bad], dues.summed(groups, "most")[bad]
    if code.startswith("fee_"):
        word = "at least " if code == "fee_below" else "at most "
        expected = [
            word + number(round(a if code == "fee_below" else b, 2)) for a, b in zip(least, most, strict=True)
        ]
    else:
        expected = [_between(a, b) for a, b in zip(least, most, strict=True)]
    amounts = [number(round(one, 2)) for one in given[bad]]
    found.add(dues.rows[bad], code, expected, amounts, f"{mic}: {words}", source=source)


def _between(least: float, most: float) -> str:
    low, high = number(round(least, 2)), number(round(most, 2))
    return high if low == high else f"{low} to {high}"


def _said(charge: Charge) -> str:
    until = f" to {charge.valid_to}" if charge.valid_to else " on"
    trust = {"unverified": " (unverified)", "desk": " (the desk's own)"}.get(charge.confidence, "")
    return f"{charge.name} {charge.words()}, from {charge.valid_from}{until}{trust}"
