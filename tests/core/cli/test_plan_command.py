"""`basalt pipeline plan`: what it says of passes, partitions and costs, in each format."""

import csv
import re

import polars as pl
import pytest

NOTE = "note: passes.bars: table trades has no known market state, so all of its rows count\n"
FILE = "pipeline.toml"
PLUGIN = '''
"""A module of the whole universe, and one of whole instruments."""
import polars as pl
from basalt import FrameModule, Unit, hookimpl
from basalt.documents import ResultColumn

class Ranked(FrameModule):
    "Ranks."
    name = "ranked"
    scope = "universe"
    def columns(self):
        return [ResultColumn("Rank", Unit.COUNT, "Where it stands.", dtype=pl.UInt32)]
    def compute(self, inputs, pass_):
        rank = pl.col("TradeTotalVolume").rank().over("TimeBucket").cast(pl.UInt32)
        return inputs["source"].select("ListingId", "TimeBucket", Rank=rank)

class Shared(FrameModule):
    "Shares."
    name = "shared"
    inputs = ("trades",)
    scope = "instrument"
    def columns(self):
        return [ResultColumn("Share", Unit.RATIO, "Its part.")]
    def compute(self, inputs, pass_):
        bucket = pass_.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        return inputs["trades"].group_by("ListingId", TimeBucket=bucket).agg(Share=pl.lit(1.0))

@hookimpl
def basalt_analytics():
    return [Ranked, Shared]
'''


def add(folder, text):
    """More of the pipeline file."""
    file = folder.path / FILE
    file.write_text(file.read_text() + text)


def parts(text):
    """The tables of a plan: by each, its lines without the rule of spaces."""
    return [[re.split(r"  +", line.rstrip()) for line in part.splitlines()] for part in text.split("\n\n")]


def test_plan_as_data(folder):
    """The bars of the 5th read two trades and are at most two rows, which hours reads."""
    done = folder.basalt("pipeline", "plan", FILE, "--format", "json", "--date", "2026-01-05")
    assert (done.code, done.err) == (0, "")
    plan = done.json
    assert (plan["pipeline"], plan["source"], plan["executor"], plan["to_do"]) == ("desk", "parquet", "inline", 1)
    missing = {"status": "missing", "reason": "it was never published"}
    assert plan["partitions"] == [
        {"date": "2026-01-05", "universe": "all", "passes": {"bars": missing, "hours": missing}}
    ]
    bars, hours = plan["passes"]
    (cost,) = bars.pop("estimates")
    size = (folder.path / "data/trades/date=2026-01-05/part.parquet").stat().st_size
    assert bars == {
        "pass": "bars",
        "rule": "every 1m, label end, closed right",
        "timeline": "sparse",
        "scope": "listing",
        "keys": ["ListingId", "TimeBucket"],
        "reads": {"trades": bars["reads"]["trades"]},
        "on_disk": {"trades": {"rows": 2, "bytes": size}},
        "sources": [],
        "history": {},
        "modules": ["trade"],
        "columns": 3,
        "aggregations": 2,
        "statuses": {"missing": 1},
        "reasons": {"stale": {}, "unknown": {}},
        "outputs": [[folder.place("out/bars/date=2026-01-05/all.parquet")]],
    }
    assert sorted(bars["reads"]["trades"]) == ["EventTimestamp", "ListingId", "Price", "Size"]
    assert {key: cost[key] for key in ("universe", "partitions", "listings", "rows_in", "batches", "refused")} == {
        "universe": "all",
        "partitions": 1,
        "listings": 1,
        "rows_in": 2,
        "batches": 1,
        "refused": False,
    }
    assert cost["memory"] > 64 * 10**6
    assert (hours["reads"], hours["sources"], hours["modules"]) == ({}, ["bars"], ["generic"])
    assert hours["estimates"][0]["rows_in"] == 2
    assert plan["notes"] == [NOTE.removeprefix("note: ").rstrip("\n")]


def test_plan_in_csv_has_one_line_a_pass_and_keeps_the_story_apart(folder):
    done = folder.basalt("pipeline", "plan", FILE, "--format", "csv")
    rows = list(csv.DictReader(done.out.splitlines()))
    assert [(r["pass"], r["columns"], r["missing"], r["to do"], r["rows in"], r["batches"]) for r in rows] == [
        ("bars", "3", "2", "2", "3", "2"),
        ("hours", "3", "2", "2", "3", "2"),
    ]
    assert [r["reads"] for r in rows] == ["trades (ListingId EventTimestamp Size Price)", "bars"]
    assert done.err == (
        "desk: 2 partitions (2026-01-05 to 2026-01-06) of parquet, 2 to do with executor inline\n" + NOTE
    )


def test_plan_for_people_is_what_is_computed_what_is_read_and_what_it_takes(folder):
    done = folder.basalt("pipeline", "plan", FILE)
    passes, reads, costs = parts(done.out)
    assert [line[0] for line in passes] == ["pass", "bars", "hours"]
    assert reads[1][:4] == ["bars", "trades", "ListingId, EventTimestamp, Size, Price", "3"]
    assert reads[2] == ["hours", "bars"]
    assert costs[0] == ["pass", "done", "stale", "missing", "to do", "listings", "rows in", "batches", "peak memory"]
    assert costs[1][:-1] == ["bars", "0", "0", "2", "2", "1", "3", "2"]


