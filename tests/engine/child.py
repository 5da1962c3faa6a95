"""Runs a pipeline and asks before going on at each run event: `child.py PIPELINE SAY HEAR` (file descriptors).

Whoever reads SAY may kill this process between any two events.
"""

import os
import sys
from pathlib import Path

import basalt


def main(pipeline: str, say: int, hear: int) -> None:
    """Run it; one line an event, and one byte of leave for each."""

    def ask(event: object) -> None:
        facts = [getattr(event, name, "") for name in ("name", "date", "batch", "place")]
        os.write(say, (" ".join(map(str, [type(event).__name__, *facts])) + "\n").encode())
        os.read(hear, 1)

    basalt.run(Path(pipeline), observers=[ask])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
