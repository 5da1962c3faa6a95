"""A closing auction from 0 to 300 s, four messages, uncrossed at 100.05 × 3000: every column by hand."""

import pytest
from auctions import EVERYTHING, closing

import basalt


def close(value):
    return pytest.approx(value, rel=1e-9, abs=1e-12)


@pytest.fixture(scope="module")
def minutes():
    """Rows of one minute by the seconds of their end."""
    found = basalt.compute([{"module": "auction", "measures": EVERYTHING}], every="1m", timeline="dense", **closing())
    nine = found["TimeBucket"].dt.truncate("1d").dt.offset_by("9h")
    seconds = (found["TimeBucket"] - nine).dt.total_seconds()
    return dict(zip(seconds, found.iter_rows(named=True), strict=True))


@pytest.fixture(scope="module")
def whole():
    """The one row of five minutes in which the auction is."""
    found = basalt.compute([{"module": "auction", "measures": EVERYTHING}], every="5m", **closing())
    return found.row(-1, named=True)


OHLC = {
    60: (2, 99.8, 99.9, 99.8, 99.9),
    120: (1, 99.9, 100.2, 99.9, 100.2),
    180: (1, 100.2, 100.2, 100.1, 100.1),
    240: (0, 100.1, 100.1, 100.1, 100.1),
}


@pytest.mark.parametrize("label", OHLC)
def test_messages_and_the_indicative_price(minutes, label):
    """99.8 and 99.9 come in the first minute; 99.9 is carried into the second, 100.2 into the third, 100.1 into the
    fourth, in which nothing is published."""
    row = minutes[label]
    names = ("MessageCount", "IndicativeOpen", "IndicativeHigh", "IndicativeLow", "IndicativeClose")
    assert tuple(row[f"Auction{name}"] for name in names) == OHLC[label]


@pytest.mark.parametrize(
    ("label", "paired", "signed", "ratio", "to_paired"),
    [
        (60, 1500, 100, 0.032258064516, 0.066666666667),
        (120, 2400, -600, -0.111111111111, -0.25),
        (180, 3000, 0, 0, 0),
        (240, 3000, 0, 0, 0),
    ],
)
def test_imbalance(minutes, label, paired, signed, ratio, to_paired):
    """100/(2·1500 + 100) = 100/3100; −600/(2·2400 + 600) = −600/5400; nothing left over is 0 whatever the side."""
    row = minutes[label]
    assert (row["AuctionPairedQuantity"], row["AuctionImbalanceQuantity"]) == (paired, signed)
    assert row["AuctionImbalanceRatio"] == pytest.approx(ratio, abs=1e-12)
    assert row["AuctionImbalanceToPaired"] == pytest.approx(to_paired, abs=1e-12)


@pytest.mark.parametrize(("label", "bps"), [(60, -10), (120, 20), (180, 10), (240, 10)])
def test_against_the_reference_price(minutes, label, bps):
    """1e4·(99.9/100 − 1) = −10, and so on."""
    assert minutes[label]["AuctionToReferenceBps"] == pytest.approx(bps, rel=1e-9)


@pytest.mark.parametrize(
    ("label", "path", "return_", "error"),
    [
        (60, 0.1, 10.020040080160, -14.992503748126),
        (120, 0.3, 30.030030030030, 14.992503748126),
        (180, 0.1, -9.980039920160, 4.997501249375),
        (240, 0, 0, 4.997501249375),
    ],
)
def test_path_return_and_error(minutes, label, path, return_, error):
    """Path .1, |100.2 − 99.9|, |100.1 − 100.2|, 0; return 1e4·(99.9/99.8 − 1); error 1e4·(99.9/100.05 − 1)."""
    row = minutes[label]
    assert row["AuctionPath"] == close(path)
    assert row["AuctionReturnBps"] == close(return_)
    assert row["AuctionIndicativeErrorBps"] == close(error)


def test_indicative_price_averaged_over_time(whole):
    """(40·99.8 + 40·99.9 + 40·100.2 + 170·100.1)/290: nothing is in force for the first ten seconds."""
    assert whole["AuctionIndicativeTWA"] == close(100.044827586207)
    assert whole["AuctionIndicativeCoverageSeconds"] == 290


def test_the_uncross_is_in_the_bucket_of_its_print(minutes, whole):
    """Stamped 300 s, it belongs to the minute that ends there."""
    assert (minutes[300]["AuctionPrice"], minutes[300]["AuctionVolume"]) == (100.05, 3000)
    assert minutes[300]["AuctionPriceConflict"] is False
    assert {minutes[label]["AuctionVolume"] for label in OHLC} == {0}
    assert (whole["AuctionPrice"], whole["AuctionVolume"]) == (100.05, 3000)


def test_dislocation(whole):
    """The mid a minute before the phase is 99.95: 1e4·(100.05/99.95 − 1)."""
    assert whole["AuctionDislocationBps"] == close(10.005002501251)
    assert whole["AuctionDislocationSignedBps"] == close(10.005002501251)


def test_share_of_the_date_s_volume(whole, minutes):
    """3000 of 12000, in the bucket of the last trade."""
    assert whole["AuctionVolumeShare"] == 0.25
    assert [label for label, row in minutes.items() if row["AuctionVolumeShare"] is not None] == [300]
