"""Words of an event study, for page and terminal alike: effects and bands first, stars never alone."""

from __future__ import annotations

from typing import Any

import pandas as pd

from aftershock.reports.study_run import ALL, StudyRun
from aftershock.reports.words import UNDEFINED, counted, date, defined, number, percent, word

FEW_DATES = 10
"""Below so many event dates the summary says that little can be concluded."""
SURE = 0.05
"""A p value below this is worth a sentence."""


def window_words(first: int, last: int) -> str:
    """Say a window of event time in words.

    Examples
    --------
    >>> window_words(0, 0), window_words(-5, -1)
    ('session 0', 'sessions −5 to −1')
    """
    one, other = (f"{value}".replace("-", "−") for value in (first, last))
    return f"session {one}" if first == last else f"sessions {one} to {other}"


TEST_NAMES = {
    "kolari_pynnonen": "Kolari-Pynnonen",
    "kp_textbook": "Kolari-Pynnonen, textbook",
    "bmp": "BMP",
    "patell": "Patell",
    "corrado": "Corrado",
    "corrado_zivney": "Corrado-Zivney",
    "grank_t": "GRANK-t",
    "grank_z": "GRANK-z",
    "wilcoxon": "Wilcoxon",
}
"""Tests that go by another name than their key."""


def test_words(name: str) -> str:
    """Say what a test is called.

    Examples
    --------
    >>> test_words("grank_t"), test_words("calendar_time")
    ('GRANK-t', 'calendar time')
    """
    return TEST_NAMES.get(name, name.replace("_", " "))


# pytest would take it for a test.
test_words.__test__ = False  # type: ignore[attr-defined]


def span_words(first: int, last: int) -> str:
    """Say a window of event time in a cell.

    Examples
    --------
    >>> span_words(0, 0), span_words(-5, -1)
    ('0', '−5 to −1')
    """
    return window_words(first, last).split(" ", 1)[1]


def p_words(p: Any) -> str:
    """Write a p value; very small ones are not written as 0.

    Examples
    --------
    >>> p_words(0.0321), p_words(1e-9), p_words(float("nan"))
    ('0.032', '< 0.001', 'n/a')
    """
    if not defined(p):
        return UNDEFINED
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def band_words(low: Any, high: Any) -> str:
    r"""Write a band.

    Examples
    --------
    >>> band_words(-0.01, 0.02)
    '−1.00\xa0% to 2.00\xa0%'
    """
    return f"{percent(low)} to {percent(high)}" if defined(low) and defined(high) else UNDEFINED


def decisive(run: StudyRun) -> pd.DataFrame:
    """Give the rows of the tests that the study decides by."""
    told: pd.DataFrame = run.tests[run.tests["test"] == run.manifest["settings"]["test"]]
    return told.reset_index(drop=True)


def findings(run: StudyRun) -> pd.DataFrame:
    """Give what was found in each group as texts: effect, band, p, p over groups, and what could have been found."""
    told = decisive(run)
    several = told["part"].nunique() > 1
    table = pd.DataFrame(
        {
            **({"part": told["part"]} if several else {}),
            "group": [_group(by, group) for by, group in zip(told["by"], told["group"], strict=True)],
            "sessions": [window_words(*each) for each in zip(told["first"], told["last"], strict=True)],
            "rows": told["firms"].astype("int64"),
            "dates": told["dates"].astype("int64"),
            "effect": [percent(value) for value in told["effect"]],
            "band": [band_words(*each) for each in zip(told["low"], told["high"], strict=True)],
            "p": [p_words(value) for value in told["p"]],
            "p over groups": [p_words(value) for value in told["p_holm"]],
            "could be seen": [percent(value) for value in told["detectable"]],
        }
    )
    return table.astype({name: "str" for name in table.columns if table[name].dtype == object})


def records_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Give the rows of a table by the names of its columns."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _group(by: str, group: str) -> str:
    return "all" if by == ALL else f"{by}: {word(group)}"


def facts(run: StudyRun) -> dict[str, str]:
    """Say what was studied: what is expected, windows, period, universe, prices."""
    told, settings = run.manifest, run.manifest["settings"]
    period = [date(day) for day in told["period"].values() if day]
    return {
        "Expected": word(told["expected"]),
        "Event window": window_words(*settings["window"]),
        "Estimation": window_words(*settings["estimation"]),
        "Event sessions": " to ".join(period) or UNDEFINED,
        "Universe": word(told["universe"]),
        "Prices": "simulated market" if run.simulated else "as given",
    }


def summary(run: StudyRun) -> list[str]:
    """Say in sentences what a study found, and what it could not have found."""
    counts, found = run.manifest["counts"], []
    found.append(
        f"{counted(counts['rows'], 'event reactions')} of {counted(counts['symbols'], 'instruments')} on "
        f"{counted(counts['event_dates'], 'event dates')} were measured; {counted(_left_out(run), 'others')} were not, "
        "each with its reason."
    )
    told = decisive(run)
    for row in records_of(told[told["by"] == ALL]):
        found.append(_sentence(run, row))
    if counts["event_dates"] < FEW_DATES:
        found.append(
            f"With {counted(counts['event_dates'], 'event dates')} little can be concluded, whatever the rows."
        )
    return found


def _left_out(run: StudyRun) -> int:
    return int(sum(run.manifest["counts"]["skipped"].values()))


def _sentence(run: StudyRun, row: dict[str, Any]) -> str:
    part = "" if run.manifest["settings"]["part"] == "day" else f" ({row['part']})"
    where = window_words(int(row["first"]), int(row["last"]))
    start = f"{where[0].upper()}{where[1:]}{part}: "
    if not defined(row["effect"]):
        return f"{start}no row has half of the returns of the window."
    level = number(100 * run.manifest["settings"]["coverage"], 0)
    name = test_words(str(row["test"]))
    if not defined(row["p"]):
        return (
            f"{start}{percent(row['effect'])}; the {name} test says nothing of {counted(row['firms'], 'rows')} on "
            f"{counted(row['dates'], 'event dates')}."
        )
    told = (
        f"{start}{percent(row['effect'])}, {level} % band {band_words(row['low'], row['high'])}, "
        f"p {p_words(row['p'])} ({name})"
    )
    if row["p"] < SURE:
        return f"{told}."
    return (
        f"{told}: not told apart from nothing. These events could have shown an effect of "
        f"{percent(row['detectable'])} in four cases of five."
    )


def chips(run: StudyRun) -> list[tuple[str, str]]:
    """Say in a few words each what weighs most on a study: text, and ``warn`` or ``plain``."""
    counts = run.manifest["counts"]
    few = counts["event_dates"] < FEW_DATES
    found = [
        (counted(counts["rows"], "rows"), "plain"),
        (counted(counts["event_dates"], "independent event dates"), "warn" if few else "plain"),
    ]
    if counts["confounded"]:
        found.append((f"{counted(counts['confounded'], 'windows')} with other events", "warn"))
    if _left_out(run):
        found.append((f"{counted(_left_out(run), 'others')} not measured", "plain"))
    return found
