"""Checks that name what a pass does not have are refused while planning."""

import polars as pl
import pytest

from basalt.buckets import BucketRule
from basalt.checks.planned import planned_checks
from basalt.durations import NANOSECONDS
from basalt.errors import UserError
from basalt.tables import US_UTC


@pytest.fixture
def result(a_result):
    return a_result(
        SpreadBps=pl.Float64, SpreadAbs=pl.Float64, Side=pl.String, LastTime=US_UTC, SpreadWeight=pl.Float64
    )


def refused(config, result, results=None):
    with pytest.raises(UserError) as caught:
        planned_checks(config, result, results or {})
    return str(caught.value)


def columns_of(checks, check):
    return next(list(rule.columns) for rule in checks.rules if rule.check == check)


@pytest.mark.parametrize(
    ("columns", "chosen"),
    [
        ("*", ["ListingId", "TimeBucket", "SpreadBps", "SpreadAbs", "Side", "LastTime"]),
        ("Spread*", ["SpreadBps", "SpreadAbs"]),
        (["Side", "Spread???", "SpreadBps"], ["SpreadBps", "SpreadAbs", "Side"]),
        ("SpreadWeight", ["SpreadWeight"]),
        ("[ST]*e*", ["TimeBucket", "SpreadBps", "SpreadAbs", "Side"]),
        ("ListingId", ["ListingId"]),
    ],
)
def test_patterns_choose_visible_columns_and_keys_in_order(a_config, result, columns, chosen):
    checks = planned_checks(a_config([{"columns": columns, "max_null_rate": 0}]), result, {})
    assert columns_of(checks, "quality[0].max_null_rate") == chosen


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("SpreadBpps", "'SpreadBpps' matches no column of the pass (did you mean 'SpreadBps'?): it has ListingId, "),
        (
            "spread*",
            "'spread*' matches no column of the pass (did you mean 'SpreadBps'?): it has ListingId, TimeBucket, "
            "SpreadBps, SpreadAbs, Side, LastTime",
        ),
        (["Side", "Depth"], "'Depth' matches no column of the pass: it has "),
        ("*Weight", "'*Weight' matches no column of the pass"),
    ],
)
def test_a_name_or_pattern_that_matches_nothing_is_refused(a_config, result, columns, said):
    config = a_config([{"min_rows": 1}, {"columns": columns, "max_null_rate": 0}])
    assert refused(config, result).startswith(f"passes.bars.quality[1].columns = {said}")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            {"columns": "S*", "min": 0},
            "min = 0.0 is a number, and column Side is String: name columns that hold numbers; those among the columns "
            "are SpreadBps, SpreadAbs",
        ),
        (
            {"columns": "LastTime", "max": 5},
            "max = 5.0 is a number, and column LastTime is Datetime(time_unit='us', time_zone='UTC'): name columns "
            "that hold numbers; none of the columns does",
        ),
        (
            {"columns": ["LastTime", "SpreadBps"], "max": "16:30"},
            "max = '16:30' is a time, and column SpreadBps is Float64: name columns that hold timestamps; those among "
            "the columns are LastTime",
        ),
    ],
)
def test_a_bound_that_a_column_cannot_be_compared_with_is_refused(a_config, result, entry, said):
    assert refused(a_config([entry]), result) == f"passes.bars.quality[0].{said}"


def test_preserved_rows_are_those_of_an_earlier_pass(a_config, a_result):
    place = "passes.bars.expect.preserves_rows_of = 'raws'"
    config = a_config(preserves_rows_of="raws")
    assert refused(config, a_result()) == f"{place} is no earlier pass: no pass comes before this one"
    assert refused(config, a_result(), {"raw": a_result("raw"), "x": a_result("x")}) == (
        f"{place} is no earlier pass (did you mean 'raw'?): earlier passes are 'raw' and 'x'"
    )


def test_preserved_rows_have_the_same_keys_and_buckets(a_config, a_result):
    place = "passes.bars.expect.preserves_rows_of = 'raw'"
    config = a_config(preserves_rows_of="raw")
    text = {"raw": a_result("raw", key=pl.String)}
    assert refused(config, a_result(), text) == (
        f"{place} has other keys, ListingId String, than this pass, ListingId Int64: name a pass that has the same"
    )
    for rule, said in (
        (None, "one a date"),
        (BucketRule(NANOSECONDS["m"], label="start"), "every 1m, label start, closed right"),
    ):
        assert refused(config, a_result(), {"raw": a_result("raw", rule=rule)}) == (
            f"{place} has other buckets, {said}, than this pass, every 1m, label end, closed right: "
            "name a pass that has the same"
        )
    assert planned_checks(config, a_result(rule=None), {"raw": a_result("raw", rule=None)}).reads == ["raw"]


def test_members_are_needed_for_coverage_alone(a_config, a_result):
    assert planned_checks(a_config(coverage=0.5), a_result(), {}).needs_members
    assert not planned_checks(a_config(monotone=True), a_result(), {}).needs_members
