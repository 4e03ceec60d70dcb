"""Made-up markets, signals and settings: rare enough to be odd, small enough to be shrunk."""

import math
from typing import Any

import ledger
import numpy as np
from hypothesis import strategies as st

from aftershock.engine.exit_rules import ruled
from aftershock.engine.kernels import Case
from aftershock.engine.rules import UNSIZED
from aftershock.engine.types import (
    MODES,
    OPPOSITE,
    OUTCOMES,
    SAME,
    Bars,
    Book,
    Entries,
    Exits,
    Orders,
    Rules,
    rule_dtype,
)

GRID = [90.0, 95.0, 97.0, 98.0, 99.0, 100.0, 101.0, 102.0, 103.0, 105.0, 110.0]
"""Few prices, so that touches, ties and locked bars are common."""
NAN = math.nan
TERMS: list[list[ledger.Term]] = [
    [],
    [],
    [ledger.Term(0.001, 20.0, 0.0, True, True)],
    [ledger.Term(0.0, 0.5, 0.5, True, True), ledger.Term(0.00002, 2.0, 3.0, True, True)],
    [ledger.Term(0.003, 0.0, 100.0, False, True), ledger.Term(0.0005, 2000.0, 0.0, True, False)],
]
"""Charges with bounds: commissions, tariffs, settlement fees; one so dear that it decides what cash allows."""


def red_bar(side, open, close):
    """Leaves after a bar against it; an open or close that is unknown says nothing."""
    return side * close < side * open


def given_back(held, side, entry_price, close, best):
    """Leaves once a third of the best gain is gone, but not on the first bar."""
    gain = side * (best - entry_price)
    return held > 0 and gain > 0.0 and side * (close - entry_price) < gain * 2.0 / 3.0


def wide(high: float, low: float) -> bool:
    """Leaves after a wide bar."""
    return high - low >= 8.0


def at_once() -> bool:
    return True


RULES = [red_bar, given_back, wide, at_once]
BARS_OF_SHORTS = [""] * 10 + ["short_banned", "short_rule"]


@st.composite
def bar_rows(draw: st.DrawFn, ordinal: int, clock: int, lengths: tuple[int, ...]) -> ledger.BarRow:
    price = st.sampled_from(GRID)
    open_, close = draw(price), draw(price)
    reach = st.sampled_from([0.0, 0.0, 1.0, 3.0])
    high, low = max(open_, close) + draw(reach), min(open_, close) - draw(reach)
    rare = st.integers(0, 11)
    if draw(rare) == 0:
        open_ = NAN
    if draw(rare) == 0:
        close = NAN
    halted = draw(rare) == 0
    return ledger.BarRow(
        session=19_000 + ordinal + ordinal // 5 * 2,
        ordinal=ordinal,
        opens_at=clock,
        closes_at=clock + draw(st.sampled_from(lengths)),
        open=open_,
        high=high,
        low=low,
        close=close,
        halted=halted,
        buy_rate=draw(st.sampled_from([0.0, 0.001])),
        sell_rate=draw(st.sampled_from([0.0, 0.003])),
        terms=draw(st.sampled_from(TERMS)),
        unit=draw(st.sampled_from([1.0, 1.0, 0.13, 0.0])),
        slip_open=draw(st.sampled_from([0.0, 0.0007])),
        slip_close=draw(st.sampled_from([0.0, 0.0003])),
        impact=draw(st.sampled_from([0.0, 0.0, 1e-5, 0.1])),
        borrow=draw(st.sampled_from([0.0, 0.0001])),
        withheld=draw(st.sampled_from([0.0, 0.0, 0.0, 0.002])),
        lot=0.0,
        limit_up=draw(st.sampled_from([NAN, NAN, NAN, 101.0, 103.0])),
        limit_down=draw(st.sampled_from([NAN, NAN, NAN, 99.0, 97.0])),
        short_open=draw(st.sampled_from(BARS_OF_SHORTS)),
        short_close=draw(st.sampled_from(BARS_OF_SHORTS)),
        sell_from=draw(st.sampled_from([0, 0, 0, 1, 2])),
    )


