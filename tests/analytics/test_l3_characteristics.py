"""The module l3_characteristics at its edges, and what it refuses."""

import datetime as dt

import polars as pl
import pytest
from order_events import e1, e2, l3, states

import basalt
from basalt.errors import UserError
from basalt.tables import NS_UTC, SIDE, STATE
from basalt_analytics.characteristics.orders import WHO, facts

NAN, INF = float("nan"), float("inf")
QUEUE = {"TradeId": pl.String, "SizeAhead": pl.Float64, "OrdersAhead": pl.Int64}


def of(events, every="10s", tables=(), **options):
    """Rows of the module."""
    return basalt.compute([{"module": WHO, **options}], every=every, l3=events, **dict(tables)).to_dicts()


def fact(name, events, every="10s", tables=(), **options):
    """One column of it, without its L3 in front."""
    return [bar[f"L3{name}"] for bar in of(events, every, tables, columns=[f"L3{name}"], **options)]


def one(*rows, gap=1):
    """Events a second apart: (action, price, size, old price, old size, executed), each of an order of its own."""
    made = [
        (i, i * gap, f"o{i}", "Bid", action, price, size, old, had, price, x)
        for i, (action, price, size, old, had, x) in enumerate(rows, 1)
    ]
    return l3(made)


def test_no_events_have_no_rows():
    assert of(e1().clear()) == []


def test_one_event_has_no_predecessor():
    """Nothing is known of its order, and it is tied with itself alone."""
    [bar] = of(e1().head(1), sequence_contiguous=True)
    ways = ("NonDecreasing", "StrictlyIncreasing")
    assert [bar[f"L3{what}{way}"] for what in ("Timestamp", "Sequence") for way in ways] == [None] * 4
    assert (bar["L3MaxTimestampTies"], bar["L3SequenceGapCount"], bar["L3EventCount"]) == (1, 0, 1)


def test_a_bucket_without_an_event_has_counts_of_nothing_and_no_flag():
    session = {"session": {"start": "09:00", "end": "09:00:15", "tz": "UTC"}, "timeline": "dense"}
    *_, last = of(e1(), "5s", session, sequence_contiguous=True)
    assert {v for name, v in last.items() if name.endswith(("Count", "Ties"))} == {0}
    flags = {v for name, v in last.items() if not name.endswith(("Count", "Ties", "Id", "TimeBucket"))}
    assert flags == {None}


def test_the_predecessor_is_the_one_before_in_the_file():
    """The file has row 12 s before row 8 s: 8 goes back, across the edge at 10, and its bucket says so."""
    rows = l3([(i, t, f"o{i}", "Bid", "Insert", 10.0, 1) for i, t in enumerate((2, 8, 12, 18), 1)])
    back = rows.with_columns(RowOrder=pl.Series([1, 3, 2, 4]))
    assert fact("TimestampNonDecreasing", rows) == [True, True]
    assert fact("TimestampNonDecreasing", back) == [False, True]
    assert fact("SequenceNonDecreasing", back) == [False, True]
    assert fact("SequenceStrictlyIncreasing", back) == [False, True]


def test_numbers_are_held_against_time_where_the_file_is_not_told():
    """12 s has number 2 again, and 8 s number 9: in order of number 8 s comes last, and falls back."""
    rows = l3([(n, t, f"o{t}", "Bid", "Insert", 10.0, 1) for n, t in ((2, 2), (9, 8), (2, 12), (10, 18))])
    assert fact("SequenceNonDecreasing", rows) == [True, False]
    assert fact("TimestampNonDecreasing", rows) == [False, True]


def test_numbers_that_repeat_do_not_fall_and_do_not_rise():
    rows = l3([(1, t, f"o{t}", "Bid", "Insert", 10.0, 1) for t in (1, 2)])
    assert (fact("SequenceNonDecreasing", rows), fact("SequenceStrictlyIncreasing", rows)) == ([True], [False])


