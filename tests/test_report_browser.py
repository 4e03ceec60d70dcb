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

from aftershock.engine.metrics import yearly_returns
from aftershock.reports.html import render
from aftershock.reports.words import number, percent

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
HOSTILE = (
    "{{ 7 * 7 }} ${hacked=1} \x07\x1b[31m javascript:hacked=1 "
    "</script><script>hacked=1</script><!-- \"q\" 'q' & <img src=x onerror=hacked=1> \u2028 end"
)
SHOWN = HOSTILE.replace("\x07", "␇").replace("\x1b", "␛")

WATCH = """
window.seen = { errors: [], violations: [] };
addEventListener("error", (event) => seen.errors.push(String(event.message)));
addEventListener("securitypolicyviolation", (event) => seen.violations.push(event.effectiveDirective));
"""
PROBE = """
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const texts = (selector, root = document) => all(selector, root).map((element) => element.textContent);
const tell = () => {
  if (document.documentElement.dataset.ready !== "yes") return setTimeout(tell, 50);
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
    seen = browse(
        page,
        """
        const shown = all("figure.drawing").map((figure) => {
          const shapes = all(".frame svg > *, .track .bar, .whole i", figure);
          const size = (one) => one.getBoundingClientRect().width + one.getBoundingClientRect().height;
          const seen = shapes.filter((one) => size(one) > 0);
          return [figure.querySelector(".title").textContent, seen.length];
        });
        const cards = all(".card").map((card) => all(".track .bar, .whole i, .frame svg > *", card).length);
        return { shown, cards };
        """,
        "--window-size=1280,2000",
    )
    assert len(seen["told"]["shown"]) == 20
    assert [title for title, shapes in seen["told"]["shown"] if not shapes] == []
    assert all(title.startswith("SIMULATED · ") for title, _ in seen["told"]["shown"])
    assert len(seen["told"]["cards"]) == 5 and min(seen["told"]["cards"]) > 0
    assert (seen["violations"], seen["resources"]) == ([], [])


def test_hostile_headline_is_shown_as_text(browse: Browse, page: str) -> None:
    seen = browse(
        page,
        """const open = document.querySelector("#run-1-events-table button.open");
           open.click();
           return { shown: texts("#run-1-events-table td.prose").filter((text) => text.includes("hacked")),
                    inside: texts(".drill .headline"), images: all("img").length };""",
    )
    assert seen["told"] == {"shown": [SHOWN], "inside": [SHOWN], "images": 0}
    assert seen["hacked"] is False


def test_hostile_names_and_symbols_are_shown_as_text(browse: Browse) -> None:
    """Whatever a file of events or prices can name is hostile here; the page would tell if anything of it ran."""
    made = make_run(
        events=20, name=HOSTILE, headline=HOSTILE, strategy=HOSTILE, caveats=[HOSTILE], currency=HOSTILE
    )
    named = {"event_id": lambda event: f"{event} {HOSTILE}", "symbol": lambda symbol: f"{symbol} {HOSTILE}"}
    tables = {}
    for name in ("events", "audit", "trades", "bars", "waterfall", "ladder"):
        table = getattr(made, name)
        tables[name] = table.assign(
            **{key: table[key].map(how) for key, how in named.items() if key in table}
        )
    tables["events"] = tables["events"].assign(source=HOSTILE, scope=HOSTILE, tagger=HOSTILE, tag=HOSTILE)
    by = {
        key: [record | {key: HOSTILE} for record in records]
        for key, records in made.stats["by"].items()
        if key != "side"
    }
    run = dataclasses.replace(made, experiment=HOSTILE, stats=made.stats | {"by": by}, **tables)
    seen = browse(
        render([run, run]),
        """
        all("#run-1-events-table button.open").slice(0, 3).forEach((button) => button.click());
        all(".drill button.event").slice(0, 5).forEach((button) => button.click());
        all("#run-1-trades-table button.event")[0].click();
        const count = (selector) => all(selector).length;
        return { cards: count(".drill .candles"), scripts: count("script:not([type])"), images: count("img") };
        """,
    )
    assert seen["told"]["cards"] > 0
    # The page's own script and the two of this test.
    assert (seen["told"]["scripts"], seen["told"]["images"]) == (3, 0)
    assert seen["hacked"] is False
    assert (seen["violations"], seen["resources"]) == ([], [])


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
        const after = [button.getAttribute("aria-expanded"), texts("caption", inner)[0], symbols.sort()];
        const picture = root.querySelector(".picture");
        const shown = () => [picture.querySelector(".title").textContent, all("rect.body", picture).length,
          all("path.dot", picture).length, all("path.level.stop", picture).length];
        const first = shown();
        const other = all(".drill button.event", root)[1];
        other.click();
        const second = shown();
        const told = picture.querySelector(".note").textContent;
        const known = texts(".known dt", root);
        const pressed = texts("button.event[aria-pressed=true]", root);
        const sort = root.querySelector("thead th button");
        sort.click();
        const away = all("tr.detail", root).length;
        sort.click();
        const kept = all("tr.detail", root).length;
        root.querySelector("button.open[aria-expanded=true]").click();
        const closed = all("tr.detail", root).length;
        return { before, after, away, kept, closed, label: button.getAttribute("aria-label"), first, second, known,
          pressed, chosen: other.textContent, told };
        """,
    )
    symbols = run.audit.loc[run.audit["event_id"] == "e0000", "symbol"].tolist()
    told = seen["told"]
    assert told["before"] == ["false", 0]
    assert told["after"] == ["true", "SIMULATED · Signals of the event, with their trades", sorted(symbols)]
    assert (told["away"], told["kept"], told["closed"]) == (0, 1, 0)
    assert told["label"] == "What is known of event e0000"
    # Five bars before, three of the hold, five after and the due bar; entry and exit; the stop of the experiment.
    assert told["first"][1:] == [14, 2, 1]
    assert told["second"][0].startswith(f"SIMULATED · {told['chosen']}")
    assert told["pressed"] == [told["chosen"]]
    assert {"Known by", "Precision", "Direction", "Kind of source"} <= set(told["known"])
    trade = run.trades[(run.trades["event_id"] == "e0000") & (run.trades["symbol"] == told["chosen"])].iloc[0]
    assert f"left by {trade['exit_kind']}" in told["told"]
    assert f"net {trade['pnl']:,.0f}".replace("-", "−") in told["told"]


