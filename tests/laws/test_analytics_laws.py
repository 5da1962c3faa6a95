"""Every module of basalt-analytics under the laws: each measure, side, group and aggregation at least once."""

import polars as pl
import pytest

from basalt.testing import AnalyticLaws
from basalt.testing.trials import Setting

pytestmark = pytest.mark.slow

SIDES = ["Total", "Buy", "Sell", "Unknown"]
MEASURES = [
    *("Volume", "Count", "Notional", "NotionalEUR", "NotionalUSD", "VWAP", "AvgPrice", "MedianPrice"),
    *("AvgSize", "MedianSize", "MaxSize", "OHLC"),
]
CHAINED = {"measures": ["OHLC"], "sides": SIDES, "open_mode": "prev_close", "name": "Chained{side}{measure}"}
ALL_OF_TRADE = {"module": "trade", "generic": [{"measures": MEASURES, "sides": SIDES}, CHAINED]}
SELECTED_TRADES = {
    "module": "trade",
    "market_states": "all",
    "where": "NOT IsBlock",
    "max_publication_delay": "30s",
    "generic": [
        {"measures": ["Volume", "VWAP"], "trade_types": ["Lit", "null"], "name": "Lit{measure}"},
        {"measures": ["Count", "OHLC"], "where": "IsRetail OR IsHidden", "name": "Few{measure}"},
        {"measures": ["OHLC"], "market_states": ["CLOSING_AUCTION"], "name": "Close{measure}"},
        CHAINED,
    ],
}
NONPOSITIVE_TRADES = {"module": "trade", "allow_nonpositive_prices": True}
AGGREGATIONS = ["Last", "First", "Min", "Max", "Mean", "Median", "Std"]
DEPTHS = ["Price", "Quantity", "NumOrders", "Notional", "AvgOrderSize"]
CUMULATED = ["CumQuantity", "CumNotional", "CumOrders", "CumVWAP"]
PRICES = ["Mid", "Bid", "Ask", "WeightedMid"]
BOOK = {"measures": [*DEPTHS, *CUMULATED], "levels": [1, 3], "aggregations": AGGREGATIONS}
ALL_OF_L2 = {
    "module": "l2",
    "book": [BOOK],
    "spreads": [{"variants": ["Abs", "Bps"], "aggregations": AGGREGATIONS}],
    "imbalances": [
        {
            "measures": ["Quantity", "CumQuantity", "CumNotional", "NumOrders", "CumOrders"],
            "levels": [1, 3],
            "aggregations": AGGREGATIONS,
        }
    ],
    "prices": [{"sources": PRICES, "aggregations": AGGREGATIONS}],
    "ohlc": [{"sources": PRICES}, {"sources": PRICES, "open_mode": "prev_close"}],
}
ODD_BOOKS = {
    "max_age": "2m",
    "module": "l2",
    "market_states": "all",
    "locked": "drop",
    "crossed": "keep",
    "empty_side": "zero",
    "book": [{"measures": [*DEPTHS, *CUMULATED], "levels": [1, 3]}],
    "spreads": [{"variants": ["Abs", "Bps"], "aggregations": ["Last", "First", "Mean"]}],
    "imbalances": [{"measures": ["Quantity", "CumOrders"], "levels": 2, "aggregations": ["Last", "Max", "Std"]}],
    "ohlc": ALL_OF_L2["ohlc"],
}
BARS = {"module": "l2", "levels": 2}
LEFT = {"closed": "left", "label": "start", "origin": "00:00:20", "market_states": "all"}
EVERY_METHOD = {"module": "generic", "aggregations": {"TradeTotal*": ["sum", "mean", "min", "max", "first", "last"]}}


class TestTrade(AnalyticLaws):
    analytic = ALL_OF_TRADE


class TestSelectedTrades(AnalyticLaws):
    analytic = SELECTED_TRADES


class TestNonpositiveTrades(AnalyticLaws):
    analytic = NONPOSITIVE_TRADES
    every = "15m"


class TestTradeAsConfiguredByDefault(AnalyticLaws):
    analytic = "trade"
    every = "7s"


class TestTradeInBucketsClosedOnTheLeft(AnalyticLaws):
    analytic = SELECTED_TRADES
    every = "45s"
    options = LEFT


class TestL2(AnalyticLaws):
    analytic = ALL_OF_L2


class TestOddBooks(AnalyticLaws):
    analytic = ODD_BOOKS
    every = "5m"


class TestL2AsConfiguredByDefault(AnalyticLaws):
    analytic = "l2"
    every = "15m"


class TestGeneric(AnalyticLaws):
    analytic = "generic"
    every = "5m"
    source = (ALL_OF_TRADE, BARS)


class TestGenericMethods(AnalyticLaws):
    analytic = EVERY_METHOD
    every = "1h"
    source = ("trade",)


@pytest.mark.parametrize(
    "analytic", [ALL_OF_TRADE, SELECTED_TRADES, ALL_OF_L2, ODD_BOOKS], ids=["trade", "selected", "l2", "odd"]
)
def test_every_column_has_a_value_on_some_sample_day(analytic):
    """Without one, no law says anything about the column."""
    trials = Setting(analytic).trials()
    names = [c.name for c in trials[0].columns]
    counts = pl.concat([trial.whole.select(pl.col(names).count()) for trial in trials]).sum()
    assert [name for name in names if counts.item(0, name) == 0] == []
