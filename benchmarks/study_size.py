"""How often each test rejects where nothing happened, and where an effect was planted: tables of size and power.

Run from the project's root: ``python benchmarks/study_size.py``; ``--quick`` runs fewer designs and studies, ``--json``
and ``--markdown`` are for programs and documents, ``--again`` shows what an earlier run wrote, ``--prices`` names the
folder of real prices (without it those lines are left out). Numbers depend on the seed alone, not on how many
processes work.
"""

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent / "size_runs"))

from panels import VOLATILITY, Design, drawn

from aftershock.engine.studies.bootstrap import LEAST_DATES, bootstrap_findings
from aftershock.engine.studies.findings import BOOTSTRAPS, CLOSED, DEFAULT, TESTS
from aftershock.engine.studies.inference import findings_of
from aftershock.engine.studies.power import planned_power
from aftershock.engine.studies.samples import Prepared

LEVEL = 0.05
DRAWS = 199
"""Draws of a bootstrap: with 199 a rejection at 5 % is exact."""
ALLOWED = (0.04, 0.06)
"""Between these the default test is to reject where nothing happened."""
SHORT = {
    "kolari_pynnonen": "KP", "kp_textbook": "KP text", "bmp": "BMP", "patell": "Patell", "t": "t", "date": "date",
    "crude": "crude", "corrado": "Corr.", "corrado_zivney": "CZ", "grank_t": "GRk-t", "grank_z": "GRk-z",
    "sign": "sign", "generalised_sign": "g.sign", "wilcoxon": "Wilc.", "calendar_time": "cal.", "block": "block",
    "wild": "wild",
}  # fmt: skip
SIZES = {
    "1 x 5": (5,), "1 x 20": (20,), "1 x 100": (100,), "5 x 20": (20,) * 5, "20 x 5": (5,) * 20, "50 x 1": (1,) * 50,
    "15 x 1, 5 x 10": (1,) * 15 + (10,) * 5, "6 x 10": (10,) * 6, "30 x 3": (3,) * 30, "40 x 4": (4,) * 40,
}  # fmt: skip
"""Dates x names."""
APART = {name: SIZES[name] for name in SIZES if name not in ("6 x 10", "30 x 3", "40 x 4")}
"""Those whose dates lie far apart."""
ONE = ("1 x 5", "1 x 20", "1 x 100")


def designs(quick: bool, prices: bool) -> Iterator[Design]:
    """Every line of the table."""
    if quick:
        yield Design("normal", SIZES["1 x 20"], 0.3)
        yield Design("fat tails", SIZES["20 x 5"], 0.3, volatility=2.0)
        yield Design("simulated market", SIZES["1 x 20"])
        if prices:
            yield Design("tape, Hong Kong", SIZES["1 x 20"])
            yield Design("tape, Hong Kong", SIZES["20 x 5"])
        return
    for source, correlations in (("normal", (0.0, 0.1, 0.3)), ("fat tails", (0.0, 0.3))):
        for name, sizes in APART.items():
            for correlation in correlations if name != "50 x 1" else (0.0,):
                for volatility in (1.0, 2.0):
                    yield Design(source, sizes, correlation, volatility)
    for name in ("1 x 20", "1 x 100", "5 x 20", "20 x 5"):
        yield Design("normal", SIZES[name], 0.3, common=2.0)
    for source in ("simulated market", "tape, Hong Kong", "tape, 3 markets"):
        if source.startswith("tape") and not prices:
            continue
        for name, sizes in APART.items():
            if source == "tape, 3 markets" and name == "1 x 100":
                continue
            for market in (True, False):
                yield Design(source, sizes, market=market)
                if name in (*ONE[1:], "20 x 5"):
                    yield Design(source, sizes, volatility=2.0, market=market)
                if name in ("1 x 20", "20 x 5"):
                    yield Design(source, sizes, days=5, market=market)


def powers(quick: bool) -> Iterator[Design]:
    """Every line of the table of power: the effect that the default test should see with 80 %."""
    for name in ("1 x 20", "20 x 5", "50 x 1") if quick else APART:
        correlation = 0.0 if name == "50 x 1" else 0.1
        plan = planned_power(SIZES[name], scale=VOLATILITY, correlation=correlation)
        yield Design("normal", SIZES[name], correlation, effect=plan.detectable)
        if not quick:
            yield Design("fat tails", SIZES[name], correlation, effect=plan.detectable)


