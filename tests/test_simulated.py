"""The simulated market: its statistics, its planted effects, and that nothing later changes anything earlier."""

import json
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aftershock.data.calendars import sessions
from aftershock.data.errors import InputError
from aftershock.data.instants import to_ns
from aftershock.data.prices import simulated
from aftershock.data.prices.simulated import (
    DEMO,
    EFFECTS,
    MODEL,
    TRUTH,
    Effect,
    planted,
    simulate,
    simulated_market,
)
from aftershock.data.universes import universe

SEED = 20250912
SOME = ("8035.T", "005930.KS", "2330.TW", "0981.HK", "688981.SS", "TCS.NS")
"""One instrument of each market."""


@pytest.fixture(scope="module")
def market():
    return simulated_market(None, seed=SEED)


@pytest.fixture(scope="module")
def closes(market):
    return wide(market.tape, "close")


def wide(tape, column):
    """One column as sessions x symbols, halted bars left out."""
    frame = tape.to_frame()
    frame.loc[frame["halted"], column] = np.nan
    return frame.pivot(index="date", columns="symbol", values=column)


def returns(closes):
    return np.log(closes).diff()


def days_of(tape, symbol):
    rows = slice(*tape.offsets[tape.position(symbol) :][:2])
    return tape.session[rows]


def news(n, *, start="2020-01-06T12:00Z", every="21D", tag="tariff", direction="escalation", **more):
    """n events at one hour, evenly spaced."""
    known = pd.date_range(start, periods=n, freq=every).as_unit("ns")
    ids = [f"{tag}-{i}" for i in range(n)]
    columns = {"event_id": ids, "known_by": known, "tag": tag, "direction": direction}
    return pd.DataFrame(columns | {"symbols": "", "scope": "global"} | more)


# What stands on the tape


def test_the_demo_has_six_markets_and_says_that_it_is_simulated(market):
    tape = market.tape
    assert set(tape.symbols) == set(DEMO)
    assert {one.market for one in universe(DEMO)} == {"JP", "KR", "TW", "HK", "CN", "IN"}
    assert tape.simulated is True
    assert set(tape.sources) == {"simulated"}
    assert tape.provenance["kind"] == "simulated"
    assert tape.provenance["seed"] == SEED
    assert tape.provenance["generator"].endswith("simulated_market")
    assert tape.provenance["parameters"]["start"] == "2018-01-01"
    assert tape.provenance["parameters"]["degrees"] == MODEL.degrees
    assert tape.provenance["effects"]["fed dovish"] == {"gap": 0.005, "drift": 0.004, "sessions": 3}
    assert json.dumps(tape.provenance)


def test_every_bar_is_consistent(market):
    tape = market.tape
    assert (tape.low <= np.minimum(tape.open, tape.close)).all()
    assert (tape.high >= np.maximum(tape.open, tape.close)).all()
    assert (tape.low > 0).all()
    assert (tape.factor == 1.0).all()


def test_prices_have_four_significant_digits(market):
    prices = market.tape.close
    assert all(float(f"{price:.4g}") == price for price in prices[:5000])


def test_bars_fall_exactly_on_sessions(market):
    tape = market.tape
    lost = 0
    for symbol, mic in zip(tape.symbols, tape.venues, strict=True):
        have, real = days_of(tape, symbol), sessions(mic).session
        real = real[(real >= have[0]) & (real <= have[-1])]
        assert np.isin(have, real).all()
        lost += len(real) - len(have)
    assert not (tape.warnings["code"] == "not_a_session").any()
    # 73,000 chances of 1 in 2,000: 36 expected, standard deviation 6.
    assert 12 <= lost <= 60


def test_halts_repeat_the_last_close_without_volume(market):
    tape = market.tape
    halted = np.flatnonzero(tape.halted)
    assert 10 <= len(halted) <= 200
    assert (tape.volume[halted] == 0).all()
    assert (tape.high[halted] == tape.low[halted]).all()
    known = halted[np.diff(tape.session, prepend=0)[halted] < 5]
    assert len(known) > 5
    follows = known[tape.ordinal[known] == tape.ordinal[known - 1] + 1]
    assert (tape.close[follows] == tape.close[follows - 1]).all()
    assert (tape.volume[~tape.halted] > 0).all()


