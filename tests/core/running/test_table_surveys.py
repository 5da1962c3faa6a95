"""Tables of a partition: opened once, surveyed once, in order, and cut so that little is read."""

import struct
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from basalt.errors import DataError
from basalt.running.spill import SECTION
from basalt.running.tables import Tables, among, notes

MINUTES = {"name": "minutes", "every": "1m", "modules": [{"module": "volume"}]}
FIVE = datetime(2026, 1, 5).date()
GROUP = 200  # rows of a row group


@pytest.fixture
def opened(desk):
    """`opened(*files)`: the tables of 5 January with these files of trades, and the program that reads them."""

    def made(*files, spill=True):
        folder = desk.folder / "data" / "trades" / "date=2026-01-05"
        for old in folder.iterdir():
            old.unlink()
        for i, rows in enumerate(files):
            rows.write_parquet(folder / f"{i}.parquet", row_group_size=GROUP, compression="uncompressed")
        plan = desk.plan(MINUTES, dates=[FIVE])
        return Tables(plan, FIVE, desk.folder / "spill" if spill else None, memory=1), plan.programs[0]

    return made


def trades(found, wanted=None):
    tables, program = found
    return tables.frames(program, wanted)["trades"].collect()


def of(key, *values, dtype=pl.Int64):
    return {key: pl.Series(key, values, dtype=dtype)}


def many(listings, rows):
    """Listings × rows of each, in order; Size is the row's number and a half, so that no two are alike."""
    stamp = pl.lit(datetime(2026, 1, 5, 9, tzinfo=UTC), pl.Datetime("ns", "UTC"))
    frame = pl.DataFrame({"ListingId": listings}).join(pl.DataFrame({"i": range(rows)}), how="cross")
    return frame.select(
        "ListingId",
        EventTimestamp=stamp + pl.duration(milliseconds=pl.col("i"), time_unit="ns"),
        Price=pl.lit(100.0),
        Size=pl.int_range(pl.len()) + 0.5,
    )


def break_group(file, rows, group):
    """Make the Sizes of that row group unreadable: other bytes in place of the head of their page, before its first
    value."""
    sizes = rows["Size"][group * GROUP : (group + 1) * GROUP]
    data = bytearray(file.read_bytes())
    place = data.index(struct.pack("<8d", *sizes[:8]))
    data[place - 24 : place] = b"\xff" * 24
    file.write_bytes(data)


def test_rows_by_key_are_exact_and_ascending(opened, events):
    tables, _ = opened(events("Price Size", (1, 30, 100, 10), (1, 90, 101, 20), (2, 30, 50, 5)))
    assert tables.rows_by_key("trades").rows() == [(1, 2), (2, 1)]
    assert tables.rows_by_key("trades").columns == ["ListingId", "Rows"]


def test_an_empty_table_has_no_rows_by_key_and_no_rows(opened, events):
    found = opened(events("Price Size"))
    assert found[0].rows_by_key("trades").rows() == []
    assert trades(found).height == 0
    assert trades(found, of("ListingId", 1)).height == 0
    assert trades(found, of("ListingId")).height == 0


def test_one_row_is_a_table_in_order(opened, events, desk):
    found = opened(events("Price Size", (1, 30, 100, 10)))
    assert trades(found)["Size"].to_list() == [10]
    assert not (desk.folder / "spill").exists()


def test_cancelled_rows_are_not_counted(opened, events):
    """Listing 2's only trade was busted, so it has none."""
    rows = events("Price Size IsCancelled", (1, 30, 100, 10, None), (1, 31, 100, 7, True), (2, 30, 50, 5, True))
    found = opened(rows)
    assert found[0].rows_by_key("trades").rows() == [(1, 1)]
    assert trades(found)["Size"].to_list() == [10]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(None, 30, 100, 10), (1, 30, 100, 10)], "table 'trades' has 1 rows without ListingId"),
        ([(1, 30, 100, 10), (None, 30, 100, 10), (None, 31, 100, 10)], "table 'trades' has 2 rows without ListingId"),
    ],
)
def test_a_row_without_a_listing_is_refused(opened, events, rows, said):
    with pytest.raises(DataError, match=f"^{said}: mend the data, or drop these rows$"):
        opened(events("Price Size", *rows))[0].rows_by_key("trades")


