"""The transform aggressive_trades under the laws, through what small modules read of its orders."""

import polars as pl
import pytest
from few_days import FEW

from basalt import Metric, Unit, analytic
from basalt.testing import AnalyticLaws
from basalt.testing.trials import Setting

pytestmark = pytest.mark.slow

PRICES = ("Price", "FirstPrice", "LastPrice", "MinPrice", "MaxPrice", "PriceRange")
COUNTS = ("Executions", "Levels")
MATCHED = {"match_column": "OrderId", "rules": ["match_id", "event", "gap"]}


def figures():
    for name in PRICES:
        yield Metric(f"{name}Mean", pl.col(name).mean(), Unit.PRICE, doc="Mean over orders.")
    yield Metric("SizeSum", pl.col("Size").sum(), Unit.SHARES, doc="Sum over orders.")
    yield Metric("NotionalSum", pl.col("Notional").sum(), Unit.CURRENCY, doc="Sum over orders.")
    yield Metric("SecondsMean", pl.col("DurationSeconds").mean(), Unit.SECONDS, doc="Mean over orders.")
    for name in COUNTS:
        yield Metric(f"{name}Sum", pl.col(name).sum(), Unit.COUNT, doc="Sum over orders.", dtype=pl.Int64)
    for name, mask in (("Sweeps", pl.col("IsSweep")), ("Buys", pl.col("AggressorSide") == "Buy")):
        yield Metric(name, mask.sum().cast(pl.Int64), Unit.COUNT, doc="Orders of that kind.", dtype=pl.Int64)
    waits = (pl.col("FinalTimestamp") - pl.col("LastTimestamp")).dt.total_nanoseconds() / 1e9
    yield Metric("WaitMean", waits.mean(), Unit.SECONDS, doc="Mean over orders.")
    yield Metric("Numbers", pl.col("AggressiveOrderId").sum(), Unit.COUNT, doc="Sum over orders.", dtype=pl.Int64)


@analytic("aggressive_orders")
def orders():
    """The orders behind prints."""
    yield from figures()
    yield Metric("ToTouchMean", pl.col("SizeToTouch").mean(), Unit.RATIO, doc="Mean over orders.")
    yield Metric("QuantitySum", pl.col("BidQuantity").sum(), Unit.SHARES, doc="Sum over orders.")


@analytic("aggressive_orders")
def orders_of_events():
    """The orders behind order events."""
    yield from figures()
    yield Metric("RestingSum", pl.col("RestingOrders").sum(), Unit.COUNT, doc="Sum over orders.", dtype=pl.Int64)


@analytic("aggressive_orders")
def sweeps():
    """Orders of one instrument and side."""
    yield Metric("SweepSum", pl.col("SweepId").sum(), Unit.COUNT, doc="Sum over orders.", dtype=pl.Int64)
    yield Metric("VenuesSum", pl.col("SweepVenues").sum(), Unit.COUNT, doc="Sum over orders.", dtype=pl.Int64)


@analytic("aggressive_orders")
def carried():
    """What orders have of single executions."""
    yield Metric("FirstNumber", pl.col("SequenceNo").sum(), Unit.COUNT, doc="Sum over orders.", dtype=pl.Int64)
    yield Metric("LastIds", pl.col("TradeId").n_unique().cast(pl.Int64), Unit.COUNT, doc="Ids.", dtype=pl.Int64)


def preprocess(**options):
    return {"preprocess": [{"transform": "aggressive_trades", **options}]}


class TestOrders(AnalyticLaws):
    analytic = orders
    every = "5m"
    options = preprocess(market_states="all", trade_types=["Lit", "Auction", "null"])


class TestOddOrders(AnalyticLaws):
    analytic = orders
    every = "5m"
    options = preprocess(max_gap="5m", max_duration="20m", rules=["gap"], monotone=True, unknown_side="drop") | {
        "closed": "left"
    }
    days = FEW


class TestOrdersByTheirFirstExecution(AnalyticLaws):
    analytic = orders
    every = "5m"
    options = preprocess(max_gap="5m", max_duration="20m", stamp="first", rules=["gap"], sweep_levels=1)
    days = FEW


class TestOrdersOfEvents(AnalyticLaws):
    analytic = orders_of_events
    every = "5m"
    options = preprocess(table="l3")


class TestMatchedOrders(AnalyticLaws):
    analytic = orders_of_events
    every = "5m"
    options = preprocess(table="l3", market_states="all", **MATCHED)
    days = FEW


class TestSweeps(AnalyticLaws):
    analytic = sweeps
    every = "5m"
    options = preprocess(cross_venue_gap="2m", max_gap="1m")


class TestCarried(AnalyticLaws):
    analytic = carried
    every = "15m"
    options = preprocess(carry_first=["SequenceNo"], carry_last=["TradeId"], max_gap="1m", rules=["gap"])
    days = FEW


@pytest.mark.parametrize("laws", [TestOrders, TestOddOrders, TestOrdersOfEvents, TestSweeps])
def test_every_column_has_a_value_on_some_sample_day(laws):
    trials = Setting(laws.analytic, laws.every, laws.options).trials()
    names = [c.name for c in trials[0].columns]
    counts = pl.concat([trial.whole.select((pl.col(names).fill_null(0) != 0).sum()) for trial in trials]).sum()
    assert [name for name in names if counts.item(0, name) == 0] in ([], ["SecondsMean"])
