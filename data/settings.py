"""Checked settings: pydantic models whose errors say what was expected, what came and what to do."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from aftershock.data.errors import InputError, Problem, did_you_mean


class Settings(BaseModel):
    """Frozen settings that know all their keys.

    Raises
    ------
    InputError
        On construction: an unknown key ("did you mean") or a value out of its range.

    Examples
    --------
    >>> class Costs(Settings):
    ...     fee: float = 0.0
    >>> Costs(fees=0.1)
    Traceback (most recent call last):
    ...
    aftershock.data.errors.InputError: expected a key of Costs, got 'fees'; did you mean 'fee'?
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InputError(problems_of(error, type(self))) from None

    @field_validator("*", mode="before")
    @classmethod
    def _no_flag_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse what Python would take for 0 or 1."""
        kind = cls.model_fields[str(info.field_name)].annotation
        if isinstance(value, bool) and bool not in (kind, *get_args(kind)):
            raise ValueError("true and false are for switches only")
        return value

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """Give the names of all settings."""
        return tuple(cls.model_fields)


def problems_of(error: ValidationError, model: type[Settings]) -> list[Problem]:
    """Put pydantic's findings into our words."""
    return [_problem(dict(finding), model) for finding in error.errors()]


def _problem(finding: dict[str, Any], model: type[Settings]) -> Problem:
    key = str(finding["loc"][0]) if finding["loc"] else ""
    if finding["type"] == "extra_forbidden":
        return Problem(f"a key of {model.__name__}", f"'{key}'", did_you_mean(key, model.keys()))
    if not key:
        told = finding["ctx"]["error"]
        if isinstance(told, InputError):
            return told.problems[0]
        return Problem(str(told), "another combination", "change one of them")
    came = finding["input"]
    if finding["type"] == "literal_error":
        options = [
            word.strip("'\" ") for word in finding["ctx"]["expected"].replace(" or ", ", ").split(", ")
        ]
        return Problem(
            f"{key} to be one of {', '.join(options)}", f"{came!r}", did_you_mean(str(came), options)
        )
    own = finding["type"] == "value_error"
    if own and isinstance(finding["ctx"]["error"], InputError):
        told_already: Problem = finding["ctx"]["error"].problems[0]
        return told_already
    told = str(finding["ctx"]["error"]) if own else finding["msg"].removeprefix("Input ").lower()
    return Problem(f"a value of {key} that fits", f"{came!r}", told)
