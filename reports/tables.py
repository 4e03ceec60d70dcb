"""Tables of a report: small ones as formatted cells, long ones as values that the browser shows page by page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError
from aftershock.data.instants import NAT, to_ns
from aftershock.data.venues import venue
from aftershock.engine.metrics import monthly_returns, yearly_returns
from aftershock.engine.periods import TRAILING, trailing
from aftershock.engine.types import REASONS
from aftershock.engine.waterfall import STEPS
from aftershock.reports.located import unrooted
from aftershock.reports.run import Run
from aftershock.reports.words import (
    MEASURES,
    SIMULATED,
    UNDEFINED,
    Measure,
    column,
    counted,
    date,
    dates,
    defined,
    facts,
    figure_of,
    money_digits,
    number,
    percent,
    start_of,
    titled,
    unit,
    word,
)

TILES = (
    "total_return",
    "cagr",
    "volatility",
    "sharpe",
    "sortino",
    "max_drawdown",
    "calmar",
    "hit_rate",
    "profit_factor",
    "trades",
    "event_dates",
    "exposure",
    "costs",
)
"""The key figures of a report."""

GROUPED = (
    "trades",
    "event_dates",
    "mean_return",
    "standard_error",
    "t_statistic",
    "hit_rate",
    "profit_factor",
    "pnl",
)
"""The figures of a group of trades."""

GROUPS = {
    "tag": "tag",
    "direction": "direction",
    "market": "market",
    "year": "year",
    "weekday": "weekday of the entry",
    "arrival": "arrival of the news",
    "side": "side",
    "phase": "phase of the session",
    "symbol": "symbol",
}
"""The groupings of ``stats["by"]`` in the order of the report, with their words."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NUMERIC = frozenset({"percent", "depth", "number", "count", "money", "price", "level"})
CODED = frozenset({"instant", "local", "side", "flag"})
SIGNED = frozenset({"percent", "depth", "money"})
NO_EQUITY = "There is no equity curve."
DEEPEST = 10
"""How many drawdowns are listed."""

APART = (
    "trades",
    "event_dates",
    "mean_return",
    "standard_error",
    "t_statistic",
    "hit_rate",
    "profit_factor",
    "total_return",
    "max_drawdown",
    "costs",
    "pnl",
)
"""The figures that are set beside those of the trades kept apart."""


class Column(NamedTuple):
    """A column of a table: its key, its heading, the kind of its values (as `cell` takes it) and a remark."""

    key: str
    label: str
    kind: str = "text"
    note: str = ""

    @property
    def numeric(self) -> bool:
        """Whether its cells are aligned to the right."""
        return self.kind in NUMERIC


class Cell(NamedTuple):
    """Text to show; ``shade`` (-1 to 1) colours a cell of a heat table."""

    text: str
    kind: str = "text"
    title: str = ""
    shade: float | None = None

    @property
    def styles(self) -> str:
        """What it looks like, in classes of the style sheet."""
        lost = self.kind in SIGNED and self.text.startswith("−")
        shaded = [] if self.shade is None else ["loss" if self.shade < 0 else "gain" if self.shade else "nil"]
        kind = "numeric" if self.kind in NUMERIC else self.kind
        return " ".join([kind, *(["negative"] if lost else []), *shaded])


@dataclass(frozen=True)
class Table:
    """A small table, written out; ``empty`` is said where it has no row, ``total`` marks the last row."""

    form: ClassVar[str] = "table"
    caption: str
    columns: list[Column]
    rows: list[list[Cell]]
    empty: str = "There is nothing to show."
    note: str = ""
    total: bool = False
    folded: bool = False
    heat: bool = False


@dataclass(frozen=True)
class Grid:
    """A long table that the browser builds page by page: values, not text.

    Attributes
    ----------
    rows : list of lists
        Values in the order of ``columns``: instants as seconds since 1970 UTC, dates and texts as strings,
        numbers as they are; None is undefined.
    sort : str
        The key of the column it is sorted by at first; "" keeps the order of the rows.
    digits : int
        Decimals of money.
    opens : bool
        Whether a row opens to its event.
    page : int
        How many rows are shown at first.
    zones : dict
        The zone of each venue, for instants that are shown in local time.
    """

    form: ClassVar[str] = "grid"
    key: str
    caption: str
    noun: str
    columns: list[Column]
    rows: list[list[Any]]
    empty: str
    sort: str = ""
    digits: int = 2
    note: str = ""
    opens: bool = False
    folded: bool = False
    page: int = 25
    zones: Mapping[str, str] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        """Everything the browser needs to build the table, by column; a text is written once, rows give its place."""
        columns = list(map(list, zip(*self.rows, strict=True))) or [[] for _ in self.columns]
        texts = _texts(self.columns, columns)
        return {
            "noun": self.noun,
            "columns": [each._asdict() for each in self.columns],
            "texts": {place: list(found) for place, found in texts.items()},
            "values": [
                [texts[place][value] for value in values] if place in texts else values
                for place, values in enumerate(columns)
            ],
            "sort": self.sort,
            "digits": self.digits,
            "opens": self.opens,
            "page": self.page,
            "zones": dict(self.zones),
        }


