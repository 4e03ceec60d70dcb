"""Exits written as plain functions: checked, compiled, and asked bar by bar before any money is.

What a rule says depends on nothing but the bar of entry, the side and the bars since; and the bar at which a signal is
entered, if it is, does not depend on money. So the bar at whose open each trade leaves by its rule is found beforehand,
and kernels take it as one exit more (docs/fills.md, section 5).
"""

from __future__ import annotations

import builtins
import dis
import inspect
import re
import types
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.engine.kernels import EXTEND, Case, first_fills
from aftershock.engine.types import Entries, Integers

Rule = Callable[..., bool]

ASKED = {
    "held": "int64",
    "side": "int64",
    "entry_price": "float64",
    "open": "float64",
    "high": "float64",
    "low": "float64",
    "close": "float64",
    "best": "float64",
}
"""What a rule may ask for by name, and the type it comes in."""
LIBRARIES = ("math", "numpy")
"""Modules that a rule may use besides its arguments."""


def check_rule(rule: Rule) -> Rule:
    """Check a rule, and compile it.

    Parameters
    ----------
    rule : callable
        A plain function of some of ``held`` (bars since the entry bar), ``side`` (+1, -1), ``entry_price``, ``open``,
        ``high``, ``low``, ``close`` of the bar that is over, and ``best`` (the best of the entry price and the highs,
        for a short the lows, so far). It says whether the trade is to leave at the next open that fills. Unknown
        prices are NaN.

    Returns
    -------
    callable
        The same function.

    Raises
    ------
    InputError
        No plain function; an argument that is not one of these; something read that is no argument; what numba cannot
        compile; an answer that is no bool.

    Examples
    --------
    >>> def weak(held, side, entry_price, close):
    ...     return held >= 2 and side * close < side * entry_price
    >>> check_rule(weak) is weak
    True
    >>> check_rule(lambda closing: closing > 1.0)
    Traceback (most recent call last):
    ...
    aftershock.data.errors.InputError: exit <lambda>: expected arguments among held, side, entry_price, open, high, \
low, close, best, got 'closing'; did you mean 'close'?
    """
    if not isinstance(rule, types.FunctionType):
        cure = "write def leave(held, close, entry_price): ... and give exit=leave"
        raise InputError(Problem("exit to be a plain Python function", f"{rule!r}", cure))
    _check_arguments(rule)
    _check_reads(rule)
    _compiled(rule)
    return rule


def ruled(case: Case, rule: Rule | None, longest: int | None = None) -> Entries:
    """Give the entries of a case with the bar at whose open a rule takes each out.

    Parameters
    ----------
    case : Case
        The market, its rules, n signals, and the settings.
    rule : callable, optional
        As `check_rule` takes it; None leaves entries as they are.
    longest : int, optional
        The longest hold of any trial; by default that of the case.

    Raises
    ------
    InputError
        The rule fails on a bar (a division by zero).
    """
    if rule is None:
        return case.entries
    bars, entries, at_close = case.bars, case.entries, case.orders.at_close
    end = bars.offsets[entries.instrument + 1]
    first = first_fills(case)
    if case.orders.same != EXTEND:
        # What comes after its hold no trade lives to see.
        end = np.minimum(end, first + (case.exits.hold if longest is None else longest) + 1)
    prices = (bars.open, bars.high, bars.low, bars.close, bars.halted)
    found = _asked(rule, prices, first, entries.side, end, bool(at_close))
    return entries._replace(rule_bar=found)


def _asked(
    rule: Rule, prices: tuple[Any, ...], first: Integers, side: Integers, end: Integers, at_close: bool
) -> Integers:
    ask = _compiled(rule)
    try:
        found: Integers = ask(prices, first, side, end, at_close)
    except Exception as error:
        # The plain function fails at the same bar, and says on which line.
        line = None
        try:
            _loop(_adapter(rule, rule))(prices, first, side, end, at_close)
        except Exception as again:
            line = _line_in(again, rule)
        told = f"{type(error).__name__}: {error}"
        raise _refused(
            rule, "an answer for every bar", told, "ask first whether it can be had", line
        ) from None
    return found


def _loop(rule: Rule) -> Callable[..., Integers]:
    """Give the loop that asks a rule (taking all of ``ASKED`` in order) of each signal until it says yes."""

    def ask(
        prices: tuple[Any, ...], first: Integers, side: Integers, end: Integers, at_close: bool
    ) -> Integers:
        opens, highs, lows, closes, halted = prices
        found = np.full(len(first), -1, np.int64)
        for row in range(len(first)):
            entry, s = first[row], side[row]
            if entry < 0:
                continue
            price = closes[entry] if at_close else opens[entry]
            best = price
            for bar in range(entry + 1 if at_close else entry, end[row]):
                if halted[bar]:
                    continue
                extreme = highs[bar] if s > 0 else lows[bar]
                if s * extreme > s * best:
                    best = extreme
                if rule(bar - entry, s, price, opens[bar], highs[bar], lows[bar], closes[bar], best):
                    found[row] = bar + 1
                    break
        return found

    return ask


