"""The order promise, and the survey that checks it."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.running.order import sorted_by, surveyed

ORDER = ["EventTimestamp", "SequenceNo"]


def frame(rows, key=pl.Int64):
    schema = {"ListingId": key, "EventTimestamp": pl.Int64, "SequenceNo": pl.Int64}
    return pl.LazyFrame(rows, schema=schema, orient="row")


def survey(rows, **more):
    return surveyed(frame(rows, **more), "ListingId", ORDER)


@pytest.mark.parametrize(
    ("rows", "sorted_"),
    [
        ([], True),
        ([(1, 5, 1)], True),
        ([(1, 5, 1), (1, 5, 2), (2, 1, 1)], True),
        ([(1, 5, 1), (1, 5, 1)], True),
        ([(1, 5, 2), (1, 5, 1)], False),
        ([(1, 6, 1), (1, 5, 2)], False),
        ([(2, 1, 1), (1, 5, 2)], False),
        ([(1, 5, 1), (1, 5, None)], False),
        ([(1, 5, None), (1, 5, 1)], True),
    ],
)
def test_order_is_by_key_then_time_then_sequence(rows, sorted_):
    assert survey(rows).in_order is sorted_


def test_without_a_sequence_number_ties_keep_their_place():
    """The last row but one has the greater SequenceNo at one stamp, which counts only where it is asked."""
    rows = frame([(1, 5, 2), (1, 5, 1)])
    assert surveyed(rows.drop("SequenceNo"), "ListingId", ORDER[:1]).in_order
    assert not surveyed(rows, "ListingId", ORDER).in_order


def test_a_survey_counts_rows_by_key_ascending():
    found = survey([("b", 5, 1), ("a", 6, 1), ("b", 7, 1)], key=pl.String)
    assert found.rows.rows() == [("a", 1), ("b", 2)]
    assert found.rows.columns == ["ListingId", "Rows"]
    assert not found.in_order


def test_a_survey_counts_rows_without_key_and_without_stamp():
    """Two rows without key, one of them without stamp too; one of listing 1 without stamp: two without stamp."""
    found = survey([(None, 5, 1), (None, None, 1), (1, None, 1), (1, 7, 1)])
    assert found.rows.rows() == [(None, 2), (1, 2)]
    assert found.timeless == 2


def test_an_empty_table_is_in_order_and_has_no_keys():
    found = survey([])
    assert (found.in_order, found.rows.height, found.timeless) == (True, 0, 0)


def test_what_a_source_promises_is_not_checked():
    found = surveyed(frame([(2, 5, 1), (1, 5, 1)]), "ListingId", ORDER, promised=True)
    assert found.in_order
    assert found.rows.rows() == [(1, 1), (2, 1)]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 3)), max_size=40))
def test_sorting_is_stable_and_complete(rows):
    numbered = frame(rows).with_row_index("i")
    found = sorted_by(numbered, "ListingId", ORDER).collect().rows()
    expected = sorted(((i, *row) for i, row in enumerate(rows)), key=lambda r: r[1:])
    assert [tuple(map(int, r)) for r in found] == expected
