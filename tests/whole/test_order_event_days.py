"""Books of real days from their order events, through pipelines, against what exchanges and feeds themselves say."""

import zipfile
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import basalt
from basalt.buckets import BucketRule
from basalt.durations import DAY
from basalt.errors import UserError
from basalt.modules import PassContext
from basalt_analytics.l3.book import L3Book, L3BookOptions
from basalt_io.sources.china_l2 import ChinaL2Options, ChinaL2Source
from basalt_io.sources.databento import DatabentoOptions, DatabentoSource

pytestmark = pytest.mark.slow
SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
WITHIN = 6_000_000_000
CHRISTMAS = date(2023, 12, 25)
PIPELINE = """
name = "books"
[source]
{source}
[[outputs]]
type = "parquet"
root = "out"
[[passes]]
name = "bars"
every = "{every}"
{states}
side_outputs = {{ l2 = "always", l3_integrity = "always" }}
[[passes.preprocess]]
transform = "l3_book"
{book}
[[passes.modules]]
module = "l2"
levels = 1
"""


def folder(name):
    """A folder of real data."""
    if not (SHARED / name).is_dir():
        pytest.skip(f"the folder `shared/data/{name}` is not beside the checkout")
    return (SHARED / name).resolve()


def ran(folder, source, book, every="1m", dates=None, states=""):
    (folder / "books.toml").write_text(PIPELINE.format(source=source, book=book, every=every, states=states))
    return basalt.run(folder / "books.toml", dates=dates)


def report(result):
    return result.scan("bars:l3_integrity").collect().row(0, named=True)


@pytest.fixture(scope="module")
def shanghai(tmp_path_factory):
    source = f'type = "china_l2"\nroot = "{folder("sse-600519")}"'
    return ran(tmp_path_factory.mktemp("shanghai"), source, "levels = 10", states='market_states = "all"')


def of_shanghai(name):
    """A table of the day as the source has it."""
    source = ChinaL2Source(ChinaL2Options(root=str(folder("sse-600519"))), Path("/nowhere"))
    return source.scan(name, date(2023, 2, 1)).collect()


def snapshots_of_the_exchange():
    """Those of continuous trading, with the volume traded when each was taken."""
    with zipfile.ZipFile(next(folder("sse-600519").glob("*.zip"))) as archive:
        raw = pl.read_csv(archive.read("20230201/snapshot.csv"), columns=["TradVolume"], infer_schema=False)
    every = of_shanghai("l2").with_columns(Volume=raw["TradVolume"].cast(pl.Float64))
    return every.filter(pl.col("MarketState") == "CONTINUOUS_TRADING")


def with_volume(books):
    """Books after each event with the volume traded up to it."""
    traded = of_shanghai("trades").select("SequenceNo", Volume=pl.col("Size").cum_sum())
    found = books.join_asof(traded, on="SequenceNo", check_sortedness=False)
    return found.with_columns(pl.col("Volume").fill_null(0.0))


def test_shanghai_s_books_are_the_exchange_s_snapshots(shanghai):
    """Price, quantity and number of orders of all ten levels at each of the 4,750 snapshots of continuous trading,
    4,748 of them strictly inside it: some end of an event within 6 s, at the snapshot's own volume, has that book."""
    columns = [
        f"{side}{part}{i}"
        for side in ("Bid", "Ask")
        for part in ("Price", "Quantity", "NumOrders")
        for i in range(1, 11)
    ]
    books = with_volume(shanghai.scan("bars:l2").collect()).select("Volume", *columns, At="EventTimestamp")
    stood = snapshots_of_the_exchange().select("Volume", *columns, Stood="EventTimestamp")
    snapshots = stood.with_row_index("Row")
    both = snapshots.join(books, on=["Volume", *columns], nulls_equal=True)
    near = both.filter((pl.col("At") - pl.col("Stood")).dt.total_nanoseconds().abs() <= WITHIN)
    assert (snapshots.height, near["Row"].n_unique()) == (4_750, 4_750)
    inside = snapshots.filter(~pl.col("Stood").dt.time().cast(pl.String).is_in(["01:30:00", "05:00:00"]))
    assert inside.height == 4_748


