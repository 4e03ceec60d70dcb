"""Prices from wherever they are: long and wide, files, folders, subsets."""

import numpy as np
import pandas as pd
import pytest

from aftershock.data.errors import InputError
from aftershock.data.prices import Tape, load_tape

DAYS = pd.to_datetime(["2025-09-10", "2025-09-11", "2025-09-12"])
SYMBOLS = ("000660.KS", "8035.T", "9988.HK")


def bars(symbol, start=100.0):
    close = start + np.arange(3.0)
    return pd.DataFrame(
        {
            "symbol": symbol,
            "date": DAYS,
            "open": close - 0.5,
            "high": close + 1,
            "low": close - 1,
            "close": close,
            "volume": [10.0, 20.0, 30.0],
        }
    )


@pytest.fixture(scope="module")
def long():
    return pd.concat([bars(symbol, 100.0 * (i + 1)) for i, symbol in enumerate(SYMBOLS)], ignore_index=True)


@pytest.fixture(scope="module")
def tape(long):
    return Tape.from_frame(long)


def codes(tape):
    return list(tape.warnings[["code", "symbol", "rows"]].itertuples(index=False, name=None))


class TestTables:
    def test_a_long_table_and_a_tape(self, long, tape):
        assert load_tape(long).digest() == tape.digest()
        assert load_tape(tape) is tape
        assert load_tape(tape, symbols=["9988 HK"]).symbols == ("9988.HK",)

    def test_two_levels_of_columns_in_either_order(self, long, tape):
        wide = long.pivot(index="date", columns="symbol")
        assert load_tape(wide).digest() == tape.digest()
        assert load_tape(wide.swaplevel(axis=1).sort_index(axis=1)).digest() == tape.digest()
        assert load_tape(wide.rename(columns=str.title, level=0)).digest() == tape.digest()

    def test_two_levels_need_dates(self, long):
        wide = long.pivot(index="date", columns="symbol").reset_index(drop=True)
        with pytest.raises(InputError, match="expected dates in the index, got row numbers"):
            load_tape(wide)

    def test_closes_only(self, long):
        closes = long.pivot(index="date", columns="symbol", values="close")
        closes.loc[DAYS[0], "8035.T"] = np.nan
        tape = load_tape(closes)
        assert np.diff(tape.offsets).tolist() == [3, 2, 3]
        assert ("empty", "8035.T", 1) in codes(tape)
        assert np.isnan(tape.open).all()
        assert load_tape(closes.rename_axis(index=None, columns=None)).digest() == tape.digest()
        assert load_tape(closes.reset_index().rename(columns={"date": "Day"})).digest() == tape.digest()

    def test_closes_name_the_line_of_a_bad_cell(self):
        closes = pd.DataFrame({"8035.T": ["1", "x", "3"]}, index=DAYS)
        with pytest.raises(InputError, match="line 2, column close: expected a number, got 'x'"):
            load_tape(closes)

    def test_one_instrument_that_is_named_outside(self, long, tape):
        one = long[long["symbol"] == "8035.T"].drop(columns="symbol").set_index("date")
        assert load_tape(one, symbols=["TYO:8035"]).digest() == tape.select(["8035.T"]).digest()
        unnamed = one.rename_axis(index=None).rename(columns=str.title)
        assert load_tape(unnamed, symbols=["8035.T"]).digest() == tape.select(["8035.T"]).digest()
        for symbols in (None, ["8035.T", "6857.T"]):
            with pytest.raises(InputError, match="prices that do not say whose; add it, or ask for one"):
                load_tape(one, symbols=symbols)
        with pytest.raises(InputError, match="expected a column 'date'"):
            load_tape(one.reset_index(drop=True), symbols=["8035.T"])

    def test_symbols_in_the_index(self, long, tape):
        indexed = long.set_index(["symbol", "date"])
        assert load_tape(indexed, symbols=["8035.T"]).digest() == tape.select(["8035.T"]).digest()

    def test_a_table_is_not_changed(self, long):
        before = long.copy()
        load_tape(long, symbols=["8035.T"])
        pd.testing.assert_frame_equal(long, before)


