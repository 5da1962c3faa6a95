"""A server in front of an S3 server, which hears of each change when it is made and before the client does.

So a client can be killed when the store has done what it asked for and the answer is on its way.
"""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Tell = Callable[[str], None]


class Proxy(ThreadingHTTPServer):
    """Hands all it is asked on to the server at `behind`."""

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = urlsplit(behind).netloc
        self.busy = 0
        self.lock = threading.Lock()
        self._tell: Tell | None = None
        self._answers = threading.Semaphore(0)

    @property
    def address(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self.server_port}"

    def watch(self, tell: Tell) -> None:
        """Tell each change from now on, and answer none before `answer`."""
        self._tell, self._answers = tell, threading.Semaphore(0)

    def answer(self) -> None:
        """Answer one that was told."""
        self._answers.release()

    def unwatch(self) -> None:
        """Tell no more; who waits for an answer waits until `quiet`."""
        with self.lock:
            self._tell = None

    def quiet(self, seconds: float = 20) -> None:
        """Answer all, and return when what was asked before is done and nobody is connected."""
        self.unwatch()
        self._answers.release(100)
        last = http.client.HTTPConnection(f"127.0.0.1:{self.server_port}")  # who connected before was let in before
        last.request("GET", "/desk?max-keys=0")
        last.getresponse().read()
        last.close()
        latest = time.monotonic() + seconds
        while self.busy:
            assert time.monotonic() < latest, "a request never ends"
            time.sleep(0.001)

    def changed(self, what: str) -> None:
        """Tell, if somebody watches, and wait."""
        with self.lock:
            answers = self._answers if self._tell else None
            if self._tell:
                self._tell(what)
        if answers:
            answers.acquire()


@contextmanager
def before(server: str) -> Iterator[Proxy]:
    """One in front of that server."""
    with Proxy(server) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.05,))
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version, wbufsize, disable_nagle_algorithm = "HTTP/1.1", -1, True
    server: Proxy

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.busy += 1

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        with self.server.lock:
            self.server.busy -= 1

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def do_GET(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        self.close_connection = len(body) < size
        if self.close_connection:  # its client is gone, and a store takes no half of a body
            return
        asked = http.client.HTTPConnection(self.server.behind)
        asked.request(self.command, self.path, body, dict(self.headers))
        answer = asked.getresponse()
        told = answer.read()
        asked.close()
        if self.command in ("PUT", "POST", "DELETE"):
            self.server.changed(f"{self.command} {_kind(self.path)}")
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - as the standard library asks for them

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _kind(path: str) -> str:
    """What an object is, whatever its name."""
    name, _, query = path.partition("?")
    what = "log" if "/_delta_log/" in name else "marker" if name.endswith(".staged") else "data"
    return f"{what} {query.partition('=')[0]}".strip()
