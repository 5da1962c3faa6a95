"""The module `trade_characteristics` under the laws, on days whose ids repeat and whose files are out of order."""

from functools import cache

import polars as pl
import pytest
from few_days import FEW

from basalt.testing import AnalyticLaws
from basalt.testing.days import DAYS
from basalt.testing.differences import differences
from basalt.testing.trials import Setting
from basalt_analytics.characteristics.of_trades import FACTS

pytestmark = pytest.mark.slow

ROW = pl.int_range(pl.len()).over("ListingId")


def odd(day):
    """The day with every tenth id that of its forerunner, two venues, publications ahead of time, off-book and dark
    prints, and a file in which rows change places."""

    @cache
    def made():
        tables = day()
        kind = pl.when(pl.col("TradeType").is_null()).then(None)
        kind = kind.when(ROW % 6 == 1).then(pl.lit("Dark")).when(ROW % 6 == 3).then(pl.lit("OffBook"))
        kind = kind.when(ROW % 6 == 5).then(pl.lit("SystematicInternaliser")).otherwise(pl.col("TradeType"))
        changed = tables["trades"].with_columns(
            TradeId=pl.when(ROW % 10 == 4).then(pl.col("TradeId").shift(1).over("ListingId")).otherwise("TradeId"),
            Venue=pl.when(ROW % 9 == 0).then(pl.lit("XPAR")).otherwise(pl.lit("XLON")),
            PublicationTimestamp=pl.when(ROW % 8 == 3)
            .then(pl.col("EventTimestamp").dt.offset_by("-1s"))
            .otherwise("PublicationTimestamp"),
            TradeType=kind.cast(tables["trades"].schema["TradeType"]),
            RowOrder=ROW + pl.when(ROW % 7 == 0).then(3).otherwise(0),
        )
        return tables | {"trades": changed}

    return made


ODD = {name: odd(day) for name, day in DAYS.items()}
EVERY = {"module": "trade_characteristics", "columns": list(FACTS)}


class TestTradeCharacteristics(AnalyticLaws):
    analytic = EVERY
    every = "15m"
    days = ODD


class TestTradeCharacteristicsAsConfiguredByDefault(AnalyticLaws):
    analytic = "trade_characteristics"
    every = "1h"
    days = FEW


class TestTheyAreResampled(AnalyticLaws):
    """Flags are true in a coarse bucket if they are in one of its fine ones."""

    analytic = "generic"
    source = (EVERY,)
    source_every = "5m"
    every = "1h"
    days = ODD


def test_every_fact_is_told_on_some_sample_day():
    """Each flag is somewhere true and somewhere not, so that laws have something to say."""
    trials = Setting(EVERY, "15m", days=ODD).trials()
    found = pl.concat([trial.whole for trial in trials]).drop("ListingId", "TimeBucket")
    always = [c for c in found.columns if found[c].drop_nulls().n_unique() < 2]
    assert always == []


@pytest.mark.parametrize("day", ["quiet", "nulls", "midnight"])
def test_fine_buckets_rolled_up_are_the_coarse_ones(day):
    """All but TradeHasMultipleVenues, for two fine buckets of one venue each are a coarse one of two, and what counts
    cancelled prints, which have no fine bucket where nothing else was printed."""
    fine = Setting("generic", "1h", source=(EVERY,), source_every="5m", days=ODD).trial(day)
    coarse = Setting(EVERY, "1h", days=ODD).trial(day)
    names = [name for name, fact in FACTS.items() if name != "TradeHasMultipleVenues" and not fact.cancelled]
    assert list(differences(fine.whole, coarse.whole, coarse.keys, names)) == []
