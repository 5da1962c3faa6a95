"""What the sql source fetches: rows of the date and of the universe's members, columns that some pass reads, once.

A server proves it by rows and columns that cannot be read: nobody who leaves them out comes upon them.
"""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from sql_servers import Store, postgresql_store

import basalt
from basalt.cli import main
from basalt.running.run import RunResult
from basalt.sources import Size
from basalt_io.database import Database

FRIDAY = dt.date(2024, 3, 8)
NINE = dt.datetime(2024, 3, 8, 9, tzinfo=dt.UTC)
PIPELINE = """
name = "bars"
memory = "{memory}"
[source]
type = "sql"
{store}
bulk = {bulk}
{universe}
[[outputs]]
type = "parquet"
root = "out"
[[passes]]
name = "bars"
every = "1m"
[[passes.modules]]
module = "trade"
generic = [{{ measures = ["Volume", "VWAP"], sides = ["Total"] }}]
[[passes]]
name = "hours"
every = "1h"
[[passes.modules]]
module = "trade"
generic = [{{ measures = ["Volume", "VWAP"], sides = ["Total"] }}]
"""


UNIVERSE = """
[universes.some]
file = "members.csv"
"""


def fill(store: Store) -> None:
    """Four trades of each of six listings, listings in turn, ten nanoseconds apart. Whoever fetches a price of any
    listing but 2 and 5, or any venue, comes upon an error: PostgreSQL divides by zero, SQLite has no such values."""
    first = int(NINE.timestamp()) * 10**9
    rows = [(listing, first + 60 * n + 10 * listing) for n in range(4) for listing in range(1, 7)]
    if store.is_sqlite:
        columns = '"ListingId" BIGINT, "EventTimestamp" BIGINT, "Price" REAL, "Size" REAL, "Venue" TEXT'
        store.run(f'CREATE TABLE "trades" ({columns})')
        whole = [f"({k}, {at}, {10.5 if k in (2, 5) else repr('ten')}, {k}.0, x'00ff')" for k, at in rows]
        store.run(f'INSERT INTO "trades" VALUES {", ".join(whole)}')
        return
    store.run('CREATE TABLE {}"prints" ("ListingId" BIGINT, "EventTimestamp" BIGINT)')
    store.run(f'INSERT INTO {{}}"prints" VALUES {", ".join(map(str, rows))}')
    broken = '1 / ("ListingId" - "ListingId")'
    price = f'CAST(CASE WHEN "ListingId" IN (2, 5) THEN 10.5 ELSE {broken} END AS DOUBLE PRECISION) AS "Price"'
    size, venue = 'CAST("ListingId" AS DOUBLE PRECISION) AS "Size"', f'CAST({broken} AS TEXT) AS "Venue"'
    columns = f'"ListingId", "EventTimestamp", {price}, {size}, {venue}'
    store.run(f'CREATE VIEW {{}}"trades" AS SELECT {columns} FROM {{}}"prints"')


def write(store: Store, members: str = "", **how: str) -> None:
    """The pipeline; `members`: lines of the universe's file."""
    options = f"url = {json.dumps(store.url)}" + (f"\nschema = {json.dumps(store.schema)}" if store.schema else "")
    (store.folder / "members.csv").write_text(f"ListingId\n{members}")
    text = PIPELINE.format(**{"store": options, "bulk": "true", "memory": "1GB", "universe": UNIVERSE, **how})
    (store.folder / "bars.toml").write_text(text)


def run(store: Store, members: str = "", **how: str) -> RunResult:
    """The run of it."""
    write(store, members, **how)
    return basalt.run(store.folder / "bars.toml")


