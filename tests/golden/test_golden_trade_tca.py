"""Fixture F, module trade: costs of trades; bars of 10 s at :10 and :20.

Trades of :10 with side and mid: 1 2 4 5 7 (sizes 100 200 50 100 10, Σ 460). Of :20: 8 and 11 (20, 60), for 9 is
one-sided and 10 crossed. D(P − M) of 1 2 4 5 7: .02 .015 .005 0 .015; of 8, 11: .015 .02.
"""

import sys
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

import basalt

sys.path.insert(0, str(Path(__file__).resolve().parent))
from quoted_trades import quoted

MEASURES = [
    *("QuotedSpread", "EffectiveSpread", "RealizedSpread", "PriceImpact", "EffectiveSpreadCommon", "Markout"),
    *("PriceImprovement", "ImprovedShare", "AtQuoteShare", "OutsideShare", "EQRatio"),
    *("TcaCount", "TcaUnsignedCount", "TcaNoQuoteCount"),
]
HORIZONS = ["1s", "5s", "10s"]
ALL = {
    "module": "trade",
    "tca": [
        {
            "measures": MEASURES,
            "horizons": HORIZONS,
            "units": ["Price", "Bps"],
            "weights": ["Equal", "Share", "Notional"],
            "sides": ["Total", "Buy", "Sell"],
        }
    ],
}


@pytest.fixture(scope="module")
def result(f_trades, f_states):
    return basalt.compute([ALL], every="10s", trades=quoted(f_trades), marketstate=f_states)


@pytest.fixture(name="f")
def f_(result, bars):
    return bars(result)


@pytest.mark.parametrize(
    ("column", "first", "second"),
    [
        # Spreads before 1 2 4 5 7: .04 .03 .03 .03 .03; before 8, 11: .03 .04.
        ("QuotedSpread", 0.032, 0.035),
        ("QuotedSpreadShareWeighted", 0.0321739130435, 0.0375),
        # 2D(P − M): .04 .03 .01 0 .03, mean .11 / 5; Σ q·ES 4 + 6 + .5 + 0 + .3 = 10.8, / 460; 8, 11: .03 .04.
        ("EffectiveSpread", 0.022, 0.035),
        ("EffectiveSpreadShareWeighted", 0.0234782608696, 0.0375),
        ("EffectiveSpreadBps", 2.19953010747, 3.49897535362),
        ("EffectiveSpreadBpsShareWeighted", 2.34727839192, 3.74868799668),
        ("EffectiveSpreadBpsNotionalWeighted", 2.34721746367, 3.74880031683),
        # 2D(P − M(t+5)): .01 .05 .05 −.04 .02, mean .09 / 5; by shares 9.7 / 460; 8, 11: .04 .04.
        ("RealizedSpread5s", 0.018, 0.04),
        ("RealizedSpread5sShareWeighted", 0.0210869565217, 0.04),
        ("RealizedSpread5sBpsShareWeighted", 2.10821640992, 3.99865050230),
        ("RealizedSpread5sBpsNotionalWeighted", 2.10790607772, 3.99865038992),
        # 2D(M(t+5) − M): .03 −.02 −.04 .04 .01, mean .02 / 5; by shares 1.1 / 460; 8, 11: −.01 0.
        ("PriceImpact5s", 0.004, -0.005),
        ("PriceImpact5sShareWeighted", 0.00239130434783, -0.0025),
        ("PriceImpact5sBpsShareWeighted", 0.239061982001, -0.249962505624),
        ("PriceImpact5sBpsNotionalWeighted", 0.239311385949, -0.249850073091),
        # One second: M(t+1) = .025 .025 .035 .015 .015, RS .03 .03 .01 −.04 .03 by shares 5.8 / 460, PI 5.0 / 460.
        ("RealizedSpread1sShareWeighted", 0.0126086956522, 0.0375),
        ("PriceImpact1sShareWeighted", 0.0108695652174, 0),
        # Ten seconds: M(t+10) = .015 .015 .02 .04 .04; of :20 trade 8 alone, for 29 is past the session's end.
        ("EffectiveSpreadCommon10sShareWeighted", 0.0234782608696, 0.03),
        ("RealizedSpread10sShareWeighted", 0.0213043478261, 0.08),
        ("PriceImpact10sShareWeighted", 0.00217391304348, -0.05),
        ("Markout5sBpsShareWeighted", -1.05423262912, -1.99910053968),
        # Σ q·ES / Σ q·S = 10.8 / 14.8; 3 / 3.
        ("EQRatio", 0.729729729730, 1),
        # Buy A − P: 0 .01 0; sell P − B: 0 .015: by shares (.5 + 1.5) / 460, improved 150 / 460, the rest at the touch.
        ("PriceImprovementShareWeighted", 0.00434782608696, 0),
        ("ImprovedShare", 0.326086956522, 0),
        ("AtQuoteShare", 310 / 460, 1),
        ("OutsideShare", 0, 0),
    ],
)
def test_f_costs_of_trades(f, column, first, second):
    """Twelve digits of each, from the sums above."""
    for label, expected in ((10, first), (20, second)):
        assert f[label][f"TradeTotal{column}"] == pytest.approx(expected, rel=5e-12, abs=1e-13)


