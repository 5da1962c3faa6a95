"""What pieces of time are worth, and the columns that they become.

By side, a piece is *valid* where the instrument has a price, unless that is locked or crossed and such time is left
out; the venue is *at best* where it is valid and its own price is as good or better. Weights of means that no visible
column holds are hidden columns.
"""

from collections.abc import Iterator

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.metrics import NONE, SUM, Empty, mean
from basalt_analytics.cbbo.options import CbboOptions
from basalt_analytics.cbbo.pieces import SIDES, SPAN

FOUCAULT = "Foucault & Menkveld 2008"
NANOSECONDS = 1e9  # in a second
LENGTH = pl.col(SPAN)


@attrs.frozen(eq=False)
class Timed:
    """A described column, and the aggregation of pieces that it is."""

    column: ResultColumn
    value: pl.Expr


def derived(options: CbboOptions) -> list[dict[str, pl.Expr]]:
    """What every piece is worth, in steps that each read those before."""
    bid, ask = (pl.col(f"Best{side}Key") for side in SIDES)
    sound = pl.lit(True) if options.invalid_cbbo == "include" else (bid < ask).fill_null(True)
    valid = {f"Valid{side}": pl.col(f"Best{side}Key").is_not_null() & sound for side in SIDES}
    as_good = {"Bid": pl.col("BidKey") >= bid, "Ask": pl.col("AskKey") <= ask}
    at = {f"At{side}": pl.col(f"Valid{side}") & as_good[side].fill_null(False) for side in SIDES}
    steps: list[dict[str, pl.Expr]] = [{"TwoSided": bid.is_not_null() & ask.is_not_null(), **valid}, at]
    kinds = ["Valid", "At"]
    if "ExclusiveTimeAtBest" in options.measures:
        kinds.append("Alone")
        alone = {s: pl.col(f"At{s}") & (pl.col(f"Best{s}Venues") == 1).fill_null(False) for s in options.books}
        steps.append({f"Alone{side}": mask for side, mask in alone.items()})
    held = {f"Held{s}": _held(s) for s in SIDES}
    both = {f"{kind}Both": pl.col(f"{kind}Bid") & pl.col(f"{kind}Ask") for kind in kinds}
    return [*steps, held | both] if "Both" in options.sides else [*steps, held]


def _held(side: str) -> pl.Expr:
    """Size of the venue at the best price, 0 while away, null where it is not told, and outside valid time."""
    return pl.when(f"Valid{side}").then(pl.when(f"At{side}").then(f"{side}Quantity").otherwise(0.0))


def spent(mask: pl.Expr | str) -> pl.Expr:
    """Nanoseconds of the pieces in which it holds."""
    return pl.when(mask).then(LENGTH).otherwise(0).sum()


def seconds(mask: pl.Expr | str) -> pl.Expr:
    """The same in seconds."""
    return spent(mask) / NANOSECONDS


def averaged(column: ResultColumn, value: pl.Expr, weight: pl.Expr, everywhere: bool = True) -> Iterator[Timed]:
    """A mean, and the hidden weight by which it is rolled up, over listings too if `everywhere`."""
    hidden = ResultColumn(
        f"{column.name}Weight",
        Unit.WEIGHT,
        f"Weight of {column.name} when it is rolled up.",
        over_time=SUM,
        over_listings=SUM,
        empty=Empty.ZERO,
        hidden=True,
    )
    by = mean(hidden.name)
    yield Timed(attrs.evolve(column, over_time=by, over_listings=by if everywhere else NONE), value)
    yield Timed(hidden, weight.cast(pl.Float64))
