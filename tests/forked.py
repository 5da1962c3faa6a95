"""Processes that may be killed at any step: forks of a warm one, so that each begins at once.

A *host* is a script that imports what its forks need, starts no thread of its own and calls `serve`. Each request is
done by a fork, which *tells* what it does and, where it *asks*, waits after each until it was heard: whoever listens
may kill it between any two, with a real SIGKILL.
"""

import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

Told = Mapping[str, Any]
Tell = Callable[..., None]


def serve(work: Callable[[dict[str, Any], Tell], int]) -> None:
    """The host's side: serve requests, one a line on stdin; the arguments are the descriptors to speak and to listen.

    `work` does one and returns its exit code; `tell(kind, **facts)` tells. A request has, whether it `asks`, and
    seconds `after` which it is killed.
    """
    say, hear = int(sys.argv[1]), int(sys.argv[2])
    gc.freeze()  # what forks share stays shared
    for line in sys.stdin:
        request = json.loads(line)
        (wait, let_go), child = os.pipe(), os.fork()
        if child == 0:
            code = 70
            os.read(wait, 1)
            try:
                code = work(request, _teller(say, hear, request["asks"]))
            finally:
                os._exit(code)
        tell(say, kind="Started", process=child)
        os.write(let_go, b".")
        os.close(wait)
        os.close(let_go)
        code = _code(child, request["after"])
        if code is None:
            os.kill(child, signal.SIGKILL)
            code = _code(child)
        tell(say, kind="Ended", code=code)


def tell(say: int, **facts: object) -> None:
    """One line, whole, whoever else writes there."""
    os.write(say, json.dumps(facts).encode() + b"\n")


def _teller(say: int, hear: int, asks: bool) -> Tell:
    def told(kind: str, **facts: object) -> None:
        tell(say, kind=kind, **facts)
        if asks:
            os.read(hear, 1)

    return told


def _code(child: int, seconds: float | None = None) -> int | None:
    """The exit code of a child; None where it takes longer than so many seconds."""
    latest = time.monotonic() + (seconds or 0)
    ended, status = os.waitpid(child, 0 if seconds is None else os.WNOHANG)
    while not ended and time.monotonic() < latest:
        time.sleep(0.002)
        ended, status = os.waitpid(child, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


class Host:
    """A host, seen from the test: it does one request at a time."""

    def __init__(self, script: Path, *arguments: str) -> None:
        (heard, self.say), (hear, self._leave) = os.pipe(), os.pipe()
        self._host = subprocess.Popen(
            [sys.executable, str(script), str(self.say), str(hear), *arguments],
            stdin=subprocess.PIPE,
            pass_fds=(self.say, hear),
            text=True,
            start_new_session=True,
        )
        os.close(hear)
        self._heard = os.fdopen(heard)
        self.process = 0

    @property
    def session(self) -> int:
        """The session that all its descendants are of."""
        return self._host.pid

    def close(self) -> None:
        """End it."""
        os.close(self._leave)
        self._host.stdin.close()
        self._host.wait(20)
        os.close(self.say)
        self._heard.close()

    def ask(self, request: Mapping[str, Any], asks: bool, after: float | None = None) -> None:
        """Have it begin."""
        self._host.stdin.write(json.dumps({**request, "asks": asks, "after": after}) + "\n")
        self._host.stdin.flush()
        self.process = self.next()["process"]

    def next(self) -> Told:
        """What is told next."""
        return json.loads(self._heard.readline())

    def go_on(self, told: Told) -> None:
        """Let go on who asked, when that was told."""
        os.write(self._leave, b".")

    def events(self, request: Mapping[str, Any]) -> Iterator[Told]:
        """Each step; the next one happens when it is asked for. The last one tells the exit code."""
        self.ask(request, asks=True)
        while True:
            told = self.next()
            yield told
            if told["kind"] == "Ended":
                return
            self.go_on(told)

    def killed(self, request: Mapping[str, Any], at: Callable[[Told], bool]) -> list[Told]:
        """Go until the first step that `at` says, and kill it there; the steps up to then."""
        told = self.killed_if(request, at)
        assert told, "it ended before"
        return told

    def killed_if(self, request: Mapping[str, Any], at: Callable[[Told], bool]) -> list[Told]:
        """The same; no steps where none was such and it ended well."""
        told = []
        for event in self.events(request):
            told.append(event)
            if event["kind"] != "Ended" and at(event):
                self.kill()
                assert self.ended() == -signal.SIGKILL
                return told
        assert told[-1]["code"] == 0, told
        return []

    def killed_after(self, request: Mapping[str, Any], seconds: float) -> bool:
        """Go for so long, if it takes as long; whether it was killed. It asks nobody and fails nothing."""
        self.ask(request, asks=False, after=seconds)
        code = self.ended()
        assert code in (0, -signal.SIGKILL)
        return code == -signal.SIGKILL

    def ended(self) -> int:
        """Wait for its end; the exit code."""
        while (told := self.next())["kind"] != "Ended":
            pass
        return told["code"]

    def kill(self) -> None:
        """SIGKILL for what is under way, if it still is."""
        with suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)
