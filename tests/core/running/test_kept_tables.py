"""Tables of a source that decodes everything for every query: each is read once a partition, and no more of it than
the passes want."""

from collections import Counter
from datetime import UTC, date, datetime

import attrs
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from basalt import FrameModule, Unit
from basalt.documents import ResultColumn
from basalt.errors import DataError, PublishError
from basalt.options import option
from basalt.running.events import BatchComputed
from basalt.running.kept import keep
from basalt.running.members import Members
from basalt.running.tables import Tables
from basalt.sources import Source
from basalt.tables import NS_UTC

FIVE = date(2026, 1, 5)
LISTINGS, TRADES = 12, 300
BARS = {"name": "bars", "every": "1m", "modules": [{"module": "volume"}]}
COARSE = {"name": "coarse", "every": "15m", "modules": [{"module": "volume"}]}
SMALL = "10 kB"


DTYPES = {
    **dict.fromkeys(["ListingId", "InstrumentId", "EventTimestamp"], pl.Int64),
    **dict.fromkeys(["Price", "Size", "BidPrice1", "AskPrice1"], pl.Float64),
    **dict.fromkeys(["Venue", "Sector"], pl.String),
}


@attrs.frozen
class FeedOptions:
    root: str = option("folder of the files")


class Feed(Source):
    """A CSV file a table and date, decoded whole when a query runs; each time its name goes into the file `decoded`."""

    name = "feed"
    Config = FeedOptions

    def tables(self):
        return sorted({file.name.partition("-")[0] for file in self._root.glob("*.csv")})

    def dates(self, table):
        return [FIVE]

    def fingerprint(self, table, day):
        return str(self._file(table, day).stat().st_mtime_ns)

    def scan(self, table, day):
        return pl.defer(lambda: self._decoded(table, day), schema=self._decoded(table, day, rows=0).schema)

    def _decoded(self, table, day, rows=None):
        if rows is None:
            with (self._root / "decoded").open("a") as log:
                log.write(f"{table}\n")
        if (self._root / "down").exists():
            raise DataError("the feed is down: try again")
        read = pl.read_csv(self._file(table, day), n_rows=rows, infer_schema_length=0)
        return read.cast({name: DTYPES[name] for name in read.columns}).cast({"EventTimestamp": NS_UTC})

    def _file(self, table, day):
        return self._root / f"{table}-{day}.csv"

    @property
    def _root(self):
        return self.folder / self.config.root


class Sectors(FrameModule):
    """How many prints a bucket has, if the listing's sector is A."""

    name = "sectors"
    inputs = ("trades", "reference")

    def columns(self):
        return [ResultColumn("N", Unit.COUNT, "Prints.", pl.Int64)]

    def compute(self, inputs, pass_):
        rows = inputs["trades"].join(inputs["reference"].filter(Sector="A"), on="ListingId", how="semi")
        rows = rows.with_columns(TimeBucket=self.rule.bucket(pl.col("EventTimestamp"), pass_.date))
        return rows.group_by("ListingId", "TimeBucket").agg(N=pl.len().cast(pl.Int64))


def trades():
    """300 trades of each of 12 listings, one a second from nine, sorted."""
    nine = datetime(2026, 1, 5, 9, tzinfo=UTC)
    return pl.DataFrame({"i": range(LISTINGS * TRADES)}).select(
        ListingId=pl.col("i") // TRADES + 1,
        EventTimestamp=pl.lit(nine).cast(NS_UTC) + pl.duration(seconds=pl.col("i") % TRADES, time_unit="ns"),
        Price=pl.lit(100.0),
        Size=(pl.col("i") % 7 + 1).cast(pl.Float64),
        Venue=pl.lit("X"),
    )


@pytest.fixture
def feed(desk):
    """`feed(frame)`: the folder of the feed, in which these are the trades of 5 January."""
    desk.sources.append(Feed)
    root = desk.folder / "feed"
    root.mkdir()

    def put(frame, table="trades"):
        frame.with_columns(pl.col("EventTimestamp").cast(pl.Int64)).write_csv(root / f"{table}-2026-01-05.csv")
        return root

    return put


