"""What an expert would write for one date: the bars, order flow and quarters of the bench's pipeline, in plain Polars.

    python by_hand.py DAY OUT

The same numbers under the same null and validity rules, and the same three files with the same columns, without basalt.
"""

import sys
from datetime import date
from pathlib import Path

import polars as pl

DAY = date(2026, 1, 5)
MIDNIGHT = (DAY - date(1970, 1, 1)).days * 86_400_000_000_000
LEVELS = range(1, 11)
KEYS = ["ListingId", "TimeBucket"]
SIDES = ("Bid", "Ask")
MEASURES = ("Price", "Quantity", "NumOrders")
BOOK = [f"{s}{m}{i}" for s in SIDES for m in MEASURES for i in LEVELS]
VOLUMES = ["TradeTotalVolume", "TradeTotalCount", "TradeInvalidCount"]


def rows(root, table):
    file = root / table / f"date={DAY}" / "part.parquet"
    return pl.scan_parquet(file, hive_partitioning=False)


def labelled(nanoseconds, every):
    """The end of the bucket (T-w, T] of each stamp."""
    since = nanoseconds - MIDNIGHT - 1
    return (((since // every + 1) * every + MIDNIGHT) // 1_000).cast(pl.Datetime("us", "UTC")).alias("TimeBucket")


def bucket():
    return labelled(pl.col("EventTimestamp").to_physical(), 60_000_000_000)


def continuous(root, table):
    return rows(root, table).filter(pl.col("MarketState") == "CONTINUOUS_TRADING").with_columns(bucket())


def trades_by_hand(root):
    price, size = pl.col("Price"), pl.col("Size")
    valid = price.is_finite() & (price > 0) & size.is_finite() & (size > 0)
    volume, notional = size.sum(), (price * size).sum()
    invalid = rows(root, "trades").with_columns(bucket()).group_by(KEYS)
    invalid = invalid.agg(TradeInvalidCount=(~valid.fill_null(False)).sum().cast(pl.Int64))
    bars = continuous(root, "trades").filter(valid).group_by(KEYS).agg(
        TradeTotalVolume=volume,
        TradeTotalCount=pl.len().cast(pl.Int64),
        TradeTotalVWAP=pl.when(volume != 0).then(notional / volume),
        TradeTotalOpen=price.first(),
        TradeTotalHigh=price.max(),
        TradeTotalLow=price.min(),
        TradeTotalClose=price.last(),
    )  # fmt: skip
    return bars, invalid


def last_of_book(root):
    return continuous(root, "l2").group_by(KEYS).agg(pl.col(BOOK).last())


def book_by_hand(last):
    """Everything from the last row of each bucket."""
    exists = {
        (s, i): (pl.col(f"{s}Price{i}") > 0)
        & pl.col(f"{s}Price{i}").is_finite()
        & ((pl.col(f"{s}Quantity{i}") > 0) & pl.col(f"{s}Quantity{i}").is_finite()).fill_null(True)
        for s in SIDES
        for i in LEVELS
    }
    raw_bid, raw_ask = (pl.when(exists[s, 1]).then(pl.col(f"{s}Price1")) for s in SIDES)
    near = ((raw_ask - raw_bid).abs() <= 1e-9 * pl.max_horizontal(raw_ask.abs(), raw_bid.abs())).fill_null(False)
    counts = ((raw_ask > raw_bid) | near).fill_null(True)
    clean = last.with_columns(
        pl.when(exists[s, i] & counts).then(pl.col(f"{s}{m}{i}")).cast(pl.Int64 if m == "NumOrders" else pl.Float64)
        for s in SIDES
        for m in MEASURES
        for i in LEVELS
    )
    sums = {}
    for s in SIDES:
        for name, m in (("CumQuantity", "Quantity"), ("CumOrders", "NumOrders")):
            for i in LEVELS:
                total = pl.sum_horizontal([pl.col(f"{s}{m}{j}") for j in range(1, i + 1)])
                sums[f"{s}{name}{i}"] = pl.when(pl.col(f"{s}Price1").is_not_null()).then(total)
    bid, ask = pl.col("BidPrice1"), pl.col("AskPrice1")
    clean = clean.with_columns(**sums, SpreadBps=2e4 * (ask - bid) / (ask + bid))
    imbalance = {}
    for i in LEVELS:
        b, a = pl.col(f"BidCumQuantity{i}"), pl.col(f"AskCumQuantity{i}")
        imbalance[f"ImbalanceCumQuantity{i}"] = pl.when(b + a != 0).then((b - a) / (b + a))
    return clean.with_columns(**imbalance)


def bars_by_hand(prints, invalid, last):
    """The book is carried within the day: this day has one stretch a listing, and no null on a bucket's last row."""
    book = book_by_hand(last)
    joined = prints.join(book, on=KEYS, how="full", coalesce=True).join(invalid, on=KEYS, how="left").sort(KEYS)
    carried = [c for c in book.collect_schema() if c not in KEYS]
    joined = joined.with_columns(pl.col(VOLUMES).fill_null(0))
    return joined.with_columns(pl.col(carried).forward_fill().over("ListingId"))


def orders_by_hand(root):
    counts = {}
    executed = pl.col("ExecutionSize") > 0
    finite = pl.when(pl.col("ExecutionSize").is_finite()).then("ExecutionSize")
    for s in SIDES:
        of_side = pl.col("Side") == s
        counts[f"{s}InsertCount"] = (of_side & (pl.col("Action") == "Insert")).sum().cast(pl.Int64)
        counts[f"{s}CancelCount"] = (of_side & (pl.col("Action") == "Remove") & ~executed).sum().cast(pl.Int64)
        counts[f"{s}ExecutedSize"] = pl.when(of_side).then(finite).sum()
    return continuous(root, "l3").group_by(KEYS).agg(**counts)


def quarters_by_hand(bars):
    """Every column of the bars by its own rollup."""
    coarse = bars.lazy().with_columns(labelled(pl.col("TimeBucket").to_physical() * 1_000, 900_000_000_000))
    volume, vwap = pl.col("TradeTotalVolume"), pl.col("TradeTotalVWAP")
    weight = pl.when(vwap.is_not_null()).then(volume).sum()
    book = [c for c in bars.columns if c not in [*KEYS, *VOLUMES] and not c.startswith("TradeTotal")]
    return coarse.group_by(KEYS).agg(
        pl.col(*VOLUMES).sum(),
        pl.col(*book).last(ignore_nulls=True),
        TradeTotalVWAP=pl.when(weight != 0).then((vwap * volume).sum() / weight),
        TradeTotalOpen=pl.col("TradeTotalOpen").first(ignore_nulls=True),
        TradeTotalHigh=pl.col("TradeTotalHigh").max(),
        TradeTotalLow=pl.col("TradeTotalLow").min(),
        TradeTotalClose=pl.col("TradeTotalClose").last(ignore_nulls=True),
    )


def write(found, names, out, name):
    file = out / name / f"date={DAY}" / "all.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    head = (pl.lit(DAY).alias("Date"), pl.lit("all").alias("Universe"))
    found.select(*head, *names).write_parquet(file)


def main(root, out):
    """One reading of each table for everything; what is small after it, in memory."""
    prints, invalid = trades_by_hand(root)
    queries = [prints, invalid, last_of_book(root), orders_by_hand(root)]
    prints, invalid, last, orders = pl.collect_all(queries, engine="streaming")
    bars = bars_by_hand(prints.lazy(), invalid.lazy(), last.lazy()).collect(engine="in-memory")
    quarters = quarters_by_hand(bars).sort(KEYS).collect()
    book = [f"{s}{m}{i}" for s in SIDES for m in (*MEASURES, "CumQuantity", "CumOrders") for i in LEVELS]
    names = [c for c in bars.columns if c.startswith("Trade")] + book
    names = [*KEYS, *names, "SpreadBps", *(f"ImbalanceCumQuantity{i}" for i in LEVELS)]
    write(bars, names, out, "bars")
    write(orders.sort(KEYS), orders.columns, out, "orders")
    write(quarters, names, out, "quarter")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
