"""A day of half a minute, small enough to compute by hand: what worked examples are worked on.

One listing from 09:00 on, in continuous trading until 09:00:28: a cancelled trade, one of unknown side, one on the edge
of a bucket of ten seconds and one a nanosecond behind it, one of size 0; a one-sided, a locked and a crossed book, ten
levels deep. Two orders that rest, each first at its price, of which one is reduced, executed and withdrawn, and the
other executed whole; two indications of the closing auction. What orders do is not the cause of these books and trades.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from basalt.tables import AGGRESSOR, IMBALANCE, L3, NS_UTC, STATE, TRADE_TYPE, TRADES

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
DATE = NINE.date()
LEVELS = range(1, 11)
TICK = 0.01

_TRADES: Sequence[tuple[Any, ...]] = [
    (1_000_000_000, 100.04, 100, "Buy", False, "Lit", False, True),
    (3_000_000_000, 100.01, 200, "Sell", False, "Lit", True, False),
    (4_000_000_000, 90.00, 1000, "Buy", True, "Lit", False, False),
    (6_000_000_000, 100.04, 50, "Buy", False, "Lit", False, True),
    (8_000_000_000, 100.035, 100, "Sell", False, "Dark", False, True),
    (9_500_000_000, 100.02, 50, None, False, "Dark", None, None),
    (10_000_000_000, 100.03, 10, "Buy", None, "Lit", False, False),
    (10_000_000_001, 100.00, 20, "Sell", False, "Lit", False, True),
    (13_000_000_000, 100.01, 40, "Sell", False, "Lit", False, False),
    (17_000_000_000, 100.04, 30, "Buy", False, "Lit", False, True),
    (19_000_000_000, 100.06, 60, "Buy", False, "Lit", False, False),
    (25_000_000_000, 100.03, 0, "Buy", False, "Lit", False, False),
]
_BOOKS: Sequence[tuple[Any, ...]] = [
    (0, 100.00, 500, 100.04, 300),
    (2, 100.01, 200, 100.04, 400),
    (5, 100.02, 600, 100.05, 100),
    (9, 100.00, 400, 100.03, 200),
    (12, 100.01, 300, None, None),
    (14, 100.02, 100, 100.02, 200),
    (16, 100.05, 100, 100.03, 100),
    (18, 100.02, 200, 100.06, 200),
]
_ORDERS: Sequence[tuple[Any, ...]] = [
    (1, "b1", "Bid", "Insert", 100.00, 500, None, 0, None, 0),
    (2, "a1", "Ask", "Insert", 100.04, 300, None, 0, None, 0),
    (4, "b1", "Bid", "Update", 100.00, 350, 100.00, 500, None, 0),
    (7, "b1", "Bid", "Update", 100.00, 150, 100.00, 350, 100.00, 200),
    (12, "a1", "Ask", "Remove", None, 0, 100.04, 300, 100.04, 300),
    (15, "b1", "Bid", "Remove", None, 0, 100.00, 150, None, 0),
]
_INDICATIONS: Sequence[tuple[Any, ...]] = [
    (28_500_000_000, 100.0, 99.9, 1500, 100, "Buy"),
    (29_500_000_000, 100.0, 100.1, 2400, 600, "Sell"),
]


def example_tables() -> dict[str, pl.DataFrame]:
    """The day's tables by name."""
    quotes = _stamped([t * 10**9 for t, *_ in _BOOKS], _best(), dict.fromkeys(_best(), pl.Float64))
    return {
        "trades": _whole(_trades(quotes)),
        "l2": quotes.with_columns(**_deeper()),
        "marketstate": _stamped(
            [-10 * 10**9, 28 * 10**9],
            {"MarketState": ["CONTINUOUS_TRADING", "CLOSING_AUCTION"]},
            {"MarketState": STATE},
        ),
        "l3": _orders(),
        "imbalance": _indications(),
        "cbbo": quotes.rename({"ListingId": "InstrumentId"}),
        "reference": pl.DataFrame(
            {
                "ListingId": 1,
                "InstrumentId": 1,
                "Ticker": "ABC",
                "MIC": "XLON",
                "CurrencyCode": "GBP",
                "IsPrimary": True,
            }
        ),
    }


