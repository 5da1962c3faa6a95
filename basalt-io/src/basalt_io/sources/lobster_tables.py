"""LOBSTER's rows as canonical tables; `lobster` says what becomes of what.

Each builder takes a ticker day, its ListingId, the nanosecond that stamps count from, and whether order-book rows
that repeat are kept. SequenceNo is the number of the row, from 1.
"""

from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from basalt.errors import DataError
from basalt.tables import ACTION, AGGRESSOR, NS_UTC, SIDE, STATE, TRADE_TYPE
from basalt_io.sources.csv_files import scan
from basalt_io.sources.lobster_files import MESSAGE_COLUMNS, TickerDay, width

NEW, CANCEL, DELETE, EXECUTE, HIDDEN, CROSS, HALT = range(1, 8)
NO_LEVEL = 9_999_999_999
PRICE_UNITS, PRICE_DECIMALS = 10_000, 4
MILLISECOND = 1_000_000
SECOND = 1_000_000_000

KIND, SIZE, DIRECTION = pl.col("Kind"), pl.col("Quantity"), pl.col("Direction")
_SPELT = {"Kind": "type", "Direction": "direction"}
KEYS = ("ListingId", "EventTimestamp", "SequenceNo")


def messages(day: TickerDay, listing: Any, midnight: int) -> pl.LazyFrame:
    """KEYS, Kind, OrderId, Quantity (shares), Units (price as in the file), Price (dollars) and Direction."""
    columns = width(day.messages, MESSAGE_COLUMNS, exact=False)
    schema: dict[str, Any] = {
        "Time": pl.Decimal(18, 9),
        "Kind": pl.Int64,
        "OrderId": pl.Int64,
        "Quantity": pl.Int64,
        "Units": pl.Int64,
        "Direction": pl.Int64,
        **{f"Further{i}": pl.String for i in range(columns - MESSAGE_COLUMNS)},
    }
    rows = scan(day.messages, has_header=False, schema=schema, row_index_name="Row", row_index_offset=1)
    checked = rows.map_batches(partial(_checked, file=day.messages), streamable=True, predicate_pushdown=False)
    return checked.select(
        ListingId=_constant(listing),
        EventTimestamp=((pl.col("Time") * SECOND).cast(pl.Int64) + midnight).cast(NS_UTC),
        SequenceNo=pl.col("Row").cast(pl.Int64),
        Kind=KIND,
        OrderId=pl.col("OrderId"),
        Quantity=SIZE.cast(pl.Float64),
        Units=pl.col("Units"),
        Price=_dollars(pl.col("Units")),
        Direction=DIRECTION,
    )


def _checked(rows: pl.DataFrame, file: Path) -> pl.DataFrame:
    """DataError for a message that is none: each would be missing from the tables without a word."""
    for name, known in (("Kind", range(NEW, HALT + 1)), ("Direction", (1, -1))):
        if name in rows.columns and len(other := rows[name].filter(~rows[name].is_in(list(known)))):
            raise DataError(f"{file} has a message with {_SPELT[name]} {other[0]}, which there is not: fetch it again")
    for column in rows:
        if column.null_count() and not column.name.startswith("Further"):
            raise DataError(f"{file} has {column.null_count()} messages with fields missing: fetch it again")
    return rows


def _dollars(units: pl.Expr) -> pl.Expr:
    """The float nearest to the decimal price. Polars divides by a constant through its reciprocal, which alone is one
    bit off for three prices in ten; rounding to the decimals there are puts that right, always."""
    return (units / PRICE_UNITS).round(PRICE_DECIMALS)


def _constant(listing: Any) -> pl.Expr:
    """The same dtype for every ticker, whatever the number's size."""
    return pl.lit(listing, pl.Int64 if isinstance(listing, int) else pl.String)


def l2(day: TickerDay, listing: Any, midnight: int, repeats: bool) -> pl.LazyFrame:
    """The order-book file, each row with the stamp of its message."""
    assert day.book is not None
    width(day.book, 4 * day.levels, exact=True)
    levels = range(1, day.levels + 1)
    file_order = [f"{side}{what}{i}" for i in levels for side in ("Ask", "Bid") for what in ("Price", "Quantity")]
    book = scan(day.book, has_header=False, schema=dict.fromkeys(file_order, pl.Int64))
    both = pl.concat([messages(day, listing, midnight).select(*KEYS, "Kind"), book], how="horizontal_extend")
    rows = both.map_batches(partial(_paired, day=day), streamable=True, predicate_pushdown=False)
    if not repeats:
        rows = rows.filter(~KIND.is_in([HIDDEN, HALT]))
    return rows.select(*KEYS, *(level for i in levels for side in ("Bid", "Ask") for level in _level(side, i)))


def _paired(rows: pl.DataFrame, day: TickerDay) -> pl.DataFrame:
    """DataError for a row that one of the files lacks."""
    if any(column.null_count() for column in rows):
        raise DataError(
            f"{day.messages} and {day.book} have different numbers of rows, or a row lacks fields, and row i of one "
            "belongs to row i of the other: fetch both again"
        )
    return rows


