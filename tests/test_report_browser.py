"""The report in a browser: figures are drawn, tables work, hostile text does nothing, nothing is loaded."""

import base64
import dataclasses
import hashlib
import html
import json
import re
import runpy
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aftershock.reports.html import render
from aftershock.reports.words import percent

_made = runpy.run_path(str(Path(__file__).parent / "factories" / "runs.py"))
make_run, empty_run = _made["make_run"], _made["empty_run"]

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--virtual-time-budget=20000",
    "--dump-dom",
)
DARK = "--blink-settings=preferredColorScheme=0"
HOSTILE = "</script><script>hacked=1</script><!-- \"q\" 'q' & <img src=x onerror=hacked=1> \u2028 end"

WATCH = """
window.seen = { errors: [], violations: [] };
addEventListener("error", (event) => seen.errors.push(String(event.message)));
addEventListener("securitypolicyviolation", (event) => seen.violations.push(event.effectiveDirective));
"""
PROBE = """
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const texts = (selector, root = document) => all(selector, root).map((element) => element.textContent);
const drawn = () => all(".plot").every((plot) => plot.querySelector("svg.main-svg"));
const tell = () => {
  if (!drawn()) return setTimeout(tell, 50);
  let told = null;
  try {
    told = (() => { %s })();
  } catch (error) {
    seen.errors.push(String(error));
  }
  const resources = performance.getEntriesByType("resource").map((entry) => entry.name);
  const hacked = window.hacked !== undefined;
  const place = document.createElement("pre");
  place.id = "told";
  place.textContent = JSON.stringify({ told, hacked, resources, ...seen });
  document.body.append(place);
};
addEventListener("load", tell);
"""

