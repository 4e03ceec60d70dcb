"""What the documents say is so."""

import doctest
import re
from dataclasses import asdict
from pathlib import Path

import pytest
import typer

from aftershock import cli, cli_prices
from aftershock.data.events import describe_schema
from aftershock.data.prices.simulated import EFFECTS, MODEL, TRUTH
from aftershock.data.prices.yahoo import REACH
from aftershock.data.settings import Settings
from aftershock.experiment import SECTIONS, read_experiment
from aftershock.strategies.reaction import Reaction


def test_every_column_of_events_is_described(root: Path) -> None:
    text = (root / "docs/events.md").read_text(encoding="utf-8")
    for row in describe_schema().itertuples():
        required = "yes" if row.required else ""
        assert f"| `{row.column}` | {row.kind} | {required} | {row.sentence} |" in text


def documented(root: Path) -> str:
    (block,) = re.findall(r"```toml\n(.*?)```", (root / "docs/experiment.md").read_text("utf-8"), re.DOTALL)
    return str(block)


def test_the_documented_experiment_is_one(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "documented.toml"
    path.write_text(documented(root), encoding="utf-8")
    assert read_experiment(path).strategy.tag == ("chip",)


@pytest.mark.parametrize("section", [*(name for name in SECTIONS if name != "venues"), "strategy"])
def test_every_key_is_documented(root: Path, section: str) -> None:
    model: type[Settings] = SECTIONS.get(section, Reaction)
    (body,) = re.findall(rf"^\[{section}\]\n(.*?)(?=^\[|\Z)", documented(root), re.DOTALL | re.MULTILINE)
    # What another choice needs and the one shown forbids stands behind a mark.
    keys = set(re.findall(r"^(?:# )?(\w+) =", body, re.MULTILINE)) - {"kind", "class"}
    wanted = set(model.keys()) - ({"universe"} if section == "strategy" else set())
    assert keys == wanted


def test_links_lead_somewhere(root: Path) -> None:
    pages = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").glob("*.md"))]
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def pages_with_examples(root: Path) -> list[Path]:
    return [path for path in sorted((root / "docs").glob("*.md")) if "\n>>> " in path.read_text("utf-8")]


def test_the_examples_of_the_pages_print_what_they_say(root: Path) -> None:
    pages = pages_with_examples(root)
    assert "simulated.md" in [path.name for path in pages]
    for path in pages:
        done = doctest.testfile(str(path), module_relative=False, encoding="utf-8")
        assert (done.failed, done.attempted > 0) == (0, True), path.name


def cells(text: str, columns: int) -> list[tuple[str, ...]]:
    """The rows of all tables of a page that have so many columns, without backquotes."""
    rows = [
        tuple(cell.strip(" `") for cell in line.split("|")[1:-1])
        for line in text.splitlines()
        if line[:1] == "|"
    ]
    return [row for row in rows if len(row) == columns and set(row[0]) != set("-")]


def test_the_simulated_market_is_described_as_it_is(root: Path) -> None:
    text = (root / "docs/simulated.md").read_text("utf-8")
    values = {name: value for name, value, _ in cells(text, 3)[1:]}
    shown = {
        name: f"{v[0]} to {v[1]}" if isinstance(v, tuple) else str(v) for name, v in asdict(MODEL).items()
    }
    assert values == shown
    assert tuple(name for name, _ in cells(text, 2)[1:]) == TRUTH
    planted = {(tag, way): sizes for tag, way, *sizes in cells(text, 5)[1:]}
    assert planted == {
        way: [str(size) for size in asdict(effect).values()] for way, effect in EFFECTS.items()
    }


def verbs(app: typer.Typer) -> set[str]:
    commands = {one.name or getattr(one.callback, "__name__", "") for one in app.registered_commands}
    return commands | {str(group.name) for group in app.registered_groups}


def test_every_verb_is_in_the_readme(root: Path) -> None:
    shown = set(re.findall(r"aftershock ([\w-]+)", (root / "README.md").read_text("utf-8")))
    assert verbs(cli.app) - shown == {"demo"}  # by way of make
    of_prices = set(re.findall(r"aftershock prices (\w+)", (root / "README.md").read_text("utf-8")))
    assert of_prices == verbs(cli_prices.app)


def test_prices_are_described_as_they_are(root: Path) -> None:
    text = (root / "docs/prices.md").read_text("utf-8")
    table = [row for row in cells(text, 3) if row[0].startswith("aftershock prices ")]
    assert {row[0].split()[-1] for row in table} == verbs(cli_prices.app)
    for days in set(REACH.values()):
        known = sorted((key for key, reach in REACH.items() if reach == days), key=lambda key: int(key[:-1]))
        assert re.search(rf"`{', '.join(known)}`\s+for\s+{days}\b", text)


def test_the_example_is_an_experiment(root: Path) -> None:
    for path in sorted((root / "examples").glob("*.toml")):
        assert read_experiment(path).strategy.hold >= 0


@pytest.mark.shared
def test_the_note_on_the_catalogue_says_what_the_example_finds(root: Path, shared: Path) -> None:
    from study_note import tables

    text = (root / "docs/studies.md").read_text("utf-8")
    for key, body in tables(root / "examples/study.toml").items():
        assert f"|\n{body}<!-- {key} -->" in text, key
