"""The transform consolidated_book at its edges and options: who counts, when rows are written, what is refused."""

import sys

import attrs
import polars as pl
import pytest
from order_events import NINE, states
from venue_books import books, by_second, consolidated, context, of, reference, shown, stamped, transform

import basalt
from basalt.buckets import WholeDate
from basalt.errors import UserError

NAN, INF = float("nan"), float("inf")
PAIR = [
    (0, "A", [(100, 5, 1)], [(102, 5, 1)]),
    (1, "B", [(101, 7, 2)], [(103, 7, 2)]),
]
BOTH = ([(101, 7, 2, 1), (100, 5, 1, 1)], [(102, 5, 1, 1), (103, 7, 2, 1)])


def last(tables, pass_=None, **options):
    return consolidated(tables, pass_, **options)[0].row(-1, named=True)


def test_no_quotes_give_every_column_and_no_row():
    tables = of(books(*PAIR).clear(), 2)
    rows, report = consolidated(tables)
    assert rows.height == report.height == 0
    assert rows.schema == consolidated(of(books(*PAIR), 2))[0].schema


def test_one_venue_gives_its_own_book():
    assert shown(last(of(books(PAIR[0]), 1))) == ([(100, 5, 1, 1)], [(102, 5, 1, 1)])


def test_a_listing_without_an_instrument_is_left_out_and_named():
    """Listing 2 is in reference without InstrumentId, listing 3 not at all."""
    rows = [*PAIR, (2, "C", [(101.5, 1, 1)], [])]
    tables = {"l2": books(*rows), "reference": reference(2, InstrumentId=[7, None])}
    found, report = consolidated(tables)
    assert shown(found.row(-1, named=True)) == ([(100, 5, 1, 1)], [(102, 5, 1, 1)])
    assert found["InstrumentId"].to_list() == [7]
    named = report.select("InstrumentId", "LeftOutListings", "LeftOut", "RowsIn").sort("LeftOut").rows()
    assert named == [(7, 0, None, 1), (None, 1, "2", 1), (None, 1, "3", 1)]


def test_instruments_are_apart():
    tables = {"l2": books(*PAIR), "reference": reference(2, InstrumentId=[9, 8])}
    found = consolidated(tables)[0]
    assert found.select("InstrumentId", "BidPrice1", "EligibleVenues").rows() == [(8, 101, 1), (9, 100, 1)]


@pytest.mark.parametrize(
    ("primary", "mics", "listing", "flagged"),
    [
        ([False, True], ["XA", "XB"], 2, 1),
        ([True, True], ["XB", "XA"], 2, 2),
        ([False, None], ["XA", "XA"], 1, 0),
        ([False, False], [None, "XB"], 2, 0),
    ],
)
def test_whose_rows_they_are_under_the_primary_listing(primary, mics, listing, flagged):
    """Flagged ones first, then by MIC and ListingId, where a MIC is not known at the end."""
    tables = {"l2": books(*PAIR), "reference": reference(2, IsPrimary=primary, MIC=mics)}
    rows, report = consolidated(tables, index_by="PrimaryListingId")
    assert set(rows["ListingId"]) == {listing}
    assert report["PrimaryListings"].item() == flagged
    assert transform(index_by="PrimaryListingId").output == "l2"


def test_rows_are_in_order_of_whose_they_are():
    """Instrument 9 is listing 1 and instrument 8 is listing 2."""
    tables = {"l2": books(*PAIR), "reference": reference(2, InstrumentId=[9, 8])}
    assert consolidated(tables)[0]["InstrumentId"].to_list() == [8, 9]
    assert consolidated(tables, index_by="PrimaryListingId")[0]["ListingId"].to_list() == [1, 2]


@pytest.mark.parametrize(
    ("currencies", "left"), [(["EUR", "USD"], 1), (["EUR", None], 1), ([None, None], 0), (["EUR", "EUR"], 0)]
)
def test_listings_in_another_currency_are_left_out_and_counted(currencies, left):
    tables = {"l2": books(*PAIR), "reference": reference(2, CurrencyCode=currencies)}
    rows, report = consolidated(tables)
    assert rows["EligibleVenues"].to_list()[-1] == 2 - left
    assert report.select("OtherCurrencyListings", "LeftOutListings", "Listings").row(0) == (left, left, 2 - left)
    assert shown(last(tables, currency="any")) == BOTH


