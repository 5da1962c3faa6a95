"""Windows that look one row back, as a look at the row beside: the same values, and only where it is the same."""

import polars as pl
import pytest

import basalt
from basalt import Metric, Unit
from basalt.metrics import previous
from basalt.modules import BucketModule
from basalt.planning.beside import beside

A = pl.col("A")
ROWS = pl.DataFrame({"StretchId": [-1, -1, 4, 4, 4, 7, -2, 8], "A": [1, 2, None, 4, 5, 6, 7, 8], "B": range(8)})


@pytest.mark.parametrize(
    "expr",
    [
        previous(A),
        previous(A * 2 + pl.col("B")),
        A - previous(A).fill_null(0) + previous(pl.col("B")),
        previous(A) / previous(pl.lit(0.0) * A + float("inf")),
        pl.when(previous(A) > 3).then(A).otherwise(previous(pl.col("B"))),
        pl.when(previous(pl.col("StretchId")).is_not_null()).then(A),
    ],
)
def test_values_are_those_of_the_window_without_one(expr):
    found = beside(expr)
    assert '"Over"' not in found.meta.serialize(format="json")
    assert ROWS.select(found.alias("x")).equals(ROWS.select(expr.alias("x")))


@pytest.mark.parametrize(
    "expr",
    [
        previous(A.forward_fill()),
        A.shift(-1).over("StretchId"),
        A.shift(2).over("StretchId"),
        A.shift(1, fill_value=0).over("StretchId"),
        A.shift(1).over("B"),
        A.shift(1).over("StretchId", "B"),
        A.shift(1).over("StretchId", order_by="B"),
        A.sum().over("StretchId"),
        A.rank().over("StretchId"),
    ],
)
def test_other_windows_stay(expr):
    assert beside(expr).meta.eq(expr)


class Steps(BucketModule):
    """Σ of the changes of price from trade to trade."""

    name = "steps"
    table = "trades"

    def derive(self):
        return {"Step": pl.col("Price") - previous(pl.col("Price"))}

    def metrics(self):
        yield Metric("Steps", pl.col("Step").sum(), Unit.PRICE, doc="Σ of changes.")


def test_further_keys_have_rows_of_their_own_before():
    """Venues A and B in turn: A goes 10, 13, and B 20, 24: 3 and 4 by venue, 14 over both."""
    stamps = pl.datetime_range(
        pl.datetime(2026, 1, 5, 9), pl.datetime(2026, 1, 5, 9, 0, 3), "1s", time_unit="ns", time_zone="UTC", eager=True
    )
    trades = pl.DataFrame({"ListingId": 1, "EventTimestamp": stamps, "Price": [10.0, 20, 13, 24], "Size": 1.0})
    trades = trades.with_columns(Venue=pl.Series(["A", "B", "A", "B"]))
    by_venue = basalt.compute([Steps], every="1m", closed="left", keys=["ListingId", "Venue"], trades=trades)
    assert by_venue["Steps"].to_list() == [3, 4]
    assert basalt.compute([Steps], every="1m", closed="left", trades=trades)["Steps"].to_list() == [14]
