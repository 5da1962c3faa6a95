"""Book modules beside their reference: a day computed by both, and every cell that differs."""

import datetime as dt
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from . import estimators as est
from .against import MIDNIGHT, Rows, differences, engine, rule_of
from .book_configs import pass_options, row_module, time_module, volatility_module, with_microprice
from .book_pass import Setting, run_books
from .clock import Rule
from .days import WHERE, Day, book_options, states
from .passes import Result, resample
from .volatility import EDGES

SMALL = ("YangZhang", "RV", "BV", "RK", "NoiseVar", "Parkinson", "GarmanKlass", "RogersSatchell")
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
    return [with_microprice(volatility_module(rng, day, options["every"], ""), rng), *beside]


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


def magnified(rows: Rows) -> Rows:
    """Variances as multiples of 1e-8, so that they are looked at closely, and jumps, of which rounding in a difference
    of near equals makes more, as hundredths."""

    def value(name: str, x: Any) -> Any:
        if not isinstance(x, float) or "Ann" in name:
            return x
        return x / 100 if "JumpShare" in name else x * 1e8 if any(measure in name for measure in SMALL) else x

    return {key: {name: value(name, x) for name, x in row.items()} for key, row in rows.items()}


def compared(seed: object, day: Day, draw: Draw) -> list[str]:
    """The passes of these modules and of one that rolls it up, and every difference; nothing where there is none."""
    rng = Random(str(seed))
    options = pass_options(rng, day)
    modules, rule = draw(rng, day, options), rule_of(options)
    expected = run_books(day, rule, modules, WHERE, setting_of(options))
    passes = [(options, modules)]
    [first] = engine(day, passes)
    lines = differences(magnified(expected.rows), magnified(first))
    lines += _rolled_up(day, passes, expected, rule, rng.choice((2, 5, 60)))
    return [str(passes), *lines] if lines else []


def _rolled_up(day: Day, passes: list[Any], expected: Result, rule: Rule, times: int) -> list[str]:
    """What a coarser pass over that one makes of its columns by their own rollups."""
    if set(expected.rollups.values()) <= {"none"}:
        return []
    coarse = rule._replace(width=rule.width * times)
    generic = ({"every": f"{coarse.width // 1000}us"}, [{"module": "generic", "source": "pass0"}])
    found = engine(day, [*passes, generic])[1]
    lines = differences(magnified(resample(expected, coarse, rule, {})), magnified(found))
    return ["rolled up " + line for line in lines]


def bars_compared(seed: object, day: Day) -> list[str]:
    """Differences of Yang and Zhang's variance over event bars of the mid, buckets without one left out."""
    rng = Random(str(seed))
    options = {**pass_options(rng, day), "every": rng.choice(("17m", "1h"))}
    modules, count = [{"module": "l2", "ohlc": [{"sources": ["Mid"]}]}], rng.choice((2, 3, 5))
    rows = run_books(day, rule_of(options), modules, WHERE, setting_of(options)).rows
    yang_zhang = ({}, [{"module": "yang_zhang", "source": "pass0", "bars": count}])
    found = engine(day, [(options, modules), yang_zhang])[1]
    lines = differences(magnified(_of_bars(rows, count)), magnified(found))
    return [str((options, count)), *lines] if lines else []


def _of_bars(rows: Rows, count: int) -> Rows:
    found, bars = {}, dict[int, list[Any]]()
    for listing, label in sorted(rows):
        bar = tuple(rows[listing, label][f"Mid{edge}"] for edge in EDGES)
        own = bars.setdefault(listing, [])
        own += [] if None in bar else [bar]
        known = None not in bar and len(own) > count
        variance = est.yang_zhang(own[-count:], own[-count - 1][3]) if known else None
        found[listing, label] = {f"MidYangZhang{count}": variance}
    return found
