"""Estimates of plans: rows and batches from footers and from one date's counts, by hand."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import attrs
import polars as pl
import pytest

import basalt.plugin
import basalt_analytics.plugin
import basalt_io.plugin
from basalt import FrameModule, Unit, hookimpl
from basalt.config.model import PipelineConfig
from basalt.config.structure import structure
from basalt.documents import ResultColumn
from basalt.planning.batches import AGGREGATED, OVERHEAD
from basalt.planning.described import describe
from basalt.planning.estimate import estimates
from basalt.planning.footers import Footers
from basalt.planning.plan import make_plan
from basalt.plugins.registry import Registry
from basalt.running.left import left_of
from basalt.running.run import run_plan
from basalt.tables import NS_UTC

TREE = {
    "name": "desk",
    "source": {"type": "parquet", "root": "data"},
    "outputs": [{"type": "parquet", "root": "out"}],
    "memory": "1GB",
}
BARS = {"name": "bars", "every": "1m", "modules": [{"module": "trade", "generic": [{"measures": ["Volume"]}]}]}
HOURS = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "bars"}]}
WIDTH = 32  # bytes of ListingId, EventTimestamp, Price and Size, each with its bit of validity


class Ranked(FrameModule):
    """Needs the whole universe."""

    name = "ranked"
    scope = "universe"

    def columns(self):
        return [ResultColumn("Rank", Unit.COUNT, "Where it stands.", dtype=pl.UInt32)]

    def compute(self, inputs, pass_):
        rank = pl.col("TradeTotalVolume").rank().over("TimeBucket").cast(pl.UInt32)
        return inputs["source"].select("ListingId", "TimeBucket", Rank=rank)


class Shared(FrameModule):
    """Reads whole instruments."""

    name = "shared"
    inputs = ("trades",)
    scope = "instrument"

    def columns(self):
        return [ResultColumn("Share", Unit.RATIO, "Its part of the instrument.")]

    def compute(self, inputs, pass_):
        bucket = pass_.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        return inputs["trades"].group_by("ListingId", TimeBucket=bucket).agg(Share=pl.lit(1.0))


class Recent(Ranked):
    """Reads two previous dates."""

    name = "recent"
    scope = "listing"
    history = 2


@attrs.frozen
class Desk:
    """A folder of trades, a row a second from nine."""

    folder: Path
    registry: Registry

    def trades(self, day, **rows):
        """How many trades each listing has that day, as `_1=30`."""
        nine = datetime.fromisoformat(f"{day}T09:00:00").replace(tzinfo=UTC)
        placed = [(int(k[1:]), nine + timedelta(seconds=i), 100.0, 1.0) for k, n in rows.items() for i in range(n)]
        schema = {"ListingId": pl.Int64, "EventTimestamp": NS_UTC, "Price": pl.Float64, "Size": pl.Float64}
        file = self.folder / f"data/trades/date={day}/part.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(placed, schema=schema, orient="row").write_parquet(file)

    def reference(self, **instruments):
        """The instrument of each listing, as `_1=10`."""
        found = {"ListingId": [int(k[1:]) for k in instruments], "InstrumentId": list(instruments.values())}
        pl.DataFrame(found).write_parquet(self.folder / "data/reference.parquet")

    def plan(self, *passes, **more):
        tree = {**TREE, "passes": list(passes), **more}
        return make_plan(structure(PipelineConfig, tree, "pipeline"), self.registry, self.folder)


@pytest.fixture
def desk(tmp_path):
    """The 5th: listing 1 has 90 trades and listing 2 has 30. The 6th: 60 trades of listing 1."""
    own = SimpleNamespace(basalt_analytics=hookimpl(lambda: [Ranked, Shared, Recent]))
    plugins = {
        "basalt-core": basalt.plugin,
        "basalt-io": basalt_io.plugin,
        "basalt-analytics": basalt_analytics.plugin,
    }
    made = Desk(tmp_path, Registry.of({**plugins, "desk-plugin": own}))
    made.trades("2026-01-05", _1=90, _2=30)
    made.trades("2026-01-06", _1=60)
    return made


def estimated(plan, *notes, **how):
    found = estimates(plan, left_of(plan, plan.names, **how), Footers(plan))
    assert found.notes == list(notes)
    return {(one.name, one.universe): one for one in found.passes}


def test_rows_are_those_of_footers_and_of_the_passes_in_front(desk):
    """180 trades. Of 90 trades at most 90 one-minute buckets, of 30 at most 30: hours reads 120 rows of the 5th, and
    half of that of the 6th, which has half the trades: 180."""
    found = estimated(desk.plan(BARS, HOURS))
    bars, hours = found["bars", "all"], found["hours", "all"]
    assert (bars.partitions, bars.listings, bars.rows_in, bars.batches) == (2, 2, 180, 2)
    assert (hours.partitions, hours.listings, hours.rows_in, hours.batches) == (2, 2, 180, 2)


def test_memory_is_that_of_the_largest_date(desk):
    """The 5th: 120 rows × 32 bytes, and 120 buckets at most of one hidden and one visible column, at 20 bytes each."""
    bars = estimated(desk.plan(BARS))["bars", "all"]
    columns = len(desk.plan(BARS).programs[0].result.columns)
    assert bars.memory == OVERHEAD + round(AGGREGATED * (120 * WIDTH + 120 * columns * 20))
    assert (bars.limit, bars.refused) == (10**9, False)


def test_what_is_done_is_not_estimated(desk):
    plan = desk.plan(BARS)
    run_plan(attrs.evolve(plan, partitions=plan.partitions[:1]))
    bars = estimated(desk.plan(BARS))["bars", "all"]
    assert (bars.partitions, bars.rows_in, bars.batches, bars.listings) == (1, 60, 1, 1)
    run_plan(plan)
    bars = estimated(desk.plan(BARS))["bars", "all"]
    assert (bars.partitions, bars.rows_in, bars.batches, bars.memory) == (0, None, None, None)
    forced = estimated(desk.plan(BARS), force=True)["bars", "all"]
    assert (forced.partitions, forced.rows_in) == (2, 180)


def test_a_small_memory_makes_more_batches(desk):
    """Not even one listing fits into 100 bytes: two batches on the 5th, and half of that on the 6th."""
    bars = estimated(desk.plan({**BARS, "memory": "100 B"}))["bars", "all"]
    assert (bars.batches, bars.limit) == (3, 100)


def test_workers_share_the_memory(desk):
    """1 GB for two at a time; no more than there are partitions."""
    plan = desk.plan(BARS, executor="processes", workers=4)
    assert estimated(plan)["bars", "all"].limit == 5 * 10**8


def test_a_universe_has_its_own_rows_and_listings(desk):
    """Listing 2 has 30 of the 120 trades of the 5th, the larger date: a quarter of the 60 of the 6th, too."""
    desk.reference(_1=10, _2=20)
    where = {"second": {"where": "ListingId = 2"}, "both": {"where": "ListingId <= 2"}}
    found = estimated(desk.plan(BARS, universes=where))
    second, both = found["bars", "second"], found["bars", "both"]
    assert (second.listings, second.rows_in) == (1, 30 + 15)
    assert (both.listings, both.rows_in) == (2, 180)


def test_whole_instruments_are_counted_in_the_universe_and_around_it(desk):
    """Listings 1 and 2 are one instrument, so that both are read for listing 1; listing 3 is another's."""
    desk.reference(_1=10, _2=10, _3=30)
    shared = {"name": "shared", "every": "1m", "modules": [{"module": "shared"}]}
    one = estimated(desk.plan(BARS, shared, universes={"first": {"where": "ListingId = 1"}}))
    assert (one["shared", "first"].listings, one["shared", "first"].listings_read) == (1, 2)
    assert one["shared", "first"].rows_in == 180
    assert (one["bars", "first"].listings_read, one["bars", "first"].rows_in) == (None, 90 + 45)


