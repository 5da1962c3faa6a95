"""Scopes and universes: which listings a pass sees, which it keeps, and what its batches never part."""

import polars as pl
import pytest
from desk_modules import Lead, Rank, Share
from small import day, events

from basalt import FrameModule, Metric, Unit
from basalt.documents import ResultColumn
from basalt.errors import UserError
from basalt.metrics import SUM, Empty
from basalt.modules import BucketModule

TODAY = day(0)
BARS = {"name": "bars", "every": "1m", "modules": [{"module": "volume"}]}
RANK = {"name": "rank", "modules": [{"module": "rank", "source": "bars"}]}
SHARE = {"name": "share", "every": "1m", "modules": [{"module": "share"}]}
ONE_EACH = {"memory": "1 B"}


class Volume(BucketModule):
    """Shares traded."""

    name = "volume"
    table = "trades"

    def metrics(self):
        """Under the name that `rank` reads."""
        size = pl.col("Size").sum()
        return [Metric("TradeTotalVolume", size, Unit.SHARES, "Shares.", over_time=SUM, empty=Empty.ZERO)]


class Best(BucketModule):
    """The best bid of an instrument."""

    name = "best"
    table = "cbbo"

    def metrics(self):
        """The last one."""
        return [Metric("Bid", pl.col("BidPrice1").last(), Unit.PRICE, "Last best bid.")]


class Together(FrameModule):
    """How many listings a listing's instrument has in what the module sees; null where reference gives it none."""

    name = "together"
    inputs = ("trades", "reference")
    scope = "instrument"

    def columns(self):
        return [ResultColumn("Together", Unit.COUNT, "Listings of the instrument that traded.", pl.UInt32)]

    def compute(self, inputs, pass_):
        label = pass_.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        rows = inputs["trades"].select("ListingId", TimeBucket=label).unique()
        known = rows.join(inputs["reference"].select("ListingId", "InstrumentId"), on="ListingId", how="left")
        count = pl.col("ListingId").n_unique().over("InstrumentId").cast(pl.UInt32)
        counted = pl.when(pl.col("InstrumentId").is_not_null()).then(count)
        return known.select("ListingId", "TimeBucket", Together=counted)


class OfReference(FrameModule):
    """What reference says of a listing, as a row a date."""

    name = "of_reference"
    inputs = ("reference",)

    def columns(self):
        return [ResultColumn("Instrument", Unit.LABEL, "Of the listing.", pl.Int64)]

    def compute(self, inputs, pass_):
        label = pl.lit(pass_.date).cast(pl.Datetime("us", "UTC"))
        return inputs["reference"].select("ListingId", TimeBucket=label, Instrument="InstrumentId")


@pytest.fixture
def desk(small):
    """Listings 1 to 5 trade 10, 20, … 50 at 09:00:30; 1 and 5 are instrument 100, 2 and 4 are 300, 3 is 200."""
    small.modules += [Volume, Rank, Share, Lead, Best, Together, OfReference]
    small.trades(TODAY, *((n, 30, 10.0 * n) for n in range(1, 6)))
    refer(small, {1: 100, 5: 100, 3: 200, 2: 300, 4: 300})
    return small


def refer(small, instruments):
    """The table reference."""
    columns = {"ListingId": list(instruments), "InstrumentId": list(instruments.values())}
    small.put("reference", None, pl.DataFrame(columns, schema={"ListingId": pl.Int64, "InstrumentId": pl.Int64}))


def values(rows, column, key="ListingId"):
    """By key, in the order of the rows."""
    return list(zip(rows[key], rows[column], strict=True))


def listed(small, **universes):
    """Universes of these listings, as files."""
    for name, listings in universes.items():
        (small.folder / f"{name}.csv").write_text("\n".join(["ListingId", *map(str, listings)]) + "\n")
    return {name: {"file": f"{name}.csv"} for name in universes}


def test_instruments_whose_listings_interleave_are_whole_and_the_rows_still_ascend(desk):
    """One instrument a batch: {1, 5}, {2, 4}, {3}; 1 has 10 / 60 of its instrument, 2 has 20 / 60."""
    assert desk.run(SHARE, **ONE_EACH).failed == []
    assert desk.batches("share") == [2, 2, 1]
    assert values(desk.published("share"), "InstrumentShare") == [
        (1, 10 / 60),
        (2, 20 / 60),
        (3, 1.0),
        (4, 40 / 60),
        (5, 50 / 60),
    ]


