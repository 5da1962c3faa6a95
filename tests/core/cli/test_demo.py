"""`basalt demo`: the first command a newcomer runs."""

import csv

import polars as pl
import pytest


@pytest.mark.slow
def test_the_demo_runs_three_passes_and_says_where_to_look_next(folder):
    done = folder.basalt("demo", "--folder", "first", "--format", "csv")
    assert done.code == 0
    rows = list(csv.DictReader(done.out.splitlines()))
    assert len(rows) == 6
    files = sorted(
        str(p.relative_to(folder.path / "first")) for p in (folder.path / "first/results").rglob("*.parquet")
    )
    assert files == [f"results/{name}/date=2026-01-05/all.parquet" for name in ("bars", "daily", "five_minutes")]
    bars, five, daily = (pl.read_parquet(folder.path / "first" / name) for name in (files[0], files[2], files[1]))
    for finer in (bars, five):
        summed = finer.group_by("ListingId").agg(pl.col("TradeTotalVolume").sum()).sort("ListingId")
        assert summed["TradeTotalVolume"].to_list() == daily.sort("ListingId")["TradeTotalVolume"].to_list()
    assert sorted(float(r["TradeTotalVolume"]) for r in rows) == sorted(daily["TradeTotalVolume"].to_list())
    assert "basalt pipeline run first/pipeline.toml" in done.err
    assert "basalt analytics explain TradeTotalVWAP --pipeline first/pipeline.toml" in done.err


@pytest.mark.slow
def test_the_demo_runs_a_pipeline_that_was_edited(folder):
    folder.basalt("demo", "--folder", "first")
    file = folder.path / "first/pipeline.toml"
    file.write_text(file.read_text().replace("listings = 6", "listings = 2"))
    done = folder.basalt("demo", "--folder", "first", "--format", "csv")
    assert (done.code, len(done.out.splitlines())) == (0, 3)


def test_the_demo_where_a_file_is_in_the_way(folder):
    (folder.path / "first").write_text("mine")
    done = folder.basalt("demo", "--folder", "first")
    assert (done.code, done.out) == (2, "")
    assert done.err == ("error: invalid value for '--folder': Directory 'first' is a file; see `basalt demo --help`\n")
    assert (folder.path / "first").read_text() == "mine"
