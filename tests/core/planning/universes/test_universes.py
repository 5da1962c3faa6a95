"""Universes: which there are, SQL over reference, and what is refused and noted."""

import pickle
from datetime import date

import polars as pl
import pytest

from basalt.config.model import PipelineConfig, SourceEntry, UniverseConfig
from basalt.config.read import read_pipeline
from basalt.errors import DataError, UserError
from basalt.planning.inputs import SourceColumns
from basalt.planning.universe import check_listing_dtypes, open_universes
from basalt.tables import BUILT_IN
from basalt_io.sources.parquet import ParquetSource, ParquetSourceOptions

DAY, NEXT = date(2026, 1, 5), date(2026, 1, 6)
SCHEMAS = {table.name: table for table in BUILT_IN}


def test_without_universes_there_is_one_of_every_listing(market):
    (made,) = market.opened().values()
    assert made.name == "all"
    assert made.members(market.source, SCHEMAS, DAY) is None
    assert made.fingerprint(market.source, SCHEMAS, DAY) == ""
    assert made.reads == ()
    assert list(market.opened(("all",))) == ["all"]


def test_everything_needs_no_reference(market):
    market.reference = None
    assert list(market.opened()) == ["all"]


def test_universes_come_in_the_pipelines_order_and_those_asked_for_alone(market):
    two = {"lse": UniverseConfig(where="MIC = 'XLON'"), "all": UniverseConfig(where="ListingId > 0")}
    assert list(market.opened(**two)) == ["lse", "all"]
    assert list(market.opened(("all", "lse", "all"), **two)) == ["lse", "all"]
    assert list(market.opened(("all",), **two)) == ["all"]


def test_a_universe_that_is_not_defined_is_told_what_is_near(market):
    with pytest.raises(UserError) as error:
        market.opened(("ls",), lse=UniverseConfig(where="MIC = 'XLON'"), par=UniverseConfig(where="MIC = 'XPAR'"))
    assert str(error.value) == "there is no universe 'ls' (did you mean 'lse'?); universes: lse, par"
    with pytest.raises(UserError, match="there is no universe 'lse'; universes: all"):
        market.opened(("lse",))


def test_universes_are_plain_data_that_travels(market):
    market.write("ids.csv", "ListingId\n10\n")
    for keys in ({"where": "IsPrimary"}, {"file": "ids.csv"}, {"python": market.function("return [10]")}):
        made = market.one(**keys)
        copy = pickle.loads(pickle.dumps(made))
        assert copy == made
        assert copy.members(market.source, SCHEMAS, DAY).equals(made.members(market.source, SCHEMAS, DAY))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("", "universes.x names no listings: set 'where', 'file' or 'python'"),
        ('where = "IsPrimary"\nfile = "a.csv"', "universes.x sets 'where' and 'file': keep one of them"),
    ],
)
def test_a_universe_says_in_one_way_what_its_listings_are(tmp_path, keys, said):
    file = tmp_path / "pipeline.toml"
    text = 'name = "p"\nsource = { type = "parquet" }\n[[passes]]\nname = "bars"\n[universes.x]\n'
    file.write_text(text + keys)
    with pytest.raises(UserError) as error:
        read_pipeline(file)
    assert str(error.value) == f"{file}: {said}"


def test_names_of_universes_are_path_parts(tmp_path):
    file = tmp_path / "pipeline.toml"
    text = (
        'name = "p"\nsource = { type = "parquet" }\n[[passes]]\nname = "bars"\n[universes."a/b"]\nwhere = "IsPrimary"\n'
    )
    file.write_text(text)
    with pytest.raises(UserError, match="a name of letters, digits, _ and -"):
        read_pipeline(file)


# where


def test_where_gives_members_once_ascending(market):
    assert market.members(where="MIC = 'XLON'") == [10, 30]
    assert market.members(where="MIC = 'XLON' AND IsPrimary") == [30]


def test_a_filter_that_is_null_on_a_row_does_not_take_it(market):
    """40 has no MIC."""
    assert market.members(where="MIC <> 'XLON'") == [20]


def test_a_listing_of_which_one_of_several_rows_passes_is_a_member(market):
    market.reference = pl.concat([market.reference, market.reference.with_columns(MIC=pl.lit("XAMS"))])
    assert market.members(where="MIC = 'XAMS'") == [10, 20, 30, 40]
    assert market.members(where="MIC = 'XPAR'") == [20]


def test_rows_of_reference_without_a_listing_are_noted(market):
    market.reference = market.reference.with_columns(ListingId=pl.col("ListingId").replace(10, None))
    assert market.members(where="MIC = 'XLON'") == [30]
    assert market.notes(where="MIC = 'XLON'") == [("rows without a ListingId name no member", 1, None)]


def test_no_member_is_noted_and_no_error(market):
    assert market.members(where="MIC = 'XAMS'") == []
    assert market.notes(where="MIC = 'XAMS'") == [
        ("the universe has no listing on this date, so its results are empty", None, None)
    ]


