"""A pipeline as Dagster assets: what is defined, what running one publishes, and how failures are told."""

import json
import runpy
import shutil
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import basalt
from basalt.errors import UserError
from basalt.testing import market
from basalt_dagster import build_definitions

FRIDAY, MONDAY = "2026-01-09", "2026-01-12"
BARS, QUARTER = dg.AssetKey(["desk-bars", "bars"]), dg.AssetKey(["desk-bars", "quarter"])
NO_OUTPUTS = {'[[outputs]]\ntype = "parquet"\n': ""}
FROM_FILES = {
    'type = "simulator"': 'type = "parquet"\nroot = "data"',
    "listings = 2\nevents = 300\nfrom = 2026-01-09\nto = 2026-01-12\n": "",
}


def run(definitions: dg.Definitions, day: str, *only: dg.AssetKey) -> dg.ExecuteInProcessResult:
    """Materialise these assets, or all, in this process, on an instance that remembers nothing."""
    return dg.materialize(
        list(definitions.assets),
        selection=list(only) or None,
        partition_key=day,
        instance=dg.DagsterInstance.ephemeral(),
        raise_on_error=False,
    )


def published(file: Path, name: str, day: str) -> pl.DataFrame:
    return pl.read_parquet(file.parent / name / f"date={day}" / "all.parquet", hive_partitioning=False)


def failure(result: dg.ExecuteInProcessResult) -> str:
    """The description of the one step that failed."""
    (event,) = [event for event in result.all_events if event.is_step_failure]
    assert event.step_failure_data.user_failure_data.label == "intentional-failure"
    return event.step_failure_data.user_failure_data.description


def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def test_there_is_one_asset_a_pass_and_an_external_one_for_each_table_that_is_read(written):
    found = specs(build_definitions(written()))
    assert sorted(found) == [
        "desk-bars/bars",
        "desk-bars/quarter",
        "desk-bars/source/l2",
        "desk-bars/source/marketstate",
        "desk-bars/source/trades",
    ]
    read = sorted(dep.asset_key.to_user_string() for dep in found["desk-bars/bars"].deps)
    assert read == ["desk-bars/source/l2", "desk-bars/source/marketstate", "desk-bars/source/trades"]
    assert [dep.asset_key for dep in found["desk-bars/quarter"].deps] == [BARS]
    assert {spec.group_name for spec in found.values()} == {"desk_bars"}


def test_what_another_pipeline_published_is_an_external_asset_too(written):
    """The pipeline of the fixture publishes `bars`; the other one reads them from where they went."""
    theirs = written("run")
    assert not basalt.run(theirs, dates=[FRIDAY]).failed
    mine = theirs.with_name("mine.toml")
    source, output = '[source]\ntype = "parquet"\nroot = "."', '[[outputs]]\ntype = "parquet"\nroot = "../mine"'
    module = '[[passes]]\nname = "hours"\nevery = "1h"\n[[passes.modules]]\nmodule = "generic"\nsource = "bars"'
    mine.write_text("\n".join(['name = "mine"', source, output, module]))
    found = specs(build_definitions(mine))
    assert sorted(found) == ["mine/hours", "mine/source/bars"]
    assert [dep.asset_key.to_user_string() for dep in found["mine/hours"].deps] == ["mine/source/bars"]


@pytest.mark.slow
def test_partitions_are_the_dates_of_the_source_and_a_weekend_is_none(written):
    """Friday and Monday: the two days between them cannot be run, so they are never missing."""
    definitions = build_definitions(written())
    for name in ("bars", "quarter"):
        assert specs(definitions)[f"desk-bars/{name}"].partitions_def.get_partition_keys() == [FRIDAY, MONDAY]
    with pytest.raises(dg.DagsterUnknownPartitionError):
        run(definitions, "2026-01-10")


def test_a_date_of_the_pipeline_file_limits_the_partitions(written):
    file = written(replaced={"[[outputs]]": f"[dates]\nfrom = {MONDAY}\n[[outputs]]"})
    assert specs(build_definitions(file))["desk-bars/bars"].partitions_def.get_partition_keys() == [MONDAY]


def test_dagster_accepts_the_definitions_whole(written):
    definitions = build_definitions(written())
    dg.Definitions.validate_loadable(definitions)
    assert {"desk-bars/bars", "desk-bars/quarter"} <= set(specs(definitions))


