"""Groups of module trade beside generic: edges, nulls, filters, names, refusals."""

from datetime import timedelta
from math import inf, nan

import polars as pl
import pytest

import basalt
from basalt.config.structure import structure
from basalt.errors import UserError
from basalt_analytics.trade.module import Trade

COLUMNS = {
    "Price": pl.Float64(),
    "Size": pl.Float64(),
    "AggressorSide": pl.Enum(["Buy", "Sell"]),
    "IsBlock": pl.Boolean(),
    **dict.fromkeys(("MidAtTrade", "BidPrice", "AskPrice", "MidAfter5s", "MidBefore1s"), pl.Float64()),
}


def refused(parts, match, columns=COLUMNS, **options):
    with pytest.raises(UserError, match=match):
        parts(Trade, options, columns)


# imbalance


def test_imbalance_of_one_side_is_1_or_minus_1_and_of_unknown_sides_null(traded):
    group = {"imbalance": [{"measures": ["Volume", "Count"]}]}
    for side, expected in (("Buy", 1), ("Sell", -1), (None, None)):
        [bar] = traded(group, [(1, 10, 5)], AggressorSide=[side])
        assert [bar["TradeVolumeImbalance"], bar["TradeCountImbalance"]] == [expected] * 2


def test_imbalance_of_value_leaves_out_prices_that_are_not_above_0(traded):
    """Buys −2·1 and 5·2, sells 5·1: (10 − 5) / 15."""
    options = {"allow_nonpositive_prices": True, "imbalance": [{"measures": ["Notional"]}]}
    sides = ["Buy", "Buy", "Sell"]
    [bar] = traded(options, [(1, -2, 1), (2, 5, 2), (3, 5, 1)], AggressorSide=sides)
    assert bar["TradeNotionalImbalance"] == pytest.approx(1 / 3)


# flags


def test_flags_all_unreported_have_sums_of_0_and_no_share(traded):
    group = {"flags": [{"flags": ["Block"], "measures": ["Volume", "VolumeShare", "CountShare", "UnknownVolume"]}]}
    [bar] = traded(group, [(1, 10, 5)], IsBlock=[None])
    assert [bar[f"TradeTotalBlock{m}"] for m in ("Volume", "VolumeShare", "CountShare", "UnknownVolume")] == [
        0, None, None, 5,
    ]  # fmt: skip


def test_flag_whose_column_is_absent_is_refused(traded):
    with pytest.raises(UserError, match=r"TradeTotalOddLotVolume.*IsOddLot.*trades"):
        traded({"flags": [{"flags": ["OddLot"], "measures": ["Volume"]}]}, [(1, 10, 5)])


def test_flags_by_side_and_own_filter(traded):
    """Blocks of the side and size: buys 5 and 50, sell 7. Large buys: 50."""
    options = {
        "flags": [
            {"flags": ["Block"], "measures": ["Volume"], "sides": ["Buy", "Sell"]},
            {"flags": ["Block"], "measures": ["Volume"], "sides": ["Buy"], "where": "Size > 10", "name": "Large{side}"},
        ]
    }
    rows = [(1, 10, 5), (2, 10, 50), (3, 10, 7), (4, 10, 9)]
    more = {"AggressorSide": ["Buy", "Buy", "Sell", "Sell"], "IsBlock": [True, True, True, False]}
    [bar] = traded(options, rows, **more)
    assert (bar["TradeBuyBlockVolume"], bar["TradeSellBlockVolume"], bar["LargeBuy"]) == (55, 7, 50)


# discrepancy


def distances(traded, group, **columns):
    rows = [(n + 1, price, size) for n, (price, size) in enumerate(columns.pop("trades"))]
    return traded({"discrepancy": [group]}, rows, **columns)


def test_distance_to_touches_goes_by_the_aggressor(traded):
    """Bid 9, ask 11. A buy at 11 takes the ask: near 0, far +2. A sell at 10 takes the bid: near +1, far −1.
    An unknown side has neither."""
    group = {"references": ["NearTouch", "FarTouch"], "units": ["Price"], "aggregations": ["Min", "Max", "Last"]}
    quote = {"BidPrice": [9.0] * 3, "AskPrice": [11.0] * 3}
    sides = ["Buy", "Sell", None]
    [bar] = distances(traded, group, trades=[(11, 1), (10, 1), (10, 1)], AggressorSide=sides, **quote)
    assert [bar[f"TradeTotalDiscrepancyToNearTouch{a}"] for a in ("Min", "Max", "Last")] == [0, 1, None]
    assert [bar[f"TradeTotalDiscrepancyToFarTouch{a}"] for a in ("Min", "Max", "Last")] == [-1, 2, None]


