"""Conforming: what becomes canonical, what is refused, and that nothing turns into null or another value."""

import datetime as dt

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from basalt.conform import conform
from basalt.errors import DataError
from basalt.tables import AGGRESSOR, CALENDAR, L2, L3, MARKETSTATE, NS_UTC, REFERENCE, STATE, TRADES

NOON = dt.datetime(2024, 3, 8, 12, 0, 0, 123_456, tzinfo=dt.UTC)


def trades(**columns: pl.Series) -> pl.LazyFrame:
    """Two canonical trades, with other columns in place of or beside theirs."""
    frame = pl.DataFrame(
        {"ListingId": [1, 2], "EventTimestamp": [NOON, NOON], "Price": [10.0, 11.0], "Size": [5.0, 6.0]},
        schema_overrides={"EventTimestamp": NS_UTC},
    )
    return frame.with_columns(**columns).lazy()


def conformed(table=TRADES, /, **columns: pl.Series) -> pl.DataFrame:
    return conform(trades(**columns), table, "day.parquet").collect()


def test_a_canonical_frame_comes_back_untouched():
    frame = trades(AggressorSide=pl.Series(["Buy", None], dtype=AGGRESSOR))
    assert conform(frame, TRADES, "day.parquet") is frame


def test_columns_the_table_does_not_declare_pass_untouched():
    extra = pl.Series([1, 2], dtype=pl.Int8)
    assert conformed(DeskScore=extra)["DeskScore"].dtype == pl.Int8
    assert conformed(BidPrice1=extra)["BidPrice1"].dtype == pl.Int8


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt16, pl.Int64, pl.UInt64, pl.Float32, pl.Decimal(12, 4)])
def test_numbers_become_float64(dtype):
    found = conformed(Size=pl.Series([5, 127]).cast(dtype))["Size"]
    assert (found.dtype, found.to_list()) == (pl.Float64, [5.0, 127.0])


def test_a_short_decimal_becomes_the_float_its_text_reads_as():
    found = conformed(Price=pl.Series(["223.95", "0.0001"]).cast(pl.Decimal(12, 4)))["Price"]
    assert found.to_list() == [223.95, 0.0001]


def test_a_decimal_with_more_digits_than_a_float_holds_is_refused():
    with pytest.raises(DataError, match="column Price is Decimal"):
        conformed(Price=pl.Series(["1", "2"]).cast(pl.Decimal(30, 10)))


def test_integer_widths_become_the_declared_one():
    found = conformed(ListingId=pl.Series([1, 2], dtype=pl.Int32), SequenceNo=pl.Series([3, 4], dtype=pl.UInt64))
    assert found.schema["ListingId"] == pl.Int64
    assert found.schema["SequenceNo"] == pl.Int64
    assert found["SequenceNo"].to_list() == [3, 4]


def book(orders: pl.Series) -> pl.LazyFrame:
    return (
        trades()
        .select("ListingId", "EventTimestamp", BidPrice1="Price", BidQuantity1="Size")
        .with_columns(BidNumOrders7=orders)
    )


def test_order_counts_become_int32_and_one_that_does_not_fit_fails():
    fits = conform(book(pl.Series([1, 2**31 - 1])), L2, "l2").collect()["BidNumOrders7"]
    assert (fits.dtype, fits.to_list()) == (pl.Int32, [1, 2**31 - 1])
    too_large = conform(book(pl.Series([1, 2**31])), L2, "l2")
    with pytest.raises(pl.exceptions.InvalidOperationError, match="conversion from `i64` to `i32` failed"):
        too_large.collect()


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["Sell", "Buy", "Cross"])])
def test_labels_become_the_declared_enum(dtype):
    found = conformed(AggressorSide=pl.Series(["Buy", None], dtype=pl.String).cast(dtype))["AggressorSide"]
    assert (found.dtype, found.to_list()) == (AGGRESSOR, ["Buy", None])


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["Sell", "Buy", "Cross"])])
def test_a_label_outside_the_enum_fails_and_never_becomes_null(dtype):
    frame = conform(trades(AggressorSide=pl.Series(["Buy", "Cross"]).cast(dtype)), TRADES, "day.parquet")
    assert frame.collect_schema()["AggressorSide"] == AGGRESSOR
    with pytest.raises(pl.exceptions.InvalidOperationError, match=r"failed in column 'AggressorSide'.*Cross"):
        frame.collect()


def test_labels_and_numbers_become_strings():
    found = conformed(Venue=pl.Series(["XLON", None]).cast(pl.Categorical), TradeId=pl.Series([7, 8]))
    assert found.select("Venue", "TradeId").rows() == [("XLON", "7"), (None, "8")]


def test_listing_ids_stay_strings_where_they_are_strings():
    assert conformed(ListingId=pl.Series(["a", "b"])).schema["ListingId"] == pl.String
    assert conformed(ListingId=pl.Series(["a", "b"]).cast(pl.Categorical)).schema["ListingId"] == pl.String


def test_a_column_of_nulls_takes_the_declared_dtype():
    found = conformed(AggressorSide=pl.Series([None, None]), PublicationTimestamp=pl.Series([None, None]))
    assert found.schema["AggressorSide"] == AGGRESSOR
    assert found.schema["PublicationTimestamp"] == NS_UTC
    assert found["AggressorSide"].null_count() == 2


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_stamps_become_nanoseconds(unit):
    """12:00:00.123456 in milliseconds is 12:00:00.123."""
    found = conformed(EventTimestamp=pl.Series([NOON, NOON]).dt.cast_time_unit(unit))["EventTimestamp"]
    assert found.dtype == NS_UTC
    assert found.dt.nanosecond().to_list() == [123_000_000 if unit == "ms" else 123_456_000] * 2


