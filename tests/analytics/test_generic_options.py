"""Module generic, option by option, on a small earlier pass: one row a minute, resampled to five."""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import polars as pl
import pytest

from basalt.buckets import BucketRule
from basalt.columns import Unit
from basalt.documents import PassResult, ResultColumn
from basalt.durations import NANOSECONDS
from basalt.errors import DataError, UserError
from basalt.metrics import FIRST, LAST, MAX, MIN, NONE, SUM, Empty, Known, mean
from basalt.modules import PassContext
from basalt.tables import US_UTC
from basalt_analytics.series.generic import Generic, GenericOptions

DAY = date(2026, 1, 5)
NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
MINUTE = NANOSECONDS["m"]
FINE, COARSE = BucketRule(MINUTE), BucketRule(5 * MINUTE)
NAN, INF = math.nan, math.inf


def column(name: str, **described: Any) -> ResultColumn:
    return ResultColumn(name, described.pop("unit", Unit.PRICE), f"{name} of the source.", **described)


VOLUME = column("Volume", unit=Unit.SHARES, over_time=SUM, over_listings=SUM, empty=Empty.ZERO)
VWAP = column("VWAP", over_time=mean("Volume"), over_listings=mean("Volume").within("instrument"))
SPREAD = column("Spread", over_time=mean("SpreadWeight"))
WEIGHT = column("SpreadWeight", unit=Unit.WEIGHT, over_time=SUM, hidden=True)
MEDIAN = column("Median")
LABEL = column("Label", unit=Unit.LABEL, dtype=pl.String, over_time=LAST)


def module(
    columns: list[ResultColumn], options: Mapping[str, Any] | None = None, coarse: BucketRule = COARSE
) -> Generic:
    source = PassResult("bars", ["ListingId"], FINE, columns, [pl.Int64()])
    return Generic(GenericOptions(**(options or {})), {}, source, coarse)


def resampled(columns: list[ResultColumn], rows: Mapping[str, list[Any]], **options: Any) -> list[dict[str, Any]]:
    """`rows` by column; "Minute" are the labels after 09:00, by default 1, 2, 3, …; "ListingId" is 1 by default."""
    height = len(next(iter(rows.values())))
    given = {"Minute": list(range(1, height + 1)), "ListingId": [1] * height, **rows}
    stamps = [NINE + timedelta(minutes=m) for m in given.pop("Minute")]
    schema = {c.name: c.dtype for c in columns}
    frame = pl.LazyFrame(
        {"TimeBucket": stamps, **given}, schema={"TimeBucket": US_UTC, "ListingId": pl.Int64, **schema}
    )
    context = PassContext("coarse", DAY, ["ListingId"], COARSE)
    made = module(columns, options)
    found = made.compute({"source": frame}, context).collect().sort("ListingId", "TimeBucket")
    assert {c.name: c.dtype for c in made.columns()} == dict(list(found.schema.items())[2:])
    return found.to_dicts()


def test_every_column_goes_by_its_own_rollup():
    """Volume 1 + 3; VWAP (10·1 + 12·3) / 4 = 11.5; first 1, last 2, lowest 1, highest 2 of the rest."""
    kinds = {"First": FIRST, "Last": LAST, "Min": MIN, "Max": MAX}
    columns = [VOLUME, VWAP, *(column(n, over_time=r) for n, r in kinds.items())]
    [row] = resampled(columns, {"Volume": [1.0, 3.0], "VWAP": [10.0, 12.0], **{n: [1.0, 2.0] for n in kinds}})
    assert list(row.values())[2:] == [4, 11.5, 1, 2, 1, 2]


def test_null_rows_leave_both_sums_of_a_mean():
    """(10·1 + 14·1) / 2 = 12: the null's weight 5 is in neither; all weights 0: null."""
    rows = {"Minute": [1, 2, 3, 6], "Spread": [10.0, None, 14.0, 10.0], "SpreadWeight": [1.0, 5.0, 1.0, 0.0]}
    assert [row["Spread"] for row in resampled([SPREAD, WEIGHT], rows)] == [12, None]


def test_nan_and_infinity_are_read_as_null():
    [row] = resampled([VOLUME], {"Volume": [1.0, NAN, INF, -INF]}, aggregations={"Volume": ["sum", "count", "max"]})
    assert [row[n] for n in ("VolumeSum", "VolumeCount", "VolumeMax")] == [1, 1, 1]


def test_sum_of_nothing_is_0_only_where_the_column_says_so():
    """Volume's own empty rule is ZERO, the price's is not."""
    price = column("Price", over_time=SUM)
    [row] = resampled([VOLUME, price], {"Volume": [None], "Price": [None]})
    assert (row["Volume"], row["Price"]) == (0, None)