def _texts(columns: Sequence[Column], values: Sequence[Sequence[Any]]) -> dict[int, dict[Any, int]]:
    """Give each column of texts its different texts, numbered."""
    return {
        place: {text: n for n, text in enumerate(dict.fromkeys(values[place]))}
        for place, each in enumerate(columns)
        if each.kind not in NUMERIC | CODED
    }


def cell(value: Any, kind: str = "text", digits: int = 2) -> Cell:
    r"""Format one value by its kind.

    Parameters
    ----------
    value : object
        A number, text or date; NaN and None are undefined.
    kind : str
        ``text``, ``code``, ``percent``, ``depth`` (a drawdown, of either sign), ``number``, ``count``, ``money``,
        ``date`` or ``side`` (above zero is long).
    digits : int
        Decimals of money.

    Examples
    --------
    >>> cell(0.346, "depth").text
    '−34.60\xa0%'
    """
    text = _text(value, kind, digits) or UNDEFINED
    return Cell(text, kind, "undefined" if text == UNDEFINED else "")


def _text(value: Any, kind: str, digits: int) -> str:
    match kind:
        case "percent":
            return percent(value)
        case "depth":
            return percent(-abs(value)) if defined(value) else UNDEFINED
        case "number" | "count" | "money":
            return number(value, {"number": 2, "count": 0}.get(kind, digits))
        case "date":
            return date(value)
        case "side":
            return "long" if value > 0 else "short"
    return word(value)


def _cells(run: Run, columns: Sequence[Column], records: Iterable[Mapping[str, Any]]) -> list[list[Cell]]:
    digits = money_digits(run)
    return [[cell(record.get(each.key), each.kind, digits) for each in columns] for record in records]


# ---------------------------------------------------------------------------------------- small tables


def measure(run: Run, key: str) -> Measure:
    """Say how a figure is called and made; money names its unit."""
    known = MEASURES.get(key) or Measure(key.replace("_", " ").capitalize())
    return known._replace(label=f"{known.label}, {unit(run)}") if known.kind == "money" else known


def tiles(run: Run) -> list[tuple[Measure, Cell]]:
    """Give the key figures of a run, each with its measure."""
    return [(measure(run, key), _figure(run, key, figure_of(run, key))) for key in TILES]


def _figure(run: Run, key: str, value: Any) -> Cell:
    return cell(value, measure(run, key).kind, money_digits(run))


def comparison_table(runs: Sequence[Run], names: Sequence[str]) -> Table:
    """Set runs side by side: what was run, the key figures, and whether they were made from the same things.

    Parameters
    ----------
    runs : sequence of Run
    names : sequence of str
        A heading for each run.
    """
    told = [facts(run) for run in runs]
    # Of what not all tell the order is that of those who tell most.
    labels = dict.fromkeys(label for each in sorted(told, key=len, reverse=True) for label in each)
    compared = [key for key in MEASURES if key in {*TILES, *APART}]
    shown = [key for key in compared if any(defined(figure_of(run, key)) for run in runs)]
    rows = [
        *([Cell(label), *(Cell(each.get(label, "none")) for each in told)] for label in labels),
        *(
            [Cell(MEASURES[key].label), *(_figure(run, key, figure_of(run, key)) for run in runs)]
            for key in shown
        ),
        *(_hash_row(runs, part) for part in sorted({part for run in runs for part in _hashes(run)})),
    ]
    mark = f"{SIMULATED} · " if any(run.simulated for run in runs) else ""
    headings = [
        f"{name} ({SIMULATED})" if run.simulated else name for run, name in zip(runs, names, strict=True)
    ]
    columns = [Column("figure", "Figure"), *(Column(heading, heading) for heading in headings)]
    return Table(f"{mark}Settings, figures and hashes", columns, rows)


def _hashes(run: Run) -> dict[str, Any]:
    return run.manifest.get("hashes") or {}


