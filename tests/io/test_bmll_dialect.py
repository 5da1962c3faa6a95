"""The bmll dialect: codes, prices in the currency itself, stamps, and BMLL's own files."""

import datetime as dt
import shutil
from pathlib import Path

import polars as pl
import pytest

from basalt.errors import DataError, UserError
from basalt_io.sources.parquet import ParquetSource, ParquetSourceOptions

DAY = dt.date(2026, 1, 2)
NOON = dt.datetime(2026, 1, 2, 12, 0, 0, 10_390)
REFERENCE = {"ListingId": [1], "InstrumentId": [7], "CurrencyCode": ["GBp"]}
NAIVE = pl.Datetime("ns")


def source(root, **options):
    return ParquetSource(ParquetSourceOptions(root=str(root), dialect="bmll", **options), Path("/nowhere"))


def put(root, table, **columns):
    place = root / table / f"date={DAY}" / "part.parquet"
    place.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(columns).write_parquet(place)


def event(count, **more):
    """What BMLL's event tables share."""
    return {
        "ListingId": [1] * count,
        "TimestampNanoseconds": pl.Series([NOON] * count, dtype=NAIVE),
        "ExchangeSequenceNo": list(range(count)),
        "MarketState": ["CONTINUOUS_TRADING"] * count,
        **more,
    }


def trades(root, **changed):
    """Three trades of a listing in pence: by a buyer in pence, by a seller in pounds, by nobody known."""
    columns = {
        **event(3),
        "TradeTimestampNanoseconds": pl.Series([NOON] * 3, dtype=NAIVE),
        "PublicationTimestampNanoseconds": pl.Series([NOON] * 3, dtype=NAIVE),
        "Price": [99.74, 0.997171, 99.7],
        "InstrumentCurrencyPrice": [99.74, 99.7171, 99.7],
        "CurrencyCode": ["GBp", "GBP", "GBp"],
        "InstrumentCurrencyCode": ["GBp"] * 3,
        "MinorCurrencyFactor": [0.01] * 3,
        "Size": [400.0, 1484.0, 5.5],
        "AggressorSide": [1, 2, 0],
        "BMLLTradeType": ["LIT", "DARK", "NEW"],
        "TradeId": ["a", "", "c"],
        "ExecutionVenue": ["XLON", "SINT", "XLON"],
        "TradeNotionalEUR": [457.0, 1697.0, 6.0],
        "TradeNotionalUSD": [536.0, 1989.0, 7.0],
        "IsBlock": ["FALSE", "TRUE", None],
        "BestBidPrice": [99.68] * 3,
        "BestAskPrice": [99.7] * 3,
        "BestBidSize": [10.0] * 3,
        "BestAskSize": [20.0] * 3,
        "Classification": ["A", "B", "C"],
    }
    put(root, "trades-plus", **{**columns, **changed})


def scanned(root, table, **options):
    return source(root, **options).scan(table, DAY).collect()


def test_trades(tmp_path):
    """99.74 p is 0.9974, exactly; 0.997171 in pounds stands beside 99.7171 p, which is the same."""
    trades(tmp_path)
    found = scanned(tmp_path, "trades")
    assert found["Price"].to_list() == [0.9974, 0.997171, 0.997]
    assert found["EventTimestamp"].to_list() == [NOON.replace(tzinfo=dt.UTC)] * 3
    assert found.schema["EventTimestamp"] == pl.Datetime("ns", "UTC")
    assert found["AggressorSide"].to_list() == ["Buy", "Sell", None]
    assert found["TradeType"].to_list() == ["Lit", "Dark", None]
    assert found["IsBlock"].to_list() == [False, True, None]
    assert found["TradeId"].to_list() == ["a", None, "c"]
    assert found.row(0, named=True)["BidPrice"] == 0.9968
    assert found["AskQuantity"].to_list() == [20.0] * 3
    assert "Classification" not in found.columns


def test_other_columns_are_kept_where_they_are_named(tmp_path):
    trades(tmp_path)
    found = scanned(tmp_path, "trades", columns={"trades": {"Kind": "Classification"}})
    assert found["Kind"].to_list() == ["A", "B", "C"]


def test_a_currency_without_minor_units_stays(tmp_path):
    trades(tmp_path, MinorCurrencyFactor=pl.Series([None] * 3, dtype=pl.Float64), CurrencyCode=["GBp"] * 3)
    assert scanned(tmp_path, "trades")["Price"].to_list() == [99.74, 0.997171, 99.7]


