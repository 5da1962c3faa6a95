"""Membership files: ids as they are written, dates, and what is refused while planning."""

import os
from datetime import date

import polars as pl
import pytest

from basalt.tables import BUILT_IN

DAY, NEXT = date(2026, 1, 5), date(2026, 1, 6)
SCHEMAS = {table.name: table for table in BUILT_IN}


@pytest.mark.parametrize("name", ["ids.csv", "ids.txt", "IDS.CSV"])
def test_a_file_of_listings(market, name):
    market.write(name, "ListingId,Name\n30,Three\n10,\n30,Again\n")
    assert market.members(file=name) == [10, 30]
    assert market.notes(file=name) == []


def test_a_parquet_file_of_listings(market):
    pl.DataFrame({"Weight": [1.0, 2.0], "ListingId": pl.Series([30, 10], dtype=pl.UInt32)}).write_parquet(
        market.folder / "ids.parquet"
    )
    found = market.one(file="ids.parquet").members(market.source, SCHEMAS, DAY)
    assert (found.to_list(), found.dtype) == ([10, 30], pl.Int64)


def test_an_absolute_path_and_one_below_the_folder(market):
    (market.folder / "sets").mkdir()
    path = market.write("sets/ids.csv", "ListingId\n10\n")
    assert market.members(file="sets/ids.csv") == market.members(file=str(path)) == [10]


def test_text_ids_keep_their_leading_zeros(market):
    market.reference = market.reference.with_columns(ListingId=pl.Series(["007", "7", "8", "9"]))
    market.write("ids.csv", "ListingId\n 007\n8 \n")
    assert market.members(file="ids.csv") == ["007", "8"]
    assert market.notes(file="ids.csv") == []


def test_digits_are_whole_numbers_where_listings_are(market):
    """A spreadsheet's 010 is 10."""
    market.write("ids.csv", "ListingId\n010\n")
    assert market.members(file="ids.csv") == [10]


@pytest.mark.parametrize("text", ["10.0", "VOD", "9223372036854775808", "1 0"])
def test_what_is_no_listing_of_this_run_is_refused_while_planning(market, text):
    market.write("ids.csv", f"ListingId\n10\n{text}\n")
    assert market.refusal(file="ids.csv") == (
        f"universes.x.file = 'ids.csv' has {text!r} as a ListingId, and those of this run are Int64 (as are 1 of 2 "
        "rows): write the ids as the tables do"
    )


@pytest.mark.parametrize("run", ["String", "Int64"])
def test_ids_of_another_type_are_never_guessed(market, run):
    """7 may have been 007, and 10.0 is no whole number."""
    if run == "String":
        market.reference = market.reference.with_columns(pl.col("ListingId").cast(pl.String))
    ids = pl.Series("ListingId", [10, 20], pl.Int64 if run == "String" else pl.Float64)
    ids.to_frame().write_parquet(market.folder / "ids.parquet")
    fix = "write the ids as text" if run == "String" else "write whole numbers"
    assert market.refusal(file="ids.parquet") == (
        f"universes.x.file = 'ids.parquet' has ListingIds of type {ids.dtype}, and those of this run are {run}: {fix}"
    )


def test_members_that_reference_lacks_are_computed_and_noted(market):
    market.write("ids.csv", "ListingId\n10\n99\n98\n")
    assert market.members(file="ids.csv") == [10, 98, 99]
    assert market.notes(file="ids.csv") == [
        ("members that table reference does not have; they are computed all the same", 2, "98")
    ]


def test_a_file_needs_no_reference(market, trades):
    market.reference, market.more = None, {"trades": trades}
    market.write("ids.csv", "ListingId\n99\n")
    assert market.members(file="ids.csv") == [99]
    assert market.notes(file="ids.csv") == []


def test_a_file_needs_a_table_of_listings(market):
    market.reference = None
    market.write("ids.csv", "ListingId\n99\n")
    assert market.refusal(file="ids.csv") == (
        "[universes] needs a table with a column ListingId, and the source has none"
    )


def test_rows_without_a_listing_are_noted_and_blank_lines_are_nothing(market):
    market.write("ids.csv", "ListingId,Name\n10,Ten\n,None\n\n")
    assert market.members(file="ids.csv") == [10]
    assert market.notes(file="ids.csv") == [("rows without a ListingId name no member", 1, None)]
    market.write("one.csv", "ListingId\n10\n\n")
    assert (market.members(file="one.csv"), market.notes(file="one.csv")) == ([10], [])


