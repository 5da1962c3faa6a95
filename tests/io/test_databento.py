"""The databento source: real CME, Nasdaq and OPRA files, and DBN files written here with exact values.

The facts of the CME day were counted without basalt; so were the numbers of records, by `databento_dbn` itself.
"""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from dbn_files import DAY, LAST, MIDNIGHT, SECOND, SNAPSHOT, dbn, definition, order, real_folder, rows, source, write

from basalt.tables import L3_SNAPSHOT
from basalt.testing import SourceLaws
from basalt_io.sources.databento import DatabentoSource

L3 = ("OrderId", "Side", "Action", "Price", "Size", "OldPrice", "OldSize", "ExecutionPrice", "ExecutionSize")


@pytest.fixture(scope="session")
def real() -> Path:
    return real_folder()


def replayed(found: DatabentoSource, day: dt.date) -> pl.DataFrame:
    """The last state of each order of snapshot and l3 that has shares left."""
    columns = ("OrderId", "Side", "Price", "Size", "SequenceNo")
    both = pl.concat([found.scan(table, day).select(columns) for table in ("l3_snapshot", "l3")])
    return both.sort("SequenceNo").group_by("OrderId").last().filter(pl.col("Size") > 0).collect()


@pytest.mark.parametrize("files", ["esh4-glbx-mdp3-20231225*", "esh4-glbx-mdp3-2023122[45]*"])
def test_replaying_the_cme_day_ends_with_the_known_book(real, tmp_path, files):
    """Also with the day before in front: each file's snapshot replaces the book, and nothing is carried over."""
    for file in real.glob(files):
        (tmp_path / file.name).symlink_to(file)
    book = replayed(source(tmp_path), DAY)
    bids, asks = (book.filter(pl.col("Side") == side)["Price"] for side in ("Bid", "Ask"))
    assert (bids.n_unique(), asks.n_unique()) == (922, 565)
    assert (bids.max(), asks.min()) == (4810.0, 4810.25)


def test_orders_of_the_cme_day(real):
    """29,216 A less 8,725 of the snapshot are 20,491 Insert; no C leaves shares, so 17,999 are Remove; 12,233 M."""
    found = source(real, schemas=["mbo"])
    l3 = found.scan("l3", DAY).collect()
    assert dict(l3["Action"].value_counts().iter_rows()) == {"Insert": 20_491, "Remove": 17_999, "Update": 12_233}
    snapshot = found.scan("l3_snapshot", DAY).collect()
    assert snapshot.height == 8_725
    assert snapshot["EventTimestamp"].unique().to_list() == [dt.datetime(2023, 12, 25, tzinfo=dt.UTC)]
    assert found.promises.shared_sequence
    assert found.promises.complete_book


def test_executions_of_the_cme_day(real):
    """6,371 F have 10,201 lots: 9,922 of them are of orders that rested, 265 of resting orders amended to cross, and
    14 of orders of the opening that were never displayed. All but the 44 lots that the opening matched rest on one
    side: 9,892 lots traded + 44 - 14 = 9,922. No fill takes a share that it did not report."""
    l3 = source(real, schemas=["mbo"]).scan("l3", DAY).collect()
    assert l3["ExecutionSize"].sum() == 9_922
    filled = l3.filter((pl.col("ExecutionSize") > 0) & (pl.col("Action") == "Remove"))
    assert filled.height == 5_234
    assert filled.filter(pl.col("ExecutionSize") < pl.col("OldSize")).height == 0


def test_states_of_an_order_join_up(real):
    """Every row's old state is the one that the order's previous row, or the snapshot, left."""
    found = source(real, schemas=["mbo"])
    before = found.scan("l3_snapshot", DAY).select("SequenceNo", "OrderId", "Price", "Size")
    l3 = found.scan("l3", DAY)
    states = pl.concat([before, l3], how="diagonal").sort("SequenceNo").collect()
    was = states.with_columns(pl.col("Price", "Size").shift(1).over("OrderId").name.prefix("Was"))
    later = was.filter(pl.col("Action").is_in(["Update", "Remove"]))
    assert later.height == 17_999 + 12_233
    assert later.filter(
        (pl.col("OldPrice") != pl.col("WasPrice")) | (pl.col("OldSize") != pl.col("WasSize"))
    ).is_empty()