def test_previous_dates_are_read_on_top(desk):
    """At most 120 and 60 rows of bars, each of three dates."""
    recent = {"name": "recent", "modules": [{"module": "recent", "source": "bars"}]}
    assert estimated(desk.plan(BARS, recent))["recent", "all"].rows_in == 3 * 180


def test_a_pass_of_the_whole_universe_that_does_not_fit_is_told_to_be_refused(desk):
    """A row each 100 µs of the day is 864 million rows of a listing: tens of GB, and there is 1."""
    dense = {**BARS, "every": "100us", "timeline": "dense", "session": {"start": "09:00", "end": "10:00"}}
    ranked = {"name": "ranked", "modules": [{"module": "ranked", "source": "bars"}]}
    found = estimated(desk.plan(dense, ranked))
    assert (found["ranked", "all"].refused, found["bars", "all"].refused) == (True, False)
    assert found["ranked", "all"].memory > 20 * 10**9
    assert found["ranked", "all"].batches == 2


def test_nothing_is_known_of_a_source_that_tells_no_sizes(desk):
    source = {"type": "simulator", "dates": ["2026-01-05"], "listings": 4}
    plan = desk.plan(BARS, HOURS, source=source, universes={"all_of_it": {"where": "ListingId > 0"}})
    note = (
        "source 'simulator' does not tell how much it has before that is read, so rows, batches and memory are not "
        "estimated"
    )
    for one in estimated(plan, note).values():
        assert (one.partitions, one.rows_in, one.batches, one.memory) == (1, None, None, None)
        assert one.listings == 4


