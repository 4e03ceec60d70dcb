"""The parameters of a sweep: axes by name, and the trials they span."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from numbers import Integral
from pathlib import Path
from typing import Annotated, Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.settings import Settings
from aftershock.data.tables import LINE, lines_of
from aftershock.engine.trials import FIGURES
from aftershock.experiment import Costs, Experiment, Portfolio, filled_in
from aftershock.strategies.own_code import beside
from aftershock.strategies.reaction import Reaction

Codes = NDArray[np.int64]

Section = type[Settings]


def sections(strategy: type[Reaction] = Reaction) -> dict[str, Section]:
    """Give where parameters live; a bare name is looked for in this order."""
    return {"strategy": strategy, "costs": Costs, "portfolio": Portfolio}


FIXED = (
    "universe",
    "mode",
    "capital",
    "currency",
    "fx",
    "unhedged",
    "marks",
    "mark_tolerance",
    "allow_index",
)
"""Parameters that no sweep varies: they decide what is loaded and whose money it is."""
EXIT = "strategy.exit"
"""The axis whose values are functions; tables have their names, and the folder of a sweep where they stand."""
COLUMNS = ("trial", *FIGURES, "path")
"""What a table of trials has besides its axes."""
OFF = "off"
"""How a level that is switched off is written."""
METHODS = ("grid", "random", "latin")
MOST = 100_000_000
"""No grid has more trials."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Axes, and which of their values each trial takes.

    Attributes
    ----------
    names : tuple of str
        ``section.field`` of each axis.
    labels : tuple of str
        What each axis was called.
    values : tuple of tuple
        The values of each axis.
    picked : ndarray of int64, shape (trials, axes), optional
        Which value of each axis a trial takes; None: every combination, the last axis fastest.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]
    picked: Codes | None = None

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """How many values each axis has."""
        return tuple(map(len, self.values))

    def __len__(self) -> int:
        if self.picked is not None:
            return len(self.picked)
        return int(np.prod(self.shape, dtype=object)) if self.names else 1

    @property
    def functions(self) -> tuple[Callable[..., Any], ...]:
        """The functions among the values."""
        return tuple(value for values in self.values for value in values if callable(value))

    def codes(self, first: int, end: int) -> Codes:
        """Give which value of each axis some trials take, shape (trials, axes)."""
        if self.picked is not None:
            return self.picked[first:end]
        if not self.names:
            return np.zeros((end - first, 0), np.int64)
        return np.stack(np.unravel_index(np.arange(first, end), self.shape), axis=1).astype(np.int64)

    def table(self, first: int = 0, end: int | None = None) -> pd.DataFrame:
        """Give the parameters of some trials, a column each."""
        codes = self.codes(first, len(self) if end is None else end)
        columns = {
            label: _column(values, codes[:, place])
            for place, (label, values) in enumerate(zip(self.labels, self.values, strict=True))
        }
        return pd.DataFrame(columns, index=pd.RangeIndex(len(codes)))

    def settings(self, codes: Iterable[int], places: Iterable[int] | None = None) -> dict[str, Any]:
        """Give the values that codes stand for, by name."""
        chosen = range(len(self.names)) if places is None else places
        return {
            self.names[place]: self.values[place][code] for place, code in zip(chosen, codes, strict=True)
        }


def _column(values: tuple[Any, ...], codes: Codes) -> Any:
    if all(
        value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) for value in values
    ):
        whole = all(isinstance(value, int) for value in values)
        numbers = np.array(
            [np.nan if value is None else value for value in values], np.int64 if whole else np.float64
        )
        return numbers[codes]
    if all(isinstance(value, bool) for value in values):
        return np.array(values, np.bool_)[codes]
    words = np.array([word_of(value) for value in values], dtype=object)
    return pd.Series(words[codes], dtype="str").to_numpy()


