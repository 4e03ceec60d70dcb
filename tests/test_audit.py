"""The audit of prices: everything wrong is found by name, nothing else is, and nothing stops it."""

import csv
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.data.calendars import sessions, shipped
from aftershock.data.errors import InputError
from aftershock.data.prices import Tape, audit, load_tape
from aftershock.data.prices.agreement import KINDS, STATUSES
from aftershock.data.prices.cleaning import EXCLUDABLE, SENTENCES

SYMBOLS = ("6857.T", "7203.T", "8035.T", "9983.T")
ONE = "8035.T"


def days_of(venue, start, count):
    known = sessions(venue).session
    first = np.searchsorted(known, np.datetime64(start).astype("M8[D]").astype(int))
    return pd.to_datetime(known[first : first + count].astype("M8[D]"))


def bars(symbol, days, seed=0, market=None):
    """A made instrument: its own steps, or for the most part those of a market."""
    rng = np.random.default_rng([seed, *symbol.encode()])
    steps = rng.normal(0, 0.02, len(days)) if market is None else market + rng.normal(0, 0.004, len(days))
    close = 1000 * np.exp(np.cumsum(steps))
    opens = close * np.exp(rng.normal(0, 0.01, len(days)))
    return pd.DataFrame(
        {
            "symbol": symbol,
            "date": days,
            "open": opens,
            "high": np.maximum(opens, close) * 1.01,
            "low": np.minimum(opens, close) * 0.99,
            "close": close,
            "volume": rng.integers(1000, 9000, len(days)).astype(float),
        }
    )


def market_of(symbols=SYMBOLS, venue="XTKS", start="2025-01-06", count=120):
    days = days_of(venue, start, count)
    market = np.random.default_rng(5).normal(0, 0.02, count)
    return pd.concat([bars(symbol, days, market=market) for symbol in symbols], ignore_index=True)


@pytest.fixture(scope="module")
def clean():
    return market_of()


def row_of(frame, symbol, nth):
    return frame.index[frame["symbol"] == symbol][nth]


def codes(found):
    return set(found.findings["code"])


def only(found, code):
    rows = found.findings[found.findings["code"] == code]
    assert len(rows) == 1, found.findings
    return rows.iloc[0]


def test_a_clean_table_has_no_finding(clean):
    found = audit(clean)
    assert found.findings.empty
    assert found.disagreements.empty
    assert found.coverage["share"].tolist() == [1.0] * 4
    assert found.coverage["sessions"].tolist() == [120] * 4


def test_empty_tables_have_the_types_of_full_ones(clean):
    sunday = clean.iloc[[0]].assign(date=pd.Timestamp("2025-01-12"))
    full = audit(pd.concat([clean.assign(volume=0.0), sunday]))
    none = audit(clean)
    for name in ("findings", "disagreements"):
        empty, filled = getattr(none, name), getattr(full, name)
        assert len(filled) > 0
        assert empty.dtypes.astype(str).to_dict() == filled.dtypes.astype(str).to_dict()


# -------------------------------------------------------------------------------- one row, one finding


def spoil_bad_price(frame, at):
    frame.loc[at, "high"] = frame.loc[at, "low"] * 0.9


def spoil_negative(frame, at):
    frame.loc[at, "open"] = -1.0


def spoil_empty(frame, at):
    frame.loc[at, ["open", "high", "low", "close"]] = np.nan


def spoil_halt(frame, at):
    frame.loc[at, ["open", "high", "low"]] = 0.0


def spoil_volume(frame, at):
    frame.loc[at, "volume"] = 0.0


def spoil_open(frame, at):
    frame.loc[at, "open"] = np.nan


def spoil_close(frame, at):
    frame.loc[at, "close"] = np.nan


def spoil_range(frame, at):
    frame.loc[at, "open"] = frame.loc[at, "high"] * 1.001


def spoil_split(frame, at):
    frame.loc[at:, ["open", "high", "low", "close"]] /= 4.0
    frame.loc[at, "open"] = frame.loc[at - 1, "close"] / 4.0
    frame.loc[at, ["high", "low"]] = frame.loc[at, "open"] * np.array([1.2, 0.8])


