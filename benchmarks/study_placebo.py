"""The shipped catalogue moved to random dates: are the p-values of the default test uniform there?

Run from the project's root: ``python benchmarks/study_placebo.py``; ``--quick`` moves the events 100 times instead of
1,000, ``--json`` is for programs, ``--prices`` names the folder of real prices; without it a simulated market without
any effect stands in. Each event date moves to a date of its own, with all its names.
"""

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from scipy.stats import kstest

import aftershock as af
from aftershock.data.catalogue import catalogue_path
from aftershock.engine.studies.abnormal import MARKET_INDICES, days_of, line_of, series_of
from aftershock.engine.studies.findings import DEFAULT
from aftershock.engine.studies.placebo import Rows, placebo_p_values
from aftershock.engine.studies.windows import Series, span_of

WINDOW, ESTIMATION = (-5, 10), (-250, -30)
WINDOWS = ((0, 0), (0, 5), (-5, 10))
GROUPS = ("all", "fed", "chip", "tariff")
PARTS = 4
"""Draws are made in so many parts, each with a generator of its own, however many processes work."""


@cache
def events_on_prices(folder: Path) -> tuple[Series, np.ndarray, Rows, np.ndarray]:
    """Give the series, its sessions, the rows of the study of the catalogue, and their tags."""
    tape = prices_of(folder)
    events = pd.concat([pd.read_csv(catalogue_path(name)) for name in ("fomc", "tariffs", "chips")])
    study = af.study(events, tape, window=WINDOW, estimation=ESTIMATION, draws=0)
    days, lines = days_of(tape), {}
    have = set(tape.symbols)
    for place, mic in enumerate(tape.venues):
        index = next((name for name in MARKET_INDICES.get(mic, ()) if name in have), None)
        if tape.kinds[place] != "index" and index is not None:
            lines[place] = [line_of(tape, index, days)]
    table = study.rows
    instrument = np.array([segment(tape, name) for name in table["symbol"]])
    in_days = [table[name].to_numpy("M8[D]").astype(np.int64) for name in ("date", "session")]
    kept = np.isin(instrument, list(lines))
    rows = Rows(instrument, *in_days, table["side"].to_numpy(np.float64))
    rows = Rows(*(part[kept] for part in rows))
    return series_of(tape, days, lines), days.session, rows, table["tag"].to_numpy(str)[kept]


def prices_of(folder: Path) -> af.Tape:
    if folder.is_dir():
        return af.load_tape([folder / "stocks.parquet", folder / "indices.parquet"])
    symbols = [f"{k}.T" for k in range(8001, 8041)] + [f"{k:04d}.HK" for k in range(1, 41)]
    return af.simulated_market([*symbols, "N225", "HSI"], start="2014-01-01", end="2026-06-30", seed=5).tape


def segment(tape: af.Tape, symbol: str) -> int:
    """The longest segment of a symbol: events move freely, so one source has to do."""
    return max(tape.segments(symbol), key=lambda k: tape.offsets[k + 1] - tape.offsets[k])


def days_to_draw(session: np.ndarray, series: Series) -> np.ndarray:
    """Weekdays on which most instruments have a past and a window."""
    first = int(np.median([session[series.offsets[k]] for k in range(len(series.offsets) - 1)])) + 400
    days = np.arange(first, int(session.max()) - 30)
    return days[np.is_busday(days.astype("M8[D]"))]


def part_of(task: tuple[str, int], draws: int, seed: int, folder: Path) -> np.ndarray:
    group, part = task
    series, session, rows, tag = events_on_prices(folder)
    if group != "all":
        rows = Rows(*(values[tag == group] for values in rows))
    rng = np.random.default_rng([seed, GROUPS.index(group), part])
    pool = days_to_draw(session, series)
    return placebo_p_values(
        rows, series, session, pool, rng, span_of(WINDOW, ESTIMATION), windows=WINDOWS, draws=draws // PARTS
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100 draws")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--draws", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--prices", type=Path, default=Path("../shared/prices"))
    asked = parser.parse_args()
    draws = asked.draws or (100 if asked.quick else 1_000)
    began = time.perf_counter()
    _, _, rows, tag = events_on_prices(asked.prices)
    tasks = [(group, part) for group in GROUPS for part in range(PARTS)]
    with ProcessPoolExecutor(asked.processes) as pool:
        work = partial(part_of, draws=draws, seed=asked.seed, folder=asked.prices)
        found = dict(zip(tasks, pool.map(work, tasks), strict=True))
    lines = []
    for group in GROUPS:
        p = np.concatenate([found[group, part] for part in range(PARTS)])
        of_group = np.ones(len(tag), bool) if group == "all" else tag == group
        for column, window in enumerate(WINDOWS):
            values = p[:, column]
            uniform = kstest(values, "uniform")
            lines.append(
                {
                    "group": group,
                    "window": list(window),
                    "rows": int(of_group.sum()),
                    "dates": len(np.unique(rows.date[of_group])),
                    "draws": len(values),
                    "below_5": float((values < 0.05).mean()),
                    "distance": float(uniform.statistic),
                    "p": float(uniform.pvalue),
                }
            )
    told = {
        "test": DEFAULT,
        "seed": asked.seed,
        "seconds": round(time.perf_counter() - began, 1),
        "rows": lines,
    }
    if asked.json:
        print(json.dumps(told, indent=1))
    else:
        show(told, simulated=not asked.prices.is_dir())


def show(told: dict, simulated: bool) -> None:
    table = Table(
        title=f"{told['test']} on the catalogue at random dates"
        + (" of a simulated market" if simulated else ""),
        box=box.SIMPLE,
    )
    for head in ("events", "window", "rows", "dates", "draws", "p below 5 %", "KS distance", "KS p"):
        table.add_column(head, justify="left" if head == "events" else "right")
    for row in told["rows"]:
        table.add_row(
            row["group"], f"{row['window'][0]}..{row['window'][1]}", f"{row['rows']:,}", str(row["dates"]),
            str(row["draws"]), f"{100 * row['below_5']:.1f} %", f"{row['distance']:.3f}", f"{row['p']:.3f}",
        )  # fmt: skip
    Console().print(table)
    Console().print(f"seed {told['seed']}; {told['seconds']:.0f} s")


if __name__ == "__main__":
    main()
