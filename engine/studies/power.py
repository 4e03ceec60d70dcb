"""What a study could have found: the chance of a true effect to be seen, and the least effect seen often enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem
from aftershock.engine.studies.findings import DEFAULT, quantile
from aftershock.engine.studies.parametric import (
    DATES,
    basis_of,
    freedom_of_dates,
    freedom_of_rows,
    parametric_findings,
)
from aftershock.engine.studies.samples import Clusters, Prepared
from aftershock.engine.studies.types import Abnormal


class Power(NamedTuple):
    """What the default test can see at these events.

    Attributes
    ----------
    firms, dates : int
        Rows, and event dates.
    standard_error : float
        Of the effect, a return.
    df : float
        Degrees of freedom of the test.
    basis : str
        Where the test takes its variance from: ``event dates`` or ``estimation window``.
    level : float
        Of the test, two-sided: 0.05.
    wanted : float
        The power asked for: 0.8.
    detectable : float
        The least effect, in either direction, that is seen with that power; NaN where the test says nothing.
    correlation : float
        Average correlation of two rows of one date.
    independent : float
        How many uncorrelated rows would tell as much.
    """

    firms: int
    dates: int
    standard_error: float
    df: float
    basis: str
    level: float
    wanted: float
    detectable: float
    correlation: float
    independent: float

    def at(self, effect: float) -> float:
        """Give the chance that an effect (a return) is seen; NaN where the test says nothing.

        Examples
        --------
        >>> plan = planned_power([5] * 30, scale=0.02, correlation=0.3)
        >>> round(plan.at(plan.detectable), 6), round(plan.at(0.0), 6)
        (0.8, 0.05)
        """
        return seen(effect / self.standard_error, self.df, self.level)

    def curve(self, effects: Iterable[float] | None = None) -> pd.DataFrame:
        """Give ``effect, power``; by default for effects from 0 to twice the detectable one."""
        if effects is None:
            effects = np.linspace(0.0, 2.0 * self.detectable, 41).tolist()
        chosen = list(effects)
        return pd.DataFrame({"effect": chosen, "power": [self.at(effect) for effect in chosen]})


def seen(distance: float, df: float, level: float) -> float:
    """Give the chance that a t whose mean lies ``distance`` errors from 0 is significant.

    Notes
    -----
    The noncentral t of Johnson and Welch (1940); normal for infinite df.
    """
    from scipy.stats import nct, norm

    if not (np.isfinite(distance) and df > 0.0):
        return np.nan
    limit, distance = quantile(1.0 - level, df), abs(distance)
    if df > 1e6:
        return float(norm.sf(limit - distance) + norm.cdf(-limit - distance))
    return float(nct.sf(limit, df, distance) + nct.sf(limit, df, -distance))


def detectable_distance(df: float, level: float, wanted: float) -> float:
    """Give how many errors from 0 an effect must lie to be seen with a power.

    Examples
    --------
    >>> round(detectable_distance(float("inf"), 0.05, 0.8), 2)
    2.8
    """
    from scipy.optimize import brentq

    if not df > 0.0:
        return np.nan
    far = 2.0 * (quantile(1.0 - level, df) + quantile(2.0 * wanted - 1.0 if wanted > 0.5 else 0.5, df)) + 5.0
    return float(brentq(lambda distance: seen(distance, df, level) - wanted, 0.0, far, xtol=1e-10))


def power_of(abnormal: Abnormal, first: int, last: int, *, level: float = 0.05, wanted: float = 0.8) -> Power:
    """Say what the default test could have found in a window of a study.

    Parameters
    ----------
    abnormal : Abnormal
        n rows.
    first, last : int
        The window in event time, ends included.
    level : float
        Of the test, two-sided.
    wanted : float
        Power of the detectable effect; above ``level``.

    Returns
    -------
    Power
        With the noise of the event days themselves: the standard error of the default test. It is what the test could
        see there, and no statement about the effect that was found.

    Raises
    ------
    InputError
        Level or power outside 0 to 1, a window outside the study's.
    """
    _check(level, wanted)
    study = Prepared(abnormal)
    sample = study.sample(first, last)
    if not len(sample.rows):
        return Power(0, 0, np.nan, np.nan, "", level, wanted, np.nan, np.nan, np.nan)
    found = parametric_findings(study, sample, {DEFAULT}, 1.0 - level)[0]
    return _power(study.clusters(sample), found.standard_error, found.df, level, wanted)


def planned_power(
    sizes: Sequence[int],
    *,
    scale: float,
    correlation: float = 0.0,
    days: int = 1,
    volatility: float = 1.0,
    level: float = 0.05,
    wanted: float = 0.8,
) -> Power:
    """Say what the default test could find at events that are not there yet.

    Parameters
    ----------
    sizes : sequence of int
        Names hit on each event date.
    scale : float
        Standard deviation of an abnormal return of one session.
    correlation : float
        Of the abnormal returns of two names of one date.
    days : int
        Sessions of the window.
    volatility : float
        Factor by which returns are larger in the window than ``scale``.
    level, wanted : float
        As in `power_of`.

    Returns
    -------
    Power
        Forecast errors of the model, and that its past is finite, are left out.

    Raises
    ------
    InputError
        No events, or numbers that no study can have.

    Examples
    --------
    One headline on twenty names is not twenty observations:

    >>> plan = planned_power([20], scale=0.02, correlation=0.3)
    >>> round(plan.independent, 1), round(plan.detectable, 3)
    (3.0, 0.034)
    """
    _check(level, wanted)
    counts = np.asarray(sizes, np.float64)
    if not len(counts) or (counts < 1).any():
        raise InputError(
            Problem(
                "names on each date, at least 1",
                repr(list(sizes)),
                "leave out dates without names",
                column="sizes",
            )
        )
    if not (scale > 0 and days >= 1 and volatility > 0 and -1.0 < correlation < 1.0):
        raise InputError(
            Problem(
                "scale, days and volatility above 0 and a correlation between -1 and 1",
                f"scale {scale}, days {days}, volatility {volatility}, correlation {correlation}",
                "correct them",
                column="scale",
            )
        )
    none = np.zeros((0, 2), np.int64), np.zeros(0)
    clusters = Clusters(counts, np.where(counts > 1, correlation, 0.0), *none)
    variance = clusters.inflation / counts.sum() * days
    df = freedom_of_dates(clusters) if basis_of(clusters) == DATES else freedom_of_rows(clusters)
    return _power(clusters, scale * volatility * float(np.sqrt(variance)), df, level, wanted)


def _power(clusters: Clusters, error: float, df: float, level: float, wanted: float) -> Power:
    sizes = clusters.sizes
    pairs = sizes * (sizes - 1.0)
    return Power(
        firms=int(sizes.sum()),
        dates=len(sizes),
        standard_error=error,
        df=df,
        basis=basis_of(clusters),
        level=level,
        wanted=wanted,
        detectable=detectable_distance(df, level, wanted) * error,
        correlation=float((pairs * clusters.correlation).sum() / pairs.sum()) if pairs.sum() else 0.0,
        independent=float(sizes.sum() / clusters.inflation) if clusters.inflation > 0 else np.nan,
    )


def _check(level: float, wanted: float) -> None:
    if not 0.0 < level < wanted < 1.0:
        raise InputError(
            Problem(
                "0 < level < power < 1",
                f"level {level}, power {wanted}",
                "0.05 and 0.8 are usual",
                column="level",
            )
        )
