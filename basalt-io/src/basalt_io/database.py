"""Databases by URL: credentials come from the environment or a keyring, and nothing that is printed holds them.

A URL names values as `basalt_io.credentials` says: `postgresql://${PGUSER}:${PGPASSWORD}@host/results`, or
`${RESULTS_URL}` for the whole of it, or `postgresql://quant:${keyring:results/quant}@host/results`. They are asked for
once a `Database`. A password written into the URL itself is refused. SQLite files are relative to the pipeline file's
folder. SQLAlchemy is imported here and by what uses this, never by naming a component.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import attrs
import polars as pl
import sqlalchemy as sa

from basalt.errors import BasaltError, UserError
from basalt_io.credentials import BLANK, blanked, named
from basalt_io.files import first_line, refuse_unwritable

_CREDENTIALS = re.compile(r"://(?P<user>[^/?#@]*?)(?::(?P<password>[^/?#]*))?@")
_SECRET = re.compile(r"[?&][^=&]*(?:passw|pwd|secret|token)[^=&]*=([^&]*)", re.IGNORECASE)
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_SHOWN = ("host", "port")  # of what stands behind a URL's question mark
_PATIENCE = 60  # seconds that SQLite waits for another writer


@attrs.frozen
class Database:
    """The database that `url` leads to; `folder` is what SQLite files are relative to. Opened at first use."""

    url: str = attrs.field()
    folder: Path

    @url.validator
    def _refuse_written_secrets(self, _: Any, url: str) -> None:
        url = blanked(url)
        written = [url[start:end] for start, end in _secret_places(url)] if _CREDENTIALS.search(url) else []
        written += _SECRET.findall(url)
        with suppress(sa.exc.ArgumentError, ValueError):  # what is no URL yet, as a port may be a variable
            written.append(str(sa.make_url(url).password or ""))
        if any(secret.replace(BLANK, "") for secret in written):
            raise UserError(
                "url holds a password: put it into a variable of the environment and write ${NAME} in its place, or "
                "into a keyring and write ${keyring:SERVICE/USER}"
            )

    @property
    def place(self) -> str:
        """The URL without user, password and options."""
        url = self._resolved
        options = {name: url.query[name] for name in _SHOWN if name in url.query}
        shown = sa.URL.create(url.drivername.partition("+")[0], None, None, url.host, url.port, url.database, options)
        return shown.render_as_string()

    @property
    def file(self) -> Path | None:
        """The file of a SQLite database."""
        url = self._resolved
        return Path(str(url.database)) if url.drivername.startswith("sqlite") else None

    @property
    def is_there(self) -> bool:
        """False for a SQLite file that nobody has made yet; opening it would make it."""
        return self.file is None or self.file.exists()

    def check(self) -> None:
        """UserError where nobody answers, or a SQLite file can neither be opened nor made."""
        if self.file is not None:
            refuse_unwritable(self.file)
        if self.is_there:
            opening = self.failing(UserError, f"database {self.place} cannot be opened", "see that url is right")
            with opening, self.reading() as connection:
                sa.inspect(connection).get_schema_names()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection in a transaction that changes nothing."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A connection in one transaction: all of it, or nothing where anything is raised."""
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
        with self._engine.execution_options(writes=True).begin() as connection:
            yield connection

    @contextmanager
    def failing(self, kind: type[BasaltError], what: str, remedy: str) -> Iterator[None]:
        """What drivers, files and Polars raise becomes `kind`, one sentence without credentials or cause."""
        try:
            yield
        except (sa.exc.SQLAlchemyError, OSError, pl.exceptions.PolarsError, self._driver_error) as error:
            raise kind(f"{what} ({self._said(error)}): {remedy}") from None

    @property
    def dialect(self) -> sa.Dialect:
        """What the database calls things; connects to nobody."""
        return self._engine.dialect

    @property
    def _driver_error(self) -> type[Exception]:
        """What the driver raises where it is used without SQLAlchemy."""
        return cast(type[Exception], self._engine.dialect.loaded_dbapi.Error)

    def _said(self, error: BaseException) -> str:
        """The driver's first line, passwords struck out."""
        text = first_line(getattr(error, "orig", None) or error)
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    @property
    def _secrets(self) -> set[str]:
        """Values that are secret, plain and escaped: the password or the whole URL, and all of a keyring."""
        url, places = blanked(self.url), _secret_places(blanked(self.url))
        blanks = [found.start() for found in re.finditer(BLANK, url)]
        found = {
            value
            for one, value, at in zip(named(self.url), self._values, blanks, strict=True)
            if one.entry is not None or any(start <= at < end for start, end in places)
        }
        found |= {str(self._resolved.password or "")}
        return {text for secret in found if secret for text in (secret, quote(secret, safe=""))}

    @cached_property
    def _values(self) -> Sequence[str]:
        """What the URL names, in order; UserError for the first that is not there."""
        return [one.value() for one in named(self.url)]

    @property
    def _resolved(self) -> sa.URL:
        """The URL with the values it names; UserError that tells none of them."""
        filled = _filled(self.url, self._values)
        try:
            url = sa.make_url(filled)
        except (sa.exc.ArgumentError, ValueError):
            raise UserError("url is no database URL: write it as postgresql://host/name or sqlite:///file") from None
        url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
        if not url.drivername.startswith("sqlite"):
            return url
        if url.database in (None, "", ":memory:") or url.query:
            raise UserError("url names no SQLite file: write sqlite:/// and its path, without options")
        return url.set(database=os.path.realpath(self.folder / Path(str(url.database)).expanduser()))

    @property
    def _engine(self) -> sa.Engine:
        try:
            return _opened(self._resolved)
        except sa.exc.NoSuchModuleError:
            raise UserError(
                f"url names the database {self._resolved.drivername!r}, which SQLAlchemy does not know: use "
                "postgresql:// or sqlite:///, or install what adds it"
            ) from None
        except ModuleNotFoundError as error:
            raise UserError(
                f"url needs the driver {error.name}, which is not installed: pip install 'basalt-io[postgresql]', or "
                "install that driver"
            ) from None


