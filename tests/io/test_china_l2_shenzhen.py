"""The china_l2 source on Shenzhen's layout: files written here, and the Shanghai day of Moutai put into that layout.

No file of Shenzhen's own was at hand: what these tests hold is what `china_l2` says of it.
"""

import datetime as dt
import io
import zipfile
from functools import partial
from pathlib import Path

import polars as pl
import pytest
import test_china_l2
from test_china_l2 import BOOK, COLUMNS, DAY, source, table

from basalt.errors import DataError
from basalt.testing import SourceLaws
from basalt_io.sources.china_l2 import ChinaL2Source

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "sse-600519"
ENTRUST = (
    "ChannelNo,ApplSeqNum,MDStreamID,SecurityID,SecurityIDSource,Price,OrderQty,Side,TransactTime,OrdType,LocalTime"
)
TRADE = (
    "ChannelNo,ApplSeqNum,MDStreamID,BidApplSeqNum,OfferApplSeqNum,SecurityID,SecurityIDSource,LastPx,LastQty,"
    "ExecType,TransactTime,LocalTime"
)
SNAPSHOT = ",".join(
    [
        *("UpdateTime", "MDStreamID", "SecurityID", "SecurityIDSource", "TradingPhaseCode"),
        *(name for name in BOOK),
        *(f"NumOrders{side}{i}" for side in "BS" for i in range(1, 11)),
    ]
)


write = partial(test_china_l2.write, headers=(ENTRUST, TRADE, SNAPSHOT))


def order(number: int, side: str, price: float, size: int, kind: str = "2", at: str = "10:00:00.000") -> str:
    return f"2011,{number},011,000001,102 ,{price},{size},{side},{at},{kind},{at}"


def fill(number: int, bid: int, offer: int, price: float, size: int, at: str = "10:00:00.000", kind: str = "F") -> str:
    return f"2011,{number},011,{bid},{offer},000001,102 ,{price},{size},{kind},{at},{at}"


def cancel(number: int, bid: int, offer: int, size: int, at: str = "10:00:00.000") -> str:
    return fill(number, bid, offer, 0, size, at, "4")


def events(found: ChinaL2Source) -> list[tuple[object, ...]]:
    return table(found, "l3").select("SequenceNo", *COLUMNS).rows()


def test_an_aggressor_rests_with_what_is_left_of_it(tmp_path):
    """As in Shanghai's layout: order 3 buys 150 and takes 100 of order 1 and 20 of order 2, which had 20; the 30 left
    are Inserted with the number of the second trade. Order 6 sells 30 to it and never rests. Order 8 is cancelled."""
    found = write(
        tmp_path,
        [
            order(1, "2", 10.01, 100),
            order(2, "2", 10.02, 20),
            order(3, "1", 10.02, 150),
            order(6, "2", 10.02, 30),
            order(8, "50", 10.05, 40, "50"),
        ],
        [fill(4, 3, 1, 10.01, 100), fill(5, 3, 2, 10.02, 20, kind="70"), fill(7, 3, 6, 10.02, 30), cancel(9, 0, 8, 40)],
    )
    assert events(found) == [
        (1, 1, "Insert", 10.01, 100.0, None, 0.0, None, 0.0, True),
        (2, 2, "Insert", 10.02, 20.0, None, 0.0, None, 0.0, True),
        (4, 1, "Remove", None, 0.0, 10.01, 100.0, 10.01, 100.0, False),
        (5, 2, "Remove", None, 0.0, 10.02, 20.0, 10.02, 20.0, False),
        (5, 3, "Insert", 10.02, 30.0, None, 0.0, None, 0.0, True),
        (7, 3, "Remove", None, 0.0, 10.02, 30.0, 10.02, 30.0, True),
        (8, 8, "Insert", 10.05, 40.0, None, 0.0, None, 0.0, True),
        (9, 8, "Remove", None, 0.0, 10.05, 40.0, None, 0.0, True),
    ]
    assert table(found, "l3")["Side"].to_list() == ["Ask", "Ask", "Ask", "Ask", "Bid", "Bid", "Ask", "Ask"]
    prints = table(found, "trades")
    assert prints.select("SequenceNo", "Size", "AggressorSide", "TradeId").rows() == [
        (4, 100.0, "Buy", "4"),
        (5, 20.0, "Buy", "5"),
        (7, 30.0, "Sell", "7"),
    ]
    assert set(prints["MarketState"]) == {"CONTINUOUS_TRADING"}


