"""Errors: where, what was expected, what came, what to do; and nothing lost on the way to another process."""

import copy
import pickle

import pytest

from aftershock.data.errors import SHOWN, InputError, Problem, did_you_mean


def problem(**where):
    return Problem("a number", "'abc'", "correct the cell", **where)


def problems(count):
    return [Problem("a number", f"'{k}'", "correct the cell", line=k) for k in range(count)]


@pytest.mark.parametrize(
    ("where", "prefix"),
    [
        ({}, ""),
        ({"file": "events.csv"}, "events.csv: "),
        ({"line": 3}, "line 3: "),
        ({"line": 0}, "line 0: "),
        ({"column": "strength"}, "column strength: "),
        ({"file": "events.csv", "column": "strength"}, "events.csv, column strength: "),
        (
            {"file": "events.csv", "line": 3, "column": "strength"},
            "events.csv, line 3, column strength: ",
        ),
    ],
)
def test_a_problem_is_one_line(where, prefix):
    assert str(problem(**where)) == f"{prefix}expected a number, got 'abc'; correct the cell"


def test_line_breaks_in_what_came_stay_on_the_line():
    assert (
        str(Problem("a\nnumber", "'a\t\n  b'", "correct  it")) == "expected a number, got 'a b'; correct it"
    )


def test_a_problem_cannot_be_changed_and_compares_by_content():
    with pytest.raises(AttributeError):
        problem().got = "else"
    assert problem(line=1) == problem(line=1) != problem(line=2)


@pytest.mark.parametrize("given", [problem(), [problem()], (problem(),)])
def test_an_error_takes_one_problem_or_several(given):
    error = InputError(given)
    assert isinstance(error, ValueError)
    assert error.problems == (problem(),)
    assert str(error) == str(problem())


@pytest.mark.parametrize(("count", "lines"), [(1, 1), (2, 2), (SHOWN, SHOWN), (SHOWN + 1, SHOWN + 1)])
def test_an_error_prints_a_line_for_each_problem_up_to_a_limit(count, lines):
    error = InputError(problems(count))
    assert len(error.problems) == count
    assert len(str(error).splitlines()) == lines


def test_an_error_counts_what_it_does_not_print():
    *printed, last = str(InputError(problems(SHOWN + 23))).splitlines()
    assert last == "... and 23 more problems"
    assert printed == [str(each) for each in problems(SHOWN)]


def test_an_error_holds_what_it_was_given_then():
    given = problems(2)
    error = InputError(given)
    given.clear()
    assert len(error.problems) == 2


@pytest.mark.parametrize(
    "travel", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))]
)
@pytest.mark.parametrize("count", [1, 2, SHOWN + 5])
def test_an_error_survives_the_way_to_another_process(travel, count):
    error = InputError(problems(count))
    came = travel(error)
    assert type(came) is InputError
    assert came.problems == error.problems
    assert str(came) == str(error)


@pytest.mark.parametrize(
    ("word", "known", "told"),
    [
        ("hodl", ["hold", "stop"], "did you mean 'hold'?"),
        ("fed_cuts", iter(["fed_cut", "reaction"]), "did you mean 'fed_cut'?"),
        ("price", ["prices", "princes", "portfolio"], "did you mean 'prices' or 'princes'?"),
        ("zzz", ["stop", "hold"], "known: hold, stop"),
        ("", ["hold"], "known: hold"),
        ("hold", {"hold": 1}, "did you mean 'hold'?"),
    ],
)
def test_the_nearest_words_are_suggested_or_all_are_listed(word, known, told):
    assert did_you_mean(word, known) == told