def test_another_listing_s_event_is_no_predecessor_and_no_tie():
    """Listing 2 is stamped between, and at the stamp of, events of listing 1, and has smaller numbers."""
    both = pl.concat(
        [
            l3([(8, 2, "a", "Bid", "Insert", 10.0, 1), (9, 4, "b", "Bid", "Insert", 10.0, 1)]),
            l3([(1, 4, "a", "Bid", "Insert", 10.0, 1)], listing=2),
        ]
    )
    names = ["L3SequenceStrictlyIncreasing", "L3MaxTimestampTies", "L3SequenceGapCount"]
    bars = of(both, columns=names, sequence_contiguous=True)
    assert [[bar[name] for name in names] for bar in bars] == [[True, 1, 0], [None, 1, 0]]


def test_a_gap_is_in_the_bucket_of_the_event_behind_it():
    """2 to 5 across the edge at 10; 5 to 9 behind it; a step of 1 is none."""
    rows = l3([(n, t, f"o{t}", "Bid", "Insert", 10.0, 1) for n, t in ((1, 1), (2, 8), (5, 12), (9, 13), (10, 14))])
    assert fact("SequenceGapCount", rows, sequence_contiguous=True) == [0, 2]


def test_ids_that_are_missing_or_empty_are_none():
    found = [fact("HasTradeId", e1().head(2).with_columns(TradeId=pl.Series(ids))) for ids in ((None, ""), ("", "t"))]
    assert found == [[False], [True]]
    rows = e1().head(2)
    assert fact("HasNullOrderId", rows.with_columns(OrderId=pl.Series(["b1", None]))) == [True]
    assert fact("HasNullOrderId", rows.with_columns(OrderId=pl.Series([1, 2]))) == [False]


@pytest.mark.parametrize(
    ("executed", "had", "is_above"),
    [(100, 100, False), (0.3, 0.1 + 0.2, False), (101, 100, True), (5, None, True), (NAN, 1, False)],
)
def test_an_execution_is_above_what_was_displayed(executed, had, is_above):
    """.3 is .1 + .2; what is not told to be displayed is 0; what is no number is no execution."""
    assert fact("HasExecutionAboveDisplay", one(("Remove", None, 0, 10.0, had, executed))) == [is_above]


def test_a_size_below_0_is_told_and_what_is_no_size_is_not():
    found = [fact("HasNegativeSize", one(("Insert", 10.0, s, None, 0, 0))) for s in (-5, 0, None, NAN, -INF)]
    assert found == [[True], [False], [False], [False], [True]]


def test_executions_before_the_open_and_after_the_close():
    rows = one(*(("Update", 10.0, 5, 10.0, 8, x) for x in (0, 3, 3)), gap=9)
    stated = rows.with_columns(MarketState=pl.Series(["PRE_OPEN", "POST_TRADE", "PRE_OPEN"], dtype=STATE))
    assert fact("HasPreOpenExecution", stated) == [False, False, True]
    assert fact("HasPostTradeExecution", stated) == [False, True, False]


def test_every_market_state_counts_whatever_the_pass_asks_for():
    """E1 is closed from 5.5 s on: nothing is left out, and the state comes from its own table."""
    tables = {"marketstate": states((0.0, "OPENING_AUCTION"), (5.5, "HALTED")), "market_states": ["CONTINUOUS_TRADING"]}
    bars = of(e1().drop("MarketState"), "5s", tables)
    assert [bar["L3EventCount"] for bar in bars] == [12, 5]
    assert [bar["L3HasOpeningAuction"] for bar in bars] == [True, False]
    assert [bar["L3HasHalted"] for bar in bars] == [False, True]


def test_rows_outside_the_hours_do_not_count_where_no_state_is_known():
    """Seven of E1 are stamped up to 3.5 s; the book knows them all the same."""
    hours = {"session": {"start": "09:00:04", "end": "09:00:10", "tz": "UTC"}}
    [bar] = of(e1().drop("MarketState"), tables=hours)
    assert (bar["L3EventCount"], bar["L3HasUnknownOrder"]) == (9, False)


