"""The study as users call it: models, groups, reasons, treatments, tables of returns, and what it refuses."""

import numpy as np
import pandas as pd
import pytest

import aftershock as af
from aftershock.data.errors import InputError
from aftershock.data.prices import simulated_market
from aftershock.engine.studies.models import SKIPPED

NAMES = ["8035.T", "6857.T", "6758.T", "000660.KS", "005930.KS"]
QUIET = ["7203.T", "7267.T", "6501.T", "6702.T"]
INDICES = ["TOPIX", "KOSPI", "SPX"]
WINDOWS = {"window": (-2, 4), "estimation": (-120, -10), "draws": 0}


@pytest.fixture(scope="module")
def tape() -> af.Tape:
    return simulated_market([*NAMES, *QUIET, *INDICES], start="2022-01-01", end="2023-12-31", seed=5).tape


def events(**changes) -> pd.DataFrame:
    days = pd.bdate_range("2022-09-01", "2023-11-01")[::15]
    table = pd.DataFrame(
        {
            "event_id": [f"e{place}" for place in range(len(days))],
            "known_by": [f"{day:%Y-%m-%d}T22:00Z" for day in days],
            "tag": ["chip", "fed"] * (len(days) // 2) + ["chip"] * (len(days) % 2),
            "direction": ["positive", "dovish"] * (len(days) // 2) + ["positive"] * (len(days) % 2),
            "symbols": [" ".join(NAMES if place % 3 else NAMES[:2]) for place in range(len(days))],
            "surprise": [np.nan, 1.0, -1.0, 0.0] * (len(days) // 4) + [np.nan] * (len(days) % 4),
        }
    )
    return table.assign(**changes)


class TestModels:
    @pytest.mark.parametrize(
        "model", ["raw", "mean", "market_adjusted", "market", "scholes_williams", "market_us", "control"]
    )
    def test_each_measures_and_tests(self, tape, model):
        control = {"control": QUIET} if model == "control" else {}
        found = af.study(events(), tape, universe=NAMES, model=model, **control, **WINDOWS)
        parameters = {"mean": ["alpha"], "market_us": ["alpha", "beta", "beta_us"]}
        fitted = ["alpha", "beta"] if model in ("market", "scholes_williams") else []
        assert [name for name in found.rows if name.startswith(("alpha", "beta"))] == parameters.get(
            model, fitted
        )
        assert len(found.ar) == len(found.rows) * 7
        assert found.tests["p"].notna().any()
        np.testing.assert_allclose(found.ar["ar"], found.ar["return"] - found.ar["expected"], atol=1e-15)
        if model == "control":
            # Korea has no name in the group.
            assert set(found.skipped["code"]) == {"no_control"}
            assert found.manifest["beside"] == {"control group of JP": "4 names"}

    def test_the_market_model_is_a_regression(self, tape):
        found = af.study(events(), tape, universe=["8035.T"], **WINDOWS)
        row = found.rows.iloc[0]
        own, market = (
            tape.bars(symbol).set_index("session")["close"].pct_change() for symbol in ("8035.T", "TOPIX")
        )
        both = pd.concat([own, market], axis=1, join="inner")
        at = both.index.get_loc(row["session"])
        past = both.iloc[at - 120 : at - 9].dropna()
        beta, alpha = np.polyfit(past.iloc[:, 1], past.iloc[:, 0], 1)
        assert row["beta"] == pytest.approx(beta, rel=1e-9)
        assert row["alpha"] == pytest.approx(alpha, abs=1e-12)
        ar = found.ar[found.ar["event_id"] == row["event_id"]].set_index("offset")["ar"]
        assert ar[0] == pytest.approx(both.iloc[at, 0] - alpha - beta * both.iloc[at, 1], abs=1e-12)

    def test_factors_of_a_file_and_in_memory(self, tape, tmp_path):
        market = tape.bars("TOPIX")
        table = pd.DataFrame({"date": market["session"], "topix": market["close"].pct_change()})
        table.to_csv(tmp_path / "factors.csv", index=False)
        plain = af.study(events(), tape, universe=["8035.T"], **WINDOWS)
        for given in (table, tmp_path / "factors.csv"):
            found = af.study(events(), tape, universe=["8035.T"], model="factors", factors=given, **WINDOWS)
            np.testing.assert_allclose(found.ar["ar"], plain.ar["ar"], atol=1e-12)
            assert "beta_1" in found.rows

    def test_last_nights_us_move_is_taken_out(self, tape):
        """A name that follows the US alone is all but explained by it, and not by its own market."""
        us = tape.bars("SPX")
        day = tape.bars("8035.T")[["session", "opens_at", "closes_at"]]
        at = np.searchsorted(us["closes_at"].astype("int64"), day["closes_at"].astype("int64"), side="right")
        close = us["close"].to_numpy()[np.maximum(at - 1, 0)]
        frame = pd.DataFrame({"symbol": "8035.T", "date": day["session"], "close": close})
        beside = pd.concat(
            [tape.bars(s)[["session", "close"]].rename(columns={"session": "date"}).assign(symbol=s)
             for s in ("TOPIX", "SPX")]
        )  # fmt: skip
        given = pd.concat([frame, beside])
        noise = np.random.default_rng(1).normal(0, 1e-4, len(given))
        given["close"] *= 1 + noise
        found, plain = (
            af.study(events(), given, universe=["8035.T"], model=model, **WINDOWS)
            for model in ("market_us", "market")
        )
        assert found.rows["beta_us"].between(0.9, 1.1).all()
        assert (found.rows["residual_deviation"] < 0.1 * plain.rows["residual_deviation"]).all()

    def test_a_control_group_of_all_that_no_event_reaches(self, tape):
        found = af.study(events(symbols="8035.T 6857.T"), tape, model="control", **WINDOWS)
        # Of Tokyo's stocks on the tape 6758.T and the four quiet ones are left.
        assert found.manifest["beside"] == {"control group of JP": "5 names"}

    def test_what_has_prices_is_studied_and_index_levels_only_where_named(self, tape):
        wide = events(symbols="", scope="market:JP")
        assert "TOPIX" not in set(af.study(wide, tape, model="mean", **WINDOWS).rows["symbol"])
        named = af.study(wide, tape, universe=["TOPIX", "8035.T"], model="mean", **WINDOWS)
        assert set(named.rows["symbol"]) == {"TOPIX", "8035.T"}

    @pytest.mark.parametrize("model", ["mean", "market", "market_us", "control"])
    def test_nothing_later_changes_a_row(self, tape, model):
        """Prices after the last window of an event change nothing that was measured of it."""
        cut = np.datetime64("2023-06-01")
        bars = pd.concat([tape.bars(symbol).assign(symbol=symbol) for symbol in dict.fromkeys(tape.symbols)])
        bars = bars.rename(columns={"session": "date"})[
            ["symbol", "date", "open", "high", "low", "close", "volume"]
        ]
        late = bars["date"] > cut
        scrambled = bars.copy()
        numbers = ["open", "high", "low", "close"]
        scrambled.loc[late, numbers] *= np.random.default_rng(1).uniform(0.5, 2, (int(late.sum()), 1))
        settings = {**WINDOWS, "model": model, "universe": NAMES[:3], "control": QUIET}
        whole, other, short = (
            af.study(events(), table, skip_bad=True, **settings) for table in (bars, scrambled, bars[~late])
        )
        keys = ["event_id", "symbol"]
        ended = whole.ar[whole.ar["session"].notna()].groupby(keys)["session"].max()
        kept = ended[ended <= cut].index
        assert 10 < len(kept) < len(whole.rows)

        def told(found):
            return found.ar.set_index([*keys, "offset"])["ar"].loc[
                lambda ar: ar.index.droplevel(2).isin(kept)
            ]

        pd.testing.assert_series_equal(told(whole), told(other), rtol=0, atol=0)
        pd.testing.assert_series_equal(told(whole), told(short), rtol=0, atol=0)
        assert not whole.ar["ar"].equals(other.ar["ar"])


class TestGroups:
    def test_by_every_group(self, tape):
        found = af.study(
            events(), tape, universe=NAMES, by=("surprise", "theme", "market", "year"), **WINDOWS
        )
        for by in ("tag", "direction", "surprise", "market", "theme", "phase", "symbol", "year"):
            table = found.caar(by)
            assert set(table["by"]) == {by}
            one = table[table["group"] == table["group"].iloc[0]]
            assert one["offset"].tolist() == list(range(-2, 5))
        groups = set(found.tests.loc[found.tests["by"] == "surprise", "group"])
        assert groups == {"unknown", "above expectations", "below expectations", "as expected"}
        themes = found.caar("theme").groupby("group")["rows"].max()
        assert themes["semis"] < len(found.rows)
        with pytest.raises(InputError, match="did you mean 'market'"):
            found.caar("markets")

    def test_caar_is_the_mean_over_what_is_known(self, tape):
        found = af.study(events(), tape, universe=NAMES, **WINDOWS)
        path, ar = found.caar(), found.ar
        for row in path.to_dict("records"):
            own = ar[ar["offset"] == row["offset"]]
            assert row["aar"] == pytest.approx(own["ar"].mean(), abs=1e-15)
            assert row["rows"] == own["ar"].notna().sum()
            assert row["caar"] == pytest.approx(own["car"].mean(), abs=1e-15)
        assert (path["low"] < path["caar"]).all()

    def test_p_values_over_groups_are_no_smaller(self, tape):
        told = af.study(events(), tape, universe=NAMES, by=("market", "tag"), **WINDOWS).tests.dropna(
            subset="p"
        )
        assert (told["p_holm"] >= told["p"] - 1e-15).all()
        assert (told["p_by"] >= told["p"] - 1e-15).all()


class TestParts:
    def test_halves_make_the_day(self, tape):
        settings = {**WINDOWS, "model": "raw", "min_observations": 0, "universe": NAMES}
        day, halves = (af.study(events(), tape, part=part, **settings) for part in ("day", "halves"))
        gap, session = (halves.ar[halves.ar["part"] == part] for part in ("gap", "session"))
        whole = (1 + gap["ar"].to_numpy()) * (1 + session["ar"].to_numpy()) - 1
        known = np.isfinite(whole)
        np.testing.assert_allclose(whole[known], day.ar["ar"].to_numpy()[known], atol=1e-12)
        assert set(halves.tests["part"]) == {"gap", "session"}

    def test_bars_within_sessions(self):
        days = pd.bdate_range("2025-06-02", periods=30)
        days = days[~days.isin(pd.to_datetime(["2025-06-06", "2025-06-03"]))]
        opens = [f"{day:%Y-%m-%d}T{hour:02d}:00+09:00" for day in days for hour in (10, 11, 13, 14)]
        draw = np.random.default_rng(2).normal(0, 0.01, (2, len(opens)))
        draw[0] += draw[1]
        draw[0, 101] += 0.05
        prices = pd.concat(
            [
                pd.DataFrame({"symbol": symbol, "opens_at": opens, "close": 100 * np.exp(moves.cumsum())})
                for symbol, moves in zip(("000660.KS", "KOSPI"), draw, strict=True)
            ]
        ).assign(open=lambda table: table["close"])
        known = pd.Timestamp(opens[101]).tz_convert("UTC") - pd.Timedelta("10min")
        news = pd.DataFrame(
            {
                "known_by": [f"{known:%Y-%m-%dT%H:%MZ}"],
                "tag": "chip",
                "direction": "positive",
                "symbols": "000660.KS",
            }
        )
        found = af.study(
            news, prices, universe=["000660.KS"], part="bar", interval="60m",
            window=(-2, 3), estimation=(-90, -10), draws=0,
        )  # fmt: skip
        ar = found.ar.set_index("offset")["ar"]
        assert ar.idxmax() == 0
        assert ar[0] == pytest.approx(0.05, abs=0.015)


class TestReasons:
    def test_all_of_them_are_listed(self, tape):
        table = pd.concat(
            [
                events(),
                pd.DataFrame(
                    {
                        "event_id": ["early", "beyond", "some_day", "unpriced", "sideless"],
                        "known_by": ["2022-01-20T22:00Z", "2024-05-01T22:00Z", "2023-06-05", "2023-06-07T22:00Z",
                                     "2023-06-09T22:00Z"],
                        "tag": "chip", "direction": ["positive"] * 4 + [""],
                        "symbols": ["8035.T", "8035.T", "8035.T", "9988.HK", "8035.T"],
                    }
                ),
            ]
        )  # fmt: skip
        found = af.study(table, tape, universe=[*NAMES, "9988.HK"], zone="Asia/Tokyo", **WINDOWS)
        codes = found.skipped.set_index("event_id")["code"].to_dict()
        assert codes == {
            "early": "short_history",
            "beyond": "no_bar",
            "some_day": "ambiguous",
            "unpriced": "no_prices",
            "sideless": "no_side",
        }
        assert (found.skipped["reason"] != "").all()
        assert found.manifest["counts"]["skipped"]["ambiguous"] == 1
        assert len(found.rows) + sum(found.skipped["symbol"] != "") == found.manifest["counts"]["signals"]

    def test_every_code_has_a_sentence(self):
        assert all(text and not text.endswith(".") for text in SKIPPED.values())

    def test_nothing_to_measure_says_why(self, tape):
        with pytest.raises(InputError, match=r"its direction gives no side; set signed = false"):
            af.study(events(direction=""), tape, universe=NAMES, **WINDOWS)
        with pytest.raises(InputError, match=r"no market index for its venue.*name one"):
            prices = tape.bars("8035.T").rename(columns={"session": "date"})[["date", "open", "close"]]
            af.study(events(), prices.assign(symbol="8035.T"), universe=["8035.T"], **WINDOWS)
        with pytest.raises(InputError, match=r"history is too short.*prices from before"):
            af.study(events(), tape, universe=NAMES, window=(0, 1), estimation=(-3000, -2900))

    def test_without_sides(self, tape):
        found = af.study(events(direction=""), tape, universe=NAMES, signed=False, **WINDOWS)
        assert (found.rows["side"] == 1).all()

    def test_an_index_may_be_studied_but_not_against_itself(self, tape):
        news = events(symbols="TOPIX")
        found = af.study(news, tape, universe=["TOPIX"], model="mean", **WINDOWS)
        assert set(found.rows["symbol"]) == {"TOPIX"}
        with pytest.raises(InputError, match="it is the market"):
            af.study(news, tape, universe=["TOPIX"], **WINDOWS)


class TestConfounded:
    def test_they_are_found_and_treated(self, tape):
        table = events()
        close = table.iloc[[4]].assign(
            event_id="near", tag="tariff", direction="escalation", symbols="8035.T",
            known_by=(pd.Timestamp(table["known_by"].iloc[4]) + pd.Timedelta("3D")).strftime("%Y-%m-%dT%H:%MZ"),
        )  # fmt: skip
        both = pd.concat([table, close])
        found = af.study(both, tape, af.Reaction(tag=("chip", "fed")), universe=NAMES, **WINDOWS)
        near = found.confounded[found.confounded["other_event_id"] == "near"].set_index("symbol")
        assert near.loc["8035.T", "level"] == "name"
        assert near.loc["6857.T", "level"] == "theme"
        assert 1 <= near.loc["8035.T", "offset"] <= 4
        assert found.manifest["counts"]["confounded"] == 1
        told = found.treatments[(found.treatments["first"] == 0) & (found.treatments["last"] == 4)].set_index(
            "treatment"
        )
        assert list(told.index) == ["kept", "excluded", "down-weighted", "regressed out"]
        assert told.loc["excluded", "rows"] == told.loc["kept", "rows"] - 1
        one = found.car[(found.car["first"] == 0) & (found.car["last"] == 4)]
        # A window that lacks more than half of its returns counts nowhere.
        one = one[one["sessions"] >= 2.5]
        assert len(one) == told.loc["kept", "rows"]
        keys = list(zip(one["event_id"], one["symbol"], strict=True))
        mine = np.array([key == (table["event_id"].iloc[4], "8035.T") for key in keys])
        assert told.loc["kept", "effect"] == pytest.approx(one["car"].mean())
        assert told.loc["excluded", "effect"] == pytest.approx(one["car"][~mine].mean())
        assert told.loc["down-weighted", "effect"] == pytest.approx(
            np.average(one["car"], weights=np.where(mine, 0.5, 1.0))
        )
        # One row with the other event: taking it out by regression is leaving it out.
        assert told.loc["regressed out", "effect"] == pytest.approx(one["car"][~mine].mean())
        without = af.study(
            both, tape, af.Reaction(tag=("chip", "fed")), universe=NAMES, confounded="exclude", **WINDOWS
        )
        assert len(without.rows) == len(found.rows) - 1
        assert "confounded" in set(without.skipped["code"])
        wide = af.study(
            both,
            tape,
            af.Reaction(tag=("chip", "fed")),
            universe=NAMES,
            confounded_by=("name", "theme"),
            **WINDOWS,
        )
        assert wide.manifest["counts"]["confounded"] > 1

    def test_quiet_estimation_windows(self, tape):
        plain, quiet = (
            af.study(events(), tape, universe=["8035.T"], quiet=quiet, **WINDOWS) for quiet in (False, True)
        )
        # Every 15 weekdays an event with a window of 7 sessions.
        assert quiet.rows["observations"].min() < 0.75 * plain.rows["observations"].min()
        assert len(quiet.rows) <= len(plain.rows)


class TestTables:
    def test_cars_and_bhars(self, tape):
        found = af.study(events(), tape, universe=NAMES, cars=[(0, 2)], **WINDOWS)
        ar = found.ar[found.ar["offset"].between(0, 2)]
        sums = ar.groupby(["event_id", "symbol"], sort=False)
        known = found.car["sessions"] == 3
        np.testing.assert_allclose(found.car["car"][known], sums["ar"].sum().to_numpy()[known], atol=1e-14)
        grown = {key: sums[key].agg(lambda values: (1 + values).prod()) for key in ("return", "expected")}
        want = (grown["return"] - grown["expected"]).to_numpy()
        np.testing.assert_allclose(found.bhar["bhar"][known], want[known], atol=1e-14)

    def test_a_short_position_is_held_too(self, tape):
        settings = {**WINDOWS, "model": "raw", "universe": ["8035.T"], "cars": [(0, 4)]}
        long, short = (
            af.study(events(direction=way, tag="chip"), tape, **settings) for way in ("positive", "negative")
        )
        np.testing.assert_allclose(short.car["car"], -long.car["car"], atol=1e-15)
        np.testing.assert_allclose(short.bhar["bhar"], -long.bhar["bhar"], atol=1e-15)

    def test_power_says_what_could_have_been_found(self, tape):
        table = af.power(events(), tape, universe=NAMES, effects=(0.0, 0.05), by=("tag",), window=(-2, 4),
                         estimation=(-120, -10))  # fmt: skip
        np.testing.assert_allclose(table["power at 0"], 0.05, atol=1e-6)
        assert (table["power at 0.05"] > 0.9).all()
        assert (table["detectable"] > 0).all()
        assert (table["independent"] <= table["rows"] + 1e-9).any()

    def test_it_comes_back_from_its_folder(self, tape, tmp_path):
        found = af.study(events(), tape, universe=NAMES, **WINDOWS)
        assert found.save(tmp_path / "study") == tmp_path / "study/report.html"
        again = af.load_study(tmp_path / "study")
        for name in (
            "rows",
            "ar",
            "car",
            "averages",
            "tests",
            "power",
            "skipped",
            "confounded",
            "treatments",
        ):
            pd.testing.assert_frame_equal(getattr(again, name), getattr(found, name), check_dtype=False)
        pd.testing.assert_frame_equal(again.caar("market"), found.caar("market"))
        assert again.numbers().keys() == found.numbers().keys()
        assert repr(again) == repr(found)
        assert "SIMULATED" in repr(found)

    def test_the_same_study_twice_is_the_same(self, tape):
        first, second = (
            af.study(events(), tape, universe=NAMES, **{**WINDOWS, "draws": 200}) for _ in range(2)
        )
        pd.testing.assert_frame_equal(first.tests, second.tests)


class TestSettings:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"model": "markt"}, "did you mean 'market'"),
            ({"windw": (0, 1)}, "did you mean 'window'"),
            ({"window": (-40, 10)}, "ends before the event window"),
            ({"cars": [(0, 20)]}, "cars within window"),
            ({"by": "tags"}, "did you mean 'tag'"),
            ({"confounded_by": "names"}, "did you mean 'name'"),
            ({"model": "factors"}, "factors .a file. with model"),
            ({"market": "TOPIX.QQ"}, "a symbol of a known venue"),
            ({"coverage": 1.5}, "coverage"),
            ({"test": "kolari_pynonen"}, "did you mean 'kolari_pynnonen'"),
        ],
    )
    def test_what_is_refused(self, tape, settings, message):
        with pytest.raises(InputError, match=message):
            af.study(events(), tape, **settings)

    def test_a_section_of_an_experiment(self):
        from aftershock.experiment import Experiment, StudySection

        one = Experiment(af.Reaction(), study=StudySection(window=(-1, 3), cars=((0, 0),), by=("market",)))
        text = one.to_toml()
        assert "[study]" in text
        assert "[study]" not in Experiment(af.Reaction()).to_toml()


