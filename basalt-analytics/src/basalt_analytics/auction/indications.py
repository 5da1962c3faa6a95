"""Indications of each listing, from its orders, phases, references and tick, when their rows are there."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.modules import PassContext
from basalt.tables import AGGRESSOR, NS_UTC
from basalt_analytics.auction.moments import Emit, Times, times
from basalt_analytics.auction.phases import KEY
from basalt_analytics.auction.resting import Dense, dense
from basalt_analytics.l3.listings import each_listing
from basalt_analytics.trade.prices import KEYS_A_UNIT

Array = NDArray[Any]
NONE = np.iinfo(np.int64).min
"""The key of no price."""
WITHIN = 1e-9
"""Share of a volume within which fractions of shares are equal."""
EVENT, PHASE, REFERENCE, TICK = range(4)
"""What a row is of, as `_Kind` says: Limit is the price key of an order behind the event, of a reference, of a tick."""


def indications(both: pl.DataFrame, emit: Emit, pass_: PassContext, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Those of every listing, from the rows of all kinds."""
    kinds = both.partition_by("_Kind", as_dict=True)
    none = both.clear()
    beside = {k: kinds.get((k,), none).partition_by(KEY, as_dict=True) for k in (PHASE, REFERENCE, TICK)}
    found = [pl.DataFrame(schema=schema)]
    for events in each_listing(kinds.get((EVENT,), none)):
        own = {kind: frames.get((events[KEY][0],), none) for kind, frames in beside.items()}
        found.append(_of_listing(events, own, emit, pass_).select(list(schema)))
    return pl.concat(found)


def _of_listing(
    events: pl.DataFrame, beside: Mapping[int, pl.DataFrame], emit: Emit, pass_: PassContext
) -> pl.DataFrame:
    assert pass_.rule is not None
    called = beside[PHASE].sort("Start")
    when = times(events, called, emit, pass_.rule, pass_)
    reference = _references(beside[REFERENCE], when, strict=emit == "event")
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
    from basalt_analytics.kernels.uncross import Moments, uncrossed

    moments = len(when.after)
    out = Moments(when.after, reference, np.full(moments, NONE), np.zeros(moments), np.zeros(moments))
    uncrossed(orders.steps, out, orders.keys, tick, 0.0 if orders.whole else WITHIN)
    return out.price, out.buy, out.sell


def _references(given: pl.DataFrame, when: Times, strict: bool) -> Array:
    """The key of the last reference up to each moment, or before it where `strict`."""
    stamps = given["EventTimestamp"].to_physical().to_numpy()
    before = np.searchsorted(stamps, when.stamps, side="left" if strict else "right")
    found: Array = np.concatenate([np.array([NONE]), given["Limit"].to_numpy()])[before]
    return found


def _prices(keys: Array) -> pl.Series:
    """Prices of keys, null where there is none. numpy divides to the nearest float, Polars by a constant does not."""
    told = keys != NONE
    return pl.Series(keys / KEYS_A_UNIT).zip_with(pl.Series(told), pl.Series([None], dtype=pl.Float64))


def _tick(given: pl.DataFrame) -> int:
    """The listing's tick as a key; 0, the limit prices, where it has none."""
    return max(given["Limit"][0], 0) if given.height else 0
