"""The module iceberg: what links tranches and what does not, and what of their executions was hidden."""

import polars as pl
import pytest
from iceberg_orders import Orders, chain, filled, i1, i2, i3, icebergs, kinds, s1, sides, table, whole
from order_events import l3

from basalt.tables import SIDE


@pytest.mark.parametrize(("after", "found"), [(0.1, [("REFILL", 2)]), (0.100000001, []), (0, [("REFILL", 2)])])
def test_a_refill_comes_within_its_time_and_the_last_instant_is_in(after, found):
    assert kinds(filled().insert(2 + after, "a", "Ask", 10.0, 100)) == found


def test_a_refill_is_of_the_same_price_and_side():
    assert kinds(filled().insert(2, "a", "Ask", 10.01, 100)) == []
    assert kinds(filled().insert(2, "a", "Bid", 10.0, 100)) == []
    assert kinds(filled(price=0.3).insert(2, "a", "Ask", 0.1 + 0.2, 100)) == [("REFILL", 2)]


def test_what_is_inserted_anew_behind_a_cancel_is_another_order():
    orders = Orders().insert(1, "a", "Ask", 10.0, 100).remove(2, "a").insert(2, "a", "Ask", 10.0, 100)
    assert kinds(orders) == []


def test_a_fill_whose_rest_is_killed_is_no_fill_of_all_it_displayed():
    """Neither the same id nor another follows it."""
    orders = Orders().insert(1, "a", "Ask", 10.0, 100).remove(2, "a", x=60).insert(2, "a", "Ask", 10.0, 100)
    assert kinds(orders.insert(2, "b", "Ask", 10.0, 50), min_tranches=2) == []


def test_an_order_that_stays_with_nothing_displayed_is_renewed_by_an_update():
    emptied = Orders().insert(1, "a", "Bid", 10.0, 100).update(2, "a", 0, x=100)
    assert kinds(emptied.update(2.05, "a", 80)) == [("REFILL", 2)]
    emptied = Orders().insert(1, "a", "Bid", 10.0, 100).update(2, "a", 0, x=100)
    assert kinds(emptied.update(2.05, "a", 80, price=10.01)) == []
    emptied = Orders().insert(1, "a", "Bid", 10.0, 100).update(2, "a", 0, x=60)
    assert kinds(emptied.update(2.05, "a", 80)) == []


def test_an_order_that_is_emptied_and_then_removed_was_filled():
    orders = filled().insert(2, "a", "Ask", 10.0, 100).update(3, "a", 0, x=100).remove(3, "a")
    (row,) = icebergs(orders)
    assert (row["End"], row["ExecutedVolume"]) == ("FILLED", 200)
    (row,) = icebergs(filled().insert(2, "a", "Ask", 10.0, 100).update(3, "a", 50, x=50).remove(3, "a"))
    assert row["End"] == "CANCELLED"


def test_an_amend_upwards_is_no_refill_and_is_shown_openly():
    """100, amended to 300, of which 260 are executed: nothing was hidden, and nobody knows of an iceberg."""
    orders = Orders().insert(1, "a", "Bid", 10.0, 100).update(2, "a", 300).update(3, "a", 40, x=260)
    assert kinds(orders) == []
    (row,) = icebergs(orders.remove(4, "a", x=50))
    assert (row["ExecutedVolume"], row["HiddenVolume"], row["TrancheCount"]) == (310, 10, 1)


def test_hidden_is_what_exceeds_what_was_openly_shown():
    """100 shown and executed, 100 renewed; amended to 60, which are executed: 60 of 160. Amended to 150 instead, 150
    executed: the 50 are open, 100 hidden."""
    renewed = filled().insert(2, "a", "Ask", 10.0, 100)
    assert icebergs(renewed.update(3, "a", 60).fill(4, "a"))[0]["HiddenVolume"] == 60
    renewed = filled().insert(2, "a", "Ask", 10.0, 100)
    assert icebergs(renewed.update(3, "a", 150).fill(4, "a"))[0]["HiddenVolume"] == 100


def test_hidden_volume_of_an_iceberg_is_that_of_its_executions():
    """With amends up and down in between."""
    orders = filled().insert(2, "a", "Ask", 10.0, 100).update(3, "a", 70, x=30).update(4, "a", 200)
    orders = orders.update(5, "a", 20, x=180).update(6, "a", 10).fill(7, "a").insert(7, "a", "Ask", 10.0, 40)
    found = sides(orders.table())
    assert found["icebergs"]["HiddenVolume"][0] == found["iceberg_executions"]["HiddenSize"].sum() == 90
    assert found["icebergs"]["ExecutedVolume"][0] == found["iceberg_executions"]["Size"].sum() == 320