def test_both_orders_of_an_auction_rest_and_are_executed(tmp_path):
    """Opening: the bid for 100 at 10.05 and the ask of 60 at 10.00 trade 60 at 10.02. Closing: another pair."""
    early, late = "09:24:00.000", "14:58:00.000"
    found = write(
        tmp_path,
        [
            order(1, "1", 10.05, 100, at=early),
            order(2, "2", 10.0, 60, at=early),
            order(4, "2", 10.05, 40, at=late),
        ],
        [fill(3, 1, 2, 10.02, 60, "09:25:00.000"), fill(5, 1, 4, 10.05, 40, "15:00:00.000")],
    )
    assert events(found) == [
        (1, 1, "Insert", 10.05, 100.0, None, 0.0, None, 0.0, True),
        (2, 2, "Insert", 10.0, 60.0, None, 0.0, None, 0.0, True),
        (3, 1, "Update", 10.05, 40.0, 10.05, 100.0, 10.02, 60.0, False),
        (3, 2, "Remove", None, 0.0, 10.0, 60.0, 10.02, 60.0, True),
        (4, 4, "Insert", 10.05, 40.0, None, 0.0, None, 0.0, True),
        (5, 1, "Remove", None, 0.0, 10.05, 40.0, 10.05, 40.0, False),
        (5, 4, "Remove", None, 0.0, 10.05, 40.0, 10.05, 40.0, True),
    ]
    prints = table(found, "trades")
    assert prints["MarketState"].to_list() == ["OPENING_AUCTION", "CLOSING_AUCTION"]
    assert prints["AggressorSide"].to_list() == [None, None]
    assert set(prints["TradeType"]) == {"Auction"}


def test_what_rests_of_a_market_order_rests_at_its_last_trade(tmp_path):
    """Order 2 buys 150 at any price: 100 at 10.01, and 50 rest there. Order 4 takes 10 of them at 10.01."""
    found = write(
        tmp_path,
        [order(1, "2", 10.01, 100), order(2, "1", 0, 150, "1"), order(4, "2", 10.0, 10)],
        [fill(3, 2, 1, 10.01, 100), fill(5, 2, 4, 10.01, 10)],
    )
    assert events(found)[2:] == [
        (3, 2, "Insert", 10.01, 50.0, None, 0.0, None, 0.0, True),
        (5, 2, "Update", 10.01, 40.0, 10.01, 50.0, 10.01, 10.0, True),
    ]


def test_a_market_order_cancelled_at_its_entry_never_rested(tmp_path):
    """Order 2 takes 100 and the rest is cancelled at once; order 5 finds nothing, and is cancelled 10 ms later."""
    found = write(
        tmp_path,
        [order(1, "2", 10.01, 100), order(2, "1", 0, 150, "1"), order(5, "1", 0, 70, "1")],
        [fill(3, 2, 1, 10.01, 100), cancel(4, 2, 0, 50), cancel(6, 5, 0, 70, "10:00:00.010")],
    )
    assert [row[1:3] for row in events(found)] == [(1, "Insert"), (1, "Remove")]


