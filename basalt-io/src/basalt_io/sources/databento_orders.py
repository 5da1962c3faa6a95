"""Order by order (schema mbo): `l3` and `l3_snapshot`; `databento` says what becomes of what.

A *life* is the records of one order between two clearings of its listing's book; a snapshot clears before it fills.
*Anchors* are the records that say the order's size (A, M): what a cancel (C) leaves is counted from the last of them.
"""

import polars as pl

from basalt.tables import ACTION, SIDE
from basalt_io.sources.databento_decoding import dollars
from basalt_io.sources.databento_tables import CLEAR, FILL, LAST, SNAPSHOT, TRADE, enum, event_time, flagged

ADD, CANCEL, MODIFY = "A", "C", "M"
LIFE = ("ListingId", "order_id", "Epoch")
UNKNOWN = -1  # the size of an order of which no record says it
_ACTION = pl.col("action")
_SIDES = {"B": "Bid", "A": "Ask"}


def l3(records: pl.LazyFrame) -> pl.LazyFrame:
    """Adds, cancels and modifications after the snapshot, each with the fills that it carries out."""
    rows = _by_life(_epochs(records).with_columns(event_time(), Event=_events())).cache()
    book = rows.filter(_is_book()).join(
        _fills(rows), on=["Life", "Step", "EventTimestamp"], how="left", maintain_order="left"
    )
    return _rows(_sized(book).filter(~flagged(SNAPSHOT)).sort("SequenceNo"))


def _events() -> pl.Expr:
    """How many events of the listing ended before the record."""
    return flagged(LAST).cum_sum().shift(1, fill_value=0).over("ListingId")


