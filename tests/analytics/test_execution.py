"""The module execution: which rows are executions, what is counted of them, and how both tables agree."""

from datetime import date

import polars as pl
import pytest
from order_events import e1, l3, states

import basalt
from basalt.errors import PluginError, UserError
from basalt.face import plan_in_memory
from basalt.tables import STATE, TRADE_TYPE
from basalt.testing.days import DAYS
from basalt.testing.trials import Setting
from basalt_analytics.execution.module import Execution

NAN, INF = float("nan"), float("inf")
MEASURES = ["Volume", "Count", "Notional", "VWAP"]
EVERY_SIDE = [{"sides": ["Bid", "Ask", "Total"], "measures": MEASURES}]


def fills(*rows):
    """Executions of resting orders, a second apart: (side, price, shares)."""
    return l3([(i, i, f"o{i}", side, "Remove", None, 0, 10.0, 100, p, x) for i, (side, p, x) in enumerate(rows, 1)])


def executed(events, every="1m", **options):
    module = {"module": "execution", "book": EVERY_SIDE, "trades": [], **options}
    return basalt.compute([module], every=every, l3=events).to_dicts()


def of_prints(trades, groups, **options):
    module = {"module": "execution", "book": [], "trades": groups, "imbalance": [], **options}
    return basalt.compute([module], every="1m", l3=fills(), trades=trades).to_dicts()


def test_rows_without_shares_executed_are_no_executions():
    """100 alone counts: none, nothing, less than nothing and what is no number do not, and their bucket stays."""
    (bar,) = executed(fills(*(("Bid", 10.0, x) for x in (100, 0, None, -5, NAN, INF))))
    assert (bar["BidExecutedVolume"], bar["BidExecutedCount"], bar["BidExecutedNotional"]) == (100, 1, 1000)
    (idle,) = executed(fills(("Bid", 10.0, 0)))
    assert [idle[f"TotalExecuted{m}"] for m in MEASURES] == [0, 0, 0, None]
    assert idle["L3TradeImbalance"] is None


def test_an_execution_without_a_price_counts_with_its_shares_alone():
    """100 at 10 and 300 at 12: 4600 over 400; 500 more have none."""
    (bar,) = executed(fills(("Ask", 10.0, 100), ("Ask", None, 200), ("Ask", NAN, 300), ("Ask", 12.0, 300)))
    assert [bar[f"AskExecuted{m}"] for m in MEASURES] == [900, 4, 4600, 11.5]
    (bar,) = executed(fills(("Ask", None, 200)))
    assert [bar[f"AskExecuted{m}"] for m in MEASURES] == [200, 1, 0, None]


def test_an_execution_of_no_known_side_is_in_the_total_alone():
    (bar,) = executed(fills(("Bid", 10.0, 100), (None, 12.0, 100)))
    assert [bar[f"{side}ExecutedVolume"] for side in ("Bid", "Ask", "Total")] == [100, 0, 200]
    assert bar["L3TradeImbalance"] == -1


def test_executions_count_by_the_state_at_their_own_time():
    events = fills(("Bid", 10.0, 100), ("Bid", 10.0, 30)).with_columns(
        MarketState=pl.Series(["CONTINUOUS_TRADING", "CLOSING_AUCTION"], dtype=STATE)
    )
    found = [executed(events, market_states=states)[0]["BidExecutedVolume"] for states in (None, "all")]
    found += [executed(events, market_states=["CLOSING_AUCTION"])[0]["BidExecutedVolume"]]
    assert found == [100, 130, 30]


def test_a_vwap_is_rolled_up_by_the_shares_that_have_a_price():
    """Second 1: 100 at 10, 900 without a price; second 2: 100 at 12. Over both 11, not 10.18…"""
    events = l3(
        [
            (1, 1, "a", "Bid", "Remove", None, 0, 10.0, 100, 10.0, 100),
            (2, 1, "b", "Bid", "Remove", None, 0, 10.0, 900, None, 900),
            (3, 2, "c", "Bid", "Remove", None, 0, 12.0, 100, 12.0, 100),
        ]
    )
    fine = {"module": "execution", "trades": []}
    rolled = Setting("generic", "1m", source=[fine], source_every="1s", days={"one": lambda: {"l3": events}})
    assert rolled.trial("one").whole["BidExecutedVWAP"].to_list() == [11.0]


