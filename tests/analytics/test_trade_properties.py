"""What must hold of trades whatever they are: identities, mirrors, scales, splits, sums; on small random days."""

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import basalt
from basalt.config.structure import structure
from basalt.tables import AGGRESSOR, NS_UTC
from basalt_analytics.trade.module import Trade

pytestmark = pytest.mark.slow

MIRROR = 200.0  # prices are mirrored around 100
START = 1767603600 * 10**9  # 09:00
WEIGHTS = ["Equal", "Share", "Notional"]
TOKENS = ["", "ShareWeighted", "NotionalWeighted"]
COSTS = ["QuotedSpread", "EffectiveSpread", "RealizedSpread", "PriceImpact", "EffectiveSpreadCommon", "Markout"]
COSTS += ["PriceImprovement"]
SHARES = ["ImprovedShare", "AtQuoteShare", "OutsideShare", "EQRatio", "TcaCount", "TcaNoQuoteCount"]
SIDED = ["Total", "Buy", "Sell"]
ALL = {
    "module": "trade",
    "generic": [{"measures": ["Volume", "Count", "Notional", "VWAP"], "sides": [*SIDED, "Unknown"]}],
    "imbalance": [{"measures": ["Volume", "Count", "Notional"]}],
    "flags": [{"flags": ["Block"], "measures": ["Volume", "VolumeShare", "UnknownVolume"], "sides": SIDED}],
    "discrepancy": [{"references": ["Mid"], "units": ["Price", "Bps"], "weights": ["Share"], "sides": SIDED}],
    "placement": [{"sides": SIDED}],
    "tca": [
        {
            "measures": [*COSTS, *SHARES],
            "horizons": ["5s"],
            "units": ["Price", "Bps"],
            "weights": WEIGHTS,
            "sides": SIDED,
        }
    ],
}
TICKS = st.integers(9900, 10100).map(lambda n: n / 100)
QUOTES = st.tuples(TICKS, st.integers(1, 9)).map(lambda q: (q[0], q[0] + q[1] / 64))  # a spread that binary holds
TRADE = st.fixed_dictionaries(
    {
        "Seconds": st.integers(0, 299),
        "Price": TICKS,
        "Size": st.integers(1, 50).map(float),
        "AggressorSide": st.sampled_from(["Buy", "Sell", None]),
        "IsBlock": st.sampled_from([True, False, None]),
        "Quote": st.one_of(st.none(), QUOTES),
        "MidAfter5s": st.one_of(st.none(), TICKS),
    }
)
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # a day is planned anew each time, so shrinking takes minutes
small = settings(
    max_examples=8, deadline=None, derandomize=True, phases=PHASES, suppress_health_check=list(HealthCheck)
)


def table(rows):
    """Trades with the quotes drawn for them, in order of time."""
    rows = sorted(rows, key=lambda r: r["Seconds"])
    bids, asks = ([r["Quote"] and r["Quote"][i] for r in rows] for i in (0, 1))
    stamps = pl.Series([START + 1 + r["Seconds"] * 10**9 for r in rows], dtype=pl.Int64).cast(NS_UTC)
    floats = {name: [r[name] for r in rows] for name in ("Price", "Size", "MidAfter5s")}
    dtypes = dict.fromkeys(("BidPrice", "AskPrice", *floats), pl.Float64)
    made = pl.DataFrame({"BidPrice": bids, "AskPrice": asks, **floats}, schema=dtypes)
    return made.with_columns(
        ListingId=pl.lit(1, pl.Int64),
        EventTimestamp=stamps,
        MidAtTrade=(pl.col("BidPrice") + pl.col("AskPrice")) / 2,
        AggressorSide=pl.Series([r["AggressorSide"] for r in rows], dtype=AGGRESSOR),
        IsBlock=pl.Series([r["IsBlock"] for r in rows], dtype=pl.Boolean),
    )


PRICES = ("Price", "BidPrice", "AskPrice", "MidAtTrade", "MidAfter5s")
days = st.lists(TRADE, min_size=1, max_size=12).map(table)


def bars(trades, every="1m", module=ALL):
    return basalt.compute([module], every=every, trades=trades)


def same(found, expected, names=None):
    names = names or found.columns
    assert_frame_equal(found.select(names), expected.select(names), rel_tol=1e-9, abs_tol=1e-9)


@small
@given(days)
def test_effective_spread_is_realized_spread_plus_impact_on_the_same_trades(trades):
    found = bars(trades)
    for side in SIDED:
        for rest in [f"5s{unit}{token}" for unit in ("", "Bps") for token in TOKENS]:
            common, realized, impact = (
                found[f"Trade{side}{m}{rest}"] for m in ("EffectiveSpreadCommon", "RealizedSpread", "PriceImpact")
            )
            assert common.is_null().equals(realized.is_null())
            assert (common - realized - impact).abs().fill_null(0).max() < 1e-9


