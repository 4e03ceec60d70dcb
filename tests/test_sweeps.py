"""Sweeps through the door: figures of a run alone, stopped and resumed, and what luck finds."""

import gc
import json
import tracemalloc

import numpy as np
import pandas as pd
import pytest

import aftershock as af
from aftershock import sweeps
from aftershock.engine import trials
from aftershock.engine.placebo import placebo_signals
from aftershock.inputs import rates_digests
from aftershock.sweeps import GREATER, sweep_experiment

FIGURES = [
    "trades", "open", "total_return", "cagr", "volatility", "sharpe", "sortino", "max_drawdown", "calmar",
    "hit_rate", "profit_factor", "exposure", "turnover", "costs", "pnl",
]  # fmt: skip
GRID = {
    "hold": [0, 1, 4],
    "stop": ["off", 0.03],
    "take": [0.04, "off"],
    "delay": [0, 2],
    "min_strength": [0, 20],
}


@pytest.fixture(scope="module")
def market():
    events = af.load_events(["catalogue:fomc", "catalogue:tariffs"]).between(
        "2023-01-01T00:00Z", "2025-01-01T00:00Z"
    )
    made = af.simulated_market(
        "asia-semis", start="2022-12-01", end="2024-12-31", seed=3, events=events.frame
    )
    return events, made.tape


def run(market, grid=None, mode="account", **settings):
    book = af.Portfolio(mode=mode, size={"account": 1.0, "event": 0.1, "portfolio": 0.05}[mode])
    strategy = settings.pop("strategy", af.Reaction(tag=("fed", "tariff")))
    chosen = {"costs": af.Costs(), "placebo": 0, "jobs": 1, **settings}
    return af.sweep(*market, strategy, GRID if grid is None else grid, portfolio=book, **chosen)


@pytest.mark.parametrize("mode", ["event", "account", "portfolio"])
def test_each_trial_has_the_figures_of_its_own_run(market, mode):
    found = run(market, mode=mode)
    assert len(found.trials) == len(found) == 48
    assert set(found.trials["path"]) == ({"walk"} if mode == "portfolio" else {"tables"})
    assert found.trials["trades"].max() > 50
    for number in (0, 7, 21, 30, 47):
        told = found.trial(number).stats["headline"]
        row = found.trials.loc[number]
        for name in FIGURES:
            assert row[name] == pytest.approx(told[name], rel=1e-9, abs=1e-12, nan_ok=True), (number, name)


HEDGES = {
    "of another calendar": af.Hedge(method="beta", instruments={"JP": "2330.TW"}),
    "one to one": af.Hedge(method="index", instrument="8035.T"),
}


@pytest.mark.parametrize("mode", ["event", "account", "portfolio"])
@pytest.mark.parametrize("hedge", HEDGES)
def test_each_hedged_trial_has_the_figures_of_its_own_run(market, mode, hedge, tmp_path):
    grid = {"hold": [0, 3], "stop": ["off", 0.03], "min_strength": [0, 20, 1e6], "slippage": [0.0, 0.001]}
    wanted = [symbol for symbol in market[1].symbols if symbol.endswith(".T")]
    if hedge == "one to one":
        wanted = ["8035.T", "6857.T", "000660.KS", "005930.KS"]
    settings = {"mode": mode, "hedge": HEDGES[hedge], "universe": wanted}
    found = run(market, grid, jobs=2, returns=True, folder=tmp_path / "s", **settings)
    trades = found.trials["min_strength"] < 1e6
    assert set(found.trials["path"]) == {"walk"}
    assert found.trials.loc[trades, "trades"].min() > 20 and not found.trials.loc[~trades, "trades"].any()
    plain = run(market, grid, **settings | {"hedge": None}).trials
    assert (found.trials["total_return"] != plain["total_return"])[trades].all()
    assert (found.trials["costs"] > plain["costs"]).sum() >= 8
    returns = np.load(tmp_path / "s" / "returns.npy")
    for number in (0, 7, 11, 12, 21):
        one = found.trial(number)
        row = found.trials.loc[number]
        assert (one.trades["hedge_symbol"] != "").any() == trades[number]
        for name in FIGURES:
            told = one.stats["headline"][name]
            assert row[name] == pytest.approx(told, rel=1e-9, abs=1e-12, nan_ok=True), (number, name)
        wanted_returns = one.equity["returns"].to_numpy(np.float32)
        np.testing.assert_allclose(
            returns[number][returns.shape[1] - len(wanted_returns) :], wanted_returns, rtol=1e-5, atol=1e-9
        )


def test_placebos_are_hedged_too(market):
    grid = {"hold": [1, 3]}
    hedged = run(market, grid, hedge=HEDGES["one to one"], placebo=2).placebo["sharpe"]
    plain = run(market, grid, placebo=2).placebo["sharpe"]
    assert hedged.notna().all() and plain.notna().all() and (hedged != plain).all()


