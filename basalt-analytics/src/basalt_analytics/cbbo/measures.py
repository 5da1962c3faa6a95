"""The measures of `cbbo`, as columns: times at best, the distance to it, and what the best price itself is like."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.metrics import SUM, Empty, mean, ratio
from basalt_analytics.cbbo.options import OF_INSTRUMENTS, CbboOptions
from basalt_analytics.cbbo.pieces import SIDES
from basalt_analytics.cbbo.sizes import mean_quote_share, quantity_at_best, quantity_when_at_best, quote_share
from basalt_analytics.cbbo.worth import FOUCAULT, LENGTH, Timed, averaged, seconds, spent
from basalt_analytics.groups import Template

LOCKS = "Shkilko, Van Ness & Van Ness 2008; Holden & Jacobsen 2014"
BPS, MICROSECOND = 1e4, 1_000


def asked(options: CbboOptions, name: Template) -> Iterator[Timed]:
    """The columns in the order asked, by measure, the valid seconds of each side that is asked for behind them."""
    for measure in options.measures:
        if measure in OF_INSTRUMENTS:
            yield from _of_instruments(measure, options, name)
        for side in options.sides if measure not in OF_INSTRUMENTS else ():
            yield from _of_side(measure, side, options, name)
    if set(options.measures) - set(OF_INSTRUMENTS):
        yield from (_valid_seconds(side) for side in options.sides)


def _of_side(measure: str, side: str, options: CbboOptions, name: Template) -> Iterator[Timed]:
    match measure:
        case "TimeAtBest" | "ExclusiveTimeAtBest":
            yield from (_time_at_best(measure, side, unit, name) for unit in options.time_units)
        case "QuantityAtBest":
            for aggregation in options.quantity_aggs:
                yield from quantity_at_best(side, aggregation, name)
        case "QuantityWhenAtBest":
            yield from quantity_when_at_best(side, name)
        case "QuoteShare":
            yield from quote_share(side, name)
        case "QuoteShareMean":
            yield from mean_quote_share(side, name)
        case _:
            yield from _distance(side, name)


def _words(side: str) -> str:
    return "both sides at once" if side == "Both" else f"the {side.lower()}"


def _valid_seconds(side: str) -> Timed:
    column = ResultColumn(
        f"Valid{side}Seconds",
        Unit.SECONDS,
        f"Time in which the instrument has a best price on {_words(side)}, the listing being open: what times at best "
        "are shares of, whether the venue quotes or not.",
        over_time=SUM,
        over_listings=SUM,
        empty=Empty.ZERO,
        formula="Σ Δt of valid pieces",
        citation=FOUCAULT,
    )
    return Timed(column, seconds(f"Valid{side}"))


def _time_at_best(measure: str, side: str, unit: str, name: Template) -> Timed:
    alone = measure == "ExclusiveTimeAtBest"
    mask = f"{'Alone' if alone else 'At'}{side}"
    how = "alone " if alone else ""
    formula = f"Σ Δt {how}at best on {_words(side)}"
    column_name = name.filled(measure=measure, side=side, agg=unit)
    if unit == "Seconds":
        doc = f"Time in which the venue stands {how}at the best price of its instrument on {_words(side)}, or better."
        column = ResultColumn(column_name, Unit.SECONDS, doc, over_time=SUM, over_listings=SUM, empty=Empty.ZERO)
        value = seconds(mask)
    else:
        doc = f"Share of the valid time in which the venue stands {how}at the best price of its instrument on "
        doc += f"{_words(side)}, or better; no quote is not at best, and time without a best price is left out."
        weight = mean(f"Valid{side}Seconds")
        column = ResultColumn(column_name, Unit.RATIO, doc, over_time=weight, over_listings=weight)
        value, formula = ratio(spent(mask), spent(f"Valid{side}")), f"{formula} / Valid{side}Seconds"
    return Timed(attrs.evolve(column, formula=formula, citation=FOUCAULT), value)


def _distance(side: str, name: Template) -> Iterator[Timed]:
    own, best = pl.col(f"{side}Price"), pl.col(f"Best{side}Price")
    away = best - own if side == "Bid" else own - best
    mid = (pl.col("BestBidPrice") + pl.col("BestAskPrice")) / 2
    there = pl.col("TwoSided") & pl.col(f"Valid{side}") & own.is_not_null()
    apart = pl.when(there).then(LENGTH * ratio(away, mid)).sum()
    column = ResultColumn(
        name.filled(measure="DistanceToBest", side=side, agg="BpsTWA"),
        Unit.BPS,
        f"How far the venue's {side.lower()} is from the best of its instrument, in bps of the mid, averaged over the "
        "time in which it has one; time without a quote, the farthest of all, is left out.",
        formula=f"1e4·Σ Δt·({'best − own' if side == 'Bid' else 'own − best'})/mid / Σ Δt",
        citation=FOUCAULT,
        sign="+ when the venue's price is worse than the best",
    )
    yield from averaged(column, BPS * ratio(apart, spent(there)), seconds(there))


def _of_instruments(measure: str, options: CbboOptions, name: Template) -> Iterator[Timed]:
    """Time in which the cbbo itself is locked or crossed, of that in which it has two sides."""
    bid, ask = (pl.col(f"Best{side}Key") for side in SIDES)
    is_so, words = {"Locked": (bid == ask, "equal"), "Crossed": (bid > ask, "crossed")}[measure]
    mask = pl.col("TwoSided") & is_so.fill_null(False)
    for unit in options.time_units:
        own = name.filled(measure=f"Cbbo{measure}", side="", agg=unit)
        formula = f"Σ Δt with best prices {words}"
        if unit == "Seconds":
            doc = f"Time in which the best bid and ask of the instrument are {words}; the same on each of its listings."
            column = ResultColumn(own, Unit.SECONDS, doc, over_time=SUM, empty=Empty.ZERO, formula=formula)
            yield Timed(attrs.evolve(column, citation=LOCKS), seconds(mask))
        else:
            doc = f"Share of the time with two best prices in which they are {words}: stale quotes of one venue are "
            doc += "enough; the same on each listing of the instrument, but for when it is open."
            column = ResultColumn(own, Unit.RATIO, doc, formula=f"{formula} / Σ Δt with both", citation=LOCKS)
            share = ratio(spent(mask), spent("TwoSided"))
            yield from averaged(column, share, seconds("TwoSided"), everywhere=False)


def known_after(found: Sequence[Timed], shift: int) -> list[Timed]:
    """The same, known as much later as stamps of cbbo were moved, in whole microseconds."""
    later = timedelta(microseconds=-(-shift // MICROSECOND))
    return [attrs.evolve(one, column=attrs.evolve(one.column, known_after=later)) for one in found]
