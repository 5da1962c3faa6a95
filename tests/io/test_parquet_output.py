"""The parquet output: a partition arrives whole or not at all, and what was written is read back."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import attrs
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from basalt.columns import Unit
from basalt.documents import PassResult, ResultColumn, from_json, to_json
from basalt.errors import DataError, PublishError, UserError
from basalt.leftovers import owner
from basalt_io.outputs.parquet import ParquetOutput, ParquetOutputOptions, read_document

SCHEMA = {
    "Date": pl.Date,
    "Universe": pl.String,
    "ListingId": pl.Int64,
    "TimeBucket": pl.Datetime("us", "UTC"),
    "LastAt": pl.Datetime("ns", "UTC"),
    "LocalAt": pl.Datetime("us", "America/New_York"),
    "Side": pl.Enum(["Buy", "Sell"]),
    "TradeTotalVolume": pl.Float64,
    "TradeTotalCount": pl.UInt32,
}
DOCUMENT = {"format": 1, "pass": "bars", "note": "spread in bps, é and '"}


def rows(first_listing: int, count: int) -> pl.DataFrame:
    """Rows of consecutive listings; every third volume and side is null."""
    at = dt.datetime(2024, 3, 8, 14, 30, tzinfo=dt.UTC)
    numbers = range(count)
    return pl.DataFrame(
        {
            "Date": [at.date()] * count,
            "Universe": ["xlon"] * count,
            "ListingId": [first_listing + n for n in numbers],
            "TimeBucket": [at] * count,
            "LastAt": [at] * count,
            "LocalAt": [at] * count,
            "Side": [[None, "Buy", "Sell"][n % 3] for n in numbers],
            "TradeTotalVolume": [None if n % 3 == 0 else n / 7 for n in numbers],
            "TradeTotalCount": list(numbers),
        },
        schema=SCHEMA,
    )


def spool(folder: Path, *frames: pl.DataFrame) -> list[Path]:
    folder.mkdir(exist_ok=True)
    files = [folder / f"{number:04}.parquet" for number in range(len(frames))]
    for file, frame in zip(files, frames, strict=True):
        frame.write_parquet(file)
    return files


def files_below(root: Path) -> list[str]:
    return sorted(file.relative_to(root).as_posix() for file in root.rglob("*"))


@pytest.fixture
def lake(tmp_path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def output(lake) -> ParquetOutput:
    return ParquetOutput(ParquetOutputOptions(root="lake"), lake.parent)


def publish(output, target, batches, document=DOCUMENT, run_key="run 1"):
    staged = output.stage(target, batches, document)
    output.commit(staged, run_key)
    return staged


def test_batches_are_published_in_order_and_read_back_equal(tmp_path, lake, output, target):
    first, second = rows(1, 4), rows(5, 3)
    staged = publish(output, target, spool(tmp_path / "spool", first, second))
    assert (staged.rows, staged.place) == (7, str(lake / "bars/date=2024-03-08/xlon.parquet"))
    assert_frame_equal(output.scan(target).collect(), pl.concat([first, second]))
    assert files_below(lake) == ["bars", "bars/date=2024-03-08", "bars/date=2024-03-08/xlon.parquet"]


def test_dtypes_come_back_as_they_were(tmp_path, output, target):
    publish(output, target, spool(tmp_path / "spool", rows(1, 2)))
    assert output.scan(target).collect_schema() == pl.Schema(SCHEMA)


def test_an_empty_partition_is_a_file_with_the_columns_and_no_row(tmp_path, output, target):
    staged = publish(output, target, spool(tmp_path / "spool", rows(1, 0)))
    assert staged.rows == 0
    assert_frame_equal(output.scan(target).collect(), pl.DataFrame(schema=SCHEMA))


def test_no_batch_at_all_is_refused(output, target):
    with pytest.raises(PublishError, match="was given no batch of bars"):
        output.stage(target, [], DOCUMENT)


def test_the_column_document_is_inside_the_file(tmp_path, output, target):
    result = PassResult("bars", ("ListingId",), None, (ResultColumn("TradeTotalVolume", Unit.SHARES, "Σ Size"),))
    document = to_json(result, pipeline="equities")
    staged = publish(output, target, spool(tmp_path / "spool", rows(1, 2)), document)
    assert read_document(Path(staged.place)) == document
    assert from_json(read_document(Path(staged.place))).columns[0].doc == "Σ Size"


def test_a_file_without_document_says_so(tmp_path):
    rows(1, 1).write_parquet(tmp_path / "plain.parquet")
    with pytest.raises(DataError, match="carries no column document"):
        read_document(tmp_path / "plain.parquet")


def test_a_staged_file_that_vanished_is_no_success_though_an_old_version_is_there(tmp_path, output, target):
    publish(output, target, spool(tmp_path / "old", rows(1, 4)))
    staged = output.stage(target, spool(tmp_path / "new", rows(1, 2)), DOCUMENT)
    staged.waiting.file.unlink()
    with pytest.raises(PublishError, match="could not be published"):
        output.commit(staged, "run 2")
    assert output.scan(target).collect().height == 4


def test_discarding_leaves_nothing_behind(tmp_path, lake, output, target):
    staged = output.stage(target, spool(tmp_path / "spool", rows(1, 2)), DOCUMENT)
    output.discard(staged)
    assert not lake.exists()


def test_a_stage_that_fails_midway_leaves_the_old_version_and_no_trace(tmp_path, lake, output, target):
    """The second batch loses its pages but not its footer, so that rows of the first are written before it fails."""
    publish(output, target, spool(tmp_path / "old", rows(1, 4)))
    batches = spool(tmp_path / "new", rows(1, 5_000), rows(5_001, 5_000))
    whole = batches[1].read_bytes()
    batches[1].write_bytes(whole[:4] + b"\xff" * (len(whole) // 2) + whole[4 + len(whole) // 2 :])
    before = files_below(lake)
    with pytest.raises(PublishError, match=r"xlon\.parquet could not be written .*: the old version stays"):
        output.stage(target, batches, DOCUMENT)
    assert files_below(lake) == before
    assert output.scan(target).collect().height == 4


def test_a_first_stage_that_fails_removes_the_folders_it_made(tmp_path, lake, output, target):
    batches = spool(tmp_path / "new", rows(1, 5), rows(6, 5))
    batches[1].write_bytes(b"no Parquet")
    with pytest.raises(PublishError):
        output.stage(target, batches, DOCUMENT)
    assert not lake.exists()


def test_check_gives_the_place_and_leaves_nothing_behind(lake, output, target):
    assert output.check(target) == str(lake / "bars/date=2024-03-08/xlon.parquet")
    assert not lake.exists()


STAGE = """
import datetime as dt, sys
from pathlib import Path
from basalt.outputs import Target
from basalt_io.outputs.parquet import ParquetOutput, ParquetOutputOptions

