"""Measures and bars of trades: values, sides, ties, edges, names, rollups."""

import polars as pl
import pytest

import basalt
from basalt.errors import UserError
from basalt.metrics import Empty
from basalt_analytics.trade.measures import MEASURES
from basalt_analytics.trade.module import Trade

COLUMNS = {"Price": pl.Float64(), "Size": pl.Float64()}
EDGES = ("Open", "High", "Low", "Close")


def group(*measures, **options):
    return {"generic": [{"measures": list(measures), **options}]}


def test_unknown_side_is_never_a_sell(traded):
    """Buy 1, Sell 2, unknown 4."""
    options = group("Volume", "Count", sides=["Total", "Buy", "Sell", "Unknown"])
    [bar] = traded(options, [(1, 10, 1), (2, 10, 2), (3, 10, 4)], AggressorSide=["Buy", "Sell", None])
    assert [bar[f"Trade{s}Volume"] for s in ("Total", "Buy", "Sell", "Unknown")] == [7, 1, 2, 4]
    assert [bar[f"Trade{s}Count"] for s in ("Total", "Buy", "Sell", "Unknown")] == [3, 1, 1, 1]


def test_one_trade_is_its_own_average_median_and_bar(traded):
    [bar] = traded(group("VWAP", "AvgPrice", "MedianPrice", "OHLC"), [(1, 10.5, 3)])
    assert set(list(bar.values())[2:-1]) == {10.5}


def test_sizes(traded):
    """1, 2, 9: mean 4, median 2, largest 9."""
    [bar] = traded(group("AvgSize", "MedianSize", "MaxSize"), [(1, 10, 1), (2, 10, 2), (3, 10, 9)])
    assert [bar[f"TradeTotal{m}"] for m in ("AvgSize", "MedianSize", "MaxSize")] == [4, 2, 9]


def test_converted_notionals_are_the_source_s_and_unconverted_trades_add_nothing(traded):
    """EUR 11 + null + NaN = 11; USD 12 + 24 + ∞ (dropped) = 36; in its own currency 10 + 20 + 30 = 60."""
    rows = [(1, 10, 1), (2, 10, 2), (3, 10, 3)]
    more = {"NotionalEUR": [11.0, None, float("nan")], "NotionalUSD": [12.0, 24.0, float("inf")]}
    [bar] = traded(group("Notional", "NotionalEUR", "NotionalUSD"), rows, **more)
    assert [bar[f"TradeTotalNotional{c}"] for c in ("", "EUR", "USD")] == [60, 11, 36]


def test_trades_of_one_stamp_open_and_close_in_sequence_order(traded):
    """Given out of order: sequence 1, 2, 3 trade at 12, 11, 10."""
    [bar] = traded(group("OHLC"), [(5, 10, 1), (5, 12, 1), (5, 11, 1)], SequenceNo=[3, 1, 2])
    assert [bar[f"TradeTotal{e}"] for e in EDGES] == [12, 12, 10, 10]


def test_trades_of_one_stamp_without_a_sequence_keep_file_order(traded):
    [bar] = traded(group("Open", "Close"), [(5, 10, 1), (5, 12, 1), (5, 11, 1)])
    assert (bar["TradeTotalOpen"], bar["TradeTotalClose"]) == (10, 11)


def test_first_trade_of_a_side_is_not_the_bucket_s_first(traded):
    """Sell 10, Buy 11, Sell 9, Buy 12: buys 11 12 11 12, sells 10 10 9 9."""
    rows = [(1, 10, 1), (2, 11, 1), (3, 9, 1), (4, 12, 1)]
    [bar] = traded(group("OHLC", sides=["Buy", "Sell"]), rows, AggressorSide=["Sell", "Buy", "Sell", "Buy"])
    assert [bar[f"TradeBuy{e}"] for e in EDGES] == [11, 12, 11, 12]
    assert [bar[f"TradeSell{e}"] for e in EDGES] == [10, 10, 9, 9]


def test_trade_at_midnight_belongs_to_the_bucket_that_midnight_closes(traded, table):
    """09:00 − 9 h = 00:00: right-closed, the label is midnight itself; the trade 1 ns later is in the next bucket."""
    bars = traded(group("Volume"), [(-32400, 10, 1), ("-32399.999999999", 10, 2)])
    assert [(b["TimeBucket"].strftime("%H:%M:%S"), b["TradeTotalVolume"]) for b in bars] == [
        ("00:00:00", 1),
        ("00:00:10", 2),
    ]


