"""A study in, one HTML file out, in the order in which a reader asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from aftershock.reports import study_figures as figures
from aftershock.reports import study_tables as tables
from aftershock.reports.html import page
from aftershock.reports.pages import Block, Chapter, Listing, known_items, numbers_in
from aftershock.reports.study_run import StudyRun
from aftershock.reports.study_words import chips, facts, summary
from aftershock.reports.words import visible, word

ORDER = (
    "Effects and their bands come first; a p value says only how sure their sign is. The band of the decisive test and "
    "the band by event date differ where instruments differ in noise."
)


@dataclass(frozen=True)
class StudySection:
    """What the page says about a study."""

    run: StudyRun
    chapters: Sequence[Chapter]

    @property
    def name(self) -> str:
        """What it is called."""
        return word(self.run.manifest.get("name")) or "study"

    @property
    def facts(self) -> dict[str, str]:
        """What was studied."""
        return facts(self.run)

    @property
    def findings(self) -> list[str]:
        """What came out."""
        return summary(self.run)

    @property
    def chips(self) -> list[tuple[str, str]]:
        """What weighs on it most."""
        return chips(self.run)

    @property
    def caveats(self) -> list[str]:
        """What has to be known before it is believed."""
        return [word(line) for line in self.run.manifest.get("caveats") or []]


def study_chapters(run: StudyRun, *, brief: bool = False) -> list[Chapter]:
    """Put together what a page says of a study; ``brief`` leaves out what needs a script."""
    parts = list(dict.fromkeys(run.averages["part"]))
    sums = [(int(first), int(last)) for first, last in run.manifest["settings"]["cars"]]
    told = [
        Chapter("effect", "Is there a reaction?", "Reaction", _effect(run, parts), [ORDER]),
        Chapter("groups", "Where is it?", "Groups", _groups(run, parts, sums)),
        Chapter("tests", "What does every test say?", "Tests", _tests(run, parts, sums)),
        Chapter("others", "What else happened?", "Other events", _others(run, parts, sums, brief)),
    ]
    if brief:
        return told
    return [
        *told,
        Chapter(
            "left",
            "What is not in it?",
            "Not in it",
            [Block([tables.skipped_table(run), tables.skipped_grid(run)])],
        ),
        Chapter("rows", "Show me the events", "Events", [Block([tables.rows_grid(run)])]),
        Chapter("made", "How it was made", "Making", _made(run)),
    ]


def _effect(run: StudyRun, parts: Sequence[str]) -> list[Block]:
    drawn = [
        Block(known_items(figures.caar_figure(run, part), figures.aar_figure(run, part)), side_by_side=True)
        for part in parts
    ]
    return [*drawn, Block([tables.effects_table(run)])]


def _groups(run: StudyRun, parts: Sequence[str], sums: Sequence[tuple[int, int]]) -> list[Block]:
    drawn = [figures.groups_figure(run, part, *each) for part in parts for each in sums]
    return [Block(known_items(*drawn), side_by_side=True)]


def _tests(run: StudyRun, parts: Sequence[str], sums: Sequence[tuple[int, int]]) -> list[Block]:
    found = [tables.every_test_table(run, part, *each) for part in parts for each in sums]
    return [Block([found[0], *(replace(each, folded=True) for each in found[1:])])]


def _others(run: StudyRun, parts: Sequence[str], sums: Sequence[tuple[int, int]], brief: bool) -> list[Block]:
    drawn = [figures.treatment_figure(run, part, *each) for part in parts for each in sums]
    blocks = [Block(known_items(*drawn), side_by_side=True), Block([tables.treatments_table(run)])]
    return blocks if brief else [*blocks, Block([tables.confounded_grid(run)])]


def _made(run: StudyRun) -> list[Block]:
    listing = Listing(
        figures.titled(run, "The experiment, every default written out"), visible(run.experiment)
    )
    return [Block([tables.made_table(run), listing])]


def render_study(run: StudyRun, *, brief: bool = False) -> str:
    """Write a study as one self-contained HTML page; ``brief`` leaves out every script, as a notebook shows it."""
    section = StudySection(run, study_chapters(run, brief=brief))
    return page(
        "study.html",
        simulated=[section.name] if run.simulated else [],
        brief=brief,
        version=word(run.manifest.get("aftershock")),
        made=word(run.manifest.get("created_at")),
        section=section,
    )


def study_numbers(run: StudyRun) -> dict[str, Any]:
    """Give the numbers behind every figure of a study's page, by its name."""
    return numbers_in(study_chapters(run, brief=True))