def test_the_unknown_type_is_a_type_and_total_is_all(table):
    trades = table("Price Size AggressorSide", [(i, 10.0, 2.0**i, "Buy") for i in range(1, 4)]).with_columns(
        TradeType=pl.Series(["Lit", None, "Auction"], dtype=TRADE_TYPE)
    )
    groups = [{"types": ["Lit", "Auction", "Unknown", "Total"], "sides": ["Total"], "measures": ["Volume"]}]
    (bar,) = of_prints(trades, groups)
    volumes = [bar[f"{type_}TotalVolume"] for type_ in ("Lit", "Auction", "Unknown", "Total")]
    assert volumes == [2, 8, 4, 14]


def test_types_that_are_not_told_are_needed_for_those_alone_that_name_one(table):
    trades = table("Price Size AggressorSide", [(1, 10.0, 5, "Buy")])
    (bar,) = of_prints(trades, [{"types": ["Total"], "sides": ["Buy"], "measures": ["Count"]}])
    assert bar["TotalBuyCount"] == 1
    with pytest.raises(UserError, match="LitBuyCount of module execution needs column 'TradeType' of table 'trades'"):
        of_prints(trades, [{"types": ["Lit"], "sides": ["Buy"], "measures": ["Count"]}])


def test_groups_are_told_apart_by_their_names(table):
    trades = table("Price Size AggressorSide", [(1, 10.0, 5, "Buy"), (2, 10.0, 7, "Sell")])
    group = {"types": ["Total"], "sides": ["Buy", "Sell"], "measures": ["Volume"], "name": "{measure}{side}Of{type}"}
    (bar,) = of_prints(trades, [group])
    assert (bar["VolumeBuyOfTotal"], bar["VolumeSellOfTotal"]) == (5, 7)


def test_an_imbalance_is_of_the_tables_that_a_group_reads_unless_asked_for():
    """Without groups of trades there is none of trades; with an empty list there is none."""
    events = fills(("Bid", 10.0, 100))
    assert [name for name in executed(events)[0] if "Imbalance" in name] == ["L3TradeImbalance"]
    assert [name for name in executed(events, imbalance=[])[0] if "Imbalance" in name] == []


@pytest.mark.parametrize("day", ["quiet", "ties", "midnight", "halt"])
def test_what_met_asks_was_bought_and_what_met_bids_was_sold(day):
    """On simulated days each execution of continuous trading is one row of l3 and one print."""
    tables = DAYS[day]()
    group = {"types": ["Lit"], "sides": ["Buy", "Sell"], "measures": MEASURES}
    module = {"module": "execution", "book": EVERY_SIDE, "trades": [group]}
    # l3 and trades, not the state table: each row tells its own state, and a halt stops order events alone
    found = basalt.compute([module], every="15m", l3=tables["l3"], trades=tables["trades"])
    assert found["LitBuyVolume"].sum() > 0
    for side, resting in (("Buy", "Ask"), ("Sell", "Bid")):
        for measure in MEASURES:
            differ = (found[f"Lit{side}{measure}"] - found[f"{resting}Executed{measure}"]).abs()
            assert differ.drop_nulls().max() <= 1e-6
            assert (found[f"Lit{side}{measure}"].is_null() == found[f"{resting}Executed{measure}"].is_null()).all()
    assert found["TradeImbalance"].to_list() == found["L3TradeImbalance"].to_list()


def test_prints_agree_with_module_trade():
    """Volume, count, value, VWAP and placement by side, whatever is null or no number."""
    tables = DAYS["nulls"]()
    sides, measures = ["Total", "Buy", "Sell", "Unknown"], [*MEASURES, "PricePlacement"]
    trade = {"module": "trade", "generic": [{"sides": sides, "measures": MEASURES}], "placement": [{"sides": sides}]}
    module = {"module": "execution", "book": [], "trades": [{"types": ["Total"], "sides": sides, "measures": measures}]}
    found = basalt.compute([trade, module], every="15m", l3=tables["l3"], trades=tables["trades"])
    for side in sides:
        for measure in measures:
            of_trade, of_execution = found[f"Trade{side}{measure}"], found[f"Total{side}{measure}"]
            there = of_trade.is_not_null()
            assert of_trade.filter(there).to_list() == of_execution.filter(there).to_list()