def test_an_execution_must_exceed_by_more_than_min_hidden():
    orders = Orders().insert(1, "a", "Bid", 10.0, 100).remove(2, "a", x=110)
    assert kinds(orders, min_hidden=10) == []
    assert kinds(orders, min_hidden=9.9) == [("EXCESS", 1)]


def test_fractions_do_not_exceed_by_their_rounding():
    orders = Orders().insert(1, "a", "Bid", 10.0, 0.3).update(2, "a", 0.1, x=0.3 - 0.1).update(3, "a", 0.0, x=0.1)
    assert kinds(orders) == []


def test_an_order_that_displays_nothing_is_an_iceberg_when_it_executes():
    (row,) = icebergs(Orders().insert(1, "a", "Bid", 10.0, 0).update(2, "a", 0, x=70))
    assert (row["IcebergKind"], row["HiddenVolume"], row["MeanPeak"], row["TrancheCount"]) == ("EXCESS", 70, 0, 1)


def test_another_id_may_display_no_more_than_the_tranche_before_began_with():
    assert kinds(chain(100, 100, 50)) == [("SYNTHETIC", 3)]
    assert kinds(chain(100, 150, 50)) == []
    assert kinds(chain(100, 150, 50), synthetic_size="any") == [("SYNTHETIC", 3)]
    assert kinds(chain(100, 100, 50), synthetic_size="equal", min_tranches=2) == [("SYNTHETIC", 2)]


def test_a_tranche_executed_in_parts_is_as_large_as_it_began():
    orders = Orders().insert(1, "a", "Bid", 10.0, 100).update(1.5, "a", 20, x=80).fill(2, "a")
    assert kinds(orders.insert(2, "b", "Bid", 10.0, 100), min_tranches=2) == [("SYNTHETIC", 2)]


@pytest.mark.parametrize(("apart", "found"), [(0.0005, 1), (0.000500001, 0)])
def test_another_id_comes_within_its_time_and_the_last_instant_is_in(apart, found):
    assert len(kinds(chain(100, 100, 100, apart=apart))) == found


def test_the_oldest_fill_that_fits_is_followed_and_the_choice_is_told():
    """a of 50 and b of 100 are filled; c of 80 fits b alone, d of 50 fits a; then two fit e."""
    orders = Orders().insert(1, "a", "Bid", 10.0, 50).insert(1, "b", "Bid", 10.0, 100).fill(2, "a").fill(2, "b")
    orders = orders.insert(2.0001, "c", "Bid", 10.0, 80).insert(2.0002, "d", "Bid", 10.0, 50)
    found = icebergs(orders, min_tranches=2)
    assert [(row["IcebergId"], row["Size"], row["AmbiguousLinks"]) for row in found] == [(1, 100, 0), (0, 50, 0)]
    orders = orders.fill(3, "c").fill(3, "d").insert(3.0001, "e", "Bid", 10.0, 50)
    assert [row["AmbiguousLinks"] for row in icebergs(orders, min_tranches=2)] == [1, 0]


def test_a_fill_is_followed_by_one_order():
    orders = chain(100).insert(2.0001, "x", "Bid", 10.0, 100).insert(2.0002, "y", "Bid", 10.0, 100)
    assert kinds(orders, min_tranches=2) == [("SYNTHETIC", 2)]


def test_an_order_renewed_under_its_own_id_takes_its_place_first():
    orders = filled("a").insert(2.0001, "a", "Ask", 10.0, 100).insert(2.0002, "b", "Ask", 10.0, 100)
    assert kinds(orders, min_tranches=2) == [("REFILL", 2)]


def test_an_id_that_was_there_before_is_no_new_order():
    """b, cancelled, comes again behind the fill of a."""
    orders = Orders().insert(1, "b", "Ask", 10.0, 100).remove(1.5, "b").insert(1.6, "a", "Ask", 10.0, 100).fill(2, "a")
    assert kinds(orders.insert(2, "b", "Ask", 10.0, 100), min_tranches=2) == []


def test_the_first_reason_is_the_kind():
    """Three ids, the last of which executes more than it displays; two ids, of which the second does."""
    orders = chain(100, 100).insert(3, "z", "Bid", 10.0, 100).remove(4, "z", x=150)
    assert kinds(orders) == [("SYNTHETIC", 3)]
    assert kinds(orders, min_tranches=4) == [("EXCESS", 3)]


