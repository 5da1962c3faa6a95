"""Facts of lives: what counts in a bucket, a row each, with its side, an age in ns and shares.

*FirstFill*, *Cancel* (of a life that never executed), *Life*: with the age at which it happens. *Censored*: open at the
session's end. *Inserted*: a life that begins, with the age at which the session's end cuts it. *Adopted*: one whose
beginning is not known. `Group`: of which group of options; null of lives, which are the same in each.
"""

import polars as pl

from basalt_analytics.lives.codes import CANCELLED, FILLED, OPEN
from basalt_analytics.lives.session import NEVER, Session

FACT = pl.Enum(["FirstFill", "Cancel", "Life", "Censored", "Inserted", "Adopted", "Replaced", "Expired"])
_BEGUN, _FILLED, _ENDED, _KIND = pl.col("Begun"), pl.col("Filled"), pl.col("Ended"), pl.col("Kind")


def facts(lives: pl.DataFrame, session: Session, by_insert: bool, at_touch: bool) -> pl.DataFrame:
    """Those of a listing's lives. `by_insert`: each counts when its life begins; else when it happens."""
    known = lives.filter(_BEGUN.is_not_null() & (pl.col("Touch") | (not at_touch)))
    cancelled = (_KIND == CANCELLED) & _FILLED.is_null()
    removed = (_KIND == CANCELLED) | (_KIND == FILLED)
    cut = pl.when(_KIND == OPEN).then(session.end - _BEGUN)
    found = [
        _fact(known.filter(_FILLED.is_not_null()), "FirstFill", "Filled", by_insert, _FILLED - _BEGUN),
        _fact(known.filter(cancelled), "Cancel", "Ended", by_insert, _ENDED - _BEGUN, pl.col("Removed")),
        _fact(known.filter(removed), "Life", "Ended", by_insert, _ENDED - _BEGUN),
        _fact(known, "Inserted", "Begun", by_insert, cut, pl.col("Size")),
        _fact(lives.filter(_BEGUN.is_null()), "Adopted", "Seen", False),
        _censored(known.filter(_KIND == OPEN), session, by_insert),
    ]
    return pl.concat(found)


def _fact(
    lives: pl.DataFrame,
    fact: str,
    when: str,
    by_insert: bool,
    age: pl.Expr | None = None,
    shares: pl.Expr | None = None,
) -> pl.DataFrame:
    """The lives as facts that count at that time, or when they began, if that lies in a stretch."""
    at = "Begun" if by_insert else when
    return _rows(lives.filter(pl.col(f"{at}In")), fact, pl.col(at), age, shares)


def _censored(lives: pl.DataFrame, session: Session, by_insert: bool) -> pl.DataFrame:
    """None where nothing tells the session's end."""
    cut = lives.filter(session.end < NEVER)
    if by_insert:
        return _fact(cut, "Censored", "Begun", by_insert)
    return _rows(cut, "Censored", pl.lit(session.last))


def _rows(
    lives: pl.DataFrame, fact: str, at: pl.Expr, age: pl.Expr | None = None, shares: pl.Expr | None = None
) -> pl.DataFrame:
    return lives.select(
        pl.lit(fact, FACT).alias("Fact"),
        pl.lit(None, pl.Int64).alias("Group"),
        pl.col("Side").cast(pl.Int64),
        at.cast(pl.Int64).alias("At"),
        (pl.lit(None) if age is None else age).cast(pl.Int64).alias("Age"),
        (pl.lit(None) if shares is None else shares).cast(pl.Float64).alias("Shares"),
    )