@pytest.mark.parametrize(
    ("options", "bid"),
    [
        ({"venues": ["XB"]}, 101),
        ({"venues": ["XA", "XC"]}, 100),
        ({"exclude_venues": ["XB"]}, 100),
        ({"exclude_venues": ["XC"]}, 101),
    ],
)
def test_only_the_venues_asked_for_count(options, bid):
    assert last(of(books(*PAIR), 2), **options)["BidPrice1"] == bid


def test_a_venue_of_unknown_name_is_neither_asked_for_nor_excluded():
    tables = {"l2": books(*PAIR), "reference": reference(2, MIC=["XA", None])}
    assert last(tables, venues=["XA"])["EligibleVenues"] == 1
    assert last(tables, exclude_venues=["XA"])["EligibleVenues"] == 1


@pytest.mark.parametrize(
    ("price", "size"), [(None, 9), (NAN, 9), (INF, 9), (105, 0), (105, -1), (105, None), (105, NAN)]
)
def test_a_level_with_a_bad_price_or_size_is_not_shown(price, size):
    """The level behind it is."""
    rows = [(0, "A", [(price, size, 1), (100, 5, 1)], [])]
    found, report = consolidated(of(books(*rows), 1))
    assert shown(found.row(0, named=True))[0] == [(100, 5, 1, 1)]
    assert report["BadLadders"].item() == 0


def test_levels_out_of_order_or_at_one_price_are_sorted_added_up_and_counted():
    """99×1, 100×2, 99×4 is 100×2, 99×5; asks in order; the second row is sound."""
    bids = [(99, 1, 1), (100, 2, 2), (99, 4, 3)]
    rows = [(0, "A", bids, [(101, 1, 1), (102, 1, 1)]), (1, "A", [(98, 1, 1)], [])]
    found, report = consolidated(of(books(*rows, levels=3), 1))
    assert shown(found.row(0, named=True))[0] == [(100, 2, 2, 1), (99, 5, 4, 1)]
    assert report["BadLadders"].item() == 1


def test_the_lowest_size_is_of_each_venue_and_may_be_its_lot():
    rows = [(0, "A", [(100, 5)], []), (0, "B", [(100, 7)], []), (0, "C", [(100, 6)], [])]
    l2 = books(*rows)
    assert shown(last(of(l2), min_quantity=6))[0] == [(100, 13, None, 2)]
    for unknown in (None, NAN):
        lots = {"l2": l2, "reference": reference(3, LotSize=[5.0, 10.0, unknown])}
        assert shown(last(lots, min_quantity="lot"))[0] == [(100, 11, None, 2)]


def test_the_largest_venue_at_a_price():
    rows = [(0, "A", [(100, 5, 1)], []), (0, "B", [(100, 7, 2)], [])]
    assert shown(last(of(books(*rows), 2), quantity="largest"))[0] == [(100, 7, 3, 2)]


def test_numbers_of_orders_are_told_where_every_contributor_tells_them():
    rows = [(0, "A", [(100, 5, 1)], [(101, 5, 1)]), (0, "B", [(100, 7)], [(101, 1, 4)])]
    bids, asks = shown(last(of(books(*rows), 2)))
    assert (bids, asks) == ([(100, 12, None, 2)], [(101, 6, 5, 2)])
    assert "BidNumOrders1" not in last(of(books(*rows, orders=False), 2))


