"""The tick rule: the sign of the last change of price up to each trade.

A trade is *eligible* if it advances the memory: valid, and neither cancelled nor printed away from the book by auction,
off book or by negotiation. The memory begins anew with each date, so the first trades have no sign.
"""

from collections.abc import Mapping
from math import inf

import polars as pl

from basalt_analytics.trade.prices import above, known_price, near
from basalt_analytics.transforms.quote_tests import side

TICK = "_Tick"
_PRICE, _BEFORE, _MOVE = "_Eligible", "_Before", "_Move"
AWAY = ["Auction", "OffBook"]


def with_ticks(trades: pl.LazyFrame, reference: pl.LazyFrame | None) -> pl.LazyFrame:
    """Trades of one date, in (listing, time) order, with their tick signs in column `TICK`.

    `reference`: the memory is of its instruments, whose trades of one stamp come listing by listing; a listing
    without an instrument has a memory of its own. None: of listings.
    """
    if reference is None:
        return _signed(trades, ["ListingId"])
    instruments = reference.select("ListingId", _Instrument="InstrumentId")
    alone = pl.when(pl.col("_Instrument").is_null()).then(pl.col("ListingId"))
    mixed = (
        trades.join(instruments, on="ListingId", how="left", maintain_order="left")
        .with_columns(_Alone=alone)
        .with_row_index("_Row")
        .sort("EventTimestamp", maintain_order=True)
    )
    return _signed(mixed, ["_Instrument", "_Alone"]).sort("_Row").drop("_Row", "_Instrument", "_Alone")


def _signed(trades: pl.LazyFrame, memory: list[str]) -> pl.LazyFrame:
    price, before = pl.col(_PRICE), pl.col(_BEFORE)
    moved = pl.when(~near(price, before)).then(side(above(price, before), above(before, price)))
    return (
        trades.with_columns(_eligible(trades.collect_schema()).alias(_PRICE))
        .with_columns(price.forward_fill().shift(1).over(memory).alias(_BEFORE))
        .with_columns(moved.alias(_MOVE))
        .with_columns(pl.when(price.is_not_null()).then(pl.col(_MOVE).forward_fill().over(memory)).alias(TICK))
        .drop(_PRICE, _BEFORE, _MOVE)
    )


def _eligible(columns: Mapping[str, pl.DataType]) -> pl.Expr:
    """The price of an eligible trade, else null."""
    counts = pl.col("Size").is_between(0, inf, closed="none")
    if "TradeType" in columns:
        counts &= ~pl.col("TradeType").is_in(AWAY).fill_null(False)
    for flag in ("IsNegotiated", "IsCancelled"):
        if flag in columns:
            counts &= ~pl.col(flag).fill_null(False)
    return pl.when(counts).then(known_price("Price", False))