def test_trades_of_the_cme_day(real):
    trades = source(real, schemas=["mbo"]).scan("trades", DAY).collect()
    assert (trades.height, trades["Size"].sum()) == (2_973, 9_892)
    vwap = (trades["Price"] * trades["Size"]).sum() / trades["Size"].sum()
    assert vwap == pytest.approx(4808.7227052, abs=5e-8)
    assert trades["AggressorSide"].null_count() == 1


def decoded(file: Path) -> int:
    """Records of the file by `databento_dbn`, metadata not counted."""
    packed = dbn.DBNDecoder(compression=dbn.Compression.ZSTD)
    return len(packed.write_and_decode(file.read_bytes())) - 1


SMALL = [
    ("dbn-small", "GLBX.MDP3", "mbo", {"l3": 0, "l3_snapshot": 4, "trades": 0}),
    ("dbn-small", "GLBX.MDP3", "mbp-1", {"l2": 4, "trades": 0}),
    ("dbn-small", "GLBX.MDP3", "mbp-10", {"l2": 4, "trades": 0}),
    ("dbn-small", "GLBX.MDP3", "trades", {"trades": 4}),
    ("dbn-small", "GLBX.MDP3", "status", {"marketstate": 4}),
    ("dbn-small", "OPRA.PILLAR", "cbbo-1s", {"cbbo": 4}),
    ("dbn-small", "XNAS.ITCH", "imbalance", {"imbalance": 4}),
    ("dbn-small", "XNAS.ITCH", "mbo", {"l3": 4, "l3_snapshot": 0, "trades": 0}),
    ("dbn-small", "XNAS.ITCH", "mbp-1", {"l2": 4, "trades": 0}),
    ("dbn-small", "XNAS.ITCH", "mbp-10", {"l2": 4, "trades": 0}),
    ("dbn-small", "XNAS.ITCH", "trades", {"trades": 4}),
    (".", "GLBX.MDP3", "bbo-1m", {"l2": 20}),
]


@pytest.mark.parametrize(("folder", "dataset", "schema", "expected"), SMALL)
def test_every_record_of_the_small_files_is_a_row(real, folder, dataset, schema, expected):
    found = source(real / folder, dataset=dataset, schemas=[schema])
    counts = {table: found.scan(table, found.dates(table)[0]).collect().height for table in found.tables()}
    assert counts == expected
    assert sum(counts.values()) == sum(decoded(one.file) for one in found._files)


def test_listings_have_the_symbols_of_the_mappings(real):
    l2 = source(real, schemas=["bbo-1m"]).scan("l2", dt.date(2024, 5, 9)).collect()
    assert sorted(l2["ListingId"].unique()) == ["ESM4", "NQM4"]
    first = l2.filter(pl.col("ListingId") == "ESM4").row(0, named=True)
    assert (first["BidPrice1"], first["BidQuantity1"], first["BidNumOrders1"]) == (5199.0, 19.0, 15)
    assert first["EventTimestamp"] == dt.datetime(2024, 5, 9, 9, 55, tzinfo=dt.UTC)


def test_an_option_without_a_quote_has_nulls(real):
    found = source(real / "dbn-small", dataset="OPRA.PILLAR")
    first, second = found.scan("cbbo", dt.date(2025, 2, 20)).collect().head(2).rows(named=True)
    assert {name for name, value in first.items() if value is None} == {
        f"{side}{what}" for side in ("Bid", "Ask") for what in ("Price1", "Quantity1", "Venues")
    }
    assert (second["BidPrice1"], second["AskPrice1"], second["BidVenues"]) == (0.1, 0.25, "23")


def test_indications_of_the_nasdaq_opening(real):
    found = source(real / "dbn-small", dataset="XNAS.ITCH", schemas=["imbalance"])
    first = found.scan("imbalance", dt.date(2020, 12, 28)).collect().row(0)
    assert first[3:] == (522.51, 522.2, 70_526.0, 6_981.0, "Sell")