def _level(side: str, i: int) -> tuple[pl.Expr, pl.Expr]:
    price, size = pl.col(f"{side}Price{i}"), pl.col(f"{side}Quantity{i}")
    there = price.abs() < NO_LEVEL
    return (
        pl.when(there).then(_dollars(price)).alias(f"{side}Price{i}"),
        pl.when(there).then(size.cast(pl.Float64)).alias(f"{side}Quantity{i}"),
    )


def trades(day: TickerDay, listing: Any, midnight: int, _: bool) -> pl.LazyFrame:
    """Visible, hidden and cross executions."""
    rows = messages(day, listing, midnight).filter(KIND.is_in([EXECUTE, HIDDEN, CROSS]))
    resting_bid = pl.when(KIND != CROSS).then(DIRECTION == 1)
    return rows.select(
        *KEYS,
        "Price",
        SIZE.alias("Size"),
        pl.when(resting_bid)
        .then(pl.lit("Sell"))
        .when(~resting_bid)
        .then(pl.lit("Buy"))
        .cast(AGGRESSOR)
        .alias("AggressorSide"),
        pl.when(KIND == CROSS).then(pl.lit("Auction")).otherwise(pl.lit("Lit")).cast(TRADE_TYPE).alias("TradeType"),
        (KIND == HIDDEN).alias("IsHidden"),
    )


def l3(day: TickerDay, listing: Any, midnight: int, _: bool) -> pl.LazyFrame:
    """Submissions, cancels, deletions and visible executions; sizes are null where the file does not tell them."""
    rows = messages(day, listing, midnight).filter(KIND.is_between(NEW, EXECUTE))
    taken = pl.when(KIND != NEW).then(SIZE).otherwise(0.0)
    submitted = pl.when(KIND == NEW).then(SIZE).max().over("OrderId")
    left = pl.coalesce(submitted, taken.sum().over("OrderId")) - taken.cum_sum().over("OrderId")
    gone = (KIND == DELETE) | ((KIND == EXECUTE) & (pl.col("Left") <= 0))
    known = pl.when(pl.col("Left") > 0).then("Left")
    new, execution = KIND == NEW, KIND == EXECUTE
    return rows.with_columns(Left=left).select(
        *KEYS,
        "OrderId",
        Side=pl.when(DIRECTION == 1).then(pl.lit("Bid")).otherwise(pl.lit("Ask")).cast(SIDE),
        Action=pl.when(new)
        .then(pl.lit("Insert"))
        .when(gone)
        .then(pl.lit("Remove"))
        .otherwise(pl.lit("Update"))
        .cast(ACTION),
        Price=pl.when(~gone).then("Price"),
        Size=pl.when(new).then(SIZE).when(gone).then(0.0).otherwise(known),
        OldPrice=pl.when(~new).then("Price"),
        OldSize=pl.when(new).then(0.0).when(gone).then(SIZE).otherwise(known + SIZE),
        ExecutionPrice=pl.when(execution).then("Price"),
        ExecutionSize=pl.when(execution).then(SIZE).otherwise(0.0),
    )


def marketstate(day: TickerDay, listing: Any, midnight: int, _: bool) -> pl.LazyFrame:
    """The session that the file's name gives, and the halts that its messages give."""
    rows = messages(day, listing, midnight).select("EventTimestamp", "Kind", "Units")
    halted = {-1: "HALTED", 0: "UNSCHEDULED_AUCTION", 1: "CONTINUOUS_TRADING"}
    halts = rows.filter(KIND == HALT).select(
        "EventTimestamp", pl.col("Units").replace_strict(halted, return_dtype=STATE).alias("MarketState")
    )
    if day.start is None:
        start = rows.select(pl.col("EventTimestamp").head(1), pl.lit("CONTINUOUS_TRADING", STATE).alias("MarketState"))
    else:
        start = _state(midnight + day.start * MILLISECOND, "CONTINUOUS_TRADING")
    ends = [] if day.end is None else [_state(midnight + day.end * MILLISECOND, "CLOSED")]
    return pl.concat([start, halts, *ends]).select(
        _constant(listing).alias("ListingId"), "EventTimestamp", "MarketState"
    )


def _state(at: int, state: str) -> pl.LazyFrame:
    return pl.LazyFrame(
        {"EventTimestamp": [at], "MarketState": [state]}, {"EventTimestamp": NS_UTC, "MarketState": STATE}
    )


def reference(day: TickerDay, listing: Any, _midnight: int, _: bool) -> pl.LazyFrame:
    """One row: what LOBSTER's files leave no doubt about."""
    row = {"ListingId": listing, "InstrumentId": listing, "Ticker": day.ticker, "MIC": "XNAS", "CurrencyCode": "USD"}
    return pl.LazyFrame([row])
