"""Six stores that partitions are published to, each seen as a reader sees it who knows nothing of basalt."""

import hashlib
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import attrs
import obstore
import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from obstore.store import S3Store
from sql_servers import Store as Database

from basalt.outputs import Output
from basalt_io.object_store import Location, location
from basalt_io.outputs.delta import DeltaOutput, DeltaOutputOptions
from basalt_io.outputs.parquet import ParquetOutput, ParquetOutputOptions
from basalt_io.outputs.sql import SqlOutput, SqlOutputOptions

OUTPUTS: Mapping[str, tuple[Any, Any]] = {
    "parquet": (ParquetOutput, ParquetOutputOptions),
    "delta": (DeltaOutput, DeltaOutputOptions),
    "sql": (SqlOutput, SqlOutputOptions),
}
ORDER = ["Date", "ListingId", "TimeBucket"]


@attrs.frozen
class Seen:
    """Every row of a pass, in order; and by date what holds it, files by digest or rows, by place."""

    rows: list[tuple[Any, ...]]
    held: dict[date, dict[str, Any]]


def opened(kind: str, options: Mapping[str, Any], folder: str | Path) -> Output:
    """The output of that kind."""
    made, config = OUTPUTS[kind]
    return made(config(**options), Path(folder))


@attrs.frozen
class Store(ABC):
    """A place of a test's own. `folder`: what relative places are relative to. `settled` returns when a server has done
    what killed clients asked of it."""

    name: str
    folder: Path
    settled: Callable[[], None]

    @property
    @abstractmethod
    def kind(self) -> str:
        """The output's name."""

    @property
    @abstractmethod
    def options(self) -> dict[str, Any]:
        """The output's options."""

    @abstractmethod
    def seen(self, result: str) -> Seen | None:
        """What a reader finds of a pass; None where that is nothing."""

    @abstractmethod
    def rest(self, result: str) -> list[str]:
        """What is there of a pass and part of no partition."""

    @property
    def is_swept(self) -> bool:
        """Whether the next writer removes what a killed one left."""
        return True

    def tidy(self, result: str) -> None:
        """Remove it where that is for others to do."""
        return

    def output(self) -> Output:
        """The output, opened anew."""
        return opened(self.kind, self.options, self.folder)


@attrs.frozen
class Files(Store):
    """A folder of this machine, or a prefix of a bucket; `storage` is the option table of one."""

    root: str
    storage: dict[str, str]

    @property
    def options(self) -> dict[str, Any]:
        return {"root": self.root, "storage": self.storage}

    @property
    def where(self) -> Location:
        return location(self.folder, self.root, self.storage)

    def names(self, result: str) -> list[str]:
        """Every file of a pass, hidden ones too."""
        if (root := self.where.path) is not None:
            return [file.relative_to(root).as_posix() for file in (root / result).rglob("*") if file.is_file()]
        found = obstore.list(self._bucket, f"{self._prefix}/{result}").collect()
        return [one["path"].removeprefix(f"{self._prefix}/") for one in found]

    def digest(self, name: str) -> str:
        """Of a file's bytes."""
        if (root := self.where.path) is not None:
            data = (root / name).read_bytes()
        else:
            data = bytes(obstore.get(self._bucket, f"{self._prefix}/{name}").bytes())
        return hashlib.sha256(data).hexdigest()

    @property
    def _prefix(self) -> str:
        return self.root.removeprefix("s3://").partition("/")[2]

    @property
    def _bucket(self) -> S3Store:
        return S3Store(self.root.removeprefix("s3://").partition("/")[0], config=self.where.options)


class Parquet(Files):
    kind = "parquet"

    def seen(self, result: str) -> Seen | None:
        held = defaultdict(dict)
        for name in filter(_is_shown, self.names(result)):
            held[date.fromisoformat(name.partition("/date=")[2][:10])][name] = self.digest(name)
        if not held:
            return None
        files = f"{self.where.uri}/{result}/**/*.parquet"
        rows = pl.read_parquet(files, hive_partitioning=False, storage_options=self.where.options)
        return Seen(rows.sort(ORDER).rows(), held)

    def rest(self, result: str) -> list[str]:
        """Uploads that wait on this machine too."""
        staged = [str(file.relative_to(self.folder)) for file in self.folder.glob("spool/**/.*")]
        return sorted([name for name in self.names(result) if not _is_shown(name)] + staged)


class Delta(Files):
    kind = "delta"

    def seen(self, result: str) -> Seen | None:
        table, held = self._table(result), defaultdict(dict)
        if table is None or not table.file_uris():
            return None
        for path, day in pl.DataFrame(table.get_add_actions(flatten=True)).select("path", "partition.Date").rows():
            held[day][path] = self.digest(f"{result}/{path}")
        return Seen(pl.scan_delta(table).sort(ORDER).collect().rows(), held)

    def rest(self, result: str) -> list[str]:
        data = [name.partition("/")[2] for name in self.names(result) if "/_delta_log/" not in name]
        table = self._table(result)
        told = {entry.get("basalt.file") for entry in table.history()} if table else set()
        return sorted(name for name in data if name not in told)

    @property
    def is_swept(self) -> bool:
        """In a bucket, a vacuum does that."""
        return self.where.path is not None

    def tidy(self, result: str) -> None:
        if not self.is_swept:
            self._table(result).vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)

    def _table(self, result: str) -> DeltaTable | None:
        with suppress(TableNotFoundError):
            return DeltaTable(f"{self.where.uri}/{result}", storage_options=self.where.options)
        return None


@attrs.frozen
class Tables(Store):
    """A schema of a database."""

    database: Database
    kind = "sql"

    @property
    def options(self) -> dict[str, Any]:
        return {"url": self.database.url, "schema": self.database.schema}

    def seen(self, result: str) -> Seen | None:
        """With what stands in the books of each partition."""
        if result not in self.database.tables():
            return None
        place = "rowid" if self.database.is_sqlite else "ctid"
        found = self.database.run(f'SELECT {place}, * FROM {{}}"{result}" ORDER BY "Date", "ListingId", "TimeBucket"')
        facts = "l.date, l.universe, l.run_key, l.rows, c.document"
        books = f"""SELECT {facts} FROM {{}}"basalt_ledger" l JOIN {{}}"basalt_columns" c
            ON c.table_name = l.table_name AND c.date = l.date WHERE l.table_name = '{result}' ORDER BY l.date"""
        held = defaultdict(dict)
        for where, day, *row in found:
            held[date.fromisoformat(str(day))][str(where)] = row
        return Seen([*self.database.run(books), *(row[1:] for row in found)], held) if found else None

    def rest(self, result: str) -> list[str]:
        return [name for name in self.database.tables() if name.startswith("basalt_staged")]


def backends_idle(database: Database, seconds: float = 20) -> None:
    """Wait until the server has ended what clients asked for that are gone."""
    latest = time.monotonic() + seconds
    busy = "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state NOT IN ('idle', 'disabled')"
    while database.run(busy) != [(0,)]:
        assert time.monotonic() < latest, "a statement never ends"
        time.sleep(0.001)


def _is_shown(name: str) -> bool:
    """Whether a reader's `*.parquet` matches it."""
    return name.endswith(".parquet") and not name.rpartition("/")[2].startswith(".")
