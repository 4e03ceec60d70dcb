"""The page of a sweep: its words, its cells, its neighbours, its equities, held to the slow way and to the tables."""

import dataclasses
import html
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import aftershock as af
from aftershock.cli import main
from aftershock.reports.payload import unpack
from aftershock.reports.sweep_page import findings, numbers_of, render_sweep, trials_grid, verdict
from aftershock.reports.swept import Swept, coded_axis
from aftershock.sweep_report import KEPT, POINTS, swept_in, swept_of
from aftershock.sweeps import GREATER, LEAST_TRADES, Sweep

GRID = {
    "hold": [1, 2, 3, 5],
    "stop": ["off", 0.02, 0.04],
    "take": [0.03, "off"],
    "stance": ["follow", "fade"],
}


@pytest.fixture(scope="module")
def market() -> Any:
    events = af.load_events(["catalogue:fomc", "catalogue:tariffs"]).between(
        "2023-01-01T00:00Z", "2025-01-01T00:00Z"
    )
    made = af.simulated_market(
        "asia-semis", start="2022-12-01", end="2024-12-31", seed=3, events=events.frame
    )
    return events, made.tape


def sweep(market: Any, grid: Any = None, **settings: Any) -> Sweep:
    chosen = {"placebo": 0, "jobs": 1, "portfolio": af.Portfolio(mode="account"), **settings}
    return af.sweep(*market, af.Reaction(tag=("fed", "tariff")), GRID if grid is None else grid, **chosen)


@pytest.fixture(scope="module")
def found(market: Any) -> Sweep:
    return sweep(market, placebo=25)


@pytest.fixture(scope="module")
def swept(found: Sweep) -> Swept:
    return swept_of(found)


# ---------------------------------------------------------------------------------------- cells and axes


def test_levels_are_in_order_and_what_is_off_comes_last(swept: Swept) -> None:
    assert [axis.label for axis in swept.axes] == list(GRID)
    assert swept.axes[1].levels == ("0.02", "0.04", "off")
    assert [axis.ordered for axis in swept.axes] == [True, True, True, False]


def test_cells_are_those_of_the_pivot_and_the_best_of_each(found: Sweep, swept: Swept) -> None:
    """Every pair of axes, every figure, held to `Sweep.pivot` and to a loop over trials."""
    assert len(swept.laid) == 6
    for (x, y), cells in swept.laid.items():
        across, down = swept.axes[x], swept.axes[y]
        for figure in GREATER:
            table = found.pivot(across.label, down.label, figure)
            np.testing.assert_allclose(cells.median[figure], table.to_numpy(), rtol=1e-12)
            for row, column in np.ndindex(cells.median[figure].shape):
                inside = (swept.codes[:, x] == column) & (swept.codes[:, y] == row)
                own = found.trials[inside & (found.trials["trades"] >= LEAST_TRADES)].dropna(subset=[figure])
                top = own.sort_values(figure, ascending=False, kind="stable").iloc[0]
                assert cells.best[figure][row, column] == top[figure]
                assert cells.trial[figure][row, column] == top["trial"]
                assert cells.trials[row, column] == inside.sum()


def test_axes_of_many_levels_are_grouped_in_order(market: Any) -> None:
    drawn = {"stop": {"from": 0.01, "to": 0.1}, "take": {"from": 0.02, "to": 0.2}, "hold": [1, 2]}
    told = swept_of(sweep(market, drawn, sample=300, method="latin"))
    (stop, at), *_ = told.bins
    # Of a sample a cell has ten trials on average at least: 300 of them make up 4 groups by 4.
    assert len(stop.levels) == 4 and len(told.axes[0].levels) == 300
    (groups, within), *_ = told.grouped
    assert len(groups.levels) == 8 and np.bincount(within).min() > 30
    for group, median in enumerate(told.levels[0]):
        own = told.values[within[told.codes[:, 0]] == group]
        assert median == np.nanmedian(own)
    assert (np.diff(at) >= 0).all() and np.bincount(at).max() - np.bincount(at).min() <= 1
    assert sum(cells.trials.sum() for cells in told.laid.values()) == 3 * 300
    assert told.sampled and len(told.neighbours) == 6
    own = [np.abs(told.codes[row] - told.codes[told.row]).max() for row in range(300)]
    near = {one.trial for one in told.neighbours}
    assert max(own[trial] for trial in near) < 0.5 * max(own)


