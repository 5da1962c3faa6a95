"""Group tca of module trade: populations, horizons, weights, odd quotes, names, lags, refusals."""

from datetime import timedelta
from math import inf, nan

import polars as pl
import pytest

from basalt.errors import UserError
from basalt.metrics import Empty
from basalt_analytics.trade.module import Trade

COLUMNS = {
    "Price": pl.Float64(),
    "Size": pl.Float64(),
    "AggressorSide": pl.Enum(["Buy", "Sell"]),
    **dict.fromkeys(("MidAtTrade", "BidPrice", "AskPrice", "MidAfter5s", "MidBefore1s"), pl.Float64()),
}


@pytest.fixture(name="costs")
def costs_(traded):
    """Columns of a group over trades of (price, size, side, mid, later mid), one a second, quotes mid ± 1."""

    def of(group, rows, **module):
        price, size, side, mid, later = zip(*rows, strict=True)
        columns = {
            "AggressorSide": side,
            "MidAtTrade": mid,
            "BidPrice": [m and m - 1 for m in mid],
            "AskPrice": [m and m + 1 for m in mid],
            "MidAfter5s": later,
            "MidBefore1s": later,
        }
        trades = [(n + 1, *one) for n, one in enumerate(zip(price, size, strict=True))]
        [bar] = traded({"tca": [group], **module}, trades, **columns)
        return {name.removeprefix("Trade"): value for name, value in bar.items()}

    return of


def test_unknown_side_is_in_no_cost(costs):
    """The buy at 11 over a mid of 10 costs 2; the one of unknown side would make it 0 or 4."""
    group = {"measures": ["EffectiveSpread", "TcaCount", "TcaUnsignedCount"], "units": ["Price"]}
    found = costs(group, [(11, 1, "Buy", 10.0, 10.0), (12, 1, None, 10.0, 10.0)])
    assert (found["TotalEffectiveSpread"], found["TotalTcaCount"], found["TotalTcaUnsignedCount"]) == (2, 1, 1)


def test_effective_spread_is_signed(costs):
    """A buy below the mid earns: 2·(9.5 − 10) = −1; a sell above it too."""
    group = {"measures": ["EffectiveSpread"], "units": ["Price"], "sides": ["Buy", "Sell"]}
    found = costs(group, [(9.5, 1, "Buy", 10.0, None), (10.5, 1, "Sell", 10.0, None)])
    assert (found["BuyEffectiveSpread"], found["SellEffectiveSpread"]) == (-1, -1)


def test_costs_of_a_horizon_are_over_the_trades_whose_later_mid_is_known(costs):
    """ES 2 and 4; of the second trade the later mid is unknown: mean 3, common 2, realized 2·(11 − 10.5) = 1."""
    measures = ["EffectiveSpread", "EffectiveSpreadCommon", "RealizedSpread", "PriceImpact", "TcaCount"]
    group = {"measures": measures, "horizons": ["5s"], "units": ["Price"]}
    found = costs(group, [(11, 1, "Buy", 10.0, 10.5), (12, 1, "Buy", 10.0, None)])
    names = ["EffectiveSpread", "EffectiveSpreadCommon5s", "RealizedSpread5s", "PriceImpact5s"]
    assert [found[f"Total{n}"] for n in names] == [3, 2, 1, 1]
    assert (found["TotalTcaCount"], found["TotalTcaCount5s"]) == (2, 1)


@pytest.mark.parametrize("bad", [None, nan, inf, 0.0, -1.0])
def test_mid_that_is_no_price_is_none(costs, bad):
    group = {"measures": ["EffectiveSpread", "RealizedSpread", "TcaNoQuoteCount"], "horizons": ["5s"]}
    found = costs(group, [(11, 1, "Buy", bad, 10.0)])
    assert found["TotalEffectiveSpreadBps"] is None
    assert found["TotalRealizedSpread5sBps"] is None
    assert found["TotalTcaNoQuoteCount"] == 1


@pytest.mark.parametrize("bad", [None, nan, inf, 0.0])
def test_later_mid_that_is_no_price_leaves_the_trade_out_of_the_horizon_alone(costs, bad):
    group = {"measures": ["EffectiveSpread", "Markout", "TcaCount"], "horizons": ["5s"], "units": ["Price"]}
    found = costs(group, [(11, 1, "Buy", 10.0, bad)])
    assert (found["TotalEffectiveSpread"], found["TotalMarkout5s"]) == (2, None)
    assert (found["TotalTcaCount"], found["TotalTcaCount5s"]) == (1, 0)


