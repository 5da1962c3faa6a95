"""Facts about prints. A flag that no row of the bucket reports is null, for nobody knows."""

from collections.abc import Iterator, Mapping

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.metrics import MAX, SUM, Empty, Metric, mean, ratio
from basalt.tables import TRADE_TYPE
from basalt_analytics.characteristics.facts import (
    FILE_ORDER,
    ROWS,
    Columns,
    Fact,
    count,
    file_order,
    has,
    late,
    named,
    predecessor,
)
from basalt_analytics.trade.prices import price_key

SECOND = 1e9  # nanoseconds
FLAGS = ("Block", "OddLot", "Negotiated", "Cross", "Algorithmic", "Retail")
TIME, PRICE, SIZE = pl.col("EventTimestamp"), pl.col("Price"), pl.col("Size")
SIDE, STATE, ID = pl.col("AggressorSide"), pl.col("MarketState"), pl.col("TradeId")
DELAY = (pl.col("PublicationTimestamp").to_physical() - TIME.to_physical()) / SECOND
PUBLISHED = DELAY.is_not_null().sum().cast(pl.Int64)
CANCELLED = pl.col("IsCancelled")
NAMED = named("TradeId")
_REPEATED, _BACK = "its TradeId was printed before", "it is stamped before its predecessor"


def _has(what: str, mask: pl.Expr, words: str, *needs: str) -> Fact:
    """Whether any print is so; null in a bucket without a print."""
    doc = f"Whether any print {words}; one of a million is enough."
    return has(f"TradeHas{what}", mask, doc, f"any print {words}", *needs)


def _flag(name: str) -> Fact:
    """Whether any row has the flag; null where no row reports it."""
    flag, fact = pl.col(f"Is{name}"), _has(name, pl.col(f"Is{name}"), f"has Is{name}", f"Is{name}")
    known = pl.when(flag.is_not_null().any()).then(flag.any())
    doc = f"Whether any print has Is{name}; null where the feed reports it for none of the bucket."
    return attrs.evolve(fact, metric=attrs.evolve(fact.metric, expr=known, doc=doc))


def _share(name: str, expr: pl.Expr, weight: pl.Expr, doc: str, formula: str, *needs: str) -> Fact:
    by = mean(weight)
    metric = Metric(name, expr, Unit.RATIO, doc=doc, over_time=by, over_listings=by, formula=formula)
    return Fact(metric, tuple((need,) for need in needs))


def _counted() -> Iterator[Fact]:
    prints = count(
        "TradeEventCount",
        ROWS,
        "Number of prints as the source has them, of any type, state and size, cancelled ones among them; one that is "
        "corrected counts twice where the feed sends it again.",
        "n",
    )
    gone = count(
        "TradeCancelledCount",
        CANCELLED.sum(),
        "Number of prints that were cancelled or corrected away, in the bucket in which they were printed; a sparse "
        "pass has no row where nothing else was printed, and does not count them there.",
        "n cancelled",
        "IsCancelled",
    )
    yield attrs.evolve(prints, cancelled=True)
    yield late(attrs.evolve(gone, cancelled=True))
    volume = Metric(
        "TradePrintedVolume",
        pl.when(SIZE.is_finite()).then(SIZE).sum(),
        Unit.SHARES,
        doc="Shares on all prints but cancelled ones, impossible sizes included; what can be no trade distorts it.",
        over_time=SUM,
        over_listings=SUM,
        empty=Empty.ZERO,
        formula="Σ q",
        sign="− where a feed prints sizes below 0",
    )
    yield Fact(volume)
    yield _has("ZeroSize", SIZE == 0, "has a size of 0")
    yield _has("NegativeSize", SIZE < 0, "has a size below 0")
    yield _has("NonPositivePrice", PRICE <= 0, "has a price of 0 or below")
    yield late(attrs.evolve(_has("Cancellations", CANCELLED, "was cancelled", "IsCancelled"), cancelled=True))


