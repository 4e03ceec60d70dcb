"""vectorbt at work beside the kernels: drawn cases of what both define alike come out alike.

The recorded cases of test_accounting_oracle have no drawn one without levels; here flags, sides, sizes and costs are
drawn, and both programs are run.
"""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

vbt = pytest.importorskip("vectorbt")

oracle = runpy.run_path(str(Path(__file__).parent / "test_accounting_oracle.py"))
BARS = 16


def answered(case):
    """Run vectorbt on a case and write its answer into it as the recorded ones have theirs."""
    tables = {name: pd.DataFrame(np.transpose(case[name])) for name in ("open", "high", "low", "close")}
    told = {name: np.transpose(case[name]) for name in ("entries", "exits", "short_entries") if case[name]}
    options = {name: value for name, value in case["options"].items() if name != "array_options"}
    price = tables[options.pop("price", "close")]
    if "short_entries" in told:
        told["short_exits"] = np.zeros_like(told["short_entries"])
    portfolio = vbt.Portfolio.from_signals(tables["close"], price=price, **told, **options)
    orders, trades = portfolio.orders.values, portfolio.trades.values
    value = portfolio.value().to_numpy().reshape(BARS, -1)
    case["expected"] = {
        "orders": [
            {"col": o["col"], "bar": o["idx"], "side": "Sell" if o["side"] else "Buy"}
            | {name: o[name] for name in ("size", "price", "fees")}
            for o in orders
        ],
        "trades": [
            {"col": t["col"], "entry_bar": t["entry_idx"], "exit_bar": t["exit_idx"]}
            | {
                "direction": "Short" if t["direction"] else "Long",
                "status": "Closed" if t["status"] else "Open",
            }
            | {name: t[name] for name in ("size", "entry_price", "exit_price", "entry_fees", "exit_fees")}
            | {name: t[name] for name in ("pnl", "return")}
            for t in trades
        ],
        "equity": value.T.tolist(),
    }
    return case


@st.composite
def cases(draw):
    """Draw prices, flags and options; nothing is flagged on the first bar, and money is never short."""
    columns = draw(st.integers(1, 3))
    walk = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    open_, close = 100.0 * np.exp(np.cumsum(walk.normal(0, 0.02, (2, columns, BARS)), axis=2))
    high, low = np.maximum(open_, close), np.minimum(open_, close)

    both, slippage = draw(st.booleans()), draw(st.sampled_from([0.0, 0.001, 0.02]))
    entries, others = walk.random((2, columns, BARS)) < 0.3
    entries[:, 0] = others[:, 0] = False
    if slippage:
        # Two flags on one bar cancel each other where they weigh the same, which shares at two fills do not.
        others &= ~entries
    options = {
        "init_cash": 1e6,
        "size": draw(st.integers(1, 500)),
        "fees": draw(st.sampled_from([0.0, 0.001, 0.02])),
        "slippage": slippage,
        "upon_opposite_entry": draw(st.sampled_from(["close", "reverse", "ignore"])) if both else "close",
    }
    if draw(st.booleans()):
        options["price"] = "open"
    # A reversal leaves and enters at one instant: where accounts compound, what it enters with is not told before.
    options["cash_sharing"] = options["upon_opposite_entry"] == "reverse" or draw(st.booleans())
    return {
        "n_cols": columns,
        "n_bars": BARS,
        "options": options,
        "arrays": {},
        "open": open_.tolist(),
        "high": high.tolist(),
        "low": low.tolist(),
        "close": close.tolist(),
        "entries": entries.tolist(),
        "exits": None if both else others.tolist(),
        "short_entries": others.tolist() if both else None,
    }


@settings(max_examples=200, deadline=None)
@given(cases())
def test_drawn_cases_come_out_alike(case):
    assume(any(map(any, case["entries"])))
    case = answered(case)
    ours = oracle["ours"](case, oracle["SIGNALLED"])
    assert oracle["differences"](ours, oracle["theirs"](case)) == []