def orders(root, actions):
    count = len(actions)
    put(
        root,
        "l3",
        **event(count),
        OriginalOrderId=["x"] * count,
        OrderId=[""] * count,
        Side=[1, 2, 1][:count],
        LobAction=actions,
        Price=[99.68] * count,
        Size=[500, 0, 300][:count],
        OldPrice=[99.5] * count,
        OldSize=[7, 500, 400][:count],
        ExecutionPrice=[0.0, 0.0, 99.7][:count],
        ExecutionSize=[0, 0, 100][:count],
        TradeId=["", "", "t"][:count],
        SizeAhead=[1] * count,
        OrdersAhead=[1] * count,
        EndOfEvent=[True] * count,
    )


def test_order_events_say_what_was_and_what_is(tmp_path):
    """An insert has nothing before, a remove nothing after; prices by the currency of reference."""
    put(tmp_path, "reference", **REFERENCE)
    orders(tmp_path, [2, 3, 4])
    found = scanned(tmp_path, "l3")
    assert found.select("Side", "Action", "Price", "Size", "OldPrice", "OldSize").rows() == [
        ("Bid", "Insert", 0.9968, 500.0, None, 0.0),
        ("Ask", "Remove", None, 0.0, 0.995, 500.0),
        ("Bid", "Update", 0.9968, 300.0, 0.995, 400.0),
    ]
    assert found["ExecutionPrice"].to_list() == [None, None, 0.997]
    assert found["OrderId"].to_list() == ["x"] * 3


def test_an_unknown_code_is_no_null(tmp_path):
    put(tmp_path, "reference", **REFERENCE)
    orders(tmp_path, [9])
    with pytest.raises(pl.exceptions.InvalidOperationError):
        scanned(tmp_path, "l3")


def test_order_events_without_reference_are_refused(tmp_path):
    orders(tmp_path, [2])
    with pytest.raises(UserError, match="l3 of dialect bmll takes CurrencyCode and InstrumentId from reference"):
        source(tmp_path).scan("l3", DAY)


def test_another_currency_in_reference_is_another_input_of_l3(tmp_path):
    put(tmp_path, "reference", **REFERENCE)
    orders(tmp_path, [2])
    before = source(tmp_path).fingerprint("l3", DAY)
    put(tmp_path, "reference", **{**REFERENCE, "CurrencyCode": ["EURO"]})
    assert source(tmp_path).fingerprint("l3", DAY) != before
    assert scanned(tmp_path, "l3")["Price"].to_list() == [99.68]


def test_a_table_that_is_not_bmll_s_is_refused(tmp_path):
    put(tmp_path, "trades-plus", ListingId=[1], Price=[1.0])
    with pytest.raises(DataError, match=r"table trades of .* lacks EventTimestamp"):
        source(tmp_path).scan("trades", DAY)


@pytest.fixture
def layout(tmp_path):
    """BMLL's own files, 50 rows a table."""
    there = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "bmll-layout"
    if not there.is_dir():
        pytest.skip("BMLL's sample files are not in the folder `shared/data/bmll-layout` beside the checkout")
    for file in there.glob("*.parquet"):
        place = tmp_path / file.stem / f"date={DAY}" / file.name
        place.parent.mkdir(parents=True)
        shutil.copy(file, place)
    return tmp_path


def test_bmll_s_own_files_are_canonical(layout):
    """VOD on XLON: what is 99.7 p in the files is 0.997 in every table."""
    found = source(layout)
    assert found.tables() == ["cbbo", "imbalance", "l2", "l3", "marketstate", "reference", "trades"]
    rows = {table: found.scan(table, DAY).collect() for table in found.tables()}
    assert {table: frame.height for table, frame in rows.items()} == {
        **dict.fromkeys(["cbbo", "imbalance", "l2", "l3", "trades"], 50),
        "marketstate": 9,
        "reference": 1,
    }
    assert rows["trades"]["Price"][0] == 0.997
    assert rows["l2"]["AskPrice1"][0] == rows["cbbo"]["AskPrice1"][0] == 0.997
    assert rows["cbbo"]["InstrumentId"].unique().to_list() == rows["reference"]["InstrumentId"].to_list()
    assert rows["reference"]["CurrencyCode"].to_list() == ["GBP"]
    assert rows["marketstate"]["MarketState"].head(4).to_list() == [
        "CLOSED",
        "OPENING_AUCTION",
        "CONTINUOUS_TRADING",
        "CLOSING_AUCTION",
    ]
