"""Models of what an instrument would have returned without the event, and abnormal returns by them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aftershock.engine.studies import kernels
from aftershock.engine.studies.kernels import Fitted
from aftershock.engine.studies.types import Abnormal, Floats, Ints
from aftershock.engine.studies.windows import Flags, Series, Span


class Model(NamedTuple):
    """What is expected of an instrument: in words, and how it is fitted.

    Attributes
    ----------
    told : str
        In a sentence of a report.
    constant : bool
        Whether a constant is fitted.
    offset : bool
        Whether the first factor itself is what is expected.
    fits : bool
        Whether factors have coefficients.
    beside : str
        What stands as the first factor: ``market``, ``control``, or "" (none).
    """

    told: str
    constant: bool
    offset: bool
    fits: bool
    beside: str


MODELS: dict[str, Model] = {
    "raw": Model("nothing: returns as they are", False, True, False, ""),
    "mean": Model("the mean of the estimation window", True, False, False, ""),
    "market_adjusted": Model("the market's return", False, True, False, "market"),
    "market": Model(
        "alpha and beta times the market's return, by least squares", True, False, True, "market"
    ),
    "scholes_williams": Model(
        "alpha and beta times the market's return, beta for closes that are not synchronous",
        True,
        False,
        True,
        "market",
    ),
    "market_us": Model(
        "the market's return and last night's US return, by least squares", True, False, True, "market"
    ),
    "factors": Model("the returns of the factors of a file, by least squares", True, False, True, ""),
    "control": Model("the mean return of names that the events do not reach", False, True, False, "control"),
}
"""The models of expected returns by name."""

SKIPPED: dict[str, str] = {
    "ambiguous": "its stamp leaves open whether it came before or after a cut-off",
    "recap": "it comes from a text that tells moves: it was selected on outcome",
    "no_prices": "there are no prices of the instrument",
    "no_bar": "the prices end before the bar at which it was due",
    "lapsed": "no bar soon after the event: it was suspended, or its prices begin later",
    "no_close_before": "there is no close of it before the event",
    "no_market": "there is no market index for its venue among the prices",
    "is_market": "it is the market that it would be held against",
    "no_us": "there is no US index among the prices",
    "no_control": "too few names of its market are untouched by the events",
    "no_factors": "the file of factors has no returns of that time",
    "short_history": "its history is too short for the estimation window",
    "few_observations": "too few returns in the estimation window",
    "collinear": "its factors cannot be told apart in the estimation window",
    "no_variance": "its returns did not vary in the estimation window",
    "no_returns": "it has no return in the event window",
    "confounded": "another event falls into its window",
}
"""Why an event on an instrument is not in a study."""


class Measured(NamedTuple):
    """What a model gives for n events on instruments.

    Attributes
    ----------
    abnormal : Abnormal
        The rows that could be measured, in the order they were given.
    returns, expected : (m, w) float64
        Of the event window.
    coefficients : (m, k) float64
        Constant first; those of the returns as they are, whatever the side.
    kept : (m,) int64
        Which of the n rows they are.
    why : (n,) object
        "" where a row is kept, else a key of ``SKIPPED``.
    log : bool
        Whether returns are logarithms.
    """

    abnormal: Abnormal
    returns: Floats
    expected: Floats
    coefficients: Floats
    kept: Ints
    why: np.ndarray
    log: bool


def measure(
    series: Series,
    instrument: Ints,
    due: Ints,
    date: Ints,
    span: Span,
    model: str = "market",
    *,
    least: int = 60,
    side: Floats | None = None,
    session: Ints | None = None,
    log: bool = False,
) -> Measured:
    """Fit a model to each event on an instrument and give abnormal returns.

    Parameters
    ----------
    series : Series
        Returns, and the factors that the model needs (none for ``raw`` and ``mean``).
    instrument, due, date : ndarray of int64, shape (n,)
        Position of the instrument in the series, the row that is event time 0, and a code of the event date.
    span : Span
        Event and estimation window.
    model : str
        A key of ``MODELS``.
    least : int
        The fewest returns in an estimation window.
    side : ndarray of float64, shape (n,), optional
        1 or -1: returns are taken in this direction.
    session : ndarray of int64, shape (n,), optional
        Local date of event time 0, in days since 1970.
    log : bool
        Whether returns are logarithms, which decides how they add up.

    Returns
    -------
    Measured

    Notes
    -----
    Residual variance is the sum of squares over observations less parameters; the covariance of forecast errors is
    that of a regression (Campbell, Lo and MacKinlay, 1997, equation 4.4.6), with the span of a return in the place of 1
    on its diagonal. Scholes and Williams (1977), equations 18 and 19, leave out returns that span several sessions.

    Examples
    --------
    >>> market = np.array([0.01, -0.01, 0.01, -0.01, 0.01])
    >>> own = 2 * market + np.array([0.001, 0.001, -0.001, -0.001, 0.03])
    >>> series = Series(np.array([0, 5]), own, np.ones(5), market[:, None], np.ones(5, bool))
    >>> zero = np.array([0])
    >>> found = measure(series, zero, np.array([4]), zero, Span((0, 0), (-4, -1)), least=3)
    >>> found.coefficients.round(9)[0, 1], found.abnormal.window.round(9).tolist()
    (np.float64(2.0), [[0.03]])
    """
    chosen = MODELS[model]
    given = _given(series, chosen)
    if model == "scholes_williams":
        fitted = _lead_and_lag(given, instrument, due, span)
    else:
        fitted = kernels.fit(
            given, instrument, due, span.window, span.estimation, chosen.constant, chosen.offset
        )
    why = _why(fitted, span, least)
    kept = np.flatnonzero(why == "")
    if side is not None:
        fitted = _towards(fitted, side)
    if len(kept) < len(why):
        fitted = fitted._replace(**{name: part[kept] for name, part in fitted._asdict().items()})
    abnormal = Abnormal(
        window=fitted.window,
        estimation=fitted.estimation,
        design=fitted.design,
        event_design=fitted.event_design,
        scale=fitted.scale,
        observations=fitted.observations,
        parameters=np.full(len(kept), fitted.design.shape[2], np.int64),
        covariance=fitted.covariance,
        date=date[kept],
        instrument=instrument[kept],
        first=span.window[0],
        session=None if session is None else session[kept],
    )
    return Measured(abnormal, fitted.returns, fitted.expected, fitted.coefficients, kept, why, log)


def _given(series: Series, model: Model) -> Series:
    """Give a series the columns of factors that its model looks at."""
    if model.offset and not model.beside:
        return series._replace(factors=np.zeros((len(series.value), 1)))
    if not model.offset and not model.fits:
        return series._replace(factors=np.zeros((len(series.value), 0)))
    return series


def _why(fitted: Fitted, span: Span, least: int) -> np.ndarray:
    """Name why rows are not measured; the first reason stands."""
    parameters = fitted.design.shape[2]
    enough = max(least, parameters + 2) if least else 0
    tests: list[tuple[str, Flags]] = [
        ("short_history", fitted.history < min(enough, span.estimated)),
        ("few_observations", fitted.observations < enough),
        ("collinear", ~fitted.solved),
        ("no_variance", ~(fitted.scale > 1e-12) if enough else np.zeros(len(fitted.scale), np.bool_)),
        ("no_returns", np.asarray(np.isnan(fitted.window).all(axis=1))),
    ]
    why = np.full(len(fitted.history), "", object)
    for name, found in reversed(tests):
        why[found] = name
    return why


def _towards(fitted: Fitted, side: Floats) -> Fitted:
    """Turn returns round where the event is bad for the instrument."""
    turn = side[:, None]
    return fitted._replace(
        returns=fitted.returns * turn,
        expected=fitted.expected * turn,
        window=fitted.window * turn,
        estimation=fitted.estimation * turn,
    )


def _lead_and_lag(series: Series, instrument: Ints, due: Ints, span: Span) -> Fitted:
    """Fit the market model with the market's return before and after; both must lie in the estimation window."""
    single = np.where(series.span > 1.0, np.nan, series.value)
    y, x, there = _cut(series, single, instrument, due, span.estimation)
    before, after = (np.full_like(x, np.nan) for _ in range(2))
    before[:, 1:], after[:, :-1] = x[:, :-1], x[:, 1:]
    used = np.isfinite(y) & np.isfinite(x) & np.isfinite(before) & np.isfinite(after)
    count = used.sum(axis=1)

    def centred(values: Floats) -> Floats:
        mean = np.where(used, values, 0.0).sum(axis=1) / np.maximum(count, 1)
        return np.where(used, values - mean[:, None], 0.0)

    own, now, lag, lead = map(centred, (y, x, before, after))
    with np.errstate(invalid="ignore", divide="ignore"):
        slopes = sum((own * each).sum(axis=1) / (each**2).sum(axis=1) for each in (lag, now, lead))
        rho = (now * lag).sum(axis=1) / np.sqrt((now**2).sum(axis=1) * (lag**2).sum(axis=1))
        beta = slopes / (1.0 + 2.0 * rho)
        mean_y, mean_x = (np.where(used, values, 0.0).sum(axis=1) / count for values in (y, x))
        alpha = mean_y - beta * mean_x
    solved = np.isfinite(beta)
    residual = np.where(used, y - alpha[:, None] - beta[:, None] * x, np.nan)
    design = np.where(used[:, :, None], np.stack([np.ones_like(x), x], axis=2), np.nan)
    degrees = np.maximum(count - 2, 1)
    scale = np.where(count > 2, np.sqrt(np.nansum(residual**2, axis=1) / degrees), np.nan)
    event_y, event_x, _ = _cut(series, series.value, instrument, due, span.window)
    steps, _, _ = _cut(series, series.span, instrument, due, span.window)
    event_x = np.where(np.isfinite(event_y), event_x, np.nan)
    event_design = np.stack([np.where(np.isfinite(event_x), steps, np.nan), event_x], axis=2)
    expected = alpha[:, None] * event_design[:, :, 0] + beta[:, None] * event_x
    filled = np.nan_to_num(design)
    cross = np.einsum("nlj,nlo->njo", filled, filled)
    cross[~solved] = np.eye(2)
    inverse = np.linalg.inv(cross)
    covariance = np.einsum("ntj,njo,nso->nts", event_design, inverse, event_design)
    diagonal = np.arange(span.sessions)
    covariance[:, diagonal, diagonal] += event_design[:, :, 0]
    return Fitted(
        returns=event_y,
        expected=expected,
        window=event_y - expected,
        estimation=residual,
        design=design,
        event_design=event_design,
        coefficients=np.stack([alpha, beta], axis=1),
        scale=scale,
        observations=count.astype(np.int64),
        covariance=covariance,
        solved=solved,
        history=there.sum(axis=1),
    )


def _cut(
    series: Series, values: Floats, instrument: Ints, due: Ints, window: tuple[int, int]
) -> tuple[Floats, Floats, Flags]:
    """Cut a window of values and of the first factor out; NaN beyond the instrument's rows."""
    rows = due[:, None] + np.arange(window[0], window[1] + 1)
    first, end = series.offsets[instrument][:, None], series.offsets[instrument + 1][:, None]
    there = (rows >= first) & (rows < end)
    rows = np.where(there, rows, 0)
    inside = there & (series.quiet[rows] if window[1] < 0 else True)
    return (
        np.where(inside, values[rows], np.nan),
        np.where(there, series.factors[rows, 0], np.nan),
        there,
    )
