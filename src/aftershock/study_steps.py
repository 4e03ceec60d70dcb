"""The steps of an event study on loaded inputs: select, align, put markets beside, measure, average, test."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem
from aftershock.data.instants import DAY, to_ns
from aftershock.data.prices import Tape
from aftershock.data.tables import read_table
from aftershock.data.universes import Universe, universe
from aftershock.data.venues import venue
from aftershock.engine.align import align_signals
from aftershock.engine.portfolio import entries_of
from aftershock.engine.studies.abnormal import (
    MARKET_INDICES,
    US,
    Days,
    Line,
    control_line,
    days_of,
    factor_lines,
    line_of,
    series_of,
)
from aftershock.engine.studies.confounds import LEVELS, Reach, confounders, reaches
from aftershock.engine.studies.models import MODELS, SKIPPED, Measured, measure
from aftershock.engine.studies.windows import Flags, Span
from aftershock.engine.types import Floats, Integers
from aftershock.engine.waterfall import NEAR
from aftershock.experiment import StudySection
from aftershock.inputs import Source, priced, simulated_beside
from aftershock.manifest import skipped_rows, warnings_of
from aftershock.run import Inputs
from aftershock.strategies.select import event_side, pairs_of, select
from aftershock.studies import Study, averages_of
from aftershock.study_parts import ar_table, as_text, car_table, coefficient_names, treatments_of
from aftershock.study_tests import group_tests

SHOWN = (
    "event_id", "symbol", "venue", "market", "themes", "tag", "direction", "surprise", "phase", "year", "side",
    "weight", "known_by",
)  # fmt: skip
"""What the rows of a study keep of their signals."""


class Signals(NamedTuple):
    """Signals with their bars.

    Attributes
    ----------
    table : DataFrame
        The aligned signals, with ``why``: "" where a signal has a bar, else a key of ``SKIPPED``.
    instrument, due : ndarray of int64, shape (n,)
        Segment and bar of event time 0; -1 where there is none.
    passed : DataFrame
        What became no signal: ``event_id, symbol, code, reason``.
    """

    table: pd.DataFrame
    instrument: Integers
    due: Integers
    passed: pd.DataFrame


def measured_study(inputs: Inputs, factors: Source = None) -> Study:
    """Run a study on inputs that have been loaded.

    Raises
    ------
    InputError
        Nothing could be measured: the commonest reasons are named.
    """
    section, tape = inputs.experiment.study, inputs.tape
    scope = priced(tape) if inputs.wanted is None else inputs.wanted
    signals = _signals(inputs, scope)
    days = days_of(tape, bars=section.part == "bar")
    beside = inputs.beside
    if beside is None and tape.simulated and inputs.truth is not None:
        beside = simulated_beside(inputs.experiment, tape, inputs.loaded)
    lines = _Lines(section, tape, days, beside, signals, factors)
    why = signals.table["why"].to_numpy(object).copy()
    row0 = np.where(signals.due >= 0, days.row_of[np.maximum(signals.due, 0)] if len(days.row_of) else -1, -1)
    why[(why == "") & ~_has_close_before(days, signals.instrument, row0)] = "no_close_before"
    chosen = np.flatnonzero(why == "")
    told = {int(place): lines.of(int(place)) for place in np.unique(signals.instrument[chosen])}
    for place, code in ((place, one) for place, one in told.items() if isinstance(one, str)):
        why[chosen[signals.instrument[chosen] == place]] = code
    reach, known = _reach(inputs, scope)
    rows = np.flatnonzero(why == "")
    event, story = _events_of(inputs, signals.table)
    around = confounders(
        tape, days.row_of, signals.instrument[rows], row0[rows], event[rows], story, known, reach, section.window,
        at_close=inputs.experiment.strategy.entry == "close",
    )  # fmt: skip
    counted = around["level"].isin(section.confounded_by).to_numpy(bool)
    count = np.bincount(around["row"].to_numpy()[counted], minlength=len(rows))
    if section.confounded == "exclude":
        why[rows[count > 0]] = "confounded"
    given = {place: one for place, one in told.items() if not isinstance(one, str)}
    quiet = _quiet(tape, days, reach, known, section.window) if section.quiet else None
    blocks = [
        _block(section, tape, days, given, part, signals, row0, rows, why, quiet) for part in section.parts
    ]
    return _told(inputs, scope, signals, blocks, around, rows, count, why, beside, lines)


# ------------------------------------------------------------------------------------------- the signals


def _signals(inputs: Inputs, scope: Universe) -> Signals:
    """Select and align as a backtest does; index levels may be studied, though not traded."""
    chosen, tape = inputs.experiment.strategy, inputs.tape
    at_close = chosen.entry == "close"
    selection = select(inputs.loaded, chosen, scope, inputs.linked, sided=inputs.experiment.study.signed)
    table = align_signals(selection.signals, tape, latency=chosen.latency_ns, at_close=at_close)
    priced_ones = table["symbol"].isin(tape.symbols).to_numpy(bool)
    why = np.select(
        [~priced_ones, table["ambiguous"].to_numpy(bool), (table["source_kind"] == "recap").to_numpy(bool)],
        [np.array(code, object) for code in ("no_prices", "ambiguous", "recap")],
        default=np.array("", object),
    )
    instrument, due = np.full(len(table), -1, np.int64), np.full(len(table), -1, np.int64)
    live = np.flatnonzero(priced_ones)
    if len(live):
        entries = entries_of(
            tape, table.iloc[live], 0, chosen.latency_ns, at_close=at_close, budget=np.inf, size=1.0, seed=0
        )  # fmt: skip
        instrument[live], due[live] = entries.instrument, entries.due
        late = live[(entries.waited > max(NEAR, chosen.max_defer)) & (entries.due >= 0)]
        missing = live[entries.due < 0]
        for rows, code in ((missing, "no_bar"), (late, "lapsed")):
            why[rows[why[rows] == ""]] = code
    members = {one.symbol: one for one in scope.instruments}
    surprise = table["event_id"].map(inputs.loaded.frame.set_index("event_id")["surprise"])
    table = table.assign(
        why=why,
        themes=[" ".join(members[symbol].themes) for symbol in table["symbol"]],
        surprise=_in_words(surprise.to_numpy(np.float64)),
        year=pd.DatetimeIndex(table["known_by"]).year.astype("str"),
    )
    return Signals(table, instrument, due, selection.skipped)


def _has_close_before(days: Days, instrument: Integers, row0: Integers) -> Flags:
    """Tell whether an instrument has a close before event time 0."""
    known = np.r_[0, np.cumsum(np.isfinite(days.close))]
    place = np.maximum(instrument, 0)
    return np.asarray((row0 >= 0) & (known[np.maximum(row0, 0)] > known[days.offsets[place]]))


def _in_words(surprise: Floats) -> Any:
    return np.select(
        [np.isnan(surprise), surprise > 0, surprise < 0],
        ["unknown", "above expectations", "below expectations"],
        default="as expected",
    ).astype(object)


def _reach(inputs: Inputs, scope: Universe) -> tuple[dict[str, Reach], Integers]:
    """Say which first prints reach which instrument, and when each can be acted on."""
    frame = inputs.loaded.frame
    first = np.asarray(inputs.loaded.first_prints(), bool) & (frame["source_kind"] != "recap").to_numpy(bool)
    pairs = pairs_of(frame[first], scope)
    pairs = pairs.assign(event=pd.Index(frame["event_id"]).get_indexer(pairs["event_id"]))
    groups = {one.symbol: (one.market, one.themes) for one in scope.instruments}
    return reaches(pairs, groups), to_ns(frame["known_by"]) + inputs.experiment.strategy.latency_ns


def _events_of(inputs: Inputs, table: pd.DataFrame) -> tuple[Integers, Any]:
    """Give the position of each signal's event, and the story of every event."""
    frame = inputs.loaded.frame
    return (
        pd.Index(frame["event_id"]).get_indexer(table["event_id"]).astype(np.int64),
        frame["story_id"].to_numpy(object),
    )


