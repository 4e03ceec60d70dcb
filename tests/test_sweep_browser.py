"""The page of a sweep of 10,000 trials in a browser: figures, pickers, cells, sorting, theme, hostile names."""

import dataclasses
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aftershock as af
from aftershock.reports.sweep_page import render_sweep
from aftershock.reports.swept import Swept
from aftershock.reports.words import number, percent
from aftershock.sweep_report import swept_of
from aftershock.sweeps import Sweep

_chromium = runpy.run_path(str(Path(__file__).parent / "factories" / "chromium.py"))
browser, installed = _chromium["browser"], _chromium["installed"]

pytestmark = pytest.mark.skipif(installed() is None, reason="there is no chromium on this machine")

HOSTILE = (
    "{{ 7 * 7 }} ${hacked=1} \x07\x1b[31m javascript:hacked=1 "
    "</script><script>hacked=1</script><!-- \"q\" 'q' & <img src=x onerror=hacked=1> \u2028 end"
)
SHOWN = HOSTILE.replace("\x07", "␇").replace("\x1b", "␛")
LEVELS = [round(0.01 * step, 2) for step in range(1, 10)]
GRID = {
    "hold": range(1, 11),
    "stop": ["off", *LEVELS],
    "take": ["off", *LEVELS],
    "min_strength": [0, 10, 25, 30, 40],
    "stance": ["follow", "fade"],
}
PAINTED = (
    "performance.getEntriesByType('paint').find((entry) => entry.name === 'first-contentful-paint').startTime"
)
DRAWN = """
[...document.querySelectorAll("figure.drawing")].map((figure) => {
  const shapes = [...figure.querySelectorAll(".frame svg > *, .track .bar, table.cells td")];
  const seen = shapes.filter((one) => one.getBoundingClientRect().width + one.getBoundingClientRect().height > 0);
  return [figure.id.replace("sweep-figure-", ""), seen.length];
})
"""
PICK = """
((wanted) => {
  const figure = document.querySelector("#sweep-figure-heat");
  for (const label of figure.querySelectorAll(".pickers label")) {
    const name = label.firstChild.textContent;
    if (!(name in wanted)) continue;
    const select = label.querySelector("select");
    select.value = [...select.options].find((option) => option.textContent === wanted[name]).value;
    select.dispatchEvent(new Event("change"));
  }
  const table = figure.querySelector("table.cells");
  return {
    corner: table.querySelector(".corner").textContent,
    columns: [...table.querySelectorAll("thead th.numeric")].map((one) => one.textContent),
    rows: [...table.querySelectorAll("tbody th")].map((one) => one.textContent),
    cells: [...table.querySelectorAll("tbody tr")].map((row) => [...row.cells].slice(1).map((one) => one.textContent)),
    caption: figure.querySelector("figcaption").textContent,
    picked: [...figure.querySelectorAll("select")].map((one) => one.selectedOptions[0].textContent),
  };
})
"""
PRESS = """
((row, column) => {
  const figure = document.querySelector("#sweep-figure-heat");
  figure.querySelectorAll("table.cells tbody tr")[row].querySelectorAll("td")[column].querySelector("button").click();
  const panel = figure.querySelector(".trial");
  const texts = (one) => [...one.children].map((part) => part.textContent);
  const told = [...panel.querySelectorAll(".known > div")].map(texts);
  const facts = Object.fromEntries(told);
  return {
    title: panel.querySelector(".title").textContent,
    facts,
    lines: [...panel.querySelectorAll("path.line")].map((one) => one.getAttribute("d").length),
    pressed: figure.querySelectorAll("td [aria-pressed=true]").length,
    note: panel.querySelector(".note")?.textContent ?? null,
  };
})
"""


@pytest.fixture(scope="module")
def found() -> Sweep:
    events = af.load_events(["catalogue:fomc"]).between("2023-01-01T00:00Z", "2025-01-01T00:00Z")
    made = af.simulated_market(
        "asia-semis", start="2022-12-01", end="2024-12-31", seed=3, events=events.frame
    )
    return af.sweep(
        events, made.tape, af.Reaction(tag="fed"), GRID, portfolio=af.Portfolio(mode="account"), placebo=2, name="ten"
    )  # fmt: skip


@pytest.fixture(scope="module")
def swept(found: Sweep) -> Swept:
    return swept_of(found)


