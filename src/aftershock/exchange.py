"""The currencies of a run: fixings that size its orders, marks that price its fills, and what to say of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.errors import InputError, Problem
from aftershock.data.fx import STALE, Fixings
from aftershock.data.instants import DAY, Instants, iso, to_ns
from aftershock.data.prices import Tape
from aftershock.data.venues import venue
from aftershock.engine.currency import moments, shares_of, told_unsized, unhedged_pnl
from aftershock.engine.portfolio import Simulation
from aftershock.engine.types import Floats
from aftershock.experiment import Experiment
from aftershock.inputs import fixings_of, marks_of

SHOWN = 3
"""How many fills without a mark an error names."""


@dataclass(frozen=True, eq=False)
class Exchange:
    """What a run needs to know of currencies.

    Attributes
    ----------
    base : str
        The portfolio's currency.
    foreign : tuple of str
        The other currencies that signals are in.
    fixings : Fixings
        What sizes orders.
    marks : Fixings or None
        What prices fills; None where P&L is hedged.
    lot : float
        Traded shares in a lot that was asked for, 0 for none.
    books : bool
        Whether the lots and charges of rule books hold.
    tolerance : int
        The age a mark may have, in nanoseconds.
    """

    base: str
    foreign: tuple[str, ...]
    fixings: Fixings
    marks: Fixings | None
    lot: float
    books: bool
    tolerance: int

    @property
    def needs(self) -> bool:
        """Whether nothing goes without exchange rates."""
        return self.lot > 0.0 or self.marks is not None

    @property
    def sizes(self) -> bool:
        """Whether anything depends on exchange rates."""
        return self.books or self.needs

    @property
    def unknown(self) -> tuple[str, ...]:
        """The currencies of which nothing tells a rate."""
        return tuple(name for name in self.foreign if self.fixings.last(self.base, name) is None)

    def per_bar(self, tape: Tape, at_close: bool) -> Floats | None:
        """Give the rate that sizes an order at each bar, NaN where none is known; None where nothing depends on it."""
        if not self.sizes:
            return None
        codes, names = pd.factorize(currencies_of(tape.venues))
        bars = np.repeat(codes, np.diff(tape.offsets))
        instants = tape.closes_at if at_close else tape.opens_at
        return _told(self.fixings, self.base, (bars, names), instants, np.full(len(bars), STALE))

    def settle(self, done: Simulation, tape: Tape, lots: Floats, at_close: bool) -> Simulation:
        """Add the columns of currencies to trades, and tell the signals that no rate could size."""
        records = done.records
        when = moments(tape, records, at_close)
        local = currencies_of([tape.venues[k] for k in records["instrument"]])
        coded = pd.factorize(local)
        fx = _told(self.fixings, self.base, coded, when.entry, np.full(len(local), STALE))
        told = {"currency": local, "fx_entry": fx, "shares": shares_of(tape, records, fx, lots)}
        if self.marks is not None:
            late = self.tolerance - (when.exit_by - when.exit_from)
            entry = _told(self.marks, self.base, coded, when.entry, np.full(len(local), self.tolerance))
            exit_ = _told(self.marks, self.base, coded, when.exit_from, late)
            told["fx_mark_entry"], told["fx_mark_exit"] = entry, np.where(when.closed, exit_, np.nan)
            told["exit_inside"] = when.closed & (when.exit_from < when.exit_by)
            pnl = unhedged_pnl(records, fx, entry, exit_)
            own = when.closed & (local == self.base)
            told["pnl_unhedged"] = np.where(own, done.trades["pnl"], pnl)
        return replace(done, trades=done.trades.assign(**told), signals=told_unsized(done.signals, lots))

    def check_marks(self, trades: pd.DataFrame) -> None:
        """Refuse unhedged P&L where a fill has no mark of its time.

        Raises
        ------
        InputError
            Names the first of them.
        """
        if self.marks is None:
            return
        lacking = _without_mark(trades)
        if lacking.empty:
            return
        first = "; ".join(
            f"{row.what} at {row.at:%Y-%m-%dT%H:%MZ}" for row in lacking.head(SHOWN).itertuples()
        )
        more = f" and {len(lacking) - SHOWN} more" if len(lacking) > SHOWN else ""
        inside = int(lacking["inside"].sum())
        levels = (
            f"; exits at a level ({inside} of them) lie anywhere inside their bar and need a mark at or before its "
            "open that is not too old at its close"
        )
        fills = len(trades) + int((trades["status"] == "closed").sum())
        raise InputError(
            Problem(
                f"an FX mark at or within {self.tolerance / 60e9:g} minutes before every fill of an unhedged run",
                f"none for {len(lacking)} of {fills} fills: {first}{more}{levels if inside else ''}",
                "give marks of these instants in [portfolio] marks, a longer mark_tolerance, or unhedged = false",
            )
        )

    def totals(self, trades: pd.DataFrame) -> dict[str, Any]:
        """Sum up the unhedged P&L of closed trades and what currencies did to it; nothing where P&L is hedged."""
        if self.marks is None:
            return {}
        closed = trades[trades["status"] == "closed"]
        hedged, unhedged = float(closed["pnl"].sum()), float(closed["pnl_unhedged"].sum())
        told = {"trades": len(closed), "pnl": unhedged, "hedged_pnl": hedged}
        return {"unhedged": {**told, "currency_effect": unhedged - hedged}}

    def manifest(self, trades: pd.DataFrame) -> dict[str, Any]:
        """Tell where the rates come from, how far they reach and their digests; nothing where none was used."""
        if not self.sizes and not (trades["fx_entry"].notna() & (trades["currency"] != self.base)).any():
            return {}
        told = _provenance(self.fixings, self.base, self.foreign)
        if self.marks is not None:
            told["marks"] = _provenance(self.marks, self.base, self.foreign)
        return {"fx": told} if self.foreign else {}

    def caveats(self, tape: Tape) -> list[str]:
        """Say what has to be known of sizes and of unhedged P&L."""
        found = []
        if self.books and self.unknown:
            pairs = ", ".join(f"aftershock fx fetch {self.base}{name}" for name in self.unknown)
            found.append(
                f"No exchange rate of {', '.join(self.unknown)} is known: lots and the least and most of charges are "
                f"not held to there ({pairs})."
            )
        if (self.books or self.lot > 0.0) and np.isnan(tape.factor).any():
            found.append(
                "Where the factor from the tape's prices to traded ones is unknown, lots and shares are counted at "
                "the tape's prices."
            )
        if self.marks is not None:
            found.append(
                "Unhedged P&L exchanges each fill at the last FX mark of the "
                f"{self.tolerance / 60e9:g} minutes before it; equity, returns and all other figures stay hedged."
            )
        return found

    def warnings(self, audit: pd.DataFrame) -> list[dict[str, Any]]:
        """Warn of fixings that end before the signals do."""
        if not self.sizes:
            return []
        dued = audit[audit["due"] >= 0]
        local = currencies_of(dued["venue"])
        entry = to_ns(dued["entry_at"])
        return [one for name in self.foreign if (one := self._ended(name, entry[local == name])) is not None]

    def _ended(self, name: str, entry: Instants) -> dict[str, Any] | None:
        last = self.fixings.last(self.base, name)
        if last is None or not (entry > last + DAY).any():
            return None
        day, rows = str(iso(last))[:10], int((entry > last).sum())
        stale = int((entry > last + STALE).sum())
        what = "it does not size" if self.needs else "have no lots"
        old = f"; {stale} of them more than {STALE // DAY} days after it, which {what}" if stale else ""
        return {
            "area": "fx",
            "code": "fixings_end",
            "severity": "warning",
            "symbol": name,
            "first": day,
            "last": day,
            "rows": rows,
            "message": f"the last fixing of {name} was known on {day}: {rows} signals are due after it{old}; "
            "give newer ones in [portfolio] fx",
        }


def exchange_of(experiment: Experiment, signals: pd.DataFrame) -> Exchange:
    """Load what a run's signals need of exchange rates.

    Parameters
    ----------
    experiment : Experiment
        Base currency, lot, files of fixings and marks.
    signals : DataFrame
        ``venue`` and ``outcome`` ("" where it is still open).

    Raises
    ------
    InputError
        A file that cannot be used; or nothing tells the rate of a currency that orders must be sized in, or whose
        fills must be exchanged.
    """
    portfolio = experiment.portfolio
    live = signals.loc[signals["outcome"] == "", "venue"].unique()
    foreign = tuple(sorted(set(currencies_of(live)) - {portfolio.currency}))
    exchange = Exchange(
        base=portfolio.currency,
        foreign=foreign,
        fixings=fixings_of(portfolio) if foreign else Fixings(),
        marks=marks_of(portfolio) if portfolio.unhedged else None,
        lot=experiment.costs.lot or 0.0,
        books=experiment.costs.model == "venue" and experiment.costs.lot is None,
        tolerance=round(portfolio.mark_tolerance * 1e9),
    )
    _check_reach(exchange)
    return exchange


def currencies_of(mics: Any) -> NDArray[np.object_]:
    """Give the currencies of venues by MIC.

    Examples
    --------
    >>> currencies_of(["XTKS", "XTAI"]).tolist()
    ['JPY', 'TWD']
    """
    codes, names = pd.factorize(np.asarray(mics, dtype=object))
    found = np.array([venue(str(name)).currency for name in names], dtype=object)
    return found[codes] if len(found) else np.array([], dtype=object)


def _told(rates: Fixings, base: str, local: tuple[Any, Any], instants: Instants, max_age: Instants) -> Floats:
    """Give rates by currency (codes and names) and instant, each no older than its own age."""
    codes, names = local
    found = np.full(len(instants), np.nan)
    for code, name in enumerate(names):
        rows = np.flatnonzero(codes == code)
        found[rows] = rates.rate(base, str(name), instants[rows], max_age[rows])
    return found


def _check_reach(exchange: Exchange) -> None:
    base = exchange.base
    sized = exchange.unknown if exchange.needs else ()
    problems = [
        Problem(
            f"exchange rates of {name} to size orders in {base}",
            "none: neither a file nor the ECB tells them",
            f'write "aftershock fx fetch {base}{name} -o {base.lower()}{name.lower()}.csv" (or take a file of date and '
            f'close), then [portfolio] fx = ["{base.lower()}{name.lower()}.csv"]',
        )
        for name in sized
    ]
    if exchange.marks is not None:
        problems += [
            Problem(
                f"FX marks of {name} in {base} for unhedged P&L",
                "none",
                "give a file of marks (at, pair, rate) in [portfolio] marks, or unhedged = false",
            )
            for name in exchange.foreign
            if exchange.marks.last(base, name) is None
        ]
    if problems:
        raise InputError(problems)


def _provenance(rates: Fixings, base: str, foreign: tuple[str, ...]) -> dict[str, Any]:
    used = rates.used(base, foreign)
    ends = {name: rates.last(base, name) for name in foreign}
    return {
        "sources": list(dict.fromkeys(pair.source for pair in used.pairs)),
        "last": {name: None if end is None else str(iso(end))[:10] for name, end in ends.items()},
        "digest": used.digest(),
    }


def _without_mark(trades: pd.DataFrame) -> pd.DataFrame:
    """List the fills without a mark by time: ``at, what, inside``."""
    closed = trades[trades["status"] == "closed"]
    into, out = trades[trades["fx_mark_entry"].isna()], closed[closed["fx_mark_exit"].isna()]
    entries = pd.DataFrame({"at": into["entry_at"], "what": "entry into " + into["symbol"], "inside": False})
    exits = pd.DataFrame(
        {
            "at": out["exit_at"],
            "what": out["exit_kind"] + " out of " + out["symbol"],
            "inside": out["exit_inside"],
        }
    )
    return pd.concat([entries, exits]).sort_values(["at", "what"], ignore_index=True)
