"""Event studies of a table of returns: no tape, no calendar, event time in the rows of the table."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.instants import DAY
from aftershock.engine.studies.abnormal import Days
from aftershock.engine.studies.models import MODELS, SKIPPED, measure
from aftershock.engine.studies.windows import Series, Span
from aftershock.engine.types import Floats, Integers
from aftershock.experiment import STUDY_GROUPS, StudySection
from aftershock.studies import Study, averages_of
from aftershock.study_groups import group_tests
from aftershock.study_parts import ar_table, as_text, car_table, coefficient_names, treatments_of

ONE = ("market", "market_adjusted", "scholes_williams", "control")
"""Models that look at one series beside the returns."""


def study_returns(
    table: pd.DataFrame,
    events: pd.DataFrame,
    market: pd.Series[float] | pd.DataFrame | None = None,
    *,
    name: str = "study",
    seed: int = 0,
    **settings: Any,
) -> Study:
    """Study a table of returns around given dates.

    Parameters
    ----------
    table : DataFrame
        Rows in time order, with the date (or instant) as the index or in a column ``date``; a column of returns
        (shares: 0.01 is 1 %) for each name, NaN where there is none.
    events : DataFrame
        ``name`` (a column of ``table``) and ``when``: event time 0 is the first row at or after it. ``event_id``,
        ``side`` (1 or -1) and groups such as ``tag`` where there are some.
    market : Series or DataFrame, optional
        Returns of the market on the same rows; or of several factors for the model ``factors``; or, with the columns of
        ``table``, of the market or control group of each name.
    name : str
        What to call the study.
    seed : int
        Of the bootstraps.
    **settings
        The rest of `aftershock.experiment.StudySection`: ``model="market"``, ``window=(-5, 10)``, ...

    Returns
    -------
    Study
        As `study` gives it.

    Raises
    ------
    InputError
        A name or date that the table does not have, a market that the model needs, or settings that cannot be used.

    Examples
    --------
    >>> draw = np.random.default_rng(3).normal(0, 0.01, (100, 2))
    >>> days = pd.bdate_range("2024-01-01", periods=100)
    >>> returns = pd.DataFrame({"A": draw[:, 0] + 2 * draw[:, 1]}, index=days)
    >>> events = pd.DataFrame({"name": ["A"], "when": [days[90]]})
    >>> market = pd.Series(draw[:, 1], days)
    >>> found = study_returns(returns, events, market, window=(0, 2), estimation=(-80, -1), draws=0)
    >>> float(found.rows["beta"].round(1).iloc[0])
    2.0
    """
    if settings.get("model") == "factors":
        settings["factors"] = "given in memory"
    section = StudySection(**settings)
    table = _dated(table)
    names = [str(each) for each in table.columns]
    index = pd.DatetimeIndex(table.index)
    found = _events(events, names, index)
    factors = _factors(market, table, section.model)
    n = len(table)
    session = (index.as_unit("ns").asi8 // DAY).astype(np.int64)
    days = _days(session, len(names), n)
    series = Series(
        days.offsets,
        np.ascontiguousarray(table.to_numpy(np.float64).T).ravel(),
        np.ones(n * len(names)),
        factors,
        np.ones(n * len(names), bool),
    )
    log = section.returns == "log"
    chosen = np.flatnonzero(found["why"] == "")
    instrument = found["instrument"].to_numpy(np.int64)[chosen]
    due = instrument * n + found["row"].to_numpy(np.int64)[chosen]
    date = session[found["row"].to_numpy(np.int64)[chosen]]
    side = found["side"].to_numpy(np.float64)[chosen]
    # Windows count rows: where several share a day, days do not say how windows overlap.
    daily = len(np.unique(session)) == n
    measured = measure(
        series, instrument, due, date, Span(section.window, section.estimation), section.model,
        least=section.min_observations, side=side, session=date if daily else None,
        log=log,
    )  # fmt: skip
    why = found["why"].to_numpy(object).copy()
    why[chosen] = measured.why
    kept = chosen[measured.kept]
    if not len(kept):
        counts = pd.Series(why).value_counts()
        cure = "look at dates, estimation window and min_observations"
        got = (
            f"{len(why)} that cannot: most because {SKIPPED[str(counts.index[0])]}" if len(counts) else "none"
        )
        raise InputError(Problem("at least one event that can be measured", got, cure))
    rows = _rows(found.iloc[kept], session, measured.abnormal.observations, measured.abnormal.scale)
    coefficients = coefficient_names(section.model, measured.coefficients.shape[1])
    rows = rows.assign(**{key: measured.coefficients[:, at] for at, key in enumerate(coefficients)})
    ar = ar_table(section, days, "day", rows, due[measured.kept], measured)
    car = car_table(section, "day", rows, measured)
    by = [None, *(key for key in section.by if key in events)]
    tested = [group_tests(measured, rows, each, section, seed) for each in by]
    nothing = np.zeros(len(rows), np.int64)
    code = why[why != ""]
    skipped = found.loc[why != "", ["event_id", "symbol"]].assign(
        part="", code=code, reason=[SKIPPED[each] for each in code]
    )
    columns = ["event_id", "symbol", "level", "other_event_id", "other_tag", "other_direction", "offset"]
    return Study(
        manifest=_manifest(name, seed, section, rows, skipped, len(names)),
        experiment="",
        rows=as_text(rows),
        ar=ar,
        car=as_text(car),
        averages=as_text(
            pd.concat(
                [averages_of(rows, ar, ["day"], each, section.coverage) for each in by], ignore_index=True
            )
        ),
        tests=as_text(pd.concat([each.tests.assign(part="day") for each in tested], ignore_index=True)),
        power=as_text(pd.concat([each.power.assign(part="day") for each in tested], ignore_index=True)),
        skipped=as_text(skipped.reset_index(drop=True)),
        confounded=pd.DataFrame(columns=columns),
        treatments=treatments_of(section, "day", car, date[measured.kept], nothing, np.zeros((len(rows), 1))),
    )


def _dated(table: pd.DataFrame) -> pd.DataFrame:
    """Put the dates into the index."""
    if "date" in table.columns:
        table = table.set_index("date")
    try:
        index = pd.DatetimeIndex(pd.to_datetime(table.index, utc=True))
    except (ValueError, TypeError) as error:
        cure = "put dates into the index or a column date"
        raise InputError(Problem("returns by date", str(error), cure)) from None
    if not index.is_monotonic_increasing or index.has_duplicates:
        raise InputError(Problem("returns in time order, each date once", "others", "sort them by date"))
    return table.set_axis(index, axis=0)


def _events(events: pd.DataFrame, names: list[str], index: pd.DatetimeIndex) -> pd.DataFrame:
    missing = [key for key in ("name", "when") if key not in events]
    if missing:
        got = f"columns {', '.join(map(str, events.columns))}"
        raise InputError(Problem("columns name and when in events", got, f"name {missing[0]}"))
    for each in events["name"]:
        if str(each) not in names:
            raise InputError(Problem("a name of the returns", f"'{each}'", did_you_mean(str(each), names)))
    when = pd.DatetimeIndex(pd.to_datetime(events["when"], utc=True))
    row = index.searchsorted(when)
    texts = {key: "" for key in STUDY_GROUPS if key not in ("theme", "symbol", "year")}
    table = pd.DataFrame({key: events[key].to_numpy() if key in events else value for key, value in texts.items()}
                         , index=range(len(events)))  # fmt: skip
    symbol = [str(each) for each in events["name"]]
    given = events["event_id"].astype(str).to_numpy() if "event_id" in events else None
    return table.assign(
        event_id=[f"{each}-{day:%Y-%m-%d}" for each, day in zip(symbol, when, strict=True)]
        if given is None
        else given,
        symbol=symbol,
        venue="",
        themes="",
        year=when.year.astype("str"),
        side=events["side"].to_numpy(np.float64) if "side" in events else 1.0,
        weight=1.0,
        known_by=when,
        instrument=[names.index(each) for each in symbol],
        row=np.minimum(row, len(index) - 1),
        why=np.where(row < len(index), "", "no_bar").astype(object),
    )


def _factors(market: Any, table: pd.DataFrame, model: str) -> Floats:
    """Lay the market's or the factors' returns out for every row of every name."""
    n, names = len(table), list(table.columns)
    if market is None:
        if MODELS[model].beside or MODELS[model].fits:
            cure = "give market, or take model = 'mean' or 'raw'"
            raise InputError(Problem(f"returns of a market with model = '{model}'", "none", cure))
        return np.zeros((n * len(names), 0))
    beside = market.to_frame() if isinstance(market, pd.Series) else market
    beside = _dated(beside).reindex(table.index)
    if model in ONE and list(beside.columns) == names:
        return np.ascontiguousarray(beside.to_numpy(np.float64).T).reshape(-1, 1)
    if model in ONE and beside.shape[1] != 1:
        got = f"{beside.shape[1]} columns"
        raise InputError(Problem("one column of market returns, or one for each name", got, "choose one"))
    return np.tile(beside.to_numpy(np.float64), (len(names), 1))


def _days(session: Integers, names: int, n: int) -> Days:
    tiled, nothing = np.tile(session, names), np.full(n * names, np.nan)
    order = np.arange(n * names)
    return Days(
        np.arange(names + 1) * n,
        tiled,
        np.tile(np.arange(n), names),
        tiled * DAY,
        tiled * DAY,
        nothing,
        nothing,
        order,
    )


def _rows(found: pd.DataFrame, session: Integers, observations: Integers, scale: Floats) -> pd.DataFrame:
    zero = session[found["row"].to_numpy(np.int64)].astype("M8[D]").astype("M8[ns]")
    return found.drop(columns=["instrument", "row", "why"]).reset_index(drop=True).assign(
        part="day", date=zero, cluster=zero, session=zero, known_offset=0, observations=observations,
        residual_deviation=scale,
    )  # fmt: skip


def _manifest(
    name: str, seed: int, section: StudySection, rows: pd.DataFrame, skipped: pd.DataFrame, names: int
) -> dict[str, Any]:
    dates = rows["date"].value_counts()
    return {
        "aftershock": version("aftershock"),
        "kind": "study",
        "name": name,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "simulated": False,
        "seed": seed,
        "strategy": "",
        "universe": {"name": f"{names} columns of returns", "instruments": names},
        "settings": section.model_dump(mode="json") | {"cars": [list(each) for each in section.sums]},
        "expected": MODELS[section.model].told,
        "beside": {},
        "period": {
            key: f"{day:%Y-%m-%d}"
            for key, day in (("first", rows["date"].min()), ("last", rows["date"].max()))
        },
        "counts": {
            "events": len(rows) + len(skipped),
            "signals": len(rows) + len(skipped),
            "rows": len(rows),
            "events_measured": len(rows),
            "symbols": int(rows["symbol"].nunique()),
            "event_dates": len(dates),
            "largest_date": int(dates.max()),
            "confounded": 0,
            "skipped": {str(code): int(count) for code, count in skipped["code"].value_counts().items()},
        },
        "hashes": {},
        "caveats": ["Event time counts the rows of the table; no calendar and no join stands behind it."],
        "warnings": [],
    }
