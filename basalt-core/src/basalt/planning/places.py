"""Places: the outputs of each pass, and that every partition has a place of its own that can be written."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from basalt.config.model import OutputEntry, PassConfig, PipelineConfig
from basalt.config.structure import structure
from basalt.errors import UserError
from basalt.outputs import Output, Target
from basalt.plugins.registry import Registry

if TYPE_CHECKING:
    from basalt.planning.plan import Plan


@attrs.frozen(eq=False)
class PlannedOutput:
    """One output of a pass, configured; `name` is what {output} stands for. `entry`: as the pipeline has it."""

    name: str
    output: Output
    entry: OutputEntry


def open_outputs(one: PassConfig, config: PipelineConfig, registry: Registry, folder: Path) -> Sequence[PlannedOutput]:
    """The pass's outputs: its own, or the run's where it sets none."""
    own = one.outputs is not None
    found = []
    for i, entry in enumerate(config.outputs if one.outputs is None else one.outputs):
        made = registry.get("outputs", entry.type).load()
        place = f"passes.{one.name}.outputs[{i}]" if own else f"outputs[{i}]"
        options = structure(made.Config, entry.options, place)
        found.append(PlannedOutput(entry.name or entry.type, made(options, folder), entry))
    return found


def check_places(plan: "Plan") -> None:
    """No two partitions of any pass go to one place, none into the source, and each folder can be written."""
    taken: dict[str, str] = {}
    folders: set[Path] = set()
    for mine, one, target in _targets(plan):
        place = one.output.place(target)
        other = taken.setdefault(place, mine)
        if other != mine:
            variables = "{pass}, {date} and {universe}" if plan.config.universes else "{pass} and {date}"
            raise UserError(f"{other} and {mine} both go to {place}: put {variables} in the path")
        _check_outside_source(plan, mine, place)
        if Path(place).parent not in folders:
            folders.add(Path(place).parent)
            one.output.check(target)


def _targets(plan: "Plan") -> Iterator[tuple[str, PlannedOutput, Target]]:
    for name, outputs in plan.outputs.items():
        for partition in plan.partitions:
            for i, one in enumerate(outputs):
                several = f" by output {i}" if len(outputs) > 1 else ""
                yield f"passes.{name} on {partition}{several}", one, plan.target(name, partition, one.name)


def _check_outside_source(plan: "Plan", mine: str, place: str) -> None:
    root = plan.source.root
    if root is not None and Path(place).is_relative_to(root.resolve()):
        raise UserError(
            f"{mine} would go to {place}, inside the folder {root} that source {plan.source.name!r} reads: give the "
            "output another root"
        )


def check_folders(config: PipelineConfig, folder: Path) -> None:
    """The ledger and the spool can be written."""
    for key, name in (("state", config.state), ("work", config.work)):
        wanted = folder / name
        there = next(parent for parent in (wanted, *wanted.parents) if parent.exists())
        if not there.is_dir() or not os.access(there, os.W_OK):
            why = "cannot be written" if there.is_dir() else "is a file"
            raise UserError(f"{key} = {name!r} cannot be used: {there} {why}; name another folder")