def spoil_stale(frame, at):
    prices = ["open", "high", "low", "close"]
    frame.loc[at - 3 : at, prices] = frame.loc[at - 4, prices].to_numpy(float)


@pytest.mark.parametrize(
    ("spoil", "code", "severity", "beside"),
    [
        (spoil_bad_price, "bad_price", "error", {"gap"}),
        (spoil_negative, "bad_price", "error", {"gap"}),
        (spoil_empty, "empty", "info", {"gap"}),
        (spoil_halt, "halt", "info", set()),
        (spoil_volume, "zero_volume", "info", set()),
        (spoil_open, "missing_open", "warning", set()),
        (spoil_close, "missing_close", "warning", set()),
        (spoil_range, "outside_range", "warning", set()),
        (spoil_split, "split_like", "warning", set()),
        (spoil_stale, "stale", "warning", set()),
    ],
)
def test_one_row_is_found_by_name_and_date(clean, spoil, code, severity, beside):
    last = clean[clean["symbol"] == SYMBOLS[-1]].copy().reset_index(drop=True)
    rest = clean[clean["symbol"] != SYMBOLS[-1]]
    spoil(last, 60)
    found = audit(pd.concat([rest, last], ignore_index=True))
    told = only(found, code)
    assert codes(found) == {code} | beside
    assert (told["severity"], told["symbol"], told["venue"], told["rows"]) == (
        *(severity, SYMBOLS[-1], "XTKS"),
        1,
    )
    assert told["first"] == told["last"] == last.loc[60, "date"]
    assert told["message"].startswith(SENTENCES[code][1])


def test_the_first_bad_price_stops_nothing(clean):
    frame = clean.copy()
    frame.loc[[3, 7, 130], "low"] = -1.0
    frame.loc[200, "high"] = 0.001
    assert audit(frame).findings.query("code == 'bad_price'")["rows"].tolist() == [2, 2]


def test_repeated_bars_and_different_ones(clean):
    again = clean.loc[[10]]
    other = clean.loc[[140]].assign(close=1.0, low=0.5)
    found = audit(pd.concat([clean, again, other]))
    assert codes(found) == {"duplicate", "different_duplicate"}
    assert only(found, "duplicate")["first"] == clean.loc[10, "date"]
    told = only(found, "different_duplicate")
    assert (told["severity"], told["symbol"], told["first"]) == ("error", "7203.T", clean.loc[140, "date"])


def test_zero_volume_tells_its_longest_run(clean):
    frame = clean.copy()
    frame.loc[[20, 21, 22, 40], "volume"] = 0.0
    message = only(audit(frame), "zero_volume")["message"]
    assert "the longest run has 3; " in message


def test_index_levels_without_volume_are_no_halts():
    days = days_of("XTKS", "2025-01-06", 40)
    found = audit(bars("N225", days).assign(volume=0.0))
    assert found.findings.empty
    assert audit(bars("N225", days).drop(columns="volume")).findings.empty


def test_synthetic_opens(clean):
    frame = clean.copy()
    own = frame["symbol"] == ONE
    made_up = frame.loc[own, "close"].shift().fillna(frame.loc[own, "open"])
    frame.loc[own, "open"] = made_up
    frame.loc[own, "high"] = frame.loc[own, ["open", "close"]].max(axis=1)
    frame.loc[own, "low"] = frame.loc[own, ["open", "close"]].min(axis=1)
    found = audit(frame)
    told = only(found, "synthetic_open")
    assert codes(found) == {"synthetic_open"}
    assert (told["symbol"], told["rows"]) == (ONE, 100)


class TestStale:
    def frame(self, run):
        frame = bars(ONE, days_of("XTKS", "2025-01-06", 40))
        prices = ["open", "high", "low", "close"]
        frame.loc[10 : 10 + run - 1, prices] = frame.loc[10, prices].to_numpy(float)
        return frame

    def test_four_in_a_row_may_happen(self):
        assert audit(self.frame(4)).findings.empty

    def test_the_fifth_and_those_after_it(self):
        told = only(audit(self.frame(7)), "stale")
        assert told["rows"] == 3
        assert told["first"] == self.frame(7).loc[14, "date"]

    def test_a_halt_is_not_stale(self):
        frame = self.frame(7)
        frame.loc[10:16, "volume"] = 0.0
        assert codes(audit(frame)) == {"zero_volume"}


