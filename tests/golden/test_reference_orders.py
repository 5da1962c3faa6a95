"""The slow reference of parent orders and of liquidity against the oracles, before it is compared with."""

import sys
from pathlib import Path
from statistics import NormalDist

import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from reference.clock import Rule
from reference.liquidity import bulk_buckets, roll, slope, through_origin, volume_buckets, vpin
from reference.trade_passes import run_orders, run_trades

from basalt.tables import NS_UTC

NINE = 1767603600 * 10**9
RULE = Rule(10 * 10**9, "right", "end", NINE)


def close(value):
    return None if value is None else pytest.approx(value, rel=2e-11, abs=1e-17)


def given(value):
    """A figure to its 11 or 12 digits, and what prices in binary leave of a difference of prices."""
    return pytest.approx(value, rel=2e-11, abs=0 if value else 1e-12)


MARKET = [(8, 50.05, 500), (12, 50.06, 700), (20, 50.10, 400), (25, 50.12, 1500), (33, 50.18, 600), (36, 50.15, 300)]
MARKET += [(40, 50.20, 400), (50, 50.20, 2000), (70, 50.30, 5000)]
BOOK = [(0, 49.99, 50.01), (5, 50.04, 50.06), (18, 50.08, 50.12), (30, 50.15, 50.21), (45, 50.17, 50.23)]
BOOK += [(58, 50.29, 50.31), (100, 50.14, 50.16)]


@pytest.fixture(name="orders")
def orders_(table):
    def rows(*events):
        names = ["OrderId", "Event", "OrderSide", "OrderQuantity", "Price", "Size", "Fee", "DecisionPrice"]
        stamp = pl.Series([None if e[9] is None else NINE + e[9] * 10**9 for e in events], dtype=pl.Int64).cast(NS_UTC)
        frame = pl.DataFrame({n: [e[i + 1] for e in events] for i, n in enumerate(names)}, strict=False)
        times = table("Price", [(e[0], None) for e in events]).select("ListingId", "EventTimestamp")
        return pl.concat([times, frame.with_columns(DecisionTimestamp=stamp)], how="horizontal")

    quotes = table("BidPrice1 AskPrice1 BidQuantity1 AskQuantity1", [(*row, 1, 1) for row in BOOK])
    day = {"trades": table("Price Size", MARKET), "l2": quotes}
    a = [(10, "A", "Arrival", "Buy", 1000.0, None, None, None, 50.00, None)]
    a += [(20, "A", "Fill", "Buy", None, 50.10, 400.0, 4.0, None, None)]
    a += [(40, "A", "Fill", "Buy", None, 50.20, 400.0, 4.0, None, None)]
    a += [(60, "A", "End", "Buy", None, None, None, None, None, None)]
    b = [(10, "B", "Arrival", "Sell", 500.0, None, None, None, None, 5)]
    b += [(60, "B", "End", "Sell", None, None, None, None, None, None)]
    return day | {"orders": rows(*a, *b)}


def order(day, name, **options):
    module = {"module": "tca", "horizons": ["5s", "60s"], "participation_rates": [0.2], **options}
    rows = run_orders(day, RULE, module, {})
    return next(row for key, row in rows.items() if key[1] == name)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("DelayCost", 40),
        ("ExecutionCost", 80),
        ("OpportunityCost", 60),
        ("FeeCost", 8),
        ("ShortfallCost", 188),
        ("ShortfallBps", 37.6),
        ("OrderAvgPrice", 50.15),
        ("ArrivalSlippageBps", 19.98001998001998),
        ("OrderIntervalVwap", 50.126923076923077),
        ("VwapSlippageBps", 4.603698304304),
        ("Participation", 800 / 3900),
        ("RelativePerformance", 1150 / 3900),
        ("PwpPrice20", 50.12875),
        ("PwpSlippageBps20", 4.239084357779),
        ("SpreadCapture", 1 / 3),
        ("ReversionBps60s", 5.978477481068),
        ("OrderMarkoutBps5s", 0),
    ],
)
def test_order_a(orders, column, value):
    """Bought 800 of 1000; costs 40 + 80 + 60 + 8 = 188 of 50 000 decided on."""
    assert order(orders, "A")[column] == pytest.approx(value, rel=1e-9, abs=1e-8)


def test_order_a_without_its_own_prints(orders):
    """800 of the other 3100 shares."""
    assert order(orders, "A", own_volume="exclude")["Participation"] == close(800 / 3100)


def test_order_b(orders):
    """Nothing sold: 500 shares at −(50.30 − 50.00) = −150, −60 bps of 25 000; what execution says is null."""
    row = order(orders, "B")
    costs = [
        row[c] for c in ("DelayCost", "ExecutionCost", "OpportunityCost", "FeeCost", "ShortfallCost", "ShortfallBps")
    ]
    assert costs == [0, 0, pytest.approx(-150), 0, pytest.approx(-150), pytest.approx(-60)]
    nulls = ["OrderAvgPrice", "ArrivalSlippageBps", "OrderIntervalVwap", "VwapSlippageBps", "Participation"]
    nulls += ["RelativePerformance", "PwpPrice20", "SpreadCapture", "ReversionBps60s", "OrderMarkoutBps5s"]
    assert [row[c] for c in nulls] == [None] * len(nulls)


