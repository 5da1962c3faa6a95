"""Runs pipelines in processes that may be killed: `child.py SAY HEAR` (file descriptors), one request a line on stdin.

Each run is a fork of this process, which has imported what a run needs and started nothing, so that a run begins at
once. A run tells each of its events on SAY and asks before it goes on: whoever reads SAY may kill it between any two.
"""

import json
import os
import signal
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import polars  # noqa: F401 - so that no run has to

import basalt
import basalt.face
import basalt.running.inline
from basalt.planning.code import distribution_digest
from basalt.plugins.registry import open_registry

COMPONENTS = [
    ("sources", "parquet"),
    ("outputs", "parquet"),
    ("transforms", "market_state"),
    ("analytics", "trade"),
    ("analytics", "l2"),
    ("analytics", "generic"),
]
FACTS = ("name", "date", "batch", "place", "what", "error")


def main(say: int, hear: int) -> None:
    """Serve requests: `pipeline`, `dates`, `overrides`, whether it `asks`, and seconds `after` which it is killed."""
    _warm()
    for line in sys.stdin:
        _serve(json.loads(line), say, hear)


def _warm() -> None:
    """Load what runs load, and read the code that their keys tell of, once for all of them."""
    registry = open_registry()
    for kind, name in COMPONENTS:
        component = registry.get(kind, name)
        distribution_digest(component.load(), component.owner.distribution)


def _serve(request: dict[str, Any], say: int, hear: int) -> None:
    child = os.fork()
    if child == 0:
        code = 70
        try:
            code = _run(request, say, hear)
        finally:
            os._exit(code)
    _tell(say, kind="Started", process=child)
    code = _code(child, request["after"])
    if code is None:
        os.kill(child, signal.SIGKILL)
        code = _code(child)
    _tell(say, kind="Ended", code=code)


def _code(child: int, seconds: float | None = None) -> int | None:
    """The exit code of a child; None where it takes longer than so many seconds."""
    latest = time.monotonic() + (seconds or 0)
    ended, status = os.waitpid(child, 0 if seconds is None else os.WNOHANG)
    while not ended and time.monotonic() < latest:
        time.sleep(0.002)
        ended, status = os.waitpid(child, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _run(request: dict[str, Any], say: int, hear: int) -> int:
    def ask(event: object) -> None:
        _tell(say, kind=type(event).__name__, **{name: str(getattr(event, name, "")) for name in FACTS})
        os.read(hear, 1)

    dates = [date.fromisoformat(day) for day in request["dates"]] or None
    watching = [ask] if request["asks"] else []
    result = basalt.run(Path(request["pipeline"]), dates=dates, observers=watching, overrides=request["overrides"])
    for failure in result.failed:
        print(failure, file=sys.stderr)
    return result.exit_code


def _tell(say: int, **facts: object) -> None:
    os.write(say, json.dumps(facts).encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
