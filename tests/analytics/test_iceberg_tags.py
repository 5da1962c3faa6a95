"""The transform iceberg_tags: which print is which execution, what is told of it and when, and what is refused."""

import polars as pl
import pytest
from iceberg_orders import CONTEXT, Orders, chain, filled, i2
from order_events import NINE, states

import basalt
from basalt import Metric, Unit, analytic
from basalt.config.structure import structure
from basalt.errors import UserError
from basalt.metrics import Known
from basalt.tables import AGGRESSOR, NS_UTC
from basalt_analytics.iceberg.tags import TAGS, IcebergTags, IcebergTagsOptions

COLUMNS = {
    "At": pl.Float64,
    "Price": pl.Float64,
    "Size": pl.Float64,
    "AggressorSide": AGGRESSOR,
    "TradeId": pl.String,
    "IsCancelled": pl.Boolean,
}


def prints(*rows, listing=1):
    """(seconds, price, size, side, id, cancelled), the last three null where they are not given."""
    padded = [(*row, *[None] * (6 - len(row))) for row in rows]
    found = pl.DataFrame(padded, schema=COLUMNS, orient="row")
    at = (NINE + (pl.col("At") * 1e9).round().cast(pl.Int64)).cast(NS_UTC)
    return found.select(pl.lit(listing, pl.Int64).alias("ListingId"), at.alias("EventTimestamp"), pl.exclude("At"))


def transform(**options):
    return IcebergTags(structure(IcebergTagsOptions, options, "preprocess[0]"))


def tagged(trades, orders, marketstate=None, **options):
    """The prints with their tags; other columns, rows and order are asserted to stay."""
    events = orders.table() if isinstance(orders, Orders) else orders
    step = transform(**options)
    inputs = {"trades": trades.lazy(), "l3": events.lazy()}
    inputs |= {} if marketstate is None else {"marketstate": marketstate.lazy()}
    found = step.apply(inputs, CONTEXT)["trades"].collect()
    own = [name for name in trades.columns if name not in TAGS]
    assert found.select(own).equals(trades.select(own))
    assert dict(found.schema) == step.columns({name: table.collect_schema() for name, table in inputs.items()})
    return found


def are_icebergs(trades, orders, **options):
    return tagged(trades, orders, **options)["IsIceberg"].to_list()


def with_ids(orders, ids):
    """The events, executions with the ids in their order."""
    events, given = orders.table(), iter(ids)
    told = [next(given) if x > 0 else None for x in events["ExecutionSize"]]
    return events.with_columns(TradeId=pl.Series(told, dtype=pl.String))


HIT = i2()
"""A bid of 100 at 19.9, of which 160 are executed at 2.5 s."""


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ((2.5, 19.9, 160, "Sell"), True),
        ((2.5, 19.9, 160, None), True),
        ((2.5, 19.9, 160, "Buy"), None),
        ((2.5, 19.91, 160, "Sell"), None),
        ((2.5, None, 160, "Sell"), None),
        ((2.5, 19.9, 150, "Sell"), None),
        ((2.5, 19.9, None, "Sell"), None),
        ((2.5005, 19.9, 160, "Sell"), True),
        ((2.500500001, 19.9, 160, "Sell"), None),
        ((2.4995, 19.9, 160, "Sell"), True),
        ((2.4994, 19.9, 160, "Sell"), None),
        ((2.5, 19.9, 160, "Sell", None, True), None),
    ],
)
def test_a_print_without_an_id_is_matched_by_price_side_size_and_time(row, found):
    assert are_icebergs(prints(row), HIT) == [found]


def test_sizes_may_be_apart_and_sides_left_out():
    assert are_icebergs(prints((2.5, 19.9, 150, "Sell")), HIT, size_tolerance=10) == [True]
    assert are_icebergs(prints((2.5, 19.9, 149, "Sell")), HIT, size_tolerance=10) == [None]
    assert are_icebergs(prints((2.5, 19.9, 160, "Buy")), HIT, match_sides=False) == [True]


