"""Row effects: what one order event adds to the displayed book, and withdraws from it.

Each event splits once, so that added − withdrawn − displayed size executed is the change of the displayed size, over
any set of events. Sizes that are missing, not finite or not above 0 are 0; so is that before an insert and that after a
remove. A price changed where it is known before and after, and differs. What remains of a size less what is executed of
it is 0 within 1e-9 of the size: fractions have no exact difference.
"""

from collections.abc import Mapping

import polars as pl

from basalt.expressions import derived_columns, roots
from basalt.metrics import Metric
from basalt_analytics.execution.book import EXECUTED, SHARES
from basalt_analytics.groups import Emission
from basalt_analytics.trade.filters import all_of
from basalt_analytics.trade.prices import CLOSENESS, price_key

BEFORE, AFTER = "displayed before the event", "displayed after the event"
LEFT, BEYOND = "left by the execution", "displayed beyond what the execution left"
CHANGED = "price changed by the event"
ADDED, WITHDRAWN = "shares added", "shares withdrawn"
INSERT, REMOVE, UPDATE = (pl.col("Action") == action for action in ("Insert", "Remove", "Update"))
FILL = pl.col(EXECUTED).is_not_null()
AMEND = UPDATE & ~FILL
REPRICE = AMEND & pl.col(CHANGED)


def known_size(column: str, counts: pl.Expr) -> pl.Expr:
    """The column's size where it counts and is one, else 0."""
    size = pl.col(column)
    return pl.when(counts & size.is_finite() & (size > 0)).then(size).otherwise(0.0)


def exactly(difference: pl.Expr, of: pl.Expr) -> pl.Expr:
    """A difference of sizes; 0 where it is rounding of them."""
    return pl.when(difference.abs() > CLOSENESS * of).then(difference).otherwise(0.0)


def positive(x: pl.Expr) -> pl.Expr:
    """x where it is above 0, else 0."""
    return pl.when(x > 0).then(x).otherwise(0.0)


_S, _O, _Z = pl.col(AFTER), pl.col(BEFORE), pl.col(BEYOND)
EFFECTS: Mapping[str, pl.Expr] = {
    **SHARES,
    BEFORE: known_size("OldSize", ~INSERT),
    AFTER: known_size("Size", ~REMOVE),
    CHANGED: (price_key(pl.col("Price")) != price_key(pl.col("OldPrice"))).fill_null(False),
    LEFT: positive(exactly(_O - pl.col(EXECUTED).fill_null(0.0), _O)),
    BEYOND: exactly(_S - pl.col(LEFT), _S + _O),
    ADDED: pl.when(INSERT | REPRICE)
    .then(_S)
    .when(AMEND)
    .then(positive(_S - _O))
    .when(UPDATE)
    .then(positive(_Z))
    .otherwise(0.0),
    WITHDRAWN: pl.when(REMOVE)
    .then(pl.col(LEFT))
    .when(REPRICE)
    .then(_O)
    .when(AMEND)
    .then(positive(_O - _S))
    .when(UPDATE)
    .then(positive(-_Z))
    .otherwise(0.0),
}
"""Derived columns of order events by name; those are made of each other."""


def emission(label: str, metric: Metric) -> Emission:
    """The metric with the effects it reads, and no others."""
    weights = [one.weight for one in (metric.over_time, metric.over_listings) if isinstance(one.weight, pl.Expr)]
    read = [name for expr in (metric.expr, *weights) for name in roots(expr)]
    return Emission(label, metric, {name: EFFECTS[name] for name in derived_columns(read, EFFECTS)})


def on_side(side: str) -> pl.Expr | None:
    """Events of orders that rest on the side; None: of both, and of those whose side is not told."""
    return None if side == "Total" else pl.col("Side") == side


def rows_of(condition: pl.Expr, side: str) -> pl.Expr:
    """The condition, of one side's orders."""
    found = all_of(condition, on_side(side))
    assert found is not None
    return found
