"""Event studies: on the same events, join and tape as a backtest, whether there is a reaction at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.universes import Universe
from aftershock.engine.studies.averages import average
from aftershock.engine.types import Floats, Integers
from aftershock.experiment import STUDY_GROUPS, StudySection
from aftershock.inputs import Source
from aftershock.reports.run import together
from aftershock.reports.study_run import ALL, StudyRun, groups_of
from aftershock.strategies.reaction import Reaction


class Study(StudyRun):
    """What an event study gives.

    Attributes
    ----------
    rows : DataFrame
        One row for each event on each instrument that was measured.
    ar : DataFrame
        Abnormal returns by event, instrument and session; ``car`` and ``bhar`` from the start of the window.
    car : DataFrame
        Cumulative abnormal returns over the windows that are tested, with their standard errors; ``bhar`` beside.
    tests, skipped, confounded, treatments : DataFrame
        Tests of every group; what could not be measured and why; what else fell into the windows; and the effect
        with confounded events kept, excluded, down-weighted and regressed out.
    manifest : dict
        Settings, counts, hashes and caveats.
    """

    @property
    def bhar(self) -> pd.DataFrame:
        """Buy-and-hold abnormal returns over the windows that are tested."""
        return self.car[["event_id", "symbol", "part", "first", "last", "sessions", "bhar"]]

    def caar(self, by: str | None = None, part: str | None = None) -> pd.DataFrame:
        """Average abnormal returns session by session, with bands by event date.

        Parameters
        ----------
        by : str, optional
            ``tag``, ``direction``, ``surprise``, ``market``, ``theme``, ``phase``, ``symbol`` or ``year``; all rows
            together by default.
        part : str, optional
            One part of a study of halves; all of them by default.

        Returns
        -------
        DataFrame
            ``part, by, group, offset, rows, event_dates, aar, aar_low, aar_high, caar, low, high, bhar``. Rows without
            a return in a session are out of its divisor. Bands cluster by event date; NaN with fewer than two dates.
        """
        if by is not None and by not in STUDY_GROUPS:
            raise InputError(
                Problem(f"by: {', '.join(STUDY_GROUPS)}", f"'{by}'", did_you_mean(by, STUDY_GROUPS))
            )
        coverage = self.manifest["settings"]["coverage"]
        parts = [part] if part else list(dict.fromkeys(self.rows["part"]))
        return averages_of(self.rows, self.ar, parts, by, coverage)

    def chances(self, effects: Iterable[float]) -> pd.DataFrame:
        """Give the chance that the default test finds true effects; see `power`."""
        from aftershock.engine.studies.power import seen

        table, level = self.power, 1.0 - self.manifest["settings"]["coverage"]
        told = table.rename(columns={"firms": "rows", "dates": "event_dates"})
        errors = list(zip(table["standard_error"], table["df"], strict=True))
        for effect in effects:
            chances = [seen(effect / error, df, level) for error, df in errors]
            told = told.assign(**{f"power at {effect:g}": chances})
        first = ["part", "by", "group", "first", "last", "rows", "event_dates"]
        return told[[*first, *(name for name in told.columns if name not in first)]]

    def reaction(self, hold: int) -> pd.DataFrame:
        """Give what a waterfall starts with: the return from the last close known at the event to that of the hold.

        Parameters
        ----------
        hold : int
            Sessions after bar 0.

        Returns
        -------
        DataFrame
            ``event_id, symbol, side, weight, reaction``: abnormal returns of the model compounded from the first
            session that news of that instant could have moved, in the direction of the signals. With the model
            ``raw`` this is the ``reaction`` of the backtest's waterfall over its ``target``.

        Raises
        ------
        InputError
            The window does not hold these sessions.
        """
        first, last = self.manifest["settings"]["window"]
        start = self.rows["known_offset"]
        if hold > last or (len(start) and first > start.min()):
            cure = f"widen it to ({min(first, int(start.min()))}, {max(last, hold)})"
            raise InputError(Problem("a window that holds the reaction", f"({first}, {last})", cure))
        values, offset = matrix(self.ar, "ar"), np.arange(first, last + 1)
        side = self.rows["side"].to_numpy(np.float64)[:, None]
        inside = (offset >= start.to_numpy()[:, None]) & (offset <= hold)
        log = self.manifest["settings"]["returns"] == "log"
        moves = np.where(inside, np.nan_to_num(values * side), 0.0)
        whole = np.expm1(moves.sum(axis=1)) if log else np.prod(1.0 + moves, axis=1) - 1.0
        return self.rows[["event_id", "symbol", "side", "weight"]].assign(reaction=whole * side[:, 0])

    def report(self, path: str | Path) -> Path:
        """Write the report as one HTML file (or PDF, where the path ends in ``.pdf``); give its path."""
        from aftershock.reports.study_page import render_study
        from aftershock.result import write_page

        return write_page(render_study(self), Path(path))

    def numbers(self) -> dict[str, Any]:
        """Give the numbers behind every figure of the report, by the figure's name."""
        from aftershock.reports.study_page import study_numbers

        return study_numbers(self)

    def save(self, folder: str | Path) -> Path:
        """Write the folder of the study, its report included, all of it or nothing; give the report's path.

        Raises
        ------
        InputError
            The folder cannot be written.
        """
        with together(Path(folder)) as place:
            self.write(place)
            self.report(place / "report.html")
        return Path(folder) / "report.html"

    def __repr__(self) -> str:
        from aftershock.reports.study_words import summary
        from aftershock.result import printable

        return "\n".join(printable(line) for line in [self.title, *summary(self)])

    def _repr_html_(self) -> str:
        """Show the figures of the report in a notebook, in a frame of their own."""
        from aftershock.reports.html import in_frame
        from aftershock.reports.study_page import render_study

        return in_frame(self.title, render_study(self, brief=True))


