"""Trials by tables and by walks against the kernels that simulate one run, on made-up markets and grids."""

import itertools
import math
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from markets import cases, market_of

from aftershock.engine import kernels, metrics, trials
from aftershock.engine.types import trade_dtype

NAN = math.nan


@st.composite
def grids(draw):
    """A market and a set-up of the kernels' own cases, and a grid of trials on it."""
    bars, rules, entries, exits, orders, book = market_of(*draw(cases()))
    if draw(st.booleans()):
        # Most cases have a cap or wait: half of them are made to fit the tables of accounts.
        orders = orders._replace(max_defer=0, same=kernels.IGNORE)
        free = dict.fromkeys(("max_positions", "max_name", "max_market", "max_gross", "max_net"), math.inf)
        book = book._replace(mode=kernels.ACCOUNT, **free)
    strength = np.array([draw(st.sampled_from([NAN, 0.5, 1.0, 2.0])) for _ in entries.due])
    first = bars.session[np.maximum(entries.due, 0)] - 1
    setup = trials.Setup(rules, entries, strength, first, exits, orders, book)
    least = 1 if orders.at_close or exits.at_open else 0
    level = st.lists(st.sampled_from([NAN, 0.01, 0.02, 0.03, 0.05]), min_size=1, max_size=3, unique_by=str)
    axes = [
        draw(st.lists(st.integers(least, 5), min_size=1, max_size=3, unique=True)),
        *(draw(level) for _ in range(3)),
        draw(st.lists(st.sampled_from([0.0, 0.5, 1.5]), min_size=1, max_size=2, unique=True)),
    ]
    rows = list(itertools.product(*axes))
    draw(st.randoms()).shuffle(rows)
    columns = [np.array(column, np.float64) for column in zip(*rows, strict=True)]
    params = trials.Params(np.zeros(len(rows), np.int64), columns[0].astype(np.int64), *columns[1:])
    return bars, setup, params


def simulated(bars, setup, params, row):
    trades = trials.trades_of(bars, setup, params, row)
    return trades[np.lexsort((trades["entry_bar"], trades["signal"]))]


def looked_up(bars, setup, params, row):
    """The trades of one trial by tables, kept."""
    batch = trials.batch_of(0, setup, params, np.array([row]))
    table = trials.new_passages(bars, setup, batch.levels)
    case = trials.case_of(bars, setup)
    kernels.passages(case, batch.levels, table, batch.hold, (0, len(setup.entries.due)))
    axis = trials.axis_of(bars)
    marks = trials.ground_of(bars, axis, [setup], params.hold[[row]], setup.book.capital).marks
    day, nothing = trials.new_day(len(marks.idle) - 1, 2), np.empty((1, 0), np.float32)
    room = np.zeros(len(setup.entries.due) + 1, trade_dtype), day, nothing
    sums = np.zeros((1, kernels.SUMS))
    room[0]["signal"] = -1
    kernels.sweep(case, batch.levels, table, marks, batch.cuts, batch.trials, room, sums)
    trades = room[0][room[0]["signal"] >= 0]
    return trades[np.lexsort((trades["entry_bar"], trades["signal"]))]


