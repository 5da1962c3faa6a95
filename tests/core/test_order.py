"""The order promise."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.running.order import in_order, sorted_by

ORDER = ["t", "s"]


def frame(rows):
    return pl.LazyFrame(rows, schema={"k": pl.Int64, "t": pl.Int64, "s": pl.Int64}, orient="row")


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
    assert in_order(frame(rows), "k", ORDER) is sorted_


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 3)), max_size=40))
def test_sorting_is_stable_and_complete(rows):
    numbered = frame(rows).with_row_index("i")
    found = sorted_by(numbered, "k", ORDER).collect().rows()
    expected = sorted(((i, *row) for i, row in enumerate(rows)), key=lambda r: r[1:])
    assert [tuple(map(int, r)) for r in found] == expected