def test_a_state_counts_from_its_own_stamp_before_quotes_of_that_stamp():
    """B is not known before 3 s; it trades from 3 s, and is halted at 6 s, when it quotes."""
    rows = [*PAIR, (6, "B", [(101.5, 1, 1)], [])]
    told = pl.concat([states((0, "CONTINUOUS_TRADING")), states((3, "CONTINUOUS_TRADING"), (6, "HALTED"), listing=2)])
    found = by_second(consolidated(of(books(*rows), 2, marketstate=told), emit="event")[0])
    assert {second: row["BidPrice1"] for second, row in found.items()} == {0: 100, 3: 101, 6: 100}
    every = by_second(consolidated(of(books(*rows), 2, marketstate=told), market_states="all")[0])
    assert every[6]["BidPrice1"] == 101.5
    halted = consolidated(of(books(*rows), 2, marketstate=told), market_states="HALTED")[0]
    assert halted["BidPrice1"].to_list() == [None, 101.5]


def test_the_states_of_the_pass_hold_where_none_are_asked():
    rows = [(0, "A", [(100, 5, 1)], [], "HALTED")]
    assert last(of(books(*rows), 1))["BookState"] == "EMPTY"
    assert last(of(books(*rows), 1), context(market_states=["HALTED"]))["BidPrice1"] == 100
    assert last(of(books(*rows), 1), context(market_states="any"))["BidPrice1"] == 100


def test_a_state_that_a_row_does_not_tell_stands():
    rows = [(0, "A", [(100, 5, 1)], [], "CONTINUOUS_TRADING"), (1, "A", [(101, 5, 1)], [], None)]
    assert last(of(books(*rows), 1))["BidPrice1"] == 101
    assert last(of(books(rows[1]), 1))["BookState"] == "EMPTY"


def test_rows_of_the_primary_listing_have_its_state_and_one_where_that_changes():
    """The book of A and B stays as it is at 2 s, when A closes and B's quote, at the same price, is all there is."""
    rows = [(0, "A", [(100, 5, 1)], []), (0, "B", [(101, 5, 1)], [])]
    told = pl.concat([states((0, "CONTINUOUS_TRADING"), (2, "HALTED")), states((0, "CONTINUOUS_TRADING"), listing=2)])
    tables = of(books(*rows), 2, marketstate=told)
    found = consolidated(tables, index_by="PrimaryListingId", market_states="all")[0]
    assert found.select("Seconds", "MarketState", "BidPrice1").rows() == [
        (0, "CONTINUOUS_TRADING", 101),
        (2, "HALTED", 101),
    ]
    assert "MarketState" not in consolidated(tables)[0].columns


def test_a_quote_that_is_renewed_when_it_expires_stands():
    rows = [(0, "A", [(100, 5, 1)], []), (3, "A", [(100, 5, 1)], [])]
    found, report = consolidated(of(books(*rows), 1), max_age="3s")
    assert found.select("Seconds", "BidPrice1").rows() == [(0, 100), (6, None)]
    assert report["Expiries"].item() == 2
    assert consolidated(of(books(*rows), 1), max_age="3000000001ns")[1]["Expiries"].item() == 1


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ({}, [0, 1]),
        ({"only_changes": False}, [0, 1, 2]),
        ({"emit": "event"}, [0, 1, 1]),
        ({"emit": "event", "only_changes": False}, [0, 1, 1, 2]),
        ({"emit": "bucket"}, [0, 10]),
    ],
)
def test_when_rows_are_written(options, seconds):
    """B quotes twice at 1 s and says at 2 s what it has said; the first quote is on an edge."""
    again = (101, 9, 2)
    rows = [*PAIR, (1, "B", [again], [(103, 7, 2)]), (2, "B", [again], [(103, 7, 2)])]
    assert consolidated(of(books(*rows), 2), **options)[0]["Seconds"].to_list() == seconds


def test_a_venue_that_takes_the_place_of_another_is_a_change():
    """At 1 s A leaves and B comes, with the same size at the same price."""
    rows = [(0, "A", [(100, 5, 1)], []), (1, "A", [], []), (1, "B", [(100, 5, 1)], [])]
    found = consolidated(of(books(*rows), 2))[0]
    assert found["BestBidListing"].to_list() == [1, 2]


