"""Named sample days: small markets, each with one thing that analytics get wrong.

    from basalt.testing.days import DATE, DAYS

    for name, day in DAYS.items():
        trades = day()["trades"]

All are the same simulated trading date with the same tables and columns (trades have every optional column), changed
by one readable step. Rows stay in order, and trades keep the quote of the last book of smaller SequenceNo. `crossed`,
`one_sided` and `nulls` change l2 and not l3, which no longer rebuilds into it. A day is made once a process; each call
gives a dictionary of one's own.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

import polars as pl

from basalt.tables import NS_UTC, STATE
from basalt.testing import market
from basalt.testing.recorder import MEASURES, SIDES

Day = dict[str, pl.DataFrame]

DATE = dt.date(2026, 1, 5)
"""The trading date of every sample day."""
LEVELS = 10
QUOTE = ("BidPrice", "AskPrice", "BidQuantity", "AskQuantity")
ROW = pl.int_range(pl.len()).over("ListingId")
"""Number of the row within its listing."""
CONTINUOUS = pl.col("MarketState") == "CONTINUOUS_TRADING"

_days: dict[str, Callable[[], Day]] = {}
DAYS: Mapping[str, Callable[[], Day]] = MappingProxyType(_days)


def _sample(build: Callable[[], Day]) -> Callable[[], Day]:
    made = cache(build)

    def day() -> Day:
        return dict(made())

    _days[build.__name__] = day
    return day


@_sample
def quiet() -> Day:
    """Three listings of two instruments, and nothing unusual."""
    return _simulated(listings=3)


@_sample
def one_listing() -> Day:
    """One listing alone."""
    return _simulated(listings=1)


@_sample
def empty() -> Day:
    """No rows at all, reference included; every column is there."""
    return {name: frame.clear() for name, frame in quiet().items()}


@_sample
def ties() -> Day:
    """All stamps are whole quarters of an hour (or the start of their state): most rows share theirs with others."""
    return _retimed(quiet(), pl.col("EventTimestamp").dt.truncate("15m"))


@_sample
def midnight() -> Day:
    """Eight hours later: trading ends at 00:30 of the next UTC date; rows of every other five minutes on their edge."""
    day = {
        name: frame.with_columns(pl.col(NS_UTC).dt.offset_by("8h")) if name != "reference" else frame
        for name, frame in quiet().items()
    }
    time = pl.col("EventTimestamp")
    return _retimed(day, pl.when(time.dt.minute() // 5 % 2 == 0).then(time.dt.truncate("5m")).otherwise(time))


@_sample
def halt() -> Day:
    """The longest time without a trade, in the middle of the first listing's day, is a halt; its orders still move."""
    day = quiet()
    listing, time = day["reference"]["ListingId"].min(), pl.col("EventTimestamp")
    trades = day["trades"].filter(pl.col("ListingId") == listing, time.dt.hour().is_between(10, 14))
    waits = trades.select(start=time.shift(1).dt.offset_by("1ns"), end=time)
    start, end = waits.drop_nulls().sort(pl.col("end") - pl.col("start")).tail(1)
    halted = (pl.col("ListingId") == listing) & time.is_between(start, end, closed="left")
    state = pl.when(halted).then(pl.lit("HALTED", STATE)).otherwise("MarketState")
    changes = {
        "ListingId": [listing, listing],
        "EventTimestamp": pl.concat([start, end]),
        "MarketState": ["HALTED", "CONTINUOUS_TRADING"],
    }
    states = pl.concat([day["marketstate"], pl.DataFrame(changes).cast(day["marketstate"].schema)])
    day["marketstate"] = states.sort("ListingId", "EventTimestamp")
    return day | {name: day[name].with_columns(MarketState=state) for name in ("l3", "l2")}


@_sample
def crossed() -> Day:
    """Of every seven books in continuous trading, one is crossed and one locked."""
    day = quiet()
    crosses, locks = CONTINUOUS & (ROW % 7 == 3), CONTINUOUS & (ROW % 7 == 5)
    bid, ask = pl.col("BidPrice1"), pl.col("AskPrice1")
    day["l2"] = day["l2"].with_columns(
        BidPrice1=pl.when(crosses).then(ask).otherwise(bid),
        AskPrice1=pl.when(crosses | locks).then(bid).otherwise(ask),
    )
    return _requoted(day)


@_sample
def one_sided() -> Day:
    """Of every ten books one has no bids, one no asks, one is empty, and one has two levels only."""
    day = quiet()
    place = ROW % 10
    gone = {"Bid": place.is_in([3, 7]), "Ask": place.is_in([5, 7])}
    day["l2"] = day["l2"].with_columns(
        pl.when(gone[side] | ((place == 8) & (level > 2))).then(None).otherwise(pl.col(name)).alias(name)
        for side in SIDES
        for level in range(1, LEVELS + 1)
        for name in [f"{side}{what}{level}" for what in MEASURES]
    )
    return _requoted(day)


