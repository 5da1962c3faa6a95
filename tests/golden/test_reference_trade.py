"""The slow reference of trades, quotes, signs and costs against the oracles, before it is compared with."""

import sys
from pathlib import Path

import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from reference.clock import Rule
from reference.signs import trade_signs
from reference.trade_passes import prepared, run_trades

NINE = 1767603600 * 10**9
RULE = Rule(10 * 10**9, "right", "end", NINE)
SIDES = ["Total", "Buy", "Sell", "Unknown"]
HORIZONS = ["1s", "5s", "10s"]
QUOTES = {"transform": "quotes_at_trades", "horizons": HORIZONS}
FLAGS = [False, True, False, False, False, None, *[False] * 6]
SHORT = ["Total", "Buy", "Sell"]
ALL = {
    "module": "trade",
    "generic": [
        {"measures": ["Volume", "Count", "Notional", "VWAP", "OHLC", "AvgPrice", "MedianPrice"], "sides": SIDES}
    ],
    "imbalance": [{"measures": ["Volume"]}],
    "flags": [{"flags": ["Block"], "measures": ["Volume", "Count", "VolumeShare", "UnknownVolume", "AvgNotional"]}],
    "discrepancy": [
        {
            "references": ["Mid", "Bid"],
            "aggregations": ["Mean", "Median"],
            "units": ["Bps"],
            "weights": ["Equal"],
        }
    ],
    "change": [{"measures": ["GapSeconds", "QuoteAgeSeconds"], "aggregations": ["Mean"]}],
    "placement": [{}],
    "twap": [{}],
    "volatility": [
        {"measures": ["RV", "Std"], "sides": ["Total", "Sell"]},
        {"measures": ["AnnVol"]},
    ],
    "tca": [
        {
            "measures": [
                *(
                    "QuotedSpread",
                    "EffectiveSpread",
                    "RealizedSpread",
                    "PriceImpact",
                    "EffectiveSpreadCommon",
                    "Markout",
                ),
                *("PriceImprovement", "ImprovedShare", "EQRatio", "TcaCount", "TcaUnsignedCount", "TcaNoQuoteCount"),
            ],
            "horizons": HORIZONS,
            "units": ["Price", "Bps"],
            "weights": ["Equal", "Share", "Notional"],
            "sides": SHORT,
        }
    ],
}


def close(value):
    return None if value is None else pytest.approx(value, rel=2e-11, abs=1e-17)


def given(value):
    """A figure to its 11 or 12 digits, and what prices in binary leave of a difference of prices."""
    return None if value is None else pytest.approx(value, rel=2e-11, abs=0 if value else 1e-12)


@pytest.fixture(name="day", scope="module")
def day_(f_trades, f_quotes, f_states):
    trades = f_trades.with_columns(IsBlock=pl.Series(FLAGS, dtype=pl.Boolean))
    return {"trades": trades, "l2": f_quotes, "marketstate": f_states}


@pytest.fixture(name="f", scope="module")
def f_(day):
    labels = [NINE + s * 10**9 for s in (10, 20, 30)]
    found = run_trades(day, RULE, [QUOTES], [ALL], {}, labels=labels)
    return [found.rows[1, label] for label in labels]


