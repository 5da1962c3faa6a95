"""Objects of an S3 bucket: put whole, listed, looked at and removed.

An object appears in one step, whatever its size: a small one in one request, a large one in parts that become the
object when the last is there. Parts of a writer that was killed are no object, and no reader sees them; a rule of the
bucket for incomplete uploads removes them.

`ObjectError` says why a store did not do it and what to do, in words that follow on "as".
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs
import obstore
from obstore.exceptions import BaseError, UnknownConfigurationKeyError
from obstore.store import S3Store

from basalt_io.object_store import Location, is_remote, said

_PART = 16 * 2**20
_PARTS_AT_ONCE = 4
_MARK = "basalt-staged"
_TIMEOUT = timedelta(minutes=5)  # of a request, which may carry a part over a slow line
_RETRIES = 4  # three seconds of them
_REFUSED = ("401 Unauthorized", "403 Forbidden", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch")
_OF_THE_MACHINE = ("/latest/api/token", "/latest/meta-data")  # asked last, where nothing else has credentials
_UNREACHABLE = ("error sending request", "(Connect)", "dns error", "operation timed out")


class ObjectError(Exception):
    """A store did not do what was asked: why, and what to do, in words that follow on "as"."""


@attrs.frozen
class Object:
    """An object as a listing has it. `key`: below the listed prefix."""

    key: str
    size: int
    e_tag: str | None


class Objects:
    """The objects of one bucket below one prefix; keys are relative to that. Pickles without its connections."""

    def __init__(self, root: Location) -> None:
        self.root = root
        self._has_bucket = False

    def __reduce__(self) -> tuple[type["Objects"], tuple[Location]]:
        return Objects, (self.root,)

    def put(self, key: str, file: Path, mark: str) -> None:
        """Make `file` the object, replacing what is there; `mark` is kept beside it. ObjectError if it fails, and then
        the old object is there or the new one, if the answer was lost. OSError where there is no such file."""
        how = {"chunk_size": _PART, "max_concurrency": _PARTS_AT_ONCE}
        told = {"Content-Type": "application/vnd.apache.parquet", _MARK: mark}
        file.stat()
        with self._asking():
            obstore.put(self._store, self._full(key), file, attributes=told, **how)

    def mark(self, key: str) -> str | None:
        """The mark that the object was put with; None where there is no object or no mark."""
        with self._asking(), suppress(FileNotFoundError):
            found = obstore.get(self._store, self._full(key), options={"head": True})
            return found.attributes.get(_MARK)
        return None

    def has(self, key: str) -> bool:
        """Whether there is such an object; ObjectError where there is no such bucket."""
        return self.described(key) is not None

    def described(self, key: str) -> Object | None:
        """The object as a listing would have it; None where there is none, ObjectError where there is no bucket."""
        with self._asking():
            try:
                found = obstore.head(self._store, self._full(key))
                return Object(key, found["size"], found["e_tag"])
            except FileNotFoundError:
                if not self._has_bucket:
                    self._see_bucket(key)
        return None

    def remove(self, key: str) -> None:
        """Remove the object, if it is there."""
        with self._asking(), suppress(FileNotFoundError):
            obstore.delete(self._store, self._full(key))

    def listed(self) -> Iterator[Object]:
        """Every object below the prefix, a thousand a request."""
        with self._asking():
            for chunk in obstore.list(self._store, self._prefix or None, chunk_size=1000):
                for one in chunk:
                    key = one["path"].removeprefix(self._prefix).lstrip("/")
                    if key:
                        yield Object(key, one["size"], one["e_tag"])

    def is_empty(self) -> bool:
        """Whether nothing is below the prefix."""
        return next(self.listed(), None) is None

    def try_out(self) -> None:
        """Put and remove an object of no bytes; ObjectError where that is not allowed."""
        key = self._full(".basalt-tried")
        with self._asking():
            obstore.put(self._store, key, b"")
            obstore.delete(self._store, key)

    def _see_bucket(self, key: str) -> None:
        """The answer to a look says only "not found"; the answer to a reader says whether that is the bucket."""
        try:
            obstore.get(self._store, self._full(key))
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise
        self._has_bucket = True

    @cached_property
    def _store(self) -> S3Store:
        config: Any = self.root.options
        return S3Store(
            self._bucket,
            config=config,
            client_options={"timeout": _TIMEOUT},
            retry_config={"max_retries": _RETRIES, "retry_timeout": _TIMEOUT},
        )

    @property
    def _bucket(self) -> str:
        return self.root.uri.removeprefix("s3://").partition("/")[0]

    @property
    def _prefix(self) -> str:
        return self.root.uri.removeprefix("s3://").partition("/")[2].strip("/")

    def _full(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except UnknownConfigurationKeyError as error:
            raise ObjectError(f"`storage` has an option that is none ({said(error)}): mend it") from error
        except (BaseError, OSError, ValueError) as error:
            raise ObjectError(why(error, self.root)) from error


def why(error: BaseException, root: Location) -> str:
    """What a store's client says of that place, without requests and answers; words that follow on "as"."""
    return trouble(error, root.uri) or f"its store says {said(error)!r}"


def trouble(error: BaseException, address: str) -> str | None:
    """The same where it is a store's refusal or silence, told by obstore or by Polars; None for anything else, and for
    a file of this machine."""
    if not is_remote(address):
        return None
    text, bucket = str(error), address.removeprefix("s3://").partition("/")[0]
    if any(sign in text for sign in _OF_THE_MACHINE):
        return (
            "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name the variables that "
            "hold them in `storage`"
        )
    if "NoSuchBucket" in text:
        return f"there is no bucket {bucket}: create it or mend `root`"
    if any(sign in text for sign in _REFUSED):
        return (
            f"the store refuses access to bucket {bucket}: see that the credentials in the environment or `storage` "
            "are right and may do that"
        )
    if any(sign in text for sign in _UNREACHABLE):
        return "no server answers: see that aws_endpoint_url, in the environment or `storage`, is right and it runs"
    return "it is gone: see who removed it" if isinstance(error, FileNotFoundError) else None
