"""From a sweep to its page: the equities that are kept, the best trial run by itself, and a folder read alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError
from aftershock.engine.trials import Params, sums_of
from aftershock.engine.types import Integers
from aftershock.plan import Plan
from aftershock.reports.run import section
from aftershock.reports.swept import Curves, Swept
from aftershock.reports.words import UNDEFINED, facts, hedge_in
from aftershock.result import write_page

if TYPE_CHECKING:
    from aftershock.sweeps import Sweep

KEPT = 1_000
"""Trials of which the page keeps the equity."""
POINTS = 160
"""Dates at which it keeps it, evenly spaced, the last among them."""
CHUNK = 50_000
"""Trials whose parameters are laid out at a time."""
LACKING = "Equities are not shown, nor the best trial by itself"
TOP = 10
"""The best trials that are listed first."""


def swept_of(sweep: Sweep, by: str = "sharpe") -> Swept:
    """Make a sweep ready for its page: run its best trial, and gather the equities of the trials that cells show.

    Parameters
    ----------
    sweep : Sweep
    by : str
        The figure that makes a trial the best.
    """
    experiment = sweep.plan.inputs.experiment
    told = _told(
        sweep.trials,
        sweep.placebo,
        by,
        name=experiment.run.name,
        labels=sweep.plan.grid.labels,
        simulated=sweep.plan.inputs.tape.simulated,
        sampled=sweep.plan.grid.picked is not None,
        experiment=experiment.to_toml(),
    )
    if told.row < 0:
        return told
    best = sweep.trial(int(told.top["trial"].iloc[0]))
    known = facts(best)
    return replace(
        told,
        told={**told.told, **{key: known[key] for key in ("Period", "Universe", "Prices", "Capital")}},
        version=best.manifest["aftershock"],
        best=best,
        caveats=tuple(map(str, best.manifest["caveats"])),
        curves=curves_of(sweep.plan, told.shown(KEPT), sweep.returns),
    )


def curves_of(plan: Plan, numbers: Integers, kept: Any = None) -> Curves | None:
    """Give the growth of some trials, from returns that were kept or else run again.

    Parameters
    ----------
    plan : Plan
        The sweep.
    numbers : ndarray of int64, shape (n,)
        Trials, rising.
    kept : array of shape (trials, dates), optional
        Daily returns of all trials.

    Returns
    -------
    Curves or None
        None where there is no date.
    """
    days = plan.axis.days
    if not len(days) or not len(numbers):
        return None
    returns = _again(plan, numbers) if kept is None else np.asarray(kept[numbers], np.float32)
    growth = np.cumprod(1.0 + returns.astype(np.float64), axis=1)
    held = np.flatnonzero((returns != 0).any(axis=0))
    first = max(0, int(held[0]) - 1) if len(held) else 0
    at = np.unique(np.linspace(first, len(days) - 1, min(POINTS, len(days) - first)).round().astype(np.int64))
    return Curves(numbers, days[at], growth[:, at])


def _again(plan: Plan, numbers: Integers) -> Any:
    chunks = numbers // CHUNK
    parts = [
        plan.params(first, min(first + CHUNK, len(plan.grid))).rows(numbers[chunks == first // CHUNK] - first)
        for first in (np.unique(chunks) * CHUNK).tolist()
    ]
    params = Params(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    returns = np.zeros((len(numbers), len(plan.axis.days)), np.float32)
    sums_of(plan.ground(), params, returns=returns)
    return returns


def swept_in(folder: Path, by: str = "sharpe") -> Swept:
    """Make the sweep of a folder ready for its page; without its inputs the page lacks equities, and says so.

    Raises
    ------
    InputError
        The folder is no sweep that is done.
    """
    from aftershock.sweeps import load_sweep, rows_in, sweep_told, told_grid

    told = sweep_told(folder)
    try:
        found = load_sweep(folder, changed=True)
        same = found.is_that_of(told["digest"])
    except InputError:
        if not told["complete"]:
            raise
        why = f"{LACKING}: the inputs of the sweep are not where they were."
    else:
        if same:
            return swept_of(found, by)
        why = f"{LACKING}: the inputs are not those of the sweep any more."
    grid = told_grid(folder)
    return _told(
        rows_in(folder / "trials.parquet"),
        rows_in(folder / "placebo.parquet"),
        by,
        name=str(told["name"]),
        labels=grid.labels,
        simulated=bool(told["simulated"]),
        sampled=grid.picked is not None,
        experiment=(folder / "experiment.toml").read_text("utf-8"),
        version=str(told["aftershock"]),
        missing=why,
    )


def _told(
    trials: pd.DataFrame,
    placebo: pd.DataFrame,
    by: str,
    *,
    name: str,
    labels: tuple[str, ...],
    simulated: bool,
    sampled: bool,
    experiment: str,
    version: str = "",
    missing: str = "",
) -> Swept:
    from aftershock.sweeps import GREATER, LEAST_TRADES, best_of_trials, luck_of

    top = best_of_trials(trials, placebo, by, TOP, LEAST_TRADES)
    strategy, hedge = section(experiment, "strategy"), hedge_in(experiment)
    return Swept(
        name=name,
        labels=labels,
        trials=trials,
        placebo=placebo,
        by=by,
        figures=GREATER,
        luck={figure: luck_of(placebo, figure) for figure in GREATER},
        top=top,
        least=LEAST_TRADES,
        simulated=simulated,
        sampled=sampled,
        told={
            "Strategy": str(strategy.get("kind", "reaction")) if strategy else UNDEFINED,
            **({"Hedge": hedge} if hedge else {}),
            "Trials": f"{len(trials):,}{' (a sample)' if sampled else ''}",
            "Placebos": f"{len(placebo):,}" if len(placebo) else "none",
        },
        experiment=experiment,
        version=version,
        missing=missing,
    )


def write_sweep(swept: Swept, path: Path) -> Path:
    """Write the page of a sweep as HTML, or as PDF where the path ends in ``.pdf``; give where it lies."""
    from aftershock.reports.sweep_page import render_sweep

    return write_page(render_sweep(swept), path)
