"""Sweeps: many trials of one experiment, what each came to, and what luck would have found."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from numbers import Integral
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem, did_you_mean, in_file
from aftershock.data.tables import LINE, read_table, write_parquet, write_text
from aftershock.data.universes import Universe
from aftershock.engine import kernels
from aftershock.engine.trials import COUNTS, FIGURES, Ground, figures_of, sums_of
from aftershock.engine.types import Floats
from aftershock.execution import execute
from aftershock.experiment import Costs, Hedge, Portfolio, placed
from aftershock.grid import OFF, Grid, grid_of, with_functions, word_of
from aftershock.inputs import Source, rates_digests
from aftershock.manifest import own_code
from aftershock.plan import Plan
from aftershock.result import Result
from aftershock.run import Inputs, given, written
from aftershock.strategies.own_code import reference_to
from aftershock.strategies.reaction import Reaction

if TYPE_CHECKING:
    from aftershock.reports.drawing import Drawing

CHUNK = 50_000
"""Trials that are done, and written, at a time."""
LEAST_TRADES = 10
"""A trial of fewer trades is no candidate for the best: one lucky trade has the best ratio of all."""
LUCK = 0.95
"""The quantile of the placebos' best that stands beside the best."""
GREATER = (
    "total_return",
    "cagr",
    "sharpe",
    "sortino",
    "max_drawdown",
    "calmar",
    "hit_rate",
    "profit_factor",
    "pnl",
)
"""Figures of which more is better (a drawdown is negative)."""
PATHS = ("walk", "tables")


class Progress(NamedTuple):
    """How far a sweep is: trials done and in all, trades so far, seconds, the best so far, placebos done and in all."""

    done: int
    trials: int
    trades: int
    seconds: float
    best: float
    by: str
    placebos_done: int
    placebos: int
    luck: float