def test_states_of_the_cme_day_begin_with_the_date(real):
    """TRADING of the evening before is repeated at midnight; a pause from 21:15 ends at 21:30 with a new indication."""
    found = source(real / "dbn-small", dataset="GLBX.MDP3", schemas=["status"])
    states = found.scan("marketstate", dt.date(2020, 12, 28)).collect()
    stamps = states["EventTimestamp"].dt.strftime("%H:%M:%S").to_list()
    assert stamps == ["00:00:00", "21:15:00", "21:29:30", "21:30:00"]
    assert states["MarketState"].to_list() == ["CONTINUOUS_TRADING", "PRE_OPEN", "PRE_OPEN", "CONTINUOUS_TRADING"]


class TestLawsOfTheSource(SourceLaws):
    def source(self, folder: Path) -> DatabentoSource:
        if not (folder / "one.dbn").exists():
            write(
                folder,
                "mbo",
                [
                    order(0, "A", "B", 100.0, 5, 1, SNAPSHOT),
                    order(1, "A", "A", 100.25, 3, 2),
                    order(2, "T", "B", 100.25, 1, 9, 0),
                    order(2, "F", "A", 100.25, 1, 2, 0),
                    order(2, "M", "A", 100.25, 2, 2),
                    order(86_400 + 1, "A", "B", 99.0, 5, 3),
                ],
                days=2,
            )
        return source(folder)


def test_a_fill_and_the_record_that_carries_it_out_are_one_row(tmp_path):
    """Order 1 has 10: two fills of 2 at 100.00 and 1 at 99.75 leave 7 (average 299.75 / 3); a cancel of 4 leaves 3; a
    fill of 3 removes it."""
    found = write(
        tmp_path,
        "mbo",
        [
            order(1, "A", "B", 100.0, 10, 1),
            order(2, "T", "A", 100.0, 2, 0, 0),
            order(2, "F", "B", 100.0, 2, 1, 0),
            order(2, "F", "B", 99.75, 1, 1, 0),
            order(2, "M", "B", 100.0, 7, 1),
            order(3, "C", "B", 100.0, 4, 1),
            order(4, "F", "B", 100.0, 3, 1, 0),
            order(4, "C", "B", 100.0, 3, 1),
        ],
    )
    assert rows(found.scan("l3", DAY), *L3) == [
        (1, "Bid", "Insert", 100.0, 10.0, None, 0.0, None, 0.0),
        (1, "Bid", "Update", 100.0, 7.0, 100.0, 10.0, pytest.approx(299.75 / 3, rel=1e-15), 3.0),
        (1, "Bid", "Update", 100.0, 3.0, 100.0, 7.0, None, 0.0),
        (1, "Bid", "Remove", None, 0.0, 100.0, 3.0, 100.0, 3.0),
    ]
    assert rows(found.scan("trades", DAY), "Price", "Size", "AggressorSide") == [(100.0, 2.0, "Sell")]
    assert found.scan("l3", DAY).collect()["SequenceNo"].to_list() == [1, 5, 6, 8]


def test_a_resting_order_amended_to_cross_is_no_execution_of_a_resting_order(tmp_path):
    """Order 1 (a bid) is amended to 100.25 and takes order 2: the trade names it as the aggressor."""
    found = write(
        tmp_path,
        "mbo",
        [
            order(1, "A", "B", 100.0, 1, 1),
            order(1, "A", "A", 100.25, 4, 2),
            order(2, "T", "B", 100.25, 1, 1, 0),
            order(2, "F", "B", 100.25, 1, 1, 0),
            order(2, "F", "A", 100.25, 1, 2, 0),
            order(2, "C", "B", 100.0, 1, 1, 0),
            order(2, "M", "A", 100.25, 3, 2),
        ],
    )
    executed = rows(found.scan("l3", DAY), "OrderId", "Action", "ExecutionSize", "EndOfEvent")
    assert executed[2:] == [(1, "Remove", 0.0, False), (2, "Update", 1.0, True)]