def meeting(price, state="CONTINUOUS_TRADING", last=True):
    """A bid of 10 met by an ask of that price, which leaves again by another event."""
    rows = [
        (1, 1, "b", "Bid", "Insert", 10.0, 5),
        (2, 2, "a", "Ask", "Insert", price, 5, None, 0, None, 0, last),
        (3, 3, "a", "Ask", "Remove", None, 0, price, 5),
    ]
    return l3(rows).with_columns(MarketState=pl.lit(state, STATE))


BOOKS = [f"L3Has{name}Book{where}" for name in ("Locked", "Crossed") for where in ("", "Continuous", "NonContinuous")]


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (meeting(10.0), [True, True, False, False, False, False]),
        (meeting(9.5), [False, False, False, True, True, False]),
        (meeting(9.5, "CLOSING_AUCTION"), [False, False, False, True, False, True]),
        (meeting(10.0, "UNKNOWN"), [True, False, False, False, False, False]),
        (meeting(9.5, None), [False, False, False, True, False, False]),
        (meeting(10.5), [False] * 6),
        (meeting(9.5, last=False), [False] * 6),
    ],
    ids=[
        "locked",
        "crossed",
        "crossed in an auction",
        "locked in no known state",
        "in none",
        "apart",
        "inside an event",
    ],
)
def test_books_whose_sides_meet(events, told):
    [bar] = of(events, columns=BOOKS)
    assert [bar[name] for name in BOOKS] == told


def test_without_ends_of_events_the_last_row_of_a_stamp_ends_one():
    """The ask that crosses leaves within its stamp, or a nanosecond behind it."""
    apart = meeting(9.5).drop("EndOfEvent")
    together = apart.with_columns(EventTimestamp=pl.col("EventTimestamp").last())
    assert fact("HasCrossedBook", apart) == [True]
    assert fact("HasCrossedBook", together) == [False]


def test_a_book_is_carried_over_buckets():
    """Locked since 1 s; at 12 s an order behind the touch changes, at 25 s the lock ends."""
    rows = [
        (1, 1, "b", "Bid", "Insert", 10.0, 5),
        (2, 1, "a", "Ask", "Insert", 10.0, 5),
        (3, 12, "c", "Bid", "Insert", 9.0, 5),
        (4, 25, "a", "Ask", "Remove", None, 0, 10.0, 5),
    ]
    assert fact("HasLockedBook", l3(rows)) == [True, True, False]


def test_an_execution_away_from_the_touch():
    """Order b rests behind a: executed at 9, while 10 is the best bid, and again when it is the best."""
    rows = [
        (1, 1, "a", "Bid", "Insert", 10.0, 5),
        (2, 2, "b", "Bid", "Insert", 9.0, 5),
        (3, 11, "b", "Bid", "Update", 9.0, 3, 9.0, 5, 9.0, 2),
        (4, 12, "a", "Bid", "Remove", None, 0, 10.0, 5, 10.0, 5),
        (5, 21, "b", "Bid", "Remove", None, 0, 9.0, 3, 9.0, 3),
    ]
    assert fact("ExecutedNotAtTouch", l3(rows)) == [False, True, False]


def test_an_order_without_a_side_is_on_none():
    """It would lock the book on either side."""
    rows = l3([(1, 1, "a", "Bid", "Insert", 10.0, 5), (2, 2, "b", "Ask", "Insert", 10.0, 5)])
    none = rows.with_columns(Side=pl.Series([None, "Ask"], dtype=SIDE))
    assert (fact("HasLockedBook", rows), fact("HasLockedBook", none)) == ([True], [False])
    assert fact("HasUnknownOrder", none) == [False]


