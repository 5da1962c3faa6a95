"""The lobster source on files written here: every message type, exact stamps, time zones, sessions, bad files."""

import datetime as dt
import gzip
from pathlib import Path

import polars as pl
import pytest

from basalt.errors import DataError, UserError
from basalt.tables import BUILT_IN, NS_UTC
from basalt_io.sources.lobster import LobsterOptions, LobsterSource

DAY = dt.date(2012, 6, 21)
WHOLE = "AMZN_2012-06-21_34200000_57600000"
NO_ASK, NO_BID = 9_999_999_999, -9_999_999_999
BOOK = "2239500,100,2231800,50"


def write(
    folder: Path, messages: list[str], book: list[str] | None = None, stem: str = WHOLE, levels: int = 1
) -> LobsterSource:
    """A source of one ticker day; the order book repeats one row where none is given."""
    book = [BOOK] * len(messages) if book is None else book
    for kind, rows in (("message", messages), ("orderbook", book)):
        (folder / f"{stem}_{kind}_{levels}.csv").write_text("".join(f"{row}\n" for row in rows))
    return source(folder)


def source(folder: Path, **options: object) -> LobsterSource:
    return LobsterSource(LobsterOptions(root=str(folder), **options), Path("/nowhere"))


def nanoseconds(stamps: pl.Series) -> list[int]:
    assert stamps.dtype == NS_UTC
    return stamps.to_physical().to_list()


def test_root_is_the_folder_beside_the_pipeline_file(tmp_path):
    assert LobsterSource(LobsterOptions(root="files"), tmp_path).root == tmp_path / "files"


def test_stamps_are_exact_to_the_nanosecond(tmp_path):
    """34200.190226476 s after midnight in New York (UTC-4 in June) is 13:30:00.190226476 UTC. As a float it would be
    34200.190226476 ± 4 ps, whose product with 1e9 is not always the integer: 57599.999999999 is tried too."""
    written = ["34200.190226476", "34200.1", "34201", "57599.999999999", "34200.004241176"]
    found = write(tmp_path, [f"{stamp},4,1,10,2238100,1" for stamp in written])
    midnight = (DAY - dt.date(1970, 1, 1)).days * 86_400 * 10**9 + 4 * 3_600 * 10**9
    expected = [34_200_190_226_476, 34_200_100_000_000, 34_201_000_000_000, 57_599_999_999_999, 34_200_004_241_176]
    assert nanoseconds(found.scan("trades", DAY).collect()["EventTimestamp"]) == [midnight + t for t in expected]


def test_new_york_is_four_hours_behind_in_summer_and_five_in_winter(tmp_path):
    """The clock changes on Sunday 2024-03-10 and 2024-11-03; the Fridays before and Mondays after have other offsets.
    On the Sundays themselves the stamps have the offset of noon."""
    opening = {"2024-03-08": 14, "2024-03-10": 13, "2024-03-11": 13, "2024-11-01": 13, "2024-11-03": 14}
    for day in opening:
        found = write(tmp_path, ["34200.000000001,4,1,10,2238100,1"], stem=f"X_{day}_34200000_57600000")
    for day, hour in opening.items():
        stamp = found.scan("trades", dt.date.fromisoformat(day)).select(pl.col("EventTimestamp").cast(pl.String))
        assert stamp.collect().item() == f"{day} {hour}:30:00.000000001+00:00"


def test_another_time_zone_may_be_configured(tmp_path):
    write(tmp_path, ["28800.5,4,1,10,2238100,1"])
    london = source(tmp_path, time_zone="Europe/London").scan("trades", DAY).collect()
    assert london["EventTimestamp"].to_list() == [dt.datetime(2012, 6, 21, 7, 0, 0, 500_000, tzinfo=dt.UTC)]
    with pytest.raises(UserError, match="time_zone = 'Mars/Base' is unknown"):
        source(tmp_path, time_zone="Mars/Base").scan("trades", DAY)


def test_a_trade_has_the_side_opposite_to_the_resting_order(tmp_path):
    """Direction 1 is a resting bid: whoever executes against it sells. A cross has no aggressor."""
    found = write(
        tmp_path,
        [
            "34200.1,4,11,21,2238100,1",
            "34200.2,4,12,5,2239500,-1",
            "34200.3,5,0,7,2238500,1",
            "34200.4,5,0,8,2238600,-1",
            "34200.5,6,-1,900,2238500,-1",
        ],
    )
    rows = found.scan("trades", DAY).collect()
    assert rows["AggressorSide"].to_list() == ["Sell", "Buy", "Sell", "Buy", None]
    assert rows["IsHidden"].to_list() == [False, False, True, True, False]
    assert rows["TradeType"].to_list() == ["Lit", "Lit", "Lit", "Lit", "Auction"]
    assert rows["Price"].to_list() == [223.81, 223.95, 223.85, 223.86, 223.85]
    assert rows["Size"].to_list() == [21.0, 5.0, 7.0, 8.0, 900.0]