def test_a_trade_leads_to_its_event(browse: Browse, page: str) -> None:
    seen = browse(
        page,
        """
        const link = document.querySelector("#run-1-trades-table button.event");
        link.click();
        const root = document.querySelector("#run-1-events-table");
        const open = root.querySelector("button.open[aria-expanded=true]");
        const ids = all("tr.detail", root).map((row) => row.previousElementSibling.lastElementChild.textContent);
        return { asked: link.textContent, ids, focused: document.activeElement === open };
        """,
    )
    assert seen["told"] == {"asked": seen["told"]["asked"], "ids": [seen["told"]["asked"]], "focused": True}


def test_times_are_the_venues_with_utc_beside(browse: Browse, page: str, run: Any) -> None:
    seen = browse(
        page,
        """
        const root = document.querySelector("#run-1-trades-table");
        const input = root.querySelector("input");
        input.value = "7203.T";
        input.dispatchEvent(new Event("input"));
        const head = all("thead th", root).find((head) => head.textContent === "Entry at");
        head.querySelector("button").click();
        const cell = root.querySelector("tbody tr").cells[head.cellIndex];
        return [cell.textContent, cell.title];
        """,
    )
    first = run.trades.loc[run.trades["symbol"] == "7203.T", "entry_at"].min()
    tokyo = first.tz_convert("Asia/Tokyo")
    assert seen["told"] == [f"{tokyo:%Y-%m-%d %H:%M}", f"{first:%Y-%m-%d %H:%M} UTC"]


def test_a_pointer_and_keys_read_the_equity(browse: Browse, page: str, run: Any) -> None:
    seen = browse(
        page,
        """
        const figure = document.querySelector("#run-1-figure-equity");
        const values = () => [figure.querySelector(".when").textContent, texts(".legend b", figure)[0]];
        const last = values();
        const chart = figure.querySelector(".chart");
        chart.focus();
        const press = (key) =>
          chart.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
        press("ArrowLeft");
        const before = values();
        const box = figure.querySelector(".frame").getBoundingClientRect();
        const move = new PointerEvent("pointermove", { clientX: box.left, bubbles: true });
        figure.querySelector(".panels").dispatchEvent(move);
        const first = values();
        press("Escape");
        return { last, before, first, left: values() };
        """,
    )
    equity = run.equity
    told = seen["told"]
    assert told["last"] == ["", f"{equity['equity'].iloc[-1]:,.0f}"]
    assert told["before"][0] == f"{equity['date'].iloc[-2]:%Y-%m-%d}"
    assert told["first"] == [f"{equity['date'].iloc[0]:%Y-%m-%d}", f"{equity['equity'].iloc[0]:,.0f}"]
    assert told["left"] == told["last"]


