"""Windows: parts of a bucket of equal length, each with a volatility of its own, made into one number.

A return belongs to the window it ends in, so that the variances of a bucket's windows add up to the bucket's.
"""

from collections.abc import Callable, Iterator, Mapping

import polars as pl

from basalt.columns import Unit
from basalt.durations import format_duration, parse_duration
from basalt.errors import UserError
from basalt.metrics import Metric, ratio
from basalt_analytics.groups import Emission
from basalt_analytics.volatility.measures import Series
from basalt_analytics.volatility.options import Estimation

Of = Callable[[pl.Expr, pl.Expr], pl.Expr]
_OF: Mapping[str, tuple[Of, str]] = {
    "Min": (lambda v, n: v.min(), "lowest"),
    "Max": (lambda v, n: v.max(), "highest"),
    "Mean": (lambda v, n: v.mean(), "mean"),
    "Median": (lambda v, n: v.median(), "median"),
    "Std": (lambda v, n: v.std(), "standard deviation (ddof 1) of the"),
    "Last": (lambda v, n: v.last(ignore_nulls=True), "last"),
    "WMean": (lambda v, n: ratio((v * n).sum(), n.sum()), "mean, weighted by its returns, of the"),
}


def window_steps(window: str, step: int, every: int, label: str) -> int:
    """Grid steps of a window; UserError where it is no whole number of them, or does not divide the bucket."""
    length = parse_duration(window)
    if length <= 0 or length % step or every % length:
        raise UserError(
            f"{label}: windows names {window!r}, which is no whole number of steps of {format_duration(step)} that "
            f"divides the bucket of {format_duration(every)}: give one that is"
        )
    return length // step


def windowed(
    series: Series, steps: int, window: str, options: Estimation, named: Callable[[str], str], group: str, key: str
) -> Iterator[Emission]:
    """The volatilities of windows of so many steps, by each aggregation. `key`: whose rows they are of."""
    label = f"{series.words}, window {window}"
    number, volatility, returns = (f"{label}: {what}" for what in ("number", "volatility", "returns"))
    r, inside = series.returns.r, (key, number)
    first = pl.int_range(pl.len()).over(*inside) == 0
    n = r.count().over(*inside)
    derive = {
        **series.returns.derive,
        number: (pl.col("Step") - 1) // steps,
        volatility: pl.when(first & (n > 0)).then((r * r).sum().over(*inside).sqrt()),
        returns: pl.when(first & (n > 0)).then(n),
    }
    for aggregation in options.window_aggregations:
        of, words = _OF[aggregation]
        metric = Metric(
            named(f"{series.token}Win{window}{aggregation}"),
            of(pl.col(volatility), pl.col(returns)),
            Unit.LOG_RETURN,
            f"{words.capitalize()} volatility of windows of {window} from returns of {series.words}; windows without a "
            "return have none.",
            formula=f"{aggregation} of √Σ r² by windows of {window}",
        )
        yield Emission(group, metric, derive)
