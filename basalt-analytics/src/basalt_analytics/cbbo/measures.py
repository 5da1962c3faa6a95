"""Measures of `cbbo`: what each piece of time is worth for them, and the columns they become.

By side, a piece is *valid* where the instrument has a price, unless that is locked or crossed and such time is left
out; the venue is *at best* where it is valid and its own price is as good or better. Weights of means that no visible
column holds are hidden columns.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.metrics import MAX, MIN, NONE, SUM, Empty, Rollup, mean, ratio
from basalt_analytics.cbbo.options import OF_INSTRUMENTS, CbboOptions
from basalt_analytics.cbbo.pieces import SIDES, SPAN
from basalt_analytics.groups import Template
from basalt_analytics.l2.time_weights import median_over_time

FOUCAULT = "Foucault & Menkveld 2008"
LOCKS = "Shkilko, Van Ness & Van Ness 2008; Holden & Jacobsen 2014"
_NANOSECONDS, _BPS, _MICROSECOND = 1e9, 1e4, 1_000
_SPAN = pl.col(SPAN)


@attrs.frozen(eq=False)
class Timed:
    """A described column, and the aggregation of pieces that it is."""

    column: ResultColumn
    value: pl.Expr


def derived(options: CbboOptions) -> list[dict[str, pl.Expr]]:
    """What every piece is worth, in steps that each read those before."""
    bid, ask = (pl.col(f"Best{side}Key") for side in SIDES)
    sound = pl.lit(True) if options.invalid_cbbo == "include" else (bid < ask).fill_null(True)
    valid = {f"Valid{side}": pl.col(f"Best{side}Key").is_not_null() & sound for side in SIDES}
    as_good = {"Bid": pl.col("BidKey") >= bid, "Ask": pl.col("AskKey") <= ask}
    at = {f"At{side}": pl.col(f"Valid{side}") & as_good[side].fill_null(False) for side in SIDES}
    steps: list[dict[str, pl.Expr]] = [{"TwoSided": bid.is_not_null() & ask.is_not_null(), **valid}, at]
    kinds = ["Valid", "At"]
    if "ExclusiveTimeAtBest" in options.measures:
        kinds.append("Alone")
        alone = {s: pl.col(f"At{s}") & (pl.col(f"Best{s}Venues") == 1).fill_null(False) for s in options.books}
        steps.append({f"Alone{side}": mask for side, mask in alone.items()})
    held = {f"Held{s}": _held(s) for s in SIDES}
    both = {f"{kind}Both": pl.col(f"{kind}Bid") & pl.col(f"{kind}Ask") for kind in kinds}
    return [*steps, held | both] if "Both" in options.sides else [*steps, held]


def _held(side: str) -> pl.Expr:
    """Size of the venue at the best price, 0 while away, null where it is not told, and outside valid time."""
    return pl.when(f"Valid{side}").then(pl.when(f"At{side}").then(f"{side}Quantity").otherwise(0.0))


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
                yield from _quantity_at_best(side, aggregation, name)
        case "QuantityWhenAtBest":
            yield from _quantity_when_at_best(side, name)
        case "QuoteShare":
            yield from _quote_share(side, name)
        case "QuoteShareMean":
            yield from _mean_quote_share(side, name)
        case _:
            yield from _distance(side, name)


def _spent(mask: pl.Expr | str) -> pl.Expr:
    """Nanoseconds of the pieces in which it holds."""
    return pl.when(mask).then(_SPAN).otherwise(0).sum()


def _seconds(mask: pl.Expr | str) -> pl.Expr:
    return _spent(mask) / _NANOSECONDS


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
    return Timed(column, _seconds(f"Valid{side}"))


def _time_at_best(measure: str, side: str, unit: str, name: Template) -> Timed:
    alone = measure == "ExclusiveTimeAtBest"
    mask = f"{'Alone' if alone else 'At'}{side}"
    how = "alone " if alone else ""
    formula = f"Σ Δt {how}at best on {_words(side)}"
    column_name = name.filled(measure=measure, side=side, agg=unit)
    if unit == "Seconds":
        doc = f"Time in which the venue stands {how}at the best price of its instrument on {_words(side)}, or better."
        column = ResultColumn(column_name, Unit.SECONDS, doc, over_time=SUM, over_listings=SUM, empty=Empty.ZERO)
        value = _seconds(mask)
    else:
        doc = f"Share of the valid time in which the venue stands {how}at the best price of its instrument on "
        doc += f"{_words(side)}, or better; no quote is not at best, and time without a best price is left out."
        weight = mean(f"Valid{side}Seconds")
        column = ResultColumn(column_name, Unit.RATIO, doc, over_time=weight, over_listings=weight)
        value, formula = ratio(_spent(mask), _spent(f"Valid{side}")), f"{formula} / Valid{side}Seconds"
    return Timed(attrs.evolve(column, formula=formula, citation=FOUCAULT), value)


def _quantity_at_best(side: str, aggregation: str, name: Template) -> Iterator[Timed]:
    q = pl.col(f"Held{side}")
    known = q.is_not_null()
    own = name.filled(measure="QuantityAtBest", side=side, agg=aggregation)
    away = f"size of the venue at the best price of its instrument on the {side.lower()}, 0 while away"
    if aggregation == "TWA":
        doc = f"Average {away}, weighted by how long it was in force; time at best of unknown size is left out."
        value = ratio((_SPAN * q).sum(), _spent(known))
        yield from _averaged(_sized(own, doc, "Σ Δt·q / Σ Δt, q = size while at best, else 0"), value, _seconds(known))
        return
    words, formula, rollup, value = {
        "Min": ("Lowest {}, in force for any time.", "min q over Δt > 0", MIN, q.min()),
        "Max": ("Highest {}, in force for any time.", "max q over Δt > 0", MAX, q.max()),
        "Median": (
            "Median over time of the {}: half of the time it was lower; it cannot be rolled up.",
            "q at half of Σ Δt, sorted by q",
            NONE,
            median_over_time(q, pl.when(known).then(_SPAN)),
        ),
    }[aggregation]
    yield Timed(_sized(own, words.format(away), formula, rollup), value)


def _sized(name: str, doc: str, formula: str, rollup: Rollup = NONE) -> ResultColumn:
    return ResultColumn(
        name, Unit.SHARES, doc, over_time=rollup, over_listings=rollup, formula=formula, citation=FOUCAULT
    )


def _quantity_when_at_best(side: str, name: Template) -> Iterator[Timed]:
    q = pl.col(f"Held{side}")
    there = pl.col(f"At{side}") & q.is_not_null()
    column = _sized(
        name.filled(measure="QuantityWhenAtBest", side=side, agg="TWA"),
        f"Average size of the venue on the {side.lower()} while it is at the best price of its instrument; null where "
        "it never is, and one moment at best counts as much as an hour until times are looked at.",
        "Σ Δt·q / Σ Δt at best",
    )
    yield from _averaged(column, ratio((_SPAN * q).sum(), _spent(there)), _seconds(there))


def _quote_share(side: str, name: Template) -> Iterator[Timed]:
    q, whole = pl.col(f"Held{side}"), pl.col(f"Best{side}Quantity")
    shared = q.is_not_null() & whole.is_not_null()
    own, all_ = (pl.when(shared).then(_SPAN * x).sum() for x in (q, whole))
    column = ResultColumn(
        name.filled(measure="QuoteShare", side=side, agg=""),
        Unit.RATIO,
        f"Share of the venue in the size shown at the best price of its instrument on the {side.lower()}, a ratio of "
        "averages over time; above 1 where the feed's best leaves sizes of the venue out.",
        formula="Σ Δt·q / Σ Δt·Q, Q = size at the best of all venues",
        citation=FOUCAULT,
    )
    yield from _averaged(column, ratio(own, all_), all_ / _NANOSECONDS)


def _mean_quote_share(side: str, name: Template) -> Iterator[Timed]:
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
    yield from _averaged(column, ratio((_SPAN * ratio(q, whole)).sum(), _spent(shared)), _seconds(shared))


def _distance(side: str, name: Template) -> Iterator[Timed]:
    own, best = pl.col(f"{side}Price"), pl.col(f"Best{side}Price")
    away = best - own if side == "Bid" else own - best
    mid = (pl.col("BestBidPrice") + pl.col("BestAskPrice")) / 2
    there = pl.col("TwoSided") & pl.col(f"Valid{side}") & own.is_not_null()
    apart = pl.when(there).then(_SPAN * ratio(away, mid)).sum()
    column = ResultColumn(
        name.filled(measure="DistanceToBest", side=side, agg="BpsTWA"),
        Unit.BPS,
        f"How far the venue's {side.lower()} is from the best of its instrument, in bps of the mid, averaged over the "
        "time in which it has one; time without a quote, the farthest of all, is left out.",
        formula=f"1e4·Σ Δt·({'best − own' if side == 'Bid' else 'own − best'})/mid / Σ Δt",
        citation=FOUCAULT,
        sign="+ when the venue's price is worse than the best",
    )
    yield from _averaged(column, _BPS * ratio(apart, _spent(there)), _seconds(there))


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
            yield Timed(attrs.evolve(column, citation=LOCKS), _seconds(mask))
        else:
            doc = f"Share of the time with two best prices in which they are {words}: stale quotes of one venue are "
            doc += "enough; the same on each listing of the instrument, but for when it is open."
            column = ResultColumn(own, Unit.RATIO, doc, formula=f"{formula} / Σ Δt with both", citation=LOCKS)
            share = ratio(_spent(mask), _spent("TwoSided"))
            yield from _averaged(column, share, _seconds("TwoSided"), everywhere=False)


def _averaged(column: ResultColumn, value: pl.Expr, weight: pl.Expr, everywhere: bool = True) -> Iterator[Timed]:
    """A mean, and the hidden weight by which it is rolled up, over listings too if `everywhere`."""
    hidden = ResultColumn(
        f"{column.name}Weight",
        Unit.WEIGHT,
        f"Weight of {column.name} when it is rolled up.",
        over_time=SUM,
        over_listings=SUM,
        empty=Empty.ZERO,
        hidden=True,
    )
    by = mean(hidden.name)
    yield Timed(attrs.evolve(column, over_time=by, over_listings=by if everywhere else NONE), value)
    yield Timed(hidden, weight.cast(pl.Float64))


def known_after(found: Sequence[Timed], shift: int) -> list[Timed]:
    """The same, known as much later as stamps of cbbo were moved, in whole microseconds."""
    later = timedelta(microseconds=-(-shift // _MICROSECOND))
    return [attrs.evolve(one, column=attrs.evolve(one.column, known_after=later)) for one in found]
