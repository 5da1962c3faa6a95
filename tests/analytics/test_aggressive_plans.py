"""The transform aggressive_trades in passes: what the plan tells and refuses, who reads its tables, and when."""

import sys
from datetime import timedelta

import polars as pl
import pytest
from aggressive_prints import CONTEXT, orders, prints, transform
from order_events import e1

import basalt
from basalt import Metric, Unit, analytic
from basalt.errors import UserError
from basalt.metrics import Known


def test_prints_of_no_known_type_all_count_and_the_plan_says_so():
    step = transform()
    notes = list(step.notes({"trades": prints(0).schema}, False, False))
    assert notes == [
        "aggressive_trades puts executions of trades together by gap",
        "aggressive_trades takes prints of every type, as trades tell none",
        "aggressive_trades knows no market state and no session, so that every execution counts",
    ]


@pytest.mark.parametrize(
    ("options", "lag"),
    [
        ({}, 10),
        ({"max_gap": "1500ns"}, 2),
        ({"table": "l3", "rules": ["event"]}, 0),
        ({"stamp": "first", "max_duration": "1ms"}, 1010),
        ({"stamp": "first"}, Known.END_OF_DATE),
        ({"match_column": "Aggressor"}, Known.END_OF_DATE),
    ],
)
def test_what_is_counted_of_orders_is_known_when_they_are_final(options, lag):
    """In whole us, no sooner."""
    found = transform(**options).known_after
    assert {known for name, known in found.items() if name != "SweepVenues"} == {
        lag if isinstance(lag, Known) else timedelta(microseconds=lag)
    }
    assert found["SweepVenues"] is Known.END_OF_DATE


REFUSED = {
    "gap": ({"max_gap": "-1us"}, "max_gap = '-1us' is negative: give a duration from '0s' on"),
    "size": ({"min_size": -1.0}, "min_size = -1.0 is no size: give a number from 0 on"),
    "levels": ({"sweep_levels": 0}, "sweep_levels = 0: an order has at least one price, so give 1 or more"),
    "no rule": (
        {"rules": []},
        "rules is empty, so every execution would be an order: list some of match_id, event, gap",
    ),
    "twice": ({"rules": ["gap", "gap"]}, "rules lists 'gap' twice: list it once"),
    "behind the gap": (
        {"rules": ["gap", "event"]},
        "rules lists 'event' behind 'gap', which always decides: put 'gap' last",
    ),
    "id that is not read": (
        {"rules": ["gap"], "match_column": "TradeId"},
        "match_column = 'TradeId' is read by the rule 'match_id' alone: add it to rules",
    ),
    "gap that is not read": (
        {"rules": ["match_id"], "match_column": "TradeId", "max_gap": "1ms"},
        "max_gap = '1ms' is read by the rule 'gap' alone: add it to rules",
    ),
    "events of prints": (
        {"rules": ["event", "gap"]},
        "rules lists 'event', which never applies here: prints tell of no exchange events, take table = 'l3', or leave "
        "the rule out",
    ),
    "no id": (
        {"rules": ["match_id"]},
        "rules lists 'match_id', which never applies here: name the column in match_column, or leave the rule out",
    ),
    "unknown id": (
        {"match_column": "Aggressor"},
        "match_column needs column Aggressor, which table trades does not have: name another column",
    ),
    "unknown column": (
        {"carry_last": ["Broker"]},
        "carry_first or carry_last needs column Broker, which table trades does not have: leave it out",
    ),
    "carried twice": (
        {"carry_first": ["TradeId"], "carry_last": ["TradeId"]},
        "carry_first and carry_last name 'TradeId' twice: an order has one column of that name",
    ),
    "carried anyway": (
        {"carry_first": ["Price"]},
        "carry_first and carry_last name 'Price', which every order has: leave it out",
    ),
    "types": (
        {"trade_types": ["Lit"]},
        "trade_types needs column TradeType, which table trades does not have: leave trade_types out",
    ),
    "states": (
        {"market_states": "HALTED"},
        "aggressive_trades asks for market_states = 'HALTED', and table trades has no MarketState, nor has the source "
        "a marketstate table: leave market_states out",
    ),
}


