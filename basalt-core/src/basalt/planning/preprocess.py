"""Preprocess steps: the transforms of a pass, configured, and the tables' columns after them.

Where a table lacks MarketState and the source has a marketstate table, a `market_state` step is put in front; it
runs only if something of the pass needs the state.
"""

from collections.abc import Mapping

import attrs

from basalt.config.model import PassConfig, TransformEntry
from basalt.config.structure import structure
from basalt.errors import BasaltError, PluginError, UserError
from basalt.planning.known import Columns, Known
from basalt.plugins.components import Component
from basalt.transforms import Transform


@attrs.frozen(eq=False)
class Step:
    """One transform of a pass. `implied`: put in by the engine, and dropped again where no state is needed."""

    place: str
    component: Component
    transform: Transform
    implied: bool = False


def steps(config: PassConfig, known: Known) -> tuple[list[Step], dict[str, Columns]]:
    """The pass's steps in order, and the columns each table has after them."""
    columns: dict[str, Columns] = dict(known.columns_of)
    found = [
        _step(f"passes.{config.name}.preprocess[{i}]", entry, known, columns)
        for i, entry in enumerate(config.preprocess)
    ]
    done = {step.transform.output for step in found if step.transform.name == "market_state"}
    for table in sorted(set(_stateless(known)) - done):
        entry = TransformEntry(transform="market_state", options={"table": table})
        found.append(_step(f"passes.{config.name}", entry, known, columns, implied=True))
    return found, columns


def _stateless(known: Known) -> list[str]:
    """Event tables of listings without MarketState, where a marketstate table could give it."""
    if "marketstate" not in known.columns_of:
        return []
    return [
        name
        for name, columns in known.columns_of.items()
        if known.schemas[name].events and known.schemas[name].key == "ListingId" and "MarketState" not in columns
    ]


def _step(place: str, entry: TransformEntry, known: Known, columns: dict[str, Columns], implied: bool = False) -> Step:
    component = known.registry.get("transforms", entry.transform)
    made = component.load()
    transform: Transform = made(structure(made.Config, entry.options, place))
    for table in transform.inputs:
        if table not in columns:
            known.table(table, f"{place} (transform {entry.transform})")
    columns[transform.output] = _columns_after(transform, component, place, columns)
    return Step(place, component, transform, implied)


def _columns_after(transform: Transform, component: Component, place: str, columns: Mapping[str, Columns]) -> Columns:
    try:
        return transform.columns(columns)
    except BasaltError as error:
        raise UserError(f"{place}: {error}") from error
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise PluginError(
            f"{place}: transform {component.name} of {component.owner.distribution} raised {said}"
        ) from error
