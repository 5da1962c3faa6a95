"""Two parent orders on one listing, seconds after 09:00:00.

A buys 1000, decided at 50.00, arrived at 10: 400 @ 50.10 at 20 and 400 @ 50.20 at 40, a fee of 4 each, ended at 60.
B sells 500, decided at 5, arrived at 10, filled never, ended at 60. Own fills are the prints at 20 and 40.
"""

import polars as pl
import pytest

import basalt
from basalt_analytics.trade.orders.table import ORDERS


def close(value):
    return pytest.approx(value, rel=1e-10)


@pytest.fixture
def market(table):
    bests = [
        (0, 49.99, 50.01),
        (5, 50.04, 50.06),
        (18, 50.08, 50.12),
        (30, 50.15, 50.21),
        (45, 50.17, 50.23),
        (58, 50.29, 50.31),
        (100, 50.14, 50.16),
    ]
    prints = [
        (8, 50.05, 500),
        (12, 50.06, 700),
        (20, 50.10, 400),
        (25, 50.12, 1500),
        (33, 50.18, 600),
        (36, 50.15, 300),
        (40, 50.20, 400),
        (50, 50.20, 2000),
        (70, 50.30, 5000),
    ]
    quotes = [(t, bid, 100, ask, 100) for t, bid, ask in bests]
    return {
        "trades": table("Price Size", prints),
        "l2": table("BidPrice1 BidQuantity1 AskPrice1 AskQuantity1", quotes),
    }


@pytest.fixture
def orders(table):
    none = (None,) * 4
    rows = [
        (10, "A", "Arrival", "Buy", 1000, None, None, None, 50.00),
        (10, "B", "Arrival", "Sell", 500, *none),
        (20, "A", "Fill", "Buy", None, 50.10, 400, 4, None),
        (40, "A", "Fill", "Buy", None, 50.20, 400, 4, None),
        (60, "A", "End", "Buy", None, *none),
        (60, "B", "End", "Sell", None, *none),
    ]
    dtypes = {name: ORDERS.column(name).dtype for name in ("OrderId", "Event", "OrderSide")}
    names = "OrderQuantity Price Size Fee DecisionPrice"
    made = table(names, [(row[0], *row[4:]) for row in rows])
    labels = {name: [row[i] for row in rows] for i, name in enumerate(dtypes, start=1)}
    decided = table("At", [(5, 0)])["EventTimestamp"].item()
    times = [decided if row[1] == "B" and row[2] == "Arrival" else None for row in rows]
    series = [pl.Series(name, values, dtypes[name]) for name, values in labels.items()]
    return made.with_columns(*series, pl.Series("DecisionTimestamp", times, ORDERS.column("DecisionTimestamp").dtype))


@pytest.fixture
def costs(market, orders):
    """Rows by order."""

    def of(**options):
        module = {"module": "tca", "horizons": ["5s", "60s"], "participation_rates": [0.2], **options}
        found = basalt.compute([module], every="1d", orders=orders, **market)
        return {row["OrderId"]: row for row in found.iter_rows(named=True)}

    return of


def test_costs_of_a_by_part(costs):
    """M_arr = 50.05 (the quote of 5), P_end = 50.30 (of 58). Delay 800·(50.05 − 50.00) = 40;
    execution 400·.05 + 400·.15 = 80; opportunity 200·(50.30 − 50.00) = 60; fees 8."""
    a = costs()["A"]
    assert [a[f"{part}Cost"] for part in ("Delay", "Execution", "Opportunity", "Fee")] == [
        close(40),
        close(80),
        close(60),
        8,
    ]


def test_shortfall_of_a(costs):
    """1000·.30 − (400·.20 + 400·.10) + 8 = 188 of 50000: 37.6 bps; 40 + 80 + 60 + 8 = 188."""
    a = costs()["A"]
    assert (a["ShortfallCost"], a["ShortfallBps"]) == (close(188), close(37.6))
    assert sum(a[f"{part}Cost"] for part in ("Delay", "Execution", "Opportunity", "Fee")) == close(188)


def test_costs_of_b_which_was_never_filled(costs):
    """Strictly before 5 the mid was 50.00; −500·(50.30 − 50.00) = −150 of 25000: −60 bps."""
    b = costs()["B"]
    assert [b[f"{part}Cost"] for part in ("Delay", "Execution", "Opportunity", "Fee")] == [0, 0, close(-150), 0]
    assert (b["ShortfallCost"], b["ShortfallBps"]) == (close(-150), close(-60))


def test_what_a_executed(costs):
    """(400·50.10 + 400·50.20)/800 = 50.15; 800 of 1000 in 2 fills."""
    a = costs()["A"]
    assert (a["OrderExecutedQuantity"], a["OrderFillRatio"], a["OrderFillCount"]) == (800, 0.8, 2)
    assert a["OrderAvgPrice"] == close(50.15)


