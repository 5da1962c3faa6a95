"""The side outputs of `iceberg`: a row an iceberg, a row an execution of one, and the distribution of their sizes."""

import polars as pl

from basalt.columns import Column, Unit
from basalt.tables import NS_UTC, SIDE, STATE, TableSchema

KINDS = ("EXCESS", "REFILL", "SYNTHETIC")
ICEBERG_KIND = pl.Enum(KINDS)
ENDS = ("OPEN", "FILLED", "CANCELLED")
ICEBERG_END = pl.Enum(ENDS)
GROUP = pl.Enum(["All", "Native", "Synthetic"])
SIDES = pl.Enum(["Bid", "Ask", "Total"])

_LISTING = Column("ListingId", pl.Int64, "tradable line on one venue", Unit.LABEL, required=True, also=[pl.String])
_ID = Column("IcebergId", pl.Int64, "place of its first insert among the listing's events of the date, from 0 on")
_KIND = Column("IcebergKind", ICEBERG_KIND, "what confirmed it", Unit.LABEL)
_SIDE = Column("Side", SIDE, "side it rests on", Unit.LABEL)


def _count(name: str, doc: str) -> Column:
    return Column(name, pl.Int64, doc, Unit.COUNT)


def _shares(name: str, doc: str) -> Column:
    return Column(name, pl.Float64, doc, Unit.SHARES)


def _stamp(name: str, doc: str, required: bool = False) -> Column:
    return Column(name, NS_UTC, doc, Unit.TIMESTAMP, required)


ICEBERGS = TableSchema(
    "icebergs",
    "one row an iceberg; volumes and tranches are those of the market states that count",
    [
        _LISTING,
        _stamp("EventTimestamp", "when it was confirmed", required=True),
        _ID,
        _KIND,
        _SIDE,
        Column("Price", pl.Float64, "price of its first insert", Unit.PRICE),
        _stamp("FirstTimestamp", "its first insert"),
        _stamp("EndTimestamp", "when its last order left; null where one is still there"),
        Column("End", ICEBERG_END, "how its last order left: filled whole, cancelled, or not", Unit.LABEL),
        _shares("ExecutedVolume", "shares executed"),
        _count("ExecutedCount", "executions"),
        _shares("HiddenVolume", "shares of these that it had not displayed openly before"),
        _count("TrancheCount", "tranches"),
        _shares("MeanPeak", "size that a tranche begins with, on average"),
        _count("AmbiguousLinks", "tranches that might as well have followed another fill; of synthetic ones"),
        _shares("Size", "shares executed in every market state, by which SizeSurvival goes"),
    ],
)

ICEBERG_EXECUTIONS = TableSchema(
    "iceberg_executions",
    "one row an execution of an iceberg, in the market states that count",
    [
        _LISTING,
        _stamp("EventTimestamp", "when it was executed", required=True),
        Column("SequenceNo", pl.Int64, "order within the listing", Unit.LABEL),
        _ID,
        _KIND,
        _SIDE,
        Column("OrderId", pl.String, "the order that was executed", Unit.LABEL, also=[pl.Int64]),
        Column("TradeId", pl.String, "the venue's id of the print", Unit.LABEL),
        Column("Price", pl.Float64, "price of the execution", Unit.PRICE),
        _shares("Size", "shares executed"),
        _shares("HiddenSize", "shares of these that the iceberg had not displayed openly before"),
        _stamp("KnownTimestamp", "when the execution was known as an iceberg's"),
        Column("MarketState", STATE, "state of the venue, where it is known", Unit.LABEL),
    ],
)

ICEBERG_SIZES = TableSchema(
    "iceberg_sizes",
    "how large icebergs are, by kind and side: one row a size at which one ended or was lost from sight",
    [
        _LISTING,
        Column("IcebergKind", GROUP, "under one id, under several, or all", Unit.LABEL),
        Column("Side", SIDES, "side they rest on, or both", Unit.LABEL),
        _shares("Size", "shares executed"),
        _count("Filled", "icebergs that were filled whole at that size"),
        _count("Censored", "icebergs that were cancelled at that size, or are still there"),
        _count("AtRisk", "icebergs of that size or larger"),
        Column("Survival", pl.Float64, "share that is larger, by Kaplan and Meier", Unit.RATIO),
    ],
    events=False,
)