def test_gaps_and_their_longest_run(clean):
    frame = clean.drop(index=[row_of(clean, ONE, nth) for nth in (30, 31, 32, 50)])
    found = audit(frame)
    told = only(found, "gap")
    assert codes(found) == {"gap"}
    assert (told["symbol"], told["rows"]) == (ONE, 4)
    assert told["first"] == clean.loc[30, "date"]
    assert told["last"] == clean.loc[50, "date"]
    assert "the longest run has 3; " + str(clean.loc[30, "date"].date()) in told["message"]
    row = found.coverage.set_index("symbol").loc[ONE]
    assert (row["bars"], row["sessions"], row["missing"]) == (116, 120, 4)
    assert row["share"] == pytest.approx(116 / 120)


def test_currencies_that_are_not_the_instruments(clean):
    assert audit(clean.assign(currency="JPY")).findings.empty
    currency = np.where(clean["symbol"] == ONE, "USD", "JPY").astype(object)
    currency[row_of(clean, "7203.T", 5)] = "JPy"
    currency[row_of(clean, "7203.T", 6)] = None
    found = audit(clean.assign(currency=currency)).findings.set_index("symbol")
    assert found["code"].tolist() == ["currency_mix"] * 2
    assert found.loc[ONE, "rows"] == 120
    assert "(USD beside JPY)" in found.loc[ONE, "message"]
    assert found.loc["7203.T", "rows"] == 1
    assert "(JPy beside JPY; JPy are minor units)" in found.loc["7203.T", "message"]


class TestShiftedDates:
    def test_midnights_read_in_utc_are_a_day_early(self, clean):
        frame = clean.copy()
        frame.loc[frame["symbol"] == ONE, "date"] -= pd.Timedelta(days=1)
        found = audit(frame)
        told = only(found, "shifted_dates")
        assert told["symbol"] == ONE
        assert "one earlier: " in told["message"]
        assert found.disagreements.empty

    def test_and_those_of_a_whole_file_are_no_riddle_of_the_calendar(self, clean):
        found = audit(clean.assign(date=clean["date"] - pd.Timedelta(days=1)))
        assert found.findings.query("code == 'shifted_dates'")["symbol"].tolist() == list(SYMBOLS)
        assert "calendar_disagrees" not in codes(found)

    def test_returns_that_go_with_the_market_of_the_next_session(self, clean):
        frame = clean.copy()
        own = frame.index[frame["symbol"] == ONE]
        frame.loc[own[:-1], "date"] = frame.loc[own[1:], "date"].to_numpy()
        frame = frame.drop(index=own[-1])
        told = only(audit(frame), "shifted_dates")
        assert told["symbol"] == ONE
        assert "one later: its returns go with the venue's" in told["message"]

    def test_two_sources_a_session_apart(self):
        days = days_of("XTKS", "2025-01-06", 121)
        one = bars(ONE, days[:-1]).assign(source="a")
        found = audit(pd.concat([one, one.assign(source="b", date=days[1:])]))
        told = found.findings.query("code == 'shifted_dates'")
        assert told["source"].tolist() == ["a", "b"]
        assert "sources_disagree" in codes(found)

    def test_few_bars_are_not_judged(self):
        frame = bars(ONE, days_of("XTKS", "2025-01-06", 15))
        assert "shifted_dates" not in codes(audit(frame.assign(date=frame["date"] - pd.Timedelta(days=1))))


