"""Group `ratios`: flows of orders over each other, of both sides together or of each."""

from collections.abc import Callable, Iterator, Mapping

import polars as pl

from basalt.columns import Unit
from basalt.metrics import Metric, mean, ratio
from basalt_analytics.groups import Emission
from basalt_analytics.l3.effects import FILL, emission, rows_of
from basalt_analytics.l3.flow import CITATION, FLOWS, OF_SIDE
from basalt_analytics.l3.options import MessageWeights

RTS_9 = "European Commission 2017/566 (RTS 9)"
ORDER_OF_TAKER = "AggressiveOrderId"
LABEL = "l3.ratios"
SIDED = "{side}"
FEWER = "− when there is less of it than of executions"


def ratios(names: list[str], weights: MessageWeights, by_taker: bool) -> Iterator[Emission]:
    """Every ratio; `by_taker`: the events tell which aggressive order caused an execution."""
    for name in names:
        if name in IMBALANCES:
            yield emission(LABEL, IMBALANCES[name](name))
            continue
        ratio_ = name.removeprefix(SIDED)
        for side in ("Bid", "Ask") if name.startswith(SIDED) else ("Total",):
            yield emission(LABEL, _of_side(ratio_, side, weights, by_taker))


def _of_side(name: str, side: str, weights: MessageWeights, by_taker: bool) -> Metric:
    match name:
        case "CancelToTrade":
            return _cancel_to_trade(side)
        case "QuoteToTrade":
            return _quote_to_trade(side, by_taker)
        case "OrderToTradeCount":
            return _order_to_trade_count(side, weights)
        case "OrderToTradeVolume":
            return _order_to_trade_volume(side)
    return _cancel_rate(side)


def _ratio(name: str, over: pl.Expr, under: pl.Expr, doc: str, formula: str, less: int = 0) -> Metric:
    """over / under − less, rolled up by what is under."""
    found = ratio(over, under)
    return Metric(
        name,
        found - less if less else found,
        Unit.RATIO,
        doc=doc,
        over_time=mean(under),
        over_listings=mean(under),
        formula=formula,
        citation=RTS_9,
        sign=FEWER if less else None,
    )


def _cancel_to_trade(side: str) -> Metric:
    return _ratio(
        f"{side}CancelToTrade",
        FLOWS["Cancel"].count(side),
        FLOWS["Fill"].count(side),
        f"Cancels for each execution{OF_SIDE[side]}; those of a bucket without an execution are in no ratio.",
        "cancels / executions",
    )


def _quote_to_trade(side: str, by_taker: bool) -> Metric:
    takers = "each aggressive order" if by_taker else "each execution"
    messages = sum((FLOWS[one].count(side) for one in ("Amend", "Cancel")), FLOWS["Insert"].count(side))
    return _ratio(
        f"{side}QuoteToTrade",
        messages,
        _takers(side) if by_taker else FLOWS["Fill"].count(side),
        f"Inserts, amends and cancels for {takers}{OF_SIDE[side]}; counted by aggressive orders where the events tell "
        "them, else by executions, of which one order may have many.",
        f"(inserts + amends + cancels) / {takers.removeprefix('each ')}s",
    )


def _takers(side: str) -> pl.Expr:
    """Aggressive orders that were met; an execution that tells none is one of its own."""
    order = pl.col(ORDER_OF_TAKER)
    met = pl.when(rows_of(FILL, side)).then(order)
    return (met.drop_nulls().n_unique() + rows_of(FILL & order.is_null(), side).sum()).cast(pl.Int64)


def _order_to_trade_count(side: str, weights: MessageWeights) -> Metric:
    messages = {"Insert": weights.Insert, "Amend": weights.Amend, "Cancel": weights.Cancel}
    weighed = [FLOWS[one].count(side) * weight for one, weight in messages.items()]
    return _ratio(
        f"{side}OrderToTradeCount",
        weighed[0] + weighed[1] + weighed[2],
        FLOWS["Fill"].count(side),
        f"Weighted messages for each execution less 1{OF_SIDE[side]}; messages of a bucket without an execution are in "
        "no ratio.",
        "Σ weight × messages / executions − 1",
        less=1,
    )


def _order_to_trade_volume(side: str) -> Metric:
    return _ratio(
        f"{side}OrderToTradeVolume",
        FLOWS["Insert"].total(side),
        FLOWS["Fill"].total(side),
        f"Shares inserted for each share executed less 1{OF_SIDE[side]}; hidden shares are executed without "
        "having been inserted.",
        "Σ S of inserts / Σ x − 1",
        less=1,
    )


def _cancel_rate(side: str) -> Metric:
    return _ratio(
        f"{side}CancelRateVolume",
        FLOWS["Cancel"].total(side),
        FLOWS["Insert"].total(side),
        f"Shares cancelled for each share inserted{OF_SIDE[side]}; orders of earlier buckets are cancelled too, "
        "so that it may exceed 1.",
        "Σ max(O − x, 0) of removes / Σ S of inserts",
    )


def _imbalance(name: str, over: pl.Expr, under: pl.Expr, doc: str, formula: str) -> Metric:
    return Metric(
        name,
        ratio(over, under),
        Unit.RATIO,
        doc=doc,
        over_time=mean(under),
        over_listings=mean(under),
        formula=formula,
        citation=CITATION,
        sign="+ when more comes to the bid",
    )


def _arrivals(name: str) -> Metric:
    bids, asks = (FLOWS["Insert"].total(side) for side in ("Bid", "Ask"))
    return _imbalance(
        name,
        bids - asks,
        bids + asks,
        "Shares of bids inserted less those of asks, over both; orders far from the best price weigh like others.",
        "(Bid inserted − Ask inserted) / (Bid inserted + Ask inserted)",
    )


def _arrivals_by_count(name: str) -> Metric:
    bids, asks = (FLOWS["Insert"].count(side) for side in ("Bid", "Ask"))
    return _imbalance(
        name,
        bids - asks,
        bids + asks,
        "Number of bids inserted less that of asks, over both; whatever their size.",
        "(Bid inserts − Ask inserts) / (Bid inserts + Ask inserts)",
    )


def _net(name: str) -> Metric:
    (bid_in, bid_out), (ask_in, ask_out) = (
        [FLOWS[one].total(side) for one in ("Added", "Withdrawn")] for side in ("Bid", "Ask")
    )
    return _imbalance(
        name,
        (bid_in - bid_out) - (ask_in - ask_out),
        bid_in + bid_out + ask_in + ask_out,
        "Shares added less shares withdrawn, of bids less of asks, over all of them; what is executed is in neither.",
        "[(added − withdrawn) of bids − (added − withdrawn) of asks] / Σ (added + withdrawn)",
    )


IMBALANCES: Mapping[str, Callable[[str], Metric]] = {
    "ArrivalFlowImbalance": _arrivals,
    "ArrivalFlowImbalanceCount": _arrivals_by_count,
    "NetFlowImbalance": _net,
}
"""Bids against asks."""
