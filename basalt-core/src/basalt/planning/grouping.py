"""Grouping: the keys whose rows a pass has, in front of TimeBucket, and their dtypes.

They are the key of the tables it reads and the pass's own `keys` behind it, the keys of the earlier pass it reads, or
those that a frame module declares. All modules of a pass have the same.
"""

from collections.abc import Iterator, Mapping, Sequence

import attrs
import polars as pl

from basalt.columns import DType
from basalt.config.model import PassConfig
from basalt.errors import PluginError, UserError
from basalt.expressions import identity
from basalt.modules import FrameModule, PassContext
from basalt.planning.known import Columns, Known
from basalt.planning.uses import Use, door, empty_inputs

NOT_KEYS = ("Date", "Universe", "TimeBucket", "StretchId", "EventTimestamp")
Keys = tuple[str, ...]


@attrs.frozen(eq=False)
class Grouping:
    """The keys of a pass and their dtypes. `own`: its modules declare keys of their own."""

    keys: Keys
    dtypes: tuple[DType, ...]
    own: bool


def grouping(
    config: PassConfig, configured: Sequence[Use], columns_of: Mapping[str, Columns], known: Known
) -> Grouping:
    """The keys all modules of the pass share; UserError where they do not, or where a table lacks one."""
    found: dict[Keys, Use] = {}
    for use in configured:
        for keys in _keys(use, config, known):
            found.setdefault(keys, use)
    if len(found) > 1:
        said = " and ".join(f"{use.entry.module} by {', '.join(keys)}" for keys, use in found.items())
        raise UserError(f"passes.{config.name} mixes modules of different keys, {said}: put one in a pass of its own")
    keys = next(iter(found))
    if config.keys is not None and tuple(config.keys) != keys:
        raise UserError(
            f"passes.{config.name} has keys = {list(config.keys)}, and its modules have rows by {', '.join(keys)}: "
            "make keys the same, or leave it out"
        )
    dtypes: dict[str, tuple[Use, DType]] = {}
    for use in configured:
        for name, dtype in _dtypes(use, keys, config, columns_of, known):
            _check_equal(config, name, dtypes.setdefault(name, (use, dtype)), (use, dtype))
    own = any(isinstance(use.module, FrameModule) and use.module.keys is not None for use in configured)
    return Grouping(keys, tuple(dtypes[name][1] for name in keys), own)


def tables_of(use: Use) -> list[str]:
    """The tables that a module reads."""
    if isinstance(use.module, FrameModule):
        return [use.entry.tables.get(name, name) for name in use.inputs if name != "source"]
    return list(dict.fromkeys(part.reads.table for part in use.parts))


def event_tables(use: Use, key: str, known: Known) -> list[str]:
    """Those of events by that key, of which any row may count; marketstate tells of states, and is one of them only
    where it is alone."""
    silent = _silent(use)
    schemas = [known.schemas[name] for name in tables_of(use) if name not in silent]
    found = [schema.name for schema in schemas if schema.events and schema.key == key]
    return [name for name in found if name != "marketstate"] or found


def _silent(use: Use) -> set[str]:
    """Tables of which the module says that no row counts."""
    valid = use.module.valid if isinstance(use.module, FrameModule) else {}
    never = identity(pl.lit(False))
    return {use.entry.tables.get(name, name) for name, expr in valid.items() if identity(expr) == never}


def _keys(use: Use, config: PassConfig, known: Known) -> Iterator[Keys]:
    module = use.module
    if isinstance(module, FrameModule) and module.keys is not None:
        yield tuple(module.keys)
    elif use.over is not None:
        yield tuple(use.over.keys)
    else:
        read = tables_of(use)
        for table in read[:1] if isinstance(module, FrameModule) else read:
            own = known.schemas[table].key
            if config.keys and config.keys[0] != own:
                raise UserError(
                    f"passes.{config.name}: keys begins with {config.keys[0]!r}: put {own} first, by which the rows of "
                    f"table {table!r} are"
                )
            yield (own, *(config.keys or ())[1:])


def _dtypes(
    use: Use, keys: Keys, config: PassConfig, columns_of: Mapping[str, Columns], known: Known
) -> Iterator[tuple[str, DType]]:
    module = use.module
    if isinstance(module, FrameModule) and module.keys is not None:
        yield from _returned(use, module, keys, config, columns_of, known)
    elif use.over is not None:
        yield from zip(keys, use.over.key_dtypes, strict=True)
    else:
        for table in event_tables(use, keys[0], known) or tables_of(use)[:1]:
            yield from _labels(config, table, keys, columns_of[table])


def _labels(config: PassConfig, table: str, keys: Keys, columns: Columns) -> Iterator[tuple[str, DType]]:
    """The keys as columns of a table, which must have them all."""
    for name in keys:
        said = f"passes.{config.name}: keys names {name!r}, "
        if name in NOT_KEYS:
            raise UserError(f"{said}which the engine fills: leave it out")
        if name not in columns:
            raise UserError(
                f"{said}which table {table!r} does not have: leave it out, or read that table in a pass of its own"
            )
        if not (columns[name].is_integer() or isinstance(columns[name], pl.String | pl.Enum | pl.Boolean)):
            raise UserError(
                f"{said}which is {columns[name]} in table {table!r}: only text, Enum, whole numbers and Boolean group"
            )
        yield name, columns[name]


def _returned(
    use: Use, module: FrameModule, keys: Keys, config: PassConfig, columns_of: Mapping[str, Columns], known: Known
) -> Iterator[tuple[str, DType]]:
    """The keys a module declares, as they are in what it returns for frames without rows."""
    context = PassContext(config.name, known.day, keys, module.rule, known.shared_sequence)
    with door(use.place, use.component):
        schema = module.computed(empty_inputs(use, columns_of, known.results), context).rows.collect_schema()
    for name in keys:
        if name not in schema:
            raise PluginError(f"{use.place}: {use.title} has rows by {name!r}, and does not return it")
        yield name, schema[name]


def _check_equal(config: PassConfig, name: str, one: tuple[Use, DType], other: tuple[Use, DType]) -> None:
    if one[1] != other[1]:
        raise UserError(
            f"passes.{config.name}: {name} is {one[1]} for module {one[0].entry.module} and {other[1]} for module "
            f"{other[0].entry.module}: the tables of a run have one dtype of {name}"
        )