def test_plan_says_what_is_done_and_why_something_is_stale(folder):
    """The 5th is published; then hours get wider, and the 6th was never published."""
    folder.basalt("pipeline", "run", FILE, "--date", "2026-01-05")
    done = folder.basalt("pipeline", "plan", FILE, "--set", "passes.hours.every=2h")
    *_, costs, reasons = parts(done.out)
    assert [line[:5] for line in costs[1:]] == [["bars", "1", "0", "1", "1"], ["hours", "0", "1", "1", "2"]]
    assert reasons == [
        ["pass", "status", "partitions", "reason"],
        ["hours", "stale", "1", "configuration of the pass changed"],
    ]
    tree = folder.basalt("pipeline", "plan", FILE, "--set", "passes.hours.every=2h", "--format", "json").json
    assert tree["partitions"][0]["passes"] == {
        "bars": {"status": "done"},
        "hours": {"status": "stale", "reason": "configuration of the pass changed"},
    }
    assert tree["passes"][1]["reasons"]["stale"] == {"configuration of the pass changed": 1}


def test_plan_of_what_is_done_says_so(folder):
    folder.basalt("pipeline", "run", FILE)
    done = folder.basalt("pipeline", "plan", FILE)
    _, reads, costs = parts(done.out)
    assert done.err.startswith("desk: 2 partitions (2026-01-05 to 2026-01-06) of parquet, nothing to do\n")
    assert costs == [
        ["pass", "done", "stale", "missing", "to do"],
        ["bars", "2", "0", "0", "0"],
        ["hours", "2", "0", "0", "0"],
    ]
    assert reads[1][3] == "3"


def test_plan_counts_listings_in_the_universe_and_those_that_are_read(folder):
    """Listings 1 and 2 are one instrument."""
    (folder.path / "plugin.py").write_text(PLUGIN)
    reference = pl.DataFrame({"ListingId": [1, 2], "InstrumentId": [100, 100]})
    reference.write_parquet(folder.path / "data/reference.parquet")
    folder.trades("2026-01-05", [(1, 30, 100.0, 10.0), (2, 30, 50.0, 5.0)])
    add(
        folder,
        '[plugins]\nfiles = ["plugin.py"]\n[universes.one]\nwhere = "ListingId = 1"\n'
        '[[passes]]\nname = "shares"\nevery = "1m"\nmodules = [{ module = "shared" }]\n',
    )
    done = folder.basalt("pipeline", "plan", FILE, "--date", "2026-01-05")
    costs = parts(done.out)[2]
    assert costs[0][4:7] == ["universe", "to do", "listings"]
    assert costs[1][4:8] == ["one", "1", "1", "1"]
    assert costs[3][4:8] == ["one", "1", "1 (2 read)", "2"]


def test_plan_says_what_is_over_the_limit(folder):
    """86,400,000 ms a listing, each a row of bars that ranked reads at once: some GB, and there are 500 MB."""
    (folder.path / "plugin.py").write_text(PLUGIN)
    dense = ["--set", "passes.bars.timeline=dense", "--set", 'passes.bars.session={start="09:00",end="10:00"}']
    add(folder, '[plugins]\nfiles = ["plugin.py"]\n[[passes]]\nname = "ranks"\n')
    add(folder, 'modules = [{ module = "ranked", source = "bars" }]\n')
    done = folder.basalt("pipeline", "plan", FILE, "--set", "memory=500MB", "--set", "passes.bars.every=1ms", *dense)
    assert done.code == 0
    ranks = parts(done.out)[2][3]
    assert re.fullmatch(r"[\d.]+ GB, over the limit of 500 MB", ranks[-1])
    assert "over the limit" not in str(parts(done.out)[2][1])


def test_plan_tells_of_partitions_that_are_looked_at_again(folder):
    """hours2 reads the previous date of hours: the 6th is done, and the 5th will change."""
    (folder.path / "plugin.py").write_text(PLUGIN.replace('scope = "universe"', "history = 1"))
    add(folder, '[plugins]\nfiles = ["plugin.py"]\n[[passes]]\nname = "ranks"\n')
    add(folder, 'modules = [{ module = "ranked", source = "bars" }]\n')
    assert folder.basalt("pipeline", "run", FILE).code == 0
    folder.trades("2026-01-05", [(1, 30, 100.0, 11.0)])
    done = folder.basalt("pipeline", "plan", FILE)
    assert done.err.startswith(
        "desk: 2 partitions (2026-01-05 to 2026-01-06) of parquet, 1 to do with executor inline, and 1 to look at "
        "again, which read them\n"
    )
    assert ["ranks", "bars, and 1 date before"] in parts(done.out)[1]


@pytest.mark.parametrize("format", ["table", "json", "csv"])
def test_a_source_that_tells_no_sizes_leaves_them_out(folder, format):
    add(folder, "")
    simulated = ["--set", 'source={type = "simulator", listings = 2, dates = ["2026-01-05"]}']
    done = folder.basalt("pipeline", "plan", FILE, "--format", format, *simulated)
    assert done.code == 0
    if format == "json":
        assert set(done.json["passes"][0]["on_disk"].values()) == {None}
        assert done.json["passes"][0]["estimates"][0]["rows_in"] is None
    elif format == "csv":
        (bars, _) = csv.DictReader(done.out.splitlines())
        assert (bars["bytes on disk"], bars["rows in"], bars["peak memory"]) == ("", "", "")
    else:
        assert parts(done.out)[2][0] == ["pass", "done", "stale", "missing", "to do"]