def matrix(ar: pd.DataFrame, column: str) -> Floats:
    """Lay the column of a table of abnormal returns out as rows by sessions."""
    values = ar[column].to_numpy(np.float64)
    width = int(ar["offset"].nunique()) or 1
    return values.reshape(-1, width)


def codes_of(rows: pd.DataFrame) -> Integers:
    """Give the clusters of the rows of a study as numbers."""
    return rows["cluster"].to_numpy("M8[D]").astype(np.int64)


def averages_of(
    rows: pd.DataFrame, ar: pd.DataFrame, parts: Iterable[str], by: str | None, coverage: float
) -> pd.DataFrame:
    """Average rows by group and session; see `Study.caar`."""
    offsets = ar["offset"].unique()
    grids = {key: matrix(ar, key) for key in ("ar", "car", "bhar")}
    codes, found = codes_of(rows), []
    for part in parts:
        own = np.flatnonzero((rows["part"] == part).to_numpy())
        for group, places in groups_of(rows.iloc[own], by):
            at = own[places]
            date = codes[at]
            aar, caar = (average(grids[key][at], date, coverage=coverage) for key in ("ar", "car"))
            found.append(
                pd.DataFrame(
                    {
                        "part": part,
                        "by": by or ALL,
                        "group": group,
                        "offset": offsets,
                        "rows": aar.rows,
                        "event_dates": aar.dates,
                        "aar": aar.mean,
                        "aar_low": aar.low,
                        "aar_high": aar.high,
                        "caar": caar.mean,
                        "low": caar.low,
                        "high": caar.high,
                        "bhar": average(grids["bhar"][at], date, coverage=coverage).mean,
                    }
                )
            )
    columns = ["part", "by", "group", "offset", "rows", "event_dates", "aar", "aar_low", "aar_high"]
    empty = pd.DataFrame(columns=[*columns, "caar", "low", "high", "bhar"])
    return pd.concat(found, ignore_index=True) if found else empty