def test_links_that_are_not_asked_for_are_none():
    """I3 without excess has no second tranche; I1 by other ids' rule is no iceberg."""
    assert kinds(i3(), detect=["refill", "synthetic"]) == []
    assert kinds(i1(), detect=["excess", "synthetic"]) == []
    assert kinds(s1(), detect=["excess", "refill"]) == []


def test_orders_that_were_never_inserted_are_no_icebergs():
    """An update of an unknown order and its fill, of more than it displays."""
    events = l3(
        [(1, 1, "u", "Bid", "Update", 10.0, 50, 10.0, 80), (2, 2, "u", "Bid", "Remove", None, 0, 10.0, 50, 10.0, 90)]
    )
    assert icebergs(events) == []
    assert whole(events)["IcebergTotalExecutedVolume"] == 0


def test_what_an_order_displayed_is_tracked_and_not_read():
    """The same without OldSize, and with one that is wrong."""
    for events in (i1().table().drop("OldSize", "OldPrice"), i1().table().with_columns(OldSize=pl.lit(7.0))):
        assert icebergs(events)[0]["HiddenVolume"] == 140


def test_rows_that_tell_no_size_are_left_out():
    events = i1().table()
    bad = l3([(4, 2.5, "X", "Ask", "Update", 20.0, size, 20.0, 100) for size in (None, -5.0, float("nan"))])
    spoiled = pl.concat([events, bad]).sort("EventTimestamp", maintain_order=True)
    assert icebergs(spoiled)[0]["HiddenVolume"] == 140


def test_an_id_inserted_while_it_is_there_ends_the_order_before():
    orders = filled().insert(2, "a", "Ask", 10.0, 100).insert(3, "a", "Ask", 10.0, 100)
    (row,) = icebergs(orders)
    assert (row["End"], row["TrancheCount"], row["EndTimestamp"].second) == ("CANCELLED", 2, 3)


def unknown(orders, column, row):
    """The events; of one row, counted from 0, that column is null."""
    return orders.table().with_columns(pl.when(pl.int_range(pl.len()) != row).then(column).alias(column))


def test_rows_of_no_known_action_are_left_out():
    """No removal behind which two executions of 100 of a displayed 100 would be of an order that is not there."""
    orders = Orders().insert(1, "a", "Bid", 10.0, 100).update(2, "a", 50)
    orders = orders.update(3, "a", 100, x=100).update(4, "a", 100, x=100)
    (row,) = icebergs(unknown(orders, "Action", 1))
    assert (row["ExecutedVolume"], row["HiddenVolume"], row["TrancheCount"]) == (200, 100, 3)


def test_rows_of_no_known_side_are_left_out():
    """Whether they insert, renew or amend."""
    assert icebergs(i1().table().with_columns(Side=pl.lit(None, SIDE))) == []
    assert icebergs(unknown(filled().insert(2, "a", "Ask", 10.0, 100), "Side", 2)) == []
    orders = Orders().insert(1, "a", "Ask", 10.0, 100).update(2, "a", 300).remove(3, "a", x=160)
    assert [row["HiddenVolume"] for row in icebergs(unknown(orders, "Side", 1))] == [60]


def test_a_removal_needs_no_side():
    (row,) = icebergs(unknown(i2(), "Side", 1))
    assert (row["Side"], row["End"], row["HiddenVolume"]) == ("Bid", "FILLED", 60)


def test_listings_do_not_see_each_other():
    """The fill of one, and the insert of the other at its price, side and time."""
    events = pl.concat([filled().table(1), Orders().insert(2, "b", "Ask", 10.0, 100).table(2)])
    assert sides(events, min_tranches=2)["icebergs"].height == 0
    assert sides(pl.concat([i1().table(1), i1().table(2)]))["icebergs"]["IcebergId"].to_list() == [0, 0]


def test_listings_named_by_strings_and_orders_by_numbers():
    events = i1().table().with_columns(ListingId=pl.lit("XLON:A"), OrderId=pl.lit(7, pl.Int64))
    found = sides(events)
    assert found["icebergs"]["ListingId"].to_list() == ["XLON:A"]
    assert found["iceberg_executions"]["OrderId"].to_list() == [7, 7, 7]


def test_events_of_one_instant_are_followed_in_their_order():
    """A fill behind the insert of the same instant; an insert in front of the fill follows nothing."""
    behind = Orders().insert(1, "a", "Ask", 10.0, 100).fill(1, "a").insert(1, "b", "Ask", 10.0, 100)
    assert kinds(behind, min_tranches=2) == [("SYNTHETIC", 2)]
    ahead = Orders().insert(1, "a", "Ask", 10.0, 100).insert(2, "b", "Ask", 10.0, 100).fill(2, "a")
    assert kinds(table(ahead.events), min_tranches=2) == []
