"""Publishing: a pass's partition to all of its outputs, then its ledger entry; a reader sees all of it or none.

Staged everywhere first, committed one after another, recorded last: a run that stops in between is repeated, and
committing again replaces the same partition.
"""

from collections.abc import Sequence
from pathlib import Path

import attrs

from basalt.documents import to_json
from basalt.errors import BasaltError, PublishError, one_line
from basalt.outputs import Output, Staged
from basalt.planning.plan import Partition, Plan
from basalt.planning.program import Program
from basalt.running.ledger import Ledger, Record


def publish(
    plan: Plan,
    program: Program,
    partition: Partition,
    batches: Sequence[Path],
    ledger: Ledger,
    record: Record,
) -> list[str]:
    """The places the partition went to. PublishError where one failed: then nothing new is in the ledger."""
    name = program.name
    document = to_json(program.result, pipeline=plan.config.name)
    staged: list[tuple[Output, Staged]] = []
    try:
        for one in plan.outputs[name]:
            target = plan.target(name, partition, one.name)
            staged.append((one.output, one.output.stage(target, batches, document)))
        for output, waiting in staged:
            output.commit(waiting, record.key)
    except Exception as error:
        for output, waiting in staged:
            output.discard(waiting)
        if isinstance(error, BasaltError):
            raise
        raise PublishError(_sentence(name, partition, error)) from error
    places = [waiting.place for _, waiting in staged]
    try:
        ledger.write(plan.target(name, partition, ""), attrs.evolve(record, places=places))
    except OSError as error:
        raise PublishError(_sentence(name, partition, error)) from error
    return places


def _sentence(name: str, partition: Partition, error: Exception) -> str:
    return f"passes.{name} on {partition.date} could not be published: {one_line(error)}; run it again"
