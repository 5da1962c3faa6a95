"""The bitstamp source: files written here with exact values, and the capture that the package ob-analytics carries.

That package needs pandas, so it is no test dependency: its folder `_sample_data` is read where BASALT_BITSTAMP names it
(unpack the wheel that `pip download ob-analytics --no-deps` fetches), or where the package is installed.
"""

import datetime as dt
import gzip
import json
import os
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

import basalt
from basalt.errors import DataError, UserError
from basalt.testing import SourceLaws
from basalt_io.sources.bitstamp import BitstampOptions, BitstampSource

DAY = dt.date(2026, 5, 2)
START = 1_777_689_380_000  # 2026-05-02 02:36:20 UTC in milliseconds
ORDERS = "id,timestamp,exchange_timestamp,price,volume,action,direction"
TRADES = "trade_id,timestamp,exchange_timestamp,price,amount,buy_order_id,sell_order_id,side"
L3 = ("OrderId", "Side", "Action", "Price", "Size", "OldPrice", "OldSize", "ExecutionPrice", "ExecutionSize")


def write(
    folder: Path, orders: list[str], prints: list[str] | None = None, listing: int | str | None = 1, **meta: object
) -> BitstampSource:
    """A capture; `orders` are written as `id at price volume action direction`, `at` in milliseconds from START."""
    (folder / "orders.csv").write_text("\n".join([ORDERS, *map(event, orders), ""]))
    if prints is not None:
        (folder / "trades.csv").write_text("\n".join([TRADES, *map(event, prints), ""]))
    if meta:
        (folder / "meta.json").write_text(json.dumps(meta))
    return source(folder, listing)


def event(spelt: str) -> str:
    name, at, *rest = spelt.split()
    stamp = START + int(at)
    return ",".join([name, str(stamp + 70), str(stamp), *rest])


def source(folder: Path, listing: int | str | None = 1) -> BitstampSource:
    return BitstampSource(BitstampOptions(root=str(folder), listing=listing), Path("/nowhere"))


def rows(frame: pl.LazyFrame, *columns: str) -> list[tuple[object, ...]]:
    return frame.select(columns).collect().rows()


class TestLawsOfTheSource(SourceLaws):
    def source(self, folder: Path) -> BitstampSource:
        if (folder / "orders.csv").exists():
            return source(folder, "btcusd")
        orders = ["1 0 100 2 created bid", "1 9 100 1.5 changed bid", "1 86400000 100 0 deleted bid"]
        trades = ["7 9 100 0.5 1 2 sell", "8 86400000 100 1.5 1 3 sell"]
        return write(folder, orders, trades, "btcusd", snapshot_microtimestamp=START * 1_000 + 321)


def test_a_volume_that_falls_is_an_execution_at_the_price_of_the_event(tmp_path):
    """Order 1 has 0.3: two fills, 0.3 - 0.1 = 0.2 without a float's dust, then 0.1. Order 2 is withdrawn whole."""
    found = write(
        tmp_path,
        [
            "1 0 100.5 0.3 created bid",
            "2 1 101 4 created ask",
            "1 5 100.5 0.1 changed bid",
            "1 6 100.5 0 deleted bid",
            "2 7 103 4 deleted ask",
        ],
    )
    assert rows(found.scan("l3", DAY), *L3) == [
        (1, "Bid", "Insert", 100.5, 0.3, None, 0.0, None, 0.0),
        (2, "Ask", "Insert", 101.0, 4.0, None, 0.0, None, 0.0),
        (1, "Bid", "Update", 100.5, 0.1, 100.5, 0.3, 100.5, 0.2),
        (1, "Bid", "Remove", None, 0.0, 100.5, 0.1, 100.5, 0.1),
        (2, "Ask", "Remove", None, 0.0, 101.0, 4.0, None, 0.0),
    ]


TAKING = [
    "1 0 100 1 created ask",
    "2 0 101 1 created ask",
    "3 5 102 2.5 created bid",
    "3 5 100 1.5 changed bid",
    "1 5 100 0 deleted ask",
    "3 5 101 0.5 changed bid",
    "2 5 101 0 deleted ask",
    "3 9 102 0.5 deleted bid",
]
TAKEN = ["7 5 100 1 3 1 buy", "8 5 101 1 3 2 buy"]


@pytest.mark.parametrize("trades", [None, TAKEN])
def test_what_an_order_takes_never_rests(tmp_path, trades):
    """Order 3 takes 1 at 100 and 1 at 101, and 0.5 rests at its limit, 102: one Insert, where its last row was."""
    l3 = write(tmp_path, TAKING, trades).scan("l3", DAY)
    assert rows(l3, "SequenceNo", "OrderId", "Action", "Price", "Size", "OldPrice", "ExecutionSize") == [
        (1, 1, "Insert", 100.0, 1.0, None, 0.0),
        (2, 2, "Insert", 101.0, 1.0, None, 0.0),
        (5, 1, "Remove", None, 0.0, 100.0, 1.0),
        (6, 3, "Insert", 102.0, 0.5, None, 0.0),
        (7, 2, "Remove", None, 0.0, 101.0, 1.0),
        (8, 3, "Remove", None, 0.0, 102.0, 0.0),
    ]


