"""The compiled ledger and the slow one on the same market: equal trades, and the ratio of their times."""

import ledger
import numpy as np
import pandas as pd
import pytest

from aftershock.data.catalogue import catalogue_path
from aftershock.data.events import load_events
from aftershock.data.prices import simulated_market
from aftershock.data.universes import universe
from aftershock.engine.kernels import Case
from aftershock.engine.portfolio import bars_of
from aftershock.engine.rules import rules_of
from aftershock.engine.simulation import simulate
from aftershock.engine.types import MODES, OUTCOMES, Book, Costs, Entries, Exits, Orders, Rules

N_SIGNALS = 1_500
INFINITE = float("inf")


@pytest.fixture(scope="module")
def made():  # type: ignore[no-untyped-def]
    events = load_events(str(catalogue_path("fomc"))).between("2018-01-01T00:00Z", "2021-01-01T00:00Z")
    names = universe("asia-semis").symbols[:30]
    tape = simulated_market(names, start="2018-01-01", end="2020-12-31", events=events.frame).tape
    bars = bars_of(tape)
    rng = np.random.default_rng(0)
    instrument = np.sort(rng.integers(0, len(tape.symbols), N_SIGNALS))
    size = np.diff(bars.offsets)[instrument]
    due = bars.offsets[instrument] + (rng.random(N_SIGNALS) * (size - 30)).astype(np.int64)
    rows = np.argsort(bars.opens_at[due], kind="stable")
    entries = Entries(
        instrument[rows],
        np.zeros(N_SIGNALS, np.int64),
        rng.choice([-1, 1], N_SIGNALS),
        np.ones(N_SIGNALS),
        due[rows],
        np.zeros(N_SIGNALS, np.int64),
        rng.random(N_SIGNALS),
        np.full(N_SIGNALS, -1, np.int64),
    )
    return tape, bars, entries


@pytest.fixture(scope="module")
def market(made):  # type: ignore[no-untyped-def]
    tape, bars, entries = made
    return bars, rules_of(tape, Costs(fee=0.001, slippage=0.0005)), entries


@pytest.fixture(scope="module")
def ruled(made):  # type: ignore[no-untyped-def]
    """The same market under every rule of the books, with slippage by range and volume and borrowing."""
    tape, bars, entries = made
    costs = Costs("venue", 0.0, 0.0005, 0.05, 0.02, 0.005)
    return bars, rules_of(tape, costs, fx=np.full(len(bars.close), 0.01)), entries


@pytest.fixture(scope="module")
def unruled(made):  # type: ignore[no-untyped-def]
    """The same market without a rule: no cost, lot, limit, T+1 or ban."""
    tape, bars, entries = made
    rules = rules_of(tape, Costs(price_limits=False))
    return bars, rules.with_columns(short_open=0, short_close=0, sell_from=0), entries


def fast(bars, rules, entries):  # type: ignore[no-untyped-def]
    exits = Exits(10, 0.03, 0.06, 0.05, False, True)
    book = Book(
        MODES.index("portfolio"),
        1e6,
        0.05,
        True,
        True,
        0.1,
        INFINITE,
        INFINITE,
        INFINITE,
        INFINITE,
        INFINITE,
    )
    return simulate(Case(bars, rules, entries, exits, Orders(False, 0, 0, 0), book))[0]


def bar_row(bars, rules: Rules, i: int) -> ledger.BarRow:  # type: ignore[no-untyped-def]
    """Put one bar with flat costs into the slow ledger's words."""
    reasons = {name: OUTCOMES[getattr(rules, name)[i]] for name in ("short_open", "short_close")}
    return ledger.BarRow(
        **{name: getattr(bars, name)[i].item() for name in bars._fields if name != "offsets"},
        buy_rate=float(rules.bar["buy_rate"][i]),
        sell_rate=float(rules.bar["sell_rate"][i]),
        terms=[],
        unit=1.0,
        slip_open=float(rules.bar["at_open"][i]),
        slip_close=float(rules.bar["at_close"][i]),
        impact=0.0,
        borrow=float(rules.bar["borrow"][i]),
        withheld=0.0,
        lot=float(rules.bar["lot"][i]),
        limit_up=float(rules.bar["limit_up"][i]),
        limit_down=float(rules.bar["limit_down"][i]),
        **{name: "" if reason == "filled" else reason for name, reason in reasons.items()},
        sell_from=int(rules.bar["sell_from"][i]),
    )


@pytest.fixture(scope="module")
def slow_case(market):  # type: ignore[no-untyped-def]
    bars, rules, entries = market
    rows = [bar_row(bars, rules, i) for i in range(len(bars.close))]
    tape = [rows[a:b] for a, b in zip(bars.offsets[:-1], bars.offsets[1:], strict=True)]
    signals = [
        ledger.Signal(int(k), int(s), 1.0, int(d - bars.offsets[k]), 0, float(u))
        for k, s, d, u in zip(entries.instrument, entries.side, entries.due, entries.draw, strict=True)
    ]
    settings = ledger.Settings(
        hold=10,
        stop=0.03,
        take=0.06,
        trail=0.05,
        mode="portfolio",
        size=0.05,
        compound=True,
        partial=True,
        min_share=0.1,
    )
    return tape, [0] * len(tape), signals, settings


@pytest.mark.benchmark(group=f"{N_SIGNALS} signals, 30 names, 3 years, shared cash")
def test_kernels(benchmark, market, slow_case) -> None:  # type: ignore[no-untyped-def]
    trades = benchmark(fast, *market)
    want, _ = ledger.run(*slow_case)
    assert trades["exit_fill"].tolist() == pytest.approx(
        [t.exit_fill for t in want], rel=0, abs=0, nan_ok=True
    )


@pytest.mark.benchmark(group=f"{N_SIGNALS} signals, 30 names, 3 years, shared cash")
def test_slow_ledger(benchmark, slow_case) -> None:  # type: ignore[no-untyped-def]
    benchmark.pedantic(ledger.run, args=slow_case, rounds=2)


RULES = "the same with all rules of the books, and with none"


@pytest.mark.benchmark(group=RULES)
def test_with_all_rules(benchmark, ruled) -> None:  # type: ignore[no-untyped-def]
    trades = benchmark(fast, *ruled)
    benchmark.extra_info["trades"] = len(trades)
    assert len(trades) > 500


@pytest.mark.benchmark(group=RULES)
def test_without_rules(benchmark, unruled) -> None:  # type: ignore[no-untyped-def]
    trades = benchmark(fast, *unruled)
    benchmark.extra_info["trades"] = len(trades)
    assert len(trades) > 500


def test_one_million_events_load(benchmark, tmp_path) -> None:  # type: ignore[no-untyped-def]
    n = 1_000_000
    stamps = pd.date_range("2015-01-01", periods=n, freq="3min", tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
    path = tmp_path / "events.csv"
    frame = pd.DataFrame({"known_by": stamps, "tag": "chip", "direction": "positive", "symbols": "000660.KS"})
    frame.assign(headline=[f"news {k}" for k in range(n)]).to_csv(path, index=False)
    events = benchmark.pedantic(load_events, args=(str(path),), rounds=1)
    assert len(events) == n