def test_shanghai_s_events_fit_together(shanghai):
    """54,735 messages of orders, 27,698 executions; no order unknown, inserted twice or other than told."""
    told = report(shanghai)
    assert (told["Events"], told["Executions"], told["Suspect"]) == (54_735 + 27_698, 27_698, False)
    assert all(told[name] == 0 for name in ("BadRows", "DuplicateInserts", "StateMismatches", "HiddenExecutions"))


@pytest.fixture
def chicago(tmp_path):
    """A folder with the file of the 25th alone, which opens with a snapshot of 8,725 orders."""
    (there := tmp_path / "databento").mkdir()
    (file,) = folder("databento").glob("esh4-glbx-mdp3-20231225*")
    (there / file.name).symlink_to(file)
    return tmp_path


def test_chicago_s_day_ends_at_4810(chicago):
    source = 'type = "databento"\nroot = "databento"\nschemas = ["mbo"]'
    result = ran(chicago, source, 'snapshot = "l3_snapshot"', "1h", [CHRISTMAS])
    last = result.scan("bars:l2").collect().row(-1, named=True)
    assert (last["BidPrice1"], last["AskPrice1"]) == (4810.00, 4810.25)
    told = report(result)
    assert (told["HasOpeningSnapshot"], told["UnknownUpdates"], told["UnknownRemoves"]) == (True, 0, 0)


def test_chicago_s_book_ends_922_and_565_levels_deep(chicago):
    source = DatabentoSource(DatabentoOptions(root="databento", schemas=["mbo"]), chicago)
    tables = {name: source.scan(name, CHRISTMAS) for name in ("l3", "l3_snapshot")}
    assert tables["l3_snapshot"].select(pl.len()).collect().item() == 8_725
    transform = L3Book(L3BookOptions(levels=1000, emit="bucket", snapshot="l3_snapshot"))
    day = PassContext("books", CHRISTMAS, ["ListingId"], BucketRule(DAY))
    last = transform.apply(tables, day)["l2"].collect().row(-1, named=True)
    levels = [sum(last[f"{side}Price{i}"] is not None for i in range(1, 1001)) for side in ("Bid", "Ask")]
    assert levels == [922, 565]


def test_a_book_of_part_of_the_orders_is_refused(tmp_path):
    source = f'type = "lobster"\nroot = "{folder("lobster")}"'
    with pytest.raises(
        UserError, match="transform l3_book follows all orders of a book, and the l3 of source 'lobster'"
    ):
        ran(tmp_path, source, "levels = 1")


LIVES = """
name = "lives"
[source]
{source}
[[outputs]]
type = "parquet"
root = "out"
[[passes]]
name = "day"
every = "1d"
market_states = "all"
[[passes.modules]]
module = "l3"
flow = [{{ sides = ["Total"] }}]
resting = [{{ ends = ["FirstFill", "Cancel", "Life"], sides = ["Total"] }}]
"""


def test_every_order_of_shanghai_s_day_ends_or_is_open(tmp_path):
    """Whatever is inserted is removed, or stands at the end; waits are those of the orders' first executions."""
    (tmp_path / "lives.toml").write_text(LIVES.format(source=f'type = "china_l2"\nroot = "{folder("sse-600519")}"'))
    (row,) = basalt.run(tmp_path / "lives.toml").scan("day").collect().to_dicts()
    events = of_shanghai("l3").with_columns(At=pl.col("EventTimestamp").to_physical())
    assert row["TotalAdoptedCount"] == 0
    assert row["TotalInsertCount"] == row["TotalRestingToLifeCount"] + row["TotalOpenOrderCount"]
    inserted = events.filter(pl.col("Action") == "Insert").select("OrderId", Begun="At")
    hit = events.filter(pl.col("ExecutionSize") > 0).group_by("OrderId").agg(Hit=pl.col("At").min())
    waits = inserted.join(hit, on="OrderId").select((pl.col("Hit") - pl.col("Begun")) / 1e9).to_series()
    assert row["TotalRestingToFirstFillCount"] == len(waits) > 10_000
    assert row["TotalRestingToFirstFillMeanSeconds"] == pytest.approx(waits.mean(), rel=1e-9)


def test_lives_of_part_of_the_orders_are_refused(tmp_path):
    (tmp_path / "lives.toml").write_text(LIVES.format(source=f'type = "lobster"\nroot = "{folder("lobster")}"'))
    with pytest.raises(UserError, match="module l3 follows all orders of a book, and the l3 of source 'lobster'"):
        basalt.run(tmp_path / "lives.toml")