def _by_life(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Life after life, each in file order, with Life, its number, and Step: how many records of the book it had before.

    Millions of windows of a few rows are slow; over rows in this order they are differences of running sums.
    """
    listing = pl.col("ListingId").cast(pl.Categorical).to_physical()
    ordered = rows.sort(listing, "order_id", "Epoch", maintain_order=True)
    begins = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in LIFE)
    lives = ordered.with_columns(Begins=begins | (pl.int_range(pl.len()) == 0))
    book = _is_book().cast(pl.Int64)
    return lives.with_columns(
        Life=pl.col("Begins").cum_sum(), Step=_since(pl.col("Begins"), book.cum_sum() - book, book.cum_sum() - book)
    )


def _since(begins: pl.Expr, running: pl.Expr, at_begin: pl.Expr) -> pl.Expr:
    """What a running sum has grown by since the stretch began, `at_begin` being what it was there."""
    return running - pl.when(begins).then(at_begin).forward_fill()


def _is_book() -> pl.Expr:
    return _ACTION.is_in([ADD, CANCEL, MODIFY])


def _epochs(records: pl.LazyFrame) -> pl.LazyFrame:
    """With Epoch: how often the listing's book was cleared or sent anew up to the record."""
    snapshot = flagged(SNAPSHOT)
    begins = snapshot & ~snapshot.shift(1, fill_value=False).over("ListingId")
    return records.with_columns(Epoch=((_ACTION == CLEAR) | begins).cum_sum().over("ListingId"))


def _fills(rows: pl.LazyFrame) -> pl.LazyFrame:
    """What was executed of each resting order before its next record: size, and the average price."""
    aggressors = rows.filter(_ACTION == TRADE).select("ListingId", "EventTimestamp", "order_id", "side").unique()
    passive = rows.filter(_ACTION == FILL).join(
        aggressors, on=["ListingId", "EventTimestamp", "order_id", "side"], how="anti"
    )
    price, size = dollars(pl.col("price")), pl.col("size").cast(pl.Float64)
    return passive.group_by("Life", "Step", "EventTimestamp").agg(
        Executed=size.sum(),
        ExecutedAt=pl.when(price.n_unique() == 1).then(price.first()).otherwise((price * size).sum() / size.sum()),
    )


def _sized(book: pl.LazyFrame) -> pl.LazyFrame:
    """With After and Before (shares of the order; Before null where it is not known to stand) and BeforePrice."""
    size, cancels = pl.col("size").cast(pl.Int64), _ACTION == CANCEL
    begins = (pl.col("Life") != pl.col("Life").shift(1)).fill_null(True)
    anchored = book.with_columns(Begins=begins, Anchor=begins | ~cancels)
    cancelled, running = pl.when(cancels).then(size).otherwise(0), pl.when(cancels).then(size).otherwise(0).cum_sum()
    gone = _since(pl.col("Anchor"), running, running - cancelled)
    said = pl.when("Anchor").then(pl.when(~cancels).then(size).otherwise(UNKNOWN)).forward_fill()
    after = pl.when(said != UNKNOWN).then(said - gone).otherwise(0)
    sized = anchored.with_columns(After=pl.max_horizontal(after, 0))
    before = pl.when(~pl.col("Begins")).then(pl.col("After").shift(1))
    stood = before > 0
    return sized.with_columns(
        Before=pl.when(stood).then(before), BeforePrice=pl.when(stood).then(pl.col("price").shift(1))
    )


def _rows(book: pl.LazyFrame) -> pl.LazyFrame:
    added, cancels = _ACTION == ADD, _ACTION == CANCEL
    gone = ~added & (pl.col("After") == 0)
    executed = ~added & pl.col("Executed").is_not_null()
    unseen = cancels & pl.col("Before").is_null()
    old_price = pl.when(unseen).then("price").otherwise("BeforePrice")
    old_size = pl.when(unseen).then("size").otherwise("Before")
    return book.select(
        "ListingId",
        "EventTimestamp",
        "SequenceNo",
        OrderId="order_id",
        Side=enum(_SIDES, SIDE),
        Action=pl.when(added)
        .then(pl.lit("Insert"))
        .when(gone)
        .then(pl.lit("Remove"))
        .otherwise(pl.lit("Update"))
        .cast(ACTION),
        Price=pl.when(~gone).then(dollars(pl.col("price"))),
        Size=pl.col("After").cast(pl.Float64),
        OldPrice=pl.when(~added).then(dollars(old_price)),
        OldSize=pl.when(added).then(0.0).otherwise(old_size.cast(pl.Float64)),
        ExecutionPrice=pl.when(executed).then("ExecutedAt"),
        ExecutionSize=pl.when(executed).then("Executed").otherwise(0.0),
        EndOfEvent=(pl.col("Event") != pl.col("Event").shift(-1).over("ListingId")).fill_null(True),
    )


def l3_snapshot(records: pl.LazyFrame) -> pl.LazyFrame:
    """Orders that stood when the book was sent; a row without order where it was cleared and nothing sent.

    The stamp is that of the sending, but before the first later event: it arrived by another way, and may be late.
    """
    snapshot, clear = flagged(SNAPSHOT), _ACTION == CLEAR
    live = pl.when(~snapshot & ~clear).then("ts_event")
    sent = pl.min_horizontal("ts_recv", live.backward_fill().over("ListingId") - pl.duration(nanoseconds=1))
    rows = _epochs(records).with_columns(
        Sent=sent, Refilled=(snapshot & ~clear).shift(-1, fill_value=False).over("ListingId")
    )
    stood = rows.filter((snapshot & (_ACTION == ADD)) | (clear & ~pl.col("Refilled")))
    there = _ACTION == ADD
    return stood.select(
        "ListingId",
        pl.col("Sent").min().over("ListingId", "Epoch").alias("EventTimestamp"),
        "SequenceNo",
        OrderId=pl.when(there).then("order_id"),
        Side=pl.when(there).then(enum(_SIDES, SIDE)),
        Price=pl.when(there).then(dollars(pl.col("price"))),
        Size=pl.when(there).then(pl.col("size").cast(pl.Float64)),
    )
