"""What an expert would write for one date of time-weighted books: carry-in, validity and admissible time, in Polars.

The same columns as module l2tw has by default, for the buckets in which a book or a trade is. No basalt code.
"""

import polars as pl
from by_hand import KEYS, LEVELS, SIDES, continuous, rows

WIDTH = 60_000_000_000
BOOK = [f"{s}{m}{i}" for s in SIDES for m in ("Price", "Quantity") for i in LEVELS]


def cells(root):
    """Each touched bucket cut to the listing's continuous trading."""
    states = rows(root, "marketstate").with_columns(Start=pl.col("EventTimestamp").to_physical())
    states = states.with_columns(End=pl.col("Start").shift(-1).over("ListingId"))
    states = states.filter(pl.col("MarketState") == "CONTINUOUS_TRADING").select("ListingId", "Start", "End")
    touched = pl.concat([continuous(root, t).select(KEYS) for t in ("l2", "trades")]).unique()
    end = pl.col("TimeBucket").to_physical() * 1_000
    cut = states.join(touched, on="ListingId").with_columns(
        From=pl.max_horizontal("Start", end - WIDTH), To=pl.min_horizontal("End", end)
    )
    return cut.filter(pl.col("To") > pl.col("From")).drop("Start", "End").sort("ListingId", "From")


def pieces(root):
    """Books with the seconds they were in force in each cell, the one carried in among them."""
    at, same = pl.col("At"), pl.col("ListingId") == pl.col("ListingId").shift(-1)
    books = rows(root, "l2").select("ListingId", *BOOK, At=pl.col("EventTimestamp").to_physical())
    books = books.with_columns(Next=pl.when(same).then(at.shift(-1)))
    cut = cells(root)
    look_back = {"by": "ListingId", "strategy": "backward", "coalesce": False, "check_sortedness": False}
    inside = books.join_asof(cut, left_on="At", right_on="From", **look_back).filter(at < pl.col("To"))
    inside = inside.with_columns(Seconds=(pl.min_horizontal("Next", "To") - at) / 1e9)
    first = books.group_by("ListingId").agg(First=at.min())
    carried = cut.join(first, on="ListingId", how="left", maintain_order="left")
    carried = carried.join_asof(books, left_on="From", right_on="At", allow_exact_matches=False, **look_back)
    until = pl.when(at.is_null()).then("First").otherwise("Next")
    carried = carried.with_columns(Seconds=(pl.min_horizontal(until, "To") - pl.col("From")) / 1e9)
    names = [*KEYS, "Seconds", *BOOK]
    return pl.concat([inside.select(names), carried.select(names)]).filter(pl.col("Seconds") > 0)


def weighted_by_hand(root):
    """The averages; a level counts where its price and size do, a book where it is not crossed."""
    exists = {
        (s, i): (pl.col(f"{s}Price{i}") > 0)
        & pl.col(f"{s}Price{i}").is_finite()
        & ((pl.col(f"{s}Quantity{i}") > 0) & pl.col(f"{s}Quantity{i}").is_finite()).fill_null(True)
        for s in SIDES
        for i in LEVELS
    }
    raw_bid, raw_ask = (pl.when(exists[s, 1]).then(pl.col(f"{s}Price1")) for s in SIDES)
    counts = (raw_ask >= raw_bid * (1 - 1e-9)).fill_null(True)
    clean = pieces(root).with_columns(Counts=counts).with_columns(
        pl.when(exists[s, i] & pl.col("Counts")).then(pl.col(f"{s}{m}{i}")).alias(f"{s}{m}{i}")
        for s in SIDES
        for m in ("Price", "Quantity")
        for i in LEVELS
    )  # fmt: skip
    bid, ask, seconds = pl.col("BidPrice1"), pl.col("AskPrice1"), pl.col("Seconds")
    mid = (ask + bid) / 2
    values = {"SpreadAbs": ask - bid, "SpreadBps": 1e4 * (ask - bid) / mid, "Mid": mid}
    values |= {name: pl.col(name) for name in BOOK}
    there = (bid.is_not_null() & ask.is_not_null()) * seconds
    averages = {}
    for name, x in values.items():
        weight = pl.when(x.is_not_null()).then(seconds).sum()
        averages[f"{name}TWA"] = pl.when(weight > 0).then((x * seconds).sum() / weight)
    found = clean.group_by(KEYS).agg(
        **averages, BookAdmissibleSeconds=seconds.sum(), BookValidSeconds=there.sum()
    )  # fmt: skip
    admissible = pl.col("BookAdmissibleSeconds")
    return found.with_columns(BookCoverage=pl.when(admissible > 0).then(pl.col("BookValidSeconds") / admissible))
