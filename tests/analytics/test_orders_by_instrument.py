"""Module tca with the best quotes of instruments: whose mids an order is held against, when there are none, refusals.

Instrument 7 has listings 1 and 2. Best: 9.99/10.01 from 0, 10.09/10.11 from 15, 10.19/10.21 from 25.
"""

import polars as pl
import pytest

import basalt
from basalt.errors import UserError
from basalt_analytics.trade.orders.module import Tca
from basalt_analytics.trade.orders.options import TcaOptions
from basalt_analytics.trade.orders.table import ORDERS

C = "CONTINUOUS_TRADING"
TRADES = [(8, 10.0, 50), (12, 10.1, 100), (20, 10.2, 100)]
BESTS = [(0, 9.99, 10.01), (15, 10.09, 10.11), (25, 10.19, 10.21)]
EVENTS = [
    (10, "Arrival", 100.0, None, None),
    (20, "Fill", None, 10.2, 60.0),
    (40, "End", None, None, None),
]


@pytest.fixture
def market(table, stamps):
    """Orders of 100 shares on listings 1, 2 and 3, filled in part; trades of 1 alone; cbbo without sizes."""
    names = ("Event", "OrderQuantity", "Price", "Size")
    columns = {name: [row[i] for row in EVENTS] for i, name in enumerate(names, start=1)}
    events = pl.DataFrame(columns, schema={name: ORDERS.column(name).dtype for name in names})
    events = events.with_columns(
        stamps([row[0] for row in EVENTS]).alias("EventTimestamp"),
        OrderId=pl.lit("a"),
        OrderSide=pl.lit("Buy").cast(ORDERS.column("OrderSide").dtype),
    )
    listings = pl.DataFrame({"ListingId": [1, 2, 3]})
    best = table("BidPrice1 AskPrice1", BESTS).rename({"ListingId": "InstrumentId"})
    return {
        "orders": listings.join(events, how="cross"),
        "trades": table("Price Size", TRADES),
        "cbbo": best.with_columns(InstrumentId=pl.lit(7, pl.Int64)),
        "reference": pl.DataFrame({"ListingId": [1, 2, 3], "InstrumentId": [7, 7, None]}),
    }


def costs(market, **options):
    module = {"module": "tca", "quotes": "cbbo", "horizons": ["5s"], **options}
    found = basalt.compute([module], every="1h", **market)
    return {row["ListingId"]: row for row in found.iter_rows(named=True)}


def test_listings_of_an_instrument_have_its_mids(market):
    """M_arr = 10, at the fill 10.1, at the end 10.2: execution 60·.2 = 12, opportunity 40·.2 = 8. Listing 3 is of no
    instrument: what it did stays, and there is nothing to hold it against."""
    one, two, three = costs(market).values()
    for row in (one, two):
        assert (row["ExecutionCost"], row["OpportunityCost"]) == (pytest.approx(12), pytest.approx(8))
        assert row["SpreadCapture"] == pytest.approx((10.11 - 10.2) / 0.02)
        assert row["OrderMarkoutBps5s"] == pytest.approx(0)
    assert (three["OrderAvgPrice"], three["ExecutionCost"], three["ReversionBps5s"]) == (10.2, None, None)


def test_volume_is_that_of_the_listing(market):
    """The prints of 12 and 20 are of listing 1."""
    assert [row["Participation"] for row in costs(market).values()] == [pytest.approx(60 / 200), None, None]


def test_the_listing_s_own_book_does_not_matter(market, table):
    quotes = "BidPrice1 AskPrice1 BidQuantity1 AskQuantity1"
    other = table(quotes, [(0, 7.99, 8.01, 1, 1)])
    assert costs({**market, "l2": other}) == costs(market)


def test_halts_are_those_of_the_listing(market, table):
    """Listing 1 is halted from 22 to 60: no mid 5 s after its fill, and at its end the one before the halt, 10.1. The
    state of 2 is never known, so that no later mid counts."""
    states = table("MarketState", [(-5, C), (22, "HALTED"), (60, C), (90, "CLOSED")])
    one, two, _ = costs({**market, "marketstate": states}).values()
    assert (one["OrderMarkoutBps5s"], one["OpportunityCost"]) == (None, pytest.approx(4))
    assert (two["ExecutionCost"], two["OpportunityCost"]) == (pytest.approx(12), None)


def test_nobody_quotes(market):
    """Without a row of cbbo orders keep their rows and what they did."""
    found = costs({**market, "cbbo": market["cbbo"].clear()})
    assert [(row["OrderFillRatio"], row["ShortfallCost"]) for row in found.values()] == [(0.6, None)] * 3


@pytest.mark.parametrize(
    ("drop", "options", "said"),
    [
        ("cbbo", {}, "module tca reads table 'cbbo'"),
        ("reference", {}, "module tca reads table 'reference'"),
        ("cbbo", {"quotes": "l2"}, "module tca reads table 'l2'"),
        (None, {"market_states": "all"}, "table trades has no MarketState"),
        (None, {"quotes": "bbo"}, "quotes"),
    ],
)
def test_what_cannot_be_is_refused_while_planning(market, drop, options, said):
    with pytest.raises(UserError, match=said):
        costs({name: frame for name, frame in market.items() if name != drop}, **options)


def test_quotes_and_reference_need_their_columns(market, table):
    bare = {**market, "reference": market["reference"].drop("InstrumentId")}
    with pytest.raises(UserError, match="InstrumentId"):
        costs(bare)
    one_sided = table("BidPrice1 BidQuantity1", [(0, 9.99, 1)])
    with pytest.raises(UserError, match="tca needs column AskPrice1, which table l2 does not have"):
        costs({**market, "l2": one_sided}, quotes="l2")
    trades = market["trades"].with_columns(AggressorSide=pl.lit(None, basalt.tables.AGGRESSOR))
    with pytest.raises(UserError, match="liquidity needs column AskPrice1, which table l2 does not have"):
        basalt.compute(["liquidity"], every="20s", trades=trades, l2=one_sided)


def test_columns_say_which_quotes_are_behind_them(market):
    columns = {name: frame.schema for name, frame in market.items()}
    found = {c.name: set(c.reads) for c in Tca(TcaOptions(quotes="cbbo"), columns, None, None).columns()}
    mids = {"cbbo.BidPrice1", "cbbo.AskPrice1", "reference.InstrumentId"}
    assert found["ReversionBps1m"] == {"orders.Event", "orders.OrderSide", *mids}
    assert found["Participation"] == {"orders.Event", "orders.Price", "orders.Size", "trades.Size"}
