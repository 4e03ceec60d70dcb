"""aftershock beside its peers on published workloads: equal answers first, then times, memory and ratios.

Each peer runs in a process of its own, in turn; ``--quick`` runs 100 trials alone. Workloads, trials and
runners are in ``peer_runs``. vectorbt comes with ``pip install -e '.[bench]'``. backtesting.py (AGPL) is installed into
an environment that is thrown away, or taken from one that ``--peers-venv`` names.
"""

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

RUNS = Path(__file__).parent / "peer_runs"
sys.path.insert(0, str(RUNS))

import with_numpy  # noqa: E402
from workload import SHAPES, make, sample, trials_of  # noqa: E402

TOLERANCE = 1e-9
"""How far figures may lie apart, relative and absolute."""
CHECKED = 200
"""Trials of each peer that are held to the baseline, spread evenly over those that it ran."""
FAST, PLAIN = "vectorbt Rust", "vectorbt Rust, plainly"
REFERENCES = (PLAIN, FAST)
"""As its guide has it, and as fast as we could make it."""
COUNTS, QUICK = (100, 1_000, 10_000), (100,)


class Peer(NamedTuple):
    """A program: script, arguments, how many trials it is asked for at most, the module it needs, whether foreign.

    ``columns`` are the figures that it defines as the others do: return, drawdown, Sharpe ratio.
    """

    name: str
    script: str
    arguments: tuple[str, ...]
    most: int
    quick: int
    needs: str
    foreign: bool = False
    columns: tuple[int, ...] = (0, 1, 2)


PEERS = (
    Peer("aftershock", "with_aftershock.py", (), 10_000, 100, "aftershock"),
    Peer(PLAIN, "with_vectorbt.py", ("rust", "plain"), 40, 20, "vectorbt_rust", columns=(0, 2)),
    Peer(FAST, "with_vectorbt.py", ("rust", "fast"), 200, 100, "vectorbt_rust"),
    Peer("vectorbt numba", "with_vectorbt.py", ("numba", "fast"), 200, 100, "vectorbt"),
    Peer("numpy", "with_numpy.py", (), 1_000, 100, "numpy"),
    Peer("backtesting.py", "with_backtesting.py", (), 1, 1, "backtesting", foreign=True),
)


def main() -> None:
    asked = arguments()
    counts = asked.trials or (QUICK if asked.quick else COUNTS)
    rows = []
    peers = [peer for peer in PEERS if peer.name in asked.peer]
    with foreign_python(peers, asked.peers_venv) as foreign:
        for name in asked.workload:
            for count in counts:
                rows += side_by_side(peers, (name, count), asked, foreign)
    told = {"machine": machine(), "tolerance": TOLERANCE, "rows": with_ratios(rows)}
    if asked.json:
        print(json.dumps(told, indent=2))
    else:
        show(told)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="aftershock beside its peers: equal answers, then times.")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--quick", action="store_true", help="100 trials only")
    parser.add_argument("--workload", nargs="+", choices=list(SHAPES), default=["A", "B", "C"])
    parser.add_argument("--trials", nargs="+", type=int, help="how many: multiples of 100")
    parser.add_argument(
        "--rounds", type=int, default=1, help="take the fastest of so many turns of each peer"
    )
    names = [peer.name for peer in PEERS]
    parser.add_argument("--peer", nargs="+", choices=names, default=names)
    parser.add_argument("--peers-venv", type=Path, help="an environment that has backtesting.py")
    return parser.parse_args()


# --- running ---


def side_by_side(
    peers: list[Peer], job: tuple[str, int], asked: argparse.Namespace, foreign: tuple[str, str]
) -> list[dict[str, Any]]:
    """Run peers in turn on one workload; answers are held to the baseline before a time is told."""
    rows: dict[str, dict[str, Any]] = {}
    for _ in range(asked.rounds):
        for peer in peers:
            row = turn(peer, job, asked.quick, foreign)
            best = rows.get(peer.name)
            if best is None or row.get("seconds", 0.0) < best.get("seconds", 0.0):
                rows[peer.name] = row
    return list(rows.values())


def turn(peer: Peer, job: tuple[str, int], quick: bool, foreign: tuple[str, str]) -> dict[str, Any]:
    """Run one peer once, or say why not."""
    name, count = job
    python, why = foreign if peer.foreign else (sys.executable, missing(peer))
    if peer.foreign and make(name).shared:
        why = "holds one stock at a time"
    told = {} if why else run(peer, name, count, peer.quick if quick else peer.most, python)
    return {"workload": name, "trials": count, "peer": peer.name, **told, "skipped": why}


