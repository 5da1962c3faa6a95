"""Whose rows a pass reads at a time: passes whose rows are not by listing are never cut by listing."""

from datetime import date

import polars as pl
import pytest

from basalt import FrameModule, Unit
from basalt.documents import ResultColumn

MONDAY = date(2026, 1, 5)
MINUTES = {"name": "minutes", "every": "1m", "modules": [{"module": "volume"}]}


class Sectors(FrameModule):
    """Volume by sector."""

    name = "sectors"
    inputs = ("source", "reference")
    scope = "universe"
    keys = ("Sector",)

    def columns(self):
        """Sum."""
        return [ResultColumn("SectorVolume", Unit.SHARES, "Volume of the sector's listings.")]

    def compute(self, inputs, pass_):
        """Rows by sector."""
        rows = inputs["source"].join(inputs["reference"].select("ListingId", "Sector"), on="ListingId")
        return rows.group_by("Sector", "TimeBucket").agg(SectorVolume=pl.col("Volume").sum())


class Careless(Sectors):
    """The same, without saying that it needs the whole universe."""

    name = "careless"
    scope = "listing"


class Listed(FrameModule):
    """A row for each listing of reference, at midnight."""

    name = "listed"
    inputs = ("reference",)

    def columns(self):
        """A flag."""
        return [ResultColumn("IsListed", Unit.FLAG, "Listed.", dtype=pl.Boolean)]

    def compute(self, inputs, pass_):
        """One row a listing."""
        stamp = pl.lit(pass_.date).cast(pl.Datetime("us", "UTC"))
        return inputs["reference"].select("ListingId", TimeBucket=stamp, IsListed=pl.lit(True))


@pytest.fixture
def sectors(desk):
    """Listings 1 and 3 are banks, 2 is an oil company; 3 does not trade."""
    desk.modules += [Sectors, Careless, Listed]
    reference = {"ListingId": [1, 2, 3], "Sector": ["Bank", "Oil", "Bank"], "MIC": ["XLON", "XLON", "XPAR"]}
    pl.DataFrame(reference).write_parquet(desk.folder / "data" / "reference.parquet")
    return desk


def rows(desk, name: str, universe: str = "all") -> pl.DataFrame:
    file = desk.folder / f"out/{name}/date=2026-01-05/{universe}.parquet"
    return pl.read_parquet(file, hive_partitioning=False)


@pytest.mark.parametrize("module", ["sectors", "careless"])
def test_rows_by_another_key_see_every_listing_at_once(sectors, module):
    """Banks: 10 in the first minute and 20 in the second; oil: 5. One listing a batch cannot part them."""
    by_sector = {"name": "sectors", "modules": [{"module": module, "source": "minutes"}]}
    assert sectors.run(MINUTES, by_sector, dates=[MONDAY], memory="1 kB").failed == []
    found = rows(sectors, "sectors")
    assert found.columns == ["Date", "Universe", "Sector", "TimeBucket", "SectorVolume"]
    told = [(r[2], r[3].strftime("%H:%M"), r[4]) for r in found.rows()]
    assert told == [("Bank", "09:01", 10.0), ("Bank", "09:02", 20.0), ("Oil", "09:01", 5.0)]


def test_a_pass_that_reads_only_what_describes_listings_has_those_of_its_universe(sectors):
    listed = {"name": "listed", "every": "1d", "modules": [{"module": "listed"}]}
    universes = {"london": {"where": "MIC = 'XLON'"}, "paris": {"where": "MIC = 'XPAR'"}}
    assert sectors.run(listed, dates=[MONDAY], universes=universes).failed == []
    assert rows(sectors, "listed", "london")["ListingId"].to_list() == [1, 2]
    assert rows(sectors, "listed", "paris")["ListingId"].to_list() == [3]
    assert rows(sectors, "listed", "paris")["Universe"].to_list() == ["paris"]


def test_a_universe_without_a_listing_that_trades_is_an_empty_partition(sectors):
    universes = {"paris": {"where": "MIC = 'XPAR'"}}
    by_sector = {"name": "sectors", "modules": [{"module": "sectors", "source": "minutes"}]}
    result = sectors.run(MINUTES, by_sector, dates=[MONDAY], universes=universes)
    assert (result.failed, [(p.name, p.rows) for p in result.published]) == ([], [("minutes", 0), ("sectors", 0)])
    assert rows(sectors, "minutes", "paris").schema == rows(sectors, "minutes", "paris").clear().schema
    assert rows(sectors, "sectors", "paris").columns == ["Date", "Universe", "Sector", "TimeBucket", "SectorVolume"]