def _quiet(
    tape: Tape, days: Days, reach: Mapping[str, Reach], known: Integers, window: tuple[int, int]
) -> Flags:
    """Leave out the sessions in the windows of all events that reach an instrument by itself."""
    marks = np.zeros(len(days.close) + 1, np.int64)
    for place, symbol in enumerate(tape.symbols):
        first, end = int(tape.offsets[place]), int(tape.offsets[place + 1])
        low, high = int(days.offsets[place]), int(days.offsets[place + 1])
        others = reach[symbol].name if symbol in reach else np.zeros(0, np.int64)
        at = first + np.searchsorted(tape.open_cutoff[first:end], known[others], side="left")
        rows = days.row_of[at[at < end]]
        np.add.at(marks, np.clip(rows + window[0], low, high), 1)
        np.add.at(marks, np.clip(rows + window[1] + 1, low, high), -1)
    return np.asarray(np.cumsum(marks[:-1]) == 0)


# ------------------------------------------------------------------------------- what stands beside them


class _Lines:
    """What stands beside each segment under the model of a study, each line made once."""

    def __init__(
        self,
        section: StudySection,
        tape: Tape,
        days: Days,
        beside: Tape | None,
        signals: Signals,
        factors: Source,
    ) -> None:
        self.section, self.tape, self.days = section, tape, days
        self.tapes = [
            (one, days_of(one, bars=section.part == "bar")) for one in (beside, tape) if one is not None
        ]
        self.touched = {*signals.table["symbol"]}
        self.made: dict[str, Line | None] = {}
        self.named: dict[str, str] = {}
        log = section.returns == "log"
        self.factors = factor_lines(_factor_table(factors), log=log) if section.model == "factors" else []

    def of(self, place: int) -> Sequence[Line] | str:
        """Give the lines of a segment, or a key of ``SKIPPED`` where one is missing."""
        model = self.section.model
        if model == "factors":
            return self.factors
        if MODELS[model].beside == "":
            return ()
        mic, symbol = self.tape.venues[place], self.tape.symbols[place]
        if model == "control":
            line = self._control(venue(mic).market)
            return "no_control" if line is None else [line]
        name = self._market(mic)
        if name is None:
            return "no_market"
        if name == symbol:
            return "is_market"
        self.named[mic] = name
        market = self._line(name)
        assert market is not None
        if model != "market_us":
            return [market]
        us = self._us()
        if us is None or venue(mic).market == "US":
            return "no_us"
        return [market, us]

    def _market(self, mic: str) -> str | None:
        own = venue(mic).market
        asked = self.section.markets.get(own, self.section.market)
        for name in (asked,) if asked else MARKET_INDICES.get(mic, ()):
            if self._line(name) is not None:
                return name
        return None

    def _us(self) -> Line | None:
        for name in (self.section.us,) if self.section.us else US:
            line = self._line(name)
            if line is not None:
                self.named["US"] = name
                # Last night's, whatever it is the market of.
                return line._replace(abroad=True)
        return None

    def _line(self, name: str) -> Line | None:
        if name not in self.made:
            found = next(((one, days) for one, days in self.tapes if name in one.symbols), None)
            self.made[name] = None if found is None else line_of(found[0], name, found[1])
        return self.made[name]

    def _control(self, market: str) -> Line | None:
        key = f"control of {market}"
        if key not in self.made:
            self.made[key] = self._made_control(market)
        return self.made[key]

    def _made_control(self, market: str) -> Line | None:
        asked = {*universe(self.section.control).symbols} if self.section.control else None
        for tape, days in self.tapes:
            places = [
                place
                for place, (symbol, mic, kind) in enumerate(
                    zip(tape.symbols, tape.venues, tape.kinds, strict=True)
                )
                if venue(mic).market == market
                and (symbol in asked if asked is not None else kind == "stock" and symbol not in self.touched)
            ]
            line = control_line(days, places, market)
            if np.isfinite(line.close).any():
                self.named[f"control group of {market}"] = f"{len(places)} names"
                return line
        return None


