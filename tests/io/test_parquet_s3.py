"""The parquet output in an object store: a partition is the old object or the new one, over a real server."""

import datetime as dt
import random
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from s3_server import SECRET, asked

from basalt.errors import DataError, PublishError, UserError
from basalt.testing.partitions import document, rows, spooled, target
from basalt_io.outputs.parquet import ParquetOutput, ParquetOutputOptions

MONDAY, TUESDAY, WEDNESDAY = (dt.date(2026, 1, day) for day in (5, 6, 7))


def opened(s3, **options: object) -> ParquetOutput:
    return ParquetOutput(ParquetOutputOptions(**{"root": s3.root, "storage": s3.storage, **options}), Path("/nowhere"))


def staged(folder: Path, output: ParquetOutput, frame: pl.DataFrame, to=None, key: str = "first"):
    files = spooled(folder / "spool" / str(len(list(folder.glob("spool/*")))), frame)
    return output.stage(to or target(), files, document(key))


def publish(folder: Path, output: ParquetOutput, frame: pl.DataFrame, to=None, key: str = "first"):
    waiting = staged(folder, output, frame, to, key)
    output.commit(waiting, key)
    return waiting


def hidden(folder: Path) -> list[Path]:
    return list(folder.rglob("*.staged"))


def test_a_partition_is_one_object_and_comes_back_as_it_was(tmp_path, s3):
    published = publish(tmp_path, opened(s3), rows())
    assert published.place == f"{s3.root}/bars/date=2026-01-05/all.parquet"
    assert list(s3.tags()) == ["bars/date=2026-01-05/all.parquet"]
    assert_frame_equal(opened(s3).scan(target()).collect(), rows())
    assert opened(s3).document(target()) == document("first")
    assert hidden(tmp_path) == []


def test_rows_are_filtered_and_columns_chosen_in_the_store(tmp_path, s3):
    publish(tmp_path, opened(s3), rows())
    plan = opened(s3).scan(target()).filter(pl.col("ListingId") == 1).select("Price").explain()
    assert "SELECTION" in plan
    assert "PROJECT 2/" in plan or "PROJECT 1/" in plan


def test_a_file_that_is_put_in_parts_appears_whole(tmp_path, s3):
    """32 MiB of noise and its footer: two parts of 16 MiB, and a short one."""
    frame = pl.DataFrame({"Date": [MONDAY], "Noise": [random.Random(1).randbytes(2**25)]})
    publish(tmp_path, opened(s3, compression="uncompressed"), frame)
    assert_frame_equal(opened(s3).scan(target()).collect(), frame)
    assert list(s3.tags()) == ["bars/date=2026-01-05/all.parquet"]


def test_what_waits_is_on_this_machine_and_removed_by_discard(tmp_path, s3):
    output = opened(s3)
    waiting = staged(tmp_path, output, rows())
    assert (len(hidden(tmp_path)), s3.tags()) == (1, {})
    output.discard(waiting)
    assert (hidden(tmp_path), s3.tags()) == ([], {})


def test_a_staged_file_that_vanished_is_no_success_though_an_old_version_is_there(tmp_path, s3):
    publish(tmp_path, opened(s3), rows())
    waiting = staged(tmp_path, opened(s3), rows(listings=(9,)))
    waiting.waiting.file.unlink()
    with pytest.raises(PublishError, match=r"all\.parquet could not be published, as .* is gone: run it again"):
        opened(s3).commit(waiting, "second")
    assert_frame_equal(opened(s3).scan(target()).collect(), rows())


def test_committing_again_is_done_only_while_the_object_is_the_one_that_was_put(tmp_path, s3):
    waiting = publish(tmp_path, opened(s3), rows())
    opened(s3).commit(waiting, "first")
    publish(tmp_path, opened(s3), rows(listings=(9,)))
    with pytest.raises(PublishError, match="could not be published"):
        opened(s3).commit(waiting, "first")


def test_check_leaves_nothing_and_tries_a_prefix_once(tmp_path, s3, monkeypatch):
    """With its secret gone, an output that has tried would find out; it does not look again."""
    output = opened(s3)
    assert output.check(target()) == f"{s3.root}/bars/date=2026-01-05/all.parquet"
    assert s3.tags() == {}
    monkeypatch.delenv("DESK_SECRET")
    output.check(target(TUESDAY))
    with pytest.raises(UserError, match="names the environment variable DESK_SECRET, which is not set"):
        opened(s3).check(target())