def test_a_universe_that_cuts_an_instrument_still_sees_its_other_half(desk):
    """Only 5 and 2 are members; the shares count 1 and 4 too, and 3 is not read."""
    universes = listed(desk, cut=[5, 2])
    assert desk.run(SHARE, universes=universes).failed == []
    assert desk.batches("share") == [4]
    assert values(desk.published("share"), "InstrumentShare") == [(2, 20 / 60), (5, 50 / 60)]


def test_listings_without_an_instrument_are_each_one_of_their_own(desk):
    """Reference lacks 3 and gives 4 no instrument, so 2 is alone; 1 and 5 are together."""
    refer(desk, {1: 100, 5: 100, 2: 300, 4: None})
    for name, top, batches in (("whole", {}, [5]), ("cut", ONE_EACH, [2, 1, 1, 1])):
        assert desk.run({"name": name, "every": "1m", "modules": [{"module": "together"}]}, **top).failed == []
        assert desk.batches(name) == batches
        assert values(desk.published(name), "Together") == [(1, 2), (2, 1), (3, None), (4, None), (5, 2)]


def test_a_module_of_the_whole_universe_runs_once_behind_all_batches(desk):
    """Volumes 10 … 50, so listing 5 is first of five; of universe {2, 4} listing 4 is first of two."""
    assert desk.run(BARS, RANK, **ONE_EACH).failed == []
    assert (desk.batches("bars"), desk.batches("rank")) == ([1] * 5, [5])
    assert values(desk.published("rank"), "VolumeRank") == [(1, 5), (2, 4), (3, 3), (4, 2), (5, 1)]
    assert desk.run(BARS, {**RANK, "name": "ranks"}, universes=listed(desk, even=[2, 4]), **ONE_EACH).failed == []
    assert values(desk.published("ranks"), "VolumeRank") == [(2, 2), (4, 1)]


def test_a_module_of_the_whole_universe_cannot_stand_beside_tables_in_batches(desk):
    both = {**SHARE, "modules": [{"module": "volume"}, {"module": "rank", "source": "bars"}]}
    with pytest.raises(UserError) as error:
        desk.plan(BARS, both)
    assert str(error.value) == (
        "passes.share: module rank needs the whole universe at once, and module volume reads tables in batches of "
        "listings: put rank in a pass of its own, behind this one"
    )


@pytest.mark.parametrize(
    ("reference", "said"),
    [(None, "which is not there"), (pl.DataFrame({"ListingId": [1], "MIC": ["XLON"]}), "which lacks it")],
)
def test_whole_instruments_need_to_be_known(small, reference, said):
    small.modules += [Volume, Together]
    small.trades(TODAY, (1, 30, 10))
    if reference is not None:
        small.put("reference", None, reference)

    class OfTrades(Together):
        """The same, without reading reference itself."""

        name = "of_trades"
        inputs = ("trades",)

        def compute(self, inputs, pass_):
            label = pass_.rule.bucket(pl.col("EventTimestamp"), pass_.date)
            rows = inputs["trades"].select("ListingId", TimeBucket=label).unique()
            return rows.with_columns(Together=pl.lit(1, pl.UInt32))

    small.modules.append(OfTrades)
    with pytest.raises(UserError) as error:
        small.plan({"name": "of", "every": "1m", "modules": [{"module": "of_trades"}]})
    assert str(error.value) == (
        f"passes.of works on whole instruments, by column InstrumentId of table reference, {said}: add it to the source"
    )


LEAD = {"name": "lead", "every": "1m", "modules": [{"module": "lead"}]}
LEADERS = {
    "name": "leaders",
    "every": "1m",
    "modules": [{"module": "volume", "tables": {"trades": "lead:leading"}}],
}