def word_of(value: Any) -> str:
    """Write a value as a table shows it.

    Examples
    --------
    >>> word_of(("fed", "chip")), word_of(None), word_of(0.05), word_of(word_of)
    ('fed chip', 'off', '0.05', 'word_of')
    """
    if value is None:
        return OFF
    if callable(value):
        return str(value.__name__)
    return " ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def grid_of(
    axes: Mapping[str, Any] | pd.DataFrame,
    *,
    sample: int | None = None,
    method: str = "grid",
    seed: int = 0,
    strategy: type[Reaction] = Reaction,
    folder: Path | None = None,
) -> Grid:
    """Read a grid.

    Parameters
    ----------
    axes : mapping or DataFrame
        By parameter (``hold``, ``stop``, ``costs.slippage``, ...) a list of values, a ``range``, or a table
        ``{"from": 1, "to": 5, "step": 1}`` (or ``"num"`` of them, even); or a table with a row for each trial.
    sample : int, optional
        How many trials to draw, with method ``random`` (without repeats) or ``latin``.
    method : {"grid", "random", "latin"}
        All combinations, or a sample of them. With a sample an axis ``{"from": 0.01, "to": 0.1}`` is continuous.
    seed : int
        Of the sample.
    strategy : type
        Whose parameters may vary.
    folder : Path, optional
        What the files of exits (``"mine.py:leave"``) are relative to; by default where we are.

    Raises
    ------
    InputError
        An unknown parameter, a value it cannot take, an empty axis, two exits of one name, or too many trials.

    Examples
    --------
    >>> grid = grid_of({"hold": range(1, 4), "stop": ["off", 0.05]})
    >>> len(grid), grid.table().iloc[1].tolist()
    (6, [1.0, 0.05])
    """
    if method not in METHODS:
        raise InputError(
            Problem("method: grid, random or latin", f"'{method}'", did_you_mean(method, METHODS))
        )
    if sample is not None and (isinstance(sample, bool) or not isinstance(sample, Integral) or sample < 1):
        raise InputError(Problem("sample of at least 1", repr(sample), "write a number of trials"))
    if isinstance(axes, pd.DataFrame):
        if sample is not None or method != "grid":
            cure = "leave sample and method out, or give a grid"
            raise InputError(Problem("all rows of a table of trials", "a sample of them", cure))
        return _of_table(axes, strategy, folder)
    if not isinstance(axes, Mapping):
        cure = "write for example {'hold': [1, 2, 5]}"
        raise InputError(Problem("a mapping of parameters to values, or a table", repr(axes), cure))
    if not axes:
        raise InputError(
            Problem("at least one parameter to sweep", "none", "write for example hold = [1, 2, 5]")
        )
    axes = {
        str(label): {key: _plain(value) for key, value in given.items()}
        if isinstance(given, Mapping)
        else given
        for label, given in axes.items()
    }
    labels = tuple(axes)
    names = tuple(name_of(label, strategy) for label in labels)
    _each_once(names, labels)
    if sample is None and method != "grid":
        raise InputError(
            Problem(f"sample with method = '{method}'", "none", "write for example sample = 1000")
        )
    if sample is not None and method == "grid":
        method = "random"
    rng = np.random.default_rng(seed)
    drawn = [
        _values(label, given, sample, method, rng) for label, given in zip(labels, axes.values(), strict=True)
    ]
    values = tuple(
        _all_checked(name, label, found, strategy, folder)
        for name, label, found in zip(names, labels, drawn, strict=True)
    )
    grid = Grid(names, labels, values)
    if sample is not None:
        return replace(grid, picked=_sampled(grid, axes, sample, method, rng))
    if len(grid) > MOST:
        raise InputError(
            Problem(
                f"at most {MOST:,} trials",
                f"{len(grid):,}",
                "take fewer values, or a sample (sample = 100000)",
            )
        )
    return grid


def name_of(label: str, strategy: type[Reaction] = Reaction) -> str:
    """Find the parameter that a label means, of a strategy, costs or portfolio.

    Raises
    ------
    InputError
        There is none, or no sweep varies it.

    Examples
    --------
    >>> name_of("hold"), name_of("costs.slippage"), name_of("size")
    ('strategy.hold', 'costs.slippage', 'portfolio.size')
    """
    section, _, field = label.rpartition(".")
    own = section in ("", "strategy") and field in set(strategy.model_fields) - set(Reaction.model_fields)
    if field in FIXED and not own:
        raise InputError(
            Problem("a parameter that a sweep varies", f"'{label}'", "set it in the experiment instead")
        )
    places = sections(strategy)
    if own and not section and field in COLUMNS:
        got = f"'{label}', which is a column of trials already"
        raise InputError(Problem("a name of its own", got, f"write 'strategy.{field}', or name it otherwise"))
    if label in places and label not in strategy.model_fields:
        cure = f'put the whole name in quotes, such as "{label}.{min(places[label].model_fields)}"'
        raise InputError(Problem("a parameter of strategy, costs or portfolio", f"'{label}'", cure))
    for place, settings in places.items():
        if section in ("", place) and field in settings.model_fields:
            return f"{place}.{field}"
    known = [*(field for one in places.values() for field in one.model_fields if field not in FIXED)]
    known += [f"{place}.{field}" for place, one in places.items() for field in one.model_fields if section]
    raise InputError(
        Problem("a parameter of strategy, costs or portfolio", f"'{label}'", did_you_mean(label, known))
    )


def _each_once(names: tuple[str, ...], labels: tuple[str, ...]) -> None:
    for place, name in enumerate(names):
        if name in names[:place]:
            raise InputError(
                Problem("each parameter once", f"'{labels[place]}' again", "leave one of the two out")
            )