def test_an_order_that_is_filled_on_arrival_or_has_no_volume_leaves_no_row(tmp_path):
    """Order 2 takes all it wants; order 3 is a market order by amount, of volume 0."""
    found = write(
        tmp_path,
        [
            "1 0 100 1 created ask",
            "2 5 102 0.4 created bid",
            "2 5 100 0 deleted bid",
            "1 5 100 0.6 changed ask",
            "3 6 999999999 0 created bid",
            "3 6 100 0 deleted bid",
        ],
    )
    assert rows(found.scan("l3", DAY), "OrderId", "Action", "ExecutionSize") == [(1, "Insert", 0), (1, "Update", 0.4)]


def test_trades_tell_who_was_hit_in_the_millisecond_of_its_creation(tmp_path):
    """Order 1 is created and filled by order 2 at one stamp. Without trades it passes for a taker."""
    orders = ["1 0 100 1 created ask", "2 0 101 1 created bid", "2 0 100 0 deleted bid", "1 0 100 0 deleted ask"]
    assert rows(write(tmp_path, orders).scan("l3", DAY), "OrderId") == []
    told = write(tmp_path, orders, ["7 0 100 1 2 1 buy"]).scan("l3", DAY)
    assert rows(told, "OrderId", "Action", "ExecutionSize") == [(1, "Insert", 0.0), (1, "Remove", 1.0)]


def test_an_order_withdrawn_in_the_millisecond_of_its_creation_rested(tmp_path):
    found = write(tmp_path, ["1 0 100 1 created ask", "1 0 100 1 deleted ask"])
    assert rows(found.scan("l3", DAY), "Action", "ExecutionSize") == [("Insert", 0.0), ("Remove", 0.0)]


def test_orders_that_were_not_created_in_the_file(tmp_path):
    found = write(tmp_path, ["1 0 100 3 changed bid", "1 1 100 2 changed bid", "2 2 101 1 deleted ask"])
    assert rows(found.scan("l3", DAY), *L3[2:]) == [
        ("Update", 100.0, 3.0, None, None, None, 0.0),
        ("Update", 100.0, 2.0, 100.0, 3.0, 100.0, 1.0),
        ("Remove", None, 0.0, 101.0, 1.0, None, 0.0),
    ]


def test_rows_that_the_recorder_made_up(tmp_path):
    """What is created at the snapshot's stamp is l3_snapshot; the last two rows withdraw what stands, and are out."""
    orders = [
        "1 0 100 1 created bid",
        "2 0 101 2 created ask",
        "3 4 99 3 created bid",
        "1 9 100 0.5 changed bid",
        *("1 20 100 0.5 deleted bid", "2 20 101 2 deleted ask", "3 20 99 3 deleted bid"),
    ]
    said = {"snapshot_microtimestamp": START * 1_000 + 321, "synthetic_deleted": 3, "total_order_rows": 7}
    found = write(tmp_path, orders, listing=None, pair="btcusd", **said)
    assert found.tables() == ["l3", "l3_snapshot"]
    snapshot = found.scan("l3_snapshot", DAY)
    assert rows(snapshot, "ListingId", "OrderId", "Side", "Price", "Size") == [
        ("btcusd", 1, "Bid", 100.0, 1.0),
        ("btcusd", 2, "Ask", 101.0, 2.0),
    ]
    assert rows(snapshot, "EventTimestamp")[0] == (dt.datetime(2026, 5, 2, 2, 36, 20, tzinfo=dt.UTC),)
    changes = rows(found.scan("l3", DAY), "OrderId", "Action", "OldSize", "ExecutionSize")
    assert changes == [(3, "Insert", 0.0, 0.0), (1, "Update", 1.0, 0.5)]


def test_trades_have_the_takers_side(tmp_path):
    found = write(tmp_path, ["1 0 100 1 created bid"], ["7 5 100.25 0.5 1 2 sell", "8 6 100.5 0.25 3 1 buy"])
    assert rows(found.scan("trades", DAY), "ListingId", "SequenceNo", "Price", "Size", "AggressorSide", "TradeId") == [
        (1, 1, 100.25, 0.5, "Sell", "7"),
        (1, 2, 100.5, 0.25, "Buy", "8"),
    ]


