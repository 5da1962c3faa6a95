"""Transform trade_signs: the tables of signs, rule by rule, and where binary numbers set traps."""

from datetime import date

import polars as pl
import pytest

from basalt.config.structure import structure
from basalt.modules import PassContext
from basalt_analytics.transforms.quotes_at_trades import QuotesAtTrades, QuotesAtTradesOptions
from basalt_analytics.transforms.trade_signs import TradeSigns, TradeSignsOptions

PASS = PassContext("bars", date(2026, 1, 5), ["ListingId"], None)
AT_A_MOVING_PRICE = [10.09, 10.08, 10.06, 10.05, 10.05, 10.07, 10.03, 10.12]
ROWS = [
    (10.05, None, None),
    *((price, 10.00, 10.10) for price in AT_A_MOVING_PRICE),
    (10.10, 10.10, 10.10),
    (100.035, 100.02, 100.05),
]
"""(price, bid, ask): no quote; 10.00 / 10.10; locked; wide."""
SHOWN = {"Buy": "+", "Sell": "−", None: "∅"}


def signed(trades, **options):
    transform = TradeSigns(structure(TradeSignsOptions, options, "preprocess[0]"))
    return transform.apply({"trades": trades.lazy()}, PASS)["trades"].collect()


def shown(trades, rule):
    return " ".join(SHOWN[side] for side in signed(trades, rule=rule)["AggressorSide"])


@pytest.fixture(name="quoted")
def quoted_(table):
    def of(rows):
        return table("Price Size BidPrice AskPrice", [(i, p, 1, b, a) for i, (p, b, a) in enumerate(rows)])

    return of


@pytest.mark.parametrize(
    ("rule", "signs"),
    [
        ("quote", "∅ + + + ∅ ∅ + − + ∅ ∅"),
        ("tick", "∅ + − − − − + − + − +"),
        ("lee_ready", "∅ + + + − − + − + − +"),
        ("emo", "∅ + − − − − + − + − +"),
        ("clnv", "∅ + + − − − + − + − +"),
    ],
)
def test_signs_of_eleven_trades(quoted, rule, signs):
    """The mid is 10.05, and of the last row 100.035. Ticks: 10.09 up, 10.08, 10.06, 10.05 down, 10.05 no change (down),
    10.07 up, 10.03 down, 10.12 up, 10.10 down, 100.035 up. No price is a quote but 10.10, which is locked. Zones of
    the spread 0.10: from 10.07 bought (10.08 too), to 10.03 sold; 10.12 is outside, and 100.035 is between."""
    assert shown(quoted(ROWS), rule) == signs


def test_price_at_a_mid_that_is_not_exact_in_binary(quoted):
    """(10.00 + 10.06) / 2 is not 10.03 in binary, yet it is the mid: the tick from 10.02 says bought."""
    assert (10.00 + 10.06) / 2 != 10.03
    trades = quoted([(10.02, 10.00, 10.06), (10.03, 10.00, 10.06)])
    assert shown(trades, "lee_ready")[-1] == "+"
    assert shown(trades, "quote")[-1] == "∅"


def test_price_at_a_zone_edge_that_is_not_exact_in_binary(quoted):
    """10.15 − 0.3 · 0.10 = 10.12 is the edge of the upper zone: bought, though the tick from 10.13 is down."""
    trades = quoted([(10.13, 10.05, 10.15), (10.12, 10.05, 10.15)])
    assert shown(trades, "clnv")[-1] == "+"
    assert shown(trades, "tick")[-1] == "−"


@pytest.mark.parametrize("rule", ["lee_ready", "emo", "clnv"])
def test_f_signs_without_the_exchange(f_trades, f_quotes, rule):
    """Trades 1, 2, 4, 5. 1 at the ask 100.04 and 2 at the bid 100.01. 4 at 100.04 of 100.02 / 100.05: above the mid, in
    the upper zone, and an up-tick from 100.01. 5 at the mid 100.035: a down-tick."""
    standing = f_trades.filter(~pl.col("IsCancelled").fill_null(False)).drop("AggressorSide")
    made = QuotesAtTrades(QuotesAtTradesOptions()).apply({"trades": standing.lazy(), "l2": f_quotes.lazy()}, PASS)
    assert shown(made["trades"].collect(), rule).split()[:4] == ["+", "−", "+", "−"]


def test_sources_of_signs(quoted):
    """Lee and Ready on the first seven trades: none, three by the quote, two at the mid by tick, one by the quote."""
    sources = signed(quoted(ROWS), rule="lee_ready")["SideSource"].to_list()
    assert sources[:7] == [None, "Quote", "Quote", "Quote", "Tick", "Tick", "Quote"]
