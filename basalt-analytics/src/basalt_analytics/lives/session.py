"""Sessions: when facts of a listing count, and until when its lives are followed."""

import attrs
import numpy as np
import polars as pl

from basalt_analytics.l3.encoding import Array

NEVER = 2**62


@attrs.frozen(eq=False)
class Session:
    """Stretches of a listing in ns, each from its start to before `beyond`, and the instants `ends` at which they are
    over: one before, where the last instant is in. Where nothing tells the end of the last one, it is NEVER; `seen`:
    the end of the last one, or of the bucket of the listing's last row."""

    starts: Array
    beyond: Array
    ends: Array
    seen: int
    closed_left: bool

    @classmethod
    def of(cls, spans: pl.DataFrame, closed_left: bool) -> "Session":
        """Of the listing's spans, with Start, End and Told."""
        known, ends = spans["Told"].is_not_null(), spans["End"]
        over = pl.Series([NEVER]).new_from_index(0, len(ends))
        starts, beyond = spans["Start"].to_numpy(), spans["Told"].fill_null(NEVER).to_numpy()
        return cls(starts, beyond, ends.zip_with(known, over).to_numpy(), ends[-1], closed_left)

    @property
    def end(self) -> int:
        """The instant at which what has not ended is open."""
        return int(self.ends[-1])

    @property
    def last(self) -> int:
        """An instant of the last bucket."""
        return self.seen - self.closed_left

    def stretch(self, times: Array) -> Array:
        """The number of the stretch that holds each; −1 outside."""
        found = np.searchsorted(self.starts, times, side="right") - 1
        return np.where((found >= 0) & (times < self.beyond[found]), found, -1)

    def holds(self, times: Array) -> Array:
        """Whether a stretch holds each."""
        return self.stretch(times) >= 0
