"""The sql source in SQLite and PostgreSQL: tables, dates, dtypes, and tables that are not what they should be."""

import datetime as dt

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sql_servers import Store, postgresql_store

from basalt.errors import DataError, UserError
from basalt.outputs import Target
from basalt.tables import AGGRESSOR, NS_UTC
from basalt.testing import SourceLaws, market
from basalt_io.sources.sql import SqlSource, SqlSourceOptions

FRIDAY, MONDAY = dt.date(2024, 3, 8), dt.date(2024, 3, 11)


def publish(store: Store, table: str, day: dt.date, frame: pl.DataFrame, universe: str = "all", key: str = "k") -> None:
    """Rows of a date as a pipeline publishes them."""
    batch = store.folder / "batch.parquet"
    first = [pl.lit(day).alias("Date"), pl.lit(universe).alias("Universe")]
    frame.select(*first, pl.all()).write_parquet(batch)
    output = store.output()
    target = Target("desk", table, day, universe, "sql")
    output.commit(output.stage(target, [batch], {"keys": [], "provenance": {"key": key}}), key)


@pytest.fixture(scope="session")
def simulated() -> dict[dt.date, dict[str, pl.DataFrame]]:
    """Two dates of two listings."""
    return {day: dict(market.simulate(listings=2, seed=1, events=300, date=day)) for day in (FRIDAY, MONDAY)}


def write_market(store: Store, days: dict[dt.date, dict[str, pl.DataFrame]]) -> None:
    for day, tables in days.items():
        for name in ("trades", "l2", "l3", "marketstate"):
            publish(store, name, day, tables[name])


def write_others(store: Store, days: dict[dt.date, dict[str, pl.DataFrame]]) -> None:
    """The same as tables that no pipeline published."""
    write_market(store, days)
    store.run('DELETE FROM {}"basalt_columns"')


class TestSqliteLaws(SourceLaws):
    @pytest.fixture(autouse=True)
    def _market(self, simulated):
        self.days = simulated

    def source(self, folder):
        store = Store("sqlite:///market.db", None, folder)
        if not (folder / "market.db").exists():
            write_others(store, self.days)
        return store.source()


class TestPostgresqlLaws(SourceLaws):
    @pytest.fixture(autouse=True)
    def _market(self, simulated, postgresql):
        self.days, self.url = simulated, postgresql

    def source(self, folder):
        store = postgresql_store(self.url, folder)
        if not store.tables():
            write_others(store, self.days)
        return store.source()


def test_what_was_published_comes_back_as_it_was(store, simulated):
    """Nanoseconds, Enums and narrow integers among it, which databases have no types for. Tables have no order."""
    write_market(store, simulated)
    source = store.source()
    assert source.tables() == ["l2", "l3", "marketstate", "trades"]
    for table in source.tables():
        assert source.dates(table) == [FRIDAY, MONDAY]
        for day in (FRIDAY, MONDAY):
            found = source.scan(table, day).collect()
            assert_frame_equal(found.drop("Date", "Universe"), simulated[day][table], check_row_order=False)
            assert found["Date"].unique().to_list() == [day]


def test_rows_are_fetched_without_the_bulk_path_too(store, simulated):
    write_market(store, {FRIDAY: simulated[FRIDAY]})
    for table in ("trades", "l2"):
        plain, bulk = (store.source(bulk=bulk).scan(table, FRIDAY).collect() for bulk in (False, True))
        assert_frame_equal(plain, bulk, check_exact=True)


def foreign(store: Store, stamps: list[str], declared: str = "TIMESTAMP WITH TIME ZONE") -> None:
    """A table of trades that others made, under names of their own."""
    store.run(
        f'CREATE TABLE {{}}"trades" ("ListingId" INTEGER, "at" {declared}, "px" DOUBLE PRECISION, "Size" INTEGER)'
    )
    for n, stamp in enumerate(stamps):
        store.run(f'INSERT INTO {{}}"trades" VALUES ({n}, {stamp}, 0.5, {n})')


NAMES = {"trades": {"EventTimestamp": "at", "Price": "px"}}


