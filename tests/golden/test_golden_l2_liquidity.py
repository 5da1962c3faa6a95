"""Cost and shape of the spec's book: asks 100.04×300, 100.06×500; bids 100.00×500, 99.97×500; M = 100.02 (l2 §9, §11).

Cumulated value: asks 30012, 80042; bids 50000, 99985.
"""

import pytest

import basalt

BOOK = "BidPrice1 BidQuantity1 BidPrice2 BidQuantity2 AskPrice1 AskQuantity1 AskPrice2 AskQuantity2"
ROW = (1, 100.00, 500, 99.97, 500, 100.04, 300, 100.06, 500)


def close(value):
    return pytest.approx(value, rel=1e-11, abs=1e-11)


@pytest.fixture
def bar(table):
    """The one bar of a book of one row, with one group of `liquidity`."""

    def of(row=ROW, columns=BOOK, **group):
        module = {"module": "l2", "liquidity": [group]}
        return basalt.compute([module], every="10s", l2=table(columns, [row])).to_dicts()[0]

    return of


WALKS = ["Xlm", "XlmBuy", "XlmSell", "XlmUnfilledRatio"]


@pytest.mark.parametrize(
    ("amount", "both", "buy", "sell"),
    [
        (20000, 3.99920015997, 1.99960007998, 1.99960007998),
        (40000, 4.49842541615, 2.49882533617, 1.99960007998),
        (60000, 5.49852537618, 2.99890026994, 2.49962510624),
        (80000, 6.37354254808, 3.24895648823, 3.12458605985),
    ],
)
def test_round_trip_walks_the_book_until_the_amount_is_spent(bar, amount, both, buy, sell):
    """Buying 40000: 30012 at 100.04 (300 shares), 9988 at 100.06 (99.8201 shares), so 40000 / 399.8201 = 100.04499...
    and 1e4·(that − 100.02)/100.02 = 2.49882533617; selling stays at level 1: 1e4·.02/100.02 = 1.99960007998."""
    found = bar(measures=WALKS, notionals=[amount])
    names = [f"Xlm{leg}Bps{amount}" for leg in ("", "Buy", "Sell")]
    assert [found[n] for n in names] == [close(both), close(buy), close(sell)]
    assert found[f"XlmUnfilledRatio{amount}"] == 0


def test_round_trip_of_more_than_is_displayed_is_null(bar):
    """200000: asks hold 80042, so 1 − 80042/200000 = .59979 is unfilled."""
    found = bar(measures=WALKS, notionals=[200000])
    assert [found[f"Xlm{leg}Bps200000"] for leg in ("", "Buy", "Sell")] == [None] * 3
    assert found["XlmUnfilledRatio200000"] == close(0.59979)


@pytest.mark.parametrize(
    ("reference", "bps", "bid", "ask"),
    [
        ("mid", 2, 500, 300),
        ("mid", 3, 500, 300),
        ("mid", 5, 1000, 800),
        ("touch", 2, 500, 800),
        ("touch", 3, 1000, 800),
    ],
)
def test_depth_within(bar, reference, bps, bid, ask):
    """Distances of the levels from the mid in bps: bids 1.9996, 4.9990, asks 1.9996, 3.9992; from the touch: bids 0, 3,
    asks 0, 1.9992."""
    found = bar(measures=["DepthWithin"], bps=[bps], reference=reference)
    assert (found[f"BidDepthWithin{bps}Bps"], found[f"AskDepthWithin{bps}Bps"]) == (bid, ask)


@pytest.mark.parametrize(("bps", "bid", "ask"), [(2, False, False), (4, False, True), (5, True, True)])
def test_depth_within_is_truncated_where_the_deepest_level_is_within(bar, bps, bid, ask):
    """Level 2 lies 4.9990 bps below and 3.9992 bps above the mid."""
    found = bar(measures=["DepthWithin"], bps=[bps])
    assert [found[f"{side}DepthWithin{bps}BpsTruncated"] for side in ("Bid", "Ask")] == [bid, ask]


def test_level_that_lies_exactly_as_far_as_asked_counts(bar):
    """Touch 123.00 and level 123.123 are 10 bps apart; the binary quotient is above 10. Sizes 300 + 500 = 800."""
    row = (1, 122.9, 500, 122.8, 500, 123.00, 300, 123.123, 500)
    assert bar(row, measures=["DepthWithin"], bps=[10], reference="touch")["AskDepthWithin10Bps"] == 800


def test_depth_within_as_value(bar):
    """5 bps hold it all: 99985 and 80042."""
    found = bar(measures=["DepthWithin"], bps=[5], unit="notional")
    assert [found[f"{side}DepthWithin5Bps"] for side in ("Bid", "Ask")] == [close(99985), close(80042)]


def test_depth_slope(bar):
    """d in units of 1e4/100.02: bids .02, .05, asks .02, .04; c: 500, 1000 and 300, 800. Bids
    (.02·500 + .05·1000)/(.02² + .05²) = 60/.0029, divided by 1e4/100.02: 206.937931034; asks 38/.002: 190.038."""
    found = bar(measures=["DepthSlope"])
    assert [found[f"{side}DepthSlope"] for side in ("Bid", "Ask")] == [close(206.937931034), close(190.038)]


def test_log_depth_slope_is_the_mean_of_both_sides(bar):
    """Bid: ½{ln 500/(.02/100.02) + (ln 1000/ln 500 − 1)/(.03/100)} = 15725.5194491; ask 14692.3830277."""
    assert bar(measures=["LogDepthSlope"])["LogDepthSlope"] == close(15208.9512384)


def test_log_depth_slope_of_equal_sides(bar):
    """p_0 = 100, bids 99.99×100, 99.98×300: ½{ln 100/1e-4 + (ln 400/ln 100 − 1)/(.01/99.99)} = 24530.8503933.
    The asks 100.01×100 and 100.01·(1 + .01/99.99)×300 have the same relative steps, and so the same slope."""
    ask = 100.01 * (1 + 0.01 / 99.99)
    row = (1, 99.99, 100, 99.98, 300, 100.01, 100, ask, 300)
    assert bar(row, measures=["LogDepthSlope"])["LogDepthSlope"] == close(24530.8503933)


def test_depth_spread(bar):
    """Asks (30012 + 50030)/800 = 100.0525, bids 99985/1000 = 99.985: 1e4·.0675/100.02 = 6.74865026995."""
    assert bar(measures=["DepthSpread"], levels=[2])["DepthSpreadBps2"] == close(6.74865026995)


def test_round_trip_in_shares(bar):
    """500 shares: asks (300·100.04 + 200·100.06)/500 = 100.048, bids 100: 1e4·.048/100.02 = 4.79904019196."""
    found = bar(measures=["Xlm", "XlmUnfilledRatio"], notionals=[500], by="shares")
    assert found["XlmBps500"] == close(4.79904019196)
    assert bar(measures=["XlmUnfilledRatio"], notionals=[1600], by="shares")["XlmUnfilledRatio1600"] == close(0.5)
