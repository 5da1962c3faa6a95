"""What else goes wrong between two runs, or in the midst of one: records and outputs that somebody broke, intermediate
files that vanish, a run that was stopped, a change that was taken back.
"""

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import market
import polars as pl
import pytest
from conftest import Desk
from killing import assert_mended, records, resumed, without

from basalt.planning.dates import Asked
from basalt.planning.pipeline_file import plan_file
from basalt.planning.standing import statuses
from basalt.running.events import BatchComputed, Committed, Event, PassComputed, PassPublished, Staged

TWO_OUTPUTS = '[[outputs]]\ntype = "parquet"\nroot = "twin"\nname = "twin"'
MONDAY, TUESDAY, WEDNESDAY = DATES = market.DATES[:3]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, markets: dict[bool, Path]) -> Desk:
    """A desk with three dates done; who breaks it, mends it."""
    desk = Desk(tmp_path_factory.mktemp("done"))
    desk.write(markets[True])
    resumed(desk, dates=DATES)
    return desk


def record_file(desk: Desk, name: str = "bars") -> Path:
    """Tuesday's ledger record of a pass."""
    return desk.folder / f".basalt/ledger/cuts/{name}/{TUESDAY}/all.json"


def output_file(desk: Desk, name: str = "bars") -> Path:
    """Tuesday's rows of a pass."""
    return desk.folder / f"out/{name}/date={TUESDAY}/all.parquet"


def changed(**fields: object) -> Callable[[bytes], bytes]:
    """A record with other values."""
    return lambda text: json.dumps({**json.loads(text), **fields}).encode()


# --- the ledger

