"""The reaction strategy: after this kind of news, trade these instruments this way, for so long."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import FunctionType
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from aftershock.data.settings import Settings
from aftershock.engine.types import OPPOSITE, SAME, Exits, Orders
from aftershock.strategies.own_code import load_own, reference_to


def _words(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _seconds(value: Any) -> Any:
    """Read a latency: a number of seconds or a duration such as ``"5min"``."""
    if not isinstance(value, str):
        return value
    with suppress(ValueError):
        return float(value)  # pandas would take it for nanoseconds
    try:
        return pd.Timedelta(value).total_seconds()
    except ValueError as error:
        raise ValueError("a duration such as '90s' or '5min', or a number of seconds") from error


def _rule(value: Any) -> Any:
    """Take an exit of the desk's own: a function, or ``file.py:name`` of one."""
    if isinstance(value, str):
        value = load_own(value, lambda one: isinstance(one, FunctionType), "a function")
    if value is None:
        return None
    from aftershock.engine.exit_rules import check_rule

    return check_rule(value)


LOOSE = {
    "delay",
    "max_defer",
    "hold",
    "exit_at",
    "stop",
    "take",
    "trail",
    "exit",
    "entry_bar_exits",
    "overlap",
    "opposite",
}
"""Parameters that select no signals and join none with its session."""
LONGEST = 1_000_000
"""Bars; nothing is waited for or held longer, and kernels count on it."""
YEAR = 366 * 86_400.0
"""Seconds; no latency is longer."""

Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Seconds = Annotated[float, BeforeValidator(_seconds)]
ExitRule = Annotated[
    Callable[..., Any] | None,
    BeforeValidator(_rule),
    PlainSerializer(reference_to, when_used="json-unless-none"),
]


class Reaction(Settings):
    """Trade the reaction to tagged news.

    Parameters
    ----------
    tag, direction : str or sequence of str
        Which events; none means all.
    min_strength, min_confidence : float
        Events below, or of unknown strength or confidence where the minimum is above 0, are left out.
    side_by : {"direction", "impact", "surprise"}
        What gives the side: the event's direction alone; its impact on the instrument (an explicit row, else the
        exposures table); or the sign of its surprise.
    stance : {"follow", "fade"}
        With the news or against it.
    sides : {"both", "long", "short"}
        Which sides are taken.
    instruments : {"auto", "symbols", "scope"}
        The event's own symbols where it names some and else its scope, and whatever has an explicit impact of it where
        ``side_by="impact"``; or only the one; or only the other.
    universe : str or sequence of str
        A shipped universe or symbols; none means everything there are prices for.
    entry : {"open", "close"}
        The auction at which a trade is entered.
    latency : float or str
        Seconds (or a duration such as ``"5min"``) from the news being known to acting on it.
    delay : int
        Bars to wait before entry.
    max_defer : int
        Sessions that an entry waits where its bar does not fill it, before it lapses.
    hold : int
        Bars from the entry bar to the exit bar; 0 leaves at the close of the entry bar (open entries only).
    exit_at : {"close", "open"}
        The auction at which the hold ends.
    stop, take, trail : float, optional
        Levels as shares of the entry price.
    exit : callable or str, optional
        A plain function that says at the close of each bar whether the trade leaves at the next open that fills, or
        ``file.py:name`` of one; see `aftershock.engine.exit_rules.check_rule`.
    entry_bar_exits : bool
        Whether levels are tested on the bar of an open entry.
    overlap : {"ignore", "extend", "stack"}
        What an event on the same side does to a trade that is held.
    opposite : {"close", "reverse", "ignore"}
        What an event on the other side does to it.

    Raises
    ------
    InputError
        An unknown parameter ("did you mean") or a value out of its range.

    Examples
    --------
    >>> Reaction(tag="chip", hold=5).tag
    ('chip',)
    >>> Reaction(hodl=5)
    Traceback (most recent call last):
    ...
    aftershock.data.errors.InputError: expected a key of Reaction, got 'hodl'; did you mean 'hold'?
    """

    tag: Words = ()
    direction: Words = ()
    min_strength: Annotated[float, Field(ge=0)] = 0.0
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.0
    side_by: Literal["direction", "impact", "surprise"] = "direction"
    stance: Literal["follow", "fade"] = "follow"
    sides: Literal["both", "long", "short"] = "both"
    instruments: Literal["auto", "symbols", "scope"] = "auto"
    universe: Words = ()
    entry: Literal["open", "close"] = "open"
    latency: Annotated[Seconds, Field(ge=0, le=YEAR)] = 0.0
    delay: Annotated[int, Field(ge=0, le=LONGEST)] = 0
    max_defer: Annotated[int, Field(ge=0, le=LONGEST)] = 0
    hold: Annotated[int, Field(ge=0, le=LONGEST)] = 5
    exit_at: Literal["close", "open"] = "close"
    stop: Annotated[float, Field(gt=0, lt=1)] | None = None
    take: Annotated[float, Field(gt=0)] | None = None
    trail: Annotated[float, Field(gt=0, lt=1)] | None = None
    exit: ExitRule = None
    entry_bar_exits: bool = True
    overlap: Literal["ignore", "extend", "stack"] = "ignore"
    opposite: Literal["close", "reverse", "ignore"] = "close"

    @model_validator(mode="after")
    def _hold_has_room(self) -> Reaction:
        if self.hold == 0 and (self.entry == "close" or self.exit_at == "open"):
            raise ValueError("hold of at least 1 where entry is at the close or exit at the open")
        return self

    @property
    def latency_ns(self) -> int:
        """Latency in nanoseconds."""
        return round(self.latency * 1e9)

    @property
    def exits(self) -> Exits:
        """The exits as kernels take them."""
        nan = float("nan")
        return Exits(
            hold=self.hold,
            stop=nan if self.stop is None else self.stop,
            take=nan if self.take is None else self.take,
            trail=nan if self.trail is None else self.trail,
            at_open=self.exit_at == "open",
            entry_bar=self.entry_bar_exits,
        )

    @property
    def orders(self) -> Orders:
        """The orders as kernels take them."""
        return Orders(
            at_close=self.entry == "close",
            max_defer=self.max_defer,
            same=SAME.index(self.overlap),
            opposite=OPPOSITE.index(self.opposite),
        )