def test_prices_are_the_floats_that_their_decimals_read_as(tmp_path):
    """2239500 is 223.95, the same float as the text '223.95' gives; and so for every price."""
    units = range(2_200_001, 2_300_001, 37)
    prices = write(tmp_path, [f"34200.1,4,1,1,{n},1" for n in units]).scan("trades", DAY).collect()["Price"]
    assert prices.to_list() == [float(f"{n // 10_000}.{n % 10_000:04}") for n in units]


def test_only_executions_are_trades(tmp_path):
    found = write(tmp_path, ["34200.1,1,1,9,100,1", "34200.2,2,1,4,100,1", "34200.3,3,1,5,100,1", "34201,7,0,0,-1,-1"])
    assert found.scan("trades", DAY).collect().height == 0


def test_sequence_numbers_are_row_numbers_in_every_table(tmp_path):
    found = write(tmp_path, ["34200.1,1,1,9,100,1", "34200.1,5,0,4,100,1", "34200.1,4,1,9,100,1"])
    assert found.scan("l2", DAY).collect()["SequenceNo"].to_list() == [1, 2, 3]
    assert found.scan("trades", DAY).collect()["SequenceNo"].to_list() == [2, 3]
    assert found.scan("l3", DAY).collect()["SequenceNo"].to_list() == [1, 3]
    assert found.promises.shared_sequence


def test_the_book_has_the_stamp_of_its_message(tmp_path):
    found = write(tmp_path, ["34200.1,1,1,9,100,1", "34200.2,3,1,9,100,1"], [BOOK, "2239600,7,2231700,8"])
    rows = found.scan("l2", DAY).select("BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1").collect().rows()
    assert rows == [(223.18, 50.0, 223.95, 100.0), (223.17, 8.0, 223.96, 7.0)]


def test_levels_that_are_not_there_are_null(tmp_path):
    full = "2239500,100,2231800,50,2239600,30,2231700,20"
    one_ask = f"2239500,100,2231800,50,{NO_ASK},0,2231700,20"
    no_bid = f"2239500,100,{NO_BID},0,2239600,30,{NO_BID},0"
    found = write(tmp_path, [f"34200.{n},1,1,9,100,1" for n in range(3)], [full, one_ask, no_bid], levels=2)
    rows = found.scan("l2", DAY).collect()
    assert rows["AskPrice2"].to_list() == [223.96, None, 223.96]
    assert rows["AskQuantity2"].to_list() == [30.0, None, 30.0]
    assert rows["BidPrice1"].to_list() == [223.18, 223.18, None]
    assert rows["BidQuantity2"].to_list() == [20.0, 20.0, None]


def test_rows_that_repeat_can_be_left_out(tmp_path):
    messages = ["34200.1,1,1,9,100,1", "34200.2,5,0,4,100,1", "34200.3,7,0,0,-1,-1", "34200.4,3,1,9,100,1"]
    write(tmp_path, messages)
    assert source(tmp_path).scan("l2", DAY).collect()["SequenceNo"].to_list() == [1, 2, 3, 4]
    assert source(tmp_path, repeats=False).scan("l2", DAY).collect()["SequenceNo"].to_list() == [1, 4]


def test_an_orders_life_as_l3(tmp_path):
    """100 shares submitted, 30 cancelled (70 left), 50 executed (20 left), 20 executed (gone): OldSize − Size is what
    each message took."""
    messages = ["34200.1,1,7,100,2238100,1", "34200.2,2,7,30,2238100,1", "34200.3,4,7,50,2238100,1"]
    rows = write(tmp_path, [*messages, "34200.4,4,7,20,2238100,1"]).scan("l3", DAY).collect()
    assert rows["Action"].to_list() == ["Insert", "Update", "Update", "Remove"]
    assert rows["Side"].to_list() == ["Bid"] * 4
    assert rows["OldSize"].to_list() == [0.0, 100.0, 70.0, 20.0]
    assert rows["Size"].to_list() == [100.0, 70.0, 20.0, 0.0]
    assert rows["OldPrice"].to_list() == [None, 223.81, 223.81, 223.81]
    assert rows["Price"].to_list() == [223.81, 223.81, 223.81, None]
    assert rows["ExecutionSize"].to_list() == [0.0, 0.0, 50.0, 20.0]
    assert rows["ExecutionPrice"].to_list() == [None, None, 223.81, 223.81]


