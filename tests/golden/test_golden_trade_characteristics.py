"""What eight prints are like, and how late three of them were published."""

import polars as pl
import pytest

import basalt
from basalt.tables import NS_UTC, TRADE_TYPE

QUOTED = "Price Size AggressorSide BidPrice AskPrice"
ROWS = [
    (1, 100.04, 100, "Buy", 100.00, 100.04),
    (2, 100.01, 200, "Sell", 100.00, 100.04),
    (3, 100.025, 50, "Buy", 100.00, 100.04),
    (4, 100.03, 40, None, 100.00, 100.04),
    (4.5, 100.06, 60, "Buy", 100.00, 100.04),
    (4.8, 100.02, 80, "Sell", None, None),
    (5, 100.00, 120, "Sell", 100.00, 100.00),
    (5, 100.00, 70, "Sell", 100.00, 100.04),
]


@pytest.fixture
def bar(table):
    types = pl.Series("TradeType", ["Lit", "Lit", "Dark", *["Lit"] * 5], dtype=TRADE_TYPE)
    trades = table(QUOTED, ROWS).with_columns(types)
    [found] = basalt.compute("trade_characteristics", every="10s", trades=trades).to_dicts()
    return found


def test_count_and_volume(bar):
    """100 + 200 + 50 + 40 + 60 + 80 + 120 + 70 = 720 shares of eight prints."""
    assert (bar["TradeEventCount"], bar["TradePrintedVolume"]) == (8, 720)


def test_a_cancelled_print_is_counted_and_its_shares_are_not(table):
    """The last but one, of 120 shares, is busted: eight prints, one cancelled, 720 − 120 shares."""
    busted = pl.Series("IsCancelled", [*[False] * 6, True, None])
    [bar] = basalt.compute(
        "trade_characteristics", every="10s", trades=table(QUOTED, ROWS).with_columns(busted)
    ).to_dicts()
    assert (bar["TradeEventCount"], bar["TradeCancelledCount"], bar["TradePrintedVolume"]) == (8, 1, 600)
    assert bar["TradeHasCancellations"] is True
    assert bar["TradeUnknownAggressorRatio"] == pytest.approx(1 / 7)


def test_one_of_eight_is_of_unknown_side(bar):
    assert (bar["TradeUnknownAggressorRatio"], bar["TradeHasUnknownAggressor"]) == (0.125, True)


def test_types(bar):
    named = ("Lit", "Dark", "Auction", "OffBook", "SystematicInternaliser", "UnknownType")
    assert [bar[f"TradeHas{name}"] for name in named] == [True, True, False, False, False, False]


def test_the_print_above_the_ask_is_outside_the_quote(bar):
    """100.06 against 100.00 / 100.04."""
    assert bar["TradeHasPriceOutsideQuote"] is True


def test_only_prints_with_a_valid_quote_can_be_outside_it(table):
    """Without 100.06: 100.02 has no quote, 100.00 at 100.00 / 100.00 none that is open, and 100.04 is the ask."""
    trades = table(QUOTED, [row for row in ROWS if row[1] != 100.06])
    module = {"module": "trade_characteristics", "columns": ["TradeHasPriceOutsideQuote"]}
    assert basalt.compute([module], every="10s", trades=trades)["TradeHasPriceOutsideQuote"].to_list() == [False]


def test_what_is_not_reported_is_not_told(table):
    """IsBlock is null on every print; IsCross is no column at all."""
    trades = table(QUOTED, ROWS).with_columns(IsBlock=pl.lit(None, pl.Boolean))
    [bar] = basalt.compute("trade_characteristics", every="10s", trades=trades).to_dicts()
    assert bar["TradeHasBlock"] is None
    assert "TradeHasCross" not in bar


def test_delays_of_publication(table):
    """0, 2.5 and .5 s: one of three at once, 1 s on average, 2.5 s at most."""
    trades = table("Price Size", [(1, 10, 1), (2, 10, 1), (3, 10, 1)])
    late = pl.Series("Late", [0, 2_500_000_000, 500_000_000])
    public = (pl.col("EventTimestamp").to_physical() + late).cast(NS_UTC)
    trades = trades.with_columns(PublicationTimestamp=public)
    [bar] = basalt.compute("trade_characteristics", every="10s", trades=trades).to_dicts()
    assert bar["TradePublishedAtOnceRatio"] == pytest.approx(0.333333333333333)
    assert bar["TradePublicationDelayMeanSeconds"] == pytest.approx(1.0)
    assert bar["TradePublicationDelayMaxSeconds"] == pytest.approx(2.5)
    assert bar["TradeHasEarlyPublication"] is False