class TestChoice:
    def test_order_is_the_one_asked_for_and_absence_is_told(self, long):
        tape = load_tape(long, symbols=["9988.HK", "6857 JP", "KS:000660", "HK:9988"])
        assert tape.symbols == ("9988.HK", "000660.KS")
        assert codes(tape) == [("no_prices", "6857.T", 0)]
        assert tape.warnings["severity"].tolist() == ["warning"]

    def test_bars_that_all_fall_away_are_told_once(self, long):
        sunday = long.assign(date=long["date"].where(long["symbol"] != "8035.T", pd.Timestamp("2025-09-14")))
        sunday = sunday.drop_duplicates(["symbol", "date"])
        for symbols in (None, ["8035.T", "000660.KS", "9988.HK"]):
            tape = load_tape(sunday, symbols=symbols)
            assert codes(tape) == [("not_a_session", "8035.T", 1), ("no_prices", "8035.T", 0)]

    def test_nothing_of_what_was_asked_for(self, long, tape):
        for prices in (long, tape):
            with pytest.raises(InputError, match=r"expected prices of a wanted symbol, got none of 6857.T"):
                load_tape(prices, symbols=["6857.T"])

    def test_an_unknown_wanted_symbol(self, long):
        with pytest.raises(InputError, match=r"got '000660'; did you mean '000660.KS'\?"):
            load_tape(long, symbols=["000660"])

    def test_other_instruments_cannot_spoil_a_choice(self, long):
        spoiled = pd.concat([long, bars("6857.T").assign(low=-1.0), bars("WHO")])
        assert codes(load_tape(spoiled, symbols=["8035.T"])) == []
        with pytest.raises(InputError, match=r"a positive low of 6857.T"):
            load_tape(spoiled)

    def test_lines_are_those_of_the_table_given(self, long):
        spoiled = pd.concat([bars("WHO"), bars("6857.T"), bars("8035.T").assign(volume=["1", "x", "3"])])
        for symbols in (None, "8035.T"):
            with pytest.raises(InputError, match="line 8, column volume: expected a number, got 'x'"):
                load_tape(spoiled, symbols=symbols)

    def test_segments_come_in_the_order_asked_for(self, long):
        frame = long.assign(source="old")
        frame.loc[(frame["symbol"] == "8035.T") & (frame["date"] == DAYS[2]), "source"] = "new"
        tape = load_tape(frame, symbols=["9988.HK", "8035.T", "6857.T", "000660.KS"])
        assert tape.symbols == ("9988.HK", "8035.T", "8035.T", "000660.KS")
        assert tape.sources == ("old", "old", "new", "old")
        assert codes(tape) == [("source_change", "8035.T", 1), ("no_prices", "6857.T", 0)]
        assert load_tape(tape, symbols=["8035.T"]).offsets.tolist() == [0, 2, 3]
        assert set(load_tape(frame, symbols=["8035.T"], sources=["new"]).sources) == {"new"}

    def test_settings_reach_the_tape(self, long):
        two = pd.concat([long.assign(source="a"), long.assign(source="b")])
        assert set(load_tape(two, sources=["b"]).sources) == {"b"}
        assert set(load_tape(two, sources="b").sources) == {"b"}
        assert len(load_tape(long.assign(low=[-1.0, *long["low"][1:]]), skip_bad=True)) == 8