def test_an_order_submitted_before_the_file_is_told_from_what_follows(tmp_path):
    """Order 7: 50 executed, then 20 deleted: 70 before, 20 between. Order 8 is executed and never named again."""
    rows = write(tmp_path, ["34200.1,4,7,50,2238100,-1", "34200.2,4,8,10,2238100,-1", "34200.3,3,7,20,2238100,-1"])
    found = rows.scan("l3", DAY).collect()
    assert found["Action"].to_list() == ["Update", "Remove", "Remove"]
    assert found["OldSize"].to_list() == [70.0, 10.0, 20.0]
    assert found["Size"].to_list() == [20.0, 0.0, 0.0]
    assert found["Side"].to_list() == ["Ask"] * 3


def test_sizes_that_the_file_does_not_tell_are_null(tmp_path):
    """10 of an unknown order are cancelled and nothing follows: more than 10 were there, how many is unknown."""
    found = write(tmp_path, ["34200.1,2,7,10,2238100,1"]).scan("l3", DAY).collect()
    assert found.select("Action", "OldSize", "Size").rows() == [("Update", None, None)]


def test_a_deletion_removes_what_it_says(tmp_path):
    """The order was submitted with 100 shares; 40 were cancelled out of the file's range, 60 are deleted."""
    found = write(tmp_path, ["34200.1,1,7,100,2238100,1", "34200.2,3,7,60,2238100,1"]).scan("l3", DAY).collect()
    assert found["OldSize"].to_list() == [0.0, 60.0]
    assert found["Action"].to_list() == ["Insert", "Remove"]


def test_hidden_executions_and_halts_are_no_order_events(tmp_path):
    found = write(tmp_path, ["34200.1,5,0,10,2238100,1", "34200.2,7,0,0,-1,-1", "34200.3,6,-1,10,2238100,1"])
    assert found.scan("l3", DAY).collect().height == 0
    assert not found.promises.complete_book


def test_the_session_is_in_the_name_of_the_file(tmp_path):
    states = write(tmp_path, ["34205.1,1,1,9,100,1"]).scan("marketstate", DAY).collect()
    assert states["MarketState"].to_list() == ["CONTINUOUS_TRADING", "CLOSED"]
    assert states["EventTimestamp"].dt.strftime("%H:%M:%S").to_list() == ["13:30:00", "20:00:00"]


def test_halts_are_market_states(tmp_path):
    """The format's own example: halted at 36023, quoting from 36323, trading from 36723 s."""
    found = write(tmp_path, ["34200.1,1,1,9,100,1", "36023,7,0,0,-1,-1", "36323,7,0,0,0,-1", "36723,7,0,0,1,-1"])
    states = found.scan("marketstate", DAY).collect()
    assert states["MarketState"].to_list() == [
        "CONTINUOUS_TRADING", "HALTED", "UNSCHEDULED_AUCTION", "CONTINUOUS_TRADING", "CLOSED",
    ]  # fmt: skip
    times = ["13:30:00", "14:00:23", "14:05:23", "14:12:03", "20:00:00"]
    assert states["EventTimestamp"].dt.strftime("%H:%M:%S").to_list() == times


def test_a_name_without_session_starts_at_the_first_message_and_has_no_end(tmp_path):
    found = write(tmp_path, ["34200.5,1,1,9,100,1", "34201,3,1,9,100,1"], stem="AAPL_2012-06-21_head")
    states = found.scan("marketstate", DAY).collect()
    assert states["MarketState"].to_list() == ["CONTINUOUS_TRADING"]
    assert states["EventTimestamp"].to_list() == [dt.datetime(2012, 6, 21, 13, 30, 0, 500_000, tzinfo=dt.UTC)]


def test_an_empty_file_has_no_rows(tmp_path):
    found = write(tmp_path, [])
    for table in ("trades", "l2", "l3"):
        assert found.scan(table, DAY).collect().height == 0


