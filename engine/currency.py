"""Money in two currencies: traded shares of a quantity, and P&L with each fill exchanged at its mark."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.instants import Instants
from aftershock.data.prices.tape import Tape
from aftershock.engine.rules import UNSIZED, lots_in_base
from aftershock.engine.types import KINDS, REASONS, Flags, Floats

LEVELS = tuple(KINDS.index(kind) for kind in ("stop", "trail", "take"))


class Moments(NamedTuple):
    """The instants of trades' fills, in UTC nanoseconds.

    An exit inside a bar was done at some instant from ``exit_from`` (the bar's open) to ``exit_by`` (its close);
    elsewhere the two are one. Where ``closed`` is false they mean nothing.
    """

    entry: Instants
    exit_from: Instants
    exit_by: Instants
    closed: Flags


def moments(tape: Tape, records: np.ndarray, at_close: bool) -> Moments:
    """Say when the fills of trades were done, as far as it is known.

    Parameters
    ----------
    tape : Tape
        The bars.
    records : ndarray of trade_dtype, shape (n,)
        Trades.
    at_close : bool
        Whether they are entered at closes.
    """
    closed = records["exit_bar"] >= 0
    opened = tape.opens_at[np.where(closed, records["exit_bar"], records["entry_bar"])]
    # What was carried left later, at an open or with an opposite signal: those instants are known.
    inside = closed & np.isin(records["kind"], LEVELS) & ~records["carried"]
    return Moments(
        entry=(tape.closes_at if at_close else tape.opens_at)[records["entry_bar"]],
        exit_from=np.where(inside, opened, records["exit_at"]),
        exit_by=records["exit_at"],
        closed=closed,
    )


def shares_of(tape: Tape, records: np.ndarray, fx: Floats, lots: Floats) -> Floats:
    """Count the traded shares of each trade.

    Parameters
    ----------
    tape : Tape
        The bars; an unknown factor to traded prices counts as 1.
    records : ndarray of trade_dtype, shape (n,)
        Trades.
    fx : ndarray of float64, shape (n,)
        The rate that sized each of them; NaN unknown.
    lots : ndarray of float64, shape (n_bars,)
        The lot of each bar as kernels take it, 0 for none.

    Returns
    -------
    ndarray of float64, shape (n,)
        Whole lots where there are any; NaN where the rate is unknown.
    """
    each = lots_in_base(1.0, tape.factor[records["entry_bar"]], fx)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.where(np.isnan(fx), np.nan, records["quantity"] / each)
        lot = lots[records["entry_bar"]]
        whole = np.rint(records["quantity"] / lot) * np.rint(lot / each)
    return np.where((lot > 0.0) & ~np.isnan(fx), whole, shares)


def unhedged_pnl(records: np.ndarray, fx: Floats, entry_mark: Floats, exit_mark: Floats) -> Floats:
    """Give the P&L of each trade in the base currency, both fills and their fees exchanged at their marks.

    Parameters
    ----------
    records : ndarray of trade_dtype, shape (n,)
        Trades.
    fx : ndarray of float64, shape (n,)
        The rate that sized each of them.
    entry_mark, exit_mark : ndarray of float64, shape (n,)
        Base currency per unit of the trade's currency at its fills.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN where a rate or mark is unknown, and for trades that are open.

    Notes
    -----
    ``quantity / fx`` are shares at the tape's prices: the factor to traded prices cancels, and with it a split or a
    dividend while the trade is held changes nothing but what it changes in the prices.
    """
    units = records["quantity"] / fx
    bought = units * records["entry_fill"] * entry_mark
    sold = units * records["exit_fill"] * exit_mark
    fees = (
        records["entry_fee"] * entry_mark
        + (records["exit_fee"] + records["borrow"] + records["withheld"]) * exit_mark
    ) / fx
    pnl: Floats = records["side"] * (sold - bought) - fees
    return np.where(records["exit_bar"] >= 0, pnl, np.nan)


def told_unsized(signals: pd.DataFrame, lots: Floats) -> pd.DataFrame:
    """Say of signals that bought less than a lot where it was for want of an exchange rate at their due bar."""
    rows = signals.index[(signals["outcome"] == "below_lot") & (signals["due"] >= 0)]
    unsized = rows[lots[signals.loc[rows, "due"]] >= UNSIZED]
    table = signals.copy()
    table.loc[unsized, "outcome"] = "no_fixing"
    table.loc[unsized, "why"] = REASONS["no_fixing"]
    return table
