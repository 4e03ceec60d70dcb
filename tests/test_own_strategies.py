"""A strategy of a desk's own: what it sees, what it may give, and where it comes from."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import aftershock as af
from aftershock.data.errors import InputError
from aftershock.data.instants import to_ns
from aftershock.data.prices import Tape
from aftershock.experiment import Experiment, read_experiment
from aftershock.strategies.history import History
from aftershock.strategies.own_code import digest_of
from aftershock.sweeps import sweep_experiment

COLUMNS = ["event_id", "symbol", "side"]


class AsReaction(af.Strategy):
    """What a reaction does by direction, written as a class."""

    def signals(self, events, history, universe):
        return self.pairs(events, universe).query("side != 0")[[*COLUMNS, "strength"]]


class Reversal(af.Strategy):
    days: int = 5
    threshold: float = 0.0
    mode: str = "plain"

    def signals(self, events, history, universe):
        pairs = self.pairs(events, universe)
        fallen = history.asof(pairs["symbol"], pairs["known_by"]).returns(self.days) < -self.threshold
        return pairs.assign(side=(pairs["side"] * fallen).astype(int), weight=0.5)


@pytest.fixture(scope="module")
def market():
    events = af.load_events(["catalogue:fomc", "catalogue:tariffs"]).between(
        "2023-01-01T00:00Z", "2025-01-01T00:00Z"
    )
    made = af.simulated_market(
        "asia-semis", start="2022-12-01", end="2024-12-31", seed=3, events=events.frame
    )
    return events, made.tape


def given(answer):
    """A class that answers so, and a small market to ask it about."""

    class Given(af.Strategy):
        def signals(self, events, history, universe):
            return answer(events, history, universe)

    return Given()


PRICES = pd.DataFrame(
    {
        "symbol": ["8035.T"] * 5 + ["6857.T"] * 5,
        "date": [*pd.bdate_range("2025-09-08", periods=5)] * 2,
        "open": 100.0,
        "close": [100.0, 101.0, 102.0, 103.0, 104.0, 50.0, 49.0, 48.0, 47.0, 46.0],
    }
)
EVENTS = pd.DataFrame(
    {
        "event_id": ["a", "b", "c"],
        "known_by": ["2025-09-08T12:00Z", "2025-09-09T12:00Z", "2025-09-10T12:00Z"],
        "tag": "chip",
        "direction": "positive",
        "symbols": ["8035.T", "8035.T 6857.T", "6857.T"],
        "strength": [1.0, 2.0, 3.0],
    }
)


def run(strategy, **settings):
    return af.backtest(EVENTS, PRICES, strategy, costs=af.Costs(model="zero"), **settings)


# ------------------------------------------------------------------------------------------- the way of the signals


def test_a_class_that_does_what_a_reaction_does_trades_the_same(market):
    settings = {"stop": 0.03, "hold": 4, "latency": "5min", "sides": "long", "min_strength": 10.0}
    one, other = (af.backtest(*market, kind(**settings)) for kind in (af.Reaction, AsReaction))
    for name in ("trades", "audit", "fills", "equity", "waterfall"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)
    assert len(one.trades) > 100
    assert other.manifest["strategy"] == "AsReaction"


def test_what_gives_no_signal_has_its_reason():
    def answer(events, history, universe):
        return pd.DataFrame(
            {"event_id": ["a", "b", "b"], "symbol": ["8035.T", "8035.T", "6857.T"], "side": [1, 0, -1]}
        )

    result = run(
        given(answer).model_copy(update={"sides": "long", "min_strength": 1.0}), universe=["8035.T", "6857.T"]
    )
    told = {(one["event_id"], one["symbol"]): one["code"] for one in result.manifest["skipped_events"]}
    assert told == {("b", "8035.T"): "aside", ("b", "6857.T"): "other_side", ("c", ""): "aside"}
    assert result.trades["event_id"].tolist() == ["a"]


def test_weights_strengths_and_sides_are_those_given():
    def answer(events, history, universe):
        return pd.DataFrame(
            {
                "event_id": ["b", "c"],
                "symbol": "6857.T",
                "side": [-1, 1.0],
                "weight": [0.5, 2],
                "strength": [np.nan, 7],
            }
        )

    audit = run(given(answer)).audit.set_index("event_id")
    assert audit["side"].tolist() == [-1, 1]
    assert audit["weight"].tolist() == [0.5, 2.0]
    assert np.isnan(audit.loc["b", "strength"]) and audit.loc["c", "strength"] == 7.0
    faded = run(given(answer).model_copy(update={"stance": "fade"})).audit
    assert faded["side"].tolist() == [1, -1]


def test_what_is_not_given_is_the_events():
    def answer(events, history, universe):
        return pd.DataFrame({"event_id": ["c", "a"], "symbol": ["6857.T", "8035.T"], "side": 1})

    audit = run(given(answer)).audit
    assert audit[["event_id", "weight", "strength"]].to_numpy().tolist() == [["a", 1.0, 1.0], ["c", 1.0, 3.0]]


@pytest.mark.parametrize("tag", ["chip", "fed"])
def test_no_signals_are_no_trades(tag):
    result = run(given(lambda *_: pd.DataFrame(columns=COLUMNS)).model_copy(update={"tag": (tag,)}))
    assert (len(result.trades), len(result.audit), len(result.manifest["skipped_events"])) == (0, 0, 3)


def test_orders_for_now_can_look_back_where_prices_are_given():
    strategy = Reversal(days=1, threshold=-1.0)
    with pytest.raises(
        InputError, match=r"Reversal.signals, line \d+: expected prices to look back at, got none"
    ):
        af.signals(EVENTS, ["8035.T", "6857.T"], strategy, as_of="2025-09-10T13:00Z")
    table = af.signals(EVENTS, ["8035.T", "6857.T"], strategy, as_of="2025-09-10T13:00Z", prices=PRICES)
    assert table[["event_id", "symbol", "action"]].to_numpy().tolist() == [["c", "6857.T", "buy"]]


# ------------------------------------------------------------------------------------------- what it sees


def history(latency=0, **columns):
    known = to_ns(["2025-09-09T06:29:59Z", "2025-09-09T06:30Z", "2025-09-12T12:00Z"])
    return History(Tape.from_frame(PRICES.assign(**columns)), known, latency, ["9984.T"])


def test_a_bar_is_known_when_it_has_closed():
    past = history().asof("8035.T", ["2025-09-09T06:29:59Z", "2025-09-09T06:30Z", "2025-09-12T12:00Z"])
    assert past.close.tolist() == [100.0, 101.0, 104.0]
    assert past.closes_at[1] == pd.Timestamp("2025-09-09T06:30Z")
    late = history(latency=1_000_000_000).asof("8035.T", ["2025-09-09T06:29:59Z"])
    assert late.close.tolist() == [101.0]


def test_windows_end_with_the_last_bar_and_begin_with_nothing():
    past = history().asof(["8035.T", "6857.T"], ["2025-09-09T06:30Z", "2025-09-12T12:00Z"])
    np.testing.assert_array_equal(past.window(3), [[np.nan, 100.0, 101.0], [48.0, 47.0, 46.0]])
    np.testing.assert_array_equal(past.window(1, "open"), [[100.0], [100.0]])
    np.testing.assert_allclose(past.returns(2), [np.nan, 46.0 / 48.0 - 1.0])


def test_no_window_reaches_into_another_source():
    past = history(source=list("aabbb") * 2).asof("8035.T", ["2025-09-12T12:00Z"])
    np.testing.assert_array_equal(past.window(5)[0], [np.nan, np.nan, 102.0, 103.0, 104.0])


def test_history_is_what_a_slow_look_at_the_bars_finds(market):
    events, tape = market
    rng = np.random.default_rng(1)
    known, latency = to_ns(events.frame["known_by"]), 3_600_000_000_000
    symbols, instants = rng.choice(tape.symbols, 200), rng.choice(known, 200)
    past = History(tape, known, latency).asof(symbols, instants)
    windows = past.window(4, "low")
    for row, (symbol, instant) in enumerate(zip(symbols, instants, strict=True)):
        bars = tape.bars(symbol)
        bars = bars[to_ns(bars["closes_at"]) <= instant + latency]
        assert past.close[row] == bars["close"].iloc[-1]
        assert past.closes_at[row] == bars["closes_at"].iloc[-1]
        np.testing.assert_array_equal(windows[row], bars["low"].tail(4))


def test_what_has_no_prices_is_unknown():
    past = history().asof("9984.T", ["2025-09-12T12:00Z"])
    assert np.isnan(past.close[0]) and np.isnan(past.returns(1)[0]) and past.closes_at.isna().all()


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (
            lambda h: h.asof("8035.T", ["2025-09-10T00:00Z"]),
            "instants at which events were known, got 2025-09-10",
        ),
        (lambda h: h.asof(["8035.T"] * 2, ["2025-09-12T12:00Z"]), "got 2 symbols and 1 instants"),
        (lambda h: h.asof("8035.TT", ["2025-09-12T12:00Z"]), "8035.TT"),
        (lambda h: h.asof("8035.T", ["2025-09-12T12:00"]), "zone"),
        (lambda h: h.asof("8035.T", ["2025-09-12T12:00Z"]).window(0), "a window of 1 to 100,000 bars, got 0"),
        (lambda h: h.asof("8035.T", ["2025-09-12T12:00Z"]).window(10**12), "a window of 1 to 100,000 bars"),
        (lambda h: h.asof("8035.T", ["2025-09-12T12:00Z"]).window(2, "closed"), "a field of bars"),
        (lambda h: h.asof("8035.T", ["2025-09-12T12:00Z"]).returns(0), "at least 1 bar, got 0"),
    ],
)
def test_history_says_what_is_wrong(call, told):
    with pytest.raises(InputError, match=told):
        call(history())


def test_the_future_of_prices_is_not_there(market):
    """Cut or scrambled, what comes after an instant changes nothing that history told by then."""
    events, tape = market
    known = to_ns(events.frame["known_by"])
    symbols = tape.symbols[:5]
    rng = np.random.default_rng(0)
    for now in rng.choice(known, 8):
        asked = known[known <= now]
        later = tape.closes_at > now
        frame = tape.to_frame()
        scrambled = frame.copy()
        for column in ("open", "high", "low", "close"):
            scrambled.loc[later, column] *= 1.3
        others = [Tape.from_frame(frame[~later]), Tape.from_frame(scrambled)]
        for symbol in symbols:
            want = History(tape, known).asof(symbol, asked).window(30)
            assert np.isfinite(want).any()
            for other in others:
                np.testing.assert_array_equal(History(other, asked).asof(symbol, asked).window(30), want)
            np.testing.assert_array_equal(History(tape, known).cut(now).asof(symbol, asked).window(30), want)


def peeks(name):
    def mean(events, pairs, history):
        return pairs["strength"] > events["strength"].mean()

    def shift(events, pairs, history):
        return pairs["event_id"].map(events.set_index("event_id")["strength"].shift(-1)) > 2.0

    def last(events, pairs, history):
        late = pd.Series([events["known_by"].max()] * len(pairs))
        return history.asof(pairs["symbol"], late).close > 48.5

    def private(events, pairs, history):
        row = history._tape.offsets[[history._tape.segments(one)[0] for one in pairs["symbol"]]] + 2
        return history._prices["close"][row] > 45.0

    return {"mean": mean, "shift": shift, "last": last, "private": private}[name]


@pytest.mark.parametrize("how", ["mean", "shift", "last", "private"])
def test_who_looks_ahead_is_found_out(how):
    def answer(events, history, universe):
        pairs = af.Strategy.pairs(AsReaction(), events, universe)
        return pairs.assign(side=np.where(peeks(how)(events, pairs, history), 1, -1))

    with pytest.raises(
        InputError, match=r"Given.signals: expected signals that nothing later changes, got side"
    ):
        run(given(answer))


def test_who_draws_anew_each_time_is_found_out():
    rng = np.random.default_rng(0)

    def answer(events, history, universe):
        return pd.DataFrame({"event_id": ["a"], "symbol": "8035.T", "side": 1, "weight": rng.random()})

    with pytest.raises(
        InputError, match=r"the same signals each time, got .* asked a second time; draw with a seed"
    ):
        run(given(answer))


def test_events_are_a_copy():
    def answer(events, history, universe):
        made = events.assign(symbol=events["symbols"].str.split().str[0], side=1)[COLUMNS]
        events["strength"] = 0.0
        return made

    assert run(given(answer)).audit["strength"].tolist() == [1.0, 2.0, 3.0]


# ------------------------------------------------------------------------------------------- what it may give


def table(**columns):
    return lambda events, history, universe: pd.DataFrame(
        {"event_id": ["a", "b"], "symbol": "8035.T", "side": 1} | columns
    )


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda *_: None, "Given.signals: expected a DataFrame with event_id, symbol, side, got nothing; return"),
        (lambda *_: [1, 2], r"got list \[1, 2\]"),
        (
            lambda *_: pd.DataFrame({"event": ["a"], "symbol": "x", "side": 1}),
            "a column 'event_id', got none; did you mean 'event'",
        ),
        (
            lambda *_: pd.concat([table()(0, 0, 0), table()(0, 0, 0)[["side"]]], axis=1),
            "each column once, got 'side' twice",
        ),
        (
            table(event_id=["a", "bb"]),
            "Given.signals, row 1, column event_id: expected an event that was asked about, got 'bb'; did you mean 'b'",
        ),
        (table(event_id=["a", 7]), "row 1, column event_id: .* got 7"),
        (
            table(symbol=["8035.T", "8305.T"]),
            "row 1, column symbol: expected a symbol of the universe .*, got '8305.T'; did you mean '8035.T'",
        ),
        (table(side=[1, 2]), "row 1, column side: expected 1, -1 or 0, got 2; write the sign alone"),
        (table(side=[0.5, 1]), "row 0, column side: expected 1, -1 or 0, got 0.5"),
        (table(side=["long", "short"]), "row 0, column side: expected 1, -1 or 0, got 'long'"),
        (table(side=[True, False]), "row 0, column side: expected 1, -1 or 0, got True"),
        (table(side=[np.nan, 1]), "row 0, column side: expected 1, -1 or 0, got nan"),
        (table(weight=[1.0, np.inf]), "row 1, column weight: expected a number of at least 0, got inf"),
        (table(weight=[-1.0, 1.0]), "row 0, column weight: expected a number of at least 0, got -1.0"),
        (table(weight=[None, 1.0]), "row 0, column weight"),
        (table(strength=[np.inf, 1.0]), "row 0, column strength: expected a number, or NaN"),
        (table(strength=["x", 1.0]), "row 0, column strength: expected a number, or NaN .* got 'x'"),
        (
            table(event_id=["a", "a"]),
            "row 1: expected one row for an event and symbol, got 'a' on '8035.T' again, after row 0",
        ),
        (
            lambda e, h, u: e["no"],
            r"Given.signals, line \d+: expected signals, got KeyError: 'no'; correct the class",
        ),
        (
            lambda e, h, u: h.asof("8035.T", e["known_by"] + pd.Timedelta("5D")),
            r"Given.signals, line \d+: expected history.asof of instants at which",
        ),
    ],
)  # fmt: skip
def test_what_is_given_is_checked(answer, told):
    with pytest.raises(InputError, match=told) as caught:
        run(given(answer))
    assert all("\n" not in str(problem) for problem in caught.value.problems)


def test_the_line_is_that_of_the_class():
    class Broken(af.Strategy):
        def signals(self, events, history, universe):
            return 1 / 0

    line = Broken.signals.__code__.co_firstlineno + 1
    with pytest.raises(InputError, match=f"^Broken.signals, line {line}: .*ZeroDivisionError"):
        run(Broken())


def test_how_trades_end_is_not_for_signals():
    class Peek(af.Strategy):
        def signals(self, events, history, universe):
            return self.hold

    with pytest.raises(
        InputError, match=r"no use of how trades end, got self\.hold; add a field of your own"
    ):
        run(Peek())


def test_a_class_needs_signals_and_its_parameters_their_range():
    class Silent(af.Strategy):
        pass

    class Loose(AsReaction):
        stop: float = 5.0

    with pytest.raises(InputError, match="expected a method signals in Silent, got none"):
        Silent()
    with pytest.raises(InputError, match="a value of stop that fits"):
        Loose()
    with pytest.raises(InputError, match="a key of Reversal, got 'treshold'; did you mean 'threshold'"):
        Reversal(treshold=1)


@pytest.mark.parametrize(
    ("strategy", "told"),
    [
        (AsReaction, r"a strategy, got the class AsReaction; write AsReaction\(\)"),
        (5, "a strategy, got 5"),
        (AsReaction.signals, "a strategy, got <function"),
    ],
)
def test_what_is_no_strategy_is_refused(strategy, told):
    with pytest.raises(InputError, match=told):
        run(strategy)


# ------------------------------------------------------------------------------------------- sweeps


def test_fields_of_the_class_are_parameters(market):
    grid = {
        "threshold": [0.0, 0.02],
        "hold": [1, 3],
        "days": [5, 20],
        "min_strength": [0, 20],
        "mode": ["plain"],
    }
    found = af.sweep(*market, Reversal(), grid, placebo=1, portfolio=af.Portfolio(mode="account"), jobs=1)
    assert len(found.trials) == 16 and set(found.trials["path"]) == {"tables"}
    assert found.trials["trades"].nunique() > 3
    for number in (0, 3, 6, 13):
        told = found.trial(number).stats["headline"]
        for name in ("trades", "total_return", "sharpe", "max_drawdown", "pnl"):
            assert found.trials.loc[number, name] == pytest.approx(told[name], rel=1e-9, abs=1e-12), name
    row = found.trials.loc[13]
    alone = af.backtest(
        *market,
        Reversal(
            **{name: row[name] for name in ("threshold", "min_strength")},
            **{name: int(row[name]) for name in ("hold", "days")},
        ),
        portfolio=af.Portfolio(mode="account"),
        name="sweep",
    )  # fmt: skip
    pd.testing.assert_frame_equal(found.trial(13).trades, alone.trades, check_exact=True)
    assert found.trial(13).manifest["hashes"] == alone.manifest["hashes"]


def test_a_field_called_model_is_no_cost_model(market):
    class Own(Reversal):
        model: str = "x"
        slippage: float = 0.0

    strategy = Own(model="x", slippage=0.0005)
    found = af.sweep(*market, strategy, {"model": ["y"]}, placebo=0, jobs=1)
    assert found.plan.experiment(0).strategy == Own(model="y", slippage=0.0005)


def test_a_field_that_is_called_as_a_figure_is_an_axis_by_its_whole_name(market):
    class Own(Reversal):
        volatility: float = 0.0
        trial: int = 0

    for name in ("volatility", "trial"):
        with pytest.raises(InputError, match=f"write 'strategy.{name}'"):
            af.sweep(*market, Own(), {name: [1, 2]}, placebo=0)
    grid = {"strategy.volatility": [0.1, 0.2], "strategy.trial": [4, 5]}
    found = af.sweep(*market, Own(), grid, placebo=0, jobs=1)
    assert found.trials["strategy.volatility"].tolist() == [0.1, 0.1, 0.2, 0.2]
    assert found.trials["trial"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("grid", "told"),
    [
        ({"treshold": [1]}, "did you mean 'threshold'"),
        ({"days": [1.5]}, "a value of 'days' that fits"),
        ({"exit": []}, "values of 'exit', got an empty list"),
        ({"exit": [3]}, "exit to be a plain Python function, got 3"),
        ({"exit": [lambda close: close]}, "exit <lambda>.*: expected an answer of type bool"),
        ({"exit": ["leave"]}, "a function as 'file.py:name', got 'leave'"),
        (
            {"exit": [lambda held: held > 2, lambda held: held > 3]},
            "two that are called '<lambda>'; rename one",
        ),
        ({"portfolio.mode": ["event"]}, "a parameter that a sweep varies, got 'portfolio.mode'"),
    ],
)
def test_parameters_that_are_none_are_refused(market, grid, told):
    with pytest.raises(InputError, match=told):
        af.sweep(*market, Reversal(), grid)


# ------------------------------------------------------------------------------------------- by file

CODE = """
import aftershock as af


