"""What was wrong between the features: rows read from places that hold older ones, keys that missed a table, results
that changed with the cut, and sentences that told nothing.
"""

from datetime import date, timedelta

import polars as pl
import pytest

from basalt import FrameModule, Unit
from basalt.documents import ResultColumn
from basalt.errors import PluginError, UserError
from basalt.running.run import run_plan

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
MINUTES = {"name": "minutes", "every": "1m", "modules": [{"module": "volume"}]}
BEFORE = {"name": "before", "modules": [{"module": "before", "source": "minutes"}]}
HERE, THERE = [{"type": "parquet", "root": "out"}], [{"type": "parquet", "root": "moved"}]


class Before(FrameModule):
    """What a listing traded on the previous date."""

    name = "before"
    history = 1

    def columns(self):
        """Null where there is no previous date."""
        return [ResultColumn("Before", Unit.SHARES, "Shares of the previous date.")]

    def compute(self, inputs, pass_):
        """Rows of today's buckets."""
        rows = inputs["source"]
        there = rows.filter(pl.col("Date") < pass_.date).group_by("ListingId").agg(Before=pl.col("Volume").sum())
        today = rows.filter(pl.col("Date") == pass_.date).select("ListingId", "TimeBucket")
        return today.join(there, on="ListingId", how="left")


def trades(desk, events, size):
    """Monday's only trade."""
    desk.put("trades", "2026-01-05", events("Price Size", (1, 30, 100, size)))


def statuses(desk, *passes, **more):
    """By pass, where Monday stands and why."""
    from basalt.planning.standing import statuses

    plan = desk.plan(*passes, dates=[MONDAY], **more)
    return {name: (one.kind, one.reason) for name, one in statuses(plan, plan.partitions[0]).items()}


def test_history_is_not_read_from_a_place_its_rows_have_left(desk, events):
    """Monday was published here as 30, and then, from other data, elsewhere as 99: what lies here is no longer it."""
    desk.modules.append(Before)
    desk.run(MINUTES, dates=[MONDAY], outputs=HERE)
    trades(desk, events, 99)
    desk.run(MINUTES, dates=[MONDAY], outputs=THERE)
    (failed,) = desk.run(MINUTES, BEFORE, dates=[TUESDAY], outputs=HERE).failed
    assert failed.error == (
        "passes.before on 2026-01-06 reads passes.minutes of 2026-01-05, which was published elsewhere: run minutes "
        "for 2026-01-05 first"
    )
    result = desk.run(MINUTES, BEFORE, outputs=HERE)
    assert result.failed == []
    assert result.scan("before").collect()["Before"].to_list() == [None, 99.0]


def test_a_pass_run_alone_reads_no_place_the_rows_of_another_have_left(desk, events):
    hours = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "minutes"}]}
    desk.run(MINUTES, dates=[MONDAY], outputs=HERE)
    trades(desk, events, 99)
    desk.run(MINUTES, dates=[MONDAY], outputs=THERE)
    (failed,) = run_plan(desk.plan(MINUTES, hours, dates=[MONDAY], outputs=HERE), only=["hours"]).failed
    assert failed.error == (
        "passes.hours on 2026-01-05 reads passes.minutes, which was published elsewhere: run minutes first"
    )


def keeping(**more):
    return {"name": "kept", "every": "1m", "modules": [{"module": "volume", **more}]} | {
        "expect": {"preserves_rows_of": "minutes"}
    }


def test_rows_to_be_preserved_are_computed_again_where_they_have_no_output(desk):
    minutes = {**MINUTES, "outputs": []}
    assert desk.run(minutes, keeping(), dates=[MONDAY]).failed == []
    result = desk.run(minutes, keeping(prefix="A"), dates=[MONDAY])
    assert (result.failed, [p.name for p in result.published]) == ([], ["kept"])


def test_rows_are_compared_again_with_what_they_shall_preserve_once_that_changed(desk):
    assert desk.run(MINUTES, keeping(), dates=[MONDAY]).failed == []
    later = {**MINUTES, "modules": [{"module": "volume", "prefix": "B"}]}
    assert statuses(desk, later, keeping())["kept"] == ("stale", "earlier pass minutes changed")


