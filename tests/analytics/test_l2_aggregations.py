"""From rows to a bar: last and first, averages, bars of prices, carrying, halts; options and declarations."""

import polars as pl
import pytest

from basalt import compute
from basalt.errors import UserError
from basalt.metrics import Empty
from basalt_analytics.l2.module import L2

EDGES = ("Open", "High", "Low", "Close")
TWO = "BidPrice1 BidPrice2 AskPrice1 AskPrice2 BidQuantity1 BidQuantity2 AskQuantity1 AskQuantity2"
ROW = (1, 10, 9, 11, 12, 5, 6, 7, 8)
ALL = ["Last", "First", "Min", "Max", "Mean", "Median", "Std"]


def named(prefix, *aggregations):
    return [prefix + ("" if a == "Last" else a) for a in aggregations]


def test_every_aggregation_over_three_rows(booked):
    """Mids 10.5, 13.5, 12: last 12, first 10.5, lowest 10.5, highest 13.5, mean 12, median 12, std √(4.5/2) = 1.5."""
    rows = [(1, 10, 11, 1, 1), (2, 13, 14, 1, 1), (3, 11.5, 12.5, 1, 1)]
    [bar] = booked({"prices": [{"sources": ["Mid"], "aggregations": ALL}]}, rows)
    assert [bar[n] for n in named("Mid", *ALL)] == [12, 10.5, 10.5, 13.5, 12, 12, 1.5]


def test_median_of_an_even_count_is_the_mean_of_the_middle_two(booked):
    rows = [(i, 10 + i, 11 + i, 1, 1) for i in (1, 2, 4, 8)]
    [bar] = booked({"prices": [{"sources": ["Bid"], "aggregations": ["Median"]}]}, rows)
    assert bar["BidMedian"] == 13


def test_one_row_has_no_standard_deviation(booked):
    options = {"prices": [{"sources": ["Mid"], "aggregations": ["Std", "Mean"]}]}
    assert list(booked(options, [(1, 10, 11, 1, 1)])[0].values())[2:] == [None, 10.5]


@pytest.mark.parametrize("bad", [(None, None), (9, 8), (10, None)])
def test_last_and_first_never_fall_back_to_another_row(booked, bad):
    """The first and the last row are empty, crossed or one-sided; the row between is not theirs."""
    rows = [(1, *bad, 1, 1), (2, 10, 11, 1, 1), (3, *bad, 1, 1)]
    [bar] = booked({"prices": [{"sources": ["Mid"], "aggregations": ["Last", "First", "Mean"]}]}, rows)
    assert [bar["Mid"], bar["MidFirst"], bar["MidMean"]] == [None, None, 10.5]


def test_rows_of_one_stamp_all_count_and_the_last_in_sequence_is_last(booked):
    """Sequence 1, 2, 3 with bids 12, 11, 10, given out of order: last 10, first 12, mean 11."""
    rows = [(5, 10, 20, 1, 1), (5, 12, 20, 1, 1), (5, 11, 20, 1, 1)]
    options = {"prices": [{"sources": ["Bid"], "aggregations": ["Last", "First", "Mean"]}]}
    [bar] = booked(options, rows, SequenceNo=[3, 1, 2])
    assert [bar["Bid"], bar["BidFirst"], bar["BidMean"]] == [10, 12, 11]


def test_numbers_of_orders_stay_whole_and_their_average_is_not(booked):
    """2 and 3 orders: last 3, lowest 2, mean 2.5."""
    columns = "BidPrice1 AskPrice1 BidQuantity1 AskQuantity1 BidNumOrders1 AskNumOrders1"
    options = {"book": [{"measures": ["NumOrders"], "sides": ["Bid"], "aggregations": ["Last", "Min", "Mean"]}]}
    [bar] = booked(options, [(1, 10, 11, 5, 5, 2, 2), (2, 10, 11, 5, 5, 3, 3)], columns)
    assert [bar[n] for n in named("BidNumOrders1", "Last", "Min", "Mean")] == [3, 2, 2.5]
    assert isinstance(bar["BidNumOrders1"], int)


