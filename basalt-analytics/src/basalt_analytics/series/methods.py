"""Methods: how the values of a finer series in one coarse cell become one value, and how the result is described.

In formulas x are the cell's non-null values in time order, w their weights; NaN and infinities are null by then.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import attrs
import polars as pl

from basalt.columns import DType, Unit
from basalt.documents import ResultColumn
from basalt.metrics import FIRST, LAST, MAX, MIN, NONE, SUM, Empty, Known, Rollup, mean, ratio

WEIGHTED = "wmean:"
WIDER = " Over wider buckets: "


@attrs.frozen(eq=False)
class Kind:
    """A method without a weight. `words` end a sentence; `labels`: it needs no number; `dtype` None: the column's."""

    of: Callable[[pl.Expr], pl.Expr]
    words: str
    formula: str
    over_time: Rollup = NONE
    labels: bool = False
    dtype: DType | None = None


KINDS: Mapping[str, Kind] = {
    "sum": Kind(lambda x: x.sum(), "sum", "Σ x", SUM),
    "mean": Kind(lambda x: x.mean(), "plain mean over buckets", "mean x", dtype=pl.Float64),
    "first": Kind(lambda x: x.first(ignore_nulls=True), "first", "first x", FIRST, labels=True),
    "last": Kind(lambda x: x.last(ignore_nulls=True), "last", "last x", LAST, labels=True),
    "min": Kind(lambda x: x.min(), "lowest", "min x", MIN),
    "max": Kind(lambda x: x.max(), "highest", "max x", MAX),
    "count": Kind(lambda x: x.count(), "number of buckets with a value", "n of x", SUM, labels=True, dtype=pl.Int64),
    "std": Kind(lambda x: x.std(), "standard deviation over buckets", "std x (ddof 1)", dtype=pl.Float64),
    "median": Kind(lambda x: x.median(), "median over buckets", "median x", dtype=pl.Float64),
}


@attrs.frozen(eq=False)
class Method:
    """A method applied to a column. `weight`: the weighting column, for kind `wmean`; `own`: the column's own rollup,
    so that its rollup over listings stays as it is."""

    kind: str
    column: ResultColumn
    weight: ResultColumn | None = None
    own: bool = False

    @property
    def token(self) -> str:
        """The method in a column name: `Max`, `WmeanTradeTotalVolume`."""
        return self.kind.capitalize() + (self.weight.name if self.weight else "")

    @property
    def dtype(self) -> DType:
        """Of the result."""
        if self.weight is not None:
            return pl.Float64
        if self.kind == "sum":
            return pl.Int64 if self.column.dtype.is_integer() else pl.Float64
        return KINDS[self.kind].dtype or self.column.dtype

    def value(self) -> pl.Expr:
        """The aggregation over a cell's rows of the source."""
        x = pl.col(self.column.name)
        if self.weight is not None:
            return ratio((x * pl.col(self.weight.name)).sum(), self.weight_behind())
        found = KINDS[self.kind].of(x).cast(self.dtype)
        if self.kind != "sum":
            return found
        return pl.when(x.count() > 0).then(found).otherwise(0 if self._zero_when_empty else None)

    def weight_behind(self) -> pl.Expr:
        """Σ w over the rows that have a value: weighed by it, rolling up in steps gives what one step gives."""
        assert self.weight is not None
        there = pl.col(self.column.name).is_not_null()
        return pl.when(there).then(pl.col(self.weight.name)).sum().cast(pl.Float64)

    def described(self, name: str, weight: str | None, source: str) -> ResultColumn:
        """The result's column; `weight`: the result's own column that holds Σ w."""
        column, weigher = self.column, self.weight
        behind = [column] if weigher is None else [column, weigher]
        if weigher is None:
            made = KINDS[self.kind]
            words, formula, over_time = made.words, made.formula, made.over_time
        else:
            words, formula = f"mean weighted by {weigher.name}", f"Σ x·w / Σ w, w = {weigher.name}"
            over_time = mean(str(weight))
        return ResultColumn(
            name,
            Unit.COUNT if self.kind == "count" else column.unit,
            self._sentence(words),
            dtype=self.dtype,
            over_time=over_time,
            over_listings=self._over_listings(over_time),
            empty=Empty.ZERO if self.kind == "count" or (self.kind == "sum" and self._zero_when_empty) else Empty.NULL,
            known_after=latest([c.known_after for c in behind]),
            formula=f"{formula}, x = {column.name}",
            citation=column.citation,
            sign=None if self.kind in ("count", "std") else column.sign,
            reads=tuple(f"{source}.{c.name}" for c in behind),
            traits=column.traits,
        )

    def _sentence(self, words: str) -> str:
        """The column's own sentence, then each resampling once: to roll up again what is resampled adds no words."""
        doc = self.column.doc
        if WIDER not in doc:
            return f"{doc.removesuffix('.')}.{WIDER}{words}."
        return doc if self._rolls_up else f"{doc.removesuffix('.')}, then {words}."

    @property
    def _rolls_up(self) -> bool:
        """Whether this is the column's own rollup, by which two steps give what one step gives."""
        own = self.column.over_time
        if self.weight is None:
            return self.kind == own.kind
        return own.kind == "mean" and self.weight.name == own.weight

    @property
    def _zero_when_empty(self) -> bool:
        return self.column.empty is Empty.ZERO

    def _over_listings(self, over_time: Rollup) -> Rollup:
        """One word stands for both parts, except first and last; a limit of the column's own holds on.

        A mean over listings by another weight than over time is given up: the result does not hold that weight.
        """
        own = self.column.over_listings
        if self.own and own.kind != "mean":
            return own
        if over_time.kind in ("first", "last") or (self.own and own.weight != self.column.over_time.weight):
            return NONE
        return attrs.evolve(over_time, limit=own.limit)


def latest(lags: Sequence[timedelta | Known]) -> timedelta | Known:
    """The largest of the lags; the end of the date is later than any."""
    if Known.END_OF_DATE in lags:
        return Known.END_OF_DATE
    return max(lag for lag in lags if isinstance(lag, timedelta))
