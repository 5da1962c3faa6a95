"""Functions: `@analytic`, the fewest lines that make a module.

Apart from the other modules, as an author of functions is spared what those must think of: rows are the table's own,
and a float that is NaN or infinite is null.
"""

from collections.abc import Callable, Iterator, Mapping

import attrs
import polars as pl

from basalt.config.filters import row_filter
from basalt.config.spellings import State
from basalt.expressions import renamed, roots, shown
from basalt.metrics import Metric, Rollup
from basalt.modules import BucketModule, Part
from basalt.options import option


@attrs.frozen
class FunctionOptions:
    """What the entry of an `@analytic` function takes."""

    market_states: State | list[State] | None = option(
        "states whose rows count; a state, a list, or 'all'", default=None
    )
    where: str | None = option("SQL expression over the table's columns; rows that fail it are dropped", default=None)


def analytic(table: str) -> Callable[[Callable[[], Iterator[Metric]]], type[BucketModule]]:
    """Turn a generator of metrics into a module of that table, named after the function.

    It sees the table's rows without cancelled ones, in the entry's `market_states` and `where`; nothing else is
    dropped, but NaN and infinite cells are null. The docstring's first line is what lists print.
    """

    def mark(function: Callable[[], Iterator[Metric]]) -> type[BucketModule]:
        def parts(self: BucketModule) -> list[Part]:
            return [_over_finite(Part(self.reads, tuple(function()), where=self.where()), self.columns)]

        def where(self: BucketModule) -> pl.Expr | None:
            return None if self.config.where is None else row_filter(self.config.where, self.columns, "where")

        return type(
            function.__name__,
            (BucketModule,),
            {
                "name": function.__name__,
                "table": table,
                "Config": FunctionOptions,
                "parts": parts,
                "where": where,
                "__doc__": function.__doc__,
                "__module__": function.__module__,
                "function": staticmethod(function),
            },
        )

    return mark


def _over_finite(part: Part, columns: Mapping[str, pl.DataType]) -> Part:
    """The part with each float column it reads null where it is NaN or infinite: no author has to think of it."""
    named = dict.fromkeys(name for metric in part.metrics for expr in _expressions(metric) for name in roots(expr))
    finite = {name: f"{name} if finite" for name in named if name in columns and columns[name].is_float()}
    metrics = tuple(_renamed(metric, finite) for metric in part.metrics)
    derive = {new: pl.when(pl.col(name).is_finite()).then(pl.col(name)) for name, new in finite.items()}
    return attrs.evolve(part, metrics=metrics, derive=derive)


def _expressions(metric: Metric) -> list[pl.Expr]:
    weights = (metric.over_time.weight, metric.over_listings.weight)
    return [metric.expr, *(weight for weight in weights if isinstance(weight, pl.Expr))]


def _renamed(metric: Metric, names: Mapping[str, str]) -> Metric:
    def rollup(given: Rollup) -> Rollup:
        weight = given.weight
        return attrs.evolve(given, weight=renamed(weight, names)) if isinstance(weight, pl.Expr) else given

    return attrs.evolve(
        metric,
        expr=renamed(metric.expr, names),
        over_time=rollup(metric.over_time),
        over_listings=rollup(metric.over_listings),
        formula=metric.formula or shown(metric.expr),
    )