@small
@given(days)
def test_selling_in_a_mirror_costs_what_buying_does(trades):
    """Prices mirrored around 100, bids made asks, buys made sells: costs in price and shares stay, imbalances and
    distances change sign."""
    mirrored = trades.with_columns(
        **{name: MIRROR - pl.col(name) for name in ("Price", "MidAtTrade", "MidAfter5s")},
        BidPrice=MIRROR - pl.col("AskPrice"),
        AskPrice=MIRROR - pl.col("BidPrice"),
        AggressorSide=pl.col("AggressorSide").cast(pl.String).replace({"Buy": "Sell", "Sell": "Buy"}).cast(AGGRESSOR),
    )
    found, other = bars(trades), bars(mirrored)
    for side, opposite in (("Total", "Total"), ("Buy", "Sell"), ("Sell", "Buy")):
        later = [f"{m}5s{w}" for m in COSTS[2:6] for w in TOKENS[:2]]
        kept = [f"{m}{w}" for m in ("QuotedSpread", "EffectiveSpread", "PriceImprovement") for w in TOKENS[:2]]
        for name in (*kept, *later, *SHARES, "Volume"):
            same(found.select(X=f"Trade{side}{name}"), other.select(X=f"Trade{opposite}{name}"))
        for name in ("PricePlacement", "DiscrepancyToMidMeanShareWeighted"):
            same(found.select(X=f"Trade{side}{name}"), other.select(X=-pl.col(f"Trade{opposite}{name}")))
    for measure in ("Volume", "Count"):
        name = f"Trade{measure}Imbalance"
        same(found.select(name), other.select(-pl.col(name)))


@small
@given(days, st.sampled_from([0.25, 8.0]), st.sampled_from([0.5, 16.0]))
def test_columns_scale_with_prices_and_sizes_as_their_units_say(trades, price, size):
    """Prices times one factor, sizes times another: a column in shares goes with the second, bps with neither."""
    scaled = trades.with_columns(*(pl.col(n) * price for n in PRICES), pl.col("Size") * size)
    options = {name: value for name, value in ALL.items() if name != "module"}
    metrics = [m for p in Trade(structure(Trade.Config, options, "here"), trades.schema).parts() for m in p.metrics]
    powers = {m.name: m.unit.scaling for m in metrics}
    found, other = (one.select(pl.col(list(powers)).cast(pl.Float64)) for one in (bars(trades), bars(scaled)))
    expected = found.with_columns(pl.col(n) * price**p * size**q for n, (p, q) in powers.items())
    same(other, expected)


@small
@given(days, st.integers(0, 11))
def test_trade_split_in_two_halves_of_one_price_changes_no_volume_and_no_share_weighted_cost(trades, which):
    """The n-th trade as two of half its size."""
    n = which % trades.height
    half = trades.with_columns(pl.when(pl.int_range(pl.len()) == n).then(pl.col("Size") / 2).otherwise("Size"))
    split = pl.concat([half[: n + 1], half[n:]]) if n else pl.concat([half[:1], half])
    found, other = bars(trades), bars(split)
    kept = ("Volume", "Notional", "VWAP", "VolumeImbalance", "NotionalImbalance", "PricePlacement", "EQRatio", "Share")
    names = [c for c in found.columns if c.endswith((*kept, "ShareWeighted", "NotionalWeighted"))]
    assert len(names) > 60
    same(found, other, names)


@small
@given(days)
def test_minutes_sum_up_to_five(trades):
    """Volumes, counts and values are additive; the sides add up to the total."""
    minutes, five = bars(trades), bars(trades, "5m")
    sums = [c for c in five.columns if c.endswith(("Volume", "Count", "Count5s", "Notional")) and "Share" not in c]
    assert len(sums) > 20
    for name in sums:
        assert minutes[name].sum() == pytest.approx(five[name].sum())
        assert five[name].len() == 1
    for measure in ("Volume", "Count", "Notional"):
        parts = sum(five[f"Trade{side}{measure}"][0] for side in ("Buy", "Sell", "Unknown"))
        assert parts == pytest.approx(five[f"TradeTotal{measure}"][0])


@small
@given(days)
def test_imbalances_and_shares_keep_to_their_bounds(trades):
    """[−1, 1] and [0, 1]; the three shares at the touch are all there is."""
    found = bars(trades)
    for name in [*(f"Trade{m}Imbalance" for m in ("Volume", "Count", "Notional")), "TradeTotalPricePlacement"]:
        assert found[name].abs().fill_null(0).max() <= 1 + 1e-12
    shares = found.select(sum=pl.sum_horizontal(f"TradeTotal{s}" for s in SHARES[:3]), one="TradeTotalImprovedShare")
    assert (shares.drop_nulls()["sum"] - 1).abs().fill_null(0).max() in (None, pytest.approx(0, abs=1e-12))
