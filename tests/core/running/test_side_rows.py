"""Rows of side outputs: the same whatever the cut and the order a module made them in, and those planned."""

from datetime import date

import polars as pl
import pytest

from basalt import FrameModule, Unit
from basalt.columns import Column
from basalt.documents import ResultColumn
from basalt.modules import WithSides
from basalt.tables import NS_UTC, TableSchema

MONDAY = date(2026, 1, 5)
LISTING = Column("ListingId", pl.Int64, "tradable line", Unit.LABEL, required=True)
COUNT = Column("Trades", pl.UInt32, "trades of the date", Unit.COUNT, required=True)
PRINTS = TableSchema(
    "prints",
    "every trade",
    [
        LISTING,
        Column("EventTimestamp", NS_UTC, "execution time", Unit.TIMESTAMP, required=True),
        Column("Size", pl.Float64, "shares", Unit.SHARES, required=True),
    ],
)
KINDS = TableSchema(
    "kinds", "by size", [Column("Kind", pl.String, "large or small", Unit.LABEL, required=True), COUNT], "Kind", False
)
ORDERS = TableSchema(
    "orders", "by order", [Column("OrderId", pl.String, "order", Unit.LABEL, required=True), LISTING], "OrderId", False
)


class Sides(FrameModule):
    """Counts trades; beside it, prints from the last to the first, trades by kind, and orders by a name of their own.

    `lacks`, `casts`: what goes wrong once there are rows.
    """

    name = "sides"
    inputs = ("trades",)
    sides = (PRINTS, KINDS, ORDERS)
    lacks = casts = raises = False

    def columns(self):
        """Count."""
        return [ResultColumn("Trades", Unit.COUNT, "Trades of the bucket.", dtype=pl.UInt32)]

    def compute(self, inputs, pass_):
        """Rows and side outputs."""
        trades = inputs["trades"]
        some = trades.select(pl.len()).collect().item() > 0
        label = pass_.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        rows = trades.group_by("ListingId", TimeBucket=label).agg(Trades=pl.len())
        size = pl.col("Size").cast(pl.Int64 if self.casts and some else pl.Float64)
        prints = trades.select("ListingId", "EventTimestamp", size).reverse()
        kind = pl.when(pl.col("Size") >= 10).then(pl.lit("large")).otherwise(pl.lit("small"))
        if self.raises:
            kind = kind.map_batches(lambda s: s if s.is_empty() else 1 / 0, return_dtype=pl.String)
        kinds = trades.group_by(Kind=kind).agg(Trades=pl.len())
        orders = trades.select(OrderId="o" + (100 - pl.col("Size")).cast(pl.String), ListingId="ListingId")
        lacking = {} if self.lacks and some else {"prints": prints}
        return WithSides(rows, {**lacking, "kinds": kinds, "orders": orders})


class Whole(Sides):
    """The same over whole instruments."""

    name = "whole"
    scope = "instrument"


@pytest.fixture
def sides(desk, events):
    """Listings 1, 2 and 3 trade at 09:00:30 and 09:01:30: 5 and 10, 15 and 20, 25 and 30; 1 and 2 are an instrument."""
    rows = [(n, 30 + 60 * i, 100, 10.0 * n - 5 + 5 * i) for n in (1, 2, 3) for i in (0, 1)]
    desk.put("trades", "2026-01-05", events("Price Size", *rows))
    reference = pl.DataFrame({"ListingId": [1, 2, 3], "InstrumentId": [100, 100, 200]})
    reference.write_parquet(desk.folder / "data/reference.parquet")
    desk.modules += [Sides, Whole]
    return desk


def made(sides, side, module="sides", universe="all", **more):
    """The rows of a side output on Monday, without Date and Universe."""
    first = {"name": "first", "every": "1m", "modules": [{"module": module}], "side_outputs": {side: "always"}}
    assert sides.run(first, dates=[MONDAY], **more).failed == []
    file = sides.folder / f"out/first.{side}/date=2026-01-05/{universe}.parquet"
    return pl.read_parquet(file, hive_partitioning=False).drop("Date", "Universe").rows()


def failing(sides, monkeypatch, side, how):
    """What a run says where the module goes wrong in that way."""
    monkeypatch.setattr(Sides, how, True)
    first = {"name": "first", "every": "1m", "modules": [{"module": "sides"}], "side_outputs": {side: "always"}}
    (failed,) = sides.run(first, dates=[MONDAY]).failed
    return failed.error


@pytest.mark.parametrize("memory", ["1 GB", "1 B"])
def test_events_ascend_however_they_were_made_and_cut(sides, memory):
    rows = made(sides, "prints", memory=memory)
    assert [(listing, size) for listing, _, size in rows] == [
        *((1, 5.0), (1, 10.0)),
        *((2, 15.0), (2, 20.0)),
        *((3, 25.0), (3, 30.0)),
    ]


@pytest.mark.parametrize("memory", ["1 GB", "1 B"])
@pytest.mark.parametrize("module", ["sides", "whole"])
def test_rows_by_what_no_batch_is_cut_by_are_counted_once(sides, memory, module):
    """Five of 10 and more, whichever listings are computed together."""
    assert made(sides, "kinds", module, memory=memory) == [("large", 5), ("small", 1)]


@pytest.mark.parametrize("memory", ["1 GB", "1 B"])
def test_rows_by_another_key_ascend_by_it_over_all_batches(sides, memory):
    """100 less the size: o70 of the last trade comes first."""
    rows = made(sides, "orders", memory=memory)
    assert [order for order, _ in rows] == ["o70.0", "o75.0", "o80.0", "o85.0", "o90.0", "o95.0"]
    assert [listing for _, listing in rows] == [3, 3, 2, 2, 1, 1]


@pytest.mark.parametrize("side", ["prints", "orders"])
def test_rows_of_neighbours_that_are_no_members_are_left_out(sides, side):
    """Listing 2 is of the instrument of 1, so it is read; of the universe of 1 and 3 it is none."""
    (sides.folder / "some.csv").write_text("ListingId\n1\n3\n")
    rows = made(sides, side, "whole", "some", universes={"some": {"file": "some.csv"}})
    at = 0 if side == "prints" else 1
    assert sorted(row[at] for row in rows) == [1, 1, 3, 3]


def test_one_that_is_not_returned_is_its_modules_fault(sides, monkeypatch):
    assert failing(sides, monkeypatch, "prints", "lacks") == (
        "passes.first.modules[0]: module sides (desk-plugin) does not return the side output prints on 2026-01-05, "
        "which is asked for"
    )


def test_one_of_other_dtypes_than_planned_is_not_published(sides, monkeypatch):
    assert failing(sides, monkeypatch, "prints", "casts") == (
        "passes.first on 2026-01-05: side output prints has Size as Int64, and as Float64 on frames without rows: cast "
        "it"
    )


def test_one_that_raises_when_it_is_collected_is_blamed_on_its_module(sides, monkeypatch):
    said = failing(sides, monkeypatch, "kinds", "raises")
    assert said.startswith("passes.first on 2026-01-05: passes.first.modules[0], module sides (desk-plugin), failed: ")
    assert "division by zero" in said
