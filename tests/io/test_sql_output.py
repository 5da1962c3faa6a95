"""The sql output in SQLite and PostgreSQL: what is written is read back, whole or not at all, its partition alone."""

import datetime as dt
import subprocess
import sys

import attrs
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sql_rows import DAY, document, rows
from sql_servers import postgresql_store

from basalt.errors import DataError, PublishError
from basalt.leftovers import owner
from basalt.testing import OutputLaws
from basalt_io.outputs.sql import SqlOutput, SqlOutputOptions


class TestSqliteByInserts(OutputLaws):
    def output(self, folder):
        return SqlOutput(SqlOutputOptions(url="sqlite:///results.db", bulk=False), folder)


class TestPostgresqlByInserts(OutputLaws):
    @pytest.fixture(autouse=True)
    def _server(self, postgresql):
        self.url = postgresql

    def output(self, folder):
        return postgresql_store(self.url, folder).output(bulk=False)


def test_the_partition_is_indexed(store, publish):
    publish(store.output(), rows(1))
    if store.is_sqlite:
        names = [
            row[0] for row in store.run("SELECT i.name FROM pragma_index_list('bars') l, pragma_index_info(l.name) i")
        ]
        assert names == ["Date", "Universe"]
    else:
        [(made,)] = store.run(
            f"SELECT indexdef FROM pg_indexes WHERE schemaname = '{store.schema}' AND tablename = 'bars'"
        )
        assert made.endswith('("Date", "Universe")')


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.drop("Volume"), "has Volume, which the result lacks"),
        (lambda frame: frame.with_columns(More=1), "lacks More"),
        (lambda frame: frame.with_columns(Volume=pl.lit("1")), r"has Volume as (DOUBLE|DOUBLE PRECISION), not TEXT"),
    ],
)
def test_other_columns_are_refused_and_nothing_is_changed(store, publish, spool, target, change, said):
    output = store.output()
    publish(output, rows(1, 2))
    everything = [store.run(f'SELECT * FROM {{}}"{table}"') for table in store.tables()]
    for day in (DAY, DAY + dt.timedelta(1)):
        with pytest.raises(PublishError, match=said):
            output.stage(attrs.evolve(target, date=day), spool(change(rows(3, 4, day=day))), document("second"))
    assert [store.run(f'SELECT * FROM {{}}"{table}"') for table in store.tables()] == everything


def test_a_table_that_changed_between_stage_and_commit_is_refused(store, publish, spool, target):
    output = store.output()
    staged = output.stage(target, spool(rows(1)), document())
    publish(store.output(), rows(2, 3).drop("Volume"), key="other")
    with pytest.raises(PublishError, match="lacks Volume"):
        output.commit(staged, "first")
    output.discard(staged)
    assert output.scan(target).collect()["ListingId"].to_list() == [2, 3]
    assert store.tables() == ["bars", "basalt_columns", "basalt_ledger"]


def test_rows_of_another_partition_are_refused(store, spool, target):
    with pytest.raises(PublishError, match=r"2 rows of .*1\.parquet are of another Date or Universe"):
        store.output().stage(target, spool(pl.concat([rows(1, 2), rows(3, 4, universe="xetr")])), document())
    assert store.tables() == []


def test_append_keeps_what_is_there_and_counts_a_run_once(store, publish, spool, target):
    output = store.output(mode="append")
    for key, listing in (("first", 1), ("second", 2), ("second", 3)):
        publish(output, rows(listing), key=key)
    staged = output.stage(target, spool(rows(4)), document("third"))
    for _ in range(2):
        output.commit(staged, "third")
    assert output.scan(target).collect()["ListingId"].to_list() == [1, 2, 4]
    assert output.document(target)["provenance"]["key"] == "third"


def test_upsert_replaces_rows_of_equal_keys_and_keeps_the_others(store, publish, target):
    output = store.output(mode="upsert")
    publish(output, rows(1, 2, volume=1.0))
    publish(output, rows(1, 2, universe="xetr", volume=7.0), attrs.evolve(target, universe="xetr"))
    publish(output, rows(2, 3, volume=5.0), key="second")
    found = output.scan(target).collect()
    assert found.select("ListingId", "Volume").rows() == [(1, 1.0), (2, 5.0), (3, 5.0)]
    assert output.scan(attrs.evolve(target, universe="xetr")).collect()["Volume"].to_list() == [7.0, 7.0]


def test_upsert_of_a_null_key_finds_the_null_key(store, publish, target):
    output, nobody = store.output(mode="upsert"), rows(1).with_columns(ListingId=pl.lit(None, pl.Int64))
    for key in ("first", "second"):
        publish(output, nobody, key=key)
    assert output.scan(target).collect().height == 1


def test_upsert_of_two_rows_of_one_key_is_refused(store, spool, publish, target):
    output = store.output(mode="upsert")
    publish(output, rows(1))
    staged = output.stage(target, spool(rows(2, 2)), document("second"))
    with pytest.raises(PublishError, match="1 keys of Date, Universe, ListingId, TimeBucket have more than one row"):
        output.commit(staged, "second")
    output.discard(staged)
    assert output.scan(target).collect()["ListingId"].to_list() == [1]