def test_columns_may_be_spelt_as_in_r_and_files_be_gzipped(tmp_path):
    text = "direction,action,exchange.timestamp,volume,price,id,timestamp\nbid,created,1777689380000,2,100,1,0\n"
    (tmp_path / "orders.csv.gz").write_bytes(gzip.compress(text.encode()))
    assert rows(source(tmp_path).scan("l3", DAY), "OrderId", "Side", "Price", "Size") == [(1, "Bid", 100.0, 2.0)]


def test_a_capture_over_midnight_is_two_dates(tmp_path):
    """The order that stood at midnight keeps what it had."""
    found = write(tmp_path, ["1 0 100 2 created bid", "1 86400000 100 1.5 changed bid"])
    days = found.dates("l3")
    assert days == [DAY, DAY + dt.timedelta(days=1)]
    assert rows(found.scan("l3", days[1]), "Action", "OldSize", "ExecutionSize") == [("Update", 2.0, 0.5)]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1 0 abc 1 created bid", "row 2: price is 'abc', not a number"),
        ("1 0 100 -1 created bid", "row 2: volume is '-1', not a number"),
        ("1 0 100 nan created bid", "row 2: volume is 'nan', not a number"),
        ("1 0 100 1 amended bid", "row 2: action is 'amended', not created or changed or deleted"),
        ("1 0 100 1 created", "row 2: direction is None, not bid or ask"),
        ("1 -1777000000000 100 1 created bid", "row 2: exchange_timestamp is '689380000', not milliseconds"),
        ("1 0 100 1 created bid more", "is no readable CSV file"),
    ],
)
def test_a_row_without_sense_is_refused(tmp_path, row, said):
    write(tmp_path, ["9 0 100 1 created bid", row, "9 1 100 1 deleted bid"])
    with pytest.raises(DataError, match=said):
        source(tmp_path).scan("l3", DAY).collect()


def test_files_that_do_not_fit_meta_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"has 1 rows, and meta\.json says 2"):
        write(tmp_path, ["1 0 100 1 created bid"], total_order_rows=2).scan("l3", DAY).collect()
    with pytest.raises(DataError, match=r"trades\.csv has 1 rows, and meta\.json says 3"):
        write(tmp_path, ["1 0 100 1 created bid"], ["7 0 100 1 2 1 buy"], trades=3).dates("trades")
    with pytest.raises(DataError, match=r"orders\.csv has no row"):
        write(tmp_path, []).dates("l3")
    with pytest.raises(DataError, match="does not end with the 1 rows deleted at one stamp"):
        write(tmp_path, ["1 0 100 1 created bid"], synthetic_deleted=1).scan("l3", DAY).collect()
    (tmp_path / "meta.json").write_text("[1]")
    with pytest.raises(DataError, match=r"meta\.json makes no sense"):
        source(tmp_path).tables()


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(UserError, match="is no folder"):
        source(tmp_path / "no").tables()
    with pytest.raises(UserError, match=r"holds no orders\.csv"):
        source(tmp_path).tables()
    found = write(tmp_path, ["1 0 100 1 created bid"], listing=None)
    with pytest.raises(UserError, match="set `listing`"):
        found.scan("l3", DAY)
    with pytest.raises(UserError, match=r"has no table trades: .* makes l3"):
        found.dates("trades")
    with pytest.raises(UserError, match=r"no l3 for 2020-01-01: .* has 2026-05-02 alone"):
        found.scan("l3", dt.date(2020, 1, 1))
    (tmp_path / "orders.csv.gz").write_bytes(b"")
    with pytest.raises(UserError, match="holds both"):
        source(tmp_path).tables()


@pytest.fixture(scope="module")
def capture() -> BitstampSource:
    """30 minutes of BTC/USD: 314,057 rows, of which 6,512 are the book at the start and 6,518 that of the end."""
    named, installed = os.environ.get("BASALT_BITSTAMP"), find_spec("ob_analytics")
    if named is None and (installed is None or installed.origin is None):
        pytest.skip("BASALT_BITSTAMP names no folder with the capture of ob-analytics, which is not installed either")
    folder = Path(named) if named is not None else Path(installed.origin).parent / "_sample_data"
    return source(folder, None)


