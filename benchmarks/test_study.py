"""10,000 events on 500 instruments: windows of 11 sessions, estimation windows of 250, every closed-form test."""

import numpy as np
import pytest

from aftershock.engine.studies.findings import BOOTSTRAPS, CLOSED
from aftershock.engine.studies.inference import tests_of
from aftershock.engine.studies.models import Measured, measure
from aftershock.engine.studies.windows import Series, Span

EVENTS, INSTRUMENTS, SESSIONS, DATES = 10_000, 500, 1_500, 500
SPAN = Span((0, 10), (-280, -31))


@pytest.fixture(scope="module")
def drawn():  # type: ignore[no-untyped-def]
    draw = np.random.default_rng(0)
    rows = INSTRUMENTS * SESSIONS
    offsets = np.arange(INSTRUMENTS + 1) * SESSIONS
    market = np.tile(draw.normal(0, 0.01, SESSIONS), INSTRUMENTS)
    own = market + draw.normal(0, 0.02, rows)
    series = Series(offsets, own, np.ones(rows), market[:, None].copy(), np.ones(rows, np.bool_))
    instrument = draw.integers(0, INSTRUMENTS, EVENTS)
    session = draw.integers(300, SESSIONS - 20, DATES)[draw.integers(0, DATES, EVENTS)]
    return series, instrument, offsets[instrument] + session, session


def fitted(drawn) -> Measured:  # type: ignore[no-untyped-def]
    series, instrument, due, session = drawn
    return measure(series, instrument, due, session, SPAN, "market", session=session + 15_000)


def test_fit_and_abnormal_returns(drawn, benchmark) -> None:  # type: ignore[no-untyped-def]
    found = benchmark(fitted, drawn)
    assert len(found.kept) == EVENTS


def test_with_every_closed_form_test(drawn, benchmark) -> None:  # type: ignore[no-untyped-def]
    """Each of the eleven sessions and their sum."""
    table = benchmark(lambda: tests_of(fitted(drawn).abnormal, tests=CLOSED))
    assert len(table) == 12 * len(CLOSED)


def test_10_000_draws_of_both_bootstraps(drawn, benchmark) -> None:  # type: ignore[no-untyped-def]
    abnormal = fitted(drawn).abnormal
    table = benchmark(lambda: tests_of(abnormal, [(0, 10)], tests=BOOTSTRAPS, draws=10_000))
    assert (table["p"] > 0).all()
