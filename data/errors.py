"""Errors that say what was expected, what came and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

SHOWN = 20
"""How many problems an error prints before it counts the rest."""

LISTED = 20
"""How many known words a suggestion lists."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input, in the words a user can act on.

    Attributes
    ----------
    expected, got, cure : str
        What should have stood there, what stood there, and what to do about it.
    file, line, column : str, int, str or None
        Where: the file, its 1-based line (row for Parquet) and the column or key.

    Examples
    --------
    >>> print(Problem("a number", "'abc'", "correct the cell", "events.csv", 3, "strength"))
    events.csv, line 3, column strength: expected a number, got 'abc'; correct the cell
    """

    expected: str
    got: str
    cure: str
    file: str | None = None
    line: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        """One line: where, expected, got, cure."""
        where = [
            *([self.file] if self.file else []),
            *([f"line {self.line}"] if self.line is not None else []),
            *([f"column {self.column}"] if self.column else []),
        ]
        prefix = ", ".join(where) + ": " if where else ""
        text = f"{prefix}expected {self.expected}, got {self.got}; {self.cure}"
        return " ".join(text.split())


class InputError(ValueError):
    """Input that cannot be used; holds every problem found, prints a line for each.

    Parameters
    ----------
    problems : Problem or sequence of Problem
        At least one.

    Examples
    --------
    >>> raise InputError(Problem("a file", "nothing", "check the path", "events.csv"))
    Traceback (most recent call last):
    ...
    aftershock.data.errors.InputError: events.csv: expected a file, got nothing; check the path
    """

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        lines = [str(problem) for problem in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            lines.append(f"... and {len(self.problems) - SHOWN} more problems")
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Problem, ...]]]:
        """Travel between processes by the problems, not by their text."""
        return type(self), (self.problems,)


@contextmanager
def in_file(path: str | Path) -> Iterator[None]:
    """Name a file in problems that have none of their own.

    Examples
    --------
    >>> with in_file("desk.toml"):
    ...     raise InputError(Problem("a file", "nothing", "check the path"))
    Traceback (most recent call last):
    ...
    aftershock.data.errors.InputError: desk.toml: expected a file, got nothing; check the path
    """
    try:
        yield
    except InputError as error:
        raise InputError(
            [replace(problem, file=problem.file or str(path)) for problem in error.problems]
        ) from None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest the nearest known words, or list what is known.

    Examples
    --------
    >>> did_you_mean("hodl", ["hold", "stop"])
    "did you mean 'hold'?"
    >>> did_you_mean("zzz", ["hold", "stop"])
    'known: hold, stop'
    """
    options = sorted(known)
    near = difflib.get_close_matches(word, options, n=2, cutoff=0.6)
    if near:
        return "did you mean " + " or ".join(f"'{option}'" for option in near) + "?"
    return "known: " + ", ".join(options[:LISTED]) + (", ..." if len(options) > LISTED else "")