def test_the_theme_can_be_chosen(browse: Browse, page: str) -> None:
    seen = browse(
        page,
        """
        const button = document.getElementById("theme");
        const paper = () => [button.textContent, getComputedStyle(document.body).backgroundColor];
        const states = [paper()];
        for (let turn = 0; turn < 3; turn += 1) {
          button.click();
          states.push(paper());
        }
        return states;
        """,
    )
    light, dark = "rgb(255, 254, 251)", "rgb(21, 23, 26)"
    assert seen["told"] == [
        ["Theme: auto", light],
        ["Theme: light", light],
        ["Theme: dark", dark],
        ["Theme: auto", light],
    ]


def test_the_undefined_come_last_and_are_told(browse: Browse, run: Any) -> None:
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
        dashes = [text == "n/a" for text in seen["told"][way]]
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


@pytest.mark.parametrize(("flags", "colour"), [((), "rgb(10, 77, 128)"), ((DARK,), "rgb(108, 189, 240)")])
def test_figures_take_the_colours_of_the_page(
    browse: Browse, page: str, flags: tuple[str, ...], colour: str
) -> None:
    seen = browse(
        page,
        """
        const line = document.querySelector("#run-1-figure-equity path.line");
        const title = document.querySelector(".drawing .title");
        return [getComputedStyle(line).stroke, getComputedStyle(title).color === getComputedStyle(document.body).color];
        """,
        *flags,
    )
    assert seen["told"] == [colour, True]


@pytest.mark.parametrize("width", [400, 500, 1000, 1440])
def test_the_page_is_never_wider_than_the_window(browse: Browse, page: str, width: int) -> None:
    seen = browse(
        page,
        """
        document.querySelector("button.open").click();
        const root = document.documentElement;
        const right = (one) => one.getBoundingClientRect().right;
        const wide = all(".chart, .card, .drill").filter((one) => right(one) > root.clientWidth + 1);
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
    for runs, tables in (([run, make_run()], 13), ([empty_run()], 0)):
        seen = browse(render(runs), "return all('.grid thead').length;")
        assert seen["told"] == tables
        assert (seen["violations"], seen["resources"]) == ([], [])


def test_what_the_page_shows_is_what_the_run_holds(browse: Browse, run: Any) -> None:
    """Figures are read back from the page and held to the tables and to the figures of the run."""
    seen = browse(
        render([run]),
        """
        const tiles = Object.fromEntries(all(".tiles > div").map((tile) => texts("dt, dd", tile)));
        const rows = (id) =>
          Object.fromEntries(all(`#run-1-figure-${id} .row:not(.scale)`).map((row) => texts(".name, .end", row)));
        const root = document.querySelector("#run-1-trades-table");
        root.querySelector("select").value = "500";
        root.querySelector("select").dispatchEvent(new Event("change"));
        const heads = texts("thead th", root);
        const column = (name) => all("tbody tr", root).map((row) => row.cells[heads.indexOf(name)].textContent);
        return { tiles, tags: rows("by-tag"), costs: rows("costs"), cards: texts(".card strong"),
          returns: column("Net return"), symbols: column("Symbol"), years: rows("years") };
        """,
    )
    told, head = seen["told"], run.stats["headline"]
    assert told["tiles"]["Sharpe"] == number(head["sharpe"])
    assert told["tiles"]["Total return"] == percent(head["total_return"])
    assert told["tags"] == {each["tag"]: percent(each["mean_return"]) for each in run.stats["by"]["tag"]}
    costs = run.stats["costs"]
    assert told["costs"]["commission"].startswith(number(costs["commission"], 0))
    assert told["cards"][1] == percent(run.stats["questions"]["remaining"]["mean"])
    assert sorted(told["returns"]) == sorted(percent(value) for value in run.trades["return"])
    assert sorted(told["symbols"]) == sorted(run.trades["symbol"])
    years = yearly_returns(run.equity["equity"], run.equity["date"], head["start"])
    assert told["years"] == {str(year): percent(value) for year, value in years.items()}


def test_twenty_thousand_trades_open_and_sort(browse: Browse) -> None:
    many = make_run(events=5_500, days=4_000)
    assert len(many.trades) > 20_000
    text = render([many])
    assert len(text.encode()) < 8_000_000
    seen = browse(
        text,
        """
        const root = document.querySelector("#run-1-trades-table");
        const heads = all("thead th", root);
        const begun = performance.now();
        heads.find((head) => head.textContent === "Net P&L").querySelector("button").click();
        const sorted = performance.now() - begun;
        const input = root.querySelector("input");
        input.value = "e5";
        input.dispatchEvent(new Event("input"));
        const searched = performance.now() - begun - sorted;
        return { sorted, searched, status: root.querySelector("output").textContent };
        """,
    )
    told = seen["told"]
    assert told["status"].endswith(f" of {len(many.trades):,} trades")
    assert told["sorted"] < 2_000 and told["searched"] < 6_000
    assert (seen["violations"], seen["resources"]) == ([], [])
