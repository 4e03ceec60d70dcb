"""Costs and rules per bar: price limits by hand and by the exchanges' own rounding, T+1, flat costs."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.data.calendars import sessions
from aftershock.data.prices import Tape
from aftershock.data.universes import known_instruments
from aftershock.data.venues import VENUES, venue
from aftershock.engine.rules import rules_of
from aftershock.engine.types import OUTCOMES, Costs, Rules, rule_dtype

NAN = float("nan")
LIMITED = ("XTAI", "ROCO", "XKRX", "XKOS", "XSHG", "XSHE")
LISTED = {
    "XTAI": "2330.TW",
    "ROCO": "6138.TWO",
    "XKRX": "000660.KS",
    "XKOS": "240810.KQ",
    "XSHG": "600519.SS",
    "XSHE": "000001.SZ",
    "XTKS": "8035.T",
    "XHKG": "9988.HK",
    "XBOM": "500325.BO",
    "XNSE": "INFY.NS",
    "XSES": "D05.SI",
    "XASX": "BHP.AX",
    "XIDX": "BBCA.JK",
    "XBKK": "PTT.BK",
    "XKLS": "1155.KL",
    "XPHS": "BDO.PS",
    "XNYS": "SOXX",
}


def days(mic, first, count):
    """Give the local dates of some sessions of a venue."""
    session = sessions(mic).session
    start = int(np.searchsorted(session, np.datetime64(first, "D").astype(np.int64)))
    return session[start : start + count].astype("M8[D]").astype(str)


def bars(symbol, closes, *, first="2025-06-09", **columns):
    """Make bars of one instrument on sessions in a row, flat but for what ``columns`` say."""
    mic = known_instruments()[symbol].venue if symbol in known_instruments() else _venue(symbol)
    flat = dict.fromkeys(("open", "high", "low", "close"), closes)
    return pd.DataFrame({"symbol": symbol, "date": days(mic, first, len(closes)), **(flat | columns)})


def _venue(symbol):
    return next(mic for mic, listed in LISTED.items() if listed == symbol)


def limits(*frames, **settings_):
    """Give limit_up and limit_down of the bars of the frames, by rising symbol."""
    rules = rules_of(Tape.from_frame(pd.concat(frames, ignore_index=True)), Costs(**settings_))
    return rules.bar["limit_up"], rules.bar["limit_down"]


def same(found, expected):
    return np.allclose(found, expected, rtol=1e-12, equal_nan=True)


class TestByHand:
    @pytest.mark.parametrize(
        ("symbol", "close", "up", "down"),
        [
            # Taipei: 10 %; 220 less a tick of 0.5, 180 and one of 0.5.
            ("2330.TW", 200.0, 219.5, 180.5),
            ("6138.TWO", 200.0, 219.5, 180.5),
            # The tick is the coarser one, of the close and the limit: 92 has one of 0.1, 101.2 one of 0.5.
            ("6138.TWO", 92.0, 100.7, 82.9),
            ("6138.TWO", 105.0, 115.0, 95.0),
            ("6138.TWO", 9.5, 10.4, 8.56),
            ("2330.TW", 950.0, 1040.0, 856.0),
            ("2330.TW", 1200.0, 1315.0, 1085.0),
            # Seoul: 30 %; ticks of 100 from 50,000, of 10 from 5,000 (since 2023-01-25).
            ("000660.KS", 100_000.0, 129_900.0, 70_100.0),
            ("240810.KQ", 100_000.0, 129_900.0, 70_100.0),
            ("000660.KS", 9_000.0, 11_690.0, 6_310.0),
            ("000660.KS", 7_090.0, 9_207.0, 4_973.0),
            # Shanghai and Shenzhen: 10 %, ticks of 0.01.
            ("600519.SS", 100.0, 109.99, 90.01),
            ("000001.SZ", 12.34, 13.564, 11.116),
            # STAR and ChiNext: 20 %.
            ("688981.SS", 100.0, 119.99, 80.01),
            ("300750.SZ", 100.0, 119.99, 80.01),
            # Tokyo: 500 yen from 2,000, 700 from 3,000, 1,000 from 5,000; ticks of 1, 1 and 5 above 3,000 for this one.
            ("9984.T", 2_999.0, 3_498.0, 2_499.5),
            ("9984.T", 3_000.0, 3_699.0, 2_300.5),
        ],
    )
    def test_a_limit_stands_one_tick_inside_the_percentage(self, symbol, close, up, down):
        found = limits(bars(symbol, [close, close]))
        assert same(found[0], [NAN, up])
        assert same(found[1], [NAN, down])

    def test_a_locked_bar_is_found(self):
        """Anpec closed at 219; ten per cent more, in ticks of 0.5, is 240.5, and there it sat."""
        frame = bars("6138.TWO", [219.0, 240.5, 264.0], high=[221.0, 240.5, 264.5], low=[217.0, 240.5, 250.0])
        up, down = limits(frame)
        assert (frame["low"].to_numpy() >= up).tolist() == [False, True, False]
        assert (frame["high"].to_numpy() <= down).tolist() == [False, False, False]
        assert up[1] == pytest.approx(240.9 - 0.5)

    def test_each_bar_stands_on_the_close_before_it(self):
        up, down = limits(bars("2330.TW", [200.0, 220.0, 198.0]))
        assert same(up, [NAN, 219.5, 241.5])
        assert same(down, [NAN, 180.5, 198.5])

    def test_an_instruments_first_bar_has_no_limit(self):
        up, _ = limits(bars("2330.TW", [200.0, 200.0]), bars("2317.TW", [100.0, 100.0]))
        assert same(up, [NAN, 109.5, NAN, 219.5])

    @pytest.mark.parametrize(
        ("symbol", "first", "valid_from", "before", "after"),
        [
            ("2330.TW", "2015-05-28", "2015-06-01", 0.07, 0.10),
            ("6138.TWO", "2015-05-28", "2015-06-01", 0.07, 0.10),
            ("000660.KS", "2015-06-11", "2015-06-15", 0.15, 0.30),
            ("240810.KQ", "2015-06-11", "2015-06-15", 0.15, 0.30),
            ("300750.SZ", "2020-08-19", "2020-08-24", 0.10, 0.20),
        ],
    )
    def test_a_rule_counts_from_its_first_day_on(self, symbol, first, valid_from, before, after):
        frame = bars(symbol, [1000.0] * 6, first=first)
        up, _ = limits(frame)
        in_force = (frame["date"] >= valid_from).to_numpy()[1:]
        assert 0 < in_force.sum() < 5
        share = up[1:] / 1000.0 - 1.0
        assert np.abs(share - np.where(in_force, after, before)).max() < 0.006

    def test_before_the_first_rule_known_there_is_none(self):
        assert np.isnan(limits(bars("000001.SZ", [100.0] * 3, first="2006-06-26"))[0]).all()


class TestShortSales:
    @pytest.mark.parametrize(
        ("symbol", "first", "allowed"),
        [
            # Banned from 2020-03-16 to 2021-05-02 and from 2023-11-06 to 2025-03-30.
            ("000660.KS", "2020-03-12", [True, True, False, False]),
            ("240810.KQ", "2020-03-12", [True, True, False, False]),
            ("000660.KS", "2021-04-29", [False, False, True, True]),
            ("000660.KS", "2023-11-02", [True, True, False, False]),
            ("000660.KS", "2025-03-27", [False, False, True, True]),
            ("8035.T", "2020-03-12", [True] * 4),
            ("INFY.NS", "2025-03-27", [False] * 4),
        ],
    )
    def test_bans_hold_from_day_to_day(self, symbol, first, allowed):
        tape = Tape.from_frame(bars(symbol, [9.0] * 4, first=first))
        rules = rules_of(tape, Costs())
        banned = OUTCOMES.index("short_banned")
        for codes in (rules.bar["short_open"], rules.bar["short_close"]):
            assert (codes != banned).tolist() == allowed


class TestUnlimited:
    @pytest.mark.parametrize("mic", ["XHKG", "XSES", "XASX", "XNYS"])
    def test_these_venues_have_no_limit(self, mic):
        found = limits(bars(LISTED[mic], [100.0, 100.0, 100.0]))
        assert np.isnan(found).all()

    @pytest.mark.parametrize("symbol", ["TAIEX", "KOSPI", "KOSDAQ", "SSEC"])
    def test_indices_have_none(self, symbol):
        assert known_instruments()[symbol].venue in LIMITED
        assert np.isnan(limits(bars(symbol, [100.0, 100.0]))).all()

    def test_one_table_may_hold_both(self):
        up, _ = limits(
            bars("9988.HK", [200.0, 200.0]), bars("2330.TW", [200.0, 200.0]), bars("TAIEX", [9.0, 9.0])
        )
        assert same(up, [NAN, 219.5, NAN, NAN, NAN, NAN])

    @pytest.mark.parametrize("symbol", ["688981.SS", "300750.SZ"])
    def test_boards_with_wider_limits_take_their_own_and_wait_to_sell(self, symbol):
        rules = rules_of(Tape.from_frame(bars(symbol, [100.0, 115.0, 118.0])), Costs())
        assert same(rules.bar["limit_up"], [NAN, 119.99, 137.99])
        assert (rules.bar["sell_from"] == 1).all()

    def test_limits_can_be_switched_off_while_the_waiting_stays(self):
        tape = Tape.from_frame(bars("688981.SS", [100.0, 100.0]))
        rules = rules_of(tape, Costs(price_limits=False))
        assert np.isnan([rules.bar["limit_up"], rules.bar["limit_down"]]).all()
        assert rules.bar["sell_from"].tolist() == [1, 1]


class TestFactor:
    """Traded price = price x factor: limits are made of traded prices and given in adjusted ones."""

    def test_ticks_are_those_of_the_traded_price(self):
        """Traded at 100: up to 110 - 0.5, which is 54.75 adjusted; a price of 50 would have ticks of 0.1."""
        up, down = limits(bars("2330.TW", [50.0, 50.0], factor=[2.0, 2.0]))
        assert same(up, [NAN, 54.75])
        assert same(down, [NAN, (90.0 + 0.5) / 2])

    def test_an_unknown_factor_takes_the_adjusted_price(self):
        up, down = limits(bars("2330.TW", [50.0, 50.0], factor=[NAN, NAN]))
        assert same(up, [NAN, 55.0 - 0.1])
        assert same(down, [NAN, 45.0 + 0.1])

    @pytest.mark.parametrize(
        ("before", "after"), [(2.0, 1.0), (1.0, 10.0), (NAN, 2.0), (2.0, NAN), (1.02, 1.0)]
    )
    def test_on_an_ex_date_the_limit_stands_on_the_restated_close(self, before, after):
        """A split halves the traded price overnight: that is no fall by half, and the bar is not locked."""
        frame = bars("2330.TW", [200.0, 205.0], factor=[before, after])
        up, down = limits(frame)
        restated = limits(bars("2330.TW", [200.0, 205.0], factor=[after, after]))
        assert same(up, restated[0])
        assert same(down, restated[1])
        assert down[1] < 205.0 < up[1]

    def test_the_factor_of_adjusted_closes_is_used(self):
        """Yahoo's close of 100 beside an adjusted one of 50 is a factor of 2."""
        frame = bars("2330.TW", [100.0, 100.0], adj_close=[50.0, 50.0])
        assert same(limits(frame)[0], [NAN, 54.75])


