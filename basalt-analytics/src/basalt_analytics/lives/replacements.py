"""Replacement: how soon a price that executions took from a side is offered there again.

Executions of one stamp and side are a group with its deepest price. The first insert behind it at that price or better
answers it; a group that none answers in time, or while the stretch lasts, expires.
"""

import numpy as np
import polars as pl

from basalt_analytics.l3.encoding import price_keys
from basalt_analytics.lives.codes import SIDES
from basalt_analytics.lives.facts import FACT
from basalt_analytics.lives.session import Session


def replacements(rows: pl.DataFrame, session: Session, number: int, longest: int) -> pl.DataFrame:
    """Facts Replaced, with the age, and Expired, of the listing whose events these are, but for what is still waited
    for at the end. `longest` (ns): how long is waited for an insert. `number`: of the group of options."""
    found = [_of_side(rows, session, side, number, longest) for side in range(2)]
    return pl.concat(found)


def _of_side(rows: pl.DataFrame, session: Session, side: int, number: int, longest: int) -> pl.DataFrame:
    from basalt_analytics.kernels.replacement import answers

    both = pl.concat([_taken(rows, session, side), _inserted(rows, side)]).sort("Place", "Takes")
    answered = answers(both["Key"].to_numpy(), both["Takes"].to_numpy())
    takes = both["Takes"].to_numpy()
    times = both["At"].to_numpy()
    begun, by = times[takes], answered[takes]
    stretch = session.stretch(begun)
    at = np.where(by >= 0, times[by], 0)
    in_time = (by >= 0) & (at - begun <= longest) & (at < session.beyond[stretch])
    expired = np.minimum(begun + longest, session.ends[stretch] - session.closed_left)
    found = pl.DataFrame(
        {
            "Fact": pl.Series(np.where(in_time, "Replaced", "Expired"), dtype=pl.String).cast(FACT),
            "Group": np.full(len(begun), number),
            "Side": np.full(len(begun), side),
            "At": np.where(in_time, at, expired),
            "Age": at - begun,
            "Shares": pl.Series([None], dtype=pl.Float64).new_from_index(0, len(begun)),
        }
    )
    return found.filter((pl.col("At") <= session.last) | pl.Series(in_time))


def _taken(rows: pl.DataFrame, session: Session, side: int) -> pl.DataFrame:
    """A row for each stamp at which the side executes inside a stretch: its deepest key, behind its last event."""
    executed, own = pl.col("ExecutionSize"), pl.col("Side") == SIDES[side]
    hit = rows.with_row_index("Place").filter(own & executed.is_finite() & (executed > 0))
    prices = [name for name in ("ExecutionPrice", "Price", "OldPrice") if name in hit.columns]
    keyed = _keyed(hit, pl.coalesce(pl.when(pl.col(p).is_finite()).then(p) for p in prices), side)
    kept = keyed.filter(pl.Series(session.holds(keyed["At"].to_numpy())))
    return kept.group_by("At", maintain_order=True).agg(pl.col("Place").max(), pl.col("Key").max(), Takes=pl.lit(True))


def _inserted(rows: pl.DataFrame, side: int) -> pl.DataFrame:
    size, own = pl.col("Size"), pl.col("Side") == SIDES[side]
    sound = pl.col("OrderId").is_not_null() & size.is_finite() & (size >= 0)
    fresh = rows.with_row_index("Place").filter(own & (pl.col("Action") == "Insert") & sound)
    keyed = _keyed(fresh, pl.col("Price"), side)
    return keyed.select("At", "Place", "Key", Takes=pl.lit(False))


def _keyed(rows: pl.DataFrame, price: pl.Expr, side: int) -> pl.DataFrame:
    """At, Place and Key, which ascends away from the touch, of the rows with a price."""
    keys = price_keys(rows.select(price.alias("Price"))["Price"]) * (-1 if side == 0 else 1)
    at = rows["EventTimestamp"].to_physical()
    return pl.DataFrame({"At": at, "Place": rows["Place"], "Key": keys}).filter(pl.col("Key").is_not_null())