def test_arrival_slippage_of_a(costs):
    """1e4·(50.15 − 50.05)/50.05 = 19.9800199800."""
    assert costs()["A"]["ArrivalSlippageBps"] == close(19.98001998001998)


def test_interval_vwap_of_a(costs):
    """Prints of 12 to 40: 195495 / 3900 = 50.1269230769; 1e4·(50.15 − that)/that = 4.60369830430."""
    a = costs()["A"]
    assert a["OrderIntervalVwap"] == close(195495 / 3900)
    assert a["VwapSlippageBps"] == pytest.approx(4.60369830430, abs=5e-10)


def test_day_vwap_slippage_of_a(costs):
    """(195495 + 500·50.05 + 2000·50.20 + 5000·50.30)/11400 = 572420/11400 = 50.2122807018, so −12.40347996."""
    assert costs()["A"]["DayVwapSlippageBps"] == pytest.approx(1e4 * (50.15 * 11400 / 572420 - 1), rel=1e-9)


def test_participation_of_a_with_and_without_its_own_prints(costs):
    """800/3900 = .205128205128; 800/(3900 − 800) = .258064516129."""
    assert costs(own_volume="include")["A"]["Participation"] == close(800 / 3900)
    assert costs(own_volume="exclude")["A"]["Participation"] == close(800 / 3100)


def test_relative_performance_of_a(costs):
    """Dearer than 50.15: 600 + 400; at it: 300. (1000 + 150)/3900 = .294871794872."""
    assert costs()["A"]["RelativePerformance"] == close(1150 / 3900)


def test_participation_weighted_price_of_a(costs):
    """800/.2 = 4000 shares after 10: the 3900 up to 40 and 100 of the print of 50: (195495 + 5020)/4000 = 50.12875;
    1e4·(50.15 − 50.12875)/50.12875 = 4.23908435778."""
    a = costs()["A"]
    assert a["PwpPrice20"] == close(50.12875)
    assert a["PwpSlippageBps20"] == pytest.approx(4.23908435778, abs=5e-10)


def test_spread_capture_of_a(costs):
    """Quotes 50.08/50.12 and 50.15/50.21: (50.12 − 50.10)/.04 = 1/2, (50.21 − 50.20)/.06 = 1/6; their mean is 1/3."""
    assert costs()["A"]["SpreadCapture"] == close(1 / 3)


def test_markout_and_reversion_of_a(costs):
    """At 25 the mid is 50.10, at 45 it is 50.20: both fills are at the mid 5 s later, so 0.
    M_exit = 50.18 at 40, 50.15 at 100: 1e4·.03/50.18 = 5.97847748107."""
    a = costs()["A"]
    assert a["OrderMarkoutBps5s"] == pytest.approx(0, abs=1e-9)
    assert a["ReversionBps60s"] == pytest.approx(5.97847748107, abs=5e-10)


def test_an_order_without_a_fill_has_no_execution_terms(costs):
    """B executed nothing, so there is no price to compare."""
    b = costs()["B"]
    names = [
        *("OrderAvgPrice", "ArrivalSlippageBps", "VwapSlippageBps", "DayVwapSlippageBps", "Participation"),
        *("OrderIntervalVwap", "PwpPrice20", "PwpSlippageBps20", "RelativePerformance", "SpreadCapture"),
        *("OrderMarkoutBps5s", "OrderMarkoutBps60s", "ReversionBps5s", "ReversionBps60s", "OrderProblem"),
    ]
    assert [b[name] for name in names] == [None] * len(names)
    assert (b["OrderExecutedQuantity"], b["OrderFillRatio"], b["OrderFillCount"]) == (0, 0, 0)


@pytest.fixture
def of_instrument(market, orders):
    """Rows by order where the same quotes are the best of instrument 7, of which the listing is one venue."""
    best = market["l2"].rename({"ListingId": "InstrumentId"}).with_columns(InstrumentId=pl.lit(7, pl.Int64))
    reference = pl.DataFrame({"ListingId": [1, 2], "InstrumentId": [7, 7]})
    tables = {"trades": market["trades"], "cbbo": best, "reference": reference, "orders": orders}
    module = {"module": "tca", "horizons": ["5s", "60s"], "participation_rates": [0.2], "quotes": "cbbo"}
    found = basalt.compute([module], every="1d", **tables)
    return {row["OrderId"]: row for row in found.iter_rows(named=True)}


def test_mids_may_be_of_the_best_quotes_of_the_instrument(costs, of_instrument):
    """The same quotes as cbbo give the same costs: A pays 188, B misses 150."""
    assert of_instrument == costs()
    assert (of_instrument["A"]["ShortfallCost"], of_instrument["B"]["ShortfallCost"]) == (close(188), close(-150))
