"""Delta in an object store: the same round trip, over a real server on this machine."""

import datetime as dt
from pathlib import Path
from uuid import uuid4

import polars as pl
import pytest
from deltalake import DeltaTable
from polars.testing import assert_frame_equal
from s3_server import SECRET

from basalt.errors import DataError, PublishError, UserError
from basalt.testing.partitions import document, rows, spooled, target
from basalt_io.object_store import location, said
from basalt_io.outputs.delta import DeltaOutput, DeltaOutputOptions
from basalt_io.sources.delta import DeltaSource, DeltaSourceOptions

MONDAY, TUESDAY = dt.date(2026, 1, 5), dt.date(2026, 1, 6)


@pytest.fixture(autouse=True)
def storage(s3) -> dict[str, str]:
    """The option table: credentials by the names of variables."""
    return s3.storage


@pytest.fixture
def root(s3) -> str:
    """A prefix that is the test's own."""
    return s3.root


def opened(root: str, storage: dict[str, str], **options: object) -> DeltaOutput:
    return DeltaOutput(DeltaOutputOptions(root=root, storage=storage, **options), Path("/nowhere"))


def publish(folder: Path, output: DeltaOutput, frame: pl.DataFrame, to=None, key: str = "first"):
    files = spooled(folder / uuid4().hex, frame)
    staged = output.stage(to or target(), files, document(key))
    output.commit(staged, key)
    return staged


def objects(root: str, storage: dict[str, str]) -> dict[str, int]:
    """The files of the newest version by name, with their sizes."""
    options = location(Path(), root, storage).options
    found = pl.DataFrame(DeltaTable(f"{root}/bars", storage_options=options).get_add_actions(flatten=True))
    return dict(found.select("path", "size_bytes").rows())


def test_partitions_are_published_replaced_and_read_as_a_source(tmp_path, root, storage):
    for day in (MONDAY, TUESDAY):
        publish(tmp_path, opened(root, storage), rows(day), target(day))
    before = objects(root, storage)
    publish(tmp_path, opened(root, storage), rows(TUESDAY, listings=(7,)), target(TUESDAY), key="second")
    after = objects(root, storage)
    assert {name for name in after if "2026-01-05" in name} == {name for name in before if "2026-01-05" in name}
    source = DeltaSource(DeltaSourceOptions(root=root, storage=storage, tables={"bars": "bars"}), Path("/nowhere"))
    assert (source.root, source.tables(), source.dates("bars")) == (root, ["bars"], [MONDAY, TUESDAY])
    assert_frame_equal(source.scan("bars", MONDAY).collect(), rows(MONDAY))
    assert_frame_equal(source.scan("bars", TUESDAY).collect(), rows(TUESDAY, listings=(7,)))
    assert source.size("bars", MONDAY).rows == 8


def test_canonical_tables_are_found_by_their_names(tmp_path, root, storage):
    output = opened(root, storage, path="trades")
    assert DeltaSource(DeltaSourceOptions(root=root, storage=storage), Path("/nowhere")).tables() == []
    frame = rows().rename({"LastAt": "EventTimestamp"}).with_columns(Size=pl.lit(1.0)).drop_nulls()
    publish(tmp_path, output, frame)
    source = DeltaSource(DeltaSourceOptions(root=root, storage=storage), Path("/nowhere"))
    assert source.tables() == ["trades"]
    assert_frame_equal(source.scan("trades", MONDAY).collect(), frame.drop("Date"))


def test_rows_are_appended_once_a_key(tmp_path, root, storage):
    for key in ("first", "first", "second"):
        publish(tmp_path, opened(root, storage, mode="append"), rows(), key=key)
    assert opened(root, storage).scan(target()).collect().height == 16


def test_the_second_writer_of_a_partition_is_refused_and_its_file_removed(tmp_path, root, storage):
    output = opened(root, storage)
    first, second = (
        output.stage(target(), spooled(tmp_path / str(number), rows(listings=(number,))), document("k"))
        for number in (1, 2)
    )
    output.commit(first, "k")
    with pytest.raises(PublishError, match="was published by another writer meanwhile"):
        output.commit(second, "k")
    file = location(Path(), f"{root}/bars/{second.waiting.file.path}", storage)
    assert pl.scan_parquet(file.uri, storage_options=file.options).collect().height == 4
    output.discard(second)
    with pytest.raises(OSError, match="not found"):
        pl.scan_parquet(file.uri, storage_options=file.options).collect()
    assert output.scan(target()).collect()["ListingId"].unique().to_list() == [1]


