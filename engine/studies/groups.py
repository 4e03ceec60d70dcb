"""p-values of several groups: what is left of them once it counts that several were looked at."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.engine.studies.types import Floats

ADJUSTMENTS = ("holm", "by", "bh")
"""Holm (1979): chance of any false one, whatever hangs together; Benjamini and Yekutieli (2001): share of false ones
to expect, whatever hangs together; Benjamini and Hochberg (1995): the same where tests are independent or alike."""


def adjusted(p: Floats, method: str = "holm") -> Floats:
    """Adjust p-values for having looked at all of them.

    Parameters
    ----------
    p : (n,) float64
        p-values; NaN where a test said nothing: such a one was not looked at.
    method : str
        One of `ADJUSTMENTS`.

    Returns
    -------
    (n,) float64
        At least p, at most 1; NaN stays.

    Raises
    ------
    InputError
        An unknown method, or p outside 0 to 1.

    Examples
    --------
    >>> adjusted(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    if method not in ADJUSTMENTS:
        raise InputError(
            Problem("an adjustment", repr(method), did_you_mean(method, ADJUSTMENTS), column="adjust")
        )
    known = np.isfinite(p)
    if (np.isnan(p) != ~known).any() or ((p[known] < 0) | (p[known] > 1)).any():
        raise InputError(Problem("p-values between 0 and 1", "others", "pass those of a test", column="p"))
    found = np.full(len(p), np.nan)
    if known.any():
        found[known] = _holm(p[known]) if method == "holm" else _share_of_false(p[known], method)
    return found


def _holm(p: Floats) -> Floats:
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    found = np.empty(len(p))
    found[order] = np.minimum(stepped, 1.0)
    return found


def _share_of_false(p: Floats, method: str) -> Floats:
    from scipy.stats import false_discovery_control

    found: Floats = false_discovery_control(p, method=method)
    return found


def with_adjusted(table: pd.DataFrame) -> pd.DataFrame:
    """Put p-values adjusted over groups beside those of a table of tests.

    Parameters
    ----------
    table : DataFrame
        Tables of `tests_of` for several groups, one below the other.

    Returns
    -------
    DataFrame
        The same with ``p_holm`` and ``p_by``: adjusted over the rows with the same ``first, last, test``.
    """
    keys = ["first", "last", "test"]
    p = table["p"].to_numpy(np.float64)
    found = {"p_holm": np.full(len(p), np.nan), "p_by": np.full(len(p), np.nan)}
    for rows in table.groupby(keys, sort=False).indices.values():
        found["p_holm"][rows] = adjusted(p[rows], "holm")
        found["p_by"][rows] = adjusted(p[rows], "by")
    return table.assign(**found)
