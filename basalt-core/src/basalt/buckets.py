"""The bucket rule: which label an event, or a finer label, gets.

With integer nanoseconds since the epoch, width w, origin o (UTC midnight of the trading date unless set):
k = (t − o − [closed = right]) div w and TimeBucket = o + (k + [label = end])·w. One rule for every module.
"""

from datetime import UTC, date, datetime
from typing import Literal

import attrs
import polars as pl

from basalt.durations import DAY, NANOSECONDS, format_duration
from basalt.errors import UserError
from basalt.tables import NS_UTC, US_UTC

MICROSECOND = NANOSECONDS["us"]
EPOCH = date(1970, 1, 1)


def midnight(day: date) -> int:
    """UTC midnight of a date in nanoseconds since the epoch."""
    return (day - EPOCH).days * DAY


@attrs.frozen
class BucketRule:
    """Buckets of `every` nanoseconds from `origin`, an offset from the date's UTC midnight in nanoseconds."""

    every: int
    closed: Literal["right", "left"] = "right"
    label: Literal["end", "start"] = "end"
    origin: int = 0

    def __attrs_post_init__(self) -> None:
        if self.every <= 0 or self.every % MICROSECOND:
            raise UserError(
                f"every = {format_duration(self.every)!r} is no bucket width: it must be a positive whole number of "
                "microseconds, as in '1m' or '250us'"
            )
        if self.origin % MICROSECOND:
            raise UserError(f"origin = {format_duration(self.origin)!r} must be a whole number of microseconds")

    def bucket(self, time: pl.Expr, day: date) -> pl.Expr:
        """TimeBucket (Datetime[us, UTC]) of the bucket that holds events at `time` (any Datetime or Int64 ns)."""
        start = midnight(day) + self.origin
        shifted = _nanoseconds(time) - (start + (self.closed == "right"))
        index = shifted.floordiv(self.every) + int(self.label == "end")
        return as_label(index * self.every + start)

    def coarse_label(self, label: pl.Expr, day: date) -> pl.Expr:
        """Label of the coarse bucket that holds a finer bucket of the same label side, whatever `closed` is."""
        start = midnight(day) + self.origin
        offset = _nanoseconds(label) - start
        index = offset.floordiv(self.every) if self.label == "start" else -((-offset).floordiv(self.every))
        return as_label(index * self.every + start)

    def overlapped(self, start: pl.Expr, end: pl.Expr, day: date) -> pl.Expr:
        """Labels of the buckets that [start, end) (Int64 ns) overlaps by more than an instant, as lists of Int64 ns.

        Which edge is closed makes no difference. `end` must be behind `start`.
        """
        zero = midnight(day) + self.origin
        named = zero + (self.every if self.label == "end" else 0)
        first = (start - zero).floordiv(self.every) * self.every + named
        behind = -((zero - end).floordiv(self.every)) * self.every + named
        return pl.int_ranges(first, behind, step=self.every)

    def interval_start(self, label: pl.Expr) -> pl.Expr:
        """Start of the labelled bucket as Int64 nanoseconds."""
        return _nanoseconds(label) - (self.every if self.label == "end" else 0)

    def interval_end(self, label: pl.Expr) -> pl.Expr:
        """End of the labelled bucket as Int64 nanoseconds."""
        return _nanoseconds(label) + (0 if self.label == "end" else self.every)

    def describe(self) -> str:
        """The rule in words, as plans and column documents print it."""
        origin = f", origin {format_duration(self.origin)}" if self.origin else ""
        return f"every {format_duration(self.every)}, label {self.label}, closed {self.closed}{origin}"


@attrs.frozen
class WholeDate(BucketRule):
    """The one bucket of a daily timeline: each stamp and label of a date has the label of the midnight that ends it.

    A module uses it as any rule; the engine puts the end of the session in the label's place.
    """

    every: int = DAY

    def bucket(self, time: pl.Expr, day: date) -> pl.Expr:
        """The date's label, null where `time` is null."""
        return pl.when(time.is_not_null()).then(as_label(pl.lit(midnight(day) + DAY)))

    def coarse_label(self, label: pl.Expr, day: date) -> pl.Expr:
        """The date's label, null where `label` is null."""
        return self.bucket(label, day)

    def interval_start(self, label: pl.Expr) -> pl.Expr:
        """One width before the label."""
        return _nanoseconds(label) - self.every

    def interval_end(self, label: pl.Expr) -> pl.Expr:
        """The label itself, whichever edge names the buckets of the pass it reads."""
        return _nanoseconds(label)

    def describe(self) -> str:
        """As plans print it."""
        return "one bucket a date"


def _nanoseconds(time: pl.Expr) -> pl.Expr:
    return time.cast(NS_UTC).to_physical()


def as_label(nanoseconds: pl.Expr) -> pl.Expr:
    """Int64 nanoseconds as TimeBucket, cut to whole microseconds."""
    return (nanoseconds // MICROSECOND).cast(US_UTC)


def utc(nanoseconds: int) -> datetime:
    """A UTC datetime from nanoseconds since the epoch, cut to microseconds: for messages."""
    return datetime.fromtimestamp(nanoseconds // MICROSECOND / 1e6, UTC)