def test_f_quotes_mids_and_offsets_are_as_listed(day):
    """The columns 'quote before', mid and M(t+5) of the table of trades."""
    rows = prepared(day, 1, [QUOTES], None, False)["trades"].rows
    mids = [100.02, 100.025, 100.025, 100.035, 100.035, 100.015, 100.015, 100.015, None, None, 100.04, 100.04]
    assert [r["MidAtTrade"] for r in rows] == [close(x) for x in mids]
    later = [100.035, 100.035, 100.015, 100.015, 100.015, 100.02, 100.02, 100.02, 100.04, 100.04, 100.04, None]
    assert [r["MidAfter5s"] for r in rows] == [close(x) for x in later]
    assert [r["QuoteStatus"] for r in rows] == ["Ok"] * 8 + ["OneSided", "Crossed", "Ok", "Ok"]
    assert [r["BidPrice"] for r in rows][:3] == [100.00, 100.01, 100.01]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("TradeTotalVolume", [510, 150, 0]),
        ("TradeTotalCount", [6, 4, 0]),
        ("TradeInvalidCount", [0, 0, 1]),
        ("TradeBuyVolume", [160, 90, 0]),
        ("TradeSellVolume", [300, 60, 0]),
        ("TradeUnknownVolume", [50, 0, 0]),
        ("TradeTotalNotional", [51012.8, 15005.2, 0]),
        ("TradeBuyVWAP", [100.039375, 100 + 0.16 / 3, None]),
        ("TradeTotalOpen", [100.04, 100.00, None]),
        ("TradeTotalHigh", [100.04, 100.06, None]),
        ("TradeTotalLow", [100.01, 100.00, None]),
        ("TradeTotalClose", [100.03, 100.06, None]),
        ("TradeSellOpen", [100.01, 100.00, None]),
        ("TradeSellHigh", [100.035, 100.01, None]),
        ("TradeUnknownVWAP", [100.02, None, None]),
        ("TradeSellClose", [100.035, 100.01, None]),
        ("TradeTotalMedianPrice", [100.0325, 100.025, None]),
        ("TradeVolumeImbalance", [-140 / 460, 0.2, None]),
        ("TradeTotalPricePlacement", [-1 / 9, 0.5, None]),
        ("TradeTotalGapSecondsMean", [1.8, 2.25, None]),
        ("TradeTotalTcaCount", [5, 2, 0]),
        ("TradeTotalTcaCount5s", [5, 2, 0]),
        ("TradeTotalTcaCount10s", [5, 1, 0]),
        ("TradeTotalTcaUnsignedCount", [1, 0, 0]),
        ("TradeTotalTcaNoQuoteCount", [0, 2, 0]),
        ("TradeTotalQuotedSpread", [0.032, 0.035, None]),
        ("TradeTotalEffectiveSpread", [0.022, 0.035, None]),
        ("TradeTotalRealizedSpread5s", [0.018, 0.04, None]),
        ("TradeTotalPriceImpact5s", [0.004, -0.005, None]),
        ("TradeTotalEQRatio", [0.0108 / 0.0148, 1, None]),
        ("TradeTotalImprovedShare", [150 / 460, 0, None]),
        ("TradeTotalBlockVolume", [200, 0, 0]),
        ("TradeTotalBlockCount", [1, 0, 0]),
        ("TradeTotalBlockVolumeShare", [200 / 460, 0, None]),
        ("TradeTotalBlockUnknownVolume", [50, 0, 0]),
        ("TradeTotalBlockAvgNotional", [20002, None, None]),
    ],
)
def test_f_exact_figures(f, column, values):
    """Figures with few digits; prices in binary leave 1e-9 of a difference of prices."""
    assert [bar[column] for bar in f] == [None if x is None else pytest.approx(x, rel=1e-10, abs=1e-11) for x in values]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("TradeTotalVWAP", [100.025098039, 100.034666667, None]),
        ("TradeTotalAvgPrice", [100.029166667, 100.0275, None]),
        ("TradeTotalDiscrepancyToMidMeanBps", [0.499916682080, 0.249712643064, None]),
        ("TradeTotalDiscrepancyToMidMedianBps", [0.499875036238, 0.249712643064, None]),
        ("TradeTotalDiscrepancyToBidMeanBps", [2.083216689995, 0.749924977523, None]),
        ("TradeTWAP", [100.028055556, 100.018, 100.06]),
        ("TradeTotalRV", [2.14890794569e-7, 2.29887055979e-7, None]),
        ("TradeTotalStd", [2.30701210352e-4, 2.62936806084e-4, None]),
        ("TradeTotalEffectiveSpreadBps", [2.19953010747, 3.49897535362, None]),
        ("TradeTotalEffectiveSpreadBpsShareWeighted", [2.34727839192, 3.74868799668, None]),
        ("TradeTotalEffectiveSpreadBpsNotionalWeighted", [2.34721746367, 3.74880031683, None]),
        ("TradeTotalEffectiveSpreadShareWeighted", [0.0234782608696, 0.0375, None]),
        ("TradeTotalQuotedSpreadShareWeighted", [0.0321739130435, 0.0375, None]),
        ("TradeTotalRealizedSpread5sShareWeighted", [0.0210869565217, 0.04, None]),
        ("TradeTotalRealizedSpread5sBpsShareWeighted", [2.10821640992, 3.99865050230, None]),
        ("TradeTotalRealizedSpread5sBpsNotionalWeighted", [2.10790607772, 3.99865038992, None]),
        ("TradeTotalPriceImpact5sShareWeighted", [0.00239130434783, -0.0025, None]),
        ("TradeTotalPriceImpact5sBpsShareWeighted", [0.239061982001, -0.249962505624, None]),
        ("TradeTotalPriceImpact5sBpsNotionalWeighted", [0.239311385949, -0.249850073091, None]),
        ("TradeTotalRealizedSpread1sShareWeighted", [0.0126086956522, 0.0375, None]),
        ("TradeTotalPriceImpact1sShareWeighted", [0.0108695652174, 0, None]),
        ("TradeTotalEffectiveSpreadCommon10sShareWeighted", [0.0234782608696, 0.03, None]),
        ("TradeTotalRealizedSpread10sShareWeighted", [0.0213043478261, 0.08, None]),
        ("TradeTotalPriceImpact10sShareWeighted", [0.00217391304348, -0.05, None]),
        ("TradeTotalMarkout5sBpsShareWeighted", [-1.05423262912, -1.99910053968, None]),
        ("TradeTotalPriceImprovementShareWeighted", [0.00434782608696, 0, None]),
    ],
)
def test_f_figures(f, column, values):
    """Figures to the last digit given."""
    assert [bar[column] for bar in f] == [given(x) for x in values]


