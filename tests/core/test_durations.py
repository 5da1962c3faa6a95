"""Durations as configurations write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.durations import format_duration, parse_duration
from basalt.errors import UserError


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("5m", 300_000_000_000),
        ("1ns", 1),
        ("250us", 250_000),
        ("0.5s", 500_000_000),
        ("-1s", -1_000_000_000),
        ("0s", 0),
        ("1d", 86_400_000_000_000),
    ],
)
def test_a_duration_is_whole_nanoseconds(text, nanoseconds):
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize("text", ["5", "m", "5 m", "5min", "1e3s", "", "--1s", "1.s", "1h30m"])
def test_anything_else_is_refused_with_the_units(text):
    with pytest.raises(UserError, match=r"is not a duration: write a number and one of ns, us, ms, s, m, h, d"):
        parse_duration(text)


def test_a_fraction_of_a_nanosecond_is_refused():
    with pytest.raises(UserError, match=r"'0.1ns' is not a whole number of nanoseconds"):
        parse_duration("0.1ns")


@given(st.integers(-(10**20), 10**20))
def test_what_is_formatted_parses_back(nanoseconds):
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds


def test_the_largest_unit_that_fits_is_written():
    assert [format_duration(n) for n in (0, 300 * 10**9, 1_500, -(10**9))] == ["0s", "5m", "1500ns", "-1s"]