def _hash_row(runs: Sequence[Run], part: str) -> list[Cell]:
    found = [word(_hashes(run).get(part)) for run in runs]
    told = "the same" if len(set(found)) == 1 else "not the same"
    return [
        Cell(f"Hash of {part}: {told}"),
        *(Cell(value[:12] or UNDEFINED, "code", value) for value in found),
    ]


DOING_NOTHING = ("total_return", "cagr", "volatility", "sharpe", "max_drawdown")
"""The figures that a run and its benchmarks have in common."""


def benchmark_table(run: Run) -> Table | None:
    """Set the run beside doing nothing; None where the run kept no benchmark."""
    told = run.stats.get("benchmark")
    if not told:
        return None
    columns = [
        Column("figure", "Figure"),
        Column("run", "This run", "number"),
        Column("universe", "Buy and hold", "number", "the universe, bought in equal parts at the start"),
        Column("index", "Index", "number", "one index of each venue traded, in equal parts"),
    ]
    rows = [
        [
            Cell(measure(run, key).label),
            _figure(run, key, figure_of(run, key)),
            *(_figure(run, key, (told.get(name) or {}).get(key)) for name in ("universe", "index")),
        ]
        for key in DOING_NOTHING
    ]
    for key, label, kind in (
        ("beta", "Beta of the run on it", "number"),
        ("alpha", "Alpha, a year", "percent"),
    ):
        rows.append(
            [
                Cell(label),
                Cell(""),
                *(cell((told.get(name) or {}).get(key), kind) for name in ("universe", "index")),
            ]
        )
    return Table(titled(run, "Beside doing nothing"), columns, rows)


PERIODS = {
    "1m": "1 month",
    "3m": "3 months",
    "6m": "6 months",
    "ytd": "Year to date",
    "1y": "1 year",
    "3y": "3 years",
    "all": "All",
}
"""Trailing periods with their words."""


def trailing_table(run: Run) -> Table | None:
    """Give the figures of periods that end with the last mark, beside doing nothing; None where there is no equity."""
    marks = column(run.equity, "equity")
    if not marks.notna().any():
        return None
    beside = [key for key in ("universe", "index") if len(run.curves) == len(marks)]
    beside = [key for key in beside if column(run.curves, key).notna().any()]
    held = [trailing(column(run.curves, key), _days(run), start_of(run)) for key in beside]
    columns = [
        Column("period", "Period"),
        Column("first", "Since", "date", "the end of this day; of all, the first mark"),
        Column("total_return", "Return", "percent"),
        Column("cagr", "A year", "percent", "of a year or more"),
        Column("max_drawdown", "Max drawdown", "depth", "within the period"),
        Column("volatility", "Volatility", "percent", "a year"),
        Column("sharpe", "Sharpe", "number"),
        *(Column(key, {"universe": "Buy and hold", "index": "Index"}[key], "percent") for key in beside),
    ]
    first = _days(run)[:1]
    told = trailing(marks, _days(run), start_of(run))
    told["first"] = told["first"].where(told.index != "all", first[0] if len(first) else pd.NaT)
    rows = [
        [
            Cell(PERIODS[key]),
            *(cell(told.loc[key, each.key], each.kind) for each in columns[1:7]),
            *(cell(table.loc[key, "total_return"], "percent") for table in held),
        ]
        for key in TRAILING
    ]
    note = "A period that began before the run did is n/a."
    return Table(titled(run, "Trailing periods, to the last mark"), columns, rows, NO_EQUITY, note)


def drawdown_table(run: Run) -> Table:
    """List the deepest drawdowns."""
    falls = [fall for fall in run.stats.get("drawdowns") or [] if defined(fall.get("depth"))]
    columns = [
        Column("depth", "Depth", "depth"),
        Column("start", "Start", "date", "the peak"),
        Column("trough", "Trough", "date"),
        Column("recovery", "Recovery", "date"),
        Column("bars", "Bars", "count", "marks of equity below the peak"),
        Column("days", "Days", "count", "calendar days from the peak to the recovery, or to the last mark"),
    ]
    deepest = sorted(falls, key=lambda fall: -abs(fall["depth"]))[:DEEPEST]
    rows = _cells(run, columns, deepest)
    for row in rows:
        row[3] = Cell("not yet", "date") if row[3].text == UNDEFINED else row[3]
    rest = f"The {DEEPEST} deepest of {number(len(falls), 0)}." if len(falls) > DEEPEST else ""
    empty = NO_EQUITY if run.equity.empty else "Equity never fell below a peak."
    return Table(titled(run, "Drawdowns"), columns, rows, empty, rest)


