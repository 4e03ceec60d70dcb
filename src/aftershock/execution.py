"""The execution of an experiment on loaded inputs: select, align, simulate, sum up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.answers import Asked, answers, costs_of
from aftershock.data.events import Events
from aftershock.data.instants import to_index, to_ns
from aftershock.data.prices import Tape
from aftershock.data.universes import Universe
from aftershock.engine import metrics
from aftershock.engine.align import align_signals
from aftershock.engine.hedge import hedging_of, legs_of
from aftershock.engine.portfolio import Simulation, fills_of, live_rows, simulate, with_legs
from aftershock.engine.recovery import planted_and_recovered
from aftershock.engine.refusals import told_by_rule
from aftershock.engine.rules import Books, ChargeSets, charge_sets, rule_books, rules_of
from aftershock.engine.sizing import size_signals
from aftershock.engine.types import Rules
from aftershock.engine.waterfall import STEPS, Plan, waterfall
from aftershock.exchange import Exchange, exchange_of
from aftershock.experiment import Experiment, Portfolio
from aftershock.inputs import priced, tradable
from aftershock.manifest import manifest_of
from aftershock.result import Result
from aftershock.strategies.select import Links, Selection, select

AUDIT_COLUMNS = [
    "event_id",
    "symbol",
    "venue",
    "market",
    "side",
    "weight",
    "strength",
    "tag",
    "direction",
    "story_id",
    "source_kind",
    "known_from",
    "known_by",
    "phase",
    "first_tradable",
    "first_open",
    "first_close",
    "ambiguous",
    "headline",
    "entry_session",
    "entry_at",
    "outcome",
    "reason",
]
WINDOW_BEFORE = 5
"""Bars kept before an event, for the pictures of a report."""


def execute(
    loaded: Events,
    tape: Tape,
    wanted: Universe | None,
    linked: Links,
    experiment: Experiment,
    *,
    truth: pd.DataFrame | None = None,
    beside: Tape | None = None,
) -> Result:
    """Run an experiment on inputs that have been loaded.

    Parameters
    ----------
    loaded : Events
        The events.
    tape : Tape
        The prices.
    wanted : Universe or None
        What may be traded; None is everything that has prices.
    linked : Links
        Impacts, exposures and factors.
    experiment : Experiment
        Strategy, money, costs, name and seed.
    truth : DataFrame, optional
        What was planted, where the prices are simulated.
    beside : Tape, optional
        Indices that are not traded, for benchmarks and last night's US move.

    Returns
    -------
    Result
        Not yet written anywhere.
    """
    scope = priced(tape) if wanted is None else wanted
    selection, aligned = join(loaded, tape, scope, linked, experiment)
    parts = {
        "headline": aligned[aligned["headline"]],
        "ambiguous": aligned[aligned["ambiguous"] & (aligned["source_kind"] != "recap")],
        "recap": aligned[aligned["source_kind"] == "recap"],
    }
    exchange = exchange_of(experiment, aligned)
    books, rules = ruled(tape, experiment, exchange)
    chosen = experiment.strategy
    may = tradable(tape, scope, experiment.portfolio.allow_index)
    traded = {key: _simulate(tape, rules, part, experiment, exchange, may) for key, part in parts.items()}
    trades = _numbered(
        pd.concat([part.trades.assign(headline=key == "headline") for key, part in traded.items()])
    )
    exchange.check_marks(trades)
    charged = charge_sets(tape, experiment.costs.terms, books)
    fall = _waterfall(tape, rules, charged, experiment, parts["headline"], traded["headline"])
    audit = pd.concat([part.signals for part in traded.values()])
    audit = audit.sort_values(["known_by", "event_id", "symbol"], kind="stable", ignore_index=True)
    told = told_by_rule(audit, tape, books)
    audit["why"] = audit["why"].where(told == "", audit["why"] + ": " + told)
    bars = _windows(tape, audit, chosen.hold)
    fees = costs_of(traded["headline"], rules, charged)
    answered = answers(
        Asked(
            traded["headline"],
            loaded.frame,
            audit,
            bars,
            fall,
            tape,
            beside,
            scope,
            chosen.orders.at_close,
            fees,
        )
    )
    stats = _stats(traded, trades, audit, tape, truth) | {"waterfall": _fallen(fall)}
    return Result(
        manifest=manifest_of(
            loaded, tape, selection, experiment, scope, exchange, audit=audit, trades=trades, books=books
        )
        | {"beside": _beside(beside)},
        experiment=experiment.to_toml(),
        events=_as_text(loaded.frame),
        audit=_audit(audit),
        fills=_renumbered_fills(traded, tape),
        trades=trades,
        equity=traded["headline"].equity,
        bars=bars,
        waterfall=fall,
        curves=answered.curves,
        ladder=_as_text(answered.ladder),
        stats=stats
        | answered.stats
        | {"by": stats["by"] | answered.stats["by"]}
        | exchange.totals(trades[trades["headline"]]),
    )


def _beside(tape: Tape | None) -> dict[str, Any]:
    """Name the indices that stood beside what was traded."""
    return (
        {"indices": [], "digest": ""}
        if tape is None
        else {"indices": [*tape.symbols], "digest": tape.digest()}
    )


def join(
    loaded: Events, tape: Tape, scope: Universe, linked: Links, experiment: Experiment
) -> tuple[Selection, pd.DataFrame]:
    """Select signals and join them with their bars.

    Returns
    -------
    selection : Selection
        Signals, and what gave none.
    aligned : DataFrame
        As `align_signals` gives them, sized, with ``outcome`` where it is settled already, and ``headline``.
    """
    chosen = experiment.strategy
    selection = select(loaded, chosen, scope, linked, tape)
    at_close = chosen.entry == "close"
    aligned = align_signals(selection.signals, tape, latency=chosen.latency_ns, at_close=at_close)
    aligned["outcome"] = _refused(aligned, tape, experiment.portfolio)
    aligned = size_signals(aligned, tape, experiment.portfolio.weighting, latency=chosen.latency_ns)
    aligned["headline"] = ~aligned["ambiguous"] & (aligned["source_kind"] != "recap")
    return selection, aligned


def ruled(tape: Tape, experiment: Experiment, exchange: Exchange) -> tuple[Books, Rules]:
    """Load rule books, and resolve them and the exchange rates for every bar."""
    books = rule_books(tape.venues, experiment.desk)
    fx = exchange.per_bar(tape, experiment.strategy.orders.at_close)
    return books, rules_of(tape, experiment.costs.terms, books, fx=fx, sized=exchange.needs)


def _waterfall(
    tape: Tape,
    rules: Rules,
    charged: ChargeSets,
    experiment: Experiment,
    signals: pd.DataFrame,
    done: Simulation,
) -> pd.DataFrame:
    chosen = experiment.strategy
    plan = Plan(
        chosen.exits,
        chosen.orders,
        experiment.portfolio.book,
        chosen.delay,
        chosen.latency_ns,
        experiment.run.seed,
        chosen.exit,
    )
    return _as_text(waterfall(tape, rules, charged, signals, plan, done.records, done.legs))


def _simulate(
    tape: Tape,
    rules: Rules,
    part: pd.DataFrame,
    experiment: Experiment,
    exchange: Exchange,
    may: NDArray[np.bool_],
) -> Simulation:
    chosen = experiment.strategy
    done = simulate(
        tape,
        rules,
        part,
        chosen.exits,
        chosen.orders,
        experiment.portfolio.book,
        delay=chosen.delay,
        latency=chosen.latency_ns,
        budget=experiment.portfolio.date_budget,
        seed=experiment.run.seed,
        tradable=may,
        rule=chosen.exit,
    )
    done = _hedged(done, tape, rules, part, experiment)
    return exchange.settle(done, tape, rules.bar["lot"], chosen.orders.at_close)


def _hedged(
    done: Simulation, tape: Tape, rules: Rules, part: pd.DataFrame, experiment: Experiment
) -> Simulation:
    """Lay a hedge over the trades, where there is to be one."""
    chosen, hedge, records = experiment.strategy, experiment.hedge, done.records
    if hedge.method == "none":
        return done
    known = to_ns(part.loc[live_rows(part), "known_by"])[records["signal"]] + chosen.latency_ns
    hedging = hedging_of(
        tape, records["instrument"], known, hedge.method, hedge.instruments, hedge.instrument
    )
    legs = legs_of(tape, rules, records, hedging, chosen.hold, chosen.orders.at_close)
    hedged = with_legs(done, tape, rules, legs)
    return replace(hedged, trades=hedged.trades.assign(hedge_ratio=hedging.ratio))


def _refused(aligned: pd.DataFrame, tape: Tape, portfolio: Portfolio) -> np.ndarray[Any, Any]:
    """Name what is settled before any bar is looked at."""
    known = aligned["symbol"].isin(tape.symbols)
    level = (aligned["kind"] == "index") & (not portfolio.allow_index)
    return np.select(
        [~known.to_numpy(bool), level.to_numpy(bool)],
        [np.array("no_prices", object), np.array("index_level", object)],
        default=np.array("", object),
    )


def _numbered(trades: pd.DataFrame) -> pd.DataFrame:
    return _as_text(trades.reset_index(drop=True).assign(trade_id=np.arange(len(trades))))


def _fallen(fall: pd.DataFrame) -> dict[str, Any]:
    """Sum the waterfall up: how many signals, what each step took or gave, and what is left."""
    totals = {key: float(fall[key].sum()) for key in ("reaction", *STEPS, "net")}
    return {"signals": len(fall), **totals}


def _renumbered_fills(traded: dict[str, Simulation], tape: Tape) -> pd.DataFrame:
    parts, first = [], 0
    for key, part in traded.items():
        fills = fills_of(part.trades, tape, part.records)
        parts.append(fills.assign(trade_id=fills["trade_id"] + first, headline=key == "headline"))
        first += len(part.trades)
    return _as_text(pd.concat(parts).sort_values(["at", "trade_id"], kind="stable", ignore_index=True))


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Give texts the type in which they come back from a run folder."""
    return table.astype({name: "str" for name in table.columns if table[name].dtype == object})


