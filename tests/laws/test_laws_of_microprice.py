"""Microprice as a source of `l2`, `l2tw` and `l2_volatility` under the laws, by a table of the sample days' tick."""

from pathlib import Path

import pytest

from basalt.testing import AnalyticLaws
from basalt.testing.days import DAYS
from basalt.testing.trials import Setting

pytestmark = pytest.mark.slow

ODD_DAYS = {name: DAYS[name] for name in ("halt", "crossed", "one_sided", "nulls")}
SOURCE = {"sources": ["Microprice"]}
TABLE = {"microprice_table": str(Path(__file__).with_name("microprice.json"))}
BY_ROWS = {
    "module": "l2",
    "prices": [{**SOURCE, "aggregations": ["Last", "First", "Min", "Max", "Mean", "Median", "Std"]}],
    "ohlc": [SOURCE, {**SOURCE, "open_mode": "prev_close"}],
    **TABLE,
}
BY_TIME = {
    "module": "l2tw",
    "prices": [{**SOURCE, "aggregations": ["TWA", "TWStd", "TWMin", "TWMax", "TWMedian"]}],
    "coverage": "each",
    **TABLE,
}
VOLATILITY = {
    "module": "l2_volatility",
    **SOURCE,
    "sampling": ["20s", "event"],
    "measures": ["ReturnCount", "RV", "BV", "Parkinson"],
    "windows": ["1m"],
    **TABLE,
}


class TestMicropriceByRows(AnalyticLaws):
    analytic = BY_ROWS
    every = "15m"
    days = ODD_DAYS


class TestMicropriceByTime(AnalyticLaws):
    analytic = BY_TIME
    every = "15m"
    days = ODD_DAYS


class TestVolatilityOfTheMicroprice(AnalyticLaws):
    analytic = VOLATILITY
    every = "15m"
    days = ODD_DAYS


@pytest.mark.parametrize("analytic", [BY_ROWS, BY_TIME, VOLATILITY], ids=["rows", "time", "volatility"])
def test_every_column_has_a_value_on_some_sample_day(analytic):
    trials = Setting(analytic, "15m", days=ODD_DAYS).trials()
    names = [c.name for c in trials[0].columns]
    assert [name for name in names if not any(trial.whole[name].count() for trial in trials)] == []