def test_an_own_best_order_rests_at_the_price_at_which_others_took_from_it(tmp_path):
    """Order 1 shows its price when order 3 trades with it; order 2, cancelled untouched, does not tell it."""
    found = write(
        tmp_path,
        [order(1, "1", 0, 100, "U"), order(2, "1", -1, 50, "85"), order(3, "2", 9.9, 30)],
        [fill(4, 1, 3, 9.98, 30), cancel(5, 2, 0, 50)],
    )
    assert events(found) == [
        (1, 1, "Insert", 9.98, 100.0, None, 0.0, None, 0.0, True),
        (2, 2, "Insert", None, 50.0, None, 0.0, None, 0.0, True),
        (4, 1, "Update", 9.98, 70.0, 9.98, 100.0, 9.98, 30.0, True),
        (5, 2, "Remove", None, 0.0, None, 50.0, None, 0.0, True),
    ]


def snapshot(time: str, phase: str, code: str = "000001", **book: object) -> str:
    values = {"SecurityID": code, "UpdateTime": time, "TradingPhaseCode": phase, **book}
    return ",".join(str(values.get(name, "")) for name in SNAPSHOT.split(","))


def test_phases_books_and_listings(tmp_path):
    call = {"BidPrice1": 10.0, "BidVolume1": 300, "AskPrice1": 10.0, "AskVolume1": 300, "BidVolume2": 50}
    book = {"BidPrice1": 9.99, "BidVolume1": 100, "NumOrdersB1": 2}
    phases = [("08:59", "S0"), ("09:20", "O0"), ("09:26", "B0"), ("09:30", "T0"), ("11:31", "B0"), ("13:00", "T0")]
    phases += [("13:30", "V0"), ("13:40", "H0"), ("14:57", "C0"), ("15:01", "A0"), ("15:31", "E0"), ("15:32", "Z0")]
    lines = [
        snapshot(f"{time}:00.000", f"{phase}      ", **(call if phase[0] in "OCV" else book)) for time, phase in phases
    ]
    suspended, b_share = snapshot("10:00:00.000", "T1", "000002"), snapshot("10:00:00.000", "T0", "200011")
    found = write(tmp_path, [], [], [*lines, suspended, b_share])
    states = table(found, "marketstate").filter(pl.col("ListingId") == "000001")["MarketState"].to_list()
    assert states == [
        *("PRE_OPEN", "OPENING_AUCTION", "PRE_OPEN", "CONTINUOUS_TRADING", "CLOSED", "CONTINUOUS_TRADING"),
        *("UNSCHEDULED_AUCTION", "HALTED", "CLOSING_AUCTION", "POST_TRADE", "CLOSED", "UNKNOWN"),
    ]
    l2 = table(found, "l2")
    assert l2.filter(pl.col("ListingId") == "000002")["MarketState"].to_list() == ["HALTED"]
    assert l2.select("BidPrice1", "BidQuantity1", "BidNumOrders1").rows()[3:5] == [(9.99, 100.0, 2)] * 2
    assert l2["BidPrice1"].null_count() == 3 + 2
    assert table(found, "imbalance").select("PairedQuantity", "ImbalanceQuantity").rows() == [(300.0, 50.0)] * 3
    assert table(found, "reference").select("ListingId", "MIC", "CurrencyCode").rows() == [
        ("000001", "XSHE", "CNY"),
        ("000002", "XSHE", "CNY"),
        ("200011", "XSHE", "HKD"),
    ]


@pytest.mark.parametrize(
    ("entrust", "trade", "said"),
    [
        ([order(1, "3", 10.0, 1)], [], "has Side '3', and 1, 49, 2, 50 are known"),
        ([order(1, "1", 10.0, 1, "3")], [], "has OrdType '3', and 1, 49, 2, 50, U, 85 are known"),
        ([], [fill(1, 2, 3, 10.0, 1, kind="X")], "has ExecType 'X', and F, 70, 4, 52 are known"),
        ([], [fill(1, 2, 3, "", 1)], "has 1 rows without LastPx"),
    ],
)
def test_a_bad_value_stops_the_query_and_is_named(tmp_path, entrust, trade, said):
    with pytest.raises(DataError, match=said):
        table(write(tmp_path, entrust, trade), "l3")


