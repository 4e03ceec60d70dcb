"""What every peer does with its runner: warm up, run, write the figures, tell time and memory."""

import json
import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from workload import Trials, Workload, make, sample, trials_of

ENOUGH = 5.0
"""Runs are repeated for so many seconds; the shortest counts."""

KILOBYTES_OF_MB = 1024.0 * (1024.0 if sys.platform == "darwin" else 1.0)

Runner = Callable[[Any, Trials], np.ndarray]


def serve(
    run: Runner,
    packages: tuple[str, ...],
    arguments: list[str],
    market_of: Callable[[Workload], Any] = lambda workload: workload,
) -> None:
    """Run the trials that the command line names: workload, count, most to run, file for the figures.

    ``market_of`` lays prices out as the peer holds them in memory, before the clock starts: reading prices is no part
    of a sweep. What is made of them for the trials is in the time.
    """
    name, count, most, path = arguments
    workload, places = make(name), sample(int(count), int(most))
    chosen = trials_of(int(count), workload.strength).at(places)
    market = market_of(workload)
    run(market, chosen.at(sample(len(places), 2)))  # compiles
    seconds: list[float] = []
    while sum(seconds) < ENOUGH:
        began = time.perf_counter()
        figures = run(market, chosen)
        seconds.append(time.perf_counter() - began)
    np.savez(path, figures=figures, places=places)
    told = {
        "seconds": min(seconds),
        "rounds": len(seconds),
        "run": len(places),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KILOBYTES_OF_MB,
        "versions": {package: version(package) for package in packages},
    }
    print(json.dumps(told))