def test_last_distance_is_that_of_the_last_trade_and_not_an_older_one(traded):
    """The last buy has no mid: null; of all trades the last is the sell at +1."""
    group = {"units": ["Price"], "aggregations": ["Last"], "sides": ["Total", "Buy"]}
    columns = {"MidAtTrade": [10.0, None, 10.0], "AggressorSide": ["Buy", "Buy", "Sell"]}
    [bar] = distances(traded, group, trades=[(10, 1), (10, 1), (11, 1)], **columns)
    assert (bar["TradeTotalDiscrepancyToMidLast"], bar["TradeBuyDiscrepancyToMidLast"]) == (1, None)


def test_reference_that_is_no_price_on_a_row_leaves_the_row_out(traded):
    """Mids 10, NaN, ∞, 0, −1, null: the first alone counts, 0 apart."""
    mids = [10.0, nan, inf, 0.0, -1.0, None]
    group = {"units": ["Price", "Bps"], "weights": ["Equal", "Share"]}
    [bar] = distances(traded, group, trades=[(10, 3)] * 6, MidAtTrade=mids)
    found = [bar[f"TradeTotalDiscrepancyToMidMean{u}{w}"] for u in ("", "Bps") for w in ("", "ShareWeighted")]
    assert found == [0] * 4


def test_distance_weighted_by_shares(traded):
    """+1 on 1 share and −1 on 3: mean 0, by shares −.5."""
    group = {"units": ["Price"], "weights": ["Equal", "Share"]}
    [bar] = distances(traded, group, trades=[(11, 1), (9, 3)], MidAtTrade=[10.0, 10.0])
    assert bar["TradeTotalDiscrepancyToMidMean"] == 0
    assert bar["TradeTotalDiscrepancyToMidMeanShareWeighted"] == -0.5


def test_distance_to_a_price_column_of_the_user_s(traded):
    [bar] = distances(traded, {"references": ["Vwap1m"], "units": ["Price"]}, trades=[(11, 1)], Vwap1m=[10.5])
    assert bar["TradeTotalDiscrepancyToVwap1mMean"] == 0.5


@pytest.mark.parametrize(
    ("group", "match"),
    [
        ({"references": ["Middle"]}, r"'Middle'.*none of Mid, Bid.*no column of table trades"),
        ({"references": ["Size"]}, r"'Size', which is no price"),
        ({"references": ["IsBlock"]}, r"'IsBlock', which is no price"),
        ({"references": []}, r"references is empty"),
        ({"aggregations": ["Max"], "weights": ["Share"]}, r"'Share'.*means alone.*'Max'.*group of its own"),
        ({"aggregations": ["Mad"]}, r"'Mad'.*Mean"),
    ],
)
def test_discrepancy_that_cannot_be_is_refused(traded, group, match):
    with pytest.raises(UserError, match=match):
        traded({"discrepancy": [group]}, [(1, 10, 1)], MidAtTrade=[10.0], IsBlock=[True])


def test_distance_to_a_mid_that_is_not_there_is_refused_with_the_transform_that_makes_it(parts):
    refused(parts, r"trade\.discrepancy\[0\].*'Mid'.*MidAtTrade.*quotes_at_trades", {}, discrepancy=[{}])


def test_distance_to_what_is_known_later_is_refused():
    """A mid five seconds after the trade is not known at the trade."""
    config = structure(Trade.Config, {"discrepancy": [{"references": ["MidAfter5s"]}]}, "modules[0]")
    module = Trade(config, COLUMNS, known_after={"MidAfter5s": timedelta(seconds=5)})
    with pytest.raises(UserError, match=r"'MidAfter5s', which is known only after the trade"):
        module.parts()


# change


def test_changes_follow_the_previous_trade_of_the_side(traded):
    """Buys 10, 12 at 1 and 4; sell 50 at 2. All: 40, −38; buys: +2 in 3 s, 2000 bps."""
    group = {"measures": ["GapSeconds", "PriceChange", "PriceChangeBps"], "sides": ["Total", "Buy", "Sell"]}
    sides = ["Buy", "Sell", "Buy"]
    [bar] = traded({"change": [group]}, [(1, 10, 1), (2, 50, 1), (4, 12, 1)], AggressorSide=sides)
    assert (bar["TradeTotalPriceChangeMean"], bar["TradeBuyPriceChangeMean"]) == (1, 2)
    assert (bar["TradeTotalGapSecondsMean"], bar["TradeBuyGapSecondsMean"]) == (1.5, 3)
    assert bar["TradeBuyPriceChangeBpsMean"] == pytest.approx(2000)
    assert bar["TradeSellPriceChangeMean"] is None


