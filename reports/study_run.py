"""What an event study leaves: tables in memory, or a folder that rebuilds its report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem
from aftershock.reports.run import read_part, to_json, undefined, write_folder

STUDY_TABLES = ("rows", "ar", "car", "caar", "tests", "power", "skipped", "confounded", "treatments")
"""The tables of a study, each a Parquet file of its folder."""
MANIFEST = "study.json"
ALL = "all"
"""The group of all rows."""


@dataclass(frozen=True, eq=False)
class StudyRun:
    """The manifest and tables of one event study (docs/studies.md, "What a study leaves").

    Attributes
    ----------
    manifest : dict
        As in ``study.json``.
    experiment : str
        The experiment as TOML, every default written out.
    rows, ar, car, caar, tests, power, skipped, confounded, treatments : DataFrame
        The tables. (`Study` gives ``caar`` as a method; the table is ``averages`` there.)
    """

    manifest: dict[str, Any]
    experiment: str
    rows: pd.DataFrame
    ar: pd.DataFrame
    car: pd.DataFrame
    averages: pd.DataFrame
    tests: pd.DataFrame
    power: pd.DataFrame
    skipped: pd.DataFrame
    confounded: pd.DataFrame
    treatments: pd.DataFrame

    @property
    def simulated(self) -> bool:
        """Whether the prices were made by the simulated market."""
        return bool(self.manifest["simulated"])

    @property
    def title(self) -> str:
        """Name and kind, and SIMULATED where the prices are."""
        mark = "SIMULATED: " if self.simulated else ""
        return f"{mark}{self.manifest['name']}, event study"

    def write(self, folder: Path) -> None:
        """Write every file of the study into a folder, all of them or none.

        Raises
        ------
        InputError
            The folder cannot be written.
        """
        tables = {name: getattr(self, _field(name)) for name in STUDY_TABLES}
        texts = {"experiment.toml": self.experiment, MANIFEST: to_json(self.manifest)}
        write_folder(folder, tables, texts, self.simulated)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the folder of a study.

        Raises
        ------
        InputError
            The folder is not one: a file is missing or cannot be read.
        """
        names = [MANIFEST, "experiment.toml", *(f"{name}.parquet" for name in STUDY_TABLES)]
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            raise InputError(
                Problem(
                    "a folder written by `aftershock study`",
                    f"one without {', '.join(missing)}",
                    f"give the folder that holds {MANIFEST}, or run the study again",
                    str(folder),
                )
            )
        return cls(
            manifest=undefined(read_part(folder / MANIFEST)),
            experiment=read_part(folder / "experiment.toml"),
            **{_field(name): read_part(folder / f"{name}.parquet") for name in STUDY_TABLES},
        )


def _field(table: str) -> str:
    return "averages" if table == "caar" else table


def is_study(folder: Path) -> bool:
    """Tell the folder of a study from that of a run."""
    return (folder / MANIFEST).is_file()


def groups_of(rows: pd.DataFrame, by: str | None) -> Iterator[tuple[str, np.ndarray]]:
    """Give the groups of the rows of a study with the positions of their members.

    Parameters
    ----------
    rows : DataFrame
        The rows of a study.
    by : str or None
        A column, ``theme`` (a row is in the group of each of its themes), or None: all rows as one group.
    """
    if by is None:
        yield ALL, np.arange(len(rows))
    elif by == "theme":
        split = [text.split() for text in rows["themes"]]
        for theme in sorted({each for one in split for each in one}):
            yield theme, np.array([place for place, one in enumerate(split) if theme in one], np.int64)
    else:
        for label, places in sorted(
            rows.groupby(by, sort=True).indices.items(), key=lambda each: str(each[0])
        ):
            yield str(label) or "(none)", np.asarray(places, np.int64)