def test_no_session_leaves_the_band_around_the_close_before(market):
    tape = market.tape
    after = (np.diff(tape.ordinal) == 1) & ~tape.halted[:-1] & ~tape.halted[1:]
    before = tape.close[:-1][after]
    # Prices are rounded to four digits, at most 5 parts in 10,000 each.
    assert (tape.high[1:][after] / before).max() <= 1 + MODEL.limit + 0.0015
    assert (tape.low[1:][after] / before).min() >= 1 - MODEL.limit - 0.0015


def test_an_index_has_no_volume_and_moves_with_its_market():
    tape = simulated_market(["KOSPI", *(one for one in DEMO if one.endswith(".KS"))], seed=SEED).tape
    level = tape.position("KOSPI")
    rows = slice(*tape.offsets[level : level + 2])
    assert np.isnan(tape.volume[rows]).all()
    assert not tape.halted[rows].any()
    alike = returns(wide(tape, "close")).corr()["KOSPI"].drop("KOSPI")
    assert alike.min() > 0.5


def test_the_first_session_and_an_index_are_always_there(monkeypatch):
    monkeypatch.setattr(simulated, "MODEL", replace(MODEL, missing=1.0, halts=1.0))
    halted = simulated_market(["8035.T", "N225"], start="2024-01-01", end="2024-03-31").tape
    assert halted.halted[: halted.offsets[1]].tolist() == [False] + [True] * (halted.offsets[1] - 1)
    assert not halted.halted[halted.offsets[1] :].any()
    monkeypatch.setattr(simulated, "MODEL", replace(MODEL, missing=1.0))
    missing = simulated_market(["8035.T", "N225"], start="2024-01-01", end="2024-03-31").tape
    assert np.diff(missing.offsets).tolist() == [1, halted.offsets[1]]


# Statistics. Standard errors of n = 1,950 sessions are about 0.023 for a correlation.


def test_returns_have_fat_tails(closes):
    kurtosis = returns(closes).kurt()
    assert kurtosis.min() > 0.5
    assert kurtosis.median() > 1.0


def test_volatility_clusters_and_returns_do_not(closes):
    clustered, plain = [], []
    for symbol in closes:
        r = returns(closes[[symbol]])[symbol].dropna().to_numpy()
        r = r - r.mean()
        square = r**2 - np.mean(r**2)
        # Ljung and Box (1978) at 10 lags; of returns with the variance that holds under clustering.
        clustered.append(sum(len(r) * autocorrelation(square, lag) ** 2 for lag in range(1, 11)))
        products = r[1:] * r[:-1]
        plain.append(products.sum() / np.sqrt((products**2).sum()))
    # The 0.1 % point of chi-squared with 10 degrees of freedom is 29.6.
    assert np.mean(np.array(clustered) > 29.6) > 0.8
    # Standard normal each: 3 % beyond 2.2 expected of 37 correlated ones.
    assert np.mean(np.abs(plain) > 2.2) < 0.15
    assert abs(np.mean(plain)) < 1.0


def autocorrelation(centred, lag):
    return (centred[lag:] * centred[:-lag]).sum() / (centred**2).sum()


def test_names_of_one_market_move_together_more_than_names_of_two(closes):
    alike = returns(closes).corr(min_periods=1000).to_numpy()
    markets = np.array([one.market for one in universe(list(closes.columns))])
    same = (markets[:, None] == markets) & ~np.eye(len(markets), dtype=bool)
    across = markets[:, None] != markets
    assert 0.3 < alike[same].mean() < 0.5
    assert 0.15 < alike[across].mean() < 0.3
    assert alike[across].min() > 0.0


def test_the_gap_has_the_larger_share_of_variance(market, closes):
    gap = np.log(wide(market.tape, "open") / closes.shift())
    day = np.log(closes / wide(market.tape, "open"))
    share = gap.var() / (gap.var() + day.var())
    assert 0.55 < share.mean() < 0.70
    assert share.min() > 0.5


