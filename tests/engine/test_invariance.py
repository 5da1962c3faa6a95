"""A result never depends on how the work was cut: by batches, executors, row order, dates, universes, or being stopped.

Every cut is compared with one run of one batch; that run is compared with plain Python.
"""

from collections.abc import Mapping
from itertools import product
from pathlib import Path

import market
import plain
import polars as pl
import pytest
from conftest import PASSES, Desk, assert_same
from cuts import EXECUTORS, WAYS, every_combination, memory_for, pairwise, whole

from basalt.planning.dates import Asked
from basalt.planning.pipeline_file import plan_file
from basalt.running.events import Event, PassComputed

BATCHES = {
    "one batch": dict.fromkeys(PASSES, 1),
    "three batches": {**dict.fromkeys(PASSES, 3), "rank": 1},
    "one listing each": {"bars": 12, "quarter": 12, "usual": 12, "rank": 1, "share": 7},
}
ONE_EACH = 'memory = "1 B"'
AXES = (list(BATCHES), [True, False], list(WAYS))
INLINE = list(product(*AXES)) if every_combination() else pairwise(*AXES)
ELSEWHERE = [
    ("processes", "three batches", False, "interrupted"),
    ("processes", "one listing each", True, "whole"),
    ("processes", "one batch", False, "killed"),
    ("dask", "three batches", False, "whole"),
]
if every_combination():
    ELSEWHERE = list(product(["processes", "dask"], *AXES))


@pytest.mark.slow
@pytest.mark.parametrize(("batches", "is_sorted", "way"), INLINE)
def test_batches_order_of_files_and_stops_change_nothing(desk_in, expected, batches, is_sorted, way):
    assert_cut_changes_nothing(desk_in, expected, "inline", batches, is_sorted, way)


@pytest.mark.slow
@pytest.mark.parametrize(("executor", "batches", "is_sorted", "way"), ELSEWHERE)
def test_executors_change_nothing(desk_in, expected, executor, batches, is_sorted, way):
    assert_cut_changes_nothing(desk_in, expected, executor, batches, is_sorted, way)


def assert_cut_changes_nothing(desk_in, expected, executor: str, batches: str, is_sorted: bool, way: str) -> None:
    """Run it cut so; the same result, the batches that were asked for, and nothing left behind.

    Memory is sized for two workers, and a run of one date starts one, which has all of it: fewer batches then.
    """
    top, memory = EXECUTORS[executor], {}
    if batches == "one listing each":
        top += f"\n{ONE_EACH}"
    if batches == "three batches":
        workers = 1 if executor == "inline" else 2
        plan = plan_file(desk_in().pipeline, (), Asked())
        memory = {name: workers * size for name, size in memory_for(plan, 3, expected).items()}
    desk = desk_in(is_sorted, top, memory)
    told = WAYS[way](desk)
    assert_same(desk.published(), expected)
    assert desk.rest() == []
    found = most_batches(told)
    if executor != "inline" and batches == "three batches" and way in ("date_by_date", "descending"):
        assert {name: BATCHES[batches][name] > 1 for name in PASSES} == {name: found[name] > 1 for name in PASSES}
    else:
        assert found == BATCHES[batches]


def most_batches(told: list[Event]) -> dict[str, int]:
    """By pass, the batches of the date that had the most."""
    found: dict[str, int] = {}
    for event in told:
        if isinstance(event, PassComputed):
            found[event.name] = max(found.get(event.name, 0), event.batches)
    return found


def test_few_combinations_hold_every_pair():
    found = pairwise(*AXES)
    assert len(found) < len(list(product(*AXES))) / 1.9
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert {(one[i], one[j]) for one in found} == set(product(AXES[i], AXES[j]))


def test_one_run_of_one_batch_is_what_plain_python_computes(expected):
    """Rows, and the columns that `plain` has, of all passes and dates."""
    for name, wanted in plain.passes().items():
        rows = {(row["Date"], (row["ListingId"], row["TimeBucket"])): row for row in expected[name].to_dicts()}
        assert rows.keys() == wanted.keys(), name
        for key, values in wanted.items():
            for column in plain.COLUMNS[name]:
                assert alike(rows[key][column], values[column]), (name, key, column)


def test_rows_stand_by_date_listing_and_time_whatever_the_scope(expected):
    """So that a reader of one listing reads few row groups: of passes by listing, instrument and universe alike."""
    for name, frame in expected.items():
        by = [column for column in ("Date", "ListingId", "TimeBucket") if column in frame.columns]
        assert frame.select(by).equals(frame.select(by).sort(by)), name