def test_f_counts_behind_the_costs(f):
    """:10 five trades with side and mid, trade 6 without side. :20 two, and 9 and 10 have no mid; ten seconds after
    trade 11 the session is over."""
    names = [f"TradeTotal{n}" for n in ("TcaCount", "TcaCount5s", "TcaUnsignedCount", "TcaNoQuoteCount", "TcaCount10s")]
    assert [f[10][n] for n in names] == [5, 5, 1, 0, 5]
    assert [f[20][n] for n in names] == [2, 2, 0, 2, 1]


def test_f_realized_spread_and_impact_add_up_to_the_effective_spread_of_the_same_trades(f):
    """.0234782608696 = .0210869565217 + .00239130434783, and so for every horizon, unit, weight and side."""
    for bar in f.values():
        for side in ("Total", "Buy", "Sell"):
            for rest in [h + u + w for h in HORIZONS for u in ("", "Bps") for w in WEIGHTS]:
                common, realized, impact = (
                    bar[f"Trade{side}{m}{rest}"] for m in ("EffectiveSpreadCommon", "RealizedSpread", "PriceImpact")
                )
                assert (common is None) == (realized is None) == (impact is None)
                if common is not None:
                    assert common == pytest.approx(realized + impact, rel=1e-12, abs=1e-12)


WEIGHTS = ("", "ShareWeighted", "NotionalWeighted")


def test_f_horizons_differ(f):
    """A horizon that only changed the name would give three equal values: .0126, .0211, .0213."""
    found = [f[10][f"TradeTotalRealizedSpread{h}ShareWeighted"] for h in HORIZONS]
    assert len({round(x, 6) for x in found}) == 3


def test_f_costs_of_a_side_are_of_that_side_alone(f):
    """Buys of :10, trades 1 4 7: effective spreads .04 .01 .03; sells 2 5: .03 0."""
    assert f[10]["TradeBuyEffectiveSpread"] == pytest.approx(0.08 / 3, rel=1e-11)
    assert f[10]["TradeSellEffectiveSpread"] == pytest.approx(0.015, rel=1e-11)
    assert (f[10]["TradeBuyTcaCount"], f[10]["TradeSellTcaCount"]) == (3, 2)
    assert (f[20]["TradeBuyTcaNoQuoteCount"], f[20]["TradeSellTcaNoQuoteCount"]) == (1, 1)


def test_f_empty_bucket_has_counts_of_0_and_no_cost(f_trades, f_states, table, bars):
    """A book row at 26 makes :30, which has no valid trade."""
    quote = table("BidPrice1 BidQuantity1 AskPrice1 AskQuantity1", [(26, 100.02, 200, 100.06, 200)])
    modules = [ALL, {"module": "l2", "prices": [{"sources": ["Mid"]}]}]
    found = bars(basalt.compute(modules, every="10s", trades=quoted(f_trades), l2=quote, marketstate=f_states))[30]
    counts = ["TcaCount", "TcaCount5s", "TcaUnsignedCount", "TcaNoQuoteCount"]
    assert [found[f"TradeTotal{n}"] for n in counts] == [0] * 4
    assert [found[f"TradeTotal{n}"] for n in ("QuotedSpread", "EffectiveSpreadBps", "EQRatio")] == [None] * 3


def test_f_quotes_put_by_hand_are_those_of_the_transform(result, f_trades, f_quotes, f_states):
    """The same costs, with the quotes and mids that quotes_at_trades finds in the book."""
    found = basalt.compute(
        [ALL],
        every="10s",
        trades=f_trades,
        l2=f_quotes,
        marketstate=f_states,
        preprocess=[{"transform": "quotes_at_trades", "horizons": HORIZONS}],
    )
    assert_frame_equal(found, result, rel_tol=1e-11, abs_tol=1e-12)
