"""One transaction of a Delta table: a partition's new file in, the files it replaces out.

Writers of one partition meet in its application transaction, `basalt {date} {universe}`, of which Delta lets one of two
that began together through, even where the partition was empty. Writers of others pass each other: where Delta cannot
tell (the table was made, or its columns changed, meanwhile) the commit is tried again on the newest version.
"""

import json
import random
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs
import polars as pl
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, RemoveAction
from obstore.exceptions import BaseError

from basalt.errors import PublishError
from basalt.outputs import Target
from basalt_io.object_store import Location
from basalt_io.outputs.delta_files import Unseen, folder_of, is_gone_from, keep
from basalt_io.outputs.delta_table import DECLARED, DOCUMENT, LiveFile, Table, cause, opened
from basalt_io.outputs.delta_types import declared_to_json, delta_schema, held

Mode = Literal["replace", "append", "overwrite", "merge"]
PARTITIONED_BY = ("Date", "Universe")
_TRIES = 30
_CHECKPOINT = "10"  # commits between two checkpoints: each that follows the last is a file to read when opening


@attrs.frozen
class Change:
    """A partition that waits: its file, and the live files of the partition that it was made against."""

    table: Location
    target: Target
    file: Unseen
    seen: frozenset[str]
    columns: Mapping[str, pl.DataType]
    document: Mapping[str, Any]

    @property
    def place(self) -> str:
        """What messages call it."""
        return f"{self.table.uri}/{folder_of(self.target)}"


def commit(change: Change, mode: Mode, evolve: bool, run_key: str) -> bool:
    """Make it visible; whether its file is part of the table then, as it is not where the key was appended before.

    PublishError where another writer published the partition since it was staged, and for columns that differ.
    """
    keep(change.file)
    for _ in range(_TRIES):
        table = opened(change.table) or _created(change)
        mine = table.of(change.target.date, change.target.universe)
        if change.file.path in {file.path for file in mine}:
            return True
        if mode == "append" and mine and _version(table, _once(change, run_key)):
            return False
        if {file.path for file in mine} != change.seen:
            raise PublishError(
                f"{change.place} was published by another writer meanwhile, whose rows stay: see that one pipeline at "
                "a time publishes there, and run it again"
            )
        try:
            if is_gone_from(change.table, change.file):
                raise PublishError(
                    f"{change.place} could not be published, as {change.file.path} is gone: run it again"
                )
            if not _prepared(table, change, evolve):
                _write(table, change, mode, run_key, table.files if mode == "overwrite" else mine)
        except CommitFailedError:
            time.sleep(random.uniform(0.01, 0.1))
        except (OSError, DeltaError, BaseError) as error:
            raise _failed(change, error) from error
    raise PublishError(f"{change.place} could not be published, as others kept changing the table: run it again")


def refuse_columns(table: Table, columns: Mapping[str, pl.DataType], evolve: bool) -> list[str]:
    """The columns to be added; PublishError where the table's differ otherwise, or at all unless `evolve`."""
    if table.partitioned_by != PARTITIONED_BY:
        raise PublishError(
            f"the Delta table {table.place.uri} is partitioned by {', '.join(table.partitioned_by) or 'nothing'}, not "
            "by Date, Universe: give the output another root or path"
        )
    there, here = table.schema, {name: held(dtype) for name, dtype in columns.items()}
    new, absent = [n for n in here if n not in there], [n for n in there if n not in here]
    changed = [f"{n} (there {there[n]}, here {here[n]})" for n in here if n in there and here[n] != there[n]]
    if changed or ((new or absent) and not evolve):
        parts = {"new": new, "missing": absent, "of another dtype": changed}
        told = "; ".join(f"{what}: {', '.join(names)}" for what, names in parts.items() if names)
        fix = "publish to another path" if changed else "set `evolve = true`, or publish to another path"
        raise PublishError(f"the result differs from the Delta table {table.place.uri} in columns ({told}): {fix}")
    return new


def never_committed(table: Table, path: str) -> bool:
    """Whether the file is not live, and no commit that the log still tells of brought it."""
    live = any(file.path == path for file in table.files)
    return not live and all(entry.get("basalt.file") != path for entry in table.log.history())


def _created(change: Change) -> Table:
    """The table without rows; another writer may create it first."""
    try:
        DeltaTable.create(
            change.table.uri,
            delta_schema(change.columns, change.place),
            mode="error",
            partition_by=list(PARTITIONED_BY),
            configuration={**_properties(change), "delta.checkpointInterval": _CHECKPOINT},
            storage_options=change.table.options,
            raise_if_key_not_exists=False,
        )
    except (OSError, DeltaError) as error:
        table = opened(change.table)
        if table is None:
            raise _failed(change, error) from error
        return table
    table = opened(change.table)
    if table is None:
        raise PublishError(f"{change.place} could not be published, as the table vanished: run it again")
    return table


def _prepared(table: Table, change: Change, evolve: bool) -> bool:
    """Whether the table's columns or properties had to change first: then there is a newer version."""
    new = refuse_columns(table, change.columns, evolve)
    if new:
        added = delta_schema({name: change.columns[name] for name in new}, change.place)
        table.log.alter.add_columns(added.fields)
        return True
    wanted = _properties(change)
    if _said(table.properties) != _said(wanted):
        table.log.alter.set_table_properties(wanted, raise_if_not_exists=False)
        return True
    return False


def _properties(change: Change) -> dict[str, str]:
    """What holds for all partitions: the document without this one's key, and the declared dtypes."""
    provenance = {name: value for name, value in change.document.get("provenance", {}).items() if name != "key"}
    return {
        DOCUMENT: json.dumps({**change.document, "provenance": provenance}, ensure_ascii=False, allow_nan=False),
        DECLARED: declared_to_json(change.columns),
    }


def _said(properties: Mapping[str, str]) -> tuple[Any, ...]:
    """The same for each pipeline that publishes there: the first one's name stays."""
    document, declared = (json.loads(properties.get(name, "{}")) for name in (DOCUMENT, DECLARED))
    return {**document, "provenance": {}}, declared


def _write(table: Table, change: Change, mode: Mode, run_key: str, replaced: Sequence[LiveFile]) -> None:
    now = int(time.time() * 1000)
    values = {"Date": change.target.date.isoformat(), "Universe": change.target.universe}
    stats = json.dumps({"numRecords": change.file.rows})
    actions: list[AddAction | RemoveAction] = [
        AddAction(change.file.path, change.file.size, values, now, True, stats),
        *(RemoveAction(file.path, True, now) for file in (() if mode == "append" else replaced)),
    ]
    names = [_partition(change)]
    names += [_once(change, run_key)] * (mode == "append") + ["basalt overwrite"] * (mode == "overwrite")
    table.log.create_write_transaction(
        actions,
        "append",
        table.log.schema(),
        list(PARTITIONED_BY),
        commit_properties=CommitProperties(
            custom_metadata={"basalt.run_key": run_key, "basalt.mode": mode, "basalt.file": change.file.path},
            app_transactions=[Transaction(name, _version(table, name) + 1) for name in names],
        ),
    )


def _partition(change: Change) -> str:
    return f"basalt {change.target.date} {change.target.universe}"


def _once(change: Change, run_key: str) -> str:
    """What tells that these rows were appended before."""
    return f"{_partition(change)} {run_key}"


def _version(table: Table, transaction: str) -> int:
    return table.log.transaction_version(transaction) or 0


def _failed(change: Change, error: Exception) -> PublishError:
    return PublishError(
        f"{change.place} could not be published ({cause(error, change.table)}): the old version stays; run it again"
    )
