"""The house holds: imports run downward, the door is light, names are as exported."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import aftershock

LEVELS = {"data": 0, "engine": 1, "strategies": 2, "reports": 3}
DOOR = 4
HEAVY = (
    "pandas",
    "numpy",
    "numba",
    "pydantic",
    "plotly",
    "pyarrow",
    "exchange_calendars",
    "yfinance",
    "scipy",
    "currency_converter",
    "filelock",
)


def modules(root: Path) -> list[tuple[Path, int]]:
    """Every module of the package with the level of its room."""
    rooms = [(path, LEVELS[room]) for room in LEVELS for path in sorted((root / room).rglob("*.py"))]
    door = [(path, DOOR) for path in sorted((root / "src/aftershock").glob("*.py"))]
    return rooms + door


def imported(path: Path) -> list[str]:
    """What a module imports of the package, wherever in the file."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return [name for name in names if name.split(".")[0] == "aftershock"]


def test_imports_run_downward(root: Path) -> None:
    found = modules(root)
    assert len(found) > 20
    wrong = []
    for path, level in found:
        for name in imported(path):
            part = name.split(".")[1] if "." in name else ""
            if LEVELS.get(part, DOOR) > level:
                wrong.append(f"{path.relative_to(root)} imports {name}")
    assert wrong == []


@pytest.mark.parametrize("command", ["import aftershock", "from aftershock.cli import app"])
def test_the_door_is_light(command: str) -> None:
    check = f"{command}; import sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_exported_names() -> None:
    assert aftershock.__all__ == sorted(aftershock.__all__)
    assert set(aftershock.__all__) == set(aftershock._HOME)
    for name in aftershock.__all__:
        assert getattr(aftershock, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = aftershock.nonsense


def test_rooms_are_not_imported_twice() -> None:
    """`import engine` from the root would make a second copy of every module."""
    assert not {"engine", "data", "strategies", "reports"} & set(sys.modules)


def test_nothing_names_the_shared_material_as_a_source(root: Path) -> None:
    texts = [*root.glob("data/**/*.csv"), *(path for path, _ in modules(root))]
    assert [str(path) for path in texts if "../shared" in path.read_text(encoding="utf-8")] == []
