"""Where a plan's partitions stand: the key each pass would be published under now, and what the ledger has."""

from collections.abc import Mapping
from datetime import date

import attrs

from basalt.planning.held import changed_since
from basalt.planning.keys import Key, content_key
from basalt.planning.partitions import Partition
from basalt.planning.plan import Plan
from basalt.planning.status import Status, status_of
from basalt.running.ledger import Record


def keys_of(plan: Plan, partition: Partition) -> dict[str, Key]:
    """The key of every pass of the partition; previous dates count by what is published of them now."""
    universe = plan.universes[partition.universe].fingerprint(plan.source, plan.schemas, partition.date)
    keys: dict[str, Key] = {}
    for program in plan.programs:
        earlier = {name: keys[name].digest for name in program.upstream}
        for name, dates in program.history.items():
            if name in program.published:
                days = previous_of(plan, name, partition.date, dates)
                earlier |= {f"{name}@{day}": plan.source.fingerprint(name, day) for day in days}
            else:
                earlier |= _previous(plan, name, partition, dates)
        keys[program.name] = content_key(program, plan.source, partition, universe, earlier, plan.beside(program))
    return keys


def previous_of(plan: Plan, table: str, day: date, dates: int) -> list[date]:
    """The previous dates, of so many, on which the source has that published result, oldest first."""
    there = set(plan.source.dates(table))
    return [previous for previous in plan.previous(day, dates) if previous in there]


def _previous(plan: Plan, name: str, partition: Partition, dates: int) -> dict[str, str]:
    days = plan.previous(partition.date, dates)
    records = {day: record_of(plan, name, attrs.evolve(partition, date=day)) for day in days}
    return {f"{name}@{day}": record.key for day, record in records.items() if record is not None}


def record_of(plan: Plan, name: str, partition: Partition) -> Record | None:
    """What the ledger has of that pass and partition; None where it has nothing that can be read."""
    found = plan.ledger.read(plan.target(name, partition, ""))
    return found if isinstance(found, Record) else None


def run_of(plan: Plan, name: str, partition: Partition) -> str | None:
    """The run that published that pass and partition; None where none has."""
    record = record_of(plan, name, partition)
    return record.run if record else None


def statuses(plan: Plan, partition: Partition, keys: Mapping[str, Key] | None = None) -> dict[str, Status]:
    """By pass: done, stale and why, or missing."""
    found = keys_of(plan, partition) if keys is None else keys
    return {name: _status(plan, name, partition, key) for name, key in found.items()}


def _status(plan: Plan, name: str, partition: Partition, key: Key) -> Status:
    record = plan.ledger.read(plan.target(name, partition, ""))
    if isinstance(record, Record) and record.key == key.digest:
        lacking = [side.side for side in plan.sides[name] if side.side not in record.side_outputs]
        if lacking:
            return Status("stale", f"its side output {lacking[0]} was not made")
    run = record.run if isinstance(record, Record) else None
    found = status_of(record, key, plan.places(name, partition, run))
    if found.kind != "done":
        return found
    for result in plan.results(name):
        for one in plan.outputs[result.name]:
            target = plan.target(result.name, partition, one.name, run)
            said = changed_since(one, target, key.digest)
            if said:
                return Status("stale", said)
    return found