def _values(label: str, given: Any, sample: int | None, method: str, rng: np.random.Generator) -> list[Any]:
    if isinstance(given, Mapping):
        return _of_range(label, given, sample, method, rng)
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        return [given]
    found = [_plain(value) for value in given]
    if not found:
        raise InputError(Problem(f"values of '{label}'", "an empty list", "write at least one"))
    return found


def _plain(value: Any) -> Any:
    """Give Python's own number for numpy's."""
    return value.item() if isinstance(value, np.generic) else value


def _of_range(
    label: str, given: Mapping[str, Any], sample: int | None, method: str, rng: np.random.Generator
) -> list[Any]:
    known = ("from", "to", "step", "num")
    for key in given:
        if key not in known:
            raise InputError(
                Problem(f"from, to, step or num in '{label}'", f"'{key}'", did_you_mean(str(key), known))
            )
    first: Any = given.get("from")
    last: Any = given.get("to")
    if not (_is_finite(first) and _is_finite(last)) or last < first:
        raise InputError(
            Problem(f"from and to in '{label}', rising", f"{dict(given)}", "write {from = 1, to = 5}")
        )
    if "num" in given:
        return _even(label, given)
    if "step" in given or (isinstance(first, int) and isinstance(last, int)):
        return _stepped(label, first, last, given.get("step", 1))
    if sample is None:
        cure = "write a step or a num, or draw a sample (sample = 1000)"
        raise InputError(Problem(f"step or num in '{label}'", "neither", cure))
    strata = rng.permutation(sample) if method == "latin" else None
    share = rng.random(sample) if strata is None else (strata + rng.random(sample)) / sample
    return [float(value) for value in first + (last - first) * share]


def _even(label: str, given: Mapping[str, Any]) -> list[float]:
    num = given["num"]
    if "step" in given:
        raise InputError(Problem(f"step or num in '{label}'", "both", "leave one of the two out"))
    if isinstance(num, bool) or not isinstance(num, int) or num < 1:
        cure = "write for example num = 5"
        raise InputError(Problem(f"a whole num of at least 1 in '{label}'", f"{num!r}", cure))
    _not_too_many(label, num)
    return [float(value) for value in np.linspace(given["from"], given["to"], num)]


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and bool(abs(value) < np.inf)


def _not_too_many(label: str, count: float) -> None:
    if count > MOST:
        cure = "take a larger step, or a sample (sample = 1000)"
        raise InputError(Problem(f"at most {MOST:,} values of '{label}'", f"{count:,.0f}", cure))


def _stepped(label: str, first: Any, last: Any, step: Any) -> list[Any]:
    if not _is_finite(step) or step <= 0:
        raise InputError(Problem(f"a step above 0 in '{label}'", f"{step!r}", "write for example step = 1"))
    _not_too_many(label, (last - first) / step + 1)
    count = int(np.floor((last - first) / step + 1e-9)) + 1
    # Counted from the first, so that no error adds up, and written as a person would.
    return [type(first + step)(round(first + step * k, 12)) for k in range(count)]


@cache
def _type_of(name: str, strategy: type[Reaction]) -> tuple[TypeAdapter[Any], bool]:
    """Give the type of a parameter, and whether it is a switch."""
    section, _, field = name.partition(".")
    known = sections(strategy)[section].model_fields[field]
    told: Any = Annotated[(known.annotation, *known.metadata)] if known.metadata else known.annotation
    return TypeAdapter(told), bool in (known.annotation, *get_args(known.annotation))


def _all_checked(
    name: str,
    label: str,
    values: Iterable[Any],
    strategy: type[Reaction],
    folder: Path | None,
    lines: Sequence[int] = (),
) -> tuple[Any, ...]:
    """Check the values of an axis, each by itself, and say on which line of a table one that does not fit stands."""
    found: list[Any] = []
    for place, value in enumerate(values):
        placed = beside(folder, value) if name == EXIT and isinstance(value, str) and folder else value
        try:
            found.append(_checked(name, label, placed, strategy))
            if name == EXIT:
                _named_apart(label, found)
        except InputError as error:
            if not lines:
                raise
            raise InputError(
                [one if one.file else replace(one, line=lines[place], column=label) for one in error.problems]
            ) from None
    return tuple(found)


def _named_apart(label: str, exits: list[Any]) -> None:
    """Refuse an exit that is called as another one before it: tables tell them apart by their names."""
    *before, last = exits
    if any(word_of(one) == word_of(last) and one is not last for one in before):
        got = f"two that are called '{word_of(last)}'"
        raise InputError(Problem(f"values of '{label}' with names of their own", got, "rename one of them"))