@pytest.mark.parametrize("in_order", [True, False])
def test_a_row_without_a_stamp_is_refused_wherever_it_is(opened, events, in_order):
    rows = events("Price Size", (1, 30, 100, 10), (1, 31, 100, 10), (2, 30, 100, 10))
    rows = rows.with_columns(EventTimestamp=pl.when(pl.col("ListingId") == 2).then(None).otherwise("EventTimestamp"))
    found = opened(rows if in_order else rows.reverse())
    with pytest.raises(DataError, match=r"^table 'trades' has 1 rows without EventTimestamp: mend the data"):
        trades(found)


def test_a_table_that_is_not_read_is_not_opened(opened, events, desk):
    """The rows of marketstate lack their stamps, and no module reads them."""
    desk.put("reference", "2026-01-05", pl.DataFrame({"ListingId": [1], "InstrumentId": [7]}))
    found = opened(events("Price Size", (1, 30, 100, 10)))
    (desk.folder / "data/reference/date=2026-01-05/part.parquet").write_text("not a table")
    assert trades(found)["Size"].to_list() == [10]


@pytest.mark.parametrize("spill", [True, False])
def test_rows_out_of_order_within_and_across_files_come_in_order(opened, events, spill):
    """Two files: 2, 1 and 1 again, whose second trade is before its first; sorted on disk, or in the query."""
    first = events("Price Size", (2, 30, 50, 5), (1, 90, 101, 20))
    second = events("Price Size", (1, 30, 100, 10), (2, 10, 50, 4))
    assert trades(opened(first, second, spill=spill))["Size"].to_list() == [10, 20, 4, 5]


@pytest.mark.parametrize("spill", [True, False])
def test_rows_of_one_stamp_are_in_the_order_of_their_sequence(opened, events, spill):
    rows = events("SequenceNo Price Size", (1, 30, 3, 100, 30), (1, 30, 1, 100, 10), (1, 30, 2, 100, 20))
    assert trades(opened(rows, spill=spill))["Size"].to_list() == [10, 20, 30]


@pytest.mark.parametrize("spill", [True, False])
def test_rows_of_one_stamp_without_sequence_stay_in_file_order(opened, events, spill):
    """Listing 1's three trades at one stamp lie in two files, behind one of listing 2."""
    first = events("Price Size", (2, 30, 50, 5), (1, 30, 100, 30), (1, 30, 100, 10))
    second = events("Price Size", (1, 30, 100, 20))
    assert trades(opened(first, second, spill=spill))["Size"].to_list() == [30, 10, 20, 5]


def test_row_groups_out_of_order_are_sorted_across(opened):
    """Five listings × 300 rows in reverse, in row groups of 200."""
    rows = many([1, 2, 3, 4, 5], 300)
    assert (
        trades(opened(rows.reverse()))
        .select("ListingId", "EventTimestamp", "Size")
        .equals(rows.select("ListingId", "EventTimestamp", "Size"))
    )


def test_a_table_is_sorted_once_for_all_batches(opened, events, desk):
    """The file sorted is not written anew by a second call, and the batches read it."""
    found = opened(events("Price Size", (2, 30, 50, 5), (1, 90, 101, 20), (1, 30, 100, 10)))
    assert trades(found, of("ListingId", 1))["Size"].to_list() == [10, 20]
    files = sorted((desk.folder / "spill/trades").iterdir())
    written = [file.stat().st_mtime_ns for file in files]
    assert trades(found, of("ListingId", 2))["Size"].to_list() == [5]
    assert [file.stat().st_mtime_ns for file in files] == written
    assert [file.name for file in files] == ["000000.parquet"]


