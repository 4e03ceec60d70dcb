"""Reports in real time: how fast they paint, how large they are, that they ask for nothing, what can be pressed."""

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aftershock as af
from aftershock.comparison import compare
from aftershock.reports.html import render
from aftershock.reports.words import number, percent

FACTORIES = Path(__file__).parent / "factories"
_chromium = runpy.run_path(str(FACTORIES / "chromium.py"))
make_run = runpy.run_path(str(FACTORIES / "runs.py"))["make_run"]
browser, installed = _chromium["browser"], _chromium["installed"]

pytestmark = pytest.mark.skipif(installed() is None, reason="there is no chromium on this machine")

PAINTED = (
    "performance.getEntriesByType('paint').find((entry) => entry.name === 'first-contentful-paint').startTime"
)
DRAWN = """
[...document.querySelectorAll("figure.drawing")].map((figure) => {
  const shapes = [...figure.querySelectorAll(".frame svg > *, .track .bar, .whole i")];
  return shapes.filter((one) => one.getBoundingClientRect().width + one.getBoundingClientRect().height > 0).length;
})
"""
PRESSED = """
(() => {
  const table = document.querySelector("#run-1-trades-table");
  const press = (element) => { element.click(); return element; };
  const column = (name) => {
    const at = [...table.querySelectorAll("thead th")].findIndex((head) => head.textContent === name);
    return [...table.querySelectorAll("tbody tr")].map((row) => row.cells[at].textContent);
  };
  const begun = performance.now();
  press([...table.querySelectorAll("thead button")].find((button) => button.textContent === "Net P&L"));
  const sorted = performance.now() - begun;
  const input = table.querySelector("input");
  const symbol = column("Symbol")[0];
  input.value = symbol;
  input.dispatchEvent(new Event("input"));
  const found = [...new Set(column("Symbol"))];
  const searched = performance.now() - begun - sorted;
  press(table.querySelector("button.event"));
  const drill = document.querySelector(".drill");
  const candles = drill.querySelectorAll(".candles rect.body").length;
  press(document.getElementById("theme"));
  const select = document.querySelector("#run-1-figure-ladder select");
  select.value = select.options[select.options.length - 1].value;
  select.dispatchEvent(new Event("change"));
  const rungs = document.querySelectorAll("#run-1-figure-ladder .row").length;
  return { sorted, searched, symbol, found, candles, rungs, theme: document.documentElement.dataset.theme };
})()
"""


@pytest.fixture(scope="module")
def tab() -> Iterator[Any]:
    with browser() as opened:
        opened.show(1400, 1000)
        yield opened


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("aftershock.data.prices.yahoo.answers", lambda seconds: False)
        return af.demo().save(tmp_path_factory.mktemp("demo"))


def check(tab: Any, path: Path, most: int, figures: int) -> dict[str, Any]:
    """Open a report, hold it to its size and speed, press what can be pressed."""
    assert path.stat().st_size < most
    tab.errors.clear()
    tab.requests.clear()
    tab.open(path)
    assert tab.run(PAINTED) < 1_500
    shapes = tab.run(DRAWN)
    assert len(shapes) == figures and min(shapes) > 0
    told = tab.run(PRESSED)
    assert told["sorted"] < 2_000 and told["searched"] < 4_000
    assert told["found"] == [told["symbol"]]
    assert told["candles"] > 5 and told["rungs"] > 0
    assert told["theme"] == "light"
    tab.run("localStorage.removeItem('aftershock-theme')")
    assert (tab.errors, tab.requests) == ([], [])
    return told


def test_the_demo(tab: Any, demo: Path) -> None:
    check(tab, demo, 3_000_000, figures=20)


def test_the_page_shows_the_stats_of_the_run(tab: Any, demo: Path) -> None:
    """Read back from the page: the key figures, the questions, each group, held to stats.json and the tables."""
    run = af.load_run(demo.parent)
    tab.open(demo)
    told = tab.run(
        """(() => {
          const text = (root, name) => [...root.querySelectorAll(name)].map((one) => one.textContent);
          const pairs = (rows) => Object.fromEntries(rows);
          const figure = (id) => pairs([...document.querySelectorAll(`#run-1-figure-${id} .row:not(.scale)`)]
            .map((row) => text(row, ".name, .end")));
          return {
            tiles: pairs([...document.querySelectorAll(".tiles > div")].map((tile) => text(tile, "dt, dd"))),
            cards: text(document, ".card strong"),
            groups: pairs(["tag", "market", "weekday", "arrival"].map((by) => [by, figure(`by-${by}`)])),
            status: text(document, "#run-1-trades-table output")[0],
            sum: document.querySelector("#run-1-events-table output").textContent,
          };
        })()"""
    )
    head, asked = run.stats["headline"], run.stats["questions"]
    for key, label in (("sharpe", "Sharpe"), ("profit_factor", "Profit factor"), ("sortino", "Sortino")):
        assert told["tiles"][label] == number(head[key])
    assert told["tiles"]["Total return"] == percent(head["total_return"])
    assert told["tiles"]["Costs, USD"] == number(head["costs"], 0)
    assert told["cards"][0] == percent(asked["before_entry"]["share"], 0)
    assert told["cards"][1] == percent(asked["remaining"]["mean"])
    assert told["cards"][3] == number(asked["without_best"]["pnl_without"], 0)
    for by, shown in told["groups"].items():
        assert shown == {str(each[by]): percent(each["mean_return"]) for each in run.stats["by"][by]}
    assert told["status"] == f"{len(run.trades):,} trades"
    assert told["sum"] == f"{len(run.events):,} events"