def test_tickers_follow_each_other_in_the_order_of_listing(tmp_path):
    write(tmp_path, ["34200.1,4,1,1,100,1"])
    write(tmp_path, ["34200.1,4,1,2,100,1"], stem="ZZZ_2012-06-21_34200000_57600000")
    by_ticker = source(tmp_path).scan("trades", DAY).collect()
    assert by_ticker.select("ListingId", "Size").rows() == [("AMZN", 1.0), ("ZZZ", 2.0)]
    numbered = source(tmp_path, listings={"AMZN": 2**40, "ZZZ": 5}).scan("trades", DAY).collect()
    assert numbered.select("ListingId", "Size").rows() == [(5, 2.0), (2**40, 1.0)]
    assert numbered.schema["ListingId"] == pl.Int64


def test_tickers_of_different_depth_are_one_table(tmp_path):
    write(tmp_path, ["34200.1,1,1,1,100,1"])
    write(tmp_path, ["34200.1,1,1,1,100,1"], [f"{BOOK},2239600,30,2231700,20"], "ZZZ_2012-06-21_1_2", levels=2)
    rows = source(tmp_path).scan("l2", DAY).collect()
    assert rows["BidPrice2"].to_list() == [None, 223.17]


def test_only_the_listings_that_are_named_are_read(tmp_path):
    write(tmp_path, ["34200.1,4,1,1,100,1"])
    write(tmp_path, ["34200.1,4,1,2,100,1"], stem="ZZZ_2012-06-22_34200000_57600000")
    named = source(tmp_path, listings={"ZZZ": "ZZZ.O"})
    assert named.dates("trades") == [dt.date(2012, 6, 22)]
    assert named.scan("reference", dt.date(2012, 6, 22)).collect().rows() == [("ZZZ.O", "ZZZ.O", "ZZZ", "XNAS", "USD")]


def test_files_of_tickers_that_nobody_wants_are_not_read(tmp_path):
    """MSFT has two levels and a message of type 9, which there is none of: who asks for AMZN does not come upon it, and
    gets two levels all the same, as the whole table has."""
    write(tmp_path, ["34200.1,9,1,10,2238100,1"], [f"{BOOK},1,1,1,1"], WHOLE.replace("AMZN", "MSFT"), 2)
    found = write(tmp_path, ["34200.1,4,1,10,2238100,1"])
    amzn = pl.Series("ListingId", ["AMZN", "ZZZ"])
    assert found.scan_of("trades", DAY, amzn).collect()["ListingId"].to_list() == ["AMZN"]
    book = found.scan_of("l2", DAY, amzn).collect()
    assert book.schema == found.scan("l2", DAY).collect_schema()
    assert book.select("ListingId", "BidPrice1", "BidPrice2").rows() == [("AMZN", 223.18, None)]
    assert found.scan_of("l2", DAY, amzn.tail(1)).collect().height == 0
    with pytest.raises(DataError):
        found.scan("trades", DAY).collect()


def test_listings_that_cannot_be_are_refused(tmp_path):
    write(tmp_path, ["34200.1,4,1,1,100,1"])
    with pytest.raises(UserError, match=r"`listings` names TSLA, and .* holds files of AMZN"):
        source(tmp_path, listings={"TSLA": 1}).dates("trades")
    with pytest.raises(UserError, match="mixes numbers and strings"):
        source(tmp_path, listings={"AMZN": 1, "TSLA": "T"}).dates("trades")


def test_gzip_and_plain_files_read_alike(tmp_path):
    plain = write(tmp_path, ["34200.1,4,1,1,100,1", "34200.2,4,1,2,100,1"]).scan("l2", DAY).collect()
    for file in list(tmp_path.iterdir()):
        (tmp_path / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    assert source(tmp_path).scan("l2", DAY).collect().equals(plain)


def test_further_message_columns_are_ignored(tmp_path):
    found = write(tmp_path, ["34200.1,4,1,1,100,1,null", "34200.2,4,1,2,100,1,null"])
    assert found.scan("trades", DAY).collect()["Size"].to_list() == [1.0, 2.0]


def test_the_same_day_twice_is_refused(tmp_path):
    write(tmp_path, ["34200.1,4,1,1,100,1"])
    write(tmp_path, ["34200.1,4,1,1,100,1"], ["2239500,1,2231800,1,2239600,1,2231700,1"], levels=2)
    with pytest.raises(UserError, match="are the same ticker and date: keep one of them"):
        source(tmp_path).dates("trades")


def test_without_an_order_book_file_there_is_no_l2(tmp_path):
    found = write(tmp_path, ["34200.1,4,1,1,100,1"])
    (tmp_path / f"{WHOLE}_orderbook_1.csv").unlink()
    assert found.dates("trades") == [DAY]
    assert found.dates("l2") == []
    with pytest.raises(UserError, match="has no l2 for 2012-06-21"):
        found.scan("l2", DAY)


def test_a_folder_table_or_date_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match="root /nowhere/at/all is no folder"):
        source(Path("/nowhere/at/all")).dates("trades")
    with pytest.raises(UserError, match="holds no message file"):
        source(tmp_path).dates("trades")
    found = write(tmp_path, ["34200.1,4,1,1,100,1"])
    with pytest.raises(UserError, match="has no table cbbo: it makes reference, marketstate, l3, l2, trades"):
        found.scan("cbbo", DAY)
    with pytest.raises(UserError, match=r"has no trades for 2012-06-22: .* has 2012-06-21 alone"):
        found.scan("trades", dt.date(2012, 6, 22))


