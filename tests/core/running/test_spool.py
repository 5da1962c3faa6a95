"""The spool: what an attempt put there, in order, and nothing of others."""

from datetime import date

import polars as pl
import pytest

from basalt.errors import PublishError
from basalt.planning.partitions import Partition
from basalt.running.spool import Spool

MONDAY = Partition(date(2026, 1, 5))


def rows(*listings: int) -> pl.DataFrame:
    """A row a listing."""
    return pl.DataFrame({"ListingId": listings})


@pytest.fixture
def spool(tmp_path):
    """A spool of one attempt."""
    return Spool(tmp_path / "work" / "run")


def listings(spool: Spool, name: str = "bars") -> list[int]:
    """What it has of a pass."""
    return spool.scan(name, MONDAY).collect()["ListingId"].to_list()


def test_batches_are_read_in_the_order_they_were_put(spool):
    """By name, batch 100000 would stand before batch 99999."""
    spool.put("bars", MONDAY, 99_999, rows(1, 2))
    spool.put("bars", MONDAY, 100_000, rows(3))
    assert listings(spool) == [1, 2, 3]
    assert spool.has("bars", MONDAY)
    assert not spool.has("quarter", MONDAY)
    assert not spool.has("bars", Partition(date(2026, 1, 6)))


def test_sorted_batches_become_one_and_the_others_go(spool):
    spool.put("share", MONDAY, 0, rows(1, 4))
    spool.put("share", MONDAY, 1, rows(2, 3))
    before = spool.batches("share", MONDAY)
    spool.sort("share", MONDAY, ["ListingId"])
    assert listings(spool, "share") == [1, 2, 3, 4]
    assert len(spool.batches("share", MONDAY)) == 1
    assert not any(batch.exists() for batch in before)


def test_an_attempt_has_nothing_of_another_that_lost_its_worker(spool, tmp_path):
    """More batches of another cut are there, and one that was being written; they go when the next attempt begins."""
    for batch in range(3):
        spool.put("bars", MONDAY, batch, rows(batch))
    spool.batches("bars", MONDAY)[2].write_bytes(b"PAR1 and then")
    again = Spool(spool.folder)
    again.put("bars", MONDAY, 0, rows(0, 1, 2))
    assert listings(again) == [0, 1, 2]
    third = Spool(spool.folder)
    third.begin(MONDAY)
    assert list(tmp_path.rglob("*.parquet")) == []
    assert not again.has("bars", MONDAY)


def test_a_batch_that_vanished_is_missed(spool):
    """The folder may be there again, for a batch was put since."""
    spool.put("bars", MONDAY, 0, rows(1))
    spool.batches("bars", MONDAY)[0].unlink()
    spool.put("bars", MONDAY, 1, rows(2))
    assert not spool.has("bars", MONDAY)
    with pytest.raises(FileNotFoundError, match="00000"):
        listings(spool)


def test_clearing_leaves_other_attempts_alone(spool):
    other = Spool(spool.folder)
    for each in (spool, other):
        each.put("bars", MONDAY, 0, rows(1))
    spool.clear(MONDAY)
    assert not spool.has("bars", MONDAY)
    assert listings(other) == [1]


def test_a_place_that_cannot_be_written_is_an_error_in_one_sentence(spool):
    spool.folder.parent.mkdir(parents=True)
    spool.folder.write_text("in the way")
    with pytest.raises(PublishError) as error:
        spool.put("bars", MONDAY, 0, rows(1))
    assert str(error.value).startswith(f"rows could not be kept in {spool.folder}/2026-01-05/all/")
    assert str(error.value).endswith("make room there, or set `work` to a folder that has it, and run again")
