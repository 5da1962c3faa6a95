"""Filling: what aggregations and frame modules have, put on the rows of the pass, and the empty rules applied.

A *contribution* is the result of one of them: rows unique by (keys, TimeBucket). Where it has no row, ZERO columns are
0, and CARRY columns have the last value of the same keys and stretch, null included; a null that a row gave stays.
Where the last row behind it is older than a column's `max_age`, at the bucket's end, its value is null.
"""

from collections.abc import Sequence

import attrs
import polars as pl

from basalt.buckets import BucketRule, WholeDate
from basalt.metrics import Empty
from basalt.running.fuse import CARRIED, LAST_TIME, Emitted
from basalt.running.stretches import at_buckets, at_times


@attrs.frozen(eq=False)
class Contribution:
    """`whole`: each of its rows is a row of the pass. `stretches`: those its values are carried in; None: the date is
    one. `_Time`, if its rows have it, is when the last row behind a bucket's values was."""

    rows: pl.DataFrame
    columns: Sequence[Emitted]
    whole: bool
    stretches: pl.DataFrame | None = None


def placed(
    spine: pl.DataFrame, contribution: Contribution, keys: Sequence[str], rule: BucketRule
) -> tuple[pl.DataFrame, int]:
    """The contribution's columns on the rows of `spine`, which is sorted by (keys, TimeBucket), in its order; and how
    many of its rows the spine lacks."""
    on = list(keys) if isinstance(rule, WholeDate) else [*keys, "TimeBucket"]
    names = [c.name for c in contribution.columns]
    if contribution.rows.height == spine.height and not any(c.max_age is not None for c in contribution.columns):
        rows = contribution.rows.sort(on)
        if rows.select(on).equals(spine.select(on)):
            return rows.select(names), 0
    there = contribution.rows.drop([n for n in ("TimeBucket",) if n not in on]).with_columns(_There=True)
    joined = spine.join(there, on=on, how="left", nulls_equal=True, maintain_order="left")
    dropped = there.height - joined["_There"].count()
    filled = _zeroed(joined.lazy(), contribution)
    if any(c.empty is Empty.CARRY for c in contribution.columns) and not isinstance(rule, WholeDate):
        filled = _carried(filled, contribution, keys, rule)
    return _aged(filled, contribution, keys, rule).select(names).collect(engine="in-memory"), dropped


def _zeroed(joined: pl.LazyFrame, contribution: Contribution) -> pl.LazyFrame:
    dtypes = contribution.rows.schema
    zero = [c.name for c in contribution.columns if c.empty is Empty.ZERO]
    there = pl.col("_There").is_not_null()
    return joined.with_columns(pl.when(there).then(n).otherwise(pl.lit(0).cast(dtypes[n])).alias(n) for n in zero)


def _carried(joined: pl.LazyFrame, contribution: Contribution, keys: Sequence[str], rule: BucketRule) -> pl.LazyFrame:
    there = pl.col("_There").is_not_null()
    source = pl.when(there).then(pl.col("_Place")).forward_fill().over(*keys)
    staged = _with_stretches(joined, contribution, keys, rule).with_columns(_Place=pl.int_range(pl.len()))
    staged = staged.with_columns(_Source=source)
    same = pl.col("_Bucket").eq_missing(pl.col("_Row").gather(pl.col("_Source")))
    return staged.with_columns(
        pl.when(there).then(pl.col(c.name)).when(same).then(_filling(c, contribution)).alias(c.name)
        for c in contribution.columns
        if c.empty is Empty.CARRY
    )


def _aged(filled: pl.LazyFrame, contribution: Contribution, keys: Sequence[str], rule: BucketRule) -> pl.LazyFrame:
    aged = [c for c in contribution.columns if c.max_age is not None]
    if not aged:
        return filled
    age = rule.interval_end(pl.col("TimeBucket")) - pl.col(LAST_TIME).forward_fill().over(*keys)
    staged = filled.with_columns(_Age=age)
    return staged.with_columns(pl.when(pl.col("_Age") <= c.max_age).then(c.name).alias(c.name) for c in aged)


def _filling(column: Emitted, contribution: Contribution) -> pl.Expr:
    """The carried value, or what stands for it while nothing happens."""
    name = column.carries or column.name
    in_force = name + CARRIED
    carried = pl.col(in_force if in_force in contribution.rows.columns else name).gather(pl.col("_Source"))
    return carried if column.idle is None else pl.when(carried.is_not_null()).then(pl.lit(column.idle))


def _with_stretches(
    joined: pl.LazyFrame, contribution: Contribution, keys: Sequence[str], rule: BucketRule
) -> pl.LazyFrame:
    """`_Bucket`: the stretch of each bucket; `_Row`: that of the last row behind its values."""
    if contribution.stretches is None:
        return joined.with_columns(_Bucket=pl.lit(0), _Row=pl.lit(0))
    key, found = keys[0], contribution.stretches.lazy()
    labels = joined.select(key, "TimeBucket").unique().sort(key, "TimeBucket")
    with_bucket = joined.join(
        at_buckets(labels, key, rule, found, "_Bucket"), on=[key, "TimeBucket"], how="left", maintain_order="left"
    )
    if LAST_TIME not in contribution.rows.columns:
        return with_bucket.with_columns(_Row=pl.col("_Bucket"))
    times = contribution.rows.lazy().select(key, LAST_TIME).unique().sort(key, LAST_TIME)
    row = at_times(times, key, LAST_TIME, found, "_Row")
    return with_bucket.join(row, on=[key, LAST_TIME], how="left", maintain_order="left")
