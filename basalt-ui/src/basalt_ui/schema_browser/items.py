"""Items: the lines of the browser, made from core's catalogue.

An *item* is a module or a column. Making one is cheap; its *explanation*, labels with values in reading order beneath
its name, is made when it is looked at.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from basalt.catalog import Entry, default_columns, explanation, module_explanation, modules, planned_columns
from basalt.documents import PassResult
from basalt.errors import BasaltError
from basalt.planning.plan import Plan
from basalt.plugins.registry import Registry

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
    entries = default_columns(registry)
    return [*_modules(registry, entries), *(_column(entry, {}) for entry in entries)]


def planned_items(plan: Plan, registry: Registry) -> list[Item]:
    """The modules that a pipeline uses, then every column that its passes emit."""
    results = {program.name: program.result for program in plan.programs}
    entries = planned_columns(plan)
    used = {one.module for program in plan.programs for one in program.config.modules}
    named = [item for item in _modules(registry, entries) if item.name in used]
    return [*named, *(_column(entry, results) for entry in entries)]


def _modules(registry: Registry, entries: Sequence[Entry]) -> list[Item]:
    return [
        Item(row["module"], MODULE, row["module"], row["what"], partial(_explained_module, registry, row, entries))
        for row in modules(registry)
    ]


def _explained_module(registry: Registry, row: Mapping[str, Any], entries: Sequence[Entry]) -> dict[str, Any]:
    """What the module is, whatever its plugin's state: the reason, where its options cannot be loaded."""
    about = {
        "what": row["what"],
        "reads": row["reads"],
        "plugin": f"{row['distribution']} {row['version']}".strip(),
    }
    mine = [e.column.name for e in entries if _made_by(row, e)]
    try:
        explained = module_explanation(registry, row["module"], list(dict.fromkeys(mine)))
    except BasaltError as error:
        return {**about, "options": str(error)}
    assert explained is not None, "a row of modules() is an installed module"
    options = [(o["name"], f"{o['doc']} ({o['type']}, default {o['default']})") for o in explained["options"]]
    columns = explained["columns"] or "depend on its options, or on the earlier pass it reads"
    return {**about, "options": options or "none", "columns": columns}


def _made_by(row: Mapping[str, Any], entry: Entry) -> bool:
    return (entry.column.module, entry.column.distribution) == (row["module"], row["distribution"])


def _column(entry: Entry, results: Mapping[str, PassResult]) -> Item:
    """A column's line. `results`: the pipeline's passes, by name."""
    column = entry.column
    explain = partial(_explained_column, entry, results)
    return Item(column.name, column.unit.value, column.module, column.doc, explain, entry.pass_name)


def _explained_column(entry: Entry, results: Mapping[str, PassResult]) -> dict[str, Any]:
    explained = {**explanation(entry), "reads": list(entry.inputs)}
    del explained["column"]
    if entry.pass_name is not None:
        rule = results[entry.pass_name].rule
        explained["pass"] = entry.pass_name if rule is None else f"{entry.pass_name}: {rule.describe()}"
    return explained
