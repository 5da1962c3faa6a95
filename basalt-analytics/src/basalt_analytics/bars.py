"""Open, high, low, close of a value that is null on the rows that do not count: for prices of trades and of books.

An *event* bar knows its own rows alone. A *chained* bar opens at the value in force before it, so that consecutive
bars leave no gap: its open is the close of the bar before, inside one stretch; buckets without rows stay at it.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import polars as pl

from basalt.columns import Unit
from basalt.metrics import FIRST, LAST, MAX, MIN, Empty, Metric, Rollup, previous

OpenMode = Literal["event", "prev_close"]
EDGES: Mapping[str, Rollup] = {"Open": FIRST, "High": MAX, "Low": MIN, "Close": LAST}
_SAID: Mapping[OpenMode, Mapping[str, tuple[str, str]]] = {
    "event": {
        "Open": ("first x", "first {words} of the bucket; the bar before may have closed elsewhere"),
        "High": ("max x", "highest {words} of the bucket, without what was in force before it"),
        "Low": ("min x", "lowest {words} of the bucket, without what was in force before it"),
        "Close": ("last x", "last {words} of the bucket, however long before its end"),
    },
    "prev_close": {
        "Open": ("c₀, or first x where no c₀", "{words} at the close before in the stretch, else the bucket's first"),
        "High": ("max(O, x)", "highest {words} of the open and the bucket; the open may be old"),
        "Low": ("min(O, x)", "lowest {words} of the open and the bucket; the open may be old"),
        "Close": ("last x, or c₀ where no x", "last {words} of the bucket, else the close before, however old"),
    },
}


def value_before(x: pl.Expr) -> pl.Expr:
    """Row expression: the last value of x at an earlier row of the stretch. Derive it for a chained bar."""
    return previous(x.forward_fill())


def _event(x: pl.Expr) -> dict[str, pl.Expr]:
    first, last = x.first(ignore_nulls=True), x.last(ignore_nulls=True)
    return {"Open": first, "High": x.max(), "Low": x.min(), "Close": last}


def _chained(x: pl.Expr, before: pl.Expr) -> dict[str, pl.Expr]:
    """Opened at what is in force before its first value, and without values at what its last row has in force: seen
    from those rows, so that nothing crosses a halt."""
    event = _event(x)
    opened = pl.when(x.is_not_null()).then(pl.coalesce(before, x)).first(ignore_nulls=True)
    open_ = pl.when(event["Close"].is_null()).then(before.last()).otherwise(opened)
    return {
        "Open": open_,
        "High": pl.max_horizontal(open_, event["High"]),
        "Low": pl.min_horizontal(open_, event["Low"]),
        "Close": pl.coalesce(event["Close"], open_),
    }


def in_force(x: pl.Expr, before: pl.Expr) -> pl.Expr:
    """The last value up to the bucket's last row, in that row's stretch: what buckets without rows stay at."""
    return pl.coalesce(x.last(), before.last())


def bar(
    mode: OpenMode, x: pl.Expr, before: pl.Expr, name: Callable[[str], str], words: str, symbol: str
) -> dict[str, Metric]:
    """Metrics of the four edges by edge; `before` is the derived `value_before(x)`, read by chained bars alone."""
    exprs = _chained(x, before) if mode == "prev_close" else _event(x)
    metrics = {}
    for edge, rollup in EDGES.items():
        formula, doc = _SAID[mode][edge]
        metrics[edge] = Metric(
            name(edge),
            exprs[edge],
            Unit.PRICE,
            doc=f"{edge}: {doc.format(words=words)}.",
            over_time=rollup,
            empty=Empty.CARRY if mode == "prev_close" else Empty.NULL,
            formula=f"{formula}; x = {symbol}",
            carries=name("Close") if mode == "prev_close" else None,
            carried=in_force(x, before) if mode == "prev_close" and edge == "Close" else None,
        )
    return metrics
