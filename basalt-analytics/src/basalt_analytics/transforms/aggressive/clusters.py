"""Clusters: which execution belongs to the aggressive order of the one before it.

A row *begins* an order unless its side is known and that of the row before, and the first rule that applies says that
they belong together. Rules are tried in order; each says yes, no, or nothing (null).
"""

from collections.abc import Mapping, Sequence

import polars as pl

from basalt_analytics.transforms.aggressive.executions import KEY
from basalt_analytics.transforms.aggressive.options import AggressiveTradesOptions, Rule

BEGINS, ORDER = "_Begins", "_Order"


def clustered(rows: pl.LazyFrame, config: AggressiveTradesOptions, rules: Sequence[Rule]) -> pl.LazyFrame:
    """Executions with `_Order`, ascending over all listings, AggressiveOrderId and ExecutionIndex."""
    begun = rows.with_columns((~_joined(config, rules)).alias(BEGINS))
    if config.longest is not None:
        begun = _cut(begun, config.longest)
    orders = pl.col(BEGINS).cast(pl.Int64).cum_sum() - 1
    numbered = begun.with_columns(orders.alias(ORDER), orders.over(KEY).alias("AggressiveOrderId")).drop(BEGINS)
    return numbered.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).over(ORDER).alias("ExecutionIndex"))


def grows_until(config: AggressiveTradesOptions, rules: Sequence[Rule]) -> pl.Expr:
    """Until when (ns) an execution may join that of the row if no other breaks it; null where that is not bounded."""
    bounds = {"gap": pl.col("_At") + config.gap, "event": pl.col("_EventEnd")}
    latest = pl.max_horizontal(pl.col("_At"), *(bounds[rule] for rule in rules if rule in bounds))
    open_ = pl.lit(False)
    if "event" in rules:
        open_ |= pl.col("_EventEnd").is_null()
    if "match_id" in rules:
        open_ |= pl.col("_Match").is_not_null()
    return pl.when(~open_).then(latest)


def _before(name: str) -> pl.Expr:
    return pl.col(name).shift(1).over(KEY)


def _joined(config: AggressiveTradesOptions, rules: Sequence[Rule]) -> pl.Expr:
    says: Mapping[Rule, pl.Expr] = {
        "match_id": pl.col("_Match") == _before("_Match"),
        "event": pl.when(pl.col("_Event") == _before("_Event")).then(pl.lit(True)),
        "gap": pl.col("_At") - _before("_At") <= config.gap,
    }
    together = pl.coalesce(*(says[rule] for rule in rules), pl.lit(False))
    joined = (pl.col("_Side") == _before("_Side")) & together
    if config.monotone:
        rise = pl.col("_Key") - _before("_Key")
        back = pl.when(pl.col("_Side") == "Buy").then(rise < 0).otherwise(rise > 0)
        joined &= ~back.fill_null(False)
    return joined.fill_null(False)


def _cut(rows: pl.LazyFrame, longest: int) -> pl.LazyFrame:
    """Orders begun anew where they would last longer."""

    def cut(frame: pl.DataFrame) -> pl.DataFrame:
        from basalt_analytics.kernels.spans import spans

        begins = spans(frame["_At"].to_numpy(), frame[BEGINS].to_numpy(), longest)
        return frame.with_columns(pl.Series(BEGINS, begins))

    return rows.map_batches(cut, schema=dict(rows.collect_schema()))