def test_last_is_carried_into_buckets_of_the_stretch_without_rows_and_averages_are_not(booked, table):
    """A trade alone makes bucket 2; the crossed last row of bucket 1 is carried as the null it is."""
    options = {"prices": [{"sources": ["Bid", "Mid"], "aggregations": ["Last", "First", "Mean"]}]}
    trades = {"trades": table("Price Size", [(15, 10, 1)])}
    rows = [(1, 10, 11, 1, 1)]

    def second(rows):
        book = table("BidPrice1 AskPrice1 BidQuantity1 AskQuantity1", rows)
        found = compute([{"module": "l2", **options}, "trade"], every="10s", l2=book, **trades).to_dicts()[1]
        return [found[n] for n in ("Bid", "Mid", "MidFirst", "MidMean")]

    assert second(rows) == [10, 10.5, None, None]
    assert second([*rows, (2, 12, 11, 1, 1)]) == [None] * 4


def test_nothing_is_carried_across_a_halt(table):
    """Continuous 0–5 and from 12: the trade at 15 finds no book of its stretch."""
    states = table("MarketState", [(0, "CONTINUOUS_TRADING"), (5, "HALTED"), (12, "CONTINUOUS_TRADING")])
    book = table("BidPrice1 AskPrice1 BidQuantity1 AskQuantity1", [(1, 10, 11, 1, 1)])
    trades = table("Price Size", [(15, 10, 1)])
    modules = [{"module": "l2", "ohlc": [{"sources": ["Mid"], "open_mode": "prev_close"}]}, {"module": "trade"}]
    found = compute(modules, every="10s", l2=book, trades=trades, marketstate=states).to_dicts()
    assert [[bar[f"Mid{e}C"] for e in EDGES] for bar in found] == [[10.5] * 4, [None] * 4]


def test_chained_bar_of_invalid_rows_stays_at_the_close_before(booked):
    """Bucket 2 holds a crossed row alone: 10.5 ×4; the event bar is null."""
    options = {"ohlc": [{"sources": ["Mid"], "open_mode": "prev_close"}, {"sources": ["Mid"]}]}
    bars = booked(options, [(1, 10, 11, 1, 1), (11, 12, 11, 1, 1), (21, 12, 13, 1, 1)])
    assert [bars[1][f"Mid{e}C"] for e in EDGES] == [10.5] * 4
    assert [bars[1][f"Mid{e}"] for e in EDGES] == [None] * 4
    assert [bars[2][f"Mid{e}C"] for e in EDGES] == [10.5, 12.5, 10.5, 12.5]


def test_chained_bar_of_invalid_rows_after_a_halt_is_null(booked, table):
    """Continuous 0–12 and from 15. Bucket 2 holds a crossed row before and one after the halt: what the last row has
    in force is nothing, so the close of bucket 1 goes no further."""
    states = table("MarketState", [(0, "CONTINUOUS_TRADING"), (12, "HALTED"), (15, "CONTINUOUS_TRADING")])
    options = {"ohlc": [{"sources": ["Mid"], "open_mode": "prev_close"}]}
    rows = [(1, 10, 11, 1, 1), (11, 12, 11, 1, 1), (16, 12, 11, 1, 1)]
    bars = booked(options, rows, tables={"marketstate": states})
    assert [bars[1][f"Mid{e}C"] for e in EDGES] == [None] * 4


def test_bars_of_every_source(booked):
    """Rows 10/11 × 1/3 and 12/13 × 1/1: bids 10 12, asks 11 13, mids 10.5 12.5, weighted 10.25 12.5."""
    options = {"ohlc": [{"sources": ["Mid", "Bid", "Ask", "WeightedMid"]}]}
    [bar] = booked(options, [(1, 10, 11, 1, 3), (2, 12, 13, 1, 1)])
    opens_closes = [(bar[f"{s}Open"], bar[f"{s}Close"]) for s in ("Mid", "Bid", "Ask", "WeightedMid")]
    assert opens_closes == [(10.5, 12.5), (10, 12), (11, 13), (10.25, 12.5)]