class TestGaps:
    def test_a_bar_without_a_close_leaves_the_last_known_one_in_force(self):
        frame = bars("2330.TW", [200.0, 200.0, 200.0, 210.0])
        frame.loc[[1, 2], "close"] = NAN
        up, _ = limits(frame)
        assert same(up, [NAN, 219.5, 219.5, 219.5])

    def test_a_halted_bar_does_too(self):
        frame = bars("2330.TW", [200.0, NAN, 210.0, 220.0], halted=[False, True, False, False])
        up, down = limits(frame)
        assert same(up, [NAN, 219.5, 219.5, 230.5])
        assert same(down, [NAN, 180.5, 180.5, 189.5])

    def test_a_missing_bar_is_no_bar(self):
        frame = bars("2330.TW", [200.0, 300.0, 210.0]).drop(index=1)
        assert same(limits(frame)[0], [NAN, 219.5])

    def test_no_close_yet_is_no_limit(self):
        frame = bars("2330.TW", [200.0, 200.0, 200.0])
        frame.loc[0, "close"] = NAN
        assert same(limits(frame)[0], [NAN, NAN, 219.5])


class TestFlat:
    def test_flat_costs_fill_every_bar(self):
        tape = Tape.from_frame(pd.concat([bars("8035.T", [9.0, 9.0]), bars("2330.TW", [9.0, 9.0, 9.0])]))
        rules = rules_of(tape, Costs(fee=0.001, slippage=0.0005, lot=100.0, borrow=0.365))
        for values, expected in (
            (rules.bar["buy_rate"], 0.001),
            (rules.bar["sell_rate"], 0.001),
            (rules.bar["at_open"], 0.0005),
            (rules.bar["at_close"], 0.0005),
            (rules.bar["impact"], 0.0),
            (rules.bar["borrow"], 0.001),
            (rules.bar["lot"], 100.0),
        ):
            assert values.dtype == np.float64
            assert values.tolist() == [expected] * 5
        assert len(rules.terms) == 0
        assert rules.bar["sell_from"].dtype == rules.bar["short_open"].dtype == np.int64

    def test_costs_are_nothing_unless_said(self):
        rules = rules_of(Tape.from_frame(bars("8035.T", [9.0])), Costs())
        costs = (
            rules.bar["buy_rate"],
            rules.bar["sell_rate"],
            rules.bar["at_open"],
            rules.bar["borrow"],
            rules.bar["lot"],
        )
        assert [values.tolist() for values in costs] == [[0.0]] * 5

    @pytest.mark.parametrize("mic", VENUES)
    def test_only_mainland_china_makes_buyers_wait_a_bar(self, mic):
        rules = rules_of(Tape.from_frame(bars(LISTED[mic], [9.0, 9.0])), Costs())
        assert rules.bar["sell_from"].tolist() == [1 if venue(mic).market == "CN" else 0] * 2