def test_a_trial_is_the_run_of_its_parameters_to_the_bit(market):
    found = run(
        market, {"hold": [1, 3], "slippage": [0.0, 0.001], "stance": ["follow", "fade"]}, mode="portfolio"
    )
    alone = af.backtest(
        *market,
        af.Reaction(tag=("fed", "tariff"), hold=3, stance="fade"),
        portfolio=af.Portfolio(size=0.05),
        costs=af.Costs(slippage=0.001),
        name="sweep",
    )
    row = found.trials[
        (found.trials["hold"] == 3) & (found.trials["stance"] == "fade") & (found.trials["slippage"] > 0)
    ]
    one = found.trial(int(row["trial"].iloc[0]))
    pd.testing.assert_frame_equal(one.trades, alone.trades, check_exact=True)
    pd.testing.assert_frame_equal(one.equity, alone.equity, check_exact=True)
    assert one.manifest["hashes"] == alone.manifest["hashes"]


def test_set_ups_share_the_rules_of_bars_where_only_signals_differ(market):
    grid = {"hold": [1, 3], "min_strength": [0, 20], "delay": [0, 1], "slippage": [0.0, 0.001]}
    plan = run(market, grid | {"entry": ["open", "close"]}, mode="portfolio").plan
    setups = plan.ground().setups
    assert len(setups) == 16 and len({id(one.rules) for one in setups}) == 4
    for setup, experiment in zip(setups, plan.experiments, strict=True):
        assert (setup.rules.bar["at_open"] == experiment.costs.slippage).all()
        assert setup.orders.at_close == (experiment.strategy.entry == "close")


@pytest.mark.parametrize(
    "setting", [{"overlap": "extend"}, {"opposite": "reverse"}, {"max_defer": 3}, {"overlap": "stack"}]
)
def test_what_does_not_fit_tables_is_walked_and_said(market, setting):
    strategy = af.Reaction(tag=("fed", "tariff"), **setting)
    found = run(market, {"hold": [2, 5], "trail": [0.02, "off"]}, strategy=strategy)
    assert set(found.trials["path"]) == ({"tables"} if "opposite" in setting else {"walk"})
    told = found.trial(3).stats["headline"]
    for name in FIGURES:
        assert found.trials.loc[3, name] == pytest.approx(told[name], rel=1e-9, abs=1e-12, nan_ok=True), name


def test_threads_and_folders_change_no_bit(market, tmp_path):
    one = run(market)
    two = run(market, jobs=2)
    pd.testing.assert_frame_equal(one.trials, two.trials, check_exact=True)
    written = run(market, folder=tmp_path / "a")
    pd.testing.assert_frame_equal(one.trials, written.trials, check_exact=True)
    assert not (tmp_path / "a" / "parts").exists()


class TestStopped:
    @pytest.fixture(autouse=True)
    def chunks(self, monkeypatch):
        monkeypatch.setattr("aftershock.sweeps.CHUNK", 10)

    def test_what_was_done_is_kept_and_the_same_command_goes_on(self, market, tmp_path):
        whole = run(market, placebo=3)

        def stop(told):
            if told.done > 25:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(market, placebo=3, folder=tmp_path / "s", progress=stop)
        assert len(list((tmp_path / "s" / "parts").iterdir())) == 2
        heard = []
        again = run(market, placebo=3, folder=tmp_path / "s", progress=heard.append)
        assert heard[0].done == 10  # the first part is read, not run
        pd.testing.assert_frame_equal(again.trials, whole.trials, check_exact=True)
        pd.testing.assert_frame_equal(again.placebo, whole.placebo, check_exact=True)

    def test_placebos_that_were_done_are_kept(self, market, tmp_path):
        def stop(told):
            if told.placebos_done == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(market, placebo=4, folder=tmp_path / "s", progress=stop)
        assert len(pd.read_parquet(tmp_path / "s" / "placebo.parquet")) == 2
        again = run(market, placebo=4, folder=tmp_path / "s")
        pd.testing.assert_frame_equal(again.placebo, run(market, placebo=4).placebo, check_exact=True)

    def test_another_sweep_does_not_go_on_there(self, market, tmp_path):
        run(market, {"hold": [1, 2]}, folder=tmp_path / "s")
        with pytest.raises(
            af.InputError, match="expected the folder of this very sweep, got that of another"
        ):
            run(market, {"hold": [1, 3]}, folder=tmp_path / "s")
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "mine.txt").write_text("x")
        with pytest.raises(af.InputError, match="an empty folder"):
            run(market, {"hold": [1, 2]}, folder=tmp_path / "full")