def test_files_of_both_exchanges_in_one_folder_are_refused(tmp_path):
    found = write(tmp_path, [], [])
    (tmp_path / "20230201" / "trade.csv").write_text("TradeIndex,SecurityID,TradTime\n")
    with pytest.raises(DataError, match=r"trade\.csv has no column TransactTime"):
        found.scan("l3", DAY)


def test_zips_of_both_exchanges_are_one_date(tmp_path):
    shanghai_order = test_china_l2.order(1, "A", "B", 9.0, 70, 4)
    book = {"BidPrice1": 9.0, "BidVolume1": 70}
    made = {
        "000001": write(tmp_path / "sz", [order(1, "1", 9.0, 70)], [], [snapshot("10:00:00.000", "T0", **book)]),
        "600000": test_china_l2.write(
            tmp_path / "sh", [shanghai_order], [], [test_china_l2.snapshot("10:00:00.000", "TRADE", **book)]
        ),
    }
    (tmp_path / "zips").mkdir()
    for code, one in made.items():
        with zipfile.ZipFile(tmp_path / "zips" / f"{code}_20230201.zip", "w") as archive:
            for file in (one.root / "20230201").iterdir():
                archive.write(file, file.name)
    found = source(tmp_path / "zips")
    for name in found.tables():
        assert table(found, name)["ListingId"].unique(maintain_order=True).to_list() in (["000001", "600000"], [])
    assert table(found, "reference")["MIC"].to_list() == ["XSHE", "XSHG"]
    assert table(found, "l3")["Size"].to_list() == [70.0, 70.0]


class TestLawsOfShenzhen(SourceLaws):
    """A folder of one date and a zip of another."""

    def source(self, folder: Path) -> ChinaL2Source:
        if not (folder / "20230201").exists():
            orders = [order(1, "2", 10.01, 100), order(2, "1", 10.01, 150), order(5, "2", 10.02, 10)]
            book = snapshot("10:00:01.000", "T0", BidPrice1=10.01, BidVolume1=50, AskPrice1=10.02, AskVolume1=10)
            call = snapshot("09:20:00.000", "O0", BidPrice1=10.0, BidVolume1=50, AskPrice1=10.0, AskVolume1=50)
            write(folder, orders, [fill(3, 2, 1, 10.01, 100), cancel(6, 0, 5, 10)], [call, book])
            with zipfile.ZipFile(folder / "000002_20230202_level2.zip", "w") as archive:
                for file in sorted((folder / "20230201").iterdir()):
                    archive.writestr(file.name, file.read_text().replace("000001", "000002"))
        return source(folder)


def shanghai(kind: str) -> pl.DataFrame:
    if not SHARED.is_dir():
        pytest.skip("the Shanghai sample is not in the folder `shared/data/sse-600519` beside the checkout")
    with zipfile.ZipFile(next(SHARED.glob("*.zip"))) as archive:
        name = next(name for name in archive.namelist() if name.endswith(f"{kind}.csv"))
        return pl.read_csv(io.BytesIO(archive.read(name)), infer_schema_length=None)