def monthly_table(run: Run) -> Table:
    """Give the returns of equity by month and year, shaded by size."""
    columns = [Column("year", "Year"), *(Column(name, name, "percent") for name in MONTHS)]
    columns.append(Column("total", "Total", "percent", "return of the year"))
    months, years = _returns_by_month(run)
    most = max((abs(value) for value in months.values()), default=0.0)
    rows = [
        [Cell(str(year))]
        + [_heat(months.get((year, month)), most) for month in range(1, 13)]
        + [cell(total, "percent")]
        for year, total in years.items()
    ]
    caption, empty = (
        titled(run, "Monthly returns of equity"),
        NO_EQUITY,
    )
    return Table(caption, columns, rows, empty, _on_months(months), heat=True)


def _returns_by_month(run: Run) -> tuple[dict[tuple[int, int], float], dict[int, float]]:
    marks, days, start = column(run.equity, "equity"), _days(run), start_of(run)
    wide = monthly_returns(marks, days, start)
    months = {
        (int(year), month): value
        for year, values in zip(wide.index, wide.to_numpy().tolist(), strict=True)
        for month, value in enumerate(values, 1)
        if defined(value)
    }
    years = yearly_returns(marks, days, start)
    return months, dict(zip(years.index.tolist(), years.tolist(), strict=True))


def _days(run: Run) -> pd.DatetimeIndex:
    days = dates(run.equity["date"]) if "date" in run.equity.columns else []
    return pd.DatetimeIndex(pd.to_datetime(days, utc=True)).as_unit("ns")


def _heat(value: float | None, most: float) -> Cell:
    if value is None:
        return Cell("")
    return cell(value, "percent")._replace(shade=value / most if most else 0.0)


def _on_months(months: dict[tuple[int, int], float]) -> str:
    if not months:
        return ""
    best, worst = max(months, key=lambda key: months[key]), min(months, key=lambda key: months[key])
    gains = number(sum(value > 0 for value in months.values()), 0)
    return (
        f"{gains} of {counted(len(months), 'months')} gained. Best: {MONTHS[best[1] - 1]} {best[0]} "
        f"({percent(months[best])}); worst: {MONTHS[worst[1] - 1]} {worst[0]} ({percent(months[worst])})."
    )


def group_table(run: Run, by: str) -> Table:
    """Set trades apart by one of ``GROUPS``: how many, on how many dates, mean net return and its error."""
    records = (run.stats.get("by") or {}).get(by) or []
    shown = [key for key in GROUPED if any(key in record for record in records)]
    columns = [Column(by, GROUPS[by].capitalize(), "side" if by == "side" else "text")]
    columns += [_measured(run, key) for key in shown]
    return Table(
        titled(run, f"By {GROUPS[by]}"), columns, _cells(run, columns, records), "There is no trade."
    )


def _measured(run: Run, key: str) -> Column:
    known = measure(run, key)
    return Column(key, known.label, known.kind, known.note)


def planted_table(run: Run) -> Table:
    """Set what the simulated market planted beside what the run recovered."""
    columns = [
        Column("tag", "Tag"),
        Column("direction", "Direction"),
        Column(
            "part", "Part", note="gap: previous close to first open; drift: the sessions after, open to close"
        ),
        Column("pairs", "Pairs", "count", "events by instruments"),
        Column("event_dates", "Event dates", "count"),
        Column("planted", "Planted", "percent", "mean log return put into the prices"),
        Column("recovered", "Recovered", "percent", "mean log return found in the prices"),
        Column("standard_error", "Standard error", "percent", "of the recovered mean, by event date"),
        Column("distance", "Distance", "number", "recovered less planted, in standard errors"),
    ]
    records = [record | {"distance": _distance(record)} for record in run.stats.get("planted") or []]
    caption = titled(run, "Reactions, planted and recovered")
    return Table(caption, columns, _cells(run, columns, records), "No planted reaction was traded.")


def _distance(record: Mapping[str, Any]) -> float:
    planted, recovered, error = (
        float(record[key]) if defined(record.get(key)) else math.nan
        for key in ("planted", "recovered", "standard_error")
    )
    return (recovered - planted) / error if error > 0 else math.nan


