"""Partitions that fail: what stays, what is told, and who is blamed."""

from datetime import date

import polars as pl
import pytest

from basalt import FrameModule, Unit
from basalt.documents import ResultColumn
from basalt.running.run import run_plan

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
MINUTES = {"name": "minutes", "every": "1m", "modules": [{"module": "volume"}]}


class Breaks(FrameModule):
    """Fails where there are rows of listing 2, which is never while planning."""

    name = "breaks"
    inputs = ("trades",)

    def columns(self):
        return [ResultColumn("Broken", Unit.COUNT, "Never there.", pl.Int64)]

    def compute(self, inputs, pass_):
        def refuse(rows):
            if 2 in rows["ListingId"]:
                raise ValueError("cannot stand\nlisting 2")
            return rows

        label = self.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        rows = inputs["trades"].map_batches(refuse, streamable=False).with_columns(TimeBucket=label)
        return rows.group_by("ListingId", "TimeBucket").agg(Broken=pl.len().cast(pl.Int64))


def test_the_module_at_fault_is_named_with_plugin_pass_and_date(desk):
    desk.modules.append(Breaks)
    both = {**MINUTES, "modules": [{"module": "volume"}, {"module": "breaks"}]}
    result = desk.run(both)
    (failed,) = result.failed
    assert failed.date == MONDAY
    assert failed.error.startswith(
        "passes.minutes on 2026-01-05: passes.minutes.modules[1], module breaks (desk-plugin"
    )
    assert "ValueError: cannot stand listing 2" in failed.error
    assert "\n" not in failed.error


def test_a_failed_partition_does_not_stop_the_next(desk):
    """Listing 2 trades on Monday alone."""
    desk.modules.append(Breaks)
    result = desk.run({**MINUTES, "modules": [{"module": "volume"}, {"module": "breaks"}]})
    assert [f.date for f in result.failed] == [MONDAY]
    assert [(p.name, p.date, p.rows) for p in result.published] == [("minutes", TUESDAY, 1)]
    assert desk.files("out") == ["out/minutes/date=2026-01-06/all.parquet"]
    assert desk.files(".basalt") == [".basalt/ledger/desk/minutes/2026-01-06/all.json", ".basalt/work"]


def test_what_was_published_before_the_failure_stays(desk):
    """The pass before the broken one is published; the pass after it is not begun."""
    desk.modules.append(Breaks)
    broken = {"name": "broken", "every": "1m", "modules": [{"module": "breaks"}]}
    after = {"name": "after", "every": "1h", "modules": [{"module": "volume"}]}
    result = desk.run(MINUTES, broken, after, dates=[MONDAY])
    assert len(result.failed) == 1
    assert desk.files("out") == ["out/minutes/date=2026-01-05/all.parquet"]
    assert desk.files(".basalt") == [".basalt/ledger/desk/minutes/2026-01-05/all.json", ".basalt/work"]


def test_an_output_that_cannot_be_staged_leaves_the_old_version_and_record(desk, events):
    """A file stands where the folder of the second output goes: planned well, refused while staging."""
    outputs = [{"type": "parquet", "root": "out"}, {"type": "parquet", "root": "second", "name": "second"}]
    desk.run(MINUTES, dates=[MONDAY])
    before = desk.contents()
    desk.put("trades", "2026-01-05", events("Price Size", (1, 30, 100, 99)))
    plan = desk.plan(MINUTES, outputs=outputs, dates=[MONDAY])
    (desk.folder / "second").write_text("in the way")
    result = run_plan(plan)
    (failed,) = result.failed
    assert "second/minutes/date=2026-01-05" in failed.error
    assert "\n" not in failed.error
    assert desk.contents() == {**before, "second": b"in the way"}


def test_a_first_output_that_cannot_be_committed_leaves_no_record_and_nothing_staged(desk):
    """A folder stands where the file goes: staging beside it works, the rename does not."""
    plan = desk.plan(MINUTES, dates=[MONDAY])
    place = desk.folder / "out/minutes/date=2026-01-05/all.parquet"
    (place / "inside").mkdir(parents=True)
    result = run_plan(plan)
    (failed,) = result.failed
    assert failed.error.startswith(f"{place.resolve()} could not be published (")
    assert desk.files() == [".basalt/work", "out/minutes/date=2026-01-05/all.parquet/inside"]


