"""A result: shown, saved, read back; its figures from its tables; its tables agree with each other."""

import html
import json
import math
import os
import re
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import aftershock as af
from aftershock.data.errors import InputError
from aftershock.data.tables import read_metadata, write_text
from aftershock.reports.html import render
from aftershock.reports.run import TABLES, plain, together

_made = runpy.run_path(str(Path(__file__).parent / "factories" / "inputs.py"))
make_prices, make_events, write_inputs = _made["make_prices"], _made["make_events"], _made["write_inputs"]
HOSTILE, walk = _made["HOSTILE"], _made["walk"]

FILES = {f"{name}.parquet" for name in TABLES} | {
    "manifest.json",
    "stats.json",
    "experiment.toml",
    "report.html",
}
MODES = ("portfolio", "account", "event")
UNIVERSE = ("8035.T", "000660.KS", "2330.TW", "9988.HK")
CHIPS = {"tag": "chip", "hold": 3, "stop": 0.05}


def run(*leave_out, mode="portfolio", name="chips", **changes):
    events = make_events(*leave_out)
    portfolio = af.Portfolio(mode=mode, size=0.2)
    strategy = af.Reaction(**(CHIPS | changes))
    return af.backtest(
        events,
        make_prices(),
        strategy,
        universe=UNIVERSE,
        portfolio=portfolio,
        costs=af.Costs(model="flat"),
        zone="Asia/Tokyo",
        name=name,
    )


@pytest.fixture(scope="module")
def result():
    return run()


@pytest.fixture(scope="module", params=MODES)
def by_mode(request):
    return run(mode=request.param)


@pytest.fixture(scope="module")
def simulated():
    events = af.load_events("catalogue:fomc")
    market = af.simulated_market(
        ["8035.T", "000660.KS"], start="2024-01-01", end="2025-06-30", events=events.frame
    )
    return af.backtest(events, market.tape, "fed_cut", name="made up")


def headline_trades(found):
    trades = found.trades[found.trades["headline"]]
    return trades[trades["status"] == "closed"], trades


def inputs_of(found):
    """The hashes of a run but for that of the code, which somebody may be editing."""
    return {name: digest for name, digest in found.manifest["hashes"].items() if name != "code"}


class TestShown:
    def test_in_a_terminal(self, result):
        text = repr(result)
        assert text.splitlines()[0].strip() == "chips, 2025-06-10 to 2025-10-31"
        for label, figure in result.rows():
            assert any(label in line and figure in line for line in text.splitlines())
        assert f"{result.stats['headline']['trades']}" == dict(result.rows())["Trades"]
        assert "SIMULATED" not in text

    def test_in_a_notebook(self, result):
        text = result._repr_html_()
        assert text.startswith('<iframe sandbox title="chips, 2025-06-10 to 2025-10-31"')
        page = html.unescape(re.search('srcdoc="(.*)"', text, re.DOTALL)[1])
        assert "<script" not in page
        report = render([result])
        shown = re.findall(r'<figure class="drawing".*?</div></div>', page, re.DOTALL)
        assert len(shown) > 5
        assert page.count('<article class="card') == report.count('<article class="card') == 5
        for label, text in result.rows():
            assert f"<dt>{label}</dt>" in page and text in page

    def test_a_hostile_name_is_shown_not_obeyed(self):
        found = run("down", name=HOSTILE)
        assert "\x1b" not in repr(found)
        assert "\x1b" not in found.title
        assert "[bold]x[/bold] [/nothing]" in found.title
        shown = html.unescape(re.search('srcdoc="(.*)"', found._repr_html_(), re.DOTALL)[1])
        assert "<script" not in re.sub('srcdoc=".*"', "", found._repr_html_(), flags=re.DOTALL)
        assert "<script" not in shown
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown

    def test_simulated_prices_are_named_everywhere(self, simulated, result, tmp_path):
        report = simulated.save(tmp_path / "run")
        assert repr(simulated).startswith("SIMULATED: made up")
        assert 'title="SIMULATED: made up' in simulated._repr_html_()
        assert simulated.simulated
        assert json.loads((tmp_path / "run/manifest.json").read_text())["simulated"] is True
        assert simulated.manifest["caveats"][0].startswith(
            "SIMULATED: every price was made by a seeded model"
        )
        assert "SIMULATED" in report.read_text(encoding="utf-8")
        for name in TABLES:
            assert read_metadata(tmp_path / f"run/{name}.parquet")["simulated"] == "SIMULATED"
        result.save(tmp_path / "real")
        assert json.loads((tmp_path / "real/manifest.json").read_text())["simulated"] is False
        for name in TABLES:
            assert "simulated" not in read_metadata(tmp_path / f"real/{name}.parquet")

    def test_the_period_is_that_of_events_and_prices_together(self, result):
        assert result.manifest["period"] == {"first": "2025-06-10", "last": "2025-10-31"}
        older = af.backtest("catalogue:tariffs", make_prices())
        assert older.events["known_by"].min().year == 2018
        assert older.manifest["period"] == {"first": "2025-06-02", "last": "2025-10-31"}
        assert str(older.equity["date"].iloc[0].date()) == "2025-06-02"

    def test_an_undefined_figure_says_so(self):
        nothing = run(*[row[0] for row in _made["EVENTS"] if row[0] != "beyond"])
        assert dict(nothing.rows())["Sharpe"] == "n/a"
        assert nothing.title == "chips, no event while there are prices"
        assert nothing.stats["outcomes"] == {"no_bar": 1}


