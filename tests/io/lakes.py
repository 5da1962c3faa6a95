"""Tables that some other program wrote, in each place a source reads; and the command line run over them."""

import io
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import polars as pl
import pytest
import sqlalchemy as sa
from deltalake import write_deltalake
from s3_server import Prefix
from sql_servers import Store

from basalt.cli.main import run
from basalt_io.object_store import location
from basalt_io.outputs.sql_types import for_sqlite, sql_type, stored

KINDS = ("parquet", "parquet-s3", "delta", "delta-s3", "sqlite", "postgresql")
GENERIC = '{ measures = ["Volume"], sides = ["Total", "Buy"] }'
PIPELINE = """
name = "desk"
outputs = [{{ type = "parquet", root = "out" }}]
passes = [{{ name = "bars", every = "1m", modules = [{{ module = "trade", generic = [{generic}] }}] }}]
[source]
{source}
"""


@attrs.frozen
class Ended:
    """How a command line ended."""

    code: int
    out: str
    err: str


@attrs.frozen
class Lake(ABC):
    """A place of a test's own. `folder`: where commands run."""

    folder: Path

    @abstractmethod
    def put(self, table: str, frame: pl.DataFrame) -> None:
        """Make it the whole table."""

    @property
    @abstractmethod
    def source(self) -> dict[str, Any]:
        """The source's options, `type` among them."""

    @abstractmethod
    def lies(self, table: str) -> str:
        """What messages call the place of that table's rows."""

    def call(self, capsys: pytest.CaptureFixture[str], *args: str) -> Ended:
        """`basalt` with these arguments, in this process."""
        capsys.readouterr()
        code = run(args)
        return Ended(code, *capsys.readouterr())

    def pipeline(self, *more: str) -> Path:
        """A pipeline that reads it; `more`: lines of [source]."""
        lines = [f"{name} = {_toml(value)}" for name, value in self.source.items()]
        file = self.folder / "pipeline.toml"
        file.write_text(PIPELINE.format(generic=GENERIC, source="\n".join([*lines, *more])))
        return file


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(each)}" for name, each in value.items()) + " }"
    return f"'{value}'"


@attrs.frozen
class Files(Lake):
    """Parquet or Delta tables, in a folder or in a prefix of the S3 server. Delta as other writers have it: labels are
    text, stamps microseconds."""

    kind: str
    s3: Prefix | None

    @property
    def root(self) -> str:
        return self.s3.root if self.s3 else str(self.folder / "lake")

    @property
    def source(self) -> dict[str, Any]:
        storage = {"storage": self.s3.storage} if self.s3 else {}
        return {"type": self.kind, "root": self.root, **storage}

    def put(self, table: str, frame: pl.DataFrame) -> None:
        if self.kind == "parquet":
            self.put_file(table, content(frame))
            return
        options = location(self.folder, self.root, self.s3.storage).options if self.s3 else None
        frame = frame.with_columns(pl.col(pl.Enum).cast(pl.String))
        stamps = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime)]
        frame = frame.with_columns(pl.col(stamps).dt.cast_time_unit("us"))
        how = {"mode": "overwrite", "schema_mode": "overwrite", "storage_options": options}
        write_deltalake(f"{self.root}/{table}", frame, **how)

    def put_file(self, table: str, content: bytes) -> None:
        """The table's one file, of these bytes."""
        file = self.folder / ("to be put" if self.s3 else f"lake/{table}.parquet")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        if self.s3:
            self.s3.put(f"{table}.parquet", file)

    def lies(self, table: str) -> str:
        return f"{self.root}/{table}" + (".parquet" if self.kind == "parquet" else "")


def content(frame: pl.DataFrame, **how: Any) -> bytes:
    """The bytes of a Parquet file of it."""
    file = io.BytesIO()
    frame.write_parquet(file, **how)
    return file.getvalue()


@attrs.frozen
class Tables(Lake):
    """Tables of a database."""

    store: Store

    @property
    def source(self) -> dict[str, Any]:
        schema = {"schema": self.store.schema} if self.store.schema else {}
        return {"type": "sql", "url": self.store.url, **schema}

    def put(self, table: str, frame: pl.DataFrame) -> None:
        columns = [sa.Column(name, sql_type(dtype)) for name, dtype in frame.schema.items()]
        made = sa.Table(table, sa.MetaData(), *columns, schema=self.store.schema)
        raw = sa.table(table, *(sa.column(name) for name in frame.columns), schema=self.store.schema)
        rows = stored(frame)
        rows = for_sqlite(rows) if self.store.is_sqlite else rows
        with self.store._engine().begin() as connection:
            made.drop(connection, checkfirst=True)
            made.create(connection)
            if len(rows):
                connection.execute(sa.insert(raw), rows.rows(named=True))

    def lies(self, table: str) -> str:
        return self.store.url.rpartition("/")[2].partition("?")[0]


def made(kind: str, request: pytest.FixtureRequest | None, folder: Path) -> Lake:
    """An empty one."""
    from sql_servers import postgresql_store

    if kind == "sqlite":
        return Tables(folder, Store("sqlite:///results.db", None, folder))
    if kind == "postgresql":
        return Tables(folder, postgresql_store(request.getfixturevalue("postgresql"), folder))
    name, _, where = kind.partition("-")
    return Files(folder, name, request.getfixturevalue("s3") if where else None)


def sentence(ended: Ended) -> str:
    """The one sentence of a command that failed, without `error: `."""
    told: Sequence[str] = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert len(told) == 1, ended.err
    assert "Traceback" not in ended.err
    assert "defect of basalt" not in ended.err
    return told[0].removeprefix("error: ")
