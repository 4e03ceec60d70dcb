"""The steps of an event study on loaded inputs: select, align, put markets beside, measure, average, test."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem
from aftershock.data.instants import DAY, to_ns
from aftershock.data.prices import Tape
from aftershock.data.universes import Universe
from aftershock.engine.recovery import planted_by_bar
from aftershock.engine.studies.abnormal import (
    Days,
    Line,
    days_of,
    series_of,
)
from aftershock.engine.studies.confounds import confounders
from aftershock.engine.studies.models import MODELS, SKIPPED, Measured, measure
from aftershock.engine.studies.windows import Flags, Span
from aftershock.engine.types import Floats, Integers
from aftershock.experiment import StudySection
from aftershock.inputs import Source, priced, simulated_beside
from aftershock.manifest import hashes_of, named, skipped_rows, warnings_of
from aftershock.run import Inputs
from aftershock.studies import Study, averages_of, codes_of
from aftershock.study_beside import Beside
from aftershock.study_groups import Grouped, group_tests
from aftershock.study_parts import (
    ar_table,
    as_text,
    car_table,
    clusters_of,
    coefficient_names,
    treatments_of,
)
from aftershock.study_signals import (
    Signals,
    confounded_of,
    events_of_signals,
    has_close_before,
    others_of,
    quiet_of,
    reach_of,
    signals_of,
)

SHOWN = (
    "event_id", "symbol", "venue", "market", "themes", "tag", "direction", "surprise", "phase", "year", "side",
    "weight", "known_by",
)  # fmt: skip
"""What the rows of a study keep of their signals."""


def measured_study(inputs: Inputs, factors: Source = None) -> Study:
    """Run a study on inputs that have been loaded.

    Raises
    ------
    InputError
        Nothing could be measured: the commonest reasons are named.
    """
    section, tape = inputs.experiment.study, inputs.tape
    at_close = inputs.experiment.strategy.entry == "close"
    scope = _priced(tape) if inputs.wanted is None else inputs.wanted
    signals = signals_of(inputs, scope)
    days = days_of(tape, bars=section.part == "bar")
    beside = inputs.beside
    if beside is None and tape.simulated and inputs.truth is not None:
        beside = simulated_beside(inputs.experiment, tape)
    touched = {*signals.table["symbol"]}
    lines = Beside(section, tape, days, beside, touched, factors)
    why = signals.table["why"].to_numpy(object).copy()
    row0 = np.where(signals.due >= 0, days.row_of[np.maximum(signals.due, 0)] if len(days.row_of) else -1, -1)
    why[(why == "") & ~has_close_before(days, signals.instrument, row0)] = "no_close_before"
    chosen = np.flatnonzero(why == "")
    told = {int(place): lines.of(int(place)) for place in np.unique(signals.instrument[chosen])}
    for place, code in ((place, one) for place, one in told.items() if isinstance(one, str)):
        why[chosen[signals.instrument[chosen] == place]] = code
    reach, known = reach_of(inputs, scope)
    rows = np.flatnonzero(why == "")
    event, story = events_of_signals(inputs, signals.table)
    around = confounders(
        tape, days.row_of, signals.instrument[rows], row0[rows], event[rows], story, known, reach, section.window,
        at_close=at_close,
    )  # fmt: skip
    counted = around["level"].isin(section.confounded_by).to_numpy(bool)
    count = np.bincount(around["row"].to_numpy()[counted], minlength=len(rows))
    if section.confounded == "exclude":
        why[rows[count > 0]] = "confounded"
    given = {place: one for place, one in told.items() if not isinstance(one, str)}
    quiet = quiet_of(tape, days, reach, known, section.window, at_close=at_close) if section.quiet else None
    blocks = [
        _planted(
            inputs, days, _block(section, tape, days, given, part, signals, row0, rows, why, quiet), row0
        )
        for part in section.parts
    ]
    return _told(inputs, scope, signals, blocks, around, rows, count, why, beside, lines)


def _priced(tape: Tape) -> Universe:
    """Take everything that has prices; index levels only where there is nothing else."""
    found = priced(tape)
    kept = tuple(one for one in found.instruments if one.kind != "index")
    return replace(found, instruments=kept) if kept else found


class _Block(NamedTuple):
    """One part of a study: what was measured, and which of the signals it is."""

    part: str
    measured: Measured
    signal: Integers
    why: Any
    rows: pd.DataFrame
    ar: pd.DataFrame
    car: pd.DataFrame
    planted: Floats | None = None


def _planted(inputs: Inputs, days: Days, block: _Block, row0: Integers) -> _Block:
    """Put beside a part what the simulated market planted in its windows."""
    if inputs.truth is None:
        return block
    gap, session = planted_by_bar(inputs.tape, inputs.truth)
    whole = {"gap": gap, "session": session}.get(block.part, gap + session)
    first, last = inputs.experiment.study.window
    at = row0[block.signal][:, None] + np.arange(first, last + 1)
    place = block.measured.abnormal.instrument
    there = (at >= days.offsets[place][:, None]) & (at < days.offsets[place + 1][:, None])
    side = block.rows["side"].to_numpy(np.float64)[:, None]
    return block._replace(planted=np.where(there, whole[np.where(there, at, 0)] * side, 0.0))


def _block(
    section: StudySection,
    tape: Tape,
    days: Days,
    lines: Mapping[int, Sequence[Line]],
    part: str,
    signals: Signals,
    row0: Integers,
    rows: Integers,
    why: Any,
    quiet: Flags | None,
) -> _Block:
    log = section.returns == "log"
    series = series_of(tape, days, lines, part, log=log, quiet=quiet)
    chosen = rows[why[rows] == ""]
    table = signals.table.iloc[chosen]
    date = to_ns(table["known_by"]) // DAY
    # Windows in bars do not overlap as their sessions do.
    session = days.session[row0[chosen]] if len(chosen) and part != "bar" else None
    found = measure(
        series, signals.instrument[chosen], row0[chosen], date, Span(section.window, section.estimation),
        section.model, least=section.min_observations, side=table["side"].to_numpy(np.float64), session=session,
        log=log,
    )  # fmt: skip
    left = why.copy()
    left[chosen] = found.why
    kept = chosen[found.kept]
    told = _rows(section, tape, days, part, signals, row0, kept, found)
    ar = ar_table(section, days, part, told, row0[kept], found)
    return _Block(part, found, kept, left, told, ar, car_table(section, part, told, found))


def _rows(
    section: StudySection,
    tape: Tape,
    days: Days,
    part: str,
    signals: Signals,
    row0: Integers,
    kept: Integers,
    found: Measured,
) -> pd.DataFrame:
    table = signals.table.iloc[kept].reset_index(drop=True)[list(SHOWN)]
    known = to_ns(table["known_by"])
    names = coefficient_names(section.model, found.coefficients.shape[1])
    session = days.session[row0[kept]] if len(kept) else np.zeros(0, np.int64)
    return table.assign(
        part=part,
        date=(known // DAY).astype("M8[D]").astype("M8[ns]"),
        session=session.astype("M8[D]").astype("M8[ns]"),
        cluster=clusters_of(known // DAY, session).astype("M8[D]").astype("M8[ns]"),
        known_offset=_known_offset(days, signals.instrument[kept], row0[kept], known),
        observations=found.abnormal.observations,
        residual_deviation=found.abnormal.scale,
        **{name: found.coefficients[:, at] for at, name in enumerate(names)},
    )


def _known_offset(days: Days, instrument: Integers, row0: Integers, known: Integers) -> Integers:
    """Give the first session, in event time, that ends after the news is known."""
    offset = np.zeros(len(row0), np.int64)
    for place in np.unique(instrument):
        rows = np.flatnonzero(instrument == place)
        first, end = int(days.offsets[place]), int(days.offsets[place + 1])
        after = first + np.searchsorted(days.closes_at[first:end], known[rows], side="right")
        offset[rows] = np.minimum(after - row0[rows], 0)
    return offset


# --------------------------------------------------------------------------------------- putting together


def _told(
    inputs: Inputs,
    scope: Universe,
    signals: Signals,
    blocks: Sequence[_Block],
    around: pd.DataFrame,
    rows: Integers,
    count: Integers,
    why: Any,
    beside: Tape | None,
    lines: Beside,
) -> Study:
    section, seed = inputs.experiment.study, inputs.experiment.run.seed
    skipped = _skipped(inputs, signals, blocks, why)
    if not sum(len(block.signal) for block in blocks):
        raise _nothing(skipped, section)
    table = pd.concat([block.rows for block in blocks], ignore_index=True)
    ar = pd.concat([block.ar for block in blocks], ignore_index=True)
    car = pd.concat([block.car for block in blocks], ignore_index=True)
    groupings: list[str | None] = [None, *section.by]
    averages = pd.concat(
        [averages_of(table, ar, section.parts, by, section.coverage) for by in groupings], ignore_index=True
    )
    treatments = pd.concat(
        [_treatments(inputs, block, around, rows, count) for block in blocks], ignore_index=True
    )
    tested = [
        [each.assign(part=block.part) for each in _tested(block, by, section, seed)]
        for block in blocks
        for by in groupings
    ]
    tests, power = (pd.concat([each[at] for each in tested], ignore_index=True) for at in (0, 1))
    confounded = confounded_of(
        inputs, signals, around, rows, np.unique(np.concatenate([block.signal for block in blocks]))
    )
    return Study(
        manifest=_manifest(inputs, scope, signals, table, skipped, confounded, beside, lines),
        experiment=inputs.experiment.to_toml(),
        rows=as_text(table),
        ar=ar,
        car=as_text(car),
        averages=as_text(averages),
        tests=as_text(tests),
        power=as_text(power),
        skipped=skipped,
        confounded=confounded,
        treatments=as_text(treatments),
    )


def _tested(block: _Block, by: str | None, section: StudySection, seed: int) -> Grouped:
    return group_tests(block.measured, block.rows, by, section, seed, block.planted)


def _skipped(inputs: Inputs, signals: Signals, blocks: Sequence[_Block], why: Any) -> pd.DataFrame:
    """List whatever is not in the study, each with its reason; a part is named where there are several."""
    left_out = pd.DataFrame(
        skipped_rows(inputs.loaded.skipped), columns=["event_id", "symbol", "code", "reason"]
    )
    found = [left_out.assign(part=""), signals.passed.assign(part="")]
    found.append(_reasons(signals, why, np.flatnonzero(why != ""), ""))
    for block in blocks:
        own = np.flatnonzero((block.why != "") & (why == ""))
        found.append(_reasons(signals, block.why, own, block.part if len(blocks) > 1 else ""))
    table = pd.concat(found, ignore_index=True)
    return table[["event_id", "symbol", "part", "code", "reason"]].astype("str")


def _reasons(signals: Signals, why: Any, rows: Integers, part: str) -> pd.DataFrame:
    code = why[rows]
    told = signals.table.iloc[rows][["event_id", "symbol"]]
    return told.assign(code=code, reason=[SKIPPED[each] for each in code], part=part)


def _nothing(skipped: pd.DataFrame, section: StudySection) -> InputError:
    if skipped.empty:
        return InputError(Problem("events to study", "none", "look at [events] and the tags of the strategy"))
    # What the study itself could not use says more than what the strategy passed over.
    counts = skipped.loc[skipped["code"].isin(list(SKIPPED)), "code"].value_counts()
    counts = counts if len(counts) else skipped["code"].value_counts()
    code = str(counts.index[0])
    reason = skipped.loc[skipped["code"] == code, "reason"].iloc[0]
    cures = {
        "no_side": "set signed = false to study events as they are",
        "no_surprise": "set signed = false to study events as they are",
        "no_impact": "set signed = false to study events as they are",
        "no_market": "name one (market = \"N225\"), or take model = 'mean' or 'control'",
        "no_control": "name control symbols, or take model = 'market'",
        "no_us": "give prices of SPX, or take model = 'market'",
        "short_history": f"give prices from before, or shorten estimation = {section.estimation}",
        "few_observations": "lower min_observations, or widen estimation",
    }
    cure = cures.get(code, "look at events, prices and universe")
    return InputError(
        Problem(
            "at least one event on an instrument that can be measured",
            f"{len(skipped)} that cannot: most because {reason}",
            cure,
        )
    )


def _treatments(
    inputs: Inputs, block: _Block, around: pd.DataFrame, rows: Integers, count: Integers
) -> pd.DataFrame:
    """Set the effect with confounded events kept, excluded, down-weighted and regressed out side by side."""
    section = inputs.experiment.study
    place = pd.Series(np.arange(len(rows)), index=rows)
    own = place.reindex(block.signal).to_numpy(np.int64)
    others = others_of(inputs, around, len(rows), section.confounded_by)[own]
    side = block.rows["side"].to_numpy(np.float64)[:, None]
    return treatments_of(section, block.part, block.car, codes_of(block.rows), count[own], others * side)


def _manifest(
    inputs: Inputs,
    scope: Universe,
    signals: Signals,
    rows: pd.DataFrame,
    skipped: pd.DataFrame,
    confounded: pd.DataFrame,
    beside: Tape | None,
    lines: Beside,
) -> dict[str, Any]:
    experiment, tape = inputs.experiment, inputs.tape
    section = experiment.study
    first_part = rows[rows["part"] == section.parts[0]]
    crowded = confounded[confounded["level"].isin(section.confounded_by)]
    counts = {
        "events": len(inputs.loaded.frame),
        "signals": len(signals.table),
        "rows": len(first_part),
        "events_measured": int(first_part["event_id"].nunique()),
        "symbols": int(first_part["symbol"].nunique()),
        "event_dates": int(first_part["cluster"].nunique()),
        "largest_date": int(first_part["cluster"].value_counts().max()) if len(first_part) else 0,
        "confounded": len(crowded[["event_id", "symbol"]].drop_duplicates()),
        "skipped": {str(code): int(count) for code, count in skipped["code"].value_counts().items()},
    }
    return {
        **named(tape, experiment, scope),
        "kind": "study",
        "settings": section.model_dump(mode="json") | {"cars": [list(each) for each in section.sums]},
        "expected": MODELS[section.model].told,
        "beside": lines.named,
        "period": {
            "first": first_part["session"].min().strftime("%Y-%m-%d") if len(first_part) else None,
            "last": first_part["session"].max().strftime("%Y-%m-%d") if len(first_part) else None,
        },
        "counts": counts,
        "hashes": {
            **hashes_of(inputs.loaded, tape, experiment),
            "beside": "" if beside is None else beside.digest(),
            "experiment": hashlib.sha256(
                (replace(experiment, sweep=type(experiment.sweep)()).to_toml()).encode()
            ).hexdigest(),
        },
        "caveats": _caveats(tape, scope, section, counts),
        "warnings": warnings_of(inputs.loaded, tape),
    }


def _caveats(tape: Tape, scope: Universe, section: StudySection, counts: dict[str, Any]) -> list[str]:
    found = [
        "SIMULATED: every price was made by a seeded model; no figure says anything of real markets. No effect is "
        "planted in the indices that are simulated beside."
        if tape.simulated
        else scope.survivorship
    ]
    if MODELS[section.model].beside == "market" and not tape.simulated:
        found.append(
            "The market's own move is taken out. News that moves whole markets (rates, tariffs) shows here only as far "
            "as the names moved more or less than their beta says: set model = 'control' or 'mean' beside it."
        )
    rows, dates = counts["rows"], counts["event_dates"]
    if dates and rows / dates >= 2:
        found.append(
            f"{rows:,} rows share {dates:,} event dates, up to {counts['largest_date']:,} of them one: the dates are "
            "the independent observations, and tests that count rows see too much."
        )
    if counts["confounded"]:
        found.append(
            f"Into {counts['confounded']:,} of {rows:,} windows another event fell "
            f"(same {' or '.join(section.confounded_by)}): the report shows the effect without them."
        )
    return found
