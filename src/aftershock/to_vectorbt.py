"""A run as a portfolio of vectorbt, for its plots and statistics (docs/vectorbt.md)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem
from aftershock.data.instants import to_ns
from aftershock.engine.types import Floats, Integers
from aftershock.reports.run import Run, section

IDLE = "idle"
"""The column of money that no trade ever took: accounts that never traded, or all of it where nothing did."""


def to_vectorbt(run: Run) -> Any:
    """Give the headline trades of a run as a ``vectorbt.Portfolio``.

    Parameters
    ----------
    run : Run
        A result, or a run folder that was read back.

    Returns
    -------
    vectorbt.Portfolio
        A row for each UTC date of equity. In mode ``portfolio`` a column per instrument, all in one group that shares
        cash; in mode ``account`` the same with a group per instrument; in mode ``event`` a column of its own for each
        trade, which starts with its notional. Trades of one instrument that overlap have columns of their own
        (``8035.T``, ``8035.T #2``).

    Raises
    ------
    ImportError
        vectorbt is not installed.
    InputError
        The run has no date on which anything could be traded.
    """
    portfolio = _portfolio_class()
    trades, fills = run.trades[run.trades["headline"]], run.fills[run.fills["headline"]]
    dates = _dates(run, fills)
    mode = section(run.experiment, "portfolio")["mode"]
    layout = _layout(run, trades, mode)
    columns = _columns(run, layout, mode)
    position = pd.Series(columns.index.get_indexer(pd.Index(layout["label"])), trades["trade_id"])
    # vectorbt makes the frame, the orders are put in as they were filled: asked for again, it would cut them to its
    # own idea of cash, and take one a row and column where a day can see an entry and an exit.
    frame = portfolio.from_orders(
        pd.DataFrame(_closes(run, trades, columns, position, dates), dates, columns.index),
        size=np.nan,
        init_cash=columns.groupby("account", sort=False)["cash"].first().to_numpy(),
        group_by=None if mode == "event" else pd.Index(columns["account"]),
        cash_sharing=mode != "event",
        max_orders=1,
        freq="1D",
    )
    return frame.replace(order_records=_orders(fills, trades, position, dates, frame.order_records.dtype))


def _portfolio_class() -> Any:
    """Import vectorbt, which takes seconds, no sooner than it is asked for."""
    try:
        from vectorbt import Portfolio
    except ModuleNotFoundError as error:
        if error.name != "vectorbt":
            raise
        raise ImportError(
            "a vectorbt.Portfolio needs vectorbt, which is not installed; "
            "install it with: pip install 'aftershock[vectorbt]'"
        ) from None
    return Portfolio


def _dates(run: Run, fills: pd.DataFrame) -> pd.DatetimeIndex:
    """Give the dates of equity, among which is the session of each fill whatever its venue's calendar."""
    dates = pd.DatetimeIndex(np.union1d(run.equity["date"], fills["session"]))
    if len(dates) == 0:
        raise InputError(
            Problem(
                "a run with a date on which something could be traded",
                "one without",
                "its audit says why: result.audit[['outcome', 'reason']]",
            )
        )
    return dates.rename("date")


def _layout(run: Run, trades: pd.DataFrame, mode: str) -> pd.DataFrame:
    """Say for each trade which column it is in, which account that belongs to, and what that starts with."""
    if mode == "event":
        number = trades["trade_id"]
        return pd.DataFrame(
            {"label": number, "account": number, "place": 0, "cash": trades["notional"].astype(np.float64)}
        )
    symbol, place = trades["symbol"].astype(object), _places(trades)
    return pd.DataFrame(
        {
            "label": symbol.where(place == 0, symbol + " #" + (place + 1).astype(str)),
            "account": symbol if mode == "account" else mode,
            "symbol": symbol,
            "place": place,
            "cash": float(section(run.experiment, "portfolio")["capital"]),
        }
    )


def _places(trades: pd.DataFrame) -> pd.Series[int]:
    """Give trades of an instrument that overlap a place each: of one column vectorbt would make one trade."""
    entered = to_ns(trades["entry_at"])
    closed = (trades["status"] == "closed").to_numpy(bool)
    left = np.where(closed, to_ns(trades["exit_at"]), np.iinfo(np.int64).max)
    ends: dict[str, list[int]] = {}
    places = []
    for symbol, begin, end in zip(trades["symbol"], entered, left, strict=True):
        held_until = ends.setdefault(symbol, [])
        place = next((k for k, until in enumerate(held_until) if until <= begin), len(held_until))
        held_until[place : place + 1] = [end]
        places.append(place)
    return pd.Series(places, trades.index, dtype=np.int64)


def _columns(run: Run, layout: pd.DataFrame, mode: str) -> pd.DataFrame:
    """List the columns, those of one account side by side: the account and what it starts with."""
    order = ["label"] if mode == "event" else ["symbol", "place"]
    columns = layout.drop_duplicates("label").sort_values(order).set_index("label")[["account", "cash"]]
    capital = float(run.stats["headline"]["capital"])
    unused = capital - columns.drop_duplicates("account")["cash"].sum()
    if len(columns) == 0 or (mode == "account" and unused > columns["cash"].iloc[0] / 2):
        columns = pd.concat([columns, pd.DataFrame({"account": IDLE, "cash": unused}, [IDLE])])
    return columns.rename_axis("trade_id" if mode == "event" else "symbol")


def _rows(dates: pd.DatetimeIndex, sessions: pd.Series[Any]) -> Integers:
    return dates.get_indexer(pd.Index(sessions)).astype(np.int64)


def _closes(
    run: Run, trades: pd.DataFrame, columns: pd.DataFrame, position: pd.Series[int], dates: pd.DatetimeIndex
) -> Floats:
    """Give the closes that a run keeps, those around its events; elsewhere NaN: vectorbt carries the last one on."""
    closes = np.full((len(dates), len(columns)), np.nan)
    closes[:, columns.index == IDLE] = 1.0
    known = run.bars.dropna(subset="close").sort_values("opens_at", kind="stable")
    known = known.drop_duplicates(["symbol", "session"], keep="last")
    known = known[known["session"].isin(dates)]
    by_symbol = known.groupby("symbol").indices
    row, price = _rows(dates, known["session"]), known["close"].to_numpy(np.float64)
    column = position.to_numpy()
    for place, symbol in dict(zip(column, trades["symbol"], strict=True)).items():
        at = by_symbol.get(symbol, [])
        closes[row[at], place] = price[at]
    entered = _rows(dates, trades["entry_session"])
    unknown = np.isnan(closes[entered, column])
    closes[entered[unknown], column[unknown]] = trades["entry_fill"].to_numpy()[unknown]
    still_open = (trades["status"] == "open").to_numpy(bool)
    closes[-1, column[still_open]] = trades["exit_price"].to_numpy()[still_open]
    return closes


def _orders(
    fills: pd.DataFrame,
    trades: pd.DataFrame,
    position: pd.Series[int],
    dates: pd.DatetimeIndex,
    dtype: np.dtype[Any],
) -> np.ndarray:
    """Put fills into records of orders; what holding cost is charged with the last fill of each trade."""
    fills = fills.assign(column=fills["trade_id"].map(position))
    fills = fills.sort_values(["column", "trade_id"], kind="stable")
    last = ~fills["trade_id"].duplicated(keep="last")
    held = trades["borrow"] + trades["withheld"]
    if "hedge_pnl" in trades:
        held = held - trades["hedge_pnl"]
    holding = fills["trade_id"].map(pd.Series(held.to_numpy(), trades["trade_id"]))
    orders = np.zeros(len(fills), dtype)
    orders["id"] = np.arange(len(fills))
    orders["col"] = fills["column"]
    orders["idx"] = _rows(dates, fills["session"])
    orders["size"] = fills["quantity"]
    orders["price"] = fills["fill_price"]
    orders["fees"] = fills["fee"] + holding.where(last, 0.0)
    orders["side"] = fills["action"] == "sell"  # Buy is 0, Sell is 1
    return orders
