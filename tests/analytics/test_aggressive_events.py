"""The transform aggressive_trades on order events: exchange events, and sweeps over the venues of an instrument."""

import polars as pl
import pytest
from aggressive_prints import START, made, orders
from order_events import e1, l3
from polars.testing import assert_frame_equal

from basalt.tables import AGGRESSOR, NS_UTC
from basalt.testing.days import DAYS


def sizes(found):
    return found["aggressive_orders"]["Size"].to_list()


EXECUTED = (None, 0.0, 10.0, 100.0, 10.0)


def fills(*rows):
    """Fills of resting asks of 100 at 10: (sequence, us, whether it is the last of its event)."""
    return l3([(n, us / 1e6, f"o{n}", "Ask", "Remove", *EXECUTED, 100, last) for n, us, last in rows])


@pytest.mark.parametrize("day", ["quiet", "ties", "midnight", "halt"])
def test_order_events_and_prints_tell_the_same_orders(day):
    """On simulated days each execution of continuous trading is one row of l3 and one print of the same instant."""
    tables = DAYS[day]()
    of_events = made({"l3": tables["l3"]}, table="l3")["aggressive_orders"]
    of_prints = made({"trades": tables["trades"]})["aggressive_orders"]
    both = [name for name in of_prints.columns if name in of_events.columns]
    assert_frame_equal(of_events.select(both), of_prints.select(both))
    assert of_events["Executions"].max() > 1


def test_one_exchange_event_joins_whatever_the_gap():
    """The event of the first two ends a second later with the third; the fourth, 1 us on, is of another, and near."""
    found = made({"l3": fills((1, 0, False), (2, 5, False), (3, 1e6, True), (4, 1e6 + 1, True))}, table="l3")
    assert sizes(found) == [400]
    alone = made({"l3": fills((1, 0, False), (2, 1e6, True), (3, 1e6 + 1, True))}, table="l3", rules=["event"])
    assert sizes(alone) == [200, 100]


def test_an_event_ends_with_a_row_that_is_no_execution_too():
    """An insert between ends the event of the first fill, so that the gap of a second decides."""
    rows = pl.concat([fills((1, 0, False)), l3([(2, 0, "n", "Bid", "Insert", 9.0, 50)]), fills((3, 1e6, True))])
    assert sizes(made({"l3": rows}, table="l3")) == [100, 100]


def test_a_row_that_does_not_say_ends_its_event():
    rows = fills((1, 0, None), (2, 1e6, None))
    assert sizes(made({"l3": rows}, table="l3")) == [100, 100]


def test_an_order_of_an_event_may_grow_until_its_end():
    """The event of the fill at 0 ends 40 us later with an insert, behind the gap of 10 us; the next order is at 1 s."""
    insert = l3([(2, 0.00004, "n", "Bid", "Insert", 9.0, 50)])
    rows = pl.concat([fills((1, 0, False)), insert, fills((3, 1e6, True))])
    found = made({"l3": rows}, table="l3")["aggressive_orders"]
    assert (found["FinalTimestamp"].to_physical() - START).to_list() == [40_000, 1_000_010_000]


def test_order_events_without_ends_of_events_go_by_the_gap_alone():
    """Rows 10 and 11 of E1 share their instant anyway."""
    found = made({"l3": e1().drop("EndOfEvent")}, table="l3")
    assert sizes(found) == [200, 200, 100]


REFERENCE = pl.DataFrame({"ListingId": [1, 2, 3], "InstrumentId": [7, 7, None]})


def venues(*rows):
    """(listing, us, side) of 100 shares each, in the order of listings."""
    frame = pl.DataFrame(
        rows, schema={"ListingId": pl.Int64, "us": pl.Float64, "AggressorSide": AGGRESSOR}, orient="row"
    )
    at = (START + (pl.col("us") * 1000).cast(pl.Int64)).cast(NS_UTC)
    return frame.select("ListingId", "AggressorSide", EventTimestamp=at, Price=pl.lit(10.0), Size=pl.lit(100.0))


def swept(*rows, gap="50us"):
    found = orders(venues(*rows), {"reference": REFERENCE}, cross_venue_gap=gap)
    return found.select("ListingId", "SweepId", "SweepVenues").rows()


def test_orders_of_one_instrument_and_side_are_a_sweep():
    """Buys on venue 1 at 0 and 100 us, on venue 2 at 40: 0 and 40 are within 50 us, 40 and 100 are not."""
    assert swept((1, 0, "Buy"), (1, 100, "Buy"), (2, 40, "Buy")) == [(1, 0, 2), (1, 1, 1), (2, 0, 2)]


def test_the_other_side_is_another_sweep_and_none_that_is_unknown():
    """The sell at 10 between the buys at 0 and 20 breaks no sweep; sweeps are counted in order of time."""
    rows = (1, 0, "Buy"), (1, 30, None), (2, 10, "Sell"), (2, 20, "Buy")
    assert swept(*rows) == [(1, 0, 2), (1, None, None), (2, 1, 1), (2, 0, 2)]


def test_a_sweep_is_reckoned_from_its_latest_execution():
    """On venue 1 from 0 to 40 in steps of 8; on venue 2 at 5 and at 80, within 50 of 40."""
    rows = [(1, us, "Buy") for us in range(0, 48, 8)] + [(2, 5, "Buy"), (2, 80, "Buy")]
    assert swept(*rows) == [(1, 0, 2), (2, 0, 2), (2, 0, 2)]


def test_a_listing_without_an_instrument_is_one_of_its_own():
    assert swept((1, 0, "Buy"), (3, 0, "Buy"), (4, 0, "Buy")) == [(1, 0, 1), (3, 0, 1), (4, 0, 1)]