class TestSources:
    def two(self):
        days = days_of("XTKS", "2025-01-06", 100)
        one = bars(ONE, days).assign(source="a")
        return one, one.assign(source="b")

    def test_equal_ones_agree_and_are_told(self):
        found = audit(pd.concat(self.two()))
        assert codes(found) == {"adjustment", "other_source"}
        assert only(found, "adjustment")["symbol"] == ""
        assert "2 sources: 'a', 'b'" in only(found, "adjustment")["message"]

    def test_a_wrong_price_disagrees_on_two_days(self):
        one, other = self.two()
        prices = ["open", "high", "low", "close"]
        other.loc[50, prices] *= 1.1
        told = only(audit(pd.concat([one, other])), "sources_disagree")
        assert (told["symbol"], told["rows"], told["severity"]) == (ONE, 2, "warning")
        assert told["first"] == one.loc[50, "date"]
        assert "'a' and 'b', on 2.02% of 99 common days; " in told["message"]

    def test_a_dividend_in_one_of_them_parts_their_levels(self):
        one, other = self.two()
        other.loc[:49, ["open", "high", "low", "close"]] *= 0.992
        found = audit(pd.concat([one, other]))
        assert "sources_disagree" not in codes(found)
        told = found.findings.query("code == 'adjustment' and symbol != ''").iloc[0]
        assert told["severity"] == "info"
        assert "the ratio of their closes goes from 1.0081 to 1.0000" in told["message"]

    def test_a_source_that_follows_another_is_told_as_the_tape_does(self):
        one, other = self.two()
        frame = pd.concat([one.head(60), other.tail(60)])
        found, told = audit(frame).findings, Tape.from_frame(frame).warnings
        for code in ("other_source", "source_change"):
            mine, its = (table[table["code"] == code].iloc[0] for table in (found, told))
            assert mine[["symbol", "first", "last", "rows", "message"]].equals(
                its[["symbol", "first", "last", "rows", "message"]]
            )

    def test_one_source_needs_no_word(self, clean):
        assert audit(clean.assign(source="a")).findings.empty


def test_survivorship_is_told_unless_someone_failed():
    frame = market_of(count=260)
    told = only(audit(frame), "survivorship")
    assert (told["severity"], told["venue"], told["rows"]) == ("info", "XTKS", 4)
    failed = frame.drop(index=[row_of(frame, ONE, nth) for nth in range(200, 260)])
    assert audit(failed).findings.empty


def test_what_is_known_after_asias_close(clean, tmp_path):
    clean.to_parquet(tmp_path / "stocks.parquet")
    bars("SPX", days_of("XNYS", "2025-01-06", 30))[["date", "close"]].to_csv(
        tmp_path / "SPX.csv", index=False
    )
    rates = pd.DataFrame({"date": clean["date"].head(30), "close": 32.0})
    rates.to_csv(tmp_path / "usdtwd.csv", index=False)
    found = audit(tmp_path).findings.query("code == 'late_fix'")
    assert found[["symbol", "venue", "rows"]].values.tolist() == [["", "XNYS", 30], ["USDTWD", "", 30]]
    assert set(found["severity"]) == {"info"}


def test_rates_alone():
    rates = pd.DataFrame({"symbol": "TWD=X", "date": ["2025-01-06"], "close": [32.0]})
    with pytest.raises(InputError, match="got 'TWD=X'"):
        audit(rates)
    found = audit(rates.assign(symbol="USDTWD=X"))
    assert codes(found) == {"late_fix"}
    assert found.coverage.empty


def test_unknown_symbols_are_named(clean):
    found = audit(pd.concat([clean, clean.loc[[0]].assign(symbol="NOBODY KNOWS")]))
    told = only(found, "unknown_symbol")
    assert (told["severity"], told["symbol"], told["rows"]) == ("error", "NOBODY KNOWS", 1)


def test_what_cannot_be_read_is_still_an_error(clean, tmp_path):
    with pytest.raises(InputError, match="expected a column 'close'"):
        audit(clean.drop(columns="close"))
    with pytest.raises(InputError, match="expected a number, got 'x'"):
        audit(clean.astype({"close": object}).replace({"close": {clean.loc[3, "close"]: "x"}}))
    with pytest.raises(InputError):
        audit(tmp_path / "absent.csv")