def overlaps(quick: bool) -> Iterator[Design]:
    """Every line whose dates lie so close that windows overlap."""
    for name, apart, days in () if quick else (("6 x 10", 2, 5), ("30 x 3", 2, 5), ("40 x 4", 1, 11)):
        yield Design("normal", SIZES[name], 0.2, days=days, apart=apart)


def shares(numbered: tuple[int, Design], runs: int, seed: int, folder: Path) -> dict[str, float | None]:
    """Give the share of studies of a design that each test rejects; None where it never says anything."""
    number, design = numbered
    rejected, said = dict.fromkeys(TESTS, 0), dict.fromkeys(TESTS, 0)
    rng = np.random.default_rng([seed, number])
    for _ in range(runs):
        study = Prepared(drawn(design, rng, folder))
        sample = study.sample(0, design.days - 1)
        found = findings_of(study, sample, set(CLOSED))
        if sample.dates >= LEAST_DATES:
            for test in BOOTSTRAPS:
                found[test] = bootstrap_findings([sample], test, DRAWS, rng, 1.0 - LEVEL)[0]
        for test, one in found.items():
            if np.isfinite(one.p):
                said[test] += 1
                rejected[test] += one.p <= LEVEL
    return {test: rejected[test] / said[test] if said[test] else None for test in TESTS}


def main() -> None:
    asked = arguments()
    told = json.loads(asked.again.read_text(encoding="utf-8")) if asked.again else measured(asked)
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    if asked.markdown:
        print(as_markdown(told))
    else:
        show(told)


