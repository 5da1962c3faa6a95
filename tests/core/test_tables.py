"""The canonical tables and their lookups."""

import polars as pl
import pytest

from basalt.columns import Unit
from basalt.tables import BUILT_IN, L2, MARKET_STATES, REFERENCE, TRADES, depth


def test_the_built_in_tables_are_those_of_the_conventions():
    names = ["trades", "l2", "l3", "l3_snapshot", "cbbo", "marketstate", "imbalance", "reference", "calendar"]
    assert [t.name for t in BUILT_IN] == names


@pytest.mark.parametrize("table", BUILT_IN, ids=lambda t: t.name)
def test_every_column_has_a_sentence_and_a_unit(table):
    assert all(c.doc and isinstance(c.unit, Unit) for c in table.columns)
    names = [c.name for c in table.columns]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("table", BUILT_IN, ids=lambda t: t.name)
def test_the_key_and_the_stamp_are_required(table):
    assert table.key in table.required
    assert ("EventTimestamp" in table.required) == table.events


def test_levels_are_found_by_number_and_nothing_else():
    assert L2.column("BidPrice7").unit is Unit.PRICE
    assert L2.column("AskNumOrders10").dtype == pl.Int32
    assert L2.column("BidPrice0") is None
    assert L2.column("BidPriceX") is None
    assert L2.column("BidPrice1").required


def test_depth_counts_levels_without_a_gap():
    assert depth(["BidPrice1", "BidPrice2", "BidPrice4"]) == 2
    assert depth(["Price"]) == 0


def test_order_is_time_then_sequence():
    assert TRADES.order == ["EventTimestamp", "SequenceNo"]
    assert REFERENCE.order == []


def test_listing_ids_are_integers_or_strings():
    column = TRADES.column("ListingId")
    assert column.accepts(pl.Int64)
    assert column.accepts(pl.String)
    assert not column.accepts(pl.Float64)


def test_there_are_fourteen_market_states():
    assert len(MARKET_STATES) == 14
    assert "CONTINUOUS_TRADING" in MARKET_STATES


def test_every_column_expands_levels():
    columns = L2.every_column(2)
    assert [c for c in columns if c.startswith("Bid")] == [
        "BidPrice1", "BidQuantity1", "BidPrice2", "BidQuantity2", "BidNumOrders1", "BidNumOrders2"
    ]  # fmt: skip