class TestSaved:
    def test_the_folder_holds_the_run_and_nothing_else(self, result, tmp_path):
        report = result.save(tmp_path / "a/b")
        assert report == tmp_path / "a/b/report.html"
        assert {path.name for path in (tmp_path / "a/b").iterdir()} == FILES
        assert result.save(str(tmp_path / "a/b")) == report

    def test_a_report_alone(self, result, tmp_path):
        assert result.report(tmp_path / "r.html") == tmp_path / "r.html"
        assert [path.name for path in tmp_path.iterdir()] == ["r.html"]
        assert "chips" in (tmp_path / "r.html").read_text(encoding="utf-8")

    @pytest.mark.parametrize("which", ["result", "simulated", "nothing"])
    def test_what_is_read_is_what_was_written(self, which, request, tmp_path):
        found = run(*[row[0] for row in _made["EVENTS"]]) if which == "nothing" else None
        found = found or request.getfixturevalue(which)
        report = found.save(tmp_path / "run").read_bytes()
        read = af.load_run(tmp_path / "run")
        for name in TABLES:
            pd.testing.assert_frame_equal(getattr(read, name), getattr(found, name), check_exact=True)
        assert read.manifest == json.loads(json.dumps(plain(found.manifest)))
        assert read.experiment == found.experiment
        assert repr(plain(read.stats)) == repr(plain(found.stats))
        assert repr(read) == repr(found)
        assert read.report(tmp_path / "again.html").read_bytes() == report

    def test_undefined_figures_are_nan_in_memory_and_null_in_the_file(self, tmp_path):
        found = run(*[row[0] for row in _made["EVENTS"]])
        found.save(tmp_path)
        assert json.loads((tmp_path / "stats.json").read_text())["headline"]["sharpe"] is None
        assert math.isnan(af.load_run(tmp_path).stats["headline"]["sharpe"])
        assert math.isnan(found.stats["headline"]["sharpe"])

    def test_columns_of_ones_own_come_along(self, tmp_path):
        lines = [
            {
                "known_by": "2025-06-10T22:00Z",
                "tag": "chip",
                "symbols": ["8035.T"],
                "desk": 1,
                "note": [1, 2],
            },
            {
                "known_by": "2025-06-11T22:00Z",
                "tag": "chip",
                "symbols": "8035.T",
                "desk": "two",
                "note": "odd",
            },
            {"known_by": "2025-06-12T22:00Z", "tag": "chip", "symbols": "8035.T", "desk": {"deep": [3]}},
        ]
        (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        found = af.backtest(tmp_path / "events.jsonl", make_prices())
        found.save(tmp_path / "run")
        read = af.load_run(tmp_path / "run").events
        assert read["desk"].tolist() == ["1", "two", "{'deep': [3]}"]
        pd.testing.assert_frame_equal(read, found.events, check_exact=True)

    def test_several_runs_in_one_report(self, result, simulated, tmp_path):
        result.save(tmp_path / "run")
        text = af.report([simulated, tmp_path / "run"], tmp_path / "both.html").read_text(encoding="utf-8")
        assert "1. made up" in text
        assert "2. chips" in text

    def test_an_error_leaves_nothing_behind(self, result, tmp_path, monkeypatch):
        def fail(self, path):
            raise InputError(af.data.errors.Problem("a report", "none", "try again"))

        monkeypatch.setattr(af.Result, "report", fail)
        with pytest.raises(InputError, match="expected a report"):
            result.save(tmp_path / "new")
        assert list(tmp_path.iterdir()) == []

    def test_an_older_run_stands_where_a_new_one_fails(self, result, simulated, tmp_path):
        result.save(tmp_path)
        (tmp_path / "trades.parquet").unlink()
        (tmp_path / "trades.parquet").mkdir()
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
        with pytest.raises(
            InputError, match=r"trades\.parquet: expected a place that can be written, got a fold"
        ):
            simulated.save(tmp_path)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
        assert {path.name for path in tmp_path.iterdir()} == FILES

    def test_an_interruption_leaves_nothing_behind(self, tmp_path):
        with pytest.raises(KeyboardInterrupt), together(tmp_path / "run") as place:
            (place / "stats.json").write_text("{")
            raise KeyboardInterrupt
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("damage", ["stats.json", "manifest.json", "trades.parquet"])
    def test_a_damaged_file_is_named(self, damage, result, tmp_path):
        result.save(tmp_path)
        (tmp_path / damage).write_text("{half", encoding="utf-8")
        with pytest.raises(
            InputError, match=rf"{damage}: expected a file written by `aftershock run`, got '"
        ):
            af.load_run(tmp_path)


class TestFigures:
    def test_headline_by_pandas(self, by_mode):
        closed, _ = headline_trades(by_mode)
        figures, equity = by_mode.stats["headline"], by_mode.equity.set_index("date")["equity"]
        capital = figures["capital"]
        returns = equity.pct_change()
        returns.iloc[0] = equity.iloc[0] / capital - 1
        per_year = (len(equity) - 1) / ((equity.index[-1] - equity.index[0]).days / 365.25)
        peak = equity.cummax().clip(lower=capital)
        gains, losses = closed["pnl"].clip(lower=0).sum(), -closed["pnl"].clip(upper=0).sum()
        expected = {
            "trades": len(closed),
            "event_dates": closed["known_by"].dt.floor("D").nunique(),
            "total_return": equity.iloc[-1] / capital - 1,
            "max_drawdown": (equity / peak - 1).min(),
            "volatility": returns.std() * per_year**0.5,
            "sharpe": returns.mean() / returns.std() * per_year**0.5,
            "hit_rate": (closed["pnl"] > 0).mean(),
            "mean_return": closed["return"].mean(),
            "costs": closed["costs"].sum(),
            "pnl": closed["pnl"].sum(),
            "profit_factor": gains / losses,
        }
        assert {key: figures[key] for key in expected} == pytest.approx(expected, rel=1e-9)
        assert figures["trades"] >= 4
        assert figures["open"] == 1

    def test_equity_columns_by_pandas(self, by_mode):
        table, capital = by_mode.equity, by_mode.stats["headline"]["capital"]
        before = table["equity"].shift(fill_value=capital)
        assert table["returns"].to_numpy() == pytest.approx(
            (table["equity"] / before - 1).to_numpy(), abs=1e-12
        )
        peak = table["equity"].cummax().clip(lower=capital)
        assert table["drawdown"].to_numpy() == pytest.approx(
            (table["equity"] / peak - 1).to_numpy(), abs=1e-12
        )
        assert table["date"].is_monotonic_increasing
        assert table["date"].is_unique

    def test_pnl_adds_up_to_the_change_of_equity(self, by_mode):
        _, trades = headline_trades(by_mode)
        assert (trades["status"] == "open").sum() == 1
        change = by_mode.equity["equity"].iloc[-1] - by_mode.stats["headline"]["capital"]
        assert trades["pnl"].sum() == pytest.approx(change, abs=1e-6)
        assert abs(change) > 100

    def test_ambiguous_and_recap_signals_stand_beside(self, by_mode, request):
        mode = request.node.callspec.params["by_mode"]
        without = run("some_day", "told_after", mode=mode)
        apart = {key: figures["trades"] for key, figures in by_mode.stats["beside"].items()}
        assert apart == {"ambiguous": 2, "recap": 2}
        assert repr(without.stats["headline"]) == repr(by_mode.stats["headline"])
        assert without.stats["beside"] == {}
        pd.testing.assert_frame_equal(without.equity, by_mode.equity, check_exact=True)
        kept = by_mode.audit.set_index("event_id")["headline"]
        assert not kept[["some_day", "told_after"]].any()
        assert kept.drop(["some_day", "told_after"]).all()
        assert by_mode.audit.set_index("event_id")["ambiguous"]["some_day"].all()
        counted = by_mode.trades.groupby("headline")["event_id"].unique()
        assert set(counted[False]) == {"some_day", "told_after"}

    def test_the_caveats_count_what_is_apart(self, result):
        told = [line for line in result.manifest["caveats"] if "kept apart from headline figures" in line]
        assert [line.split(" signals ")[0] for line in told] == ["2 of 13", "2 of 13"]

    def test_groups_add_up(self, by_mode):
        headline = by_mode.stats["headline"]
        for key in ("tag", "direction", "market", "symbol", "year", "phase"):
            groups = by_mode.stats["by"][key]
            assert sum(group["trades"] for group in groups) == headline["trades"]
            assert sum(group["pnl"] for group in groups) == pytest.approx(headline["pnl"])
        assert {group["direction"] for group in by_mode.stats["by"]["direction"]} == {"positive", "negative"}


class TestTables:
    def test_one_audit_row_for_each_signal(self, by_mode):
        audit = by_mode.audit
        named = make_events().assign(symbol=lambda table: table["symbols"].str.split()).explode("symbol")
        expected = sorted(named[["event_id", "symbol"]].itertuples(index=False, name=None))
        assert sorted(audit[["event_id", "symbol"]].itertuples(index=False, name=None)) == expected
        assert by_mode.manifest["events"]["signals"] == len(audit) == 13
        assert sum(by_mode.stats["outcomes"].values()) == len(audit)
        assert audit["outcome"].value_counts().to_dict() == by_mode.stats["outcomes"]
        assert (audit["reason"].str.len() > 10).all()
        assert audit["known_by"].is_monotonic_increasing

    def test_what_became_of_each_signal(self, result):
        outcome = result.audit.set_index(["event_id", "symbol"])["outcome"]
        assert outcome["while_held", "000660.KS"] == "ignored"
        assert outcome["unpriced", "9988.HK"] == "no_prices"
        assert outcome["beyond", "8035.T"] == "no_bar"
        others = outcome.drop([("while_held", "000660.KS"), ("unpriced", "9988.HK"), ("beyond", "8035.T")])
        assert set(others) == {"filled"}
        filled = result.audit[result.audit["outcome"] == "filled"]
        pairs = ["event_id", "symbol"]
        assert sorted(map(tuple, filled[pairs].values)) == sorted(map(tuple, result.trades[pairs].values))

    def test_an_audit_row_leads_to_the_trade(self, result):
        joined = result.trades.merge(result.audit, on=["event_id", "symbol"], suffixes=("", "_due"))
        assert len(joined) == len(result.trades)
        assert (joined["entry_session"] == joined["entry_session_due"]).all()
        assert (joined["entry_at"] == joined["entry_at_due"]).all()
        assert (joined["entry_at"] == joined["first_open"]).all()
        assert (joined["side"] == joined["direction"].map({"positive": 1, "negative": -1})).all()

    def test_fills_and_trades_agree(self, by_mode):
        trades, fills = by_mode.trades.set_index("trade_id"), by_mode.fills
        count = fills.groupby("trade_id").size()
        assert (count == np.where(trades["status"] == "closed", 2, 1)).all()
        entries = fills[fills["kind"] == "entry"].set_index("trade_id")
        exits = fills[fills["kind"] != "entry"].set_index("trade_id")
        assert len(entries) + len(exits) == len(fills)
        for end, table in (("entry", entries), ("exit", exits)):
            own = trades.loc[table.index]
            assert (table["price"] == own[f"{end}_price"]).all()
            assert (table["fill_price"] == own[f"{end}_fill"]).all()
            assert (table["at"] == own[f"{end}_at"]).all()
            assert (table["session"] == own[f"{end}_session"]).all()
            assert (table["quantity"] == own["quantity"]).all()
            assert (table["headline"] == own["headline"]).all()
            assert (table["event_id"] == own["event_id"]).all()
            buys = own["side"] > 0 if end == "entry" else own["side"] < 0
            assert (table["action"] == np.where(buys, "buy", "sell")).all()
        assert (exits["kind"] == trades.loc[exits.index, "exit_kind"]).all()
        assert fills["at"].is_monotonic_increasing

    def test_cash_of_the_fills_is_the_pnl_of_the_trades(self, by_mode):
        fills = by_mode.fills
        sign = np.where(fills["action"] == "sell", 1.0, -1.0)
        cash = (
            (sign * fills["quantity"] * fills["fill_price"] - fills["fee"]).groupby(fills["trade_id"]).sum()
        )
        closed = by_mode.trades[by_mode.trades["status"] == "closed"].set_index("trade_id")
        cash = cash[closed.index] - closed["borrow"]
        assert cash.to_numpy() == pytest.approx(closed["pnl"].to_numpy(), abs=1e-6)
        spent = (fills["fee"] + fills["slippage"]).groupby(fills["trade_id"]).sum()
        spent = spent.to_numpy() + by_mode.trades["borrow"].to_numpy()
        assert spent == pytest.approx(by_mode.trades["costs"].to_numpy(), abs=1e-9)
        value = fills["quantity"] * fills["fill_price"]
        assert fills["fee"].to_numpy() == pytest.approx(0.001 * value.to_numpy())
        worse = np.where(fills["action"] == "buy", 1.0005, 0.9995)
        assert fills["fill_price"].to_numpy() == pytest.approx((fills["price"] * worse).to_numpy())

    def test_returns_of_trades(self, by_mode):
        trades = by_mode.trades
        assert trades["return"].to_numpy() == pytest.approx((trades["pnl"] / trades["notional"]).to_numpy())
        moved = trades["side"] * (trades["exit_price"] / trades["entry_price"] - 1)
        assert trades["gross_return"].to_numpy() == pytest.approx(moved.to_numpy())
        assert trades["notional"].to_numpy() == pytest.approx(
            (trades["quantity"] * trades["entry_fill"]).to_numpy()
        )
        assert (trades["mae"] <= 0).all()
        assert (trades["mfe"] >= 0).all()

    def test_a_fill_is_inside_its_bar(self, result):
        prices = make_prices()
        bars = result.fills.merge(prices, left_on=["symbol", "session"], right_on=["symbol", "date"])
        assert len(bars) == len(result.fills)
        assert ((bars["price"] >= bars["low"]) & (bars["price"] <= bars["high"])).all()
        entries = bars[bars["kind"] == "entry"]
        assert (entries["price"] == entries["open"]).all()
        holds = bars[bars["kind"] == "hold"]
        assert len(holds) > 0
        assert (holds["price"] == holds["close"]).all()

    def test_windows_stand_around_the_due_bar(self, result):
        windows = result.bars
        due = windows[windows["offset"] == 0].set_index(["event_id", "symbol"])["session"]
        expected = result.audit.dropna(subset=["entry_session"]).set_index(["event_id", "symbol"])[
            "entry_session"
        ]
        pd.testing.assert_series_equal(
            due.sort_index(), expected.sort_index(), check_names=False, check_exact=True
        )
        prices = make_prices().rename(columns={"date": "session"})
        merged = windows.merge(prices, on=["symbol", "session"], suffixes=("", "_given"))
        assert len(merged) == len(windows)
        assert (merged["close"] == merged["close_given"]).all()
        assert windows["offset"].between(-5, 8).all()

    def test_the_page_names_everything_in_the_folder(self, result, root):
        page = (root / "docs" / "architecture.md").read_text(encoding="utf-8")
        rows = [line for line in page.splitlines() if re.match(r"\| `\w+\.(parquet|json)` \|", line)]
        told = {row.split("`")[1]: set(re.findall(r"\w+", " ".join(row.split("`")[3::2]))) for row in rows}
        held = {f"{name}.parquet": set(getattr(result, name).columns) for name in TABLES if name != "events"}
        held |= {"manifest.json": set(result.manifest), "stats.json": set(result.stats)}
        assert {name: sorted(held[name] - told[name]) for name in held} == {name: [] for name in held}
        assert set(result.stats["by"]) <= told["stats.json"]


class TestAgain:
    def test_an_experiment_of_files_runs_again(self, tmp_path):
        write_inputs(tmp_path)
        first = af.backtest(
            tmp_path / "events.csv",
            [str(tmp_path / "prices.csv")],
            "chip_momentum",
            universe=["8035.T", "KS:000660"],
            zone="Asia/Tokyo",
            seed=3,
            name="again",
        )
        first.save(tmp_path / "run")
        second = af.run_experiment(tmp_path / "run/experiment.toml")
        for name in TABLES:
            pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name), check_exact=True)
        assert inputs_of(second) == inputs_of(first)
        assert second.manifest["name"] == "again"
        assert second.manifest["strategy"] == "chip_momentum"
        assert set(second.audit["symbol"]) == {"8035.T", "000660.KS"}

    def test_a_shipped_catalogue_runs_again(self, tmp_path):
        make_prices().to_parquet(tmp_path / "prices.parquet")
        first = af.backtest("catalogue:tariffs", tmp_path / "prices.parquet", "reaction")
        assert first.stats["headline"]["trades"] > 0
        first.save(tmp_path / "run")
        second = af.run_experiment(tmp_path / "run/experiment.toml")
        pd.testing.assert_frame_equal(first.trades, second.trades, check_exact=True)

    def test_what_was_in_memory_is_asked_for(self, result, tmp_path):
        result.save(tmp_path)
        with pytest.raises(InputError, match=r"files or catalogue under \[events\], got neither"):
            af.run_experiment(tmp_path / "experiment.toml")

    def test_the_same_inputs_give_the_same_run(self, result):
        again = run()
        assert inputs_of(again) == inputs_of(result)
        for name in TABLES:
            pd.testing.assert_frame_equal(getattr(again, name), getattr(result, name), check_exact=True)
        assert again.stats["outcomes"] == result.stats["outcomes"]
        assert run(hold=2).manifest["hashes"]["experiment"] != result.manifest["hashes"]["experiment"]


