"""Looking back: each point with the last row at or before it, in the one way that is right here.

Polars checks nothing when asked not to, and on unsorted rows gives wrong answers: both sides stand in (key, time)
order, which the engine has seen to.
"""

import polars as pl


def looked_back(
    points: pl.LazyFrame, rows: pl.LazyFrame, at: str, stamp: str, by: str, strict: bool = False
) -> pl.LazyFrame:
    """The points, in their order, with the columns of the last of `rows` stamped at or before them (before them, where
    `strict`), of rows with one stamp the last; null where there is none."""
    return points.join_asof(
        rows,
        left_on=at,
        right_on=stamp,
        by=by,
        strategy="backward",
        allow_exact_matches=not strict,
        coalesce=False,
        check_sortedness=False,
    )
