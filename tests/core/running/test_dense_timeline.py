"""The dense timeline: every bucket of the listing's stretches, and what stands in those without a row.

Oracles of l2 §2: buckets of a minute, stamps in seconds after nine.
"""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

import basalt
from basalt.metrics import Empty

C, H = "CONTINUOUS_TRADING", "HALTED"
OPEN = (1, 16, C)
CLOSE = (1, 1800, "CLOSED")
HALT = [(1, 620, H), (1, 760, C)]


def minutes(first, last, without=()):
    """`09:01` to `09:30` for 1 to 30."""
    return [f"09:{m:02d}" for m in range(first, last + 1) if m not in without]


def times(frame, listing=1):
    return frame.filter(ListingId=listing)["TimeBucket"].dt.strftime("%H:%M").to_list()


@pytest.fixture
def held(a_module, a_metric, a_volume):
    """Volume (ZERO), last price (CARRY) and largest price (NULL)."""
    price = pl.col("Price")
    return a_module(
        "held", a_volume(), a_metric("Held", price.last(), empty=Empty.CARRY), a_metric("Most", price.max())
    )


@pytest.fixture
def dense(events, held):
    """The dense rows of some trades over some states."""

    def run(trades, states, modules=None, **options):
        tables = {"trades": events("Price Size", *trades), "marketstate": events("MarketState", *states)}
        return basalt.compute(modules or held, **{"every": "1m", "timeline": "dense", **options}, **tables)

    return run


ONE = [(1, 30, 10, 5)]


def test_every_bucket_of_the_stretch_is_a_row_and_no_other(dense):
    """Continuous 09:00:16 to 09:30:00, one trade: 30 rows 09:01 … 09:30, no padding."""
    assert times(dense(ONE, [OPEN, CLOSE])) == minutes(1, 30)


def test_a_bucket_wholly_inside_a_halt_is_absent(dense):
    """Halted 09:10:20 to 09:12:40: 29 rows, 09:12 absent; 09:11 and 09:13 overlap a stretch by 20 s."""
    assert times(dense(ONE, [OPEN, *HALT, CLOSE])) == minutes(1, 30, without=[12])


def test_halts_that_are_kept_have_their_buckets_and_no_numbers(dense, by_bucket):
    """The trade in the halt makes 09:12 no row of numbers: not its state. Nothing is carried into the halt, nor out."""
    rows = [(1, 610, 10, 5), (1, 700, 99, 99)]
    kept = dense(rows, [OPEN, *HALT, CLOSE], halts="keep")
    assert times(kept) == minutes(1, 30)
    found = by_bucket(kept, "Volume", "Held", "Most")
    assert found[1, "09:11"] == (5.0, 10.0, 10.0)
    assert found[1, "09:12"] == (0.0, None, None)
    assert found[1, "09:13"] == (0.0, None, None)


@pytest.mark.parametrize(
    ("label", "closed", "expected"),
    [("end", "right", ["09:01", "09:02"]), ("end", "left", ["09:01", "09:02"]),
     ("start", "right", ["09:00", "09:01"]), ("start", "left", ["09:00", "09:01"])],
)  # fmt: skip
def test_the_closed_edge_makes_no_difference_to_what_overlaps(dense, label, closed, expected):
    """Continuous 09:00:16 to 09:02:00: two buckets by any rule, and 09:02 itself is out of the stretch."""
    assert times(dense(ONE, [OPEN, (1, 120, "CLOSED")], label=label, closed=closed)) == expected


def test_the_grid_counts_from_the_origin(dense):
    """7 minutes from 09:30 back: (08:55, 09:02], (09:02, 09:09]; continuous 09:00:16 to 09:03."""
    assert times(dense(ONE, [OPEN, (1, 180, "CLOSED")], every="7m", origin="09:30")) == ["09:02", "09:09"]


def test_an_opening_print_on_the_edge_has_its_bucket(dense, by_bucket):
    """Continuous from 09:01:00: a trade at that instant lies in (09:00, 09:01], which only touches the stretch.

    Its price is of the stretch it opens, and is carried; without the trade there is no such bucket. Closed on the
    left, the trade is in [09:01, 09:02) and nothing touches the bucket before.
    """
    states = [(1, 60, C), (1, 180, "CLOSED")]
    found = by_bucket(dense([(1, 60, 10, 5)], states), "Volume", "Held")
    assert found == {(1, "09:01"): (5.0, 10.0), (1, "09:02"): (0.0, 10.0), (1, "09:03"): (0.0, 10.0)}
    assert times(dense([(1, 90, 10, 5)], states)) == ["09:02", "09:03"]
    left = by_bucket(dense([(1, 60, 10, 5)], states, closed="left"), "Volume", "Held")
    assert left == {(1, "09:02"): (5.0, 10.0), (1, "09:03"): (0.0, 10.0)}


