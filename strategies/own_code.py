"""Code of a desk's own: found by file and name, run only where it was named, and hashed as it was."""

from __future__ import annotations

import hashlib
import inspect
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from aftershock.data.errors import InputError, Problem, did_you_mean


def load_own(reference: str, wanted: Callable[[Any], bool], what: str) -> Any:
    """Run a file and give what is called so in it.

    Parameters
    ----------
    reference : str
        ``file.py:name``.
    wanted : callable
        Tells what is meant from what else a file holds.
    what : str
        In words.

    Returns
    -------
    object
        The same one as long as the file stays as it is.

    Raises
    ------
    InputError
        No reference of that form, no such file, a file that fails, no such name, or a name of something else.

    Examples
    --------
    >>> load_own("Mine", inspect.isclass, "a class")
    Traceback (most recent call last):
    ...
    aftershock.data.errors.InputError: expected a class as 'file.py:name', got 'Mine'; write the file it stands in \
before the name
    """
    file, _, name = reference.rpartition(":")
    if not file or not name:
        cure = "write the file it stands in before the name"
        raise InputError(Problem(f"{what} as 'file.py:name'", f"'{reference}'", cure))
    path = Path(file)
    if not path.is_file():
        beside = [one.name for one in path.parent.glob("*.py")] if path.parent.is_dir() else []
        cure = did_you_mean(path.name, beside) if beside else "check the path"
        raise InputError(Problem(f"a Python file with {what}", f"'{file}', where nothing is", cure))
    module = _module(path)
    own = {
        key: value
        for key, value in vars(module).items()
        if wanted(value) and getattr(value, "__module__", "") == module.__name__
    }
    if name in own:
        return own[name]
    if name in vars(module):
        cure = did_you_mean(name, own) if own else f"it holds no {what.partition(' ')[2]}"
        raise InputError(Problem(f"{what} of {path.name}", f"'{name}', which is something else", cure))
    cure = did_you_mean(name, own) if own else f"it holds no {what.partition(' ')[2]}"
    raise InputError(Problem(f"{what} of {path.name}", f"'{name}'", cure))


def _module(path: Path) -> types.ModuleType:
    """Run a file, once for each state that it is in; nothing is written beside it."""
    try:
        source = path.read_bytes()
    except OSError as error:
        raise InputError(Problem("a file that can be read", str(error), "check it", str(path))) from None
    name = f"own_{path.stem}_{hashlib.sha256(bytes(path.absolute()) + source).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    module = types.ModuleType(name)
    module.__file__ = str(path.absolute())
    sys.modules[name] = module
    try:
        exec(compile(source, str(path.absolute()), "exec"), vars(module))
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        line = error.lineno if isinstance(error, SyntaxError) else line_in(error, str(path.absolute()))
        told = error.msg if isinstance(error, SyntaxError) else error
        got = f"{type(error).__name__}: {told}"
        raise InputError(Problem("a file that runs", got, "correct it", str(path), line)) from None
    return module


def line_in(error: BaseException, file: str) -> int | None:
    """Give the line of a file at which an error came up last; None where it never was there."""
    step, line = error.__traceback__, None
    while step is not None:
        if step.tb_frame.f_code.co_filename == file:
            line = step.tb_lineno
        step = step.tb_next
    return line


def beside(folder: Path, reference: str) -> str:
    """Take a reference as relative to a folder; a name without a file stays as it stands, to be told of.

    Examples
    --------
    >>> beside(Path("desk"), "mine.py:leave"), beside(Path("desk"), "leave")
    ('desk/mine.py:leave', 'leave')
    """
    return str(folder / reference) if ":" in reference else reference


def reference_to(own: Any) -> str:
    """Write down where a class or a function stands: ``file.py:name``, or its name alone where no file holds it."""
    file = file_of(own)
    return own.__qualname__ if file is None else f"{file}:{own.__qualname__}"


