"""The china_l2 source on files written here: what becomes of orders, auctions, books and states, and bad files."""

import datetime as dt
import zipfile
from pathlib import Path

import polars as pl
import pytest

from basalt.errors import DataError, UserError
from basalt.tables import BUILT_IN
from basalt.testing import SourceLaws
from basalt_io.sources.china_l2 import ChinaL2Options, ChinaL2Source
from basalt_io.sources.china_l2_files import KINDS

DAY = dt.date(2023, 2, 1)


def source(root: Path) -> ChinaL2Source:
    return ChinaL2Source(ChinaL2Options(root=str(root)), Path("/nowhere"))


def table(found: ChinaL2Source, name: str) -> pl.DataFrame:
    return found.scan(name, DAY).collect()


ENTRUST = "SecurityID,OrderTime,OrderType,OrderNO,OrderPrice,Balance,OrderBSFlag,BizIndex"
TRADE = "TradeIndex,SecurityID,TradTime,TradPrice,TradVolume,TradeBuyNo,TradeSellNo,TradeBSFlag,BizIndex"
BOOK = [f"{side}{what}{i}" for side in ("Bid", "Ask") for what in ("Price", "Volume") for i in range(1, 11)]
SNAPSHOT = ",".join(
    ["SecurityID", "UpdateTime", "InstruStatus", *BOOK, *(f"NumOrders{side}{i}" for side in "BS" for i in range(1, 11))]
)


def write(
    root: Path,
    entrust: list[str],
    trade: list[str],
    snapshot: list[str] | None = None,
    headers: tuple[str, str, str] = (ENTRUST, TRADE, SNAPSHOT),
) -> ChinaL2Source:
    folder = root / "20230201"
    folder.mkdir(parents=True, exist_ok=True)
    for kind, header, lines in zip(KINDS, headers, (entrust, trade, snapshot or []), strict=True):
        (folder / f"{kind}.csv").write_text("".join(f"{line}\n" for line in (header, *lines)))
    return source(root)


def order(number: int, kind: str, side: str, price: float, left: int, no: int, code: str = "600000") -> str:
    return f"{code},10:00:00.{number:03},{kind},{no},{price},{left},{side},{number}"


def trade(number: int, flag: str, price: float, size: int, buy: int, sell: int, at: str = "10:00:00") -> str:
    return f"{number * 10},600000,{at}.{number:03},{price},{size},{buy},{sell},{flag},{number}"


COLUMNS = ("OrderId", "Action", "Price", "Size", "OldPrice", "OldSize", "ExecutionPrice", "ExecutionSize", "EndOfEvent")


def test_an_aggressor_rests_with_what_is_left_of_it(tmp_path):
    """Order 7 buys 150: it takes 100 of order 1 (all) at 10.01 and 20 of 2's 50 at 10.02, and an A row with 30 left
    follows; then 30 − 30 by a seller, and the 30 left of order 2 are cancelled. Order 7's own part never rests."""
    found = write(
        tmp_path,
        [
            order(1, "A", "S", 10.01, 100, 1),
            order(2, "A", "S", 10.02, 50, 2),
            order(5, "A", "B", 10.02, 30, 7),
            order(7, "D", "S", 10.02, 30, 2),
        ],
        [trade(3, "B", 10.01, 100, 7, 1), trade(4, "B", 10.02, 20, 7, 2), trade(6, "S", 10.02, 30, 7, 8)],
    )
    assert table(found, "l3").select(COLUMNS).rows() == [
        (1, "Insert", 10.01, 100.0, None, 0.0, None, 0.0, True),
        (2, "Insert", 10.02, 50.0, None, 0.0, None, 0.0, True),
        (1, "Remove", None, 0.0, 10.01, 100.0, 10.01, 100.0, False),
        (2, "Update", 10.02, 30.0, 10.02, 50.0, 10.02, 20.0, False),
        (7, "Insert", 10.02, 30.0, None, 0.0, None, 0.0, True),
        (7, "Remove", None, 0.0, 10.02, 30.0, 10.02, 30.0, True),
        (2, "Remove", None, 0.0, 10.02, 30.0, None, 0.0, True),
    ]
    assert table(found, "l3")["TradeId"].to_list() == [None, None, "30", "40", None, "60", None]