def _audit(audit: pd.DataFrame) -> pd.DataFrame:
    """Put the reason of an outcome first, then why the bar is the one that it is."""
    table = audit.rename(columns={"reason": "clock"})
    return table.assign(reason=table["why"] + " (" + table["clock"] + ")")[AUDIT_COLUMNS]


def _windows(tape: Tape, audit: pd.DataFrame, hold: int) -> pd.DataFrame:
    """Cut out the bars around each due bar, for the pictures of a report."""
    due = audit.loc[audit["due"] >= 0, ["event_id", "symbol", "due"]].drop_duplicates()
    longest = int(np.diff(tape.offsets).max(initial=0))
    offsets = np.arange(-WINDOW_BEFORE, min(max(hold, 1), longest) + WINDOW_BEFORE + 1)
    rows = (due["due"].to_numpy()[:, None] + offsets).ravel()
    own = np.searchsorted(tape.offsets, due["due"].to_numpy(), side="right") - 1
    instrument = np.repeat(own, len(offsets))
    inside = (rows >= tape.offsets[instrument]) & (rows < tape.offsets[instrument + 1])
    rows = rows[inside]
    return pd.DataFrame(
        {
            "event_id": np.repeat(due["event_id"].to_numpy(object), len(offsets))[inside],
            "symbol": np.repeat(due["symbol"].to_numpy(object), len(offsets))[inside],
            "offset": np.tile(offsets, len(due))[inside],
            "session": tape.session[rows].astype("M8[D]").astype("M8[ns]"),
            "opens_at": to_index(tape.opens_at[rows]),
            **{key: getattr(tape, key)[rows] for key in ("open", "high", "low", "close", "volume")},
        }
    )