target = Target("equities", "bars", dt.date(2024, 3, 8), "xlon", "parquet")
ParquetOutput(ParquetOutputOptions(root="lake"), Path(sys.argv[1])).stage(target, [Path(sys.argv[2])], {})
print("staged", flush=True)
sys.stdin.read()
"""


def hidden(lake: Path) -> list[Path]:
    return sorted(lake.rglob(".*"))


@pytest.mark.slow
def test_what_a_killed_process_left_is_removed_when_its_target_is_staged_again(tmp_path, lake, output, target):
    [batch] = spool(tmp_path / "theirs", rows(1, 3))
    command = [sys.executable, "-c", STAGE, str(tmp_path), str(batch)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "staged\n"
        [left] = hidden(lake)
        writer.kill()
    publish(output, attrs.evolve(target, universe="xetr"), spool(tmp_path / "elsewhere", rows(1, 1)))
    assert hidden(lake) == [left]
    publish(output, target, spool(tmp_path / "spool", rows(1, 2)))
    assert hidden(lake) == []
    assert output.scan(target).collect().height == 2


def test_what_a_living_process_staged_is_left_to_it(tmp_path, output, target):
    """Two of one target, by this process: both are there until they are committed, and the later commit stands."""
    first = output.stage(target, spool(tmp_path / "first", rows(1, 3)), DOCUMENT)
    second = output.stage(target, spool(tmp_path / "second", rows(1, 2)), DOCUMENT)
    output.commit(first, "run 1")
    output.commit(second, "run 2")
    assert output.scan(target).collect().height == 2


def test_what_a_process_of_another_host_staged_is_left_to_it(tmp_path, lake, output, target):
    """The number of its process tells nothing here, though no process of this host has it."""
    tell = "from basalt.leftovers import owner; print(owner())"
    ended = subprocess.run([sys.executable, "-c", tell], capture_output=True, check=True, text=True).stdout.strip()
    ours = output.stage(target, spool(tmp_path / "theirs", rows(1, 3)), DOCUMENT).waiting.file
    head = ours.name.removesuffix(f"{owner()}.staged")
    theirs = ours.rename(ours.with_name(f"{head}00000000-{ended.partition('-')[2]}.staged"))
    publish(output, target, spool(tmp_path / "spool", rows(1, 2)))
    assert hidden(lake) == [theirs]
    theirs.rename(theirs.with_name(f"{head}{ended}.staged"))
    publish(output, target, spool(tmp_path / "spool", rows(1, 2)))
    assert hidden(lake) == []


def test_place_looks_at_templates_alone(lake, output, target):
    """A file in the way and a folder nobody may write are check's business."""
    lake.write_text("a file in the way")
    assert output.place(target) == str(lake / "bars/date=2024-03-08/xlon.parquet")
    assert lake.read_text() == "a file in the way"
    assert files_below(lake.parent) == ["lake"]
    with pytest.raises(UserError, match="is a file"):
        output.check(target)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("{pass}/{day_of_week}.parquet", r"names \{day_of_week\}, which is unknown: use \{pipeline\}"),
        ("../{pass}.parquet", "has an empty, '.' or '..' step"),
        ("/{pass}.parquet", "must be a path below `root`"),
        ("{pass}/{date}", r"must end in '\.parquet'"),
    ],
)
def test_place_refuses_templates_that_are_no_place_below_root(lake, target, path, said):
    output = ParquetOutput(ParquetOutputOptions(root="lake", path=path), lake.parent)
    with pytest.raises(UserError, match=said):
        output.place(target)
    assert not lake.exists()


