"""The `auction_uncross` transform: where the orders of a call auction would clear, from the orders themselves."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Literal

import attrs
import polars as pl

from basalt.modules import PassContext
from basalt.options import option
from basalt.tables import AGGRESSOR, STATE
from basalt.transforms import Transform
from basalt_analytics.auction.indications import EVENT, PHASE, REFERENCE, TICK, indications
from basalt_analytics.auction.moments import Emit
from basalt_analytics.auction.options import CALLS, PHASES, AuctionState
from basalt_analytics.auction.phases import KEY, phases
from basalt_analytics.auction.resting import steps_of_orders
from basalt_analytics.groups import required
from basalt_analytics.l3.inputs import Columns, check_events, each, need, with_states
from basalt_analytics.trade.filters import of_types
from basalt_analytics.trade.prices import known_price, price_key

WHO = "auction_uncross"
FILLED = {
    "ReferencePrice": pl.Float64(),
    "IndicativePrice": pl.Float64(),
    "PairedQuantity": pl.Float64(),
    "ImbalanceQuantity": pl.Float64(),
    "ImbalanceSide": AGGRESSOR,
    "MarketState": STATE,
}


@attrs.frozen
class AuctionUncrossOptions:
    """Options of `auction_uncross`."""

    phases: list[AuctionState] = option(PHASES, factory=lambda: list(CALLS))
    emit: Emit = option(
        "when the orders are uncrossed: at each edge of the pass's buckets inside a phase, or after each of its events",
        default="bucket",
    )
    candidates: Literal["orders", "ticks"] = option(
        "prices that are tried: every limit price, or every tick from the lowest limit to the highest, where the "
        "listing has a TickSize",
        default="orders",
    )
    reference: Literal["none", "last_trade", "imbalance"] = option(
        "price to which the nearest of several is taken, and at which market orders alone clear: none, that of the "
        "last trade on the book, or the last ReferencePrice of the source's own imbalance table",
        default="none",
    )

    def __attrs_post_init__(self) -> None:
        required({"phases": self.phases}, WHO)


class AuctionUncross(Transform):
    """Indications as an exchange would publish them: every order that rests in the phase, those entered before it too,
    and where they would clear.

    An order without a price is a market order. Nothing is written from the first execution of a phase on.
    """

    name = WHO
    Config = AuctionUncrossOptions
    config: AuctionUncrossOptions
    whole_book = True

    @property
    def inputs(self) -> Sequence[str]:
        """Order events and states, and what the reference and the ticks are read from."""
        reference = {"none": (), "last_trade": ("trades",), "imbalance": ("imbalance",)}[self.config.reference]
        ticks = ("reference",) if self.config.candidates == "ticks" else ()
        return ["l3", "marketstate", *reference, *ticks]

    @property
    def output(self) -> str:
        """Indications."""
        return "imbalance"

    def columns(self, columns_of: Mapping[str, Columns]) -> dict[str, pl.DataType]:
        """Key, stamp, sequence of the last event behind a row, what it says, and its phase's state; UserError for a
        missing column."""
        check_events(columns_of["l3"], WHO)
        if self.config.reference == "imbalance":
            need("ReferencePrice", columns_of["imbalance"], f"{WHO} takes its reference price there and", "imbalance")
        if self.config.candidates == "ticks":
            need("TickSize", columns_of["reference"], f"{WHO} tries every tick and", "reference")
        return _columns(columns_of["l3"])

    def apply(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> dict[str, pl.LazyFrame]:
        """The rows of every phase."""
        events = with_states(inputs, pass_)
        schema = _columns(events.collect_schema())
        steps = steps_of_orders(events).with_columns(_Kind=pl.lit(EVENT))
        rows = pl.concat([steps, *self._beside(inputs)], how="diagonal")
        return {
            "imbalance": each(rows, partial(indications, emit=self.config.emit, pass_=pass_, schema=schema), schema)
        }

    def _beside(self, inputs: Mapping[str, pl.LazyFrame]) -> Iterator[pl.LazyFrame]:
        """What goes with the events of a listing, told apart by `_Kind`."""
        yield phases(inputs["marketstate"], self.config.phases).drop("StretchId").with_columns(_Kind=pl.lit(PHASE))
        if self.config.reference == "last_trade":
            yield _references(_on_book(inputs["trades"]), "Price")
        if self.config.reference == "imbalance":
            yield _references(inputs["imbalance"], "ReferencePrice")
        if self.config.candidates == "ticks":
            told = inputs["reference"].select(KEY, Limit=price_key(pl.col("TickSize")), _Kind=pl.lit(TICK))
            yield told.filter(pl.col("Limit").is_not_null())


def _on_book(trades: pl.LazyFrame) -> pl.LazyFrame:
    """Trades of the book and its auctions, and those of which nothing else is told."""
    return trades.filter(of_types(("Lit", "Auction", "null"))) if "TradeType" in trades.collect_schema() else trades


def _references(rows: pl.LazyFrame, column: str) -> pl.LazyFrame:
    """Those that are prices."""
    limit = price_key(known_price(column, allow_nonpositive=False))
    found = rows.select(KEY, "EventTimestamp", Limit=limit, _Kind=pl.lit(REFERENCE))
    return found.filter(pl.col("Limit").is_not_null())


def _columns(events: Columns) -> dict[str, pl.DataType]:
    own = {name: events[name] for name in (KEY, "EventTimestamp", "SequenceNo") if name in events}
    return {**own, **FILLED}
