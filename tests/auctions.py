"""Tables of auctions small enough to compute by hand: one listing unless told, seconds after 09:00:00."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import polars as pl
from order_events import NINE

from basalt.buckets import BucketRule
from basalt.modules import PassContext
from basalt.tables import ACTION, AGGRESSOR, NS_UTC, SIDE, STATE, TRADE_TYPE
from basalt_analytics.auction.options import Measure
from basalt_analytics.auction.transform import AuctionUncross, AuctionUncrossOptions

DAY = dt.date(2026, 1, 5)
SECOND = 10**9

DTYPES = {
    "ListingId": pl.Int64,
    "ImbalanceSide": AGGRESSOR,
    "TradeType": TRADE_TYPE,
    "MarketState": STATE,
    "IsCancelled": pl.Boolean,
}
L3 = {"OrderId": pl.String, "Side": SIDE, "Action": ACTION, "Price": pl.Float64, "Size": pl.Float64}
SAYS = ("ReferencePrice", "IndicativePrice", "PairedQuantity", "ImbalanceQuantity", "ImbalanceSide")
EVERYTHING = list(get_args(Measure))


def table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pl.DataFrame:
    """Rows of (seconds, values), of listing 1 unless the last name is ListingId."""
    stamps = [NINE + round(row[0] * 10**9) for row in rows]
    columns = {name: [row[i + 1] for row in rows] for i, name in enumerate(names)}
    schema = {name: DTYPES.get(name, pl.Float64) for name in names}
    made = pl.DataFrame(columns, schema=schema).with_columns(
        EventTimestamp=pl.Series(stamps, dtype=pl.Int64).cast(NS_UTC)
    )
    listed = made if "ListingId" in names else made.with_columns(ListingId=pl.lit(1, pl.Int64))
    return listed.select("ListingId", "EventTimestamp", *(name for name in names if name != "ListingId"))


def messages(*rows: Sequence[Any]) -> pl.DataFrame:
    """(seconds, reference, indicative, paired, left over, its side)."""
    return table(SAYS, rows)


def prices(*rows: Sequence[Any]) -> pl.DataFrame:
    """(seconds, indicative price): messages that say nothing else."""
    return messages(*((seconds, 100.0, price, 100, 0, None) for seconds, price in rows))


def trades(*rows: Sequence[Any]) -> pl.DataFrame:
    """(seconds, price, size, type)."""
    return table(("Price", "Size", "TradeType"), rows)


def books(*rows: Sequence[Any]) -> pl.DataFrame:
    """(seconds, bid, ask), 100 shares each."""
    return table(("BidPrice1", "AskPrice1", "BidQuantity1"), [(*row, 100.0) for row in rows])


def states(*rows: Sequence[Any]) -> pl.DataFrame:
    """(seconds, state)."""
    return table(("MarketState",), rows)


def closing() -> Mapping[str, pl.DataFrame]:
    """A closing auction from 0 to 300 s with four messages, uncrossed as it ends; 9000 shares traded before, and the
    mid was 99.95 a minute before it began."""
    return {
        "imbalance": messages(
            (10, 100.0, 99.8, 1000, 300, "Buy"),
            (50, 100.0, 99.9, 1500, 100, "Buy"),
            (90, 100.0, 100.2, 2400, 600, "Sell"),
            (130, 100.0, 100.1, 3000, 0, None),
        ),
        "trades": trades((-3000, 99.0, 9000, "Lit"), (300, 100.05, 3000, "Auction")),
        "marketstate": states((-3600, "CONTINUOUS_TRADING"), (0, "CLOSING_AUCTION"), (300, "POST_TRADE")),
        "l2": books((-100, 99.9, 100.0), (-50, 99.0, 99.2)),
    }


def orders(rows, listing=1):
    """(seconds, order, side, action, price, size, executed)."""
    padded = [(*row, 0.0) if len(row) == 6 else row for row in rows]
    made = pl.DataFrame([row[1:] for row in padded], schema={**L3, "ExecutionSize": pl.Float64}, orient="row")
    stamps = pl.Series([NINE + round(row[0] * SECOND) for row in padded], dtype=pl.Int64)
    return made.select(
        pl.lit(listing, pl.Int64).alias("ListingId"),
        stamps.cast(pl.Datetime("ns", "UTC")).alias("EventTimestamp"),
        pl.all(),
    )


def indications(tables, every=60, closed="right", sessions=None, **options):
    """What the transform writes."""
    step = AuctionUncross(AuctionUncrossOptions(**options))
    inputs = {name: tables[name].lazy() for name in step.inputs}
    declared = step.columns({name: frame.collect_schema() for name, frame in inputs.items()})
    rule = BucketRule(every * SECOND, closed)
    made = step.apply(inputs, PassContext("p", DAY, ["ListingId"], rule, sessions=sessions))["imbalance"].collect()
    assert dict(made.schema) == declared
    return made
