"""Expressions as data."""

import polars as pl
import pytest

from basalt.errors import PluginError
from basalt.expressions import identity, renamed, roots, table_columns


def test_equal_expressions_have_equal_identities_and_others_do_not():
    one = pl.when(pl.col("AggressorSide") == "Buy").then(pl.col("Size")).sum()
    same = pl.when(pl.col("AggressorSide") == "Buy").then(pl.col("Size")).sum()
    other = pl.when(pl.col("AggressorSide") == "Sell").then(pl.col("Size")).sum()
    assert identity(one) == identity(same) != identity(other)
    assert identity(None) == ""


def test_renaming_changes_columns_and_nothing_else():
    frame = pl.DataFrame({"m": [1.0, 2.0], "m_": [10.0, 20.0], "w": [1.0, 3.0]})
    expr = (pl.col("m") * pl.col("w")).sum() / pl.col("w").sum()
    assert frame.select(expr).item() == 7.0 / 4.0
    assert frame.select(renamed(expr, {"m": "m_"})).item() == 70.0 / 4.0


def test_a_column_picked_by_pattern_has_no_lineage_and_is_refused():
    for expr in (pl.col("^Bid.*$").sum(), pl.all().sum()):
        with pytest.raises(PluginError, match="name each column"):
            roots(expr)


def test_a_python_function_inside_an_expression_is_refused():
    with pytest.raises(PluginError, match="calls a Python function"):
        identity(pl.col("x").map_batches(lambda s: s))


def test_lineage_goes_through_derived_columns_to_the_table():
    derived = {"mid": (pl.col("BidPrice") + pl.col("AskPrice")) / 2, "cost": pl.col("Price") - pl.col("mid")}
    assert table_columns(["cost", "Size"], derived) == ["Size", "Price", "BidPrice", "AskPrice"]


@pytest.mark.parametrize("bound", [float("inf"), float("-inf"), float("nan"), 1.5])
def test_a_constant_that_is_not_finite_survives_other_names(bound):
    """Rows −∞, 1, 2, ∞ and NaN, told from the bound under another name, among finite constants."""
    frame = pl.DataFrame({"b": [float("-inf"), 1.0, 2.0, float("inf"), float("nan")]})
    expr = (pl.col("a") * 2.0 + 0.5 - 0.5) / 2.0 < bound
    there = frame.rename({"b": "a"}).select(expr).to_series().to_list()
    assert frame.select(renamed(expr, {"a": "b"})).to_series().to_list() == there


def test_constants_that_are_not_finite_are_told_apart():
    bounds = [pl.col("a") < float(text) for text in ("inf", "-inf", "nan")]
    assert len({identity(expr) for expr in bounds}) == 3
    assert identity(bounds[0]) == identity(pl.col("a") < float("inf"))