def test_an_auction_trade_executes_both_orders_at_one_price(tmp_path):
    """A bid at 10.05 for 100 and asks at 10.00 and 10.01 trade at 10.02: 60 and 40, bids first."""
    found = write(
        tmp_path,
        [order(1, "A", "B", 10.05, 100, 1), order(2, "A", "S", 10.0, 60, 2), order(3, "A", "S", 10.01, 50, 3)],
        [trade(4, "N", 10.02, 60, 1, 2), trade(5, "N", 10.02, 40, 1, 3)],
    )
    assert table(found, "l3").select(COLUMNS).rows()[3:] == [
        (1, "Update", 10.05, 40.0, 10.05, 100.0, 10.02, 60.0, False),
        (2, "Remove", None, 0.0, 10.0, 60.0, 10.02, 60.0, False),
        (1, "Remove", None, 0.0, 10.05, 40.0, 10.02, 40.0, False),
        (3, "Update", 10.01, 10.0, 10.01, 50.0, 10.02, 40.0, True),
    ]
    assert table(found, "trades")["MarketState"].to_list() == ["UNSCHEDULED_AUCTION"] * 2


def test_an_order_known_by_its_trades_only_had_what_they_took(tmp_path):
    """Order 1 has no A row: 30 + 20 executed and 50 deleted make 100."""
    found = write(
        tmp_path, [order(3, "D", "S", 10.01, 50, 1)], [trade(1, "B", 10.01, 30, 8, 1), trade(2, "B", 10.01, 20, 9, 1)]
    )
    assert table(found, "l3").select(COLUMNS).rows() == [
        (1, "Update", 10.01, 70.0, 10.01, 100.0, 10.01, 30.0, True),
        (1, "Update", 10.01, 50.0, 10.01, 70.0, 10.01, 20.0, True),
        (1, "Remove", None, 0.0, 10.01, 50.0, None, 0.0, True),
    ]


def test_order_numbers_of_two_securities_do_not_meet(tmp_path):
    lines = [order(1, "A", "S", 10.0, 100, 1), order(1, "A", "S", 20.0, 70, 1, "019547")]
    l3 = table(write(tmp_path, lines, [trade(2, "B", 10.0, 40, 5, 1)]), "l3")
    assert l3.select("ListingId", "Size").rows() == [("600000", 100.0), ("019547", 70.0), ("600000", 60.0)]


def test_auction_states_follow_the_clock(tmp_path):
    times = ("09:25:00", "09:29:59", "10:30:00", "14:57:00", "15:00:00")
    found = write(tmp_path, [], [trade(i, "N", 10.0, 1, 1, 2, at) for i, at in enumerate(times)])
    assert table(found, "trades")["MarketState"].to_list() == [
        "OPENING_AUCTION",
        "OPENING_AUCTION",
        "UNSCHEDULED_AUCTION",
        "CLOSING_AUCTION",
        "CLOSING_AUCTION",
    ]


def snapshot(time: str, status: str, **book: object) -> str:
    values = {"SecurityID": "600000", "UpdateTime": time, "InstruStatus": status, **book}
    return ",".join(str(values.get(name, "")) for name in SNAPSHOT.split(","))


def test_books_of_call_auctions_are_indications(tmp_path):
    call = {"BidPrice1": 10.0, "BidVolume1": 300, "AskPrice1": 10.0, "AskVolume1": 300, "BidPrice2": 0}
    book = {"BidPrice1": 9.99, "BidVolume1": 100, "NumOrdersB1": 2, "AskPrice1": 0, "AskVolume1": 0, "NumOrdersS1": 0}
    lines = [
        snapshot("09:20:00.000", "OCALL", **call, BidVolume2=50, AskVolume2=0),
        snapshot("09:21:00.000", "OCALL", **call, BidVolume2=0, AskVolume2=0),
        snapshot("09:31:00.000", "TRADE", **book),
    ]
    found = write(tmp_path, [], [], lines)
    columns = [f"{side}{what}1" for side in ("Bid", "Ask") for what in ("Price", "Quantity", "NumOrders")]
    assert table(found, "l2").select(columns).rows() == [(None,) * 6, (None,) * 6, (9.99, 100.0, 2, None, None, None)]
    assert table(found, "l2")["MarketState"].to_list() == ["OPENING_AUCTION", "OPENING_AUCTION", "CONTINUOUS_TRADING"]
    indications = table(found, "imbalance").select("PairedQuantity", "ImbalanceQuantity", "ImbalanceSide").rows()
    assert indications == [(300.0, 50.0, "Buy"), (300.0, 0.0, None)]


