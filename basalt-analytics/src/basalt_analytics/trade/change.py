"""Group `change`: waiting times, and price changes from one trade to the next that counts.

The trade before is the one before of the same side that passes the group's filters, in the same stretch; the first of
a stretch has none.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Literal

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.config.spellings import Duration
from basalt.durations import SECOND, parse_duration
from basalt.errors import UserError
from basalt.options import option
from basalt_analytics.bars import value_before
from basalt_analytics.groups import Emission, required
from basalt_analytics.trade.aggregations import Aggregation, Value, metric
from basalt_analytics.trade.discrepancy import QUOTES
from basalt_analytics.trade.populations import Population
from basalt_analytics.trade.prices import over_price
from basalt_analytics.trade.selection import NAME_DOC, Group, SidedSelection, populations

ChangeMeasure = Literal[
    "GapSeconds",
    "PriceChange",
    "PriceChangeBps",
    "AbsPriceChangeBps",
    "QuoteAgeSeconds",
    "NextQuoteSeconds",
    "PublicationDelaySeconds",
]
NEXT_QUOTE = "NextQuoteSeconds"
ROSE = "+ when the price rose"
NEEDED: Mapping[str, tuple[str, str]] = {
    "QuoteAgeSeconds": ("QuoteAgeSeconds", QUOTES),
    NEXT_QUOTE: ("NextQuoteSeconds", "set next_quote = '1s' on the transform quotes_at_trades"),
    "PublicationDelaySeconds": ("PublicationTimestamp", "take a source that has publication times"),
}


@attrs.frozen
class ChangeGroup(SidedSelection):
    """A group of `change`: every aggregation of every measure, by side."""

    measures: list[ChangeMeasure] = option("waiting times and price changes")
    aggregations: list[Aggregation] = option("aggregations over the trades", factory=lambda: ["Mean"])
    max_wait: Duration = option("how long NextQuoteSeconds waits for a change of the touch", default="1s")
    name: str = option(NAME_DOC, default="Trade{side}{measure}{aggregation}")


@attrs.frozen(eq=False)
class Change:
    """A measure: the value of a trade of the population, and what is said of it."""

    expr: Callable[[Population], pl.Expr]
    unit: Unit
    words: str
    formula: str
    warning: str
    sign: str | None = None
    citation: str | None = None
    over_listings: bool = False

    def value(self, column: str) -> Value:
        """The measure as the values in a column."""
        said = (self.unit, self.words, self.formula, self.warning, self.sign, self.citation, self.over_listings)
        return Value(column, *said)


def _nanoseconds(column: str) -> pl.Expr:
    return pl.col(column).to_physical()


def _gap(p: Population) -> pl.Expr:
    time = _nanoseconds("EventTimestamp")
    return (time - value_before(p.of(time))) / SECOND


def _change(p: Population) -> pl.Expr:
    return pl.col("Price") - value_before(p.price)


def _change_bps(p: Population) -> pl.Expr:
    return over_price(1e4 * _change(p), pl.when(pl.col("Price") > 0).then(value_before(p.price)))


def _seconds(column: str) -> pl.Expr:
    seconds = pl.col(column)
    return pl.when(seconds.is_finite()).then(seconds)


def _publication_delay(_: Population) -> pl.Expr:
    return (_nanoseconds("PublicationTimestamp") - _nanoseconds("EventTimestamp")) / SECOND


FIRST = "the first trade of a stretch has none"
CHANGES: Mapping[str, Change] = {
    "GapSeconds": Change(
        _gap,
        Unit.SECONDS,
        "seconds since the trade before",
        "t − t₋₁",
        f"the wait may have begun in an earlier bucket, and {FIRST}",
        citation="Engle & Russell 1998",
    ),
    "PriceChange": Change(
        _change, Unit.PRICE, "change from the price before", "P − P₋₁", f"bounces count, and {FIRST}", ROSE
    ),
    "PriceChangeBps": Change(
        _change_bps,
        Unit.BPS,
        "change from the price before",
        "1e4·(P − P₋₁) / P₋₁",
        f"bounces count, and {FIRST}",
        ROSE,
    ),
    "AbsPriceChangeBps": Change(
        lambda p: _change_bps(p).abs(),
        Unit.BPS,
        "size of the change from the price before",
        "1e4·|P − P₋₁| / P₋₁",
        f"bounces count, and {FIRST}",
    ),
    "QuoteAgeSeconds": Change(
        lambda _: _seconds("QuoteAgeSeconds"),
        Unit.SECONDS,
        "age of the quote in force",
        "t − stamp of the quote",
        "trades before the first quote are left out",
        over_listings=True,
    ),
    NEXT_QUOTE: Change(
        lambda _: _seconds(NEXT_QUOTE),
        Unit.SECONDS,
        "seconds until the touch changes next",
        "stamp of the next change of the touch − t",
        "trades that wait longer than max_wait are left out, so it is too short",
        over_listings=True,
    ),
    "PublicationDelaySeconds": Change(
        _publication_delay,
        Unit.SECONDS,
        "seconds from execution to publication",
        "publication time − t",
        "trades of unknown publication time are left out",
        "+ when it was published after it traded",
        over_listings=True,
    ),
}


def change(group: Group[ChangeGroup]) -> Iterator[Emission]:
    """Every aggregation of every measure, by side."""
    options = group.options
    required({name: getattr(options, name) for name in ("measures", "aggregations", "sides")}, group.label)
    template = group.template("side", "measure", "aggregation")
    if parse_duration(options.max_wait) < 0:
        raise UserError(f"{group.label}: max_wait = {options.max_wait!r} is negative: use '0s' or more")
    for measure in options.measures:
        _check(measure, group)
    for side, population in populations(group):
        for measure in options.measures:
            one = CHANGES[measure]
            column = f"{measure} of {side}, {group.label}"
            derive = {column: _within(measure, one.expr(population), options)}
            for aggregation in options.aggregations:
                name = template.filled(side=side, measure=measure, aggregation=aggregation)
                made = metric(name, one.value(column), aggregation, "Equal", population)
                lag = _wait(options) if measure == NEXT_QUOTE else timedelta(0)
                yield Emission(group.label, attrs.evolve(made, known_after=lag), derive)


def _check(measure: str, group: Group[ChangeGroup]) -> None:
    """UserError where the measure's column is not there, or does not wait long enough."""
    if measure not in NEEDED:
        return
    column, cure = NEEDED[measure]
    group.trades.needed(column, f"{group.label}: {measure}", cure)
    waited = group.trades.known_after.get(NEXT_QUOTE)
    if measure == NEXT_QUOTE and isinstance(waited, timedelta) and waited < _wait(group.options):
        raise UserError(
            f"{group.label}: max_wait = {group.options.max_wait!r} is longer than next_quote of the transform "
            "quotes_at_trades: make that as long, or this shorter"
        )


def _within(measure: str, value: pl.Expr, options: ChangeGroup) -> pl.Expr:
    longest = parse_duration(options.max_wait) / SECOND
    return pl.when(value <= longest).then(value) if measure == NEXT_QUOTE else value


def _wait(options: ChangeGroup) -> timedelta:
    """Rounded up to a microsecond."""
    return timedelta(microseconds=-(-parse_duration(options.max_wait) // 1000))
