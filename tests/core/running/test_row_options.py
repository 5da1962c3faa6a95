"""What an output asks of its rows: `dedupe` keeps the last of rows with the same keys, `index` numbers them."""

from datetime import date
from itertools import product

import polars as pl
import pytest

from basalt import FrameModule, Unit
from basalt.documents import ResultColumn
from basalt.errors import UserError
from basalt.running import events
from basalt.running.run import run_plan

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
MINUTES = {"name": "minutes", "every": "1m", "modules": [{"module": "volume"}]}
TWICE = {"name": "twice", "modules": [{"module": "twice", "source": "minutes"}]}
DAILY = {"name": "twice", "timeline": "daily", "modules": [{"module": "twice", "source": "minutes"}]}
HOURS = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "twice"}]}
STORES = {
    "parquet": {"type": "parquet", "root": "out"},
    "delta": {"type": "delta", "root": "lake"},
    "sql": {"type": "sql", "url": "sqlite:///results.db"},
}
by_store = pytest.mark.parametrize("store", STORES.values(), ids=STORES)


class Twice(FrameModule):
    """Returns every row, then every row again with a tenth of its volume."""

    name = "twice"

    def columns(self):
        """The volume, as it is and as it is corrected."""
        return [ResultColumn("Corrected", Unit.SHARES, "Volume of the bucket.")]

    def compute(self, inputs, pass_):
        """The rows and their corrections, in that order."""
        rows = inputs["source"].select("ListingId", "TimeBucket", Corrected="Volume")
        return pl.concat([rows, rows.with_columns(pl.col("Corrected") / 10)])


@pytest.fixture(autouse=True)
def twice(desk):
    """The desk has the module."""
    desk.modules.append(Twice)


def noted(desk, *passes, **more):
    """The notes of a run that count rows."""
    found = []

    def observe(event):
        if isinstance(event, events.Noted) and event.count:
            found.append((event.name, event.count, event.what))

    return desk.run(*passes, observers=[observe], dates=[MONDAY], **more), found


def values(result, name, *columns):
    return result.scan(name).select(columns).collect().rows()


@by_store
def test_the_last_of_rows_with_the_same_keys_is_kept_and_the_others_are_told_of(desk, store):
    """Three minutes are returned twice: 10, 20, 5, and a tenth of each behind them."""
    result, told = noted(desk, MINUTES, TWICE, outputs=[{**store, "dedupe": "keys"}])
    assert values(result, "twice", "ListingId", "Corrected") == [(1, 1.0), (1, 2.0), (2, 0.5)]
    assert told == [("twice", 3, "rows of modules repeat the keys of a later one and are left out")]


def test_a_daily_row_is_known_by_its_keys_alone(desk):
    """Six rows of two listings: the last of listing 1 is a tenth of 20, of listing 2 a tenth of 5."""
    result, told = noted(desk, MINUTES, DAILY, outputs=[{**STORES["parquet"], "dedupe": "keys"}])
    assert values(result, "twice", "ListingId", "Corrected") == [(1, 2.0), (2, 0.5)]
    assert [count for _, count, _ in told] == [4]


def test_without_it_repeated_rows_are_refused_and_the_way_out_is_told(desk):
    result = desk.run(MINUTES, TWICE, dates=[MONDAY])
    assert "keep the last of each with dedupe = 'keys' on the outputs" in result.failed[0].error


def test_later_passes_read_the_same_rows_whether_they_were_computed_or_read_back(desk):
    """1.0 + 2.0 of listing 1."""
    outputs = [{**STORES["parquet"], "dedupe": "keys"}]
    rollup = {**HOURS, "modules": [{"module": "half", "source": "twice"}]}
    desk.modules.append(Half)
    at_once = desk.run(MINUTES, TWICE, rollup, dates=[MONDAY], outputs=outputs)
    wanted = [(1, 0.5), (1, 1.0), (2, 0.25)]
    assert values(at_once, "hours", "ListingId", "Half") == wanted
    plan = desk.plan(MINUTES, TWICE, rollup, dates=[MONDAY], outputs=outputs)
    assert values(run_plan(plan, only=["hours"], force=True), "hours", "ListingId", "Half") == wanted


