"""Module generic: G1 (the coarse label), G2 (the methods), and fixture F's 10 s bars rolled up in a pipeline."""

from datetime import UTC, date, datetime, time

import polars as pl
import pytest

import basalt
from basalt.buckets import BucketRule
from basalt.columns import Unit
from basalt.documents import PassResult, ResultColumn
from basalt.durations import parse_duration
from basalt.metrics import MAX, SUM
from basalt.modules import PassContext
from basalt.tables import US_UTC
from basalt_analytics.series.generic import Generic, GenericOptions

DAY = date(2026, 1, 5)


def rule(every, label="end", origin="0s"):
    return BucketRule(parse_duration(every), label=label, origin=parse_duration(origin))


def resampled(data, labels, fine, coarse, **options):
    """The source's columns at these labels (hh:mm), resampled by the module."""
    source = PassResult("bars", ["ListingId"], fine, [ResultColumn(n, Unit.PRICE, n, over_time=SUM) for n in data])
    stamps = [datetime.combine(DAY, time.fromisoformat(label), UTC) for label in labels]
    rows = pl.LazyFrame({"ListingId": 1, "TimeBucket": stamps, **data}).cast({"TimeBucket": US_UTC})
    module = Generic(GenericOptions(**options), {}, source, coarse)
    context = PassContext("quarters", DAY, ["ListingId"], coarse)
    return module.compute({"source": rows}, context).collect().sort("TimeBucket")


@pytest.mark.parametrize(
    ("label", "origin", "fine", "coarse"),
    [
        ("end", "0s", ["09:01", "09:14", "09:15", "09:16"], {"09:15": 3, "09:30": 1}),
        ("start", "0s", ["09:00", "09:14", "09:15", "09:29"], {"09:00": 2, "09:15": 2}),
        ("end", "543m", ["09:04", "09:18", "09:19"], {"09:18": 2, "09:33": 1}),
    ],
)
def test_g1_the_coarse_label_follows_from_the_fine_one(label, origin, fine, coarse):
    """W = 15 min. End labels: T' = ceil, so 09:15 stays and 09:16 goes on; start labels: T' = floor.
    Origin 09:03 (543 min): quarters end at 09:18 and 09:33. Counted here are the fine labels in each quarter."""
    found = resampled(
        {"X": [1.0] * len(fine)},
        fine,
        rule("1m", label, origin),
        rule("15m", label, origin),
        aggregations={"X": "count"},
    )
    assert dict(zip(found["TimeBucket"].dt.strftime("%H:%M"), found["X"], strict=True)) == coarse


def test_g2_every_method_over_the_non_null_values():
    """x = 10, 12, null, 11 with m = 100, 300, 50, 0: mean 33/3 = 11, std √((1 + 1 + 0)/2) = 1, median 11,
    wmean (1000 + 3600 + 0) / (100 + 300 + 0) = 11.5 (the null's 50 is in neither sum), count 3, first 10, last 11."""
    methods = ["mean", "std", "median", "wmean:M", "count", "first", "last", "sum", "min", "max"]
    data = {"X": [10.0, 12.0, None, 11.0], "M": [100.0, 300.0, 50.0, 0.0]}
    labels = ["09:01", "09:02", "09:03", "09:04"]
    found = resampled(data, labels, rule("1m"), rule("5m"), columns=["X"], aggregations={"X": methods})
    names = ["XMean", "XStd", "XMedian", "XWmeanM", "XCount", "XFirst", "XLast", "XSum", "XMin", "XMax"]
    assert found.select(names).rows() == [(11.0, 1.0, 11.0, 11.5, 3, 10.0, 11.0, 33.0, 10.0, 12.0)]


PIPELINE = """
name = "golden"
[source]
type = "parquet"
root = "data"
[[outputs]]
type = "parquet"
root = "out"
[[passes]]
name = "fine"
every = "10s"
[[passes.modules]]
module = "trade"
generic = [{ measures = ["Volume", "Count", "VWAP", "OHLC", "AvgPrice", "MedianPrice"] }]
[[passes.modules]]
module = "l2"
spreads = [{ variants = ["Bps"], aggregations = ["Last", "Mean"] }]
[[passes]]
name = "coarse"
every = "20s"
[[passes.modules]]
module = "generic"
source = "fine"
[[passes]]
name = "direct"
every = "20s"
[[passes.modules]]
module = "trade"
generic = [{ measures = ["Volume", "Count", "VWAP", "OHLC", "AvgPrice"] }]
[[passes.modules]]
module = "l2"
spreads = [{ variants = ["Bps"], aggregations = ["Last", "Mean"] }]
"""