def _factor_table(source: Source) -> pd.DataFrame:
    """Read returns of factors by date: column ``date``, and one of numbers for each factor."""
    table = source if isinstance(source, pd.DataFrame) else read_table(source)
    table = table.drop(columns=["_line"], errors="ignore")
    file = None if isinstance(source, pd.DataFrame) else str(source)
    if "date" not in table:
        got = f"columns {', '.join(map(str, table.columns))}"
        raise InputError(Problem("a column date in the file of factors", got, "name it date", file))
    try:
        dates = pd.to_datetime(table["date"], format="ISO8601")
        values = table.drop(columns="date").apply(pd.to_numeric)
    except (ValueError, TypeError) as error:
        cure = "write dates as 2025-09-12 and returns as shares (0.01 is 1 %)"
        raise InputError(
            Problem("dates and numbers in the file of factors", str(error), cure, file)
        ) from None
    if values.empty or dates.duplicated().any():
        got = "none" if values.empty else f"{dates[dates.duplicated()].iloc[0]:%Y-%m-%d} twice"
        raise InputError(Problem("one row for each date, with factors", got, "correct the file", file))
    return values.set_index(pd.DatetimeIndex(dates)).sort_index()


# --------------------------------------------------------------------------------------------- measuring


class _Block(NamedTuple):
    """One part of a study: what was measured, and which of the signals it is."""

    part: str
    measured: Measured
    signal: Integers
    why: Any
    rows: pd.DataFrame
    ar: pd.DataFrame
    car: pd.DataFrame


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
    session = days.session[row0[chosen]] if len(chosen) else np.zeros(0, np.int64)
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
    return table.assign(
        part=part,
        date=(known // DAY).astype("M8[D]").astype("M8[ns]"),
        session=days.session[row0[kept]].astype("M8[D]").astype("M8[ns]")
        if len(kept)
        else pd.to_datetime([]),
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
    lines: _Lines,
) -> Study:
    section, seed = inputs.experiment.study, inputs.experiment.run.seed
    skipped = _skipped(inputs, signals, blocks, len(section.parts))
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
        [each.assign(part=block.part) for each in group_tests(block.measured, block.rows, by, section, seed)]
        for block in blocks
        for by in groupings
    ]
    tests, power = (pd.concat([each[at] for each in tested], ignore_index=True) for at in (0, 1))
    confounded = _confounded(inputs, signals, around, rows, blocks)
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