def test_a_date_without_rows_is_estimated_as_such(desk):
    """Both dates are empty: no rows, and one batch each all the same, as a run makes."""
    for day in ("2026-01-05", "2026-01-06"):
        desk.trades(day)
    found = estimated(desk.plan(BARS, HOURS))
    assert [(one.rows_in, one.batches, one.memory) for one in found.values()] == [(0, 2, OVERHEAD)] * 2


def test_a_universe_that_cannot_be_told_is_noted_and_the_rest_stands(desk):
    (desk.folder / "desk.py").write_text("def broken(reference, date):\n    raise ValueError('no members today')\n")
    desk.reference(_1=10, _2=20)
    universes = {"broken": {"python": "desk.py:broken"}, "first": {"where": "ListingId = 1"}}
    plan = desk.plan(BARS, universes=universes)
    tree = describe(plan, left_of(plan, plan.names))
    broken, first = tree["passes"][0]["estimates"]
    assert (broken["universe"], broken["rows_in"], first["rows_in"]) == ("broken", None, 135)
    (note,) = [note for note in tree["notes"] if "cannot be estimated" in note]
    assert note.startswith("what universe 'broken' takes cannot be estimated: ")
    assert "no members today" in note


def test_an_unreadable_file_leaves_its_table_unknown_and_is_noted_once(desk):
    plan = desk.plan(BARS, HOURS)
    (desk.folder / "data/trades/date=2026-01-06/part.parquet").write_bytes(b"garbage")
    tree = describe(plan, left_of(plan, plan.names))
    assert tree["passes"][0]["on_disk"] == {"trades": None}
    (bars,) = tree["passes"][0]["estimates"]
    assert (bars["partitions"], bars["listings"], bars["rows_in"], bars["batches"], bars["memory"]) == (
        2,
        2,
        None,
        None,
        None,
    )
    notes = [note for note in tree["notes"] if note.startswith("the size of trades on 2026-01-06 is unknown: ")]
    assert len(notes) == 1


def test_bytes_are_those_of_the_files(desk):
    files = list((desk.folder / "data/trades").rglob("*.parquet"))
    plan = desk.plan(BARS)
    tree = describe(plan, left_of(plan, plan.names))
    assert tree["passes"][0]["on_disk"]["trades"] == {"rows": 180, "bytes": sum(f.stat().st_size for f in files)}
