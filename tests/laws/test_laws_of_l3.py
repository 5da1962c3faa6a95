"""Module l3 under the laws, with every action, ratio and place in the queue."""

from typing import get_args

import polars as pl
import pytest
from few_days import FEW

from basalt.testing import AnalyticLaws
from basalt.testing.trials import Setting
from basalt_analytics.l3.options import Action, Ratio

pytestmark = pytest.mark.slow

SIDES = ["Bid", "Ask", "Total"]
FLOWS = {
    "module": "l3",
    "flow": [{"sides": SIDES, "actions": list(get_args(Action))}],
    "ratios": list(get_args(Ratio)),
    "message_weights": {"Insert": 1, "Amend": 2, "Cancel": 0.5},
}
QUEUES = {"module": "l3", "flow": [], "ratios": [], "queue": [{"sides": SIDES, "at": ["Insert", "Fill", "Cancel"]}]}
LIVES = {
    "module": "l3",
    "flow": [],
    "ratios": [],
    "resting": [{"ends": ["FirstFill", "Cancel", "Life"], "sides": SIDES, "aggs": ["Mean", "Median", "Min", "Max"]}],
    "fleeting": [{"thresholds": ["100ms", "5s"], "sides": SIDES}],
    "fill_probability": [{"horizons": ["500ms", "1m"], "estimators": ["AJ", "KM"], "sides": SIDES}],
    "replacement": [{"sides": SIDES, "max_latency": "30s"}],
    "depth_age": [{"sides": SIDES}],
}
OF_PLACES = LIVES | {"life": "priority", "depth_age": [{"sides": SIDES, "levels": 2, "age_from": "priority"}]}
SPARSE = {"timeline": "sparse"}
"""Between the first event and the last, something stands at the end of every bucket."""
QUEUED = {"preprocess": [{"transform": "l3_queue"}]}


class TestL3(AnalyticLaws):
    analytic = "l3"


class TestEveryFlowAndRatio(AnalyticLaws):
    analytic = FLOWS | {"market_states": "all"}
    every = "15m"
    options = {"weights": True}  # noqa: RUF012
    days = FEW


class TestFlowsOfAuctions(AnalyticLaws):
    analytic = FLOWS | {"market_states": ["CLOSING_AUCTION", "OPENING_AUCTION"]}
    every = "1h"
    options = {"closed": "left", "label": "start"}  # noqa: RUF012
    days = FEW


class TestPlacesInTheQueue(AnalyticLaws):
    analytic = QUEUES
    every = "5m"
    options = {**QUEUED, "weights": True}  # noqa: RUF012
    days = FEW


class TestFlowsOfTrackedOldStates(AnalyticLaws):
    analytic = FLOWS
    every = "15m"
    options = {"preprocess": [{"transform": "l3_old_state", "replace": True}]}  # noqa: RUF012
    days = FEW


class TestLives(AnalyticLaws):
    analytic = LIVES
    every = "5m"
    options = {**SPARSE, "weights": True}  # noqa: RUF012


class TestLivesByTheirInserts(AnalyticLaws):
    analytic = LIVES | {"attribution": "insert"}
    every = "15m"
    options = {**SPARSE, "weights": True}  # noqa: RUF012


class TestLivesOfPlacesAtTheTouchOfAuctions(AnalyticLaws):
    analytic = OF_PLACES | {"at_touch": True, "market_states": ["OPENING_AUCTION", "CONTINUOUS_TRADING"]}
    every = "15m"
    options = {**SPARSE, "closed": "left", "label": "start"}  # noqa: RUF012


NOTHING = ["RefillCount", "RefillVolume", "NoOpCount", "NoOpVolume", "RepriceVolume"]
NOTHING += ["ReplacementCount", "ReplacementMeanSeconds"]
NOTHING += ["QueueSizeAtFillMean", "QueueOrdersAtFillMean"]
NOWHERE = {f"{side}{one}" for side in SIDES for one in NOTHING}
"""Simulated orders have no hidden size, are amended to something else or to another price alone, and execute in the
order of their queue; what executions take is seldom offered again."""


@pytest.mark.parametrize("module", [FLOWS, QUEUES, LIVES], ids=["flows", "queues", "lives"])
def test_every_column_has_a_value_on_some_sample_day(module):
    """Without one, no law says anything about the column."""
    trials = Setting(module | {"market_states": "all"}, "15m", QUEUED).trials()
    names = [c.name for c in trials[0].columns]
    sums = pl.concat([trial.whole.select(pl.col(names).fill_null(0).abs().sum().cast(pl.Float64)) for trial in trials])
    assert {name for name in names if sums[name].sum() == 0} <= NOWHERE