def waterfall_steps(run: Run) -> list[dict[str, Any]]:
    """List what the waterfall of a run consists of: records ``step, words, money, kind``; none where it has none.

    ``kind`` is ``step``, or ``total`` for the raw reaction (the sum so far) and for what was earned. Steps that took
    and gave nothing are left out.
    """
    found = run.stats.get("waterfall") or {}
    if not found.get("signals"):
        return []
    records = [
        {"step": key, "words": words, "money": found[key], "kind": "step"}
        for key, words in STEPS.items()
        if found.get(key)
    ]
    before = sum(each["step"] in ("excess", "drift") for each in records)
    raw = {"step": "reaction", "words": "reaction from close to close", "money": found["reaction"]}
    net = {"step": "net", "words": "earned", "money": found["net"]}
    return [
        *records[:before],
        raw | {"kind": "total"},
        *records[before:],
        net | {"kind": "total"},
    ]


def waterfall_table(run: Run) -> Table:
    """Say step by step what was left of the reaction to the signals, each also as a share of what they asked for."""
    columns = [
        Column("words", "Step"),
        Column("money", "Money", "money", "what the step gave or took; a total where the words say so"),
        Column("share", "Of the reaction", "percent", "as a share of the size of the raw reaction"),
    ]
    steps = waterfall_steps(run)
    whole = abs((run.stats.get("waterfall") or {}).get("reaction") or math.nan)
    records = [each | {"share": each["money"] / whole} for each in steps]
    return Table(
        titled(run, "From the reaction to what was earned"),
        columns,
        _cells(run, columns, records),
        "No signal had a bar to trade at.",
        note="The steps add up to what was earned, for each signal and in all (docs/fills.md, section 11).",
        total=bool(records),
    )


def waterfall_grid(run: Run) -> Grid:
    """List the waterfall of every signal."""
    used = [each["step"] for each in waterfall_steps(run)]
    columns = [
        Column("event_id", "Event"),
        Column("symbol", "Symbol"),
        Column("known_by", "Known by", "instant"),
        Column("target", "Target", "money", "the notional it asked for"),
        *(Column(key, key.replace("_", " ").capitalize(), "money", STEPS.get(key, "")) for key in used),
    ]
    rows = _values(run.waterfall, columns) if used else []
    caption = titled(run, "The waterfall of each signal")
    digits = money_digits(run)
    return Grid("waterfall", caption, "signals", columns, rows, "There is none.", digits=digits, folded=True)


def outcome_table(run: Run) -> Table:
    """Count what became of the signals, each outcome with its sentence."""
    counts = {code: count for code, count in (run.stats.get("outcomes") or {}).items() if count}
    apart = _apart(run.audit)
    columns = [
        Column("outcome", "Outcome"),
        Column("reason", "What it means"),
        Column("signals", "Signals", "count"),
        Column("apart", "Kept apart", "count", "of these, ambiguous or from recaps"),
    ]
    records: list[dict[str, Any]] = [
        {"outcome": code, "reason": REASONS.get(code), "signals": counts[code], "apart": apart.get(code, 0)}
        for code in sorted(counts, key=lambda code: (-counts[code], code))
    ]
    if records:
        total = {"signals": sum(counts.values()), "apart": sum(apart.values())}
        records.append({"outcome": "all", "reason": "each signal has one outcome"} | total)
    caption = titled(run, "Outcomes")
    return Table(caption, columns, _cells(run, columns, records), "No event gave a signal.", total=True)


def _apart(audit: pd.DataFrame) -> dict[str, int]:
    if audit.empty:
        return {}
    counts = audit.loc[~audit["headline"].astype("bool"), "outcome"].value_counts()
    return {str(code): int(count) for code, count in counts.items()}


def lapsed_grid(run: Run) -> Grid:
    """List the signals that made no trade, each with its reason."""
    columns = [
        Column("known_by", "Known by", "local", "the venue's time; UTC where a pointer rests"),
        Column("symbol", "Symbol", "code"),
        Column("venue", "Venue", "code"),
        Column("side", "Side", "side"),
        Column("entry_session", "Due", "date", "the session due, in the venue's local date"),
        Column("outcome", "Outcome"),
        Column("reason", "Why", "prose"),
        Column("event_id", "Event", "event", "opens the event"),
    ]
    lapsed = run.audit[run.audit["outcome"] != "filled"] if "outcome" in run.audit else run.audit
    caption = titled(run, "Entries that lapsed, and signals that were never orders")
    return Grid(
        "lapsed",
        caption,
        "signals",
        columns,
        _values(lapsed, columns),
        "Every signal became a trade.",
        "known_by",
        folded=True,
        zones=zones_of(lapsed),
    )


