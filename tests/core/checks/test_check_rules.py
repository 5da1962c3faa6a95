"""Rules between the keys of checks, as a pipeline file breaks them; and how bounds of timestamps are written."""

from datetime import date

import pytest

from basalt.config.check_rules import broken_checks
from basalt.config.explain import sentence
from basalt.config.model import PassConfig
from basalt.config.moments import nanoseconds
from basalt.config.structure import structure
from basalt.durations import DAY, NANOSECONDS
from basalt.errors import UserError


def broken(tree):
    tree = {"name": "bars", **tree}
    config = structure(PassConfig, tree, "passes.bars")
    return [sentence(one, {"passes": [tree]}) for one in broken_checks(config, 0)]


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"quality": [{"max_null_rate": 0}, {"max_null_rate": 1}, {"min": 0, "max": 0}, {"min_rows": 5, "max_rows": 5}]},
        {"quality": [{"columns": ["A"], "min": "08:00", "max": "24:00"}]},
        {"quality": [{"columns": "A", "min": "2026-01-05T08:00Z", "max": "2026-01-06T08:00:00.5Z"}]},
        {"quality": [{"columns": "A", "min": "2026-01-05T08:00Z", "max": "07:00"}]},
        {"quality": [{"columns": "A", "max_null_rate": 0.5, "min_rows": 0, "on_fail": "warn"}]},
        {"expect": {"coverage": 1, "on_fail": "warn"}},
        {"expect": {"monotone": True, "preserves_rows_of": "x"}},
    ],
)
def test_checks_that_break_no_rule(tree):
    assert broken(tree) == []


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({}, " checks nothing: add one of max_null_rate, min, max, min_rows, max_rows"),
        ({"columns": "A"}, " checks nothing: add one of max_null_rate, min, max, min_rows, max_rows"),
        (
            {"columns": "A", "min_rows": 1},
            ".columns has no effect on min_rows: leave it out, or add one of max_null_rate, min, max",
        ),
        ({"columns": [], "min": 1}, ".columns = [] names no column: name one, or leave the key out"),
        ({"max_null_rate": 20}, ".max_null_rate = 20.0 must be a share from 0 to 1, as 0.2"),
        ({"max_null_rate": -0.1}, ".max_null_rate = -0.1 must be a share from 0 to 1, as 0.2"),
        ({"min_rows": -1}, ".min_rows = -1 must be 0 or more"),
        ({"min_rows": 2, "max_rows": 1}, ".max_rows = 1 is below min_rows = 2: swap them"),
        ({"min": 2, "max": 1}, ".max = 1.0 is below min = 2.0: swap them"),
        ({"min": "16:30", "max": "08:00"}, ".max = '08:00' is below min = '16:30': swap them"),
        (
            {"min": 0, "max": "08:00"},
            ".max = '08:00' beside min = 0.0: no column holds numbers and times, make two entries",
        ),
    ],
)
def test_an_entry_that_breaks_a_rule_is_told_with_its_place(entry, said):
    assert broken({"quality": [{"min_rows": 1}, entry]}) == [f"passes.bars.quality[1]{said}"]


def test_expectations_that_break_a_rule_are_told():
    assert broken({"expect": {"coverage": 1.5}}) == [
        "passes.bars.expect.coverage = 1.5 must be a share from 0 to 1, as 0.2"
    ]
    assert broken({"expect": {"on_fail": "warn"}}) == [
        "passes.bars.expect.on_fail = 'warn' has nothing to warn of, as keys that are not unique always raise: "
        "add coverage, preserves_rows_of or monotone, or leave it out"
    ]


@pytest.mark.parametrize(
    "value", ["8:00", "08:00Z", "2026-01-05", "2026-01-05T08:00", "2026-02-30T08:00Z", "24:01", "x"]
)
def test_a_bound_that_is_no_moment_is_refused_with_its_key(value):
    with pytest.raises(UserError, match=r"^passes.bars.quality\[0\].min: ") as caught:
        structure(PassConfig, {"name": "bars", "quality": [{"columns": "A", "min": value}]}, "passes.bars")
    assert "write it as" in str(caught.value) or "no date of the calendar" in str(caught.value)


@pytest.mark.parametrize("value", [True, [1]])
def test_a_bound_is_a_number_or_a_moment(value):
    with pytest.raises(UserError) as caught:
        structure(PassConfig, {"name": "bars", "quality": [{"columns": "A", "min": value}]}, "passes.bars")
    said = str(caught.value)
    assert said.endswith("must be a number or a UTC stamp or a UTC time of day, as '08:00'")


def test_moments_are_nanoseconds_since_the_epoch():
    """2 January 1970 begins 86,400 s after the epoch; 00:00:00.5 is half a second more; 24:00 a whole day."""
    second = NANOSECONDS["s"]
    day = date(1970, 1, 2)
    assert nanoseconds("00:00:00.5", day) == DAY + second // 2
    assert nanoseconds("24:00", day) == 2 * DAY
    assert nanoseconds("1970-01-03T00:00:01Z", day) == 2 * DAY + second