def test_a_side_output_of_whole_instruments_ascends_and_is_read_whole(desk):
    """Volumes 10 … 50: 5 leads {1, 5}, 4 leads {2, 4}, 3 is alone; batches come in the order 5, 4, 3."""
    assert desk.run(LEAD, LEADERS, **ONE_EACH).failed == []
    assert desk.batches("lead") == [2, 2, 1]
    assert values(desk.published("lead"), "Behind") == [(1, 1), (2, 1), (3, 0), (4, 0), (5, 0)]
    assert values(desk.published("lead.leading"), "Size") == [(3, 30.0), (4, 40.0), (5, 50.0)]
    assert values(desk.published("leaders"), "TradeTotalVolume") == [(3, 30.0), (4, 40.0), (5, 50.0)]


def test_a_side_output_holds_members_of_the_universe_alone(desk):
    """1 is a member, and 5, which leads it, is not."""
    assert desk.run(LEAD, LEADERS, universes=listed(desk, some=[1, 3]), **ONE_EACH).failed == []
    assert values(desk.published("lead"), "Behind") == [(1, 1), (3, 0)]
    assert values(desk.published("lead.leading"), "Size") == [(3, 30.0)]
    assert values(desk.published("leaders"), "TradeTotalVolume") == [(3, 30.0)]


@pytest.fixture
def quotes(desk):
    """Best bids of instruments 100, 200 and 300 at 09:00:30: 1, 2, 3."""
    rows = events(TODAY, "BidPrice1 AskPrice1", *((100 * n, 30, n, n + 1) for n in (1, 2, 3)), key="InstrumentId")
    desk.put("cbbo", TODAY, rows)
    return desk


BEST = {"name": "best", "every": "1m", "modules": [{"module": "best"}]}


@pytest.mark.parametrize("top", [{}, ONE_EACH])
def test_rows_by_instrument_are_of_each_universe_that_has_one_of_its_listings(quotes, top):
    """{1, 2} has instruments 100 and 300, {5, 3} has 100 and 200."""
    universes = listed(quotes, low=[1, 2], high=[5, 3])
    assert quotes.run(BEST, universes=universes, **top).failed == []
    rows = quotes.published("best")
    assert rows.columns == ["Date", "Universe", "InstrumentId", "TimeBucket", "Bid"]
    assert rows.select("Universe", "InstrumentId", "Bid").rows() == [
        ("high", 100, 1.0),
        ("high", 200, 2.0),
        ("low", 100, 1.0),
        ("low", 300, 3.0),
    ]
    assert quotes.batches("best") == ([1] * 4 if top else [2, 2])


def test_rows_by_instrument_without_universes_are_of_every_instrument(quotes):
    assert quotes.run(BEST, **ONE_EACH).failed == []
    assert quotes.batches("best") == [1, 1, 1]
    assert values(quotes.published("best"), "Bid", "InstrumentId") == [(100, 1.0), (200, 2.0), (300, 3.0)]


def test_rows_by_listing_may_read_quotes_by_instrument_in_batches(quotes):
    """Each listing is alone in its batch, and sees the quote of its instrument; the spread of 100 is 1."""

    class Quoted(FrameModule):
        """The best bid of a trade's instrument."""

        name = "quoted"
        inputs = ("trades", "cbbo", "reference")

        def columns(self):
            return [
                ResultColumn("Bid", Unit.PRICE, "Best bid."),
                ResultColumn("Seen", Unit.COUNT, "Quotes.", pl.UInt32),
            ]

        def compute(self, inputs, pass_):
            label = pass_.rule.bucket(pl.col("EventTimestamp"), pass_.date)
            pairs = inputs["reference"].select("ListingId", "InstrumentId")
            bids = inputs["cbbo"].select("InstrumentId", Bid="BidPrice1").with_columns(Seen=pl.len())
            rows = inputs["trades"].select("ListingId", TimeBucket=label)
            return rows.join(pairs, on="ListingId").join(bids, on="InstrumentId").drop("InstrumentId")

    quotes.modules.append(Quoted)
    quoted = {"name": "quoted", "every": "1m", "modules": [{"module": "quoted"}]}
    assert quotes.run(quoted, **ONE_EACH).failed == []
    assert quotes.batches("quoted") == [1] * 5
    rows = quotes.published("quoted")
    assert values(rows, "Bid") == [(1, 1.0), (2, 3.0), (3, 2.0), (4, 3.0), (5, 1.0)]
    assert rows["Seen"].to_list() == [1] * 5