def test_a_night_in_new_york_reaches_tokyo_before_mumbai():
    tape = simulated_market(["N225", "SENSEX"], seed=SEED).tape
    opens, closes = wide(tape, "open"), wide(tape, "close")
    tokyo = np.log(opens["N225"] / closes["N225"].shift())
    mumbai = np.log(opens["SENSEX"] / closes["SENSEX"].shift())
    tokyo_day = np.log(closes["N225"] / opens["N225"])
    both = pd.DataFrame({"tokyo": tokyo, "mumbai": mumbai, "tokyo_day": tokyo_day}).dropna().corr()
    # The same night; and what the world did in Tokyo's morning is in Mumbai's gap of that date.
    assert both.loc["tokyo", "mumbai"] > 0.3
    assert both.loc["tokyo_day", "mumbai"] > 0.05


def test_volume_rises_with_the_size_of_the_move(market, closes):
    volume = np.log(wide(market.tape, "volume"))
    size = returns(closes).abs()
    assert volume.corrwith(size).min() > 0.2


def test_no_drift_is_hidden_in_the_market():
    """The mean log return of 24 seeds is zero to within three standard errors."""
    means = []
    for seed in range(24):
        tape = simulated_market(SOME, start="2023-01-01", end="2024-12-31", seed=seed).tape
        means.append(np.nanmean(returns(wide(tape, "close")).to_numpy()))
    assert abs(np.mean(means)) < 3 * np.std(means, ddof=1) / np.sqrt(len(means))


def l_kurtosis(values):
    """Hosking (1990), section 2: the fourth L-moment over the second; 0.1226 for a normal, and robust where moments
    of Student-t with 5 degrees of freedom are not."""
    x, n = np.sort(values), len(values)
    ranks = np.arange(1, n + 1)
    weights = [np.ones(n), (ranks - 1) / (n - 1)]
    weights += [weights[1] * (ranks - 2) / (n - 2)]
    weights += [weights[2] * (ranks - 3) / (n - 3)]
    b = [(weight * x).mean() for weight in weights]
    return (20 * b[3] - 30 * b[2] + 12 * b[1] - b[0]) / (2 * b[1] - b[0])


def memory(values):
    """The mean autocorrelation of the size of returns over 20 lags."""
    size = np.abs(values) - np.abs(values).mean()
    return np.mean([autocorrelation(size, lag) for lag in range(1, 21)])


def figures(tape):
    """Tails, clustering, correlation, gaps and size of a whole market, each as one number."""
    opens, closes = wide(tape, "open"), wide(tape, "close")
    moves, gap, day = returns(closes), np.log(opens / closes.shift()), np.log(closes / opens)
    alike = moves.corr(min_periods=1000).to_numpy()
    markets = np.array([one.market for one in universe(list(closes.columns))])
    same = (markets[:, None] == markets) & ~np.eye(len(markets), dtype=bool)
    return {
        "tails": np.median([l_kurtosis(moves[name].dropna().to_numpy()) for name in moves]),
        "gap_tails": np.median([l_kurtosis(gap[name].dropna().to_numpy()) for name in gap]),
        "day_tails": np.median([l_kurtosis(day[name].dropna().to_numpy()) for name in day]),
        "clustering": np.median([memory(moves[name].dropna().to_numpy()) for name in moves]),
        "together": np.median([gap[name].abs().corr(day[name].abs()) for name in gap]),
        "inside": alike[same].mean(),
        "across": alike[markets[:, None] != markets].mean(),
        "gaps": (gap.var() / (gap.var() + day.var())).mean(),
        "size": (moves.std() * 250**0.5).mean(),
    }


USUAL = {
    "tails": (0.165, 0.195),
    "gap_tails": (0.165, 0.2),
    "day_tails": (0.17, 0.2),
    "clustering": (0.035, 0.075),
    "together": (0.13, 0.18),
    "inside": (0.38, 0.47),
    "across": (0.18, 0.27),
    "gaps": (0.59, 0.66),
    "size": (0.31, 0.39),
}
"""Where the figures of the model lie. Of a normal the tails are 0.1226; the variance without clusters has no memory."""

