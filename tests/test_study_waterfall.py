"""Inference and P&L tell one story: the study of the same signals gives the first bar of the waterfall."""

import numpy as np
import pytest

import aftershock as af
from aftershock.data.catalogue import catalogue_path
from aftershock.data.events import load_events
from aftershock.data.prices import simulated_market
from aftershock.strategies.reaction import Reaction

SYMBOLS = ("1306.T", "8035.T", "000660.KS", "2330.TW", "6138.TWO", "9988.HK", "688981.SS", "INFY.NS")
STRATEGIES = {
    "open": Reaction(hold=5),
    "at once": Reaction(hold=0),
    "impact, faded": Reaction(hold=3, side_by="impact", stance="fade"),
    "close, delayed": Reaction(entry="close", hold=4, delay=1),
    "late": Reaction(hold=2, latency="10h", max_defer=2),
}


def same(result, found, strategy):
    """Signal by signal, and in all: the sum, and the mean weighted by what each signal asked for."""
    fall = result.waterfall.set_index(["event_id", "symbol"]).sort_index()
    moves = found.reaction(strategy.hold + strategy.delay).set_index(["event_id", "symbol"]).sort_index()
    both = fall.index.intersection(moves.index)
    assert len(both) > 5
    # What the study lacks has no return in the window at all.
    assert (fall.drop(both)["reaction"] == 0.0).all()
    fall, moves = fall.loc[both], moves.loc[both]
    studied = fall["target"] * moves["reaction"]
    np.testing.assert_allclose(studied, fall["reaction"], rtol=1e-12, atol=1e-9)
    assert studied.sum() == pytest.approx(fall["reaction"].sum(), rel=1e-12)
    caar = np.average(moves["reaction"], weights=fall["target"])
    assert caar == pytest.approx(fall["reaction"].sum() / fall["target"].sum(), rel=1e-12)


@pytest.fixture(scope="module")
def world():
    events = load_events([str(catalogue_path(name)) for name in ("fomc", "tariffs")])
    events = events.between("2018-01-01T00:00Z", "2019-12-31T00:00Z")
    market = simulated_market(SYMBOLS, start="2018-01-01", end="2019-12-31", seed=3, events=events.frame)
    return events, market.tape


@pytest.mark.parametrize("kind", list(STRATEGIES))
def test_the_study_gives_the_first_bar_of_the_waterfall(world, kind):
    events, tape = world
    strategy = STRATEGIES[kind]
    result = af.backtest(events, tape, strategy)
    settings = {
        "model": "raw",
        "window": (-20, 10),
        "estimation": (-80, -21),
        "min_observations": 0,
        "draws": 0,
    }
    same(result, af.study(events, tape, strategy, **settings), strategy)


@pytest.mark.shared
def test_the_study_gives_the_first_bar_of_the_waterfall_on_real_prices(shared):
    events, prices = "catalogue:tariffs", shared / "prices/stocks.parquet"
    strategy = Reaction(tag="tariff", hold=5)
    result = af.backtest(events, prices, strategy, universe="asia-tech", skip_bad=True)
    found = af.study(
        events, prices, strategy, universe="asia-tech", skip_bad=True,
        model="raw", window=(-30, 10), estimation=(-80, -31), min_observations=0, draws=0,
    )  # fmt: skip
    same(result, found, strategy)
