"""Rows of lives: order events of a batch followed, listing by listing, and put together by bucket."""

from collections.abc import Mapping
from datetime import date

import attrs
import polars as pl

from basalt.buckets import BucketRule, WholeDate, as_label
from basalt_analytics.l3.encoding import with_snapshots
from basalt_analytics.l3.listings import each_listing
from basalt_analytics.lives.asked import TOLD, Asked, Limits
from basalt_analytics.lives.facts import facts
from basalt_analytics.lives.lives import Followed, edges_of, followed
from basalt_analytics.lives.probabilities import by_cohort, by_period, observed
from basalt_analytics.lives.replacements import replacements
from basalt_analytics.lives.session import Session

KEY = "ListingId"
Schema = Mapping[str, pl.DataType]


@attrs.frozen(eq=False)
class Clock:
    """The buckets of the pass on its date."""

    rule: BucketRule
    day: date

    def labels(self, times: pl.Series) -> pl.Series:
        """Of the buckets that hold these stamps, in ns."""
        return times.to_frame("At").select(At=self.rule.bucket(pl.col("At"), self.day))["At"]

    def end(self, time: int) -> int:
        """The end, in ns, of the bucket that holds that time."""
        label = self.labels(pl.Series([time])).to_frame("At")
        return int(label.select(self.rule.interval_end(pl.col("At"))).item())

    def labels_of_ends(self, ends: pl.Series) -> pl.Series:
        """Of the buckets that end at these times."""
        if isinstance(self.rule, WholeDate):
            return self.labels(ends)
        shift = 0 if self.rule.label == "end" else self.rule.every
        return ends.to_frame("At").select(as_label(pl.col("At") - shift))["At"]


@attrs.frozen(eq=False)
class Found:
    """What a listing has, each with TimeBucket: facts, figures of what stands at the ends, and probabilities."""

    facts: pl.DataFrame
    standing: pl.DataFrame
    limits: pl.DataFrame


def of_batch(both: pl.DataFrame, asked: Asked, rule: BucketRule, day: date, schema: Schema) -> pl.DataFrame:
    """Rows of the listings in `both`: their events, snapshots (`_Snapshot`) and spans of admissible time (`_Span`)."""
    clock, told = Clock(rule, day), pl.col("_Span").is_not_null()
    spans, stood = (both.filter(rows).partition_by(KEY, as_dict=True) for rows in (told, pl.col("_Snapshot")))
    events = both.filter(~told & ~pl.col("_Snapshot")).drop("_Span", "_Snapshot", "Start", "End", "Told")
    found = []
    for rows in each_listing(events):
        name = (rows[KEY][0],)
        if name in spans:
            session = Session.of(spans[name].sort("Start"), rule.closed == "left")
            one = _of_listing(with_snapshots(rows, stood.get(name)), session, asked, clock)
            found.append(_put_together(one, asked).with_columns(pl.lit(rows[KEY][0], rows.schema[KEY]).alias(KEY)))
    typed = [one.select(pl.col(name).cast(dtype) for name, dtype in schema.items()) for one in found]
    return pl.concat([pl.DataFrame(schema=dict(schema)), *typed])


def _of_listing(rows: pl.DataFrame, session: Session, asked: Asked, clock: Clock) -> Found:
    first = rows.filter(pl.col("_Event").is_not_null())["EventTimestamp"].to_physical()[0]
    edges = edges_of(rows, session, clock.rule, clock.end(first))
    life = followed(rows, session, edges, asked.priority, list(asked.questions))
    told = [facts(life.lives, session, asked.by_insert, asked.at_touch)]
    told += [replacements(rows, session, i, wait) for i, wait in enumerate(asked.waits)]
    own = pl.concat(told)
    labels = clock.labels_of_ends(life.edges["At"])
    return Found(
        own.with_columns(clock.labels(own["At"]).alias("TimeBucket")),
        life.edges.with_columns(labels.alias("TimeBucket")),
        _limits(life, session, asked, clock),
    )


def _limits(life: Followed, session: Session, asked: Asked, clock: Clock) -> pl.DataFrame:
    """TimeBucket and the columns of every group of `fill_probability`."""
    counted = life.lives.filter(pl.col("Touch") | (not asked.at_touch))
    found = [_of_group(counted, life.edges["At"], session, limits, asked, clock) for limits in asked.limits.values()]
    whole = pl.DataFrame(schema={"TimeBucket": clock.labels(pl.Series([], dtype=pl.Int64)).dtype})
    for one in (frame for frames in found for frame in frames):
        whole = whole.join(one, on="TimeBucket", how="full", coalesce=True)
    return whole


def _of_group(
    lives: pl.DataFrame, edges: pl.Series, session: Session, limits: Limits, asked: Asked, clock: Clock
) -> list[pl.DataFrame]:
    from basalt_analytics.kernels.survival import AALEN_JOHANSEN, AT_RISK, KAPLAN_MEIER

    seen, found = observed(lives, session, limits.fill, asked.by_insert), []
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


def _put_together(found: Found, asked: Asked) -> pl.DataFrame:
    """One row a bucket. `_Told`: whether it has a fact; others only say what stands at their ends."""
    values = {one.column.name: one.value for group in asked.facts.values() for one in group}
    stood = {one.column.name: one.value for group in asked.standing.values() for one in group}
    counted = found.facts.group_by("TimeBucket").agg(**values, **{TOLD: pl.lit(True)})
    standing = found.standing.select("TimeBucket", **stood)
    both = standing.join(counted, on="TimeBucket", how="full", coalesce=True)
    whole = both.join(found.limits, on="TimeBucket", how="full", coalesce=True)
    return whole.with_columns(pl.col(name).fill_null(0) for name in _zeros(asked)).with_columns(
        pl.col(TOLD).fill_null(False)
    )


def _zeros(asked: Asked) -> list[str]:
    return [column.name for column in asked.columns() if column.empty.value == "zero"]
