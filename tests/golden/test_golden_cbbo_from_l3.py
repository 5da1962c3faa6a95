"""Books of an instrument from the order events of two venues, X and Y."""

import polars as pl
from order_events import NINE, l3, states

from basalt.buckets import BucketRule
from basalt.durations import SECOND
from basalt.modules import PassContext
from basalt_analytics.consolidated.from_l3 import CbboFromL3, CbboFromL3Options

AT_X = [(1, 1, "x1", "Bid", "Insert", 100, 10), (2, 12, "x2", "Ask", "Insert", 101, 5)]
AT_Y = [
    (1, 2, "y1", "Bid", "Insert", 100, 4),
    (2, 3, "y2", "Bid", "Insert", 100, 3),
    (3, 13, "y3", "Ask", "Insert", 102, 6),
]
REFERENCE = pl.DataFrame(
    {"ListingId": [1, 2], "InstrumentId": [9, 9], "MIC": ["X", "Y"], "IsPrimary": [True, False], "CurrencyCode": "EUR"}
)


def pooled(y="CONTINUOUS_TRADING", opens=14.0, **options):
    """The rows of the instrument, whose venue Y is in that state until it opens."""
    told = pl.concat([states((0.0, "CONTINUOUS_TRADING")), states((0.0, y), (opens, "CONTINUOUS_TRADING"), listing=2)])
    events = pl.concat([l3(AT_X), l3(AT_Y, listing=2)]).drop("MarketState")
    tables = {"l3": events, "reference": REFERENCE, "marketstate": told}
    context = PassContext("venues", events["EventTimestamp"][0].date(), ["InstrumentId"], BucketRule(10 * SECOND))
    made = CbboFromL3(CbboFromL3Options(**options)).apply({name: one.lazy() for name, one in tables.items()}, context)
    assert made["l3_integrity"].collect()["Events"].to_list() == [2, 3]
    return made["cbbo"].collect()


def test_five_orders_of_two_venues_are_one_book():
    """Bids of 10, 4 and 3 at 100 are 17 of 3 orders at both venues; asks 5 at 101 and 6 at 102."""
    last = pooled().row(-1, named=True)
    assert [last[f"Bid{part}1"] for part in ("Price", "Quantity", "NumOrders")] == [100, 17, 3]
    assert (last["InstrumentId"], last["BidVenues"]) == (9, 2)
    assert [(last[f"AskPrice{i}"], last[f"AskQuantity{i}"]) for i in (1, 2)] == [(101, 5), (102, 6)]


def test_what_came_in_an_earlier_bucket_is_there_in_the_next():
    """The bids come within 10 s, the asks behind."""
    rows = pooled(emit="bucket")
    assert rows["EventTimestamp"].to_physical().to_list() == [NINE + 10 * SECOND, NINE + 20 * SECOND]
    assert rows.select("BidQuantity1", "AskQuantity1").rows() == [(17, None), (17, 5)]


def test_a_venue_in_its_auction_counts_when_it_opens_with_the_orders_that_came_before():
    """Y opens at 20 s, without a further order."""
    rows = pooled("OPENING_AUCTION", 20.0)
    cells = ["BidQuantity1", "BidNumOrders1", "AskPrice2", "AskQuantity2"]
    assert rows.select(cells).rows()[-2:] == [(10, 1, None, None), (17, 3, 102, 6)]
    assert rows["EventTimestamp"].to_physical()[-1] == NINE + 20 * SECOND
