"""Both auctions of a real day, Kweichow Moutai (600519) of 2023-02-01, from orders and from the exchange's messages.

Opening: 260 trades, 32,800 shares at 1854.98. Closing: 303 trades, 45,912 shares at 1844.97.
"""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

import basalt
from basalt.buckets import BucketRule
from basalt.modules import PassContext
from basalt_analytics.auction.transform import AuctionUncross, AuctionUncrossOptions
from basalt_io.sources.china_l2 import ChinaL2Options, ChinaL2Source

DAY = dt.date(2023, 2, 1)
SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "sse-600519"
MEASURES = ["Indicative", "IndicativeTWA", "Path", "Imbalance", "Final", "IndicativeError", "Dislocation", "Share"]
SAID = ("IndicativePrice", "PairedQuantity", "ImbalanceQuantity")


@pytest.fixture(scope="module")
def tables():
    if not SHARED.is_dir():
        pytest.skip("the Shanghai sample is not in the folder `shared/data/sse-600519` beside the checkout")
    found = ChinaL2Source(ChinaL2Options(root=str(SHARED)), Path("/nowhere"))
    names = ("imbalance", "trades", "marketstate", "l2", "l3")
    return {name: found.scan(name, DAY).collect() for name in names}


@pytest.fixture(scope="module")
def minutes(tables):
    """Rows by minute of the day in Shanghai."""
    read = {name: tables[name] for name in ("imbalance", "trades", "marketstate", "l2")}
    found = basalt.compute([{"module": "auction", "measures": MEASURES}], every="1m", **read)
    return dict(
        zip(found["TimeBucket"].dt.offset_by("8h").dt.strftime("%H:%M"), found.iter_rows(named=True), strict=True)
    )


def uncrossed(tables, every=60, **options):
    """What the orders come to, whole dates long."""
    step = AuctionUncross(AuctionUncrossOptions(**options))
    inputs = {name: tables[name].lazy() for name in step.inputs}
    context = PassContext("p", DAY, ["ListingId"], BucketRule(every * 10**9))
    return step.apply(inputs, context)["imbalance"].collect()


def test_what_both_auctions_traded(minutes):
    """They print at 09:25:00.94 and 15:00:01.06, so in the minutes that end at 09:26 and 15:01."""
    prices = {at: (row["AuctionPrice"], row["AuctionVolume"]) for at, row in minutes.items() if row["AuctionVolume"]}
    assert prices == {"09:26": (1854.98, 32_800), "15:01": (1844.97, 45_912)}
    assert [minutes[at]["AuctionPriceConflict"] for at in prices] == [False, False]


def test_the_indicative_price_ends_where_the_auction_does(minutes):
    """At 09:25:00 and 15:00:00: 250 shares offered and 88 bid are left over."""
    opening, closing = minutes["09:25"], minutes["15:00"]
    names = ("AuctionIndicativeClose", "AuctionPairedQuantity", "AuctionImbalanceQuantity", "AuctionIndicativeErrorBps")
    assert tuple(opening[name] for name in names) == (1854.98, 32_800, -250, 0)
    assert tuple(closing[name] for name in names) == (1844.97, 45_912, 88, 0)


def test_messages_are_all_counted(minutes, tables):
    """188, of both calls; the indicative price is in force from the first of them on."""
    assert sum(row["AuctionMessageCount"] for row in minutes.values()) == tables["imbalance"].height == 188
    assert minutes["09:20"]["AuctionIndicativeCoverageSeconds"] == 60


def test_dislocation_and_share(minutes):
    """The mid a minute before the closing call, at 14:56:00, and 78,712 of 3,397,389 shares; before the opening call
    there is no book."""
    assert minutes["15:01"]["AuctionVolumeShare"] == pytest.approx(78_712 / 3_397_389, rel=1e-12)
    assert minutes["09:26"]["AuctionDislocationBps"] is None
    assert minutes["15:01"]["AuctionDislocationBps"] == pytest.approx(_dislocated(1844.97), rel=1e-9)


def _dislocated(price):
    found = ChinaL2Source(ChinaL2Options(root=str(SHARED)), Path("/nowhere")).scan("l2", DAY)
    moment = dt.datetime(2023, 2, 1, 6, 56, tzinfo=dt.UTC)
    book = found.filter(pl.col("EventTimestamp") <= moment).tail(1).collect().row(0, named=True)
    return abs(1e4 * (price / ((book["BidPrice1"] + book["AskPrice1"]) / 2) - 1))


def test_the_orders_that_rest_as_the_calls_end_clear_as_the_exchange_did(tables):
    """The last rows of each phase are stamped 09:25:00 and 15:00:00, a second before the prints."""
    found = uncrossed(tables)
    ends = found.filter(pl.col("EventTimestamp").dt.strftime("%H:%M:%S").is_in(["01:25:00", "07:00:00"]))
    assert ends.select(*SAID, "ImbalanceSide").rows() == [
        (1854.98, 32_800, 250, "Sell"),
        (1844.97, 45_912, 88, "Buy"),
    ]
    assert found.height == 10 + 3  # 09:16 to 09:25, for the first order is of 09:15:00, and 14:58 to 15:00


@pytest.mark.parametrize("reference", ["none", "last_trade"])
def test_the_orders_clear_where_the_exchange_says_all_along(tables, reference):
    """Each of its 188 messages has the price and both quantities that orders come to after some event within six
    seconds of it: snapshots are stamped in seconds, and late."""
    found = uncrossed(tables, emit="event", reference=reference)
    after = found.select(pl.col("EventTimestamp").alias("At"), *SAID)
    messages = tables["imbalance"].select("EventTimestamp", *SAID).with_row_index("Message")
    same = messages.join(after, on=SAID, how="inner")
    near = same.filter((pl.col("EventTimestamp") - pl.col("At")).dt.total_milliseconds().abs() <= 6_000)
    assert near["Message"].n_unique() == 188


def test_the_exchange_s_path_and_the_orders_agree_in_a_pass(tables):
    """Transform and module in one pass: the closing minute is the exchange's."""
    read = {name: tables[name] for name in ("l3", "marketstate", "trades")}
    module = {"module": "auction", "measures": ["Indicative", "Imbalance", "IndicativeError"]}
    step = {"transform": "auction_uncross"}
    found = basalt.compute([module], every="1m", preprocess=[step], **read)
    closing = found.filter(pl.col("TimeBucket").dt.strftime("%H:%M") == "07:00").row(0, named=True)
    assert (closing["AuctionIndicativeClose"], closing["AuctionPairedQuantity"]) == (1844.97, 45_912)
    assert closing["AuctionIndicativeErrorBps"] == 0
