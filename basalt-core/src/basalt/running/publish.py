"""Publishing: a pass's partition to all of its outputs, then its ledger entry; a reader sees all of it or none.

Staged everywhere first, committed one after another, recorded last: a run that stops in between is repeated, and
committing again replaces the same partition. An old record of other rows is suspended before the first commit. A side
output goes where its pass goes, under the name `{pass}.{side}`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path

import attrs

from basalt.documents import PassResult, to_json
from basalt.errors import BasaltError, PublishError, one_line
from basalt.leftovers import sweep
from basalt.outputs import Output, Staged
from basalt.planning.output_rows import described, index_of
from basalt.planning.partitions import Partition
from basalt.planning.plan import Plan
from basalt.running import events
from basalt.running.ledger import Record
from basalt.running.spool import numbered

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
    facts = (name, partition.date, partition.universe)
    waiting: list[tuple[Output, Staged]] = []
    places: list[str] = []
    with _discarding(waiting, name, partition):
        for each in spooled:
            for output, staged in _staged(plan, partition, each, record):
                waiting.append((output, staged))
                tell(events.Staged(*facts, staged.place))
        _suspend(plan, name, partition, record)
        while waiting:
            output, staged = waiting[0]
            output.commit(staged, record.key)
            del waiting[0]
            places.append(staged.place)
            tell(events.Committed(*facts, staged.place))
    target = plan.target(name, partition, "")
    with _recording(plan, name, partition):
        plan.ledger.write(target, attrs.evolve(record, places=places))
    return places


def sweep_places(plan: Plan, runs: Sequence[str]) -> None:
    """Remove what killed `runs` left where the plan's partitions go: most of it goes when a partition is published
    again, but what is done already is not."""
    for name, partition in product(plan.names, plan.partitions):
        sweep(plan.ledger.path(plan.target(name, partition, "")))
        for result in plan.results(name):
            for one, run in product(plan.outputs[result.name], runs):
                with suppress(Exception):  # an output's door, and what it leaves harms no reader
                    one.output.sweep(plan.target(result.name, partition, one.name, run))


def _suspend(plan: Plan, name: str, partition: Partition, record: Record) -> None:
    """A record of other rows than those of `record`."""
    target = plan.target(name, partition, "")
    with _recording(plan, name, partition):
        old = plan.ledger.read(target)
        if old is not None and not (isinstance(old, Record) and old.key == record.key):
            plan.ledger.suspend(target, record.run)


@contextmanager
def _discarding(waiting: Sequence[tuple[Output, Staged]], name: str, partition: Partition) -> Iterator[None]:
    """Remove what waits still where anything stops, an interruption included."""
    try:
        yield
    except BaseException as error:
        for output, staged in waiting:
            with suppress(Exception):  # an output's door, and the first error counts
                output.discard(staged)
        if isinstance(error, BasaltError) or not isinstance(error, Exception):
            raise
        why = f"{one_line(error)}; run it again"
        raise PublishError(f"passes.{name} on {partition} could not be published: {why}") from error


@contextmanager
def _recording(plan: Plan, name: str, partition: Partition) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = plan.ledger.path(plan.target(name, partition, ""))
        raise PublishError(
            f"passes.{name} on {partition}: its record {place} cannot be replaced ({one_line(error)}): mend that and "
            "run it again"
        ) from error


def _staged(plan: Plan, partition: Partition, each: Spooled, record: Record) -> Iterator[tuple[Output, Staged]]:
    facts = {"pipeline": plan.config.name, "key": record.key}
    for one in plan.outputs[each.result.name]:
        target = plan.target(each.result.name, partition, one.name, record.run)
        index = index_of(one.entry)
        if index is None:
            yield one.output, one.output.stage(target, each.batches, to_json(each.result, **facts))
        else:
            document = to_json(described(each.result, index), **facts, index=index)
            yield one.output, one.output.stage(target, numbered(each.batches, index), document)