def test_a_print_at_the_instant_the_stretch_ends_is_out_of_it(dense, by_bucket):
    """Closed from 09:02:00: a trade at that instant is in state CLOSED, and 09:02 has what came before."""
    found = by_bucket(dense([(1, 90, 10, 5), (1, 120, 11, 7)], [OPEN, (1, 120, "CLOSED")]), "Volume")
    assert found == {(1, "09:01"): 0.0, (1, "09:02"): 5.0}


def test_empty_rules_fill_what_has_no_row(dense, by_bucket):
    """Zero, the last price and null; nothing to carry before the first trade."""
    found = by_bucket(dense([(1, 90, 10, 5)], [OPEN, (1, 240, "CLOSED")]), "Volume", "Held", "Most")
    assert found == {
        (1, "09:01"): (0.0, None, None),
        (1, "09:02"): (5.0, 10.0, 10.0),
        (1, "09:03"): (0.0, 10.0, None),
        (1, "09:04"): (0.0, 10.0, None),
    }


def test_a_null_is_carried_as_a_value_is(dense, by_bucket):
    """The last trade of 09:02 has no price: null in 09:03, not the 10 of 09:01."""
    found = by_bucket(dense([(1, 30, 10, 5), (1, 90, None, 5)], [OPEN, (1, 180, "CLOSED")]), "Held")
    assert found == {(1, "09:01"): 10.0, (1, "09:02"): None, (1, "09:03"): None}


def test_nothing_is_carried_over_a_halt_or_to_another_listing(dense, by_bucket):
    """A halt of 20 s inside 09:02: that bucket's last stretch is the one behind it. Listing 2 has nothing to carry."""
    states = [(1, 0, C), (1, 70, H), (1, 90, C), (1, 180, "CLOSED"), (2, 0, C), (2, 60, "CLOSED")]
    assert by_bucket(dense(ONE, states), "Held") == {
        (1, "09:01"): 10.0,
        (1, "09:02"): None,
        (1, "09:03"): None,
        (2, "09:01"): None,
    }


def test_a_listing_without_any_event_has_its_rows(dense, by_bucket):
    """Listing 2 is in marketstate and nowhere else: counts 0."""
    found = dense(ONE, [OPEN, (1, 60, "CLOSED"), (2, 60, C), (2, 180, "CLOSED")])
    assert by_bucket(found, "Volume") == {(1, "09:01"): 5.0, (2, "09:02"): 0.0, (2, "09:03"): 0.0}


def test_a_listing_that_marketstate_lacks_has_none(dense):
    """Its state is UNKNOWN all day: no row counts, and no bucket is open."""
    assert dense([*ONE, (3, 30, 1, 1)], [OPEN, (1, 60, "CLOSED")])["ListingId"].to_list() == [1]


def test_a_stretch_without_an_end_lasts_to_the_bucket_of_the_last_event(dense):
    """Trades at 09:00:30 and 09:03:10, nothing closes: rows to 09:04. A listing without any event has none."""
    assert times(dense([*ONE, (1, 190, 10, 5)], [OPEN, (2, 0, C)])) == minutes(1, 4)
    assert times(dense(ONE, [OPEN, (2, 0, C)]), listing=2) == []


def test_a_stretch_without_an_end_lasts_to_the_end_of_the_session_where_it_is_given(dense):
    """Hours 09:00 to 09:05: rows to 09:05 for listing 2 too, which has no event; 09:06 is closed."""
    found = dense([*ONE, (1, 330, 10, 5)], [OPEN, (2, 0, C)], session={"start": "09:00", "end": "09:05"})
    assert times(found) == minutes(1, 5)
    assert times(found, listing=2) == minutes(1, 5)


def test_hours_do_not_cut_a_stretch_whose_end_is_known(dense):
    found = dense(ONE, [OPEN, (1, 300, "CLOSED")], session={"start": "09:01", "end": "09:02"})
    assert times(found) == minutes(1, 5)