RECORDS = {
    "empty": lambda _: b"",
    "cut short": lambda text: text[: len(text) // 2],
    "binary": lambda _: bytes(range(256)),
    "of other types": changed(rows="many"),
    "of a later format": changed(format=99),
    "a list": lambda _: b"[1, 2]",
}


@pytest.mark.parametrize("how", RECORDS)
def test_a_record_that_cannot_be_read_costs_its_own_pass_again(done, expected, how):
    """Later passes are done still, for the same rows are published under the same key."""
    file = record_file(done)
    file.write_bytes(RECORDS[how](file.read_bytes()))
    told = statuses_of(done, TUESDAY)
    assert told.pop("bars").startswith(("stale: its ledger record cannot be read (", "missing: its ledger record has"))
    assert set(told.values()) == {"done: "}
    assert resumed(done, dates=DATES) == [("bars", str(TUESDAY))]
    assert assert_mended(done, expected, DATES) == []


def test_a_folder_in_the_place_of_a_record_stops_its_date_until_it_is_removed(desk_in, expected):
    desk = without(desk_in(), "usual")
    resumed(desk, dates=DATES)
    file = record_file(desk)
    file.unlink()
    file.mkdir()
    kept = inodes_of(desk)
    (failed,) = desk.run(dates=DATES).failed
    assert failed.date == TUESDAY
    assert failed.error.startswith(f"passes.bars on 2026-01-06: its record {file} cannot be replaced (")
    assert failed.error.endswith("): mend that and run it again")
    assert inodes_of(desk) == kept
    file.rmdir()
    assert assert_mended(desk, expected, DATES) == [("bars", str(TUESDAY))]


def test_a_reader_of_previous_dates_is_not_given_fewer_because_a_record_is_broken(done, expected):
    """It would publish a mean of one date for a mean of two."""
    record_file(done).write_text("torn")
    (failed,) = done.run(dates=[WEDNESDAY]).failed
    torn = "its ledger record cannot be read (it is no whole JSON document)"
    assert failed.error == f"2026-01-07 reads passes.bars of 2026-01-06, and {torn}: run 2026-01-06 first"
    assert resumed(done, dates=DATES) == [("bars", str(TUESDAY))]
    assert assert_mended(done, expected, DATES) == []


def statuses_of(desk: Desk, day) -> dict[str, str]:
    """What the plan says of a date's passes."""
    plan = plan_file(desk.pipeline, (), Asked((day,)))
    return {name: f"{one.kind}: {one.reason}" for name, one in statuses(plan, plan.partitions[0]).items()}


def inodes_of(desk: Desk) -> dict[str, int]:
    """The files of all rows, whatever the ledger has."""
    return {str(file): file.stat().st_ino for file in (desk.folder / "out").rglob("*.parquet")}


# --- outputs


def test_an_output_that_somebody_deleted_is_made_again_and_nothing_else(done, expected):
    output_file(done).unlink()
    shutil.rmtree(output_file(done, "share").parent)
    assert statuses_of(done, TUESDAY)["share"] == f"stale: it is no longer at {output_file(done, 'share')}"
    assert resumed(done, dates=DATES) == [("bars", str(TUESDAY)), ("share", str(TUESDAY))]
    assert assert_mended(done, expected, DATES) == []


def fewer(file: Path, **how: Any) -> None:
    """Five of its rows."""
    pl.read_parquet(file, hive_partitioning=False).head(5).write_parquet(file, **how)


REPLACED = {
    "garbage": lambda file: file.write_bytes(b"garbage" * 100),
    "fewer rows": fewer,
    "other columns": lambda file: pl.DataFrame({"A": [1]}).write_parquet(file),
}
SPOILT = {
    "holed": (
        lambda file: file.write_bytes(holed(file.read_bytes())),
        "passes.{reader} on {date}: rows of passes.bars cannot be read: ComputeError: parquet: ",
    ),
    "fewer rows and its own document": (
        lambda file: fewer(file, metadata={"basalt": pl.read_parquet_metadata(file)["basalt"]}),
        "passes.bars on 2026-01-06: {file} has 5 rows, and 333 were published; remove it and run it again",
    ),
}


def holed(whole: bytes) -> bytes:
    """Its pages overwritten, its footer whole."""
    return whole[:4] + b"\xff" * (len(whole) // 2) + whole[4 + len(whole) // 2 :]


def asked_anew(desk: Desk, reader: str) -> date:
    """The date of a reader of Tuesday's bars, which has no record any more: of that date, or of a later one that looks
    back."""
    day = {"quarter": TUESDAY, "usual": WEDNESDAY}[reader]
    (desk.folder / f".basalt/ledger/cuts/{reader}/{day}/all.json").unlink()
    return day


@pytest.mark.parametrize("how", REPLACED)
def test_an_output_that_holds_something_else_is_made_again(done, expected, how):
    day = asked_anew(done, "quarter")
    REPLACED[how](output_file(done))
    assert statuses_of(done, TUESDAY)["bars"] == f"stale: something else is at {output_file(done)} now"
    assert resumed(done, dates=[day]) == [("bars", str(TUESDAY)), ("quarter", str(day))]
    assert assert_mended(done, expected, DATES) == []


@pytest.mark.parametrize("how", REPLACED)
def test_an_output_that_holds_something_else_is_not_read_as_a_previous_date(done, expected, how):
    day = asked_anew(done, "usual")
    REPLACED[how](output_file(done))
    (failed,) = done.run(dates=[day]).failed
    assert failed.error == (
        "passes.usual on 2026-01-07 reads passes.bars of 2026-01-06, which cannot be read back, as something else is "
        f"at {output_file(done)} now: run bars for 2026-01-06 first"
    )
    assert set(resumed(done, dates=DATES)) == {("bars", str(TUESDAY)), ("usual", str(day))}
    assert assert_mended(done, expected, DATES) == []


@pytest.mark.parametrize("reader", ["quarter", "usual"])
@pytest.mark.parametrize("how", SPOILT)
def test_an_output_that_is_spoilt_under_its_own_document_is_no_input_of_a_later_pass(done, expected, how, reader):
    """Removed, it is made again."""
    day = asked_anew(done, reader)
    file, (spoil, said) = output_file(done), SPOILT[how]
    spoil(file)
    (failed,) = done.run(dates=[day]).failed
    assert said.format(file=file, reader=reader, date=day) in failed.error
    assert "\n" not in failed.error
    file.unlink()
    assert set(resumed(done, dates=DATES)) == {("bars", str(TUESDAY)), (reader, str(day))}
    assert assert_mended(done, expected, DATES) == []


# --- intermediate files


@pytest.mark.parametrize("kind", [BatchComputed, PassComputed, Staged, Committed, PassPublished])
def test_intermediate_files_that_vanish_never_make_a_result_smaller(desk_in, expected, kind):
    """As where a system tidies up its temporary folders: in the midst of Tuesday's bars, one listing a batch.

    What was not staged by then is missed; what was is read back from its output.
    """
    desk = without(desk_in(top='memory = "1 B"'), "usual")
    vanished: list[Path] = []

    def tidy(event: Event) -> None:
        if isinstance(event, kind) and (event.name, event.date) == ("bars", TUESDAY) and not vanished:
            vanished.extend((desk.folder / ".basalt/work").rglob("*.parquet"))
            shutil.rmtree(desk.folder / ".basalt/work")

    failed = desk.run(dates=DATES[:2], observers=[tidy]).failed
    assert vanished
    if kind in (BatchComputed, PassComputed):
        assert [each.date for each in failed] == [TUESDAY]
        assert failed[0].error.startswith("2026-01-06 stopped: FileNotFoundError: ")
        assert "bars/00000.parquet" in failed[0].error
    else:
        assert failed == []
    assert {day for _, day in assert_mended(desk, expected, DATES[:2])} == ({str(TUESDAY)} if failed else set())


# --- stopped runs


def stops_at(kind: type, name: str) -> Callable[[Event], None]:
    """As Ctrl-C does, at the first such event of the pass."""

    def watch(event: Event) -> None:
        if isinstance(event, kind) and event.name == name:
            raise KeyboardInterrupt

    return watch


@pytest.mark.parametrize("kind", [BatchComputed, PassComputed, Staged, Committed, PassPublished])
def test_a_run_that_is_interrupted_leaves_nothing_beside_what_it_published(desk_in, expected, kind):
    desk = desk_in(top=TWO_OUTPUTS)
    with pytest.raises(KeyboardInterrupt):
        desk.run(dates=[MONDAY], observers=[stops_at(kind, "quarter")])
    assert desk.rest() == []
    assert ("quarter" in {name for name, _ in records(desk)}) == (kind is PassPublished)
    assert_mended(desk, expected, [MONDAY])


def test_rows_of_a_change_that_was_taken_back_do_not_count_as_those_of_before(desk_in, expected):
    """A changed pipeline is stopped between commit and ledger entry, and then is as it was: its old record told of
    rows that are no longer there."""
    desk = desk_in()
    resumed(desk, dates=DATES[:2])
    text = desk.pipeline.read_text()
    desk.pipeline.write_text(text.replace('measures = ["OHLC"]', 'measures = ["Count"]'))
    with pytest.raises(KeyboardInterrupt):
        desk.run(dates=DATES[:2], observers=[stops_at(Committed, "bars")])
    desk.pipeline.write_text(text)
    told = statuses_of(desk, MONDAY)
    assert told["bars"].startswith("missing: run 20")
    assert told["bars"].endswith(" stopped while it replaced it")
    (failed,) = desk.run(dates=[TUESDAY]).failed
    assert "2026-01-06 reads passes.bars of 2026-01-05, and run 20" in failed.error
    assert failed.error.endswith(" stopped while it replaced it: run 2026-01-05 first")
    assert resumed(desk, dates=DATES[:2]) == [("bars", str(MONDAY))]
    assert assert_mended(desk, expected, DATES[:2]) == []
