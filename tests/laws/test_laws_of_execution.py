"""Module execution under the laws, with every measure."""

import pytest
from few_days import FEW

from basalt.testing import AnalyticLaws
from basalt.testing.trials import Setting

pytestmark = pytest.mark.slow

TYPES = ["Lit", "Dark", "Auction", "OffBook", "SystematicInternaliser", "Unknown", "Total"]
MEASURES = ["Volume", "Count", "Notional", "VWAP"]
EVERYTHING = {
    "module": "execution",
    "book": [{"sides": ["Bid", "Ask", "Total"], "measures": MEASURES}],
    "trades": [
        {
            "types": TYPES,
            "sides": ["Buy", "Sell", "Unknown", "Total"],
            "measures": [*MEASURES, "PricePlacement", "PlacedVolume"],
        }
    ],
}


class TestExecution(AnalyticLaws):
    analytic = "execution"


class TestEverythingExecuted(AnalyticLaws):
    analytic = EVERYTHING | {"market_states": "all"}
    every = "15m"
    options = {"weights": True}  # noqa: RUF012


class TestExecutionOfOrderEvents(AnalyticLaws):
    analytic = EVERYTHING | {"trades": []}
    every = "5m"
    options = {"closed": "left", "label": "start"}  # noqa: RUF012
    days = FEW


class TestExecutionInAuctions(AnalyticLaws):
    analytic = EVERYTHING | {"book": [], "imbalance": ["trades", "l3"], "market_states": ["CLOSING_AUCTION"]}
    every = "1h"
    days = FEW


def test_every_column_of_the_default_has_a_value_on_some_sample_day():
    """But for dark prints, of which the sample days have none."""
    trials = Setting("execution", every="15m").trials()
    names = [c.name for c in trials[0].columns if not c.name.startswith("Dark")]
    found = {name for trial in trials for name in names if trial.whole[name].fill_null(0).abs().sum() > 0}
    assert [name for name in names if name not in found] == []