def test_passes_in_different_buckets_are_not_mixed(desk):
    """Rows of five minutes among those of one minute would say that nothing was traded in the other."""
    fives = {**MINUTES, "name": "fives", "every": "5m"}
    both = [{"module": "generic", "source": name, "prefix": name} for name in ("minutes", "fives")]
    with pytest.raises(UserError) as error:
        desk.plan(MINUTES, fives, {"name": "both", "modules": both})
    assert str(error.value) == (
        "passes.both reads minutes in buckets of every 1m, label end, closed right and fives in buckets of every 5m, "
        "label end, closed right: set what differs on this pass, or put one in a pass of its own"
    )
    tens = {"name": "both", "every": "10m", "modules": both}
    rows = desk.run(MINUTES, fives, tens, dates=[MONDAY]).scan("both").collect()
    assert rows.select("ListingId", "minutesVolume", "fivesVolume").rows() == [(1, 30.0, 30.0), (2, 5.0, 5.0)]


def test_states_known_on_later_dates_alone_are_refused(desk, events):
    """By Monday, which has none, Tuesday's halt would be counted; run alone, Tuesday would leave it out."""
    at = desk.plan(MINUTES).dates.days[1]
    nine = events("MarketState", (1, 0, "HALTED"))["EventTimestamp"][0] + timedelta(days=1)
    desk.put("marketstate", str(at), events("MarketState", (1, nine, "HALTED")))
    with pytest.raises(UserError) as error:
        desk.plan(MINUTES)
    assert str(error.value) == (
        "source 'parquet' has marketstate for 2026-01-06 and not for 2026-01-05, and a run knows states on all of its "
        "dates or on none: run them apart, the first with --to 2026-01-05"
    )
    assert desk.run(MINUTES, dates=[MONDAY]).failed == []
    assert desk.run(MINUTES, dates=[TUESDAY]).published[0].rows == 0


def test_rows_that_carry_their_state_need_no_table_of_states(desk, events):
    """Trades in continuous trading on both dates; a table of states that nobody reads may begin whenever it does."""
    for day, shift in (("2026-01-05", timedelta(0)), ("2026-01-06", timedelta(days=1))):
        rows = events("Price Size MarketState", (1, 30, 100, 10, "CONTINUOUS_TRADING"))
        desk.put("trades", day, rows.with_columns(pl.col("EventTimestamp") + shift))
    desk.put("marketstate", "2026-01-06", events("MarketState", (1, 0, "HALTED")))
    assert [p.rows for p in desk.run(MINUTES).published] == [1, 1]
    with pytest.raises(UserError, match="a run knows states on all of its dates or on none"):
        desk.plan({**MINUTES, "timeline": "dense"})


def quoted(desk, events, a_module, a_metric):
    """Quotes of instruments 100 and 200, and a pass over them."""
    quotes = events("BidPrice1 AskPrice1", (100, 30, 1, 2), (200, 30, 5, 6)).rename({"ListingId": "InstrumentId"})
    desk.put("cbbo", "2026-01-05", quotes)
    desk.modules.append(a_module("bid", a_metric("Bid", pl.col("BidPrice1").last(), Unit.PRICE), table="cbbo"))
    (desk.folder / "one.csv").write_text("ListingId\n1\n")
    return {"name": "bids", "every": "1m", "modules": [{"module": "bid"}]}, {"one": {"file": "one.csv"}}


def refer(desk, instruments):
    rows = {"ListingId": list(instruments), "InstrumentId": list(instruments.values())}
    pl.DataFrame(rows).write_parquet(desk.folder / "data/reference.parquet")


def test_a_listing_of_another_instrument_makes_rows_by_instrument_stale(desk, events, a_module, a_metric):
    """The universe of listing 1 has the quotes of instrument 100, and of 200 once reference says so."""
    bids, universes = quoted(desk, events, a_module, a_metric)
    refer(desk, {1: 100, 2: 200})
    first = desk.run(bids, universes=universes, dates=[MONDAY])
    assert first.scan("bids").collect()["Bid"].to_list() == [1.0]
    refer(desk, {1: 200, 2: 100})
    assert statuses(desk, bids, universes=universes) == {"bids": ("stale", "table reference changed")}
    second = desk.run(bids, universes=universes, dates=[MONDAY])
    assert second.scan("bids").collect()["Bid"].to_list() == [5.0]


