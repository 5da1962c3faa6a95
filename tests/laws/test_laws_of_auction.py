"""The module `auction` and the transform `auction_uncross` under the laws: every measure and option at least once.

The passes are sparse, as they are by default: a message is in force, and has a row, in every bucket until the next.
Where indications are made at edges of buckets the pass names hours, so that a call which is still on has an end.
"""

import polars as pl
import pytest
from auctions import EVERYTHING
from few_days import FEW
from laws.test_laws_of_transforms import with_cbbo

from basalt.testing import AnalyticLaws
from basalt.testing.days import DAYS
from basalt.testing.trials import Setting

pytestmark = pytest.mark.slow

SPARSE = {"timeline": "sparse"}
ALL = {"module": "auction", "measures": EVERYTHING}
AFTER = {
    "module": "auction",
    "measures": EVERYTHING[::-1],
    "reference": "after",
    "reference_lag": "90s",
    "max_message_age": "20s",
    "phases": ["CLOSING_AUCTION", "HALTED", "OPENING_AUCTION"],
    "name": "Call{measure}",
}
COLUMN = {"module": "auction", "measures": ["Dislocation", "Final"], "reference": "column"}
BEST = {"module": "auction", "measures": ["Dislocation"], "quotes": "cbbo", "reference_lag": "0s"}
BESIDE = {name: with_cbbo(day) for name, day in FEW.items()}
LEFT = {**SPARSE, "closed": "left", "label": "start"}
SHIFTED = {**LEFT, "origin": "00:00:20"}


WITH_REFERENCE = {"module": "auction", "measures": ["Indicative", "IndicativeTWA", "Path", "Imbalance", "ToReference"]}
HOURS = {"start": "07:00", "end": "18:00", "tz": "UTC"}
OF_ORDERS = {"module": "auction", "measures": ["Indicative", "IndicativeTWA", "Path", "Imbalance"]}


def uncrossed(**options):
    return {**SPARSE, "preprocess": [{"transform": "auction_uncross", **options}]}


AT_EDGES = {**uncrossed(), "session": HOURS}
BY_TICKS = {
    **uncrossed(candidates="ticks", reference="last_trade", phases=["CLOSING_AUCTION", "OPENING_AUCTION"]),
    "session": HOURS,
    "closed": "left",
}
BY_EVENT = uncrossed(emit="event", reference="imbalance")


class TestAuction(AnalyticLaws):
    analytic = ALL
    options = SPARSE


class TestAuctionAsConfiguredByDefault(AnalyticLaws):
    analytic = "auction"
    every = "7m"
    options = SHIFTED
    days = FEW


class TestAuctionAgainstWhatComesAfter(AnalyticLaws):
    analytic = AFTER
    every = "15s"
    options = LEFT
    days = FEW


class TestAuctionAgainstTheReferencePrice(AnalyticLaws):
    analytic = COLUMN
    options = SPARSE
    days = FEW


class TestAuctionAgainstBestQuotes(AnalyticLaws):
    analytic = BEST
    options = SPARSE
    days = BESIDE


class TestUncrossAtEdges(AnalyticLaws):
    analytic = OF_ORDERS
    options = AT_EDGES
    days = FEW


class TestUncrossByTicks(AnalyticLaws):
    analytic = OF_ORDERS
    every = "90s"
    options = BY_TICKS
    days = FEW


class TestUncrossByEvent(AnalyticLaws):
    analytic = WITH_REFERENCE
    options = BY_EVENT


@pytest.mark.parametrize(
    ("analytic", "options", "days"),
    [
        (ALL, SPARSE, DAYS),
        (AFTER, SPARSE, DAYS),
        (COLUMN, SPARSE, DAYS),
        (BEST, SPARSE, BESIDE),
        (OF_ORDERS, AT_EDGES, FEW),
        (OF_ORDERS, BY_TICKS, FEW),
        (WITH_REFERENCE, BY_EVENT, DAYS),
    ],
    ids=["all", "after", "column", "best quotes", "at edges", "by ticks", "by event"],
)
def test_every_column_has_a_value_on_some_sample_day(analytic, options, days):
    """Without one, no law says anything about the column."""
    trials = Setting(analytic, "1m", options, days=days).trials()
    names = [c.name for c in trials[0].columns]
    counts = pl.concat([trial.whole.select(pl.col(names).count()) for trial in trials]).sum()
    assert [name for name in names if counts.item(0, name) == 0] == []


def test_minutes_rolled_up_are_the_coarse_buckets():
    """Every column that has a rollup over time, on a whole day; a price that a later message takes back is not one."""
    alone = {"quiet": DAYS["quiet"]}
    coarse = Setting(ALL, "10m", SPARSE, days=alone).trials()[0]
    rolled = Setting("generic", "10m", source=(ALL,), days=alone).trials()[0].whole
    names = [c.name for c in coarse.columns if c.over_time.kind != "none"]
    both = coarse.whole.join(rolled, on=coarse.keys, suffix="Rolled")
    assert both.height == rolled.height > 0
    for name in names:
        found, expected = both[f"{name}Rolled"].cast(pl.Float64), both[name].cast(pl.Float64)
        assert found.to_list() == [value if value is None else pytest.approx(value, abs=1e-9) for value in expected]