def _stats(
    traded: dict[str, Simulation],
    trades: pd.DataFrame,
    audit: pd.DataFrame,
    tape: Tape,
    truth: pd.DataFrame | None,
) -> dict[str, Any]:
    main = trades[trades["headline"]]
    curve, capital = traded["headline"].equity, traded["headline"].capital
    keys = ("tag", "direction", "market", "symbol", "year", "phase", "side")
    return {
        "headline": _figures(traded["headline"]),
        "beside": {key: _figures(traded[key]) for key in ("ambiguous", "recap") if len(traded[key].signals)},
        "by": {key: metrics.by(main, key).reset_index().to_dict("records") for key in keys},
        "drawdowns": _records(metrics.drawdowns(curve["equity"], curve["date"], capital).head(10)),
        "outcomes": {str(key): int(count) for key, count in audit["outcome"].value_counts().items()},
        "planted": _records(planted_and_recovered(tape, truth)) if truth is not None else [],
    }


def _figures(part: Simulation) -> dict[str, Any]:
    curve = part.equity
    figures = metrics.summary(curve["equity"], curve["date"], part.capital)
    exposure = float(curve["exposure"].mean()) if len(curve) else float("nan")
    return {
        **figures,
        **metrics.trade_summary(part.trades),
        "exposure": exposure,
        "turnover": metrics.turnover(part.trades, part.capital, figures["days"]),
        "capital": part.capital,
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    dated = table.select_dtypes(include=["datetime", "datetimetz"]).columns
    shown = table.assign(**{name: table[name].dt.strftime("%Y-%m-%d") for name in dated})
    return [{str(key): value for key, value in row.items()} for row in shown.to_dict("records")]