def _orders() -> pl.DataFrame:
    names = ("OrderId", "Side", "Action", "Price", "Size", "OldPrice", "OldSize", "ExecutionPrice", "ExecutionSize")
    dtypes = {name: L3.every_column()[name] for name in names}
    columns = {name: [row[i + 1] for row in _ORDERS] for i, name in enumerate(names)}
    events = _stamped([t * 10**9 for t, *_ in _ORDERS], columns, dtypes)
    executed = pl.col("ExecutionSize") > 0
    return events.with_columns(
        SequenceNo=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        TradeId=pl.when(executed).then(pl.lit("t") + executed.cum_sum().cast(pl.String)),
        SizeAhead=pl.lit(0.0),
        OrdersAhead=pl.lit(0, pl.Int64),
        EndOfEvent=pl.lit(True),
    )


def _indications() -> pl.DataFrame:
    names = ("ReferencePrice", "IndicativePrice", "PairedQuantity", "ImbalanceQuantity", "ImbalanceSide")
    dtypes = {name: IMBALANCE.every_column()[name] for name in names}
    columns = {name: [row[i + 1] for row in _INDICATIONS] for i, name in enumerate(names)}
    return _stamped([t for t, *_ in _INDICATIONS], columns, dtypes)


def _trades(quotes: pl.DataFrame) -> pl.DataFrame:
    """Prints with the quote just before each."""
    names = ("Price", "Size", "AggressorSide", "IsCancelled", "TradeType", "IsBlock", "IsRetail")
    dtypes = (pl.Float64, pl.Float64, AGGRESSOR, pl.Boolean, TRADE_TYPE, pl.Boolean, pl.Boolean)
    columns = {name: [row[i + 1] for row in _TRADES] for i, name in enumerate(names)}
    prints = _stamped([t for t, *_ in _TRADES], columns, dict(zip(names, dtypes, strict=True)))
    before = quotes.select(
        "ListingId", "EventTimestamp", pl.exclude("ListingId", "EventTimestamp").name.replace("1", "")
    )
    return prints.join_asof(
        before,
        on="EventTimestamp",
        by="ListingId",
        strategy="backward",
        allow_exact_matches=False,
        check_sortedness=False,
    )


def _whole(trades: pl.DataFrame) -> pl.DataFrame:
    """With every declared column but the state's, so that whatever reads one can be worked out: numbered in order,
    published at once, flags not set, values converted at 1, the rest unknown."""
    missing = {
        n: d for n, d in TRADES.every_column().items() if n not in (*trades.columns, "SequenceNo", "MarketState")
    }
    value = pl.col("Price") * pl.col("Size")
    known = {
        name: value if name.startswith("Notional") else pl.lit(False) for name in missing if name[:2] in ("No", "Is")
    }
    numbers = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    whole = {name: known.get(name, pl.lit(None)).cast(d) for name, d in missing.items()}
    return trades.with_columns(SequenceNo=numbers, **whole).with_columns(PublicationTimestamp="EventTimestamp")


def _best() -> dict[str, list[Any]]:
    names = ("BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1")
    return {name: [row[i + 1] for row in _BOOKS] for i, name in enumerate(names)}


def _deeper() -> dict[str, pl.Expr]:
    """Each further level a tick away and 100 shares of one more order."""
    found: dict[str, pl.Expr] = {}
    for side, away in (("Bid", -TICK), ("Ask", TICK)):
        best, there = pl.col(f"{side}Price1"), pl.col(f"{side}Price1").is_not_null()
        for level in LEVELS:
            orders = pl.when(there).then(pl.lit(level, pl.Int32))
            found[f"{side}NumOrders{level}"] = orders
            if level > 1:
                found[f"{side}Price{level}"] = (best + away * (level - 1)).round(2)
                found[f"{side}Quantity{level}"] = orders.cast(pl.Float64) * 100
    return found


def _stamped(at: Sequence[int], columns: Mapping[str, Sequence[Any]], dtypes: Mapping[str, Any]) -> pl.DataFrame:
    """Rows of listing 1 at nanoseconds after nine."""
    start = int(NINE.timestamp()) * 10**9
    stamps = pl.Series("EventTimestamp", [start + t for t in at], dtype=pl.Int64).cast(NS_UTC)
    frame = pl.DataFrame(columns, schema=dict(dtypes))
    return frame.select(pl.lit(1, pl.Int64).alias("ListingId"), stamps, *columns)
