"""Preprocess steps: the transforms of a pass, configured, and the tables' columns after them.

Where a table lacks MarketState and the source has a marketstate table, a `market_state` step is put in front; it
runs only if something of the pass needs the state.
"""

from collections import ChainMap
from collections.abc import Mapping, MutableMapping, Sequence
from typing import cast

import attrs

from basalt.config.model import ModuleEntry, PassConfig, TransformEntry
from basalt.config.structure import structure
from basalt.modules import BucketModule, Lag
from basalt.options import anchored
from basalt.planning.known import Columns, Known
from basalt.planning.uses import check_whole_book, door
from basalt.plugins.components import Component
from basalt.transforms import Transform


@attrs.frozen(eq=False)
class Step:
    """One transform of a pass. `read`: the tables it reads, of the optional ones those that are there, with their
    columns as the steps before it leave them; `made`: the columns of its output. `implied`: put in by the engine, and
    dropped again where no state is needed."""

    place: str
    component: Component
    transform: Transform
    read: Mapping[str, Columns]
    made: Columns
    implied: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tables it reads."""
        return tuple(self.read)


def steps(config: PassConfig, known: Known) -> tuple[list[Step], Mapping[str, Columns]]:
    """The pass's steps in order, and the columns each table has after them."""
    columns: ChainMap[str, Columns] = ChainMap({}, cast(MutableMapping[str, Columns], known.columns_of))
    found = [
        _step(f"passes.{config.name}.preprocess[{i}]", entry, known, columns)
        for i, entry in enumerate(config.preprocess)
    ]
    done = {step.transform.output for step in found if step.transform.name == "market_state"}
    for table in sorted(set(_stateless(config, known, columns)) - done):
        entry = TransformEntry(transform="market_state", options={"table": table})
        found.append(_step(f"passes.{config.name}", entry, known, columns, implied=True))
    return found, columns


def lags_of(found: Sequence[Step]) -> dict[str, dict[str, Lag]]:
    """By table and column, how much later than its row a column that a step adds is known."""
    lags: dict[str, dict[str, Lag]] = {}
    for step in found:
        lags.setdefault(step.transform.output, {}).update(step.transform.known_after)
    return lags


def _stateless(config: PassConfig, known: Known, columns: Mapping[str, Columns]) -> list[str]:
    """Event tables of listings that the pass reads, without MarketState, where a marketstate table could give it."""
    if "marketstate" not in columns:
        return []
    read = {name for entry in config.modules for name in _tables_of(entry, known)}
    return [
        name
        for name in read - {"marketstate"}
        if name in columns
        and known.schemas[name].events
        and known.schemas[name].key == "ListingId"
        and "MarketState" not in columns[name]
    ]


def _tables_of(entry: ModuleEntry, known: Known) -> list[str]:
    made = known.registry.get("analytics", entry.module).load()
    names = [made.table, *made.further] if issubclass(made, BucketModule) else [*made.inputs, *made.optional]
    return [entry.tables.get(name, name) for name in names]


def _step(
    place: str, entry: TransformEntry, known: Known, columns: MutableMapping[str, Columns], implied: bool = False
) -> Step:
    component = known.registry.get("transforms", entry.transform)
    made = component.load()
    transform: Transform = made(anchored(structure(made.Config, entry.options, place), known.folder))
    if transform.whole_book:
        check_whole_book(f"{place}: transform {entry.transform}", known)
    for table in transform.inputs:
        if table not in columns:
            known.table(table, f"{place} (transform {entry.transform})")
    read = {table: columns[table] for table in transform.inputs}
    read |= {table: columns[table] for table in transform.optional if table in columns}
    with door(place, component):
        columns[transform.output] = transform.columns(read)
    return Step(place, component, transform, read, columns[transform.output], implied)
