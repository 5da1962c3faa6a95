"""Module retail_imbalance: which trades count, what is unknown, rollups, refusals."""

from datetime import date

import polars as pl
import pytest

import basalt
from basalt.errors import UserError
from basalt.metrics import Empty
from basalt_analytics.trade.retail import RetailImbalance

COLUMNS = {
    "Price": pl.Float64(),
    "Size": pl.Float64(),
    "AggressorSide": pl.Enum(["Buy", "Sell"]),
    "IsRetail": pl.Boolean(),
}


@pytest.fixture(name="retail")
def retail_(table):
    """Bars over rows of (seconds, price, size), all retail and bought unless said otherwise."""

    def bars(rows, tables=None, flags=None, sides=None, options=None, **more):
        trades = table("Price Size", rows, AggressorSide=sides or ["Buy"] * len(rows), **more)
        trades = trades.with_columns(IsRetail=pl.Series(flags or [True] * len(rows), dtype=pl.Boolean))
        module = {"module": "retail_imbalance", "measures": ["Volume"], **(options or {})}
        return basalt.compute([module], every="10s", trades=trades, **(tables or {})).to_dicts()

    return bars


def test_invalid_and_cancelled_trades_do_not_count(retail):
    """10 × 3; a price of 0, a size of 0, a cancelled print."""
    rows = [(1, 10, 3), (2, 0, 5), (3, 10, 0), (4, 10, 7)]
    [bar] = retail(rows, sides=["Buy", "Sell", "Sell", "Sell"], IsCancelled=[False, False, False, True])
    assert (bar["RetailVolumeImbalance"], bar["RetailVolumeShare"]) == (1, 1)


def test_what_is_not_reported_is_in_no_share(retail):
    [bar] = retail([(1, 10, 3), (2, 10, 5)], flags=[None, None])
    assert [bar[f"Retail{n}"] for n in ("VolumeImbalance", "VolumeShare", "UnknownSideVolume")] == [None, None, 0]


def test_filters_by_state_type_sql_and_publication(retail, table, stamps):
    """Buys of 1, 2, 4, 8 and a sell of 16; each filter leaves the sell out."""
    rows, sides = [(n, 10, 2**n) for n in range(5)], ["Buy"] * 4 + ["Sell"]
    states = table("MarketState", [(-1, "CONTINUOUS_TRADING"), (3.5, "CLOSING_AUCTION")])
    types = ["Lit"] * 4 + ["Dark"]
    published = stamps([0, 1, 2, 3, 9])
    for options, tables, more in (
        ({}, {"marketstate": states}, {}),
        ({"trade_types": ["Lit"]}, {}, {"TradeType": types}),
        ({"where": "Size < 16"}, {}, {}),
        ({"max_publication_delay": "1s"}, {}, {"PublicationTimestamp": published}),
    ):
        bars = retail(rows, tables, sides=sides, options=options, **more)
        assert {bar["RetailVolumeImbalance"] for bar in bars} == {1}


def test_empty_table_gives_the_full_schema(table):
    trades = table("Price Size AggressorSide", []).with_columns(IsRetail=pl.lit(None, pl.Boolean))
    found = basalt.compute(["retail_imbalance"], every="10s", trades=trades, date=date(2026, 1, 5))
    assert found.height == 0
    assert found.columns[2:] == [
        *("RetailVolumeImbalance", "RetailVolumeShare", "RetailUnknownSideVolume"),
        *("RetailNotionalImbalance", "RetailNotionalShare", "RetailUnknownSideNotional"),
    ]


def test_rollups_weigh_by_the_denominators_and_unknown_sides_add_up(parts):
    metrics = {m.name: m for m in parts(RetailImbalance, {"measures": ["Notional"]}, COLUMNS)[0].metrics}
    kinds = {n: (m.over_time.kind, m.over_listings.kind, m.empty) for n, m in metrics.items()}
    assert kinds == {
        "RetailNotionalImbalance": ("mean", "mean", Empty.NULL),
        "RetailNotionalShare": ("mean", "mean", Empty.NULL),
        "RetailUnknownSideNotional": ("sum", "sum", Empty.ZERO),
    }
    assert metrics["RetailUnknownSideNotional"].over_listings.limit == "currency"


@pytest.mark.parametrize(
    ("options", "match"),
    [({"rule": "guess"}, "'guess'.*flag"), ({"measures": []}, "measures is empty"), ({"where": "Sizes > 1"}, "Sizes")],
)
def test_options_that_cannot_be_are_refused(retail, options, match):
    with pytest.raises(UserError, match=match):
        retail([(1, 10, 1)], options=options)


@pytest.mark.parametrize(("rule", "column"), [("flag", "IsRetail"), ("subpenny", "TradeType")])
def test_rule_without_its_column_is_refused(table, rule, column):
    trades = table("Price Size AggressorSide", [(1, 10, 1, "Buy")])
    with pytest.raises(UserError, match=rf"{column}.*trades"):
        basalt.compute([{"module": "retail_imbalance", "rule": rule}], every="10s", trades=trades)