def _sided() -> Iterator[Fact]:
    unknown = SIDE.is_null()
    yield _has("UnknownAggressor", unknown, "has no aggressor side", "AggressorSide")
    yield _has("KnownAggressor", ~unknown, "has an aggressor side", "AggressorSide")
    yield _share(
        "TradeUnknownAggressorRatio",
        ratio(unknown.sum(), ROWS),
        ROWS,
        "Share of prints without an aggressor side, by number: a few large ones weigh as much as small ones.",
        "n without a side / n",
        "AggressorSide",
    )


def _typed() -> Iterator[Fact]:
    yield _has("UnknownType", pl.col("TradeType").is_null(), "has no type", "TradeType")
    for name in TRADE_TYPE.categories:
        yield _has(name, pl.col("TradeType") == name, f"is of type {name}", "TradeType")
    unknown = STATE.is_null() | STATE.is_in(["UNKNOWN", "NOT_APPLICABLE"])
    yield _has("UnknownMarketState", unknown, "is of no known market state", "MarketState")
    yield from map(_flag, FLAGS)


def _identified() -> Iterator[Fact]:
    yield _has("TradeId", NAMED, "has a TradeId", "TradeId")
    repeated = _has("DuplicateTradeId", pl.col(_REPEATED), "has a TradeId of an earlier one of the date", "TradeId")
    yield attrs.evolve(repeated, derive=lambda columns: {_REPEATED: NAMED & ~ID.is_first_distinct()})
    venues = pl.col("Venue").drop_nulls().n_unique() > 1
    several = _has("MultipleVenues", pl.col("Venue").is_null(), "is of another venue than some other", "Venue")
    doc = "Whether prints of the bucket name more than one venue; rolled up, whether those of any finer bucket do."
    formula = "number of venues > 1"
    yield attrs.evolve(several, metric=attrs.evolve(several.metric, expr=venues, doc=doc, formula=formula))


def _published() -> Iterator[Fact]:
    needed, delay = "PublicationTimestamp", pl.when(DELAY.is_not_null()).then(DELAY)
    yield _share(
        "TradePublishedAtOnceRatio",
        ratio((DELAY == 0).sum(), PUBLISHED),
        PUBLISHED,
        "Share of prints made public at the stamp of execution, of those whose publication is stamped; a feed that "
        "stamps both with one clock reading has 1 whatever it takes.",
        "n published at once / n with a publication stamp",
        needed,
    )
    lengths = {
        "Mean": (
            delay.mean(),
            mean(PUBLISHED),
            "Average time from execution to publication; a few deferrals are most of it.",
        ),
        "Max": (delay.max(), MAX, "Longest time from execution to publication; clocks that differ are part of it."),
    }
    for name, (expr, rollup, doc) in lengths.items():
        metric = Metric(
            f"TradePublicationDelay{name}Seconds",
            expr,
            Unit.SECONDS,
            doc=doc,
            over_time=rollup,
            over_listings=rollup,
            formula=f"{name.lower()}(publication − execution)",
            sign="+ when published after the execution",
        )
        yield Fact(metric, ((needed,),))
    yield _has("EarlyPublication", DELAY < 0, "was public before it happened", needed)


def _placed() -> Iterator[Fact]:
    back = _has("OutOfOrder", pl.col(_BACK), "is stamped before its predecessor in the file")
    yield late(attrs.evolve(back, needs=(FILE_ORDER,), derive=lambda columns: {_BACK: _before_predecessor(columns)}))
    price, bid, ask = (price_key(pl.col(name)) for name in ("Price", "BidPrice", "AskPrice"))
    outside = (bid > 0) & (ask > bid) & ((price < bid) | (price > ask))
    words = "lies outside a quote that stood before it"
    yield _has("PriceOutsideQuote", outside, words, "BidPrice", "AskPrice")


def _before_predecessor(columns: Columns) -> pl.Expr:
    """Whether the row's stamp is below that of the one before it in the file; rows without a number have none."""
    stamp = TIME.to_physical()
    return stamp < predecessor(stamp, file_order(columns))


FACTS: Mapping[str, Fact] = {
    fact.metric.name: fact for facts in (_counted, _sided, _typed, _identified, _published, _placed) for fact in facts()
}
"""By name of the column, in the order in which they come out."""
