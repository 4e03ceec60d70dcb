"""Around the events: the path, the ladder, benchmarks and trades taken apart, by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from aftershock.data.prices import Tape
from aftershock.engine.benchmark import buy_and_hold
from aftershock.engine.breakdown import date_returns, distribution, excursions, with_groups
from aftershock.engine.reaction import ladder, ladder_means, reaction_path


def windows(symbol: str, event: str, opens: list[float], closes: list[float], first: str) -> pd.DataFrame:
    offsets = range(-1, len(opens) - 1)
    at = pd.date_range(first, periods=len(opens), tz="UTC")
    return pd.DataFrame(
        {
            "event_id": event,
            "symbol": symbol,
            "offset": offsets,
            "opens_at": at,
            "open": opens,
            "close": closes,
        }
    )


def signal(symbol: str, event: str, side: int, first_open: str, **more: object) -> dict[str, object]:
    known = pd.Timestamp(first_open, tz="UTC") - pd.Timedelta("6h")
    return {
        "event_id": event,
        "symbol": symbol,
        "venue": "XTKS",
        "market": "JP",
        "side": side,
        "phase": "after close",
        "headline": True,
        "known_by": known,
        "first_open": pd.Timestamp(first_open, tz="UTC"),
    } | more


def test_the_path_is_in_the_direction_of_the_signals_and_counts_dates() -> None:
    bars = pd.concat(
        [
            windows("A", "e1", [99.0, 102.0, 104.0], [100.0, 103.0, 110.0], "2024-01-04"),
            windows("B", "e1", [50.0, 49.0, 48.0], [50.0, 48.0, 45.0], "2024-01-04"),
            windows("A", "e2", [99.0, math.nan, 104.0], [100.0, 101.0, 99.0], "2024-02-05"),
        ]
    )
    audit = pd.DataFrame(
        [
            signal("A", "e1", 1, "2024-01-05"),
            signal("B", "e1", -1, "2024-01-05"),
            signal("A", "e2", 1, "2024-02-06"),
            signal("B", "e2", 1, "2024-02-06", headline=False),
        ]
    )
    found = {(each["at"], each["offset"]): each for each in reaction_path(bars, audit)}
    assert list(found) == [("close", -1), ("open", 0), ("close", 0), ("close", 1)]
    assert found["open", 0]["mean"] == pytest.approx(0.02)
    assert found["close", 0]["mean"] == pytest.approx(((0.03 + 0.04) / 2 + 0.01) / 2)
    assert found["close", 1]["mean"] == pytest.approx((0.1 - 0.01) / 2)
    assert (found["close", 1]["trades"], found["close", 1]["event_dates"]) == (3, 2)


def test_nothing_gives_no_path_and_no_ladder() -> None:
    nothing = pd.DataFrame()
    assert reaction_path(nothing, nothing) == []
    assert ladder(nothing, nothing).empty
    assert ladder_means(ladder(nothing, nothing), pd.Series(dtype="datetime64[ns, UTC]")) == []


def test_a_missing_open_has_no_gap_which_is_not_zero() -> None:
    bars = pd.concat(
        [
            windows("A", "e1", [99.0, math.nan], [100.0, 103.0], "2024-01-04"),
            windows("B", "e1", [99.0, 100.0], [100.0, 98.0], "2024-01-04"),
            windows("C", "e1", [99.0, math.nan], [100.0, 98.0], "2024-01-04"),
        ]
    )
    audit = pd.DataFrame(
        [
            signal("A", "e1", -1, "2024-01-05"),
            signal("B", "e1", -1, "2024-01-05"),
            signal("C", "e1", 1, "2024-01-05", venue="XASX", market="AU"),
        ]
    )
    rungs = ladder(bars, audit).set_index("venue")
    assert rungs.loc["XTKS", ["instruments", "gaps"]].tolist() == [2, 1]
    assert rungs.loc["XTKS", "gap"] == 0.0
    assert rungs.loc["XTKS", "signed_session"] == pytest.approx(0.02)
    assert rungs.loc["XASX", "gaps"] == 0
    assert rungs.loc["XASX", ["gap", "session", "signed_gap"]].isna().all()
    means = ladder_means(ladder(bars, audit), audit.groupby("event_id")["known_by"].first())
    assert [(each["venue"], each["gaps"], each["events"]) for each in means] == [
        ("XASX", 0, 1),
        ("XTKS", 1, 1),
    ]
    assert math.isnan(means[0]["gap"])


def test_the_ladder_takes_shut_markets_and_their_first_session_only() -> None:
    late = windows("A", "e2", [1.0, 2.0], [1.0, 2.0], "2024-03-04")
    bars = pd.concat([windows("A", "e1", [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], "2024-01-04"), late])
    audit = pd.DataFrame(
        [
            signal("A", "e1", 1, "2024-01-06"),
            signal("A", "e2", 1, "2024-01-06"),
            signal("A", "e3", 1, "2024-01-06", phase="lunch"),
        ]
    )
    rungs = ladder(bars, audit)
    assert rungs["event_id"].tolist() == ["e1"]
    # The bar of the sixth, though the due bar is that of the fifth.
    assert rungs["gap"].tolist() == [pytest.approx(3 / 2 - 1)]


def test_a_basket_holds_what_was_priced_at_the_start() -> None:
    frame = pd.DataFrame(
        [
            ("8035.T", "2025-09-11", 100.0),
            ("8035.T", "2025-09-12", 110.0),
            ("8035.T", "2025-09-16", 121.0),
            ("6857.T", "2025-09-10", 50.0),
            ("6857.T", "2025-09-12", 45.0),
            ("7735.T", "2025-09-12", 1.0),
            ("7735.T", "2025-09-16", 9.0),
        ],
        columns=["symbol", "date", "close"],
    )
    marks, count = buy_and_hold(
        Tape.from_frame(frame),
        ["8035.T", "6857.T", "7735.T"],
        ["2025-09-11", "2025-09-12", "2025-09-16"],
        100.0,
    )
    assert count == 2
    assert marks == pytest.approx([100.0, 100.0, 105.5])


def test_a_basket_of_nothing_has_no_marks() -> None:
    frame = pd.DataFrame({"symbol": "8035.T", "date": ["2025-09-11"], "close": [1.0]})
    marks, count = buy_and_hold(Tape.from_frame(frame), ["8035.T"], ["2025-09-10", "2025-09-11"], 100.0)
    assert count == 0 and np.isnan(marks).all()


def test_weekdays_are_those_of_the_session() -> None:
    trades = pd.DataFrame(
        {"entry_session": pd.to_datetime(["2025-09-14", "2025-09-15"]), "phase": ["weekend", "pre-open"]}
    )
    grouped = with_groups(trades)
    assert grouped["weekday"].tolist() == ["Sunday", "Monday"]
    assert grouped["arrival"].tolist() == ["after close", "pre-open"]


def test_every_return_is_in_one_bin() -> None:
    draw = np.random.default_rng(3).normal(0, 0.01, 1000)
    told = distribution([*draw, 5.0, math.nan])
    assert sum(told["counts"]) == 1001
    assert told["edges"][-1] < 0.1
    assert distribution([math.nan]) == {"edges": [], "counts": []}


def test_excursions_are_mapped_with_what_was_given_back() -> None:
    told = excursions([-0.02, -0.02, 0.0], [0.04, 0.04, 0.01], [0.01, 0.03, 0.01])
    assert sum(cell["trades"] for cell in told["cells"]) == 3
    both = max(told["cells"], key=lambda cell: cell["trades"])
    assert both["mean"] == pytest.approx(0.02)
    assert told["given_back"] == pytest.approx((0.03 + 0.01 + 0.0) / 3)


def test_dates_are_in_order_with_their_profit() -> None:
    known = pd.to_datetime(["2024-01-05T01:00", "2024-01-04T00:00", "2024-01-05T23:00"], utc=True)
    told = date_returns(
        pd.DataFrame({"known_by": known, "return": [0.01, 0.02, 0.03], "pnl": [1.0, 2.0, 3.0]})
    )
    assert [(each["date"], each["trades"], each["pnl"]) for each in told] == [
        ("2024-01-04", 1, 2.0),
        ("2024-01-05", 2, 4.0),
    ]
    assert told[1]["mean_return"] == pytest.approx(0.02)
