"""The sql output in SQLite and PostgreSQL: what is written is read back, whole or not at all, its partition alone."""

import datetime as dt
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import attrs
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sql_servers import postgresql_store

from basalt.errors import DataError, PublishError, UserError
from basalt.leftovers import owner
from basalt.testing import OutputLaws
from basalt_io.outputs.sql import SqlOutput, SqlOutputOptions

DAY = dt.date(2024, 3, 8)
AT = dt.datetime(2024, 3, 8, 14, 30, tzinfo=dt.UTC)
CHILD = Path(__file__).with_name("sql_child.py")


class TestSqlite(OutputLaws):
    def output(self, folder):
        return SqlOutput(SqlOutputOptions(url="sqlite:///results.db"), folder)


class TestSqliteByInserts(OutputLaws):
    def output(self, folder):
        return SqlOutput(SqlOutputOptions(url="sqlite:///results.db", bulk=False), folder)


class TestPostgresql(OutputLaws):
    bulk = True

    @pytest.fixture(autouse=True)
    def _server(self, postgresql):
        self.url = postgresql

    def output(self, folder):
        return postgresql_store(self.url, folder).output(bulk=self.bulk)


class TestPostgresqlByInserts(TestPostgresql):
    bulk = False


def document(key: str = "first", pipeline: str = "equities") -> dict:
    return {"format": 1, "keys": ["ListingId"], "provenance": {"pipeline": pipeline, "key": key}, "note": "é '%s'"}


def rows(*listings: int, day: dt.date = DAY, universe: str = "xlon", volume: float = 0.5) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "Date": pl.Series([day] * len(listings), dtype=pl.Date),
            "Universe": pl.Series([universe] * len(listings), dtype=pl.String),
            "ListingId": pl.Series(listings, dtype=pl.Int64),
            "TimeBucket": pl.Series([AT] * len(listings), dtype=pl.Datetime("us", "UTC")),
            "Volume": pl.Series([volume] * len(listings), dtype=pl.Float64),
        }
    )


@pytest.fixture
def spool(tmp_path):
    """A frame as the batch files the engine hands over: two, where it has two rows."""

    def written(frame: pl.DataFrame) -> list[Path]:
        folder = tmp_path / "spool" / str(len(list(tmp_path.glob("spool/*"))))
        folder.mkdir(parents=True)
        half = frame.height // 2
        parts = [frame[:half], frame[half:]] if half else [frame]
        for i, part in enumerate(parts):
            part.write_parquet(folder / f"{i}.parquet")
        return sorted(folder.iterdir())

    return written


@pytest.fixture
def publish(spool, target):
    def published(output, frame, to=target, key="first"):
        staged = output.stage(to, spool(frame), document(key))
        output.commit(staged, key)
        return staged

    return published


EVERYTHING = {
    "Tiny": pl.Series([-128, 127, None], dtype=pl.Int8),
    "Byte": pl.Series([255, 0, None], dtype=pl.UInt8),
    "Short": pl.Series([-(2**15), 2**15 - 1, None], dtype=pl.Int16),
    "Word": pl.Series([2**16 - 1, 0, None], dtype=pl.UInt16),
    "Int": pl.Series([-(2**31), 2**31 - 1, None], dtype=pl.Int32),
    "Count": pl.Series([2**32 - 1, 0, None], dtype=pl.UInt32),
    "Long": pl.Series([-(2**63), 2**63 - 1, None], dtype=pl.Int64),
    "Huge": pl.Series([2**64 - 1, 0, None], dtype=pl.UInt64),
    "Single": pl.Series([0.1, -1e30, None], dtype=pl.Float32),
    "Double": pl.Series([0.1 + 0.2, -5e-324, None], dtype=pl.Float64),
    "Exact": pl.Series([Decimal("12345678901234.5678"), Decimal("-0.0001"), None], dtype=pl.Decimal(20, 4)),
    "Flag": pl.Series([True, False, None], dtype=pl.Boolean),
    "On": pl.Series([DAY, dt.date(1969, 12, 31), None], dtype=pl.Date),
    "Micro": pl.Series([1, -1, None], dtype=pl.Int64).cast(pl.Datetime("us", "UTC")),
    "Milli": pl.Series([1, -1, None], dtype=pl.Int64).cast(pl.Datetime("ms", "UTC")),
    "Nano": pl.Series([1, -1, None], dtype=pl.Int64).cast(pl.Datetime("ns", "UTC")),
    "Local": pl.Series([1, -1, None], dtype=pl.Int64).cast(pl.Datetime("us", "America/New_York")),
    "LocalNano": pl.Series([1, -1, None], dtype=pl.Int64).cast(pl.Datetime("ns", "Asia/Tokyo")),
    "Naive": pl.Series([1, -1, None], dtype=pl.Int64).cast(pl.Datetime("us")),
    "Took": pl.Series([1, -1, None], dtype=pl.Int64).cast(pl.Duration("us")),
    "Clock": pl.Series([dt.time(9, 30, 0, 1), dt.time(0), None], dtype=pl.Time),
    "Side": pl.Series(["Sell", "Buy", None], dtype=pl.Enum(["Buy", "Sell"])),
    "Text": pl.Series(["", "a,\"b\"\n'c' \\N \\. \t é", None], dtype=pl.String),
    "Nothing": pl.Series([None, None, None], dtype=pl.Float64),
}