def test_a_fill_that_nothing_follows_makes_no_row(tmp_path):
    found = write(tmp_path, "mbo", [order(1, "F", "B", 100.0, 1, 1), order(1, "A", "B", 100.0, 2, 1)])
    assert rows(found.scan("l3", DAY), "Action", "ExecutionSize") == [("Insert", 0.0)]


def test_orders_that_are_not_known_to_stand(tmp_path):
    """What the file does not tell is null; a cancel tells what it takes. An add of a standing order replaces it."""
    found = write(
        tmp_path,
        "mbo",
        [
            order(1, "M", "A", 101.0, 5, 1),
            order(2, "C", "A", 102.0, 6, 2),
            order(3, "A", "A", 103.0, 7, 1),
            order(4, "C", "A", 103.0, 7, 1),
        ],
    )
    assert rows(found.scan("l3", DAY), *L3[2:7]) == [
        ("Update", 101.0, 5.0, None, None),
        ("Remove", None, 0.0, 102.0, 6.0),
        ("Insert", 103.0, 7.0, None, 0.0),
        ("Remove", None, 0.0, 103.0, 7.0),
    ]


def test_a_snapshot_and_a_clear_replace_the_book(tmp_path):
    """Order 1 stands at midnight. At 5 s the book is cleared, and nothing sent; at 9 s it is cleared and sent again,
    received 2 s late, so it is stamped just before the event at 10 s."""
    late = MIDNIGHT + 11 * SECOND
    resent = dbn.MBOMsg(1, 7, MIDNIGHT, 2, 99 * SECOND, 4, dbn.Action("A"), dbn.Side("A"), late, SNAPSHOT)
    found = write(
        tmp_path,
        "mbo",
        [
            order(0, "A", "B", 98.0, 8, 1, SNAPSHOT),
            order(1, "C", "B", 98.0, 3, 1),
            order(5, "R", "N", None, 0, 0),
            order(6, "M", "B", 97.0, 1, 1),
            order(9, "R", "N", None, 0, 0, SNAPSHOT),
            resent,
            order(10, "C", "A", 99.0, 4, 2),
        ],
    )
    midnight = dt.datetime(2023, 12, 25, tzinfo=dt.UTC)
    snapshots = found.scan("l3_snapshot", DAY).collect()
    assert snapshots.select("OrderId", "Side", "Price", "Size").rows() == [
        (1, "Bid", 98.0, 8.0),
        (None, None, None, None),
        (2, "Ask", 99.0, 4.0),
    ]
    stamps = [stamp - MIDNIGHT for stamp in snapshots["EventTimestamp"].to_physical()]
    assert stamps == [1_000, 5 * SECOND + 1_000, 10 * SECOND - 1]
    assert snapshots["EventTimestamp"][0] == midnight + dt.timedelta(microseconds=1)
    assert rows(found.scan("l3", DAY), "Action", "Size", "OldSize") == [
        ("Update", 5.0, 8.0),
        ("Update", 1.0, None),
        ("Remove", 0.0, 4.0),
    ]


def test_price_levels_and_trades_with_the_quote_before(tmp_path):
    """A trade repeats the book before it, and is no row of l2."""
    book = dbn.BidAskPair(99_750_000_000, dbn.UNDEF_PRICE, 5, 0, 2, 0)
    at = [MIDNIGHT + n * SECOND for n in range(2)]
    records = [
        dbn.MBP1Msg(1, 7, at[n], 99_750_000_000, 5, dbn.Action(action), dbn.Side(side), 0, at[n], LAST, levels=book)
        for n, (action, side) in enumerate([("A", "B"), ("T", "A")])
    ]
    found = write(tmp_path, "mbp-1", records)
    levels = ("BidPrice1", "BidQuantity1", "BidNumOrders1", "AskPrice1", "AskQuantity1", "AskNumOrders1")
    assert rows(found.scan("l2", DAY), "SequenceNo", *levels) == [(1, 99.75, 5.0, 2, None, None, None)]
    quote = ("AggressorSide", "BidPrice", "BidQuantity", "AskPrice", "AskQuantity")
    assert rows(found.scan("trades", DAY), *quote) == [("Sell", 99.75, 5.0, None, None)]