def test_halted_over_lunch_is_halted_and_unknown_statuses_are_unknown(tmp_path):
    lines = [snapshot(f"{at}:00.000", said) for at, said in (("10:00", "SUSP"), ("13:30", "TRADE"), ("14:00", "XYZ"))]
    states = table(write(tmp_path, [], [], lines), "marketstate")
    assert states["MarketState"].to_list() == ["HALTED", "CONTINUOUS_TRADING", "UNKNOWN"]


def test_every_table_is_canonical_with_and_without_rows(tmp_path):
    contracts = {contract.name: contract for contract in BUILT_IN}
    found = write(tmp_path, [], [])
    for name in found.tables():
        rows = table(found, name)
        assert rows.height == 0
        for column, dtype in rows.schema.items():
            assert contracts[name].column(column).accepts(dtype), (name, column)


def test_a_zip_is_read_as_its_folder_is(tmp_path):
    lines = [order(1, "A", "S", 10.0, 100, 1)], [trade(2, "B", 10.0, 40, 5, 1)], [snapshot("10:00:00.000", "TRADE")]
    plain = write(tmp_path / "plain", *lines)
    (tmp_path / "zips").mkdir()
    with zipfile.ZipFile(tmp_path / "zips" / "600000_20230201_level2.zip", "w") as archive:
        for file in (tmp_path / "plain" / "20230201").iterdir():
            archive.write(file, f"20230201/{file.name}")
    zipped = source(tmp_path / "zips")
    for name in plain.tables():
        assert zipped.dates(name) == plain.dates(name) == [DAY]
        assert table(zipped, name).equals(table(plain, name))
    (tmp_path / "plain" / "20230201").rename(tmp_path / "zips" / "20230201")
    with pytest.raises(UserError, match="may both hold rows of 2023-02-01: keep one of them"):
        source(tmp_path / "zips").dates("l2")


def test_a_table_has_the_dates_for_which_its_files_are_there(tmp_path):
    found = write(tmp_path, [], [])
    (tmp_path / "20230201" / "trade.csv").unlink()
    found = source(tmp_path)
    assert found.dates("l2") == [DAY]
    assert found.dates("l3") == found.dates("trades") == []
    with pytest.raises(UserError, match="has no l3 for 2023-02-01"):
        found.scan("l3", DAY)
    with pytest.raises(UserError, match="has no table cbbo: it makes reference"):
        found.scan("cbbo", DAY)


def test_a_fingerprint_changes_with_the_files_of_its_table(tmp_path):
    found = write(tmp_path, [], [])
    before = {name: found.fingerprint(name, DAY) for name in found.tables()}
    with (tmp_path / "20230201" / "entrust.csv").open("a") as file:
        file.write(order(1, "A", "S", 10.0, 100, 1) + "\n")
    changed = [name for name in found.tables() if found.fingerprint(name, DAY) != before[name]]
    assert changed == ["l3"]


def test_roots_without_such_files_are_refused(tmp_path):
    with pytest.raises(UserError, match="is no folder"):
        source(tmp_path / "absent").dates("l2")
    with pytest.raises(UserError, match="holds neither a folder as 20230201"):
        source(tmp_path).dates("l2")
    (tmp_path / "20231301").mkdir()
    (tmp_path / "20231301" / "trade.csv").touch()
    with pytest.raises(UserError, match="names no date of the calendar"):
        source(tmp_path).dates("l2")


def test_other_layouts_and_cut_files_are_refused_before_reading(tmp_path):
    found = write(tmp_path, [], [])
    file = tmp_path / "20230201" / "trade.csv"
    for content, said in (
        ("", "has no column TradeIndex"),
        ("SecurityID,TradTime\n", "has no column TradeIndex.*reads Shanghai's and Shenzhen's Level-2 layouts only"),
        ("SecurityID,TransactTime,ApplSeqNum\n", "has no column BidApplSeqNum"),
        (f"{TRADE}\n{trade(1, 'B', 10.0, 1, 1, 2)}\n20,600000,10:0", "ends in the middle of a row"),
    ):
        file.write_text(content)
        with pytest.raises(DataError, match=said):
            found.scan("trades", DAY)
    (tmp_path / "600000_20230202_x.zip").write_bytes(b"PK\x03\x04garbage")
    with pytest.raises(DataError, match=r"600000_20230202_x.zip cannot be read"):
        source(tmp_path).dates("l2")