def test_prices_are_equal_by_their_key():
    orders = Orders().insert(1, "a", "Ask", 0.3, 10).remove(2, "a", x=20)
    assert are_icebergs(prints((2, 0.1 + 0.2, 20, "Buy")), orders) == [True]


def test_the_nearest_execution_is_taken_and_of_two_as_near_the_earlier():
    """Fills of a at 2.0 and of b, hidden 50, at 2.0002: the print at 2.00015 is nearer to b, that at 2.0001 to both."""
    orders = (
        Orders()
        .insert(1, "a", "Bid", 10.0, 100)
        .insert(1, "b", "Bid", 10.0, 50)
        .fill(2, "a")
        .remove(2.0002, "b", x=100)
    )
    assert are_icebergs(prints((2.00015, 10.0, 100)), orders) == [True]
    assert are_icebergs(prints((2.0001, 10.0, 100)), orders) == [False]
    assert are_icebergs(prints((2.0001, 10.0, 100), (2.0001, 10.0, 100), (2.0001, 10.0, 100)), orders) == [
        False,
        True,
        None,
    ]


def test_an_execution_is_of_one_print():
    assert are_icebergs(prints((2.5, 19.9, 160, "Sell"), (2.5, 19.9, 160, "Sell")), HIT) == [True, None]


def test_an_id_is_stronger_than_price_side_size_and_time():
    """The first print of the id, though the second is the nearer."""
    events = with_ids(HIT, ["x"])
    trades = prints((9, 1.0, 5, "Buy", "x"), (9, 19.9, 160, "Sell", "x"), (9, 19.9, 160, "Sell", "y"))
    found = tagged(trades, events)
    assert found["IsIceberg"].to_list() == [True, None, None]
    assert found["IcebergMatch"].to_list() == ["TRADE_ID", None, None]


def test_ids_that_are_empty_or_of_cancelled_prints_are_none():
    events = with_ids(HIT, [""])
    assert are_icebergs(prints((9, 19.9, 160, "Sell", "")), events) == [None]
    events = with_ids(HIT, ["x"])
    trades = prints((2.5, 19.9, 160, "Sell", "x", True), (2.5, 19.9, 160, "Sell", None))
    assert are_icebergs(trades, events) == [None, True]


def test_executions_of_one_id_are_all_of_its_print():
    """An iceberg hidden by 50, and an order that is none."""
    orders = Orders().insert(1, "a", "Bid", 10.0, 100).insert(1, "b", "Bid", 10.0, 50)
    events = with_ids(orders.fill(2, "a").remove(2, "b", x=100), ["x", "x"])
    (row,) = tagged(prints((2, 10.0, 200, "Sell", "x")), events).to_dicts()
    assert (row["IsIceberg"], row["IcebergHiddenSize"], row["IcebergId"]) == (True, 50, 1)


def test_a_print_may_be_known_as_an_iceberg_s_later():
    """Three ids in each other's place: the first two fills at 2 and 3 s are known at 3.0001 s, and not before."""
    trades = prints((2, 10.0, 100, "Sell"), (3, 10.0, 100, "Sell"), (4, 10.0, 100, "Sell"))
    found = tagged(trades, chain(100, 100, 100))
    known = (found["IcebergKnownAt"].to_physical() - NINE).to_list()
    assert known == [3_000_100_000, 3_000_100_000, 4_000_000_000]
    assert found["IcebergKind"].to_list() == ["SYNTHETIC"] * 3
    assert found["IcebergHiddenSize"].to_list() == [0, 100, 100]


def test_a_print_of_an_order_that_is_no_iceberg_says_so():
    (row,) = tagged(prints((2, 10.0, 100, "Buy")), filled()).to_dicts()
    assert [row[name] for name in TAGS] == [False, None, None, 0, None, "NEAREST"]


