"""Flow, liquidity and counts of `l2`, and all of `l2tw`, under the laws: each measure, option and aggregation once.

Amounts and sizes are scaled along with the data, so that names which hold one are set by a template without it.
"""

import polars as pl
import pytest
from few_days import FEW

from basalt.testing import AnalyticLaws
from basalt.testing.days import DAYS
from basalt.testing.trials import Setting

pytestmark = pytest.mark.slow

ROWS = ["Last", "First", "Min", "Max", "Mean", "Median", "Std"]
TIMES = ["TWA", "TWStd", "TWMin", "TWMax", "TWMedian"]
WALKS = ["Xlm", "XlmBuy", "XlmSell", "XlmUnfilledRatio"]
ODD_DAYS = {name: DAYS[name] for name in ("halt", "crossed", "one_sided", "nulls")}
COUNTS = [
    *("Updates", "TouchUpdates", "MidChanges", "BidChanges", "AskChanges", "Locked", "Crossed", "OneSided"),
    *("InvalidLevel", "Disordered"),
]


def liquidity(aggregations):
    """Every measure, in value and from the mid, and the walks in shares and depth as value from the touch."""
    shares = {"measures": ["Xlm", "XlmUnfilledRatio"], "by": "shares", "notionals": [500], "levels": 3}
    worth = {"measures": ["DepthWithin"], "bps": [5, 20], "unit": "notional", "reference": "touch"}
    named = "{side}{measure}{aggregation}"
    return [
        {"measures": WALKS, "notionals": [25000], "aggregations": aggregations, "name": named},
        {**shares, "aggregations": aggregations[:2], "name": "{measure}OfShares{aggregation}"},
        {"measures": ["DepthWithin"], "bps": [10], "aggregations": aggregations},
        {**worth, "aggregations": aggregations[:1], "name": "{side}{measure}{bps}Worth{aggregation}"},
        {"measures": ["DepthSlope", "LogDepthSlope", "DepthSpread"], "levels": [1, 4], "aggregations": aggregations},
    ]


LIQUIDITY = {"module": "l2", "liquidity": liquidity(ROWS)}
FLOW_AND_COUNTS = {
    "module": "l2",
    "flow": [
        {"measures": ["OFI", "OFINorm", "OFITotal"], "levels": [1, 3]},
        {"measures": ["OFITotal"], "levels": [2], "weights": [1, 0.5], "name": "Weighted{measure}{level}"},
    ],
    "counts": [{"measures": COUNTS}, {"measures": ["Updates", "Locked"], "name": "Few{measure}"}],
}
ODD_ROWS = {
    "module": "l2",
    "market_states": "all",
    "where": "BidQuantity1 < 3 * AskQuantity1 OR BidNumOrders1 > 2",
    "locked": "drop",
    "crossed": "keep",
    "empty_side": "zero",
    "liquidity": liquidity(["Last", "Mean"]),
    "flow": [{"measures": ["OFI", "OFINorm"], "levels": 2}],
    "counts": [{"measures": COUNTS}],
}
LEFT = {"closed": "left", "label": "start"}
DEPTHS = ["Price", "Quantity", "NumOrders", "Notional", "AvgOrderSize"]
CUMULATED = ["CumQuantity", "CumNotional", "CumOrders", "CumVWAP"]
ALL_OF_TIME = {
    "module": "l2tw",
    "book": [{"measures": [*DEPTHS, *CUMULATED], "levels": [1, 3], "aggregations": ["TWA", "TWMedian"]}],
    "spreads": [
        {"variants": ["Abs", "Bps"], "aggregations": TIMES},
        {"variants": ["TWAOverMidTWABps"]},
    ],
    "imbalances": [
        {"measures": ["Quantity", "CumQuantity", "CumNotional"], "levels": [1, 3], "aggregations": TIMES},
        {"measures": ["NumOrders", "CumOrders"], "levels": 2, "kinds": ["Imbalance", "ImbalanceOf"]},
    ],
    "prices": [{"sources": ["Mid", "Bid", "Ask", "WeightedMid"], "aggregations": TIMES}],
    "shares": [{}],
    "touch_sizes": [{"above": [200], "name": "{side}Much"}],
    "coverage": "each",
}
ODD_TIME = {
    "module": "l2tw",
    "market_states": ["CONTINUOUS_TRADING", "CLOSING_AUCTION"],
    "where": "BidQuantity1 < 3 * AskQuantity1 OR BidNumOrders1 > 2",
    "locked": "drop",
    "crossed": "keep",
    "empty_side": "zero",
    "max_age": "20s",
    "levels": 2,
    "book": [{"measures": ["Quantity", "CumQuantity"]}],
    "imbalances": [{"measures": ["CumQuantity"], "kinds": ["Imbalance", "ImbalanceOf"]}],
    "liquidity": liquidity(["TWA", "TWStd", "TWMax"]),
    "shares": [{"states": ["Locked", "Empty"]}],
}


class TestLiquidityOfRows(AnalyticLaws):
    analytic = LIQUIDITY
    every = "15m"
    days = ODD_DAYS


class TestFlowAndCounts(AnalyticLaws):
    analytic = FLOW_AND_COUNTS


class TestOddRows(AnalyticLaws):
    analytic = ODD_ROWS
    every = "15m"
    days = ODD_DAYS


class TestBookByTime(AnalyticLaws):
    analytic = ALL_OF_TIME
    every = "15m"


class TestBookByTimeAsConfiguredByDefault(AnalyticLaws):
    analytic = "l2tw"
    every = "7s"
    days = FEW


class TestOddBooksByTime(AnalyticLaws):
    analytic = ODD_TIME
    every = "15m"
    options = LEFT
    days = ODD_DAYS


@pytest.mark.parametrize(
    "analytic",
    [LIQUIDITY, FLOW_AND_COUNTS, ODD_ROWS, ALL_OF_TIME, ODD_TIME],
    ids=["liquidity", "flow", "odd rows", "time", "odd time"],
)
def test_every_column_has_a_value_on_some_sample_day(analytic):
    """Without one, no law says anything about the column."""
    trials = Setting(analytic, "15m", days=ODD_DAYS).trials()
    names = [c.name for c in trials[0].columns]
    counts = pl.concat([trial.whole.select(pl.col(names).count()) for trial in trials]).sum()
    assert [name for name in names if counts.item(0, name) == 0] == []