def beside_table(run: Run) -> Table:
    """Set the figures of trades kept apart beside the headline figures."""
    kept = {"headline": run.stats.get("headline") or {}, **(run.stats.get("beside") or {})}
    columns = [Column("figure", "Figure"), *(Column(name, name.capitalize(), "number") for name in kept)]
    rows = [
        [Cell(measure(run, key).label), *(_figure(run, key, figures.get(key)) for figures in kept.values())]
        for key in APART
        if any(defined(figures.get(key)) for figures in kept.values())
    ]
    apart = len(kept) > 1
    note = "" if apart else "No signal was ambiguous or came from a recap: nothing is kept apart."
    caption = titled(run, "Headline figures beside those kept apart")
    return Table(caption, columns, rows if apart else [], note or "No figure is defined.")


def figures_table(run: Run) -> Table:
    """List every headline figure and how it is made."""
    figures = run.stats.get("headline") or {}
    shown = [*(key for key in MEASURES if key in figures), *sorted(set(figures) - set(MEASURES))]
    columns = [
        Column("figure", "Figure"),
        Column("value", "Value", "number"),
        Column("note", "How it is made"),
    ]
    rows = [
        [Cell(measure(run, key).label), _figure(run, key, figures[key]), Cell(measure(run, key).note)]
        for key in shown
    ]
    return Table(titled(run, "All figures"), columns, rows, "No figure is defined.", folded=True)


def manifest_table(run: Run) -> Table:
    """List what made the run: versions, seed, hashes and the provenance of the prices."""
    told = {"caveats", "warnings", "skipped_events", "price_audit", "folder"}
    shown = unrooted({key: run.manifest[key] for key in run.manifest if key not in told}, run.folder)
    pairs = [pair for key, value in shown.items() for pair in _flat(key, value)]
    columns = [Column("entry", "Entry"), Column("value", "Value", "code")]
    rows = [[Cell(key), Cell(value or UNDEFINED, "digest")] for key, value in pairs]
    return Table(titled(run, "Manifest"), columns, rows, "The manifest is empty.")