def test_stamps_of_other_time_zones_become_utc_at_the_same_moment():
    """12:00 UTC on 2024-03-08 is 07:00 in New York; three days later, after the clock change, 08:00."""
    stamps = pl.Series([NOON, NOON + dt.timedelta(days=3)], dtype=NS_UTC)
    local = stamps.dt.convert_time_zone("America/New_York")
    assert local.dt.hour().to_list() == [7, 8]
    found = conformed(EventTimestamp=local)["EventTimestamp"]
    assert (found.dtype, found.to_list()) == (NS_UTC, stamps.to_list())


def test_stamps_without_a_time_zone_are_refused():
    naive = pl.Series([NOON, NOON]).dt.replace_time_zone(None)
    with pytest.raises(DataError) as refused:
        conform(trades(EventTimestamp=naive), TRADES, "day.parquet")
    assert str(refused.value) == (
        "table trades of day.parquet: column EventTimestamp is Datetime[us, None], and Datetime[ns, UTC] "
        "is wanted: say which time zone the stamps are in, by `time_zone` where the source has that option, or write "
        "them with one, as .dt.replace_time_zone('Europe/London') does"
    )


def test_a_stamp_beyond_what_nanoseconds_hold_fails():
    far = pl.Series([NOON, dt.datetime(9999, 12, 31, tzinfo=dt.UTC)], dtype=pl.Datetime("us", "UTC"))
    frame = conform(trades(PublicationTimestamp=far), TRADES, "day.parquet")
    with pytest.raises(pl.exceptions.InvalidOperationError, match="9999-12-31"):
        frame.collect()


def test_a_calendar_keeps_microseconds_and_dates_are_dates():
    frame = pl.LazyFrame(
        {"MIC": ["XLON"], "Date": [NOON.date()], "SessionStart": [NOON]},
        schema_overrides={"SessionStart": pl.Datetime("us", "UTC")},
    )
    assert conform(frame, CALENDAR, "calendar") is frame
    with pytest.raises(DataError, match="column Date is String, and Date is wanted"):
        conform(frame.with_columns(pl.col("Date").cast(pl.String)), CALENDAR, "calendar")


@pytest.mark.parametrize(
    ("column", "values", "found"),
    [
        ("Price", ["10.0", "11.0"], "String"),
        ("Size", [True, False], "Boolean"),
        ("SequenceNo", [1.0, 2.0], "Float64"),
        ("IsBlock", ["TRUE", "FALSE"], "String"),
        ("IsBlock", [1, 0], "Int64"),
        ("AggressorSide", [1, 2], "Int64"),
        ("ListingId", [1.0, 2.0], "Float64"),
        ("EventTimestamp", [1, 2], "Int64"),
        ("EventTimestamp", ["2024-03-08", "2024-03-08"], "String"),
        ("EventTimestamp", [dt.date(2024, 3, 8)] * 2, "Date"),
    ],
)
def test_what_could_mean_something_else_is_refused(column, values, found):
    with pytest.raises(DataError, match=rf"table trades of day\.parquet: column {column} is {found}, and .* is wanted"):
        conform(trades(**{column: pl.Series(values)}), TRADES, "day.parquet")


def test_missing_columns_are_named_with_what_there_is():
    with pytest.raises(DataError) as refused:
        conform(trades().drop("Size", "ListingId"), TRADES, "day.parquet")
    assert str(refused.value) == (
        "table trades of day.parquet lacks ListingId (Int64 or String), Size (Float64), which every trades table has; "
        "it has EventTimestamp, Price: add the column, or map yours to it where the source has that option"
    )
    with pytest.raises(DataError, match="it has no columns"):
        conform(pl.LazyFrame(), REFERENCE, "reference")


def test_nothing_is_read_while_conforming():
    """The schema alone decides: a frame whose every row fails is conformed without failing."""
    frame = trades().with_columns(pl.col("Size").map_batches(_fail, return_dtype=pl.Int64))
    assert conform(frame, TRADES, "day.parquet").collect_schema()["Size"] == pl.Float64


def _fail(_: pl.Series) -> pl.Series:
    raise AssertionError("rows were read")


def test_an_empty_frame_conforms():
    frame = trades(Size=pl.Series([5, 6])).head(0)
    assert conform(frame, TRADES, "day.parquet").collect().schema["Size"] == pl.Float64


def test_order_events_and_states_conform():
    l3 = pl.LazyFrame(
        {
            "ListingId": [1],
            "EventTimestamp": [NOON],
            "OrderId": [9],
            "Side": ["Bid"],
            "Action": ["Insert"],
            "Price": [10],
            "Size": [100],
        }
    )
    found = conform(l3, L3, "l3").collect()
    assert found.select("OrderId", "Side", "Action", "Price").rows() == [(9, "Bid", "Insert", 10.0)]
    states = pl.LazyFrame({"ListingId": [1], "EventTimestamp": [NOON], "MarketState": ["HALTED"]})
    expected = pl.DataFrame(
        {"ListingId": [1], "EventTimestamp": [NOON], "MarketState": ["HALTED"]},
        schema_overrides={"EventTimestamp": NS_UTC, "MarketState": STATE},
    )
    assert_frame_equal(conform(states, MARKETSTATE, "states").collect(), expected)
