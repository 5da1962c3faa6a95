"""A pipeline reads what another published: by its column document, as an earlier pass of its own."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from basalt import FrameModule, Unit
from basalt.documents import ResultColumn
from basalt.errors import DataError, UserError

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
MINUTES = {
    "name": "minutes",
    "every": "1m",
    "modules": [{"module": "trade", "generic": [{"measures": ["Volume", "VWAP"]}]}],
}
HOURS = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "minutes"}]}
STORES = {
    "parquet": ({"type": "parquet", "root": "theirs"}, {"type": "parquet", "root": "theirs"}),
    "delta": ({"type": "delta", "root": "theirs"}, {"type": "delta", "root": "theirs"}),
    "sql": ({"type": "sql", "url": "sqlite:///theirs.db"}, {"type": "sql", "url": "sqlite:///theirs.db"}),
}
by_store = pytest.mark.parametrize(("output", "source"), STORES.values(), ids=STORES)
PARQUET = STORES["parquet"][1]


@by_store
def test_what_another_pipeline_published_rolls_up_as_an_earlier_pass_does(desk, output, source):
    """Both ways: one pipeline of both passes, and one that reads what the first published. VWAP is weighted, by the
    hidden weight that `weights = true` keeps: (10 × 100 + 20 × 101) / 30."""
    minutes = {**MINUTES, "weights": True}
    own = desk.run(minutes, HOURS, outputs=[output])
    read = desk.run(HOURS, source=source, name="desk2")
    rows = read.scan("hours").collect()
    assert rows.equals(own.scan("hours").collect())
    assert rows["TradeTotalVolume"].to_list() == [30, 5, 7]
    assert rows["TradeTotalVWAP"][0] == pytest.approx((1000 + 2020) / 30, abs=1e-12)
    assert read.document("hours")["columns"] == own.document("hours")["columns"]


@by_store
def test_it_is_done_until_the_other_pipeline_publishes_anew(desk, output, source):
    desk.run(MINUTES, outputs=[output])
    assert len(desk.run(HOURS, source=source).published) == 2
    assert len(desk.run(HOURS, source=source).published) == 0
    nine = datetime(2026, 1, 6, 9, tzinfo=UTC)
    later = pl.DataFrame({"ListingId": [1], "EventTimestamp": [nine], "Price": [1.0], "Size": [3.0]})
    desk.put("trades", "2026-01-06", later)
    desk.run(MINUTES, outputs=[output])
    again = desk.run(HOURS, source=source)
    assert [event.date for event in again.published] == [TUESDAY]
    assert again.scan("hours").collect()["TradeTotalVolume"].to_list() == [30, 5, 3]


class Change(FrameModule):
    """The volume of the bucket beside that of the date before."""

    name = "change"
    history = 1

    def columns(self):
        """One column."""
        return [ResultColumn("Before", Unit.SHARES, "Volume of listing 1 in all buckets of the previous date.")]

    def compute(self, inputs, pass_):
        """Sum over the previous dates, on each row of the date."""
        rows = inputs["source"]
        before = rows.filter(pl.col("Date").is_in([*pass_.previous])).select(pl.col("TradeTotalVolume").sum())
        today = rows.filter(pl.col("Date") == pass_.date).select("ListingId", "TimeBucket")
        return today.join(before.rename({"TradeTotalVolume": "Before"}), how="cross")


@by_store
def test_previous_dates_are_read_too(desk, output, source):
    """Monday has none before it; before Tuesday 10 + 20 + 5 were traded."""
    desk.modules.append(Change)
    desk.run(MINUTES, outputs=[output])
    passes = {"name": "changes", "modules": [{"module": "change", "source": "minutes"}]}
    rows = desk.run(passes, source=source).scan("changes").collect()
    assert rows["Before"].to_list() == [0, 0, 0, 35]


def test_a_pass_of_the_pipeline_s_own_goes_first(desk):
    """Both sources have `minutes`: the one of the file is read, whose buckets are of two minutes."""
    desk.run(MINUTES, outputs=[STORES["parquet"][0]])
    by_two = {**HOURS, "name": "minutes", "every": "2m"}
    result = desk.run(by_two, HOURS, source=PARQUET, dates=[MONDAY])
    assert result.plan.program("hours").upstream == ["minutes"]
    assert result.plan.program("minutes").upstream == []


def test_rows_of_the_universe_s_own_members_are_read(desk):
    """The desk has listing 1 alone, of which 30 was traded; a module that ranks a universe must not see listing 2."""
    desk.run(MINUTES, outputs=[STORES["parquet"][0]])
    (desk.folder / "own.csv").write_text("ListingId\n1\n")
    share = {"name": "all_of_it", "every": "1h", "modules": [{"module": "generic", "source": "minutes"}]}
    result = desk.run(share, source=PARQUET, universes={"own": {"file": "own.csv"}}, dates=[MONDAY])
    rows = result.scan("all_of_it").collect()
    assert rows.select("Universe", "ListingId", "TradeTotalVolume").rows() == [("own", 1, 30)]


def universes(desk, **members):
    for name, listings in members.items():
        (desk.folder / f"{name}.csv").write_text("\n".join(["ListingId", *map(str, listings)]) + "\n")
    return {name: {"file": f"{name}.csv"} for name in members}


def test_universes_of_one_name_meet_and_others_are_put_together(desk):
    """Theirs are `one` and `two`; ours are `two`, of which theirs is read, and `both`, read of both of theirs."""
    desk.run(MINUTES, outputs=[STORES["parquet"][0]], universes=universes(desk, one=[1], two=[2]), dates=[MONDAY])
    ours = universes(desk, two=[2], both=[1, 2])
    rows = desk.run(HOURS, source=PARQUET, universes=ours, dates=[MONDAY]).scan("hours").collect()
    assert sorted(rows.select("Universe", "ListingId", "TradeTotalVolume").rows()) == [
        ("both", 1, 30),
        ("both", 2, 5),
        ("two", 2, 5),
    ]


def test_rows_that_two_of_their_universes_hold_are_not_counted_twice(desk):
    desk.run(MINUTES, outputs=[STORES["parquet"][0]], universes=universes(desk, one=[1, 2], two=[2]), dates=[MONDAY])
    result = desk.run(HOURS, source=PARQUET, dates=[MONDAY])
    assert "holds the same rows in several of its universes (one, two)" in result.failed[0].error
    assert "name the [universes] of this pipeline as those" in result.failed[0].error


def test_a_date_that_was_published_in_other_buckets_is_not_mixed_in(desk):
    desk.run(MINUTES, outputs=[STORES["parquet"][0]], dates=[MONDAY])
    desk.run({**MINUTES, "every": "5m"}, outputs=[STORES["parquet"][0]], dates=[TUESDAY])
    result = desk.run(HOURS, source=PARQUET)
    assert [event.date for event in result.published] == [MONDAY]
    assert "table minutes of source 'parquet' has other bucket on 2026-01-06" in result.failed[0].error


@by_store
@pytest.mark.parametrize(("index", "kept"), [("drop", False), ("restore", True)])
def test_an_index_is_dropped_or_restored(desk, output, source, index, kept):
    """Rows 0, 1 and 2 of Monday: as a column of what is read they can be read by a module, or are not there."""
    desk.modules.append(Numbers)
    desk.run(MINUTES, outputs=[{**output, "index": "Nr"}], dates=[MONDAY])
    numbers = {"name": "numbers", "modules": [{"module": "numbers", "source": "minutes"}]}
    plan = desk.plan(HOURS, source={**source, "index": index}, dates=[MONDAY])
    assert ("Nr" in plan.source.scan("minutes", MONDAY).collect_schema()) == kept
    assert (plan.program("hours").published["minutes"].column("Nr") is not None) == kept
    if kept:
        result = desk.run(numbers, source={**source, "index": index}, dates=[MONDAY])
        assert result.scan("numbers").collect()["Number"].to_list() == [0, 1, 2]


class Numbers(FrameModule):
    """What the rows are numbered by."""

    name = "numbers"

    def columns(self):
        """One column."""
        return [ResultColumn("Number", Unit.LABEL, "Number of the row.", pl.Int64)]

    def compute(self, inputs, pass_):
        """Row by row."""
        return inputs["source"].select("ListingId", "TimeBucket", Number="Nr")


def test_a_name_that_neither_has_is_refused_with_what_there_is(desk):
    desk.run(MINUTES, outputs=[STORES["parquet"][0]])
    with pytest.raises(UserError) as refused:
        desk.plan({**HOURS, "modules": [{"module": "generic", "source": "hour"}]}, source=PARQUET)
    assert str(refused.value).endswith(
        "source = 'hour' is no earlier pass; earlier passes: none (put the pass it reads before this one); published "
        "results that source 'parquet' has: 'minutes'"
    )


def test_a_table_that_no_pipeline_published_is_no_pass(desk):
    with pytest.raises(UserError, match="source = 'trades' is no earlier pass"):
        desk.plan({**HOURS, "modules": [{"module": "generic", "source": "trades"}]})


def test_a_date_that_the_other_pipeline_has_not_published_is_refused_while_planning(desk):
    desk.run(MINUTES, outputs=[STORES["parquet"][0]])
    (desk.folder / "theirs" / "minutes" / "date=2026-01-06" / "all.parquet").unlink()
    with pytest.raises(UserError, match="has no data for 2026-01-06"):
        desk.plan(HOURS, source=PARQUET, dates=[MONDAY, TUESDAY])


def test_a_document_that_says_nothing_is_told_with_the_table(desk):
    desk.run(MINUTES, outputs=[STORES["parquet"][0]], dates=[MONDAY])
    file = desk.folder / "theirs" / "minutes" / "date=2026-01-05" / "all.parquet"
    rows = pl.read_parquet(file, hive_partitioning=False)
    rows.write_parquet(file, metadata={"basalt": '{"format": 1, "columns": []}'})
    with pytest.raises(DataError, match=r"table minutes of source 'parquet' carries a column document .* publish it"):
        desk.plan(HOURS, source=PARQUET, dates=[MONDAY])


def test_what_is_read_is_cut_into_batches_as_everything_is(desk):
    """40 listings, a batch each."""
    nine = datetime(2026, 1, 5, 9, tzinfo=UTC)
    listings = list(range(1, 41))
    many = {"ListingId": listings, "EventTimestamp": [nine + timedelta(seconds=30)] * 40}
    desk.put("trades", "2026-01-05", pl.DataFrame({**many, "Price": [1.0] * 40, "Size": [float(n) for n in listings]}))
    desk.run(MINUTES, outputs=[STORES["parquet"][0]], dates=[MONDAY])
    result = desk.run(HOURS, source=PARQUET, dates=[MONDAY], memory="1 B")
    assert result.scan("hours").collect()["TradeTotalVolume"].to_list() == listings
