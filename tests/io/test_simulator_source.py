"""The simulator as a source, and `basalt data simulate`, which writes what the parquet source reads."""

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from polars.testing import assert_frame_equal

from basalt.errors import UserError
from basalt.planning.pipeline_file import plan_file
from basalt.running.run import run_plan
from basalt.tables import BUILT_IN
from basalt.testing import market
from basalt_io.simulate import simulate
from basalt_io.sources import simulator
from basalt_io.sources.parquet import ParquetSource, ParquetSourceOptions
from basalt_io.sources.simulator import SimulatorOptions, SimulatorSource

MONDAY, TUESDAY = dt.date(2026, 1, 5), dt.date(2026, 1, 6)


def source(**options: object) -> SimulatorSource:
    return SimulatorSource(SimulatorOptions(**{"listings": 2, "events": 200, **options}), Path())


def test_tables_are_the_simulators_day():
    found = source(seed=3)
    day = market.simulate(listings=2, seed=3, date=MONDAY, events=200)
    assert list(found.tables()) == list(day)
    for name, table in day.items():
        assert_frame_equal(found.scan(name, MONDAY).collect(), table)


def test_every_table_is_canonical():
    found = source()
    schemas = {table.name: table for table in BUILT_IN}
    for name in found.tables():
        for column, dtype in found.scan(name, MONDAY).collect_schema().items():
            assert schemas[name].column(column).accepts(dtype)


def test_a_day_is_simulated_once_for_all_its_tables():
    found = source(seed=4)
    before = simulator._simulated.cache_info().misses
    for name in found.tables():
        found.scan(name, MONDAY).collect()
    assert simulator._simulated.cache_info().misses == before + 1


PIPELINE = """\
name = "simulated"
source = { type = "simulator", listings = 2, events = 200, seed = 5, dates = ["2026-01-05", "2026-01-06"] }
outputs = [{ type = "parquet", root = "out" }]
passes = [
    { name = "bars", every = "1m", modules = [{ module = "trade" }, { module = "l2", levels = 2 }] },
    { name = "hours", every = "1h", modules = [{ module = "trade" }] },
]
"""


def test_planning_simulates_nothing_and_a_run_each_day_once(tmp_path):
    """Two dates, two passes, three tables (trades, l2, marketstate): two days simulated."""
    (tmp_path / "pipeline.toml").write_text(PIPELINE)
    before = simulator._simulated.cache_info().misses
    plan = plan_file(tmp_path / "pipeline.toml")
    assert {table for program in plan.programs for table in program.reads} == {"trades", "l2", "marketstate"}
    assert simulator._simulated.cache_info().misses == before
    result = run_plan(plan)
    assert result.failed == []
    assert simulator._simulated.cache_info().misses == before + 2
    traded = market.simulate(listings=2, seed=5, date=MONDAY, events=200)["trades"]
    continuous = traded.filter(pl.col("MarketState") == "CONTINUOUS_TRADING")["Size"].sum()
    hours = result.scan("hours").filter(pl.col("Date") == MONDAY)
    assert hours.select(pl.col("TradeTotalVolume").sum()).collect().item() == pytest.approx(continuous, rel=1e-12)


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
def test_tables_read_side_by_side_in_one_query_simulate_one_day(engine):
    """All trades, and those that have a book of their stamp."""
    found = source(seed={"streaming": 6, "in-memory": 7}[engine])
    before = simulator._simulated.cache_info().misses
    trades, books = (found.scan(name, MONDAY) for name in ("trades", "l2"))
    both = trades.join(books, on=["ListingId", "EventTimestamp"], how="semi").filter(pl.col("Size") > 0).select("Price")
    counted = pl.concat([trades.select(pl.len()), both.select(pl.len())]).collect(engine=engine)["len"].to_list()
    assert simulator._simulated.cache_info().misses == before + 1
    day = {name: found.scan(name, MONDAY).collect() for name in ("trades", "l2")}
    stamps = set(day["l2"].select("ListingId", "EventTimestamp").rows())
    matched = [row in stamps for row in day["trades"].select("ListingId", "EventTimestamp").rows()]
    assert counted == [len(matched), sum(matched)]
    assert counted[1] > 0


def test_numbers_that_cannot_be_simulated_are_refused_before_a_query_runs():
    with pytest.raises(UserError, match="listings = -1: it must be at least 0"):
        source(listings=-1).scan("l2", MONDAY)
    with pytest.raises(UserError, match="events = -5: it must be at least 0"):
        source(events=-5).scan("l2", MONDAY)


