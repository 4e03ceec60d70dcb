"""Blotters read: every row a fill with its instrument, its session and its traded price, or a problem with a line."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.blotters.columns import SIDES, meanings, side_of
from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.events import stamps
from aftershock.data.events.cells import read_numbers, read_zones
from aftershock.data.events.rows import Mask, Reason, Rows
from aftershock.data.instants import DAY, NAT, Instants, to_index
from aftershock.data.tables import LINE, lines_of, read_table
from aftershock.data.universes import Instrument, resolve
from aftershock.data.universes.symbols import BOARDS, MARKS
from aftershock.data.venues import find_venue, venue

Source = str | os.PathLike[str] | pd.DataFrame

OWN = {"trade_id", "kind", "action", "price", "fill_price"}
"""Columns by which the fills of a run of this package are told from a broker's."""

VENUE_CLOCK = "venue"
"""The zone that stands for the clock of each fill's own venue."""

MONEY = ("fee", "tax", "stamp_duty", "commission")
NEEDS_ZONE = (
    "add an offset (2025-09-12T09:00+09:00) or a zone column, or give the zone "
    "(--zone Asia/Tokyo; --zone venue is each exchange's own clock)"
)
_STAMP = re.compile(
    r"(\d{4})([-/.]?)(\d{2})\2(\d{2})(?:[ T,;]+(\d{2}):?(\d{2})(?::?(\d{2}(?:\.\d{1,9})?))?\s*(Z|[+-]\d{2}:?\d{2})?)?"
)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")


@dataclass(frozen=True, eq=False)
class Blotter:
    """Fills, tidy.

    Attributes
    ----------
    fills : DataFrame
        ``line`` (in the file), ``symbol`` (Yahoo's), ``venue``, ``kind``, ``side`` (``buy``, ``sell``, ``short``,
        ``cover``), ``quantity`` (shares) and ``price`` (both NaN where a run did not tell), ``paid`` (the
        price that charges are on), ``units`` (what positions are counted in), ``as_traded`` (bool; else ``price`` is
        on the scale of the run's own prices, since no factor to traded ones was known), ``at`` (int64, UTC ns,
        ``NAT`` where only the date is known), ``session`` (days since 1970 of the local date), ``fee, tax,
        stamp_duty, commission`` (local currency, NaN unknown), ``currency, order_id, account`` ("" unknown).
    skipped : DataFrame
        Bad rows that were left out: ``file, line, column, value, expected, cure``.
    ignored : tuple of str
        Columns that mean nothing here.
    missing : tuple of str
        What cannot be checked for want of columns, in sentences.
    """

    fills: pd.DataFrame
    skipped: pd.DataFrame
    ignored: tuple[str, ...]
    missing: tuple[str, ...]


def read_blotter(source: Source, *, zone: str | None = None, skip_bad: bool = False) -> Blotter:
    """Read a blotter: a broker's export in the usual dialects, or the fills of a run.

    Parameters
    ----------
    source : path or DataFrame
        CSV, JSONL or Parquet with a row for each fill; or the folder of a run.
    zone : str, optional
        IANA zone of stamps without one; ``venue``: each in that of its exchange.
    skip_bad : bool
        Leave bad rows out and list them in ``skipped``, instead of raising.

    Raises
    ------
    InputError
        All problems of all rows at once, each with its file, line and column.

    Examples
    --------
    >>> row = {"Ticker": "6138 TT", "Action": "BOT", "Qty": "1,000", "Px": 210.5, "Trade Date": "20250912"}
    >>> read_blotter(pd.DataFrame([row])).fills[["symbol", "side", "quantity"]].values.tolist()
    [['6138.TWO', 'buy', 1000.0]]
    """
    _check_zone(zone)
    table, file = _table(source)
    if not len(table):
        raise InputError(Problem("at least one fill", "none", "write the blotter again", file))
    missing: tuple[str, ...] = ()
    own = set(table.columns) >= OWN
    if own:
        table, missing = _of_run(table)
    named, ignored = meanings([name for name in table.columns if name not in (LINE, *_KEPT)], file)
    rows = _rows(table, file, {of_file: name for name, of_file in named.items()})
    fills = _fills(rows, zone, own)
    _rename(rows, named)
    bad = rows.bad()
    if rows.faults and (not skip_bad or bad.all()):
        raise rows.error()
    kept = fills[~bad].reset_index(drop=True)
    return Blotter(kept, rows.skipped(), () if own else tuple(ignored), missing)


