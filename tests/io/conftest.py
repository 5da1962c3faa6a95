"""Where the tests of basalt-io find real data, and the partition they publish."""

import datetime as dt
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from basalt.outputs import Target

sys.path.insert(0, str(Path(__file__).parent))  # for what stands beside this file
if TYPE_CHECKING:
    import stores
    from s3_proxy import Proxy
    from s3_server import Prefix
    from sql_servers import Store
    from writers import Writers
SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"


@pytest.fixture(scope="session")
def lobster_folder() -> Path:
    """AMZN, a whole day at one level, and the first 999 rows of AAPL at ten levels."""
    folder = SHARED / "lobster"
    if not folder.is_dir():
        pytest.skip("the LOBSTER sample files are not in the folder `shared/data/lobster` beside the checkout")
    return folder.resolve()


@pytest.fixture
def target() -> Target:
    """The partition that most tests publish."""
    return Target("equities", "bars", dt.date(2024, 3, 8), "xlon", "parquet")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of this session's own."""
    from sql_servers import started

    with started() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path) -> "Store":
    """A place for tables in each of the databases, empty at first."""
    from sql_servers import Store, postgresql_store

    if request.param == "sqlite":
        return Store("sqlite:///results.db", None, tmp_path)
    return postgresql_store(request.getfixturevalue("postgresql"), tmp_path)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 server of this session's own, with the bucket `desk`."""
    from s3_server import started

    with started() as address:
        yield address


@pytest.fixture
def s3(s3_server, monkeypatch) -> "Prefix":
    """An empty prefix; no setting of the machine's own reaches the test."""
    from s3_server import SECRET, Prefix

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DESK_ID", "desk")
    monkeypatch.setenv("DESK_SECRET", SECRET)
    storage = {"aws_access_key_id": "$DESK_ID", "aws_secret_access_key": "${DESK_SECRET}"}
    where = {"aws_endpoint_url": s3_server, "aws_region": "us-east-1"}
    return Prefix(f"s3://desk/{uuid4().hex}", {**where, **storage})


@pytest.fixture(scope="module")
def proxy(s3_server) -> "Iterator[Proxy]":
    """What writers see of the S3 server that may be killed between what it does and what it answers."""
    from s3_proxy import before

    with before(s3_server) as made:
        yield made


@pytest.fixture(scope="module")
def writers(proxy) -> "Iterator[Writers]":
    """Writers that can be killed."""
    from writers import Writers

    made = Writers(proxy)
    yield made
    made.close()


@pytest.fixture(params=["parquet", "delta", "sqlite", "postgresql", "parquet-s3", "delta-s3"])
def six(request, tmp_path) -> "stores.Store":
    """An empty store of each kind."""
    from sql_servers import Store, postgresql_store
    from stores import Delta, Parquet, Tables, backends_idle

    kind, _, place = request.param.partition("-")
    made = {"parquet": Parquet, "delta": Delta}.get(kind)
    if place:
        s3, proxy = (request.getfixturevalue(name) for name in ("s3", "proxy"))
        return made(request.param, tmp_path, proxy.quiet, s3.root, s3.storage)
    if made:
        return made(request.param, tmp_path, lambda: None, "lake", {})
    if kind == "sqlite":
        return Tables(request.param, tmp_path, lambda: None, Store("sqlite:///results.db", None, tmp_path))
    database = postgresql_store(request.getfixturevalue("postgresql"), tmp_path)
    return Tables(request.param, tmp_path, lambda: backends_idle(database), database)


@pytest.fixture
def spool(tmp_path):
    """Writes a frame as the batch files that the engine hands over: two, where it has two rows."""

    def written(frame):
        folder = tmp_path / "spool" / str(len(list(tmp_path.glob("spool/*"))))
        folder.mkdir(parents=True)
        half = frame.height // 2
        for i, part in enumerate([frame[:half], frame[half:]] if half else [frame]):
            part.write_parquet(folder / f"{i}.parquet")
        return sorted(folder.iterdir())

    return written


@pytest.fixture
def publish(spool, target):
    """Stages and commits the rows of `sql_rows` to an output."""
    from sql_rows import document

    def published(output, frame, to=target, key="first"):
        staged = output.stage(to, spool(frame), document(key))
        output.commit(staged, key)
        return staged

    return published