def test_a_damaged_zip_is_refused(tmp_path):
    place = tmp_path / "600000_20230201_x.zip"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("trade.csv", f"{TRADE}\n{trade(1, 'B', 10.0, 1, 1, 2)}\n")
    place.write_bytes(place.read_bytes().replace(b"600000,", b"6?0000,"))
    with pytest.raises(DataError, match=r"600000_20230201_x.zip cannot be read \(Bad CRC-32"):
        source(tmp_path).scan("trades", DAY)


def test_fewer_trades_than_the_snapshots_count_are_refused(tmp_path):
    """Three trades of 600000, the last snapshot of which counts 4; 600001 has none, and its count is empty."""
    lines = [f"600000,10:00:0{i},TRADE,{count}" for i, count in enumerate((0, 2, 4))] + ["600001,10:00:00,TRADE,"]
    trades = [trade(i, "B", 10.0, 1, 9, i) for i in range(3)]
    found = write(tmp_path, [order(9, "A", "S", 10.0, 1, 9)], trades)
    file = tmp_path / "20230201" / "snapshot.csv"
    columns = [name for name in SNAPSHOT.split(",") if name not in ("SecurityID", "UpdateTime", "InstruStatus")]
    header = ",".join(["SecurityID", "UpdateTime", "InstruStatus", "TradNumber", *columns])
    file.write_text("".join(f"{line}\n" for line in (header, *(line + "," * len(columns) for line in lines))))
    for name in ("trades", "l3"):
        with pytest.raises(DataError, match=r"trade\.csv has 3 trades of 600000, and the last snapshot counts 4"):
            table(found, name)
    assert table(found, "l2").height == 4
    file.write_text(file.read_text().replace("TRADE,4", "TRADE,3"))
    assert table(found, "trades").height == 3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1,600000,10:00:00.000,ten,1,1,2,B,1", "ten"),
        ("1,600000,10:00:00.000,10.0,1,1,2,X,1", "has TradeBSFlag 'X', and B, S, N are known"),
        ("1,600000,10:00:00.000,10.0,,1,2,B,1", "has 1 rows without TradVolume"),
        ("1,600000,10:00:00.000,nan,1,1,2,B,1", "has a TradPrice that is no number"),
        ("1,600000,25:00:00.000,10.0,1,1,2,B,1", "25:00:00.000"),
    ],
)
def test_a_bad_value_stops_the_query_and_is_named(tmp_path, line, said):
    with pytest.raises((DataError, pl.exceptions.PolarsError), match=said):
        table(write(tmp_path, [], [line]), "trades")


class TestLawsOfWrittenFiles(SourceLaws):
    """Two dates and two securities, one of them in a zip."""

    def source(self, folder: Path) -> ChinaL2Source:
        lines = [order(1, "A", "S", 10.0, 100, 1), order(3, "A", "B", 9.0, 70, 4), order(4, "D", "S", 10.0, 60, 1)]
        book = {"BidPrice1": 9.0, "BidVolume1": 70, "NumOrdersB1": 1, "AskPrice1": 10.0, "AskVolume1": 60}
        call = snapshot("09:20:00.000", "OCALL", BidPrice1=9.5, BidVolume1=30, AskPrice1=9.5, AskVolume1=30)
        snapshots = [call, snapshot("10:00:01.000", "TRADE", **book, NumOrdersS1=1)]
        if not (folder / "20230201").exists():
            write(folder, lines, [trade(2, "B", 10.0, 40, 5, 1)], snapshots)
            with zipfile.ZipFile(folder / "600001_20230202_level2.zip", "w") as archive:
                for file in sorted((folder / "20230201").iterdir()):
                    archive.writestr(f"20230202/{file.name}", file.read_text().replace("600000", "600001"))
        return source(folder)