def test_weights_by_nothing_shares_and_value(costs):
    """Markouts 1 (price 10, 1 share) and −1 (price 30, 3 shares): 0, (1 − 3) / 4, (10 − 90) / 100."""
    group = {
        "measures": ["Markout"],
        "horizons": ["5s"],
        "units": ["Price"],
        "weights": ["Equal", "Share", "Notional"],
    }
    found = costs(group, [(10, 1, "Buy", 10.0, 11.0), (30, 3, "Buy", 30.0, 29.0)])
    names = ["Markout5s", "Markout5sShareWeighted", "Markout5sNotionalWeighted"]
    assert [found[f"Total{n}"] for n in names] == [0, -0.5, -0.8]


def test_bps_are_the_mean_of_each_trade_s_and_not_of_means(costs):
    """2·1/10 and 2·1/40 of 1e4: 2000 and 500, mean 1250; the ratio of means would be 2/25, 800."""
    group = {"measures": ["EffectiveSpread"]}
    found = costs(group, [(11, 1, "Buy", 10.0, None), (41, 1, "Buy", 40.0, None)])
    assert found["TotalEffectiveSpreadBps"] == pytest.approx(1250)


def test_markout_before_the_trade(costs):
    """A second before the buy at 11 the mid was 10: it had not moved yet, −1."""
    group = {"measures": ["Markout", "TcaCount"], "horizons": ["-1s"], "units": ["Price"]}
    found = costs(group, [(11, 1, "Buy", 10.5, 10.0)])
    assert (found["TotalMarkoutBefore1s"], found["TotalTcaCountBefore1s"]) == (-1, 1)


def test_improvement_and_shares_at_the_touch(costs):
    """Bid 9, ask 11, one share each. Buys at 10, 11 and 12 improve by 1, 0 and −1."""
    group = {"measures": ["PriceImprovement", "ImprovedShare", "AtQuoteShare", "OutsideShare"], "units": ["Price"]}
    found = costs(group, [(price, size, "Buy", 10.0, None) for price, size in ((10, 1), (11, 2), (12, 5))])
    assert found["TotalPriceImprovement"] == 0
    names = ["ImprovedShare", "AtQuoteShare", "OutsideShare"]
    assert [found[f"Total{n}"] for n in names] == [1 / 8, 2 / 8, 5 / 8]


def test_touch_is_met_within_the_rounding_of_binary(traded):
    """.1 + .2 is an ask of .30000000000000004: a buy at .3 is at the touch and improves by nothing."""
    group = {"measures": ["PriceImprovement", "ImprovedShare", "AtQuoteShare"], "units": ["Price"]}
    columns = {"AggressorSide": ["Buy"], "MidAtTrade": [0.25], "BidPrice": [0.2], "AskPrice": [0.1 + 0.2]}
    [bar] = traded({"tca": [group]}, [(1, 0.3, 1)], **columns)
    found = [bar[f"TradeTotal{n}"] for n in ("PriceImprovement", "ImprovedShare", "AtQuoteShare")]
    assert found == [0, 0, 1]


def test_locked_quotes_have_no_ratio_of_spreads(traded):
    """Bid and ask 10: quoted 0, so effective over quoted is null."""
    group = {"measures": ["EQRatio", "QuotedSpread"], "units": ["Price"]}
    columns = {"AggressorSide": ["Buy"], "MidAtTrade": [10.0], "BidPrice": [10.0], "AskPrice": [10.0]}
    [bar] = traded({"tca": [group]}, [(1, 10, 1)], **columns)
    assert (bar["TradeTotalEQRatio"], bar["TradeTotalQuotedSpread"]) == (None, 0)


def test_quote_that_is_missing_leaves_out_what_needs_it_alone(traded):
    """The mid is known and the ask is not, of the second trade: the quoted spread is the first's, the effective is of
    both: 2 and 4."""
    group = {"measures": ["QuotedSpread", "EffectiveSpread", "EQRatio"], "units": ["Price"], "weights": ["Share"]}
    columns = {
        "AggressorSide": ["Buy", "Buy"],
        "MidAtTrade": [10.0, 10.0],
        "BidPrice": [9.0, 9.0],
        "AskPrice": [11.0, None],
    }
    [bar] = traded({"tca": [group]}, [(1, 11, 1), (2, 12, 1)], **columns)
    names = ["QuotedSpreadShareWeighted", "EffectiveSpreadShareWeighted", "EQRatio"]
    assert [bar[f"TradeTotal{n}"] for n in names] == [2, 3, 1]


def test_value_weights_leave_out_prices_that_are_not_above_0(costs):
    """Prices −5 and 10, markouts 1 and 2: by value the second alone counts, by shares both."""
    group = {"measures": ["Markout"], "horizons": ["5s"], "units": ["Price"], "weights": ["Share", "Notional"]}
    rows = [(-5, 1, "Buy", 10.0, -4.0), (10, 1, "Buy", 10.0, 12.0)]
    found = costs(group, rows, allow_nonpositive_prices=True)
    assert found["TotalMarkout5sShareWeighted"] == pytest.approx(1.5)
    assert found["TotalMarkout5sNotionalWeighted"] == pytest.approx(2)