def test_market_states_filter_rows(booked):
    """Of an auction's 10 and continuous trading's 12, the default keeps 12; "all" averages to 11."""
    options = {"prices": [{"sources": ["Bid"], "aggregations": ["Mean"]}]}
    rows = [(1, 10, 20, 1, 1), (2, 12, 20, 1, 1)]
    states = ["CLOSING_AUCTION", "CONTINUOUS_TRADING"]
    assert booked(options, rows, MarketState=states)[0]["BidMean"] == 12
    assert booked({**options, "market_states": "all"}, rows, MarketState=states)[0]["BidMean"] == 11


def test_where_drops_the_rows_that_fail_it(booked):
    """Rows 1 and 3 have bids of more than 100 shares: last 30, mean 20; the bucket without any stays, carried."""
    options = {"where": "BidQuantity1 > 100", "prices": [{"sources": ["Bid"], "aggregations": ["Last", "Mean"]}]}
    rows = [(1, 10, 99, 101, 1), (2, 20, 99, 100, 1), (3, 30, 99, 200, 1), (4, 40, 99, 1, 1), (11, 50, 99, 1, 1)]
    bars = booked(options, rows)
    assert [(bar["Bid"], bar["BidMean"]) for bar in bars] == [(30, 20), (30, None)]


@pytest.mark.parametrize(
    ("max_age", "bids"), [("0s", [None, None, 14]), ("4s", [None, None, 14]), ("5s", [12, None, 14])]
)
def test_a_last_row_too_old_at_its_bucket_s_end_is_no_last_value(booked, max_age, bids):
    """Rows at 5, 13 and 30 s are 5, 7 and 0 s old at the ends of their buckets; means are of rows of any age."""
    options = {"prices": [{"sources": ["Bid"], "aggregations": ["Last", "Mean"]}], "max_age": max_age}
    bars = booked(options, [(5, 12, 13, 1, 1), (13, 13, 14, 1, 1), (30, 14, 15, 1, 1)])
    assert [bar["Bid"] for bar in bars] == bids
    assert [bar["BidMean"] for bar in bars] == [12, 13, 14]


@pytest.mark.parametrize("label", ["end", "start"])
def test_a_book_is_carried_no_further_than_it_may_be_old(table, label):
    """The row at 5 s is 5, 15 and 25 s old at the ends of three buckets: with 15 s, two of them have it."""
    book = table("BidPrice1 AskPrice1 BidQuantity1 AskQuantity1", [(5, 10, 11, 1, 1), (35, 12, 13, 1, 1)])
    module = {"module": "l2", "prices": [{"sources": ["Mid"]}], "max_age": "15s"}
    states = table("MarketState", [(0, "CONTINUOUS_TRADING"), (40, "CLOSED")])
    bars = compute([module], every="10s", label=label, timeline="dense", l2=book, marketstate=states)
    assert bars["Mid"].to_list() == [10.5, 10.5, None, 12.5]


def test_an_age_is_of_the_last_row_that_passes_the_filter(booked):
    """With sizes above 5 alone the last row is that at 1 s, 9 s old at the end; the row at 9 s fails the filter."""
    options = {"where": "BidQuantity1 > 5", "prices": [{"sources": ["Bid"]}], "max_age": "8s"}
    assert booked(options, [(1, 10, 11, 6, 1), (9, 10, 11, 1, 1)])[0]["Bid"] is None
    assert booked({**options, "max_age": "9s"}, [(1, 10, 11, 6, 1), (9, 10, 11, 1, 1)])[0]["Bid"] == 10


def test_an_age_below_nothing_is_refused(booked):
    with pytest.raises(UserError, match=r"l2.max_age = '-1s' is negative, so no row counts: use '0s' or more"):
        booked({"max_age": "-1s"}, [(1, 10, 11, 6, 1)])


