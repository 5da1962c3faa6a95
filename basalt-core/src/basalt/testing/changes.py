"""Changes to a sample day's tables that must not matter, or must matter in a known way."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.config.model import ModuleEntry, key_of
from basalt.tables import TableSchema
from basalt.testing.trials import Frames

Schemas = Mapping[str, TableSchema]
DESCRIBING = ("reference", "marketstate")
"""Tables that are there on a day on which nothing happens."""
STAMP = pl.col("EventTimestamp").to_physical()


def emptied(frames: Frames, keep: Sequence[str] = ()) -> Frames:
    """No rows, but in the tables to keep."""
    return {name: frame if name in keep else frame.clear() for name, frame in frames.items()}


def until(frames: Frames, cut: int, schemas: Schemas) -> Frames:
    """Events up to `cut` (ns) and none after; every event of that very stamp stays."""
    return {name: frame.filter(STAMP.le(cut)) if schemas[name].events else frame for name, frame in frames.items()}


def only(frames: Frames, key: str, values: Sequence[Any], schemas: Schemas) -> Frames:
    """Rows of these listings (or other keys); tables that are keyed otherwise stay."""
    kept = pl.col(key).is_in(values)
    return {name: frame.filter(kept) if schemas[name].key == key else frame for name, frame in frames.items()}


def shuffled(frames: Frames, schemas: Schemas) -> Frames:
    """Rows in a fixed disorder; those that nothing but their place orders keep it among themselves."""
    return {name: _by(frame, _untied(frame, schemas[name]).hash(7)) for name, frame in frames.items()}


def as_they_came(frames: Frames, schemas: Schemas) -> Frames:
    """Listings mixed in order of time, as feeds deliver them; tables without events backwards."""
    return {
        name: _by(frame, pl.col("EventTimestamp")) if schemas[name].events else frame.reverse()
        for name, frame in frames.items()
    }


def _by(frame: pl.DataFrame, order: pl.Expr) -> pl.DataFrame:
    return frame.sort(order, maintain_order=True)


def _untied(frame: pl.DataFrame, schema: TableSchema) -> pl.Expr:
    """Equal for rows whose order in the file counts."""
    if not schema.events:
        return pl.int_range(pl.len())
    return pl.struct(schema.key, *(name for name in schema.order if name in frame.columns))


def power(unit: Unit | None, price: float, size: float) -> float | None:
    """What a value of that unit is multiplied by when prices and sizes are; None where no law is claimed."""
    if unit is None or unit.scaling is None:
        return None
    in_price, in_size = unit.scaling
    return float(price**in_price * size**in_size)


def scaled(frames: Frames, price: float, size: float, schemas: Schemas) -> Frames:
    """Every declared column multiplied as its unit says."""
    return {name: _scaled(frame, price, size, schemas[name]) for name, frame in frames.items()}


def _scaled(frame: pl.DataFrame, price: float, size: float, schema: TableSchema) -> pl.DataFrame:
    declared = {name: schema.column(name) for name in frame.columns}
    factors = {name: power(column.unit, price, size) for name, column in declared.items() if column is not None}
    return frame.with_columns(
        (pl.col(name) * factor).cast(frame.schema[name]) for name, factor in factors.items() if factor not in (None, 1)
    )


def scaled_entry(entry: ModuleEntry, config: Any, price: float, size: float) -> ModuleEntry:
    """The entry with options that declare a unit multiplied along, defaults included. `config`: its options."""
    options = _options(config, price, size)
    return entry if options == _options(config, 1, 1) else attrs.evolve(entry, options=options)


def _options(config: Any, price: float, size: float) -> dict[str, Any]:
    """The options as a pipeline file writes them."""
    return {
        key_of(field.name): _option(getattr(config, field.name), field.metadata.get("unit"), price, size)
        for field in attrs.fields(type(config))
    }


def _option(value: Any, unit: Unit | None, price: float, size: float) -> Any:
    if isinstance(value, (list, tuple)):
        return [_option(one, unit, price, size) for one in value]
    if isinstance(value, dict):
        return {name: _option(one, unit, price, size) for name, one in value.items()}
    if attrs.has(type(value)):
        return _options(value, price, size)
    factor = power(unit, price, size)
    if factor in (None, 1) or isinstance(value, (bool, str)) or value is None:
        return value
    exact = value * factor
    return int(exact) if isinstance(value, int) and exact == int(exact) else exact
