"""Fill probabilities of a listing, by bucket: how likely its orders execute up to an age.

By insert they are of the lives that begin in the bucket, followed to the session's end; by end of all lives that are
there in the bucket, followed in it.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from basalt_analytics.l3.encoding import Array
from basalt_analytics.lives.codes import FILLED, LOST, OPEN
from basalt_analytics.lives.session import NEVER, Session

OF_SIDES = {"Bid": (0,), "Ask": (1,), "Total": (0, 1)}


def observed(lives: pl.DataFrame, fill: str, by_insert: bool) -> pl.DataFrame:
    """Lives with a beginning as Side, Begun, BegunIn, Left (ns, NEVER of open ones) and As: how they leave. In periods
    what happens outside the stretches is no event."""
    from basalt_analytics.kernels.survival import CANCEL, CENSORED, FILL

    filled, kind = pl.col("Filled").is_not_null(), pl.col("Kind")
    if fill == "first":
        at, inside = pl.coalesce("Filled", "Ended"), pl.when(filled).then("FilledIn").otherwise("EndedIn")
        as_filled = filled
    else:
        at, inside, as_filled = pl.col("Ended"), pl.col("EndedIn"), kind == FILLED
    goes_on = kind.is_in([LOST, OPEN]) & ~as_filled
    outside = pl.lit(False) if by_insert else ~inside
    left = pl.when(goes_on | outside).then(CENSORED).when(as_filled).then(FILL).otherwise(CANCEL)
    return lives.filter(pl.col("Begun").is_not_null()).select(
        "Side", "Begun", "BegunIn", Left=at.fill_null(NEVER), As=left.cast(pl.Int8)
    )


def by_cohort(
    lives: pl.DataFrame, labels: pl.Series, session: Session, side: str, horizons: Sequence[int]
) -> tuple[pl.Series, Array]:
    """(buckets, figures by bucket and horizon) of the lives of the side that begin in a stretch; `labels`: their
    buckets."""
    from basalt_analytics.kernels.survival import of_cohorts

    own = (lives["Side"].is_in(OF_SIDES[side]) & lives["BegunIn"]).to_numpy()
    kept, buckets = lives.filter(pl.Series(own)), labels.filter(pl.Series(own))
    starts = buckets.is_first_distinct().arg_true().to_numpy().astype(np.int64)
    begun, left = kept["Begun"].to_numpy(), kept["Left"].to_numpy()
    exits = np.where(left == NEVER, session.end, left) - begun
    found = of_cohorts(np.r_[starts, len(buckets)], exits, kept["As"].to_numpy(), np.array(horizons, np.int64))
    return buckets.unique(maintain_order=True), found


def by_period(
    lives: pl.DataFrame, edges: Array, every: int | None, session: Session, side: str, horizons: Sequence[int]
) -> Array:
    """Figures by bucket, of which `edges` are the ends, and horizon. `every` (ns): their width; None: one from the
    session's start."""
    from basalt_analytics.kernels.survival import of_periods

    kept = lives.filter(pl.col("Side").is_in(OF_SIDES[side]))
    highs = edges - session.closed_left
    lows = highs - every if every is not None else np.array([session.starts[0] - 1])
    inside = int(np.searchsorted(lows, session.beyond[-1] - 1, side="left"))
    begun, left, how = (kept[name].to_numpy() for name in ("Begun", "Left", "As"))
    ages = np.array(horizons, np.int64)
    found = of_periods(lows[:inside], highs[:inside], begun, left, how, session.end, ages)
    return np.concatenate([found, np.full((len(lows) - inside, *found.shape[1:]), np.nan)])
