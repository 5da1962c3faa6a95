"""The `delta` output: a Delta table a pass, partitioned by Date and Universe, changed in one transaction a partition.

*Stage* writes the partition's data file, which no version of the table names yet; *commit* is one transaction. The
column document stands in the table's properties (`basalt`; `basalt.dtypes` tells the dtypes that Delta does not have)
and, with the partition's key, in its data file; the run key in the commit. Files that were replaced stay, for readers
of older versions, until a vacuum of the table; give it a folder of its own, as a vacuum removes what else lies there.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import attrs
import polars as pl

from basalt.errors import BasaltError, DataError, PublishError, UserError
from basalt.options import option
from basalt.outputs import Output, Staged, Target
from basalt_io.files import refuse_unwritable
from basalt_io.object_store import Location, location, said, storage_option
from basalt_io.outputs.delta_commit import PARTITIONED_BY, Change, commit, never_committed, refuse_columns
from basalt_io.outputs.delta_files import folder_of, left, remove, settle, write
from basalt_io.outputs.delta_table import (
    DECLARED,
    DOCUMENT,
    LiveFile,
    Table,
    declared,
    differing,
    document_of,
    opened,
    published,
    rows_of,
)
from basalt_io.outputs.delta_types import declared_from_json, declared_to_json, delta_schema, to_held
from basalt_io.outputs.written import (
    Compression,
    compression_option,
    refuse_row_groups,
    row_group_option,
    same_schema,
)
from basalt_io.paths import below, place


@attrs.frozen
class DeltaOutputOptions:
    """`[[outputs]] type = "delta"`."""

    root: str = option("folder the tables go to, relative to the pipeline file, or s3://bucket/prefix", default=".")
    path: str = option(
        "path of a table below root, a folder of its own; variables: {pipeline} {pass} {output} {date} {year} {month} "
        "{day} {universe} {run_id}",
        default="{pass}",
    )
    mode: Literal["replace", "append", "overwrite", "merge"] = option(
        "`replace` the partition; `append` to it, each result once; `overwrite` the whole table by the partition; "
        "`merge`: rows of the same keys are replaced, others stay",
        default="replace",
    )
    evolve: bool = option(
        "add columns that a result has and the table lacks, and put null in those that a result lacks; where not set, "
        "a result with other columns is refused",
        default=False,
    )
    compression: Compression = compression_option()
    row_group_size: int = row_group_option()
    storage: dict[str, str] = storage_option()


class DeltaOutput(Output):
    """One data file a partition and publication, in the order the engine spools rows."""

    name = "delta"
    Config = DeltaOutputOptions
    prunes = True

    def __init__(self, config: Any, folder: Path) -> None:
        super().__init__(config, folder)
        self._held: Table | None = None

    def place(self, target: Target) -> str:
        """The table's address and the partition's folder in it."""
        return f"{self._table(target).uri}/{folder_of(target)}"

    def check(self, target: Target) -> str:
        """The place; UserError where it cannot be written, or a table of another layout is there."""
        refuse_row_groups(self.config.row_group_size)
        where = self._table(target)
        if where.path is not None:
            refuse_unwritable(where.path / folder_of(target) / "new.parquet")
        try:
            table = opened(where)
        except DataError as error:
            raise UserError(str(error)) from error
        if table is not None and table.partitioned_by != PARTITIONED_BY:
            raise UserError(
                f"{where.uri} is a Delta table partitioned by {', '.join(table.partitioned_by) or 'nothing'}, not by "
                "Date, Universe: give the output another root or path"
            )
        return self.place(target)

    def stage(self, target: Target, batches: Sequence[Path], document: Mapping[str, Any]) -> Staged:
        """Stream the batches into a data file that no version names; PublishError, and nothing left, where that
        fails or the columns are not the table's."""
        self.sweep(target)
        where, whose = self._table(target), self.place(target)
        columns = dict(same_schema(batches, target, whose))
        frame = pl.scan_parquet(list(batches), glob=False, hive_partitioning=False)
        try:
            delta_schema(columns, whose)
            _refuse_foreign(frame, columns, target, whose)
            table = opened(where)
            if table is not None:
                refuse_columns(table, columns, self.config.evolve)
            seen = table.of(target.date, target.universe) if table is not None else []
            if table is not None and seen and self.config.mode in ("append", "merge"):
                _refuse_mixed(table, seen, columns, whose)
            rows = frame.with_columns(to_held(columns)).drop(PARTITIONED_BY)
            if self.config.mode == "merge":
                rows = self._merged(rows, table, target, _keys(document, columns, whose))
        except (OSError, pl.exceptions.PolarsError) as error:
            raise PublishError(f"{whose} could not be read from its batches ({said(error)}): run it again") from error
        except DataError as error:
            raise PublishError(str(error)) from error
        metadata = {
            DOCUMENT: json.dumps(document, ensure_ascii=False, allow_nan=False),
            DECLARED: declared_to_json(columns),
        }
        how = {"compression": self.config.compression, "row_group_size": self.config.row_group_size}
        file = write(rows, where, target, metadata=metadata, **how)
        waiting = Change(where, target, file, frozenset(one.path for one in seen), columns, document)
        return Staged(target, whose, waiting, file.rows)

    def commit(self, staged: Staged, run_key: str) -> None:
        """One transaction; a repetition after a lost acknowledgement finds the file named and is done. PublishError
        where another writer published the partition since it was staged."""
        change: Change = staged.waiting
        try:
            named = commit(change, self.config.mode, self.config.evolve, run_key)
        except DataError as error:
            raise PublishError(str(error)) from error
        if named:
            settle(change.file)
        else:
            remove(change.file, change.table)

    def discard(self, staged: Staged) -> None:
        """Remove the data file, unless a commit whose acknowledgement was lost named it."""
        change: Change = staged.waiting
        table = opened(change.table)
        if table is None or all(file.path != change.file.path for file in table.files):
            remove(change.file, change.table)

    @property
    def replaces(self) -> bool:
        """Whether `mode` leaves no rows of the partition that were there."""
        return self.config.mode in ("replace", "overwrite")

    def sweep(self, target: Target) -> None:
        """Remove the data files of killed processes of this host that were never committed."""
        where = self._table(target)
        leftovers = list(left(where, target))
        with suppress(BasaltError):
            table = opened(where) if leftovers else None
            for one in leftovers:
                if table is None or never_committed(table, one.path):
                    remove(one, where)
                else:
                    settle(one)

    def document(self, target: Target) -> Mapping[str, Any] | None:
        """From the footer of the partition's newest file."""
        table = self._looked_at(self._table(target, resolved=False))
        files = table.of(target.date, target.universe) if table is not None else []
        return document_of(table, files) if table is not None and files else None

    def scan(self, target: Target) -> pl.LazyFrame:
        """The published partition as of now, with the dtypes it was published with; DataError where there is none."""
        where = self._table(target)
        table = opened(where)
        files = table.of(target.date, target.universe) if table is not None else []
        if table is None or not files:
            raise DataError(
                f"{target.pass_name} of {target.date} is not published at {self.place(target)}: run the pipeline first"
            )
        return published(table, files)

    def _looked_at(self, where: Location) -> Table | None:
        """The newest version, opened once for all that ask while it is: plans ask for every partition."""
        held = self._held
        if held is None or held.place.uri != where.uri or not held.is_newest:
            self._held = held = opened(where)
        return held

    def _merged(self, rows: pl.LazyFrame, table: Table | None, target: Target, keys: list[str]) -> pl.LazyFrame:
        """The partition's rows of other keys, and the new ones, by keys."""
        if rows.select(pl.struct(keys).is_duplicated().any()).collect().item():
            raise PublishError(
                f"{self.place(target)}: rows of {target.pass_name} are not unique by {', '.join(keys)}: merge needs "
                "that, so choose another mode"
            )
        files = table.of(target.date, target.universe) if table is not None else []
        if table is None or not files:
            return rows
        old = rows_of(table, files).drop(PARTITIONED_BY)
        stay = old.join(rows.select(keys), on=keys, how="anti", nulls_equal=True)
        return pl.concat([rows, stay], how="diagonal").sort(keys, maintain_order=True)

    def _table(self, target: Target, resolved: bool = True) -> Location:
        """Where the table is; symbolic links resolved, except where it is only looked at."""
        root = self._root
        if root.path is not None:
            path = place(root.path, self.config.path, target) if resolved else None
            uri = str(path or below(root.path, self.config.path, target))
        else:
            uri = root.below(below(Path("/"), self.config.path, target).lstrip("/")).uri
        if "%" in uri:
            raise UserError(
                f"the Delta table would be at {uri!r}, and Delta takes no '%' there: leave out of root, path and "
                "names what a path escapes"
            )
        return Location(uri, root.storage)

    @cached_property
    def _root(self) -> Location:
        return location(self.folder, self.config.root, self.config.storage)