def test_changes_leave_out_trades_that_the_filter_removed(traded):
    """Dark 50 between lit 10 and 11: the lit change is +1, in one bucket and in the next."""
    options = {
        "change": [
            {"measures": ["PriceChange", "AbsPriceChangeBps"], "trade_types": ["Lit"], "name": "Lit{measure}"},
            {"measures": ["PriceChange"], "name": "All{measure}"},
        ]
    }
    types = ["Lit", "Dark", "Lit", "Lit"]
    bars = traded(options, [(1, 10, 1), (2, 50, 1), (3, 11, 1), (11, 10, 1)], TradeType=types)
    assert [bar["LitPriceChange"] for bar in bars] == [1, -1]
    assert bars[0]["AllPriceChange"] == pytest.approx(0.5)
    assert bars[1]["LitAbsPriceChangeBps"] == pytest.approx(1e4 / 11)


def test_changes_at_one_stamp_go_by_sequence(traded):
    """10, 12, 11 in sequence: +2 −1, mean .5, no time between."""
    group = {"measures": ["PriceChange", "GapSeconds"], "aggregations": ["Mean", "Last"]}
    [bar] = traded({"change": [group]}, [(5, 11, 1), (5, 10, 1), (5, 12, 1)], SequenceNo=[3, 1, 2])
    assert (bar["TradeTotalPriceChangeMean"], bar["TradeTotalPriceChangeLast"]) == (0.5, -1)
    assert bar["TradeTotalGapSecondsMean"] == 0


def test_changes_in_bps_from_a_price_that_is_not_above_0_are_null(traded):
    """−2 to 5 to 10: the first has no bps; 10000 from 5 to 10."""
    options = {
        "allow_nonpositive_prices": True,
        "change": [{"measures": ["PriceChange", "PriceChangeBps"], "aggregations": ["Min", "Max"]}],
    }
    [bar] = traded(options, [(1, -2, 1), (2, 5, 1), (3, 10, 1)])
    assert (bar["TradeTotalPriceChangeMin"], bar["TradeTotalPriceChangeMax"]) == (5, 7)
    assert (bar["TradeTotalPriceChangeBpsMin"], bar["TradeTotalPriceChangeBpsMax"]) == (10000, 10000)


def test_one_trade_has_no_gap_and_one_gap_no_deviation(traded):
    group = {"measures": ["GapSeconds"], "aggregations": ["Mean", "Std", "Median", "Last"]}
    one, two = traded({"change": [group]}, [(1, 10, 1), (12, 10, 1)])
    assert [one[f"TradeTotalGapSeconds{a}"] for a in group["aggregations"]] == [None] * 4
    assert [two[f"TradeTotalGapSeconds{a}"] for a in group["aggregations"]] == [11, None, 11, 11]


def test_publication_delay(traded, stamps):
    """2 s late, a second early, and unknown: mean .5."""
    group = {"measures": ["PublicationDelaySeconds"], "aggregations": ["Mean", "Min"]}
    rows = [(1, 10, 1), (2, 10, 1), (3, 10, 1)]
    [bar] = traded({"change": [group]}, rows, PublicationTimestamp=stamps([3, 1, None]))
    assert (bar["TradeTotalPublicationDelaySecondsMean"], bar["TradeTotalPublicationDelaySecondsMin"]) == (0.5, -1)


@pytest.mark.parametrize(
    ("measure", "match"), [("QuoteAgeSeconds", "quotes_at_trades"), ("PublicationDelaySeconds", "PublicationTimestamp")]
)
def test_waits_without_their_column_are_refused(parts, measure, match):
    refused(parts, rf"trade\.change\[0\]: {measure}.*{match}", change=[{"measures": [measure]}])


# placement


def test_placement_at_odd_quotes(traded):
    """Of bids and asks 10/10 (locked), 11/10 (crossed), none/10, 10/10·(1 + 1e-12) (locked too): no row counts."""
    columns = {"BidPrice": [10.0, 11.0, None, 10.0], "AskPrice": [10.0, 10.0, 10.0, 10.0 * (1 + 1e-12)]}
    [bar] = traded({"placement": [{}]}, [(n, 10, 1) for n in (1, 2, 3, 4)], **columns)
    assert bar["TradeTotalPricePlacement"] is None


def test_placement_outside_the_quote_is_clipped_or_not(traded):
    """At 13 between 10 and 12: z = 2, clipped 1."""
    options = {"placement": [{}, {"clip": False, "name": "Open{side}"}]}
    [bar] = traded(options, [(1, 13, 1)], BidPrice=[10.0], AskPrice=[12.0])
    assert (bar["TradeTotalPricePlacement"], bar["OpenTotal"]) == (1, 2)


