"""The report: what it says, that it says SIMULATED, that hostile text stays text, that it loads nothing."""

import base64
import dataclasses
import datetime
import hashlib
import html
import json
import math
import re
import runpy
import time
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from aftershock.data.errors import InputError
from aftershock.reports import compare, figures, tables
from aftershock.reports.cards import cards
from aftershock.reports.drill import exits_of, store
from aftershock.reports.html import numbers, render
from aftershock.reports.payload import embed, unpack
from aftershock.reports.run import Run
from aftershock.reports.verdict import verdict
from aftershock.reports.words import caveats, date, facts, findings, number, percent, word
from aftershock.result import report

_made = runpy.run_path(str(Path(__file__).parent / "factories" / "runs.py"))
make_run, empty_run = _made["make_run"], _made["empty_run"]

HOSTILE = "</script><script>hacked=1</script><!-- \"q\" 'q' & <img src=x onerror=hacked=1> \u2028 {{ 7 * 7 }}"


class Page(HTMLParser):
    """What a browser would see: elements with their attributes and texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "br", "img", "input"}:
            names = [tag, *(f".{name}" for name in (dict(attrs).get("class") or "").split())]
            self.open.append(names)
            for name in names:
                self.texts.setdefault(name, []).append("")

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for name in {name for names in self.open for name in names}:
            self.texts[name][-1] += data

    def scripts(self) -> list[tuple[str | None, str]]:
        kinds = [attrs.get("type") for tag, attrs in self.elements if tag == "script"]
        return list(zip(kinds, self.texts["script"], strict=True))

    def data(self) -> list[dict]:
        return [unpack(text) for kind, text in self.scripts() if kind == "application/gzip"]


@pytest.fixture(scope="module")
def real() -> Run:
    return make_run()


@pytest.fixture(scope="module")
def simulated() -> Run:
    return make_run(simulated=True)


@pytest.fixture(scope="module")
def page(real: Run) -> Page:
    return Page(render([real]))


def _changed(run: Run, **stats) -> Run:
    return dataclasses.replace(run, stats=run.stats | stats)


# ---------------------------------------------------------------------------------------------- content


def test_tells_what_was_run(page: Page) -> None:
    facts = dict(zip(page.texts["dt"][:5], page.texts["dd"][:5], strict=True))
    assert page.texts["h1"] == ["fed_cut"]
    assert facts == {
        "Strategy": "fed_cut",
        "Period": "2023-01-03 to 2023-10-02",
        "Universe": "asia-tech",
        "Prices": "csv",
        "Capital": "1,000,000 USD",
    }


def test_parts_come_in_their_order(page: Page) -> None:
    assert page.texts["h2"] == [
        "Summary",
        "Five questions",
        "Did it work?",
        "Was it luck?",
        "What drove it?",
        "Can I trust the data?",
        "Show me the trades",
        "How it was made",
    ]


def test_tiles_are_the_key_figures(real: Run, page: Page) -> None:
    head = real.stats["headline"]
    shown = dict(zip(page.texts["dt"][5:], page.texts["dd"][5:], strict=True))
    assert shown["Total return"] == percent(head["total_return"])
    assert shown["Max drawdown"] == percent(head["max_drawdown"])
    assert shown["Trades"] == str(head["trades"])
    assert shown["Costs, USD"] == number(head["costs"], 0)
    assert len(shown) == 13


def test_the_experiment_stands_there_as_it_is(real: Run, page: Page) -> None:
    assert page.texts["pre"] == [real.experiment]


def test_same_runs_give_the_same_bytes() -> None:
    assert render([make_run(simulated=True)]) == render([make_run(simulated=True)])


def test_a_run_read_from_its_folder_gives_the_same_report(simulated: Run, tmp_path: Path) -> None:
    simulated.write(tmp_path)
    assert render([Run.read(tmp_path)]) == render([simulated])


def test_thousands_of_trades_render_fast() -> None:
    run = make_run(events=830, days=2_800)
    assert len(run.trades) > 3_000
    assert len(run.equity) > 2_000
    begun = time.perf_counter()
    text = render([run])
    assert time.perf_counter() - begun < 3.0
    assert len(text) < 8_000_000


# -------------------------------------------------------------------------------------------- simulated


def test_simulated_is_written_on_everything(simulated: Run) -> None:
    text = render([simulated])
    page = Page(text)
    titles, head = page.texts[".title"], page.texts["title"][0]
    listings = [caption for caption in page.texts["figcaption"] if "experiment" in caption]
    marked = titles + listings + page.texts["caption"] + page.texts["summary"] + [head]
    assert len(titles) == 20
    assert len(marked) > 40
    assert [caption for caption in marked if not caption.startswith("SIMULATED · ")] == []
    assert '<div class="banner" role="note">' in text
    assert page.texts["h2"][1] == "SIMULATED · Five questions"
    assert store(simulated)["mark"] == "SIMULATED"


def test_real_prices_are_not_called_simulated(real: Run) -> None:
    assert "SIMULATED" not in render([real])
    assert store(real)["mark"] == ""


def test_where_one_of_two_is_simulated_the_comparison_says_which(real: Run, simulated: Run) -> None:
    page = Page(render([real, simulated]))
    assert page.texts["caption"][:2] == [
        "SIMULATED · Settings that differ",
        "SIMULATED · Settings, figures and hashes",
    ]
    assert page.texts["th"][:3] == ["Figure", "1. fed_cut", "2. fed_cut (SIMULATED)"]
    assert page.texts["strong"].count("SIMULATED") == 1
    assert "2. fed_cut: the prices were made by the simulated market." in page.texts["div"][0]


# ---------------------------------------------------------------------------------------------- hostile


@pytest.fixture(scope="module")
def attacked() -> Run:
    made = make_run(name=HOSTILE, headline=HOSTILE, simulated=True, strategy=HOSTILE, caveats=[HOSTILE])
    warning = made.manifest["warnings"][0] | {"message": HOSTILE}
    manifest = made.manifest | {"warnings": [warning], "versions": {HOSTILE: HOSTILE}, "currency": HOSTILE}
    by = made.stats["by"] | {"tag": [made.stats["by"]["tag"][0] | {"tag": HOSTILE}]}
    return dataclasses.replace(made, manifest=manifest, experiment=HOSTILE, stats=made.stats | {"by": by})


def test_hostile_text_stays_text(attacked: Run) -> None:
    page = Page(render([attacked, attacked]))
    run = [text for kind, text in page.scripts() if kind is None]
    handlers = [(tag, name) for tag, attrs in page.elements for name in attrs if name.startswith("on")]
    assert len(run) == 1
    assert all("hacked" not in text for text in run)
    assert handlers == []
    assert "img" not in {tag for tag, _ in page.elements}
    assert page.texts["pre"][0] == HOSTILE
    assert any(f"1. {HOSTILE}" in text for text in page.texts["h2"])


def test_hostile_text_survives_in_the_data(attacked: Run) -> None:
    page = Page(render([attacked]))
    events = next(spec for spec in page.data() if spec.get("noun") == "events")
    headline = next(at for at, each in enumerate(events["columns"]) if each["key"] == "headline")
    assert HOSTILE in events["texts"][str(headline)]
    raw = [text for kind, text in page.scripts() if kind is not None]
    assert len(raw) > 8 and all(re.fullmatch(r"[A-Za-z0-9+/=]+", text) for text in raw)


def test_figures_escape_what_names_hold(attacked: Run) -> None:
    drawn = [
        figures.group_figure(attacked, "tag"),
        figures.equity_figure(attacked),
        figures.dates_figure(attacked),
    ]
    for drawing in drawn:
        assert "hacked" in drawing.markup and "<script" not in drawing.markup and "<img" not in drawing.markup
    for card in cards(attacked):
        assert "<script" not in card.markup and "<img" not in card.markup


def test_damaged_text_can_still_be_written(tmp_path: Path) -> None:
    report([make_run(name="half a pair \ud83d")], tmp_path / "report.html")
    assert "half a pair ?" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("value", ["</script>", "<!--", "a & b", "\u2028\u2029", 'say "so"', "半導体"])
def test_embedded_json_is_the_same_value(value: str) -> None:
    assert json.loads(embed({"text": value})) == {"text": value}


def test_embedded_json_refuses_what_json_has_not() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        embed({"figure": math.nan})


# -------------------------------------------------------------------------------------------- no network


def test_policy_names_the_scripts_and_nothing_else(real: Run) -> None:
    page = Page(render([real]))
    policy = next(attrs["content"] for tag, attrs in page.elements if "http-equiv" in attrs)
    run = [text for kind, text in page.scripts() if kind is None]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in run]
    sources = " ".join(f"'sha256-{value}'" for value in hashes)
    assert policy == (
        f"default-src 'none'; script-src {sources}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def test_nothing_is_loaded(real: Run, page: Page) -> None:
    loading = [
        (tag, value)
        for tag, attrs in page.elements
        for name, value in attrs.items()
        if name in {"src", "srcset", "href", "data", "action", "background", "poster"}
        and not value.startswith("#")
    ]
    assert loading == []
    assert {"link", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.elements} == set()
    assert re.search(r"@import|url\(", page.texts["style"][0]) is None


def test_the_script_stands_there_once_and_pages_are_small(real: Run) -> None:
    assert len([1 for kind, _ in Page(render([real, real])).scripts() if kind is None]) == 1
    assert len(render([empty_run()])) < 100_000
    assert len(render([real])) < 250_000


def test_links_inside_the_page_have_their_targets(real: Run, simulated: Run) -> None:
    page = Page(render([real, simulated]))
    names = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    asked = {attrs["href"][1:] for tag, attrs in page.elements if tag == "a"}
    asked = asked | {attrs["aria-labelledby"] for _, attrs in page.elements if "aria-labelledby" in attrs}
    assert asked <= set(names)
    assert len(names) == len(set(names))


# ----------------------------------------------------------------------------------------------- readers


def test_every_table_has_a_caption_and_every_figure_words(simulated: Run) -> None:
    page = Page(render([simulated]))
    assert len(page.texts["caption"]) == len(page.texts["table"])
    labels = [attrs["aria-label"] for _, attrs in page.elements if attrs.get("role") == "img"]
    captions = [text for text in page.texts["figcaption"] if "experiment" not in text]
    assert len(labels) == len(captions) == 20
    assert all(label.endswith(caption) for label, caption in zip(labels, captions, strict=True))
    assert ("html", {"lang": "en"}) in page.elements
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.elements


def test_equity_is_told_in_words(real: Run) -> None:
    drawing = figures.equity_figure(real)
    last = number(real.equity["equity"].iloc[-1], 0)
    assert drawing.title == "Equity and drawdown"
    assert f"from 1,000,000 to {last} USD between 2023-01-03 and 2023-10-02" in drawing.words
    assert f"The deepest drawdown was {percent(real.stats['headline']['max_drawdown'])}." in drawing.words


def test_drawdown_is_drawn_below_zero(real: Run) -> None:
    data = figures.equity_figure(real).data
    assert min(data["drawdown"]) < 0
    assert max(data["drawdown"]) <= 0
    assert data["dates"][0] == "2023-01-03"
    assert data["this run"] == real.equity["equity"].tolist()


def test_equity_stands_beside_doing_nothing(real: Run) -> None:
    drawing = figures.equity_figure(real)
    assert set(drawing.data) == {
        "dates",
        "this run",
        "buy and hold (4 instruments)",
        "index, one a venue",
        "cash, no interest",
        "drawdown",
    }
    assert (
        "Buying the 4 instruments that had prices at the start and holding them: 20.00\xa0%." in drawing.words
    )
    older = _changed(dataclasses.replace(real, curves=pd.DataFrame()))
    older.stats.pop("benchmark")
    drawing = figures.equity_figure(older)
    assert "earlier version, which kept no benchmark" in drawing.words
    assert "cash, no interest" in drawing.data and "index, one a venue" not in drawing.data


def test_numbers_are_those_behind_the_figures(real: Run) -> None:
    told = numbers(real)
    assert told["by-tag"]["tag"] == real.stats["by"]["tag"]
    assert told["path"]["path"] == [each for each in real.stats["path"] if not math.isnan(each["mean"])]
    assert told["costs"]["costs"] == real.stats["costs"]
    assert told["dates"]["dates"] == real.stats["dates"]
    assert sum(told["distribution"]["counts"]) == real.stats["headline"]["trades"]


# ------------------------------------------------------------------------------------ the five questions


def test_the_five_questions_are_answered_with_the_figures_of_the_run(real: Run, page: Page) -> None:
    told = real.stats["questions"]
    assert page.texts["h4"] == [card.question for card in cards(real)]
    assert page.texts["strong"] == [
        percent(told["before_entry"]["share"], 0),
        percent(told["remaining"]["mean"]),
        f"{sum(each['mean'] > 0 for key in ('surprise', 'precision') for each in told[key])} of 6",
        number(told["without_best"]["pnl_without"], 0),
        number(10_000 * told["zero"]["break_even"], 1),
    ]
    for part, key in (("run_up", "run_up"), ("gap", "gap")):
        assert percent(told["before_entry"][part]) in page.texts[".answer"][0], key
    assert f"(t {number(told['remaining']['t_statistic'])})" in page.texts[".answer"][1]


@pytest.mark.parametrize(
    ("question", "told", "place", "verdict", "words"),
    [
        ("before_entry", {"share": 0.2}, 0, "yes", "came after."),
        ("before_entry", {"share": 1.4, "t_statistic": 0.3}, 0, "no", "not told from chance (t 0.30)."),
        ("before_entry", {"share": -0.2}, 0, "yes", "they had moved the other way"),
        ("remaining", {"mean": 0.01, "t_statistic": 2.5}, 1, "yes", "(t 2.50)"),
        ("remaining", {"mean": -0.01, "t_statistic": -2.5}, 1, "no", "(t −2.50)"),
        (
            "remaining",
            {"us": math.nan, "us_reason": "no US series among the prices"},
            1,
            "open",
            "n/a: no US series",
        ),
        ("without_best", {"pnl": 5.0, "pnl_without": -1.0}, 3, "no", "goes from 5 to −1 USD"),
        ("without_best", {"pnl_without": 9.0, "mean_without": 0.01}, 3, "yes", "to 9 USD"),
        ("zero", {"break_even": 0.01, "cost": 0.001}, 4, "yes", "Before costs"),
        ("zero", {"break_even": 0.001, "cost": 0.01}, 4, "no", "Before costs"),
        ("zero", {"break_even": math.nan, "reason": "it lost already"}, 4, "no", "It lost already."),
        (
            "zero",
            {"participation": math.nan, "participation_reason": "no volume"},
            4,
            None,
            "n/a: no volume.",
        ),
    ],
)
def test_answers_follow_the_figures(
    real: Run, question: str, told: dict, place: int, verdict: str | None, words: str
) -> None:
    asked = real.stats["questions"]
    card = cards(_changed(real, questions=asked | {question: asked[question] | told}))[place]
    assert words in card.answer
    assert verdict in (None, card.verdict)


def test_a_run_that_did_not_ask_says_so(real: Run) -> None:
    answered = cards(_changed(real, questions={}))
    assert [card.figure for card in answered] == ["n/a"] * 5
    assert {card.answer for card in answered} == {
        "The run was made by an earlier version that did not ask: run the experiment again."
    }


def test_an_undefined_answer_gives_its_reason(real: Run) -> None:
    asked = real.stats["questions"]
    share = asked["before_entry"] | {"share": math.nan, "reason": "prices did not move after the news"}
    card = cards(_changed(real, questions=asked | {"before_entry": share}))[0]
    assert (card.figure, card.answer) == ("n/a", "Prices did not move after the news.")


# ----------------------------------------------------------------------------------------------- summary


def test_summary_tells_trades_dates_and_caveats(real: Run) -> None:
    head = real.stats["headline"]
    lines = [*findings(real), *caveats(real)]
    assert lines[0].startswith(f"{head['trades']} trades on {head['event_dates']} event dates returned ")
    assert lines[0].endswith(f" after costs of {number(head['costs'], 0)} USD.")
    assert real.manifest["caveats"][0] in lines
    assert f"not {head['trades']} trades." in " ".join(lines)
    assert "Fewer than 30 event dates: little can be concluded from them." in lines
    assert "The data gave 1 warning, listed below." in lines
    assert "1 event was skipped, in all or for some instruments, listed below." in lines


def _judged(run: Run, total: float, t: float, without: float, beyond: float, dates: int = 60) -> str:
    head = run.stats["headline"] | {"total_return": total, "t_statistic": t, "event_dates": dates}
    asked = run.stats["questions"]
    asked = asked | {
        "without_best": asked["without_best"] | {"pnl_without": without},
        "remaining": asked["remaining"] | {"mean": 0.001 * beyond, "t_statistic": beyond},
    }
    (line,) = verdict(_changed(run, headline=head, questions=asked))
    return line


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (
            (-0.1, -1.0, -10.0, -1.0),
            "It did not work, though the loss is within chance: −10.00\xa0% in all after costs",
        ),
        ((-0.1, -3.0, -10.0, -1.0), "It did not work, and lost more than chance explains: "),
        ((0.1, 3.0, -10.0, 3.0), "It earned on three dates, and nothing on the others: "),
        ((0.1, 1.9, 10.0, 3.0), "It earned, but so may luck: "),
        ((0.1, math.nan, 10.0, 3.0), "It earned, but so may luck: "),
        ((0.1, 3.0, 10.0, 1.9), "It earned, but the same clock on quiet days may explain it: "),
        (
            (0.1, 3.0, 10.0, math.nan),
            "It earned more than chance explains, but nobody can tell how much of it the clock ",
        ),
        ((0.1, 3.0, 10.0, 3.0, 29), "It worked, on too few event dates to be sure: "),
        ((0.1, 3.0, 10.0, 3.0), "It worked, and luck seldom does as much: "),
    ],
)
def test_the_first_sentence_is_the_verdict(real: Run, figures: tuple[float, ...], words: str) -> None:
    assert _judged(real, *figures).startswith(words)


def test_the_verdict_has_the_numbers_of_the_run(real: Run, simulated: Run, page: Page) -> None:
    head, asked = real.stats["headline"], real.stats["questions"]
    (line,) = verdict(real)
    without, beyond = asked["without_best"]["pnl_without"], asked["remaining"]
    assert line.split(": ", 1)[1] == (
        f"{percent(head['total_return'])} in all after costs with a deepest drawdown of "
        f"{percent(-abs(head['max_drawdown']))}, on {head['event_dates']} independent event dates "
        f"(t {number(head['t_statistic'])}); without its best three dates it {'makes' if without > 0 else 'loses'} "
        f"{number(abs(without), 0)} USD, and beyond the drift of quiet days and last night’s US move "
        f"{percent(beyond['mean'])} a date remains before costs (t {number(beyond['t_statistic'])})."
    )
    told = page.texts["p"]
    assert told.index(line) < told.index(findings(real)[0])
    assert verdict(simulated)[0].startswith("On simulated prices it ")


def test_without_trades_or_questions_the_verdict_claims_nothing(real: Run) -> None:
    assert verdict(empty_run()) == []
    assert verdict(_changed(real, questions={}))[0].endswith(
        "an earlier version made the run and did not ask whether it was luck."
    )


def test_summary_of_the_mean_gives_its_error_and_t(real: Run) -> None:
    head = real.stats["headline"]
    line = next(line for line in findings(real) if line.startswith("Trades returned"))
    assert line == (
        f"Trades returned {percent(head['mean_by_date'])} on the average event date, net, with a standard error of "
        f"{percent(head['standard_error'])}; t by event date is {number(head['t_statistic'])}."
    )


def test_summary_without_trades_says_so() -> None:
    assert [*findings(empty_run()), *caveats(empty_run())] == [
        "No trade was made: there is no return to judge.",
        "No event gave a signal.",
    ]


def test_summary_of_trades_that_are_all_kept_apart_does_not_deny_them(real: Run) -> None:
    apart = dataclasses.replace(real, stats={**real.stats, "headline": {"trades": 0}})
    assert findings(apart)[0] == "No trade counts for the headline figures: there is no return to judge."


def test_summary_counts_open_trades(real: Run) -> None:
    trades = real.trades.assign(status=["open", "open"] + ["closed"] * (len(real.trades) - 2))
    assert "2 trades were still open when the data end." in caveats(dataclasses.replace(real, trades=trades))


def test_a_drawdown_that_lasts_is_not_recovered(real: Run) -> None:
    fall = {"depth": -0.2, "start": "2023-02-01", "trough": "2023-03-01", "recovery": None}
    lines = findings(_changed(real, drawdowns=[fall]))
    told = "The deepest drawdown was −20.00\xa0%, from 2023-02-01 to 2023-03-01, not yet recovered."
    assert told in lines


# ------------------------------------------------------------------------------------------------- paths


def _all_of(page: str) -> str:
    """Give the page with what is packed in it."""
    packed = re.findall(r'<script type="application/gzip"[^>]*>([\w+/=]+)<', page)
    return html.unescape(page) + json.dumps([unpack(text) for text in packed])


@pytest.mark.parametrize(
    ("folder", "shown"),
    [
        ("/home/desk/work/examples", "../prices/stocks.parquet"),
        ("", "stocks.parquet"),
        ("/a/b/c/d/e", "stocks.parquet"),
    ],
)
def test_files_are_named_from_the_experiment_and_not_from_the_root(
    real: Run, folder: str, shown: str
) -> None:
    files = ["/home/desk/work/prices/stocks.parquet", "/home/desk/work/prices/indices.parquet"]
    listed = "".join(f"    {json.dumps(file)},\n" for file in files)
    experiment = f"{real.experiment}\n[prices]\nfiles = [\n{listed}]\n"
    manifest = {
        **real.manifest,
        "folder": folder,
        "prices": {"from": "files", "files": files, "store": files[0]},
    }
    run = dataclasses.replace(real, manifest=manifest, experiment=experiment)
    page = _all_of(render([run, make_run(seed=2)]))
    assert "/home/desk" not in page
    assert f'"{shown}"' in page and f"{shown}, " in page
    for digest in real.manifest["hashes"].values():
        assert digest in page


# ------------------------------------------------------------------------------------------------ tables


def _texts(table: tables.Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def test_months_are_compounded_and_shaded() -> None:
    equity = pd.DataFrame(
        {
            "date": pd.to_datetime(["2023-11-30", "2023-12-15", "2023-12-29", "2024-01-31"]),
            "equity": [110.0, 99.0, 132.0, 66.0],
        }
    )
    run = dataclasses.replace(empty_run(), equity=equity, stats={"headline": {"start": 100.0}})
    table = tables.monthly_table(run)
    first, second = _texts(table)
    assert first == ["2023", *[""] * 10, "10.00\xa0%", "20.00\xa0%", "32.00\xa0%"]
    assert second == ["2024", "−50.00\xa0%", *[""] * 11, "−50.00\xa0%"]
    assert table.rows[1][1].styles == "numeric negative loss"
    assert [row[12].shade for row in table.rows] == [pytest.approx(0.4), None]
    assert table.note == ("2 of 3 months gained. Best: Dec 2023 (20.00\xa0%); worst: Jan 2024 (−50.00\xa0%).")


def test_drawdowns_are_listed_deepest_first(real: Run) -> None:
    falls = [
        {
            "depth": -0.01 * n,
            "start": "2023-02-01",
            "trough": "2023-02-02",
            "recovery": None,
            "bars": n,
            "days": n,
        }
        for n in range(1, 13)
    ]
    table = tables.drawdown_table(_changed(real, drawdowns=falls))
    assert [row[0].text for row in table.rows][:2] == ["−12.00\xa0%", "−11.00\xa0%"]
    assert table.rows[0][3].text == "not yet"
    assert len(table.rows) == 10
    assert table.note == "The 10 deepest of 12."


def test_groups_show_mean_and_error(real: Run) -> None:
    table = tables.group_table(real, "side")
    record = real.stats["by"]["side"][0]
    assert [column.label for column in table.columns][:5] == [
        "Side",
        "Trades",
        "Event dates",
        "Mean return",
        "Standard error",
    ]
    assert table.rows[0][0].text == {1: "long", -1: "short"}[record["side"]]
    assert table.rows[0][4].text == percent(record["standard_error"])


def test_group_bars_carry_the_standard_error(real: Run) -> None:
    drawing = figures.group_figure(real, "tag")
    records = real.stats["by"]["tag"]
    assert drawing.data == {"tag": records}
    assert drawing.markup.count('class="whisker"') == len(records)
    for record in records:
        assert f'<span class="end">{percent(record["mean_return"])}</span>' in drawing.markup


def test_bars_without_an_error_do_not_claim_one(real: Run) -> None:
    records = [record | {"standard_error": math.nan} for record in real.stats["by"]["tag"]]
    drawing = figures.group_figure(_changed(real, by={"tag": records}), "tag")
    assert "whiskers" not in drawing.words
    assert "whisker" not in drawing.markup


def test_a_venue_without_an_open_has_no_gap(real: Run) -> None:
    rung = {"venue": "XASX", "market": "AU", "events": 3, "gaps": 0, "gap": math.nan, "session": math.nan}
    rung |= {"gap_error": math.nan, "session_error": math.nan}
    drawing = figures.ladder_figure(_changed(real, ladder=[rung, *real.stats["ladder"]]))
    first, second = drawing.markup.split('<div class="row"')[1:3]
    assert (
        "Sydney (XASX)" in first and "no gap" in first and "0.00" not in first and 'class="bar' not in first
    )
    assert "gap" in second and "no gap" not in second


def test_planted_stands_beside_recovered(simulated: Run) -> None:
    record = {
        "tag": "fed",
        "direction": "dovish",
        "part": "gap",
        "pairs": 40,
        "event_dates": 9,
        "planted": 0.01,
        "recovered": 0.013,
        "standard_error": 0.002,
    }
    run = _changed(simulated, planted=[record, record | {"recovered": 0.02, "part": "drift"}])
    assert _texts(tables.planted_table(run))[0] == [
        *("fed", "dovish", "gap", "40", "9", "1.00\xa0%", "1.30\xa0%", "0.20\xa0%", "1.50")
    ]
    drawing = figures.planted_figure(run)
    assert "1 of 2 reactions came back within them." in drawing.words
    assert drawing.markup.count('class="mark"') == 2


def test_outcomes_are_counted_with_their_sentences(real: Run) -> None:
    rows = _texts(tables.outcome_table(real))
    counts, apart = real.stats["outcomes"], int((~real.audit["headline"]).sum())
    assert rows[0][:3] == ["filled", "entered", str(counts["filled"])]
    assert rows[1][:2] == ["locked", "the bar was locked at its price limit against the trade"]
    assert rows[-1] == ["all", "each signal has one outcome", str(len(real.audit)), str(apart)]


def test_figures_kept_apart_stand_beside_the_headline(real: Run) -> None:
    table = tables.beside_table(real)
    head, apart = real.stats["headline"], real.stats["beside"]["ambiguous"]
    assert [column.label for column in table.columns] == ["Figure", "Headline", "Ambiguous"]
    assert ["Trades", str(head["trades"]), str(apart["trades"])] in _texts(table)
    nothing = tables.beside_table(_changed(real, beside={}))
    assert nothing.rows == []
    assert "nothing is kept apart" in nothing.empty


def test_an_unknown_figure_is_shown_under_its_key(real: Run) -> None:
    run = _changed(real, headline={"sharpe": 1.0, "ulcer_index": 2.5})
    assert _texts(tables.figures_table(run)) == [
        ["Sharpe", "1.00", tables.MEASURES["sharpe"].note],
        ["Ulcer index", "2.50", ""],
    ]


def test_events_carry_what_came_of_them(real: Run) -> None:
    grid = tables.events_grid(real)
    keys = [column.key for column in grid.columns]
    row = dict(zip(keys, grid.rows[0], strict=True))
    trades = real.trades[real.trades["event_id"] == "e0000"]
    assert row["known_by"] == int(real.events["known_by"].iloc[0].timestamp())
    assert row["headline"] == real.events["headline"].iloc[0]
    assert (row["signals"], row["trades"]) == (4, len(trades))
    assert row["pnl"] == pytest.approx(trades["pnl"].sum(), abs=0.005)
    assert row["return"] == pytest.approx(trades["return"].mean(), abs=1e-6)
    recap = next(values for values in grid.rows if values[keys.index("event_id")] == "e0010")
    assert recap[keys.index("apart")].endswith("recap")


def test_an_event_opens_to_its_signals_and_trades(real: Run) -> None:
    told = store(real)
    signals, trades = told["signals"], told["trades"]
    assert len(signals["trade"]["values"]) == len(real.audit)
    for place, row in enumerate(real.audit.itertuples()):
        made = signals["trade"]["values"][place]
        assert (made >= 0) == (row.outcome == "filled")
        assert signals["symbol"]["texts"][signals["symbol"]["values"][place]] == row.symbol
        if made >= 0:
            assert real.trades["event_id"].iloc[made] == row.event_id
            assert trades["pnl"]["values"][made] == pytest.approx(real.trades["pnl"].iloc[made], abs=0.005)
    assert told["exits"] == {"hold": 3, "stop": 0.05, "take": None, "trail": None}
    assert told["zones"]["XHKG"] == "Asia/Hong_Kong"


def test_bars_come_back_as_they_were(real: Run) -> None:
    coded = store(real)["bars"]["7203.T"]
    own = real.bars[real.bars["symbol"] == "7203.T"].drop_duplicates("opens_at").sort_values("opens_at")
    close = pd.Series(coded["close"]).cumsum()
    assert (pd.Series(coded["at"]).cumsum() * 60).tolist() == [int(at.timestamp()) for at in own["opens_at"]]
    wanted = {
        "close": close,
        "open": close + coded["open"],
        "high": pd.concat([close, close + coded["open"]], axis=1).max(axis=1) + coded["up"],
        "low": pd.concat([close, close + coded["open"]], axis=1).min(axis=1) - coded["down"],
    }
    for key, values in wanted.items():
        assert (values / coded["scale"]).tolist() == pytest.approx(own[key].tolist(), rel=1e-4), key


def test_unknown_prices_stay_unknown(real: Run) -> None:
    bars = real.bars.copy()
    first = bars[bars["symbol"] == "7203.T"].sort_values("opens_at").index
    bars.loc[first[0], "close"], bars.loc[first[1], "open"] = math.nan, math.nan
    coded = store(dataclasses.replace(real, bars=bars))["bars"]["7203.T"]
    assert coded["known"] == [0]
    assert coded["open"][1] is None


def test_an_experiment_that_cannot_be_read_has_no_exits(real: Run) -> None:
    assert set(exits_of(dataclasses.replace(real, experiment="[[")).values()) == {None}


def test_an_event_without_trades_has_no_return(real: Run) -> None:
    run = dataclasses.replace(real, trades=real.trades[real.trades["event_id"] != "e0000"])
    grid = tables.events_grid(run)
    row = dict(zip([column.key for column in grid.columns], grid.rows[0], strict=True))
    assert (row["trades"], row["pnl"], row["return"]) == (0, None, None)


def test_the_browser_gets_each_text_once(real: Run) -> None:
    grid = tables.trades_grid(real)
    payload = grid.payload()
    place = next(at for at, column in enumerate(grid.columns) if column.key == "symbol")
    assert len(payload["texts"][place]) == 4
    assert payload["texts"][place][payload["values"][place][5]] == grid.rows[5][place]


def test_skipped_events_are_gathered_by_reason(real: Run) -> None:
    skipped = [
        {"event_id": "a", "symbol": symbol, "code": "no_side", "reason": "no side"} for symbol in ("X", "Y")
    ]
    skipped.append({"event_id": "b", "symbol": "", "code": "bad_row", "reason": "no date"})
    run = dataclasses.replace(real, manifest=real.manifest | {"skipped_events": skipped})
    assert tables.skipped_grid(run).rows == [
        ["a", "no_side", "no side", 2, "X, Y"],
        ["b", "bad_row", "no date", None, ""],
    ]
    assert "2 events were skipped, in all or for some instruments, listed below." in caveats(run)


def test_warnings_are_listed(real: Run) -> None:
    grid = tables.warnings_grid(real)
    assert grid.rows[0] == [
        *("warning", "prices", "missing_sessions", "7203.T", "2023-05-01", "2023-05-02", 2),
        "2 sessions of the venue have no bar",
    ]


def test_the_manifest_is_listed_with_its_hashes(real: Run) -> None:
    rows = dict(_texts(tables.manifest_table(real)))
    assert rows["hashes.events"] == "a1" * 32
    assert rows["period.first"] == "2023-01-03"
    assert "caveats" not in rows


# ------------------------------------------------------------------------------------------- comparison


def test_two_runs_are_set_side_by_side(real: Run) -> None:
    other = make_run(name="chip", seed=2, hashes=real.manifest["hashes"] | {"code": "d4" * 32})
    table = tables.comparison_table([real, other], ["1. fed_cut", "2. chip"])
    rows = {row[0]: row[1:] for row in _texts(table)}
    assert rows["Total return"] == [percent(run.stats["headline"]["total_return"]) for run in (real, other)]
    assert rows["Hash of code: not the same"] == ["c3" * 6, "d4" * 6]
    assert "Hash of events: the same" in rows


def test_the_hedge_of_a_run_is_told_and_set_beside_one_without(real: Run) -> None:
    legs = (
        '[hedge]\nmethod = "beta"\ninstrument = "1306.T"\ninstruments = {KR = "069500.KS", JP = "1306.T"}\n'
    )
    hedged = dataclasses.replace(real, experiment=f"{real.experiment}\n{legs}")
    assert facts(hedged)["Hedge"] == "beta, 069500.KS, 1306.T"
    for runs in ([real, hedged], [hedged, real]):
        rows = {row[0]: row[1:] for row in _texts(tables.comparison_table(runs, ["1", "2"]))}
        assert rows["Hedge"] == ["beta, 069500.KS, 1306.T" if run is hedged else "none" for run in runs]
    assert "Hedge" not in facts(real)
    for odd in ("[[", "hedge = 3", '[hedge]\nmethod = "none"\ninstrument = "1306.T"'):
        assert "Hedge" not in facts(dataclasses.replace(real, experiment=odd))


def test_two_runs_have_a_section_each(real: Run) -> None:
    page = Page(render([real, make_run(name="chip", seed=2)]))
    assert page.texts["h1"] == ["2 runs compared"]
    assert page.texts["h2"] == ["Side by side", "1. fed_cut", "2. chip"]
    assert page.texts["h3"].count("Show me the trades") == 2


def test_growth_is_drawn_over_the_starting_capital(real: Run) -> None:
    drawing = figures.comparison_figure([real, make_run(seed=2)], ["a", "b"])
    assert drawing.data["a"][0] == pytest.approx(real.equity["equity"].iloc[0] / 1_000_000)
    assert 'class="line s1"' in drawing.markup and 'class="line s2"' in drawing.markup
    assert drawing.words.startswith("Total returns: a ")


def test_settings_that_differ_are_listed_alone(real: Run) -> None:
    other = dataclasses.replace(real, experiment=real.experiment.replace("hold = 3", "hold = 5\ntake = 0.1"))
    table = compare.settings_table([real, other], ["a", "b"])
    assert _texts(table) == [["strategy.hold", "3", "5"], ["strategy.take", "n/a", "0.1"]]
    assert table.note == "3 settings are the same in all."
    assert compare.settings_table([real, real], ["a", "b"]).rows == []


def test_trades_of_one_run_only_are_listed_with_what_became_of_them(real: Run) -> None:
    gone = real.trades.iloc[0]
    locked = (real.audit["event_id"] == gone["event_id"]) & (real.audit["symbol"] == gone["symbol"])
    other = dataclasses.replace(
        real,
        trades=real.trades.iloc[1:],
        audit=real.audit.assign(outcome=real.audit["outcome"].where(~locked, "no_cash")),
    )
    for runs, names in (([real, other], ["a", "b"]), ([other, real], ["b", "a"])):
        grid = compare.trades_apart(runs, names)
        (row,) = grid.rows
        told = dict(zip([column.key for column in grid.columns], row, strict=True))
        assert (told["event_id"], told["symbol"], told["only"]) == (gone["event_id"], gone["symbol"], "a")
        assert told["outcome"] == "b: no_cash"
        assert "a: 1 trade not in all" in grid.note and "b: 0 trades not in all" in grid.note


def test_a_comparison_alone_has_no_section_for_each_run(real: Run) -> None:
    page = Page(render([real, make_run(seed=2)], whole=False))
    assert page.texts["h2"] == ["Side by side"]
    assert "h3" not in page.texts


# ------------------------------------------------------------------------------------------------ empty


def test_no_run_is_an_error() -> None:
    with pytest.raises(InputError, match="expected at least one run, got none; give the folder of a run"):
        render([])


def test_a_run_of_nothing_says_so() -> None:
    page = Page(render([empty_run()]))
    cells = page.texts["td"]
    for sentence in ("There is no equity curve.", "There are no trades.", "There are no events."):
        assert sentence in cells
    assert page.texts["dd"] == ["n/a"] * 18
    assert page.texts["strong"] == ["n/a"] * 5


@pytest.mark.parametrize(
    "spoil",
    [
        lambda run: dataclasses.replace(run, trades=run.trades.head(1)),
        lambda run: dataclasses.replace(run, trades=run.trades.head(0), equity=run.equity.head(0)),
        lambda run: dataclasses.replace(run, equity=run.equity.assign(equity=math.nan, drawdown=math.nan)),
        lambda run: dataclasses.replace(run, events=run.events.head(0), audit=run.audit.head(0)),
        lambda run: _changed(run, headline=dict.fromkeys(run.stats["headline"], math.nan)),
        lambda run: _changed(run, headline=dict.fromkeys(run.stats["headline"]), by={}, drawdowns=[]),
        lambda run: dataclasses.replace(
            run, audit=run.audit.assign(outcome="locked"), trades=pd.DataFrame(), fills=pd.DataFrame()
        ),
    ],
    ids=["one trade", "no trade", "no mark", "no event", "NaN figures", "no figures", "all lapsed"],
)
def test_little_or_nothing_still_gives_a_report(simulated: Run, spoil) -> None:
    page = Page(render([spoil(simulated)]))
    assert page.texts["h2"][-1] == "How it was made"
    assert "nan" not in " ".join(page.texts["td"] + page.texts["dd"] + page.texts["p"]).lower().split()
    assert render([spoil(simulated), simulated])


# -------------------------------------------------------------------------------------------- the file


def test_a_report_is_written(real: Run, tmp_path: Path) -> None:
    report([real], tmp_path / "deep" / "report.html")
    assert (tmp_path / "deep" / "report.html").read_text(encoding="utf-8") == render([real])
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["report.html"]


def test_a_place_that_cannot_be_written_is_an_error(real: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="expected a place that can be written"):
        report([real], tmp_path / "file" / "report.html")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.50"),
        (-0.004, "0.00"),
        (1e6, "1,000,000.00"),
        (math.inf, "n/a"),
        (True, "n/a"),
        (math.nan, "n/a"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (pd.Timestamp("2024-02-29T23:30Z"), "2024-02-29"),
        ("2024-02-29 00:00:00+00:00", "2024-02-29"),
        (pd.NaT, "n/a"),
        ("some day", "n/a"),
        (datetime.date(2024, 2, 29), "2024-02-29"),
        (19782, "2024-02-29"),
    ],
)
def test_dates(value: object, text: str) -> None:
    assert date(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"name": "asia-tech", "instruments": 152}, "asia-tech"),
        ({"sources": ["csv", "yahoo"], "rows": 3}, "csv, yahoo"),
        ({"first": 1}, "first 1"),
        (list("abcdefg"), "7 names"),
        (None, ""),
    ],
)
def test_settings_in_words(value: object, text: str) -> None:
    assert word(value) == text