def test_tables_of_others_are_dated_by_their_stamps_in_utc(store):
    zone = "Z" if store.is_sqlite else "+00"
    stamps = [f"'2024-03-{stamp}{zone}'" for stamp in ("08 00:00:00", "08 23:59:59.999999", "11 00:00:00.000001")]
    foreign(store, stamps)
    if not store.is_sqlite:
        store.run("""INSERT INTO {}"trades" VALUES (3, '2024-03-09 00:30:00+01', 1.5, 3)""")
    source = store.source(columns=NAMES)
    assert source.dates("trades") == [FRIDAY, MONDAY]
    found = source.scan("trades", FRIDAY).collect()
    assert found.schema["EventTimestamp"] == NS_UTC
    assert found["ListingId"].to_list() == ([0, 1] if store.is_sqlite else [0, 1, 3])
    assert found["EventTimestamp"][1] == dt.datetime(2024, 3, 8, 23, 59, 59, 999999, tzinfo=dt.UTC)
    assert found.schema["Size"] == pl.Float64
    assert source.scan("trades", MONDAY).collect()["Price"].to_list() == [0.5]


def test_whole_numbers_are_nanoseconds_where_the_contract_has_a_stamp(store):
    """1,709,942,399,999,999,999 ns is the last nanosecond of 8 March 2024; the next one is the 9th."""
    foreign(store, ["1709942399999999999", "1709942400000000000"], declared="BIGINT")
    source = store.source(columns=NAMES)
    assert source.dates("trades") == [FRIDAY, FRIDAY + dt.timedelta(1)]
    found = source.scan("trades", FRIDAY).collect()
    assert found["EventTimestamp"].cast(pl.Int64).to_list() == [1709942399999999999]


def test_stamps_without_zone_are_refused(store):
    foreign(store, ["'2024-03-08 09:00:00'"], declared="TIMESTAMP")
    source = store.source(columns=NAMES)
    with pytest.raises(DataError, match=r"column EventTimestamp is Datetime.*say which time zone"):
        source.scan("trades", FRIDAY)


def test_a_date_in_text_is_refused_where_the_server_would_find_no_row_of_it(store):
    """Python takes 20240308 for a date too; a query for 2024-03-08 has no such row."""
    store.run('CREATE TABLE {}"news" ("Date" TEXT, "ListingId" BIGINT)')
    store.run("""INSERT INTO {}"news" VALUES ('20240308', 1), ('2024-03-11', 1)""")
    with pytest.raises(DataError, match=r"a Date that is no date \('20240308'\): write it as YYYY-MM-DD"):
        store.source().dates("news")


def test_text_that_is_no_stamp_is_refused(tmp_path):
    store = Store("sqlite:///market.db", None, tmp_path)
    foreign(store, ["'2024-03-08 09:00:00Z'", "'2024-03-08 10:00:00+05:00'"], declared="TEXT")
    with pytest.raises(DataError, match=r"table trades of sqlite:.* cannot be read"):
        store.source(columns=NAMES).scan("trades", FRIDAY).collect()


@pytest.mark.parametrize(
    ("column", "declared", "value"),
    [
        ("ListingId", "INTEGER", "'abc'"),
        ("ListingId", "INTEGER", "1.5"),
        ("ListingId", "INTEGER", "x'00ff'"),
        ("EventTimestamp", "BIGINT", "'abc'"),
        ("EventTimestamp", "BIGINT", "99999999999999999999999"),
        ("Price", "REAL", "'ten'"),
        ("Price", "NUMERIC(9, 2)", "'ten'"),
        ("Size", "REAL", "x'00'"),
        ("IsBlock", "BOOLEAN", "'maybe'"),
        ("Venue", "TEXT", "x'00ff'"),
    ],
)
def test_a_value_of_another_type_than_its_column_is_refused(tmp_path, column, declared, value):
    """SQLite keeps any value in any column."""
    store = Store("sqlite:///market.db", None, tmp_path)
    good = {
        "Date": "'2024-03-08'",
        "ListingId": "1",
        "EventTimestamp": "1709942399999999999",
        "Price": "1",
        "Size": "2",
    }
    types = {"Date": "DATE", "ListingId": "INTEGER", "EventTimestamp": "BIGINT", "Price": "REAL", "Size": "REAL"}
    types[column] = declared
    store.run(f'CREATE TABLE "trades" ({", ".join(f"{name} {kind}" for name, kind in types.items())})')
    for row in ({column: "NULL", **good}, {**good, column: value}):
        store.run(f'INSERT INTO "trades" VALUES ({", ".join(row[name] for name in types)})')
    with pytest.raises(DataError, match=r"table trades of sqlite:.* cannot be read.*what the columns declare"):
        store.source().scan("trades", FRIDAY).collect()