def missing(peer: Peer) -> str:
    found = importlib.util.find_spec(peer.needs) is not None
    return "" if found else f"{peer.needs} is not installed: pip install -e '.[bench]'"


def run(peer: Peer, name: str, count: int, most: int, python: str) -> dict[str, Any]:
    """Run one peer in a process of its own and check its answers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figures.npz"
        command = [python, str(RUNS / peer.script), *peer.arguments]
        done = subprocess.run(
            [*command, name, str(count), str(most), str(path)], capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"{peer.name} failed on workload {name}:\n{done.stderr}")
        check(peer, name, count, np.load(path))
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def check(peer: Peer, name: str, count: int, answer: Any) -> None:
    """Hold the answers of a peer to those of the baseline; where all trials were run, no two may agree."""
    workload, figures, places = make(name), answer["figures"], answer["places"]
    some = sample(len(places), CHECKED)
    wanted = with_numpy.run(workload, trials_of(count, workload.strength).at(places[some]))
    some_figures, wanted = figures[some][:, :, peer.columns], wanted[:, :, peer.columns]
    if not np.allclose(some_figures, wanted, TOLERANCE, TOLERANCE, equal_nan=True):
        worst = np.nanmax(np.abs(some_figures - wanted))
        raise SystemExit(f"{peer.name} answers otherwise on workload {name}: up to {worst:.3g} apart")
    distinct = len(np.unique(figures.reshape(len(places), -1), axis=0))
    if distinct < len(places):
        raise SystemExit(f"only {distinct} of {len(places)} trials of workload {name} are distinct")


@contextmanager
def foreign_python(peers: list[Peer], given: Path | None) -> Iterator[tuple[str, str]]:
    """Give the interpreter of peers under other licences, or say why there is none."""
    needs = [peer.needs for peer in peers if peer.foreign]
    if not needs:
        yield "", ""
        return
    if given is not None:
        python = given / "bin" / "python"
        command = [str(python), "-c", f"import {', '.join(needs)}"]
        has = python.is_file() and subprocess.run(command, capture_output=True).returncode == 0
        yield str(python), "" if has else f"{given} has no {', '.join(needs)}"
        return
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *needs]
        done = subprocess.run(command, capture_output=True, text=True)
        yield str(python), "it could not be installed here" if done.returncode else ""


# --- telling ---


def with_ratios(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add what a trial takes, and how many times as fast that is as each reference."""
    ran = [row for row in rows if not row["skipped"]]
    for row in ran:
        row["ms_per_trial"] = 1e3 * row["seconds"] / row["run"]
    for row in ran:
        row["times_as_fast"] = {
            other["peer"]: other["ms_per_trial"] / row["ms_per_trial"]
            for other in ran
            if other["peer"] in REFERENCES
            and (other["workload"], other["trials"]) == (row["workload"], row["trials"])
        }
    return rows


def machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "load": [round(one, 2) for one in os.getloadavg()],
    }


def show(told: dict[str, Any]) -> None:
    """Print a table of what ran, and below it what did not."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    ran = [row for row in told["rows"] if not row["skipped"]]
    table = Table(
        box=box.SIMPLE,
        collapse_padding=True,
        pad_edge=False,
        title=f"Equal answers to {told['tolerance']:g}; times as fast as {PLAIN}, and as {FAST}",
    )
    for name in ("workload", "peer"):
        table.add_column(name, no_wrap=True)
    for name in ("trials", "run", "seconds", "ms/trial", "peak MB", "x plain", "x fast"):
        table.add_column(name, justify="right", no_wrap=True)
    before = None
    for row in ran:
        job = (row["workload"], row["trials"])
        if before not in (None, job):
            table.add_section()
        before = job
        table.add_row(*cells(row))
    console.print(table)
    for row in told["rows"]:
        if row["skipped"]:
            text = f"{row['workload']}, {row['trials']:,}: {row['peer']} skipped: {row['skipped']}"
            console.print(text, markup=False)
    versions = {key: value for row in ran for key, value in row["versions"].items()}
    console.print(", ".join(f"{key} {value}" for key, value in sorted(versions.items())))
    console.print(", ".join(f"{key}: {value}" for key, value in told["machine"].items()))


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["workload"],
        row["peer"],
        f"{row['trials']:,}",
        f"{row['run']:,}",
        f"{row['seconds']:.2f}",
        f"{row['ms_per_trial']:,.4f}",
        f"{row['peak_mb']:,.0f}",
        *(ratio_cell(row["times_as_fast"].get(name)) for name in REFERENCES),
    )


def ratio_cell(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:,.2f}"


if __name__ == "__main__":
    main()
