"""Substitutes: another table in the place of one that a module reads, as `tables = { trades = "bars:orders" }`."""

from collections.abc import Mapping, Sequence

from basalt.config.model import ModuleEntry
from basalt.config.words import did_you_mean
from basalt.errors import UserError
from basalt.planning.known import Columns, Known
from basalt.tables import TableSchema


def check_substitutes(entry: ModuleEntry, reads: Sequence[str], known: Known) -> None:
    """UserError for a table the module does not read, and for a substitute that is not of the same kind of rows."""
    for table, substitute in entry.tables.items():
        if table not in reads:
            raise UserError(
                f"tables names {table!r}, which module {entry.module} does not read{did_you_mean(table, reads)}; it "
                f"reads {', '.join(reads) or 'no table'}"
            )
        found = known.table(substitute, f"tables.{table}")
        if table in known.schemas:
            _check_alike(table, substitute, found, known.schemas)


def _check_alike(table: str, substitute: str, found: Columns, schemas: Mapping[str, TableSchema]) -> None:
    wanted, given = schemas[table], schemas[substitute]
    if (wanted.key, wanted.events) != (given.key, given.events):
        said = " and ".join(f"{one.name} {_rows(one)}" for one in (wanted, given))
        raise UserError(f"tables puts {substitute} in the place of {table}: {said}; name a table of the same rows")
    for name in wanted.required:
        column = wanted.column(name)
        if column is not None and not (name in found and column.accepts(found[name])):
            is_there = f"has it as {found[name]}" if name in found else "lacks it"
            raise UserError(
                f"tables puts {substitute} in the place of {table}, which needs {name} as {column.dtype}: {substitute} "
                f"{is_there}"
            )


def _rows(schema: TableSchema) -> str:
    return f"has {'events' if schema.events else 'rows'} by {schema.key}"
