"""Scores of the tagger's rules on labelled headlines: topics, directions, FOMC stance, speed, and VADER beside them.

Run from the project's root: ``python benchmarks/news_scores.py [FOLDER]``; the folder holds ``labels/``.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import importlib
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from aftershock.data.news.rules import find, stance
from aftershock.data.news.taxonomy import load_taxonomy

TOPICS = ("fed", "chip", "tariff")
STANCES = {"0": "dovish", "1": "hawkish", "2": "neutral"}
GOOD = {
    "dovish": 1,
    "positive": 1,
    "deescalation": 1,
    "hawkish": -1,
    "negative": -1,
    "escalation": -1,
    "neutral": 0,
}

Row = dict[str, str]
Tags = dict[str, str]
Pair = tuple[str, str]


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def half(row: Row) -> int:
    """The half a row belongs to: 0 was looked at while the rules were written, 1 never was."""
    return int(hashlib.sha1(row["id"].encode()).hexdigest(), 16) % 2


def f1(pairs: Iterable[Pair], label: str) -> tuple[float, float, float]:
    """Precision, recall and F1 of one label over pairs of (gold, told)."""
    counts = Counter((gold == label, told == label) for gold, told in pairs)
    hit, missed, false = counts[True, True], counts[True, False], counts[False, True]
    precision = hit / (hit + false) if hit + false else float("nan")
    recall = hit / (hit + missed) if hit + missed else float("nan")
    total = 2 * hit + missed + false
    return precision, recall, 2 * hit / total if total else float("nan")


def macro(pairs: list[Pair]) -> float:
    labels = sorted({gold for gold, _ in pairs})
    return sum(f1(pairs, label)[2] for label in labels) / len(labels) if labels else float("nan")


def weighted(pairs: list[Pair]) -> float:
    shares = Counter(gold for gold, _ in pairs)
    return sum(f1(pairs, label)[2] * n for label, n in shares.items()) / len(pairs)


def confusion(pairs: Iterable[Pair]) -> str:
    counts = Counter(pairs)
    return ", ".join(f"{gold or '-'} as {told or '-'}: {n}" for (gold, told), n in sorted(counts.items()))


def score(title: str, rows: list[Row], told: list[Tags]) -> None:
    print(f"\n{title}: {len(rows)} headlines")
    for topic in TOPICS:
        topics = [
            (topic if topic in row["topics"].split("+") else "", topic if topic in tags else "")
            for row, tags in zip(rows, told, strict=True)
        ]
        precision, recall, both = f1(topics, topic)
        print(
            f"  {topic:7} precision {precision:.3f}  recall {recall:.3f}  F1 {both:.3f}  ({confusion(topics)})"
        )
        ways = directions(rows, told, topic)
        print(f"          direction macro-F1 {macro(ways):.3f}  ({confusion(ways)})")


def directions(rows: list[Row], told: list[Tags], topic: str) -> list[Pair]:
    """Gold and told direction of the rows that have one; a topic not told has the direction "missed"."""
    key = f"{topic}_dir"
    return [(row[key], tags.get(topic, "missed")) for row, tags in zip(rows, told, strict=True) if row[key]]


def vader_sign() -> Callable[[str], int] | None:
    """VADER's sign of a text at its usual thresholds; None where the package is not installed."""
    try:
        module = importlib.import_module("vaderSentiment.vaderSentiment")
    except ImportError:
        return None
    analyser = module.SentimentIntensityAnalyzer()

    def sign(text: str) -> int:
        compound = float(analyser.polarity_scores(text)["compound"])
        return (compound >= 0.05) - (compound <= -0.05)

    return sign


def compare(rows: list[Row], told: list[Tags]) -> None:
    """Print the sign of each directed topic against VADER's sign of the headline."""
    sign = vader_sign()
    print("\nSign of the direction (good, bad, neutral), macro-F1, beside VADER's sentiment of the headline")
    for topic in TOPICS:
        key = f"{topic}_dir"
        gold = [str(GOOD[row[key]]) for row in rows if row[key]]
        ours = [str(GOOD.get(way, 9)) for _, way in directions(rows, told, topic)]
        line = f"  {topic:7} rules {macro(list(zip(gold, ours, strict=True))):.3f}"
        if sign is not None:
            other = [str(sign(row["headline"])) for row in rows if row[key]]
            line += f"  VADER {macro(list(zip(gold, other, strict=True))):.3f}"
        print(line)
    if sign is None:
        print("  VADER is absent: install vaderSentiment to see it here")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("../shared"))
    labels = parser.parse_args().folder / "labels"
    taxonomy = load_taxonomy()
    if not labels.is_dir():
        print(f"there are no labels at {labels}: name the folder that holds labels/")
        return
    rows = read(labels / "headlines_dev.csv")
    began = time.perf_counter()
    told = [{f.tag: f.direction for f in find(row["headline"], taxonomy, is_headline=True)} for row in rows]
    seconds = time.perf_counter() - began
    for title, part in (("seen half", (0,)), ("unseen half", (1,)), ("all", (0, 1))):
        kept = [(row, tags) for row, tags in zip(rows, told, strict=True) if half(row) in part]
        score(title, [row for row, _ in kept], [tags for _, tags in kept])
    compare(rows, told)
    sentences = read(labels / "fomc_stance_train.csv")
    stances = [(STANCES[row["label"]], stance(row["sentence"])) for row in sentences]
    print(f"\nFOMC stance: weighted F1 {weighted(stances):.3f}  ({confusion(stances)})")
    print(f"\nspeed: {len(rows) / seconds:,.0f} headlines a second")


if __name__ == "__main__":
    main()
