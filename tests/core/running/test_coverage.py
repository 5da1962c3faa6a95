"""`expect.coverage`: whom a partition's rows should cover, with universes and without."""

import polars as pl
import pytest

from basalt.errors import UserError

BARS = {"name": "bars", "every": "1m", "modules": [{"module": "volume"}]}


def covering(share):
    return {**BARS, "expect": {"coverage": share}}


def refer(desk, *listings):
    """Reference of these listings, one instrument each."""
    frame = pl.DataFrame({"ListingId": listings, "InstrumentId": [n * 100 for n in listings]})
    frame.write_parquet(desk.folder / "data/reference.parquet")


def test_without_universes_the_listings_of_reference_are_expected(desk):
    """1 and 2 trade on the 5th, 1 alone on the 6th: 2 of 3 and 1 of 3 listings of reference, at least half wanted."""
    refer(desk, 1, 2, 3)
    result = desk.run(covering(0.5))
    assert [(str(f.date), f.code) for f in result.failed] == [("2026-01-06", 4)]
    assert "1 of 3 listings have a row, a share of 0.333333, below coverage = 0.5" in result.failed[0].error
    assert [str(p.date) for p in result.published] == ["2026-01-05"]


def test_a_universe_expects_its_own(desk):
    """Of the universe of listing 1 every listing trades on both dates, whatever reference has."""
    refer(desk, 1, 2, 3)
    result = desk.run(covering(1), universes={"one": {"where": "ListingId = 1"}})
    assert (result.failed, len(result.published)) == ([], 2)


def test_coverage_of_nobody_known_is_refused_while_planning(desk):
    with pytest.raises(UserError) as error:
        desk.plan(covering(0.5))
    assert str(error.value) == (
        "passes.bars.expect.coverage counts values of ListingId, and nothing tells which there should be: add table "
        "reference to the source, or [universes] of listings"
    )
