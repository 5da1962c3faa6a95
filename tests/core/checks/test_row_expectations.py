"""Unique keys, monotone buckets, coverage and preserved rows, over rows that come in batches."""

from datetime import date

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from basalt.buckets import BucketRule
from basalt.checks.planned import planned_checks
from basalt.documents import PassResult
from basalt.durations import NANOSECONDS

AT = "TimeBucket 2026-01-05T09"


def test_unique_keys_are_always_checked(findings, a_result, a_config):
    found = findings(a_result(), a_config(), [(1, "09:01"), (1, "09:02")], [(2, "09:01")])
    assert list(found) == ["keys"]
    assert (found["keys"].passed, found["keys"].raises) == (True, True)
    assert found["keys"].said == "3 rows, unique by ListingId, TimeBucket"


def test_a_key_repeated_across_batches_is_found(findings, a_result, a_config):
    """The second batch begins with the last row of the first, and then repeats itself once: 2 of 5 rows."""
    first, second = [(1, "09:01"), (2, "09:01")], [(2, "09:01"), (3, "09:01"), (3, "09:01")]
    one = findings(a_result(), a_config(), first, second)["keys"]
    assert not one.passed
    assert one.said == f"the keys of an earlier row in 2 of 5 rows, first ListingId 2, {AT}:01:00Z"


def test_a_repeated_key_raises_even_where_expectations_warn(findings, a_result, a_config):
    config = a_config(monotone=True, on_fail="warn")
    found = findings(a_result(), config, [(1, "09:01"), (1, "09:01")])
    assert {name: (one.passed, one.raises) for name, one in found.items()} == {
        "keys": (False, True),
        "expect.monotone": (False, False),
    }


def test_keys_are_unique_in_any_order(findings, a_result, a_config):
    """Batches in the wrong order: nothing is repeated, though row 3 comes before row 1."""
    found = findings(a_result(), a_config(monotone=True), [(2, "09:01"), (2, "09:02")], [(1, "09:01"), (1, "09:02")])
    assert found["keys"].passed
    assert found["expect.monotone"].said == (
        f"keys not behind those of the row before in 1 of 4 rows, first ListingId 1, {AT}:01:00Z"
    )


def test_repeated_keys_are_found_in_any_order(findings, a_result, a_config):
    """Listing 1 at 09:01 stands in rows 2, 4 and 5: two too many, the first of them row 4."""
    rows = [(2, "09:01"), (1, "09:01"), (3, "09:01"), (1, "09:01"), (1, "09:01")]
    one = findings(a_result(), a_config(), rows)["keys"]
    assert one.said == f"the keys of an earlier row in 2 of 5 rows, first ListingId 1, {AT}:01:00Z"


def test_null_keys_are_refused_and_not_counted_as_repeated(findings, a_result, a_config):
    rows = [(None, "09:01"), (None, "09:01"), (1, None), (2, "09:01")]
    one = findings(a_result(), a_config(), rows)["keys"]
    assert one.said == f"a null key in 3 of 4 rows, first ListingId null, {AT}:01:00Z"


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0]], ids=["in order", "in another"])
def test_a_null_of_a_further_key_is_a_group_like_any_other(a_config, order):
    """Listing 1 without a venue twice in 09:01; its rows of venue A, and of 09:02, are others."""
    rows = [(1, None, 9), (1, None, 9), (1, None, 10), (1, "A", 9)]
    schema = {"ListingId": pl.Int64, "Venue": pl.String, "TimeBucket": pl.Int64}
    frame = pl.DataFrame([rows[i] for i in order], schema=schema, orient="row")
    frame = frame.with_columns(pl.col("TimeBucket").cast(pl.Datetime("us", "UTC")))
    result = PassResult("bars", ["ListingId", "Venue"], None, [], [pl.Int64, pl.String])
    checks = planned_checks(a_config(), result, {})
    (once,) = checks.findings(frame.unique(maintain_order=True).lazy(), date(2026, 1, 5))
    assert once.passed
    (twice,) = checks.findings(frame.lazy(), date(2026, 1, 5))
    assert twice.said.startswith("the keys of an earlier row in 1 of 4 rows, first ListingId 1, Venue null, TimeBucket")