def _skipped(inputs: Inputs, signals: Signals, blocks: Sequence[_Block], parts: int) -> pd.DataFrame:
    """List whatever is not in the study, each with its reason; a part is named where there are several."""
    left_out = pd.DataFrame(
        skipped_rows(inputs.loaded.skipped), columns=["event_id", "symbol", "code", "reason"]
    )
    found = [left_out.assign(part=""), signals.passed.assign(part="")]
    for block in blocks:
        missing = np.flatnonzero(block.why != "")
        one = signals.table.iloc[missing][["event_id", "symbol"]]
        code = block.why[missing]
        found.append(
            one.assign(
                code=code,
                reason=[SKIPPED[each] for each in code],
                part=block.part if parts > 1 else "",
            )
        )
    table = pd.concat(found, ignore_index=True)
    return table[["event_id", "symbol", "part", "code", "reason"]].astype("str")


def _nothing(skipped: pd.DataFrame, section: StudySection) -> InputError:
    if skipped.empty:
        return InputError(Problem("events to study", "none", "look at [events] and the tags of the strategy"))
    counts = skipped["code"].value_counts()
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
    others = _others(inputs, around, len(rows), section.confounded_by)[own]
    side = block.rows["side"].to_numpy(np.float64)[:, None]
    return treatments_of(
        section, block.part, block.car, block.measured.abnormal.date, count[own], others * side
    )