@_sample
def nulls() -> Day:
    """Bad and missing values: unknown sides, types and states, sizes of 0 and below, NaN and infinite prices,
    cancelled trades, optional columns with gaps (IsRetail and NotionalUSD have nothing at all)."""
    day = quiet()
    day["l2"] = _flawed(day["l2"], FLAWS["l2"])
    day = _requoted(day)
    for name in ("trades", "l3", "imbalance"):
        day[name] = _flawed(day[name], FLAWS[name])
    day["trades"] = day["trades"].with_columns(pl.when(False).then(pl.col("IsRetail", "NotionalUSD")))
    last = pl.col("ListingId") == pl.col("ListingId").max()
    undescribed = pl.col("CurrencyCode", "Sector", "MarketCap", "MatchingRule")
    day["reference"] = day["reference"].with_columns(pl.when(~last).then(undescribed))
    return day


FLAWS: Mapping[str, Mapping[str, Mapping[int, object]]] = {
    "trades": {
        "AggressorSide": {1: None, 2: None},
        "TradeType": {3: None},
        "MarketState": {4: None},
        "Size": {5: 0.0, 6: -100.0, 7: None},
        "Price": {8: float("nan"), 9: float("inf"), 10: float("-inf"), 11: None, 12: 0.0, 13: -1.0},
        "IsCancelled": {14: True, 15: True, 16: None},
        "IsBlock": {1: None},
        "PublicationTimestamp": {2: None},
        "TradeId": {3: None},
        "NotionalEUR": {17: None, 18: float("nan")},
        "BidPrice": {17: None, 18: float("nan")},
        "AskQuantity": {17: None, 19: 0.0},
    },
    "l2": {
        "BidPrice1": {1: float("nan"), 2: float("inf"), 3: 0.0},
        "AskPrice1": {4: float("nan"), 5: -1.0},
        "BidQuantity1": {6: 0.0, 7: -100.0, 8: None},
        "AskQuantity2": {9: 0.0, 10: float("nan")},
        "AskNumOrders1": {11: None},
        "MarketState": {12: None},
    },
    "l3": {
        "SizeAhead": {1: None},
        "OrdersAhead": {1: None},
        "TradeId": {2: None},
        "EndOfEvent": {3: None},
        "MarketState": {4: None},
        "Size": {5: -100.0, 6: None, 7: float("nan")},
        "Price": {8: float("nan"), 9: float("inf"), 10: None},
        "OldPrice": {11: None},
        "OldSize": {11: None},
        "ExecutionPrice": {12: None, 13: float("nan")},
        "ExecutionSize": {14: None},
    },
    "imbalance": {
        "IndicativePrice": {1: None, 2: 0.0, 3: float("nan")},
        "ImbalanceSide": {4: None},
        "PairedQuantity": {5: None},
        "ImbalanceQuantity": {6: None},
        "ReferencePrice": {7: None},
    },
}
"""Table → column → {row, of every twenty of a listing: what stands there instead}."""


def _flawed(frame: pl.DataFrame, flaws: Mapping[str, Mapping[int, object]]) -> pl.DataFrame:
    def flawed(name: str, values: Mapping[int, object]) -> pl.Expr:
        expression, place = pl.col(name), ROW % 20
        for row, value in values.items():
            expression = pl.when(place == row).then(pl.lit(value, frame.schema[name])).otherwise(expression)
        return expression.alias(name)

    return frame.with_columns(flawed(name, values) for name, values in flaws.items())


def _simulated(listings: int) -> Day:
    day = market.simulate(listings, seed=12, date=DATE, events=240, levels=LEVELS)
    day["trades"] = _with_every_column(day["trades"])
    return day


def _with_every_column(trades: pl.DataFrame) -> pl.DataFrame:
    """The optional columns that the simulator leaves out: flags on every n-th print, notionals at fixed rates."""
    notional, block = pl.col("Price") * pl.col("Size"), pl.col("Size") >= 2_000
    return trades.with_columns(
        NotionalEUR=1.15 * notional,
        NotionalUSD=1.25 * notional,
        IsBlock=block,
        IsOddLot=pl.col("Size") % 100 != 0,
        IsNegotiated=ROW % 29 == 7,
        IsCross=ROW % 19 == 3,
        IsAlgorithmic=ROW % 2 == 0,
        IsRetail=ROW % 5 == 0,
        IsIceberg=ROW % 7 == 0,
        IsHidden=ROW % 11 == 0,
        IsCancelled=False,
        PublicationTimestamp=pl.col("EventTimestamp").dt.offset_by(
            pl.when(block).then(pl.lit("1m")).otherwise(pl.lit("0s"))
        ),
    )


def _retimed(day: Day, time: pl.Expr) -> Day:
    """Every event at `time`, but never before the state it belongs to began."""
    starts = day["marketstate"].select("ListingId", "MarketState", Since="EventTimestamp")
    moved = {}
    for name in ("l3", "l2", "trades"):
        since = day[name].join(starts, on=["ListingId", "MarketState"], how="left", maintain_order="left")
        moved[name] = since.with_columns(EventTimestamp=pl.max_horizontal(time, "Since")).drop("Since")
    moved["imbalance"] = day["imbalance"].with_columns(EventTimestamp=time)
    return day | moved


def _requoted(day: Day) -> Day:
    """Trades with the quote of the last book of smaller SequenceNo, after l2 was changed."""
    books = day["l2"].select("ListingId", "SequenceNo", *[pl.col(f"{name}1").alias(name) for name in QUOTE])
    trades = (
        day["trades"]
        .drop(QUOTE)
        .join_asof(books, on="SequenceNo", by="ListingId", allow_exact_matches=False, check_sortedness=False)
    )
    return day | {"trades": trades.select(day["trades"].columns)}