class First(af.Strategy):
    threshold: float = 0.0

    def signals(self, events, history, universe):
        pairs = self.pairs(events, universe)
        return pairs[pairs["strength"] > self.threshold]


def leave(held, side, entry_price, close):
    return held >= 1 and side * close < side * entry_price


NUMBER = 3
"""
TOML = """
[events]
files = ["events.csv"]

[prices]
files = ["prices.csv"]

[costs]
model = "flat"

[strategy]
class = "mine.py:First"
threshold = 1.5
hold = 2

[sweep]
placebo = 0
grid = {threshold = [0.0, 2.5], hold = [1, 2]}
"""


@pytest.fixture
def folder(tmp_path):
    EVENTS.to_csv(tmp_path / "events.csv", index=False)
    PRICES.to_csv(tmp_path / "prices.csv", index=False)
    (tmp_path / "mine.py").write_text(CODE)
    (tmp_path / "desk.toml").write_text(TOML)
    return tmp_path


def test_an_experiment_names_the_class_by_its_file(folder, monkeypatch):
    result = af.run_experiment(folder / "desk.toml")
    assert result.audit[["event_id", "outcome"]].to_numpy().tolist() == [
        ["b", "filled"],
        ["b", "filled"],
        ["c", "ignored"],
    ]
    assert result.manifest["strategy"] == "First"
    result.save(folder / "run")
    monkeypatch.chdir("/")
    again = af.run_experiment(folder / "run/experiment.toml")
    assert again.manifest["hashes"] == result.manifest["hashes"]
    pd.testing.assert_frame_equal(again.trades, result.trades)
    assert not list(folder.glob("__pycache__"))


def test_its_code_is_hashed(folder):
    hashes = [af.run_experiment(folder / "desk.toml").manifest["hashes"]]
    (folder / "mine.py").write_text(CODE.replace("> self", ">= self"))
    hashes.append(af.run_experiment(folder / "desk.toml").manifest["hashes"])
    assert len(hashes[0]["own_code"]) == 64
    assert {key for key in hashes[0] if hashes[0][key] != hashes[1][key]} == {"own_code"}
    assert "own_code" not in run(af.Reaction()).manifest["hashes"]
    # Where it lies decides nothing.
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere/mine.py").write_bytes((folder / "mine.py").read_bytes())
    (folder / "desk.toml").write_text(TOML.replace("mine.py:", "elsewhere/mine.py:"))
    assert af.run_experiment(folder / "desk.toml").manifest["hashes"] == hashes[1]


def test_a_sweep_by_file_goes_on_with_the_same_code_alone(folder):
    found = sweep_experiment(folder / "desk.toml", folder=folder / "s")
    assert (found.trials["trades"] + found.trials["open"]).tolist() == [2, 2, 1, 1]
    assert af.load_sweep(folder / "s").trial(3).trades["event_id"].tolist() == ["c"]
    sweep_experiment(folder / "desk.toml", folder=folder / "s")
    (folder / "mine.py").write_text(CODE + "\n# changed\n")
    with pytest.raises(InputError, match="the folder of this very sweep"):
        sweep_experiment(folder / "desk.toml", folder=folder / "s")
    with pytest.raises(InputError, match="the code of your own that this sweep ran, got a changed one"):
        af.load_sweep(folder / "s")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            'class = "mine.py:Frist"',
            "desk.toml, line 12: expected .strategy. a class .* of mine.py, got 'Frist'; did you mean 'First'",
        ),
        (
            'class = "mein.py:First"',
            "a Python file with a class of af.Strategy, got .*mein.py.*; did you mean 'mine.py'",
        ),
        ('class = "mine.py:leave"', "got 'leave', which is something else; known: First"),
        ('class = "First"', "as 'file.py:name', got 'First'; write the file"),
        ("class = 5", "a class of af.Strategy, got 5"),
        ('kind = "reaction"\nclass = "mine.py:First"', "kind or class, got kind = 'reaction' beside class"),
        ('class = "mine.py:First"\ntreshold = 1', "a key of First, got 'treshold'"),
        (
            'class = "mine.py:First"\nexit = "mine.py:NUMBER"',
            "a function of mine.py, got 'NUMBER', which is something else; known: leave",
        ),
        ('class = "mine.py:First"\nexit = "mine.py:leaves"', "did you mean 'leave'"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_hold_it_is_told(folder, line, told):
    (folder / "desk.toml").write_text(TOML.replace('class = "mine.py:First"\nthreshold = 1.5', line))
    with pytest.raises(InputError, match=told):
        read_experiment(folder / "desk.toml")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (CODE + "\ndef broken(:\n", r"mine.py, line 19: expected a file that runs, got SyntaxError"),
        (
            CODE + "\nimport nowhere\n",
            r"mine.py, line 19: expected a file that runs, got ModuleNotFoundError",
        ),
        (
            CODE + "\nraise SystemExit('no')\n",
            r"mine.py, line 19: expected a file that runs, got SystemExit: no",
        ),
        ("x = 1", "it holds no class of af.Strategy"),
    ],
)
def test_a_file_that_does_not_run_is_told(folder, code, told):
    (folder / "mine.py").write_text(code)
    with pytest.raises(InputError, match=told):
        read_experiment(folder / "desk.toml")


def test_an_exit_by_file(folder):
    (folder / "desk.toml").write_text(TOML.replace("hold = 2", 'hold = 4\nexit = "mine.py:leave"'))
    result = af.run_experiment(folder / "desk.toml")
    assert set(result.trades["exit_kind"]) == {"rule", "hold", "open"} - {"hold"}
    assert len(json.loads(json.dumps(result.manifest["hashes"]))["own_code"]) == 64


SWEPT = TOML.replace(
    "threshold = [0.0, 2.5], hold = [1, 2]", 'hold = [2, 4], "strategy.exit" = ["off", "mine.py:leave"]'
)


def test_exits_by_file_are_values_of_an_axis(folder, monkeypatch):
    (folder / "desk.toml").write_text(SWEPT)
    found = sweep_experiment(folder / "desk.toml", folder=folder / "s")
    assert found.trials["strategy.exit"].tolist() == ["off", "leave"] * 2
    told = json.loads((folder / "s/sweep.json").read_text())
    assert len(told["own_code"]) == 64
    monkeypatch.chdir("/")
    again = af.load_sweep(folder / "s")
    ruled = [again.trial(number).trades["exit_kind"].eq("rule").any() for number in range(4)]
    assert ruled == [False, True, False, True]
    assert again.is_that_of(told["digest"])
    sweep_experiment(folder / "s/experiment.toml", folder=folder / "s")
    (folder / "mine.py").write_text(CODE.replace("held >= 1", "held >= 2"))
    with pytest.raises(InputError, match="the folder of this very sweep"):
        sweep_experiment(folder / "desk.toml", folder=folder / "s")
    with pytest.raises(InputError, match="the code of your own that this sweep ran, got a changed one"):
        af.load_sweep(folder / "s")


def test_a_table_names_exits_relative_to_itself(folder, monkeypatch):
    (folder / "grids").mkdir()
    (folder / "grids/trials.csv").write_text("hold,exit\n4,\n4,../mine.py:leave\n2,off\n")
    (folder / "desk.toml").write_text(re.sub("grid = .*", 'table = "grids/trials.csv"', TOML))
    monkeypatch.chdir("/")
    found = sweep_experiment(folder / "desk.toml", folder=folder / "s")
    assert found.trials["exit"].tolist() == ["off", "leave", "off"]
    assert found.plan.experiment(0).strategy.exit is None
    assert [found.trial(number).trades["exit_kind"].eq("rule").any() for number in range(3)] == [
        False,
        True,
        False,
    ]


def test_what_was_typed_in_is_hashed_with_what_it_reads():
    """Two cells: a class, and a function, a number and a class that it reads."""
    cell = (
        "class Typed(af.Strategy):\n"
        "    def signals(self, events, history, universe):\n"
        "        pairs = self.pairs(events, universe)\n"
        "        some = [one for one in pairs['symbol'] if one not in {'A', 'B', 'C'}]\n"
        "        return chosen(pairs, some)\n"
    )
    beside = (
        "import functools\n"
        "LEAST, BY = 1, {'n': 3}\n"
        "class Base:\n    BASE = 10\n    def under(self):\n        return 20\n"
        "class Kept(Base):\n    def of(self, one, more=30):\n        return one + 40\n"
        "    @property\n    def wide(self):\n        return 50\n"
        "@functools.lru_cache\ndef kept(one):\n    return 60\n"
        "def chosen(pairs, some):\n    return pairs[pairs['strength'] > Kept().of(LEAST) + BY['n'] + kept(1)]\n"
    )

    def digest(beside, cell=cell):
        space = {"af": af, "__name__": "__typed__", "other": object()}
        exec(compile(beside, "<typed>", "exec"), space)
        exec(compile(cell, "<typed>", "exec"), space)
        return digest_of([space["Typed"]])

    first = digest(beside)
    assert digest(beside) == first  # wherever objects lie
    for before, after in (
        ("= 1,", "= 2,"),
        ("'n': 3", "'n': 4"),
        ("= 10", "= 11"),
        ("20", "21"),
        ("=30", "=31"),
        ("40", "41"),
        ("50", "51"),
        ("60", "61"),
        ("strength", "weight"),
    ):
        assert beside.count(before) == 1
        assert digest(beside.replace(before, after)) != first, after
    assert digest(beside, cell.replace("'C'", "'D'")) != first
    assert digest(beside + "\nUNREAD = 5\n") == first


def test_a_class_that_leaves_the_program_is_told():
    def leaves(events, history, universe):
        raise SystemExit(4)

    with pytest.raises(InputError, match=r"Given.signals, .*expected signals, got SystemExit: 4"):
        run(given(leaves))


@pytest.mark.parametrize("what", ["portfolio", "costs", "hedge"])
def test_settings_are_of_their_own_kind(what):
    with pytest.raises(InputError, match=rf"expected {what} as af.{what.title()}, got \{{'model': 'zero'\}}"):
        af.backtest(EVENTS, PRICES, af.Reaction(), **{what: {"model": "zero"}})


def test_functions_without_a_name_of_their_own_are_told_apart():
    """They may stand on one line, in one file."""
    rules = [lambda held: held >= 1, lambda held: held >= 6]
    assert len({digest_of([rule]) for rule in (*rules, *rules)}) == 2


def test_a_class_typed_in_has_no_file(market):
    space = {"af": af, "__name__": "typed"}
    exec(compile(CODE, "<typed>", "exec"), space)
    strategy = space["First"]()
    text = Experiment(strategy=strategy, kind="First").to_toml()
    assert 'class = "First"' in text
    result = af.backtest(EVENTS, PRICES, strategy)
    assert len(result.manifest["hashes"]["own_code"]) == 64
    assert replace(Experiment(strategy=strategy)).strategy is strategy
