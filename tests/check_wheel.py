"""Fail unless the wheel holds exactly the tracked files of the package."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PARTS = ("engine", "strategies", "data", "reports")


def tracked() -> set[str]:
    """Name every tracked file of the package as it is called inside the wheel."""
    listing = subprocess.run(
        ["git", "ls-files", *PARTS, "src/aftershock"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    links = {f"src/aftershock/{part}" for part in PARTS}
    return {"aftershock/" + name.removeprefix("src/aftershock/") for name in listing if name not in links}


def built() -> set[str]:
    """Build the wheel and name what is inside."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
        subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
        (wheel,) = Path(folder).glob("*.whl")
        return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


def main() -> None:
    """Compare the two."""
    want, have = tracked(), built()
    if want != have:
        sys.exit(
            f"wheel differs from the repository: missing {sorted(want - have)}, extra {sorted(have - want)}"
        )
    print(f"wheel holds the {len(have)} tracked files of the package")


if __name__ == "__main__":
    main()
