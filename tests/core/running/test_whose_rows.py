"""Whose rows are at a place: what another pipeline published is neither replaced nor taken for one's own."""

from datetime import date

import polars as pl
import pytest

from basalt import FrameModule, Unit
from basalt.documents import ResultColumn
from basalt.errors import UserError
from basalt.planning.partitions import Partition
from basalt.planning.standing import statuses
from basalt.running.run import run_plan

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
MINUTES = {"name": "minutes", "every": "1m", "modules": [{"module": "volume"}]}
BY_TWO = {"name": "minutes", "every": "2m", "modules": [{"module": "volume"}]}
HOURS = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "minutes"}]}
FILE = "out/minutes/date=2026-01-05/all.parquet"


class Change(FrameModule):
    """Reads the previous date."""

    name = "change"
    history = 1

    def columns(self):
        """The volume, as it is."""
        return [ResultColumn("Change", Unit.SHARES, "Volume of the bucket.")]

    def compute(self, inputs, pass_):
        """Rows of the date."""
        rows = inputs["source"].filter(pl.col("Date") == pass_.date)
        return rows.select("ListingId", "TimeBucket", Change="Volume")


@pytest.fixture
def file(desk):
    """Where Monday's minutes go."""
    return desk.folder / FILE


def status(desk, *passes, **more):
    found = statuses(desk.plan(*passes, dates=[MONDAY], **more), Partition(MONDAY))["minutes"]
    return found.kind, found.reason


def volumes(file):
    return pl.read_parquet(file, hive_partitioning=False)["Volume"].to_list()


def replaced_by(desk, **more):
    """Monday's minutes are published, then replaced by a pipeline with a state of its own; as two machines may do that
    publish to one folder."""
    desk.run(MINUTES, dates=[MONDAY])
    (desk.folder / FILE).unlink()
    desk.run(BY_TWO, dates=[MONDAY], state="theirs", **more)


def test_what_another_pipeline_published_is_not_replaced(desk, file):
    desk.run(MINUTES, dates=[MONDAY])
    before = file.read_bytes()
    with pytest.raises(UserError) as error:
        desk.run(BY_TWO, name="other")
    assert str(error.value) == (
        f"passes.minutes on 2026-01-05 would replace {file}, which pipeline 'desk' published: give the output another "
        "root, put {pipeline} in its path, or remove what is there"
    )
    assert file.read_bytes() == before
    assert desk.run(BY_TWO, name="other", dates=[TUESDAY]).failed == []


def test_two_pipelines_share_a_root_with_their_names_in_the_path(desk):
    outputs = [{"type": "parquet", "root": "out", "path": "{pipeline}/{pass}/{date}.parquet"}]
    for name, minutes in (("desk", MINUTES), ("other", BY_TWO)):
        assert desk.run(minutes, name=name, dates=[MONDAY], outputs=outputs).failed == []
    assert volumes(desk.folder / "out/desk/minutes/2026-01-05.parquet") == [10.0, 20.0, 5.0]
    assert volumes(desk.folder / "out/other/minutes/2026-01-05.parquet") == [30.0, 5.0]


def test_a_file_that_no_pipeline_published_is_not_replaced(desk, file):
    file.parent.mkdir(parents=True)
    pl.DataFrame({"Mine": [1]}).write_parquet(file)
    with pytest.raises(UserError, match=f"would replace {file}, which no pipeline published .*carries no column docum"):
        desk.run(MINUTES)
    assert pl.read_parquet(file)["Mine"].to_list() == [1]


def test_results_whose_records_are_gone_are_the_pipeline_s_own(desk):
    desk.run(MINUTES, dates=[MONDAY])
    assert desk.run(MINUTES, dates=[MONDAY], state="anew").failed == []


def test_what_another_pipeline_put_in_the_place_is_told_and_computed_again(desk, file):
    replaced_by(desk, name="other")
    assert status(desk, MINUTES) == ("stale", f"pipeline 'other' has published to {file} since")
    assert [p.name for p in desk.run(MINUTES, dates=[MONDAY]).published] == ["minutes"]
    assert volumes(file) == [10.0, 20.0, 5.0]


def test_a_copy_of_the_pipeline_is_told_by_its_key(desk, file):
    replaced_by(desk)
    assert status(desk, MINUTES) == ("stale", f"other rows are at {file} now")
    assert status(desk, BY_TWO, state="theirs") == ("done", "")


def test_rows_of_another_are_not_read_as_an_earlier_pass(desk, file):
    """Both have a column Volume and two keys, so that nothing else would tell them apart."""
    replaced_by(desk, name="other")
    (failed,) = run_plan(desk.plan(MINUTES, HOURS, dates=[MONDAY]), only=["hours"]).failed
    assert failed.error == (
        "passes.hours on 2026-01-05 reads passes.minutes, which cannot be read back, as pipeline 'other' has published "
        f"to {file} since: run minutes first"
    )


def test_rows_of_another_are_not_read_as_a_previous_date(desk, file):
    desk.modules.append(Change)
    replaced_by(desk, name="other")
    change = {"name": "change", "every": "1m", "modules": [{"module": "change", "source": "minutes"}]}
    (failed,) = desk.run(MINUTES, change, dates=[TUESDAY]).failed
    assert failed.error == (
        "passes.change on 2026-01-06 reads passes.minutes of 2026-01-05, which cannot be read back, as pipeline "
        f"'other' has published to {file} since: run minutes for 2026-01-05 first"
    )


@pytest.mark.parametrize(
    "harm",
    [
        lambda file: file.write_bytes(file.read_bytes()[:-9]),
        lambda file: pl.read_parquet(file, hive_partitioning=False).write_parquet(file),
    ],
    ids=["torn", "written by another program"],
)
def test_what_is_no_longer_as_published_is_told_and_computed_again(desk, file, harm):
    desk.run(MINUTES, dates=[MONDAY])
    harm(file)
    assert status(desk, MINUTES) == ("stale", f"something else is at {file} now")
    assert desk.run(MINUTES, dates=[MONDAY]).failed == []
    assert volumes(file) == [10.0, 20.0, 5.0]
    assert status(desk, MINUTES) == ("done", "")