class TestDates:
    """Equity has the dates on which something that may be traded closes, whatever else prices are given of."""

    def run(self, *others, **portfolio):
        tokyo = make_prices().query("symbol == '8035.T' and date < '2025-09-01'")
        prices = pd.concat([tokyo, *others], ignore_index=True)
        return af.backtest(
            make_events(),
            prices,
            af.Reaction(**CHIPS),
            portfolio=af.Portfolio(**portfolio),
            zone="Asia/Tokyo",
        )

    def test_levels_that_are_not_traded_add_no_dates(self):
        alone, beside = self.run(), self.run(walk("SPX", "XNYS", 9))
        assert len(alone.trades) > 2
        pd.testing.assert_frame_equal(beside.equity, alone.equity)
        assert beside.manifest["period"] == alone.manifest["period"]
        assert beside.stats["headline"] == pytest.approx(alone.stats["headline"], nan_ok=True, abs=0)
        holiday = pd.Timestamp("2025-08-11")
        assert holiday not in set(beside.equity["date"])
        allowed = self.run(walk("SPX", "XNYS", 9), allow_index=True)
        assert holiday in set(allowed.equity["date"])
        assert allowed.manifest["period"]["last"] == "2025-10-31"
        assert allowed.equity["equity"].iloc[-1] == pytest.approx(alone.equity["equity"].iloc[-1], rel=1e-12)

    def test_what_only_events_name_adds_no_dates(self):
        named = make_events().assign(symbols=lambda table: table["symbols"] + " 2330.TW")
        tokyo, all_prices = af.Reaction(**CHIPS, universe="8035.T"), make_prices()
        alone = af.backtest(make_events(), all_prices, tokyo, zone="Asia/Tokyo")
        beside = af.backtest(named, all_prices, tokyo, zone="Asia/Tokyo")
        assert beside.manifest["prices"]["instruments"] > 1
        assert pd.Timestamp("2025-08-11") not in set(beside.equity["date"])
        pd.testing.assert_frame_equal(beside.equity, alone.equity)

    def test_levels_alone_are_dates_too(self):
        prices = walk("SPX", "XNYS", 9)
        events = make_events().assign(symbols="SPX")
        for allowed in (False, True):
            portfolio = af.Portfolio(allow_index=allowed)
            result = af.backtest(events, prices, af.Reaction(**CHIPS), portfolio=portfolio, zone="Asia/Tokyo")
            assert result.manifest["period"] == {"first": "2025-06-10", "last": "2025-10-31"}
            assert (len(result.trades) > 0) == allowed
        assert set(result.equity["date"]) == set(prices["date"][prices["date"] >= "2025-06-10"])
        gain = result.trades.loc[result.trades["headline"], "pnl"].sum()
        assert result.equity["equity"].iloc[-1] == pytest.approx(1e6 + gain)