def test_a_full_vacuum_removes_what_is_not_committed_unless_it_is_young(tmp_path, root, storage):
    publish(tmp_path, opened(root, storage), rows())
    output = opened(root, storage)
    staged = output.stage(target(), spooled(tmp_path / "new", rows(listings=(7,))), document("second"))
    table = DeltaTable(f"{root}/bars", storage_options=location(Path(), root, storage).options)
    assert table.vacuum(dry_run=False, full=True) == []
    assert staged.waiting.file.path in table.vacuum(0, enforce_retention_duration=False, full=True)
    output.commit(staged, "second")
    assert_frame_equal(output.scan(target()).collect(), rows(listings=(7,)))


def test_universes_may_have_any_name_that_a_path_can_hold(tmp_path, root, storage):
    to = target(universe="50% é;=x")
    publish(tmp_path, opened(root, storage), rows(universe=to.universe), to)
    assert_frame_equal(opened(root, storage).scan(to).collect(), rows(universe=to.universe))


def test_the_environment_will_do(tmp_path, root, storage, s3_server, monkeypatch):
    for name, value in {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "desk",
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }.items():
        monkeypatch.setenv(name, value)
    publish(tmp_path, opened(root, {}), rows())
    assert_frame_equal(opened(root, storage).scan(target()).collect(), rows())


def test_a_bucket_that_is_not_there_is_told_in_a_sentence_before_anything_is_read(tmp_path, storage):
    output = opened("s3://nowhere/desk", storage)
    with pytest.raises(UserError, match=r"s3://nowhere/desk/bars cannot be read \(there is no bucket nowhere") as told:
        output.check(target())
    assert "\n" not in str(told.value)
    with pytest.raises(PublishError, match="there is no bucket nowhere"):
        publish(tmp_path, output, rows())
    with pytest.raises(DataError, match="there is no bucket nowhere"):
        DeltaSource(DeltaSourceOptions(root="s3://nowhere/desk", storage=storage), Path()).tables()


def test_a_server_that_does_not_answer_is_told(storage, root):
    with pytest.raises(UserError, match="no server answers"):
        opened(root, {**storage, "aws_endpoint_url": "http://127.0.0.1:9", "max_retries": "1"}).check(target())


def test_credentials_are_never_written_out(tmp_path, root, storage):
    """Neither what is configured nor what is staged nor a message holds the secret."""
    output = opened(root, storage)
    staged = publish(tmp_path, output, rows())
    for said_of_it in (repr(output.config), repr(staged), repr(output._root), output.place(target())):
        assert SECRET not in said_of_it
    with pytest.raises(UserError, match=r'aws_secret_access_key = "\$MY_VARIABLE"') as told:
        opened(root, {**storage, "aws_secret_access_key": SECRET}).place(target())
    assert SECRET not in str(told.value)
    with pytest.raises(UserError, match=r"storage\.aws_endpoint_url holds a credential") as told:
        opened(root, {"aws_endpoint_url": f"http://me:{SECRET}@host"}).place(target())
    assert SECRET not in str(told.value)


def test_a_variable_that_is_not_set_is_named(root, storage, monkeypatch):
    monkeypatch.delenv("DESK_SECRET")
    with pytest.raises(UserError, match="names the environment variable DESK_SECRET, which is not set"):
        opened(root, storage).check(target())


@pytest.mark.parametrize(
    ("root", "told"),
    [
        ("gs://lake/x", "is of no known kind: give a folder, or s3://bucket/prefix"),
        ("s3:///x", "root names no bucket"),
        ("ftp://me:hush@host/x", "root 'ftp://host/x' is of no known kind"),
    ],
)
def test_roots_of_other_kinds_are_refused(root, told):
    with pytest.raises(UserError, match=told) as error:
        opened(root, {}).place(target())
    assert "hush" not in str(error.value)


def test_what_a_client_says_is_cut_to_its_first_line():
    error = OSError("Kernel error -> Generic S3 error\n   \x1b[31m↳\x1b[0m Error performing GET http://host/?sig=1")
    assert said(error) == "Kernel error -> Generic S3 error"
