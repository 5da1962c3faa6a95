"""Object stores: a root that is a folder here or a prefix of an S3 bucket, and what it takes to reach it.

Endpoint and credentials come from the environment (`AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
`AWS_REGION`) or from an option table. A credential stands in that table as the name of an environment variable,
`"$NAME"`, and is looked up where it is used: so no plan, ledger, message or repr ever holds one.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from basalt.errors import UserError
from basalt.options import option
from basalt_io.paths import located

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_NAMED = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_SECRET = re.compile(r"secret|key|token|password|credential|sas", re.IGNORECASE)
_COLOUR = re.compile("\x1b\\[[0-9;]*m")
_ENDPOINTS = ("aws_endpoint_url", "aws_endpoint", "endpoint_url", "endpoint")


def storage_option() -> Any:
    """The option `storage` of a source or output whose root may be an object store."""
    return option(
        "how to reach an object store where the environment does not tell, as `aws_endpoint_url`, `aws_region`; "
        'credentials as the name of an environment variable, `aws_secret_access_key = "$DESK_SECRET"`',
        factory=dict,
    )


@attrs.frozen
class Location:
    """A folder or prefix: `uri` is an absolute path or `s3://bucket/prefix`, `storage` the option table as written."""

    uri: str
    storage: Mapping[str, str] = attrs.field(factory=dict, repr=False, hash=False)

    @property
    def path(self) -> Path | None:
        """The folder, where it is one of this machine."""
        return None if is_remote(self.uri) else Path(self.uri)

    @property
    def root(self) -> Path | str:
        """The folder, or the address of the prefix."""
        return self.path or self.uri

    @property
    def is_parquet(self) -> bool:
        """Whether it is one Parquet file, by its name."""
        return self.uri.endswith(".parquet") and (self.path is None or self.path.is_file())

    @property
    def above(self) -> "Location":
        """The folder or prefix it is in."""
        return Location(self.uri.rpartition("/")[0] or "/", self.storage)

    @property
    def options(self) -> dict[str, str] | None:
        """What deltalake and Polars take as `storage_options`; UserError for a variable that is not set."""
        return None if self.path is not None else _options(self.storage)

    def below(self, *steps: str) -> "Location":
        """A place further down."""
        return Location("/".join([self.uri.rstrip("/"), *steps]), self.storage)


def location(folder: Path, root: str, storage: Mapping[str, str]) -> Location:
    """The configured root; UserError for a scheme that is not S3 and for a credential that is written out."""
    scheme = _SCHEME.match(root)
    if scheme is None:
        if storage:
            raise UserError(f"`storage` is for object stores, and root {root!r} is a folder: leave `storage` out")
        return Location(str(located(folder, root)))
    if scheme[1] != "s3":
        raise UserError(f"root {_plain(root)!r} is of no known kind: give a folder, or s3://bucket/prefix")
    if not re.fullmatch(r"s3://[\w.-]+(/.*)?", root):
        raise UserError("root names no bucket: write it as s3://bucket/prefix")
    _refuse_written_out(storage)
    return Location(_address(root), dict(storage))


def _address(root: str) -> str:
    """One spelling of each prefix, so that places can be compared."""
    steps = [step for step in root.removeprefix("s3://").split("/") if step]
    if not {".", ".."}.isdisjoint(steps):
        raise UserError(f"root {root!r} has a step '.' or '..', which leads nowhere in a bucket: write it without")
    return "s3://" + "/".join(steps)


def is_remote(root: str) -> bool:
    """Whether that root is no folder of this machine."""
    return _SCHEME.match(root) is not None


def said(error: BaseException) -> str:
    """The first line of what a store's client says: those below it quote requests and answers."""
    text = getattr(error, "strerror", None) or str(error)
    lines = [line.strip() for line in _COLOUR.sub("", text).strip().splitlines()]
    first = lines[0] if lines else ""
    return first.partition(": <?xml")[0].rstrip(".: ") or type(error).__name__


def _refuse_written_out(storage: Mapping[str, str]) -> None:
    for name, value in storage.items():
        if _NAMED.fullmatch(value):
            continue
        if _SECRET.search(name) or "@" in value:
            raise UserError(
                f"storage.{name} holds a credential: put it in an environment variable and write the variable's "
                f'name, as {name} = "$MY_VARIABLE"'
            )


def _options(storage: Mapping[str, str]) -> dict[str, str]:
    found = {name: _looked_up(name, value) for name, value in storage.items()}
    endpoint = next((found[name] for name in _ENDPOINTS if name in found), os.environ.get("AWS_ENDPOINT_URL", ""))
    if endpoint.startswith("http://"):
        found.setdefault("aws_allow_http", "true")
    return found


def _looked_up(name: str, value: str) -> str:
    named = _NAMED.fullmatch(value)
    if named is None:
        return value
    variable = named[1] or named[2]
    if variable not in os.environ:
        raise UserError(f"storage.{name} names the environment variable {variable}, which is not set: set it")
    return os.environ[variable]


def _plain(root: str) -> str:
    """Without what stands before an @, which may be a password."""
    return re.sub(r"//[^/]*@", "//", root)
