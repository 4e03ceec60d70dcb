"""Runs in, one HTML file out: it opens anywhere, without a network, and shows news text as text."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any

from aftershock.data.errors import InputError, Problem
from aftershock.reports import tables
from aftershock.reports.cards import Card, cards
from aftershock.reports.compare import comparison
from aftershock.reports.drawing import Drawing
from aftershock.reports.drill import store
from aftershock.reports.pages import Chapter, chapters, numbers_in
from aftershock.reports.payload import embed, pack
from aftershock.reports.run import Run
from aftershock.reports.tables import Cell, Table
from aftershock.reports.verdict import verdict
from aftershock.reports.words import SIMULATED, Measure, caveats, chips, facts, findings, word

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
"""Nothing is loaded, and only the script of the report itself runs: it is named by its hash."""


@dataclass(frozen=True)
class Section:
    """What the page says about one run."""

    key: str
    name: str
    run: Run
    chapters: Sequence[Chapter]

    @property
    def facts(self) -> dict[str, str]:
        """What was run."""
        return facts(self.run)

    @property
    def findings(self) -> list[str]:
        """What came out: first whether it worked and whether it was luck."""
        return [*verdict(self.run), *findings(self.run)]

    @property
    def chips(self) -> list[tuple[str, str]]:
        """What weighs on it most, in a few words each."""
        return chips(self.run)

    @property
    def caveats(self) -> list[str]:
        """What has to be known before it is believed."""
        return caveats(self.run)

    @property
    def cards(self) -> list[Card]:
        """The five questions."""
        return cards(self.run)

    @property
    def tiles(self) -> list[tuple[Measure, Cell]]:
        """The key figures."""
        return tables.tiles(self.run)

    @property
    def figures(self) -> Table:
        """All figures."""
        return tables.figures_table(self.run)

    @property
    def store(self) -> dict[str, Any]:
        """What events open to."""
        return store(self.run)


def render(runs: Sequence[Run], *, whole: bool = True, brief: bool = False) -> str:
    """Write runs as one self-contained HTML page: a section for each, and a comparison where there are several.

    Parameters
    ----------
    runs : sequence of Run
        At least one; the same runs give the same text.
    whole : bool
        Whether several runs have their own sections beneath the comparison.
    brief : bool
        Leave out events, trades and every script: what a notebook shows.

    Returns
    -------
    str
        HTML that loads nothing and runs no script but its own.

    Raises
    ------
    InputError
        There is no run.
    """
    if not runs:
        raise InputError(Problem("at least one run", "none", "give the folder of a run"))
    names = names_of(runs)
    sections = [
        Section(f"run-{place}", name, run, chapters(run, brief=brief))
        for place, (run, name) in enumerate(zip(runs, names, strict=True), 1)
    ]
    return page(
        "template.html",
        simulated=[section.name for section in sections if section.run.simulated],
        brief=brief,
        version=word(runs[0].manifest.get("aftershock")),
        sections=sections,
        comparison=comparison(runs, names) if len(runs) > 1 else [],
        whole=whole or len(runs) == 1,
        made=word(runs[0].manifest.get("created_at")),
    )


def page(
    template: str,
    *,
    simulated: Sequence[str],
    brief: bool,
    version: str,
    extra: Sequence[str] = (),
    **told: Any,
) -> str:
    """Fill a template that extends ``page.html``: the head, its policy, the banner, the script are those of every page.

    Parameters
    ----------
    template : str
        A file beside this one.
    simulated : sequence of str
        What of the page is made of simulated prices.
    brief : bool
        Leave out every script.
    version : str
        Of the package that made what is shown.
    extra : sequence of str
        Scripts beside that of every page.
    **told
        What the template shows.
    """
    scripts = [] if brief else [_script(name) for name in (*extra, "report.js")]
    text = (
        _environment()
        .get_template(template)
        .render(
            simulated=simulated,
            mark=SIMULATED,
            brief=brief,
            policy=POLICY.format(scripts=" ".join(map(_hash, scripts)) or "'none'"),
            scripts=scripts,
            style=_asset("report.css"),
            version=version,
            **told,
        )
    )
    # Half a surrogate pair, as damaged text has it, cannot be written as UTF-8.
    return text.encode("utf-8", "replace").decode("utf-8")


def names_of(runs: Sequence[Run]) -> list[str]:
    """Name runs on a page: several are numbered."""
    names = [word(run.manifest.get("name")) or "run" for run in runs]
    return [f"{place}. {name}" for place, name in enumerate(names, 1)] if len(runs) > 1 else names


def numbers(run: Run) -> dict[str, Any]:
    """Give the numbers behind every figure of a run's report, by its name, and the answers to the questions."""
    asked = {key: run.stats.get(key) or {} for key in ("headline", "questions")}
    return asked | numbers_in(chapters(run, brief=True))


def in_frame(title: str, text: str) -> str:
    """Put a page into a frame that keeps to itself: nothing in it runs, and no style leaks out of it."""
    held, named = escape(text, quote=True), escape(title, quote=True)
    style = "width:100%;height:46rem;border:1px solid #d9d6ce"
    return f'<iframe sandbox title="{named}" style="{style}" srcdoc="{held}"></iframe>'


def alone(drawing: Drawing) -> str:
    """Put one figure into a frame of its own: what a notebook shows of it."""
    marked = [drawing.title] if drawing.title.startswith(SIMULATED) else []
    text = page("figure.html", simulated=marked, brief=True, version="", name=drawing.title, drawing=drawing)
    return in_frame(drawing.title, text)


def _environment() -> Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_asset),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["embed"] = embed
    environment.filters["pack"] = pack
    return environment


def _script(name: str) -> Markup:
    from markupsafe import Markup

    return Markup(_asset(name).replace("</script", "<\\/script"))


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _asset(name: str) -> str:
    return resources.files("aftershock.reports").joinpath(name).read_text(encoding="utf-8")