@pytest.mark.parametrize(("messages", "book"), [(2, 1), (1, 2), (0, 1), (1, 0)])
def test_order_book_and_messages_of_different_length_do_not_become_a_table(tmp_path, messages, book):
    found = write(tmp_path, ["34200.1,4,1,1,100,1"] * messages, [BOOK] * book)
    for columns in (pl.all(), pl.col("BidPrice1", "SequenceNo")):
        with pytest.raises(DataError, match=r"message_1\.csv and .*book_1\.csv have different numbers of rows"):
            found.scan("l2", DAY).select(columns).collect()


def test_an_order_book_of_another_depth_than_its_name_says_is_refused(tmp_path):
    found = write(tmp_path, ["34200.1,4,1,1,100,1"], [BOOK], levels=2)
    with pytest.raises(DataError, match=r"orderbook_2\.csv has 4 columns, and its kind and level ask for 8"):
        found.scan("l2", DAY)


@pytest.mark.parametrize("content", [b"34200.1,4,1\n", b"34200.1,4,1,1,100,1\n34200.2,4,1,1"])
def test_a_file_cut_short_is_refused(tmp_path, content):
    found = write(tmp_path, ["34200.1,4,1,1,100,1"])
    (tmp_path / f"{WHOLE}_message_1.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"message_1\.csv (has 3 columns|ends in the middle of a row)"):
        found.scan("trades", DAY)


def test_a_file_that_is_no_gzip_is_refused(tmp_path):
    (tmp_path / f"{WHOLE}_message_1.csv.gz").write_bytes(b"34200.1,4,1,1,100,1\n")
    with pytest.raises(DataError, match=r"message_1\.csv\.gz cannot be read"):
        source(tmp_path).scan("trades", DAY)


def test_a_gzip_cut_short_does_not_become_a_table(tmp_path):
    whole = gzip.compress("".join(f"34200.{n},4,{n},1,100,1\n" for n in range(50_000)).encode())
    (tmp_path / f"{WHOLE}_message_1.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        DataError, match=r"message_1\.csv\.gz cannot be read \(unexpected end of file\): fetch it again"
    ):
        source(tmp_path).scan("trades", DAY).collect()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("34200.1,9,1,1,100,1", "has a message with type 9, which there is not"),
        ("34200.1,4,1,1,100,2", "has a message with direction 2, which there is not"),
        ("34200.1,4,1,,100,1", "has 1 messages with fields missing"),
        ("34200.1,4,1,1,100", "has 1 messages with fields missing"),
    ],
)
def test_a_message_that_is_none_is_refused(tmp_path, row, said):
    """None of the tables would have it."""
    found = write(tmp_path, ["34200.0,4,1,1,100,1", row, "34200.2,4,2,1,100,1"])
    with pytest.raises(DataError, match=said):
        found.scan("l3", DAY).collect()


def test_every_table_is_canonical(tmp_path):
    found = write(tmp_path, ["34200.1,1,1,9,100,1"])
    for table in BUILT_IN:
        if table.name not in found.tables():
            continue
        schema = found.scan(table.name, DAY).collect_schema()
        assert set(table.required) <= set(schema)
        assert all(table.column(name).accepts(dtype) for name, dtype in schema.items())


def test_the_fingerprint_changes_with_files_and_options(tmp_path):
    found = write(tmp_path, ["34200.1,4,1,1,100,1"])
    first = found.fingerprint("trades", DAY)
    assert source(tmp_path).fingerprint("trades", DAY) == first
    assert source(tmp_path, listings={"AMZN": 1}).fingerprint("trades", DAY) != first
    write(tmp_path, ["34200.1,4,1,1,100,1", "34200.2,4,1,1,100,1"])
    assert source(tmp_path).fingerprint("trades", DAY) != first