@pytest.mark.parametrize(("options", "said"), REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_refused_while_planning(options, said):
    with pytest.raises(UserError) as error:
        transform(**options).columns({"trades": prints(0, TradeId=["a"]).schema})
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("table", "column", "said"),
    [
        ("trades", "AggressorSide", "put the transform trade_signs before it"),
        ("l3", "ExecutionSize", "read trades, or add the column"),
        ("l3", "ExecutionPrice", "read trades, or add the column"),
    ],
)
def test_a_needed_column_that_is_absent_is_refused(table, column, said):
    tables = {"trades": prints(0), "l3": e1()}
    with pytest.raises(UserError) as error:
        transform(table=table).columns({table: tables[table].drop(column).schema})
    assert str(error.value) == f"aggressive_trades needs column {column}, which table {table} does not have: {said}"


def test_sweeps_over_venues_need_the_instruments():
    with pytest.raises(UserError, match="cross_venue_gap needs InstrumentId, which table reference does not have"):
        transform(cross_venue_gap="1ms").columns({"trades": prints(0).schema, "reference": {"ListingId": pl.Int64()}})


@analytic("aggressive_orders")
def large_orders():
    """How many."""
    yield Metric("Orders", pl.col("Size").count().cast(pl.Int64), Unit.COUNT, doc="Orders.", dtype=pl.Int64)


def test_a_module_of_the_pass_reads_the_orders():
    """Two orders, of 200 and 100; known 10 us after their stamp."""
    step = {"transform": "aggressive_trades"}
    found = basalt.compute([large_orders], every="1s", preprocess=[step], trades=prints(0, 1, 50))
    assert found["Orders"].to_list() == [2]


PIPELINE = """
name = "orders"
[source]
type = "parquet"
root = "data"
[[outputs]]
type = "parquet"
root = "out"
[[passes]]
name = "prints"
every = "1s"
preprocess = [{ transform = "aggressive_trades" }]
side_outputs = { aggressive_executions = "always" }
[[passes.modules]]
module = "trade"
[[passes]]
name = "taken"
every = "1s"
[[passes.modules]]
module = "trade"
tables = { trades = "prints:aggressive_orders" }
generic = [{ measures = ["Volume", "Count", "VWAP", "MaxSize"], sides = ["Total", "Buy"] }]
"""


def test_orders_stand_in_the_place_of_trades_in_a_later_pass(tmp_path):
    """Prints of 100 at 0, 1 and 50 us: three prints, two orders, of 200 and 100, and the executions beside them."""
    place = tmp_path / "data/trades/date=2026-01-05"
    place.mkdir(parents=True)
    prints(0, 1, 50, TradeId=["a", "b", "c"]).write_parquet(place / "part.parquet")
    (tmp_path / "orders.toml").write_text(PIPELINE)
    result = basalt.run(tmp_path / "orders.toml")
    assert result.failed == []
    assert [result.scan(name).collect()["TradeTotalCount"].sum() for name in ("prints", "taken")] == [3, 2]
    taken = result.scan("taken").collect()
    assert (taken["TradeBuyVolume"].sum(), taken["TradeTotalMaxSize"].max()) == (300, 200)
    executions = result.scan("prints:aggressive_executions").select("TradeId", "AggressiveOrderId").collect()
    assert executions.rows() == [("a", 0), ("b", 0), ("c", 1)]
    known = {c["name"]: c["known_after"] for c in result.document("taken")["columns"]}
    assert (known["TradeTotalVolume"], known["TradeTotalVWAP"]) == ("10us", "10us")
    described = {c["name"]: c["unit"] for c in result.document("prints:aggressive_orders")["columns"]}
    assert (described["Price"], described["Size"], described["AggressorSide"]) == ("price", "shares", "label")


def test_numba_is_not_imported_unless_an_order_may_be_cut():
    """Nor while the query that cuts is built: the kernel imports it."""
    sys.modules.pop("basalt_analytics.kernels.spans", None)
    orders(prints(0, 1))
    assert "basalt_analytics.kernels.spans" not in sys.modules
    step = transform(max_duration="1us")
    step.apply({"trades": prints(0, 1).lazy()}, CONTEXT)
    assert "basalt_analytics.kernels.spans" not in sys.modules