def _flat(key: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [pair for inner in value for pair in _flat(f"{key}.{inner}", value[inner])]
    if isinstance(value, (list, tuple)):
        return [(key, ", ".join(map(word, value)))]
    return [(key, word(value))]


# ------------------------------------------------------------------------------------------ long tables


def events_grid(run: Run) -> Grid:
    """List each event with what came of it; a row opens to its evidence, signals, trades and bars."""
    money = f"in {unit(run)}"
    columns = [
        Column("known_by", "Known by", "instant", "the latest moment the public can have known it, UTC"),
        Column("tag", "Tag"),
        Column("direction", "Direction"),
        Column("headline", "Headline", "prose"),
        Column("source", "Source", "link"),
        Column("signals", "Signals", "count"),
        Column("trades", "Trades", "count"),
        Column("pnl", "Net P&L", "money", money),
        Column("return", "Mean return", "percent", "mean net return of its trades"),
        Column("apart", "Kept apart", "text", "why it does not count in the headline figures"),
        Column("event_id", "Event", "code"),
    ]
    return Grid(
        key="events",
        caption=titled(run, f"Events and what came of them (times in UTC, money {money})"),
        noun="events",
        columns=columns,
        rows=_values(_with_results(run), columns),
        empty="There are no events.",
        sort="known_by",
        digits=money_digits(run),
        note="Open a row for what was known, the signals and the bars around them. Figures are over all trades of an "
        "event, those kept apart included.",
        opens=True,
    )


def _with_results(run: Run) -> pd.DataFrame:
    key = run.events.reindex(columns=["event_id"])["event_id"]
    audit = run.audit if "event_id" in run.audit.columns else run.audit.assign(event_id="")
    trades = run.trades if "event_id" in run.trades.columns else run.trades.assign(event_id="")
    events = run.events.assign(signals=key.map(audit["event_id"].value_counts()).fillna(0))
    events["trades"] = key.map(trades["event_id"].value_counts()).fillna(0)
    events["pnl"] = key.map(column(trades, "pnl").groupby(trades["event_id"]).sum(min_count=1))
    events["return"] = key.map(column(trades, "return").groupby(trades["event_id"]).mean())
    why = _why_apart(audit)
    events["apart"] = pd.Series([why.get(event, "") for event in key], index=events.index, dtype=object)
    return events


def _why_apart(audit: pd.DataFrame) -> dict[str, str]:
    """Say for each event why signals of it are kept apart."""
    why: dict[str, set[str]] = {}
    if audit.empty:
        return {}
    for reason, told in (("ambiguous", audit["ambiguous"]), ("recap", audit["source_kind"] == "recap")):
        for event in audit.loc[told.astype("bool"), "event_id"].unique():
            why.setdefault(event, set()).add(reason)
    return {event: ", ".join(sorted(reasons)) for event, reasons in why.items()}


def trades_grid(run: Run) -> Grid:
    """List every trade."""
    money = f"in {unit(run)}"
    columns = [
        Column("symbol", "Symbol", "code"),
        Column("side", "Side", "side"),
        Column("entry_session", "Entry", "date", "session of the entry, the venue's local date"),
        Column("exit_session", "Exit", "date", "session of the exit, the venue's local date"),
        Column("return", "Net return", "percent", "after all costs"),
        Column("pnl", "Net P&L", "money", money),
        Column("tag", "Tag"),
        Column("direction", "Direction"),
        Column("market", "Market"),
        Column("entry_fill", "Entry fill", "price", "after slippage"),
        Column("exit_fill", "Exit fill", "price", "after slippage"),
        Column("exit_kind", "Exit by"),
        Column("bars", "Bars", "count", "bars held"),
        Column("gross_return", "Gross return", "percent", "before all costs"),
        Column("costs", "Costs", "money", f"charges, slippage, borrowing, withheld tax, hedges, {money}"),
        Column("notional", "Notional", "money", money),
        *(each for each in _money_columns(money) if each.key in run.trades.columns),
        Column("mae", "Worst", "percent", "most adverse excursion"),
        Column("mfe", "Best", "percent", "most favourable excursion"),
        Column("known_by", "Known by", "local", "the venue's time; UTC where a pointer rests"),
        Column("entry_at", "Entry at", "local", "the venue's time; UTC where a pointer rests"),
        Column("exit_at", "Exit at", "local", "the venue's time; UTC where a pointer rests"),
        Column("venue", "Venue", "code"),
        Column("status", "Status"),
        Column("headline", "In headline", "flag"),
        Column("event_id", "Event", "event", "opens the event"),
    ]
    return Grid(
        key="trades",
        caption=titled(run, f"Trades (times of the venue, sessions in local dates, money {money})"),
        noun="trades",
        columns=columns,
        rows=_values(run.trades, columns),
        empty="There are no trades.",
        sort="entry_session",
        digits=money_digits(run),
        zones=zones_of(run.trades),
    )


def zones_of(table: pd.DataFrame) -> dict[str, str]:
    """Give the zone of each venue of a table; of one that is not known, UTC."""
    mics = sorted({str(mic) for mic in table["venue"].unique()}) if "venue" in table else []
    return {mic: _zone(mic) for mic in mics}


def _zone(mic: str) -> str:
    try:
        return venue(mic).zone
    except InputError:
        return "UTC"


def _money_columns(money: str) -> list[Column]:
    """Columns of currencies, of which a run has some, all or none."""
    return [
        Column("shares", "Shares", "price", "traded shares, by the fixing that sized the order"),
        Column("currency", "Currency"),
        Column("fx_entry", "Fixing", "price", f"of the currency, {money}: the last one known at the entry"),
        Column("fx_mark_entry", "Entry mark", "price", f"of the currency, {money}, at the entry"),
        Column("fx_mark_exit", "Exit mark", "price", f"of the currency, {money}, at the exit"),
        Column("pnl_unhedged", "Unhedged P&L", "money", f"{money}, each fill exchanged at its mark"),
    ]


def warnings_grid(run: Run) -> Grid:
    """List the warnings about the data."""
    columns = [
        Column("severity", "Severity"),
        Column("area", "Area"),
        Column("code", "Code", "code"),
        Column("symbol", "Symbol", "code"),
        Column("first", "First", "date"),
        Column("last", "Last", "date"),
        Column("rows", "Rows", "count"),
        Column("message", "Message", "prose"),
    ]
    warned = pd.DataFrame(list(run.manifest.get("warnings") or ()))
    caption, rows = titled(run, "Warnings about the data"), _values(warned, columns)
    return Grid(
        "warnings", caption, "warnings", columns, rows, "The data gave no warning.", "severity", page=10
    )


def findings_grid(run: Run) -> Grid:
    """List what the audit of the prices found."""
    columns = [
        Column("severity", "Severity"),
        Column("code", "Code", "code"),
        Column("symbol", "Symbol", "code"),
        Column("first", "First", "date"),
        Column("last", "Last", "date"),
        Column("rows", "Rows", "count"),
        Column("message", "Message", "prose"),
        Column("source", "Source", "link"),
    ]
    rows = _audited(run, "findings", columns)
    note = "An error is left out of the prices; a warning fills and is told; an info is no fault."
    caption = titled(run, "What the audit of the prices found")
    return Grid(
        "findings", caption, "findings", columns, rows, "The audit found nothing.", note=note, page=10
    )


def disagreements_grid(run: Run) -> Grid:
    """List the days on which calendar and prices disagree."""
    columns = [
        Column("venue", "Venue", "code"),
        Column("session", "First", "date"),
        Column("last", "Last", "date"),
        Column("sessions", "Days", "count"),
        Column("kind", "Kind", "code"),
        Column("instruments", "With prices", "count"),
        Column("of", "Of", "count"),
        Column("status", "Status"),
        Column("explanation", "Explanation", "prose"),
        Column("source", "Source", "link"),
    ]
    rows = _audited(run, "disagreements", columns)
    caption = titled(run, "Days on which calendar and prices disagree")
    return Grid("disagreements", caption, "rows", columns, rows, "Calendar and prices agree.", page=10)


def coverage_grid(run: Run) -> Grid:
    """List how many sessions of its venue each instrument has, source by source."""
    columns = [
        Column("symbol", "Symbol", "code"),
        Column("venue", "Venue", "code"),
        Column("kind", "Kind"),
        Column("source", "Source"),
        Column("first", "First", "date"),
        Column("last", "Last", "date"),
        Column("bars", "Bars", "count"),
        Column("sessions", "Sessions", "count"),
        Column("missing", "Missing", "count"),
        Column("share", "Share", "percent"),
    ]
    rows = _audited(run, "coverage", columns)
    caption = titled(run, "Sessions that have prices")
    return Grid("coverage", caption, "rows", columns, rows, "No instrument has prices.", page=10)


def _audited(run: Run, name: str, columns: Sequence[Column]) -> list[list[Any]]:
    found = (run.manifest.get("price_audit") or {}).get(name) or ()
    return _values(pd.DataFrame(list(found)), columns)


def skipped_grid(run: Run) -> Grid:
    """List the events of which all or some instruments were skipped, each with the reason."""
    columns = [
        Column("event_id", "Event", "code"),
        Column("code", "Code", "code"),
        Column("reason", "Reason", "prose"),
        Column("instruments", "Instruments", "count"),
        Column("symbols", "Symbols", "prose"),
    ]
    caption, rows = titled(run, "Events that were skipped, in all or for some instruments"), _skipped(run)
    return Grid("skipped", caption, "rows", columns, rows, "No event was skipped.", page=10)


def _skipped(run: Run) -> list[list[Any]]:
    """Gather the records of one event and reason, which are one for each instrument."""
    gathered: dict[tuple[str, ...], list[str]] = {}
    for record in run.manifest.get("skipped_events") or ():
        key = tuple(word(record.get(part)) for part in ("event_id", "code", "reason"))
        gathered.setdefault(key, []).extend(word(record.get("symbol")).split())
    return [[*key, len(symbols) or None, ", ".join(symbols)] for key, symbols in gathered.items()]


def _values(frame: pd.DataFrame, columns: Sequence[Column]) -> list[list[Any]]:
    if frame.empty:
        return []
    return [list(row) for row in zip(*(column_values(frame, each) for each in columns), strict=True)]


def column_values(frame: pd.DataFrame, column: Column) -> list[Any]:
    """Give one column's values as the browser takes them, all None where the table has no such column."""
    if column.key not in frame or frame[column.key].isna().all():
        return [None] * len(frame)
    values, kind = frame[column.key], column.kind
    if kind in ("instant", "local"):
        return [None if ns == NAT else ns // 1_000_000_000 for ns in to_ns(values).tolist()]
    if kind == "date":
        return [day or None for day in dates(values)]
    if kind in NUMERIC or kind == "side":
        return [_short(value, kind) for value in values.astype(np.float64).tolist()]
    if kind == "flag":
        return [bool(value) for value in values]
    return [word(value) for value in values]


def _short(value: float, kind: str) -> float | int | None:
    """Round to what is shown and a little more, so that a report of thousands of trades stays small."""
    if not defined(value):
        return None
    if value == int(value):
        return int(value)
    match kind:
        case "percent" | "depth":
            return round(value, 8)
        case "money":
            return round(value, 4 if abs(value) < 100 else 2)
    return float(f"{value:.7g}")
