"""The tables of the note in docs/studies.md, made anew from the example.

`python tests/factories/study_note.py` writes them into the page.
"""

import re
from pathlib import Path

import pandas as pd

from aftershock.reports.study_words import findings, p_words
from aftershock.reports.words import percent
from aftershock.studies import Study, study_experiment


def tables(example: Path) -> dict[str, str]:
    """Give each table of the note by the name of its mark, as it stands in the page."""
    market, mean, halves = (
        study_experiment(example, skip_bad=True, **changes)
        for changes in ({}, {"model": "mean"}, {"model": "mean", "part": "halves"})
    )
    told = {"effects": effects(market), "tests": every_test(market, mean), "halves": by_half(halves)}
    return {key: "".join(f"| {' | '.join(row)} |\n" for row in rows) for key, rows in told.items()}


def effects(found: Study) -> list[list[str]]:
    table = findings(found)
    table = table[(table["sessions"] == "session 0") & table["group"].str.match("all|tag|direction")]
    columns = ["group", "rows", "dates", "effect", "band", "p", "p over groups", "could be seen"]
    return [[_plain(value) for value in row] for row in table[columns].itertuples(index=False)]


def every_test(market: Study, mean: Study) -> list[list[str]]:
    def at_once(found: Study) -> pd.Series:
        own = found.tests.query("by == 'all' and first == 0 and last == 0")
        return own.set_index("test")["p"]

    one, other = at_once(market), at_once(mean)
    return [[name.replace("_", " "), p_words(one[name]), p_words(other[name])] for name in one.index]


def by_half(found: Study) -> list[list[str]]:
    own = found.tests.query("test == 'kolari_pynnonen' and first == 0 and last == 0 and by in ('all', 'tag')")
    rows = []
    for group in ("all", *sorted(set(own.loc[own["by"] == "tag", "group"]))):
        one = own[own["group"] == group].set_index("part")
        cells = [
            f"{percent(one.loc[part, 'effect'])}, p {p_words(one.loc[part, 'p'])}"
            for part in ("gap", "session")
        ]
        rows.append([group, *map(_plain, cells)])
    return rows


def _plain(value: object) -> str:
    return str(value).replace("\N{NO-BREAK SPACE}", " ")


def write(root: Path) -> None:
    """Put the tables into the page, each in the place of the rows above its mark."""
    page = root / "docs/studies.md"
    text = page.read_text("utf-8")
    for key, body in tables(root / "examples/study.toml").items():
        rows = re.compile(rf"(\|[-|]+\|\n)(?:\|.*\n)*<!-- {key} -->")
        text = rows.sub(lambda found, body=body, key=key: f"{found[1]}{body}<!-- {key} -->", text)
    page.write_text(text, "utf-8")


if __name__ == "__main__":
    write(Path(__file__).parents[2])