@dataclass(frozen=True, eq=False)
class Sweep:
    """What a sweep gives.

    Attributes
    ----------
    plan : Plan
        Inputs and grid.
    placebo : DataFrame
        For each sweep on dates of no news its ``seed`` and the best of each figure in ``GREATER``.
    folder : Path, optional
        Where it lies.
    kept : DataFrame, optional
        The trials, where no folder holds them.
    """

    plan: Plan
    placebo: pd.DataFrame
    folder: Path | None = None
    kept: pd.DataFrame | None = field(default=None, repr=False)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """One row per trial: ``trial``, its parameters, its figures, and the ``path`` by which they were found.

        ``path`` is ``tables`` where exits were looked up and ``walk`` where each trial was simulated by itself; both
        give the same trades.
        """
        if self.kept is not None:
            return self.kept
        assert self.folder is not None
        return rows_in(self.folder / "trials.parquet")

    @cached_property
    def returns(self) -> np.ndarray | None:
        """Daily returns, float32 of shape (trials, dates), mapped from the folder; None where they were not kept."""
        path = None if self.folder is None else self.folder / "returns.npy"
        return np.load(path, mmap_mode="r") if path is not None and path.exists() else None

    def __len__(self) -> int:
        return len(self.plan.grid)

    def best(self, by: str = "sharpe", n: int = 1, least_trades: int = LEAST_TRADES) -> pd.DataFrame:
        """Give the best trials, with what luck alone found beside them.

        Parameters
        ----------
        by : str
            One of ``GREATER``.
        n : int
            How many.
        least_trades : int
            Trials of fewer trades are passed over.

        Returns
        -------
        DataFrame
            Rows of `trials`, the best first, with ``luck`` (what the best of a sweep on dates of no news reaches in
            one of twenty cases; NaN without placebos) and ``p_value``: how often one reached as much, counting this
            sweep as one of them (North, Curtis and Sham, 2002). Placebos count trials of ``LEAST_TRADES`` trades.

        Raises
        ------
        InputError
            No such figure.
        """
        return best_of_trials(self.trials, self.placebo, by, n, least_trades)

    def luck(self, by: str = "sharpe") -> float:
        """Give the 95th percentile of the best trial of sweeps on dates of no news; NaN without any."""
        return luck_of(self.placebo, by)

    def pivot(self, x: str, y: str, value: str = "sharpe", how: str = "median") -> pd.DataFrame:
        """Lay trials out by two parameters.

        Parameters
        ----------
        x, y : str
            Parameters.
        value : str
            A figure.
        how : {"median", "mean", "max", "min"}
            What stands for the trials of one cell.

        Returns
        -------
        DataFrame
            Rows by ``y``, columns by ``x``; levels that are off are ``off``.
        """
        for name in (x, y):
            if name not in self.plan.grid.labels:
                raise InputError(
                    Problem(
                        "a parameter of the sweep",
                        f"'{name}'",
                        did_you_mean(str(name), self.plan.grid.labels),
                    )
                )
        if x == y:
            raise InputError(Problem("two parameters", f"'{x}' twice", "take another one for x or y"))
        if value not in FIGURES:
            raise InputError(Problem("a figure", f"'{value}'", did_you_mean(str(value), FIGURES)))
        if how not in ("median", "mean", "max", "min"):
            raise InputError(Problem("how: median, mean, max or min", f"'{how}'", "take one of these"))
        table = self.trials[[x, y, value]]
        # A level that is off is NaN among numbers, and would be left out.
        table = table.assign(
            **{name: table[name].astype(object).where(table[name].notna(), OFF) for name in (x, y)}
        )
        cells = table.groupby([y, x], sort=False)[value].agg(how).unstack()
        return cells.reindex(index=_ordered(table[y]), columns=_ordered(table[x]))

    def heatmap(self, x: str, y: str, value: str = "sharpe", how: str = "median") -> Drawing:
        """Draw trials by two parameters, as `pivot` lays them out, with what luck found beneath."""
        from aftershock.reports.sweep_heat import heatmap

        luck = self.luck(value) if value in GREATER else np.nan
        return heatmap(
            self.pivot(x, y, value, how), value, how, luck, simulated=self.plan.inputs.tape.simulated
        )

    def report(self, path: str | Path, by: str = "sharpe") -> Path:
        """Write the page of the sweep.

        Parameters
        ----------
        path : str or Path
            The file to write: HTML, or PDF (by a Chromium on the path) where it ends in ``.pdf``.
        by : str
            The figure, one of ``GREATER``, that makes a trial the best.

        Returns
        -------
        Path
            Where it lies.

        Raises
        ------
        InputError
            No such figure, a place that cannot be written, or no Chromium to print with.
        """
        from aftershock.sweep_report import swept_of, write_sweep

        return write_sweep(swept_of(self, by), Path(path))

    def numbers(self, by: str = "sharpe") -> dict[str, Any]:
        """Give the numbers behind every figure of the page, by the figure's name; parameters as in `report`."""
        from aftershock.reports.sweep_page import numbers_of
        from aftershock.sweep_report import swept_of

        return numbers_of(swept_of(self, by))

    def _repr_html_(self) -> str:
        """Show the figures of the page in a notebook, in a frame of their own."""
        from aftershock.reports.html import in_frame
        from aftershock.reports.sweep_page import render_sweep
        from aftershock.sweep_report import swept_of

        mark = "SIMULATED: " if self.plan.inputs.tape.simulated else ""
        title = f"{mark}{self.plan.inputs.experiment.run.name}, {len(self):,} trials"
        return in_frame(title, render_sweep(swept_of(self), brief=True))

    def is_that_of(self, digest: str, made_by: str | None = None) -> bool:
        """Tell whether inputs, experiment and grid are those of a folder's digest, by this version or another."""
        return any(_digest(self.plan, returns, made_by) == digest for returns in (False, True))

    def trial(self, number: int) -> Result:
        """Run one trial by itself: the same experiment, all of its tables and its report.

        Raises
        ------
        InputError
            There is no such trial.
        """
        if not _is_count(number) or number >= len(self):
            raise InputError(
                Problem(f"a trial from 0 to {len(self) - 1}", repr(number), "see the column trial")
            )
        number = int(number)
        inputs = self.plan.inputs
        one = self.plan.experiment(number)
        return execute(inputs.loaded, inputs.tape, inputs.wanted, inputs.linked, one, truth=inputs.truth)

    def to_dict(self, by: str = "sharpe") -> dict[str, Any]:
        """Give the numbers that a program wants: sizes, the best by a figure, and what luck found."""
        best = self.best(by, n=5)
        return {
            "trials": len(self),
            "parameters": list(self.plan.grid.labels),
            "simulated": self.plan.inputs.tape.simulated,
            "placebos": len(self.placebo),
            "best": json.loads(best.to_json(orient="records")),
            "luck": {name: _none(self.luck(name)) for name in GREATER},
            "paths": {name: int(count) for name, count in self.trials["path"].value_counts().items()},
        }