def test_a_second_output_that_cannot_be_committed_leaves_no_record(desk):
    """The first output is committed already; without a record the partition is not done, and running again repairs."""
    outputs = [{"type": "parquet", "root": root, "name": root} for root in ("a", "b")]
    plan = desk.plan(MINUTES, outputs=outputs, dates=[MONDAY])
    place = desk.folder / "b/minutes/date=2026-01-05/all.parquet"
    (place / "inside").mkdir(parents=True)
    assert len(run_plan(plan).failed) == 1
    assert desk.files() == [
        ".basalt/work",
        "a/minutes/date=2026-01-05/all.parquet",
        "b/minutes/date=2026-01-05/all.parquet/inside",
    ]
    (place / "inside").rmdir()
    place.rmdir()
    assert desk.run(MINUTES, outputs=outputs, dates=[MONDAY]).failed == []
    assert desk.files() == [
        ".basalt/ledger/desk/minutes/2026-01-05/all.json",
        ".basalt/work",
        "a/minutes/date=2026-01-05/all.parquet",
        "b/minutes/date=2026-01-05/all.parquet",
    ]


def test_a_table_that_cannot_be_read_is_blamed_on_the_data(desk):
    """The footer is whole, the pages are not: found only when the rows are read."""
    file = desk.put("trades", "2026-01-05", wide_trades())
    raw = bytearray(file.read_bytes())
    raw[4 : len(raw) // 2] = b"\xff" * (len(raw) // 2 - 4)
    file.write_bytes(raw)
    result = desk.run(MINUTES)
    (failed,) = result.failed
    assert failed.date == MONDAY
    assert "module" not in failed.error.split(":")[0]
    assert "source 'parquet'" in failed.error or "table 'trades' cannot be read" in failed.error
    assert "\n" not in failed.error
    assert desk.files("out") == ["out/minutes/date=2026-01-06/all.parquet"]


def wide_trades():
    """Trades of more than one page."""
    n = 50_000
    start = pl.datetime(2026, 1, 5, 9, time_zone="UTC", time_unit="ns")
    stamps = start + pl.duration(milliseconds=pl.int_range(n))
    return pl.select(
        ListingId=pl.repeat(1, n, dtype=pl.Int64),
        EventTimestamp=stamps,
        Price=pl.int_range(n) * 0.01,
        Size=pl.int_range(n) * 1.5,
    )


def test_a_label_outside_the_table_is_blamed_on_the_data(desk, events):
    """AggressorSide "buy" is none of Buy and Sell: a row breaks the contract, no module does."""
    trades = events("Price Size", (1, 30, 100, 10)).with_columns(AggressorSide=pl.lit("buy"))
    desk.put("trades", "2026-01-05", trades)
    bars = {**MINUTES, "modules": [{"module": "trade", "generic": [{"measures": ["Volume"], "sides": ["Buy"]}]}]}
    (failed,) = desk.run(bars, dates=[MONDAY]).failed
    assert failed.error.startswith("passes.minutes on 2026-01-05: table 'trades' cannot be read: ")
    assert "buy" in failed.error


class Doubles(FrameModule):
    """Returns each row twice, where there are rows."""

    name = "doubles"
    inputs = ("trades",)

    def columns(self):
        return [ResultColumn("Twice", Unit.COUNT, "One.", pl.Int64)]

    def compute(self, inputs, pass_):
        label = self.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        rows = inputs["trades"].select("ListingId", TimeBucket=label, Twice=pl.lit(1, pl.Int64))
        return pl.concat([rows, rows])


@pytest.mark.parametrize("beside", [[], [{"module": "volume"}]])
def test_a_module_that_returns_a_key_twice_is_refused(desk, beside):
    desk.modules.append(Doubles)
    result = desk.run({**MINUTES, "modules": [*beside, {"module": "doubles"}]}, dates=[TUESDAY])
    (failed,) = result.failed
    assert failed.error.startswith("passes.minutes has more than one row for {'ListingId': 1, ")
    assert desk.files("out") == []
