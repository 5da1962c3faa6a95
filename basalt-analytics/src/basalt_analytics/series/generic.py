"""The module `generic`: an earlier pass resampled to coarser buckets, each column by its own rollup or a method.

A *cell* is one key and one coarse bucket. A label stands for its interval, so the coarse label follows from the fine
one alone, whatever edge is closed.
"""

from collections.abc import Iterator, Mapping

import attrs
import polars as pl

from basalt.buckets import BucketRule
from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.durations import format_duration
from basalt.errors import DataError, UserError
from basalt.metrics import SUM, Empty
from basalt.modules import FrameModule, PassContext
from basalt.options import option
from basalt_analytics.groups import Template, without_repeats
from basalt_analytics.series.methods import Method
from basalt_analytics.series.selection import methods, selected


@attrs.frozen
class GenericOptions:
    """Options of `generic`. Nothing configured: every numeric column by its own rollup over time."""

    columns: list[str] | None = option(
        "columns of the source in the order of the result, by name or glob as 'Spread*'; default: all numeric ones",
        default=None,
    )
    aggregations: dict[str, str | list[str]] = option(
        "column or glob to a method or a list of methods, instead of the column's own rollup", factory=dict
    )
    min_coverage: float = option("share of a cell's source buckets that must be there, else it is null", default=0.0)
    name: str | None = option(
        "template of the column names; default: {column}, and {column}{method} for a column with several methods",
        default=None,
    )


@attrs.frozen(eq=False)
class Output:
    """A column of the result and the aggregation over a cell's rows behind it."""

    column: ResultColumn
    value: pl.Expr


class Generic(FrameModule):
    """An earlier pass in coarser buckets: sums summed, lasts last, means by their weights.

    `dropped` names the columns left out because they have neither a rollup over time nor a method.
    """

    name = "generic"
    Config = GenericOptions
    config: GenericOptions

    def prepare(self) -> None:
        """Check the options against the tables, and keep what they come to."""
        if self.source is None or self.source.rule is None:
            raise UserError("generic reads an earlier pass that has buckets: add source = the name of one")
        if not 0 <= self.config.min_coverage <= 1:
            raise UserError(
                f"generic: min_coverage = {self.config.min_coverage} is no share: give a number from 0 to 1"
            )
        self._source, self._fine = self.source, self.source.rule
        self._coarse = _coarser(self.source.rule, self.rule or self.source.rule)
        columns = selected(self.source, self.config.columns, self.config.aggregations)
        by_column = methods(self.source, columns, self.config.aggregations)
        self.dropped = [c.name for c, found in zip(columns, by_column, strict=True) if not found]
        self._methods = dict(self._named(by_column))

    def columns(self) -> list[ResultColumn]:
        """The described columns, hidden weights last."""
        return [output.column for output in self._outputs()]

    def compute(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> pl.LazyFrame:
        """One row for each cell in which the source has one."""
        keys = [*self._source.keys, "TimeBucket"]
        label = self._coarse.coarse_label(pl.col("TimeBucket"), pass_.date)
        expected = self._coarse.every // self._fine.every
        covered = pl.len() >= self.config.min_coverage * expected - 1e-9
        values = [pl.when(covered).then(o.value).alias(o.column.name) for o in self._outputs()]
        return inputs["source"].with_columns(TimeBucket=label, **self._clean()).group_by(keys).agg(values)

    def _named(self, by_column: list[list[Method]]) -> Iterator[tuple[str, Method]]:
        """The visible columns by name; UserError where two share one."""
        text = self.config.name
        template = Template.checked(text or "{column}{method}", "generic", ("column", "method"))
        named = [
            (template.filled(column=m.column.name, method=m.token if text or len(found) > 1 else ""), m)
            for found in by_column
            for m in found
        ]
        without_repeats(("generic", name) for name, _ in named)
        yield from named

    def _outputs(self) -> list[Output]:
        """Every visible column, then the weights that no visible column holds, hidden."""
        visible, hidden = [], []
        for name, method in self._methods.items():
            weight = None if method.weight is None else self._sum_of(method.weight)
            if method.weight is not None and weight is None:
                weight = f"{name}Weight"
                hidden.append(Output(self._hidden(weight, name, method), method.weight_behind()))
            visible.append(Output(method.described(name, weight, self._source.name), method.value()))
        return visible + hidden

    def _sum_of(self, weight: ResultColumn) -> str | None:
        sums = (n for n, m in self._methods.items() if m.kind == "sum" and m.column.name == weight.name)
        return next(sums, None)

    def _hidden(self, name: str, of: str, method: Method) -> ResultColumn:
        assert method.weight is not None
        return ResultColumn(
            name,
            Unit.WEIGHT,
            f"Weight of {of} when it is rolled up.",
            over_time=SUM,
            over_listings=SUM,
            empty=Empty.ZERO,
            known_after=method.described(of, name, self._source.name).known_after,
            formula=f"Σ {method.weight.name} over buckets with {method.column.name}",
            reads=tuple(f"{self._source.name}.{c.name}" for c in (method.column, method.weight)),
            hidden=True,
        )

    def _clean(self) -> dict[str, pl.Expr]:
        """The columns read, NaN and infinities null, negative weights refused."""
        weights = {m.weight.name: m.weight for m in self._methods.values() if m.weight}
        read = {m.column.name: m.column for m in self._methods.values()} | weights
        clean = {n: _finite(pl.col(n)) if c.dtype.is_float() else pl.col(n) for n, c in read.items()}
        return clean | {n: _not_negative(clean[n], f"{self._source.name}.{n}") for n in weights}


def _coarser(fine: BucketRule, coarse: BucketRule) -> BucketRule:
    """`coarse`, whose buckets are whole numbers of fine ones on the same grid; UserError where they are not."""
    for what in ("label", "closed", "origin"):
        given, needed = getattr(coarse, what), getattr(fine, what)
        if given != needed:
            shown = (format_duration(v) if what == "origin" else repr(v) for v in (given, needed))
            raise UserError("generic keeps its source's buckets: {} = {} must be the source's {}".format(what, *shown))
    if coarse.every % fine.every:
        raise UserError(
            f"generic: every = '{format_duration(coarse.every)}' is no whole multiple of the source's "
            f"'{format_duration(fine.every)}': choose one"
        )
    return coarse


def _finite(x: pl.Expr) -> pl.Expr:
    return pl.when(x.is_finite()).then(x)


def _not_negative(x: pl.Expr, name: str) -> pl.Expr:
    """x, refused while it runs where it is negative: a mean would lie outside its data."""

    # Python, but once for many rows and never for each: an expression can only fail as a cast does, in Polars' words,
    # and what Polars raises is taken for this module's fault, while a negative weight is the data's.
    def check(weights: pl.Series) -> pl.Series:
        if (weights < 0).any():
            raise DataError(
                f"{name} is {weights.min()!r} in a bucket, and a mean takes no negative weight: weigh by a count"
            )
        return weights

    return x.map_batches(check, is_elementwise=True)
