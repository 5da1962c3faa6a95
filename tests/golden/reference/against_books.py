"""Book modules beside their reference: a day computed by both, and every cell that differs."""

import datetime as dt
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from .against import MIDNIGHT, differences, engine, rule_of
from .book_configs import pass_options, row_module, time_module, volatility_module
from .book_pass import Setting, run_books
from .days import WHERE, Day, book_options, states

Draw = Callable[[Random, Day, Mapping[str, Any]], list[dict[str, Any]]]


def book_only(rng: Random, day: Day, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Module l2 with its first groups."""
    return [book_options(rng, day["l2"].columns, states(day, "l2"))]


def rows(rng: Random, day: Day, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Module l2 with all groups."""
    return [row_module(rng, day, "")]


def time(rng: Random, day: Day, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Module l2tw, beside a module l2 half of the time."""
    beside = [row_module(rng, day, "B")] if rng.random() < 0.5 else []
    return [time_module(rng, day, ""), *beside]


def volatility(rng: Random, day: Day, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Module l2_volatility, beside a module l2 half of the time."""
    beside = [row_module(rng, day, "B")] if rng.random() < 0.5 else []
    return [volatility_module(rng, day, options["every"], ""), *beside]


def setting_of(options: Mapping[str, Any]) -> Setting:
    """Timeline, session and halts of a pass's keys; its session is in UTC."""
    hours = None
    if "session" in options:
        start, end = (_offset(options["session"][edge]) for edge in ("start", "end"))
        hours = (MIDNIGHT + start, MIDNIGHT + end)
    return Setting(options.get("timeline", "sparse"), hours, options.get("halts", "drop"))


def _offset(text: str) -> int:
    clock = dt.time.fromisoformat(text)
    return ((clock.hour * 60 + clock.minute) * 60 + clock.second) * 10**9 + clock.microsecond * 1000


def compared(seed: object, day: Day, draw: Draw) -> list[str]:
    """Differences of a pass of these modules, after the pass itself; none where there are none."""
    rng = Random(str(seed))
    options = pass_options(rng, day)
    modules = draw(rng, day, options)
    expected = run_books(day, rule_of(options), modules, WHERE, setting_of(options)).rows
    [found] = engine(day, [(options, modules)])
    lines = differences(expected, found)
    return [str((options, modules)), *lines] if lines else []