def measured(asked: argparse.Namespace) -> dict:
    """Run every line."""
    runs = asked.runs or (300 if asked.quick else 4_000)
    prices = asked.prices.is_dir()
    lines = [*designs(asked.quick, prices), *powers(asked.quick), *overlaps(asked.quick)]
    began = time.perf_counter()
    work = partial(shares, runs=runs, seed=asked.seed, folder=asked.prices)
    with ProcessPoolExecutor(asked.processes) as pool:
        found = []
        for done in pool.map(work, enumerate(lines)):
            found.append(done)
            print(f"\r{len(found)} of {len(lines)} lines", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    rows = [described(line) | {"rejected": share} for line, share in zip(lines, found, strict=True)]
    return {
        "runs": runs,
        "seed": asked.seed,
        "level": LEVEL,
        "noise": 2.0 * float(np.sqrt(LEVEL * (1.0 - LEVEL) / runs)),
        "prices": prices,
        "seconds": round(time.perf_counter() - began, 1),
        "rows": rows,
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few designs, 300 studies of each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the table for programs")
    parser.add_argument("--markdown", action="store_true", help="print the tables for a document")
    parser.add_argument(
        "--again", type=Path, metavar="FILE", help="show what --json wrote instead of running"
    )
    parser.add_argument("--runs", type=int, help="studies of each design")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--prices", type=Path, default=Path("../shared/prices"), help="folder of real prices")
    return parser.parse_args()


def described(design: Design) -> dict[str, object]:
    """Name a design in the words of the table."""
    name = next(name for name, sizes in SIZES.items() if sizes == design.sizes)
    return {
        "source": design.source,
        "model": "market" if design.market else "mean",
        "dates_names": name,
        "days": design.days,
        "correlation": None if np.isnan(design.correlation) else design.correlation,
        "volatility": design.volatility,
        "common": design.common,
        "effect": design.effect,
        "apart": design.apart,
    }


def cells(row: dict) -> list[str]:
    """Give the cells that name a line."""
    correlation = "as it is" if row["correlation"] is None else f"{row['correlation']:g}"
    size = f"x{row['volatility']:g}" + (f", common x{row['common']:g}" if row["common"] != 1.0 else "")
    names = row["dates_names"] + (f", {row['apart']} apart" if row["apart"] else "")
    return [row["source"], row["model"], names, str(row["days"]), correlation, size]


def percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"


def groups(told: dict) -> Iterator[tuple[str, list[dict]]]:
    """Give the two tables."""
    yield (
        "Share of studies without an effect that are rejected at 5 %, in %",
        [row for row in told["rows"] if not row["effect"]],
    )
    yield (
        "Share of studies with an effect that are rejected, in %; the effect is the one that a plan sees with 80 %",
        [row for row in told["rows"] if row["effect"]],
    )


def kinds(row: dict) -> Iterator[str]:
    """Name the columns of the summary that a line counts in."""
    if row["effect"]:
        yield "power" if row["source"] == "normal" else "power, fat tails"
        return
    one = row["dates_names"] in ONE
    if row["common"] != 1.0:
        yield (
            "common shock x2, one date" if one else f"common shock x2, {row['dates_names'].split()[0]} dates"
        )
        return
    if row["apart"]:
        yield "windows overlap"
        return
    if row["volatility"] != 1.0:
        yield "twice as volatile"
        return
    if row["correlation"] == 0.0 or row["dates_names"] == "50 x 1":
        yield "rows independent"
        return
    yield "one date" if one else "several dates"
    if row["source"].startswith("tape"):
        yield "real prices"


KINDS = (
    "rows independent", "one date", "several dates", "twice as volatile", "real prices", "windows overlap",
    "common shock x2, one date", "common shock x2, 5 dates", "common shock x2, 20 dates", "power", "power, fat tails",
)  # fmt: skip


def summary(told: dict) -> tuple[list[str], list[list[str]]]:
    """Give for each test the lowest and the highest share of the lines of each kind."""
    found: dict[str, dict[str, list[float]]] = {test: {kind: [] for kind in KINDS} for test in TESTS}
    for row in told["rows"]:
        for kind in kinds(row):
            for test in TESTS:
                share = row["rejected"][test]
                if share is not None:
                    found[test][kind].append(share)
    present = [kind for kind in KINDS if any(found[test][kind] for test in TESTS)]
    rows = [[f"`{test}`", *(spanned(found[test][kind]) for kind in present)] for test in TESTS]
    return ["test", *present], rows


def held(told: dict) -> str:
    """Say how the default test fared where nothing happened and no common shock was larger than before."""
    shares = [r["rejected"][DEFAULT] for r in told["rows"] if not r["effect"] and r["common"] == 1.0]
    inside = sum(ALLOWED[0] <= share <= ALLOWED[1] for share in shares)
    low, high = percent(min(shares)), percent(max(shares))
    return (
        f"{DEFAULT} rejects {100 * np.mean(shares):.2f} % on average over {len(shares)} lines without an effect or a "
        f"larger common shock, {inside} of them from 4 to 6 %, all of them from {low} to {high} %"
    )


def spanned(shares: list[float]) -> str:
    if not shares:
        return ""
    low, high = percent(min(shares)), percent(max(shares))
    return low if low == high else f"{low} - {high}"


HEADS = ("returns", "model", "dates x names", "days", "correlation", "volatility")


def show(told: dict) -> None:
    console = Console(width=max(190, Console().width))
    heads, spans = summary(told)
    short = Table(title="Rejected at 5 %, in %: lowest and highest of the lines below", box=box.SIMPLE)
    for head in heads:
        short.add_column(head)
    for line in spans:
        short.add_row(*(cell.strip("`") for cell in line))
    console.print(short)
    for title, rows in groups(told):
        table = Table(title=title, box=box.SIMPLE, title_justify="left")
        for head in HEADS:
            table.add_column(head)
        for test in TESTS:
            table.add_column(SHORT[test], justify="right")
        for row in rows:
            default = row["rejected"][DEFAULT]
            bad = not row["effect"] and not ALLOWED[0] <= default <= ALLOWED[1]
            first = f"[bold red]{percent(default)}[/]" if bad else f"[bold]{percent(default)}[/]"
            rest = [percent(row["rejected"][test]) for test in TESTS if test != DEFAULT]
            table.add_row(*cells(row), first, *rest)
        console.print(table)
    console.print(held(told))
    console.print(
        f"{told['runs']} studies a line, so +-{100 * told['noise']:.1f} around 5; seed {told['seed']}; "
        f"{told['seconds']:.0f} s{'' if told['prices'] else '; no real prices were found'}"
    )


def as_markdown(told: dict) -> str:
    heads, spans = summary(told)
    parts = [
        "Rejected at 5 %, in %, lowest and highest of the lines of each kind:\n\n"
        + "\n".join(["| " + " | ".join(line) + " |" for line in (heads, ["---"] * len(heads), *spans)])
    ]
    for title, rows in groups(told):
        heads = [*HEADS, *(SHORT[test] for test in TESTS)]
        lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
        for row in rows:
            shown = [percent(row["rejected"][test]) for test in TESTS]
            shown[0] = f"**{shown[0]}**"
            lines.append("| " + " | ".join([*cells(row), *shown]) + " |")
        parts.append(f"{title} ({told['runs']} studies a line, seed {told['seed']}):\n\n" + "\n".join(lines))
    return "\n\n".join([*parts, held(told)])


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=RuntimeWarning, module="numpy")
    main()