# The exchanges' own rounding, in fractions ----------------------------------------------------------

TAIPEI = [(0, "0.01"), (10, "0.05"), (50, "0.1"), (100, "0.5"), (500, "1"), (1000, "5")]
SEOUL = [
    (0, "1"),
    (2000, "5"),
    (5000, "10"),
    (20_000, "50"),
    (50_000, "100"),
    (200_000, "500"),
    (500_000, "1000"),
]
SHANGHAI = [(0, "0.01")]


def tick_at(bands, price):
    return Fraction(next(tick for start, tick in reversed(bands) if price >= start))


def floored(bands, price):
    tick = tick_at(bands, price)
    return price // tick * tick


def ceiled(bands, price):
    tick = tick_at(bands, price)
    return -(-price // tick) * tick


def taipei(base):
    """Ten per cent either way, to the tick inside."""
    return floored(TAIPEI, base * Fraction("1.1")), ceiled(TAIPEI, base * Fraction("0.9"))


def seoul(base):
    """Thirty per cent cut to a tick of the base price, either way, to the tick inside."""
    step = floored([(0, tick_at(SEOUL, base))], base * Fraction("0.3"))
    return floored(SEOUL, base + step), ceiled(SEOUL, base - step)


def shanghai(base):
    """Ten per cent either way, rounded half up to a cent."""
    cents = [base * Fraction(share) * 100 + Fraction(1, 2) for share in ("1.1", "0.9")]
    return tuple(Fraction(value // 1, 100) for value in cents)


@pytest.mark.parametrize(
    ("symbol", "bands", "exact", "lowest", "highest"),
    [
        ("6138.TWO", TAIPEI, taipei, 5, 3000),
        ("000660.KS", SEOUL, seoul, 500, 900_000),
        ("000001.SZ", SHANGHAI, shanghai, 2, 500),
    ],
)
@settings(deadline=None, max_examples=12)
@given(data=st.data())
def test_a_bar_at_the_limit_is_locked_and_one_two_ticks_off_is_not(
    symbol, bands, exact, lowest, highest, data
):
    units = st.integers(lowest * 100, highest * 100).map(lambda cents: floored(bands, Fraction(cents, 100)))
    bases = data.draw(st.lists(units, min_size=2, max_size=40))
    up, down = limits(bars(symbol, [float(base) for base in bases], first="2024-01-02"))
    for k, base in enumerate(bases[:-1], start=1):
        top, bottom = exact(base)
        assert float(top) >= up[k]
        assert float(bottom) <= down[k]
        assert float(top - 2 * tick_at(bands, top)) < up[k]
        assert float(bottom + 2 * tick_at(bands, base)) > down[k]


def test_rules_need_every_column():
    columns = dict.fromkeys(rule_dtype.names, 0.0)
    del columns["lot"], columns["unit"]
    with pytest.raises(KeyError, match="'lot', 'unit'"):
        Rules.of(3, np.zeros(2, np.int64), np.zeros((0, 5)), columns.items())