def test_trials_that_are_written_are_let_go(market, tmp_path, monkeypatch):
    monkeypatch.setattr("aftershock.sweeps.CHUNK", 1_000)
    used, sizes, chunk = [], [], sweeps._chunk

    def watched(*given):
        gc.collect()
        used.append(tracemalloc.get_traced_memory()[0])
        table = chunk(*given)
        sizes.append(int(table.memory_usage().sum()))
        return table

    monkeypatch.setattr("aftershock.sweeps._chunk", watched)
    levels = np.linspace(0.01, 0.1, 20).round(4).tolist()
    grid = {"hold": {"from": 1, "to": 10}, "stop": levels, "take": levels, "delay": [0, 1]}
    tracemalloc.start()
    try:
        run(market, grid, mode="event", placebo=0, folder=tmp_path / "s")
    finally:
        tracemalloc.stop()
    # The table before the last is the one that may still be there.
    assert len(used) == 8 and used[-1] - used[2] < max(sizes)


def test_returns_of_every_trial(market, tmp_path):
    for mode in ("account", "portfolio"):
        found = run(
            market, {"hold": [1, 4], "stop": [0.02, "off"]}, mode=mode, folder=tmp_path / mode, returns=True
        )
        curve = found.trial(1).equity
        assert found.returns.dtype == np.float32
        own = found.returns[1][-len(curve) :]
        np.testing.assert_allclose(own, curve["returns"], atol=2e-7)
        assert not found.returns[1][: -len(curve)].any()
    with pytest.raises(af.InputError, match="a folder for the returns"):
        run(market, {"hold": [1]}, returns=True)


class TestLuck:
    def test_placebos_keep_year_clustering_and_everything_but_the_date(self, market):
        plan = run(market, {"hold": [1]}).plan
        signals = plan.inputs and plan._joined(next(iter(plan.joined)), plan.experiments[0])
        moved = placebo_signals(signals, plan.inputs.tape, np.random.default_rng(1))
        same = ["event_id", "symbol", "side", "weight", "strength", "venue"]
        pd.testing.assert_frame_equal(moved[same], signals[same])
        assert (moved["known_by"].dt.year == signals["known_by"].dt.year).all()
        assert (moved["known_by"].dt.time == signals["known_by"].dt.time).all()
        pairs = pd.DataFrame(
            {"was": signals["known_by"].dt.date, "is": moved["known_by"].dt.date}
        ).drop_duplicates()
        assert pairs["was"].is_unique
        assert pairs["is"].is_unique
        assert (pairs["was"] != pairs["is"]).mean() > 0.9

    def test_luck_finds_less_than_what_was_planted_and_the_best_says_so(self, market):
        found = run(market, {"hold": [0, 1, 2, 5], "stop": ["off", 0.02, 0.05]}, placebo=20, jobs=2)
        assert list(found.placebo["seed"]) == list(range(20))
        best = found.best(n=3)
        assert best["sharpe"].is_monotonic_decreasing
        assert (best["luck"] == np.quantile(found.placebo["sharpe"], 0.95)).all()
        reached = (found.placebo["sharpe"] >= best["sharpe"].iloc[0]).sum()
        assert best["p_value"].iloc[0] == (1 + reached) / 21

    def test_what_was_planted_beats_luck_and_noise_does_not(self):
        rng = np.random.default_rng(5)
        days = pd.bdate_range("2023-01-02", "2024-12-30")
        news = np.sort(rng.choice(np.arange(5, len(days) - 10), 60, replace=False))
        events = pd.DataFrame(
            {
                "known_by": [f"{days[k - 1].date()}T20:00Z" for k in news],
                "tag": "chip",
                "direction": "positive",
                "symbols": "8035.T 6857.T",
            }
        )
        found = {}
        for planted in (0.0, 0.02):
            parts = []
            for symbol in ("8035.T", "6857.T"):
                move = rng.normal(0, 0.01, len(days))
                move[news] += planted
                close = 1000 * np.exp(np.cumsum(move))
                # An open that always equals the close before would be taken for made up.
                open_ = close * np.exp(rng.normal(0, 0.001, len(days)) - move)
                parts.append(pd.DataFrame({"symbol": symbol, "date": days, "open": open_, "close": close}))
            found[planted] = af.sweep(
                events, pd.concat(parts), af.Reaction(tag="chip"), {"hold": [0, 1, 2, 3]},
                portfolio=af.Portfolio(mode="event"), costs=af.Costs(model="zero"), placebo=40,
            )  # fmt: skip
        assert found[0.02].best()["p_value"].iloc[0] == 1 / 41
        assert found[0.02].best()["sharpe"].iloc[0] > found[0.02].luck() > 0
        assert found[0.0].best()["p_value"].iloc[0] > 0.05

    def test_trials_of_few_trades_are_no_candidates(self, market):
        found = run(market, {"min_strength": [0, 1e6], "hold": [1]})
        assert found.trials["trades"].tolist()[1] == 0
        assert found.best(n=5)["trial"].tolist() == [0]
        with pytest.raises(af.InputError, match="did you mean 'sharpe'"):
            found.best("sharp")


