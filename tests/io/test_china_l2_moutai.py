"""The china_l2 source on a real day, Kweichow Moutai (600519) of 2023-02-01.

The figures are facts of its files, counted there without basalt.
"""

import datetime as dt
import subprocess
import sys
import zipfile
from bisect import insort
from collections import defaultdict
from pathlib import Path

import polars as pl
import pytest

from basalt.testing import SourceLaws
from basalt_io.sources.china_l2 import ChinaL2Options, ChinaL2Source

DAY = dt.date(2023, 2, 1)
SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "sse-600519"
Level = tuple[float, float, int]
Books = dict[float, list[tuple[int, tuple[list[Level], list[Level]]]]]


@pytest.fixture(scope="module")
def moutai() -> ChinaL2Source:
    if not SHARED.is_dir():
        pytest.skip("the Shanghai sample is not in the folder `shared/data/sse-600519` beside the checkout")
    return ChinaL2Source(ChinaL2Options(root=str(SHARED)), Path("/nowhere"))


@pytest.fixture(scope="module")
def books(moutai) -> Books:
    return _books_at_event_ends(moutai)


def table(found: ChinaL2Source, name: str) -> pl.DataFrame:
    return found.scan(name, DAY).collect()


class TestMoutai:
    def test_orders_are_all_there(self, moutai):
        """54,735 messages: A is Insert (39,067), D is Remove without execution (15,668)."""
        l3 = table(moutai, "l3")
        assert l3.filter(pl.col("Action") == "Insert").height == 39_067
        assert l3.filter(pl.col("Action") == "Remove", pl.col("ExecutionSize") == 0).height == 15_668

    def test_each_trade_executes_one_resting_order_and_an_auction_trade_two(self, moutai):
        """12,601 bought + 13,971 sold + 2 × 563 of auctions = 27,698 executions, of asks, bids and both."""
        fills = table(moutai, "l3").filter(pl.col("ExecutionSize") > 0)
        assert dict(fills["Side"].value_counts().iter_rows()) == {"Ask": 12_601 + 563, "Bid": 13_971 + 563}
        assert set(fills["Action"]) == {"Update", "Remove"}
        trades = table(moutai, "trades").select("SequenceNo", "TradeId", "Price", "Size")
        joined = fills.join(trades, on=["SequenceNo", "TradeId"], suffix="Traded")
        assert joined.height == 27_698
        assert joined["ExecutionPrice"].equals(joined["PriceTraded"])
        assert joined["ExecutionSize"].equals(joined["SizeTraded"])

    def test_sides_volume_and_average_price(self, moutai):
        trades = table(moutai, "trades")
        sides = dict(trades["AggressorSide"].cast(pl.String).value_counts().iter_rows())
        assert sides == {"Buy": 12_601, "Sell": 13_971, None: 563}
        turnover = (trades["Price"] * trades["Size"]).sum()
        assert trades["Size"].sum() == 3_397_389
        assert turnover == pytest.approx(6_244_678_924.61, abs=0.005)
        assert turnover / trades["Size"].sum() == pytest.approx(1838.0818106522, abs=5e-11)

    def test_auctions(self, moutai):
        auctions = table(moutai, "trades").filter(pl.col("TradeType") == "Auction")
        assert auctions["AggressorSide"].null_count() == 563
        opening = auctions.filter(pl.col("MarketState") == "OPENING_AUCTION")
        closing = auctions.filter(pl.col("MarketState") == "CLOSING_AUCTION")
        assert (opening.height, opening["Size"].sum(), set(opening["Price"])) == (260, 32_800, {1854.98})
        assert (closing.height, closing["Size"].sum(), set(closing["Price"])) == (303, 45_912, {1844.97})

    def test_the_last_indication_is_what_the_auction_trades(self, moutai):
        """At 09:25:00 and 15:00:00; 88 shares bid are left over at the close, and so the last snapshot's best bid."""
        figures = table(moutai, "imbalance").drop("ListingId")
        opening = figures.filter(pl.col("EventTimestamp").dt.hour() < 6).row(-1)[1:]
        assert opening == (1854.98, 32_800.0, 250.0, "Sell")
        assert figures.row(-1)[1:] == (1844.97, 45_912.0, 88.0, "Buy")
        assert table(moutai, "l2").row(-1, named=True)["BidQuantity1"] == 88.0

    def test_states_of_the_day(self, moutai):
        """In UTC, eight hours behind Shanghai; the statuses are TRADE from 09:25:01 to 14:57:00, lunch included."""
        states = table(moutai, "marketstate")
        assert list(zip(states["EventTimestamp"].dt.strftime("%H:%M:%S"), states["MarketState"], strict=True)) == [
            ("00:45:18", "PRE_OPEN"),
            ("01:14:00", "OPENING_AUCTION"),
            ("01:25:01", "PRE_OPEN"),
            ("01:30:00", "CONTINUOUS_TRADING"),
            ("03:30:00", "CLOSED"),
            ("05:00:00", "CONTINUOUS_TRADING"),
            ("06:57:00", "CLOSING_AUCTION"),
            ("07:00:02", "POST_TRADE"),
            ("07:05:03", "CLOSED"),
        ]

    def test_stamps_follow_the_shared_sequence(self, moutai):
        both = pl.concat([table(moutai, name).select("SequenceNo", "EventTimestamp") for name in ("l3", "trades")])
        assert both.sort("SequenceNo")["EventTimestamp"].is_sorted()
        assert moutai.promises.shared_sequence
        first = table(moutai, "l3").row(0, named=True)
        assert first["EventTimestamp"] == dt.datetime(2023, 2, 1, 1, 15, 0, 20_000, dt.UTC)
        assert first["SequenceNo"] == 76_838

    def test_states_before_and_after_agree(self, moutai):
        """Per order: what an event leaves is what the next one finds, and the first is the Insert."""
        per_order = pl.col("Size").shift().over("OrderId")
        l3 = table(moutai, "l3").with_columns(Left=per_order, First=pl.col("OrderId").is_first_distinct())
        assert set(l3.filter("First")["Action"]) == {"Insert"}
        later = l3.filter(~pl.col("First"))
        assert later["OldSize"].equals(later["Left"], check_names=False)
        executed = l3.filter(pl.col("ExecutionSize") > 0)
        assert (executed["OldSize"] - executed["Size"]).equals(executed["ExecutionSize"], check_names=False)

    def test_prices_are_whole_ticks(self, moutai):
        """The file has 1844.960000000000036: the float is that of 1844.96."""
        prices = table(moutai, "l3")["Price"].drop_nulls()
        assert prices.equals(prices.round(2))

    def test_the_rebuilt_book_is_the_exchanges_snapshot(self, moutai, books):
        """Price, quantity and number of orders of all ten levels, at each of the 4,750 snapshots of continuous trading
        (4,748 of them strictly inside it): some end of an event within 6 s, at the snapshot's own cumulative volume,
        has that book."""
        snapshots = _snapshots_with_volume(moutai).filter(pl.col("MarketState") == "CONTINUOUS_TRADING")
        matched = 0
        for row in snapshots.iter_rows(named=True):
            near = [book for at, book in books[row["Volume"]] if abs(at - row["At"]) <= 6_000_000_000]
            matched += (_levels(row, "Bid"), _levels(row, "Ask")) in near
        assert (snapshots.height, matched) == (4_750, 4_750)

    def test_the_last_book_is_the_last_snapshot(self, moutai, books):
        row = _snapshots_with_volume(moutai).row(-1, named=True)
        assert books[row["Volume"]][-1][1] == (_levels(row, "Bid"), _levels(row, "Ask"))

    def test_the_book_is_never_locked_nor_crossed_when_an_event_of_continuous_trading_ends(self, books):
        start, end = (int(dt.datetime(2023, 2, 1, *at, tzinfo=dt.UTC).timestamp()) * 10**9 for at in ((1, 30), (6, 57)))
        ends = [book for at_volume in books.values() for at, book in at_volume if start <= at < end]
        assert len(ends) > 50_000
        assert not [1 for bids, asks in ends if bids[0][0] >= asks[0][0]]