def test_a_sorted_table_keeps_no_cancelled_row_and_no_column_that_nobody_reads(opened, events):
    """Price is read by no module here."""
    rows = events("Price Size IsCancelled", (2, 30, 50, 5, False), (1, 90, 101, 20, True), (1, 30, 100, 10, None))
    found = trades(opened(rows))
    assert found["Size"].to_list() == [10, 5]
    assert found.columns == ["ListingId", "EventTimestamp", "Size", "IsCancelled"]


def test_listings_named_by_strings(opened):
    rows = many(["A", "B", "B2", "C"], 2)
    found = opened(rows.reverse())
    assert found[0].rows_by_key("trades").rows() == [("A", 2), ("B", 2), ("B2", 2), ("C", 2)]
    wanted = of("ListingId", "B2", "A", "nowhere", dtype=pl.String)
    assert trades(found, wanted)["ListingId"].to_list() == ["A", "A", "B2", "B2"]


@pytest.mark.parametrize("listings", [[1, 2, 3, 4, 5, 6], ["a", "b", "c", "d", "e", "f"]])
@pytest.mark.parametrize("wanted", [[0], [0, 1, 2], [0, 2], [1, 2]])
def test_rows_far_from_the_wanted_ones_are_not_touched(opened, desk, listings, wanted):
    """Six listings of one row group each, of which the sixth's sizes cannot be read: nothing else reads them."""
    rows = many(listings, GROUP)
    found = opened(rows)
    found[0].rows_by_key("trades")
    file = desk.folder / "data/trades/date=2026-01-05/0.parquet"
    break_group(file, rows, 5)
    dtype = rows.schema["ListingId"]
    kept = trades(found, of("ListingId", *[listings[i] for i in wanted], dtype=dtype))
    assert kept["ListingId"].unique().sort().to_list() == [listings[i] for i in wanted]
    with pytest.raises(pl.exceptions.PolarsError):
        trades(found, of("ListingId", listings[5], dtype=dtype))


def test_rows_far_from_the_wanted_ones_are_not_touched_after_sorting(opened, desk, monkeypatch):
    """The same of a table sorted on disk, within memory for one listing's three columns of 8 bytes at a time: six
    files."""
    rows = many([1, 2, 3, 4, 5, 6], GROUP)
    monkeypatch.setattr("basalt.running.tables.SORTING", SECTION * GROUP * 24)
    tables, program = opened(rows.reverse())
    assert tables.rows_by_key("trades").height == 6
    files = sorted((desk.folder / "spill/trades").iterdir())
    assert len(files) == 6
    footer = int.from_bytes(files[5].read_bytes()[-8:-4], "little") + 8
    data = bytearray(files[5].read_bytes())
    data[4:-footer] = bytes(len(data) - footer - 4)
    files[5].write_bytes(data)
    assert trades((tables, program), of("ListingId", 1, 2, 4))["ListingId"].unique().to_list() == [1, 2, 4]
    with pytest.raises(pl.exceptions.PolarsError):
        trades((tables, program), of("ListingId", 6))


def test_a_run_of_listings_is_a_range_and_others_are_named():
    """1, 3 and 5 are there: 3 and 5, and 3 to 5 with the absent 4, are all there is between; 1 and 5 are not."""
    present = pl.Series("ListingId", [1, 3, 5])
    texts = [str(among(pl.Series(values), present)) for values in ([5, 3], [3, 4, 5], [1, 5], [3, 3, None])]
    assert ["is_in" in text for text in texts] == [False, False, True, False]
    frame = pl.DataFrame({"ListingId": [1, 3, 5, 5]})
    kept = [frame.filter(among(pl.Series(values), present))["ListingId"].to_list() for values in ([5, 3], [1, 5])]
    assert kept == [[3, 5, 5], [1, 5, 5]]
    assert frame.filter(among(pl.Series([], dtype=pl.Int64), present)).height == 0


