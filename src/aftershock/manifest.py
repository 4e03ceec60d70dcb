"""The manifest of a run: what went in, under which versions, and what a reader must know."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.calendars import shipped
from aftershock.data.events import Events
from aftershock.data.instants import to_index, to_ns
from aftershock.data.prices import Tape
from aftershock.data.prices import audit as audit_prices
from aftershock.data.universes import Universe
from aftershock.data.venues import rules_digest
from aftershock.engine.rules import Books, desk_rules, unmodelled, unverified
from aftershock.exchange import Exchange
from aftershock.experiment import Experiment
from aftershock.inputs import tradable
from aftershock.strategies.own import own_classes
from aftershock.strategies.own_code import digest_of
from aftershock.strategies.reaction import Reaction
from aftershock.strategies.select import Selection

AUDITED = 1_000_000
"""Of more bars a run makes no audit: `aftershock prices check` does."""

LIBRARIES = ("numpy", "pandas", "numba", "exchange_calendars", "pyarrow")


def manifest_of(
    loaded: Events,
    tape: Tape,
    selection: Selection,
    experiment: Experiment,
    scope: Universe,
    exchange: Exchange,
    *,
    audit: pd.DataFrame,
    trades: pd.DataFrame,
    books: Books,
) -> dict[str, Any]:
    """Collect hashes, versions, warnings and caveats of a run (docs/architecture.md, "A run")."""
    return {
        **named(tape, experiment, scope),
        "currency": experiment.portfolio.currency,
        **exchange.manifest(trades),
        "period": _period(loaded, tape, tradable(tape, scope, experiment.portfolio.allow_index)),
        "prices": {
            **tape.provenance,
            "sources": sorted(set(tape.sources)),
            "instruments": len(set(tape.symbols)),
        },
        "events": {"rows": len(loaded.frame), "signals": len(selection.signals)},
        "hashes": {
            **hashes_of(loaded, tape, experiment),
            "experiment": hashlib.sha256(experiment.without_paths().to_toml().encode()).hexdigest(),
        },
        "versions": {name: version(name) for name in LIBRARIES},
        "caveats": [
            *_caveats(tape, scope, audit, experiment),
            *_on_rules(tape, experiment, books, trades),
            *_on_hedge(trades),
            *exchange.caveats(tape),
        ],
        "warnings": [*warnings_of(loaded, tape), *exchange.warnings(audit)],
        "price_audit": _price_audit(tape),
        "skipped_events": [*skipped_rows(loaded.skipped), *selection.skipped.to_dict("records")],
    }


def named(tape: Tape, experiment: Experiment, scope: Universe) -> dict[str, Any]:
    """Say what was run, when, and on whose prices."""
    return {
        "aftershock": version("aftershock"),
        "name": experiment.run.name,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "simulated": tape.simulated,
        "seed": experiment.run.seed,
        "strategy": experiment.kind,
        "universe": {"name": scope.name, "instruments": len(scope.instruments)},
    }


def hashes_of(loaded: Events, tape: Tape, experiment: Experiment) -> dict[str, str]:
    """Hash what decides what comes out, but for the experiment's own text."""
    return {
        "events": loaded.digest(),
        "prices": tape.digest(),
        "calendar": shipped.digest(),
        "rules": rules_digest(),
        "code": _code_hash(),
        **own_code(experiment.strategy),
    }


def own_code(strategy: Reaction, functions: Iterable[Any] = ()) -> dict[str, str]:
    """Give the hash of the code of a desk's own, of a strategy and of functions beside it; nothing without any."""
    owns = [*own_classes(strategy), *([] if strategy.exit is None else [strategy.exit]), *functions]
    return {"own_code": digest_of(owns)} if owns else {}


def _period(loaded: Events, tape: Tape, may: NDArray[np.bool_]) -> dict[str, str | None]:
    """Give the first and last date for which there are both events and prices of what may be traded, or None."""
    known = to_ns(loaded.frame["known_by"])
    if not len(known) or not len(tape):
        return {"first": None, "last": None}
    first, last = max(known.min(), tape.opens_at[may].min()), tape.closes_at[may].max()
    if first > last:
        return {"first": None, "last": None}
    dates = to_index(np.array([first, last])).strftime("%Y-%m-%d")
    return {"first": dates[0], "last": dates[1]}


def _caveats(tape: Tape, scope: Universe, audit: pd.DataFrame, experiment: Experiment) -> list[str]:
    found = []
    if tape.simulated:
        found.append(
            "SIMULATED: every price was made by a seeded model; no figure says anything of real markets."
        )
    else:
        found.append(scope.survivorship)
    unpriced = set(scope.symbols) - set(tape.symbols)
    if unpriced:
        found.append(f"{len(unpriced)} of {len(scope.symbols)} instruments of the universe have no prices.")
    apart = {
        "whose stamp leaves open which side of a cut-off they fell on": audit["ambiguous"],
        "from recaps, which were selected on outcome (they were written because the market moved),": audit[
            "source_kind"
        ]
        == "recap",
    }
    for what, mask in apart.items():
        if mask.any():
            found.append(
                f"{int(mask.sum()):,} of {len(audit):,} signals {what} are kept apart from headline figures."
            )
    if experiment.portfolio.mode != "event":
        found.append(
            "P&L is the local return on base notional: currency moves are taken as hedged at no cost."
        )
    return found