def sweep(
    events: Source,
    prices: Source,
    strategy: Reaction | str = "reaction",
    grid: Mapping[str, Any] | pd.DataFrame | None = None,
    *,
    universe: Iterable[str] | str | Universe | None = None,
    portfolio: Portfolio | None = None,
    costs: Costs | None = None,
    hedge: Hedge | None = None,
    impacts: Source = None,
    zone: str | None = None,
    seed: int = 0,
    name: str = "sweep",
    skip_bad: bool = False,
    interval: str = "1d",
    sample: int | None = None,
    method: str = "grid",
    placebo: int = 200,
    jobs: int | None = None,
    returns: bool = False,
    folder: str | Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Sweep:
    """Run a strategy with many parameters.

    Parameters
    ----------
    events, prices, strategy, universe, portfolio, costs, hedge, impacts, zone, seed, name, skip_bad, interval
        As in `backtest`.
    grid : mapping or DataFrame
        By parameter of strategy, costs or portfolio a list of values, a range, or ``{"from": 1, "to": 9, "step": 2}``;
        or a table with a row for each trial. A level is switched off by ``"off"``, and so is an exit of your own:
        ``{"exit": ["off", leave, "mine.py:leave_late"]}``.
    sample : int, optional
        Draw so many trials of the grid.
    method : {"grid", "random", "latin"}
        How.
    placebo : int
        How many times the sweep is repeated on event dates shuffled within their year.
    jobs : int, optional
        Threads; all cores by default. Nothing that comes out depends on it.
    returns : bool
        Whether to keep the daily returns of every trial (needs a folder).
    folder : path, optional
        Where to write: a sweep that was stopped goes on there.
    progress : callable, optional
        Told how far it is.

    Returns
    -------
    Sweep
        ``.trials``, ``.best()``, ``.heatmap(x, y)``, ``.trial(number)``.

    Raises
    ------
    InputError
        Inputs or parameters that cannot be used; a folder that holds another sweep.

    Examples
    --------
    >>> days = pd.bdate_range("2025-09-01", periods=12).strftime("%Y-%m-%d")
    >>> prices = pd.DataFrame({"symbol": "8035.T", "date": days, "open": 100.0, "close": np.arange(100.0, 112.0)})
    >>> events = pd.DataFrame({"known_by": ["2025-09-04T23:00Z"], "tag": "chip", "direction": "positive",
    ...                        "symbols": "8035.T"})
    >>> found = sweep(events, prices, Reaction(tag="chip"), {"hold": [1, 2]}, costs=Costs(model="zero"), placebo=0)
    >>> found.trials[["hold", "trades", "total_return"]].round(4).values.tolist()
    [[1.0, 1.0, 0.005], [2.0, 1.0, 0.006]]
    """
    inputs = given(
        events,
        prices,
        strategy,
        universe=universe,
        portfolio=portfolio,
        costs=costs,
        hedge=hedge,
        impacts=impacts,
        zone=zone,
        seed=seed,
        name=name,
        skip_bad=skip_bad,
        interval=interval,
    )
    kind = type(inputs.experiment.strategy)
    axes = grid_of({} if grid is None else grid, sample=sample, method=method, seed=seed, strategy=kind)
    return run_plan(
        Plan(inputs, axes), placebo=placebo, jobs=jobs, returns=returns, folder=folder, progress=progress
    )


def sweep_experiment(
    path: str | Path,
    *,
    prices: str | Iterable[str] = (),
    events: str | Iterable[str] = (),
    skip_bad: bool = False,
    trials: int | None = None,
    placebo: int | None = None,
    jobs: int | None = None,
    folder: str | Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Sweep:
    """Run the ``[sweep]`` of an experiment file.

    Parameters
    ----------
    path : str or Path
        The TOML file.
    prices, events, skip_bad
        As in `run_experiment`.
    trials : int, optional
        Draw so many trials of the grid, in the place of the ``sample`` that the file names.
    placebo : int, optional
        In the place of that of the file.
    jobs, folder, progress
        As in `sweep`.

    Raises
    ------
    InputError
        An experiment, a grid or an input that cannot be used.
    """
    inputs = written(path, prices=prices, events=events, skip_bad=skip_bad)
    section = inputs.experiment.sweep
    if not section.grid and section.table is None:
        cure = "write for example [sweep.grid] with hold = [1, 2, 5, 10]"
        raise InputError(Problem("[sweep.grid] or [sweep] table", "neither", cure, str(path)))
    if section.table is not None and (section.grid or section.sample is not None or section.method != "grid"):
        got = "[sweep.grid]" if section.grid else "sample or method"
        cure = "leave one of the two out"
        raise InputError(Problem("a table of trials, or a grid", f"{got} beside table", cure, str(path)))
    with placed("sweep.grid", Path(path)) if section.table is None else in_file(section.table):
        grid = grid_of(
            section.grid if section.table is None else read_table(section.table),
            sample=section.sample if trials is None else trials,
            method=section.method,
            seed=inputs.experiment.run.seed,
            strategy=type(inputs.experiment.strategy),
            folder=None if section.table is None else Path(section.table).parent,
        )
    return run_plan(
        Plan(inputs, grid),
        placebo=section.placebo if placebo is None else placebo,
        jobs=jobs,
        returns=section.returns and folder is not None,
        folder=folder,
        progress=progress,
    )


def run_plan(
    plan: Plan,
    *,
    placebo: int = 0,
    jobs: int | None = None,
    returns: bool = False,
    folder: str | Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Sweep:
    """Run a sweep that is laid out; parameters as in `sweep`."""
    if not _is_count(placebo) or not (jobs is None or (_is_count(jobs) and jobs >= 1)):
        raise InputError(
            Problem("placebo of at least 0 and jobs of at least 1", f"{placebo!r}, {jobs!r}", "correct them")
        )
    if returns and folder is None:
        raise InputError(
            Problem("a folder for the returns of every trial", "none", "give folder, or leave returns out")
        )
    threads = jobs or os.cpu_count() or 1
    _ = plan.experiments  # values that do not go together are told before anything is written
    watch = _Watch(len(plan.grid), placebo, progress)
    store = None if folder is None else _Store.at(Path(folder), plan, returns)
    try:
        parts = list(_trials(plan, threads, watch, store))
    except InputError:
        if store is not None:
            store.leave()
        raise
    luck = _placebos(plan, placebo, threads, watch, store)
    if store is None:
        return Sweep(plan, luck, kept=pd.concat(parts, ignore_index=True))
    if not store.told(store.folder)["complete"]:
        store.finish(len(_chunks(len(plan.grid))))
    return Sweep(plan, luck, store.folder)


def load_sweep(folder: str | Path, *, changed: bool = False) -> Sweep:
    """Read a sweep's folder; its trials can be run again where its inputs still lie where they were.

    Parameters
    ----------
    folder : str or Path
        Where it lies.
    changed : bool
        Whether inputs may be others than those that the sweep ran on: a trial that is run again is not what the table
        of trials says of it then.

    Raises
    ------
    InputError
        The folder is no sweep, or one that was stopped; inputs that are not there any more, or not what they were.
    """
    place = Path(folder)
    told = _Store.told(place)
    if not told["complete"]:
        raise InputError(
            Problem("a sweep that is done", "one that was stopped", "run the same command again", str(place))
        )
    inputs = written(place / "experiment.toml")
    grid = with_functions(told_grid(place), type(inputs.experiment.strategy))
    if _own_code(inputs, grid) != {key: told[key] for key in ("own_code",) if key in told}:
        cure = "run the sweep again, or put the code back as it was"
        raise InputError(
            Problem("the code of your own that this sweep ran", "a changed one", cure, str(place))
        )
    luck = rows_in(place / "placebo.parquet")
    found = Sweep(Plan(inputs, grid), luck, place)
    if not changed and not found.is_that_of(told["digest"], str(told["aftershock"])):
        cure = "run the sweep again in another folder, or load it with changed=True"
        raise InputError(Problem("the inputs that this sweep ran on", "changed ones", cure, str(place)))
    return found


def best_of_trials(
    trials: pd.DataFrame, placebo: pd.DataFrame, by: str, n: int, least_trades: int
) -> pd.DataFrame:
    """Give the best trials of a table with what placebos found; as `Sweep.best` says."""
    check_figure(by)
    if not _is_count(n):
        raise InputError(Problem("n of at least 0", repr(n), "write how many trials to give"))
    enough = trials[trials["trades"] >= least_trades]
    top = enough.dropna(subset=[by]).sort_values(by, ascending=False, kind="stable").head(n)
    found = placebo[by].dropna().to_numpy() if len(placebo) else np.zeros(0)
    reached = [(1 + (found >= value).sum()) / (1 + len(found)) if len(found) else np.nan for value in top[by]]
    return top.assign(luck=luck_of(placebo, by), p_value=reached)


def luck_of(placebo: pd.DataFrame, by: str) -> float:
    """Give the 95th percentile of the best of sweeps on dates of no news; NaN without any."""
    check_figure(by)
    found = placebo[by].dropna()
    return float(np.quantile(found, LUCK)) if len(found) else math.nan


def rows_in(path: Path) -> pd.DataFrame:
    """Read a table of a sweep's folder.

    Raises
    ------
    InputError
        It is not there, or cannot be read.
    """
    return read_table(path).drop(columns=LINE)


def sweep_told(folder: Path) -> dict[str, Any]:
    """Read what a sweep's folder says of itself.

    Raises
    ------
    InputError
        It is no folder of a sweep.
    """
    return _Store.told(folder)


# ------------------------------------------------------------------------------------------- running


class _Watch:
    """What is known while a sweep runs."""

    def __init__(self, trials: int, placebos: int, progress: Callable[[Progress], None] | None) -> None:
        self.trials, self.placebos, self.progress = trials, placebos, progress
        self.done = self.trades = self.placebos_done = 0
        self.best = self.luck = float("nan")
        self.by = "sharpe"
        self.started = perf_counter()

    def trial(self, rows: Any, sums: Any) -> None:
        """Count trials that are done."""
        self.done += len(rows)
        self.trades += int(sums[:, kernels.TRADES].sum() + sums[:, kernels.STILL].sum())
        self.tell()

    def read(self, table: pd.DataFrame) -> None:
        """Count trials that were done before."""
        self.done += len(table)
        self.trades += int(table["trades"].sum() + table["open"].sum())
        self.chunk(table)

    def chunk(self, table: pd.DataFrame) -> None:
        """Look at the figures of trials that are done."""
        enough = table.loc[table["trades"] >= LEAST_TRADES, self.by]
        self.best = float(np.fmax(self.best, enough.max())) if len(enough) else self.best
        self.tell()

    def placebo(self, found: pd.DataFrame) -> None:
        """Count a sweep on dates of no news."""
        self.placebos_done, self.luck = len(found), luck_of(found, self.by)
        self.tell()

    def tell(self) -> None:
        if self.progress is not None:
            seconds = perf_counter() - self.started
            self.progress(
                Progress(
                    self.done,
                    self.trials,
                    self.trades,
                    seconds,
                    self.best,
                    self.by,
                    self.placebos_done,
                    self.placebos,
                    self.luck,
                )
            )


def _trials(plan: Plan, jobs: int, watch: _Watch, store: _Store | None) -> Iterator[pd.DataFrame]:
    """Run trials chunk by chunk, or read those that are there; give the tables that no store keeps."""
    if store is not None and store.complete:
        watch.read(rows_in(store.folder / "trials.parquet"))
        return
    ground: Ground | None = None
    for number, span in enumerate(_chunks(len(plan.grid))):
        table = None if store is None else store.read(number)
        if table is None:
            ground = plan.ground() if ground is None else ground
            table = _chunk(plan, ground, span, jobs, watch, store)
            if store is not None:
                store.write(number, table)
            watch.chunk(table)
        else:
            watch.read(table)
        if store is None:
            yield table


def _chunk(
    plan: Plan, ground: Ground, span: tuple[int, int], jobs: int, watch: _Watch, store: _Store | None
) -> pd.DataFrame:
    params = plan.params(*span)
    kept = None if store is None else store.returns(plan, span)
    sums = sums_of(ground, params, jobs=jobs, told=watch.trial, returns=kept)
    figures = figures_of(sums, ground.axis, plan.capital)
    figures |= {name: figures[name].astype(np.int64) for name in COUNTS}
    paths = np.array(PATHS, dtype=object)[ground.tabled[params.setup].astype(int)]
    table = plan.grid.table(*span).assign(**figures, path=pd.Series(paths, dtype="str"))
    table.insert(0, "trial", np.arange(*span))
    return table


def _placebos(plan: Plan, count: int, jobs: int, watch: _Watch, store: _Store | None) -> pd.DataFrame:
    """Repeat the sweep on dates of no news and keep the best of each."""
    before = pd.DataFrame(columns=["seed", *GREATER]) if store is None else store.placebos()
    found = before.head(count)
    for number in range(len(found), count):
        best = pd.DataFrame([{"seed": number, **_best_by_luck(plan, number, jobs)}])
        found = pd.concat([found, best], ignore_index=True) if len(found) else best
        if store is not None:
            store.keep_placebos(found)
        watch.placebo(found)
    return found


def _best_by_luck(plan: Plan, number: int, jobs: int) -> dict[str, float]:
    """Run the whole sweep on dates of no news, and give the best of each figure."""
    ground = plan.ground((plan.inputs.experiment.run.seed, number))
    chunks = [
        _best_of(figures_of(sums_of(ground, plan.params(*span), jobs=jobs), ground.axis, plan.capital))
        for span in _chunks(len(plan.grid))
    ]
    return {name: float(np.fmax.reduce([one[name] for one in chunks])) for name in GREATER}


def _best_of(figures: dict[str, Floats]) -> dict[str, float]:
    enough = figures["trades"] >= LEAST_TRADES
    return {name: float(np.fmax.reduce(figures[name][enough], initial=math.nan)) for name in GREATER}


def _chunks(count: int) -> list[tuple[int, int]]:
    return [(first, min(first + CHUNK, count)) for first in range(0, count, CHUNK)]


def _ordered(values: pd.Series[Any]) -> list[Any]:
    """Sort the values of a parameter, what is off last."""
    return sorted(values.unique(), key=lambda one: (one == OFF, str(type(one)), one))


def check_figure(by: str) -> None:
    """Refuse what is no figure of which more is better.

    Raises
    ------
    InputError
        It is none of ``GREATER``.
    """
    if by not in GREATER:
        raise InputError(
            Problem(
                f"a figure of which more is better: {', '.join(GREATER)}",
                f"'{by}'",
                did_you_mean(str(by), GREATER),
            )
        )


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 0


def _none(value: float) -> float | None:
    return None if np.isnan(value) else value


# ------------------------------------------------------------------------------------------- the folder


OWN_FILES = ("experiment.toml", "grid.json", "picked.npy", "sweep.json", "returns.npy")
"""What a sweep writes into its folder before a trial is done."""


@dataclass(frozen=True)
class _Store:
    """A sweep's folder: parts while it runs, one table of trials when it is done."""

    folder: Path
    digest: str
    new: bool = False
    """Whether its files were written just now."""

    @classmethod
    def at(cls, folder: Path, plan: Plan, returns: bool) -> _Store:
        """Open a folder for a sweep: a new one, or that of the same sweep."""
        store = cls(folder, _digest(plan, returns))
        if (folder / "sweep.json").exists():
            if cls.told(folder)["digest"] != store.digest:
                cure = "choose another folder, or delete this one"
                raise InputError(
                    Problem("the folder of this very sweep", "that of another", cure, str(folder))
                )
            if returns and not store.complete:
                store.drop_without_returns((len(plan.grid), len(plan.axis.days)))
            return store
        if folder.exists() and any(folder.iterdir()):
            raise InputError(
                Problem("an empty folder", "one with files in it", "choose another", str(folder))
            )
        experiment = plan.inputs.experiment.to_toml()
        axes = json.dumps(_axes_of(plan.grid, reference_to), default=str)
        (folder / "parts").mkdir(parents=True, exist_ok=True)
        write_text(experiment, folder / "experiment.toml")
        write_text(axes + "\n", folder / "grid.json")
        if plan.grid.picked is not None:
            np.save(folder / "picked.npy", plan.grid.picked)
        told = {
            "aftershock": version("aftershock"),
            "name": plan.inputs.experiment.run.name,
            "digest": store.digest,
            "complete": False,
            "trials": len(plan.grid),
            "parameters": list(plan.grid.labels),
            "simulated": plan.inputs.tape.simulated,
            "returns": returns,
            **_own_code(plan.inputs, plan.grid),
        }
        write_text(json.dumps(told, indent=2) + "\n", folder / "sweep.json")
        return replace(store, new=True)

    @staticmethod
    def told(folder: Path) -> dict[str, Any]:
        """Read what the folder says of itself."""
        try:
            found = json.loads((folder / "sweep.json").read_text("utf-8"))
            return {"digest": str(found["digest"]), "complete": bool(found["complete"]), **found}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                Problem(
                    "a sweep's folder",
                    "one without a sweep.json that can be read",
                    "check the path",
                    str(folder),
                )
            ) from error

    @property
    def complete(self) -> bool:
        """Whether all trials are in one table."""
        return (self.folder / "trials.parquet").exists()

    def leave(self) -> None:
        """Take away what was written just now, where no trial is done yet: nothing could go on from it."""
        parts = self.folder / "parts"
        if not self.new or any(parts.iterdir()):
            return
        for name in OWN_FILES:
            (self.folder / name).unlink(missing_ok=True)
        with suppress(OSError):  # what cannot go, or is not ours alone, may stay
            parts.rmdir()
            self.folder.rmdir()

    def drop_without_returns(self, shape: tuple[int, int]) -> None:
        """Drop parts whose returns are not there, or are those of nothing: their trials are run again."""
        path = self.folder / "returns.npy"
        try:
            whole = np.load(path, mmap_mode="r").shape == shape
        except (OSError, ValueError):
            whole = False
        if not whole:
            path.unlink(missing_ok=True)
            for part in (self.folder / "parts").glob("*.parquet"):
                part.unlink()

    def _part(self, number: int) -> Path:
        return self.folder / "parts" / f"{number:06d}.parquet"

    def read(self, number: int) -> pd.DataFrame | None:
        """Read a part, if it is there and whole."""
        path = self._part(number)
        if not path.exists():
            return None
        try:
            return rows_in(path)
        except InputError:
            return None  # its trials are run again

    def write(self, number: int, table: pd.DataFrame) -> None:
        """Keep a part."""
        write_parquet(table, self._part(number))

    def placebos(self) -> pd.DataFrame:
        """Read the sweeps on dates of no news that are done."""
        path = self.folder / "placebo.parquet"
        if not path.exists():
            return pd.DataFrame(columns=["seed", *GREATER])
        return rows_in(path)

    def keep_placebos(self, found: pd.DataFrame) -> None:
        """Keep the sweeps on dates of no news."""
        write_parquet(found, self.folder / "placebo.parquet")

    def returns(self, plan: Plan, span: tuple[int, int]) -> np.ndarray | None:
        """Map the rows for the returns of some trials, where they are wanted."""
        if not self.told(self.folder)["returns"]:
            return None
        path, shape = self.folder / "returns.npy", (len(plan.grid), len(plan.axis.days))
        mode = "r+" if path.exists() else "w+"
        whole = np.lib.format.open_memmap(path, mode=mode, dtype=np.float32, shape=shape)
        return whole[span[0] : span[1]]

    def finish(self, count: int) -> None:
        """Join so many parts, a part at a time, and say that the sweep is done."""
        import pyarrow.parquet as pq

        if not self.complete:
            parts = [self._part(number) for number in range(count)]
            beside = self.folder / ".trials.parquet"
            with pq.ParquetWriter(beside, pq.read_schema(parts[0]), compression="zstd") as writer:
                for part in parts:
                    writer.write_table(pq.ParquetFile(part).read())
            beside.rename(self.folder / "trials.parquet")
        shutil.rmtree(self.folder / "parts", ignore_errors=True)
        told = {**self.told(self.folder), "complete": True}
        if not (self.folder / "placebo.parquet").exists():
            self.keep_placebos(pd.DataFrame(columns=["seed", *GREATER], dtype=np.float64))
        write_text(json.dumps(told, indent=2) + "\n", self.folder / "sweep.json")


def _digest(plan: Plan, returns: bool, made_by: str | None = None) -> str:
    """Give what a sweep is known by: its inputs, its experiment, its grid and the version of the package."""
    inputs, grid = plan.inputs, plan.grid
    links = [pd.util.hash_pandas_object(one, index=False).sum() for one in vars(inputs.linked).values()]
    told = [
        version("aftershock") if made_by is None else made_by,
        inputs.experiment.without_paths().to_toml(),
        _own_code(inputs, grid),
        inputs.loaded.digest(),
        inputs.tape.digest(),
        *rates_digests(inputs.experiment.portfolio),
        [int(one) for one in links],
        sorted(one.symbol for one in inputs.wanted.instruments) if inputs.wanted else None,
        _axes_of(grid, word_of),
        None if grid.picked is None else hashlib.sha256(grid.picked.tobytes()).hexdigest(),
        returns,
    ]
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()


def _own_code(inputs: Inputs, grid: Grid) -> dict[str, str]:
    return own_code(inputs.experiment.strategy, grid.functions)


def _axes_of(grid: Grid, named: Callable[[Any], str]) -> dict[str, Any]:
    """Put axes down, functions by a name."""
    values = [[named(value) if callable(value) else value for value in one] for one in grid.values]
    return {"names": grid.names, "labels": grid.labels, "values": values}


def told_grid(folder: Path) -> Grid:
    """Read the grid that a sweep's folder keeps, functions by where they stand."""
    path = folder / "picked.npy"
    try:
        told = json.loads((folder / "grid.json").read_text("utf-8"))
        values = tuple(
            tuple(tuple(value) if isinstance(value, list) else value for value in one)
            for one in told["values"]
        )
        picked = np.load(path) if path.exists() else None
        return Grid(tuple(told["names"]), tuple(told["labels"]), values, picked)
    except (OSError, ValueError, KeyError, TypeError) as error:
        cure = "run the sweep again in another folder"
        raise InputError(
            Problem("a grid.json that can be read", f"{type(error).__name__}: {error}", cure, str(folder))
        ) from None
