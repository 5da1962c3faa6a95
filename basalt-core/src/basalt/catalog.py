"""The catalogue: installed modules and every column they emit, for lists, explanations and browsers.

Columns of a module alone are those of its default configuration over tables that have every declared column; columns
of a pipeline are those its plan resolves.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

import attrs
import polars as pl

from basalt.config.json_schema import option_rows
from basalt.config.model import ModuleEntry, PassConfig
from basalt.documents import ResultColumn
from basalt.durations import format_duration
from basalt.errors import PluginError, UserError
from basalt.lineage import Node, lineage, lines
from basalt.metrics import Empty, Known, Rollup
from basalt.modules import BucketModule
from basalt.planning.inputs import declared_tables
from basalt.planning.known import Known as PlanKnown
from basalt.planning.plan import Plan
from basalt.planning.program import build_program
from basalt.plugins.components import Component
from basalt.plugins.failed import Failed, failure
from basalt.plugins.registry import Registry
from basalt.worked import Examples, Worked


@attrs.frozen
class Entry:
    """One column in the catalogue. `pass_name` and `options` say what made it; `formula` and the rest describe it.

    `example` works it out on the example day, or says why not.
    """

    column: ResultColumn
    pass_name: str | None
    options: dict[str, Any]
    inputs: Sequence[Node] = ()
    example: Callable[[], Worked | str] | None = None

    @property
    def null_rule(self) -> str:
        """What stands in a bucket the module has no row for."""
        return null_rule(self.column)


def modules(registry: Registry) -> list[dict[str, Any]]:
    """One row an installed module: name, tables, distribution, version, what it is."""
    return [_module_row(component, registry) for component in registry.components("analytics")]


def _module_row(component: Component, registry: Registry) -> dict[str, Any]:
    return {
        "module": component.name,
        "reads": ", ".join(_tables(component, registry)),
        "distribution": component.owner.distribution,
        "version": component.owner.version,
        "what": component.summary + _rivals(component),
    }


def _rivals(component: Component) -> str:
    """A mark for a name that several distributions offer."""
    others = ", ".join(found.distribution for found in component.rivals)
    return f" (also offered by {others}: choose with [plugins] prefer)" if others else ""


def _tables(component: Component, registry: Registry) -> Sequence[str]:
    made = component.attempt()
    if isinstance(made, Failed):
        registry.take(made)
        return ["could not be loaded"]
    if issubclass(made, BucketModule):
        return [made.table, *made.further]
    return ["an earlier pass" if name == "source" else name for name in made.inputs]


def default_columns(registry: Registry) -> list[Entry]:
    """Columns that installed modules emit when nothing is configured; a module that needs options or an earlier pass
    has none here."""
    schemas = declared_tables(registry)
    everything = {name: dict(pl.Schema(schema.every_column())) for name, schema in schemas.items()}
    known = PlanKnown(registry, schemas, everything, "any", date(1970, 1, 1))
    found: list[Entry] = []
    for component in registry.components("analytics"):
        try:
            entry = ModuleEntry(module=component.name)
            one = PassConfig(name="default", every="1m", modules=[entry])
            program = build_program(one, known)
        except UserError:  # it needs options or an earlier pass
            continue
        except PluginError as error:
            registry.take(failure(component.owner, f"could not plan its module {component.name!r}", error))
            continue
        examples = Examples([one], registry)
        found += [
            Entry(
                column,
                None,
                {"module": component.name},
                lineage(column.reads, {}, schemas),
                partial(examples.of, one.name, entry, column),
            )
            for column in program.result.visible
        ]
    return found


def planned_columns(plan: Plan) -> list[Entry]:
    """Columns the pipeline's passes emit."""
    results = {program.name: program.result for program in plan.programs}
    examples = Examples([program.config for program in plan.programs], plan.registry)
    return [
        Entry(
            column,
            program.name,
            _options(entry),
            lineage(column.reads, results, plan.schemas),
            partial(examples.of, program.name, entry, column),
        )
        for program in plan.programs
        for column, entry in ((c, program.entries[c.name]) for c in program.result.visible)
    ]


def _options(entry: ModuleEntry) -> dict[str, Any]:
    """A module entry as the configuration has it."""
    own = {"prefix": entry.prefix, "source": entry.source}
    return {"module": entry.module, **{k: v for k, v in own.items() if v}, **entry.options}


def module_explanation(registry: Registry, name: str, columns: Sequence[str]) -> dict[str, Any] | None:
    """A module by label: what it is, its options, the columns it emits; None where none of that name is installed."""
    if name not in registry.names("analytics"):
        return None
    component = registry.get("analytics", name)
    owner = component.owner
    return {
        "module": name,
        "what": component.summary,
        "plugin": f"{owner.distribution} {owner.version}".strip(),
        "options": option_rows(component.load().Config),
        "columns": list(columns),
    }


def column_row(entry: Entry) -> dict[str, Any]:
    """A column in one line of a list."""
    column = entry.column
    row = {"column": column.name, "unit": column.unit.value, "module": column.module, "what": column.doc}
    return row if entry.pass_name is None else {"pass": entry.pass_name, **row}


def explanation(entry: Entry) -> dict[str, Any]:
    """Everything there is to say about a column, by label, in reading order."""
    column = entry.column
    return {
        "column": column.name,
        "what": column.doc,
        "formula": column.formula,
        "unit": column.unit.value,
        "dtype": str(column.dtype),
        "sign": column.sign or "not declared",
        "null rule": entry.null_rule,
        "rollup over time": rollup_text(column.over_time),
        "rollup over listings": rollup_text(column.over_listings),
        "known": known_text(column.known_after),
        "reads": lines(entry.inputs),
        "citation": column.citation,
        "module": column.module,
        "plugin": f"{column.distribution} {column.version}".strip(),
        "pass": entry.pass_name,
        "made by": entry.options,
        "example": _example(entry),
    }


def _example(entry: Entry) -> dict[str, Any] | str:
    """The worked example as data: rows read by table, and the column by bucket."""
    worked = entry.example() if entry.example else "none is offered"
    if isinstance(worked, str):
        return f"none: {worked}"
    return {"every": worked.every, **worked.tables, "result": worked.result}


def null_rule(column: ResultColumn) -> str:
    """The empty rule in words."""
    if column.max_age is None:
        return _empty_rule(column)
    return f"{_empty_rule(column)}; null where its last row is older than {format_duration(column.max_age)} at the end"


def _empty_rule(column: ResultColumn) -> str:
    if column.idle is not None:
        return f"{column.idle:g} in a bucket without rows behind one of the same stretch that has a value"
    return {
        Empty.ZERO: "0 in a bucket of the timeline without matching rows",
        Empty.NULL: "null in a bucket without matching rows, and wherever it is not defined",
        Empty.CARRY: f"in a bucket without rows, the last {column.carries or 'value'} of the same stretch",
    }[column.empty]


def rollup_text(rollup: Rollup) -> str:
    """A rollup in words."""
    text = f"mean weighted by {rollup.weight}" if rollup.kind == "mean" else rollup.kind
    return text if rollup.limit is None else f"{text}, within one {rollup.limit}"


def known_text(known_after: timedelta | Known) -> str:
    """A knowledge lag in words."""
    if isinstance(known_after, Known):
        return "when the date is over"
    if not known_after:
        return "at the bucket's end"
    return f"{known_after.total_seconds():g} s after the bucket's end"
