"""Mids at offsets from each trade: the last valid one at or before the moment, as far as memory reaches.

Memory is an open time's. Quotes stamped as it opens are inside it; of those before it only the very latest is in force
then, and where that one is not valid nothing older takes its place until the next valid one comes.
"""

from collections.abc import Sequence
from typing import Literal

import attrs
import polars as pl

from basalt.config.spellings import Duration
from basalt.durations import SECOND, parse_duration
from basalt.running.as_of import looked_back
from basalt_analytics.transforms.open_times import KEY

Clamp = Literal["null", "session_end"]


@attrs.frozen
class Offset:
    """A horizon as it was written, and the column of its mid."""

    text: str

    @property
    def nanoseconds(self) -> int:
        """After the trade; negative before it."""
        return parse_duration(self.text)

    @property
    def column(self) -> str:
        """MidAfter5s, MidBefore1s: the token is what the user wrote."""
        return f"{'MidBefore' if self.nanoseconds < 0 else 'MidAfter'}{self.text.removeprefix('-')}"

    def columns(self, clamp: Clamp) -> dict[str, pl.DataType]:
        """Dtypes of what is added for it."""
        flag = {f"{self.column}Clamped": pl.Boolean()} if clamp == "session_end" else {}
        return {self.column: pl.Float64(), f"{self.column}AgeSeconds": pl.Float64(), **flag}


def offsets(texts: Sequence[Duration]) -> list[Offset]:
    """The horizons, in their order."""
    return [Offset(text) for text in texts]


@attrs.frozen(eq=False)
class Mids:
    """What mids are looked up in. `valid`: (ListingId, _At, _Since, _Mid) of valid quotes, in order. `opened`: the open
    times with the mid in force when each opens; None: the date is one, without an end."""

    valid: pl.LazyFrame
    opened: pl.LazyFrame | None

    @classmethod
    def of(cls, quotes: pl.LazyFrame, found: pl.LazyFrame | None) -> "Mids":
        """Of the quotes, and the open times `found`."""
        since = pl.when(pl.col("Mid").is_not_null()).then(pl.col("At"))
        rows = quotes.select(KEY, _At="At", _Since=since, _Mid="Mid")
        return cls(rows.filter(pl.col("_Mid").is_not_null()), None if found is None else _opened(found, rows))

    def at(self, trades: pl.LazyFrame, offset: Offset, tolerance: int | None, clamp: Clamp) -> pl.LazyFrame:
        """Trades with the offset's columns."""
        moment = pl.col("EventTimestamp").to_physical() + offset.nanoseconds
        points = trades.with_columns(_At=moment)
        points = _points_of_the_date(points) if self.opened is None else _points(points, self.opened, clamp)
        found = _as_of(points, self.valid, "_At", "_At")
        own = pl.col("_Since") >= pl.col("_Start")
        mid = pl.when(own).then(pl.col("_Mid")).otherwise(pl.col("_OpeningMid"))
        since = pl.when(own).then(pl.col("_Since")).otherwise(pl.col("_OpeningSince"))
        age = pl.col("_Moment") - since
        counts = pl.col("_IsOpen") & (age <= tolerance if tolerance is not None else age.is_not_null())
        values = {offset.column: mid, f"{offset.column}AgeSeconds": age / SECOND}
        added = [pl.when(counts).then(value).alias(name) for name, value in values.items()]
        if clamp == "session_end":
            added.append(pl.col("_Clamped").alias(f"{offset.column}Clamped"))
        return found.with_columns(added).drop(*_POINT, "_Since", "_Mid")


_POINT = ("_At", "_Moment", "_Start", "_IsOpen", "_Clamped", "_OpeningMid", "_OpeningSince")


def _opened(found: pl.LazyFrame, rows: pl.LazyFrame) -> pl.LazyFrame:
    """The open times with the mid of the latest quote at their start, null where that quote is not valid."""
    renamed = rows.rename({"_Mid": "_OpeningMid", "_Since": "_OpeningSince"})
    return _as_of(
        found.drop("StretchId").rename({name: f"_{name}" for name in ("Start", "End", "Last", "IsLast")}),
        renamed,
        "_Start",
        "_At",
    )


def _points(points: pl.LazyFrame, opened: pl.LazyFrame, clamp: Clamp) -> pl.LazyFrame:
    """Points with their open time: `_Moment` is when the mid is asked for, `_At` no later than rows that count."""
    at, end = pl.col("_At"), pl.col("_End")
    clamped = (pl.col("_IsLast") & (at > pl.col("_Last"))).fill_null(False) & (clamp == "session_end")
    joined = looked_back(points, opened, "_At", "_Start", KEY)
    found = joined.with_columns(
        _Clamped=clamped, _IsOpen=pl.col("_Start").is_not_null() & (end.is_null() | (at < end) | clamped)
    )
    moment = pl.when("_Clamped").then(pl.col("_Last")).otherwise(at)
    reach = pl.when("_IsLast").then(pl.min_horizontal(at, end - 1)).otherwise(at)  # clamped or not, in order
    return found.with_columns(_Moment=moment, _At=reach).drop("_End", "_Last", "_IsLast")


def _points_of_the_date(points: pl.LazyFrame) -> pl.LazyFrame:
    """Points of a date without stretches: every moment counts, and memory goes back to the first quote."""
    return points.with_columns(
        _Moment=pl.col("_At"),
        _Start=pl.lit(-(2**63), pl.Int64),
        _IsOpen=pl.lit(True),
        _Clamped=pl.lit(False),
        _OpeningMid=pl.lit(None, pl.Float64),
        _OpeningSince=pl.lit(None, pl.Int64),
    )


def _as_of(points: pl.LazyFrame, known: pl.LazyFrame, at: str, stamp: str) -> pl.LazyFrame:
    """The points with the columns of the last row of `known` stamped at or before them."""
    return looked_back(points, known.rename({stamp: "_Stamp"}), at, "_Stamp", KEY).drop("_Stamp")
