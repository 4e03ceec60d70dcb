"""An exit of a desk's own, written as a function: checked, compiled, and asked at the close of each bar."""

import math

import numpy as np
import pandas as pd
import pytest

import aftershock as af
from aftershock.data.errors import InputError
from aftershock.engine import exit_rules, kernels, trials
from aftershock.engine.exit_rules import check_rule, ruled
from aftershock.engine.portfolio import bars_of
from aftershock.engine.types import Rules, rule_dtype
from aftershock.strategies.reaction import Reaction

LIMIT = 0.05
EVENT = pd.DataFrame(
    {"known_by": ["2025-11-10T12:00Z"], "tag": "chip", "direction": "positive", "symbols": "8035.T"}
)
DAYS = pd.bdate_range("2025-11-10", periods=8)


def prices(close, **columns):
    table = pd.DataFrame({"symbol": "8035.T", "date": DAYS[: len(close)], "close": close})
    table["open"] = [close[0], *close[:-1]]
    both = table[["open", "close"]]
    table = table.assign(high=both.max(axis=1), low=both.min(axis=1))
    return table.assign(**columns)


def one_trade(close, rule, *, halted=(), **settings):
    """The trade of the one event known before the second bar, which enters at its open."""
    halts = [k in halted for k in range(len(close))]
    costs = af.Costs(model="zero")
    result = af.backtest(EVENT, prices(close, halted=halts), Reaction(exit=rule, **settings), costs=costs)
    (trade,) = result.trades.to_dict("records")
    return trade["exit_kind"], trade["bars"], trade["exit_price"], trade["carried"]


# ------------------------------------------------------------------------------------------- when it leaves


def after_two(held):
    return held >= 2


def falls(side, open, close):
    return side * close < side * open


def never(held):
    return held < 0


def always() -> bool:
    return True


CLOSES = [100.0, 101.0, 102.0, 99.0, 98.0, 97.0, 103.0, 104.0]


def test_it_leaves_at_the_next_open():
    # Entered at the open of bar 1 (100); the third bar since, bar 3, is the first at whose close it says so.
    assert one_trade(CLOSES, after_two, hold=6) == ("rule", 3, 99.0, False)
    assert one_trade(CLOSES, falls, hold=6) == ("rule", 3, 99.0, False)
    assert one_trade(CLOSES, always, hold=6) == ("rule", 1, 101.0, False)
    assert one_trade(CLOSES, never, hold=6) == ("hold", 6, 104.0, False)


def test_an_entry_at_the_close_is_first_asked_the_bar_after():
    # The event is known on the evening of bar 0, so it is entered at the close of bar 1.
    assert one_trade(CLOSES, always, hold=5, entry="close") == ("rule", 2, 102.0, False)


def test_what_does_not_fill_is_carried_and_a_halted_bar_is_not_asked():
    assert one_trade(CLOSES, falls, hold=6, halted=[4, 5]) == ("rule", 5, 97.0, True)
    assert one_trade(CLOSES, falls, hold=6, halted=[3]) == ("rule", 4, 98.0, False)


def test_other_exits_remain():
    assert one_trade(CLOSES, after_two, hold=1) == ("hold", 1, 102.0, False)
    assert one_trade(CLOSES, falls, hold=6, stop=0.005) == ("stop", 2, 99.5, False)
    assert one_trade(CLOSES, after_two, hold=2) == ("hold", 2, 99.0, False)
    assert one_trade(CLOSES, after_two, hold=3, exit_at="open") == ("rule", 3, 99.0, False)
    assert one_trade(CLOSES, never, hold=3, exit_at="open") == ("hold", 3, 99.0, False)


def test_it_hears_of_the_bar_that_is_over():
    heard = []

    def spy(held, side, entry_price, open, high, low, close, best):
        heard.append((held, side, entry_price, open, high, low, close, best))
        return held == 2

    bars = pd.DataFrame({"high": [101, 103, 104, 102], "low": [99, 98, 97, 96]}, dtype=float)
    table = prices(CLOSES[:4], high=bars["high"], low=bars["low"])
    tape = af.Tape.from_frame(table)
    ask = exit_rules._loop(exit_rules._adapter(spy, spy))
    arrays = (tape.open, tape.high, tape.low, tape.close, tape.halted)
    found = ask(arrays, np.array([1, 1]), np.array([1, -1]), np.array([4, 4]), False)
    assert found.tolist() == [4, 4]
    assert heard == [
        (0, 1, 100.0, 100.0, 103.0, 98.0, 101.0, 103.0),
        (1, 1, 100.0, 101.0, 104.0, 97.0, 102.0, 104.0),
        (2, 1, 100.0, 102.0, 102.0, 96.0, 99.0, 104.0),
        (0, -1, 100.0, 100.0, 103.0, 98.0, 101.0, 98.0),
        (1, -1, 100.0, 101.0, 104.0, 97.0, 102.0, 97.0),
        (2, -1, 100.0, 102.0, 102.0, 96.0, 99.0, 96.0),
    ]