def test_an_update_that_tells_no_side_changes_nothing():
    """With a side it would lift the bid to the ask."""
    rows = l3(
        [
            (1, 1, "a", "Bid", "Insert", 9.0, 5),
            (2, 2, "b", "Ask", "Insert", 10.0, 5),
            (3, 3, "a", "Bid", "Update", 10.0, 5, 9.0, 5),
        ]
    )
    none = rows.with_columns(Side=pl.Series(["Bid", "Ask", None], dtype=SIDE))
    assert (fact("HasLockedBook", rows), fact("HasLockedBook", none)) == ([True], [False])


def test_what_a_snapshot_lacks_is_gone():
    """The ask, which left and came again, would be locked by the bid that is inserted behind the snapshot."""
    rows = l3(
        [
            (1, 1, "a", "Ask", "Insert", 10.0, 5),
            (2, 2, "a", "Ask", "Remove", None, 0, 10.0, 5),
            (3, 3, "a", "Ask", "Insert", 10.0, 5),
            (4, 11, "b", "Bid", "Insert", 10.0, 5),
            (5, 12, "a", "Ask", "Remove", None, 0, 10.0, 5),
        ]
    )
    stood = rows.head(1).select("ListingId", "Side", "Size", Price=pl.lit(12.0), OrderId=pl.lit("c"))
    stood = stood.with_columns(EventTimestamp=rows["EventTimestamp"][2])
    tables = {"l3_snapshot": stood}
    assert fact("HasLockedBook", rows) == [False, True]
    assert fact("HasLockedBook", rows, tables=tables, snapshot="l3_snapshot") == [False, False]
    assert fact("HasUnknownOrder", rows, tables=tables, snapshot="l3_snapshot") == [False, True]


def test_orders_of_a_snapshot_are_known():
    """E2 with u1 and u2 resting before: nothing is unknown, and the snapshot makes no bucket of its own."""
    columns = {"OrderId": ["u1", "u2"], "Price": [10.01, 10.03], "Size": [60.0, 70.0]}
    early = e2()["EventTimestamp"].dt.offset_by("-1h")[0]
    stood = pl.DataFrame({"ListingId": [1, 1], **columns}).with_columns(
        pl.lit(early).cast(NS_UTC).alias("EventTimestamp"), Side=pl.Series(["Bid", "Ask"], dtype=SIDE)
    )
    tables = {"l3_snapshot": stood}
    assert fact("HasUnknownOrder", e2(), tables=tables, snapshot="l3_snapshot") == [False]
    assert fact("HasUnknownOrder", e2()) == [True]


def test_midnight_is_no_edge_of_the_date():
    """An order inserted a minute before is known a minute after, and the rows follow each other."""
    rows = l3([(1, 0, "a", "Bid", "Insert", 10.0, 5), (2, 120, "a", "Bid", "Remove", None, 0, 10.0, 5)])
    late = rows.with_columns(EventTimestamp=pl.col("EventTimestamp").dt.offset_by("14h59m"))
    names = ["L3HasUnknownOrder", "L3TimestampStrictlyIncreasing"]
    bars = of(late, "1m", {"date": dt.date(2026, 1, 5)}, columns=names)
    assert [[bar[name] for name in names] for bar in bars] == [[False, None], [False, True]]


def test_places_that_do_not_fit_and_places_that_are_not_told():
    queue = {"SizeAhead": [0.0, 100.0, 0.0, None], "OrdersAhead": [0, 1, 1, 0]}
    rows = one(*[("Insert", 10.0, 5, None, 0, 0)] * 4, gap=9).hstack(pl.DataFrame(queue))
    assert fact("SizeOrdersAheadConsistent", rows) == [True, True, False, None]


def test_an_execution_behind_others():
    rows = one(("Update", 10.0, 5, 10.0, 8, 3), ("Update", 10.0, 5, 10.0, 8, 0), gap=9)
    assert fact("ExecutedWithOrdersAhead", rows.with_columns(OrdersAhead=pl.Series([1, 1]))) == [True, False]
    assert fact("ExecutedWithOrdersAhead", rows.with_columns(OrdersAhead=pl.Series([0, None]))) == [False, False]


