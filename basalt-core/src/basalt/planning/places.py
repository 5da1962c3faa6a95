"""Places: the outputs of each pass, and that every partition has a place of its own that can be written."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import attrs

from basalt.config.model import OutputEntry, PassConfig, PipelineConfig
from basalt.config.structure import structure
from basalt.errors import UserError
from basalt.leftovers import run_id
from basalt.outputs import Output, Target
from basalt.planning.universe import EVERYTHING
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


def read_from(outputs: Sequence[PlannedOutput]) -> PlannedOutput | None:
    """The first that replaces partitions: what it holds of one is what was published last. Others add to what is there,
    so nothing is read back from them."""
    return next((one for one in outputs if one.output.replaces), None)


def unread(outputs: Sequence[PlannedOutput]) -> str:
    """Why nothing is read back from any of them, as words that follow on "which"."""
    return "has no output that replaces partitions, as mode 'replace' does" if outputs else "has no output"


def check_places(plan: "Plan") -> None:
    """No two partitions of any pass go to one place, none into the source, and each folder can be written.

    Text rather than paths: a plan may have thousands of places.
    """
    taken: dict[str, _Going] = {}
    folders: set[str] = set()
    run = run_id()  # one such as the run will have, for names may become too long
    source = beginning(plan.source.root)
    for going in _all_going(plan):
        place = going.one.output.place(going.target)
        if place in taken:
            raise UserError(_sentence(plan, taken[place], going, place))
        taken[place] = going
        if source and beginning(place).startswith(source):
            raise UserError(
                f"{going} would go to {place}, inside {plan.source.root}, which source {plan.source.name!r} reads: "
                "give the output another root"
            )
        folder = os.path.dirname(place)
        if folder not in folders:
            folders.add(folder)
            going.one.output.check(attrs.evolve(going.target, run=run))


class _Going(NamedTuple):
    """One partition of a result on its way to one output; `number`: of several outputs, which."""

    target: Target
    one: PlannedOutput
    number: int | None

    def __str__(self) -> str:
        several = "" if self.number is None else f" by output {self.number}"
        universe = "" if self.target.universe == EVERYTHING else f" {self.target.universe}"
        return f"passes.{self.target.pass_name} on {self.target.date}{universe}{several}"


def _all_going(plan: "Plan") -> Iterator[_Going]:
    for name, outputs in plan.outputs.items():
        for partition in plan.partitions:
            for i, one in enumerate(outputs):
                yield _Going(plan.target(name, partition, one.name), one, i if len(outputs) > 1 else None)


def _sentence(plan: "Plan", first: _Going, second: _Going, place: str) -> str:
    variables = "{pass}, {date} and {universe}" if plan.config.universes else "{pass} and {date}"
    return f"{first} and {second} both go to {place}: put {variables} in the path"


def beginning(root: Path | str | None) -> str:
    """What the place of everything inside begins with; empty where nothing is known of it. An address is as it is
    written, a folder where links lead."""
    if root is None:
        return ""
    return os.path.join(root if isinstance(root, str) else os.path.realpath(root), "")


def check_folders(config: PipelineConfig, folder: Path) -> None:
    """The ledger and the spool can be written."""
    for key, name in (("state", config.state), ("work", config.work)):
        wanted = folder / name
        there = next(parent for parent in (wanted, *wanted.parents) if parent.exists())
        if not there.is_dir() or not os.access(there, os.W_OK):
            why = "cannot be written" if there.is_dir() else "is a file"
            raise UserError(f"{key} = {name!r} cannot be used: {there} {why}; name another folder")
