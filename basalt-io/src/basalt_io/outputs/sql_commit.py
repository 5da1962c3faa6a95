"""Commit: a staged partition takes the place of the old one, in one transaction with its document and its ledger row.

*Held*: a partition is held where the ledger has it or the table has rows of it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs
import polars as pl
import sqlalchemy as sa

from basalt.errors import PublishError
from basalt.outputs import Staged, Target
from basalt_io.outputs.sql_books import Entry, books, claim, create, describe, dtypes_to_json, is_there, record
from basalt_io.outputs.sql_books import of_partition as entry_of
from basalt_io.outputs.sql_tables import of_partition, refuse_differing

Mode = Literal["replace", "append", "upsert", "fail"]


@attrs.frozen(eq=False)
class Waiting:
    """A staged partition: the table it is for, the staging table that holds it, and what is written down of it."""

    table: sa.Table
    staging: sa.Table
    schema: pl.Schema
    keys: Sequence[str]
    document: Mapping[str, Any]
    mode: Mode


def refuse_held(connection: sa.Connection, waiting: Waiting, target: Target, place: str) -> None:
    """PublishError in mode `fail` where others' rows are there already; what this run published before is its own."""
    if waiting.mode != "fail" or not is_there(connection, waiting.table):
        return
    made = waiting.document.get("provenance")
    own = made.get("key") if isinstance(made, Mapping) else None
    ledger = books(waiting.table.schema).ledger
    found = None
    if is_there(connection, ledger):
        found = connection.execute(
            sa.select(ledger.c.run_key).where(*entry_of(ledger, waiting.table.name, target))
        ).scalar()
    if (found is not None and found != own) or (found is None and _has_rows(connection, waiting.table, target)):
        raise _refused(place)


def commit(connection: sa.Connection, staged: Staged, run_key: str) -> None:
    """All that makes the partition visible; the caller's transaction. sa.exc.IntegrityError where another writer was
    first with this partition: then again, in a new transaction."""
    waiting: Waiting = staged.waiting
    table, target, kept = waiting.table, staged.target, books(waiting.table.schema)
    create(connection, kept.columns, kept.ledger, table)
    old = claim(connection, kept.ledger, table.name, target)
    if old is not None and _is_done(old, waiting, run_key):
        return
    if waiting.mode == "fail" and (old is not None or _has_rows(connection, table, target)):
        raise _refused(staged.place)
    refuse_differing(connection, table, waiting.staging, staged.place)
    _make_room(connection, waiting, staged)
    _move(connection, waiting, staged)
    rows = staged.rows if waiting.mode in ("replace", "fail") else _count(connection, table, target)
    document = json.dumps(waiting.document, ensure_ascii=False, allow_nan=False)
    describe(connection, kept.columns, table.name, target, document, dtypes_to_json(waiting.schema))
    record(connection, kept.ledger, table.name, target, Entry(run_key, waiting.staging.name, rows))


def _is_done(old: Entry, waiting: Waiting, run_key: str) -> bool:
    """Whether the acknowledgement alone was lost; where a repetition would not leave the same rows, any run with this
    key counts."""
    return old.staged == waiting.staging.name or (waiting.mode in ("append", "fail") and old.run_key == run_key)


def _make_room(connection: sa.Connection, waiting: Waiting, staged: Staged) -> None:
    table, staging = waiting.table, waiting.staging
    if waiting.mode == "replace":
        connection.execute(sa.delete(table).where(*of_partition(staged.target)))
    if waiting.mode == "upsert":
        _refuse_duplicates(connection, waiting, staged.place)
        same = [table.c[name].is_not_distinct_from(staging.c[name]) for name in waiting.keys]
        twin = sa.exists().where(*same).select_from(staging).correlate(table)
        connection.execute(sa.delete(table).where(*(table.c[n] == v for n, v in _values(staged.target)), twin))


def _refuse_duplicates(connection: sa.Connection, waiting: Waiting, place: str) -> None:
    keys = [waiting.staging.c[name] for name in waiting.keys]
    several = sa.select(*keys).group_by(*keys).having(sa.func.count() > 1).subquery()
    found = connection.execute(sa.select(sa.func.count()).select_from(several)).scalar()
    if found:
        raise PublishError(
            f"{place}: {found} keys of {', '.join(waiting.keys)} have more than one row, and mode 'upsert' keeps one: "
            "publish with mode 'replace'"
        )


def _move(connection: sa.Connection, waiting: Waiting, staged: Staged) -> None:
    """A staging table is not logged, so a server that crashed since has emptied it: then the count differs."""
    names = list(waiting.schema)
    rows = sa.select(*(waiting.staging.c[name] for name in names))
    counting = connection.execution_options(preserve_rowcount=True)
    moved = counting.execute(sa.insert(waiting.table).from_select(names, rows)).rowcount
    if moved not in (staged.rows, -1):  # not every driver tells
        raise PublishError(
            f"{staged.place}: {staged.rows} rows were staged and {moved} are left, so nothing was changed: run it again"
        )


def _has_rows(connection: sa.Connection, table: sa.Table, target: Target) -> bool:
    wanted = sa.select(sa.literal(1)).select_from(table).where(*of_partition(target)).limit(1)
    return connection.execute(wanted).first() is not None


def _count(connection: sa.Connection, table: sa.Table, target: Target) -> int:
    counted = sa.select(sa.func.count()).select_from(table).where(*of_partition(target))
    return connection.execute(counted).scalar_one()


def _values(target: Target) -> list[tuple[str, object]]:
    return [("Date", target.date), ("Universe", target.universe)]


def _refused(place: str) -> PublishError:
    return PublishError(
        f"{place} is published already, and mode 'fail' replaces nothing: remove it, or choose another mode"
    )