def test_an_empty_reference_has_no_member_of_its_dtype(market):
    market.reference = market.reference.clear()
    found = market.one(where="IsPrimary").members(market.source, SCHEMAS, DAY)
    assert (found.to_list(), found.dtype) == ([], pl.Int64)


def test_members_have_the_dtype_of_reference(market):
    market.reference = market.reference.with_columns(ListingId=pl.Series(["030", "10", "2", "4"]))
    found = market.one(where="MIC IS NOT NULL").members(market.source, SCHEMAS, DAY)
    assert (found.to_list(), found.dtype) == (["030", "10", "2"], pl.String)


def test_a_column_that_reference_lacks_is_refused_while_planning(market):
    said = market.refusal(where="Mic = 'XLON'")
    assert said == "universes.x.where = \"Mic = 'XLON'\" names column 'Mic', which is not there (did you mean 'MIC'?)"


def test_an_aggregate_is_refused_while_planning(market):
    assert "aggregates over rows" in market.refusal(where="ListingId = MAX(ListingId)")


@pytest.mark.parametrize("keys", [{"where": "IsPrimary"}, {"python": "desk.py:liquid"}])
def test_reference_is_needed_while_planning(market, keys):
    market.reference = None
    key = next(iter(keys))
    assert market.refusal(**keys) == (
        f"universes.x.{key} reads table reference, which source 'memory' does not have: add the table, or name the "
        "listings in a file"
    )


def test_what_tells_the_members_is_known_to_the_plan(market):
    market.write("ids.csv", "ListingId\n10\n")
    assert market.one(where="IsPrimary").reads == ("reference",)
    assert market.one(python=market.function("return []")).reads == ("reference",)
    assert market.one(file="ids.csv").reads == ()


def test_a_reference_of_another_dtype_than_planned_is_the_datas_fault(market):
    made = market.one(where="IsPrimary")
    market.reference = market.reference.with_columns(pl.col("ListingId").cast(pl.String))
    with pytest.raises(DataError) as error:
        made.members(market.source, SCHEMAS, NEXT)
    assert str(error.value) == (
        "table 'reference': column ListingId is String on 2026-01-06, and Int64 where universe 'x' was planned: run "
        "that date by itself with --date 2026-01-06, or mend its data"
    )


def test_a_reference_without_a_planned_column_is_the_datas_fault(market):
    made = market.one(where="IsPrimary")
    market.reference = market.reference.drop("IsPrimary")
    with pytest.raises(DataError) as error:
        made.members(market.source, SCHEMAS, NEXT)
    assert str(error.value).startswith(
        "table 'reference' on 2026-01-06 is not as planned: universes.x.where = 'IsPrimary' names column 'IsPrimary'"
    )


def test_where_reads_the_reference_of_the_date(tmp_path):
    """20 is primary on the 6th alone."""
    for day, primary in ((DAY, 10), (NEXT, 20)):
        file = tmp_path / "data" / "reference" / f"date={day}" / "part.parquet"
        file.parent.mkdir(parents=True)
        pl.DataFrame({"ListingId": [10, 20], "IsPrimary": [primary == 10, primary == 20]}).write_parquet(file)
    source = ParquetSource(ParquetSourceOptions(root="data"), tmp_path)
    config = PipelineConfig(
        name="desk", source=SourceEntry(type="parquet"), passes=[], universes={"x": UniverseConfig(where="IsPrimary")}
    )
    made = open_universes(config, source, SourceColumns(source, SCHEMAS, DAY), tmp_path)["x"]
    assert [made.members(source, SCHEMAS, day).to_list() for day in (DAY, NEXT)] == [[10], [20]]
    before = made.fingerprint(source, SCHEMAS, DAY)
    file = tmp_path / "data" / "reference" / f"date={NEXT}" / "part.parquet"
    pl.DataFrame({"ListingId": [20, 30], "IsPrimary": [True, True]}).write_parquet(file)
    again = ParquetSource(ParquetSourceOptions(root="data"), tmp_path)
    assert made.fingerprint(again, SCHEMAS, DAY) == before


def test_fingerprints_of_where_change_with_the_sql_and_with_reference(market, trades):
    first = market.fingerprint(where="IsPrimary")
    assert market.fingerprint(where="IsPrimary") == first
    assert market.fingerprint(where="NOT IsPrimary") != first
    market.more["trades"] = trades
    assert market.fingerprint(where="IsPrimary") == first
    market.reference = market.reference.with_columns(IsPrimary=True)
    assert market.fingerprint(where="IsPrimary") != first


# dtypes


def test_tables_that_are_read_have_the_universes_listings(market, trades):
    market.more = {"trades": trades.with_columns(pl.col("ListingId").cast(pl.String))}
    columns = SourceColumns(market.source, SCHEMAS, DAY)
    one = [market.one(where="IsPrimary")]
    with pytest.raises(UserError) as error:
        check_listing_dtypes(one, columns, ["trades"])
    assert str(error.value) == (
        "ListingId is String in table 'trades' and Int64 in the universes: the tables of a run have one dtype of "
        "ListingId"
    )
    check_listing_dtypes(one, columns, ["reference", "cbbo"])
    check_listing_dtypes(market.opened().values(), columns, ["trades"])
