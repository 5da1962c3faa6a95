"""Columns of `iceberg`: each described, with its value over what icebergs did in a bucket.

These are rows of `happenings`: executions, tranches and confirmations of icebergs, and with VolumeShare all executions.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.metrics import SUM, Empty, Known, mean, ratio
from basalt_analytics.groups import hidden_weight
from basalt_analytics.iceberg.options import IcebergOptions, tokens

FOUND, SIZES, SIDES = "Zotikov & Antonov 2021", "Hautsch & Huang 2012", "Frey & Sandås 2009"
EVENTS = ("EventTimestamp", "OrderId", "Side", "Action", "Price", "Size", "ExecutionSize", "MarketState")
LATE = "an order counts from its confirmation on, with all that it did before in the bucket of that"
HINDSIGHT = "which orders are icebergs is known when the date is over"
OF_KIND = {
    "All": "icebergs",
    "Native": "icebergs under one id",
    "Synthetic": "icebergs under several ids, which may be different orders by chance",
}
OF_SIDE = {"Bid": ", bids alone", "Ask": ", asks alone", "Total": ""}


@attrs.frozen(eq=False)
class IcebergColumn:
    """A column and its value; None: it is no sum over a bucket, but computed beside."""

    column: ResultColumn
    value: pl.Expr | None = None


@attrs.frozen(eq=False)
class Whose:
    """The icebergs of one kind and side, and how they are configured."""

    config: IcebergOptions
    kind: str
    side: str

    def name(self, measure: str) -> str:
        """Name of the column."""
        return self.config.column(self.kind, self.side, measure)

    def of(self, value: str, side: str | None = None) -> pl.Expr:
        """The value where the row is of these icebergs; `side` in the place of their own."""
        kinds = {"Native": pl.col("IcebergKind") != "SYNTHETIC", "Synthetic": pl.col("IcebergKind") == "SYNTHETIC"}
        mask = kinds.get(self.kind, pl.lit(True))
        return pl.when(mask & _on(self.side if side is None else side)).then(pl.col(value))

    def sum(self, value: str, side: str | None = None) -> pl.Expr:
        """Its sum."""
        return self.of(value, side).sum()

    @property
    def words(self) -> str:
        """What they are called."""
        return f"{OF_KIND[self.kind]}{OF_SIDE.get(self.side, '')}"

    @property
    def when(self) -> str:
        """What misleads of all that is counted of icebergs."""
        return HINDSIGHT if self.config.in_hindsight else LATE

    @property
    def known_after(self) -> timedelta | Known:
        """When a value is final."""
        return Known.END_OF_DATE if self.config.in_hindsight else timedelta(0)


def _on(side: str) -> pl.Expr:
    return pl.lit(True) if side == "Total" else (pl.col("IcebergSide") == side).fill_null(False)


def columns(config: IcebergOptions) -> Iterator[IcebergColumn]:
    """Every column, and behind each the hidden weight that it needs."""
    for kind in config.kinds:
        for side in config.sides:
            for measure in config.measures:
                if measure != "Imbalance":
                    yield from MEASURES[measure](Whose(config, kind, side))
    if "Imbalance" in config.measures:
        for kind in config.kinds:
            yield from _imbalance(Whose(config, kind, ""))


def _described(whose: Whose, measure: str, unit: Unit, doc: str, formula: str, **more: Any) -> ResultColumn:
    given = {"known_after": whose.known_after, "citation": FOUND, **more}
    return ResultColumn(whose.name(measure), unit, doc, formula=formula, **given)


def _added(whose: Whose, measure: str, unit: Unit, doc: str, formula: str, value: pl.Expr, **more: Any) -> Any:
    """A column that adds up."""
    given = {"over_time": SUM, "over_listings": SUM, "empty": Empty.ZERO, **more}
    yield IcebergColumn(_described(whose, measure, unit, doc, formula, **given), value)


def _count(whose: Whose, measure: str, doc: str, formula: str, value: str, **more: Any) -> Iterator[IcebergColumn]:
    total = whose.sum(value).cast(pl.Int64)
    yield from _added(whose, measure, Unit.COUNT, doc, formula, total, dtype=pl.Int64, **more)


def _executed(whose: Whose) -> Iterator[IcebergColumn]:
    doc = f"Shares executed of {whose.words}, hidden or not; {whose.when}."
    yield from _added(whose, "ExecutedVolume", Unit.SHARES, doc, "Σ x", whose.sum("Executed"))


def _executions(whose: Whose) -> Iterator[IcebergColumn]:
    doc = f"Executions of {whose.words}; {whose.when}."
    yield from _count(whose, "ExecutedCount", doc, "n of rows with x > 0", "Executions")


def _hidden(whose: Whose) -> Iterator[IcebergColumn]:
    doc = (
        f"Shares executed of {whose.words} beyond what each had displayed openly, by its first insert and by amends; "
        f"{whose.when}."
    )
    yield from _added(
        whose, "HiddenVolume", Unit.SHARES, doc, "Σ (max(C+x−F, 0) − max(C−F, 0))", whose.sum("HiddenSize")
    )


def _tranches(whose: Whose) -> Iterator[IcebergColumn]:
    doc = f"Tranches that {whose.words} begin, their first inserts among them; {whose.when}."
    yield from _count(whose, "TrancheCount", doc, "n of tranches", "Tranches")


def _confirmed(whose: Whose) -> Iterator[IcebergColumn]:
    doc = f"Orders that become known as {whose.words}; those that are never renewed or hit in full stay unknown."
    yield from _count(whose, "ConfirmedCount", doc, "n of confirmations", "Confirmed", known_after=timedelta(0))


def _hidden_share(whose: Whose) -> Iterator[IcebergColumn]:
    value = ratio(whose.sum("HiddenSize"), whose.sum("Executed"))
    doc = (
        f"Share hidden of what {whose.words} execute; what an order displays first is never hidden, so that short ones "
        "have little."
    )
    yield from _mean(
        whose,
        "HiddenShare",
        Unit.RATIO,
        doc,
        "hidden / executed",
        value,
        ("ExecutedVolume", whose.sum("Executed")),
        citation=SIZES,
    )


def _mean_peak(whose: Whose) -> Iterator[IcebergColumn]:
    value = ratio(whose.sum("Peak"), whose.sum("Tranches"))
    doc = f"Size with which a tranche of {whose.words} begins, on average; venues and members may vary it at random."
    yield from _mean(
        whose, "MeanPeak", Unit.SHARES, doc, "Σ peak / tranches", value, ("TrancheCount", whose.sum("Tranches"))
    )


def _volume_share(whose: Whose) -> Iterator[IcebergColumn]:
    every = pl.when(_on(whose.side)).then(pl.col("All")).sum()
    doc = (
        f"Share that {whose.words} have of all that is executed; orders that are never renewed or hit in full count as "
        "none."
    )
    value = ratio(whose.sum("Executed"), every)
    yield from _mean(
        whose, "VolumeShare", Unit.RATIO, doc, "executed / all executed", value, (None, every), citation=SIZES
    )


def _mean(
    whose: Whose,
    measure: str,
    unit: Unit,
    doc: str,
    formula: str,
    value: pl.Expr,
    weight: tuple[str | None, pl.Expr],
    **more: Any,
) -> Iterator[IcebergColumn]:
    """A column that is averaged by the named measure where that is a column too, else by a hidden one."""
    by, weighed = weight
    visible = by in whose.config.measures
    rollup = mean(whose.name(str(by)) if visible else f"{whose.name(measure)}Weight")
    yield IcebergColumn(
        _described(whose, measure, unit, doc, formula, over_time=rollup, over_listings=rollup, **more), value
    )
    if not visible:
        yield _weight(whose, measure, weighed)


def _weight(whose: Whose, measure: str, value: pl.Expr) -> IcebergColumn:
    column = hidden_weight(whose.name(measure), "Σ of the denominator", known_after=whose.known_after)
    return IcebergColumn(column, value.cast(pl.Float64))


def _survival(whose: Whose) -> Iterator[IcebergColumn]:
    config = whose.config
    for size, token in zip(config.survival_sizes, tokens("SizeSurvival", config), strict=True):
        doc = (
            f"Probability that {whose.words} execute more than {size:.12g} shares, by Kaplan and Meier over those that "
            "end in the bucket; icebergs still there when the session ends are in its last bucket, and few make it "
            "coarse."
        )
        # a number of shares is part of the name, so that it cannot scale along with sizes
        column = _described(
            whose,
            token,
            Unit.RATIO,
            doc,
            "Π (1 − filled / at risk) over sizes ≤ q",
            known_after=timedelta(microseconds=-(-config.lag // 1000)),
            traits=frozenset(["scale_dependent"]),
        )
        yield IcebergColumn(column)


def _imbalance(whose: Whose) -> Iterator[IcebergColumn]:
    source = {"ExecutedVolume": "Executed", "HiddenVolume": "HiddenSize"}[whose.config.imbalance_source]
    bids, asks = (whose.sum(source, side) for side in ("Bid", "Ask"))
    what = {"Executed": "executed", "HiddenSize": "hidden and executed"}[source]
    column = _described(
        whose,
        "Imbalance",
        Unit.RATIO,
        f"Shares {what} of {OF_KIND[whose.kind]} on the bid less those on the ask, over both; one iceberg reaches "
        "either end.",
        "(Bid − Ask) / (Bid + Ask)",
        over_time=mean(f"{whose.name('Imbalance')}Weight"),
        over_listings=mean(f"{whose.name('Imbalance')}Weight"),
        sign="+ when hidden buyers trade more",
        citation=SIDES,
    )
    yield IcebergColumn(column, ratio(bids - asks, bids + asks))
    yield _weight(whose, "Imbalance", bids + asks)


MEASURES: Mapping[str, Callable[[Whose], Iterator[IcebergColumn]]] = {
    "ExecutedVolume": _executed,
    "ExecutedCount": _executions,
    "HiddenVolume": _hidden,
    "HiddenShare": _hidden_share,
    "TrancheCount": _tranches,
    "MeanPeak": _mean_peak,
    "ConfirmedCount": _confirmed,
    "VolumeShare": _volume_share,
    "SizeSurvival": _survival,
}
"""By name, the columns of one kind and side."""
