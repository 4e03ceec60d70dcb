"""A strategy of a desk's own: a class that gives signals, asked, checked, and held to what was known."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from pydantic import model_validator

from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.events.rows import Mask
from aftershock.data.instants import Instants, to_index, to_ns
from aftershock.data.universes import Universe
from aftershock.engine.types import Floats
from aftershock.strategies.history import History
from aftershock.strategies.own_code import line_in
from aftershock.strategies.pairs import event_side, pairs_of
from aftershock.strategies.reaction import LOOSE, Reaction

NEEDED = ("event_id", "symbol", "side")
"""Columns that `Strategy.signals` must give."""
OPTIONAL = ("weight", "strength")
CUTS = 6
"""At so many instants a strategy is asked again without what came later."""
CLOSE = 1e-9
"""Weights and strengths this near count as the same, however many rows they were computed with."""


class Strategy(Reaction):
    """A strategy of your own: everything a `Reaction` has, and a method that gives the signals.

    Parameters
    ----------
    **parameters
        Those of `Reaction`, and the fields that the class adds: each may be swept.

    Raises
    ------
    InputError
        An unknown parameter or a value out of its range; a class without ``signals``.

    Notes
    -----
    ``tag``, ``direction``, ``min_strength`` and ``min_confidence`` choose the events that ``signals`` is asked about;
    recaps of moves and later prints of a story are left out before. ``stance`` and ``sides`` apply to what it gives.
    How trades are entered and left is the same as ever, and not to be read in ``signals``: trials that differ in that
    alone share their signals.

    Examples
    --------
    >>> class Reversal(Strategy):
    ...     days: int = 20
    ...     threshold: float = 0.05
    ...     def signals(self, events, history, universe):
    ...         pairs = self.pairs(events, universe)
    ...         past = history.asof(pairs["symbol"], pairs["known_by"])
    ...         fallen = past.returns(self.days) < -self.threshold
    ...         return pairs.assign(side=(pairs["side"] * fallen).astype(int))
    >>> Reversal(tag="chip", hold=3, threshold=0.1).threshold
    0.1
    >>> Reversal(thresholds=0.1)
    Traceback (most recent call last):
    ...
    aftershock.data.errors.InputError: expected a key of Reversal, got 'thresholds'; did you mean 'threshold'?
    """

    @model_validator(mode="after")
    def _keeps_to_reaction(self) -> Strategy:
        """Hold parameters that a class has redefined to their range, and refuse one that gives no signals."""
        if type(self).signals is Strategy.signals:
            got, cure = "none", "write def signals(self, events, history, universe): ..."
            raise InputError(Problem(f"a method signals in {type(self).__name__}", got, cure))
        Reaction(**{name: getattr(self, name) for name in Reaction.model_fields})
        return self

    def signals(self, events: pd.DataFrame, history: History, universe: Universe) -> pd.DataFrame:
        """Say which instruments each event trades, on which side; to be written by the class.

        Parameters
        ----------
        events : DataFrame
            The events that the strategy trades (docs/events.md), by ``known_by``, then ``event_id``.
        history : History
            ``history.asof(symbols, instants)`` gives prices as they were known.
        universe : Universe
            What may be traded.

        Returns
        -------
        DataFrame
            ``event_id``, ``symbol``, ``side`` (1, -1, or 0 for none); and, if wanted, ``weight`` (0 or more; 1 where
            there is no such column) and ``strength`` (NaN unknown; by default the event's). Rows in any order; no row
            is no signal; other columns are passed over.
        """
        raise NotImplementedError

    def pairs(self, events: pd.DataFrame, universe: Universe) -> pd.DataFrame:
        """Give one row per event and instrument of the universe it is about, with all columns of the event.

        Returns
        -------
        DataFrame
            The columns of ``events``, ``symbol``, and ``side`` as ``side_by`` says (``direction`` or ``surprise``; 0
            where that gives none).
        """
        if self.side_by == "impact":
            cure = "take direction or surprise, or give sides by what the class knows"
            raise InputError(Problem("side_by = 'direction' or 'surprise' for pairs", "'impact'", cure))
        found = pairs_of(events, universe, self.instruments)
        found = found[found["symbol"].isin(universe.symbols)]
        table = found.merge(events, on="event_id", how="left", suffixes=("", "_of_event"))
        return table.assign(side=event_side(table, self.side_by).astype(np.int64))


def ask(strategy: Strategy, events: pd.DataFrame, history: History, universe: Universe) -> pd.DataFrame:
    """Ask a strategy for its signals, check them, and check that nothing later matters to them.

    Parameters
    ----------
    strategy : Strategy
        Who is asked.
    events : DataFrame
        The events that it trades.
    history : History
        As of those events.
    universe : Universe
        What may be traded.

    Returns
    -------
    DataFrame
        ``event_id, symbol, side`` (int64), ``weight`` (float64), ``strength`` (float64; the event's where none is
        given), by event and symbol.

    Raises
    ------
    InputError
        The class fails, gives something else than signals, or gives others when what came later is not there.

    Notes
    -----
    It is asked again at ``CUTS`` instants, of the events known by then and with no price that was not: what it said of
    these must not change. So a mean over all events, a rank or a shift from a later one is found out.
    """
    events = events.sort_values(["known_by", "event_id"], kind="stable", ignore_index=True)
    if not len(events):
        return _typed(pd.DataFrame(columns=[*NEEDED, *OPTIONAL]), events)
    known = to_ns(events["known_by"])
    answer = _asked(strategy, events, events, history.cut(int(known.max())), universe)
    for now in known[np.unique(np.linspace(0, len(known) - 1, CUTS).astype(int))][::-1]:
        part = events[known <= now].reset_index(drop=True)
        again = _asked(strategy, events, part, history.cut(int(now)), universe)
        _same_as_before(strategy, part, answer, again, int(now), known)
    return answer


def _asked(
    strategy: Strategy, events: pd.DataFrame, part: pd.DataFrame, history: History, universe: Universe
) -> pd.DataFrame:
    """Ask about a part of the events; signals that stand in a table of the class's own may be there for all."""
    try:
        given = _without_ends(strategy).signals(part.copy(), history, universe)
    except (Exception, SystemExit) as error:
        raise _failed(strategy, error) from None
    _check_table(strategy, given)
    table = given.reset_index(drop=True)
    problems = [*_check_names(strategy, table, events, universe), *_check_numbers(strategy, table)]
    if problems:
        raise InputError(problems)
    return _typed(table[table["event_id"].isin(part["event_id"])], events)


def _without_ends(strategy: Strategy) -> Strategy:
    """Give a copy that does not know when its trades are entered and left."""
    bare = strategy.model_copy()
    for name in LOOSE:
        vars(bare).pop(name, None)
    return bare


def _typed(table: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    ids = table["event_id"].astype("str")
    own = events.set_index("event_id")["strength"].reindex(ids).to_numpy(np.float64)
    made = pd.DataFrame(
        {
            "event_id": ids,
            "symbol": table["symbol"].astype("str"),
            "side": table["side"].astype(np.int64),
            "weight": table["weight"].astype(np.float64) if "weight" in table else 1.0,
            "strength": table["strength"].astype(np.float64) if "strength" in table else own,
        }
    )
    return made.sort_values(["event_id", "symbol"], kind="stable", ignore_index=True)


# ------------------------------------------------------------------------------------------- what it gives


def _check_table(strategy: Strategy, given: Any) -> None:
    if not isinstance(given, pd.DataFrame):
        got = "nothing" if given is None else f"{type(given).__name__} {given!r:.60}"
        cure = "return pd.DataFrame with a row for each event and symbol"
        raise InputError(_problem(strategy, f"a DataFrame with {', '.join(NEEDED)}", got, cure))
    twice = [str(name) for name in given.columns[given.columns.duplicated()] if name in NEEDED + OPTIONAL]
    if twice:
        raise InputError(_problem(strategy, "each column once", f"'{twice[0]}' twice", "drop one of them"))
    missing = [name for name in NEEDED if name not in given]
    if missing:
        known = [str(name) for name in given.columns if name not in NEEDED]
        cures = [did_you_mean(name, known) if known else "add it" for name in missing]
        raise InputError(
            [
                _problem(strategy, f"a column '{name}'", "none", cure)
                for name, cure in zip(missing, cures, strict=True)
            ]
        )


def _check_names(
    strategy: Strategy, table: pd.DataFrame, events: pd.DataFrame, universe: Universe
) -> list[Problem]:
    found = []
    for column, known, what in (
        ("event_id", list(events["event_id"]), "an event that was asked about"),
        ("symbol", list(universe.symbols), f"a symbol of the universe '{universe.name}'"),
    ):
        strange = ~table[column].isin(known).to_numpy(bool)
        for row in np.flatnonzero(strange)[:SHOWN]:
            came = table[column].iloc[row]
            cure = did_you_mean(came, known) if isinstance(came, str) else "write its name"
            found.append(_problem(strategy, what, repr(came), cure, int(row), column))
    twice = table.duplicated(["event_id", "symbol"]).to_numpy(bool)
    for row in np.flatnonzero(twice)[:SHOWN]:
        event, symbol = table.loc[row, "event_id"], table.loc[row, "symbol"]
        first = int(np.flatnonzero((table["event_id"] == event) & (table["symbol"] == symbol))[0])
        got = f"'{event}' on '{symbol}' again, after row {first}"
        found.append(_problem(strategy, "one row for an event and symbol", got, "keep one", int(row)))
    return found


SHOWN = 20
"""Rows of one column that an error tells of."""


def _check_numbers(strategy: Strategy, table: pd.DataFrame) -> list[Problem]:
    tests: dict[str, tuple[str, str, Callable[[Floats], Any]]] = {
        "side": (
            "1, -1 or 0",
            "write the sign alone, the size is its weight",
            lambda x: np.isin(x, (1, -1, 0)),
        ),
        "weight": (
            "a number of at least 0",
            "leave the row out, or side 0",
            lambda x: np.isfinite(x) & (x >= 0),
        ),
        "strength": ("a number, or NaN where it is unknown", "correct it", lambda x: ~np.isinf(x)),
    }
    found = []
    for column, (what, cure, fits) in tests.items():
        if column not in table:
            continue
        given = table[column]
        numbers = np.array([_number(value) for value in given], np.float64)
        told = np.array([isinstance(_number(value), float) for value in given], bool)
        right = (
            fits(numbers) if column != "strength" else fits(numbers) & (told | given.isna().to_numpy(bool))
        )
        for row in np.flatnonzero(~np.asarray(right, bool))[:SHOWN]:
            found.append(_problem(strategy, what, f"{_plain(given.iloc[row])!r}", cure, int(row), column))
    return found


def _number(value: Any) -> float | None:
    """Read a number; None (NaN in an array) where it is none. Words are no numbers, and neither are switches."""
    if isinstance(value, (bool, np.bool_, str)):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _problem(
    strategy: Strategy,
    expected: str,
    got: str,
    cure: str,
    row: int | None = None,
    column: str | None = None,
) -> Problem:
    where = f"{type(strategy).__name__}.signals" + ("" if row is None else f", row {row}")
    return Problem(expected, got, cure, where, None, column)


def _failed(strategy: Strategy, error: BaseException) -> InputError:
    """Say in which class and at which line an answer failed."""
    name, code = type(strategy).__name__, inspect.unwrap(type(strategy).signals).__code__
    line = line_in(error, code.co_filename)
    where = f"{name}.signals"
    if isinstance(error, InputError):
        return InputError([replace(one, file=where, line=line, column=None) for one in error.problems])
    if isinstance(error, AttributeError) and isinstance(error.obj, Strategy) and error.name in LOOSE:
        cure = "add a field of your own: trials that differ in it alone share their signals"
        return InputError(Problem("no use of how trades end", f"self.{error.name}", cure, where, line))
    told = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'without a word'}"
    return InputError(Problem("signals", told, "correct the class", where, line))


# ------------------------------------------------------------------------------------------- what comes later


def _same_as_before(
    strategy: Strategy,
    part: pd.DataFrame,
    answer: pd.DataFrame,
    again: pd.DataFrame,
    now: int,
    known: Instants,
) -> None:
    """Refuse signals that were others when what came after an instant was not there."""
    before = answer[answer["event_id"].isin(part["event_id"])].reset_index(drop=True)
    both = before.merge(again, on=["event_id", "symbol"], how="outer", suffixes=("", "_again"))
    differs = ~_alike(both)
    if not differs.any():
        return
    row = both[differs].iloc[0]
    whole = now == known.max()
    when = (
        "asked a second time"
        if whole
        else f"with what was known by {to_index(np.array([now]))[0].isoformat()}"
    )
    cure = (
        "draw with a seed, and keep nothing from one call to the next"
        if whole
        else "use nothing of later events: no mean, rank or shift over all of them"
    )
    what = "the same signals each time" if whole else "signals that nothing later changes"
    got = f"{_told(row, '')} of '{row['event_id']}' on '{row['symbol']}', and {_told(row, '_again')} {when}"
    raise InputError(_problem(strategy, what, got, cure))


def _alike(both: pd.DataFrame) -> Mask:
    same = (both["side"] == both["side_again"]).to_numpy(bool)
    for name in OPTIONAL:
        one, other = both[name].to_numpy(np.float64), both[f"{name}_again"].to_numpy(np.float64)
        same = same & np.isclose(one, other, rtol=CLOSE, atol=0.0, equal_nan=True)
    return same


def _told(row: pd.Series[Any], which: str) -> str:
    if np.isnan(row[f"side{which}"]):
        return "none"
    return f"side {int(row[f'side{which}'])}, weight {row[f'weight{which}']:g}, strength {row[f'strength{which}']:g}"


def own_classes(strategy: Reaction) -> Iterable[type]:
    """Give the classes of a desk's own that a strategy is made of, the nearest first."""
    return [one for one in type(strategy).__mro__ if issubclass(one, Strategy) and one is not Strategy]