def test_f_quote_ages(f):
    """Quotes are 1, 1, 1, 3, .5 and 1 s old: 7.5 s over six trades."""
    assert f[0]["TradeTotalQuoteAgeSecondsMean"] == close(1.25)


def test_f_volatility_by_side_and_annualised(f):
    """Sells alone: ln(100.035/100.01)² = 6.24718851398e-8. AnnVol: √(2.29887055979e-7 · 30600/10 · 252)."""
    assert f[0]["TradeSellRV"] == given(6.24718851398e-8)
    assert f[1]["TradeTotalAnnVol"] == given(0.421035042017)


def test_f_with_a_tolerance_of_2_seconds(day):
    """Trade 5 (t = 8) finds the quote of t = 5, 3 s old: Stale, so one more trade without a quote."""
    counts = {"module": "trade", "tca": [{"measures": ["TcaNoQuoteCount"]}]}
    found = run_trades(day, RULE, [QUOTES | {"tolerance": "2s"}], [counts], {})
    assert found.rows[1, NINE + 10 * 10**9]["TradeTotalTcaNoQuoteCount"] == 1
    rows = prepared(day, 1, [QUOTES | {"tolerance": "2s"}], None, False)["trades"].rows
    assert [i + 1 for i, r in enumerate(rows) if r["QuoteStatus"] == "Stale"] == [5, 12]


def test_f2_gaps_do_not_cross_the_halt(f2):
    """Trades at 5, 11 and 25, halted from 12 to 20: null, 6, null."""
    gaps = {"module": "trade", "change": [{"measures": ["GapSeconds"], "aggregations": ["Mean"]}]}
    rows = run_trades(f2, RULE, [], [gaps], {}).rows
    assert [row["TradeTotalGapSecondsMean"] for row in rows.values()] == [None, 6, None]


@pytest.mark.parametrize(("order", "bid", "mid"), [("time_sequence", 10.00, 10.01), ("time", 9.99, 10.00)])
def test_sequence_decides_between_quotes_of_one_stamp(table, order, bid, mid):
    """Quotes (4, 1), (5, 6), (5, 8), trade (5, 7); the mid at 5 + 0 s is the last of that stamp, 10.02, in both."""
    rows = [(4, 9.99, 1, 10.01, 1), (5, 10.00, 1, 10.02, 1), (5, 10.01, 1, 10.03, 1)]
    quotes = table("BidPrice1 BidQuantity1 AskPrice1 AskQuantity1", rows)
    quotes = quotes.with_columns(SequenceNo=pl.Series([1, 6, 8]))
    trades = table("Price Size", [(5, 10.0, 1)]).with_columns(SequenceNo=pl.lit(7))
    options = {"transform": "quotes_at_trades", "order": order, "horizons": ["0s"]}
    [row] = prepared({"trades": trades, "l2": quotes}, 1, [options], None, True)["trades"].rows
    assert (row["BidPrice"], row["MidAtTrade"], row["MidAfter0s"]) == (bid, close(mid), close(10.02))


