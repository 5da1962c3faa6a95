"""The module `auction` under the laws: every measure and option at least once.

The passes are sparse, as they are by default: a message is in force, and has a row, in every bucket until the next.
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


@pytest.mark.parametrize(
    ("analytic", "days"),
    [(ALL, DAYS), (AFTER, DAYS), (COLUMN, DAYS), (BEST, BESIDE)],
    ids=["all", "after", "column", "best quotes"],
)
def test_every_column_has_a_value_on_some_sample_day(analytic, days):
    """Without one, no law says anything about the column."""
    trials = Setting(analytic, "1m", SPARSE, days=days).trials()
    names = [c.name for c in trials[0].columns]
    counts = pl.concat([trial.whole.select(pl.col(names).count()) for trial in trials]).sum()
    assert [name for name in names if counts.item(0, name) == 0] == []