def test_a_file_of_a_heading_alone_has_no_member(market):
    market.write("ids.csv", "ListingId\n")
    assert market.members(file="ids.csv") == []
    assert [what for what, _, _ in market.notes(file="ids.csv")] == [
        "the universe has no listing on this date, so its results are empty"
    ]


def test_rows_of_a_file_with_dates_are_of_their_date(market):
    market.write("ids.csv", "Date,ListingId\n2026-01-05,30\n2026-01-06,20\n2026-01-05,10\n")
    assert market.members(file="ids.csv") == [10, 30]
    assert market.members(NEXT, file="ids.csv") == [20]
    assert market.members(date(2026, 1, 7), file="ids.csv") == []
    assert len(market.notes(date(2026, 1, 7), file="ids.csv")) == 1


def test_dates_of_a_parquet_file(market):
    pl.DataFrame({"Date": [DAY, NEXT], "ListingId": [10, 20]}).write_parquet(market.folder / "ids.parquet")
    assert (market.members(file="ids.parquet"), market.members(NEXT, file="ids.parquet")) == ([10], [20])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("05/01/2026,10\n", "has '05/01/2026' as a Date: write dates as 2024-01-31"),
        ("2026-02-30,10\n", "has '2026-02-30' as a Date: write dates as 2024-01-31"),
        (",10\n", "has 1 rows without Date: date them, or leave the column out"),
    ],
)
def test_dates_that_are_none_are_refused_while_planning(market, rows, said):
    market.write("ids.csv", "Date,ListingId\n" + rows)
    assert market.refusal(file="ids.csv") == f"universes.x.file = 'ids.csv' {said}"


def test_stamps_are_no_dates(market):
    rows = pl.DataFrame({"Date": [DAY], "ListingId": [10]}).with_columns(pl.col("Date").cast(pl.Datetime("us")))
    rows.write_parquet(market.folder / "ids.parquet")
    assert "has a column Date of type Datetime" in market.refusal(file="ids.parquet")


def test_a_file_that_cannot_be_a_universe_is_refused_while_planning(market):
    said = "universes.x.file = "
    assert market.refusal(file="no.csv") == f"{said}'no.csv' does not exist: there is no file {market.folder}/no.csv"
    market.write("ids.xlsx", "")
    assert market.refusal(file="ids.xlsx") == (
        f"{said}'ids.xlsx' is of no known kind: name a .csv, .txt or .parquet file"
    )
    market.write("ids.csv", "Code;Name\n10;Ten\n")
    assert market.refusal(file="ids.csv") == (
        f"{said}'ids.csv' has no column ListingId: its columns, between commas, are Code;Name"
    )
    market.write("ids.csv", "listingid\n10\n")
    assert "(did you mean 'listingid'?)" in market.refusal(file="ids.csv")
    market.write("ids.csv", "")
    assert market.refusal(file="ids.csv").endswith("has no column ListingId: its columns, between commas, are none")
    market.write("ids.csv", "ListingId\n10,11\n")
    assert market.refusal(file="ids.csv").startswith(f"{said}'ids.csv' cannot be read: ComputeError: ")
    market.write("ids.parquet", "no Parquet")
    assert market.refusal(file="ids.parquet").startswith(f"{said}'ids.parquet' cannot be read: ")
    (market.folder / "folder.csv").mkdir()
    assert "does not exist" in market.refusal(file="folder.csv")


def test_fingerprints_of_a_file_change_with_its_members_of_the_date_alone(market):
    market.write("ids.csv", "Date,ListingId\n2026-01-05,10\n")
    first, second = market.fingerprint(file="ids.csv"), market.fingerprint(NEXT, file="ids.csv")
    market.write("ids.csv", "Date,ListingId,Name\n2026-01-05,10,Ten\n2026-01-06,20,Twenty\n")
    assert market.fingerprint(file="ids.csv") == first
    assert market.fingerprint(NEXT, file="ids.csv") != second
    market.reference = market.reference.with_columns(IsPrimary=False)
    assert market.fingerprint(file="ids.csv") == first
    market.write("ids.csv", "Date,ListingId\n2026-01-05,10\n2026-01-05,11\n2026-01-06,20\n")
    assert market.fingerprint(file="ids.csv") != first


def test_a_file_is_read_once_for_each_version_of_it(market):
    path = market.write("ids.csv", "ListingId\n10\n")
    made = market.one(file="ids.csv")
    assert made.rows(DAY) is made.rows(NEXT)
    path.write_text("ListingId\n20\n")
    os.utime(path, ns=(1, 1))
    assert made.rows(DAY).to_list() == [20]
