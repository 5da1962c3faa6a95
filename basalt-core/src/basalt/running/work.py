"""Work: a run as something that can travel to another process, where the plan is made again from plain data.

Expressions and open sources stay behind; a worker whose plan would compute anything else is refused.
"""

from collections.abc import Callable, Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs

from basalt.config.model import PipelineConfig
from basalt.errors import PluginError, UserError
from basalt.planning.dates import Asked
from basalt.planning.partitions import Partition
from basalt.planning.plan import Plan, draft
from basalt.plugins.registry import open_registry
from basalt.running.events import Event
from basalt.running.partition import PartitionRun
from basalt.running.peak import budget
from basalt.running.spool import Spool

Tell = Callable[[Event], None]


@attrs.frozen
class Job:
    """A run, as plain data. `files`, `prefer`: of its plugins. `definitions`: by pass, what it computes."""

    config: PipelineConfig
    folder: Path
    files: tuple[Path, ...] | None
    prefer: Mapping[str, str]
    dates: tuple[date, ...]
    universes: tuple[str, ...]
    definitions: Mapping[str, str]
    run: str
    only: tuple[str, ...]
    force: bool


def job_of(plan: Plan, run: str, only: tuple[str, ...], force: bool) -> Job:
    """The run of a plan as it travels."""
    files, prefer = plan.registry.files, dict(plan.registry.prefer)
    universes = tuple(plan.universes) if plan.config.universes else ()
    facts = (tuple(plan.dates.days), universes, plan.definitions, run, only, force)
    return Job(plan.config, plan.folder, None if files is None else tuple(files), prefer, *facts)


class Work:
    """Computes and publishes one partition: what an executor spreads. Pickled, it is its job alone."""

    def __init__(self, job: Job, plan: Plan) -> None:
        self.job = job
        self._plan: Plan | None = plan
        self._memory: int | None = None

    def __call__(self, partition: Partition, tell: Tell, share: float = 1.0) -> None:
        """Run it with this share of the memory; events go to `tell`. Raises BasaltError where it stops."""
        plan, job = self.plan, self.job
        spool = Spool(plan.folder / plan.config.work / job.run)
        PartitionRun(plan, partition, spool, tell, job.run, job.only, job.force, self.memory, share)()

    @property
    def versions(self) -> dict[str, str]:
        """Distributions whose code makes the results, with their versions."""
        columns = [column for program in self.plan.programs for column in program.result.columns]
        return {"basalt-core": version("basalt-core"), **{c.distribution: c.version for c in columns if c.version}}

    @property
    def memory(self) -> int:
        """Bytes the run may take; where it does not say, by what is free when this process first asks."""
        if self._memory is None:
            self._memory = budget(self.job.config.memory)
        return self._memory

    @property
    def plan(self) -> Plan:
        """The plan of this process."""
        if self._plan is None:
            self._plan = _planned_again(self.job)
        return self._plan

    def __getstate__(self) -> dict[str, Any]:
        if self.job.files is None:
            raise UserError("plugins given as objects stay in their process: install them, or give them as files")
        return {"job": self.job, "_plan": None, "_memory": None}


def _planned_again(job: Job) -> Plan:
    registry = open_registry(job.files or (), job.prefer)
    plan = draft(job.config, registry, job.folder, Asked(job.dates), job.universes)
    other = sorted(name for name, text in plan.definitions.items() if job.definitions[name] != text)
    if other:
        raise PluginError(
            f"a worker would compute passes.{other[0]} by other code than the process that planned it: install the "
            "same versions of basalt and its plugins on all of them"
        )
    return plan
