"""Input that cannot be read, and sources that raise: one date stops, in a sentence that names table or file."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

import market
import polars as pl
import pytest
from conftest import Desk
from killing import assert_mended, records, without

from basalt.running.events import BatchComputed, Event

MONDAY, TUESDAY, WEDNESDAY = DATES = market.DATES[:3]
PASSES = {"bars", "quarter", "rank", "share"}
NO_PARQUET = "trades/date=2026-01-06/part-0.parquet is no readable Parquet file ("
DAMAGED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", NO_PARQUET),
    "of something else": (lambda _: b"ListingId,Price\n1,100\n" * 50, NO_PARQUET),
    "cut short": (lambda whole: whole[: len(whole) // 2], NO_PARQUET),
    "holed": (
        lambda whole: whole[:4] + b"\xff" * (len(whole) // 2) + whole[4 + len(whole) // 2 :],
        "table 'trades' of source 'parquet' cannot be read for 2026-01-06: ",
    ),
}


def assert_one_date_failed(desk: Desk, said: str, expected, mend: Callable[[], object], **how: object) -> None:
    """Tuesday fails with that; Monday and Wednesday are done, and mended, so is Tuesday."""
    result = desk.run(dates=DATES, **how)
    assert [(failed.date, said in failed.error) for failed in result.failed] == [(TUESDAY, True)], result.failed
    assert "\n" not in result.failed[0].error
    assert records(desk).keys() == {(name, str(day)) for name in PASSES for day in (MONDAY, WEDNESDAY)}
    assert desk.rest() == []
    mend()
    assert sorted(assert_mended(desk, expected, DATES)) == [(name, str(TUESDAY)) for name in sorted(PASSES)]


def file_of(desk: Desk, table: str = "trades") -> Path:
    """Tuesday's file of a table."""
    return desk.own_data() / table / f"date={TUESDAY}" / "part-0.parquet"


@pytest.mark.parametrize("how", DAMAGED)
def test_a_file_that_cannot_be_read_stops_its_date_alone(desk_in, expected, how):
    desk = without(desk_in(), "usual")
    file, (damage, said) = file_of(desk), DAMAGED[how]
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert_one_date_failed(desk, said, expected, lambda: file.write_bytes(whole))


def test_a_page_that_cannot_be_read_is_blamed_on_its_table(desk_in, expected):
    """The header of the first page of prices is overwritten, which no look at keys and stamps comes upon."""
    desk = without(desk_in(), "usual")
    file = file_of(desk)
    whole, rows = file.read_bytes(), pl.read_parquet(file)
    rows.write_parquet(file, compression="uncompressed", row_group_size=150)
    raw = bytearray(file.read_bytes())
    page = min(at for price in rows["Price"][:40] if (at := raw.find(struct.pack("<d", price))) > 0)
    raw[page - 60 : page] = b"\xff" * 60
    file.write_bytes(raw)
    said = "passes.bars on 2026-01-06: table 'trades' cannot be read: ComputeError: parquet: "
    assert_one_date_failed(desk, said, expected, lambda: file.write_bytes(whole))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_stops_its_date_alone(desk_in, expected):
    desk = without(desk_in(), "usual")
    file = file_of(desk)
    file.chmod(0)
    assert_one_date_failed(desk, str(file), expected, lambda: file.chmod(0o600))


FEED = '''
from datetime import date
from pathlib import Path

import polars as pl
from basalt import hookimpl
from basalt_io.sources.parquet import ParquetSource
from polars.io.plugins import register_io_source


class Feed(ParquetSource):
    """Files, as if they came over a line that breaks while a file `down` tells how."""

    name = "feed"

    def scan(self, table, day):
        rows = super().scan(table, day)
        how = self.how(table, day)
        if how == "scan":
            raise ConnectionError("feed is down")
        if how == "panic":
            raise pl.exceptions.PanicException("feed is down")
        return streamed(rows, how) if how in ("stream", "batch") else rows

    def fingerprint(self, table, day):
        if self.how(table, day) == "fingerprint":
            raise ConnectionError("feed is down")
        return super().fingerprint(table, day)

    def how(self, table, day):
        file = self.folder / "down"
        return file.read_text() if (table, day) == ("trades", date(2026, 1, 6)) and file.exists() else ""


def streamed(rows, how):
    """Breaks behind its second part (stream), or where prices of listing 7 are asked for, as one batch does (batch)."""

    def parts(with_columns, predicate, n_rows, batch_size):
        for i, part in enumerate(rows.collect().iter_slices(100)):
            part = part if predicate is None else part.filter(predicate)
            prices = with_columns is None or "Price" in with_columns
            if (how == "stream" and i == 2) or (how == "batch" and prices and 7 in part["ListingId"]):
                raise ConnectionError("feed is down")
            yield part if with_columns is None else part.select(with_columns)

    return register_io_source(parts, schema=rows.collect_schema())


@hookimpl
def basalt_sources():
    return [Feed]
'''
DOWN = "ConnectionError: feed is down"
CANNOT = "table 'trades' of source 'feed' cannot be read for 2026-01-06: "


@pytest.fixture
def feed_desk(desk_in) -> Callable[..., Desk]:
    """A desk whose data comes from the feed."""

    def made(top: str = "") -> Desk:
        desk = without(desk_in(top=top), "usual")
        (desk.folder / "feed.py").write_text(FEED)
        text = desk.pipeline.read_text().replace('[source]\ntype = "parquet"', '[source]\ntype = "feed"')
        desk.pipeline.write_text(text.replace('["desk_modules.py"]', '["desk_modules.py", "feed.py"]'))
        return desk

    return made


RAISES = {
    "scan": CANNOT + DOWN,
    "panic": CANNOT + "PanicException: feed is down",
    "stream": CANNOT + DOWN,
    "batch": f"passes.bars on 2026-01-06: table 'trades' cannot be read: {DOWN}",
    "fingerprint": f"source 'feed' cannot tell what it has for 2026-01-06: {DOWN}",
}


@pytest.mark.parametrize("how", RAISES)
def test_a_source_that_raises_stops_its_date_alone(feed_desk, expected, how):
    desk = feed_desk()
    down = desk.folder / "down"
    down.write_text(how)
    assert_one_date_failed(desk, RAISES[how], expected, down.unlink)


@pytest.mark.slow
def test_a_source_that_raises_in_the_midst_of_a_pass_publishes_nothing_of_it(feed_desk, expected):
    """One listing a batch: six batches of Tuesday's bars are spooled when the seventh breaks."""
    desk = feed_desk('memory = "1 B"')
    (desk.folder / "down").write_text("batch")
    batches = []

    def watch(event: Event) -> None:
        if isinstance(event, BatchComputed) and event.date == TUESDAY:
            batches.append((event.name, event.batch))

    said = f"passes.bars on 2026-01-06, batch 6 (ListingId 7 to 7): table 'trades' cannot be read: {DOWN}"
    assert_one_date_failed(desk, said, expected, (desk.folder / "down").unlink, observers=[watch])
    assert batches == [("bars", batch) for batch in range(6)]
