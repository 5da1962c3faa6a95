"""Rows of lives: order events of a batch followed, listing by listing, and put together by bucket."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

import attrs
import numpy as np
import polars as pl

from basalt.buckets import BucketRule, WholeDate, as_label
from basalt.metrics import Empty
from basalt.tables import US_UTC
from basalt_analytics.l3.encoding import ROW, Array, with_snapshots
from basalt_analytics.l3.listings import each_listing
from basalt_analytics.lives.asked import Asked, Limits
from basalt_analytics.lives.facts import facts
from basalt_analytics.lives.lives import Followed, followed
from basalt_analytics.lives.probabilities import by_cohort, by_period, observed
from basalt_analytics.lives.replacements import replacements
from basalt_analytics.lives.session import Session

KEY = "ListingId"
ON = [KEY, "TimeBucket"]
WORTH = 100_000  # facts
Schema = Mapping[str, pl.DataType]


@attrs.frozen(eq=False)
class Clock:
    """The buckets of the pass on its date. `every_bucket`: it has those without an event too."""

    rule: BucketRule
    day: date
    every_bucket: bool

    def labels(self, times: pl.Series) -> pl.Series:
        """Of the buckets that hold these stamps, in ns."""
        return times.to_frame("At").select(At=self.rule.bucket(pl.col("At"), self.day))["At"]

    def labels_of_ends(self, ends: pl.Series) -> pl.Series:
        """Of the buckets that end at these times."""
        if isinstance(self.rule, WholeDate):
            return self.labels(ends)
        shift = 0 if self.rule.label == "end" else self.rule.every
        return ends.to_frame("At").select(as_label(pl.col("At") - shift))["At"]

    def edges(self, rows: pl.DataFrame, session: Session, touched: pl.DataFrame | None) -> Array:
        """Ends of the pass's buckets, from that of the listing's first event on: to that of the last one, or of the
        session if that is later; of a daily pass the session's end alone. `touched`: those of a sparse pass."""
        if isinstance(self.rule, WholeDate):
            return np.array([session.seen])
        events = rows.filter(pl.col(ROW).is_not_null())["EventTimestamp"].to_physical()
        first = self._end(events[0])
        if not self.every_bucket:
            ends = np.zeros(0, np.int64) if touched is None else touched["Edge"].sort().to_numpy()
            return ends[ends >= first]
        last = max(events[-1], session.last)
        count = -((first - last - session.closed_left) // self.rule.every)
        found: Array = first + self.rule.every * np.arange(count + 1)
        return found

    def _end(self, time: int) -> int:
        """The end, in ns, of the bucket that holds that time."""
        label = self.labels(pl.Series([time])).to_frame("At")
        return int(label.select(self.rule.interval_end(pl.col("At"))).item())


@attrs.frozen(eq=False)
class Found:
    """What listings have: facts and what stands at ends, each with its time `At`, and probabilities by TimeBucket."""

    facts: pl.DataFrame
    standing: pl.DataFrame
    limits: pl.DataFrame

    def of(self, key: pl.Expr) -> "Found":
        """The same with the key of the listing."""
        return Found(*(part.with_columns(key) for part in (self.facts, self.standing, self.limits)))


def of_batch(both: pl.DataFrame, asked: Asked, clock: Clock, schema: Schema) -> pl.DataFrame:
    """Rows of the listings in `both`: their events, snapshots (`_Snapshot`), spans of admissible time (with Start) and
    ends of buckets that the pass has (Edge)."""
    kinds = (pl.col("Start").is_not_null(), pl.col("_Snapshot"), pl.col("Edge").is_not_null())
    spans, stood, touched = (both.filter(rows).partition_by(KEY, as_dict=True) for rows in kinds)
    events = both.filter(~pl.col("_Snapshot")).drop("_Snapshot", "Start", "End", "Told", "Edge")
    found = []
    for rows in each_listing(events):
        name = (rows[KEY][0],)
        if name in spans:
            session = Session.of(spans[name].sort("Start"), clock.rule.closed == "left")
            own = with_snapshots(rows, stood.get(name))
            edges = clock.edges(own, session, touched.get(name)) if asked.at_ends else np.zeros(0, np.int64)
            one = _of_listing(own, session, edges, asked, clock)
            found.append(one.of(pl.lit(name[0], rows.schema[KEY]).alias(KEY)))
    parts = [_put_together(some, asked, clock, schema) for some in _gathered(found)]
    return pl.concat([pl.DataFrame(schema=dict(schema)), *parts])


def _gathered(found: Iterable[Found]) -> Iterator[list[Found]]:
    """Listings with so many facts together that an aggregation is worth its while, and no more than caches hold."""
    some, facts_there = list[Found](), 0
    for one in found:
        some.append(one)
        facts_there += one.facts.height
        if facts_there >= WORTH:
            yield some
            some, facts_there = [], 0
    if some:
        yield some


def _of_listing(rows: pl.DataFrame, session: Session, edges: Array, asked: Asked, clock: Clock) -> Found:
    life = followed(rows, session, edges, asked.priority, list(asked.questions))
    told = [facts(life.lives, session, asked.by_insert, asked.at_touch)]
    told += [replacements(rows, session, i, wait) for i, wait in enumerate(asked.waits)]
    return Found(pl.concat(told), life.edges, _limits(life, session, asked, clock))


def _limits(life: Followed, session: Session, asked: Asked, clock: Clock) -> pl.DataFrame:
    """TimeBucket and the columns of every group of `fill_probability`."""
    counted = life.lives.filter(pl.col("Touch") | (not asked.at_touch))
    found = [_of_group(counted, life.edges["At"], session, limits, asked, clock) for limits in asked.limits.values()]
    whole = pl.DataFrame(schema={"TimeBucket": US_UTC})
    for one in (frame for frames in found for frame in frames):
        whole = whole.join(one, on="TimeBucket", how="full", coalesce=True)
    return whole


def _of_group(
    lives: pl.DataFrame, edges: pl.Series, session: Session, limits: Limits, asked: Asked, clock: Clock
) -> list[pl.DataFrame]:
    """A frame for each side."""
    from basalt_analytics.kernels.survival import AALEN_JOHANSEN, AT_RISK, KAPLAN_MEIER

    seen, found = observed(lives, limits.fill, asked.by_insert), []
    figures = {"AJ": AALEN_JOHANSEN, "KM": KAPLAN_MEIER, None: AT_RISK}
    for side in dict.fromkeys(one.side for one in limits.chances):
        if asked.by_insert:
            labels, values = by_cohort(seen, clock.labels(seen["Begun"]), session, side, limits.horizons)
        else:
            every = None if isinstance(clock.rule, WholeDate) else clock.rule.every
            labels = clock.labels_of_ends(edges)
            values = by_period(seen, edges.to_numpy(), every, session, side, limits.horizons)
        columns = {
            one.column.name: pl.Series(
                values[:, limits.horizons.index(one.horizon), figures[one.estimator]], nan_to_null=True
            )
            for one in limits.chances
            if one.side == side
        }
        found.append(pl.DataFrame({"TimeBucket": labels, **columns}))
    return found


def _put_together(found: Sequence[Found], asked: Asked, clock: Clock, schema: Schema) -> pl.DataFrame:
    """One row a listing and bucket."""
    own, ends = pl.concat(one.facts for one in found), pl.concat(one.standing for one in found)
    limits = pl.concat(one.limits for one in found)
    values = {one.column.name: one.value for group in asked.facts.values() for one in group}
    stood = {one.column.name: one.value for group in asked.standing.values() for one in group}
    counted = own.with_columns(TimeBucket=clock.labels(own["At"])).group_by(ON).agg(**values)
    standing = ends.with_columns(TimeBucket=clock.labels_of_ends(ends["At"])).select(*ON, **stood)
    whole = standing.join(counted, on=ON, how="full", coalesce=True).join(limits, on=ON, how="full", coalesce=True)
    zeros = [column.name for column in asked.columns() if column.empty is Empty.ZERO]
    filled = whole.with_columns(pl.col(name).fill_null(0) for name in zeros)
    return filled.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
