"""Which commands there are, by metadata alone: neither click nor any plugin is imported here.

A command's *path* is the name of its entry point: `pipeline`, or `analytics.browse` below the group `analytics`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from basalt.plugins.installed import COMMANDS, Declared, canonical
from basalt.plugins.switches import Switches

OURS = {
    "analytics": ("basalt-core", "List and explain the installed analytics."),
    "analytics.browse": ("basalt-ui", "Browse the installed analytics in the terminal."),
    "dagster": ("basalt-dagster", "Pipelines as Dagster assets."),
    "dagster.definitions": ("basalt-dagster", "Show the Dagster assets that a pipeline becomes."),
    "data": ("basalt-io", "Make market data."),
    "data.simulate": ("basalt-io", "Simulate market days and write them as Parquet."),
    "demo": ("basalt-core", "Run a simulated day through three passes and print what comes out."),
    "pipeline": ("basalt-core", "Run, plan and check pipelines."),
    "plugins": ("basalt-core", "List, diagnose, enable and disable plugins."),
    "runs": ("basalt-core", "List what ran, and show what a run did."),
}


class Offer(NamedTuple):
    """A command: who declares it. `givers` is empty for a group that only holds others, several when contested."""

    path: str
    givers: tuple[Declared, ...]
    summary: str


def offers(entries: Sequence[Declared], switches: Switches) -> dict[str, Offer]:
    """Every command by path, groups that only hold others included, sorted."""
    commands = [e for e in entries if e.group == COMMANDS and not switches.disables(e.distribution)]
    paths = {part for e in commands for part in upwards(e.name)}
    found = {}
    for path in sorted(paths):
        givers = tuple({e.distribution: e for e in commands if e.name == path}.values())
        below = [e for e in commands if e.name.startswith(path + ".")]
        found[path] = Offer(path, givers, _summary(path, [e.distribution for e in givers or below]))
    return found


def absent(found: dict[str, Offer], entries: Sequence[Declared]) -> dict[str, str]:
    """Commands of our distributions that are not installed, with the distribution that brings each."""
    installed = {canonical(e.distribution) for e in entries}
    return {path: owner for path, (owner, _) in OURS.items() if path not in found and owner not in installed}


def _summary(path: str, distributions: Sequence[str]) -> str:
    owner, sentence = OURS.get(path, ("", ""))
    names = list(dict.fromkeys(distributions))
    return sentence if [*map(canonical, names)] == [owner] else "from " + ", ".join(names)


def upwards(path: str) -> list[str]:
    """A path and the groups above it, the topmost first."""
    parts = path.split(".")
    return [".".join(parts[: n + 1]) for n in range(len(parts))]