REFUSED = {
    "nothing": (
        {"book": [], "trades": []},
        "modules[0]: execution emits nothing: book, trades and imbalance are empty, so name a group in one",
    ),
    "no side": (
        {"book": [{"sides": []}]},
        "modules[0]: execution.book[0]: sides is empty, so the group emits nothing: list a value or drop the group",
    ),
    "no type": (
        {"trades": [{"types": []}]},
        "modules[0]: execution.trades[0]: types is empty, so the group emits nothing: list a value or drop the group",
    ),
    "twice": (
        {"book": [{}, {"measures": ["Volume"]}]},
        "modules[0]: execution.book[0] and execution.book[1] both emit BidExecutedVolume: set `name` in one of them",
    ),
    "field": (
        {"trades": [{"name": "{kind}{measure}"}]},
        "modules[0]: execution.trades[0]: name = '{kind}{measure}' has an unknown field {kind}; its fields are {type}, "
        "{side}, {measure}",
    ),
}


@pytest.mark.parametrize(("options", "said"), REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_refused_while_planning(table, options, said):
    trades = table("Price Size AggressorSide", [(1, 10.0, 5, "Buy")])
    with pytest.raises((UserError, PluginError)) as error:
        basalt.compute([{"module": "execution", **options}], every="1m", l3=fills(), trades=trades)
    assert str(error.value) == f"passes.computed.{said}"


def test_two_of_them_do_not_get_in_each_others_way():
    """The same derived names, in one aggregation."""
    module = {"module": "execution", "book": EVERY_SIDE, "trades": []}
    (bar,) = basalt.compute([module, {**module, "prefix": "My"}], every="1m", l3=fills(("Bid", 10.0, 100))).to_dicts()
    assert (bar["BidExecutedVolume"], bar["MyBidExecutedVolume"], bar["MyBidExecutedVWAP"]) == (100, 100, 10)


def test_prints_are_read_in_one_aggregation_with_those_of_module_trade(table):
    """One of l3, one of trades that both modules share, and the count of invalid trades in any state."""
    trades = table("Price Size AggressorSide", [(1, 10.0, 5, "Buy")])
    group = {"types": ["Total"], "sides": ["Buy"], "measures": ["Volume"]}
    listed = ["trade", {"module": "execution", "trades": [group]}]
    frames = {"l3": fills().lazy(), "trades": trades.lazy()}
    (program,) = plan_in_memory(listed, "1m", date(2026, 1, 5), frames, {}).programs
    assert [one.frame.table for one in program.aggregations] == ["trades", "trades", "l3"]


def test_each_table_is_one_part_whatever_is_asked_of_it(parts):
    """A part a table, so that each is read in one aggregation."""
    found = parts(Execution, {"book": EVERY_SIDE}, {})
    assert [part.reads.table for part in found] == ["l3", "trades"]
    assert [len(part.metrics) for part in found] == [13, 19]


def test_a_source_without_one_of_its_tables_is_refused():
    with pytest.raises(UserError, match="module execution reads table 'trades', which source 'memory' does not have"):
        basalt.compute(["execution"], every="1m", l3=e1())


def test_states_of_both_tables_come_from_the_table_of_states(table):
    """Trading is halted from 2 s on, and neither table says so itself: of prints at 1 and 3 s the first counts."""
    prints = table("Price Size", [(1, 10, 5), (3, 10, 7)], TradeType=["Lit"] * 2, AggressorSide=["Buy"] * 2)
    told = states((0.0, "CONTINUOUS_TRADING"), (2.0, "HALTED"))
    options = {"trades": [{"types": ["Lit"], "sides": ["Buy"], "measures": ["Volume"]}]}
    events = e1().drop("MarketState")
    found = basalt.compute([{"module": "execution", **options}], every="1m", l3=events, trades=prints, marketstate=told)
    assert found["LitBuyVolume"].to_list() == [5]
    assert found["BidExecutedVolume"].to_list() == [0]