def test_check_refuses_a_file_in_the_way(lake, output, target):
    lake.mkdir()
    (lake / "bars").write_text("a file")
    with pytest.raises(UserError, match=r"cannot be written, as .*/lake/bars is a file"):
        output.check(target)


def test_check_refuses_a_folder_where_the_file_goes(lake, output, target):
    (lake / "bars/date=2024-03-08/xlon.parquet").mkdir(parents=True)
    with pytest.raises(UserError, match="is a folder, and a file goes there"):
        output.check(target)


def test_check_refuses_a_place_without_permission(target):
    """Creating files in /proc is refused to every user, the superuser included."""
    if not Path("/proc/self").is_dir():
        pytest.skip("this system has no /proc, and tests may run as a user who may write everywhere else")
    output = ParquetOutput(ParquetOutputOptions(root="/proc/self"), Path("/"))
    with pytest.raises(UserError, match="cannot be written"):
        output.check(target)


def test_check_refuses_row_groups_of_no_rows(lake, target):
    output = ParquetOutput(ParquetOutputOptions(root="lake", row_group_size=0), lake.parent)
    with pytest.raises(UserError, match="row_group_size = 0 must be positive"):
        output.check(target)


def test_row_groups_and_compression_are_as_configured(tmp_path, target):
    """Ten row groups repeat their metadata ten times, so that file is larger; without compression it is larger too."""
    batches = spool(tmp_path / "spool", rows(1, 1_000))

    def size(**options: object) -> int:
        output = ParquetOutput(ParquetOutputOptions(root="lake", **options), tmp_path)
        return Path(publish(output, target, batches).place).stat().st_size

    assert size(row_group_size=100) > 2 * size()
    assert size(compression="uncompressed") > size()


def test_a_corrupt_published_file_is_named(tmp_path, output, target):
    staged = publish(output, target, spool(tmp_path / "spool", rows(1, 2)))
    Path(staged.place).write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match=r"xlon\.parquet is no readable Parquet file"):
        output.scan(target)


def test_a_root_with_brackets_and_stars_is_a_plain_name(tmp_path, target):
    """Readers must not take them for patterns."""
    output = ParquetOutput(ParquetOutputOptions(root="la[k]e *"), tmp_path)
    publish(output, target, spool(tmp_path / "spool [1]", rows(1, 2)))
    assert output.scan(target).collect().height == 2
