"""Sizes at the best price, and the share that they are of what all venues show there."""

from collections.abc import Iterator

import polars as pl

from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.metrics import MAX, MIN, NONE, Rollup, ratio
from basalt_analytics.cbbo.worth import FOUCAULT, LENGTH, NANOSECONDS, Timed, averaged, seconds, spent
from basalt_analytics.groups import Template
from basalt_analytics.l2.time_weights import median_over_time


def quantity_at_best(side: str, aggregation: str, name: Template) -> Iterator[Timed]:
    """The venue's size at the best price, 0 while away, as one value of the bucket."""
    q = pl.col(f"Held{side}")
    known = q.is_not_null()
    own = name.filled(measure="QuantityAtBest", side=side, agg=aggregation)
    away = f"size of the venue at the best price of its instrument on the {side.lower()}, 0 while away"
    if aggregation == "TWA":
        doc = f"Average {away}, weighted by how long it was in force; time at best of unknown size is left out."
        value = ratio((LENGTH * q).sum(), spent(known))
        yield from averaged(_sized(own, doc, "Σ Δt·q / Σ Δt, q = size while at best, else 0"), value, seconds(known))
        return
    words, formula, rollup, value = {
        "Min": ("Lowest {}, in force for any time.", "min q over Δt > 0", MIN, q.min()),
        "Max": ("Highest {}, in force for any time.", "max q over Δt > 0", MAX, q.max()),
        "Median": (
            "Median over time of the {}: half of the time it was lower; it cannot be rolled up.",
            "q at half of Σ Δt, sorted by q",
            NONE,
            median_over_time(q, pl.when(known).then(LENGTH)),
        ),
    }[aggregation]
    yield Timed(_sized(own, words.format(away), formula, rollup), value)


def _sized(name: str, doc: str, formula: str, rollup: Rollup = NONE) -> ResultColumn:
    return ResultColumn(
        name, Unit.SHARES, doc, over_time=rollup, over_listings=rollup, formula=formula, citation=FOUCAULT
    )


def quantity_when_at_best(side: str, name: Template) -> Iterator[Timed]:
    """The same without the time away."""
    q = pl.col(f"Held{side}")
    there = pl.col(f"At{side}") & q.is_not_null()
    column = _sized(
        name.filled(measure="QuantityWhenAtBest", side=side, agg="TWA"),
        f"Average size of the venue on the {side.lower()} while it is at the best price of its instrument; null where "
        "it never is, and one moment at best counts as much as an hour until times are looked at.",
        "Σ Δt·q / Σ Δt at best",
    )
    yield from averaged(column, ratio((LENGTH * q).sum(), spent(there)), seconds(there))


def quote_share(side: str, name: Template) -> Iterator[Timed]:
    """Average size over average size, of time in which both are told."""
    q, whole = pl.col(f"Held{side}"), pl.col(f"Best{side}Quantity")
    shared = q.is_not_null() & whole.is_not_null()
    own, all_ = (pl.when(shared).then(LENGTH * x).sum() for x in (q, whole))
    column = ResultColumn(
        name.filled(measure="QuoteShare", side=side, agg=""),
        Unit.RATIO,
        f"Share of the venue in the size shown at the best price of its instrument on the {side.lower()}, a ratio of "
        "averages over time; above 1 where the feed's best leaves sizes of the venue out.",
        formula="Σ Δt·q / Σ Δt·Q, Q = size at the best of all venues",
        citation=FOUCAULT,
    )
    yield from averaged(column, ratio(own, all_), all_ / NANOSECONDS)


def mean_quote_share(side: str, name: Template) -> Iterator[Timed]:
    """Average of the share of each moment, of time in which both sizes are told."""
    q, whole = pl.col(f"Held{side}"), pl.col(f"Best{side}Quantity")
    shared = q.is_not_null() & whole.is_not_null()
    column = ResultColumn(
        name.filled(measure="QuoteShare", side=side, agg="Mean"),
        Unit.RATIO,
        f"Average over time of the venue's share of the size at the best price on the {side.lower()}, an average of "
        "ratios: moments with little size count as much as those with a lot.",
        formula="Σ Δt·(q/Q) / Σ Δt",
        citation=FOUCAULT,
    )
    yield from averaged(column, ratio((LENGTH * ratio(q, whole)).sum(), spent(shared)), seconds(shared))