@pytest.mark.slow
def test_materialising_every_asset_publishes_what_pipeline_run_publishes(written):
    ours, theirs = written("run"), written("assets")
    assert not basalt.run(ours).failed
    definitions = build_definitions(theirs)
    for day in (FRIDAY, MONDAY):
        assert run(definitions, day).success
        for name in ("bars", "quarter"):
            rows = published(theirs, name, day)
            assert rows.height > 0
            assert_frame_equal(rows, published(ours, name, day), rel_tol=1e-12, abs_tol=0)


def test_the_ledger_holds_the_same_keys_as_after_pipeline_run(written):
    ours, theirs = written("run"), written("assets")
    basalt.run(ours, dates=[date(2026, 1, 9)])
    run(build_definitions(theirs), FRIDAY)
    for name in ("bars", "quarter"):
        record = Path(".basalt") / "ledger" / "desk-bars" / name / FRIDAY / "all.json"
        keys = [json.loads((file.parent / record).read_text())["key"] for file in (ours, theirs)]
        assert keys[0] == keys[1]


def test_every_universe_of_a_date_is_of_its_one_partition(written):
    """Two universes of a listing each: a date is one partition, its rows those of both, its failure that of each."""
    universes = '[universes.first]\nfile = "1.csv"\n[universes.second]\nfile = "2.csv"\n[[outputs]]'
    file = written("here", {"[[outputs]]": universes})
    listings = basalt.run(written("whole"), dates=[date.fromisoformat(FRIDAY)]).scan("bars").collect()["ListingId"]
    for i, listing in enumerate(listings.unique().sort(), 1):
        (file.parent / f"{i}.csv").write_text(f"ListingId\n{listing}\n")
    definitions = build_definitions(file)
    assert specs(definitions)["desk-bars/bars"].partitions_def.get_partition_keys() == [FRIDAY, MONDAY]
    result = run(definitions, FRIDAY)
    assert result.success
    (made,) = result.asset_materializations_for_node("desk_bars__bars")
    assert made.metadata["dagster/row_count"].value == len(listings)
    assert [Path(place).stem for place in made.metadata["places"].value] == ["first", "second"]
    failed = failure(run(definitions, MONDAY, QUARTER))
    assert [line.partition(" reads")[0] for line in failed.splitlines()] == [
        f"passes.quarter on {MONDAY} {name}" for name in ("first", "second")
    ]


def test_a_downstream_asset_alone_reads_back_what_was_published_before(written):
    file = written()
    definitions = build_definitions(file)
    assert run(definitions, FRIDAY, BARS).success
    assert not (file.parent / "quarter").exists()
    before = (file.parent / "bars" / f"date={FRIDAY}" / "all.parquet").stat().st_mtime_ns
    assert run(definitions, FRIDAY, QUARTER).success
    assert (file.parent / "bars" / f"date={FRIDAY}" / "all.parquet").stat().st_mtime_ns == before
    bars, quarter = published(file, "bars", FRIDAY), published(file, "quarter", FRIDAY)
    assert quarter["TradeTotalVolume"].sum() == pytest.approx(bars["TradeTotalVolume"].sum(), rel=1e-12)


def test_a_downstream_asset_before_its_upstream_fails_with_the_sentence_that_says_so(written):
    assert failure(run(build_definitions(written()), FRIDAY, QUARTER)) == (
        "passes.quarter on 2026-01-09 reads passes.bars, which is not published for that date: run bars first"
    )


def test_a_downstream_asset_refuses_what_its_upstream_published_under_another_configuration(written):
    """The bars of Friday are of one minute; reading them back as five-minute bars would be wrong without a word."""
    file = written()
    assert run(build_definitions(file), FRIDAY, BARS).success
    wider = build_definitions(file, overrides=["passes.bars.every=5m"])
    said = failure(run(wider, FRIDAY, QUARTER))
    assert "which was published from other code, configuration or data for that date" in said
    assert not (file.parent / "quarter").exists()
    assert run(wider, FRIDAY, BARS).success
    assert run(wider, FRIDAY, QUARTER).success


def test_a_materialisation_says_rows_columns_seconds_places_key_and_plugins(written):
    file = written()
    definitions = build_definitions(file)
    result = run(definitions, FRIDAY)
    (made,) = result.asset_materializations_for_node("desk_bars__bars")
    rows = published(file, "bars", FRIDAY)
    record = json.loads((file.parent / ".basalt/ledger/desk-bars/bars" / FRIDAY / "all.json").read_text())
    assert made.asset_key == BARS
    assert made.partition == FRIDAY
    said = {name: value.value for name, value in made.metadata.items()}
    assert said["dagster/row_count"] == rows.height
    assert said["columns"] == rows.width - len(["Date", "Universe", "ListingId", "TimeBucket"])
    assert said["seconds"] == sum(record["seconds"].values()) > 0
    assert said["places"] == [str(file.parent / "bars" / f"date={FRIDAY}" / "all.parquet")]
    assert said["ledger_key"] == record["key"]
    assert said["plugins"] == {"basalt-analytics": basalt.__version__}


