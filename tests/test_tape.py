"""The tape: what comes in, what is warned of, what is refused, and that nothing can change it."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.data.calendars import sessions
from aftershock.data.errors import InputError
from aftershock.data.prices import Tape, load_tape
from aftershock.data.prices.cleaning import SENTENCES
from aftershock.data.prices.tape import NUMBERS, PER_BAR, Warned, warnings_table

WEEK = ["2025-09-08", "2025-09-09", "2025-09-10", "2025-09-11", "2025-09-12"]


def bars(symbol="8035.T", days=WEEK, **columns):
    """Bars that rise by one a day; ``columns`` replace what is there."""
    close = 100.0 + np.arange(len(days))
    made = {"open": close - 0.4, "high": close + 1, "low": close - 1, "close": close, "volume": 1000.0}
    return pd.DataFrame({"symbol": symbol, "date": days, **made, **columns})


SPLIT = {
    "symbols": ("8035.T", "8035.T"),
    "venues": ("XTKS", "XTKS"),
    "kinds": ("stock", "stock"),
    "sources": ("a", "b"),
    "offsets": np.array([0, 3, 5]),
}
"""The texts of a tape of two segments."""


def codes(tape):
    """Code, symbol and rows of each warning."""
    return list(tape.warnings[["code", "symbol", "rows"]].itertuples(index=False, name=None))


def session_days(mic, first, last):
    days = sessions(mic).session.astype("M8[D]")
    return days[(days >= np.datetime64(first)) & (days <= np.datetime64(last))]


class TestArrays:
    def test_bars_of_all_instruments_stand_one_after_the_other(self):
        tape = Tape.from_frame(pd.concat([bars("9988.HK", WEEK[:3]), bars("000660.KS"), bars("N225")]))
        assert tape.symbols == ("000660.KS", "9988.HK", "N225")
        assert tape.venues == ("XKRX", "XHKG", "XTKS")
        assert tape.kinds == ("stock", "stock", "index")
        assert tape.offsets.tolist() == [0, 5, 8, 13]
        assert len(tape) == 13
        assert tape.close[5:8].tolist() == [100, 101, 102]
        assert np.isnan(tape.factor).all()
        assert not tape.halted.any()

    def test_clocks_are_those_of_the_venue(self):
        tape = Tape.from_frame(bars("9988.HK"))
        hong_kong = sessions("XHKG")
        for name in ("opens_at", "closes_at", "open_cutoff", "close_cutoff", "session"):
            assert (getattr(tape, name) == getattr(hong_kong, name)[tape.ordinal]).all()
        first = tape.bars("9988.HK").iloc[0]
        assert first["session"] == pd.Timestamp("2025-09-08")
        assert first["opens_at"].isoformat() == "2025-09-08T01:30:00+00:00"

    def test_arrays_cannot_be_changed_and_do_not_share_memory(self):
        frame = bars()
        tape = Tape.from_frame(frame)
        for name in ("offsets", *PER_BAR):
            values = getattr(tape, name)
            assert values.flags.c_contiguous
            with pytest.raises(ValueError, match="read-only"):
                values[0] = 0
        mine = np.full(5, 7.0)
        made = Tape(**{**parts(tape), "close": mine})
        mine[:] = 0
        assert made.close.tolist() == [7.0] * 5
        assert mine.flags.writeable

    @pytest.mark.parametrize(
        ("change", "match"),
        [
            ({"close": np.ones(4)}, "expected arrays of 5 bars, got another length of close"),
            ({"session": np.array([1, 2, 2, 3, 4])}, "bars by rising session, got a bar out of order at 2"),
            ({"offsets": np.array([0, 4])}, "expected arrays of 4 bars"),
            ({"offsets": np.array([0, 2, 5])}, "expected 2 rising offsets from 0, got 3 offsets"),
            ({"venues": ()}, "one venue, kind and source for each symbol"),
            ({**SPLIT, "sources": ("a", "a")}, "each from another source than the one before, got others of"),
            ({**SPLIT, "venues": ("XTKS", "XHKG")}, "segments of one venue and kind"),
            ({**SPLIT, "session": np.array([1, 2, 3, 3, 4])}, "rising session, got a bar out of order at 3"),
            (
                {
                    **{name: values[:1] * 3 for name, values in SPLIT.items()},
                    "symbols": ("8035.T", "6857.T", "8035.T"),
                    "offsets": np.array([0, 1, 2, 5]),
                },
                "segments of a symbol side by side, got 8035.T in several places",
            ),
        ],
    )
    def test_arrays_that_do_not_fit_are_refused(self, change, match):
        with pytest.raises(InputError, match=match):
            Tape(**{**parts(Tape.from_frame(bars())), **change})

    def test_a_date_that_is_both_index_and_column(self):
        frame = bars().set_index(pd.DatetimeIndex(WEEK, name="Date"))
        assert Tape.from_frame(frame).digest() == Tape.from_frame(bars()).digest()

    def test_it_prints_itself(self):
        tape = Tape.from_frame(pd.concat([bars(f"{1301 + i}.T") for i in range(10)]), simulated=True)
        text = repr(tape)
        assert text.startswith("Tape: 10 simulated instruments, 50 bars, 2025-09-08..2025-09-12\n")
        assert "  1301.T     XTKS  stock        5 bars  2025-09-08..2025-09-12\n" in text
        assert text.endswith("... and 2 more")
        assert repr(Tape.from_frame(bars(open=np.nan))).endswith("warnings: missing_open 1")


def parts(tape):
    names = ("symbols", "venues", "kinds", "sources", "offsets", *PER_BAR)
    return {name: getattr(tape, name) for name in names}


class TestSelection:
    def test_select_keeps_the_order_asked_for(self):
        tape = Tape.from_frame(
            pd.concat([bars("9988.HK", WEEK[:2], open=np.nan), bars("8035.T"), bars("N225")])
        )
        chosen = tape.select(["N225", "HK:9988", "N225"])
        assert chosen.symbols == ("N225", "9988.HK")
        assert chosen.offsets.tolist() == [0, 5, 7]
        assert codes(chosen) == [("missing_open", "9988.HK", 2)]
        assert tape.select(tape.symbols).digest() == tape.digest()
        pd.testing.assert_frame_equal(chosen.bars("9988.HK"), tape.bars("9988.HK"))

    def test_position_understands_dialects_and_suggests(self):
        tape = Tape.from_frame(pd.concat([bars("9988.HK"), bars("6138.TWO")]))
        assert tape.position("9988 HK") == tape.position("9988.HK") == 1
        assert tape.position("6138.TT") == 0
        with pytest.raises(InputError, match=r"one of the tape's 2 instruments, got '9888.HK'; did you mean"):
            tape.position("9888.HK")
        with pytest.raises(InputError, match=r"got '\?'; see tape.symbols"):
            tape.bars("?")

    def test_digest_knows_values_not_names_of_nan(self):
        tape = Tape.from_frame(bars(open=np.nan))
        quiet = np.frombuffer(np.array([0xFFF8000000000001] * 5, np.uint64).tobytes(), np.float64)
        assert Tape(**{**parts(tape), "open": quiet}).digest() == tape.digest()
        assert Tape(**{**parts(tape), "close": tape.close + 1e-12}).digest() != tape.digest()
        assert Tape(**{**parts(tape), "symbols": ("6857.T",)}).digest() != tape.digest()
        assert Tape(**parts(tape), simulated=True).digest() != tape.digest()


class TestDates:
    @pytest.mark.parametrize(
        "days",
        [
            WEEK,
            ["20250908", "2025/09/09", "2025-09-10 00:00:00", "2025-09-11T00:00", "2025-09-12"],
            [20250908, 20250909, 20250910, 20250911, 20250912],
            [datetime.date(2025, 9, day) for day in range(8, 13)],
            pd.to_datetime(WEEK),
            pd.to_datetime(WEEK).astype("datetime64[s]"),
            pd.to_datetime(WEEK).tz_localize("Asia/Tokyo"),
            pd.to_datetime(WEEK).tz_localize("Asia/Tokyo").tz_convert("UTC"),
            [f"{day}T09:00:00+09:00" for day in WEEK],
            [pd.Timestamp(day, tz="Asia/Tokyo") for day in WEEK[:4]] + ["2025-09-11T15:00Z"],
        ],
    )
    def test_every_way_to_write_a_day(self, days):
        assert Tape.from_frame(bars(days=days)).digest() == Tape.from_frame(bars()).digest()

    def test_an_instant_becomes_the_local_date_of_its_own_venue(self):
        stamp = "2025-09-11T16:00:00+00:00"
        tape = Tape.from_frame(pd.concat([bars("8035.T", [stamp]), bars("INFY.NS", [stamp])]))
        assert tape.session.astype("M8[D]").astype(str).tolist() == ["2025-09-12", "2025-09-11"]

    @pytest.mark.parametrize(
        ("day", "got"),
        [
            ("12/09/2025", "'12/09/2025'"),
            ("2025-09-12 15:30", "the naive timestamp '2025-09-12 15:30'"),
            (pd.Timestamp("2025-09-12 15:30"), "the naive timestamp '2025-09-12 15:30:00'"),
            ("2025-13-01", "'2025-13-01'"),
            (1757635200, "'1757635200'"),
            ("9999-12-31", "'9999-12-31'"),
            (None, "nothing"),
        ],
    )
    def test_what_is_no_day(self, day, got):
        frame = bars(days=[*WEEK[:4], day])
        with pytest.raises(InputError, match=f"line 5, column date: expected a date, got {got}"):
            Tape.from_frame(frame)

    def test_a_naive_column_of_times(self):
        with pytest.raises(
            InputError, match=r"line 1, column date: .* naive timestamp '2025-09-08 09:00:00'"
        ):
            Tape.from_frame(bars(days=pd.to_datetime(WEEK) + pd.Timedelta(hours=9)))
        with pytest.raises(
            InputError, match="line 5, column date: expected a date, got '9999-12-31 00:00:00'"
        ):
            Tape.from_frame(bars(days=pd.to_datetime([*WEEK[:4], "9999-12-31"]).astype("datetime64[s]")))
        with pytest.raises(InputError, match="line 2, column date: expected a date, got nothing"):
            Tape.from_frame(bars(days=pd.DatetimeIndex([WEEK[0], None, *WEEK[2:]], tz="Asia/Tokyo")))
        with pytest.raises(InputError, match="line 2, column date: expected a date, got nothing"):
            Tape.from_frame(bars(days=pd.DatetimeIndex([WEEK[0], None, *WEEK[2:]])))

    def test_days_without_a_session_are_dropped(self):
        tape = Tape.from_frame(bars(days=["1985-01-04", *WEEK, "2025-09-13", "2025-09-15", "2199-01-04"]))
        assert len(tape) == 5
        assert codes(tape) == [
            ("before_calendar", "8035.T", 1),
            ("after_calendar", "8035.T", 1),
            ("not_a_session", "8035.T", 2),
        ]
        row = tape.warnings.iloc[2]
        assert (str(row["first"].date()), str(row["last"].date())) == ("2025-09-13", "2025-09-15")
        assert row["message"].endswith("(2025-09-13, 2025-09-15)")


class TestColumns:
    def test_other_houses_names(self):
        frame = (
            bars().rename(columns=str.title).rename(columns={"Symbol": "Ticker"}).assign(src="a", Dividends=0)
        )
        assert Tape.from_frame(frame).sources == ("a",)
        indexed = bars().set_index(["symbol", "date"])
        assert Tape.from_frame(indexed).digest() == Tape.from_frame(bars()).digest()

    def test_closes_are_enough(self):
        tape = Tape.from_frame(bars()[["symbol", "date", "close"]])
        assert np.isnan([tape.open, tape.high, tape.low, tape.volume, tape.factor]).all()
        assert codes(tape) == [("missing_open", "8035.T", 5)]

    @pytest.mark.parametrize(
        ("change", "match"),
        [
            (lambda f: f.drop(columns="close"), "expected a column 'close', got only symbol, date, open"),
            (lambda f: f.rename(columns={"volume": "volum"}), "rename it to 'volume'"),
            (lambda f: f.assign(Ticker="8035.T"), "expected one column 'symbol', got two"),
            (lambda f: f.assign(adj_close=1.0, factor=1.0), "expected adj_close or factor, got both"),
            (lambda f: f.iloc[:0], "expected bars, got a table without rows"),
            (lambda f: f.assign(symbol=["8035.T"] * 4 + [None]), "line 5, column symbol: expected a symbol"),
        ],
    )
    def test_columns_that_do_not_fit(self, change, match):
        with pytest.raises(InputError, match=match):
            Tape.from_frame(change(bars()))

    @pytest.mark.parametrize(
        ("cells", "got"),
        [
            ([1.0, "abc", 1, 1, 1], "'abc'"),
            (["1", "1,234", "1", "1", "1"], "'1,234'"),
            (pd.Series([1, True, 1, 1, 1], dtype=object), "'True'"),
            ([1.0, np.inf, 1, 1, 1], "'inf'"),
            (["1", "nan", "1", "1", "1"], "'nan'"),
            ([1.0, [2], 1, 1, 1], r"'\[2\]'"),
        ],
    )
    def test_cells_that_are_no_numbers(self, cells, got):
        with pytest.raises(InputError, match=f"line 2, column volume: expected a number, got {got}"):
            Tape.from_frame(bars(volume=cells))
        with pytest.raises(InputError, match="line 1, column volume: expected a number, got 'True'"):
            Tape.from_frame(bars(volume=[True] * 5))

    def test_numbers_written_as_text(self):
        frame = bars().astype({"close": "str", "volume": "str"})
        frame.loc[1, "volume"] = ""
        tape = Tape.from_frame(frame)
        assert tape.close.tolist() == [100, 101, 102, 103, 104]
        assert np.flatnonzero(np.isnan(tape.volume)).tolist() == [1]

    def test_adjusted_closes_adjust_the_bar(self):
        frame = bars(adj_close=[50.0, 50.5, 51.0, 103.0, 104.0])
        tape = Tape.from_frame(frame)
        assert tape.close.tolist() == [50.0, 50.5, 51.0, 103.0, 104.0]
        assert tape.factor.tolist() == [2.0, 2.0, 2.0, 1.0, 1.0]
        np.testing.assert_allclose(tape.open * tape.factor, frame["open"], rtol=1e-15)
        assert codes(tape)[0] == ("adjusted", "", 5)

    def test_yes_and_no(self):
        tape = Tape.from_frame(bars(halted=["True", "0", None, "1", "false"]))
        assert tape.halted.tolist() == [True, False, False, True, False]
        with pytest.raises(InputError, match="line 3, column halted: expected true or false, got 'maybe'"):
            Tape.from_frame(bars(halted=[0, 1, "maybe", 0, 0]))


class TestSymbols:
    def test_unknown_symbols_are_dropped_and_told(self):
        tape = Tape.from_frame(pd.concat([bars("KS:000660"), bars("NOPE"), bars("6138.TT", WEEK[:2])]))
        assert tape.symbols == ("000660.KS", "6138.TWO")
        assert codes(tape) == [("unknown_symbol", "NOPE", 5)]

    def test_nothing_but_unknown_symbols(self):
        with pytest.raises(InputError, match="expected a symbol of a known venue, got 'NOPE'"):
            Tape.from_frame(bars("NOPE"))

    def test_two_spellings_are_one_instrument(self):
        tape = Tape.from_frame(pd.concat([bars("KS:000660", WEEK[:2]), bars("000660.KS", WEEK[2:])]))
        assert tape.symbols == ("000660.KS",)
        assert len(tape) == 5


class TestDoubles:
    def test_identical_bars_count_once(self):
        tape = Tape.from_frame(pd.concat([bars(high=np.nan), bars(high=np.nan).iloc[1:3]]))
        assert len(tape) == 5
        assert codes(tape) == [("duplicate", "8035.T", 2)]

    def test_different_bars_of_one_day_are_refused(self):
        frame = pd.concat([bars(), bars(close=99.5).iloc[3:4]]).assign(_file="a.csv", _line=range(2, 8))
        with pytest.raises(
            InputError,
            match=r"a.csv, line 7: expected one bar of 8035.T on 2025-09-11, got another than on line 5; remove",
        ):
            Tape.from_frame(frame)

    def test_the_sources_in_order_decide(self):
        frame = pd.concat(
            [
                bars(days=WEEK[:4]).assign(source="long"),
                bars(days=WEEK[3:]).assign(source="late"),
                bars("6857.T", WEEK[2:]).assign(source="short"),
                bars("6857.T").assign(source="long"),
            ]
        )
        tape = Tape.from_frame(frame, sources=["short", "late"])
        assert dict(zip(tape.symbols, tape.sources, strict=True)) == {"6857.T": "short", "8035.T": "late"}
        assert codes(tape) == [("other_source", "6857.T", 5), ("other_source", "8035.T", 4)]
        assert "('long' beside 'late')" in tape.warnings["message"].iloc[1]
        assert Tape.from_frame(frame, sources=["long"]).offsets.tolist() == [0, 5, 9]

    def test_symbols_without_any_of_the_sources_keep_theirs(self):
        frame = pd.concat(
            [
                bars(days=WEEK[:2]).assign(source="old"),
                bars(days=WEEK[2:]).assign(source="new"),
                bars("6857.T").assign(source="good"),
            ]
        )
        assert Tape.from_frame(frame, sources=["good"]).sources == ("good", "old", "new")

    def test_a_preferred_source_that_does_not_occur(self):
        tape = Tape.from_frame(bars().assign(source="stooq"), sources=["stoq", "stooq"])
        assert tape.warnings["message"].tolist() == [
            "a preferred source does not occur ('stoq': did you mean 'stooq'?)"
        ]

    def test_a_source_of_empty_rows_does_not_win(self):
        empty = bars().assign(source="b", open=np.nan, high=np.nan, low=np.nan, close=np.nan)
        tape = Tape.from_frame(pd.concat([bars(days=WEEK[:3]).assign(source="c"), empty]))
        assert tape.sources == ("c",)
        assert codes(tape) == [("empty", "8035.T", 5)]


def held(**spans):
    """Bars of 8035.T in September 2025, from each source on the sessions given (counted from 0)."""
    days = session_days("XTKS", "2025-08-01", "2025-10-31")
    rows = [
        bars(days=days[list(span)]).assign(source=source.replace("_", " ").strip())
        for source, span in spans.items()
    ]
    return pd.concat(rows)


def stretches(tape):
    """Source and sessions of each segment, sessions counted from the first of August 2025."""
    zero = sessions("XTKS").session.searchsorted(np.datetime64("2025-08-01").astype(int))
    bounds = zip(tape.offsets[:-1], tape.offsets[1:], strict=True)
    ordinals = [(tape.ordinal[start:end] - zero).tolist() for start, end in bounds]
    return dict(zip(tape.sources, ordinals, strict=True)) if len(set(tape.sources)) == len(ordinals) else None


class TestSegments:
    def test_sources_follow_each_other(self):
        tape = Tape.from_frame(held(new=range(5, 9), old=range(5)))
        assert tape.symbols == ("8035.T", "8035.T")
        assert stretches(tape) == {"old": [0, 1, 2, 3, 4], "new": [5, 6, 7, 8]}
        assert codes(tape) == [("source_change", "8035.T", 1)]
        told = tape.warnings.iloc[0]
        assert told["severity"] == "warning"
        assert told["first"] == told["last"] == pd.Timestamp("2025-08-08")
        assert told["message"] == (
            "prices continue from another source: no trade spans the change "
            "('old' until 2025-08-07, 'new' from 2025-08-08)"
        )

    def test_a_hole_does_not_end_a_source(self):
        holes = [0, 1, 2, 3, 8, 9, 10]
        tape = Tape.from_frame(held(a=holes, b=range(1, 11)))
        assert stretches(tape) == {"a": holes}
        assert codes(tape) == [("other_source", "8035.T", 10)]

    def test_a_source_that_stays_away_is_given_up(self):
        tape = Tape.from_frame(held(a=[0, 1, 2, 3, 9, 10, 11], b=range(1, 11)))
        assert stretches(tape) == {"a": [0, 1, 2, 3], "b": [8, 9, 10]}
        assert codes(tape) == [
            ("other_source", "8035.T", 3),
            ("other_source", "8035.T", 7),
            ("source_change", "8035.T", 1),
        ]
        assert "('a' beside 'b')" in tape.warnings["message"].iloc[0]

    def test_a_source_that_begins_in_a_hole_takes_over(self):
        assert stretches(Tape.from_frame(held(a=[0, 1, 3, 4], b=[2, 3, 4]))) == {"a": [0, 1], "b": [2, 3, 4]}
        assert stretches(Tape.from_frame(held(a=[0, 1, 3, 4], b=[3, 4, 5]))) == {"a": [0, 1, 3, 4]}

    def test_the_first_name_breaks_ties(self):
        assert Tape.from_frame(held(b=range(4), a=range(3))).sources == ("a",)
        assert Tape.from_frame(held(a=range(3), c=[3, 4], b=[3, 4])).sources == ("a", "b")

    def test_a_source_may_come_back(self):
        tape = Tape.from_frame(held(a=[0, 1, 2, *range(20, 25)], b=range(2, 15)))
        assert tape.sources == ("a", "b", "a")
        assert np.diff(tape.offsets).tolist() == [3, 8, 5]
        assert Tape.from_frame(tape.to_frame()).digest() == tape.digest()

    def test_rows_on_days_without_a_session_change_nothing(self):
        frame = pd.concat([held(a=range(9)), bars(days=["2025-08-02"]).assign(source="b", high=np.nan)])
        assert Tape.from_frame(frame).sources == ("a",)
        alone = pd.concat([bars(days=["2025-08-02"]).assign(source=source) for source in "ab"])
        with pytest.raises(InputError, match="no row that is one; one source at a time"):
            Tape.from_frame(alone)

    def test_a_source_without_a_name_is_one(self):
        frame = held(_=range(3), b=range(3, 6), b_=range(6, 9))
        assert stretches(Tape.from_frame(frame)) == {"": [0, 1, 2], "b": [3, 4, 5, 6, 7, 8]}
        assert Tape.from_frame(frame.replace({"source": {"": np.nan}})).sources == ("", "b")

    def test_segments_of_a_symbol_stay_together(self):
        frame = pd.concat([bars("9988.HK", WEEK[:3]), held(old=range(5), new=range(5, 9)), bars("6857.T")])
        tape = Tape.from_frame(frame)
        assert tape.symbols == ("6857.T", "8035.T", "8035.T", "9988.HK")
        assert tape.segments("TYO:8035") == (1, 2)
        assert tape.position("8035 JP") == 2
        assert tape.segments("9988.HK") == (3,)
        table = tape.bars("8035.T")
        assert len(table) == 9
        assert table["source"].tolist() == ["old"] * 5 + ["new"] * 4
        assert table["closes_at"].is_monotonic_increasing
        chosen = tape.select(["9988.HK", "8035.T"])
        assert chosen.symbols == ("9988.HK", "8035.T", "8035.T")
        assert chosen.sources == ("", "old", "new")
        assert chosen.offsets.tolist() == [0, 3, 8, 12]
        pd.testing.assert_frame_equal(chosen.bars("8035.T"), table)
        assert tape.select(tape.symbols).digest() == tape.digest()
        assert Tape.from_frame(tape.to_frame()).digest() == tape.digest()
        assert Tape(**{**parts(tape), "sources": ("", "old", "newer", "")}).digest() != tape.digest()
        with pytest.raises(InputError, match="one of the tape's 3 instruments"):
            tape.segments("5555.T")

    def test_it_prints_instruments_not_segments(self):
        text = repr(Tape.from_frame(pd.concat([held(old=range(5), new=range(5, 9)), bars("6857.T")])))
        assert text.startswith("Tape: 2 instruments, 14 bars, 2025-08-01..2025-09-12\n")
        assert "  8035.T     XTKS  stock        9 bars  2025-08-01..2025-08-14  2 segments\n" in text
        assert text.endswith("warnings: source_change 1")

    def test_returns_do_not_span_segments(self):
        frame = held(old=range(5), new=range(5, 9)).reset_index(drop=True)
        later = frame["source"] == "new"
        frame.loc[later, ["open", "high", "low", "close"]] *= 0.522
        assert codes(Tape.from_frame(frame)) == [("source_change", "8035.T", 1)]
        assert ("split_like", "8035.T", 1) in codes(Tape.from_frame(frame.assign(source="one")))


class TestPrices:
    @pytest.mark.parametrize(
        ("change", "match"),
        [
            ({"close": -1.0}, "column close: expected a positive close of 8035.T on 2025-09-10, got -1"),
            ({"open": 0.0}, "column open: expected a positive open of 8035.T on 2025-09-10, got 0"),
            ({"high": 90.0}, "expected a high of 8035.T on 2025-09-10 not below its low 101, got 90"),
            ({"volume": -5.0}, "expected a positive volume"),
            ({"factor": 0.0}, "expected a positive factor"),
            ({"open": 0.0, "high": 0.0, "low": 0.0, "close": 0.0}, "expected a positive close"),
        ],
    )
    def test_impossible_prices_are_refused_or_left_out(self, change, match):
        frame = bars(factor=1.0)
        for column, value in change.items():
            frame.loc[2, column] = value
        with pytest.raises(InputError, match=r"line 3, .*" + match):
            Tape.from_frame(frame)
        tape = Tape.from_frame(frame, skip_bad=True)
        assert len(tape) == 4
        assert codes(tape) == [("bad_price", "8035.T", 1)]
        assert tape.warnings["severity"].tolist() == ["error"]

    def test_every_bad_row_is_named(self):
        with pytest.raises(InputError, match="got -1") as caught:
            Tape.from_frame(bars(low=-1.0))
        assert [problem.line for problem in caught.value.problems] == [1, 2, 3, 4, 5]

    def test_nothing_left(self):
        with pytest.raises(InputError, match="expected bars, got no row that is one; bars with impossible"):
            Tape.from_frame(bars(low=-1.0), skip_bad=True)
        with pytest.raises(InputError, match="no row that is one; rows without any price"):
            Tape.from_frame(bars(open=np.nan, high=np.nan, low=np.nan, close=np.nan))

    def test_korean_halts_are_no_prices(self):
        frame = bars("000660.KS")
        frame.loc[[1, 2], ["open", "high", "low", "volume"]] = 0.0
        tape = Tape.from_frame(frame)
        assert tape.halted.tolist() == [False, True, True, False, False]
        assert np.isnan([tape.open[1:3], tape.high[1:3], tape.low[1:3]]).all()
        assert tape.close.tolist() == [100, 101, 102, 103, 104]
        assert codes(tape) == [("halt", "000660.KS", 2)]

    def test_no_volume_halts_stocks_and_funds_only(self):
        frame = pd.concat([bars(one, volume=[0, 5, np.nan, 5, 5]) for one in ("8035.T", "1306.T", "N225")])
        tape = Tape.from_frame(frame)
        assert tape.halted.tolist() == [True, *[False] * 4] * 2 + [False] * 5
        assert codes(tape) == [("zero_volume", "1306.T", 1), ("zero_volume", "8035.T", 1)]

    def test_prices_outside_the_range_are_kept_and_told(self):
        frame = bars()
        frame.loc[0, "close"] = frame.loc[0, "high"] * (1 + 5e-7)
        frame.loc[1, "close"] = frame.loc[1, "high"] * 1.01
        frame.loc[3, "open"] = frame.loc[3, "low"] * 0.99
        tape = Tape.from_frame(frame)
        assert codes(tape) == [("outside_range", "8035.T", 2)]
        assert tape.close[1] == frame.loc[1, "close"]
        assert tape.high[1] == frame.loc[1, "high"]

    def test_missing_closes_are_kept_and_told(self):
        tape = Tape.from_frame(bars(close=[100, np.nan, 102, 103, 104]))
        assert len(tape) == 5
        assert codes(tape) == [("missing_close", "8035.T", 1)]

    @pytest.mark.parametrize(
        ("gap", "close", "told"),
        [(0.5, 0.51, True), (3.03, 3.1, True), (2.2, 2.3, False), (1.0, 0.5, False), (1.5, 1.5, False)],
    )
    def test_jumps_like_splits(self, gap, close, told):
        frame = bars(volume=np.nan)
        frame.loc[3:, ["open", "high", "low", "close"]] *= np.array([close] * 4)
        frame.loc[3, ["open", "high", "low"]] = [102 * gap, 500, 10]
        tape = Tape.from_frame(frame)
        assert codes(tape) == ([("split_like", "8035.T", 1)] if told else [])


class TestSyntheticOpens:
    @staticmethod
    def made(symbol, first, last, repeat, still=0.0, seed=5):
        """Bars whose opens repeat the previous close on a share of days, and whose closes sometimes rest."""
        mic = {"ASX200": "XASX", "0981.HK": "XHKG"}[symbol]
        days = session_days(mic, first, last)
        rng = np.random.default_rng(seed)
        steps = np.where(rng.random(len(days)) < still, 0.0, rng.choice([-1.0, 1.0], len(days)))
        close = 5000 + np.cumsum(steps)
        before = np.append(5000, close[:-1])
        opens = np.where(rng.random(len(days)) < repeat, before, before + 0.3)
        return pd.DataFrame(
            {
                "symbol": symbol,
                "date": days,
                "open": opens,
                "high": np.maximum(opens, close) + 1,
                "low": np.minimum(opens, close) - 1,
                "close": close,
                "volume": 1.0,
            }
        )

    def test_made_up_opens_are_unknown_and_later_ones_are_not(self):
        frame = pd.concat(
            [
                self.made("ASX200", "2019-01-01", "2020-12-31", 0.86),
                self.made("ASX200", "2021-01-01", "2021-12-31", 0.3),
            ]
        )
        tape = Tape.from_frame(frame)
        unknown = np.isnan(tape.open)
        assert not unknown[:20].any()
        last = int(np.flatnonzero(unknown)[-1])
        assert unknown[20 : last + 1].all()
        assert "2021-01-15" < str(tape.session[last].astype("M8[D]")) < "2021-03-31"
        assert codes(tape) == [("synthetic_open", "ASX200", int(unknown.sum()))]
        message = tape.warnings["message"].iloc[0]
        assert message.endswith("a source's first bars cannot be judged and stay (2019, 2020, 2021)")

    def test_the_first_bars_of_each_segment_are_not_judged(self):
        frame = self.made("ASX200", "2021-01-01", "2021-12-31", 1.0)
        unknown = np.isnan(Tape.from_frame(frame.iloc[:30]).open)
        assert unknown.tolist() == [False] * 20 + [True] * 10
        frame["source"] = np.where(np.arange(len(frame)) < 30, "a", "b")
        unknown = np.isnan(Tape.from_frame(frame).open)
        assert np.flatnonzero(~unknown).tolist() == [*range(20), *range(30, 50)]

    @pytest.mark.parametrize("rest", [1000, 10])
    def test_the_window_holds_sixty_bars_with_a_moved_close(self, rest):
        frame = self.made("ASX200", "2021-01-01", "2021-12-31", 0.0)
        close = 5000.0 + np.arange(len(frame))
        resting = np.arange(len(frame)) % rest == rest - 1
        close[resting] -= 1
        opens = np.where(np.arange(len(frame)) < 100, close - 0.5, np.append(0.0, close[:-1]))
        frame = frame.assign(open=opens, close=close, high=close + 2, low=close - 2)
        moved_since = np.flatnonzero(~resting & (np.arange(len(frame)) >= 100))
        assert int(np.argmax(np.isnan(Tape.from_frame(frame).open))) == moved_since[30]

    def test_real_opens_on_coarse_ticks_are_kept(self):
        coarse = self.made("0981.HK", "2014-01-01", "2014-12-31", 0.6, still=0.35)
        fine = self.made("0981.HK", "2014-01-01", "2014-12-31", 0.8, still=0.02)
        assert codes(Tape.from_frame(coarse)) == []
        assert [code for code, _, _ in codes(Tape.from_frame(fine))] == ["synthetic_open"]

    def test_what_was_made_unknown_is_judged_alike_when_it_comes_back(self):
        frame = pd.concat(
            [
                self.made("ASX200", "2021-01-01", "2021-02-28", 1.0),
                self.made("ASX200", "2021-03-01", "2021-12-31", 0.35),
            ]
        )
        tape = Tape.from_frame(frame)
        assert 10 < np.isnan(tape.open).sum() < 80
        assert Tape.from_frame(tape.to_frame()).digest() == tape.digest()


class TestWarnings:
    def test_the_table_has_one_schema_empty_or_not(self):
        empty, full = warnings_table(), warnings_table([Warned("halt", "info", "8035.T", 1, None, 3, "x")])
        assert list(empty.columns) == ["code", "severity", "symbol", "first", "last", "rows", "message"]
        assert list(empty.dtypes) == list(full.dtypes)
        assert str(full["first"].dtype) == "datetime64[ns]"
        assert full["last"].isna().all()

    def test_every_code_has_a_severity_and_a_sentence(self):
        assert {severity for severity, _ in SENTENCES.values()} <= {"info", "warning", "error"}
        assert len({sentence for _, sentence in SENTENCES.values()}) == len(SENTENCES)


BAR = st.tuples(
    st.sampled_from(["8035.T", "000660.KS", "N225", "9988.HK"]),
    st.integers(0, 24),
    st.floats(1, 1e6, width=32),
    st.sampled_from([0.0, 10.0, np.nan]),
    st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(BAR, min_size=1, max_size=60, unique_by=lambda bar: bar[:2]), st.randoms())
def test_order_of_rows_means_nothing_and_frames_come_back(drawn, random):
    days = session_days("XTKS", "2025-06-02", "2025-07-20")
    rows = [
        (symbol, days[day], np.nan if bare else close, close + 1, close - 0.5, close, volume, 2.0)
        for symbol, day, close, volume, bare in [*drawn, ("N225", 25, 9.0, np.nan, False)]
    ]
    names = ["symbol", "date", "open", "high", "low", "close", "volume", "factor"]
    tape = Tape.from_frame(pd.DataFrame(rows, columns=names))
    random.shuffle(rows)
    assert Tape.from_frame(pd.DataFrame(rows, columns=names)).digest() == tape.digest()
    again = Tape.from_frame(tape.to_frame())
    assert again.digest() == tape.digest()
    for symbol in tape.symbols:
        pd.testing.assert_frame_equal(again.bars(symbol), tape.bars(symbol))
    assert (np.diff(tape.closes_at) > 0)[np.diff(tape.session) > 0].all()


def test_halts_and_unknown_opens_come_back_from_a_frame():
    halted = bars("000660.KS")
    halted.loc[1, ["open", "high", "low"]] = 0.0
    gone = bars("8035.T", halted=True, open=np.nan, high=np.nan, low=np.nan, close=np.nan)
    made_up = TestSyntheticOpens.made("ASX200", "2021-01-01", "2021-12-31", 1.0)
    tape = Tape.from_frame(pd.concat([halted, gone, made_up]))
    assert len(tape) == 10 + len(made_up)
    assert Tape.from_frame(tape.to_frame()).digest() == tape.digest()


@pytest.fixture(scope="module")
def stocks(shared):
    return load_tape(shared / "prices" / "stocks.parquet")


@pytest.fixture(scope="module")
def indices(shared):
    return load_tape(shared / "prices" / "indices.parquet")


@pytest.mark.shared
class TestRealPrices:
    @staticmethod
    def day(tape, symbol, date="2025-09-12"):
        table = tape.bars(symbol)
        at = table.index[table["session"] == date][0]
        return table.loc[at - 1], table.loc[at]

    def test_everything_is_told(self, stocks, indices):
        assert set(stocks.warnings["code"]) == {
            "not_a_session",
            "outside_range",
            "source_change",
            "synthetic_open",
            "zero_volume",
        }
        assert set(indices.warnings["code"]) == {
            "before_calendar",
            "missing_open",
            "not_a_session",
            "outside_range",
            "source_change",
            "synthetic_open",
        }

    @pytest.mark.parametrize(
        ("symbol", "close"),
        [
            ("N225", 44768.12),
            ("KOSPI", 3395.54),
            ("HSI", 26388.16),
            ("SSEC", 3870.60),
            ("ASX200", 8864.90),
            ("SENSEX", 81904.70),
        ],
    )
    def test_index_closes_of_12_september_2025(self, indices, symbol, close):
        assert self.day(indices, symbol)[1]["close"] == pytest.approx(close, abs=0.006)

    @pytest.mark.parametrize(
        ("symbol", "gap", "session"),
        [
            ("000660.KS", 4.89, 2.02),
            ("005930.KS", 1.63, 1.07),
            ("9988.HK", 5.86, -0.40),
            ("9888.HK", 3.76, 4.16),
            ("2327.TW", 3.26, 6.32),
            ("8035.T", 2.78, 2.66),
            ("6138.TWO", 9.92, 0.0),
        ],
    )
    def test_gaps_and_sessions_of_12_september_2025(self, stocks, symbol, gap, session):
        before, bar = self.day(stocks, symbol)
        assert 100 * (bar["open"] / before["close"] - 1) == pytest.approx(gap, abs=0.006)
        assert 100 * (bar["close"] / bar["open"] - 1) == pytest.approx(session, abs=0.006)
        assert not bar["halted"]

    @pytest.mark.parametrize(("symbol", "rise"), [("000660.KS", 7.00), ("9888.HK", 8.08), ("9988.HK", 5.44)])
    def test_rises_of_12_september_2025(self, stocks, symbol, rise):
        before, bar = self.day(stocks, symbol)
        assert 100 * (bar["close"] / before["close"] - 1) == pytest.approx(rise, abs=0.006)

    def test_a_locked_open(self, stocks):
        bar = self.day(stocks, "6138.TWO")[1]
        assert bar["open"] == bar["high"] == bar["low"] == bar["close"]

    def test_asx_opens_are_unknown_in_every_source(self, indices):
        table = indices.bars("ASX200")
        unknown = table["open"].isna().groupby(table["session"].dt.year).mean()
        assert (unknown[[2002, *range(2014, 2021)]] > 0.95).all()
        assert (unknown[[2000, *range(2004, 2012), 2022]] == 0).all()
        recent = table[table["source"].str.contains("86%")]["open"].isna().to_numpy()
        assert len(recent) == 39
        assert int(np.argmax(recent)) == 20
        assert recent[20:].all()

    def test_old_american_opens_are_unknown_and_later_ones_not(self, indices):
        table = indices.bars("SPX")
        unknown = table["open"].isna()
        assert not unknown[:20].any()
        assert unknown[20 : int((table["session"] < "2006-01-01").sum())].all()
        assert set(table.loc[unknown, "session"].dt.year) == {*range(2000, 2007), 2013}

    def test_taiwan_opens_are_missing(self, shared):
        tape = load_tape(
            shared / "prices" / "indices.parquet",
            symbols=["TAIEX"],
            sources=["tw_index:culolom(close only)"],
        )
        assert np.isnan(tape.open).all()
        told = tape.warnings.set_index("code")
        assert told.loc["missing_open", "rows"] == len(tape)
        assert told["rows"].get("not_a_session", 0) + len(tape) == 635
        assert str(told.loc["missing_open", "last"].date()) == "2025-08-21"

    def test_korean_halts_leave_no_zero_prices(self, stocks, indices):
        for tape in (stocks, indices):
            for name in NUMBERS[:4]:
                assert not (getattr(tape, name) <= 0).any()
        bar = self.day(stocks, "207940.KS", "2025-10-30")[1]
        assert bar["halted"]
        assert bar["volume"] == 0

    def test_sources_follow_each_other(self, stocks, indices):
        for symbol in ("000660.KS", "005930.KS"):
            old, new = stocks.segments(symbol)
            last, first = stocks.session[[stocks.offsets[old + 1] - 1, stocks.offsets[new]]].astype("M8[D]")
            assert (str(last), str(first)) == ("2018-12-28", "2019-01-02")
        assert str(stocks.bars("000660.KS")["session"].iloc[0].date()) == "2009-01-02"
        assert len(stocks.symbols) == 77 + 2
        changes = indices.warnings[indices.warnings["code"] == "source_change"]
        assert changes["symbol"].value_counts().to_dict() == {
            **dict.fromkeys(("HSI", "NIFTY50", "SSEC", "TAIEX"), 2),
            **dict.fromkeys(("ASX200", "SENSEX"), 1),
        }
        assert len(indices.symbols) == 18 + 10

    def test_smic_keeps_nearly_all_opens(self, stocks):
        unknown = stocks.bars("0981.HK")["open"].isna()
        assert 0 < unknown.mean() < 0.035

    def test_the_wide_panel(self, shared):
        path = shared / "prices" / "hk_panel.parquet"
        tape = load_tape(path)
        raw = pd.read_parquet(path, columns=["symbol", "date", "volume"])
        counts = tape.warnings.groupby("code")["rows"].sum()
        assert len(tape.symbols) == 502
        assert len(tape) + counts["not_a_session"] == len(raw) == 1_012_602
        held = np.isin(raw["date"].to_numpy("M8[D]").astype(np.int64), sessions("XHKG").session)
        assert counts["zero_volume"] == (held & (raw["volume"] == 0)).sum() == tape.halted.sum()
        glitch = tape.warnings[tape.warnings["code"] == "split_like"]
        assert glitch["symbol"].tolist() == ["1969.HK"]

    def test_frames_of_real_prices_come_back(self, stocks, indices):
        for tape in (stocks, indices):
            assert Tape.from_frame(tape.to_frame()).digest() == tape.digest()
