"""The pipeline file as objects: what TOML structures into, and what a Python file may build itself.

Options of plugin components stay raw mappings here: their Config classes are known only once plugins are loaded,
and planning structures them then.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import attrs

from basalt.config.spellings import Duration, Name, State, TimeOfDay
from basalt.options import option


@attrs.frozen
class SourceEntry:
    """`[source]`: where tables come from. Every other key is an option of that source."""

    type: str = option("name of an installed source, as `parquet`")
    options: Mapping[str, Any] = attrs.field(factory=dict, kw_only=True)


@attrs.frozen
class OutputEntry:
    """`[[outputs]]`: where results go. Every other key is an option of that output."""

    type: str = option("name of an installed output, as `parquet`")
    name: Name | None = option("what {output} stands for in path templates; default: its type", default=None)
    options: Mapping[str, Any] = attrs.field(factory=dict, kw_only=True)


@attrs.frozen
class TransformEntry:
    """`[[passes.preprocess]]`: a transform before the modules. Every other key is an option of that transform."""

    transform: str = option("name of an installed transform, as `market_state`")
    options: Mapping[str, Any] = attrs.field(factory=dict, kw_only=True)


@attrs.frozen
class ModuleEntry:
    """`[[passes.modules]]`: one use of a module. Every other key is an option of that module."""

    module: str = option("name of an installed module, as `trade`")
    prefix: str = option("put in front of every column the module emits", default="")
    source: str | None = option("the earlier pass that a series module reads", default=None)
    options: Mapping[str, Any] = attrs.field(factory=dict, kw_only=True)


@attrs.frozen
class PassConfig:
    """`[[passes]]`: a bucket rule and an ordered list of modules."""

    name: Name = option("what the pass is called")
    every: Duration | None = option("bucket width, as `1m`; required for a pass that reads tables", default=None)
    label: Literal["end", "start"] | None = option(
        "which edge names a bucket: `end`, or its source's for a pass that reads an earlier one", default=None
    )
    closed: Literal["right", "left"] | None = option(
        "which edge belongs to a bucket: `right`, or its source's for a pass that reads an earlier one", default=None
    )
    origin: TimeOfDay | None = option(
        "UTC time of day the buckets count from, as `09:30` or `09:30:00.5`: midnight, or its source's", default=None
    )
    market_states: State | list[State] | None = option(
        "states whose rows count, for modules that set none; a state, a list, or 'all'", default=None
    )
    preprocess: list[TransformEntry] = option("transforms before the modules, in order", factory=list)
    modules: list[ModuleEntry] = option("the modules of the pass, in order", factory=list)
    outputs: list[OutputEntry] | None = option("where this pass's result goes, instead of the run's", default=None)
    weights: bool = option("emit the hidden weights of weighted means", default=False)


@attrs.frozen
class DatesConfig:
    """`[dates]`: the trading dates of a run, where the command line names none."""

    from_: date | None = option("first date, inclusive", default=None)
    to: date | None = option("last date, inclusive", default=None)
    list_: list[date] | None = option("these dates alone", default=None)


@attrs.frozen
class PluginsConfig:
    """`[plugins]`: which plugins this pipeline uses."""

    files: list[str] = option("Python files that are plugins themselves", factory=list)
    prefer: dict[str, str] = option("component name to the distribution it is taken from", factory=dict)


@attrs.frozen
class PipelineConfig:
    """A pipeline file."""

    name: Name = option("what the pipeline is called")
    source: SourceEntry = option("where tables come from")
    passes: list[PassConfig] = option("the passes, in order")
    outputs: list[OutputEntry] = option("for every pass that sets none", factory=list)
    dates: DatesConfig = option("the trading dates of a run", factory=DatesConfig)
    plugins: PluginsConfig = option("which plugins this pipeline uses", factory=PluginsConfig)
    executor: str = option("how partitions are run: name of an installed executor", default="inline")
    state: str = option("folder of the ledger, relative to the pipeline file", default=".basalt")
    work: str = option("folder for intermediate files, relative to the pipeline file", default=".basalt/work")


ENTRIES = (SourceEntry, OutputEntry, TransformEntry, ModuleEntry)


def key_of(field: str) -> str:
    """The key a field has in a file: `from_` is `from`, so that Python's own words can be keys."""
    return field.removesuffix("_")


def keys_of(config_class: type) -> list[str]:
    """The keys that a table of this class may have; an entry takes any others as options of its component."""
    return [key_of(f.name) for f in attrs.fields(config_class) if config_class not in ENTRIES or f.name != "options"]