def test_pivots_and_heat_maps(market):
    found = run(market)
    cells = found.pivot("hold", "stop", "sharpe", "max")
    assert cells.columns.tolist() == [0, 1, 4]
    assert cells.index.tolist() == [0.03, "off"]
    own = found.trials[(found.trials["hold"] == 4) & found.trials["stop"].isna()]
    assert cells.loc["off", 4] == own["sharpe"].max()
    drawn = found.heatmap("hold", "stop", "total_return", "max")
    np.testing.assert_array_equal(
        drawn.data["total_return"], found.pivot("hold", "stop", "total_return", "max")
    )
    assert drawn.title == "SIMULATED · Max total return of the trials of each cell"
    assert drawn._repr_html_().startswith("<iframe sandbox ")
    with pytest.raises(af.InputError, match="did you mean 'hold'"):
        found.pivot("hodl", "stop")


class TestFiles:
    @pytest.fixture
    def experiment(self, tmp_path):
        path = tmp_path / "e.toml"
        path.write_text(
            '[events]\ncatalogue = ["fomc"]\nstart = "2024-01-01"\nend = "2024-12-31"\n'
            '[prices]\nsimulated = true\n[universe]\nname = ["asia-semis"]\n'
            '[strategy]\ntag = ["fed"]\n[portfolio]\nmode = "event"\n'
            '[sweep]\nplacebo = 1\n[sweep.grid]\nhold = {from = 1, to = 4}\nstop = ["off", 0.02]\n'
        )
        return path

    def test_an_experiment_and_its_folder_read_back(self, experiment, tmp_path):
        found = sweep_experiment(experiment, folder=tmp_path / "s", jobs=1)
        assert len(found.trials) == 8
        told = json.loads((tmp_path / "s" / "sweep.json").read_text())
        assert (told["complete"], told["simulated"]) == (True, True)
        again = af.load_sweep(tmp_path / "s")
        pd.testing.assert_frame_equal(again.trials, found.trials)
        assert again.luck() == found.luck()
        assert again.trial(3).stats["headline"]["trades"] == found.trials.loc[3, "trades"]

    def test_a_sample_of_it(self, experiment):
        found = sweep_experiment(experiment, trials=3, placebo=0, jobs=1)
        assert len(found.trials) == 3
        assert found.trials.duplicated(["hold", "stop"]).sum() == 0

    def test_inputs_that_have_changed_are_told(self, experiment, tmp_path):
        rows = af.simulated_market("asia-semis", start="2023-12-01", end="2024-12-31", seed=1).tape.to_frame()
        rows.to_parquet(tmp_path / "p.parquet")
        text = experiment.read_text().replace("simulated = true", 'files = ["p.parquet"]')
        experiment.write_text(text)
        sweep_experiment(experiment, folder=tmp_path / "s", jobs=1)
        assert af.load_sweep(tmp_path / "s").trial(3).stats["headline"]["trades"] > 0
        rows.assign(close=rows["close"] * 1.001).to_parquet(tmp_path / "p.parquet")
        with pytest.raises(af.InputError, match="the inputs that this sweep ran on, got changed ones"):
            af.load_sweep(tmp_path / "s")
        assert len(af.load_sweep(tmp_path / "s", changed=True).trials) == 8

    def test_rates_are_inputs_too(self, experiment, tmp_path):
        rates = pd.DataFrame({"date": pd.bdate_range("2023-12-01", "2024-12-30"), "close": 150.0})
        rates.to_csv(tmp_path / "usdjpy.csv", index=False)
        text = experiment.read_text().replace(
            'mode = "event"', 'mode = "portfolio"\ncapital = 50000\nfx = ["usdjpy.csv"]'
        )
        experiment.write_text(text.replace('name = ["asia-semis"]', 'symbols = ["8035.T"]'))
        found = sweep_experiment(experiment, folder=tmp_path / "s", jobs=1)
        sweep_experiment(experiment, folder=tmp_path / "s", jobs=1)
        rates.assign(close=80.0).to_csv(tmp_path / "usdjpy.csv", index=False)
        with pytest.raises(af.InputError, match="the folder of this very sweep"):
            sweep_experiment(experiment, folder=tmp_path / "s", jobs=1)
        other = sweep_experiment(experiment, folder=tmp_path / "other", jobs=1)
        assert (other.trials["pnl"] != found.trials["pnl"]).any()

    @pytest.mark.parametrize("what", ["fx", "marks"])
    def test_rates_are_told_by_their_content(self, tmp_path, what):
        """Not by where they lie or what they are called; the ECB's are those of the package."""
        table = pd.DataFrame({"date": ["2024-01-04"], "close": [150.0]})
        if what == "marks":
            table = pd.DataFrame({"at": ["2024-01-04T06:00Z"], "pair": ["USDJPY"], "rate": [150.0]})
        digests = []
        for name, last in (("usdjpy", 150.0), ("usdjpy2/usdjpy", 150.0), ("usdjpy3/usdjpy", 151.0)):
            path = tmp_path / f"{name}.csv"
            path.parent.mkdir(exist_ok=True)
            table.assign(**{table.columns[-1]: last}).to_csv(path, index=False)
            digests.append(rates_digests(af.Portfolio(unhedged=what == "marks", **{what: [str(path)]})))
        assert digests[0] == digests[1] != digests[2]
        assert rates_digests(af.Portfolio()) == []

    @pytest.mark.parametrize(
        ("grid", "told"),
        [
            ('hold = [0, 1]\nentry = ["open", "close"]', "hold of at least 1"),
            ("hold = [100000000000000000000]", "less than or equal to 1000000"),
            ("stop = [nan, 0.1]", "finite values of 'stop'"),
            ("take = {from = 0.1, to = inf, step = 0.1}", "finite values of 'take'"),
            ("take = {from = 0.1, to = 0.5, num = 0}", "a whole num of at least 1 in 'take', got 0"),
            ('exit = "own.py:divides"', "own.py, .*an answer for every bar"),
        ],
    )
    def test_what_fails_leaves_no_folder_in_the_way(self, experiment, tmp_path, grid, told):
        (tmp_path / "own.py").write_text("def divides(held):\n    return 1 // (held - held) > 0\n")
        right = experiment.read_text()
        experiment.write_text(right.partition("[sweep.grid]")[0] + f"[sweep.grid]\n{grid}\n")
        with pytest.raises(af.InputError, match=told):
            sweep_experiment(experiment, folder=tmp_path / "s", jobs=1)
        assert not (tmp_path / "s").exists()
        experiment.write_text(right)
        assert len(sweep_experiment(experiment, folder=tmp_path / "s", jobs=1)) == 8

    def test_a_table_is_run_whole(self, experiment, tmp_path):
        (tmp_path / "t.csv").write_text("hold\n1\n2\n3\n")
        text = experiment.read_text().partition("[sweep]")[0]
        experiment.write_text(text + '[sweep]\ntable = "t.csv"\nplacebo = 0\n')
        assert len(sweep_experiment(experiment)) == 3
        with pytest.raises(af.InputError, match="all rows of a table of trials, got a sample"):
            sweep_experiment(experiment, trials=2)
        for beside in ("sample = 2", 'method = "latin"', "grid = {hold = [1]}"):
            experiment.write_text(text + f'[sweep]\ntable = "t.csv"\n{beside}\n')
            with pytest.raises(af.InputError, match="beside table; leave one of the two out"):
                sweep_experiment(experiment)

    def test_what_is_done_is_never_taken_away(self, experiment, tmp_path, monkeypatch):
        """A sweep that fails where one was done before, or beside files that are not its own, leaves them there."""
        text = experiment.read_text().replace("[strategy]", '[strategy]\nexit = "own.py:rule"')
        experiment.write_text(text.replace("placebo = 1", "placebo = 1\nreturns = true"))
        (tmp_path / "own.py").write_text("def rule(held):\n    return held > 2\n")
        sweep_experiment(experiment, folder=tmp_path / "s", jobs=1)
        (tmp_path / "s" / "returns.npy").unlink()
        there = sorted(path.name for path in (tmp_path / "s").iterdir())

        def fails(*given):
            raise af.InputError(sweeps.Problem("a", "b", "c"))

        monkeypatch.setattr(sweeps.Plan, "ground", fails)
        again = sweep_experiment(experiment, folder=tmp_path / "s", jobs=1)  # all of it is there
        assert len(again.trials) == 8
        with pytest.raises(af.InputError):
            sweep_experiment(experiment, folder=tmp_path / "s", placebo=2, jobs=1)
        assert sorted(path.name for path in (tmp_path / "s").iterdir()) == there
        real, link = tmp_path / "real", tmp_path / "link"
        real.mkdir()
        link.symlink_to(real)
        with pytest.raises(af.InputError, match="expected a, got b"):
            sweep_experiment(experiment, folder=link, jobs=1)
        assert link.exists() and not list(real.iterdir())

    def test_a_stopped_sweep_that_fails_keeps_its_parts(self, experiment, tmp_path, monkeypatch):
        monkeypatch.setattr(sweeps, "CHUNK", 3)
        whole = sweep_experiment(experiment, folder=tmp_path / "whole", placebo=0, jobs=1)

        def stop(now):
            if now.done > 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            sweep_experiment(experiment, folder=tmp_path / "s", placebo=0, jobs=1, progress=stop)

        def fails(*given):
            raise af.InputError(sweeps.Problem("a", "b", "c"))

        with monkeypatch.context() as patched:
            patched.setattr(sweeps.Plan, "ground", fails)
            with pytest.raises(af.InputError):
                sweep_experiment(experiment, folder=tmp_path / "s", placebo=0, jobs=1)
        assert len(list((tmp_path / "s" / "parts").iterdir())) == 1
        found = sweep_experiment(experiment, folder=tmp_path / "s", placebo=0, jobs=1)
        pd.testing.assert_frame_equal(found.trials, whole.trials)

    @pytest.mark.parametrize("damage", ["gone", "cut"])
    def test_returns_that_are_gone_are_made_again(self, experiment, tmp_path, monkeypatch, damage):
        monkeypatch.setattr(sweeps, "CHUNK", 3)
        experiment.write_text(experiment.read_text().replace("placebo = 1", "placebo = 0\nreturns = true"))
        whole = sweep_experiment(experiment, folder=tmp_path / "whole", jobs=1)

        def stop(now):
            if now.done > 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            sweep_experiment(experiment, folder=tmp_path / "s", jobs=1, progress=stop)
        path = tmp_path / "s" / "returns.npy"
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:40])
        found = sweep_experiment(experiment, folder=tmp_path / "s", jobs=1)
        pd.testing.assert_frame_equal(found.trials, whole.trials)
        np.testing.assert_array_equal(found.returns, whole.returns)
        assert (np.asarray(whole.returns) != 0).any(axis=1).all()

    def test_a_sweep_that_was_cut_off_at_its_very_end(self, experiment, tmp_path):
        sweep_experiment(experiment, folder=tmp_path / "s", jobs=1)
        told = tmp_path / "s" / "sweep.json"
        told.write_text(json.dumps({**json.loads(told.read_text()), "complete": False}))
        with pytest.raises(af.InputError, match="one that was stopped"):
            af.load_sweep(tmp_path / "s")
        sweep_experiment(experiment, folder=tmp_path / "s", jobs=1)
        assert len(af.load_sweep(tmp_path / "s").trials) == 8

    def test_another_version_of_the_package_reads_it(self, experiment, tmp_path, monkeypatch):
        sweep_experiment(experiment, folder=tmp_path / "s", jobs=1)
        monkeypatch.setattr(sweeps, "version", lambda name: "99.0")
        assert len(af.load_sweep(tmp_path / "s").trials) == 8
        with pytest.raises(af.InputError, match="the folder of this very sweep"):
            sweep_experiment(experiment, folder=tmp_path / "s", jobs=1)

    def test_its_own_experiment_runs_again_from_anywhere(self, experiment, tmp_path, monkeypatch):
        (tmp_path / "own.py").write_text("def rule(held):\n    return held > 2\n")
        text = experiment.read_text().partition("hold = ")[0]
        experiment.write_text(text + 'exit = ["off", "own.py:rule"]\nhold = [1, 2]\n')
        monkeypatch.chdir(tmp_path.parent)
        near = experiment.relative_to(tmp_path.parent)
        sweep_experiment(near, folder=near.parent / "s", placebo=0, jobs=1)
        again = sweep_experiment(near.parent / "s" / "experiment.toml", folder=near.parent / "s", placebo=0)
        assert again.trials["exit"].tolist() == ["off", "off", "rule", "rule"]
        (tmp_path / "own.py").write_text("def rule(held):\n    return held > 3\n")
        with pytest.raises(af.InputError, match="the folder of this very sweep"):
            sweep_experiment(near, folder=near.parent / "s", placebo=0, jobs=1)
        with pytest.raises(
            af.InputError, match="the code of your own that this sweep ran, got a changed one"
        ):
            af.load_sweep(near.parent / "s")

    def test_a_folder_that_was_damaged(self, experiment, tmp_path):
        def stop(now):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            sweep_experiment(experiment, folder=tmp_path / "s", placebo=0, jobs=1, progress=stop)
        parts = tmp_path / "s" / "parts"
        (parts / "000000.parquet").write_bytes(b"PAR1")
        (parts / "stray.parquet").write_bytes(b"")
        found = sweep_experiment(experiment, folder=tmp_path / "s", placebo=0, jobs=1)
        whole = sweep_experiment(experiment, folder=tmp_path / "whole", placebo=0, jobs=1)
        pd.testing.assert_frame_equal(found.trials, whole.trials)
        (tmp_path / "s" / "grid.json").write_text("{")
        with pytest.raises(af.InputError, match=r"a grid\.json that can be read"):
            af.load_sweep(tmp_path / "s")

    def test_an_experiment_without_a_grid(self, experiment):
        text = experiment.read_text().partition("[sweep]")[0]
        experiment.write_text(text)
        with pytest.raises(af.InputError, match=r"\[sweep.grid\]"):
            sweep_experiment(experiment)

    @pytest.mark.parametrize(
        ("section", "line", "told"),
        [
            ('[sweep.grid]\nhold = [1]\nstop = ["x"]\n', 15, "'stop' that fits, got 'x'"),
            ("[sweep.grid]\nhold = [1]\nstip = [0.1]\n", 15, "got 'stip'; did you mean 'stop'"),
            ("[sweep.grid]\nhold = {form = 1, to = 4}\n", 14, "got 'form'; did you mean 'from'"),
            ("[sweep]\nplacebo = 0\ngrid = {hold = -1}\n", 15, "'hold' that fits, got -1"),
            ('[sweep.grid]\nstop = [0.1]\n"hold" = [-1]\n', 15, "'hold' that fits, got -1"),
            ("[sweep.grid]\nstop = [0.1]\n'strategy.hold' = [-1]\n", 15, "'strategy.hold' that fits, got -1"),
            ('[sweep.grid]\n"strategy.hold" = [-1]\n', 14, "'strategy.hold' that fits, got -1"),
        ],
    )
    def test_a_wrong_axis_is_told_where_it_stands(self, experiment, section, line, told):
        before = experiment.read_text().partition("[sweep]")[0]
        assert before.count("\n") == 12
        experiment.write_text(before + section)
        with pytest.raises(af.InputError, match=rf"e.toml, line {line}: expected \[sweep.grid\] .*{told}"):
            sweep_experiment(experiment)

    @pytest.mark.parametrize(
        ("rows", "told"),
        [
            ("hold,stop\n1,off\n2,0.1\nx,off\n", "t.csv, line 4, column hold: expected a value of 'hold'"),
            ("hold,stop\n1,0.1\n1,2\n1,0.1\n1,2\n", "t.csv, line 3, column stop: expected a value of 'stop'"),
            ("hold,stip\n1,0.1\n", "t.csv: expected a parameter of .*did you mean 'stop'"),
            ("hold,exit\n1,off\n1,own:leave\n", "t.csv, line 3, column exit: expected a Python file"),
        ],
    )
    def test_a_wrong_row_of_a_table_is_told_where_it_stands(self, experiment, tmp_path, rows, told):
        (tmp_path / "t.csv").write_text(rows)
        experiment.write_text(experiment.read_text().partition("[sweep.grid]")[0] + 'table = "t.csv"\n')
        with pytest.raises(af.InputError, match=told):
            sweep_experiment(experiment)


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ({}, "at least one parameter to sweep"),
        ({"hodl": [1]}, "did you mean 'hold'"),
        ({"hold": []}, "values of 'hold', got an empty list"),
        ({"hold": [1, -1]}, "a value of 'hold' that fits, got -1"),
        ({"hold": [True]}, "true and false are for switches only"),
        ({"stop": {"from": 0.1, "to": 0.01}}, "from and to in 'stop', rising"),
        ({"stop": {"from": 0.1, "to": 0.2}}, "step or num in 'stop'"),
        ({"capital": [1, 2]}, "a parameter that a sweep varies"),
        ({"hold": [1], "strategy.hold": [2]}, "each parameter once"),
        ({"hold": [2**61]}, "less than or equal to 1000000"),
        ({"stop": {"from": 0.1, "to": 0.2, "num": -3}}, "a whole num of at least 1 in 'stop', got -3"),
        ({"stop": {"from": 0.1, "to": 0.2, "num": 2.7}}, "a whole num of at least 1 in 'stop', got 2.7"),
        ({"stop": {"from": 0.1, "to": 0.2, "num": 3, "step": 0.1}}, "step or num in 'stop', got both"),
        ({"stop": {"from": 0.1, "to": float("inf"), "step": 1}}, "from and to in 'stop'"),
        ({"hold": {"from": float("nan"), "to": 5}}, "from and to in 'hold'"),
        ({"hold": {"from": True, "to": 5}}, "from and to in 'hold'"),
        ({"hold": {"from": 0, "to": 100_000_000_000}}, "at most 100,000,000 values of 'hold'"),
        ({"stop": {"from": 0.1, "to": 0.2, "num": 10**12}}, "at most 100,000,000 values of 'stop'"),
        ({"costs": {"slippage": [0.1]}}, 'put the whole name in quotes, such as "costs.borrow"'),
        (["hold"], "a mapping of parameters to values, or a table"),
        ({"hold": [0, 1], "entry": ["close"]}, "hold of at least 1"),
        (
            {"hold": range(100_000), "stop": {"from": 0.0001, "to": 0.9999, "step": 0.0001}},
            "at most 100,000,000",
        ),
    ],
)
def test_bad_grids(market, grid, words):
    with pytest.raises(af.InputError, match=words):
        run(market, grid)


