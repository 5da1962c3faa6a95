"""Keys and order of rows: unique by (keys, TimeBucket) always, ascending by them where a pass expects it.

Rows come in that order, so each is compared with the row before, across batches, and nothing is hashed. Whether they
do is counted too: where they do not, keys are grouped, and the answer is right all the same.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import attrs
import polars as pl

from basalt.buckets import MICROSECOND, BucketRule, midnight
from basalt.checks.findings import first_row, named, rows_of
from basalt.checks.rows import Rows
from basalt.running.order import descends

NULL = "a null key"
REPEATED = "the keys of an earlier row"
NOT_BEHIND = "keys not behind those of the row before"
DESCENDING = "descending"


@attrs.frozen(eq=False)
class UniqueKeys:
    """No two rows have the same keys and TimeBucket, and none lacks the first key or TimeBucket; of further keys null
    is a group like any other. Raises whatever `on_fail` says."""

    keys: Sequence[str]
    check: str = "keys"
    raises: bool = True

    def counts(self, day: date) -> list[pl.Expr]:
        """Rows with a null key, rows equal to the row before, and rows out of order."""
        return _counts(self.check, {**self._masks(), DESCENDING: descends(self.keys)})

    def found(self, rows: Rows) -> tuple[bool, str]:
        """Passed, and an example of each fault."""
        masks, counted = self._masks(), dict(rows.counted)
        if counted[f"{self.check} {DESCENDING}"]:
            masks[REPEATED] = ~masks[NULL] & ~pl.struct(self.keys).is_first_distinct()
            counted[f"{self.check} {REPEATED}"] = self._grouped(rows)
        wrong = _faults(attrs.evolve(rows, counted=counted), self.check, masks)
        return not wrong, wrong or f"{rows_of(rows.count)}, unique by {', '.join(self.keys)}"

    def _masks(self) -> dict[str, pl.Expr]:
        null = pl.any_horizontal(pl.col(name).is_null() for name in (self.keys[0], self.keys[-1]))
        return {NULL: null, REPEATED: ~null & _repeated(self.keys)}

    def _grouped(self, rows: Rows) -> int:
        """Rows beyond the first of each key, in whatever order they come."""
        groups = rows.frame.filter(~self._masks()[NULL]).group_by(self.keys).agg(pl.len().alias("_rows"))
        return int(groups.select((pl.col("_rows") - 1).sum()).collect(engine="streaming").item())


@attrs.frozen(eq=False)
class Monotone:
    """Rows ascend strictly by (keys, TimeBucket), and each bucket is on the grid of the pass's rule, if it has one.

    Buckets may be missing: which there are is the timeline's business, and a halt or a lunch break leaves some out.
    """

    raises: bool
    keys: Sequence[str]
    rule: BucketRule | None
    check: str = "expect.monotone"

    def counts(self, day: date) -> list[pl.Expr]:
        """Rows not behind the row before, and buckets off the grid."""
        return _counts(self.check, self._masks(day))

    def found(self, rows: Rows) -> tuple[bool, str]:
        """Passed, and an example of each fault."""
        wrong = _faults(rows, self.check, self._masks(rows.day))
        return not wrong, wrong or f"{rows_of(rows.count)}, ascending by {', '.join(self.keys)}"

    def _masks(self, day: date) -> dict[str, pl.Expr]:
        masks = {NOT_BEHIND: descends(self.keys) | _repeated(self.keys)}
        if self.rule is not None:
            start = (midnight(day) + self.rule.origin) // MICROSECOND
            off = (pl.col("TimeBucket").to_physical() - start) % (self.rule.every // MICROSECOND) != 0
            masks[f"a bucket off the grid ({self.rule.describe()})"] = off
        return masks


def _repeated(keys: Sequence[str]) -> pl.Expr:
    """The same keys as the row before, nulls included."""
    return pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_before")) for name in keys)


def _counts(check: str, masks: Mapping[str, pl.Expr]) -> list[pl.Expr]:
    return [mask.sum().alias(f"{check} {what}") for what, mask in masks.items()]


def _faults(rows: Rows, check: str, masks: Mapping[str, pl.Expr]) -> str:
    """`a null key in 1 of 5 rows, first ListingId null, TimeBucket …; …`; "" where there is none."""
    found = []
    for what, mask in masks.items():
        if count := rows.counted[f"{check} {what}"]:
            at = named(first_row(rows.frame, rows.key_dtypes, mask))
            found.append(f"{what} in {count:,} of {rows_of(rows.count)}, first {at}")
    return "; ".join(found)
