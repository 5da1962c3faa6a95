"""The pipeline file as objects: what TOML structures into, and what a Python file may build itself.

Options of plugin components stay raw mappings here: their Config classes are known only once plugins are loaded,
and planning structures them then.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import attrs

from basalt.config.moments import Moment
from basalt.config.spellings import Duration, Name, Size, State, TimeOfDay
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
    side_outputs: list[str] | None = option(
        "side outputs of the pass that go here, made for it if need be; default: each one that is made", default=None
    )
    dedupe: Literal["keys"] | None = option(
        "`keys`: of rows that a module returns with the same keys and bucket the last is kept, and the others are told "
        "of; where not set, such rows are refused. The same for all outputs of a pass",
        default=None,
    )
    index: bool | Name = option(
        "a column behind all others that numbers the rows of each partition from 0: its name, or `true` for RowNumber; "
        "left out again where a pipeline reads the rows",
        default=False,
    )
    options: Mapping[str, Any] = attrs.field(factory=dict, kw_only=True)


@attrs.frozen
class ExecutorEntry:
    """`[executor]`: how partitions are run. Every other key is an option of that executor."""

    type: str = option("name of an installed executor, as `processes`")
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
    tables: dict[str, str] = option(
        "what the module reads in a table's place: another table, or `pass:name`, a side output of an earlier pass",
        factory=dict,
    )
    options: Mapping[str, Any] = attrs.field(factory=dict, kw_only=True)


@attrs.frozen
class SessionConfig:
    """`session`: the trading hours of every listing of a pass, local to a time zone."""

    start: TimeOfDay = option("local time the session starts, as `08:00`")
    end: TimeOfDay = option("local time the session ends, as `16:30`; not after start: it ends the next day")
    tz: str = option("time zone of both, as `Europe/London`", default="UTC")


@attrs.frozen
class QualityEntry:
    """`[[passes.quality]]`: what the published values of some columns must be. Checked before anything is published."""

    columns: str | list[str] = option("names of columns and keys, or patterns, as `Spread*`", default="*")
    max_null_rate: float | None = option("largest share of rows that are null or NaN, from 0 to 1", default=None)
    min: float | Moment | None = option(
        "least value: a number, or for timestamps a UTC stamp or a UTC time of day, as `08:00`; nulls pass",
        default=None,
    )
    max: float | Moment | None = option(
        "greatest value: a number, or for timestamps a UTC stamp or a UTC time of day, as `24:00`; nulls pass",
        default=None,
    )
    min_rows: int | None = option("least number of rows of the partition", default=None)
    max_rows: int | None = option("greatest number of rows of the partition", default=None)
    on_fail: Literal["warn", "raise"] = option("`raise` publishes nothing of that partition", default="raise")


@attrs.frozen
class ExpectConfig:
    """`[passes.expect]`: what a pass's rows must be as a whole. That its keys are unique is always checked."""

    coverage: float | None = option(
        "least share of the universe's listings (of its instruments, for a pass keyed by them) that have a row, "
        "from 0 to 1",
        default=None,
    )
    preserves_rows_of: str | None = option(
        "earlier pass of the same keys and buckets, all of whose rows and no others this one must have", default=None
    )
    monotone: bool = option(
        "rows ascend by key and bucket, and every bucket is on the pass's own grid; buckets may be left out",
        default=False,
    )
    on_fail: Literal["warn", "raise"] = option("`raise` publishes nothing of that partition", default="raise")


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
    keys: list[str] | None = option(
        "columns that group the rows, the table's own key first, as `['ListingId', 'Venue']`; default: that key alone",
        default=None,
    )
    timeline: Literal["sparse", "dense", "daily"] | None = option(
        "which rows there are: buckets with an event, every bucket of the session, or one row a date; `sparse`, or the "
        "rows its modules return for a pass that reads no table",
        default=None,
    )
    session: SessionConfig | None = option("trading hours, where neither state nor calendar tells them", default=None)
    calendar: str | None = option("MIC whose hours in table `calendar` are the session, as `XLON`", default=None)
    halts: Literal["drop", "keep"] = option(
        "whether a dense timeline keeps buckets that lie wholly inside a halt", default="drop"
    )
    market_states: State | list[State] | None = option(
        "states whose rows count, for modules that set none; a state, a list, or 'all'", default=None
    )
    preprocess: list[TransformEntry] = option("transforms before the modules, in order", factory=list)
    modules: list[ModuleEntry] = option("the modules of the pass, in order", factory=list)
    outputs: list[OutputEntry] | None = option("where this pass's result goes, instead of the run's", default=None)
    side_outputs: dict[str, Literal["auto", "always", "never"]] = option(
        "by side output: `auto` makes it where a later pass or an output asks for it", factory=dict
    )
    weights: bool = option("emit the hidden weights of weighted means", default=False)
    memory: Size | None = option("memory a batch of this pass may take, as `2GB`: the run's", default=None)
    quality: list[QualityEntry] = option("checks of the values, before publishing", factory=list)
    expect: ExpectConfig = option("checks of the rows, before publishing", factory=ExpectConfig)