@pytest.mark.shared
def test_the_example_on_real_prices(tab: Any, root: Path, shared: Path, tmp_path: Path) -> None:
    prices = [str(shared / "prices" / name) for name in ("stocks.parquet", "indices.parquet")]
    result = af.run_experiment(root / "examples/asia_events.toml", prices=prices)
    check(tab, result.save(tmp_path), 3_000_000, figures=19)
    asked = result.stats["questions"]["remaining"]
    assert asked["us_series"] == "SPX"
    assert f"(SPX, by betas fitted before) explains {percent(asked['us'])}" in tab.run(
        "document.body.textContent"
    )


def test_twenty_thousand_trades(tab: Any, tmp_path: Path) -> None:
    many = make_run(events=5_500, days=4_000)
    assert len(many.trades) > 20_000
    path = tmp_path / "many.html"
    path.write_text(render([many]), encoding="utf-8")
    check(tab, path, 8_000_000, figures=19)


def test_a_comparison(tab: Any, tmp_path: Path) -> None:
    path = compare([make_run(), make_run(seed=2, name="other")]).report(tmp_path / "c.html")
    tab.errors.clear()
    tab.open(path)
    assert tab.run("document.querySelectorAll('#comparison-apart-table tbody tr').length") > 0
    assert tab.run("document.querySelectorAll('#comparison-figure-growth path.line').length") == 2
    assert (tab.errors, tab.requests) == ([], [])


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1400])
def test_nothing_is_wider_than_a_phone_or_a_screen(tab: Any, demo: Path, width: int, dark: bool) -> None:
    tab.show(width, 900, dark=dark)
    tab.open(demo)
    tab.run("document.querySelector('#run-1-events-table button.open').click()")
    assert tab.run("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    paper = tab.run("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(21, 23, 26)" if dark else "rgb(255, 254, 251)")
    tab.show(1400, 1000)


def test_text_stands_out_from_its_ground(tab: Any, demo: Path) -> None:
    """Every colour of text has a contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3), light and dark."""
    script = """
    (() => {
      const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
      const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
        .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
      const ground = (element) => {
        for (let one = element; one; one = one.parentElement) {
          const colour = parts(getComputedStyle(one).backgroundColor);
          if (colour.length === 3 || colour[3] === 1) return colour;
        }
      };
      const names = ".summary p, .note, figcaption, dt, dd, .card *, .chips li, th, td, .end, .name, .yt, .contents a";
      const low = new Set();
      for (const element of document.querySelectorAll(names)) {
        if (!element.textContent.trim() || element.closest(".heat") || element.closest("svg")) continue;
        const [a, b] = [light(parts(getComputedStyle(element).color)), light(ground(element))].sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < 4.5) low.add(element.className + " " + element.tagName);
      }
      return [...low];
    })()
    """
    for dark in (False, True):
        tab.show(1400, 1000, dark=dark)
        tab.open(demo)
        assert tab.run(script) == []
    tab.show(1400, 1000)


ZOOM = "#run-1-figure-equity"
SHOWN = """
(() => {
  const figure = document.querySelector("#run-1-figure-equity");
  const texts = (found) => [...found].map((one) => one.textContent);
  return {
    dates: [...figure.querySelectorAll("input[type=date]")].map((one) => one.value),
    told: figure.querySelector("output.period").textContent,
    whole: figure.querySelector(".tools button").hidden,
    marks: [...figure.querySelectorAll(".xt")].map((one) => one.textContent),
    other: [...document.querySelectorAll("#run-1-figure-rolling .xt")].map((one) => one.textContent),
    ends: [...figure.querySelectorAll(".legend .key b")].map((one) => one.textContent),
    ticks: [...figure.querySelectorAll(".frame")].map((frame) => texts(frame.querySelectorAll(".yt"))),
  };
})()
"""


def key(tab: Any, name: str, code: int) -> None:
    tab.ask("Input.dispatchKeyEvent", type="keyDown", key=name, code=name, windowsVirtualKeyCode=code)
    tab.ask("Input.dispatchKeyEvent", type="keyUp", key=name, code=name, windowsVirtualKeyCode=code)


def test_a_period_is_chosen_by_dates_and_the_figures_beside_follow(tab: Any, demo: Path) -> None:
    run = af.load_run(demo.parent)
    tab.errors.clear()
    tab.open(demo)
    whole = tab.run(SHOWN)
    tab.run(
        f"""(() => {{
          const [since, until] = document.querySelectorAll("{ZOOM} input[type=date]");
          since.value = "2021-01-01";
          until.value = "2021-12-31";
          until.dispatchEvent(new Event("change"));
        }})()"""
    )
    seen = tab.run(SHOWN)
    day = run.equity["date"].astype(str).str[:10]
    inside = run.equity[(day >= "2021-01-01") & (day <= "2021-12-31")]
    assert seen["dates"] == [str(inside["date"].iloc[0])[:10], str(inside["date"].iloc[-1])[:10]]
    marks = inside["equity"].to_numpy()
    fell = (marks / np.maximum.accumulate(marks) - 1).min()
    told = f"this run {percent(marks[-1] / marks[0] - 1)}, deepest drawdown {percent(fell)}; buy and hold"
    assert f": {told}" in seen["told"]
    assert seen["ends"][0] == number(round(float(f"{marks[-1]:.6g}")), 0)
    assert all("2021" in mark or len(mark) == 3 for mark in seen["marks"]) and seen["other"] == seen["marks"]
    assert not seen["whole"]
    tab.run(f"document.querySelector('{ZOOM} .tools button').click()")
    back = tab.run(SHOWN)
    assert (back["dates"], back["told"], back["ends"], back["whole"]) == (
        whole["dates"],
        "",
        whole["ends"],
        True,
    )
    assert tab.errors == []


def test_a_period_is_dragged_or_taken_by_keys_and_escape_gives_all_back(tab: Any, demo: Path) -> None:
    tab.open(demo)
    tab.run(f"document.querySelector('{ZOOM}').scrollIntoView({{ block: 'center' }})")
    place = f"document.querySelector('{ZOOM} .frame').getBoundingClientRect()"
    box = tab.run(f"(({{ left, top, width }}) => [left, top, width])({place})")
    mouse = {"button": "left", "clickCount": 1, "y": box[1] + 40}
    tab.ask("Input.dispatchMouseEvent", type="mousePressed", x=box[0] + 0.25 * box[2], **mouse)
    tab.ask("Input.dispatchMouseEvent", type="mouseMoved", x=box[0] + 0.4 * box[2], buttons=1, **mouse)
    assert tab.run(f"[...document.querySelectorAll('{ZOOM} .chosen')].some((one) => !one.hidden)")
    tab.ask("Input.dispatchMouseEvent", type="mouseReleased", x=box[0] + 0.5 * box[2], **mouse)
    seen = tab.run(SHOWN)
    assert "2019" in seen["dates"][0] or "2020" in seen["dates"][0]
    assert "2021" in seen["dates"][1] or "2022" in seen["dates"][1]
    tab.run(f"document.querySelector('{ZOOM} .chart').focus()")
    key(tab, "Escape", 27)
    assert tab.run(SHOWN)["whole"]
    # By keys alone: to a mark, Enter, on to another, Enter.
    for name, code in (("PageUp", 33), ("Enter", 13), *[("PageUp", 33)] * 5, ("Enter", 13)):
        key(tab, name, code)
    seen = tab.run(SHOWN)
    assert not seen["whole"] and seen["told"].startswith(seen["dates"][0])
    key(tab, "Escape", 27)
    assert tab.run(SHOWN)["told"] == ""


def test_a_logarithmic_scale_is_for_equity_alone(tab: Any, demo: Path) -> None:
    tab.open(demo)
    before = tab.run(SHOWN)["ticks"]
    toggle = f"[...document.querySelectorAll('{ZOOM} .tools button')].find((one) => one.textContent === 'Log scale')"
    path = f"document.querySelector('{ZOOM} path.line').getAttribute('d')"
    was = tab.run(path)
    tab.run(f"{toggle}.click()")
    assert tab.run(f"{toggle}.getAttribute('aria-pressed')") == "true"
    after = tab.run(SHOWN)["ticks"]
    assert tab.run(path) != was and after[1] == before[1]
    tab.run(f"{toggle}.click()")
    assert tab.run(SHOWN)["ticks"] == before