def run(desk, *passes, **more):
    """The passes over the feed; how often each table was decoded, and how many batches there were."""
    file, batches = desk.folder / "feed/decoded", []
    file.unlink(missing_ok=True)
    observer = lambda event: batches.append(event) if isinstance(event, BatchComputed) else None  # noqa: E731
    how = {"source": {"type": "feed", "root": "feed"}, "outputs": [{"type": "parquet", "root": "out"}], **more}
    result = desk.run(*passes, **how, observers=[observer])
    assert result.failed == []
    return Counter(file.read_text().split()), len(batches)


def published(desk, name="bars"):
    return pl.read_parquet(desk.folder / f"out/{name}/date=2026-01-05/*.parquet")


def in_time(frame):
    """In the order of stamps alone, in which listings take turns."""
    return frame.sort("EventTimestamp", maintain_order=True)


@pytest.mark.parametrize("is_sorted", [True, False])
@pytest.mark.parametrize(("memory", "batches"), [("1GB", 2), (SMALL, 24)])
def test_a_table_is_decoded_once_whatever_reads_it(desk, feed, monkeypatch, is_sorted, memory, batches):
    """Two passes in one batch each, or in one a listing; a table out of order is sorted in slices of 600 rows."""
    monkeypatch.setattr("basalt.running.tables.SORTING", 6 * 600 * 24)
    feed(trades() if is_sorted else in_time(trades()))
    reads, found = run(desk, BARS, COARSE, memory=memory)
    assert reads == {"trades": 1}
    assert found == batches
    rows = published(desk)
    desk.put("trades", "2026-01-05", trades())
    desk.run(BARS, COARSE, outputs=[{"type": "parquet", "root": "out"}])
    assert_frame_equal(rows, published(desk))
    assert rows["Volume"].sum() == trades()["Size"].sum()


def test_tables_that_are_no_events_are_decoded_once_too(desk, feed, monkeypatch):
    """A module reads the sector that reference gives each listing, in twelve batches."""
    desk.modules.append(Sectors)
    feed(trades())
    feed(pl.DataFrame({"ListingId": range(1, 13), "EventTimestamp": 0, "Sector": ["A", "B"] * 6}), "reference")
    reads, batches = run(desk, {"name": "bars", "every": "1m", "modules": [{"module": "sectors"}]}, memory=SMALL)
    assert (reads, batches) == ({"trades": 1, "reference": 1}, 12)


def test_a_table_without_rows_is_kept_with_its_columns(desk, feed):
    feed(trades().clear())
    reads, batches = run(desk, BARS)
    assert (reads, batches, published(desk).height) == ({"trades": 1}, 1, 0)


def test_what_is_kept_is_removed_with_the_partition(desk, feed):
    feed(trades())
    run(desk, BARS)
    assert not list((desk.folder / ".basalt/work").rglob("*.parquet"))


def test_what_was_sorted_is_on_the_disk_once(desk, feed):
    feed(in_time(trades()))
    plan = desk.plan(BARS, source={"type": "feed", "root": "feed"}, dates=[FIVE])
    assert Tables(plan, FIVE, desk.folder / "spill").rows_by_key("trades").height == LISTINGS
    assert [place.name for place in (desk.folder / "spill").iterdir()] == ["trades"]


def test_only_columns_that_are_read_are_kept(desk, feed):
    """`Venue` and `Price` are read by nobody."""
    feed(trades())
    plan = desk.plan(BARS, source={"type": "feed", "root": "feed"}, dates=[FIVE])
    rows = Tables(plan, FIVE, desk.folder / "spill").frames(plan.programs[0])["trades"]
    assert rows.collect_schema().names() == ["ListingId", "EventTimestamp", "Size"]


def test_only_members_of_the_universe_are_kept(desk, feed):
    """Listings 2 and 5 of twelve; 40 is a member that does not trade. A trade without a listing is still refused."""
    (desk.folder / "members.csv").write_text("ListingId\n2\n5\n40\n")
    feed(trades())
    how = {"source": {"type": "feed", "root": "feed"}, "universes": {"two": {"file": "members.csv"}}}
    plan = desk.plan(BARS, **how, dates=[FIVE])
    members = Members(plan, FIVE, pl.Series([2, 5, 40]))
    tables = Tables(plan, FIVE, desk.folder / "spill", reach=members.reach)
    assert tables.rows_by_key("trades").rows() == [(2, TRADES), (5, TRADES)]
    feed(pl.concat([trades(), trades().head(1).with_columns(ListingId=None)]))
    (failed,) = desk.run(BARS, **how, outputs=[]).failed
    assert failed.error.endswith("table 'trades' has 1 rows without ListingId: mend the data, or drop these rows")


