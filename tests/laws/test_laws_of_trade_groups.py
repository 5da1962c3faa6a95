"""Every group of module trade beside generic under the laws, and retail_imbalance: each measure and option once."""

import polars as pl
import pytest
from few_days import FEW

from basalt.testing import AnalyticLaws
from basalt.testing.trials import Setting

pytestmark = pytest.mark.slow

SIDES = ["Total", "Buy", "Sell", "Unknown"]
AGGREGATIONS = ["Mean", "Median", "Min", "Max", "Std", "Last"]
UNITS = ["Price", "Bps"]
HORIZONS = ["0s", "5m"]
QUOTES = {"preprocess": [{"transform": "quotes_at_trades", "horizons": ["-1s", *HORIZONS]}]}
TOTALS = {
    "module": "trade",
    "imbalance": [
        {"measures": ["Volume", "Count", "Notional"]},
        {"measures": ["Volume"], "market_states": "all", "where": "NOT IsBlock", "name": "All{measure}Imbalance"},
    ],
    "flags": [
        {
            "flags": ["Block", "OddLot", "Negotiated", "Cross", "Algorithmic", "Retail", "Iceberg"],
            "measures": ["Volume", "Count", "Notional", "AvgNotional", "VolumeShare", "CountShare", "UnknownVolume"],
            "sides": ["Total", "Buy"],
        },
        {"flags": ["Block"], "measures": ["Volume"], "trade_types": ["Lit", "null"], "name": "Lit{flag}{measure}"},
    ],
    "twap": [{}, {"sources": ["Trade"], "where": "NOT IsBlock", "name": "Small{source}TWAP"}],
}
CHANGES = {
    "module": "trade",
    "change": [
        {
            "measures": [
                *("GapSeconds", "PriceChange", "PriceChangeBps", "AbsPriceChangeBps"),
                *("QuoteAgeSeconds", "PublicationDelaySeconds"),
            ],
            "aggregations": AGGREGATIONS,
            "sides": ["Total", "Sell"],
        },
        {"measures": ["GapSeconds", "PriceChangeBps"], "sides": ["Unknown"]},
        {"measures": ["GapSeconds", "PriceChange"], "where": "NOT IsBlock", "name": "Small{measure}{aggregation}"},
    ],
}
DISTANCES = {
    "module": "trade",
    "discrepancy": [
        {
            "references": ["Mid", "Bid", "Ask", "NearTouch", "FarTouch", "BidPrice"],
            "aggregations": ["Mean"],
            "weights": ["Equal", "Share"],
            "units": UNITS,
            "sides": ["Total", "Buy", "Sell"],
        },
        {"references": ["Bid"], "sides": ["Unknown"]},
        {"references": ["Mid"], "aggregations": AGGREGATIONS[1:], "units": UNITS},
    ],
    "placement": [{"sides": SIDES}, {"clip": False, "name": "Open{side}Placement"}],
}
COSTS = {
    "module": "trade",
    "tca": [
        {
            "measures": [
                *("QuotedSpread", "EffectiveSpread", "RealizedSpread", "PriceImpact", "EffectiveSpreadCommon"),
                *("Markout", "PriceImprovement", "ImprovedShare", "AtQuoteShare", "OutsideShare", "EQRatio"),
                *("TcaCount", "TcaUnsignedCount", "TcaNoQuoteCount"),
            ],
            "horizons": HORIZONS,
            "units": UNITS,
            "weights": ["Equal", "Share", "Notional"],
            "sides": ["Total", "Sell"],
        },
        {"measures": ["Markout", "TcaCount"], "horizons": ["-1s"], "name": "Past{measure}{horizon}"},
    ],
}
NONPOSITIVE = {
    "module": "trade",
    "allow_nonpositive_prices": True,
    "imbalance": TOTALS["imbalance"],
    "change": [{"measures": ["PriceChange", "PriceChangeBps"], "aggregations": ["Mean", "Last"]}],
    "discrepancy": [{"units": UNITS}],
    "tca": [{"measures": ["Markout", "EffectiveSpread"], "horizons": ["5m"], "units": UNITS, "weights": ["Notional"]}],
}
GRID = {"sampling": "5m", "sides": ["Sell"], "subsample": 2, "kernel_bandwidth": 2, "bipower_correction": True}
ESTIMATORS = ["ReturnCount", "ZeroReturnShare", "RV", "Vol", "AnnVol", "Std", "BV", "MinRV", "MedRV", "JumpShare"]
ESTIMATORS += ["RVSub", "TSRV", "TSRVAdj", "RK", "NoiseVar"]
RANGES = ["Parkinson", "GarmanKlass", "RogersSatchell"]
VOLATILITY = {
    "module": "trade",
    "volatility": [
        {
            "measures": [*ESTIMATORS, "Parkinson", "GarmanKlass", "RogersSatchell"],
            "subsample": 2,
            "kernel_bandwidth": 2,
        },
        {
            **GRID,
            "measures": ["ReturnCount", "RV", "AnnVol", "BV", "TSRV", "RK", "AnnStd"],
            "windows": ["15m"],
            "window_aggregations": ["Mean", "Std"],
        },
        {
            "sampling": "30s",
            "max_age": "2m",
            "market_states": "all",
            "where": "NOT IsBlock",
            "name": "All{measure}{grid}",
        },
    ],
    "change": [{"measures": ["NextQuoteSeconds"], "max_wait": "30s", "aggregations": ["Mean", "Max"]}],
}
NEXT = {"preprocess": [{"transform": "quotes_at_trades", "next_quote": "1m"}]}
RETAIL = {"module": "retail_imbalance", "measures": ["Volume", "Notional", "Count", "NotionalEUR"]}
SUBPENNY = {**RETAIL, "rule": "subpenny", "trade_types": ["OffBook", "Lit"], "market_states": "all"}


class TestTotals(AnalyticLaws):
    analytic = TOTALS


class TestChanges(AnalyticLaws):
    analytic = CHANGES
    options = QUOTES


class TestDistances(AnalyticLaws):
    analytic = DISTANCES
    options = QUOTES
    every = "5m"


class TestCosts(AnalyticLaws):
    analytic = COSTS
    options = QUOTES
    every = "15m"


class TestNonpositivePrices(AnalyticLaws):
    analytic = NONPOSITIVE
    options = QUOTES
    every = "1h"
    days = FEW


class TestVolatility(AnalyticLaws):
    analytic = VOLATILITY
    options = NEXT
    every = "1h"


class TestRetail(AnalyticLaws):
    analytic = RETAIL


class TestRetailByFractionsOfACent(AnalyticLaws):
    analytic = SUBPENNY
    every = "5m"
    days = FEW


@pytest.mark.parametrize(
    ("analytic", "options", "every"),
    [
        (TOTALS, {}, "1m"),
        (CHANGES, QUOTES, "1m"),
        (DISTANCES, QUOTES, "1m"),
        (COSTS, QUOTES, "1m"),
        (RETAIL, {}, "1m"),
        (VOLATILITY, NEXT, "1h"),
    ],
    ids=["totals", "changes", "distances", "costs", "retail", "volatility"],
)
def test_every_column_has_a_value_on_some_sample_day(analytic, options, every):
    """Without one, no law says anything about the column."""
    trials = Setting(analytic, every, options).trials()
    names = [c.name for c in trials[0].columns]
    counts = pl.concat([trial.whole.select(pl.col(names).count()) for trial in trials]).sum()
    assert [name for name in names if counts.item(0, name) == 0] == []