@pytest.mark.parametrize("key", [pl.String, pl.Enum(["VOD", "BP", "AZN"])])
def test_keys_may_be_text(findings, a_result, a_config, key):
    """An Enum ascends in the order of its categories, as rows are sorted by it."""
    names = ["VOD", "BP", "AZN"] if isinstance(key, pl.Enum) else ["AZN", "BP", "VOD"]
    found = findings(a_result(key=key), a_config(monotone=True), *([(name, "09:01")] for name in names))
    assert all(one.passed for one in found.values())
    one = findings(a_result(key=key), a_config(), [("BP", "09:01")], [("BP", "09:01")])["keys"]
    assert one.said == f"the keys of an earlier row in 1 of 2 rows, first ListingId BP, {AT}:01:00Z"


def test_an_empty_partition_and_one_row_are_unique_and_monotone(findings, a_result, a_config):
    for rows in ([], [(1, "09:01")]):
        found = findings(a_result(), a_config(monotone=True), rows)
        assert all(one.passed for one in found.values())


def test_monotone_buckets_may_leave_some_out_and_pass_midnight(findings, a_result, a_config):
    rows = [(1, "09:01"), (1, "12:30"), (1, "2026-01-06T00:00"), (2, "09:01")]
    one = findings(a_result(), a_config(monotone=True), rows)["expect.monotone"]
    assert (one.passed, one.said) == (True, "4 rows, ascending by ListingId, TimeBucket")


def test_monotone_buckets_are_on_the_grid_of_the_pass(findings, a_result, a_config):
    """Five minutes from 09:01: 09:06 and 09:11 are on the grid, 09:15 is not."""
    minutes = NANOSECONDS["m"]
    result = a_result(rule=BucketRule(5 * minutes, origin=541 * minutes))
    rows = [(1, "09:06"), (1, "09:11"), (1, "09:15")]
    one = findings(result, a_config(monotone=True), rows)["expect.monotone"]
    assert one.said == (
        "a bucket off the grid (every 5m, label end, closed right, origin 541m) in 1 of 3 rows, "
        f"first ListingId 1, {AT}:15:00Z"
    )


def test_a_pass_of_one_row_a_date_has_no_grid(findings, a_result, a_config):
    """Sessions end where they end: 16:35:01.5."""
    found = findings(a_result(rule=None), a_config(monotone=True), [(1, "16:35:01.5"), (2, "16:30:00")])
    assert found["expect.monotone"].passed


@pytest.mark.parametrize(
    ("members", "passed", "said"),
    [
        ([1, 2], True, "2 of 2 listings have a row, a share of 1, not below"),
        ([2, 1, 9, 1, None, 8], False, "2 of 4 listings have a row, a share of 0.5, below; without one: 9, 8"),
        (range(1, 8), False, "2 of 7 listings have a row, a share of 0.285714, below; without one: 3, 4, 5 and 2 more"),
        ([], True, "the universe has no listings"),
    ],
)
def test_coverage_names_the_members_without_a_row(findings, a_result, a_config, members, passed, said):
    rows = [(1, "09:01"), (1, "09:02"), (2, "09:01")]
    members = pl.Series(members, dtype=pl.Int64)
    one = findings(a_result(), a_config(coverage=0.75), rows, members=members)["expect.coverage"]
    assert (one.passed, one.said.replace("below coverage = 0.75", "below")) == (passed, said)


def test_coverage_does_not_count_who_is_no_member(findings, a_result, a_config):
    """Of members 1 and 2 only 1 has a row; 7 has one too: 1 / 2 = 0.5, not 2 / 2."""
    rows = [(1, "09:01"), (7, "09:01")]
    config = a_config(coverage=0.5)
    one = findings(a_result(), config, rows, members=pl.Series([1, 2]))["expect.coverage"]
    assert (one.passed, one.said) == (
        True,
        "1 of 2 listings have a row, a share of 0.5, not below coverage = 0.5; without one: 2",
    )


