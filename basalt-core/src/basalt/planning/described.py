"""A plan in plain data: what `basalt pipeline plan` prints."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import attrs

from basalt.config.model import ExecutorEntry
from basalt.planning.estimate import PassEstimate, estimates
from basalt.planning.footers import Footers
from basalt.planning.partitions import Partition
from basalt.planning.plan import Plan
from basalt.planning.program import Program
from basalt.planning.standing import run_of
from basalt.planning.status import Status
from basalt.running.left import Left
from basalt.running.peak import resident

UNKNOWN = "unknown"


def describe(plan: Plan, left: Left) -> dict[str, Any]:
    """The plan as JSON values: what there is on disk, where every partition stands, and what those to do would take."""
    footers = Footers(plan)
    estimated = estimates(plan, left, footers)
    executor = plan.config.executor
    todo = {partition for name in plan.names for partition in left.todo(name)}
    return {
        "pipeline": plan.config.name,
        "source": plan.source.name,
        "promises": attrs.asdict(plan.source.promises),
        "executor": executor.type if isinstance(executor, ExecutorEntry) else executor,
        "universes": list(plan.universes),
        "to_do": len(todo),
        "to_look_at_again": len(left.tasks) - len(todo),
        "partitions": [_partition(plan, left, partition) for partition in plan.partitions],
        "passes": [_pass(plan, program, left, footers, estimated.passes) for program in plan.programs],
        "notes": [*plan.notes, *estimated.notes, *_unreadable(footers)],
    }


def _partition(plan: Plan, left: Left, partition: Partition) -> dict[str, Any]:
    stands = {name: _status(left, partition, name) for name in plan.names}
    return {
        "date": str(partition.date),
        "universe": partition.universe,
        "passes": {name: _without_blank(kind, reason) for name, (kind, reason) in stands.items()},
    }


def _status(left: Left, partition: Partition, name: str) -> tuple[str, str]:
    if partition in left.unknown:
        return UNKNOWN, left.unknown[partition]
    found: Status = left.found[partition][name]
    return found.kind, found.reason


def _without_blank(kind: str, reason: str) -> dict[str, str]:
    return {"status": kind, **({"reason": reason} if reason else {})}


def _pass(
    plan: Plan, program: Program, left: Left, footers: Footers, estimated: Sequence[PassEstimate]
) -> dict[str, Any]:
    stands = [_status(left, partition, program.name) for partition in plan.partitions]
    days = [partition.date for partition in plan.partitions]
    sizes = {table: footers.total(table, days) for table in (*program.reads, *program.published)}
    return {
        "pass": program.name,
        "rule": program.rule.describe(),
        "timeline": program.timeline.describe(),
        "scope": program.scope,
        "keys": [*program.result.keys, "TimeBucket"],
        "reads": {table: list(columns) for table, columns in program.reads.items()},
        "on_disk": {table: attrs.asdict(size) if size else None for table, size in sizes.items()},
        "sources": program.sources,
        "history": program.history,
        "modules": [entry.module for entry in program.config.modules],
        "columns": len(program.result.visible),
        "aggregations": len(program.aggregations),
        "statuses": dict(Counter(kind for kind, _ in stands)),
        "reasons": {kind: dict(Counter(why for each, why in stands if each == kind)) for kind in ("stale", UNKNOWN)},
        "estimates": [_estimate(one) for one in estimated if one.name == program.name],
        "outputs": [plan.places(program.name, one, run_of(plan, program.name, one)) for one in plan.partitions],
    }


def _estimate(one: PassEstimate) -> dict[str, Any]:
    """`memory`: with what the process holds anyway, so that it compares with the peaks of runs."""
    found = attrs.asdict(one)
    del found["name"]
    if one.memory is not None:
        found["memory"] = one.memory + resident()
    return found


def _unreadable(footers: Footers) -> list[str]:
    """Of many only the first, which tells what to look at."""
    several = len(footers.unreadable)
    first = next(iter(footers.unreadable.items()), None)
    if first is None:
        return []
    (table, day), said = first
    more = f", and of {several - 1} more" if several > 1 else ""
    return [f"the size of {table} on {day}{more} is unknown: {said}"]
