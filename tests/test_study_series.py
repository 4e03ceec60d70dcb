"""Returns on each instrument's own clock: markets at the same session, the US as last known, nothing from later."""

import numpy as np
import pandas as pd
import pytest

from aftershock.data.calendars import sessions
from aftershock.data.prices import Tape
from aftershock.data.prices.hours import interval_ns
from aftershock.engine.studies.abnormal import (
    LEAST_CONTROL,
    control_line,
    cumulated,
    days_of,
    factor_lines,
    line_of,
    series_of,
)

DAYS = 40


def days(mic: str, count: int = DAYS) -> np.ndarray:
    """The first sessions of a venue from 2025-02-03 on."""
    found = sessions(mic).session.astype("M8[D]")
    return found[found >= np.datetime64("2025-02-03")][:count]


def bars(symbol: str, mic: str, seed: int, count: int = DAYS) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(draw.normal(0, 0.02, count)))
    opens = close * np.exp(draw.normal(0, 0.01, count))
    return pd.DataFrame(
        {
            "symbol": symbol, "date": days(mic, count).astype("M8[ns]"), "open": opens, "close": close,
            "high": np.maximum(opens, close) * 1.01, "low": np.minimum(opens, close) * 0.99, "volume": 1000.0,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def tape() -> Tape:
    return Tape.from_frame(
        pd.concat(
            [
                bars("8035.T", "XTKS", 1),
                bars("TOPIX", "XTKS", 2),
                bars("SPX", "XNYS", 3),
                bars("000660.KS", "XKRX", 4),
                *(
                    bars(symbol, "XTKS", seed)
                    for seed, symbol in enumerate(("6758.T", "7203.T", "6857.T"), 5)
                ),
            ]
        )
    )


def own(tape: Tape, symbol: str) -> slice:
    place = tape.position(symbol)
    return slice(int(tape.offsets[place]), int(tape.offsets[place + 1]))


def test_the_market_of_the_same_session(tape):
    each, place = days_of(tape), tape.position("8035.T")
    series = series_of(tape, each, {place: [line_of(tape, "TOPIX")]})
    rows, market = own(tape, "8035.T"), own(tape, "TOPIX")
    np.testing.assert_allclose(series.value[rows][1:], tape.close[rows][1:] / tape.close[rows][:-1] - 1)
    want = tape.close[market][1:] / tape.close[market][:-1] - 1
    np.testing.assert_allclose(series.factors[rows][1:, 0], want)
    assert np.isnan(series.value[rows][0])
    assert np.isnan(series.value[own(tape, "000660.KS")]).all()


def test_a_session_that_the_market_lacks_makes_the_next_return_longer():
    frame = pd.concat([bars("8035.T", "XTKS", 1), bars("TOPIX", "XTKS", 2).drop(index=10)])
    tape = Tape.from_frame(frame)
    each, place = days_of(tape), tape.position("8035.T")
    series = series_of(tape, each, {place: [line_of(tape, "TOPIX")]})
    rows = own(tape, "8035.T")
    assert np.isnan(series.value[rows][10])
    assert series.span[rows][11] == 2.0
    close, market = tape.close[rows], tape.close[own(tape, "TOPIX")]
    assert series.value[rows][11] == pytest.approx(close[11] / close[9] - 1)
    assert series.factors[rows][11, 0] == pytest.approx(market[10] / market[9] - 1)


def test_the_us_as_it_was_last_known(tape):
    each, place = days_of(tape), tape.position("8035.T")
    series = series_of(tape, each, {place: [line_of(tape, "TOPIX"), line_of(tape, "SPX")]})
    rows, us = own(tape, "8035.T"), own(tape, "SPX")
    for row in range(rows.start + 5, rows.stop):
        if np.isnan(series.value[row]):
            continue
        level = [tape.close[us][tape.closes_at[us] <= tape.closes_at[at]][-1] for at in (row, row - 1)]
        assert series.factors[row, 1] == pytest.approx(level[0] / level[1] - 1, abs=1e-15)


@pytest.mark.parametrize("part", ["day", "gap", "session"])
def test_nothing_later_changes_a_return(tape, part):
    """Scrambling every price after an instant changes no return that ended by then."""
    place = tape.position("8035.T")

    def made(one: Tape):
        beside = [line_of(one, "TOPIX"), line_of(one, "SPX")]
        return series_of(one, days_of(one), {place: beside}, part)

    at = tape.closes_at[own(tape, "8035.T")][25]
    later = tape.closes_at > at
    draw = np.random.default_rng(9).uniform(0.5, 2.0, len(tape.close))
    changed = {
        key: np.where(later, getattr(tape, key) * draw, getattr(tape, key)) for key in ("open", "close")
    }
    # An open before the instant stays, though its bar closes after it.
    changed["open"] = np.where(tape.opens_at > at, changed["open"], tape.open)
    fields = {name: getattr(tape, name) for name in tape.__dataclass_fields__}
    scrambled = Tape(**{**fields, **changed})
    before, after = made(tape), made(scrambled)
    kept = tape.closes_at <= at
    np.testing.assert_array_equal(before.value[kept], after.value[kept])
    np.testing.assert_array_equal(before.factors[kept], after.factors[kept])
    assert not np.array_equal(before.value[~kept], after.value[~kept], equal_nan=True)


def test_gap_and_session_make_the_day(tape):
    each, place = days_of(tape), tape.position("8035.T")
    lines, rows = {place: [line_of(tape, "TOPIX")]}, own(tape, "8035.T")
    day, gap, session = (series_of(tape, each, lines, part) for part in ("day", "gap", "session"))
    for key in ("value", "factors"):
        whole, night, inside = (getattr(one, key)[rows][1:] for one in (day, gap, session))
        np.testing.assert_allclose((1 + night) * (1 + inside), 1 + whole, rtol=1e-12)


def test_last_night_in_the_session_part(tape):
    """From open to close there is no US session: its move up to the open stands beside it."""
    each, place = days_of(tape), tape.position("8035.T")
    lines = {place: [line_of(tape, "SPX")]}
    gap, session = (series_of(tape, each, lines, part) for part in ("gap", "session"))
    rows = own(tape, "8035.T")
    np.testing.assert_array_equal(gap.factors[rows], session.factors[rows])


def test_halted_bars_have_no_return():
    frame = bars("8035.T", "XTKS", 1)
    frame["halted"] = np.arange(DAYS) == 7
    tape = Tape.from_frame(frame)
    series = series_of(tape, days_of(tape), {0: []})
    assert np.isnan(series.value[7])
    assert series.value[8] == pytest.approx(tape.close[8] / tape.close[6] - 1)
    assert series.span[8] == 2.0


def test_a_control_group_is_the_mean_of_its_names(tape):
    places = [tape.position(symbol) for symbol in ("6758.T", "7203.T", "6857.T")]
    assert len(places) == LEAST_CONTROL
    line = control_line(days_of(tape), places, "JP")
    moves = np.mean([tape.close[own(tape, s)][1:] / tape.close[own(tape, s)][:-1] - 1
                     for s in ("6758.T", "7203.T", "6857.T")], axis=0)  # fmt: skip
    np.testing.assert_allclose(line.close[2:] / line.close[1:-1] - 1, moves[1:])
    assert np.isnan(line.close[0])
    assert not np.isfinite(control_line(days_of(tape), places[:2], "JP").close).any()
    assert control_line(days_of(tape), [], "JP").close.size == 0


def test_factors_of_a_file(tape):
    when = pd.DatetimeIndex(days("XTKS").astype("M8[ns]"))
    draw = np.random.default_rng(3).normal(0, 0.01, (DAYS, 2))
    draw[5, 0] = np.nan
    lines = factor_lines(pd.DataFrame(draw, index=when, columns=["size", "value"]))
    place, rows = tape.position("8035.T"), own(tape, "8035.T")
    series = series_of(tape, days_of(tape), {place: lines})
    assert np.isnan(series.value[rows][5])
    np.testing.assert_allclose(series.factors[rows][7:], draw[7:], atol=1e-14)


def test_a_market_of_several_sources_goes_on():
    first, second = bars("TOPIX", "XTKS", 2)[:20], bars("TOPIX", "XTKS", 2)[20:]
    frame = pd.concat([bars("8035.T", "XTKS", 1), first.assign(source="a"), second.assign(source="b")])
    tape = Tape.from_frame(frame)
    whole = Tape.from_frame(pd.concat([bars("8035.T", "XTKS", 1), bars("TOPIX", "XTKS", 2)]))
    assert len(tape.segments("TOPIX")) == 2
    np.testing.assert_array_equal(line_of(tape, "TOPIX").close, line_of(whole, "TOPIX").close)


def test_bars_within_sessions_make_days():
    hours = sessions("XTKS")
    at = np.flatnonzero(hours.session.astype("M8[D]") >= np.datetime64("2025-02-03"))[:3]
    step = interval_ns("60m")
    opens = np.concatenate([hours.opens_at[day] + step * np.arange(2) for day in at])
    frame = pd.DataFrame(
        {
            "symbol": "8035.T", "opens_at": pd.to_datetime(opens, utc=True), "open": [1.0, 2, 3, 4, 5, 6],
            "close": [1.5, 2.5, 3.5, 4.5, 5.5, 6.5], "high": 9.0, "low": 0.5, "volume": 10.0,
        }
    )  # fmt: skip
    tape = Tape.from_frame(frame, interval="60m")
    each = days_of(tape)
    assert each.open.tolist() == [1.0, 3.0, 5.0]
    assert each.close.tolist() == [2.5, 4.5, 6.5]
    assert each.row_of.tolist() == [0, 0, 1, 1, 2, 2]
    single = days_of(tape, bars=True)
    assert single.close.tolist() == frame["close"].tolist()
    assert single.ordinal.tolist() == [0, 1, 2, 3, 4, 5]


def test_cumulating_logarithms():
    np.testing.assert_allclose(cumulated(np.log([[1.1, 1.1]]), log=True), [[0.1, 0.21]])