Browse = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def browse(tmp_path_factory: pytest.TempPathFactory) -> Browse:
    """Open a page, run a script in it once all is drawn, and give what the script returned."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        missing = "there is no chromium on this machine"
        pytest.skip(missing)

    def opened(page: str, script: str, *flags: str) -> dict[str, Any]:
        folder = tmp_path_factory.mktemp("browser")
        path = folder / "report.html"
        path.write_text(_watched(page, script), encoding="utf-8")
        command = [chromium, *FLAGS, f"--user-data-dir={folder / 'profile'}", *flags, path.as_uri()]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=True)
        found = re.search(r'<pre id="told">(.*?)</pre>', done.stdout, re.DOTALL)
        assert found, f"the page told nothing: {done.stdout[-300:]} {done.stderr[-600:]}"
        seen = json.loads(html.unescape(found[1]))
        assert seen["errors"] == []
        return seen

    return opened


def _watched(page: str, script: str) -> str:
    """Let two scripts of the test into a page: its policy lets in only what it names."""
    watch, probe = WATCH, PROBE % script
    named = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in (watch, probe)
    )
    page = page.replace("script-src ", f"script-src {named} ", 1)
    page = page.replace('<meta name="viewport"', f'<script>{watch}</script><meta name="viewport"', 1)
    return page.replace("</body>", f"<script>{probe}</script></body>", 1)


@pytest.fixture(scope="module")
def run() -> Any:
    return make_run(events=40, days=500, simulated=True, headline=HOSTILE)


@pytest.fixture(scope="module")
def page(run: Any) -> str:
    return render([run])


def test_figures_are_drawn_and_nothing_goes_wrong(browse: Browse, page: str) -> None:
    seen = browse(page, "return texts('.plot .gtitle');", "--window-size=1280,2000")
    assert len(seen["told"]) == 7
    assert all(title.startswith("SIMULATED · ") for title in seen["told"])
    assert (seen["violations"], seen["resources"]) == ([], [])


def test_hostile_headline_is_shown_as_text(browse: Browse, page: str) -> None:
    seen = browse(
        page,
        """return { shown: texts("#run-1-events-table td.prose").filter((text) => text.includes("hacked")),
                    images: all("img").length };""",
    )
    assert seen["told"] == {"shown": [HOSTILE], "images": 0}
    assert seen["hacked"] is False


def test_the_policy_stops_what_escaping_would_miss(browse: Browse, page: str) -> None:
    attack = (
        "<script>hacked=1</script><img src=https://example.org/x onerror=hacked=1><p onclick=hacked=1></p>"
    )
    seen = browse(page.replace("</main>", attack + "</main>", 1), "all('main > p').at(-1).click();")
    assert seen["hacked"] is False
    assert {"script-src-elem", "img-src", "script-src-attr"} <= set(seen["violations"])


def test_long_tables_turn_sort_and_search(browse: Browse, page: str, run: Any) -> None:
    seen = browse(
        page,
        """
        const root = document.querySelector("#run-1-trades-table");
        const column = (place) => all("tbody tr", root).map((row) => row.cells[place].textContent);
        const state = () => ({ rows: all("tbody tr", root).length, where: root.querySelector(".pager span").textContent,
          status: root.querySelector("output").textContent, first: column(0)[0] });
        const [back, next] = all(".pager button", root);
        const heads = all("thead th", root);
        const place = heads.findIndex((head) => head.textContent === "Net return");
        const first = state();
        next.click();
        const second = state();
        heads[place].querySelector("button").click();
        const rising = [column(place), heads[place].getAttribute("aria-sort"), back.disabled];
        heads[place].querySelector("button").click();
        const falling = [column(place), heads[place].getAttribute("aria-sort"), all("[aria-sort]", root).length];
        const input = root.querySelector("input");
        input.value = "0700.hk SHORT";
        input.dispatchEvent(new Event("input"));
        const found = [state(), [...new Set(column(0))], [...new Set(column(1))]];
        input.value = "no such thing";
        input.dispatchEvent(new Event("input"));
        return { first, second, rising, falling, found, nothing: texts("tbody", root) };
        """,
    )
    told, trades = seen["told"], run.trades
    count, returns = len(trades), sorted(trades["return"])
    short = trades[(trades["symbol"] == "0700.HK") & (trades["side"] < 0)]
    assert told["first"]["rows"] == 25
    assert told["first"]["where"] == f"Rows 1 to 25 of {count}"
    assert told["first"]["status"] == f"{count} trades"
    assert told["second"]["where"] == f"Rows 26 to 50 of {count}"
    assert told["rising"] == [[percent(value) for value in returns[:25]], "ascending", True]
    assert told["falling"] == [[percent(value) for value in returns[:-26:-1]], "descending", 1]
    assert told["found"][0]["status"] == f"{len(short)} of {count} trades"
    assert told["found"][1:] == [["0700.HK"], ["short"]]
    assert told["nothing"] == ["Nothing matches the search."]


def test_severities_sort_by_how_grave_they_are(browse: Browse, run: Any) -> None:
    warned = [{"area": "prices", "severity": severity} for severity in ("info", "warning", "error", "info")]
    text = render([dataclasses.replace(run, manifest=run.manifest | {"warnings": warned})])
    seen = browse(
        text, 'return texts("tbody td:first-child", document.querySelector("#run-1-warnings-table"));'
    )
    assert seen["told"] == ["error", "warning", "info", "info"]


def test_an_event_opens_to_its_trades(browse: Browse, page: str, run: Any) -> None:
    seen = browse(
        page,
        """
        const root = document.querySelector("#run-1-events-table");
        const button = root.querySelector("button.open");
        const before = [button.getAttribute("aria-expanded"), all("tr.detail", root).length];
        button.click();
        const inner = root.querySelector("tr.detail table");
        const symbols = texts("tbody td:first-child", inner);
        const after = [button.getAttribute("aria-expanded"), texts("caption", inner)[0], symbols];
        const sort = root.querySelector("thead th button");
        sort.click();
        const away = all("tr.detail", root).length;
        sort.click();
        const kept = all("tr.detail", root).length;
        root.querySelector("button.open[aria-expanded=true]").click();
        const closed = all("tr.detail", root).length;
        return { before, after, away, kept, closed, label: button.getAttribute("aria-label") };
        """,
    )
    symbols = run.audit.loc[run.audit["event_id"] == "e0000", "symbol"].tolist()
    told = seen["told"]
    assert told["before"] == ["false", 0]
    assert told["after"] == ["true", "SIMULATED · Signals of the event, with their trades", symbols]
    assert (told["away"], told["kept"], told["closed"]) == (0, 1, 0)
    assert told["label"] == "Signals and trades of event e0000"


def test_the_undefined_come_last_and_are_dashes(browse: Browse, run: Any) -> None:
    trades = run.trades.copy()
    trades.loc[trades.index[::2], "mae"] = float("nan")
    seen = browse(
        render([dataclasses.replace(run, trades=trades.head(20))]),
        """
        const root = document.querySelector("#run-1-trades-table");
        const head = all("thead th", root).find((head) => head.textContent === "Worst");
        const column = () => all("tbody tr", root).map((row) => row.cells[head.cellIndex].textContent);
        head.querySelector("button").click();
        const rising = column();
        head.querySelector("button").click();
        return { rising, falling: column(), title: root.querySelector("td span").title };
        """,
    )
    for way in ("rising", "falling"):
        dashes = [text == "–" for text in seen["told"][way]]
        assert dashes == [False] * 10 + [True] * 10
    assert seen["told"]["title"] == "undefined"


def test_links_open_only_what_is_http(browse: Browse, run: Any) -> None:
    sources = ["javascript:hacked=1", "HTTPS://www.example.org/a", "Reuters", "data:text/html,x", "//x.org"]
    events = run.events.head(5).assign(source=sources)
    seen = browse(
        render([dataclasses.replace(run, events=events)]),
        "return all('#run-1-events-table td.link a').map((a) => [a.href, a.rel, a.textContent]);",
    )
    assert seen["told"] == [["https://www.example.org/a", "noopener noreferrer", "example.org"]]


@pytest.mark.parametrize(("flags", "colour"), [((), "rgb(0, 114, 178)"), ((DARK,), "rgb(86, 180, 233)")])
def test_figures_take_the_colours_of_the_page(
    browse: Browse, page: str, flags: tuple[str, ...], colour: str
) -> None:
    seen = browse(
        page,
        """
        const line = document.querySelector(".plot .scatterlayer .js-line");
        const title = document.querySelector(".plot .gtitle");
        return [getComputedStyle(line).stroke, getComputedStyle(title).fill === getComputedStyle(document.body).color];
        """,
        *flags,
    )
    assert seen["told"] == [colour, True]


@pytest.mark.parametrize("width", [500, 1000, 1440])
def test_the_page_is_never_wider_than_the_window(browse: Browse, page: str, width: int) -> None:
    seen = browse(
        page,
        """
        const root = document.documentElement;
        const width = (plot) => plot.querySelector("svg").getBoundingClientRect().width;
        const wide = all(".plot").filter((plot) => width(plot) > plot.clientWidth + 1);
        return [root.scrollWidth - root.clientWidth, wide.length];
        """,
        f"--window-size={width},1200",
    )
    assert seen["told"] == [0, 0]


def test_everything_pressed_has_a_name(browse: Browse, page: str) -> None:
    seen = browse(
        page,
        """
        const label = (element) => element.getAttribute("aria-label") || element.labels?.length;
        const nameless = (element) => !element.textContent.trim() && !label(element);
        const pressed = all("button, input, select");
        const uncaptioned = all("table").filter((table) => !table.caption).length;
        const unscoped = all("th:not([scope])").length;
        return { pressed: pressed.length, nameless: pressed.filter(nameless).length, unscoped, uncaptioned };
        """,
    )
    assert seen["told"]["pressed"] > 50
    assert {key: seen["told"][key] for key in ("nameless", "unscoped", "uncaptioned")} == {
        "nameless": 0,
        "unscoped": 0,
        "uncaptioned": 0,
    }


def test_two_runs_and_a_run_of_nothing_go_without_errors(browse: Browse, run: Any) -> None:
    for runs, tables in (([run, make_run()], 10), ([empty_run()], 0)):
        seen = browse(render(runs), "return all('.grid thead').length;")
        assert seen["told"] == tables
        assert (seen["violations"], seen["resources"]) == ([], [])
