"""What every test shares: a numba cache of its own, and the material beside the project."""

import hashlib
import os
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Keyed by the engine's source, so that no test meets a kernel compiled from an older one.
_digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted((ROOT / "engine").rglob("*.py"))))
os.environ.setdefault(
    "NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir()) / f"aftershock-numba-{_digest.hexdigest()[:12]}")
)


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The material beside the project; the test skips where it is absent."""
    folder = ROOT.parent / "shared"
    if not (folder / "prices").is_dir():
        pytest.skip(f"the shared material is not at {folder}")
    return folder
