"""Messages of auctions: what each says, how long it is in force, and what they come to in a bucket.

A message is in force from its stamp to the next one, to the end of its phase, or until it is too old. As an event it
belongs to the bucket of its stamp; in the buckets behind that it is *carried*. A price that is missing or not above 0
says that there is none, and the one before it is in force no longer.
"""

from collections.abc import Mapping

import polars as pl

from basalt.buckets import BucketRule, WholeDate, as_label
from basalt.durations import SECOND
from basalt.metrics import ratio
from basalt.modules import PassContext
from basalt_analytics.auction.phases import KEY, in_phases
from basalt_analytics.trade.prices import known_price

CARRIED = ("Price", "Paired", "Signed", "Reference")
_LABEL = pl.col("TimeBucket")
_CLOSE, _OPEN = pl.col("Price").last(), pl.col("Price").drop_nulls().first()
_PAIRED, _SIGNED = pl.col("Paired").last(), pl.col("Signed").last()

VALUES: Mapping[str, pl.Expr] = {
    "MessageCount": pl.col("Message").sum().cast(pl.Int64),
    "IndicativeOpen": _OPEN,
    "IndicativeHigh": pl.col("Price").max(),
    "IndicativeLow": pl.col("Price").min(),
    "IndicativeClose": _CLOSE,
    "Path": pl.col("Move").sum(),
    "ReturnBps": 1e4 * ratio(_CLOSE - _OPEN, _OPEN),
    "PairedQuantity": _PAIRED,
    "ImbalanceQuantity": _SIGNED,
    "ImbalanceRatio": ratio(_SIGNED, 2 * _PAIRED + _SIGNED.abs()),
    "ImbalanceToPaired": ratio(_SIGNED, _PAIRED),
    "ToReferenceBps": 1e4 * ratio(_CLOSE - pl.col("Reference").last(), pl.col("Reference").last()),
}
"""Over the rows of `in_buckets`; the column TWA and its seconds come from `time_weighted`."""
ERROR = 1e4 * ratio(_CLOSE - pl.col("Final").last(), pl.col("Final").last())
"""The same, with each phase's own price as `Final`."""


def messages(
    imbalance: pl.LazyFrame, found: pl.LazyFrame, seen: pl.LazyFrame, rule: BucketRule, pass_: PassContext
) -> pl.LazyFrame:
    """(ListingId, StretchId, TimeBucket, Number, At, Until, Price, Paired, Signed, Reference) of each message of a
    phase, in order. `seen`: until when a phase lasts that no state ends."""
    held = in_phases(imbalance, found).with_columns(Number=pl.int_range(pl.len()))
    following = pl.col("At").shift(-1).over("StretchId")
    lasting = held.join(seen, on=KEY, how="left", maintain_order="left")
    until = pl.min_horizontal(following.fill_null(pl.col("End")), pl.max_horizontal("Seen", "At"), "End")
    return lasting.select(
        KEY,
        "StretchId",
        "Number",
        "At",
        TimeBucket=rule.bucket(pl.col("EventTimestamp"), pass_.date),
        Until=until,
        **said(held.collect_schema()),
    )


def said(columns: Mapping[str, pl.DataType]) -> dict[str, pl.Expr]:
    """What a row of `imbalance` says, null where a column is not there or its value is none.

    Signed: what is left over, + where buyers are; 0 where nothing is, whatever the side, and null for an unknown side.
    """
    quantity = _amount("ImbalanceQuantity", columns)
    side = pl.col("ImbalanceSide") if "ImbalanceSide" in columns else pl.lit(None, pl.String)
    signed = pl.when(quantity == 0).then(0.0).when(side == "Buy").then(quantity).when(side == "Sell").then(-quantity)
    prices = {"Price": "IndicativePrice", "Reference": "ReferencePrice"}
    known = {
        name: known_price(column, allow_nonpositive=False) if column in columns else pl.lit(None, pl.Float64)
        for name, column in prices.items()
    }
    return {**known, "Paired": _amount("PairedQuantity", columns), "Signed": signed}


def _amount(name: str, columns: Mapping[str, pl.DataType]) -> pl.Expr:
    """A quantity, null unless it is a finite number from 0 on."""
    if name not in columns:
        return pl.lit(None, pl.Float64)
    quantity = pl.col(name)
    return pl.when(quantity.is_finite() & (quantity >= 0)).then(quantity)


def in_buckets(said: pl.LazyFrame, pieces: pl.LazyFrame, max_age: int | None) -> pl.LazyFrame:
    """(ListingId, TimeBucket, StretchId, Message, Move, Price, Paired, Signed, Reference): the messages of each bucket,
    and in front of them the one that is carried into it, without values where it is too old."""
    before, age = pl.col("Price").shift(1).over("StretchId"), pl.col("At") - pl.col("At").shift(1).over("StretchId")
    if max_age is not None:
        before = pl.when(age <= max_age).then(before)
    moves = said.with_columns(Message=pl.lit(True), Move=(pl.col("Price") - before).abs())
    carried = pieces.filter("Carried").with_columns(Message=pl.lit(False), Move=pl.lit(None, pl.Float64))
    if max_age is not None:
        fresh = pl.col("From") - pl.col("At") <= max_age
        carried = carried.with_columns(pl.when(fresh).then(pl.col(name)).alias(name) for name in CARRIED)
    names = (KEY, "TimeBucket", "StretchId", "Number", "Message", "Move", *CARRIED)
    return pl.concat([moves.select(names), carried.select(names)]).sort(KEY, "TimeBucket", "Number")


def pieces_of(said: pl.LazyFrame, rule: BucketRule, pass_: PassContext) -> pl.LazyFrame:
    """The messages once for each bucket they are in force in for more than an instant: TimeBucket, From, To (ns), and
    whether they are carried into it."""
    lasting = said.filter(pl.col("Until") > pl.col("At"))
    if isinstance(rule, WholeDate):
        return lasting.with_columns(From="At", To="Until", Carried=pl.lit(False))
    labels = rule.overlapped(pl.col("At"), pl.col("Until"), pass_.date)
    each = lasting.with_columns(Own=_LABEL, TimeBucket=labels).explode("TimeBucket").with_columns(as_label(_LABEL))
    return each.with_columns(
        From=pl.max_horizontal("At", rule.interval_start(_LABEL)),
        To=pl.min_horizontal("Until", rule.interval_end(_LABEL)),
        Carried=pl.col("Own") != _LABEL,
    )


def time_weighted(pieces: pl.LazyFrame, max_age: int | None) -> pl.LazyFrame:
    """(ListingId, TimeBucket, IndicativeTWA, IndicativeCoverageSeconds) over the time with a price."""
    end = pl.col("To") if max_age is None else pl.min_horizontal("To", pl.col("At") + max_age)
    seconds = (end - pl.col("From")).clip(lower_bound=0) / SECOND
    priced = pieces.with_columns(Seconds=pl.when(pl.col("Price").is_not_null()).then(seconds))
    weighted = (pl.col("Seconds") * pl.col("Price")).sum()
    return priced.group_by(KEY, "TimeBucket").agg(
        IndicativeTWA=ratio(weighted, pl.col("Seconds").sum()), IndicativeCoverageSeconds=pl.col("Seconds").sum()
    )
