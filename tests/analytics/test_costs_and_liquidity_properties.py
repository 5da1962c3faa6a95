"""What always holds of costs of orders and of liquidity, tried at random."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import basalt
from basalt.tables import AGGRESSOR, NS_UTC
from basalt_analytics.trade import estimators
from basalt_analytics.trade.orders.table import ORDERS

SECOND, START = 10**9, 1767603600 * 10**9
ticks = st.integers(900, 1100)
shares = st.integers(1, 500)
prints = st.lists(st.tuples(ticks, shares, st.sampled_from(["Buy", "Sell", None])), min_size=1, max_size=30)
changes = st.lists(st.tuples(st.integers(-50, 50), st.integers(-500, 500)), min_size=3, max_size=20)


def stamped(rows: list[dict[str, object]], schema: dict[str, object]) -> pl.DataFrame:
    """Rows of listing 1, `t` seconds after the start."""
    frame = pl.DataFrame(rows, schema={"t": pl.Int64, **schema}, strict=False)
    time = (START + pl.col("t") * SECOND).cast(NS_UTC)
    return frame.select(pl.lit(1, pl.Int64).alias("ListingId"), time.alias("EventTimestamp"), *schema)


def trades_of(some):
    rows = [{"t": i + 1, "Price": p / 100, "Size": float(q), "AggressorSide": s} for i, (p, q, s) in enumerate(some)]
    return stamped(rows, {"Price": pl.Float64, "Size": pl.Float64, "AggressorSide": AGGRESSOR})


def quotes_of(some):
    names = ("BidPrice1", "AskPrice1", "BidQuantity1", "AskQuantity1")
    rows = [
        {"t": 2 * i, **dict(zip(names, (b / 100, a / 100, 1.0, 1.0), strict=True))} for i, (b, a) in enumerate(some)
    ]
    return stamped(rows, dict.fromkeys(names, pl.Float64))


@pytest.mark.slow
@settings(max_examples=25)
@given(prints, st.integers(1, 400), st.integers(1, 5))
def test_vpin_is_a_share(some, volume, buckets):
    module = {"module": "liquidity", "measures": ["Vpin"], "vpin": {"bucket_volume": volume, "buckets": buckets}}
    found = basalt.compute([module], every="5s", trades=trades_of(some), l2=quotes_of([(990, 1010)]))
    values = found["Vpin"].drop_nulls()
    assert values.is_between(0, 1).all()
    full = sum(q for _, q, side in some if side) // volume
    assert (values.len() > 0) == (full >= buckets)


@given(changes, st.sampled_from([0.5, 4, 16]), st.sampled_from([0.25, 2, 8]))
def test_kyle_s_lambda_grows_with_prices_and_falls_with_sizes(some, price, size):
    """Powers of two, so that nothing is rounded."""
    frame = pl.DataFrame({"dp": [dp / 100 for dp, _ in some], "x": [float(x) for _, x in some]})
    for estimator in (estimators.kyle_lambda, estimators.kyle_lambda_origin):
        own = frame.select(estimator(pl.col("dp"), pl.col("x"))).item()
        other = frame.select(estimator(price * pl.col("dp"), size * pl.col("x"))).item()
        assert other == (None if own is None else pytest.approx(own * price / size, rel=1e-9, abs=1e-15))


@given(changes)
def test_a_price_that_moves_with_flow_has_that_slope(some):
    """Δp = x/100 + 3 for each x: with intercept .01."""
    frame = pl.DataFrame({"x": [float(x) for _, x in some]}).with_columns(dp=pl.col("x") / 100 + 3)
    found = frame.select(estimators.kyle_lambda(pl.col("dp"), pl.col("x"))).item()
    assert found is None or found == pytest.approx(0.01, rel=1e-9)
    assert (found is None) == (frame["x"].n_unique() == 1)


fills = st.lists(st.tuples(st.integers(5, 20), ticks, shares), max_size=5)
bests = st.lists(st.tuples(st.integers(950, 1000), st.integers(1000, 1050)), min_size=1, max_size=12)
SCHEMA = {
    name: ORDERS.column(name).dtype for name in ("OrderId", "Event", "OrderSide", "OrderQuantity", "Price", "Size")
}


def order_of(some, side):
    done = sum(q for *_, q in some)
    common = {"OrderId": "a", "OrderSide": side}
    rows = [{"t": 5, "Event": "Arrival", "OrderQuantity": done + 100.0, **common}]
    rows += [{"t": t, "Event": "Fill", "Price": p / 100, "Size": float(q), **common} for t, p, q in sorted(some)]
    return stamped([*rows, {"t": 21, "Event": "End", **common}], SCHEMA)


def costs_of(orders, trades, quotes):
    module = {"module": "tca", "horizons": ["0s", "3s"], "participation_rates": [0.5]}
    return basalt.compute([module], every="1h", orders=orders, trades=trades, l2=quotes).row(0, named=True)


PARTS = ("DelayCost", "ExecutionCost", "OpportunityCost", "FeeCost")
RATES = ("Participation", "RelativePerformance", "SpreadCapture", "OrderFillRatio")


@pytest.mark.slow
@settings(max_examples=25)
@given(fills, prints, bests, st.sampled_from(["Buy", "Sell"]))
def test_costs_add_up_and_rates_stay_in_bounds(some, market, quotes, side):
    row = costs_of(order_of(some, side), trades_of(market), quotes_of(quotes))
    assert sum(row[part] for part in PARTS) == pytest.approx(row["ShortfallCost"], abs=1e-9)
    assert row["ShortfallCost"] == pytest.approx(expected_shortfall(some, quotes, side), abs=1e-8)
    assert row["RelativePerformance"] is None or 0 <= row["RelativePerformance"] <= 1
    assert row["OrderProblem"] is None


def expected_shortfall(some, quotes, side):
    """Σ over shares, one fill after the other; P_dec = M_arr of the last quote before 5, P_end of the last up to 21."""
    mids = [(2 * i, (b + a) / 200) for i, (b, a) in enumerate(quotes)]
    decided = [mid for t, mid in mids if t < 5][-1]
    ended = [mid for t, mid in mids if t <= 21][-1]
    cost = sum(q * (p / 100 - decided) for _, p, q in some) + 100 * (ended - decided)
    return cost if side == "Buy" else -cost


@pytest.mark.slow
@settings(max_examples=25)
@given(fills, prints, bests)
def test_buying_is_selling_in_the_mirror(some, market, quotes):
    """Prices mirrored about 10, sides swapped: money lost is the same, and so are the rates."""
    row = costs_of(order_of(some, "Buy"), trades_of(market), quotes_of(quotes))
    swap = {"Buy": "Sell", "Sell": "Buy", None: None}
    mirrored = costs_of(
        order_of([(t, 2000 - p, q) for t, p, q in some], "Sell"),
        trades_of([(2000 - p, q, swap[side]) for p, q, side in market]),
        quotes_of([(2000 - a, 2000 - b) for b, a in quotes]),
    )
    for name in (*PARTS, "ShortfallCost", *RATES):
        assert mirrored[name] == (None if row[name] is None else pytest.approx(row[name], abs=1e-8)), name
