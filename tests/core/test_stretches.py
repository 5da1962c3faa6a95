"""Stretches: unbroken runs of admissible state."""

from datetime import UTC, date, datetime, timedelta

import polars as pl

from basalt.buckets import BucketRule
from basalt.durations import SECOND
from basalt.running.stretches import as_one, at_buckets, at_rows, closed_at, session_stretches, stretches, within
from basalt.tables import STATE

DAY = date(2026, 1, 5)
NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
CONTINUOUS = ["CONTINUOUS_TRADING"]


def events(key_seconds, **columns):
    keys, seconds = zip(*key_seconds, strict=True)
    at = [NINE + timedelta(seconds=s) for s in seconds]
    return pl.LazyFrame(
        {"ListingId": keys, "EventTimestamp": at, **columns},
        schema_overrides={"EventTimestamp": pl.Datetime("ns", "UTC"), "MarketState": STATE},
    )


def test_a_halt_splits_the_day_and_listings_have_ids_of_their_own():
    """Continuous 0–10 and 20 to the end for listing 1, 5 to the end for listing 2: three stretches."""
    states = events(
        [(1, 0), (1, 10), (1, 20), (2, 0), (2, 5)],
        MarketState=["CONTINUOUS_TRADING", "HALTED", "CONTINUOUS_TRADING", "PRE_OPEN", "CONTINUOUS_TRADING"],
    )
    found = stretches(states, "ListingId", CONTINUOUS).collect()
    start = int(NINE.timestamp()) * SECOND
    assert found["ListingId"].to_list() == [1, 1, 2]
    assert ((found["Start"] - start) // SECOND).to_list() == [0, 20, 5]
    assert ((found["End"] - start) // SECOND).to_list() == [10, None, None]
    assert found["StretchId"].n_unique() == 3


def test_of_two_states_at_one_stamp_the_last_counts():
    states = events([(1, 0), (1, 0), (1, 9)], MarketState=["CONTINUOUS_TRADING", "HALTED", "CONTINUOUS_TRADING"])
    found = stretches(states, "ListingId", CONTINUOUS).collect()
    assert found["Start"].to_list() == [(int(NINE.timestamp()) + 9) * SECOND]


def test_a_change_between_two_admissible_states_does_not_split():
    states = events([(1, 0), (1, 5), (1, 9)], MarketState=["CONTINUOUS_TRADING", "CLOSING_AUCTION", "CLOSED"])
    both = stretches(states, "ListingId", ["CONTINUOUS_TRADING", "CLOSING_AUCTION"]).collect()
    assert both.height == 1
    assert (both["End"] - both["Start"]).item() == 9 * SECOND


def test_rows_get_the_stretch_they_lie_in():
    states = events([(1, 0), (1, 10), (1, 20)], MarketState=["CONTINUOUS_TRADING", "HALTED", "CONTINUOUS_TRADING"])
    rows = events([(1, 0), (1, 9), (1, 20), (1, 25)])
    found = at_rows(rows, "ListingId", stretches(states, "ListingId", CONTINUOUS)).collect()
    first, second = found["StretchId"].unique(maintain_order=True)
    assert found["StretchId"].to_list() == [first, first, second, second]
    assert found.columns == ["ListingId", "EventTimestamp", "StretchId"]


def test_without_states_a_listing_is_one_stretch():
    found = at_rows(events([(1, 0), (1, 9), (2, 3)]), "ListingId", None).collect()
    assert found["StretchId"].to_list() == [-1, -1, -2]


def test_a_bucket_belongs_to_the_last_stretch_it_overlaps():
    """Buckets of 10 s, stretches 0–12 and 20–30: :10 and :20 are of the first (12 > 10), :30 of the second, and :40
    of none (20–30 is over when it begins)."""
    states = events(
        [(1, 0), (1, 12), (1, 20), (1, 30)],
        MarketState=["CONTINUOUS_TRADING", "HALTED", "CONTINUOUS_TRADING", "CLOSED"],
    )
    labels = pl.LazyFrame(
        {"ListingId": [1] * 4, "TimeBucket": [NINE + timedelta(seconds=s) for s in (10, 20, 30, 40)]},
        schema_overrides={"TimeBucket": pl.Datetime("us", "UTC")},
    )
    found = stretches(states, "ListingId", CONTINUOUS)
    at = at_buckets(labels, "ListingId", BucketRule(10 * SECOND), found, "Stretch").collect()
    first, second = found.collect()["StretchId"].to_list()
    assert at["Stretch"].to_list() == [first, first, second, None]


def test_an_opening_print_on_the_edge_belongs_to_the_stretch_it_opens():
    """Stretch from second 10 on: the bucket (0, 10] holds only that instant, and is of that stretch."""
    states = events([(1, 0), (1, 10)], MarketState=["PRE_OPEN", "CONTINUOUS_TRADING"])
    label = pl.LazyFrame(
        {"ListingId": [1], "TimeBucket": [NINE + timedelta(seconds=10)]},
        schema_overrides={"TimeBucket": pl.Datetime("us", "UTC")},
    )
    found = stretches(states, "ListingId", CONTINUOUS)
    at = at_buckets(label, "ListingId", BucketRule(10 * SECOND), found, "Stretch").collect()
    assert at["Stretch"].to_list() == found.collect()["StretchId"].to_list()


def seconds(found):
    """(listing, start, end) of stretches, in seconds after nine."""
    nine = int(NINE.timestamp()) * SECOND
    since = [(pl.col(c) - nine) // SECOND for c in ("Start", "End")]
    return found.select("ListingId", *since).collect().rows()


def test_all_states_are_one_stretch_from_the_first_start_to_the_last_end():
    """Listing 1 is open 0 to 10 and 20 to 30; listing 2 from 5 on, without an end yet."""
    states = events(
        [(1, 0), (1, 10), (1, 20), (1, 30), (2, 0), (2, 5)],
        MarketState=["CONTINUOUS_TRADING", "CLOSED", "CONTINUOUS_TRADING", "CLOSED", "CLOSED", "CONTINUOUS_TRADING"],
    )
    found = as_one(stretches(states, "ListingId", CONTINUOUS), "ListingId")
    assert seconds(found) == [(1, 0, 30), (2, 5, None)]


def test_a_state_admissible_before_the_first_row_begins_with_the_date():
    """UNKNOWN until 10, then halted, then continuous: two stretches, and the first has no start to speak of."""
    states = events([(1, 10), (1, 20)], MarketState=["HALTED", "CONTINUOUS_TRADING"])
    found = stretches(states, "ListingId", ["UNKNOWN", *CONTINUOUS], before_first=states)
    (_, early, end), later = seconds(found)
    assert (early < -(10**9), end, later) == (True, 10, (1, 20, None))


def test_a_listing_without_a_first_row_is_in_that_state_all_day():
    """Nothing is told of listing 2: one stretch, with no start to speak of and no end."""
    states = events([(1, 10)], MarketState=["HALTED"])
    found = stretches(states, "ListingId", ["UNKNOWN"], before_first=events([(1, 0), (2, 0)]))
    (one, _, end), (two, early, never) = seconds(found)
    assert (one, end, two, never) == (1, 10, 2, None)
    assert early < -(10**9)


def test_the_session_s_end_closes_what_the_state_table_leaves_open():
    """At 30: listing 1 is continuous and gets CLOSED; listing 2 was closed before, listing 3 is told of later."""
    states = events(
        [(1, 0), (2, 0), (2, 20), (3, 40)],
        MarketState=["CONTINUOUS_TRADING", "CONTINUOUS_TRADING", "CLOSED", "CONTINUOUS_TRADING"],
    )
    closed = closed_at(states, (int(NINE.timestamp()) + 30) * SECOND)
    assert closed.collect()["MarketState"].to_list() == [
        "CONTINUOUS_TRADING", "CLOSED", "CONTINUOUS_TRADING", "CLOSED", "CLOSED", "CONTINUOUS_TRADING",
    ]  # fmt: skip
    assert seconds(stretches(closed, "ListingId", CONTINUOUS)) == [(1, 0, 30), (2, 0, 20), (3, 40, None)]
    assert closed.collect_schema() == states.collect_schema()


def test_no_state_at_all_stays_so():
    states = events([(1, 0)], MarketState=["CLOSED"]).clear()
    assert closed_at(states, 0).collect().height == 0
    assert as_one(stretches(states, "ListingId", CONTINUOUS), "ListingId").collect().height == 0


def test_sessions_are_stretches_of_every_listing():
    nine = int(NINE.timestamp()) * SECOND
    rows = events([(1, 0), (1, 9), (2, 3)])
    found = session_stretches(rows, "ListingId", [(nine, nine + 10 * SECOND), (nine + 20 * SECOND, nine + 30 * SECOND)])
    assert seconds(found) == [(1, 0, 10), (1, 20, 30), (2, 0, 10), (2, 20, 30)]
    assert found.collect()["StretchId"].n_unique() == 4


def test_group_columns_split_a_stretch_null_being_a_group():
    """Ids of two listings, known and unknown stretches, by venue: rows share one where all three agree."""
    rows = pl.LazyFrame({"StretchId": [-1, -1, -1, -2, 0, 0, 1], "Venue": ["A", "B", None, "A", "A", "B", "A"]})
    found = within(rows, ["Venue"]).collect()["StretchId"]
    assert found.n_unique() == 7
    twice = within(pl.concat([rows, rows]), ["Venue"]).collect()["StretchId"]
    assert twice[:7].to_list() == twice[7:].to_list()
    assert within(rows, []).collect().equals(rows.collect())


def test_flags_and_enums_split_a_stretch_too():
    labels = pl.Series(["x", "y", "x"], dtype=pl.Enum(["x", "y"]))
    rows = pl.LazyFrame({"StretchId": [3, 3, 3], "Flag": [True, False, None], "Label": labels})
    assert within(rows, ["Flag"]).collect()["StretchId"].n_unique() == 3
    assert within(rows, ["Label"]).collect()["StretchId"].n_unique() == 2
    assert within(rows, ["Flag", "Label"]).collect()["StretchId"].n_unique() == 3
