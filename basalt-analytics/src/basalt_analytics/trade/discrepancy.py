"""Group `discrepancy`: how far trades print from a price that was known before them."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Literal

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.errors import UserError
from basalt.metrics import Known
from basalt.options import option
from basalt.tables import TRADES
from basalt_analytics.groups import Emission, required
from basalt_analytics.trade.aggregations import (
    WEIGHT_TOKENS,
    Aggregation,
    Value,
    checked_weights,
    metric,
)
from basalt_analytics.trade.prices import over_price
from basalt_analytics.trade.selection import NAME_DOC, Group, SidedSelection, Trades, populations

PriceUnit = Literal["Bps", "Price"]
UNIT_TOKENS: Mapping[str, str] = {"Bps": "Bps", "Price": ""}
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "Mid": ("MidAtTrade",),
    "Bid": ("BidPrice",),
    "Ask": ("AskPrice",),
    "NearTouch": ("BidPrice", "AskPrice"),
    "FarTouch": ("BidPrice", "AskPrice"),
}
WORDS: Mapping[str, str] = {
    "Mid": "the mid just before the trade",
    "Bid": "the bid just before the trade",
    "Ask": "the ask just before the trade",
    "NearTouch": "the touch that the aggressor takes",
    "FarTouch": "the touch on the aggressor's own side",
}
QUOTES = "add the transform quotes_at_trades to the pass's preprocess, or take a source that has it"


@attrs.frozen
class DiscrepancyGroup(SidedSelection):
    """A group of `discrepancy`: every aggregation of the distance to every reference, by side, unit and weight."""

    references: list[str] = option(
        "Mid, Bid, Ask, NearTouch (what the aggressor takes), FarTouch, or a price column known before the trade",
        factory=lambda: ["Mid"],
    )
    aggregations: list[Aggregation] = option("aggregations over the trades", factory=lambda: ["Mean"])
    weights: list[Literal["Equal", "Share"]] = option("what weighs a mean", factory=lambda: ["Equal"])
    units: list[PriceUnit] = option("basis points of the reference, or price", factory=lambda: ["Bps"])
    name: str = option(NAME_DOC, default="Trade{side}DiscrepancyTo{reference}{aggregation}{unit}{weight}")


def discrepancy(group: Group[DiscrepancyGroup]) -> Iterator[Emission]:
    """Every aggregation of the distance to every reference, by side, unit and weight."""
    options = group.options
    lists = ("references", "aggregations", "weights", "units", "sides")
    required({name: getattr(options, name) for name in lists}, group.label)
    template = group.template("side", "reference", "aggregation", "unit", "weight")
    aggregated = list(checked_weights(options.weights, options.aggregations, group.label))
    for reference in options.references:
        check_reference(reference, group.trades, group.label)
        for unit in options.units:
            value, derive = _distance(reference, unit, group)
            for side, population in populations(group):
                for aggregation, weight in aggregated:
                    tokens = {"unit": UNIT_TOKENS[unit], "weight": WEIGHT_TOKENS[weight], "reference": reference}
                    name = template.filled(side=side, aggregation=aggregation, **tokens)
                    yield Emission(group.label, metric(name, value, aggregation, weight, population), derive)


def check_reference(reference: str, trades: Trades, label: str) -> None:
    """UserError where a reference is no price column, is not there, or is known only after the trade."""
    for column in COLUMNS.get(reference, (reference,)):
        if column not in trades.columns and reference not in COLUMNS:
            raise UserError(
                f"{label}: references has {reference!r}, which is none of {', '.join(COLUMNS)} and no column of table "
                f"trades, which has {', '.join(trades.columns)}"
            )
        trades.needed(column, f"{label}: the reference {reference!r}", QUOTES)
        declared = TRADES.column(column)
        if not trades.columns[column].is_float() or (declared is not None and declared.unit is not Unit.PRICE):
            raise UserError(f"{label}: references has {reference!r}, which is no price: name a price column")
        lag = trades.known_after.get(column, timedelta(0))
        if isinstance(lag, Known) or lag > timedelta(0):
            raise UserError(
                f"{label}: references has {reference!r}, which is known only after the trade: name a price that was "
                "known before it"
            )


def _reference(reference: str, trades: Trades) -> pl.Expr:
    if reference not in ("NearTouch", "FarTouch"):
        return trades.price(COLUMNS.get(reference, (reference,))[0])
    bid, ask, side = trades.price("BidPrice"), trades.price("AskPrice"), pl.col("AggressorSide")
    if_buy, if_sell = (ask, bid) if reference == "NearTouch" else (bid, ask)
    return pl.when(side == "Buy").then(if_buy).when(side == "Sell").then(if_sell)


def _distance(reference: str, unit: str, group: Group[DiscrepancyGroup]) -> tuple[Value, dict[str, pl.Expr]]:
    price, refer = pl.col("Price"), _reference(reference, group.trades)
    column = f"distance to {reference} in {unit}"
    if unit == "Bps":
        formula = "1e4·(P − R) / R"
        expr = over_price(1e4 * (price - refer), pl.when(price > 0).then(refer))
    else:
        formula, expr = "P − R", price - refer
    value = Value(
        column,
        Unit.BPS if unit == "Bps" else Unit.PRICE,
        f"distance from {WORDS.get(reference, reference)}",
        f"{formula}, R = {reference}",
        "trades without that price are left out",
        sign=f"+ when trades print above {WORDS.get(reference, reference)}",
        over_listings=True,
        in_currency=unit == "Price",
    )
    return value, {column: expr}
