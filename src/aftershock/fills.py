"""Fills of any origin, held to the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from aftershock.data.blotters import read_blotter
from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.prices import load_tape
from aftershock.data.venues import VENUES, DeskRules
from aftershock.engine.fill_checks import fill_findings
from aftershock.engine.fill_findings import SEVERITIES


def check_fills(
    fills: Any,
    prices: Any = None,
    *,
    zone: str | None = None,
    desk: Mapping[str, DeskRules] | None = None,
    skip_bad: bool = False,
) -> pd.DataFrame:
    """Find the fills of a blotter that could not have happened, or paid the wrong tax, and say why.

    Parameters
    ----------
    fills : path or DataFrame
        A broker's export (CSV, JSONL, Parquet), the fills of a run, or its folder; docs/check_fills.md has the columns.
    prices : optional
        Whatever `load_tape` takes. Without them limits, locks, ranges and halts are not checked.
    zone : str, optional
        Zone of stamps without one; ``venue``: each exchange's own clock.
    desk : mapping of MIC to DeskRules, optional
        A desk's own rules in the place of the venues'.
    skip_bad : bool
        Leave rows that cannot be read out and count them, instead of refusing the blotter.

    Returns
    -------
    DataFrame
        A row per finding: ``line, symbol, session, side, quantity, price, code, severity`` (``impossible``, ``wrong``,
        ``note``), ``expected, found, why, source``. ``attrs`` count the fills by their gravest finding (``fills,
        impossible, wrong, note, ok, skipped``) and list in ``unchecked`` what could not be checked, in ``ignored`` the
        columns that mean nothing here.

    Raises
    ------
    InputError
        All problems of all rows, each with its line and column; or prices that cannot be used.

    Examples
    --------
    >>> row = {"symbol": "2330.TW", "side": "buy", "quantity": 1000, "price": 951.5, "date": "2024-07-02"}
    >>> found = check_fills(pd.DataFrame([row]))
    >>> found[["code", "severity", "expected"]].values.tolist()
    [['off_tick', 'impossible', '951 or 952']]
    """
    strange = [mic for mic in desk or {} if mic not in VENUES]
    if strange:
        raise InputError(
            Problem("the MIC of a known venue", f"'{strange[0]}'", did_you_mean(strange[0], VENUES))
        )
    blotter = read_blotter(fills, zone=zone, skip_bad=skip_bad)
    tape = None
    if prices is not None:
        symbols = blotter.fills["symbol"].unique().tolist()
        tape = load_tape(prices, symbols=symbols)
    table, unchecked = fill_findings(blotter.fills, tape, desk)
    table.attrs.update(
        _counts(blotter.fills, table),
        skipped=len(blotter.skipped.drop_duplicates(["file", "line"])),
        unchecked=[*blotter.missing, *unchecked],
        ignored=list(blotter.ignored),
    )
    return table


def _counts(fills: pd.DataFrame, table: pd.DataFrame) -> dict[str, int]:
    gravest = table.drop_duplicates("line")["severity"]
    counts = {name: int(gravest.eq(name).sum()) for name in SEVERITIES}
    return {"fills": len(fills), **counts, "ok": len(fills) - sum(counts.values())}
