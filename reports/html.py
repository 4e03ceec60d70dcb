"""Runs in, one HTML file out: it opens anywhere, without a network, and shows news text as text."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import TYPE_CHECKING, Any, ClassVar

from aftershock.data.errors import InputError, Problem
from aftershock.data.tables import write_text
from aftershock.reports import figures, tables
from aftershock.reports.figures import Drawing
from aftershock.reports.run import Run
from aftershock.reports.tables import Cell, Grid, Table
from aftershock.reports.words import SIMULATED, Measure, caveats, facts, findings, price_lines, titled, word

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
"""Nothing is loaded, and only the scripts of the report itself run: they are named by their hashes."""


FOLDED = ("side", "phase", "symbol")
"""Groupings whose table is folded away and that have no figure."""


@dataclass(frozen=True)
class Listing:
    """A text shown as it is."""

    form: ClassVar[str] = "listing"
    caption: str
    text: str


@dataclass(frozen=True)
class Part:
    """A headed part of a section: sentences, then figures and tables."""

    key: str
    heading: str
    items: Sequence[Table | Grid | Drawing | Listing]
    lines: Sequence[str] = field(default=())


@dataclass(frozen=True)
class Section:
    """What the page says about one run."""

    key: str
    name: str
    run: Run
    parts: Sequence[Part]

    @property
    def facts(self) -> dict[str, str]:
        """What was run."""
        return facts(self.run)

    @property
    def findings(self) -> list[str]:
        """What came out."""
        return findings(self.run)

    @property
    def caveats(self) -> list[str]:
        """What has to be known before it is believed."""
        return caveats(self.run)

    @property
    def tiles(self) -> list[tuple[Measure, Cell]]:
        """The key figures."""
        return tables.tiles(self.run)

    @property
    def figures(self) -> Table:
        """All figures."""
        return tables.figures_table(self.run)


def render(runs: Sequence[Run]) -> str:
    """Write runs as one self-contained HTML page: a section for each, and a comparison where there are several.

    Parameters
    ----------
    runs : sequence of Run
        At least one; the same runs give the same text.

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
    names = [word(run.manifest.get("name")) or "run" for run in runs]
    if len(runs) > 1:
        names = [f"{place}. {name}" for place, name in enumerate(names, 1)]
    sections = [
        Section(f"run-{place}", name, run, _parts(run))
        for place, (run, name) in enumerate(zip(runs, names, strict=True), 1)
    ]
    comparison = _comparison(runs, names) if len(runs) > 1 else []
    scripts = _scripts(any(_draws(part) for section in sections for part in section.parts))
    text = (
        _environment()
        .get_template("template.html")
        .render(
            simulated=[section.name for section in sections if section.run.simulated],
            mark=SIMULATED,
            sections=sections,
            comparison=comparison,
            policy=POLICY.format(scripts=" ".join(map(_hash, scripts)) or "'none'"),
            scripts=scripts,
            style=_asset("report.css"),
            palette=figures.DARK,
            version=word(runs[0].manifest.get("aftershock")),
            made=word(runs[0].manifest.get("created_at")),
        )
    )
    # Half a surrogate pair, as damaged text has it, cannot be written as UTF-8.
    return text.encode("utf-8", "replace").decode("utf-8")


def write_report(runs: Sequence[Run], path: str | os.PathLike[str]) -> None:
    """Write runs as one HTML file, beside its place and then renamed into it.

    Parameters
    ----------
    runs : sequence of Run
        At least one.
    path : path
        Where to; what stood there is replaced.

    Raises
    ------
    InputError
        There is no run, or the place cannot be written.
    """
    write_text(render(runs), path)


def _parts(run: Run) -> list[Part]:
    return [
        Part(
            "equity", "Equity and drawdowns", _items(figures.equity_figure(run), tables.drawdown_table(run))
        ),
        Part("months", "Returns by month", _items(tables.monthly_table(run))),
        Part("groups", "Where the returns come from", _grouped(run)),
        Part("waterfall", "From the reaction to what was earned", _fallen(run)),
        *([_planted(run)] if run.simulated else []),
        Part(
            "signals",
            "What became of the signals",
            _items(tables.outcome_table(run), tables.beside_table(run)),
        ),
        Part("events", "Events", _items(tables.events_grid(run))),
        Part("trades", "Trades", _items(tables.trades_grid(run))),
        Part("data", "The data", _items(tables.warnings_grid(run), tables.skipped_grid(run))),
        *([_audited(run)] if run.manifest.get("price_audit") else []),
        Part("provenance", "How it was made", _provenance(run)),
    ]


def _items(*items: Table | Grid | Drawing | Listing | None) -> list[Table | Grid | Drawing | Listing]:
    return [item for item in items if item is not None]


def _grouped(run: Run) -> list[Table | Grid | Drawing | Listing]:
    given = [by for by in tables.GROUPS if (run.stats.get("by") or {}).get(by)]
    if not given:
        return [tables.group_table(run, "tag")]
    items = []
    for by in given:
        table = replace(tables.group_table(run, by), folded=by in FOLDED)
        items += _items(table, None if by in FOLDED else figures.group_figure(run, by))
    return items


def _fallen(run: Run) -> list[Table | Grid | Drawing | Listing]:
    return _items(figures.waterfall_figure(run), tables.waterfall_table(run), tables.waterfall_grid(run))


def _planted(run: Run) -> Part:
    line = "The simulated market plants a known reaction after each kind of event. A sound method finds it again."
    items = _items(tables.planted_table(run), figures.planted_figure(run))
    return Part("planted", "Planted against recovered", items, [line])


def _audited(run: Run) -> Part:
    grids = (tables.findings_grid(run), tables.disagreements_grid(run), tables.coverage_grid(run))
    return Part("prices", "The prices, looked over", _items(*grids), price_lines(run))


def _provenance(run: Run) -> list[Table | Grid | Drawing | Listing]:
    listing = Listing(titled(run, "The experiment, every default written out"), run.experiment)
    return [tables.manifest_table(run), listing]


def _comparison(runs: Sequence[Run], names: Sequence[str]) -> list[Table | Grid | Drawing | Listing]:
    return _items(tables.comparison_table(runs, names), figures.comparison_figure(runs, names))


def _draws(part: Part) -> bool:
    return any(isinstance(item, Drawing) for item in part.items)


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
    return environment


def embed(value: Any) -> Markup:
    r"""Write plain values as JSON that is safe inside a script element, whatever text they hold.

    Examples
    --------
    >>> print(embed({"headline": "</script><!-- & \u2028"}))
    {"headline":"\u003c/script\u003e\u003c!-- \u0026 \u2028"}
    """
    from markupsafe import Markup

    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for mark in "<>&":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return Markup(text)


def _scripts(drawn: bool) -> list[Markup]:
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    sources = [get_plotlyjs()] if drawn else []
    return [Markup(source.replace("</script", "<\\/script")) for source in [*sources, _asset("report.js")]]


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _asset(name: str) -> str:
    return resources.files("aftershock.reports").joinpath(name).read_text(encoding="utf-8")