def test_what_is_off_keeps_a_group_of_its_own() -> None:
    column = pd.Series([*np.linspace(0.01, 0.5, 60), np.nan])
    axis, codes = coded_axis("stop", column)
    assert axis.levels[-1] == "off" and codes[-1] == 60
    assert coded_axis("x", pd.Series([True, False]))[0].levels == ("false", "true")
    assert coded_axis("x", pd.Series(["b", "a\x1b"]))[0].levels == ("a␛", "b")


# ------------------------------------------------------------------------------------------- neighbours


def test_neighbours_are_one_level_away_on_one_axis_of_numbers(found: Sweep, swept: Swept) -> None:
    own = swept.codes[swept.row]
    expected = set()
    for row, codes in enumerate(swept.codes):
        apart = [place for place in range(4) if codes[place] != own[place]]
        if len(apart) == 1 and swept.axes[apart[0]].ordered and abs(codes[apart[0]] - own[apart[0]]) == 1:
            expected.add(int(found.trials["trial"].iloc[row]))
    assert {one.trial for one in swept.neighbours} == expected and expected
    for one in swept.neighbours:
        assert one.value == found.trials.set_index("trial").loc[one.trial, "sharpe"]
    middle = np.median([one.value for one in swept.neighbours])
    all_of_them, best = found.trials["sharpe"].median(), found.trials["sharpe"].max()
    assert swept.kept == pytest.approx((middle - all_of_them) / (best - all_of_them), rel=1e-12)


def test_a_spike_is_told_from_a_plateau(swept: Swept) -> None:
    """One good trial among equals is a spike; a hill is a plateau."""
    flat = swept.trials.assign(sharpe=0.0)
    spike = flat.assign(sharpe=np.where(flat.index == swept.row, 3.0, 0.0))
    told = dataclasses.replace(swept, trials=spike)
    assert told.kept == 0 and "It stands on a spike:" in findings(told)[2]
    beside = {one.trial for one in swept.neighbours}
    hill = spike.assign(sharpe=spike["sharpe"].where(~spike["trial"].isin(beside), 2.8))
    told = dataclasses.replace(swept, trials=hill)
    assert told.kept == pytest.approx(2.8 / 3.0) and "It stands on a plateau:" in findings(told)[2]


# --------------------------------------------------------------------------------------------- equities