def test_shapes_and_choices(clean, tmp_path):
    spoiled = clean.copy()
    spoiled.loc[row_of(clean, ONE, 5), "volume"] = 0.0
    wanted = audit(spoiled, symbols=["8035 JP"])
    assert wanted.coverage["symbol"].tolist() == [ONE]
    assert codes(wanted) == {"zero_volume"}
    assert codes(audit(spoiled, symbols="7203.T")) == set()
    absent = audit(clean, symbols=[ONE, "6758.T"])
    assert (only(absent, "no_prices")["symbol"], codes(absent)) == ("6758.T", {"no_prices"})
    spoiled.to_csv(tmp_path / "prices.csv", index=False)
    for prices in (
        tmp_path / "prices.csv",
        [tmp_path / "prices.csv"],
        spoiled.pivot(index="date", columns="symbol"),
    ):
        pd.testing.assert_frame_equal(audit(prices).findings, audit(spoiled).findings)
    assert codes(audit(load_tape(clean))) == set()
    preferred = audit(pd.concat([clean.assign(source="a"), clean.assign(source="b")]), sources="c")
    assert only(preferred, "unknown_source")["severity"] == "warning"


def test_records_are_plain(clean):
    frame = clean.drop(index=[5])
    records = audit(frame).to_records()
    assert set(records) == {"findings", "disagreements", "coverage"}
    assert records["findings"][0]["first"] == str(clean.loc[5, "date"].date())
    assert records["coverage"][0]["missing"] == 1
    unknown = audit(pd.concat([frame, frame.iloc[[0]].assign(symbol="NOBODY KNOWS")])).to_records()
    assert unknown["findings"][0]["first"] is None


# ---------------------------------------------------------------------------------- calendar against price