def test_first_and_last_skip_nulls():
    columns = [column("Open", over_time=FIRST), column("Close", over_time=LAST)]
    [row] = resampled(columns, {"Open": [None, 2.0, 3.0], "Close": [1.0, 2.0, None]})
    assert (row["Open"], row["Close"]) == (2, 2)


def test_one_value_has_no_standard_deviation():
    [row] = resampled([VOLUME], {"Volume": [1.0]}, aggregations={"Volume": "std"})
    assert row["Volume"] is None


def test_listings_stay_apart():
    rows = resampled([VOLUME], {"ListingId": [1, 1, 2], "Minute": [1, 2, 1], "Volume": [1.0, 2.0, 4.0]})
    assert [(row["ListingId"], row["Volume"]) for row in rows] == [(1, 3), (2, 4)]


def test_empty_source_gives_no_rows():
    assert resampled([VOLUME, VWAP], {"Volume": [], "VWAP": []}) == []


def test_columns_select_and_order_by_name_or_glob():
    columns = [VOLUME, column("SpreadA", over_time=SUM), column("SpreadB", over_time=SUM)]
    found = module(columns, {"columns": ["Spread*", "Volume"]}).columns()
    assert [c.name for c in found] == ["SpreadA", "SpreadB", "Volume"]


def test_default_is_every_numeric_visible_column():
    made = module([LABEL, VOLUME, SPREAD, WEIGHT])
    assert [c.name for c in made.columns() if not c.hidden] == ["Volume", "Spread"]


def test_label_named_in_aggregations_is_kept():
    [row] = resampled([LABEL, VOLUME], {"Label": ["a", "b"], "Volume": [1.0, 2.0]}, aggregations={"Label": "first"})
    assert list(row.items())[2:] == [("Label", "a"), ("Volume", 3)]


def test_label_that_is_averaged_is_refused():
    with pytest.raises(UserError, match="Label is String, and mean needs numbers"):
        module([LABEL], {"aggregations": {"Label": "mean"}})


def test_column_without_rollup_or_method_is_dropped():
    made = module([VOLUME, MEDIAN])
    assert made.dropped == ["Median"]
    assert [c.name for c in made.columns()] == ["Volume"]
    assert module([VOLUME, MEDIAN], {"aggregations": {"Median": "mean"}}).dropped == []


def test_name_wins_over_a_glob():
    rows = {"Volume": [1.0, 3.0], "Median": [1.0, 3.0]}
    [row] = resampled([VOLUME, MEDIAN], rows, aggregations={"*": "max", "Volume": "min"})
    assert (row["Volume"], row["Median"]) == (1, 3)


def test_several_methods_are_told_apart_by_the_method():
    """1 and 3: the own rollup is a sum, 4; largest 3; weighted by itself (1 + 9) / 4 = 2.5."""
    methods = ["rollup", "max", "wmean:Volume"]
    [row] = resampled([VOLUME], {"Volume": [1.0, 3.0]}, aggregations={"Volume": methods})
    assert list(row.items())[2:] == [("VolumeSum", 4), ("VolumeMax", 3), ("VolumeWmeanVolume", 2.5)]


def test_name_template():
    found = module([VOLUME], {"name": "{method}Of{column}"}).columns()
    assert [c.name for c in found] == ["SumOfVolume"]
    with pytest.raises(UserError, match=r"generic: name.*\{agg\}.*\{column\}, \{method\}"):
        module([VOLUME], {"name": "{column}{agg}"})


def test_name_that_does_not_tell_methods_apart_is_refused():
    with pytest.raises(UserError, match="generic emits Volume twice"):
        module([VOLUME], {"name": "{column}", "aggregations": {"Volume": ["min", "max"]}})


@pytest.mark.parametrize(
    ("coverage", "expected"), [(0, [3, 4]), (0.4, [3, None]), (0.41, [None, None]), (1, [None] * 2)]
)
def test_min_coverage_nulls_cells_with_too_few_source_buckets(coverage, expected):
    """Of 5 source buckets a cell the first has 2 (0.4) and the second 1 (0.2)."""
    rows = resampled([VOLUME], {"Minute": [1, 2, 6], "Volume": [1.0, 2.0, 4.0]}, min_coverage=coverage)
    assert [row["Volume"] for row in rows] == expected


@pytest.mark.parametrize("coverage", [-0.1, 1.1])
def test_min_coverage_that_is_no_share_is_refused(coverage):
    with pytest.raises(UserError, match="min_coverage"):
        module([VOLUME], {"min_coverage": coverage})