class TestFiles:
    @pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
    def test_long_files(self, tmp_path, long, tape, suffix):
        path = tmp_path / f"prices{suffix}"
        long.to_parquet(path) if suffix == ".parquet" else long.to_csv(path, index=False)
        assert load_tape(path).digest() == load_tape(str(path)).digest() == tape.digest()
        chosen = load_tape(path, symbols=["9988.HK", "000660.KS"])
        assert chosen.digest() == tape.select(["9988.HK", "000660.KS"]).digest()
        assert chosen.provenance == {"from": "files", "files": [str(path)]}

    def test_dialects_in_a_file_and_in_the_question(self, tmp_path, long, tape):
        names = {"000660.KS": "KS:000660", "8035.T": "8035 JP", "9988.HK": "9988.HK"}
        path = tmp_path / "prices.parquet"
        long.replace({"symbol": names}).rename(columns={"symbol": "Ticker"}).to_parquet(path)
        assert load_tape(path).digest() == tape.digest()
        assert load_tape(path, symbols=["8035.T"]).digest() == tape.select(["8035.T"]).digest()

    @pytest.mark.parametrize("suffix", [".csv", ".parquet"])
    def test_wide_files_hold_closes(self, tmp_path, long, suffix):
        closes = long.pivot(index="date", columns="symbol", values="close")
        path = tmp_path / f"closes{suffix}"
        closes.to_parquet(path) if suffix == ".parquet" else closes.to_csv(path)
        assert load_tape(path).digest() == load_tape(closes).digest()
        assert load_tape(path, symbols=["8035.T"]).symbols == ("8035.T",)

    def test_wide_files_without_a_name_for_the_dates(self, tmp_path, long):
        closes = long.pivot(index="date", columns="symbol", values="close").rename_axis(index=None)
        closes.to_csv(tmp_path / "closes.csv")
        assert load_tape(tmp_path / "closes.csv").digest() == load_tape(closes).digest()

    def test_a_parquet_file_of_two_levels(self, tmp_path, long, tape):
        long.pivot(index="date", columns="symbol").to_parquet(tmp_path / "wide.parquet")
        assert load_tape(tmp_path / "wide.parquet").digest() == tape.digest()

    def test_several_files(self, tmp_path, long, tape):
        long[long["date"] < DAYS[2]].to_csv(tmp_path / "old.csv", index=False)
        long[long["date"] == DAYS[2]].to_parquet(tmp_path / "new.parquet")
        paths = [tmp_path / "old.csv", tmp_path / "new.parquet"]
        assert load_tape(paths).digest() == tape.digest()
        clash = long[long["date"] == DAYS[1]].assign(high=999.0)
        clash.to_csv(tmp_path / "clash.csv", index=False)
        with pytest.raises(
            InputError, match=r"clash.csv, line 2: .* got another than on line 3 of .*old.csv"
        ):
            load_tape([*paths, tmp_path / "clash.csv"])

    def test_errors_name_file_and_line(self, tmp_path, long):
        path = tmp_path / "prices.csv"
        long.astype({"close": "str"}).replace({"close": {"201.0": "2O1"}}).to_csv(path, index=False)
        with pytest.raises(
            InputError, match=r"prices.csv, line 6, column close: expected a number, got '2O1'"
        ):
            load_tape(path)
        long.rename(columns={"close": "last"}).to_csv(path, index=False)
        with pytest.raises(InputError, match=r"prices.csv: expected a column 'close'"):
            load_tape(path)
        long.drop(columns="symbol").to_csv(path, index=False)
        with pytest.raises(InputError, match=r"prices.csv: expected a column 'symbol'"):
            load_tape(path)
        with pytest.raises(InputError, match=r"did you mean 'prices.csv'\?"):
            load_tape(tmp_path / "price.csv")
        with pytest.raises(InputError, match="expected price files, got none"):
            load_tape([])

    def test_half_a_character_in_a_file(self, tmp_path, long):
        path = tmp_path / "prices.jsonl"
        lines = long.assign(date=long["date"].dt.strftime("%Y-%m-%d")).to_json(orient="records", lines=True)
        path.write_text(lines.replace("9988.HK", "9988.HK\\ud83d", 1))
        with pytest.raises(
            InputError,
            match=r"prices.jsonl, line 7: expected whole characters, got \\ud83d alone; write both",
        ):
            load_tape(path)
        path.write_text(lines.replace('{"symbol"', '{"note":["\\ud83d\\ude00"],"symbol"'))
        assert len(load_tape(path)) == 9

    def test_a_misspelt_column_that_begins_with_an_underscore(self, tmp_path, long):
        path = tmp_path / "prices.csv"
        long.rename(columns={"volume": "_volume"}).to_csv(path, index=False)
        with pytest.raises(InputError, match=r"prices.csv, column _volume: .* rename it to 'volume'"):
            load_tape(path)

    def test_unknown_symbols_in_a_file(self, tmp_path, long, tape):
        path = tmp_path / "prices.csv"
        pd.concat([long, bars("WHO")]).to_csv(path, index=False)
        loaded = load_tape(path)
        assert loaded.digest() == tape.digest()
        assert codes(loaded) == [("unknown_symbol", "WHO", 3)]
        bars("WHO").to_csv(path, index=False)
        with pytest.raises(InputError, match="expected a symbol of a known venue, got 'WHO'"):
            load_tape(path)