@pytest.fixture(name="liquid")
def liquid_(table):
    quotes = [(0, 20.00, 20.02), (4, 20.01, 20.03), (7, 20.00, 20.01), (15, 20.03, 20.05), (19, 20.02, 20.03)]
    trades = [(1, 20.02, 300, "Buy"), (3, 20.01, 100, None), (5, 20.03, 200, "Buy"), (8, 20.00, 400, "Sell")]
    trades += [(12, 20.01, 500, "Buy"), (15, 20.00, 100, "Sell"), (18, 20.04, 100, "Sell")]
    return {
        "trades": table("Price Size AggressorSide", trades),
        "l2": table("BidPrice1 AskPrice1 BidQuantity1 AskQuantity1", [(*row, 1, 1) for row in quotes]),
    }


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("KyleLambda", 4.62962962963e-5),
        ("KyleLambdaOrigin", 4.56896551724e-5),
        ("HasbrouckLambda", 8.13678660608e-6),
        ("Amihud", 0.163633749080),
        ("Roll", 0.0357770876400),
        ("RollDemeaned", 0.0384707681233),
        ("Vpin", 0.25),
        ("AmihudCount", 4),
        ("UnsignedVolumeShare", 100 / 1700),
    ],
)
def test_liquidity_of_twenty_seconds(liquid, column, value):
    """x = 500, −400, 400, −100 beside mids 20.01, 20.02, 20.005, 20.04, 20.025."""
    measures = ["KyleLambda", "KyleLambdaOrigin", "HasbrouckLambda", "Amihud", "Roll", "RollDemeaned", "Vpin"]
    module = {"module": "liquidity", "measures": measures, "vpin": {"bucket_volume": 400, "buckets": 2}}
    rows = run_trades(liquid, RULE._replace(width=20 * 10**9), [], [module], {}).rows
    assert rows[1, NINE + 20 * 10**9][column] == pytest.approx(value, rel=1e-10)


def test_vpin_waits_for_whole_buckets():
    """V = 400: (400, 0) by 300 + 100 Buy; (100, 300) then (300, 100) and (200, 200); see each |b − s|/400."""
    trades = [("Buy", 300), (None, 100), ("Buy", 200), ("Sell", 400), ("Buy", 500), ("Sell", 100), ("Sell", 100)]
    assert volume_buckets(trades, 400) == [(400, 0), (100, 300), (300, 100), (200, 200)]
    assert vpin(trades, 400, 2) == close(0.25)
    assert vpin(trades[:4], 400, 2) == close(0.75)
    assert vpin(trades[:5], 400, 3) == close(2 / 3)
    assert vpin(trades, 400, 5) is None
    buckets = [("Buy", 70), ("Sell", 30), ("Buy", 40), ("Sell", 60), ("Buy", 90), ("Sell", 10)]
    assert vpin(buckets, 100, 3) == close((0.4 + 0.2 + 0.8) / 3)


def test_volume_told_in_bulk():
    """V = 1000, closes 10.00, 10.04, 10.00, 10.02: σ of the changes .04, −.04 is .04 √2, so that of the last bucket
    Φ(.02/.0565685424949) = .638163195 is bought; imbalance |2 · .638163195 − 1|. .02/.04: 691.462461274."""
    closes = [(10.00, 1000), (10.04, 500), (10.04, 500), (10.00, 1000), (10.02, 1500)]
    assert bulk_buckets(closes, 1000, 2) == [None, None, None, pytest.approx(2 * 0.6381631950841185 - 1, rel=1e-9)]
    assert 1000 * NormalDist().cdf(0.02 / 0.04) == pytest.approx(691.462461274, rel=1e-11)


def test_estimators_on_plain_numbers():
    """Second set of x and Δp; S and r; Δp = ±.01 four times: γ = −1e-4, with means taken out −4/3e-4."""
    xs, ys = [100, -150, 250, -50], [0.01, -0.02, 0.03, 0]
    assert slope(xs, ys) == pytest.approx(1.17006802721e-4, rel=1e-11)
    assert through_origin(xs, ys) == pytest.approx(1.17948717949e-4, rel=1e-11)
    assert through_origin([1000, -2500, 1200], [0.001, -0.002, 0.0015]) == pytest.approx(8.97583429229e-7, rel=1e-11)
    changes = [[0.01, -0.01, 0.01, -0.01]]
    assert (roll(changes), roll(changes, demeaned=True)) == (close(0.02), given(0.0230940107676))