# ------------------------------------------------------------------------------------------- what it may be


def text(held):
    return "leave" if held else "stay"


def number(held):
    return held


def half(held):
    if held > 2:
        return True
    return None


def nothing(held):
    return None


def misnamed(closing):
    return closing > 1.0


def starred(*prices):
    return True


def reads_global(close):
    return close > LIMIT


def reads_inside(held):
    return (lambda x: x > LIMIT)(held)


def unknown_attribute(close):
    return close.foo > 1.0


def unknown_name(close):
    return np.nope(close) > 1.0


def handles(close):
    with close as file:
        return file


def by_chance(close):
    return np.random.random() > 0.5


def generator(held):
    yield True


def around():
    level = 3

    def inner(held):
        return held > level

    return inner


class Called:
    def __call__(self, held):
        return True


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (text, "exit text, line {}: expected an answer of type bool, got a text; return True or False"),
        (number, "an answer of type bool, got one of type int64"),
        (half, "an answer of type bool, got none on one way out"),
        (nothing, "an answer of type bool, got none;"),
        (misnamed, "exit misnamed, line {}: expected arguments among held, .*, got 'closing'; did you mean 'close'"),
        (starred, r"got '\*prices'; name those that it reads"),
        (reads_global, "nothing read but its arguments, got 'LIMIT'; write its value into the function"),
        (reads_inside, "nothing read but its arguments, got 'LIMIT'"),
        (around(), "nothing read but its arguments, got 'level', which stands around it"),
        (unknown_attribute, r"a function that numba can compile, got one that it cannot \(Unknown attribute 'foo'"),
        (unknown_name, r"one that it cannot \(module 'numpy' has no attribute 'nope'\); use numbers"),
        (handles, r"one that it cannot \(The 'with"),
        (by_chance, r"the same answer each time, got one by chance \(random\)"),
        (generator, "exit to be a plain Python function"),
        (Called(), "exit to be a plain Python function, got <"),
        (len, "exit to be a plain Python function"),
        (5, "exit to be a plain Python function, got 5"),
        ("leave", "a function as 'file.py:name', got 'leave'"),
    ],
)  # fmt: skip
def test_what_cannot_be_an_exit_is_refused(rule, told):
    line = rule.__code__.co_firstlineno if hasattr(rule, "__code__") else 0
    with pytest.raises(InputError, match=told.format(line)) as caught:
        Reaction(exit=rule)
    assert "\n" not in str(caught.value)


def test_numba_says_at_which_line():
    line = unknown_attribute.__code__.co_firstlineno + 1
    with pytest.raises(InputError, match=f"test_exit_rules.py, exit unknown_attribute, line {line}"):
        check_rule(unknown_attribute)


def divides(held, close):
    return close / (held - 1.0) > 1e9


def test_a_bar_that_it_fails_on_is_told_with_its_line():
    line = divides.__code__.co_firstlineno + 1
    told = f"exit divides, line {line}: expected an answer for every bar, got ZeroDivisionError"
    with pytest.raises(InputError, match=told):
        one_trade(CLOSES, divides, hold=6)


def uses_math(held, close, entry_price):
    return bool(math.log(close / entry_price) < -0.02 or np.isnan(close) or max(held, 3) > 4)


def test_math_and_numpy_may_be_used():
    assert one_trade(CLOSES, uses_math, hold=6) == ("rule", 4, 98.0, False)


# ------------------------------------------------------------------------------------------- in company


def gives_back(held, side, entry_price, close, best):
    return held > 0 and side * (close - entry_price) < 0.5 * side * (best - entry_price)


@pytest.fixture(scope="module")
def market():
    events = af.load_events(["catalogue:fomc", "catalogue:tariffs"]).between(
        "2023-01-01T00:00Z", "2025-01-01T00:00Z"
    )
    made = af.simulated_market(
        "asia-semis", start="2022-12-01", end="2024-12-31", seed=3, events=events.frame
    )
    return events, made.tape


@pytest.mark.parametrize("mode", ["event", "account", "portfolio"])
@pytest.mark.parametrize("overlap", ["ignore", "extend"])
def test_each_trial_is_its_own_run(market, mode, overlap):
    grid = {"hold": [1, 4, 9], "stop": ["off", 0.03], "delay": [0, 1]}
    book = af.Portfolio(mode=mode, size={"account": 1.0, "event": 0.1, "portfolio": 0.05}[mode])
    strategy = Reaction(exit=gives_back, overlap=overlap)
    found = af.sweep(*market, strategy, grid, portfolio=book, placebo=0, jobs=1)
    for number in (0, 7, 11):
        one = found.trial(number)
        for name in ("trades", "open", "total_return", "sharpe", "max_drawdown", "costs", "pnl"):
            want = one.stats["headline"][name]
            assert found.trials.loc[number, name] == pytest.approx(want, rel=1e-9, abs=1e-12), name
    assert (one.trades["exit_kind"] == "rule").sum() > 20
    fall = one.waterfall
    steps = fall.drop(columns=["event_id", "symbol", "known_by", "target", "reaction", "net"]).sum(axis=1)
    np.testing.assert_allclose(steps, fall["net"], atol=1e-6)


