"""Where the sql output puts rows: options that lead nowhere are refused while planning, and passwords are not told."""

import attrs
import polars as pl
import pytest
from sql_rows import document, rows
from sql_servers import postgresql_store

from basalt.errors import PublishError, UserError
from basalt_io.outputs.sql import SqlOutput, SqlOutputOptions


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
