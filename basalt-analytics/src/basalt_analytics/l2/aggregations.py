"""From a series to a metric: how the rows of a bucket become one value.

Last and First read the cells of one row and compute there; the others aggregate a derived row column.
"""

from collections.abc import Callable, Mapping

import attrs
import polars as pl

from basalt.columns import DType, Unit
from basalt.metrics import FIRST, LAST, MAX, MIN, NONE, Empty, Metric, Rollup, mean
from basalt_analytics.groups import Emission
from basalt_analytics.l2.book import Book, Rules
from basalt_analytics.l2.series import Series


@attrs.frozen(eq=False)
class _OfOneRow:
    """`cell` takes a column to its cell on that row."""

    cell: Callable[[str], pl.Expr]
    over_time: Rollup
    empty: Empty
    doc: str


@attrs.frozen(eq=False)
class _OfAllRows:
    """`of` aggregates the row column x; `over_time` may depend on it, for its weight."""

    of: Callable[[pl.Expr], pl.Expr]
    over_time: Callable[[pl.Expr], Rollup]
    doc: str
    keeps_integers: bool = False
    signed: bool = True


_ONE: Mapping[str, _OfOneRow] = {
    "Last": _OfOneRow(
        lambda c: pl.col(c).last(),
        LAST,
        Empty.CARRY,
        "{words} on the bucket's last row, null if missing there; it may be old by the bucket's end.",
    ),
    "First": _OfOneRow(
        lambda c: pl.col(c).first(),
        FIRST,
        Empty.NULL,
        "{words} on the bucket's first row, null if missing there; the bucket may have begun with another.",
    ),
}
_ALL: Mapping[str, _OfAllRows] = {
    "Min": _OfAllRows(
        lambda x: x.min(),
        lambda x: MIN,
        "Lowest {words}; what was in force before the first row is left out.",
        True,
    ),
    "Max": _OfAllRows(
        lambda x: x.max(),
        lambda x: MAX,
        "Highest {words}; what was in force before the first row is left out.",
        True,
    ),
    "Mean": _OfAllRows(
        lambda x: x.mean(),
        lambda x: mean(x.count()),
        "Mean over rows of the {words}; rows weigh alike, however long they were in force.",
    ),
    "Median": _OfAllRows(
        lambda x: x.median(),
        lambda x: NONE,
        "Median over rows of the {words}; rows weigh alike, however long they were in force.",
    ),
    "Std": _OfAllRows(
        lambda x: x.std(),
        lambda x: NONE,
        "Standard deviation over rows (ddof 1) of the {words}; busy moments weigh more than quiet ones.",
        signed=False,
    ),
}


def aggregated(
    series: Series, aggregation: str, name: str, group: str, rules: Rules, max_age: int | None = None
) -> Emission:
    """The metric of that name; averages, extremes and what is dear to compute with the row column they read.

    `max_age`: of the row that Last is of, at the bucket's end.
    """
    oldest = max_age if aggregation == "Last" else None
    if aggregation in _ONE and not series.by_row:
        value = series.value(Book(_ONE[aggregation].cell, rules))
        return Emission(group, _of_one_row(series, aggregation, name, value, oldest))
    derive = row_columns(series, rules)
    row = row_of(series)
    if aggregation in _ONE:
        return Emission(group, _of_one_row(series, aggregation, name, _ONE[aggregation].cell(row), oldest), derive)
    return Emission(group, _of_all_rows(series, aggregation, name, row), derive)


def row_of(series: Series) -> str:
    """What the series is called as a row column."""
    return f"{series.label} of the row"


def row_value(series: Series, rules: Rules) -> pl.Expr:
    """The series as one row expression."""
    return series.value(Book(pl.col, rules))


def row_columns(series: Series, rules: Rules) -> dict[str, pl.Expr]:
    """The series as a row column, after the steps it is computed in."""
    steps: dict[str, pl.Expr] = {}
    value = series.value(Book(pl.col, rules, steps))
    return {**steps, row_of(series): value}


def _of_one_row(series: Series, aggregation: str, name: str, value: pl.Expr, oldest: int | None) -> Metric:
    made = _ONE[aggregation]
    return Metric(
        name,
        value if series.dtype == pl.Float64 else value.cast(series.dtype),
        series.unit,
        doc=sentence(made.doc, series),
        dtype=series.dtype,
        over_time=made.over_time,
        over_listings=series.over_listings if aggregation == "Last" else NONE,
        empty=made.empty,
        max_age=oldest,
        formula=f"{aggregation.lower()} {series.formula}",
        citation=series.citation,
        sign=series.sign,
        traits=series.traits,
    )


def _of_all_rows(series: Series, aggregation: str, name: str, row: str) -> Metric:
    made = _ALL[aggregation]
    dtype = series.dtype if made.keeps_integers else pl.Float64
    x = number(pl.col(row), series) if dtype == pl.Float64 else pl.col(row)
    return Metric(
        name,
        made.of(x) if dtype == pl.Float64 else made.of(x).cast(dtype),
        unit_of(series, dtype),
        doc=sentence(made.doc, series),
        dtype=dtype,
        over_time=made.over_time(x),
        formula=f"{aggregation.lower()} of {series.formula}",
        citation=series.citation,
        sign=series.sign if made.signed else None,
        traits=series.traits,
    )


def number(x: pl.Expr, series: Series) -> pl.Expr:
    """The series as numbers that can be averaged: a flag is 1 or 0."""
    return x.cast(pl.Float64) if series.dtype == pl.Boolean else x


def unit_of(series: Series, dtype: DType) -> Unit:
    """Unit of an aggregation of that dtype: an averaged flag is a share."""
    return Unit.RATIO if series.unit is Unit.FLAG and dtype == pl.Float64 else series.unit


def sentence(template: str, series: Series) -> str:
    """The template with the series' words, as a sentence begins."""
    text = template.format(words=series.words)
    return text[0].upper() + text[1:]
