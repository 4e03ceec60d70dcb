"""The audit of prices in the report of a run."""

import dataclasses
import runpy
from pathlib import Path

import pandas as pd
import pytest

from aftershock.data.prices import audit
from aftershock.reports import tables
from aftershock.reports.html import render
from aftershock.reports.words import price_lines

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
    assert "The prices, looked over" in page
    assert all(f'id="run-1-{key}-table"' in page for key in ("findings", "disagreements", "coverage"))
    assert "price_audit" not in page


def test_a_run_without_an_audit_says_nothing_of_it():
    assert "The prices, looked over" not in render([make_run()])


def test_an_audit_without_findings_is_told_too():
    frame = pd.DataFrame({"symbol": "N225", "date": DAYS[:2], "open": [1.0, 1.1], "close": [1.0, 1.2]})
    run = with_audit(audit(frame).to_records())
    assert "Calendar and prices agree." in render([run])
    assert price_lines(run) == ["The audit gave 0 errors, 0 warnings and 0 remarks."]


def test_hostile_text_stays_text(records):
    spoiled = {
        name: [row | {"source": HOSTILE, "symbol": HOSTILE} for row in rows] for name, rows in records.items()
    }
    assert HOSTILE not in render([with_audit(spoiled)])
