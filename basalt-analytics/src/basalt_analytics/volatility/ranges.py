"""Ranges: variance from the open, high, low and close of a bucket's bar, which opens at the close before."""

from collections.abc import Callable, Mapping
from math import log

import polars as pl

from basalt.columns import Unit
from basalt.metrics import Empty, Metric
from basalt_analytics.bars import bar, in_force

LN2 = log(2)


def parkinson(open_: pl.Expr, high: pl.Expr, low: pl.Expr, close: pl.Expr) -> pl.Expr:
    """ln(H/L)² / (4 ln 2)."""
    return _square(log_ratio(high, low)) / (4 * LN2)


def garman_klass(open_: pl.Expr, high: pl.Expr, low: pl.Expr, close: pl.Expr) -> pl.Expr:
    """½ ln(H/L)² − (2 ln 2 − 1) ln(C/O)²."""
    return _square(log_ratio(high, low)) / 2 - (2 * LN2 - 1) * _square(log_ratio(close, open_))


def rogers_satchell(open_: pl.Expr, high: pl.Expr, low: pl.Expr, close: pl.Expr) -> pl.Expr:
    """ln(H/C) ln(H/O) + ln(L/C) ln(L/O)."""
    return log_ratio(high, close) * log_ratio(high, open_) + log_ratio(low, close) * log_ratio(low, open_)


RANGES: Mapping[str, tuple[Callable[..., pl.Expr], str, str, str]] = {
    "Parkinson": (
        parkinson,
        "from the range alone; drift and gaps go into it",
        "ln(H/L)² / (4 ln 2)",
        "Parkinson 1980",
    ),
    "GarmanKlass": (
        garman_klass,
        "from range and change of the bar; it takes the drift for 0",
        "½ ln(H/L)² − (2 ln 2 − 1) ln(C/O)²",
        "Garman & Klass 1980",
    ),
    "RogersSatchell": (
        rogers_satchell,
        "from the bar whatever its drift; 0 where open and close are its extremes",
        "ln(H/C)·ln(H/O) + ln(L/C)·ln(L/O)",
        "Rogers & Satchell 1991",
    ),
}


def range_metric(measure: str, name: str, x: pl.Expr, before: pl.Expr, words: str) -> Metric:
    """The measure of the bars of x, null where it does not count; `before`: the derived `value_before(x)`. A bucket
    without rows stays at the close before, so that its range is 0."""
    of, said, formula, citation = RANGES[measure]
    edges = bar("prev_close", x, before, str, words, "x")
    return Metric(
        name,
        of(*(edges[edge].expr for edge in ("Open", "High", "Low", "Close"))),
        Unit.VARIANCE,
        f"Variance of the {words} {said}; few rows make a range too small.",
        empty=Empty.CARRY,
        carried=in_force(x, before),
        idle=0.0,
        formula=f"{formula}; O, H, L, C with O = the close before",
        citation=citation,
        sign="below 0 where the bar changed more than its range explains" if measure == "GarmanKlass" else None,
    )


def log_ratio(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """ln(a/b), null unless both are above 0."""
    return pl.when((a > 0) & (b > 0)).then((a / b).log())


def _square(x: pl.Expr) -> pl.Expr:
    return x * x