def test_whom_a_pass_should_cover_is_looked_up_again_once_reference_changed(desk):
    refer(desk, {1: 100, 2: 200})
    covering = {**MINUTES, "expect": {"coverage": 1}}
    assert desk.run(covering, dates=[MONDAY]).failed == []
    refer(desk, {1: 100, 2: 200, 3: 300})
    assert statuses(desk, covering) == {"minutes": ("stale", "table reference changed")}
    assert statuses(desk, MINUTES) == {"minutes": ("stale", "configuration of the pass changed")}


def test_a_date_without_the_reference_that_decides_of_its_rows_is_refused(desk, events, a_module, a_metric):
    bids, universes = quoted(desk, events, a_module, a_metric)
    desk.put("cbbo", "2026-01-06", pl.read_parquet(desk.folder / "data/cbbo/date=2026-01-05/part.parquet"))
    desk.put("reference", "2026-01-05", pl.DataFrame({"ListingId": [1], "InstrumentId": [100]}))
    with pytest.raises(UserError, match="source 'parquet' has no reference for 2026-01-06; it has 1 dates"):
        desk.plan(bids, universes=universes)


def test_rows_in_another_dtype_than_declared_are_not_published(desk):
    """On frames without rows it is what was declared, so the plan cannot know."""

    class Odd(FrameModule):
        """Counts in integers, once there is something to count."""

        name = "odd"
        inputs = ("trades",)

        def columns(self):
            return [ResultColumn("Trades", Unit.COUNT, "Trades of the bucket.")]

        def compute(self, inputs, pass_):
            trades = inputs["trades"]
            dtype = pl.Int64 if trades.select(pl.len()).collect().item() else pl.Float64
            label = pass_.rule.bucket(pl.col("EventTimestamp"), pass_.date)
            return trades.group_by("ListingId", TimeBucket=label).agg(Trades=pl.len().cast(dtype))

    desk.modules.append(Odd)
    (failed,) = desk.run({"name": "odd", "every": "1m", "modules": [{"module": "odd"}]}, dates=[MONDAY]).failed
    assert failed.error == (
        "passes.odd on 2026-01-05: module odd returned Trades as Int64, and as Float64 for frames without rows: cast it"
    )


def test_instruments_of_two_dtypes_are_refused_while_planning(desk, events, a_module, a_metric):
    bids, universes = quoted(desk, events, a_module, a_metric)
    refer(desk, {1: "100", 2: "200"})
    with pytest.raises(UserError) as error:
        desk.plan(bids, universes=universes, dates=[MONDAY])
    assert str(error.value) == (
        "InstrumentId is Int64 in table 'cbbo' and String in table 'reference', by which passes.bids works: the tables "
        "of a run have one dtype of InstrumentId"
    )
    assert desk.run(bids, dates=[MONDAY]).failed == []


def test_a_column_named_as_a_pattern_is_refused(desk, a_module, a_volume):
    """Polars would take it for columns that match, and the column was lost."""
    desk.modules.append(a_module("odd", a_volume("Volume$")))
    with pytest.raises(PluginError, match=r"no column may be named '\^Volume\$': .* patterns from \^ to \$ are taken"):
        desk.plan({**MINUTES, "modules": [{"module": "odd", "prefix": "^"}]})


def test_a_frame_module_without_its_table_is_named_once(desk):
    class Quotes(Before):
        """Reads quotes."""

        name = "quotes"
        inputs = ("l2",)
        history = 0

    desk.modules.append(Quotes)
    with pytest.raises(UserError) as error:
        desk.plan({**MINUTES, "modules": [{"module": "quotes"}]})
    assert str(error.value) == (
        "passes.minutes.modules[0]: module quotes reads table 'l2', which source 'parquet' does not have on "
        "2026-01-05; it has: trades"
    )
