"""What a table holds of a partition, by its document, its dtypes and its rows."""

import attrs
import sqlalchemy as sa

from basalt.errors import DataError
from basalt.outputs import Target
from basalt_io.outputs.sql_books import books, is_there
from basalt_io.outputs.sql_books import of_partition as entry_of
from basalt_io.outputs.sql_tables import named, of_partition


@attrs.frozen
class Held:
    """Both as JSON: the column document, and by column the dtype it was published with."""

    document: str
    dtypes: str


def held(connection: sa.Connection, name: str, schema: str | None, target: Target, place: str) -> Held | None:
    """The published partition; None where the table has no row of it, unless none were published. DataError for rows
    that no pipeline published."""
    table, kept = named(name, schema), books(schema)
    if not sa.inspect(connection).has_table(name, schema=schema):
        return None
    asked = sa.select(sa.literal(1)).select_from(table).where(*of_partition(target)).limit(1)
    has_rows = connection.execute(asked).first() is not None
    found = None
    if is_there(connection, kept.columns) and is_there(connection, kept.ledger):
        both = kept.columns.join(
            kept.ledger,
            sa.and_(*(kept.columns.c[n] == kept.ledger.c[n] for n in ("table_name", "date", "universe"))),
        )
        wanted = sa.select(kept.columns.c.document, kept.columns.c.dtypes, kept.ledger.c.rows).select_from(both)
        found = connection.execute(wanted.where(*entry_of(kept.columns, name, target))).first()
    if has_rows and found is None:
        raise DataError(f"{place} carries no column document: only rows that a pipeline published have one")
    if found is None or (found.rows and not has_rows):
        return None
    return Held(found.document, found.dtypes)
