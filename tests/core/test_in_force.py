"""What is in force: valid values and their stamps at points, with and without stretches; stamps are small integers."""

import polars as pl
import pytest

from basalt.running.in_force import in_stretch, latest_valid
from basalt.tables import NS_UTC

STRETCHES = pl.LazyFrame({"ListingId": [1, 1], "Start": [0, 20], "End": [10, None], "StretchId": [0, 1]})
VALID = {"x": pl.when(pl.col("Price") > 0).then(pl.col("Price"))}


def rows(*pairs):
    """Rows of listing 1: (stamp, price)."""
    stamps = pl.Series("EventTimestamp", [t for t, _ in pairs], dtype=pl.Int64).cast(NS_UTC)
    prices = pl.Series("Price", [float(p) for _, p in pairs], dtype=pl.Float64)
    return pl.DataFrame([prices, stamps]).lazy().with_columns(ListingId=pl.lit(1, pl.Int64))


def points(*at):
    return pl.LazyFrame({"ListingId": [1] * len(at), "At": at}, schema={"ListingId": pl.Int64, "At": pl.Int64})


def found(at, *pairs, stretches=STRETCHES, **options):
    """(value, stamp) at each point; a price of 0 or less is not valid."""
    asked = points(*at)
    asked = asked if stretches is None else in_stretch(asked, "ListingId", "At", stretches)
    made = latest_valid(asked, rows(*pairs), "ListingId", VALID, stretches, "At", **options).collect()
    return list(zip(made["x"], made["xSince"], strict=True))


def test_the_last_valid_value_stands_over_rows_that_are_not():
    """Prices 1 at 2 and none at 4: at 1 nothing, at 2 and 5 the 1 of stamp 2."""
    assert found([1, 2, 5], (2, 1), (4, 0), stretches=None) == [(None, None), (1, 2), (1, 2)]


def test_strictly_before_leaves_out_the_row_of_that_very_stamp():
    assert found([2, 3], (2, 1), stretches=None, strict=True) == [(None, None), (1, 2)]


def test_of_rows_at_one_stamp_the_last_valid_one_counts():
    assert found([2], (2, 1), (2, 3), (2, 0), stretches=None) == [(3, 2)]


def test_outside_of_every_stretch_nothing_is_in_force():
    assert found([5, 15, 25], (2, 1)) == [(1, 2), (None, None), (1, 2)]


def test_the_very_latest_row_before_a_stretch_is_in_force_when_it_opens():
    """3 at 15 lies between the stretches; 1 at 2 in the first. At 20 the 3 counts."""
    assert found([20], (2, 1), (15, 3)) == [(3, 15)]


def test_nothing_older_takes_the_place_of_a_latest_row_that_is_not_valid():
    """At 15 the row is not valid: from 20 on there is nothing until 4 at 22."""
    assert found([20, 22], (2, 1), (15, 0), (22, 4)) == [(None, None), (4, 22)]


def test_a_row_at_the_opening_itself_is_the_latest_one():
    """Not valid at 20: the 3 of stamp 15 is not in force."""
    assert found([20], (15, 3), (20, 0)) == [(None, None)]


def test_of_rows_at_the_opening_itself_the_last_valid_one_counts():
    """2 and a row that is not valid, both at 20: they are inside, where the last valid value stands."""
    assert found([20], (15, 3), (20, 2), (20, 0)) == [(2, 20)]


def test_looking_strictly_before_the_row_at_the_opening_comes_after_it():
    assert found([20, 21], (15, 3), (20, 0), strict=True) == [(3, 15), (3, 15)]


def test_a_row_at_the_end_of_a_stretch_is_not_of_it():
    assert found([9], (2, 1), (10, 5)) == [(1, 2)]
    ending = latest_valid(
        points(10).with_columns(StretchId=pl.lit(0, pl.Int64)),
        rows((2, 1), (10, 5)),
        "ListingId",
        VALID,
        STRETCHES,
        "At",
    )
    assert ending.collect()["x"].to_list() == [1]


def test_what_was_in_force_at_the_opening_stands_over_invalid_rows_inside():
    assert found([23], (15, 3), (22, 0)) == [(3, 15)]


def test_a_memory_of_the_stretch_alone_has_nothing_from_before_it():
    assert found([20, 22], (2, 1), (15, 3), (22, 4), memory="stretch") == [(None, None), (4, 22)]


def test_listings_keep_to_themselves():
    both = pl.concat([rows((2, 1)), rows((3, 5)).with_columns(ListingId=pl.lit(2, pl.Int64))])
    asked = pl.LazyFrame({"ListingId": [1, 2], "At": [4, 2]})
    made = latest_valid(asked, both, "ListingId", VALID, None, "At").collect()
    assert made["x"].to_list() == [1, None]


@pytest.mark.parametrize("stretches", [None, STRETCHES])
def test_no_rows_and_no_points(stretches):
    assert found([5], stretches=stretches) == [(None, None)]
    assert found([], (2, 1), stretches=stretches) == []