def columns_of(bar):
    return list(bar)[2:]


def test_nothing_configured_is_depth_imbalance_and_spread_as_deep_as_the_table(booked):
    """Two levels without numbers of orders."""
    [bar] = booked({}, [ROW], TWO)
    depth = [f"{s}{m}{i}" for s in ("Bid", "Ask") for m in ("Price", "Quantity", "CumQuantity") for i in (1, 2)]
    assert columns_of(bar) == [*depth, "SpreadBps", "ImbalanceCumQuantity1", "ImbalanceCumQuantity2"]


def test_nothing_configured_counts_orders_where_the_table_does(booked):
    columns = "BidPrice1 AskPrice1 BidQuantity1 AskQuantity1 BidNumOrders1 AskNumOrders1"
    [bar] = booked({}, [(1, 10, 11, 5, 7, 2, 3)], columns)
    measures = ("Price", "Quantity", "NumOrders", "CumQuantity", "CumOrders")
    depth = [f"{s}{m}1" for s in ("Bid", "Ask") for m in measures]
    assert columns_of(bar) == [*depth, "SpreadBps", "ImbalanceCumQuantity1"]


@pytest.mark.parametrize(
    ("module", "group", "levels"),
    [(2, None, [1, 2]), ([2], None, [2]), (1, [2], [2]), (None, 1, [1]), (None, None, [1, 2])],
)
def test_levels_of_a_group_override_the_module_s(booked, module, group, levels):
    """n is 1 … n, a list is itself, nothing is the table's depth."""
    own = {"measures": ["Price"], "sides": ["Bid"]} | ({} if group is None else {"levels": group})
    [bar] = booked({"book": [own]} | ({} if module is None else {"levels": module}), [ROW], TWO)
    assert columns_of(bar) == [f"BidPrice{i}" for i in levels]


@pytest.mark.parametrize("levels", [3, [1, 3], [0], 0, []])
def test_level_the_table_does_not_have_is_refused(booked, levels):
    with pytest.raises(UserError, match=r"l2\.levels asks for (no )?level.*table l2 has the levels 1 to 2"):
        booked({"levels": levels}, [ROW], TWO)


def test_orders_of_a_table_without_them_are_refused_naming_metric_column_and_table(booked):
    with pytest.raises(UserError, match=r"BidNumOrders1.*l2"):
        booked({"book": [{"measures": ["NumOrders"], "levels": 1}]}, [ROW], TWO)


def test_unknown_aggregation_is_refused(booked):
    with pytest.raises(UserError, match="TWA"):
        booked({"prices": [{"sources": ["Mid"], "aggregations": ["TWA"]}]}, [ROW], TWO)


def test_group_without_values_is_refused(booked):
    with pytest.raises(UserError, match=r"l2\.prices\[0\]: sources is empty"):
        booked({"prices": [{"sources": []}]}, [ROW], TWO)
    with pytest.raises(UserError, match=r"l2\.ohlc\[0\]: sources is empty"):
        booked({"ohlc": [{"sources": []}]}, [ROW], TWO)


@pytest.mark.parametrize(
    ("group", "template", "column"),
    [
        ({"book": [{"measures": ["Price"], "levels": 1}]}, "{aggregation}{measure}{level}{side}", "Price1Bid"),
        (
            {"spreads": [{"variants": ["Abs"], "aggregations": ["Mean"]}]},
            "{aggregation}Spread{variant}",
            "MeanSpreadAbs",
        ),
        ({"imbalances": [{"measures": ["Quantity"], "levels": [2]}]}, "I{level}{measure}", "I2Quantity"),
        ({"prices": [{"sources": ["Mid"]}]}, "Book{source}", "BookMid"),
        ({"ohlc": [{"sources": ["Mid"]}]}, "{ohlc}Of{source}", "OpenOfMid"),
    ],
)
def test_name_template_of_each_group(booked, group, template, column):
    [(option, [lists])] = group.items()
    [bar] = booked({option: [{**lists, "name": template}]}, [ROW], TWO)
    assert columns_of(bar)[0] == column
    with pytest.raises(UserError, match=rf"l2\.{option}\[0\].*unknown field {{venue}}; its fields are"):
        booked({option: [{**lists, "name": "{venue}"}]}, [ROW], TWO)