def test_a_thousand_listings_are_each_found(opened):
    listings = list(range(1, 1001))
    found = opened(many(listings, 3))
    assert found[0].rows_by_key("trades").rows() == [(listing, 3) for listing in listings]
    assert trades(found, of("ListingId", *range(990, 1100)))["ListingId"].n_unique() == 11
    assert trades(found, of("ListingId", *range(1, 1000, 2))).height == 1500


def test_a_table_by_instrument_is_cut_by_instrument(desk, a_module, a_metric):
    """A pass over cbbo: its rows are wanted by InstrumentId; ListingId in `wanted` says nothing of them."""
    quotes = pl.DataFrame({"InstrumentId": [7, 7, 8], "BidPrice1": [1.0, 2.0, 3.0], "AskPrice1": [2.0, 3.0, 4.0]})
    stamps = pl.Series([datetime(2026, 1, 5, 9, tzinfo=UTC) + timedelta(seconds=i) for i in range(3)])
    desk.put("cbbo", "2026-01-05", quotes.with_columns(EventTimestamp=stamps.cast(pl.Datetime("ns", "UTC"))))
    desk.modules.append(a_module("best", a_metric("BestBid", pl.col("BidPrice1").last()), table="cbbo"))
    plan = desk.plan({"name": "best", "every": "1m", "modules": [{"module": "best"}]}, dates=[FIVE])
    tables, program = Tables(plan, FIVE), plan.programs[0]
    assert tables.rows_by_key("cbbo").rows() == [(7, 2), (8, 1)]
    cut = tables.frames(program, {**of("InstrumentId", 8), **of("ListingId", 1)})["cbbo"].collect()
    assert cut["BidPrice1"].to_list() == [3.0]
    assert tables.frames(program, of("ListingId", 1))["cbbo"].collect().height == 3


def test_a_promised_order_is_believed(desk):
    """The simulator promises it; its tables are counted all the same."""
    source = {"type": "simulator", "listings": 2, "events": 200}
    plan = desk.plan(MINUTES, source=source, outputs=[], dates=[FIVE])
    tables = Tables(plan, FIVE, desk.folder / "spill")
    assert tables.rows_by_key("trades")["ListingId"].to_list() == [1001, 1002]
    assert [place.name for place in (desk.folder / "spill").iterdir()] == ["trades.kept"]


def test_a_table_that_cannot_be_read_is_named_with_its_date(desk):
    plan = desk.plan(MINUTES, dates=[FIVE])
    rows = many([1, 2, 3], GROUP)
    file = desk.folder / "data/trades/date=2026-01-05/part.parquet"
    rows.reverse().write_parquet(file, row_group_size=GROUP, compression="uncompressed")
    break_group(file, rows.reverse(), 1)
    with pytest.raises(DataError, match=r"^table 'trades' of source 'parquet' cannot be read for 2026-01-05: "):
        Tables(plan, FIVE, desk.folder / "spill").rows_by_key("trades")


def test_only_listings_that_are_computed_are_named_for_want_of_a_state(desk, events):
    """Listings 2 and 3 trade and have no row in marketstate; 3 is not of the universe, and 9 does not trade."""
    desk.put("trades", "2026-01-05", events("Price Size", (1, 30, 100, 10), (2, 30, 50, 5), (3, 30, 50, 5)))
    desk.put("marketstate", "2026-01-05", events("MarketState", (1, 0, "CONTINUOUS_TRADING")))
    plan = desk.plan(MINUTES, dates=[FIVE])
    tables, program = Tables(plan, FIVE), plan.programs[0]
    said = "trades has listings without a row in marketstate ({}), whose state is UNKNOWN: {}"
    assert list(notes(program, tables)) == [said.format(2, "2, 3")]
    assert list(notes(program, tables, pl.Series([1, 2, 9]))) == [said.format(1, "2")]
    assert list(notes(program, tables, pl.Series([1]))) == []