def test_places_come_from_the_transform_too():
    tables = {"preprocess": [{"transform": "l3_queue"}]}
    bars = of(e1(), "5s", tables)
    names = ("L3ExecutedWithOrdersAhead", "L3SizeOrdersAheadConsistent")
    assert [[bar[name] for name in names] for bar in bars] == [[False, True]] * 2


def test_only_what_the_table_can_tell_is_told_by_default():
    bare = e1().select("ListingId", "EventTimestamp", "OrderId", "Side", "Action")
    [bar] = of(bare)
    counts = [f"L3{name}Count" for name in ("Event", "Insert", "Update", "Remove")]
    assert list(bar)[2:] == [*counts, "L3HasUpdates", "L3HasNullOrderId", "L3MaxTimestampTies"]


def test_every_column_is_told_of_a_table_that_has_all():
    [bar] = of(e1().with_columns(**{n: pl.lit(None, d) for n, d in QUEUE.items()}), sequence_contiguous=True)
    assert list(bar)[2:] == list(facts([], True))


def test_columns_come_in_the_order_asked_and_with_the_prefix():
    asked = ["L3HasUnknownOrder", "L3EventCount"]
    assert list(of(e1(), columns=asked, prefix="Feed")[0])[2:] == ["FeedL3HasUnknownOrder", "FeedL3EventCount"]


def test_order_of_the_rows_in_the_table_does_not_matter():
    assert of(e1().sample(fraction=1, shuffle=True, seed=1), "5s") == of(e1(), "5s")


def test_text_ids_of_listings_are_as_good():
    named = e1().with_columns(ListingId=pl.lit("VOD LN"))
    assert [bar["L3EventCount"] for bar in of(named, "5s")] == [12, 5]


REFUSED = {
    "no input": (
        {"columns": ["L3ExecutedWithOrdersAhead"]},
        "l3_characteristics: L3ExecutedWithOrdersAhead needs OrdersAhead, which table l3 does not have: drop it from "
        "columns, or take a source that tells",
    ),
    "nothing": (
        {"columns": []},
        "l3_characteristics.columns is empty, so that nothing would be told: name a fact or leave it out",
    ),
    "twice": (
        {"columns": ["L3EventCount", "L3EventCount"]},
        "l3_characteristics.columns = ['L3EventCount', 'L3EventCount'] names one twice: list each once",
    ),
    "gaps of no contiguous feed": (
        {"columns": ["L3SequenceGapCount"]},
        "l3_characteristics: L3SequenceGapCount and sequence_contiguous = true go together, for a step over numbers is "
        "a gap in a contiguous feed alone: set both, or neither",
    ),
    "snapshot of no book": (
        {"columns": ["L3EventCount"], "snapshot": "l3_snapshot"},
        "l3_characteristics: snapshot = 'l3_snapshot' is of the book, which none of the columns asked for reads: leave "
        "it out",
    ),
}


@pytest.mark.parametrize(("options", "said"), REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_refused_while_planning(options, said):
    with pytest.raises(UserError) as error:
        of(e1(), tables={"l3_snapshot": e2().drop("Action")}, **options)
    assert str(error.value) == f"passes.computed.modules[0]: {said}"


def test_contiguous_numbers_need_numbers():
    with pytest.raises(UserError, match="sequence_contiguous needs SequenceNo, which table l3 does not have"):
        of(e1().drop("SequenceNo"), sequence_contiguous=True)


def test_an_unknown_column_is_told_with_what_is_near_it():
    with pytest.raises(UserError, match="L3EventCount"):
        of(e1(), columns=["L3EventsCount"])


def test_rows_by_more_than_the_listing_are_refused():
    with pytest.raises(UserError, match=r"has rows by listing, and passes\.computed by ListingId, Side"):
        of(e1(), tables={"keys": ["ListingId", "Side"]})
