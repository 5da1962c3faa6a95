"""An S3 server for the tests: moto's, in a process of its own on this machine, and what lies in its bucket `desk`."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import attrs
import pytest

from basalt_io.object_store import location
from basalt_io.objects import Objects

SECRET = "wJalrXUtnFEMI"
_SERVER = """
import sys
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("port", server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def started() -> Iterator[str]:
    """The server's address; the test is skipped where moto is not installed."""
    pytest.importorskip("moto.server", reason="the S3 tests start moto's server: install moto[server]")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", _SERVER], text=True, **pipes) as server:
        port = next(line for line in server.stdout if line.startswith("port")).split()[1]
        asked(f"http://127.0.0.1:{port}/desk", "PUT")
        yield f"http://127.0.0.1:{port}"
        server.kill()


def asked(address: str, method: str, body: bytes | None = None) -> None:
    """One request."""
    urlopen(Request(address, body, {"Content-Type": "text/plain"}, method=method)).close()


@attrs.frozen
class Prefix:
    """A prefix that is a test's own. `storage`: the option table, credentials by the names of variables."""

    root: str
    storage: dict[str, str]

    def tags(self) -> dict[str, str]:
        """Entity tags of all that is there, by key."""
        return {one.key: one.e_tag for one in self._objects.listed()}

    def put(self, key: str, file: Path) -> None:
        self._objects.put(key, file, "by a test")

    def remove(self, key: str) -> None:
        self._objects.remove(key)

    @property
    def _objects(self) -> Objects:
        return Objects(location(Path(), self.root, self.storage))
