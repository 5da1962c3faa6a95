"""Building: a configured module made again and asked for all a plan needs of it, while queries it runs are watched."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl

from basalt.modules import BucketModule
from basalt.planning.plan import Plan
from basalt.planning.program import Program, context_of
from basalt.planning.uses import Use, empty_inputs

RUNNING: list[tuple[Any, str]] = [(pl, "collect_all"), (pl, "collect_all_async")]
RUNNING += [
    (pl.LazyFrame, n) for n in dir(pl.LazyFrame) if n.startswith(("collect", "sink_")) and n != "collect_schema"
]
"""What runs a lazy query. Work on frames in memory is not among them: it reads no rows of the data."""


def build(use: Use, program: Program, plan: Plan) -> Any:
    """What `compute` of a frame module returns on tables without rows; None for a bucket module, after its parts."""
    made = use.module
    if isinstance(made, BucketModule):
        for part in type(made)(made.config, made.columns, made.rule, made.known_after).parts():
            list(part.metrics)
        return None
    again = type(made)(made.config, made.columns_of, made.source, made.rule)
    again.columns()
    inputs = empty_inputs(use, program.columns_of, {p.name: p.result for p in plan.programs})
    return again.computed(inputs, context_of(program, plan.partitions[0].date)).rows


@contextmanager
def watched() -> Iterator[list[str]]:
    """The places (file:line) from which a lazy query is run inside the block."""
    places: list[str] = []
    originals = [(owner, name, getattr(owner, name)) for owner, name in RUNNING]
    for owner, name, original in originals:
        setattr(owner, name, _noting(original, places))
    try:
        yield places
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


def _noting(original: Any, places: list[str]) -> Any:
    def run(*args: Any, **kwargs: Any) -> Any:
        caller = sys._getframe(1)
        places.append(f"{caller.f_code.co_filename}:{caller.f_lineno}")
        return original(*args, **kwargs)

    return run
