"""Module execution on the order events E1 and on eight prints."""

import polars as pl
import pytest
from order_events import E1_STATES, e1, states

import basalt
from basalt.tables import TRADE_TYPE

PRINTS = [
    (1, 100.04, 100, "Buy", "Lit", 100.00, 100.04),
    (2, 100.01, 200, "Sell", "Lit", 100.00, 100.04),
    (3, 100.025, 50, "Buy", "Dark", 100.00, 100.04),
    (4, 100.03, 40, None, "Lit", 100.00, 100.04),
    (4.5, 100.06, 60, "Buy", "Lit", 100.00, 100.04),
    (4.8, 100.02, 80, "Sell", "Lit", None, None),
    (5, 100.00, 120, "Sell", "Lit", 100.00, 100.00),
    (5, 100.00, 70, "Sell", "Lit", 100.00, 100.04),
]
EVERY = ["Volume", "Count", "Notional", "VWAP"]
BOOK = [{"sides": ["Bid", "Ask", "Total"], "measures": EVERY}]
TRADES = [
    {
        "types": ["Lit", "Dark"],
        "sides": ["Buy", "Sell", "Unknown", "Total"],
        "measures": [*EVERY, "PricePlacement", "PlacedVolume"],
    }
]


def prints(table):
    rows = [(*row[:4], *row[5:]) for row in PRINTS]
    made = table("Price Size AggressorSide BidPrice AskPrice", rows)
    return made.with_columns(TradeType=pl.Series([row[4] for row in PRINTS], dtype=TRADE_TYPE))


@pytest.fixture(name="of_e1")
def of_e1_(bars):
    """Buckets of E1."""

    def made(every="5s"):
        return bars(
            basalt.compute(
                [{"module": "execution", "book": BOOK, "trades": []}],
                every=every,
                l3=e1(),
                marketstate=states(*E1_STATES),
            )
        )

    return made


@pytest.fixture(name="bar")
def bar_(table, bars):
    """The one bucket of the eight prints, beside E1."""
    found = basalt.compute(
        [{"module": "execution", "book": BOOK, "trades": TRADES}], every="10s", l3=e1(), trades=prints(table)
    )
    return bars(found)[10]


def close(value):
    return pytest.approx(value, rel=1e-11)


def test_e1_first_five_seconds_hit_bids_alone(of_e1):
    """200 at 3.0, 150 and 50 at 4.5, all at 100.00."""
    bar = of_e1()[5]
    assert (bar["BidExecutedVolume"], bar["BidExecutedVWAP"]) == (400, close(100.0))
    assert (bar["AskExecutedVolume"], bar["AskExecutedVWAP"]) == (0, None)
    assert bar["L3TradeImbalance"] == -1


def test_e1_last_five_seconds_hit_asks_alone(of_e1):
    bar = of_e1()[10]
    assert (bar["AskExecutedVolume"], bar["AskExecutedVWAP"], bar["L3TradeImbalance"]) == (100, close(100.02), 1)
    assert (bar["BidExecutedVolume"], bar["BidExecutedVWAP"]) == (0, None)


def test_e1_imbalance_of_all(of_e1):
    """(100 − 400) / 500."""
    assert of_e1("10s")[10]["L3TradeImbalance"] == close(-0.6)


def test_e1_counts_and_values(of_e1):
    """Three executions of 400 at 100.00, one of 100 at 100.02: 40000 and 10002, over 500: 100.004."""
    bar = of_e1("10s")[10]
    assert [bar[f"{side}ExecutedCount"] for side in ("Bid", "Ask", "Total")] == [3, 1, 4]
    assert [bar[f"{side}ExecutedNotional"] for side in ("Bid", "Ask", "Total")] == close([40000, 10002, 50002])
    assert (bar["TotalExecutedVolume"], bar["TotalExecutedVWAP"]) == (500, close(100.004))


def test_lit_buys(bar):
    """100 at the ask and 60 above it, which counts as at it: (100 × 100.04 + 60 × 100.06) / 160."""
    assert (bar["LitBuyVolume"], bar["LitBuyVWAP"], bar["LitBuyPricePlacement"]) == (160, close(100.0475), 1)


def test_lit_sells(bar):
    """Of 470, 270 have a quote: (−0.5 × 200 − 1 × 70) / 270."""
    assert (bar["LitSellVolume"], bar["LitSellPlacedVolume"]) == (470, 270)
    assert bar["LitSellVWAP"] == close(100.007659574468)
    assert bar["LitSellPricePlacement"] == close(-0.629629629630)


def test_lit_prints_of_unknown_side(bar):
    assert (bar["LitUnknownVolume"], bar["LitUnknownVWAP"]) == (40, close(100.03))
    assert bar["LitUnknownPricePlacement"] == close(0.5)


def test_lit_prints(bar):
    """(160 − 170 + 20) / 470."""
    assert (bar["LitTotalVolume"], bar["LitTotalPlacedVolume"]) == (670, 470)
    assert bar["LitTotalVWAP"] == close(100.018507462687)
    assert bar["LitTotalPricePlacement"] == close(0.021276595745)


def test_dark_prints(bar):
    assert (bar["DarkBuyVolume"], bar["DarkBuyVWAP"]) == (50, close(100.025))
    assert bar["DarkBuyPricePlacement"] == close(0.25)
    assert (bar["DarkSellVolume"], bar["DarkSellVWAP"], bar["DarkSellPricePlacement"]) == (0, None, None)


def test_prints_bought_against_sold(bar):
    """(210 − 470) / 680; the 40 of unknown side are in neither."""
    assert bar["TradeImbalance"] == close(-0.382352941176)


def test_counts_and_values_of_prints(bar):
    assert (bar["LitTotalCount"], bar["LitSellCount"], bar["DarkSellCount"]) == (7, 4, 0)
    assert bar["DarkBuyNotional"] == close(5001.25)


def test_a_trade_without_a_valid_quote_leaves_both_sums(table, bars):
    """Places 1, none and −1 with sizes 1, 2, 3: (1 − 3) / 4 = −0.5, where counting 2 below would give −0.333…"""
    rows = [(1, 10.02, 1, 10.00, 10.02), (2, 10.01, 2, 10.02, 10.02), (3, 10.00, 3, 10.00, 10.02)]
    group = {"types": ["Total"], "sides": ["Total"], "measures": ["PricePlacement"]}
    module = {"module": "execution", "book": [], "trades": [group], "imbalance": []}
    trades = table("Price Size BidPrice AskPrice", rows)
    found = bars(basalt.compute([module], every="10s", l3=e1(), trades=trades))
    assert found[10]["TotalTotalPricePlacement"] == close(-0.5)


def test_a_bucket_with_trades_and_no_order_event_is_there(table, bars):
    """Order events end at 9 s; a trade at 12 s."""
    module = {"module": "execution", "trades": [{"types": ["Total"], "sides": ["Total"], "measures": ["Volume"]}]}
    trades = table("Price Size AggressorSide", [(12, 10.02, 1, "Buy")])
    found = bars(basalt.compute([module], every="5s", l3=e1(), trades=trades))
    assert (found[15]["BidExecutedVolume"], found[15]["TotalTotalVolume"], found[15]["BidExecutedVWAP"]) == (0, 1, None)
    assert (found[5]["BidExecutedVolume"], found[5]["TotalTotalVolume"], found[5]["TradeImbalance"]) == (400, 0, None)