def test_chained_bars_open_at_the_close_before(traded):
    """Bucket 1: 10, 12. Bucket 2: 11. Chained: 10 12 10 12, then opens at 12: 12 12 11 11."""
    bars = traded(group("OHLC", open_mode="prev_close"), [(1, 10, 1), (2, 12, 1), (11, 11, 1)])
    assert [[bar[f"TradeTotal{e}"] for e in EDGES] for bar in bars] == [[10, 12, 10, 12], [12, 12, 11, 11]]


def test_chained_bars_of_a_side_follow_that_side_alone(traded):
    """Bucket 1: buy 10, sell 20. Bucket 2: sell 21 (no buy: stays at 10). Bucket 3: buy 12 opens at 10."""
    rows = [(1, 10, 1), (2, 20, 1), (11, 21, 1), (21, 12, 1)]
    options = group("OHLC", sides=["Buy"], open_mode="prev_close")
    bars = traded(options, rows, AggressorSide=["Buy", "Sell", "Sell", "Buy"])
    assert [[bar[f"TradeBuy{e}"] for e in EDGES] for bar in bars] == [[10] * 4, [10] * 4, [10, 12, 10, 12]]


def test_chained_bar_does_not_open_across_a_halt(traded, table):
    """Continuous 0–5 and 12–30: the close 10 before the halt is forgotten; bucket 2 opens at its own 11."""
    states = table("MarketState", [(0, "CONTINUOUS_TRADING"), (5, "HALTED"), (12, "CONTINUOUS_TRADING")])
    options = group("OHLC", open_mode="prev_close")
    bars = traded(options, [(1, 10, 1), (13, 11, 1), (14, 12, 1)], {"marketstate": states})
    assert [bar["TradeTotalOpen"] for bar in bars] == [10, 11]


def test_a_close_from_before_a_halt_is_not_carried_behind_it(table):
    """Continuous 0–3 and 5–30: buy 10 | sell 9. The last bucket has no trade: it stays at the sell 9, which is of its
    stretch, and the buy 10 is not. Without the halt the buy stays at 10, and its range is 0."""
    halted = table("MarketState", [(0, "CONTINUOUS_TRADING"), (3, "HALTED"), (5, "CONTINUOUS_TRADING"), (20, "CLOSED")])
    trades = table("Price Size", [(1, 10, 1), (8, 9, 1)], AggressorSide=["Buy", "Sell"])
    ranges = {"measures": ["Parkinson"], "sides": ["Buy", "Sell"]}
    module = {"module": "trade", "volatility": [ranges]} | group("OHLC", sides=["Buy", "Sell"], open_mode="prev_close")
    for states, buy, change in ((halted, None, None), (halted[[0, 3]], 10, 0)):
        bars = basalt.compute([module], every="10s", timeline="dense", trades=trades, marketstate=states).to_dicts()
        assert [[bar[f"TradeBuy{e}"] for e in EDGES] for bar in bars] == [[10] * 4, [buy] * 4]
        assert [[bar[f"TradeSell{e}"] for e in EDGES] for bar in bars] == [[9] * 4] * 2
        assert [bars[1][f"Trade{side}Parkinson"] for side in ("Buy", "Sell")] == [change, 0]


def test_chained_bar_reads_no_trade_that_the_group_filters_out(traded):
    """Dark 50 in bucket 1 is no close of the lit bars: lit 10, then 11 opens at 10; the dark group opens at 50."""
    options = {
        "generic": [
            {"measures": ["OHLC"], "open_mode": "prev_close", "trade_types": ["Lit"], "name": "Lit{measure}"},
            {"measures": ["OHLC"], "open_mode": "prev_close", "trade_types": ["Dark"], "name": "Dark{measure}"},
        ]
    }
    bars = traded(options, [(1, 10, 1), (2, 50, 1), (11, 11, 1)], TradeType=["Lit", "Dark", "Lit"])
    assert [bars[1][f"Lit{e}"] for e in EDGES] == [10, 11, 10, 11]
    assert [bars[1][f"Dark{e}"] for e in EDGES] == [50] * 4


def test_chained_edges_without_the_close_are_refused(traded):
    with pytest.raises(UserError, match=r"trade\.generic\[0\].*'prev_close'.*'Close'"):
        traded(group("Open", open_mode="prev_close"), [(1, 10, 1)])


def test_name_template_fills_its_fields(traded):
    [bar] = traded(group("Volume", name="{measure}Of{side}"), [(1, 10, 1)])
    assert bar["VolumeOfTotal"] == 1


def test_unknown_field_of_a_template_is_refused_with_the_known_ones(traded):
    with pytest.raises(UserError, match=r"trade\.generic\[0\].*\{venue\}.*\{side\}, \{measure\}"):
        traded(group("Volume", name="{venue}{measure}"), [(1, 10, 1)])


def test_malformed_template_is_refused(traded):
    with pytest.raises(UserError, match=r"name = '\{side' is no template"):
        traded(group("Volume", name="{side"), [(1, 10, 1)])