class TestFolders:
    """What is written into, or read from, folders and places that are none of a run."""

    @pytest.fixture
    def saved(self, result, tmp_path):
        result.save(tmp_path / "run")
        return tmp_path / "run"

    @pytest.mark.parametrize("mark", ["sweep.json", "study.json"])
    def test_the_folder_of_another_kind_is_left_alone(self, result, tmp_path, mark):
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / mark).write_text("{}")
        (tmp_path / "other" / "experiment.toml").write_text("of the other")
        with pytest.raises(af.InputError, match=f"a folder of its own, got one with {mark}"):
            result.save(tmp_path / "other")
        assert (tmp_path / "other" / "experiment.toml").read_text() == "of the other"
        assert len(list((tmp_path / "other").iterdir())) == 2

    def test_a_run_may_be_saved_over_a_run(self, result, saved):
        (saved / "stats.json").write_text("{}")
        result.save(saved)
        assert af.load_run(saved).stats["headline"]["trades"] == result.stats["headline"]["trades"]

    @pytest.mark.parametrize(
        ("name", "text", "told"),
        [
            ("manifest.json", "{}", "manifest.json: expected a manifest with name, got one without it"),
            ("manifest.json", "[]", "manifest.json: .*a list where an object is kept"),
            ("stats.json", "null", "stats.json: .*a NoneType where an object is kept"),
        ],
    )
    def test_a_file_of_another_shape_is_told(self, saved, name, text, told):
        (saved / name).write_text(text)
        with pytest.raises(af.InputError, match=told):
            af.load_run(saved)

    def test_a_page_goes_into_files_alone(self, result, tmp_path):
        fifo, link, page = tmp_path / "fifo.html", tmp_path / "link.html", tmp_path / "page.html"
        os.mkfifo(fifo)
        for place, told in ((fifo, "got no file"), (tmp_path, "got a folder")):
            with pytest.raises(af.InputError, match=told):
                write_text("page", place)
        assert fifo.is_fifo()
        page.write_text("before")
        link.symlink_to(page)
        write_text("page", link)
        assert link.is_symlink() and page.read_text() == "page"