class TestFolders:
    @pytest.fixture
    def folder(self, tmp_path, long):
        names = {"000660.KS": "000660_KS.csv", "8035.T": "8035.T.parquet", "9988.HK": "9988.HK.csv.gz"}
        for symbol, name in names.items():
            one = long[long["symbol"] == symbol].drop(columns="symbol")
            one.to_parquet(tmp_path / name) if name.endswith("parquet") else one.to_csv(
                tmp_path / name, index=False
            )
        (tmp_path / "README.txt").write_text("not prices")
        (tmp_path / ".hidden.csv").write_text("not prices")
        return tmp_path

    def test_a_file_for_each_symbol(self, folder, tape):
        loaded = load_tape(folder)
        assert loaded.digest() == tape.digest()
        assert [path.rsplit("/", 1)[1] for path in loaded.provenance["files"]] == [
            "000660_KS.csv",
            "8035.T.parquet",
            "9988.HK.csv.gz",
        ]

    def test_only_wanted_files_are_read(self, folder, tape):
        (folder / "9988.HK.csv.gz").write_bytes(b"broken")
        chosen = load_tape(folder, symbols=["8035.T", "000660.KS"])
        assert chosen.digest() == tape.select(["8035.T", "000660.KS"]).digest()
        with pytest.raises(InputError, match=r"9988.HK.csv.gz: expected a readable file"):
            load_tape(folder)

    def test_a_table_of_many_in_a_folder(self, folder, long, tape):
        bars("6857.T").to_csv(folder / "more.csv", index=False)
        assert load_tape(folder).symbols == ("000660.KS", "6857.T", "8035.T", "9988.HK")
        assert load_tape(folder, symbols=["6857.T"]).symbols == ("6857.T",)

    def test_a_file_named_by_nobody(self, folder, tape):
        bars("x").drop(columns="symbol").to_csv(folder / "notes.csv", index=False)
        loaded = load_tape(folder)
        assert loaded.digest() == tape.digest()
        assert codes(loaded) == [("unknown_symbol", "notes", 3)]

    def test_nothing_to_read(self, folder, tmp_path):
        (tmp_path / "empty").mkdir()
        with pytest.raises(
            InputError, match=r"empty: expected files that end in .csv, .*, got none in the folder"
        ):
            load_tape(tmp_path / "empty")
        with pytest.raises(InputError, match="expected price files, got none"):
            load_tape(folder, symbols=["6857.T"])


@pytest.mark.shared
def test_a_subset_of_real_prices(shared):
    path = shared / "prices" / "hk_panel.parquet"
    tape = load_tape(path, symbols=["700 HK", "9988.HK", "8035.T"])
    assert tape.symbols == ("0700.HK", "9988.HK")
    raw = pd.read_parquet(path, filters=[("symbol", "==", "9988.HK")])
    own = tape.bars("9988.HK")
    pd.testing.assert_series_equal(
        own["close"],
        raw.loc[raw["date"].isin(own["session"]), "close"].reset_index(drop=True),
    )
    assert ("no_prices", "8035.T", 0) in codes(tape)


@pytest.mark.shared
def test_real_prices_as_wide_text(shared, tmp_path):
    raw = pd.read_parquet(shared / "prices" / "stocks.parquet")
    raw = raw[(raw["date"] >= "2025-09-01") & (raw["symbol"].str.endswith((".T", ".HK")))]
    closes = raw.pivot(index="date", columns="symbol", values="close")
    closes.to_csv(tmp_path / "closes.csv")
    tape = load_tape(tmp_path / "closes.csv")
    table = tape.bars("9988.HK").set_index("session")["close"]
    expected = raw[raw["symbol"] == "9988.HK"].set_index("date")["close"]
    assert table.to_dict() == expected.to_dict()
