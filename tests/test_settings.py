"""Checked settings: what is wrong is told in our words, and nothing wrong gets in."""

from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, BeforeValidator, Field, ValidationError, model_validator

from aftershock.data.errors import InputError
from aftershock.data.settings import Settings
from aftershock.experiment import Costs, EventsSection, Portfolio, PricesSection, RunSection, UniverseSection
from aftershock.strategies.reaction import Reaction

SHIPPED = (Reaction, Portfolio, Costs, RunSection, EventsSection, PricesSection, UniverseSection)


def _even(value):
    if value == 13:
        raise ValueError("a number that brings luck")
    return value


class Oven(Settings):
    """Settings of every kind of value there is."""

    degrees: Annotated[float, Field(ge=0, lt=300)] = 180.0
    minutes: Annotated[int, Field(gt=0)] | None = None
    trays: Annotated[int, BeforeValidator(_even)] = 2
    heat: Literal["top", "bottom", "both"] = "both"
    fan: bool = False
    light: bool | None = None
    dishes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _fan_needs_both(self):
        if self.fan and self.heat != "both":
            raise ValueError("heat from both sides where the fan is on")
        return self


def test_what_fits_is_kept_and_the_rest_has_defaults():
    oven = Oven(degrees=200, minutes=30, dishes=["pie", "tart"])
    assert oven.degrees == 200.0
    assert isinstance(oven.degrees, float)
    assert (oven.minutes, oven.trays, oven.heat, oven.fan, oven.light) == (30, 2, "both", False, None)
    assert oven.dishes == ("pie", "tart")


def test_the_keys_are_listed_in_order():
    assert Oven.keys() == ("degrees", "minutes", "trays", "heat", "fan", "light", "dishes")


def test_settings_cannot_be_changed_and_compare_by_value():
    with pytest.raises(ValidationError, match="frozen"):
        Oven().degrees = 90.0
    assert Oven(minutes=3) == Oven(minutes=3) != Oven()
    assert len({Oven(), Oven(), Oven(minutes=3)}) == 2


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"degres": 1}, "expected a key of Oven, got 'degres'; did you mean 'degrees'?"),
        ({"zzz": 1}, "got 'zzz'; known: degrees, dishes, fan, heat, light, minutes, trays"),
        ({"self": 1}, "expected a key of Oven, got 'self'; known: "),
        ({"degrees": -1}, "a value of degrees that fits, got -1; should be greater than or equal to 0"),
        ({"degrees": 300}, "a value of degrees that fits, got 300; should be less than 300"),
        ({"degrees": "hot"}, "a value of degrees that fits, got 'hot'; should be a valid number"),
        ({"degrees": None}, "a value of degrees that fits, got None; should be a valid number"),
        ({"degrees": float("nan")}, "a value of degrees that fits, got nan; should be a finite number"),
        ({"degrees": float("inf")}, "a value of degrees that fits, got inf; should be a finite number"),
        ({"degrees": True}, "a value of degrees that fits, got True; true and false are for switches only"),
        ({"minutes": 0}, "a value of minutes that fits, got 0; should be greater than 0"),
        ({"minutes": 1.5}, "a value of minutes that fits, got 1.5; should be a valid integer"),
        ({"minutes": True}, "a value of minutes that fits, got True; true and false are for switches only"),
        ({"trays": False}, "a value of trays that fits, got False; true and false are for switches only"),
        ({"trays": 13}, "a value of trays that fits, got 13; a number that brings luck"),
        ({"heat": "botom"}, "heat to be one of top, bottom, both, got 'botom'; did you mean 'bottom'"),
        ({"heat": 7}, "heat to be one of top, bottom, both, got 7; known: both, bottom, top"),
        ({"fan": "perhaps"}, "a value of fan that fits, got 'perhaps'; should be a valid boolean"),
        ({"dishes": "pie"}, "a value of dishes that fits, got 'pie'; should be a valid tuple"),
        ({"dishes": ["pie", 2]}, "a value of dishes that fits, got 2; should be a valid string"),
        (
            {"fan": True, "heat": "top"},
            "expected heat from both sides where the fan is on, got another combination; change one of them",
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_does_not_fit_is_told(values, told):
    with pytest.raises(InputError) as caught:
        Oven(**values)
    assert told in str(caught.value)
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("value", [True, False])
def test_switches_take_true_and_false(value):
    assert Oven(fan=value).fan is value
    assert Oven(light=value).light is value


def test_everything_wrong_is_told_at_once():
    with pytest.raises(InputError) as caught:
        Oven(degrees=-1, heat="left", colour="red")
    assert len(caught.value.problems) == 3
    assert len(str(caught.value).splitlines()) == 3


def test_no_words_of_the_library_show_behind_the_error():
    with pytest.raises(InputError) as caught:
        Oven(degrees=-1)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("model", SHIPPED)
def test_shipped_settings_are_such_settings(model):
    assert issubclass(model, Settings)
    assert issubclass(model, BaseModel)
    with pytest.raises(InputError, match=f"expected a key of {model.__name__}, got 'nonsense'; known: "):
        model(nonsense=1)


junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["open", "close", "both", "5min", "1e9", "-1s", "NaT", "portfolio", "2018-01-01"]),
    st.lists(st.one_of(st.text(max_size=3), st.integers()), max_size=2),
    st.dictionaries(st.text(max_size=2), st.none(), max_size=1),
)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(SHIPPED), st.data())
def test_whatever_comes_either_fits_or_is_told(model, data):
    values = data.draw(st.dictionaries(st.sampled_from(model.keys()), junk, max_size=4))
    try:
        made = model(**values)
    except InputError as error:
        assert all(problem.expected and problem.got and problem.cure for problem in error.problems)
    else:
        assert model(**made.model_dump()) == made
        for key, value in values.items():
            assert not isinstance(value, bool) or getattr(made, key) is value