def test_weight_that_the_result_sums_is_the_weight_of_the_result():
    made = module([VOLUME, VWAP])
    vwap = made.columns()[1]
    assert (vwap.over_time.kind, vwap.over_time.weight) == ("mean", "Volume")
    assert (vwap.over_listings.weight, vwap.over_listings.limit) == ("Volume", "instrument")
    assert [c.name for c in made.columns()] == ["Volume", "VWAP"]


def test_weight_that_the_result_does_not_sum_comes_along_hidden():
    """Only VWAP is selected; or the volume is, by another method; or the source's weight is hidden itself."""
    assert [(c.name, c.hidden) for c in module([VOLUME, VWAP], {"columns": ["VWAP"]}).columns()] == [
        ("VWAP", False),
        ("VWAPWeight", True),
    ]
    found = module([VOLUME, VWAP], {"aggregations": {"Volume": "max"}}).columns()
    assert [(c.name, c.hidden) for c in found] == [("Volume", False), ("VWAP", False), ("VWAPWeight", True)]
    assert [c.name for c in module([SPREAD, WEIGHT]).columns()] == ["Spread", "SpreadWeight"]


def test_hidden_weight_is_that_of_the_values_there_so_that_two_steps_equal_one():
    """Weights 1 and 2 have a value, 4 has none: 3."""
    rows = {"Spread": [10.0, 14.0, None], "SpreadWeight": [1.0, 2.0, 4.0]}
    assert resampled([SPREAD, WEIGHT], rows)[0]["SpreadWeight"] == 3


def test_missing_weight_is_refused():
    with pytest.raises(UserError, match=r"mean of VWAP is weighted by 'Volume', which pass 'bars' does not have"):
        module([VWAP])


def test_negative_weight_stops_the_run():
    with pytest.raises(DataError, match=r"bars\.Signed is -2\.0"):
        resampled(
            [VOLUME, column("Signed", over_time=SUM)],
            {"Volume": [1.0, 2.0], "Signed": [1.0, -2.0]},
            aggregations={"Volume": "wmean:Signed"},
        )


def test_description_is_carried_on():
    """Unit, lag, lineage: of the column, the later of column and weight, and both."""
    late = column("Late", unit=Unit.BPS, over_time=mean("W"), known_after=timedelta(seconds=1), citation="Own 1999")
    weight = column("W", over_time=SUM, known_after=timedelta(seconds=5))
    found = module([late, weight]).columns()[0]
    assert (found.unit, found.known_after, found.citation) == (Unit.BPS, timedelta(seconds=5), "Own 1999")
    assert list(found.reads) == ["bars.Late", "bars.W"]
    assert found.doc == "Late of the source. Over wider buckets: mean weighted by W."


def deep(columns: list[ResultColumn], *options: Mapping[str, Any]) -> list[ResultColumn]:
    """The visible columns after one pass of the module for each of these options, each twice as wide as the last."""
    for n, configured in enumerate(options):
        source = PassResult(f"pass{n}", ["ListingId"], BucketRule(2**n * MINUTE), columns, [pl.Int64()])
        columns = Generic(GenericOptions(**configured), {}, source, BucketRule(2 ** (n + 1) * MINUTE)).columns()
    return [c for c in columns if not c.hidden]


@pytest.mark.parametrize("passes", [1, 2, 3])
def test_sentence_after_three_passes_is_that_after_one(passes):
    """The second and third pass weigh the spread by its hidden weight, whatever the first weighed it by."""
    found = deep([VOLUME, VWAP, SPREAD, WEIGHT], *[{}] * passes)
    assert [c.doc for c in found] == [
        "Volume of the source. Over wider buckets: sum.",
        "VWAP of the source. Over wider buckets: mean weighted by Volume.",
        "Spread of the source. Over wider buckets: mean weighted by SpreadWeight.",
    ]
    [alone] = deep([VOLUME, VWAP], *[{"columns": ["VWAP"]}] * passes)
    assert alone.doc == "VWAP of the source. Over wider buckets: mean weighted by Volume."


def test_sentence_names_each_resampling_that_is_another():
    """The highest of a mean's means, and a mean of means, which is not the mean of all."""
    by = [{"aggregations": {"Median": method}} for method in ("mean", "mean", "max", "max")]
    docs = [deep([MEDIAN], *by[:n])[0].doc for n in (1, 2, 3, 4)]
    first = "Median of the source. Over wider buckets: plain mean over buckets"
    second = f"{first}, then plain mean over buckets"
    assert docs == [f"{first}.", f"{second}.", f"{second}, then highest.", f"{second}, then highest."]