@pytest.mark.slow
def test_the_capture_has_as_many_executions_as_trades(capture):
    """284 trades of 15.02983915 BTC, by sellers 122 and by buyers 162; every one takes from one resting order."""
    trades = capture.scan("trades", DAY).collect()
    assert (trades.height, trades["Size"].sum()) == (284, pytest.approx(15.02983915, abs=1e-9))
    assert dict(trades["AggressorSide"].value_counts().iter_rows()) == {"Sell": 122, "Buy": 162}
    executed = capture.scan("l3", DAY).filter(pl.col("ExecutionSize") > 0).collect()
    assert (executed.height, executed["ExecutionSize"].sum()) == (284, pytest.approx(15.02983915, abs=1e-9))
    seller = pl.when(pl.col("Side") == "Bid").then(pl.lit("Sell")).otherwise(pl.lit("Buy"))
    facts = ["EventTimestamp", "ExecutionPrice", "ExecutionSize", "AggressorSide"]
    found = executed.with_columns(AggressorSide=seller).select(facts).sort(facts)
    told = trades.select("EventTimestamp", ExecutionPrice="Price", ExecutionSize="Size", AggressorSide="AggressorSide")
    told = told.with_columns(pl.col("AggressorSide").cast(pl.String)).sort(facts)
    assert found.drop("ExecutionSize").equals(told.drop("ExecutionSize"))
    assert (found["ExecutionSize"] - told["ExecutionSize"]).abs().max() < 1e-8


@pytest.mark.slow
def test_the_book_of_the_capture_ends_as_the_recorder_found_it(capture):
    """6,518 orders stand at the end: those that the recorder then withdrew. No execution is away from the order's
    price, and none takes more than the order has."""
    columns = ("OrderId", "Size", "SequenceNo")
    states = [capture.scan(table, DAY).select(columns) for table in ("l3_snapshot", "l3")]
    last = pl.concat(states).sort("SequenceNo").group_by("OrderId").last().filter(pl.col("Size") > 0).collect()
    assert last.height == 6_518
    l3 = capture.scan("l3", DAY).filter(pl.col("ExecutionSize") > 0).collect()
    assert l3.filter(pl.col("ExecutionPrice") != pl.col("OldPrice")).is_empty()
    assert l3.filter(pl.col("ExecutionSize") > pl.col("OldSize") + 1e-8).is_empty()


@pytest.mark.slow
def test_both_orders_of_every_trade_are_in_the_capture_and_the_resting_one_shrinks_by_it(capture):
    """284 trades, 568 orders; all 284 resting orders lose exactly what was traded."""
    (found,) = Path(capture.root).glob("orders.csv*")
    orders, trades = pl.read_csv(found)["id"], pl.read_csv(Path(capture.root) / "trades.csv")
    assert trades.select(pl.col("buy_order_id", "sell_order_id").is_in(orders.implode()).sum()).row(0) == (284, 284)
    hit = capture.scan("l3", DAY).filter(pl.col("ExecutionSize") > 0).collect()
    shrunk = (hit["OldSize"] - hit["Size"] - hit["ExecutionSize"]).abs() < 1e-8
    assert (hit.height, shrunk.sum()) == (284, 284)


@pytest.mark.slow
def test_lives_of_the_capture_are_those_that_its_files_tell(capture):
    """By the module, against when orders are created, traded and withdrawn by the files: 149,774 cancelled ones that
    never traded, 213 that traded and were created in the capture, 6,512 that stood at its start, 6,518 at its end."""
    tables = {name: capture.scan(name, DAY).collect() for name in ("l3", "l3_snapshot")}
    groups = {"resting": [{"ends": ["FirstFill", "Cancel"], "sides": ["Total"]}], "flow": [], "ratios": []}
    (row,) = basalt.compute([{"module": "l3", "snapshot": "l3_snapshot", **groups}], every="24h", **tables).to_dicts()
    assert (row["TotalAdoptedCount"], row["TotalOpenOrderCount"]) == (6_512, 6_518)
    trades = pl.read_csv(Path(capture.root) / "trades.csv")
    resting = pl.when(pl.col("side") == "buy").then("sell_order_id").otherwise("buy_order_id")
    traded = trades.group_by(OrderId=resting).agg(Traded=pl.col("exchange_timestamp").min() * 1_000_000)
    at = pl.col("EventTimestamp").to_physical()
    begun = tables["l3"].filter(pl.col("Action") == "Insert").select("OrderId", Begun=at)
    gone = tables["l3"].filter(pl.col("Action") == "Remove").select("OrderId", Gone=at)
    lives = begun.join(traded, on="OrderId", how="left").join(gone, on="OrderId", how="left")
    waits = lives.select((pl.col("Traded") - pl.col("Begun")) / 1e9).to_series().drop_nulls()
    assert row["TotalRestingToFirstFillCount"] == len(waits) == 213
    assert row["TotalRestingToFirstFillMeanSeconds"] == pytest.approx(waits.mean(), rel=1e-9)
    rests = lives.filter(pl.col("Traded").is_null()).select((pl.col("Gone") - pl.col("Begun")) / 1e9).to_series()
    assert row["TotalRestingToCancelCount"] == len(rests.drop_nulls()) == 149_774
    assert row["TotalRestingToCancelMeanSeconds"] == pytest.approx(rests.mean(), rel=1e-9)
