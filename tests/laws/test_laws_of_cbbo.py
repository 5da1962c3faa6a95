"""The module `cbbo` under the laws: every measure and option at least once.

On a sparse timeline: the module has rows of quiet buckets too, for dense ones, and where no hours are known it takes a
later row to tell that a bucket without any was still of the day.
"""

from functools import cache

import polars as pl
import pytest

from basalt.testing import AnalyticLaws
from basalt.testing.days import DAYS
from basalt.testing.trials import Setting

pytestmark = pytest.mark.slow

PLAIN = ["TimeAtBest", "QuantityAtBest", "QuantityWhenAtBest", "QuoteShare", "QuoteShareMean", "DistanceToBest"]


def with_best(day):
    """The sample day with a best of each instrument that is its primary listing's book, at times a tick better, with
    one venue or two at it."""

    @cache
    def made():
        tables = day()
        primary = tables["reference"].filter("IsPrimary").select("ListingId", "InstrumentId")
        quotes = tables["l2"].join(primary, on="ListingId").sort("InstrumentId", "EventTimestamp", maintain_order=True)
        place, better = pl.int_range(pl.len()), pl.col("BidPrice1") * 1e-4
        best = quotes.select(
            "InstrumentId",
            "EventTimestamp",
            BidPrice1=pl.when(place % 4 == 1).then(pl.col("BidPrice1") + better).otherwise("BidPrice1"),
            AskPrice1=pl.when(place % 5 == 2).then(pl.col("AskPrice1") - better).otherwise("AskPrice1"),
            BidQuantity1=pl.when(place % 11 != 3).then(pl.col("BidQuantity1") + 100),
            AskQuantity1="AskQuantity1",
            BidVenues=place % 2 + 1,
            AskVenues=place % 3,
        )
        return tables | {"cbbo": best}

    return made


WITH_BEST = {name: with_best(day) for name, day in DAYS.items()}
FEW = {name: WITH_BEST[name] for name in ("ties", "halt", "nulls")}
EVERY = {
    "module": "cbbo",
    "measures": [*PLAIN, "Locked", "Crossed"],
    "quantity_aggs": ["TWA", "Min", "Max", "Median"],
    "time_units": ["Ratio", "Seconds"],
}
OTHERWISE = {
    **EVERY,
    "invalid_cbbo": "include",
    "cbbo_shift": "600us",
    "market_states": "all",
    "name": "{side}{measure}{agg}",
}
ALONE = {
    "module": "cbbo",
    "measures": ["TimeAtBest", "ExclusiveTimeAtBest"],
    "sides": ["Bid", "Ask", "Both"],
    "time_units": ["Seconds", "Ratio"],
}
SPARSE = {"timeline": "sparse"}
SHIFTED = {**SPARSE, "closed": "left", "label": "start", "origin": "00:00:20"}
OF_VENUES = {**EVERY, "measures": [*EVERY["measures"], "ExclusiveTimeAtBest"]}
CONSOLIDATED = {**SPARSE, "preprocess": [{"transform": "consolidated_book", "top_n": 1}]}


class TestCbbo(AnalyticLaws):
    analytic = EVERY
    every = "15m"
    options = SPARSE
    days = WITH_BEST


class TestCbboOtherwise(AnalyticLaws):
    analytic = OTHERWISE
    every = "1h"
    options = SHIFTED
    days = FEW


class TestCbboAsConfiguredByDefault(AnalyticLaws):
    analytic = "cbbo"
    every = "30m"
    options = SPARSE
    days = FEW


class TestExclusiveTime(AnalyticLaws):
    analytic = ALONE
    every = "30m"
    options = SPARSE
    days = FEW


class TestCbboOfConsolidatedBooks(AnalyticLaws):
    analytic = OF_VENUES
    every = "30m"
    options = CONSOLIDATED
    days = FEW


@pytest.mark.parametrize(("analytic", "days"), [(EVERY, WITH_BEST), (OTHERWISE, FEW), (ALONE, FEW)])
def test_every_column_has_a_value_on_some_sample_day(analytic, days):
    """Without one, no law says anything about the column."""
    trials = Setting(analytic, "30m", days=days).trials()
    names = [c.name for c in trials[0].columns]
    counts = pl.concat([trial.whole.select((pl.col(names).fill_null(0) != 0).sum()) for trial in trials]).sum()
    assert [name for name in names if counts.item(0, name) == 0] == []