def test_all_states_are_one_stretch_a_date(dense, by_bucket):
    """Pre-open 09:00, continuous 09:01, closed over lunch 09:02 to 09:04, continuous to 09:05, closed: five rows, and
    the price of 09:02 is carried over lunch. A print while closed counts nowhere."""
    states = [(1, 0, "PRE_OPEN"), (1, 60, C), (1, 120, "CLOSED"), (1, 240, C), (1, 300, "CLOSED")]
    found = by_bucket(dense([(1, 90, 10, 5), (1, 150, 9, 9)], states, market_states="all"), "Volume", "Held")
    assert found == {
        (1, "09:01"): (0.0, None),
        (1, "09:02"): (5.0, 10.0),
        (1, "09:03"): (0.0, 10.0),
        (1, "09:04"): (0.0, 10.0),
        (1, "09:05"): (0.0, 10.0),
    }


def test_a_part_that_asks_for_no_state_makes_the_whole_date_one_stretch(dense, a_module, a_part, a_volume, by_bucket):
    """`any` counts rows of every state; its dense rows are those of the open market, and of every row there is."""
    every = a_module("every", a_part(a_volume("All"), states="any"))
    states = [(1, 0, "PRE_OPEN"), (1, 60, C), (1, 120, "CLOSED")]
    found = dense([(1, 30, 10, 1), (1, 200, 10, 2)], states, every)
    assert by_bucket(found, "All") == {(1, "09:01"): 1.0, (1, "09:02"): 0.0, (1, "09:04"): 2.0}


def test_the_rows_of_a_pass_are_those_of_any_of_its_parts(dense, a_module, a_part, a_metric, a_volume, by_bucket):
    """Continuous 09:00 to 09:02, closing auction to 09:03: each part has its own stretch to carry in."""
    last = pl.col("Price").last()
    parts = [
        a_part(a_volume("Day"), a_metric("DayLast", last, empty=Empty.CARRY), states=(C,)),
        a_part(a_metric("Auction", last, empty=Empty.CARRY), states=("CLOSING_AUCTION",)),
    ]
    states = [(1, 0, C), (1, 120, "CLOSING_AUCTION"), (1, 180, "CLOSED")]
    rows = [(1, 30, 10, 5), (1, 130, 12, 7)]
    found = by_bucket(dense(rows, states, a_module("both", *parts)), "Day", "DayLast", "Auction")
    assert found == {
        (1, "09:01"): (5.0, 10.0, None),
        (1, "09:02"): (0.0, 10.0, None),
        (1, "09:03"): (0.0, None, 12.0),
    }


def test_a_part_that_makes_no_bucket_opens_none(dense, a_module, a_part, a_volume):
    """A count of what was dropped looks at every state, and the rows stay those of continuous trading."""
    parts = [a_part(a_volume(), states=(C,)), a_part(a_volume("Other"), states="any", makes_buckets=False)]
    states = [(1, 0, "PRE_OPEN"), (1, 60, C), (1, 120, "CLOSED")]
    found = dense([(1, 30, 10, 1), (1, 90, 10, 2)], states, a_module("counted", *parts))
    assert times(found) == ["09:02"]


def test_ties_at_the_edges_of_a_stretch(dense, by_bucket):
    """Two states at 60: the last counts. Two trades at 60: both are continuous. Halted again at 120, both out."""
    states = [(1, 60, H), (1, 60, C), (1, 120, H)]
    rows = [(1, 60, 10, 1), (1, 60, 11, 2), (1, 120, 12, 4), (1, 120, 13, 8)]
    found = by_bucket(dense(rows, states), "Volume", "Held")
    assert found == {(1, "09:01"): (3.0, 11.0), (1, "09:02"): (0.0, 11.0)}


def test_an_invalid_row_makes_no_bucket_and_fills_none(dense, a_module, a_volume, by_bucket):
    positive = a_module("positive", a_volume(), valid=pl.col("Price") > 0)
    found = dense([(1, 30, -1, 5), (1, 150, -1, 5)], [(1, 0, C), (1, 120, "CLOSED")], positive)
    assert by_bucket(found, "Volume") == {(1, "09:01"): 0.0, (1, "09:02"): 0.0}


def test_no_event_at_all(dense):
    """An empty table: the rows are marketstate's. No state either: none."""
    found = dense([], [(1, 0, C), (1, 120, "CLOSED")], date=datetime(2026, 1, 5, tzinfo=UTC).date())
    assert found.rows() == [(1, t, 0.0, None, None) for t in found["TimeBucket"]]
    assert times(found) == ["09:01", "09:02"]
    none = dense([], [], date=datetime(2026, 1, 5, tzinfo=UTC).date())
    assert (none.height, none.columns) == (0, ["ListingId", "TimeBucket", "Volume", "Held", "Most"])