def test_decimals_of_sqlite_are_the_floats_they_are(tmp_path):
    """Though NUMERIC(9, 2) is declared, 1.255 is kept."""
    store = Store("sqlite:///market.db", None, tmp_path)
    store.run('CREATE TABLE "ticks" ("Date" DATE, "Price" NUMERIC(9, 2))')
    store.run("""INSERT INTO "ticks" VALUES ('2024-03-08', 1.255)""")
    assert store.source().scan("ticks", FRIDAY).collect()["Price"].to_list() == [1.255]


def test_a_column_date_counts_before_stamps(store):
    """A session that starts the evening before."""
    store.run(
        'CREATE TABLE {}"trades" ("Date" DATE, "ListingId" INTEGER, "EventTimestamp" BIGINT, "Price" REAL, "Size" REAL)'
    )
    store.run("""INSERT INTO {}"trades" VALUES ('2024-03-11', 1, 1709942399999999999, 1, 1)""")
    assert store.source().dates("trades") == [MONDAY]
    assert store.source().scan("trades", MONDAY).collect().height == 1


def test_rows_without_date_are_refused_rather_than_left_out(store):
    foreign(store, ["1709942399999999999", "NULL"], declared="BIGINT")
    with pytest.raises(DataError, match="has rows without at, by which they are dated"):
        store.source(columns=NAMES).dates("trades")


def test_a_table_without_dates_holds_for_every_date(store):
    store.run(
        'CREATE TABLE {}"reference" ("ListingId" INTEGER, "Ticker" TEXT, "IsPrimary" BOOLEAN, "TickSize" NUMERIC(9, 4))'
    )
    store.run("""INSERT INTO {}"reference" VALUES (1, 'VOD %', TRUE, 0.0125)""")
    source = store.source()
    assert source.dates("reference") == []
    found = source.scan("reference", FRIDAY).collect()
    assert found.rows() == [(1, "VOD %", True, 0.0125)]
    assert (found.schema["IsPrimary"], found.schema["TickSize"]) == (pl.Boolean, pl.Float64)


def test_types_that_are_not_known_are_text(postgresql, tmp_path):
    store = postgresql_store(postgresql, tmp_path)
    store.run('CREATE TABLE {}"notes" ("Date" DATE, "What" JSONB, "Id" UUID, "Many" INTEGER[], "Price" NUMERIC)')
    store.run("""INSERT INTO {}"notes" VALUES ('2024-03-08', '[1, "a"]', gen_random_uuid(), ARRAY[1, 2], 0.1)""")
    for bulk in (True, False):
        [row] = store.source(bulk=bulk).scan("notes", FRIDAY).collect().to_dicts()
        assert (row["What"], row["Many"], len(row["Id"]), row["Price"]) == ('[1, "a"]', "{1,2}", 36, 0.1)


def test_views_are_tables_and_the_books_of_basalt_are_none(store):
    publish(store, "bars", FRIDAY, pl.DataFrame({"ListingId": [1], "Vwap": [10.0]}))
    schema = "" if store.is_sqlite else f'"{store.schema}".'
    store.run(f'CREATE VIEW {schema}"dear" AS SELECT * FROM {schema}"bars" WHERE "Vwap" > 5')
    assert store.source().tables() == ["bars", "dear"]
    assert store.source().scan("dear", FRIDAY).collect()["Vwap"].to_list() == [10.0]


def test_universes_of_a_date_are_read_together(store):
    """Where their Enums differ the values are text."""
    sides = {"low": pl.Enum(["Buy", "Sell"]), "high": AGGRESSOR, "other": pl.Enum(["Sell", "Buy"])}
    for universe in ("low", "high"):
        side = pl.Series(["Buy"], dtype=sides[universe])
        publish(store, "bars", FRIDAY, pl.DataFrame({"ListingId": [1], "Side": side}), universe)
    assert store.source().scan("bars", FRIDAY).collect()["Side"].to_list() == ["Buy", "Buy"]
    assert store.source().scan("bars", FRIDAY).collect_schema()["Side"] == AGGRESSOR
    publish(
        store, "bars", FRIDAY, pl.DataFrame({"ListingId": [1], "Side": pl.Series(["Sell"], dtype=sides["other"])}), "x"
    )
    found = store.source().scan("bars", FRIDAY).collect()
    assert (found.schema["Side"], found.height) == (pl.String, 3)