class TestReturns:
    def test_a_table_of_returns(self, tape):
        wide = pd.concat(
            {
                s: tape.bars(s).set_index("session")["close"].pct_change()
                for s in ("8035.T", "6857.T", "TOPIX")
            },
            axis=1,
        )
        plain = af.study(events(symbols="8035.T 6857.T"), tape, universe=["8035.T", "6857.T"], **WINDOWS)
        given = pd.DataFrame(
            {"name": plain.rows["symbol"], "when": plain.rows["session"], "event_id": plain.rows["event_id"],
             "tag": plain.rows["tag"]}
        )  # fmt: skip
        found = af.study_returns(wide[["8035.T", "6857.T"]], given, wide["TOPIX"], by=("tag",), **WINDOWS)
        known = np.isfinite(plain.ar["ar"]) & np.isfinite(found.ar["ar"])
        assert known.mean() > 0.95
        whole = plain.rows["observations"].eq(111) & found.rows["observations"].eq(111)
        rows = np.repeat(whole.to_numpy(), 7) & known.to_numpy()
        np.testing.assert_allclose(found.ar["ar"][rows], plain.ar["ar"][rows], atol=1e-12)
        assert {"all", "chip", "fed"} == set(found.tests["group"])

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"name": "A"}, "a name of the returns"),
            ({"when": pd.Timestamp("2030-01-01")}, "prices end before"),
        ],
    )
    def test_what_is_refused(self, change, message):
        returns = pd.DataFrame(
            {"AA": np.random.default_rng(1).normal(0, 1, 100)}, pd.bdate_range("2024-01-01", periods=100)
        )
        given = pd.DataFrame({"name": ["AA"], "when": [pd.Timestamp("2024-05-01")]}).assign(**change)
        with pytest.raises(InputError, match=message):
            af.study_returns(returns, given, model="mean", window=(0, 1), estimation=(-60, -1))

    def test_a_market_is_needed(self):
        returns = pd.DataFrame({"AA": np.zeros(100)}, pd.bdate_range("2024-01-01", periods=100))
        given = pd.DataFrame({"name": ["AA"], "when": [pd.Timestamp("2024-05-01")]})
        with pytest.raises(InputError, match="returns of a market with model = 'market'"):
            af.study_returns(returns, given, window=(0, 1), estimation=(-60, -1))

    @pytest.mark.shared
    def test_a_published_study_through_the_door(self, shared):
        folder = shared / "oracles/event_studies/estudy2"

        def read(name):
            return pd.read_csv(folder / name, index_col=0, skipinitialspace=True, na_values="NA")

        rates, market = read("inputs/rates.csv"), read("inputs/rates_indx.csv")
        given = pd.DataFrame({"name": list(rates.columns), "when": "2020-03-16"})
        found = af.study_returns(
            rates, given, market, window=(0, 4), estimation=(-len(rates), -1), returns="log", draws=0
        )
        printed = read("expected/vignette__sim__abnormal.csv").loc["2020-03-16":"2020-03-20"]
        np.testing.assert_allclose(found.ar["ar"].to_numpy().reshape(7, 5).T, printed, atol=1e-10, rtol=0)
        fits = read("expected/vignette__sim__fit.csv")
        np.testing.assert_allclose(found.rows[["alpha", "beta"]], fits[["alpha", "beta"]], rtol=1e-10)
