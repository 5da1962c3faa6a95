"""`basalt data describe`: any source, and what a published file says of itself."""

import datetime as dt

import polars as pl
import pytest
from click.testing import CliRunner
from data_commands import printed

import basalt
from basalt.errors import UserError
from basalt.testing import market
from basalt_io.describe import describe

MONDAY, TUESDAY = dt.date(2026, 1, 5), dt.date(2026, 1, 6)
PIPELINE = """
name = "desk"
source = { type = "parquet", root = "lake" }
outputs = [{ type = "parquet", root = "out" }]
[[passes]]
name = "bars"
every = "1m"
modules = [{ module = "trade" }]
"""


def described(*args, code=0):
    """The rows that the command prints as JSON, and what it says beside them."""
    return printed(describe, *args, code=code)


@pytest.fixture
def lake(tmp_path):
    """Two simulated dates of trades, and a reference that holds for both."""
    for day in (MONDAY, TUESDAY):
        tables = market.simulate(listings=2, seed=3, date=day, events=200, tables=["trades", "reference"])
        place = tmp_path / "lake" / "trades" / f"date={day}" / "part.parquet"
        place.parent.mkdir(parents=True)
        tables["trades"].write_parquet(place)
    tables["reference"].write_parquet(tmp_path / "lake" / "reference.parquet")
    return tmp_path / "lake"


def of_days(name):
    return [market.simulate(listings=2, seed=3, date=day, events=200, tables=[name])[name] for day in (MONDAY, TUESDAY)]


def test_a_folder_is_described_table_by_table(lake):
    rows, _ = described(lake)
    monday, tuesday = of_days("trades")
    assert [row["table"] for row in rows] == ["reference", "trades"]
    assert rows[0] | {"columns": 0} == {
        **dict.fromkeys(["from", "to", "first_event", "last_event"]),
        "table": "reference",
        "dates": 0,
        "rows": 2,
        "listings": 2,
        "columns": 0,
        "contract": "ok",
    }
    trades = rows[1]
    assert (trades["dates"], trades["from"], trades["to"]) == (2, "2026-01-05", "2026-01-06")
    assert (trades["rows"], trades["listings"], trades["columns"]) == (monday.height + tuesday.height, 2, monday.width)
    assert trades["first_event"] == monday["EventTimestamp"].min().isoformat()
    assert trades["last_event"] == tuesday["EventTimestamp"].max().isoformat()


def test_dates_and_tables_are_those_asked_for(lake):
    (row,), _ = described(lake, "--table", "trades", "--date", "2026-01-06")
    assert (row["dates"], row["rows"]) == (1, of_days("trades")[1].height)


def test_columns_stand_beside_the_contract(lake):
    rows, _ = described(lake, "--columns", "--table", "trades")
    by_name = {row["column"]: row for row in rows}
    assert (by_name["Price"]["dtype"], by_name["Price"]["contract"], by_name["Price"]["unit"]) == (
        "Float64",
        "required",
        "price",
    )
    assert by_name["EventTimestamp"]["dtype"] == "Datetime[ns, UTC]"
    assert by_name["AggressorSide"]["dtype"] == "Enum[Buy, Sell]"
    assert by_name["MarketState"]["dtype"] == "Enum[14 labels]"
    assert (by_name["NotionalUSD"]["dtype"], by_name["NotionalUSD"]["contract"]) == (None, "not there")


def test_a_source_without_files_needs_no_path():
    options = ["--set", "listings=2", "--set", "events=200", "--set", "seed=3"]
    rows, _ = described("--source", "simulator", *options, "--table", "trades")
    assert rows[0]["rows"] == of_days("trades")[0].height


def test_the_source_of_a_pipeline_is_relative_to_its_file(lake):
    file = lake.parent / "pipeline.toml"
    file.write_text(PIPELINE)
    assert described(file) == described(lake)


def test_a_published_file_gives_its_column_document(lake):
    (lake.parent / "pipeline.toml").write_text(PIPELINE)
    basalt.run(lake.parent / "pipeline.toml", dates=[MONDAY])
    rows, said = described(lake.parent / "out/bars/date=2026-01-05/all.parquet")
    volume = next(row for row in rows if row["column"] == "TradeTotalVolume")
    assert (volume["dtype"], volume["unit"], volume["over_time"], volume["module"]) == (
        "Float64",
        "shares",
        "sum",
        "trade",
    )
    assert "pass 'bars' of pipeline 'desk', by ListingId; buckets" in said


def test_a_folder_of_results_says_that_a_pipeline_published_them(lake):
    """Beside a table that nobody declares."""
    file = lake.parent / "desk.toml"
    file.write_text(PIPELINE)
    assert not basalt.run(file).failed
    pl.DataFrame({"Price": [1.0]}).write_parquet(lake.parent / "out" / "mine.parquet")
    rows, _ = described(lake.parent / "out")
    assert {row["table"]: (row["contract"], row["dates"]) for row in rows} == {
        "bars": ("published", 2),
        "mine": ("undeclared", 0),
    }


def test_a_delta_table_gives_its_column_document_and_its_history(lake):
    (lake.parent / "pipeline.toml").write_text(
        PIPELINE.replace('type = "parquet", root = "out"', 'type = "delta", root = "out"')
    )
    for _ in range(2):
        basalt.run(lake.parent / "pipeline.toml", dates=[MONDAY], force=True)
    table = lake.parent / "out/bars"
    rows, said = described(table)
    assert next(row for row in rows if row["column"] == "TradeTotalVolume")["unit"] == "shares"
    assert "pass 'bars' of pipeline 'desk'" in said
    versions, _ = described(table, "--history")
    assert versions[0]["mode"] == "replace"
    assert [one["version"] for one in versions] == sorted((one["version"] for one in versions), reverse=True)
    assert len({one["run_key"] for one in versions if one["run_key"]}) == 1


def test_a_history_is_of_a_delta_table(lake):
    result = CliRunner().invoke(describe, [str(lake), "--history"])
    assert result.exit_code == 2
    assert "--history is of a Delta table: name its folder" in result.stderr


def test_a_folder_without_tables_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"source 'parquet' finds no table in .*: name its layout with --source"):
        described(tmp_path)


def test_a_table_that_is_not_as_declared_is_told_with_the_fix_and_the_others_are_described(lake):
    file = lake / "trades" / "date=2026-01-06" / "part.parquet"
    pl.read_parquet(file).drop("Price").write_parquet(file)
    rows, said = described(lake, code=1)
    assert [(row["table"], row["contract"]) for row in rows] == [("reference", "ok"), ("trades", "broken")]
    assert f"trades: table trades of {file} lacks Price (Float64)" in said
    assert "add the column, or map yours to it" in said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--table", "quotes"], "source 'parquet' has no table 'quotes'; it has reference, trades"),
        (["--date", "2026-01-07"], "source 'parquet' has nothing on 2026-01-07; it has dates from 2026-01-05 to 2026-"),
        (["--source", "lobstre"], "did you mean 'lobster'"),
        (["--set", "rot=1"], "source.rot"),
    ],
)
def test_what_is_not_there_is_refused(lake, more, said):
    with pytest.raises(UserError, match=said):
        described(lake, *more)


def test_nothing_to_read_is_a_wrong_call():
    result = CliRunner().invoke(describe, [])
    assert result.exit_code == 2
    assert "name what to read: a pipeline file, a folder of data, or --source" in result.stderr
