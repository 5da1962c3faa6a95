"""Uses: module entries of a pass, configured. A *place* is the key path an error names: `passes.bars.modules[0]`."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from basalt.buckets import BucketRule
from basalt.config.model import ModuleEntry, PassConfig
from basalt.config.structure import check_reserved, structure
from basalt.documents import PassResult
from basalt.errors import BasaltError, PluginError, UserError
from basalt.modules import BucketModule, FrameModule
from basalt.planning.known import Columns, Known
from basalt.plugins.components import Component


@attrs.frozen(eq=False)
class Use:
    """One module entry: where it stands, what it is, and the configured module."""

    place: str
    entry: ModuleEntry
    component: Component
    module: BucketModule | FrameModule

    @property
    def title(self) -> str:
        """`module trade (basalt-analytics 0.1.0)`, for messages."""
        owner = self.component.owner
        return f"module {self.entry.module} ({owner.distribution} {owner.version})"


def uses(config: PassConfig, rule: BucketRule | None, columns_of: Mapping[str, Columns], known: Known) -> list[Use]:
    """The pass's module entries, configured in order; UserError for the first that cannot be."""
    if not config.modules:
        raise UserError(f"passes.{config.name} has no modules: add [[passes.modules]] with module = a name")
    return [_use(config, i, entry, rule, columns_of, known) for i, entry in enumerate(config.modules)]


def _use(
    config: PassConfig,
    i: int,
    entry: ModuleEntry,
    rule: BucketRule | None,
    columns_of: Mapping[str, Columns],
    known: Known,
) -> Use:
    place = f"passes.{config.name}.modules[{i}]"
    component = known.registry.get("analytics", entry.module)
    made = component.load()
    owner = f"{component.owner.distribution} {component.owner.version}"
    check_reserved(made.Config, "analytics", f"module {entry.module} ({owner})")
    options = structure(made.Config, entry.options, place)
    try:
        module = _configured(made, options, place, entry, rule, columns_of, known)
    except UserError as error:
        raise type(error)(f"{place}: {error}") from error
    except BasaltError:
        raise
    except Exception as error:
        raise PluginError(f"{place}: module {entry.module} ({owner}) raised {_said(error)} while planning") from error
    return Use(place, entry, component, module)


def _configured(
    made: type[BucketModule] | type[FrameModule],
    options: Any,
    place: str,
    entry: ModuleEntry,
    rule: BucketRule | None,
    columns_of: Mapping[str, Columns],
    known: Known,
) -> BucketModule | FrameModule:
    if issubclass(made, BucketModule):
        if entry.source is not None:
            raise UserError(f"module {entry.module} reads table {made.table!r}, not an earlier pass: drop `source`")
        return made(options, _table(columns_of, made.table, place, known))
    tables = {t: _table(columns_of, t, place, known) for t in made.inputs if t != "source"}
    return made(options, tables, _source(made, entry, known), rule)


def _table(columns_of: Mapping[str, Columns], name: str, place: str, known: Known) -> Columns:
    return columns_of[name] if name in columns_of else known.table(name, place)


def _source(made: type[FrameModule], entry: ModuleEntry, known: Known) -> PassResult | None:
    if "source" not in made.inputs:
        return None
    passes: Sequence[str] = list(known.results)
    if entry.source is None:
        raise UserError(f"module {entry.module} reads an earlier pass: add source = one of {_listed(passes)}")
    if entry.source not in known.results:
        raise UserError(f"source = {entry.source!r} is no earlier pass; earlier passes: {_listed(passes)}")
    return known.results[entry.source]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(n) for n in names) or "none (put the pass it reads before this one)"


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