def test_coverage_of_a_number_of_members(findings, a_result, a_config):
    """2 / 3 < 0.9; without members there is no share; members nobody knows are no reason to publish."""
    rows, config = [(1, "09:01"), (2, "09:01")], a_config(coverage=0.9)
    said = "2 of 3 listings have a row, a share of 0.666667, below coverage = 0.9"
    assert findings(a_result(), config, rows, members=3)["expect.coverage"].said == said
    assert findings(a_result(), config, [], members=0)["expect.coverage"].passed
    assert not findings(a_result(), config, [], members=2)["expect.coverage"].passed
    unknown = findings(a_result(), config, rows)["expect.coverage"]
    assert (unknown.passed, unknown.said) == (
        False,
        "2 listings have a row, of a universe whose members are not known",
    )


@pytest.mark.parametrize("key", [pl.String, pl.Enum(["VOD", "BP"])])
def test_coverage_of_text_keys_and_of_no_rows(findings, a_result, a_config, key):
    config, members = a_config(coverage=1), pl.Series(["BP", "VOD"], dtype=key)
    one = findings(a_result(key=key), config, [("BP", "09:01")], members=members)["expect.coverage"]
    assert one.said.endswith("without one: VOD")
    none = findings(a_result(key=key), config, [], members=members)["expect.coverage"]
    assert none.said.startswith("0 of 2 listings have a row, a share of 0, below")
    assert none.said.endswith("without one: BP, VOD")


@pytest.fixture
def preserved(batches, a_result, a_config):
    """What `preserves_rows_of = "raw"` says of rows beside those of pass raw, given as batches."""

    def find(rows, raw):
        checks = planned_checks(a_config(preserves_rows_of="raw"), a_result(), {"raw": a_result("raw")})
        assert checks.reads == ["raw"]
        found = checks.findings(
            batches(a_result(), *rows), date(2026, 1, 5), earlier={"raw": batches(a_result("raw"), *raw)}
        )
        return next((one.passed, one.said) for one in found if one.check == "expect.preserves_rows_of")

    return find


def test_preserved_rows_may_be_cut_into_other_batches(preserved):
    rows = [(1, "09:01"), (1, "09:02"), (2, "09:01")]
    assert preserved([rows], [rows[:1], [], rows[1:]]) == (True, "3 rows, those of raw")
    assert preserved([[]], [[]]) == (True, "0 rows, those of raw")


def test_lost_and_added_rows_are_told(preserved):
    """raw has 1 at 09:02 and 2 at 09:01, which lack; 3 at 09:01 is new."""
    raw = [(1, "09:01"), (1, "09:02"), (2, "09:01")]
    lost = f"lacks 2 rows, first ListingId 1, {AT}:02:00Z"
    assert preserved([raw[:1]], [raw]) == (False, lost)
    assert preserved([raw[:1], [(3, "09:01")]], [raw]) == (
        False,
        f"{lost}, and adds 1 row, first ListingId 3, {AT}:01:00Z",
    )
    assert preserved([raw], [[]]) == (False, f"adds 3 rows, first ListingId 1, {AT}:01:00Z")


def test_rows_in_another_order_are_the_same_rows(preserved):
    raw = [(1, "09:01"), (2, "09:01")]
    assert preserved([raw[::-1]], [raw]) == (True, "the keys of raw")


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 2) | st.none(), st.integers(0, 2)), max_size=4), min_size=1, max_size=3)
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_keys_are_judged_as_a_slow_count_judges_them(findings, a_result, a_config, cut):
    """Whatever the rows, their order and their cut: passed if and only if no key is null and none stands twice."""
    placed = [[(key, f"09:0{minute}") for key, minute in batch] for batch in cut]
    rows = [row for batch in placed for row in batch]
    found = findings(a_result(), a_config(monotone=True), *placed)
    assert found["keys"].passed == (len(set(rows)) == len(rows) and all(key is not None for key, _ in rows))
    order = [(-1 if key is None else key, at) for key, at in rows]
    if all(key is not None for key, _ in rows):
        assert found["expect.monotone"].passed == (sorted(set(order)) == order)
