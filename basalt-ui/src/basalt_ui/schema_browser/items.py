"""Items: the lines of the browser, made from core's catalogue.

An *item* is a module or a column. Making one is cheap; its *explanation*, labels with values in reading order beneath
its name, is made when it is looked at.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from basalt.catalog import Entry, default_columns, explanation, modules, planned_columns
from basalt.config.json_schema import option_rows
from basalt.documents import PassResult
from basalt.errors import BasaltError
from basalt.planning.inputs import declared_tables
from basalt.planning.plan import Plan
from basalt.plugins.components import Component
from basalt.plugins.registry import Registry
from basalt.tables import TableSchema
from basalt_ui.schema_browser.lineage import lineage

MODULE = "module"


@attrs.frozen(eq=False)
class Item:
    """One line. `unit` is "module" for a module; `pass_name` is None where no pipeline is browsed."""

    name: str
    unit: str
    module: str
    what: str
    explain: Callable[[], dict[str, Any]]
    pass_name: str | None = None


def installed_items(registry: Registry) -> list[Item]:
    """Every installed module, then every column that modules emit when nothing is configured."""
    schemas = declared_tables(registry)
    entries = default_columns(registry)
    return [*_modules(registry, entries), *(column_item(entry, {}, schemas) for entry in entries)]


def planned_items(plan: Plan, registry: Registry) -> list[Item]:
    """The modules that a pipeline uses, then every column that its passes emit."""
    results = {program.name: program.result for program in plan.programs}
    entries = planned_columns(plan)
    used = {one.module for program in plan.programs for one in program.config.modules}
    named = [item for item in _modules(registry, entries) if item.name in used]
    return [*named, *(column_item(entry, results, plan.schemas) for entry in entries)]


def _modules(registry: Registry, entries: Sequence[Entry]) -> list[Item]:
    pairs = zip(registry.components("analytics"), modules(registry), strict=True)
    return [
        Item(one.name, MODULE, one.name, one.summary, partial(_explained_module, one, row, entries))
        for one, row in pairs
    ]


def _explained_module(component: Component, row: Mapping[str, Any], entries: Sequence[Entry]) -> dict[str, Any]:
    mine = [entry.column for entry in entries if _made_by(component, entry)]
    return {
        "what": component.summary,
        "reads": row["reads"],
        "plugin": f"{component.owner.distribution} {component.owner.version}",
        "options": _options(component),
        "columns": list(dict.fromkeys(c.name for c in mine))
        or "depend on its options, or on the earlier pass it reads",
    }


def _made_by(component: Component, entry: Entry) -> bool:
    column = entry.column
    return (column.module, column.distribution) == (component.name, component.owner.distribution)


def _options(component: Component) -> list[tuple[str, str]] | str:
    try:
        rows = option_rows(component.load().Config)
    except BasaltError as error:
        return str(error)
    return [(row["name"], f"{row['doc']} ({row['type']}, default {row['default']})") for row in rows] or "none"


def column_item(entry: Entry, results: Mapping[str, PassResult], schemas: Mapping[str, TableSchema]) -> Item:
    """A column's line. `results`: the passes that lineage is followed through, by name."""
    column = entry.column
    explain = partial(_explained_column, entry, results, schemas)
    return Item(column.name, column.unit.value, column.module, column.doc, explain, entry.pass_name)


def _explained_column(
    entry: Entry, results: Mapping[str, PassResult], schemas: Mapping[str, TableSchema]
) -> dict[str, Any]:
    explained = explanation(entry)
    del explained["column"]
    explained["reads"] = lineage(entry.column.reads, results, schemas)
    if entry.pass_name is not None:
        rule = results[entry.pass_name].rule
        explained["pass"] = entry.pass_name if rule is None else f"{entry.pass_name}: {rule.describe()}"
    return explained