CHANGES = [
    ({"degrees": 1e6}, {"tails": (0.12, 0.15), "gap_tails": (0.12, 0.15), "together": (-0.02, 0.06)}),
    ({"degrees": 3.2}, {"tails": (0.21, 0.4), "gap_tails": (0.21, 0.4), "day_tails": (0.2, 0.4)}),
    ({"alpha": 0.0, "beta": 0.0}, {"clustering": (-0.01, 0.01), "together": (0.08, 0.125)}),
    ({"world": 0.0}, {"across": (-0.02, 0.02), "inside": (0.13, 0.23), "gaps": (0.53, 0.57)}),
    ({"world": 0.4}, {"across": (0.33, 0.45), "inside": (0.5, 0.65)}),
    ({"market": 0.0}, {"inside": (0.18, 0.27), "across": (0.18, 0.27)}),
    ({"market": 0.3}, {"inside": (0.48, 0.6), "across": (0.18, 0.27)}),
    ({"gap": 0.3}, {"gaps": (0.4, 0.47), "inside": (0.38, 0.47)}),
    ({"gap": 0.75}, {"gaps": (0.74, 0.82), "across": (0.18, 0.27)}),
    ({"volatility": (0.5, 0.6)}, {"size": (0.48, 0.62), "tails": (0.165, 0.195), "gaps": (0.59, 0.66)}),
    ({"exposure": (0.0, 0.0)}, {"inside": (-0.02, 0.02), "across": (-0.02, 0.02)}),
]
"""A parameter moved, and where that puts the figures it is for (and some that it is not for)."""


def outside(found, bands):
    return {name: float(found[name]) for name, (low, high) in bands.items() if not low < found[name] < high}


@pytest.mark.parametrize("seed", [SEED, 1, 3])
def test_tails_clustering_correlation_and_gaps_are_those_of_the_model(seed):
    assert outside(figures(simulated_market(None, seed=seed).tape), USUAL) == {}


@pytest.mark.parametrize("change, bands", CHANGES, ids=[" ".join(change) for change, _ in CHANGES])
def test_each_statistic_follows_its_parameter(change, bands, monkeypatch):
    monkeypatch.setattr(simulated, "MODEL", replace(MODEL, **change))
    found = figures(simulated_market(None, seed=SEED).tape)
    assert outside(found, bands) == {}
    assert outside(found, {name: band for name, band in USUAL.items() if bands.get(name) != band})


def test_the_range_of_a_day_is_that_of_a_walk_between_its_open_and_close(market):
    """E[ln(H/C) ln(H/O) + ln(L/C) ln(L/O)] is the variance of a walk without drift (Rogers and Satchell 1991)."""
    bars = {name: wide(market.tape, name) for name in ("open", "high", "low", "close")}
    up = np.log(bars["high"] / bars["close"]) * np.log(bars["high"] / bars["open"])
    down = np.log(bars["low"] / bars["close"]) * np.log(bars["low"] / bars["open"])
    ratio = (up + down).mean() / np.log(bars["close"] / bars["open"]).var()
    assert 0.95 < ratio.mean() < 1.05
    assert ratio.between(0.85, 1.15).all()


# The same seed, and nothing later in anything earlier


def test_the_seed_decides():
    short = {"start": "2023-01-01", "end": "2023-12-31"}
    one, same, other = (simulated_market(SOME, seed=seed, **short).tape for seed in (1, 1, 2))
    assert one.digest() == same.digest()
    assert one.digest() != other.digest()


def test_the_first_prices_are_these():
    """Pinned, so that another platform or NumPy that draws other prices is seen."""
    tape = simulated_market(["2330.TW", "8035.T"], start="2024-01-01", end="2024-02-29", seed=SEED).tape
    assert tape.close[:4].tolist() == PINNED["2330.TW"]
    assert tape.close[tape.offsets[1] :][:4].tolist() == PINNED["8035.T"]


PINNED = {"2330.TW": [70.15, 71.71, 73.75, 72.91], "8035.T": [4874.0, 4973.0, 4680.0, 4675.0]}


def test_cutting_the_end_changes_nothing_before():
    events = news(30)
    long = simulated_market(SOME, start="2020-01-01", end="2021-12-31", events=events)
    cut = simulated_market(SOME, start="2020-01-01", end="2021-03-10", events=events)
    frame = long.tape.to_frame()
    pd.testing.assert_frame_equal(
        frame[frame["date"] <= "2021-03-10"].reset_index(drop=True), cut.tape.to_frame()
    )
    assert len(cut.truth) < len(long.truth)


