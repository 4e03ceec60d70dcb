"""The audit of prices in the report of a run."""

import dataclasses
import re
import runpy
from pathlib import Path

import pandas as pd
import pytest

from aftershock.data.prices import audit
from aftershock.reports import tables
from aftershock.reports.html import render
from aftershock.reports.payload import unpack
from aftershock.reports.words import facts, price_lines

make_run = runpy.run_path(str(Path(__file__).parent / "factories" / "runs.py"))["make_run"]

DAYS = pd.to_datetime(["2025-09-08", "2025-09-09", "2025-09-11", "2025-09-12"])
HOSTILE = "</script><img src=x onerror=hacked=1>"


@pytest.fixture(scope="module")
def records():
    frame = pd.DataFrame({"symbol": "8035.T", "date": DAYS, "close": [1.0, 2.0, -3.0, 4.0]})
    return audit(frame).to_records()


def with_audit(records):
    run = make_run()
    return dataclasses.replace(run, manifest=run.manifest | {"price_audit": records})


def test_findings_disagreements_and_coverage_are_listed(records):
    run = with_audit(records)
    assert [row[:2] for row in tables.findings_grid(run).rows] == [
        ["error", "bad_price"],
        ["warning", "calendar_disagrees"],
        ["warning", "gap"],
        ["warning", "missing_open"],
    ]
    assert tables.disagreements_grid(run).rows[0][:8] == [
        *("XTKS", "2025-09-10", "2025-09-11", 2, "no_prices", 0, 1, "unexplained"),
    ]
    assert tables.coverage_grid(run).rows == [
        ["8035.T", "XTKS", "stock", "", "2025-09-08", "2025-09-12", 3, 5, 2, 0.6]
    ]
    assert price_lines(run) == [
        "The audit gave 1 error, 3 warnings and 0 remarks.",
        "Calendar and prices disagree in 1 place, 1 of them unexplained.",
    ]
    page = render([run])
    assert "<p>The audit gave 1 error, 3 warnings and 0 remarks.</p>" in page
    assert all(f'id="run-1-{key}-table"' in page for key in ("findings", "disagreements", "coverage"))
    assert "price_audit" not in page


def test_a_run_without_an_audit_says_nothing_of_it():
    page = render([make_run()])
    assert "The audit gave" not in page
    assert "run-1-findings-table" not in page and "run-1-warnings-table" in page


def test_an_audit_without_findings_is_told_too():
    frame = pd.DataFrame({"symbol": "N225", "date": DAYS[:2], "open": [1.0, 1.1], "close": [1.0, 1.2]})
    run = with_audit(audit(frame).to_records())
    assert "Calendar and prices agree." in render([run])
    assert price_lines(run) == ["The audit gave 0 errors, 0 warnings and 0 remarks."]


def test_what_reading_left_out_is_told_beside_the_audit(records):
    run = with_audit(records)
    left_out = {"area": "prices", "code": "bad_price", "severity": "error", "symbol": "8035.T", "rows": 1}
    again = left_out | {"source": "another"}
    run = dataclasses.replace(run, manifest=run.manifest | {"warnings": [left_out, again]})
    assert price_lines(run)[0] == (
        "The audit of the bars that were kept gave 1 error, 3 warnings and 0 remarks. Reading the prices had left out "
        "rows for 1 error, listed among the warnings about the data."
    )


def test_messages_come_before_sources_and_sources_are_cut_short(records):
    for grid in (tables.findings_grid, tables.disagreements_grid):
        columns = grid(with_audit(records)).columns
        assert [column.kind for column in columns[-2:]] == ["prose", "link"]


@pytest.mark.parametrize(
    ("prices", "told"),
    [
        (
            {"from": "a store", "store": "/data/prices", "snapshot": "b1ff8b945d711528"},
            "prices, snapshot b1ff8b945d711528",
        ),
        ({"from": "files", "files": ["vendor/a.csv", "b.csv"], "sources": [""]}, "a.csv, b.csv"),
        ({"from": "files", "files": ["a.csv"], "sources": ["desk"]}, "desk"),
        ({"from": "files", "files": ["a.csv"], "sources": list("abcdefgh")}, "8 sources"),
        ({"from": "a table", "sources": [""]}, "n/a"),
        ("csv", "csv"),
    ],
)
def test_the_head_says_where_prices_came_from(prices, told):
    run = make_run()
    run = dataclasses.replace(run, manifest=run.manifest | {"prices": prices})
    assert facts(run)["Prices"] == told


def test_hostile_text_stays_text(records):
    spoiled = {
        name: [row | {"source": HOSTILE, "symbol": HOSTILE} for row in rows] for name, rows in records.items()
    }
    page = render([with_audit(spoiled)])
    assert HOSTILE not in page
    packed = re.findall(r'<script type="application/gzip">([^<]*)</script>', page)
    # The browser gets it as a value, which its script shows as text (tests/test_report_browser.py).
    assert sum(HOSTILE in str(unpack(part)["texts"]) for part in packed if "texts" in unpack(part)) == 3
