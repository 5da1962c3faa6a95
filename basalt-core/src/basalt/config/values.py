"""Strict hooks for single values: each takes (value, annotation) and returns the value, or raises Refusal."""

import math
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, get_args

from basalt.config.explain import Refusal
from basalt.config.spellings import Spelling
from basalt.config.words import describe_type, did_you_mean, listed_values

Hook = Callable[[Any, Any], Any]
WIDEST = 63  # bits of an integer or date part that TOML, Polars and SQL all hold


def refuse(value: Any, annotation: Any) -> Refusal:
    """`= '5' must be a whole number`."""
    return Refusal(value, f"must be {describe_type(annotation)}")


def integer(value: Any, _: Any) -> int:
    """True is no integer, nor is 5.0."""
    if type(value) is not int or value.bit_length() > WIDEST:
        raise refuse(value, int)
    return value


def number(value: Any, _: Any) -> float:
    """An integer is a number; infinity and NaN are none."""
    if type(value) is int and value.bit_length() <= WIDEST:
        return float(value)
    if type(value) is not float:
        raise refuse(value, float)
    if not math.isfinite(value):
        raise Refusal(value, "must be a finite number")
    return value


def day(value: Any, _: Any) -> date:
    """A TOML date or an ISO string; a stamp with a time is none."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise Refusal(value, "must be a date, as 2024-01-31")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise Refusal(value, f"must be a date of the calendar ({error})") from error


def flag(value: Any, _: Any) -> bool:
    """1 is not true."""
    if not isinstance(value, bool):
        raise refuse(value, bool)
    return value


def string(value: Any, _: Any) -> str:
    """Nothing becomes a string that is none."""
    if not isinstance(value, str):
        raise refuse(value, str)
    return value


def anything(value: Any, _: Any) -> Any:
    """For options annotated `Any`, which their component checks itself."""
    return value


SCALARS: dict[Any, Hook] = {int: integer, float: number, bool: flag, str: string, date: day, Any: anything}


def one_of(annotation: Any) -> Hook:
    """The hook of a Literal; 1 is not True here either."""
    choices = get_args(annotation)

    def hook(value: Any, _: Any) -> Any:
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            raise Refusal(value, f"must be {_choices(value, choices)}")
        return value

    return hook


def check_spelling(value: str, spelling: Spelling) -> None:
    """Refusal, or the UserError of the spelling's own check, where the string is not written so."""
    if spelling.check is not None:
        spelling.check(value)
    if spelling.allowed and value not in spelling.allowed:
        raise Refusal(value, f"must be {_choices(value, spelling.allowed)}")
    if spelling.pattern is not None and not re.fullmatch(spelling.pattern, value, re.ASCII):
        raise Refusal(value, f"must be {spelling.one}")


def _choices(value: Any, choices: Sequence[Any]) -> str:
    names = [choice for choice in choices if isinstance(choice, str)]
    hint = did_you_mean(value, names) if isinstance(value, str) else ""
    return listed_values(choices) + hint