def _refuse_foreign(frame: pl.LazyFrame, columns: Mapping[str, Any], target: Target, whose: str) -> None:
    """Every row is the partition's own."""
    lacking = [name for name in PARTITIONED_BY if name not in columns]
    if lacking:
        raise PublishError(f"{whose}: rows of {target.pass_name} lack {', '.join(lacking)}, by which they are stored")
    foreign = pl.col("Date").ne_missing(pl.lit(target.date)) | pl.col("Universe").ne_missing(pl.lit(target.universe))
    if frame.select(foreign.any()).collect().item():
        raise PublishError(f"{whose}: rows of {target.pass_name} are of another date or universe: none is published")


def _refuse_mixed(table: Table, there: list[LiveFile], columns: Mapping[str, Any], whose: str) -> None:
    """Rows of one partition mean the same: text is text of one Enum, whole numbers are counts or stamps."""
    there_now = {name: dtype for name, dtype in declared(table, there).items() if name in columns}
    here = declared_from_json(declared_to_json({name: columns[name] for name in columns if name in table.schema}))
    if names := differing(there_now, here):
        raise PublishError(
            f"{whose}: the result has other dtypes than the rows that are there ({', '.join(names)}): replace the "
            "partition, or publish to another path"
        )


def _keys(document: Mapping[str, Any], columns: Mapping[str, Any], whose: str) -> list[str]:
    """What makes a row the same: the pass's keys and its bucket."""
    keys = [
        name for name in (*document.get("keys", ()), "TimeBucket") if name in columns and name not in PARTITIONED_BY
    ]
    if not keys:
        raise PublishError(f"{whose}: the result has no keys to merge by: choose another mode")
    return keys
