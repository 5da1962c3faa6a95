"""Values in SQLite and PostgreSQL: each dtype as the database's own type where it has one, and back as it was."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sql_rows import AT, DAY, document, rows
from sql_servers import postgresql_store
from sqlalchemy.dialects import mssql, mysql, oracle

from basalt.errors import PublishError
from basalt_io.outputs.sql_types import NAME, sql_type

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


TEXTS = [
    "",
    " ",
    "  a ",
    "\r",
    "\r\n",
    "\n",
    "a\nb",
    "\x01",
    "\ufeff",
    "\u2028",
    '"',
    "'",
    '""',
    ",",
    ";",
    "\\",
    "\\.",
    "\\N",
]
TEXTS += [
    "NULL",
    "null",
    "None",
    "\t",
    "#",
    "%s",
    ":x",
    "{}",
    "é",
    "\U0001f642",
    "1",
    "true",
    "NaN",
    None,
    "a" * 70_000,
]


@pytest.mark.parametrize("bulk", [True, False])
def test_any_text_comes_back_as_it_was(store, publish, target, bulk):
    frame = rows(*range(len(TEXTS))).with_columns(Text=pl.Series(TEXTS, dtype=pl.String), Alone=pl.lit(""))
    publish(store.output(bulk=bulk), frame)
    assert_frame_equal(store.output(bulk=bulk).scan(target).collect(), frame)
    alone = store.output(bulk=bulk).scan(target).select("Text").collect()
    assert alone["Text"].to_list() == TEXTS


def test_text_a_server_does_not_take_is_refused_whole(postgresql, tmp_path, spool, publish, target):
    """PostgreSQL has no text with NUL in it."""
    store = postgresql_store(postgresql, tmp_path)
    publish(store.output(), rows(1).with_columns(Text=pl.lit("a")))
    for bulk in (True, False):
        batches = spool(rows(2, 3).with_columns(Text=pl.Series(["a", "x\0"])))
        with pytest.raises(PublishError, match="could not be published"):
            store.output(bulk=bulk).stage(target, batches, document("second"))
    assert store.output().scan(target).collect()["ListingId"].to_list() == [1]
    assert store.tables() == ["bars", "basalt_columns", "basalt_ledger"]


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


@pytest.mark.parametrize(
    ("dialect", "zoned", "naive", "name"),
    [
        (mysql, "DATETIME(6)", "DATETIME(6)", "VARCHAR(255) COLLATE utf8mb4_bin"),
        (mssql, "DATETIMEOFFSET(6)", "DATETIME2(6)", "NVARCHAR(255) COLLATE Latin1_General_100_BIN2"),
        (oracle, "TIMESTAMP WITH TIME ZONE", "TIMESTAMP", "VARCHAR2(255 CHAR)"),
    ],
)
def test_stamps_keep_their_microseconds_and_names_their_case_elsewhere_too(dialect, zoned, naive, name):
    """Left to itself, DateTime is whole seconds in MySQL and Oracle and steps of 3 ms in SQL Server."""
    spelt = dialect.dialect()
    assert sql_type(pl.Datetime("us", "UTC")).compile(dialect=spelt) == zoned
    assert sql_type(pl.Datetime("us")).compile(dialect=spelt) == naive
    assert NAME.compile(dialect=spelt) == name
