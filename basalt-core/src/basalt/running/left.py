"""What is left to do of a plan, by where its partitions stand."""

from collections.abc import Mapping, Sequence

import attrs

from basalt.errors import one_line
from basalt.planning.partitions import Partition
from basalt.planning.plan import Plan
from basalt.planning.standing import statuses
from basalt.planning.status import Status
from basalt.running.executors import Task


@attrs.frozen(eq=False)
class Left:
    """`tasks`: partitions to run. `alone`: those to leave alone. `found`: by partition and pass, where it stands.
    `unknown`: partitions of which that cannot be told, and why; running them tells more."""

    tasks: Sequence[Task]
    alone: Sequence[Partition]
    found: Mapping[Partition, Mapping[str, Status]]
    unknown: Mapping[Partition, str]
    force: bool = False

    def todo(self, name: str) -> list[Partition]:
        """Partitions of which that pass would be computed, as they stand now."""
        return [task.partition for task in self.tasks if self.force or not self._done(task.partition, name)]

    def _done(self, partition: Partition, name: str) -> bool:
        return partition in self.found and self.found[partition][name].kind == "done"


def left_of(plan: Plan, names: Sequence[str], force: bool = False, only_missing: bool = False) -> Left:
    """What running these passes would do. A partition that reads previous dates waits for those of them that run, and
    what they publish decides whether it is done.

    `force`: all of them, wherever they stand. `only_missing`: none whose every pass was published before.
    """
    tasks: dict[Partition, Task] = {}
    alone: list[Partition] = []
    found, unknown = _standing(plan, names)
    reach = max((n for program in plan.programs for n in program.looks_back_to.values()), default=0)
    for partition in plan.partitions:
        before = [attrs.evolve(partition, date=day) for day in plan.previous(partition.date, reach)]
        after = frozenset(each for each in before if each in tasks)
        kinds = {status.kind for status in found.get(partition, {}).values()}
        published = only_missing and kinds and "missing" not in kinds
        if not force and ((kinds == {"done"} and not after) or published):
            alone.append(partition)
        else:
            tasks[partition] = Task(partition, after)
    return Left(list(tasks.values()), alone, found, unknown, force)


def _standing(plan: Plan, names: Sequence[str]) -> tuple[dict[Partition, dict[str, Status]], dict[Partition, str]]:
    found, unknown = {}, {}
    for partition in plan.partitions:
        try:
            every = statuses(plan, partition)
        except Exception as error:  # noqa: BLE001 - a source's door
            unknown[partition] = one_line(error)
        else:
            found[partition] = {name: status for name, status in every.items() if name in names}
    return found, unknown
