"""Rows that another pipeline published and the source of this one has, as a pass reads those of an earlier pass."""

import polars as pl

from basalt.documents import PassResult
from basalt.errors import DataError
from basalt.planning.partitions import Partition
from basalt.planning.plan import Plan
from basalt.planning.published import check_alike
from basalt.running.members import Members
from basalt.tables import US_UTC


def published_elsewhere(plan: Plan, result: PassResult, partition: Partition, members: Members) -> pl.LazyFrame:
    """The rows of that date and of the universe's members, in order: those published under the universe's name, where
    there are any, else all. DataError where the table means something else than planned, or has a row twice."""
    source, day = plan.source, partition.date
    check_alike(result, source, day)
    rows, key = as_planned(source.scan(result.name, day), result), result.keys[0]
    universes = rows.select(pl.col("Universe").unique()).collect(engine="streaming")["Universe"].sort().to_list()
    if partition.universe in universes:
        rows = rows.filter(pl.col("Universe") == partition.universe)
    elif len(universes) > 1:
        _refuse_repeated(rows, result, universes, f"table {result.name} of source {source.name!r} on {day}")
    own = members.keys(key)
    mine = rows if own is None else rows.filter(pl.col(key).is_in(own.to_list()))
    return mine.with_columns(Universe=pl.lit(partition.universe)).sort(*result.keys, "TimeBucket", maintain_order=True)


def _refuse_repeated(rows: pl.LazyFrame, result: PassResult, universes: list[str], whose: str) -> None:
    keys = [*result.keys, "TimeBucket"]
    repeated = rows.group_by(keys).len().filter(pl.col("len") > 1).head(1).collect(engine="streaming")
    if repeated.height:
        raise DataError(
            f"{whose} holds the same rows in several of its universes ({', '.join(universes)}), as that of "
            f"{repeated.select(keys).row(0, named=True)}: name the [universes] of this pipeline as those"
        )


def as_planned(rows: pl.LazyFrame, result: PassResult) -> pl.LazyFrame:
    """Published rows in the dtypes of the pass, which not every output can keep."""
    keys = dict(zip(result.keys, result.key_dtypes, strict=True))
    wanted = {"Date": pl.Date, "Universe": pl.String, **keys, "TimeBucket": US_UTC}
    wanted |= {column.name: column.dtype for column in result.columns}
    return rows.select(pl.col(name).cast(dtype) for name, dtype in wanted.items())
