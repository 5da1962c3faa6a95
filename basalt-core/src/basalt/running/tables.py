"""The tables of a partition: opened once, as the plan expects them, in order, for every pass and batch that reads them.

A table is opened when it is first asked for: its columns are compared with the plan, its rows *surveyed* (nulls,
order, rows by key) and, where they are out of order, sorted. What a batch gets is a filtered scan of it. Of a source
that would read everything for every query (`Source.prunes`), what the passes read is *kept* first, so that it is read
once.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import attrs
import polars as pl

from basalt.errors import BasaltError, DataError
from basalt.planning.batches import room
from basalt.planning.inputs import STANDS, canonical, unread, without_cancelled
from basalt.planning.plan import Plan
from basalt.planning.program import Program
from basalt.planning.widths import row_bytes
from basalt.running.as_planned import check_as_planned
from basalt.running.in_order import checked, order_of, slices
from basalt.running.kept import keep
from basalt.running.order import sorted_by
from basalt.running.peak import resident
from basalt.running.spill import run_rows, sort_to_disk
from basalt.tables import TableSchema

SORTING = 64 * 2**20  # bytes that sorting may take whatever the budget is: less makes it slow, not small

Wanted = Mapping[str, pl.Series]
Side = Callable[[str], pl.LazyFrame]
Reach = Callable[[Program, str], pl.Series | None]


@attrs.frozen(eq=False)
class Opened:
    """A table in order, lazily. `rows`: key and Rows, how many it has, ascending."""

    frame: pl.LazyFrame
    rows: pl.DataFrame


class Tables:
    """The tables of one date.

    `spill`: folder to keep tables in, and to sort those that are out of order, with `memory` bytes for the process;
    the caller removes it. Without one nothing is kept, and such a table is sorted anew, in memory, in each query.
    `side`: gives a side output of an earlier pass by its name. `reach`: which values of a key column a pass may read;
    None: all.
    """

    def __init__(
        self,
        plan: Plan,
        day: date,
        spill: Path | None = None,
        memory: int = SORTING,
        side: Side | None = None,
        reach: Reach | None = None,
    ) -> None:
        self._plan = plan
        self._day = day
        self._spill = spill
        self._memory = max(room(memory, resident()), SORTING)
        self._side = side
        self._reach = reach
        self._with_cancelled = {name for program in plan.programs for name in program.with_cancelled}
        self._opened: dict[str, Opened] = {}

    def frames(self, program: Program, wanted: Wanted | None = None) -> dict[str, pl.LazyFrame]:
        """Every table the program reads, event tables in (key, time, sequence) order, without cancelled rows but where
        it reads them.

        `wanted`: by key column, the values whose rows are wanted; None: all. Tables of events whose key it does not
        name, and those that are not of events, are whole. DataError for a table that cannot be read, breaks its
        contract, or is not as it was on the date the plan was made by.
        """
        return {name: self._cut(name, wanted or {}, name in program.with_cancelled) for name in program.reads}

    def rows_by_key(self, table: str) -> pl.DataFrame:
        """How many rows the table has: its key column and Rows, ascending by key. Errors as of `frames`."""
        return self._open(table).rows

    def _cut(self, name: str, wanted: Wanted, cancelled: bool) -> pl.LazyFrame:
        schema, found = self._plan.schemas[name], self._open(name)
        frame = found.frame if cancelled or name not in self._with_cancelled else found.frame.filter(STANDS)
        if not schema.events or schema.key not in wanted:
            return frame
        return frame.filter(among(wanted[schema.key], found.rows[schema.key]))

    def _open(self, name: str) -> Opened:
        if name not in self._opened:
            try:
                self._opened[name] = self._read(name)
            except BasaltError:
                raise
            except (Exception, pl.exceptions.PanicException) as error:
                source = self._plan.source
                raise DataError(
                    f"table {name!r} of source {source.name!r} cannot be read for {self._day}: "
                    f"{unread(error, source, self._plan.schemas[name], self._day)}; run it again once that is mended"
                ) from error
        return self._opened[name]

    def _read(self, name: str) -> Opened:
        plan, schema = self._plan, self._plan.schemas[name]
        whole = self._whole(schema)
        frame = self._standing(whole, schema)
        if not schema.events:
            counted = frame.group_by(schema.key).agg(pl.len().cast(pl.Int64).alias("Rows")).sort(schema.key)
            return Opened(frame, self._unrepeated(schema, counted.collect(engine="streaming")))
        order = order_of(frame, schema)
        survey = checked(frame, schema, order, plan.source.promises.sorted and ":" not in name)
        if survey.in_order:
            return Opened(frame, survey.rows)
        if self._spill is None:
            return Opened(sorted_by(frame, schema.key, order), survey.rows)
        return Opened(self._sorted(whole, schema, order, survey.rows, self._spill), survey.rows)

    def _whole(self, schema: TableSchema) -> pl.LazyFrame:
        """Every row that some pass may want, as the plan expects them; kept, where reading them again is dear."""
        frame = self._canonical(schema)
        check_as_planned(self._plan, schema.name, without_cancelled(frame, schema).collect_schema(), self._day)
        if self._spill is None or self._plan.source.prunes or ":" in schema.name:
            return frame
        keys = self._wanted(schema)
        if keys is not None:
            key = pl.col(schema.key)
            frame = self._canonical(schema, keys).filter(key.is_in(keys.implode()) | key.is_null())
        read = self._read_of(schema, frame)
        rows = self._standing(frame, schema).select(read)
        return keep(rows, _kept(schema, self._spill), self._memory, self._width(schema, read))

    def _standing(self, frame: pl.LazyFrame, schema: TableSchema) -> pl.LazyFrame:
        """The rows that some pass reads: cancelled ones where one counts them."""
        return frame if schema.name in self._with_cancelled else without_cancelled(frame, schema)

    def _wanted(self, schema: TableSchema) -> pl.Series | None:
        """Keys whose rows some pass may read; None: all, or the table is not of events, and is read whole."""
        reading = [program for program in self._plan.programs if schema.name in program.reads]
        found = [self._reach(one, schema.key) for one in reading] if self._reach and schema.events else [None]
        known = [keys for keys in found if keys is not None]
        return pl.concat(known).unique().sort().alias(schema.key) if known and len(known) == len(found) else None

    def _unrepeated(self, schema: TableSchema, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows by key; DataError for a key that has several where the contract wants one."""
        several = rows.filter(pl.col("Rows") > 1) if schema.unique else rows.clear()
        if len(several):
            key, count = several.row(0)
            place = self._plan.source.lies(schema.name, self._day)
            raise DataError(
                f"table {schema.name!r} of source {self._plan.source.name!r} has {count} rows of {schema.key} {key} on "
                f"{self._day}{place and f' in {place}'}, and one is wanted: drop those that repeat it"
            )
        return rows

    def _canonical(self, schema: TableSchema, keys: pl.Series | None = None) -> pl.LazyFrame:
        """The table's rows as they come: of the source, or a side output of an earlier pass."""
        if self._side is not None and ":" in schema.name:
            return self._side(schema.name)
        return canonical(self._plan.source, schema, self._day, keys)

    def _read_of(self, schema: TableSchema, frame: pl.LazyFrame) -> list[str]:
        """The columns that some pass or the engine reads, in order."""
        read = {column for program in self._plan.programs for column in program.reads.get(schema.name, ())}
        return [name for name in frame.collect_schema() if name in {schema.key, *schema.order, *read, "IsCancelled"}]

    def _width(self, schema: TableSchema, read: Sequence[str]) -> int:
        return row_bytes(self._plan.columns_of[schema.name], read)

    def _sorted(
        self, whole: pl.LazyFrame, schema: TableSchema, order: Sequence[str], rows: pl.DataFrame, spill: Path
    ) -> pl.LazyFrame:
        """A scan of the table sorted on disk, with the rows that some program may want and the columns it reads."""
        read = self._read_of(schema, whole)
        width = self._width(schema, read)
        parts = slices(whole.select(read), run_rows(self._memory, width))
        keys = self._wanted(schema)
        of = pl.lit(True) if keys is None else pl.col(schema.key).is_in(keys.implode())
        standing = (self._standing(part.lazy(), schema).filter(of).collect() for part in parts)
        files = sort_to_disk(standing, rows.filter(of), order, spill / _file(schema), self._memory, width)
        shutil.rmtree(_kept(schema, spill), ignore_errors=True)
        return pl.scan_parquet(files, glob=False) if files else whole.select(read).clear()


