"""The modules `tca` and `liquidity` under the laws: every measure and option at least once."""

import polars as pl
import pytest
from few_days import FEW
from laws.orders_days import ORDER_DAYS
from laws.test_laws_of_transforms import with_cbbo

from basalt.testing import AnalyticLaws
from basalt.testing.trials import Setting

pytestmark = pytest.mark.slow

MEASURES = ["KyleLambda", "KyleLambdaOrigin", "HasbrouckLambda", "Amihud", "Roll", "RollDemeaned", "Vpin"]
LIQUIDITY = {
    "module": "liquidity",
    "measures": MEASURES,
    "vpin": {"bucket_volume": 5000, "buckets": 4},
    "every_sub": "1m",
}
OF_TRADES = {
    "module": "liquidity",
    "measures": [*MEASURES[::-1]],
    "price": "trade",
    "every_sub": "45s",
    "market_states": "all",
    "trade_types": ["Lit", "Auction", "null"],
    "where": "NOT IsHidden",
    "max_publication_delay": "30s",
    "vpin": {"bucket_volume": 900.0, "buckets": 5, "side": "bvc", "bvc_window": 3},
}
BY_USUAL_VOLUME = {
    "module": "liquidity",
    "measures": ["Vpin"],
    "vpin": {"bucket_volume": {"adv_fraction": 0.05}, "buckets": 4},
}
TCA = {"module": "tca", "horizons": ["0s", "5s", "10m"], "participation_rates": [0.05, 0.5]}
TCA_OTHERWISE = {
    "module": "tca",
    "own_volume": "exclude",
    "end_price": "last_trade",
    "market_states": "all",
    "trade_types": ["Lit", "null"],
}

TCA_BY_INSTRUMENT = {"module": "tca", "quotes": "cbbo", "horizons": ["5s"]}
WITH_BEST_QUOTES = {name: with_cbbo(day) for name, day in ORDER_DAYS.items()}
LEFT = {"closed": "left", "label": "start"}
SHIFTED = {**LEFT, "origin": "00:00:20"}


class TestLiquidity(AnalyticLaws):
    analytic = LIQUIDITY
    every = "15m"


class TestLiquidityOfTrades(AnalyticLaws):
    analytic = OF_TRADES
    every = "30m"
    options = SHIFTED
    days = FEW


class TestLiquidityAsConfiguredByDefault(AnalyticLaws):
    analytic = "liquidity"
    days = FEW


class TestLiquidityByUsualVolume(AnalyticLaws):
    analytic = BY_USUAL_VOLUME
    source = ("trade",)
    every = "15m"
    days = FEW


class TestTca(AnalyticLaws):
    analytic = TCA
    every = "15m"
    days = ORDER_DAYS


class TestTcaByInstrument(AnalyticLaws):
    analytic = TCA_BY_INSTRUMENT
    every = "15m"
    days = WITH_BEST_QUOTES


class TestTcaOtherwise(AnalyticLaws):
    analytic = TCA_OTHERWISE
    every = "1h"
    options = LEFT
    days = ORDER_DAYS


@pytest.mark.parametrize(
    ("analytic", "more"),
    [
        (LIQUIDITY, {}),
        (OF_TRADES, {}),
        (BY_USUAL_VOLUME, {"source": ["trade"], "days": FEW}),
        (TCA, {"days": ORDER_DAYS}),
        (TCA_OTHERWISE, {"days": ORDER_DAYS}),
        (TCA_BY_INSTRUMENT, {"days": WITH_BEST_QUOTES}),
    ],
    ids=["liquidity", "of trades", "by usual volume", "tca", "otherwise", "by instrument"],
)
def test_every_column_has_a_value_on_some_sample_day(analytic, more):
    """Without one, no law says anything about the column."""
    trials = Setting(analytic, "30m", **more).trials()
    names = [c.name for c in trials[0].columns]
    counts = pl.concat([trial.whole.select(pl.col(names).count()) for trial in trials]).sum()
    assert [name for name in names if counts.item(0, name) == 0] == []