@lru_cache(maxsize=256)
def _compiled(rule: Rule) -> Callable[..., Integers]:
    """Compile a rule and the loop that asks it."""
    from numba import njit, types
    from numba.core.errors import NumbaError

    inner = njit(nogil=True)(rule)
    chosen = tuple(getattr(types, ASKED[name]) for name in inspect.signature(rule).parameters)
    try:
        inner.compile(chosen)
    except NumbaError as error:
        cure = "use numbers, comparisons, math and numpy alone"
        got = f"what numba cannot: {_sentence(error)}"
        raise _refused(rule, "what numba compiles", got, cure, _line_of(error, rule)) from None
    given = str(inner.nopython_signatures[0].return_type)
    if not _BOOL.fullmatch(given):
        cure = "return True or False, on every way out"
        raise _refused(rule, "an answer of type bool", f"one of type {given}", cure)
    adapted: Any = njit(_adapter(rule, inner))
    compiled: Callable[..., Integers] = njit(nogil=True)(_loop(adapted))
    return compiled


def _adapter(rule: Rule, called: Any) -> Rule:
    """Wrap a function so that it takes all of ``ASKED`` in order, and is given what the rule asks for."""
    wanted = ", ".join(inspect.signature(rule).parameters)
    made: Rule = eval(f"lambda {', '.join(ASKED)}: called({wanted})", {"called": called})
    return made


def _check_arguments(rule: Rule) -> None:
    known = ", ".join(ASKED)
    for name, one in inspect.signature(rule).parameters.items():
        if one.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
            got = f"'{'**' if one.kind is inspect.Parameter.VAR_KEYWORD else '*'}{name}'"
            raise _refused(rule, f"arguments among {known}", got, "name those that it reads")
        if name not in ASKED:
            raise _refused(rule, f"arguments among {known}", f"'{name}'", did_you_mean(name, ASKED))


def _check_reads(rule: Rule) -> None:
    """Refuse a rule whose answer depends on what is not among its arguments."""
    if rule.__code__.co_freevars:
        around = rule.__code__.co_freevars[0]
        cure = "write its value into the function"
        raise _refused(rule, "nothing read but its arguments", f"'{around}', which stands around it", cure)
    line = rule.__code__.co_firstlineno
    for step in dis.get_instructions(rule):
        line = getattr(step.positions, "lineno", None) or line
        if step.opname not in ("LOAD_GLOBAL", "LOAD_NAME") or hasattr(builtins, str(step.argval)):
            continue
        value = rule.__globals__.get(step.argval)
        if not (isinstance(value, types.ModuleType) and value.__name__.partition(".")[0] in LIBRARIES):
            cure = "write its value into the function, or ask for an argument: " + ", ".join(ASKED)
            raise _refused(rule, "nothing read but its arguments", f"'{step.argval}'", cure, line)


def _refused(rule: Rule, expected: str, got: str, cure: str, line: int | None = None) -> InputError:
    name, place = rule.__name__, rule.__code__.co_filename
    where = f"{place}, exit {name}" if Path(place).is_file() else f"exit {name}"
    return InputError(Problem(expected, got, cure, where, line))


def _sentence(error: Exception) -> str:
    """Give the one sentence of numba's that says what is wrong."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(_PREAMBLE)]
    return (told or lines or [type(error).__name__])[0].rstrip(".:")


_BOOL = re.compile(r"bool|Literal\[bool\]\(\w+\)")
_PREAMBLE = ("Failed in nopython", "During:", "File ", "<source", "- Resolution", "raised from", "[1]", ">>>")


def _line_of(error: Exception, rule: Rule) -> int | None:
    """Give the line of a rule's file that numba speaks of."""
    found = re.findall(r'File "[^"]*", line (\d+)', re.sub(r"\x1b\[[0-9;]*m", "", str(error)))
    loc = getattr(error, "loc", None)
    if loc is not None and loc.line:
        return int(loc.line)
    return int(found[-1]) if found else rule.__code__.co_firstlineno


def _line_in(error: BaseException, rule: Rule) -> int | None:
    """Give the line of a rule at which it failed."""
    step, line = error.__traceback__, None
    while step is not None:
        if step.tb_frame.f_code is rule.__code__:
            line = step.tb_lineno
        step = step.tb_next
    return line
