"""The proof that nothing looks ahead: cut or scramble all that comes after an instant, and nothing before it changes.

Instants are taken at 22:00 UTC, when no Asian venue is open, so that no bar straddles one: whether a bar was locked or
halted is part of how its orders fill, and is known when the bar is over.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from aftershock.data.catalogue import catalogue_path
from aftershock.data.events import Events, load_events
from aftershock.data.instants import to_ns
from aftershock.data.prices import Tape, simulated_market
from aftershock.data.universes import universe
from aftershock.execution import execute
from aftershock.experiment import Experiment, Portfolio
from aftershock.inputs import links_of
from aftershock.result import Result
from aftershock.run import align, signals
from aftershock.strategies.own import Strategy
from aftershock.strategies.reaction import Reaction

SYMBOLS = (
    "8035.T",
    "6857.T",
    "000660.KS",
    "005930.KS",
    "2330.TW",
    "6138.TWO",
    "0981.HK",
    "688981.SS",
    "INFY.NS",
)
START, END = "2018-01-01", "2020-12-31"
PRICES = ["open", "high", "low", "close", "volume"]


class Fallen(Strategy):
    """Buys what has fallen more than its names do on the median, and leaves once it has come back."""

    def signals(self, events, history, universe):
        pairs = self.pairs(events, universe)
        past = history.asof(pairs["symbol"], pairs["known_by"])
        usual = np.nanmedian(np.abs(past.window(60) / past.close[:, None] - 1.0), axis=1)
        side = np.where(np.abs(past.returns(10)) > usual, -np.sign(past.returns(10)), 0.0)
        return pairs.assign(side=np.nan_to_num(side), weight=np.clip(np.nan_to_num(usual) * 20, 0.1, 1.0))


def come_back(held, side, entry_price, close, best):
    return held >= 1 and side * (close - entry_price) < 0.5 * side * (best - entry_price)


CASES = {
    "portfolio": (
        Reaction(hold=5, stop=0.03, trail=0.05, take=0.06),
        Portfolio(size=0.3, compound=True, max_positions=6, max_market=0.5, partial=True),
    ),
    "account": (Reaction(hold=3, overlap="extend", opposite="reverse"), Portfolio(mode="account")),
    "event": (Reaction(entry="close", hold=4, delay=1, latency="5min"), Portfolio(mode="event")),
    "impact": (Reaction(side_by="impact", overlap="stack", hold=8), Portfolio(size=0.05)),
    "volatility": (
        Reaction(hold=3, latency="10min"),
        Portfolio(sizing="inverse_volatility", size=0.2, compound=True),
    ),
    "strength": (Reaction(hold=3), Portfolio(mode="event", sizing="strength", strength_of_one=25)),
    "own": (Fallen(hold=6, exit=come_back, latency="10min"), Portfolio(size=0.1, compound=True)),
}


@cache
def world() -> tuple[Events, Tape]:
    events = load_events([str(catalogue_path(name)) for name in ("fomc", "tariffs", "chips")])
    events = events.between("2018-01-01T00:00Z", "2020-12-31T00:00Z")
    market = simulated_market(SYMBOLS, start=START, end=END, seed=3, events=events.frame)
    return events, market.tape


@cache
def run(case: str) -> Result:
    return outcome(case, *world())


def outcome(case: str, events: Events, tape: Tape) -> Result:
    strategy, portfolio = CASES[case]
    experiment = Experiment(strategy=strategy, portfolio=portfolio)
    return execute(events, tape, universe(SYMBOLS), links_of(None, events), experiment)


def cut_events(events: Events, now: int) -> Events:
    return replace(events, frame=events.frame[to_ns(events.frame["known_by"]) <= now].reset_index(drop=True))


def scrambled_events(events: Events, now: int, rng: np.random.Generator) -> Events:
    frame = events.frame.copy()
    later = np.flatnonzero(to_ns(frame["known_by"]) > now)
    for column in ("direction", "tag", "strength", "symbols", "scope"):
        frame.loc[later, column] = frame[column].to_numpy()[rng.permutation(later)]
    return replace(events, frame=frame)


def cut_tape(tape: Tape, now: int) -> Tape:
    return retold(tape.to_frame()[tape.closes_at <= now])


def scrambled_tape(tape: Tape, now: int, rng: np.random.Generator) -> Tape:
    frame = tape.to_frame()
    later = np.flatnonzero(tape.closes_at > now)
    factor = rng.lognormal(0.0, 0.3, len(later))
    for column in ("open", "high", "low", "close"):
        frame.iloc[later, frame.columns.get_loc(column)] *= factor
    frame.iloc[later, frame.columns.get_loc("volume")] = rng.integers(0, 3, len(later)).astype(float)
    kept = np.ones(len(frame), bool)
    kept[later[rng.random(len(later)) < 0.1]] = False
    return retold(frame[kept])


def retold(frame: pd.DataFrame) -> Tape:
    return Tape.from_frame(frame, simulated=True)


def before(result: Result, now: int) -> dict[str, pd.DataFrame]:
    """What was decided by an instant."""
    audit, trades, fills = result.audit, result.trades, result.fills
    closed = trades[(to_ns(trades["exit_at"]) <= now) & (trades["status"] == "closed")]
    past = fills[to_ns(fills["at"]) <= now]
    return {
        "audit": audit[audit["entry_at"].notna() & (to_ns(audit["entry_at"]) <= now)].reset_index(drop=True),
        "closed": closed.drop(columns="trade_id").reset_index(drop=True),
        "fills": past.drop(columns="trade_id").reset_index(drop=True),
        "equity": result.equity[to_ns(result.equity["date"].to_numpy()) < now].reset_index(drop=True),
    }


@pytest.mark.parametrize("case", list(CASES))
@pytest.mark.parametrize("change", ["cut", "scramble"])
def test_nothing_before_an_instant_changes(case: str, change: str) -> None:
    events, tape = world()
    rng = np.random.default_rng(sum(map(ord, case + change)))
    first, last = pd.Timestamp("2018-03-01T22:00Z"), pd.Timestamp("2020-11-30T22:00Z")
    compared = 0
    for days in rng.integers(0, (last - first).days, 6):
        now = int((first + pd.Timedelta(days=int(days))).value)
        if change == "cut":
            other = outcome(case, cut_events(events, now), cut_tape(tape, now))
        else:
            changed = scrambled_events(events, now, rng), scrambled_tape(tape, now, rng)
            other = outcome(case, *changed)
        want, have = before(run(case), now), before(other, now)
        for name, table in want.items():
            pd.testing.assert_frame_equal(have[name], table, check_exact=True, obj=f"{name} before {now}")
            compared += len(table)
    assert compared > 500


@pytest.mark.parametrize("case", list(CASES))
def test_the_future_does_matter(case: str) -> None:
    """The comparison can fail: what comes after the instant does change."""
    events, tape = world()
    now = int(pd.Timestamp("2019-06-03T22:00Z").value)
    other = outcome(case, events, scrambled_tape(tape, now, np.random.default_rng(0)))
    assert not run(case).trades["pnl"].equals(other.trades["pnl"])


def test_the_join_only_looks_forward() -> None:
    table = align(world()[0], universe=SYMBOLS)
    table = table[table["symbol"] != ""]
    assert len(table) > 300
    known = to_ns(table["known_by"])
    for name in ("first_tradable", "first_open", "first_close"):
        assert (to_ns(table[name]) >= known).all(), name


def test_the_order_list_does_not_know_later_events() -> None:
    events, _ = world()
    strategy = Reaction(tag=("fed", "tariff"))
    for now in pd.date_range("2018-07-06T05:00Z", "2019-12-31T05:00Z", freq="37D"):
        cut = cut_events(events, int(now.value))
        want = signals(cut, SYMBOLS, strategy, as_of=now)
        pd.testing.assert_frame_equal(signals(events, SYMBOLS, strategy, as_of=now), want)