def test_equities_are_those_of_the_runs(found: Sweep, swept: Swept) -> None:
    assert swept.curves is not None
    assert len(swept.curves.trials) <= min(KEPT, len(found)) and len(swept.curves.days) <= POINTS
    shown = {int(trial) for cells in swept.laid.values() for trial in cells.trial["sharpe"].ravel()}
    assert shown <= set(swept.curves.trials.tolist())
    for place in (0, len(swept.curves.trials) // 2, -1):
        trial = int(swept.curves.trials[place])
        run = found.trial(trial)
        grown = (run.equity["equity"] / run.stats["headline"]["start"]).to_numpy()
        marks = pd.Series(grown, pd.DatetimeIndex(run.equity["date"]).tz_localize(None))
        for day, value in zip(swept.curves.days.tolist(), swept.curves.growth[place], strict=True):
            before = marks[: pd.Timestamp(day, unit="D") + pd.Timedelta(hours=23)]
            assert value == pytest.approx(before.iloc[-1] if len(before) else 1.0, abs=1e-5)
        returned = found.trials["total_return"].iloc[trial]
        assert swept.curves.growth[place][-1] - 1 == pytest.approx(returned, abs=1e-5)


def test_equities_that_were_kept_are_the_same(market: Any, swept: Swept, tmp_path: Path) -> None:
    kept = swept_of(sweep(market, folder=tmp_path / "s", returns=True))
    assert kept.curves is not None and swept.curves is not None
    np.testing.assert_array_equal(kept.curves.growth, swept.curves.growth)


# ------------------------------------------------------------------------------------------- the verdict


def test_the_first_sentence_says_whether_luck_finds_as_much(found: Sweep, swept: Swept) -> None:
    top = swept.top.iloc[0]
    beyond = top["p_value"] <= 0.05
    assert verdict(swept) == (
        f"{'More' if beyond else 'No more'} than luck finds: the best of 48 trials has a Sharpe ratio of "
        f"{top['sharpe']:.2f}; on dates of no news one sweep in twenty finds {found.luck():.2f} or more, and "
        + (
            f"as much as this comes by luck in {100 * top['p_value']:.1f}\N{NO-BREAK SPACE}% of sweeps."
            if beyond
            else f"{100 * top['p_value']:.0f}\N{NO-BREAK SPACE}% find as much as this one."
        )
    )


@pytest.mark.parametrize(
    ("p", "placebos", "words"),
    [
        (0.01, 200, "More than luck finds: "),
        (0.4, 200, "No more than luck finds: "),
        (0.25, 3, "Too few placebos to tell: "),
        (float("nan"), 0, "Nobody can tell whether it is luck: "),
    ],
)
def test_verdicts(swept: Swept, p: float, placebos: int, words: str) -> None:
    placebo = pd.concat([swept.placebo] * 8).head(placebos)
    told = dataclasses.replace(swept, top=swept.top.assign(p_value=p), placebo=placebo)
    assert verdict(told).startswith(words)
    assert words.strip(": ") in html.unescape(render_sweep(told))


def test_without_enough_trades_there_is_nothing_to_judge(market: Any) -> None:
    told = swept_of(sweep(market, {"min_strength": [1e6, 2e6], "hold": [1, 2]}))
    assert findings(told) == ["Nothing to judge: none of 4 trials has 10 trades and a Sharpe ratio."]
    assert "None of the trials" not in render_sweep(told) and "No trial has trades enough." in render_sweep(
        told
    )


@pytest.mark.parametrize("grid", [{"hold": [1]}, {"hold": [1, 2, 4]}, {"stance": ["follow", "fade"]}])
def test_few_axes_still_give_a_page(market: Any, grid: Any) -> None:
    told = swept_of(sweep(market, grid, placebo=1))
    page = render_sweep(told)
    assert ("sweep-figure-heat" in page) == (len(told.axes) > 0)
    assert render_sweep(told) == page


# --------------------------------------------------------------------------- what the page and tables hold


def payloads(page: str) -> dict[str, Any]:
    """Read back what the browser gets, by the element that holds it."""
    found = {}
    for script in re.finditer(r'<script type="application/gzip">([\w+/=]+)<', page):
        *_, key = re.finditer(r'<(?:figure|div)[^>]* id="([\w-]+)"', page[: script.start()])
        found[key[1]] = unpack(script[1])
    return found


def test_the_page_holds_the_table_of_trials(found: Sweep, swept: Swept) -> None:
    told = payloads(render_sweep(swept))["sweep-trials-table"]
    columns = {
        column["label"]: values for column, values in zip(told["columns"], told["values"], strict=True)
    }
    ranked = found.trials.sort_values("sharpe", ascending=False, kind="stable")
    assert columns["Trial"] == ranked["trial"].tolist()
    for label, figure in (
        ("Sharpe", "sharpe"),
        ("Total return", "total_return"),
        ("Max drawdown", "max_drawdown"),
    ):
        np.testing.assert_allclose(columns[label], ranked[figure], rtol=1e-5)
    np.testing.assert_allclose(np.array(columns["stop"], float), ranked["stop"], rtol=1e-12)
    assert columns["Trades"] == ranked["trades"].tolist()


def test_the_page_holds_every_cell(swept: Swept) -> None:
    live = payloads(render_sweep(swept))["sweep-figure-heat"]
    assert [axis["label"] for axis in live["axes"]] == list(GRID)
    for pair in live["pairs"]:
        cells = swept.laid[(pair["x"], pair["y"])]
        for figure in GREATER:
            np.testing.assert_allclose(pair["median"][figure], cells.median[figure].ravel(), rtol=1e-5)
            assert pair["trial"][figure] == cells.trial[figure].ravel().tolist()
    curves = live["curves"]
    grown = 1 + np.cumsum(np.array(curves["steps"]), axis=1) / 10_000
    np.testing.assert_allclose(grown, swept.curves.growth, atol=6e-5)


def test_numbers_are_those_behind_the_figures(found: Sweep, swept: Swept) -> None:
    told = numbers_of(swept)
    assert told["placebo"]["placebos"] == found.placebo["sharpe"].tolist()
    assert told["grid"]["median"] == found.trials["sharpe"].median()
    assert sum(told["grid"]["counts"]) == found.trials["sharpe"].notna().sum()
    assert found.numbers()["neighbours"]["kept"] == swept.kept
    assert json.dumps(told["effects"])


def test_simulated_is_written_on_everything(swept: Swept) -> None:
    page = render_sweep(swept)
    titles = re.findall(r'<p class="title">(.*?)</p>', page) + re.findall(
        r"<caption><span>(.*?)</span>", page
    )
    assert len(titles) > 8 and all(title.startswith("SIMULATED · ") for title in titles)


def test_the_list_of_trials_ends_somewhere(swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aftershock.reports.sweep_page.TABLED", 10)
    told = trials_grid(swept)
    assert len(told.rows) == 10 and "The page lists the best 10 trials by Sharpe ratio" in told.note


def test_a_notebook_shows_the_figures(found: Sweep) -> None:
    shown = found._repr_html_()
    assert shown.startswith('<iframe sandbox title="SIMULATED: sweep, 48 trials"')
    assert "<script" not in html.unescape(shown)


# ------------------------------------------------------------------------------------------ from folders


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    days = pd.bdate_range("2024-01-01", "2024-12-27")
    rng = np.random.default_rng(1)
    close = 1000 * np.exp(np.cumsum(rng.normal(0, 0.01, len(days))))
    open_ = close * rng.normal(1, 0.002, len(days))
    prices = pd.DataFrame({"symbol": "8035.T", "date": days, "open": open_, "close": close})
    prices.to_parquet(tmp_path / "prices.parquet")
    news = [f"{day.date()}T20:00Z" for day in days[10:-10:12]]
    pd.DataFrame({"known_by": news, "tag": "chip", "direction": "positive", "symbols": "8035.T"}).to_csv(
        tmp_path / "events.csv", index=False
    )
    path = tmp_path / "e.toml"
    path.write_text(
        '[events]\nfiles = ["events.csv"]\n[prices]\nfiles = ["prices.parquet"]\n[strategy]\ntag = ["chip"]\n'
        '[portfolio]\nmode = "event"\n[sweep]\nplacebo = 2\n'
        '[sweep.grid]\nhold = {from = 1, to = 4}\nstop = ["off", 0.02]\n'
    )
    return path


def command(monkeypatch: pytest.MonkeyPatch, *words: Any) -> int:
    monkeypatch.setattr("sys.argv", ["aftershock", *map(str, words)])
    try:
        main()
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


def test_the_command_line_leaves_the_page_and_writes_it_again(
    experiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "s"
    assert command(monkeypatch, "sweep", experiment, "-o", folder, "--jobs", 1) == 0
    page = (folder / "report.html").read_text("utf-8")
    assert command(monkeypatch, "report", folder, "-o", tmp_path / "again.html") == 0
    assert (tmp_path / "again.html").read_text("utf-8") == page
    capsys.readouterr()
    assert command(monkeypatch, "report", folder, "--json") == 0
    assert json.loads(capsys.readouterr().out)["neighbours"]["neighbours"]
    assert command(monkeypatch, "report", folder, "--by", "pnl", "-o", tmp_path / "pnl.html") == 0
    assert "The whole grid: Net P&amp;L of every trial" in (tmp_path / "pnl.html").read_text("utf-8")
    assert command(monkeypatch, "report", folder, "--by", "luck") == 2
    assert command(monkeypatch, "report", folder, tmp_path) == 2
    assert "expected one sweep, or runs" in capsys.readouterr().err


def test_the_command_ranks_by_the_figure_that_is_asked_for(
    experiment: Path, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    sweep = ("sweep", experiment, "--placebo", "0", "--jobs", "1", "-o", tmp_path / "s")
    assert command(monkeypatch, *sweep, "--by", "hit_rat") == 2
    assert "did you mean 'hit_rate'" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()
    assert command(monkeypatch, *sweep, "--by", "hit_rate", "--json") == 0
    told = json.loads(capsys.readouterr().out)["best"]
    found = af.load_sweep(tmp_path / "s")
    assert [one["trial"] for one in told] == found.best("hit_rate", 5)["trial"].tolist()
    assert [one["trial"] for one in told] != found.best("sharpe", 5)["trial"].tolist()


def test_options_that_would_do_nothing_are_refused(
    experiment: Path, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    assert command(monkeypatch, "run", experiment, "-o", tmp_path / "run") == 0
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    for options, told in (
        (
            ("report", tmp_path / "run", "--by", "pnl"),
            "--by with the folder of a sweep, got 'pnl' without one",
        ),
        (("report", tmp_path / "run", "--json", "-o", tmp_path / "x.html"), "got --out beside it"),
        (("report", tmp_path / "run", "--json", "--pdf"), "got --pdf beside it"),
        (("compare", tmp_path / "run", tmp_path / "run", "--json", "--pdf"), "got --pdf beside it"),
    ):
        assert command(monkeypatch, *options) == 2
        assert told in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "x.html").exists()
    assert (tmp_path / "run" / "report.html").read_text("utf-8") == page


def test_without_its_inputs_the_page_says_what_it_lacks(experiment: Path, tmp_path: Path) -> None:
    found = af.sweep_experiment(experiment, folder=tmp_path / "s", jobs=1)
    whole = swept_of(found)
    (tmp_path / "prices.parquet").rename(tmp_path / "elsewhere.parquet")
    told = swept_in(tmp_path / "s")
    assert told.curves is None and told.best is None
    assert told.missing.endswith(": the inputs of the sweep are not where they were.")
    assert html.escape(told.missing) in render_sweep(told)
    assert verdict(told) == verdict(whole)
    prices = pd.read_parquet(tmp_path / "elsewhere.parquet")
    prices.assign(close=prices["close"] * 1.01).to_parquet(tmp_path / "prices.parquet")
    assert "are not those of the sweep any more" in swept_in(tmp_path / "s").missing
    (tmp_path / "prices.parquet").unlink()
    assert swept_in(tmp_path / "s").missing
    (tmp_path / "elsewhere.parquet").rename(tmp_path / "prices.parquet")
    assert render_sweep(swept_in(tmp_path / "s")) == render_sweep(whole)


def test_bad_figures_and_folders(found: Sweep, tmp_path: Path) -> None:
    with pytest.raises(af.InputError, match="did you mean 'sharpe'"):
        found.report(tmp_path / "r.html", by="sharp")
    with pytest.raises(af.InputError, match="expected a sweep's folder"):
        swept_in(tmp_path)
    assert found.report(tmp_path / "r.html", by="total_return").is_file()


def test_the_page_tells_of_the_hedge(market: Any) -> None:
    grid = {"hold": [1, 2]}
    hedge = af.Hedge(method="beta", instruments={"JP": "8035.T", "TW": "2330.TW"}, instrument="2330.TW")
    told = swept_of(sweep(market, grid, hedge=hedge))
    assert told.told["Hedge"] == "beta, 8035.T, 2330.TW"
    assert re.search(r"Hedge\s*<[^>]*>\s*(<[^>]*>\s*)*beta, 8035\.T, 2330\.TW", render_sweep(told))
    assert "Hedge" not in swept_of(sweep(market, grid)).told
