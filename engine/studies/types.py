"""What a study measures, before any test: one row for each event on each instrument that could be measured."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Abnormal(NamedTuple):
    """Abnormal returns of n firms (event x instrument) over a window of w sessions, with what they were fitted on.

    Attributes
    ----------
    window : (n, w) float64
        Abnormal returns in the event window; NaN where the instrument has no return.
    estimation : (n, l) float64
        Residuals of the estimation window, aligned on event time (last column: its last session); NaN where
        there is no return.
    design : (n, l, k) float64
        Regressors of the estimation window, the constant included; k = 0 for models that fit nothing.
    event_design : (n, w, k) float64
        Regressors of the event window.
    scale : (n,) float64
        Residual standard deviation, the sum of squares over (observations - parameters).
    observations, parameters : (n,) int64
        Returns in the estimation window, and fitted parameters.
    covariance : (n, w, w) float64
        Covariance of the forecast errors in units of ``scale`` squared: identity + X* (X'X)^-1 X*'; NaN in rows and
        columns of sessions without a return.
    date : (n,) int64
        Event date of each row, as a code: rows of one date share one shock.
    instrument : (n,) int64
        Instrument of each row, as a code.
    first : int
        Event time of the first column of ``window``, in sessions from the bar that the join found (0).
    session : (n,) int64 or None
        Local date of bar 0 of each row, in days since 1970: windows of dates that lie closer than a window is
        long share returns, and tests count what they share. None (or a negative day) where it is not known or
        where windows do not count sessions: then rows of different dates are taken to share nothing.
    """

    window: Floats
    estimation: Floats
    design: Floats
    event_design: Floats
    scale: Floats
    observations: Ints
    parameters: Ints
    covariance: Floats
    date: Ints
    instrument: Ints
    first: int
    session: Ints | None = None
