"""The engine beside the reference: both compute a day, and every cell that differs is listed."""

from collections.abc import Mapping, Sequence
from datetime import time
from pathlib import Path
from random import Random
from typing import Any

import attrs
import polars as pl

from basalt.config.model import ModuleEntry, PassConfig, PipelineConfig, SourceEntry
from basalt.config.structure import structure
from basalt.planning.plan import make_plan
from basalt.plugins.registry import open_registry
from basalt.running.in_memory import passes_in_memory
from basalt.running.memory import MemorySource

from .clock import Rule, nanoseconds
from .days import DATE, WHERE, Day, generic_options, pass_options
from .days import modules as drawn
from .passes import resample, run

MIDNIGHT = int((DATE - type(DATE)(1970, 1, 1)).total_seconds()) * 10**9
Rows = Mapping[Any, Mapping[str, Any]]


def rule_of(options: Mapping[str, Any]) -> Rule:
    """A pass's keys as a rule of the reference."""
    start = time.fromisoformat(options.get("origin", "00:00"))
    origin = ((start.hour * 60 + start.minute) * 60 + start.second) * 10**9 + start.microsecond * 1000
    width = nanoseconds(options["every"])
    return Rule(width, options.get("closed", "right"), options.get("label", "end"), MIDNIGHT + origin)


def engine(day: Day, passes: Sequence[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]]) -> list[Rows]:
    """Rows of each pass, (options, modules), as the engine computes them; hidden columns left out."""
    configs = [_pass(f"pass{i}", *one) for i, one in enumerate(passes)]
    config = PipelineConfig(name="compared", source=SourceEntry(type="memory"), passes=configs)
    plan = make_plan(config, open_registry(), Path(), source=MemorySource(day, DATE))
    frames, results = passes_in_memory(plan, DATE), [program.result for program in plan.programs]
    return [rows_of(frames[one.name], [c.name for c in one.visible], one.keys) for one in results]


def _pass(name: str, options: Mapping[str, Any], modules: Sequence[Mapping[str, Any]]) -> PassConfig:
    own = ("module", "prefix", "source")
    entries = [
        ModuleEntry(**{k: v for k, v in m.items() if k in own}, options={k: v for k, v in m.items() if k not in own})
        for m in modules
    ]
    return attrs.evolve(structure(PassConfig, {"name": name, **options}, name), modules=entries)


def rows_of(frame: pl.DataFrame, columns: Sequence[str], by: Sequence[str] = ("ListingId",)) -> Rows:
    """Rows by (listing, label in nanoseconds), or what else they are keyed by."""
    keyed = frame.with_columns(pl.col("TimeBucket").to_physical() * 1000)
    keys = keyed.select(*by, "TimeBucket").rows()
    assert keys == sorted(set(keys)), "rows are unique and in order"
    return dict(zip(keys, frame.select(columns).to_dicts(), strict=True))


def same(x: Any, y: Any) -> bool:
    """Nulls, labels and integers exactly, floats to 1e-9 relative (1e-10 absolute, for what is 0 but for rounding)."""
    if x is None or y is None:
        return x is y
    if isinstance(x, int | str) and isinstance(y, int | str):
        return x == y
    return bool(abs(x - y) <= max(1e-9 * max(abs(x), abs(y)), 1e-10))


def differences(expected: Rows, found: Rows) -> list[str]:
    """One line a disagreement."""
    lines = [f"{key}: reference only" for key in expected if key not in found]
    lines += [f"{key}: engine only" for key in found if key not in expected]
    for key in (k for k in expected if k in found):
        names = {*expected[key], *found[key]}
        for name in sorted(names):
            x, y = expected[key].get(name, "absent"), found[key].get(name, "absent")
            if "absent" in (x, y) or not same(x, y):
                lines.append(f"{key} {name}: reference {x!r}, engine {y!r}")
    return lines


def compared(seed: object, day: Day) -> list[str]:
    """Differences of a pass of random modules over a day and of a `generic` pass that reads it."""
    rng = Random(str(seed))
    options, modules = pass_options(rng), drawn(rng, day)
    rule = rule_of(options)
    expected = run(day, rule, modules, WHERE)
    second = generic_options(rng, rule.width, expected.rollups)
    generic = {k: v for k, v in second.items() if k != "every"}
    coarse = rule._replace(width=nanoseconds(second["every"]))
    passes = [(options, modules), ({"every": second["every"]}, [{"module": "generic", "source": "pass0", **generic}])]
    first, resampled = engine(day, passes)
    lines = differences(expected.rows, first)
    lines += ["resampled " + line for line in differences(resample(expected, coarse, rule, generic), resampled)]
    return [str(passes), *lines] if lines else []