def test_one_row_in_one_bucket(dense):
    found = dense(ONE, [(1, 30, C), (1, 31, "CLOSED")])
    assert found.rows() == [(1, datetime(2026, 1, 5, 9, 1, tzinfo=UTC), 5.0, 10.0, 10.0)]


def test_a_session_over_midnight_keeps_its_own_date(dense):
    """Continuous 23:58 to 00:02: four rows of one date, the last two with labels of the next day."""
    late = datetime(2026, 1, 5, 23, 58, tzinfo=UTC)
    states = [(1, late, C), (1, late + timedelta(minutes=4), "CLOSED")]
    found = dense([(1, late + timedelta(seconds=30), 10, 5)], states, date=late.date())
    assert found["TimeBucket"].dt.strftime("%d %H:%M").to_list() == ["05 23:59", "06 00:00", "06 00:01", "06 00:02"]
    assert found["Held"].to_list() == [10.0] * 4


def test_states_on_the_rows_give_stretches_where_there_is_no_table_of_states(events, held, by_bucket):
    """Continuous at 09:00:30 and 09:02:30, halted at 09:03:30, continuous at 09:06:30 to the end of the data."""
    stated = [(1, 30, 10, 1, C), (1, 150, 11, 1, C), (1, 210, 5, 9, H), (1, 390, 12, 1, C), (1, 450, 13, 1, C)]
    bars = basalt.compute(held, every="1m", timeline="dense", trades=events("Price Size MarketState", *stated))
    assert by_bucket(bars, "Volume", "Held") == {
        (1, "09:01"): (1.0, 10.0),
        (1, "09:02"): (0.0, 10.0),
        (1, "09:03"): (1.0, 11.0),
        (1, "09:04"): (0.0, 11.0),
        (1, "09:07"): (1.0, 12.0),
        (1, "09:08"): (1.0, 13.0),
    }


def test_stretches_of_two_tables_that_carry_their_states_are_both_open(events, held, a_module, a_metric, by_bucket):
    """No marketstate: trades are continuous 09:00:30 to 09:01:30, the book 09:02:30 to 09:03:30."""
    book = a_module("book", a_metric("Bid", pl.col("BidPrice1").last()), table="l2")
    bars = basalt.compute(
        [held, book],
        every="1m",
        timeline="dense",
        trades=events("Price Size MarketState", (1, 30, 10, 1, C), (1, 90, 10, 1, "CLOSED")),
        l2=events("BidPrice1 BidQuantity1 MarketState", (1, 150, 9, 1, C), (1, 210, 8, 1, "CLOSED")),
    )
    assert by_bucket(bars, "Volume", "Bid") == {
        (1, "09:01"): (1.0, None),
        (1, "09:02"): (0.0, None),
        (1, "09:03"): (0.0, 9.0),
        (1, "09:04"): (0.0, None),
    }


def test_dense_rows_of_instruments_need_hours(events, a_module, a_metric):
    """A consolidated book has no market state; hours 09:00 to 09:02 and one quote of instrument 7."""
    quotes = events("BidPrice1 AskPrice1", (7, 30, 10, 11)).rename({"ListingId": "InstrumentId"})
    best = a_module("best", a_metric("Ask", pl.col("AskPrice1").last(), empty=Empty.CARRY), table="cbbo")
    session = {"start": "09:00", "end": "09:02"}
    states = events("MarketState", (7, 0, C))
    bars = basalt.compute(best, every="1m", timeline="dense", session=session, cbbo=quotes, marketstate=states)
    assert bars.select("InstrumentId", "Ask").rows() == [(7, 11.0), (7, 11.0)]


def test_a_carried_value_before_the_first_state_is_of_the_unknown_stretch(dense, by_bucket):
    """UNKNOWN until 09:02, halted to 09:04, continuous after, both admissible: nothing of 09:01 reaches 09:05."""
    states = [(1, 120, H), (1, 240, C), (1, 360, "CLOSED")]
    found = dense([(1, 30, 10, 5)], states, market_states=["UNKNOWN", C])
    assert by_bucket(found, "Held") == {(1, "09:01"): 10.0, (1, "09:05"): None, (1, "09:06"): None}
