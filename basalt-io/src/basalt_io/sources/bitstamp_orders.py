"""Bitstamp order events and trades as canonical tables; `bitstamp` says what becomes of what.

A *life* is the events from an order's creation on; those at the stamp of the creation are its *entry*.
"""

import datetime as dt

import polars as pl

from basalt.tables import ACTION, AGGRESSOR, NS_UTC, SIDE

LIFE = ("id", "Life")
DECIMALS = 8  # of the venue's amounts
_ACTION, _VOLUME = pl.col("action"), pl.col("volume")
_CREATED = _ACTION == "created"
_SIDE = pl.col("direction").replace_strict({"bid": "Bid", "ask": "Ask"}, return_dtype=pl.String).cast(SIDE)


def l3(rows: pl.LazyFrame, snapshot: dt.datetime | None, takers: pl.LazyFrame | None) -> pl.LazyFrame:
    """Order events after the snapshot; of orders that took at their entry, only what the entry leaves.

    `takers`: id and EventTimestamp of orders that trades say took; None: who has a fill at its entry, took.
    """
    lives, took = _lives(rows), pl.lit(True)
    if takers is not None:
        known = takers.with_columns(IsTaker=True)
        lives = lives.join(known, on=["id", "EventTimestamp"], how="left", maintain_order="left")
        took = pl.col("IsTaker").fill_null(False)
    moved = (_ACTION == "changed") | (pl.col("Before") != _VOLUME).fill_null(False)
    taken = (pl.col("IsEntry") & ((moved & took) | (_CREATED & (_VOLUME == 0)))).any().over(LIFE)
    ends = pl.col("IsEntry") & ~pl.col("IsEntry").shift(-1, fill_value=False).over(LIFE)
    rests = ends & (_ACTION != "deleted") & (_VOLUME > 0)
    kept = lives.with_columns(Took=taken, Inserts=_CREATED | (taken & ends)).filter(
        ~(pl.col("Took") & pl.col("IsEntry")) | rests, ~_sent(snapshot)
    )
    return _events(kept)


def l3_snapshot(rows: pl.LazyFrame, snapshot: dt.datetime | None) -> pl.LazyFrame:
    """The book that the recorder began with."""
    return rows.filter(_sent(snapshot)).select(
        "EventTimestamp", "SequenceNo", OrderId="id", Side=_SIDE, Price="price", Size="volume"
    )


def takers(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The orders that took, with the stamps at which they did."""
    taker = pl.when(pl.col("side") == "buy").then("buy_order_id").otherwise("sell_order_id")
    return rows.select(taker.alias("id"), "EventTimestamp").unique()


def trades(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Prints; the side is the taker's."""
    sides = {"buy": "Buy", "sell": "Sell"}
    return rows.select(
        "EventTimestamp",
        "SequenceNo",
        Price="price",
        Size="amount",
        AggressorSide=pl.col("side").replace_strict(sides, return_dtype=pl.String).cast(AGGRESSOR),
        TradeId=pl.col("trade_id").cast(pl.String),
    )


def _sent(snapshot: dt.datetime | None) -> pl.Expr:
    return _CREATED & (pl.col("EventTimestamp") == pl.lit(snapshot, NS_UTC)).fill_null(False)


def _lives(rows: pl.LazyFrame) -> pl.LazyFrame:
    """With Life, Before (volume after the event before), Rest (price it rests at, null if it was not created here)."""
    numbered = rows.with_columns(Life=_CREATED.cum_sum().over("id"))
    entered = pl.col("EventTimestamp").first().over(LIFE)
    known = pl.col("Life") > 0
    return numbered.with_columns(
        IsEntry=known & (pl.col("EventTimestamp") == entered),
        Before=_VOLUME.shift(1).over(LIFE),
        Rest=pl.when(known).then(pl.col("price").first().over(LIFE)),
    )


def _events(kept: pl.LazyFrame) -> pl.LazyFrame:
    inserts, gone = pl.col("Inserts"), _ACTION == "deleted"
    unseen = gone & pl.col("Before").is_null()
    price = pl.coalesce("Rest", "price")
    filled = ~inserts & (pl.col("Before") > _VOLUME).fill_null(False)
    known = pl.col("Before").is_not_null()
    return kept.select(
        "EventTimestamp",
        "SequenceNo",
        OrderId="id",
        Side=_SIDE,
        Action=pl.when(inserts)
        .then(pl.lit("Insert"))
        .when(gone)
        .then(pl.lit("Remove"))
        .otherwise(pl.lit("Update"))
        .cast(ACTION),
        Price=pl.when(~gone).then(price),
        Size=pl.when(gone).then(0.0).otherwise(_VOLUME),
        OldPrice=pl.when(~inserts & (known | unseen)).then(price),
        OldSize=pl.when(inserts).then(0.0).when(unseen).then(_VOLUME).otherwise("Before"),
        ExecutionPrice=pl.when(filled).then("price"),
        ExecutionSize=pl.when(filled).then((pl.col("Before") - _VOLUME).round(DECIMALS)).otherwise(0.0),
    )