def alike(found: float | None, wanted: float | None) -> bool:
    """Both null, or within 1e-12 relative."""
    if found is None or wanted is None:
        return found is wanted
    return abs(found - wanted) <= 1e-12 * abs(wanted)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("is_sorted", "numbered", "top"), [(True, True, ONE_EACH), (False, True, ""), (False, False, "")]
)
def test_several_files_a_date_and_ties_in_the_order_of_the_file_change_nothing(
    tmp_path, expected, is_sorted, numbered, top
):
    """Sequence numbers ascend in file order, so that without them equal stamps stand as they do with them."""
    market.write_market(tmp_path / "data", is_sorted, parts=3, numbered=numbered)
    desk = Desk(tmp_path / "desk")
    desk.folder.mkdir()
    desk.write(tmp_path / "data", top)
    whole(desk)
    assert_same(desk.published(), expected)


UNIVERSES = """
[universes.low]
where = "ListingId <= 6"
[universes.high]
where = "ListingId > 6"
"""


FEED = '''
"""The same files, read whole by every query: so the engine keeps tables, of the listings that the passes may read."""
import polars as pl
from basalt import hookimpl
from basalt_io.sources.parquet import ParquetSource


class Feed(ParquetSource):
    name = "feed"
    prunes = False

    def scan_of(self, table, day, keys):
        return self.scan(table, day).filter(pl.col(keys.name).is_in(keys.to_list()))


@hookimpl
def basalt_sources():
    return [Feed]
'''


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "is_sorted", "memory"),
    [("parquet", True, ""), ("parquet", True, ONE_EACH), ("parquet", False, ONE_EACH), ("feed", False, ONE_EACH)],
)
def test_two_universes_have_together_the_rows_of_the_whole(desk_in, expected, source, is_sorted, memory):
    """Instruments 1, 2 and 4 have listings on both sides of the cut, and their shares count both; of a feed, only
    listings of a universe and of its instruments are kept."""
    desk = desk_in(is_sorted, memory + UNIVERSES)
    if source == "feed":
        (desk.folder / "feed.py").write_text(FEED)
        text = desk.pipeline.read_text().replace('["desk_modules.py"]', '["desk_modules.py", "feed.py"]')
        desk.pipeline.write_text(text.replace('[source]\ntype = "parquet"', '[source]\ntype = "feed"'))
    told = whole(desk)
    found = desk.published()
    assert set(found["bars"].select("Universe").unique().iter_rows()) == {("low",), ("high",)}
    assert_same(without(as_one(found), "rank"), without(expected, "rank"))
    assert_same({"rank": found["rank"]}, {"rank": ranked(found["bars"])})
    assert most_batches(told) == (
        {"bars": 6, "quarter": 6, "usual": 6, "rank": 1, "share": 6} if memory else dict.fromkeys(PASSES, 1)
    )


def without(passes: Mapping[str, pl.DataFrame], name: str) -> dict[str, pl.DataFrame]:
    """The others."""
    return {other: rows for other, rows in passes.items() if other != name}


def as_one(passes: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The rows of all universes as if they were of one."""
    keys = ["Date", "ListingId", "TimeBucket"]
    return {name: rows.with_columns(Universe=pl.lit("all")).sort(keys) for name, rows in passes.items()}


def ranked(bars: pl.DataFrame) -> pl.DataFrame:
    """The pass `rank` of published bars: among the listings of a universe."""
    rank = pl.col("TradeTotalVolume").rank("min", descending=True).over("Date", "Universe", "TimeBucket")
    return bars.select("Date", "Universe", "ListingId", "TimeBucket", VolumeRank=rank.cast(pl.UInt32))


@pytest.mark.slow
def test_an_output_that_was_removed_is_computed_again_alike(desk_in, expected):
    desk = desk_in()
    whole(desk)
    for name in ("bars", "share"):
        (desk.folder / "out" / name / f"date={market.DATES[1]}" / "all.parquet").unlink()
    whole(desk)
    assert_same(desk.published(), expected)


def test_a_run_with_nothing_to_do_touches_no_file(desk_in):
    desk = desk_in()
    whole(desk)
    before = stamps(desk.folder / "out")
    assert most_batches(whole(desk)) == {}
    assert stamps(desk.folder / "out") == before != {}


def stamps(folder: Path) -> dict[str, int]:
    """When each file was written."""
    return {str(file): file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}