@pytest.fixture(scope="module")
def path(swept: Swept, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sweep") / "report.html"
    place.write_text(render_sweep(swept), encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def tab() -> Iterator[Any]:
    with browser() as opened:
        opened.show(1400, 1000)
        yield opened


@pytest.fixture
def page(tab: Any, path: Path) -> Iterator[Any]:
    tab.errors.clear()
    tab.requests.clear()
    tab.open(path)
    yield tab
    assert (tab.errors, tab.requests) == ([], [])


def test_ten_thousand_trials_make_a_small_page_that_paints_fast(page: Any, path: Path, found: Sweep) -> None:
    assert len(found) == 10_000
    assert path.stat().st_size < 3_000_000
    assert page.run(PAINTED) < 1_500
    drawn = dict(page.run(DRAWN))
    assert list(drawn) == [
        "placebo", "grid", "heat", "parallel", "effects", "slices", "neighbours", "growth", "dates",
    ]  # fmt: skip
    assert min(drawn.values()) > 3
    assert drawn["parallel"] > 240


def test_the_heat_map_shows_what_is_picked(page: Any, found: Sweep) -> None:
    wanted = {
        "Figure": "Total return",
        "Shows": "median of the cell",
        "Across": "take",
        "Down": "min_strength",
    }
    told = page.run(f"{PICK}({wanted})")
    assert told["corner"] == "min_strength ↓ take →"
    table = found.pivot("take", "min_strength", "total_return")
    assert told["columns"] == [f"{value:g}" if value != "off" else "off" for value in table.columns]
    assert told["rows"] == [f"{value:g}" for value in table.index]
    assert told["cells"] == [[percent(value, 1) for value in row] for row in table.to_numpy().tolist()]
    assert told["caption"].startswith(
        "Total return, median of the cell, by take and min_strength. Luck finds "
    )
    # Axes change places, and never stand for the same parameter.
    turned = page.run(f"{PICK}({wanted | {'Across': 'min_strength', 'Down': 'take'}})")
    assert np.array(turned["cells"]).T.tolist() == told["cells"]
    same = page.run(f"{PICK}({{Across: 'take'}})")
    assert same["picked"][2] == "take" and same["picked"][3] != "take"
    best = page.run(
        f"{PICK}({{Figure: 'Sharpe', Shows: 'best of the cell', Across: 'hold', Down: 'stance'}})"
    )
    assert best["cells"][0][0] == number(found.pivot("hold", "stance", "sharpe", "max").to_numpy()[0, 0])


def test_a_cell_opens_to_the_equity_of_its_best_trial(page: Any, found: Sweep, swept: Swept) -> None:
    page.run(f"{PICK}({{Figure: 'Sharpe', Across: 'hold', Down: 'stop'}})")
    told = page.run(f"{PRESS}(9, 3)")
    table = found.trials
    inside = table[(table["hold"] == 4) & table["stop"].isna() & (table["trades"] >= 10)]
    best = inside.sort_values("sharpe", ascending=False, kind="stable").iloc[0]
    assert told["title"] == f"SIMULATED · Trial {best['trial']}: the best Sharpe of the cell hold 4, stop off"
    assert told["facts"]["hold"] == "4" and told["facts"]["stop"] == "off"
    assert told["facts"]["Sharpe"] == number(best["sharpe"])
    assert told["facts"]["Total return"] == percent(best["total_return"])
    assert told["facts"]["Trades"] == f"{best['trades']:,}"
    assert told["pressed"] == 1 and min(told["lines"]) > 500 and told["note"] is None
    # The legend ends where the trial ended; a pointer and keys read the curve.
    ends = "document.querySelector('.trial .legend .key b').textContent"
    assert page.run(ends) == number(1 + best["total_return"])
    page.run("document.querySelector('.trial .chart').focus()")
    page.ask("Input.dispatchKeyEvent", type="keyDown", key="PageUp", code="PageUp", windowsVirtualKeyCode=33)
    assert page.run("document.querySelector('.trial .when').textContent").startswith("202")


def test_every_cell_of_every_pair_opens(page: Any, swept: Swept) -> None:
    told = page.run(
        """(() => {
          const figure = document.querySelector("#sweep-figure-heat");
          let [opened, without] = [0, 0];
          const selects = [...figure.querySelectorAll("select")];
          for (let at = 0; at < selects[0].options.length; at += 1) {
            selects[0].value = String(at);
            selects[0].dispatchEvent(new Event("change"));
            for (const button of figure.querySelectorAll("td button")) {
              button.click();
              opened += 1;
              without += figure.querySelectorAll(".trial .note").length;
            }
          }
          return { opened, without };
        })()"""
    )
    x, y = swept.pairs[0]
    assert told["opened"] == sum((swept.laid[(x, y)].trial[figure] >= 0).sum() for figure in swept.figures)
    assert told["without"] == 0


def test_lines_through_chosen_levels_stay(page: Any, swept: Swept) -> None:
    script = """
    ((wanted) => {
      const figure = document.querySelector("#sweep-figure-parallel");
      for (const label of figure.querySelectorAll(".pickers label")) {
        const select = label.querySelector("select");
        const name = wanted[label.firstChild.textContent] ?? "any";
        select.value = [...select.options].find((option) => option.textContent === name).value;
        select.dispatchEvent(new Event("change"));
      }
      const kept = [...figure.querySelectorAll("path.line:not(.off) title")].map((one) => one.textContent);
      return { kept, told: figure.querySelector("output").textContent };
    })
    """
    every = page.run(f"{script}({{}})")
    assert len(every["kept"]) == 240 and every["told"] == ""
    told = page.run(f"{script}({{stance: 'fade', hold: '3'}})")
    expected = [line for line in every["kept"] if "stance fade;" in line and "hold 3," in line]
    assert told["kept"] == expected and expected
    assert told["told"].startswith(f"{len(expected)} of the 240 drawn trials: Sharpe from ")


def test_trials_sort_and_search_and_the_theme_turns(page: Any, found: Sweep) -> None:
    told = page.run(
        """(() => {
          const table = document.querySelector("#sweep-trials-table");
          const heads = [...table.querySelectorAll("thead th")];
          const column = (name) => {
            const at = heads.findIndex((head) => head.textContent === name);
            return [...table.querySelectorAll("tbody tr")].map((row) => row.cells[at].textContent);
          };
          const first = column("Trial")[0];
          const begun = performance.now();
          const button = [...table.querySelectorAll("thead button")].find((one) => one.textContent === "Max drawdown");
          button.click();
          const deepest = [column("Trial")[0], column("Max drawdown")[0]];
          const seconds = performance.now() - begun;
          const input = table.querySelector("input");
          input.value = "fade";
          input.dispatchEvent(new Event("input"));
          const stances = [...new Set(column("stance"))];
          const counted = table.querySelector("output").textContent;
          document.getElementById("theme").click();
          const theme = document.documentElement.dataset.theme;
          localStorage.removeItem("aftershock-theme");
          return { first, deepest, seconds, stances, counted, theme };
        })()"""
    )
    best = found.best().iloc[0]
    assert told["first"] == str(best["trial"])
    worst = found.trials["max_drawdown"].min()
    assert told["deepest"][1] == percent(worst)
    assert found.trials["max_drawdown"].iloc[int(told["deepest"][0])] == pytest.approx(worst, rel=1e-5)
    assert told["seconds"] < 2_000
    assert (told["stances"], told["counted"], told["theme"]) == (["fade"], "5,000 of 10,000 trials", "light")


def test_the_page_says_what_the_tables_say(page: Any, found: Sweep) -> None:
    text = page.run("document.querySelector('.summary').textContent")
    best = found.best().iloc[0]
    assert f"the best of 10,000 trials has a Sharpe ratio of {number(best['sharpe'])}" in text
    assert f"the median trial has {number(found.trials['sharpe'].median())}" in text
    cards = page.run("[...document.querySelectorAll('.card strong')].map((one) => one.textContent)")
    assert cards[0] == percent(best["p_value"], 1)
    assert cards[2] == percent((found.trials["sharpe"].dropna() > 0).mean(), 0)
    first = page.run("document.querySelector('section table tbody tr').cells[0].textContent")
    assert first == str(best["trial"])


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1400])
def test_nothing_is_wider_than_a_phone_or_a_screen(tab: Any, path: Path, width: int, dark: bool) -> None:
    tab.show(width, 900, dark=dark)
    tab.open(path)
    tab.run(f"{PRESS}(0, 0)")
    assert tab.run("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    tab.show(1400, 1000)


def test_everything_pressed_has_a_name(page: Any) -> None:
    nameless = page.run(
        """[...document.querySelectorAll("button, input, select")].filter((one) =>
          !one.textContent.trim() && !one.getAttribute("aria-label") && !one.labels?.length).length"""
    )
    assert nameless == 0


def test_hostile_names_are_shown_as_text(tab: Any, swept: Swept, tmp_path: Path) -> None:
    trials = swept.trials.rename(columns={"hold": HOSTILE})
    trials["stance"] = trials["stance"].replace("fade", HOSTILE)
    labels = [HOSTILE if label == "hold" else label for label in swept.labels]
    told = dataclasses.replace(
        swept, name=HOSTILE, labels=labels, trials=trials, caveats=(HOSTILE,), experiment=HOSTILE, missing=HOSTILE,
        told={**swept.told, "Universe": HOSTILE}, version=HOSTILE,
    )  # fmt: skip
    place = tmp_path / "hostile.html"
    place.write_text(render_sweep(told), encoding="utf-8")
    tab.errors.clear()
    tab.open(place)
    tab.run(f"{PRESS}(0, 0)")
    picked = tab.run(
        "[...document.querySelectorAll('#sweep-figure-heat select option')].map((one) => one.textContent)"
    )
    assert SHOWN in picked
    assert SHOWN.split("</script>")[0] in tab.run("document.querySelector('.trial').textContent")
    assert SHOWN[:20] in tab.run("document.querySelector('#sweep-trials-table').textContent")
    assert tab.run(
        "window.hacked === undefined && document.querySelectorAll('img, main script:not([type])').length === 0"
    )
    assert (tab.errors, tab.requests) == ([], [])
