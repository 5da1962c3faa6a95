"""Columns of `tca`: each described, with its value on the row of an order.

D is +1 for an order to buy and −1 for one to sell; X, P̄ and Q are what it executed, at which average, of how much.
The four parts of the cost add up to ShortfallCost.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.metrics import NONE, SUM, Rollup, mean, ratio, signed
from basalt_analytics.trade.orders.options import TcaOptions
from basalt_analytics.trade.orders.parents import PROBLEM, average_price

FILLS = ("orders.Event", "orders.Price", "orders.Size")
ORDERS = (*FILLS, "orders.OrderSide")
DECISION = ("orders.DecisionTimestamp", "orders.DecisionPrice")
MIDS = ("l2.BidPrice1", "l2.AskPrice1")
COST = SUM.within("currency")
OVER_NOTIONAL = mean("OrderNotionalWeight")
PAID = "+ when the order paid"
BY_SIDE = signed("OrderSide")
EXECUTED, QUANTITY = pl.col("Executed"), pl.col("Quantity")
DECIDED, ARRIVED = pl.col("Decided"), pl.col("ArrivalMid")
LEFT = pl.max_horizontal(QUANTITY - EXECUTED, pl.lit(0.0))
OPPORTUNITY = pl.when(LEFT <= 1e-9 * QUANTITY).then(0.0).otherwise(BY_SIDE * LEFT * (pl.col("EndPrice") - DECIDED))


def filled_above(price: pl.Expr) -> pl.Expr:
    """What the filled shares cost a buyer above `price`, and a seller below it; 0 without a fill."""
    return (
        pl.when(EXECUTED == 0)
        .then(0.0)
        .otherwise(BY_SIDE * (pl.col("FillsAbove") + EXECUTED * (pl.col("FirstPrice") - price)))
    )


SHORTFALL = filled_above(DECIDED) + OPPORTUNITY + pl.col("Fees")
"""What the filled shares cost more than at the decision, and the others would at the end."""


@attrs.frozen(eq=False)
class Cost:
    """A column and its value. `always`: it says what the events say, of an order with a problem too."""

    column: ResultColumn
    value: pl.Expr
    always: bool = False


def costs(options: TcaOptions) -> Iterator[Cost]:
    """What was filled, and the shortfall with its parts."""
    yield from _executions()
    yield from _shortfall(("trades.Price",) if options.end_price == "last_trade" else ())


def described(name: str, unit: Unit, doc: str, formula: str, over_listings: Rollup = NONE, **more: Any) -> ResultColumn:
    """A column that is rolled up over listings (over orders, that is), and never over time."""
    return ResultColumn(name, unit, doc, formula=formula, over_listings=over_listings, **more)


def _executions() -> Iterator[Cost]:
    yield Cost(
        described(
            "OrderExecutedQuantity",
            Unit.SHARES,
            "Shares of the order that were filled; 0 where none was, more than its quantity where events are wrong.",
            "X = Σ q",
            SUM,
            reads=FILLS,
        ),
        EXECUTED,
        always=True,
    )
    yield Cost(
        described(
            "OrderFillRatio",
            Unit.RATIO,
            "Share of the order that was filled; it says nothing of how long that took.",
            "X / Q",
            reads=(*FILLS, "orders.OrderQuantity"),
        ),
        ratio(EXECUTED, pl.when((QUANTITY > 0) & QUANTITY.is_finite()).then(QUANTITY)),
        always=True,
    )
    yield Cost(
        described(
            "OrderAvgPrice",
            Unit.PRICE,
            "Average price of the fills by shares, before fees.",
            "P̄ = Σ p·q / Σ q",
            reads=FILLS,
        ),
        average_price(),
        always=True,
    )
    yield Cost(
        described(
            "OrderFillCount",
            Unit.COUNT,
            "Number of fills; one that met several resting orders may be one or several, as the broker reports it.",
            "n",
            SUM,
            dtype=pl.Int64,
            reads=FILLS,
        ),
        pl.col("Fills"),
        always=True,
    )


def _shortfall(ends: Sequence[str]) -> Iterator[Cost]:
    """`ends`: what is read for the price of an order's end, beside mids."""
    for name, doc, formula, value, reads in _PARTS:
        yield Cost(
            described(
                name,
                Unit.CURRENCY,
                doc,
                formula,
                COST,
                citation="Wagner & Edwards 1993",
                sign=PAID,
                reads=(*reads, *(ends if name == "OpportunityCost" else ())),
            ),
            value,
        )
    yield Cost(
        described(
            "ShortfallCost",
            Unit.CURRENCY,
            "What the order cost against having traded all of it at the decision's price, free and at once; the shares "
            "left over count at the price of its end.",
            "D·(Q·(P_end − P_dec) − Σ q·(P_end − p)) + Σ fee",
            COST,
            citation="Perold 1988",
            sign=PAID,
            reads=(*_ALL, *ends),
        ),
        SHORTFALL,
    )
    yield Cost(
        described(
            "ShortfallBps",
            Unit.BPS,
            "The same in bps of the whole order's value at the decision, so that a small fill of a large order weighs "
            "little.",
            "1e4·ShortfallCost / (Q·P_dec)",
            OVER_NOTIONAL,
            citation="Perold 1988",
            sign=PAID,
            reads=(*_ALL, *ends),
        ),
        1e4 * ratio(SHORTFALL, QUANTITY * DECIDED),
    )


_ALL = (*ORDERS, "orders.OrderQuantity", "orders.Fee", *DECISION, *MIDS)
_PARTS: Sequence[tuple[str, str, str, pl.Expr, Sequence[str]]] = (
    (
        "DelayCost",
        "What the shares filled cost by the price's move from the decision to arrival; 0 without a fill.",
        "D·X·(M_arr − P_dec)",
        pl.when(EXECUTED == 0).then(0.0).otherwise(BY_SIDE * EXECUTED * (ARRIVED - DECIDED)),
        (*ORDERS, *DECISION, *MIDS),
    ),
    (
        "ExecutionCost",
        "What the shares filled cost against the mid on arrival; what the market did meanwhile is in it.",
        "D·Σ q·(p − M_arr)",
        filled_above(ARRIVED),
        (*ORDERS, *MIDS),
    ),
    (
        "OpportunityCost",
        "What not filling the rest cost by the end of the order; 0 for an order filled whole.",
        "D·(Q − X)·(P_end − P_dec)",
        OPPORTUNITY,
        (*ORDERS, "orders.OrderQuantity", *DECISION, *MIDS),
    ),
    (
        "FeeCost",
        "Fees of the fills less rebates; a fill that tells no fee counts as free.",
        "Σ fee",
        pl.col("Fees"),
        ("orders.Event", "orders.Fee"),
    ),
)


def label() -> Cost:
    """What is wrong with the order."""
    return Cost(
        described(
            "OrderProblem",
            Unit.LABEL,
            "The first of the order's events' contradictions, for which it has no costs; null for one without. An "
            "order that goes on at another listing has NoArrival there.",
            "first that fits",
            dtype=PROBLEM,
            reads=("orders.Event", "orders.OrderSide", "orders.OrderQuantity"),
        ),
        pl.col("OrderProblem"),
        always=True,
    )


def weight() -> Cost:
    """Of ShortfallBps, hidden."""
    return Cost(
        described(
            "OrderNotionalWeight",
            Unit.WEIGHT,
            "Weight of ShortfallBps when orders are put together.",
            "Q·P_dec",
            SUM,
            hidden=True,
        ),
        QUANTITY * DECIDED,
    )