def _filled(url: str, values: Sequence[str]) -> str:
    """The values in place; what stands in the user's or the password's is escaped."""
    url, rest = blanked(url), iter(values)
    credentials = _CREDENTIALS.search(url)
    end = credentials.end() if credentials else 0
    return re.sub(BLANK, lambda at: quote(next(rest), safe="") if at.end() <= end else next(rest), url)


def _secret_places(url: str) -> list[tuple[int, int]]:
    """Where in a blanked URL secrets stand: its password and options so named; where no user is told, all of it."""
    credentials = _CREDENTIALS.search(url)
    first = credentials.span("password") if credentials else (0, len(url))
    return [first, *(found.span(1) for found in _SECRET.finditer(url))]


@lru_cache
def _opened(url: sa.URL) -> sa.Engine:
    """One engine a process and database, so that connections are used again."""
    sqlite = url.drivername.startswith("sqlite")
    engine = sa.create_engine(
        url, hide_parameters=True, pool_pre_ping=True, connect_args={"timeout": _PATIENCE} if sqlite else {}
    )
    if sqlite:
        sa.event.listen(engine, "connect", _leave_transactions_to_us)
        sa.event.listen(engine, "begin", _begin)
    elif engine.dialect.name == "postgresql":
        sa.event.listen(engine, "connect", _speak_utc)
    return engine


def _leave_transactions_to_us(connection: Any, _: Any) -> None:
    """The driver of SQLite would begin none before it creates a table."""
    connection.isolation_level = None


def _begin(connection: sa.Connection) -> None:
    """Writers wait for each other at the beginning, where waiting cannot fail."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _speak_utc(connection: Any, _: Any) -> None:
    """Stamps are written and read as text, which must not depend on the server's or the user's settings."""
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute("SET datestyle TO 'ISO, YMD'")
    connection.commit()
