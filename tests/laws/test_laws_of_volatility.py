"""Module l2_volatility under the laws: every measure on grids and by events."""

import pytest

from basalt.testing import AnalyticLaws

pytestmark = pytest.mark.slow

EVENTS = ["ReturnCount", "ZeroReturnShare", "RV", "Vol", "AnnVol", "Std", "BV", "MinRV", "MedRV", "JumpShare"]
NOISE = ["RVSub", "TSRV", "TSRVAdj", "RK", "NoiseVar"]
RANGES = ["Parkinson", "GarmanKlass", "RogersSatchell"]
AGGREGATIONS = ["Min", "Max", "Mean", "Median", "Std", "Last", "WMean"]


class TestL2VolatilityAsConfiguredByDefault(AnalyticLaws):
    analytic = "l2_volatility"


class TestL2VolatilityOnGrids(AnalyticLaws):
    analytic = {
        "module": "l2_volatility",
        "sources": ["Mid", "Bid", "WeightedMid"],
        "sampling": ["5s", "20s"],
        "measures": [*EVENTS, "AnnStd", *NOISE],
        "subsample": 2,
        "kernel_bandwidth": 1,
        "windows": ["20s"],
        "window_aggregations": AGGREGATIONS,
        "max_age": "40s",
        "locked": "drop",
        "where": "BidNumOrders1 > 1",
    }


class TestL2VolatilityByEvents(AnalyticLaws):
    analytic = {
        "module": "l2_volatility",
        "sources": ["Mid", "Ask"],
        "sampling": ["event"],
        "measures": [*EVENTS, *NOISE, *RANGES],
        "kernel_bandwidth": 2,
        "crossed": "keep",
        "bipower_correction": True,
    }


class TestL2VolatilityOfAllStatesAndBucketsClosedOnTheLeft(AnalyticLaws):
    analytic = {
        "module": "l2_volatility",
        "market_states": "all",
        "sampling": ["10s", "event"],
        "measures": ["RV", "BV"],
    }
    options = {"closed": "left", "label": "start", "origin": "00:00:20"}


class TestYangZhang(AnalyticLaws):
    analytic = {"module": "yang_zhang", "sources": ["TradeTotal"], "bars": 3}
    source = ("trade",)
