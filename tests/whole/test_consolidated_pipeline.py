"""Consolidated books in pipelines: by batches of instruments, published beside the pass, and read by a later one."""

import polars as pl
import pytest

import basalt
from basalt.testing.days import DATE, DAYS

pytestmark = pytest.mark.slow
PIPELINE = """
name = "best"
[source]
type = "parquet"
root = "data"
{universe}
[[outputs]]
type = "parquet"
root = "out"
[[passes]]
name = "best"
every = "5m"
side_outputs = {{ cbbo = "always", consolidation_report = "always" }}
preprocess = [{{ transform = "consolidated_book", top_n = 2 }}]
[[passes.modules]]
module = "cbbo"
[[passes]]
name = "later"
every = "15m"
[[passes.modules]]
module = "cbbo"
measures = ["TimeAtBest", "ExclusiveTimeAtBest"]
tables = {{ cbbo = "best:cbbo" }}
"""


def ran(folder, universe=""):
    """The quiet day, with a listing that reference does not have."""
    day = DAYS["quiet"]()
    stranger = day["l2"].filter(ListingId=1003).with_columns(ListingId=pl.lit(1009, pl.Int64))
    day["l2"] = pl.concat([day["l2"], stranger])
    for name in ("l2", "reference", "marketstate"):
        place = folder / "data" / name / f"date={DATE}"
        place.mkdir(parents=True)
        day[name].write_parquet(place / "part.parquet")
    (folder / "best.toml").write_text(PIPELINE.format(universe=universe))
    return basalt.run(folder / "best.toml")


@pytest.fixture(scope="module")
def every_listing(tmp_path_factory):
    return ran(tmp_path_factory.mktemp("every"))


def test_the_report_has_every_instrument_and_names_the_stranger(every_listing):
    report = every_listing.scan("best:consolidation_report").collect()
    columns = ("InstrumentId", "Listings", "PrimaryListings", "LeftOutListings", "LeftOut")
    assert report.select(columns).sort("InstrumentId").rows() == [
        (None, 0, 0, 1, "1009"),
        (5001, 2, 1, 0, None),
        (5002, 1, 1, 0, None),
    ]


def test_rows_of_instruments_are_published_in_order(every_listing):
    rows = every_listing.scan("best:cbbo").collect()
    assert rows["InstrumentId"].unique().sort().to_list() == [5001, 5002]
    assert rows.select(pl.struct("InstrumentId", "EventTimestamp").is_duplicated().any()).item() is False
    assert rows["BidVenues"].max() == 2


def test_a_later_pass_reads_the_venues_that_were_counted(every_listing):
    """Instrument 5002 has one venue, which is alone at best whenever it is."""
    later = every_listing.scan("later").filter(pl.col("ListingId") == 1003).drop_nulls().collect()
    assert later.height > 0
    assert later["ExclusiveTimeAtBestBidRatio"].to_list() == later["TimeAtBestBidRatio"].to_list()


def test_an_instrument_is_whole_where_the_universe_has_one_of_its_listings(every_listing, tmp_path):
    """Listing 1002 is on another venue: it is in the book of 5001 all the same."""
    of_one = ran(tmp_path, "[universes.xlon]\nwhere = \"MIC = 'XLON'\"")
    shown = [result.scan("best:cbbo").drop("Universe").collect() for result in (every_listing, of_one)]
    assert shown[0].equals(shown[1])