def _others(inputs: Inputs, around: pd.DataFrame, count: int, levels: Sequence[str]) -> Floats:
    """Count other events by tag, each with the side that it has by itself (1 where it has none)."""
    frame = inputs.loaded.frame
    chosen = around[around["level"].isin(levels)]
    side = event_side(frame, "direction")
    side = np.where(side == 0.0, 1.0, side)
    codes, tags = pd.factorize(frame["tag"])
    found = np.zeros((count, max(len(tags), 1)))
    other = chosen["other"].to_numpy(np.int64)
    np.add.at(found, (chosen["row"].to_numpy(np.int64), codes[other]), side[other])
    return found


def _confounded(
    inputs: Inputs, signals: Signals, around: pd.DataFrame, rows: Integers, blocks: Sequence[_Block]
) -> pd.DataFrame:
    """List the other events in the windows, the closest first."""
    frame, table = inputs.loaded.frame, signals.table
    at = rows[around["row"].to_numpy(np.int64)]
    other = around["other"].to_numpy(np.int64)
    found = pd.DataFrame(
        {
            "event_id": table["event_id"].to_numpy(object)[at],
            "symbol": table["symbol"].to_numpy(object)[at],
            "level": around["level"].to_numpy(object),
            "other_event_id": frame["event_id"].to_numpy(object)[other],
            "other_tag": frame["tag"].to_numpy(object)[other],
            "other_direction": frame["direction"].to_numpy(object)[other],
            "offset": around["offset"].to_numpy(np.int64),
        }
    )
    measured = np.unique(np.concatenate([block.signal for block in blocks]))
    found = found[np.isin(at, measured)]
    order = found["level"].map({name: place for place, name in enumerate(LEVELS)})
    return as_text(found.assign(order=order).sort_values(
        ["event_id", "symbol", "order", "offset"], kind="stable", ignore_index=True
    ).drop(columns="order"))  # fmt: skip


def _manifest(
    inputs: Inputs,
    scope: Universe,
    signals: Signals,
    rows: pd.DataFrame,
    skipped: pd.DataFrame,
    confounded: pd.DataFrame,
    beside: Tape | None,
    lines: _Lines,
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
        "event_dates": int(first_part["date"].nunique()),
        "largest_date": int(first_part["date"].value_counts().max()) if len(first_part) else 0,
        "confounded": len(crowded[["event_id", "symbol"]].drop_duplicates()),
        "skipped": {str(code): int(count) for code, count in skipped["code"].value_counts().items()},
    }
    return {
        "aftershock": version("aftershock"),
        "kind": "study",
        "name": experiment.run.name,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "simulated": tape.simulated,
        "seed": experiment.run.seed,
        "strategy": experiment.kind,
        "universe": {"name": scope.name, "instruments": len(scope.instruments)},
        "settings": section.model_dump(mode="json") | {"cars": [list(each) for each in section.sums]},
        "expected": MODELS[section.model].told,
        "beside": lines.named,
        "period": {
            "first": first_part["session"].min().strftime("%Y-%m-%d") if len(first_part) else None,
            "last": first_part["session"].max().strftime("%Y-%m-%d") if len(first_part) else None,
        },
        "counts": counts,
        "hashes": {
            "events": inputs.loaded.digest(),
            "prices": tape.digest(),
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
        "SIMULATED: every price was made by a seeded model; no figure says anything of real markets."
        if tape.simulated
        else scope.survivorship
    ]
    if MODELS[section.model].beside == "market":
        found.append(
            "The market's own move is taken out. News that moves whole markets (rates, tariffs) shows here only as far "
            "as the names moved more or less than their beta says: set model = 'control' or 'mean' beside it."
        )
    rows, dates = counts["rows"], counts["event_dates"]
    if dates and rows / dates >= 2:
        found.append(
            f"{rows:,} rows share {dates:,} event dates, up to {counts['largest_date']:,} of them one: the dates are the "
            "independent observations, and tests that count rows see too much."
        )
    if counts["confounded"]:
        found.append(
            f"Into {counts['confounded']:,} of {rows:,} windows another event fell "
            f"(same {' or '.join(section.confounded_by)}): the table of confounded events shows the effect without them."
        )
    return found
