"""Trials by tables and by walks against the kernels that simulate one run, on made-up markets and grids."""

import itertools
import math
import os
import time

import ledger
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from markets import cases, market_of

from aftershock.engine import kernels, metrics, trials
from aftershock.engine.exit_rules import ruled
from aftershock.engine.types import MODES, Bars, Book, Entries, Exits, Orders, Rules, rule_dtype, trade_dtype

NAN = math.nan
LONGEST = 5


@st.composite
def grids(draw):
    """A market and a set-up of the kernels' own cases, and a grid of trials on it."""
    case = draw(cases())
    bars, rules, entries, exits, orders, book = market_of(*case)
    if draw(st.booleans()):
        # Most cases have a cap or wait: half of them are made to fit the tables of accounts.
        orders = orders._replace(max_defer=0, same=kernels.IGNORE)
        free = dict.fromkeys(("max_positions", "max_name", "max_market", "max_gross", "max_net"), math.inf)
        book = book._replace(mode=kernels.ACCOUNT, **free)
    entries = ruled(trials.Case(bars, rules, entries, exits, orders, book), case[-1].rule, LONGEST)
    strength = np.array([draw(st.sampled_from([NAN, 0.5, 1.0, 2.0])) for _ in entries.due])
    first = bars.session[np.maximum(entries.due, 0)] - 1
    setup = trials.Setup(rules, entries, strength, first, exits, orders, book)
    least = 1 if orders.at_close or exits.at_open else 0
    level = st.lists(st.sampled_from([NAN, 0.01, 0.02, 0.03, 0.05]), min_size=1, max_size=3, unique_by=str)
    axes = [
        draw(st.lists(st.integers(least, LONGEST), min_size=1, max_size=3, unique=True)),
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
    trades = np.zeros(len(setup.entries.due) + 1, trade_dtype)
    trades["signal"] = -1
    tables, sums = (batch.levels, table, batch.trials, marks), np.zeros((1, kernels.SUMS))
    trials.look_up(case, tables, batch.cuts, kernels.Room(day, nothing), sums, trades)
    trades = trades[trades["signal"] >= 0]
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
    # Bars that share a session are walked: most cases have some.
    place = np.arange(len(bars.close)) - np.repeat(bars.offsets[:-1], np.diff(bars.offsets))
    bars = bars._replace(session=19_000 + place, ordinal=place)
    setup = setup._replace(first=bars.session[np.maximum(setup.entries.due, 0)] - 1)
    # What costs no share of the value has accounts walked one by one.
    rules = setup.rules.with_columns(schedule=0)
    if draw(st.booleans()):
        rules = rules.with_columns(impact=0.0, borrow=0.0, withheld=0.0, lot=0.0)
    rules = rules._replace(starts=np.zeros(2, np.int64), terms=np.zeros((0, 5)))
    side = draw(st.sampled_from([1, -1]))
    entries = setup.entries._replace(
        side=np.full(len(setup.entries.due), side, np.int64),
        weight=np.ones(len(setup.entries.due)),
        rule_bar=np.full(len(setup.entries.due), -1, np.int64),
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
    want, count = walked(bars, axis, [setup], params)
    np.testing.assert_array_equal(trades, count)
    np.testing.assert_allclose(figures[:, :, :2], want[:, :, :2], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(figures[:, :, 2], want[:, :, 2], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("leasts", [1, 3, kernels.BESIDE + 2])
@pytest.mark.parametrize(
    ("holds", "fewest"),
    [(range(8), 20), ((kernels.STRETCH - 1, kernels.STRETCH, 2 * kernels.STRETCH + 6), 5)],
)
def test_crowded_accounts_have_the_figures_of_accounts_marked_date_by_date(side, leasts, holds, fewest):
    """Most signals meet a trade that is held, many on its last bar, and falls last for several trades.

    Holds end within a stretch of bars, with it, at the beginning of the next, and two further on.
    """
    draw = np.random.default_rng(11)
    bars, rules = crowded_market(draw, 3, 150)
    # Two that differ in their signals alone, and one of other rules.
    setups = [crowded_setup(draw, bars, rules, side, 60, 150) for _ in range(2)]
    setups.append(setups[0]._replace(rules=rules.with_columns(buy_rate=0.003)))
    least = np.linspace(0.0, 0.5, leasts) if leasts > 1 else [0.3]
    rows = np.array(list(itertools.product(range(3), holds, least)))
    draw.shuffle(rows)
    off = np.full(len(rows), NAN)
    params = trials.Params(
        rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64), off, off, off, rows[:, 2].copy()
    )
    axis = trials.axis_of(bars)
    assert [len(one.lanes.row) for one in trials._wholes_of(bars, setups, params)] == [
        2 * len(holds) * leasts,
        len(holds) * leasts,
    ]
    figures, count = trials.account_figures(bars, axis, setups, params, jobs=2)
    want, wanted = walked(bars, axis, setups, params)
    assert wanted.min() > fewest and (want[:, :, 1] < 0.0).all()
    np.testing.assert_array_equal(count, wanted)
    np.testing.assert_allclose(figures, want, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("side", [1, -1])
def test_accounts_of_which_no_two_share_hold_and_signals_have_those_figures_too(side):
    """A sample of a grid: holds are missing or outlast the data, least strengths differ, what is bought has to be kept.

    Many signals pass the same bar whose close is unknown.
    """
    draw = np.random.default_rng(12)
    bars, rules = crowded_market(draw, 3, 150)
    close = bars.close.copy()
    close[[75, 225, 375]] = NAN
    bars = bars._replace(close=close)
    rules = rules.with_columns(sell_from=draw.integers(0, 3, len(bars.close)))
    setups = [crowded_setup(draw, bars, rules, side, 60, 150) for _ in range(2)]
    some = draw.random((2, 70)) < 0.3
    which, hold = (
        np.append(column, extra)
        for column, extra in zip(np.nonzero(some), ([0, 1], [149, 9_999]), strict=True)
    )
    off = np.full(len(hold), NAN)
    params = trials.Params(which, hold, off, off, off, draw.random(len(hold)).round(1))
    (whole,) = trials._wholes_of(bars, setups, params)
    assert whole.lanes.by_hold.all() and (whole.lanes.alone >= 0).sum() == len(hold)
    axis = trials.axis_of(bars)
    figures, count = trials.account_figures(bars, axis, setups, params, jobs=2)
    want, wanted = walked(bars, axis, setups, params)
    assert len(np.unique(wanted)) > 10
    np.testing.assert_array_equal(count, wanted)
    np.testing.assert_allclose(figures, want, rtol=1e-9, atol=1e-11)


def walked(bars, axis, setups, params):
    """Figures of accounts that are marked date by date, and the trades of each trial."""
    figures = np.zeros((len(bars.offsets) - 1, len(params.hold), 3))
    count = np.zeros(len(params.hold), np.int64)
    days, rows = axis.days[-1] - axis.days[0], np.arange(len(params.hold))
    span = len(axis.days), (len(axis.days) - 1) * 365.25 / days if days else NAN
    trials._walk_accounts((bars, axis, setups, params, rows, span, figures, count))
    return figures.transpose(1, 0, 2), count


def test_a_short_may_be_worth_less_than_nothing_in_between():
    """Sold at 100, at 90, 250 and 80: the fall is from the peak at 90, which is higher than the money at the start."""
    draw = np.random.default_rng(3)
    bars, rules = crowded_market(draw, 1, 6)
    close, flat = np.array([100.0, 90.0, 250.0, 80.0, 80.0, 80.0]), np.full(6, 100.0)
    bars = bars._replace(open=flat, high=np.maximum(close, flat), low=np.minimum(close, flat), close=close)
    rules = rules.with_columns(buy_rate=0.0, sell_rate=0.0)
    setup = crowded_setup(draw, bars, rules, -1, 1, 6)
    setup = setup._replace(entries=setup.entries._replace(due=np.array([1])), strength=np.ones(1))
    off, axis = np.full(2, NAN), trials.axis_of(bars)
    params = trials.Params(np.zeros(2, np.int64), np.array([2, 0]), off, off, off, np.zeros(2))
    figures, _ = trials.account_figures(bars, axis, [setup], params)
    assert figures[0, 0, :2] == pytest.approx([0.2, -0.5 / 1.1 - 1.0])
    assert figures[1, 0, :2] == pytest.approx([0.1, 0.0])
    np.testing.assert_allclose(figures, walked(bars, axis, [setup], params)[0], rtol=1e-9)


def test_an_error_in_one_thread_stops_the_others():
    def run(work):
        seen.append(work)
        if work == 0:
            raise ValueError("first")
        time.sleep(0.01)

    seen: list[int] = []
    with pytest.raises(ValueError, match="first"):
        trials._shared_out(run, list(range(200)), 2)
    assert len(seen) < 100
    assert trials._shared_out(lambda work: work**2, [1, 2, 3], 2) == [1, 4, 9]
    assert trials._shared_out(run, [], 2) == []


@pytest.mark.parametrize("close", [200.0, 250.0, 100.0 / 3.0])
@pytest.mark.parametrize("mode", MODES)
def test_a_short_may_cost_all_that_there_is(mode, close):
    """Sold at 100 with all the money: at 200 nothing is left, at 250 less than that; another signal comes later."""
    draw = np.random.default_rng(3)
    bars, rules = crowded_market(draw, 1, 12)
    path = np.full(12, 100.0)
    path[3:6] = close
    bars = bars._replace(open=np.full(12, 100.0), high=np.maximum(path, 100.0), low=np.minimum(path, 100.0))
    bars = bars._replace(close=path)
    rules = rules.with_columns(buy_rate=0.0, sell_rate=0.0)
    none = np.zeros(2, np.int64)
    entries = Entries(none, none, none - 1, np.ones(2), np.array([2, 8]), none, draw.random(2), none - 1)
    book = Book(MODES.index(mode), 1e5, 1.0, True, True, 0.0, *[math.inf] * 5)
    exits, orders = Exits(1, NAN, NAN, NAN, False, True), Orders(False, 0, kernels.IGNORE, 0)
    setup = trials.Setup(rules, entries, np.ones(2), none, exits, orders, book)
    off, axis = np.full(4, NAN), trials.axis_of(bars)
    params = trials.Params(
        np.zeros(4, np.int64), np.array([1, 2, 3, 5]), off, off, off, np.array([0.0, 0.0, 0.5, 0.5])
    )
    ground = trials.ground_of(bars, axis, [setup], np.array([5]), 1e5)
    with np.errstate(all="ignore"):
        figures = trials.figures_of(trials.sums_of(ground, params), axis, 1e5)
        assert figures["total_return"][0] == pytest.approx(1.0 - close / 100.0)
        for row in range(4):
            for name, value in figures_alone(bars, setup, params, row, axis, 1e5).items():
                assert figures[name][row] == pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True), name
        if mode == "account":
            told, count = trials.account_figures(bars, axis, [setup], params)
            want, wanted = walked(bars, axis, [setup], params)
            assert count.tolist() == wanted.tolist()
            np.testing.assert_allclose(told, want, rtol=1e-9, atol=1e-11)


def crowded_setup(draw, bars, rules, side, signals_each, bars_each):
    """Signals of one side, a tenth of them of unknown strength."""
    instruments = len(bars.offsets) - 1
    instrument = np.repeat(np.arange(instruments), signals_each)
    place = np.sort(draw.integers(0, bars_each, (instruments, signals_each)), axis=1).ravel()
    n, none = len(place), np.zeros(len(place), np.int64)
    entries = Entries(
        instrument,
        none,
        np.full(n, side),
        np.ones(n),
        bars.offsets[instrument] + place,
        none,
        draw.random(n),
        np.full(n, -1),
    )
    return trials.Setup(
        rules,
        entries,
        np.where(draw.random(n) < 0.1, NAN, draw.random(n)),
        none,
        Exits(1, NAN, NAN, NAN, False, True),
        Orders(False, 0, kernels.IGNORE, 0),
        Book(kernels.ACCOUNT, 1e5, 1.0, True, True, 0.0, *[math.inf] * 5),
    )


def crowded_market(draw, instruments, bars_each):
    """Random walks whose bars always trade."""
    n = instruments * bars_each
    day = np.tile(np.arange(bars_each), instruments)
    close = 100.0 * np.exp(np.cumsum(draw.normal(0.0, 0.02, (instruments, bars_each)), axis=1)).ravel()
    open_ = close * np.exp(draw.normal(0.0, 0.01, n))
    prices = open_, np.maximum(open_, close), np.minimum(open_, close), close
    bars = Bars(
        np.arange(instruments + 1) * bars_each,
        day,
        day,
        day * 10,
        day * 10 + 6,
        *prices,
        np.zeros(n, np.bool_),
    )
    nothing = dict.fromkeys(rule_dtype.names, 0.0)
    told = {"buy_rate": 0.001, "sell_rate": 0.002, "limit_up": NAN, "limit_down": NAN}
    rules = Rules.of(n, np.zeros(2, np.int64), np.zeros((0, 5)), (nothing | told).items())
    return bars, rules


def test_a_carried_exit_may_outlast_its_hold():
    """A stop is locked on bar 1, the open of the hold's bar 2 is unknown: the trade leaves at the open of bar 3."""
    rows = [
        (100.0, 100.0, 100.0, NAN),
        (90.0, 90.0, 90.0, 90.0),
        (NAN, 95.0, 95.0, NAN),
        (95.0, 95.0, 95.0, NAN),
        (96.0, 96.0, 96.0, NAN),
    ]
    bars = [
        ledger.BarRow(
            k, k, 20 * k, 20 * k + 10, open_, high, low, low, False, 0.0, 0.0, [], 1.0, 0.0, 0.0, 0.0, 0.0,
            0.0, 0.0, NAN, limit, "", "", 0,
        )
        for k, (open_, high, low, limit) in enumerate(rows)
    ]  # fmt: skip
    chosen = ledger.Settings(hold=2, stop=0.05)
    signals = [ledger.Signal(0, 1, 1.0, 0, 0, 0.5)]
    (trade,), _ = ledger.run([bars], [0], signals, chosen)
    assert (trade.kind, trade.exit_bar, trade.carried) == ("stop", 3, True)
    market, rules, entries, exits, orders, book = market_of([bars], [0], signals, chosen)
    setup = trials.Setup(rules, entries, np.ones(1), np.zeros(1, np.int64), exits, orders, book)
    first, last = kernels.reach(trials.case_of(market, setup), 2)
    assert (first.tolist(), last.tolist()) == ([0], [3])
    params = trials.Params(*(np.array([one]) for one in (0, 2, 0.05, NAN, NAN, 0.0)))
    axis = trials.axis_of(market)
    ground = trials.ground_of(market, axis, [setup], np.array([2]), chosen.capital)
    figures = trials.figures_of(trials.sums_of(ground, params), axis, chosen.capital)
    want = figures_alone(market, setup, params, 0, axis, chosen.capital)
    for name, value in want.items():
        assert figures[name][0] == pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True), name