@pytest.mark.parametrize("bulk", ["true", "false"])
@pytest.mark.parametrize("memory", ["1GB", "1 B"])
def test_rows_of_others_and_columns_of_nobody_are_not_fetched(store, bulk, memory):
    """Of listings 2, 5 and 99, which does not trade, in one batch and in several: 4 trades of 2 shares, 4 of 5."""
    fill(store)
    assert run(store, "2\n5\n99\n", bulk=bulk, memory=memory).failed == []
    for name in ("bars", "hours"):
        rows = pl.read_parquet(store.folder / f"out/{name}/date=2024-03-08/some.parquet")
        assert rows.select("ListingId", "TradeTotalVolume", "TradeTotalVWAP").rows() == [
            (2, 8.0, 10.5),
            (5, 20.0, 10.5),
        ]


def test_without_a_universe_every_row_is_fetched(store):
    fill(store)
    (failed,) = run(store, universe="").failed
    assert "division by zero" in failed.error or "cannot be read" in failed.error


@contextmanager
def statements(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the database, with its parameters."""
    asked: list[tuple[str, Any]] = []
    engine = Database(store.url, store.folder)._engine
    note = lambda connection, cursor, statement, given, *_: asked.append((statement, given))  # noqa: E731
    sa.event.listen(engine, "before_cursor_execute", note)
    yield asked
    sa.event.remove(engine, "before_cursor_execute", note)


def test_a_table_is_fetched_once_whatever_reads_it(store):
    """Two passes in three batches each: one statement asks for prices, with the members as one parameter."""
    fill(store)
    with statements(store) as asked:
        assert run(store, "2\n5\n99\n", bulk="false", memory="1 B").failed == []
    ((statement, given),) = [(text, given) for text, given in asked if '"Price"' in text]
    assert '"Venue"' not in statement
    assert "99" not in statement
    values = [*given.values()] if isinstance(given, dict) else [*given]
    assert ([2, 5, 99] if not store.is_sqlite else "[2, 5, 99]") in values


def trades_of(store: Store, listings: Sequence[object], declared: str) -> None:
    """A trade a listing, as they are given, and one without."""
    store.run(f'CREATE TABLE {{}}"trades" ("the %key" {declared}, "EventTimestamp" BIGINT, "Price" REAL, "Size" REAL)')
    first = int(NINE.timestamp()) * 10**9
    rows = [f"({key}, {first + n}, 1.5, 1.0)" for n, key in enumerate([*listings, "NULL"])]
    store.run(f'INSERT INTO {{}}"trades" VALUES {", ".join(rows)}')


def wanted(store: Store, *keys: object, dtype: Any = pl.String, **options: Any) -> list[object]:
    """Keys of the rows that come, in order."""
    source = store.source(columns={"trades": {"ListingId": "the %key"}}, **options)
    found = source.scan_of("trades", FRIDAY, pl.Series("ListingId", keys, dtype=dtype)).collect()
    return found["ListingId"].to_list()


@pytest.mark.parametrize("bulk", [True, False])
def test_keys_are_values_whatever_is_in_them(store, bulk):
    names = ["A", "a", "x'); DROP TABLE trades; --", "ä%s:b", "", '"', "{b,c}"]
    trades_of(store, ["'" + name.replace("'", "''") + "'" for name in names], "TEXT")
    for name in names:
        assert wanted(store, name, bulk=bulk) == [name, None]
    assert wanted(store, *names[1:4], "none", bulk=bulk) == [*names[1:4], None]
    assert wanted(store, bulk=bulk) == [None]


@pytest.mark.parametrize("bulk", [True, False])
def test_there_may_be_any_number_of_keys(store, bulk):
    """Forty thousand, which is more than a statement may have parameters in either database."""
    trades_of(store, [3, 70_000, 39_999], "BIGINT")
    assert wanted(store, *range(40_000), dtype=pl.Int64, bulk=bulk) == [3, 39_999, None]


def test_keys_that_are_padded_are_found(postgresql, tmp_path):
    """CHAR(4) is read with its blanks, and compared with text without."""
    store = postgresql_store(postgresql, tmp_path)
    trades_of(store, ["'AB'", "'ABCD'", "'CD'"], "CHAR(4)")
    assert wanted(store, "AB  ", "ABCD") == ["AB  ", "ABCD", None]


def test_keys_of_a_type_that_is_read_as_text_are_found(postgresql, tmp_path):
    store = postgresql_store(postgresql, tmp_path)
    keys = [f"0000000{n}-0000-0000-0000-000000000000" for n in range(3)]
    trades_of(store, [f"'{key}'" for key in keys], "UUID")
    assert wanted(store, *keys[1:]) == [*keys[1:], None]


def test_rows_that_an_index_finds_come_in_the_order_of_the_table(postgresql, tmp_path):
    """Listing 1 at nine, before and after; the index, which the server would go through, has the stamps ascending."""
    store = postgresql_store(postgresql, tmp_path)
    trades_of(store, range(2_000), "BIGINT")
    store.run("""UPDATE {}"trades" SET "the %key" = 1, "Size" = 100 - "the %key" WHERE "the %key" < 50""")
    store.run('CREATE INDEX ON {}"trades" ("the %key", "Size")')
    store.run('ANALYZE {}"trades"')
    source = store.source(columns={"trades": {"ListingId": "the %key"}})
    found = source.scan_of("trades", FRIDAY, pl.Series("ListingId", [1])).collect()
    assert found.drop_nulls("ListingId")["Size"].to_list() == [float(n) for n in range(100, 50, -1)]


def test_size_is_counted_with_the_dates(store):
    """Two trades on Friday and one on Monday of 4 columns, 8 bytes each: 32 bytes a row."""
    store.run('CREATE TABLE {}"trades" ("ListingId" BIGINT, "EventTimestamp" BIGINT, "Price" REAL, "Size" REAL)')
    first, day = int(NINE.timestamp()) * 10**9, 86_400 * 10**9
    for n, stamp in enumerate((first, first + 1, first + 3 * day)):
        store.run(f'INSERT INTO {{}}"trades" VALUES ({n}, {stamp}, 1.5, 1.0)')
    store.run('CREATE TABLE {}"reference" ("ListingId" BIGINT)')
    store.run('INSERT INTO {}"reference" VALUES (1), (2)')
    source = store.source()
    with statements(store) as asked:
        sizes = [source.size("trades", day) for day in source.dates("trades")]
        assert source.size("reference", FRIDAY) == Size(2, 16)
    assert sizes == [Size(2, 64), Size(1, 32)]
    assert sum("count(*)" in text for text, _ in asked) == 2


def test_rows_by_listing_are_counted_by_the_server(store):
    trades_of(store, [3, 5, 3], "BIGINT")
    source = store.source(columns={"trades": {"ListingId": "the %key"}})
    with statements(store) as asked:
        counted = source.rows_by_key("trades", FRIDAY, "ListingId")
    assert counted.rows() == [(None, 1), (3, 2), (5, 1)]
    assert counted.schema == {"ListingId": pl.Int64, "Rows": pl.Int64}
    assert "GROUP BY" in asked[-1][0]


def test_a_plan_fetches_no_row(store, capsys):
    """It tells of 24 rows, and what their batches take, and comes upon no price."""
    fill(store)
    write(store, universe="")
    with statements(store) as asked:
        assert main.run(["pipeline", "plan", str(store.folder / "bars.toml"), "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["rows_in"] for each in told["passes"] for one in each["estimates"]] == [24, 24]
    assert all('"Price"' not in text for text, _ in asked)


def test_a_thousand_dates_are_one_query(store):
    """Fingerprints and sizes of all of them, where the table was looked at."""
    store.run('CREATE TABLE {}"trades" ("ListingId" BIGINT, "EventTimestamp" BIGINT, "Price" REAL, "Size" REAL)')
    first, day = int(NINE.timestamp()) * 10**9, 86_400 * 10**9
    rows = ", ".join(f"(1, {first + n * day}, 1.5, 1.0)" for n in range(1000))
    store.run(f'INSERT INTO {{}}"trades" VALUES {rows}')
    source = store.source()
    days = source.dates("trades")
    with statements(store) as asked:
        assert len({source.fingerprint("trades", day) for day in days}) == 1000
        assert {source.size("trades", day) for day in days} == {Size(1, 32)}
    assert asked == []