@attrs.frozen
class DatesConfig:
    """`[dates]`: the trading dates of a run, where the command line names none."""

    from_: date | None = option("first date, inclusive", default=None)
    to: date | None = option("last date, inclusive", default=None)
    list_: list[date] | None = option("these dates alone", default=None)
    calendar: str | None = option(
        "`weekdays`, or a MIC of table `calendar`, as `XLON`: which dates are trading dates; default: the list, or "
        "those with data",
        default=None,
    )


@attrs.frozen
class UniverseConfig:
    """`[universes.NAME]`: the listings of one partition. Exactly one of the keys."""

    where: str | None = option("SQL over the rows of table `reference`, as `MIC = 'XLON' AND IsPrimary`", default=None)
    file: str | None = option(
        "CSV, text or Parquet file with a column ListingId, and a Date where rows are of one date; relative to the "
        "pipeline file",
        default=None,
    )
    python: str | None = option(
        "`module:function`, or `file.py:function`, of (reference, date), which returns listings", default=None
    )


@attrs.frozen
class SchemaLockConfig:
    """`[schema_lock]`: the columns and dtypes of every pass, kept in a file under version control."""

    mode: Literal["off", "warn", "raise", "update"] = option("what happens where the plan differs", default="off")
    file: str = option("the lock file, relative to the pipeline file", default="basalt.lock.json")


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
    universes: dict[Name, UniverseConfig] = option("listings of each partition, by name; none: all", factory=dict)
    plugins: PluginsConfig = option("which plugins this pipeline uses", factory=PluginsConfig)
    executor: str | ExecutorEntry = option(
        "how partitions are run: name of an installed executor, or a table with its type and options", default="inline"
    )
    workers: int | None = option("partitions run at a time; the executor decides where not set", default=None)
    retries: int = option("how often a partition that failed is run again at once", default=0)
    memory: Size | None = option("memory of the whole run, as `4GB`: 60 % of what is free", default=None)
    schema_lock: SchemaLockConfig = option("columns and dtypes as agreed", factory=SchemaLockConfig)
    state: str = option("folder of the ledger, relative to the pipeline file", default=".basalt")
    work: str = option("folder for intermediate files, relative to the pipeline file", default=".basalt/work")


ENTRIES = (SourceEntry, OutputEntry, ExecutorEntry, TransformEntry, ModuleEntry)


def key_of(field: str) -> str:
    """The key a field has in a file: `from_` is `from`, so that Python's own words can be keys."""
    return field.removesuffix("_")


def keys_of(config_class: type) -> list[str]:
    """The keys that a table of this class may have; an entry takes any others as options of its component."""
    return [key_of(f.name) for f in attrs.fields(config_class) if config_class not in ENTRIES or f.name != "options"]