def test_two_groups_of_one_name_are_refused_naming_both(booked):
    options = {"prices": [{"sources": ["Mid"]}], "spreads": [{"variants": ["Abs"], "name": "Mid"}]}
    with pytest.raises(UserError, match=r"l2\.spreads\[0\] and l2\.prices\[0\] both emit Mid: set `name`"):
        booked(options, [ROW], TWO)


@pytest.mark.parametrize(
    ("aggregation", "over_time", "empty"),
    [
        ("Last", "last", Empty.CARRY),
        ("First", "first", Empty.NULL),
        ("Min", "min", Empty.NULL),
        ("Max", "max", Empty.NULL),
        ("Mean", "mean", Empty.NULL),
        ("Median", "none", Empty.NULL),
        ("Std", "none", Empty.NULL),
    ],
)
def test_declaration_of_each_aggregation(parts, aggregation, over_time, empty):
    """Over listings only the last value of a cumulated quantity adds up."""
    columns = dict.fromkeys(["BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1"], pl.Float64())
    options = {"book": [{"measures": ["CumQuantity"], "sides": ["Bid"], "aggregations": [aggregation]}]}
    [metric] = parts(L2, options, columns)[0].metrics
    assert (metric.over_time.kind, metric.empty, metric.unit.value) == (over_time, empty, "shares")
    assert metric.over_listings.kind == ("sum" if aggregation == "Last" else "none")
    assert metric.doc.endswith(".")
    assert metric.formula


@pytest.mark.parametrize(
    ("measure", "unit", "over_listings"),
    [
        ("Price", "price", "none"),
        ("Quantity", "shares", "none"),
        ("NumOrders", "count", "none"),
        ("Notional", "currency", "sum"),
        ("AvgOrderSize", "shares", "none"),
        ("CumQuantity", "shares", "sum"),
        ("CumNotional", "currency", "sum"),
        ("CumOrders", "count", "sum"),
        ("CumVWAP", "price", "none"),
    ],
)
def test_declaration_of_each_book_measure(parts, measure, unit, over_listings):
    columns = dict.fromkeys(["BidPrice1", "BidQuantity1", "BidNumOrders1", "AskPrice1", "AskQuantity1"], pl.Float64())
    [metric] = parts(L2, {"book": [{"measures": [measure], "sides": ["Bid"]}]}, columns)[0].metrics
    assert (metric.unit.value, metric.over_listings.kind, metric.over_time.kind) == (unit, over_listings, "last")
    assert metric.over_listings.limit == ("currency" if unit == "currency" else None)


def test_imbalance_says_what_its_sign_means(parts):
    columns = dict.fromkeys(["BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1"], pl.Float64())
    [metric] = parts(L2, {"imbalances": [{"measures": ["Quantity"]}]}, columns)[0].metrics
    assert metric.sign.startswith("+ when more is bid")
    assert metric.citation == "Cao, Hansch & Wang 2009"


@pytest.mark.parametrize(
    ("option", "value"), [("spreads", {"variants": ["Abs", "Bps"]}), ("imbalances", {"measures": ["Quantity"]})]
)
def test_what_can_be_negative_says_what_its_sign_means(parts, option, value):
    """A spread where crossed rows are kept, an imbalance always; a standard deviation never."""
    columns = dict.fromkeys(["BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1"], pl.Float64())
    aggregations = ["Last", "First", "Min", "Max", "Mean", "Median", "Std"]
    metrics = parts(L2, {option: [{**value, "aggregations": aggregations}]}, columns)[0].metrics
    assert {m.name for m in metrics if m.sign is None} == {m.name for m in metrics if m.name.endswith("Std")}
    assert all(m.sign.startswith("+ when ") and " −" in m.sign for m in metrics if m.sign)
