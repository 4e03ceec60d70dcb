"""The verbs of venues."""

import json

import pytest
from inputs import call


def test_list(capsys):
    done = call(capsys, "venues", "list")
    assert done.code == 0
    assert "XTKS" in done.out
    table = json.loads(call(capsys, "venues", "list", "--json").out)
    assert len(table) == 17
    assert all(row["rules"] > 0 for row in table)


def test_show(capsys):
    done = call(capsys, "venues", "show", "Tokyo", "--on", "2024-11-05")
    assert done.code == 0
    assert "price limit" in done.out
    table = json.loads(call(capsys, "venues", "show", "XKRX", "--on", "2024-11-05", "--json").out)
    banned = [row for row in table if row["rule"] == "short sale"]
    assert banned[0]["value"] == "not allowed"
    assert banned[0]["valid_from"] == "2023-11-06"
    assert banned[0]["valid_to"] == "2025-03-30"


def test_diff(capsys):
    done = call(capsys, "venues", "diff", "XHKG", "2023-11-16", "2023-11-17", "--json")
    changed = {row["rule"]: (row["before"], row["after"]) for row in json.loads(done.out)}
    assert any(
        before.startswith("0.13 %") and after.startswith("0.1 %") for before, after in changed.values()
    )
    same = call(capsys, "venues", "diff", "XHKG", "2022-01-10", "2022-01-11")
    assert "no rule of XHKG differs between 2022-01-10 and 2022-01-11" in same.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "XTKX"), "XTKX"),
        (("show", "XTKS", "--on", "soon"), "expected a date, got 'soon'"),
        (("diff", "XTKS", "2024-01-01", "later"), "expected a date, got 'later'"),
    ],
)
def test_bad_input(capsys, words, message):
    done = call(capsys, "venues", *words)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err
