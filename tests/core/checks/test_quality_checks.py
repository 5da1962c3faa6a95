"""What quality entries find in the values and the number of rows of a partition."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from basalt.checks.planned import planned_checks
from basalt.tables import NS_UTC, US_UTC

NAN = float("nan")
INF = float("inf")


def test_null_rate_counts_nulls_and_nan(findings, a_result, a_config):
    """Of 4 rows one is null and one NaN: 2 / 4 = 0.5 > 0.4. The first of them is listing 1 at 09:02."""
    rows = [(1, "09:01", 1.0), (1, "09:02", NAN), (2, "09:01", None), (2, "09:02", 2.0)]
    found = findings(a_result(Spread=pl.Float64), a_config([{"columns": "Spread", "max_null_rate": 0.4}]), rows)
    one = found["quality[0].max_null_rate"]
    assert (one.passed, one.raises) == (False, True)
    assert one.said == (
        "Spread is null or NaN in 2 of 4 rows, a share of 0.5, above max_null_rate = 0.4, "
        "first at ListingId 1, TimeBucket 2026-01-05T09:02:00Z"
    )


def test_a_null_rate_on_the_limit_passes(findings, a_result, a_config):
    """3 of 10 rows are null: 0.3 ≤ 0.3, though 0.3 · 10 is not 3 for every such pair of floats."""
    rows = [(i, "09:01", None if i < 3 else 1.0) for i in range(10)]
    found = findings(a_result(Spread=pl.Float64), a_config([{"columns": "Spread", "max_null_rate": 0.3}]), rows)
    assert found["quality[0].max_null_rate"].passed
    assert found["quality[0].max_null_rate"].said == (
        "Spread is null or NaN in 3 of 10 rows, a share of 0.3; max_null_rate is 0.3"
    )


@pytest.mark.parametrize(("dtype", "value"), [(pl.Enum(["Buy"]), "Buy"), (pl.String, "x"), (pl.Boolean, True)])
def test_null_rates_of_columns_without_numbers(findings, a_result, a_config, dtype, value):
    """1 of 3 rows is null: 0.333333 > 0.3."""
    rows = [(1, "09:01", value), (1, "09:02", None), (1, "09:03", value)]
    one = findings(a_result(Side=dtype), a_config([{"columns": "Side", "max_null_rate": 0.3}]), rows)
    assert "1 of 3 rows, a share of 0.333333, above" in one["quality[0].max_null_rate"].said


def test_an_all_null_column_has_the_rate_one(findings, a_result, a_config):
    """2 / 2 = 1: within 1, above 0.99; bounds find nothing outside."""
    rows = [(1, "09:01", None), (2, "09:01", None)]
    quality = [{"max_null_rate": 1}, {"max_null_rate": 0.99}, {"columns": "Spread", "min": 0, "max": 1}]
    found = findings(a_result(Spread=pl.Float64), a_config(quality), rows)
    assert {name: one.passed for name, one in found.items()} == {
        "keys": True,
        "quality[0].max_null_rate": True,
        "quality[1].max_null_rate": False,
        "quality[2].min": True,
        "quality[2].max": True,
    }


def test_columns_without_nulls_are_told_as_one(findings, a_result, a_config):
    result, rows = a_result(A=pl.Float64, Side=pl.String), [(1, "09:01", 1.0, "x")]
    found = findings(result, a_config([{"max_null_rate": 0}, {"columns": "Side", "max_null_rate": 0}]), rows)
    assert found["quality[0].max_null_rate"].said == "no value of 4 columns is null or NaN"
    assert found["quality[1].max_null_rate"].said == "no value of Side is null or NaN"


def test_a_passing_null_rate_names_the_column_nearest_to_the_limit(findings, a_result, a_config):
    """Of 4 rows A lacks 1 and B 2: 2 / 4 = 0.5 is within 0.5."""
    rows = [(i, "09:01", None if i == 0 else 1.0, None if i < 2 else "x") for i in range(4)]
    config = a_config([{"columns": ["A", "B"], "max_null_rate": 0.5}])
    one = findings(a_result(A=pl.Float64, B=pl.String), config, rows)["quality[0].max_null_rate"]
    assert (one.passed, one.said) == (
        True,
        "B is null or NaN in 2 of 4 rows, a share of 0.5, the most of 2 columns; max_null_rate is 0.5",
    )


def test_the_worst_column_is_told_and_others_are_listed(findings, a_result, a_config):
    """Of 2 rows: A 1 null, B 2, C 2, D none; the limit is 0. B comes before C in the pass."""
    result = a_result(A=pl.Float64, B=pl.Int32, C=pl.String, D=pl.Float32)
    rows = [(1, "09:01", 1.0, None, None, 1.0), (1, "09:02", None, None, None, 1.0)]
    one = findings(result, a_config([{"max_null_rate": 0}]), rows)["quality[0].max_null_rate"]
    assert one.said.startswith("B is null or NaN in 2 of 2 rows, a share of 1, above max_null_rate = 0, first at List")
    assert one.said.endswith("; also C (1), A (0.5)")


def test_an_entry_that_warns_does_not_raise(findings, a_result, a_config):
    quality = [{"columns": "Spread", "max": 1.0, "on_fail": "warn"}]
    one = findings(a_result(Spread=pl.Float64), a_config(quality), [(1, "09:01", 2.0)])["quality[0].max"]
    assert (one.passed, one.raises) == (False, False)


def test_bounds_are_inclusive_and_leave_nan_to_the_null_rate(findings, a_result, a_config):
    """Below 0: −0.5 and −inf, two of six; above 1: inf alone. 0 and 1 are inside, NaN and null are missing."""
    values = [0.0, 1.0, NAN, None, -0.5, -INF, INF]
    rows = [(i, "09:01", value) for i, value in enumerate(values)]
    found = findings(a_result(Spread=pl.Float64), a_config([{"columns": "Spread", "min": 0, "max": 1}]), rows)
    at = "TimeBucket 2026-01-05T09:01:00Z"
    assert found["quality[0].min"].said == f"Spread is below min = 0 in 2 of 7 rows, first -0.5 at ListingId 4, {at}"
    assert found["quality[0].max"].said == f"Spread is above max = 1 in 1 of 7 rows, first inf at ListingId 6, {at}"


@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt8, pl.Int16, pl.Float32, pl.Decimal(10, 2)])
def test_bounds_of_every_kind_of_number(findings, a_result, a_config, dtype):
    """Of 1, 2, 3: below 1.5 is 1; above 2.5 is 3; nothing is below −7 or above 1e300."""
    quality = [{"columns": "Count", "min": 1.5, "max": 2.5}, {"columns": "Count", "min": -7, "max": 1e300}]
    rows = [(1, f"09:0{i}", i) for i in (1, 2, 3)]
    result = a_result(Count=dtype)
    found = findings(result, a_config(quality), rows)
    assert "in 1 of 3 rows, first 1" in found["quality[0].min"].said
    assert "in 1 of 3 rows, first 3" in found["quality[0].max"].said
    assert found["quality[1].min"].passed
    assert found["quality[1].max"].passed


def test_integers_are_compared_as_integers(findings, a_result, a_config):
    """2**53 + 1 is above 2**53, which is the same float."""
    rows = [(1, "09:01", 2**53), (1, "09:02", 2**53 + 1)]
    found = findings(a_result(Count=pl.Int64), a_config([{"columns": "Count", "max": 2.0**53}]), rows)
    assert f"in 1 of 2 rows, first {2**53 + 1}" in found["quality[0].max"].said


def test_a_time_of_day_is_one_of_the_trading_date(findings, a_result, a_config):
    """Open from 08:00 to 16:30, inclusive: 07:59:59.999999 is before it, 16:30 of the next day behind it."""
    rows = [(1, "09:01", at) for at in (stamp(5, 7, 59, 59, 999999), stamp(5, 8), stamp(5, 16, 30), stamp(6, 16, 30))]
    quality = [{"columns": "LastTime", "min": "08:00", "max": "16:30"}]
    found = findings(a_result(LastTime=US_UTC), a_config(quality), rows)
    said = found["quality[0].min"].said
    assert said.startswith("LastTime is below min = '08:00' in 1 of 4 rows, first 2026-01-05T07:59:59.999999Z at")
    assert "above max = '16:30' in 1 of 4 rows, first 2026-01-06T16:30:00Z" in found["quality[0].max"].said


def test_the_same_rows_on_another_date_are_outside(findings, a_result, a_config):
    rows = [(1, "09:01", stamp(5, 12))]
    config = a_config([{"columns": "LastTime", "min": "00:00", "max": "24:00"}])
    assert findings(a_result(LastTime=US_UTC), config, rows)["quality[0].max"].passed
    found = findings(a_result(LastTime=US_UTC), config, rows, day=date(2026, 1, 6))
    assert not found["quality[0].min"].passed


def test_midnight_ends_a_date(findings, a_result, a_config):
    """The last minute's label is 00:00 of the next day: within 24:00, not within 23:59."""
    rows = [(1, "2026-01-06T00:00", 1.0)]
    quality = [{"columns": "TimeBucket", "max": "24:00"}, {"columns": "TimeBucket", "max": "23:59"}]
    found = findings(a_result(Spread=pl.Float64), a_config(quality), rows)
    assert found["quality[0].max"].passed
    assert "first 2026-01-06T00:00:00Z at" in found["quality[1].max"].said