def test_two_groups_of_one_name_are_refused_naming_both(traded):
    options = {"generic": [{"measures": ["Volume"]}, {"measures": ["Volume"], "where": "Size > 1"}]}
    with pytest.raises(UserError, match=r"trade\.generic\[0\] and trade\.generic\[1\] both emit.*set `name`"):
        traded(options, [(1, 10, 1)])


def test_group_that_emits_one_name_twice_is_refused(traded):
    with pytest.raises(UserError, match=r"trade\.generic\[0\] emits TradeTotalOpen twice"):
        traded(group("OHLC", "Open"), [(1, 10, 1)])


def test_group_without_measures_is_refused(traded):
    with pytest.raises(UserError, match="measures is empty"):
        traded(group(), [(1, 10, 1)])


def test_unknown_group_is_refused_with_the_known_ones(traded):
    with pytest.raises(UserError, match=r"spreads.*generic.*tca"):
        traded({"spreads": [{"measures": ["Volume"]}]}, [(1, 10, 1)])


def test_unknown_measure_is_refused_with_the_known_ones(traded):
    with pytest.raises(UserError, match=r"'Vwap'.*VWAP"):
        traded(group("Vwap"), [(1, 10, 1)])


def test_averages_are_weighted_by_what_they_averaged(parts):
    """VWAP by volume and within an instrument; plain averages by the number of trades."""
    part = parts(Trade, group("Volume", "Count", "VWAP", "AvgPrice", "AvgSize"), COLUMNS)[0]
    metrics = {m.name.removeprefix("TradeTotal"): m for m in part.metrics}
    volume, count = (metrics[n].expr for n in ("Volume", "Count"))
    assert metrics["VWAP"].over_time.weight.meta.eq(volume)
    assert metrics["VWAP"].over_listings.weight.meta.eq(volume)
    assert metrics["VWAP"].over_listings.limit == "instrument"
    assert metrics["AvgPrice"].over_time.weight.meta.eq(count)
    assert metrics["AvgPrice"].over_listings.kind == "none"
    assert metrics["AvgSize"].over_listings.weight.meta.eq(count)


@pytest.mark.parametrize(
    ("measure", "over_time", "over_listings", "empty", "unit"),
    [
        ("Volume", "sum", "sum", Empty.ZERO, "shares"),
        ("Count", "sum", "sum", Empty.ZERO, "count"),
        ("Notional", "sum", "sum", Empty.ZERO, "currency"),
        ("NotionalEUR", "sum", "sum", Empty.ZERO, "currency"),
        ("NotionalUSD", "sum", "sum", Empty.ZERO, "currency"),
        ("VWAP", "mean", "mean", Empty.NULL, "price"),
        ("AvgPrice", "mean", "none", Empty.NULL, "price"),
        ("MedianPrice", "none", "none", Empty.NULL, "price"),
        ("AvgSize", "mean", "mean", Empty.NULL, "shares"),
        ("MedianSize", "none", "none", Empty.NULL, "shares"),
        ("MaxSize", "max", "max", Empty.NULL, "shares"),
        ("Open", "first", "none", Empty.NULL, "price"),
        ("High", "max", "none", Empty.NULL, "price"),
        ("Low", "min", "none", Empty.NULL, "price"),
        ("Close", "last", "none", Empty.NULL, "price"),
    ],
)
def test_declaration_of_each_measure(parts, measure, over_time, over_listings, empty, unit):
    """Rollups, empty rule and unit as specified; every metric has a sentence and a formula."""
    metric = parts(Trade, group(measure), COLUMNS)[0].metrics[0]
    found = (metric.over_time.kind, metric.over_listings.kind, metric.empty, metric.unit.value)
    assert found == (over_time, over_listings, empty, unit)
    assert metric.doc.endswith(".")
    assert metric.formula


def test_notional_adds_up_within_one_currency_alone():
    assert MEASURES["Notional"].over_listings.limit == "currency"
    assert MEASURES["NotionalEUR"].over_listings.limit is None


def test_what_a_negative_price_makes_negative_says_what_its_sign_means(parts):
    """Prices and values; volumes, counts and sizes are never negative."""
    priced = {"Notional", "VWAP", "AvgPrice", "MedianPrice", "Open", "High", "Low", "Close"}
    sized = {"Volume", "Count", "AvgSize", "MedianSize", "MaxSize"}
    metrics = parts(Trade, group(*priced, *sized), COLUMNS)[0].metrics
    assert {m.name.removeprefix("TradeTotal") for m in metrics if m.sign is None} == sized
    assert {m.sign for m in metrics if m.sign} == {
        "+ when the buyer pays; − at negative prices, where they are allowed"
    }