def _checked(name: str, label: str, value: Any, strategy: type[Reaction]) -> Any:
    """Check one value by itself, and give it as an experiment keeps it; whether values go together is seen later."""
    off = (isinstance(value, str) and value == OFF) or (isinstance(value, float) and np.isnan(value))
    value = None if off else value
    kind, switch = _type_of(name, strategy)
    wanted = f"a value of '{label}' that fits"
    if isinstance(value, bool) and not switch:
        raise InputError(Problem(wanted, repr(value), "true and false are for switches only"))
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        cause = error.errors()[0].get("ctx", {}).get("error")
        if isinstance(cause, InputError):
            raise cause from None
        told = error.errors()[0]["msg"].removeprefix("Input ").lower()
        raise InputError(Problem(wanted, OFF if off else repr(value), told)) from None


def _sampled(
    grid: Grid, axes: Mapping[str, Any], sample: int, method: str, rng: np.random.Generator
) -> Codes:
    total, drawn = len(grid), [_is_drawn(given) for given in axes.values()]
    if method == "random" and not any(drawn):
        if sample > total:
            raise InputError(
                Problem(f"a sample of at most {total:,} trials", f"{sample:,}", "leave sample out")
            )
        few = total <= FEW
        picked = rng.choice(total, sample, replace=False) if few else _distinct(total, sample, rng)
        return np.stack(np.unravel_index(np.sort(picked), grid.shape), axis=1).astype(np.int64)
    columns = [
        np.arange(sample)
        if own
        else (rng.permutation(sample) * len(values)) // sample
        if method == "latin"
        else rng.integers(0, len(values), sample)
        for values, own in zip(grid.values, drawn, strict=True)
    ]
    return np.stack(columns, axis=1).astype(np.int64)


FEW = 10_000_000
"""Up to so many trials a sample is drawn from all of them at once."""


def _is_drawn(given: Any) -> bool:
    """Tell whether an axis is continuous: its values are the sample's own."""
    if not isinstance(given, Mapping) or "step" in given or "num" in given:
        return False
    return not (isinstance(given["from"], int) and isinstance(given["to"], int))


def _distinct(total: int, sample: int, rng: np.random.Generator) -> Codes:
    found = np.unique(rng.integers(0, total, sample))
    while len(found) < sample:
        found = np.unique(np.concatenate([found, rng.integers(0, total, sample)]))
    return rng.permutation(found)[:sample]


def _of_table(table: pd.DataFrame, strategy: type[Reaction], folder: Path | None) -> Grid:
    lines = lines_of(table)
    table = table.drop(columns=LINE, errors="ignore")
    if not len(table) or not len(table.columns):
        raise InputError(
            Problem("a table with a row for each trial", "an empty one", "write at least one trial")
        )
    labels = tuple(map(str, table.columns))
    names = tuple(name_of(label, strategy) for label in labels)
    _each_once(names, labels)
    values, columns = [], []
    for name, label in zip(names, labels, strict=True):
        cells = [tuple(cell) if isinstance(cell, (list, np.ndarray)) else cell for cell in table[label]]
        codes, found = pd.factorize(pd.Series(cells, dtype=object), use_na_sentinel=False)
        plain = [None if pd.isna(value) else _plain(value) for value in found]
        plain = [int(value) if isinstance(value, float) and value.is_integer() else value for value in plain]
        first = lines[np.unique(codes, return_index=True)[1]]
        values.append(_all_checked(name, label, plain, strategy, folder, first.tolist()))
        columns.append(codes)
    return Grid(names, labels, tuple(values), np.stack(columns, axis=1).astype(np.int64))


def with_functions(grid: Grid, strategy: type[Reaction] = Reaction) -> Grid:
    """Put functions in the place of where they stand, in a grid that was read from a folder.

    Raises
    ------
    InputError
        A function is not where it was.
    """
    return replace(
        grid,
        values=tuple(
            _all_checked(name, label, values, strategy, None) if name == EXIT else values
            for name, label, values in zip(grid.names, grid.labels, grid.values, strict=True)
        ),
    )


def experiment_with(base: Experiment, settings: Mapping[str, Any]) -> Experiment:
    """Put other values into an experiment.

    Parameters
    ----------
    base : Experiment
        The experiment.
    settings : mapping
        Values by ``section.field``.

    Raises
    ------
    InputError
        Values that do not go together.

    Examples
    --------
    >>> experiment_with(Experiment(Reaction()), {"strategy.hold": 3, "costs.slippage": 0.0}).strategy.hold
    3
    """
    made = base
    for section, cls in sections(type(base.strategy)).items():
        own = {
            name.partition(".")[2]: value
            for name, value in settings.items()
            if name.startswith(f"{section}.")
        }
        if own:
            before = getattr(made, section).model_dump(exclude_unset=True)
            if section == "costs" and "model" in own:  # what the model before filled in is not the next one's
                filled = filled_in(made.costs.model).items()
                before = {name: value for name, value in before.items() if (name, value) not in filled}
            made = replace(made, **{section: cls(**{**before, **own})})  # type: ignore[arg-type]
    return made
