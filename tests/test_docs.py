"""What the documents say is so."""

import re
from pathlib import Path

import pytest

from aftershock.data.events import describe_schema
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


@pytest.mark.parametrize("section", [*SECTIONS, "strategy"])
def test_every_key_is_documented(root: Path, section: str) -> None:
    model: type[Settings] = SECTIONS.get(section, Reaction)
    (body,) = re.findall(rf"^\[{section}\]\n(.*?)(?=^\[|\Z)", documented(root), re.DOTALL | re.MULTILINE)
    keys = set(re.findall(r"^(\w+) =", body, re.MULTILINE)) - {"kind"}
    wanted = set(model.keys()) - ({"universe"} if section == "strategy" else set())
    assert keys == wanted


def test_links_lead_somewhere(root: Path) -> None:
    pages = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").glob("*.md"))]
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_example_is_an_experiment(root: Path) -> None:
    for path in sorted((root / "examples").glob("*.toml")):
        assert read_experiment(path).strategy.hold >= 0