def test_the_column_schema_names_every_published_column_with_dtype_unit_and_sentence(written):
    file = written()
    definitions = build_definitions(file)
    (made,) = run(definitions, FRIDAY, BARS).asset_materializations_for_node("desk_bars__bars")
    schema = made.metadata["dagster/column_schema"].schema
    rows = published(file, "bars", FRIDAY)
    assert [(column.name, column.type) for column in schema.columns] == [(n, str(t)) for n, t in rows.schema.items()]
    vwap = next(column for column in schema.columns if column.name == "TradeTotalVWAP")
    assert vwap.tags == {"unit": "price"}
    assert vwap.description.startswith("Volume-weighted average price of trades")
    planned = specs(definitions)["desk-bars/bars"].metadata["dagster/column_schema"]
    assert planned == schema


@pytest.fixture
def from_files(written) -> Path:
    """The pipeline over Parquet files of both dates."""
    file = written(replaced=FROM_FILES)
    for day in (FRIDAY, MONDAY):
        for name, table in market.simulate(listings=2, seed=1, date=date.fromisoformat(day), events=300).items():
            place = file.parent / "data" / name / f"date={day}"
            place.mkdir(parents=True)
            table.write_parquet(place / f"{name}.parquet")
    return file


def test_a_corrupt_input_fails_its_date_with_one_sentence_and_leaves_the_others_alone(from_files):
    definitions = build_definitions(from_files)
    broken = from_files.parent / "data" / "trades" / f"date={MONDAY}" / "trades.parquet"
    broken.write_bytes(broken.read_bytes()[:1000])
    said = failure(run(definitions, MONDAY, BARS))
    assert str(broken) in said
    assert "\n" not in said
    assert not (from_files.parent / "bars").exists()
    assert run(definitions, FRIDAY).success


def test_a_date_that_left_the_source_fails_by_name(from_files):
    definitions = build_definitions(from_files)
    for table in (from_files.parent / "data").iterdir():
        shutil.rmtree(table / f"date={MONDAY}")
    said = failure(run(definitions, MONDAY, BARS))
    assert said.startswith("source 'parquet' has no data for 2026-01-12; it has ")


def test_an_output_that_cannot_be_written_fails_with_the_reason(written):
    file = written()
    definitions = build_definitions(file)
    (file.parent / "bars").write_text("a file where the folder should be")
    said = failure(run(definitions, FRIDAY, BARS))
    assert str(file.parent / "bars") in said


def test_a_pass_without_output_that_another_reads_is_refused(written):
    with pytest.raises(UserError) as refused:
        build_definitions(written(replaced=NO_OUTPUTS))
    assert str(refused.value) == (
        "passes.quarter reads passes.bars, which has no output: as Dagster assets they run one by one, so add "
        "[[outputs]], or [[passes.outputs]] to it"
    )


def test_passes_whose_names_are_one_to_dagster_are_refused(written):
    file = written(
        replaced={'name = "bars"': 'name = "q-1"', '"quarter"': '"q_1"', 'source = "bars"': 'source = "q-1"'}
    )
    with pytest.raises(UserError, match=r"passes\.q-1 and passes\.q_1 are one name to Dagster, which has no '-'"):
        build_definitions(file)


def test_overrides_change_the_pipeline_as_on_the_command_line(written):
    definitions = build_definitions(written(), overrides=["passes.bars.every=5m"])
    assert "every 5m" in specs(definitions)["desk-bars/bars"].description


def test_a_mistake_in_the_pipeline_file_is_the_sentence_that_pipeline_run_gives(written):
    with pytest.raises(UserError, match="evry"):
        build_definitions(written(replaced={'every = "1m"': 'evry = "1m"'}))


def test_the_example_is_a_definitions_file_that_dagster_loads():
    folder = Path(__file__).resolve().parents[2] / "examples" / "dagster"
    names = runpy.run_path(str(folder / "definitions.py"))
    dg.Definitions.validate_loadable(names["defs"])
    assert [key for key in sorted(specs(names["defs"])) if "source" not in key] == [
        "simulated/bars",
        "simulated/quarter",
    ]