def test_a_print_of_an_order_that_was_never_inserted_is_of_none():
    events = filled().table()[1:]
    assert are_icebergs(prints((2, 10.0, 100, "Buy")), events) == [False]


def test_executions_of_other_states_confirm_nothing():
    closed = states((0, "CLOSING_AUCTION"))
    events = HIT.table().drop("MarketState")
    trade = prints((2.5, 19.9, 160, "Sell"))
    assert are_icebergs(trade, events, marketstate=closed) == [False]
    assert are_icebergs(trade, events, marketstate=closed, market_states="all") == [True]


def test_what_the_source_says_of_icebergs_gives_way():
    trades = prints((2.5, 19.9, 160, "Sell"), (3, 19.9, 1, "Sell")).with_columns(IsIceberg=pl.lit(False))
    found = tagged(trades, HIT)
    assert found["IsIceberg"].to_list() == [True, None]
    assert found.columns.index("IsIceberg") == trades.columns.index("IsIceberg")


def test_prints_without_optional_columns():
    trades = prints((2.5, 19.9, 160)).select("ListingId", "EventTimestamp", "Price", "Size")
    assert are_icebergs(trades, HIT) == [True]


def test_listings_do_not_see_each_other_and_keep_their_order():
    """Of two, of which the first has no events; prints of a third that has no prints are none."""
    trades = pl.concat([prints((2.5, 19.9, 160), listing=n) for n in (1, 2)])
    events = pl.concat([HIT.table(2), HIT.table(3)])
    assert are_icebergs(trades, events) == [None, True]


def test_nothing_gives_nothing():
    assert tagged(prints().clear(), HIT).height == 0
    assert are_icebergs(prints((2.5, 19.9, 160)), HIT.table().clear()) == [None]


@analytic("trades")
def iceberg_prints():
    """How many."""
    count = pl.col("IsIceberg").sum().cast(pl.Int64)
    yield Metric("IcebergPrints", count, Unit.COUNT, doc="Prints that executed an iceberg.", dtype=pl.Int64)


def test_a_module_of_the_pass_reads_the_tags():
    trades = prints((2.5, 19.9, 160, "Sell"), (2.6, 19.9, 1, "Sell"))
    made = {"preprocess": [{"transform": "iceberg_tags"}], "trades": trades, "l3": HIT.table()}
    assert basalt.compute([iceberg_prints], every="1s", **made)["IcebergPrints"].to_list() == [1]


def test_modules_that_filter_by_tags_are_known_when_the_date_is_over():
    assert set(transform().known_after.values()) == {Known.END_OF_DATE}
    assert set(transform().known_after) == set(TAGS)


def test_the_plan_says_where_no_id_tells():
    columns = {"trades": prints().schema, "l3": HIT.table().schema}
    said = "iceberg_tags matches prints by price, size and time alone, as l3 has no TradeId"
    assert list(transform().notes(columns, False, False)) == [said]


REFUSED = {
    "time": ({"tolerance": "-1us"}, "iceberg_tags: tolerance = '-1us' is negative: give a duration from '0s' on"),
    "size": ({"size_tolerance": -1}, "iceberg_tags: size_tolerance = -1.0 is no size: give a number from 0 on"),
    "tranches": (
        {"min_tranches": 1},
        "iceberg_tags: min_tranches = 1 would make every order an iceberg: give 2 or more",
    ),
}


@pytest.mark.parametrize(("options", "said"), REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_refused(options, said):
    with pytest.raises(UserError) as error:
        transform(**options)
    assert said in str(error.value)


@pytest.mark.parametrize(("table", "column"), [("l3", "ExecutionPrice"), ("trades", "Size")])
def test_a_needed_column_that_is_absent_is_refused(table, column):
    columns = {"trades": dict(prints().schema), "l3": dict(HIT.table().schema)}
    del columns[table][column]
    with pytest.raises(UserError, match=f"iceberg_tags needs (column )?{column}, which table {table} does not have"):
        transform().columns(columns)