def test_the_fingerprint_changes_with_what_is_published_for_the_date(store):
    frame = pl.DataFrame({"ListingId": [1, 2], "Price": [1.0, 2.0]})
    for day in (FRIDAY, MONDAY):
        publish(store, "bars", day, frame)
    told = {day: store.source().fingerprint("bars", day) for day in (FRIDAY, MONDAY)}
    publish(store, "bars", FRIDAY, frame)
    assert store.source().fingerprint("bars", FRIDAY) == told[FRIDAY]
    publish(store, "bars", FRIDAY, frame.with_columns(Price=pl.lit(3.0)), key="other")
    assert store.source().fingerprint("bars", FRIDAY) != told[FRIDAY]
    assert store.source().fingerprint("bars", MONDAY) == told[MONDAY]


def test_the_fingerprint_of_others_tables_changes_with_their_rows_and_ends(store):
    foreign(store, ["1709942399999999998"], declared="BIGINT")
    told = [store.source(columns=NAMES).fingerprint("trades", FRIDAY)]
    for change in (
        """INSERT INTO {}"trades" VALUES (9, 1709942399999999998, 1, 1)""",
        """UPDATE {}"trades" SET "at" = 1709942399999999999 WHERE "ListingId" = 9""",
    ):
        store.run(change)
        told.append(store.source(columns=NAMES).fingerprint("trades", FRIDAY))
    assert len(set(told)) == 3
    store.run('UPDATE {}"trades" SET "px" = 7')
    assert store.source(columns=NAMES).fingerprint("trades", FRIDAY) == told[-1]


def test_any_change_of_a_table_without_dates_changes_its_fingerprint(store):
    store.run('CREATE TABLE {}"reference" ("ListingId" INTEGER, "Ticker" TEXT)')
    told = set()
    for change in ("INSERT INTO {}reference VALUES (1, NULL)", "UPDATE {}reference SET \"Ticker\" = ''"):
        store.run(change)
        told.add(store.source().fingerprint("reference", FRIDAY))
    assert len(told) == 2


@pytest.mark.parametrize(
    ("options", "ask", "said"),
    [
        ({}, lambda source: source.scan("quotes", FRIDAY), "source sql has no table quotes: .* has trades"),
        (
            {},
            lambda source: source.scan("trades", MONDAY),
            "source sql has no trades for 2024-03-11: .* has 2024-03-08 alone",
        ),
        (
            {"columns": {"quotes": {}}},
            lambda source: source.tables(),
            "`columns` names table quotes, and .* has trades",
        ),
        (
            {"columns": {"trades": {"Price": "cost"}}},
            lambda source: source.scan("trades", FRIDAY),
            "has no column cost to be read as Price: it has ListingId, at, px, Size",
        ),
        (
            {"columns": {"trades": {**NAMES["trades"], "Size": "px"}}},
            lambda source: source.scan("trades", FRIDAY),
            "has a column Size already",
        ),
    ],
)
def test_what_is_not_there_is_named(store, options, ask, said):
    foreign(store, ["1709942399999999999"], declared="BIGINT")
    with pytest.raises(UserError, match=said):
        ask(store.source(**{"columns": NAMES, **options}))


def test_a_file_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(UserError, match=r"market\.db is no file"):
        SqlSource(SqlSourceOptions(url="sqlite:///market.db"), tmp_path).tables()
    assert list(tmp_path.iterdir()) == []


def test_a_document_without_columns_is_refused_where_it_is_read(store, simulated):
    """The rows can be read all the same."""
    publish(store, "trades", FRIDAY, simulated[FRIDAY]["trades"])
    source = store.source()
    with pytest.raises(DataError, match=r"partitions of trades in .* carry a column document that names no columns"):
        source.document("trades", FRIDAY)
    assert source.scan("trades", FRIDAY).collect().height == simulated[FRIDAY]["trades"].height