@st.composite
def markets(draw: st.DrawFn) -> tuple[list[list[ledger.BarRow]], list[int]]:
    count = draw(st.integers(1, 4))
    shift = draw(st.sampled_from([0, 5, 10]))
    lot = draw(st.sampled_from([0.0, 0.0, 0.0, 10.0, 10.0, 100.0, UNSIZED]))
    bars = []
    for k in range(count):
        rows: list[ledger.BarRow] = []
        ordinal, start = draw(st.integers(0, 2)), (shift * k) % 20
        # Bars of one session each, or several that share one and may touch.
        places = draw(st.sampled_from([(0,), (0,), (0, 5, 10), (0, 5, 15)]))
        lengths = (3, 5, 10) if len(places) == 1 else (3, 5, 5)
        least = draw(st.integers(1, 12))
        while len(rows) < least:
            for place in places:
                if len(places) == 1 or draw(st.integers(0, 5)):
                    row = draw(bar_rows(ordinal, 20 * ordinal + start + place, lengths))
                    row.lot = lot
                    rows.append(row)
            ordinal += draw(st.sampled_from([1, 1, 1, 2]))
        bars.append(rows)
    return bars, [draw(st.integers(0, 1)) for _ in range(count)]


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, ...]:
    bars, market = draw(markets())
    signals = []
    for _ in range(draw(st.integers(0, 12))):
        instrument = draw(st.integers(0, len(bars) - 1))
        signals.append(
            ledger.Signal(
                instrument=instrument,
                side=draw(st.sampled_from([1, -1])),
                weight=draw(st.sampled_from([1.0, 0.5, 0.3])),
                due=draw(st.integers(-1 if draw(st.integers(0, 9)) == 0 else 0, len(bars[instrument]) - 1)),
                waited=draw(st.sampled_from([0, 0, 0, 1, 2])),
                draw=draw(st.sampled_from([0.1, 0.2, 0.5, 0.7, 0.9])),
            )
        )
    # Rows are in the order of `known`; due bars of one instrument follow it.
    signals.sort(key=lambda s: bars[s.instrument][s.due].opens_at if s.due >= 0 else -1)
    level = st.sampled_from([NAN, NAN, 0.01, 0.03, 0.05])
    entry_at = draw(st.sampled_from(["open", "open", "close"]))
    exit_at = draw(st.sampled_from(["close", "close", "open"]))
    least = 1 if entry_at == "close" or exit_at == "open" else 0
    cap = st.sampled_from([math.inf, math.inf, math.inf, 0.05, 0.15, 0.3, 0.8])
    chosen = ledger.Settings(
        entry_at=entry_at,
        exit_at=exit_at,
        hold=draw(st.integers(least, 4)),
        stop=draw(level),
        take=draw(level),
        trail=draw(level),
        rule=draw(st.sampled_from([None, *RULES])),
        max_defer=draw(st.integers(0, 3)),
        same=draw(st.sampled_from(SAME)),
        opposite=draw(st.sampled_from(OPPOSITE)),
        entry_bar_exits=draw(st.booleans()),
        mode=draw(st.sampled_from(MODES)),
        capital=100_000.0,
        size=draw(st.sampled_from([0.1, 0.35, 0.6, 1.0])),
        compound=draw(st.booleans()),
        partial=draw(st.booleans()),
        min_share=draw(st.sampled_from([0.0, 0.0, 0.2, 0.6])),
        max_positions=draw(st.sampled_from([math.inf, math.inf, 1, 2])),
        max_name=draw(cap),
        max_market=draw(cap),
        max_gross=draw(cap),
        max_net=draw(cap),
    )
    return bars, market, signals, chosen


def market_of(
    bars: list[list[ledger.BarRow]],
    market: list[int],
    signals: list[ledger.Signal],
    chosen: ledger.Settings,
) -> tuple[Bars, Rules, Entries, Exits, Orders, Book]:
    """Give kernels the slow ledger's input."""
    flat = [row for rows in bars for row in rows]
    offsets = np.cumsum([0] + [len(rows) for rows in bars]).astype(np.int64)

    def column(name: str, dtype: type) -> np.ndarray:
        return np.array([getattr(row, name) for row in flat], dtype)

    tape = Bars(
        offsets,
        *(column(name, np.int64) for name in ("session", "ordinal", "opens_at", "closes_at")),
        *(column(name, np.float64) for name in ("open", "high", "low", "close")),
        column("halted", np.bool_),
    )
    terms = [(t.rate, t.minimum, t.maximum, float(t.buys), float(t.sells)) for each in TERMS for t in each]
    names = {"at_open": "slip_open", "at_close": "slip_close"}
    codes = ("short_open", "short_close")
    columns = {
        "schedule": [TERMS.index(row.terms) for row in flat],
        **{name: [OUTCOMES.index(getattr(row, name) or "filled") for row in flat] for name in codes},
        **{
            name: column(names.get(name, name), rule_dtype[name].type)
            for name in rule_dtype.names or ()
            if name not in ("schedule", *codes)
        },
    }
    starts = np.cumsum([0] + [len(each) for each in TERMS]).astype(np.int64)
    rules = Rules.of(len(flat), starts, np.array(terms, np.float64), columns.items())
    instrument = np.array([s.instrument for s in signals], np.int64)
    entries = Entries(
        instrument,
        np.array([market[k] for k in instrument], np.int64),
        np.array([s.side for s in signals], np.int64),
        np.array([s.weight for s in signals], np.float64),
        np.array([s.due + offsets[s.instrument] if s.due >= 0 else -1 for s in signals], np.int64),
        np.array([s.waited for s in signals], np.int64),
        np.array([s.draw for s in signals], np.float64),
        np.full(len(signals), -1, np.int64),
    )
    settings = (
        Exits(
            chosen.hold,
            float(chosen.stop),
            float(chosen.take),
            float(chosen.trail),
            chosen.exit_at == "open",
            chosen.entry_bar_exits,
        ),
        Orders(
            chosen.entry_at == "close",
            chosen.max_defer,
            SAME.index(chosen.same),
            OPPOSITE.index(chosen.opposite),
        ),
        Book(
            MODES.index(chosen.mode),
            chosen.capital,
            chosen.size,
            chosen.compound,
            chosen.partial,
            chosen.min_share,
            *(
                float(getattr(chosen, name))
                for name in ("max_positions", "max_name", "max_market", "max_gross", "max_net")
            ),
        ),
    )
    entries = ruled(Case(tape, rules, entries, *settings), chosen.rule)
    return tape, rules, entries, *settings
