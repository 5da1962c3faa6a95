"""Instruments: which listings are fungible. Listings 1 and 5 are instrument 70, 2, 3 and 4 are 80, 9 has none."""

from datetime import date

import polars as pl
import pytest

from basalt.errors import DataError, UserError
from basalt.planning.instruments import Instruments, check_instruments, read_instruments
from basalt.running.memory import MemorySource
from basalt.tables import BUILT_IN

DAY = date(2026, 1, 5)
SCHEMAS = {table.name: table for table in BUILT_IN}
PAIRS = [(5, 70), (2, 80), (1, 70), (4, 80), (3, 80), (9, None)]


def reference(*pairs, listing=pl.Int64, instrument=pl.Int64):
    return pl.DataFrame(pairs, schema={"ListingId": listing, "InstrumentId": instrument}, orient="row")


def instruments(*pairs, **dtypes):
    return Instruments.of_reference(reference(*pairs, **dtypes), DAY)


def ids(*values, dtype=pl.Int64):
    return pl.Series("ListingId", values, dtype)


def test_instruments_of_listings_once_ascending():
    made = instruments(*PAIRS)
    assert made.of(ids(4, 5, 1)).to_list() == [70, 80]
    assert made.of(ids(3)).to_list() == [80]


def test_a_listing_without_an_instrument_has_no_id_of_one():
    """9 has a null InstrumentId, 42 is not in reference."""
    made = instruments(*PAIRS)
    assert made.of(ids(9, 42)).to_list() == []
    assert made.around(ids(42, 9)).to_list() == [9, 42]
    assert made.groups(ids(42, 9)) == [[9], [42]]


def test_every_listing_of_an_instrument_is_known_in_the_universe_or_not():
    made = instruments(*PAIRS)
    assert made.listings_of(pl.Series([80, 99])).to_list() == [2, 3, 4]
    assert made.listings_of(pl.Series([80, 70, 80])).to_list() == [1, 2, 3, 4, 5]
    assert made.listings_of(pl.Series([], dtype=pl.Int64)).to_list() == []


def test_around_listings_are_their_whole_instruments():
    made = instruments(*PAIRS)
    assert made.around(ids(4, 42)).to_list() == [2, 3, 4, 42]
    assert made.around(ids(5, 5, None)).to_list() == [1, 5]
    assert made.around(ids()).to_list() == []


def test_groups_are_in_order_of_their_first_listing():
    """70 begins with 1 and 80 with 2, though 5 comes after 2, 3 and 4."""
    assert instruments(*PAIRS).groups(ids(9, 5, 4, 3, 2, 1)) == [[1, 5], [2, 3, 4], [9]]


def test_groups_hold_the_listings_given_and_each_once():
    """Of 70 only 5 is given, so the group of 2 comes first."""
    assert instruments(*PAIRS).groups(ids(5, 2, 5, None)) == [[2], [5]]


def test_repeated_rows_of_reference_count_once():
    made = instruments((1, 70), (1, 70), (5, 70), (1, None))
    assert made.pairs.rows() == [(1, 70), (5, 70)]
    assert made.groups(ids(1, 5)) == [[1, 5]]


def test_a_listing_of_two_instruments_is_refused():
    with pytest.raises(DataError) as error:
        instruments((1, 70), (2, 80), (2, 70))
    assert str(error.value) == (
        "table 'reference' gives listing 2 two instruments on 2026-01-05, 70 and 80: a listing has one, so mend the "
        "data"
    )


def test_an_empty_reference_makes_each_listing_its_own_instrument():
    made = instruments()
    assert made.of(ids(2, 1)).to_list() == []
    assert made.groups(ids(2, 1)) == [[1], [2]]


def test_one_listing():
    made = instruments((7, 70))
    assert (made.groups(ids(7)), made.around(ids(7)).to_list()) == ([[7]], [7])


def test_ids_that_are_text_keep_their_zeros():
    """Text ascends as text: 007 before 10 before 7."""
    made = instruments(("007", "A"), ("10", "B"), ("7", "A"), listing=pl.String, instrument=pl.String)
    listings = ids("7", "10", "007", "x", dtype=pl.String)
    assert made.groups(listings) == [["007", "7"], ["10"], ["x"]]
    assert made.of(listings).to_list() == ["A", "B"]
    assert made.around(ids("7", dtype=pl.String)).to_list() == ["007", "7"]


def test_tens_of_thousands_of_listings():
    """50,000 listings, of which 3k, 3k + 1 and 3k + 2 are instrument k, in no order."""
    rows = pl.DataFrame({"ListingId": pl.int_range(50_000, eager=True)})
    rows = rows.with_columns(InstrumentId=pl.col("ListingId") // 3).sample(fraction=1, shuffle=True, seed=1)
    made = Instruments.of_reference(rows, DAY)
    groups = made.groups(made.around(rows["ListingId"].filter(rows["ListingId"] % 3 == 1)))
    assert len(groups) == 16_667
    assert groups[0] == [0, 1, 2]
    assert groups[-1] == [49_998, 49_999]


def test_instruments_are_read_from_the_source():
    source = MemorySource({"reference": reference(*PAIRS)}, None)
    assert read_instruments(source, SCHEMAS, DAY).of(ids(1)).to_list() == [70]


def test_a_reference_that_cannot_be_read_is_the_datas_fault():
    failing = reference(*PAIRS).lazy().with_columns(InstrumentId=pl.lit("x").str.to_integer())
    with pytest.raises(DataError, match="table 'reference' of source 'memory' cannot be read for 2026-01-05: "):
        read_instruments(MemorySource({"reference": failing}, None), SCHEMAS, DAY)


def test_whole_instruments_need_the_column():
    who = "passes.bars.modules[0]"
    check_instruments({"reference": {"ListingId": pl.Int64(), "InstrumentId": pl.Int64()}}, who)
    with pytest.raises(UserError) as error:
        check_instruments({"reference": {"ListingId": pl.Int64()}}, who)
    assert str(error.value) == (
        "passes.bars.modules[0] works on whole instruments, by column InstrumentId of table reference, which lacks it: "
        "add it to the source"
    )
    with pytest.raises(UserError, match="of table reference, which is not there: add it to the source"):
        check_instruments({"trades": {}}, who)
