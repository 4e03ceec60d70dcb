"""The chapters of a report in the order in which a reader asks: work, luck, causes, data, trades, making."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from aftershock.reports import beside, figures, tables
from aftershock.reports.drawing import Drawing
from aftershock.reports.located import without_roots
from aftershock.reports.run import Run
from aftershock.reports.tables import Grid, Table
from aftershock.reports.words import price_lines, titled, visible


@dataclass(frozen=True)
class Listing:
    """A text shown as it is."""

    form: ClassVar[str] = "listing"
    caption: str
    text: str


Item = Table | Grid | Drawing | Listing


@dataclass(frozen=True)
class Block:
    """Items that belong together: one below the other, or side by side where there is room."""

    items: Sequence[Item]
    side_by_side: bool = False
    lines: Sequence[str] = field(default=())


@dataclass(frozen=True)
class Chapter:
    """One question of a reader with what answers it."""

    key: str
    heading: str
    short: str
    blocks: Sequence[Block]
    lines: Sequence[str] = field(default=())


def chapters(run: Run, *, brief: bool = False) -> list[Chapter]:
    """Put together what a report says of a run.

    Parameters
    ----------
    run : Run
    brief : bool
        Leave out what needs a script: events, trades and the long tables of the data.
    """
    told = [
        Chapter("work", "Did it work?", "Did it work?", _work(run)),
        Chapter("luck", "Was it luck?", "Luck", _luck(run)),
        Chapter("causes", "What drove it?", "Causes", _causes(run)),
    ]
    if brief:
        return told
    return [
        *told,
        Chapter("data", "Can I trust the data?", "Data", _data(run)),
        Chapter("trades", "Show me the trades", "Trades", _trades(run)),
        Chapter("made", "How it was made", "Making", _made(run)),
    ]


def numbers_in(chapters: Sequence[Chapter]) -> dict[str, Any]:
    """Give the numbers behind every figure of some chapters, by the figure's name."""
    return {
        item.key: {"title": item.title, "words": item.words, **item.data}
        for chapter in chapters
        for block in chapter.blocks
        for item in block.items
        if isinstance(item, Drawing)
    }


def known_items(*items: Item | None) -> list[Item]:
    """Leave out what there was nothing for."""
    return [item for item in items if item is not None]


def _pair(*items: Item | None) -> Block:
    return Block(known_items(*items), side_by_side=True)


def _work(run: Run) -> list[Block]:
    return [
        Block(known_items(figures.equity_figure(run))),
        _pair(tables.benchmark_table(run), tables.drawdown_table(run)),
        Block(known_items(tables.monthly_table(run))),
        _pair(figures.years_figure(run), figures.rolling_figure(run)),
        Block(known_items(tables.trailing_table(run))),
        _pair(beside.risk_figure(run), beside.matched_figure(run)),
    ]


def _luck(run: Run) -> list[Block]:
    planted = [figures.planted_figure(run), tables.planted_table(run)] if run.simulated else []
    line = "The simulated market plants a known reaction after each kind of event. A sound method finds it again."
    blocks = [
        _pair(figures.dates_figure(run), figures.distribution_figure(run)),
        Block(known_items(tables.beside_table(run))),
    ]
    return [*blocks, Block(known_items(*planted), lines=[line])] if planted else blocks


def _causes(run: Run) -> list[Block]:
    groups = [by for by in tables.GROUPS if (run.stats.get("by") or {}).get(by)]
    drawn = [by for by in groups if by not in ("symbol", "phase")]
    folded = [replace(tables.group_table(run, by), folded=True) for by in groups] or [
        tables.group_table(run, "tag")
    ]
    return [
        _pair(figures.path_figure(run), figures.ladder_figure(run)),
        _pair(figures.waterfall_figure(run), figures.costs_figure(run)),
        Block(known_items(replace(tables.waterfall_table(run), folded=True))),
        _pair(*(figures.group_figure(run, by) for by in drawn)),
        Block(known_items(*folded)),
        Block(known_items(figures.excursion_figure(run))),
    ]


def _data(run: Run) -> list[Block]:
    audited = run.manifest.get("price_audit")
    blocks = [
        Block(known_items(tables.outcome_table(run), tables.lapsed_grid(run))),
        Block(known_items(tables.warnings_grid(run), tables.skipped_grid(run))),
    ]
    if audited:
        grids = (tables.findings_grid(run), tables.disagreements_grid(run), tables.coverage_grid(run))
        blocks.append(Block(known_items(*grids), lines=price_lines(run)))
    return blocks


def _trades(run: Run) -> list[Block]:
    return [
        Block(known_items(tables.events_grid(run))),
        Block(known_items(tables.trades_grid(run))),
        Block(known_items(tables.waterfall_grid(run))),
    ]


def _made(run: Run) -> list[Block]:
    listing = Listing(
        titled(run, "The experiment, every default written out"),
        visible(without_roots(run.experiment, run.folder)),
    )
    return [Block([tables.manifest_table(run), listing])]