@settings(
    max_examples=int(os.environ.get("LEDGER_EXAMPLES", "300")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(grids())
def test_tables_give_the_trades_of_the_ledger_to_the_bit(grid):
    bars, setup, params = grid
    assume(trials.by_tables(setup, bars))
    for row in range(len(params.hold)):
        have, want = looked_up(bars, setup, params, row), simulated(bars, setup, params, row)
        assert len(have) == len(want)
        for name in set(trade_dtype.names) - {"done"}:
            np.testing.assert_array_equal(have[name], want[name], err_msg=name)


def figures_alone(bars, setup, params, row, axis, capital):
    """The figures of one trial as a run of it alone has them."""
    trades = trials.trades_of(bars, setup, params, row)
    least = params.least[row]
    taken = setup.first if not least else setup.first[setup.strength >= least]
    axis_days = axis.days[axis.days >= taken.min()] if len(taken) else axis.days[:0]
    place = np.searchsorted(axis_days, bars.session)
    pnl, exposure, _ = kernels.mark(bars, trades, setup.rules, place, len(axis_days), True)
    equity = capital + np.cumsum(pnl)
    told = metrics.summary(equity, axis_days.astype("M8[D]").astype("M8[ns]"), capital)
    with np.errstate(all="ignore"):
        share = np.where(equity > 0.0, exposure / equity, np.nan)
    closed = trades[trades["exit_bar"] >= 0]
    charged = closed["entry_fee"] + closed["exit_fee"] + closed["borrow"] + closed["withheld"]
    moved = np.abs(closed["exit_fill"] - closed["exit_price"]) + np.abs(
        closed["entry_fill"] - closed["entry_price"]
    )
    gain = closed["side"] * closed["quantity"] * (closed["exit_fill"] - closed["entry_fill"]) - charged
    traded = (trades["quantity"] * trades["entry_fill"]).sum() + (
        closed["quantity"] * closed["exit_fill"]
    ).sum()
    years = told["days"] / 365.25
    names = ("total_return", "cagr", "volatility", "sharpe", "sortino", "max_drawdown", "calmar")
    return {name: told[name] for name in names} | {
        "trades": len(closed),
        "open": len(trades) - len(closed),
        "hit_rate": metrics.hit_rate(gain),
        "profit_factor": metrics.profit_factor(gain),
        "exposure": np.nanmean(share) if len(share[~np.isnan(share)]) else NAN,
        "turnover": traded / capital / years if years > 0 else NAN,
        "costs": (charged + closed["quantity"] * moved).sum(),
        "pnl": gain.sum(),
    }


@settings(
    max_examples=int(os.environ.get("LEDGER_EXAMPLES", "300")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(grids())
def test_figures_are_those_of_a_run_alone_whatever_the_threads_and_parts(grid):
    bars, setup, params = grid
    axis = trials.axis_of(bars)
    accounts = len(bars.offsets) - 1 if setup.book.mode == kernels.ACCOUNT else 1
    capital = setup.book.capital * accounts
    ground = trials.ground_of(bars, axis, [setup], np.array([params.hold.max()]), capital)
    sums = trials.sums_of(ground, params)
    figures = trials.figures_of(sums, axis, capital)
    for row in range(len(params.hold)):
        want = figures_alone(bars, setup, params, row, axis, capital)
        assert set(want) == set(figures)
        for name, value in want.items():
            assert figures[name][row] == pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True), name
    np.testing.assert_array_equal(trials.sums_of(ground, params, jobs=2), sums)
    half = len(params.hold) // 2
    for part in (np.arange(half), np.arange(half, len(params.hold))):
        np.testing.assert_array_equal(trials.sums_of(ground, params.rows(part)), sums[part])


@st.composite
def whole_accounts(draw):
    """A grid whose accounts put all they have into each trade, on one side, ended by the hold alone."""
    bars, setup, params = draw(grids())
    rules = setup.rules.with_columns(schedule=0, impact=0.0, borrow=0.0, withheld=0.0, lot=0.0)
    rules = rules._replace(starts=np.zeros(2, np.int64), terms=np.zeros((0, 5)))
    side = draw(st.sampled_from([1, -1]))
    entries = setup.entries._replace(
        side=np.full(len(setup.entries.due), side, np.int64), weight=np.ones(len(setup.entries.due))
    )
    free = dict.fromkeys(("max_positions", "max_name", "max_market", "max_gross", "max_net"), math.inf)
    setup = setup._replace(
        rules=rules,
        entries=entries,
        exits=setup.exits._replace(at_open=False),
        orders=setup.orders._replace(at_close=False, max_defer=0, same=kernels.IGNORE),
        book=setup.book._replace(mode=kernels.ACCOUNT, size=1.0, partial=True, **free),
    )
    off = np.full(len(params.hold), NAN)
    return bars, setup, params._replace(stop=off, take=off, trail=off)


@settings(
    max_examples=int(os.environ.get("LEDGER_EXAMPLES", "300")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.one_of(whole_accounts(), grids()))
def test_accounts_by_table_have_the_figures_of_accounts_marked_date_by_date(grid):
    bars, setup, params = grid
    setup = setup._replace(book=setup.book._replace(mode=kernels.ACCOUNT))
    axis = trials.axis_of(bars)
    figures, trades = trials.account_figures(bars, axis, [setup], params, jobs=2)
    want, count = np.zeros_like(figures), np.zeros_like(trades)
    days = axis.days[-1] - axis.days[0]
    span = len(axis.days), (len(axis.days) - 1) * 365.25 / days if days else NAN
    trials._walk_accounts((bars, axis, [setup], params, np.arange(len(params.hold)), span, want, count))
    np.testing.assert_array_equal(trades, count)
    np.testing.assert_allclose(figures[:, :, :2], want[:, :, :2], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(figures[:, :, 2], want[:, :, 2], rtol=1e-7, atol=1e-9)
