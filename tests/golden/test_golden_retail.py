"""Module retail_imbalance on four retail prints, and on prices at fractions of a cent."""

import polars as pl
import pytest

import basalt
from basalt.tables import TRADE_TYPE

SIDES = ["Buy", "Sell", None, "Buy"]
PRINTS = [(1, 100.00, 100), (2, 100.00, 50), (3, 99.00, 200), (4, 101.00, 30)]
MEASURES = ["Volume", "Notional", "Count"]


@pytest.fixture(name="retail")
def retail_(table):
    """The four prints, all retail, and one that is not and one that is not reported, of 20 and 40 shares at 100."""
    rows = [(*row, side) for row, side in zip(PRINTS, SIDES, strict=True)]
    trades = table("Price Size AggressorSide", [*rows, (5, 100.00, 20, "Sell"), (6, 100.00, 40, "Sell")])
    flags = pl.Series("IsRetail", [True, True, True, True, False, None])
    module = {"module": "retail_imbalance", "measures": MEASURES}
    [bar] = basalt.compute([module], every="10s", trades=trades.with_columns(flags)).to_dicts()
    return bar


def test_imbalances(retail):
    """Bought 10000 + 3030, sold 5000: (13030 − 5000) / 18030 = .445368829728. Shares (130 − 50) / 180 =
    .444444444444. Trades (2 − 1) / 3. Were the unknown side a sell: (13030 − 24800) / 37830 = −.311128733809."""
    assert retail["RetailNotionalImbalance"] == pytest.approx(0.445368829728, abs=5e-13)
    assert retail["RetailVolumeImbalance"] == pytest.approx(0.444444444444, abs=5e-13)
    assert retail["RetailCountImbalance"] == pytest.approx(1 / 3)


def test_what_is_of_unknown_side(retail):
    """99 · 200 = 19800."""
    found = [retail[f"RetailUnknownSide{m}"] for m in MEASURES]
    assert found == [200, 19800, 1]


def test_shares_of_what_is_reported(retail):
    """380 of 400 shares; the 40 of which it is not known are in neither."""
    assert retail["RetailVolumeShare"] == pytest.approx(0.95)
    assert retail["RetailCountShare"] == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("price", "type_", "expected"),
    [
        (10.0001, "OffBook", -1),  # z = .01
        (10.0075, "OffBook", 1),  # z = .75
        (10.005, "OffBook", None),  # z = .5
        (10.01, "OffBook", None),  # z = 0
        (10.004, "OffBook", None),  # z = .4, not below it
        (0.29, "OffBook", None),  # 100 · .29 = 28.999999999999996: z = 1 when rounded, a whole cent
        (10.0001, "Lit", None),
        (10.0001, None, None),
    ],
)
def test_fractions_of_a_cent_tell_side(table, price, type_, expected):
    """Between 0 and .4 of a cent sold, between .6 and 1 bought, off the book alone; else not retail."""
    trades = table("Price Size", [(1, price, 10)]).with_columns(TradeType=pl.lit(type_, TRADE_TYPE))
    module = {"module": "retail_imbalance", "rule": "subpenny", "measures": ["Volume"]}
    [bar] = basalt.compute([module], every="10s", trades=trades).to_dicts()
    assert bar["RetailVolumeImbalance"] == expected
    assert bar["RetailVolumeShare"] == (0 if expected is None else 1)
