"""Sizing: how many bytes each unit of a partition takes as plain columns, read and made.

A *unit* is what batches never part: a listing, or an instrument with its listings. Its *size* is the rows of its keys
in each input times the bytes of a row, plus the groups they make times the columns of the output.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import polars as pl

from basalt.durations import DAY
from basalt.planning.known import Columns
from basalt.planning.program import Program
from basalt.planning.widths import row_bytes

OUTPUT_VALUE = 20  # bytes of one value of the output: computed, joined and sorted


@attrs.frozen(eq=False)
class Units:
    """What is never parted, in order: unit 0 to `count` - 1. `members`: by key column, the frame (Unit, that column)
    of whose rows each unit reads."""

    count: int
    members: Mapping[str, pl.DataFrame]

    @classmethod
    def single(cls, keys: pl.Series) -> "Units":
        """Each key a unit of its own, in the order given; the Series is named as its key column."""
        return cls(len(keys), {keys.name: keys.to_frame().with_row_index("Unit")})

    @classmethod
    def grouped(cls, groups: Sequence[Sequence[Any]], pairs: pl.DataFrame) -> "Units":
        """Each group of listings a unit. `pairs`: ListingId and InstrumentId, as reference has them: tables by
        instrument are read for the instruments of the group."""
        schema = {"ListingId": pl.List(pairs.schema["ListingId"])}
        listings = pl.DataFrame({"ListingId": groups}, schema=schema).with_row_index("Unit").explode("ListingId")
        instruments = listings.join(pairs, on="ListingId", maintain_order="left").select("Unit", "InstrumentId")
        return cls(len(groups), {"ListingId": listings, "InstrumentId": instruments.unique(maintain_order=True)})

    def wanted(self, first: int, count: int) -> dict[str, pl.Series]:
        """By key column, the values of `count` units from `first` on: what `Tables.frames` takes."""
        inside = (pl.col("Unit") >= first) & (pl.col("Unit") < first + count)
        return {name: frame.filter(inside)[name] for name, frame in self.members.items()}


@attrs.frozen(eq=False)
class Input:
    """What a pass reads. `rows`: a key column and Rows, how many it has of each; `width`: bytes of a row."""

    rows: pl.DataFrame
    width: int

    @property
    def key(self) -> str:
        """The column whose values its rows belong to."""
        return self.rows.columns[0]


@attrs.frozen(eq=False)
class Sizes:
    """`units`: bytes of each; `always`: bytes of the inputs that every batch reads whole."""

    units: pl.Series
    always: int

    @property
    def whole(self) -> int:
        """Bytes of all units in one piece."""
        return self.always + int(self.units.sum())


def table_inputs(program: Program, columns_of: Mapping[str, Columns], rows: Mapping[str, pl.DataFrame]) -> list[Input]:
    """The tables in `rows` (key and Rows) as inputs, each as wide as the widest row that steps make of one of its own;
    `columns_of`: dtypes of each as the source has it."""
    widths = {name: row_bytes(columns_of[name], program.reads[name]) for name in rows}
    behind = dict(zip(rows, rows, strict=True))
    for step in (one for one in program.steps if not one.implied):  # an implied one streams
        table = behind.get(step.inputs[0])
        if table is not None:
            widths[table] = max(widths[table], row_bytes(step.made, step.made))
            behind[step.transform.output] = table
    return [Input(found, widths[name]) for name, found in rows.items()]


def sizes(program: Program, units: Units, inputs: Iterable[Input]) -> Sizes:
    """The size of each unit. An input whose key no unit has is read whole by every batch."""
    whole = [one for one in inputs if one.key not in units.members]
    read = [_read(one, units) for one in inputs if one.key in units.members]
    found = pl.LazyFrame({"Unit": pl.int_range(units.count, dtype=pl.UInt32, eager=True)})
    for part in (pl.concat([_nothing(), *read]).group_by("Unit").sum(), _keys(program, units)):
        found = found.join(part, on="Unit", how="left", maintain_order="left")
    found = found.with_columns(pl.col("Rows", "Bytes", "Keys").fill_null(0)).select(
        pl.col("Bytes") + _groups(program, pl.col("Rows"), pl.col("Keys")) * _made(program)
    )
    return Sizes(found.collect().to_series(), sum(int(one.rows["Rows"].sum()) * one.width for one in whole))


def rows_made(program: Program, inputs: Sequence[Input]) -> pl.DataFrame:
    """How many rows the pass has at most: its key column and Rows, ascending. Inputs by another key tell nothing."""
    read = [one.rows.select(program.key, pl.col("Rows").cast(pl.Int64)) for one in inputs if one.key == program.key]
    if not read:
        return pl.DataFrame(schema={program.key: program.result.key_dtypes[0], "Rows": pl.Int64})
    counted = pl.concat(read).drop_nulls(program.key).group_by(program.key).sum().sort(program.key)
    return counted.with_columns(_groups(program, pl.col("Rows"), pl.lit(1, pl.Int64)).cast(pl.Int64).alias("Rows"))


def rows_read(one: Input, units: Units) -> int:
    """How many of its rows some unit reads by their key; none of an input that every batch reads whole."""
    if one.key not in units.members:
        return 0
    return int(one.rows.join(units.members[one.key].unique(one.key), on=one.key, how="semi")["Rows"].sum())


def _read(one: Input, units: Units) -> pl.LazyFrame:
    """(Unit, Rows, Bytes) of each key."""
    joined = units.members[one.key].lazy().join(one.rows.lazy(), on=one.key)
    return joined.select("Unit", pl.col("Rows").cast(pl.Int64), Bytes=pl.col("Rows").cast(pl.Int64) * one.width)


def _nothing() -> pl.LazyFrame:
    return pl.LazyFrame(schema={"Unit": pl.UInt32, "Rows": pl.Int64, "Bytes": pl.Int64})


def _keys(program: Program, units: Units) -> pl.LazyFrame:
    """(Unit, Keys): how many keys of the pass a unit has."""
    one = pl.DataFrame({"Unit": [0]}, schema={"Unit": pl.UInt32})
    members = units.members.get(program.key, next(iter(units.members.values()), one))
    return members.lazy().group_by("Unit").agg(pl.len().cast(pl.Int64).alias("Keys"))


def _made(program: Program) -> int:
    """Bytes of one row of the output."""
    return OUTPUT_VALUE * len(program.result.columns)


def _groups(program: Program, rows: pl.Expr, keys: pl.Expr) -> pl.Expr:
    """Rows of the output at most: the buckets of a date for each key, or as many as there are rows of input."""
    if program.timeline.kind == "daily":
        return keys
    buckets = keys * -(-DAY // program.rule.every)
    several = len(program.result.keys) > 1
    if program.timeline.kind == "dense":
        return pl.max_horizontal(buckets, rows) if several else buckets
    return rows if several else pl.min_horizontal(buckets, rows)