class TestDisagreements:
    def test_a_session_that_all_lack_is_a_riddle(self, clean):
        day = clean.loc[30, "date"]
        found = audit(clean[clean["date"] != day])
        row = found.disagreements.iloc[0]
        assert (row["venue"], row["kind"], row["status"]) == ("XTKS", "no_prices", "unexplained")
        assert (row["session"], row["instruments"], row["of"]) == (day, 0, 4)
        told = only(found, "calendar_disagrees")
        assert (told["venue"], told["rows"], told["first"]) == ("XTKS", 1, day)

    def test_others_prices_show_that_it_was_open(self, clean):
        day = clean.loc[30, "date"]
        found = audit(clean[(clean["date"] != day) | (clean["symbol"] == ONE)])
        row = found.disagreements.iloc[0]
        assert (row["status"], row["instruments"]) == ("explained", 1)
        assert row["explanation"].startswith("open: 1 of 4 instruments have prices")
        assert "calendar_disagrees" not in codes(found)

    def test_half_of_them_are_enough(self, clean):
        day = clean.loc[30, "date"]
        two = clean["symbol"].isin(SYMBOLS[:2])
        assert audit(clean[(clean["date"] != day) | two]).disagreements.empty

    def test_of_two_instruments_both_must_lack_it(self, clean):
        two = clean[clean["symbol"].isin(SYMBOLS[:2])]
        day = two.loc[30, "date"]
        assert audit(two[(two["date"] != day) | (two["symbol"] == SYMBOLS[0])]).disagreements.empty
        assert len(audit(two[two["date"] != day]).disagreements) == 1

    def test_a_venue_of_the_same_days_shows_that_it_was_open(self):
        mumbai, national = market_of(("500325.BO",), "XBOM"), market_of(("INFY.NS",), "XNSE")
        found = audit(pd.concat([mumbai.drop(index=[30]), national]))
        row = found.disagreements.iloc[0]
        assert (row["venue"], row["status"]) == ("XBOM", "explained")
        assert row["explanation"] == "open: XNSE, which keeps the same days, has prices"

    def test_a_long_absence_is_a_hole_and_one_row(self, clean):
        days = clean["date"].unique()[30:45]
        found = audit(clean[~clean["date"].isin(days)])
        row = found.disagreements.iloc[0]
        assert len(found.disagreements) == 1
        assert (row["status"], row["sessions"], row["session"], row["last"]) == (
            *("explained", 15),
            *(days[0], days[-1]),
        )

    def test_before_the_first_and_after_the_last_bar_nothing_is_expected(self, clean):
        late = clean[(clean["symbol"] == ONE) | (clean["date"] > clean.loc[60, "date"])]
        assert audit(late).disagreements.empty

    def test_a_fact_of_the_overlay_explains_a_missing_session(self):
        frame = market_of(("INFY.NS", "TCS.NS"), "XNSE", "2024-01-02", 40)
        found = audit(frame[frame["date"] != pd.Timestamp("2024-01-20")])
        row = found.disagreements.iloc[0]
        assert (row["status"], row["explanation"]) == ("sourced", "Saturday session: Monday the 22nd closed")
        assert row["source"].startswith("https://")

    def test_prices_on_a_day_that_is_no_session(self, clean):
        sunday = clean.loc[[30]].assign(date=pd.Timestamp("2025-02-23"), close=1234.5, high=9999.0)
        found = audit(pd.concat([clean, sunday]))
        row = found.disagreements.iloc[0]
        assert (row["kind"], row["status"]) == ("prices_on_non_session", "unexplained")
        assert (row["instruments"], row["of"]) == (1, 4)
        assert {"not_a_session", "calendar_disagrees"} == codes(found)

    def test_a_holiday_filled_with_the_close_before(self):
        frame = market_of(("0700.HK", "9988.HK"), "XHKG", "2023-08-14", 30)
        before = frame[frame["date"] == pd.Timestamp("2023-08-31")]
        filled = before.assign(date=pd.Timestamp("2023-09-01"), volume=0.0)
        found = audit(pd.concat([frame, filled]))
        row = found.disagreements.iloc[0]
        assert (row["status"], row["instruments"]) == ("explained", 2)
        assert row["explanation"].endswith("without trade (closed: typhoon Saola)")
        assert codes(found) == {"not_a_session"}

    def test_a_fact_of_the_overlay_explains_prices_on_a_closed_day(self):
        frame = market_of(("0700.HK", "9988.HK"), "XHKG", "2023-08-14", 30)
        other = frame.loc[[3]].assign(date=pd.Timestamp("2023-09-01"))
        row = audit(pd.concat([frame, other])).disagreements.iloc[0]
        assert (row["status"], row["explanation"]) == ("sourced", "closed: typhoon Saola")

    def test_the_shipped_list_explains_only_what_it_names(self):
        frame = market_of(("SPX", "VIX"), "XNYS", "2024-05-01", 40).drop(columns="volume")
        day = pd.Timestamp("2024-05-27")
        vix = frame[frame["symbol"] == "VIX"].tail(1).assign(date=day)
        assert audit(pd.concat([frame, vix])).disagreements["status"].tolist() == ["open"]
        spx = frame[frame["symbol"] == "SPX"].tail(1).assign(date=day)
        assert audit(pd.concat([frame, vix, spx])).disagreements["status"].tolist() == ["unexplained"]

    def test_days_beyond_the_calendar_are_told_once(self):
        frame = market_of(("2330.TW",), "XTAI", "2002-01-02", 30)
        early = pd.concat([frame.loc[[i]].assign(date=pd.Timestamp(f"2001-12-2{i}")) for i in (4, 5)])
        found = audit(pd.concat([early, frame]))
        row = found.disagreements.iloc[0]
        assert (row["kind"], row["sessions"], row["status"]) == ("beyond_calendar", 2, "explained")
        assert row["explanation"] == "the calendar begins on 2002-01-02"


def test_the_shipped_list_is_in_order():
    with shipped.DISAGREEMENTS.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["venue", "symbol", "first", "last", "kind", "explanation", "source", "status"]
    for row in rows:
        known = sessions(row["venue"]).session.astype("M8[D]")
        assert row["kind"] in KINDS[:2], row
        assert row["status"] in STATUSES[:3], row
        assert row["explanation"], row
        assert bool(re.search("https?://", row["source"])) or row["status"] != "sourced", row
        assert row["first"] <= row["last"], row
        assert (np.datetime64(row["first"]) in known) == (row["kind"] == "no_prices") or row["symbol"], row


# ------------------------------------------------------------------------------- together with the tape

TOLD_ALIKE = (
    *("empty", "duplicate", "not_a_session", "bad_price", "halt", "zero_volume"),
    *("synthetic_open", "missing_open", "missing_close", "outside_range", "split_like"),
)
"""What tape and audit find by the same piece of code."""