def test_bps_of_prices_that_are_not_above_0_are_null(costs):
    group = {"measures": ["Markout"], "horizons": ["5s"]}
    found = costs(group, [(-5, 1, "Buy", 10.0, -4.0)], allow_nonpositive_prices=True)
    assert found["TotalMarkout5sBps"] is None


def test_costs_are_known_when_their_horizon_is_over(parts):
    """Plain ones at the bucket's end, those of 5 s that long after it, those of the past at once."""
    group = {"measures": ["EffectiveSpread", "Markout", "TcaCount"], "horizons": ["5s", "-1s"]}
    metrics = {m.name: m for m in parts(Trade, {"tca": [group]}, COLUMNS)[0].metrics}
    lags = {name.removeprefix("TradeTotal"): m.known_after for name, m in metrics.items()}
    zero, five = timedelta(0), timedelta(seconds=5)
    assert lags == {
        "EffectiveSpreadBps": zero,
        "Markout5sBps": five,
        "MarkoutBefore1sBps": zero,
        "TcaCount": zero,
        "TcaCount5s": five,
        "TcaCountBefore1s": zero,
    }


def test_lag_of_less_than_a_microsecond_is_one(parts):
    """1500 ns are final after 2 µs at the latest."""
    group = {"measures": ["Markout"], "horizons": ["1500ns"]}
    [metric] = parts(Trade, {"tca": [group]}, {**COLUMNS, "MidAfter1500ns": pl.Float64()})[0].metrics
    assert metric.known_after == timedelta(microseconds=2)


def test_rollups_weigh_by_what_was_averaged(parts):
    """Equal by the count behind it, which is TcaCount5s; bps over listings too, prices not; counts add up."""
    group = {"measures": ["RealizedSpread", "TcaCount"], "horizons": ["5s"], "units": ["Price", "Bps"]}
    metrics = {m.name.removeprefix("TradeTotal"): m for m in parts(Trade, {"tca": [group]}, COLUMNS)[0].metrics}
    price, bps, count = (metrics[n] for n in ("RealizedSpread5s", "RealizedSpread5sBps", "TcaCount5s"))
    for metric in (price, bps):
        assert metric.over_time.weight.meta.eq(count.expr)
        assert metric.empty is Empty.NULL
    assert (price.over_listings.kind, bps.over_listings.kind) == ("none", "mean")
    assert (count.over_time.kind, count.over_listings.kind, count.empty) == ("sum", "sum", Empty.ZERO)


@pytest.mark.parametrize(
    ("group", "match"),
    [
        ({"measures": ["EffectiveSpread"], "sides": ["Unknown"]}, r"'Unknown'.*Total"),
        ({"measures": ["RealizedSpread"]}, r"RealizedSpread needs horizons, as"),
        ({"measures": ["EffectiveSpread"], "horizons": ["5s"]}, r"horizons has no effect on EffectiveSpread"),
        ({"measures": ["PriceImpact"], "horizons": ["-1s"]}, r"'-1s', before the trade, which PriceImpact cannot"),
        ({"measures": ["Markout"], "horizons": ["10s"]}, r"MidAfter10s.*list '10s'.*quotes_at_trades"),
        ({"measures": ["Markout"], "horizons": ["5000ms"]}, r"MidAfter5000ms"),
        ({"measures": ["Markout"], "horizons": ["soon"]}, r"'soon'.*duration"),
        ({"measures": ["TcaUnsignedCount"], "sides": ["Buy"]}, r"TcaUnsignedCount is of no side: list 'Total'"),
        ({"measures": []}, "measures is empty"),
        ({"measures": ["TcaCount"], "weights": []}, "weights is empty"),
        ({"measures": ["TcaCount"], "name": "{when}"}, r"\{when\}.*\{horizon\}"),
        ({"measures": ["Markout"], "horizons": ["5s", "5s"]}, r"emits TradeTotalMarkout5sBps twice"),
    ],
)
def test_tca_that_cannot_be_is_refused(parts, group, match):
    with pytest.raises(UserError, match=match):
        parts(Trade, {"tca": [group]}, COLUMNS)[0]


@pytest.mark.parametrize(
    ("column", "match"),
    [("AggressorSide", "trade_signs"), ("MidAtTrade", "quotes_at_trades"), ("AskPrice", "QuotedSpread.*AskPrice")],
)
def test_column_that_is_not_there_is_refused_with_what_makes_it(parts, column, match):
    columns = {name: dtype for name, dtype in COLUMNS.items() if name != column}
    with pytest.raises(UserError, match=rf"trade\.tca\[0\].*{match}"):
        parts(Trade, {"tca": [{"measures": ["QuotedSpread"]}]}, columns)