@pytest.fixture(name="run")
def run_(tmp_path, f_trades, f_quotes, f_states):
    for name, frame in {"trades": f_trades, "l2": f_quotes, "marketstate": f_states}.items():
        (tmp_path / "data" / name / f"date={DAY}").mkdir(parents=True)
        frame.write_parquet(tmp_path / "data" / name / f"date={DAY}" / "part.parquet")
    (tmp_path / "pipeline.toml").write_text(PIPELINE)
    result = basalt.run(tmp_path / "pipeline.toml")
    assert not result.failed
    return result


def test_f_rolled_up_from_10_to_20_seconds_by_each_column_s_rollup(run, bars):
    """F's 10 s bars :10 and :20 make :20. Volume 510 + 150 = 660, count 6 + 4 = 10; VWAP (51012.8 + 15005.2) / 660
    = 100.027272727; open 100.04, high 100.06, low 100.00, close 100.06; average price (600.175 + 400.11) / 10;
    spread: last 3.99840063974, mean by rows (3·2.99925020744 + 2·1.99920031987) / 5 = 2.59923025241."""
    found = bars(run.scan("coarse").collect())[20]
    assert (found["TradeTotalVolume"], found["TradeTotalCount"]) == (660, 10)
    assert found["TradeTotalVWAP"] == pytest.approx(66018 / 660, rel=1e-12)
    edges = ("Open", "High", "Low", "Close")
    assert [found[f"TradeTotal{e}"] for e in edges] == [100.04, 100.06, 100.00, 100.06]
    assert found["TradeTotalAvgPrice"] == pytest.approx(1000.285 / 10, rel=1e-12)
    assert found["SpreadBps"] == pytest.approx(3.99840063974, abs=1e-11)
    assert found["SpreadBpsMean"] == pytest.approx((3 * 2.99925020744 + 2 * 1.99920031987) / 5, abs=1e-10)


def test_f_rolled_up_equals_f_computed_at_the_coarse_width(run, bars):
    """What carries a rollup over time gives in two steps what it gives in one."""
    rolled, direct = bars(run.scan("coarse").collect()), bars(run.scan("direct").collect())
    assert list(rolled) == list(direct) == [0, 20]
    for label, bar in direct.items():
        for column, value in bar.items():
            if isinstance(value, float):
                assert rolled[label][column] == pytest.approx(value, rel=1e-12), column
            else:
                assert rolled[label][column] == value, column


def test_flags_roll_up_by_their_own_rollup():
    """Whether any of the buckets had it: none of the first two, one of the others; null where none tells."""
    flag = ResultColumn("Deep", Unit.FLAG, "Deep.", pl.Boolean, over_time=MAX)
    source = PassResult("bars", ["ListingId"], rule("1m"), [flag])
    stamps = [datetime.combine(DAY, time(9, minute), UTC) for minute in range(1, 7)]
    rows = pl.LazyFrame({"ListingId": 1, "TimeBucket": stamps, "Deep": [False, False, True, None, None, None]})
    module = Generic(GenericOptions(), {}, source, rule("2m"))
    context = PassContext("pairs", DAY, ["ListingId"], rule("2m"))
    found = module.compute({"source": rows.cast({"TimeBucket": US_UTC})}, context).collect().sort("TimeBucket")
    assert found["Deep"].to_list() == [False, True, None]


def test_f_column_without_a_rollup_is_dropped_and_the_plan_says_so(run):
    """A median has no rollup over time."""
    assert "TradeTotalMedianPrice" in run.scan("fine").collect_schema()
    assert "TradeTotalMedianPrice" not in run.scan("coarse").collect_schema()
    assert any("TradeTotalMedianPrice" in note for note in run.plan.program("coarse").notes)
