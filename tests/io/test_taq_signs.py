"""Lee and Ready's signs of the TAQ sample's trades, from the raw files through cleaning, quotes and signs."""

import polars as pl
import pytest
from taq_files import STANDARD, read, source, write_sample

import basalt
from basalt import Metric, Unit, analytic, signed

LAGGED = [
    {"transform": "quotes_at_trades", "lag": "2s"},
    {"transform": "trade_signs", "rule": "lee_ready"},
]


@analytic("trades")
def signs():
    """Signs of trades."""
    side = pl.col("AggressorSide")
    yield Metric("Signs", signed("AggressorSide").sum(), Unit.COUNT, doc="Bought less sold trades.")
    yield Metric("Unsigned", side.is_null().sum().cast(pl.Int64), Unit.COUNT, doc="Neither.", dtype=pl.Int64)


@pytest.mark.slow
def test_signs_of_the_cleaned_sample_add_up(tmp_path):
    """7,168 trades, quotes two seconds older: −467 and −1,102 on the two dates, −1,569 in all. Three have no sign (no
    quote before them, no change of price yet); counted as sells they make it the −1,572 quoted for the sample."""
    write_sample(tmp_path)
    cleaned = source(tmp_path, **STANDARD)
    found = basalt.compute(
        [signs], every="1d", preprocess=LAGGED, trades=read(cleaned, "trades"), l2=read(cleaned, "l2")
    )
    assert found["Signs"].to_list() == [-467, -1102]
    assert found["Unsigned"].to_list() == [2, 1]
    assert found["Signs"].sum() - found["Unsigned"].sum() == -1572