@pytest.mark.parametrize("bulk", [True, False])
def test_every_dtype_comes_back_with_its_values_and_nulls(store, publish, target, bulk):
    frame = rows(1, 2, 3).with_columns(**EVERYTHING)
    publish(store.output(bulk=bulk), frame)
    for reads_in_bulk in (True, False):
        found = store.output(bulk=reads_in_bulk).scan(target)
        assert found.collect_schema() == frame.schema
        assert_frame_equal(found.collect(), frame, check_exact=True)


def test_bulk_and_inserts_leave_equal_rows(store, publish):
    frame = rows(1, 2, 3).with_columns(**EVERYTHING)
    publish(store.output(table="bulk"), frame)
    publish(store.output(table="inserts", bulk=False), frame)
    assert store.run('SELECT * FROM {}"bulk"') == store.run('SELECT * FROM {}"inserts"')
    assert len(store.run('SELECT * FROM {}"bulk"')) == 3


def test_columns_have_the_types_of_their_dtypes(store, publish):
    """PostgreSQL's own names of types; SQLite keeps what was declared."""
    publish(store.output(), rows(1).with_columns(**{name: values[:1] for name, values in EVERYTHING.items()}))
    if store.is_sqlite:
        types = dict(store.run("SELECT name, type FROM pragma_table_info('bars')"))
        assert (types["Micro"], types["Nano"], types["On"], types["Huge"]) == ("DATETIME", "BIGINT", "DATE", "TEXT")
    else:
        asked = "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = "
        types = dict(store.run(f"{asked}'{store.schema}' AND table_name = 'bars'"))
        assert types["Micro"] == types["Local"] == "timestamp with time zone"
        assert (types["Naive"], types["Nano"], types["Took"]) == ("timestamp without time zone", "bigint", "bigint")
        assert (types["Side"], types["Flag"], types["Byte"], types["Word"]) == (
            "text",
            "boolean",
            "smallint",
            "integer",
        )
        assert (types["Count"], types["Huge"], types["Single"]) == ("bigint", "numeric", "real")


def test_stamps_are_the_databases_own_times(store, publish):
    """14:30 UTC, whatever zone the column was in."""
    frame = rows(1).with_columns(Local=pl.col("TimeBucket").dt.convert_time_zone("America/New_York"))
    publish(store.output(), frame)
    [(bucket, local)] = store.run('SELECT "TimeBucket", "Local" FROM {}"bars"')
    assert bucket == local == ("2024-03-08 14:30:00.000000" if store.is_sqlite else AT)


def test_a_dtype_no_table_holds_is_refused_and_nothing_is_left(store, spool, target):
    with pytest.raises(PublishError, match=r"column Parts is List\(Int64\), which no table holds"):
        store.output().stage(target, spool(rows(1).with_columns(Parts=pl.lit([1, 2]))), document())
    assert store.tables() == []


def test_one_of_three_partitions_is_replaced_and_the_others_stay_row_for_row(store, publish, target):
    output, days = store.output(), [DAY, DAY + dt.timedelta(1), DAY + dt.timedelta(2)]
    for day in days:
        publish(output, rows(1, 2, 3, day=day), attrs.evolve(target, date=day))
    publish(output, rows(1, 2, universe="xetr"), attrs.evolve(target, universe="xetr"))
    where = "ctid" if not store.is_sqlite else "rowid"
    others = f"""SELECT {where}, * FROM {{}}"bars" WHERE "Date" <> '{days[1]}' OR "Universe" = 'xetr' ORDER BY 1"""
    before = store.run(others)
    publish(output, rows(7, 8, day=days[1], volume=9.0), attrs.evolve(target, date=days[1]), "second")
    assert store.run(others) == before
    assert len(before) == 8
    assert output.scan(attrs.evolve(target, date=days[1])).collect()["ListingId"].to_list() == [7, 8]


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


