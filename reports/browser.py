"""A report as PDF, printed by a headless Chromium where one is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from aftershock.data.errors import InputError, Problem

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
"""What a Chromium may be called."""
SECONDS = 180.0
"""How long printing may take."""
FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Nothing is asked of a network: the report needs none.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
    "--virtual-time-budget=20000",
)


def chromium() -> str | None:
    """Find a Chromium on the path; None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def print_pdf(page: Path, path: Path) -> None:
    """Print an HTML report as PDF.

    Parameters
    ----------
    page : Path
        The report.
    path : Path
        Where to.

    Raises
    ------
    InputError
        There is no Chromium on the path, or it could not print.
    """
    program = chromium()
    if program is None:
        cure = "install Chromium or Chrome, or print the HTML report from any browser"
        raise InputError(Problem("a Chromium to print with", "none on the path", cure))
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="aftershock-", ignore_cleanup_errors=True) as place:
        printed = Path(place) / "report.pdf"
        # Inside a container there is no sandbox for root; the page is our own and runs no script but its own.
        sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        command = [program, *FLAGS, *sandbox, f"--user-data-dir={place}/profile", f"--print-to-pdf={printed}"]
        told = _run([*command, page.resolve().as_uri()])
        if not printed.is_file():
            raise InputError(
                Problem("a PDF printed by Chromium", told, "print the HTML report from a browser")
            )
        shutil.move(printed, path)


def _run(command: list[str]) -> str:
    """Run a program and give the last line it said."""
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = (done.stderr or done.stdout or "nothing").strip().splitlines()
    return lines[-1] if lines else "nothing"