def test_edges_go_on_to_the_end_of_the_session():
    hours = [(NINE, stamped(30))]
    found, report = consolidated(of(books(*PAIR), 2), context(sessions=hours), emit="bucket")
    assert found["Seconds"].to_list() == [0, 10, 20, 30]
    assert found["BidPrice1"].to_list() == [100, 101, 101, 101]
    assert report.select("OneVenueSeconds", "SeveralVenuesSeconds").row(0) == (1, 29)
    left = consolidated(of(books(*PAIR), 2), context("left", hours), emit="bucket")[0]
    assert left["EventTimestamp"].to_physical().to_list() == [stamped(s) - 1 for s in (10, 20, 30)]


def test_quotes_that_expire_behind_the_session_make_no_edges_there():
    """Where the session's end is known; where it is not, the last expiry, at 31 s, is the last event."""
    tables = of(books(*PAIR), 2)
    found = consolidated(tables, context(sessions=[(NINE, stamped(20))]), emit="bucket", max_age="30s")[0]
    assert found["Seconds"].to_list() == [0, 10, 20]
    found = consolidated(tables, emit="bucket", max_age="30s")[0]
    assert found.select("Seconds", "EligibleVenues").rows() == [(0, 1), (10, 2), (20, 2), (30, 1), (40, 0)]


@pytest.mark.parametrize(("closed", "before"), [("right", 0), ("left", 1)])
def test_a_daily_pass_has_the_state_at_the_end_of_the_date(closed, before):
    """Midnight is at 54,000 s. A quote behind it is of the date all the same, and in."""
    late = [*PAIR, (55_000, "A", [(102, 1, 1)], [])]
    pass_ = attrs.evolve(context(), rule=WholeDate(closed=closed))
    for rows, bid, stamp in ((PAIR, 101, stamped(54_000) - before), (late, 102, stamped(55_000))):
        found = consolidated(of(books(*rows), 2), pass_, emit="bucket")[0]
        assert found.select("BidPrice1", pl.col("EventTimestamp").to_physical()).rows() == [(bid, stamp)]


def test_a_daily_pass_with_hours_has_the_state_at_the_end_of_the_session():
    daily = basalt.compute(
        ["l2"],
        timeline="daily",
        session={"start": "09:00", "end": "17:00", "tz": "UTC"},
        preprocess=[{"transform": "consolidated_book", "index_by": "PrimaryListingId", "emit": "bucket"}],
        **of(books(*PAIR), 2),
    )
    assert daily.select("ListingId", "BidPrice1").rows() == [(1, 101)]


def test_a_row_on_an_edge_belongs_to_the_bucket_its_edge_is_closed_by():
    rows = [(0, "A", [(100, 5, 1)], []), (10, "A", [(101, 5, 1)], []), (12, "A", [(102, 5, 1)], [])]
    right = consolidated(of(books(*rows), 1), emit="bucket")[0]
    assert right.select("Seconds", "BidPrice1").rows() == [(0, 100), (10, 101), (20, 102)]
    left = consolidated(of(books(*rows), 1), context("left"), emit="bucket")[0]
    assert left["BidPrice1"].to_list() == [100, 102]


def test_locked_books_are_kept_or_null():
    rows = [(0, "A", [(100, 5, 1)], [(102, 1, 1)]), (1, "B", [(99, 1, 1)], [(100, 5, 1)])]
    kept, null = last(of(books(*rows), 2)), last(of(books(*rows), 2), locked="null")
    assert (kept["BookState"], kept["BidPrice1"], kept["AskPrice1"]) == ("LOCKED", 100, 100)
    assert (null["BookState"], null["BidPrice1"], null["BidVenues"], null["BestBidListing"]) == (
        "LOCKED", None, None, None
    )  # fmt: skip
    assert null["EligibleVenues"] == 2
    assert "BookState" not in last(of(books(*rows), 2), flags=False)


def test_a_venue_that_crosses_itself_may_be_kept():
    rows = [(0, "A", [(100, 5, 1)], [(99, 1, 1)])]
    assert last(of(books(*rows), 1))["EligibleVenues"] == 0
    assert last(of(books(*rows), 1), own_crossed="keep")["BookState"] == "CROSSED"
    alone = last(of(books(*rows), 1), own_crossed="keep", crossed="drop_oldest")
    assert (alone["BookState"], alone["EligibleVenues"]) == ("EMPTY", 1)