def file_of(own: Any) -> Path | None:
    """Give the file that a class or a function stands in; None where it was typed in."""
    for code in _codes(own):
        if Path(code.co_filename).is_file():
            return Path(code.co_filename).absolute()
    return None


def digest_of(owns: Iterable[Any]) -> str:
    """Identify code: SHA-256 over the files that classes and functions stand in.

    What stands in no file is told by its own text, and by the functions, classes and plain values that were typed in
    beside it and that it reads.

    Examples
    --------
    >>> len(digest_of([line_in])), digest_of([])
    (64, '')
    """
    digest, some = hashlib.sha256(), False
    for own in owns:
        file, some = file_of(own), True
        digest.update(own.__qualname__.encode() + b"\0")
        digest.update(file.read_bytes() if file is not None else _text(own).encode())
        if file is not None and "<" in own.__qualname__:  # there may be others of its name in the file
            digest.update(
                "".join(f"{code.co_firstlineno} {_bytecode(code)}" for code in _codes(own)).encode()
            )
    return digest.hexdigest() if some else ""


def _text(own: Any) -> str:
    """Give the text of what was typed in, and of what it reads that was typed in beside it."""
    told: dict[Any, str] = {}
    left = [own]
    while left:
        one = left.pop()
        if one not in told:
            read = _read(one)
            told[one] = _told(one, read)
            left += [
                value
                for value in (*read.values(), *getattr(one, "__bases__", ()))
                if isinstance(value, (type, types.FunctionType)) and value.__module__ == own.__module__
            ]
    return "\n".join(sorted(told.values()))


def _read(one: Any) -> dict[str, Any]:
    """Give what the functions of a class, or a function, read from around them, by name."""
    functions = _functions(one)
    around = functions[0].__globals__ if functions else {}
    names = {name for function in functions for name in _names(function.__code__)}
    return {name: inspect.unwrap(around[name]) for name in sorted(names) if name in around}


def _told(one: Any, read: Mapping[str, Any]) -> str:
    """Write down functions, their defaults, and the plain values that they and their class have."""
    functions, own = _functions(one), vars(one) if inspect.isclass(one) else {}
    plain = [(name, value) for name, value in (*own.items(), *read.items()) if _is_plain(value)]
    defaults = [function.__defaults__ for function in functions if _is_plain(function.__defaults__)]
    return "\n".join(
        [
            *map(_source, functions),
            *(f"{name} = {value!r}" for name, value in plain if not name.startswith("__")),
            repr(defaults),
        ]
    )


def _is_plain(value: Any) -> bool:
    """Tell whether a value is written the same way each time."""
    if isinstance(value, dict):
        return all(map(_is_plain, (*value, *value.values())))
    if isinstance(value, (tuple, list)):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


def _source(function: types.FunctionType) -> str:
    try:
        return inspect.getsource(function.__code__)
    except (OSError, TypeError):
        return f"{sys.version_info[:2]} {_bytecode(function.__code__)}"


def _bytecode(code: types.CodeType) -> str:
    return f"{code.co_code.hex()} {code.co_names} {[_constant(one) for one in code.co_consts]}"


def _constant(value: Any) -> str:
    if isinstance(value, types.CodeType):
        return _bytecode(value)
    # Sets come in another order in each process.
    return repr(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)


def _names(code: types.CodeType) -> set[str]:
    inside = (_names(one) for one in code.co_consts if isinstance(one, types.CodeType))
    return set(code.co_names).union(*inside)


def _codes(own: Any) -> list[types.CodeType]:
    return [function.__code__ for function in _functions(own)]


def _functions(own: Any) -> list[types.FunctionType]:
    members = vars(own).values() if inspect.isclass(own) else [own]
    parts = [one.fget if isinstance(one, property) else getattr(one, "__func__", one) for one in members]
    functions = [inspect.unwrap(one) for one in parts if callable(one)]
    # A class of settings has functions that were not written in it.
    return [
        one for one in functions if isinstance(one, types.FunctionType) and one.__module__ == own.__module__
    ]