@pytest.fixture(scope="module")
def moutai_in_shenzhen(tmp_path_factory) -> tuple[ChinaL2Source, pl.DataFrame]:
    """The day of 600519 as Shenzhen would have sent it, and the new number of each old order.

    An order row gets what the order took at its entry added to its Balance, and comes before that; an order of which
    nothing rested gets a row, at its last price. Then everything is numbered anew, in that sequence.
    """
    entrust, trades = shanghai("entrust"), shanghai("trade")
    buys = pl.col("TradeBSFlag") == "B"
    took = (
        trades.filter(pl.col("TradeBSFlag") != "N")
        .group_by(OrderNO=pl.when(buys).then("TradeBuyNo").otherwise("TradeSellNo"))
        .agg(
            Taken=pl.col("TradVolume").sum(),
            First=pl.col("BizIndex").min(),
            At=pl.col("TradTime").first(),
            Last=pl.col("TradPrice").last(),
            Flag=pl.col("TradeBSFlag").first(),
        )
    )
    added = entrust.filter(pl.col("OrderType") == "A").join(took, on="OrderNO", how="full", coalesce=True)
    orders = added.select(
        Place=pl.coalesce(pl.col("First") - 0.5, pl.col("BizIndex").cast(pl.Float64)),
        Old="OrderNO",
        SecurityID=pl.lit("600519"),
        Price=pl.coalesce("OrderPrice", "Last"),
        OrderQty=pl.col("Balance").fill_null(0) + pl.col("Taken").fill_null(0),
        Side=pl.when(pl.coalesce("OrderBSFlag", "Flag") == "B").then(pl.lit("49")).otherwise(pl.lit("50")),
        OrdType=pl.lit("50"),
        TransactTime=pl.coalesce("At", "OrderTime"),
    )
    fills = trades.select(
        Place=pl.col("BizIndex").cast(pl.Float64),
        Bid="TradeBuyNo",
        Offer="TradeSellNo",
        LastPx="TradPrice",
        LastQty="TradVolume",
        ExecType=pl.lit("70"),
        TransactTime="TradTime",
    )
    bid = pl.col("OrderBSFlag") == "B"
    cancels = entrust.filter(pl.col("OrderType") == "D").select(
        Place=pl.col("BizIndex").cast(pl.Float64),
        Bid=pl.when(bid).then("OrderNO").otherwise(0),
        Offer=pl.when(bid).then(0).otherwise("OrderNO"),
        LastPx=pl.lit(0.0),
        LastQty="Balance",
        ExecType=pl.lit("52"),
        TransactTime="OrderTime",
    )
    rows = pl.concat([orders, fills, cancels], how="diagonal_relaxed").sort("Place").with_row_index("ApplSeqNum", 1)
    known = rows.drop_nulls("Old").select("Old", New=pl.col("ApplSeqNum").cast(pl.Int64))
    number = dict(known.rows()) | {0: 0}
    folder = tmp_path_factory.mktemp("shenzhen") / "20230201"
    folder.mkdir()
    rows.drop_nulls("Old").write_csv(folder / "entrust.csv")
    rows.filter(pl.col("Old").is_null()).with_columns(
        BidApplSeqNum=pl.col("Bid").replace_strict(number),
        OfferApplSeqNum=pl.col("Offer").replace_strict(number),
        SecurityID=pl.lit("600519"),
    ).write_csv(folder / "trade.csv")
    return source(folder.parent), known


@pytest.mark.slow
def test_a_shanghai_day_in_shenzhens_layout_gives_the_same_orders(moutai_in_shenzhen):
    """82,433 rows, each with the same order, sizes and prices, in the same sequence, ending the same events; 27,135
    trades of the same sides. An Insert after executions has their stamp, up to 10 ms before that of the A row."""
    found, known = moutai_in_shenzhen
    ours, theirs = table(found, "l3"), table(source(SHARED), "l3")
    assert ours.height == theirs.height == 82_433
    numbered = theirs.join(known, left_on="OrderId", right_on="Old", how="left", maintain_order="left")
    assert ours["OrderId"].equals(numbered["New"])
    for column in COLUMNS[1:]:
        assert ours[column].equals(theirs[column]), column
    apart = (ours["EventTimestamp"] - theirs["EventTimestamp"]).dt.total_milliseconds()
    assert apart.is_between(-10, 0).all()
    for column in ("EventTimestamp", "Price", "Size", "AggressorSide", "TradeType", "MarketState"):
        assert table(found, "trades")[column].equals(table(source(SHARED), "trades")[column]), column
    assert found.dates("l3") == [dt.date(2023, 2, 1)]