_KEPT = ("paid", "units", "as_traded")


def _check_zone(zone: str | None) -> None:
    reason = stamps.zone_reason(zone) if zone not in (None, VENUE_CLOCK) else None
    if reason:
        raise InputError(Problem(reason[0], f"'{zone}'", reason[1], column="zone"))


def _table(source: Source) -> tuple[pd.DataFrame, str | None]:
    if isinstance(source, pd.DataFrame):
        table, file = source.reset_index(drop=True), None
    else:
        path = Path(source)
        path = path / "fills.parquet" if path.is_dir() else path
        table, file = read_table(path), str(path)
    if table.columns.nlevels > 1:
        raise InputError(Problem("one row of column names", "several", "flatten the columns", file))
    return table.set_axis([str(name) for name in table.columns], axis=1), file


def _of_run(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Bring the fills of a run into the columns of a blotter, in traded shares and local money where it tells them."""
    entry, buys = table["kind"].eq("entry"), table["action"].eq("buy")
    side = np.select([entry & ~buys, ~entry & buys, buys], ["short", "cover", "buy"], "sell")
    told = {"shares", "traded_price"} <= set(table.columns)
    nothing = pd.Series(np.nan, table.index)
    columns = {
        "symbol": table["symbol"],
        "side": side,
        "quantity": table["shares"] if told else nothing,
        "price": table["traded_price"].fillna(table["price"]) if told else nothing,
        "paid": table.get("traded_fill", nothing).fillna(table["fill_price"]) if told else nothing,
        "as_traded": table["traded_price"].notna() if told else True,
        "units": table["quantity"],
        "at": table["at"],
        "fee": table["fee"] / table["fx"] if {"fee", "fx"} <= set(table.columns) else nothing,
        # Each trade of a run stands by itself: it is closed by its own exit and by no other.
        "account": table["trade_id"].astype(str),
        "order_id": table["kind"].astype(str),
    }
    if "currency" in table:
        columns["currency"] = table["currency"]
    missing = []
    if not told:
        words = "the run tells no shares and traded_price: ticks, lots, ranges, limits and charges were not checked"
        missing.append(words)
    elif table["traded_price"].isna().any():
        n = int(table["traded_price"].isna().sum())
        missing.append(
            f"{n:,} of {len(table):,} fills of the run tell no traded price (no factor): ticks were not checked there, "
            "ranges and limits at the prices of the run"
        )
    if told and "fx" not in table:
        missing.append("the run tells no fx, and its fees are in the base currency: fees were not checked")
    return pd.DataFrame(columns).assign(**{LINE: lines_of(table)}), tuple(missing)


def _rows(table: pd.DataFrame, file: str | None, names: dict[str, str]) -> Rows:
    kept = [column for column in table.columns if column in names or column in _KEPT]
    frame = table[kept].rename(columns=names).reset_index(drop=True)
    return Rows(frame, np.full(len(frame), file, dtype=object), lines_of(table))


def _rename(rows: Rows, named: dict[str, str]) -> None:
    """Tell faults by the file's own names of its columns, and zones by this verb's own words."""
    for k, chunk in enumerate(rows.faults):
        cure = chunk["cure"].replace({stamps.NEEDS_ZONE: NEEDS_ZONE})
        rows.faults[k] = chunk.assign(column=chunk["column"].map(lambda one: named.get(one, one)), cure=cure)


def _fills(rows: Rows, zone: str | None, own: bool) -> pd.DataFrame:
    instruments = _instruments(rows)
    quantity, side = _amounts(rows, own)
    price = _price(rows, own)
    mics = np.array([one.venue if one else "" for one in instruments], dtype=object)
    at, session = _when(rows, zone, mics)
    money = {name: np.abs(_numbers(rows, name)) for name in MONEY}
    texts = {name: rows.text(name).str.strip() for name in ("order_id", "account")}
    columns = {
        "line": rows.lines,
        "symbol": np.array([one.symbol if one else "" for one in instruments], dtype=object),
        "venue": mics,
        "kind": np.array([one.kind if one else "" for one in instruments], dtype=object),
        "side": side,
        "quantity": quantity,
        "price": price,
        "paid": _numbers(rows, "paid") if own else price,
        "units": _numbers(rows, "units") if own else quantity,
        "as_traded": rows.frame["as_traded"].to_numpy(np.bool_) if own else np.True_,
        "at": at,
        "session": session,
        **money,
        "currency": rows.text("currency").str.strip().str.upper(),
        **texts,
    }
    return pd.DataFrame(columns)


def _instruments(rows: Rows) -> NDArray[Any]:
    given, exchange = rows.text("symbol").str.strip(), rows.text("exchange").str.strip()
    codes, pairs = pd.factorize(pd.MultiIndex.from_arrays([given, exchange]))
    found = [_instrument(*pair) for pair in pairs]
    instruments = np.empty(len(found), dtype=object)
    instruments[:] = [one if isinstance(one, Instrument) else None for one in found]
    wrong = np.array([not isinstance(one, Instrument) for one in found])[codes]
    reasons = [found[code] for code in codes[wrong]]
    rows.fault(wrong, "symbol", given[wrong], reasons)
    result: NDArray[Any] = instruments[codes]
    return result


@cache
def _instrument(text: str, exchange: str) -> Any:
    """Find the instrument of a symbol, by its exchange's column where it does not name one; else a reason."""
    if not text:
        return "a symbol", "fill the cell"
    try:
        return resolve(text)
    except InputError as error:
        problem = error.problems[0]
    for written in _with_exchange(text, exchange):
        try:
            return resolve(written)
        except InputError:
            continue
    told = problem.got.removeprefix(f"'{text}'").strip(" ,")
    return problem.expected, f"{told}: {problem.cure}" if told else problem.cure


def _with_exchange(text: str, exchange: str) -> list[str]:
    if not exchange:
        return []
    if exchange.upper() in MARKS:
        return [f"{exchange.upper()}:{text}"]
    try:
        mic = find_venue(exchange).mic
    except InputError:
        return []
    return [f"{text}.{suffix}" for suffix, board in BOARDS.items() if board.venue == mic]


def _numbers(rows: Rows, name: str) -> NDArray[np.float64]:
    """Read numbers, those with commas between thousands too."""
    if name in rows.frame.columns and rows.frame[name].dtype.kind not in "iuf":
        text = rows.text(name).str.strip()
        grouped = text.str.fullmatch(_GROUPED.pattern).to_numpy(np.bool_)
        if grouped.any():
            rows.frame[name] = text.where(~grouped, text.str.replace(",", "", regex=False))
    return read_numbers(rows, name)


def _amounts(rows: Rows, own: bool) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Read quantities above zero and sides; the sign of a quantity is the side where no column tells it."""
    signed = _numbers(rows, "quantity")
    bad = (np.isnan(signed) & (not own) | (signed == 0)) & ~rows.bad()
    reason = ("a number of shares", "correct the cell, or go on without the row (--skip-bad)")
    rows.fault(bad, "quantity", rows.shown("quantity", bad), reason)
    if "side" not in rows.frame.columns:
        return np.abs(signed), np.where(signed < 0, "sell", "buy").astype(object)
    words = rows.text("side").str.strip()
    sides = words.map({word: side_of(word) for word in words.unique()})
    empty = words.eq("").to_numpy(np.bool_)
    side = np.where(empty, np.where(signed < 0, "sell", "buy"), sides.to_numpy(object))
    lost = (side == "") | (empty & ~(signed < 0))
    rows.fault(lost, "side", words[lost], [_side_reason(word) for word in words[lost]])
    odd = (signed < 0) & np.isin(side.astype(str), ["buy", "cover"])
    reason = ("a quantity above zero of a purchase", "correct the quantity or the side")
    rows.fault(odd, "quantity", rows.shown("quantity", odd), reason)
    return np.abs(signed), side


def _side_reason(word: str) -> Reason:
    known = [*SIDES, *(name for names in SIDES.values() for name in names.split()[:6] if len(name) > 2)]
    guess = did_you_mean(word.lower(), sorted({name.lower() for name in known}))
    return "buy, sell, short or cover", guess if guess.startswith("did") else "write one of these"


def _price(rows: Rows, own: bool) -> NDArray[np.float64]:
    price = _numbers(rows, "price")
    told = rows.bad()
    bad = (~(price > 0) & ~(own & np.isnan(price))) & ~told
    reason = ("a price above zero", "correct the cell, or go on without the row (--skip-bad)")
    rows.fault(bad, "price", rows.shown("price", bad), reason)
    return price


def _when(rows: Rows, zone: str | None, mics: NDArray[Any]) -> tuple[Instants, Instants]:
    """Read when each fill was done: the instant where it is known, and the local date."""
    zones = _zones(rows, zone, mics)
    taken, shown = _stamps_of(rows)
    is_date = taken.kind == stamps.DATE
    spans = stamps.to_spans(taken, zones.mask(is_date, "UTC"))
    empty = taken.kind == stamps.EMPTY
    lost = (taken.kind == stamps.BROKEN) | (spans.trouble != stamps.FINE) | empty
    column = "at" if "at" in rows.frame.columns else "date"
    reasons = [
        ("when it was done", "fill the cell")
        if nothing
        else stamps.broken_reason(text)
        if trouble == stamps.FINE
        else stamps.trouble_reason(trouble, text, name, date)
        for nothing, text, trouble, name, date in zip(
            empty[lost], shown[lost], spans.trouble[lost].tolist(), zones[lost], is_date[lost], strict=True
        )
    ]
    rows.fault(lost, column, shown[lost], reasons)
    at = np.where(is_date | lost, NAT, spans.start)
    session = np.where(is_date, taken.wall // DAY, 0)
    for mic in np.unique(mics[(at != NAT) & (mics != "")].astype(str)):
        these = (mics == mic) & (at != NAT)
        local = to_index(at[these]).tz_convert(venue(mic).zone).tz_localize(None)
        session[these] = local.to_numpy("M8[ns]").view(np.int64) // DAY
    return at, session


def _zones(rows: Rows, zone: str | None, mics: NDArray[Any]) -> pd.Series[str]:
    if zone != VENUE_CLOCK:
        return read_zones(rows, zone)
    own = read_zones(rows, None)
    clocks = {mic: venue(mic).zone if mic else "UTC" for mic in np.unique(mics.astype(str))}
    return own.where(own.ne(""), pd.Series(mics, dtype="str").map(clocks))


def _stamps_of(rows: Rows) -> tuple[stamps.Stamps, NDArray[Any]]:
    """Take the stamps apart: ``at``, in its place the date with the time, or the date alone."""
    at, date = _one_column(rows, "at"), _one_column(rows, "date")
    if "time" in rows.frame.columns and date is not None:
        date = _with_time(rows, date)
    if at is None or date is None:
        found = at if at is not None else date
        assert found is not None
        return found
    (first, shown), (second, also) = at, date
    # A date alone beside a stamp tells no more than it, so it counts only where there is no stamp.
    use = first.kind == stamps.EMPTY
    kind, wall = np.where(use, second.kind, first.kind), np.where(use, second.wall, first.wall)
    return stamps.Stamps(kind.astype(np.int8), wall), np.where(use, also, shown)


def _one_column(rows: Rows, name: str) -> tuple[stamps.Stamps, NDArray[Any]] | None:
    if name not in rows.frame.columns:
        return None
    typed = stamps.typed_stamps(rows.frame[name])
    if typed is not None:
        return typed, np.array(rows.shown(name, np.ones(len(rows), np.bool_)), dtype=object)
    text = rows.text(name).str.strip()
    return stamps.written_stamps(_iso(text)), text.to_numpy(object)


def _with_time(rows: Rows, date: tuple[stamps.Stamps, NDArray[Any]]) -> tuple[stamps.Stamps, NDArray[Any]]:
    taken, shown = date
    time = rows.text("time").str.strip().to_numpy(object)
    alone: Mask = (taken.kind == stamps.DATE) & (time != "")
    days = pd.Series(taken.wall.view("M8[ns]")).dt.strftime("%Y-%m-%d").fillna("").to_numpy(object)
    text = np.where(alone, days + " " + time, "")
    joined = stamps.written_stamps(_iso(pd.Series(text, dtype="str")))
    kind, wall = np.where(alone, joined.kind, taken.kind), np.where(alone, joined.wall, taken.wall)
    return stamps.Stamps(kind.astype(np.int8), wall), np.where(alone, text, shown)


def _iso(text: pd.Series[str]) -> pd.Series[str]:
    """Write dates whose order is beyond doubt (20250912, 2025/09/12; 20250912;093000) in ISO."""
    return text.map({one: _written_iso(one) for one in text.unique()}).astype("str")


def _written_iso(text: str) -> str:
    found = _STAMP.fullmatch(text)
    if not found:
        return text
    year, _, month, day, hour, minute, second, offset = found.groups()
    clock = f"T{hour}:{minute}:{second or '00'}{offset or ''}" if hour else ""
    return f"{year}-{month}-{day}{clock}"
