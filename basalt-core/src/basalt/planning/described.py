"""A plan in plain data: what `basalt pipeline plan` prints."""

from typing import Any

import attrs

from basalt.planning.plan import Plan
from basalt.planning.program import Program


def describe(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values."""
    return {
        "pipeline": plan.config.name,
        "source": plan.source.name,
        "promises": attrs.asdict(plan.source.promises),
        "partitions": [{"date": str(p.date), "universe": p.universe} for p in plan.partitions],
        "passes": [_described(plan, program) for program in plan.programs],
        "notes": list(plan.notes),
    }


def _described(plan: Plan, program: Program) -> dict[str, Any]:
    return {
        "pass": program.name,
        "rule": program.rule.describe(),
        "timeline": program.timeline.describe(),
        "scope": program.scope,
        "keys": [*program.result.keys, "TimeBucket"],
        "reads": {table: list(columns) for table, columns in program.reads.items()},
        "sources": program.sources,
        "history": program.history,
        "modules": [entry.module for entry in program.config.modules],
        "columns": len(program.result.visible),
        "aggregations": len(program.aggregations),
        "outputs": [plan.places(program.name, partition) for partition in plan.partitions],
    }
