"""Tables that hold for every date: what they gain for other dates leaves what is done done, in every source."""

import datetime as dt

import lakes
import polars as pl
import pytest
from test_misdeclared import trades

from basalt.tables import NS_UTC

MONDAY, TUESDAY = dt.date(2026, 1, 5), dt.date(2026, 1, 6)
HOURS = """
[universes.london]
where = "MIC = 'XLON'"
[[passes]]
name = "hourly"
every = "1h"
calendar = "XLON"
timeline = "dense"
modules = [{ module = "trade" }]
"""


def calendar(*days: dt.date, hours: int = 8) -> pl.DataFrame:
    """London, open from nine for so many hours."""
    starts = [dt.datetime.combine(day, dt.time(9), dt.UTC) for day in days]
    ends = [start + dt.timedelta(hours=hours) for start in starts]
    columns = {"MIC": ["XLON"] * len(days), "Date": list(days), "SessionStart": starts, "SessionEnd": ends}
    return pl.DataFrame(columns, schema_overrides={"SessionStart": NS_UTC, "SessionEnd": NS_UTC})


@pytest.fixture(params=lakes.KINDS)
def lake(request, tmp_path, monkeypatch) -> lakes.Lake:
    """Trades of Monday and Tuesday, and a calendar of both."""
    monkeypatch.chdir(tmp_path)
    made = lakes.made(request.param, request, tmp_path)
    later = trades().with_columns((pl.col("EventTimestamp") + dt.timedelta(days=1)).cast(NS_UTC))
    made.put("trades", pl.concat([trades(), later]))
    made.put("reference", pl.DataFrame({"ListingId": [1, 2], "MIC": ["XLON", "XLON"]}))
    made.put("calendar", calendar(MONDAY, TUESDAY))
    return made


def planned(lake, capsys) -> list[str]:
    """What is to be done: the dates, and why."""
    file = lake.pipeline()
    text = file.read_text()
    file.write_text(text[: text.index("passes = ")] + text[text.index("[source]") :] + HOURS)
    ended = lake.call(capsys, "pipeline", "run", str(file))
    assert ended.code == 0, ended.err
    return [line for line in ended.err.splitlines() if "rows ->" in line]


def test_next_months_calendar_leaves_done_dates_done(lake, capsys):
    assert len(planned(lake, capsys)) == 2
    assert planned(lake, capsys) == []
    lake.put("calendar", calendar(MONDAY, TUESDAY, *(dt.date(2026, 2, day) for day in range(2, 7))))
    assert planned(lake, capsys) == []
    lake.put("calendar", pl.concat([calendar(MONDAY), calendar(TUESDAY, hours=7)]))
    (again,) = planned(lake, capsys)
    assert "2026-01-06 london hourly" in again


def test_the_same_rows_written_again_are_the_same(lake, capsys):
    assert len(planned(lake, capsys)) == 2
    lake.put("reference", pl.DataFrame({"ListingId": [1, 2], "MIC": ["XLON", "XLON"]}))
    lake.put("calendar", calendar(MONDAY, TUESDAY))
    assert planned(lake, capsys) == []
    lake.put("reference", pl.DataFrame({"ListingId": [1, 2], "MIC": ["XLON", "XPAR"]}))
    assert len(planned(lake, capsys)) == 2


def test_rows_that_cannot_be_read_are_told_while_planning(tmp_path, monkeypatch, capsys):
    """Pages of a calendar whose footer is whole."""
    monkeypatch.chdir(tmp_path)
    lake = lakes.Files(tmp_path, "parquet", None)
    lake.put("trades", trades())
    lake.put("reference", pl.DataFrame({"ListingId": [1, 2], "MIC": ["XLON", "XLON"]}))
    lake.put("calendar", calendar(*(MONDAY + dt.timedelta(days=n) for n in range(400))))
    file = tmp_path / "lake/calendar.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[:4] + b"\xff" * 400 + whole[404:])
    pipeline = lake.pipeline()
    text = pipeline.read_text()
    pipeline.write_text(text[: text.index("passes = ")] + text[text.index("[source]") :] + HOURS)
    ended = lake.call(capsys, "pipeline", "run", str(pipeline))
    assert ended.code == 1
    assert "table calendar cannot be read: ComputeError: " in ended.err
    assert f"in {file}; mend it and run again" in ended.err
    assert "Traceback" not in ended.err