def _on_rules(tape: Tape, experiment: Experiment, books: Books, trades: pd.DataFrame) -> list[str]:
    """Say which rules a run was held to, whose they are, and what they leave out."""
    terms = experiment.costs.terms
    held = ["price limits (within one tick)"] if terms.price_limits else []
    held += ["T+1", "bans and price rules of short sales"]
    if terms.model == "venue":
        held = ["taxes, duties, levies, fees and a default commission", "lots", *held]
    told = ", ".join(held[:-1]) + f" and {held[-1]}"
    found = [f"{told[0].upper()}{told[1:]} are those of the venues' rule books, by date."]
    unsourced, own = unverified(tape, terms, books), desk_rules(tape, terms, books)
    if unsourced:
        found.append(f"Rules in force without a source for all they say: {', '.join(unsourced)}.")
    if own:
        found.append(f"The desk's own rules in the place of the books': {', '.join(own)}.")
    if terms.net_dividends:
        found.append(
            "What the rule books withhold of dividends from a holder abroad is taken from longs; shorts owe them whole."
        )
        untold = set(trades["symbol"]) - _telling_dividends(tape)
        if untold:
            what = "do not tell dividends apart: nothing is withheld there"
            found.append(f"The prices of {len(untold)} instruments traded {what}.")
    if (trades["side"] < 0).any():
        left_out = unmodelled(tape, books)
        if left_out:
            found.append(
                f"Rules of short sales that bars cannot tell are not held to: {', '.join(left_out)}."
            )
        if terms.borrow > 0.0:
            found.append(
                f"Shares sold short are taken to be had at {100 * terms.borrow:g} % a year (an assumption)."
            )
    return found


def _telling_dividends(tape: Tape) -> set[str]:
    """Name the instruments whose prices tell dividends apart."""
    spans = zip(tape.symbols, tape.offsets[:-1], tape.offsets[1:], strict=True)
    return {symbol for symbol, start, end in spans if not np.isnan(tape.payout[start:end]).all()}


def _on_hedge(trades: pd.DataFrame) -> list[str]:
    """Say how far the hedge stood against the trades; nothing where there is none."""
    if "hedge_pnl" not in trades:
        return []
    bare = trades["hedge_symbol"] == ""
    plain = ~bare & trades["hedge_ratio"].isna()
    found = [
        "Hedge legs take no cash, as if they were margined; they pay their own costs, and P&L holds theirs."
    ]
    if bare.any():
        why = "no instrument, no bar that filled, or less than a lot"
        found.append(f"{int(bare.sum()):,} of {len(trades):,} trades have no hedge leg: {why}.")
    if plain.any():
        found.append(f"{int(plain.sum()):,} trades are hedged one to one: too little was known for a beta.")
    return found


def warnings_of(loaded: Events, tape: Tape | None) -> list[dict[str, Any]]:
    """List what was found in events and prices (docs/architecture.md, "A run")."""
    found = _warnings("events", loaded.warnings)
    return found if tape is None else [*found, *_warnings("prices", tape.warnings)]


def _warnings(area: str, table: pd.DataFrame) -> list[dict[str, Any]]:
    rows = table.reset_index(drop=True)
    for column in rows.select_dtypes(include=["datetime", "datetimetz"]).columns:
        rows[column] = rows[column].dt.strftime("%Y-%m-%d")
    return [
        {"area": area, **{str(key): None if pd.isna(value) else value for key, value in row.items()}}
        for row in rows.to_dict("records")
    ]


def _price_audit(tape: Tape) -> dict[str, list[dict[str, Any]]] | None:
    """Look the prices over that were left; None where they were made here, or are too many to do so in passing."""
    if tape.simulated or len(tape) > AUDITED:
        return None
    return audit_prices(tape).to_records()


def skipped_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of the events files that were left out on request."""
    return [
        {
            "event_id": f"line {row['line']}",
            "symbol": "",
            "code": "bad_row",
            "reason": f"column {row['column']}: expected {row['expected']}, got {row['value']}; {row['cure']}",
        }
        for row in table.to_dict("records")
    ]


def _code_hash() -> str:
    """Hash of every source file of the package, whatever folder it was imported from."""
    root = Path(__file__).parent
    files = sorted(
        path
        for folder in (root, *(root / name for name in ("data", "engine", "strategies", "reports")))
        for path in folder.rglob("*.py")
    )
    digest = hashlib.sha256()
    for path in dict.fromkeys(files):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
