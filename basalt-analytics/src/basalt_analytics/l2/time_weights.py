"""From a series to a metric weighed by time: each value counts as long as it is in force.

A *piece* is a stretch of time with one row in force, `Seconds` long. A piece without the value leaves both sums of an
average. *Valid* time is that with a mid; *admissible* time is all of the bucket's pieces.
"""

from collections.abc import Callable, Mapping

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.metrics import MAX, MIN, NONE, SUM, Empty, Metric, Rollup, mean, ratio
from basalt_analytics.groups import Emission
from basalt_analytics.l2.aggregations import number, row_columns, row_of, sentence, unit_of
from basalt_analytics.l2.book import Rules
from basalt_analytics.l2.series import IMBALANCED, PRICES, SPREADS, Series, book_series
from basalt_analytics.l2.states import STATES

SECONDS = pl.col("Seconds")
ADMISSIBLE = SECONDS.sum()
MCINISH = "McInish & Wood 1992; Holden & Jacobsen 2014"
HALF = 1e-12
"""How near to half the time counts as half of it, relative to the whole."""


@attrs.frozen(eq=False)
class _Timed:
    """`of` aggregates the column x, whose pieces with a value last for the masked `seconds`."""

    of: Callable[[pl.Expr, pl.Expr], pl.Expr]
    doc: str
    formula: str
    over_time: Rollup | None = NONE
    signed: bool = True


def _seconds_of(x: pl.Expr) -> pl.Expr:
    """The length of pieces on which x is there."""
    return pl.when(x.is_not_null()).then(SECONDS)


def _average(x: pl.Expr, seconds: pl.Expr) -> pl.Expr:
    return ratio((x * SECONDS).sum(), seconds.sum())


def _deviation(x: pl.Expr, seconds: pl.Expr) -> pl.Expr:
    """Around the average, found from the lowest value: exactly 0 where x is constant, and near it where x nearly is."""
    lowest = x.min()
    away = x - (lowest + _average(x - lowest, seconds))
    return ratio((away * away * SECONDS).sum(), seconds.sum()).sqrt()


def median_over_time(x: pl.Expr, seconds: pl.Expr) -> pl.Expr:
    """The first value by which more than half of the time is spent; at exactly half, its mean with the next."""
    spent = seconds.fill_null(0.0).sort_by(x, nulls_last=True).cum_sum()
    half, values = seconds.sum() / 2, x.sort(nulls_last=True)
    at, behind = (values.get((spent >= half * (1 + sign * HALF)).arg_max()) for sign in (-1, 1))
    return (at + behind) / 2


_AGGREGATIONS: Mapping[str, _Timed] = {
    "TWA": _Timed(
        _average,
        "Average of the {words}, each weighted by how long it was in force; time without one is left out.",
        "Σ x·Δt / Σ Δt",
        None,
    ),
    "TWStd": _Timed(
        _deviation,
        "Standard deviation over time of the {words}; each weighs by how long it was in force.",
        "√(Σ Δt·(x − x̄)² / Σ Δt)",
        signed=False,
    ),
    "TWMin": _Timed(
        lambda x, seconds: x.min(),
        "Lowest {words} in force for any time, what was carried into the bucket included.",
        "min x over Δt > 0",
        MIN,
    ),
    "TWMax": _Timed(
        lambda x, seconds: x.max(),
        "Highest {words} in force for any time, what was carried into the bucket included.",
        "max x over Δt > 0",
        MAX,
    ),
    "TWMedian": _Timed(
        median_over_time,
        "Median over time of the {words}: half of the time it was lower; it cannot be rolled up.",
        "x at half of Σ Δt, sorted by x",
    ),
}


def timed(series: Series, aggregation: str, name: str, group: str, rules: Rules) -> Emission:
    """The metric of that name, and the columns of pieces that it reads."""
    made = _AGGREGATIONS[aggregation]
    seconds, derive = _behind(series, rules)
    x = number(pl.col(row_of(series)), series)
    shared = series.unit in (Unit.BPS, Unit.RATIO, Unit.FLAG)
    metric = Metric(
        name,
        made.of(x, seconds).cast(pl.Float64),
        unit_of(series, pl.Float64),
        doc=sentence(made.doc, series),
        over_time=mean(seconds.sum()) if made.over_time is None else made.over_time,
        over_listings=mean(seconds.sum()) if made.over_time is None and shared else NONE,
        formula=f"{made.formula}, x = {series.formula}",
        citation=series.citation or MCINISH,
        sign=series.sign if made.signed else None,
        traits=series.traits,
    )
    return Emission(group, metric, derive)


def _behind(series: Series, rules: Rules) -> tuple[pl.Expr, dict[str, pl.Expr]]:
    """The length of pieces with a value, and the series with what it is computed from; of all series that are there
    with the mid the length is one and the same expression."""
    derive = row_columns(series, rules)
    there = PRICES["Mid"] if series.as_mid else series
    return _seconds_of(pl.col(row_of(there))), row_columns(there, rules) | derive


