"""Group `flags`: trades that a flag of the feed marks, and their share of those for which it is reported."""

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

import attrs
import polars as pl

from basalt.columns import DType, Unit
from basalt.metrics import NONE, SUM, Empty, Metric, Rollup, mean, ratio
from basalt.options import option
from basalt_analytics.groups import Emission, required
from basalt_analytics.trade.filters import all_of
from basalt_analytics.trade.populations import PAID, Population, count, notional, volume
from basalt_analytics.trade.selection import NAME_DOC, Group, SidedSelection, populations

Flag = Literal["Block", "OddLot", "Negotiated", "Cross", "Algorithmic", "Retail", "Iceberg"]
FlagMeasure = Literal["Volume", "Count", "Notional", "AvgNotional", "VolumeShare", "CountShare", "UnknownVolume"]


@attrs.frozen
class FlagsGroup(SidedSelection):
    """A group of `flags`: every measure for every flag and side."""

    flags: list[Flag] = option("flags, each the column Is… of the trades")
    measures: list[FlagMeasure] = option("what is measured of the trades that have the flag")
    name: str = option(NAME_DOC, default="Trade{side}{flag}{measure}")


@attrs.frozen(eq=False)
class Flagged:
    """The trades of a population on which a flag is true, on which it is reported, and on which it is not."""

    true: Population
    reported: Population
    unreported: Population

    @classmethod
    def by(cls, column: str, p: Population) -> "Flagged":
        """The population told apart by a Boolean column."""
        flag = pl.col(column)
        masks = (flag, flag.is_not_null(), flag.is_null())
        return cls(*(Population(all_of(p.mask, mask), p.words) for mask in masks))


Expression = Callable[[Flagged], pl.Expr]


@attrs.frozen(eq=False)
class Measure:
    """A measure of the trades a flag marks; `weight` is that of its means, over time and, if `everywhere`, over
    listings."""

    expr: Expression
    unit: Unit
    doc: str
    formula: str
    weight: Expression | None = None
    over_listings: Rollup = NONE
    dtype: DType = pl.Float64
    sign: str | None = None
    everywhere: bool = False

    def metric(self, name: str, flagged: Flagged, flag: str) -> Metric:
        """The metric of that name for one flag and population."""
        rollup = SUM if self.weight is None else mean(self.weight(flagged))
        return Metric(
            name,
            self.expr(flagged),
            self.unit,
            doc=self.doc.format(trades=flagged.true.words, flag=f"Is{flag}"),
            dtype=self.dtype,
            over_time=rollup,
            over_listings=rollup if self.everywhere else self.over_listings,
            empty=Empty.ZERO if self.weight is None else Empty.NULL,
            formula=self.formula.format(flag=f"Is{flag}"),
            sign=self.sign,
        )


MEASURES: Mapping[str, Measure] = {
    "Volume": Measure(
        lambda f: volume(f.true),
        Unit.SHARES,
        "Shares of {trades} with {flag}; where the feed does not report it, nothing counts.",
        "Σ q where {flag}",
        over_listings=SUM,
    ),
    "Count": Measure(
        lambda f: count(f.true),
        Unit.COUNT,
        "Number of {trades} with {flag}; where the feed does not report it, nothing counts.",
        "n where {flag}",
        over_listings=SUM,
        dtype=pl.Int64,
    ),
    "Notional": Measure(
        lambda f: notional(f.true),
        Unit.CURRENCY,
        "Value of {trades} with {flag} in the listing's own currency; unreported ones add nothing.",
        "Σ P·q where {flag}",
        over_listings=SUM.within("currency"),
        sign=PAID,
    ),
    "AvgNotional": Measure(
        lambda f: ratio(notional(f.true), count(f.true)),
        Unit.CURRENCY,
        "Average value of {trades} with {flag}; one large print is most of it.",
        "Σ P·q / n where {flag}",
        lambda f: count(f.true),
        sign=PAID,
    ),
    "VolumeShare": Measure(
        lambda f: ratio(volume(f.true), volume(f.reported)),
        Unit.RATIO,
        "Share of the volume of {trades} that has {flag}, among those for which it is reported, however few.",
        "Σ q where {flag} / Σ q where {flag} is reported",
        lambda f: volume(f.reported),
        everywhere=True,
    ),
    "CountShare": Measure(
        lambda f: ratio(count(f.true), count(f.reported)),
        Unit.RATIO,
        "Share of {trades} that have {flag}, among those for which it is reported, however few.",
        "n where {flag} / n where {flag} is reported",
        lambda f: count(f.reported),
        everywhere=True,
    ),
    "UnknownVolume": Measure(
        lambda f: volume(f.unreported),
        Unit.SHARES,
        "Shares of {trades} for which {flag} is not reported: what the shares leave out.",
        "Σ q where {flag} is null",
        over_listings=SUM,
    ),
}


def flags(group: Group[FlagsGroup]) -> Iterator[Emission]:
    """Every measure for every flag and side."""
    options = group.options
    required({"flags": options.flags, "measures": options.measures, "sides": options.sides}, group.label)
    template = group.template("side", "flag", "measure")
    for side, population in populations(group):
        for flag in options.flags:
            flagged = Flagged.by(f"Is{flag}", population)
            for measure in options.measures:
                name = template.filled(side=side, flag=flag, measure=measure)
                yield Emission(group.label, MEASURES[measure].metric(name, flagged, flag))
