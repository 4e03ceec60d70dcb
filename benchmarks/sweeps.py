"""How long sweeps take, and what that grows with, each job in a process of its own.

``whole`` is what the command does once events and prices are read: signals, joins, rules, trials, a folder with
trials.parquet. ``trials`` is the part of it that runs trials and makes their figures, from a market whose rules are
known. ``MB before`` is the peak once events and prices are read: imports, and the market that is made there; ``MB of
files`` is what at the end is code of libraries and the like, which processes share (Linux alone tells it). Prices are
seeded random walks on Tokyo's sessions, so no number here says anything about news.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

KILOBYTES_OF_MB = 1024.0 * (1024.0 if sys.platform == "darwin" else 1.0)
HOLDS, DELAYS = {"from": 1, "to": 20}, [0, 1, 2, 3, 4]
CAPITAL = 1_000_000


def levels(count: int) -> list[Any]:
    """Give levels from 2 to 10 per cent, and none."""
    return ["off", *np.linspace(0.02, 0.1, count - 1).round(4).tolist()]


def least(count: int) -> list[float]:
    """Give least strengths, the first of which takes all."""
    return np.linspace(0.0, 0.95, count).round(4).tolist()


TEN_THOUSAND = {
    "delay": DELAYS, "min_strength": least(10), "stop": levels(10), "hold": HOLDS,
}  # fmt: skip
NO_STRENGTH = {"delay": DELAYS, "stop": levels(10), "take": levels(10), "hold": HOLDS}
MILLION = {
    "delay": DELAYS, "min_strength": least(100), "stop": levels(10), "take": levels(10), "hold": HOLDS,
}  # fmt: skip
THOUSAND = {"delay": DELAYS, "min_strength": least(10), "hold": HOLDS}

JOBS: dict[str, dict[str, Any]] = {
    "ten thousand": {"events": 5_000, "grid": TEN_THOUSAND},
    "ten thousand, account": {"events": 5_000, "grid": TEN_THOUSAND, "mode": "account"},
    "ten thousand, no strengths": {"events": 5_000, "grid": NO_STRENGTH},
    "million": {"events": 2_000, "grid": MILLION},
    "million, account": {"events": 2_000, "grid": MILLION, "mode": "account"},
    "thousand, portfolio": {"events": 500, "grid": THOUSAND, "mode": "portfolio"},
    "bars x 1": {"events": 2_000, "grid": TEN_THOUSAND, "bars": 400},
    "bars x 10": {"events": 2_000, "grid": TEN_THOUSAND, "bars": 4_000, "within": 400},
    "bars x 1, account": {"events": 2_000, "grid": TEN_THOUSAND, "bars": 400, "mode": "account"},
    "bars x 10, account": {"events": 2_000, "grid": TEN_THOUSAND, "bars": 4_000, "within": 400, "mode": "account"},
    "events x 1": {"events": 1_250, "grid": TEN_THOUSAND, "mode": "account"},
    "events x 2": {"events": 2_500, "grid": TEN_THOUSAND, "mode": "account"},
    "events x 4": {"events": 5_000, "grid": TEN_THOUSAND, "mode": "account"},
    "one core, account": {"events": 5_000, "grid": TEN_THOUSAND, "mode": "account", "jobs": 1},
    "two cores, account": {"events": 5_000, "grid": TEN_THOUSAND, "mode": "account", "jobs": 2},
    "one core, event": {"events": 5_000, "grid": NO_STRENGTH, "jobs": 1},
    "two cores, event": {"events": 5_000, "grid": NO_STRENGTH, "jobs": 2},
}  # fmt: skip
QUICK = ("ten thousand", "thousand, portfolio")


def main() -> None:
    asked = arguments()
    if asked.one:
        print(json.dumps(measure(**JOBS[asked.one], rounds=asked.rounds)))
        return
    rows = [
        {"job": name, **run(name, asked.rounds)} for name in asked.job or (QUICK if asked.quick else JOBS)
    ]
    if asked.json:
        print(json.dumps({"machine": machine(), "rows": rows}, indent=2))
    else:
        show(rows)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How long sweeps take, and what that grows with.")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--quick", action="store_true", help="two jobs only")
    parser.add_argument("--job", nargs="+", choices=list(JOBS), help="these jobs only")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each; the shortest counts")
    parser.add_argument("--one", choices=list(JOBS), help=argparse.SUPPRESS)
    return parser.parse_args()


def run(name: str, rounds: int) -> dict[str, Any]:
    """Run one job in a process of its own."""
    command = [sys.executable, __file__, "--one", name, "--rounds", str(rounds)]
    # As the command has it.
    environment = {"ARROW_DEFAULT_MEMORY_POOL": "system", **os.environ}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def measure(
    events: int,
    grid: dict[str, Any],
    mode: str = "event",
    bars: int = 2_500,
    within: int | None = None,
    jobs: int | None = None,
    rounds: int = 3,
) -> dict[str, Any]:
    """Time a sweep: the first of its turns compiles, or reads what was compiled, and does not count."""
    import pyarrow.parquet as pq

    import aftershock as af
    from aftershock.engine.trials import figures_of, sums_of
    from aftershock.grid import grid_of
    from aftershock.plan import Plan
    from aftershock.run import given
    from aftershock.sweeps import CHUNK, run_plan

    prices, news = market(bars, events, bars if within is None else within)
    size = {"event": 0.02, "account": 1.0, "portfolio": 0.02}[mode]
    inputs = given(
        news,
        prices,
        af.Reaction(tag="chip"),
        portfolio=af.Portfolio(mode=mode, size=size, capital=CAPITAL),
        costs=af.Costs(model="flat", fee=0.001),
        name="benchmark",
    )
    wholes, parts, before = [], [], peak_mb()
    for count in range(rounds + 1):
        axes = grid_of({**grid, "hold": [1, 2], "delay": [0]} if count == 0 else grid)
        with tempfile.TemporaryDirectory() as folder:
            place, began = Path(folder) / "sweep", clocks()
            run_plan(Plan(inputs, axes), placebo=0, jobs=jobs, folder=place)
            wholes.append(since(began))
            trades = int(
                pq.read_table(place / "trials.parquet", columns=["trades"])["trades"].to_numpy().sum()
            )
    peak, files = peak_mb(), files_mb()
    plan = Plan(inputs, axes)
    ground = plan.ground()
    for _ in range(rounds):
        began = clocks()
        for first in range(0, len(axes), CHUNK):
            params = plan.params(first, min(first + CHUNK, len(axes)))
            figures_of(sums_of(ground, params, jobs=jobs or os.cpu_count() or 1), ground.axis, plan.capital)
        parts.append(since(began))
    return {
        "mode": mode,
        "trials": len(axes),
        "events": events,
        "bars": bars * STOCKS,
        "cores": jobs or os.cpu_count(),
        "trades": trades,
        "whole_seconds": min(wholes[1:])[0],
        "trials_seconds": min(parts)[0],
        "trials_cpu_seconds": min(parts, key=lambda one: one[1])[1],
        "before_mb": before,
        "peak_mb": peak,
        "files_mb": files,
    }


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KILOBYTES_OF_MB


def files_mb() -> float | None:
    """Say how much of the memory mirrors files."""
    status = Path("/proc/self/status")
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines()) if status.exists() else {}
    return int(lines["RssFile"].split()[0]) / 1024.0 if "RssFile" in lines else None


def clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def since(began: tuple[float, float]) -> tuple[float, float]:
    return time.perf_counter() - began[0], time.process_time() - began[1]


STOCKS = 50


def market(bars: int, events: int, within: int) -> tuple[Any, Any]:
    """Make prices of 50 stocks and events that are spread over the first sessions, no two of a stock on one."""
    import pandas as pd

    from aftershock.data.instants import to_index

    draw = np.random.default_rng(20250912)
    days = pd.bdate_range(end="2025-06-30", periods=bars)
    inside = draw.normal(0.0002, 0.015, (bars, STOCKS))
    close = 1000.0 * np.exp(np.cumsum(inside + draw.normal(0.0, 0.006, (bars, STOCKS)), axis=0))
    open_ = close / np.exp(inside)
    reach = np.exp(np.abs(draw.normal(0.0, 0.004, (2, bars, STOCKS))))
    symbols = np.array([f"{1301 + k}.T" for k in range(STOCKS)])
    prices = pd.DataFrame(
        {
            "symbol": np.repeat(symbols, bars),
            "date": np.tile(days, STOCKS),
            "open": open_.T.ravel(),
            "high": (np.maximum(open_, close) * reach[0]).T.ravel(),
            "low": (np.minimum(open_, close) / reach[1]).T.ravel(),
            "close": close.T.ravel(),
        }
    )
    each = [np.sort(draw.choice(within - 30, events // STOCKS, replace=False)) for _ in range(STOCKS)]
    known = to_index(
        days[np.concatenate(each)].to_numpy().astype("M8[ns]").astype(np.int64) + 20 * 3_600 * 10**9
    )
    news = pd.DataFrame(
        {
            "known_by": known,
            "tag": "chip",
            "direction": "positive",
            "symbols": np.repeat(symbols, events // STOCKS),
            "strength": draw.random(events),
        }
    )
    return prices, news.sort_values("known_by", kind="stable", ignore_index=True)


def machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "load": [round(one, 2) for one in os.getloadavg()],
    }


def show(rows: list[dict[str, Any]]) -> None:
    table = Table(box=box.SIMPLE)
    for name in ("job", "mode", "trials", "events", "bars", "cores", "trades"):
        table.add_column(name, justify="left" if name in ("job", "mode") else "right")
    for name in ("whole s", "trials s", "CPU s", "ns a trade", "MB before", "peak MB", "MB of files"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            row["job"],
            row["mode"],
            *(f"{row[name]:,}" for name in ("trials", "events", "bars", "cores", "trades")),
            *(f"{row[name]:.2f}" for name in ("whole_seconds", "trials_seconds", "trials_cpu_seconds")),
            f"{1e9 * row['trials_cpu_seconds'] / max(row['trades'], 1):.1f}",
            *(
                "" if row[name] is None else f"{row[name]:.0f}"
                for name in ("before_mb", "peak_mb", "files_mb")
            ),
        )
    Console(width=150).print(table)
    Console().print(f"machine: {json.dumps(machine())}", highlight=False)


if __name__ == "__main__":
    main()