def test_event_volatility_of_five_trades_a_minute(table):
    """100, 101, 100, 101, 100: r = ±ln 1.01; std ddof 1 = .0114896523932, AnnVol = √(4 r² · 510 · 252)."""
    trades = table("Price Size", [(10 * i + 1, p, 1) for i, p in enumerate((100, 101, 100, 101, 100))])
    both = {"module": "trade", "volatility": [{"measures": ["Std", "AnnVol"]}]}
    rule = RULE._replace(width=60 * 10**9)
    [bar] = run_trades({"trades": trades}, rule, [], [both], {}).rows.values()
    assert bar["TradeTotalStd"] == given(0.0114896523932)
    assert bar["TradeTotalAnnVol"] == given(7.13432477167)


SIGNED = {
    "quote": "∅+++∅∅+−+∅∅",
    "tick": "∅+−−−−+−+−+",
    "lee_ready": "∅+++−−+−+−+",
    "emo": "∅+−−−−+−+−+",
    "clnv": "∅++−−−+−+−+",
}
AT_10 = [(p, 10.00, 10.10) for p in (10.09, 10.08, 10.06, 10.05, 10.05, 10.07, 10.03, 10.12)]
PRINTS = [(10.05, None, None), *AT_10, (10.10, 10.10, 10.10), (100.035, 100.02, 100.05)]


def signs(rule, prints):
    rows = [{"Price": p, "Size": 1.0, "BidPrice": b, "AskPrice": a} for p, b, a in prints]
    found = trade_signs(rows, {"rule": rule})
    return "".join({"Buy": "+", "Sell": "−", None: "∅"}[row["AggressorSide"]] for row in found)


@pytest.mark.parametrize("rule", SIGNED)
def test_signs_of_eleven_prints(rule):
    """Print by print as listed."""
    assert signs(rule, PRINTS) == SIGNED[rule]


def test_signs_do_not_fall_into_binary_traps():
    """(10.00 + 10.06)/2 is a hair off 10.03, and 10.15 − .3 · .1 off 10.12: equal to 1e-9, so tick, and Buy."""
    assert signs("lee_ready", [(10.02, 10.00, 10.06), (10.03, 10.00, 10.06)])[-1] == "+"
    assert signs("clnv", [(10.13, 10.05, 10.15), (10.12, 10.05, 10.15)])[-1] == "+"


@pytest.mark.parametrize("rule", ["lee_ready", "emo", "clnv"])
def test_f_signs_agree_with_the_exchange(day, rule):
    """Trades 1, 2, 4 and 5: + − + −."""
    blind = day | {"trades": day["trades"].with_columns(AggressorSide=pl.lit(None, dtype=pl.String))}
    rows = prepared(blind, 1, [QUOTES, {"transform": "trade_signs", "rule": rule}], None, False)["trades"].rows
    assert [rows[i - 1]["AggressorSide"] for i in (1, 2, 4, 5)] == ["Buy", "Sell", "Buy", "Sell"]


def test_retail_by_flag(table):
    """(10000 + 3030 − 5000)/18030 and (130 − 50)/180; the unknown side is 99 · 200 = 19800."""
    rows = [(1, 100.0, 100, "Buy"), (2, 100.0, 50, "Sell"), (3, 99.0, 200, None), (4, 101.0, 30, "Buy")]
    trades = table("Price Size AggressorSide", rows).with_columns(IsRetail=True)
    module = {"module": "retail_imbalance", "measures": ["Notional", "Volume"]}
    [bar] = run_trades({"trades": trades}, RULE, [], [module], {}).rows.values()
    assert bar["RetailNotionalImbalance"] == given(0.445368829728)
    assert bar["RetailVolumeImbalance"] == close(80 / 180)
    assert bar["RetailUnknownSideNotional"] == 19800


def test_retail_by_fractions_of_a_cent(table):
    """10.0001: .01 of a cent over, Sell; 10.0075: .75, Buy; 10.005: .5 and 10.01: 0, not retail."""
    prices = [(1, 10.0001, 1), (2, 10.0075, 2), (3, 10.005, 4), (4, 10.01, 8)]
    trades = table("Price Size", prices).with_columns(TradeType=pl.lit("OffBook"))
    module = {"module": "retail_imbalance", "rule": "subpenny", "measures": ["Volume"]}
    [bar] = run_trades({"trades": trades}, RULE, [], [module], {}).rows.values()
    assert (bar["RetailVolumeImbalance"], bar["RetailVolumeShare"]) == (close(1 / 3), close(3 / 15))