def test_what_repeats_or_has_no_stamp_of_the_venue_is_stamped_on_arrival(tmp_path):
    """A book sent anew at 5 s that stands since 1 s, and a record without a stamp of the venue, received at 6 s."""
    book = dbn.BidAskPair(99_750_000_000, dbn.UNDEF_PRICE, 5, 0, 2, 0)
    second = [MIDNIGHT + n * SECOND for n in range(7)]
    sent = [(second[1], second[5], SNAPSHOT), (dbn.UNDEF_TIMESTAMP, second[6], LAST), (second[4], second[6], LAST)]
    records = [
        dbn.MBP1Msg(1, 7, event, SECOND, 5, dbn.Action("A"), dbn.Side("B"), 0, received, flags, levels=book)
        for event, received, flags in sent
    ]
    stamps = write(tmp_path, "mbp-1", records).scan("l2", DAY).collect()["EventTimestamp"].to_physical()
    assert stamps.to_list() == [second[5], second[6], second[4]]


def test_a_tbbo_file_gives_trades_alone(tmp_path):
    quote = dbn.BidAskPair(99_750_000_000, 100_000_000_000, 5, 6, 2, 3)
    trade = dbn.MBP1Msg(
        1, 7, MIDNIGHT, 100_000_000_000, 1, dbn.Action("T"), dbn.Side("B"), 0, MIDNIGHT, LAST, levels=quote
    )
    found = write(tmp_path, "tbbo", [trade])
    assert found.tables() == ["trades"]
    assert rows(found.scan("trades", DAY), "AggressorSide", "BidPrice", "AskQuantity") == [("Buy", 99.75, 6.0)]


def test_states_by_action_and_reason(tmp_path):
    """An auction before the date's first TRADING is the opening; after it, scheduled or not. SSR_CHANGE is no state."""
    said = [("PRE_OPEN", 1), ("CROSS", 1), ("TRADING", 1), ("HALT", 30), ("QUOTING", 30), ("TRADING", 1)]
    said += [("SSR_CHANGE", 1), ("PRE_CROSS", 1), ("PRE_CLOSE", 1), ("CLOSE", 1), ("POST_CLOSE", 1)]
    records = [
        dbn.StatusMsg(1, 7, MIDNIGHT + n, MIDNIGHT + n, getattr(dbn.StatusAction, action), dbn.StatusReason(reason))
        for n, (action, reason) in enumerate(said)
    ]
    states = write(tmp_path, "status", records).scan("marketstate", DAY).collect()["MarketState"].to_list()
    assert states == [
        *("PRE_OPEN", "OPENING_AUCTION", "CONTINUOUS_TRADING", "HALTED", "UNSCHEDULED_AUCTION", "CONTINUOUS_TRADING"),
        *("INTRADAY_AUCTION", "CLOSING_AUCTION", "CLOSED", "POST_TRADE"),
    ]


def test_the_last_definition_of_a_listing_is_its_reference(tmp_path):
    rule = {"match_algorithm": dbn.MatchAlgorithm("F"), "currency": "USD", "exchange": "XCME"}
    found = write(
        tmp_path,
        "definition",
        [
            definition(1, 7, "ESH4", "A", tick=500_000_000, **rule),
            definition(2, 8, "OLD", "A"),
            definition(3, 7, "ESH4", "M", min_lot_size_round_lot=1, **rule),
            definition(4, 8, "OLD", "D"),
        ],
    )
    assert found.scan("reference", DAY).collect().rows(named=True) == [
        {
            "ListingId": "ESH4",
            "InstrumentId": "ESH4",
            "Ticker": "ESH4",
            "MIC": "XCME",
            "CurrencyCode": "USD",
            "TickSize": 0.25,
            "LotSize": 1.0,
            "MatchingRule": "FIFO",
        }
    ]


def test_a_snapshot_has_the_columns_of_its_table(tmp_path):
    found = write(tmp_path, "mbo", [order(0, "A", "B", 98.0, 8, 1, SNAPSHOT)]).scan("l3_snapshot", DAY)
    assert found.collect_schema().names() == [column.name for column in L3_SNAPSHOT.columns]