PRICE = st.sampled_from([0.0, -1.0, np.nan, 5.0, 10.0, 10.5, 11.0, 20.0, 40.0])
ROW = st.tuples(
    *(st.sampled_from([ONE, "000660.KS", "N225"]), st.integers(0, 20), PRICE, PRICE, PRICE, PRICE),
    st.sampled_from([0.0, 7.0, 9.0, np.nan]),
)


def drawn(rows):
    columns = ["symbol", "day", "open", "high", "low", "close", "volume"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(date=pd.Timestamp("2025-09-01") + pd.to_timedelta(frame.pop("day"), unit="D"))


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=60))
def test_no_prices_stop_it(rows):
    found = audit(drawn(rows))
    assert set(found.findings["severity"]) <= {"error", "warning", "info"}
    assert set(found.disagreements["status"]) <= set(STATUSES)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=60, unique_by=lambda row: row[:2]))
def test_the_audit_and_the_tape_tell_the_same(rows):
    frame = drawn(rows)
    try:
        tape = Tape.from_frame(frame, skip_bad=True)
    except InputError:
        return

    def alike(table):
        told = table[table["code"].isin(TOLD_ALIKE)]
        return sorted(
            told[["code", "severity", "symbol", "rows", "first"]].itertuples(index=False, name=None)
        )

    found = audit(frame)
    assert alike(found.findings) == alike(tape.warnings)
    dropped = found.findings.query("severity == 'error'")["rows"].sum()
    empty = found.findings.query("code == 'empty'")["rows"].sum()
    assert len(tape) == len(frame) - dropped - empty


# ---------------------------------------------------------------------------------------------- its page


def test_the_page_lists_every_code_with_its_severity(root):
    text = (root / "docs/prices_audit.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+?) \|", text, re.MULTILINE)
    assert {code: severity for code, severity, _ in listed} == {
        code: severity for code, (severity, _) in SENTENCES.items()
    }
    assert all(sentence == SENTENCES[code][1] for code, _, sentence in listed)
    assert all(f"`{code}`" in text.split("## Exclude")[1] for code in EXCLUDABLE)
    assert all(f"`{name}`" in text for name in (*KINDS, *STATUSES))


# ------------------------------------------------------------------------------------------ real prices


@pytest.fixture(scope="session")
def looked_over(shared):
    return audit(shared / "prices")


@pytest.mark.shared
def test_every_disagreement_of_real_prices_is_listed_and_explained(shared, looked_over):
    assert "calendar_disagrees" not in codes(looked_over)
    for name in ("stocks", "indices", "hk_panel"):
        days = audit(shared / "prices" / f"{name}.parquet").disagreements
        assert len(days) > 0
        assert days[days["status"] == "unexplained"].empty
    known = looked_over.disagreements
    assert (known["explanation"] != "").all()
    assert {"XASX", "XBOM", "XHKG", "XKRX", "XNSE", "XNYS", "XSES", "XTAI", "XTKS"} == set(known["venue"])


@pytest.mark.shared
def test_the_traps_of_real_prices_are_found_by_name(looked_over):
    found = looked_over.findings

    def rows(code, symbol):
        return int(found[(found["code"] == code) & (found["symbol"] == symbol)]["rows"].sum())

    assert rows("synthetic_open", "ASX200") > 2000
    assert rows("synthetic_open", "SPX") > 1000
    halts = found[found["code"] == "zero_volume"]
    assert halts["symbol"].str.endswith(".HK").sum() > 400
    assert not set(halts["symbol"]) & {"N225", "ASX200", "KOSPI"}
    assert "24 sources" in found[found["code"] == "adjustment"].iloc[0]["message"]
    assert rows("late_fix", "USDTWD") > 10_000
    assert "VIX" in found[(found["code"] == "late_fix") & (found["venue"] == "XNYS")]["message"].item()
    taiex = found[(found["code"] == "missing_open") & (found["symbol"] == "TAIEX")].iloc[0]
    assert (taiex["first"], taiex["last"]) == (pd.Timestamp("2023-01-03"), pd.Timestamp("2025-08-21"))
    alive = found[found["code"] == "survivorship"].set_index("venue")
    assert {"XHKG", "XKRX", "XTKS", "XNSE"} <= set(alive.index)
    assert alive.loc["XHKG", "rows"] == 502
