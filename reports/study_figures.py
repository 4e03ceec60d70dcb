"""Figures of an event study: the path of the average, its days, effects by group, treatments; with their numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from aftershock.engine.studies.abnormal import PARTS
from aftershock.reports.drawing import Bar, Drawing, Frame, rows, shares, spread
from aftershock.reports.study_run import ALL, StudyRun
from aftershock.reports.study_words import band_words, decisive, p_words, window_words
from aftershock.reports.words import SIMULATED, counted, defined, percent, word


def titled(run: StudyRun, title: str) -> str:
    """Mark a caption or title where the prices were simulated."""
    return f"{SIMULATED} · {title}" if run.simulated else title


def _signed(value: int) -> str:
    return f"{value:+d}".replace("-", "−") if value else "0"


def _path(run: StudyRun, part: str, by: str = ALL, group: str = ALL) -> pd.DataFrame:
    told = run.averages
    return told[(told["part"] == part) & (told["by"] == by) & (told["group"] == group)]


def _named(run: StudyRun, part: str, title: str) -> str:
    several = run.averages["part"].nunique() > 1
    return titled(run, f"{title}, {PARTS[part]}" if several else title)


def caar_figure(run: StudyRun, part: str) -> Drawing | None:
    """Draw the cumulative average abnormal return with its band by event date; None where nothing was measured."""
    path = _path(run, part)
    path = path[path["caar"].notna()]
    if path.empty:
        return None
    x, mean = path["offset"].astype(float).tolist(), path["caar"].tolist()
    low, high = path["low"].tolist(), path["high"].tolist()
    frame = Frame((x[0] - 0.5, x[-1] + 0.5), spread([*low, *high, *mean], zero=True), 15)
    frame.y_axis(shares)
    frame.rule(x=-0.5, style="rule dashed")
    frame.band(x, low, high, "band")
    frame.line(x, mean, "line s1")
    for at, row in zip(x, path.to_dict("records"), strict=True):
        title = (
            f"session {_signed(int(at))}: {percent(row['caar'])}, band {band_words(row['low'], row['high'])}, "
            f"{counted(row['rows'], 'rows')} on {counted(row['event_dates'], 'event dates')}"
        )
        frame.dot(at, row["caar"], "dot s1", title)
    frame.x_axis(_sessions(path["offset"].tolist()))
    frame.say(-0.5, frame.y[1], "bar 0", "right")
    last = path.iloc[-1]
    level = run.manifest["settings"]["coverage"]
    held = f" Buying and holding instead: {percent(last['bhar'])}." if defined(last["bhar"]) else ""
    words = (
        f"Average abnormal return, cumulated from session {_signed(int(x[0]))}: {percent(last['caar'])} after session "
        f"{_signed(int(x[-1]))}, {band_words(last['low'], last['high'])} with {percent(level, 0)} confidence by date "
        f"({counted(last['event_dates'], 'event dates')}).{held}"
    )
    data = {"path": path.drop(columns=["part", "by", "group"]).to_dict("records")}
    return Drawing(
        f"caar-{part}", _named(run, part, "Cumulative average abnormal return"), words, frame.markup(), data
    )


def _sessions(offsets: Sequence[int]) -> list[tuple[float, str]]:
    step = max(1, len(offsets) // 12)
    return [(float(value), _signed(int(value))) for value in offsets if value % step == 0]


def aar_figure(run: StudyRun, part: str) -> Drawing | None:
    """Draw the average abnormal return of each session; None where nothing was measured."""
    path = _path(run, part)
    path = path[path["aar"].notna()]
    if path.empty:
        return None
    offsets = path["offset"].tolist()
    ends = [*path["aar"], *path["aar_low"], *path["aar_high"]]
    frame = Frame((offsets[0] - 0.5, offsets[-1] + 0.5), spread(ends, zero=True), 11)
    frame.y_axis(shares)
    for row in path.to_dict("records"):
        at = float(row["offset"])
        title = (
            f"session {_signed(int(at))}: {percent(row['aar'])}, band {band_words(row['aar_low'], row['aar_high'])}, "
            f"{counted(row['rows'], 'rows')}"
        )
        frame.rect((at - 0.35, at + 0.35), (0.0, row["aar"]), "gain" if row["aar"] >= 0 else "loss", title)
        if defined(row["aar_low"]):
            frame.line([at, at], [row["aar_low"], row["aar_high"]], "line s4")
    frame.x_axis(_sessions(offsets))
    outside = path[(path["aar_low"] > 0) | (path["aar_high"] < 0)]
    told = ", ".join(_signed(int(value)) for value in outside["offset"])
    words = (
        f"Average abnormal return of each session with its band by event date. Bands without zero: {told}."
        if told
        else "Average abnormal return of each session with its band by event date; all bands hold zero."
    )
    data = {
        "sessions": path[["offset", "aar", "aar_low", "aar_high", "rows", "event_dates"]].to_dict("records")
    }
    return Drawing(
        f"aar-{part}",
        _named(run, part, "Average abnormal return, session by session"),
        words,
        frame.markup(),
        data,
    )


def _of_window(told: pd.DataFrame, part: str, first: int, last: int) -> pd.DataFrame:
    """Take what was measured over one window."""
    window = (told["part"] == part) & (told["first"] == first) & (told["last"] == last)
    return told[window & told["effect"].notna()]


def _effect_bar(label: str, row: Mapping[Any, Any], told: str) -> Bar:
    """Draw an effect with its band; ``told`` is what a pointer reads after both."""
    return Bar(
        label,
        row["effect"],
        f"{percent(row['effect'])}",
        error=(row["high"] - row["low"]) / 2 if defined(row["low"]) else math.nan,
        style="soft",
        title=f"{percent(row['effect'])}, {band_words(row['low'], row['high'])}, {told}",
    )


def groups_figure(run: StudyRun, part: str, first: int, last: int) -> Drawing | None:
    """Draw the effect of every group over one window with its band; None where there is no group."""
    told = _of_window(decisive(run), part, first, last)
    if len(told) < 2:
        return None
    records = told.to_dict("records")
    bars = [
        _effect_bar(
            "all" if row["by"] == ALL else f"{row['by']} {word(row['group'])}",
            row,
            f"p {p_words(row['p'])}, over groups {p_words(row['p_holm'])}, {counted(row['dates'], 'event dates')}",
        )
        for row in records
    ]
    words = (
        f"Effect over {window_words(first, last)} with its band. What differs between groups may be luck: p values "
        "over groups stand in the table."
    )
    keys = ("by", "group", "effect", "low", "high", "p", "p_holm", "firms", "dates")
    data: Mapping[str, Any] = {"groups": [{key: row[key] for key in keys} for row in records]}
    title = _named(run, part, f"By group, {window_words(first, last)}")
    return Drawing(f"groups-{part}-{first}-{last}", title, words, rows(bars, shares), data)


def treatment_figure(run: StudyRun, part: str, first: int, last: int) -> Drawing | None:
    """Draw the effect under each treatment of confounded events; None where nothing was measured."""
    told = _of_window(run.treatments, part, first, last)
    if told.empty:
        return None
    records = told.to_dict("records")
    bars = [
        _effect_bar(
            word(row["treatment"]),
            row,
            f"{counted(row['rows'], 'rows')} on {counted(row['event_dates'], 'event dates')}",
        )
        for row in records
    ]
    over = window_words(first, last)
    words = f"Mean cumulative abnormal return over {over}, whatever is done with confounded events."
    title = _named(run, part, f"With and without other events, {window_words(first, last)}")
    return Drawing(
        f"treated-{part}-{first}-{last}", title, words, rows(bars, shares), {"treatments": records}
    )