def test_a_stamp_is_the_same_on_every_date_and_nanoseconds_count(findings, a_result, a_config):
    """One nanosecond after 09:00 is above it."""
    result = a_result(LastTime=NS_UTC)
    config = a_config([{"columns": "LastTime", "min": "2026-01-05T09:00Z", "max": "2026-01-05T09:00:00Z"}])
    assert findings(result, config, [(1, "09:01", None)])["quality[0].max"].passed
    nine = int(stamp(5, 9).timestamp()) * 10**9
    times = pl.Series([nine, nine + 1]).cast(NS_UTC)
    frame = pl.DataFrame({"ListingId": [1, 1], "TimeBucket": [stamp(5, 9, 1), stamp(5, 9, 2)], "LastTime": times})
    said = {f.check: f.said for f in planned_checks(config, result, {}).findings(frame.lazy(), date(2026, 1, 7))}
    assert "in 1 of 2 rows, first 2026-01-05T09:00:00.000000001Z at ListingId 1" in said["quality[0].max"]
    assert said["quality[0].min"] == "no value of LastTime is below min = '2026-01-05T09:00Z'"


def test_an_empty_partition_has_no_null_rate_and_too_few_rows(findings, a_result, a_config):
    quality = [{"max_null_rate": 0}, {"columns": "Spread", "min": 0}, {"min_rows": 1, "max_rows": 5}]
    found = findings(a_result(Spread=pl.Float64), a_config(quality), [])
    assert {name: one.passed for name, one in found.items()} == {
        "keys": True,
        "quality[0].max_null_rate": True,
        "quality[1].min": True,
        "quality[2].min_rows": False,
        "quality[2].max_rows": True,
    }
    assert found["quality[0].max_null_rate"].said == "there are no rows, so no share of them is null"
    assert found["quality[2].min_rows"].said == "0 rows, fewer than min_rows = 1"