def test_fail_refuses_a_partition_that_is_there_but_not_its_own_repetition(store, publish, spool, target):
    output = store.output(mode="fail")
    publish(output, rows(1))
    publish(output, rows(1))
    with pytest.raises(PublishError, match="is published already, and mode 'fail' replaces nothing"):
        output.stage(target, spool(rows(2)), document("second"))
    publish(output, rows(5, day=DAY + dt.timedelta(1)), attrs.evolve(target, date=DAY + dt.timedelta(1)))
    assert output.scan(target).collect()["ListingId"].to_list() == [1]


def test_fail_refuses_what_another_writer_published_since_the_stage(store, publish, spool, target):
    output = store.output(mode="fail")
    staged = output.stage(target, spool(rows(1)), document())
    publish(store.output(), rows(2), key="other")
    with pytest.raises(PublishError, match="is published already"):
        output.commit(staged, "first")
    assert output.scan(target).collect()["ListingId"].to_list() == [2]


ODD = "select % %s :name \"quoted\" 'single' é"


def test_names_of_tables_and_columns_may_be_anything(store, publish, target):
    to = attrs.evolve(target, pass_name=ODD, universe="a'b/%")
    frame = rows(1, 2, universe="a'b/%").with_columns(
        pl.col("Volume").alias(ODD), pl.col("Volume").alias("order"), pl.col("Volume").alias("x(%)[1].y"), MIXED=1
    )
    for mode in ("replace", "upsert", "append"):
        for bulk in (True, False):
            output = store.output(table=f"{{pass}} {mode} {bulk}", mode=mode, bulk=bulk)
            staged = publish(output, frame, to)
            assert "\n" not in staged.place
            assert_frame_equal(output.scan(to).collect(), frame)
            assert output.document(to) == document()


def test_schemas_may_have_any_name_too(postgresql, tmp_path, publish, target):
    store = attrs.evolve(postgresql_store(postgresql, tmp_path), schema=f"Odd % :x '{tmp_path.name}'")
    store.run(f'CREATE SCHEMA "{store.schema}"')
    publish(store.output(), rows(1))
    assert store.output().check(target).endswith("/Date=2024-03-08,Universe=xlon")
    assert store.tables() == ["bars", "basalt_columns", "basalt_ledger"]
    assert store.output().scan(target).collect()["ListingId"].to_list() == [1]


@pytest.mark.parametrize("bulk", [True, False])
def test_wide_tables_stay_within_the_limit_of_variables(store, publish, target, bulk):
    """100 rows of 905 columns are 90,500 values; a statement of PostgreSQL takes 65,535, one of SQLite 32,766."""
    frame = rows(*range(100)).with_columns(pl.lit(float(n)).alias(f"Column{n}") for n in range(900))
    publish(store.output(bulk=bulk), frame)
    assert_frame_equal(store.output(bulk=bulk).scan(target).collect(), frame)


def test_a_scan_fetches_the_columns_and_rows_asked_for(store, publish, target):
    publish(store.output(), rows(1, 2, 3))
    scanned = store.output().scan(target)
    assert scanned.select("Volume").collect().columns == ["Volume"]
    assert scanned.select(pl.len()).collect().item() == 3
    assert scanned.filter(pl.col("ListingId") > 1).select("TimeBucket").collect().height == 2
    assert scanned.head(2).collect()["ListingId"].to_list() == [1, 2]


def test_rows_deleted_by_hand_are_no_longer_published(store, publish, target):
    output = store.output()
    publish(output, rows(1, 2))
    store.run('DELETE FROM {}"bars"')
    assert output.document(target) is None
    with pytest.raises(DataError, match="is not published"):
        output.scan(target)
    publish(output, rows(1, 2))
    assert output.scan(target).collect().height == 2


def test_rows_that_nobody_published_are_said_to_carry_no_document(store, target):
    store.run('CREATE TABLE {}"bars" ("Date" DATE, "Universe" VARCHAR(9), "Volume" INTEGER)')
    assert store.output().document(target) is None
    store.run(f"""INSERT INTO {{}}"bars" VALUES ('{DAY}', 'xlon', 1)""")
    with pytest.raises(DataError, match="carries no column document"):
        store.output().document(target)


def test_a_staging_table_that_was_emptied_is_not_published(store, publish, spool, target):
    """As a server leaves it that crashed, for staging tables are not logged."""
    output = store.output()
    publish(output, rows(1, 2))
    staged = output.stage(target, spool(rows(3, 4)), document("second"))
    store.run(f'DELETE FROM {{}}"{staged.waiting.staging.name}"')
    with pytest.raises(PublishError, match="2 rows were staged and 0 are left"):
        output.commit(staged, "second")
    assert output.scan(target).collect()["ListingId"].to_list() == [1, 2]


def test_sweep_drops_what_ended_processes_staged_and_leaves_the_others(store, spool, target):
    tell = "from basalt.leftovers import owner; print(owner())"
    ended = subprocess.run([sys.executable, "-c", tell], capture_output=True, check=True, text=True).stdout.strip()
    output = store.output()
    for _ in range(2):
        staged = output.stage(target, spool(rows(1)), document())
    left = staged.waiting.staging.name
    store.run(f'ALTER TABLE {{}}"{left}" RENAME TO "{left.removesuffix(owner())}{ended}"')
    assert len(store.tables()) == 2
    store.output().sweep(target)
    [living] = store.tables()
    assert living.endswith(owner())
    assert living != left