def test_cost_models_are_values_of_an_axis(market):
    """What one model fills in is not said of the next one; what a desk said is."""
    models = ["venue", "flat", "zero"]
    for base in models:
        found = run(market, {"model": models, "hold": [2]}, costs=af.Costs(model=base))
        for number, model in enumerate(models):
            alone = run(market, {"hold": [2]}, costs=af.Costs(model=model)).trials
            assert found.trials.loc[number, "pnl"] == alone.loc[0, "pnl"]
    assert found.trials["costs"].nunique() == 3
    with pytest.raises(af.InputError, match="no slippage and no borrow"):
        run(market, {"model": models}, costs=af.Costs(model="venue", slippage=0.002))


def test_the_longest_hold_there_is(market):
    """Far beyond the prices: it ends with them, as one does that is just longer than they are."""
    bars = int(np.diff(market[1].offsets).max())
    for mode in ("event", "account", "portfolio"):
        grid = {"hold": [bars, 1_000_000], "stop": ["off", 0.03], "delay": [0, 1_000_000]}
        found = run(market, grid, mode=mode).trials
        own = [name for name in found.columns if name not in ("trial", "hold")]
        short, long = (found[found["hold"] == hold][own].reset_index(drop=True) for hold in (bars, 1_000_000))
        pd.testing.assert_frame_equal(short, long)
        assert short["open"].max() > 0 and not short.loc[short["delay"] > 0, "trades"].any()
    tracemalloc.start()
    try:
        one = af.backtest(*market, af.Reaction(tag="fed", hold=1_000_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(one.trades) > 0
    # The bars around one event for its picture, as many as the hold has, would be 8 MB, and there are hundreds.
    assert peak < 400e6


def test_questions_that_cannot_be_answered(market):
    found = run(market, {"hold": [1, 2], "stop": ["off", 0.1]})
    for ask, told in (
        (lambda: found.trial(1.5), "a trial from 0 to 3, got 1.5"),
        (lambda: found.trial(True), "a trial from 0 to 3, got True"),
        (lambda: found.trial(4), "a trial from 0 to 3, got 4"),
        (lambda: found.pivot("hold", "hold"), "two parameters, got 'hold' twice"),
        (lambda: found.pivot("hold", "stop", "path"), "a figure, got 'path'"),
        (lambda: found.best(None), "of which more is better"),
        (lambda: found.best(n=-1), "n of at least 0, got -1"),
        (lambda: run(market, placebo=1.5), "placebo of at least 0 and jobs of at least 1, got 1.5, 1"),
        (lambda: run(market, jobs="2"), "got 0, '2'"),
        (lambda: run(market, sample=True), "sample of at least 1, got True"),
        (lambda: run(market, sample=1.5), "sample of at least 1, got 1.5"),
        (lambda: run(market, pd.DataFrame({"hold": [1]}), sample=1), "all rows of a table"),
    ):
        with pytest.raises(af.InputError, match=told):
            ask()
    assert found.trial(np.int64(3)).stats["headline"]["trades"] == found.trials.loc[3, "trades"]
    tags = pd.DataFrame({"tag": [["fed"], ["fed", "tariff"]], "hold": [1, 1]})
    assert run(market, tags).trials["tag"].tolist() == ["fed", "fed tariff"]
    whole = {"from": np.int64(1), "to": np.int64(3)}
    assert run(market, {"hold": whole}).trials["hold"].tolist() == [1, 2, 3]


def test_figures_have_their_names(market):
    assert list(run(market, {"hold": [1]}).trials.columns) == ["trial", "hold", *FIGURES, "path"]
    assert list(trials.FIGURES) == FIGURES


def test_samples(market):
    wide = {"hold": range(1, 9), "stop": {"from": 0.01, "to": 0.2}, "take": [0.05, "off"]}
    found = run(market, wide, sample=16, method="latin")
    table = found.trials
    assert table["stop"].nunique() == 16
    assert (np.sort((table["stop"] - 0.01) // (0.19 / 16 * (1 + 1e-12))) == np.arange(16)).all()
    assert (table["hold"].value_counts() == 2).all()
    again = run(market, wide, sample=16, method="latin")
    pd.testing.assert_frame_equal(table, again.trials)
    rows = pd.DataFrame({"hold": [1, 1, 3], "stop": [0.02, np.nan, 0.02]})
    by_table = run(market, rows)
    pd.testing.assert_frame_equal(by_table.trials[["hold", "stop"]], rows)


def test_every_figure_of_which_more_is_better_is_a_column(market):
    assert set(GREATER) <= set(run(market, {"hold": [1]}).trials.columns)
