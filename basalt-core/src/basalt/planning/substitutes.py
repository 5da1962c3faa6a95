"""Substitutes: another table in the place of one that a module reads, as `tables = { trades = "bars:orders" }`."""

from collections.abc import Mapping, Sequence

from basalt.config.model import ModuleEntry
from basalt.config.words import did_you_mean
from basalt.errors import UserError
from basalt.planning.known import Columns, Known
from basalt.tables import TableSchema


def check_substitutes(entry: ModuleEntry, reads: Sequence[str], known: Known, any_key: bool = False) -> None:
    """UserError for a table the module does not read, and for a substitute that is not of the same kind of rows.

    `any_key`: the module takes its rows' key from the table it reads.
    """
    for table, substitute in entry.tables.items():
        if table not in reads:
            raise UserError(
                f"tables names {table!r}, which module {entry.module} does not read{did_you_mean(table, reads)}; it "
                f"reads {', '.join(reads) or 'no table'}"
            )
        found = known.table(substitute, f"tables.{table}")
        if table in known.schemas:
            _check_alike(table, substitute, found, known.schemas, any_key)


def _check_alike(
    table: str, substitute: str, found: Columns, schemas: Mapping[str, TableSchema], any_key: bool
) -> None:
    wanted, given = schemas[table], schemas[substitute]
    if wanted.events != given.events or (wanted.key != given.key and not any_key):
        said = " and ".join(f"{one.name} {_rows(one)}" for one in (wanted, given))
        raise UserError(f"tables puts {substitute} in the place of {table}: {said}; name a table of the same rows")
    for name in (name for name in wanted.required if name != wanted.key or not any_key):
        column = wanted.column(name)
        if column is not None and not (name in found and column.accepts(found[name])):
            is_there = f"has it as {found[name]}" if name in found else "lacks it"
            raise UserError(
                f"tables puts {substitute} in the place of {table}, which needs {name} as {column.dtype}: {substitute} "
                f"{is_there}"
            )


def _rows(schema: TableSchema) -> str:
    return f"has {'events' if schema.events else 'rows'} by {schema.key}"