class Half(FrameModule):
    """Reads what was corrected."""

    name = "half"

    def columns(self):
        """Half of it."""
        return [ResultColumn("Half", Unit.SHARES, "Half of the corrected volume.")]

    def compute(self, inputs, pass_):
        """Row by row."""
        return inputs["source"].select("ListingId", "TimeBucket", Half=pl.col("Corrected") / 2)


def test_outputs_of_a_pass_hold_the_same_rows(desk):
    outputs = [{**STORES["parquet"], "dedupe": "keys"}, STORES["delta"]]
    with pytest.raises(UserError, match=r"passes\.minutes has outputs with dedupe = 'keys' and without"):
        desk.plan(MINUTES, dates=[MONDAY], outputs=outputs)


def test_rows_change_with_dedupe_and_are_computed_again(desk):
    desk.run(MINUTES, dates=[MONDAY])
    again = desk.run(MINUTES, dates=[MONDAY], outputs=[{**STORES["parquet"], "dedupe": "keys"}])
    assert [event.name for event in again.published] == ["minutes"]


@by_store
@pytest.mark.parametrize(("index", "name"), [(True, "RowNumber"), ("Nr", "Nr")])
def test_an_index_numbers_the_rows_of_each_partition_and_is_left_out_where_they_are_read_back(desk, store, index, name):
    """Monday has three rows in two batches, Tuesday one; a pass behind reads the volumes alone."""
    outputs = [{**store, "index": index}]
    result = desk.run(MINUTES, dates=[MONDAY, TUESDAY], outputs=outputs, memory="1 B")
    plan = result.plan
    for partition, wanted in zip(plan.partitions, [[0, 1, 2], [0]], strict=True):
        rows = plan.outputs["minutes"][0].output.scan(plan.target("minutes", partition, store["type"]))
        assert rows.select(name).collect()[name].to_list() == wanted
        assert rows.collect_schema()[name] == pl.Int64
        assert rows.collect_schema().names()[-1] == name
    assert result.scan("minutes").collect_schema().names() == ["Date", "Universe", "ListingId", "TimeBucket", "Volume"]
    hours = {**HOURS, "modules": [{"module": "generic", "source": "minutes"}]}
    behind = desk.run(MINUTES, hours, dates=[MONDAY], outputs=outputs)
    assert values(behind, "hours", "ListingId", "Volume") == [(1, 30.0), (2, 5.0)]


def test_the_document_beside_the_rows_describes_the_index(desk):
    result = desk.run(MINUTES, dates=[MONDAY], outputs=[{**STORES["parquet"], "index": "Nr"}])
    plan = result.plan
    found = plan.outputs["minutes"][0].output.document(plan.target("minutes", plan.partitions[0], "parquet"))
    assert found["provenance"]["index"] == "Nr"
    assert [column["name"] for column in found["columns"]] == ["Volume", "Nr"]
    assert found["columns"][1]["doc"].startswith("Number of the row in its partition, from 0")


def test_another_index_makes_rows_stale_that_are_the_same_otherwise(desk):
    """Rows without an index, with one, with one of another name: each is published anew, and then done."""
    published = []
    for more in ({}, {"index": True}, {"index": "Nr"}, {"index": "Nr"}, {}):
        result = desk.run(MINUTES, dates=[MONDAY], outputs=[{**STORES["parquet"], **more}])
        published.append(len(result.published))
    assert published == [1, 1, 1, 0, 1]


@pytest.mark.parametrize("name", ["Volume", "TimeBucket", "Universe", "ListingId", "_Nr"])
def test_an_index_takes_no_name_that_is_taken(desk, name):
    with pytest.raises(UserError, match=f"with index = '{name}', which is a column of it or begins with _"):
        desk.plan(MINUTES, dates=[MONDAY], outputs=[{**STORES["parquet"], "index": name}])


@pytest.mark.parametrize(
    ("type", "mode"), [*product(["delta"], ["append", "merge"]), *product(["sql"], ["append", "upsert"])]
)
def test_rows_that_are_added_to_others_have_no_number(desk, type, mode):
    with pytest.raises(UserError, match="numbers whole partitions, and that output adds to what is there"):
        desk.plan(MINUTES, dates=[MONDAY], outputs=[{**STORES[type], "mode": mode, "index": True}])


def test_an_index_is_no_number(desk):
    with pytest.raises(UserError, match="index"):
        desk.plan(MINUTES, dates=[MONDAY], outputs=[{**STORES["parquet"], "index": 3}])