def test_only_members_of_the_universe_are_sorted(desk):
    """Of a source that prunes, whose rows come in order of time: listings 2 and 5; and none where none trades."""
    desk.put("trades", "2026-01-05", in_time(trades()))
    (desk.folder / "members.csv").write_text("ListingId\n2\n")
    plan = desk.plan(BARS, universes={"some": {"file": "members.csv"}}, dates=[FIVE])
    for members, kept in (([2, 5], [2, 5]), ([40], [])):
        reach = Members(plan, FIVE, pl.Series(members)).reach
        tables = Tables(plan, FIVE, desk.folder / f"spill{len(kept)}", reach=reach)
        rows = tables.frames(plan.programs[0])["trades"].collect()
        assert rows["ListingId"].unique().sort().to_list() == kept
        assert rows.height == TRADES * len(kept)


def test_quotes_of_instruments_of_the_universe_are_kept(desk, feed, a_module, a_metric):
    """Listings 1 and 2 are instrument 7, 3 is 8, and 4 is 9: of listings 1 and 4, the quotes of 7 and 9. Of tables by
    listing the pass would read all, as its rows of 7 are those of listing 2 too."""
    desk.modules.append(a_module("best", a_metric("BestBid", pl.col("BidPrice1").last()), table="cbbo"))
    quotes = {"EventTimestamp": [1_767_603_600 * 10**9] * 3, "BidPrice1": [1.0] * 3, "AskPrice1": [2.0] * 3}
    feed(pl.DataFrame({"InstrumentId": [7, 8, 9], **quotes}), "cbbo")
    feed(pl.DataFrame({"ListingId": [1, 2, 3, 4], "EventTimestamp": 0, "InstrumentId": [7, 7, 8, 9]}), "reference")
    (desk.folder / "members.csv").write_text("ListingId\n1\n4\n")
    how = {"source": {"type": "feed", "root": "feed"}, "universes": {"two": {"file": "members.csv"}}}
    plan = desk.plan({"name": "best", "every": "1m", "modules": [{"module": "best"}]}, **how, dates=[FIVE])
    members, program = Members(plan, FIVE, pl.Series([1, 4])), plan.programs[0]
    tables = Tables(plan, FIVE, desk.folder / "spill", reach=members.reach)
    assert tables.rows_by_key("cbbo").rows() == [(7, 1), (9, 1)]
    assert members.reach(program, "InstrumentId").to_list() == [7, 9]
    assert members.reach(program, "ListingId") is None
    assert Members(plan, FIVE, None).reach(program, "InstrumentId") is None


def test_a_feed_that_breaks_says_so_and_keeps_nothing(desk, feed):
    root = feed(trades())
    plan = desk.plan(BARS, source={"type": "feed", "root": "feed"}, dates=[FIVE])
    (root / "down").touch()
    with pytest.raises(DataError, match=r"^the feed is down: try again$"):
        Tables(plan, FIVE, desk.folder / "spill").rows_by_key("trades")


def test_a_disk_that_takes_no_rows_is_named(tmp_path):
    (tmp_path / "work").write_text("a file")
    with pytest.raises(PublishError) as refused:
        keep(trades().lazy(), tmp_path / "work" / "trades.kept", 10**8, 40)
    said = str(refused.value)
    assert said.startswith(f"rows could not be kept in {tmp_path / 'work' / 'trades.kept'} (")
    assert said.endswith("): make room there, or set `work` to a folder that has it, and run again")


def test_rows_are_kept_in_file_order_whatever_the_slices(tmp_path):
    """Slices of 96 rows: 23,040 bytes of memory in sixths, of 40 bytes a row."""
    shuffled = trades().sample(fraction=1, shuffle=True, seed=1)
    kept = keep(shuffled.lazy(), tmp_path / "kept", 23_040, 40)
    assert kept.collect().equals(shuffled)
    assert len(list((tmp_path / "kept").iterdir())) > LISTINGS * TRADES / 96