def test_rows_are_sorted_as_promised():
    found = source()
    assert found.promises.sorted
    assert found.promises.shared_sequence
    l2 = found.scan("l2", MONDAY).collect()
    assert l2.equals(l2.sort("ListingId", "EventTimestamp", "SequenceNo", maintain_order=True))


def test_dates_are_one_day_or_a_list_or_the_weekdays_between():
    """2026-01-09 is a Friday."""
    assert source().dates("l2") == [MONDAY]
    assert source(dates=[TUESDAY, MONDAY, TUESDAY]).dates("l2") == [MONDAY, TUESDAY]
    week = source(from_=dt.date(2026, 1, 9), to=dt.date(2026, 1, 12)).dates("l2")
    assert week == [dt.date(2026, 1, 9), dt.date(2026, 1, 12)]


def test_no_date_at_all_is_refused():
    with pytest.raises(UserError, match="the weekdays from 2026-01-10 to 2026-01-11, and there is none"):
        source(from_=dt.date(2026, 1, 10), to=dt.date(2026, 1, 11))
    with pytest.raises(UserError, match="an empty list of dates, and there is none"):
        source(dates=[])


def test_a_table_or_date_that_is_not_there_is_refused():
    with pytest.raises(UserError, match="has no table cbbo: it makes reference, marketstate, l3"):
        source().scan("cbbo", MONDAY)
    with pytest.raises(UserError, match="has no l2 for 2026-01-06: it has 2026-01-05 alone"):
        source().scan("l2", TUESDAY)


def test_the_fingerprint_changes_with_everything_that_changes_the_day():
    days = {"dates": [MONDAY, TUESDAY]}
    prints = [
        source(**days).fingerprint("l2", MONDAY),
        source(**days).fingerprint("l2", TUESDAY),
        source(**days, seed=2).fingerprint("l2", MONDAY),
        source(**days, listings=3).fingerprint("l2", MONDAY),
        source(**days, events=300).fingerprint("l2", MONDAY),
    ]
    assert len(set(prints)) == len(prints)
    assert source().fingerprint("l2", MONDAY) == prints[0]


def run(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(simulate, args)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("asked", [("--date", "2026-01-05"), ("--from", "2026-01-05", "--to", "2026-01-05")])
def test_simulated_days_are_written_as_the_parquet_source_reads_them(tmp_path, asked):
    options = ("--listings", "2", "--events", "200", "--seed", "3", "--format", "json")
    code, data, story = run(str(tmp_path / "lake"), *asked, *options)
    assert code == 0
    assert story == "simulating 2026-01-05: 2 listings, about 200 order events each\n"
    found = ParquetSource(ParquetSourceOptions(root="lake"), tmp_path)
    day = market.simulate(listings=2, seed=3, date=MONDAY, events=200)
    for name, table in day.items():
        assert found.dates(name) == [MONDAY]
        assert_frame_equal(found.scan(name, MONDAY).collect(), table)
    written = json.loads(data)
    assert [(row["table"], row["rows"]) for row in written] == [(name, day[name].height) for name in day]
    assert all(pl.read_parquet(row["path"]).height == row["rows"] for row in written)


def test_simulating_a_day_again_replaces_it(tmp_path):
    for seed in ("1", "2"):
        run(str(tmp_path), "--listings", "2", "--events", "200", "--seed", seed)
    found = ParquetSource(ParquetSourceOptions(root=str(tmp_path)), tmp_path).scan("trades", MONDAY).collect()
    assert_frame_equal(found, market.simulate(listings=2, seed=2, date=MONDAY, events=200)["trades"])


def test_files_of_another_origin_are_not_mixed_in(tmp_path):
    folder = tmp_path / "trades" / "date=2026-01-05"
    folder.mkdir(parents=True)
    (folder / "real.parquet").write_bytes(b"precious")
    result = CliRunner().invoke(simulate, [str(tmp_path)])
    assert isinstance(result.exception, UserError)
    assert "real.parquet is there already" in str(result.exception)
    assert [file.name for file in tmp_path.rglob("*.parquet")] == ["real.parquet"]


def test_a_place_that_cannot_be_written_is_refused_before_simulating(tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = CliRunner().invoke(simulate, [str(tmp_path / "file"), "--events", "100000000"])
    assert isinstance(result.exception, UserError)
    assert "is a file: choose another place" in str(result.exception)


def test_dates_are_asked_for_in_one_way(tmp_path):
    both = run(str(tmp_path), "--date", "2026-01-05", "--from", "2026-01-05")
    assert (both[0], "use one or the other" in both[2]) == (2, True)
    open_start = run(str(tmp_path), "--to", "2026-01-05")
    assert (open_start[0], "--to needs --from" in open_start[2]) == (2, True)