@pytest.mark.parametrize("mode", ["event", "account", "portfolio"])
def test_rules_are_values_of_an_axis(market, mode):
    """Each trial is the run with its rule, bit by bit, whichever rule the strategy itself has."""
    rules = [gives_back, "off", after_two]
    book = af.Portfolio(mode=mode, size={"account": 1.0, "event": 0.1, "portfolio": 0.05}[mode])
    grid = {"hold": [4, 9], "exit": rules, "stop": ["off", 0.03]}
    found = af.sweep(*market, Reaction(exit=after_two), grid, portfolio=book, placebo=2, jobs=1)
    assert found.trials["exit"].unique().tolist() == ["gives_back", "off", "after_two"]
    assert len(found.placebo) == 2
    for place, rule in enumerate(rules):
        number = 6 + 2 * place + 1
        own = {} if rule == "off" else {"exit": rule}
        alone = af.backtest(*market, Reaction(hold=9, stop=0.03, **own), portfolio=book, name="sweep")
        one = found.trial(number)
        assert one.manifest["hashes"] == alone.manifest["hashes"]
        pd.testing.assert_frame_equal(one.trades, alone.trades, check_exact=True)
        for name in ("trades", "open", "total_return", "sharpe", "max_drawdown", "costs", "pnl"):
            want = alone.stats["headline"][name]
            assert found.trials.loc[number, name] == pytest.approx(want, rel=1e-9, abs=1e-12), name
    # After two bars neither hold is reached.
    assert found.trials["total_return"].nunique() == len(found) - 2
    cells = found.pivot("hold", "exit")
    assert cells.index.tolist() == ["after_two", "gives_back", "off"] and cells.notna().all(axis=None)


def test_a_rule_that_never_speaks_changes_nothing(market):
    one, other = (af.backtest(*market, Reaction(hold=4, exit=rule, take=0.04)) for rule in (None, never))
    pd.testing.assert_frame_equal(one.trades, other.trades, check_exact=True)
    assert one.manifest["hashes"]["experiment"] != other.manifest["hashes"]["experiment"]


def test_longest_hold_is_all_that_is_asked_of(market):
    """What comes after the hold changes no trade, unless it is prolonged."""
    _, tape = market
    bars = bars_of(tape)
    n = len(tape.symbols)
    entries = kernels.Entries(
        np.arange(n), np.zeros(n, np.int64), np.ones(n, np.int64), np.ones(n), bars.offsets[:-1] + 5,
        np.zeros(n, np.int64), np.zeros(n), np.full(n, -1, np.int64),
    )  # fmt: skip
    strategy = Reaction(hold=3, max_defer=3)
    case = kernels.Case(bars, _free(bars), entries, strategy.exits, strategy.orders, af.Portfolio().book)
    short, long = (ruled(case, gives_back, hold).rule_bar for hold in (3, 200))
    within = (long >= 0) & (long <= kernels.first_fills(case) + 4)
    np.testing.assert_array_equal(short, np.where(within, long, -1))
    assert within.any() and not within.all()


def _free(bars):
    n = len(bars.close)
    bar = np.zeros(n, rule_dtype)
    bar["unit"] = 1.0
    bar["limit_up"] = bar["limit_down"] = np.nan
    return Rules(bar, np.zeros(2, np.int64), np.zeros((0, 5)))


def test_accounts_one_by_one_are_walked(market):
    _, tape = market
    bars = bars_of(tape)
    n = len(tape.symbols)
    due = bars.offsets[:-1] + 30
    entries = kernels.Entries(
        np.arange(n), np.zeros(n, np.int64), np.ones(n, np.int64), np.ones(n), due,
        np.zeros(n, np.int64), np.zeros(n), np.full(n, -1, np.int64),
    )  # fmt: skip
    strategy, book = Reaction(hold=8), af.Portfolio(mode="account").book
    setup = trials.Setup(
        _free(bars), entries, np.ones(n), bars.session[due], strategy.exits, strategy.orders, book
    )
    with_rule = setup._replace(entries=ruled(trials.case_of(bars, setup), gives_back))
    assert trials._is_whole(setup) and not trials._is_whole(with_rule)
    off = np.full(1, np.nan)
    params = trials.Params(np.zeros(1, np.int64), np.array([8]), off, off, off, np.zeros(1))
    axis = trials.axis_of(bars)
    plain, _ = trials.account_figures(bars, axis, [setup], params)
    figures, count = trials.account_figures(bars, axis, [with_rule], params)
    assert count[0] > 10 and not np.allclose(plain[..., 0], figures[..., 0])
    found = trials.trades_of(bars, with_rule, params, 0)
    want = found["quantity"] * (found["exit_fill"] - found["entry_fill"]) / book.capital
    np.testing.assert_allclose(figures[0, found["instrument"], 0], want, atol=1e-12)