def test_sentence_without_a_full_stop_gets_one():
    [found] = deep([attrs.evolve(VOLUME, doc="What traded")], {})
    assert found.doc == "What traded. Over wider buckets: sum."


def test_sign_is_carried_on_by_methods_that_keep_it():
    """A count and a standard deviation are never negative."""
    flow = column("Flow", over_time=SUM, sign="+ when more is bought")
    kept = ["sum", "mean", "first", "last", "min", "max", "median", "wmean:Volume"]
    found = deep([flow, VOLUME], {"aggregations": {"Flow": [*kept, "count", "std"]}})
    assert [c.sign for c in found if c.name.startswith("Flow")] == ["+ when more is bought"] * 8 + [None, None]
    assert deep([flow], {}, {}, {})[0].sign == "+ when more is bought"


def test_what_is_known_when_the_date_is_over_stays_so():
    found = module([column("Day", over_time=LAST, known_after=Known.END_OF_DATE)]).columns()[0]
    assert found.known_after is Known.END_OF_DATE


@pytest.mark.parametrize(
    ("method", "over_time", "empty", "unit"),
    [
        ("sum", "sum", Empty.ZERO, Unit.SHARES),
        ("mean", "none", Empty.NULL, Unit.SHARES),
        ("first", "first", Empty.NULL, Unit.SHARES),
        ("last", "last", Empty.NULL, Unit.SHARES),
        ("min", "min", Empty.NULL, Unit.SHARES),
        ("max", "max", Empty.NULL, Unit.SHARES),
        ("count", "sum", Empty.ZERO, Unit.COUNT),
        ("std", "none", Empty.NULL, Unit.SHARES),
        ("median", "none", Empty.NULL, Unit.SHARES),
        ("wmean:Volume", "mean", Empty.NULL, Unit.SHARES),
    ],
)
def test_declaration_of_each_method(method, over_time, empty, unit):
    """One word stands for time and listings, except first and last, which have none over listings."""
    found = module([VOLUME], {"aggregations": {"Volume": method}}).columns()[0]
    assert (found.over_time.kind, found.empty, found.unit) == (over_time, empty, unit)
    assert found.over_listings.kind == ("none" if over_time in ("first", "last") else over_time)
    assert found.formula


def test_own_rollup_keeps_the_rollup_over_listings():
    """A last that adds up over listings within one currency goes on doing so; over time it is a last."""
    value = column("Value", unit=Unit.CURRENCY, over_time=LAST, over_listings=SUM.within("currency"))
    found = module([value]).columns()[0]
    assert (found.over_time.kind, found.over_listings.kind, found.over_listings.limit) == ("last", "sum", "currency")
    none = module([column("X", over_time=LAST, over_listings=NONE)]).columns()[0]
    assert none.over_listings.kind == "none"


@pytest.mark.parametrize(
    ("coarse", "said"),
    [
        (BucketRule(90 * NANOSECONDS["s"]), "every = '90s' is no whole multiple of the source's '1m'"),
        (BucketRule(5 * MINUTE, label="start"), "label = 'start' must be the source's 'end'"),
        (BucketRule(5 * MINUTE, closed="left"), "closed = 'left' must be the source's 'right'"),
        (BucketRule(5 * MINUTE, origin=3 * MINUTE), "origin = 3m must be the source's 0s"),
    ],
)
def test_buckets_that_are_not_made_of_the_source_s_are_refused(coarse, said):
    with pytest.raises(UserError, match=said):
        module([VOLUME], coarse=coarse)


def test_unknown_column_method_and_unmatched_glob_are_refused_with_what_there_is():
    with pytest.raises(UserError, match=r"columns names 'Volumes'.*did you mean 'Volume'.*'Volume' and 'VWAP'"):
        module([VOLUME, VWAP], {"columns": ["Volumes"]})
    with pytest.raises(UserError, match=r"aggregations names 'Spread\*'"):
        module([VOLUME], {"aggregations": {"Spread*": "mean"}})
    with pytest.raises(UserError, match=r"'average' is no method of column Volume.*'wmean:Column'"):
        module([VOLUME], {"aggregations": {"Volume": "average"}})
    with pytest.raises(UserError, match="is weighted by 'W'"):
        module([VOLUME], {"aggregations": {"Volume": "wmean:W"}})


def test_aggregation_of_a_column_that_is_not_selected_is_refused():
    with pytest.raises(UserError, match="aggregations names 'Volume'"):
        module([VOLUME, VWAP], {"columns": ["VWAP"], "aggregations": {"Volume": "max"}})
