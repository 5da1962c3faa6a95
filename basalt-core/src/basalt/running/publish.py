"""Publishing: a pass's partition to all of its outputs, then its ledger entry; a reader sees all of it or none.

Staged everywhere first, committed one after another, recorded last: a run that stops in between is repeated, and
committing again replaces the same partition. A side output goes where its pass goes, under the name `{pass}.{side}`.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import attrs

from basalt.documents import PassResult, to_json
from basalt.errors import BasaltError, PublishError, one_line
from basalt.outputs import Output, Staged
from basalt.planning.partitions import Partition
from basalt.planning.plan import Plan
from basalt.planning.standing import ledger_of
from basalt.running import events
from basalt.running.ledger import Record

Tell = Callable[[events.Event], None]


@attrs.frozen(eq=False)
class Spooled:
    """One result of a pass, computed: its description, and its rows as files in order."""

    result: PassResult
    batches: Sequence[Path]


def publish(plan: Plan, partition: Partition, spooled: Sequence[Spooled], record: Record, tell: Tell) -> list[str]:
    """The places the pass, first of `spooled`, and its side outputs went to.

    PublishError where one failed: then nothing new is in the ledger.
    """
    name = spooled[0].result.name
    staged: list[tuple[Output, Staged]] = []
    try:
        for each in spooled:
            for output, waiting in _staged(plan, partition, each):
                staged.append((output, waiting))
                tell(events.Staged(name, partition.date, partition.universe, waiting.place))
        for output, waiting in staged:
            output.commit(waiting, record.key)
            tell(events.Committed(name, partition.date, partition.universe, waiting.place))
    except Exception as error:
        for output, waiting in staged:
            output.discard(waiting)
        if isinstance(error, BasaltError):
            raise
        raise PublishError(_sentence(name, partition, error)) from error
    places = [waiting.place for _, waiting in staged]
    try:
        ledger_of(plan).write(plan.target(name, partition, ""), attrs.evolve(record, places=places))
    except OSError as error:
        raise PublishError(_sentence(name, partition, error)) from error
    return places


def _staged(plan: Plan, partition: Partition, each: Spooled) -> Iterator[tuple[Output, Staged]]:
    document = to_json(each.result, pipeline=plan.config.name)
    for one in plan.outputs[each.result.name]:
        target = plan.target(each.result.name, partition, one.name)
        yield one.output, one.output.stage(target, each.batches, document)


def _sentence(name: str, partition: Partition, error: Exception) -> str:
    return f"passes.{name} on {partition} could not be published: {one_line(error)}; run it again"
