"""Costs and signs of trades on whole real days, from a pipeline file to what it publishes.

The figures are facts of the files, counted there without basalt.
"""

import datetime as dt
from pathlib import Path

import pytest

import basalt
from basalt.conform import conform
from basalt.modules import PassContext
from basalt.tables import TRADES
from basalt_analytics.transforms.trade_signs import TradeSigns, TradeSignsOptions
from basalt_io.sources.china_l2 import ChinaL2Options, ChinaL2Source

DAY = dt.date(2023, 2, 1)
pytestmark = pytest.mark.slow
SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
AMZN = """
name = "costs"
[source]
type = "lobster"
root = "{root}"
listings = {{ AMZN = 1 }}
[[outputs]]
type = "parquet"
[[passes]]
name = "day"
timeline = "daily"
[[passes.preprocess]]
transform = "quotes_at_trades"
horizons = ["100ms", "1s", "5s", "1m", "5m"]
[[passes.modules]]
module = "trade"
where = "NOT IsHidden"
[[passes.modules.tca]]
measures = ["EffectiveSpread", "RealizedSpread", "PriceImpact", "EffectiveSpreadCommon", "TcaCount"]
horizons = ["100ms", "1s", "5s", "1m", "5m"]
units = ["Price"]
weights = ["Share"]
"""


def sample(folder):
    if not (SHARED / folder).is_dir():
        pytest.skip(f"the sample is not in the folder `shared/data/{folder}` beside the checkout")
    return SHARED / folder


def test_spreads_of_amzn(tmp_path):
    """8,974 visible executions, weighted by size: effective 0.0941; realised 0.0375 after 0.1 s, 0.0101 after 1 s,
    −0.0127, −0.0621 and −0.0351 after 5 s, 1 min and 5 min. LOBSTER has one sequence over messages and books."""
    (tmp_path / "costs.toml").write_text(AMZN.format(root=sample("lobster")))
    result = basalt.run(tmp_path / "costs.toml")
    found = result.scan("day").collect().row(0, named=True)
    assert found["TradeTotalTcaCount"] == 8_974
    assert found["TradeTotalEffectiveSpreadShareWeighted"] == pytest.approx(0.0941, abs=5e-5)
    realised = {"100ms": 0.0375, "1s": 0.0101, "5s": -0.0127, "1m": -0.0621, "5m": -0.0351}
    for horizon, value in realised.items():
        spread = found[f"TradeTotalRealizedSpread{horizon}ShareWeighted"]
        assert spread == pytest.approx(value, abs=5e-5)
        common = found[f"TradeTotalEffectiveSpreadCommon{horizon}ShareWeighted"]
        assert common == pytest.approx(spread + found[f"TradeTotalPriceImpact{horizon}ShareWeighted"], rel=1e-9)


def test_tick_signs_of_moutai():
    """Of 26,572 continuous trades all but the first have a tick sign (the auction's price makes none), and 22,677 of
    these, 85.3 %, that of the exchange."""
    moutai = ChinaL2Source(ChinaL2Options(root=str(sample("sse-600519"))), Path("/nowhere"))
    trades = conform(moutai.scan("trades", DAY), TRADES, "the sample").sort("EventTimestamp", maintain_order=True)
    told = trades.collect()["AggressorSide"]
    context = PassContext("signs", DAY, ["ListingId"], None)
    signs = TradeSigns(TradeSignsOptions(rule="tick"))
    made = signs.apply({"trades": trades.drop("AggressorSide")}, context)["trades"].collect()["AggressorSide"]
    both = told.is_not_null() & made.is_not_null()
    assert (told.is_not_null().sum(), both.sum()) == (26_572, 26_571)
    assert ((told == made) & both).sum() == 22_677