@pytest.mark.slow
def test_a_writer_killed_at_any_statement_leaves_the_old_rows_or_the_new_ones(store, publish, spool, target):
    """Statements are counted in stage and commit; past the last one it ends by itself. Then nothing is left of those
    that were killed once the next one staged."""
    output, old, new = store.output(), rows(1, 2, 3), rows(7, 8, volume=9.0)
    publish(output, old)
    batches, killed, seen = spool(new), 0, set()
    with subprocess.Popen(
        [sys.executable, str(CHILD), json.dumps(attrs.asdict(store), default=str), *map(str, batches)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as host:
        while True:
            print(killed + 1, file=host.stdin, flush=True)
            code = int(host.stdout.readline())
            found, key = output.scan(target).collect(), output.document(target)["provenance"]["key"]
            assert_frame_equal(found, {"first": old, "second": new}[key])
            seen.add(key)
            if code == 0:
                break
            assert code == -9
            killed += 1
            publish(output, old)
            assert store.tables() == ["bars", "basalt_columns", "basalt_ledger"]
        host.stdin.close()
    assert killed > 8
    assert seen == {"first", "second"}


@pytest.mark.slow
def test_two_writers_of_one_partition_follow_each_other(store, spool, target):
    """First both create the tables, then they replace each other's rows: one of both stands, whole."""
    frames = [rows(1, 2, 3, volume=1.0), rows(4, 5, volume=2.0)]
    batches = [spool(frame) for frame in frames]
    for turn in range(6):

        def written(n: int, turn: int = turn) -> None:
            output = store.output()
            output.commit(output.stage(target, batches[n], document(f"{n} {turn}")), f"{n} {turn}")

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(written, range(2)))
        key = store.output().document(target)["provenance"]["key"]
        assert_frame_equal(store.output().scan(target).collect(), frames[int(key[0])])
        assert store.tables() == ["bars", "basalt_columns", "basalt_ledger"]


def test_writers_of_different_partitions_both_succeed(store, spool, target):
    days = [DAY + dt.timedelta(n) for n in range(4)]
    batches = {day: spool(rows(1, 2, day=day)) for day in days}

    def written(day: dt.date) -> None:
        output, to = store.output(), attrs.evolve(target, date=day)
        output.commit(output.stage(to, batches[day], document()), "first")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(written, days))
    for day in days:
        assert_frame_equal(store.output().scan(attrs.evolve(target, date=day)).collect(), rows(1, 2, day=day))


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


def test_what_was_discarded_cannot_be_committed(store, publish, spool, target):
    output = store.output()
    publish(output, rows(1))
    staged = output.stage(target, spool(rows(2)), document("second"))
    output.discard(staged)
    with pytest.raises(PublishError, match="could not be published"):
        output.commit(staged, "second")
    assert output.scan(target).collect()["ListingId"].to_list() == [1]


def test_check_leaves_nothing_behind(store, publish, target):
    store.output().check(target)
    assert not (store.folder / "results.db").exists()
    publish(store.output(), rows(1))
    before = store.tables()
    place = store.output().check(target)
    assert store.tables() == before
    assert place.endswith("bars/Date=2024-03-08,Universe=xlon")
    assert place == store.output().place(target)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"table": "{day_of_week}"}, r"names \{day_of_week\}, which is unknown: use \{pipeline\}"),
        ({"table": "{pass:>8}"}, "which is unknown"),
        ({"table": "{pass"}, "is no template"),
        ({"table": ""}, "can be no table here"),
        ({"table": "basalt_{pass}"}, "can be no table here"),
        ({"url": "sqlite://"}, "names no SQLite file"),
        ({"url": "sqlite:///:memory:"}, "names no SQLite file"),
        ({"url": "results.db"}, "is no database URL"),
        ({"url": "nosuchdb://host/name"}, "which SQLAlchemy does not know"),
        ({"url": "mysql+pymysql://host/name"}, "needs the driver pymysql, which is not installed"),
        ({"url": "sqlite:///${NO_SUCH_VARIABLE}"}, r"names \$\{NO_SUCH_VARIABLE\}, which the environment lacks"),
        ({"schema": "elsewhere"}, r"schema = 'elsewhere' is not in sqlite:///"),
    ],
)
def test_options_that_lead_nowhere_are_refused_while_planning(tmp_path, target, options, said):
    with pytest.raises(UserError, match=said):
        SqlOutput(SqlOutputOptions(**{"url": "sqlite:///results.db", **options}), tmp_path).check(target)
    assert list(tmp_path.iterdir()) == []