@pytest.mark.parametrize("top", [{}, ONE_EACH])
def test_a_universe_without_listings_has_empty_results_and_says_so(desk, top):
    universes = {"none": {"where": "ListingId > 99"}, "all": {"where": "ListingId > 0"}}
    assert desk.run(BARS, RANK, SHARE, universes=universes, **top).failed == []
    for name in ("bars", "rank", "share"):
        rows = desk.published(name)
        assert rows.filter(Universe="none").height == 0
        assert rows.filter(Universe="all")["ListingId"].to_list() == [1, 2, 3, 4, 5]
        empty = desk.folder / "out" / name / f"date={TODAY}" / "none.parquet"
        assert pl.read_parquet(empty, hive_partitioning=False).schema == rows.schema
    assert [note.what for note in desk.notes if note.universe == "none"] == [
        "the universe has no listing on this date, so its results are empty"
    ]


def test_a_member_that_reference_lacks_is_computed_and_noted(desk):
    """6 trades and is not in reference; 7 is nowhere."""
    desk.trades(TODAY, (1, 30, 10), (5, 30, 50), (6, 30, 60))
    universes = listed(desk, asked=[7, 6, 1])
    together = {"name": "together", "every": "1m", "modules": [{"module": "together"}]}
    assert desk.run(BARS, together, universes=universes).failed == []
    assert values(desk.published("bars"), "TradeTotalVolume") == [(1, 10.0), (6, 60.0)]
    assert values(desk.published("together"), "Together") == [(1, 2), (6, None)]
    (note,) = desk.notes
    assert (note.what, note.count, note.example) == (
        "members that table reference does not have; they are computed all the same",
        2,
        "6",
    )


@pytest.mark.parametrize("top", [{}, ONE_EACH])
def test_a_pass_that_reads_no_events_is_of_the_universe_too(desk, top):
    """Reference alone has a row of each listing; the universe has three of them."""
    static = {"name": "static", "every": "1d", "modules": [{"module": "of_reference"}]}
    assert desk.run(static, **top).failed == []
    assert values(desk.published("static"), "Instrument") == [(1, 100), (2, 300), (3, 200), (4, 300), (5, 100)]
    assert desk.run({**static, "name": "some"}, universes=listed(desk, odd=[1, 3, 5]), **top).failed == []
    assert values(desk.published("some"), "Instrument") == [(1, 100), (3, 200), (5, 100)]


def test_a_listing_larger_than_the_memory_runs_alone_and_says_so(desk):
    """The first of them before it is computed, the other four together."""
    assert desk.run(BARS, **ONE_EACH).failed == []
    assert {note.what for note in desk.notes} == {"needs more than the 1 B it may take, and runs alone"}
    assert [(note.count, note.example) for note in desk.notes] == [(1, "1"), (4, "2")]


class Of(FrameModule):
    """A listing's part of what an earlier pass has of its instrument."""

    name = "of"
    inputs = ("source", "reference")
    scope = "instrument"

    def columns(self):
        return [ResultColumn("Part", Unit.RATIO, "Part of the instrument's volume.")]

    def compute(self, inputs, pass_):
        known = inputs["reference"].select("ListingId", "InstrumentId")
        volume = pl.col("TradeTotalVolume")
        part = volume / volume.sum().over("InstrumentId", "TimeBucket")
        return inputs["source"].join(known, on="ListingId").select("ListingId", "TimeBucket", Part=part)


def test_an_earlier_pass_has_no_rows_of_neighbours_and_that_is_told(desk):
    """Listing 5 has 50 of the 60 of its instrument; where 1 is no member, bars lack it, and 5 has all there is."""
    desk.modules.append(Of)
    of = {"name": "of", "modules": [{"module": "of", "source": "bars"}]}
    assert desk.run(BARS, of).failed == []
    assert (values(desk.published("of"), "Part")[-1], desk.notes) == ((5, 50 / 60), [])
    assert desk.run(BARS, {**of, "name": "cut"}, universes=listed(desk, some=[5, 3])).failed == []
    assert values(desk.published("cut"), "Part") == [(3, 1.0), (5, 1.0)]
    (note,) = desk.notes
    assert (note.name, note.count, note.example) == ("cut", 1, "1")
    assert note.what == (
        "works on whole instruments, and lacks listings of them that are no members in what it reads of passes.bars"
    )
