"""The module `iceberg` and the transform `iceberg_tags` under the laws: every measure and option at least once.

Where what an order did counts at its own time, a bucket has icebergs that only later events tell of; such passes are
sparse, with a row for every bucket that has an event.
"""

from typing import get_args

import polars as pl
import pytest
from laws.iceberg_days import FEW_ICEBERGS, ICEBERG_DAYS

from basalt import Metric, Unit, analytic
from basalt.testing import AnalyticLaws
from basalt.testing.trials import Setting
from basalt_analytics.iceberg.options import BY_DEFAULT, Measure

pytestmark = pytest.mark.slow

SIZES = [100, 500, 2000]
ALL = {
    "module": "iceberg",
    "kinds": ["All", "Native", "Synthetic"],
    "measures": [*BY_DEFAULT, "SizeSurvival"],
    "survival_sizes": SIZES,
    "min_tranches": 2,
    "market_states": "all",
}
IN_HINDSIGHT = {
    "module": "iceberg",
    "measures": list(get_args(Measure)),
    "survival_sizes": SIZES,
    "attribution": "execution",
    "imbalance_source": "HiddenVolume",
    "synthetic_size": "equal",
    "name": "{measure}Of{kind}{side}Icebergs",
}
WIDE = {
    "module": "iceberg",
    "detect": ["synthetic", "excess"],
    "synthetic_within": "30m",
    "synthetic_size": "any",
    "min_hidden": 100,
    "kinds": ["Native", "Synthetic"],
    "sides": ["Ask", "Bid"],
}
SPARSE = {"timeline": "sparse"}
LEFT = {**SPARSE, "closed": "left", "label": "start", "origin": "00:00:20"}


@analytic("trades")
def tags():
    """What prints are to icebergs."""
    yield Metric("HiddenSum", pl.col("IcebergHiddenSize").sum(), Unit.SHARES, doc="Sum over trades.")
    yield Metric("Numbers", pl.col("IcebergId").sum(), Unit.COUNT, doc="Sum over trades.", dtype=pl.Int64)
    since = pl.col("IcebergKnownAt") - pl.col("EventTimestamp")
    yield Metric("WaitMean", since.dt.total_nanoseconds().mean() / 1e9, Unit.SECONDS, doc="Mean over trades.")
    counted = {
        "Tagged": pl.col("IsIceberg"),
        "Untagged": ~pl.col("IsIceberg"),
        "Unmatched": pl.col("IsIceberg").is_null(),
        "ByTime": pl.col("IcebergMatch") == "NEAREST",
        "Renewed": pl.col("IcebergKind") == "REFILL",
    }
    for name, mask in counted.items():
        yield Metric(name, mask.sum().cast(pl.Int64), Unit.COUNT, doc="Trades of that kind.", dtype=pl.Int64)


def tagged(**options):
    return {"preprocess": [{"transform": "iceberg_tags", **options}]}


BY_TIME = tagged(tolerance="1h", match_sides=False, market_states="all", min_tranches=2)


class TestIceberg(AnalyticLaws):
    analytic = "iceberg"
    days = ICEBERG_DAYS


class TestEveryKindOfIceberg(AnalyticLaws):
    analytic = ALL
    every = "15m"
    options = {**SPARSE, "weights": True}  # noqa: RUF012
    days = FEW_ICEBERGS


class TestIcebergsInHindsight(AnalyticLaws):
    analytic = IN_HINDSIGHT
    every = "5m"
    options = {**LEFT, "weights": True}  # noqa: RUF012
    days = FEW_ICEBERGS


class TestOtherIds(AnalyticLaws):
    analytic = WIDE
    every = "15m"
    days = FEW_ICEBERGS


class TestIcebergTags(AnalyticLaws):
    analytic = tags
    every = "5m"
    options = tagged()
    days = FEW_ICEBERGS


class TestIcebergTagsByTime(AnalyticLaws):
    analytic = tags
    every = "15m"
    options = BY_TIME
    days = FEW_ICEBERGS


@pytest.mark.parametrize(
    ("analytic", "options"),
    [(ALL, SPARSE), (IN_HINDSIGHT, SPARSE), (WIDE, SPARSE), (tags, tagged()), (tags, BY_TIME)],
    ids=["all", "in hindsight", "other ids", "tags", "tags by time"],
)
def test_every_column_has_a_value_on_some_sample_day(analytic, options):
    """Without one, no law says anything about the column."""
    trials = Setting(analytic, "15m", options, days=ICEBERG_DAYS).trials()
    names = [c.name for c in trials[0].columns]
    counts = pl.concat([trial.whole.select((pl.col(names).fill_null(0) != 0).sum()) for trial in trials]).sum()
    assert [name for name in names if counts.item(0, name) == 0] == []


def test_minutes_rolled_up_are_the_coarse_buckets():
    """Every column that has a rollup over time, on a whole day; sizes of icebergs that are there when the session ends
    have a bucket of their own, without an event."""
    alone = {"quiet": ICEBERG_DAYS["quiet"]}
    coarse = Setting(ALL, "15m", SPARSE, days=alone).trials()[0]
    rolled = Setting("generic", "15m", SPARSE, source=(ALL,), days=alone).trials()[0].whole
    names = [c.name for c in coarse.columns if c.over_time.kind != "none"]
    both = coarse.whole.join(rolled, on=coarse.keys, suffix="Rolled")
    assert 0 < both.height == rolled.height - 3
    for name in names:
        found, expected = both[f"{name}Rolled"].cast(pl.Float64), both[name].cast(pl.Float64)
        assert found.to_list() == [value if value is None else pytest.approx(value, abs=1e-9) for value in expected]