def test_a_name_too_long_for_the_server_is_refused_rather_than_cut(postgresql, tmp_path, spool, target):
    """Of 64 bytes and more PostgreSQL drops the end, so that two tables could be one."""
    output = postgresql_store(postgresql, tmp_path).output()
    with pytest.raises(UserError, match="longer than the 63 bytes a name may have here"):
        output.place(attrs.evolve(target, pass_name="p" * 64))
    with pytest.raises(PublishError, match="names have 63 bytes at most there"):
        output.stage(target, spool(rows(1).with_columns(pl.lit(1).alias("é" * 32))), document())


def test_a_schema_that_is_not_there_is_named(postgresql, tmp_path, target):
    store = attrs.evolve(postgresql_store(postgresql, tmp_path), schema="no such schema")
    with pytest.raises(UserError, match=r"schema = 'no such schema' is not in postgresql:.*create it first"):
        store.output().check(target)


def test_a_file_that_is_no_database_is_refused(tmp_path, target):
    (tmp_path / "results.db").write_text("no database at all, but long enough to be looked at" * 9)
    with pytest.raises(UserError, match="file is not a database"):
        SqlOutput(SqlOutputOptions(url="sqlite:///results.db"), tmp_path).check(target)


def test_a_user_who_may_make_no_table_is_told_while_planning(postgresql, tmp_path, target):
    store = postgresql_store(postgresql, tmp_path)
    store.run("DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    reader = attrs.evolve(store, url=store.url.replace("postgres:@", "reader@"))
    with pytest.raises(UserError, match=r"cannot be written \(permission denied"):
        reader.output().check(target)


SECRET = "hunter2/@:% x"


@pytest.fixture
def secret_store(postgresql, tmp_path, monkeypatch):
    """A store whose user and password come from the environment; the password has characters that URLs escape."""
    monkeypatch.setenv("DESK_USER", "postgres")
    monkeypatch.setenv("DESK_PASSWORD", SECRET)
    store = postgresql_store(postgresql, tmp_path)
    return attrs.evolve(store, url=postgresql.replace("postgres:@", "${DESK_USER}:${DESK_PASSWORD}@"))


def assert_no_secret(text: object) -> None:
    for written in (SECRET, "hunter2"):
        assert written not in str(text)


def test_the_password_is_nowhere_but_in_the_environment(secret_store, publish, spool, target, monkeypatch):
    output = secret_store.output()
    staged = publish(output, rows(1))
    assert output.scan(target).collect().height == 1
    for shown in (staged, staged.place, output.config, repr(output), output.__dict__, output.check(target)):
        assert_no_secret(repr(shown))
    monkeypatch.setenv("DESK_USER", "nobody")
    with pytest.raises(UserError, match='role "nobody" does not exist') as raised:
        secret_store.output().check(target)
    assert_no_secret(raised.value)
    assert raised.value.__cause__ is None
    with pytest.raises(PublishError, match="could not be published") as failed:
        secret_store.output().stage(target, spool(rows(1)), document())
    assert_no_secret(failed.value)


def test_a_whole_url_from_the_environment_is_not_shown_where_it_fails(tmp_path, target, monkeypatch):
    """Nobody listens at port 1; of a port that is no number, drivers quote the text."""
    for url in (f"postgresql://u:hunter2@127.0.0.1:1/db?application_name={SECRET}", "postgresql://u:hunter2@h:p0rt/db"):
        monkeypatch.setenv("RESULTS_URL", url)
        output = SqlOutput(SqlOutputOptions(url="${RESULTS_URL}"), tmp_path)
        with pytest.raises(UserError) as raised:
            output.check(target)
        assert_no_secret(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter2@host/db",
        "postgresql://u:hunter2${MORE}@host/db",
        "postgresql://u:a/hunter2@host/db",
        "postgresql://host/db?user=u&password=hunter2",
        "mssql://host/db?PWD=hunter2",
    ],
)
def test_a_password_in_the_file_is_refused_without_repeating_it(tmp_path, url):
    with pytest.raises(UserError, match="url holds a password") as raised:
        SqlOutput(SqlOutputOptions(url=url), tmp_path)
    assert_no_secret(raised.value)
