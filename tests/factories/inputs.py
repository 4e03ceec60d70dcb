"""Small inputs made up for tests of the door: prices, events and an experiment that names them."""

import sys
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from aftershock.cli import main
from aftershock.data.calendars import sessions

LISTED = {"8035.T": "XTKS", "000660.KS": "XKRX", "2330.TW": "XTAI"}
FIRST, LAST = "2025-06-02", "2025-10-31"
HOSTILE = "<script>alert(1)</script> \x1b[31mred\x1b[0m [bold]x[/bold] [/nothing] & 'q' \"q\""

EVENTS = [
    ("up", "2025-06-10T22:00Z", "positive", "8035.T 000660.KS", "wire", HOSTILE),
    ("down", "2025-06-25T22:00Z", "negative", "8035.T 2330.TW", "wire", "Orders fall"),
    ("again", "2025-07-08T22:00Z", "positive", "000660.KS", "wire", "A first order"),
    ("while_held", "2025-07-09T22:00Z", "positive", "000660.KS", "wire", "A second order"),
    ("told_after", "2025-07-21T10:00Z", "positive", "8035.T 000660.KS", "recap", "Shares rose on chips"),
    ("some_day", "2025-08-05", "positive", "8035.T 2330.TW", "wire", "Sometime that day"),
    ("unpriced", "2025-08-20T22:00Z", "positive", "9988.HK", "wire", "No prices of this one"),
    ("last", "2025-10-29T22:00Z", "positive", "2330.TW", "wire", "Still open when the data end"),
    ("beyond", "2025-12-02T22:00Z", "positive", "8035.T", "wire", "After the last bar"),
]
"""Each kind of signal once: filled both ways, ignored, recap, ambiguous, unpriced, open, beyond the data."""

EXPERIMENT = """\
[events]
files = ["events.csv"]
zone = "Asia/Tokyo"

[prices]
files = ["prices.csv"]

[strategy]
kind = "reaction"
tag = "chip"
hold = 3
stop = 0.05
"""


def walk(symbol: str, mic: str, seed: int) -> pd.DataFrame:
    """Make the bars of one instrument: a random walk over the sessions of its venue."""
    days = sessions(mic).session.astype("M8[D]")
    days = days[(days >= np.datetime64(FIRST)) & (days <= np.datetime64(LAST))]
    draw = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(draw.normal(0, 0.015, len(days))))
    opens = close * np.exp(draw.normal(0, 0.005, len(days)))
    return pd.DataFrame(
        {
            "symbol": symbol,
            "date": days.astype("M8[ns]"),
            "open": opens,
            "high": np.maximum(opens, close) * 1.004,
            "low": np.minimum(opens, close) * 0.996,
            "close": close,
            "volume": 1000.0,
        }
    )


def make_prices() -> pd.DataFrame:
    """Make the bars of all instruments as a long table."""
    return pd.concat(
        [walk(symbol, mic, seed) for seed, (symbol, mic) in enumerate(LISTED.items())], ignore_index=True
    )


def make_events(*leave_out: str) -> pd.DataFrame:
    """Make the events, without some."""
    rows = [(*row[:2], "chip", *row[2:]) for row in EVENTS if row[0] not in leave_out]
    columns = ["event_id", "published_at", "tag", "direction", "symbols", "source_kind", "headline"]
    return pd.DataFrame(rows, columns=columns)


def write_inputs(folder: Path, more: str = "") -> Path:
    """Write prices, events and the experiment that names them; give the experiment."""
    make_prices().to_csv(folder / "prices.csv", index=False)
    make_events().to_csv(folder / "events.csv", index=False)
    (folder / "chips.toml").write_text(EXPERIMENT + more, encoding="utf-8")
    return folder / "chips.toml"


class Done(NamedTuple):
    """What a command left: exit code and both streams."""

    code: int
    out: str
    err: str


def call(capsys: Any, *words: object) -> Done:
    """Run the command line in this process."""
    capsys.readouterr()
    argv = ["aftershock", *map(str, words)]
    with patch.object(sys, "argv", argv), pytest.raises(SystemExit) as left:
        main()
    streams = capsys.readouterr()
    return Done(int(left.value.code or 0), streams.out, streams.err)