@pytest.mark.parametrize("universe", ["50% é;=x", "a b", "[1]*?", "#", ".."])
def test_universes_may_have_any_name_that_a_path_can_hold(tmp_path, s3, universe):
    publish(tmp_path, opened(s3), rows(universe=universe), target(universe=universe))
    assert_frame_equal(opened(s3).scan(target(universe=universe)).collect(), rows(universe=universe))
    assert opened(s3).document(target(universe=universe)) == document("first")


@pytest.mark.parametrize("path", ["../{pass}.parquet", "/{pass}.parquet", "{pass}//{date}.parquet"])
def test_no_template_leads_out_of_the_prefix(s3, path):
    with pytest.raises(UserError, match="path = "):
        opened(s3, path=path).place(target())


def test_the_environment_will_do(tmp_path, s3, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.storage["aws_endpoint_url"])
    for name, value in {"REGION": "us-east-1", "ACCESS_KEY_ID": "desk", "SECRET_ACCESS_KEY": SECRET}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    output = opened(s3, storage={})
    output.check(target())
    publish(tmp_path, output, rows())
    assert_frame_equal(output.scan(target()).collect(), rows())
    assert output.document(target()) == document("first")


def sentence(error) -> str:
    """What was raised, which is one line without answers of the server and without secrets."""
    said = str(error.value)
    assert "\n" not in said
    assert "<" not in said
    assert SECRET not in said
    return said


def refused(tmp_path, output: ParquetOutput) -> list[str]:
    """What each step says that needs the store."""
    said = []
    for kind, step in (
        (UserError, lambda: output.check(target())),
        (UserError, lambda: output.document(target())),
        (UserError, lambda: output.scan(target())),
        (PublishError, lambda: publish(tmp_path, output, rows())),
    ):
        with pytest.raises(kind) as error:
            step()
        said.append(sentence(error))
    return said


def test_what_is_not_published_is_told(s3):
    assert opened(s3).document(target()) is None
    with pytest.raises(
        DataError, match=rf"is not published at {s3.root}/bars/.*all\.parquet: run the pipeline"
    ) as told:
        opened(s3).scan(target())
    sentence(told)


def test_a_bucket_that_is_not_there_is_told(tmp_path, s3):
    for said in refused(tmp_path, opened(s3, root="s3://nowhere/x")):
        assert said.startswith("s3://nowhere/x/bars/date=2026-01-05/all.parquet cannot be ") or "published" in said
        assert said.endswith("as there is no bucket nowhere: create it or mend `root`")


def test_wrong_credentials_are_told(tmp_path, s3):
    """The server tells users apart from now on, and knows none."""
    server = s3.storage["aws_endpoint_url"]
    asked(f"{server}/moto-api/reset-auth", "POST", b"0")
    try:
        for said in refused(tmp_path, opened(s3)):
            assert "as the store refuses access to bucket desk: see that the credentials" in said
    finally:
        asked(f"{server}/moto-api/reset-auth", "POST", b"Infinity")


def test_credentials_that_are_not_there_are_told(s3):
    """The last to be asked is the machine itself, here at an address where nobody is."""
    where = {name: value for name, value in s3.storage.items() if "key" not in name}
    output = opened(s3, storage={**where, "aws_metadata_endpoint": "http://127.0.0.1:9"})
    with pytest.raises(UserError, match="as there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET") as told:
        output.check(target())
    sentence(told)


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_told(tmp_path, s3):
    for said in refused(tmp_path, opened(s3, storage={**s3.storage, "aws_endpoint_url": "http://127.0.0.1:9"})):
        assert said.endswith(
            "as no server answers: see that aws_endpoint_url, in the environment or `storage`, is right and it runs"
        )


def test_an_option_that_is_none_is_told(s3):
    with pytest.raises(UserError, match=r"`storage` has an option that is none .*aws_nonsense.*: mend it") as told:
        opened(s3, storage={**s3.storage, "aws_nonsense": "1"}).check(target())
    sentence(told)


def test_an_object_that_is_no_parquet_is_told(tmp_path, s3):
    (tmp_path / "text").write_text("no Parquet at all")
    s3.put("bars/date=2026-01-05/all.parquet", tmp_path / "text")
    for read in (opened(s3).scan, opened(s3).document):
        with pytest.raises(DataError, match=r"all\.parquet is no readable Parquet file .*: remove it and run") as told:
            read(target())
        sentence(told)