def _file(schema: TableSchema) -> str:
    return schema.name.replace(":", ".")


def _kept(schema: TableSchema, spill: Path) -> Path:
    return spill / f"{_file(schema)}.kept"


def among(values: pl.Series, present: pl.Series) -> pl.Expr:
    """Rows of these keys, in a form by which row groups are passed over: a range, and literals where it has gaps.

    `present`: the keys there are. A range alone is quickest; a Series in the expression would prune nothing.
    """
    wanted = values.drop_nulls().unique().sort()
    if wanted.is_empty():
        return pl.lit(False)
    key, first, last = pl.col(present.name), pl.lit(wanted[0]), pl.lit(wanted[-1])
    inside = present.filter((present >= wanted[0]) & (present <= wanted[-1]))
    between = key.is_between(first, last)
    return between if inside.is_in(wanted.implode()).all() else between & key.is_in(wanted.to_list())


def ordered(frame: pl.LazyFrame, plan: Plan, table: str) -> pl.LazyFrame:
    """A frame that a transform returned in its table's order, checked before anything relies on it."""
    schema = plan.schemas[table]
    if not schema.events:
        return frame
    order = order_of(frame, schema)
    return frame if checked(frame, schema, order, False).in_order else sorted_by(frame, schema.key, order)


def notes(program: Program, tables: Tables, listings: pl.Series | None = None) -> Iterator[str]:
    """Listings whose market state is unknown all day, and which a state filter therefore drops: one note a table.

    `listings`: those that are computed; None: all.
    """
    for step in program.steps:
        if step.implied:
            table = step.transform.output
            known = tables.rows_by_key("marketstate")
            missing = tables.rows_by_key(table).join(known, on="ListingId", how="anti").sort("ListingId")
            found = missing["ListingId"].to_list()
            if listings is not None:
                found = missing.filter(pl.col("ListingId").is_in(listings.implode()))["ListingId"].to_list()
            if found:
                some = ", ".join(map(str, found[:5])) + (", …" if len(found) > 5 else "")
                count = len(found)
                yield f"{table} has listings without a row in marketstate ({count}), whose state is UNKNOWN: {some}"
