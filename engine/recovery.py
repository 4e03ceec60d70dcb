"""Planted against recovered: what the simulated market hid, and what an honest estimate finds of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aftershock.data.instants import DAY, to_ns
from aftershock.data.prices.tape import Tape
from aftershock.engine.types import Floats, Integers


def planted_and_recovered(tape: Tape, truth: pd.DataFrame) -> pd.DataFrame:
    """Estimate the planted effects from prices alone and set them beside the truth.

    Parameters
    ----------
    tape : Tape
        Simulated prices.
    truth : DataFrame
        What was planted: ``symbol, tag, direction, known_by, opens_at, gap, drift, sessions``.

    Returns
    -------
    DataFrame
        ``tag, direction, part`` (``gap``: previous close to first open; ``drift``: the sessions of the effect,
        open to close), ``pairs`` (events x instruments), ``event_dates``, ``planted`` and ``recovered`` (mean
        log returns over event dates) and ``standard_error``, that of the mean over event dates because the
        names of one date move together. NaN where there are fewer than two dates.
    """
    measured = truth.assign(**_measured(tape, truth), date=to_ns(truth["known_by"]) // DAY)
    rows = []
    for (tag, direction), group in measured.groupby(["tag", "direction"], sort=True):
        for part in ("gap", "drift"):
            known = group[group[f"measured_{part}"].notna()]
            by_date = known.groupby("date")[f"measured_{part}"].mean()
            dates = len(by_date)
            rows.append(
                {
                    "tag": tag,
                    "direction": direction,
                    "part": part,
                    "pairs": len(known),
                    "event_dates": dates,
                    "planted": known.groupby("date")[part].mean().mean(),
                    "recovered": by_date.mean(),
                    "standard_error": by_date.std(ddof=1) / np.sqrt(dates) if dates > 1 else np.nan,
                }
            )
    return pd.DataFrame(rows)


def planted_by_bar(tape: Tape, truth: pd.DataFrame) -> tuple[Floats, Floats]:
    """Lay what was planted out over the bars of a tape.

    Parameters
    ----------
    tape : Tape
        Simulated daily prices, n bars.
    truth : DataFrame
        As in `planted_and_recovered`.

    Returns
    -------
    gap, session : ndarrays of float64, shape (n,)
        Log returns of all effects together, from the last close to the open and from open to close.
    """
    gap, session = np.zeros(len(tape.close)), np.zeros(len(tape.close))
    opens = to_ns(truth["opens_at"])
    for symbol, rows in truth.groupby("symbol").indices.items():
        k = tape.position(str(symbol))
        first, end = int(tape.offsets[k]), int(tape.offsets[k + 1])
        # A session whose row is missing has its gap in the next one's, as prices have it.
        bar = first + np.searchsorted(tape.opens_at[first:end], opens[rows])
        gaps, drifts = (truth[key].to_numpy(np.float64)[rows] for key in ("gap", "drift"))
        lengths = truth["sessions"].to_numpy(np.int64)[rows]
        for at, jump, drift, length in zip(bar, gaps, drifts, lengths, strict=True):
            if at < end:
                gap[at] += jump
                session[at : min(at + length, end)] += drift / length
    return gap, session


def _measured(tape: Tape, truth: pd.DataFrame) -> dict[str, Floats]:
    gap, drift = np.full(len(truth), np.nan), np.full(len(truth), np.nan)
    opens = to_ns(truth["opens_at"])
    for symbol, rows in truth.groupby("symbol").indices.items():
        k = tape.position(str(symbol))
        first, end = tape.offsets[k], tape.offsets[k + 1]
        bar = first + np.searchsorted(tape.opens_at[first:end], opens[rows])
        last = bar + truth["sessions"].to_numpy(np.int64)[rows] - 1
        inside = (bar > first) & (last < end)
        inside[inside] &= tape.opens_at[bar[inside]] == opens[rows][inside]
        rows, bar, last = rows[inside], bar[inside], last[inside]
        with np.errstate(invalid="ignore"):
            gap[rows] = np.log(tape.open[bar] / tape.close[bar - 1])
            drift[rows] = np.log(tape.close[last] / tape.open[bar]) - _nights(tape, bar, last)
    return {"measured_gap": gap, "measured_drift": drift}


def _nights(tape: Tape, bar: Integers, last: Integers) -> Floats:
    """Add up the nights between the sessions of an effect, which hold none of it."""
    with np.errstate(invalid="ignore"):
        night = np.r_[0.0, np.log(tape.open[1:] / tape.close[:-1])]
    passed = np.r_[0.0, np.cumsum(np.nan_to_num(night))]
    inside: Floats = passed[last + 1] - passed[bar + 1]
    return inside