PIPELINE = """
name = "moutai"
source = { type = "china_l2", root = "ROOT" }
outputs = [{ type = "parquet", root = "out" }]

[[passes]]
name = "bars"
every = "1m"

[[passes.modules]]
module = "trade"
market_states = "all"
generic = [{ measures = ["Volume", "Count", "VWAP"], sides = ["Total", "Buy", "Sell"] }]

[[passes]]
name = "day"
every = "1d"

[[passes.modules]]
module = "generic"
source = "bars"
"""


@pytest.mark.slow
def test_a_pipeline_over_it_says_what_the_day_is_known_for(moutai, tmp_path):
    (tmp_path / "moutai.toml").write_text(PIPELINE.replace("ROOT", str(SHARED.resolve())))
    command = [sys.executable, "-c", "from basalt.cli.main import main; main()", "pipeline", "run", "moutai.toml"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    day = pl.read_parquet(tmp_path / "out" / "day" / "date=2023-02-01" / "all.parquet").row(0, named=True)
    assert (day["TradeTotalVolume"], day["TradeTotalCount"]) == (3_397_389, 27_135)
    assert (day["TradeBuyCount"], day["TradeSellCount"]) == (12_601, 13_971)
    assert day["TradeTotalVWAP"] == pytest.approx(1838.0818106522, abs=5e-10)


def _snapshots_with_volume(found: ChinaL2Source) -> pl.DataFrame:
    with zipfile.ZipFile(next(SHARED.glob("*.zip"))) as archive:
        raw = pl.read_csv(archive.read("20230201/snapshot.csv"), columns=["TradVolume"], infer_schema=False)
    return table(found, "l2").with_columns(
        Volume=raw["TradVolume"].cast(pl.Float64), At=pl.col("EventTimestamp").cast(pl.Int64)
    )


def _levels(row: dict[str, object], side: str) -> list[tuple[object, ...]]:
    every = [tuple(row[f"{side}{what}{i}"] for what in ("Price", "Quantity", "NumOrders")) for i in range(1, 11)]
    return [level for level in every if level[0] is not None]


def _books_at_event_ends(found: ChinaL2Source) -> Books:
    """Ten levels a side after each event, by cumulative volume traded: (nanosecond, (bids, asks))."""
    traded = found.scan("trades", DAY).select("SequenceNo", Volume=pl.col("Size").cum_sum())
    events = found.scan("l3", DAY).join_asof(traded, on="SequenceNo", check_sortedness=False)
    columns = ("Side", "Action", "Price", "Size", "OldPrice", "OldSize", "EndOfEvent", "Volume")
    rows = events.select(*columns, pl.col("EventTimestamp").cast(pl.Int64)).with_columns(pl.col("Volume").fill_null(0))
    sides = {"Bid": _Side(-1), "Ask": _Side(1)}
    books = defaultdict(list)
    for side, action, price, size, old_price, old_size, end, volume, at in rows.collect().iter_rows():
        if action != "Insert":
            sides[side].change(old_price, -old_size, -1)
        if action != "Remove":
            sides[side].change(price, size, 1)
        if end:
            books[volume].append((at, (sides["Bid"].best(), sides["Ask"].best())))
    return books


class _Side:
    """Quantity and number of orders by price; `sign` -1 puts the highest price first."""

    def __init__(self, sign: int) -> None:
        self.sign, self.order, self.held = sign, [], {}

    def change(self, price: float, quantity: float, orders: int) -> None:
        if price not in self.held:
            insort(self.order, self.sign * price)
            self.held[price] = (0.0, 0)
        had, count = self.held[price]
        self.held[price] = (had + quantity, count + orders)
        if count + orders == 0:
            del self.held[price]
            self.order.remove(self.sign * price)

    def best(self) -> list[Level]:
        return [(self.sign * key, *self.held[self.sign * key]) for key in self.order[:10]]


class TestLawsOfMoutai(SourceLaws):
    @pytest.fixture(autouse=True)
    def _sample(self, moutai):
        self.found = moutai

    def source(self, folder: Path) -> ChinaL2Source:
        return ChinaL2Source(ChinaL2Options(root=str(SHARED)), folder)