def test_later_events_change_nothing_before():
    few, many = news(10), news(20)
    short = {"start": "2020-01-01", "end": "2021-12-31"}
    one = simulated_market(SOME, events=few, **short).tape
    two = simulated_market(SOME, events=many, **short).tape
    before = one.opens_at < to_ns(many["known_by"])[10]
    assert before.sum() > 500
    for name in ("open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(one, name)[before], getattr(two, name)[before])
    assert not np.array_equal(one.close, two.close)


def test_other_instruments_and_their_order_change_nothing():
    short = {"start": "2023-01-01", "end": "2023-12-31"}
    whole = simulated_market(SOME, **short).tape
    turned = simulated_market(SOME[::-1], **short).tape
    assert whole.digest() == turned.digest()
    for symbol in SOME:
        alone = simulated_market([symbol], **short).tape
        pd.testing.assert_frame_equal(alone.bars(symbol), whole.bars(symbol))


def test_simulate_keeps_the_order_of_the_instruments_it_is_given():
    instruments = universe(["8035.T", "6857.T"]).instruments
    hours = {"XTKS": type(sessions("XTKS"))(*(values[-30:] for values in sessions("XTKS")))}
    frame = simulate(instruments, hours, first=int(hours["XTKS"].session[0]), seed=1)
    assert frame["symbol"].drop_duplicates().tolist() == ["8035.T", "6857.T"]


# Planted effects


def planted_path(truth, symbol, days):
    """Cumulative planted log return at the open and the close of each session of one instrument."""
    gap, day = np.zeros(len(days)), np.zeros(len(days))
    for row in truth[truth["symbol"] == symbol].itertuples():
        at = int(np.searchsorted(days, row.session))
        gap[at] += row.gap
        day[at : at + row.sessions] += row.drift / row.sessions
    close = np.cumsum(gap + day)
    return close - day, close


def half_tick(prices):
    """Half a unit of the fourth digit, as a share of the price."""
    return 0.5 * 10.0 ** (np.floor(np.log10(prices)) - 3) / prices


def test_the_difference_of_two_runs_is_what_was_planted():
    events = pd.concat([news(12), news(9, start="2020-02-01T02:00Z", tag="chip", direction="positive")])
    span = {"start": "2020-01-01", "end": "2021-06-30", "seed": SEED}
    base, moved = simulated_market(SOME, **span), simulated_market(SOME, events=events, **span)
    assert len(moved.truth) > 100
    for i, symbol in enumerate(base.tape.symbols):
        rows = slice(*base.tape.offsets[i : i + 2])
        mic, days = base.tape.venues[i], base.tape.session[rows]
        real = sessions(mic).session
        real = real[(real >= days[0]) & (real <= days[-1])]
        live = ~base.tape.halted[rows]
        here = np.searchsorted(real, days)[live]
        for name, path in zip(("open", "close"), planted_path(moved.truth, symbol, real), strict=True):
            before, after = getattr(base.tape, name)[rows][live], getattr(moved.tape, name)[rows][live]
            error = np.log(after / before) - path[here]
            assert (np.abs(error) <= 1.001 * (half_tick(before) + half_tick(after))).all(), (symbol, name)


def test_the_gap_lands_at_the_first_open_that_could_be_had():
    cutoff = sessions("XTKS").open_cutoff
    at = int(np.searchsorted(sessions("XTKS").session, 20000))
    instants = pd.to_datetime([cutoff[at], cutoff[at] + 1], utc=True).as_unit("ns")
    events = news(2, known_by=instants)
    truth = simulated_market(["8035.T"], start="2024-01-01", end="2025-06-30", events=events).truth
    assert truth["session"].tolist() == sessions("XTKS").session[at : at + 2].tolist()
    assert to_ns(truth["opens_at"]).tolist() == sessions("XTKS").opens_at[at : at + 2].tolist()


def test_effects_are_recovered_by_averaging():
    """Of 160 events the mean gap and drift of a basket lie within three standard errors of the plan."""
    events = news(160, start="2018-02-01T12:00Z", every="17D")
    market = simulated_market(SOME, events=events, seed=SEED)
    opens, closes = wide(market.tape, "open"), wide(market.tape, "close")
    gaps, days = np.log(opens / closes.shift()), np.log(closes / opens)
    effect = EFFECTS["tariff", "escalation"]
    gap, drift = [], []
    for _, rows in market.truth.groupby("event_id"):
        whole = rows[rows["sessions"] == effect.sessions]
        places = [
            (days.index.searchsorted(pd.Timestamp(row.session, unit="D")), row.symbol)
            for row in whole.itertuples()
        ]
        gap.append(np.nanmean([gaps[symbol].iloc[at] for at, symbol in places]))
        runs = [days[symbol].iloc[at:].dropna().iloc[: effect.sessions].sum() for at, symbol in places]
        drift.append(np.mean(runs))
    for found, size in ((gap, effect.gap), (drift, effect.drift)):
        error = np.std(found, ddof=1) / np.sqrt(len(found))
        assert error < abs(size) / 4
        assert abs(np.mean(found) - size) < 3 * error


def test_effects_add_up():
    events = news(2, known_by=pd.to_datetime(["2024-03-04T12:00Z"] * 2).as_unit("ns"))
    span = {"start": "2024-01-01", "end": "2024-06-30"}
    sizes = {("tariff", "escalation"): Effect(0.05, 0.0, 1)}
    base = simulated_market(["2330.TW"], **span).tape
    moved = simulated_market(["2330.TW"], events=events, effects=sizes, **span).tape
    assert np.log(moved.close[-1] / base.close[-1]) == pytest.approx(0.10, abs=0.002)


def test_symbols_come_before_scope_and_scope_may_be_a_market_or_a_theme():
    instruments = universe(SOME).instruments
    hours = {one.venue: sessions(one.venue) for one in instruments}
    events = news(
        6,
        symbols=["2330.TW 9999.HK", "9999.HK", "", "", "", ""],
        scope=["global", "global", "market:KR market:IN", "theme:semis", "", "global"],
    )
    touched = planted(events, instruments, hours).groupby("event_id")["symbol"].agg(set)
    assert touched["tariff-0"] == {"2330.TW"}
    assert "tariff-1" not in touched
    assert touched["tariff-2"] == {"005930.KS", "TCS.NS"}
    assert touched["tariff-3"] == {"8035.T", "005930.KS", "2330.TW", "0981.HK", "688981.SS"}
    assert "tariff-4" not in touched
    assert touched["tariff-5"] == set(SOME)


def test_of_a_story_only_the_first_print_plants():
    known = pd.to_datetime(
        ["2024-03-05T12:00Z", "2024-03-04T12:00Z", "2024-03-04T12:00Z", "2024-03-06T12:00Z"]
    )
    events = news(4, known_by=known.as_unit("ns"), story_id=["a", "a", "a", ""])
    truth = simulated_market(["8035.T"], start="2024-01-01", end="2024-06-30", events=events).truth
    assert truth["event_id"].tolist() == ["tariff-1", "tariff-3"]


def test_polarity_scales_the_effect_and_takes_the_place_of_its_sign():
    events = news(1, start="2024-03-04T12:00Z")
    polarity = pd.DataFrame({"event_id": "tariff-0", "symbol": list(SOME[:3]), "polarity": [-0.5, 1.0, 0.0]})
    market = simulated_market(
        SOME[:4], start="2024-01-01", end="2024-06-30", events=events, polarity=polarity
    )
    truth = market.truth.set_index("symbol")
    assert truth["gap"].to_dict() == pytest.approx({"8035.T": -0.006, "005930.KS": 0.012, "0981.HK": -0.012})
    assert truth["drift"].to_dict() == pytest.approx(
        {"8035.T": -0.004, "005930.KS": 0.008, "0981.HK": -0.008}
    )
    assert truth["side"].to_dict() == {"8035.T": -1, "005930.KS": 1, "0981.HK": -1}
    assert truth["polarity"].to_dict() == {"8035.T": -0.5, "005930.KS": 1.0, "0981.HK": -1.0}


@pytest.mark.parametrize("tag, direction", [("fed", "neutral"), ("fed", ""), ("earnings", "positive")])
def test_other_tags_and_directions_plant_nothing(tag, direction):
    events = news(3, start="2024-02-01T12:00Z", tag=tag, direction=direction)
    span = {"start": "2024-01-01", "end": "2024-06-30"}
    market = simulated_market(SOME, events=events, **span)
    assert list(market.truth.columns) == list(TRUTH)
    assert market.truth.empty
    full = simulated_market(SOME, events=news(1, start="2024-02-01T12:00Z"), **span).truth
    assert market.truth.dtypes.equals(full.dtypes)
    assert market.tape.digest() == simulated_market(SOME, **span).tape.digest()


def test_given_effects_take_the_place_of_the_shipped_ones():
    events = pd.concat(
        [news(1, start="2024-02-01T12:00Z"), news(1, start="2024-02-01T12:00Z", tag="earnings")]
    )
    sizes = {("earnings", "escalation"): Effect(0.0, 0.02, 2)}
    market = simulated_market(["2330.TW"], start="2024-01-01", end="2024-06-30", events=events, effects=sizes)
    assert market.truth[["tag", "gap", "drift", "sessions", "side"]].values.tolist() == [
        ["earnings", 0.0, 0.02, 2, 1]
    ]


def test_events_outside_the_tape_plant_nothing_and_the_last_drift_is_cut():
    known = pd.to_datetime(["2023-12-01T00:00Z", "2024-03-27T12:00Z", "2024-04-01T00:00Z"]).as_unit("ns")
    truth = simulated_market(
        ["8035.T"], start="2024-01-01", end="2024-03-29", events=news(3, known_by=known)
    ).truth
    assert truth["event_id"].tolist() == ["tariff-1"]
    assert truth["sessions"].tolist() == [2]
    assert truth["drift"].item() == pytest.approx(-0.008 * 2 / 5)
    assert truth["gap"].item() == -0.012


# What is refused


def test_an_unknown_universe_is_refused():
    with pytest.raises(InputError, match="did you mean 'asia-semis'"):
        simulated_market("asia-semi")


def test_an_unknown_symbol_is_refused():
    with pytest.raises(InputError, match="'NOPE'"):
        simulated_market(["NOPE"])


def test_a_negative_seed_is_refused():
    with pytest.raises(InputError, match="a seed that is not negative, got -1"):
        simulated_market(SOME, seed=-1)


def test_a_date_that_is_none_is_refused():
    with pytest.raises(InputError, match="expected end as a date, got 'soon'; write it as 2018-01-31"):
        simulated_market(SOME, end="soon")


def test_an_end_before_the_start_is_refused():
    with pytest.raises(
        InputError, match="a session of XTKS between start and end, got 2024-01-01 to 2023-01-01"
    ):
        simulated_market(["8035.T"], start="2024-01-01", end="2023-01-01")


def test_events_without_a_column_are_refused():
    with pytest.raises(InputError, match="the column 'known_by' in the events"):
        simulated_market(SOME, events=news(1).drop(columns="known_by"))


def test_an_event_without_an_instant_is_refused():
    events = news(2)
    events.loc[1, "known_by"] = pd.NaT
    with pytest.raises(InputError, match="known_by of event 'tariff-1'"):
        simulated_market(SOME, events=events)


def test_an_unknown_polarity_is_refused():
    polarity = pd.DataFrame({"event_id": ["tariff-0"], "symbol": ["2330.TW"], "polarity": [np.nan]})
    with pytest.raises(InputError, match="a polarity from -1 to 1"):
        simulated_market(SOME, events=news(1), polarity=polarity)


@pytest.mark.parametrize("gap, drift, count", [(np.nan, 0.0, 1), (0.0, np.inf, 1), (0.0, 0.0, 0)])
def test_an_impossible_effect_is_refused(gap, drift, count):
    with pytest.raises(InputError, match="finite gap and drift over at least one session"):
        Effect(gap, drift, count)


def test_effects_that_no_price_can_bear_are_refused():
    with pytest.raises(
        InputError, match=r"effects that 8035\.T can bear, got prices from .*; plant fewer or smaller"
    ):
        simulated_market(["8035.T"], events=news(2000, start="2018-02-01T12:00Z", every="1D"))


def test_a_large_market_is_made_quickly():
    """Forty instruments over eight years take about a tenth of a second to draw; ten times that is a fault."""
    instruments = universe(DEMO).instruments
    hours = {one.venue: sessions(one.venue) for one in instruments}
    began = time.perf_counter()
    simulate(instruments, hours, first=int(min(of.session[0] for of in hours.values())), seed=1)
    assert time.perf_counter() - began < 5.0
