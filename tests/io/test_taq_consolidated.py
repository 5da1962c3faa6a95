"""Consolidated quotes of a real day whose venues cross each other more than half of it: what each policy makes of it.

The sample's quotes of twelve exchanges are raw, and some of these hardly ever quote: what they said stands for minutes.
"""

import polars as pl
import pytest
from taq_files import DAY, source, write_sample
from venue_books import consolidated

from basalt.buckets import BucketRule
from basalt.durations import SECOND
from basalt.modules import PassContext

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Trading hours of 2018-01-02: 65,998 quotes of 12 listings of one security."""
    place = tmp_path_factory.mktemp("taq")
    write_sample(place)
    found = source(place, hours=["09:30", "16:00"])
    quotes = found.scan("l2", DAY).collect().sort("ListingId", "EventTimestamp", maintain_order=True)
    return {"l2": quotes, "reference": found.scan("reference", DAY).collect()}


@pytest.fixture(scope="module")
def shares(tables):
    """Share of the time from the first quote to the last by state of the book, under these options."""

    def of(**options):
        pass_ = PassContext("best", DAY, ["InstrumentId"], BucketRule(10 * SECOND))
        rows = consolidated(tables, pass_, top_n=1, **options)[0]
        held = rows.with_columns(Held=pl.col("Seconds").shift(-1) - pl.col("Seconds"))
        end = tables["l2"]["EventTimestamp"].max().timestamp() - rows["EventTimestamp"][0].timestamp()
        spent = held.group_by("BookState").agg(pl.col("Held").sum())
        last = end - held["Held"].sum()
        spent = {state: seconds + last * (state == rows["BookState"][-1]) for state, seconds in spent.iter_rows()}
        return {state: round(seconds / end, 3) for state, seconds in spent.items() if round(seconds / end, 3)}

    return of


def test_quotes_that_are_kept_for_ever_cross_more_than_half_of_the_day(shares):
    assert shares() == {"OK": 0.329, "LOCKED": 0.118, "CROSSED": 0.553}


def test_the_same_share_is_found_by_carrying_every_venues_quote_forward(tables):
    """Each venue's last quote at each stamp, beside the others'; one that is crossed in itself counts as none."""
    quote = pl.when(pl.col("BidPrice1") <= pl.col("AskPrice1")).then(pl.struct("BidPrice1", "AskPrice1"))
    one_sided = pl.any_horizontal(pl.col("BidPrice1", "AskPrice1").is_null())
    shown = pl.when(one_sided).then(pl.struct("BidPrice1", "AskPrice1")).otherwise(quote)
    last = tables["l2"].with_columns(Shown=shown).unique(["ListingId", "EventTimestamp"], keep="last")
    names, stamps = last["ListingId"].unique().sort(), last.select(pl.col("EventTimestamp").unique().sort())
    wide = stamps
    for name in names:
        own = last.filter(ListingId=name).select("EventTimestamp", pl.col("Shown").alias(name)).sort("EventTimestamp")
        wide = wide.join_asof(own, on="EventTimestamp")
    bid = pl.max_horizontal(pl.col(name).struct.field("BidPrice1") for name in names)
    ask = pl.min_horizontal(pl.col(name).struct.field("AskPrice1") for name in names)
    held = pl.col("EventTimestamp").shift(-1) - pl.col("EventTimestamp")
    seconds = wide.filter((bid * 1e9).round() > (ask * 1e9).round()).height
    spent = wide.with_columns(Held=held).filter((bid * 1e9).round() > (ask * 1e9).round())["Held"].sum()
    assert seconds > 0
    assert spent.total_seconds() == pytest.approx(12931.496, abs=1e-3)


def test_dropping_the_oldest_quotes_leaves_no_crossed_book(shares):
    """What was crossed is sound for seven tenths of that time, and locked for the rest."""
    assert shares(crossed="drop_oldest") == {"OK": 0.329, "LOCKED": 0.278, "UNCROSSED": 0.393}


def test_nulls_leave_the_rest_as_it_is(tables, shares):
    assert shares(crossed="null") == shares()
    pass_ = PassContext("best", DAY, ["InstrumentId"], BucketRule(10 * SECOND))
    rows = consolidated(tables, pass_, top_n=1, crossed="null")[0]
    assert rows.filter(BookState="CROSSED").select("BidPrice1", "AskPrice1", "BidVenues").null_count().row(0) == (
        (rows["BookState"] == "CROSSED").sum(),
    ) * 3  # fmt: skip


@pytest.mark.parametrize(("max_age", "crossed", "empty"), [("10s", 0.037, 0.015), ("1s", 0.002, 0.495)])
def test_young_quotes_cross_rarely(shares, max_age, crossed, empty):
    """It is old quotes that cross; with those of a second alone there is none at all for half of the day."""
    found = shares(max_age=max_age)
    assert (found["CROSSED"], found["EMPTY"]) == (crossed, empty)
