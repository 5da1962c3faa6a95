"""The module `l3_characteristics` under the laws, on days whose orders do not fit and whose files are out of order."""

from functools import cache

import polars as pl
import pytest
from few_days import FEW

from basalt.tables import STATE
from basalt.testing import AnalyticLaws
from basalt.testing.days import DAYS
from basalt.testing.differences import differences
from basalt.testing.trials import Setting
from basalt_analytics.characteristics.orders import facts

pytestmark = pytest.mark.slow

ROW = pl.int_range(pl.len()).over("ListingId")
UPDATED = pl.col("Action") == "Update"


def odd(day):
    """The day with orders of other names, updates of nothing, events of several rows, further states, numbers that are
    missing, places that do not fit, and a file in which rows change places."""

    @cache
    def made():
        tables = day()
        state = pl.when(ROW % 31 == 4).then(pl.lit("PRE_OPEN")).when(ROW % 31 == 9).then(pl.lit("POST_TRADE"))
        state = state.when(ROW % 31 == 14).then(pl.lit("INTRADAY_AUCTION")).when(ROW % 31 == 19).then(pl.lit("HALTED"))
        events = tables["l3"].with_columns(
            OrderId=pl.when(ROW % 17 == 3).then(None).when(ROW % 13 == 5).then(pl.lit("odd")).otherwise("OrderId"),
            Price=pl.when(UPDATED & (ROW % 3 == 0)).then("OldPrice").otherwise("Price"),
            Size=pl.when(UPDATED & (ROW % 3 == 0)).then("OldSize").otherwise("Size"),
            ExecutionSize=pl.when(ROW % 11 == 7).then(pl.col("OldSize") + 50).otherwise("ExecutionSize"),
            MarketState=state.otherwise(pl.col("MarketState")).cast(STATE),
            EndOfEvent=ROW % 5 != 2,
            SequenceNo=pl.col("SequenceNo") + ROW // 12 * 3,
            SizeAhead=pl.when(ROW % 4 == 0).then(0.0).otherwise(100.0),
            OrdersAhead=pl.when(ROW % 40 < 30).then(ROW % 4).otherwise(0),
            RowOrder=ROW + pl.when(ROW % 7 == 0).then(3).otherwise(0),
        )
        return tables | {"l3": events}

    return made


def numberless(day):
    """The day without sequence numbers, the engine's order being that of time alone."""
    return lambda: {name: frame.drop("SequenceNo", strict=False) for name, frame in day().items()}


NUMBERLESS = {name: numberless(day) for name, day in FEW.items()}
ODD = {name: odd(day) for name, day in DAYS.items()}
ODD_FEW = {name: ODD[name] for name in FEW}
COLUMNS = list(facts([], True))
EVERY = {"module": "l3_characteristics", "columns": COLUMNS, "sequence_contiguous": True}
LEFT = {"closed": "left", "label": "start", "preprocess": [{"transform": "l3_queue", "replace": True}]}
FLAWED = {name: ODD[name] for name in ("quiet", "nulls", "midnight")}


class TestL3Characteristics(AnalyticLaws):
    analytic = EVERY
    every = "15m"
    days = ODD


class TestL3CharacteristicsAsConfiguredByDefault(AnalyticLaws):
    analytic = "l3_characteristics"
    every = "1h"


class TestL3CharacteristicsBehindQueues(AnalyticLaws):
    """Buckets closed on the left, rows in time alone, and places from the transform."""

    analytic = "l3_characteristics"
    every = "5m"
    options = LEFT
    days = NUMBERLESS


class TestTheyAreResampled(AnalyticLaws):
    """Flags are true in a coarse bucket if they are in one of its fine ones, and others if they are in all."""

    analytic = "generic"
    source = (EVERY,)
    source_every = "5m"
    every = "1h"
    days = ODD_FEW


def test_every_fact_is_told_on_some_sample_day():
    """Each is somewhere one thing and somewhere another, so that laws have something to say."""
    trials = Setting(EVERY, "1m", days=ODD).trials()
    found = pl.concat([trial.whole for trial in trials]).drop("ListingId", "TimeBucket")
    always = [c for c in found.columns if found[c].drop_nulls().n_unique() < 2]
    assert always == []


@pytest.mark.parametrize("day", FLAWED)
def test_fine_buckets_rolled_up_are_the_coarse_ones(day):
    fine = Setting("generic", "1h", source=(EVERY,), source_every="5m", days=ODD).trial(day)
    coarse = Setting(EVERY, "1h", days=ODD).trial(day)
    assert coarse.whole.height > 0
    assert list(differences(fine.whole, coarse.whole, coarse.keys, COLUMNS)) == []
