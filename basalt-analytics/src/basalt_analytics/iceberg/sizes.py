"""How large icebergs are: the share that executes more than a size, by Kaplan and Meier.

An iceberg is *filled* where its last order was filled whole, in a market state that counts. Otherwise it is *censored*:
cancelled in one, or open when the session ends, it would have executed more than it did.
"""

from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from basalt.buckets import BucketRule, WholeDate
from basalt_analytics.iceberg.columns import Whose
from basalt_analytics.iceberg.events import SESSION_END
from basalt_analytics.iceberg.happenings import ID, KEY, OF_ICEBERG, ON
from basalt_analytics.iceberg.options import IcebergOptions, tokens
from basalt_analytics.iceberg.tables import GROUP, ICEBERG_SIZES, SIDES

if TYPE_CHECKING:
    from basalt_analytics.iceberg.detection import Detected

_NEAR = 1e-9
_DIGITS = 9
"""Sums of the same fractions in another order are one size."""


def members(found: "Detected") -> pl.DataFrame:
    """(ListingId, IcebergKind, IcebergSide, At, Size, Filled) of each iceberg: when it ended, else when the session
    did, null where that is not known; and what it had executed by then."""
    ended = pl.col("EndCounts").fill_null(False) & (pl.col("End") != "OPEN")
    own = found.rows.filter(OF_ICEBERG)
    sessions = own.group_by(KEY).agg(pl.col(SESSION_END).first())
    chains = found.chains.join(sessions, on=KEY, how="left", maintain_order="left").with_columns(
        At=pl.when(ended).then(pl.col("EndTimestamp").to_physical()).otherwise(SESSION_END),
        Filled=ended & (pl.col("End") == "FILLED"),
    )
    until = own.join(chains.select(*ID, "At"), on=ID, how="left", maintain_order="left")
    by_then = until.filter((pl.col("EventTimestamp").to_physical() <= pl.col("At")).fill_null(True))
    sizes = by_then.group_by(ID).agg(Size=pl.col("Executed").sum().round(_DIGITS))
    return chains.join(sizes, on=ID, how="left", maintain_order="left").select(
        KEY, "IcebergKind", "EventTimestamp", "At", "Filled", pl.col("Size").fill_null(0.0), IcebergSide="Side"
    )


def curves(of: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """By group and size, in order: Filled, Censored, AtRisk, and Survival, the share that is larger."""
    steps = of.group_by(*by, "Size").agg(
        Filled=pl.col("Filled").sum().cast(pl.Int64), Censored=(~pl.col("Filled")).sum().cast(pl.Int64)
    )
    leaving = pl.col("Filled") + pl.col("Censored")
    ordered = steps.sort(*by, "Size").with_columns(AtRisk=leaving.cum_sum(reverse=True).over(by))
    kept = 1 - pl.col("Filled") / pl.col("AtRisk")
    return ordered.with_columns(Survival=kept.cum_prod().over(by))


def survival(found: "Detected", config: IcebergOptions, rule: BucketRule, day: date) -> pl.DataFrame:
    """(ListingId, TimeBucket) and the columns of SizeSurvival, null where no such iceberg ended."""
    at = pl.col("At")
    if isinstance(rule, WholeDate):
        at = pl.coalesce(at, pl.col("EventTimestamp").to_physical())
    whole = members(found).with_columns(TimeBucket=rule.bucket(at, day)).filter(pl.col("TimeBucket").is_not_null())
    joined = whole.select(ON).unique()
    names = tokens("SizeSurvival", config)
    for kind in config.kinds:
        for side in config.sides:
            whose = Whose(config, kind, side)
            values = {
                whose.name(token): _beyond(size) for token, size in zip(names, config.survival_sizes, strict=True)
            }
            of = curves(_of(whole, whose), ON).group_by(ON).agg(**values)
            joined = joined.join(of, on=ON, how="left")
    return joined


def distribution(found: "Detected", config: IcebergOptions) -> pl.DataFrame:
    """Rows of `iceberg_sizes`, of the kinds and sides that are asked for."""
    whole = members(found)
    parts = [
        curves(_of(whole, Whose(config, kind, side)), [KEY]).with_columns(
            IcebergKind=pl.lit(kind, GROUP), Side=pl.lit(side, SIDES)
        )
        for kind in config.kinds
        for side in config.sides
    ]
    return pl.concat(parts).select(c.name for c in ICEBERG_SIZES.columns).sort(KEY, "IcebergKind", "Side", "Size")


def _of(whole: pl.DataFrame, whose: Whose) -> pl.DataFrame:
    return whole.filter(whose.of("Size").is_not_null())


def _beyond(size: float) -> pl.Expr:
    """The share that is larger; it never grows with the size."""
    reached = pl.col("Size") <= size + _NEAR
    return pl.when(reached).then("Survival").min().fill_null(1.0)