def test_of_equally_old_quotes_that_cross_the_later_venue_goes():
    rows = [(0, "A", [(100, 5, 1)], [(104, 1, 1)]), (0, "B", [(98, 1, 1)], [(99, 5, 1)])]
    row = last(of(books(*rows), 2), crossed="drop_oldest")
    assert (row["BidPrice1"], row["AskPrice1"], row["BookState"]) == (100, 104, "UNCROSSED")


def test_what_each_venue_shows_itself():
    """At 2 s B is halted; A's second bid comes then, and C is not asked for."""
    rows = [*PAIR, (2, "A", [(100, 5, 1), (99, 4, 1)], [(102, 5, 1)]), (2, "B", [], [], "HALTED")]
    asked = {"venues": ["XB", "XA", "XQ"], "per_venue": ["BidPrice1", "BidQuantity2", "AskNumOrders1"]}
    found = consolidated(of(books(*rows), 2), **asked)[0]
    assert found["XABidPrice1"].to_list() == [100, 100, 100]
    assert found["XBBidPrice1"].to_list() == [None, 101, None]
    assert found["XABidQuantity2"].to_list() == [None, None, 4]
    assert found["XBAskNumOrders1"].to_list() == [None, 2, None]
    assert found["XQBidPrice1"].null_count() == 3


def test_a_change_that_only_a_venue_shows_is_one():
    """One level is written and A's, behind it, changes at 2 s."""
    rows = [*PAIR, (2, "A", [(99, 5, 1)], [(103, 5, 1)]), (3, "A", [(99, 5, 1)], [(103, 5, 1)])]
    asked = {"top_n": 1, "venues": ["XA", "XB"]}
    plain = [*PAIR, (2, "A", [(99, 5, 1)], [(102, 5, 1)])]
    assert consolidated(of(books(*plain), 2), **asked)[0]["Seconds"].to_list() == [0, 1]
    assert consolidated(of(books(*plain), 2), **asked, per_venue=["BidPrice1"])[0]["Seconds"].to_list() == [0, 1, 2]
    assert consolidated(of(books(*rows), 2), **asked, per_venue=["BidPrice1"])[0]["Seconds"].to_list() == [0, 1, 2]


@pytest.mark.parametrize("levels_in", [1, None])
def test_levels_that_are_read_and_levels_that_are_written(levels_in):
    rows = [(0, "A", [(100, 5, 1), (99, 5, 1)], [])]
    found = last(of(books(*rows), 1), top_n=3, levels_in=levels_in)
    assert (found["BidPrice2"], found["BidPrice3"]) == (99 if levels_in is None else None, None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"top_n": 0}, "top_n = 0 is no level: give 1 or more"),
        ({"levels_in": 0}, "levels_in = 0 is no level"),
        ({"levels_in": 3}, "levels_in = 3, and table l2 has 2: give no more"),
        ({"max_age": "0s"}, "max_age = '0s' lets no quote count"),
        ({"min_quantity": -1.0}, "min_quantity = -1.0 is no size: give 0 or more, or 'lot'"),
        ({"min_quantity": NAN}, "min_quantity = nan must be a finite number"),
        ({"min_quantity": "lot"}, "min_quantity = 'lot' needs LotSize, which table reference does not have"),
        ({"min_quantity": "lots"}, "min_quantity"),
        ({"venues": []}, "venues is empty, so that no quote counts"),
        ({"venues": ["XA"], "exclude_venues": ["XA"]}, "XA is in venues and in exclude_venues"),
        ({"per_venue": ["BidPrice1"]}, "which are not named: add venues, a list of MICs"),
        ({"venues": ["XA"], "per_venue": ["BidPrice3"]}, "per_venue names 'BidPrice3'.*those are: BidPrice1"),
        ({"market_states": "HALTED"}, "neither has l2 a MarketState nor the source a marketstate table"),
        ({"crossed": "drop"}, "crossed"),
    ],
)
def test_options_that_make_no_sense_are_refused_while_planning(options, said):
    with pytest.raises(UserError, match=said):
        planned(of(books(*PAIR), 2), **options)