def seconds_behind(of: Emission, series: Series, rules: Rules) -> Emission:
    """`{column}Seconds`: the time behind an average."""
    seconds, derive = _behind(series, rules)
    doc = f"Time behind {of.metric.name}: how long the {series.words} was there."
    metric = _duration(f"{of.metric.name}Seconds", seconds.sum(), doc, "Σ Δt with x")
    return Emission(of.group, attrs.evolve(metric, traits=series.traits), derive)


def _duration(name: str, expr: pl.Expr, doc: str, formula: str) -> Metric:
    return Metric(name, expr, Unit.SECONDS, doc=doc, over_time=SUM, empty=Empty.ZERO, formula=formula)


def coverage(rules: Rules, group: str) -> list[Emission]:
    """How much of the bucket is admissible, and how much of that has a valid two-sided book."""
    seconds, derive = _behind(PRICES["Mid"], rules)
    admissible = _duration(
        "BookAdmissibleSeconds",
        ADMISSIBLE,
        "Time of the bucket in the market states that count, whether there is a book or not.",
        "bucket ∩ stretches",
    )
    valid = _duration(
        "BookValidSeconds",
        seconds.sum(),
        "Admissible time with a two-sided book that counts; the time behind averages of spread and mid.",
        "Σ Δt with M",
    )
    share = Metric(
        "BookCoverage",
        ratio(seconds.sum(), ADMISSIBLE),
        Unit.RATIO,
        doc="Part of the admissible time with a two-sided book that counts; averages say nothing of the rest.",
        over_time=mean(ADMISSIBLE),
        over_listings=mean(ADMISSIBLE),
        formula="BookValidSeconds / BookAdmissibleSeconds",
    )
    return [Emission(group, metric, derive) for metric in (admissible, valid, share)]


def spread_over_mid(name: str, group: str, rules: Rules) -> Emission:
    """Ratio of averages; weighed by valid time it rolls up approximately, as the mid hardly moves."""
    seconds, derive = _behind(SPREADS["Abs"], rules)
    spread, mid = (pl.col(row_of(series)) for series in (SPREADS["Abs"], PRICES["Mid"]))
    metric = Metric(
        name,
        1e4 * ratio((spread * SECONDS).sum(), (mid * SECONDS).sum()),
        Unit.BPS,
        doc="Average spread over average mid, in bps; not the average of spreads in bps, and rolled up approximately.",
        over_time=mean(seconds.sum()),
        formula="1e4·Σ S·Δt / Σ M·Δt",
        citation=MCINISH,
        sign=SPREADS["Abs"].sign,
    )
    return Emission(group, metric, derive)


def imbalance_of(measure: str, level: int, name: str, group: str, rules: Rules) -> Emission:
    """Imbalance of the two average depths, each over its own time."""
    averages, derive = [], dict[str, pl.Expr]()
    for side in ("Bid", "Ask"):
        series = book_series(side, measure, level)
        seconds, columns = _behind(series, rules)
        averages.append(_average(pl.col(row_of(series)), seconds))
        derive |= columns
    bid, ask = averages
    metric = Metric(
        name,
        ratio(bid - ask, bid + ask),
        Unit.RATIO,
        doc=f"Imbalance of the average {measure} of bid and ask to level {level}, each side over its own time; not the "
        "average of imbalances.",
        formula="(b̄ − ā) / (b̄ + ā), averages over time",
        citation=MCINISH,
        sign=IMBALANCED,
    )
    return Emission(group, metric, derive)


def state_share(state: str, name: str, group: str, rules: Rules) -> Emission:
    """Part of the admissible time that the book is in the state, before locked or crossed rows are dropped."""
    is_in, words = STATES[state]
    row = f"{state} on the row"
    asked = is_in() if rules.where is None else is_in() & rules.where
    metric = Metric(
        name,
        ratio(pl.when(pl.col(row)).then(SECONDS).sum(), ADMISSIBLE),
        Unit.RATIO,
        doc=f"Part of the admissible time in which {words}, whether such rows count or not.",
        over_time=mean(ADMISSIBLE),
        over_listings=mean(ADMISSIBLE),
        formula=f"Σ Δt in which {words} / BookAdmissibleSeconds",
        citation=MCINISH,
    )
    return Emission(group, metric, {row: asked})


def touch_size_share(side: str, above: float, words: str, name: str, group: str, rules: Rules) -> Emission:
    """Part of the valid time that the best price has at least so much behind it."""
    seconds, derive = _behind(PRICES["Mid"], rules)
    size = book_series(side, "Quantity", 1)
    enough = pl.when(pl.col(row_of(size)) >= above).then(seconds)
    metric = Metric(
        name,
        ratio(enough.sum(), seconds.sum()),
        Unit.RATIO,
        doc=f"Part of the time with a two-sided book that the best {side.lower()} shows {words} shares or more.",
        over_time=mean(seconds.sum()),
        over_listings=mean(seconds.sum()),
        formula=f"Σ Δt with {'b' if side == 'Bid' else 'a'}_1 ≥ {words} / BookValidSeconds",
        citation=MCINISH,
    )
    return Emission(group, metric, row_columns(size, rules) | derive)
