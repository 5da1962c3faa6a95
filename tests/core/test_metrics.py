"""Metrics and the building blocks of their expressions."""

import polars as pl
import pytest

from basalt import Metric, Unit, ratio, signed
from basalt.errors import PluginError
from basalt.metrics import SUM, Rollup, mean, previous


def test_a_ratio_with_nothing_below_is_null_never_nan():
    frame = pl.DataFrame({"n": [0.0, 1.0, 6.0, None, 1.0], "d": [0.0, 0.0, 3.0, 2.0, None]})
    assert frame.select(ratio(pl.col("n"), pl.col("d"))).to_series().to_list() == [None, None, 2.0, None, None]


def test_an_unknown_side_has_no_sign():
    sides = pl.Series("AggressorSide", ["Buy", "Sell", None], dtype=pl.Enum(["Buy", "Sell"]))
    assert pl.DataFrame(sides).select(signed("AggressorSide")).to_series().to_list() == [1.0, -1.0, None]


def test_previous_stays_inside_the_stretch():
    frame = pl.DataFrame({"StretchId": [1, 1, 2, 2], "x": [10, 11, 20, 21]})
    assert frame.select(previous(pl.col("x"))).to_series().to_list() == [None, 10, None, 20]


def test_a_metric_without_an_expression_is_its_authors_mistake():
    with pytest.raises(PluginError, match="metric 'V': expr must be a Expr, not str"):
        Metric("V", "Size", Unit.SHARES, doc="Volume.")


def test_a_rollup_can_be_limited_to_an_instrument():
    assert SUM.within("currency").limit == "currency"
    assert mean("Volume").weight == "Volume"
    assert Rollup("sum").limit is None