def study(
    events: Source,
    prices: Source,
    strategy: Reaction | str = "reaction",
    *,
    universe: Iterable[str] | str | Universe | None = None,
    impacts: Source = None,
    zone: str | None = None,
    seed: int = 0,
    name: str = "study",
    skip_bad: bool = False,
    interval: str = "1d",
    factors: Source = None,
    **settings: Any,
) -> Study:
    """Measure abnormal returns around tagged events, and test whether there are any.

    Parameters
    ----------
    events, prices, strategy, universe, impacts, zone, seed, name, skip_bad, interval
        As in `backtest`: the same events become the same signals and meet the same bars.
    factors : DataFrame or path, optional
        Returns of factors by date for the model ``factors``: a column ``date``, and one for each factor.
    **settings
        The rest of `aftershock.experiment.StudySection`: ``model="market"``, ``window=(-5, 10)``,
        ``estimation=(-250, -30)``, ``part``, ``by``, ``signed``, ``confounded``, ...

    Returns
    -------
    Study
        ``.ar``, ``.car``, ``.bhar``, ``.caar(by=...)``, ``.tests``, ``.skipped``, ``.confounded``, ``.treatments``,
        ``.report(path)``.

    Raises
    ------
    InputError
        Inputs or settings that cannot be used, or nothing that could be measured (it says why).

    Examples
    --------
    >>> days = pd.bdate_range("2025-03-03", periods=120)
    >>> draw = np.random.default_rng(1).normal(0, 0.01, (2, 120))
    >>> draw[0] += draw[1]
    >>> draw[0, 100] += 0.05
    >>> prices = pd.concat([pd.DataFrame({"symbol": symbol, "date": days, "close": 100 * np.exp(moves.cumsum())})
    ...                     for symbol, moves in zip(["BHP.AX", "ASX200"], draw)])
    >>> prices = prices[~prices["date"].isin(["2025-04-18", "2025-04-21", "2025-04-25", "2025-06-09"])]
    >>> events = pd.DataFrame({"known_by": [f"{days[99]:%Y-%m-%d}T22:00Z"], "tag": "chip", "direction": "positive",
    ...                        "symbols": "BHP.AX"})
    >>> found = study(events, prices, universe=["BHP.AX"], window=(0, 2), estimation=(-80, -5), draws=0)
    >>> found.car.query("first == 0 and last == 0")["car"].round(2).tolist()
    [0.05]
    """
    from aftershock.run import given
    from aftershock.study_steps import measured_study

    table = None if factors is None else factors
    if table is not None:
        settings["factors"] = str(factors) if isinstance(factors, (str, Path)) else "given in memory"
    section = StudySection(**settings)
    inputs = given(
        events,
        prices,
        strategy,
        universe=universe,
        impacts=impacts,
        zone=zone,
        seed=seed,
        name=name,
        skip_bad=skip_bad,
        interval=interval,
        study=section,
    )
    return measured_study(inputs, table)


def power(
    events: Source,
    prices: Source,
    strategy: Reaction | str = "reaction",
    *,
    effects: Iterable[float] = (0.0025, 0.005, 0.01, 0.02),
    **settings: Any,
) -> pd.DataFrame:
    """Say what effect these events, with this clustering and this noise, could have shown.

    Parameters
    ----------
    events, prices, strategy, **settings
        As in `study`.
    effects : iterable of float
        True mean cumulative abnormal returns.

    Returns
    -------
    DataFrame
        For each group and window ``part, by, group, first, last, rows, event_dates, standard_error``, ``correlation``
        (of two rows of one date), ``independent`` (how many uncorrelated rows would tell as much), ``detectable``
        (found in four cases of five), and for each effect the chance that the default test finds it.

    Raises
    ------
    InputError
        As `study`.
    """
    return study(events, prices, strategy, **{"draws": 0, **settings}).chances(effects)


def study_experiment(
    path: str | Path,
    *,
    prices: str | Iterable[str] = (),
    events: str | Iterable[str] = (),
    skip_bad: bool = False,
    **settings: Any,
) -> Study:
    """Run the ``[study]`` of an experiment file.

    Parameters
    ----------
    path : str or Path
        The TOML file.
    prices, events, skip_bad
        As in `run_experiment`.
    **settings
        In the place of those of its ``[study]``.

    Returns
    -------
    Study
        Not yet written: see `Study.save`.

    Raises
    ------
    InputError
        An experiment or an input that cannot be used.
    """
    from aftershock.run import written
    from aftershock.study_steps import measured_study

    inputs = written(path, prices=prices, events=events, skip_bad=skip_bad)
    if settings:
        given = inputs.experiment.study
        kept = {key: getattr(given, key) for key in given.model_fields_set}
        inputs = replace(
            inputs, experiment=replace(inputs.experiment, study=StudySection(**(kept | settings)))
        )
    return measured_study(inputs, inputs.experiment.study.factors)


def load_study(folder: str | Path) -> Study:
    """Read the folder of a study.

    Raises
    ------
    InputError
        The folder is not one.
    """
    return Study.read(Path(folder))
