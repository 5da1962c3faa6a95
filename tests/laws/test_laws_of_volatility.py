"""Module l2_volatility under the laws: every measure on grids and by events."""

import pytest
from few_days import FEW

from basalt.testing import AnalyticLaws

pytestmark = pytest.mark.slow

EVENTS = ["ReturnCount", "ZeroReturnShare", "RV", "Vol", "AnnVol", "Std", "BV", "MinRV", "MedRV", "JumpShare"]
NOISE = ["RVSub", "TSRV", "TSRVAdj", "RK", "NoiseVar"]
RANGES = ["Parkinson", "GarmanKlass", "RogersSatchell"]
ON_GRIDS = {
    "module": "l2_volatility",
    "sources": ["Mid", "Bid", "WeightedMid"],
    "sampling": ["5s", "20s"],
    "measures": [*EVENTS, "AnnStd", *NOISE],
    "subsample": 2,
    "kernel_bandwidth": 1,
    "windows": ["20s"],
    "window_aggregations": ["Min", "Max", "Mean", "Median", "Std", "Last", "WMean"],
    "max_age": "40s",
    "locked": "drop",
    "where": "BidNumOrders1 > 1",
}
BY_EVENTS = {
    "module": "l2_volatility",
    "sources": ["Mid", "Ask"],
    "sampling": ["event"],
    "measures": [*EVENTS, *NOISE, *RANGES],
    "kernel_bandwidth": 2,
    "crossed": "keep",
    "bipower_correction": True,
}
OF_ALL_STATES = {
    "module": "l2_volatility",
    "market_states": "all",
    "sampling": ["10s", "event"],
    "measures": ["RV", "BV"],
}
LEFT = {"closed": "left", "label": "start", "origin": "00:00:20"}
YANG_ZHANG = {"module": "yang_zhang", "sources": ["TradeTotal"], "bars": 3}


class TestL2VolatilityAsConfiguredByDefault(AnalyticLaws):
    analytic = "l2_volatility"
    days = FEW


class TestL2VolatilityOnGrids(AnalyticLaws):
    analytic = ON_GRIDS


class TestL2VolatilityByEvents(AnalyticLaws):
    analytic = BY_EVENTS


class TestL2VolatilityOfAllStatesAndBucketsClosedOnTheLeft(AnalyticLaws):
    analytic = OF_ALL_STATES
    options = LEFT
    days = FEW


class TestYangZhang(AnalyticLaws):
    analytic = YANG_ZHANG
    source = ("trade",)


class TestYangZhangOfPreviousDatesToo(AnalyticLaws):
    analytic = YANG_ZHANG | {"history": 3}
    source = ("trade",)
    days = FEW