def test_rows_are_counted_over_all_batches(findings, a_result, a_config):
    """Two batches of two rows: 4 rows, not fewer than 4, more than 3."""
    config = a_config([{"min_rows": 4}, {"max_rows": 3}])
    found = findings(a_result(), config, [(1, "09:01"), (1, "09:02")], [(2, "09:01"), (2, "09:02")])
    assert found["quality[0].min_rows"].said == "4 rows, not fewer than min_rows = 4"
    assert (found["quality[1].max_rows"].passed, found["quality[1].max_rows"].said) == (
        False,
        "4 rows, more than max_rows = 3",
    )


def test_one_entry_looks_at_many_columns_in_one_finding(findings, a_result, a_config):
    """Spread1 has 2 values below 0, Spread2 one; Depth is not asked about."""
    result = a_result(Spread1=pl.Float64, Spread2=pl.Float64, Depth=pl.Float64)
    rows = [(1, "09:01", -1.0, -3.0, -9.0), (1, "09:02", -2.0, 0.0, -9.0)]
    found = findings(result, a_config([{"columns": "Spread*", "min": 0}]), rows)
    assert list(found) == ["keys", "quality[0].min"]
    assert found["quality[0].min"].said == (
        "Spread1 is below min = 0 in 2 of 2 rows, first -1.0 at ListingId 1, TimeBucket 2026-01-05T09:01:00Z; "
        "also Spread2 (1)"
    )


def stamp(day, *clock):
    """A UTC time of January 2026."""
    return datetime(2026, 1, day, *clock, tzinfo=UTC)
