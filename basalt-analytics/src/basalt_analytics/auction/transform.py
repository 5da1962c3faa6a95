"""The `auction_uncross` transform: where the orders of a call auction would clear, from the orders themselves."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import attrs
import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.errors import UserError
from basalt.market_state import MarketState, MarketStateOptions
from basalt.modules import PassContext
from basalt.options import option
from basalt.tables import AGGRESSOR, NS_UTC, STATE
from basalt.transforms import Transform
from basalt_analytics.auction.moments import Emit, Times, times
from basalt_analytics.auction.options import CALLS, PHASES, AuctionState
from basalt_analytics.auction.phases import KEY, phases
from basalt_analytics.auction.prints import KEY_OF_PRICE
from basalt_analytics.auction.resting import Dense, dense, steps_of_orders
from basalt_analytics.auction.uncross import SCALE
from basalt_analytics.groups import required
from basalt_analytics.l3.book_rows import each_listing
from basalt_analytics.trade.prices import known_price

WHO = "auction_uncross"
Array = NDArray[Any]
Columns = Mapping[str, pl.DataType]
NEEDED = ("OrderId", "Side", "Action", "Price", "Size")
FILLED = {
    "ReferencePrice": pl.Float64(),
    "IndicativePrice": pl.Float64(),
    "PairedQuantity": pl.Float64(),
    "ImbalanceQuantity": pl.Float64(),
    "ImbalanceSide": AGGRESSOR,
    "MarketState": STATE,
}
WITHIN = 1e-9
EVENT, PHASE, REFERENCE, TICK = range(4)


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
        "last trade, or the last ReferencePrice of the source's own imbalance table",
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
        for name in NEEDED:
            _need(name, columns_of, "l3", "replays orders")
        if self.config.reference == "imbalance":
            _need("ReferencePrice", columns_of, "imbalance", "takes its reference price there")
        if self.config.candidates == "ticks":
            _need("TickSize", columns_of, "reference", "tries every tick")
        return _columns(columns_of["l3"])

    def apply(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> dict[str, pl.LazyFrame]:
        """The rows of every phase."""
        events = inputs["l3"]
        if "MarketState" not in events.collect_schema():
            told = {"l3": events, "marketstate": inputs["marketstate"]}
            events = MarketState(MarketStateOptions(table="l3")).apply(told, pass_)["l3"]
        schema = _columns(events.collect_schema())
        steps = steps_of_orders(events).with_columns(_Kind=pl.lit(EVENT))
        rows = pl.concat([steps, *self._beside(inputs)], how="diagonal")
        made = rows.map_batches(
            partial(_rows, config=self.config, pass_=pass_, schema=schema),
            predicate_pushdown=False,
            projection_pushdown=False,
            slice_pushdown=False,
            schema=schema,
        )
        return {"imbalance": made}

    def _beside(self, inputs: Mapping[str, pl.LazyFrame]) -> Iterator[pl.LazyFrame]:
        """What goes with the events of a listing, told apart by `_Kind`."""
        yield phases(inputs["marketstate"], self.config.phases).drop("StretchId").with_columns(_Kind=pl.lit(PHASE))
        if self.config.reference != "none":
            table, column = {"last_trade": ("trades", "Price"), "imbalance": ("imbalance", "ReferencePrice")}[
                self.config.reference
            ]
            stood = inputs[table].with_columns(Price=known_price(column, allow_nonpositive=False))
            known = stood.filter(pl.col("Price").is_not_null())
            yield known.select(KEY, "EventTimestamp", Limit=KEY_OF_PRICE, _Kind=pl.lit(REFERENCE))
        if self.config.candidates == "ticks":
            told = inputs["reference"].with_columns(Price="TickSize").filter(pl.col("TickSize").is_finite())
            yield told.select(KEY, Limit=KEY_OF_PRICE, _Kind=pl.lit(TICK))


def _need(column: str, columns_of: Mapping[str, Columns], table: str, what: str) -> None:
    if column not in columns_of[table]:
        has = ", ".join(columns_of[table])
        raise UserError(f"{WHO} {what} and needs {column}, which table {table} does not have; it has: {has}")


def _columns(events: Columns) -> dict[str, pl.DataType]:
    own = {name: events[name] for name in (KEY, "EventTimestamp", "SequenceNo") if name in events}
    return {**own, **FILLED}


def _rows(both: pl.DataFrame, config: AuctionUncrossOptions, pass_: PassContext, schema: Columns) -> pl.DataFrame:
    """The indications of every listing, from the rows of all kinds."""
    kinds = both.partition_by("_Kind", as_dict=True)
    none = both.clear()
    beside = {k: kinds.get((k,), none).partition_by(KEY, as_dict=True) for k in (PHASE, REFERENCE, TICK)}
    found = [pl.DataFrame(schema=schema)]
    for events in each_listing(kinds.get((EVENT,), none)):
        own = {kind: frames.get((events[KEY][0],), none) for kind, frames in beside.items()}
        found.append(_of_listing(events, own, config, pass_).select(list(schema)))
    return pl.concat(found)


def _of_listing(
    events: pl.DataFrame, beside: Mapping[int, pl.DataFrame], config: AuctionUncrossOptions, pass_: PassContext
) -> pl.DataFrame:
    assert pass_.rule is not None
    called = beside[PHASE].sort("Start")
    when = times(events, called, config.emit, pass_.rule, pass_)
    reference = _references(beside[REFERENCE], when, strict=config.emit == "event")
    price, buy, sell = _found(dense(events), when, reference, _tick(beside[TICK]))
    surplus = pl.Series(buy - sell)
    rows = events[when.after].select(name for name in (KEY, "EventTimestamp", "SequenceNo") if name in events.columns)
    side = pl.select(pl.when(surplus > 0).then(pl.lit("Buy")).when(surplus < 0).then(pl.lit("Sell"))).to_series()
    return rows.with_columns(
        EventTimestamp=pl.Series(when.stamps).cast(NS_UTC),
        ReferencePrice=_prices(reference),
        IndicativePrice=_prices(price),
        PairedQuantity=pl.Series(np.minimum(buy, sell)),
        ImbalanceQuantity=surplus.abs(),
        ImbalanceSide=side.cast(AGGRESSOR),
        MarketState=called["MarketState"].gather(when.phases),
    )


def _found(orders: Dense, when: Times, reference: Array, tick: int) -> tuple[Array, Array, Array]:
    """The key of each moment's price, and both sides there."""
    from basalt_analytics.kernels.uncross import NONE, Moments, uncrossed

    moments = len(when.after)
    out = Moments(when.after, reference, np.full(moments, NONE), np.zeros(moments), np.zeros(moments))
    uncrossed(orders.steps, out, orders.keys, tick, 0.0 if orders.whole else WITHIN)
    return out.price, out.buy, out.sell


def _references(given: pl.DataFrame, when: Times, strict: bool) -> Array:
    """The key of the last reference up to each moment, or before it where `strict`; the least integer where none is."""
    none = np.iinfo(np.int64).min
    stamps = given["EventTimestamp"].to_physical().to_numpy()
    before = np.searchsorted(stamps, when.stamps, side="left" if strict else "right")
    found: Array = np.concatenate([np.array([none]), given["Limit"].to_numpy()])[before]
    return found


def _prices(keys: Array) -> pl.Series:
    """Prices of keys, null where there is none. numpy divides to the nearest float, Polars by a constant does not."""
    told = keys != np.iinfo(np.int64).min
    return pl.Series(keys / SCALE).zip_with(pl.Series(told), pl.Series([None], dtype=pl.Float64))


def _tick(given: pl.DataFrame) -> int:
    """The listing's tick as a key; 0, the limit prices, where it has none."""
    return max(given["Limit"][0], 0) if given.height else 0
