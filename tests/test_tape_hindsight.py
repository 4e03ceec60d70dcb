"""The proof that a tape has no hindsight: rows after an instant, cut or changed, change no bar before it.

Instants are taken at 22:00 UTC, when every venue has closed the session of that UTC date and opened none of the next.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.data.calendars import sessions
from aftershock.data.prices import Tape
from aftershock.data.prices.tape import PER_BAR

VENUES = {"8035.T": "XTKS", "9988.HK": "XHKG", "ASX200": "XASX"}
FIRST, LAST = np.datetime64("2021-01-04"), np.datetime64("2021-12-30")

STRETCH = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(sorted(VENUES)),
        "source": st.sampled_from(["", "a", "b", "c"]),
        "first": st.integers(0, 200),
        "length": st.integers(1, 200),
        "holes": st.sampled_from([0.0, 0.03, 0.5]),
        "repeat": st.sampled_from([0.0, 0.5, 0.9]),
        "still": st.sampled_from([0.0, 0.15, 0.4]),
        "bare": st.sampled_from([0.0, 0.1]),
    }
)
STRETCHES = st.lists(STRETCH, min_size=1, max_size=7)
SEED = st.integers(0, 2**32 - 1)
INSTANT = st.integers(0, int((LAST - FIRST).astype(int)))


def stretch(rng, symbol, source, first, length, holes, repeat, still, bare):
    """Bars of one source: closes that rest, opens that repeat them, holes, halts, days without a session."""
    every = sessions(VENUES[symbol]).session.astype("M8[D]")
    days = every[(every >= FIRST) & (every <= LAST)][first : first + length]
    days = days[rng.random(len(days)) >= holes]
    n = len(days)
    close = (
        100.0 + rng.integers(0, 9) + np.cumsum(np.where(rng.random(n) < still, 0, rng.choice([-0.5, 0.5], n)))
    )
    before = np.append(close[:1], close)[:-1]
    opens = np.where(rng.random(n) < repeat, before, before + rng.choice([-0.25, 0.25], n))
    made = {"open": opens, "high": close + 2, "low": close - 2, "close": close}
    frame = pd.DataFrame({"symbol": symbol, "date": days, **made, "volume": 10.0, "source": source})
    odd = rng.random((5, n)) < bare
    frame.loc[odd[0], "open"] = np.nan
    frame.loc[odd[1], "close"] = np.nan
    frame.loc[odd[2] & ~odd[1], ["open", "high", "low"]] = 0.0
    frame.loc[odd[3], "volume"] = 0.0
    frame.loc[odd[4], "low"] = -1.0
    elsewhere = frame[rng.random(n) < bare].assign(date=lambda rows: rows["date"] + pd.Timedelta(days=2))
    return pd.concat([frame, frame[rng.random(n) < bare], elsewhere])


def market(stretches, rng):
    """A table of all stretches in no order, a bar of each day and source, and one bar that is always there."""
    frame = pd.concat([stretch(rng, **one) for one in stretches], ignore_index=True)
    frame = frame.astype({"date": "datetime64[ns]"}).drop_duplicates()
    again = frame.duplicated(["symbol", "source", "date"])
    anchor = pd.DataFrame(
        {"symbol": ["N225"], "date": [pd.Timestamp(FIRST)], "close": [1.0], "source": ["a"]}
    )
    frame = pd.concat([anchor, frame[~again], frame[~again][::7]])
    return frame.sample(frac=1.0, random_state=int(rng.integers(2**31)))


def scrambled(frame, day, rng):
    """Other prices, other sources and fewer rows after a day."""
    frame = frame.reset_index(drop=True)
    later = (frame["date"] > day).to_numpy()
    factor = np.where(later, rng.lognormal(0.0, 0.3, len(frame)), 1.0)
    frame[["open", "high", "low", "close"]] = frame[["open", "high", "low", "close"]].mul(factor, axis=0)
    frame.loc[later, "source"] = rng.choice(["", "a", "b", "c", "d"], int(later.sum()))
    frame = frame[~later | (rng.random(len(frame)) < 0.7)]
    return frame[~((frame["date"] > day) & frame.duplicated(["symbol", "source", "date"]))]


def instant(day):
    return (pd.Timestamp(day) + pd.Timedelta(hours=22)).value


def past(tape, now):
    """What each segment holds by an instant, to the bit."""
    found = []
    for i, (start, end) in enumerate(zip(tape.offsets[:-1], tape.offsets[1:], strict=True)):
        rows = np.arange(start, end)[tape.closes_at[start:end] <= now]
        if len(rows):
            about = (tape.symbols[i], tape.venues[i], tape.kinds[i], tape.sources[i])
            found.append((about, {name: getattr(tape, name)[rows] for name in PER_BAR}))
    return found


def assert_same_past(tape, other, now):
    mine, theirs = past(tape, now), past(other, now)
    assert [about for about, _ in mine] == [about for about, _ in theirs]
    for (about, values), (_, others) in zip(mine, theirs, strict=True):
        for name in PER_BAR:
            np.testing.assert_array_equal(values[name], others[name], f"{name} of {about}")
            assert values[name].tobytes() == others[name].tobytes()
    return sum(len(values["close"]) for _, values in mine)


@settings(max_examples=120, deadline=None)
@given(STRETCHES, SEED, INSTANT)
def test_rows_after_an_instant_change_no_bar_before_it(stretches, seed, after):
    rng = np.random.default_rng(seed)
    frame, day = market(stretches, rng), FIRST + np.timedelta64(after, "D")
    whole = Tape.from_frame(frame, skip_bad=True)
    cut = Tape.from_frame(frame[frame["date"] <= day], skip_bad=True)
    assert (cut.closes_at <= instant(day)).all()
    assert assert_same_past(whole, cut, instant(day)) == len(cut)
    assert_same_past(whole, Tape.from_frame(scrambled(frame, day, rng), skip_bad=True), instant(day))


def test_a_cut_after_any_session_changes_no_bar_before_it():
    """Every session of a year in which opens and sources are often on the edge of another judgement."""
    rng = np.random.default_rng(7)
    shape = {"symbol": "ASX200", "length": 120, "holes": 0.2, "repeat": 0.55, "still": 0.1, "bare": 0.02}
    frame = market([{**shape, "source": source, "first": 60 * i} for i, source in enumerate("cab")], rng)
    whole = Tape.from_frame(frame, skip_bad=True)
    judged = np.isnan(whole.select(["ASX200"]).open).astype(int)
    assert np.abs(np.diff(judged)).sum() > 10
    assert len(whole.segments("ASX200")) > 1
    for day in np.arange(FIRST, LAST):
        cut = Tape.from_frame(frame[frame["date"] <= day], skip_bad=True)
        assert assert_same_past(whole, cut, instant(day)) == len(cut)


@settings(max_examples=60, deadline=None)
@given(STRETCHES, SEED, INSTANT, st.sampled_from([("a",), ("b", "a"), ("", "c")]))
def test_a_source_in_order_has_no_hindsight_once_it_has_a_bar(stretches, seed, after, sources):
    frame, day = market(stretches, np.random.default_rng(seed)), FIRST + np.timedelta64(after, "D")
    whole = Tape.from_frame(frame, sources=sources, skip_bad=True)
    cut = Tape.from_frame(frame[frame["date"] <= day], sources=sources, skip_bad=True)
    begun = {about[0] for about, _ in past(whole, instant(day))}
    assert_same_past(whole.select(sorted(begun)), cut.select(sorted(begun)), instant(day))
    for symbol in whole.symbols:
        used = {whole.sources[i] for i in whole.segments(symbol)}
        assert len(used & set(sources)) == 0 or len(whole.segments(symbol)) == 1


@settings(max_examples=60, deadline=None)
@given(STRETCHES, SEED)
def test_segments_come_back_from_a_frame(stretches, seed):
    tape = Tape.from_frame(market(stretches, np.random.default_rng(seed)), skip_bad=True)
    again = Tape.from_frame(tape.to_frame())
    assert again.sources == tape.sources
    assert again.digest() == tape.digest()


def test_the_future_does_matter():
    """The comparison can fail: what comes after the instant does change."""
    rng = np.random.default_rng(1)
    shape = {"holes": 0.0, "repeat": 0.9, "still": 0.0, "bare": 0.0}
    two = [
        {"symbol": "ASX200", "source": source, "first": first, "length": 150, **shape}
        for source, first in (("a", 0), ("b", 90))
    ]
    frame, day = market(two, rng), np.datetime64("2021-06-01")
    whole, other = Tape.from_frame(frame), Tape.from_frame(scrambled(frame, day, rng))
    assert whole.select(["ASX200"]).sources == ("a", "b")
    assert np.isnan(whole.open).any()
    with pytest.raises(AssertionError):
        assert_same_past(whole, other, instant("2021-12-30"))


@pytest.fixture(scope="module")
def real(shared):
    """The long tables of real prices, by name."""
    panel = ["0700.HK", "0981.HK", "1060.HK", "1196.HK", "1969.HK", "2007.HK", "2799.HK", "9988.HK"]
    folder = shared / "prices"
    return {
        "stocks": pd.read_parquet(folder / "stocks.parquet"),
        "indices": pd.read_parquet(folder / "indices.parquet"),
        "panel": pd.read_parquet(folder / "hk_panel.parquet", filters=[("symbol", "in", panel)]),
    }


@pytest.mark.shared
@pytest.mark.parametrize("name", ["stocks", "indices", "panel"])
def test_real_prices_are_known_at_their_time(real, name):
    frame = real[name]
    whole = Tape.from_frame(frame)
    drawn = np.random.default_rng(11).choice(frame["date"].unique(), 8, replace=False)
    known = [pd.Timestamp(day) for day in ("2018-12-28", "2019-01-02", "2022-12-30", "2025-09-12")]
    for day in [*map(pd.Timestamp, drawn), *known]:
        cut = Tape.from_frame(frame[frame["date"] <= day])
        assert assert_same_past(whole, cut, instant(day)) == len(cut) > 0