@pytest.mark.parametrize(
    ("table", "column", "said"),
    [
        ("l2", "AskPrice1", "needs AskPrice1, which table l2 does not have"),
        ("l2", "AskQuantity1", "needs AskQuantity1"),
        ("reference", "InstrumentId", "needs InstrumentId, which table reference does not have"),
    ],
)
def test_a_column_that_is_not_there_is_missed_while_planning(table, column, said):
    tables = of(books(*PAIR), 2)
    tables[table] = tables[table].drop(column)
    with pytest.raises(UserError, match=said):
        planned(tables)


def test_venues_need_their_names():
    tables = of(books(*PAIR), 2)
    tables["reference"] = tables["reference"].drop("MIC")
    with pytest.raises(UserError, match="venues needs MIC, which table reference does not have"):
        planned(tables, venues=["XA"])


def planned(tables, **options):
    step = {"transform": "consolidated_book", "top_n": 2, **options}
    return basalt.compute(["cbbo"], every="10s", preprocess=[step], **tables)


def test_venues_at_the_best_price_of_their_consolidated_book():
    """From 1 s A is alone; from 2 s to the bucket's end B is at best with the bid, and A with the ask."""
    rows = [(second + 1, *rest) for second, *rest in PAIR]
    told = pl.concat([states((0, "CONTINUOUS_TRADING"), listing=listing) for listing in (1, 2)])
    found = planned(of(books(*rows), 2, marketstate=told))
    assert found["TimeAtBestBidRatio"].to_list() == pytest.approx([1 / 9, 8 / 9])
    assert found["TimeAtBestAskRatio"].to_list() == pytest.approx([1, 0])


def test_the_plan_says_where_no_state_is_known():
    columns = {"l2": dict(books(*PAIR).schema), "reference": dict(reference(2).schema)}
    assert list(transform().notes(columns, False, False)) == [
        "consolidated_book knows no market state, so that quotes of every state count"
    ]
    stated = columns | {"marketstate": dict(states((0, "HALTED")).schema)}
    assert list(transform().notes(stated, False, False)) == []


def test_the_compiled_loop_is_not_imported_while_the_query_is_built():
    name = "basalt_analytics.kernels.consolidated"
    loaded = sys.modules.pop(name, None)
    try:
        transform().apply({key: frame.lazy() for key, frame in of(books(*PAIR), 2).items()}, context())
        assert name not in sys.modules
    finally:
        if loaded is not None:
            sys.modules[name] = loaded


def test_declared_columns_are_those_that_come_out():
    tables = of(books(*PAIR), 2)
    options = {"venues": ["XA"], "per_venue": ["BidPrice1"], "index_by": "PrimaryListingId"}
    declared = transform(**options).columns({name: dict(frame.schema) for name, frame in tables.items()})
    assert dict(consolidated(tables, **options)[0].drop("Seconds").schema) == declared


def test_seconds_of_the_report_are_of_the_book_before_any_policy():
    """Locked from 1 s, crossed from 3 s, sound again at 6 s, when the last quote comes."""
    rows = [
        (0, "A", [(100, 5, 1)], [(102, 1, 1)]),
        (1, "B", [(99, 1, 1)], [(100, 5, 1)]),
        (3, "B", [(98, 1, 1)], [(99, 5, 1)]),
        (6, "B", [(98, 1, 1)], [(103, 5, 1)]),
    ]
    report = consolidated(of(books(*rows), 2), crossed="drop_oldest", locked="null")[1].row(0, named=True)
    assert (report["LockedSeconds"], report["CrossedSeconds"]) == (2, 3)
    assert (report["NoVenueSeconds"], report["OneVenueSeconds"], report["SeveralVenuesSeconds"]) == (0, 1, 5)
    assert (report["RowsIn"], report["RowsOut"]) == (4, 4)