# twap


def test_twap_is_of_the_trades_that_pass_the_filters(traded, table):
    """At 1 10, at 3 50 (dark), at 5 12; until 10. All: (10·2 + 50·2 + 12·5) / 9; lit (10·4 + 12·5) / 9."""
    states = table("MarketState", [(0, "CONTINUOUS_TRADING"), (10, "CLOSED")])
    options = {"twap": [{}, {"trade_types": ["Lit"], "name": "Lit{source}"}, {"where": "Size > 99", "name": "None"}]}
    rows = [(1, 10, 1), (3, 50, 1), (5, 12, 1)]
    [bar] = traded(options, rows, {"marketstate": states}, TradeType=["Lit", "Dark", "Lit"])
    assert bar["TradeTWAP"] == pytest.approx(20)
    assert bar["LitTrade"] == pytest.approx(100 / 9)
    assert bar["None"] is None


def test_two_groups_of_different_frames_may_not_share_a_name(traded):
    options = {"generic": [{"measures": ["VWAP"], "name": "X"}], "twap": [{"name": "X"}]}
    with pytest.raises(UserError, match=r"trade\.generic\[0\] and trade\.twap\[0\] both emit X.*set `name`"):
        traded(options, [(1, 10, 1)])


# all groups


def test_groups_of_one_kind_share_a_part_and_frames_of_time_have_their_own(parts):
    options = {
        "imbalance": [{"measures": ["Volume"]}],
        "tca": [{"measures": ["QuotedSpread"]}, {"measures": ["TcaCount"], "market_states": "all", "name": "All"}],
        "twap": [{}],
    }
    found = [[m.name for m in part.metrics] for part in parts(Trade, options, COLUMNS)]
    assert found == [
        ["TradeVolumeImbalance", "TradeTotalQuotedSpreadBps"],
        ["All"],
        ["TradeTWAP"],
        ["TradeInvalidCount"],
    ]


def test_two_uses_of_the_module_keep_their_derived_columns_apart(table):
    """Prices 10, 50, 13 of sizes 1, 9, 1: the last change of small trades is 3, of all −37. Both uses derive a column
    of one name, each with a mask of its own."""
    trades = table("Price Size", [(1, 10, 1), (2, 50, 9), (3, 13, 1)])
    change = {"measures": ["PriceChange"], "aggregations": ["Last"]}
    count = {"measures": ["Count"], "where": "Size > 2"}
    small = {"module": "trade", "prefix": "Small", "change": [{**change, "where": "Size < 5"}], "generic": [count]}
    both = {"module": "trade", "change": [{**change, "where": "Size < 50"}], "generic": [count]}
    [bar] = basalt.compute([small, both], every="10s", trades=trades).to_dicts()
    assert (bar["SmallTradeTotalPriceChangeLast"], bar["TradeTotalPriceChangeLast"]) == (3, -37)


def test_two_uses_of_the_module_with_other_quotes_are_both_computed(table):
    """The mid of −4 counts where such prices do; both uses derive a column of one name from it."""
    trades = table("Price Size MidAtTrade AggressorSide", [(1, 10, 1, -4, "Buy"), (2, 10, 1, 9, "Buy")])
    group = {"tca": [{"measures": ["TcaCount"]}]}
    other = {"module": "trade", "prefix": "All", "allow_nonpositive_prices": True, **group}
    [bar] = basalt.compute([other, {"module": "trade", **group}], every="10s", trades=trades).to_dicts()
    assert (bar["AllTradeTotalTcaCount"], bar["TradeTotalTcaCount"]) == (2, 1)


def test_every_metric_says_what_it_is(parts):
    """A sentence, a formula, and what its sign means where it can be negative."""
    options = {
        "imbalance": [{"measures": ["Volume", "Count", "Notional"]}],
        "flags": [{"flags": ["Block"], "measures": ["Notional", "VolumeShare"]}],
        "discrepancy": [{"aggregations": ["Mean", "Std"]}],
        "change": [{"measures": ["GapSeconds", "PriceChange"]}],
        "placement": [{}],
        "tca": [{"measures": ["EffectiveSpread", "Markout", "EQRatio", "ImprovedShare"], "horizons": ["5s"]}],
        "twap": [{}],
    }
    metrics = [m for part in parts(Trade, options, COLUMNS) for m in part.metrics]
    unsigned = {"VolumeShare", "MidStdBps", "GapSecondsMean", "ImprovedShare", "InvalidCount"}
    for metric in metrics:
        assert metric.doc.endswith(".")
        assert metric.doc.count(". ") == 0
        assert metric.formula
        assert (metric.sign is None) == any(metric.name.endswith(end) for end in unsigned), metric.name
