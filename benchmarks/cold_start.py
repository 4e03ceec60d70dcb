"""How long a fresh process takes to its first result, and how long all kernels take to compile.

Each start is a process of its own, and the shortest of some counts; a start with nothing compiled has an empty cache.
Kernels are compiled in one process by work that needs every one of them, and timed by numba's own events: what a kernel
takes includes what it calls, where that had not been compiled for another before.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from sweeps import machine, market

STARTS = {
    "python -c pass": ["-c", "pass"],
    "import aftershock": ["-c", "import aftershock"],
    "aftershock --help": ["-m", "aftershock", "--help"],
    "a first backtest": [__file__, "--one", "backtest"],
    "a first sweep of 40 trials": [__file__, "--one", "sweep"],
}
COMPILE = ("a first backtest", "a first sweep of 40 trials")


def main() -> None:
    asked = arguments()
    if asked.one:
        {"backtest": backtest, "sweep": sweep, "compile": compile_all}[asked.one]()
        return
    starts = {name: min(start(rest) for _ in range(asked.rounds)) for name, rest in STARTS.items()}
    for name in COMPILE:
        with tempfile.TemporaryDirectory() as cache:
            starts[f"{name}, nothing compiled"] = start(STARTS[name], cache)
    with tempfile.TemporaryDirectory() as cache:
        done = process([__file__, "--one", "compile"], cache)
    kernels: dict[str, float] = json.loads(done.splitlines()[-1])
    if asked.json:
        print(json.dumps({"machine": machine(), "starts": starts, "kernels": kernels}, indent=2))
    else:
        show(starts, kernels)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How long a fresh process takes, and compiling.")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--rounds", type=int, default=5, help="starts of each; the shortest counts")
    parser.add_argument("--one", choices=["backtest", "sweep", "compile"], help=argparse.SUPPRESS)
    return parser.parse_args()


def process(rest: list[str], cache: str = "") -> str:
    """Run Python in a process of its own and give what it says."""
    places = {"NUMBA_CACHE_DIR": cache} if cache else {}
    done = subprocess.run(
        [sys.executable, *rest], capture_output=True, text=True, check=False, env=os.environ | places
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(rest)} failed:\n{done.stderr}")
    return done.stdout


def start(rest: list[str], cache: str = "") -> float:
    began = time.perf_counter()
    process(rest, cache)
    return time.perf_counter() - began


def given() -> tuple[Any, ...]:
    """Two hundred events on fifty stocks, four hundred bars each."""
    prices, news = market(400, 200, 400)
    return news, prices


def backtest() -> None:
    import aftershock as af

    af.backtest(*given(), af.Reaction(tag="chip"))


def sweep() -> None:
    import aftershock as af

    grid = {"hold": {"from": 1, "to": 20}, "delay": [0, 1]}
    af.sweep(*given(), af.Reaction(tag="chip"), grid, placebo=0)


def compile_all() -> None:
    """Do what needs every kernel, and say how long each took to compile."""
    seconds = listen()
    work()
    found = kernels_of_package()
    idle = [name for name, kernel in found.items() if not kernel.signatures]
    if idle:
        raise SystemExit(f"not compiled by this benchmark: {', '.join(idle)}")
    print(json.dumps({name: seconds[name] for name in found}))


def kernels_of_package() -> dict[str, Any]:
    """Find the functions of the package that are compiled and called from Python."""
    from numba.core.dispatcher import Dispatcher

    from aftershock.engine import kernels
    from aftershock.engine.studies import compiled
    from aftershock.engine.studies import kernels as fits

    return {
        value.py_func.__qualname__.removesuffix("_python"): value
        for module in (kernels, fits, compiled)
        for value in vars(module).values()
        if isinstance(value, Dispatcher)
    }


def listen() -> dict[str, float]:
    """Time what is compiled, for the outermost function that asked for it."""
    from numba.core import event

    seconds: dict[str, float] = defaultdict(float)
    asked: list[tuple[str, float]] = []

    class Compiling(event.Listener):
        def on_start(self, event: Any) -> None:
            name = event.data["dispatcher"].py_func.__qualname__.removesuffix("_python")
            asked.append((name, time.process_time()))

        def on_end(self, event: Any) -> None:
            name, began = asked.pop()
            if not asked:
                seconds[name] += time.process_time() - began

    event.register("numba:compile", Compiling())
    return seconds


def work() -> None:
    """Backtest, sweep and study in every mode."""
    import numpy as np
    import pandas as pd

    import aftershock as af
    from aftershock.engine.trials import account_figures
    from aftershock.grid import grid_of
    from aftershock.plan import Plan
    from aftershock.run import given as inputs_of

    news, prices = given()
    costs = af.Costs(model="flat", fee=0.001)
    for mode, size in (("event", 0.02), ("account", 1.0), ("portfolio", 0.02)):
        portfolio = af.Portfolio(mode=mode, size=size)
        af.backtest(news, prices, af.Reaction(tag="chip"), portfolio=portfolio, costs=costs)
        grid = {"hold": [1, 2], "stop": ["off", 0.05]}
        af.sweep(
            news, prices, af.Reaction(tag="chip"), grid, portfolio=portfolio, costs=costs, placebo=0, jobs=1
        )
        if mode == "account":
            inputs = inputs_of(
                news, prices, af.Reaction(tag="chip"), portfolio=portfolio, costs=costs, name="benchmark"
            )
            plan = Plan(inputs, grid_of({"hold": [1, 2]}))
            ground = plan.ground()
            account_figures(ground.bars, ground.axis, ground.setups, plan.params(0, 2))
    dates = pd.to_datetime(prices.loc[prices["symbol"] == "1301.T", "date"])
    index = pd.DataFrame(
        {"symbol": "TOPIX", "date": dates, "close": np.linspace(2_000.0, 2_100.0, len(dates))}
    )
    index["close"] *= 1.0 + 0.01 * np.sin(np.arange(len(dates)))
    beside = pd.concat([prices, index], ignore_index=True)
    news["known_by"] = news["known_by"].where(news["known_by"] > dates.iloc[300].tz_localize("UTC"))
    news = news.dropna(subset="known_by")
    own = af.Reaction(tag="chip", exit=lambda held: held > 1)
    portfolio, hedge = af.Portfolio(allow_index=True), af.Hedge(method="index", instrument="TOPIX")
    af.backtest(news, beside, own, portfolio=portfolio, hedge=hedge)
    af.sweep(news, beside, own, {"hold": [1, 2]}, portfolio=portfolio, hedge=hedge, placebo=0, jobs=1)
    names = sorted(set(prices["symbol"]))
    together = news.drop_duplicates("known_by").assign(symbols=" ".join(names[:20]))
    beside.loc[beside["symbol"].eq(names[0]) & beside["date"].isin(dates.iloc[150:155]), "close"] = np.nan
    for some in (together, together.head(1)):
        af.study(some, beside, universe=names, window=(0, 3))


def show(starts: dict[str, float], kernels: dict[str, float]) -> None:
    table = Table(box=box.SIMPLE)
    table.add_column("start")
    table.add_column("s", justify="right")
    for name, seconds in starts.items():
        table.add_row(name, f"{seconds:.2f}")
    Console().print(table)
    table = Table(box=box.SIMPLE, show_footer=True)
    table.add_column("kernel", "all kernels")
    table.add_column("CPU s to compile", f"{sum(kernels.values()):.1f}", justify="right")
    for name, seconds in sorted(kernels.items(), key=lambda one: -one[1]):
        table.add_row(name, f"{seconds:.1f}")
    Console().print(table)
    Console().print(f"machine: {json.dumps(machine())}", highlight=False)


if __name__ == "__main__":
    main()
